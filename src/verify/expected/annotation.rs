//! Annotations, and what is compiled like them: type parameters and aliases.

use ruff_python_ast::Expr;
use ruff_python_ast::Parameter;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtAnnAssign;
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::StmtTypeAlias;
use ruff_python_ast::TypeParam;
use ruff_python_ast::TypeParams;
use ruff_text_size::Ranged;

use crate::verify::event::Attribute;
use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::NameId;
use crate::verify::event::NameListId;
use crate::verify::event::Op;
use crate::verify::event::Space;
use crate::verify::scope::Role;

use super::Operand;
use super::Unit;

/// What an annotation scope holds.
#[derive(Clone, Copy, Debug)]
pub(in crate::verify) enum Body<'a> {
    /// `__annotate__` of a function (3.14).
    Function(&'a StmtFunctionDef),
    /// `__annotate__` of the class or module around (3.14).
    Deferred,
    /// The type parameters of a function, which make it.
    GenericFunction(&'a StmtFunctionDef),
    /// The type parameters of a class, which make it.
    GenericClass(&'a StmtClassDef),
    /// The type parameters of an alias, which make it.
    GenericAlias(&'a StmtTypeAlias),
    /// A bound, a default, the value of an alias.
    Value(&'a Expr),
}

/// An annotation that `__annotate__` evaluates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deferred<'a> {
    statement: &'a StmtAnnAssign,
    /// By which number `__conditional_annotations__` tells that the statement was come past, where it does.
    number: Option<i64>,
}

impl<'a> Unit<'_, 'a> {
    /// The dict of annotations of a module or class, when a name in it is annotated.
    pub(super) fn set_up_annotations(&mut self, statements: &'a [Stmt]) {
        let is_deferred = self.since(3, 14) && !self.source().scopes.futures().annotations;
        if self.since(3, 6) && !is_deferred && has_annotations(statements, self.since(3, 11)) {
            self.act(Op::SetupAnnotations, &[]);
        }
    }

    /// The set of the annotations that were come past (3.14).
    pub(super) fn set_up_conditional_annotations(&mut self) {
        if !self.source().scopes.get(self.scope).has_conditional_annotations {
            return;
        }
        let set = self.value(Op::Build(Display::Set), &[]);
        let (space, name) = self.conditional_annotations();
        self.act(Op::Store(space, name), &[set]);
    }

    fn conditional_annotations(&mut self) -> (Space, NameId) {
        let is_class = self.source().scopes.get(self.scope).role == Role::Class;
        let name = self.name("__conditional_annotations__");
        (if is_class { Space::Deref } else { Space::Name }, name)
    }

    /// The function of the annotations of a module or class (3.14). What it holds is known only when the body was walked.
    pub(super) fn deferred_annotations(&mut self) {
        if !self.since(3, 14) || self.source().scopes.futures().annotations {
            return;
        }
        let scopes = self.source().scopes;
        let block = scopes.get(self.scope);
        let found = scopes.annotations(self.scope).filter(|&annotations| scopes.get(annotations).has_code);
        let Some(scope) = found else { return };
        let function = self.make_function(scope, super::Body::Annotation(Body::Deferred), &[]);
        self.store(if block.role == Role::Class { "__annotate_func__" } else { "__annotate__" }, function);
    }

    /// An annotated name in the body of a module or class.
    pub(super) fn annotate_name(&mut self, name: &str, statement: &'a StmtAnnAssign) {
        let annotation = &*statement.annotation;
        let future = self.source().scopes.futures().annotations;
        if self.since(3, 14) && !future {
            self.defer_annotation(statement);
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

    /// Puts an annotation off to `__annotate__` (`_PyCompile_AddDeferredAnnotation`).
    fn defer_annotation(&mut self, statement: &'a StmtAnnAssign) {
        let is_module = self.source().scopes.get(self.scope).role == Role::Module;
        let deferred = self.expected.deferred.entry(self.scope).or_default();
        let numbered = deferred.iter().filter(|other| other.number.is_some()).count();
        let number = (is_module || self.is_conditional).then(|| i64::try_from(numbered).unwrap_or(i64::MAX));
        deferred.push(Deferred { statement, number });
        if let Some(number) = number {
            let (space, name) = self.conditional_annotations();
            let set = self.value(Op::Load(space, name), &[]);
            let number = self.integer(number);
            self.act(Op::SetAdd, &[set, number]);
        }
    }

    /// The annotations of a function: a dict up to 3.9, then a tuple, then a function.
    pub(super) fn function_annotations(&mut self, node: &'a StmtFunctionDef) -> Option<(Attribute, Operand)> {
        // In 2.x the parser was given targets in the place of annotations.
        if self.is_python2() {
            return None;
        }
        let annotated = annotated_parameters(node, self.since(3, 15));
        if annotated.is_empty() {
            return None;
        }
        if self.since(3, 14) {
            let scope = self.scope_of(Role::Annotations, node);
            let function = self.make_function(scope, super::Body::Annotation(Body::Function(node)), &[]);
            return Some((Attribute::Annotate, function));
        }
        let operands = self.names_and_annotations(annotated);
        let value =
            if self.since(3, 10) { self.tuple(&operands) } else { self.value(Op::Build(Display::Map), &operands) };
        Some((Attribute::Annotations, value))
    }

    fn names_and_annotations(&mut self, annotated: Vec<(&'a str, &'a Expr)>) -> Vec<Operand> {
        let future = self.source().scopes.futures().annotations;
        let mut operands = Vec::new();
        for (name, annotation) in annotated {
            operands.push(self.mangled_text(name));
            let before = self.at(annotation);
            operands.push(if future { self.annotation_text(annotation) } else { self.starred_or_plain(annotation) });
            self.range = before;
        }
        operands
    }

    /// What `*args: *Ts` (3.11 and later) and the default of a `*Ts` may be.
    fn starred_or_plain(&mut self, expression: &'a Expr) -> Operand {
        let Expr::Starred(star) = expression else { return self.expression(expression) };
        let value = self.expression(&star.value);
        let items = self.values(Op::Unpack(1), &[value]);
        items.first().copied().unwrap_or(value)
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
            let parameters = self.load(".type_params");
            self.store("__type_params__", parameters);
        }
        if scope.needs_classdict {
            let dict = self.value(Op::LoadLocals, &[]);
            let name = self.name("__classdict__");
            self.act(Op::Store(Space::Deref, name), &[dict]);
        }
        self.set_up_conditional_annotations();
    }

    /// A function with type parameters: made by the function of those, which is given the defaults (PEP 695).
    pub(super) fn generic_function(&mut self, node: &'a StmtFunctionDef, defaults: &[(Attribute, Operand)]) -> Operand {
        let scope = self.scope_of(Role::TypeParameters, node);
        let maker = self.make_function(scope, super::Body::Annotation(Body::GenericFunction(node)), &[]);
        let mut operands = vec![maker];
        operands.extend(defaults.iter().map(|&(_, value)| value));
        self.value(Op::Call(NameListId::EMPTY), &operands)
    }

    fn generic_function_body(&mut self, node: &'a StmtFunctionDef) {
        let parameters = self.type_parameters(node.type_params.as_deref());
        let written = &node.parameters;
        let ordinary = written.posonlyargs.iter().chain(&written.args).any(|parameter| parameter.default.is_some());
        let keyword = written.kwonlyargs.iter().any(|parameter| parameter.default.is_some());
        let given = [(ordinary, Attribute::Defaults), (keyword, Attribute::KeywordDefaults)];
        let names = &self.source().scopes.get(self.scope).parameters.ordinary;
        let mut defaults = Vec::new();
        for ((_, attribute), name) in given.into_iter().filter(|(is_given, _)| *is_given).zip(names) {
            let name = self.name(name);
            defaults.push((attribute, self.value(Op::Load(Space::Fast, name), &[])));
        }
        let function = self.plain_function(node, &defaults);
        let function = self.value(Op::Intrinsic("INTRINSIC_SET_FUNCTION_TYPE_PARAMS"), &[function, parameters]);
        self.act(Op::Return, &[function]);
    }

    pub(super) fn generic_class(&mut self, node: &'a StmtClassDef) -> Operand {
        let scope = self.scope_of(Role::TypeParameters, node);
        if self.source().series == (3, 12) {
            self.expected.depends_on_release = true;
            self.prefix = Some(node.name.as_str());
        }
        let maker = self.make_function(scope, super::Body::Annotation(Body::GenericClass(node)), &[]);
        self.value(Op::Call(NameListId::EMPTY), &[maker])
    }

    fn generic_class_body(&mut self, node: &'a StmtClassDef) {
        let parameters = self.type_parameters(node.type_params.as_deref());
        self.store(".type_params", parameters);
        let class = self.plain_class(node);
        self.act(Op::Return, &[class]);
    }

    /// The base that a generic class has besides those of the source.
    pub(super) fn generic_base(&mut self) {
        let parameters = self.load(".type_params");
        let base = self.value(Op::Intrinsic("INTRINSIC_SUBSCRIPT_GENERIC"), &[parameters]);
        self.store(".generic_base", base);
    }

    pub(super) fn type_alias(&mut self, node: &'a StmtTypeAlias) {
        let alias = if node.type_params.is_some() {
            let scope = self.scope_of(Role::TypeParameters, node);
            let maker = self.make_function(scope, super::Body::Annotation(Body::GenericAlias(node)), &[]);
            self.value(Op::Call(NameListId::EMPTY), &[maker])
        } else {
            self.plain_alias(node)
        };
        if let Expr::Name(name) = &*node.name {
            self.store(name.id.as_str(), alias);
        }
    }

    /// The alias itself, in the scope of its type parameters if it has any.
    fn plain_alias(&mut self, node: &'a StmtTypeAlias) -> Operand {
        let Expr::Name(name) = &*node.name else { return self.none() };
        let name = self.text(name.id.as_str());
        let parameters = match node.type_params.as_deref() {
            Some(parameters) => self.type_parameters(Some(parameters)),
            None => self.none(),
        };
        let value = self.evaluated_later(Role::Alias, node, &node.value);
        let parts = self.tuple(&[name, parameters, value]);
        self.value(Op::Intrinsic("INTRINSIC_TYPEALIAS"), &[parts])
    }

    /// Makes type parameters, binds them, and makes the tuple of them.
    fn type_parameters(&mut self, parameters: Option<&'a TypeParams>) -> Operand {
        let mut made = Vec::new();
        for parameter in parameters.iter().flat_map(|parameters| &parameters.type_params) {
            let before = self.at(parameter);
            let (name, default) = match parameter {
                TypeParam::TypeVar(it) => (&it.name, &it.default),
                TypeParam::TypeVarTuple(it) => (&it.name, &it.default),
                TypeParam::ParamSpec(it) => (&it.name, &it.default),
            };
            let text = self.text(name.as_str());
            let mut value = match parameter {
                TypeParam::TypeVar(it) => match it.bound.as_deref() {
                    Some(bound) => {
                        let function = self.evaluated_later(Role::TypeBound, parameter, bound);
                        let intrinsic = if bound.is_tuple_expr() {
                            "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS"
                        } else {
                            "INTRINSIC_TYPEVAR_WITH_BOUND"
                        };
                        self.value(Op::Intrinsic(intrinsic), &[text, function])
                    }
                    None => self.value(Op::Intrinsic("INTRINSIC_TYPEVAR"), &[text]),
                },
                TypeParam::TypeVarTuple(_) => self.value(Op::Intrinsic("INTRINSIC_TYPEVARTUPLE"), &[text]),
                TypeParam::ParamSpec(_) => self.value(Op::Intrinsic("INTRINSIC_PARAMSPEC"), &[text]),
            };
            if let Some(default) = default.as_deref() {
                let function = self.evaluated_later(Role::TypeDefault, parameter, default);
                value = self.value(Op::Intrinsic("INTRINSIC_SET_TYPEPARAM_DEFAULT"), &[value, function]);
            }
            self.store(name.as_str(), value);
            made.push(value);
            self.range = before;
        }
        self.tuple(&made)
    }

    /// A function that gives the value of an expression.
    fn evaluated_later(&mut self, role: Role, node: &impl Ranged, value: &'a Expr) -> Operand {
        let scope = self.scope_of(role, node);
        let mut attributes = Vec::new();
        if self.since(3, 14) {
            // The format is 1, VALUE, unless told.
            let format = self.integer(1);
            attributes.push((Attribute::Defaults, self.tuple(&[format])));
        }
        self.make_function(scope, super::Body::Annotation(Body::Value(value)), &attributes)
    }

    pub(super) fn annotation_body(&mut self, body: Body<'a>) {
        match body {
            Body::Function(node) => {
                self.at(node);
                self.check_format();
                let operands = self.names_and_annotations(annotated_parameters(node, self.since(3, 15)));
                let dict = self.value(Op::Build(Display::Map), &operands);
                self.act(Op::Return, &[dict]);
            }
            Body::Deferred => self.deferred_body(),
            Body::GenericFunction(node) => {
                self.at(node);
                self.generic_function_body(node);
            }
            Body::GenericClass(node) => {
                self.at(node);
                self.generic_class_body(node);
            }
            Body::GenericAlias(node) => {
                self.at(node);
                let alias = self.plain_alias(node);
                self.act(Op::Return, &[alias]);
            }
            Body::Value(value) => {
                self.at(value);
                if self.since(3, 14) {
                    self.check_format();
                }
                let value = self.starred_or_plain(value);
                self.act(Op::Return, &[value]);
            }
        }
    }

    /// Only VALUE and VALUE_WITH_FAKE_GLOBALS are understood (`codegen_setup_annotations_scope`).
    fn check_format(&mut self) {
        let Some(name) = self.source().scopes.get(self.scope).parameters.positional_only.first() else { return };
        let name = self.name(name);
        let format = self.value(Op::Load(Space::Fast, name), &[]);
        let most = self.integer(2);
        let is_other = self.value(Op::Compare(Compare::Greater), &[format, most]);
        let (refuse, go_on) = (self.label(), self.label());
        self.test(is_other, refuse, go_on);
        self.put(refuse);
        let error = self.value(Op::LoadCommon("NotImplementedError"), &[]);
        self.act(Op::Raise, &[error]);
        self.put(go_on);
    }

    fn deferred_body(&mut self) {
        let scopes = self.source().scopes;
        let Some(around) = scopes.get(self.scope).parent else { return };
        let is_class = scopes.get(around).role == Role::Class;
        let deferred = self.expected.deferred.get(&around).cloned().unwrap_or_default();
        self.check_format();
        let dict = self.value(Op::Build(Display::Map), &[]);
        for Deferred { statement, number } in deferred {
            self.at(statement);
            let next = self.label();
            if let Some(number) = number {
                let number = self.integer(number);
                let name = self.name("__conditional_annotations__");
                let space = if is_class { Space::Deref } else { Space::Global };
                let set = self.value(Op::Load(space, name), &[]);
                let was_passed = self.value(Op::Compare(Compare::In), &[number, set]);
                let here = self.label();
                self.test(was_passed, here, next);
                self.put(here);
            }
            let value = self.expression(&statement.annotation);
            if let Expr::Name(name) = &*statement.target {
                let key = self.mangled_text(name.id.as_str());
                self.act(Op::StoreSubscript, &[dict, key, value]);
            }
            self.put(next);
        }
        self.act(Op::Return, &[dict]);
    }
}

/// The annotated parameters of a function in the order of `codegen_annotations_in_scope`: up to 3.14 the positional-only ones come
/// second.
fn annotated_parameters(node: &StmtFunctionDef, positional_only_first: bool) -> Vec<(&str, &Expr)> {
    let parameters = &node.parameters;
    let (first, second) = if positional_only_first {
        (&parameters.posonlyargs, &parameters.args)
    } else {
        (&parameters.args, &parameters.posonlyargs)
    };
    let ordinary = first.iter().chain(second).map(|parameter| &parameter.parameter);
    let keyword = parameters.kwonlyargs.iter().map(|parameter| &parameter.parameter);
    let all = ordinary.chain(parameters.vararg.as_deref()).chain(keyword).chain(parameters.kwarg.as_deref());
    let annotated =
        all.filter_map(|parameter: &Parameter| Some((parameter.name.as_str(), parameter.annotation.as_deref()?)));
    annotated.chain(node.returns.as_deref().map(|returns| ("return", returns))).collect()
}

/// Whether a body annotates a name, in whatever block (`find_ann`, which does not look into `match` in 3.10).
fn has_annotations(statements: &[Stmt], looks_into_match: bool) -> bool {
    let has_annotations = |statements: &[Stmt]| has_annotations(statements, looks_into_match);
    statements.iter().any(|statement| match statement {
        Stmt::AnnAssign(_) => true,
        Stmt::For(node) => has_annotations(&node.body) || has_annotations(&node.orelse),
        Stmt::While(node) => has_annotations(&node.body) || has_annotations(&node.orelse),
        Stmt::If(node) => {
            has_annotations(&node.body) || node.elif_else_clauses.iter().any(|clause| has_annotations(&clause.body))
        }
        Stmt::With(node) => has_annotations(&node.body),
        Stmt::Match(node) => looks_into_match && node.cases.iter().any(|case| has_annotations(&case.body)),
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
