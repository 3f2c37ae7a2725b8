//! `try`, `with`, and the ways out of them.

use ruff_python_ast::ExceptHandler;
use ruff_python_ast::Identifier;
use ruff_python_ast::StmtTry;
use ruff_python_ast::StmtWith;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;

use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::event::Display;
use crate::verify::event::NameListId;
use crate::verify::event::Op;

use super::Block;
use super::Handler;
use super::Operand;
use super::Unit;

impl<'a> Unit<'_, 'a> {
    /// What happens when a block is left early, by `return`, `break` or `continue` (`compiler_unwind_fblock`; up to 3.7 the interpreter's own doing).
    pub(super) fn leave(&mut self, block: Block<'a>) {
        match block {
            Block::Loop(..) => {}
            Block::Try { outer } => self.handler = outer,
            Block::Finally { body, outer } => {
                self.handler = outer;
                self.statements(body);
            }
            Block::FinallyEnd { outer } => {
                self.handler = outer;
                if self.since(3, 8) {
                    self.act(Op::PopExcept, &[]);
                }
            }
            Block::With { exit, outer, is_async, range } => {
                self.handler = outer;
                let before = std::mem::replace(&mut self.range, range);
                self.exit_context(exit, is_async);
                self.range = before;
            }
            Block::Except { name, outer } => {
                self.handler = outer;
                if self.since(3, 8) {
                    self.act(Op::PopExcept, &[]);
                }
                if let Some(name) = name {
                    self.forget(name);
                }
            }
        }
    }

    /// What an `except` does with its name in the end.
    fn forget(&mut self, name: &str) {
        let none = self.none();
        self.store(name, none);
        self.delete(name);
    }

    pub(super) fn try_statement(&mut self, node: &'a StmtTry) {
        if node.finalbody.is_empty() {
            self.try_except(node);
            return;
        }
        let outer = self.handler;
        let end = self.label();
        let handler = self.new_handler();
        self.blocks.push(Block::Finally { body: &node.finalbody, outer });
        self.handler = Some(handler);
        if node.handlers.is_empty() {
            self.statements(&node.body);
        } else {
            self.try_except(node);
        }
        self.blocks.pop();
        self.handler = outer;
        self.statements(&node.finalbody);
        self.jump(end);

        self.put(handler.label);
        let cleanup = self.begin_cleanup();
        self.blocks.push(Block::FinallyEnd { outer });
        self.statements(&node.finalbody);
        self.blocks.pop();
        self.reraise(handler.exception);
        self.end_cleanup(cleanup, outer);
        self.put(end);
    }

    /// From 3.11 on a handler runs under one of its own, which restores the exception handled before.
    fn begin_cleanup(&mut self) -> Option<Handler> {
        if !self.since(3, 11) {
            return None;
        }
        let cleanup = self.new_handler();
        self.handler = Some(cleanup);
        Some(cleanup)
    }

    fn end_cleanup(&mut self, cleanup: Option<Handler>, outer: Option<Handler>) {
        self.handler = outer;
        if let Some(cleanup) = cleanup {
            self.put(cleanup.label);
            self.act(Op::PopExcept, &[]);
            self.reraise(cleanup.exception);
        }
    }

    fn try_except(&mut self, node: &'a StmtTry) {
        let outer = self.handler;
        let end = self.label();
        let handler = self.new_handler();
        self.blocks.push(Block::Try { outer });
        self.handler = Some(handler);
        self.statements(&node.body);
        self.blocks.pop();
        self.handler = outer;
        self.statements(&node.orelse);
        self.jump(end);

        self.put(handler.label);
        let cleanup = self.begin_cleanup();
        if node.is_star {
            self.star_handlers(node, handler, outer, end);
        } else {
            for clause in &node.handlers {
                self.handler = cleanup.or(outer);
                self.except(clause, handler, outer, end);
            }
            self.handler = cleanup.or(outer);
            self.reraise(handler.exception);
        }
        self.end_cleanup(cleanup, outer);
        self.put(end);
    }

    fn except(&mut self, clause: &'a ExceptHandler, handler: Handler, outer: Option<Handler>, end: super::Label) {
        let ExceptHandler::ExceptHandler(clause) = clause;
        self.at(clause);
        let cleanup = self.handler;
        let next = self.label();
        let exception = Operand::Register(handler.exception);
        let mut target = None;
        if let Some(class) = &clause.type_ {
            let body = self.label();
            let (class, other) = self.except_parts(class);
            target = other;
            let class = self.expression(class);
            let matches = self.value(Op::ExceptionMatch, &[exception, class]);
            self.test(matches, body, next);
            self.put(body);
        }
        if let Some(target) = target {
            self.assign(target, exception);
        }
        let Some(name) = clause.name.as_ref().map(Identifier::as_str) else {
            self.blocks.push(Block::Except { name: None, outer });
            self.statements(&clause.body);
            self.blocks.pop();
            self.handler = outer;
            self.end_handler();
            self.jump(end);
            self.put(next);
            return;
        };
        self.store(name, exception);
        if self.is_python2() {
            self.statements(&clause.body);
            self.jump(end);
            self.put(next);
            return;
        }
        let inner = self.new_handler();
        self.blocks.push(Block::Except { name: Some(name), outer });
        self.handler = Some(inner);
        self.statements(&clause.body);
        self.blocks.pop();
        self.handler = outer;
        // 3.7 and 3.8 forget the name while the exception is still handled.
        if self.since(3, 7) && !self.since(3, 9) {
            self.forget(name);
            self.end_handler();
        } else {
            self.end_handler();
            self.forget(name);
        }
        self.jump(end);
        self.put(inner.label);
        self.handler = cleanup;
        self.forget(name);
        self.reraise(inner.exception);
        self.put(next);
    }

    fn end_handler(&mut self) {
        if !self.is_python2() {
            self.act(Op::PopExcept, &[]);
        }
    }

    /// `except*` (`compiler_try_star_except`).
    fn star_handlers(&mut self, node: &'a StmtTry, handler: Handler, outer: Option<Handler>, end: super::Label) {
        let cleanup = self.handler;
        let original = Operand::Register(handler.exception);
        // What is left to be matched; the list of what the handlers raised.
        let rest = self.program.register();
        self.push(super::Action::Move(rest, original));
        let rest = Operand::Register(rest);
        let mut raised = None;
        let last = node.handlers.len().saturating_sub(1);
        for (index, clause) in node.handlers.iter().enumerate() {
            let ExceptHandler::ExceptHandler(clause) = clause;
            self.at(clause);
            self.handler = cleanup;
            let failures = *raised.get_or_insert_with(|| self.value(Op::Build(Display::List), &[]));
            let (no_match, body, next) = (self.label(), self.label(), self.label());
            let Some(class) = &clause.type_ else {
                self.fail("except* without a type");
                return;
            };
            let class = self.expression(class);
            let parts = self.values(Op::GroupMatch, &[rest, class]);
            let &[left, matched] = &*parts else { return };
            self.move_to(rest, left);
            let nothing = self.none();
            let is_none = self.value(Op::Compare(crate::verify::event::Compare::Is), &[matched, nothing]);
            self.test(is_none, no_match, body);
            self.put(body);
            let name = clause.name.as_ref().map(Identifier::as_str);
            if let Some(name) = name {
                self.store(name, matched);
            }
            let inner = self.new_handler();
            self.blocks.push(Block::Except { name, outer });
            self.handler = Some(inner);
            self.statements(&clause.body);
            self.blocks.pop();
            self.handler = cleanup;
            if let Some(name) = name {
                self.forget(name);
            }
            self.jump(next);
            self.put(inner.label);
            if let Some(name) = name {
                self.forget(name);
            }
            self.act(Op::ListAppend, &[failures, Operand::Register(inner.exception)]);
            self.jump(next);
            self.put(no_match);
            self.put(next);
            if index == last {
                self.act(Op::ListAppend, &[failures, rest]);
            }
        }
        let Some(failures) = raised else { return };
        let again = self.value(Op::PrepReraiseStar, &[original, failures]);
        let nothing = self.none();
        let (caught, reraise) = (self.label(), self.label());
        let is_none = self.value(Op::Compare(crate::verify::event::Compare::Is), &[again, nothing]);
        self.test(is_none, caught, reraise);
        self.put(caught);
        self.handler = outer;
        self.act(Op::PopExcept, &[]);
        self.jump(end);
        self.put(reraise);
        self.act(Op::PopExcept, &[]);
        self.act(Op::Reraise, &[again]);
        self.handler = cleanup;
    }

    /// Gives a register that was made before a new value.
    pub(super) fn move_to(&mut self, to: Operand, from: Operand) {
        if let Operand::Register(register) = to {
            self.push(super::Action::Move(register, from));
        }
    }

    pub(super) fn with(&mut self, node: &'a StmtWith, index: usize) {
        let Some(item) = node.items.get(index) else {
            self.statements(&node.body);
            return;
        };
        let before = self.at(&item.context_expr);
        let (manager, next) = if index == 0 && self.is_one_context(node) {
            (self.context_tuple(node), node.items.len())
        } else {
            (self.expression(&item.context_expr), index.saturating_add(1))
        };
        let op = if node.is_async { Op::AsyncWithEnter } else { Op::WithEnter };
        let entered = self.values(op, &[manager]);
        let &[exit, mut bound] = &*entered else { return };
        if node.is_async {
            bound = self.await_value(bound);
        }
        let outer = self.handler;
        let end = self.label();
        let handler = self.new_handler();
        self.blocks.push(Block::With { exit, outer, is_async: node.is_async, range: item.context_expr.range() });
        self.handler = Some(handler);
        if let Some(target) = &item.optional_vars {
            self.assign(target, bound);
        }
        self.with(node, next);
        self.blocks.pop();
        self.handler = outer;
        self.at(&item.context_expr);
        self.exit_context(exit, node.is_async);
        self.jump(end);

        self.put(handler.label);
        let cleanup = self.begin_cleanup();
        let mut silenced = self.value(Op::WithExit, &[exit, Operand::Register(handler.exception)]);
        if node.is_async {
            silenced = self.await_value(silenced);
        }
        let (suppress, again) = (self.label(), self.label());
        self.test(silenced, suppress, again);
        self.put(again);
        self.reraise(handler.exception);
        self.put(suppress);
        self.handler = outer;
        if self.since(3, 9) {
            self.act(Op::PopExcept, &[]);
        }
        self.jump(end);
        self.end_cleanup(cleanup, outer);
        self.put(end);
        self.range = before;
    }

    /// `with (a, b):` up to 3.8, whose grammar has no contexts in brackets: they are the items of a tuple. The parser reads it as 3.9 and later do.
    fn is_one_context(&self, node: &StmtWith) -> bool {
        if self.since(3, 9) || node.items.iter().any(|item| item.optional_vars.is_some()) {
            return false;
        }
        let (Some(first), Some(last), Some(body)) = (node.items.first(), node.items.last(), node.body.first()) else {
            return false;
        };
        let written = |start, end| self.source().text.written(TextRange::new(start, end));
        let has_comma = || {
            let behind = written(last.end(), body.start().max(last.end()));
            let mut code = behind.lines().map(|line| line.split('#').next().unwrap_or_default());
            code.any(|line| line.split(')').next().unwrap_or_default().contains(','))
        };
        written(node.start(), first.start()).contains('(') && (node.items.len() > 1 || has_comma())
    }

    fn context_tuple(&mut self, node: &'a StmtWith) -> Operand {
        let constants: Option<Vec<ConstId>> =
            node.items.iter().map(|item| self.constant_value(&item.context_expr)).collect();
        if let Some(constants) = constants {
            return self.constant(Constant::Tuple(constants.into()));
        }
        let items: Vec<Operand> = node.items.iter().map(|item| self.expression(&item.context_expr)).collect();
        self.value(Op::Build(Display::Tuple), &items)
    }

    fn exit_context(&mut self, exit: Operand, is_async: bool) {
        let result = if self.since(3, 9) {
            let none = self.none();
            self.value(Op::Call(NameListId::EMPTY), &[exit, none, none, none])
        } else {
            self.value(Op::WithExitNone, &[exit])
        };
        if is_async {
            self.await_value(result);
        }
    }

    pub(super) fn await_value(&mut self, value: Operand) -> Operand {
        let awaitable = self.value(Op::GetAwaitable, &[value]);
        self.value(Op::YieldFrom, &[awaitable])
    }
}
