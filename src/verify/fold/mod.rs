//! Operators on constants, computed as CPython computes them.
//!
//! Which version folds what, and where, does not matter to the comparison: whatever is folded on one side is folded on the other by
//! the same function. So bounds here are wider than those of any compiler. `None` is what CPython raises an exception for, what
//! is beyond the bounds, and what no version folds (comparisons are not even here).
//!
//! Powers and polar forms are those of the system's mathematical library, as they were for whoever compiled; the last bit may
//! differ between systems.

mod complex;
mod format;
mod number;
mod sequence;
#[cfg(test)]
mod tests;

use super::Pool;
use super::constant::ConstId;
use super::constant::Constant;
use super::event::Binary;
use super::event::Unary;

/// Bits of an integer result. CPython keeps to 128 from 3.7 on; 3.6 multiplies and 2.7 shifts without a bound.
const MOST_BITS: u64 = 1 << 20;

/// Items or bytes of a sequence that is made; CPython's largest is 4,096.
const MOST_ITEMS: usize = 1 << 16;

/// A unary operator on a constant.
pub fn unary(pool: &mut Pool, op: Unary, operand: ConstId, series: (u8, u8)) -> Option<ConstId> {
    let constants = &mut pool.constants;
    let size = size(constants.get(operand));
    if !constants.spend(size) {
        return None;
    }
    match op {
        Unary::Not => {
            let truth = constants.truth(operand)?;
            Some(constants.bool(!truth))
        }
        Unary::Repr if series.0 == 2 => {
            let text = format::repr(constants, operand)?;
            // A tuple is far longer than what it is made of.
            if !constants.spend(u64::try_from(text.len()).ok()?) {
                return None;
            }
            Some(constants.intern(Constant::Bytes(text.into_bytes().into())))
        }
        Unary::Repr => None,
        Unary::Negative | Unary::Positive | Unary::Invert => {
            let result = number::unary(op, constants.get(operand), series)?;
            Some(constants.intern(result))
        }
    }
}

/// A binary operator on constants; also that of an augmented assignment, which for constants is the same.
pub fn binary(pool: &mut Pool, op: Binary, left: ConstId, right: ConstId, series: (u8, u8)) -> Option<ConstId> {
    let constants = &mut pool.constants;
    let (a, b) = (constants.get(left), constants.get(right));
    let work = match op {
        // The product of two large ones takes more than their lengths.
        Binary::Multiply | Binary::Power | Binary::FloorDivide | Binary::Divide | Binary::TrueDivide => {
            size(a).saturating_mul(size(b)).saturating_div(64).saturating_add(size(a)).saturating_add(size(b))
        }
        Binary::Remainder => size(a).saturating_mul(size(b)).saturating_div(64).saturating_add(size(a)),
        _ => size(a).saturating_add(size(b)),
    };
    if !constants.spend(work) {
        return None;
    }
    let (a, b) = (constants.get(left), constants.get(right));
    let result = match number::binary(op, a, b, series) {
        Some(result) => result,
        None => match op {
            Binary::Add => sequence::add(a, b, series)?,
            Binary::Multiply => sequence::multiply(a, b, series)?,
            // CPython from 3.7 on leaves it alone (`safe_mod` in Python/ast_opt.c).
            Binary::Remainder if series < (3, 7) => format::remainder(constants, a, b, series)?,
            _ => return None,
        },
    };
    if !constants.spend(size(&result)) {
        return None;
    }
    Some(constants.intern(result))
}

/// `a[b]` of constants.
pub fn subscript(pool: &mut Pool, value: ConstId, key: ConstId, series: (u8, u8)) -> Option<ConstId> {
    let constants = &mut pool.constants;
    let work = size(constants.get(value));
    if !constants.spend(work) {
        return None;
    }
    let result = match sequence::subscript(constants, value, key, series)? {
        sequence::Item::Known(id) => return Some(id),
        sequence::Item::New(constant) => constant,
    };
    Some(constants.intern(result))
}

/// What an operation with it costs at least: its bytes or items.
fn size(constant: &Constant) -> u64 {
    let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
    match constant {
        Constant::Int(number) | Constant::Long(number) => number.bits() / 8 + 1,
        Constant::Text(bytes) | Constant::Bytes(bytes) => count(bytes.len()).saturating_add(1),
        Constant::Tuple(items) | Constant::FrozenSet(items) => count(items.len()).saturating_add(1),
        _ => 1,
    }
}
