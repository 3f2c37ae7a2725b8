//! What a code object should do, as a small program of events: made from its syntax tree, run by the comparison.

use ruff_text_size::TextRange;

use crate::verify::constant::ConstId;
use crate::verify::event::Op;

/// A place of a value: written by one step or more, read by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::verify) struct Register(pub(in crate::verify) u32);

/// What a step works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::verify) enum Operand {
    /// What a step has put there.
    Register(Register),
    /// A constant.
    Const(ConstId),
}

/// What an event works on: so many operands of the program from one on.
#[derive(Clone, Copy, Debug)]
pub(in crate::verify) struct Operands {
    start: u32,
    count: u32,
}

/// A place in the program; known once it is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::verify) struct Label(u32);

/// What catches an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::verify) struct Handler {
    /// Where it begins.
    pub(in crate::verify) label: Label,
    /// Where it finds the exception.
    pub(in crate::verify) exception: Register,
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub(in crate::verify) enum Action {
    /// Something is done; its results go to as many registers from this one on.
    Event(Op, Operands, Register),
    /// A register gets a value.
    Move(Register, Operand),
    /// A value is tested: where to go on when it is true, and when it is false.
    Test(Operand, Label, Label),
    /// The next item of an iterator goes to the register; or the iterator is exhausted.
    Iterate(Operand, Register, Label),
    /// Goes on elsewhere.
    Jump(Label),
}

/// One step with its circumstances.
#[derive(Clone, Copy, Debug)]
pub(in crate::verify) struct Step {
    /// What is done.
    pub(in crate::verify) action: Action,
    /// What catches what it raises.
    pub(in crate::verify) handler: Option<Handler>,
    /// The syntax that dictates it.
    pub(in crate::verify) range: TextRange,
}

/// The program of one code object.
#[derive(Debug, Default)]
pub(in crate::verify) struct Program {
    steps: Vec<Step>,
    operands: Vec<Operand>,
    labels: Vec<u32>,
    handlers: Vec<Label>,
    /// For each register, the first step that writes it and the last that reads it.
    spans: Vec<(u32, u32)>,
    /// The steps that go on elsewhere, and where.
    jumps: Vec<(u32, Label)>,
    /// See [`Self::is_threaded`].
    threaded: Vec<u32>,
}

/// A label that has no place yet.
const NOWHERE: u32 = u32::MAX;

impl Program {
    /// A step; `None` behind the last.
    pub(in crate::verify) fn step(&self, place: u32) -> Option<&Step> {
        self.steps.get(usize::try_from(place).ok()?)
    }

    /// What an event works on.
    pub(in crate::verify) fn operands_of(&self, operands: Operands) -> &[Operand] {
        let range = |start: u32, count: u32| {
            let start = usize::try_from(start).ok()?;
            self.operands.get(start..start.checked_add(usize::try_from(count).ok()?)?)
        };
        range(operands.start, operands.count).unwrap_or_default()
    }

    /// How many steps there are.
    pub(in crate::verify) fn len(&self) -> usize {
        self.steps.len()
    }

    /// For each register, the first step that writes it and the last that reads it.
    pub(in crate::verify) fn spans(&self) -> &[(u32, u32)] {
        &self.spans
    }

    /// The steps that go on elsewhere, in their order, and where.
    pub(in crate::verify) fn jumps(&self) -> impl Iterator<Item = (u32, u32)> {
        self.jumps.iter().map(|&(from, label)| (from, self.place(label)))
    }

    /// Where a label is.
    pub(in crate::verify) fn place(&self, label: Label) -> u32 {
        usize::try_from(label.0).ok().and_then(|index| self.labels.get(index)).copied().unwrap_or(NOWHERE)
    }

    /// Where the handlers begin, those included that nothing can reach.
    pub(in crate::verify) fn handlers(&self) -> impl Iterator<Item = u32> {
        self.handlers.iter().map(|&label| self.place(label))
    }

    /// Whether a step is a test whose jump the compiler of 3.14 and later makes anew, and forgets what catches what the test raises
    /// (`jump_thread` in Python/flowgraph.c, before `convert_pseudo_conditional_jumps`).
    pub(in crate::verify) fn is_threaded(&self, place: u32) -> bool {
        self.threaded.binary_search(&place).is_ok()
    }

    /// The last step is such a test.
    pub(super) fn thread_last(&mut self) {
        let last = self.steps.len().checked_sub(1).and_then(|last| u32::try_from(last).ok());
        self.threaded.extend(last);
    }

    /// A handler that has no place yet.
    pub(super) fn handler(&mut self) -> Handler {
        let handler = Handler { label: self.label(), exception: self.register() };
        self.handlers.push(handler.label);
        handler
    }

    /// Forgets all but the memory.
    pub(super) fn clear(&mut self) {
        let Self { steps, operands, labels, handlers, spans, jumps, threaded } = self;
        steps.clear();
        operands.clear();
        labels.clear();
        handlers.clear();
        spans.clear();
        jumps.clear();
        threaded.clear();
    }

    /// What an event works on.
    pub(super) fn operands(&mut self, operands: &[Operand]) -> Operands {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let start = narrow(self.operands.len());
        self.operands.extend_from_slice(operands);
        Operands { start, count: narrow(operands.len()) }
    }

    pub(super) fn push(&mut self, step: Step) {
        let here = u32::try_from(self.steps.len()).unwrap_or(NOWHERE);
        match step.action {
            Action::Event(op, operands, register) => {
                let start = usize::try_from(operands.start).unwrap_or(usize::MAX);
                for &operand in self.operands.get(start..).unwrap_or_default() {
                    read(&mut self.spans, operand, here);
                }
                self.written(register, op.results(), here);
            }
            Action::Move(register, operand) => {
                read(&mut self.spans, operand, here);
                self.written(register, 1, here);
            }
            Action::Test(on, if_true, if_false) => {
                read(&mut self.spans, on, here);
                self.jumps.extend([(here, if_true), (here, if_false)]);
            }
            Action::Iterate(iterator, item, done) => {
                read(&mut self.spans, iterator, here);
                self.written(item, 1, here);
                self.jumps.push((here, done));
            }
            Action::Jump(label) => self.jumps.push((here, label)),
        }
        if let Some(handler) = step.handler {
            self.written(handler.exception, 1, here);
        }
        self.steps.push(step);
    }

    /// So many registers from one on are written by the step that comes next.
    fn written(&mut self, register: Register, count: usize, here: u32) {
        let first = usize::try_from(register.0).unwrap_or(usize::MAX);
        let spans = self.spans.get_mut(first..).unwrap_or_default();
        for (first, _) in spans.iter_mut().take(count).filter(|(first, _)| *first == NOWHERE) {
            *first = here;
        }
    }

    pub(super) fn register(&mut self) -> Register {
        let register = Register(u32::try_from(self.spans.len()).unwrap_or(NOWHERE));
        self.spans.push((NOWHERE, 0));
        register
    }

    /// As many registers in a row.
    pub(super) fn registers_of(&mut self, count: usize) -> Register {
        let first = Register(u32::try_from(self.spans.len()).unwrap_or(NOWHERE));
        self.spans.resize(self.spans.len().saturating_add(count), (NOWHERE, 0));
        first
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(NOWHERE);
        Label(u32::try_from(self.labels.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// A label is here.
    pub(super) fn put(&mut self, label: Label) {
        let here = u32::try_from(self.steps.len()).unwrap_or(NOWHERE);
        if let Some(place) = usize::try_from(label.0).ok().and_then(|index| self.labels.get_mut(index)) {
            *place = here;
        }
    }
}

/// An operand is read by a step: no other one that reads it comes behind that yet.
fn read(spans: &mut [(u32, u32)], operand: Operand, here: u32) {
    if let Operand::Register(register) = operand
        && let Some((_, last)) = usize::try_from(register.0).ok().and_then(|place| spans.get_mut(place))
    {
        *last = here;
    }
}
