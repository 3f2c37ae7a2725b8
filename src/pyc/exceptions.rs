//! The exception table of 3.11 and later (`Objects/exception_handling_notes.txt` of CPython).
//!
//! Whether its ranges and handlers lie at instructions is not asked here; `walk` does.

use super::table::Cursor;
use super::table::START;
use super::table::TableFault;
use super::table::TableFaultKind;

/// One entry: which handler a range of instructions has. Offsets are bytes of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    /// Where the range begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// Where the handler begins.
    pub target: u64,
    /// How many values of the stack are kept.
    pub depth: u32,
    /// Whether the offset of the instruction is pushed.
    pub lasti: bool,
    /// Where the entry is in the table.
    pub offset: usize,
    /// Whether a byte behind the first has the bit that begins an entry. The interpreter reads over it, but its search by halves
    /// takes the byte for the first of an entry.
    pub is_torn: bool,
}

/// The entries of a table in their order.
#[derive(Clone, Debug)]
pub struct Handlers<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Handlers<'a> {
    /// The entries of an exception table.
    pub fn new(table: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(table) }
    }

    fn entry(&mut self, first: u8, offset: usize) -> Result<Handler, TableFaultKind> {
        if first & START == 0 {
            return Err(TableFaultKind::NoStart);
        }
        let start = u64::from(self.cursor.high_first(first)?);
        let mut number = || {
            let first = self.cursor.first().ok_or(TableFaultKind::Truncated)?;
            self.cursor.high_first(first)
        };
        let (length, target, depth) = (u64::from(number()?), u64::from(number()?), number()?);
        let bytes = |units: u64| units.wrapping_mul(2);
        let end = bytes(start.wrapping_add(length));
        let (depth, lasti) = (depth >> 1, depth & 1 == 1);
        let is_torn = self.cursor.has_start_since(offset.wrapping_add(1));
        Ok(Handler { start: bytes(start), end, target: bytes(target), depth, lasti, offset, is_torn })
    }
}

impl Iterator for Handlers<'_> {
    type Item = Result<Handler, TableFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.cursor.offset();
        let first = self.cursor.first()?;
        let entry = self.entry(first, offset);
        if entry.is_err() {
            self.cursor.skip_entry();
        }
        Some(entry.map_err(|kind| TableFault { kind, offset }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_four_numbers_in_code_units() {
        let table = [0x82, 0x0b, 0x0e, 0x00, 0xc1, 0x24, 0x0a, 0x1b, 0x03];
        let found: Vec<_> = Handlers::new(&table).map(Result::unwrap).collect();
        let handler = Handler { start: 4, end: 26, target: 28, depth: 0, lasti: false, offset: 0, is_torn: false };
        assert_eq!(found[0], handler);
        assert_eq!(found[1], Handler { start: 200, end: 220, target: 54, depth: 1, lasti: true, offset: 4, ..handler });
    }

    #[test]
    fn reading_goes_on_with_the_entry_behind_a_damaged_one() {
        let table = [0x01, 0x02, 0x82, 0x0b, 0x82, 0x01, 0x02, 0x00, 0x83];
        let seen: Vec<_> = Handlers::new(&table).map(|entry| entry.map(|found| (found.start, found.is_torn))).collect();
        let fault = |kind, offset| Err(TableFault { kind, offset });
        let (none, cut) = (TableFaultKind::NoStart, TableFaultKind::Truncated);
        assert_eq!(seen, [fault(none, 0), Ok((4, true)), fault(none, 6), fault(cut, 8)]);
    }
}
