//! One instruction at work: taking values from the stack, putting them there, and saying what comes next.

use smallvec::SmallVec;

use crate::pyc::instruction::Instruction;
use crate::pyc::opcodes::Op as Opcode;
use crate::verify::Pool;
use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::event::Event;
use crate::verify::event::NameId;
use crate::verify::event::NameListId;
use crate::verify::event::Op;
use crate::verify::event::Operands;
use crate::verify::event::Pair;
use crate::verify::event::Part;
use crate::verify::event::Symbol;
use crate::verify::names::Names;

use super::Change;
use super::Fault;
use super::Goto;
use super::Known;
use super::Machine;
use super::Next;
use super::Pending;
use super::Put;
use super::State;
use super::Test;
use super::Way;

/// What an instruction leads to: `None` when nothing can be observed.
pub(super) type Step = Result<Option<Next>, Fault>;

/// An instruction that is being run.
pub(super) struct Run<'m, 'a> {
    pub(super) machine: &'m Machine<'a>,
    pub(super) state: &'m mut State,
    pub(super) pool: &'m mut Pool,
    pub(super) at: Instruction,
    /// Which of its parts.
    pub(super) part: u8,
}

impl Run<'_, '_> {
    /// The argument as a count.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.at.arg).unwrap_or(usize::MAX)
    }

    /// The topmost value, whatever it is.
    pub(super) fn pop(&mut self) -> Result<Symbol, Fault> {
        self.state.stack.pop().ok_or(Fault::StackUnderflow)
    }

    /// The value at a depth; 1 is the topmost.
    pub(super) fn peek(&self, depth: usize) -> Result<Symbol, Fault> {
        let place = self.place(depth)?;
        self.state.stack.get(place).copied().ok_or(Fault::StackUnderflow)
    }

    /// The place of the value at a depth.
    pub(super) fn place(&self, depth: usize) -> Result<usize, Fault> {
        if depth == 0 {
            return Err(Fault::Operand);
        }
        self.state.stack.len().checked_sub(depth).ok_or(Fault::StackUnderflow)
    }

    /// Pushes anything.
    pub(super) fn push(&mut self, symbol: Symbol) -> Result<(), Fault> {
        if self.state.stack.len() >= self.machine.depth {
            return Err(Fault::StackOverflow);
        }
        self.state.stack.push(symbol);
        Ok(())
    }

    /// The topmost value, which has to be one.
    pub(super) fn value(&mut self) -> Result<Symbol, Fault> {
        value(self.pop()?)
    }

    /// So many topmost values, the lowest first.
    pub(super) fn values(&mut self, count: usize) -> Result<Operands, Fault> {
        let split = self.state.stack.len().checked_sub(count).ok_or(Fault::StackUnderflow)?;
        let mut operands = Operands::from_slice(self.state.stack.get(split..).unwrap_or_default());
        for operand in &mut operands {
            *operand = value(*operand)?;
        }
        self.state.stack.truncate(split);
        Ok(operands)
    }

    /// The value at a depth, which has to be one.
    pub(super) fn peek_value(&self, depth: usize) -> Result<Symbol, Fault> {
        value(self.peek(depth)?)
    }

    /// Goes on with the next instruction.
    pub(super) fn next(&mut self) -> Step {
        self.go(self.at.end)
    }

    /// Goes on elsewhere.
    #[expect(clippy::unnecessary_wraps, reason = "it is how instructions end")]
    pub(super) fn go(&mut self, offset: u32) -> Step {
        self.state.offset = offset;
        self.state.pending = Pending::Part(0);
        Ok(None)
    }

    /// Pushes and goes on.
    pub(super) fn pushed(&mut self, symbol: Symbol) -> Step {
        self.push(symbol)?;
        self.next()
    }

    /// Something is done; its results are pushed.
    pub(super) fn event(&mut self, op: Op, operands: Operands) -> Step {
        self.event_put(op, operands, Put::Push)
    }

    /// Something is done; its results go somewhere.
    pub(super) fn event_put(&mut self, op: Op, operands: Operands, put: Put) -> Step {
        self.event_to(op, operands, put, Goto { offset: self.at.end, part: 0 })
    }

    /// Something is done, and then the next part of this instruction.
    pub(super) fn event_part(&mut self, op: Op, operands: Operands, put: Put) -> Step {
        let part = self.part.saturating_add(1);
        self.event_to(op, operands, put, Goto { offset: self.at.start, part })
    }

    /// Something is done, and then something somewhere.
    pub(super) fn event_to(&mut self, op: Op, operands: Operands, put: Put, goto: Goto) -> Step {
        if self.state.stack.len().saturating_add(op.results()) > self.machine.depth.saturating_add(1) {
            return Err(Fault::StackOverflow);
        }
        self.state.pending = Pending::Event(put, goto);
        Ok(Some(Next::Event { event: Event { op, operands }, at: self.at.start }))
    }

    /// An instruction that no source compiles to.
    pub(super) fn foreign(&mut self) -> Step {
        self.event(Op::Foreign(self.at.opcode, self.at.op()), Operands::new())
    }

    /// The truth of a value decides.
    pub(super) fn test(&mut self, on: Symbol, yes: Way, no: Way) -> Step {
        self.state.pending = Pending::Test(Test { yes, no });
        Ok(Some(Next::Test { on: value(on)?, at: self.at.start }))
    }

    /// The truth of the topmost value decides whether an instruction jumps; it is popped in either case.
    pub(super) fn test_top(&mut self, jump: &Instruction, when: bool) -> Step {
        let on = self.peek(1)?;
        let there = Way { offset: self.target_of(jump)?, change: Change::Pop };
        let here = Way { offset: jump.end, change: Change::Pop };
        if when { self.test(on, there, here) } else { self.test(on, here, there) }
    }

    /// Where the instruction jumps to.
    pub(super) fn target(&self) -> Result<u32, Fault> {
        self.target_of(&self.at)
    }

    /// Where an instruction jumps to.
    pub(super) fn target_of(&self, jump: &Instruction) -> Result<u32, Fault> {
        let target = jump.target.and_then(|target| u32::try_from(target).ok()).ok_or(Fault::Jump)?;
        self.machine.instruction(target).map(|found| found.start).ok_or(Fault::Jump)
    }

    /// The name at an index.
    pub(super) fn name(&self, index: u32) -> Result<NameId, Fault> {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        self.machine.names.get(place).copied().flatten().ok_or(Fault::Operand)
    }

    /// The constant at an index.
    pub(super) fn constant(&self, index: u32) -> Result<ConstId, Fault> {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        self.machine.consts.get(place).copied().flatten().ok_or(Fault::Operand)
    }

    /// The names in a constant tuple.
    pub(super) fn keywords(&mut self, tuple: ConstId) -> Result<NameListId, Fault> {
        keywords(self.pool, tuple, self.machine.series)
    }

    /// A constant text as a name.
    pub(super) fn text(&mut self, constant: ConstId) -> Result<NameId, Fault> {
        text(self.pool.constants.get(constant), self.machine.series, &mut self.pool.names)
    }

    /// Two values that stand for one result are popped.
    pub(super) fn pair(&mut self, wanted: Pair) -> Result<Symbol, Fault> {
        let (upper, lower) = (self.pop()?, self.pop()?);
        match upper {
            Symbol::Half(pair, id) if pair == wanted && lower == upper => Ok(Symbol::Id(id)),
            _ => Err(Fault::NotAValue),
        }
    }

    /// The exception whose three values are on top (up to 3.10), class topmost; they are popped.
    pub(super) fn exception(&mut self) -> Result<Symbol, Fault> {
        let (class, value, traceback) = (self.pop()?, self.pop()?, self.pop()?);
        match (class, value, traceback) {
            (Symbol::Part(Part::Type, id), Symbol::Part(Part::Value, other), Symbol::Part(Part::Traceback, third))
                if id == other && id == third =>
            {
                Ok(Symbol::Id(id))
            }
            _ => Err(Fault::NotAValue),
        }
    }

    /// Whether a value is known to be `True` or `False`.
    pub(super) fn is_bool(&self, symbol: Symbol) -> bool {
        match symbol {
            Symbol::Id(id) => self.state.known.contains(&(id, Known::Bool)),
            Symbol::Const(id) => matches!(self.pool.constants.get(id), Constant::True | Constant::False),
            _ => false,
        }
    }

    /// Whether a value is known to be an int.
    pub(super) fn is_int(&self, symbol: Symbol) -> bool {
        match symbol {
            Symbol::Id(id) => self.state.known.contains(&(id, Known::Int)),
            Symbol::Const(id) => matches!(self.pool.constants.get(id), Constant::Int(_)),
            _ => false,
        }
    }

    /// The constants that some values are, if all are.
    pub(super) fn constants(values: &[Symbol]) -> Option<Box<[ConstId]>> {
        let constant = |value: &Symbol| if let Symbol::Const(id) = *value { Some(id) } else { None };
        values.iter().map(constant).collect()
    }

    /// The instruction behind this one, if it is the one that is meant.
    pub(super) fn followed_by(&self, wanted: Opcode) -> Option<Instruction> {
        self.machine.follower(&self.at).filter(|found| found.op() == Some(wanted)).copied()
    }
}

/// The names in a constant tuple.
pub(super) fn keywords(pool: &mut Pool, tuple: ConstId, series: (u8, u8)) -> Result<NameListId, Fault> {
    let Pool { constants, names } = pool;
    let Constant::Tuple(items) = constants.get(tuple) else { return Err(Fault::Operand) };
    let mut list: SmallVec<[NameId; 8]> = SmallVec::with_capacity(items.len());
    for &item in items {
        list.push(text(constants.get(item), series, names)?);
    }
    Ok(names.intern_list(&list))
}

/// A constant text as a name.
fn text(constant: &Constant, series: (u8, u8), names: &mut Names) -> Result<NameId, Fault> {
    match constant {
        Constant::Text(text) => Ok(names.intern(text)),
        Constant::Bytes(text) if series.0 == 2 => Ok(names.intern(text)),
        _ => Err(Fault::Operand),
    }
}

/// Something that may be used as a value: an exception is its middle part.
pub(super) fn value(symbol: Symbol) -> Result<Symbol, Fault> {
    match symbol {
        Symbol::Id(_) | Symbol::Const(_) => Ok(symbol),
        Symbol::Part(Part::Value, id) => Ok(Symbol::Id(id)),
        _ => Err(Fault::NotAValue),
    }
}
