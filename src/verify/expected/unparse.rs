//! Annotations as text, as `from __future__ import annotations` keeps them (`Python/ast_unparse.c`).

use ruff_python_ast::Arguments;
use ruff_python_ast::BoolOp;
use ruff_python_ast::CmpOp;
use ruff_python_ast::Comprehension;
use ruff_python_ast::ConversionFlag;
use ruff_python_ast::Expr;
use ruff_python_ast::FStringFlags;
use ruff_python_ast::FStringPart;
use ruff_python_ast::InterpolatedElement;
use ruff_python_ast::InterpolatedStringElement;
use ruff_python_ast::Operator;
use ruff_python_ast::Parameters;
use ruff_python_ast::UnaryOp;

use crate::verify::constant::Constant;

use super::Operand;
use super::Unit;

/// How tightly what is around binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Compare,
    Or2,
    Xor,
    And2,
    Shift,
    Arithmetic,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

impl Level {
    fn next(self) -> Self {
        match self {
            Self::Tuple => Self::Test,
            Self::Test => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Compare,
            Self::Compare => Self::Or2,
            Self::Or2 => Self::Xor,
            Self::Xor => Self::And2,
            Self::And2 => Self::Shift,
            Self::Shift => Self::Arithmetic,
            Self::Arithmetic => Self::Term,
            Self::Term => Self::Factor,
            Self::Factor => Self::Power,
            Self::Power => Self::Await,
            Self::Await | Self::Atom => Self::Atom,
        }
    }
}

impl<'a> Unit<'_, 'a> {
    /// The text of an annotation.
    pub(super) fn annotation_text(&mut self, expression: &'a Expr) -> Operand {
        let mut text = Vec::new();
        // An annotation is written at the level of a test; a star stands for an unpacked tuple (3.11).
        if self.unparse(expression, Level::Test, &mut text).is_none() {
            self.fail("an annotation that is kept as text");
            return self.none();
        }
        self.constant(Constant::Text(text.into()))
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of expression")]
    fn unparse(&mut self, expression: &Expr, level: Level, out: &mut Vec<u8>) -> Option<()> {
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
                put(out, " := ");
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
                        put(out, "lambda ");
                        self.unparse_parameters(parameters, out)?;
                        put(out, ": ");
                    }
                    None => put(out, if self.since(3, 8) || self.since(3, 7) { "lambda: " } else { "lambda " }),
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
            Expr::Tuple(node) => {
                if node.elts.is_empty() {
                    put(out, "()");
                    return Some(());
                }
                let open = level > Level::Tuple;
                bracket(out, open, b'(');
                self.unparse_list(&node.elts, out)?;
                if node.elts.len() == 1 {
                    out.push(b',');
                }
                bracket(out, open, b')');
            }
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
            Expr::Compare(node) => {
                let open = level > Level::Compare;
                bracket(out, open, b'(');
                self.unparse(&node.left, Level::Compare.next(), out)?;
                for (op, right) in node.ops.iter().zip(&node.comparators) {
                    put(out, compare(*op));
                    self.unparse(right, Level::Compare.next(), out)?;
                }
                bracket(out, open, b')');
            }
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
                Self::quote(&body, out);
            }
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) => {
                let id = self.literal_constant(expression)?;
                match self.pool.constants.get(id).clone() {
                    Constant::Text(text) => {
                        if let Expr::StringLiteral(node) = expression
                            && node.value.is_unicode()
                            && self.since(3, 8)
                        {
                            out.push(b'u');
                        }
                        Self::quote(&text, out);
                    }
                    Constant::Bytes(bytes) => put(out, &crate::pyc::repr::quoted_bytes(&bytes)),
                    _ => return None,
                }
            }
            Expr::NumberLiteral(_) => {
                let id = self.literal_constant(expression)?;
                put(out, &self.pool.constants.show(id, &self.pool.names, 1 << 16).replace("inf", "1e309"));
            }
            Expr::BooleanLiteral(node) => put(out, if node.value { "True" } else { "False" }),
            Expr::NoneLiteral(_) => put(out, "None"),
            Expr::EllipsisLiteral(_) => put(out, "..."),
            Expr::Attribute(node) => {
                self.unparse(&node.value, Level::Atom, out)?;
                // `1 .real`: an int must not swallow the dot.
                put(
                    out,
                    if matches!(&*node.value, Expr::NumberLiteral(number) if number.value.is_int()) {
                        " ."
                    } else {
                        "."
                    },
                );
                put(out, node.attr.as_str());
            }
            Expr::Subscript(node) => {
                self.unparse(&node.value, Level::Atom, out)?;
                out.push(b'[');
                match &*node.slice {
                    Expr::Tuple(tuple) if !self.since(3, 9) && tuple.elts.iter().any(Expr::is_slice_expr) => {
                        self.unparse_list(&tuple.elts, out)?;
                        if tuple.elts.len() == 1 {
                            out.push(b',');
                        }
                    }
                    slice => self.unparse(slice, Level::Tuple, out)?,
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

    fn quote(text: &[u8], out: &mut Vec<u8>) {
        put(out, &crate::pyc::repr::quoted_text(text));
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
            self.unparse(&generator.iter, Level::Test.next(), out)?;
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
            push_braces(out, debug.as_str().as_bytes());
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

fn binary(op: Operator) -> (&'static str, Level, bool) {
    match op {
        Operator::Add => (" + ", Level::Arithmetic, false),
        Operator::Sub => (" - ", Level::Arithmetic, false),
        Operator::Mult => (" * ", Level::Term, false),
        Operator::MatMult => (" @ ", Level::Term, false),
        Operator::Div => (" / ", Level::Term, false),
        Operator::Mod => (" % ", Level::Term, false),
        Operator::LShift => (" << ", Level::Shift, false),
        Operator::RShift => (" >> ", Level::Shift, false),
        Operator::BitOr => (" | ", Level::Or2, false),
        Operator::BitXor => (" ^ ", Level::Xor, false),
        Operator::BitAnd => (" & ", Level::And2, false),
        Operator::FloorDiv => (" // ", Level::Term, false),
        Operator::Pow => (" ** ", Level::Power, true),
    }
}

fn compare(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}
