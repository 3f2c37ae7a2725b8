//! Calls.

use ruff_python_ast::Expr;
use ruff_python_ast::ExprAttribute;
use ruff_python_ast::ExprCall;
use ruff_python_ast::Keyword;
use ruff_text_size::Ranged;
use smallvec::SmallVec;
use smallvec::smallvec;

use crate::verify::constant::Constant;
use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::NameId;
use crate::verify::event::Op;
use crate::verify::event::Space;
use crate::verify::scope::Role;

use super::Action;
use super::Operand;
use super::Unit;
use super::display::Filled;

/// What a call is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'g, 'a> {
    /// What is there already, in front.
    pub(super) first: &'g [Operand],
    /// The positional arguments of the source.
    pub(super) positional: &'a [Expr],
    /// A variable behind them.
    pub(super) further: Option<&'g str>,
    /// The keyword arguments of the source.
    pub(super) keywords: &'a [Keyword],
}

impl<'a> Given<'_, 'a> {
    /// What the source gives.
    fn of(node: &'a ExprCall) -> Self {
        Self { first: &[], positional: &node.arguments.args, further: None, keywords: &node.arguments.keywords }
    }

    /// Whether something in it is unpacked.
    fn is_starred(&self) -> bool {
        self.positional.iter().any(Expr::is_starred_expr) || self.keywords.iter().any(|keyword| keyword.arg.is_none())
    }
}

impl<'a> Unit<'_, 'a> {
    pub(super) fn call(&mut self, node: &'a ExprCall) -> Operand {
        if let Some(value) = self.inlined_call(node) {
            return value;
        }
        let is_method = self.is_method_call(node);
        if let Some(value) = self.old_repr(node) {
            return value;
        }
        let callee = self.expression(&node.func);
        if is_method {
            return self.plain_call(callee, Given::of(node));
        }
        self.call_with(callee, Given::of(node))
    }

    /// `any`, `all` and `tuple` of a generator expression (3.14; 3.15 also `list` and `set`), which run in place while the names mean
    /// the builtins (`maybe_optimize_function_call`).
    fn inlined_call(&mut self, node: &'a ExprCall) -> Option<Operand> {
        let (Expr::Name(name), [argument @ Expr::Generator(generator)], []) =
            (&*node.func, &*node.arguments.args, &*node.arguments.keywords)
        else {
            return None;
        };
        let (builtin, gathers) = match name.id.as_str() {
            "all" => ("all", None),
            "any" => ("any", None),
            "tuple" => ("tuple", Some(Filled::Tuple)),
            "list" if self.since(3, 15) => ("list", Some(Filled::List)),
            "set" if self.since(3, 15) => ("set", Some(Filled::Set)),
            _ => return None,
        };
        if !self.since(3, 14) {
            return None;
        }
        let scopes = self.source().scopes;
        let scope = scopes.child(self.scope, Role::Comprehension, generator.range())?;
        if self.since(3, 15) && scopes.get(scope).is_coroutine {
            return None;
        }
        let result = self.program.register();
        let (here, other, end) = (self.label(), self.label(), self.label());
        let callee = self.expression(&node.func);
        let common = self.value(Op::LoadCommon(builtin), &[]);
        let is_builtin = self.value(Op::Compare(Compare::Is), &[callee, common]);
        self.test(is_builtin, here, other);
        self.put(here);
        let container = gathers.map(|what| self.value(Op::Build(what.display()), &[]));
        let iterator = self.expression(argument);
        let (next, done) = (self.label(), self.label());
        self.put(next);
        let item = self.next_item(iterator, done);
        if let Some((container, what)) = container.zip(gathers) {
            self.act(what.add(), &[container, item]);
            self.jump(next);
            self.put(done);
            let whole = match what {
                Filled::Tuple => self.value(Op::ListToTuple, &[container]),
                Filled::List | Filled::Set => container,
            };
            self.push(Action::Move(result, whole));
        } else {
            let stop = self.label();
            let (at_stop, at_end) = if builtin == "all" {
                self.test(item, next, stop);
                (Constant::False, Constant::True)
            } else {
                self.test(item, stop, next);
                (Constant::True, Constant::False)
            };
            self.put(stop);
            let value = self.constant(at_stop);
            self.push(Action::Move(result, value));
            self.jump(end);
            self.put(done);
            let value = self.constant(at_end);
            self.push(Action::Move(result, value));
        }
        self.jump(end);
        self.put(other);
        let value = self.call_with(callee, Given::of(node));
        self.push(Action::Move(result, value));
        self.put(end);
        Some(Operand::Register(result))
    }

    /// `codegen_call_helper_impl`.
    pub(super) fn call_with(&mut self, callee: Operand, given: Given<'_, 'a>) -> Operand {
        if !given.is_starred() && !self.is_large(given) {
            return self.plain_call(callee, given);
        }
        if self.is_python2() {
            return self.call_var(callee, given);
        }
        if self.since(3, 9) { self.call_ex(callee, given) } else { self.old_call_ex(callee, given) }
    }

    fn plain_call(&mut self, callee: Operand, given: Given<'_, 'a>) -> Operand {
        let mut operands: SmallVec<[Operand; 8]> = smallvec![callee];
        operands.extend_from_slice(given.first);
        for argument in given.positional {
            operands.push(self.expression(argument));
        }
        operands.extend(given.further.map(|name| self.load(name)));
        let mut names = Vec::new();
        for keyword in given.keywords {
            names.push(self.keyword_name(keyword));
            operands.push(self.expression(&keyword.value));
        }
        let names = self.pool.names.intern_list(&names);
        self.value(Op::Call(names), &operands)
    }

    /// Whether a call is made as a method call, for which more arguments fit the stack (`maybe_optimize_method_call`; with keywords
    /// from 3.11 on).
    fn is_method_call(&self, node: &ExprCall) -> bool {
        let Expr::Attribute(function) = &*node.func else { return false };
        let (arguments, keywords) = (&node.arguments.args, &node.arguments.keywords);
        let count = arguments.len().saturating_add(keywords.len()).saturating_add(usize::from(!keywords.is_empty()));
        // What a module imports is no object with methods.
        let is_imported =
            function.value.as_name_expr().is_some_and(|name| self.expected.imported.contains(name.id.as_str()));
        self.since(3, 11)
            && !Given::of(node).is_starred()
            && !is_imported
            && count < super::display::STACK_USE_GUIDELINE
    }

    fn keyword_name(&mut self, keyword: &Keyword) -> NameId {
        let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
        self.name(name)
    }

    /// Calls with too many arguments for the stack are made with a tuple and a dict (3.10 and later).
    fn is_large(&self, given: Given<'_, 'a>) -> bool {
        let count = given.first.len().saturating_add(given.positional.len());
        self.since(3, 10)
            && count.saturating_add(given.keywords.len().saturating_mul(2)) > super::display::STACK_USE_GUIDELINE
    }

    fn call_ex(&mut self, callee: Operand, given: Given<'_, 'a>) -> Operand {
        let Given { first, positional, further, keywords } = given;
        let positional = match positional {
            // `f(*args)` alone hands over what it is given.
            [Expr::Starred(star)] if first.is_empty() => self.expression(&star.value),
            _ => self.filled_behind(first, positional, further, Filled::Tuple),
        };
        let mut operands = vec![callee, positional];
        if !keywords.is_empty() {
            operands.push(self.keyword_dict(keywords));
        }
        self.value(Op::CallEx, &operands)
    }

    /// The dict of keyword arguments: runs of names, and mappings merged into it.
    fn keyword_dict(&mut self, keywords: &'a [Keyword]) -> Operand {
        let mut dict: Option<Operand> = None;
        let mut begin = 0_usize;
        for (index, keyword) in keywords.iter().enumerate() {
            if keyword.arg.is_some() {
                continue;
            }
            dict = self.join_dict(dict, keywords.get(begin..index).unwrap_or_default(), Op::DictMerge, Self::named);
            begin = index.saturating_add(1);
            let whole = *dict.get_or_insert_with(|| self.value(Op::Build(Display::Map), &[]));
            let value = self.expression(&keyword.value);
            self.act(Op::DictMerge, &[whole, value]);
        }
        dict = self.join_dict(dict, keywords.get(begin..).unwrap_or_default(), Op::DictMerge, Self::named);
        dict.unwrap_or_else(|| self.value(Op::Build(Display::Map), &[]))
    }

    /// Named arguments as a dict (`compiler_subkwargs`).
    fn named(&mut self, keywords: &'a [Keyword]) -> Operand {
        let is_big = self.since(3, 10) && keywords.len().saturating_mul(2) > super::display::STACK_USE_GUIDELINE;
        let dict = is_big.then(|| self.value(Op::Build(Display::Map), &[]));
        let mut operands = Vec::new();
        for keyword in keywords {
            let name = self.text(keyword.arg.as_ref().map_or("", |name| name.as_str()));
            let value = self.expression(&keyword.value);
            match dict {
                Some(dict) => self.act(Op::MapAdd, &[dict, name, value]),
                None => operands.extend([name, value]),
            }
        }
        dict.unwrap_or_else(|| self.value(Op::Build(Display::Map), &operands))
    }

    /// 3.5 to 3.8: tuples and dicts joined by instructions of their own.
    fn old_call_ex(&mut self, callee: Operand, given: Given<'_, 'a>) -> Operand {
        let Given { first, positional, keywords, .. } = given;
        let mut parts = Vec::new();
        let mut plain = first.to_vec();
        for argument in positional {
            let Expr::Starred(star) = argument else {
                plain.push(self.expression(argument));
                continue;
            };
            if !plain.is_empty() {
                parts.push(self.tuple(&plain));
                plain.clear();
            }
            parts.push(self.expression(&star.value));
        }
        if !plain.is_empty() || parts.is_empty() {
            parts.push(self.tuple(&plain));
        }
        let positional = match &*parts {
            &[only] => only,
            _ => self.value(Op::Build(Display::TupleUnpackWithCall), &parts),
        };
        let mut operands = vec![callee, positional];
        if !keywords.is_empty() {
            let mut dicts = Vec::new();
            let mut begin = 0_usize;
            for (index, keyword) in keywords.iter().enumerate() {
                if keyword.arg.is_some() {
                    continue;
                }
                if index > begin {
                    dicts.push(self.named(keywords.get(begin..index).unwrap_or_default()));
                }
                begin = index.saturating_add(1);
                dicts.push(self.expression(&keyword.value));
            }
            if begin < keywords.len() {
                dicts.push(self.named(keywords.get(begin..).unwrap_or_default()));
            }
            operands.push(match &*dicts {
                &[only] => only,
                _ => self.value(Op::Build(Display::MapUnpackWithCall), &dicts),
            });
        }
        self.value(Op::CallEx, &operands)
    }

    /// 2.x: the star and the double star come last, whatever stands between.
    fn call_var(&mut self, callee: Operand, given: Given<'_, 'a>) -> Operand {
        let Given { first, positional, keywords, .. } = given;
        let mut operands = vec![callee];
        operands.extend_from_slice(first);
        let mut star = None;
        for argument in positional {
            match argument {
                Expr::Starred(node) => star = Some(&*node.value),
                _ => operands.push(self.expression(argument)),
            }
        }
        let mut names = Vec::new();
        let mut double_star = None;
        for keyword in keywords {
            if keyword.arg.is_none() {
                double_star = Some(&keyword.value);
                continue;
            }
            names.push(self.keyword_name(keyword));
            operands.push(self.expression(&keyword.value));
        }
        for part in [star, double_star].into_iter().flatten() {
            operands.push(self.expression(part));
        }
        let names = self.pool.names.intern_list(&names);
        self.value(Op::CallVar(names, star.is_some(), double_star.is_some()), &operands)
    }

    /// `super().name` and `super(C, x).name` (`can_optimize_super_call`, 3.12 and later).
    pub(super) fn super_attribute(&mut self, node: &'a ExprAttribute) -> Option<Operand> {
        if !self.since(3, 12) {
            return None;
        }
        let Expr::Call(call) = &*node.value else { return None };
        let Expr::Name(name) = &*call.func else { return None };
        if node.attr.as_str() == "__class__" || name.id.as_str() != "super" || !call.arguments.keywords.is_empty() {
            return None;
        }
        let scopes = self.source().scopes;
        if scopes.load_space(self.scope, scopes.number("super")) != Space::Global
            || scopes.mentions(scopes.module(), "super")
        {
            return None;
        }
        let function = scopes.get(scopes.unit(self.scope));
        match &*call.arguments.args {
            [] => {
                let first = function.parameters.positional_only.iter().chain(&function.parameters.ordinary).next()?;
                if !function.frees.iter().any(|name| &**name == "__class__") {
                    return None;
                }
                let callable = self.load("super");
                let class = self.load_mangled("__class__");
                let object = self.load_mangled(first);
                let name = self.mangled(node.attr.as_str());
                Some(self.value(Op::LoadSuperAttr(name, false), &[callable, class, object]))
            }
            [class, object]
                if !class.is_starred_expr()
                    && !object.is_starred_expr()
                    && scopes.get(self.scope).role != Role::Module =>
            {
                let callable = self.load("super");
                let class = self.expression(class);
                let object = self.expression(object);
                let name = self.mangled(node.attr.as_str());
                Some(self.value(Op::LoadSuperAttr(name, true), &[callable, class, object]))
            }
            _ => None,
        }
    }

    /// Loads a name that is mangled already.
    fn load_mangled(&mut self, name: &str) -> Operand {
        let scopes = self.source().scopes;
        let space = scopes.load_space(self.scope, scopes.number(name));
        let id = self.name(name);
        self.value(Op::Load(space, id), &[])
    }
}
