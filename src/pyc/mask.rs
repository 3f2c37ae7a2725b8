//! Strings that are shown otherwise than they are.
//!
//! Which strings, and as what, is for the caller to say: this room knows nothing of secrets. A string is masked as a whole, before it
//! is cut, escaped or put among others, so that what is masked ends where it ends in the file.

use std::collections::HashMap;

use crate::name::Name;

use super::objects::Text;
use super::objects::Tree;
use super::signature;

/// What strings of one file are shown as. The default masks nothing.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    /// By where a string is in memory, and its length: a string that many refer to is searched once.
    shown: HashMap<(usize, usize), Box<[u8]>>,
}

impl Mask {
    /// Asks for every string of a file what it is shown as; `None` for the string itself.
    pub fn new(tree: &Tree<'_>, mut masked: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Self {
        let strings = tree.strings().filter_map(|(_, string)| Some((place(string), masked(string)?.into())));
        Self { shown: strings.collect() }
    }

    /// A string of the file as it is shown.
    pub fn bytes<'m>(&'m self, bytes: &'m [u8]) -> &'m [u8] {
        if self.shown.is_empty() {
            return bytes;
        }
        self.shown.get(&place(bytes)).map_or(bytes, |shown| shown)
    }

    /// A text of the file as it is shown.
    pub fn text<'m>(&'m self, text: Text<'m>) -> Text<'m> {
        Text { bytes: self.bytes(text.bytes), encoding: text.encoding }
    }

    /// A name for showing: masked, and cut when it is very long.
    pub fn short_name(&self, text: Text<'_>) -> Name {
        signature::short_name(self.text(text))
    }
}

fn place(bytes: &[u8]) -> (usize, usize) {
    (bytes.as_ptr().addr(), bytes.len())
}
