//! Walks the instructions and tables of every code object and lists what no compiler writes.
//!
//! It is not part of reading a pyc: it costs time of its own, and only versions whose opcodes are certain have it. It does not
//! follow the flow of control and does not know what code does.

use super::code::Code;
use super::code::ODDITIES;
use super::code::Oddity;
use super::code::OddityKind;
use super::exceptions::Handlers;
use super::instruction::Cut;
use super::instruction::Instruction;
use super::instruction::Instructions;
use super::instruction::Table;
use super::instruction::has_locals;
use super::layout::Object;
use super::lines;
use super::lines::LineFormat;
use super::objects::Tree;
use super::opcodes::Argument;
use super::opcodes::Format;
use super::opcodes::Op;
use super::opcodes::Opcodes;
use super::opcodes::Use;
use super::screen;
use super::screen::Screen;
use super::table::TableFaultKind;

/// Bytes of instructions and tables that are walked for a byte of file. Code objects can share theirs by reference, so that a
/// file of a megabyte can hold a gigabyte of code; compilers share a few.
const SHARING: u64 = 8;

/// What one thread keeps between files.
#[derive(Debug, Default)]
pub struct Walk {
    /// Of the code object that is walked.
    marks: Marks,
    /// The quick look for the version of the file before.
    screen: Option<Box<Screen>>,
}

/// Where instructions begin and jump to.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// One bit for each byte of code: whether an instruction begins there.
    pub(super) starts: Vec<u64>,
    /// The jumps: where they are and go to.
    pub(super) jumps: Vec<(u32, i64)>,
}

/// Where the code of a pyc is odd in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// The first place.
    pub first: Oddity,
    /// How many there are.
    pub count: u64,
}

/// What a walk found.
#[derive(Default)]
struct Found {
    /// Each kind once for a code object, at most [`ODDITIES`] in all.
    oddities: Vec<Oddity>,
    /// Each kind once, with the number of its places.
    places: Vec<Places>,
}

/// What is odd about the instructions and tables of a pyc, each kind once for a code object and at most [`ODDITIES`] in all.
///
/// Nothing for a version whose opcodes are not certain, or when the body is not of the version that the magic says.
pub fn oddities(tree: &Tree<'_>, walk: &mut Walk) -> Vec<Oddity> {
    find(tree, walk, Look::Quick).oddities
}

/// The same, each kind once for the whole pyc, with the number of its places.
pub fn places(tree: &Tree<'_>, walk: &mut Walk) -> Vec<Places> {
    find(tree, walk, Look::Quick).places
}

/// Both, without the quick look that spares most code the walk: slower, and what the quick look is tested against.
#[doc(hidden)]
pub fn in_full(tree: &Tree<'_>, walk: &mut Walk) -> (Vec<Oddity>, Vec<Places>) {
    let Found { oddities, places } = find(tree, walk, Look::Full);
    (oddities, places)
}

/// How code is looked at first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// As a whole; what is not plainly as compilers write it is walked.
    Quick,
    /// Instruction by instruction.
    Full,
}

fn find(tree: &Tree<'_>, walk: &mut Walk, look: Look) -> Found {
    let mut found = Found::default();
    let Some(version) = tree.pyc.version else { return found };
    let Some(opcodes) = Opcodes::of(version) else { return found };
    if tree.pyc.fit.is_some_and(|fit| fit.is_other_layout()) {
        return found;
    }
    let lines = LineFormat::of(version);
    let Walk { marks, screen } = walk;
    if !screen.as_ref().is_some_and(|screen| screen.is_of(opcodes)) {
        *screen = Some(Box::new(Screen::new(opcodes)));
    }
    let Some(screen) = screen.as_deref() else { return found };
    let has_resume = opcodes.rows.iter().flatten().any(|row| row.op == Op::RESUME);
    let mut budget = u64::try_from(tree.bytes.len()).unwrap_or(u64::MAX).saturating_mul(SHARING);
    for code in tree.codes() {
        // A code object that was not read to its end lacks what its instructions refer to.
        if code.end().is_none() {
            continue;
        }
        let Some(offset) = code.bytes_offset(Object::Code) else { continue };
        let size = [code.code().len(), code.linetable().len(), code.exceptiontable().len()];
        let size = u64::try_from(size.iter().sum::<usize>()).unwrap_or(u64::MAX);
        let from = found.oddities.len();
        let mut one = One { code, opcodes, from, found: &mut found, is_lost: false, is_resumed: !has_resume };
        let Some(left) = budget.checked_sub(size) else {
            one.odd(OddityKind::NotWalked, offset);
            return found;
        };
        budget = left;
        let screen = Some(screen).filter(|_| look == Look::Quick);
        one.walk(offset, lines, screen, marks);
    }
    found
}

/// One code object while it is walked.
struct One<'a, 'f> {
    code: Code<'a>,
    opcodes: &'static Opcodes,
    found: &'f mut Found,
    /// How many oddities the code objects before it have.
    from: usize,
    /// Whether an undefined opcode was seen: it may have caches or be a jump, so that what follows from it is not certain.
    is_lost: bool,
    /// Whether a RESUME was seen, or none has to be there.
    is_resumed: bool,
}

/// How many there are of what arguments are indexes of.
struct Sizes {
    consts: usize,
    names: usize,
    locals: usize,
    cells: usize,
}

impl Sizes {
    fn of(code: Code<'_>) -> Self {
        let locals = code.localsplusnames().len().max(code.varnames().len());
        Self {
            consts: code.consts().len(),
            names: code.names().len(),
            locals: if has_locals(code) { locals } else { usize::MAX },
            cells: code.cellvars().len().saturating_add(code.freevars().len()),
        }
    }

    fn of_table(&self, table: Table, opcodes: &Opcodes) -> usize {
        match table {
            Table::Consts => self.consts,
            Table::Names => self.names,
            Table::Locals => self.locals,
            Table::Cells => self.cells,
            Table::Compare => opcodes.compare.len(),
            Table::Binary => opcodes.binary.len(),
            Table::Intrinsics1 => opcodes.intrinsics_1.len(),
            Table::Intrinsics2 => opcodes.intrinsics_2.len(),
            Table::CommonConstants => opcodes.common_constants.len(),
            Table::SpecialMethods => opcodes.special_methods.len(),
        }
    }
}

impl One<'_, '_> {
    #[cold]
    fn odd(&mut self, kind: OddityKind, offset: u64) {
        if self.is_lost && is_uncertain(kind) {
            return;
        }
        let oddity = Oddity { kind, offset, code: self.code.index() };
        let Found { oddities, places } = &mut *self.found;
        let is_known = oddities.iter().skip(self.from).any(|oddity| oddity.kind == kind);
        if !is_known && oddities.len() < ODDITIES {
            oddities.push(oddity);
        }
        // No more of them than there are kinds.
        match places.iter_mut().find(|places| places.first.kind == kind) {
            Some(places) => places.count = places.count.saturating_add(1),
            None => places.push(Places { first: oddity, count: 1 }),
        }
    }

    fn walk(&mut self, offset: u64, lines: LineFormat, screen: Option<&Screen>, marks: &mut Marks) {
        let bytes = self.code.code();
        let sizes = Sizes::of(self.code);
        marks.clear(bytes.len());
        let size_of = |table| sizes.of_table(table, self.opcodes);
        if !screen.is_some_and(|screen| screen.passes(bytes, size_of, marks)) {
            marks.clear(bytes.len());
            self.look_at_instructions(offset, &sizes, marks);
        }
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        for &(place, target) in &marks.jumps {
            let at = offset.saturating_add(u64::from(place));
            if target < 0 || target >= length {
                self.odd(OddityKind::JumpOutsideCode, at);
            } else if !marks.is_start(target.unsigned_abs()) {
                self.odd(OddityKind::JumpIntoInstruction, at);
            }
        }
        let (table, bytes) = (self.code.linetable(), self.code.code());
        let is_quick = screen.is_some() && lines == LineFormat::Positions;
        if !is_quick || !screen::positions_fit(table, bytes) {
            self.look_at_lines(lines);
        }
        self.look_at_handlers(marks);
    }

    fn look_at_instructions(&mut self, offset: u64, sizes: &Sizes, marks: &mut Marks) {
        let bytes = self.code.code();
        let at = |place: u32| offset.saturating_add(u64::from(place));
        let (mut last, mut tail) = (None, 0);
        for instruction in Instructions::new(bytes, self.opcodes) {
            marks.start(instruction.start);
            if let Some(target) = instruction.target {
                marks.jump(instruction.offset, target);
            }
            self.look_at(&instruction, sizes, at(instruction.offset));
            if instruction.is_end() {
                tail = instruction.end;
            }
            last = Some(instruction);
        }
        if let Some(last) = last.filter(|last| last.cut == Cut::No && last.row.is_some() && !last.is_end())
            && self.is_reached(i64::from(tail), marks)
        {
            self.odd(OddityKind::FallsOffEnd, at(last.offset));
        }
        // Code without any instruction is odd for that alone.
        if !self.is_resumed && !bytes.is_empty() {
            self.odd(OddityKind::NoResume, offset);
        }
    }

    /// Whether execution can come to the instructions from an offset on, before which it ends. Compilers leave instructions
    /// there that nothing leads to.
    #[cold]
    fn is_reached(&self, tail: i64, marks: &Marks) -> bool {
        let is_target = |target: i64| target >= tail;
        let mut handlers = Handlers::new(self.code.exceptiontable()).filter_map(Result::ok);
        tail == 0
            || marks.jumps.iter().any(|&(_, target)| is_target(target))
            || handlers.any(|handler| i64::try_from(handler.target).is_ok_and(is_target))
    }

    #[inline]
    fn look_at(&mut self, instruction: &Instruction, sizes: &Sizes, offset: u64) {
        if instruction.cut != Cut::No {
            let is_cache = instruction.cut == Cut::Cache;
            self.odd(if is_cache { OddityKind::CutCache } else { OddityKind::CutInstruction }, offset);
        }
        if instruction.prefixes > 3 || instruction.prefixes > 1 && self.opcodes.format == Format::ByteCode {
            self.odd(OddityKind::LongPrefixChain, offset);
        }
        let Some(row) = instruction.row else {
            self.odd(OddityKind::UndefinedOpcode, offset);
            self.is_lost = true;
            return;
        };
        self.is_resumed |= row.op == Op::RESUME;
        if row.used != Use::Compiled {
            self.look_at_internal(row.op, offset);
            return;
        }
        if row.argument == Argument::None {
            if instruction.arg != 0 && !is_left_over(row.op) {
                self.odd(OddityKind::NeedlessOperand, offset);
            }
        } else if row.argument == Argument::LocalsPlusPair {
            let larger = (instruction.arg >> 4).max(instruction.arg & 15);
            if usize::try_from(larger).unwrap_or(usize::MAX) >= sizes.locals {
                self.odd(OddityKind::OperandOutOfRange, offset);
            }
        } else if let Some((table, index)) = instruction.index()
            && usize::try_from(index).unwrap_or(usize::MAX) >= sizes.of_table(table, self.opcodes)
        {
            self.odd(OddityKind::OperandOutOfRange, offset);
        }
        if row.caches > 0 {
            let [start, end] =
                [instruction.caches_start, instruction.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
            let code = self.code.code();
            let caches = code.get(start..end.min(code.len())).unwrap_or_default();
            if caches.iter().any(|&byte| byte != 0) {
                self.odd(OddityKind::FilledCache, offset);
            }
        }
    }

    #[cold]
    fn look_at_internal(&mut self, op: Op, offset: u64) {
        // RESERVED is a hole in the numbers, no instruction.
        let is_hole = op == Op::RESERVED;
        self.is_lost |= is_hole;
        self.odd(if is_hole { OddityKind::UndefinedOpcode } else { OddityKind::InterpreterOpcode }, offset);
    }

    fn look_at_lines(&mut self, format: LineFormat) {
        let Some(offset) = self.code.bytes_offset(Object::LineTable) else { return };
        let extent = lines::extent(self.code, format);
        if let Some(fault) = extent.fault {
            self.odd(
                OddityKind::DamagedLineTable,
                offset.saturating_add(u64::try_from(fault.offset).unwrap_or(u64::MAX)),
            );
            return;
        }
        let length = u64::try_from(self.code.code().len()).unwrap_or(u64::MAX);
        match extent.end {
            Some(end) if end < length => self.odd(OddityKind::ShortLineTable, offset),
            Some(end) if end > length => self.odd(OddityKind::LongLineTable, offset),
            _ => {}
        }
    }

    fn look_at_handlers(&mut self, marks: &Marks) {
        let Some(offset) = self.code.bytes_offset(Object::ExceptionTable) else { return };
        let length = u64::try_from(self.code.code().len()).unwrap_or(u64::MAX);
        let mut before = 0;
        for handler in Handlers::new(self.code.exceptiontable()) {
            let at = |place: usize| offset.saturating_add(u64::try_from(place).unwrap_or(u64::MAX));
            match handler {
                // No code is as long as a number of more than 32 bits.
                Err(fault) if fault.kind == TableFaultKind::TooLarge => {
                    self.odd(OddityKind::ExceptionTableOutsideCode, at(fault.offset));
                }
                Err(fault) => self.odd(OddityKind::DamagedExceptionTable, at(fault.offset)),
                Ok(handler) => {
                    let is_inside = handler.end <= length
                        && marks.is_start(handler.start)
                        && marks.is_start(handler.target)
                        && (handler.end == length || marks.is_start(handler.end));
                    if !is_inside {
                        self.odd(OddityKind::ExceptionTableOutsideCode, at(handler.offset));
                    }
                    // The interpreter searches it by halves (`get_exception_handler` in Python/ceval.c).
                    if handler.is_torn || handler.start < before || handler.end <= handler.start {
                        self.odd(OddityKind::DamagedExceptionTable, at(handler.offset));
                    }
                    before = handler.end;
                }
            }
        }
    }
}

/// Whether it follows from where instructions begin and what they are.
fn is_uncertain(kind: OddityKind) -> bool {
    matches!(
        kind,
        OddityKind::InterpreterOpcode
            | OddityKind::CutCache
            | OddityKind::FilledCache
            | OddityKind::JumpIntoInstruction
            | OddityKind::FallsOffEnd
            | OddityKind::NoResume
            | OddityKind::ExceptionTableOutsideCode
    )
}

/// Instructions that 3.10's compiler makes out of others without clearing their argument.
fn is_left_over(op: Op) -> bool {
    matches!(op, Op::NOP | Op::ROT_TWO | Op::ROT_THREE | Op::ROT_FOUR)
}

impl Marks {
    fn clear(&mut self, length: usize) {
        self.jumps.clear();
        self.starts.clear();
        self.starts.resize(length.div_ceil(64), 0);
    }

    /// An instruction jumps to an offset.
    #[inline]
    pub(super) fn jump(&mut self, from: u32, to: i64) {
        self.jumps.push((from, to));
    }

    /// An instruction begins at an offset.
    #[inline]
    pub(super) fn start(&mut self, start: u32) {
        let word = usize::try_from(start >> 6).unwrap_or(usize::MAX);
        if let Some(word) = self.starts.get_mut(word) {
            *word |= 1_u64.wrapping_shl(start & 63);
        }
    }

    #[inline]
    fn is_start(&self, offset: u64) -> bool {
        let word = usize::try_from(offset >> 6).ok().and_then(|word| self.starts.get(word));
        word.is_some_and(|word| word.wrapping_shr(u32::try_from(offset & 63).unwrap_or_default()) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::limits::Limits;
    use crate::pyc;
    use crate::pyc::Scratch;

    #[test]
    fn a_quick_look_finds_what_a_walk_finds() {
        let (mut scratch, mut walk) = (Scratch::default(), Walk::default());
        let (mut odd, mut clean) = (0, 0);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code");
        for python in ["cpython-2.7", "cpython-3.8", "cpython-3.10", "cpython-3.12", "cpython-3.13", "pypy-3.9"] {
            let whole = fs::read(root.join(python).join("classic.pyc")).unwrap();
            for place in (16..whole.len()).step_by(5) {
                let mut bytes = whole.clone();
                bytes[place] = [0, 0x80, 0xff, bytes[place] ^ 1, bytes[place] ^ 0x40][place / 5 % 5];
                let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
                let quick = find(&tree, &mut walk, Look::Quick);
                let full = find(&tree, &mut walk, Look::Full);
                assert_eq!((&quick.oddities, &quick.places), (&full.oddities, &full.places), "{python}, byte {place}");
                if full.places.is_empty() { clean += 1 } else { odd += 1 }
            }
        }
        assert!(odd > 1000 && clean > 1000, "{odd} odd, {clean} clean");
    }
}
