//! Operators, comparisons, attributes and items.

use smallvec::smallvec;

use crate::pyc::instruction::Instruction;
use crate::pyc::opcodes::Op as Opcode;
use crate::verify::event::Binary;
use crate::verify::event::Compare;
use crate::verify::event::Op;
use crate::verify::event::Symbol;
use crate::verify::event::Unary;
use crate::verify::fold;

use super::Change;
use super::Fault;
use super::Goto;
use super::Known;
use super::Machine;
use super::Put;
use super::Way;
use super::stack::Run;
use super::stack::Step;

/// The order of CPython's `BINARY_OP` arguments, without the in-place half.
const BINARY: [Binary; 13] = [
    Binary::Add,
    Binary::And,
    Binary::FloorDivide,
    Binary::LeftShift,
    Binary::MatrixMultiply,
    Binary::Multiply,
    Binary::Remainder,
    Binary::Or,
    Binary::Power,
    Binary::RightShift,
    Binary::Subtract,
    Binary::TrueDivide,
    Binary::Xor,
];

/// The argument of `BINARY_OP` that is a subscript (3.14 and later).
pub(super) const SUBSCRIPT: u32 = 26;

/// Comparisons by their words.
const COMPARISONS: [(&str, Compare); 10] = [
    ("<", Compare::Less),
    ("<=", Compare::LessEqual),
    ("==", Compare::Equal),
    ("!=", Compare::NotEqual),
    (">", Compare::Greater),
    (">=", Compare::GreaterEqual),
    ("in", Compare::In),
    ("not in", Compare::NotIn),
    ("is", Compare::Is),
    ("is not", Compare::IsNot),
];

/// The operator that an argument of `BINARY_OP` is, and whether it is that of an augmented assignment.
pub(super) fn of_arg(arg: u32) -> Option<(Binary, bool)> {
    const COUNT: u32 = 13;
    let (place, is_in_place) = arg.checked_sub(COUNT).map_or((arg, false), |place| (place, true));
    let binary = usize::try_from(place).ok().and_then(|place| BINARY.get(place)).copied()?;
    Some((binary, is_in_place))
}

impl Machine<'_> {
    /// The word of a `COMPARE_OP`.
    fn word(&self, at: &Instruction) -> Option<&'static str> {
        let index = at.index().map_or(u32::MAX, |(_, index)| index);
        usize::try_from(index).ok().and_then(|place| self.opcodes.compare.get(place)).copied()
    }

    /// Which comparison a `COMPARE_OP` is; `None` for one that is but called so.
    pub(super) fn comparison(&self, at: &Instruction) -> Option<Compare> {
        let word = self.word(at)?;
        COMPARISONS.iter().find(|(other, _)| *other == word).map(|&(_, compare)| compare)
    }
}

impl Run<'_, '_> {
    /// A unary operator.
    pub(super) fn unary(&mut self, unary: Unary) -> Step {
        let operand = self.value()?;
        if unary == Unary::Not {
            return self.not(operand);
        }
        let series = self.machine.series;
        if let Symbol::Const(id) = operand
            && let Some(folded) = fold::unary(self.pool, unary, id, series)
        {
            return self.pushed(Symbol::Const(folded));
        }
        self.event(Op::Unary(unary), smallvec![operand])
    }

    /// `UNARY_NOT`, which from 3.13 on takes nothing but `True` and `False`.
    fn not(&mut self, operand: Symbol) -> Step {
        if self.machine.series >= (3, 13) && !self.is_bool(operand) {
            return self.foreign();
        }
        let series = self.machine.series;
        if let Symbol::Const(id) = operand
            && let Some(folded) = fold::unary(self.pool, Unary::Not, id, series)
        {
            return self.pushed(Symbol::Const(folded));
        }
        self.event_put(Op::Unary(Unary::Not), smallvec![operand], Put::Known(Known::Bool))
    }

    /// `TO_BOOL`: in front of what needs a truth value, or in place of `not not`.
    pub(super) fn test_truth(&mut self) -> Step {
        if self.part > 0 {
            return self.truth();
        }
        let Some(next) = self.machine.follower(&self.at).copied() else { return self.foreign() };
        match next.op() {
            Some(Opcode::POP_JUMP_IF_TRUE) => self.test_top(&next, true),
            Some(Opcode::POP_JUMP_IF_FALSE) => self.test_top(&next, false),
            Some(Opcode::UNARY_NOT) => {
                let operand = self.value()?;
                let series = self.machine.series;
                let folded =
                    if let Symbol::Const(id) = operand { fold::unary(self.pool, Unary::Not, id, series) } else { None };
                if let Some(folded) = folded {
                    self.push(Symbol::Const(folded))?;
                    return self.go(next.end);
                }
                let goto = Goto { offset: next.end, part: 0 };
                self.event_to(Op::Unary(Unary::Not), smallvec![operand], Put::Known(Known::Bool), goto)
            }
            _ => self.truth(),
        }
    }

    /// The topmost value is negated twice.
    fn truth(&mut self) -> Step {
        const LAST: u8 = 2;
        let operand = self.value()?;
        let not = Op::Unary(Unary::Not);
        self.part = self.part.max(1);
        let put = Put::Known(Known::Bool);
        if self.part < LAST {
            self.event_part(not, smallvec![operand], put)
        } else {
            self.event_put(not, smallvec![operand], put)
        }
    }

    /// A jump that pops what it tests.
    pub(super) fn pop_jump(&mut self, when: bool) -> Step {
        if self.machine.series >= (3, 13) && !self.is_bool(self.peek(1)?) {
            // It would compare with `True` or `False` and take anything else for the other.
            return self.foreign();
        }
        let at = self.at;
        self.test_top(&at, when)
    }

    /// `JUMP_IF_TRUE_OR_POP` and `JUMP_IF_FALSE_OR_POP`.
    pub(super) fn jump_or_pop(&mut self, when: bool) -> Step {
        let on = self.peek(1)?;
        let there = Way { offset: self.target()?, change: Change::Keep };
        let here = Way { offset: self.at.end, change: Change::Pop };
        if when { self.test(on, there, here) } else { self.test(on, here, there) }
    }

    /// `POP_JUMP_IF_NONE` and its kin: a comparison and a test.
    pub(super) fn pop_jump_none(&mut self, when: bool) -> Step {
        if self.part == 0 {
            let operand = self.value()?;
            let none = Symbol::Const(self.machine.none);
            return self.event_part(Op::Compare(Compare::Is), smallvec![operand, none], Put::Push);
        }
        let at = self.at;
        self.test_top(&at, when)
    }

    /// A binary operator.
    pub(super) fn binary(&mut self, binary: Binary) -> Step {
        let operands = self.values(2)?;
        let series = self.machine.series;
        if let [Symbol::Const(left), Symbol::Const(right)] = operands[..]
            && let Some(folded) = fold::binary(self.pool, binary, left, right, series)
        {
            return self.pushed(Symbol::Const(folded));
        }
        self.event(Op::Binary(binary), operands)
    }

    /// An augmented assignment's operator.
    pub(super) fn in_place(&mut self, binary: Binary) -> Step {
        let operands = self.values(2)?;
        self.event(Op::InPlace(binary), operands)
    }

    /// `BINARY_OP`.
    pub(super) fn binary_op(&mut self) -> Step {
        let arg = self.at.arg;
        if arg == SUBSCRIPT && self.machine.series >= (3, 14) {
            return self.subscript();
        }
        match of_arg(arg).ok_or(Fault::Operand)? {
            (binary, false) => self.binary(binary),
            (binary, true) => self.in_place(binary),
        }
    }

    /// `a[b]`.
    pub(super) fn subscript(&mut self) -> Step {
        let operands = self.values(2)?;
        let series = self.machine.series;
        if let [Symbol::Const(object), Symbol::Const(key)] = operands[..]
            && let Some(folded) = fold::subscript(self.pool, object, key, series)
        {
            return self.pushed(Symbol::Const(folded));
        }
        self.event(Op::Subscript, operands)
    }

    /// `COMPARE_OP`, by its word.
    pub(super) fn compare(&mut self) -> Step {
        let Some(compare) = self.machine.comparison(&self.at) else {
            if self.machine.word(&self.at).ok_or(Fault::Operand)? != "exception match" {
                return self.foreign();
            }
            let class = self.value()?;
            let exception = super::patterns::raised(self.pop()?)?;
            return self.event(Op::ExceptionMatch, smallvec![exception, class]);
        };
        let series = self.machine.series;
        if series >= (3, 12) && self.at.arg & 15 != mask(compare) {
            return self.foreign();
        }
        let is_truth = series >= (3, 13) && self.at.arg & 16 != 0;
        if is_truth && !self.is_tested() {
            // In place of `not not`.
            if self.part > 0 {
                return self.truth();
            }
            let operands = self.values(2)?;
            return self.event_part(Op::Compare(compare), operands, Put::Push);
        }
        self.compared(compare, is_truth)
    }

    /// A comparison. One that is but tested is never a negated one: compilers are free to jump the other way.
    pub(super) fn compared(&mut self, compare: Compare, is_truth: bool) -> Step {
        if self.part > 0 {
            let next = self.machine.follower(&self.at).copied().ok_or(Fault::FallsOffEnd)?;
            // What was negated: a jump when it is true is one when the other is false.
            let when = is_pop_jump(next.op(), false);
            return self.test_top(&next, when);
        }
        let operands = self.values(2)?;
        let is_identity = matches!(compare, Compare::Is | Compare::IsNot | Compare::In | Compare::NotIn);
        let positive = match compare {
            Compare::IsNot => Compare::Is,
            Compare::NotIn => Compare::In,
            other => other,
        };
        let next = self.machine.follower(&self.at).and_then(Instruction::op);
        let is_negated = positive != compare && (is_pop_jump(next, true) || is_pop_jump(next, false));
        if is_negated {
            return self.event_part(Op::Compare(positive), operands, Put::Push);
        }
        // The length of a subject and a number: the one comparison that 3.13 and later jump on as it is.
        let is_number = operands.iter().all(|&operand| self.is_int(operand));
        let put = if is_truth || is_identity || is_number || self.is_format_check() {
            Put::Known(Known::Bool)
        } else {
            Put::Push
        };
        self.event_put(Op::Compare(compare), operands, put)
    }

    /// Whether this is the check of its format with which a function of annotations begins (3.14 and later), which is jumped on as it is.
    fn is_format_check(&self) -> bool {
        let machine = self.machine;
        let (code, first) = (machine.code, machine.locals.first().and_then(|local| local.name));
        let is_format = |name| matches!(self.pool.names.get(name), b".format" | b"format");
        let load = machine.instruction(machine.entry);
        let number = load.and_then(|load| machine.behind(load));
        let is_load = |op| matches!(op, Opcode::LOAD_FAST | Opcode::LOAD_FAST_BORROW);
        machine.series >= (3, 14)
            && (code.argcount(), code.posonlyargcount()) == (1, 1)
            && first.is_some_and(is_format)
            && load.is_some_and(|load| load.op().is_some_and(is_load) && load.arg == 0)
            && number.is_some_and(|number| number.op() == Some(Opcode::LOAD_SMALL_INT) && number.arg == 2)
            && number.and_then(|number| machine.behind(number)).is_some_and(|compare| compare.start == self.at.start)
    }

    /// Whether what follows needs a truth value and nothing else.
    fn is_tested(&self) -> bool {
        let next = self.machine.follower(&self.at).and_then(Instruction::op);
        is_pop_jump(next, true) || is_pop_jump(next, false) || next == Some(Opcode::UNARY_NOT)
    }

    /// An attribute is loaded: `LOAD_ATTR`, `LOAD_METHOD`.
    pub(super) fn load_attr(&mut self, name: u32, is_method: bool) -> Step {
        let name = self.name(name)?;
        let object = self.value()?;
        if is_method {
            self.state.lent = self.borrowed(object);
        }
        self.event_put(Op::LoadAttr(name), smallvec![object], if is_method { Put::Method } else { Put::Push })
    }

    /// `LOAD_SUPER_ATTR`.
    pub(super) fn load_super_attr(&mut self) -> Step {
        let arg = self.at.arg;
        let name = self.name(arg >> 2)?;
        let operands = self.values(3)?;
        let put = if arg & 1 != 0 { Put::Method } else { Put::Push };
        if put == Put::Method {
            self.state.lent = operands.last().and_then(|&object| self.borrowed(object));
        }
        self.event_put(Op::LoadSuperAttr(name, arg & 2 != 0), operands, put)
    }

    /// `STORE_ATTR`.
    pub(super) fn store_attr(&mut self) -> Step {
        let name = self.name(self.at.arg)?;
        let (object, value) = (self.value()?, self.value()?);
        self.event(Op::StoreAttr(name), smallvec![object, value])
    }

    /// `DELETE_ATTR`.
    pub(super) fn delete_attr(&mut self) -> Step {
        let name = self.name(self.at.arg)?;
        let object = self.value()?;
        self.event(Op::DeleteAttr(name), smallvec![object])
    }

    /// `a[b] = c`, `a[b:c] = d`: the value lies below the rest.
    pub(super) fn store_item(&mut self, op: Op, keys: usize) -> Step {
        let mut operands = self.values(keys)?;
        let value = self.value()?;
        operands.push(value);
        self.event(op, operands)
    }

    /// `SLICE+n` and its kin (2.x): which bounds there are is in the instruction.
    pub(super) fn old_slice(&mut self, op: Op, bounds: u8) -> Step {
        let none = Symbol::Const(self.machine.none);
        let upper = if bounds & 2 != 0 { self.value()? } else { none };
        let lower = if bounds & 1 != 0 { self.value()? } else { none };
        let object = self.value()?;
        let mut operands = smallvec![object, lower, upper];
        if op == Op::StoreSlice {
            operands.push(self.value()?);
        }
        self.event(op, operands)
    }
}

/// Whether an instruction is a conditional jump that pops what it tests.
pub(super) fn is_pop_jump(op: Option<Opcode>, when: bool) -> bool {
    let kinds = if when {
        [Opcode::POP_JUMP_IF_TRUE, Opcode::POP_JUMP_FORWARD_IF_TRUE, Opcode::POP_JUMP_BACKWARD_IF_TRUE]
    } else {
        [Opcode::POP_JUMP_IF_FALSE, Opcode::POP_JUMP_FORWARD_IF_FALSE, Opcode::POP_JUMP_BACKWARD_IF_FALSE]
    };
    op.is_some_and(|op| kinds.contains(&op))
}

/// The outcomes for which a comparison holds (`compare_masks` of CPython's compiler). They stand beside the operator from 3.12 on, and once an
/// instruction is specialised they alone decide: with others it would ask something else after some calls.
pub(super) fn mask(compare: Compare) -> u32 {
    const LESS: u32 = 2;
    const GREATER: u32 = 4;
    const EQUAL: u32 = 8;
    const UNORDERED: u32 = 1;
    match compare {
        Compare::Less => LESS,
        Compare::LessEqual => LESS | EQUAL,
        Compare::Equal => EQUAL,
        Compare::NotEqual => UNORDERED | LESS | GREATER,
        Compare::Greater => GREATER,
        Compare::GreaterEqual => GREATER | EQUAL,
        Compare::In | Compare::NotIn | Compare::Is | Compare::IsNot => 0,
    }
}
