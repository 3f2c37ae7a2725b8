//! What typeguard keeps of a module, class or function: names that are bound, imported, or not to be checked.

use std::collections::HashMap;
use std::collections::HashSet;
use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_python_ast::Stmt;

use super::Annotation;
use super::State;

/// What a memo is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Module,
    Class,
    Function {
        is_async: bool,
    },
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Memo {
    pub(super) kind: Kind,
    /// Its name.
    pub(super) name: String,
    /// Its qualified name.
    pub(super) path: Rc<str>,
    /// Names that were met so far, which no import may take.
    pub(super) met: HashSet<String>,
    /// What was imported so far, by the name that it has here.
    pub(super) imported: HashMap<String, String>,
    /// Names of types that something else hides, or that are there for type checkers alone.
    pub(super) ignored: HashSet<String>,
    /// The annotations of variables.
    pub(super) variables: HashMap<String, Rc<Annotation>>,
    pub(super) result: Option<Rc<Annotation>>,
    pub(super) yielded: Option<Rc<Annotation>>,
    pub(super) sent: Option<Rc<Annotation>>,
    /// What `@typechecked` was called with.
    pub(super) configuration: Vec<(String, Expr)>,
    pub(super) has_yield: bool,
    /// Whether something refers to it at run time.
    pub(super) is_used: bool,
}

impl Memo {
    /// Sets options, as a `dict` would.
    pub(super) fn configure(&mut self, options: Vec<(String, Expr)>) {
        configure(&mut self.configuration, options);
    }
}

/// Sets options: one that is there keeps its place.
pub(super) fn configure(configuration: &mut Vec<(String, Expr)>, options: Vec<(String, Expr)>) {
    for (name, value) in options {
        match configuration.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => configuration.push((name, value)),
        }
    }
}

/// Where statements are put in: behind texts and futures, but before them where there is nothing else.
pub(super) fn inject_index(body: &[Stmt]) -> usize {
    body.iter().position(|statement| !is_passed_over(statement)).unwrap_or(0)
}

/// Whether a statement is a text, or imports a future.
pub(super) fn is_passed_over(statement: &Stmt) -> bool {
    match statement {
        Stmt::ImportFrom(import) => import.module.as_deref() == Some("__future__"),
        Stmt::Expr(statement) => statement.value.is_string_literal_expr(),
        _ => false,
    }
}

/// Builtins that have a counterpart in `typing`, which stood for them before 3.9.
pub(super) const SUBSTITUTES: &[(&str, &str, &str)] = &[
    ("dict", "builtins.dict", "Dict"),
    ("list", "builtins.list", "List"),
    ("tuple", "builtins.tuple", "Tuple"),
    ("set", "builtins.set", "Set"),
    ("frozenset", "builtins.frozenset", "FrozenSet"),
];

/// Attributes behind a name that any of the names that are looked for has.
const MOST_ATTRIBUTES: usize = 2;

impl State<'_> {
    /// Whether an expression, or what is subscripted or called in it, is one of some dotted names, as far as imports tell in one of the
    /// memos up to this one.
    pub(super) fn matches(&self, memo: usize, expression: &Expr, names: &[&str]) -> bool {
        let mut top = match expression {
            Expr::Subscript(node) => &*node.value,
            Expr::Call(node) => &*node.func,
            _ => expression,
        };
        let mut attributes = Vec::new();
        while let Expr::Attribute(node) = top {
            if attributes.len() == MOST_ATTRIBUTES {
                return false;
            }
            attributes.push(node.attr.as_str());
            top = &node.value;
        }
        let Expr::Name(name) = top else { return false };
        let name = name.id.as_str();
        self.memos.iter().take(memo.saturating_add(1)).any(|memo| {
            let builtin = SUBSTITUTES.iter().find(|(builtin, ..)| *builtin == name).map(|(_, full, _)| *full);
            let translated = memo.imported.get(name).map(String::as_str).or(builtin).unwrap_or(name);
            names.iter().any(|full| {
                let rest = attributes.iter().try_fold(*full, |rest, attribute| {
                    rest.strip_suffix(attribute).and_then(|rest| rest.strip_suffix('.'))
                });
                rest == Some(translated)
            })
        })
    }

    /// Whether the name of an expression, or the one that it is an attribute of, is not to be checked.
    pub(super) fn is_ignored(&self, memo: usize, expression: &Expr) -> bool {
        let expression = expression.as_attribute_expr().map_or(expression, |node| &node.value);
        let Expr::Name(name) = expression else { return false };
        self.is_ignored_name(memo, name.id.as_str())
    }

    pub(super) fn is_ignored_name(&self, memo: usize, name: &str) -> bool {
        self.memos.iter().take(memo.saturating_add(1)).any(|memo| memo.ignored.contains(name))
    }

    /// The name that something imported has.
    pub(super) fn import(&mut self, module: &'static str, name: &'static str) -> String {
        let known = self.loads.iter().find(|(other, _)| *other == module);
        if let Some((_, alias)) = known.and_then(|(_, names)| names.iter().find(|(other, _)| *other == name)) {
            return alias.clone();
        }
        let qualified = format!("{module}.{name}");
        if self.memos.first().and_then(|memo| memo.imported.get(name)) == Some(&qualified) {
            return name.to_owned();
        }
        let alias = self.unused(0, name);
        match self.loads.iter_mut().find(|(other, _)| *other == module) {
            Some((_, names)) => names.push((name, alias.clone())),
            None => self.loads.push((module, vec![(name, alias.clone())])),
        }
        if let Some(memo) = self.memos.first_mut() {
            memo.imported.insert(name.to_owned(), qualified);
        }
        alias
    }

    /// A name that was not met yet, there and around it.
    pub(super) fn unused(&mut self, memo: usize, name: &str) -> String {
        let mut name = name.to_owned();
        let mut around = Some(memo);
        while let Some(place) = around {
            let is_met = self.memos.get(place).is_some_and(|memo| memo.met.contains(&name));
            around = if is_met { Some(memo) } else { place.checked_sub(1) };
            if is_met {
                name.push('_');
            }
            if !self.budget.spend(name.len() / 16) {
                break;
            }
        }
        if let Some(memo) = self.memos.get_mut(memo) {
            memo.met.insert(name.clone());
        }
        name
    }
}
