//! What typeguard makes of a function: a check of its arguments at the start, of its result at the end, and the memo that checks refer to.

use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_python_ast::Parameter;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtFunctionDef;
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

use super::Annotation;
use super::FUNCTIONS;
use super::Form;
use super::MADE;
use super::MEMO;
use super::State;
use super::memo::Kind;
use super::memo::configure;
use super::memo::inject_index;
use super::walk::Rewriter;

const IGNORED: &[&str] = &["typing.no_type_check", "typeguard.typeguard_ignore"];

const GENERATORS: &[&str] = &[
    "typing.Generator",
    "collections.abc.Generator",
    "typing.Iterator",
    "collections.abc.Iterator",
    "typing.Iterable",
    "collections.abc.Iterable",
    "typing.AsyncIterator",
    "collections.abc.AsyncIterator",
    "typing.AsyncIterable",
    "collections.abc.AsyncIterable",
    "typing.AsyncGenerator",
    "collections.abc.AsyncGenerator",
];

impl Form {
    pub(super) fn result_check(self) -> &'static str {
        if self.version < 450 { "check_return_type" } else { "check_return_type_internal" }
    }

    fn argument_check(self) -> &'static str {
        if self.version < 450 { "check_argument_types" } else { "check_argument_types_internal" }
    }
}

/// Arguments that are checked, by their names.
type Arguments = Vec<(String, Rc<Annotation>)>;

impl Rewriter<'_> {
    /// Rewrites a function; whether it is still there.
    pub(super) fn function(&self, node: &mut StmtFunctionDef) -> bool {
        let (arguments, place) = {
            let mut state = self.0.borrow_mut();
            state.meet(node.name.as_str());
            let memo = state.innermost();
            if node.decorator_list.iter().any(|it| state.matches(memo, &it.expression, IGNORED)) {
                return true;
            }
            let place = if state.form.version == 400 { 0 } else { inject_index(&node.body) };
            state.enter(Kind::Function { is_async: node.is_async }, node.name.as_str());
            state.results(node);
            let memo = state.innermost();
            if node.decorator_list.iter().any(|it| state.matches(memo, &it.expression, &["typing.overload"])) {
                state.memos.pop();
                return false;
            }
            if let Some(options) = state.without_typechecked(&mut node.decorator_list).pop() {
                state.memo().configuration = options;
            }
            if node.decorator_list.is_empty() && state.form.series >= (3, 8) {
                let keyword = nodes::keyword_before(state.text, node.name.start());
                node.range = TextRange::new(keyword.min(node.range.end()), node.range.end());
            }
            (state.arguments(node), place)
        };
        self.visit_parameters(&mut node.parameters);
        self.visit_body(&mut node.body);
        node.decorator_list.iter_mut().for_each(|decorator| self.visit_decorator(decorator));
        if let Some(returns) = &mut node.returns {
            self.visit_annotation(returns);
        }
        if let Some(parameters) = &mut node.type_params {
            self.visit_type_params(parameters);
        }
        let mut state = self.0.borrow_mut();
        state.finish(node, &arguments, place);
        state.memos.pop();
        true
    }
}

impl State<'_> {
    /// Notes what the result of a function, and what goes out of and into a generator, is checked by.
    fn results(&mut self, node: &StmtFunctionDef) {
        let Some(returns) = node.returns.as_deref() else { return };
        let own = self.innermost();
        // At first the function's own names were not known yet.
        let memo = if self.form.version < 414 { own.saturating_sub(1) } else { own };
        if !self.matches(own, returns, GENERATORS) || !has_yield(node) {
            let result = self.converted(memo, returns);
            self.memo().result = result;
            return;
        }
        let Expr::Subscript(subscript) = returns else { return };
        let items = match &*subscript.slice {
            Expr::Tuple(items) => items.elts.as_slice(),
            item => std::slice::from_ref(item),
        };
        let mut items = items.iter().map(|item| self.converted(memo, item));
        let (yielded, sent, result) = (items.next(), items.next(), items.next());
        drop(items);
        let memo = self.memo();
        memo.yielded = yielded.flatten();
        memo.sent = sent.flatten();
        memo.result = result.flatten();
    }

    /// Notes what arguments are checked by.
    fn arguments(&mut self, node: &mut StmtFunctionDef) -> Arguments {
        let memo = self.innermost();
        let parameters = &mut node.parameters;
        let names = parameters.iter().map(|parameter| parameter.name().to_string());
        self.memo().ignored.extend(names);
        let (first, ordinary, keyword) = (&parameters.posonlyargs, &parameters.args, &parameters.kwonlyargs);
        let all = if self.form.version < 441 { [ordinary, keyword, first] } else { [first, ordinary, keyword] };
        let mut arguments = Arguments::new();
        for parameter in all.into_iter().flatten().map(|it| &it.parameter) {
            let annotation = parameter.annotation.as_deref().and_then(|it| self.converted(memo, it));
            arguments.extend(annotation.map(|annotation| (parameter.name.to_string(), annotation)));
        }
        if let Some(parameter) = &mut parameters.vararg {
            arguments.extend(
                self.collected(parameter, ("tuple", "Tuple"), |nodes, annotation| vec![annotation, nodes.ellipsis()]),
            );
        }
        if let Some(parameter) = &mut parameters.kwarg {
            arguments.extend(
                self.collected(parameter, ("dict", "Dict"), |nodes, annotation| vec![nodes.load("str"), annotation]),
            );
        }
        self.memo().variables.extend(arguments.iter().cloned());
        arguments
    }

    /// Of `*args` and `**kwargs`, whose own annotations are changed.
    fn collected(
        &mut self,
        parameter: &mut Parameter,
        container: (&str, &'static str),
        items: impl Fn(Nodes, Expr) -> Vec<Expr>,
    ) -> Option<(String, Rc<Annotation>)> {
        let memo = self.innermost();
        let annotation = self.converted_in_place(memo, parameter.annotation.as_deref_mut()?)?;
        let nodes = Nodes::at(parameter.range.start());
        let (builtin, typing) = container;
        let container =
            if self.form.series < (3, 9) { self.imported(nodes, "typing", typing) } else { nodes.load(builtin) };
        let size = annotation.size.saturating_add(MADE);
        let expression = nodes.subscript(container, nodes.tuple(items(nodes, self.copy(&annotation))));
        Some((parameter.name.to_string(), Rc::new(Annotation { expression, size })))
    }

    /// Puts in what is known when all of a function was seen.
    fn finish(&mut self, node: &mut StmtFunctionDef, arguments: &Arguments, place: usize) {
        let nodes = Nodes::at(node.name.range.start());
        let body = &mut node.body;
        if !arguments.is_empty() {
            self.budget.spend(MADE.saturating_mul(arguments.len()));
            let function = self.imported(nodes, FUNCTIONS, self.form.argument_check());
            let pairs = arguments
                .iter()
                .map(|(name, annotation)| (name.clone(), nodes.tuple(vec![nodes.load(name), self.copy(annotation)])))
                .collect();
            let path = self.path(nodes);
            let call = nodes.call(function, vec![path, nodes.dict(pairs), self.memo_name(nodes)], Vec::new());
            body.insert(place.min(body.len()), nodes.expression(call));
        }
        if let Some(annotation) = self.memo().result.clone()
            && !(node.is_async && self.memo().has_yield)
            && !ends_in_return(body)
            // It is another node in 3.7.
            && (!annotation.expression.is_none_literal_expr() || self.form.series < (3, 8))
        {
            self.budget.spend(MADE);
            let check = self.check(nodes, self.form.result_check(), nodes.none(), &annotation);
            body.push(nodes.return_value(check));
        }
        if self.memo().is_used {
            self.make_memo(node, place, nodes);
        }
    }

    /// `memo = TypeCheckMemo(globals(), locals(), self_type=..., config=...)`.
    fn make_memo(&mut self, node: &mut StmtFunctionDef, place: usize, nodes: Nodes) {
        self.budget.spend(MADE);
        let mut keywords = Vec::new();
        let outer = self.memos.len().checked_sub(2).and_then(|outer| self.memos.get(outer));
        let class = outer.filter(|outer| outer.kind == Kind::Class);
        let mut options = class.map_or_else(Vec::new, |class| class.configuration.clone());
        let class = class.map(|class| class.name.clone());
        if class.is_some() {
            keywords.extend(self.self_type(node, nodes).map(|value| nodes.keyword("self_type", value)));
        }
        configure(&mut options, std::mem::take(&mut self.memo().configuration));
        if !options.is_empty() {
            let replace = self.imported(nodes, "dataclasses", "replace");
            let default = self.imported(nodes, "typeguard._config", "global_config");
            self.budget.spend(options.iter().map(|(_, value)| usize::from(value.range().len())).sum());
            let options = options.into_iter().map(|(name, value)| nodes.keyword(&name, value)).collect();
            keywords.push(nodes.keyword("config", nodes.call(replace, vec![default], options)));
        }
        let name = self.unused(self.innermost(), "memo");
        let class_of = self.imported(nodes, "typeguard", "TypeCheckMemo");
        let called = |name| nodes.call(nodes.load(name), Vec::new(), Vec::new());
        let memo = nodes.call(class_of, vec![called("globals"), called("locals")], keywords);
        let place = place.min(node.body.len());
        node.body.insert(place, nodes.assign(std::slice::from_ref(&name), memo));
        if let Some(class) = class
            && self.form.version >= 414
            && node.name.as_str() == "__new__"
            && !node.is_async
        {
            match node.parameters.args.first() {
                Some(first) => {
                    let first = nodes.load(first.parameter.name.as_str());
                    node.body.insert(place, nodes.assign(&[class], first));
                }
                None => self.is_open = true,
            }
        }
        let names = MemoNames(&name);
        names.visit_parameters(&mut node.parameters);
        node.decorator_list.iter_mut().for_each(|decorator| names.visit_decorator(decorator));
        names.visit_body(&mut node.body);
    }

    /// What `Self` is in a method.
    fn self_type(&mut self, node: &StmtFunctionDef, nodes: Nodes) -> Option<Expr> {
        let parameters = &node.parameters;
        let first = parameters.posonlyargs.first().filter(|_| self.form.version >= 441);
        let first = first.or_else(|| parameters.args.first()).map(|first| nodes.load(first.parameter.name.as_str()));
        let mut decorators = node.decorator_list.iter().filter_map(|it| it.expression.as_name_expr());
        match decorators.find(|name| matches!(name.id.as_str(), "staticmethod" | "classmethod")) {
            Some(name) if name.id.as_str() == "staticmethod" => None,
            Some(_) => {
                self.is_open |= first.is_none();
                first
            }
            None if node.name.as_str() == "__new__" => first,
            None => first.map(|first| nodes.attribute(first, "__class__")),
        }
    }
}

/// Gives the memo of a function its name, but in what is inside of other functions and classes.
struct MemoNames<'n>(&'n str);

impl Transformer for MemoNames<'_> {
    fn visit_stmt(&self, statement: &mut Stmt) {
        if !matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            walk_stmt(self, statement);
        }
    }

    fn visit_expr(&self, expression: &mut Expr) {
        match expression {
            Expr::Name(name) if name.id.as_str() == MEMO => name.id = self.0.into(),
            _ => walk_expr(self, expression),
        }
    }
}

/// Whether the last statement is a `return`; what was taken out is no statement.
fn ends_in_return(body: &[Stmt]) -> bool {
    let is_taken_out = |statement: &&Stmt| statement.is_pass_stmt() && statement.range().is_empty();
    body.iter().rev().find(|statement| !is_taken_out(statement)).is_some_and(Stmt::is_return_stmt)
}

/// Whether a function has a `yield` of its own.
fn has_yield(node: &StmtFunctionDef) -> bool {
    struct Search(bool);
    impl<'n> Visitor<'n> for Search {
        fn visit_stmt(&mut self, statement: &'n Stmt) {
            if !self.0 && !matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
                look_at_stmt(self, statement);
            }
        }

        fn visit_expr(&mut self, expression: &'n Expr) {
            self.0 |= matches!(expression, Expr::Yield(_) | Expr::YieldFrom(_));
            if !self.0 {
                look_at_expr(self, expression);
            }
        }
    }
    let mut search = Search(false);
    node.decorator_list.iter().for_each(|decorator| search.visit_decorator(decorator));
    search.visit_parameters(&node.parameters);
    search.visit_body(&node.body);
    search.0
}
