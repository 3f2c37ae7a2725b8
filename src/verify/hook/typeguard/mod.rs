//! typeguard's `install_import_hook`: checks in functions that have annotations, of arguments, results, and variables.
//!
//! Observed on 4.0.0 to 4.6.0. A cache is called `opt-typeguard` and the version without its dots, which with the series says all that is
//! made: there is no option. The forms of 2.x and 3.x are not known.

mod annotation;
mod function;
mod memo;
mod variable;
mod walk;

use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_python_ast::ModModule;
use ruff_python_ast::visitor::transformer::Transformer;
use ruff_text_size::Ranged;
use ruff_text_size::TextSize;

use super::Asked;
use super::Budget;
use super::Form as HookForm;
use super::Forms;
use super::MOST_MADE;
use super::Rewritten;
use super::nodes::Nodes;

use memo::Memo;
use memo::inject_index;
use walk::Rewriter;

/// The versions that were looked at, without dots.
const KNOWN: &[u16] =
    &[400, 401, 410, 411, 412, 413, 414, 415, 420, 421, 430, 440, 441, 442, 443, 444, 450, 451, 452, 460];

/// What [`Budget`] a check takes, by its nodes.
const MADE: usize = 16;

/// What stands for the name of a function's memo until all of the function was seen.
const MEMO: &str = "@memo";

/// Where what checks is.
const FUNCTIONS: &str = "typeguard._functions";

/// What the hook of some version makes.
#[derive(Clone, Copy, Debug)]
struct Form {
    /// The version, 460 for 4.6.0.
    version: u16,
    /// The version of Python.
    series: (u8, u8),
}

/// What the name of a cache says that the hook made.
pub(super) fn forms(asked: &Asked<'_>) -> Option<Forms> {
    let version = asked.hook.strip_prefix("opt-typeguard")?;
    let newest = KNOWN.last().copied().unwrap_or_default();
    let form = |version| Box::new(Form { version, series: asked.series }) as Box<dyn HookForm>;
    // None of them runs on older ones.
    let version = version.parse::<u16>().ok().filter(|_| asked.series >= (3, 7));
    Some(match version {
        Some(version) if KNOWN.contains(&version) => Forms { all: vec![form(version)], is_complete: true },
        // It may still be what the newest one makes.
        Some(version) if version > newest => Forms { all: vec![form(newest)], is_complete: false },
        _ => Forms::UNKNOWN,
    })
}

impl HookForm for Form {
    fn rewrite(&self, source: &ModModule, text: &str) -> Option<Rewritten> {
        let mut rewritten = Rewritten::of(source);
        let body = &mut rewritten.module.body;
        let place = match self.version {
            400 => walk::first_other(body),
            ..413 => Some(0),
            _ => Some(inject_index(body)),
        };
        let nodes = Nodes::at(body.get(place.unwrap_or_default()).map_or(TextSize::default(), Ranged::start));
        let rewriter = Rewriter::new(State {
            form: *self,
            text,
            memos: vec![Memo::default()],
            loads: Vec::new(),
            budget: Budget(MOST_MADE),
            is_open: false,
        });
        rewriter.visit_body(body);
        let mut state = rewriter.into_state();
        for (module, names) in &mut state.loads {
            names.sort_unstable();
            let names = names.iter().map(|(name, alias)| (*name, Some(alias.as_str()).filter(|alias| alias != name)));
            if let Some(place) = place.filter(|place| *place <= body.len()) {
                body.insert(place, nodes.import_names(module, names));
            }
        }
        rewritten.is_open = state.is_open;
        rewritten.is_cut = !state.budget.spend(0);
        Some(rewritten)
    }
}

/// An annotation as checks have it.
#[derive(Debug)]
struct Annotation {
    expression: Expr,
    /// What a copy takes of the [`Budget`].
    size: usize,
}

/// What is known at some point of a walk over a module.
struct State<'a> {
    form: Form,
    text: &'a str,
    /// Of the module, and of each class and function that the walk is in.
    memos: Vec<Memo>,
    /// What is imported at the top: modules in the order of their first use, with names and what these are called.
    loads: Vec<(&'static str, Vec<(&'static str, String)>)>,
    budget: Budget,
    /// Whether the outcome is not known. A module that typeguard itself fails on, or the compiler, has no cache.
    is_open: bool,
}

impl State<'_> {
    /// The innermost memo.
    fn memo(&mut self) -> &mut Memo {
        if self.memos.is_empty() {
            self.memos.push(Memo::default());
        }
        let last = self.memos.len().saturating_sub(1);
        &mut self.memos[last]
    }

    /// A function that is imported for a check.
    fn imported(&mut self, nodes: Nodes, module: &'static str, name: &'static str) -> Expr {
        nodes.load(&self.import(module, name))
    }

    /// A check in a function: `function('qualname', value, annotation, memo)`.
    fn check(&mut self, nodes: Nodes, function: &'static str, value: Expr, annotation: &Annotation) -> Expr {
        let function = self.imported(nodes, FUNCTIONS, function);
        let annotation = self.copy(annotation);
        let path = self.path(nodes);
        nodes.call(function, vec![path, value, annotation, self.memo_name(nodes)], Vec::new())
    }

    /// The qualified name of the function.
    fn path(&mut self, nodes: Nodes) -> Expr {
        let path = Rc::clone(&self.memo().path);
        self.budget.spend(path.len() / 64);
        nodes.text(&path)
    }

    fn memo_name(&mut self, nodes: Nodes) -> Expr {
        self.memo().is_used = true;
        nodes.load(MEMO)
    }

    fn copy(&mut self, annotation: &Annotation) -> Expr {
        let is_whole = self.budget.spend(annotation.size);
        if is_whole { annotation.expression.clone() } else { Nodes::at(TextSize::default()).none() }
    }
}
