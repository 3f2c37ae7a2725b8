//! Formatted strings (3.6 and later), and `%` where it is compiled like one (3.11 and later).

use std::borrow::Cow;

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
use ruff_python_ast::StringFlags;
use ruff_python_ast::str_prefix::FStringPrefix;
use ruff_text_size::Ranged;

use crate::verify::constant::Constant;
use crate::verify::event::Display;
use crate::verify::event::NameListId;
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
                        let text = self.debug_text(debug.as_str());
                        push_text(pieces, text.as_bytes());
                    }
                    pieces.push(Piece::Value(value, flags));
                }
            }
        }
    }

    /// `compiler_joined_str`.
    fn joined(&mut self, pieces: &[Piece<'a>]) -> Operand {
        let is_big = self.since(3, 10) && pieces.len() > super::display::STACK_USE_GUIDELINE;
        if is_big {
            let empty = self.constant(Constant::Text(Box::default()));
            let name = self.name("join");
            let join = self.value(Op::LoadAttr(name), &[empty]);
            let list = self.value(Op::Build(Display::List), &[]);
            for piece in pieces {
                let value = self.piece(piece);
                self.act(Op::ListAppend, &[list, value]);
            }
            return self.value(Op::Call(NameListId::EMPTY), &[join, list]);
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

    /// The text of a field with `=`: that of the source without its comments (`set_ftstring_expr`).
    pub(super) fn debug_text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !self.since(3, 12) {
            return Cow::Borrowed(text);
        }
        // 3.12.1 and 3.13.0 end the text at the `!` of `!=`, 3.13.0 also at a colon behind a `=` in brackets (`_PyLexer_update_ftstring_expr`).
        let written = text.trim_end().trim_end_matches('=');
        let is_cut = written.contains("!=") || written.split_once('=').is_some_and(|(_, rest)| rest.contains(':'));
        if is_cut && !self.since(3, 14) {
            self.fail("a field of an f-string whose text releases end at different places");
        }
        if !text.contains('#') {
            return Cow::Borrowed(text);
        }
        // Up to 3.12, and in the first releases of 3.13, a # in a string begins a comment too.
        let naive = uncommented(text, true);
        let right = uncommented(text, false);
        if naive != right && self.source().series == (3, 13) {
            self.fail("a # in a string in a field of an f-string");
        }
        Cow::Owned(if self.since(3, 13) { right } else { naive })
    }

    /// Template strings (3.14): the strings, then the interpolations.
    pub(super) fn template_string(&mut self, node: &'a ExprTString) -> Operand {
        let mut pieces = Vec::new();
        for string in &node.value {
            // What becomes of the literals depends on the prefix only, which both kinds of strings have in common.
            let flags = string.flags;
            let raw = flags.prefix().is_raw();
            let mut shape = FStringFlags::empty().with_quote_style(flags.quote_style());
            if raw {
                shape = shape.with_prefix(FStringPrefix::Raw { uppercase_r: false });
            }
            self.elements(&string.elements, shape, &mut pieces);
        }
        let mut strings = Vec::new();
        let mut last = None;
        for piece in &pieces {
            match piece {
                Piece::Text(text) => last = Some(text.clone()),
                _ => strings.push(last.take().unwrap_or_default()),
            }
        }
        strings.push(last.unwrap_or_default());
        let strings: Vec<Operand> =
            strings.into_iter().map(|text| self.constant(Constant::Text(text.into()))).collect();
        let strings = self.tuple(&strings);
        let mut values = Vec::new();
        for piece in &pieces {
            if let &Piece::Value(element, flags) = piece {
                values.push(self.interpolation(element, flags));
            }
        }
        let values = self.tuple(&values);
        self.value(Op::Build(Display::Template), &[strings, values])
    }

    fn interpolation(&mut self, element: &'a InterpolatedElement, flags: FStringFlags) -> Operand {
        let before = self.at(element);
        let value = self.expression(&element.expression);
        let written = self.interpolated_text(element);
        let mut operands = vec![value, self.text(&written)];
        if let Some(specification) = &element.format_spec {
            operands.push(self.specification(&specification.elements, flags));
        }
        let conversion = match element.conversion {
            ConversionFlag::None if element.debug_text.is_some() && element.format_spec.is_none() => 2,
            ConversionFlag::None => 0,
            ConversionFlag::Str => 1,
            ConversionFlag::Repr => 2,
            ConversionFlag::Ascii => 3,
        };
        let result = self.value(Op::Interpolation(conversion), &operands);
        self.range = before;
        result
    }

    /// The source of an interpolated expression: from the brace on, without comments, and without what is behind it.
    fn interpolated_text(&mut self, element: &InterpolatedElement) -> String {
        let source = self.source().text.text();
        let begin = element.range().start().to_usize().saturating_add(1);
        let inner = element.expression.range().end().to_usize();
        let mut end = inner;
        let mut in_comment = false;
        for byte in source.as_bytes().get(inner..).unwrap_or_default() {
            match byte {
                b'\n' => in_comment = false,
                b'#' => in_comment = true,
                b'!' | b':' | b'}' | b'=' if !in_comment => break,
                _ => {}
            }
            end = end.saturating_add(1);
        }
        let written = uncommented(source.get(begin..end).unwrap_or_default(), false);
        written.trim_end().to_owned()
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

/// Source text without its comments; whether a # in a string begins one, too.
fn uncommented(text: &str, even_in_strings: bool) -> String {
    let mut kept = String::new();
    let mut quote: Option<char> = None;
    let mut in_comment = false;
    let mut is_escaped = false;
    for character in text.chars() {
        if in_comment {
            in_comment = character != '\n';
        } else if character == '#' && (even_in_strings || quote.is_none()) {
            in_comment = true;
        } else if is_escaped {
            is_escaped = false;
        } else if quote.is_some() {
            is_escaped = character == '\\';
            quote = quote.filter(|&quote| quote != character);
        } else if matches!(character, '"' | '\'') {
            quote = Some(character);
        }
        if !in_comment {
            kept.push(character);
        }
    }
    kept
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
        // All flags are read (`simple_format_arg_parse`); of the conversions below only the `-` matters.
        while let Some((&flag, behind)) = rest.split_first() {
            match flag {
                b'-' => is_left = true,
                b'+' | b' ' | b'#' | b'0' => {}
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
