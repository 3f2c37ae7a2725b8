//! What an optimiser does with neighbouring stores to local variables, and with displays that are used once.

use ruff_text_size::TextRange;
use smallvec::SmallVec;

use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::Event;
use crate::verify::event::NameId;
use crate::verify::event::Op;
use crate::verify::event::Space;
use crate::verify::event::Symbol;
use crate::verify::expected::Action;
use crate::verify::found::Next;

use super::MOST_JUMPS;
use super::Seen;
use super::Simulation;
use super::ahead::AheadKind;
use super::ahead::may_be_computed;
use super::pair::Pair;
use super::pair::Place;

impl Simulation<'_, '_> {
    /// Whether a step is certain to be something else than a store to a local variable: neither is it computed nor passed over.
    pub(super) fn is_at_other(&self, place: &Place, step: u32) -> bool {
        let mut step = step;
        for _ in 0..MOST_JUMPS {
            let Some(next) = self.program.step(step) else { return true };
            match &next.action {
                Action::Event(op, ..) => return !is_local_store(op) && !may_be_computed(op, self.series),
                Action::Test(on, ..) => return matches!(place.get(*on), Symbol::Id(_)),
                Action::Iterate(..) => return true,
                Action::Move(..) => return false,
                Action::Jump(label) => step = self.program.place(*label),
            }
        }
        false
    }

    /// Runs of stores to local variables, in any order; of several to one variable the last counts.
    pub(super) fn stores(&mut self, pair: &mut Pair, expected: Event, found: Event, range: TextRange, at: u32) -> bool {
        let (mut ours, mut theirs) = (Stores::new(), Stores::new());
        let mut event = expected;
        while let (Op::Store(Space::Fast, name), Some(&value)) = (&event.op, event.operands.first()) {
            ours.push((*name, value));
            pair.expected.step = pair.expected.step.saturating_add(1);
            if !self.spend() {
                return false;
            }
            if self.is_at_other(&pair.expected, pair.expected.step) {
                break;
            }
            let mut look = self.copy(pair);
            let next = match self.ahead(&mut look.expected).what {
                AheadKind::Event(next, _) if is_local_store(&next.op) => Some(next),
                _ => None,
            };
            if next.is_some() {
                std::mem::swap(&mut pair.expected, &mut look.expected);
            }
            self.memory.spare.push(look);
            let Some(next) = next else { break };
            event = next;
        }
        let mut event = found;
        while let (Op::Store(Space::Fast, name), Some(&value)) = (&event.op, event.operands.first()) {
            theirs.push((*name, value));
            self.machine.resume(&mut pair.found, &[]);
            if !self.spend() {
                return false;
            }
            if self.machine.is_at_load(&pair.found) {
                break;
            }
            let mut look = self.copy(pair);
            let next = match self.found(&mut look.found) {
                Next::Event { event: next, .. } if is_local_store(&next.op) => Some(next),
                _ => None,
            };
            if next.is_some() {
                std::mem::swap(&mut pair.found, &mut look.found);
            }
            self.memory.spare.push(look);
            let Some(next) = next else { break };
            event = next;
        }
        let (ours, theirs) = (last_of_each(ours), last_of_each(theirs));
        if ours != theirs {
            let [ours, theirs] = [ours, theirs].map(|stores| self.by_name(stores));
            self.differ(Seen::Stores(ours), Seen::Stores(theirs), Some(range), Some(at));
            return false;
        }
        true
    }

    /// In the order of the names, for evidence: that of their numbers is nobody's.
    fn by_name(&self, stores: Stores) -> Vec<(NameId, Symbol)> {
        let mut stores = stores.into_vec();
        stores.sort_by(|(name, _), (other, _)| self.pool.names.get(*name).cmp(self.pool.names.get(*other)));
        stores
    }

    /// A display of constants that is built only to be searched or iterated over: up to 3.7 the optimiser makes a constant of it only where
    /// it can compute all its items. What is done with the display is given back then, as if it were that constant.
    pub(super) fn used_once(&mut self, pair: &mut Pair, expected: &Event, found: Event, at: u32) -> (Event, u32) {
        let is_iterated = match expected.op {
            Op::GetIter | Op::Compare(Compare::In | Compare::NotIn) => true,
            Op::GetYieldFromIter => self.series >= (3, 15),
            _ => false,
        };
        if !is_iterated || !matches!(found.op, Op::Build(Display::List | Display::Set)) {
            return (found, at);
        }
        let items: Option<Vec<_>> = found
            .operands
            .iter()
            .map(|operand| if let &Symbol::Const(id) = operand { Some(id) } else { None })
            .collect();
        let (Some(&Symbol::Const(used)), Some(items)) = (expected.operands.last(), items) else {
            return (found, at);
        };
        let constant = match found.op {
            Op::Build(Display::List) => self.pool.constants.tuple(&items),
            Op::Build(Display::Set) => self.pool.constants.frozenset(&items),
            _ => return (found, at),
        };
        if constant != used {
            return (found, at);
        }
        let id = self.fresh();
        let mut look = pair.found.clone();
        self.machine.resume(&mut look, &[Symbol::Id(id)]);
        let Next::Event { event: mut used, at: used_at } = self.found(&mut look) else {
            return (found, at);
        };
        // It may not be kept for anything else: a list is not a tuple then.
        let is_used_up =
            used.operands.pop() == Some(Symbol::Id(id)) && !used.operands.contains(&Symbol::Id(id)) && !look.holds(id);
        if !is_used_up {
            return (found, at);
        }
        used.operands.push(Symbol::Const(constant));
        pair.found = look;
        (used, used_at)
    }
}

/// Stores in their order.
type Stores = SmallVec<[(NameId, Symbol); 4]>;

/// By name, what each variable is left with.
fn last_of_each(mut stores: Stores) -> Stores {
    stores.reverse();
    stores.sort_by_key(|&(name, _)| name);
    stores.dedup_by_key(|(name, _)| *name);
    stores
}

pub(super) fn is_local_store(op: &Op) -> bool {
    matches!(op, Op::Store(Space::Fast, _))
}
