//! The expected side: what a program does next, and what of it an optimiser may compute or leave out.

use ruff_text_size::TextRange;
use smallvec::SmallVec;
use smallvec::smallvec;

use crate::verify::Pool;
use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::event::Display;
use crate::verify::event::Event;
use crate::verify::event::Op;
use crate::verify::event::Operands;
use crate::verify::event::Space;
use crate::verify::event::Symbol;
use crate::verify::expected::Action;
use crate::verify::expected::Handler;
use crate::verify::expected::Register;
use crate::verify::fold;

use super::Simulation;
use super::pair::Place;

/// What the expected side does next.
#[derive(Debug)]
pub(super) struct Ahead {
    /// What.
    pub(super) what: AheadKind,
    /// What catches what it raises.
    pub(super) handler: Option<Handler>,
    /// The syntax that dictates it.
    pub(super) range: TextRange,
}

/// What can come next.
#[derive(Debug)]
pub(super) enum AheadKind {
    /// Something is done; its results go to registers from this one on.
    Event(Event, Register),
    /// A value is tested: where to go on when it is true, and when it is false.
    Test(Symbol, u32, u32),
    /// The next item of an iterator goes to a register; or it is exhausted.
    Iterate(Symbol, Register, u32),
    /// A loop that does nothing.
    Diverges,
    /// Nothing.
    Nowhere,
}

impl Simulation<'_, '_> {
    /// The expected side's next event. Its step stays at what is done next.
    pub(super) fn ahead(&mut self, place: &mut Place) -> Ahead {
        self.next_of(place, true)
    }

    /// As `ahead`; displays are joined or left as they are.
    fn next_of(&mut self, place: &mut Place, joins: bool) -> Ahead {
        let mut silent = self.program.len().saturating_mul(2).saturating_add(8);
        loop {
            let Some(step) = self.program.step(place.step) else {
                return Ahead { what: AheadKind::Nowhere, handler: None, range: TextRange::default() };
            };
            let (handler, range) = (step.handler, step.range);
            silent = silent.saturating_sub(1);
            if silent == 0 {
                return Ahead { what: AheadKind::Diverges, handler, range };
            }
            match &step.action {
                Action::Event(op, operands, register) => {
                    let operands = place.values(self.program.operands_of(*operands));
                    if let Some(results) = computed(op, &operands, self.series, self.pool) {
                        for (offset, constant) in (0..).zip(results) {
                            place.set(Register(register.0.saturating_add(offset)), constant);
                        }
                        place.step = place.step.saturating_add(1);
                        continue;
                    }
                    let (op, register) = (*op, *register);
                    if joins && let Some(joined) = self.joined_display(place, &op, &operands, register) {
                        return Ahead { what: AheadKind::Event(joined, register), handler, range };
                    }
                    return Ahead { what: AheadKind::Event(Event { op, operands }, register), handler, range };
                }
                Action::Move(register, operand) => {
                    let value = place.get(*operand);
                    place.set(*register, value);
                    place.step = place.step.saturating_add(1);
                }
                Action::Test(on, if_true, if_false) => {
                    let on = place.get(*on);
                    let (if_true, if_false) = (self.program.place(*if_true), self.program.place(*if_false));
                    match on {
                        Symbol::Const(constant) if let Some(truth) = self.pool.constants.truth(constant) => {
                            place.step = if truth { if_true } else { if_false };
                        }
                        _ => return Ahead { what: AheadKind::Test(on, if_true, if_false), handler, range },
                    }
                }
                Action::Iterate(iterator, register, done) => {
                    let iterator = place.get(*iterator);
                    return Ahead {
                        what: AheadKind::Iterate(iterator, *register, self.program.place(*done)),
                        handler,
                        range,
                    };
                }
                Action::Jump(label) => place.step = self.program.place(*label),
            }
        }
    }

    /// An empty list or set that a constant is put into at once, as the display that it is.
    fn joined_display(&mut self, place: &mut Place, op: &Op, operands: &[Symbol], register: Register) -> Option<Event> {
        let extend = match op {
            Op::Build(Display::List) => Op::ListExtend,
            Op::Build(Display::Set) => Op::SetUpdate,
            _ => return None,
        };
        if !operands.is_empty() {
            return None;
        }
        let mut look = place.clone();
        look.set(register, Symbol::Null);
        look.step = look.step.saturating_add(1);
        let AheadKind::Event(next, _) = self.next_of(&mut look, false).what else { return None };
        let (true, &[Symbol::Null, Symbol::Const(items)]) = (next.op == extend, &*next.operands) else { return None };
        let (Constant::Tuple(items) | Constant::FrozenSet(items)) = self.pool.constants.get(items) else { return None };
        if items.is_empty() {
            return None;
        }
        let operands = items.iter().copied().map(Symbol::Const).collect();
        *place = look;
        Some(Event { op: *op, operands })
    }
}

/// Whether an optimiser may compute what such an event gives, if it is of constants, or leave it out.
pub(super) fn may_be_computed(op: &Op, series: (u8, u8)) -> bool {
    match op {
        Op::Build(Display::Tuple | Display::Slice | Display::String)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Subscript
        | Op::Unpack(_)
        | Op::ListExtend
        | Op::SetUpdate => true,
        Op::Load(Space::Name | Space::Global, _) => series.0 == 2,
        _ => false,
    }
}

/// What an event gives that an optimiser may compute or leave out.
pub(super) fn computed(op: &Op, operands: &[Symbol], series: (u8, u8), pool: &mut Pool) -> Option<Operands> {
    if !may_be_computed(op, series) {
        return None;
    }
    if matches!(op, Op::Build(Display::String)) {
        return concatenated(operands, pool).map(|symbol| smallvec![symbol]);
    }
    if let (Op::ListExtend | Op::SetUpdate, &[_, Symbol::Const(items)]) = (op, operands)
        && let Constant::Tuple(items) | Constant::FrozenSet(items) = pool.constants.get(items)
        && items.is_empty()
    {
        return Some(Operands::new());
    }
    // Nothing can be bound to None, which in 2.x is a name that only the optimiser makes a constant.
    if let &Op::Load(Space::Name | Space::Global, name) = op
        && series.0 == 2
        && pool.names.get(name) == b"None"
    {
        return Some(smallvec![Symbol::Const(pool.constants.intern(Constant::None))]);
    }
    if !matches!(
        op,
        Op::Unary(_) | Op::Binary(_) | Op::Subscript | Op::Build(Display::Tuple | Display::Slice) | Op::Unpack(_)
    ) {
        return None;
    }
    let constant = |operand: &Symbol| if let Symbol::Const(id) = *operand { Some(id) } else { None };
    let constants: SmallVec<[ConstId; 4]> = operands.iter().map(constant).collect::<Option<_>>()?;
    let constant = match (op, &*constants) {
        (&Op::Unary(op), &[value]) => fold::unary(pool, op, value, series)?,
        (&Op::Binary(op), &[left, right]) => fold::binary(pool, op, left, right, series)?,
        (Op::Subscript, &[object, key]) => fold::subscript(pool, object, key, series)?,
        (Op::Build(Display::Tuple), items) => pool.constants.tuple(items),
        (Op::Build(Display::Slice), &[start, stop]) => {
            let none = pool.constants.intern(Constant::None);
            pool.constants.intern(Constant::Slice([start, stop, none]))
        }
        (Op::Build(Display::Slice), &[start, stop, stride]) => {
            pool.constants.intern(Constant::Slice([start, stop, stride]))
        }
        (&Op::Unpack(count), &[tuple]) => {
            let Constant::Tuple(items) = pool.constants.get(tuple) else { return None };
            let fits = usize::try_from(count).is_ok_and(|count| count == items.len());
            return fits.then(|| items.iter().copied().map(Symbol::Const).collect());
        }
        _ => return None,
    };
    Some(smallvec![Symbol::Const(constant)])
}

/// Formatted parts joined: nothing is added by empty ones, which some patch releases of 3.12 leave, and one alone is what it is.
fn concatenated(operands: &[Symbol], pool: &mut Pool) -> Option<Symbol> {
    let empty = Symbol::Const(pool.constants.text(""));
    let mut rest = operands.iter().copied().filter(|&operand| operand != empty);
    match (rest.next(), rest.next()) {
        (None, _) => Some(empty),
        (Some(only), None) => Some(only),
        _ => None,
    }
}
