//! Code objects: a view of their fields, and what is odd about them.
//!
//! Instructions and the tables of lines and exceptions are bytes here; `instruction`, `lines` and `exceptions` decode them.

use super::layout::NUMBERS;
use super::layout::Number;
use super::layout::OBJECTS;
use super::layout::Object;
use super::objects::Arena;
use super::objects::Items;
use super::objects::Kind;
use super::objects::ObjectId;
use super::objects::Text;
use super::objects::Value;
use super::versions::CodeLayout;

/// The stored fields of one code object.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Where its type letter is.
    pub(super) offset: u32,
    /// Where its last field ends; 0 while it is not complete.
    pub(super) end: u32,
    /// The place of the enclosing code object, or `u32::MAX`.
    pub(super) parent: u32,
    /// The layout that it was read by.
    pub(super) layout: CodeLayout,
    /// Which numbers the layout has and were read: one bit each.
    pub(super) numbers_read: u8,
    /// The numbers, by [`Number`].
    pub(super) numbers: [i32; NUMBERS],
    /// The objects, by [`Object`].
    pub(super) objects: [ObjectId; OBJECTS],
}

/// A code object of a tree.
#[derive(Clone, Copy)]
pub struct Code<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) arena: &'a Arena,
    pub(super) index: u32,
    pub(super) record: &'a Record,
}

/// The bit of a number among those that were read.
#[inline]
pub(super) fn bit(slot: usize) -> u8 {
    u8::try_from(slot).map_or(0, |slot| 1_u8.wrapping_shl(u32::from(slot)))
}

impl<'a> Code<'a> {
    /// Its place among the code objects of the file, which are numbered as they begin.
    pub fn index(self) -> usize {
        usize::try_from(self.index).unwrap_or(usize::MAX)
    }

    /// The place of the code object that it stands in; `None` for the outermost.
    pub fn parent(self) -> Option<usize> {
        if self.record.parent == u32::MAX { None } else { usize::try_from(self.record.parent).ok() }
    }

    /// Where its type letter is in the file.
    pub fn offset(self) -> u64 {
        u64::from(self.record.offset)
    }

    /// Where it ends, when it was read to its end.
    pub fn end(self) -> Option<u64> {
        if self.record.end == 0 { None } else { Some(u64::from(self.record.end)) }
    }

    /// The layout of its fields.
    pub fn layout(self) -> CodeLayout {
        self.record.layout
    }

    /// Whether the layout has a number and it was read.
    pub fn number(self, number: Number) -> Option<i32> {
        let slot = number.slot();
        let value = self.record.numbers.get(slot).copied()?;
        (self.record.numbers_read & bit(slot) != 0).then_some(value)
    }

    /// An object field, when the layout has it and it was read.
    pub fn object(self, object: Object) -> Option<Value<'a>> {
        let id = self.record.objects.get(object.slot()).copied()?;
        id.is_some().then(|| self.arena.value(self.bytes, id))
    }

    /// Where an object field is; where the referred object is, for a reference.
    pub fn object_offset(self, object: Object) -> Option<u64> {
        let id = self.record.objects.get(object.slot()).copied()?;
        id.is_some().then(|| self.arena.offset(id))
    }

    /// Where the first byte of a byte string field is, when it is one.
    pub fn bytes_offset(self, object: Object) -> Option<u64> {
        let id = self.record.objects.get(object.slot()).copied()?;
        let node = self.arena.node(id).filter(|node| node.kind == Kind::Bytes)?;
        Some(u64::from(node.a))
    }

    /// Positional arguments, the positional-only ones included; 0 when the layout has no such number.
    pub fn argcount(self) -> i32 {
        self.number(Number::ArgCount).unwrap_or_default()
    }

    /// Positional-only arguments.
    pub fn posonlyargcount(self) -> i32 {
        self.number(Number::PosOnlyArgCount).unwrap_or_default()
    }

    /// Keyword-only arguments.
    pub fn kwonlyargcount(self) -> i32 {
        self.number(Number::KwOnlyArgCount).unwrap_or_default()
    }

    /// Local variables: as stored, or counted from the kinds (3.11 and later).
    pub fn nlocals(self) -> i32 {
        self.number(Number::NLocals).unwrap_or_else(|| {
            let locals = self.localspluskinds().iter().filter(|&&kind| kind & KIND_LOCAL != 0).count();
            i32::try_from(locals).unwrap_or(i32::MAX)
        })
    }

    /// The stack that it needs.
    pub fn stacksize(self) -> i32 {
        self.number(Number::StackSize).unwrap_or_default()
    }

    /// `co_flags`.
    pub fn flags(self) -> i32 {
        self.number(Number::Flags).unwrap_or_default()
    }

    /// The first line, when the layout has one.
    pub fn firstlineno(self) -> Option<i32> {
        self.number(Number::FirstLineNo)
    }

    /// The instructions; empty when the field is no byte string.
    pub fn code(self) -> &'a [u8] {
        self.bytes_of(Object::Code)
    }

    /// The line table: `co_lnotab`, `co_linetable`.
    pub fn linetable(self) -> &'a [u8] {
        self.bytes_of(Object::LineTable)
    }

    /// The exception table (3.11 and later).
    pub fn exceptiontable(self) -> &'a [u8] {
        self.bytes_of(Object::ExceptionTable)
    }

    /// The kinds of the local variables, one byte each (3.11 and later).
    pub fn localspluskinds(self) -> &'a [u8] {
        self.bytes_of(Object::LocalsPlusKinds)
    }

    fn bytes_of(self, object: Object) -> &'a [u8] {
        match self.object(object) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    /// The constants.
    pub fn consts(self) -> Items<'a> {
        self.items_of(Object::Consts)
    }

    /// The names of globals and attributes.
    pub fn names(self) -> Items<'a> {
        self.items_of(Object::Names)
    }

    /// The names of arguments and locals; up to 3.10.
    pub fn varnames(self) -> Items<'a> {
        self.items_of(Object::VarNames)
    }

    /// The names of free variables; up to 3.10.
    pub fn freevars(self) -> Items<'a> {
        self.items_of(Object::FreeVars)
    }

    /// The names of cell variables; up to 3.10.
    pub fn cellvars(self) -> Items<'a> {
        self.items_of(Object::CellVars)
    }

    /// The names of arguments, locals, cells and free variables in one row (3.11 and later). They can repeat.
    pub fn localsplusnames(self) -> Items<'a> {
        self.items_of(Object::LocalsPlusNames)
    }

    fn items_of(self, object: Object) -> Items<'a> {
        match self.object(object) {
            Some(Value::Tuple(items) | Value::List(items)) => items,
            _ => Items::empty(self.bytes, self.arena),
        }
    }

    /// The file name that it was compiled under.
    pub fn filename(self) -> Option<Text<'a>> {
        self.text_of(Object::Filename)
    }

    /// The name.
    pub fn name(self) -> Option<Text<'a>> {
        self.text_of(Object::Name)
    }

    /// The qualified name, where the layout has it.
    pub fn qualname(self) -> Option<Text<'a>> {
        self.text_of(Object::QualName)
    }

    fn text_of(self, object: Object) -> Option<Text<'a>> {
        self.object(object)?.as_name()
    }
}

/// Bit of a kind (3.11 and later): hidden, in an inlined comprehension of a module or class.
pub const KIND_HIDDEN: u8 = 0x10;
/// Bit of a kind: a local variable.
pub const KIND_LOCAL: u8 = 0x20;
/// Bit of a kind: a cell variable.
pub const KIND_CELL: u8 = 0x40;
/// Bit of a kind: a free variable.
pub const KIND_FREE: u8 = 0x80;
/// Bits of a kind that say how an argument is given (3.14 and later).
pub const KIND_ARGUMENT: u8 = 0x0e;

/// Flag of a code object: its locals are in slots; functions have it.
pub const CO_OPTIMIZED: i32 = 0x1;
/// Flag of a code object: it takes `*args`.
pub const CO_VARARGS: i32 = 0x4;
/// Flag of a code object: it takes `**kwargs`.
pub const CO_VARKEYWORDS: i32 = 0x8;

/// How many oddities of one file are kept.
pub const ODDITIES: usize = 64;

/// Something odd about a code object that an interpreter takes all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What it is.
    pub kind: OddityKind,
    /// Where the field is, or the code object.
    pub offset: u64,
    /// The place of the code object among those of the file.
    pub code: usize,
}

/// What can be odd about a code object; from `UndefinedOpcode` on only `walk` finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OddityKind {
    /// It has no instructions.
    EmptyCode,
    /// Its instructions are two bytes each, and there is half a one.
    OddCodeLength,
    /// It asks for more stack than its instructions can fill.
    ImplausibleStackSize,
    /// Its first line is negative.
    NegativeLine,
    /// The counts of arguments and locals do not agree with the names.
    CountsDisagree,
    /// A variable is neither local nor cell nor free.
    VariableOfNoKind,
    /// A variable's kind has bits that the version does not know.
    UnknownKindBits,
    /// A name has a control character.
    ControlCharacter,
    /// A name has a lone surrogate or bytes that are not text.
    NotText,
    /// A name has invisible characters or such as reorder text.
    DeceptiveCharacter,
    /// The version has no instruction of that number.
    UndefinedOpcode,
    /// An instruction that only an interpreter puts into code, while it runs.
    InterpreterOpcode,
    /// The code ends inside an instruction.
    CutInstruction,
    /// The code ends inside the caches of an instruction.
    CutCache,
    /// A cache is not empty; an interpreter may trust what is in it.
    FilledCache,
    /// An index for which there is no constant, name, variable or operator.
    OperandOutOfRange,
    /// An argument on an instruction that has none.
    NeedlessOperand,
    /// More EXTENDED_ARG before an instruction than the argument has bytes.
    LongPrefixChain,
    /// A jump to before or behind the code.
    JumpOutsideCode,
    /// A jump to between two instructions' starts: into one, its prefixes or its caches.
    JumpIntoInstruction,
    /// The last instruction lets execution go on behind the code.
    FallsOffEnd,
    /// It has no RESUME, with which compilers of 3.11 and later begin every code object.
    NoResume,
    /// The table of lines does not follow its format.
    DamagedLineTable,
    /// The table of lines ends before the code does.
    ShortLineTable,
    /// The table of lines goes on behind the code.
    LongLineTable,
    /// The table of exception handlers does not follow its format.
    DamagedExceptionTable,
    /// A range or handler of exceptions lies outside the code or between two instructions' starts.
    ExceptionTableOutsideCode,
    /// So many code objects share the same instructions that the rest were not looked at.
    NotWalked,
}

impl OddityKind {
    /// One phrase for a person.
    pub fn message(self) -> &'static str {
        match self {
            Self::EmptyCode => "empty code",
            Self::OddCodeLength => "odd code length",
            Self::ImplausibleStackSize => "implausible stack size",
            Self::NegativeLine => "negative line number",
            Self::CountsDisagree => "counts do not agree",
            Self::VariableOfNoKind => "variable of no kind",
            Self::UnknownKindBits => "variable kind bits unknown",
            Self::ControlCharacter => "control characters in a name",
            Self::NotText => "a name that is not text",
            Self::DeceptiveCharacter => "invisible characters in a name",
            Self::UndefinedOpcode => "unknown opcode",
            Self::InterpreterOpcode => "opcode that only an interpreter writes",
            Self::CutInstruction => "code ends inside an instruction",
            Self::CutCache => "code ends inside an inline cache",
            Self::FilledCache => "inline cache that is not empty",
            Self::OperandOutOfRange => "operand out of range",
            Self::NeedlessOperand => "operand on an instruction without one",
            Self::LongPrefixChain => "EXTENDED_ARG chain longer than 3",
            Self::JumpOutsideCode => "jump outside the code",
            Self::JumpIntoInstruction => "jump into an instruction",
            Self::FallsOffEnd => "code falls off its end",
            Self::NoResume => "no RESUME",
            Self::DamagedLineTable => "damaged line table",
            Self::ShortLineTable => "line table shorter than the code",
            Self::LongLineTable => "line table longer than the code",
            Self::DamagedExceptionTable => "damaged exception table",
            Self::ExceptionTableOutsideCode => "exception table outside the code",
            Self::NotWalked => "instructions shared too often to be looked at",
        }
    }
}
