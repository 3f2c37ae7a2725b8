//! What could not be read, and where.
//!
//! A problem is evidence, not an error of the run: the parser or container that meets one records it and goes on. Every
//! problem makes a run end with exit code 3, since something was not read.

use std::fmt;

/// One thing that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// Where in the file or member it is, in bytes from its start, when the place is known.
    pub offset: Option<u64>,
    /// The particulars: a value found, a limit hit, the system's own words. Empty when the kind says it all.
    pub detail: String,
}

impl Problem {
    /// A problem without a known place.
    pub fn new(kind: ProblemKind) -> Self {
        Self { kind, offset: None, detail: String::new() }
    }

    /// A problem at a byte offset.
    pub fn at(kind: ProblemKind, offset: u64) -> Self {
        Self { kind, offset: Some(offset), detail: String::new() }
    }

    /// The same problem with its particulars.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.message())?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if let Some(offset) = self.offset {
            write!(f, " (at offset {offset:#x})")?;
        }
        Ok(())
    }
}

/// A value and what could not be read of it.
#[derive(Clone, Debug)]
pub struct Parsed<T> {
    /// What was read.
    pub value: T,
    /// What was not, in file order.
    pub problems: Vec<Problem>,
}

/// Makes the enum, its stable codes, its messages and the list of all kinds from one table.
macro_rules! problem_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident, $code:literal, $message:literal;)+) => {
        /// The ways in which evidence cannot be read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ProblemKind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ProblemKind {
            /// Every kind, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that reports use; never changed once issued.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// One sentence for a person, without the particulars.
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $message),+ }
            }
        }
    };
}

impl ProblemKind {
    /// Whether it is about the marshalled data of a pyc: something in them at which an interpreter stops, or would.
    pub fn is_marshal(self) -> bool {
        matches!(
            self,
            Self::NoCode
                | Self::MarshalTruncated
                | Self::LengthBeyondData
                | Self::NegativeLength
                | Self::UnknownType
                | Self::TypeOfOtherVersion
                | Self::BadReference
                | Self::UnfinishedReference
                | Self::NullObject
                | Self::BadUtf8
                | Self::BadFloat
                | Self::BadDigit
                | Self::UnnormalisedLong
                | Self::Unhashable
                | Self::FieldType
                | Self::FieldCounts
                | Self::RootNotCode
                | Self::MarshalDepth
                | Self::MarshalObjects
        )
    }

    /// Whether a limit of ours was hit, so that a larger one might help.
    pub fn is_limit(self) -> bool {
        matches!(
            self,
            Self::MemberSizeLimit
                | Self::TotalSizeLimit
                | Self::RatioLimit
                | Self::DepthLimit
                | Self::MemberCountLimit
                | Self::MarshalDepth
                | Self::MarshalObjects
        )
    }
}

problem_kinds! {
    /// The system refused to list, open or read it.
    Unreadable, "unreadable", "it could not be read";
    /// It changed its kind or size while it was read.
    Changed, "changed", "it changed while it was read";
    /// A FIFO, socket or device: it is named and never opened.
    NotRegular, "not-regular", "not a regular file, so not opened";
    /// A bug of ours, caught.
    Internal, "internal-error", "pycaudit failed on it; please report this";
    /// It is larger than one member may be.
    MemberSizeLimit, "member-size-limit", "larger than `--max-member-size`";
    /// All members together are larger than an archive may be.
    TotalSizeLimit, "total-size-limit", "the archive unpacks to more than `--max-total-size`";
    /// It expands more than a member may.
    RatioLimit, "ratio-limit", "expands more than `--max-ratio` allows";
    /// Archives inside archives, deeper than allowed.
    DepthLimit, "depth-limit", "nested deeper than `--max-depth`";
    /// More members, or more names, than an archive may have.
    MemberCountLimit, "member-count-limit", "more members than the limit";
    /// The archive's directory cannot be found or does not parse.
    ArchiveDamaged, "archive-damaged", "the archive's directory is damaged";
    /// The member is encrypted.
    Encrypted, "encrypted", "encrypted";
    /// The compression method is not one that pycaudit knows.
    UnsupportedMethod, "unsupported-method", "compressed by an unsupported method";
    /// The compressed data are damaged.
    DataDamaged, "data-damaged", "its compressed data are damaged";
    /// The data do not have the checksum that the archive gives.
    ChecksumMismatch, "checksum-mismatch", "its data do not have the CRC-32 that the archive gives";
    /// The data do not have the size that the archive gives.
    SizeMismatch, "size-mismatch", "its data do not have the size that the archive gives";
    /// A container of a kind that is recognised but not opened.
    UnsupportedContainer, "unsupported-container", "a container of a kind that is not opened";
    /// The file is empty.
    Empty, "empty", "empty file";
    /// The file ends inside its header.
    TruncatedHeader, "truncated-header", "truncated in header";
    /// The magic number is not one of a known interpreter.
    UnknownMagic, "unknown-magic", "unknown magic number";
    /// The file ends after its header.
    NoCode, "no-code", "no code after the header";
    /// The body is of a dialect that pycaudit does not read.
    UnsupportedBody, "unsupported-body", "a body of a dialect that is not read";
    /// The marshalled data end inside an object.
    MarshalTruncated, "marshal-truncated", "truncated marshal data";
    /// A length or count larger than the data that are left.
    LengthBeyondData, "length-beyond-data", "length beyond the data";
    /// A negative length or count.
    NegativeLength, "negative-length", "negative count";
    /// A type byte that no marshal version has.
    UnknownType, "unknown-type", "unknown marshal type";
    /// A type byte that the marshal of this version does not have.
    TypeOfOtherVersion, "type-of-other-version", "type code of another version";
    /// A reference to an object that does not exist.
    BadReference, "bad-reference", "reference out of range";
    /// A reference to an object that is not complete.
    UnfinishedReference, "unfinished-reference", "reference to an unfinished object";
    /// A NULL where an object has to be.
    NullObject, "null-object", "null object";
    /// Text that is not valid UTF-8, apart from surrogates.
    BadUtf8, "bad-utf8", "bad UTF-8";
    /// Text of a float that is no float.
    BadFloat, "bad-float", "bad float text";
    /// A digit of a long integer out of range.
    BadDigit, "bad-digit", "digit out of range";
    /// A long integer whose top digit is zero.
    UnnormalisedLong, "unnormalised-long", "unnormalised long";
    /// A value that cannot be a dict key or set item.
    Unhashable, "unhashable", "unhashable";
    /// A field of a code object has a type that it cannot have.
    FieldType, "field-type", "field of the wrong type";
    /// Counts in a code object that contradict each other.
    FieldCounts, "field-counts", "counts do not agree";
    /// The top object is not a code object.
    RootNotCode, "root-not-code", "top level is not a code object";
    /// Objects nested deeper than CPython reads.
    MarshalDepth, "marshal-depth", "nested deeper than an interpreter reads";
    /// More objects than one file may have.
    MarshalObjects, "marshal-objects", "more objects than the limit";
    /// The header is read, but the body fits another version than the magic says, or another header length.
    LayoutMismatch, "layout-mismatch", "body does not fit the version of the magic";
}
