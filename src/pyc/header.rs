//! The header before the marshalled code: magic, flags, and how the file is invalidated (PEP 552; `write_atomic` and
//! `_classify_pyc` in CPython's importlib).
//!
//! What the fields say is not compared with anything here.

use std::fmt::Write as _;

use crate::name::hex;

use super::versions::Magic;

/// The header of a pyc, all of it raw beside its reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The first four bytes.
    pub magic: Magic,
    /// Which of the layouts it has.
    pub layout: HeaderLayout,
    /// The flags word of PEP 552 (bytes 4 to 8), in the layout that has one.
    pub flags: Option<u32>,
    /// What an interpreter compares with the source.
    pub invalidation: Invalidation,
}

/// The layouts a header has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HeaderLayout {
    /// Magic and mtime: CPython 1.0 to 3.2.
    Bytes8,
    /// Magic, mtime and source size: CPython 3.3 to 3.6 (3210 to 3391).
    Bytes12,
    /// Magic, flags, then mtime and size or the source's hash: 3.7 (3392) and later.
    Bytes16,
}

impl HeaderLayout {
    /// Bytes before the marshalled code.
    pub fn size(self) -> usize {
        match self {
            Self::Bytes8 => 8,
            Self::Bytes12 => 12,
            Self::Bytes16 => 16,
        }
    }

    /// The layout of this many bytes.
    pub fn of_size(size: usize) -> Option<Self> {
        match size {
            8 => Some(Self::Bytes8),
            12 => Some(Self::Bytes12),
            16 => Some(Self::Bytes16),
            _ => None,
        }
    }
}

/// How an interpreter decides whether the file still fits its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// By the source's modification time and, from 3.3 on, its size.
    Timestamp {
        /// Seconds since 1970, the low 32 bits.
        mtime: u32,
        /// Bytes of the source modulo 2**32.
        source_size: Option<u32>,
    },
    /// By the source's SipHash, checked on every import.
    CheckedHash([u8; 8]),
    /// By the source's SipHash, which nobody checks unless told to.
    UncheckedHash([u8; 8]),
}

/// One field of a header as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it begins.
    pub offset: u64,
    /// Its bytes; fewer than the field has when the file ends inside it.
    pub bytes: Vec<u8>,
    /// What it is called.
    pub name: &'static str,
    /// What it says, in words.
    pub reading: String,
}

/// Bit 0 of the flags word: the file is invalidated by the source's hash.
pub const HASH_BASED: u32 = 1;
/// Bit 1 of the flags word: the hash is checked on every import.
pub const CHECK_SOURCE: u32 = 2;

impl Header {
    /// Reads a header of a known layout; `None` when the file ends inside it.
    pub fn read(bytes: &[u8], layout: HeaderLayout) -> Option<Self> {
        let word = |at: usize| bytes.get(at..)?.first_chunk::<4>().copied().map(u32::from_le_bytes);
        let magic = Magic(*bytes.first_chunk::<4>()?);
        let (flags, invalidation) = match layout {
            HeaderLayout::Bytes8 => (None, Invalidation::Timestamp { mtime: word(4)?, source_size: None }),
            HeaderLayout::Bytes12 => (None, Invalidation::Timestamp { mtime: word(4)?, source_size: Some(word(8)?) }),
            HeaderLayout::Bytes16 => {
                let flags = word(4)?;
                let hash = *bytes.get(8..)?.first_chunk::<8>()?;
                // Bit 1 without bit 0 is not defined by the PEP and read as 0 by CPython; undefined bits make it refuse the file
                // but say nothing about what follows.
                let invalidation = match flags & (HASH_BASED | CHECK_SOURCE) {
                    1 => Invalidation::UncheckedHash(hash),
                    3 => Invalidation::CheckedHash(hash),
                    _ => Invalidation::Timestamp { mtime: word(8)?, source_size: Some(word(12)?) },
                };
                (Some(flags), invalidation)
            }
        };
        Some(Self { magic, layout, flags, invalidation })
    }

    /// The bits of the flags word that no interpreter accepts; 0 when there is no flags word.
    pub fn undefined_flags(&self) -> u32 {
        self.flags.unwrap_or_default() & !(HASH_BASED | CHECK_SOURCE)
    }

    /// The recorded mtime, when there is one.
    pub fn mtime(&self) -> Option<u32> {
        match self.invalidation {
            Invalidation::Timestamp { mtime, .. } => Some(mtime),
            Invalidation::CheckedHash(_) | Invalidation::UncheckedHash(_) => None,
        }
    }

    /// The recorded size of the source, when there is one.
    pub fn source_size(&self) -> Option<u32> {
        match self.invalidation {
            Invalidation::Timestamp { source_size, .. } => source_size,
            Invalidation::CheckedHash(_) | Invalidation::UncheckedHash(_) => None,
        }
    }

    /// The recorded hash of the source, when there is one.
    pub fn source_hash(&self) -> Option<[u8; 8]> {
        match self.invalidation {
            Invalidation::Timestamp { .. } => None,
            Invalidation::CheckedHash(hash) | Invalidation::UncheckedHash(hash) => Some(hash),
        }
    }

    /// The bytes that the header was read from.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.magic.0.to_vec();
        if let Some(flags) = self.flags {
            bytes.extend_from_slice(&flags.to_le_bytes());
        }
        match self.invalidation {
            Invalidation::Timestamp { mtime, source_size } => {
                bytes.extend_from_slice(&mtime.to_le_bytes());
                if let Some(size) = source_size {
                    bytes.extend_from_slice(&size.to_le_bytes());
                }
            }
            Invalidation::CheckedHash(hash) | Invalidation::UncheckedHash(hash) => {
                bytes.extend_from_slice(&hash);
            }
        }
        bytes
    }

    /// Every field with its place, bytes and reading.
    pub fn fields(&self) -> Vec<Field> {
        fields(&self.to_bytes(), Some(self.layout))
    }
}

/// The fields of what is there of a header, the last one cut where the file ends; only the magic without a layout.
pub fn fields(bytes: &[u8], layout: Option<HeaderLayout>) -> Vec<Field> {
    let mut cut = Vec::new();
    let names: &[(&'static str, usize)] = match layout {
        None => &[("magic", 4)],
        Some(HeaderLayout::Bytes8) => &[("magic", 4), ("mtime", 4)],
        Some(HeaderLayout::Bytes12) => &[("magic", 4), ("mtime", 4), ("source size", 4)],
        Some(HeaderLayout::Bytes16) => {
            // The flags decide what follows them.
            if bytes.get(4).is_some_and(|flags| flags & 1 == 1) {
                &[("magic", 4), ("flags", 4), ("source hash", 8)]
            } else {
                &[("magic", 4), ("flags", 4), ("mtime", 4), ("source size", 4)]
            }
        }
    };
    let mut rest = bytes;
    let mut offset: u64 = 0;
    for &(name, size) in names {
        let (field, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        if field.is_empty() {
            break;
        }
        let reading = if field.len() < size { "cut by the end of the file".to_owned() } else { reading(name, field) };
        cut.push(Field { offset, bytes: field.to_vec(), name, reading });
        offset = offset.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        rest = after;
    }
    cut
}

/// A whole field in words.
fn reading(name: &'static str, field: &[u8]) -> String {
    let word = field.first_chunk::<4>().copied().map(u32::from_le_bytes).unwrap_or_default();
    match name {
        "magic" => {
            let magic = Magic(word.to_le_bytes());
            let names: Vec<_> = super::versions::lookup(magic).iter().map(super::Version::python).collect();
            let number = magic.number();
            if names.is_empty() { format!("{number}, unknown") } else { format!("{number}, {}", names.join(" or ")) }
        }
        "flags" => flags_reading(word),
        "mtime" => match jiff::Timestamp::from_second(i64::from(word)) {
            Ok(time) => time.to_string(),
            Err(_) => word.to_string(),
        },
        "source size" => format!("{word} bytes"),
        _ => hex(field),
    }
}

/// The flags word in words.
fn flags_reading(flags: u32) -> String {
    let mut reading = match flags & (HASH_BASED | CHECK_SOURCE) {
        1 => "hash-based, unchecked",
        2 => "timestamp, with the check-source bit, which means nothing without a hash",
        3 => "hash-based, checked",
        _ => "timestamp",
    }
    .to_owned();
    let undefined = flags & !(HASH_BASED | CHECK_SOURCE);
    if undefined != 0 {
        // Writing to a `String` cannot fail.
        let _ = write!(reading, "; undefined bits {undefined:#x}");
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(flags: u32) -> Header {
        let mut bytes = vec![0xcb, 0x0d, 0x0d, 0x0a];
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
        Header::read(&bytes, HeaderLayout::Bytes16).unwrap()
    }

    #[test]
    fn the_check_bit_without_a_hash_is_a_timestamp() {
        assert_eq!(header(2).invalidation, Invalidation::Timestamp { mtime: 1, source_size: Some(2) });
        assert_eq!(header(2).undefined_flags(), 0);
    }

    #[test]
    fn undefined_flag_bits_are_kept() {
        assert_eq!(header(0x8000_0005).undefined_flags(), 0x8000_0004);
        assert_eq!(header(0x8000_0005).fields()[1].reading, "hash-based, unchecked; undefined bits 0x80000004");
    }

    #[test]
    fn a_header_gives_back_its_bytes() {
        for flags in [0, 1, 2, 3, 0xffff_ffff] {
            let header = header(flags);
            assert_eq!(Header::read(&header.to_bytes(), HeaderLayout::Bytes16), Some(header));
        }
    }

    #[test]
    fn a_cut_header_shows_the_fields_that_are_there() {
        let cut = fields(&[0xcb, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0, 9], Some(HeaderLayout::Bytes16));
        let shown: Vec<_> = cut.iter().map(|field| (field.offset, field.name, field.reading.as_str())).collect();
        assert_eq!(
            shown,
            [
                (0, "magic", "3531, CPython 3.12 or RustPython main branch (pre-release)"),
                (4, "flags", "timestamp"),
                (8, "mtime", "cut by the end of the file")
            ]
        );
    }
}
