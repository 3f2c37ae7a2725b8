//! Decorators that none can be put over, as beartype knows them (0.22 and later): followed from their imports.

use std::collections::HashMap;

use ruff_python_ast::Decorator;
use ruff_python_ast::Expr;
use ruff_python_ast::StmtAnnAssign;
use ruff_python_ast::StmtAssign;
use ruff_python_ast::StmtImport;
use ruff_python_ast::StmtImportFrom;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// A package or module, with what is known in it.
    Module(&'static [(&'static str, Known)]),
    /// A type, with what is known of its instances.
    Type(&'static [(&'static str, Known)]),
    /// An instance of such a type.
    Instance(&'static [(&'static str, Known)]),
    /// A decorator that none can be put over.
    Hostile,
}

/// The packages that have them.
const PACKAGES: &[(&str, Known)] = &[
    ("langchain_core", Known::Module(&[("runnables", Known::Module(&[("chain", Known::Hostile)]))])),
    ("celery", Known::Module(&[("Celery", Known::Type(&[("task", Known::Hostile)]))])),
    ("fastmcp", Known::Module(&[("FastMCP", Known::Type(&[("tool", Known::Hostile)]))])),
];

impl Known {
    fn get(self, name: &str) -> Option<Self> {
        match self {
            Self::Module(inner) | Self::Type(inner) | Self::Instance(inner) => find(inner, name),
            Self::Hostile => None,
        }
    }
}

fn find(all: &[(&str, Known)], name: &str) -> Option<Known> {
    all.iter().find_map(|&(other, known)| (other == name).then_some(known))
}

/// The names that were met, scope by scope.
#[derive(Debug)]
pub(super) struct Tracked(Vec<HashMap<String, Known>>);

impl Default for Tracked {
    fn default() -> Self {
        Self(vec![HashMap::new()])
    }
}

impl Tracked {
    pub(super) fn enter(&mut self) {
        self.0.push(HashMap::new());
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// How many of the uppermost decorators none can be put over.
    pub(super) fn hostile(&self, decorators: &[Decorator]) -> usize {
        let is_hostile = |decorator: &&Decorator| {
            let expression = match &decorator.expression {
                Expr::Call(call) => &call.func,
                other => other,
            };
            matches!(self.meaning(expression), Some(Known::Hostile))
        };
        decorators.iter().take_while(is_hostile).count()
    }

    /// What a name, or an attribute of one, stands for.
    fn meaning(&self, expression: &Expr) -> Option<Known> {
        match expression {
            Expr::Name(name) => self.0.iter().rev().find_map(|scope| scope.get(name.id.as_str())).copied(),
            Expr::Attribute(attribute) => match self.meaning(&attribute.value)? {
                // What is behind it is not looked at.
                Known::Hostile => Some(Known::Hostile),
                known => known.get(attribute.attr.as_str()),
            },
            _ => None,
        }
    }

    fn set(&mut self, name: &str, known: Known) {
        if let Some(scope) = self.0.last_mut() {
            scope.insert(name.to_owned(), known);
        }
    }

    pub(super) fn import(&mut self, node: &StmtImport) {
        for alias in &node.names {
            let package = alias.name.split('.').next().unwrap_or_default();
            // Another package ends the search through the statement.
            let Some(known) = find(PACKAGES, package) else { return };
            self.set(package, known);
        }
    }

    pub(super) fn import_from(&mut self, node: &StmtImportFrom) {
        let Some(module) = node.module.as_deref().filter(|_| node.level == 0) else { return };
        let mut parts = module.split('.');
        let package = parts.next().and_then(|package| find(PACKAGES, package));
        let Some(known) = parts.fold(package, |known, part| known?.get(part)) else { return };
        for alias in &node.names {
            if let Some(known) = known.get(&alias.name) {
                self.set(alias.asname.as_ref().unwrap_or(&alias.name), known);
            }
        }
    }

    pub(super) fn assign(&mut self, node: &StmtAssign) {
        if let Expr::Call(call) = &*node.value {
            node.targets.iter().for_each(|target| self.instantiate(&call.func, target));
        }
    }

    pub(super) fn annotate(&mut self, node: &StmtAnnAssign) {
        self.instantiate(&node.annotation, &node.target);
    }

    /// A name that gets an instance of a type.
    fn instantiate(&mut self, of: &Expr, target: &Expr) {
        if let Expr::Name(name) = target
            && let Some(Known::Type(inner)) = self.meaning(of)
        {
            self.set(name.id.as_str(), Known::Instance(inner));
        }
    }
}
