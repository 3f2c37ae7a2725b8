//! Expressions.

use ruff_python_ast::BoolOp;
use ruff_python_ast::CmpOp;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprBoolOp;
use ruff_python_ast::ExprCompare;
use ruff_python_ast::ExprIf;
use ruff_python_ast::ExprUnaryOp;
use ruff_python_ast::Operator;
use ruff_python_ast::UnaryOp;

use crate::verify::constant::Constant;
use crate::verify::event::Binary;
use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::Op;
use crate::verify::event::Unary;

use super::Label;
use super::Operand;
use super::Unit;
use super::display::Filled;
use super::display::is_large;

impl<'a> Unit<'_, 'a> {
    pub(super) fn expression(&mut self, expression: &'a Expr) -> Operand {
        let before = self.at(expression);
        let value = self.expression_here(expression);
        self.range = before;
        value
    }

    /// The value of an expression, or None where there is none.
    pub(super) fn optional(&mut self, expression: Option<&'a Expr>) -> Operand {
        match expression {
            Some(expression) => self.expression(expression),
            None => self.none(),
        }
    }

    fn expression_here(&mut self, expression: &'a Expr) -> Operand {
        let asked_next = self.asked_next.take();
        match expression {
            Expr::BoolOp(node) => self.bool_op(node, asked_next),
            Expr::Named(node) => {
                let value = self.expression(&node.value);
                self.assign(&node.target, value);
                value
            }
            Expr::BinOp(node) => {
                if let Some(value) = self.percent_format(node) {
                    return value;
                }
                let left = self.expression(&node.left);
                let right = self.expression(&node.right);
                let op = Op::Binary(self.operator(node.op));
                self.value(op, &[left, right])
            }
            Expr::UnaryOp(node) => {
                // To 2.x a minus belongs to the number behind it.
                let literal = if self.is_python2() { self.literal_constant(expression) } else { None };
                literal.map_or_else(|| self.unary_op(node), Operand::Const)
            }
            Expr::Lambda(node) => self.lambda(node),
            Expr::If(node) => self.conditional(node, asked_next),
            Expr::Dict(node) => self.dict(node),
            Expr::Set(node) => self.set_display(&node.elts),
            Expr::List(node) => self.list_display(&node.elts),
            Expr::Tuple(node) => self.tuple_display(&node.elts),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehension(expression)
            }
            Expr::Await(node) => {
                let value = self.expression(&node.value);
                self.await_value(value)
            }
            Expr::Yield(node) => {
                let value = self.optional(node.value.as_deref());
                self.yield_value(value)
            }
            Expr::YieldFrom(node) => {
                // From 3.15 on it is GET_ITER that makes the iterator.
                let value = if self.since(3, 15) { self.iterated(&node.value) } else { self.expression(&node.value) };
                let iterator = self.value(Op::GetYieldFromIter, &[value]);
                self.value(Op::YieldFrom, &[iterator])
            }
            Expr::Compare(node) => self.compare(node),
            Expr::Call(node) => self.call(node),
            Expr::FString(node) => self.format_string(node),
            Expr::TString(node) => self.template_string(node),
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_) => self.literal(expression),
            Expr::Attribute(node) => {
                if let Some(value) = self.super_attribute(node) {
                    return value;
                }
                let object = self.expression(&node.value);
                let name = self.mangled(node.attr.as_str());
                self.value(Op::LoadAttr(name), &[object])
            }
            Expr::Subscript(node) => {
                let object = self.expression(&node.value);
                if let Some((lower, upper)) = self.slice_bounds(&node.slice) {
                    return self.value(Op::Slice, &[object, lower, upper]);
                }
                let key = self.expression(&node.slice);
                self.value(Op::Subscript, &[object, key])
            }
            Expr::Name(node) => self.name_value(node.id.as_str()),
            Expr::Slice(node) => {
                let mut parts = Vec::new();
                for part in [&node.lower, &node.upper] {
                    parts.push(self.optional(part.as_deref()));
                }
                if let Some(step) = &node.step {
                    parts.push(self.expression(step));
                } else if self.has_empty_step(node) {
                    parts.push(self.none());
                }
                self.value(Op::Build(Display::Slice), &parts)
            }
            Expr::Starred(_) => {
                self.fail("a star in an unusual place");
                self.none()
            }
            Expr::IpyEscapeCommand(_) => {
                self.fail("an IPython command");
                self.none()
            }
        }
    }

    pub(super) fn name_value(&mut self, name: &str) -> Operand {
        if name == "__debug__" && !self.is_python2() {
            let debug = self.source().optimisation == 0;
            return self.constant(if debug { Constant::True } else { Constant::False });
        }
        if name == "None" {
            return self.none();
        }
        self.load(name)
    }

    /// A literal; fails the program when its value cannot be told.
    pub(super) fn literal(&mut self, expression: &Expr) -> Operand {
        if let Some(id) = self.literal_constant(expression) {
            return Operand::Const(id);
        }
        self.fail("a literal whose value is not known");
        self.none()
    }

    pub(super) fn operator(&self, op: Operator) -> Binary {
        match op {
            Operator::Add => Binary::Add,
            Operator::Sub => Binary::Subtract,
            Operator::Mult => Binary::Multiply,
            Operator::MatMult => Binary::MatrixMultiply,
            Operator::Div if self.is_python2() && !self.source().scopes.futures().division => Binary::Divide,
            Operator::Div => Binary::TrueDivide,
            Operator::Mod => Binary::Remainder,
            Operator::Pow => Binary::Power,
            Operator::LShift => Binary::LeftShift,
            Operator::RShift => Binary::RightShift,
            Operator::BitOr => Binary::Or,
            Operator::BitXor => Binary::Xor,
            Operator::BitAnd => Binary::And,
            Operator::FloorDiv => Binary::FloorDivide,
        }
    }

    fn bool_op(&mut self, node: &'a ExprBoolOp, asked_next: Option<BoolOp>) -> Operand {
        let result = self.program.register();
        let end = self.label();
        let last = node.values.len().saturating_sub(1);
        let is_threaded = self.since(3, 14) && asked_next == Some(node.op);
        for (index, value) in node.values.iter().enumerate() {
            self.asked_next = if index < last { Some(node.op) } else { asked_next };
            let value = self.expression(value);
            self.push(super::Action::Move(result, value));
            if index < last {
                let next = self.label();
                match node.op {
                    BoolOp::And => self.test(value, next, end),
                    BoolOp::Or => self.test(value, end, next),
                }
                if is_threaded {
                    self.program.thread_last();
                }
                self.put(next);
            }
        }
        self.put(end);
        Operand::Register(result)
    }

    fn conditional(&mut self, node: &'a ExprIf, asked_next: Option<BoolOp>) -> Operand {
        let result = self.program.register();
        let (other, end) = (self.label(), self.label());
        self.jump_if(&node.test, false, other);
        let value = self.expression(&node.body);
        self.push(super::Action::Move(result, value));
        self.jump(end);
        self.put(other);
        self.asked_next = asked_next;
        let value = self.expression(&node.orelse);
        self.push(super::Action::Move(result, value));
        self.put(end);
        Operand::Register(result)
    }

    fn unary_op(&mut self, node: &'a ExprUnaryOp) -> Operand {
        if node.op == UnaryOp::Not
            && let Some(compare) = single_identity(&node.operand)
        {
            return self.compare_as(compare, true);
        }
        let operand = self.expression(&node.operand);
        self.value(Op::Unary(unary(node.op)), &[operand])
    }

    fn compare(&mut self, node: &'a ExprCompare) -> Operand {
        if node.ops.len() == 1 {
            return self.compare_as(node, false);
        }
        let result = self.program.register();
        let end = self.label();
        let last = node.ops.len().saturating_sub(1);
        let mut left = self.expression(&node.left);
        for (index, (&op, right)) in node.ops.iter().zip(&node.comparators).enumerate() {
            let right = self.compared(op, right, index == last);
            let outcome = self.value(Op::Compare(comparison(op)), &[left, right]);
            self.push(super::Action::Move(result, outcome));
            if index < last {
                let next = self.label();
                self.test(outcome, next, end);
                self.put(next);
            }
            left = right;
        }
        self.put(end);
        Operand::Register(result)
    }

    /// A comparison of two, or its opposite.
    fn compare_as(&mut self, node: &'a ExprCompare, opposite: bool) -> Operand {
        let before = self.at(node);
        let left = self.expression(&node.left);
        let (Some(&op), Some(right)) = (node.ops.first(), node.comparators.first()) else { return left };
        let right = self.compared(op, right, true);
        let op = comparison(op);
        let op = if opposite { inverse(op) } else { op };
        let value = self.value(Op::Compare(op), &[left, right]);
        self.range = before;
        value
    }

    fn compared(&mut self, op: CmpOp, right: &'a Expr, is_last: bool) -> Operand {
        if is_last && matches!(op, CmpOp::In | CmpOp::NotIn) { self.searched(right) } else { self.expression(right) }
    }

    /// What is iterated over: a display of a list or set becomes a tuple or frozenset.
    pub(super) fn iterated(&mut self, expression: &'a Expr) -> Operand {
        if let Expr::Tuple(node) = expression
            && self.since(3, 14)
            && (is_large(&node.elts) || node.elts.iter().any(Expr::is_starred_expr))
        {
            // The list by way of which the tuple is made is as good (`optimize_basic_block`).
            let before = self.at(expression);
            let value = self.filled(&[], &node.elts, Filled::List);
            self.range = before;
            return value;
        }
        if self.since(3, 6) { self.searched(expression) } else { self.expression(expression) }
    }

    fn searched(&mut self, expression: &'a Expr) -> Operand {
        match expression {
            // From 3.14 on what is filled item by item stays what it is.
            Expr::List(node) if self.since(3, 14) && is_large(&node.elts) => self.expression(expression),
            Expr::Set(node) if self.since(3, 14) && is_large(&node.elts) => self.expression(expression),
            Expr::List(node) if !node.elts.iter().any(Expr::is_starred_expr) => {
                if let Some(items) = self.constant_values(&node.elts) {
                    return self.constant(Constant::Tuple(items.into()));
                }
                if self.since(3, 8) {
                    let before = self.at(expression);
                    let value = self.tuple_display(&node.elts);
                    self.range = before;
                    return value;
                }
                self.expression(expression)
            }
            Expr::Set(node) if !self.is_python2() => match self.constant_values(&node.elts) {
                Some(items) => Operand::Const(self.pool.constants.frozenset(&items)),
                None => self.expression(expression),
            },
            _ => self.expression(expression),
        }
    }

    /// Goes to `target` when the truth of an expression is `wanted`, on otherwise.
    pub(super) fn jump_if(&mut self, expression: &'a Expr, wanted: bool, target: Label) {
        let before = self.at(expression);
        match expression {
            // The value is made and then tested, though parts of it were tested already; most of that the peephole optimiser takes away.
            _ if !self.since(3, 7) => {
                let value = self.expression(expression);
                self.jump_on(value, wanted, target);
            }
            Expr::UnaryOp(node) if node.op == UnaryOp::Not => {
                // Up to 3.13 `not a in b` is made `a not in b` before.
                match single_identity(&node.operand) {
                    Some(compare) if !self.since(3, 14) => {
                        let value = self.compare_as(compare, true);
                        self.jump_on(value, wanted, target);
                    }
                    _ => self.jump_if(&node.operand, !wanted, target),
                }
            }
            Expr::BoolOp(node) => {
                let stops = node.op == BoolOp::Or;
                let end = self.label();
                let early = if stops == wanted { target } else { end };
                let last = node.values.len().saturating_sub(1);
                for value in node.values.iter().take(last) {
                    self.jump_if(value, stops, early);
                }
                if let Some(value) = node.values.last() {
                    self.jump_if(value, wanted, target);
                }
                self.put(end);
            }
            Expr::If(node) => {
                let (other, end) = (self.label(), self.label());
                self.jump_if(&node.test, false, other);
                self.jump_if(&node.body, wanted, target);
                self.jump(end);
                self.put(other);
                self.jump_if(&node.orelse, wanted, target);
                self.put(end);
            }
            Expr::Compare(node) if node.ops.len() > 1 => {
                let end = self.label();
                let stop = if wanted { end } else { target };
                let last = node.ops.len().saturating_sub(1);
                let mut left = self.expression(&node.left);
                for (index, (&op, right)) in node.ops.iter().zip(&node.comparators).enumerate() {
                    let right = self.compared(op, right, index == last);
                    let outcome = self.value(Op::Compare(comparison(op)), &[left, right]);
                    if index < last {
                        let next = self.label();
                        self.test(outcome, next, stop);
                        self.put(next);
                    } else {
                        self.jump_on(outcome, wanted, target);
                    }
                    left = right;
                }
                self.put(end);
            }
            _ => {
                let value = self.expression(expression);
                self.jump_on(value, wanted, target);
            }
        }
        self.range = before;
    }

    fn jump_on(&mut self, value: Operand, wanted: bool, target: Label) {
        let next = self.label();
        if wanted {
            self.test(value, target, next);
        } else {
            self.test(value, next, target);
        }
        self.put(next);
    }

    pub(super) fn yield_value(&mut self, value: Operand) -> Operand {
        let scopes = self.source().scopes;
        let mut scope = self.scope;
        while scopes.get(scope).is_inlined {
            let Some(parent) = scopes.get(scope).parent else { break };
            scope = parent;
        }
        let value = if self.since(3, 11) && scopes.get(scope).is_coroutine {
            self.value(Op::AsyncGenWrap, &[value])
        } else {
            value
        };
        self.value(Op::Yield, &[value])
    }

    /// The bounds of a slice that has instructions of its own.
    pub(super) fn slice_bounds(&mut self, index: &'a Expr) -> Option<(Operand, Operand)> {
        let Expr::Slice(slice) = index else { return None };
        if slice.step.is_some() || self.has_empty_step(slice) || (self.since(3, 0) && !self.since(3, 12)) {
            return None;
        }
        let is_literal = |part: &Option<Box<Expr>>| part.as_ref().is_none_or(|part| part.is_literal_expr());
        if self.since(3, 14) && is_literal(&slice.lower) && is_literal(&slice.upper) {
            return None;
        }
        let lower = self.optional(slice.lower.as_deref());
        let upper = self.optional(slice.upper.as_deref());
        Some((lower, upper))
    }
}

pub(super) fn unary(op: UnaryOp) -> Unary {
    match op {
        UnaryOp::Invert => Unary::Invert,
        UnaryOp::Not => Unary::Not,
        UnaryOp::UAdd => Unary::Positive,
        UnaryOp::USub => Unary::Negative,
    }
}

fn comparison(op: CmpOp) -> Compare {
    match op {
        CmpOp::Eq => Compare::Equal,
        CmpOp::NotEq => Compare::NotEqual,
        CmpOp::Lt => Compare::Less,
        CmpOp::LtE => Compare::LessEqual,
        CmpOp::Gt => Compare::Greater,
        CmpOp::GtE => Compare::GreaterEqual,
        CmpOp::Is => Compare::Is,
        CmpOp::IsNot => Compare::IsNot,
        CmpOp::In => Compare::In,
        CmpOp::NotIn => Compare::NotIn,
    }
}

fn inverse(op: Compare) -> Compare {
    match op {
        Compare::Is => Compare::IsNot,
        Compare::IsNot => Compare::Is,
        Compare::In => Compare::NotIn,
        Compare::NotIn => Compare::In,
        other => other,
    }
}

/// A comparison of two by `is`, `is not`, `in` or `not in`, whose opposite has an operator too.
pub(super) fn single_identity(expression: &Expr) -> Option<&ExprCompare> {
    let Expr::Compare(node) = expression else { return None };
    matches!(*node.ops, [CmpOp::Is | CmpOp::IsNot | CmpOp::In | CmpOp::NotIn]).then_some(node)
}
