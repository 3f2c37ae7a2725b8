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
mod vocabulary;
mod words;

use std::cell::OnceCell;
use std::sync::LazyLock;

use aho_corasick::packed as packed_search;
use aho_corasick::packed::Searcher;

use crate::pyc::Code;
use crate::pyc::Text;
use crate::pyc::Tree;
use crate::pyc::Value;
use crate::secret;
use words::Words;

pub use calls::Chain;
pub use calls::Seen;
pub use calls::Sighting;
pub use indicator::Indicator;
pub use indicator::IndicatorKind;
pub use names::Alike;
pub use packed::Packed;
pub use packed::PackedConstant;
pub use vocabulary::Vocabulary;

/// What is seen in one file: looked for when it is first asked for, behind a quick look.
#[derive(Debug)]
pub struct Content<'a> {
    tree: &'a Tree<'a>,
    words: OnceCell<Words>,
    sightings: OnceCell<Vec<Sighting>>,
    texts: OnceCell<Texts>,
}

/// What a quick look at a file saw, as far as it was asked for: it is the same for all files of the same bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Glance {
    words: Option<Words>,
    texts: Option<Texts>,
}

/// Which texts that are searched for are anywhere in a file.
#[derive(Clone, Copy, Debug)]
struct Texts {
    secrets: bool,
    indicators: bool,
}

/// How the long prefixes of secrets and the texts of indicators begin, searched for in one pass with vector instructions, where
/// the processor has them.
static TEXTS: LazyLock<Option<Searcher>> = LazyLock::new(|| {
    let texts = secret::long_prefixes().chain(indicator::TEXTS.iter().map(|(text, _)| *text));
    // There are a few more texts than the 64 up to which the search is chosen by itself.
    packed_search::Config::new().heuristic_pattern_limits(false).builder().extend(texts).build()
});

impl<'a> Content<'a> {
    /// The content of a file, of which so much is known.
    pub fn new(tree: &'a Tree<'a>, known: Glance) -> Self {
        let words = known.words.map_or_else(OnceCell::new, OnceCell::from);
        let texts = known.texts.map_or_else(OnceCell::new, OnceCell::from);
        Self { tree, words, sightings: OnceCell::new(), texts }
    }

    /// What is known by now.
    pub fn glance(&self) -> Glance {
        Glance { words: self.words.get().copied(), texts: self.texts.get().copied() }
    }

    fn words(&self) -> Words {
        *self.words.get_or_init(|| words::of(self.tree))
    }

    fn texts(&self) -> Texts {
        *self.texts.get_or_init(|| {
            let bytes = self.tree.bytes();
            let Some(searcher) = &*TEXTS else {
                return Texts { secrets: secret::may_hold(bytes), indicators: indicator::may_hold(bytes) };
            };
            let mut texts = Texts { secrets: false, indicators: false };
            let prefixes = secret::long_prefixes().count();
            for hit in searcher.find_iter(bytes) {
                let is_secret = hit.pattern().as_usize() < prefixes;
                texts.secrets |= is_secret;
                texts.indicators |= !is_secret;
                if texts.secrets && texts.indicators {
                    break;
                }
            }
            texts.secrets = texts.secrets || secret::may_hold_short(bytes);
            texts
        })
    }

    /// Whether there may be a secret in the file: see [`secret::may_hold`].
    pub fn may_hold_secrets(&self) -> bool {
        self.texts().secrets
    }

    /// The strings that point to what malware does.
    pub fn indicators(&self) -> Vec<Indicator<'a>> {
        if self.texts().indicators { indicator::indicators(self.tree) } else { Vec::new() }
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
