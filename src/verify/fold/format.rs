//! `%` on strings, which 2.7 and 3.6 fold, and the backquotes of 2.x. Of both what modules have: strings and numbers.

use std::fmt::Write as _;
use std::str;

use num_bigint::BigInt;
use num_bigint::Sign;

use crate::pyc;
use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::constant::Constants;

use super::MOST_ITEMS;
use super::number;

/// Digits of an integer that are written: more take long.
const MOST_INTEGER_BITS: u64 = 1 << 12;

/// Tuples in tuples that are written.
const MOST_DEPTH: usize = 100;

/// Digits behind the point of a float.
const MOST_PRECISION: usize = 100;

/// `'..' % b`.
pub(super) fn remainder(
    constants: &Constants,
    left: &Constant,
    right: &Constant,
    series: (u8, u8),
) -> Option<Constant> {
    let format = match left {
        // The formatting of bytes of 3.6 has rules of its own.
        Constant::Bytes(format) if series.0 == 2 => format,
        Constant::Text(format) => format,
        _ => return None,
    };
    let values: Vec<&Constant> = match right {
        Constant::Tuple(items) => items.iter().map(|&item| constants.get(item)).collect(),
        value => vec![value],
    };
    // Text in a `str` of 2.x makes the whole of it text.
    let is_text = |constant: &Constant| matches!(constant, Constant::Text(_));
    let is_mixed = series.0 == 2 && (is_text(left) || values.iter().any(|&value| is_text(value)));
    let is_bytes = |constant: &Constant| matches!(constant, Constant::Bytes(_));
    if is_mixed && (!format.is_ascii() || values.iter().any(|&value| is_bytes(value))) {
        return None;
    }
    let mut writer = Writer { out: Vec::new(), values: values.into_iter(), series, is_text: is_mixed || is_text(left) };
    let mut rest: &[u8] = format;
    while let Some(at) = rest.iter().position(|&byte| byte == b'%') {
        let (before, behind) = rest.split_at_checked(at)?;
        writer.push(before)?;
        rest = writer.conversion(behind.get(1..)?)?;
    }
    writer.push(rest)?;
    // "not all arguments converted"
    if writer.values.next().is_some() {
        return None;
    }
    let out = writer.out.into();
    Some(if is_mixed || is_text(left) { Constant::Text(out) } else { Constant::Bytes(out) })
}

struct Writer<'a> {
    out: Vec<u8>,
    values: std::vec::IntoIter<&'a Constant>,
    series: (u8, u8),
    /// Whether text is written.
    is_text: bool,
}

impl<'a> Writer<'a> {
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.out.extend_from_slice(bytes);
        (self.out.len() <= MOST_ITEMS).then_some(())
    }

    /// One conversion; what is behind it. `None` for what is wrong or not done here.
    fn conversion<'b>(&mut self, format: &'b [u8]) -> Option<&'b [u8]> {
        let length = format.iter().take_while(|byte| b"-+ #0".contains(byte)).count();
        let (flags, mut rest) = format.split_at_checked(length)?;
        let (width, behind) = digits(rest)?;
        rest = behind;
        let mut precision = None;
        if let Some(behind) = rest.strip_prefix(b".") {
            let (number, behind) = digits(behind)?;
            precision = Some(number.unwrap_or(0));
            rest = behind;
        }
        let (&conversion, behind) = rest.split_first()?;
        let width = width.unwrap_or(0);
        match conversion {
            b'%' if flags.is_empty() && width == 0 && precision.is_none() => self.push(b"%")?,
            b's' | b'r' => {
                let value = self.values.next()?;
                let text = self.string(value, conversion)?;
                let shown = first(&text, precision)?;
                self.pad(shown, width, flags.contains(&b'-'))?;
            }
            b'c' => {
                let value = self.values.next()?;
                let text = self.character(value)?;
                self.pad(&text, width, flags.contains(&b'-'))?;
            }
            b'd' | b'i' | b'u' | b'x' | b'X' | b'o' if precision.is_none() => {
                let value = self.values.next()?;
                self.integer(&*number::index(value)?, conversion, flags, width)?;
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
                let value = self.values.next()?;
                self.float(value, conversion, flags, width, precision.unwrap_or(6))?;
            }
            _ => return None,
        }
        Some(behind)
    }

    /// A float, as `PyOS_double_to_string` writes it.
    fn float(&mut self, value: &Constant, conversion: u8, flags: &[u8], width: usize, precision: usize) -> Option<()> {
        let &Constant::Float(bits) = value else { return None };
        let number = f64::from_bits(bits);
        if !number.is_finite() || precision > MOST_PRECISION {
            return None;
        }
        let magnitude = number.abs();
        // There is a point then, and `%g` keeps its zeros.
        let is_long = flags.contains(&b'#');
        let mut digits = match conversion.to_ascii_lowercase() {
            b'f' => format!("{magnitude:.precision$}"),
            b'e' => scientific(magnitude, precision)?,
            _ => general(magnitude, precision.max(1), is_long)?,
        };
        if is_long && !digits.contains('.') {
            digits.insert(digits.find('e').unwrap_or(digits.len()), '.');
        }
        if conversion.is_ascii_uppercase() {
            digits.make_ascii_uppercase();
        }
        let sign = if number.is_sign_negative() { "-" } else { plus(flags) };
        self.signed(sign, "", &digits, flags, width)
    }

    /// `str` or `repr` of a value.
    fn string(&self, value: &'a Constant, conversion: u8) -> Option<Vec<u8>> {
        match value {
            Constant::Text(bytes) if conversion == b's' => Some(bytes.to_vec()),
            Constant::Bytes(bytes) if conversion == b's' && self.series.0 == 2 => Some(bytes.to_vec()),
            Constant::Bytes(bytes) if self.series.0 == 2 && bytes.len() <= MOST_ITEMS / 4 => {
                let mut text = String::new();
                write_quoted(bytes.iter().map(|&byte| char::from(byte)), bytes, &mut text);
                Some(text.into_bytes())
            }
            Constant::Int(number) | Constant::Long(number) if number.bits() <= MOST_INTEGER_BITS => {
                let mut text = number.to_string();
                if matches!(value, Constant::Long(_)) && conversion == b'r' {
                    text.push('L');
                }
                Some(text.into_bytes())
            }
            Constant::None => Some(b"None".to_vec()),
            Constant::True => Some(b"True".to_vec()),
            Constant::False => Some(b"False".to_vec()),
            _ => None,
        }
    }

    fn character(&self, value: &Constant) -> Option<Vec<u8>> {
        match value {
            Constant::Text(bytes) => {
                let text = str::from_utf8(bytes).ok()?;
                (text.chars().count() == 1).then(|| bytes.to_vec())
            }
            Constant::Bytes(bytes) if self.series.0 == 2 => (bytes.len() == 1).then(|| bytes.to_vec()),
            value if self.is_text => {
                let code = u32::try_from(number::index(value)?.as_ref()).ok()?;
                // A narrow build of 2.7 has no character beyond the basic plane.
                let is_known = self.series.0 == 3 || code <= 0xffff;
                is_known.then(|| char::from_u32(code)).flatten().map(|character| character.to_string().into_bytes())
            }
            value => Some(vec![u8::try_from(number::index(value)?.as_ref()).ok()?]),
        }
    }

    fn pad(&mut self, text: &[u8], width: usize, left: bool) -> Option<()> {
        if width > 0 && !text.is_ascii() {
            return None;
        }
        let blanks = vec![b' '; width.saturating_sub(text.len())];
        if left {
            self.push(text)?;
            return self.push(&blanks);
        }
        self.push(&blanks)?;
        self.push(text)
    }

    fn integer(&mut self, number: &BigInt, conversion: u8, flags: &[u8], width: usize) -> Option<()> {
        if number.bits() > MOST_INTEGER_BITS {
            return None;
        }
        let magnitude = number.magnitude();
        let (prefix, digits) = match conversion {
            b'x' => ("0x", format!("{magnitude:x}")),
            b'X' => ("0X", format!("{magnitude:X}")),
            b'o' if self.series.0 == 2 && magnitude.bits() == 0 => ("", "0".to_owned()),
            b'o' if self.series.0 == 2 => ("0", format!("{magnitude:o}")),
            b'o' => ("0o", format!("{magnitude:o}")),
            _ => ("", magnitude.to_string()),
        };
        let sign = match number.sign() {
            Sign::Minus => "-",
            _ => plus(flags),
        };
        let prefix = if flags.contains(&b'#') { prefix } else { "" };
        self.signed(sign, prefix, &digits, flags, width)
    }

    /// A number to its width: zeros come behind its sign and prefix.
    fn signed(&mut self, sign: &str, prefix: &str, digits: &str, flags: &[u8], width: usize) -> Option<()> {
        let length = sign.len().saturating_add(prefix.len()).saturating_add(digits.len());
        let zeros = if flags.contains(&b'0') && !flags.contains(&b'-') { width.saturating_sub(length) } else { 0 };
        let text = format!("{sign}{prefix}{}{digits}", "0".repeat(zeros));
        self.pad(text.as_bytes(), width, flags.contains(&b'-'))
    }
}

/// The sign of what is not negative.
fn plus(flags: &[u8]) -> &'static str {
    if flags.contains(&b'+') {
        "+"
    } else if flags.contains(&b' ') {
        " "
    } else {
        ""
    }
}

/// A float with an exponent, which has two digits or more in C.
fn scientific(number: f64, precision: usize) -> Option<String> {
    let written = format!("{number:.precision$e}");
    let (digits, exponent) = written.split_once('e')?;
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    Some(format!("{digits}e{sign}{exponent:0>2}"))
}

/// A float in whichever form is shorter (`%g`), with so many digits at most.
fn general(number: f64, digits: usize, is_long: bool) -> Option<String> {
    let written = scientific(number, digits.checked_sub(1)?)?;
    let (mantissa, exponent) = written.split_once('e')?;
    let place: i64 = exponent.parse().ok()?;
    let trim = |text: &str| {
        let has_zeros = text.contains('.') && !is_long;
        if has_zeros { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    let most = i64::try_from(digits).ok()?;
    if place < -4 || place >= most {
        return Some(format!("{}e{exponent}", trim(mantissa)));
    }
    let precision = usize::try_from(most.checked_sub(1)?.checked_sub(place)?).ok()?;
    Some(trim(&format!("{number:.precision$}")))
}

/// As much of a string as the precision lets through.
fn first(text: &[u8], precision: Option<usize>) -> Option<&[u8]> {
    let Some(precision) = precision else { return Some(text) };
    if text.is_ascii() {
        return Some(text.get(..precision).unwrap_or(text));
    }
    // Characters or bytes: not worth telling apart.
    (text.len() <= precision).then_some(text)
}

/// A number at the beginning, if there is one; `None` when it is larger than anything that is made here.
fn digits(bytes: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = bytes.split_at_checked(length)?;
    if number.is_empty() {
        return Some((None, rest));
    }
    let number = str::from_utf8(number).ok()?.parse().ok().filter(|&number| number <= MOST_ITEMS)?;
    Some((Some(number), rest))
}

/// `repr` of a constant of 2.x, as far as it is known exactly.
pub(super) fn repr(constants: &Constants, constant: ConstId) -> Option<String> {
    let mut text = String::new();
    write_repr(constants, constant, &mut text, MOST_DEPTH)?;
    Some(text)
}

fn write_repr(constants: &Constants, constant: ConstId, text: &mut String, depth: usize) -> Option<()> {
    // Writing to a `String` cannot fail.
    match constants.get(constant) {
        Constant::None => text.push_str("None"),
        Constant::Int(number) if number.bits() <= MOST_INTEGER_BITS => {
            let _ = write!(text, "{number}");
        }
        Constant::Long(number) if number.bits() <= MOST_INTEGER_BITS => {
            let _ = write!(text, "{number}L");
        }
        &Constant::Float(bits) => text.push_str(&pyc::repr::float(f64::from_bits(bits))),
        &Constant::Complex(real, imag) => {
            text.push_str(&pyc::repr::complex(f64::from_bits(real), f64::from_bits(imag)));
        }
        Constant::Bytes(bytes) if bytes.len() <= MOST_ITEMS / 4 => {
            write_quoted(bytes.iter().map(|&byte| char::from(byte)), bytes, text);
        }
        // Surrogates that stand alone are no UTF-8.
        Constant::Text(bytes) if bytes.len() <= MOST_ITEMS / 4 => {
            text.push('u');
            write_quoted(str::from_utf8(bytes).ok()?.chars(), bytes, text);
        }
        Constant::Tuple(items) => {
            let depth = depth.checked_sub(1)?;
            text.push('(');
            for (place, &item) in items.iter().enumerate() {
                if place > 0 {
                    text.push_str(", ");
                }
                write_repr(constants, item, text, depth)?;
            }
            text.push_str(if items.len() == 1 { ",)" } else { ")" });
        }
        _ => return None,
    }
    (text.len() <= MOST_ITEMS).then_some(())
}

/// A string of 2.x in its quotes.
fn write_quoted(characters: impl Iterator<Item = char>, bytes: &[u8], text: &mut String) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    text.push(quote);
    for character in characters {
        match character {
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\\' => text.push_str("\\\\"),
            ' '..='~' => {
                if character == quote {
                    text.push('\\');
                }
                text.push(character);
            }
            _ => {
                let number = u32::from(character);
                let _ = match number {
                    0..0x100 => write!(text, "\\x{number:02x}"),
                    0x100..0x1_0000 => write!(text, "\\u{number:04x}"),
                    _ => write!(text, "\\U{number:08x}"),
                };
            }
        }
    }
    text.push(quote);
}
