//! beartype's `beartype.claw` hooks: a decorator on functions and classes, and a check behind each annotated assignment.
//!
//! Observed on 0.15.0 to 0.23.1. A cache is called `opt-beartype` and the version. What its name does not say is taken from the cache: whether
//! a configuration was given, which the code then looks up, and the name under which the module was imported, which is in the messages. With a
//! configuration it is tried where decorators may have been put.

mod hostile;

use std::collections::BTreeSet;
use std::rc::Rc;

use ruff_python_ast::Decorator;
use ruff_python_ast::Expr;
use ruff_python_ast::Keyword;
use ruff_python_ast::ModModule;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtAnnAssign;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::StmtTypeAlias;
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

use hostile::Tracked;

/// What is in the code where a configuration was given.
const CONFIGURATIONS: &str = "module_name_to_beartype_conf";

/// What checks an assignment.
const RAISER: &str = "__die_if_unbearable_beartype__";

/// How a name is shown in a message: bold and magenta.
const SHOWN: [&str; 2] = ["\u{1b}[1m\u{1b}[35m", "\u{1b}[0m"];

/// The newest version that was looked at.
const NEWEST: u32 = 23;

/// Names of the module that are tried. With a configuration each is tried in up to nine forms.
const MOST_NAMES: usize = 4;
const MOST_NAMES_CONFIGURED: usize = 2;

/// What [`Budget`] a decorator or a check takes, by its nodes.
const MADE: usize = 16;

/// Which decorator of a chain it becomes.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The uppermost, which is called last.
    Last,
    /// The one right above the definition.
    First,
    /// The uppermost, but below those that no decorator can be put over.
    BeforeHostile,
}

/// What the hook of some version makes with some configuration.
#[derive(Clone, Debug)]
struct Form {
    /// The version, `23` of 0.23.1.
    version: u32,
    /// 0.15, and 0.16.0 at least: what is in methods is left alone.
    is_early: bool,
    /// The version of Python.
    series: (u8, u8),
    /// Whether there is a configuration.
    is_configured: bool,
    /// Whether assignments are checked.
    checks_assignments: bool,
    function: Place,
    class: Place,
    /// The name under which the module was imported.
    module: String,
    /// The messages that the cache has.
    messages: Rc<[String]>,
}

/// What the name of a cache says that the hook made.
pub(super) fn forms(asked: &Asked<'_>) -> Option<Forms> {
    let mut numbers = asked.hook.strip_prefix("opt-beartype")?.split('v');
    let version = match (numbers.next(), numbers.next().and_then(|number| number.parse::<u32>().ok())) {
        (Some("0"), Some(version @ 15..)) if asked.series >= (3, 8) => version,
        _ => return Some(Forms::UNKNOWN),
    };
    let has = |name: &str| asked.tree.names().any(|other| other == name.as_bytes());
    let is_configured = has(CONFIGURATIONS);
    let checks: &[bool] = match is_configured {
        true if version < 17 => &[true, false],
        true if !has(RAISER) => &[false],
        _ => &[true],
    };
    let places: &[Place] = match version {
        22.. => &[Place::BeforeHostile, Place::Last, Place::First],
        19.. => &[Place::Last, Place::First],
        _ => &[Place::Last],
    };
    let places = if is_configured { places } else { places.get(..1).unwrap_or_default() };
    let early: &[bool] = match version {
        15 => &[true],
        16 => &[false, true],
        _ => &[false],
    };
    let texts = asked.tree.strings().filter_map(|(_, text)| std::str::from_utf8(text).ok());
    let messages: Rc<[String]> = texts.filter(|text| shown_in(text).is_some()).map(str::to_owned).collect();
    let mut all: Vec<Box<dyn HookForm>> = Vec::new();
    for module in modules(asked, version, is_configured) {
        for (&function, &class) in places.iter().flat_map(|function| places.iter().map(move |class| (function, class)))
        {
            for (&checks_assignments, &is_early) in
                checks.iter().flat_map(|it| early.iter().map(move |early| (it, early)))
            {
                let series = asked.series;
                let (module, messages) = (module.clone(), Rc::clone(&messages));
                let form = Form {
                    version,
                    is_early,
                    series,
                    is_configured,
                    checks_assignments,
                    function,
                    class,
                    module,
                    messages,
                };
                all.push(Box::new(form));
            }
        }
    }
    Some(Forms { all, is_complete: version <= NEWEST })
}

/// The names under which the module may have been imported. They stand in messages, and with a configuration as its key.
fn modules(asked: &Asked<'_>, version: u32, is_configured: bool) -> Vec<String> {
    let none = || vec![String::new()];
    if version < 18 {
        return none();
    }
    let texts = || asked.tree.strings().filter_map(|(_, text)| std::str::from_utf8(text).ok());
    let mut shared: Option<Vec<&str>> = None;
    for name in texts().filter_map(shown_in) {
        let parts = name.split('.');
        match &mut shared {
            None => shared = Some(parts.collect()),
            Some(shared) => {
                let same = shared.iter().zip(parts).take_while(|(ours, theirs)| **ours == *theirs).count();
                shared.truncate(same);
            }
        }
    }
    let is_it = |name: &str| name.rsplit('.').next() == Some(asked.module);
    let names: Vec<String> = match &shared {
        Some(parts) => {
            (1..=parts.len().min(32)).rev().map(|count| parts.get(..count).unwrap_or_default().join(".")).collect()
        }
        None => texts().filter(|name| is_it(name)).map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect(),
    };
    let (fits, others): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| is_it(name));
    // A file or folder can have been renamed.
    let mut names = if fits.is_empty() { others } else { fits };
    names.truncate(if is_configured { MOST_NAMES_CONFIGURED } else { MOST_NAMES });
    if names.is_empty() { none() } else { names }
}

/// The dotted name in a message.
fn shown_in(text: &str) -> Option<&str> {
    let [open, close] = SHOWN;
    let rest = text.strip_prefix("Global variable \"").or_else(|| text.strip_prefix("Callable "))?;
    let (name, _) = rest.strip_prefix(open)?.split_once(close)?;
    Some(name.strip_suffix("()").unwrap_or(name))
}

impl HookForm for Form {
    fn rewrite(&self, source: &ModModule, text: &str) -> Option<Rewritten> {
        let place = source.body.iter().position(|statement| !self.is_passed_over(statement));
        // At first the last statement was taken for one that ends the search.
        let place = place.or_else(|| source.body.len().checked_sub(1).filter(|_| self.version < 17))?;
        let mut rewritten = Rewritten::of(source);
        let mut rewriter = Rewriter {
            form: self,
            text,
            scopes: vec![Scope { is_class: false, name: self.module.clone() }],
            tracked: Tracked::default(),
            budget: Budget(MOST_MADE),
        };
        rewriter.suite(&mut rewritten.module.body, false);
        rewritten.is_cut = !rewriter.budget.spend(0);
        let nodes = Nodes::at(source.body.get(place).map_or(TextSize::default(), Ranged::start));
        for import in self.imports(nodes).into_iter().rev() {
            rewritten.module.body.insert(place, import);
        }
        Some(rewritten)
    }
}

impl Form {
    /// What the imports are put behind: the futures, and constants of any kind, of which only text counted at first.
    fn is_passed_over(&self, statement: &Stmt) -> bool {
        match statement {
            Stmt::ImportFrom(import) => import.module.as_deref() == Some("__future__"),
            Stmt::Expr(statement) if self.version < 17 => statement.value.is_string_literal_expr(),
            Stmt::Expr(statement) => statement.value.is_literal_expr(),
            _ => false,
        }
    }

    fn imports(&self, nodes: Nodes) -> Vec<Stmt> {
        if self.version >= 17 {
            return vec![nodes.import_from("beartype.claw._ast._clawaststar", "*", None)];
        }
        let decorator =
            if self.version < 16 { "beartype._decor._cache.cachedecor" } else { "beartype._decor.decorcache" };
        vec![
            nodes.import_from(decorator, "beartype", Some("__beartype__")),
            nodes.import_from("beartype.door._doorcheck", "die_if_unbearable", Some(RAISER)),
            nodes.import_from("beartype.claw._clawstate", "claw_state", Some("__claw_state_beartype__")),
        ]
    }

    /// `conf=...`, if there is one.
    fn configuration(&self, nodes: Nodes) -> Option<Keyword> {
        let key = if self.version < 18 { nodes.load("__name__") } else { nodes.text(&self.module) };
        let configuration = nodes.subscript(nodes.path(&["__claw_state_beartype__", CONFIGURATIONS]), key);
        self.is_configured.then(|| nodes.keyword("conf", configuration))
    }

    fn decorator(&self, nodes: Nodes) -> Decorator {
        let name = nodes.load("__beartype__");
        nodes.decorator(match self.configuration(nodes) {
            Some(configuration) => nodes.call(name, Vec::new(), vec![configuration]),
            None => name,
        })
    }

    /// Whether a function has an annotation, as far as the hook looked.
    fn is_annotated(&self, node: &StmtFunctionDef) -> bool {
        let parameters = &node.parameters;
        let is_annotated =
            |parameter: Option<&ruff_python_ast::Parameter>| parameter.is_some_and(|it| it.annotation.is_some());
        let ordinary = parameters.args.iter();
        let others = parameters.posonlyargs.iter().chain(&parameters.kwonlyargs).filter(|_| self.version >= 18);
        node.returns.is_some()
            || is_annotated(parameters.vararg.as_deref())
            || self.version >= 18 && is_annotated(parameters.kwarg.as_deref())
            || ordinary.chain(others).any(|it| is_annotated(Some(&it.parameter)))
    }
}

/// A class or function that the hook counts as a scope, or the module.
struct Scope {
    is_class: bool,
    name: String,
}

/// A walk over a module that puts decorators and checks in.
struct Rewriter<'a> {
    form: &'a Form,
    text: &'a str,
    scopes: Vec<Scope>,
    tracked: Tracked,
    budget: Budget,
}

impl Rewriter<'_> {
    /// The statements of a list that is, or is not, the body of a class itself.
    fn suite(&mut self, suite: &mut Suite, is_class_body: bool) {
        for mut statement in std::mem::take(suite) {
            let is_in_class = if self.form.version < 17 {
                is_class_body
            } else {
                self.scopes.last().is_some_and(|scope| scope.is_class)
            };
            let behind = self.statement(&mut statement, is_in_class);
            suite.push(statement);
            suite.extend(behind);
        }
    }

    /// Rewrites a statement, and gives what is to be put behind it.
    fn statement(&mut self, statement: &mut Stmt, is_in_class: bool) -> Vec<Stmt> {
        let tracks = self.form.version >= 22;
        let mut scope = None;
        match statement {
            Stmt::ClassDef(node) => {
                let place = (self.form.class, node.name.start(), node.range.start());
                self.decorate(&mut node.decorator_list, place);
                scope = Some((true, node.name.to_string()));
            }
            Stmt::FunctionDef(node) => {
                if self.form.is_early && is_in_class && !node.is_async {
                    return Vec::new();
                }
                let is_seen = !node.is_async || self.form.version >= 20;
                if is_seen && !is_in_class && self.form.is_annotated(node) {
                    let place = (self.form.function, node.name.start(), node.range.start());
                    self.decorate(&mut node.decorator_list, place);
                }
                // Asynchronous ones are no scopes to it.
                scope = (!node.is_async).then(|| (false, node.name.to_string()));
            }
            Stmt::AnnAssign(node) => {
                if tracks {
                    self.tracked.annotate(node);
                }
                return self.check(node, is_in_class).into_iter().collect();
            }
            Stmt::TypeAlias(node) if self.form.version >= 17 => return self.alias(node),
            Stmt::Import(node) if tracks => self.tracked.import(node),
            Stmt::ImportFrom(node) if tracks => self.tracked.import_from(node),
            Stmt::Assign(node) if tracks => self.tracked.assign(node),
            _ => {}
        }
        let is_class_body = statement.is_class_def_stmt();
        let is_scope = scope.is_some();
        if let Some((is_class, name)) = scope {
            let outer = self.scopes.last().map_or("", |scope| &scope.name);
            self.budget.spend(outer.len() / 64);
            let name = format!("{outer}.{name}");
            self.scopes.push(Scope { is_class, name });
            self.tracked.enter();
        }
        for suite in nodes::suites(statement) {
            self.suite(suite, is_class_body);
        }
        if is_scope {
            self.scopes.pop();
            self.tracked.leave();
        }
        Vec::new()
    }

    fn decorate(&mut self, decorators: &mut ruff_python_ast::DecoratorList, at: (Place, TextSize, TextSize)) {
        let (place, name, start) = at;
        if !self.budget.spend(MADE) {
            return;
        }
        let start = match decorators.first() {
            None => start,
            Some(first) if self.form.version >= 23 => first.expression.start(),
            Some(_) => nodes::keyword_before(self.text, name),
        };
        let index = match place {
            Place::Last => 0,
            Place::First => decorators.len(),
            Place::BeforeHostile => self.tracked.hostile(decorators),
        };
        decorators.insert(index, self.form.decorator(Nodes::at(start)));
    }

    /// The check of an annotated assignment.
    fn check(&mut self, node: &StmtAnnAssign, is_in_class: bool) -> Option<Stmt> {
        let form = self.form;
        if !form.checks_assignments || node.value.is_none() || is_in_class || form.is_early && !node.simple {
            return None;
        }
        let nodes = Nodes::at(node.range.start());
        self.budget.spend(usize::from(node.range.len()));
        let (target, shown) = match &*node.target {
            Expr::Name(name) => (nodes.load(name.id.as_str()), name.id.to_string()),
            Expr::Attribute(attribute) => {
                let name = attribute.attr.as_str();
                let object = dotted(&attribute.value).unwrap_or_else(|| self.unparsed(&attribute.value));
                let shown = match form.version {
                    22.. => format!("{object}.{name}"),
                    // There is no `ast.unparse`.
                    _ if form.series < (3, 9) => name.to_owned(),
                    _ => object,
                };
                (nodes.attribute((*attribute.value).clone(), name), shown)
            }
            _ => return None,
        };
        let mut keywords: Vec<Keyword> = form.configuration(nodes).into_iter().collect();
        if form.version >= 18 {
            let scope = self.scopes.last().map_or("", |scope| &scope.name);
            self.budget.spend(scope.len() / 64);
            let [open, close] = SHOWN;
            let message = match self.scopes.len() {
                1 => format!("Global variable \"{open}{scope}.{shown}{close}\" "),
                _ => format!("Callable {open}{scope}(){close} local variable \"{open}{shown}{close}\" "),
            };
            keywords.push(nodes.keyword("exception_prefix", nodes.text(&message)));
        }
        let arguments = vec![target, (*node.annotation).clone()];
        let is_whole = self.budget.spend(MADE);
        is_whole.then(|| nodes.expression(nodes.call(nodes.load(RAISER), arguments, keywords)))
    }

    /// An expression as a message has it: as it is written, but for blanks, quotes and parentheses.
    fn unparsed(&self, expression: &Expr) -> String {
        let written = self.text.get(expression.range().to_std_range()).unwrap_or_default();
        let bare =
            |text: &str| text.chars().filter(|it| !it.is_whitespace() && !"()'\"\\".contains(*it)).collect::<String>();
        let wanted = bare(written);
        let [open, close] = SHOWN;
        let mut shown = self.form.messages.iter().filter_map(|message| {
            let shown = message.rsplit_once(open)?.1.rsplit_once(close)?.0;
            // A module's begins with its name, an attribute's ends with it.
            let shown =
                shown.strip_prefix(&self.form.module).and_then(|shown| shown.strip_prefix('.')).unwrap_or(shown);
            if self.form.version < 22 { Some(shown) } else { shown.rsplit_once('.').map(|(object, _)| object) }
        });
        shown.find(|shown| bare(shown) == wanted).unwrap_or(written).to_owned()
    }

    /// What is behind `type X = ...`: a loop that makes its forward references global names, and the statement again.
    fn alias(&mut self, node: &StmtTypeAlias) -> Vec<Stmt> {
        if !self.budget.spend(MADE.saturating_add(node.range.len().into())) {
            return Vec::new();
        }
        let nodes = Nodes::at(node.range.start());
        let name = node.name.as_name_expr().map_or("", |name| name.id.as_str());
        let references = nodes.load("__iter_hint_pep695_forwardref_beartype__");
        let references = nodes.call(references, vec![nodes.load(name)], Vec::new());
        let key = if self.form.version >= 23 { "__hint_name_beartype__" } else { "__name_beartype__" };
        let globals = nodes.call(nodes.load("globals"), Vec::new(), Vec::new());
        let target = nodes.subscript_target(globals, nodes.path(&["_", key]));
        let define = nodes.assign_to(target, nodes.load("_"));
        vec![nodes.for_each("_", references, vec![define]), Stmt::TypeAlias(node.clone())]
    }
}

/// A dotted name as it is written.
fn dotted(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => Some(format!("{}.{}", dotted(&attribute.value)?, attribute.attr)),
        _ => None,
    }
}
