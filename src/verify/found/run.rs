//! What each instruction does: the one table of all versions.

use smallvec::smallvec;

use crate::pyc::instruction::Cut;
use crate::pyc::opcodes::Op as Opcode;
use crate::pyc::opcodes::Use;
use crate::verify::Pool;
use crate::verify::constant::Constant;
use crate::verify::event::Binary;
use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::Op;
use crate::verify::event::Operands;
use crate::verify::event::Space;
use crate::verify::event::Symbol;
use crate::verify::event::Unary;

use super::Fault;
use super::Known;
use super::Machine;
use super::Pending;
use super::Put;
use super::State;
use super::stack::Run;
use super::stack::Step;

impl Machine<'_> {
    /// Runs one instruction, or one part of it.
    pub(super) fn run(&self, state: &mut State, pool: &mut Pool) -> Step {
        let part = match state.pending {
            Pending::Part(part) => part,
            Pending::Fault(fault) => return Err(fault),
            Pending::Event(..) | Pending::Test(_) | Pending::Iterate(_) => return Err(Fault::Protocol),
        };
        let at = *self.instruction(state.offset).ok_or(Fault::FallsOffEnd)?;
        self.mark(state.offset);
        if at.cut != Cut::No {
            return Err(Fault::Cut);
        }
        let mut run = Run { machine: self, state, pool, at, part };
        let Some(row) = at.row.filter(|row| row.used == Use::Compiled) else { return run.foreign() };
        if run.state.keywords.is_some() && !matches!(row.op, Opcode::PRECALL | Opcode::CALL) {
            return run.foreign();
        }
        run.instruction(row.op)
    }
}

impl Run<'_, '_> {
    /// An instruction, by groups.
    fn instruction(&mut self, op: Opcode) -> Step {
        if let Some(binary) = binary(op) {
            return self.binary(binary);
        }
        if let Some(binary) = in_place(op) {
            return self.in_place(binary);
        }
        match op {
            Opcode::LOAD_CONST => self.load_const(),
            Opcode::LOAD_FAST | Opcode::LOAD_FAST_CHECK | Opcode::LOAD_FAST_BORROW => self.load_fast(self.at.arg),
            Opcode::LOAD_FAST_LOAD_FAST | Opcode::LOAD_FAST_BORROW_LOAD_FAST_BORROW => self.load_fast_pair(),
            Opcode::STORE_FAST => self.store_fast(self.at.arg),
            Opcode::STORE_FAST_LOAD_FAST => self.store_fast_pair(Self::load_fast),
            Opcode::STORE_FAST_STORE_FAST => self.store_fast_pair(Self::store_fast),
            Opcode::DELETE_FAST => self.delete_fast(),
            Opcode::LOAD_FAST_AND_CLEAR => self.load_fast_and_clear(),
            Opcode::MAKE_CELL => self.make_cell(),
            Opcode::LOAD_CLOSURE => self.load_closure(),
            Opcode::LOAD_DEREF
            | Opcode::LOAD_CLASSDEREF
            | Opcode::LOAD_FROM_DICT_OR_DEREF
            | Opcode::STORE_DEREF
            | Opcode::DELETE_DEREF => self.deref(op),
            Opcode::LOAD_GLOBAL => self.load_global(),
            Opcode::LOAD_NAME => self.load_name(Space::Name),
            Opcode::LOAD_FROM_DICT_OR_GLOBALS => self.load_name(Space::ClassGlobal),
            Opcode::STORE_NAME => self.store_name(Space::Name),
            Opcode::STORE_GLOBAL => self.store_name(Space::Global),
            Opcode::DELETE_NAME => self.delete_name(Space::Name),
            Opcode::DELETE_GLOBAL => self.delete_name(Space::Global),
            Opcode::LOAD_ATTR if self.machine.series >= (3, 12) => {
                self.load_attr(self.at.arg >> 1, self.at.arg & 1 != 0)
            }
            Opcode::LOAD_ATTR => self.load_attr(self.at.arg, false),
            Opcode::LOAD_METHOD => self.load_attr(self.at.arg, true),
            Opcode::LOAD_SUPER_ATTR => self.load_super_attr(),
            Opcode::STORE_ATTR => self.store_attr(),
            Opcode::DELETE_ATTR => self.delete_attr(),
            Opcode::CALL | Opcode::CALL_KW => self.call(),
            Opcode::POP_TOP => {
                // Whatever it is: nothing is done with it.
                self.pop()?;
                self.state.forget();
                self.next()
            }
            Opcode::RETURN_VALUE => self.return_value(),
            Opcode::RETURN_CONST => {
                let returned = self.constant(self.at.arg)?;
                self.event(Op::Return, smallvec![Symbol::Const(returned)])
            }
            _ => self.move_or_jump(op),
        }
    }

    /// What moves values about, and jumps.
    fn move_or_jump(&mut self, op: Opcode) -> Step {
        match op {
            Opcode::NOP | Opcode::NOT_TAKEN => self.next(),
            Opcode::RETURN_GENERATOR => match self.machine.generator {
                Some((start, end)) if start == self.at.start => self.go(end),
                _ => self.foreign(),
            },
            Opcode::COPY => self.copy(),
            Opcode::SWAP => self.swap(),
            Opcode::PUSH_NULL => self.pushed(Symbol::Null),
            Opcode::DUP_TOP => self.duplicate(1),
            Opcode::DUP_TOP_TWO => self.duplicate(2),
            Opcode::DUP_TOPX if matches!(self.at.arg, 2 | 3) => self.duplicate(self.count()),
            Opcode::ROT_TWO => self.rotate(2),
            Opcode::ROT_THREE => self.rotate(3),
            Opcode::ROT_FOUR => self.rotate(4),
            Opcode::ROT_N => self.rotate(self.count()),
            Opcode::JUMP_FORWARD
            | Opcode::JUMP_ABSOLUTE
            | Opcode::JUMP_BACKWARD
            | Opcode::JUMP_BACKWARD_NO_INTERRUPT => {
                if op == Opcode::JUMP_BACKWARD_NO_INTERRUPT && self.machine.closes_endless_loop(&self.at) {
                    return self.foreign();
                }
                let target = self.target()?;
                self.go(target)
            }
            Opcode::TO_BOOL => self.test_truth(),
            Opcode::POP_JUMP_IF_TRUE | Opcode::POP_JUMP_FORWARD_IF_TRUE | Opcode::POP_JUMP_BACKWARD_IF_TRUE => {
                self.pop_jump(true)
            }
            Opcode::POP_JUMP_IF_FALSE | Opcode::POP_JUMP_FORWARD_IF_FALSE | Opcode::POP_JUMP_BACKWARD_IF_FALSE => {
                self.pop_jump(false)
            }
            Opcode::POP_JUMP_IF_NONE | Opcode::POP_JUMP_FORWARD_IF_NONE | Opcode::POP_JUMP_BACKWARD_IF_NONE => {
                self.pop_jump_none(true)
            }
            Opcode::POP_JUMP_IF_NOT_NONE
            | Opcode::POP_JUMP_FORWARD_IF_NOT_NONE
            | Opcode::POP_JUMP_BACKWARD_IF_NOT_NONE => self.pop_jump_none(false),
            Opcode::JUMP_IF_TRUE_OR_POP => self.jump_or_pop(true),
            Opcode::JUMP_IF_FALSE_OR_POP => self.jump_or_pop(false),
            Opcode::FOR_ITER => self.for_iter(),
            Opcode::POP_ITER => self.pop_iter(),
            Opcode::SEND => self.send(),
            Opcode::YIELD_VALUE => self.yield_value(),
            Opcode::LOAD_SMALL_INT => {
                let arg = self.at.arg;
                let small = self.pool.constants.small(arg);
                let number = small.unwrap_or_else(|| self.pool.constants.intern(Constant::Int(arg.into())));
                self.pushed(Symbol::Const(number))
            }
            _ => self.operate(op),
        }
    }

    /// Operators, displays and items.
    fn operate(&mut self, op: Opcode) -> Step {
        match op {
            Opcode::BINARY_OP => self.binary_op(),
            Opcode::BINARY_SUBSCR => self.subscript(),
            Opcode::COMPARE_OP => self.compare(),
            // The operand is exclusive-ored with the outcome: any other than 0 and 1 makes it true whatever it was.
            Opcode::IS_OP | Opcode::CONTAINS_OP if self.at.arg > 1 => self.foreign(),
            Opcode::IS_OP => self.compared(if self.at.arg == 0 { Compare::Is } else { Compare::IsNot }, false),
            Opcode::CONTAINS_OP => self.compared(if self.at.arg == 0 { Compare::In } else { Compare::NotIn }, false),
            Opcode::UNARY_NOT => self.unary(Unary::Not),
            Opcode::UNARY_NEGATIVE => self.unary(Unary::Negative),
            Opcode::UNARY_POSITIVE => self.unary(Unary::Positive),
            Opcode::UNARY_INVERT => self.unary(Unary::Invert),
            Opcode::UNARY_CONVERT => self.unary(Unary::Repr),
            Opcode::STORE_SUBSCR => self.store_item(Op::StoreSubscript, 2),
            Opcode::STORE_SLICE => self.store_item(Op::StoreSlice, 3),
            Opcode::DELETE_SUBSCR => self.take(Op::DeleteSubscript, 2),
            Opcode::BINARY_SLICE => self.take(Op::Slice, 3),
            Opcode::SLICE_0 => self.old_slice(Op::Slice, 0),
            Opcode::SLICE_1 => self.old_slice(Op::Slice, 1),
            Opcode::SLICE_2 => self.old_slice(Op::Slice, 2),
            Opcode::SLICE_3 => self.old_slice(Op::Slice, 3),
            Opcode::STORE_SLICE_0 => self.old_slice(Op::StoreSlice, 0),
            Opcode::STORE_SLICE_1 => self.old_slice(Op::StoreSlice, 1),
            Opcode::STORE_SLICE_2 => self.old_slice(Op::StoreSlice, 2),
            Opcode::STORE_SLICE_3 => self.old_slice(Op::StoreSlice, 3),
            Opcode::DELETE_SLICE_0 => self.old_slice(Op::DeleteSlice, 0),
            Opcode::DELETE_SLICE_1 => self.old_slice(Op::DeleteSlice, 1),
            Opcode::DELETE_SLICE_2 => self.old_slice(Op::DeleteSlice, 2),
            Opcode::DELETE_SLICE_3 => self.old_slice(Op::DeleteSlice, 3),
            Opcode::BUILD_TUPLE => self.build_tuple(),
            Opcode::BUILD_SLICE => self.build_slice(),
            Opcode::BUILD_LIST => self.build_list(Display::List, Opcode::LIST_EXTEND),
            Opcode::BUILD_SET => self.build_list(Display::Set, Opcode::SET_UPDATE),
            Opcode::BUILD_MAP => self.build_map(),
            Opcode::BUILD_CONST_KEY_MAP => self.build_const_key_map(),
            Opcode::BUILD_STRING => self.build(Display::String, self.count()),
            Opcode::BUILD_TEMPLATE => self.build(Display::Template, 2),
            Opcode::BUILD_TUPLE_UNPACK => self.build(Display::TupleUnpack, self.count()),
            Opcode::BUILD_TUPLE_UNPACK_WITH_CALL => self.build(Display::TupleUnpackWithCall, self.count()),
            Opcode::BUILD_LIST_UNPACK => self.build(Display::ListUnpack, self.count()),
            Opcode::BUILD_SET_UNPACK => self.build(Display::SetUnpack, self.count()),
            Opcode::BUILD_MAP_UNPACK => self.build(Display::MapUnpack, self.count()),
            Opcode::BUILD_MAP_UNPACK_WITH_CALL => self.build(Display::MapUnpackWithCall, self.count()),
            Opcode::BUILD_INTERPOLATION => self.build_interpolation(),
            Opcode::LIST_APPEND => self.add(Op::ListAppend),
            Opcode::SET_ADD => self.add(Op::SetAdd),
            Opcode::LIST_EXTEND => self.add(Op::ListExtend),
            Opcode::SET_UPDATE => self.add(Op::SetUpdate),
            Opcode::DICT_UPDATE => self.add(Op::DictUpdate),
            Opcode::DICT_MERGE => self.add(Op::DictMerge),
            Opcode::MAP_ADD => self.map_add(self.count()),
            Opcode::STORE_MAP => self.map_add(1),
            Opcode::LIST_TO_TUPLE => self.take(Op::ListToTuple, 1),
            Opcode::UNPACK_SEQUENCE => self.unpack(Op::Unpack(self.at.arg)),
            Opcode::UNPACK_EX => self.unpack(Op::UnpackEx(self.at.arg & 255, self.at.arg >> 8)),
            Opcode::FORMAT_VALUE => self.format_value(),
            Opcode::CONVERT_VALUE => self.convert_value(),
            Opcode::FORMAT_SIMPLE => {
                // What is a string already is the outcome itself.
                self.state.lent = self.borrowed(self.peek(1)?);
                self.take(Op::Format, 1)
            }
            Opcode::FORMAT_WITH_SPEC => self.take(Op::Format, 2),
            _ => self.call_or_define(op),
        }
    }

    /// Calls, functions, imports, contexts and generators.
    fn call_or_define(&mut self, op: Opcode) -> Step {
        let is_old = self.machine.series.0 == 2;
        match op {
            Opcode::KW_NAMES => self.kw_names(),
            Opcode::PRECALL => self.precall(),
            Opcode::CALL_METHOD => self.call_method(),
            Opcode::CALL_FUNCTION => self.call_function(),
            Opcode::CALL_FUNCTION_VAR => self.call_function_var(true, false),
            Opcode::CALL_FUNCTION_KW if is_old => self.call_function_var(false, true),
            Opcode::CALL_FUNCTION_VAR_KW => self.call_function_var(true, true),
            Opcode::CALL_FUNCTION_KW => self.call_function_kw(),
            Opcode::CALL_FUNCTION_EX => self.call_function_ex(),
            Opcode::MAKE_FUNCTION | Opcode::MAKE_CLOSURE => self.make_function(),
            Opcode::CALL_INTRINSIC_1 => self.intrinsic_1(),
            Opcode::CALL_INTRINSIC_2 => self.intrinsic_2(),
            Opcode::LOAD_COMMON_CONSTANT => self.load_common(),
            Opcode::LOAD_ASSERTION_ERROR => self.event(Op::LoadCommon("AssertionError"), Operands::new()),
            Opcode::LOAD_BUILD_CLASS => self.event(Op::LoadBuildClass, Operands::new()),
            Opcode::LOAD_LOCALS => self.event(Op::LoadLocals, Operands::new()),
            Opcode::BUILD_CLASS => self.take(Op::BuildClass, 3),
            Opcode::IMPORT_NAME => self.import_name(),
            Opcode::IMPORT_FROM => self.import_from(),
            Opcode::IMPORT_STAR => self.take(Op::ImportStar, 1),
            Opcode::SETUP_ANNOTATIONS => self.event(Op::SetupAnnotations, Operands::new()),
            Opcode::STORE_ANNOTATION => {
                let name = self.name(self.at.arg)?;
                self.take(Op::StoreAnnotation(name), 1)
            }
            Opcode::GET_ITER => self.get_iter(),
            Opcode::GET_YIELD_FROM_ITER => self.take(Op::GetYieldFromIter, 1),
            Opcode::GET_AWAITABLE => self.take(Op::GetAwaitable, 1),
            Opcode::GET_AITER => self.take(Op::GetAIter, 1),
            Opcode::GET_ANEXT => {
                let iterator = self.peek_value(1)?;
                self.event(Op::GetANext, smallvec![iterator])
            }
            Opcode::ASYNC_GEN_WRAP => self.take(Op::AsyncGenWrap, 1),
            Opcode::BEFORE_WITH => self.take(Op::WithEnter, 1),
            Opcode::BEFORE_ASYNC_WITH => self.take(Op::AsyncWithEnter, 1),
            Opcode::PRINT_ITEM => self.take(Op::PrintItem, 1),
            Opcode::PRINT_ITEM_TO => {
                let (file, value) = (self.value()?, self.value()?);
                self.event(Op::PrintItem, smallvec![file, value])
            }
            Opcode::PRINT_NEWLINE => self.event(Op::PrintNewline, Operands::new()),
            Opcode::PRINT_NEWLINE_TO => self.take(Op::PrintNewline, 1),
            Opcode::EXEC_STMT => self.take(Op::Exec, 3),
            _ => self.handle_or_match(op),
        }
    }

    /// Exceptions and `match`, and the blocks of versions up to 3.10.
    fn handle_or_match(&mut self, op: Opcode) -> Step {
        let has_blocks = self.machine.has_blocks();
        match op {
            Opcode::PUSH_EXC_INFO => self.push_exc_info(),
            Opcode::POP_EXCEPT if has_blocks => self.pop_except_block(),
            Opcode::POP_EXCEPT => self.pop_except(),
            Opcode::CHECK_EXC_MATCH => self.check_exc_match(),
            Opcode::CHECK_EG_MATCH => self.take(Op::GroupMatch, 2),
            Opcode::PREP_RERAISE_STAR => self.take(Op::PrepReraiseStar, 2),
            Opcode::RERAISE if has_blocks => self.reraise_block(),
            Opcode::RERAISE => self.reraise(),
            Opcode::RAISE_VARARGS => self.raise(),
            Opcode::END_ASYNC_FOR if has_blocks => self.end_async_for_block(),
            Opcode::END_ASYNC_FOR => self.end_async_for(),
            Opcode::WITH_EXCEPT_START if has_blocks => self.with_except_start_block(),
            Opcode::WITH_EXCEPT_START => self.with_except_start(),
            Opcode::GET_LEN => self.ask(Op::GetLen, Known::Int),
            Opcode::MATCH_MAPPING => self.ask(Op::MatchMapping, Known::Bool),
            Opcode::MATCH_SEQUENCE => self.ask(Op::MatchSequence, Known::Bool),
            Opcode::MATCH_KEYS => self.match_keys(),
            Opcode::MATCH_CLASS => self.match_class(),
            Opcode::COPY_DICT_WITHOUT_KEYS => {
                let keys = self.value()?;
                let subject = self.peek_value(1)?;
                self.event(Op::CopyDictWithoutKeys, smallvec![subject, keys])
            }
            _ if has_blocks => self.block_instruction(op),
            _ => self.foreign(),
        }
    }

    /// An event on so many values, whose results are pushed.
    fn take(&mut self, op: Op, count: usize) -> Step {
        let operands = self.values(count)?;
        self.event_put(op, operands, Put::Push)
    }

    fn load_const(&mut self) -> Step {
        let constant = self.constant(self.at.arg)?;
        self.pushed(Symbol::Const(constant))
    }

    fn swap(&mut self) -> Step {
        let (top, other) = (self.place(1)?, self.place(self.count())?);
        self.state.stack.swap(top, other);
        self.next()
    }

    /// The topmost values are pushed again.
    fn duplicate(&mut self, count: usize) -> Step {
        let from = self.place(count)?;
        for place in from..from.saturating_add(count) {
            let symbol = self.state.stack.get(place).copied().ok_or(Fault::StackUnderflow)?;
            self.push(symbol)?;
        }
        self.next()
    }

    /// The topmost value goes below others, so many in all.
    fn rotate(&mut self, count: usize) -> Step {
        let lowest = self.place(count)?;
        if let Some(values) = self.state.stack.get_mut(lowest..) {
            values.rotate_right(1);
        }
        self.next()
    }
}

/// The operator of an instruction of up to 3.10.
fn binary(op: Opcode) -> Option<Binary> {
    Some(match op {
        Opcode::BINARY_ADD => Binary::Add,
        Opcode::BINARY_SUBTRACT => Binary::Subtract,
        Opcode::BINARY_MULTIPLY => Binary::Multiply,
        Opcode::BINARY_MATRIX_MULTIPLY => Binary::MatrixMultiply,
        Opcode::BINARY_TRUE_DIVIDE => Binary::TrueDivide,
        Opcode::BINARY_DIVIDE => Binary::Divide,
        Opcode::BINARY_FLOOR_DIVIDE => Binary::FloorDivide,
        Opcode::BINARY_MODULO => Binary::Remainder,
        Opcode::BINARY_POWER => Binary::Power,
        Opcode::BINARY_LSHIFT => Binary::LeftShift,
        Opcode::BINARY_RSHIFT => Binary::RightShift,
        Opcode::BINARY_AND => Binary::And,
        Opcode::BINARY_OR => Binary::Or,
        Opcode::BINARY_XOR => Binary::Xor,
        _ => return None,
    })
}

/// The operator of an augmented assignment's instruction of up to 3.10.
fn in_place(op: Opcode) -> Option<Binary> {
    Some(match op {
        Opcode::INPLACE_ADD => Binary::Add,
        Opcode::INPLACE_SUBTRACT => Binary::Subtract,
        Opcode::INPLACE_MULTIPLY => Binary::Multiply,
        Opcode::INPLACE_MATRIX_MULTIPLY => Binary::MatrixMultiply,
        Opcode::INPLACE_TRUE_DIVIDE => Binary::TrueDivide,
        Opcode::INPLACE_DIVIDE => Binary::Divide,
        Opcode::INPLACE_FLOOR_DIVIDE => Binary::FloorDivide,
        Opcode::INPLACE_MODULO => Binary::Remainder,
        Opcode::INPLACE_POWER => Binary::Power,
        Opcode::INPLACE_LSHIFT => Binary::LeftShift,
        Opcode::INPLACE_RSHIFT => Binary::RightShift,
        Opcode::INPLACE_AND => Binary::And,
        Opcode::INPLACE_OR => Binary::Or,
        Opcode::INPLACE_XOR => Binary::Xor,
        _ => return None,
    })
}
