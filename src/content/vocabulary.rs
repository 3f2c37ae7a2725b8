//! The words of a module: the names of its variables, attributes and functions.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::LazyLock;

use crate::pyc::Code;
use crate::pyc::Tree;

/// The words of one module, not as text: enough to see whether another one has words that it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// A sum over all words, equal for equal sets.
    sum: u64,
    /// A number for each word, in file order.
    hashes: Vec<u32>,
}

/// The longest word that is looked at; names are shorter.
const LONGEST: usize = 64;

/// The name that an assert loads up to 3.8.
const ASSERTION: &[u8] = b"AssertionError";

/// A number that nobody knows beforehand, so that nobody can choose words with equal sums.
static KEY: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) | 1);

impl Vocabulary {
    /// The words of a file. Names in double underscores are left out, since compilers add some of their own, and so is what an
    /// assert needs up to 3.8.
    pub fn of(tree: &Tree<'_>) -> Self {
        let mut vocabulary = Self { sum: 0, hashes: Vec::with_capacity(tree.object_count() / 4) };
        let key = *KEY;
        // What can be no name is left out of the text and not here: it costs more to find out than to count it.
        for word in candidates(tree) {
            let hash = mix(word, key);
            vocabulary.sum = vocabulary.sum.wrapping_add(hash);
            let [.., high, higher, highest, top] = hash.to_le_bytes();
            vocabulary.hashes.push(u32::from_le_bytes([high, higher, highest, top]));
        }
        vocabulary
    }

    /// The words of a file as text, in order, when they are those of this vocabulary and not of a file that has changed.
    pub fn text(&self, tree: &Tree<'_>) -> Option<BTreeSet<Vec<u8>>> {
        let is_same = Self::of(tree).is_equal(self);
        is_same.then(|| candidates(tree).filter(|word| is_name(word)).map(<[u8]>::to_vec).collect())
    }

    /// The words of a file as text that is kept, one after the other: for a file that cannot be read again when they are asked for.
    pub fn to_text(tree: &Tree<'_>) -> Vec<u8> {
        let words: BTreeSet<&[u8]> = candidates(tree).filter(|word| is_name(word)).collect();
        // No word has a line end in it.
        words.into_iter().flat_map(|word| word.iter().copied().chain([b'\n'])).collect()
    }

    /// What such a text holds.
    pub fn from_text(text: &[u8]) -> BTreeSet<Vec<u8>> {
        text.split(|&byte| byte == b'\n').filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
    }

    /// Whether it surely has the same words as another.
    pub fn is_equal(&self, other: &Self) -> bool {
        self.sum == other.sum && self.hashes.len() == other.hashes.len()
    }

    /// Whether it may have words that another does not have.
    pub fn may_exceed(&self, other: &Self) -> bool {
        if self.is_equal(other) {
            return false;
        }
        let others: HashSet<u32, foldhash::fast::RandomState> = other.hashes.iter().copied().collect();
        self.hashes.iter().any(|hash| !others.contains(hash))
    }
}

/// What of the names of a file can be a word. The file that it was compiled as is none, and may be another for each level.
fn candidates<'a>(tree: &Tree<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let filename = tree.root().and_then(Code::filename).map(|filename| filename.bytes);
    let is_word = move |word: &&[u8]| {
        word.len() <= LONGEST && !word.starts_with(b"__") && *word != ASSERTION && Some(*word) != filename
    };
    tree.names().filter(is_word)
}

/// Whether it can be a name.
fn is_name(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80)
}

#[inline]
fn mix(word: &[u8], key: u64) -> u64 {
    let (whole, rest) = word.as_chunks::<8>();
    let mut hash = key ^ word.len() as u64;
    let mut add = |part: u64| hash = (hash ^ part).wrapping_mul(key).rotate_left(29);
    for chunk in whole {
        add(u64::from_le_bytes(*chunk));
    }
    // The last eight bytes again, in place of those of them that are left.
    match (word.last_chunk::<8>(), rest) {
        (_, []) => {}
        (Some(last), _) => add(u64::from_le_bytes(*last)),
        (None, rest) => add(match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
            }
            _ => rest.iter().fold(0, |part, &byte| part << 8 | u64::from(byte)),
        }),
    }
    hash.wrapping_mul(key) ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_length_have_numbers_of_their_own() {
        let text: Vec<u8> = (0..80).map(|at| b'a' + at % 26).collect();
        let mut seen = HashSet::new();
        for length in 0..text.len() {
            let mut word = text[..length].to_vec();
            assert!(seen.insert(mix(&word, 0x9e37_79b9_7f4a_7c15)), "{length}");
            for at in 0..length {
                word[at] = b'_';
                assert!(seen.insert(mix(&word, 0x9e37_79b9_7f4a_7c15)), "{length} with {at} changed");
                word[at] = text[at];
            }
        }
    }
}
