//! What a code object is before it runs: its instructions by offset, its names and constants, and its prologue.

use smallvec::SmallVec;

use crate::pyc::Code;
use crate::pyc::Value;
use crate::pyc::Version;
use crate::pyc::code::CO_OPTIMIZED;
use crate::pyc::code::KIND_CELL;
use crate::pyc::code::KIND_FREE;
use crate::pyc::exceptions::Handler;
use crate::pyc::exceptions::Handlers;
use crate::pyc::instruction::Instruction;
use crate::pyc::instruction::Instructions;
use crate::pyc::layout::Object;
use crate::pyc::lines;
use crate::pyc::lines::LineFormat;
use crate::pyc::lines::Position;
use crate::pyc::lines::Positions;
use crate::pyc::objects::Items;
use crate::pyc::opcodes::Op as Opcode;
use crate::pyc::opcodes::Opcodes;
use crate::pyc::versions::Implementation;
use crate::verify::Pool;
use crate::verify::constant::Constant;
use crate::verify::event::NameId;

use super::Child;
use super::Fault;
use super::Local;
use super::Machine;
use super::Room;

/// The deepest stack that is followed. The largest of the standard libraries is below 1,000; displays of up to 3.8 need a place for
/// each item.
const MOST_DEPTH: usize = 1 << 17;

/// The argument of RESUME at the start of a generator expression (3.15).
const RESUME_AT_GENERATOR: u32 = 4;

/// Flags of a code object whose call makes a generator, coroutine or asynchronous generator.
const GENERATORS: i32 = 0x20 | 0x80 | 0x200;

impl<'a> Machine<'a> {
    /// A code object of a version, its names and constants known to the pool.
    pub(in super::super) fn new(
        code: Code<'a>,
        version: &'a Version,
        pool: &mut Pool,
        room: Room,
    ) -> Result<Self, Fault> {
        let series = version.series;
        let is_known = series == (2, 7) || ((3, 6)..=(3, 15)).contains(&series);
        let opcodes = Opcodes::of(version).filter(|_| is_known && version.implementation == Implementation::CPython);
        let opcodes = opcodes.ok_or(Fault::Version)?;
        let Room { mut instructions, mut places, mut visited, mut consts, mut names, mut locals } = room;
        instructions.clear();
        instructions.reserve(code.code().len() / 4);
        places.clear();
        places.resize(code.code().len(), u32::MAX);
        visited.clear();
        visited.resize(code.code().len(), false);
        for (instruction, index) in Instructions::new(code.code(), opcodes).zip(0_u32..) {
            if let Some(place) = usize::try_from(instruction.start).ok().and_then(|start| places.get_mut(start)) {
                *place = index;
            }
            instructions.push(instruction);
        }
        let none = pool.constants.intern(Constant::None);
        let items = code.consts();
        consts.clear();
        consts.extend((0..items.len()).map(|place| pool.constants.read(items, place, series)));
        names.clear();
        pool.names.read_all(code.names(), &mut names);
        locals.clear();
        read_locals(code, pool, &mut locals)?;
        let mut machine = Self {
            code,
            series,
            opcodes,
            instructions,
            places,
            handlers: Vec::new(),
            visited: std::cell::RefCell::new(visited),
            consts,
            children: children(items, pool),
            names,
            locals,
            cells: if series < (3, 11) { cells(code, pool)? } else { Vec::new() },
            depth: usize::try_from(code.stacksize()).unwrap_or_default().min(MOST_DEPTH),
            entry: 0,
            generator: None,
            none,
            version,
            positions: std::cell::OnceCell::new(),
            endless: std::cell::OnceCell::new(),
            targets: std::cell::OnceCell::new(),
        };
        machine.handlers = machine.exception_table()?;
        if machine.series < (3, 11) && usize::try_from(code.nlocals()) != Ok(machine.locals.len()) {
            return Err(Fault::Variables);
        }
        machine.entry = machine.prologue()?;
        machine.generator = machine.late_generator();
        machine.check_variables()?;
        Ok(machine)
    }

    /// Where the prologue ends, if it is the one that the compiler puts in front of such code.
    fn prologue(&self) -> Result<u32, Fault> {
        let is_generator = self.code.flags() & GENERATORS != 0;
        if self.series < (3, 10) {
            return Ok(0);
        }
        let mut at = 0_u32;
        let mut next = |wanted: Opcode| {
            let found = self.instruction(at).filter(|found| found.op() == Some(wanted)).copied();
            if let Some(found) = found {
                at = found.end;
            }
            found
        };
        if self.series == (3, 10) {
            return if is_generator == next(Opcode::GEN_START).is_some() { Ok(at) } else { Err(Fault::Prologue) };
        }
        let kinds = self.code.localspluskinds();
        let frees = kinds.iter().filter(|&&kind| kind & KIND_FREE != 0).count();
        let copied = next(Opcode::COPY_FREE_VARS).map_or(0, |found| found.arg);
        if usize::try_from(copied) != Ok(frees) {
            return Err(Fault::Prologue);
        }
        let mut cells: Vec<u32> =
            kinds.iter().zip(0..).filter(|(kind, _)| **kind & KIND_CELL != 0).map(|(_, slot)| slot).collect();
        while let Some(found) = next(Opcode::MAKE_CELL) {
            let place = cells.iter().position(|&slot| slot == found.arg).ok_or(Fault::Prologue)?;
            cells.swap_remove(place);
        }
        let is_made = next(Opcode::RETURN_GENERATOR).is_some();
        if !cells.is_empty() || is_made && next(Opcode::POP_TOP).is_none() {
            return Err(Fault::Prologue);
        }
        let resume = next(Opcode::RESUME).ok_or(Fault::Prologue)?;
        // A generator expression of 3.15 becomes a generator when it has its iterator.
        let is_late = is_generator && !is_made && self.series >= (3, 15) && resume.arg == RESUME_AT_GENERATOR;
        if is_late || is_made == is_generator && resume.arg == 0 { Ok(at) } else { Err(Fault::Prologue) }
    }

    /// Where a generator expression of 3.15 becomes a generator: behind the iterator of its argument, nowhere else.
    fn late_generator(&self) -> Option<(u32, u32)> {
        let op = |at: &&Instruction, wanted: &[Opcode]| at.op().is_some_and(|op| wanted.contains(&op));
        let load = self
            .instruction(self.entry)
            .filter(|at| op(at, &[Opcode::LOAD_FAST, Opcode::LOAD_FAST_BORROW]) && at.arg == 0)?;
        let iterator = self.behind(load).filter(|at| op(at, &[Opcode::GET_ITER, Opcode::GET_AITER]))?;
        let made = self.behind(iterator).filter(|at| op(at, &[Opcode::RETURN_GENERATOR]))?;
        let sent = self.behind(made).filter(|at| op(at, &[Opcode::POP_TOP]))?;
        let resume = self.behind(sent).filter(|at| op(at, &[Opcode::RESUME]) && at.arg == 0)?;
        Some((made.start, resume.end))
    }

    /// The exception table, whose entries the interpreter finds by halves: they have to be in order. An instruction is handled as a whole,
    /// with its caches.
    fn exception_table(&self) -> Result<Vec<Handler>, Fault> {
        let mut handlers = Vec::new();
        let mut behind = 0;
        let begins = |offset: u64| {
            let place = usize::try_from(offset).ok();
            place == Some(self.code.code().len())
                || place.and_then(|place| self.places.get(place)).is_some_and(|&index| index != u32::MAX)
        };
        for handler in Handlers::new(self.code.exceptiontable()) {
            let handler = handler.map_err(|_| Fault::ExceptionTable)?;
            let is_whole = begins(handler.start) && begins(handler.end);
            if handler.is_torn || !is_whole || handler.start < behind || handler.end <= handler.start {
                return Err(Fault::ExceptionTable);
            }
            behind = handler.end;
            handlers.push(handler);
        }
        Ok(handlers)
    }

    /// The instruction behind another one.
    pub(super) fn behind(&self, instruction: &Instruction) -> Option<&Instruction> {
        self.instruction(instruction.end)
    }

    /// The instruction behind another one that is no NOP.
    pub(super) fn follower(&self, instruction: &Instruction) -> Option<&Instruction> {
        let mut next = self.behind(instruction)?;
        // Each step goes forward, so this ends.
        while next.op() == Some(Opcode::NOP) {
            next = self.behind(next)?;
        }
        Some(next)
    }

    /// Whether an instruction jumps to this one.
    pub(super) fn is_target(&self, instruction: &Instruction) -> bool {
        let targets = self.targets.get_or_init(|| {
            let mut targets: Vec<i64> = self.instructions.iter().filter_map(|instruction| instruction.target).collect();
            targets.sort_unstable();
            targets
        });
        targets.binary_search(&i64::from(instruction.start)).is_ok()
    }
}

fn names(items: Items<'_>, pool: &mut Pool) -> Vec<Option<NameId>> {
    let mut names = Vec::new();
    pool.names.read_all(items, &mut names);
    names
}

/// Names no two of which are the same: what is done with a variable is told by its name.
fn distinct(names: Vec<Option<NameId>>) -> Result<Vec<Option<NameId>>, Fault> {
    sorted(names.iter().copied())?;
    Ok(names)
}

/// The names in the order of their numbers, if no two of them are the same.
fn sorted(names: impl Iterator<Item = Option<NameId>>) -> Result<SmallVec<[NameId; 16]>, Fault> {
    let mut sorted: SmallVec<[NameId; 16]> = names.flatten().collect();
    sorted.sort_unstable();
    let is_distinct = sorted.array_windows().all(|[name, next]| name != next);
    if is_distinct { Ok(sorted) } else { Err(Fault::Variables) }
}

/// A class body can have a cell of its own beside a free variable of that name (`__class__`): nothing else can.
fn is_class_body(code: Code<'_>) -> bool {
    code.flags() & CO_OPTIMIZED == 0
}

fn cells(code: Code<'_>, pool: &mut Pool) -> Result<Vec<Option<NameId>>, Fault> {
    let (cells, frees) = (distinct(names(code.cellvars(), pool))?, distinct(names(code.freevars(), pool))?);
    let all = [cells, frees].concat();
    if is_class_body(code) { Ok(all) } else { distinct(all) }
}

fn read_locals(code: Code<'_>, pool: &mut Pool, locals: &mut Vec<Local>) -> Result<(), Fault> {
    if code.object(Object::LocalsPlusNames).is_none() {
        let names = distinct(names(code.varnames(), pool))?.into_iter();
        locals.extend(names.map(|name| Local { name, is_cell: false, is_shadowed: false }));
        return Ok(());
    }
    let mut names: SmallVec<[Option<NameId>; 16]> = SmallVec::new();
    pool.names.read_all(code.localsplusnames(), &mut names);
    let kinds = code.localspluskinds();
    let of_kind = |is_free: bool| {
        let found = names.iter().zip(kinds).filter(move |(_, kind)| (**kind & KIND_FREE != 0) == is_free);
        sorted(found.map(|(&name, _)| name))
    };
    // The one honest pair: a free variable and the variable of an inlined comprehension.
    of_kind(false)?;
    let frees = of_kind(true)?;
    let local = |(&name, &kind): (&Option<NameId>, &u8)| Local {
        name,
        is_cell: kind & (KIND_CELL | KIND_FREE) != 0,
        is_shadowed: kind & KIND_FREE == 0
            && !is_class_body(code)
            && name.is_none_or(|name| frees.binary_search(&name).is_ok()),
    };
    // A name without a kind is no variable.
    locals.extend(names.iter().zip(kinds).map(local));
    Ok(())
}

/// The free variables of the code objects among the constants.
fn children(consts: Items<'_>, pool: &mut Pool) -> Vec<Child> {
    let mut children = Vec::new();
    for value in consts.iter() {
        let Value::Code(child) = value else { continue };
        let Ok(place) = u32::try_from(child.index()) else { continue };
        let frees = if child.object(Object::LocalsPlusNames).is_some() {
            let names = child.localsplusnames();
            let frees = (0..names.len()).zip(child.localspluskinds()).filter(|(_, kind)| **kind & KIND_FREE != 0);
            frees.map(|(place, _)| pool.names.read(names, place)).collect()
        } else {
            names(child.freevars(), pool)
        };
        children.push(Child { place, frees });
    }
    children.sort_by_key(|child| child.place);
    children
}

/// Where instructions come from, as far as the table can be read.
pub(super) fn positions(code: Code<'_>, version: &Version) -> Vec<(u32, Position)> {
    let narrow = |at: u64| u32::try_from(at).unwrap_or(u32::MAX);
    if LineFormat::of(version) == LineFormat::Positions {
        return Positions::of(code).map_while(Result::ok).map(|range| (narrow(range.start), range.position)).collect();
    }
    let (ranges, _) = lines::line_ranges(code, version);
    let position = |line| Position { line, end_line: line, ..Position::default() };
    ranges.into_iter().map(|range| (narrow(range.start), position(range.line))).collect()
}
