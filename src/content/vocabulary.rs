//! The words of a module: the names of its variables, attributes and functions.

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::LazyLock;

use crate::pyc::Tree;

/// The words of one module, each with where it is in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// A sum over all words, equal for equal sets.
    sum: u64,
    text: Vec<u8>,
    /// Where each word ends in the text.
    ends: Vec<u32>,
}

/// The longest word that is kept; names are shorter.
const LONGEST: usize = 64;

/// The name that an assert loads up to 3.8.
const ASSERTION: &[u8] = b"AssertionError";

/// A number that nobody knows beforehand, so that nobody can choose words with equal sums.
static KEY: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) | 1);

impl Vocabulary {
    /// The words of a file. Names in double underscores are left out, since compilers add some of their own, and so is what an
    /// assert needs up to 3.8.
    pub fn of(tree: &Tree<'_>) -> Self {
        let mut vocabulary = Self::default();
        let key = *KEY;
        for word in tree.names() {
            if word.len() > LONGEST || word.starts_with(b"__") || !is_name(word) || word == ASSERTION {
                continue;
            }
            vocabulary.sum = vocabulary.sum.wrapping_add(mix(word, key));
            vocabulary.text.extend_from_slice(word);
            vocabulary.ends.push(u32::try_from(vocabulary.text.len()).unwrap_or(u32::MAX));
        }
        vocabulary
    }

    /// Whether it surely has the same words as another.
    pub fn is_equal(&self, other: &Self) -> bool {
        self.sum == other.sum && self.ends.len() == other.ends.len()
    }

    fn words(&self) -> BTreeSet<&[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        starts.zip(&self.ends).filter_map(|(&start, &end)| self.text.get(index(start)..index(end))).collect()
    }

    /// The words that another does not have, in order.
    pub fn without(&self, other: &Self) -> Vec<Vec<u8>> {
        self.words().difference(&other.words()).map(|word| word.to_vec()).collect()
    }
}

/// Whether it can be a name.
fn is_name(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80)
}

fn mix(word: &[u8], key: u64) -> u64 {
    let mut hash = key ^ word.len() as u64;
    for chunk in word.chunks(8) {
        let mut part = [0; 8];
        part.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        hash = (hash ^ u64::from_le_bytes(part)).wrapping_mul(key).rotate_left(29);
    }
    hash.wrapping_mul(key) ^ hash >> 32
}
