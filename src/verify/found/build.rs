//! Displays, unpacking and formatted text.

use smallvec::smallvec;

use crate::pyc::instruction::Instruction;
use crate::pyc::opcodes::Op as Opcode;
use crate::verify::constant::Constant;
use crate::verify::event::Display;
use crate::verify::event::Op;
use crate::verify::event::Symbol;

use super::Fault;
use super::Goto;
use super::Put;
use super::stack::Run;
use super::stack::Step;

impl Run<'_, '_> {
    /// `BUILD_TUPLE`: of constants it is one. Two or three items that are unpacked at once are only put in another order: the peephole
    /// optimiser does it so, but leaves functions with long lines alone (`PyCode_Optimize` up to 3.9). What is reached by a jump too is
    /// unpacked from more than one tuple.
    pub(super) fn build_tuple(&mut self) -> Step {
        let items = self.values(self.count())?;
        if self.machine.series < (3, 10)
            && matches!(self.at.arg, 1..=3)
            && let Some(unpack) = self.followed_by(Opcode::UNPACK_SEQUENCE)
            && unpack.arg == self.at.arg
            && !self.machine.is_target(&unpack)
        {
            for item in items.into_iter().rev() {
                self.push(item)?;
            }
            return self.go(unpack.end);
        }
        if let Some(constants) = Self::constants(&items) {
            let tuple = self.pool.constants.intern(Constant::Tuple(constants));
            return self.pushed(Symbol::Const(tuple));
        }
        self.event(Op::Build(Display::Tuple), items)
    }

    /// `BUILD_SLICE`: of constants it is one.
    pub(super) fn build_slice(&mut self) -> Step {
        if !matches!(self.at.arg, 2 | 3) {
            return Err(Fault::Operand);
        }
        let items = self.values(self.count())?;
        if let Some(constants) = Self::constants(&items)
            && let Some((&[start, stop], rest)) = constants.split_first_chunk()
        {
            let step = rest.first().copied().unwrap_or(self.machine.none);
            let slice = self.pool.constants.intern(Constant::Slice([start, stop, step]));
            return self.pushed(Symbol::Const(slice));
        }
        self.event(Op::Build(Display::Slice), items)
    }

    /// Any other display of so many values.
    pub(super) fn build(&mut self, display: Display, count: usize) -> Step {
        let items = self.values(count)?;
        self.event(Op::Build(display), items)
    }

    /// `BUILD_LIST` and `BUILD_SET`; an empty one that is filled from a constant at once is the display of its items.
    pub(super) fn build_list(&mut self, display: Display, fill: Opcode) -> Step {
        if self.at.arg == 0
            && let Some((items, last)) = self.filled(fill)
        {
            let operands = items.iter().map(|&item| Symbol::Const(item)).collect();
            return self.event_to(Op::Build(display), operands, Put::Push, Goto { offset: last.end, part: 0 });
        }
        self.build(display, self.count())
    }

    /// The items of the constant that the next two instructions put into a container, and the last of the two.
    fn filled(&self, fill: Opcode) -> Option<(Box<[crate::verify::constant::ConstId]>, Instruction)> {
        let load = self.followed_by(Opcode::LOAD_CONST)?;
        let last = self.machine.follower(&load).filter(|last| last.op() == Some(fill) && last.arg == 1)?;
        let constant = self.constant(load.arg).ok()?;
        match (self.pool.constants.get(constant), fill) {
            (Constant::Tuple(items), Opcode::LIST_EXTEND) | (Constant::FrozenSet(items), Opcode::SET_UPDATE) => {
                Some((items.clone(), *last))
            }
            _ => None,
        }
    }

    /// `BUILD_MAP`: pairs from 3.5 on, before that how many are to come.
    pub(super) fn build_map(&mut self) -> Step {
        let count =
            if self.machine.series.0 == 2 { 0 } else { self.count().checked_mul(2).ok_or(Fault::StackUnderflow)? };
        self.build(Display::Map, count)
    }

    /// `BUILD_CONST_KEY_MAP`: the keys are a constant tuple on top.
    pub(super) fn build_const_key_map(&mut self) -> Step {
        let Symbol::Const(keys) = self.pop()? else { return Err(Fault::NotAValue) };
        let Constant::Tuple(keys) = self.pool.constants.get(keys).clone() else { return Err(Fault::NotAValue) };
        if keys.len() != self.count() {
            return Err(Fault::Operand);
        }
        let values = self.values(self.count())?;
        let pairs = keys.iter().zip(values).flat_map(|(&key, value)| [Symbol::Const(key), value]).collect();
        self.event(Op::Build(Display::Map), pairs)
    }

    /// Something is added to the container that lies so deep below it.
    pub(super) fn add(&mut self, op: Op) -> Step {
        let item = self.value()?;
        let container = self.peek_value(self.count())?;
        self.event(op, smallvec![container, item])
    }

    /// `MAP_ADD`, and `STORE_MAP` of 2.x.
    pub(super) fn map_add(&mut self, depth: usize) -> Step {
        let (top, second) = (self.value()?, self.value()?);
        let (key, value) = if self.machine.series >= (3, 8) { (second, top) } else { (top, second) };
        let map = self.peek_value(depth)?;
        self.event(Op::MapAdd, smallvec![map, key, value])
    }

    /// `UNPACK_SEQUENCE` and `UNPACK_EX`.
    pub(super) fn unpack(&mut self, op: Op) -> Step {
        let sequence = self.value()?;
        self.event_put(op, smallvec![sequence], Put::Reversed)
    }

    /// `FORMAT_VALUE` (3.6 to 3.12): a conversion and then the format.
    pub(super) fn format_value(&mut self) -> Step {
        let (conversion, has_specification) = (self.at.arg & 3, self.at.arg & 4 != 0);
        if self.part == 0 && conversion != 0 {
            let specification = if has_specification { Some(self.pop()?) } else { None };
            let value = self.value()?;
            if let Some(specification) = specification {
                self.push(specification)?;
            }
            let letter = match conversion {
                1 => 's',
                2 => 'r',
                _ => 'a',
            };
            return self.event_part(Op::Convert(letter), smallvec![value], Put::Push);
        }
        let mut operands = self.values(if has_specification { 2 } else { 1 })?;
        if self.part > 0 {
            // The specification was pushed below what the conversion gave.
            operands.reverse();
        }
        self.event(Op::Format, operands)
    }

    /// `CONVERT_VALUE`.
    pub(super) fn convert_value(&mut self) -> Step {
        let letter = match self.at.arg {
            1 => 's',
            2 => 'r',
            3 => 'a',
            _ => return Err(Fault::Operand),
        };
        let value = self.value()?;
        self.event(Op::Convert(letter), smallvec![value])
    }

    /// `BUILD_INTERPOLATION`.
    pub(super) fn build_interpolation(&mut self) -> Step {
        let arg = self.at.arg;
        let operands = self.values(if arg & 1 != 0 { 3 } else { 2 })?;
        self.event(Op::Interpolation(arg >> 2), operands)
    }
}
