//! Data only: the magic numbers, and which header layout, code layout and marshal dialect each stands for.
//!
//! Sources: the history of `PYC_MAGIC` and `MAGIC` in CPython (Python/import.c, Lib/importlib/_bootstrap_external.py,
//! Include/internal/pycore_magic_number.h), of `pypy/interpreter/pycode.py`, and of the forks named in the rows. A new version
//! is one more row, at its place by the four bytes.

use std::fmt::Write as _;

use super::header::HeaderLayout;

/// The first four bytes of a pyc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Magic(pub [u8; 4]);

impl Magic {
    /// The number that CPython's list of magic numbers gives: the first two bytes, little-endian.
    pub fn number(self) -> u16 {
        let [low, high, ..] = self.0;
        u16::from_le_bytes([low, high])
    }

    /// The magic that CPython writes for a number: its two bytes, then CR LF.
    pub fn with_number(number: u16) -> Self {
        let [low, high] = number.to_le_bytes();
        Self([low, high, b'\r', b'\n'])
    }

    /// The four bytes as CPython reads them for the key of the source hash: one little-endian number.
    pub fn word(self) -> u32 {
        u32::from_le_bytes(self.0)
    }
}

/// Who wrote a magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Implementation {
    /// The reference implementation.
    CPython,
    /// PyPy.
    PyPy,
    /// GraalPy.
    GraalPy,
    /// RustPython.
    RustPython,
    /// A fork of CPython, named in the row's label.
    Fork,
}

/// What is known of the builds that write a magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Final releases write it.
    Final,
    /// Only development builds, alphas, betas and release candidates wrote it.
    Prerelease,
    /// A final release under a switch of its own writes it (`-U` of Python 1.6 to 2.7: every string Unicode).
    Variant,
    /// A table of another project lists it; no interpreter that writes it was found.
    Unconfirmed,
    /// A constant in a source that never reaches a file, or a format that is no pyc. Never matched.
    NeverInFile,
}

/// The order and kinds of the fields of a code object; `CodeLayout::fields` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CodeLayout {
    /// 1.0 to 1.2: five objects, type letter `C`.
    L10,
    /// 1.3 and 1.4: counts and flags of 16 bits.
    L13,
    /// 1.5 to 2.0: stack size, first line and line table.
    L15,
    /// 2.1 and 2.2: free and cell variables.
    L21,
    /// 2.3 to 2.7 and the first builds of 3000: numbers of 32 bits.
    L23,
    /// 3.0 to 3.8.0a3: keyword-only arguments.
    L30,
    /// 3.8.0a4 to 3.10: positional-only arguments.
    L38,
    /// 3450 and 3451: L38 and an exception table.
    L311A,
    /// 3452: L311A without the number of locals.
    L311B,
    /// 3453 to 3456: one tuple of names, and their kinds as bytes without type or length.
    L311C,
    /// 3457 and 3458: the kinds are an object.
    L311D,
    /// 3459: tables of end lines and columns.
    L311E,
    /// 3460 to 3493: qualified name.
    L311F,
    /// 3.11.0a7 (3494) to 3.16: one location table.
    L311,
    /// PyPy 3.10, and 3.11 up to v7.3.18: L38 with PyPy's location table.
    P310,
    /// PyPy 3.11 v7.3.19 to v7.3.22: qualified name.
    P311,
    /// PyPy 3.11 v7.3.23 and later: exception table.
    P311X,
    /// GraalPy's own marshal; not read.
    Graal,
    /// RustPython's own code fields under marshal's letter; not read.
    RustPython,
    /// The register bytecode of the nogil fork; not read.
    Nogil,
    /// Cinder 3.8, whose place of the qualified name is not established; not read.
    Cinder38,
    /// Encrypted code objects; not read.
    Encrypted,
    /// The serialised syntax trees of Pyston 0.x; not read.
    AstCache,
    /// A strict loader's header in front of a normal one; not read.
    Prefix,
    /// Recognised by its magic alone; not read.
    Unknown,
}

/// Which types marshalled data may have, and what they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// Marshal version 0, up to 2.3: no sharing, floats as text.
    V0,
    /// Version 1, 2.4: interned strings and references to them.
    V1,
    /// Version 2, 2.5 to 2.7: binary floats, sets.
    V2,
    /// The builds between 2.x and 3.0b1: as version 2, names of either string type.
    V2Alpha,
    /// Version 2 as 3.0 to 3.3 read it: no interned strings.
    V2Text,
    /// Version 3, 3.4.0a1 to a3: references to any object.
    V3,
    /// Version 4, 3.4.0a4 to 3.13: ASCII strings, small tuples.
    V4,
    /// Version 5, 3.14: slices.
    V5,
    /// Version 6, 3.15: frozendicts.
    V6,
    /// PyPy 3.5 and later: version 4, but every flagged byte takes a place in the list of references.
    PyPy,
}

impl Dialect {
    /// The type letters that a reader of this dialect knows, apart from `0` (NULL).
    pub fn types(self) -> &'static [u8] {
        match self {
            Self::V0 => b"NFTS.iIlfxs([{ucC",
            Self::V1 => b"NFTS.iIlfxs([{ucCtR",
            Self::V2 | Self::V2Alpha => b"NFTS.iIlfgxys([{uctR<>",
            Self::V2Text => b"NFTS.iIlfgxys([{uc<>",
            Self::V3 => b"NFTS.iIlfgxys([{uc<>tr",
            Self::V4 | Self::PyPy => b"NFTS.iIlfgxys([{uc<>traAzZ)",
            Self::V5 => b"NFTS.iIlfgxys([{uc<>traAzZ):",
            Self::V6 => b"NFTS.iIlfgxys([{uc<>traAzZ):}",
        }
    }

    /// Whether bit 7 of a type byte is FLAG_REF; before 3.4 such a byte is no type.
    pub fn has_references(self) -> bool {
        matches!(self, Self::V3 | Self::V4 | Self::V5 | Self::V6 | Self::PyPy)
    }

    /// Whether `t` is a byte string that `R` can refer to (2.4 to 2.7).
    pub fn has_string_list(self) -> bool {
        matches!(self, Self::V1 | Self::V2 | Self::V2Alpha)
    }

    /// Whether names are text objects, as in Python 3; in Python 2 they are byte strings.
    pub fn names_are_text(self) -> bool {
        !matches!(self, Self::V0 | Self::V1 | Self::V2 | Self::V2Alpha)
    }

    /// Whether FLAG_REF takes a place in the list of references on types that CPython ignores it on (`N T F S . 0 r`).
    pub fn every_flag_takes_a_slot(self) -> bool {
        matches!(self, Self::PyPy)
    }
}

/// One row of the table: one meaning of one magic number.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    /// The four bytes.
    pub magic: Magic,
    /// Who wrote it.
    pub implementation: Implementation,
    /// The name of the fork or implementation, as people call it: `CPython`, `PyPy`, `Pyston`.
    pub name: &'static str,
    /// The version or pre-release that introduced it: `3.12`, `3.14a1`.
    pub label: &'static str,
    /// The language series: `3.12`.
    pub series: (u8, u8),
    /// The last series, where one number served several: 1.1 to 1.2, GraalPy 3.11 to 3.12.
    pub last_series: Option<(u8, u8)>,
    /// Whether final releases write it.
    pub stage: Stage,
    /// Whether a final release wrote it: the releases, or `None`.
    pub releases: Option<&'static str>,
    /// The header layout.
    pub header: Option<HeaderLayout>,
    /// The code object's fields.
    pub layout: CodeLayout,
    /// The types of its marshalled data.
    pub dialect: Dialect,
    /// When the number was introduced: seconds since 1970 of the day, where known.
    pub introduced: Option<i64>,
    /// What is worth knowing.
    pub comment: &'static str,
}

impl Version {
    /// What reports call it: the series for a number of final releases (`CPython 3.12`, `PyPy 3.9`, `CPython 1.1-1.2`), the
    /// label for others (`CPython 3.14a1 (pre-release)`, `CPython 2.7 -U`).
    pub fn python(&self) -> String {
        let mut shown = self.name.to_owned();
        // Writing to a `String` cannot fail.
        let _ = match self.stage {
            Stage::Final => write!(shown, " {}", self.series_shown()),
            Stage::Prerelease => write!(shown, " {} (pre-release)", self.label),
            Stage::Variant => write!(shown, " {}", self.label),
            Stage::Unconfirmed => write!(shown, " {} (unconfirmed)", self.series_shown()),
            Stage::NeverInFile => write!(shown, " {} (never in a file)", self.label),
        };
        shown
    }

    /// The series as text: `3.12`, or `3.11-3.12` where one number served several.
    pub fn series_shown(&self) -> String {
        let (major, minor) = self.series;
        match self.last_series {
            Some((last_major, last_minor)) => format!("{major}.{minor}-{last_major}.{last_minor}"),
            None => format!("{major}.{minor}"),
        }
    }

    /// Whether the number served this language series.
    pub fn serves(&self, series: (u8, u8)) -> bool {
        (self.series..=self.last_series.unwrap_or(self.series)).contains(&series)
    }

    /// Whether only builds before a final release wrote it.
    pub fn is_prerelease(&self) -> bool {
        self.stage == Stage::Prerelease
    }

    /// Whether a final release writes it.
    pub fn is_final(&self) -> bool {
        matches!(self.stage, Stage::Final | Stage::Variant)
    }

    /// The earliest time at which a file of this magic can have been written: when the number was introduced, or, where that
    /// day is not known, when the nearest lower number of the same implementation was.
    pub fn not_before(&self) -> Option<i64> {
        self.introduced.or_else(|| {
            // CPython's numbers grow within the line that began with 3000; the older line has a day in every row.
            VERSIONS
                .iter()
                .filter(|row| {
                    row.implementation == self.implementation && row.implementation == Implementation::CPython
                })
                .filter(|row| (3000..40_000).contains(&row.magic.number()) && row.magic.number() < self.magic.number())
                .filter_map(|row| row.introduced)
                .max()
        })
    }

    /// Whether an instruction is two bytes (`wordcode`: CPython from 3370 on, PyPy from 160 on).
    pub fn has_wordcode(&self) -> bool {
        match self.implementation {
            Implementation::PyPy => self.series >= (3, 6) && self.magic.number() >= 160,
            _ => self.series >= (3, 6) && self.magic.number() >= 3370,
        }
    }

    /// Whether pycaudit reads the body.
    pub fn is_read(&self) -> bool {
        !self.layout.fields().is_empty()
    }
}

/// Every meaning of a magic: none when it is unknown, several when forks share a number, CPython's first.
pub fn lookup(magic: Magic) -> &'static [Version] {
    let start = VERSIONS.partition_point(|version| version.magic < magic);
    let end = VERSIONS.partition_point(|version| version.magic <= magic);
    let found = VERSIONS.get(start..end).unwrap_or_default();
    if found.is_empty() && is_rustpython_hash(magic) {
        return std::slice::from_ref(&RUSTPYTHON_HASH);
    }
    found
}

/// Whether the four bytes are of a RustPython before 2025-12-26: the first four digits of a commit's hash.
pub fn is_rustpython_hash(magic: Magic) -> bool {
    magic.0.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Makes one row; the columns are those of [`Version`], the magic as its four bytes in file order, the day as
/// year, month and day, all 0 where it is not known.
macro_rules! row {
    (
        $magic:literal, $implementation:ident, $name:literal, $label:literal, $series:expr, $last:expr, $stage:ident,
        $releases:literal, $header:ident, $layout:ident, $dialect:ident, $day:expr, $comment:literal
    ) => {
        Version {
            magic: Magic(u32::to_be_bytes($magic)),
            implementation: Implementation::$implementation,
            name: $name,
            label: $label,
            series: $series,
            last_series: $last,
            stage: Stage::$stage,
            releases: if $releases.is_empty() { None } else { Some($releases) },
            header: $header,
            layout: CodeLayout::$layout,
            dialect: Dialect::$dialect,
            introduced: midnight($day),
            comment: $comment,
        }
    };
}

const H8: Option<HeaderLayout> = Some(HeaderLayout::Bytes8);
const H12: Option<HeaderLayout> = Some(HeaderLayout::Bytes12);
const H16: Option<HeaderLayout> = Some(HeaderLayout::Bytes16);
const NO: Option<HeaderLayout> = None;

/// Seconds since 1970 at the start of a day given as year, month and day; `None` for year 0.
#[expect(clippy::arithmetic_side_effects, reason = "evaluated at compile time over the days of this table")]
const fn midnight((year, month, day): (i64, i64, i64)) -> Option<i64> {
    if year == 0 {
        return None;
    }
    // Days from the civil calendar, years beginning in March so that a leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400)
}

/// The meaning of every magic that [`is_rustpython_hash`] recognises; its four bytes stand for any.
#[rustfmt::skip]
pub static RUSTPYTHON_HASH: Version =
    row!(0x0000_0000, RustPython, "RustPython", "before 2025-12-26", (3, 5), Some((3, 13)), Final, "0.1.x to 0.4.0", H16, RustPython, V0, (0, 0, 0), "magic is the first four characters of the git commit hash (all four bytes in 0-9a-f), or four random bytes; no CR LF; code letter c without the 0x80 flag");

/// What tables of magic numbers list and no pyc begins with: constants of the sources, and formats that are no pyc.
#[rustfmt::skip]
pub static NEVER_IN_FILE: &[Version] = &[
    row!(0xfe0b_0d0a, CPython, "CPython", "3000", (3, 0), None, NeverInFile, "", H8, L30, V2Alpha, (2007, 8, 31), "C constant only; files carry 3071"),
    row!(0x080c_0d0a, CPython, "CPython", "3000", (3, 0), None, NeverInFile, "", H8, L30, V2Alpha, (2007, 10, 15), "C constant only; files carry 3081"),
    row!(0x120c_0d0a, CPython, "CPython", "3000", (3, 0), None, NeverInFile, "", H8, L30, V2Alpha, (2007, 11, 6), "C constant only; files carry 3091"),
    row!(0x1c0c_0d0a, CPython, "CPython", "3000", (3, 0), None, NeverInFile, "", H8, L30, V2Alpha, (2007, 12, 19), "C constant only; files carry 3101"),
    row!(0x1e0c_0d0a, CPython, "CPython", "3000", (3, 0), None, NeverInFile, "", H8, L30, V2Alpha, (2008, 1, 7), "C constant only; files carry 3103"),
    row!(0x260c_0d0a, CPython, "CPython", "3000", (3, 0), None, NeverInFile, "", H8, L30, V2Alpha, (2008, 3, 16), "C constant only; files carry 3111"),
    row!(0x3a0c_0d0a, CPython, "CPython", "3000", (3, 0), None, NeverInFile, "", H8, L30, V2Alpha, (2008, 6, 11), "C constant only; files carry 3131"),
    row!(0x440c_0d0a, CPython, "CPython", "3.1 dev", (3, 1), None, NeverInFile, "", H8, L30, V2Text, (2008, 12, 18), "C constant only; files carry 3141"),
    row!(0x4e0c_0d0a, CPython, "CPython", "3.1", (3, 1), None, NeverInFile, "", H8, L30, V2Text, (2009, 2, 25), "C constant only; files carry 3151"),
    row!(0x4001_0d0a, PyPy, "PyPy", "3.9 v7.3.8 (internal)", (3, 9), None, NeverInFile, "", H16, L38, PyPy, (2022, 2, 19), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0xcafe_babe, Fork, "Jython", "$py.class", (2, 0), None, NeverInFile, "", NO, Unknown, V0, (2007, 1, 1), "Java class file; look for annotations org.python.compiler.APIVersion, MTime (ms), Filename; API 12 (2.2), 23 (2.5.0), 26 (2.5.1), 32 (2.5.2), 33 (2.5.3), 36 (2.7.0), 37 (2.7.1), 38 (2.7.2), 39 (2.7.3, 2.7.4)"),
    row!(0x03f3_0d0a, Fork, "Jython", "2.7", (2, 7), None, NeverInFile, "", H8, L23, V2, (2017, 1, 1), "imp.get_magic returns the CPython 2.7 value; the PBC VM can read CPython 2.7 files"),
    row!(0x4d00_0000, Fork, "MicroPython", ".mpy version 0-6", (3, 0), None, NeverInFile, "", NO, Unknown, V0, (2016, 1, 1), "first byte is 0x4D (M); CircuitPython uses 0x43 (C); second byte is the format version; not marshal"),
];

/// Every magic number that a pyc can begin with, by its four bytes.
#[rustfmt::skip]
pub static VERSIONS: &[Version] = &[
    row!(0x0000_0d0a, PyPy, "PyPy", "3.2 dev", (3, 2), None, Prerelease, "", H8, L30, V2Text, (2012, 1, 19), "first py3k value"),
    row!(0x0000_0d0a, Fork, "Cinder strict loader", "not strict", (3, 8), Some((3, 14)), Final, "", NO, Prefix, V0, (0, 0, 0), "extra 4-byte magic of zero in front of a normal header"),
    row!(0x0001_0d0a, PyPy, "PyPy", "PyPy3.8 v7.3.10 on", (3, 8), None, Final, "v7.3.10 and v7.3.11", H16, L38, PyPy, (2021, 4, 7), "v7.3.6 to v7.3.9 wrote 3413 instead"),
    row!(0x0199_9900, CPython, "CPython", "0.9.9", (0, 9), None, Prerelease, "", H8, Unknown, V0, (1993, 5, 19), "magic long is 0x999901; last value before 1.0"),
    row!(0x020d_0d0a, CPython, "CPython", "3.5.0b1", (3, 5), None, Prerelease, "", H12, L30, V4, (2015, 5, 5), "more unpacking (PEP 448)"),
    row!(0x0253_0d0a, GraalPy, "GraalPy", "3.8 dev", (3, 8), None, Prerelease, "", H16, Graal, V0, (2022, 8, 12), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x0299_9900, CPython, "CPython", "1.0", (1, 0), None, Final, "1.0.1-1.0.2", H8, L10, V0, (1993, 10, 22), "magic long is 0x999902 written little-endian (02 99 99 00): there is no CR LF; exec became a statement"),
    row!(0x0399_9900, CPython, "CPython", "1.1-1.2", (1, 1), Some((1, 2)), Final, "1.1-1.2", H8, L10, V0, (1994, 8, 29), "magic long is 0x999903 (03 99 99 00), no CR LF; shared by 1.1, 1.1.1 and all of 1.2"),
    row!(0x03f3_0d0a, CPython, "CPython", "2.7", (2, 7), None, Final, "2.7-2.7.18", H8, L23, V2, (2010, 1, 11), "SET_ADD and MAP_ADD"),
    row!(0x0417_0d0a, CPython, "CPython", "1.4", (1, 4), None, Final, "1.4", H8, L13, V0, (1996, 7, 30), "extended slices and Ellipsis"),
    row!(0x04ec_0d0a, CPython, "CPython", "2.2 dev", (2, 2), None, Prerelease, "", H8, L21, V0, (2001, 4, 20), "iterators"),
    row!(0x04f3_0d0a, CPython, "CPython", "2.7 -U", (2, 7), None, Variant, "", H8, L23, V2, (2010, 1, 11), "-U variant"),
    row!(0x05f3_0d0a, PyPy, "PyPy", "PyPy 1.5-2.0", (2, 7), None, Final, "1.5 to 2.0", H8, L23, V2, (2010, 7, 12), "62211 plus 2"),
    row!(0x07f3_0d0a, Fork, "Dropbox", "Dropbox later", (2, 7), None, Final, "", H8, Encrypted, V0, (0, 0, 0), "as above, other key schedule and opcode table"),
    row!(0x090c_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2007, 10, 15), "__file__ and __name__ are Unicode"),
    row!(0x09f3_0d0a, PyPy, "PyPy", "PyPy 2.1-2.2", (2, 7), None, Final, "2.1 and 2.2 (by date)", H8, L23, V2, (2013, 7, 30), "62211 plus 6"),
    row!(0x0af3_0d0a, PyPy, "PyPy", "PyPy 2.3 on (2.7)", (2, 7), None, Final, "2.3 to 2.7-v7.3.23", H8, L23, V2, (2014, 1, 18), "62211 plus 7"),
    row!(0x0c0d_0d0a, CPython, "CPython", "3.5.0b2", (3, 5), None, Prerelease, "", H12, L30, V4, (2015, 5, 28), "dict display order"),
    row!(0x0c53_0d0a, GraalPy, "GraalPy", "22.3 (bytecode option)", (3, 8), None, Final, "22.3", H16, Graal, V0, (2022, 9, 13), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x1000_0d0a, PyPy, "PyPy", "3.2 dev", (3, 2), None, Prerelease, "", H8, L30, V2Text, (2012, 2, 15), "development; may be in PyPy3 2.1 beta"),
    row!(0x1001_0d0a, PyPy, "PyPy", "3.9 dev", (3, 9), None, Prerelease, "", H16, L38, PyPy, (2021, 10, 22), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x100e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "LOAD_COMMON_CONSTANT"),
    row!(0x110e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "private names in generic classes"),
    row!(0x120e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "LOAD_SPECIAL"),
    row!(0x130c_0d0a, CPython, "CPython", "3.0a2", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2007, 11, 6), "bytes type of PEP 3137"),
    row!(0x130e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "BUILD_CONST_KEY_MAP removed"),
    row!(0x140e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "while test no longer duplicated"),
    row!(0x150e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "ENTER_EXECUTOR is 255"),
    row!(0x160d_0d0a, CPython, "CPython", "3.5.0-3.5.2", (3, 5), None, Final, "3.5.0-3.5.2", H12, L30, V4, (2015, 6, 22), "GET_YIELD_FROM_ITER; from 3.5.0b3; every 3.5.0, 3.5.1 and 3.5.2 release"),
    row!(0x160e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "CALL_KW specialised"),
    row!(0x1653_0d0a, GraalPy, "GraalPy", "23.0", (3, 10), None, Final, "23.0", H16, Graal, V0, (2023, 1, 31), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x170d_0d0a, CPython, "CPython", "3.5.3 on", (3, 5), None, Final, "3.5.3-3.5.10", H12, L30, V4, (2016, 6, 12), "BUILD_MAP_UNPACK_WITH_CALL fixed; the comment list says 3.5.2 but the 3.5.2 tag still has 3350: the first tag is 3.5.3rc1"),
    row!(0x170e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "pseudo JUMP_IF_TRUE and JUMP_IF_FALSE"),
    row!(0x180e_0d0a, CPython, "CPython", "3.14a1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "slice constants (marshal type colon)"),
    row!(0x190e_0d0a, CPython, "CPython", "3.14a2", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "LOAD_SMALL_INT; RETURN_CONST removed; small ints leave co_consts"),
    row!(0x1a0e_0d0a, CPython, "CPython", "3.14a4", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "annotation format check"),
    row!(0x1abe_9900, CPython, "CPython", "0.9.9 dev", (0, 9), None, Prerelease, "", H8, Unknown, V0, (1993, 3, 29), "development value 0x99BE1A (decimal 10075690) in the 1993 history"),
    row!(0x1b0e_0d0a, CPython, "CPython", "3.14a4", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "NOT_TAKEN"),
    row!(0x1bc6_0d0a, CPython, "CPython", "2.0 dev", (2, 0), None, Prerelease, "", H8, L15, V0, (2000, 7, 22), "development"),
    row!(0x1c0e_0d0a, CPython, "CPython", "3.14a4", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "POP_ITER"),
    row!(0x1d0c_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2007, 12, 19), "merge of 2.6a0 changes"),
    row!(0x1d0e_0d0a, CPython, "CPython", "3.14a4", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "LOAD_CONST_MORTAL"),
    row!(0x1e0e_0d0a, CPython, "CPython", "3.14a5", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "BINARY_OP_EXTEND"),
    row!(0x1f0c_0d0a, CPython, "CPython", "3.0a3", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2008, 1, 7), "__file__ points to the source"),
    row!(0x1f0e_0d0a, CPython, "CPython", "3.14a5", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "CALL_FUNCTION_EX always has a mapping"),
    row!(0x2000_0d0a, PyPy, "PyPy", "3.2 dev", (3, 2), None, Prerelease, "", H8, L30, V2Text, (2014, 1, 24), "new code flag"),
    row!(0x2001_0d0a, PyPy, "PyPy", "3.9 dev", (3, 9), None, Prerelease, "", H16, L38, PyPy, (2021, 11, 24), "ASCII string types used from here"),
    row!(0x200d_0d0a, CPython, "CPython", "3.6a0", (3, 6), None, Prerelease, "", H12, L30, V4, (2015, 11, 3), "FORMAT_VALUE"),
    row!(0x200e_0d0a, CPython, "CPython", "3.14a5", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "BINARY_SUBSCR becomes BINARY_OP 26"),
    row!(0x2053_0d0a, GraalPy, "GraalPy", "23.1-24.0", (3, 10), None, Final, "23.1 and 24.0", H16, Graal, V0, (2023, 6, 22), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x210d_0d0a, CPython, "CPython", "3.6.0a1", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 1, 20), "line delta in lnotab is signed"),
    row!(0x210e_0d0a, CPython, "CPython", "3.14a6", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "async for monitoring"),
    row!(0x220e_0d0a, CPython, "CPython", "3.14a6", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "END_ASYNC_FOR argument (backward distance)"),
    row!(0x230e_0d0a, CPython, "CPython", "3.14a6", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "RESUME is 128"),
    row!(0x240e_0d0a, CPython, "CPython", "3.14a6", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "all, any, tuple over a generator expression"),
    row!(0x250e_0d0a, CPython, "CPython", "3.14a7", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "LOAD_FAST_BORROW"),
    row!(0x260e_0d0a, CPython, "CPython", "3.14a7", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "class annotation keys"),
    row!(0x270c_0d0a, CPython, "CPython", "3.0a4", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2008, 3, 16), "WITH_CLEANUP; shipped in 3.0a4 and 3.0a5"),
    row!(0x270e_0d0a, CPython, "CPython", "3.14a7", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "template strings"),
    row!(0x2741_0d0a, CPython, "CPython", "1.3 dev", (1, 3), None, Prerelease, "", H8, L10, V0, (1995, 7, 7), "development value between 1.2 and 1.3b1; first with CR LF style (July 1995); code letter still upper case C"),
    row!(0x280e_0d0a, CPython, "CPython", "3.14b1", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "LOAD_FAST_BORROW fix"),
    row!(0x290e_0d0a, CPython, "CPython", "3.14b3", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "LOAD_FAST_BORROW fix"),
    row!(0x2923_0d0a, Fork, "nogil", "3.9.10-nogil", (3, 9), None, Final, "3.9.10-nogil", H16, Nogil, V0, (2022, 1, 1), "register bytecode, own code layout"),
    row!(0x2a0d_0d0a, CPython, "CPython", "3.6 dev", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 5, 24), "16-bit wordcode"),
    row!(0x2a0e_0d0a, CPython, "CPython", "3.14rc2", (3, 14), None, Prerelease, "", H16, L311, V5, (0, 0, 0), "missing exception handlers"),
    row!(0x2a23_0d0a, Fork, "nogil", "head", (3, 9), None, Prerelease, "", H16, Nogil, V0, (2023, 1, 1), "as above"),
    row!(0x2a53_0d0a, GraalPy, "GraalPy", "24.1-25.0", (3, 11), Some((3, 12)), Final, "24.1, 24.2, 25.0", H16, Graal, V0, (2024, 1, 12), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x2abe_9900, CPython, "CPython", "0.9.9 dev", (0, 9), None, Prerelease, "", H8, Unknown, V0, (1993, 3, 30), "development value 0x99BE2A (decimal 10075706): faster local variables"),
    row!(0x2aeb_0d0a, CPython, "CPython", "2.1", (2, 1), None, Final, "2.1-2.1.3", H8, L21, V0, (2001, 2, 2), "nested scopes"),
    row!(0x2b0d_0d0a, CPython, "CPython", "3.6 dev", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 6, 12), "BUILD_CONST_KEY_MAP"),
    row!(0x2b0e_0d0a, CPython, "CPython", "3.14", (3, 14), None, Final, "3.14.0 on", H16, L311, V5, (0, 0, 0), "module annotations; from rc3. Also RustPython since 2026-05-24"),
    row!(0x2b0e_0d0a, RustPython, "RustPython", "main since 2026-05-24", (3, 14), None, Prerelease, "", H16, L311, V5, (2026, 5, 24), "collision with CPython 3.14 on purpose: layout and opcodes follow CPython 3.14"),
    row!(0x2beb_0d0a, CPython, "CPython", "2.1 -U", (2, 1), None, Variant, "", H8, L21, V0, (2001, 2, 2), "-U variant"),
    row!(0x2c0d_0d0a, CPython, "CPython", "3.6.0a2", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 6, 12), "MAKE_FUNCTION simplified; a2 to a4"),
    row!(0x2c0e_0d0a, Fork, "Meta CPython", "3.14+meta", (3, 14), None, Final, "", H16, L311, V5, (2025, 1, 1), "lazy imports"),
    row!(0x2d0d_0d0a, CPython, "CPython", "3.6 dev", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 9, 6), "BUILD_STRING"),
    row!(0x2ded_0d0a, CPython, "CPython", "2.2", (2, 2), None, Final, "2.2-2.2.3", H8, L21, V0, (2001, 8, 2), "type/class unification; generators"),
    row!(0x2eed_0d0a, CPython, "CPython", "2.2 -U", (2, 2), None, Variant, "", H8, L21, V0, (2001, 8, 2), "-U variant"),
    row!(0x2f0d_0d0a, CPython, "CPython", "3.6 dev", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 9, 8), "variable annotation opcodes"),
    row!(0x3000_0d0a, PyPy, "PyPy", "PyPy3 2.3-2.4", (3, 2), None, Final, "PyPy3 2.3 and 2.4", H8, L30, V2Text, (2014, 3, 3), "low byte is ASCII zero (0x30), which some tools misread"),
    row!(0x3001_0d0a, PyPy, "PyPy", "3.9 dev", (3, 9), None, Prerelease, "", H16, L38, PyPy, (2021, 12, 6), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x300d_0d0a, CPython, "CPython", "3.6 dev", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 9, 9), "CALL_FUNCTION family reworked"),
    row!(0x310d_0d0a, CPython, "CPython", "3.6.0b1", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 9, 11), "__class__ cell set by type.__new__"),
    row!(0x31f2_0d0a, CPython, "CPython", "2.3 dev", (2, 3), None, Prerelease, "", H8, L21, V0, (2002, 2, 7), "UTF-8 encoder fix; last value whose code fields are 16-bit"),
    row!(0x320d_0d0a, CPython, "CPython", "3.6.0b2", (3, 6), None, Prerelease, "", H12, L30, V4, (2016, 10, 2), "BUILD_TUPLE_UNPACK_WITH_CALL; b2 to b4"),
    row!(0x330d_0d0a, CPython, "CPython", "3.6", (3, 6), None, Final, "3.6.0-3.6.15", H12, L30, V4, (2016, 12, 5), "stricter __class__ cell check; from rc1"),
    row!(0x3453_0d0a, GraalPy, "GraalPy", "3.12 dev", (3, 12), None, Prerelease, "", H16, Graal, V0, (2025, 8, 29), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x3780_0d0a, Fork, "Cinder strict loader", "strict or static module", (3, 8), Some((3, 14)), Final, "", NO, Prefix, V0, (0, 0, 0), "extra 4-byte magic (strict version 55 + 32768) in front of a normal 16-byte header; a marshalled dependency tuple precedes the code"),
    row!(0x3b0c_0d0a, CPython, "CPython", "3.0", (3, 0), None, Final, "3.0-3.0.1", H8, L30, V2Text, (2008, 6, 11), "lexical exception handling, POP_EXCEPT; from 3.0b1"),
    row!(0x3bf2_0d0a, CPython, "CPython", "2.3", (2, 3), None, Final, "2.3-2.3.7", H8, L23, V0, (2002, 6, 14), "code fields widen from 16 to 32 bits; returned to after 62021"),
    row!(0x3cf2_0d0a, CPython, "CPython", "2.3 -U", (2, 3), None, Variant, "", H8, L23, V0, (2002, 6, 14), "-U variant"),
    row!(0x3e0d_0d0a, CPython, "CPython", "3.7.0a1", (3, 7), None, Prerelease, "", H12, L30, V4, (2016, 12, 13), "LOAD_METHOD and CALL_METHOD; header still 12 bytes"),
    row!(0x3e53_0d0a, GraalPy, "GraalPy", "3.12 dev", (3, 12), None, Prerelease, "", H16, Graal, V0, (2025, 9, 18), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x3f0d_0d0a, CPython, "CPython", "3.7.0a2", (3, 7), None, Prerelease, "", H12, L30, V4, (2017, 10, 6), "GET_AITER; a2 and a3; header still 12 bytes"),
    row!(0x4000_0d0a, PyPy, "PyPy", "PyPy3.3 v5.2", (3, 3), None, Final, "5.2 alpha", H12, L30, V2Text, (2014, 7, 26), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x400d_0d0a, CPython, "CPython", "3.7.0a4", (3, 7), None, Prerelease, "", H16, L30, V4, (2017, 12, 9), "PEP 552: header becomes 16 bytes"),
    row!(0x410d_0d0a, CPython, "CPython", "3.7.0b1", (3, 7), None, Prerelease, "", H16, L30, V4, (2018, 1, 29), "STORE_ANNOTATION removed; b1 to b4"),
    row!(0x420d_0d0a, CPython, "CPython", "3.7", (3, 7), None, Final, "3.7.0-3.7.17", H16, L30, V4, (2018, 5, 30), "docstring is the first statement again; from b5"),
    row!(0x420e_0d0a, CPython, "CPython", "3.15a0", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "start of the series"),
    row!(0x430e_0d0a, CPython, "CPython", "3.15a1", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "LOAD_CONST simplified"),
    row!(0x440e_0d0a, CPython, "CPython", "3.15a1", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "virtual iterators"),
    row!(0x450c_0d0a, CPython, "CPython", "3.1a1 dev", (3, 1), None, Prerelease, "", H8, L30, V2Text, (2008, 12, 18), "comprehension opcodes"),
    row!(0x450e_0d0a, CPython, "CPython", "3.15a1", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "LOAD_FAST_BORROW fix"),
    row!(0x45f2_0d0a, CPython, "CPython", "2.3a0", (2, 3), None, Prerelease, "", H8, L23, V0, (2002, 8, 15), "used for a while in 2.3 development (August 2002), then dropped again"),
    row!(0x460e_0d0a, CPython, "CPython", "3.15a1", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "missing exception handlers"),
    row!(0x470e_0d0a, CPython, "CPython", "3.15a1", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "module annotations"),
    row!(0x480d_0d0a, CPython, "CPython", "3.8 dev", (3, 8), None, Prerelease, "", H16, L30, V4, (2018, 2, 22), "block handling moves to the compiler"),
    row!(0x480e_0d0a, CPython, "CPython", "3.15a1", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "TRACE_RECORD"),
    row!(0x4853_0d0a, GraalPy, "GraalPy", "25.1", (3, 12), None, Final, "25.1", H16, Graal, V0, (2025, 11, 7), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x490d_0d0a, CPython, "CPython", "3.8.0a1", (3, 8), None, Prerelease, "", H16, L30, V4, (2018, 3, 23), "END_ASYNC_FOR; a1 to a3; code layout still that of 3.0-3.7"),
    row!(0x490e_0d0a, CPython, "CPython", "3.15a4", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "subscript of a str by an int specialised"),
    row!(0x4a0e_0d0a, CPython, "CPython", "3.15a4", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "list and set over a generator expression"),
    row!(0x4b0e_0d0a, CPython, "CPython", "3.15a4", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "CALL_FUNCTION_EX specialised"),
    row!(0x4c0e_0d0a, CPython, "CPython", "3.15a4", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "generator start code"),
    row!(0x4d0e_0d0a, CPython, "CPython", "3.15a4", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "lazy imports: IMPORT_NAME argument carries two flag bits"),
    row!(0x4e0e_0d0a, CPython, "CPython", "3.15a8", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "RESUME has a counter (cache cell)"),
    row!(0x4e52_0d0a, GraalPy, "GraalPy", "21.0", (3, 8), None, Final, "21.0", H16, Graal, V0, (2021, 1, 1), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x4f0c_0d0a, CPython, "CPython", "3.1", (3, 1), None, Final, "3.1-3.1.5", H8, L30, V2Text, (2009, 2, 25), "POP_JUMP_IF_x"),
    row!(0x4f0e_0d0a, CPython, "CPython", "3.15a8", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "GET_ITER and GET_YIELD_FROM_ITER merged"),
    row!(0x4ff2_0d0a, CPython, "CPython", "2.4 dev", (2, 4), None, Prerelease, "", H8, L23, V0, (2004, 4, 1), "development: stop sharing bytecode files with 2.3"),
    row!(0x5000_0d0a, PyPy, "PyPy", "3.5 dev", (3, 5), None, Prerelease, "", H12, L30, PyPy, (2016, 8, 27), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x5001_0d0a, PyPy, "PyPy", "PyPy3.9 v7.3.10 on", (3, 9), None, Final, "v7.3.10 to v7.3.16", H16, L38, PyPy, (2022, 3, 26), "v7.3.8 and v7.3.9 wrote 3425 instead"),
    row!(0x500e_0d0a, CPython, "CPython", "3.15a8", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "qualname of __annotate__"),
    row!(0x510e_0d0a, CPython, "CPython", "3.15a8", (3, 15), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "FOR_ITER_VIRTUAL"),
    row!(0x520d_0d0a, CPython, "CPython", "3.8.0a4", (3, 8), None, Prerelease, "", H16, L38, V4, (2019, 4, 29), "positional-only parameters: posonlyargcount enters the code object"),
    row!(0x520e_0d0a, CPython, "CPython", "3.15b1", (3, 15), None, Final, "3.15.0 (seen in 3.15.0rc1; final build itself not inspected)", H16, L311, V6, (0, 0, 0), "SEND specialisations; unchanged in 3.15.0rc1"),
    row!(0x5253_0d0a, GraalPy, "GraalPy", "25.3", (3, 12), Some((3, 13)), Final, "25.3", H16, Graal, V0, (2026, 6, 22), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x530d_0d0a, CPython, "CPython", "3.8.0b2", (3, 8), None, Prerelease, "", H16, L38, V4, (2019, 6, 23), "key before value in dict comprehensions"),
    row!(0x540d_0d0a, CPython, "CPython", "3.8.0b3", (3, 8), None, Prerelease, "", H16, L38, V4, (2019, 7, 14), "order of fields in ast.arguments"),
    row!(0x550d_0d0a, CPython, "CPython", "3.8", (3, 8), None, Final, "3.8.0-3.8.20", H16, L38, V4, (2019, 8, 24), "break and continue inside finally; from b4. Also written by PyPy 3.8 v7.3.6 to v7.3.9 and by Pyston 2.x"),
    row!(0x550d_0d0a, PyPy, "PyPy", "PyPy3.8 v7.3.6-v7.3.9", (3, 8), None, Final, "v7.3.6 to v7.3.9", H16, L38, PyPy, (2021, 10, 17), "collision with CPython 3.8: the copied importlib overwrote the PyPy value; opcodes are those of PyPy"),
    row!(0x550d_0d0a, Fork, "Pyston", "2.2-2.3.5", (3, 8), None, Final, "2.2-2.3.5", H16, L38, V4, (2021, 1, 1), "same value and layout as CPython 3.8"),
    row!(0x560d_0d0a, Fork, "Cinder", "Cinder 3.8", (3, 8), None, Final, "", H16, Cinder38, V4, (2021, 1, 1), "qualname field in the code object; position of the qualname field not established"),
    row!(0x570d_0d0a, Fork, "Cinder", "Cinder 3.8", (3, 8), None, Final, "", H16, Cinder38, V4, (2021, 1, 1), "LOAD_TYPE; position of the qualname field not established"),
    row!(0x580c_0d0a, CPython, "CPython", "3.2a1", (3, 2), None, Prerelease, "", H8, L30, V2Text, (2009, 6, 28), "SETUP_WITH; the plus-one rule ends, files carry the constant itself"),
    row!(0x580d_0d0a, Fork, "Cinder", "Cinder 3.8", (3, 8), None, Final, "", H16, Cinder38, V4, (2021, 1, 1), "typed primitive opcodes; position of the qualname field not established"),
    row!(0x590d_0d0a, Fork, "Cinder", "Cinder 3.8", (3, 8), None, Final, "", H16, Cinder38, V4, (2021, 1, 1), "inlined comprehensions; position of the qualname field not established"),
    row!(0x59f2_0d0a, CPython, "CPython", "2.4a1", (2, 4), None, Prerelease, "", H8, L23, V1, (2004, 6, 27), "interned strings are shared inside marshal data (types t and R)"),
    row!(0x5c0d_0d0a, CPython, "CPython", "3.9.0a1", (3, 9), None, Prerelease, "", H16, L38, V4, (2019, 6, 22), "LOAD_ASSERTION_ERROR"),
    row!(0x5d0d_0d0a, CPython, "CPython", "3.9 dev", (3, 9), None, Prerelease, "", H16, L38, V4, (0, 0, 0), "with blocks simplified"),
    row!(0x5e0d_0d0a, CPython, "CPython", "3.9.0a2", (3, 9), None, Prerelease, "", H16, L38, V4, (2019, 11, 21), "finally opcodes removed"),
    row!(0x5f0d_0d0a, CPython, "CPython", "3.9 dev", (3, 9), None, Prerelease, "", H16, L38, V4, (2020, 1, 14), "IS_OP, CONTAINS_OP"),
    row!(0x6000_0d0a, PyPy, "PyPy", "3.5 dev", (3, 5), None, Prerelease, "", H12, L30, PyPy, (2016, 11, 1), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x600d_0d0a, CPython, "CPython", "3.9.0a3", (3, 9), None, Prerelease, "", H16, L38, V4, (2020, 1, 23), "star unpacking simplified"),
    row!(0x610a_4352, Fork, "Pyston 0.x", "a LF C R", (2, 7), None, Final, "", NO, AstCache, V0, (2016, 1, 1), "not bytecode: cached AST; 4-byte tag (a LF C R; other letters in 0.4 and 0.5), i32 length, 1 checksum byte"),
    row!(0x610d_0d0a, CPython, "CPython", "3.9", (3, 9), None, Final, "3.9.0-3.9.25", H16, L38, V4, (2020, 1, 27), "double-star unpacking; from a4; also the 3.10.0a1 tag. Also written by PyPy 3.9 v7.3.8 and v7.3.9"),
    row!(0x610d_0d0a, PyPy, "PyPy", "PyPy3.9 v7.3.8-v7.3.9", (3, 9), None, Final, "v7.3.8 and v7.3.9", H16, L38, PyPy, (2022, 2, 19), "collision with CPython 3.9, same cause"),
    row!(0x620c_0d0a, CPython, "CPython", "3.2a2", (3, 2), None, Prerelease, "", H8, L30, V2Text, (2010, 9, 4), "DUP_TOP_TWO, DUP_TOPX and ROT_FOUR removed"),
    row!(0x63f2_0d0a, CPython, "CPython", "2.4a3", (2, 4), None, Prerelease, "", H8, L23, V1, (2004, 8, 23), "peephole output cleaned up"),
    row!(0x660d_0d0a, CPython, "CPython", "3.10.0a2", (3, 10), None, Prerelease, "", H16, L38, V4, (2020, 10, 10), "annotations future on by default (later undone)"),
    row!(0x6707_0d0a, CPython, "CPython", "1.4 dev", (1, 4), None, Prerelease, "", H8, L13, V0, (1996, 7, 21), "power operator; development only"),
    row!(0x670d_0d0a, CPython, "CPython", "3.10 dev", (3, 10), None, Prerelease, "", H16, L38, V4, (2020, 11, 12), "new line table (PEP 626), first form with an end sentinel"),
    row!(0x680d_0d0a, CPython, "CPython", "3.10.0a3", (3, 10), None, Prerelease, "", H16, L38, V4, (2020, 11, 25), "function annotations as a tuple"),
    row!(0x690d_0d0a, CPython, "CPython", "3.10.0a4", (3, 10), None, Prerelease, "", H16, L38, V4, (2020, 12, 17), "RERAISE restores lasti"),
    row!(0x6a0d_0d0a, CPython, "CPython", "3.10.0a6", (3, 10), None, Prerelease, "", H16, L38, V4, (2021, 2, 26), "pattern matching"),
    row!(0x6b0d_0d0a, CPython, "CPython", "3.10.0a7", (3, 10), None, Prerelease, "", H16, L38, V4, (2021, 4, 4), "jump targets count instructions, no longer bytes"),
    row!(0x6c0c_0d0a, CPython, "CPython", "3.2", (3, 2), None, Final, "3.2-3.2.6", H8, L30, V2Text, (2010, 9, 10), "DELETE_DEREF"),
    row!(0x6c0d_0d0a, CPython, "CPython", "3.10 dev", (3, 10), None, Prerelease, "", H16, L38, V4, (2021, 4, 6), "GEN_START"),
    row!(0x6d0d_0d0a, CPython, "CPython", "3.10 dev", (3, 10), None, Prerelease, "", H16, L38, V4, (2021, 4, 21), "annotations future no longer default"),
    row!(0x6df2_0d0a, CPython, "CPython", "2.4", (2, 4), None, Final, "2.4-2.4.6", H8, L23, V1, (2004, 9, 22), "tuples of constants folded to one constant"),
    row!(0x6df2_0d0a, PyPy, "PyPy", "1.0 (2.4)", (2, 4), None, Prerelease, "", H8, L23, V1, (0, 0, 0), "PyPy 1.0 reused the value of CPython 2.4"),
    row!(0x6e0d_0d0a, CPython, "CPython", "3.10 dev", (3, 10), None, Prerelease, "", H16, L38, V4, (2021, 4, 29), "line table without the end sentinel"),
    row!(0x6ef2_0d0a, CPython, "CPython", "2.4 -U", (2, 4), None, Variant, "", H8, L23, V1, (2004, 9, 22), "-U variant"),
    row!(0x6f0d_0d0a, CPython, "CPython", "3.10", (3, 10), None, Final, "3.10.0 on", H16, L38, V4, (2021, 5, 2), "ROT_N; from b1"),
    row!(0x7000_0d0a, PyPy, "PyPy", "PyPy3.5 v5.7-v7.0", (3, 5), None, Final, "v5.7 to v7.0", H12, L30, PyPy, (2016, 11, 3), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x7001_0d0a, PyPy, "PyPy", "3.10 dev", (3, 10), None, Prerelease, "", H16, P310, PyPy, (2022, 9, 19), "position information"),
    row!(0x730c_0d0a, PyPy, "PyPy", "PyPy3 (3.2) per xdis", (3, 2), None, Unconfirmed, "", H8, L30, V2Text, (0, 0, 0), "xdis lists 3180 plus 7; no PyPy source revision found with it"),
    row!(0x740e_0d0a, CPython, "CPython", "3.16a0", (3, 16), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "start of the series"),
    row!(0x750e_0d0a, CPython, "CPython", "3.16a0", (3, 16), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "empty tuple becomes a common constant"),
    row!(0x760c_0d0a, CPython, "CPython", "3.3 dev", (3, 3), None, Prerelease, "", H8, L30, V2Text, (2011, 6, 19), "__class__ closure of super"),
    row!(0x760e_0d0a, CPython, "CPython", "3.16a1", (3, 16), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "DELETE_NAME replaced"),
    row!(0x770e_0d0a, CPython, "CPython", "3.16a1", (3, 16), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "DELETE_GLOBAL replaced"),
    row!(0x77f2_0d0a, CPython, "CPython", "2.5a0", (2, 5), None, Prerelease, "", H8, L23, V2, (2005, 6, 3), "development (June 2005)"),
    row!(0x780e_0d0a, CPython, "CPython", "3.16a1", (3, 16), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "DELETE_ATTR replaced"),
    row!(0x790e_0d0a, CPython, "CPython", "3.16a1", (3, 16), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "intrinsic for conditional annotations"),
    row!(0x7a0d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311A, V4, (2021, 5, 7), "exception table replaces block opcodes; table field appended to the code object"),
    row!(0x7a0e_0d0a, CPython, "CPython", "3.16a1", (3, 16), None, Prerelease, "", H16, L311, V6, (0, 0, 0), "intrinsic for class patterns"),
    row!(0x7a56_0d0a, Fork, "Pyston", "2.7", (2, 7), None, Unconfirmed, "", H8, L23, V2, (0, 0, 0), "listed by xdis only"),
    row!(0x7b0d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311A, V4, (2021, 5, 15), "CALL_METHOD_KW"),
    row!(0x7bc6_0d0a, CPython, "CPython", "2.0 dev", (2, 0), None, Prerelease, "", H8, L15, V0, (2000, 8, 11), "UNPACK_LIST and UNPACK_TUPLE merged into UNPACK_SEQUENCE"),
    row!(0x7c0d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311B, V4, (2021, 5, 27), "nlocals no longer marshalled"),
    row!(0x7d0d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311C, V4, (2021, 6, 3), "one names tuple for locals, cells and frees; kinds follow as raw untagged bytes"),
    row!(0x7e0d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311C, V4, (2021, 6, 3), "cell offsets relative to locals"),
    row!(0x7f0d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311C, V4, (2021, 6, 7), "MAKE_CELL"),
    row!(0x7fc6_0d0a, CPython, "CPython", "2.0 dev", (2, 0), None, Prerelease, "", H8, L15, V0, (2000, 8, 17), "import as"),
    row!(0x8000_0d0a, PyPy, "PyPy", "3.6 dev", (3, 6), None, Prerelease, "", H12, L30, PyPy, (2018, 5, 12), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x8001_0d0a, PyPy, "PyPy", "PyPy3.10", (3, 10), None, Final, "v7.3.12 to v7.3.19", H16, P310, PyPy, (2023, 2, 16), "co_linetable holds a PyPy location format; jumps count instructions"),
    row!(0x800c_0d0a, CPython, "CPython", "3.3 dev", (3, 3), None, Prerelease, "", H8, L30, V2Text, (2011, 11, 25), "__qualname__ (PEP 3155); header is still 8 bytes"),
    row!(0x800d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311C, V4, (2021, 6, 15), "cell arguments interleaved"),
    row!(0x810d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311D, V4, (2021, 6, 21), "kinds become a normal bytes object"),
    row!(0x81f2_0d0a, CPython, "CPython", "2.5a0", (2, 5), None, Prerelease, "", H8, L23, V2, (2005, 10, 21), "AST compiler branch; MAKE_CLOSURE stack order"),
    row!(0x820d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311D, V4, (2021, 7, 1), "no method call opcodes on imported objects"),
    row!(0x830d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311E, V4, (2021, 7, 2), "PEP 657 first form: end line table and column table fields"),
    row!(0x840d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 7, 7), "qualname field"),
    row!(0x850d_0d0a, CPython, "CPython", "3.11a1", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 10, 9), "JUMP_ABSOLUTE only backwards"),
    row!(0x85c6_0d0a, CPython, "CPython", "2.0 dev", (2, 0), None, Prerelease, "", H8, L15, V0, (2000, 8, 21), "extended print statement"),
    row!(0x8600_0d0a, RustPython, "RustPython", "3.13 alpha", (3, 13), None, Unconfirmed, "", H16, RustPython, V0, (0, 0, 0), "listed by xdis only"),
    row!(0x860d_0d0a, CPython, "CPython", "3.11a2", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 10, 27), "pattern matching opcodes changed"),
    row!(0x86c6_0d0a, CPython, "CPython", "2.0 dev", (2, 0), None, Prerelease, "", H8, L15, V0, (2000, 8, 24), "augmented assignment"),
    row!(0x870d_0d0a, CPython, "CPython", "3.11a3", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 11, 10), "exception match leaves the stack"),
    row!(0x87c6_0d0a, CPython, "CPython", "2.0", (2, 0), None, Final, "2.0-2.0.1", H8, L15, V0, (2000, 8, 27), "new import opcodes"),
    row!(0x880d_0d0a, CPython, "CPython", "3.11a3", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 11, 12), "BINARY_OP"),
    row!(0x88c6_0d0a, CPython, "CPython", "2.0 -U", (2, 0), None, Variant, "", H8, L15, V0, (2000, 8, 27), "-U variant"),
    row!(0x890d_0d0a, CPython, "CPython", "3.11a3", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 11, 23), "COPY_FREE_VARS"),
    row!(0x892e_0d0a, CPython, "CPython", "1.3", (1, 3), None, Final, "1.3", H8, L13, V0, (1995, 7, 18), "keyword arguments and faster calls; code letter becomes c; first release with CR LF in the magic; also 1.4b1"),
    row!(0x8a0c_0d0a, CPython, "CPython", "3.3.0a1", (3, 3), None, Prerelease, "", H12, L30, V2Text, (2012, 1, 13), "source size (mod 2**32) joins the header: 12 bytes from here"),
    row!(0x8a0d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 12, 14), "except*"),
    row!(0x8b0d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 12, 14), "calls split"),
    row!(0x8bf2_0d0a, CPython, "CPython", "2.5a0", (2, 5), None, Prerelease, "", H8, L23, V2, (2006, 2, 27), "with statement"),
    row!(0x8c0d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 12, 15), "SEND"),
    row!(0x8cf2_0d0a, CPython, "CPython", "2.5a0", (2, 5), None, Prerelease, "", H8, L23, V2, (2006, 2, 28), "WITH_CLEANUP changed; relative imports carry a level; shipped in 2.5a1 to 2.5b2"),
    row!(0x8d0d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2021, 12, 17), "exc_info reduced"),
    row!(0x8e0d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 2), "PREP_RERAISE_STAR"),
    row!(0x8f0d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 4), "POP_EXCEPT_AND_RERAISE removed"),
    row!(0x9000_0d0a, PyPy, "PyPy", "3.6 dev", (3, 6), None, Prerelease, "", H12, L30, PyPy, (2018, 5, 14), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x9001_0d0a, PyPy, "PyPy", "PyPy3.11 v7.3.18", (3, 11), None, Final, "v7.3.18", H16, P310, PyPy, (2024, 10, 2), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0x900d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 4), "GEN_START replaced by POP_TOP"),
    row!(0x910d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 6), "POP_JUMP_IF_NONE"),
    row!(0x920d_0d0a, CPython, "CPython", "3.11a4", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 6), "RESUME"),
    row!(0x930d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 20), "RETURN_GENERATOR"),
    row!(0x940c_0d0a, CPython, "CPython", "3.3.0a2", (3, 3), None, Prerelease, "", H12, L30, V2Text, (2012, 3, 16), "yield from changed; shipped in 3.3.0a2 and a3"),
    row!(0x940d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 24), "ASYNC_GEN_WRAP"),
    row!(0x9494_9400, CPython, "CPython", "0.9.8", (0, 9), None, Prerelease, "", H8, Unknown, V0, (1991, 12, 16), "oldest tagged source; 24-bit magic 0x949494; only for detection"),
    row!(0x950d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 26), "COPY and SWAP replace DUP and ROT"),
    row!(0x954e_0d0a, CPython, "CPython", "1.5 dev", (1, 5), None, Prerelease, "", H8, L13, V0, (1997, 1, 17), "announced as one more marshalled item, but the reader of that commit still has the 1.4 layout; development only, one week of January 1997"),
    row!(0x95f2_0d0a, CPython, "CPython", "2.5b3", (2, 5), None, Prerelease, "", H8, L23, V2, (2006, 7, 12), "fix for single-target tuple in for loops"),
    row!(0x960d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 1, 28), "calls again"),
    row!(0x970d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 2, 18), "PUSH_NULL"),
    row!(0x980d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 2, 21), "calls, second try"),
    row!(0x990d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 2, 25), "inline cache for BINARY_OP: CACHE cells appear in co_code"),
    row!(0x994e_0d0a, CPython, "CPython", "1.5", (1, 5), None, Final, "1.5-1.5.2", H8, L15, V0, (1997, 1, 24), "line number table added to the code object; shared by 1.5, 1.5.1, 1.5.2 and also 1.6a1, 1.6a2"),
    row!(0x9a0d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 2, 28), "inline cache for UNPACK_SEQUENCE and LOAD_GLOBAL"),
    row!(0x9b0d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 3, 1), "inline cache for COMPARE_OP and BINARY_SUBSCR"),
    row!(0x9c0d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 3, 3), "inline cache for attribute access"),
    row!(0x9d0d_0d0a, CPython, "CPython", "3.11a5", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 3, 4), "GET_AWAITABLE argument"),
    row!(0x9e0c_0d0a, CPython, "CPython", "3.3", (3, 3), None, Final, "3.3.0-3.3.7", H12, L30, V2Text, (2012, 5, 27), "__class__ closure reverted; from 3.3.0a4"),
    row!(0x9e0d_0d0a, CPython, "CPython", "3.11a6", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 3, 7), "inline cache for calls"),
    row!(0x9e52_0d0a, GraalPy, "GraalPy", "21.3-22.3 (AST interpreter)", (3, 8), None, Final, "21.3 to 22.3, default mode", H16, Graal, V0, (2021, 1, 1), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0x9f0d_0d0a, CPython, "CPython", "3.11a6", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 3, 8), "adaptive counter opcode argument gone"),
    row!(0x9ff2_0d0a, CPython, "CPython", "2.5b3", (2, 5), None, Prerelease, "", H8, L23, V2, (2006, 7, 30), "fix for augmented assignment of a yield expression"),
    row!(0xa000_0d0a, PyPy, "PyPy", "PyPy3.6 v7.0-v7.1", (3, 6), None, Final, "v7.0 to v7.1.1", H12, L30, PyPy, (2018, 5, 21), "wordcode"),
    row!(0xa001_0d0a, PyPy, "PyPy", "PyPy3.11 v7.3.19-v7.3.22", (3, 11), None, Final, "v7.3.19 to v7.3.22", H16, P311, PyPy, (2025, 2, 11), "qualname field added"),
    row!(0xa00d_0d0a, CPython, "CPython", "3.11a6", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 3, 17), "LOAD_GLOBAL low bit pushes NULL"),
    row!(0xa10d_0d0a, CPython, "CPython", "3.11a6", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 3, 31), "JUMP_BACKWARD"),
    row!(0xa20d_0d0a, CPython, "CPython", "3.11a6", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 4, 1), "CHECK_EXC_MATCH"),
    row!(0xa30d_0d0a, CPython, "CPython", "3.11a6", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 4, 5), "CHECK_EG_MATCH"),
    row!(0xa40d_0d0a, CPython, "CPython", "3.11a7", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 4, 11), "conditional jumps relative"),
    row!(0xa50d_0d0a, CPython, "CPython", "3.11a7", (3, 11), None, Prerelease, "", H16, L311F, V4, (2022, 4, 15), "JUMP_IF_x_OR_POP relative"),
    row!(0xa50e_0d0a, Fork, "molt", "3.16 fork", (3, 16), None, Final, "", H16, L311, V6, (2026, 1, 1), "example of a private fork number"),
    row!(0xa60d_0d0a, CPython, "CPython", "3.11a7", (3, 11), None, Prerelease, "", H16, L311, V4, (2022, 4, 27), "single location table replaces the three tables"),
    row!(0xa70d_0d0a, CPython, "CPython", "3.11", (3, 11), None, Final, "3.11.0 on", H16, L311, V4, (0, 0, 0), "line of the module RESUME is 0; from b4"),
    row!(0xa80c_0d0a, CPython, "CPython", "3.4 dev", (3, 4), None, Prerelease, "", H12, L30, V2Text, (2013, 2, 10), "positional defaults before keyword-only defaults (functions)"),
    row!(0xa9f2_0d0a, CPython, "CPython", "2.5c1", (2, 5), None, Prerelease, "", H8, L23, V2, (2006, 8, 4), "line table of for loops; constants that should go away"),
    row!(0xac0d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 5, 19), "PRECALL removed"),
    row!(0xad0d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 5, 19), "YIELD_VALUE argument is stack depth"),
    row!(0xae0d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 5, 31), "LOAD_FAST_CHECK"),
    row!(0xaf0d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 6, 7), "smaller LOAD_METHOD cache"),
    row!(0xb000_0d0a, PyPy, "PyPy", "3.6 dev", (3, 6), None, Prerelease, "", H12, L30, PyPy, (2019, 6, 4), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0xb001_0d0a, PyPy, "PyPy", "PyPy3.11 v7.3.23", (3, 11), None, Final, "v7.3.23", H16, P311X, PyPy, (2026, 4, 10), "exception table field added; code objects take part in reference sharing"),
    row!(0xb00d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 6, 14), "LOAD_METHOD merged into LOAD_ATTR (low bit)"),
    row!(0xb10d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 6, 21), "cache for FOR_ITER"),
    row!(0xb20b_0d0a, RustPython, "RustPython", "0.5.0", (3, 14), None, Final, "0.5.0", H16, RustPython, V0, (2026, 3, 31), "own code layout"),
    row!(0xb20c_0d0a, CPython, "CPython", "3.4 dev", (3, 4), None, Prerelease, "", H12, L30, V2Text, (2013, 2, 10), "the same for lambda"),
    row!(0xb20d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 6, 27), "BINARY_SLICE, STORE_SLICE"),
    row!(0xb30d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 7, 5), "line of the module RESUME"),
    row!(0xb3f2_0d0a, CPython, "CPython", "2.5", (2, 5), None, Final, "2.5-2.5.6", H8, L23, V2, (2006, 9, 5), "fix for one-element unpacking in comprehensions"),
    row!(0xb40b_0d0a, RustPython, "RustPython", "main branch", (3, 13), Some((3, 14)), Prerelease, "", H16, RustPython, V0, (2026, 1, 20), "own code layout"),
    row!(0xb40d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 8, 19), "CLEANUP_THROW"),
    row!(0xb4f2_0d0a, CPython, "CPython", "2.5 -U", (2, 5), None, Variant, "", H8, L23, V2, (2006, 9, 5), "-U variant"),
    row!(0xb50b_0d0a, RustPython, "RustPython", "main branch", (3, 13), Some((3, 14)), Prerelease, "", H16, RustPython, V0, (2026, 1, 4), "own code layout; also used again from 2026-03-20"),
    row!(0xb50d_0d0a, CPython, "CPython", "3.12a1", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 9, 1), "conditional jumps only forward"),
    row!(0xb5f2_0d0a, PyPy, "PyPy", "PyPy 1.1", (2, 5), None, Final, "1.1", H8, L23, V2, (2008, 10, 6), "62131 plus 2"),
    row!(0xb60d_0d0a, CPython, "CPython", "3.12a2", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 10, 27), "FOR_ITER keeps the iterator"),
    row!(0xb70d_0d0a, CPython, "CPython", "3.12a2", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 11, 3), "STOPITERATION_ERROR"),
    row!(0xb7f2_0d0a, Fork, "Dropbox", "Dropbox 1.1 and older", (2, 5), None, Final, "", H8, Encrypted, V0, (0, 0, 0), "code objects encrypted (TEA family), opcodes permuted; two 32-bit words follow the code letter"),
    row!(0xb80b_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L23, V2Alpha, (2006, 3, 15), "start of the py3k branch; code layout still that of 2.x"),
    row!(0xb80d_0d0a, CPython, "CPython", "3.12a2", (3, 12), None, Prerelease, "", H16, L311, V4, (2022, 11, 11), "unused constants dropped from co_consts"),
    row!(0xb90d_0d0a, CPython, "CPython", "3.12a4", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 1, 5), "CALL_INTRINSIC_1"),
    row!(0xba0d_0d0a, CPython, "CPython", "3.12a4", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 1, 6), "more intrinsics"),
    row!(0xbb0d_0d0a, CPython, "CPython", "3.12a5", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 1, 11), "jump mask inside COMPARE_OP argument"),
    row!(0xbc0c_0d0a, CPython, "CPython", "3.4 dev", (3, 4), None, Prerelease, "", H12, L30, V2Text, (0, 0, 0), "LOAD_CLASSDEREF"),
    row!(0xbc0d_0d0a, CPython, "CPython", "3.12a5", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 1, 16), "COMPARE_AND_BRANCH"),
    row!(0xbd0d_0d0a, CPython, "CPython", "3.12a5", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 1, 24), "YIELD_VALUE argument is exception depth"),
    row!(0xbdf2_0d0a, CPython, "CPython", "2.6 dev", (2, 6), None, Prerelease, "", H8, L23, V2, (2006, 10, 14), "peephole removes more dead code; note that PyPy used 62141 plus 2 as its own base"),
    row!(0xbe0d_0d0a, CPython, "CPython", "3.12a6", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 2, 7), "RETURN_CONST"),
    row!(0xbf0d_0d0a, CPython, "CPython", "3.12a6", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 2, 13), "SEND changed"),
    row!(0xbff2_0d0a, PyPy, "PyPy", "PyPy 1.2-1.4", (2, 5), None, Final, "1.2 to 1.4", H8, L23, V2, (2010, 1, 31), "62141 plus 2"),
    row!(0xc000_0d0a, PyPy, "PyPy", "PyPy3.6 v7.2-v7.3.3", (3, 6), None, Final, "v7.2 to v7.3.3", H12, L30, PyPy, (2019, 8, 7), "JUMP_IF_NOT_DEBUG gone"),
    row!(0xc001_0d0a, PyPy, "PyPy", "3.12 dev", (3, 12), None, Prerelease, "", H16, P311X, PyPy, (2026, 7, 18), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0xc00d_0d0a, CPython, "CPython", "3.12a6", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 2, 14), "CALL_INTRINSIC_2"),
    row!(0xc10d_0d0a, CPython, "CPython", "3.12a7", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 3, 10), "smaller LOAD_GLOBAL cache"),
    row!(0xc20b_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L23, V2Alpha, (2006, 8, 25), "UNARY_CONVERT removed"),
    row!(0xc20d_0d0a, CPython, "CPython", "3.12a7", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 3, 22), "JUMP_IF_x_OR_POP removed"),
    row!(0xc30d_0d0a, CPython, "CPython", "3.12a7", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 3, 23), "COMPARE_AND_BRANCH undone"),
    row!(0xc40d_0d0a, CPython, "CPython", "3.12a7", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 3, 29), "smaller BINARY_SUBSCR cache"),
    row!(0xc50d_0d0a, CPython, "CPython", "3.12b1", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 4, 5), "smaller CALL cache"),
    row!(0xc60c_0d0a, CPython, "CPython", "3.4 dev", (3, 4), None, Prerelease, "", H12, L30, V2Text, (0, 0, 0), "__class__ closure tweaks"),
    row!(0xc60d_0d0a, CPython, "CPython", "3.12b1", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 4, 12), "monitoring opcodes (PEP 669)"),
    row!(0xc70d_0d0a, CPython, "CPython", "3.12b1", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 4, 24), "LOAD_SUPER_ATTR"),
    row!(0xc7f2_0d0a, CPython, "CPython", "2.6a1", (2, 6), None, Prerelease, "", H8, L23, V2, (2007, 12, 18), "STORE_MAP"),
    row!(0xc80d_0d0a, CPython, "CPython", "3.12b1", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 4, 25), "LOAD_SUPER_ATTR specialised"),
    row!(0xc90d_0d0a, CPython, "CPython", "3.12b1", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 5, 9), "comprehensions inlined (PEP 709)"),
    row!(0xca0d_0d0a, CPython, "CPython", "3.12b1", (3, 12), None, Prerelease, "", H16, L311, V4, (2023, 5, 11), "smaller LOAD_SUPER_ATTR cache"),
    row!(0xcb0d_0d0a, CPython, "CPython", "3.12", (3, 12), None, Final, "3.12.0 on", H16, L311, V4, (2023, 5, 15), "type parameters (PEP 695); also used by RustPython builds of late December 2025"),
    row!(0xcb0d_0d0a, RustPython, "RustPython", "main branch", (3, 13), Some((3, 14)), Prerelease, "", H16, RustPython, V0, (2025, 12, 26), "own code layout; collision with CPython 3.12"),
    row!(0xcc0b_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L23, V2Alpha, (2006, 8, 28), "BUILD_SET"),
    row!(0xd000_0d0a, PyPy, "PyPy", "3.7 dev", (3, 7), None, Prerelease, "", H16, L30, PyPy, (2020, 1, 6), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0xd001_0d0a, PyPy, "PyPy", "3.12 dev", (3, 12), None, Prerelease, "", H16, P311X, PyPy, (2026, 7, 24), "inlined comprehensions"),
    row!(0xd00c_0d0a, CPython, "CPython", "3.4.0a1", (3, 4), None, Prerelease, "", H12, L30, V3, (2013, 6, 14), "implicit class argument removed; shipped in a1 to a3; marshal version 3"),
    row!(0xd052_0d0a, GraalPy, "GraalPy", "3.8 dev", (3, 8), None, Prerelease, "", H16, Graal, V0, (2022, 4, 25), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0xd1f2_0d0a, CPython, "CPython", "2.6", (2, 6), None, Final, "2.6-2.6.9", H8, L23, V2, (2008, 3, 7), "WITH_CLEANUP keeps __exit__ on the stack"),
    row!(0xd2f2_0d0a, CPython, "CPython", "2.6 -U", (2, 6), None, Variant, "", H8, L23, V2, (2008, 3, 7), "-U variant"),
    row!(0xd60b_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2006, 10, 27), "keyword-only parameters: kwonlyargcount enters the code object"),
    row!(0xda0c_0d0a, CPython, "CPython", "3.4.0a4", (3, 4), None, Prerelease, "", H12, L30, V4, (2013, 10, 19), "__qualname__ rules; marshal version 4 starts here"),
    row!(0xda52_0d0a, GraalPy, "GraalPy", "22.2 (bytecode option)", (3, 8), None, Final, "22.2", H16, Graal, V0, (2022, 5, 25), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0xdbf2_0d0a, CPython, "CPython", "2.7a0", (2, 7), None, Prerelease, "", H8, L23, V2, (2008, 12, 17), "list comprehensions: LIST_APPEND changed"),
    row!(0xdcea_0d0a, CPython, "CPython", "2.1 dev", (2, 1), None, Prerelease, "", H8, L21, V0, (2001, 1, 25), "nested scopes (PEP 227) work; freevars and cellvars appear in the code object"),
    row!(0xde0d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 6, 2), "optimizer plug-in support"),
    row!(0xdf0d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 6, 5), "two-in-one load and store opcodes"),
    row!(0xe000_0d0a, PyPy, "PyPy", "PyPy3.7 v7.3.2-v7.3.3", (3, 7), None, Final, "v7.3.2 and v7.3.3", H16, L30, PyPy, (2020, 1, 15), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0xe00b_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2006, 12, 28), "signature annotations"),
    row!(0xe00d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 6, 13), "two of those removed"),
    row!(0xe10d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (0, 0, 0), "SET_FUNCTION_ATTRIBUTE"),
    row!(0xe20d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 6, 13), "f-string opcodes"),
    row!(0xe30d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 6, 19), "opcode metadata generated"),
    row!(0xe40c_0d0a, CPython, "CPython", "3.4.0b1", (3, 4), None, Prerelease, "", H12, L30, V4, (2013, 10, 20), "__qualname__ rules again; b1 to rc1"),
    row!(0xe40d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 6, 29), "LOAD_CLOSURE is a pseudo instruction"),
    row!(0xe452_0d0a, GraalPy, "GraalPy", "3.8 dev", (3, 8), None, Prerelease, "", H16, Graal, V0, (2022, 6, 21), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0xe50d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 6, 29), "explicit TO_BOOL before jumps"),
    row!(0xe5f2_0d0a, CPython, "CPython", "2.7a0", (2, 7), None, Prerelease, "", H8, L23, V2, (2009, 2, 28), "POP_JUMP_IF_x"),
    row!(0xe60d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 8, 9), "CALL stack order"),
    row!(0xe70d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 8, 16), "opcode numbers generated: complete renumbering"),
    row!(0xe80d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 9, 11), "RESUME_CHECK"),
    row!(0xe90d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 9, 11), "cache on branches"),
    row!(0xea0b_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2007, 2, 9), "print becomes a function"),
    row!(0xea0d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 9, 12), "internal opcodes get their own number range"),
    row!(0xeb0d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 9, 13), "CALL_KW replaces KW_NAMES"),
    row!(0xec0d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 11, 2), "YIELD_VALUE argument removed, RESUME values changed"),
    row!(0xed0d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2023, 11, 3), "YIELD_VALUE argument marks yield from"),
    row!(0xee0c_0d0a, CPython, "CPython", "3.4", (3, 4), None, Final, "3.4.0-3.4.10", H12, L30, V4, (2014, 2, 19), "__qualname__ rules; from rc2"),
    row!(0xee0d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2024, 1, 6), "JUMP_NO_INTERRUPT in more places"),
    row!(0xee52_0d0a, GraalPy, "GraalPy", "3.8 dev", (3, 8), None, Prerelease, "", H16, Graal, V0, (2022, 6, 21), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0xef0d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2024, 1, 19), "line propagation rewritten"),
    row!(0xeff2_0d0a, CPython, "CPython", "2.7a1", (2, 7), None, Prerelease, "", H8, L23, V2, (2009, 5, 25), "SETUP_WITH"),
    row!(0xf000_0d0a, PyPy, "PyPy", "PyPy3.7 v7.3.4 on", (3, 7), None, Final, "v7.3.4 to v7.3.9", H16, L30, PyPy, (2021, 1, 3), "value in pypy/interpreter/pycode.py, steps of 16 since the py3k branch"),
    row!(0xf00d_0d0a, CPython, "CPython", "3.13a1", (3, 13), None, Prerelease, "", H16, L311, V4, (2024, 1, 24), "END_FOR"),
    row!(0xf10d_0d0a, CPython, "CPython", "3.13a5", (3, 13), None, Prerelease, "", H16, L311, V4, (2024, 3, 7), "CONTAINS_OP specialised"),
    row!(0xf20d_0d0a, CPython, "CPython", "3.13a6", (3, 13), None, Prerelease, "", H16, L311, V4, (0, 0, 0), "__firstlineno__ in class bodies"),
    row!(0xf303_0d0a, Fork, "Jython", "2.7.1b3", (2, 7), None, Unconfirmed, "", H8, Unknown, V0, (0, 0, 0), "listed by xdis only; looks like a byte swap of 62211"),
    row!(0xf30d_0d0a, CPython, "CPython", "3.13", (3, 13), None, Final, "3.13.0 on", H16, L311, V4, (0, 0, 0), "private names in generic classes; from b1"),
    row!(0xf40b_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2007, 3, 18), "metaclass syntax of PEP 3115"),
    row!(0xf50b_0d0a, CPython, "CPython", "3000", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2007, 3, 18), "string literals are Unicode; from here to 3.1 the written magic is the C constant plus one"),
    row!(0xf80c_0d0a, CPython, "CPython", "3.5.0a1", (3, 5), None, Prerelease, "", H12, L30, V4, (2014, 4, 9), "matrix multiplication"),
    row!(0xf852_0d0a, GraalPy, "GraalPy", "3.8 dev", (3, 8), None, Prerelease, "", H16, Graal, V0, (2022, 7, 19), "21000 + 10 * bytecode version; payload is GraalPy own marshal dialect (code letter C), not CPython bytecode; one value can serve two Python series"),
    row!(0xf9f2_0d0a, CPython, "CPython", "2.7a0", (2, 7), None, Prerelease, "", H8, L23, V2, (2010, 1, 9), "BUILD_SET"),
    row!(0xfcc4_0d0a, CPython, "CPython", "1.6", (1, 6), None, Final, "1.6", H8, L15, V0, (2000, 4, 28), "Unicode strings can be marshalled; the number encodes a date"),
    row!(0xfdc4_0d0a, CPython, "CPython", "1.6 -U", (1, 6), None, Variant, "", H8, L15, V0, (2000, 4, 28), "all-Unicode mode (interpreter option -U), magic plus one"),
    row!(0xff0b_0d0a, CPython, "CPython", "3.0a1", (3, 0), None, Prerelease, "", H8, L30, V2Alpha, (2007, 8, 31), "raise syntax (PEP 3109)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_one_row_for_each_owner_of_a_magic() {
        assert!(VERSIONS.windows(2).all(|pair| {
            let key = |version: &Version| (version.magic, version.implementation, version.name);
            key(&pair[0]) < key(&pair[1])
        }));
        assert_eq!(VERSIONS.len() + NEVER_IN_FILE.len() + 1, 372);
    }

    #[test]
    fn a_row_that_is_read_has_a_header_layout() {
        assert!(VERSIONS.iter().filter(|version| version.is_read()).all(|version| version.header.is_some()));
    }

    #[test]
    fn a_number_that_forks_share_gives_every_owner_with_cpython_first() {
        let names: Vec<_> = lookup(Magic::with_number(3413)).iter().map(|version| version.name).collect();
        assert_eq!(names, ["CPython", "PyPy", "Pyston"]);
    }

    #[test]
    fn the_display_name_is_the_series_of_a_release_and_the_label_of_a_prerelease() {
        let python = |number| lookup(Magic::with_number(number))[0].python();
        assert_eq!(python(3531), "CPython 3.12");
        assert_eq!(python(3351), "CPython 3.5");
        assert_eq!(python(3600), "CPython 3.14a1 (pre-release)");
        assert_eq!(python(336), "PyPy 3.9");
        assert_eq!(python(62212), "CPython 2.7 -U");
        assert_eq!(python(21290), "GraalPy 3.11-3.12");
        assert_eq!(lookup(Magic(*b"\x03\x99\x99\0"))[0].python(), "CPython 1.1-1.2");
        assert_eq!(lookup(Magic(*b"1aea"))[0].python(), "RustPython 3.5-3.13");
    }

    #[test]
    fn a_constant_that_is_never_written_is_not_matched() {
        assert!(lookup(Magic::with_number(3070)).is_empty());
        assert!(lookup(Magic(*b"\xca\xfe\xba\xbe")).is_empty());
    }

    #[test]
    fn the_magic_has_to_be_right_in_all_four_bytes() {
        assert!(lookup(Magic([0x55, 0x0d, 0, 0])).is_empty());
        assert!(!lookup(Magic([0x55, 0x0d, 0x0d, 0x0a])).is_empty());
    }

    #[test]
    fn days_become_seconds_since_1970() {
        assert_eq!(midnight((1970, 1, 1)), Some(0));
        assert_eq!(midnight((2023, 5, 15)), Some(1_684_108_800));
        assert_eq!(midnight((2024, 2, 29)), Some(1_709_164_800));
        assert_eq!(midnight((0, 0, 0)), None);
    }

    #[test]
    fn a_row_without_a_day_is_no_older_than_the_number_before_it() {
        let known = lookup(Magic::with_number(3569))[0].introduced.unwrap();
        assert_eq!(lookup(Magic::with_number(3571))[0].not_before(), Some(known));
        assert_eq!(lookup(Magic::with_number(3666))[0].not_before(), Some(known));
    }

    #[test]
    fn a_magic_that_is_shared_is_written_by_the_number_that_python_prints() {
        assert_eq!(Magic::with_number(3571).word(), 0x0a0d_0df3);
        assert_eq!(Magic::with_number(3571).0, [0xf3, 0x0d, 0x0d, 0x0a]);
    }
}
