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
    registers: u32,
    handlers: Vec<Label>,
}

/// A label that has no place yet.
const NOWHERE: u32 = u32::MAX;

impl Program {
    /// A step; `None` behind the last.
    pub(in crate::verify) fn step(&self, place: u32) -> Option<&Step> {
        self.steps.get(usize::try_from(place).ok()?)
    }

    /// All steps.
    pub(in crate::verify) fn steps(&self) -> &[Step] {
        &self.steps
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

    /// How many registers there are.
    pub(in crate::verify) fn registers(&self) -> usize {
        usize::try_from(self.registers).unwrap_or(usize::MAX)
    }

    /// Where a label is.
    pub(in crate::verify) fn place(&self, label: Label) -> u32 {
        usize::try_from(label.0).ok().and_then(|index| self.labels.get(index)).copied().unwrap_or(NOWHERE)
    }

    /// Where the handlers begin, those included that nothing can reach.
    pub(in crate::verify) fn handlers(&self) -> impl Iterator<Item = u32> {
        self.handlers.iter().map(|&label| self.place(label))
    }

    /// A handler that has no place yet.
    pub(super) fn handler(&mut self) -> Handler {
        let handler = Handler { label: self.label(), exception: self.register() };
        self.handlers.push(handler.label);
        handler
    }

    /// Forgets all but the memory.
    pub(super) fn clear(&mut self) {
        let Self { steps, operands, labels, registers, handlers } = self;
        steps.clear();
        operands.clear();
        labels.clear();
        handlers.clear();
        *registers = 0;
    }

    /// What an event works on.
    pub(super) fn operands(&mut self, operands: &[Operand]) -> Operands {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let start = narrow(self.operands.len());
        self.operands.extend_from_slice(operands);
        Operands { start, count: narrow(operands.len()) }
    }

    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn register(&mut self) -> Register {
        self.registers_of(1)
    }

    /// As many registers in a row.
    pub(super) fn registers_of(&mut self, count: usize) -> Register {
        let first = Register(self.registers);
        self.registers = self.registers.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
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
