//! Arithmetic: ints of any size, floats, and what becomes of mixed operands.

use std::borrow::Cow;

use num_bigint::BigInt;
use num_bigint::Sign;
use num_traits::ToPrimitive as _;

use crate::verify::constant::Constant;
use crate::verify::constant::float_bits;
use crate::verify::event::Binary;
use crate::verify::event::Unary;

use super::MOST_BITS;
use super::complex;
use super::complex::Complex;

/// A number as operators see it: `True` is `1`.
#[derive(Clone, Debug)]
enum Number<'a> {
    /// An int; whether it is a `long` of 2.x.
    Int(Cow<'a, BigInt>, bool),
    Float(f64),
    Complex(Complex),
}

fn number(constant: &Constant) -> Option<Number<'_>> {
    Some(match constant {
        Constant::True => Number::Int(Cow::Owned(1.into()), false),
        Constant::False => Number::Int(Cow::Owned(BigInt::ZERO), false),
        Constant::Int(number) => Number::Int(Cow::Borrowed(number), false),
        Constant::Long(number) => Number::Int(Cow::Borrowed(number), true),
        &Constant::Float(bits) => Number::Float(f64::from_bits(bits)),
        &Constant::Complex(real, imag) => {
            Number::Complex(Complex { real: f64::from_bits(real), imag: f64::from_bits(imag) })
        }
        _ => return None,
    })
}

/// An int as an operand: for repetition and subscripts.
pub(super) fn index(constant: &Constant) -> Option<Cow<'_, BigInt>> {
    match number(constant)? {
        Number::Int(number, _) => Some(number),
        Number::Float(_) | Number::Complex(_) => None,
    }
}

/// An int result. An `int` of 2.x that overflows becomes a `long`: those of 64 bits, as everywhere but on Windows.
fn int(value: BigInt, is_long: bool, series: (u8, u8)) -> Constant {
    if series.0 == 2 && (is_long || i64::try_from(&value).is_err()) {
        Constant::Long(value)
    } else {
        Constant::Int(value)
    }
}

fn float(value: f64) -> Constant {
    Constant::Float(float_bits(value))
}

/// `-`, `+` and `~`.
pub(super) fn unary(op: Unary, operand: &Constant, series: (u8, u8)) -> Option<Constant> {
    Some(match (op, number(operand)?) {
        (Unary::Negative, Number::Int(value, is_long)) => int(-value.as_ref(), is_long, series),
        (Unary::Positive, Number::Int(value, is_long)) => int(value.into_owned(), is_long, series),
        (Unary::Invert, Number::Int(value, is_long)) => int(!value.as_ref(), is_long, series),
        (Unary::Negative, Number::Float(value)) => float(-value),
        (Unary::Positive, Number::Float(value)) => float(value),
        (Unary::Negative, Number::Complex(value)) => Complex { real: -value.real, imag: -value.imag }.constant(),
        (Unary::Positive, Number::Complex(value)) => value.constant(),
        _ => return None,
    })
}

/// An operator on two numbers.
pub(super) fn binary(op: Binary, left: &Constant, right: &Constant, series: (u8, u8)) -> Option<Constant> {
    // `bool` has its own `&`, `|` and `^` (Objects/boolobject.c).
    if let (Constant::True | Constant::False, Constant::True | Constant::False) = (left, right) {
        let (a, b) = (*left == Constant::True, *right == Constant::True);
        let truth = match op {
            Binary::And => Some(a && b),
            Binary::Or => Some(a || b),
            Binary::Xor => Some(a != b),
            _ => None,
        };
        if let Some(truth) = truth {
            return Some(if truth { Constant::True } else { Constant::False });
        }
    }
    match (number(left)?, number(right)?) {
        (Number::Int(a, a_long), Number::Int(b, b_long)) => integers(op, &a, &b, a_long || b_long, series),
        (Number::Complex(a), Number::Complex(b)) => complex::binary(op, a, b, series),
        (Number::Complex(a), b) => complex::with_real(op, a, real(&b)?, series),
        (a, Number::Complex(b)) => complex::real_with(op, real(&a)?, b, series),
        (a, b) => floats(op, real(&a)?, real(&b)?, series),
    }
}

/// A number as a float; `None` when it is too large (OverflowError).
fn real(number: &Number<'_>) -> Option<f64> {
    match number {
        Number::Int(value, _) => value.to_f64().filter(|value| value.is_finite()),
        &Number::Float(value) => Some(value),
        Number::Complex(_) => None,
    }
}

fn integers(op: Binary, a: &BigInt, b: &BigInt, is_long: bool, series: (u8, u8)) -> Option<Constant> {
    let is_zero = b.sign() == Sign::NoSign;
    let value = match op {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply if a.bits().saturating_add(b.bits()) <= MOST_BITS => a * b,
        Binary::TrueDivide => return quotient(a, b).map(float),
        Binary::FloorDivide | Binary::Divide if !is_zero => floor_divide(a, b).0,
        Binary::Remainder if !is_zero => floor_divide(a, b).1,
        Binary::Power if b.sign() == Sign::Minus => {
            let real = |value: &BigInt| value.to_f64().filter(|value| value.is_finite());
            return power(real(a)?, real(b)?, series);
        }
        Binary::Power => integer_power(a, b)?,
        Binary::LeftShift if b.sign() != Sign::Minus => {
            // Zero may be shifted by any number from 3.7 on, and by what a machine word holds before.
            if a.sign() == Sign::NoSign && (series >= (3, 7) || i64::try_from(b).is_ok()) {
                BigInt::ZERO
            } else {
                let count = u64::try_from(b).ok()?;
                if a.bits().saturating_add(count) > MOST_BITS {
                    return None;
                }
                a << count
            }
        }
        Binary::RightShift if b.sign() != Sign::Minus => match u64::try_from(b) {
            Ok(count) if i64::try_from(count).is_ok() => a >> count,
            _ if series < (3, 7) => return None,
            _ if a.sign() == Sign::Minus => BigInt::from(-1),
            _ => BigInt::ZERO,
        },
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        _ => return None,
    };
    Some(int(value, is_long, series))
}

/// Quotient and remainder, rounded down.
fn floor_divide(a: &BigInt, b: &BigInt) -> (BigInt, BigInt) {
    let (quotient, remainder) = (a / b, a % b);
    if remainder.sign() != Sign::NoSign && remainder.sign() != b.sign() {
        return (quotient - 1, remainder + b);
    }
    (quotient, remainder)
}

fn integer_power(base: &BigInt, exponent: &BigInt) -> Option<BigInt> {
    if exponent.sign() == Sign::NoSign {
        return Some(1.into());
    }
    if base.bits() <= 1 {
        let is_odd = exponent.bit(0);
        return Some(if base.sign() == Sign::Minus && !is_odd { 1.into() } else { base.clone() });
    }
    let exponent = u32::try_from(exponent).ok()?;
    (base.bits().saturating_mul(u64::from(exponent)) <= MOST_BITS).then(|| base.pow(exponent))
}

/// The nearest float to a quotient, ties to even, as `long_true_divide` of Objects/longobject.c has it; `None` for a division
/// by zero and for a result that is too large.
fn quotient(a: &BigInt, b: &BigInt) -> Option<f64> {
    if b.sign() == Sign::NoSign {
        return None;
    }
    let is_negative = (a.sign() == Sign::Minus) != (b.sign() == Sign::Minus);
    let (a, b) = (a.magnitude(), b.magnitude());
    if a.bits() == 0 {
        return Some(if is_negative { -0.0 } else { 0.0 });
    }
    let bits = |number: u64| i64::try_from(number).ok();
    // The quotient is scaled so that it has 55 or 56 bits, or fewer if it is subnormal: at least two below the last that is kept.
    let shift = (bits(a.bits())? - bits(b.bits())? - 55).max(-1076);
    let amount = shift.unsigned_abs();
    let (scaled_a, scaled_b) = if shift < 0 { (a << amount, b.clone()) } else { (a.clone(), b << amount) };
    let whole = &scaled_a / &scaled_b;
    let is_inexact = &whole * &scaled_b != scaled_a;
    // Below the two bits only whether there is anything matters.
    let mut digits = u64::try_from(&whole).ok()?;
    if is_inexact {
        digits |= 1;
    }
    // Rounded to as many bits as the result can have: exact from here on.
    let length = 64 - i64::from(digits.leading_zeros());
    let dropped = (length - 53).max(-1074 - shift).max(0);
    if dropped > 0 {
        let half = 1_u64 << (dropped - 1);
        let rest = digits & ((half << 1) - 1);
        digits >>= dropped;
        if rest > half || rest == half && digits & 1 == 1 {
            digits += 1;
        }
    }
    let value = scaled(digits, shift + dropped)?;
    Some(if is_negative { -value } else { value })
}

/// An integer of at most 53 bits times a power of two, which is exact; `None` when it is too large.
fn scaled(digits: u64, exponent: i64) -> Option<f64> {
    let mut value = digits.to_f64()?;
    let mut left = exponent;
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        // In steps down only the last may be inexact, and it is not: the digits were rounded for it.
        value *= f64::from(2).powi(i32::try_from(step).ok()?);
        left -= step;
    }
    value.is_finite().then_some(value)
}

fn floats(op: Binary, a: f64, b: f64, series: (u8, u8)) -> Option<Constant> {
    Some(float(match op {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::TrueDivide | Binary::Divide if b != 0.0 => a / b,
        Binary::FloorDivide if b != 0.0 => floor_quotient(a, b),
        Binary::Remainder if b != 0.0 => remainder(a, b),
        Binary::Power => return power(a, b, series),
        _ => return None,
    }))
}

/// `float_rem` of Objects/floatobject.c.
fn remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest == 0.0 {
        return 0.0_f64.copysign(b);
    }
    if (b < 0.0) == (rest < 0.0) { rest } else { rest + b }
}

/// `_float_div_mod` of Objects/floatobject.c.
fn floor_quotient(a: f64, b: f64) -> f64 {
    let rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0.0_f64.copysign(a / b);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

/// `float_pow` of Objects/floatobject.c.
#[expect(clippy::float_cmp, reason = "one is one exactly")]
fn power(base: f64, exponent: f64, series: (u8, u8)) -> Option<Constant> {
    if exponent == 0.0 || base == 1.0 {
        return Some(float(1.0));
    }
    if base.is_nan() || exponent.is_nan() {
        return Some(float(f64::NAN));
    }
    // An infinite exponent comes first, so that `0.0 ** -inf` is infinite.
    if base == 0.0 && exponent < 0.0 && exponent.is_finite() {
        return None;
    }
    if base.is_infinite() || exponent.is_infinite() || base == 0.0 {
        return Some(float(base.powf(exponent)));
    }
    if base < 0.0 && exponent.fract() != 0.0 {
        if series.0 == 2 {
            return None;
        }
        return complex::power(Complex { real: base, imag: 0.0 }, Complex { real: exponent, imag: 0.0 }, series);
    }
    let value = base.powf(exponent);
    value.is_finite().then(|| float(value))
}
