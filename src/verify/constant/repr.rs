//! Constants exactly as `repr` of Python 3 writes them, which is what annotations kept as text hold.
//!
//! What cannot be told exactly is not written: sets, whose order is chance; characters that some versions take for printable and others
//! not; what is too large.

use std::str;

use crate::pyc::repr;

use super::ConstId;
use super::Constant;
use super::Constants;

/// Bits of an integer that is written: its writing takes the square of its length. CPython of today writes 4,300 digits.
const MOST_BITS: u64 = 1 << 14;

/// Bytes of one constant. A tuple of tuples of tuples is many times longer than the operators that make it.
const MOST_BYTES: usize = 1 << 20;

/// Characters of which 3.7 (Unicode 11) to 3.13 (15.1) and the standard library say the same. All others outside of ASCII are rare.
const SETTLED: [(u32, u32); 15] = [
    (0x20, 0x61c),
    (0x61e, 0x86f),
    (0xecf, 0x170c),
    (0x1dfb, 0x20bf),
    (0x20c2, 0x2426),
    (0x242a, 0x2b95),
    (0x3000, 0x31ba),
    (0x3300, 0x4db5),
    (0x4dc0, 0x9fef),
    (0xa000, 0xa7b9),
    (0xab6c, 0xfbc1),
    (0xfe00, 0xffff),
    (0x1f1ae, 0x1f6d4),
    (0x2_0000, 0x2_a6d6),
    (0x3_347a, 0x10_ffff),
];

impl Constants {
    /// A constant as Python 3 writes it; `None` where that is not known exactly, and when all that may be done was done.
    pub(in crate::verify) fn repr(&mut self, id: ConstId) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        self.write_repr(id, &mut out)?;
        Some(out)
    }

    fn write_repr(&mut self, id: ConstId, out: &mut Vec<u8>) -> Option<()> {
        let constant = self.get(id).clone();
        let before = out.len();
        match constant {
            Constant::None => out.extend(b"None"),
            Constant::True => out.extend(b"True"),
            Constant::False => out.extend(b"False"),
            Constant::Ellipsis => out.extend(b"Ellipsis"),
            Constant::Int(number) if number.bits() <= MOST_BITS => out.extend(number.to_string().into_bytes()),
            Constant::Float(bits) => out.extend(repr::float(f64::from_bits(bits)).into_bytes()),
            Constant::Complex(real, imag) => {
                out.extend(repr::complex(f64::from_bits(real), f64::from_bits(imag)).into_bytes());
            }
            Constant::Text(text) => quoted_text(&text, out)?,
            Constant::Bytes(bytes) => {
                out.push(b'b');
                quoted_bytes(&bytes, out);
            }
            Constant::Tuple(items) => {
                self.write_items_repr(b"(", &items, if items.len() == 1 { b",)" } else { b")" }, out)?;
            }
            Constant::FrozenSet(items) if items.len() <= 1 => {
                self.write_items_repr(b"frozenset({", &items, b"})", out)?;
            }
            _ => return None,
        }
        let written = out.len().saturating_sub(before);
        (out.len() <= MOST_BYTES && self.spend(u64::try_from(written).ok()?)).then_some(())
    }

    fn write_items_repr(&mut self, open: &[u8], items: &[ConstId], close: &[u8], out: &mut Vec<u8>) -> Option<()> {
        out.extend(open);
        for (place, &item) in items.iter().enumerate() {
            if place > 0 {
                out.extend(b", ");
            }
            self.write_repr(item, out)?;
        }
        out.extend(close);
        Some(())
    }
}

/// Text, UTF-8 in which surrogates may stand alone, as `unicode_repr` writes it.
pub(in crate::verify) fn quoted_text(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let quote = quote(bytes);
    out.push(quote);
    let mut rest = bytes;
    while !rest.is_empty() {
        let valid = str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
        let (text, bad) = rest.split_at_checked(valid)?;
        for character in str::from_utf8(text).ok()?.chars() {
            write_character(character, quote, out)?;
        }
        rest = match bad {
            [0xed, middle @ 0xa0..=0xbf, last @ 0x80..=0xbf, rest @ ..] => {
                write_escape(0xd000 | u32::from(middle & 0x3f) << 6 | u32::from(last & 0x3f), out);
                rest
            }
            [_, ..] => return None,
            [] => &[],
        };
    }
    out.push(quote);
    Some(())
}

fn write_character(character: char, quote: u8, out: &mut Vec<u8>) -> Option<()> {
    let code = u32::from(character);
    if let Ok(byte @ b' '..=b'~') = u8::try_from(character) {
        if byte == quote || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
        return Some(());
    }
    if code < 0x20 || code == 0x7f {
        write_escape(code, out);
        return Some(());
    }
    if !SETTLED.iter().any(|&(first, last)| (first..=last).contains(&code)) {
        return None;
    }
    if repr::is_printable(character) {
        out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        write_escape(code, out);
    }
    Some(())
}

fn quoted_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let quote = quote(bytes);
    out.push(quote);
    for &byte in bytes {
        match byte {
            b' '..=b'~' => {
                if byte == quote || byte == b'\\' {
                    out.push(b'\\');
                }
                out.push(byte);
            }
            _ => write_escape(u32::from(byte), out),
        }
    }
    out.push(quote);
}

/// The quote that Python takes: the single one, unless only that one occurs.
fn quote(bytes: &[u8]) -> u8 {
    if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' }
}

fn write_escape(code: u32, out: &mut Vec<u8>) {
    let escape = match code {
        0x0a => "\\n".to_owned(),
        0x0d => "\\r".to_owned(),
        0x09 => "\\t".to_owned(),
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    };
    out.extend(escape.into_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(constants: &mut Constants, constant: Constant) -> Option<String> {
        let id = constants.intern(constant);
        constants.repr(id).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn constants_are_written_as_python_writes_them() {
        let mut constants = Constants::default();
        let text = |text: &str| Constant::Text(text.as_bytes().into());
        let items = [constants.int(1), constants.float(1e100), constants.intern(Constant::Ellipsis)];
        let set = Constant::FrozenSet([items[0]].into());
        let cases = [
            (Constant::Tuple(items.into()), "(1, 1e+100, Ellipsis)"),
            (Constant::Tuple([items[1]].into()), "(1e+100,)"),
            (Constant::Tuple([].into()), "()"),
            (Constant::Complex(0.0_f64.to_bits(), 1.0_f64.to_bits()), "1j"),
            (Constant::Complex((-0.0_f64).to_bits(), (-1.0_f64).to_bits()), "(-0-1j)"),
            (Constant::Complex(f64::NAN.to_bits(), f64::INFINITY.to_bits()), "(nan+infj)"),
            (Constant::Float(1e16_f64.to_bits()), "1e+16"),
            (text("it's"), "\"it's\""),
            (text("a'\"\\\n\u{7f}\u{ad}\u{2028}\u{e9}\u{fe0f}"), "'a\\'\"\\\\\\n\\x7f\\xad\\u2028\u{e9}\u{fe0f}'"),
            (text("\u{1f600}"), "'\u{1f600}'"),
            (Constant::Text((*b"\xed\xa0\x80").into()), "'\\ud800'"),
            (Constant::Bytes((*b"\0\t\xff'").into()), "b\"\\x00\\t\\xff'\""),
            (set, "frozenset({1})"),
        ];
        for (constant, wanted) in cases {
            assert_eq!(shown(&mut constants, constant).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn what_is_not_known_exactly_is_not_written() {
        let mut constants = Constants::default();
        let (one, two) = (constants.int(1), constants.int(2));
        assert_eq!(shown(&mut constants, Constant::FrozenSet([one, two].into())), None);
        // Printable since Unicode 14, which 3.11 is the first to have.
        assert_eq!(shown(&mut constants, Constant::Text("\u{20c0}".as_bytes().into())), None);
        let large = num_bigint::BigInt::from(1) << 100_000;
        assert_eq!(shown(&mut constants, Constant::Int(large)), None);
        let mut tuple = constants.tuple(&[one, one]);
        for _ in 0..100 {
            tuple = constants.tuple(&[tuple, tuple]);
        }
        assert_eq!(constants.repr(tuple), None);
    }
}
