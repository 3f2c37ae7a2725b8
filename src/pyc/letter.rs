//! The type letters of marshal: what each byte means in a dialect (`w_object` and `r_object` in CPython's Python/marshal.c).
//!
//! Data for the reader, which asks once for each object.

use super::versions::CodeLayout;
use super::versions::Dialect;

/// What a type byte is the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Nothing that this dialect knows.
    Unknown,
    None,
    True,
    False,
    Ellipsis,
    Null,
    StopIteration,
    Reference,
    /// A reference to an interned byte string (2.4 to 2.7).
    StringReference,
    /// ASCII text with a length of one byte.
    ShortAscii,
    Ascii,
    Bytes,
    /// A byte string that can be referred to (2.4 to 2.7).
    InternedBytes,
    Text,
    Int,
    /// An integer of eight bytes.
    Int64,
    /// An integer by its digits.
    Long,
    Float,
    /// A float as text.
    FloatText,
    Complex,
    /// A complex number as text.
    ComplexText,
    /// A tuple with a length of one byte.
    SmallTuple,
    Tuple,
    List,
    Set,
    FrozenSet,
    Slice,
    Dict,
    FrozenDict,
    Code,
}

/// The meanings of all bytes in one dialect.
#[derive(Debug)]
pub(super) struct Letters {
    of: Option<(Dialect, CodeLayout)>,
    /// By type byte: what it begins, and whether compilers never write it.
    meanings: [(Type, bool); 256],
}

impl Default for Letters {
    fn default() -> Self {
        Self { of: None, meanings: [(Type::Unknown, false); 256] }
    }
}

impl Letters {
    /// The meanings for a dialect; those of the file before, when it is of the same.
    pub(super) fn set(&mut self, dialect: Dialect, layout: CodeLayout) {
        if self.of == Some((dialect, layout)) {
            return;
        }
        *self = Self { of: Some((dialect, layout)), ..Self::default() };
        let unusual = unusual(dialect, layout);
        for &letter in dialect.types().iter().chain(b"0") {
            let meaning = (meaning(letter, dialect, layout), unusual.iter().any(|letters| letters.contains(&letter)));
            let flagged = if dialect.has_references() { letter | FLAG } else { letter };
            for byte in [letter, flagged] {
                if let Some(slot) = self.meanings.get_mut(usize::from(byte)) {
                    *slot = meaning;
                }
            }
        }
    }

    /// What a type byte begins, and whether compilers never write it in this version.
    #[inline]
    pub(super) fn meaning(&self, byte: u8) -> (Type, bool) {
        self.meanings.get(usize::from(byte)).copied().unwrap_or((Type::Unknown, false))
    }
}

/// The bit of a type byte that puts its object into the list of references (FLAG_REF, 3.4 and later).
pub(super) const FLAG: u8 = 0x80;

/// Whether any dialect knows a letter.
pub(super) fn is_known_elsewhere(letter: u8) -> bool {
    b"0NFTS.iIflgxystRraAzZ()[{}<>:ucC".contains(&letter)
}

fn meaning(letter: u8, dialect: Dialect, layout: CodeLayout) -> Type {
    match letter {
        b'N' => Type::None,
        b'T' => Type::True,
        b'F' => Type::False,
        b'.' => Type::Ellipsis,
        b'0' => Type::Null,
        b'S' => Type::StopIteration,
        b'r' => Type::Reference,
        b'R' => Type::StringReference,
        b'z' | b'Z' => Type::ShortAscii,
        b'a' | b'A' => Type::Ascii,
        b's' => Type::Bytes,
        b't' if dialect.has_string_list() => Type::InternedBytes,
        b't' | b'u' => Type::Text,
        b'i' => Type::Int,
        b'I' => Type::Int64,
        b'l' => Type::Long,
        b'g' => Type::Float,
        b'f' => Type::FloatText,
        b'y' => Type::Complex,
        b'x' => Type::ComplexText,
        b')' => Type::SmallTuple,
        b'(' => Type::Tuple,
        b'[' => Type::List,
        b'<' => Type::Set,
        b'>' => Type::FrozenSet,
        b':' => Type::Slice,
        b'{' => Type::Dict,
        b'}' => Type::FrozenDict,
        _ if letter == layout.letter() => Type::Code,
        _ => Type::Unknown,
    }
}

/// The types that compilers never write into constants of a version.
fn unusual(dialect: Dialect, layout: CodeLayout) -> [&'static [u8]; 4] {
    // 1.0 wrote its constants and names as lists, and dicts as the operand of RESERVE_FAST.
    let lists: &[u8] = if layout == CodeLayout::L10 { b"" } else { b"[{" };
    let texts: &[u8] = if matches!(dialect, Dialect::V0 | Dialect::V1) { b"" } else { b"fx" };
    // Written by 64-bit builds up to 3.3, and by PyPy.
    let long: &[u8] = if dialect.has_references() && dialect != Dialect::PyPy { b"I" } else { b"" };
    [b"S<}", lists, texts, long]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_changes_no_meaning_and_is_none_before_there_were_references() {
        let mut letters = Letters::default();
        letters.set(Dialect::V4, CodeLayout::L38);
        for letter in 0..FLAG {
            assert_eq!(letters.meaning(letter), letters.meaning(letter | FLAG), "{letter}");
        }
        assert_eq!(letters.meaning(b'z'), (Type::ShortAscii, false));
        assert_eq!(letters.meaning(b'['), (Type::List, true));
        assert_eq!(letters.meaning(b':').0, Type::Unknown);
        letters.set(Dialect::V2, CodeLayout::L23);
        assert!((FLAG..=255).all(|byte| letters.meaning(byte).0 == Type::Unknown));
        assert_eq!((letters.meaning(b't').0, letters.meaning(b'z').0), (Type::InternedBytes, Type::Unknown));
    }

    #[test]
    fn every_letter_of_every_dialect_means_something() {
        for dialect in [Dialect::V0, Dialect::V1, Dialect::V2, Dialect::V2Text, Dialect::V3, Dialect::V4, Dialect::V6] {
            let mut letters = Letters::default();
            letters.set(dialect, CodeLayout::L23);
            for &letter in dialect.types().iter().filter(|&&letter| letter != b'C') {
                assert_ne!(letters.meaning(letter).0, Type::Unknown, "{dialect:?} {}", char::from(letter));
                assert!(is_known_elsewhere(letter));
            }
        }
    }
}
