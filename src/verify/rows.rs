//! Rows of words or bytes, each of them once and with a number, one behind the other in memory that can be used again.

use std::hash::BuildHasher;
use std::hash::Hash;

use foldhash::fast::RandomState;

/// Rows that differ, in the order in which they were met.
#[derive(Debug)]
pub(super) struct Rows<T> {
    /// What all rows hold, one row behind the other.
    held: Vec<T>,
    all: Vec<Row>,
    /// Numbers of rows, from 1 on, at the place of their hash or behind it; 0 where there is none. Its length is a power of two and at least
    /// twice the number of rows.
    table: Vec<u32>,
    hashes: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    hash: u64,
    start: usize,
    end: usize,
}

/// Entries of the smallest table.
const SMALLEST: usize = 64;

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { held: Vec::new(), all: Vec::new(), table: Vec::new(), hashes: RandomState::default() }
    }
}

impl<T: Copy + Eq + Hash> Rows<T> {
    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.all.clear();
        self.table.truncate(SMALLEST);
        self.table.fill(0);
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// A row, by its place in their order.
    pub(super) fn get(&self, place: usize) -> Option<&[T]> {
        let row = self.all.get(place)?;
        self.held.get(row.start..row.end)
    }

    /// The place of a row, if it is there.
    pub(super) fn find(&self, row: &[T]) -> Option<usize> {
        self.look(row, self.hashes.hash_one(row)).ok()
    }

    /// Adds a row; false when it is there already.
    pub(super) fn add(&mut self, row: &[T]) -> bool {
        let count = self.len();
        self.place_of(row) == count
    }

    /// The place of a row, which is added if it is not there.
    pub(super) fn place_of(&mut self, row: &[T]) -> usize {
        if self.all.len().saturating_mul(2) >= self.table.len() {
            self.grow();
        }
        let hash = self.hashes.hash_one(row);
        match self.look(row, hash) {
            Ok(place) => place,
            Err(entry) => {
                let start = self.held.len();
                self.held.extend_from_slice(row);
                self.all.push(Row { hash, start, end: self.held.len() });
                self.enter(entry, self.all.len());
                self.all.len().saturating_sub(1)
            }
        }
    }

    /// The place of a row of this hash, or the entry of the table in which it would be.
    fn look(&self, row: &[T], hash: u64) -> Result<usize, usize> {
        let mut entry = self.entry(hash);
        while let Some(&number) = self.table.get(entry).filter(|&&number| number != 0) {
            let place = usize::try_from(number).unwrap_or_default().saturating_sub(1);
            let is_it = |found: &Row| found.hash == hash && self.held.get(found.start..found.end) == Some(row);
            if self.all.get(place).is_some_and(is_it) {
                return Ok(place);
            }
            entry = self.behind(entry);
        }
        Err(entry)
    }

    fn entry(&self, hash: u64) -> usize {
        usize::try_from(hash & u64::from(u32::MAX)).unwrap_or_default() & self.table.len().saturating_sub(1)
    }

    fn behind(&self, entry: usize) -> usize {
        entry.wrapping_add(1) & self.table.len().saturating_sub(1)
    }

    fn enter(&mut self, entry: usize, number: usize) {
        if let (Some(entry), Ok(number)) = (self.table.get_mut(entry), u32::try_from(number)) {
            *entry = number;
        }
    }

    fn grow(&mut self) {
        let size = self.table.len().saturating_mul(2).max(SMALLEST);
        self.table.clear();
        self.table.resize(size, 0);
        for place in 0..self.all.len() {
            let Some(row) = self.all.get(place) else { return };
            let mut entry = self.entry(row.hash);
            while self.table.get(entry).is_some_and(|&number| number != 0) {
                entry = self.behind(entry);
            }
            self.enter(entry, place.saturating_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_new_once() {
        let mut rows = Rows::default();
        for turn in 0..2 {
            for number in 0..1_000_u32 {
                assert!(rows.add(&[number, number / 2]), "{turn} {number}");
                assert!(!rows.add(&[number, number / 2]));
                assert!(rows.add(&[number]));
            }
            assert!(!rows.add(&[7, 3]) && rows.add(&[]) && !rows.add(&[]));
            rows.clear();
        }
    }

    #[test]
    fn rows_are_found_by_what_they_hold() {
        let mut rows = Rows::default();
        assert_eq!(rows.find(b"a".as_slice()), None);
        let places = ["a", "", "ab", "a", "b", ""].map(|row| rows.place_of(row.as_bytes()));
        assert_eq!(places, [0, 1, 2, 0, 3, 1]);
        assert_eq!(
            (rows.len(), rows.find(b"ab"), rows.get(2), rows.get(4)),
            (4, Some(2), Some(b"ab".as_slice()), None)
        );
    }
}
