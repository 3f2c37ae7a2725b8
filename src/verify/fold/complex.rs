//! Arithmetic of complex numbers, as Objects/complexobject.c has it. 3.14 no longer turns the real operand of a mixed operation into
//! a complex number, and recovers infinities as annex G of C99 does.

use crate::verify::constant::Constant;
use crate::verify::constant::float_bits;
use crate::verify::event::Binary;

/// A complex number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Complex {
    pub(super) real: f64,
    pub(super) imag: f64,
}

impl Complex {
    pub(super) fn constant(self) -> Constant {
        Constant::Complex(float_bits(self.real), float_bits(self.imag))
    }

    fn is_nan(self) -> bool {
        self.real.is_nan() && self.imag.is_nan()
    }

    fn is_infinite(self) -> bool {
        self.real.is_infinite() || self.imag.is_infinite()
    }

    fn is_finite(self) -> bool {
        self.real.is_finite() && self.imag.is_finite()
    }

    /// Infinite parts as ones, the others as zeros.
    fn boxed(self) -> Self {
        let boxed = |part: f64| f64::from(u8::from(part.is_infinite())).copysign(part);
        Self { real: boxed(self.real), imag: boxed(self.imag) }
    }

    /// Parts that are no numbers as zeros.
    fn without_nan(self) -> Self {
        let number = |part: f64| if part.is_nan() { 0.0_f64.copysign(part) } else { part };
        Self { real: number(self.real), imag: number(self.imag) }
    }
}

/// The series from which on mixed operands are kept apart, infinities recovered, and powers computed in another order.
const MIXED: (u8, u8) = (3, 14);

/// An operator on two complex numbers.
pub(super) fn binary(op: Binary, a: Complex, b: Complex, series: (u8, u8)) -> Option<Constant> {
    let value = match op {
        Binary::Add => Complex { real: a.real + b.real, imag: a.imag + b.imag },
        Binary::Subtract => Complex { real: a.real - b.real, imag: a.imag - b.imag },
        Binary::Multiply => product(a, b, series),
        Binary::TrueDivide | Binary::Divide => quotient(a, b, series)?,
        Binary::Power => return power(a, b, series),
        // 2.x has `//` and `%` of complex numbers, with a warning; no compiler folds what warns.
        _ => return None,
    };
    Some(value.constant())
}

/// An operator on a complex and a real number.
pub(super) fn with_real(op: Binary, a: Complex, b: f64, series: (u8, u8)) -> Option<Constant> {
    let value = match op {
        Binary::Add if series >= MIXED => Complex { real: a.real + b, imag: a.imag },
        Binary::Subtract if series >= MIXED => Complex { real: a.real - b, imag: a.imag },
        Binary::Multiply if series >= MIXED => Complex { real: a.real * b, imag: a.imag * b },
        Binary::TrueDivide if series >= MIXED && b == 0.0 => return None,
        Binary::TrueDivide if series >= MIXED => Complex { real: a.real / b, imag: a.imag / b },
        _ => return binary(op, a, Complex { real: b, imag: 0.0 }, series),
    };
    Some(value.constant())
}

/// An operator on a real and a complex number.
pub(super) fn real_with(op: Binary, a: f64, b: Complex, series: (u8, u8)) -> Option<Constant> {
    let value = match op {
        Binary::Add if series >= MIXED => Complex { real: a + b.real, imag: b.imag },
        Binary::Subtract if series >= MIXED => Complex { real: a - b.real, imag: -b.imag },
        Binary::Multiply if series >= MIXED => Complex { real: a * b.real, imag: a * b.imag },
        Binary::TrueDivide if series >= MIXED => real_quotient(a, b)?,
        _ => return binary(op, Complex { real: a, imag: 0.0 }, b, series),
    };
    Some(value.constant())
}

/// `_Py_c_prod`.
fn product(z: Complex, w: Complex, series: (u8, u8)) -> Complex {
    let parts = |z: Complex, w: Complex| [z.real * w.real, z.imag * w.imag, z.real * w.imag, z.imag * w.real];
    let [ac, bd, ad, bc] = parts(z, w);
    let result = Complex { real: ac - bd, imag: ad + bc };
    if series < MIXED || !result.is_nan() {
        return result;
    }
    let (mut boxed_z, mut boxed_w, mut recovers) = (z, w, false);
    if z.is_infinite() {
        (boxed_z, boxed_w, recovers) = (z.boxed(), w.without_nan(), true);
    }
    if boxed_w.is_infinite() {
        (boxed_z, boxed_w, recovers) = (boxed_z.without_nan(), boxed_w.boxed(), true);
    }
    if !recovers && [ac, bd, ad, bc].into_iter().any(f64::is_infinite) {
        (boxed_z, boxed_w, recovers) = (z.without_nan(), w.without_nan(), true);
    }
    if !recovers {
        return result;
    }
    let [ac, bd, ad, bc] = parts(boxed_z, boxed_w);
    Complex { real: f64::INFINITY * (ac - bd), imag: f64::INFINITY * (ad + bc) }
}

/// `_Py_c_quot`; `None` for a division by zero.
fn quotient(a: Complex, b: Complex, series: (u8, u8)) -> Option<Complex> {
    let (real, imag) = (b.real.abs(), b.imag.abs());
    let result = if real >= imag {
        if real == 0.0 {
            return None;
        }
        let ratio = b.imag / b.real;
        let denominator = b.real + b.imag * ratio;
        Complex { real: (a.real + a.imag * ratio) / denominator, imag: (a.imag - a.real * ratio) / denominator }
    } else if imag >= real {
        let ratio = b.real / b.imag;
        let denominator = b.real * ratio + b.imag;
        Complex { real: (a.real * ratio + a.imag) / denominator, imag: (a.imag * ratio - a.real) / denominator }
    } else {
        Complex { real: f64::NAN, imag: f64::NAN }
    };
    if series < MIXED || !result.is_nan() {
        return Some(result);
    }
    if a.is_infinite() && b.is_finite() {
        let Complex { real: x, imag: y } = a.boxed();
        return Some(Complex {
            real: f64::INFINITY * (x * b.real + y * b.imag),
            imag: f64::INFINITY * (y * b.real - x * b.imag),
        });
    }
    if b.is_infinite() && a.is_finite() {
        let Complex { real: x, imag: y } = b.boxed();
        return Some(Complex { real: 0.0 * (a.real * x + a.imag * y), imag: 0.0 * (a.imag * x - a.real * y) });
    }
    Some(result)
}

/// `_Py_rc_quot` (3.14).
fn real_quotient(a: f64, b: Complex) -> Option<Complex> {
    let (real, imag) = (b.real.abs(), b.imag.abs());
    let result = if real >= imag {
        if real == 0.0 {
            return None;
        }
        let ratio = b.imag / b.real;
        let denominator = b.real + b.imag * ratio;
        Complex { real: a / denominator, imag: (-a * ratio) / denominator }
    } else if imag >= real {
        let ratio = b.real / b.imag;
        let denominator = b.real * ratio + b.imag;
        Complex { real: (a * ratio) / denominator, imag: -a / denominator }
    } else {
        Complex { real: f64::NAN, imag: f64::NAN }
    };
    if result.is_nan() && a.is_finite() && b.is_infinite() {
        let Complex { real: x, imag: y } = b.boxed();
        return Some(Complex { real: 0.0 * (a * x), imag: 0.0 * (-a * y) });
    }
    Some(result)
}

/// Exponents up to which `complex_pow` multiplies.
const MOST_MULTIPLIED: f64 = 100.0;

/// `complex_pow`; `None` for a division by zero and for a result that is too large.
pub(super) fn power(a: Complex, b: Complex, series: (u8, u8)) -> Option<Constant> {
    let value = if b.imag == 0.0 && b.real.fract() == 0.0 && b.real.abs() <= MOST_MULTIPLIED {
        let one = Complex { real: 1.0, imag: 0.0 };
        let power = multiplied(a, b.real.abs(), series);
        if b.real > 0.0 { power } else { quotient(one, power, series)? }
    } else {
        polar_power(a, b, series)?
    };
    (!value.is_infinite()).then(|| value.constant())
}

/// `c_powu`: by squaring. The exponent is a whole number of at most [`MOST_MULTIPLIED`].
fn multiplied(base: Complex, exponent: f64, series: (u8, u8)) -> Complex {
    let mut result = Complex { real: 1.0, imag: 0.0 };
    let mut square = base;
    let mut left = exponent;
    while left >= 1.0 {
        if left % 2.0 > 0.0 {
            result = product(result, square, series);
        }
        left = (left / 2.0).floor();
        square = product(square, square, series);
    }
    result
}

/// `_Py_c_pow`.
fn polar_power(a: Complex, b: Complex, series: (u8, u8)) -> Option<Complex> {
    if b.real == 0.0 && b.imag == 0.0 {
        return Some(Complex { real: 1.0, imag: 0.0 });
    }
    if a.real == 0.0 && a.imag == 0.0 {
        let is_division = b.imag != 0.0 || b.real < 0.0;
        return (!is_division).then_some(Complex { real: 0.0, imag: 0.0 });
    }
    let absolute = a.real.hypot(a.imag);
    let mut length = absolute.powf(b.real);
    let angle = a.imag.atan2(a.real);
    let mut phase = angle * b.real;
    if b.imag != 0.0 {
        // The factor was a divisor before 3.14.
        if series >= MIXED {
            length *= (-angle * b.imag).exp();
        } else {
            length /= (angle * b.imag).exp();
        }
        phase += b.imag * absolute.ln();
    }
    // The cosine of infinity is an error of the domain (errno), which is reported as a division by zero.
    (!phase.is_infinite()).then(|| Complex { real: length * phase.cos(), imag: length * phase.sin() })
}
