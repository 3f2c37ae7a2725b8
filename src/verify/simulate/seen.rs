//! What a run remembers of the states that it has gone on from, in memory that the next run takes over.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

/// Rows of words, each of them once.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The words of all rows, one row behind the other.
    words: Vec<u32>,
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

impl Rows {
    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.all.clear();
        self.table.truncate(SMALLEST);
        self.table.fill(0);
    }

    /// Adds a row; false when it is there already.
    pub(super) fn insert(&mut self, row: &[u32]) -> bool {
        if self.all.len().saturating_mul(2) >= self.table.len() {
            self.grow();
        }
        let hash = self.hashes.hash_one(row);
        let mut place = self.place(hash);
        while let Some(&number) = self.table.get(place).filter(|&&number| number != 0) {
            let found = self.row(number);
            if found.is_some_and(|found| found.hash == hash && self.words.get(found.start..found.end) == Some(row)) {
                return false;
            }
            place = self.behind(place);
        }
        let start = self.words.len();
        self.words.extend_from_slice(row);
        self.all.push(Row { hash, start, end: self.words.len() });
        self.enter(place, self.all.len());
        true
    }

    fn row(&self, number: u32) -> Option<&Row> {
        self.all.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn place(&self, hash: u64) -> usize {
        usize::try_from(hash).unwrap_or_default() & self.table.len().saturating_sub(1)
    }

    fn behind(&self, place: usize) -> usize {
        place.wrapping_add(1) & self.table.len().saturating_sub(1)
    }

    fn enter(&mut self, place: usize, number: usize) {
        if let (Some(entry), Ok(number)) = (self.table.get_mut(place), u32::try_from(number)) {
            *entry = number;
        }
    }

    fn grow(&mut self) {
        let size = self.table.len().saturating_mul(2).max(SMALLEST);
        self.table.clear();
        self.table.resize(size, 0);
        for index in 0..self.all.len() {
            let Some(row) = self.all.get(index) else { return };
            let mut place = self.place(row.hash);
            while self.table.get(place).is_some_and(|&number| number != 0) {
                place = self.behind(place);
            }
            self.enter(place, index.saturating_add(1));
        }
    }
}

/// How often each place of both sides was come to, and with how many values on the stack.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// By step of the program: the first offset of the code that was come to there, and how often.
    crowds: Vec<(u32, u32)>,
    /// The same for other offsets.
    others: HashMap<(u32, u32), u32, RandomState>,
    /// By offset: the depth of the stack when it was first come to.
    depths: Vec<u32>,
}

/// An offset or a depth that is none.
const NONE: u32 = u32::MAX;

impl Places {
    /// Forgets all, for a program of so many steps and code of so many bytes.
    pub(super) fn clear(&mut self, steps: usize, bytes: usize) {
        self.crowds.clear();
        self.crowds.resize(steps.saturating_add(1), (NONE, 0));
        self.others.clear();
        self.depths.clear();
        self.depths.resize(bytes.saturating_add(1), NONE);
    }

    /// Counts a place; how often it was come to.
    pub(super) fn count(&mut self, step: u32, offset: u32) -> u32 {
        let first = usize::try_from(step).ok().and_then(|step| self.crowds.get_mut(step));
        let count = match first {
            Some((first, count)) if *first == offset || *first == NONE => {
                *first = offset;
                count
            }
            _ => self.others.entry((step, offset)).or_default(),
        };
        *count = count.saturating_add(1);
        *count
    }

    /// The depth with which an offset was first come to, which is this one if it was not.
    pub(super) fn first_depth(&mut self, offset: u32, depth: u32) -> u32 {
        let Some(first) = usize::try_from(offset).ok().and_then(|offset| self.depths.get_mut(offset)) else {
            return depth;
        };
        if *first == NONE {
            *first = depth;
        }
        *first
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
                assert!(rows.insert(&[number, number / 2]), "{turn} {number}");
                assert!(!rows.insert(&[number, number / 2]));
                assert!(rows.insert(&[number]));
            }
            assert!(!rows.insert(&[7, 3]) && rows.insert(&[]) && !rows.insert(&[]));
            rows.clear();
        }
    }

    #[test]
    fn places_are_pairs_of_both_sides() {
        let mut places = Places::default();
        places.clear(3, 10);
        let counts = [(1, 4), (1, 6), (1, 4), (1, 6), (9, 6), (9, 6)].map(|(step, offset)| places.count(step, offset));
        assert_eq!(counts, [1, 1, 2, 2, 1, 2]);
        assert_eq!([(4, 2), (4, 3), (5, 3), (99, 7)].map(|(at, depth)| places.first_depth(at, depth)), [2, 2, 3, 7]);
        places.clear(3, 10);
        assert_eq!((places.count(1, 6), places.first_depth(4, 3)), (1, 3));
    }
}
