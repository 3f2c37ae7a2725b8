//! Functions, lambdas and classes.

use std::collections::BTreeSet;

use ruff_python_ast::Decorator;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprLambda;
use ruff_python_ast::Parameters;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_expr;
use ruff_python_ast::visitor::walk_stmt;

use crate::verify::constant::Constant;
use crate::verify::event::Attribute;
use crate::verify::event::Display;
use crate::verify::event::NameListId;
use crate::verify::event::Op;
use crate::verify::event::Space;
use crate::verify::scope::Role;

use super::Body;
use super::Handler;
use super::Operand;
use super::Unit;
use super::call::Given;

impl<'a> Unit<'_, 'a> {
    fn decorators(&mut self, decorators: &'a [Decorator]) -> Vec<Operand> {
        decorators.iter().map(|decorator| self.expression(&decorator.expression)).collect()
    }

    fn decorate(&mut self, nodes: &'a [Decorator], decorators: &[Operand], mut value: Operand) -> Operand {
        for (node, &decorator) in nodes.iter().zip(decorators).rev() {
            let before = self.at(&node.expression);
            value = self.value(Op::Call(NameListId::EMPTY), &[decorator, value]);
            self.range = before;
        }
        value
    }

    pub(super) fn function(&mut self, node: &'a StmtFunctionDef) {
        let decorators = self.decorators(&node.decorator_list);
        let defaults = self.defaults(&node.parameters);
        let function = if node.type_params.is_some() {
            self.generic_function(node, &defaults)
        } else {
            self.plain_function(node, &defaults)
        };
        let function = self.decorate(&node.decorator_list, &decorators, function);
        self.store(node.name.as_str(), function);
    }

    /// The function itself, in the scope of its type parameters if it has any.
    pub(super) fn plain_function(&mut self, node: &'a StmtFunctionDef, defaults: &[(Attribute, Operand)]) -> Operand {
        let mut attributes = defaults.to_vec();
        attributes.extend(self.function_annotations(node));
        let scope = self.scope_of(Role::Function, node);
        self.make_function(scope, Body::Function(node), &attributes)
    }

    /// The defaults of parameters, those of keywords last.
    pub(super) fn defaults(&mut self, parameters: &'a Parameters) -> Vec<(Attribute, Operand)> {
        let mut attributes = Vec::new();
        let mut values = Vec::new();
        for parameter in parameters.posonlyargs.iter().chain(&parameters.args) {
            if let Some(default) = &parameter.default {
                values.push(self.expression(default));
            }
        }
        if !values.is_empty() {
            let tuple = self.tuple(&values);
            attributes.push((Attribute::Defaults, tuple));
        }
        let mut pairs = Vec::new();
        for parameter in &parameters.kwonlyargs {
            if let Some(default) = &parameter.default {
                let name = self.mangled_text(parameter.parameter.name.as_str());
                pairs.push(name);
                pairs.push(self.expression(default));
            }
        }
        if !pairs.is_empty() {
            let dict = self.value(Op::Build(Display::Map), &pairs);
            attributes.push((Attribute::KeywordDefaults, dict));
        }
        attributes
    }

    /// A name as it is stored, as a constant.
    pub(super) fn mangled_text(&mut self, name: &str) -> Operand {
        let mangled = self.source().scopes.mangle(self.scope, name, self.prefix);
        self.text(&mangled)
    }

    pub(super) fn function_body(&mut self, node: &'a StmtFunctionDef) {
        self.at(node);
        let wrapper = self.begin_generator();
        self.tuple_parameters(&node.parameters);
        self.statements(&node.body);
        let nothing = self.none();
        self.act(Op::Return, &[nothing]);
        self.end_generator(wrapper);
    }

    /// From 3.12 on a generator or coroutine turns StopIteration into RuntimeError itself (PEP 479).
    pub(super) fn begin_generator(&mut self) -> Option<Handler> {
        let scope = self.source().scopes.get(self.scope);
        if !self.since(3, 12) || !(scope.is_generator || scope.is_coroutine) {
            return None;
        }
        let handler = self.new_handler();
        self.handler = Some(handler);
        Some(handler)
    }

    pub(super) fn end_generator(&mut self, wrapper: Option<Handler>) {
        let Some(handler) = wrapper else { return };
        self.handler = None;
        self.put(handler.label);
        let error = self.value(Op::Intrinsic("INTRINSIC_STOPITERATION_ERROR"), &[Operand::Register(handler.exception)]);
        self.act(Op::Reraise, &[error]);
    }

    pub(super) fn lambda(&mut self, node: &'a ExprLambda) -> Operand {
        let defaults = node.parameters.as_deref().map(|parameters| self.defaults(parameters)).unwrap_or_default();
        let scope = self.scope_of(Role::Lambda, node);
        self.make_function(scope, Body::Lambda(node), &defaults)
    }

    pub(super) fn lambda_body(&mut self, node: &'a ExprLambda) {
        self.at(node);
        let body = self.lambda_value(node.parameters.as_deref(), &node.body);
        let value = self.expression(body);
        // In 2.x a generator returns nothing.
        let is_old_generator = self.is_python2() && self.source().scopes.get(self.scope).is_generator;
        let value = if is_old_generator { self.none() } else { value };
        self.act(Op::Return, &[value]);
    }

    pub(super) fn class(&mut self, node: &'a StmtClassDef) {
        let decorators = self.decorators(&node.decorator_list);
        let class = if self.is_python2() {
            self.old_class(node)
        } else if node.type_params.is_some() {
            self.generic_class(node)
        } else {
            self.plain_class(node)
        };
        let class = self.decorate(&node.decorator_list, &decorators, class);
        self.store(node.name.as_str(), class);
    }

    fn old_class(&mut self, node: &'a StmtClassDef) -> Operand {
        let mut bases = Vec::new();
        for base in class_bases(node) {
            bases.push(self.expression(base));
        }
        let bases = self.tuple(&bases);
        let scope = self.scope_of(Role::Class, node);
        let function = self.make_function(scope, Body::Class(node), &[]);
        let dict = self.value(Op::Call(NameListId::EMPTY), &[function]);
        let name = self.text(node.name.as_str());
        self.value(Op::BuildClass, &[name, bases, dict])
    }

    /// The class itself, in the scope of its type parameters if it has any.
    pub(super) fn plain_class(&mut self, node: &'a StmtClassDef) -> Operand {
        let build = self.value(Op::LoadBuildClass, &[]);
        let scope = self.scope_of(Role::Class, node);
        let function = self.make_function(scope, Body::Class(node), &[]);
        let name = self.text(node.name.as_str());
        let further = node.type_params.is_some().then_some(".generic_base");
        if further.is_some() {
            self.generic_base();
        }
        let keywords = node.arguments.as_ref().map_or(&[][..], |arguments| &arguments.keywords);
        self.call_with(build, Given { first: &[function, name], positional: class_bases(node), further, keywords })
    }

    pub(super) fn class_body(&mut self, node: &'a StmtClassDef) {
        self.at(node);
        let scopes = self.source().scopes;
        let name = self.name("__name__");
        let module = self.value(Op::Load(Space::Name, name), &[]);
        self.store("__module__", module);
        let scope = scopes.get(self.scope);
        if !self.is_python2() {
            let qualname = self.text(&scope.qualname);
            self.store("__qualname__", qualname);
        }
        self.class_prologue(node);
        self.set_up_annotations(&node.body);
        self.named_docstring(&node.body);
        self.statements(&node.body);
        self.deferred_annotations();
        self.at(node);
        if self.is_python2() {
            let dict = self.value(Op::LoadLocals, &[]);
            self.act(Op::Return, &[dict]);
            return;
        }
        if self.since(3, 13) {
            let names = static_attributes(&node.body);
            let items: Vec<Operand> = names.iter().map(|name| self.text(name)).collect();
            let tuple = self.tuple(&items);
            self.store("__static_attributes__", tuple);
        }
        if scope.needs_classdict {
            let cell = self.cell("__classdict__");
            self.store("__classdictcell__", cell);
        }
        let result = if scope.needs_class_closure {
            let cell = self.cell("__class__");
            self.store("__classcell__", cell);
            cell
        } else {
            self.none()
        };
        self.act(Op::Return, &[result]);
    }

    fn cell(&mut self, name: &str) -> Operand {
        let name = self.name(name);
        self.constant(Constant::Cell(name))
    }
}

pub(super) fn class_bases(node: &StmtClassDef) -> &[Expr] {
    node.arguments.as_ref().map_or(&[][..], |arguments| &arguments.args)
}

/// The names of attributes of `self` that are assigned to in code whose nearest class around it is this one, sorted. It has to be around it:
/// the body of a class counts for the class that it is in (`_PyCompile_MaybeAddStaticAttributeToClass`).
fn static_attributes(body: &[Stmt]) -> Vec<String> {
    let mut finder = SelfAttributes { names: BTreeSet::new(), counts: false, is_nested: false };
    finder.visit_body(body);
    finder.names.into_iter().collect()
}

struct SelfAttributes {
    names: BTreeSet<String>,
    /// Whether what is visited counts for the class.
    counts: bool,
    /// Whether it is the body of a class inside: what is in a function or class there counts for that one.
    is_nested: bool,
}

impl SelfAttributes {
    /// Visits the body of a function or class inside.
    fn inside(&mut self, body: &[Stmt], is_nested: bool) {
        if !self.is_nested {
            let counted = std::mem::replace(&mut self.counts, true);
            self.is_nested = is_nested;
            self.visit_body(body);
            self.is_nested = false;
            self.counts = counted;
        }
    }
}

impl<'a> Visitor<'a> for SelfAttributes {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::ClassDef(node) => {
                node.decorator_list.iter().for_each(|decorator| self.visit_expr(&decorator.expression));
                if let Some(arguments) = &node.arguments {
                    self.visit_arguments(arguments);
                }
                self.inside(&node.body, true);
            }
            Stmt::FunctionDef(node) => {
                node.decorator_list.iter().for_each(|decorator| self.visit_expr(&decorator.expression));
                self.visit_parameters(&node.parameters);
                self.inside(&node.body, false);
            }
            // What is assigned to with an operator does not count, nor what is only annotated.
            Stmt::AugAssign(node) => {
                self.visit_object(&node.target);
                self.visit_expr(&node.value);
            }
            Stmt::AnnAssign(node) if node.value.is_none() => self.visit_object(&node.target),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Attribute(node) = expression
            && node.ctx.is_store()
            && self.counts
            && node.value.as_name_expr().is_some_and(|name| name.id.as_str() == "self")
        {
            self.names.insert(node.attr.as_str().to_owned());
        }
        walk_expr(self, expression);
    }
}

impl SelfAttributes {
    /// Visits a target that does not count itself.
    fn visit_object(&mut self, target: &Expr) {
        match target {
            Expr::Attribute(target) => self.visit_expr(&target.value),
            _ => self.visit_expr(target),
        }
    }
}
