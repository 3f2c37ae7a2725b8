//! Text, bytes and tuples: joined, repeated, and their items.

use num_bigint::BigInt;
use num_bigint::Sign;

use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::constant::Constants;
use crate::verify::constant::join_surrogates;

use super::MOST_ITEMS;
use super::number;

/// `a + b`.
pub(super) fn add(left: &Constant, right: &Constant, series: (u8, u8)) -> Option<Constant> {
    Some(match (left, right) {
        (Constant::Text(a), Constant::Text(b)) => Constant::Text(text(joined(a, b)?, series)),
        (Constant::Bytes(a), Constant::Bytes(b)) => Constant::Bytes(joined(a, b)?.into()),
        // A `str` of 2.x is decoded as ASCII.
        (Constant::Text(a), Constant::Bytes(b)) | (Constant::Bytes(a), Constant::Text(b)) if series.0 == 2 => {
            let bytes = if matches!(left, Constant::Bytes(_)) { a } else { b };
            if !bytes.is_ascii() {
                return None;
            }
            Constant::Text(text(joined(a, b)?, series))
        }
        (Constant::Tuple(a), Constant::Tuple(b)) => Constant::Tuple(joined(a, b)?.into()),
        _ => return None,
    })
}

fn joined<T: Copy>(a: &[T], b: &[T]) -> Option<Vec<T>> {
    (a.len().checked_add(b.len())? <= MOST_ITEMS).then(|| [a, b].concat())
}

/// Text that was put together.
fn text(bytes: Vec<u8>, series: (u8, u8)) -> Box<[u8]> {
    if series.0 == 2 { join_surrogates(&bytes).into() } else { bytes.into() }
}

/// `a * b`, one of which is an int.
pub(super) fn multiply(left: &Constant, right: &Constant, series: (u8, u8)) -> Option<Constant> {
    let (sequence, count) = match (number::index(left), number::index(right)) {
        (None, Some(count)) => (left, count),
        (Some(count), None) => (right, count),
        _ => return None,
    };
    // A count that a machine word does not hold is an OverflowError, whatever its sign.
    let count = i64::try_from(count.as_ref()).ok()?;
    Some(match sequence {
        Constant::Text(bytes) => Constant::Text(text(repeated(bytes, count)?, series)),
        Constant::Bytes(bytes) => Constant::Bytes(repeated(bytes, count)?.into()),
        Constant::Tuple(items) => Constant::Tuple(repeated(items, count)?.into()),
        _ => return None,
    })
}

fn repeated<T: Copy>(items: &[T], count: i64) -> Option<Vec<T>> {
    if items.is_empty() || count <= 0 {
        return Some(Vec::new());
    }
    let count = usize::try_from(count).ok()?;
    (items.len().checked_mul(count)? <= MOST_ITEMS).then(|| items.repeat(count))
}

/// What a subscript gives.
pub(super) enum Item {
    /// An item of a tuple.
    Known(ConstId),
    /// Something that is made.
    New(Constant),
}

/// `a[b]`.
pub(super) fn subscript(constants: &Constants, value: ConstId, key: ConstId, series: (u8, u8)) -> Option<Item> {
    let key = constants.get(key);
    if let Constant::Slice(bounds) = key {
        let bounds = bounds.map(|bound| match constants.get(bound) {
            Constant::None => Some(None),
            bound => Some(Some(number::index(bound)?.into_owned())),
        });
        let [Some(start), Some(end), Some(step)] = bounds else { return None };
        return Some(Item::New(match constants.get(value) {
            Constant::Text(bytes) => {
                let characters = characters(bytes, series)?;
                Constant::Text(text(sliced(&characters, [start, end, step])?.concat(), series))
            }
            Constant::Bytes(bytes) => Constant::Bytes(sliced(bytes, [start, end, step])?.into()),
            Constant::Tuple(items) => Constant::Tuple(sliced(items, [start, end, step])?.into()),
            _ => return None,
        }));
    }
    let key = number::index(key)?;
    match constants.get(value) {
        Constant::Text(bytes) => {
            let characters = characters(bytes, series)?;
            let at = place(&key, characters.len())?;
            Some(Item::New(Constant::Text((*characters.get(at)?).into())))
        }
        Constant::Bytes(bytes) => {
            let byte = *bytes.get(place(&key, bytes.len())?)?;
            Some(Item::New(if series.0 == 2 { Constant::Bytes([byte].into()) } else { Constant::Int(byte.into()) }))
        }
        Constant::Tuple(items) => Some(Item::Known(*items.get(place(&key, items.len())?)?)),
        _ => None,
    }
}

/// The place that an index means, if there is one.
fn place(index: &BigInt, length: usize) -> Option<usize> {
    let index = if index.sign() == Sign::Minus { index + length } else { index.clone() };
    usize::try_from(&index).ok().filter(|&index| index < length)
}

/// The characters of a text, each as its bytes. `None` for text of 2.x beyond the basic plane, where it depends on the build what a
/// character is.
fn characters(bytes: &[u8], series: (u8, u8)) -> Option<Vec<&[u8]>> {
    let mut characters = Vec::new();
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let length = match first {
            0..0x80 => 1,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ if series.0 == 2 => return None,
            _ => 4,
        };
        let (character, behind) = rest.split_at_checked(length)?;
        characters.push(character);
        rest = behind;
    }
    Some(characters)
}

/// The items of a slice, as `PySlice_AdjustIndices` places its bounds.
fn sliced<T: Copy>(items: &[T], [start, end, step]: [Option<BigInt>; 3]) -> Option<Vec<T>> {
    let length = i64::try_from(items.len()).ok()?;
    // Bounds that a machine word does not hold are as good as its ends.
    let clamped = |number: BigInt| {
        let end = if number.sign() == Sign::Minus { -i64::MAX } else { i64::MAX };
        i64::try_from(&number).map_or(end, |number| number.max(-i64::MAX))
    };
    let step = step.map_or(1, clamped);
    if step == 0 {
        return None;
    }
    let (lowest, highest) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let adjusted = |bound: Option<BigInt>, default: i64| match bound.map(clamped) {
        Some(bound) if bound < 0 => bound.saturating_add(length).max(lowest),
        Some(bound) => bound.min(highest),
        None => default,
    };
    let (first, last) = if step < 0 { (length - 1, -1) } else { (0, length) };
    let (mut at, last) = (adjusted(start, first), adjusted(end, last));
    let mut sliced = Vec::new();
    while if step < 0 { at > last } else { at < last } {
        sliced.push(*items.get(usize::try_from(at).ok()?)?);
        at = at.saturating_add(step);
    }
    Some(sliced)
}
