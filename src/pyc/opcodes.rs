//! Opcodes: which instruction a number stands for in each version, and what its argument means.
//!
//! The numbers are in `opcodes_data`, one table per series. A magic number of a pre-release has no table of its own: most
//! alphas renumber something, and nothing here says what. [`Opcodes::near`] gives the table of the final release for those who
//! only want to show such code.

use super::opcodes_data as data;
use super::versions::CodeLayout;
use super::versions::Implementation;
use super::versions::Version;

pub use super::opcodes_data::Op;

/// What the argument of an instruction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Argument {
    /// There is none.
    None,
    /// A count, a set of flags, an integer: whatever is no index.
    Number,
    /// EXTENDED_ARG: the higher part of the next instruction's argument.
    Prefix,
    /// SET_LINENO: a line.
    Line,
    /// An index of the constants.
    Const,
    /// An index of the names.
    Name,
    /// Twice an index of the names, and a flag.
    NameShift1,
    /// Four times an index of the names, and two flags.
    NameShift2,
    /// An index of the locals (`co_varnames`; in 3.11 and later, of the locals in one row).
    Local,
    /// An index of the cell variables and, behind them, of the free variables.
    Free,
    /// An index of the locals, cells and free variables in one row.
    LocalsPlus,
    /// Two such indexes of four bits each.
    LocalsPlusPair,
    /// A distance forward from the end of the instruction.
    JumpForward,
    /// A distance backward from the end of the instruction.
    JumpBackward,
    /// An offset in the code.
    JumpAbsolute,
    /// An index of the comparisons.
    Compare,
    /// An index of the comparisons above four bits of a jump mask.
    CompareShift4,
    /// An index of the comparisons above five bits of flags.
    CompareShift5,
    /// An index of the binary operators.
    BinaryOp,
    /// An index of the functions of CALL_INTRINSIC_1.
    Intrinsic1,
    /// An index of the functions of CALL_INTRINSIC_2.
    Intrinsic2,
    /// An index of the common constants.
    CommonConstant,
    /// An index of the special methods.
    SpecialMethod,
}

impl Argument {
    /// Whether it is the place where execution may go on.
    pub fn is_jump(self) -> bool {
        matches!(self, Self::JumpForward | Self::JumpBackward | Self::JumpAbsolute)
    }
}

/// Who writes an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// Compilers write it.
    Compiled,
    /// The interpreter has it for itself; apart from CACHE no file has it.
    Internal,
    /// The interpreter puts it in place of another one while it runs; it trusts the caches behind it, and no file has it.
    Specialised,
    /// The interpreter puts it in place of another one for a debugger or profiler; no file has it.
    Instrumented,
}

/// What one number stands for in one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The instruction.
    pub op: Op,
    /// What its argument means.
    pub argument: Argument,
    /// How many code units of cache follow it.
    pub caches: u8,
    /// Who writes it.
    pub used: Use,
}

/// How instructions are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One byte, or three with an argument of 16 bits; up to 3.5.
    ByteCode,
    /// Code units of two bytes, caches among them; 3.6 and later.
    WordCode,
}

/// The instructions of one series of one implementation.
#[derive(Debug)]
pub struct Opcodes {
    /// The series: `CPython 3.12`.
    pub title: &'static str,
    /// How instructions are stored.
    pub format: Format,
    /// Bytes for which 1 stands in the argument of a jump.
    pub jump_unit: u8,
    /// The first opcode with an argument, undefined ones included; from 3.13 on the last one without.
    pub have_argument: u8,
    /// The comparisons.
    pub compare: &'static [&'static str],
    /// The binary operators, as they are written; `[]` is the subscript.
    pub binary: &'static [&'static str],
    /// The functions of CALL_INTRINSIC_1.
    pub intrinsics_1: &'static [&'static str],
    /// The functions of CALL_INTRINSIC_2.
    pub intrinsics_2: &'static [&'static str],
    /// The constants of LOAD_COMMON_CONSTANT.
    pub common_constants: &'static [&'static str],
    /// The methods of LOAD_SPECIAL.
    pub special_methods: &'static [&'static str],
    pub(super) rows: [Option<Row>; 256],
}

impl Opcodes {
    /// The table that the files of a magic number follow; `None` for what is no final release of CPython or PyPy.
    pub fn of(version: &Version) -> Option<&'static Self> {
        let is_known = matches!(version.implementation, Implementation::CPython | Implementation::PyPy);
        if is_known && version.is_final() { Self::near(version) } else { None }
    }

    /// The table of the final release of the same series; numbers of pre-releases can differ from it.
    pub fn near(version: &Version) -> Option<&'static Self> {
        match version.implementation {
            Implementation::PyPy => pypy(version),
            Implementation::CPython => cpython(version.series),
            // What of these is read follows CPython's layouts, and its numbers as far as is known.
            Implementation::Fork | Implementation::RustPython if version.is_read() => cpython(version.series),
            _ => None,
        }
    }

    /// What a number stands for; `None` when the version has no such instruction.
    #[inline]
    pub fn row(&self, opcode: u8) -> Option<Row> {
        self.rows.get(usize::from(opcode)).copied().flatten()
    }

    /// Every table.
    pub fn all() -> &'static [&'static Self] {
        data::TABLES
    }
}

fn cpython(series: (u8, u8)) -> Option<&'static Opcodes> {
    Some(match series {
        (1, 0) => &data::CPYTHON_1_0,
        // One magic number served 1.1 and 1.2, whose tables are equal.
        (1, 1 | 2) => &data::CPYTHON_1_1,
        (1, 3) => &data::CPYTHON_1_3,
        (1, 4) => &data::CPYTHON_1_4,
        (1, 5) => &data::CPYTHON_1_5,
        (1, 6) => &data::CPYTHON_1_6,
        (2, 0) => &data::CPYTHON_2_0,
        (2, 1) => &data::CPYTHON_2_1,
        (2, 2) => &data::CPYTHON_2_2,
        (2, 3) => &data::CPYTHON_2_3,
        (2, 4) => &data::CPYTHON_2_4,
        (2, 5) => &data::CPYTHON_2_5,
        (2, 6) => &data::CPYTHON_2_6,
        (2, 7) => &data::CPYTHON_2_7,
        (3, 0) => &data::CPYTHON_3_0,
        (3, 1) => &data::CPYTHON_3_1,
        (3, 2) => &data::CPYTHON_3_2,
        (3, 3) => &data::CPYTHON_3_3,
        (3, 4) => &data::CPYTHON_3_4,
        (3, 5) => &data::CPYTHON_3_5,
        (3, 6) => &data::CPYTHON_3_6,
        (3, 7) => &data::CPYTHON_3_7,
        (3, 8) => &data::CPYTHON_3_8,
        (3, 9) => &data::CPYTHON_3_9,
        (3, 10) => &data::CPYTHON_3_10,
        (3, 11) => &data::CPYTHON_3_11,
        (3, 12) => &data::CPYTHON_3_12,
        (3, 13) => &data::CPYTHON_3_13,
        (3, 14) => &data::CPYTHON_3_14,
        (3, 15) => &data::CPYTHON_3_15,
        _ => return None,
    })
}

fn pypy(version: &Version) -> Option<&'static Opcodes> {
    Some(match version.series {
        (2, 7) => &data::PYPY_2_7,
        (3, 2) => &data::PYPY_3_2,
        (3, 3) => &data::PYPY_3_3,
        (3, 5) => &data::PYPY_3_5,
        (3, 6) => &data::PYPY_3_6,
        (3, 7) => &data::PYPY_3_7,
        (3, 8) => &data::PYPY_3_8,
        (3, 9) => &data::PYPY_3_9,
        (3, 10) => &data::PYPY_3_10,
        (3, 11) if version.layout == CodeLayout::P311X => &data::PYPY_3_11_X,
        (3, 11) => &data::PYPY_3_11,
        _ => return None,
    })
}

/// A difference between two tables: a number, and what it stands for in the second one.
pub(super) type Change = (u8, Option<Row>);

pub(super) const fn row(opcode: u8, op: Op, argument: Argument, caches: u8) -> Change {
    (opcode, Some(Row { op, argument, caches, used: Use::Compiled }))
}

pub(super) const fn internal(opcode: u8, op: Op, argument: Argument, caches: u8) -> Change {
    (opcode, Some(Row { op, argument, caches, used: Use::Internal }))
}

pub(super) const fn specialised(opcode: u8, op: Op, argument: Argument, caches: u8) -> Change {
    (opcode, Some(Row { op, argument, caches, used: Use::Specialised }))
}

pub(super) const fn instrumented(opcode: u8, op: Op, argument: Argument, caches: u8) -> Change {
    (opcode, Some(Row { op, argument, caches, used: Use::Instrumented }))
}

pub(super) const fn gone(opcode: u8) -> Change {
    (opcode, None)
}

/// The table of another one and the changes to it.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "evaluated at compile time over the rows of `opcodes_data`; an index of eight bits is below 256"
)]
pub(super) const fn derive(base: Option<&[Option<Row>; 256]>, changes: &[Change]) -> [Option<Row>; 256] {
    let mut rows = match base {
        Some(rows) => *rows,
        None => [None; 256],
    };
    let mut at = 0;
    while at < changes.len() {
        let (opcode, row) = changes[at];
        rows[opcode as usize] = row;
        at += 1;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyc::versions::VERSIONS;

    fn rows(table: &Opcodes) -> impl Iterator<Item = (u8, Row)> {
        (0..=255).filter_map(|opcode| table.row(opcode).map(|row| (opcode, row)))
    }

    #[test]
    fn every_final_release_that_is_read_has_a_table() {
        for version in VERSIONS.iter().filter(|version| version.is_final() && version.is_read()) {
            let is_main = matches!(version.implementation, Implementation::CPython | Implementation::PyPy);
            // The numbers of the first releases of PyPy are not known.
            let is_known = is_main && version.series >= (1, 0) && !version.python().ends_with("PyPy 2.5");
            assert_eq!(Opcodes::of(version).is_some(), is_known, "{}", version.python());
            if let Some(table) = Opcodes::of(version) {
                assert_eq!(table.format == Format::WordCode, version.has_wordcode(), "{}", version.python());
                assert!(table.title.starts_with(version.name), "{} {}", table.title, version.python());
                let (major, minor) = version.series;
                assert!(table.title.contains(&format!(" {major}.{minor}")), "{} {}", table.title, version.python());
            }
        }
    }

    #[test]
    fn a_table_names_each_instruction_once() {
        for table in Opcodes::all() {
            let mut names: Vec<_> = rows(table).map(|(_, row)| row.op).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            // RESERVED fills a hole in CPython's enumeration.
            assert_eq!(names.len(), count, "{}", table.title);
            assert!(count >= 80, "{}", table.title);
        }
    }

    #[test]
    fn names_are_sorted_and_differ() {
        assert!(Op::ALL.windows(2).all(|pair| pair[0].name() < pair[1].name()));
    }

    #[test]
    fn an_argument_begins_where_the_series_says() {
        for table in Opcodes::all() {
            for (opcode, row) in rows(table).filter(|(_, row)| row.used == Use::Compiled) {
                let has = row.argument != Argument::None;
                // From 3.13 on the number is that of the last instruction without an argument.
                let is_wanted = if table.have_argument == 90 { opcode >= 90 } else { opcode > table.have_argument };
                assert_eq!(has, is_wanted, "{} {opcode} {}", table.title, row.op.name());
            }
        }
    }

    #[test]
    fn only_cpython_from_3_11_on_has_caches_and_every_index_has_a_table() {
        for table in Opcodes::all() {
            for (_, row) in rows(table) {
                let name = format!("{} {}", table.title, row.op.name());
                if row.caches > 0 {
                    assert_eq!((table.format, table.jump_unit), (Format::WordCode, 2), "{name}");
                    assert!(table.title.starts_with("CPython"), "{name}");
                }
                let list = match row.argument {
                    Argument::Compare | Argument::CompareShift4 | Argument::CompareShift5 => table.compare,
                    Argument::BinaryOp => table.binary,
                    Argument::Intrinsic1 => table.intrinsics_1,
                    Argument::Intrinsic2 => table.intrinsics_2,
                    Argument::CommonConstant => table.common_constants,
                    Argument::SpecialMethod => table.special_methods,
                    _ => continue,
                };
                assert!(!list.is_empty(), "{name}");
            }
        }
    }

    #[test]
    fn known_rows_are_where_they_are() {
        let row = |series, opcode| cpython(series).unwrap().row(opcode).unwrap();
        assert_eq!(row((2, 6), 143).op, Op::EXTENDED_ARG);
        assert_eq!(row((2, 7), 145).argument, Argument::Prefix);
        assert_eq!((row((3, 12), 106).op, row((3, 12), 106).caches), (Op::LOAD_ATTR, 9));
        assert_eq!(row((3, 12), 106).argument, Argument::NameShift1);
        assert_eq!(row((3, 14), 128).op, Op::RESUME);
        assert_eq!(row((3, 14), 68).argument, Argument::JumpBackward);
        assert_eq!(cpython((3, 15)).unwrap().binary.last(), Some(&"[]"));
        assert!(cpython((3, 12)).unwrap().row(255).is_none_or(|row| row.used != Use::Compiled));
        assert!(cpython((3, 16)).is_none());
    }

    #[test]
    fn a_prerelease_has_no_table_that_is_certain() {
        let version = &super::super::lookup(super::super::Magic::with_number(3600))[0];
        assert!(Opcodes::of(version).is_none());
        assert!(Opcodes::near(version).is_some());
    }
}
