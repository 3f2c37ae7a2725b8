//! Where the registers of a program are still needed, and where ways through it come together.

use super::expected::Action;
use super::expected::Program;
use super::expected::Register;
use super::expected::Step;

/// What is known of a program before it is run.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    /// For each register, the first step that writes it and the last at which it may still be read.
    spans: Vec<(u32, u32)>,
    /// For each step how many jumps lead to it, or more than two.
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
        spans.extend_from_slice(program.spans());
        ways.clear();
        ways.resize(program.len().saturating_add(1), 0);
        back.clear();
        for handler in program.handlers() {
            lead(&mut ways, handler, SEVERAL);
        }
        for (from, to) in program.jumps() {
            if to <= from {
                back.push((to, from));
                // A loop, however it is come to.
                lead(&mut ways, to, SEVERAL);
            } else {
                lead(&mut ways, to, 1);
            }
        }
        // A register that is written before a loop and read in it is needed until the loop's end. Inner loops end first.
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
    pub(super) fn is_join(&self, program: &Program, step: u32) -> bool {
        match usize::try_from(step).ok().and_then(|step| self.ways.get(step)) {
            None | Some(0) => false,
            Some(1) => step.checked_sub(1).and_then(|before| program.step(before)).is_some_and(goes_on),
            Some(_) => true,
        }
    }

    /// Whether a register was written before a step and may be read at it or after it. What a turn of a loop wrote is not read in the next.
    pub(super) fn is_live(&self, register: Register, step: u32) -> bool {
        let span = usize::try_from(register.0).ok().and_then(|index| self.spans.get(index));
        span.is_some_and(|&(first, last)| first < step && step <= last)
    }
}

/// So many more jumps lead to a step.
fn lead(ways: &mut [u8], step: u32, more: u8) {
    if let Some(ways) = usize::try_from(step).ok().and_then(|step| ways.get_mut(step)) {
        *ways = ways.saturating_add(more);
    }
}

/// Whether the step behind one is a way on.
fn goes_on(step: &Step) -> bool {
    match step.action {
        Action::Event(op, ..) => !op.is_end(),
        Action::Move(..) | Action::Iterate(..) => true,
        Action::Test(..) | Action::Jump(_) => false,
    }
}
