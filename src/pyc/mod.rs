//! One pyc: header and marshalled code, from bytes of an attacker.
//!
//! [`parse`] never panics, uses memory and time in proportion to its input, and reports offsets that lie inside it. It does
//! not judge: it says what is there. [`read`] gives the whole tree of code objects besides, for those who look into it.
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

mod attempt;
mod check;
pub mod code;
pub mod digest;
pub mod exceptions;
pub mod expression;
mod fault;
mod fields;
pub mod header;
pub mod instruction;
pub mod layout;
mod letter;
pub mod lines;
mod marshal;
mod mask;
pub mod objects;
pub mod opcodes;
mod opcodes_data;
mod reader;
mod recognise;
pub mod repr;
mod screen;
pub mod signature;
pub mod table;
pub mod unused;
pub mod versions;
pub mod walk;

use crate::limits::Limits;
use crate::name::Name;
use crate::problem::Parsed;

pub use code::Code;
pub use code::Oddity;
pub use code::OddityKind;
pub use digest::CodeDigest;
pub use digest::Digester;
pub use digest::LinesDigest;
pub use header::Header;
pub use header::HeaderLayout;
pub use header::Invalidation;
pub use mask::Mask;
pub use objects::Scratch;
pub use objects::Text;
pub use objects::Tree;
pub use objects::Value;
pub use recognise::recognise;
pub use recognise::sniff;
pub use versions::CodeLayout;
pub use versions::Magic;
pub use versions::Version;
pub use versions::lookup;

/// What is known of one pyc: small, and nothing of it borrowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Pyc {
    /// The first four bytes, when there are four.
    pub magic: Option<Magic>,
    /// The meaning of the magic; where implementations share a number, the one that the body speaks for.
    pub version: Option<&'static Version>,
    /// Every meaning of the magic.
    pub candidates: &'static [Version],
    /// The header, when the file does not end inside it and its layout is known.
    pub header: Option<Header>,
    /// The marshalled code.
    pub body: Body,
    /// Where the body begins: where a code object was read, otherwise where the version says.
    pub body_offset: Option<u64>,
    /// Bytes after the code object; 0 unless it was read to its end.
    pub trailing: u64,
    /// Where and as what the body was read when it is not what the magic says.
    pub fit: Option<Fit>,
    /// The damage of a transfer in text mode, told by the magic.
    pub text_mode: Option<TextMode>,
    /// The length or count for which the data were too short.
    pub overlong: Option<u64>,
    /// What references multiply the objects to, when that is beyond the limit.
    pub expansion: Option<Expansion>,
    /// Objects in a longer form than the one that CPython's writer chooses for their value.
    pub long_forms: Option<LongForms>,
    /// The types that compilers do not write for this version, each where it first occurs.
    pub unusual_types: Vec<UnusualType>,
    /// What is odd about the code objects, though an interpreter would take them; the first [`code::ODDITIES`] of them.
    pub oddities: Vec<Oddity>,
    /// Bits of information in a byte of the body (0 to 8); only where the body was not read.
    pub entropy: Option<f64>,
}

/// What was read of the marshalled code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A code object, read to its end, with nothing in it that an interpreter refuses.
    Code(Root),
    /// An interpreter refuses it; the problems say why. What was read of the first code object is kept.
    Damaged(Option<Root>),
    /// Nothing was read, or could be.
    NotRead(Unread),
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The file is empty.
    Empty,
    /// The file ends inside the header.
    TruncatedHeader,
    /// The file ends after the header.
    NoCode,
    /// The magic is not one of a known interpreter, and the body no layout that is known.
    UnknownMagic,
    /// The file is of another kind, named as [`recognise()`] names it.
    NotBytecode(&'static str),
    /// The version is known, its bodies are not read.
    Dialect(CodeLayout),
    /// The file is larger than offsets of 32 bits.
    TooLarge,
}

/// The module's code object in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its name, `<module>` in honest files; empty when the data end before it.
    pub name: Name,
    /// Its file name; empty when the data end before it. Lone surrogates are in it as three bytes each.
    pub filename: Name,
    /// The first line, where the layout has one.
    pub first_line: Option<i32>,
    /// Code objects, this one included.
    pub code_objects: usize,
    /// Where the code object begins.
    pub offset: u64,
    /// Where reading ended: behind the code object, or where the data are damaged.
    pub end: u64,
    /// Whether it was read to its end, whatever is wrong inside.
    pub whole: bool,
}

/// The place and layout that a body fits, when they are not those of the magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Where the code object begins; 0 for marshalled data without a header.
    pub offset: u64,
    /// The header's length by the magic; `None` when the magic is unknown.
    pub expected_offset: Option<u64>,
    /// The layout that was read.
    pub layout: CodeLayout,
    /// The layout by the magic; `None` when the magic is unknown.
    pub expected_layout: Option<CodeLayout>,
    /// The versions that have the layout that was read: `CPython 3.8 to 3.10`.
    pub versions: &'static str,
}

impl Fit {
    /// Whether the header is not as long as the magic says.
    pub fn is_odd_header(&self) -> bool {
        self.expected_offset.is_none_or(|expected| expected != self.offset)
    }

    /// Whether the code object is of another version than the magic says.
    pub fn is_other_layout(&self) -> bool {
        self.expected_layout.is_some_and(|expected| expected != self.layout)
    }
}

/// What a transfer in text mode did to a file, told by the CR LF of its magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMode {
    /// Every LF was written as CR LF.
    LfToCrLf,
    /// Every CR LF was read as LF.
    CrLfToLf,
    /// Every CR was dropped.
    CrDropped,
}

/// What references to containers in containers multiply objects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// The reference with which the limit is passed.
    pub offset: u64,
    /// How many objects there are when each is counted as often as it is referred to.
    pub objects: u64,
}

/// Objects in a longer form than they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongForms {
    /// The letter of the first one.
    pub letter: u8,
    /// Where it is.
    pub offset: u64,
    /// How many there are.
    pub count: u64,
}

/// A type that compilers do not write for a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusualType {
    /// Its letter.
    pub letter: u8,
    /// Where it first occurs.
    pub offset: u64,
    /// How often it occurs.
    pub count: u64,
}

impl Body {
    /// The code object, as far as it was read.
    pub fn root(&self) -> Option<&Root> {
        match self {
            Self::Code(root) | Self::Damaged(Some(root)) => Some(root),
            Self::Damaged(None) | Self::NotRead(_) => None,
        }
    }

    /// Whether a code object was read in which an interpreter of its layout finds nothing to refuse.
    pub fn is_code(&self) -> bool {
        matches!(self, Self::Code(_))
    }
}

/// Reads a pyc as far as it can be read.
pub fn parse(bytes: &[u8], limits: &Limits, scratch: &mut Scratch) -> Parsed<Pyc> {
    let Parsed { value, problems } = read(bytes, limits, scratch);
    Parsed { value: value.pyc, problems }
}

/// Reads one marshalled object of a version, whatever it is: tables of contents of archives are such. What follows it is counted
/// as trailing.
pub fn read_object<'a>(
    bytes: &'a [u8],
    version: &'static Version,
    limits: &Limits,
    scratch: &'a mut Scratch,
) -> Parsed<Tree<'a>> {
    attempt::read_object(bytes, version, limits, scratch)
}

/// Reads a pyc and keeps the tree of its objects, which lives in the scratch until the next file.
pub fn read<'a>(bytes: &'a [u8], limits: &Limits, scratch: &'a mut Scratch) -> Parsed<Tree<'a>> {
    attempt::read(bytes, limits, scratch)
}
