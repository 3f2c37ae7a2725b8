//! Annotations, and what is compiled like them: type parameters and aliases.

use ruff_python_ast::Expr;
use ruff_python_ast::Parameter;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::StmtTypeAlias;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;

use crate::verify::event::Attribute;
use crate::verify::event::Display;
use crate::verify::event::Op;
use crate::verify::event::Space;

use super::Operand;
use super::Unit;

/// What an annotation scope holds.
#[derive(Clone, Copy, Debug)]
pub(in crate::verify) enum Body<'a> {
    /// `__annotate__` of a function (3.14).
    Function(&'a StmtFunctionDef),
}

impl<'a> Unit<'_, 'a> {
    /// The dict of annotations of a module or class, when a name in it is annotated.
    pub(super) fn set_up_annotations(&mut self, statements: &'a [Stmt]) {
        let is_deferred = self.since(3, 14) && !self.source().scopes.futures().annotations;
        if self.since(3, 6) && !is_deferred && has_annotations(statements) {
            self.act(Op::SetupAnnotations, &[]);
        }
    }

    /// The function of the annotations of a module or class (3.14).
    pub(super) fn deferred_annotations(&mut self, statements: &'a [Stmt]) {
        if self.since(3, 14) && !self.source().scopes.futures().annotations && has_annotations(statements) {
            self.fail("deferred annotations");
        }
    }

    /// An annotated name in the body of a module or class.
    pub(super) fn annotate_name(&mut self, name: &str, annotation: &'a Expr, range: TextRange) {
        let _ = range;
        let future = self.source().scopes.futures().annotations;
        if self.since(3, 14) && !future {
            return;
        }
        let value = if future { self.annotation_text(annotation) } else { self.expression(annotation) };
        if !self.since(3, 7) {
            let name = self.mangled(name);
            self.act(Op::StoreAnnotation(name), &[value]);
            return;
        }
        let dict = self.name("__annotations__");
        let dict = self.value(Op::Load(Space::Name, dict), &[]);
        let key = self.mangled_text(name);
        self.act(Op::StoreSubscript, &[dict, key, value]);
    }

    /// The annotations of a function: a dict up to 3.9, then a tuple, then a function.
    pub(super) fn function_annotations(&mut self, node: &'a StmtFunctionDef) -> Option<(Attribute, Operand)> {
        // In 2.x the parser was given targets in the place of annotations.
        if self.is_python2() {
            return None;
        }
        let parameters = &node.parameters;
        let mut annotated: Vec<(&'a str, &'a Expr)> = Vec::new();
        let mut add = |parameter: &'a Parameter| {
            if let Some(annotation) = &parameter.annotation {
                annotated.push((parameter.name.as_str(), annotation));
            }
        };
        // The positional-only ones come second (`compiler_visit_annotations`).
        parameters.args.iter().chain(&parameters.posonlyargs).for_each(|parameter| add(&parameter.parameter));
        parameters.vararg.iter().for_each(|parameter| add(parameter));
        parameters.kwonlyargs.iter().for_each(|parameter| add(&parameter.parameter));
        parameters.kwarg.iter().for_each(|parameter| add(parameter));
        if let Some(returns) = &node.returns {
            annotated.push(("return", returns));
        }
        if annotated.is_empty() {
            return None;
        }
        if self.since(3, 14) {
            self.fail("deferred annotations");
            return None;
        }
        let future = self.source().scopes.futures().annotations;
        let mut operands = Vec::new();
        for (name, annotation) in annotated {
            operands.push(self.mangled_text(name));
            let before = self.at(annotation);
            operands.push(match annotation {
                _ if future => self.annotation_text(annotation),
                Expr::Starred(star) => {
                    // `*args: *Ts` (3.11 and later).
                    let value = self.expression(&star.value);
                    let items = self.values(Op::Unpack(1), &[value]);
                    items.first().copied().unwrap_or(value)
                }
                _ => self.expression(annotation),
            });
            self.range = before;
        }
        let value =
            if self.since(3, 10) { self.tuple(&operands) } else { self.value(Op::Build(Display::Map), &operands) };
        Some((Attribute::Annotations, value))
    }

    /// What a class body begins with, behind its qualified name.
    pub(super) fn class_prologue(&mut self, node: &'a StmtClassDef) {
        let scope = self.source().scopes.get(self.scope);
        if self.since(3, 13) {
            let line = scope.first.map_or(0, |first| self.source().text.line(first));
            let line = self.integer(i64::from(line));
            self.store("__firstlineno__", line);
        }
        if node.type_params.is_some() {
            self.fail("type parameters");
        }
        if scope.needs_classdict {
            let dict = self.value(Op::LoadLocals, &[]);
            let name = self.name("__classdict__");
            self.act(Op::Store(Space::Deref, name), &[dict]);
        }
    }

    pub(super) fn generic_function(&mut self, node: &'a StmtFunctionDef, defaults: &[(Attribute, Operand)]) -> Operand {
        self.fail("type parameters");
        self.plain_function(node, defaults)
    }

    pub(super) fn generic_class(&mut self, node: &'a StmtClassDef) -> Operand {
        self.fail("type parameters");
        self.plain_class(node, &[])
    }

    pub(super) fn type_alias(&mut self, node: &'a StmtTypeAlias) {
        self.at(node);
        self.fail("a type alias");
    }

    pub(super) fn annotation_body(&mut self, body: Body<'a>) {
        let Body::Function(node) = body;
        self.range = node.range();
        self.fail("deferred annotations");
    }
}

/// Whether a body annotates a name, in whatever block (`find_ann`).
fn has_annotations(statements: &[Stmt]) -> bool {
    statements.iter().any(|statement| match statement {
        Stmt::AnnAssign(_) => true,
        Stmt::For(node) => has_annotations(&node.body) || has_annotations(&node.orelse),
        Stmt::While(node) => has_annotations(&node.body) || has_annotations(&node.orelse),
        Stmt::If(node) => {
            has_annotations(&node.body) || node.elif_else_clauses.iter().any(|clause| has_annotations(&clause.body))
        }
        Stmt::With(node) => has_annotations(&node.body),
        Stmt::Match(node) => node.cases.iter().any(|case| has_annotations(&case.body)),
        Stmt::Try(node) => {
            has_annotations(&node.body)
                || node.handlers.iter().any(|handler| {
                    let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                    has_annotations(&handler.body)
                })
                || has_annotations(&node.finalbody)
                || has_annotations(&node.orelse)
        }
        _ => false,
    })
}
