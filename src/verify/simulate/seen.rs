//! What a run remembers of the places that it came to, in memory that the next run takes over.

use std::collections::HashMap;

use foldhash::fast::RandomState;

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
