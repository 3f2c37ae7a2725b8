//! Both sides of a run at one moment, and when two such moments are the same.

use std::collections::HashMap;

use crate::verify::event::Operands;
use crate::verify::event::Symbol;
use crate::verify::expected::Operand;
use crate::verify::expected::Register;
use crate::verify::found::State;

/// Registers among which one is looked for from the last one on.
const SOON: usize = 6;

/// The expected side's state.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The step that is done next.
    pub(super) step: u32,
    /// What registers hold, in their order.
    registers: Vec<(Register, Symbol)>,
}

impl Place {
    /// Gives a register a value.
    pub(super) fn set(&mut self, register: Register, symbol: Symbol) {
        // Most are written in their order.
        let behind = match self.registers.last() {
            Some((last, _)) if last.0 >= register.0 => {
                self.registers.partition_point(|(other, _)| other.0 < register.0)
            }
            _ => self.registers.len(),
        };
        match self.registers.get_mut(behind).filter(|(other, _)| *other == register) {
            Some((_, value)) => *value = symbol,
            None => self.registers.insert(behind, (register, symbol)),
        }
    }

    /// The value of an operand.
    pub(super) fn get(&self, operand: Operand) -> Symbol {
        let register = match operand {
            Operand::Const(id) => return Symbol::Const(id),
            Operand::Register(register) => register,
        };
        // Most are read soon after they were written.
        for &(other, symbol) in self.registers.iter().rev().take(SOON) {
            if other.0 <= register.0 {
                return if other == register { symbol } else { Symbol::Undefined };
            }
        }
        let place = self.registers.binary_search_by_key(&register.0, |(other, _)| other.0);
        place.ok().and_then(|place| self.registers.get(place)).map_or(Symbol::Undefined, |&(_, symbol)| symbol)
    }

    /// The values of some operands.
    pub(super) fn values(&self, operands: &[Operand]) -> Operands {
        let mut values = [Symbol::Undefined; 4];
        if operands.len() > values.len() {
            return operands.iter().map(|&operand| self.get(operand)).collect();
        }
        for (value, &operand) in values.iter_mut().zip(operands) {
            *value = self.get(operand);
        }
        Operands::from_buf_and_len(values, operands.len())
    }

    /// How many registers hold something.
    pub(super) fn held(&self) -> usize {
        self.registers.len()
    }

    /// The registers that are meant and hold something, with that.
    pub(super) fn held_by(&self, is_meant: impl Fn(Register) -> bool) -> impl Iterator<Item = &(Register, Symbol)> {
        self.registers.iter().filter(move |(register, _)| is_meant(*register))
    }

    /// Forgets the registers that are not wanted.
    pub(super) fn retain(&mut self, mut is_wanted: impl FnMut(Register) -> bool) {
        self.registers.retain(|&(register, _)| is_wanted(register));
    }

    /// What registers hold.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Symbol> {
        self.registers.iter_mut().map(|(_, symbol)| symbol)
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        Self { step: self.step, registers: self.registers.clone() }
    }

    /// Into the memory of another.
    fn clone_from(&mut self, source: &Self) {
        let Self { step, registers } = source;
        self.step = *step;
        self.registers.clone_from(registers);
    }
}

/// Both sides, and what is known of values.
#[derive(Debug)]
pub(super) struct Pair {
    /// The source's.
    pub(super) expected: Place,
    /// The bytecode's.
    pub(super) found: State,
    /// Results whose truth was asked for, with the answer.
    pub(super) known: Vec<(u32, bool)>,
}

impl Clone for Pair {
    fn clone(&self) -> Self {
        Self { expected: self.expected.clone(), found: self.found.clone(), known: self.known.clone() }
    }

    /// Into the memory of another.
    fn clone_from(&mut self, source: &Self) {
        let Self { expected, found, known } = source;
        self.expected.clone_from(expected);
        self.found.clone_from(found);
        self.known.clone_from(known);
    }
}

impl Pair {
    /// The truth of a value, as it was answered last.
    pub(super) fn learn(&mut self, on: Symbol, truth: bool) {
        if let Symbol::Id(id) = on {
            self.known.retain(|&(other, _)| other != id);
            self.known.push((id, truth));
        }
    }
}

/// New numbers for values, in the order in which they are met.
#[derive(Debug, Default)]
struct Numbers {
    /// The first of them, which most states have no more of.
    first: Vec<u32>,
    /// The rest.
    rest: HashMap<u32, u32, foldhash::fast::RandomState>,
}

impl Numbers {
    fn clear(&mut self) {
        self.first.clear();
        if !self.rest.is_empty() {
            self.rest = HashMap::default();
        }
    }

    fn place(&self, id: u32) -> Option<u32> {
        let place = self.first.iter().position(|&other| other == id);
        let place = place.and_then(|place| u32::try_from(place).ok());
        if place.is_some() || self.rest.is_empty() { place } else { self.rest.get(&id).copied() }
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

/// Room to write a pair of states down in.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The words.
    all: Vec<u32>,
    /// The numbers of the values.
    numbers: Numbers,
    /// The values that registers hold.
    held: Vec<u32>,
}

impl Words {
    /// A pair of states as it is but for the numbers of its values: equal pairs give equal words, different ones different. What is known of
    /// values that are gone is forgotten. `None` for a pair in the middle of something.
    pub(super) fn of(&mut self, pair: &mut Pair) -> Option<&[u32]> {
        let Self { all: words, numbers, held } = self;
        words.clear();
        numbers.clear();
        held.clear();
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        words.push(pair.expected.step);
        if !pair.found.words(words, &mut |id| numbers.number(id)) {
            return None;
        }
        // The last answer is at the end of those to one value, and there is one.
        pair.known.sort_unstable();
        pair.known.dedup();
        let known = |id: u32| {
            let place = pair.known.binary_search_by_key(&id, |&(other, _)| other);
            place.ok().and_then(|place| pair.known.get(place)).map(|&(_, truth)| truth)
        };
        // What was dropped can only be tested again, where that is decided.
        let dropped = |id: u32, is_opposite: bool| {
            known(id).map_or(Symbol::Undefined, |truth| Symbol::Known(truth != is_opposite))
        };
        words.push(length(pair.expected.registers.len()));
        for &(register, symbol) in &pair.expected.registers {
            let symbol = match symbol {
                Symbol::Id(id) => {
                    held.push(id);
                    numbers.place(id).map_or_else(|| dropped(id, false), Symbol::Id)
                }
                Symbol::Negated(id) => {
                    held.push(id);
                    numbers.place(id).map_or_else(|| dropped(id, true), Symbol::Negated)
                }
                other => other,
            };
            words.push(register.0);
            words.extend(symbol.words(&mut |id| id));
        }
        held.sort_unstable();
        pair.known.retain(|&(id, _)| held.binary_search(&id).is_ok() || numbers.place(id).is_some());
        let start = words.len();
        for &(id, truth) in &pair.known {
            if let Some(place) = numbers.place(id) {
                // Numbers are far below 2^31: each is a value that was made in a step.
                words.push(place.saturating_mul(2) | u32::from(truth));
            }
        }
        if let Some(known) = words.get_mut(start..) {
            known.sort_unstable();
        }
        Some(words)
    }
}
