//! Which states are gone on from: those that were not before. Note is taken of them where ways come together.

use crate::verify::event::Symbol;
use crate::verify::expected::Action;
use crate::verify::expected::Step;
use crate::verify::found::State;

use super::Crowding;
use super::MOST_JUMPS;
use super::Memory;
use super::Seen;
use super::Simulation;
use super::pair::Pair;

/// Values of a state that are handled in the time of a step.
const VALUES_PER_STEP: usize = 4;

/// States at one place from which on they are made one.
const CROWD: u32 = 16;

/// States at one place of which there is hope that they are all.
const LARGEST_CROWD: u32 = 256;

/// Answers that are known of a state from which on it is looked which of them still matter.
const MANY_ANSWERS: usize = 16;

impl Simulation<'_, '_> {
    /// A pair of states to go on from, unless it was gone on from before.
    pub(super) fn follow(&mut self, mut pair: Pair) {
        if self.is_new(&mut pair) {
            self.waiting.push(pair);
        } else {
            self.memory.spare.push(pair);
        }
    }

    /// Goes on over what is silent on either side, as far as that is simply told: equal states at one place look the same then.
    pub(super) fn rest(&mut self, pair: &mut Pair) -> bool {
        let before = pair.expected.step;
        for _ in 0..MOST_JUMPS {
            let Some(&Step { action: Action::Jump(label), .. }) = self.program.step(pair.expected.step) else { break };
            pair.expected.step = self.program.place(label);
        }
        self.machine.settle(&mut pair.found);
        pair.expected.step != before
    }

    /// Takes note of a state where several ways come together; false when it was gone on from before.
    pub(super) fn arrives(&mut self, pair: &mut Pair, is_noted: bool) -> bool {
        let has_moved = self.rest(pair);
        if is_noted && !has_moved || !self.liveness.is_join(self.program, pair.expected.step) {
            return true;
        }
        let is_new = self.is_new(pair);
        self.forget_raised();
        is_new
    }

    /// Whether there is something to go on from in a pair of states that was not gone on from before.
    pub(super) fn is_new(&mut self, pair: &mut Pair) -> bool {
        self.rest(pair);
        let place = pair.expected.step;
        pair.expected.retain(|register| self.liveness.is_live(register, place));
        if self.is_of_another_depth(&pair.found) {
            let (expected, found) = ("a stack as deep as before", "a stack of another depth");
            self.differ(Seen::Fault(expected), Seen::Fault(found), None, Some(pair.found.offset));
            return false;
        }
        // A state costs as much as it holds.
        let size = pair.found.stack.len().saturating_add(pair.expected.held()).saturating_add(pair.known.len());
        self.work = self.work.saturating_sub(size / VALUES_PER_STEP);
        let crowd = self.memory.places.count(place, pair.found.offset);
        match self.crowding {
            // What is left of the work is for the other ways.
            Crowding::Stops if crowd > LARGEST_CROWD => self.outcome.is_exhausted = true,
            Crowding::Widens if crowd > CROWD => self.widen(pair),
            _ => {}
        }
        // Where one way leads to, no other comes unless there are several states to go on from, and the second of them says so.
        if crowd == 1 && !self.liveness.is_join(self.program, place) && pair.known.len() < MANY_ANSWERS {
            return true;
        }
        let Memory { words, seen, .. } = &mut *self.memory;
        let Some(words) = words.of(pair) else { return true };
        seen.add(words)
    }

    /// Whether the stack is deeper or shallower than when this instruction was come to before. From 3.9 on no compiler lets that happen; up
    /// to 3.8 `finally` bodies are run with other values below them for each way into them.
    fn is_of_another_depth(&mut self, state: &State) -> bool {
        if self.series < (3, 9) || !state.is_at_start() {
            return false;
        }
        let depth = u32::try_from(state.stack.len()).unwrap_or(u32::MAX);
        self.memory.places.first_depth(state.offset, depth) != depth
    }

    /// Forgets what is known of values on the stack, and which constants both sides hold.
    fn widen(&mut self, pair: &mut Pair) {
        let found = &pair.found;
        pair.known.retain(|&(id, _)| !found.holds(id));
        pair.found.forget_kinds();
        // Equal constants of one side are taken in the order in which they are held.
        let mut taken = vec![false; pair.expected.held()];
        for symbol in pair.found.stack.iter_mut().filter(|symbol| matches!(symbol, Symbol::Const(_))) {
            let mut held = pair.expected.values_mut().zip(&mut taken);
            let Some((other, taken)) = held.find(|(other, taken)| *other == symbol && !**taken) else { continue };
            self.next = self.next.saturating_add(1);
            *symbol = Symbol::Id(self.next);
            *other = *symbol;
            *taken = true;
        }
    }
}
