//! Instructions: what the bytes of a code object say, one after the other.
//!
//! Nothing here stops at what is wrong: an undefined opcode, a cut instruction or an index out of range is a value with its
//! place. What an interpreter makes of odd code is followed where the formats leave a choice, not what `dis` shows.

use super::code::Code;
use super::layout::Object;
use super::objects::Text;
use super::objects::Value;
use super::opcodes::Argument;
use super::opcodes::Format;
use super::opcodes::Op;
use super::opcodes::Opcodes;
use super::opcodes::Row;

/// One instruction with its EXTENDED_ARG prefixes and its caches. Offsets are bytes of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Where its first prefix begins, or the instruction itself: where a jump to it has to go.
    pub start: u32,
    /// Where its opcode is.
    pub offset: u32,
    /// Where its caches begin, or would.
    pub caches_start: u32,
    /// Where the next instruction begins.
    pub end: u32,
    /// How many prefixes it has.
    pub prefixes: u32,
    /// The opcode.
    pub opcode: u8,
    /// What the opcode stands for; `None` when the version has no such instruction.
    pub row: Option<Row>,
    /// The argument as it is stored behind the opcode, without the prefixes; 0 where nothing is stored.
    pub operand: u16,
    /// The argument with the prefixes, 32 bits of it.
    pub arg: u32,
    /// Whether the code ends inside it.
    pub cut: Cut,
    /// Where it jumps to; `None` when it is no jump.
    pub target: Option<i64>,
}

/// Whether the code ends inside an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// It does not.
    No,
    /// In the instruction, or behind a prefix.
    Instruction,
    /// In its caches.
    Cache,
}

impl Instruction {
    /// The instruction, when the version has one of this number.
    pub fn op(&self) -> Option<Op> {
        self.row.map(|row| row.op)
    }

    /// What `dis` calls it: `<200>` for a number without an instruction.
    pub fn name(&self) -> String {
        self.op().map_or_else(|| format!("<{}>", self.opcode), |op| op.name().to_owned())
    }

    /// What its argument means.
    pub fn argument(&self) -> Argument {
        self.row.map_or(Argument::None, |row| row.argument)
    }

    /// The index that its argument holds, and of what; `None` when it is no index.
    pub fn index(&self) -> Option<(Table, u32)> {
        let arg = self.arg;
        Some(match self.argument() {
            Argument::Const => (Table::Consts, arg),
            Argument::Name => (Table::Names, arg),
            Argument::NameShift1 => (Table::Names, arg >> 1),
            Argument::NameShift2 => (Table::Names, arg >> 2),
            Argument::Local | Argument::LocalsPlus => (Table::Locals, arg),
            Argument::Free => (Table::Cells, arg),
            Argument::Compare => (Table::Compare, arg),
            Argument::CompareShift4 => (Table::Compare, arg >> 4),
            Argument::CompareShift5 => (Table::Compare, arg >> 5),
            Argument::BinaryOp => (Table::Binary, arg),
            Argument::Intrinsic1 => (Table::Intrinsics1, arg),
            Argument::Intrinsic2 => (Table::Intrinsics2, arg),
            Argument::CommonConstant => (Table::CommonConstants, arg),
            Argument::SpecialMethod => (Table::SpecialMethods, arg),
            Argument::None
            | Argument::Number
            | Argument::Prefix
            | Argument::Line
            | Argument::LocalsPlusPair
            | Argument::JumpForward
            | Argument::JumpBackward
            | Argument::JumpAbsolute => return None,
        })
    }

    /// What its argument stands for in its code object.
    pub fn operand<'a>(&self, code: Code<'a>, opcodes: &Opcodes) -> Operand<'a> {
        if let Some(target) = self.target {
            return Operand::Target(target);
        }
        if self.argument() == Argument::LocalsPlusPair {
            // Each of the two fits four bits; what is above belongs to the first one.
            let names = (local(code, self.arg >> 4), local(code, self.arg & 15));
            return match names {
                (Some(first), Some(second)) => Operand::Pair(first, second),
                _ => Operand::OutOfRange,
            };
        }
        let Some((table, index)) = self.index() else {
            return if self.argument() == Argument::None { Operand::None } else { Operand::Number(self.arg) };
        };
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let found = match table {
            Table::Consts => code.consts().get(place).map(Operand::Const),
            Table::Names => code.names().get(place).and_then(Value::as_name).map(Operand::Name),
            // Up to 1.2 the names are in a dict that an instruction refers to, not in the code object.
            Table::Locals if !has_locals(code) => Some(Operand::Number(index)),
            Table::Locals => local(code, index).map(Operand::Local),
            Table::Cells => {
                let cells = code.cellvars();
                let cell = cells.get(place).or_else(|| code.freevars().get(place.checked_sub(cells.len())?));
                cell.and_then(Value::as_name).map(Operand::Cell)
            }
            Table::Compare => opcodes.compare.get(place).copied().map(Operand::Word),
            Table::Binary => opcodes.binary.get(place).copied().map(Operand::Word),
            Table::Intrinsics1 => opcodes.intrinsics_1.get(place).copied().map(Operand::Word),
            Table::Intrinsics2 => opcodes.intrinsics_2.get(place).copied().map(Operand::Word),
            Table::CommonConstants => opcodes.common_constants.get(place).copied().map(Operand::Word),
            Table::SpecialMethods => opcodes.special_methods.get(place).copied().map(Operand::Word),
        };
        found.unwrap_or(Operand::OutOfRange)
    }

    /// Whether no execution goes on behind it; END_FINALLY, which can, counts as one behind which it does not.
    pub fn is_end(&self) -> bool {
        self.op().is_some_and(is_end)
    }
}

/// What an argument is an index of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// `co_consts`.
    Consts,
    /// `co_names`.
    Names,
    /// `co_varnames`; in 3.11 and later locals, cells and free variables in one row.
    Locals,
    /// `co_cellvars` and `co_freevars` in one row.
    Cells,
    /// The comparisons.
    Compare,
    /// The binary operators.
    Binary,
    /// The functions of CALL_INTRINSIC_1.
    Intrinsics1,
    /// The functions of CALL_INTRINSIC_2.
    Intrinsics2,
    /// The common constants.
    CommonConstants,
    /// The special methods.
    SpecialMethods,
}

/// What an argument stands for.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// There is no argument.
    None,
    /// The argument itself.
    Number(u32),
    /// A constant.
    Const(Value<'a>),
    /// A global or attribute.
    Name(Text<'a>),
    /// A local variable; in 3.11 and later a cell or free variable too.
    Local(Text<'a>),
    /// Two of them.
    Pair(Text<'a>, Text<'a>),
    /// A cell or free variable.
    Cell(Text<'a>),
    /// Where a jump goes.
    Target(i64),
    /// An operator, function, constant or method that the version has a list of.
    Word(&'static str),
    /// An index for which there is nothing.
    OutOfRange,
}

/// Whether a code object has the names of its locals.
pub(super) fn has_locals(code: Code<'_>) -> bool {
    code.object(Object::VarNames).is_some() || code.object(Object::LocalsPlusNames).is_some()
}

fn local(code: Code<'_>, index: u32) -> Option<Text<'_>> {
    let place = usize::try_from(index).ok()?;
    code.localsplusnames().get(place).or_else(|| code.varnames().get(place))?.as_name()
}

/// Whether no execution goes on behind an instruction.
pub(super) fn is_end(op: Op) -> bool {
    matches!(
        op,
        Op::RETURN_VALUE
            | Op::RETURN_CONST
            | Op::RAISE_VARARGS
            | Op::RAISE_EXCEPTION
            | Op::RERAISE
            | Op::JUMP_FORWARD
            | Op::JUMP_ABSOLUTE
            | Op::JUMP_BACKWARD
            | Op::JUMP_BACKWARD_NO_INTERRUPT
            | Op::CONTINUE_LOOP
            | Op::BREAK_LOOP
            | Op::INTERPRETER_EXIT
            | Op::END_FINALLY
    )
}

/// The instructions of some code, each prefix and cache with the instruction that it belongs to.
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    code: &'a [u8],
    at: usize,
    opcodes: &'static Opcodes,
}

impl<'a> Instructions<'a> {
    /// The instructions in some bytes.
    pub fn new(code: &'a [u8], opcodes: &'static Opcodes) -> Self {
        Self { code, at: 0, opcodes }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.code.get(at).copied()
    }

    /// One instruction of two bytes, its prefixes and caches.
    #[inline]
    fn unit(&self, start: usize) -> Option<Instruction> {
        let (mut at, mut prefixes, mut arg) = (start, 0_u32, 0_u32);
        loop {
            let opcode = self.byte(at)?;
            let row = self.opcodes.row(opcode);
            let operand = self.byte(at.wrapping_add(1));
            let next = at.wrapping_add(2);
            arg |= u32::from(operand.unwrap_or_default());
            let is_prefix = row.is_some_and(|row| row.argument == Argument::Prefix);
            if is_prefix && next < self.code.len() {
                arg = arg.wrapping_shl(8);
                prefixes = prefixes.wrapping_add(1);
                at = next;
                continue;
            }
            let caches = row.map_or(0, |row| usize::from(row.caches).wrapping_mul(2));
            let end = next.wrapping_add(caches);
            let cut = if operand.is_none() || is_prefix {
                Cut::Instruction
            } else if end > self.code.len() {
                Cut::Cache
            } else {
                Cut::No
            };
            return Some(Instruction {
                start: narrow(start),
                offset: narrow(at),
                caches_start: narrow(next),
                end: narrow(end),
                prefixes,
                opcode,
                row,
                operand: operand.map_or(0, u16::from),
                arg,
                cut,
                target: self.target(row, arg, end),
            });
        }
    }

    /// One instruction of one or three bytes and its prefixes.
    #[inline]
    fn bytes(&self, start: usize) -> Option<Instruction> {
        let (mut at, mut prefixes, mut arg) = (start, 0_u32, 0_u32);
        loop {
            let opcode = self.byte(at)?;
            let row = self.opcodes.row(opcode);
            // Behind a prefix the interpreter reads two bytes whatever the instruction is (EXTENDED_ARG in Python/ceval.c).
            let has_operand =
                prefixes > 0 || row.map_or(opcode >= self.opcodes.have_argument, |row| row.argument != Argument::None);
            let next = at.wrapping_add(if has_operand { 3 } else { 1 });
            let operand = self.byte(at.wrapping_add(1)).zip(self.byte(at.wrapping_add(2)));
            let operand = operand.filter(|_| has_operand).map(|(low, high)| u16::from_le_bytes([low, high]));
            arg |= u32::from(operand.unwrap_or_default());
            let is_prefix = row.is_some_and(|row| row.argument == Argument::Prefix);
            if is_prefix && next < self.code.len() {
                arg = arg.wrapping_shl(16);
                prefixes = prefixes.wrapping_add(1);
                at = next;
                continue;
            }
            let is_cut = is_prefix || has_operand && operand.is_none();
            return Some(Instruction {
                start: narrow(start),
                offset: narrow(at),
                caches_start: narrow(next),
                end: narrow(next),
                prefixes,
                opcode,
                row,
                operand: operand.unwrap_or_default(),
                arg,
                cut: if is_cut { Cut::Instruction } else { Cut::No },
                target: self.target(row, arg, next),
            });
        }
    }

    #[inline]
    fn target(&self, row: Option<Row>, arg: u32, end: usize) -> Option<i64> {
        let distance = i64::from(arg).wrapping_mul(i64::from(self.opcodes.jump_unit));
        let end = i64::from(narrow(end));
        match row?.argument {
            Argument::JumpForward => Some(end.wrapping_add(distance)),
            Argument::JumpBackward => Some(end.wrapping_sub(distance)),
            Argument::JumpAbsolute => Some(distance),
            _ => None,
        }
    }
}

impl Iterator for Instructions<'_> {
    type Item = Instruction;

    #[inline]
    fn next(&mut self) -> Option<Instruction> {
        let instruction = match self.opcodes.format {
            Format::WordCode => self.unit(self.at),
            Format::ByteCode => self.bytes(self.at),
        }?;
        self.at = usize::try_from(instruction.end).unwrap_or(usize::MAX);
        Some(instruction)
    }
}

/// An offset; files are smaller than 4 GiB.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyc::Magic;
    use crate::pyc::lookup;

    fn opcodes(number: u16) -> &'static Opcodes {
        Opcodes::of(&lookup(Magic::with_number(number))[0]).unwrap()
    }

    fn read(number: u16, code: &[u8]) -> Vec<Instruction> {
        Instructions::new(code, opcodes(number)).collect()
    }

    #[test]
    fn arguments_of_python_2_have_two_bytes_and_a_prefix_two_more() {
        let found = read(62211, &[1, 100, 3, 2, 145, 1, 0, 100, 5, 0, 83]);
        let seen: Vec<_> = found.iter().map(|found| (found.start, found.offset, found.name(), found.arg)).collect();
        let of = |start, offset, name: &str, arg| (start, offset, name.to_owned(), arg);
        let wanted = [
            of(0, 0, "POP_TOP", 0),
            of(1, 1, "LOAD_CONST", 0x203),
            of(4, 7, "LOAD_CONST", 0x10005),
            of(10, 10, "RETURN_VALUE", 0),
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn jumps_count_bytes_up_to_3_9_and_units_behind_the_caches_later() {
        // JUMP_FORWARD 4 and JUMP_ABSOLUTE 4
        let target = |number, code: &[u8]| read(number, code)[0].target;
        assert_eq!(target(62211, &[110, 4, 0]), Some(7));
        assert_eq!(target(3425, &[110, 4]), Some(6));
        assert_eq!(target(3425, &[113, 4]), Some(4));
        assert_eq!(target(3439, &[113, 4]), Some(8));
        // FOR_ITER of 3.12 has one cache; JUMP_BACKWARD of 3.13 one as well.
        assert_eq!(target(3531, &[93, 4, 0, 0]), Some(12));
        assert_eq!(target(3571, &[77, 4, 0, 0]), Some(-4));
    }

    #[test]
    fn caches_belong_to_their_instruction() {
        // LOAD_ATTR of 3.12, nine caches, RETURN_VALUE
        let mut code = vec![106, 1];
        code.extend([0; 18]);
        code.extend([83, 0]);
        let found = read(3531, &code);
        assert_eq!((found.len(), found[0].end, found[1].start), (2, 20, 20));
        assert_eq!(found[0].index(), Some((Table::Names, 0)));
        assert_eq!(read(3531, &code[..12])[0].cut, Cut::Cache);
        assert_eq!(read(3531, &code[..1])[0].cut, Cut::Instruction);
    }

    #[test]
    fn a_prefix_at_the_end_is_an_instruction_of_its_own() {
        let found = read(3413, &[9, 0, 144, 1, 144, 2]);
        assert_eq!((found[1].start, found[1].offset, found[1].prefixes), (2, 4, 1));
        assert_eq!((found[1].cut, found[1].op()), (Cut::Instruction, Some(Op::EXTENDED_ARG)));
    }

    #[test]
    fn a_number_without_an_instruction_is_shown_as_its_number() {
        let found = read(3413, &[255, 7, 83, 0]);
        assert_eq!((found[0].row, found[0].name(), found[0].end), (None, "<255>".to_owned(), 2));
        // Numbers from 90 on have an argument even so.
        assert_eq!(read(62211, &[255, 7, 8, 83])[0].end, 3);
        assert_eq!(read(62211, &[0, 83])[0].end, 1);
    }
}
