//! Where the registers of a program are still needed, and where ways through it come together.

use super::expected::Action;
use super::expected::Operand;
use super::expected::Program;
use super::expected::Register;

/// What is known of a program before it is run.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    /// For each register, the first step that writes it and the last at which it may still be read.
    spans: Vec<(u32, u32)>,
    /// For each step how many ways lead to it, or more than two.
    ways: Vec<u8>,
    /// Jumps that lead back: where to and where from.
    back: Vec<(u32, u32)>,
}

/// As many ways as several.
const SEVERAL: u8 = 2;

impl Liveness {
    /// Of a program, in the memory of another.
    pub(super) fn of(self, program: &Program) -> Self {
        let Self { mut spans, mut ways, mut back } = self;
        spans.clear();
        spans.resize(program.registers(), (u32::MAX, 0_u32));
        ways.clear();
        ways.resize(program.len().saturating_add(1), 0);
        back.clear();
        for handler in program.handlers() {
            lead(&mut ways, handler, SEVERAL);
        }
        for (step, place) in program.steps().iter().zip(0_u32..) {
            let mut goes = |to: u32| {
                if to <= place {
                    back.push((to, place));
                    // A loop, however it is come to.
                    lead(&mut ways, to, SEVERAL);
                } else {
                    lead(&mut ways, to, 1);
                }
            };
            let mut goes_on = false;
            match &step.action {
                Action::Event(op, operands, register) => {
                    goes_on = !op.is_end();
                    for &operand in program.operands_of(*operands) {
                        read(&mut spans, operand, place);
                    }
                    write(&mut spans, *register, op.results(), place);
                }
                Action::Move(register, operand) => {
                    goes_on = true;
                    read(&mut spans, *operand, place);
                    write(&mut spans, *register, 1, place);
                }
                Action::Test(on, if_true, if_false) => {
                    read(&mut spans, *on, place);
                    goes(program.place(*if_true));
                    goes(program.place(*if_false));
                }
                Action::Iterate(iterator, item, done) => {
                    read(&mut spans, *iterator, place);
                    write(&mut spans, *item, 1, place);
                    goes_on = true;
                    goes(program.place(*done));
                }
                Action::Jump(label) => goes(program.place(*label)),
            }
            if let Some(handler) = step.handler {
                write(&mut spans, handler.exception, 1, place);
            }
            if goes_on {
                lead(&mut ways, place.saturating_add(1), 1);
            }
        }
        // A register that is written before a loop and read in it is needed until the loop's end. Inner loops end first.
        back.sort_unstable_by_key(|&(_, from)| from);
        for (first, last) in spans.iter_mut().filter(|_| !back.is_empty()) {
            for &(head, from) in &back {
                if *first < head && *last >= head && *last < from {
                    *last = from;
                }
            }
        }
        Self { spans, ways, back }
    }

    /// Whether several ways lead to a step.
    pub(super) fn is_join(&self, step: u32) -> bool {
        usize::try_from(step).ok().and_then(|step| self.ways.get(step)).is_some_and(|&ways| ways >= SEVERAL)
    }

    /// Whether a register was written before a step and may be read at it or after it. What a turn of a loop wrote is not read in the next.
    pub(super) fn is_live(&self, register: Register, step: u32) -> bool {
        let span = usize::try_from(register.0).ok().and_then(|index| self.spans.get(index));
        span.is_some_and(|&(first, last)| first < step && step <= last)
    }
}

/// So many more ways lead to a step.
fn lead(ways: &mut [u8], step: u32, more: u8) {
    if let Some(ways) = usize::try_from(step).ok().and_then(|step| ways.get_mut(step)) {
        *ways = ways.saturating_add(more);
    }
}

/// So many registers from one on are written at a step.
fn write(spans: &mut [(u32, u32)], register: Register, count: usize, place: u32) {
    // Steps are looked at in their order.
    for number in register.0..register.0.saturating_add(u32::try_from(count).unwrap_or(u32::MAX)) {
        if let Some((first, _)) = slot(spans, number).filter(|(first, _)| *first == u32::MAX) {
            *first = place;
        }
    }
}

/// An operand is read at a step.
fn read(spans: &mut [(u32, u32)], operand: Operand, place: u32) {
    if let Operand::Register(register) = operand
        && let Some((_, last)) = slot(spans, register.0)
    {
        *last = place;
    }
}

fn slot(slots: &mut [(u32, u32)], number: u32) -> Option<&mut (u32, u32)> {
    slots.get_mut(usize::try_from(number).ok()?)
}
