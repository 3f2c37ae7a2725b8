//! Displays: tuples, lists, sets and dicts, whole or filled item by item.

use ruff_python_ast::DictItem;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprDict;

use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::event::Display;
use crate::verify::event::Op;

use super::Operand;
use super::Unit;

/// `STACK_USE_GUIDELINE` of CPython's compiler: larger displays are filled item by item (3.10 and later).
pub(super) const STACK_USE_GUIDELINE: usize = 30;

impl<'a> Unit<'_, 'a> {
    pub(super) fn tuple_display(&mut self, items: &'a [Expr]) -> Operand {
        if let Some(items) = self.constant_values(items) {
            return self.constant(Constant::Tuple(items.into()));
        }
        if !self.since(3, 9) {
            return self.old_display(items, Display::Tuple, Display::Tuple, Display::TupleUnpack);
        }
        self.filled(&[], items, Filled::Tuple)
    }

    pub(super) fn list_display(&mut self, items: &'a [Expr]) -> Operand {
        if !self.since(3, 9) {
            return self.old_display(items, Display::List, Display::Tuple, Display::ListUnpack);
        }
        self.filled(&[], items, Filled::List)
    }

    pub(super) fn set_display(&mut self, items: &'a [Expr]) -> Operand {
        if !self.since(3, 9) {
            return self.old_display(items, Display::Set, Display::Set, Display::SetUnpack);
        }
        self.filled(&[], items, Filled::Set)
    }

    /// Up to 3.8: runs of plain items are built, then joined with what is unpacked.
    pub(super) fn old_display(&mut self, items: &'a [Expr], whole: Display, run: Display, joined: Display) -> Operand {
        let mut plain = Vec::new();
        let mut parts = Vec::new();
        for item in items {
            let Expr::Starred(star) = item else {
                plain.push(self.expression(item));
                continue;
            };
            if !plain.is_empty() {
                parts.push(self.build(run, &plain));
                plain.clear();
            }
            parts.push(self.expression(&star.value));
        }
        if parts.is_empty() {
            return self.build(whole, &plain);
        }
        if !plain.is_empty() {
            parts.push(self.build(run, &plain));
        }
        self.value(Op::Build(joined), &parts)
    }

    fn build(&mut self, display: Display, items: &[Operand]) -> Operand {
        if display == Display::Tuple { self.tuple(items) } else { self.value(Op::Build(display), items) }
    }

    /// A display from 3.9 on, behind what is already there.
    pub(super) fn filled(&mut self, before: &[Operand], items: &'a [Expr], what: Filled) -> Operand {
        self.filled_behind(before, items, None, what)
    }

    /// As `filled`, with a variable as the last item (`starunpack_helper_impl`).
    pub(super) fn filled_behind(
        &mut self,
        before: &[Operand],
        items: &'a [Expr],
        further: Option<&str>,
        what: Filled,
    ) -> Operand {
        if items.len() > 2
            && further.is_none()
            && !(self.since(3, 14) && (what != Filled::Tuple && is_large(items) || !before.is_empty()))
            && let Some(constants) = self.constant_values(items)
        {
            return self.filled_constants(before, constants, what);
        }
        let count = items.len().saturating_add(before.len()).saturating_add(usize::from(further.is_some()));
        let is_big = self.since(3, 10) && count > STACK_USE_GUIDELINE;
        let mut gathered = before.to_vec();
        let mut built = is_big.then(|| self.value(Op::Build(what.display()), before));
        for item in items {
            if let Expr::Starred(star) = item {
                let container = *built.get_or_insert_with(|| self.value(Op::Build(what.display()), &gathered));
                let value = self.expression(&star.value);
                self.act(what.extend(), &[container, value]);
            } else {
                let value = self.expression(item);
                match built {
                    Some(container) => self.act(what.add(), &[container, value]),
                    None => gathered.push(value),
                }
            }
        }
        if let Some(name) = further {
            let value = self.load(name);
            match built {
                Some(container) => self.act(what.add(), &[container, value]),
                None => gathered.push(value),
            }
        }
        match (built, what) {
            (None, Filled::Tuple) => self.tuple(&gathered),
            (None, _) => self.value(Op::Build(what.display()), &gathered),
            (Some(list), Filled::Tuple) => self.value(Op::ListToTuple, &[list]),
            (Some(container), _) => container,
        }
    }

    fn filled_constants(&mut self, before: &[Operand], constants: Vec<ConstId>, what: Filled) -> Operand {
        if before.is_empty() {
            return match what {
                Filled::Tuple => self.constant(Constant::Tuple(constants.into())),
                Filled::List => {
                    let items: Vec<Operand> = constants.into_iter().map(Operand::Const).collect();
                    self.value(Op::Build(Display::List), &items)
                }
                Filled::Set => {
                    let set = self.pool.constants.frozenset(&constants);
                    let items: Vec<Operand> = match self.pool.constants.get(set) {
                        Constant::FrozenSet(items) => items.iter().copied().map(Operand::Const).collect(),
                        _ => Vec::new(),
                    };
                    self.value(Op::Build(Display::Set), &items)
                }
            };
        }
        let container = self.value(Op::Build(what.display()), before);
        let items = match what {
            Filled::Set => Operand::Const(self.pool.constants.frozenset(&constants)),
            Filled::List | Filled::Tuple => self.constant(Constant::Tuple(constants.into())),
        };
        self.act(what.extend(), &[container, items]);
        if what == Filled::Tuple { self.value(Op::ListToTuple, &[container]) } else { container }
    }

    pub(super) fn dict(&mut self, node: &'a ExprDict) -> Operand {
        if self.is_python2() {
            let dict = self.value(Op::Build(Display::Map), &[]);
            for item in &node.items {
                let value = self.expression(&item.value);
                let key = self.optional(item.key.as_ref());
                self.act(Op::MapAdd, &[dict, key, value]);
            }
            return dict;
        }
        if self.since(3, 9) { self.new_dict(&node.items) } else { self.old_dict(&node.items) }
    }

    /// Up to 3.8: parts of pairs, and mappings that are unpacked, joined at the end.
    fn old_dict(&mut self, items: &'a [DictItem]) -> Operand {
        let mut parts = Vec::new();
        let mut begin = 0_usize;
        let mut ends_unpacked = false;
        for (index, item) in items.iter().enumerate() {
            ends_unpacked = item.key.is_none();
            let is_full = index.saturating_sub(begin) == 0xFFFF;
            if index > begin && (ends_unpacked || is_full) {
                parts.push(self.pairs(items.get(begin..index).unwrap_or_default()));
                begin = index;
            }
            if ends_unpacked {
                parts.push(self.expression(&item.value));
                begin = index.saturating_add(1);
            }
        }
        let rest = items.get(begin..).unwrap_or_default();
        if !rest.is_empty() || parts.is_empty() {
            parts.push(self.pairs(rest));
        }
        match &*parts {
            &[only] if !ends_unpacked => only,
            _ => self.value(Op::Build(Display::MapUnpack), &parts),
        }
    }

    fn new_dict(&mut self, items: &'a [DictItem]) -> Operand {
        let mut dict: Option<Operand> = None;
        let mut begin = 0_usize;
        let limit = if self.since(3, 10) { STACK_USE_GUIDELINE / 2 } else { 0xFFFE };
        for (index, item) in items.iter().enumerate() {
            let next = index.saturating_add(1);
            if item.key.is_none() {
                dict = self.join_dict(dict, items.get(begin..index).unwrap_or_default(), Op::DictUpdate, Self::pairs);
                begin = next;
                let whole = *dict.get_or_insert_with(|| self.value(Op::Build(Display::Map), &[]));
                let value = self.expression(&item.value);
                self.act(Op::DictUpdate, &[whole, value]);
            } else if index.saturating_sub(begin) > limit {
                dict = self.join_dict(dict, items.get(begin..next).unwrap_or_default(), Op::DictUpdate, Self::pairs);
                begin = next;
            }
        }
        dict = self.join_dict(dict, items.get(begin..).unwrap_or_default(), Op::DictUpdate, Self::pairs);
        dict.unwrap_or_else(|| self.value(Op::Build(Display::Map), &[]))
    }

    /// Joins some items, of which a dict is made, to a dict that there may be.
    pub(super) fn join_dict<T>(
        &mut self,
        dict: Option<Operand>,
        items: &'a [T],
        join: Op,
        make: impl FnOnce(&mut Self, &'a [T]) -> Operand,
    ) -> Option<Operand> {
        if items.is_empty() {
            return dict;
        }
        let part = make(self, items);
        let Some(whole) = dict else { return Some(part) };
        self.act(join, &[whole, part]);
        Some(whole)
    }

    /// A dict of pairs (`compiler_subdict`).
    fn pairs(&mut self, items: &'a [DictItem]) -> Operand {
        let is_big = self.since(3, 10) && items.len().saturating_mul(2) > STACK_USE_GUIDELINE;
        let mut operands = Vec::new();
        let keys: Option<Vec<ConstId>> = items.iter().map(|item| self.constant_value(item.key.as_ref()?)).collect();
        if let Some(keys) = keys.filter(|_| !is_big && items.len() > 1) {
            for (key, item) in keys.into_iter().zip(items) {
                operands.push(Operand::Const(key));
                operands.push(self.expression(&item.value));
            }
            return self.value(Op::Build(Display::Map), &operands);
        }
        let dict = is_big.then(|| self.value(Op::Build(Display::Map), &[]));
        for item in items {
            let Some(key) = &item.key else { continue };
            let key = self.expression(key);
            let value = self.expression(&item.value);
            match dict {
                Some(dict) => self.act(Op::MapAdd, &[dict, key, value]),
                None => operands.extend([key, value]),
            }
        }
        dict.unwrap_or_else(|| self.value(Op::Build(Display::Map), &operands))
    }
}

/// What is filled item by item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// A tuple, by way of a list.
    Tuple,
    /// A list.
    List,
    /// A set.
    Set,
}

impl Filled {
    pub(super) fn display(self) -> Display {
        if self == Self::Set { Display::Set } else { Display::List }
    }

    pub(super) fn add(self) -> Op {
        if self == Self::Set { Op::SetAdd } else { Op::ListAppend }
    }

    fn extend(self) -> Op {
        if self == Self::Set { Op::SetUpdate } else { Op::ListExtend }
    }
}

/// Whether a display is filled item by item.
pub(super) fn is_large(items: &[Expr]) -> bool {
    items.len() > STACK_USE_GUIDELINE
}
