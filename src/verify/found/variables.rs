//! Variables: locals, cells, globals, and the names of modules and classes.

use smallvec::smallvec;

use crate::pyc::opcodes::Op as Opcode;
use crate::verify::constant::Constant;
use crate::verify::event::NameId;
use crate::verify::event::Op;
use crate::verify::event::Operands;
use crate::verify::event::Space;
use crate::verify::event::Symbol;

use super::Fault;
use super::Known;
use super::Put;
use super::stack::Run;
use super::stack::Step;

/// What is in a slot of the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Slot {
    /// A value.
    Plain,
    /// A cell.
    Cell,
    /// A cell, while the one that was there before is put aside.
    NewCell,
}

/// Whether an instruction loads a variable without counting the reference.
fn is_borrow(op: Opcode) -> bool {
    matches!(op, Opcode::LOAD_FAST_BORROW | Opcode::LOAD_FAST_BORROW_LOAD_FAST_BORROW)
}

impl Run<'_, '_> {
    fn local(&self, slot: u32) -> Result<(NameId, Slot), Fault> {
        let local =
            usize::try_from(slot).ok().and_then(|place| self.machine.locals.get(place)).ok_or(Fault::Operand)?;
        let name = local.name.ok_or(Fault::Operand)?;
        let is = match self.state.aside.iter().rfind(|aside| aside.slot == slot) {
            Some(aside) if aside.is_cell => Slot::NewCell,
            None if local.is_cell => Slot::Cell,
            Some(_) | None => Slot::Plain,
        };
        Ok((name, is))
    }

    /// The name of a cell or free variable.
    fn cell(&self, index: u32) -> Result<Option<NameId>, Fault> {
        if self.machine.has_blocks() {
            let place = usize::try_from(index).unwrap_or(usize::MAX);
            return self.machine.cells.get(place).copied().flatten().map(Some).ok_or(Fault::Operand);
        }
        let (name, slot) = self.local(index)?;
        Ok(Some(name).filter(|_| slot != Slot::Plain && !self.is_shadowed(index)))
    }

    fn is_shadowed(&self, slot: u32) -> bool {
        usize::try_from(slot)
            .ok()
            .and_then(|place| self.machine.locals.get(place))
            .is_some_and(|local| local.is_shadowed)
    }

    /// `LOAD_FAST` and its kin.
    pub(super) fn load_fast(&mut self, slot: u32) -> Step {
        let (name, is) = self.local(slot)?;
        match is {
            Slot::Plain => {
                self.state.lent = self.at.op().filter(|op| is_borrow(*op)).map(|_| slot);
                self.event(Op::Load(Space::Fast, name), Operands::new())
            }
            // From 3.13 on this is how a cell itself is loaded, for a closure.
            Slot::Cell | Slot::NewCell if self.machine.series >= (3, 13) && !self.is_shadowed(slot) => {
                self.load_cell(name)
            }
            Slot::Cell | Slot::NewCell => self.foreign(),
        }
    }

    /// The slot that a value is borrowed from: `LOAD_FAST_BORROW` of 3.14 and later counts no reference, so that the variable has to keep
    /// the value for as long as it is on the stack (`optimize_load_fast` in Python/flowgraph.c).
    pub(super) fn borrowed(&self, value: Symbol) -> Option<u32> {
        let Symbol::Id(id) = value else { return None };
        self.state.known.iter().find_map(|&(other, known)| match known {
            Known::Borrowed(slot) if other == id => Some(slot),
            _ => None,
        })
    }

    /// A slot is about to lose its value, which nothing on the stack may be borrowed from.
    fn let_go(&mut self, slot: u32) -> Result<(), Fault> {
        self.state.forget();
        let is_lent = self.state.known.iter().any(|&(_, known)| known == Known::Borrowed(slot));
        if is_lent { Err(Fault::Borrowed) } else { Ok(()) }
    }

    fn load_cell(&mut self, name: NameId) -> Step {
        let cell = self.pool.constants.intern(Constant::Cell(name));
        self.pushed(Symbol::Const(cell))
    }

    /// Two loads at once.
    pub(super) fn load_fast_pair(&mut self) -> Step {
        let (first, second) = (self.at.arg >> 4, self.at.arg & 15);
        if self.part > 0 { self.load_fast(second) } else { self.first_of_pair(Self::load_fast, first) }
    }

    /// The first half of a superinstruction: what it leads to is the second half.
    fn first_of_pair(&mut self, half: fn(&mut Self, u32) -> Step, slot: u32) -> Step {
        let at = self.at;
        let step = half(self, slot)?;
        match &mut self.state.pending {
            super::Pending::Event(_, goto) => (goto.offset, goto.part) = (at.start, 1),
            pending => {
                *pending = super::Pending::Part(1);
                self.state.offset = at.start;
            }
        }
        Ok(step)
    }

    /// `STORE_FAST`.
    pub(super) fn store_fast(&mut self, slot: u32) -> Step {
        let (name, is) = self.local(slot)?;
        let value = self.value()?;
        if self.borrowed(value).is_some() {
            return Err(Fault::Borrowed);
        }
        self.let_go(slot)?;
        let aside = self.state.aside.iter().rposition(|aside| aside.slot == slot);
        let restored = aside.filter(|&place| self.state.aside.get(place).is_some_and(|aside| aside.old == value));
        match (restored, is) {
            (Some(place), _) => {
                self.state.aside.remove(place);
            }
            (None, Slot::Plain) => {}
            (None, Slot::Cell | Slot::NewCell) => return self.foreign(),
        }
        self.event(Op::Store(Space::Fast, name), smallvec![value])
    }

    /// `STORE_FAST_LOAD_FAST` and `STORE_FAST_STORE_FAST`.
    pub(super) fn store_fast_pair(&mut self, second: fn(&mut Self, u32) -> Step) -> Step {
        let slots = (self.at.arg >> 4, self.at.arg & 15);
        if self.part > 0 { second(self, slots.1) } else { self.first_of_pair(Self::store_fast, slots.0) }
    }

    /// `DELETE_FAST`.
    pub(super) fn delete_fast(&mut self) -> Step {
        self.let_go(self.at.arg)?;
        match self.local(self.at.arg)? {
            (name, Slot::Plain) => self.event(Op::Delete(Space::Fast, name), Operands::new()),
            _ => self.foreign(),
        }
    }

    /// `LOAD_FAST_AND_CLEAR`: what is in the slot of an inlined comprehension's variable is put aside, its cell if it is one.
    pub(super) fn load_fast_and_clear(&mut self) -> Step {
        let slot = self.at.arg;
        let (name, is) = self.local(slot)?;
        self.let_go(slot)?;
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let is_cell = is != Slot::Plain || self.machine.locals.get(place).is_some_and(|local| local.is_cell);
        let put = if is_cell { Put::Aside(slot) } else { Put::Push };
        self.event_put(Op::LoadAndClear(name), Operands::new(), put)
    }

    /// `MAKE_CELL` behind the prologue: a new cell in a slot that was just cleared.
    pub(super) fn make_cell(&mut self) -> Step {
        let slot = self.at.arg;
        // It is only ever compiled right behind LOAD_FAST_AND_CLEAR, which left the old value on top.
        let top = self.state.stack.last().copied();
        let aside_slot = self.state.aside.last().map_or(u32::MAX, |aside| aside.slot);
        match self.state.aside.last_mut() {
            Some(aside) if aside.slot == slot && !aside.is_cell && Some(aside.old) == top => {
                aside.is_cell = true;
                self.next()
            }
            // What is free outside of the comprehension has a slot of its own besides, and there is no way back from this one.
            Some(aside) if !aside.is_cell && Some(aside.old) == top => {
                let (name, is) = self.local(slot)?;
                let old = usize::try_from(aside_slot).ok().and_then(|place| self.machine.locals.get(place));
                if is != Slot::Cell || old.and_then(|old| old.name) != Some(name) {
                    return self.foreign();
                }
                self.event(Op::NewCell(name), Operands::new())
            }
            _ => self.foreign(),
        }
    }

    /// `LOAD_CLOSURE`.
    pub(super) fn load_closure(&mut self) -> Step {
        match self.cell(self.at.arg)? {
            Some(name) => self.load_cell(name),
            None => self.foreign(),
        }
    }

    /// `LOAD_DEREF` and its kin.
    pub(super) fn deref(&mut self, op: Opcode) -> Step {
        let Some(name) = self.cell(self.at.arg)? else { return self.foreign() };
        match op {
            Opcode::LOAD_DEREF => self.event(Op::Load(Space::Deref, name), Operands::new()),
            Opcode::LOAD_CLASSDEREF => self.event(Op::Load(Space::ClassDeref, name), Operands::new()),
            Opcode::LOAD_FROM_DICT_OR_DEREF => {
                let dict = self.value()?;
                self.event(Op::Load(Space::ClassDeref, name), smallvec![dict])
            }
            Opcode::STORE_DEREF => {
                let value = self.value()?;
                self.event(Op::Store(Space::Deref, name), smallvec![value])
            }
            _ => self.event(Op::Delete(Space::Deref, name), Operands::new()),
        }
    }

    /// `LOAD_GLOBAL`, from 3.11 on perhaps with a NULL for a call.
    pub(super) fn load_global(&mut self) -> Step {
        let (arg, series) = (self.at.arg, self.machine.series);
        if series < (3, 11) {
            let name = self.name(arg)?;
            return self.event(Op::Load(Space::Global, name), Operands::new());
        }
        let name = self.name(arg >> 1)?;
        let load = Op::Load(Space::Global, name);
        if arg & 1 == 0 {
            return self.event(load, Operands::new());
        }
        if series < (3, 13) {
            self.push(Symbol::Null)?;
            return self.event(load, Operands::new());
        }
        if self.part > 0 { self.pushed(Symbol::Null) } else { self.event_part(load, Operands::new(), Put::Push) }
    }

    /// A variable is loaded by name.
    pub(super) fn load_name(&mut self, space: Space) -> Step {
        let name = self.name(self.at.arg)?;
        let operands = if space == Space::ClassGlobal { smallvec![self.value()?] } else { Operands::new() };
        self.event(Op::Load(space, name), operands)
    }

    /// A variable is stored by name.
    pub(super) fn store_name(&mut self, space: Space) -> Step {
        let name = self.name(self.at.arg)?;
        let value = self.value()?;
        self.event(Op::Store(space, name), smallvec![value])
    }

    /// A variable is deleted by name.
    pub(super) fn delete_name(&mut self, space: Space) -> Step {
        let name = self.name(self.at.arg)?;
        self.event(Op::Delete(space, name), Operands::new())
    }
}
