//! What pytest makes of a module before it compiles it: the statements that it puts in the place of each `assert`.
//!
//! The tree that comes of it is compiled like any other, so that a cache of pytest's can be compared with its source. Which statements
//! these are was observed on caches of pytest 5.4 to 9.2; what is not known is left an `assert`, which `expected` does not
//! compare in such a tree.

mod assertion;

use std::collections::BTreeMap;
use std::collections::HashMap;

use ruff_python_ast::ElifElseClause;
use ruff_python_ast::ExceptHandler;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprNamed;
use ruff_python_ast::ModModule;
use ruff_python_ast::Stmt;
use ruff_python_ast::Suite;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_expr;
use ruff_python_ast::visitor::walk_stmt;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

use super::Asked;
use super::Budget;
use super::Form as HookForm;
use super::Forms;
use super::MOST_MADE;
use super::Rewritten;
use super::nodes::Nodes;

/// The rewriting of one version of pytest, or one whose form is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form(Option<(u16, u16, u16)>);

/// What becomes of a walrus in an assert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walrus {
    /// It is an expression like any other.
    Plain,
    /// What is not known.
    Unknown,
    /// It is evaluated in each place where its name or value is shown, and stands for its name in later asserts.
    Repeated,
    /// It is evaluated once, and what it changes behind another operand's back is kept.
    Once,
}

/// The form of the oldest and of the newest version that was looked at.
const OLDEST: (u16, u16, u16) = (5, 4, 0);
const NEWEST: (u16, u16, u16) = (9, 2, u16::MAX);

impl Form {
    /// Nothing is known of it.
    const UNKNOWN: Self = Self(None);

    /// Of an import hook as the name of a file has it, `-pytest-8.3.3`: what to try, in this order.
    fn of(hook: &str) -> Option<Vec<Self>> {
        let (name, version) = hook.split_at_checked(7)?;
        name.eq_ignore_ascii_case("-pytest").then(|| match parsed(version.strip_prefix('-').unwrap_or_default()) {
            Some(version) if version < OLDEST => vec![Self::UNKNOWN],
            // It may still be what the newest one makes.
            Some(version) if version > NEWEST => vec![Self(Some(NEWEST)), Self::UNKNOWN],
            version => vec![Self(version)],
        })
    }

    fn walrus(self) -> Walrus {
        match self.0 {
            Some(version) if version < (7, 3, 0) => Walrus::Plain,
            Some(version) if version >= (9, 2, 0) => Walrus::Once,
            Some(version) if version >= (7, 4, 0) => Walrus::Repeated,
            _ => Walrus::Unknown,
        }
    }

    /// Whether a walrus stands for its name in its own function or class only.
    fn is_scoped(self) -> bool {
        self.0 >= Some((7, 4, 3))
    }

    /// Whether all of an assert is moved to its first line.
    fn moves(self) -> bool {
        self.0 < Some((8, 3, 4))
    }
}

/// `8.3.3`, `9.1.0.dev12+g0123456`.
fn parsed(version: &str) -> Option<(u16, u16, u16)> {
    let mut parts = version.split(['.', '+']);
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    Some((number()?, number()?, number().unwrap_or(0)))
}

/// What is called in an assert when `enable_assertion_pass_hook` is set.
pub(in crate::verify) const PASS_HOOK: &[u8] = b"_check_if_assertion_pass_impl";

/// What pytest looks for in the docstring of a module.
const LEFT_ALONE: &str = "PYTEST_DONT_REWRITE";

/// What the name of a cache says that pytest made.
pub(super) fn forms(asked: &Asked<'_>) -> Option<Forms> {
    let mut forms = Form::of(asked.hook)?;
    // No pytest of 2.7 was looked at.
    if asked.series < (3, 0) {
        forms = vec![Form::UNKNOWN];
    }
    // What is not known of a form is an assert that is left in the tree, and not compared.
    Some(Forms { all: forms.into_iter().map(|form| Box::new(form) as Box<dyn HookForm>).collect(), is_complete: true })
}

impl HookForm for Form {
    fn rewrite(&self, source: &ModModule, _: &str) -> Option<Rewritten> {
        rewrite(source, *self)
    }
}

fn rewrite(source: &ModModule, form: Form) -> Option<Rewritten> {
    let place = place_of_imports(&source.body)?;
    let mut rewritten = Rewritten { has_unknown_asserts: true, ..Rewritten::of(source) };
    let module = &mut rewritten.module;
    let following = module.body.get(place).or_else(|| module.body.last());
    let nodes = Nodes::at(following.map_or(TextSize::default(), Ranged::start));
    let imports =
        [nodes.import_as("builtins", "@py_builtins"), nodes.import_as("_pytest.assertion.rewrite", "@pytest_ar")];
    for (place, import) in (place..).zip(imports) {
        module.body.insert(place, import);
    }
    if form == Form::UNKNOWN || form.walrus() == Walrus::Unknown && has_walrus(source) {
        return Some(rewritten);
    }
    let mut rewriter = Rewriter {
        form,
        scope: 0,
        scopes: 0,
        overwritten: HashMap::new(),
        carried: BTreeMap::new(),
        asserts: Vec::new(),
        budget: Budget(MOST_MADE),
    };
    rewriter.suites(&mut [&mut module.body]);
    if form.moves() {
        rewritten.carried = rewriter.carried;
        rewritten.moved = rewriter.asserts;
        rewritten.moved.sort_unstable_by_key(Ranged::start);
    }
    Some(rewritten)
}

/// Whether an assert has a walrus in it.
fn has_walrus(module: &ModModule) -> bool {
    #[derive(Default)]
    struct Found(bool);
    impl<'a> Visitor<'a> for Found {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            if let Stmt::Assert(assert) = statement {
                self.0 |= !walruses(&assert.test).is_empty();
            } else {
                walk_stmt(self, statement);
            }
        }

        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut found = Found::default();
    found.visit_body(&module.body);
    found.0
}

/// The walruses in an expression, and the names that they bind.
fn walruses(expression: &Expr) -> Vec<(TextRange, String)> {
    #[derive(Default)]
    struct Found(Vec<(TextRange, String)>);
    impl<'a> Visitor<'a> for Found {
        fn visit_expr(&mut self, expression: &'a Expr) {
            if let Expr::Named(walrus) = expression {
                self.0.push((walrus.range, assertion::target(walrus).to_owned()));
            }
            walk_expr(self, expression);
        }
    }
    let mut found = Found::default();
    found.visit_expr(expression);
    found.0
}

/// Behind the docstring and the futures; `None` where nothing is rewritten.
fn place_of_imports(body: &[Stmt]) -> Option<usize> {
    if body.is_empty() {
        return None;
    }
    let mut has_docstring = false;
    for (place, statement) in body.iter().enumerate() {
        match statement {
            Stmt::Expr(statement) if !has_docstring => {
                let Expr::StringLiteral(literal) = &*statement.value else { return Some(place) };
                if literal.value.to_str().contains(LEFT_ALONE) {
                    return None;
                }
                has_docstring = true;
            }
            Stmt::ImportFrom(import) if import.level == 0 && import.module.as_deref() == Some("__future__") => {}
            _ => return Some(place),
        }
    }
    Some(body.len())
}

/// A walk over a module that replaces asserts.
struct Rewriter {
    form: Form,
    /// The function or class that the walk is in; 0 is the module.
    scope: usize,
    /// How many of them were met.
    scopes: usize,
    /// Of each scope the names that a walrus of an assert has bound, and what stands for them in later asserts.
    overwritten: HashMap<(usize, String), ExprNamed>,
    /// See [`Rewritten`].
    carried: BTreeMap<TextSize, (TextRange, TextSize)>,
    /// The asserts that were replaced.
    asserts: Vec<TextRange>,
    budget: Budget,
}

impl Rewriter {
    /// The lists of statements of one node: first the asserts that stand in them, then what is inside of the other statements, from
    /// the last on. The order is pytest's, and decides which walrus a name stands for.
    fn suites(&mut self, suites: &mut [&mut Suite]) {
        for suite in &mut *suites {
            self.replace(suite);
        }
        for suite in suites.iter_mut().rev() {
            for statement in suite.iter_mut().rev() {
                self.statement(statement);
            }
        }
    }

    fn replace(&mut self, suite: &mut Suite) {
        if !suite.iter().any(Stmt::is_assert_stmt) {
            return;
        }
        for statement in std::mem::take(suite) {
            match &statement {
                Stmt::Assert(assert) => match assertion::rewrite(self, assert) {
                    Some(statements) => {
                        self.asserts.push(assert.range);
                        suite.extend(statements);
                    }
                    None => suite.push(statement),
                },
                _ => suite.push(statement),
            }
        }
    }

    fn statement(&mut self, statement: &mut Stmt) {
        match statement {
            Stmt::FunctionDef(node) => self.scope(&mut node.body),
            Stmt::ClassDef(node) => self.scope(&mut node.body),
            Stmt::For(node) => self.suites(&mut [&mut node.body, &mut node.orelse]),
            Stmt::While(node) => self.suites(&mut [&mut node.body, &mut node.orelse]),
            Stmt::If(node) => self.if_statement(&mut node.body, &mut node.elif_else_clauses),
            Stmt::With(node) => self.suites(&mut [&mut node.body]),
            Stmt::Match(node) => {
                node.cases.iter_mut().rev().for_each(|case| self.suites(&mut [&mut case.body]));
            }
            Stmt::Try(node) => {
                for suite in [&mut node.body, &mut node.orelse, &mut node.finalbody] {
                    self.replace(suite);
                }
                for statement in node.finalbody.iter_mut().rev().chain(node.orelse.iter_mut().rev()) {
                    self.statement(statement);
                }
                for ExceptHandler::ExceptHandler(handler) in node.handlers.iter_mut().rev() {
                    self.suites(&mut [&mut handler.body]);
                }
                node.body.iter_mut().rev().for_each(|statement| self.statement(statement));
            }
            _ => {}
        }
    }

    /// `elif` is an `if` in an `else`.
    fn if_statement(&mut self, body: &mut Suite, clauses: &mut [ElifElseClause]) {
        let Some((first, rest)) = clauses.split_first_mut() else { return self.suites(&mut [body]) };
        if first.test.is_none() {
            return self.suites(&mut [body, &mut first.body]);
        }
        self.replace(body);
        self.if_statement(&mut first.body, rest);
        body.iter_mut().rev().for_each(|statement| self.statement(statement));
    }

    fn scope(&mut self, body: &mut Suite) {
        self.scopes = self.scopes.saturating_add(usize::from(self.form.is_scoped()));
        let outer = std::mem::replace(&mut self.scope, self.scopes);
        self.suites(&mut [body]);
        self.scope = outer;
    }

    fn spend(&mut self, amount: usize) -> bool {
        self.budget.spend(amount)
    }
}
