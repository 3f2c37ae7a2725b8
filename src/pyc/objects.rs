//! Marshalled objects as they are kept: an arena of small nodes, and the views of them.
//!
//! Nothing is copied out of the file: strings are ranges of its bytes. A reference is a second way to the same node, never a
//! copy of it, so a file of 700 bytes can stand for 10**12 values: walk nodes with a bound, or by the code objects. There are no
//! cycles: a container that holds itself holds [`Value::Cycle`] in that place.

use std::borrow::Cow;

use crate::name::Name;

use super::Pyc;
use super::code::Code;
use super::code::Record;
use super::letter::Letters;
use super::marshal::Frame;

/// The place of an object in its arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(u32);

impl ObjectId {
    pub(super) const ABSENT: Self = Self(u32::MAX);
    pub(super) const NONE: Self = Self(0);
    pub(super) const TRUE: Self = Self(1);
    pub(super) const FALSE: Self = Self(2);
    pub(super) const ELLIPSIS: Self = Self(3);
    pub(super) const NULL: Self = Self(4);
    /// What a reference gives that refers to nothing.
    pub(super) const MISSING: Self = Self(5);
    pub(super) const STOP_ITERATION: Self = Self(6);

    pub(super) fn new(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Whether there is an object.
    pub(super) fn is_some(self) -> bool {
        self != Self::ABSENT
    }
}

/// What a node is; its two numbers are a range of the file unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    None,
    True,
    False,
    Ellipsis,
    StopIteration,
    Null,
    /// The halves of an i64.
    Int,
    /// The digits: where they begin, and how many as an i32 whose sign is the number's.
    Long,
    /// The halves of an f64.
    Float,
    FloatText,
    /// Where the sixteen bytes begin.
    Complex,
    /// Where the first length byte is.
    ComplexText,
    Bytes,
    Utf8,
    Latin1,
    /// The items: where they begin in the arena, and how many.
    Tuple,
    List,
    Set,
    FrozenSet,
    /// Keys and values in turn.
    Dict,
    FrozenDict,
    Slice,
    /// The place of the record.
    Code,
    /// The container that is meant.
    Cycle,
    /// A container whose items are being read.
    Open,
}

/// One object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Whether it cannot be a dict key.
    pub(super) unhashable: bool,
    /// Whether its text was looked at as a name, or the names in it were.
    pub(super) checked: bool,
    /// Where its type byte is.
    pub(super) offset: u32,
    pub(super) a: u32,
    pub(super) b: u32,
}

/// Where the objects of one file are, and what reading them needs; kept from file to file so that its memory is.
#[derive(Default)]
pub struct Arena {
    pub(super) nodes: Vec<Node>,
    pub(super) items: Vec<ObjectId>,
    pub(super) codes: Vec<Record>,
    pub(super) references: Vec<ObjectId>,
    /// By reference: objects in a container, each counted as often as it is referred to. Behind its end and for leaves 0.
    pub(super) weights: Vec<u64>,
    pub(super) strings: Vec<ObjectId>,
    pub(super) stack: Vec<ObjectId>,
    pub(super) frames: Vec<Frame>,
    /// What type bytes mean in the file that is read.
    pub(super) letters: Letters,
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} objects", self.nodes.len())
    }
}

/// What one thread keeps between files.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) arena: Arena,
}

/// The objects without a node of their own, at the places of `ObjectId::NONE` and so on.
const SHARED: [Kind; 7] =
    [Kind::None, Kind::True, Kind::False, Kind::Ellipsis, Kind::Null, Kind::Null, Kind::StopIteration];

/// Nodes that stay allocated between files: a megabyte of them for each thread, more than all but one honest file in a thousand needs.
const KEPT_NODES: usize = 1 << 16;

impl Arena {
    /// Forgets the file before.
    pub(super) fn reset(&mut self) {
        let capacities = [
            self.nodes.capacity(),
            self.items.capacity(),
            self.codes.capacity(),
            self.references.capacity(),
            self.weights.capacity(),
            self.strings.capacity(),
            self.stack.capacity(),
        ];
        if capacities.into_iter().any(|capacity| capacity > KEPT_NODES) {
            *self = Self::default();
        }
        self.nodes.clear();
        self.items.clear();
        self.codes.clear();
        self.references.clear();
        self.weights.clear();
        self.strings.clear();
        self.stack.clear();
        self.frames.clear();
        for kind in SHARED {
            self.nodes.push(Node { kind, unhashable: false, checked: false, offset: 0, a: 0, b: 0 });
        }
    }

    pub(super) fn node(&self, id: ObjectId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    /// Where an object's type byte is; 0 for the objects that have no node of their own ([`SHARED`]).
    pub(super) fn offset(&self, id: ObjectId) -> u64 {
        self.node(id).map_or(0, |node| u64::from(node.offset))
    }

    pub(super) fn code<'a>(&'a self, bytes: &'a [u8], index: u32) -> Option<Code<'a>> {
        let record = self.codes.get(index_of(index))?;
        Some(Code { bytes, arena: self, index, record })
    }

    /// An object as a value.
    pub(super) fn value<'a>(&'a self, bytes: &'a [u8], id: ObjectId) -> Value<'a> {
        let Some(&node) = self.node(id) else { return Value::Null };
        let range = || bytes.get(index_of(node.a)..).unwrap_or_default();
        let run = || range().get(..index_of(node.b)).unwrap_or_default();
        let items = || Items { bytes, arena: self, ids: self.ids(&node) };
        match node.kind {
            Kind::None => Value::None,
            Kind::True => Value::True,
            Kind::False => Value::False,
            Kind::Ellipsis => Value::Ellipsis,
            Kind::StopIteration => Value::StopIteration,
            Kind::Null | Kind::Open => Value::Null,
            Kind::Int => Value::Int(i64::from_le_bytes(joined(node.a, node.b))),
            Kind::Long => {
                let count = i32::from_le_bytes(node.b.to_le_bytes());
                let length = index_of(count.unsigned_abs()).saturating_mul(2);
                Value::Long(Long { negative: count < 0, digits: range().get(..length).unwrap_or_default() })
            }
            Kind::Float => Value::Float(f64::from_le_bytes(joined(node.a, node.b))),
            Kind::FloatText => Value::FloatText(run()),
            Kind::Complex => {
                let part = |at: usize| {
                    range().get(at..).and_then(|rest| rest.first_chunk::<8>()).copied().map_or(0.0, f64::from_le_bytes)
                };
                Value::Complex { real: part(0), imag: part(8) }
            }
            Kind::ComplexText => {
                let counted = |rest: &'a [u8]| {
                    let (&length, rest) = rest.split_first()?;
                    rest.split_at_checked(usize::from(length))
                };
                let (real, rest) = counted(range()).unwrap_or_default();
                Value::ComplexText { real, imag: counted(rest).unwrap_or_default().0 }
            }
            Kind::Bytes => Value::Bytes(run()),
            Kind::Utf8 => Value::Text(Text { bytes: run(), encoding: Encoding::Utf8 }),
            Kind::Latin1 => Value::Text(Text { bytes: run(), encoding: Encoding::Latin1 }),
            Kind::Tuple => Value::Tuple(items()),
            Kind::List => Value::List(items()),
            Kind::Set => Value::Set(items()),
            Kind::FrozenSet => Value::FrozenSet(items()),
            Kind::Dict => Value::Dict(items()),
            Kind::FrozenDict => Value::FrozenDict(items()),
            Kind::Slice => Value::Slice(items()),
            Kind::Code => self.code(bytes, node.a).map_or(Value::Null, Value::Code),
            Kind::Cycle => Value::Cycle,
        }
    }

    /// The items of a container.
    pub(super) fn ids(&self, node: &Node) -> &[ObjectId] {
        self.items.get(index_of(node.a)..).and_then(|rest| rest.get(..index_of(node.b))).unwrap_or_default()
    }
}

/// A number of the arena as an index.
pub(super) fn index_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The eight bytes of two halves.
fn joined(low: u32, high: u32) -> [u8; 8] {
    (u64::from(low) | u64::from(high) << 32).to_le_bytes()
}

/// A constant or field of a code object.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// `True`.
    True,
    /// `False`.
    False,
    /// `...`.
    Ellipsis,
    /// The class `StopIteration`.
    StopIteration,
    /// No object where one has to be, or one that could not be read.
    Null,
    /// An integer of at most 64 bits, stored as such.
    Int(i64),
    /// An integer stored as digits.
    Long(Long<'a>),
    /// A float.
    Float(f64),
    /// A float stored as text.
    FloatText(&'a [u8]),
    /// A complex number.
    Complex {
        /// Its real part.
        real: f64,
        /// Its imaginary part.
        imag: f64,
    },
    /// A complex number stored as text.
    ComplexText {
        /// Its real part.
        real: &'a [u8],
        /// Its imaginary part.
        imag: &'a [u8],
    },
    /// A byte string; in Python 2, any `str`.
    Bytes(&'a [u8]),
    /// Text.
    Text(Text<'a>),
    /// A tuple.
    Tuple(Items<'a>),
    /// A list.
    List(Items<'a>),
    /// A set, in file order.
    Set(Items<'a>),
    /// A frozenset, in file order.
    FrozenSet(Items<'a>),
    /// A dict: keys and values in turn.
    Dict(Items<'a>),
    /// A frozendict: keys and values in turn.
    FrozenDict(Items<'a>),
    /// A slice: start, stop and step.
    Slice(Items<'a>),
    /// A code object.
    Code(Code<'a>),
    /// A container that is being read here: it holds itself.
    Cycle,
}

impl<'a> Value<'a> {
    /// A name: text, or the byte string that Python 2 has for it.
    pub fn as_name(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => Some(Text { bytes, encoding: Encoding::Bytes }),
            _ => None,
        }
    }

    /// The items, of anything that has some.
    pub fn items(self) -> Option<Items<'a>> {
        match self {
            Self::Tuple(items)
            | Self::List(items)
            | Self::Set(items)
            | Self::FrozenSet(items)
            | Self::Dict(items)
            | Self::FrozenDict(items)
            | Self::Slice(items) => Some(items),
            _ => None,
        }
    }

    /// What Python calls its type; `code` for code objects.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::True | Self::False => "bool",
            Self::Ellipsis => "ellipsis",
            Self::StopIteration => "type",
            Self::Null => "NULL",
            Self::Int(_) | Self::Long(_) => "int",
            Self::Float(_) | Self::FloatText(_) => "float",
            Self::Complex { .. } | Self::ComplexText { .. } => "complex",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "str",
            Self::Tuple(_) => "tuple",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::FrozenSet(_) => "frozenset",
            Self::Dict(_) => "dict",
            Self::FrozenDict(_) => "frozendict",
            Self::Slice(_) => "slice",
            Self::Code(_) => "code",
            Self::Cycle => "cycle",
        }
    }
}

/// An integer stored as digits of 15 bits, least significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Long<'a> {
    /// Whether it is below zero.
    pub negative: bool,
    digits: &'a [u8],
}

impl<'a> Long<'a> {
    /// Its digits, least significant first.
    pub fn digits(self) -> impl DoubleEndedIterator<Item = u16> + 'a {
        self.digits.as_chunks::<2>().0.iter().copied().map(u16::from_le_bytes)
    }

    /// The integer, if 128 bits hold it.
    pub fn to_i128(self) -> Option<i128> {
        let magnitude = self
            .digits()
            .rev()
            .try_fold(0_i128, |value, digit| value.checked_mul(1 << 15)?.checked_add(i128::from(digit)))?;
        if self.negative { magnitude.checked_neg() } else { Some(magnitude) }
    }

    /// Bits of the magnitude, counted by whole digits.
    pub fn bits(self) -> usize {
        self.digits.len().saturating_div(2).saturating_mul(15)
    }
}

/// How the bytes of a text are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 in which lone surrogates may stand, three bytes each.
    Utf8,
    /// Latin-1: the types for ASCII text, whose bytes no interpreter checks.
    Latin1,
    /// A byte string of Python 2 or 1, in whatever encoding its source had.
    Bytes,
}

/// Text as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The bytes in the file.
    pub bytes: &'a [u8],
    /// How to read them.
    pub encoding: Encoding,
}

impl<'a> Text<'a> {
    /// The text, if it is one without lone surrogates.
    pub fn to_str(self) -> Option<Cow<'a, str>> {
        match self.encoding {
            Encoding::Latin1 if !self.bytes.is_ascii() => {
                Some(Cow::Owned(self.bytes.iter().copied().map(char::from).collect()))
            }
            Encoding::Latin1 | Encoding::Utf8 | Encoding::Bytes => {
                std::str::from_utf8(self.bytes).ok().map(Cow::Borrowed)
            }
        }
    }

    /// The text as UTF-8, or the bytes where they are none.
    pub fn to_bytes(self) -> Cow<'a, [u8]> {
        match self.to_str() {
            Some(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
            Some(Cow::Borrowed(_)) | None => Cow::Borrowed(self.bytes),
        }
    }

    /// The text as a name.
    pub fn to_name(self) -> Name {
        Name::new(self.to_bytes())
    }
}

/// The items of a container.
#[derive(Clone, Copy)]
pub struct Items<'a> {
    bytes: &'a [u8],
    arena: &'a Arena,
    ids: &'a [ObjectId],
}

impl<'a> Items<'a> {
    pub(super) fn empty(bytes: &'a [u8], arena: &'a Arena) -> Self {
        Self { bytes, arena, ids: &[] }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.ids.is_empty()
    }

    /// One of them.
    pub fn get(self, index: usize) -> Option<Value<'a>> {
        self.ids.get(index).map(|&id| self.arena.value(self.bytes, id))
    }

    /// Where one of them is in the file; 0 for `None`, `True`, `False` and `...`.
    pub fn offset(self, index: usize) -> Option<u64> {
        self.ids.get(index).map(|&id| self.arena.offset(id))
    }

    /// The identities of them: equal ones are the same object in the file.
    pub fn ids(self) -> &'a [ObjectId] {
        self.ids
    }

    /// All of them.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Value<'a>> {
        self.ids.iter().map(move |&id| self.arena.value(self.bytes, id))
    }

    /// The bytes of those that are text or byte strings, as [`Value::as_name`] has them; fast.
    pub fn strings(self) -> impl Iterator<Item = &'a [u8]> {
        let nodes = self.ids.iter().filter_map(move |&id| self.arena.node(id));
        let nodes = nodes.filter(|node| matches!(node.kind, Kind::Bytes | Kind::Utf8 | Kind::Latin1));
        nodes.filter_map(move |node| self.bytes.get(index_of(node.a)..)?.get(..index_of(node.b)))
    }
}

impl std::fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the items themselves: they are shared, and their number is exponential in the worst case.
        write!(f, "{} items", self.ids.len())
    }
}

impl std::fmt::Debug for Code<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "code object {} at {:#x}", self.index(), self.offset())
    }
}

/// A pyc with the tree of its objects.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    /// What is known of it without the tree.
    pub pyc: Pyc,
    pub(super) bytes: &'a [u8],
    pub(super) arena: &'a Arena,
    pub(super) root: ObjectId,
}

impl<'a> Tree<'a> {
    /// The module's code object, as far as it was read.
    pub fn root(&self) -> Option<Code<'a>> {
        match self.arena.value(self.bytes, self.root) {
            Value::Code(code) => Some(code),
            // Cut inside: the first code object is there, its node is not complete.
            _ => self.arena.code(self.bytes, 0),
        }
    }

    /// The top object, whatever it is; `None` when it was not read to its end.
    pub fn top(&self) -> Option<Value<'a>> {
        self.root.is_some().then(|| self.arena.value(self.bytes, self.root))
    }

    /// Every code object of the file once, in the order in which they begin: an outer one before those inside it.
    pub fn codes(&self) -> impl Iterator<Item = Code<'a>> + use<'a> {
        let (bytes, arena) = (self.bytes, self.arena);
        arena.codes.iter().zip(0_u32..).map(move |(record, index)| Code { bytes, arena, index, record })
    }

    /// Every string of the file once, with where its bytes begin: constants, names, and the tables and instructions of code.
    pub fn strings(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let bytes = self.bytes;
        let nodes = self.arena.nodes.iter().filter(|node| matches!(node.kind, Kind::Bytes | Kind::Utf8 | Kind::Latin1));
        nodes.filter_map(move |node| {
            let run = bytes.get(index_of(node.a)..)?.get(..index_of(node.b))?;
            Some((u64::from(node.a), run))
        })
    }

    /// Every string of the file once, with the letter of its type and whether it is one of [`Tree::names`].
    pub fn runs(&self) -> impl Iterator<Item = (&'a [u8], u8, bool)> + use<'a> {
        let bytes = self.bytes;
        let nodes = self.arena.nodes.iter().filter(|node| matches!(node.kind, Kind::Bytes | Kind::Utf8 | Kind::Latin1));
        nodes.filter_map(move |node| {
            let letter = bytes.get(index_of(node.offset))? & 0x7f;
            Some((bytes.get(index_of(node.a)..)?.get(..index_of(node.b))?, letter, node.checked))
        })
    }

    /// Every string of the file once that some code object has as a name: of variables, attributes, functions and files.
    pub fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        let is_name = |node: &&Node| node.checked && matches!(node.kind, Kind::Bytes | Kind::Utf8 | Kind::Latin1);
        let nodes = self.arena.nodes.iter().filter(is_name);
        nodes.filter_map(move |node| bytes.get(index_of(node.a)..)?.get(..index_of(node.b)))
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of the file.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Objects of the file, references not counted.
    pub fn object_count(&self) -> usize {
        self.arena.nodes.len()
    }
}
