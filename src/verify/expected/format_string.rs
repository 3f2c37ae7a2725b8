//! Formatted strings (3.6 and later), and `%` where it is compiled like one (3.11 and later).

use ruff_python_ast::ConversionFlag;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprBinOp;
use ruff_python_ast::ExprFString;
use ruff_python_ast::ExprTString;
use ruff_python_ast::FStringFlags;
use ruff_python_ast::FStringPart;
use ruff_python_ast::InterpolatedElement;
use ruff_python_ast::InterpolatedStringElement;
use ruff_python_ast::Operator;

use crate::verify::constant::Constant;
use crate::verify::event::Display;
use crate::verify::event::Op;

use super::Operand;
use super::Unit;

/// A part of a formatted string.
enum Piece<'a> {
    /// Text, adjacent texts joined.
    Text(Vec<u8>),
    /// A value in braces.
    Value(&'a InterpolatedElement, FStringFlags),
    /// A value that `%` formats: its conversion and its specification.
    Percent(&'a Expr, char, Option<Vec<u8>>),
}

impl<'a> Unit<'_, 'a> {
    pub(super) fn format_string(&mut self, node: &'a ExprFString) -> Operand {
        let mut pieces = Vec::new();
        for part in &node.value {
            match part {
                FStringPart::Literal(literal) => {
                    let text = self.string_part(literal);
                    push_text(&mut pieces, &text);
                }
                FStringPart::FString(string) => self.elements(&string.elements, string.flags, &mut pieces),
            }
        }
        self.joined(&pieces)
    }

    fn elements(
        &mut self,
        elements: &'a [InterpolatedStringElement],
        flags: FStringFlags,
        pieces: &mut Vec<Piece<'a>>,
    ) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    let text = self.format_literal(literal, flags);
                    push_text(pieces, &text);
                }
                InterpolatedStringElement::Interpolation(value) => {
                    if let Some(debug) = &value.debug_text {
                        push_text(pieces, debug.as_str().as_bytes());
                    }
                    pieces.push(Piece::Value(value, flags));
                }
            }
        }
    }

    /// `compiler_joined_str`.
    fn joined(&mut self, pieces: &[Piece<'a>]) -> Operand {
        let is_big = self.since(3, 10) && pieces.len() > super::expression::STACK_USE_GUIDELINE;
        if is_big {
            let empty = self.constant(Constant::Text(Box::default()));
            let name = self.name("join");
            let join = self.value(Op::LoadAttr(name), &[empty]);
            let list = self.value(Op::Build(Display::List), &[]);
            for piece in pieces {
                let value = self.piece(piece);
                self.act(Op::ListAppend, &[list, value]);
            }
            return self.value(Op::Call(Box::default()), &[join, list]);
        }
        let mut operands = Vec::new();
        for piece in pieces {
            operands.push(self.piece(piece));
        }
        match &*operands {
            [] => self.constant(Constant::Text(Box::default())),
            &[only] => only,
            _ => self.value(Op::Build(Display::String), &operands),
        }
    }

    fn piece(&mut self, piece: &Piece<'a>) -> Operand {
        match piece {
            Piece::Text(text) => self.constant(Constant::Text(text.clone().into())),
            Piece::Value(element, flags) => self.formatted(element, *flags),
            Piece::Percent(value, conversion, specification) => {
                let value = self.expression(value);
                let value = self.value(Op::Convert(*conversion), &[value]);
                let mut operands = vec![value];
                if let Some(text) = specification {
                    operands.push(self.constant(Constant::Text(text.clone().into())));
                }
                self.value(Op::Format, &operands)
            }
        }
    }

    fn formatted(&mut self, element: &'a InterpolatedElement, flags: FStringFlags) -> Operand {
        let before = self.at(element);
        let value = self.expression(&element.expression);
        let conversion = match element.conversion {
            ConversionFlag::None if element.debug_text.is_some() && element.format_spec.is_none() => Some('r'),
            ConversionFlag::None => None,
            ConversionFlag::Str => Some('s'),
            ConversionFlag::Ascii => Some('a'),
            ConversionFlag::Repr => Some('r'),
        };
        let mut operands = Vec::new();
        // Up to 3.12 the specification is evaluated before the conversion is made.
        if self.since(3, 13) {
            let value = conversion.map_or(value, |conversion| self.value(Op::Convert(conversion), &[value]));
            operands.push(value);
            if let Some(specification) = &element.format_spec {
                operands.push(self.specification(&specification.elements, flags));
            }
        } else {
            let specification =
                element.format_spec.as_ref().map(|specification| self.specification(&specification.elements, flags));
            let value = conversion.map_or(value, |conversion| self.value(Op::Convert(conversion), &[value]));
            operands.push(value);
            operands.extend(specification);
        }
        let result = self.value(Op::Format, &operands);
        self.range = before;
        result
    }

    fn specification(&mut self, elements: &'a [InterpolatedStringElement], flags: FStringFlags) -> Operand {
        let mut pieces = Vec::new();
        self.elements(elements, flags, &mut pieces);
        self.joined(&pieces)
    }

    /// Template strings (3.14).
    pub(super) fn template_string(&mut self, _node: &'a ExprTString) -> Operand {
        self.fail("a template string");
        self.none()
    }

    /// `'...' % (a, b)` with plain conversions (`optimize_format`, 3.11 and later).
    pub(super) fn percent_format(&mut self, node: &'a ExprBinOp) -> Option<Operand> {
        if node.op != Operator::Mod || !self.since(3, 11) {
            return None;
        }
        let Expr::Tuple(values) = &*node.right else { return None };
        // From 3.14 on nothing is folded before.
        if !matches!(&*node.left, Expr::StringLiteral(_)) && (self.since(3, 14) || !node.left.is_bin_op_expr()) {
            return None;
        }
        if values.elts.iter().any(Expr::is_starred_expr) {
            return None;
        }
        // Up to 3.13 a tuple of constants is folded before.
        if !self.since(3, 14) && self.constant_values(&values.elts).is_some() {
            return None;
        }
        let id = self.constant_value(&node.left)?;
        let Constant::Text(text) = self.pool.constants.get(id) else { return None };
        let text = text.clone();
        let pieces = percent_pieces(&text, &values.elts)?;
        Some(self.joined(&pieces))
    }
}

fn push_text(pieces: &mut Vec<Piece<'_>>, text: &[u8]) {
    if text.is_empty() {
        return;
    }
    if let Some(Piece::Text(last)) = pieces.last_mut() {
        last.extend_from_slice(text);
        return;
    }
    pieces.push(Piece::Text(text.to_vec()));
}

/// The pieces of a `%` format; `None` when the compiler leaves it alone.
fn percent_pieces<'a>(text: &[u8], values: &'a [Expr]) -> Option<Vec<Piece<'a>>> {
    /// `MAXDIGITS` of `Python/ast_opt.c`.
    const MAX_DIGITS: usize = 3;
    let mut pieces = Vec::new();
    let mut values = values.iter();
    let mut rest = text;
    while let Some(percent) = rest.iter().position(|&byte| byte == b'%') {
        push_text(&mut pieces, rest.get(..percent)?);
        rest = rest.get(percent.checked_add(1)?..)?;
        if let Some(behind) = rest.strip_prefix(b"%") {
            push_text(&mut pieces, b"%");
            rest = behind;
            continue;
        }
        let value = values.next()?;
        let mut is_left = false;
        while let Some((&flag, behind)) = rest.split_first() {
            match flag {
                b'-' => is_left = true,
                b'+' | b' ' | b'#' | b'0' => return None,
                _ => break,
            }
            rest = behind;
        }
        let digits = |rest: &mut &[u8]| -> Option<Vec<u8>> {
            let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count >= MAX_DIGITS {
                return None;
            }
            let (number, behind) = rest.split_at_checked(count)?;
            *rest = behind;
            Some(number.to_vec())
        };
        let width = digits(&mut rest)?;
        let mut precision = None;
        if let Some(behind) = rest.strip_prefix(b".") {
            rest = behind;
            precision = Some(digits(&mut rest)?);
        }
        let (&conversion, behind) = rest.split_first()?;
        rest = behind;
        if !matches!(conversion, b's' | b'r' | b'a') {
            return None;
        }
        let mut specification = Vec::new();
        if !width.is_empty() && !is_left {
            specification.push(b'>');
        }
        specification.extend(plain_number(&width));
        if let Some(precision) = precision {
            specification.push(b'.');
            let number = plain_number(&precision);
            if number.is_empty() { specification.push(b'0') } else { specification.extend(number) }
        }
        let specification = (!specification.is_empty()).then_some(specification);
        pieces.push(Piece::Percent(value, char::from(conversion), specification));
    }
    push_text(&mut pieces, rest);
    values.next().is_none().then_some(pieces)
}

/// A number without leading zeros.
fn plain_number(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}
