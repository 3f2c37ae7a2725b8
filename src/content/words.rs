//! The quick look: which words of interest a file has at all. Without them nothing else is looked at.

use crate::pyc::Tree;

/// A set of kinds of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words(u16);

impl Words {
    /// Runs text as code.
    pub(super) const EXECUTE: Self = Self(1);
    /// Decodes, unpacks or decrypts.
    pub(super) const DECODE: Self = Self(2);
    /// Makes characters of numbers.
    pub(super) const CHARACTER: Self = Self(4);
    /// Gets from another machine.
    pub(super) const FETCH: Self = Self(8);
    /// Gets an attribute or module by a name that is a value.
    pub(super) const LOOK_UP: Self = Self(16);
    /// Changes the interpreter.
    pub(super) const TAMPER: Self = Self(32);
    /// Is a mark of a protector.
    pub(super) const PROTECTOR: Self = Self(64);
    /// Is hard to tell from others like it.
    pub(super) const ALIKE: Self = Self(128);
    /// Is a string long enough to hold something packed.
    pub(super) const PACKED: Self = Self(256);

    /// Whether any of these is in it.
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// What one word is.
    pub(super) fn of(word: &[u8]) -> Self {
        match word {
            b"exec" | b"eval" | b"execfile" | b"FunctionType" => Self::EXECUTE,
            b"b64decode" | b"b32decode" | b"b16decode" | b"a85decode" | b"b85decode" | b"z85decode" | b"decodebytes"
            | b"decodestring" | b"standard_b64decode" | b"urlsafe_b64decode" | b"b32hexdecode" | b"unhexlify"
            | b"a2b_base64" | b"a2b_hex" | b"a2b_uu" | b"fromhex" | b"decompress" | b"decrypt" | b"marshal"
            | b"rot13" | b"rot_13" | b"rot-13" | b"hex_codec" | b"base64_codec" | b"zlib_codec" => Self::DECODE,
            b"chr" | b"unichr" => Self::CHARACTER,
            b"urlopen" | b"requests" | b"httpx" | b"urlretrieve" => Self::FETCH,
            b"getattr" | b"__import__" | b"import_module" => Self::LOOK_UP,
            b"settrace" | b"setprofile" | b"pythonapi" | b"CodeType" | b"memmove" | b"__code__" | b"func_code"
            | b"addaudithook" | b"get_referents" | b"get_objects" | b"builtins" | b"__builtin__" => Self::TAMPER,
            _ if super::protector::of(word).is_some() => Self::PROTECTOR,
            _ if super::names::is_alike(word) => Self::ALIKE,
            _ => Self::default(),
        }
    }
}

/// The shortest and the longest word of interest.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=32;

/// Which words a file has.
pub(super) fn of(tree: &Tree<'_>) -> Words {
    let mut words = Words::default();
    // Names that look alike are counted: one or two mean nothing.
    let mut alike = 0;
    for (_, string) in tree.strings() {
        if LENGTHS.contains(&string.len()) {
            let word = Words::of(string);
            if word == Words::ALIKE {
                alike += 1;
            } else {
                words.add(word);
            }
        } else if super::packed::may_be(string) {
            words.add(Words::PACKED);
        }
    }
    if alike >= super::names::LEAST {
        words.add(Words::ALIKE);
    }
    words
}
