//! What is known of a code object from where its instructions lead, whatever the values are.

use std::collections::VecDeque;

use crate::pyc::code::CO_VARARGS;
use crate::pyc::code::CO_VARKEYWORDS;
use crate::pyc::instruction::Instruction;
use crate::pyc::opcodes::Op as Opcode;

use super::Fault;
use super::Machine;

/// Bytes of the sets of variables that one code object may need. The largest honest ones need some hundred kilobytes.
const MOST_MEMORY: usize = 64 << 20;

/// What is known of an instruction to which others lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Join {
    /// Nothing but the instruction before it leads to it.
    No,
    /// No way that leads to it was walked.
    Unreached,
    /// One was.
    Reached,
}

/// For each instruction to which others lead the variables that may be unbound before it.
struct Unbound {
    /// The length of a set.
    words: usize,
    /// The sets, one behind the other, with room for one of each instruction.
    sets: Vec<u64>,
    joins: Vec<Join>,
}

impl Unbound {
    /// The set of an instruction, as a range of all.
    fn range(&self, place: usize) -> std::ops::Range<usize> {
        let start = place.saturating_mul(self.words);
        start..start.saturating_add(self.words)
    }

    fn lead_to(&mut self, place: usize) {
        if let Some(join) = self.joins.get_mut(place) {
            *join = Join::Unreached;
        }
    }

    fn is_join(&self, place: usize) -> bool {
        self.joins.get(place).is_some_and(|&join| join != Join::No)
    }

    /// Adds to what may be unbound before an instruction; whether that is news.
    #[inline]
    fn merge(&mut self, place: usize, set: &[u64]) -> bool {
        let range = self.range(place);
        let (Some(known), Some(join)) = (self.sets.get_mut(range), self.joins.get_mut(place)) else {
            return false;
        };
        let mut grows = std::mem::replace(join, Join::Reached) != Join::Reached;
        for (known, set) in known.iter_mut().zip(set) {
            grows |= *set & !*known != 0;
            *known |= *set;
        }
        grows
    }

    /// The set of an instruction.
    #[inline]
    fn copy(&self, place: usize, set: &mut [u64]) {
        for (word, known) in set.iter_mut().zip(self.sets.get(self.range(place)).unwrap_or_default()) {
            *word = *known;
        }
    }
}

/// Bytes of code and where what is raised there goes on, if anywhere: those around the instruction that was asked for last.
#[derive(Clone, Copy, Debug, Default)]
struct Covered {
    start: u64,
    end: u64,
    target: Option<usize>,
}

impl Machine<'_> {
    /// The places, among the instructions, to which one leads without raising anything.
    fn successors(&self, place: usize, instruction: &Instruction) -> [Option<usize>; 2] {
        let jumps =
            instruction.target.and_then(|target| u32::try_from(target).ok()).and_then(|target| self.index(target));
        let next = place.checked_add(1).filter(|&next| next < self.instructions.len());
        [jumps, next.filter(|_| !ends(instruction))]
    }

    /// The place of the instruction that starts at an offset.
    fn index(&self, offset: u32) -> Option<usize> {
        let index = *self.places.get(usize::try_from(offset).ok()?)?;
        usize::try_from(index).ok().filter(|&index| index < self.instructions.len())
    }

    /// Whether a `JUMP_BACKWARD_NO_INTERRUPT` closes a loop in which no other instruction lets signals and other threads in. From 3.13 on it
    /// is compiled for ways out of handlers as well, which lead back but are no loops of their own.
    pub(super) fn closes_endless_loop(&self, jump: &Instruction) -> bool {
        let Some(place) = self.index(jump.start) else { return true };
        // `while not a < b < c` is compiled to such a loop: what is left of the comparison is popped right before.
        let before = place.checked_sub(1).and_then(|before| self.instructions.get(before));
        if self.series >= (3, 13) && before.is_some_and(|before| before.op() == Some(Opcode::POP_TOP)) {
            return false;
        }
        let endless = self.endless.get_or_init(|| self.endless_loops());
        endless.get(place).copied().unwrap_or(true)
    }

    /// For each instruction whether it is on a way back to itself that passes no instruction at which loops can be interrupted: what is left
    /// when all that is on no such way is taken away, from both ends.
    fn endless_loops(&self) -> Vec<bool> {
        let count = self.instructions.len();
        let mut left = vec![true; count];
        let mut after: Vec<Vec<usize>> = Vec::with_capacity(count);
        for (place, instruction) in self.instructions.iter().enumerate() {
            let interrupts = matches!(
                instruction.op(),
                Some(
                    Opcode::JUMP_BACKWARD
                        | Opcode::POP_JUMP_BACKWARD_IF_TRUE
                        | Opcode::POP_JUMP_BACKWARD_IF_FALSE
                        | Opcode::POP_JUMP_BACKWARD_IF_NONE
                        | Opcode::POP_JUMP_BACKWARD_IF_NOT_NONE
                )
            );
            let resumes = instruction.op() == Some(Opcode::RESUME);
            let [jumps, next] = self.successors(place, instruction);
            after.push(jumps.filter(|_| !interrupts).into_iter().chain(next.filter(|_| !resumes)).collect());
        }
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (place, after) in after.iter().enumerate() {
            for &next in after {
                if let Some(before) = before.get_mut(next) {
                    before.push(place);
                }
            }
        }
        for (ways, back) in [(&after, &before), (&before, &after)] {
            let is_left = |left: &[bool], place: usize| left.get(place).copied().unwrap_or_default();
            let mut degree: Vec<usize> =
                ways.iter().map(|ways| ways.iter().filter(|&&way| is_left(&left, way)).count()).collect();
            let mut gone: VecDeque<usize> =
                (0..count).filter(|&place| is_left(&left, place) && degree.get(place) == Some(&0)).collect();
            while let Some(place) = gone.pop_front() {
                if let Some(left) = left.get_mut(place) {
                    *left = false;
                }
                for &other in back.get(place).into_iter().flatten() {
                    if let Some(degree) = degree.get_mut(other).filter(|degree| **degree > 0) {
                        *degree = degree.saturating_sub(1);
                        if *degree == 0 && is_left(&left, other) {
                            gone.push_back(other);
                        }
                    }
                }
            }
        }
        left
    }

    /// From 3.12 on the compiler has a variable read without looking only where it is bound on every way
    /// (`add_checks_for_loads_of_uninitialized_variables` in Python/flowgraph.c); the interpreter crashes otherwise.
    pub(super) fn check_variables(&self) -> Result<(), Fault> {
        let words = self.locals.len().div_ceil(64);
        if self.series < (3, 12) || words == 0 {
            return Ok(());
        }
        if self.instructions.len().saturating_mul(words).saturating_mul(8) > MOST_MEMORY {
            return Err(Fault::Unbound);
        }
        let start = self.unbound_at_start(words);
        let unbinds = |instruction: &Instruction| {
            matches!(instruction.op(), Some(Opcode::DELETE_FAST | Opcode::LOAD_FAST_AND_CLEAR))
        };
        if start.iter().all(|&word| word == 0) && !self.instructions.iter().any(unbinds) {
            return Ok(());
        }
        let count = self.instructions.len();
        let mut before = Unbound { words, sets: vec![0; count.saturating_mul(words)], joins: vec![Join::No; count] };
        let targets = self.instructions.iter().filter_map(|instruction| instruction.target);
        let targets = targets.map(u64::try_from).filter_map(Result::ok);
        for target in targets.chain(self.handlers.iter().map(|handler| handler.target)) {
            if let Some(target) = u32::try_from(target).ok().and_then(|target| self.index(target)) {
                before.lead_to(target);
            }
        }
        let mut waiting = Vec::new();
        if let Some(entry) = self.index(self.entry) {
            before.merge(entry, &start);
            waiting.push(entry);
        }
        let (mut set, mut covered) = (start, Covered::default());
        while let Some(first) = waiting.pop() {
            before.copy(first, &mut set);
            // On to the next instruction as long as that is news there.
            for (place, instruction) in self.instructions.iter().enumerate().skip(first) {
                if place != first && before.is_join(place) {
                    if !before.merge(place, &set) {
                        break;
                    }
                    before.copy(place, &mut set);
                }
                if can_raise(instruction)
                    && let Some(target) = self.covered(&mut covered, instruction.offset)
                    && before.merge(target, &set)
                {
                    waiting.push(target);
                }
                Self::touch(instruction, &mut set)?;
                if let Some(jump) = instruction.target.and_then(|target| self.index(u32::try_from(target).ok()?))
                    && before.merge(jump, &set)
                {
                    waiting.push(jump);
                }
                if ends(instruction) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Where what is raised at an opcode's offset goes on.
    fn covered(&self, covered: &mut Covered, offset: u32) -> Option<usize> {
        if self.handlers.is_empty() {
            return None;
        }
        let offset = u64::from(offset);
        if offset < covered.start || offset >= covered.end {
            let behind = self.handlers.partition_point(|handler| handler.start <= offset);
            let before = behind.checked_sub(1).and_then(|before| self.handlers.get(before));
            let next = self.handlers.get(behind).map_or(u64::MAX, |next| next.start);
            *covered = match before {
                Some(handler) if offset < handler.end => Covered {
                    start: handler.start,
                    end: handler.end,
                    target: u32::try_from(handler.target).ok().and_then(|target| self.index(target)),
                },
                _ => Covered { start: before.map_or(0, |handler| handler.end), end: next, target: None },
            };
        }
        covered.target
    }

    /// What an instruction does to the variables that may be unbound. One that is in the set is unbound on a way that leads here, whatever
    /// other ways do.
    #[inline]
    fn touch(instruction: &Instruction, set: &mut [u64]) -> Result<(), Fault> {
        let (arg, high, low) = (instruction.arg, instruction.arg >> 4, instruction.arg & 15);
        match instruction.op() {
            Some(Opcode::LOAD_FAST | Opcode::LOAD_FAST_BORROW) => read(set, arg),
            Some(Opcode::LOAD_FAST_LOAD_FAST | Opcode::LOAD_FAST_BORROW_LOAD_FAST_BORROW) => {
                read(set, high)?;
                read(set, low)
            }
            // What was looked for is bound behind it.
            Some(Opcode::STORE_FAST | Opcode::LOAD_FAST_CHECK | Opcode::MAKE_CELL) => {
                change(set, arg, false);
                Ok(())
            }
            Some(Opcode::STORE_FAST_LOAD_FAST) => {
                change(set, high, false);
                read(set, low)
            }
            Some(Opcode::STORE_FAST_STORE_FAST) => {
                change(set, high, false);
                change(set, low, false);
                Ok(())
            }
            Some(Opcode::DELETE_FAST | Opcode::LOAD_FAST_AND_CLEAR) => {
                change(set, arg, true);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// All variables but the arguments, and but cells, which the prologue makes.
    fn unbound_at_start(&self, words: usize) -> Box<[u64]> {
        let code = self.code;
        let flags = code.flags();
        let counts = [code.argcount(), code.kwonlyargcount()];
        let stars = [CO_VARARGS, CO_VARKEYWORDS].into_iter().filter(|flag| flags & flag != 0).count();
        let arguments =
            counts.iter().fold(stars, |sum, &count| sum.saturating_add(usize::try_from(count).unwrap_or_default()));
        let mut set = vec![0; words].into_boxed_slice();
        for (local, slot) in self.locals.iter().zip(0_u32..).skip(arguments) {
            if !local.is_cell {
                change(&mut set, slot, true);
            }
        }
        set
    }
}

/// Whether nothing goes on behind an instruction.
fn ends(instruction: &Instruction) -> bool {
    matches!(
        instruction.op(),
        Some(
            Opcode::RETURN_VALUE
                | Opcode::RETURN_CONST
                | Opcode::RAISE_VARARGS
                | Opcode::RERAISE
                | Opcode::JUMP_FORWARD
                | Opcode::JUMP_ABSOLUTE
                | Opcode::JUMP_BACKWARD
                | Opcode::JUMP_BACKWARD_NO_INTERRUPT
        )
    )
}

/// Whether an instruction can raise anything: those between which an inlined comprehension puts variables aside and back cannot. The
/// compiler takes all for able to, but does not look at reads of cells, which are variables in such a comprehension.
fn can_raise(instruction: &Instruction) -> bool {
    !matches!(
        instruction.op(),
        Some(
            Opcode::LOAD_FAST_AND_CLEAR
                | Opcode::LOAD_FAST
                | Opcode::LOAD_CONST
                | Opcode::STORE_FAST
                | Opcode::STORE_FAST_STORE_FAST
                | Opcode::SWAP
                | Opcode::COPY
                | Opcode::POP_TOP
                | Opcode::NOP
        )
    )
}

/// A variable is read, and the interpreter does not look whether it is bound.
fn read(set: &[u64], slot: u32) -> Result<(), Fault> {
    if holds(set, slot) { Err(Fault::Unbound) } else { Ok(()) }
}

fn change(set: &mut [u64], slot: u32, is_unbound: bool) {
    let place = usize::try_from(slot / 64).unwrap_or(usize::MAX);
    let bit = 1_u64 << (slot % 64);
    if let Some(word) = set.get_mut(place) {
        *word = if is_unbound { *word | bit } else { *word & !bit };
    }
}

fn holds(set: &[u64], slot: u32) -> bool {
    let place = usize::try_from(slot / 64).unwrap_or(usize::MAX);
    set.get(place).is_some_and(|word| word & (1_u64 << (slot % 64)) != 0)
}
