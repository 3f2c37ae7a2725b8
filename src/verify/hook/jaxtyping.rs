//! jaxtyping's `install_import_hook`: `import jaxtyping`, and a decorator on each class and function.
//!
//! Observed on 0.2.12 to 0.3.11. A cache is called `opt-jaxtyping`, a number that stands for what the hook makes, and the digest of the name of
//! the type checker, which the decorator looks up by the same digest.

use ruff_python_ast::Decorator;
use ruff_python_ast::Expr;
use ruff_python_ast::ModModule;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::Suite;
use ruff_text_size::Ranged;
use ruff_text_size::TextSize;

use super::Asked;
use super::Budget;
use super::Form as HookForm;
use super::Forms;
use super::MOST_MADE;
use super::Rewritten;
use super::nodes;
use super::nodes::Nodes;

/// What [`Budget`] a decorator takes, by its nodes.
const DECORATOR: usize = 16;

/// What the hook of some versions makes.
#[derive(Clone, Debug)]
struct Form {
    decoration: Decoration,
    /// Whether functions without annotations are left alone.
    only_annotated: bool,
    /// Whether all that is put in has the first line of the file (up to 0.2.29), or is where it is put in.
    on_first_line: bool,
    /// Whether what is under `@no_type_check` is left alone (0.3.8 and later).
    no_type_check: bool,
}

/// What is put in.
#[derive(Clone, Debug)]
enum Decoration {
    /// `@jaxtyping.jaxtyped(typechecker=jaxtyping._import_hook.Typechecker.lookup['...'])` (0.2.22 and later).
    Lookup(String),
    /// `@jaxtyping.jaxtyped` and `@checker` behind it, on classes `@jaxtyping.decorator._jaxtyped_typechecker(checker)`; the name of that
    /// module, and the checker, which was imported as well.
    Named { module: &'static str, checker: Option<[&'static str; 2]> },
}

/// What the name of a cache says that the hook made.
pub(super) fn forms(asked: &Asked<'_>) -> Option<Forms> {
    let rest = asked.hook.strip_prefix("opt-jaxtyping")?;
    // No version that makes another one runs on it.
    if asked.series < (3, 8) {
        return Some(Forms::UNKNOWN);
    }
    let is_digest = |digest: &str| digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digest_at = rest.len().checked_sub(32).filter(|&at| at > 0 && rest.get(at..).is_some_and(is_digest));
    let split = digest_at.or_else(|| rest.ends_with('0').then(|| rest.len().saturating_sub(1)));
    let number = |text: &str| text.parse::<u32>().ok();
    Some(match split.and_then(|at| rest.split_at_checked(at)) {
        _ if rest == "4" || rest.strip_prefix('6').is_some_and(|digest| !digest.is_empty() && is_digest(digest)) => {
            // The type checker is not told.
            Forms { all: named().map(|form| Box::new(form) as Box<dyn HookForm>).collect(), is_complete: false }
        }
        Some((version, digest)) => match number(version) {
            Some(version @ 8..) => {
                let form = Form {
                    decoration: Decoration::Lookup(digest.to_owned()),
                    only_annotated: false,
                    on_first_line: version == 8,
                    no_type_check: version >= 10,
                };
                let before = (version == 8).then(|| Form { only_annotated: true, ..form.clone() });
                let all = [Some(form), before].into_iter().flatten();
                // A later version may still make what the newest one makes that was looked at.
                let is_complete = version <= 10;
                Forms { all: all.map(|form| Box::new(form) as Box<dyn HookForm>).collect(), is_complete }
            }
            _ => Forms::UNKNOWN,
        },
        None => Forms::UNKNOWN,
    })
}

/// What the versions before 0.2.22 made with the type checkers that they are told to be used with.
fn named() -> impl Iterator<Item = Form> {
    let checkers = [Some(["typeguard", "typechecked"]), Some(["beartype", "beartype"]), None];
    checkers.into_iter().flat_map(|checker| {
        ["_decorator", "decorator"].map(|module| Form {
            decoration: Decoration::Named { module, checker },
            only_annotated: true,
            on_first_line: false,
            no_type_check: false,
        })
    })
}

impl HookForm for Form {
    fn rewrite(&self, source: &ModModule, text: &str) -> Option<Rewritten> {
        let place = source.body.iter().position(|statement| !self.is_passed_over(statement))?;
        let mut rewritten = Rewritten::of(source);
        let mut rewriter = Rewriter { form: self, text, left_alone: 0, budget: Budget(MOST_MADE) };
        rewriter.suite(&mut rewritten.module.body);
        rewritten.is_cut = !rewriter.budget.spend(0);
        let nodes = Nodes::at(source.body.get(place).map_or(TextSize::default(), Ranged::start));
        rewritten.module.body.insert(place, nodes.import("jaxtyping"));
        if let Decoration::Named { checker: Some([module, _]), .. } = self.decoration {
            rewritten.module.body.insert(place, nodes.import(module));
        }
        Some(rewritten)
    }
}

impl Form {
    /// What the imports are put behind: the futures, and constants of any kind, of which only text counted at first.
    fn is_passed_over(&self, statement: &Stmt) -> bool {
        match statement {
            Stmt::ImportFrom(import) => import.module.as_deref() == Some("__future__"),
            Stmt::Expr(statement) if self.on_first_line || self.only_annotated => {
                statement.value.is_string_literal_expr()
            }
            Stmt::Expr(statement) => statement.value.is_literal_expr(),
            _ => false,
        }
    }
}

/// A walk over a module that puts decorators in.
struct Rewriter<'a> {
    form: &'a Form,
    text: &'a str,
    /// How many definitions around have `@no_type_check`.
    left_alone: usize,
    budget: Budget,
}

impl Rewriter<'_> {
    fn suite(&mut self, suite: &mut Suite) {
        for statement in suite {
            let around = self.left_alone;
            match statement {
                Stmt::ClassDef(node) => {
                    self.enter(&node.decorator_list);
                    if self.decorates() {
                        let keyword = nodes::keyword_before(self.text, node.name.start());
                        let decorator = self.class_decorator(self.nodes(keyword));
                        node.decorator_list.insert(0, decorator);
                    }
                }
                Stmt::FunctionDef(node) if !node.is_async => {
                    self.enter(&node.decorator_list);
                    if (!self.form.only_annotated || is_annotated(node)) && self.decorates() {
                        let decorators = self.function_decorators(self.nodes(node.range.start()));
                        node.decorator_list.extend(decorators);
                    }
                }
                _ => {}
            }
            for suite in nodes::suites(statement) {
                self.suite(suite);
            }
            self.left_alone = around;
        }
    }

    fn enter(&mut self, decorators: &[Decorator]) {
        let has_mark = || decorators.iter().any(|decorator| is_no_type_check(&decorator.expression));
        self.left_alone = self.left_alone.saturating_add(usize::from(self.form.no_type_check && has_mark()));
    }

    fn decorates(&mut self) -> bool {
        self.left_alone == 0 && self.budget.spend(DECORATOR)
    }

    fn nodes(&self, place: TextSize) -> Nodes {
        Nodes::at(if self.form.on_first_line { TextSize::default() } else { place })
    }

    fn class_decorator(&self, nodes: Nodes) -> Decorator {
        match &self.form.decoration {
            Decoration::Lookup(digest) => nodes.decorator(looked_up(nodes, digest)),
            Decoration::Named { module, checker } => {
                let checker = checker.map_or_else(|| nodes.none(), |checker| nodes.path(&checker));
                let decorator = nodes.path(&["jaxtyping", module, "_jaxtyped_typechecker"]);
                nodes.decorator(nodes.call(decorator, vec![checker], Vec::new()))
            }
        }
    }

    fn function_decorators(&self, nodes: Nodes) -> Vec<Decorator> {
        match &self.form.decoration {
            Decoration::Lookup(digest) => vec![nodes.decorator(looked_up(nodes, digest))],
            Decoration::Named { checker, .. } => {
                let jaxtyped = nodes.path(&["jaxtyping", "jaxtyped"]);
                let checker = checker.map(|checker| nodes.path(&checker));
                [Some(jaxtyped), checker].into_iter().flatten().map(|it| nodes.decorator(it)).collect()
            }
        }
    }
}

fn looked_up(nodes: Nodes, digest: &str) -> Expr {
    let table = nodes.path(&["jaxtyping", "_import_hook", "Typechecker", "lookup"]);
    let checker = nodes.subscript(table, nodes.text(digest));
    let keyword = nodes.keyword("typechecker", checker);
    nodes.call(nodes.path(&["jaxtyping", "jaxtyped"]), Vec::new(), vec![keyword])
}

/// Whether the hook of old versions saw an annotation: of an ordinary argument, or of what is returned.
fn is_annotated(node: &StmtFunctionDef) -> bool {
    node.returns.is_some() || node.parameters.args.iter().any(|argument| argument.parameter.annotation.is_some())
}

/// `no_type_check`, of any module, called or not.
fn is_no_type_check(decorator: &Expr) -> bool {
    match decorator {
        Expr::Name(name) => name.id.as_str() == "no_type_check",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "no_type_check",
        Expr::Call(call) => is_no_type_check(&call.func),
        _ => false,
    }
}
