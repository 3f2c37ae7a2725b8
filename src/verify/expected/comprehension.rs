//! Comprehensions and generator expressions.

use ruff_python_ast::Comprehension;
use ruff_python_ast::Expr;

use crate::verify::event::Display;
use crate::verify::event::NameListId;
use crate::verify::event::Op;
use crate::verify::event::Space;
use crate::verify::scope::Role;

use super::Body;
use super::Operand;
use super::Unit;

/// What a comprehension makes of its items.
#[derive(Clone, Copy, Debug)]
enum Gathers<'a> {
    /// A list of them.
    List(&'a Expr),
    /// A set of them.
    Set(&'a Expr),
    /// A dict: keys (none for one that is unpacked) and values.
    Dict(Option<&'a Expr>, &'a Expr),
    /// It yields them.
    Generator(&'a Expr),
}

/// The loops of a comprehension, and what they fill.
#[derive(Clone, Copy, Debug)]
struct Loops<'a> {
    generators: &'a [Comprehension],
    gathers: Gathers<'a>,
    /// Nothing is filled by a generator.
    container: Option<Operand>,
}

fn parts(expression: &Expr) -> Option<(Gathers<'_>, &[Comprehension])> {
    Some(match expression {
        Expr::ListComp(node) => (Gathers::List(&node.elt), &node.generators),
        Expr::SetComp(node) => (Gathers::Set(&node.elt), &node.generators),
        Expr::DictComp(node) => (Gathers::Dict(node.key.as_deref(), &node.value), &node.generators),
        Expr::Generator(node) => (Gathers::Generator(&node.elt), &node.generators),
        _ => return None,
    })
}

impl<'a> Unit<'_, 'a> {
    pub(super) fn comprehension(&mut self, expression: &'a Expr) -> Operand {
        let Some((gathers, generators)) = parts(expression) else { return self.none() };
        let Some(first) = generators.first() else { return self.none() };
        if self.is_python2() && matches!(gathers, Gathers::List(_)) {
            let list = self.value(Op::Build(Display::List), &[]);
            self.turns(Loops { generators, gathers, container: Some(list) }, 0, None);
            return list;
        }
        let scope = self.scope_of(Role::Comprehension, expression);
        if self.source().scopes.get(scope).is_inlined {
            return self.inlined(scope, gathers, generators, first);
        }
        let function = self.make_function(scope, Body::Comprehension(expression), &[]);
        let iterable = self.outermost(first);
        // From 3.15 on the comprehension makes the iterator itself.
        let iterator = if self.since(3, 15) { iterable } else { self.iterator(first, iterable) };
        let result = self.value(Op::Call(NameListId::EMPTY), &[function, iterator]);
        let is_awaited = !matches!(gathers, Gathers::Generator(_)) && self.source().scopes.get(scope).is_coroutine;
        if is_awaited { self.await_value(result) } else { result }
    }

    /// What is iterated over first. From 3.15 on GET_ITER does not follow it, so that lists stay what they are.
    fn outermost(&mut self, generator: &'a Comprehension) -> Operand {
        if self.since(3, 15) { self.expression(&generator.iter) } else { self.iterated(&generator.iter) }
    }

    fn iterator(&mut self, generator: &Comprehension, iterable: Operand) -> Operand {
        if generator.is_async { self.async_iterator(iterable) } else { self.value(Op::GetIter, &[iterable]) }
    }

    /// 3.12 and later: in place, with the variables of the same names put aside (PEP 709).
    fn inlined(
        &mut self,
        scope: super::ScopeId,
        gathers: Gathers<'a>,
        generators: &'a [Comprehension],
        first: &'a Comprehension,
    ) -> Operand {
        let mut iterator = self.outermost(first);
        if !self.since(3, 15) {
            iterator = self.iterator(first, iterator);
        }
        let outer_scope = self.scope;
        let outer = self.handler;
        self.scope = scope;
        let mut saved = Vec::new();
        for hidden in &self.source().scopes.get(scope).hidden {
            let id = self.name(&hidden.name);
            saved.push((id, self.value(Op::LoadAndClear(id), &[])));
            if hidden.is_cell && self.is_free(&hidden.name) {
                self.act(Op::NewCell(id), &[]);
            }
        }
        let handler = (!saved.is_empty()).then(|| self.new_handler());
        if handler.is_some() {
            self.handler = handler;
        }
        let container = self.container(gathers);
        if self.since(3, 15) {
            iterator = self.iterator(first, iterator);
        }
        self.turns(Loops { generators, gathers, container }, 0, Some(iterator));
        self.handler = outer;
        for &(id, value) in saved.iter().rev() {
            self.act(Op::Store(Space::Fast, id), &[value]);
        }
        if let Some(handler) = handler {
            let end = self.label();
            self.jump(end);
            self.put(handler.label);
            for &(id, value) in saved.iter().rev() {
                self.act(Op::Store(Space::Fast, id), &[value]);
            }
            self.reraise(handler.exception);
            self.put(end);
        }
        self.scope = outer_scope;
        container.unwrap_or_else(|| self.none())
    }

    /// Whether the code object around has a free variable of this name.
    fn is_free(&self, name: &str) -> bool {
        let scopes = self.source().scopes;
        scopes.get(scopes.unit(self.scope)).frees.iter().any(|free| **free == *name)
    }

    fn container(&mut self, gathers: Gathers<'a>) -> Option<Operand> {
        let display = match gathers {
            Gathers::List(_) => Display::List,
            Gathers::Set(_) => Display::Set,
            Gathers::Dict(..) => Display::Map,
            Gathers::Generator(_) => return None,
        };
        Some(self.value(Op::Build(display), &[]))
    }

    pub(super) fn comprehension_body(&mut self, expression: &'a Expr) {
        let Some((gathers, generators)) = parts(expression) else { return };
        self.at(expression);
        let first = self.name(".0");
        // From 3.15 on a generator expression makes its iterator when it is called, before it is a generator.
        let is_early = self.since(3, 15) && matches!(gathers, Gathers::Generator(_));
        let mut early = None;
        if let Some(outermost) = generators.first().filter(|_| is_early) {
            let iterable = self.value(Op::Load(Space::Fast, first), &[]);
            early = Some(self.iterator(outermost, iterable));
        }
        let wrapper = self.begin_generator();
        let container = self.container(gathers);
        let iterator = match (early, generators.first()) {
            (Some(iterator), _) => iterator,
            (None, Some(outermost)) if self.since(3, 15) => {
                let iterable = self.value(Op::Load(Space::Fast, first), &[]);
                self.iterator(outermost, iterable)
            }
            _ => self.value(Op::Load(Space::Fast, first), &[]),
        };
        self.turns(Loops { generators, gathers, container }, 0, Some(iterator));
        let result = container.unwrap_or_else(|| self.none());
        self.act(Op::Return, &[result]);
        self.end_generator(wrapper);
    }

    /// The loops from one on, each inside the one before.
    fn turns(&mut self, loops: Loops<'a>, index: usize, iterator: Option<Operand>) {
        let Some(generator) = loops.generators.get(index) else {
            self.gather(loops.gathers, loops.container);
            return;
        };
        let next = self.label();
        if generator.is_async {
            let iterator = iterator.unwrap_or_else(|| {
                let iterable = self.expression(&generator.iter);
                self.async_iterator(iterable)
            });
            let ended = self.new_handler();
            self.put(next);
            let item = self.async_item(iterator, ended);
            self.assign_async_item(&generator.target, item, ended);
            self.turn(loops, index, generator, next);
            self.jump(next);
            self.put(ended.label);
            self.end_async_for(ended.exception);
            return;
        }
        if index > 0
            && self.since(3, 9)
            && let Some(only) = single_item(&generator.iter)
        {
            // `for y in [f(x)]` is an assignment.
            self.assign_expression(&generator.target, only);
            self.turn(loops, index, generator, next);
            self.put(next);
            return;
        }
        let iterator = iterator.unwrap_or_else(|| {
            let iterable = self.iterated(&generator.iter);
            self.value(Op::GetIter, &[iterable])
        });
        let done = self.label();
        self.put(next);
        let item = self.next_item(iterator, done);
        self.assign(&generator.target, item);
        self.turn(loops, index, generator, next);
        self.jump(next);
        self.put(done);
    }

    /// One turn: the conditions, and what they guard.
    fn turn(&mut self, loops: Loops<'a>, index: usize, generator: &'a Comprehension, next: super::Label) {
        for condition in &generator.ifs {
            self.jump_if(condition, false, next);
        }
        self.turns(loops, index.saturating_add(1), None);
    }

    fn gather(&mut self, gathers: Gathers<'a>, container: Option<Operand>) {
        let target = container.unwrap_or_else(|| self.none());
        match gathers {
            Gathers::Generator(Expr::Starred(star)) => {
                // PEP 798 (3.15): yields what the iterable gives.
                let iterable = self.expression(&star.value);
                let iterator = self.value(Op::GetIter, &[iterable]);
                let (next, done) = (self.label(), self.label());
                self.put(next);
                let item = self.next_item(iterator, done);
                self.yield_value(item);
                self.jump(next);
                self.put(done);
            }
            Gathers::Generator(element) => {
                let value = self.expression(element);
                self.yield_value(value);
            }
            Gathers::List(Expr::Starred(star)) => {
                let value = self.expression(&star.value);
                self.act(Op::ListExtend, &[target, value]);
            }
            Gathers::List(element) => {
                let value = self.expression(element);
                self.act(Op::ListAppend, &[target, value]);
            }
            Gathers::Set(Expr::Starred(star)) => {
                let value = self.expression(&star.value);
                self.act(Op::SetUpdate, &[target, value]);
            }
            Gathers::Set(element) => {
                let value = self.expression(element);
                self.act(Op::SetAdd, &[target, value]);
            }
            Gathers::Dict(None, mapping) => {
                let value = self.expression(mapping);
                self.act(Op::DictUpdate, &[target, value]);
            }
            Gathers::Dict(Some(key), value) => {
                // Up to 3.7 the value came first.
                let (key, value) = if self.since(3, 8) {
                    let key = self.expression(key);
                    (key, self.expression(value))
                } else {
                    let value = self.expression(value);
                    (self.expression(key), value)
                };
                self.act(Op::MapAdd, &[target, key, value]);
            }
        }
    }
}

/// The only item of a display that is iterated over.
fn single_item(iterable: &Expr) -> Option<&Expr> {
    let items = match iterable {
        Expr::List(node) => &node.elts,
        Expr::Tuple(node) => &node.elts,
        _ => return None,
    };
    match &**items {
        [only] if !only.is_starred_expr() => Some(only),
        _ => None,
    }
}
