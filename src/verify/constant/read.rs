//! Constants from the marshalled values of a pyc.

use std::str;

use num_bigint::BigInt;
use num_bigint::Sign;

use crate::pyc::objects::Encoding;
use crate::pyc::objects::Items;
use crate::pyc::objects::Long;
use crate::pyc::objects::Text;
use crate::pyc::objects::Value;

use super::ConstId;
use super::Constant;
use super::Constants;
use super::MOST_DEPTH;
use super::Read;
use super::float_bits;
use super::join_surrogates;

impl Constants {
    /// The constant at a place of a tuple of the file, such as `co_consts`; `None` for what no compiler makes, what is nested too
    /// deeply, and when all that may be done was done.
    ///
    /// An object that was read before is known by its identity and costs nothing.
    pub fn read(&mut self, items: Items<'_>, index: usize, series: (u8, u8)) -> Option<ConstId> {
        self.read_item(items, index, series, 0)
    }

    /// As [`Constants::read`], of a value whose place is not at hand. It costs its length every time.
    pub fn read_value(&mut self, value: Value<'_>, series: (u8, u8)) -> Option<ConstId> {
        self.read_deep(value, series, 0)
    }

    fn read_item(&mut self, items: Items<'_>, index: usize, series: (u8, u8), depth: u32) -> Option<ConstId> {
        let object = items.ids().get(index)?.index();
        match self.read.get(object) {
            Some(&Read::Constant(constant)) => return Some(constant),
            Some(Read::Nothing) => return None,
            Some(Read::Not) | None => {}
        }
        let constant = self.read_deep(items.get(index)?, series, depth);
        // Objects of the file, each of which takes more memory than this.
        if object >= self.read.len() {
            self.read.resize(object.saturating_add(1), Read::Not);
        }
        if let Some(read) = self.read.get_mut(object) {
            *read = constant.map_or(Read::Nothing, Read::Constant);
        }
        constant
    }

    fn read_deep(&mut self, value: Value<'_>, series: (u8, u8), depth: u32) -> Option<ConstId> {
        if depth > MOST_DEPTH || !self.spend(1) {
            return None;
        }
        let constant = match value {
            Value::None => Constant::None,
            Value::True => Constant::True,
            Value::False => Constant::False,
            Value::Ellipsis => Constant::Ellipsis,
            Value::Int(number) => match u32::try_from(number).ok().and_then(|number| self.small(number)) {
                Some(small) => return Some(small),
                None => Constant::Int(number.into()),
            },
            Value::Long(long) => {
                if !self.spend(u64::try_from(long.bits()).ok()?) {
                    return None;
                }
                let number = integer(long);
                if series.0 == 2 { Constant::Long(number) } else { Constant::Int(number) }
            }
            Value::Float(number) => Constant::Float(float_bits(number)),
            Value::FloatText(text) => Constant::Float(float_bits(parsed(text)?)),
            Value::Complex { real, imag } => Constant::Complex(float_bits(real), float_bits(imag)),
            Value::ComplexText { real, imag } => {
                Constant::Complex(float_bits(parsed(real)?), float_bits(parsed(imag)?))
            }
            Value::Bytes(bytes) => {
                if !self.spend(u64::try_from(bytes.len()).ok()?) {
                    return None;
                }
                Constant::Bytes(bytes.into())
            }
            Value::Text(text) => {
                if !self.spend(u64::try_from(text.bytes.len()).ok()?) {
                    return None;
                }
                if let Some(known) = plain(text, series) {
                    return Some(self.intern_text(known));
                }
                Constant::Text(characters(text, series)?)
            }
            Value::Tuple(items) => Constant::Tuple(self.read_items(items, series, depth)?),
            Value::FrozenSet(items) => {
                let mut items = self.read_items(items, series, depth)?.into_vec();
                items.sort_unstable();
                items.dedup();
                Constant::FrozenSet(items.into())
            }
            Value::Slice(items) => Constant::Slice(self.read_items(items, series, depth)?.as_ref().try_into().ok()?),
            Value::Code(code) => Constant::Code(u32::try_from(code.index()).ok()?),
            Value::StopIteration
            | Value::Null
            | Value::List(_)
            | Value::Set(_)
            | Value::Dict(_)
            | Value::FrozenDict(_)
            | Value::Cycle => return None,
        };
        Some(self.intern(constant))
    }

    fn read_items(&mut self, items: Items<'_>, series: (u8, u8), depth: u32) -> Option<Box<[ConstId]>> {
        if !self.spend(u64::try_from(items.len()).ok()?) {
            return None;
        }
        let mut read = Vec::with_capacity(items.len());
        for index in 0..items.len() {
            read.push(self.read_item(items, index, series, depth.saturating_add(1))?);
        }
        Some(read.into())
    }
}

/// An integer of digits of 15 bits.
fn integer(long: Long<'_>) -> BigInt {
    // As whole words of 15 * 32 bits; the radix conversion of the library wants a power of two up to 256.
    let mut words = Vec::new();
    let (mut word, mut bits) = (0_u64, 0_u32);
    for digit in long.digits() {
        word |= u64::from(digit & 0x7fff) << bits;
        bits += 15;
        if bits >= 32 {
            let [a, b, c, d, ..] = word.to_le_bytes();
            words.push(u32::from_le_bytes([a, b, c, d]));
            word >>= 32;
            bits -= 32;
        }
    }
    let [a, b, c, d, ..] = word.to_le_bytes();
    words.push(u32::from_le_bytes([a, b, c, d]));
    BigInt::from_slice(if long.negative { Sign::Minus } else { Sign::Plus }, &words)
}

/// A float that is stored as text.
fn parsed(text: &[u8]) -> Option<f64> {
    str::from_utf8(text).ok()?.parse().ok()
}

/// Text that is stored as [`Constant::Text`] has it.
fn plain(text: Text<'_>, series: (u8, u8)) -> Option<&[u8]> {
    let is_plain = match text.encoding {
        Encoding::Latin1 => text.bytes.is_ascii(),
        Encoding::Utf8 => series.0 > 2,
        Encoding::Bytes => false,
    };
    is_plain.then_some(text.bytes)
}

/// Text as [`Constant::Text`] has it; `None` for what is no text.
fn characters(text: Text<'_>, series: (u8, u8)) -> Option<Box<[u8]>> {
    match text.encoding {
        Encoding::Latin1 => Some(text.to_str()?.as_bytes().into()),
        Encoding::Utf8 if series.0 == 2 => Some(join_surrogates(text.bytes).into()),
        Encoding::Utf8 => Some(text.bytes.into()),
        Encoding::Bytes => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::forge;
    use crate::limits::Limits;
    use crate::pyc;
    use crate::pyc::Scratch;

    use super::*;

    #[test]
    fn every_constant_of_compiled_modules_is_one() {
        let mut count = 0;
        let mut folders: Vec<_> =
            fs::read_dir(Path::new("tests/fixtures/code")).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        for folder in folders {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|extension| extension != "pyc") {
                    continue;
                }
                let bytes = fs::read(&path).unwrap();
                let mut scratch = Scratch::default();
                let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
                let series = tree.pyc.version.unwrap().series;
                let mut constants = Constants::default();
                for code in tree.codes() {
                    let consts = code.consts();
                    for index in 0..consts.len() {
                        assert!(
                            constants.read(consts, index, series).is_some(),
                            "{}: {:?}",
                            path.display(),
                            consts.get(index)
                        );
                        count += 1;
                    }
                }
            }
        }
        assert!(count > 2_000, "{count}");
    }

    #[test]
    fn references_without_end_are_read_once() {
        // Sixty tuples, each of the next and a reference to it: 2**60 values.
        let mut marshalled = b"\xa9\x02".repeat(60);
        marshalled.extend(b"\xa9\x00");
        // Number 0 is the code object.
        for number in (2_u32..=61).rev() {
            marshalled.push(b'r');
            marshalled.extend(number.to_le_bytes());
        }
        let bytes = forge::Pyc::python("3.12").consts(vec![forge::pyc::Value::Raw(marshalled)]).build();
        let mut scratch = Scratch::default();
        let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
        let code = tree.codes().next().unwrap();
        let mut constants = Constants::default();
        let id = constants.read(code.consts(), 0, (3, 12)).unwrap();
        let left = constants.left;
        assert_eq!(constants.read(code.consts(), 0, (3, 12)), Some(id));
        assert_eq!(constants.left, left);
        // What there is no more room for is no constant.
        constants.left = 3;
        assert_eq!(constants.read_value(code.consts().get(0).unwrap(), (3, 12)), Some(id));
        constants.left = 0;
        assert_eq!(constants.read_value(Value::None, (3, 12)), None);
    }
}
