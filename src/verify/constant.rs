//! Constants as both sides of the comparison share them: equal ones have one number.

use std::collections::HashMap;

use num_bigint::BigInt;

use super::event::NameId;

/// A constant in [`Constants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConstId(u32);

/// A constant. Types are told apart as the compiler does: `1`, `1.0` and `True` differ, and so do `0.0` and `-0.0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// `None`
    None,
    /// `True`
    True,
    /// `False`
    False,
    /// `...`
    Ellipsis,
    /// An int; in 2.x one that is no `long`.
    Int(BigInt),
    /// A `long` (2.x).
    Long(BigInt),
    /// The bits of a float.
    Float(u64),
    /// The bits of the parts of a complex number.
    Complex(u64, u64),
    /// Text, as UTF-8 in which surrogates are encoded like other characters; `unicode` in 2.x.
    Text(Box<[u8]>),
    /// Bytes; `str` in 2.x.
    Bytes(Box<[u8]>),
    /// A tuple.
    Tuple(Box<[ConstId]>),
    /// A frozenset; its items are sorted by their numbers.
    FrozenSet(Box<[ConstId]>),
    /// A slice: start, stop, step.
    Slice([ConstId; 3]),
    /// The cell of a variable, as a function is given in its closure.
    Cell(NameId),
    /// A code object of the bytecode, by its place.
    Code(u32),
}

/// All constants of one comparison.
#[derive(Debug, Default)]
pub struct Constants {
    values: Vec<Constant>,
    places: HashMap<Constant, ConstId>,
}

impl Constants {
    /// The number of a constant.
    pub fn intern(&mut self, constant: Constant) -> ConstId {
        if let Some(&id) = self.places.get(&constant) {
            return id;
        }
        let id = ConstId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(constant.clone());
        self.places.insert(constant, id);
        id
    }

    /// The constant of a number.
    pub fn get(&self, id: ConstId) -> &Constant {
        usize::try_from(id.0).ok().and_then(|index| self.values.get(index)).unwrap_or(&Constant::None)
    }
}
