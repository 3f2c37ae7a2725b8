//! Expressions that compilers compute (`fold_const` and its kin in Python/ast_opt.c).
//!
//! Where the result is an operand it does not matter which version computes what: [`crate::verify::fold`] does it on both sides. It does
//! in annotations that 3.7 and 3.8 keep as text, which are written from the tree behind the optimiser; 3.9 and later leave them alone.

use std::collections::HashMap;

use num_bigint::Sign;
use ruff_python_ast::CmpOp;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprCompare;
use ruff_python_ast::ExprUnaryOp;
use ruff_python_ast::UnaryOp;

use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::constant::Constants;
use crate::verify::event::Binary;
use crate::verify::fold;

use super::Operand;
use super::Unit;
use super::expression::single_identity;
use super::expression::unary;

/// What expressions of one annotation are, by their places in memory: a tree is asked for its parts on every level.
pub(super) type Known = HashMap<*const Expr, Option<ConstId>>;

/// What is iterated over, or the right side of `in`.
pub(super) enum Searched<'e> {
    /// A constant, though it may be written as a list or set.
    Constant(ConstId),
    /// A list that becomes a tuple (3.8).
    Tuple(&'e [Expr]),
    /// What it is.
    Plain,
}

impl Unit<'_, '_> {
    /// What an expression is when it is made of literals only.
    pub(super) fn constant_value(&mut self, expression: &Expr) -> Option<ConstId> {
        self.computed(expression, &mut Self::constant_value)
    }

    /// What an expression is when it is a literal, or an operation on parts that are constants.
    pub(super) fn computed(
        &mut self,
        expression: &Expr,
        part: &mut impl FnMut(&mut Self, &Expr) -> Option<ConstId>,
    ) -> Option<ConstId> {
        let series = self.source().series;
        match expression {
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_) => self.literal_constant(expression),
            Expr::BooleanLiteral(_) if series >= (3, 0) => self.literal_constant(expression),
            Expr::Name(name) if name.id.as_str() == "__debug__" && series >= (3, 0) => {
                match self.name_value("__debug__") {
                    Operand::Const(id) => Some(id),
                    Operand::Register(_) => None,
                }
            }
            Expr::UnaryOp(_) if series < (3, 0) && self.literal_constant(expression).is_some() => {
                self.literal_constant(expression)
            }
            Expr::UnaryOp(node) => {
                let operand = part(self, &node.operand)?;
                fold::unary(self.pool, unary(node.op), operand, series)
            }
            Expr::BinOp(node) => {
                let left = part(self, &node.left)?;
                let right = part(self, &node.right)?;
                let op = self.operator(node.op);
                if !self.is_folded(op, left, right) {
                    return None;
                }
                fold::binary(self.pool, op, left, right, series)
            }
            Expr::Subscript(node) => {
                let object = part(self, &node.value)?;
                let key = part(self, &node.slice)?;
                fold::subscript(self.pool, object, key, series)
            }
            Expr::Tuple(node) => {
                let items: Option<Vec<ConstId>> = node.elts.iter().map(|item| part(self, item)).collect();
                Some(self.pool.constants.intern(Constant::Tuple(items?.into())))
            }
            _ => None,
        }
    }

    /// Whether the compiler computes an operation on constants, whose results are limited (`safe_multiply` and its kin).
    fn is_folded(&self, op: Binary, left: ConstId, right: ConstId) -> bool {
        const MAX_INT_SIZE: u64 = 128;
        const MAX_STR_SIZE: usize = 4096;
        const MAX_COLLECTION_SIZE: usize = 256;
        const MAX_TOTAL_ITEMS: usize = 1024;
        if !self.since(3, 7) {
            return true;
        }
        let constants = &self.pool.constants;
        let bits = |id: ConstId| match constants.get(id) {
            Constant::Int(number) => Some(number.bits()),
            // To the compiler these are ints.
            Constant::True => Some(1),
            Constant::False => Some(0),
            _ => None,
        };
        // Of a negative number no size is taken.
        let magnitude = |id: ConstId| match constants.get(id) {
            Constant::Int(number) => Some(u64::try_from(number).unwrap_or(u64::MAX)),
            _ => bits(id),
        };
        let is_negative =
            |id: ConstId| matches!(constants.get(id), Constant::Int(number) if number.sign() == Sign::Minus);
        let repeated = |count: ConstId, sequence: ConstId| {
            let (size, most) = match constants.get(sequence) {
                Constant::Text(text) => (characters(text), MAX_STR_SIZE),
                Constant::Bytes(bytes) => (bytes.len(), MAX_STR_SIZE),
                Constant::Tuple(items) => (items.len(), MAX_COLLECTION_SIZE),
                _ => return true,
            };
            let Some(most) = most.checked_div(size) else { return true };
            let count = magnitude(count).and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
            let is_simple =
                MAX_TOTAL_ITEMS.checked_div(count).is_none_or(|left| complexity(constants, sequence, left) >= 0);
            count <= most && is_simple
        };
        match (op, bits(left), bits(right)) {
            (Binary::Multiply, Some(left), Some(right)) => {
                left == 0 || right == 0 || left.saturating_add(right) <= MAX_INT_SIZE
            }
            (Binary::Multiply, Some(_), None) => repeated(left, right),
            (Binary::Multiply, None, Some(_)) => repeated(right, left),
            (Binary::Power, Some(base @ 1..), Some(1..)) if !is_negative(right) => {
                magnitude(right).is_some_and(|exponent| base <= MAX_INT_SIZE.checked_div(exponent).unwrap_or(0))
            }
            (Binary::LeftShift, Some(number @ 1..), Some(1..)) => {
                magnitude(right).is_some_and(|count| count.saturating_add(number) <= MAX_INT_SIZE)
            }
            _ => true,
        }
    }

    pub(super) fn constant_values(&mut self, items: &[Expr]) -> Option<Vec<ConstId>> {
        items.iter().map(|item| self.constant_value(item)).collect()
    }

    /// Whether annotations that are kept as text are written from the tree behind the optimiser.
    pub(super) fn folds_annotations(&self) -> bool {
        !self.since(3, 9)
    }

    /// The constant that an expression of an annotation is when it is made text of.
    pub(super) fn folded(&mut self, expression: &Expr) -> Option<ConstId> {
        if let Some(&known) = self.folded.get(&std::ptr::from_ref(expression)) {
            return known;
        }
        let constant = self.computed(expression, &mut Self::folded);
        self.folded.insert(std::ptr::from_ref(expression), constant);
        constant
    }

    /// `fold_iter`.
    pub(super) fn folded_iterable<'e>(&mut self, expression: &'e Expr) -> Searched<'e> {
        let (Expr::List(ruff_python_ast::ExprList { elts, .. }) | Expr::Set(ruff_python_ast::ExprSet { elts, .. })) =
            expression
        else {
            return Searched::Plain;
        };
        let items: Option<Vec<ConstId>> = elts.iter().map(|item| self.folded(item)).collect();
        match (items, expression) {
            (Some(items), Expr::List(_)) => Searched::Constant(self.pool.constants.tuple(&items)),
            (Some(items), _) => Searched::Constant(self.pool.constants.frozenset(&items)),
            (None, Expr::List(_)) if self.since(3, 8) && !elts.iter().any(Expr::is_starred_expr) => {
                Searched::Tuple(elts)
            }
            (None, _) => Searched::Plain,
        }
    }
}

/// `not` before a comparison by `is` or `in`, any number of times: the comparison and the operator that it comes to (`fold_unaryop`).
/// Otherwise how many there are, and what is behind them.
pub(super) fn negated(node: &ExprUnaryOp) -> (usize, &Expr, Option<(&ExprCompare, CmpOp)>) {
    let (mut count, mut operand) = (1_usize, &*node.operand);
    while let Expr::UnaryOp(inner) = operand
        && inner.op == UnaryOp::Not
    {
        count = count.saturating_add(1);
        operand = &inner.operand;
    }
    let compare = single_identity(operand).and_then(|compare| {
        let op = *compare.ops.first()?;
        Some((compare, if count % 2 == 1 { op.negate() } else { op }))
    });
    (count, operand, compare)
}

/// What is left of a number of items when those of a tuple and of the tuples in it are taken from it (`check_complexity`).
fn complexity(constants: &Constants, id: ConstId, left: usize) -> i64 {
    let mut left = i64::try_from(left).unwrap_or(i64::MAX);
    let mut waiting = vec![id];
    while let Some(id) = waiting.pop() {
        let Constant::Tuple(items) = constants.get(id) else { continue };
        left = left.saturating_sub(i64::try_from(items.len()).unwrap_or(i64::MAX));
        if left < 0 {
            break;
        }
        waiting.extend(items.iter().rev());
    }
    left
}

/// The characters of a text; surrogates count too.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|&byte| byte & 0xc0 != 0x80).count()
}
