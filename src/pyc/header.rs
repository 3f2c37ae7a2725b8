//! The header before the marshalled code: magic, flags, and how the file is invalidated (PEP 552; `write_atomic` and
//! `_classify_pyc` in CPython's importlib).

/// The header of a pyc, all of it raw beside its reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
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
