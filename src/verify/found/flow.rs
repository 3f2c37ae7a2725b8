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

/// What an instruction does to the slot of a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Touch {
    /// It is read, and the interpreter does not look whether it is bound.
    Read(u32),
    /// It is bound.
    Bind(u32),
    /// It is unbound.
    Unbind(u32),
}

/// For each instruction the variables that may be unbound before it.
struct Unbound {
    /// The length of a set.
    words: usize,
    /// The sets, one behind the other.
    sets: Vec<u64>,
    /// Whether a way leads to an instruction.
    is_reached: Vec<bool>,
}

impl Unbound {
    /// The set of an instruction, as a range of all.
    fn range(&self, place: usize) -> std::ops::Range<usize> {
        let start = place.saturating_mul(self.words);
        start..start.saturating_add(self.words)
    }

    /// Adds to what may be unbound before an instruction; whether that is news.
    #[inline]
    fn merge(&mut self, place: usize, set: &[u64]) -> bool {
        // Most code has few variables.
        if let (1, [set]) = (self.words, set) {
            let (Some(known), Some(is_reached)) = (self.sets.get_mut(place), self.is_reached.get_mut(place)) else {
                return false;
            };
            let grows = *set & !*known != 0 || !*is_reached;
            *known |= *set;
            *is_reached = true;
            return grows;
        }
        let range = self.range(place);
        let (Some(known), Some(is_reached)) = (self.sets.get_mut(range), self.is_reached.get_mut(place)) else {
            return false;
        };
        let mut grows = !std::mem::replace(is_reached, true);
        for (known, set) in known.iter_mut().zip(set) {
            grows |= *set & !*known != 0;
            *known |= *set;
        }
        grows
    }

    /// The set of an instruction.
    #[inline]
    fn copy(&self, place: usize, set: &mut [u64]) {
        if let (1, [set]) = (self.words, &mut *set) {
            *set = self.sets.get(place).copied().unwrap_or(*set);
            return;
        }
        if let Some(known) = self.sets.get(self.range(place)).filter(|known| known.len() == set.len()) {
            set.copy_from_slice(known);
        }
    }
}

impl Machine<'_> {
    /// The places, among the instructions, to which one leads without raising anything.
    fn successors(&self, place: usize, instruction: &Instruction) -> [Option<usize>; 2] {
        use Opcode as O;
        let jumps =
            instruction.target.and_then(|target| u32::try_from(target).ok()).and_then(|target| self.index(target));
        let next = place.checked_add(1).filter(|&next| next < self.instructions.len());
        let ends = matches!(
            instruction.op(),
            Some(
                O::RETURN_VALUE
                    | O::RETURN_CONST
                    | O::RAISE_VARARGS
                    | O::RERAISE
                    | O::JUMP_FORWARD
                    | O::JUMP_ABSOLUTE
                    | O::JUMP_BACKWARD
                    | O::JUMP_BACKWARD_NO_INTERRUPT
            )
        );
        [jumps, next.filter(|_| !ends)]
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
        let mut before = Unbound { words, sets: vec![0; count.saturating_mul(words)], is_reached: vec![false; count] };
        let mut waiting = VecDeque::new();
        if let Some(entry) = self.index(self.entry)
            && before.merge(entry, &start)
        {
            waiting.push_back(entry);
        }
        let mut set = start;
        while let Some(first) = waiting.pop_front() {
            let mut way = Some(first);
            // On to the next instruction as long as that is news there.
            while let Some(place) = way.take()
                && let Some(instruction) = self.instructions.get(place)
            {
                before.copy(place, &mut set);
                if let Some(handler) = self.handler(instruction.offset)
                    && let Some(target) = u32::try_from(handler.target).ok().and_then(|target| self.index(target))
                    && before.merge(target, &set)
                {
                    waiting.push_back(target);
                }
                for touch in touches(instruction).into_iter().flatten() {
                    match touch {
                        Touch::Read(_) => {}
                        Touch::Bind(slot) => change(&mut set, slot, false),
                        Touch::Unbind(slot) => change(&mut set, slot, true),
                    }
                }
                let [jump, next] = self.successors(place, instruction);
                if let Some(jump) = jump
                    && before.merge(jump, &set)
                {
                    waiting.push_back(jump);
                }
                way = next.filter(|&next| before.merge(next, &set));
            }
        }
        for (place, instruction) in self.instructions.iter().enumerate() {
            let touches = touches(instruction);
            let reads = touches.iter().any(|touch| matches!(touch, Some(Touch::Read(_))));
            if !reads || !before.is_reached.get(place).copied().unwrap_or_default() {
                continue;
            }
            before.copy(place, &mut set);
            for touch in touches.into_iter().flatten() {
                match touch {
                    Touch::Read(slot) if holds(&set, slot) => return Err(Fault::Unbound),
                    Touch::Read(_) => {}
                    Touch::Bind(slot) => change(&mut set, slot, false),
                    Touch::Unbind(slot) => change(&mut set, slot, true),
                }
            }
        }
        Ok(())
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

/// What an instruction does to slots, in order.
fn touches(instruction: &Instruction) -> [Option<Touch>; 2] {
    let (arg, high, low) = (instruction.arg, instruction.arg >> 4, instruction.arg & 15);
    match instruction.op() {
        Some(Opcode::LOAD_FAST | Opcode::LOAD_FAST_BORROW) => [Some(Touch::Read(arg)), None],
        Some(Opcode::LOAD_FAST_LOAD_FAST | Opcode::LOAD_FAST_BORROW_LOAD_FAST_BORROW) => {
            [Some(Touch::Read(high)), Some(Touch::Read(low))]
        }
        // What was looked for is bound behind it.
        Some(Opcode::STORE_FAST | Opcode::LOAD_FAST_CHECK | Opcode::MAKE_CELL) => [Some(Touch::Bind(arg)), None],
        Some(Opcode::STORE_FAST_LOAD_FAST) => [Some(Touch::Bind(high)), Some(Touch::Read(low))],
        Some(Opcode::STORE_FAST_STORE_FAST) => [Some(Touch::Bind(high)), Some(Touch::Bind(low))],
        Some(Opcode::DELETE_FAST | Opcode::LOAD_FAST_AND_CLEAR) => [Some(Touch::Unbind(arg)), None],
        _ => [None, None],
    }
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
