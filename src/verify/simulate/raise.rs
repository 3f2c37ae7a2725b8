//! What is raised: both sides go on in the handlers of an exception, or neither has one.

use ruff_text_size::TextRange;

use crate::verify::event::Symbol;
use crate::verify::expected::Handler;
use crate::verify::expected::Register;
use crate::verify::found::Kept;

use super::Seen;
use super::Simulation;
use super::pair::Pair;

impl Simulation<'_, '_> {
    /// Follows an exception that the instruction raises into the handlers; false when only one side has one.
    #[inline]
    pub(super) fn raises(&mut self, pair: &Pair, handler: Option<Handler>, range: TextRange, at: u32) -> bool {
        handler.is_none() && !self.machine.may_catch(&pair.found) || self.is_caught_alike(pair, handler, range, at)
    }

    #[inline(never)]
    fn is_caught_alike(&mut self, pair: &Pair, handler: Option<Handler>, range: TextRange, at: u32) -> bool {
        let kept = self.machine.kept(&pair.found);
        if handler.is_some_and(|handler| self.is_raised_again(pair, handler, kept)) {
            return true;
        }
        let exception = self.fresh();
        let mut other = match self.memory.raised.take() {
            Some((mut other, _)) => {
                other.clone_from(pair);
                other
            }
            None => self.copy(pair),
        };
        let is_caught = self.machine.raised(&mut other.found, exception);
        match handler {
            Some(handler) if is_caught => {
                other.expected.step = self.program.place(handler.label);
                self.memory.enter(other.expected.step);
                other.expected.set(handler.exception, Symbol::Id(exception));
                if self.is_new(&mut other) {
                    let followed = self.copy(&other);
                    self.waiting.push(followed);
                }
                self.memory.raised = Some((other, kept));
                true
            }
            None if !is_caught => true,
            _ => {
                self.differ(Seen::Caught(handler.is_some()), Seen::Caught(is_caught), Some(range), Some(at));
                false
            }
        }
    }

    /// Whether the last state that was followed into a handler on this way is the one that an exception leads to here, but for the number
    /// of the exception: neither side has changed anything since that is still there then.
    ///
    /// What is known of truths does not change on a way; where it does, [`Self::forget_raised`] is called.
    fn is_raised_again(&self, pair: &Pair, handler: Handler, kept: Option<Kept>) -> bool {
        let (Some((raised, Some(before))), Some(kept)) = (&self.memory.raised, kept) else { return false };
        let step = self.program.place(handler.label);
        let is_other = |register: Register| register != handler.exception;
        raised.expected.step == step
            && *before == kept
            && pair.found.is_kept_in(&raised.found, kept)
            && pair
                .expected
                .held_by(|register| is_other(register) && self.liveness.is_live(register, step))
                .eq(raised.expected.held_by(is_other))
    }

    /// What was followed into a handler says nothing of what comes.
    pub(super) fn forget_raised(&mut self) {
        if let Some((_, kept)) = &mut self.memory.raised {
            *kept = None;
        }
    }

    /// Follows a signal into the handlers where the code itself raises nothing: a handler that nothing else leads to is compared then.
    pub(super) fn interrupted(&mut self, pair: &Pair, handler: Option<Handler>) {
        let Some(handler) = handler else { return };
        let step = self.program.place(handler.label);
        if self.memory.has_entered(step) {
            return;
        }
        let exception = self.fresh();
        let mut other = self.copy(pair);
        if self.machine.raised(&mut other.found, exception) {
            self.memory.enter(step);
            other.expected.step = step;
            other.expected.set(handler.exception, Symbol::Id(exception));
            self.follow(other);
        }
    }

    /// As `raises`, for a test. From 3.13 on it is TO_BOOL that can raise; without it there is nothing to catch.
    pub(super) fn test_raises(&mut self, pair: &Pair, handler: Option<Handler>, range: TextRange, at: u32) -> bool {
        let can_raise = self.series < (3, 13) || self.machine.asks_for_truth(&pair.found);
        let is_forgotten = handler.is_some() && self.program.is_threaded(pair.expected.step);
        let handler = handler.filter(|_| !is_forgotten || self.machine.may_catch(&pair.found));
        !can_raise || self.raises(pair, handler, range, at)
    }

    /// Handlers in which nothing was seen to end, because nothing before them was seen to raise: there must not be more of them than the
    /// source has.
    pub(super) fn count_handlers(&mut self) {
        let found = self.machine.unentered_handlers();
        let expected = self.program.handlers().filter(|&place| !self.memory.has_entered(place)).count();
        if self.outcome.differences.is_empty() && !self.outcome.is_exhausted && found.len() > expected {
            self.differ(Seen::Caught(false), Seen::Caught(true), None, found.first().copied());
        }
    }
}
