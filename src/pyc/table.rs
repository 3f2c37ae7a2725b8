//! What the tables of lines and of exceptions have in common: numbers of variable length, and what can be wrong.
//!
//! A fault is a value with its place; reading goes on behind it where the format allows.

/// Something wrong with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableFault {
    /// What is wrong.
    pub kind: TableFaultKind,
    /// Where the entry begins, in bytes of the table.
    pub offset: usize,
}

/// What can be wrong with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableFaultKind {
    /// Half an entry at the end of a table of pairs.
    HalfPair,
    /// Bytes where an entry has to begin, without the bit that begins one.
    NoStart,
    /// The table, or the entry, ends before its numbers do.
    Truncated,
    /// A number of more than 32 bits.
    TooLarge,
}

/// The bit of the first byte of an entry.
pub(super) const START: u8 = 0x80;
/// The bit of a byte that more bytes of the number follow.
const MORE: u8 = 0x40;
/// The bits of a byte that are of the number.
const BITS: u8 = 0x3f;

/// A cursor inside one entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    table: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(table: &'a [u8]) -> Self {
        Self { table, at: 0 }
    }

    /// Where it stands.
    pub(super) fn offset(self) -> usize {
        self.at
    }

    /// The next byte, whatever it is.
    #[inline]
    pub(super) fn first(&mut self) -> Option<u8> {
        let byte = self.table.get(self.at).copied()?;
        self.at = self.at.wrapping_add(1);
        Some(byte)
    }

    /// The next byte of the same entry.
    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, TableFaultKind> {
        match self.table.get(self.at) {
            Some(&byte) if byte & START == 0 => {
                self.at = self.at.wrapping_add(1);
                Ok(byte)
            }
            _ => Err(TableFaultKind::Truncated),
        }
    }

    /// Whether a byte from an offset up to here begins an entry.
    #[inline]
    pub(super) fn has_start_since(self, offset: usize) -> bool {
        self.table.get(offset..self.at).is_some_and(|bytes| bytes.iter().any(|byte| byte & START != 0))
    }

    /// Goes on to the next byte that begins an entry.
    #[cold]
    pub(super) fn skip_entry(&mut self) {
        let rest = self.table.get(self.at..).unwrap_or_default();
        let skipped = rest.iter().position(|byte| byte & START != 0).unwrap_or(rest.len());
        self.at = self.at.wrapping_add(skipped);
    }

    /// A number of six bits a byte, least significant first (`scan_varint` in CPython's Objects/codeobject.c).
    #[inline]
    pub(super) fn low_first(&mut self) -> Result<u32, TableFaultKind> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.byte()?;
            if shift > 30 {
                return Err(TableFaultKind::TooLarge);
            }
            number |= u64::from(byte & BITS).wrapping_shl(shift);
            shift = shift.wrapping_add(6);
            if byte & MORE == 0 {
                return u32::try_from(number).map_err(|_| TableFaultKind::TooLarge);
            }
        }
    }

    /// The same with the sign in its lowest bit (`scan_signed_varint`).
    #[inline]
    pub(super) fn low_first_signed(&mut self) -> Result<i32, TableFaultKind> {
        let number = self.low_first()?;
        let magnitude = (number >> 1).cast_signed();
        Ok(if number & 1 == 1 { magnitude.wrapping_neg() } else { magnitude })
    }

    /// A number of six bits a byte, most significant first (`parse_varint` in CPython's Python/ceval.c); its first byte is
    /// given, as it may be the first of its entry.
    #[inline]
    pub(super) fn high_first(&mut self, first: u8) -> Result<u32, TableFaultKind> {
        let mut number = u32::from(first & BITS);
        let mut byte = first;
        while byte & MORE != 0 {
            byte = self.first().ok_or(TableFaultKind::Truncated)?;
            if number > u32::MAX >> 6 {
                return Err(TableFaultKind::TooLarge);
            }
            number = number.wrapping_shl(6) | u32::from(byte & BITS);
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_orders_of_bits_are_opposite() {
        assert_eq!(Cursor::new(&[0x64, 0x01]).low_first(), Ok(100));
        assert_eq!(Cursor::new(&[0x24]).high_first(0x41), Ok(100));
    }

    #[test]
    fn a_number_ends_with_its_entry_and_its_32_bits() {
        assert_eq!(Cursor::new(&[0x7f, 0x80]).low_first(), Err(TableFaultKind::Truncated));
        assert_eq!(Cursor::new(&[0x7f; 40]).low_first(), Err(TableFaultKind::TooLarge));
        assert_eq!(Cursor::new(&[0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x03]).low_first(), Ok(u32::MAX));
        assert_eq!(Cursor::new(&[0x7f; 40]).high_first(0x7f), Err(TableFaultKind::TooLarge));
        assert_eq!(Cursor::new(&[0x03]).low_first_signed(), Ok(-1));
    }
}
