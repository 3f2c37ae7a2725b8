//! Pairs a pyc with its source, and compares what the header records with what the source is.

use crate::artifact::Locator;
use crate::artifact::Times;

/// The source of a pyc, as far as it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Found.
    Present(SourceFile),
    /// Looked for and not there.
    Absent,
    /// Several files could be it.
    Ambiguous(Vec<Locator>),
}

/// A source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub locator: Locator,
    /// How it was found.
    pub found: Found,
    /// Bytes.
    pub size: u64,
    /// Its modification times.
    pub times: Times,
}

/// How a source was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// Where the import system would look (PEP 3147, or beside a legacy pyc).
    Beside,
    /// By the mirrored path of a `PYTHONPYCACHEPREFIX` tree.
    PrefixTree,
    /// Among `--sources`.
    Sources,
}

/// What the header says of the source, against the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HeaderMatch {
    /// All that the header records agrees with the source.
    Fresh,
    /// The recorded modification time differs.
    MtimeMismatch,
    /// The recorded size differs.
    SizeMismatch,
    /// Both differ.
    Stale,
    /// The recorded hash is not the source's.
    HashMismatch,
    /// The recorded size or hash is that of the source with its line ends written otherwise (LF as CRLF or the reverse).
    NewlineVariant,
    /// There is no source to compare with.
    NoSource,
    /// Not compared: the header or the source could not be read, or `--verify none`.
    Unknown,
}

impl HeaderMatch {
    /// The word that reports use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::MtimeMismatch => "mtime-mismatch",
            Self::SizeMismatch => "size-mismatch",
            Self::Stale => "stale",
            Self::HashMismatch => "hash-mismatch",
            Self::NewlineVariant => "newline-variant",
            Self::NoSource => "no-source",
            Self::Unknown => "unknown",
        }
    }

    /// Every value.
    pub const ALL: &'static [Self] = &[
        Self::Fresh,
        Self::MtimeMismatch,
        Self::SizeMismatch,
        Self::Stale,
        Self::HashMismatch,
        Self::NewlineVariant,
        Self::NoSource,
        Self::Unknown,
    ];
}

/// The header's record and the source's facts, side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderCheck {
    /// The outcome.
    pub outcome: HeaderMatch,
    /// Recorded and actual modification time, where the header records one and the source has one.
    pub mtime: Option<(u32, i64)>,
    /// Whether the times agree as an interpreter compares them; in an archive, as far as its times can say.
    pub mtime_agrees: Option<bool>,
    /// Recorded and actual size, where the header records one.
    pub size: Option<(u32, u64)>,
    /// Recorded and computed hash, where the header records one and the source was read.
    pub hash: Option<([u8; 8], [u8; 8])>,
    /// Which line ends make the size or hash fit, when not the source's own.
    pub newline: Option<Newline>,
    /// The hash fits only with the rounds of SipHash that another series uses.
    pub other_rounds: bool,
    /// The other file whose hash the header records, when it is not this source's (`PYC206`).
    pub hash_of: Option<Locator>,
}

/// A way to write line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Newline {
    /// Line feed.
    Lf,
    /// Carriage return and line feed.
    CrLf,
}
