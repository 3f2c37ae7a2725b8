//! A quick look at instructions and position tables: whether they are as compilers write them.
//!
//! It says yes only where [`walk`](super::walk) finds nothing, and does not say what is wrong: what it turns down is walked
//! instruction by instruction. Nearly all code of a scan is settled here, at a fraction of the time.

use super::instruction::Table;
use super::instruction::is_end;
use super::objects::index_of;
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
    /// Code units of cache behind it; of instructions of one or three bytes, bytes of argument.
    behind: u8,
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
/// The limit of locals, among those of indexes.
const LOCALS: u8 = 5;
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
        let mut tests = [Test { limit: NEVER, shift: 0, behind: 0, more: More::No }; 256];
        for (test, row) in tests.iter_mut().zip(opcodes.rows) {
            if let Some(row) = row.filter(|row| row.used == Use::Compiled) {
                *test = Test::of(row, opcodes.format);
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
        let mut limits = Limits([0; LIMITS]);
        let sizes = TABLES.map(|table| u64::try_from(size_of(table)).unwrap_or(u64::MAX));
        for (limit, size) in limits.0.iter_mut().zip([0, 1, 1 << 32].into_iter().chain(sizes)) {
            *limit = size;
        }
        match self.opcodes.format {
            Format::WordCode => self.words_pass(code, &limits, marks),
            Format::ByteCode => self.bytes_pass(code, &limits, marks),
        }
    }

    /// Instructions of two bytes. A unit of zeros is a cache and no instruction, so where instructions begin is known before they
    /// are looked at, and none has to wait for the one before it: it only has to begin where that one ends.
    fn words_pass(&self, code: &[u8], limits: &Limits, marks: &mut Marks) -> bool {
        let mut state = State { resumed: !self.has_resume, ..State::default() };
        let mut is_odd = code.len() & 1 == 1;
        let (mut block, mut wanted, mut last) = (0_usize, 0_usize, 0_u8);
        for (bytes, word) in code.chunks(BLOCK).zip(&mut marks.starts) {
            let (units, _) = bytes.as_chunks::<2>();
            let mut left = filled_units(bytes);
            let mut starts = 0_u64;
            while left != 0 {
                let place = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                let Some(&[opcode, low]) = units.get(index_of(place)) else { return false };
                let Some(test) = self.tests.get(usize::from(opcode)) else { return false };
                let arg = state.high | u32::from(low);
                let at = block.wrapping_add(index_of(place));
                is_odd |= at != wanted;
                is_odd |= u64::from(arg >> (test.shift & 7)) >= limits.get(test.limit);
                wanted = at.wrapping_add(1).wrapping_add(usize::from(test.behind));
                starts |= u64::from(state.prefixes == 0).wrapping_shl(place.wrapping_mul(2));
                last = opcode;
                if test.more == More::No {
                    (state.prefixes, state.high) = (0, 0);
                } else {
                    let ends = (at.wrapping_mul(2), wanted.wrapping_mul(2));
                    is_odd |= !self.follow(test.more, arg, ends, &mut state, limits, &mut marks.jumps);
                }
            }
            *word = starts;
            block = block.wrapping_add(BLOCK / 2);
        }
        !is_odd && wanted.wrapping_mul(2) == code.len() && self.is_ended(&state, last)
    }

    /// Instructions of one or three bytes.
    fn bytes_pass(&self, code: &[u8], limits: &Limits, marks: &mut Marks) -> bool {
        let mut state = State { resumed: !self.has_resume, ..State::default() };
        let (mut at, mut last) = (0_usize, 0_u8);
        while let Some(&opcode) = code.get(at) {
            let Some(test) = self.tests.get(usize::from(opcode)) else { return false };
            let next = at.wrapping_add(1);
            let end = next.wrapping_add(usize::from(test.behind));
            let operand = match code.get(next..end) {
                Some(&[low, high]) => u16::from_le_bytes([low, high]),
                // Behind a prefix two bytes are read whatever the instruction is.
                Some(&[]) if state.prefixes == 0 => 0,
                _ => return false,
            };
            let arg = state.high | u32::from(operand);
            if u64::from(arg >> (test.shift & 7)) >= limits.get(test.limit) {
                return false;
            }
            if state.prefixes == 0 {
                marks.start(u32::try_from(at).unwrap_or(u32::MAX));
            }
            if test.more == More::No {
                (state.prefixes, state.high) = (0, 0);
            } else if !self.follow(test.more, arg, (at, end), &mut state, limits, &mut marks.jumps) {
                return false;
            }
            (at, last) = (end, opcode);
        }
        self.is_ended(&state, last)
    }

    /// Does what else there is to do for an instruction that begins and ends at these offsets; false when it is not as compilers
    /// write it.
    #[inline]
    fn follow(
        &self,
        more: More,
        arg: u32,
        (at, end): (usize, usize),
        state: &mut State,
        limits: &Limits,
        jumps: &mut Vec<(u32, i64)>,
    ) -> bool {
        if more == More::Prefix {
            let (most, bits) = if self.opcodes.format == Format::WordCode { (3, 8) } else { (1, 16) };
            state.prefixes = state.prefixes.wrapping_add(1);
            state.high = arg.wrapping_shl(bits);
            return state.prefixes <= most;
        }
        (state.prefixes, state.high) = (0, 0);
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let end = i64::try_from(end).unwrap_or(i64::MAX);
        let distance = i64::from(arg).wrapping_mul(i64::from(self.opcodes.jump_unit));
        match more {
            More::No | More::Prefix => {}
            More::Resume => state.resumed = true,
            More::Forward => jumps.push((at, end.wrapping_add(distance))),
            More::Backward => jumps.push((at, end.wrapping_sub(distance))),
            More::Absolute => jumps.push((at, distance)),
            More::Pair => return u64::from((arg >> 4).max(arg & 15)) < limits.get(LOCALS),
        }
        true
    }

    /// Whether code may end as it did, behind its last instruction.
    fn is_ended(&self, state: &State, last: u8) -> bool {
        state.resumed && state.prefixes == 0 && self.opcodes.row(last).is_some_and(|row| is_end(row.op))
    }
}

/// What arguments have to be below.
struct Limits([u64; LIMITS]);

impl Limits {
    #[inline]
    fn get(&self, limit: u8) -> u64 {
        self.0.get(usize::from(limit) & (LIMITS - 1)).copied().unwrap_or_default()
    }
}

/// What is known behind an instruction.
#[derive(Default)]
struct State {
    /// The prefixes that were read for the next instruction.
    prefixes: u32,
    /// What they are in its argument.
    high: u32,
    resumed: bool,
}

/// Bytes that are looked at together: as many as a word of marks has bits.
const BLOCK: usize = 64;

/// One bit for each code unit of a block that is not zero.
#[inline]
fn filled_units(bytes: &[u8]) -> u64 {
    const LOW: u64 = 0x7fff_7fff_7fff_7fff;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut filled = 0_u64;
    let mut shift = 0_u32;
    for &word in words {
        let word = u64::from_le_bytes(word);
        // The high bit of each unit that is not zero; then the four next to each other.
        let high = ((word & LOW).wrapping_add(LOW) | word) >> 15 & 0x0001_0001_0001_0001;
        filled |= (high.wrapping_mul(0x0001_0002_0004_0008) >> 48 & 15).wrapping_shl(shift);
        shift = shift.wrapping_add(4);
    }
    for unit in rest.as_chunks::<2>().0 {
        filled |= u64::from(*unit != [0, 0]).wrapping_shl(shift);
        shift = shift.wrapping_add(1);
    }
    filled
}

impl Test {
    fn of(row: Row, format: Format) -> Self {
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
        let behind = match format {
            Format::WordCode => row.caches,
            Format::ByteCode if row.argument == Argument::None => 0,
            Format::ByteCode => 2,
        };
        Self { limit, shift, behind, more }
    }
}

/// Whether a position table (3.11 and later) follows its format and ends where the code does.
pub(super) fn positions_fit(table: &[u8], code: &[u8]) -> bool {
    if table.first().is_some_and(|first| first & START == 0) {
        return false;
    }
    // Only the first byte of an entry has its high bit set, so all entries are found before they are looked at.
    let (mut units, mut open, mut block) = (0_usize, 0_usize, 0_usize);
    let mut fits = true;
    for bytes in table.chunks(BLOCK) {
        let mut left = high_bits(bytes);
        while left != 0 {
            let start = block.wrapping_add(index_of(left.trailing_zeros()));
            left &= left.wrapping_sub(1);
            // The first entry has none before it.
            if start > 0 {
                fits &= entry_fits(table.get(open..start).unwrap_or_default(), &mut units);
            }
            open = start;
        }
        block = block.wrapping_add(BLOCK);
    }
    if !table.is_empty() {
        fits &= entry_fits(table.get(open..).unwrap_or_default(), &mut units);
    }
    fits && units.wrapping_mul(2) == code.len()
}

/// One bit for each byte of a block whose high bit is set.
#[inline]
fn high_bits(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut bits = 0_u64;
    let mut shift = 0_u32;
    for &word in words {
        let high = u64::from_le_bytes(word) >> 7 & 0x0101_0101_0101_0101;
        bits |= (high.wrapping_mul(0x0102_0408_1020_4080) >> 56).wrapping_shl(shift);
        shift = shift.wrapping_add(8);
    }
    for &byte in rest {
        bits |= u64::from(byte >> 7).wrapping_shl(shift);
        shift = shift.wrapping_add(1);
    }
    bits
}

/// Bytes behind the first of an entry, by its code; those of the others vary.
const BEHIND: [usize; 16] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, usize::MAX, usize::MAX, 0];

/// Whether an entry is as long as its code says; adds the code units that it is for. No byte but its first has its high bit set.
#[inline]
fn entry_fits(entry: &[u8], units: &mut usize) -> bool {
    let Some((&first, rest)) = entry.split_first() else { return false };
    *units = units.wrapping_add(usize::from(first & 7)).wrapping_add(1);
    let code = first >> 3 & 15;
    BEHIND.get(usize::from(code)) == Some(&rest.len()) || numbers_fit(code, rest)
}

/// Whether bytes are as many numbers as a code has that vary in length.
fn numbers_fit(code: u8, bytes: &[u8]) -> bool {
    let mut wanted = match code {
        13 => 1_usize,
        14 => 4,
        _ => return false,
    };
    let mut length = 0_usize;
    for byte in bytes {
        length = length.wrapping_add(1);
        // Five bytes are 30 bits: what is longer may be too large.
        if length > 5 || wanted == 0 {
            return false;
        }
        if byte & 0x40 == 0 {
            (wanted, length) = (wanted.wrapping_sub(1), 0);
        }
    }
    wanted == 0 && length == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_bytes_are_found_wherever_they_are() {
        for length in 0..=64 {
            for place in 0..length {
                for value in [1, 0x7f, 0x80, 0xff] {
                    let mut bytes = vec![0; length];
                    bytes[place] = value;
                    let unit = if place | 1 < length { 1 << (place / 2) } else { 0 };
                    assert_eq!(filled_units(&bytes), unit, "{length} {place}");
                    assert_eq!(high_bits(&bytes), u64::from(value >> 7) << place, "{length} {place}");
                }
            }
            assert_eq!(filled_units(&vec![0xff; length]).count_ones() as usize, length / 2);
            assert_eq!(high_bits(&vec![0xff; length]).count_ones() as usize, length);
        }
    }

    #[test]
    fn an_entry_is_as_long_as_its_code_says() {
        let fits = |entry: &[u8]| {
            let mut units = 0;
            entry_fits(entry, &mut units).then_some(units)
        };
        assert_eq!(fits(&[0x80, 0]), Some(1));
        assert_eq!(fits(&[0x87 | 10 << 3, 0, 0]), Some(8));
        assert_eq!(fits(&[0x80 | 15 << 3]), Some(1));
        assert_eq!(fits(&[0x80 | 13 << 3, 0x41, 0x01]), Some(1));
        assert_eq!(fits(&[0x80 | 14 << 3, 1, 0x41, 0x01, 2, 3]), Some(1));
        for wrong in [
            &[0x80][..],
            &[0x80, 0, 0],
            &[0x80 | 15 << 3, 0],
            &[0x80 | 13 << 3, 0x41],
            &[0x80 | 13 << 3, 1, 1],
            &[0x80 | 14 << 3, 1, 2, 3],
            &[0x80 | 13 << 3, 0x41, 0x41, 0x41, 0x41, 0x41, 1],
            &[],
        ] {
            assert_eq!(fits(wrong), None, "{wrong:?}");
        }
    }
}
