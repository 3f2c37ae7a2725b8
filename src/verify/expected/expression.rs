//! Expressions.

use ruff_python_ast::BoolOp;
use ruff_python_ast::CmpOp;
use ruff_python_ast::DictItem;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprBoolOp;
use ruff_python_ast::ExprCompare;
use ruff_python_ast::ExprDict;
use ruff_python_ast::ExprIf;
use ruff_python_ast::ExprUnaryOp;
use ruff_python_ast::Operator;
use ruff_python_ast::UnaryOp;

use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::event::Binary;
use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::Op;
use crate::verify::event::Unary;

use super::Label;
use super::Operand;
use super::Unit;

/// `STACK_USE_GUIDELINE` of CPython's compiler: larger displays are filled item by item (3.10 and later).
pub(super) const STACK_USE_GUIDELINE: usize = 30;

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
        match expression {
            Expr::BoolOp(node) => self.bool_op(node),
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
            Expr::If(node) => self.conditional(node),
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
                let value = self.expression(&node.value);
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

    fn bool_op(&mut self, node: &'a ExprBoolOp) -> Operand {
        let result = self.program.register();
        let end = self.label();
        let last = node.values.len().saturating_sub(1);
        for (index, value) in node.values.iter().enumerate() {
            let value = self.expression(value);
            self.push(super::Action::Move(result, value));
            if index < last {
                let next = self.label();
                match node.op {
                    BoolOp::And => self.test(value, next, end),
                    BoolOp::Or => self.test(value, end, next),
                }
                self.put(next);
            }
        }
        self.put(end);
        Operand::Register(result)
    }

    fn conditional(&mut self, node: &'a ExprIf) -> Operand {
        let result = self.program.register();
        let (other, end) = (self.label(), self.label());
        self.jump_if(&node.test, false, other);
        let value = self.expression(&node.body);
        self.push(super::Action::Move(result, value));
        self.jump(end);
        self.put(other);
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

    fn tuple_display(&mut self, items: &'a [Expr]) -> Operand {
        if let Some(items) = self.constant_values(items) {
            return self.constant(Constant::Tuple(items.into()));
        }
        if !self.since(3, 9) {
            return self.old_display(items, Display::Tuple, Display::Tuple, Display::TupleUnpack);
        }
        self.filled(&[], items, Filled::Tuple)
    }

    pub(super) fn list_display(&mut self, items: &'a [Expr]) -> Operand {
        if !self.since(3, 9) {
            return self.old_display(items, Display::List, Display::Tuple, Display::ListUnpack);
        }
        self.filled(&[], items, Filled::List)
    }

    fn set_display(&mut self, items: &'a [Expr]) -> Operand {
        if !self.since(3, 9) {
            return self.old_display(items, Display::Set, Display::Set, Display::SetUnpack);
        }
        self.filled(&[], items, Filled::Set)
    }

    /// Up to 3.8: runs of plain items are built, then joined with what is unpacked.
    pub(super) fn old_display(&mut self, items: &'a [Expr], whole: Display, run: Display, joined: Display) -> Operand {
        let mut plain = Vec::new();
        let mut parts = Vec::new();
        for item in items {
            let Expr::Starred(star) = item else {
                plain.push(self.expression(item));
                continue;
            };
            if !plain.is_empty() {
                parts.push(self.build(run, &plain));
                plain.clear();
            }
            parts.push(self.expression(&star.value));
        }
        if parts.is_empty() {
            return self.build(whole, &plain);
        }
        if !plain.is_empty() {
            parts.push(self.build(run, &plain));
        }
        self.value(Op::Build(joined), &parts)
    }

    fn build(&mut self, display: Display, items: &[Operand]) -> Operand {
        if display == Display::Tuple { self.tuple(items) } else { self.value(Op::Build(display), items) }
    }

    /// A display from 3.9 on, behind what is already there.
    pub(super) fn filled(&mut self, before: &[Operand], items: &'a [Expr], what: Filled) -> Operand {
        self.filled_behind(before, items, None, what)
    }

    /// As `filled`, with a variable as the last item (`starunpack_helper_impl`).
    pub(super) fn filled_behind(
        &mut self,
        before: &[Operand],
        items: &'a [Expr],
        further: Option<&str>,
        what: Filled,
    ) -> Operand {
        if items.len() > 2
            && further.is_none()
            && !(self.since(3, 14) && (what != Filled::Tuple && is_large(items) || !before.is_empty()))
            && let Some(constants) = self.constant_values(items)
        {
            return self.filled_constants(before, constants, what);
        }
        let count = items.len().saturating_add(before.len()).saturating_add(usize::from(further.is_some()));
        let is_big = self.since(3, 10) && count > STACK_USE_GUIDELINE;
        let mut gathered = before.to_vec();
        let mut built = is_big.then(|| self.value(Op::Build(what.display()), before));
        for item in items {
            if let Expr::Starred(star) = item {
                let container = *built.get_or_insert_with(|| self.value(Op::Build(what.display()), &gathered));
                let value = self.expression(&star.value);
                self.act(what.extend(), &[container, value]);
            } else {
                let value = self.expression(item);
                match built {
                    Some(container) => self.act(what.add(), &[container, value]),
                    None => gathered.push(value),
                }
            }
        }
        if let Some(name) = further {
            let value = self.load(name);
            match built {
                Some(container) => self.act(what.add(), &[container, value]),
                None => gathered.push(value),
            }
        }
        match (built, what) {
            (None, Filled::Tuple) => self.tuple(&gathered),
            (None, _) => self.value(Op::Build(what.display()), &gathered),
            (Some(list), Filled::Tuple) => self.value(Op::ListToTuple, &[list]),
            (Some(container), _) => container,
        }
    }

    fn filled_constants(&mut self, before: &[Operand], constants: Vec<ConstId>, what: Filled) -> Operand {
        if before.is_empty() {
            return match what {
                Filled::Tuple => self.constant(Constant::Tuple(constants.into())),
                Filled::List => {
                    let items: Vec<Operand> = constants.into_iter().map(Operand::Const).collect();
                    self.value(Op::Build(Display::List), &items)
                }
                Filled::Set => {
                    let set = self.pool.constants.frozenset(&constants);
                    let items: Vec<Operand> = match self.pool.constants.get(set) {
                        Constant::FrozenSet(items) => items.iter().copied().map(Operand::Const).collect(),
                        _ => Vec::new(),
                    };
                    self.value(Op::Build(Display::Set), &items)
                }
            };
        }
        let container = self.value(Op::Build(what.display()), before);
        let items = match what {
            Filled::Set => Operand::Const(self.pool.constants.frozenset(&constants)),
            Filled::List | Filled::Tuple => self.constant(Constant::Tuple(constants.into())),
        };
        self.act(what.extend(), &[container, items]);
        if what == Filled::Tuple { self.value(Op::ListToTuple, &[container]) } else { container }
    }

    fn dict(&mut self, node: &'a ExprDict) -> Operand {
        if self.is_python2() {
            let dict = self.value(Op::Build(Display::Map), &[]);
            for item in &node.items {
                let value = self.expression(&item.value);
                let key = self.optional(item.key.as_ref());
                self.act(Op::MapAdd, &[dict, key, value]);
            }
            return dict;
        }
        if self.since(3, 9) { self.new_dict(&node.items) } else { self.old_dict(&node.items) }
    }

    /// Up to 3.8: parts of pairs, and mappings that are unpacked, joined at the end.
    fn old_dict(&mut self, items: &'a [DictItem]) -> Operand {
        let mut parts = Vec::new();
        let mut begin = 0_usize;
        let mut ends_unpacked = false;
        for (index, item) in items.iter().enumerate() {
            ends_unpacked = item.key.is_none();
            let is_full = index.saturating_sub(begin) == 0xFFFF;
            if index > begin && (ends_unpacked || is_full) {
                parts.push(self.pairs(items.get(begin..index).unwrap_or_default()));
                begin = index;
            }
            if ends_unpacked {
                parts.push(self.expression(&item.value));
                begin = index.saturating_add(1);
            }
        }
        let rest = items.get(begin..).unwrap_or_default();
        if !rest.is_empty() || parts.is_empty() {
            parts.push(self.pairs(rest));
        }
        match &*parts {
            &[only] if !ends_unpacked => only,
            _ => self.value(Op::Build(Display::MapUnpack), &parts),
        }
    }

    fn new_dict(&mut self, items: &'a [DictItem]) -> Operand {
        let mut dict: Option<Operand> = None;
        let mut begin = 0_usize;
        let limit = if self.since(3, 10) { STACK_USE_GUIDELINE / 2 } else { 0xFFFE };
        for (index, item) in items.iter().enumerate() {
            let next = index.saturating_add(1);
            if item.key.is_none() {
                dict = self.join_pairs(dict, items.get(begin..index).unwrap_or_default());
                begin = next;
                let whole = *dict.get_or_insert_with(|| self.value(Op::Build(Display::Map), &[]));
                let value = self.expression(&item.value);
                self.act(Op::DictUpdate, &[whole, value]);
            } else if index.saturating_sub(begin) > limit {
                dict = self.join_pairs(dict, items.get(begin..next).unwrap_or_default());
                begin = next;
            }
        }
        dict = self.join_pairs(dict, items.get(begin..).unwrap_or_default());
        dict.unwrap_or_else(|| self.value(Op::Build(Display::Map), &[]))
    }

    fn join_pairs(&mut self, dict: Option<Operand>, items: &'a [DictItem]) -> Option<Operand> {
        if items.is_empty() {
            return dict;
        }
        let part = self.pairs(items);
        match dict {
            Some(whole) => {
                self.act(Op::DictUpdate, &[whole, part]);
                Some(whole)
            }
            None => Some(part),
        }
    }

    /// A dict of pairs (`compiler_subdict`).
    fn pairs(&mut self, items: &'a [DictItem]) -> Operand {
        let is_big = self.since(3, 10) && items.len().saturating_mul(2) > STACK_USE_GUIDELINE;
        let mut operands = Vec::new();
        let keys: Option<Vec<ConstId>> = items.iter().map(|item| self.constant_value(item.key.as_ref()?)).collect();
        if let Some(keys) = keys.filter(|_| !is_big && items.len() > 1) {
            for (key, item) in keys.into_iter().zip(items) {
                operands.push(Operand::Const(key));
                operands.push(self.expression(&item.value));
            }
            return self.value(Op::Build(Display::Map), &operands);
        }
        let dict = is_big.then(|| self.value(Op::Build(Display::Map), &[]));
        for item in items {
            let Some(key) = &item.key else { continue };
            let key = self.expression(key);
            let value = self.expression(&item.value);
            match dict {
                Some(dict) => self.act(Op::MapAdd, &[dict, key, value]),
                None => operands.extend([key, value]),
            }
        }
        dict.unwrap_or_else(|| self.value(Op::Build(Display::Map), &operands))
    }
}

/// What is filled item by item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// A tuple, by way of a list.
    Tuple,
    /// A list.
    List,
    /// A set.
    Set,
}

impl Filled {
    pub(super) fn display(self) -> Display {
        if self == Self::Set { Display::Set } else { Display::List }
    }

    pub(super) fn add(self) -> Op {
        if self == Self::Set { Op::SetAdd } else { Op::ListAppend }
    }

    fn extend(self) -> Op {
        if self == Self::Set { Op::SetUpdate } else { Op::ListExtend }
    }
}

/// Whether a display is filled item by item.
fn is_large(items: &[Expr]) -> bool {
    items.len() > STACK_USE_GUIDELINE
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
