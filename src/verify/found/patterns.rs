//! Exceptions in their handlers, `match`, and iteration.

use smallvec::smallvec;

use crate::pyc::opcodes::Op as Opcode;
use crate::verify::event::Compare;
use crate::verify::event::Op;
use crate::verify::event::Operands;
use crate::verify::event::Pair;
use crate::verify::event::Part;
use crate::verify::event::Symbol;

use super::Change;
use super::Fault;
use super::Iterate;
use super::Known;
use super::Next;
use super::Pending;
use super::Put;
use super::Way;
use super::stack::Run;
use super::stack::Step;
use super::stack::value;

/// An exception that is compared with a class: any version's way to hold it, its class in place of it included.
pub(super) fn raised(symbol: Symbol) -> Result<Symbol, Fault> {
    match symbol {
        Symbol::Part(Part::Type, id) => Ok(Symbol::Id(id)),
        _ => value(symbol),
    }
}

impl Run<'_, '_> {
    /// `PUSH_EXC_INFO`: the exception is being handled now, and what was before is kept.
    pub(super) fn push_exc_info(&mut self) -> Step {
        let exception = self.value()?;
        let Symbol::Id(id) = exception else { return Err(Fault::NotAValue) };
        self.push(Symbol::Saved(id))?;
        self.state.handled.push(id);
        self.pushed(exception)
    }

    /// `POP_EXCEPT` of 3.11 and later.
    pub(super) fn pop_except(&mut self) -> Step {
        // What was before the innermost one is handled again: nothing else may be.
        let saved = self.pop()?;
        if self.state.handled.pop().map(Symbol::Saved) != Some(saved) {
            return Err(Fault::NotAValue);
        }
        self.event(Op::PopExcept, Operands::new())
    }

    /// `CHECK_EXC_MATCH`: the exception stays.
    pub(super) fn check_exc_match(&mut self) -> Step {
        let class = self.value()?;
        let exception = self.peek_value(1)?;
        self.event_put(Op::ExceptionMatch, smallvec![exception, class], Put::Known(Known::Bool))
    }

    /// `JUMP_IF_NOT_EXC_MATCH` (3.9, 3.10).
    pub(super) fn jump_if_not_exc_match(&mut self) -> Step {
        if self.part == 0 {
            let class = self.value()?;
            let exception = raised(self.pop()?)?;
            return self.event_part(Op::ExceptionMatch, smallvec![exception, class], Put::Push);
        }
        let at = self.at;
        self.test_top(&at, false)
    }

    /// `RERAISE` of 3.11 and later.
    pub(super) fn reraise(&mut self) -> Step {
        let exception = self.value()?;
        if self.at.arg > 0 && self.peek(self.count())? != Symbol::LastI {
            return Err(Fault::NotAValue);
        }
        self.event(Op::Reraise, smallvec![exception])
    }

    /// `RAISE_VARARGS`.
    pub(super) fn raise(&mut self) -> Step {
        let most = if self.machine.series.0 == 2 { 3 } else { 2 };
        if self.at.arg > most {
            return Err(Fault::Operand);
        }
        let operands = self.values(self.count())?;
        self.event(Op::Raise, operands)
    }

    /// `END_ASYNC_FOR` of 3.11 and later.
    pub(super) fn end_async_for(&mut self) -> Step {
        if self.part == 0 {
            // The iterator stays when the exception is raised again: its handler may lie above it.
            self.peek_value(2)?;
            let exception = self.peek_value(1)?;
            return self.event_part(Op::EndAsyncFor, smallvec![exception], Put::Push);
        }
        self.values(2)?;
        self.next()
    }

    /// `WITH_EXCEPT_START` of 3.11 and later: the exit lies below what a handler keeps.
    pub(super) fn with_except_start(&mut self) -> Step {
        let exception = self.peek_value(1)?;
        if !matches!(self.peek(2)?, Symbol::Saved(_)) || self.peek(3)? != Symbol::LastI {
            return Err(Fault::NotAValue);
        }
        let exit = match self.peek(4)? {
            Symbol::Half(Pair::Method, id) if self.machine.series >= (3, 14) && self.peek(5)? == self.peek(4)? => {
                Symbol::Id(id)
            }
            exit if self.machine.series < (3, 14) => value(exit)?,
            _ => return Err(Fault::NotAValue),
        };
        self.event(Op::WithExit, smallvec![exit, exception])
    }

    /// A question about the subject of a `match`, which stays.
    pub(super) fn ask(&mut self, op: Op, known: Known) -> Step {
        let subject = self.peek_value(1)?;
        self.event_put(op, smallvec![subject], Put::Known(known))
    }

    /// `MATCH_KEYS`: subject and keys stay.
    pub(super) fn match_keys(&mut self) -> Step {
        if self.part > 0 {
            return self.match_test(Change::Pop);
        }
        let operands = smallvec![self.peek_value(2)?, self.peek_value(1)?];
        if self.machine.series == (3, 10) {
            return self.event_part(Op::MatchKeys, operands, Put::Push);
        }
        self.event(Op::MatchKeys, operands)
    }

    /// `MATCH_CLASS`.
    pub(super) fn match_class(&mut self) -> Step {
        if self.part > 0 {
            return self.match_test(Change::Forget);
        }
        let operands = self.values(3)?;
        let op = Op::MatchClass(self.at.arg);
        if self.machine.series == (3, 10) { self.event_part(op, operands, Put::Push) } else { self.event(op, operands) }
    }

    /// In 3.10 the two push a truth value besides, which is `is not None` of their result and is tested at once.
    fn match_test(&mut self, otherwise: Change) -> Step {
        let Some(jump) = self.followed_by(Opcode::POP_JUMP_IF_FALSE) else { return self.foreign() };
        if self.part == 1 {
            let result = self.peek_value(1)?;
            let none = Symbol::Const(self.machine.none);
            return self.event_part(Op::Compare(Compare::Is), smallvec![result, none], Put::Push);
        }
        // The answer is popped here; what MATCH_CLASS leaves below it is of use only when there is a match.
        let on = self.value()?;
        let matched = Way { offset: jump.end, change: Change::Keep };
        let change = if otherwise == Change::Forget { Change::Forget } else { Change::Keep };
        let failed = Way { offset: self.target_of(&jump)?, change };
        self.test(on, failed, matched)
    }

    /// `GET_ITER`.
    pub(super) fn get_iter(&mut self) -> Step {
        let iterable = self.value()?;
        if self.machine.series >= (3, 15) {
            // A list or tuple is iterated over as it is.
            self.state.lent = self.borrowed(iterable);
        }
        if self.machine.series >= (3, 15) && self.at.arg > 0 {
            // Which check it needs the interpreter finds out when it loads the code (`fixup_getiter` in Python/specialize.c).
            return self.event_put(Op::GetYieldFromIter, smallvec![iterable], Put::Iterator);
        }
        let put = if self.machine.series >= (3, 15) { Put::Iterator } else { Put::Push };
        self.event_put(Op::GetIter, smallvec![iterable], put)
    }

    /// `FOR_ITER`. What cleans up behind the loop is part of it.
    pub(super) fn for_iter(&mut self) -> Step {
        let series = self.machine.series;
        let (iterator, pops) = if series >= (3, 15) {
            let (index, iterator) = (self.peek(1)?, self.peek(2)?);
            match (index, iterator) {
                (Symbol::Half(Pair::Iterator, id), _) if iterator == index => (Symbol::Id(id), 2),
                // A generator that was just made.
                (Symbol::Null, iterator) => (value(iterator)?, 2),
                _ => return Err(Fault::NotAValue),
            }
        } else {
            (self.peek_value(1)?, 1)
        };
        let mut end = self.target()?;
        let cleanup: &[Opcode] = match series {
            (2, _) | (3, ..=11) => &[],
            (3, 12) => &[Opcode::END_FOR],
            (3, 13) => &[Opcode::END_FOR, Opcode::POP_TOP],
            _ => &[Opcode::END_FOR, Opcode::POP_ITER],
        };
        for &wanted in cleanup {
            let found = self.machine.instruction(end).filter(|found| found.op() == Some(wanted)).ok_or(Fault::Jump)?;
            end = found.end;
        }
        self.state.pending = Pending::Iterate(Iterate { item: self.at.end, end, pops });
        Ok(Some(Next::Iterate { iterator, at: self.at.start }))
    }

    /// An iterator is popped, from 3.15 on with its index or NULL.
    pub(super) fn iterator(&mut self) -> Result<Symbol, Fault> {
        if self.machine.series < (3, 15) {
            return self.value();
        }
        if self.peek(1)? == Symbol::Null {
            self.pop()?;
            return self.value();
        }
        self.pair(Pair::Iterator)
    }

    /// `POP_ITER`: an iterator is left before its end.
    pub(super) fn pop_iter(&mut self) -> Step {
        self.iterator()?;
        self.next()
    }
}
