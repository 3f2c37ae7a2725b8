//! The quick look: which words of interest a file has at all. Without them nothing else is looked at.

use std::sync::LazyLock;

use super::names;
use super::packed;
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
    /// Is something that is often read and seldom set.
    pub(super) const SET: Self = Self(512);

    /// Whether any of these is in it.
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// What one word is.
    pub(super) fn of(word: &[u8]) -> Self {
        if screened(&SCREEN, word) << ALIKE == 0 {
            return Self::default();
        }
        let is_it = |known: &[u8]| known.len() == word.len() && known.last() == word.last() && known == word;
        WORDS.iter().find(|(known, _)| is_it(known)).map_or_else(Self::default, |(_, kind)| *kind)
    }
}

/// The words of interest.
const WORDS: &[(&[u8], Words)] = &[
    (b"exec", Words::EXECUTE),
    (b"eval", Words::EXECUTE),
    (b"FunctionType", Words::EXECUTE),
    (b"b64decode", Words::DECODE),
    (b"b32decode", Words::DECODE),
    (b"b16decode", Words::DECODE),
    (b"a85decode", Words::DECODE),
    (b"b85decode", Words::DECODE),
    (b"z85decode", Words::DECODE),
    (b"decodebytes", Words::DECODE),
    (b"decodestring", Words::DECODE),
    (b"standard_b64decode", Words::DECODE),
    (b"urlsafe_b64decode", Words::DECODE),
    (b"b32hexdecode", Words::DECODE),
    (b"unhexlify", Words::DECODE),
    (b"a2b_base64", Words::DECODE),
    (b"a2b_hex", Words::DECODE),
    (b"a2b_uu", Words::DECODE),
    (b"fromhex", Words::DECODE),
    (b"decompress", Words::DECODE),
    (b"decrypt", Words::DECODE),
    (b"marshal", Words::DECODE),
    (b"rot13", Words::DECODE),
    (b"rot_13", Words::DECODE),
    (b"rot-13", Words::DECODE),
    (b"hex_codec", Words::DECODE),
    (b"base64_codec", Words::DECODE),
    (b"zlib_codec", Words::DECODE),
    (b"chr", Words::CHARACTER),
    (b"unichr", Words::CHARACTER),
    (b"urlopen", Words::FETCH),
    (b"requests", Words::FETCH),
    (b"httpx", Words::FETCH),
    (b"getattr", Words::LOOK_UP),
    (b"__import__", Words::LOOK_UP),
    (b"import_module", Words::LOOK_UP),
    (b"settrace", Words::TAMPER),
    (b"setprofile", Words::TAMPER),
    (b"pythonapi", Words::TAMPER),
    (b"CodeType", Words::TAMPER),
    (b"memmove", Words::TAMPER),
    (b"addaudithook", Words::TAMPER),
    (b"get_referents", Words::TAMPER),
    (b"get_objects", Words::TAMPER),
    (b"__code__", Words::SET),
    (b"func_code", Words::SET),
    (b"builtins", Words::SET),
    (b"__builtin__", Words::SET),
    (b"__builtins__", Words::SET),
    (b"__pyarmor__", Words::PROTECTOR),
    (b"__pyarmor_enter__", Words::PROTECTOR),
    (b"__pyarmor_exit__", Words::PROTECTOR),
    (b"__pyarmor_assert__", Words::PROTECTOR),
    (b"__armor__", Words::PROTECTOR),
    (b"__armor_enter__", Words::PROTECTOR),
    (b"__armor_exit__", Words::PROTECTOR),
    (b"__armor_wrap__", Words::PROTECTOR),
    (b"__assert_armored__", Words::PROTECTOR),
    (b"pytransform", Words::PROTECTOR),
    (b"pyarmor_runtime", Words::PROTECTOR),
    (b"pyarmor_runtime_000000", Words::PROTECTOR),
    (b"sourcedefender", Words::PROTECTOR),
    (b"pyconcrete", Words::PROTECTOR),
    (b"_pyconcrete", Words::PROTECTOR),
];

/// Bits for what the first, the second and the third byte of a word can be.
type Screen = [[u64; 256]; 3];

/// For each of the first three bytes a bit for each length modulo 32 of a word of interest, and above them what
/// [`names::screen`] says of that byte. Few other words have a bit in all three.
static SCREEN: LazyLock<Screen> = LazyLock::new(|| {
    let mut screen = [[0; 256]; 3];
    for (word, _) in WORDS {
        for (bits, byte) in screen.iter_mut().zip(*word) {
            bits[usize::from(*byte)] |= 1 << (word.len() % 32);
        }
    }
    for byte in 0..=u8::MAX {
        for (bits, alike) in screen.iter_mut().zip(names::screen(byte)) {
            bits[usize::from(byte)] |= u64::from(alike) << ALIKE;
        }
    }
    screen
});

/// The lowest bit of the screen that is about names that look alike.
const ALIKE: u32 = 32;

/// What is to be looked at closer: the bits of the first three bytes and of the length.
#[inline]
fn screened(screen: &Screen, word: &[u8]) -> u64 {
    let [first, second, third, ..] = word else { return 0 };
    let [firsts, seconds, thirds] = screen;
    let bits = firsts[usize::from(*first)] & seconds[usize::from(*second)] & thirds[usize::from(*third)];
    bits & (1 << (word.len() % 32) | u64::MAX << ALIKE)
}

/// The shortest and the longest word of interest.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=32;

/// Which words a file has.
pub(super) fn of(tree: &Tree<'_>) -> Words {
    let mut words = Words::default();
    let screen = &*SCREEN;
    // Names that look alike are counted: one or two mean nothing.
    let mut alike = 0;
    for (string, letter, is_name) in tree.runs() {
        if LENGTHS.contains(&string.len()) {
            // The other types of text are ASCII.
            let may_be_other = is_name && !matches!(letter, b'a' | b'A' | b'z' | b'Z');
            let bits = screened(screen, string);
            if bits != 0 || may_be_other {
                words.add(Words::of(string));
                if names::is_alike(string, may_be_other) {
                    alike += 1;
                }
            }
        } else if packed::may_be(string) {
            words.add(Words::PACKED);
        }
    }
    if alike >= names::LEAST {
        words.add(Words::ALIKE);
    }
    words
}
