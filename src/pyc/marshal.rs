//! Reads marshalled objects of every version (`r_object` in CPython's Python/marshal.c): one match on the type byte.
//!
//! The nesting is kept in a list of frames, not on the thread's stack. What is wrong with a value is recorded and reading goes
//! on; reading stops where the next object cannot be found. The fields of code objects are read in `fields` and checked in
//! `check`; what is recorded about values is in `fault`.

use std::collections::HashMap;

use crate::limits::Limits;
use crate::problem::Problem;
use crate::problem::ProblemKind;

use super::Expansion;
use super::LongForms;
use super::Oddity;
use super::UnusualType;
use super::check::Kinds;
use super::layout::Field;
use super::letter::FLAG;
use super::letter::Type;
use super::objects::Arena;
use super::objects::Kind;
use super::objects::Node;
use super::objects::ObjectId;
use super::reader::Reader;
use super::reader::Short;
use super::versions::CodeLayout;
use super::versions::Dialect;
use super::versions::Implementation;

/// Which marshal and which code objects are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grammar {
    /// The fields of a code object.
    pub(super) layout: CodeLayout,
    /// The types.
    pub(super) dialect: Dialect,
    /// Whose reader it is; some checks are CPython's alone.
    pub(super) implementation: Implementation,
    /// The language series.
    pub(super) series: (u8, u8),
    /// Whether instructions are two bytes each.
    pub(super) wordcode: bool,
    /// Whether names may be of both string types (`-U`, and the builds before 3.0).
    pub(super) mixed_names: bool,
}

/// What was read of a body.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The top object; absent when it was not read to its end.
    pub(super) root: ObjectId,
    /// Where reading ended.
    pub(super) end: usize,
    /// What is wrong, in file order.
    pub(super) problems: Vec<Problem>,
    /// Whether an interpreter refuses it.
    pub(super) is_refused: bool,
    /// Whether reading stopped before the end of the top object.
    pub(super) stopped: bool,
    /// The length or count for which the data were too short.
    pub(super) overlong: Option<u64>,
    /// What references multiply the objects to, when that is beyond the limit.
    pub(super) expansion: Option<Expansion>,
    /// Objects in a longer form than they need.
    pub(super) long_forms: Option<LongForms>,
    /// The types that compilers do not write for this version.
    pub(super) unusual: Vec<UnusualType>,
    /// What is odd about the code objects.
    pub(super) oddities: Vec<Oddity>,
    /// Whether one of the types for ASCII text occurred.
    pub(super) has_ascii: bool,
}

/// A container whose items are being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) node: ObjectId,
    pub(super) kind: Kind,
    /// The next field of a code object.
    pub(super) field: u8,
    /// Whether an item cannot be a dict key.
    pub(super) unhashable: bool,
    /// Items still to come; for a dict, 1 while its next object is a value.
    pub(super) remaining: u32,
    /// The place of the items on the stack, or of the record of a code object.
    pub(super) base: u32,
    /// The place among the references, or `u32::MAX`.
    pub(super) slot: u32,
    /// What references had added before it.
    pub(super) referred: u64,
}

/// Problems of one body that are kept; one is enough to refuse it, some more help to understand it.
pub(super) const PROBLEMS: usize = 32;

/// Reading cannot go on; the problem is recorded.
pub(super) struct Stop;

/// What one type byte led to.
pub(super) enum Step {
    /// A complete object, and whether it cannot be a dict key.
    Complete(ObjectId, bool),
    /// A container: its items are next.
    Opened,
}

/// Reads the object at an offset.
pub(super) fn read(bytes: &[u8], offset: usize, grammar: Grammar, limits: &Limits, arena: &mut Arena) -> Outcome {
    arena.reset();
    let dialect = grammar.dialect;
    arena.letters.set(dialect, grammar.layout);
    let mut parser = Parser {
        reader: Reader::new(bytes, offset),
        bytes,
        arena,
        grammar,
        fields: grammar.layout.fields(),
        depth: limits.marshal_depth,
        objects: limits.marshal_objects.min(index_limit()),
        problems: Vec::new(),
        is_refused: false,
        overlong: None,
        referred: 0,
        expanded_objects: limits.expanded_objects,
        expansion: None,
        is_canonical: dialect.has_references()
            && !matches!(dialect, Dialect::V3 | Dialect::PyPy)
            && grammar.implementation == Implementation::CPython,
        long_forms: None,
        unusual: Vec::new(),
        oddities: Vec::new(),
        has_ascii: false,
        kinds: HashMap::new(),
    };
    let root = parser.run();
    let end = parser.reader.offset();
    let objects = u64::try_from(parser.arena.nodes.len()).unwrap_or(u64::MAX).saturating_add(parser.referred);
    let expansion = parser.expansion.map(|expansion| Expansion { objects, ..expansion });
    let Parser { problems, is_refused, overlong, long_forms, unusual, oddities, has_ascii, .. } = parser;
    let (root, stopped) = root.map_or((ObjectId::ABSENT, true), |root| (root, false));
    Outcome { root, end, problems, is_refused, stopped, overlong, expansion, long_forms, unusual, oddities, has_ascii }
}

/// Objects that an arena can number.
fn index_limit() -> usize {
    usize::try_from(u32::MAX).unwrap_or(usize::MAX).saturating_sub(1)
}

/// The state of reading one body.
pub(super) struct Parser<'a, 's> {
    pub(super) reader: Reader<'a>,
    pub(super) bytes: &'a [u8],
    pub(super) arena: &'s mut Arena,
    pub(super) grammar: Grammar,
    pub(super) fields: &'static [Field],
    pub(super) depth: usize,
    pub(super) objects: usize,
    pub(super) problems: Vec<Problem>,
    pub(super) is_refused: bool,
    pub(super) overlong: Option<u64>,
    /// Objects that references stand for besides those that are there.
    referred: u64,
    expanded_objects: u64,
    expansion: Option<Expansion>,
    /// Whether the writer chooses the shortest form (CPython 3.4 and later).
    is_canonical: bool,
    long_forms: Option<LongForms>,
    pub(super) unusual: Vec<UnusualType>,
    pub(super) oddities: Vec<Oddity>,
    pub(super) has_ascii: bool,
    /// What long rows of kinds of variables come to.
    pub(super) kinds: HashMap<ObjectId, Kinds>,
}

impl<'a> Parser<'a, '_> {
    /// Reads the top object with all that is in it.
    fn run(&mut self) -> Result<ObjectId, Stop> {
        loop {
            if let Step::Complete(id, unhashable) = self.object()?
                && let Some(root) = self.deliver(id, unhashable)?
            {
                return Ok(root);
            }
        }
    }

    /// Puts a complete object into the container that waits for it, and that container into its own if it is complete with
    /// that, and so on; gives back the top object when it is complete.
    #[inline]
    fn deliver(&mut self, mut id: ObjectId, mut unhashable: bool) -> Result<Option<ObjectId>, Stop> {
        loop {
            let Some(frame) = self.arena.frames.last_mut() else { return Ok(Some(id)) };
            match frame.kind {
                Kind::Code => {
                    let (base, field) = (frame.base, frame.field);
                    self.set_field(base, field, id);
                    let Some(next) = self.read_numbers(base, field.wrapping_add(1))? else {
                        id = self.close_code();
                        unhashable = false;
                        continue;
                    };
                    if let Some(frame) = self.arena.frames.last_mut() {
                        frame.field = next;
                    }
                    return Ok(None);
                }
                frame_kind @ (Kind::Dict | Kind::FrozenDict) => {
                    let is_key = frame.remaining == 0;
                    if id != ObjectId::NULL {
                        frame.remaining = u32::from(is_key);
                        // A dict does not tell beforehand how many items it has.
                        self.check_room(1, self.reader.offset().saturating_sub(1))?;
                        self.arena.stack.push(id);
                        if is_key && unhashable {
                            self.problem_at_object(ProblemKind::Unhashable, id);
                        }
                        return Ok(None);
                    }
                    if !is_key {
                        // A key without a value is dropped (`r_object`, TYPE_DICT).
                        self.arena.stack.pop();
                    }
                    unhashable = frame_kind == Kind::Dict;
                    id = self.close_container(unhashable);
                }
                kind => {
                    self.arena.stack.push(id);
                    frame.remaining = frame.remaining.wrapping_sub(1);
                    frame.unhashable |= unhashable;
                    let done = frame.remaining == 0;
                    let is_set = matches!(kind, Kind::Set | Kind::FrozenSet);
                    if id == ObjectId::NULL {
                        self.problem(ProblemKind::NullObject, self.reader.offset().wrapping_sub(1));
                    } else if unhashable && is_set {
                        self.problem_at_object(ProblemKind::Unhashable, id);
                    }
                    if !done {
                        return Ok(None);
                    }
                    unhashable = match kind {
                        Kind::List | Kind::Set => true,
                        Kind::FrozenSet => false,
                        _ => self.arena.frames.last().is_some_and(|frame| frame.unhashable),
                    };
                    id = self.close_container(unhashable);
                }
            }
        }
    }

    /// Reads one type byte and what belongs to it, up to the items of a container.
    #[inline]
    fn object(&mut self) -> Result<Step, Stop> {
        let offset = self.reader.offset();
        let byte = self.reader.u8().map_err(|short| self.short(short))?;
        // Where there are no references, such a byte is of no type.
        let flagged = byte & FLAG != 0;
        let (kind, is_unusual) = self.arena.letters.meaning(byte);
        if is_unusual {
            self.unusual(byte & !FLAG, offset);
        }
        match kind {
            Type::None => Ok(self.shared(ObjectId::NONE, flagged)),
            Type::True => Ok(self.shared(ObjectId::TRUE, flagged)),
            Type::False => Ok(self.shared(ObjectId::FALSE, flagged)),
            Type::Ellipsis => Ok(self.shared(ObjectId::ELLIPSIS, flagged)),
            Type::Null => Ok(self.shared(ObjectId::NULL, flagged)),
            Type::StopIteration => Ok(self.shared(ObjectId::STOP_ITERATION, flagged)),
            Type::Reference => self.reference(offset, flagged),
            Type::StringReference => self.string_reference(offset),
            Type::ShortAscii => {
                let length = self.reader.u8().map_err(|short| self.short(short))?;
                let step = self.run_of(Kind::Latin1, offset, u32::from(length), flagged)?;
                self.has_ascii = true;
                self.check_ascii(u32::from(length));
                Ok(step)
            }
            Type::Ascii => self.ascii(byte & !FLAG, offset, flagged),
            Type::Bytes => {
                let length = self.u32()?;
                self.run_of(Kind::Bytes, offset, length, flagged)
            }
            Type::InternedBytes => {
                let length = self.u32()?;
                let step = self.run_of(Kind::Bytes, offset, length, false)?;
                if let Step::Complete(id, _) = step {
                    self.arena.strings.push(id);
                }
                Ok(step)
            }
            Type::Text => self.text(byte & !FLAG, offset, flagged),
            Type::Int => {
                let value = self.u32()?;
                let high = if value >> 31 == 1 { u32::MAX } else { 0 };
                self.leaf(Kind::Int, offset, value, high, flagged)
            }
            Type::Float => {
                let (low, high) = halves(self.reader.u64().map_err(|short| self.short(short))?);
                self.leaf(Kind::Float, offset, low, high, flagged)
            }
            Type::Int64 => self.int64(offset, flagged),
            Type::Long => self.long(offset, flagged),
            Type::FloatText => {
                let start = self.offset32();
                let text = self.counted_text()?;
                self.check_float(text, offset);
                let length = u32::try_from(text.len()).unwrap_or_default();
                self.leaf(Kind::FloatText, offset, start.wrapping_add(1), length, flagged)
            }
            Type::ComplexText => {
                let start = self.offset32();
                for _ in 0..2 {
                    let text = self.counted_text()?;
                    self.check_float(text, offset);
                }
                self.leaf(Kind::ComplexText, offset, start, 0, flagged)
            }
            Type::Complex => {
                let start = self.offset32();
                self.take(16)?;
                self.leaf(Kind::Complex, offset, start, 0, flagged)
            }
            Type::SmallTuple => {
                let count = self.reader.u8().map_err(|short| self.short(short))?;
                self.sequence(Kind::Tuple, offset, u32::from(count), flagged)
            }
            Type::Tuple => {
                let count = self.u32()?;
                if count < 256 {
                    self.long_form(b'(', offset);
                }
                self.sequence(Kind::Tuple, offset, count, flagged)
            }
            Type::List => self.counted_sequence(Kind::List, offset, flagged),
            Type::Set => self.counted_sequence(Kind::Set, offset, flagged),
            Type::FrozenSet => self.counted_sequence(Kind::FrozenSet, offset, flagged),
            Type::Slice => self.sequence(Kind::Slice, offset, 3, flagged),
            Type::Dict => self.open(Kind::Dict, offset, 0, flagged),
            Type::FrozenDict => self.open(Kind::FrozenDict, offset, 0, flagged),
            Type::Code => self.open_code(offset, flagged),
            Type::Unknown => {
                let letter = if self.grammar.dialect.has_references() { byte & !FLAG } else { byte };
                Err(self.unknown_type(letter, offset))
            }
        }
    }

    /// ASCII text with a length of four bytes.
    fn ascii(&mut self, letter: u8, offset: usize, flagged: bool) -> Result<Step, Stop> {
        let length = self.u32()?;
        if length < 256 {
            self.long_form(letter, offset);
        }
        let step = self.run_of(Kind::Latin1, offset, length, flagged)?;
        self.has_ascii = true;
        self.check_ascii(length);
        Ok(step)
    }

    /// Text in UTF-8.
    fn text(&mut self, letter: u8, offset: usize, flagged: bool) -> Result<Step, Stop> {
        let length = self.u32()?;
        let start = self.reader.offset();
        let step = self.run_of(Kind::Utf8, offset, length, flagged)?;
        if self.is_canonical && self.bytes.get(start..self.reader.offset()).is_some_and(<[u8]>::is_ascii) {
            self.long_form(letter, offset);
        }
        self.check_utf8(length);
        Ok(step)
    }

    /// Counts an object in a longer form than the writer of the version chooses (`w_object` in Python/marshal.c).
    #[cold]
    fn long_form(&mut self, letter: u8, offset: usize) {
        if !self.is_canonical {
            return;
        }
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        let forms = self.long_forms.get_or_insert(LongForms { letter, offset, count: 0 });
        forms.count = forms.count.saturating_add(1);
    }

    /// Counts what a reference stands for, when it is a container.
    #[inline]
    fn refer(&mut self, index: usize, offset: usize, flagged: bool) {
        let Some(&weight) = self.arena.weights.get(index).filter(|&&weight| weight > 0) else { return };
        self.referred = self.referred.saturating_add(weight);
        if flagged && self.grammar.dialect.every_flag_takes_a_slot() {
            self.weigh(self.arena.references.len(), weight);
        }
        if self.referred > self.expanded_objects && self.expansion.is_none() {
            let offset = u64::try_from(offset).unwrap_or(u64::MAX);
            self.expansion = Some(Expansion { offset, objects: self.referred });
        }
    }

    /// Keeps how much a reference stands for.
    fn weigh(&mut self, slot: usize, weight: u64) {
        if self.arena.weights.len() <= slot {
            self.arena.weights.resize(slot.saturating_add(1), 0);
        }
        if let Some(kept) = self.arena.weights.get_mut(slot) {
            *kept = weight;
        }
    }

    /// Keeps how many objects are in a container that can be referred to.
    #[inline]
    pub(super) fn weigh_frame(&mut self, frame: &Frame) {
        if frame.slot != u32::MAX {
            let inside = self.arena.nodes.len().saturating_sub(frame.node.index());
            let referred = self.referred.saturating_sub(frame.referred);
            self.weigh(index_at(frame.slot), u64::try_from(inside).unwrap_or(u64::MAX).saturating_add(referred));
        }
    }

    /// An object without a node of its own, or whose flag CPython ignores.
    fn shared(&mut self, id: ObjectId, flagged: bool) -> Step {
        if flagged && self.grammar.dialect.every_flag_takes_a_slot() {
            self.arena.references.push(id);
        }
        Step::Complete(id, false)
    }

    /// Adds a node.
    #[inline]
    pub(super) fn push(&mut self, kind: Kind, offset: usize, a: u32, b: u32) -> Result<ObjectId, Stop> {
        let index = self.arena.nodes.len();
        if index > self.objects {
            return Err(self.stop(ProblemKind::MarshalObjects, offset, String::new()));
        }
        // `read` is given no more bytes than 32 bits can count.
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        self.arena.nodes.push(Node { kind, unhashable: false, checked: false, offset, a, b });
        Ok(ObjectId::new(index))
    }

    /// A complete object.
    #[inline]
    fn leaf(&mut self, kind: Kind, offset: usize, a: u32, b: u32, flagged: bool) -> Result<Step, Stop> {
        let id = self.push(kind, offset, a, b)?;
        if flagged {
            self.arena.references.push(id);
        }
        Ok(Step::Complete(id, false))
    }

    /// A string: the next bytes.
    #[inline]
    fn run_of(&mut self, kind: Kind, offset: usize, length: u32, flagged: bool) -> Result<Step, Stop> {
        let start = self.offset32();
        self.take(length)?;
        self.leaf(kind, offset, start, length, flagged)
    }

    fn int64(&mut self, offset: usize, flagged: bool) -> Result<Step, Stop> {
        let value = self.reader.u64().map_err(|short| self.short(short))?;
        let (low, high) = halves(value);
        if i32::try_from(i64::from_le_bytes(value.to_le_bytes())).is_ok() {
            // No writer used eight bytes where four do.
            self.unusual_once(b'I', offset);
        }
        self.leaf(Kind::Int, offset, low, high, flagged)
    }

    fn long(&mut self, offset: usize, flagged: bool) -> Result<Step, Stop> {
        let count = self.reader.i32().map_err(|short| self.short(short))?;
        let start = self.offset32();
        let length = index_at(count.unsigned_abs()).saturating_mul(2);
        let digits = self.reader.take(length).map_err(|short| self.short(short))?;
        let (digits, _) = digits.as_chunks::<2>();
        // Two digits have 30 bits, and the writer stores 32 of them as such.
        if digits.len() <= 2 {
            self.long_form(b'l', offset);
        }
        if let Some(bad) = digits.iter().position(|&[_, high]| high & 0x80 != 0) {
            self.problem(ProblemKind::BadDigit, index_at(start).saturating_add(bad.saturating_mul(2)));
        }
        if digits.last() == Some(&[0, 0]) {
            self.problem(ProblemKind::UnnormalisedLong, offset);
        }
        self.leaf(Kind::Long, offset, start, u32::from_le_bytes(count.to_le_bytes()), flagged)
    }

    fn reference(&mut self, offset: usize, flagged: bool) -> Result<Step, Stop> {
        let index = self.u32()?;
        let Some(&id) = self.arena.references.get(index_at(index)) else {
            let known = self.arena.references.len();
            self.problem_with(ProblemKind::BadReference, offset, || format!("{} of {known}", index.cast_signed()));
            return Ok(self.shared(ObjectId::MISSING, flagged));
        };
        let Some(node) = self.arena.node(id) else { return Ok(self.shared(id, flagged)) };
        let (unhashable, start) = (node.unhashable, node.offset);
        if node.kind == Kind::Open {
            // CPython gives tuples, lists and dicts to their own items and refuses the others.
            let kind = self.arena.frames.iter().find(|frame| frame.node == id).map(|frame| frame.kind);
            let is_given = matches!(kind, Some(Kind::Tuple | Kind::List | Kind::Dict));
            let detail = || format!("inside the object at {start:#x}");
            if is_given && self.grammar.implementation == Implementation::CPython {
                self.tolerated_problem(ProblemKind::UnfinishedReference, offset, detail);
            } else {
                self.problem_with(ProblemKind::UnfinishedReference, offset, detail);
            }
            let id = self.push(Kind::Cycle, offset, 0, 0)?;
            return Ok(self.shared(id, flagged));
        }
        self.refer(index_at(index), offset, flagged);
        if flagged && self.grammar.dialect.every_flag_takes_a_slot() {
            self.arena.references.push(id);
        }
        Ok(Step::Complete(id, unhashable))
    }

    fn string_reference(&mut self, offset: usize) -> Result<Step, Stop> {
        let index = self.u32()?;
        if let Some(&id) = self.arena.strings.get(index_at(index)) {
            return Ok(Step::Complete(id, false));
        }
        let known = self.arena.strings.len();
        self.problem_with(ProblemKind::BadReference, offset, || format!("{} of {known}", index.cast_signed()));
        Ok(Step::Complete(ObjectId::MISSING, false))
    }

    fn counted_sequence(&mut self, kind: Kind, offset: usize, flagged: bool) -> Result<Step, Stop> {
        let count = self.u32()?;
        self.sequence(kind, offset, count, flagged)
    }

    /// A container of a known number of items.
    #[inline]
    fn sequence(&mut self, kind: Kind, offset: usize, count: u32, flagged: bool) -> Result<Step, Stop> {
        // Each item has at least its type byte.
        if index_at(count) > self.reader.left() {
            return Err(self.short(Short { wanted: u64::from(count) }));
        }
        self.check_room(index_at(count), offset)?;
        if count == 0 {
            let unhashable = matches!(kind, Kind::List | Kind::Set);
            let id = self.push(kind, offset, 0, 0)?;
            if unhashable && let Some(node) = self.arena.nodes.get_mut(id.index()) {
                node.unhashable = true;
            }
            if flagged {
                self.arena.references.push(id);
            }
            return Ok(Step::Complete(id, unhashable));
        }
        self.open(kind, offset, count, flagged)
    }

    /// Whether so many more items may be kept; shared objects have no nodes, so nodes alone are no bound.
    #[inline]
    fn check_room(&mut self, count: usize, offset: usize) -> Result<(), Stop> {
        let held = self.arena.stack.len().saturating_add(self.arena.items.len());
        if count > self.objects.saturating_sub(held) {
            return Err(self.stop(ProblemKind::MarshalObjects, offset, String::new()));
        }
        Ok(())
    }

    /// A container whose items follow.
    #[inline]
    fn open(&mut self, kind: Kind, offset: usize, remaining: u32, flagged: bool) -> Result<Step, Stop> {
        let base = u32::try_from(self.arena.stack.len()).unwrap_or(u32::MAX);
        self.open_frame(kind, offset, base, remaining, flagged)
    }

    pub(super) fn open_frame(
        &mut self,
        kind: Kind,
        offset: usize,
        base: u32,
        remaining: u32,
        flagged: bool,
    ) -> Result<Step, Stop> {
        // Its items would be one deeper still.
        if self.arena.frames.len().saturating_add(1) >= self.depth {
            return Err(self.stop(ProblemKind::MarshalDepth, offset, String::new()));
        }
        let node = self.push(Kind::Open, offset, 0, 0)?;
        let mut slot = u32::MAX;
        if flagged {
            slot = u32::try_from(self.arena.references.len()).unwrap_or(u32::MAX);
            self.arena.references.push(node);
        }
        let referred = self.referred;
        self.arena.frames.push(Frame { node, kind, field: 0, unhashable: false, remaining, base, slot, referred });
        Ok(Step::Opened)
    }

    /// Completes the innermost container with the items that are on the stack for it.
    #[inline]
    fn close_container(&mut self, unhashable: bool) -> ObjectId {
        let Some(frame) = self.arena.frames.pop() else { return ObjectId::NULL };
        self.weigh_frame(&frame);
        let Arena { nodes, items, stack, .. } = &mut *self.arena;
        let first = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let base = index_at(frame.base).min(stack.len());
        items.extend_from_slice(stack.get(base..).unwrap_or_default());
        stack.truncate(base);
        if let Some(node) = nodes.get_mut(frame.node.index()) {
            node.kind = frame.kind;
            node.unhashable = unhashable;
            node.a = first;
            node.b = u32::try_from(items.len()).unwrap_or(u32::MAX).wrapping_sub(first);
        }
        frame.node
    }

    /// The text of a float, with its length before it.
    fn counted_text(&mut self) -> Result<&'a [u8], Stop> {
        let length = self.reader.u8().map_err(|short| self.short(short))?;
        self.take(u32::from(length))
    }

    #[inline]
    fn u32(&mut self) -> Result<u32, Stop> {
        self.reader.u32().map_err(|short| self.short(short))
    }

    #[inline]
    pub(super) fn take(&mut self, length: u32) -> Result<&'a [u8], Stop> {
        self.reader.take(index_at(length)).map_err(|short| self.short(short))
    }

    pub(super) fn offset32(&self) -> u32 {
        u32::try_from(self.reader.offset()).unwrap_or(u32::MAX)
    }
}

/// A number of 32 bits as an index or length.
#[inline]
pub(super) fn index_at(number: u32) -> usize {
    super::objects::index_of(number)
}

/// A number of 64 bits as its halves.
#[inline]
fn halves(value: u64) -> (u32, u32) {
    let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or_default();
    (low, u32::try_from(value >> 32).unwrap_or_default())
}
