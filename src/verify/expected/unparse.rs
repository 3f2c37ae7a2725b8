//! Annotations as text, as `from __future__ import annotations` keeps them (`Python/ast_unparse.c`).

use ruff_python_ast::Arguments;
use ruff_python_ast::BoolOp;
use ruff_python_ast::CmpOp;
use ruff_python_ast::Comprehension;
use ruff_python_ast::ConversionFlag;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprCompare;
use ruff_python_ast::ExprTuple;
use ruff_python_ast::FStringFlags;
use ruff_python_ast::FStringPart;
use ruff_python_ast::InterpolatedElement;
use ruff_python_ast::InterpolatedStringElement;
use ruff_python_ast::Parameters;
use ruff_python_ast::UnaryOp;

use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::constant::repr::quoted_text;

use super::Operand;
use super::Unit;
use super::folded::Searched;
use super::folded::negated;
use super::precedence::Level;
use super::precedence::binary;
use super::precedence::compare;

impl<'a> Unit<'_, 'a> {
    /// The text of an annotation.
    pub(super) fn annotation_text(&mut self, expression: &'a Expr) -> Operand {
        let mut text = Vec::new();
        self.folded.clear();
        // An annotation is written at the level of a test; a star stands for an unpacked tuple (3.11).
        if self.unparse(expression, Level::Test, &mut text).is_none() {
            self.fail("an annotation that is kept as text");
            return self.none();
        }
        self.constant(Constant::Text(text.into()))
    }

    /// An expression as it is written; where constants were folded before, as those.
    fn unparse(&mut self, expression: &Expr, level: Level, out: &mut Vec<u8>) -> Option<()> {
        if self.folds_annotations()
            && let Some(id) = self.folded(expression)
        {
            return self.write_folded(id, expression, out);
        }
        self.unparse_node(expression, level, out)
    }

    fn write_folded(&mut self, id: ConstId, expression: &Expr, out: &mut Vec<u8>) -> Option<()> {
        // 3.7 knows an ellipsis that is written from one that was computed.
        let is_written = expression.is_ellipsis_literal_expr() || self.since(3, 8);
        if is_written && *self.pool.constants.get(id) == Constant::Ellipsis {
            put(out, "...");
        } else {
            out.extend(self.pool.constants.repr(id)?);
        }
        Some(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of expression")]
    fn unparse_node(&mut self, expression: &Expr, level: Level, out: &mut Vec<u8>) -> Option<()> {
        match expression {
            Expr::BoolOp(node) => {
                let (word, own) = match node.op {
                    BoolOp::And => (" and ", Level::And),
                    BoolOp::Or => (" or ", Level::Or),
                };
                let open = level > own;
                bracket(out, open, b'(');
                for (index, value) in node.values.iter().enumerate() {
                    if index > 0 {
                        put(out, word);
                    }
                    self.unparse(value, own.next(), out)?;
                }
                bracket(out, open, b')');
            }
            Expr::Named(node) => {
                let open = level > Level::Tuple;
                bracket(out, open, b'(');
                self.unparse(&node.target, Level::Atom, out)?;
                put(out, if self.since(3, 9) { " := " } else { ":=" });
                self.unparse(&node.value, Level::Atom, out)?;
                bracket(out, open, b')');
            }
            Expr::BinOp(node) => {
                let (word, own, is_right) = binary(node.op);
                let open = level > own;
                bracket(out, open, b'(');
                self.unparse(&node.left, if is_right { own.next() } else { own }, out)?;
                put(out, word);
                self.unparse(&node.right, if is_right { own } else { own.next() }, out)?;
                bracket(out, open, b')');
            }
            Expr::UnaryOp(node) if node.op == UnaryOp::Not && self.folds_annotations() => {
                let (count, operand, compare) = negated(node);
                if let Some((compare, op)) = compare {
                    return self.unparse_compare(compare, &[op], level, out);
                }
                let open = level > Level::Not;
                bracket(out, open, b'(');
                put(out, &"not ".repeat(count));
                self.unparse(operand, Level::Not, out)?;
                bracket(out, open, b')');
            }
            Expr::UnaryOp(node) => {
                let (word, own) = match node.op {
                    UnaryOp::Invert => ("~", Level::Factor),
                    UnaryOp::Not => ("not ", Level::Not),
                    UnaryOp::UAdd => ("+", Level::Factor),
                    UnaryOp::USub => ("-", Level::Factor),
                };
                let open = level > own;
                bracket(out, open, b'(');
                put(out, word);
                self.unparse(&node.operand, own, out)?;
                bracket(out, open, b')');
            }
            Expr::Lambda(node) => {
                let open = level > Level::Test;
                bracket(out, open, b'(');
                match node.parameters.as_deref().filter(|parameters| !parameters.is_empty()) {
                    Some(parameters) => {
                        let is_positional = !parameters.posonlyargs.is_empty() || !parameters.args.is_empty();
                        put(out, if is_positional { "lambda " } else { "lambda" });
                        self.unparse_parameters(parameters, out)?;
                        put(out, ": ");
                    }
                    None => put(out, "lambda: "),
                }
                self.unparse(&node.body, Level::Test, out)?;
                bracket(out, open, b')');
            }
            Expr::If(node) => {
                let open = level > Level::Test;
                bracket(out, open, b'(');
                self.unparse(&node.body, Level::Test.next(), out)?;
                put(out, " if ");
                self.unparse(&node.test, Level::Test.next(), out)?;
                put(out, " else ");
                self.unparse(&node.orelse, Level::Test, out)?;
                bracket(out, open, b')');
            }
            Expr::Dict(node) => {
                out.push(b'{');
                for (index, item) in node.items.iter().enumerate() {
                    if index > 0 {
                        put(out, ", ");
                    }
                    if let Some(key) = &item.key {
                        self.unparse(key, Level::Test, out)?;
                        put(out, ": ");
                        self.unparse(&item.value, Level::Test, out)?;
                    } else {
                        put(out, "**");
                        self.unparse(&item.value, Level::Or2, out)?;
                    }
                }
                out.push(b'}');
            }
            Expr::Set(node) => {
                out.push(b'{');
                self.unparse_list(&node.elts, out)?;
                out.push(b'}');
            }
            Expr::List(node) => {
                out.push(b'[');
                self.unparse_list(&node.elts, out)?;
                out.push(b']');
            }
            Expr::Tuple(node) => self.unparse_tuple(&node.elts, level, out)?,
            Expr::ListComp(node) => {
                out.push(b'[');
                self.unparse(&node.elt, Level::Test, out)?;
                self.unparse_generators(&node.generators, out)?;
                out.push(b']');
            }
            Expr::SetComp(node) => {
                out.push(b'{');
                self.unparse(&node.elt, Level::Test, out)?;
                self.unparse_generators(&node.generators, out)?;
                out.push(b'}');
            }
            Expr::DictComp(node) => {
                out.push(b'{');
                self.unparse(node.key.as_deref()?, Level::Test, out)?;
                put(out, ": ");
                self.unparse(&node.value, Level::Test, out)?;
                self.unparse_generators(&node.generators, out)?;
                out.push(b'}');
            }
            Expr::Generator(node) => {
                out.push(b'(');
                self.unparse(&node.elt, Level::Test, out)?;
                self.unparse_generators(&node.generators, out)?;
                out.push(b')');
            }
            Expr::Await(node) => {
                let open = level > Level::Await;
                bracket(out, open, b'(');
                put(out, "await ");
                self.unparse(&node.value, Level::Atom, out)?;
                bracket(out, open, b')');
            }
            Expr::Yield(node) => {
                put(out, if node.value.is_some() { "(yield " } else { "(yield" });
                if let Some(value) = &node.value {
                    self.unparse(value, Level::Test, out)?;
                }
                out.push(b')');
            }
            Expr::YieldFrom(node) => {
                put(out, "(yield from ");
                self.unparse(&node.value, Level::Test, out)?;
                out.push(b')');
            }
            Expr::Compare(node) => self.unparse_compare(node, &node.ops, level, out)?,
            Expr::Call(node) => {
                self.unparse(&node.func, Level::Atom, out)?;
                if let ([Expr::Generator(_)], []) = (&*node.arguments.args, &*node.arguments.keywords) {
                    return self.unparse(node.arguments.args.first()?, Level::Test, out);
                }
                out.push(b'(');
                self.unparse_arguments(&node.arguments, out)?;
                out.push(b')');
            }
            Expr::FString(node) => {
                let mut body = Vec::new();
                for part in &node.value {
                    match part {
                        FStringPart::Literal(literal) => push_braces(&mut body, &self.string_part(literal)),
                        FStringPart::FString(string) => {
                            self.unparse_elements(&string.elements, string.flags, &mut body)?;
                        }
                    }
                }
                out.push(b'f');
                quoted_text(&body, out)?;
            }
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) => {
                let id = self.literal_constant(expression)?;
                match self.pool.constants.get(id).clone() {
                    Constant::Text(text) => {
                        if let Expr::StringLiteral(node) = expression
                            && node.value.is_unicode()
                        {
                            out.push(b'u');
                        }
                        quoted_text(&text, out)?;
                    }
                    _ => out.extend(self.pool.constants.repr(id)?),
                }
            }
            Expr::NumberLiteral(_) => {
                let id = self.literal_constant(expression)?;
                let text = String::from_utf8(self.pool.constants.repr(id)?).ok()?;
                // Infinity has no literal.
                put(out, &text.replace("inf", "1e309"));
            }
            Expr::BooleanLiteral(node) => put(out, if node.value { "True" } else { "False" }),
            Expr::NoneLiteral(_) => put(out, "None"),
            Expr::EllipsisLiteral(_) => put(out, "..."),
            Expr::Attribute(node) => {
                self.unparse(&node.value, Level::Atom, out)?;
                put(out, if self.is_kept_from_dot(&node.value) { " ." } else { "." });
                put(out, node.attr.as_str());
            }
            Expr::Subscript(node) => {
                self.unparse(&node.value, Level::Atom, out)?;
                out.push(b'[');
                match &*node.slice {
                    Expr::Tuple(tuple) if !self.since(3, 9) && tuple.elts.iter().any(Expr::is_slice_expr) => {
                        // Dimensions of their own, not a tuple.
                        for (index, item) in tuple.elts.iter().enumerate() {
                            if index > 0 {
                                put(out, ", ");
                            }
                            self.unparse_index(item, out)?;
                        }
                        if tuple.elts.len() == 1 {
                            out.push(b',');
                        }
                    }
                    slice => self.unparse_index(slice, out)?,
                }
                out.push(b']');
            }
            Expr::Starred(node) => {
                out.push(b'*');
                self.unparse(&node.value, Level::Or2, out)?;
            }
            Expr::Name(node) => put(out, node.id.as_str()),
            Expr::Slice(node) => {
                if let Some(lower) = &node.lower {
                    self.unparse(lower, Level::Test, out)?;
                }
                out.push(b':');
                if let Some(upper) = &node.upper {
                    self.unparse(upper, Level::Test, out)?;
                }
                if let Some(step) = &node.step {
                    out.push(b':');
                    self.unparse(step, Level::Test, out)?;
                }
            }
            Expr::TString(_) | Expr::IpyEscapeCommand(_) => return None,
        }
        Some(())
    }

    /// What stands in brackets. Up to 3.10 a tuple with a star needs brackets of its own there.
    fn unparse_index(&mut self, index: &Expr, out: &mut Vec<u8>) -> Option<()> {
        let is_starred = |tuple: &ExprTuple| tuple.elts.iter().any(Expr::is_starred_expr);
        let is_bracketed = !self.since(3, 11) && index.as_tuple_expr().is_some_and(is_starred);
        self.unparse(index, if is_bracketed { Level::Test } else { Level::Tuple }, out)
    }

    /// `1 .real`: an int must not swallow the dot. 3.7 has the blank behind every number, and behind all that was computed.
    fn is_kept_from_dot(&mut self, value: &Expr) -> bool {
        let id = if self.folds_annotations() { self.folded(value) } else { self.literal_constant(value) };
        let Some(id) = id else { return false };
        if self.since(3, 8) {
            return matches!(self.pool.constants.get(id), Constant::Int(_));
        }
        value.is_number_literal_expr() || !value.is_literal_expr()
    }

    fn unparse_compare(&mut self, node: &ExprCompare, ops: &[CmpOp], level: Level, out: &mut Vec<u8>) -> Option<()> {
        let open = level > Level::Compare;
        bracket(out, open, b'(');
        self.unparse(&node.left, Level::Compare.next(), out)?;
        let last = ops.len().saturating_sub(1);
        for (index, (op, right)) in ops.iter().zip(&node.comparators).enumerate() {
            put(out, compare(*op));
            if index == last && matches!(op, CmpOp::In | CmpOp::NotIn) {
                self.unparse_searched(right, Level::Compare.next(), out)?;
            } else {
                self.unparse(right, Level::Compare.next(), out)?;
            }
        }
        bracket(out, open, b')');
        Some(())
    }

    /// What is iterated over, or the right side of `in`.
    fn unparse_searched(&mut self, expression: &Expr, level: Level, out: &mut Vec<u8>) -> Option<()> {
        if !self.folds_annotations() {
            return self.unparse(expression, level, out);
        }
        match self.folded_iterable(expression) {
            Searched::Constant(id) => self.write_folded(id, expression, out),
            Searched::Tuple(items) => self.unparse_tuple(items, level, out),
            Searched::Plain => self.unparse(expression, level, out),
        }
    }

    fn unparse_tuple(&mut self, items: &[Expr], level: Level, out: &mut Vec<u8>) -> Option<()> {
        if items.is_empty() {
            put(out, "()");
            return Some(());
        }
        let open = level > Level::Tuple;
        bracket(out, open, b'(');
        self.unparse_list(items, out)?;
        if items.len() == 1 {
            out.push(b',');
        }
        bracket(out, open, b')');
        Some(())
    }

    fn unparse_list(&mut self, items: &[Expr], out: &mut Vec<u8>) -> Option<()> {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                put(out, ", ");
            }
            self.unparse(item, Level::Test, out)?;
        }
        Some(())
    }

    fn unparse_generators(&mut self, generators: &[Comprehension], out: &mut Vec<u8>) -> Option<()> {
        for generator in generators {
            put(out, if generator.is_async { " async for " } else { " for " });
            self.unparse(&generator.target, Level::Tuple, out)?;
            put(out, " in ");
            self.unparse_searched(&generator.iter, Level::Test.next(), out)?;
            for condition in &generator.ifs {
                put(out, " if ");
                self.unparse(condition, Level::Test.next(), out)?;
            }
        }
        Some(())
    }

    fn unparse_arguments(&mut self, arguments: &Arguments, out: &mut Vec<u8>) -> Option<()> {
        let mut is_first = true;
        let mut separate = |out: &mut Vec<u8>| {
            if !std::mem::take(&mut is_first) {
                put(out, ", ");
            }
        };
        for argument in &arguments.args {
            separate(out);
            self.unparse(argument, Level::Test, out)?;
        }
        for keyword in &arguments.keywords {
            separate(out);
            match &keyword.arg {
                Some(name) => {
                    put(out, name.as_str());
                    out.push(b'=');
                }
                None => put(out, "**"),
            }
            self.unparse(&keyword.value, Level::Test, out)?;
        }
        Some(())
    }

    fn unparse_parameters(&mut self, parameters: &Parameters, out: &mut Vec<u8>) -> Option<()> {
        let mut is_first = true;
        let mut separate = |out: &mut Vec<u8>| {
            if !std::mem::take(&mut is_first) {
                put(out, ", ");
            }
        };
        for parameter in parameters.posonlyargs.iter().chain(&parameters.args) {
            separate(out);
            put(out, parameter.parameter.name.as_str());
            if let Some(default) = &parameter.default {
                out.push(b'=');
                self.unparse(default, Level::Test, out)?;
            }
            if parameters.posonlyargs.last().is_some_and(|last| std::ptr::eq(last, parameter)) {
                put(out, ", /");
            }
        }
        if parameters.vararg.is_some() || !parameters.kwonlyargs.is_empty() {
            separate(out);
            out.push(b'*');
            if let Some(variadic) = &parameters.vararg {
                put(out, variadic.name.as_str());
            }
        }
        for parameter in &parameters.kwonlyargs {
            separate(out);
            put(out, parameter.parameter.name.as_str());
            if let Some(default) = &parameter.default {
                out.push(b'=');
                self.unparse(default, Level::Test, out)?;
            }
        }
        if let Some(keywords) = &parameters.kwarg {
            separate(out);
            put(out, "**");
            put(out, keywords.name.as_str());
        }
        Some(())
    }

    fn unparse_elements(
        &mut self,
        elements: &[InterpolatedStringElement],
        flags: FStringFlags,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    let text = self.format_literal(literal, flags);
                    push_braces(out, &text);
                }
                InterpolatedStringElement::Interpolation(value) => self.unparse_value(value, flags, out)?,
            }
        }
        Some(())
    }

    fn unparse_value(&mut self, element: &InterpolatedElement, flags: FStringFlags, out: &mut Vec<u8>) -> Option<()> {
        if let Some(debug) = &element.debug_text {
            let text = self.debug_text(debug.as_str());
            push_braces(out, text.as_bytes());
        }
        let mut value = Vec::new();
        self.unparse(&element.expression, Level::Test.next(), &mut value)?;
        put(out, if value.first() == Some(&b'{') { "{ " } else { "{" });
        out.extend(value);
        let conversion = match element.conversion {
            ConversionFlag::None if element.debug_text.is_some() && element.format_spec.is_none() => "!r",
            ConversionFlag::None => "",
            ConversionFlag::Str => "!s",
            ConversionFlag::Ascii => "!a",
            ConversionFlag::Repr => "!r",
        };
        put(out, conversion);
        if let Some(specification) = &element.format_spec {
            out.push(b':');
            self.unparse_elements(&specification.elements, flags, out)?;
        }
        out.push(b'}');
        Some(())
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn bracket(out: &mut Vec<u8>, wanted: bool, letter: u8) {
    if wanted {
        out.push(letter);
    }
}

fn push_braces(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        if matches!(byte, b'{' | b'}') {
            out.push(byte);
        }
        out.push(byte);
    }
}
