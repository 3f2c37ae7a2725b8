//! What only 2.x has: statements that are written as calls for the parser, and tuples among parameters.
//!
//! The names of the calls are those of [`crate::verify::source_text::python2`].

use ruff_python_ast::Expr;
use ruff_python_ast::ExprCall;
use ruff_python_ast::Parameters;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;

use crate::verify::event::Op;
use crate::verify::event::Space;
use crate::verify::event::Unary;
use crate::verify::source_text::python2;

use super::Operand;
use super::Unit;

impl<'a> Unit<'_, 'a> {
    /// `print`, `exec` and `raise`; false for what is none of them.
    pub(super) fn old_statement(&mut self, value: &'a Expr) -> bool {
        let Some((name, arguments)) = python2::call(value).filter(|_| self.is_python2()) else { return false };
        match name {
            python2::PRINT => self.print(arguments),
            python2::EXEC => self.exec(arguments),
            python2::RAISE => {
                let operands: Vec<Operand> = arguments.iter().map(|part| self.expression(part)).collect();
                self.act(Op::Raise, &operands);
            }
            _ => return false,
        }
        true
    }

    /// `compiler_print`.
    fn print(&mut self, arguments: &'a [Expr]) {
        let (file, mut values) = match arguments {
            [first, rest @ ..] => match python2::call(first) {
                Some((python2::FILE, [file])) => (Some(self.expression(file)), rest),
                _ => (None, arguments),
            },
            [] => (None, arguments),
        };
        let mut ends_line = true;
        if let [before @ .., Expr::Name(last)] = values
            && last.id.as_str() == python2::COMMA
        {
            values = before;
            ends_line = false;
        }
        for value in values {
            let mut operands: Vec<Operand> = file.into_iter().collect();
            operands.push(self.expression(value));
            self.act(Op::PrintItem, &operands);
        }
        if ends_line {
            self.act(Op::PrintNewline, file.as_slice());
        }
    }

    /// `compiler_exec`. A tuple of two or three stands for as many operands (`ast_for_exec_stmt`, 2.7.9 and later).
    fn exec(&mut self, arguments: &'a [Expr]) {
        let arguments = match arguments {
            [Expr::Tuple(tuple)] if matches!(tuple.elts.len(), 2 | 3) => &*tuple.elts,
            _ => arguments,
        };
        let mut operands: Vec<Operand> = arguments.iter().map(|part| self.expression(part)).collect();
        if operands.len() < 2 {
            operands.push(self.none());
        }
        if let &[_, globals] = &*operands {
            operands.push(globals);
        }
        self.act(Op::Exec, &operands);
    }

    /// Backquotes.
    pub(super) fn old_repr(&mut self, node: &'a ExprCall) -> Option<Operand> {
        let Expr::Name(name) = &*node.func else { return None };
        let ([value], true) = (&*node.arguments.args, self.is_python2() && name.id.as_str() == python2::REPR) else {
            return None;
        };
        let value = self.expression(value);
        Some(self.value(Op::Unary(Unary::Repr), &[value]))
    }

    /// The class of an `except`, and its target where that is no name.
    pub(super) fn except_parts(&self, class: &'a Expr) -> (&'a Expr, Option<&'a Expr>) {
        match python2::call(class) {
            Some((python2::EXCEPT, [class, target])) if self.is_python2() => (class, Some(target)),
            _ => (class, None),
        }
    }

    /// The tuples among the parameters of a function are unpacked first (`compiler_arguments`).
    pub(super) fn tuple_parameters(&mut self, parameters: &'a Parameters) {
        if !self.is_python2() {
            return;
        }
        for parameter in &parameters.args {
            if let (Some(number), Some(target)) =
                (python2::tuple_parameter(parameter.parameter.name.as_str()), &parameter.parameter.annotation)
            {
                self.tuple_parameter(number, target);
            }
        }
    }

    fn tuple_parameter(&mut self, number: usize, target: &'a Expr) {
        // `def f((a))` has a parameter in brackets, not a tuple.
        if let Expr::Tuple(_) = target {
            let name = self.name(&format!(".{number}"));
            let value = self.value(Op::Load(Space::Fast, name), &[]);
            self.assign(target, value);
        }
    }

    /// The body of a lambda, behind the unpacking of its tuples.
    pub(super) fn lambda_value(&mut self, parameters: Option<&'a Parameters>, body: &'a Expr) -> &'a Expr {
        let Some((python2::TUPLE, [targets @ .., value])) = python2::call(body).filter(|_| self.is_python2()) else {
            return body;
        };
        let numbers = parameters.into_iter().flat_map(|parameters| &parameters.args);
        let numbers = numbers.filter_map(|it| python2::tuple_parameter(it.parameter.name.as_str()));
        for (number, target) in numbers.zip(targets) {
            self.tuple_parameter(number, target);
        }
        value
    }

    /// Whether `if` and `while` decide a test when they are compiled: `__debug__` is a variable everywhere else (`expr_constant`).
    pub(super) fn is_old_debug(&self, test: &Expr) -> bool {
        self.is_python2() && test.as_name_expr().is_some_and(|name| name.id.as_str() == "__debug__")
    }

    /// Whether a slice has a second colon with nothing behind it, which makes its step None.
    pub(super) fn has_empty_step(&self, slice: &ruff_python_ast::ExprSlice) -> bool {
        if !self.is_python2() || slice.step.is_some() {
            return false;
        }
        let last = slice.upper.as_ref().or(slice.lower.as_ref());
        let start = last.map_or(slice.range.start(), |part| part.end());
        let written = self.source().text.text();
        let behind =
            written.get(TextRange::new(start, slice.range.end().max(start)).to_std_range()).unwrap_or_default();
        let code = behind.lines().map(|line| line.split('#').next().unwrap_or_default());
        let colons = code.flat_map(|line| line.bytes()).filter(|&byte| byte == b':').count();
        colons > usize::from(slice.upper.is_none())
    }
}
