//! Constants that hold something packed: compressed data, code, programs, or bytes without any order.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::pyc;
use crate::pyc::Text;
use crate::pyc::Tree;
use crate::pyc::Value;

/// What a constant holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packed {
    /// Bytes without any order.
    Noise,
    /// Compressed data, named.
    Compressed(&'static str),
    /// An archive, named.
    Archive(&'static str),
    /// Marshalled code or a pyc, named.
    Bytecode(&'static str),
    /// A program for a processor, named.
    Program(&'static str),
}

impl Packed {
    /// What it is, with an article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noise => "bytes without any order",
            Self::Compressed(name) | Self::Archive(name) | Self::Bytecode(name) | Self::Program(name) => name,
        }
    }

    /// Whether it can be run as it is.
    pub fn is_code(self) -> bool {
        matches!(self, Self::Bytecode(_) | Self::Program(_))
    }
}

/// The shortest constant in which something packed is looked for: a code object of a line has 100 bytes.
const LEAST: usize = 96;

/// The shortest constant without any order that is reported. 256 bytes cannot have more than eight bits of variety each, and
/// tables of checksums and permutations are as long.
const LEAST_NOISE: usize = 4096;

/// Bits of information in a byte of what is compressed or encrypted; 4,096 random bytes have more than 7.9.
const NOISE: f64 = 7.6;

/// How much of a constant is looked at.
const LOOKED_AT: usize = 1 << 16;

/// How much of a base64 text is decoded to see how it begins.
const DECODED: usize = 256;

/// Whether a string may hold something packed: the quick look.
pub(super) fn may_be(string: &[u8]) -> bool {
    string.len() >= LEAST && (may_be_noise(string) || head(string).is_some() || may_be_base64(string))
}

/// How many values are among the first 256 bytes: of random ones there are 162 on average, and fewer than 130 in one string of
/// millions; of instructions there are less than 100.
fn may_be_noise(string: &[u8]) -> bool {
    let Some(part) = string.get(..256).filter(|_| string.len() >= LEAST_NOISE) else { return false };
    let mut seen = [false; 256];
    for &byte in part {
        seen[usize::from(byte)] = true;
    }
    seen.iter().filter(|&&seen| seen).count() >= 130
}

/// Base64 of any of [`head`]'s formats begins with one of these.
fn may_be_base64(string: &[u8]) -> bool {
    match string.first_chunk::<4>() {
        Some(
            [b'e', b'J', b'w' | b'y' | b'x' | b'z', _]
            | [b'e', b'N', b'o' | b'p' | b'q' | b'r', _]
            | [b'e', b'A', b'E' | b'F' | b'G' | b'H', _]
            | [b'e', b'F', b'4' | b'5' | b'6' | b'7', _]
            | [b'4' | b'Y', b'w', b'A', b'A']
            // A magic number: two bytes, then CR LF.
            | [_, b'A' | b'Q' | b'g' | b'w', b'0', b'N'],
        ) => true,
        Some(start) => [b"H4sI", b"QlpO", b"/Td6", b"UEsD", b"TVqQ", b"TVpQ", b"TVoA", b"f0VM", b"XQAA"].contains(&start),
        None => false,
    }
}

/// What a string begins with.
fn head(string: &[u8]) -> Option<Packed> {
    Some(match string {
        [0x78, level, ..] if zlib(*level, string) => Packed::Compressed("zlib-compressed data"),
        [0x1f, 0x8b, 8, flags, ..] if *flags < 0x20 => Packed::Compressed("gzip-compressed data"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => {
            Packed::Compressed("bzip2-compressed data")
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packed::Compressed("xz-compressed data"),
        [0x5d, 0, 0, _, _, rest @ ..] if rest.starts_with(&[0xff; 8]) => Packed::Compressed("LZMA-compressed data"),
        [b'P', b'K', 3, 4, ..] => Packed::Archive("a zip archive"),
        [0x7f, b'E', b'L', b'F', 1 | 2, 1 | 2, 1, ..] => Packed::Program("an ELF program"),
        [b'M', b'Z', ..] if is_pe(string) => Packed::Program("a Windows program"),
        [b'c' | 0xe3, 0, 0, 0, 0, ..] if is_marshalled(string) => Packed::Bytecode("marshalled code"),
        [_, _, b'\r', b'\n', ..] if pyc::sniff(string) => Packed::Bytecode("a pyc"),
        _ => return None,
    })
}

/// Whether the two bytes of a zlib header agree, and what follows can begin a block (RFC 1950, RFC 1951).
fn zlib(level: u8, string: &[u8]) -> bool {
    let is_sum = (0x7800 | u16::from(level)).is_multiple_of(31) && level & 0x20 == 0;
    is_sum && string.get(2).is_some_and(|first| first & 6 != 6) && !string.is_ascii()
}

/// Whether the header of a Windows program leads to another.
fn is_pe(string: &[u8]) -> bool {
    let at = string.get(0x3c..0x40).and_then(|bytes| bytes.first_chunk::<4>()).map(|bytes| u32::from_le_bytes(*bytes));
    let at = at.and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| string.get(at..)).is_some_and(|rest| rest.starts_with(b"PE\0\0"))
}

/// Whether a module's code object can begin so: no arguments, and instructions among the first fields.
fn is_marshalled(string: &[u8]) -> bool {
    let numbers = string.get(1..).unwrap_or_default().as_chunks::<4>().0;
    // Arguments, then stack size and flags in any order: small numbers, until the byte string of the instructions.
    let small = |number: &[u8; 4]| u32::from_le_bytes(*number) < 0x1000;
    (3..=6).any(|count| {
        numbers.get(..count).is_some_and(|numbers| numbers.iter().all(small))
            && matches!(string.get(1 + 4 * count), Some(b's' | 0xf3))
            && string.get(2 + 4 * count..).and_then(|rest| rest.first_chunk::<4>()).is_some_and(|length| {
                let length = u32::from_le_bytes(*length);
                length > 3 && usize::try_from(length).is_ok_and(|length| length < string.len())
            })
    })
}

/// What a string holds, and whether as base64.
pub(super) fn of(string: &[u8]) -> Option<(Packed, bool)> {
    if string.len() < LEAST {
        return None;
    }
    if let Some(packed) = head(string) {
        return Some((packed, false));
    }
    if let Some(packed) = base64(string) {
        return Some((packed, true));
    }
    let part = string.get(..LOOKED_AT).unwrap_or(string);
    (may_be_noise(string) && entropy(part) >= NOISE).then_some((Packed::Noise, false))
}

/// What a base64 text begins with when it is decoded.
fn base64(string: &[u8]) -> Option<Packed> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let part: Vec<u8> = string.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).take(DECODED).collect();
    let part: Vec<u8> = part.into_iter().take_while(is_letter).collect();
    let whole = part.get(..part.len() - part.len() % 4)?;
    if whole.len() < LEAST {
        return None;
    }
    head(&STANDARD_NO_PAD.decode(whole).ok()?)
}

/// Bits of information in a byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let total = counts.iter().map(|&count| f64::from(count)).sum::<f64>();
    let shares = counts.iter().filter(|&&count| count > 0).map(|&count| f64::from(count) / total);
    shares.map(|share| -share * share.log2()).sum()
}

/// A constant that holds something packed.
#[derive(Clone, Copy, Debug)]
pub struct PackedConstant {
    /// What it holds.
    pub packed: Packed,
    /// Whether it is base64 of that.
    pub is_base64: bool,
    /// Where it is in the file.
    pub offset: u64,
    /// Its bytes.
    pub length: usize,
    /// The place of the code object that has it.
    pub code: usize,
}

/// Constants of one file that are listed.
const LISTED: usize = 16;

/// How deep in tuples a constant is looked for; each item is looked at once for a tuple.
const DEPTH: usize = 3;

/// Items of tuples that are looked at in one file.
const ITEMS: usize = 1 << 20;

/// The constants that hold something packed, and how many more there are.
pub(super) fn constants(tree: &Tree<'_>) -> Vec<PackedConstant> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut budget = ITEMS;
    for code in tree.codes() {
        let mut open = vec![(code.consts(), 0)];
        while let Some((items, depth)) = open.pop() {
            for (place, value) in items.iter().enumerate() {
                let Some(left) = budget.checked_sub(1) else { return found };
                budget = left;
                if let Some(items) = value.items().filter(|_| depth < DEPTH) {
                    open.push((items, depth + 1));
                    continue;
                }
                let (Value::Bytes(string) | Value::Text(Text { bytes: string, .. })) = value else { continue };
                let offset = items.offset(place).unwrap_or_default();
                if let Some((packed, is_base64)) = of(string)
                    && seen.insert(offset)
                {
                    let length = string.len();
                    found.push(PackedConstant { packed, is_base64, offset, length, code: code.index() });
                    if found.len() >= LISTED {
                        return found;
                    }
                }
            }
        }
    }
    found
}
