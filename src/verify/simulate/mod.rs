//! The comparison of one code object: the expected program and the found instructions are run side by side.
//!
//! Both go from event to event. An event must be the same on both sides; its results get the same numbers. Where the run can go on in two
//! ways, both are followed; where an exception can be raised, so are the handlers. A pair of states that was seen before, but for the
//! numbers of its values, is not followed again, so that loops end.
//!
//! What an optimiser does without a trace in events is evened out: operators on constants are computed on both sides, tests whose outcome
//! is known on the way here are decided, and neighbouring stores to local variables may come in any order.

mod ahead;
mod arrive;
mod decide;
mod direct;
mod pair;
mod raise;
mod seen;
mod stores;

use ruff_text_size::TextRange;

use crate::verify::Pool;
use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::Event;
use crate::verify::event::NameId;
use crate::verify::event::Op;
use crate::verify::event::Operands;
use crate::verify::event::Symbol;
use crate::verify::event::Unary;
use crate::verify::expected::Operand;
use crate::verify::expected::Program;
use crate::verify::expected::Register;
use crate::verify::found::Fault;
use crate::verify::found::Kept;
use crate::verify::found::Machine;
use crate::verify::found::Next;
use crate::verify::found::State;
use crate::verify::liveness::Liveness;
use crate::verify::rows::Rows;

use ahead::AheadKind;
use ahead::computed;
use decide::asks_the_same;
use direct::Way;
use pair::Pair;
use pair::Place;
use pair::Words;
use seen::Places;
use stores::is_local_store;

/// Differences that are kept of one code object.
const MAX_DIFFERENCES: usize = 16;

/// Steps for each step of the program and byte of the code: `finally` bodies and joined paths are walked several times.
const WORK_PER_STEP: usize = 200;

/// Steps for any code object, however large: some seconds.
const WORK_AT_MOST: usize = 20_000_000;

/// Steps for any code object, however small.
const WORK_AT_LEAST: usize = 20_000;

/// Registers among which those are looked for that are not needed any more, in each multiple of it.
const MANY_REGISTERS: usize = 64;

/// Jumps in a row that are followed before what is done next is looked for.
const MOST_JUMPS: usize = 4;

/// Operators and tests of constants in a row: more than any source has of them.
const MAX_SILENT: u32 = 100_000;

/// What is done with states that differ only in what is known of their values, where there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowding {
    /// The run stops.
    Stops,
    /// They are made one. What was taken together may part where it did not before, so that only an equal outcome says something.
    Widens,
    /// They are followed, all of them.
    Follows,
}

/// One side's view of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// An event.
    Event(Event),
    /// A test of a value.
    Test(Symbol),
    /// The next item of an iterator.
    Iterate(Symbol),
    /// Neighbouring stores.
    Stores(Vec<(NameId, Symbol)>),
    /// A loop that does nothing.
    Diverges,
    /// Instructions that make no sense.
    Fault(&'static str),
    /// Whether an exception is caught.
    Caught(bool),
}

/// Where the two sides part.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    /// What the source dictates.
    pub(super) expected: Seen,
    /// What the bytecode does.
    pub(super) found: Seen,
    /// The syntax that dictates it.
    pub(super) range: Option<TextRange>,
    /// The offset of the instruction.
    pub(super) at: Option<u32>,
}

/// What the comparison of one code object gives.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The differences, the first of them at least.
    pub(super) differences: Vec<Difference>,
    /// Functions that were made: numbers of their code objects on both sides.
    pub(super) functions: Vec<(u32, u32)>,
    /// Whether the limit of work was reached.
    pub(super) is_exhausted: bool,
    /// Steps that were taken.
    pub(super) work: usize,
}

/// A test that both sides make.
#[derive(Clone, Copy, Debug)]
struct Test {
    /// Of which value, as the bytecode has it.
    on: Symbol,
    /// Whether the source tests the opposite of it.
    is_opposite: bool,
    /// Where the source goes on when what it tests is true.
    if_true: u32,
    /// Where it goes on when that is false.
    if_false: u32,
}

pub(super) struct Simulation<'s, 'a> {
    program: &'s Program,
    liveness: Liveness,
    machine: &'s Machine<'a>,
    pool: &'s mut Pool,
    series: (u8, u8),
    next: u32,
    work: usize,
    waiting: Vec<Pair>,
    memory: &'s mut Memory,
    /// What is done where many states come to one place.
    crowding: Crowding,
    outcome: Outcome,
}

/// What a run remembers; the next one takes the room over.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Pairs that are done with, for their memory.
    spare: Vec<Pair>,
    /// The states that were gone on from, in words.
    seen: Rows<u32>,
    /// Room to put states into words.
    words: Words,
    /// How many states were gone on from at each place of both sides, and the depth of the stack there.
    places: Places,
    /// By step of the program whether a handler was entered there.
    entered: Vec<bool>,
    /// The last state that was followed into a handler on the way that is walked.
    raised: Option<(Pair, Option<Kept>)>,
    /// What was known of the program.
    liveness: Liveness,
}

/// Pairs whose memory the next run takes over.
const MOST_SPARE: usize = 16;

impl Memory {
    fn clear(&mut self, steps: usize, bytes: usize) {
        self.spare.truncate(MOST_SPARE);
        self.seen.clear();
        self.places.clear(steps, bytes);
        self.entered.clear();
        self.entered.resize(steps.saturating_add(1), false);
        self.spare.extend(self.raised.take().map(|(pair, _)| pair));
    }

    fn has_entered(&self, step: u32) -> bool {
        usize::try_from(step).ok().and_then(|step| self.entered.get(step)).copied().unwrap_or_default()
    }

    fn enter(&mut self, step: u32) {
        if let Some(entered) = usize::try_from(step).ok().and_then(|step| self.entered.get_mut(step)) {
            *entered = true;
        }
    }
}

impl<'s, 'a> Simulation<'s, 'a> {
    pub(super) fn new(
        program: &'s Program,
        machine: &'s Machine<'a>,
        code_size: usize,
        series: (u8, u8),
        pool: &'s mut Pool,
        memory: &'s mut Memory,
    ) -> Self {
        memory.clear(program.len(), code_size);
        let size = program.len().saturating_add(code_size);
        Self {
            program,
            liveness: std::mem::take(&mut memory.liveness).of(program),
            machine,
            pool,
            series,
            next: 0,
            work: size.saturating_mul(WORK_PER_STEP).clamp(WORK_AT_LEAST, WORK_AT_MOST),
            waiting: Vec::new(),
            memory,
            crowding: Crowding::Stops,
            outcome: Outcome::default(),
        }
    }

    /// The same with another way to treat places that are come to in many states.
    pub(super) fn crowding(mut self, crowding: Crowding) -> Self {
        self.crowding = crowding;
        self
    }

    /// Runs both sides; at most as many steps are taken.
    pub(super) fn run(mut self, most: usize) -> Outcome {
        self.work = self.work.min(most);
        let before = self.work;
        let start = Pair { expected: Place::default(), found: self.machine.entry(), known: Vec::new() };
        self.follow(start);
        while let Some(mut pair) = self.waiting.pop() {
            self.walk(&mut pair);
            self.memory.spare.push(pair);
            if self.outcome.differences.len() >= MAX_DIFFERENCES {
                break;
            }
            self.outcome.is_exhausted |= self.work == 0;
            if self.outcome.is_exhausted {
                break;
            }
        }
        self.count_handlers();
        self.outcome.work = before.saturating_sub(self.work);
        self.memory.liveness = self.liveness;
        self.outcome
    }

    fn fresh(&mut self) -> u32 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    fn spend(&mut self) -> bool {
        self.work = self.work.saturating_sub(1);
        self.work > 0
    }

    /// A copy of a pair of states, in memory of another where there is one.
    fn copy(&mut self, pair: &Pair) -> Pair {
        let Some(mut copy) = self.memory.spare.pop() else { return pair.clone() };
        copy.clone_from(pair);
        copy
    }

    fn differ(&mut self, expected: Seen, found: Seen, range: Option<TextRange>, at: Option<u32>) {
        if self.outcome.differences.len() < MAX_DIFFERENCES {
            self.outcome.differences.push(Difference { expected, found, range, at });
        }
    }

    /// Whether a value is true, where that is known.
    fn truth(&self, symbol: Symbol, known: &[(u32, bool)]) -> Option<bool> {
        match symbol {
            Symbol::Const(id) => self.pool.constants.truth(id),
            Symbol::Id(id) => known.iter().find(|(other, _)| *other == id).map(|&(_, truth)| truth),
            Symbol::Negated(id) => known.iter().find(|(other, _)| *other == id).map(|&(_, truth)| !truth),
            _ => None,
        }
    }

    /// Walks from event to event until the way ends or parts.
    #[expect(clippy::too_many_lines, reason = "one arm for each pair of what the sides may do next")]
    fn walk(&mut self, pair: &mut Pair) {
        self.forget_raised();
        // What waited was noted when it was to be followed.
        let mut is_noted = true;
        loop {
            if !self.spend() || !self.arrives(pair, is_noted) {
                return;
            }
            is_noted = false;
            match self.direct(pair) {
                Some(Way::Ends) => return,
                Some(way) => {
                    is_noted = way == Way::Noted;
                    continue;
                }
                None => {}
            }
            let before = pair.expected.step;
            let mut ahead = self.ahead(&mut pair.expected);
            if pair.expected.step < before {
                // A loop without a test begins again.
                if !self.is_new(pair) {
                    return;
                }
                self.forget_raised();
                is_noted = true;
                continue;
            }
            let is_decided = self.is_decided(&ahead.what, &pair.known);
            let start = is_decided.then(|| pair.found.clone());
            let next = self.found(&mut pair.found);
            // What the source asks again of a value whose truth is known here, an optimiser may leave out. What is asked in the bytecode,
            // the source has to ask: an object may answer otherwise the second time.
            while !asks_the_same(&ahead.what, &next) && self.decide(pair, &ahead.what) {
                ahead = self.ahead(&mut pair.expected);
                if pair.expected.step < before || !self.spend() {
                    if let Some(start) = start {
                        pair.found = start;
                    }
                    let copy = self.copy(pair);
                    self.follow(copy);
                    return;
                }
            }
            if is_decided && self.is_ambiguous(pair, &ahead.what) && asks_the_same(&ahead.what, &next) {
                self.decide_both(pair, &ahead.what, &next);
                continue;
            }
            let (what, range) = (ahead.what, ahead.range);
            match (what, next) {
                (AheadKind::Event(expected, register), Next::Event { event: found, at }) => {
                    let (found, at) = self.used_once(pair, &expected, found, at);
                    if !expected.op.can_raise() && expected.op == found.op {
                        self.interrupted(pair, ahead.handler);
                    }
                    if is_local_store(&expected.op) && is_local_store(&found.op) {
                        if !self.stores(pair, expected, found, range, at) {
                            return;
                        }
                        continue;
                    }
                    let is_opposite = is_opposite(&expected, &found);
                    if !is_opposite && !self.same(&expected, &found) {
                        self.differ(Seen::Event(expected), Seen::Event(found), Some(range), Some(at));
                        return;
                    }
                    if expected.op.can_raise() && !self.raises(pair, ahead.handler, range, at) {
                        return;
                    }
                    if expected.op.is_end() {
                        return;
                    }
                    self.finish(pair, &expected.op, register);
                    if is_opposite && let Symbol::Id(id) = pair.expected.get(Operand::Register(register)) {
                        pair.expected.set(register, Symbol::Negated(id));
                    }
                }
                (AheadKind::Test(expected, if_true, if_false), Next::Test { on, at }) => {
                    let is_opposite =
                        matches!((expected, on), (Symbol::Negated(ours), Symbol::Id(theirs)) if ours == theirs);
                    if !is_opposite && expected != on {
                        self.differ(Seen::Test(expected), Seen::Test(on), Some(range), Some(at));
                        return;
                    }
                    let test = Test { on, is_opposite, if_true, if_false };
                    if !self.test_raises(pair, ahead.handler, range, at) || !self.part(pair, test) {
                        return;
                    }
                    is_noted = true;
                }
                (AheadKind::Test(on, if_true, if_false), Next::Event { event, at }) if is_not(&event, on) => {
                    // Up to 3.6 a test may be of the opposite, which was made a value first.
                    if !self.raises(pair, ahead.handler, range, at) {
                        return;
                    }
                    for (truth, step) in [(false, if_false), (true, if_true)] {
                        let mut other = self.copy(pair);
                        other.expected.step = step;
                        let opposite = Symbol::Const(self.pool.constants.bool(!truth));
                        self.machine.resume(&mut other.found, &[opposite]);
                        other.learn(on, truth);
                        self.follow(other);
                    }
                    return;
                }
                (AheadKind::Event(event, register), Next::Test { on, at })
                    if is_not(&event, on) || is_twice_not(&event, on) =>
                {
                    if !self.raises(pair, ahead.handler, range, at) {
                        return;
                    }
                    for truth in [false, true] {
                        let mut other = self.copy(pair);
                        let opposite = Symbol::Const(self.pool.constants.bool(truth != is_not(&event, on)));
                        other.expected.set(register, opposite);
                        other.expected.step = other.expected.step.saturating_add(1);
                        self.machine.branch(&mut other.found, truth);
                        other.learn(on, truth);
                        self.follow(other);
                    }
                    return;
                }
                (AheadKind::Iterate(expected, register, done), Next::Iterate { iterator, at }) => {
                    if expected != iterator {
                        self.differ(Seen::Iterate(expected), Seen::Iterate(iterator), Some(range), Some(at));
                        return;
                    }
                    if !self.raises(pair, ahead.handler, range, at) {
                        return;
                    }
                    let mut exhausted = self.copy(pair);
                    exhausted.expected.step = done;
                    self.machine.exhausted(&mut exhausted.found);
                    self.follow(exhausted);
                    let item = Symbol::Id(self.fresh());
                    self.machine.item(&mut pair.found, item);
                    pair.expected.set(register, item);
                    pair.expected.step = pair.expected.step.saturating_add(1);
                    if !self.is_new(pair) {
                        return;
                    }
                    self.forget_raised();
                    is_noted = true;
                }
                (AheadKind::Diverges, Next::Event { event, .. }) if event.op == Op::Forever => {
                    self.interrupted(pair, ahead.handler);
                    return;
                }
                (what, next) => {
                    let expected = match what {
                        AheadKind::Event(event, _) => Seen::Event(event),
                        AheadKind::Test(on, ..) => Seen::Test(on),
                        AheadKind::Iterate(on, ..) => Seen::Iterate(on),
                        AheadKind::Diverges => Seen::Diverges,
                        AheadKind::Nowhere => Seen::Fault("the end"),
                    };
                    let (found, at) = match next {
                        Next::Event { event, at } => (Seen::Event(event), at),
                        Next::Test { on, at } => (Seen::Test(on), at),
                        Next::Iterate { iterator, at } => (Seen::Iterate(iterator), at),
                        Next::Fault { fault, at } => (Seen::Fault(fault.message()), at),
                    };
                    self.differ(expected, found, Some(range), Some(at));
                    return;
                }
            }
        }
    }

    /// Follows both outcomes of a test, this one where it is true on the expected side; false when that was gone on from before.
    fn part(&mut self, pair: &mut Pair, test: Test) -> bool {
        let Test { on, is_opposite, if_true, if_false } = test;
        let mut other = self.copy(pair);
        other.expected.step = if_false;
        self.machine.branch(&mut other.found, is_opposite);
        other.learn(on, is_opposite);
        self.follow(other);
        pair.expected.step = if_true;
        self.machine.branch(&mut pair.found, !is_opposite);
        pair.learn(on, !is_opposite);
        let is_new = self.is_new(pair);
        self.forget_raised();
        is_new
    }

    /// Goes on to the next step.
    fn step_on(&mut self, pair: &mut Pair) {
        pair.expected.step = pair.expected.step.saturating_add(1);
        // What a long way without a test has written and read is in the way.
        if pair.expected.held().is_multiple_of(MANY_REGISTERS) {
            let place = pair.expected.step;
            pair.expected.retain(|register| self.liveness.is_live(register, place));
        }
    }

    /// Gives the results of an event the same numbers on both sides.
    fn finish(&mut self, pair: &mut Pair, op: &Op, register: Register) {
        let count = op.results();
        let mut results = Operands::new();
        if count == 1 {
            let symbol = Symbol::Id(self.fresh());
            pair.expected.set(register, symbol);
            results.push(symbol);
        } else {
            results.extend((0..count).map(|_| Symbol::Id(self.fresh())));
            for (offset, &symbol) in (0..).zip(&results) {
                pair.expected.set(Register(register.0.saturating_add(offset)), symbol);
            }
        }
        self.machine.resume(&mut pair.found, &results);
        self.step_on(pair);
    }

    /// Whether two events are the same; pairs the functions that they make.
    fn same(&mut self, expected: &Event, found: &Event) -> bool {
        if let (&Op::MakeFunction(ours), &Op::MakeFunction(theirs)) = (&expected.op, &found.op) {
            if !self.outcome.functions.contains(&(ours, theirs)) {
                self.outcome.functions.push((ours, theirs));
            }
            return expected.operands == found.operands;
        }
        expected == found || self.is_same_set(expected, found)
    }

    /// Whether both make a set of the same constants. From 3.14 on the compiler makes three and more of them a frozenset first, which is
    /// stored in any order (`optimize_lists_and_sets` in Python/flowgraph.c).
    fn is_same_set(&mut self, expected: &Event, found: &Event) -> bool {
        const LEAST: usize = 3;
        let is_set = |event: &Event| event.op == Op::Build(Display::Set);
        if self.series < (3, 14) || !is_set(expected) || !is_set(found) || expected.operands.len() < LEAST {
            return false;
        }
        let constant = |operand: &Symbol| if let Symbol::Const(id) = *operand { Some(id) } else { None };
        let constants = |event: &Event| event.operands.iter().map(constant).collect::<Option<Vec<_>>>();
        let (Some(ours), Some(theirs)) = (constants(expected), constants(found)) else { return false };
        self.pool.constants.frozenset(&ours) == self.pool.constants.frozenset(&theirs)
    }

    /// The found side's next event. Tests of constants are decided.
    fn found(&mut self, state: &mut State) -> Next {
        let (mut silent, mut next_mark) = (0_u32, 64_u32);
        let mut mark: Option<State> = None;
        loop {
            let mut next = self.machine.step(state, self.pool);
            if let Next::Event { event, .. } = &mut next
                && event.op == Op::Build(Display::String)
            {
                // Some patch releases of 3.12 join an empty part too.
                let empty = Symbol::Const(self.pool.constants.text(""));
                event.operands.retain(|operand| *operand != empty);
            }
            let at = match &next {
                Next::Event { event, at } => {
                    let Some(results) = computed(&event.op, &event.operands, self.series, self.pool) else {
                        return next;
                    };
                    self.machine.resume(state, &results);
                    *at
                }
                &Next::Test { on: Symbol::Const(constant), at } => {
                    let Some(truth) = self.pool.constants.truth(constant) else { return next };
                    self.machine.branch(state, truth);
                    at
                }
                _ => return next,
            };
            if mark.as_ref() == Some(state) {
                return Next::Event { event: Event { op: Op::Forever, operands: Operands::new() }, at };
            }
            silent = silent.saturating_add(1);
            if silent == next_mark {
                mark = Some(state.clone());
                next_mark = next_mark.saturating_mul(2);
            }
            if !self.spend() || silent > MAX_SILENT {
                return Next::Fault { fault: Fault::EndlessLoop, at };
            }
        }
    }
}

/// Whether one side asks `is` or `in` and the other `is not` or `not in`: tests of the outcome go the other way then.
fn is_opposite(expected: &Event, found: &Event) -> bool {
    let (&Op::Compare(ours), &Op::Compare(theirs)) = (&expected.op, &found.op) else { return false };
    let is_pair = matches!(
        (ours, theirs),
        (Compare::Is, Compare::IsNot)
            | (Compare::IsNot, Compare::Is)
            | (Compare::In, Compare::NotIn)
            | (Compare::NotIn, Compare::In)
    );
    is_pair && expected.operands == found.operands
}

/// Whether an event makes the opposite of a value.
fn is_not(event: &Event, value: Symbol) -> bool {
    event.op == Op::Unary(Unary::Not) && *event.operands == [value]
}

/// Whether an event makes the opposite of the opposite of a value.
fn is_twice_not(event: &Event, value: Symbol) -> bool {
    matches!(value, Symbol::Id(id) if is_not(event, Symbol::Negated(id)))
}
