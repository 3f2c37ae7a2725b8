//! The comparison of one code object: the expected program and the found instructions are run side by side.
//!
//! Both go from event to event. An event must be the same on both sides; its results get the same numbers. Where the run can go on in two
//! ways, both are followed; where an exception can be raised, so are the handlers. A pair of states that was seen before, but for the
//! numbers of its values, is not followed again, so that loops end.
//!
//! What an optimiser does without a trace in events is evened out: operators on constants are computed on both sides, tests whose outcome
//! is known on the way here are decided, and neighbouring stores to local variables may come in any order.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use ruff_text_size::TextRange;

use super::Pool;
use super::constant::Constant;
use super::event::Compare;
use super::event::Display;
use super::event::Event;
use super::event::NameId;
use super::event::Op;
use super::event::Space;
use super::event::Symbol;
use super::event::Unary;
use super::expected::Action;
use super::expected::Handler;
use super::expected::Operand;
use super::expected::Program;
use super::expected::Register;
use super::fold;
use super::found::Fault;
use super::found::Machine;
use super::found::Next;
use super::found::State;
use super::liveness::Liveness;

/// Differences that are kept of one code object.
const MAX_DIFFERENCES: usize = 16;

/// Steps for each step of the program and byte of the code: `finally` bodies and joined paths are walked several times.
const WORK_PER_STEP: usize = 200;

/// Steps for any code object, however large: some seconds.
const WORK_AT_MOST: usize = 20_000_000;

/// Steps for any code object, however small.
const WORK_AT_LEAST: usize = 20_000;

/// Values of a state that are handled in the time of a step.
const VALUES_PER_STEP: usize = 4;

/// States at one place from which on they are made one.
const CROWD: u32 = 16;

/// States at one place of which there is hope that they are all.
const LARGEST_CROWD: u32 = 256;

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

/// The expected side's state.
#[derive(Clone, Debug, Default)]
struct Place {
    step: u32,
    registers: Vec<(Register, Symbol)>,
}

impl Place {
    fn set(&mut self, register: Register, symbol: Symbol) {
        match self.registers.iter_mut().rev().find(|(other, _)| *other == register) {
            Some((_, value)) => *value = symbol,
            None => self.registers.push((register, symbol)),
        }
    }

    fn get(&self, operand: Operand) -> Symbol {
        match operand {
            Operand::Const(id) => Symbol::Const(id),
            Operand::Register(register) => self
                .registers
                .iter()
                .rev()
                .find(|(other, _)| *other == register)
                .map_or(Symbol::Undefined, |&(_, symbol)| symbol),
        }
    }
}

/// Both sides, and what is known of values.
#[derive(Clone, Debug)]
struct Pair {
    expected: Place,
    found: State,
    known: Vec<(u32, bool)>,
}

impl Pair {
    /// The truth of a value, as it was answered last.
    fn learn(&mut self, on: Symbol, truth: bool) {
        if let Symbol::Id(id) = on {
            self.known.retain(|&(other, _)| other != id);
            self.known.push((id, truth));
        }
    }
}

/// What the expected side does next.
#[derive(Debug)]
struct Ahead {
    what: AheadKind,
    handler: Option<Handler>,
    range: TextRange,
}

#[derive(Debug)]
enum AheadKind {
    Event(Event, Register),
    Test(Symbol, u32, u32),
    Iterate(Symbol, Register, u32),
    Diverges,
    Nowhere,
}

/// A state without the numbers of its values.
type Key = (u32, Vec<(Register, Symbol)>, State, Vec<(u32, bool)>);

pub(super) struct Simulation<'s, 'a> {
    program: &'s Program,
    liveness: Liveness,
    machine: &'s Machine<'a>,
    pool: &'s mut Pool,
    series: (u8, u8),
    next: u32,
    work: usize,
    waiting: Vec<Pair>,
    seen: HashSet<Key>,
    /// How many states were gone on from at each place of both sides.
    crowds: HashMap<(u32, u32), u32>,
    /// What is done where they are many.
    crowding: Crowding,
    /// The depth of the stack where states were gone on from, by offset.
    depths: HashMap<u32, usize>,
    /// Steps of the program at which handlers were entered.
    entered: HashSet<u32>,
    outcome: Outcome,
}

impl<'s, 'a> Simulation<'s, 'a> {
    pub(super) fn new(
        program: &'s Program,
        machine: &'s Machine<'a>,
        code_size: usize,
        series: (u8, u8),
        pool: &'s mut Pool,
    ) -> Self {
        let size = program.len().saturating_add(code_size);
        Self {
            program,
            liveness: Liveness::of(program),
            machine,
            pool,
            series,
            next: 0,
            work: size.saturating_mul(WORK_PER_STEP).clamp(WORK_AT_LEAST, WORK_AT_MOST),
            waiting: Vec::new(),
            seen: HashSet::new(),
            crowds: HashMap::new(),
            crowding: Crowding::Stops,
            depths: HashMap::new(),
            entered: HashSet::new(),
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
        while let Some(pair) = self.waiting.pop() {
            self.walk(pair);
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
        self.outcome
    }

    /// Handlers in which nothing was seen to end, because nothing before them was seen to raise: there must not be more of them than the
    /// source has.
    fn count_handlers(&mut self) {
        let found = self.machine.unentered_handlers();
        let expected = self.program.handlers().filter(|place| !self.entered.contains(place)).count();
        if self.outcome.differences.is_empty() && !self.outcome.is_exhausted && found.len() > expected {
            self.differ(Seen::Caught(false), Seen::Caught(true), None, found.first().copied());
        }
    }

    fn fresh(&mut self) -> u32 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    fn spend(&mut self) -> bool {
        self.work = self.work.saturating_sub(1);
        self.work > 0
    }

    /// A pair of states to go on from, unless it was gone on from before.
    fn follow(&mut self, mut pair: Pair) {
        let place = pair.expected.step;
        pair.expected.registers.retain(|&(register, _)| self.liveness.is_live(register, place));
        pair.expected.registers.sort_unstable_by_key(|&(register, _)| register.0);
        if self.is_of_another_depth(&pair.found) {
            let (expected, found) = ("a stack as deep as before", "a stack of another depth");
            self.differ(Seen::Fault(expected), Seen::Fault(found), None, Some(pair.found.offset));
            return;
        }
        // A state costs as much as it holds.
        let size =
            pair.found.stack.len().saturating_add(pair.expected.registers.len()).saturating_add(pair.known.len());
        self.work = self.work.saturating_sub(size / VALUES_PER_STEP);
        let crowd = self.crowds.entry((place, pair.found.offset)).or_default();
        *crowd = crowd.saturating_add(1);
        match self.crowding {
            // What is left of the work is for the other ways.
            Crowding::Stops if *crowd > LARGEST_CROWD => self.outcome.is_exhausted = true,
            Crowding::Widens if *crowd > CROWD => self.widen(&mut pair),
            _ => {}
        }
        let (key, canonical) = canonical(&pair);
        if self.seen.insert(key) {
            pair.known = canonical;
            self.waiting.push(pair);
        }
    }

    /// Whether the stack is deeper or shallower than when this instruction was come to before. From 3.9 on no compiler lets that happen; up
    /// to 3.8 `finally` bodies are run with other values below them for each way into them.
    fn is_of_another_depth(&mut self, state: &State) -> bool {
        if self.series < (3, 9) || !state.is_at_start() {
            return false;
        }
        let depth = state.stack.len();
        *self.depths.entry(state.offset).or_insert(depth) != depth
    }

    /// Forgets what is known of values on the stack, and which constants both sides hold.
    fn widen(&mut self, pair: &mut Pair) {
        let found = &pair.found;
        pair.known.retain(|&(id, _)| !found.holds(id));
        // Equal constants of one side are taken in the order in which they are held.
        let mut taken = vec![false; pair.expected.registers.len()];
        for symbol in pair.found.stack.iter_mut().filter(|symbol| matches!(symbol, Symbol::Const(_))) {
            let held = pair.expected.registers.iter_mut().zip(&mut taken);
            let Some(((_, other), taken)) = held.into_iter().find(|((_, other), taken)| other == symbol && !**taken)
            else {
                continue;
            };
            self.next = self.next.saturating_add(1);
            *symbol = Symbol::Id(self.next);
            *other = *symbol;
            *taken = true;
        }
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
    fn walk(&mut self, mut pair: Pair) {
        loop {
            if !self.spend() {
                return;
            }
            let before = pair.expected.step;
            let mut ahead = self.ahead(&mut pair.expected);
            if pair.expected.step < before {
                // A loop without a test begins again.
                self.follow(pair);
                return;
            }
            let is_decided = self.is_decided(&ahead.what, &pair.known);
            let start = is_decided.then(|| pair.found.clone());
            let next = self.found(&mut pair.found);
            // What the source asks again of a value whose truth is known here, an optimiser may leave out. What is asked in the bytecode,
            // the source has to ask: an object may answer otherwise the second time.
            while !asks_the_same(&ahead.what, &next) && self.decide(&mut pair, &ahead.what) {
                ahead = self.ahead(&mut pair.expected);
                if pair.expected.step < before || !self.spend() {
                    pair.found = start.unwrap_or(pair.found);
                    self.follow(pair);
                    return;
                }
            }
            if is_decided && self.is_ambiguous(&pair, &ahead.what) && asks_the_same(&ahead.what, &next) {
                self.decide_both(&mut pair, &ahead.what, &next);
                continue;
            }
            let (what, range) = (ahead.what, ahead.range);
            match (what, next) {
                (AheadKind::Event(expected, register), Next::Event { event: found, at }) => {
                    let (found, at) = self.used_once(&mut pair, &expected, found, at);
                    if !expected.op.can_raise() && expected.op == found.op {
                        self.interrupted(&pair, ahead.handler);
                    }
                    if is_local_store(&expected.op) && is_local_store(&found.op) {
                        if !self.stores(&mut pair, expected, found, range, at) {
                            return;
                        }
                        continue;
                    }
                    let is_opposite = is_opposite(&expected, &found);
                    if !is_opposite && !self.same(&expected, &found) {
                        self.differ(Seen::Event(expected), Seen::Event(found), Some(range), Some(at));
                        return;
                    }
                    if expected.op.can_raise() && !self.raises(&pair, &pair.found, ahead.handler, range, at) {
                        return;
                    }
                    if expected.op.is_end() {
                        return;
                    }
                    self.finish(&mut pair, &expected.op, register);
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
                    if !self.test_raises(&pair, ahead.handler, range, at) {
                        return;
                    }
                    for (truth, step) in [(false, if_false), (true, if_true)] {
                        let mut other = pair.clone();
                        other.expected.step = step;
                        other.found = self.machine.branch(&pair.found, truth != is_opposite);
                        other.learn(on, truth != is_opposite);
                        self.follow(other);
                    }
                    return;
                }
                (AheadKind::Test(on, if_true, if_false), Next::Event { event, at }) if is_not(&event, on) => {
                    // Up to 3.6 a test may be of the opposite, which was made a value first.
                    if !self.raises(&pair, &pair.found, ahead.handler, range, at) {
                        return;
                    }
                    for (truth, step) in [(false, if_false), (true, if_true)] {
                        let mut other = pair.clone();
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
                    if !self.raises(&pair, &pair.found, ahead.handler, range, at) {
                        return;
                    }
                    for truth in [false, true] {
                        let mut other = pair.clone();
                        let opposite = Symbol::Const(self.pool.constants.bool(truth != is_not(&event, on)));
                        other.expected.set(register, opposite);
                        other.expected.step = other.expected.step.saturating_add(1);
                        other.found = self.machine.branch(&pair.found, truth);
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
                    if !self.raises(&pair, &pair.found, ahead.handler, range, at) {
                        return;
                    }
                    let mut exhausted = pair.clone();
                    exhausted.expected.step = done;
                    exhausted.found = self.machine.exhausted(&pair.found);
                    self.follow(exhausted);
                    let item = Symbol::Id(self.fresh());
                    pair.found = self.machine.item(&pair.found, item);
                    pair.expected.set(register, item);
                    pair.expected.step = pair.expected.step.saturating_add(1);
                    self.follow(pair);
                    return;
                }
                (AheadKind::Diverges, Next::Event { event, .. }) if event.op == Op::Forever => {
                    self.interrupted(&pair, ahead.handler);
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

    /// Gives the results of an event the same numbers on both sides.
    fn finish(&mut self, pair: &mut Pair, op: &Op, register: Register) {
        let results: Vec<Symbol> = (0..op.results()).map(|_| Symbol::Id(self.fresh())).collect();
        for (offset, &symbol) in (0..).zip(&results) {
            pair.expected.set(Register(register.0.saturating_add(offset)), symbol);
        }
        pair.expected.step = pair.expected.step.saturating_add(1);
        self.machine.resume(&mut pair.found, &results);
    }

    /// Whether two events are the same; pairs the functions that they make.
    fn same(&mut self, expected: &Event, found: &Event) -> bool {
        if let (&Op::MakeFunction(ours), &Op::MakeFunction(theirs)) = (&expected.op, &found.op) {
            if !self.outcome.functions.contains(&(ours, theirs)) {
                self.outcome.functions.push((ours, theirs));
            }
            return expected.operands == found.operands;
        }
        expected == found
    }

    /// Follows an exception that the instruction of a state raises into the handlers; false when only one side has one.
    fn raises(&mut self, pair: &Pair, state: &State, handler: Option<Handler>, range: TextRange, at: u32) -> bool {
        let exception = self.fresh();
        let found = self.machine.raised(state, exception);
        match (handler, found) {
            (None, None) => true,
            (Some(handler), Some(found)) => {
                let mut expected = pair.expected.clone();
                expected.step = self.program.place(handler.label);
                self.entered.insert(expected.step);
                expected.set(handler.exception, Symbol::Id(exception));
                self.follow(Pair { expected, found, known: pair.known.clone() });
                true
            }
            (handler, found) => {
                self.differ(Seen::Caught(handler.is_some()), Seen::Caught(found.is_some()), Some(range), Some(at));
                false
            }
        }
    }

    /// Follows a signal into the handlers where the code itself raises nothing: a handler that nothing else leads to is compared then.
    fn interrupted(&mut self, pair: &Pair, handler: Option<Handler>) {
        let Some(handler) = handler else { return };
        let step = self.program.place(handler.label);
        let exception = self.fresh();
        if self.entered.contains(&step) {
            return;
        }
        let Some(found) = self.machine.raised(&pair.found, exception) else { return };
        self.entered.insert(step);
        let mut expected = pair.expected.clone();
        expected.step = step;
        expected.set(handler.exception, Symbol::Id(exception));
        self.follow(Pair { expected, found, known: pair.known.clone() });
    }

    /// As `raises`, for a test. From 3.13 on it is TO_BOOL that can raise; without it there is nothing to catch.
    fn test_raises(&mut self, pair: &Pair, handler: Option<Handler>, range: TextRange, at: u32) -> bool {
        if self.series < (3, 13) {
            return self.raises(pair, &pair.found, handler, range, at);
        }
        self.machine.truth_state(&pair.found).is_none_or(|state| self.raises(pair, &state, handler, range, at))
    }

    /// Runs of stores to local variables, in any order; of several to one variable the last counts.
    fn stores(&mut self, pair: &mut Pair, expected: Event, found: Event, range: TextRange, at: u32) -> bool {
        let mut ours: BTreeMap<NameId, Symbol> = BTreeMap::new();
        let mut theirs: BTreeMap<NameId, Symbol> = BTreeMap::new();
        let mut event = expected;
        while let (Op::Store(Space::Fast, name), Some(&value)) = (&event.op, event.operands.first()) {
            ours.insert(*name, value);
            pair.expected.step = pair.expected.step.saturating_add(1);
            if !self.spend() {
                return false;
            }
            let mut look = pair.expected.clone();
            match self.ahead(&mut look).what {
                AheadKind::Event(next, _) if is_local_store(&next.op) => {
                    pair.expected = look;
                    event = next;
                }
                _ => break,
            }
        }
        let mut event = found;
        while let (Op::Store(Space::Fast, name), Some(&value)) = (&event.op, event.operands.first()) {
            theirs.insert(*name, value);
            self.machine.resume(&mut pair.found, &[]);
            if !self.spend() {
                return false;
            }
            let mut look = pair.found.clone();
            match self.found(&mut look) {
                Next::Event { event: next, .. } if is_local_store(&next.op) => {
                    pair.found = look;
                    event = next;
                }
                _ => break,
            }
        }
        if ours != theirs {
            let list = |stores: BTreeMap<NameId, Symbol>| Seen::Stores(stores.into_iter().collect());
            self.differ(list(ours), list(theirs), Some(range), Some(at));
            return false;
        }
        true
    }

    /// A display of constants that is built only to be searched or iterated over: up to 3.7 the optimiser makes a constant of it only where
    /// it can compute all its items. What is done with the display is given back then, as if it were that constant.
    fn used_once(&mut self, pair: &mut Pair, expected: &Event, found: Event, at: u32) -> (Event, u32) {
        let is_use = matches!(expected.op, Op::GetIter | Op::Compare(Compare::In | Compare::NotIn));
        let items: Option<Vec<_>> = found
            .operands
            .iter()
            .map(|operand| if let &Symbol::Const(id) = operand { Some(id) } else { None })
            .collect();
        let (true, Some(&Symbol::Const(used)), Some(items)) = (is_use, expected.operands.last(), items) else {
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

    /// The expected side's next event. Its step stays at what is done next.
    fn ahead(&mut self, place: &mut Place) -> Ahead {
        self.next_of(place, true)
    }

    /// As `ahead`; displays are joined or left as they are.
    fn next_of(&mut self, place: &mut Place, joins: bool) -> Ahead {
        let mut silent = self.program.len().saturating_mul(2).saturating_add(8);
        loop {
            let Some(step) = self.program.step(place.step) else {
                return Ahead { what: AheadKind::Nowhere, handler: None, range: TextRange::default() };
            };
            let (handler, range) = (step.handler, step.range);
            silent = silent.saturating_sub(1);
            if silent == 0 {
                return Ahead { what: AheadKind::Diverges, handler, range };
            }
            match &step.action {
                Action::Event(op, operands, register) => {
                    let operands: Vec<Symbol> = operands.iter().map(|&operand| place.get(operand)).collect();
                    if let Some(results) = computed(op, &operands, self.series, self.pool) {
                        for (offset, constant) in (0..).zip(results) {
                            place.set(Register(register.0.saturating_add(offset)), constant);
                        }
                        place.step = place.step.saturating_add(1);
                        continue;
                    }
                    let (op, register) = (op.clone(), *register);
                    if joins && let Some(joined) = self.joined_display(place, &op, &operands, register) {
                        return Ahead { what: AheadKind::Event(joined, register), handler, range };
                    }
                    return Ahead { what: AheadKind::Event(Event { op, operands }, register), handler, range };
                }
                Action::Move(register, operand) => {
                    let value = place.get(*operand);
                    place.set(*register, value);
                    place.step = place.step.saturating_add(1);
                }
                Action::Test(on, if_true, if_false) => {
                    let on = place.get(*on);
                    let (if_true, if_false) = (self.program.place(*if_true), self.program.place(*if_false));
                    match on {
                        Symbol::Const(constant) if let Some(truth) = self.pool.constants.truth(constant) => {
                            place.step = if truth { if_true } else { if_false };
                        }
                        _ => return Ahead { what: AheadKind::Test(on, if_true, if_false), handler, range },
                    }
                }
                Action::Iterate(iterator, register, done) => {
                    let iterator = place.get(*iterator);
                    return Ahead {
                        what: AheadKind::Iterate(iterator, *register, self.program.place(*done)),
                        handler,
                        range,
                    };
                }
                Action::Jump(label) => place.step = self.program.place(*label),
            }
        }
    }

    /// An empty list or set that a constant is put into at once, as the display that it is.
    fn joined_display(&mut self, place: &mut Place, op: &Op, operands: &[Symbol], register: Register) -> Option<Event> {
        let extend = match op {
            Op::Build(Display::List) => Op::ListExtend,
            Op::Build(Display::Set) => Op::SetUpdate,
            _ => return None,
        };
        if !operands.is_empty() {
            return None;
        }
        let mut look = place.clone();
        look.set(register, Symbol::Null);
        look.step = look.step.saturating_add(1);
        let AheadKind::Event(next, _) = self.next_of(&mut look, false).what else { return None };
        let (true, &[Symbol::Null, Symbol::Const(items)]) = (next.op == extend, &*next.operands) else { return None };
        let (Constant::Tuple(items) | Constant::FrozenSet(items)) = self.pool.constants.get(items) else { return None };
        if items.is_empty() {
            return None;
        }
        let operands = items.iter().copied().map(Symbol::Const).collect();
        *place = look;
        Some(Event { op: op.clone(), operands })
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
                event.operands.retain(|&operand| operand != empty);
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
                    *state = self.machine.branch(state, truth);
                    at
                }
                _ => return next,
            };
            if mark.as_ref() == Some(state) {
                return Next::Event { event: Event { op: Op::Forever, operands: Vec::new() }, at };
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

    /// Whether the source asks about a value whose truth is known here.
    fn is_decided(&self, ahead: &AheadKind, known: &[(u32, bool)]) -> bool {
        match ahead {
            AheadKind::Test(on, ..) => self.truth(*on, known).is_some(),
            AheadKind::Event(event, _) => negated(event).is_some_and(|on| self.truth(on, known).is_some()),
            _ => false,
        }
    }

    /// Whether the source asks several times in a row about a value whose truth is known. Up to 3.6 the optimiser leaves out any of them,
    /// and which of them the bytecode asks cannot be told.
    fn is_ambiguous(&mut self, pair: &Pair, ahead: &AheadKind) -> bool {
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
    fn decide_both(&mut self, pair: &mut Pair, ahead: &AheadKind, next: &Next) {
        let asked = match next {
            &Next::Test { on, .. } => Some(on),
            Next::Event { event, .. } => negated(event),
            _ => None,
        };
        let truth = asked.and_then(|on| self.truth(on, &pair.known)).unwrap_or_default();
        self.decide(pair, ahead);
        if matches!(next, Next::Test { .. }) {
            pair.found = self.machine.branch(&pair.found, truth);
        } else {
            let opposite = Symbol::Const(self.pool.constants.bool(!truth));
            self.machine.resume(&mut pair.found, &[opposite]);
        }
    }

    /// Goes on behind such a question.
    fn decide(&mut self, pair: &mut Pair, ahead: &AheadKind) -> bool {
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
fn negated(event: &Event) -> Option<Symbol> {
    match (&event.op, &*event.operands) {
        (Op::Unary(Unary::Not), &[on]) => Some(on),
        _ => None,
    }
}

/// Whether both sides ask for the truth of the same value.
fn asks_the_same(expected: &AheadKind, found: &Next) -> bool {
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

fn is_local_store(op: &Op) -> bool {
    matches!(op, Op::Store(Space::Fast, _))
}

/// What an event gives that an optimiser may compute or leave out.
fn computed(op: &Op, operands: &[Symbol], series: (u8, u8), pool: &mut Pool) -> Option<Vec<Symbol>> {
    if *op == Op::Build(Display::String) {
        return concatenated(operands, pool).map(|symbol| vec![symbol]);
    }
    if let (Op::ListExtend | Op::SetUpdate, &[_, Symbol::Const(items)]) = (op, operands)
        && let Constant::Tuple(items) | Constant::FrozenSet(items) = pool.constants.get(items)
        && items.is_empty()
    {
        return Some(Vec::new());
    }
    // Nothing can be bound to None, which in 2.x is a name that only the optimiser makes a constant.
    if let &Op::Load(Space::Name | Space::Global, name) = op
        && series.0 == 2
        && pool.names.get(name) == b"None"
    {
        return Some(vec![Symbol::Const(pool.constants.intern(Constant::None))]);
    }
    let mut constants = Vec::with_capacity(operands.len());
    for operand in operands {
        let Symbol::Const(id) = operand else { return None };
        constants.push(*id);
    }
    let constant = match (op, &*constants) {
        (&Op::Unary(op), &[value]) => fold::unary(pool, op, value, series)?,
        (&Op::Binary(op), &[left, right]) => fold::binary(pool, op, left, right, series)?,
        (Op::Subscript, &[object, key]) => fold::subscript(pool, object, key, series)?,
        (Op::Build(Display::Tuple), items) => pool.constants.tuple(items),
        (Op::Build(Display::Slice), &[start, stop]) => {
            let none = pool.constants.intern(Constant::None);
            pool.constants.intern(Constant::Slice([start, stop, none]))
        }
        (Op::Build(Display::Slice), &[start, stop, stride]) => {
            pool.constants.intern(Constant::Slice([start, stop, stride]))
        }
        (&Op::Unpack(count), &[tuple]) => {
            let Constant::Tuple(items) = pool.constants.get(tuple) else { return None };
            let fits = usize::try_from(count).is_ok_and(|count| count == items.len());
            return fits.then(|| items.iter().copied().map(Symbol::Const).collect());
        }
        _ => return None,
    };
    Some(vec![Symbol::Const(constant)])
}

/// Formatted parts joined: nothing is added by empty ones, which some patch releases of 3.12 leave, and one alone is what it is.
fn concatenated(operands: &[Symbol], pool: &mut Pool) -> Option<Symbol> {
    let empty = Symbol::Const(pool.constants.text(""));
    let mut rest = operands.iter().copied().filter(|&operand| operand != empty);
    match (rest.next(), rest.next()) {
        (None, _) => Some(empty),
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// New numbers for values, in the order in which they are met.
#[derive(Default)]
struct Numbers {
    /// The first of them, which most states have no more of.
    first: Vec<u32>,
    /// The rest.
    rest: HashMap<u32, u32>,
}

impl Numbers {
    fn place(&self, id: u32) -> Option<u32> {
        let place = self.first.iter().position(|&other| other == id);
        place.and_then(|place| u32::try_from(place).ok()).or_else(|| self.rest.get(&id).copied())
    }

    fn number(&mut self, id: u32) -> u32 {
        const FIRST: usize = 16;
        if let Some(place) = self.place(id) {
            return place;
        }
        let next = u32::try_from(self.first.len().saturating_add(self.rest.len())).unwrap_or(u32::MAX);
        if self.first.len() < FIRST {
            self.first.push(id);
        } else {
            self.rest.insert(id, next);
        }
        next
    }
}

/// A pair of states as it is but for the numbers of its values; and what is known of those that are left.
fn canonical(pair: &Pair) -> (Key, Vec<(u32, bool)>) {
    let mut numbers = Numbers::default();
    let mut found = pair.found.clone();
    found.rename(&mut |id| numbers.number(id));
    let on_stack = numbers;
    let truths: HashMap<u32, bool> = pair.known.iter().copied().collect();
    // What was dropped can only be tested again, where that is decided.
    let dropped = |id: u32, is_opposite: bool| {
        truths.get(&id).map_or(Symbol::Undefined, |&truth| Symbol::Known(truth != is_opposite))
    };
    let mut held: HashSet<u32> = HashSet::new();
    let mut registers = Vec::with_capacity(pair.expected.registers.len());
    for &(register, symbol) in &pair.expected.registers {
        let symbol = match symbol {
            Symbol::Id(id) => {
                held.insert(id);
                on_stack.place(id).map_or_else(|| dropped(id, false), Symbol::Id)
            }
            Symbol::Negated(id) => {
                held.insert(id);
                on_stack.place(id).map_or_else(|| dropped(id, true), Symbol::Negated)
            }
            other => other,
        };
        registers.push((register, symbol));
    }
    let is_held = |id: u32| held.contains(&id) || on_stack.place(id).is_some();
    let mut known: Vec<(u32, bool)> = pair.known.iter().copied().filter(|&(id, _)| is_held(id)).collect();
    known.sort_unstable();
    known.dedup();
    let mut renamed: Vec<(u32, bool)> =
        known.iter().filter_map(|&(id, truth)| Some((on_stack.place(id)?, truth))).collect();
    renamed.sort_unstable();
    ((pair.expected.step, registers, found, renamed), known)
}
