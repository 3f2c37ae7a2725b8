//! Loads, which are most of what code does, straight from the instruction.
//!
//! What is not as simple as that (cells in slots that comprehensions put aside, exceptions as objects, 2.x) goes the long way through
//! [`Machine::step`] and [`Machine::resume`], which do the same.

use crate::pyc::instruction::Cut;
use crate::pyc::opcodes::Op as Opcode;
use crate::pyc::opcodes::Use;
use crate::verify::event::NameId;
use crate::verify::event::Op;
use crate::verify::event::Space;
use crate::verify::event::Symbol;

use super::Machine;
use super::Put;
use super::State;

/// A load that has begun: its operand is taken from the stack.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Load {
    /// By which instruction.
    pub(in super::super) at: u32,
    /// Where execution goes on.
    end: u32,
    /// Whether a method is loaded.
    is_method: bool,
    /// Whether NULL is pushed behind what is loaded.
    has_null: bool,
    /// The slot from which it is borrowed.
    lent: Option<u32>,
}

/// NULL beside what `LOAD_GLOBAL` loads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    No,
    Below,
    Above,
}

impl Machine<'_> {
    /// Begins what is done next, if that is a load, of exactly this kind and name and of an attribute of exactly this value.
    /// [`Machine::loaded`] goes on. Otherwise the state stays what it is.
    pub(in super::super) fn load(&self, state: &mut State, op: Op, object: Option<Symbol>) -> Option<Load> {
        let at = self.instruction(state.offset)?;
        let row = at.row.filter(|row| row.used == Use::Compiled)?;
        if self.series.0 == 2 || !state.is_at_start() || state.keywords.is_some() || at.cut != Cut::No {
            return None;
        }
        let arg = at.arg;
        let (mut null, mut is_method, mut lent) = (Null::No, false, None);
        let is_it = match (row.op, op) {
            (Opcode::LOAD_FAST | Opcode::LOAD_FAST_CHECK | Opcode::LOAD_FAST_BORROW, Op::Load(Space::Fast, name)) => {
                lent = (row.op == Opcode::LOAD_FAST_BORROW).then_some(arg);
                state.aside.is_empty() && self.slot(arg, false) == Some(name)
            }
            (Opcode::LOAD_DEREF, Op::Load(Space::Deref, name)) if self.has_blocks() => {
                get(&self.cells, arg).copied().flatten() == Some(name)
            }
            (Opcode::LOAD_DEREF, Op::Load(Space::Deref, name)) => {
                state.aside.is_empty() && self.slot(arg, true) == Some(name)
            }
            (Opcode::LOAD_NAME, Op::Load(Space::Name, name)) => self.is_name(arg, name),
            (Opcode::LOAD_GLOBAL, Op::Load(Space::Global, name)) if self.series < (3, 11) => self.is_name(arg, name),
            (Opcode::LOAD_GLOBAL, Op::Load(Space::Global, name)) => {
                null = match arg & 1 {
                    0 => Null::No,
                    _ if self.series < (3, 13) => Null::Below,
                    _ => Null::Above,
                };
                self.is_name(arg >> 1, name)
            }
            (Opcode::LOAD_ATTR, Op::LoadAttr(name)) if self.series < (3, 12) => self.is_name(arg, name),
            (Opcode::LOAD_ATTR, Op::LoadAttr(name)) => {
                is_method = arg & 1 != 0;
                self.is_name(arg >> 1, name)
            }
            (Opcode::LOAD_METHOD, Op::LoadAttr(name)) => {
                is_method = true;
                self.is_name(arg, name)
            }
            _ => false,
        };
        let is_attribute = matches!(op, Op::LoadAttr(_));
        let is_of_it = match object {
            Some(Symbol::Id(_) | Symbol::Const(_)) => is_attribute && state.stack.last().copied() == object,
            Some(_) => false,
            None => !is_attribute,
        };
        // What is borrowed and then loaded from is for the long way.
        let is_plain = !is_method || state.known.is_empty();
        let pushed = if is_method || null != Null::No { 2 } else { 1 };
        let depth = state.stack.len().saturating_sub(usize::from(is_attribute)).saturating_add(pushed);
        if !is_it || !is_of_it || !is_plain || depth > self.depth {
            return None;
        }
        self.mark(state.offset);
        if is_attribute {
            state.stack.pop();
        }
        if null == Null::Below {
            state.stack.push(Symbol::Null);
        }
        Some(Load { at: at.start, end: at.end, is_method, has_null: null == Null::Above, lent })
    }

    /// Goes on behind a load with its result.
    pub(in super::super) fn loaded(&self, state: &mut State, load: Load, result: Symbol) {
        state.lent = load.lent;
        state.put(if load.is_method { Put::Method } else { Put::Push }, &[result], self.none);
        if load.has_null {
            state.stack.push(Symbol::Null);
        }
        state.offset = load.end;
    }

    /// The name of a slot that is a cell, or is none.
    pub(super) fn slot(&self, slot: u32, is_cell: bool) -> Option<NameId> {
        get(&self.locals, slot).filter(|local| local.is_cell == is_cell && !local.is_shadowed)?.name
    }

    pub(super) fn is_name(&self, index: u32, name: NameId) -> bool {
        get(&self.names, index).copied().flatten() == Some(name)
    }
}

/// What is at an index that an instruction has.
pub(super) fn get<T>(all: &[T], index: u32) -> Option<&T> {
    all.get(usize::try_from(index).ok()?)
}
