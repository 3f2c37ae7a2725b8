//! A walk over a module that puts checks in, in typeguard's order: what it has met so far decides.

use std::cell::RefCell;
use std::rc::Rc;

use ruff_python_ast::Decorator;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprYield;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::StmtIf;
use ruff_python_ast::StmtImport;
use ruff_python_ast::StmtImportFrom;
use ruff_python_ast::StmtReturn;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::transformer::Transformer;
use ruff_python_ast::visitor::transformer::walk_expr;
use ruff_python_ast::visitor::transformer::walk_stmt;
use ruff_python_ast::visitor::walk_expr as look_at_expr;
use ruff_python_ast::visitor::walk_stmt as look_at_stmt;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;

use crate::verify::hook::nodes;
use crate::verify::hook::nodes::Nodes;

use super::MADE;
use super::MEMO;
use super::State;
use super::memo::Kind;
use super::memo::Memo;
use super::memo::is_passed_over;

/// What 4.6 takes `*` for, of `typing` and `typing_extensions`: as much of it as can make a difference.
const STARRED: &[&str] = &[
    "Annotated",
    "Any",
    "AsyncGenerator",
    "AsyncIterable",
    "AsyncIterator",
    "Generator",
    "Iterable",
    "Iterator",
    "Literal",
    "Optional",
    "TYPE_CHECKING",
    "Union",
    "no_type_check",
    "overload",
];

/// Where 4.0.0 puts its imports, if it does.
pub(super) fn first_other(body: &[Stmt]) -> Option<usize> {
    body.iter().position(|statement| !is_passed_over(statement))
}

/// See the module's documentation.
pub(super) struct Rewriter<'a>(pub(super) RefCell<State<'a>>);

impl<'a> Rewriter<'a> {
    pub(super) fn new(state: State<'a>) -> Self {
        Self(RefCell::new(state))
    }

    pub(super) fn into_state(self) -> State<'a> {
        self.0.into_inner()
    }

    fn class(&self, node: &mut StmtClassDef) {
        {
            let mut state = self.0.borrow_mut();
            state.meet(node.name.as_str());
            state.enter(Kind::Class, node.name.as_str());
            for options in state.without_typechecked(&mut node.decorator_list) {
                state.memo().configure(options);
            }
            if node.decorator_list.is_empty() && state.form.series >= (3, 8) {
                let keyword = nodes::keyword_before(state.text, node.name.start());
                node.range = TextRange::new(keyword.min(node.range.end()), node.range.end());
            }
        }
        if let Some(arguments) = &mut node.arguments {
            self.visit_arguments(arguments);
        }
        self.visit_body(&mut node.body);
        node.decorator_list.iter_mut().for_each(|decorator| self.visit_decorator(decorator));
        if let Some(parameters) = &mut node.type_params {
            self.visit_type_params(parameters);
        }
        self.0.borrow_mut().memos.pop();
    }
}

impl Transformer for Rewriter<'_> {
    fn visit_stmt(&self, statement: &mut Stmt) {
        match statement {
            Stmt::FunctionDef(node) => {
                if !self.function(node) {
                    *statement = Nodes::at(node.range.start()).pass();
                }
                return;
            }
            Stmt::ClassDef(node) => return self.class(node),
            _ => walk_stmt(self, statement),
        }
        let mut state = self.0.borrow_mut();
        match statement {
            Stmt::Import(node) => state.see_import(node),
            Stmt::ImportFrom(node) => state.see_import_from(node),
            Stmt::Return(node) => state.returned(node),
            Stmt::AnnAssign(node) => state.annotated(node),
            Stmt::Assign(node) => state.assigned(node),
            Stmt::AugAssign(node) => {
                if let Some(assignment) = state.augmented(node) {
                    *statement = assignment;
                }
            }
            Stmt::If(node) => state.see_if(node),
            _ => {}
        }
    }

    fn visit_expr(&self, expression: &mut Expr) {
        match expression {
            Expr::Name(node) => {
                self.0.borrow_mut().meet(if node.id.as_str() == MEMO { "memo" } else { node.id.as_str() });
            }
            Expr::Named(_) => walk_expr(self, expression),
            Expr::Yield(_) => {
                let twice = {
                    let mut state = self.0.borrow_mut();
                    state.memo().has_yield = true;
                    if !state.budget.spend(1) {
                        return;
                    }
                    state.form.version == 400
                };
                walk_expr(self, expression);
                // It does so twice, and meets what it has put in.
                if twice {
                    walk_expr(self, expression);
                }
            }
            _ => return walk_expr(self, expression),
        }
        let mut state = self.0.borrow_mut();
        match expression {
            Expr::Named(node) => state.named(node),
            Expr::Yield(node) => {
                if let Some(check) = state.yielded(node) {
                    *expression = check;
                }
            }
            _ => {}
        }
    }
}

impl State<'_> {
    pub(super) fn innermost(&self) -> usize {
        self.memos.len().saturating_sub(1)
    }

    pub(super) fn meet(&mut self, name: &str) {
        let met = &mut self.memo().met;
        if !met.contains(name) {
            met.insert(name.to_owned());
        }
    }

    /// Goes into a class or function.
    pub(super) fn enter(&mut self, kind: Kind, name: &str) {
        let size = self.memo().path.len().saturating_add(name.len()) / 64;
        let is_whole = self.budget.spend(size);
        let outer = self.memo();
        let path = match outer.kind {
            _ if !is_whole => Rc::default(),
            Kind::Module => name.into(),
            Kind::Class => format!("{}.{name}", outer.path).into(),
            Kind::Function { .. } => format!("{}.<locals>.{name}", outer.path).into(),
        };
        self.memos.push(Memo { kind, name: name.to_owned(), path, ..Memo::default() });
    }

    pub(super) fn is_in_function(&mut self) -> bool {
        matches!(self.memo().kind, Kind::Function { .. })
    }

    /// Takes `@typechecked` out of decorators, and gives what each was called with.
    pub(super) fn without_typechecked(
        &mut self,
        decorators: &mut ruff_python_ast::DecoratorList,
    ) -> Vec<Vec<(String, Expr)>> {
        let memo = self.innermost();
        let is_it = |decorator: &Decorator| self.matches(memo, &decorator.expression, &["typeguard.typechecked"]);
        let first_goes = decorators.first().is_some_and(is_it);
        let mut all = Vec::new();
        decorators.retain(|decorator| {
            if !is_it(decorator) {
                return true;
            }
            if let Expr::Call(call) = &decorator.expression
                && !call.arguments.keywords.is_empty()
            {
                let options = call.arguments.keywords.iter();
                let options = options.filter_map(|it| Some((it.arg.as_ref()?.to_string(), it.value.clone())));
                all.push(options.collect());
            }
            false
        });
        // 3.7 takes the line of a definition from its first decorator when it parses, which may be one that went.
        self.is_open |= first_goes && !decorators.is_empty() && self.form.series < (3, 8);
        all
    }

    fn see_import(&mut self, node: &StmtImport) {
        for alias in &node.names {
            let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            self.meet(name);
            self.memo().imported.insert(name.to_owned(), alias.name.to_string());
        }
    }

    fn see_import_from(&mut self, node: &StmtImportFrom) {
        let module = node.module.as_deref().unwrap_or("None");
        for alias in &node.names {
            if alias.name.as_str() == "*" {
                if self.form.version >= 460 && matches!(module, "typing" | "typing_extensions") {
                    for name in STARRED {
                        self.meet(name);
                        let qualified = || format!("{module}.{name}");
                        self.memo().imported.entry((*name).to_owned()).or_insert_with(qualified);
                    }
                }
                continue;
            }
            let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            self.meet(name);
            self.budget.spend(module.len() / 64);
            self.memo().imported.insert(name.to_owned(), format!("{module}.{}", alias.name));
        }
    }

    fn returned(&mut self, node: &mut StmtReturn) {
        let memo = self.innermost();
        let Some(annotation) = self.memo().result.clone() else { return };
        if self.is_ignored(memo, &annotation.expression) {
            return;
        }
        let nodes = Nodes::at(node.range.start());
        let value = node.value.take().map_or_else(|| nodes.none(), |value| *value);
        node.value = Some(Box::new(self.check(nodes, self.form.result_check(), value, &annotation)));
        self.budget.spend(MADE);
    }

    /// The check of what is given out stays inside of the expression, that of what comes in stands for it.
    fn yielded(&mut self, node: &mut ExprYield) -> Option<Expr> {
        let memo = self.innermost();
        let nodes = Nodes::at(node.range.start());
        if let Some(annotation) = self.memo().yielded.clone()
            && !self.is_ignored(memo, &annotation.expression)
        {
            let value = node.value.take().map_or_else(|| nodes.none(), |value| *value);
            node.value = Some(Box::new(self.check(nodes, "check_yield_type", value, &annotation)));
        }
        let annotation = self.memo().sent.clone()?;
        if self.is_ignored(memo, &annotation.expression) {
            return None;
        }
        self.budget.spend(MADE);
        let value = Expr::Yield(ExprYield { value: node.value.take(), ..node.clone() });
        Some(self.check(nodes, "check_send_type", value, &annotation))
    }

    /// Names that are bound under `if TYPE_CHECKING:` in a module are not looked up.
    fn see_if(&mut self, node: &StmtIf) {
        if self.memos.len() != 1 {
            return;
        }
        let is_it = |test: &Expr| test.is_name_expr() && self.matches(0, test, &["typing.TYPE_CHECKING"]);
        let is_first = is_it(&node.test);
        // An `elif` is an `if` in an `else`.
        let later = node.elif_else_clauses.iter().position(|it| it.test.as_ref().is_some_and(is_it));
        let place = if is_first { Some(0) } else { later };
        // They can stand in one another, and names are collected from each.
        let Some(place) = place.filter(|_| self.budget.spend(usize::from(node.range.len()) / 64)) else { return };
        let mut names = Names::default();
        if is_first {
            names.visit_expr(&node.test);
            names.visit_body(&node.body);
        }
        node.elif_else_clauses.iter().skip(place).for_each(|clause| names.visit_elif_else_clause(clause));
        self.memo().ignored.extend(names.0);
    }
}

/// Names that are bound in statements, as far as typeguard looks.
#[derive(Default)]
struct Names(Vec<String>);

impl<'n> Visitor<'n> for Names {
    fn visit_stmt(&mut self, statement: &'n Stmt) {
        let imported = match statement {
            Stmt::Import(node) => &node.names,
            Stmt::ImportFrom(node) => &node.names,
            Stmt::Assign(node) => {
                let names = node.targets.iter().filter_map(Expr::as_name_expr);
                return self.0.extend(names.map(|name| name.id.to_string()));
            }
            Stmt::FunctionDef(node) if !node.is_async => return,
            Stmt::ClassDef(_) => return,
            _ => return look_at_stmt(self, statement),
        };
        self.0.extend(imported.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string()));
    }

    fn visit_expr(&mut self, expression: &'n Expr) {
        match expression {
            Expr::Named(node) => self.0.extend(node.target.as_name_expr().map(|name| name.id.to_string())),
            _ => look_at_expr(self, expression),
        }
    }
}
