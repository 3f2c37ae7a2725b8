//! What code is seen to hold and to call: packed constants, text that is decoded and run, modules and attributes by computed
//! names, calls that change the interpreter, marks of protectors, names that look alike.
//!
//! It says what is seen and where, by instructions and constants and never by the text of a source. It does not follow the
//! flow of control or values from function to function, and it does not judge: rules do.

mod calls;
mod indicator;
mod names;
mod packed;
mod protector;
mod words;

use std::cell::OnceCell;

use crate::pyc::Code;
use crate::pyc::Text;
use crate::pyc::Tree;
use crate::pyc::Value;
use words::Words;

pub use calls::Chain;
pub use calls::Seen;
pub use calls::Sighting;
pub use indicator::Indicator;
pub use indicator::IndicatorKind;
pub use indicator::indicators;
pub use indicator::may_hold;
pub use names::Alike;
pub use packed::Packed;
pub use packed::PackedConstant;

/// What is seen in one file: looked for when it is first asked for, behind a quick look.
#[derive(Debug)]
pub struct Content<'a> {
    tree: &'a Tree<'a>,
    words: OnceCell<Words>,
    sightings: OnceCell<Vec<Sighting>>,
}

impl<'a> Content<'a> {
    /// The content of a file; nothing is looked at yet.
    pub fn new(tree: &'a Tree<'a>) -> Self {
        Self { tree, words: OnceCell::new(), sightings: OnceCell::new() }
    }

    fn words(&self) -> Words {
        *self.words.get_or_init(|| words::of(self.tree))
    }

    /// The constants that hold something packed.
    pub fn packed(&self) -> Vec<PackedConstant> {
        if self.words().has(Words::PACKED) { packed::constants(self.tree) } else { Vec::new() }
    }

    /// The names that look alike, when there are some.
    pub fn alike(&self) -> Option<Alike> {
        if self.words().has(Words::ALIKE) { names::count(self.tree) } else { None }
    }

    /// The protector whose marks are among the names of the code, with one of them.
    pub fn protector(&self) -> Option<(&'static str, Code<'a>, Text<'a>)> {
        if !self.words().has(Words::PROTECTOR) {
            return None;
        }
        self.tree.codes().find_map(|code| {
            let names = code.names().iter().filter_map(Value::as_name);
            // `from pyarmor_runtime_000000 import __pyarmor__`, and imports with a dot.
            let (protector, name) = names.into_iter().find_map(|name| {
                let mut parts = name.bytes.split(|&byte| byte == b'.');
                parts.find_map(protector::of).map(|protector| (protector, name))
            })?;
            Some((protector, code, name))
        })
    }

    /// What is called in a way that rules look at.
    pub fn sightings(&self) -> &[Sighting] {
        self.sightings.get_or_init(|| calls::look(self.tree, self.words()))
    }
}
