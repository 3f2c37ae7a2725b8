//! What both sides do alike, straight from step and instruction: no event is made of it. Whatever is not as simple goes the long way.

use crate::verify::event::Display;
use crate::verify::event::Op;
use crate::verify::event::Symbol;
use crate::verify::expected::Action;
use crate::verify::expected::Step;

use super::Simulation;
use super::Test;
use super::ahead::may_be_computed;
use super::pair::Pair;
use super::stores::is_local_store;

/// What becomes of a way behind something that was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// It goes on.
    GoesOn,
    /// It goes on, and of where it is note was taken.
    Noted,
    /// It ends.
    Ends,
}

impl Simulation<'_, '_> {
    /// Takes what is next on both sides, if it is simple and the same.
    pub(super) fn direct(&mut self, pair: &mut Pair) -> Option<Way> {
        let &Step { action, handler, range } = self.program.step(pair.expected.step)?;
        let (op, operands, register) = match action {
            Action::Event(op, operands, register) => (op, operands, register),
            Action::Test(on, if_true, if_false) => {
                let on = pair.expected.get(on);
                // What is known already may be left out.
                if self.truth(on, &pair.known).is_some() {
                    return None;
                }
                let at = self.machine.question(&mut pair.found, on)?;
                let (if_true, if_false) = (self.program.place(if_true), self.program.place(if_false));
                let test = Test { on, is_opposite: false, if_true, if_false };
                let goes_on = self.test_raises(pair, handler, range, at) && self.part(pair, test);
                return Some(if goes_on { Way::Noted } else { Way::Ends });
            }
            Action::Move(..) | Action::Iterate(..) | Action::Jump(_) => return None,
        };
        if matches!(op, Op::Load(..) | Op::LoadAttr(_)) {
            return self.load(pair);
        }
        let values = pair.expected.values(self.program.operands_of(operands));
        if self.may_be_silent(&op, &values) || is_local_store(&op) && self.may_store_next(pair) {
            return None;
        }
        let deed = self.machine.deed(&mut pair.found, &op, &values, self.pool)?;
        if !op.can_raise() {
            self.interrupted(pair, handler);
        } else if !self.raises(pair, handler, range, deed.at) {
            return Some(Way::Ends);
        }
        if op.is_end() {
            return Some(Way::Ends);
        }
        let result = (op.results() == 1).then(|| Symbol::Id(self.fresh()));
        if let Some(result) = result {
            pair.expected.set(register, result);
        }
        self.machine.done(&mut pair.found, deed, result);
        self.step_on(pair);
        Some(Way::GoesOn)
    }

    /// Whether an event of the source may be computed, or joined with the next one.
    fn may_be_silent(&self, op: &Op, operands: &[Symbol]) -> bool {
        match op {
            Op::Build(Display::List | Display::Set) => operands.is_empty(),
            _ => may_be_computed(op, self.series) && operands.iter().all(|operand| matches!(operand, Symbol::Const(_))),
        }
    }

    /// Whether the source may store to another local variable right behind this store.
    fn may_store_next(&self, pair: &Pair) -> bool {
        !self.is_at_other(&pair.expected, pair.expected.step.saturating_add(1))
    }

    /// Takes a load that is next on both sides, the same one: nothing silent is before it then, and nothing computes it.
    fn load(&mut self, pair: &mut Pair) -> Option<Way> {
        let &Step { action, handler, range } = self.program.step(pair.expected.step)?;
        let Action::Event(op, operands, register) = action else { return None };
        let object = match *self.program.operands_of(operands) {
            [] => None,
            [object] => Some(pair.expected.get(object)),
            _ => return None,
        };
        let load = self.machine.load(&mut pair.found, op, object)?;
        if !self.raises(pair, handler, range, load.at) {
            return Some(Way::Ends);
        }
        let result = Symbol::Id(self.fresh());
        pair.expected.set(register, result);
        self.machine.loaded(&mut pair.found, load, result);
        self.step_on(pair);
        Some(Way::GoesOn)
    }
}
