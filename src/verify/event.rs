//! What code does, step by step, as both sides of the comparison say it.
//!
//! The source, through `expected`, and the bytecode, through `found`, are each run abstractly: not on values,
//! but on symbols. What can be observed of a run is a sequence of events: a name is loaded, an attribute is stored, a call is made, a value
//! is tested. How a compiler moves values about between two events (its stack, its jumps, its fused instructions) is not
//! observable and differs from version to version; events do not. Two code objects that make the same events with the same operands
//! on every path, exceptional ones included, do the same.

use smallvec::SmallVec;

use crate::pyc::opcodes::Op as Opcode;

use super::constant::ConstId;

/// A name in [`super::names::Names`]: both sides share the numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u32);

/// A list of names in [`super::names::Names`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NameListId(pub(super) u32);

impl NameListId {
    /// The list without names.
    pub const EMPTY: Self = Self(0);
}

/// A value while code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// The result of an event: numbered by the comparison, which gives both sides the same number.
    Id(u32),
    /// A constant; the cell of a variable counts as one.
    Const(ConstId),
    /// Nothing: the NULL that calls of 3.11 and later expect, `BEGIN_FINALLY` of 3.8.
    Null,
    /// What was being handled before this exception, which its handler keeps.
    Saved(u32),
    /// The instruction that raised, which 3.11 and later keep for RERAISE.
    LastI,
    /// A part of an exception: versions before 3.11 keep three values for one.
    Part(Part, u32),
    /// One of two values of the stack that stand for one result; neither may be used without the other.
    Half(Pair, u32),
    /// Why a `finally` body runs, up to 3.7.
    Why(Why),
    /// Where a `finally` body returns to, in 3.8.
    Address(u32),
    /// The opposite of a result: the source says `is not` where the bytecode tests `is` the other way round.
    Negated(u32),
    /// A result that the bytecode has dropped, whose truth is known: only that is still used of it.
    Known(bool),
    /// Nothing that may be used.
    Undefined,
}

impl Symbol {
    /// The symbol in numbers, different ones in different ones; the number of a result is asked for.
    pub(super) fn words(self, number: &mut impl FnMut(u32) -> u32) -> [u32; 2] {
        match self {
            Self::Id(id) => [0, number(id)],
            Self::Const(id) => [1, id.number()],
            Self::Null => [2, 0],
            Self::Saved(id) => [3, number(id)],
            Self::LastI => [4, 0],
            Self::Part(Part::Type, id) => [5, number(id)],
            Self::Part(Part::Value, id) => [6, number(id)],
            Self::Part(Part::Traceback, id) => [7, number(id)],
            Self::Half(Pair::Method, id) => [8, number(id)],
            Self::Half(Pair::Iterator, id) => [9, number(id)],
            Self::Why(Why::Return) => [10, 0],
            Self::Why(Why::Continue) => [11, 0],
            Self::Why(Why::Break) => [12, 0],
            Self::Why(Why::Silenced) => [13, 0],
            Self::Address(address) => [14, address],
            Self::Negated(id) => [15, number(id)],
            Self::Known(truth) => [16, u32::from(truth)],
            Self::Undefined => [17, 0],
        }
    }
}

/// The three values of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Its class.
    Type,
    /// Itself.
    Value,
    /// Its traceback.
    Traceback,
}

/// What two values of the stack stand for together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pair {
    /// An attribute that is loaded to be called: the function of a method and its object, or NULL and something else.
    Method,
    /// An iterator and its index, or NULL (3.15).
    Iterator,
}

/// What ended the body of a `try` with `finally`, up to 3.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// `return`; the value is kept below.
    Return,
    /// `continue`; where it goes is kept below.
    Continue,
    /// `break`.
    Break,
    /// `yield` of a generator that is closed, or silenced by `with`.
    Silenced,
}

/// Where a variable lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    /// A local variable: `LOAD_FAST` and its kin.
    Fast,
    /// A cell or free variable: `LOAD_DEREF`.
    Deref,
    /// A global variable or builtin: `LOAD_GLOBAL`.
    Global,
    /// A name of a module or class body: `LOAD_NAME`.
    Name,
    /// A free variable in a class body: `LOAD_CLASSDEREF`, and `LOAD_FROM_DICT_OR_DEREF` of 3.12 and later with
    /// the dict as operand.
    ClassDeref,
    /// `LOAD_FROM_DICT_OR_GLOBALS` (3.12 and later) with the dict as operand.
    ClassGlobal,
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-`
    Negative,
    /// `+`
    Positive,
    /// `~`
    Invert,
    /// `not`
    Not,
    /// Backquotes (2.x).
    Repr,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `@`
    MatrixMultiply,
    /// `/`
    TrueDivide,
    /// `/` of 2.x without the division future.
    Divide,
    /// `//`
    FloorDivide,
    /// `%`
    Remainder,
    /// `**`
    Power,
    /// `<<`
    LeftShift,
    /// `>>`
    RightShift,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `is`
    Is,
    /// `is not`
    IsNot,
}

/// Containers that are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Display {
    /// A tuple of the operands.
    Tuple,
    /// A list of the operands. `BUILD_LIST 0`, a constant tuple and `LIST_EXTEND` are one event: the list of the items.
    List,
    /// A set of the operands; as for lists with `SET_UPDATE` of a frozenset, whose items are sorted by their numbers.
    Set,
    /// A dict: keys and values in turn. `BUILD_CONST_KEY_MAP` is the same event.
    Map,
    /// A string, of strings (`BUILD_STRING`).
    String,
    /// A slice of two or three operands.
    Slice,
    /// A template string (3.14): the strings, the interpolations.
    Template,
    /// `BUILD_TUPLE_UNPACK` (3.5 to 3.8).
    TupleUnpack,
    /// `BUILD_TUPLE_UNPACK_WITH_CALL` (3.6 to 3.8).
    TupleUnpackWithCall,
    /// `BUILD_LIST_UNPACK` (3.5 to 3.8).
    ListUnpack,
    /// `BUILD_SET_UNPACK` (3.5 to 3.8).
    SetUnpack,
    /// `BUILD_MAP_UNPACK` (3.5 to 3.8).
    MapUnpack,
    /// `BUILD_MAP_UNPACK_WITH_CALL` (3.5 to 3.8).
    MapUnpackWithCall,
}

/// What is given to a function after it was made: `SET_FUNCTION_ATTRIBUTE` of 3.13. Earlier flags of `MAKE_FUNCTION` are these
/// events in the order defaults, keyword defaults, annotations, closure, the function of the annotations; so are they in 3.13 and later whatever the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// The tuple of defaults. Up to 3.5 the defaults are single operands of `MAKE_FUNCTION`: given as Build(Tuple) event then.
    Defaults,
    /// The dict of keyword defaults.
    KeywordDefaults,
    /// Annotations: a dict (up to 3.9) or a tuple of names and values.
    Annotations,
    /// The tuple of cells.
    Closure,
    /// The function of the annotations (3.14).
    Annotate,
}

/// What is done. Operands are in [`Event::operands`], in the order given here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A variable is read. Operand: the dict, for [`Space::ClassDeref`] and [`Space::ClassGlobal`] of 3.12 and later. Result: its value.
    Load(Space, NameId),
    /// `LOAD_FAST_AND_CLEAR` (3.12 and later): the variable of an inlined comprehension is put aside. Result: what it was.
    LoadAndClear(NameId),
    /// `MAKE_CELL` of a free variable (3.12 and later): an inlined comprehension has a cell of the name of one. The compiler puts a slot of
    /// that name aside, but it is another one, and so the new cell takes the place of the free variable's for good. No result.
    NewCell(NameId),
    /// A variable is bound. Operand: the value.
    Store(Space, NameId),
    /// A variable is unbound.
    Delete(Space, NameId),
    /// `LOAD_LOCALS`: the dict of a class body. Result: the dict.
    LoadLocals,
    /// `LOAD_BUILD_CLASS`. Result: the builtin.
    LoadBuildClass,
    /// `LOAD_COMMON_CONSTANT` (3.14), `LOAD_ASSERTION_ERROR` (3.9 to 3.13), by name: `AssertionError`, `NotImplementedError`, `tuple`, `all`,
    /// `any`, `list`, `set`. Those common constants of 3.15 that are constants (None, '', True, False, -1) are no event but [`Symbol::Const`].
    LoadCommon(&'static str),
    /// An attribute is read (`LOAD_ATTR`, `LOAD_METHOD`). Operand: the object. Result: the attribute.
    LoadAttr(NameId),
    /// `LOAD_SUPER_ATTR` (3.12 and later), with or without both arguments written. Operands: super, the class, the object. Result: the attribute.
    LoadSuperAttr(NameId, bool),
    /// An attribute is set. Operands: the object, the value.
    StoreAttr(NameId),
    /// An attribute is deleted. Operand: the object.
    DeleteAttr(NameId),
    /// `a[b]`. Operands: the object, the key. Result: the item.
    Subscript,
    /// `a[b] = c`. Operands: the object, the key, the value.
    StoreSubscript,
    /// `del a[b]`. Operands: the object, the key.
    DeleteSubscript,
    /// `BINARY_SLICE` (3.12 and later), `SLICE+n` (2.x, with None for a bound left out). Operands: object, lower, upper. Result: the slice.
    Slice,
    /// `STORE_SLICE`. Operands: object, lower, upper, value.
    StoreSlice,
    /// `DELETE_SLICE` (2.x). Operands: object, lower, upper.
    DeleteSlice,
    /// A unary operator. Operand, result. `TO_BOOL` that is not in front of a jump or `not` is `not` twice.
    Unary(Unary),
    /// A binary operator. Operands: left, right. Result.
    Binary(Binary),
    /// An augmented assignment's operator. Operands: left, right. Result.
    InPlace(Binary),
    /// A comparison. Operands: left, right. Result. `POP_JUMP_IF_NONE` and its kin are `is None` and a test. What is tested at once, by a
    /// jump that pops it, is never `is not` or `not in` but `is` or `in`, with the outcomes of the test exchanged.
    Compare(Compare),
    /// Whether an exception is of a class. Operands: the exception, the class. Result: a truth value. All of `COMPARE_OP exception match`,
    /// `JUMP_IF_NOT_EXC_MATCH`, `CHECK_EXC_MATCH`.
    ExceptionMatch,
    /// `CHECK_EG_MATCH`: splits a group. Operands: the exception, the class. Results: the rest, the match (None for none).
    GroupMatch,
    /// `PREP_RERAISE_STAR`. Operands: the group, the list. Result: what to raise, or None.
    PrepReraiseStar,
    /// A container is built. Result.
    Build(Display),
    /// Something is added. Operands: the list, the item.
    ListAppend,
    /// Operands: the set, the item.
    SetAdd,
    /// Operands: the dict, the key, the value (in this order whatever the version's stack).
    MapAdd,
    /// Operands: the list, the iterable.
    ListExtend,
    /// Operands: the set, the iterable.
    SetUpdate,
    /// Operands: the dict, the mapping.
    DictUpdate,
    /// As `DictUpdate` for keyword arguments (3.9 and later). Operands: the dict, the mapping.
    DictMerge,
    /// `LIST_TO_TUPLE`, and the intrinsic of the name. Operand: the list. Result: the tuple.
    ListToTuple,
    /// A sequence is unpacked. Operand. Results: as many, first item first.
    Unpack(u32),
    /// With a star: so many before, so many behind. Operand. Results: before, the list, behind.
    UnpackEx(u32, u32),
    /// `!s`, `!r`, `!a` of an f-string. Operand, result. `FORMAT_VALUE` with a conversion is this event and then `Format`.
    Convert(char),
    /// A value is formatted. Operands: the value, and the specification if there is one. Result.
    Format,
    /// `BUILD_INTERPOLATION` (3.14): the conversion (0 for none). Operands: the value, the text, and the specification if there is one. Result.
    Interpolation(u32),
    /// A call. The names are those of the last operands. Operands: the callee, the arguments. Result. A method call's callee is the result of `LoadAttr`.
    Call(NameListId),
    /// `CALL_FUNCTION_EX`: operands: the callee, the positional iterable, and the mapping if there is one. Result.
    CallEx,
    /// `CALL_FUNCTION_VAR` and its kin (up to 3.5): names of the last operands before the iterable and the mapping; whether there is each.
    /// Operands: the callee, arguments, iterable, mapping. Result.
    CallVar(NameListId, bool, bool),
    /// `GET_ITER`. Operand, result.
    GetIter,
    /// `GET_YIELD_FROM_ITER`. Operand, result.
    GetYieldFromIter,
    /// `GET_AWAITABLE`. Operand, result.
    GetAwaitable,
    /// `GET_AITER`. Operand, result.
    GetAIter,
    /// `GET_ANEXT`. Operand: the iterator, which stays. Result: the awaitable.
    GetANext,
    /// `END_ASYNC_FOR`: the loop ends when the exception is StopAsyncIteration, else it is raised again. Operand: the exception.
    EndAsyncFor,
    /// `yield from` and `await`: the whole loop of SEND and `YIELD_VALUE`, or `YIELD_FROM`. Operand: the iterator. Result: what it returns.
    YieldFrom,
    /// `yield`. Operand: the value. Result: what was sent.
    Yield,
    /// `ASYNC_GEN_WRAP` and the intrinsic of the name. Operand, result.
    AsyncGenWrap,
    /// `import`. Operands: the level, the names. Result: the module.
    Import(NameId),
    /// `lazy import` (3.15), as `Import`.
    LazyImport(NameId),
    /// Operand: the module. Result: the attribute or submodule.
    ImportFrom(NameId),
    /// `from m import *`. Operand: the module.
    ImportStar,
    /// A function is made. Result. The number is that of the code object on its own side; the comparison pairs them.
    /// The one operand is the qualified name, from 3.3 to 3.10; other versions have it in the code object, or none. What the function is
    /// given comes afterwards: see [`Attribute`]. Closures are constant tuples of cells; in 2.x they are sorted by name.
    MakeFunction(u32),
    /// A function is given something. Operands: the function, the value. The function stays what it was: no result.
    SetFunction(Attribute),
    /// `BUILD_CLASS` (2.x). Operands: the name, the bases, the dict. Result.
    BuildClass,
    /// `PUSH_EXC_INFO` and its kin are no event; the end of a handler is (`POP_EXCEPT`).
    PopExcept,
    /// A context is entered: `SETUP_WITH`, `BEFORE_WITH`, or the `LOAD_SPECIAL` pair and call of 3.14. Operand: the manager. Results: its exit, what `as` binds.
    WithEnter,
    /// As `WithEnter`, with an awaitable in place of what `as` binds (`BEFORE_ASYNC_WITH`).
    AsyncWithEnter,
    /// `__exit__` is called with the exception. Operand: the exit, the exception. Result: what it returned. (`WITH_EXCEPT_START`, and
    /// `WITH_CLEANUP_START` on an exception.)
    WithExit,
    /// `WITH_CLEANUP`, `WITH_CLEANUP_START` without an exception (up to 3.8). Operand: the exit. Result: what it returned. From 3.9 on this is a `Call`
    /// with three times None.
    WithExitNone,
    /// `SETUP_ANNOTATIONS`.
    SetupAnnotations,
    /// `STORE_ANNOTATION` (3.6). Operand: the annotation.
    StoreAnnotation(NameId),
    /// An intrinsic function that has no event of its own, by CPython's name, such as `INTRINSIC_TYPEVAR`. Operands: its one or two. Result.
    Intrinsic(&'static str),
    /// `GET_LEN`. Operand: the subject, which stays. Result: its length.
    GetLen,
    /// `MATCH_MAPPING`. Operand: the subject, which stays. Result: a truth value.
    MatchMapping,
    /// `MATCH_SEQUENCE`. As above.
    MatchSequence,
    /// `MATCH_KEYS`. Operands: the subject, the tuple of keys, which stay. Result: the tuple of values, or None. (3.10's further truth value is
    /// tested in the same way as `is not None`.)
    MatchKeys,
    /// `MATCH_CLASS` with so many positional patterns. Operands: the subject, the class, the tuple of names. Result: the tuple of attributes, or None.
    /// (3.10's further truth value as above.)
    MatchClass(u32),
    /// `COPY_DICT_WITHOUT_KEYS` (3.10). Operands: the subject, the keys. Result: the rest.
    CopyDictWithoutKeys,
    /// `PRINT_ITEM` (2.x). Operand: the value, and the file if there is one (first).
    PrintItem,
    /// `PRINT_NEWLINE` (2.x). Operand: the file if there is one.
    PrintNewline,
    /// `exec` (2.x). Operands: the code, the globals, the locals.
    Exec,
    /// Ends: the value is returned. Operand.
    Return,
    /// Ends: `raise` with its operands (up to three in 2.x).
    Raise,
    /// Ends: an exception is raised again. Operand: the exception.
    Reraise,
    /// Ends: a loop in which nothing is done runs for ever (`while 1: pass`).
    Forever,
    /// An instruction that no source compiles to: its number, and what it is if there is one of that number.
    Foreign(u8, Option<Opcode>),
}

impl Op {
    /// How many results it has.
    pub fn results(&self) -> usize {
        match self {
            Self::NewCell(_)
            | Self::Store(..)
            | Self::Delete(..)
            | Self::StoreAttr(_)
            | Self::DeleteAttr(_)
            | Self::StoreSubscript
            | Self::DeleteSubscript
            | Self::StoreSlice
            | Self::DeleteSlice
            | Self::ListAppend
            | Self::SetAdd
            | Self::MapAdd
            | Self::ListExtend
            | Self::SetUpdate
            | Self::DictUpdate
            | Self::DictMerge
            | Self::EndAsyncFor
            | Self::ImportStar
            | Self::SetFunction(_)
            | Self::PopExcept
            | Self::SetupAnnotations
            | Self::StoreAnnotation(_)
            | Self::PrintItem
            | Self::PrintNewline
            | Self::Exec
            | Self::Return
            | Self::Raise
            | Self::Reraise
            | Self::Forever
            | Self::Foreign(..) => 0,
            Self::GroupMatch | Self::WithEnter | Self::AsyncWithEnter => 2,
            &Self::Unpack(count) => usize::try_from(count).unwrap_or(usize::MAX),
            &Self::UnpackEx(before, after) => usize::try_from(before)
                .unwrap_or(usize::MAX)
                .saturating_add(usize::try_from(after).unwrap_or(usize::MAX))
                .saturating_add(1),
            _ => 1,
        }
    }

    /// Whether nothing of the code object runs behind it on this path, unless a handler catches it.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Return | Self::Raise | Self::Reraise | Self::Forever | Self::Foreign(..))
    }

    /// Whether it can raise, so that its handler matters.
    pub fn can_raise(&self) -> bool {
        !matches!(
            self,
            Self::PopExcept
                | Self::Return
                | Self::Forever
                | Self::Store(Space::Fast | Space::Deref, _)
                | Self::LoadAndClear(_)
                | Self::Compare(Compare::Is | Compare::IsNot)
                | Self::NewCell(_)
        )
    }
}

/// What an event works on: rarely more than four values, and then there is nothing to allocate.
pub type Operands = SmallVec<[Symbol; 4]>;

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// What.
    pub op: Op,
    /// On what.
    pub operands: Operands,
}
