//! Constants as both sides of the comparison share them: equal ones have one number.
//!
//! They come from marshalled values ([`Constants::read`]), from literals of the source ([`literal`]), and from operators on
//! constants ([`super::fold`]). What all of that may cost is bounded: hostile files hold bombs of references, hostile sources
//! ask for powers of powers.

pub mod literal;
mod read;
pub(super) mod repr;
mod show;

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::hash::Hasher;

use foldhash::fast::RandomState;
use indexmap::Equivalent;
use indexmap::IndexSet;
use num_bigint::BigInt;
use num_bigint::Sign;

use super::event::NameId;

/// A constant in [`Constants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConstId(u32);

impl ConstId {
    /// The number.
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

/// A constant. Types are told apart as the compiler does: `1`, `1.0` and `True` differ, and so do `0.0` and `-0.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The bits of a float; see [`float_bits`].
    Float(u64),
    /// The bits of the parts of a complex number.
    Complex(u64, u64),
    /// Text, as UTF-8 in which surrogates are encoded like other characters; `unicode` in 2.x, where pairs of surrogates are joined:
    /// narrow and wide builds store the same text differently.
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

/// A constant that is looked for, without an allocation of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum View<'a> {
    None,
    True,
    False,
    Ellipsis,
    Int(&'a BigInt),
    Long(&'a BigInt),
    Float(u64),
    Complex(u64, u64),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Tuple(&'a [ConstId]),
    FrozenSet(&'a [ConstId]),
    Slice([ConstId; 3]),
    Cell(NameId),
    Code(u32),
}

impl Constant {
    fn view(&self) -> View<'_> {
        match self {
            Self::None => View::None,
            Self::True => View::True,
            Self::False => View::False,
            Self::Ellipsis => View::Ellipsis,
            Self::Int(number) => View::Int(number),
            Self::Long(number) => View::Long(number),
            &Self::Float(bits) => View::Float(bits),
            &Self::Complex(real, imag) => View::Complex(real, imag),
            Self::Text(text) => View::Text(text),
            Self::Bytes(bytes) => View::Bytes(bytes),
            Self::Tuple(items) => View::Tuple(items),
            Self::FrozenSet(items) => View::FrozenSet(items),
            &Self::Slice(parts) => View::Slice(parts),
            &Self::Cell(name) => View::Cell(name),
            &Self::Code(place) => View::Code(place),
        }
    }
}

impl Hash for Constant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
    }
}

impl Equivalent<Constant> for View<'_> {
    fn equivalent(&self, key: &Constant) -> bool {
        *self == key.view()
    }
}

/// Integers below this are known by themselves.
const SMALL: u8 = 128;

/// All constants of one comparison: of one source and one pyc, since objects of the file are known by their place in it.
pub struct Constants {
    values: IndexSet<Constant, RandomState>,
    /// The small integers, as far as they were met.
    small: Vec<Option<ConstId>>,
    /// By object of the file what it is, so that one which is referred to a million times is read once.
    read: Vec<Read>,
    /// Bytes and items that may still be kept or computed with.
    left: u64,
}

/// What is known of an object of the file.
#[derive(Clone, Copy, Debug, Default)]
enum Read {
    /// It was not read.
    #[default]
    Not,
    /// It is a constant.
    Constant(ConstId),
    /// It is none.
    Nothing,
}

/// Bytes of constants, and of operands of what is folded, in one comparison: many times what honest modules have, which is
/// below a hundredth of it, and some seconds of arithmetic at most.
const MOST_WORK: u64 = 1 << 28;

impl Default for Constants {
    fn default() -> Self {
        Self { values: IndexSet::default(), small: Vec::new(), read: Vec::new(), left: MOST_WORK }
    }
}

impl fmt::Debug for Constants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.values).finish()
    }
}

impl Constants {
    /// The number of a constant.
    pub fn intern(&mut self, constant: Constant) -> ConstId {
        let (index, _) = self.values.insert_full(constant);
        ConstId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The number of a constant that is there.
    fn find(&self, view: View<'_>) -> Option<ConstId> {
        self.values.get_index_of(&view).map(|index| ConstId(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    /// The number of text, as [`Constant::Text`] has it.
    pub(super) fn intern_text(&mut self, text: &[u8]) -> ConstId {
        self.find(View::Text(text)).unwrap_or_else(|| self.intern(Constant::Text(text.into())))
    }

    /// The number of an int that is small; `None` for others.
    pub(super) fn small(&mut self, number: u32) -> Option<ConstId> {
        let number = u8::try_from(number).ok().filter(|&number| number < SMALL)?;
        self.small.resize(usize::from(SMALL), None);
        if let Some(&Some(known)) = self.small.get(usize::from(number)) {
            return Some(known);
        }
        let constant = self.intern(Constant::Int(number.into()));
        if let Some(known) = self.small.get_mut(usize::from(number)) {
            *known = Some(constant);
        }
        Some(constant)
    }

    /// The constant of a number.
    pub fn get(&self, id: ConstId) -> &Constant {
        usize::try_from(id.0).ok().and_then(|index| self.values.get_index(index)).unwrap_or(&Constant::None)
    }

    /// Takes so much from what may still be done; false when there is not as much left.
    pub(super) fn spend(&mut self, work: u64) -> bool {
        match self.left.checked_sub(work) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }

    /// Whether it is true; `None` where that is not known.
    pub fn truth(&self, id: ConstId) -> Option<bool> {
        Some(match self.get(id) {
            Constant::None | Constant::False => false,
            Constant::True | Constant::Ellipsis | Constant::Slice(_) | Constant::Code(_) => true,
            Constant::Int(number) | Constant::Long(number) => number.sign() != Sign::NoSign,
            &Constant::Float(bits) => f64::from_bits(bits) != 0.0,
            &Constant::Complex(real, imag) => f64::from_bits(real) != 0.0 || f64::from_bits(imag) != 0.0,
            Constant::Text(bytes) | Constant::Bytes(bytes) => !bytes.is_empty(),
            Constant::Tuple(items) | Constant::FrozenSet(items) => !items.is_empty(),
            Constant::Cell(_) => return None,
        })
    }

    /// Text, as [`Constant::Text`] has it.
    pub fn text(&mut self, text: &str) -> ConstId {
        self.intern_text(text.as_bytes())
    }

    /// An int (in 2.x one that is no `long`).
    pub fn int(&mut self, number: impl Into<BigInt>) -> ConstId {
        self.intern(Constant::Int(number.into()))
    }

    /// A float.
    pub fn float(&mut self, number: f64) -> ConstId {
        self.intern(Constant::Float(float_bits(number)))
    }

    /// A complex number.
    pub fn complex(&mut self, real: f64, imag: f64) -> ConstId {
        self.intern(Constant::Complex(float_bits(real), float_bits(imag)))
    }

    /// A truth value.
    pub fn bool(&mut self, truth: bool) -> ConstId {
        self.intern(if truth { Constant::True } else { Constant::False })
    }

    /// A tuple.
    pub fn tuple(&mut self, items: &[ConstId]) -> ConstId {
        self.find(View::Tuple(items)).unwrap_or_else(|| self.intern(Constant::Tuple(items.into())))
    }

    /// The frozenset that is made of these items in this order: of those that are equal, as `1` and `True` are, the first is kept.
    pub fn frozenset(&mut self, items: &[ConstId]) -> ConstId {
        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for &item in items {
            let key = self.key(item, 0);
            if seen.insert(key) {
                kept.push(item);
            }
        }
        kept.sort_unstable();
        self.intern(Constant::FrozenSet(kept.into()))
    }

    /// One constant for all that are equal to this one (`==`), which therefore cannot be in one set.
    fn key(&mut self, id: ConstId, depth: u32) -> ConstId {
        let key = match self.get(id) {
            Constant::True => Constant::Int(1.into()),
            Constant::False => Constant::Int(0.into()),
            Constant::Long(number) => Constant::Int(number.clone()),
            &Constant::Float(bits) => number_key(bits),
            &Constant::Complex(real, imag) if f64::from_bits(imag) == 0.0 => number_key(real),
            Constant::Tuple(items) if depth < MOST_DEPTH => {
                let items = items.clone();
                let keys = items.iter().map(|&item| self.key(item, depth.saturating_add(1))).collect();
                Constant::Tuple(keys)
            }
            _ => return id,
        };
        self.intern(key)
    }
}

/// Tuples in tuples. Compilers make one for every pair of brackets, of which CPython's tokenizer allows 200 (`MAXLEVEL` in
/// Parser/tokenizer.c, 100 until 3.7).
const MOST_DEPTH: u32 = 250;

/// The bits of a float as constants keep them. The sign of what is no number is the processor's whim where a compiler computes it
/// (`1e999 * 0`), so those without a payload are one; others, which no source makes, keep their bits.
pub fn float_bits(number: f64) -> u64 {
    const DEFAULT: u64 = 0x7ff8_0000_0000_0000;
    let bits = number.to_bits();
    if bits & (u64::MAX >> 1) == DEFAULT { DEFAULT } else { bits }
}

/// What a float is equal to: an int, if it has no fraction.
fn number_key(bits: u64) -> Constant {
    let number = f64::from_bits(bits);
    if number.is_finite() && number.fract() == 0.0 {
        return Constant::Int(whole(number));
    }
    Constant::Float(bits)
}

/// A finite float without its fraction.
pub(super) fn whole(number: f64) -> BigInt {
    let bits = number.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    let magnitude = match exponent {
        0..1023 => BigInt::ZERO,
        1023..1075 => BigInt::from((fraction | 1 << 52) >> (1075 - exponent)),
        _ => BigInt::from(fraction | 1 << 52) << (exponent - 1075),
    };
    if number.is_sign_negative() { -magnitude } else { magnitude }
}

/// UTF-8 in which surrogates may stand alone, with every pair of them made one character: what a narrow build of 2.x keeps of
/// text when it is marshalled.
pub(super) fn join_surrogates(bytes: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, behind)) = rest.split_first() {
        if let [0xed, b @ 0xa0..=0xaf, c, 0xed, e @ 0xb0..=0xbf, f, after @ ..] = rest {
            let bits = |byte: u8| u32::from(byte & 0x3f);
            let high = (bits(*b) & 0xf) << 6 | bits(*c);
            let low = (bits(*e) & 0xf) << 6 | bits(*f);
            let character = char::from_u32(0x1_0000 + (high << 10) + low).unwrap_or(char::REPLACEMENT_CHARACTER);
            joined.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = after;
            continue;
        }
        joined.push(first);
        rest = behind;
    }
    joined
}

#[cfg(test)]
mod tests {
    use crate::verify::names::Names;

    use super::*;

    #[test]
    fn equal_items_are_one_in_a_set() {
        let mut constants = Constants::default();
        let (one, truth, real) = (constants.int(1), constants.bool(true), constants.float(1.0));
        let (half, complex) = (constants.float(0.5), constants.complex(0.5, -0.0));
        let set = constants.frozenset(&[truth, one, real, half, complex]);
        assert_eq!(constants.get(set), &Constant::FrozenSet([truth, half].into()));
        let (a, b) = (constants.tuple(&[one, half]), constants.tuple(&[real, complex]));
        let set = constants.frozenset(&[a, b]);
        assert_eq!(constants.get(set), &Constant::FrozenSet([a].into()));
        assert_ne!(one, real);
        assert_ne!(constants.float(0.0), constants.float(-0.0));
        assert_eq!(constants.float(f64::NAN), constants.float(-f64::NAN));
    }

    #[test]
    fn whole_floats_are_their_integers() {
        for number in [0.0, 1.0, -3.0, 4_503_599_627_370_497.0, 1e22, -1e300] {
            assert_eq!(whole(number).to_string(), format!("{:.0}", number + 0.0));
        }
        assert_eq!(whole(-2.75), BigInt::from(-2));
    }

    #[test]
    fn pairs_of_surrogates_are_one_character() {
        assert_eq!(join_surrogates(b"a\xed\xa0\xbd\xed\xb8\x80\xed\xb8\x80"), b"a\xf0\x9f\x98\x80\xed\xb8\x80");
    }

    #[test]
    fn docstrings_lose_their_indentation() {
        // As 3.13 and later store them (reference/compile_semantics.md, section 10).
        let cleaned = literal::clean(b"  F doc \n\n        more\n    end\n    ");
        assert_eq!(cleaned, b"F doc \n\n    more\nend\n");
        assert_eq!(literal::clean(b"\ta\n\tb\n  \n"), b"a\nb\n\n");
        assert_eq!(literal::clean(b"one"), b"one");
    }

    #[test]
    fn evidence_is_short_and_safe() {
        let mut constants = Constants::default();
        let text = constants.text("a\u{202e}\n");
        let one = constants.int(1);
        let mut tuple = constants.tuple(&[text, one]);
        let names = Names::default();
        assert_eq!(constants.show(tuple, &names, 100), "('a\\u{202e}\\u{a}', 1)");
        for _ in 0..100 {
            tuple = constants.tuple(&[tuple, tuple, tuple]);
        }
        assert!(constants.show(tuple, &names, 100).len() < 110);
        let large = constants.int(BigInt::from(1) << 100_000);
        assert_eq!(constants.show(large, &names, 100), "<int of 100001 bits>");
    }
}
