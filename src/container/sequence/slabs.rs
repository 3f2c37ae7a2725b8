//! Bytes of many members in few pieces of memory: what is kept of a stream.
//!
//! A piece for each member would scatter them over the heap, where what is free between them is lost to everybody else.

use crate::container::codec::length;

/// Bytes of the first piece that several members share, which most archives do not fill.
const SLAB: usize = 4 << 20;

/// Bytes of the other pieces, and of every buffer of about this size. glibc takes what is larger than 32 MiB from the system and gives
/// it back at once (`DEFAULT_MMAP_THRESHOLD_MAX`); anything smaller becomes a hole among the memory of some thread. What of it is not
/// written to takes no memory.
pub(super) const LARGE_SLAB: usize = 33 << 20;

/// Where the bytes of a member are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    slab: usize,
    start: usize,
    length: usize,
}

/// Bytes of members, one after the other.
#[derive(Debug, Default)]
pub(super) struct Slabs(Vec<Vec<u8>>);

impl Slabs {
    /// A member of about this many bytes comes next.
    pub(super) fn begin(&mut self, size: u64) -> Place {
        let room = if self.0.len() > 1 { LARGE_SLAB } else { SLAB };
        let fits = |slab: &Vec<u8>| length(slab.len()).saturating_add(size) <= length(room);
        if !self.0.last().is_some_and(fits) {
            self.close();
            self.0.push(if self.0.is_empty() { Vec::new() } else { Vec::with_capacity(LARGE_SLAB) });
        }
        let start = self.0.last().map_or(0, Vec::len);
        Place { slab: self.0.len().saturating_sub(1), start, length: 0 }
    }

    /// Adds bytes to the member that was begun last.
    pub(super) fn extend(&mut self, piece: &[u8]) {
        if let Some(slab) = self.0.last_mut() {
            slab.extend_from_slice(piece);
        }
    }

    /// The member that was begun there is complete.
    pub(super) fn end(&mut self, place: Place) -> Place {
        let end = self.0.last().map_or(0, Vec::len);
        Place { length: end.saturating_sub(place.start), ..place }
    }

    /// Nothing is added to the last piece any more: a buffer that grew by doubling is up to twice as large as what is in it.
    pub(super) fn close(&mut self) {
        if let Some(slab) = self.0.last_mut() {
            slab.shrink_to_fit();
        }
    }

    /// The bytes of a member.
    pub(super) fn get(&self, place: Place) -> &[u8] {
        let end = place.start.saturating_add(place.length);
        self.0.get(place.slab).and_then(|slab| slab.get(place.start..end)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_what_was_added_whatever_piece_they_are_in() {
        let mut slabs = Slabs::default();
        let sizes = [0, 3, SLAB - 3, 1, LARGE_SLAB, 5];
        let places: Vec<Place> = (1_u8..)
            .zip(sizes)
            .map(|(value, size)| {
                let place = slabs.begin(length(size));
                slabs.extend(&vec![value; size / 2]);
                slabs.extend(&vec![value; size - size / 2]);
                slabs.end(place)
            })
            .collect();
        slabs.close();
        for ((value, size), place) in (1_u8..).zip(sizes).zip(places) {
            assert!(slabs.get(place).len() == size && slabs.get(place).iter().all(|&byte| byte == value), "{value}");
        }
        assert_eq!(slabs.0.iter().map(Vec::len).collect::<Vec<_>>(), [SLAB, 1, LARGE_SLAB, 5]);
    }
}
