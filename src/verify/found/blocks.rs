//! The block stack of versions up to 3.10: loops, handlers, and what `finally` and `with` do when they are left.

use smallvec::smallvec;

use crate::pyc::opcodes::Op as Opcode;
use crate::verify::event::Op;
use crate::verify::event::Operands;
use crate::verify::event::Part;
use crate::verify::event::Symbol;
use crate::verify::event::Why;

use super::Change;
use super::Fault;
use super::Kept;
use super::Machine;
use super::Pending;
use super::Put;
use super::State;
use super::Way;
use super::stack::Run;
use super::stack::Step;
use super::stack::value;

/// How many blocks a frame has room for (`CO_MAXBLOCKS`).
const MOST_BLOCKS: usize = 20;

/// What a frame is inside of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in super::super) struct Block {
    kind: Kind,
    /// Where its handler, or what is behind the loop, starts.
    handler: u32,
    /// How deep the stack was.
    level: u32,
    /// Of a handler: what it handles.
    pub(super) exception: Option<u32>,
}

impl Block {
    /// As [`State::words`].
    pub(super) fn words(&self, number: &mut impl FnMut(u32) -> u32) -> [u32; 5] {
        let kind = match self.kind {
            Kind::Loop => 0,
            Kind::Except => 1,
            Kind::Finally => 2,
            Kind::With => 3,
            Kind::Handler => 4,
        };
        [kind, self.handler, self.level, u32::from(self.exception.is_some()), self.exception.map_or(0, number)]
    }
}

/// What a block is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    /// `SETUP_LOOP`.
    Loop,
    /// `SETUP_EXCEPT`, up to 3.7.
    Except,
    /// `SETUP_FINALLY`; from 3.8 on every handler.
    Finally,
    /// `SETUP_WITH`. Only in 2.x it differs from `SETUP_FINALLY`, and in nothing that matters here.
    With,
    /// A handler is running (`EXCEPT_HANDLER`, 3.x).
    Handler,
}

/// How a part of code is left other than by an exception (up to 3.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Leave {
    Return(Symbol),
    Break,
    Continue(u32),
}

impl State {
    /// A block begins.
    pub(super) fn enter(&mut self, kind: Kind, handler: u32) {
        if self.blocks.len() >= MOST_BLOCKS {
            self.pending = Pending::Fault(Fault::Blocks);
        }
        let level = u32::try_from(self.stack.len()).unwrap_or(u32::MAX);
        self.blocks.push(Block { kind, handler, level, exception: None });
    }

    /// As [`Machine::kept`]: the innermost block has to be one for exceptions.
    pub(super) fn kept(&self) -> Option<Kept> {
        let (block, below) = self.blocks.split_last()?;
        let is_simple = matches!(block.kind, Kind::Except | Kind::Finally | Kind::With);
        let values = usize::try_from(block.level).ok()?;
        is_simple.then(|| Kept { handler: block.handler.into(), values, blocks: below.len(), lasti: false })
    }

    /// Cuts the stack to where a block began, and so many values more.
    fn cut(&mut self, block: Block, more: usize) -> Result<(), Fault> {
        let level = usize::try_from(block.level).unwrap_or(usize::MAX).saturating_add(more);
        if self.stack.len() < level {
            return Err(Fault::StackUnderflow);
        }
        self.stack.truncate(level);
        Ok(())
    }

    /// Leaves a handler (`UNWIND_EXCEPT_HANDLER`): what was handled before is handled again.
    fn leave_handler(&mut self, block: Block) -> Result<(), Fault> {
        self.cut(block, 3)?;
        for _ in 0..3 {
            if self.stack.pop() != block.exception.map(Symbol::Saved) {
                return Err(Fault::NotAValue);
            }
        }
        Ok(())
    }

    /// A `with` silenced the exception: what is on the stack afterwards (`WITH_CLEANUP`, `WITH_CLEANUP_FINISH`).
    pub(super) fn silence(&mut self, series: (u8, u8)) {
        // The result and what was called with it are popped by then.
        if series.0 == 2 {
            let stays = self.stack.len().saturating_sub(3);
            self.stack.truncate(stays);
            self.pending = Pending::Part(SILENCED);
        } else if series < (3, 8) {
            self.stack.push(Symbol::Why(Why::Silenced));
        } else {
            let left = self.blocks.pop().filter(|block| block.kind == Kind::Handler).ok_or(Fault::Blocks);
            match left.and_then(|block| self.leave_handler(block)) {
                Ok(()) => self.stack.push(Symbol::Null),
                Err(fault) => self.pending = Pending::Fault(fault),
            }
        }
    }
}

/// The part of `WITH_CLEANUP` of 2.x in which `None` stands for the exception that was silenced.
const SILENCED: u8 = 9;

impl Machine<'_> {
    /// Goes on in the handler of an exception: blocks are left until one is there for it. False when there is none.
    pub(super) fn unwind_exception(&self, state: &mut State, exception: u32) -> bool {
        state.pending = Pending::Part(0);
        while let Some(block) = state.blocks.pop() {
            let left = if block.kind == Kind::Handler { state.leave_handler(block) } else { state.cut(block, 0) };
            if let Err(fault) = left {
                state.pending = Pending::Fault(fault);
                return true;
            }
            if !matches!(block.kind, Kind::Except | Kind::Finally | Kind::With) {
                continue;
            }
            if self.series.0 > 2 {
                state.enter(Kind::Handler, block.handler);
                if let Some(entered) = state.blocks.last_mut() {
                    entered.exception = Some(exception);
                }
                state.stack.extend([Symbol::Saved(exception); 3]);
            }
            state.stack.extend([Part::Traceback, Part::Value, Part::Type].map(|part| Symbol::Part(part, exception)));
            state.offset = block.handler;
            if state.stack.len() > self.depth {
                state.pending = Pending::Fault(Fault::StackOverflow);
            }
            state.forget();
            return true;
        }
        false
    }
}

impl Run<'_, '_> {
    /// `SETUP_LOOP`, `SETUP_EXCEPT`, `SETUP_FINALLY`.
    pub(super) fn setup(&mut self, kind: Kind) -> Step {
        let handler = self.target()?;
        self.state.pending = Pending::Part(0);
        self.state.enter(kind, handler);
        if let Pending::Fault(fault) = self.state.pending {
            return Err(fault);
        }
        self.next()
    }

    /// `SETUP_WITH`.
    pub(super) fn setup_with(&mut self) -> Step {
        let handler = self.target()?;
        let manager = self.value()?;
        self.event_put(Op::WithEnter, smallvec![manager], Put::With(handler))
    }

    /// `SETUP_ASYNC_WITH`: the block begins below what is on top.
    pub(super) fn setup_async_with(&mut self) -> Step {
        let handler = self.target()?;
        let entered = self.pop()?;
        self.state.pending = Pending::Part(0);
        self.state.enter(Kind::Finally, handler);
        if let Pending::Fault(fault) = self.state.pending {
            return Err(fault);
        }
        self.pushed(entered)
    }

    fn pop_handler(&mut self) -> Result<super::Block, Fault> {
        self.state.blocks.pop().filter(|block| block.kind == Kind::Handler).ok_or(Fault::Blocks)
    }

    /// `POP_BLOCK`.
    pub(super) fn pop_block(&mut self) -> Step {
        let block = self.state.blocks.pop().filter(|block| block.kind != Kind::Handler).ok_or(Fault::Blocks)?;
        // Up to 3.7 the stack is cut.
        if self.machine.series < (3, 8) {
            self.state.cut(block, 0)?;
        }
        self.next()
    }

    /// `POP_EXCEPT` up to 3.10.
    pub(super) fn pop_except_block(&mut self) -> Step {
        let block = self.pop_handler()?;
        if self.machine.series < (3, 8) {
            self.state.leave_handler(block)?;
        } else {
            let level = usize::try_from(block.level).unwrap_or(usize::MAX);
            // A value that is returned may lie below what was saved.
            let most = level.saturating_add(4);
            if self.state.stack.len() > most {
                return Err(Fault::Blocks);
            }
            self.pop_saved(block)?;
        }
        self.event(Op::PopExcept, Operands::new())
    }

    fn pop_saved(&mut self, block: Block) -> Result<(), Fault> {
        for _ in 0..3 {
            if Some(self.pop()?) != block.exception.map(Symbol::Saved) {
                return Err(Fault::NotAValue);
            }
        }
        Ok(())
    }

    /// `RERAISE` of 3.9 and 3.10.
    pub(super) fn reraise_block(&mut self) -> Step {
        let exception = self.exception()?;
        self.event(Op::Reraise, smallvec![exception])
    }

    /// `END_ASYNC_FOR` up to 3.10. Going on is what leaves the handler, being raised again does so too.
    pub(super) fn end_async_for_block(&mut self) -> Step {
        if self.part == 0 {
            let (class, middle, low) = (self.peek(1)?, self.peek(2)?, self.peek(3)?);
            let exception = self.exception()?;
            self.state.stack.extend([low, middle, class]);
            return self.event_part(Op::EndAsyncFor, smallvec![exception], Put::Push);
        }
        let block = self.pop_handler()?;
        self.state.leave_handler(block)?;
        // The iterator.
        self.value()?;
        self.next()
    }

    /// `WITH_EXCEPT_START` of 3.9 and 3.10.
    pub(super) fn with_except_start_block(&mut self) -> Step {
        let Symbol::Part(Part::Type, id) = self.peek(1)? else { return Err(Fault::NotAValue) };
        for depth in 4..=6 {
            if !matches!(self.peek(depth)?, Symbol::Saved(_)) {
                return Err(Fault::NotAValue);
            }
        }
        let exit = self.peek_value(7)?;
        self.event(Op::WithExit, smallvec![exit, Symbol::Id(id)])
    }

    /// `RETURN_VALUE`, past the blocks of up to 3.7.
    pub(super) fn return_value(&mut self) -> Step {
        let returned = self.value()?;
        if self.machine.series < (3, 8) {
            return self.leave(Leave::Return(returned));
        }
        // From 3.8 to 3.10 the compiler has left every block by then.
        if !self.state.blocks.is_empty() {
            return Err(Fault::Blocks);
        }
        self.event(Op::Return, smallvec![returned])
    }

    /// `BREAK_LOOP`.
    pub(super) fn break_loop(&mut self) -> Step {
        self.leave(Leave::Break)
    }

    /// `CONTINUE_LOOP`.
    pub(super) fn continue_loop(&mut self) -> Step {
        let target = self.target()?;
        self.leave(Leave::Continue(target))
    }

    /// Leaves blocks up to the one that is meant, or to one that wants to run first (`fast_block_end`).
    fn leave(&mut self, leave: Leave) -> Step {
        while let Some(&block) = self.state.blocks.last() {
            if let (Kind::Loop, Leave::Continue(target)) = (block.kind, leave) {
                return self.go(target);
            }
            self.state.blocks.pop();
            if block.kind == Kind::Handler {
                self.state.leave_handler(block)?;
                continue;
            }
            self.state.cut(block, 0)?;
            if block.kind == Kind::Loop && leave == Leave::Break {
                return self.go(block.handler);
            }
            if !matches!(block.kind, Kind::Finally | Kind::With) {
                continue;
            }
            let why = match leave {
                Leave::Return(returned) => {
                    self.push(returned)?;
                    Why::Return
                }
                Leave::Continue(target) => {
                    self.push(Symbol::Address(target))?;
                    Why::Continue
                }
                Leave::Break => Why::Break,
            };
            self.push(Symbol::Why(why))?;
            return self.go(block.handler);
        }
        match leave {
            Leave::Return(returned) => self.event(Op::Return, smallvec![returned]),
            Leave::Break | Leave::Continue(_) => Err(Fault::Blocks),
        }
    }

    /// `BEGIN_FINALLY` (3.8).
    pub(super) fn begin_finally(&mut self) -> Step {
        self.pushed(Symbol::Null)
    }

    /// `CALL_FINALLY` (3.8).
    pub(super) fn call_finally(&mut self) -> Step {
        let target = self.target()?;
        self.push(Symbol::Address(self.at.end))?;
        self.go(target)
    }

    /// `POP_FINALLY` (3.8): why the body runs is forgotten.
    pub(super) fn pop_finally(&mut self) -> Step {
        let kept = if self.at.arg > 0 { Some(self.pop()?) } else { None };
        let is_exception = match self.peek(1)? {
            Symbol::Null | Symbol::Address(_) => {
                self.pop()?;
                false
            }
            _ => {
                self.exception()?;
                let block = self.pop_handler()?;
                self.pop_saved(block)?;
                true
            }
        };
        if let Some(kept) = kept {
            self.push(kept)?;
        }
        if is_exception { self.event(Op::PopExcept, Operands::new()) } else { self.next() }
    }

    /// `END_FINALLY`: goes on with what the body interrupted.
    pub(super) fn end_finally(&mut self) -> Step {
        let series = self.machine.series;
        match self.peek(1)? {
            Symbol::Part(Part::Type, _) => {
                let exception = self.exception()?;
                return self.event(Op::Reraise, smallvec![exception]);
            }
            Symbol::Null | Symbol::Address(_) if series != (3, 8) => return Err(Fault::NotAValue),
            Symbol::Why(_) if series >= (3, 8) => return Err(Fault::NotAValue),
            _ => {}
        }
        match self.pop()? {
            Symbol::Null => self.next(),
            Symbol::Address(target) => self.go(target),
            Symbol::Const(none) if none == self.machine.none && series < (3, 8) => self.next(),
            Symbol::Why(Why::Return) => {
                let returned = self.value()?;
                self.leave(Leave::Return(returned))
            }
            Symbol::Why(Why::Continue) => match self.pop()? {
                Symbol::Address(target) => self.leave(Leave::Continue(target)),
                _ => Err(Fault::NotAValue),
            },
            Symbol::Why(Why::Break) => self.leave(Leave::Break),
            Symbol::Why(Why::Silenced) => {
                let block = self.pop_handler()?;
                self.state.leave_handler(block)?;
                self.next()
            }
            _ => Err(Fault::NotAValue),
        }
    }

    /// `WITH_CLEANUP_START` (3.5 to 3.8), and `WITH_CLEANUP` (2.x): the exit is called and taken from the stack.
    pub(super) fn with_cleanup_start(&mut self) -> Step {
        if self.part == 0 {
            return self.call_exit();
        }
        if self.machine.series.0 == 2 {
            return self.with_cleanup_end();
        }
        self.next()
    }

    fn call_exit(&mut self) -> Step {
        let series = self.machine.series;
        let top = self.peek(1)?;
        let exit_depth = match top {
            Symbol::Const(none) if none == self.machine.none && series < (3, 8) => 2,
            Symbol::Null if series == (3, 8) => 2,
            Symbol::Why(Why::Return | Why::Continue) if series < (3, 8) => 3,
            Symbol::Why(Why::Break) if series < (3, 8) => 2,
            Symbol::Part(Part::Type, _) if series.0 == 2 => 4,
            Symbol::Part(Part::Type, _) => 7,
            _ => return Err(Fault::NotAValue),
        };
        let place = self.place(exit_depth)?;
        let exit = value(self.state.stack.remove(place))?;
        let Symbol::Part(_, id) = top else {
            // Between start and finish the argument that exit was called with lies below its result.
            if series.0 > 2 {
                self.push(Symbol::Const(self.machine.none))?;
            }
            return self.event_cleanup(Op::WithExitNone, smallvec![exit]);
        };
        if series.0 > 2 {
            // The values that were saved move down by one, and the block with them; a NULL takes the place of the topmost.
            let lowest = self.place(6)?;
            if self.state.stack.iter().skip(lowest).take(3).any(|symbol| !matches!(symbol, Symbol::Saved(_))) {
                return Err(Fault::NotAValue);
            }
            let block =
                self.state.blocks.last_mut().filter(|block| block.kind == Kind::Handler).ok_or(Fault::Blocks)?;
            block.level = block.level.checked_sub(1).ok_or(Fault::Blocks)?;
            self.state.stack.insert(lowest.saturating_add(3), Symbol::Null);
            self.push(top)?;
        }
        self.event_cleanup(Op::WithExit, smallvec![exit, Symbol::Id(id)])
    }

    fn event_cleanup(&mut self, op: Op, operands: Operands) -> Step {
        if self.machine.series.0 == 2 { self.event_part(op, operands, Put::Push) } else { self.event(op, operands) }
    }

    /// The second half of `WITH_CLEANUP` (2.x): an exception may have been silenced.
    fn with_cleanup_end(&mut self) -> Step {
        if self.part == SILENCED {
            return self.pushed(Symbol::Const(self.machine.none));
        }
        let result = self.value()?;
        if !matches!(self.peek(1)?, Symbol::Part(Part::Type, _)) {
            return self.next();
        }
        let silenced = Way { offset: self.at.start, change: Change::Silence };
        self.test(result, silenced, Way { offset: self.at.end, change: Change::Keep })
    }

    /// `WITH_CLEANUP_FINISH` (3.5 to 3.8).
    pub(super) fn with_cleanup_finish(&mut self) -> Step {
        let (result, called_with) = (self.value()?, self.pop()?);
        match called_with {
            Symbol::Const(none) if none == self.machine.none => self.next(),
            Symbol::Part(Part::Type, _) => {
                let silenced = Way { offset: self.at.end, change: Change::Silence };
                self.test(result, silenced, Way { offset: self.at.end, change: Change::Keep })
            }
            _ => Err(Fault::NotAValue),
        }
    }

    /// `YIELD_FROM` (3.3 to 3.10): `None` is sent first.
    pub(super) fn yield_from(&mut self) -> Step {
        if self.pop()? != Symbol::Const(self.machine.none) {
            return self.foreign();
        }
        let iterator = self.value()?;
        self.event(Op::YieldFrom, smallvec![iterator])
    }

    /// Blocks and jumps of versions up to 3.10.
    pub(super) fn block_instruction(&mut self, op: Opcode) -> Step {
        match op {
            Opcode::SETUP_LOOP => self.setup(Kind::Loop),
            Opcode::SETUP_EXCEPT => self.setup(Kind::Except),
            Opcode::SETUP_FINALLY => self.setup(Kind::Finally),
            Opcode::SETUP_WITH => self.setup_with(),
            Opcode::SETUP_ASYNC_WITH => self.setup_async_with(),
            Opcode::POP_BLOCK => self.pop_block(),
            Opcode::BREAK_LOOP => self.break_loop(),
            Opcode::CONTINUE_LOOP => self.continue_loop(),
            Opcode::BEGIN_FINALLY => self.begin_finally(),
            Opcode::CALL_FINALLY => self.call_finally(),
            Opcode::POP_FINALLY => self.pop_finally(),
            Opcode::END_FINALLY => self.end_finally(),
            Opcode::WITH_CLEANUP | Opcode::WITH_CLEANUP_START => self.with_cleanup_start(),
            Opcode::WITH_CLEANUP_FINISH => self.with_cleanup_finish(),
            Opcode::YIELD_FROM => self.yield_from(),
            Opcode::JUMP_IF_NOT_EXC_MATCH => self.jump_if_not_exc_match(),
            _ => self.foreign(),
        }
    }
}
