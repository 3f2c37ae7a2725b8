//! Data only: which fields a code object has in each layout, in file order.

use super::versions::CodeLayout;

/// A field that holds a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of CPython's co_ attributes")]
pub enum Number {
    ArgCount,
    PosOnlyArgCount,
    KwOnlyArgCount,
    NLocals,
    StackSize,
    Flags,
    FirstLineNo,
}

/// How many kinds of number there are.
pub(super) const NUMBERS: usize = 7;

/// A field that holds an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of CPython's co_ attributes")]
pub enum Object {
    Code,
    Consts,
    Names,
    VarNames,
    FreeVars,
    CellVars,
    LocalsPlusNames,
    LocalsPlusKinds,
    Filename,
    Name,
    QualName,
    LineTable,
    EndLineTable,
    ColumnTable,
    ExceptionTable,
}

/// How many kinds of object field there are.
pub(super) const OBJECTS: usize = 15;

/// One field of a code object as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A signed number of 16 bits.
    Short(Number),
    /// A signed number of 32 bits.
    Long(Number),
    /// A marshalled object.
    Object(Object),
    /// As many bytes as the tuple of names before it has items, without type or length.
    RawKinds,
}

use Field::Long as L;
use Field::Object as O;
use Field::Short as S;
use Number as N;
use Object as C;

const L10: &[Field] = &[O(C::Code), O(C::Consts), O(C::Names), O(C::Filename), O(C::Name)];
const L13: &[Field] = &[
    S(N::ArgCount),
    S(N::NLocals),
    S(N::Flags),
    O(C::Code),
    O(C::Consts),
    O(C::Names),
    O(C::VarNames),
    O(C::Filename),
    O(C::Name),
];
const L15: &[Field] = &[
    S(N::ArgCount),
    S(N::NLocals),
    S(N::StackSize),
    S(N::Flags),
    O(C::Code),
    O(C::Consts),
    O(C::Names),
    O(C::VarNames),
    O(C::Filename),
    O(C::Name),
    S(N::FirstLineNo),
    O(C::LineTable),
];
const L21: &[Field] = &[
    S(N::ArgCount),
    S(N::NLocals),
    S(N::StackSize),
    S(N::Flags),
    O(C::Code),
    O(C::Consts),
    O(C::Names),
    O(C::VarNames),
    O(C::FreeVars),
    O(C::CellVars),
    O(C::Filename),
    O(C::Name),
    S(N::FirstLineNo),
    O(C::LineTable),
];

/// Writes the layouts that differ by a few fields from the same columns, so that a difference is seen.
macro_rules! layouts {
    ($($name:ident: [$($number:ident)+] [$($vars:tt)+] [$($names:ident)+] [$($tables:ident)+];)+) => {
        $(const $name: &[Field] = &[
            $(L(N::$number),)+
            O(C::Code), O(C::Consts), O(C::Names),
            $(layouts!(@var $vars),)+
            $(O(C::$names),)+
            L(N::FirstLineNo),
            $(O(C::$tables),)+
        ];)+
    };
    (@var RawKinds) => { Field::RawKinds };
    (@var $var:ident) => { O(C::$var) };
}

layouts! {
    L23: [ArgCount NLocals StackSize Flags] [VarNames FreeVars CellVars] [Filename Name] [LineTable];
    L30: [ArgCount KwOnlyArgCount NLocals StackSize Flags] [VarNames FreeVars CellVars] [Filename Name] [LineTable];
    L38: [ArgCount PosOnlyArgCount KwOnlyArgCount NLocals StackSize Flags] [VarNames FreeVars CellVars]
        [Filename Name] [LineTable];
    L311A: [ArgCount PosOnlyArgCount KwOnlyArgCount NLocals StackSize Flags] [VarNames FreeVars CellVars]
        [Filename Name] [LineTable ExceptionTable];
    L311B: [ArgCount PosOnlyArgCount KwOnlyArgCount StackSize Flags] [VarNames FreeVars CellVars]
        [Filename Name] [LineTable ExceptionTable];
    L311C: [ArgCount PosOnlyArgCount KwOnlyArgCount StackSize Flags] [LocalsPlusNames RawKinds]
        [Filename Name] [LineTable ExceptionTable];
    L311D: [ArgCount PosOnlyArgCount KwOnlyArgCount StackSize Flags] [LocalsPlusNames LocalsPlusKinds]
        [Filename Name] [LineTable ExceptionTable];
    L311E: [ArgCount PosOnlyArgCount KwOnlyArgCount StackSize Flags] [LocalsPlusNames LocalsPlusKinds]
        [Filename Name] [LineTable EndLineTable ColumnTable ExceptionTable];
    L311F: [ArgCount PosOnlyArgCount KwOnlyArgCount StackSize Flags] [LocalsPlusNames LocalsPlusKinds]
        [Filename Name QualName] [LineTable EndLineTable ColumnTable ExceptionTable];
    L311: [ArgCount PosOnlyArgCount KwOnlyArgCount StackSize Flags] [LocalsPlusNames LocalsPlusKinds]
        [Filename Name QualName] [LineTable ExceptionTable];
    P311: [ArgCount PosOnlyArgCount KwOnlyArgCount NLocals StackSize Flags] [VarNames FreeVars CellVars]
        [Filename Name QualName] [LineTable];
    P311X: [ArgCount PosOnlyArgCount KwOnlyArgCount NLocals StackSize Flags] [VarNames FreeVars CellVars]
        [Filename Name QualName] [LineTable ExceptionTable];
}

impl CodeLayout {
    /// The fields in file order; none for a layout that is not read.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::L10 => L10,
            Self::L13 => L13,
            Self::L15 => L15,
            Self::L21 => L21,
            Self::L23 => L23,
            Self::L30 => L30,
            Self::L38 | Self::P310 => L38,
            Self::L311A => L311A,
            Self::L311B => L311B,
            Self::L311C => L311C,
            Self::L311D => L311D,
            Self::L311E => L311E,
            Self::L311F => L311F,
            Self::L311 => L311,
            Self::P311 => P311,
            Self::P311X => P311X,
            Self::Graal
            | Self::RustPython
            | Self::Nogil
            | Self::Cinder38
            | Self::Encrypted
            | Self::AstCache
            | Self::Prefix
            | Self::Unknown => &[],
        }
    }

    /// Whether it is of Python 1 or 2, where strings are bytes and `int` is not `long`. The first builds of 3000 are counted in.
    pub fn is_python_2(self) -> bool {
        matches!(self, Self::L10 | Self::L13 | Self::L15 | Self::L21 | Self::L23)
    }

    /// The type letter of its code objects.
    pub(super) fn letter(self) -> u8 {
        if self == Self::L10 { b'C' } else { b'c' }
    }
}

impl Number {
    /// Its place in a record.
    pub(super) fn slot(self) -> usize {
        match self {
            Self::ArgCount => 0,
            Self::PosOnlyArgCount => 1,
            Self::KwOnlyArgCount => 2,
            Self::NLocals => 3,
            Self::StackSize => 4,
            Self::Flags => 5,
            Self::FirstLineNo => 6,
        }
    }
}

impl Object {
    /// Its place in a record.
    pub(super) fn slot(self) -> usize {
        match self {
            Self::Code => 0,
            Self::Consts => 1,
            Self::Names => 2,
            Self::VarNames => 3,
            Self::FreeVars => 4,
            Self::CellVars => 5,
            Self::LocalsPlusNames => 6,
            Self::LocalsPlusKinds => 7,
            Self::Filename => 8,
            Self::Name => 9,
            Self::QualName => 10,
            Self::LineTable => 11,
            Self::EndLineTable => 12,
            Self::ColumnTable => 13,
            Self::ExceptionTable => 14,
        }
    }

    /// What CPython calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "co_code",
            Self::Consts => "co_consts",
            Self::Names => "co_names",
            Self::VarNames => "co_varnames",
            Self::FreeVars => "co_freevars",
            Self::CellVars => "co_cellvars",
            Self::LocalsPlusNames => "co_localsplusnames",
            Self::LocalsPlusKinds => "co_localspluskinds",
            Self::Filename => "co_filename",
            Self::Name => "co_name",
            Self::QualName => "co_qualname",
            Self::LineTable => "co_linetable",
            Self::EndLineTable => "co_endlinetable",
            Self::ColumnTable => "co_columntable",
            Self::ExceptionTable => "co_exceptiontable",
        }
    }
}
