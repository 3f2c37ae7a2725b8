//! Expressions: what the instructions of a code object put together, and what they call with it.
//!
//! The instructions are read once from front to back with a stack of expressions in place of values. That is exact for an
//! expression without a branch in it; behind a jump it goes on with what is known, and what is not known is [`Expression::Unknown`].
//! A variable stands for what was last stored in it. Nothing is computed, and nothing is said of what code does.

use std::collections::HashMap;

use super::code::Code;
use super::instruction::Instruction;
use super::instruction::Instructions;
use super::instruction::Operand;
use super::instruction::Table;
use super::objects::Encoding;
use super::objects::Text;
use super::objects::Value;
use super::opcodes::Argument;
use super::opcodes::Format;
use super::opcodes::Op;
use super::opcodes::Opcodes;
use super::versions::Implementation;
use super::versions::Version;

/// The place of an expression among those of its code object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExpressionId(u32);

/// Several expressions in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    start: u32,
    length: u32,
}

/// What a value is made of.
#[derive(Clone, Copy, Debug)]
pub enum Expression<'a> {
    /// Not known.
    Unknown,
    /// No value: the place beside a function that is no method.
    Null,
    /// A constant, and where it is in the file.
    Const(Value<'a>, u64),
    /// A variable that nothing was stored in here: an argument, a global, a builtin.
    Name(Text<'a>),
    /// A module that is imported here.
    Module(Text<'a>),
    /// An attribute.
    Attribute(ExpressionId, Text<'a>),
    /// What a call returns: the function, and its arguments with those by keyword last.
    Call(ExpressionId, Row),
    /// What another instruction makes of other values.
    Operation(Op, Row),
}

/// Something that happens: a call, or an attribute that is set.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What happens.
    pub kind: EventKind<'a>,
    /// Where its instruction is, in bytes of the code.
    pub offset: u32,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum EventKind<'a> {
    /// This [`Expression::Call`] is made.
    Call(ExpressionId),
    /// An attribute of this object is set.
    Set(ExpressionId, Text<'a>),
}

/// The expressions of a code object.
#[derive(Clone, Debug)]
pub struct Expressions<'a> {
    all: Vec<Expression<'a>>,
    operands: Vec<ExpressionId>,
    events: Vec<Event<'a>>,
    /// By the tables of names, locals and cells: what was last stored.
    variables: [Vec<Option<(Text<'a>, ExpressionId)>>; 3],
}

const UNKNOWN: ExpressionId = ExpressionId(0);
const NULL: ExpressionId = ExpressionId(1);

/// Values of the stack that are kept for the target of a jump: an expression in honest code has fewer around a branch.
const KEPT_STACK: usize = 16;

/// Targets of jumps for which the stack is kept.
const KEPT_TARGETS: usize = 1 << 14;

/// Variables of one kind that are followed; honest modules have fewer names.
const VARIABLES: usize = 1 << 12;

/// Values that one instruction takes apart; more are not followed.
const UNPACKED: u32 = 64;

impl<'a> Expressions<'a> {
    /// Reads the instructions of a code object.
    pub fn of(code: Code<'a>, version: &Version, opcodes: &'static Opcodes) -> Self {
        let expressions = Self {
            all: vec![Expression::Unknown, Expression::Null],
            operands: Vec::new(),
            events: Vec::new(),
            variables: [const { Vec::new() }; 3],
        };
        let mut machine = Machine {
            code,
            opcodes,
            has_null: version.implementation != Implementation::PyPy && version.series >= (3, 11),
            is_null_last: version.series >= (3, 13),
            has_both_keywords: version.implementation != Implementation::PyPy && version.series >= (3, 14),
            out: expressions,
            stack: Vec::new(),
            kept: HashMap::new(),
            is_lost: false,
        };
        for instruction in Instructions::new(code.code(), opcodes) {
            machine.arrive(instruction.start);
            machine.step(&instruction);
        }
        machine.out
    }

    /// An expression.
    pub fn get(&self, id: ExpressionId) -> Expression<'a> {
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.all.get(index).copied().unwrap_or(Expression::Unknown)
    }

    /// The expressions of a row.
    pub fn row(&self, row: Row) -> &[ExpressionId] {
        let [start, length] = [row.start, row.length].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        self.operands.get(start..).and_then(|rest| rest.get(..length)).unwrap_or_default()
    }

    /// What happens, in the order of the instructions.
    pub fn events(&self) -> &[Event<'a>] {
        &self.events
    }

    /// The variables with what was last stored in them, in no order.
    pub fn variables(&self) -> impl Iterator<Item = (&'a [u8], ExpressionId)> {
        self.variables.iter().flatten().flatten().map(|(name, id)| (name.bytes, *id))
    }

    fn add(&mut self, expression: Expression<'a>) -> ExpressionId {
        let id = ExpressionId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(expression);
        id
    }

    fn add_row(&mut self, ids: &[ExpressionId]) -> Row {
        let start = u32::try_from(self.operands.len()).unwrap_or(u32::MAX);
        self.operands.extend_from_slice(ids);
        Row { start, length: u32::try_from(ids.len()).unwrap_or_default() }
    }
}

/// A variable of a code object.
#[derive(Clone, Copy)]
struct Variable<'a> {
    /// Of names, of locals, or of cells.
    table: usize,
    /// Its place there.
    place: usize,
    name: Text<'a>,
}

/// The stack while instructions are read.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the version or the place")]
struct Machine<'a> {
    code: Code<'a>,
    opcodes: &'static Opcodes,
    /// Whether a call has a place beside the function (CPython 3.11 and later).
    has_null: bool,
    /// Whether that place is behind the function on the stack (CPython 3.13 and later).
    is_null_last: bool,
    /// Whether CALL_FUNCTION_EX always has keywords (CPython 3.14 and later).
    has_both_keywords: bool,
    out: Expressions<'a>,
    stack: Vec<ExpressionId>,
    /// The stack at the targets of jumps forward.
    kept: HashMap<u32, Vec<ExpressionId>>,
    /// Whether the instruction before never goes on to the next.
    is_lost: bool,
}

impl<'a> Machine<'a> {
    fn push(&mut self, expression: Expression<'a>) {
        let id = self.out.add(expression);
        self.stack.push(id);
    }

    fn pop(&mut self) -> ExpressionId {
        self.stack.pop().unwrap_or(UNKNOWN)
    }

    /// Takes so many values off the stack, or as many as are known.
    fn take(&mut self, count: u32) -> Row {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let from = self.stack.len().saturating_sub(count);
        let taken = self.stack.split_off(from);
        self.out.add_row(&taken)
    }

    fn operation(&mut self, op: Op, count: u32) {
        let row = self.take(count);
        self.push(Expression::Operation(op, row));
    }

    /// Puts a value into the container that lies so deep in the stack.
    fn extend(&mut self, op: Op, count: u32, depth: u32) {
        let row = self.take(count);
        let place = usize::try_from(depth).ok().and_then(|depth| self.stack.len().checked_sub(depth));
        let Some(container) = place.and_then(|place| self.stack.get(place)).copied() else { return };
        let mut ids = vec![container];
        ids.extend_from_slice(self.out.row(row));
        let row = self.out.add_row(&ids);
        let id = self.out.add(Expression::Operation(op, row));
        if let Some(slot) = place.and_then(|place| self.stack.get_mut(place)) {
            *slot = id;
        }
    }

    fn event(&mut self, kind: EventKind<'a>, instruction: &Instruction) {
        self.out.events.push(Event { kind, offset: instruction.offset });
    }

    fn call(&mut self, function: ExpressionId, arguments: Row, instruction: &Instruction) {
        let id = self.out.add(Expression::Call(function, arguments));
        self.event(EventKind::Call(id), instruction);
        self.stack.push(id);
    }

    /// Calls the function on the stack, which has a place beside it: empty, or the first argument.
    fn call_beside(&mut self, arguments: Row, instruction: &Instruction) {
        let (upper, lower) = (self.pop(), self.pop());
        match (upper, lower) {
            (NULL, function) | (function, NULL) => self.call(function, arguments, instruction),
            (first, function) => {
                let all = [&[first], self.out.row(arguments)].concat();
                let arguments = self.out.add_row(&all);
                self.call(function, arguments, instruction);
            }
        }
    }

    fn keep(&mut self, target: Option<i64>, start: u32) {
        let Some(target) = target.and_then(|target| u32::try_from(target).ok()).filter(|&target| target > start) else {
            return;
        };
        if self.stack.len() <= KEPT_STACK && self.kept.len() < KEPT_TARGETS {
            self.kept.entry(target).or_insert_with(|| self.stack.clone());
        }
    }

    /// Takes up the stack of the jumps that lead here, where nothing else does.
    fn arrive(&mut self, start: u32) {
        let kept = if self.kept.is_empty() { None } else { self.kept.remove(&start) };
        if self.is_lost {
            self.stack = kept.unwrap_or_default();
            self.is_lost = false;
        }
    }

    fn name(&self, instruction: &Instruction) -> Option<Text<'a>> {
        match instruction.operand(self.code, self.opcodes) {
            Operand::Name(text) | Operand::Local(text) | Operand::Cell(text) => Some(text),
            _ => None,
        }
    }

    fn load(&mut self, variable: Option<Variable<'a>>) {
        let Some(variable) = variable else { return self.push(Expression::Unknown) };
        let stored =
            self.out.variables.get(variable.table).and_then(|table| table.get(variable.place)).copied().flatten();
        match stored {
            Some((_, id)) => self.stack.push(id),
            None => self.push(Expression::Name(variable.name)),
        }
    }

    fn store(&mut self, variable: Option<Variable<'a>>) {
        let id = self.pop();
        if let Some(variable) = variable.filter(|variable| variable.place < VARIABLES)
            && let Some(table) = self.out.variables.get_mut(variable.table)
        {
            if table.len() <= variable.place {
                table.resize(variable.place.saturating_add(1), None);
            }
            if let Some(slot) = table.get_mut(variable.place) {
                *slot = Some((variable.name, id));
            }
        }
    }

    /// The variable that an instruction is about.
    fn variable(&self, instruction: &Instruction) -> Option<Variable<'a>> {
        let (table, index) = instruction.index()?;
        let table = match table {
            Table::Names => 0,
            Table::Locals => 1,
            Table::Cells => 2,
            _ => return None,
        };
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        Some(Variable { table, place, name: self.name(instruction)? })
    }

    /// The two variables that an instruction is about.
    fn pair(&self, instruction: &Instruction) -> [Option<Variable<'a>>; 2] {
        let Operand::Pair(first, second) = instruction.operand(self.code, self.opcodes) else { return [None; 2] };
        [(first, instruction.arg >> 4), (second, instruction.arg & 15)]
            .map(|(name, index)| Some(Variable { table: 1, place: usize::try_from(index).unwrap_or(usize::MAX), name }))
    }

    fn rotate(&mut self, count: u32) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if let Some(from) = self.stack.len().checked_sub(count)
            && let Some(part) = self.stack.get_mut(from..)
            && !part.is_empty()
        {
            part.rotate_right(1);
        }
    }

    fn copy(&mut self, depth: u32) {
        let place = usize::try_from(depth).ok().and_then(|depth| self.stack.len().checked_sub(depth));
        let id = place.and_then(|place| self.stack.get(place)).copied().unwrap_or(UNKNOWN);
        self.stack.push(id);
    }

    fn swap(&mut self, depth: u32) {
        let length = self.stack.len();
        let place = usize::try_from(depth).ok().and_then(|depth| length.checked_sub(depth));
        match (place, length.checked_sub(1)) {
            (Some(place), Some(top)) if place < length => self.stack.swap(place, top),
            _ => self.stack.clear(),
        }
    }

    /// The module of an IMPORT_NAME: `import a.b` gives `a`, `from a.b import c` gives `a.b` to take `c` from.
    fn import(&mut self, name: Option<Text<'a>>) {
        let names = self.pop();
        self.pop();
        let is_whole = !matches!(self.out.get(names), Expression::Const(Value::None, _));
        let expression = name.map_or(Expression::Unknown, |name| {
            let top = name.bytes.split(|&byte| byte == b'.').next().unwrap_or_default();
            Expression::Module(if is_whole { name } else { Text { bytes: top, ..name } })
        });
        self.push(expression);
    }

    fn attribute(&mut self, instruction: &Instruction, is_method: bool) {
        let object = self.pop();
        let name = self.name(instruction);
        self.push(name.map_or(Expression::Unknown, |name| Expression::Attribute(object, name)));
        if is_method {
            self.stack.push(NULL);
        }
    }

    fn step(&mut self, instruction: &Instruction) {
        let Some(op) = instruction.op() else { return self.stack.clear() };
        if !self.step_stack(op, instruction)
            && !self.step_call(op, instruction)
            && !self.step_operation(op, instruction)
        {
            self.step_flow(op, instruction);
        }
    }

    /// Constants, variables, attributes and imports.
    fn step_stack(&mut self, op: Op, instruction: &Instruction) -> bool {
        let arg = instruction.arg;
        match op {
            Op::LOAD_CONST => {
                let place = usize::try_from(arg).unwrap_or(usize::MAX);
                let consts = self.code.consts();
                self.push(match (consts.get(place), consts.offset(place)) {
                    (Some(value), Some(offset)) => Expression::Const(value, offset),
                    _ => Expression::Unknown,
                });
            }
            Op::LOAD_SMALL_INT => self.push(Expression::Const(Value::Int(i64::from(arg)), 0)),
            Op::LOAD_NAME
            | Op::LOAD_FAST
            | Op::LOAD_FAST_BORROW
            | Op::LOAD_FAST_CHECK
            | Op::LOAD_DEREF
            | Op::LOAD_CLASSDEREF
            | Op::LOAD_CLOSURE => self.load(self.variable(instruction)),
            Op::LOAD_GLOBAL => {
                // The place beside the function is pushed first up to 3.12, and last from 3.13 on.
                let has_null = self.has_null && arg & 1 == 1;
                if has_null && !self.is_null_last {
                    self.stack.push(NULL);
                }
                self.load(self.variable(instruction));
                if has_null && self.is_null_last {
                    self.stack.push(NULL);
                }
            }
            Op::LOAD_FROM_DICT_OR_GLOBALS | Op::LOAD_FROM_DICT_OR_DEREF => {
                self.pop();
                self.load(self.variable(instruction));
            }
            Op::LOAD_FAST_LOAD_FAST | Op::LOAD_FAST_BORROW_LOAD_FAST_BORROW => {
                let [first, second] = self.pair(instruction);
                self.load(first);
                self.load(second);
            }
            Op::STORE_FAST_LOAD_FAST => {
                let [first, second] = self.pair(instruction);
                self.store(first);
                self.load(second);
            }
            Op::STORE_FAST_STORE_FAST => {
                let [first, second] = self.pair(instruction);
                self.store(first);
                self.store(second);
            }
            Op::STORE_NAME | Op::STORE_FAST | Op::STORE_GLOBAL | Op::STORE_DEREF => {
                self.store(self.variable(instruction));
            }
            Op::LOAD_ATTR => self.attribute(instruction, Self::is_method(instruction)),
            Op::LOAD_METHOD | Op::LOOKUP_METHOD => self.attribute(instruction, true),
            Op::STORE_ATTR => {
                let object = self.pop();
                self.pop();
                if let Some(name) = self.name(instruction) {
                    self.event(EventKind::Set(object, name), instruction);
                }
            }
            Op::IMPORT_NAME => self.import(self.name(instruction)),
            Op::IMPORT_FROM => {
                let module = self.stack.last().copied().unwrap_or(UNKNOWN);
                let name = self.name(instruction);
                self.push(name.map_or(Expression::Unknown, |name| Expression::Attribute(module, name)));
            }
            Op::PUSH_NULL => self.stack.push(NULL),
            Op::LOAD_BUILD_CLASS
            | Op::LOAD_LOCALS
            | Op::LOAD_ASSERTION_ERROR
            | Op::LOAD_COMMON_CONSTANT
            | Op::RETURN_GENERATOR => self.stack.push(UNKNOWN),
            Op::POP_TOP | Op::PRINT_ITEM | Op::PRINT_EXPR | Op::IMPORT_STAR | Op::DELETE_ATTR | Op::GEN_START => {
                self.pop();
            }
            Op::DUP_TOP => self.copy(1),
            Op::DUP_TOP_TWO => {
                self.copy(2);
                self.copy(2);
            }
            Op::COPY => self.copy(arg),
            Op::SWAP => self.swap(arg),
            Op::ROT_TWO => self.rotate(2),
            Op::ROT_THREE => self.rotate(3),
            Op::ROT_FOUR => self.rotate(4),
            Op::ROT_N => self.rotate(arg),
            _ => return false,
        }
        true
    }

    /// Whether LOAD_ATTR gives a function and the place beside it (3.12 and later).
    fn is_method(instruction: &Instruction) -> bool {
        let is_shifted = instruction.argument() == Argument::NameShift1;
        is_shifted && instruction.arg & 1 == 1
    }

    /// Calls.
    fn step_call(&mut self, op: Op, instruction: &Instruction) -> bool {
        let arg = instruction.arg;
        let is_old = self.opcodes.format == Format::ByteCode;
        match op {
            Op::CALL_FUNCTION | Op::CALL_METHOD if is_old => {
                self.call_old(arg, 0, instruction);
                if op == Op::CALL_METHOD {
                    // PyPy's LOOKUP_METHOD leaves two values: the one beside the function is below what was returned.
                    self.drop_below();
                }
            }
            Op::CALL_FUNCTION_VAR | Op::CALL_FUNCTION_KW if is_old => self.call_old(arg, 1, instruction),
            Op::CALL_FUNCTION_VAR_KW => self.call_old(arg, 2, instruction),
            Op::CALL_FUNCTION => {
                let row = self.take(arg);
                let function = self.pop();
                self.call(function, row, instruction);
            }
            Op::CALL_FUNCTION_KW => {
                self.pop();
                let row = self.take(arg);
                let function = self.pop();
                self.call(function, row, instruction);
            }
            Op::CALL_METHOD | Op::CALL => {
                let row = self.take(arg);
                self.call_beside(row, instruction);
            }
            Op::CALL_KW | Op::CALL_METHOD_KW => {
                self.pop();
                let row = self.take(arg);
                self.call_beside(row, instruction);
            }
            Op::CALL_FUNCTION_EX => {
                let row = self.take(if self.has_both_keywords || arg & 1 == 1 { 2 } else { 1 });
                if self.has_null {
                    self.call_beside(row, instruction);
                } else {
                    let function = self.pop();
                    self.call(function, row, instruction);
                }
            }
            Op::EXEC_STMT => {
                let row = self.take(3);
                let function = self.out.add(Expression::Name(Text { bytes: b"exec", encoding: Encoding::Latin1 }));
                self.call(function, row, instruction);
                self.pop();
            }
            Op::PRECALL
            | Op::KW_NAMES
            | Op::RESUME
            | Op::NOP
            | Op::CACHE
            | Op::MAKE_CELL
            | Op::COPY_FREE_VARS
            | Op::TO_BOOL
            | Op::NOT_TAKEN
            | Op::SET_LINENO
            | Op::SETUP_ANNOTATIONS
            | Op::POP_BLOCK => {}
            _ => return false,
        }
        true
    }

    /// A call up to 3.5: the arguments by position in the low byte, pairs by keyword in the high one.
    fn call_old(&mut self, arg: u32, more: u32, instruction: &Instruction) {
        let pairs = (arg >> 8 & 0xff).wrapping_mul(2);
        let row = self.take((arg & 0xff).wrapping_add(pairs).wrapping_add(more));
        let mut function = self.pop();
        if function == NULL {
            function = self.stack.last().copied().unwrap_or(UNKNOWN);
        }
        self.call(function, row, instruction);
    }

    fn drop_below(&mut self) {
        let top = self.pop();
        self.pop();
        self.stack.push(top);
    }

    /// Operators and containers.
    fn step_operation(&mut self, op: Op, instruction: &Instruction) -> bool {
        let arg = instruction.arg;
        match op {
            Op::BINARY_SLICE | Op::SLICE_3 => self.operation(op, 3),
            Op::UNARY_CONVERT
            | Op::UNARY_INVERT
            | Op::UNARY_NEGATIVE
            | Op::UNARY_NOT
            | Op::UNARY_POSITIVE
            | Op::SLICE_0
            | Op::FORMAT_SIMPLE
            | Op::CONVERT_VALUE
            | Op::GET_ITER
            | Op::LIST_TO_TUPLE
            | Op::CALL_INTRINSIC_1
            | Op::GET_AWAITABLE
            | Op::YIELD_VALUE => self.operation(op, 1),
            Op::COMPARE_OP
            | Op::IS_OP
            | Op::CONTAINS_OP
            | Op::SLICE_1
            | Op::SLICE_2
            | Op::FORMAT_WITH_SPEC
            | Op::CALL_INTRINSIC_2 => self.operation(op, 2),
            _ if op.name().starts_with("BINARY_") || op.name().starts_with("INPLACE_") => self.operation(op, 2),
            Op::BUILD_TUPLE | Op::BUILD_LIST | Op::BUILD_SET | Op::BUILD_STRING | Op::BUILD_SLICE => {
                self.operation(op, arg);
            }
            Op::BUILD_MAP => {
                // Up to 3.4 the argument is a hint of the size.
                let has_items = self.opcodes.rows.iter().flatten().all(|row| row.op != Op::STORE_MAP);
                self.operation(op, if has_items { arg.saturating_mul(2) } else { 0 });
            }
            Op::BUILD_CONST_KEY_MAP => self.operation(op, arg.saturating_add(1)),
            Op::FORMAT_VALUE => self.operation(op, if arg & 4 == 4 { 2 } else { 1 }),
            Op::MAKE_FUNCTION => self.make_function(arg),
            Op::SET_FUNCTION_ATTRIBUTE => {
                let function = self.pop();
                self.pop();
                self.stack.push(function);
            }
            Op::LIST_EXTEND | Op::SET_UPDATE | Op::DICT_UPDATE | Op::DICT_MERGE | Op::LIST_APPEND | Op::SET_ADD => {
                self.extend(op, 1, arg);
            }
            Op::STORE_MAP => self.extend(op, 2, 1),
            Op::STORE_SUBSCR => {
                self.take(3);
            }
            Op::DELETE_SUBSCR | Op::PRINT_ITEM_TO => {
                self.take(2);
            }
            Op::UNPACK_SEQUENCE if arg <= UNPACKED => {
                let row = self.take(1);
                for _ in 0..arg {
                    self.push(Expression::Operation(op, row));
                }
            }
            _ => return false,
        }
        true
    }

    /// A function: its code, its name in 3.3 to 3.10, and what else it is made with.
    fn make_function(&mut self, arg: u32) {
        let is_code = |expression| matches!(expression, Expression::Const(Value::Code(_), _));
        let mut top = self.pop();
        if !is_code(self.out.get(top)) {
            top = self.pop();
        }
        let flags = if self.opcodes.format == Format::ByteCode { arg } else { arg.count_ones() };
        self.take(flags);
        let row = self.out.add_row(&[top]);
        self.push(Expression::Operation(Op::MAKE_FUNCTION, row));
    }

    /// What leads elsewhere, and whatever is not followed.
    fn step_flow(&mut self, op: Op, instruction: &Instruction) {
        let (target, start) = (instruction.target, instruction.start);
        match op {
            Op::FOR_ITER => {
                let iterator = self.stack.last().copied().unwrap_or(UNKNOWN);
                let row = self.out.add_row(&[iterator]);
                self.push(Expression::Operation(op, row));
            }
            Op::SETUP_LOOP | Op::SETUP_EXCEPT | Op::SETUP_FINALLY => {}
            Op::JUMP_IF_TRUE_OR_POP | Op::JUMP_IF_FALSE_OR_POP => {
                self.keep(target, start);
                self.pop();
            }
            Op::JUMP_IF_TRUE | Op::JUMP_IF_FALSE => self.keep(target, start),
            _ if target.is_some() && op.name().starts_with("POP_JUMP") => {
                self.pop();
                self.keep(target, start);
            }
            _ if instruction.is_end() => {
                self.keep(target, start);
                self.stack.clear();
                self.is_lost = true;
            }
            _ => self.stack.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::pyc::Value as Object;
    use crate::limits::Limits;
    use crate::pyc;
    use crate::pyc::Scratch;
    use crate::pyc::Tree;

    /// Instructions as bytes, with their caches.
    fn assembled(opcodes: &Opcodes, instructions: &[(Op, u8)]) -> Vec<u8> {
        let mut code = Vec::new();
        for &(op, arg) in instructions {
            let is_it = |number: &u8| opcodes.row(*number).is_some_and(|row| row.op == op);
            let number = (0..=u8::MAX).find(is_it).unwrap();
            let caches = usize::from(opcodes.row(number).unwrap().caches);
            code.push(number);
            let has_argument = opcodes.format == Format::WordCode || number >= 90;
            code.extend([arg, 0].into_iter().take(if opcodes.format == Format::WordCode { 1 } else { 2 }));
            code.truncate(if has_argument { code.len() } else { code.len() - 2 });
            code.extend(std::iter::repeat_n(0, 2 * caches));
        }
        code
    }

    /// An expression as its source would be written.
    fn shown(expressions: &Expressions<'_>, id: ExpressionId) -> String {
        let name = |text: Text<'_>| String::from_utf8(text.bytes.to_vec()).unwrap();
        let all = |row| expressions.row(row).iter().map(|&id| shown(expressions, id)).collect::<Vec<_>>().join(", ");
        match expressions.get(id) {
            Expression::Unknown => "?".to_owned(),
            Expression::Null => "null".to_owned(),
            Expression::Const(Value::Int(number), _) => number.to_string(),
            Expression::Const(..) => "const".to_owned(),
            Expression::Name(text) => name(text),
            Expression::Module(text) => format!("module {}", name(text)),
            Expression::Attribute(object, text) => format!("{}.{}", shown(expressions, object), name(text)),
            Expression::Call(function, row) => format!("{}({})", shown(expressions, function), all(row)),
            Expression::Operation(op, row) => format!("{}[{}]", op.name(), all(row)),
        }
    }

    /// What happens in a module with the constants 0 and 1, the names `a` to `d` and these instructions.
    fn events(python: &str, instructions: &[(Op, u8)]) -> Vec<String> {
        let pyc = forge::Pyc::python(python).names(&["a", "b", "c", "d"]).consts(vec![Object::Int(0), Object::Int(1)]);
        let mut scratch = Scratch::default();
        let bytes = pyc.build();
        let version = pyc::read(&bytes, &Limits::default(), &mut scratch).value.pyc.version.unwrap();
        let opcodes = Opcodes::of(version).unwrap();
        let bytes = pyc.edit(|it| it.code = Object::Bytes(assembled(opcodes, instructions))).build();
        let tree: Tree<'_> = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
        let expressions = Expressions::of(tree.codes().next().unwrap(), version, opcodes);
        let events = expressions.events().iter().map(|event| match event.kind {
            EventKind::Call(id) => shown(&expressions, id),
            EventKind::Set(object, text) => {
                format!("{}.{} =", shown(&expressions, object), String::from_utf8_lossy(text.bytes))
            }
        });
        events.collect()
    }

    #[test]
    fn a_call_in_a_call_is_one_expression_in_every_form_of_call() {
        let old = [
            (Op::LOAD_NAME, 0),
            (Op::LOAD_NAME, 1),
            (Op::LOAD_CONST, 0),
            (Op::CALL_FUNCTION, 1),
            (Op::LOAD_CONST, 1),
            (Op::CALL_FUNCTION, 2),
        ];
        let with_null = [
            (Op::PUSH_NULL, 0),
            (Op::LOAD_NAME, 0),
            (Op::PUSH_NULL, 0),
            (Op::LOAD_NAME, 1),
            (Op::LOAD_CONST, 0),
            (Op::CALL, 1),
            (Op::LOAD_CONST, 1),
            (Op::CALL, 2),
        ];
        let null_last = [
            (Op::LOAD_NAME, 0),
            (Op::PUSH_NULL, 0),
            (Op::LOAD_NAME, 1),
            (Op::PUSH_NULL, 0),
            (Op::LOAD_CONST, 0),
            (Op::CALL, 1),
            (Op::LOAD_CONST, 1),
            (Op::CALL, 2),
        ];
        for (python, instructions) in
            [("2.7", &old[..]), ("3.5", &old), ("3.8", &old), ("3.12", &with_null), ("3.13", &null_last)]
        {
            assert_eq!(events(python, instructions), ["b(0)", "a(b(0), 1)"], "{python}");
        }
    }

    #[test]
    fn a_method_is_an_attribute_that_is_called() {
        let old = [(Op::LOAD_NAME, 0), (Op::LOAD_METHOD, 1), (Op::LOAD_CONST, 0), (Op::CALL_METHOD, 1)];
        assert_eq!(events("3.8", &old), ["a.b(0)"]);
        // The lowest bit asks for a method, the others are the name.
        let new = [(Op::LOAD_NAME, 0), (Op::LOAD_ATTR, 3), (Op::LOAD_CONST, 0), (Op::CALL, 1)];
        assert_eq!(events("3.12", &new), ["a.b(0)"]);
    }

    #[test]
    fn a_variable_stands_for_what_was_last_stored_in_it() {
        let code = [
            (Op::LOAD_NAME, 0),
            (Op::LOAD_ATTR, 1),
            (Op::STORE_NAME, 2),
            (Op::LOAD_NAME, 2),
            (Op::CALL_FUNCTION, 0),
            (Op::STORE_NAME, 2),
            (Op::LOAD_CONST, 0),
            (Op::LOAD_NAME, 2),
            (Op::STORE_ATTR, 3),
        ];
        assert_eq!(events("3.8", &code), ["a.b()", "a.b().d ="]);
        assert_eq!(events("2.7", &code), ["a.b()", "a.b().d ="]);
    }

    #[test]
    fn an_import_names_the_module_that_the_name_is_given_to() {
        let code = |names| {
            let constant = |place| (Op::LOAD_CONST, place);
            [constant(0), constant(names), (Op::IMPORT_NAME, 0), (Op::STORE_NAME, 1), (Op::LOAD_NAME, 1)]
        };
        let called = [&code(1)[..], &[(Op::CALL_FUNCTION, 0)]].concat();
        assert_eq!(events("3.8", &called), ["module a()"]);
    }

    #[test]
    fn exec_of_python_2_is_a_call() {
        let code = [(Op::LOAD_NAME, 0), (Op::LOAD_CONST, 0), (Op::DUP_TOP, 0), (Op::EXEC_STMT, 0)];
        assert_eq!(events("2.7", &code), ["exec(a, 0, 0)"]);
    }

    #[test]
    fn an_expression_goes_on_behind_a_branch_and_not_behind_a_return() {
        // `a(b and c)`: the jump leads behind the second operand.
        let code = [
            (Op::LOAD_NAME, 0),
            (Op::LOAD_NAME, 1),
            (Op::JUMP_IF_FALSE_OR_POP, 8),
            (Op::LOAD_NAME, 2),
            (Op::CALL_FUNCTION, 1),
        ];
        assert_eq!(events("3.8", &code), ["a(c)"]);
        let code = [(Op::LOAD_NAME, 0), (Op::LOAD_NAME, 1), (Op::RETURN_VALUE, 0), (Op::CALL_FUNCTION, 1)];
        assert_eq!(events("3.8", &code), ["?()"]);
    }

    #[test]
    fn a_stack_that_is_too_short_gives_what_is_not_known() {
        let code = [(Op::CALL_FUNCTION, 255), (Op::SWAP, 200), (Op::CALL, 255), (Op::COPY, 99)];
        assert_eq!(events("3.8", &code[..1]), ["?()"]);
        // What is not known where the function or the place beside it should be counts as a first argument.
        assert_eq!(events("3.12", &code[1..]), ["?(?)"]);
    }
}
