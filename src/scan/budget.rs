//! What all the archives in one member of an archive on disk may take together, so that archives in archives cannot multiply.
//!
//! Each such member has a budget of its own and is scanned by one thread in path order: so what is left out does not depend on the
//! number of threads.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::container::Container;
use crate::limits::Limits;

/// Bytes that a nested archive may give for each of its own, before its share of the whole counts: what honest packages, and text in
/// the strongest compressors, stay below.
const RATIO: u64 = 32;

/// And for nothing at all: the smallest archives are mostly headers.
const LEAST: u64 = 1 << 20;

/// What is left.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: AtomicU64,
    archives: AtomicU64,
}

impl Budget {
    /// For a member of `size` bytes, one of `members` of an archive on disk.
    pub(crate) fn new(size: u64, members: usize, limits: &Limits) -> Self {
        let share = limits.total_size / u64::try_from(members).unwrap_or(u64::MAX).max(1);
        let own = size.saturating_mul(RATIO).saturating_add(LEAST);
        let bytes = share.max(own).min(limits.total_size);
        Self { bytes: AtomicU64::new(bytes), archives: AtomicU64::new(limits.nested) }
    }

    /// The limits for the next archive; `None` when there may be no other.
    pub(crate) fn next(&self, limits: &Limits) -> Option<Limits> {
        let bytes = self.bytes.load(Ordering::Relaxed);
        if bytes == 0 || !spend(&self.archives, 1) {
            return None;
        }
        Some(Limits { total_size: limits.total_size.min(bytes), ..limits.clone() })
    }

    /// Takes off what an archive unpacks to by what it lists, within its limits.
    pub(crate) fn take(&self, container: &dyn Container, limits: &Limits) {
        let sizes = container.listing().members().map(|member| member.size.unwrap_or_default().min(limits.member_size));
        // An archive without members has cost something too.
        let sum = sizes.fold(512_u64, u64::saturating_add).min(limits.total_size);
        spend(&self.bytes, sum);
    }
}

/// Takes some off, or all that is left; says whether there was enough.
fn spend(left: &AtomicU64, count: u64) -> bool {
    let before = left.load(Ordering::Relaxed);
    left.store(before.saturating_sub(count), Ordering::Relaxed);
    before >= count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_its_share_or_what_its_own_size_allows() {
        let limits = Limits { total_size: 1 << 30, ..Limits::default() };
        let left = |size, members| Budget::new(size, members, &limits).bytes.into_inner();
        assert_eq!(left(1000, 16), 1 << 26);
        assert_eq!(left(1 << 20, 1 << 20), (1 << 25) + LEAST);
        assert_eq!(left(1 << 30, 10), 1 << 30);
    }

    #[test]
    fn no_archive_is_opened_when_nothing_is_left() {
        let limits = Limits { nested: 2, ..Limits::default() };
        let budget = Budget::new(1, 1, &limits);
        assert!(budget.next(&limits).is_some() && budget.next(&limits).is_some());
        assert!(budget.next(&limits).is_none());
    }
}
