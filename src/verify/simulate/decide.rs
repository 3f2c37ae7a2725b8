//! Questions whose answer is known here: an optimiser may leave them out.

use crate::verify::event::Event;
use crate::verify::event::Op;
use crate::verify::event::Symbol;
use crate::verify::event::Unary;
use crate::verify::found::Next;

use super::Simulation;
use super::ahead::AheadKind;
use super::pair::Pair;

impl Simulation<'_, '_> {
    /// Whether the source asks about a value whose truth is known here.
    pub(super) fn is_decided(&self, ahead: &AheadKind, known: &[(u32, bool)]) -> bool {
        match ahead {
            AheadKind::Test(on, ..) => self.truth(*on, known).is_some(),
            AheadKind::Event(event, _) => negated(event).is_some_and(|on| self.truth(on, known).is_some()),
            _ => false,
        }
    }

    /// Whether the source asks several times in a row about a value whose truth is known. Up to 3.6 the optimiser leaves out any of them,
    /// and which of them the bytecode asks cannot be told.
    pub(super) fn is_ambiguous(&mut self, pair: &Pair, ahead: &AheadKind) -> bool {
        if self.series >= (3, 7) {
            return false;
        }
        let mut look = pair.clone();
        if !self.decide(&mut look, ahead) {
            return false;
        }
        let next = self.ahead(&mut look.expected).what;
        self.is_decided(&next, &look.known)
    }

    /// Goes on behind such a question on both sides, with the answer that is known.
    pub(super) fn decide_both(&mut self, pair: &mut Pair, ahead: &AheadKind, next: &Next) {
        let asked = match next {
            &Next::Test { on, .. } => Some(on),
            Next::Event { event, .. } => negated(event),
            _ => None,
        };
        let truth = asked.and_then(|on| self.truth(on, &pair.known)).unwrap_or_default();
        self.decide(pair, ahead);
        if matches!(next, Next::Test { .. }) {
            self.machine.branch(&mut pair.found, truth);
        } else {
            let opposite = Symbol::Const(self.pool.constants.bool(!truth));
            self.machine.resume(&mut pair.found, &[opposite]);
        }
    }

    /// Goes on behind such a question.
    pub(super) fn decide(&mut self, pair: &mut Pair, ahead: &AheadKind) -> bool {
        match ahead {
            &AheadKind::Test(on, if_true, if_false) => {
                let Some(truth) = self.truth(on, &pair.known) else { return false };
                pair.expected.step = if truth { if_true } else { if_false };
            }
            AheadKind::Event(event, register) => {
                let Some(truth) = negated(event).and_then(|on| self.truth(on, &pair.known)) else { return false };
                pair.expected.set(*register, Symbol::Const(self.pool.constants.bool(!truth)));
                pair.expected.step = pair.expected.step.saturating_add(1);
            }
            _ => return false,
        }
        true
    }
}

/// The value of which an event makes the opposite.
pub(super) fn negated(event: &Event) -> Option<Symbol> {
    match (&event.op, &*event.operands) {
        (Op::Unary(Unary::Not), &[on]) => Some(on),
        _ => None,
    }
}

/// Whether both sides ask for the truth of the same value.
pub(super) fn asks_the_same(expected: &AheadKind, found: &Next) -> bool {
    let ours = match expected {
        &AheadKind::Test(on, ..) => Some(on),
        AheadKind::Event(event, _) => negated(event),
        _ => return false,
    };
    let theirs = match found {
        &Next::Test { on, .. } => Some(on),
        Next::Event { event, .. } => negated(event),
        _ => return false,
    };
    let id = |symbol| match symbol {
        Some(Symbol::Id(id) | Symbol::Negated(id)) => Some(id),
        _ => None,
    };
    id(ours).is_some() && id(ours) == id(theirs)
}
