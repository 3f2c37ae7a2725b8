//! A quick look at instructions and position tables: whether they are as compilers write them.
//!
//! It says yes only where [`walk`](super::walk) finds nothing, and does not say what is wrong: what it turns down is walked
//! instruction by instruction. Nearly all code of a scan is settled here, at a fraction of the time.

use super::instruction::Table;
use super::instruction::is_end;
use super::opcodes::Argument;
use super::opcodes::Format;
use super::opcodes::Op;
use super::opcodes::Opcodes;
use super::opcodes::Row;
use super::opcodes::Use;
use super::table::START;
use super::walk::Marks;

/// What is asked of one opcode.
#[derive(Clone, Copy, Debug)]
struct Test {
    /// Which limit the argument has to be below.
    limit: u8,
    /// By how many bits the argument is moved before.
    shift: u8,
    /// Code units of cache behind it.
    caches: u8,
    /// What else there is to do.
    more: More,
}

/// What else there is to do for an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum More {
    /// Nothing.
    No,
    /// It is a prefix.
    Prefix,
    /// It has two indexes.
    Pair,
    /// It jumps forward.
    Forward,
    /// It jumps backward.
    Backward,
    /// It jumps to an offset.
    Absolute,
    /// It is a RESUME.
    Resume,
}

/// The limit of what no compiler writes: nothing is below it.
const NEVER: u8 = 0;
/// The limit of an argument that has to be zero.
const ZERO: u8 = 1;
/// The limit of an argument that can be anything.
const ANY: u8 = 2;
/// The limits of indexes, from here on in the order of [`TABLES`].
const INDEXES: u8 = 3;

/// The tables that arguments are indexes of.
const TABLES: [Table; 10] = [
    Table::Consts,
    Table::Names,
    Table::Locals,
    Table::Cells,
    Table::Compare,
    Table::Binary,
    Table::Intrinsics1,
    Table::Intrinsics2,
    Table::CommonConstants,
    Table::SpecialMethods,
];

/// How many limits there are; a power of two.
const LIMITS: usize = 16;

/// The tests of all opcodes of one version.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    opcodes: &'static Opcodes,
    tests: [Test; 256],
    has_resume: bool,
}

impl Screen {
    pub(super) fn new(opcodes: &'static Opcodes) -> Self {
        let mut tests = [Test { limit: NEVER, shift: 0, caches: 0, more: More::No }; 256];
        for (test, row) in tests.iter_mut().zip(opcodes.rows) {
            if let Some(row) = row.filter(|row| row.used == Use::Compiled) {
                *test = Test::of(row);
            }
        }
        let has_resume = opcodes.rows.iter().flatten().any(|row| row.op == Op::RESUME);
        Self { opcodes, tests, has_resume }
    }

    /// Whether it is of these opcodes.
    pub(super) fn is_of(&self, opcodes: &'static Opcodes) -> bool {
        std::ptr::eq(self.opcodes, opcodes)
    }

    /// Whether instructions are as compilers write them, jumps not looked at. `size_of` says how many there are of what
    /// arguments are indexes of.
    pub(super) fn passes(&self, code: &[u8], size_of: impl Fn(Table) -> usize, marks: &mut Marks) -> bool {
        let (units, rest) = code.as_chunks::<2>();
        if self.opcodes.format != Format::WordCode || !rest.is_empty() {
            return false;
        }
        let mut limits = [0_u64; LIMITS];
        let sizes = TABLES.map(|table| u64::try_from(size_of(table)).unwrap_or(u64::MAX));
        for (limit, size) in limits.iter_mut().zip([0, 1, 1 << 32].into_iter().chain(sizes)) {
            *limit = size;
        }
        let limit = |index: u8| limits.get(usize::from(index) & (LIMITS - 1)).copied().unwrap_or_default();
        let locals = sizes.get(2).copied().unwrap_or_default();
        let (mut at, mut prefixes, mut high) = (0_usize, 0_u32, 0_u32);
        let (mut resumed, mut last) = (!self.has_resume, None);
        while let Some(&[opcode, low]) = units.get(at) {
            let Some(test) = self.tests.get(usize::from(opcode)) else { return false };
            let arg = high | u32::from(low);
            if u64::from(arg >> (test.shift & 7)) >= limit(test.limit) {
                return false;
            }
            let offset = u32::try_from(at.wrapping_mul(2)).unwrap_or(u32::MAX);
            if prefixes == 0 {
                marks.start(offset);
            }
            at = at.wrapping_add(1);
            last = Some(opcode);
            if test.more == More::Prefix {
                prefixes = prefixes.wrapping_add(1);
                if prefixes > 3 {
                    return false;
                }
                high = arg.wrapping_shl(8);
                continue;
            }
            if test.caches > 0 {
                let end = at.wrapping_add(usize::from(test.caches));
                match units.get(at..end) {
                    Some(caches) if caches.iter().all(|&cache| cache == [0, 0]) => at = end,
                    _ => return false,
                }
            }
            (prefixes, high) = (0, 0);
            let end = i64::try_from(at.wrapping_mul(2)).unwrap_or(i64::MAX);
            let distance = i64::from(arg).wrapping_mul(i64::from(self.opcodes.jump_unit));
            match test.more {
                More::No | More::Prefix => {}
                More::Resume => resumed = true,
                More::Forward => marks.jump(offset, end.wrapping_add(distance)),
                More::Backward => marks.jump(offset, end.wrapping_sub(distance)),
                More::Absolute => marks.jump(offset, distance),
                More::Pair => {
                    if u64::from((arg >> 4).max(arg & 15)) >= locals {
                        return false;
                    }
                }
            }
        }
        let last = last.and_then(|opcode| self.opcodes.row(opcode));
        resumed && prefixes == 0 && last.is_some_and(|row| is_end(row.op))
    }
}

impl Test {
    fn of(row: Row) -> Self {
        let index = |table: Table| {
            let place = TABLES.iter().position(|&found| found == table).unwrap_or_default();
            INDEXES.wrapping_add(u8::try_from(place).unwrap_or_default())
        };
        let (limit, shift) = match row.argument {
            Argument::None => (ZERO, 0),
            Argument::Const => (index(Table::Consts), 0),
            Argument::Name => (index(Table::Names), 0),
            Argument::NameShift1 => (index(Table::Names), 1),
            Argument::NameShift2 => (index(Table::Names), 2),
            Argument::Local | Argument::LocalsPlus => (index(Table::Locals), 0),
            Argument::Free => (index(Table::Cells), 0),
            Argument::Compare => (index(Table::Compare), 0),
            Argument::CompareShift4 => (index(Table::Compare), 4),
            Argument::CompareShift5 => (index(Table::Compare), 5),
            Argument::BinaryOp => (index(Table::Binary), 0),
            Argument::Intrinsic1 => (index(Table::Intrinsics1), 0),
            Argument::Intrinsic2 => (index(Table::Intrinsics2), 0),
            Argument::CommonConstant => (index(Table::CommonConstants), 0),
            Argument::SpecialMethod => (index(Table::SpecialMethods), 0),
            Argument::Number
            | Argument::Prefix
            | Argument::Line
            | Argument::LocalsPlusPair
            | Argument::JumpForward
            | Argument::JumpBackward
            | Argument::JumpAbsolute => (ANY, 0),
        };
        let more = match row.argument {
            Argument::Prefix => More::Prefix,
            Argument::LocalsPlusPair => More::Pair,
            Argument::JumpForward => More::Forward,
            Argument::JumpBackward => More::Backward,
            Argument::JumpAbsolute => More::Absolute,
            _ if row.op == Op::RESUME => More::Resume,
            _ => More::No,
        };
        Self { limit, shift, caches: row.caches, more }
    }
}

/// Whether a position table (3.11 and later) follows its format and ends where the code does.
pub(super) fn positions_fit(table: &[u8], code: &[u8]) -> bool {
    let (mut at, mut units) = (0_usize, 0_usize);
    while let Some(&first) = table.get(at) {
        if first & START == 0 {
            return false;
        }
        units = units.wrapping_add(usize::from(first & 7)).wrapping_add(1);
        at = at.wrapping_add(1);
        let (bytes, numbers) = match first >> 3 & 15 {
            0..=9 => (1_usize, 0),
            10..=12 => (2, 0),
            13 => (0, 1),
            14 => (0, 4),
            _ => (0, 0),
        };
        let end = at.wrapping_add(bytes);
        if table.get(at..end).is_none_or(|bytes| bytes.iter().any(|byte| byte & START != 0)) {
            return false;
        }
        at = end;
        for _ in 0..numbers {
            // Five bytes are 30 bits: what is longer may be too large.
            let Some(length) = table.get(at..).and_then(|rest| rest.iter().take(5).position(|byte| byte & 0x40 == 0))
            else {
                return false;
            };
            let end = at.wrapping_add(length).wrapping_add(1);
            if table.get(at..end).is_none_or(|bytes| bytes.iter().any(|byte| byte & START != 0)) {
                return false;
            }
            at = end;
        }
    }
    units.wrapping_mul(2) == code.len()
}
