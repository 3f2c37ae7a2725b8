//! Bytecode as events: the instructions of a code object on a stack of symbols, as that version's interpreter would run them.
//!
//! Whatever only moves values about is silent. What is not understood exactly is never passed over: it is an [`Op::Foreign`]
//! event or a fault. Constant operands are folded, branches are not decided: that is the comparison's.
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

mod blocks;
mod body;
mod build;
mod calls;
mod delegate;
mod direct;
mod flow;
mod load;
mod operators;
mod patterns;
mod run;
mod stack;
#[cfg(test)]
mod tests;
mod variables;

use crate::verify::event::Operands;
use std::cell::RefCell;

use crate::pyc::Code;
use crate::pyc::Version;
use crate::pyc::exceptions::Handler;
use crate::pyc::instruction::Instruction;
use crate::pyc::lines::Position;
use crate::pyc::opcodes::Op as Opcode;
use crate::pyc::opcodes::Opcodes;

use super::Pool;
use super::constant::ConstId;
use super::event::Event;
use super::event::NameId;
use super::event::Op;
use super::event::Pair;
use super::event::Symbol;

pub(super) use blocks::Block;

/// Room for a machine, that the next one takes over.
#[derive(Debug, Default)]
pub(super) struct Room {
    instructions: Vec<Instruction>,
    places: Vec<u32>,
    visited: Vec<bool>,
    consts: Vec<Option<ConstId>>,
    names: Vec<Option<NameId>>,
    locals: Vec<Local>,
}

/// One code object, ready to be run.
pub(super) struct Machine<'a> {
    code: Code<'a>,
    series: (u8, u8),
    opcodes: &'static Opcodes,
    instructions: Vec<Instruction>,
    /// For each byte of the code the index of the instruction that starts there, or `u32::MAX`.
    places: Vec<u32>,
    handlers: Vec<Handler>,
    /// Whether each byte of the code begins an instruction that was run.
    visited: RefCell<Vec<bool>>,
    consts: Vec<Option<ConstId>>,
    children: Vec<Child>,
    names: Vec<Option<NameId>>,
    locals: Vec<Local>,
    /// The cell variables and behind them the free ones; up to 3.10.
    cells: Vec<Option<NameId>>,
    /// How deep the stack may be.
    depth: usize,
    /// Where execution begins behind the prologue.
    entry: u32,
    /// Where a generator expression of 3.15 becomes a generator, and where it goes on.
    generator: Option<(u32, u32)>,
    /// `None`, which instructions push on their own.
    none: ConstId,
    version: &'a Version,
    /// Where instructions come from; found when there is a difference to be shown.
    positions: std::cell::OnceCell<Vec<(u32, Position)>>,
    /// The loops that nothing can interrupt; found when an instruction that may close one is run.
    endless: std::cell::OnceCell<Vec<bool>>,
    /// Where instructions jump to, in order; found when an instruction asks.
    targets: std::cell::OnceCell<Vec<i64>>,
}

/// A code object among the constants.
struct Child {
    place: u32,
    /// The names of its free variables, in its own order.
    frees: Vec<Option<NameId>>,
}

/// A slot of the frame: a local, cell or free variable.
#[derive(Debug)]
struct Local {
    name: Option<NameId>,
    is_cell: bool,
    /// Whether a free variable has the same name, and so is meant by it (see [`Op::NewCell`]).
    is_shadowed: bool,
}

/// Where a run of a code object is.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(super) struct State {
    /// Where the instruction starts.
    pub(super) offset: u32,
    /// The values, the topmost last.
    pub(super) stack: Vec<Symbol>,
    /// The block stack up to 3.10; empty later.
    pub(super) blocks: Vec<Block>,
    pending: Pending,
    /// The names that KW_NAMES gave to the next call.
    keywords: Option<ConstId>,
    /// The slots of cells that an inlined comprehension put aside, with what they were and whether a new cell was made.
    aside: Vec<Aside>,
    /// The exceptions that are being handled, the innermost last (3.11 and later).
    handled: Vec<u32>,
    /// What is known of results on the stack.
    known: Vec<(u32, Known)>,
    /// The slot from which the first result of what is done now is borrowed.
    lent: Option<u32>,
}

/// A slot whose cell is put aside (`LOAD_FAST_AND_CLEAR`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Aside {
    slot: u32,
    /// What was in it.
    old: Symbol,
    /// Whether MAKE_CELL followed; if not, the slot holds a plain value.
    is_cell: bool,
}

/// What is known of a result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Known {
    /// It is `True` or `False`: 3.13 and later jump on nothing else.
    Bool,
    /// It is an int.
    Int,
    /// It is borrowed from the variable of this slot.
    Borrowed(u32),
}

/// What a state waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Pending {
    /// An instruction begins, or goes on in a part of it.
    Part(u8),
    /// The results of an event.
    Event(Put, Goto),
    /// Which way a test goes.
    Test(Test),
    /// Whether an iterator gave an item.
    Iterate(Iterate),
    /// Nothing: it cannot go on.
    Fault(Fault),
}

/// Where execution goes on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Goto {
    offset: u32,
    part: u8,
}

/// What becomes of the results of an event.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Put {
    /// They are pushed in order.
    Push,
    /// They are pushed, the first one last.
    Reversed,
    /// The one is pushed and known to be something.
    Known(Known),
    /// The one is pushed as two values: a method and its object.
    Method,
    /// The one is pushed as an iterator and its index (3.15).
    Iterator,
    /// A context's exit is pushed as two values, then the other result (3.14 and later).
    Exit,
    /// A context's exit is pushed, a block begins, and the other result is pushed (up to 3.10).
    With(u32),
    /// There is none; `None` is pushed.
    None,
    /// The one is pushed; the cell of this slot is put aside.
    Aside(u32),
}

/// The two ways that a test can go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Test {
    /// When true.
    yes: Way,
    /// When false.
    no: Way,
}

/// One way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Way {
    offset: u32,
    change: Change,
}

/// What a way does to the stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Change {
    /// Nothing.
    Keep,
    /// The topmost value is popped.
    Pop,
    /// The topmost value is no longer what it was said to be (`MATCH_CLASS` of 3.10).
    Forget,
    /// A `with` silenced the exception: see [`blocks`].
    Silence,
}

/// What the end of an iterator does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Iterate {
    /// Where the next item goes on.
    item: u32,
    /// Where the end goes on.
    end: u32,
    /// How many values it pops.
    pops: u8,
}

/// What stays of a state when an exception is raised in it, and where that goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Kept {
    /// Where the handler begins.
    handler: u64,
    /// Values of the stack.
    values: usize,
    /// Blocks.
    blocks: usize,
    /// Whether the handler is told the instruction.
    lasti: bool,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Something is done; the operands are popped. [`Machine::resume`] with its results goes on.
    Event {
        /// What.
        event: Event,
        /// By which instruction.
        at: u32,
    },
    /// The truth of a value decides; [`Machine::branch`] goes on.
    Test {
        /// Of which value.
        on: Symbol,
        /// By which instruction.
        at: u32,
    },
    /// An iterator is asked for its next item; [`Machine::item`] and [`Machine::exhausted`] go on.
    Iterate {
        /// Which iterator.
        iterator: Symbol,
        /// By which instruction.
        at: u32,
    },
    /// An interpreter could do anything here.
    Fault {
        /// Why.
        fault: Fault,
        /// At which instruction.
        at: u32,
    },
}

/// Why code cannot be run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Fault {
    /// The version's instructions are not known here.
    Version,
    /// The prologue (cells, generator, RESUME) is not the one that its variables and flags need.
    Prologue,
    /// The exception table does not follow its format, or its entries are out of order.
    ExceptionTable,
    /// An instruction takes more from the stack than there is.
    StackUnderflow,
    /// The stack gets deeper than the code object says.
    StackOverflow,
    /// Blocks are popped that are not there or of another kind, or nested too deeply.
    Blocks,
    /// A jump does not go to the start of an instruction.
    Jump,
    /// Execution goes on behind the code.
    FallsOffEnd,
    /// The code ends inside an instruction.
    Cut,
    /// Two variables of one name: which is which nobody could tell.
    Variables,
    /// A variable is read, without a look whether it is bound, where it may not be.
    Unbound,
    /// A reference that is not counted outlives the variable that it is borrowed from, or becomes a variable.
    Borrowed,
    /// An index for which there is nothing, or something that cannot be read.
    Operand,
    /// Something on the stack that is no value is used as one, or the other way round.
    NotAValue,
    /// A closure does not hold the free variables of its function.
    Closure,
    /// Too much that cannot be observed.
    EndlessLoop,
    /// The caller went on in a way that the state does not allow: a bug of ours.
    Protocol,
}

impl Fault {
    /// One phrase for a person.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Version => "instructions of an unknown version",
            Self::Prologue => "a prologue that does not fit the variables or flags",
            Self::ExceptionTable => "a damaged exception table",
            Self::StackUnderflow => "the stack runs empty",
            Self::StackOverflow => "the stack gets deeper than declared",
            Self::Blocks => "blocks that do not nest",
            Self::Jump => "a jump to no instruction",
            Self::FallsOffEnd => "execution falls off the end of the code",
            Self::Cut => "the code ends inside an instruction",
            Self::Variables => "two variables of one name",
            Self::Unbound => "a variable is read where it may not be bound",
            Self::Borrowed => "a value is borrowed from a variable that does not keep it for so long",
            Self::Operand => "an operand for which there is nothing",
            Self::NotAValue => "something is used as a value that is none",
            Self::Closure => "a closure that does not fit its function",
            Self::EndlessLoop => "instructions without end that do nothing",
            Self::Protocol => "a step that cannot be taken",
        }
    }
}

impl Machine<'_> {
    /// Its room, when it is done with.
    pub(super) fn into_room(self) -> Room {
        let Self { instructions, places, visited, consts, names, locals, .. } = self;
        Room { instructions, places, visited: visited.into_inner(), consts, names, locals }
    }

    /// Where a call begins: behind the prologue.
    pub(super) fn entry(&self) -> State {
        State {
            offset: self.entry,
            stack: Vec::new(),
            blocks: Vec::new(),
            pending: Pending::Part(0),
            keywords: None,
            aside: Vec::new(),
            handled: Vec::new(),
            known: Vec::new(),
            lent: None,
        }
    }

    /// Runs what is silent, up to something that can be observed.
    pub(super) fn step(&self, state: &mut State, pool: &mut Pool) -> Next {
        // Each instruction at most once, in each of its parts: what goes on longer without an event is a loop.
        let most = self.instructions.len().saturating_mul(2).saturating_add(64);
        let mut looped = None;
        for count in 0..most.saturating_mul(2) {
            match self.run(state, pool) {
                Ok(None) => {}
                Ok(Some(next)) => return next,
                Err(fault) => return Self::fail(state, fault),
            }
            if looped.as_ref() == Some(state) {
                let next = Goto { offset: state.offset, part: 0 };
                state.pending = Pending::Event(Put::Push, next);
                return Next::Event { event: Event { op: Op::Forever, operands: Operands::new() }, at: state.offset };
            }
            if count == most {
                looped = Some(state.clone());
            }
        }
        Self::fail(state, Fault::EndlessLoop)
    }

    fn fail(state: &mut State, fault: Fault) -> Next {
        state.pending = Pending::Fault(fault);
        Next::Fault { fault, at: state.offset }
    }

    /// Goes on behind an event, with exactly as many results as it has.
    pub(super) fn resume(&self, state: &mut State, results: &[Symbol]) {
        let Pending::Event(put, goto) = state.pending else {
            state.pending = Pending::Fault(Fault::Protocol);
            return;
        };
        state.pending = Pending::Part(goto.part);
        state.put(put, results, self.none);
        state.offset = goto.offset;
        if state.stack.len() > self.depth {
            state.pending = Pending::Fault(Fault::StackOverflow);
        }
    }

    /// Goes on behind a test.
    pub(super) fn branch(&self, state: &mut State, truth: bool) {
        let Pending::Test(test) = state.pending else {
            state.pending = Pending::Fault(Fault::Protocol);
            return;
        };
        let way = if truth { test.yes } else { test.no };
        state.pending = Pending::Part(0);
        state.change(way.change, self.series);
        state.offset = way.offset;
    }

    /// Goes on with the item that an iterator gave.
    pub(super) fn item(&self, state: &mut State, item: Symbol) {
        let Pending::Iterate(iterate) = state.pending else {
            state.pending = Pending::Fault(Fault::Protocol);
            return;
        };
        state.pending = Pending::Part(0);
        state.stack.push(item);
        state.offset = iterate.item;
        if state.stack.len() > self.depth {
            state.pending = Pending::Fault(Fault::StackOverflow);
        }
    }

    /// Goes on where an iterator gave none.
    #[expect(clippy::unused_self, reason = "the other ways to go on need the machine")]
    pub(super) fn exhausted(&self, state: &mut State) {
        let Pending::Iterate(iterate) = state.pending else {
            state.pending = Pending::Fault(Fault::Protocol);
            return;
        };
        state.pending = Pending::Part(0);
        state.stack.truncate(state.stack.len().saturating_sub(usize::from(iterate.pops)));
        state.offset = iterate.end;
        state.forget();
    }

    /// Whether there is anything that may catch what the instruction raises at which [`Machine::step`] stopped.
    #[inline]
    pub(super) fn may_catch(&self, state: &State) -> bool {
        if self.has_blocks() { !state.blocks.is_empty() } else { self.handler_at(state).is_some() }
    }

    /// The entry of the exception table for where a state is.
    fn handler_at(&self, state: &State) -> Option<&Handler> {
        if self.handlers.is_empty() {
            return None;
        }
        self.handler(self.instruction(state.offset)?.offset)
    }

    /// What stays when the instruction raises at which [`Machine::step`] stopped; `None` where that is not simply told.
    pub(super) fn kept(&self, state: &State) -> Option<Kept> {
        if self.has_blocks() {
            return state.kept();
        }
        let handler = self.handler_at(state)?;
        let values = usize::try_from(handler.depth).ok()?;
        Some(Kept { handler: handler.target, values, blocks: 0, lasti: handler.lasti })
    }

    /// Goes on in the handler of what the instruction raises at which [`Machine::step`] stopped; false when it leaves the code object, and
    /// the state is none to go on from.
    ///
    /// The exception gets this number.
    pub(super) fn raised(&self, state: &mut State, exception: u32) -> bool {
        (state.keywords, state.lent) = (None, None);
        if self.has_blocks() {
            return self.unwind_exception(state, exception);
        }
        let Some(handler) = self.handler_at(state) else { return false };
        let depth = usize::try_from(handler.depth).unwrap_or(usize::MAX);
        let is_jump = u32::try_from(handler.target).is_ok_and(|target| self.instruction(target).is_some());
        state.pending = if state.stack.len() < depth {
            Pending::Fault(Fault::StackUnderflow)
        } else if is_jump {
            Pending::Part(0)
        } else {
            Pending::Fault(Fault::Jump)
        };
        state.stack.truncate(depth);
        if handler.lasti {
            state.stack.push(Symbol::LastI);
        }
        state.stack.push(Symbol::Id(exception));
        if state.stack.len() > self.depth {
            state.pending = Pending::Fault(Fault::StackOverflow);
        }
        state.offset = u32::try_from(handler.target).unwrap_or(u32::MAX);
        state.forget();
        true
    }

    /// Whether the test at which [`Machine::step`] stopped is that of a TO_BOOL (3.13 and later); the jump alone raises nothing.
    pub(super) fn asks_for_truth(&self, state: &State) -> bool {
        self.instruction(state.offset).and_then(Instruction::op) == Some(Opcode::TO_BOOL)
    }

    /// Whether a variable is read next, which is an event in any case.
    pub(super) fn is_at_load(&self, state: &State) -> bool {
        let Some(instruction) = self.instruction(state.offset).filter(|_| state.is_at_start()) else { return false };
        match instruction.op() {
            // A cell itself is loaded without an event.
            Some(Opcode::LOAD_FAST) => {
                let slot = usize::try_from(instruction.arg).ok().and_then(|slot| self.locals.get(slot));
                slot.is_some_and(|local| !local.is_cell) && state.aside.is_empty()
            }
            // `None` of 2.x is no variable.
            Some(Opcode::LOAD_GLOBAL | Opcode::LOAD_DEREF) => self.series.0 > 2,
            _ => false,
        }
    }

    fn mark(&self, offset: u32) {
        let mut visited = self.visited.borrow_mut();
        if let Some(visited) = usize::try_from(offset).ok().and_then(|place| visited.get_mut(place)) {
            *visited = true;
        }
    }

    /// Handlers of instructions that were run which were not run themselves: nothing was seen to raise there, but signals can.
    pub(super) fn unentered_handlers(&self) -> Vec<u32> {
        let visited = self.visited.borrow();
        let was_run =
            |offset: u32| usize::try_from(offset).ok().and_then(|place| visited.get(place)).is_some_and(|&run| run);
        let mut targets = Vec::new();
        for handler in &self.handlers {
            let Ok(target) = u32::try_from(handler.target) else { continue };
            let covered = self.instructions.iter().any(|instruction| {
                let offset = u64::from(instruction.offset);
                handler.start <= offset && offset < handler.end && was_run(instruction.start)
            });
            if covered {
                targets.push(target);
            }
        }
        let instructions = if self.has_blocks() { &*self.instructions } else { &[] };
        for instruction in instructions.iter().filter(|instruction| was_run(instruction.start)) {
            let begins = matches!(
                instruction.op(),
                Some(Opcode::SETUP_FINALLY | Opcode::SETUP_EXCEPT | Opcode::SETUP_WITH | Opcode::SETUP_ASYNC_WITH)
            );
            if let Some(target) = instruction.target.filter(|_| begins).and_then(|target| u32::try_from(target).ok()) {
                targets.push(target);
            }
        }
        // Those of `await` and `yield from` are checked with their loops.
        let is_throw = |target: u32| self.instruction(target).and_then(Instruction::op) == Some(Opcode::CLEANUP_THROW);
        targets.retain(|&target| !was_run(target) && !is_throw(target));
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// Whether exceptions are handled by a block stack.
    fn has_blocks(&self) -> bool {
        self.series < (3, 11)
    }

    /// The entry of the exception table for an opcode's offset.
    fn handler(&self, offset: u32) -> Option<&Handler> {
        if self.handlers.is_empty() {
            return None;
        }
        let offset = u64::from(offset);
        let behind = self.handlers.partition_point(|handler| handler.start <= offset);
        self.handlers.get(behind.checked_sub(1)?).filter(|handler| offset < handler.end)
    }

    /// The instruction that starts at an offset.
    fn instruction(&self, offset: u32) -> Option<&Instruction> {
        let index = *self.places.get(usize::try_from(offset).ok()?)?;
        self.instructions.get(usize::try_from(index).ok()?)
    }

    /// What the location table says of the instruction at an offset.
    pub(super) fn range(&self, at: u32) -> Position {
        let positions = self.positions.get_or_init(|| body::positions(self.code, self.version));
        let behind = positions.partition_point(|&(start, _)| start <= at);
        behind.checked_sub(1).and_then(|place| positions.get(place)).map(|&(_, position)| position).unwrap_or_default()
    }
}

impl Clone for State {
    fn clone(&self) -> Self {
        Self {
            offset: self.offset,
            stack: self.stack.clone(),
            blocks: self.blocks.clone(),
            pending: self.pending,
            keywords: self.keywords,
            aside: self.aside.clone(),
            handled: self.handled.clone(),
            known: self.known.clone(),
            lent: self.lent,
        }
    }

    /// Into the memory of another state: there are as many copies as there are ways to go on.
    fn clone_from(&mut self, source: &Self) {
        let Self { offset, stack, blocks, pending, keywords, aside, handled, known, lent } = source;
        (self.offset, self.pending, self.keywords, self.lent) = (*offset, *pending, *keywords, *lent);
        self.stack.clone_from(stack);
        self.blocks.clone_from(blocks);
        self.aside.clone_from(aside);
        self.handled.clone_from(handled);
        self.known.clone_from(known);
    }
}

impl State {
    /// Whether an instruction begins here.
    pub(super) fn is_at_start(&self) -> bool {
        matches!(self.pending, Pending::Part(0))
    }

    /// What the state is but for the numbers of its results: those are asked for, those of the stack first and from its bottom up. Equal
    /// states give equal words, different ones different. False for a state that waits for something, which has no words.
    pub(super) fn words(&self, words: &mut Vec<u32>, number: &mut impl FnMut(u32) -> u32) -> bool {
        let pending = match self.pending {
            Pending::Part(part) => u32::from(part),
            // The reason alone tells them apart, and leads nowhere.
            Pending::Fault(_) => u32::MAX,
            Pending::Event(..) | Pending::Test(_) | Pending::Iterate(_) => return false,
        };
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        words.extend([self.offset, pending, length(self.stack.len())]);
        for symbol in &self.stack {
            words.extend(symbol.words(number));
        }
        words.push(length(self.aside.len()));
        for aside in &self.aside {
            words.extend([aside.slot, u32::from(aside.is_cell)]);
            words.extend(aside.old.words(number));
        }
        words.push(length(self.blocks.len()));
        for block in &self.blocks {
            words.extend(block.words(number));
        }
        words.push(length(self.handled.len()));
        words.extend(self.handled.iter().map(|&id| number(id)));
        words.push(length(self.known.len()));
        for &(id, known) in &self.known {
            words.push(number(id));
            words.extend(match known {
                Known::Bool => [0, 0],
                Known::Int => [1, 0],
                Known::Borrowed(slot) => [2, slot],
            });
        }
        words.extend([u32::from(self.keywords.is_some()), self.keywords.map_or(0, ConstId::number)]);
        true
    }

    /// Forgets which values are `True` or `False`, but the topmost, which is asked for first.
    pub(super) fn forget_kinds(&mut self) {
        let Self { known, stack, .. } = self;
        known.retain(|&(id, known)| known != Known::Bool || stack.last() == Some(&Symbol::Id(id)));
    }

    /// Whether a result is still there to be used.
    pub(super) fn holds(&self, id: u32) -> bool {
        let is_it = |symbol: Symbol| match symbol {
            Symbol::Id(other) | Symbol::Part(_, other) | Symbol::Half(_, other) | Symbol::Saved(other) => other == id,
            _ => false,
        };
        self.stack.iter().copied().any(is_it)
            || self.aside.iter().any(|aside| is_it(aside.old))
            || self.blocks.iter().any(|block| block.exception == Some(id))
            || self.handled.contains(&id)
    }

    /// Whether another state, in which an exception was raised, has the same values, blocks and so on of which so much stayed.
    pub(super) fn is_kept_in(&self, raised: &Self, kept: Kept) -> bool {
        let Some(stack) = self.stack.get(..kept.values) else { return false };
        let known = self.known.iter().filter(|(id, _)| holds(stack, *id));
        raised.stack.get(..kept.values) == Some(stack)
            && self.blocks.get(..kept.blocks).is_some_and(|blocks| raised.blocks.get(..kept.blocks) == Some(blocks))
            && self.aside == raised.aside
            && self.handled == raised.handled
            && known.eq(&raised.known)
    }

    /// Forgets what is known of results that are gone.
    fn forget(&mut self) {
        if self.known.is_empty() {
            return;
        }
        let stack = &self.stack;
        self.known.retain(|&(known, _)| holds(stack, known));
    }

    #[inline]
    fn put(&mut self, put: Put, results: &[Symbol], none: ConstId) {
        // Most results are pushed, and nothing is known of anything.
        match (put, results) {
            (Put::Push, &[result]) if self.lent.is_none() && self.known.is_empty() => self.stack.push(result),
            _ => self.put_somewhere(put, results, none),
        }
    }

    fn put_somewhere(&mut self, put: Put, results: &[Symbol], none: ConstId) {
        match (put, results) {
            (Put::Push, _) => self.stack.extend_from_slice(results),
            (Put::Reversed, _) => self.stack.extend(results.iter().rev()),
            (Put::Known(known), &[result]) => {
                self.stack.push(result);
                if let Symbol::Id(id) = result {
                    self.known.push((id, known));
                }
            }
            (Put::Method, &[result]) => self.put_pair(Pair::Method, result),
            (Put::Iterator, &[result]) => self.put_pair(Pair::Iterator, result),
            (Put::Exit, &[exit, value]) => {
                self.put_pair(Pair::Method, exit);
                self.stack.push(value);
            }
            (Put::With(handler), &[exit, value]) => {
                self.stack.push(exit);
                self.enter(blocks::Kind::With, handler);
                self.stack.push(value);
            }
            (Put::None, []) => self.stack.push(Symbol::Const(none)),
            (Put::Aside(slot), &[old]) => {
                self.stack.push(old);
                self.aside.push(Aside { slot, old, is_cell: false });
            }
            _ => self.pending = Pending::Fault(Fault::Protocol),
        }
        if let (Some(slot), Some(&Symbol::Id(id))) = (self.lent.take(), results.first()) {
            self.known.push((id, Known::Borrowed(slot)));
        }
        self.forget();
    }

    fn put_pair(&mut self, pair: Pair, result: Symbol) {
        match result {
            Symbol::Id(id) => self.stack.extend([Symbol::Half(pair, id); 2]),
            _ => self.pending = Pending::Fault(Fault::Protocol),
        }
    }

    fn change(&mut self, change: Change, series: (u8, u8)) {
        match change {
            Change::Keep => {}
            Change::Pop => {
                self.stack.pop();
            }
            Change::Forget => {
                self.stack.pop();
                self.stack.push(Symbol::Undefined);
            }
            Change::Silence => self.silence(series),
        }
        self.forget();
    }
}

/// Whether a stack has a result of which something may be known.
fn holds(stack: &[Symbol], known: u32) -> bool {
    stack.iter().any(|symbol| matches!(symbol, Symbol::Id(id) | Symbol::Half(_, id) if *id == known))
}
