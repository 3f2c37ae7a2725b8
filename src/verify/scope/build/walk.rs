//! What each statement and expression does with names: symtable.c's `symtable_visit_stmt` and `symtable_visit_expr`.

use ruff_python_ast::Comprehension;
use ruff_python_ast::ExceptHandler;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprCall;
use ruff_python_ast::ExprContext;
use ruff_python_ast::Pattern;
use ruff_python_ast::Stmt;
use ruff_python_ast::visitor;
use ruff_python_ast::visitor::Visitor;
use ruff_text_size::Ranged;

use crate::verify::scope::build::Builder;
use crate::verify::scope::symbol::ComprehensionKind;
use crate::verify::scope::symbol::Flags;
use crate::verify::source_text::python2;

impl<'a> Visitor<'a> for Builder {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(statement) => self.function(statement),
            Stmt::ClassDef(statement) => self.class(statement),
            Stmt::TypeAlias(statement) => self.alias(statement),
            Stmt::AnnAssign(statement) => self.annotated(statement),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let top = name.split('.').next().unwrap_or(name);
                    let bound = alias.asname.as_ref().map_or(top, |it| it.as_str());
                    self.add(bound, Flags::IMPORT);
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    if name.as_str() == "*" {
                        self.block().is_unoptimised |= self.series < (3, 0);
                    } else {
                        self.add(name, Flags::IMPORT);
                    }
                }
            }
            Stmt::Global(statement) => {
                for name in &statement.names {
                    self.add(name, Flags::GLOBAL);
                }
            }
            Stmt::Nonlocal(statement) => {
                for name in &statement.names {
                    self.add(name, Flags::NONLOCAL);
                }
            }
            Stmt::Expr(expression) => {
                if self.series < (3, 0) {
                    self.exec(&expression.value);
                }
                self.visit_expr(&expression.value);
            }
            Stmt::If(_) | Stmt::While(_) | Stmt::For(_) | Stmt::Try(_) | Stmt::With(_) | Stmt::Match(_) => {
                let was = std::mem::replace(&mut self.block().in_conditional, true);
                if let Stmt::Try(statement) = statement {
                    self.visit_body(&statement.body);
                    self.visit_body(&statement.orelse);
                    statement.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                    self.visit_body(&statement.finalbody);
                } else {
                    visitor::walk_stmt(self, statement);
                }
                self.block().in_conditional = was;
            }
            _ => visitor::walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => {
                if self.block().is_unevaluated {
                    return;
                }
                let is_read = name.ctx == ExprContext::Load;
                self.add(&name.id, if is_read { Flags::USE } else { Flags::LOCAL });
                // `super()` needs the class.
                let in_function = self.block().is_function_like();
                if is_read && in_function && self.series >= (3, 0) && name.id == "super" {
                    self.add("__class__", Flags::USE);
                }
            }
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::Named(named) => self.named(named),
            Expr::Call(call) => self.call(call),
            Expr::ListComp(it) => {
                let elements = [Some(&*it.elt), None];
                self.comprehension(ComprehensionKind::List, &it.generators, elements, it.range, it.range.start());
            }
            Expr::SetComp(it) => {
                let elements = [Some(&*it.elt), None];
                self.comprehension(ComprehensionKind::Set, &it.generators, elements, it.range, it.range.start());
            }
            Expr::Generator(it) => {
                let elements = [Some(&*it.elt), None];
                self.comprehension(ComprehensionKind::Generator, &it.generators, elements, it.range, it.range.start());
            }
            Expr::DictComp(it) => {
                // The value first.
                let elements = [Some(&*it.value), it.key.as_deref()];
                self.comprehension(ComprehensionKind::Dict, &it.generators, elements, it.range, it.range.start());
            }
            Expr::BooleanLiteral(it) if self.series < (3, 0) => {
                self.add(if it.value { "True" } else { "False" }, Flags::USE);
            }
            Expr::Await(it) => {
                self.visit_expr(&it.value);
                self.block().is_coroutine = true;
            }
            Expr::Yield(it) => {
                self.visit_optional(it.value.as_deref());
                self.block().is_generator = true;
            }
            Expr::YieldFrom(it) => {
                self.visit_expr(&it.value);
                self.block().is_generator = true;
            }
            _ => visitor::walk_expr(self, expression),
        }
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.visit_expr(&comprehension.target);
        self.visit_expr(&comprehension.iter);
        comprehension.ifs.iter().for_each(|condition| self.visit_expr(condition));
        self.block().is_coroutine |= comprehension.is_async;
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(handler) = handler;
        match handler.type_.as_deref().and_then(python2::call).filter(|_| self.series < (3, 0)) {
            Some((python2::EXCEPT, [class, target])) => {
                self.visit_expr(class);
                self.target(target, Flags::LOCAL);
            }
            _ => self.visit_optional(handler.type_.as_deref()),
        }
        if let Some(name) = &handler.name {
            self.add(name, Flags::LOCAL);
        }
        self.visit_body(&handler.body);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let bound = match pattern {
            Pattern::MatchStar(it) => it.name.as_ref(),
            Pattern::MatchAs(it) => it.name.as_ref(),
            Pattern::MatchMapping(it) => it.rest.as_ref(),
            _ => None,
        };
        visitor::walk_pattern(self, pattern);
        if let Some(name) = bound {
            self.add(name, Flags::LOCAL);
        }
    }
}

impl Builder {
    /// `exec` of 2.x.
    fn exec(&mut self, expression: &Expr) {
        self.block().is_unoptimised |= python2::call(expression).is_some_and(|(name, _)| name == python2::EXEC);
    }

    /// What is bound although the parser took it for a value.
    pub(super) fn target(&mut self, target: &Expr, flags: Flags) {
        match target {
            Expr::Name(name) => {
                self.add(&name.id, flags);
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|target| self.target(target, flags)),
            Expr::List(list) => list.elts.iter().for_each(|target| self.target(target, flags)),
            _ => self.visit_expr(target),
        }
    }

    fn call(&mut self, call: &ExprCall) {
        self.visit_expr(&call.func);
        if let [Expr::Generator(generator)] = &*call.arguments.args
            && !generator.parenthesized
        {
            // The call's own parentheses are the expression's.
            let elements = [Some(&*generator.elt), None];
            let start = call.arguments.start();
            self.comprehension(ComprehensionKind::Generator, &generator.generators, elements, generator.range, start);
            return;
        }
        self.visit_arguments(&call.arguments);
    }
}
