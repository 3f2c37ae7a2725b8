//! Lines and positions: the four ways in which code says from where in the source it comes.
//!
//! Up to 1.4 instructions say it themselves (SET_LINENO), up to 3.9 `co_lnotab`, in 3.10 the table of PEP 626, from 3.11 on that
//! of PEP 657. The tables of PyPy 3.10 and later and of the alphas of 3.10 and 3.11 are not read.

use super::code::Code;
use super::instruction::Instructions;
use super::opcodes::Op;
use super::opcodes::Opcodes;
use super::table::Cursor;
use super::table::START;
use super::table::TableFault;
use super::table::TableFaultKind;
use super::versions::CodeLayout;
use super::versions::Implementation;
use super::versions::Version;

/// How code says which line it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineFormat {
    /// By SET_LINENO alone.
    Instructions,
    /// `co_lnotab` whose line steps are not negative; up to 3.5.
    Unsigned,
    /// `co_lnotab` with signed line steps; 3.6 to 3.9.
    Signed,
    /// Ranges with signed line steps (PEP 626); 3.10.
    Ranges,
    /// Positions (PEP 657); 3.11 and later.
    Positions,
    /// A table that is not read.
    Unread,
}

impl LineFormat {
    /// The format of the files of a magic number.
    pub fn of(version: &Version) -> Self {
        match (version.layout, version.implementation) {
            (CodeLayout::L10 | CodeLayout::L13, _) => Self::Instructions,
            (CodeLayout::L15 | CodeLayout::L21 | CodeLayout::L23, _) => Self::Unsigned,
            (CodeLayout::L30 | CodeLayout::L38, Implementation::PyPy) => {
                // PyPy 3.6 takes CPython's compiler of 3.6 over with v7.2, magic 192.
                if version.series < (3, 6) || version.series == (3, 6) && version.magic.number() < 192 {
                    Self::Unsigned
                } else {
                    Self::Signed
                }
            }
            // The numbers are those of the comments in Lib/importlib/_bootstrap_external.py.
            (CodeLayout::L30 | CodeLayout::L38, _) if version.series < (3, 6) => Self::Unsigned,
            (CodeLayout::L30 | CodeLayout::L38, _) => match version.magic.number() {
                ..3361 => Self::Unsigned,
                3361..=3430 => Self::Signed,
                3438..=3439 => Self::Ranges,
                _ => Self::Unread,
            },
            (CodeLayout::L311, _) => Self::Positions,
            _ => Self::Unread,
        }
    }
}

/// Instructions of one line. Offsets are bytes of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRange {
    /// Where they begin.
    pub start: u64,
    /// Where they end.
    pub end: u64,
    /// Their line; `None` where they have none.
    pub line: Option<i32>,
}

/// Where an instruction comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The line of its start.
    pub line: Option<i32>,
    /// The line of its end.
    pub end_line: Option<i32>,
    /// The column of its start, in bytes of UTF-8.
    pub column: Option<u32>,
    /// The column of its end.
    pub end_column: Option<u32>,
}

/// Instructions of one entry of the position table. Offsets are bytes of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionRange {
    /// Where they begin.
    pub start: u64,
    /// Where they end.
    pub end: u64,
    /// Where they come from.
    pub position: Position,
    /// Where the entry is in the table.
    pub offset: usize,
}

/// The entries of a position table (3.11 and later) in their order.
#[derive(Clone, Debug)]
pub struct Positions<'a> {
    cursor: Cursor<'a>,
    at: u64,
    line: i32,
}

impl<'a> Positions<'a> {
    /// The entries of a table, for code that begins at a line.
    pub fn new(table: &'a [u8], first_line: i32) -> Self {
        Self { cursor: Cursor::new(table), at: 0, line: first_line }
    }

    /// The entries of a code object's table.
    pub fn of(code: Code<'a>) -> Self {
        Self::new(code.linetable(), code.firstlineno().unwrap_or_default())
    }

    fn entry(&mut self, first: u8) -> Result<Position, TableFaultKind> {
        let cursor = &mut self.cursor;
        match first >> 3 & 15 {
            short @ 0..=9 => {
                let byte = cursor.byte()?;
                let column = u32::from(short).wrapping_mul(8).wrapping_add(u32::from(byte >> 4));
                let end_column = column.wrapping_add(u32::from(byte & 15));
                Ok(self.on_one_line(Some(column), Some(end_column)))
            }
            one_line @ 10..=12 => {
                let (column, end_column) = (u32::from(cursor.byte()?), u32::from(cursor.byte()?));
                self.line = self.line.wrapping_add(i32::from(one_line).wrapping_sub(10));
                Ok(self.on_one_line(Some(column), Some(end_column)))
            }
            13 => {
                self.line = self.line.wrapping_add(cursor.low_first_signed()?);
                Ok(self.on_one_line(None, None))
            }
            14 => {
                let step = cursor.low_first_signed()?;
                let (lines, column, end_column) = (cursor.low_first()?, cursor.low_first()?, cursor.low_first()?);
                self.line = self.line.wrapping_add(step);
                Ok(Position {
                    line: Some(self.line),
                    end_line: Some(self.line.wrapping_add_unsigned(lines)),
                    column: column.checked_sub(1),
                    end_column: end_column.checked_sub(1),
                })
            }
            _ => Ok(Position::default()),
        }
    }

    fn on_one_line(&self, column: Option<u32>, end_column: Option<u32>) -> Position {
        Position { line: Some(self.line), end_line: Some(self.line), column, end_column }
    }
}

impl Iterator for Positions<'_> {
    type Item = Result<PositionRange, TableFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.cursor.offset();
        let first = self.cursor.first()?;
        let (position, units) = if first & START == 0 {
            (Err(TableFaultKind::NoStart), 0)
        } else {
            (self.entry(first), u64::from(first & 7).wrapping_add(1))
        };
        let start = self.at;
        self.at = start.saturating_add(units.wrapping_mul(2));
        // What is left of the entry, if anything, is no part of it.
        if position.is_err() || self.cursor.byte().is_ok() {
            self.cursor.skip_entry();
            let kind = position.err().unwrap_or(TableFaultKind::NoStart);
            return Some(Err(TableFault { kind, offset }));
        }
        let range = |position| PositionRange { start, end: self.at, position, offset };
        Some(position.map(range).map_err(|kind| TableFault { kind, offset }))
    }
}

/// The pairs of a table of pairs: a step of addresses and one of lines, and where they are.
fn pairs(table: &[u8]) -> (impl Iterator<Item = (u8, u8)>, Option<TableFault>) {
    let (pairs, rest) = table.as_chunks::<2>();
    let offset = table.len().saturating_sub(rest.len());
    let fault = (!rest.is_empty()).then_some(TableFault { kind: TableFaultKind::HalfPair, offset });
    (pairs.iter().map(|&[address, line]| (address, line)), fault)
}

/// The lines of a code object: runs of instructions, in the order of the code, and what is wrong with the table.
pub fn line_ranges(code: Code<'_>, version: &Version) -> (Vec<LineRange>, Vec<TableFault>) {
    let length = u64::try_from(code.code().len()).unwrap_or(u64::MAX);
    let first_line = code.firstlineno().unwrap_or_default();
    let mut runs = Runs { ranges: Vec::new(), length };
    let mut faults = Vec::new();
    match LineFormat::of(version) {
        LineFormat::Instructions => {
            if let Some(opcodes) = Opcodes::near(version) {
                runs.read_instructions(code.code(), opcodes);
            }
        }
        LineFormat::Unsigned => faults.extend(runs.read_lnotab(code.linetable(), first_line, i32::from)),
        LineFormat::Signed => {
            faults.extend(runs.read_lnotab(code.linetable(), first_line, |step| i32::from(step.cast_signed())));
        }
        LineFormat::Ranges => faults.extend(runs.read_ranges(code.linetable(), first_line)),
        LineFormat::Positions => {
            for entry in Positions::of(code) {
                match entry {
                    Ok(entry) => runs.add(entry.start, entry.end, entry.position.line),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        LineFormat::Unread => {}
    }
    (runs.ranges, faults)
}

/// Line ranges while they are collected; neighbours of the same line are one.
struct Runs {
    ranges: Vec<LineRange>,
    length: u64,
}

impl Runs {
    fn add(&mut self, start: u64, end: u64, line: Option<i32>) {
        let end = end.min(self.length);
        if start >= end {
            return;
        }
        match self.ranges.last_mut() {
            Some(last) if last.line == line && last.end == start => last.end = end,
            _ => self.ranges.push(LineRange { start, end, line }),
        }
    }

    fn read_instructions(&mut self, code: &[u8], opcodes: &'static Opcodes) {
        let mut open: Option<(u64, i32)> = None;
        for instruction in Instructions::new(code, opcodes) {
            if instruction.op() == Some(Op::SET_LINENO) {
                let start = u64::from(instruction.start);
                if let Some((begin, line)) = open {
                    self.add(begin, start, Some(line));
                }
                open = Some((start, i32::try_from(instruction.arg).unwrap_or(i32::MAX)));
            }
        }
        if let Some((begin, line)) = open {
            self.add(begin, self.length, Some(line));
        }
    }

    /// `co_lnotab` (Objects/lnotab_notes.txt of CPython up to 3.9).
    fn read_lnotab(&mut self, table: &[u8], first_line: i32, step: impl Fn(u8) -> i32) -> Option<TableFault> {
        let (pairs, fault) = pairs(table);
        let (mut start, mut address, mut line) = (0_u64, 0_u64, first_line);
        let mut last = None;
        for (address_step, line_step) in pairs {
            if address_step != 0 {
                if last != Some(line) {
                    self.end_run(start, address, last);
                    (start, last) = (address, Some(line));
                }
                address = address.saturating_add(u64::from(address_step));
            }
            line = line.wrapping_add(step(line_step));
        }
        if last != Some(line) {
            self.end_run(start, address, last);
            (start, last) = (address, Some(line));
        }
        self.end_run(start, self.length, last);
        fault
    }

    fn end_run(&mut self, start: u64, end: u64, line: Option<i32>) {
        if line.is_some() {
            self.add(start, end, line);
        }
    }

    fn read_ranges(&mut self, table: &[u8], first_line: i32) -> Option<TableFault> {
        let (pairs, fault) = pairs(table);
        let (mut at, mut line) = (0_u64, first_line);
        for (length, step) in pairs {
            let step = step.cast_signed();
            if step != i8::MIN {
                line = line.wrapping_add(i32::from(step));
            }
            let end = at.saturating_add(u64::from(length));
            self.add(at, end, (step != i8::MIN).then_some(line));
            at = end;
        }
        fault
    }
}

/// Where a line table ends and what is wrong with it, without its lines; what `walk` asks.
pub(super) struct Extent {
    /// Where the instructions end that it speaks of; `None` where the format does not say.
    pub(super) end: Option<u64>,
    /// The first fault.
    pub(super) fault: Option<TableFault>,
}

/// How far a code object's line table goes.
pub(super) fn extent(code: Code<'_>, format: LineFormat) -> Extent {
    let table = code.linetable();
    match format {
        LineFormat::Unsigned | LineFormat::Signed => Extent { end: None, fault: pairs(table).1 },
        LineFormat::Ranges => {
            let (pairs, fault) = pairs(table);
            Extent { end: Some(pairs.map(|(length, _)| u64::from(length)).sum()), fault }
        }
        LineFormat::Positions => {
            let mut positions = Positions::of(code);
            let fault = positions.find_map(Result::err);
            // What follows a fault counts as well.
            positions.by_ref().for_each(drop);
            Extent { end: Some(positions.at), fault }
        }
        LineFormat::Instructions | LineFormat::Unread => Extent { end: None, fault: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(read: impl Fn(&mut Runs) -> Option<TableFault>, length: u64) -> Vec<(u64, u64, Option<i32>)> {
        let mut runs = Runs { ranges: Vec::new(), length };
        assert_eq!(read(&mut runs), None);
        runs.ranges.iter().map(|range| (range.start, range.end, range.line)).collect()
    }

    #[test]
    fn line_steps_of_lnotab_became_signed() {
        let table = [0, 1, 2, 1, 2, 1, 2, 0xff, 2, 1];
        let unsigned = lines(|runs| runs.read_lnotab(&table, 6, i32::from), 10);
        assert_eq!(unsigned[3], (6, 8, Some(9 + 255)));
        let signed = lines(|runs| runs.read_lnotab(&table, 6, |step| i32::from(step.cast_signed())), 10);
        let some = |start, end, line| (start, end, Some(line));
        assert_eq!(signed, [some(0, 2, 7), some(2, 4, 8), some(4, 6, 9), some(6, 8, 8), some(8, 10, 9)]);
    }

    #[test]
    fn a_range_without_a_line_keeps_the_line_before_it() {
        let found = lines(|runs| runs.read_ranges(&[4, 1, 2, 0x80, 0, 3, 4, 2], 1), 10);
        assert_eq!(found, [(0, 4, Some(2)), (4, 6, None), (6, 10, Some(7))]);
    }

    #[test]
    fn every_form_of_a_position_is_read() {
        let table = [0x80, 0x00, 0xd8, 8, 9, 0x80, 0x41, 0xe1, 11, 12, 0xf0, 2, 5, 5, 13, 0xe8, 3, 0xff];
        let found: Vec<_> = Positions::new(&table, 1).map(Result::unwrap).collect();
        let at = |line, end_line, column, end_column| Position {
            line: Some(line),
            end_line: Some(end_line),
            column: Some(column),
            end_column: Some(end_column),
        };
        let wanted = [at(1, 1, 0, 0), at(2, 2, 8, 9), at(2, 2, 4, 5), at(4, 4, 11, 12), at(5, 10, 4, 12)];
        assert_eq!(found.iter().take(5).map(|range| range.position).collect::<Vec<_>>(), wanted);
        assert_eq!((found[3].start, found[3].end), (6, 10));
        assert_eq!(found[5].position, Position { line: Some(4), end_line: Some(4), column: None, end_column: None });
        assert_eq!((found[6].position, found[6].end), (Position::default(), 30));
    }

    #[test]
    fn a_damaged_entry_does_not_hide_the_next_one() {
        let found: Vec<_> = Positions::new(&[0x10, 0x80, 0xd8, 8, 9, 0xff, 1, 0xf0, 0x7f], 1).collect();
        let fault = |kind, offset| Err(TableFault { kind, offset });
        assert_eq!(found[0], fault(TableFaultKind::NoStart, 0));
        assert_eq!(found[1], fault(TableFaultKind::Truncated, 1));
        assert_eq!(found[2].unwrap().position.line, Some(2));
        assert_eq!(found[3], fault(TableFaultKind::NoStart, 5));
        assert_eq!(found[4], fault(TableFaultKind::Truncated, 7));
    }
}
