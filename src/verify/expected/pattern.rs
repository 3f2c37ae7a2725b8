//! `match` (3.10 and later).

use ruff_python_ast::Pattern;
use ruff_python_ast::PatternMatchClass;
use ruff_python_ast::PatternMatchMapping;
use ruff_python_ast::PatternMatchOr;
use ruff_python_ast::Singleton;
use ruff_python_ast::StmtMatch;

use crate::verify::constant::Constant;
use crate::verify::event::Binary;
use crate::verify::event::Compare;
use crate::verify::event::Display;
use crate::verify::event::Op;

use super::Action;
use super::Label;
use super::Operand;
use super::Register;
use super::Unit;

/// What a pattern captures: names and values, bound only when all of it fits.
type Captures<'a> = Vec<(&'a str, Operand)>;

impl<'a> Unit<'_, 'a> {
    pub(super) fn match_statement(&mut self, node: &'a StmtMatch) {
        let subject = self.expression(&node.subject);
        let end = self.label();
        for case in &node.cases {
            self.at(case);
            let next = self.label();
            let mut captures = Captures::new();
            self.pattern(&case.pattern, subject, next, &mut captures);
            for (name, value) in captures {
                self.store(name, value);
            }
            if let Some(guard) = &case.guard {
                self.jump_if(guard, false, next);
            }
            self.statements(&case.body);
            self.jump(end);
            self.put(next);
        }
        self.put(end);
    }

    fn need(&mut self, value: Operand, fail: Label) {
        let fits = self.label();
        self.test(value, fits, fail);
        self.put(fits);
    }

    fn pattern(&mut self, pattern: &'a Pattern, subject: Operand, fail: Label, captures: &mut Captures<'a>) {
        let before = self.at(pattern);
        match pattern {
            Pattern::MatchValue(node) => {
                let value = self.expression(&node.value);
                let equal = self.value(Op::Compare(Compare::Equal), &[subject, value]);
                self.need(equal, fail);
            }
            Pattern::MatchSingleton(node) => {
                let value = self.constant(match node.value {
                    Singleton::None => Constant::None,
                    Singleton::True => Constant::True,
                    Singleton::False => Constant::False,
                });
                let same = self.value(Op::Compare(Compare::Is), &[subject, value]);
                self.need(same, fail);
            }
            Pattern::MatchSequence(node) => self.sequence(&node.patterns, subject, fail, captures),
            Pattern::MatchMapping(node) => self.mapping(node, subject, fail, captures),
            Pattern::MatchClass(node) => self.class_pattern(node, subject, fail, captures),
            Pattern::MatchStar(node) => {
                if let Some(name) = &node.name {
                    captures.push((name.as_str(), subject));
                }
            }
            Pattern::MatchAs(node) => {
                if let Some(inner) = &node.pattern {
                    self.pattern(inner, subject, fail, captures);
                }
                if let Some(name) = &node.name {
                    captures.push((name.as_str(), subject));
                }
            }
            Pattern::MatchOr(node) => self.alternatives(node, subject, fail, captures),
        }
        self.range = before;
    }

    fn sequence(&mut self, patterns: &'a [Pattern], subject: Operand, fail: Label, captures: &mut Captures<'a>) {
        let size = patterns.len();
        let star = patterns.iter().position(|pattern| matches!(pattern, Pattern::MatchStar(_)));
        let is_sequence = self.value(Op::MatchSequence, &[subject]);
        self.need(is_sequence, fail);
        match star {
            None => self.need_length(subject, Compare::Equal, size, fail),
            Some(_) if size > 1 => self.need_length(subject, Compare::GreaterEqual, size.saturating_sub(1), fail),
            Some(_) => {}
        }
        if patterns.iter().all(is_wildcard) {
            return;
        }
        let star_is_wildcard = star.and_then(|star| patterns.get(star)).is_some_and(is_wildcard);
        if let Some(star) = star.filter(|_| star_is_wildcard) {
            for (index, pattern) in patterns.iter().enumerate() {
                if index == star || is_wildcard(pattern) {
                    continue;
                }
                let place = if index < star {
                    self.count(index)
                } else {
                    let length = self.value(Op::GetLen, &[subject]);
                    let behind = self.count(size.saturating_sub(index));
                    self.value(Op::Binary(Binary::Subtract), &[length, behind])
                };
                let item = self.value(Op::Subscript, &[subject, place]);
                self.pattern(pattern, item, fail, captures);
            }
            return;
        }
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let op = match star {
            Some(star) => Op::UnpackEx(number(star), number(size.saturating_sub(star).saturating_sub(1))),
            None => Op::Unpack(number(size)),
        };
        let items = self.values(op, &[subject]);
        for (pattern, item) in patterns.iter().zip(items) {
            self.pattern(pattern, item, fail, captures);
        }
    }

    fn need_length(&mut self, subject: Operand, op: Compare, size: usize, fail: Label) {
        let length = self.value(Op::GetLen, &[subject]);
        let size = self.count(size);
        let fits = self.value(Op::Compare(op), &[length, size]);
        self.need(fits, fail);
    }

    fn mapping(&mut self, node: &'a PatternMatchMapping, subject: Operand, fail: Label, captures: &mut Captures<'a>) {
        let size = node.keys.len();
        let is_mapping = self.value(Op::MatchMapping, &[subject]);
        self.need(is_mapping, fail);
        if size == 0 && node.rest.is_none() {
            return;
        }
        if size > 0 {
            self.need_length(subject, Compare::GreaterEqual, size, fail);
        }
        let mut keys = Vec::new();
        for key in &node.keys {
            keys.push(self.expression(key));
        }
        let keys = self.tuple(&keys);
        let values = self.value(Op::MatchKeys, &[subject, keys]);
        self.need_some(values, fail);
        self.attributes(&node.patterns.iter().collect::<Vec<_>>(), values, fail, captures);
        let Some(rest) = &node.rest else { return };
        let others = if self.since(3, 11) {
            let others = self.value(Op::Build(Display::Map), &[]);
            self.act(Op::DictUpdate, &[others, subject]);
            let keys = self.values(Op::Unpack(u32::try_from(size).unwrap_or(u32::MAX)), &[keys]);
            for key in keys {
                self.act(Op::DeleteSubscript, &[others, key]);
            }
            others
        } else {
            self.value(Op::CopyDictWithoutKeys, &[subject, keys])
        };
        captures.push((rest.as_str(), others));
    }

    /// Fails when what was looked for is None.
    fn need_some(&mut self, value: Operand, fail: Label) {
        let none = self.none();
        let found = self.value(Op::Compare(Compare::IsNot), &[value, none]);
        self.need(found, fail);
    }

    /// Patterns for the items of a tuple.
    fn attributes(&mut self, patterns: &[&'a Pattern], values: Operand, fail: Label, captures: &mut Captures<'a>) {
        if self.since(3, 11) {
            let items = self.values(Op::Unpack(u32::try_from(patterns.len()).unwrap_or(u32::MAX)), &[values]);
            for (pattern, item) in patterns.iter().zip(items) {
                self.pattern(pattern, item, fail, captures);
            }
            return;
        }
        for (index, pattern) in patterns.iter().enumerate() {
            if is_wildcard(pattern) {
                continue;
            }
            let place = self.count(index);
            let item = self.value(Op::Subscript, &[values, place]);
            self.pattern(pattern, item, fail, captures);
        }
    }

    fn class_pattern(
        &mut self,
        node: &'a PatternMatchClass,
        subject: Operand,
        fail: Label,
        captures: &mut Captures<'a>,
    ) {
        let class = self.expression(&node.cls);
        let names: Vec<Operand> =
            node.arguments.keywords.iter().map(|keyword| self.text(keyword.attr.as_str())).collect();
        let names = self.tuple(&names);
        let positional = u32::try_from(node.arguments.patterns.len()).unwrap_or(u32::MAX);
        let values = self.value(Op::MatchClass(positional), &[subject, class, names]);
        self.need_some(values, fail);
        let patterns: Vec<&'a Pattern> = node
            .arguments
            .patterns
            .iter()
            .chain(node.arguments.keywords.iter().map(|keyword| &keyword.pattern))
            .collect();
        self.attributes(&patterns, values, fail, captures);
    }

    fn alternatives(&mut self, node: &'a PatternMatchOr, subject: Operand, fail: Label, captures: &mut Captures<'a>) {
        let end = self.label();
        let mut settled: Vec<(&'a str, Register)> = Vec::new();
        for (index, alternative) in node.patterns.iter().enumerate() {
            let next = self.label();
            let mut found = Captures::new();
            self.pattern(alternative, subject, next, &mut found);
            if index == 0 {
                for &(name, _) in &found {
                    let register = self.program.register();
                    settled.push((name, register));
                }
            }
            for &(name, register) in &settled {
                if let Some(&(_, value)) = found.iter().find(|(other, _)| *other == name) {
                    self.push(Action::Move(register, value));
                }
            }
            self.jump(end);
            self.put(next);
        }
        self.jump(fail);
        self.put(end);
        captures.extend(settled.into_iter().map(|(name, register)| (name, Operand::Register(register))));
    }
}

fn is_wildcard(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::MatchAs(node) => node.name.is_none(),
        Pattern::MatchStar(node) => node.name.is_none(),
        _ => false,
    }
}
