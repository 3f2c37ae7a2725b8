//! What code mostly does, straight from the instruction: compared where the values lie, without an event being made of it.
//!
//! As with loads, what is not as simple as that goes the long way through [`Machine::step`] and [`Machine::resume`], which do the same.

use crate::pyc::instruction::Cut;
use crate::pyc::instruction::Instruction;
use crate::pyc::opcodes::Op as Opcode;
use crate::pyc::opcodes::Use;
use crate::verify::Pool;
use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::NameListId;
use crate::verify::event::Op;
use crate::verify::event::Pair;
use crate::verify::event::Space;
use crate::verify::event::Symbol;

use super::Change;
use super::Goto;
use super::Known;
use super::Machine;
use super::Pending;
use super::Put;
use super::State;
use super::Test;
use super::Way;
use super::load::get;
use super::operators;
use super::stack;

/// Jumps in a row that are followed at once: more may be a loop that does nothing.
const MOST_JUMPS: u8 = 4;

/// Silent instructions in a row behind which nobody looks for a store.
const MOST_SILENT: usize = 6;

/// What has begun: its operands are taken from the stack.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Deed {
    /// By which instruction.
    pub(in super::super) at: u32,
    /// Where execution goes on, and in which part of the instruction.
    goto: Goto,
    /// What becomes of its result, if it has one.
    put: Put,
}

/// Where the operands of an instruction lie, and how many values it pops.
struct Taken {
    pops: usize,
    put: Put,
    /// Whether the instruction has another part.
    is_part: bool,
}

impl Taken {
    /// So many values, of which there is at most one result that is pushed.
    fn of(pops: usize) -> Self {
        Self { pops, put: Put::Push, is_part: false }
    }
}

impl Machine<'_> {
    /// Runs what is silent and simple, as [`Machine::step`] would.
    pub(in super::super) fn settle(&self, state: &mut State) {
        if !state.is_at_start() {
            return;
        }
        let mut jumps = 0_u8;
        while let Some((at, op)) = self.compiled(state.offset).filter(|_| state.keywords.is_none()) {
            match op {
                Opcode::LOAD_CONST if state.stack.len() < self.depth => {
                    let Some(constant) = get(&self.consts, at.arg).copied().flatten() else { return };
                    state.stack.push(Symbol::Const(constant));
                }
                Opcode::PUSH_NULL if state.stack.len() < self.depth => state.stack.push(Symbol::Null),
                Opcode::POP_TOP if !state.stack.is_empty() => {
                    state.stack.pop();
                    state.forget();
                }
                Opcode::KW_NAMES => {
                    let Some(names) = get(&self.consts, at.arg).copied().flatten() else { return };
                    state.keywords = Some(names);
                }
                Opcode::NOP => {}
                Opcode::JUMP_FORWARD | Opcode::JUMP_BACKWARD | Opcode::JUMP_ABSOLUTE if jumps < MOST_JUMPS => {
                    let target = at.target.and_then(|target| u32::try_from(target).ok());
                    let Some(target) = target.and_then(|target| self.instruction(target)) else { return };
                    jumps = jumps.saturating_add(1);
                    self.mark(state.offset);
                    state.offset = target.start;
                    continue;
                }
                _ => return,
            }
            self.mark(state.offset);
            state.offset = at.end;
        }
    }

    /// Begins what is done next, if it is exactly this on exactly these values. [`Machine::done`] goes on. Otherwise the state stays what it
    /// is.
    pub(in super::super) fn deed(
        &self,
        state: &mut State,
        op: &Op,
        operands: &[Symbol],
        pool: &mut Pool,
    ) -> Option<Deed> {
        let (at, code) = self.compiled(state.offset)?;
        if self.series.0 == 2 || !state.is_at_start() {
            return None;
        }
        if !operands.iter().all(|operand| matches!(operand, Symbol::Id(_) | Symbol::Const(_))) {
            return None;
        }
        if let &Op::Call(names) = op {
            return self.call(state, at, code, names, operands, pool);
        }
        if state.keywords.is_some() {
            return None;
        }
        let taken = self.taken(state, at, code, op, operands)?;
        let left = state.stack.len().checked_sub(taken.pops)?;
        if left.saturating_add(op.results()) > self.depth {
            return None;
        }
        self.mark(state.offset);
        state.stack.truncate(left);
        let end = Goto { offset: at.end, part: 0 };
        let goto = if taken.is_part { Goto { offset: at.start, part: 1 } } else { end };
        Some(Deed { at: at.start, goto, put: taken.put })
    }

    /// Goes on behind it with its result, if it has one.
    pub(in super::super) fn done(&self, state: &mut State, deed: Deed, result: Option<Symbol>) {
        state.lent = None;
        match result {
            Some(result) => state.put(deed.put, &[result], self.none),
            None => state.forget(),
        }
        (state.offset, state.pending) = (deed.goto.offset, Pending::Part(deed.goto.part));
    }

    /// Stops at what is done next, if that is a test of exactly this value; [`Machine::branch`] goes on.
    pub(in super::super) fn question(&self, state: &mut State, on: Symbol) -> Option<u32> {
        let Symbol::Id(id) = on else { return None };
        let (at, code) = self.compiled(state.offset)?;
        if state.keywords.is_some() || state.stack.last() != Some(&on) {
            return None;
        }
        // From 3.13 on a jump alone takes nothing but `True` and `False`.
        let is_truth = self.series < (3, 13) || state.known.contains(&(id, Known::Bool));
        let (jump, when) = match (state.pending, code) {
            (Pending::Part(0), Opcode::TO_BOOL) => {
                let jump = self.follower(at)?;
                (jump, jumps_when(jump)?)
            }
            (Pending::Part(0), _) if is_truth => (at, jumps_when(at)?),
            (Pending::Part(1), Opcode::POP_JUMP_IF_NONE) => (at, true),
            (Pending::Part(1), Opcode::POP_JUMP_IF_NOT_NONE) => (at, false),
            // What was negated: a jump when it is true is one when the other is false.
            (Pending::Part(1), Opcode::IS_OP | Opcode::CONTAINS_OP) => {
                let jump = self.follower(at)?;
                (jump, !jumps_when(jump)?)
            }
            _ => return None,
        };
        let target = self.instruction(u32::try_from(jump.target?).ok()?)?.start;
        let there = Way { offset: target, change: Change::Pop };
        let here = Way { offset: jump.end, change: Change::Pop };
        let test = if when { Test { yes: there, no: here } } else { Test { yes: here, no: there } };
        self.mark(state.offset);
        state.pending = Pending::Test(test);
        Some(at.start)
    }

    /// The instruction at an offset, if compilers write it.
    fn compiled(&self, offset: u32) -> Option<(&Instruction, Opcode)> {
        let at = self.instruction(offset)?;
        let row = at.row.filter(|row| row.used == Use::Compiled && at.cut == Cut::No)?;
        Some((at, row.op))
    }

    /// What an instruction takes, if it does this on these values.
    fn taken(&self, state: &State, at: &Instruction, code: Opcode, op: &Op, operands: &[Symbol]) -> Option<Taken> {
        let arg = at.arg;
        let is_top = |values: &[Symbol]| state.stack.ends_with(values);
        // One after the other, the last one on top.
        let in_order = |put: Put| is_top(operands).then_some(Taken { put, ..Taken::of(operands.len()) });
        let taken_if = |is_it: bool| if is_it { in_order(Put::Push) } else { None };
        match (code, *op) {
            (Opcode::STORE_FAST, Op::Store(Space::Fast, name)) => taken_if(
                state.aside.is_empty()
                    && state.known.is_empty()
                    && self.slot(arg, false) == Some(name)
                    && !self.may_store(at.end),
            ),
            (Opcode::STORE_NAME, Op::Store(Space::Name, name))
            | (Opcode::STORE_GLOBAL, Op::Store(Space::Global, name)) => taken_if(self.is_name(arg, name)),
            (Opcode::STORE_DEREF, Op::Store(Space::Deref, name)) if self.has_blocks() => {
                taken_if(get(&self.cells, arg).copied().flatten() == Some(name))
            }
            (Opcode::STORE_DEREF, Op::Store(Space::Deref, name)) => {
                taken_if(state.aside.is_empty() && self.slot(arg, true) == Some(name))
            }
            (Opcode::STORE_ATTR, Op::StoreAttr(name)) => {
                let &[object, value] = operands else { return None };
                (self.is_name(arg, name) && is_top(&[value, object])).then_some(Taken::of(2))
            }
            (Opcode::STORE_SUBSCR, Op::StoreSubscript) => {
                let &[object, key, value] = operands else { return None };
                is_top(&[value, object, key]).then_some(Taken::of(3))
            }
            (Opcode::RETURN_VALUE, Op::Return) => taken_if(self.series >= (3, 8) && state.blocks.is_empty()),
            (Opcode::RETURN_CONST, Op::Return) => {
                let constant = get(&self.consts, arg).copied().flatten()?;
                (*operands == [Symbol::Const(constant)]).then_some(Taken::of(0))
            }
            (Opcode::BINARY_SUBSCR, Op::Subscript)
            | (Opcode::BINARY_SLICE, Op::Slice)
            | (Opcode::GET_AWAITABLE, Op::GetAwaitable)
            | (Opcode::DELETE_SUBSCR, Op::DeleteSubscript)
            | (Opcode::LOAD_BUILD_CLASS, Op::LoadBuildClass) => in_order(Put::Push),
            (Opcode::BINARY_OP, Op::Subscript) => taken_if(self.series >= (3, 14) && arg == operators::SUBSCRIPT),
            (Opcode::GET_ITER, Op::GetIter) => taken_if(self.series < (3, 15)),
            (Opcode::BINARY_OP, Op::Binary(binary)) => taken_if(operators::of_arg(arg) == Some((binary, false))),
            (Opcode::BINARY_OP, Op::InPlace(binary)) => taken_if(operators::of_arg(arg) == Some((binary, true))),
            (Opcode::COMPARE_OP, Op::Compare(compare)) => taken_if(self.is_plain_comparison(at, compare)),
            (Opcode::IS_OP, Op::Compare(Compare::Is)) | (Opcode::CONTAINS_OP, Op::Compare(Compare::In)) if arg == 0 => {
                in_order(Put::Known(Known::Bool))
            }
            // What is but tested is never a negated one: as `compared`.
            (Opcode::IS_OP, Op::Compare(Compare::Is)) | (Opcode::CONTAINS_OP, Op::Compare(Compare::In)) if arg == 1 => {
                let next = self.follower(at).and_then(Instruction::op);
                let is_tested = operators::is_pop_jump(next, true) || operators::is_pop_jump(next, false);
                (is_tested && is_top(operands)).then_some(Taken { is_part: true, ..Taken::of(2) })
            }
            (Opcode::POP_JUMP_IF_NONE | Opcode::POP_JUMP_IF_NOT_NONE, Op::Compare(Compare::Is)) => {
                let &[value, none] = operands else { return None };
                let is_it = none == Symbol::Const(self.none) && is_top(&[value]);
                is_it.then_some(Taken { is_part: true, ..Taken::of(1) })
            }
            (Opcode::RAISE_VARARGS, Op::Raise) => {
                taken_if(self.series.0 > 2 && arg <= 2 && self.is_count(arg, operands))
            }
            (Opcode::FORMAT_VALUE, Op::Format) => taken_if(arg == 0 && operands.len() == 1),
            // A tuple that is unpacked at once may be none.
            (Opcode::BUILD_TUPLE, Op::Build(Display::Tuple)) => {
                taken_if(self.series >= (3, 10) && self.is_count(arg, operands))
            }
            (Opcode::BUILD_LIST, Op::Build(Display::List)) | (Opcode::BUILD_SET, Op::Build(Display::Set)) => {
                taken_if(arg != 0 && self.is_count(arg, operands))
            }
            (Opcode::BUILD_MAP, Op::Build(Display::Map)) => {
                taken_if(arg.checked_mul(2).is_some_and(|count| self.is_count(count, operands)))
            }
            (Opcode::IMPORT_NAME, Op::Import(name)) => taken_if(self.series < (3, 15) && self.is_name(arg, name)),
            (Opcode::IMPORT_FROM, Op::ImportFrom(name)) => {
                (self.is_name(arg, name) && is_top(operands)).then_some(Taken::of(0))
            }
            _ => None,
        }
    }

    /// A call: the callee is two values below the arguments, of which one may be NULL.
    fn call(
        &self,
        state: &mut State,
        at: &Instruction,
        code: Opcode,
        names: NameListId,
        operands: &[Symbol],
        pool: &mut Pool,
    ) -> Option<Deed> {
        let (&callee, arguments) = operands.split_first()?;
        if code != Opcode::CALL || !Self::is_count(self, at.arg, arguments) {
            return None;
        }
        let place = state.stack.len().checked_sub(arguments.len().checked_add(2)?)?;
        let (pair, rest) = state.stack.get(place..)?.split_first_chunk::<2>()?;
        let (function, other) = if self.series >= (3, 13) { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
        let is_callee = match function {
            Symbol::Half(Pair::Method, id) => other == function && callee == Symbol::Id(id),
            _ => other == Symbol::Null && function == callee,
        };
        if !is_callee || rest != arguments {
            return None;
        }
        let found = match state.keywords {
            Some(tuple) => stack::keywords(pool, tuple, self.series).ok()?,
            None => NameListId::EMPTY,
        };
        if found != names || pool.names.list(names).len() > arguments.len() {
            return None;
        }
        state.keywords = None;
        self.mark(state.offset);
        state.stack.truncate(place);
        Some(Deed { at: at.start, goto: Goto { offset: at.end, part: 0 }, put: Put::Push })
    }

    #[expect(clippy::unused_self, reason = "it is asked like the others")]
    fn is_count(&self, count: u32, operands: &[Symbol]) -> bool {
        usize::try_from(count) == Ok(operands.len())
    }

    /// Whether an instruction is this comparison, and of its outcome nothing is known.
    fn is_plain_comparison(&self, at: &Instruction, compare: Compare) -> bool {
        let is_identity = matches!(compare, Compare::Is | Compare::IsNot | Compare::In | Compare::NotIn);
        // From 3.13 on it may be one of numbers, which is jumped on as it is, or ask for the truth of what it gives.
        self.series < (3, 13)
            && !is_identity
            && self.comparison(at) == Some(compare)
            && (self.series < (3, 12) || at.arg & 15 == operators::mask(compare))
    }

    /// Whether a store to a local variable may be the next thing that can be observed.
    fn may_store(&self, offset: u32) -> bool {
        let mut offset = offset;
        for _ in 0..MOST_SILENT {
            let Some((at, op)) = self.compiled(offset) else { return true };
            match op {
                Opcode::LOAD_CONST | Opcode::PUSH_NULL | Opcode::POP_TOP | Opcode::KW_NAMES | Opcode::NOP => {
                    offset = at.end;
                }
                Opcode::JUMP_FORWARD | Opcode::JUMP_BACKWARD => {
                    let Some(target) = at.target.and_then(|target| u32::try_from(target).ok()) else { return true };
                    offset = target;
                }
                Opcode::LOAD_FAST | Opcode::LOAD_FAST_BORROW | Opcode::LOAD_FAST_CHECK => {
                    return get(&self.locals, at.arg).is_none_or(|local| local.is_cell);
                }
                // Up to 3.7 it may lead to the body of a `finally`.
                Opcode::RETURN_VALUE => return self.series < (3, 8),
                Opcode::LOAD_GLOBAL
                | Opcode::LOAD_NAME
                | Opcode::LOAD_DEREF
                | Opcode::LOAD_ATTR
                | Opcode::LOAD_METHOD
                | Opcode::CALL
                | Opcode::FOR_ITER
                | Opcode::RETURN_CONST
                | Opcode::STORE_ATTR
                | Opcode::STORE_SUBSCR
                | Opcode::STORE_NAME
                | Opcode::STORE_DEREF
                | Opcode::STORE_GLOBAL
                | Opcode::IMPORT_NAME
                | Opcode::LOAD_BUILD_CLASS => return false,
                _ => return true,
            }
        }
        true
    }
}

/// Whether a jump that pops what it tests jumps when that is true.
fn jumps_when(jump: &Instruction) -> Option<bool> {
    let op = jump.op();
    if operators::is_pop_jump(op, true) {
        return Some(true);
    }
    operators::is_pop_jump(op, false).then_some(false)
}
