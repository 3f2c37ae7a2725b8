//! Statements.

use ruff_python_ast::Alias;
use ruff_python_ast::Expr;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtAnnAssign;
use ruff_python_ast::StmtAugAssign;
use ruff_python_ast::StmtFor;
use ruff_python_ast::StmtIf;
use ruff_python_ast::StmtImportFrom;
use ruff_python_ast::StmtWhile;
use ruff_text_size::Ranged;

use crate::verify::constant::Constant;
use crate::verify::event::NameListId;
use crate::verify::event::Op;
use crate::verify::event::Space;
use crate::verify::scope::Role;

use super::Action;
use super::Block;
use super::Operand;
use super::Register;
use super::Unit;

impl<'a> Unit<'_, 'a> {
    pub(super) fn module(&mut self, statements: &'a [Stmt]) {
        // Made last by the compiler, and put in front (`ANNOTATIONS_PLACEHOLDER`).
        self.deferred_annotations();
        self.set_up_conditional_annotations();
        self.set_up_annotations(statements);
        self.named_docstring(statements);
        self.statements(statements);
        let none = self.none();
        self.act(Op::Return, &[none]);
    }

    /// `__doc__` of a module or class.
    pub(super) fn named_docstring(&mut self, statements: &'a [Stmt]) {
        let Some(docstring) = self.docstring(statements) else { return };
        if let Some(first) = statements.first() {
            self.at(first);
        }
        self.store("__doc__", docstring);
    }

    /// The docstring that the optimisation level leaves.
    pub(super) fn docstring(&mut self, statements: &'a [Stmt]) -> Option<Operand> {
        let Some(Stmt::Expr(statement)) = statements.first() else { return None };
        if self.source().optimisation >= 2 {
            return None;
        }
        let Expr::StringLiteral(literal) = &*statement.value else { return None };
        self.docstring_constant(literal)
    }

    pub(super) fn statements(&mut self, statements: &'a [Stmt]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        let before = self.at(statement);
        let was_conditional = self.is_conditional;
        self.is_conditional |= matches!(
            statement,
            Stmt::If(_) | Stmt::While(_) | Stmt::For(_) | Stmt::Try(_) | Stmt::With(_) | Stmt::Match(_)
        );
        match statement {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Return(node) => self.return_statement(node.value.as_deref()),
            Stmt::Delete(node) => node.targets.iter().for_each(|target| self.delete_target(target)),
            Stmt::TypeAlias(alias) => self.type_alias(alias),
            Stmt::Assign(node) => {
                if let [target] = &*node.targets {
                    self.assign_expression(target, &node.value);
                } else {
                    let value = self.expression(&node.value);
                    node.targets.iter().for_each(|target| self.assign(target, value));
                }
            }
            Stmt::AugAssign(node) => self.augmented(node),
            Stmt::AnnAssign(node) => self.annotated(node),
            Stmt::For(node) if node.is_async => self.async_for(node),
            Stmt::For(node) => self.for_loop(node),
            Stmt::While(node) => self.while_loop(node),
            Stmt::If(node) => self.if_statement(node),
            Stmt::With(node) => self.with(node, 0),
            Stmt::Match(node) => self.match_statement(node),
            Stmt::Raise(node) => {
                let mut operands = Vec::new();
                for part in [&node.exc, &node.cause].into_iter().flatten() {
                    operands.push(self.expression(part));
                }
                self.act(Op::Raise, &operands);
            }
            Stmt::Try(node) => self.try_statement(node),
            Stmt::Assert(node) => self.assert(&node.test, node.msg.as_deref()),
            Stmt::Import(node) => node.names.iter().for_each(|alias| self.import(alias, node.is_lazy)),
            Stmt::ImportFrom(node) => self.import_from(node),
            Stmt::Expr(node) => self.expression_statement(&node.value),
            Stmt::Break(_) => self.leave_loop(true),
            Stmt::Continue(_) => self.leave_loop(false),
            Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::Pass(_) => {}
            Stmt::IpyEscapeCommand(_) => self.fail("an IPython command"),
        }
        self.is_conditional = was_conditional;
        self.range = before;
    }

    fn expression_statement(&mut self, value: &'a Expr) {
        // Literals are not compiled, but for those that are evaluated and dropped without an event.
        match value {
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::NumberLiteral(_) | Expr::EllipsisLiteral(_) => {}
            _ if self.old_statement(value) => {}
            _ => {
                self.expression(value);
            }
        }
    }

    fn return_statement(&mut self, value: Option<&'a Expr>) {
        let value = self.optional(value);
        let blocks = std::mem::take(&mut self.blocks);
        let handler = self.handler;
        for (depth, block) in blocks.iter().enumerate().rev() {
            self.blocks = blocks.get(..depth).unwrap_or_default().to_vec();
            self.leave(*block);
        }
        self.act(Op::Return, &[value]);
        self.blocks = blocks;
        self.handler = handler;
    }

    fn leave_loop(&mut self, is_break: bool) {
        let blocks = std::mem::take(&mut self.blocks);
        let handler = self.handler;
        let mut target = None;
        for (depth, block) in blocks.iter().enumerate().rev() {
            if let Block::Loop(head, end) = *block {
                target = Some(if is_break { end } else { head });
                break;
            }
            self.blocks = blocks.get(..depth).unwrap_or_default().to_vec();
            self.leave(*block);
        }
        match target {
            Some(label) => self.jump(label),
            None => self.fail("break or continue outside of a loop"),
        }
        self.blocks = blocks;
        self.handler = handler;
    }

    fn for_loop(&mut self, node: &'a StmtFor) {
        let iterable = self.iterated(&node.iter);
        let iterator = self.value(Op::GetIter, &[iterable]);
        let (head, end, done) = (self.label(), self.label(), self.label());
        self.blocks.push(Block::Loop(head, end));
        self.put(head);
        let item = self.next_item(iterator, done);
        self.assign(&node.target, item);
        self.statements(&node.body);
        self.jump(head);
        self.blocks.pop();
        self.put(done);
        self.statements(&node.orelse);
        self.put(end);
    }

    /// The next item, or on to `done`.
    pub(super) fn next_item(&mut self, iterator: Operand, done: super::Label) -> Operand {
        let item = self.program.register();
        self.push(Action::Iterate(iterator, item, done));
        Operand::Register(item)
    }

    fn async_for(&mut self, node: &'a StmtFor) {
        let iterable = self.expression(&node.iter);
        let iterator = self.async_iterator(iterable);
        let (head, end) = (self.label(), self.label());
        let ended = self.new_handler();
        self.put(head);
        self.blocks.push(Block::Loop(head, end));
        let item = self.async_item(iterator, ended);
        self.assign_async_item(&node.target, item, ended);
        self.statements(&node.body);
        self.jump(head);
        self.blocks.pop();
        self.put(ended.label);
        self.end_async_for(ended.exception);
        self.statements(&node.orelse);
        self.put(end);
    }

    /// `GET_AITER`; up to 3.6 what it gives is awaited.
    pub(super) fn async_iterator(&mut self, iterable: Operand) -> Operand {
        let iterator = self.value(Op::GetAIter, &[iterable]);
        if self.since(3, 7) { iterator } else { self.value(Op::YieldFrom, &[iterator]) }
    }

    /// The next item of an asynchronous iterator, awaited under a handler.
    pub(super) fn async_item(&mut self, iterator: Operand, ended: super::Handler) -> Operand {
        let outer = self.handler.replace(ended);
        let awaitable = self.value(Op::GetANext, &[iterator]);
        let item = self.value(Op::YieldFrom, &[awaitable]);
        self.handler = outer;
        item
    }

    /// Binds an item of an asynchronous iterator: up to 3.7 inside the `try` of the loop.
    pub(super) fn assign_async_item(&mut self, target: &'a Expr, item: Operand, ended: super::Handler) {
        let outer = self.handler;
        if !self.since(3, 8) {
            self.handler = Some(ended);
        }
        self.assign(target, item);
        self.handler = outer;
    }

    /// Goes on when the iterator is exhausted, raises the exception again otherwise.
    pub(super) fn end_async_for(&mut self, exception: Register) {
        if self.since(3, 8) {
            self.act(Op::EndAsyncFor, &[Operand::Register(exception)]);
            return;
        }
        let (over, other) = (self.label(), self.label());
        let name = self.name("StopAsyncIteration");
        let class = self.value(Op::Load(Space::Global, name), &[]);
        let matches = self.value(Op::ExceptionMatch, &[Operand::Register(exception), class]);
        self.test(matches, over, other);
        self.put(other);
        self.reraise(exception);
        self.put(over);
        self.act(Op::PopExcept, &[]);
    }

    fn while_loop(&mut self, node: &'a StmtWhile) {
        let (head, end, done) = (self.label(), self.label(), self.label());
        self.blocks.push(Block::Loop(head, end));
        self.put(head);
        self.decide(&node.test, done);
        self.statements(&node.body);
        self.jump(head);
        self.blocks.pop();
        self.put(done);
        self.statements(&node.orelse);
        self.put(end);
    }

    fn if_statement(&mut self, node: &'a StmtIf) {
        let end = self.label();
        let mut next = self.label();
        self.decide(&node.test, next);
        self.statements(&node.body);
        self.jump(end);
        for clause in &node.elif_else_clauses {
            self.put(next);
            next = self.label();
            if let Some(test) = &clause.test {
                self.decide(test, next);
            }
            self.statements(&clause.body);
            self.jump(end);
        }
        self.put(next);
        self.put(end);
    }

    /// The test of `if` and `while`.
    fn decide(&mut self, test: &'a Expr, otherwise: super::Label) {
        if !self.is_old_debug(test) {
            self.jump_if(test, false, otherwise);
        } else if self.source().optimisation > 0 {
            self.jump(otherwise);
        }
    }

    fn assert(&mut self, test: &'a Expr, message: Option<&'a Expr>) {
        if self.source().text.has_unknown_asserts() {
            self.fail("an assert in the form that this pytest gives it");
            return;
        }
        if self.source().optimisation >= 1 {
            return;
        }
        let holds = self.label();
        self.jump_if(test, true, holds);
        let error = if self.since(3, 9) {
            self.value(Op::LoadCommon("AssertionError"), &[])
        } else {
            let name = self.name("AssertionError");
            self.value(Op::Load(Space::Global, name), &[])
        };
        let error = match message {
            Some(message) => {
                let message = self.expression(message);
                self.value(Op::Call(NameListId::EMPTY), &[error, message])
            }
            None => error,
        };
        self.act(Op::Raise, &[error]);
        self.put(holds);
    }

    /// The level that an import without dots carries.
    fn import_level(&mut self, dots: u32) -> Operand {
        let implicit = self.is_python2() && dots == 0 && !self.source().scopes.futures().absolute_import;
        self.integer(if implicit { -1 } else { i64::from(dots) })
    }

    fn import(&mut self, alias: &'a Alias, is_lazy: bool) {
        let level = self.import_level(0);
        let names = self.none();
        let path = alias.name.as_str();
        let id = self.import_name(path);
        let op = if is_lazy { Op::LazyImport(id) } else { Op::Import(id) };
        let mut module = self.value(op, &[level, names]);
        let Some(bound) = &alias.asname else {
            let first = path.split('.').next().unwrap_or_default();
            self.store(first, module);
            return;
        };
        for part in path.split('.').skip(1) {
            let id = self.name(part);
            let op = if self.since(3, 7) { Op::ImportFrom(id) } else { Op::LoadAttr(id) };
            module = self.value(op, &[module]);
        }
        self.store(bound.as_str(), module);
    }

    /// Names of modules are mangled like others, unless they have a dot.
    fn import_name(&mut self, path: &str) -> crate::verify::event::NameId {
        if path.contains('.') { self.name(path) } else { self.mangled(path) }
    }

    fn import_from(&mut self, node: &'a StmtImportFrom) {
        let level = self.import_level(node.level);
        let items: Vec<Operand> = node.names.iter().map(|alias| self.text(alias.name.as_str())).collect();
        let names = self.tuple(&items);
        let id = self.import_name(node.module.as_ref().map_or("", |module| module.as_str()));
        let op = if node.is_lazy { Op::LazyImport(id) } else { Op::Import(id) };
        let module = self.value(op, &[level, names]);
        for alias in &node.names {
            if alias.name.as_str() == "*" {
                self.act(Op::ImportStar, &[module]);
                return;
            }
            let id = self.mangled(alias.name.as_str());
            let value = self.value(Op::ImportFrom(id), &[module]);
            self.store(alias.asname.as_ref().unwrap_or(&alias.name).as_str(), value);
        }
    }

    /// Binds a target to an expression. Two or three items that are unpacked at once are not packed.
    pub(super) fn assign_expression(&mut self, target: &'a Expr, value: &'a Expr) {
        let targets = match target {
            Expr::Tuple(node) => &*node.elts,
            Expr::List(node) => &*node.elts,
            _ => &[],
        };
        if let Expr::Tuple(node) = value
            && node.elts.len() == targets.len()
            && matches!(targets.len(), 1..=3)
            && !targets.iter().chain(&node.elts).any(Expr::is_starred_expr)
        {
            let before = self.at(value);
            let values: Vec<Operand> = node.elts.iter().map(|item| self.expression(item)).collect();
            self.range = before;
            for (target, value) in targets.iter().zip(values) {
                self.assign(target, value);
            }
            return;
        }
        let value = self.expression(value);
        self.assign(target, value);
    }

    /// Binds a target.
    pub(super) fn assign(&mut self, target: &'a Expr, value: Operand) {
        let before = self.at(target);
        match target {
            Expr::Name(name) => self.store(name.id.as_str(), value),
            Expr::Attribute(node) => {
                let object = self.expression(&node.value);
                let name = self.mangled(node.attr.as_str());
                self.act(Op::StoreAttr(name), &[object, value]);
            }
            Expr::Subscript(node) => {
                let object = self.expression(&node.value);
                if let Some((lower, upper)) = self.slice_bounds(&node.slice) {
                    self.act(Op::StoreSlice, &[object, lower, upper, value]);
                } else {
                    let key = self.expression(&node.slice);
                    self.act(Op::StoreSubscript, &[object, key, value]);
                }
            }
            Expr::Tuple(node) => self.unpack(&node.elts, value),
            Expr::List(node) => self.unpack(&node.elts, value),
            Expr::Starred(node) => self.assign(&node.value, value),
            _ => self.fail("an unusual target of an assignment"),
        }
        self.range = before;
    }

    fn unpack(&mut self, targets: &'a [Expr], value: Operand) {
        let star = targets.iter().position(Expr::is_starred_expr);
        let op = match star {
            Some(star) => {
                let after = targets.len().saturating_sub(star).saturating_sub(1);
                Op::UnpackEx(u32::try_from(star).unwrap_or(u32::MAX), u32::try_from(after).unwrap_or(u32::MAX))
            }
            None => Op::Unpack(u32::try_from(targets.len()).unwrap_or(u32::MAX)),
        };
        let items = self.values(op, &[value]);
        for (target, item) in targets.iter().zip(items) {
            self.assign(target, item);
        }
    }

    fn delete_target(&mut self, target: &'a Expr) {
        let before = self.at(target);
        match target {
            Expr::Name(name) => self.delete(name.id.as_str()),
            Expr::Attribute(node) => {
                let object = self.expression(&node.value);
                let name = self.mangled(node.attr.as_str());
                self.act(Op::DeleteAttr(name), &[object]);
            }
            Expr::Subscript(node) => {
                let object = self.expression(&node.value);
                match &*node.slice {
                    Expr::Slice(slice) if self.is_python2() && !self.has_empty_step(slice) => {
                        if let Some((lower, upper)) = self.slice_bounds(&node.slice) {
                            self.act(Op::DeleteSlice, &[object, lower, upper]);
                            self.range = before;
                            return;
                        }
                    }
                    _ => {}
                }
                let key = self.expression(&node.slice);
                self.act(Op::DeleteSubscript, &[object, key]);
            }
            Expr::Tuple(node) => node.elts.iter().for_each(|target| self.delete_target(target)),
            Expr::List(node) => node.elts.iter().for_each(|target| self.delete_target(target)),
            _ => self.fail("an unusual target of del"),
        }
        self.range = before;
    }

    fn augmented(&mut self, node: &'a StmtAugAssign) {
        let op = Op::InPlace(self.operator(node.op));
        match &*node.target {
            Expr::Name(name) => {
                let old = self.load(name.id.as_str());
                let value = self.expression(&node.value);
                let new = self.value(op, &[old, value]);
                self.store(name.id.as_str(), new);
            }
            Expr::Attribute(target) => {
                let object = self.expression(&target.value);
                let name = self.mangled(target.attr.as_str());
                let old = self.value(Op::LoadAttr(name), &[object]);
                let value = self.expression(&node.value);
                let new = self.value(op, &[old, value]);
                self.act(Op::StoreAttr(name), &[object, new]);
            }
            Expr::Subscript(target) => {
                let object = self.expression(&target.value);
                if let Some((lower, upper)) = self.slice_bounds(&target.slice) {
                    let old = self.value(Op::Slice, &[object, lower, upper]);
                    let value = self.expression(&node.value);
                    let new = self.value(op, &[old, value]);
                    self.act(Op::StoreSlice, &[object, lower, upper, new]);
                } else {
                    let key = self.expression(&target.slice);
                    let old = self.value(Op::Subscript, &[object, key]);
                    let value = self.expression(&node.value);
                    let new = self.value(op, &[old, value]);
                    self.act(Op::StoreSubscript, &[object, key, new]);
                }
            }
            _ => self.fail("an unusual target of an augmented assignment"),
        }
    }

    fn annotated(&mut self, node: &'a StmtAnnAssign) {
        if let Some(value) = &node.value {
            let value = self.expression(value);
            self.assign(&node.target, value);
        }
        let simple = node.target.is_name_expr() && !is_parenthesised(node);
        let role = self.source().scopes.get(self.scope).role;
        let is_body = matches!(role, Role::Module | Role::Class);
        // Up to 3.9 the future leaves those alone that are of no simple name.
        let is_text = self.source().scopes.futures().annotations && self.since(3, 10);
        match &*node.target {
            Expr::Name(name) if simple => {
                if is_body {
                    self.annotate_name(name.id.as_str(), node);
                }
                return;
            }
            Expr::Attribute(target) if node.value.is_none() => {
                self.expression(&target.value);
            }
            Expr::Subscript(target) if node.value.is_none() => {
                self.expression(&target.value);
                self.annotated_index(&target.slice);
            }
            _ => {}
        }
        if is_body && !is_text && !self.since(3, 14) {
            self.expression(&node.annotation);
        }
    }

    /// The parts of an index that is evaluated but not used.
    fn annotated_index(&mut self, index: &'a Expr) {
        match index {
            Expr::Slice(slice) => {
                for part in [&slice.lower, &slice.upper, &slice.step].into_iter().flatten() {
                    self.expression(part);
                }
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|item| self.annotated_index(item)),
            _ => {
                self.expression(index);
            }
        }
    }

    /// An item's number for a `Constant`.
    pub(super) fn count(&mut self, number: usize) -> Operand {
        self.constant(Constant::Int(number.into()))
    }
}

/// Whether the target of an annotation is a name in parentheses.
fn is_parenthesised(node: &StmtAnnAssign) -> bool {
    node.range().start() != node.target.range().start()
}
