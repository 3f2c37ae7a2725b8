//! Runs of instructions that are one step together: the loops of `yield from` and `await`, and the entry of `with` from 3.14 on.
//!
//! Each is checked instruction by instruction, with its handlers, before it is taken for one.

use smallvec::smallvec;

use crate::pyc::instruction::Instruction;
use crate::pyc::opcodes::Op as Opcode;
use crate::verify::event::Op;
use crate::verify::event::Symbol;

use super::Goto;
use super::Machine;
use super::Put;
use super::stack::Run;
use super::stack::Step;

/// What the argument of RESUME says: behind what it is (1 a `yield`, 2 `yield from`, 3 `await`; `RESUME_OPARG_LOCATION_MASK`), and from
/// 3.13 on whether a generator that is closed there need not run (`RESUME_OPARG_DEPTH1_MASK`).
fn resumed(resume: &Instruction, series: (u8, u8)) -> (u32, bool) {
    match series {
        (3, ..=12) => (resume.arg, false),
        (3, 13 | 14) => (resume.arg & 3, resume.arg & !3 == 4),
        _ => (resume.arg & 7, resume.arg & !7 == 8),
    }
}

impl Machine<'_> {
    /// Whether two instructions have the same handler.
    fn same_handler(&self, one: &Instruction, other: &Instruction) -> bool {
        let handler = |at: &Instruction| self.handler(at.offset).map(|found| (found.target, found.depth, found.lasti));
        handler(one) == handler(other)
    }

    /// The instruction behind another one, if it is the one that is meant.
    fn then(&self, at: &Instruction, wanted: Opcode) -> Option<&Instruction> {
        self.behind(at).filter(|found| found.op() == Some(wanted))
    }

    /// The handler's first instruction.
    fn handled_by(&self, at: &Instruction) -> Option<&Instruction> {
        self.instruction(u32::try_from(self.handler(at.offset)?.target).ok()?)
    }

    /// Whether nothing handles an instruction but what the compiler puts around every generator.
    fn is_outermost(&self, at: &Instruction) -> bool {
        let word = |found: &Instruction| {
            let place = usize::try_from(found.arg).unwrap_or(usize::MAX);
            self.opcodes.intrinsics_1.get(place).copied().filter(|_| found.op() == Some(Opcode::CALL_INTRINSIC_1))
        };
        self.handler(at.offset).is_none()
            || self.handled_by(at).and_then(word).is_some_and(|word| word == "INTRINSIC_STOPITERATION_ERROR")
    }

    /// Whether a `yield` says that but one handler is around it: `close()` does not run such a generator.
    fn says_outermost(&self, yields: &Instruction, resume: &Instruction) -> bool {
        match self.series {
            (3, 11) => false,
            (3, 12) => yields.arg == 1,
            _ => resumed(resume, self.series).1,
        }
    }

    /// Where a loop of SEND and `YIELD_VALUE` goes on when it has ended, if it is exactly the compiler's.
    fn loop_end(&self, send: &Instruction, depth: usize) -> Option<u32> {
        let yields = self.then(send, Opcode::YIELD_VALUE).filter(|yields| self.series < (3, 13) || yields.arg == 1)?;
        let resume =
            self.then(yields, Opcode::RESUME).filter(|resume| matches!(resumed(resume, self.series).0, 2 | 3))?;
        // Around it there is something, but in a lambda of 3.12 and 3.13.
        if self.says_outermost(yields, resume) && self.handler(send.offset).is_some() {
            return None;
        }
        let back = self.then(resume, Opcode::JUMP_BACKWARD_NO_INTERRUPT)?;
        if back.target != Some(i64::from(send.start)) || !self.same_handler(send, resume) {
            return None;
        }
        let end = self.instruction(u32::try_from(send.target?).ok()?)?;
        if self.series < (3, 12) {
            return Some(end.start).filter(|_| self.same_handler(send, yields));
        }
        // What is thrown into it is given to the inner one; if that returns then, so does the loop.
        let handler = self.handler(yields.offset).filter(|handler| !handler.lasti)?;
        let throw = self.handled_by(yields).filter(|throw| throw.op() == Some(Opcode::CLEANUP_THROW))?;
        let mut behind = self.behind(throw)?;
        let jumps = [Opcode::JUMP_BACKWARD, Opcode::JUMP_BACKWARD_NO_INTERRUPT, Opcode::JUMP_FORWARD];
        if behind.op().is_some_and(|op| jumps.contains(&op)) {
            behind = self.instruction(u32::try_from(behind.target?).ok()?)?;
        }
        let is_whole = usize::try_from(handler.depth) == Ok(depth)
            && self.same_handler(send, throw)
            && behind.start == end.start
            && end.op() == Some(Opcode::END_SEND);
        Some(end.end).filter(|_| is_whole)
    }

    /// The last of the instructions that enter a context from 3.14 on, and whether asynchronously: the exit is looked up first.
    fn entered(&self, copy: &Instruction) -> Option<(&Instruction, bool)> {
        let special = |at: &Instruction| self.then(at, Opcode::LOAD_SPECIAL).copied();
        let exit = special(copy).filter(|exit| copy.arg == 1 && matches!(exit.arg, 1 | 3))?;
        let first = self.then(&exit, Opcode::SWAP).filter(|swap| swap.arg == 2)?;
        let second = self.then(first, Opcode::SWAP).filter(|swap| swap.arg == 3)?;
        let enter = special(second).filter(|enter| Some(enter.arg) == exit.arg.checked_sub(1))?;
        let call = self.then(&enter, Opcode::CALL).filter(|call| call.arg == 0)?;
        let all = [&exit, &enter, call];
        all.into_iter().all(|at| self.same_handler(copy, at)).then_some((call, exit.arg == 3))
    }
}

impl Run<'_, '_> {
    /// `SEND`: the loop of which it is the head.
    pub(super) fn send(&mut self) -> Step {
        let depth = self.state.stack.len();
        let Some(end) = self.machine.loop_end(&self.at, depth) else { return self.foreign() };
        if self.pop()? != Symbol::Const(self.machine.none) {
            return self.foreign();
        }
        let iterator = self.iterator()?;
        self.event_to(Op::YieldFrom, smallvec![iterator], Put::Push, Goto { offset: end, part: 0 })
    }

    /// `YIELD_VALUE` that is no part of such a loop.
    pub(super) fn yield_value(&mut self) -> Step {
        let series = self.machine.series;
        let value = self.value()?;
        if series < (3, 11) {
            return self.event(Op::Yield, smallvec![value]);
        }
        let Some(resume) = self.machine.then(&self.at, Opcode::RESUME).copied() else { return self.foreign() };
        let says_outermost = self.machine.says_outermost(&self.at, &resume);
        // From 3.13 on the argument says whether there is an inner one.
        let is_plain = series < (3, 13) || self.at.arg == 0;
        if !is_plain || resumed(&resume, series).0 != 1 || says_outermost && !self.machine.is_outermost(&self.at) {
            return self.foreign();
        }
        self.event_to(Op::Yield, smallvec![value], Put::Push, Goto { offset: resume.end, part: 0 })
    }

    /// `COPY`, and the entry of a context that begins with it.
    pub(super) fn copy(&mut self) -> Step {
        if let Some((call, is_async)) = self.machine.entered(&self.at) {
            let goto = Goto { offset: call.end, part: 0 };
            let manager = self.value()?;
            self.state.lent = self.borrowed(manager);
            let op = if is_async { Op::AsyncWithEnter } else { Op::WithEnter };
            return self.event_to(op, smallvec![manager], Put::Exit, goto);
        }
        let copied = self.peek(self.count())?;
        self.pushed(copied)
    }
}
