//! Values as Python would write them, safe to show and never longer than asked.

use std::fmt::Write as _;
use std::str;

use crate::name;

use super::mask::Mask;
use super::objects::Encoding;
use super::objects::Items;
use super::objects::Long;
use super::objects::Text;
use super::objects::Value;

/// Which Python's way of writing strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// `'bytes'`, `u'text'`, `1L`.
    Python2,
    /// `b'bytes'`, `'text'`, `1`.
    Python3,
}

/// How values are written.
#[derive(Clone, Copy, Debug)]
pub struct Style<'m> {
    /// As which Python writes them.
    pub era: Era,
    /// Which strings are shown otherwise.
    pub mask: &'m Mask,
}

/// A value as [`repr`] writes it, and whether it was cut.
pub fn repr_or_cut(value: Value<'_>, style: Style<'_>, most: usize) -> (String, bool) {
    let text = repr(value, style, most);
    // What is written stops behind `most`, so only what was cut is longer, or ends so in place of a character.
    let is_cut = text.len() > most || text.len() > most.saturating_sub(4) && text.ends_with("...");
    (text, is_cut)
}

/// A value as a Python of an era writes it: printable, in one line, and cut behind `most` bytes, with `...` for the rest.
///
/// A code object is `<code NAME>`, an integer of more than some thousand bits `<int of N bits>`. Up to 2.6 and in 3.0 floats were
/// written with 17 digits; here they are as short as later.
pub fn repr(value: Value<'_>, style: Style<'_>, most: usize) -> String {
    let mut writer = Writer { text: String::new(), era: style.era, mask: style.mask, most };
    writer.value(value);
    if writer.text.len() > most {
        let mut end = most;
        while !writer.text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        writer.text.truncate(end);
        writer.text.push_str("...");
    }
    writer.text
}

struct Writer<'m> {
    text: String,
    era: Era,
    mask: &'m Mask,
    most: usize,
}

impl Writer<'_> {
    /// Whether the rest would be cut. Whatever recurses or repeats asks: a small file can stand for endless text.
    fn is_full(&self) -> bool {
        self.text.len() > self.most
    }

    /// As many bytes as can be shown: each gives at least one. A reference to a large string must not cost its length.
    fn first<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(..self.most.saturating_add(4)).unwrap_or(bytes)
    }

    // Writing to a `String` cannot fail.
    fn value(&mut self, value: Value<'_>) {
        if self.is_full() {
            return;
        }
        match value {
            Value::None => self.text.push_str("None"),
            Value::True => self.text.push_str("True"),
            Value::False => self.text.push_str("False"),
            Value::Ellipsis => self.text.push_str("Ellipsis"),
            Value::StopIteration => self.text.push_str("StopIteration"),
            Value::Null => self.text.push_str("<NULL>"),
            Value::Cycle => self.text.push_str("<itself>"),
            Value::Int(number) => {
                let _ = write!(self.text, "{number}");
            }
            Value::Long(long) => self.long(long),
            Value::Float(number) => self.text.push_str(&float(number)),
            Value::FloatText(text) => self.text.push_str(&parsed(text).map_or_else(|| name::shown(text), float)),
            Value::Complex { real, imag } => self.text.push_str(&complex(real, imag)),
            Value::ComplexText { real, imag } => match parsed(real).zip(parsed(imag)) {
                Some((real, imag)) => self.text.push_str(&complex(real, imag)),
                None => {
                    let _ = write!(self.text, "({}+{}j)", name::shown(real), name::shown(imag));
                }
            },
            Value::Bytes(bytes) => self.bytes(self.mask.bytes(bytes)),
            Value::Text(text) => self.string(self.mask.text(text)),
            Value::Tuple(items) => self.items("(", items, if items.len() == 1 { ",)" } else { ")" }),
            Value::List(items) => self.items("[", items, "]"),
            Value::Set(items) if self.era == Era::Python2 => self.items("set([", items, "])"),
            Value::FrozenSet(items) if self.era == Era::Python2 => self.items("frozenset([", items, "])"),
            Value::Set(items) if items.is_empty() => self.text.push_str("set()"),
            Value::Set(items) => self.items("{", items, "}"),
            Value::FrozenSet(items) if items.is_empty() => self.text.push_str("frozenset()"),
            Value::FrozenSet(items) => self.items("frozenset({", items, "})"),
            Value::Dict(items) => self.pairs("{", items, "}"),
            Value::FrozenDict(items) => self.pairs("frozendict({", items, "})"),
            Value::Slice(items) => self.items("slice(", items, ")"),
            Value::Code(code) => {
                let name =
                    code.qualname().or_else(|| code.name()).map(|name| self.mask.short_name(name)).unwrap_or_default();
                let _ = write!(self.text, "<code {name}>");
            }
        }
    }

    fn items(&mut self, open: &str, items: Items<'_>, close: &str) {
        self.text.push_str(open);
        for (place, item) in items.iter().enumerate() {
            if self.is_full() {
                return;
            }
            self.text.push_str(if place == 0 { "" } else { ", " });
            self.value(item);
        }
        self.text.push_str(close);
    }

    fn pairs(&mut self, open: &str, items: Items<'_>, close: &str) {
        self.text.push_str(open);
        for (place, item) in items.iter().enumerate() {
            if self.is_full() {
                return;
            }
            self.text.push_str(match place {
                0 => "",
                _ if place & 1 == 1 => ": ",
                _ => ", ",
            });
            self.value(item);
        }
        self.text.push_str(close);
    }

    fn long(&mut self, long: Long<'_>) {
        let text = match long.to_i128() {
            Some(number) => number.to_string(),
            None if long.bits() <= LONGEST_DECIMAL => decimal(long),
            None => {
                let _ = write!(self.text, "<int of {} bits>", long.bits());
                return;
            }
        };
        self.text.push_str(&text);
        if self.era == Era::Python2 {
            self.text.push('L');
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.era == Era::Python3 {
            self.text.push('b');
        }
        let bytes = self.first(bytes);
        let quote = quote(bytes);
        self.text.push(quote);
        for &byte in bytes {
            if self.is_full() {
                return;
            }
            match char::from(byte) {
                plain @ ' '..='~' => self.plain(plain, quote),
                other => self.escaped(u32::from(other)),
            }
        }
        self.text.push(quote);
    }

    fn string(&mut self, text: Text<'_>) {
        if self.era == Era::Python2 {
            self.text.push('u');
        }
        let bytes = self.first(text.bytes);
        let quote = quote(bytes);
        self.text.push(quote);
        if text.encoding == Encoding::Latin1 {
            self.characters(bytes.iter().copied().map(char::from), quote);
        } else {
            self.utf8(bytes, quote);
        }
        self.text.push(quote);
    }

    /// UTF-8 in which lone surrogates may stand.
    fn utf8(&mut self, bytes: &[u8], quote: char) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_full() {
            let valid = str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
            let (text, bad) = rest.split_at_checked(valid).unwrap_or_default();
            self.characters(str::from_utf8(text).unwrap_or_default().chars(), quote);
            rest = match bad {
                [0xed, middle @ 0xa0..=0xbf, last @ 0x80..=0xbf, rest @ ..] => {
                    self.escaped(0xd000 | u32::from(middle & 0x3f) << 6 | u32::from(last & 0x3f));
                    rest
                }
                [byte, rest @ ..] => {
                    self.escaped(u32::from(*byte));
                    rest
                }
                [] => &[],
            };
        }
    }

    fn characters(&mut self, characters: impl Iterator<Item = char>, quote: char) {
        for character in characters {
            if self.is_full() {
                return;
            }
            let is_foreign = self.era == Era::Python2 && !character.is_ascii();
            if is_foreign || name::is_deceptive(character) || !is_printable(character) {
                self.escaped(u32::from(character));
            } else {
                self.plain(character, quote);
            }
        }
    }

    fn plain(&mut self, character: char, quote: char) {
        if character == quote || character == '\\' {
            self.text.push('\\');
        }
        self.text.push(character);
    }

    fn escaped(&mut self, number: u32) {
        let _ = match number {
            0x0a => write!(self.text, "\\n"),
            0x0d => write!(self.text, "\\r"),
            0x09 => write!(self.text, "\\t"),
            0..=0xff => write!(self.text, "\\x{number:02x}"),
            0x100..=0xffff => write!(self.text, "\\u{number:04x}"),
            _ => write!(self.text, "\\U{number:08x}"),
        };
    }
}

/// Whether `str.isprintable` holds, by the Unicode of the standard library, whose own escapes leave out the same categories; behind
/// a letter, as they escape a mark that has none.
pub fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    let mut bytes = [b'a', 0, 0, 0, 0];
    let [_, rest @ ..] = &mut bytes;
    let length = character.encode_utf8(rest).len();
    let text = bytes.get(..=length).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default();
    text.escape_debug().nth(1) == Some(character)
}

/// Bits of the longest integer that is written in decimal, which takes time by the square of its length.
const LONGEST_DECIMAL: usize = 4096;

/// An integer in decimal.
fn decimal(long: Long<'_>) -> String {
    // Nine decimal digits each, least significant first.
    let mut groups: Vec<u64> = vec![0];
    for digit in long.digits().rev() {
        let mut carry = u64::from(digit);
        for group in &mut groups {
            let sum = group.wrapping_shl(15).wrapping_add(carry);
            *group = sum.wrapping_rem(1_000_000_000);
            carry = sum.wrapping_div(1_000_000_000);
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let mut text = if long.negative { "-".to_owned() } else { String::new() };
    let mut groups = groups.into_iter().rev();
    let _ = write!(text, "{}", groups.next().unwrap_or_default());
    for group in groups {
        let _ = write!(text, "{group:09}");
    }
    text
}

/// The float that a text stands for.
fn parsed(text: &[u8]) -> Option<f64> {
    str::from_utf8(text).ok()?.parse().ok()
}

/// The quote that Python takes: the single one, unless only that one occurs.
fn quote(bytes: &[u8]) -> char {
    if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' }
}

/// A float as `float.__repr__` writes it.
pub fn float(number: f64) -> String {
    let text = format!("{number:?}");
    if number.is_nan() {
        return "nan".to_owned();
    }
    // Between two shortest texts that are equally near Python takes the even one, as rounding to so many digits does.
    let digits = text.split_once('e').map_or(&*text, |(digits, _)| digits);
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let even = if text.contains('e') { format!("{number:.decimals$e}") } else { format!("{number:.decimals$}") };
    let text = if even.parse() == Ok(number) { even } else { text };
    match text.split_once('e') {
        // Python gives the exponent a sign and two digits, and leaves out a fraction of zero.
        Some((digits, exponent)) => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
            format!("{}e{sign}{exponent:0>2}", digits.strip_suffix(".0").unwrap_or(digits))
        }
        None => text,
    }
}

/// A complex number as `complex.__repr__` writes it.
pub fn complex(real: f64, imag: f64) -> String {
    // Python leaves a real part out that is zero and not negative.
    if real == 0.0 && real.is_sign_positive() {
        return format!("{}j", short(imag));
    }
    let sign = if imag.is_sign_negative() && !imag.is_nan() { "" } else { "+" };
    format!("({}{sign}{}j)", short(real), short(imag))
}

/// A part of a complex number, which has no fraction of zero.
fn short(number: f64) -> String {
    let text = float(number);
    text.strip_suffix(".0").map(ToOwned::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::pyc::Value as Forged;
    use crate::limits::Limits;
    use crate::pyc;
    use crate::pyc::Scratch;

    fn shown(constant: Forged, era: Era, most: usize) -> String {
        let mut scratch = Scratch::default();
        let bytes = forge::Pyc::python("3.12").consts(vec![constant]).build();
        let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
        repr(tree.root().unwrap().consts().get(0).unwrap(), Style { era, mask: &Mask::default() }, most)
    }

    #[test]
    fn values_are_written_as_python_writes_them() {
        let cases = [
            (Forged::Float(1.0), "1.0"),
            (Forged::Float(-0.0), "-0.0"),
            (Forged::Float(1e16), "1e+16"),
            (Forged::Float(1.5e-7), "1.5e-07"),
            (Forged::Float(2.980_232_238_769_531_3e-8), "2.9802322387695312e-08"),
            // Exactly between two of one digit behind the point.
            (Forged::Float(875_544_137_035_557.0 + 0.25), "875544137035557.2"),
            (Forged::Float(875_544_137_035_557.0 + 0.75), "875544137035557.8"),
            (Forged::Float(-0.123_456_789_012_345_68), "-0.12345678901234568"),
            (Forged::Float(123_456.789), "123456.789"),
            (Forged::Float(0.0001), "0.0001"),
            (Forged::Float(f64::INFINITY), "inf"),
            (Forged::Float(f64::NAN), "nan"),
            (Forged::Raw(b"y\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40".to_vec()), "2j"),
            (Forged::Long(true, vec![0, 0, 4]), "-4294967296"),
            (Forged::Tuple(vec![Forged::True]), "(True,)"),
            (Forged::Tuple(Vec::new()), "()"),
            (Forged::FrozenSet(vec![Forged::Int(1), Forged::None]), "frozenset({1, None})"),
            (Forged::Dict(vec![(Forged::Int(1), Forged::Ellipsis)]), "{1: Ellipsis}"),
            (Forged::Bytes(b"a'\n\xff\\".to_vec()), r#"b"a'\n\xff\\""#),
            (Forged::Str("it's \"é\"".to_owned()), r#"'it\'s "é"'"#),
            (Forged::Raw(b"u\x04\0\0\0a\xed\xa0\x80".to_vec()), r"'a\ud800'"),
            (Forged::Str("\u{202e}\x1b".to_owned()), r"'\u202e\x1b'"),
        ];
        for (value, wanted) in cases {
            assert_eq!(shown(value, Era::Python3, 100), wanted);
        }
        let power = Forged::Long(false, [vec![0; 10], vec![1]].concat());
        assert_eq!(shown(power.clone(), Era::Python3, 100), "1427247692705959881058285969449495136382746624");
        assert_eq!(shown(power, Era::Python2, 9), "142724769...");
        assert_eq!(
            shown(Forged::Str("a\u{e9}\u{301}\u{378}".to_owned()), Era::Python3, 100),
            "'a\u{e9}\u{301}\\u0378'"
        );
        assert_eq!(shown(Forged::Str("\u{e9}".to_owned()), Era::Python2, 100), "u'\\xe9'");
        assert_eq!(shown(Forged::FrozenSet(vec![Forged::Int(1)]), Era::Python2, 100), "frozenset([1])");
        assert_eq!(shown(Forged::Str("a".to_owned()), Era::Python2, 100), "u'a'");
        assert_eq!(shown(Forged::Bytes(b"a".to_vec()), Era::Python2, 100), "'a'");
    }

    #[test]
    fn what_doubles_with_each_level_is_cut() {
        let mut levels = b"\xa9\x02NN".to_vec();
        for level in 1..100_u32 {
            let reference = [b"r".as_slice(), &level.to_le_bytes()].concat();
            levels.extend_from_slice(&[b"\xa9\x02".as_slice(), &reference, &reference].concat());
        }
        let doubled = [b"(\x64\0\0\0".as_slice(), &levels].concat();
        let text = shown(Forged::Raw(doubled), Era::Python3, 60);
        assert!(
            text.len() == 63 && text.starts_with("((None, None), ((None, None),") && text.ends_with("..."),
            "{text}"
        );
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(shown(Forged::Str("ééé".to_owned()), Era::Python3, 4), "'é...");
    }
}
