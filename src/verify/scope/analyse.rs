//! What each name is: the second half of symtable.c (`analyze_block` and what it calls).
//!
//! CPython hands sets of names down from block to block and copies them for each. Here there is one table of what is bound and what is
//! declared global at the place that is looked at, with a log by which changes are taken back.

use std::collections::BTreeSet;

use crate::verify::scope::Role;
use crate::verify::scope::ScopeId;
use crate::verify::scope::symbol::Block;
use crate::verify::scope::symbol::ComprehensionKind;
use crate::verify::scope::symbol::Flags;
use crate::verify::scope::symbol::Interner;
use crate::verify::scope::symbol::NameIndex;
use crate::verify::scope::symbol::Resolution;
use crate::verify::scope::symbol::Symbol;

/// How often names may be handed from a block to the one around it, and from an inlined comprehension to the code it is in.
///
/// A function that uses a variable of one 1,000 levels out makes it free in all of them, so that their number can grow with the square of
/// the source. No module of a standard library from 2.7 to 3.15 reaches it.
const MOST_PASSED: usize = 1_000_000;

/// How deeply inlined comprehensions may be nested: the tokenizer of CPython allows 200 brackets in one another (`MAXLEVEL`).
const DEEPEST_INLINED: usize = 200;

/// What is known of a name at the place that is looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// A function around binds it.
    is_bound: bool,
    /// It was declared global around.
    is_global: bool,
}

/// A change of [`Known`].
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Declared global.
    Global,
    /// Bound where functions inside see it.
    Bound,
    /// Bound where they do not.
    Hidden,
}

/// An analysis under way.
pub(super) struct Analysis<'a> {
    blocks: &'a mut Vec<Block>,
    series: (u8, u8),
    known: Vec<Known>,
    log: Vec<(NameIndex, Known)>,
    left: usize,
    implicit: Implicit,
}

/// The names that mean something by themselves.
struct Implicit {
    class: Option<NameIndex>,
    classdict: Option<NameIndex>,
    conditional_annotations: Option<NameIndex>,
}

impl<'a> Analysis<'a> {
    /// Resolves all symbols. None: there is too much of them.
    pub(super) fn run(blocks: &'a mut Vec<Block>, names: &Interner, series: (u8, u8)) -> Option<()> {
        let mut analysis = Self {
            blocks,
            series,
            known: vec![Known::default(); names.len()],
            log: Vec::new(),
            left: MOST_PASSED,
            implicit: Implicit {
                class: names.find("__class__"),
                classdict: names.find("__classdict__"),
                conditional_annotations: names.find("__conditional_annotations__"),
            },
        };
        analysis.block(ScopeId(0), None, 0)?;
        Some(())
    }

    fn change(&mut self, name: NameIndex, change: Change) {
        let known = &mut self.known[name.0];
        self.log.push((name, *known));
        match change {
            Change::Global => *known = Known { is_bound: false, is_global: true },
            Change::Bound => *known = Known { is_bound: true, is_global: false },
            Change::Hidden => known.is_global = false,
        }
    }

    fn take_back(&mut self, mark: usize) {
        for (name, known) in self.log.drain(mark.min(self.log.len())..).rev() {
            self.known[name.0] = known;
        }
    }

    /// `analyze_block`. Hands back the names that are free in it.
    fn block(&mut self, id: ScopeId, class: Option<ScopeId>, inlined: usize) -> Option<BTreeSet<NameIndex>> {
        let mark = self.log.len();
        let (role, is_function_like) = (self.blocks[id.0].role, self.blocks[id.0].is_function_like());
        let mut free = BTreeSet::new();
        let mut changes = Vec::new();
        let mut place = 0;
        while let Some((name, symbol)) = self.blocks[id.0].symbols.at(place) {
            place += 1;
            let (resolution, change) = self.name(name, symbol.flags, is_function_like, class);
            self.blocks[id.0].symbols.entry(name).resolution = resolution;
            if resolution == Resolution::Free {
                free.insert(name);
            }
            changes.extend(change.map(|change| (name, change)));
        }
        // Names of a class mean nothing to the functions inside.
        if role == Role::Class {
            let implicit = &self.implicit;
            let names = [
                implicit.class.filter(|_| self.series >= (3, 0)),
                implicit.classdict.filter(|_| self.series >= (3, 12)),
                implicit.conditional_annotations.filter(|_| self.series >= (3, 14)),
            ];
            for name in names.into_iter().flatten() {
                let known = &mut self.known[name.0];
                self.log.push((name, *known));
                known.is_bound = true;
            }
        } else {
            for (name, change) in changes {
                self.change(name, change);
            }
        }
        let mut passed = BTreeSet::new();
        let mut inlined_cells = BTreeSet::new();
        let mut place = 0;
        while let Some(&child) = self.blocks[id.0].children.get(place) {
            place += 1;
            let entry = &self.blocks[child.0];
            let child_class = match role {
                _ if !entry.can_see_class_scope => None,
                Role::Class => Some(id),
                _ => class,
            };
            // Comprehensions of scopes that see a class are functions of their own.
            let is_inlined = self.series >= (3, 12)
                && entry.comprehension.is_some_and(|kind| kind != ComprehensionKind::Generator)
                && !self.blocks[id.0].can_see_class_scope;
            let depth = if is_inlined { inlined + 1 } else { 0 };
            if depth > DEEPEST_INLINED {
                return None;
            }
            let is_detached = entry.is_detached;
            let mut child_free = self.block(child, child_class, depth)?;
            if is_detached {
                continue;
            }
            if is_inlined {
                self.blocks[child.0].is_inlined = true;
                self.blocks[child.0].has_code = false;
                self.inline(id, child, &mut child_free, &mut inlined_cells)?;
            }
            self.left = self.left.checked_sub(child_free.len())?;
            passed.append(&mut child_free);
        }
        self.take_back(mark);
        if is_function_like {
            // analyze_cells
            for (name, symbol) in self.blocks[id.0].symbols.iter_mut() {
                if symbol.resolution == Resolution::Local && (passed.contains(&name) || inlined_cells.contains(&name)) {
                    symbol.resolution = Resolution::Cell;
                    passed.remove(&name);
                }
            }
        } else if role == Role::Class {
            self.drop_class_free(id, &mut passed);
        }
        self.update(id, &passed, &inlined_cells);
        free.append(&mut passed);
        Some(free)
    }

    /// `analyze_name`.
    fn name(
        &self,
        name: NameIndex,
        flags: Flags,
        is_function_like: bool,
        class: Option<ScopeId>,
    ) -> (Resolution, Option<Change>) {
        if flags.has(Flags::GLOBAL) {
            return (Resolution::GlobalExplicit, Some(Change::Global));
        }
        if flags.has(Flags::NONLOCAL) {
            return (Resolution::Free, None);
        }
        if flags.has(Flags::BOUND) {
            return (Resolution::Local, Some(if is_function_like { Change::Bound } else { Change::Hidden }));
        }
        // A name of the class whose dict is looked at first is otherwise a global one, never one of a function around.
        if let Some(symbol) = class.and_then(|class| self.blocks[class.0].symbols.get(name)) {
            if symbol.flags.has(Flags::GLOBAL) {
                return (Resolution::GlobalExplicit, None);
            }
            if symbol.flags.has(Flags::BOUND) && !symbol.flags.has(Flags::NONLOCAL) {
                return (Resolution::GlobalImplicit, None);
            }
        }
        let resolution = if self.known[name.0].is_bound { Resolution::Free } else { Resolution::GlobalImplicit };
        (resolution, None)
    }

    /// `inline_comprehension`.
    fn inline(
        &mut self,
        outer: ScopeId,
        inner: ScopeId,
        free: &mut BTreeSet<NameIndex>,
        inlined_cells: &mut BTreeSet<NameIndex>,
    ) -> Option<()> {
        let in_class = self.blocks[outer.0].role == Role::Class;
        let symbols: Vec<_> = self.blocks[inner.0].symbols.iter().collect();
        self.left = self.left.checked_sub(symbols.len())?;
        let mut below = BTreeSet::new();
        if !free.is_empty() {
            self.free_below(inner, &mut below);
        }
        for (name, symbol) in symbols {
            if symbol.flags.has(Flags::PARAMETER) {
                continue;
            }
            if symbol.resolution == Resolution::Cell || symbol.flags.has(Flags::COMPREHENSION_CELL) {
                inlined_cells.insert(name);
            }
            // In a second comprehension too (gh-119666: earlier compilers fail there).
            let mut resolution = symbol.resolution;
            if resolution == Resolution::Free && in_class && self.is_implicit(name) {
                resolution = Resolution::GlobalImplicit;
                free.remove(&name);
                self.blocks[inner.0].symbols.remove(name);
            }
            if let Some(existing) = self.blocks[outer.0].symbols.get(name) {
                // What is free in the comprehension and local around it is now simply local.
                if existing.flags.has(Flags::BOUND) && !in_class && !below.contains(&name) {
                    free.remove(&name);
                }
                continue;
            }
            *self.blocks[outer.0].symbols.entry(name) = Symbol { flags: symbol.flags, resolution };
        }
        Some(())
    }

    /// Whether a class gives this name to what is inside by itself.
    fn is_implicit(&self, name: NameIndex) -> bool {
        Some(name) == self.implicit.class
            || self.series >= (3, 14)
                && (Some(name) == self.implicit.classdict || Some(name) == self.implicit.conditional_annotations)
    }

    /// The names for which `is_free_in_any_child` holds: the children of inlined comprehensions count as those of the block around.
    fn free_below(&self, id: ScopeId, names: &mut BTreeSet<NameIndex>) {
        for &child in &self.blocks[id.0].children {
            let block = &self.blocks[child.0];
            if block.is_inlined {
                self.free_below(child, names);
            } else if !block.is_detached {
                let free = block.symbols.iter().filter(|(_, symbol)| symbol.resolution == Resolution::Free);
                names.extend(free.map(|(name, _)| name));
            }
        }
    }

    /// `drop_class_free`.
    fn drop_class_free(&mut self, id: ScopeId, free: &mut BTreeSet<NameIndex>) {
        let mut drop = |name: Option<NameIndex>, since: (u8, u8)| {
            self.series >= since && name.is_some_and(|name| free.remove(&name))
        };
        let class = drop(self.implicit.class, (3, 0));
        let classdict = drop(self.implicit.classdict, (3, 12));
        let conditional_annotations = drop(self.implicit.conditional_annotations, (3, 14));
        let block = &mut self.blocks[id.0];
        block.needs_class_closure = class;
        block.needs_classdict = classdict;
        block.has_conditional_annotations |= conditional_annotations;
    }

    /// `update_symbols`.
    fn update(&mut self, id: ScopeId, free: &BTreeSet<NameIndex>, inlined_cells: &BTreeSet<NameIndex>) {
        let block = &mut self.blocks[id.0];
        let is_class = block.role == Role::Class || block.can_see_class_scope;
        for &name in inlined_cells {
            if block.symbols.get(name).is_some() {
                block.symbols.entry(name).flags |= Flags::COMPREHENSION_CELL;
            }
        }
        for &name in free {
            match block.symbols.get(name) {
                // A name of the class that is free in a function inside is both.
                Some(symbol) => {
                    if is_class && (self.series >= (3, 12) || symbol.flags.has(Flags::BOUND | Flags::GLOBAL)) {
                        block.symbols.entry(name).flags |= Flags::FREE_CLASS;
                    }
                }
                None if !self.known[name.0].is_bound => {}
                None => block.symbols.entry(name).resolution = Resolution::Free,
            }
        }
    }
}
