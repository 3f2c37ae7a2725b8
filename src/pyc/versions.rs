//! Data only: the magic numbers, and which header and code layout each stands for.

use super::header::HeaderLayout;

/// The first four bytes of a pyc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Magic(pub [u8; 4]);

impl Magic {
    /// The number that CPython's list of magic numbers gives: the first two bytes, little-endian.
    pub fn number(self) -> u16 {
        let [low, high, ..] = self.0;
        u16::from_le_bytes([low, high])
    }
}

/// Who wrote a magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Implementation {
    /// The reference implementation.
    CPython,
    /// PyPy.
    PyPy,
    /// GraalPy.
    GraalPy,
    /// RustPython.
    RustPython,
    /// A fork of CPython, named in the row's label.
    Fork,
}

/// One row of the table: one meaning of one magic number.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    /// The four bytes.
    pub magic: Magic,
    /// Who wrote it.
    pub implementation: Implementation,
    /// The name of the fork or implementation, as people call it: `CPython`, `PyPy`, `Pyston 2.x`.
    pub name: &'static str,
    /// The version or pre-release that introduced it: `3.12`, `3.14a1`.
    pub label: &'static str,
    /// The language series: `3.12`.
    pub series: (u8, u8),
    /// Whether a final release wrote it: the releases, or `None`.
    pub releases: Option<&'static str>,
    /// The header layout.
    pub header: Option<HeaderLayout>,
    /// When the number was introduced: seconds since 1970 of the day, where known.
    pub introduced: Option<i64>,
    /// What is worth knowing.
    pub comment: &'static str,
}
