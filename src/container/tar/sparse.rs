//! The maps of sparse members: those of old GNU headers, and the forms 0.0, 0.1 and 1.0 of pax (GNU tar manual, "Storing Sparse
//! Files").

use crate::container::tar::pax;
use crate::container::tar::pax::Pax;

/// Pieces that one map may have; each takes 16 bytes of memory. Honest files have some thousands.
pub(super) const PIECES: usize = 1 << 20;

/// Where each piece belongs and how long it is.
pub(super) type Pieces = Vec<(u64, u64)>;

/// The map that the extended header itself has (0.0 and 0.1).
pub(super) fn of_header(pax: &Pax) -> Result<Option<Pieces>, Malformed> {
    if !pax.pieces.is_empty() {
        let pieces = pax.pieces.iter().take(PIECES);
        let pieces = pieces.map(|(offset, length)| Some((pax::decimal(offset)?, pax::decimal(length)?))).collect();
        return Option::ok_or(pieces, Malformed::Wrong).map(Some);
    }
    let Some(map) = pax.get(b"GNU.sparse.map") else { return Ok(None) };
    let numbers: Option<Vec<u64>> = map.split(|&byte| byte == b',').take(PIECES).map(pax::decimal).collect();
    numbers.and_then(|numbers| pairs(&numbers)).ok_or(Malformed::Wrong).map(Some)
}

/// Whether the map begins the data (1.0).
pub(super) fn is_in_data(pax: &Pax) -> bool {
    pax.get(b"GNU.sparse.major") == Some(b"1") && pax.get(b"GNU.sparse.minor") == Some(b"0")
}

/// The map that begins the data: decimal numbers on lines of their own, the count of pieces first, then padding to a block. Gives
/// the pieces and how many blocks the map has; `None` when more bytes are needed or it is malformed.
pub(super) fn of_data(bytes: &[u8]) -> Result<(Pieces, u64), Malformed> {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let mut used = 0_u64;
    let mut ended = memchr::memchr_iter(b'\n', bytes).count();
    let mut number = || -> Result<u64, Malformed> {
        ended = ended.checked_sub(1).ok_or(Malformed::Short)?;
        let line = lines.next().ok_or(Malformed::Short)?;
        used = used.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX)).saturating_add(1);
        pax::decimal(line).ok_or(Malformed::Wrong)
    };
    let count = number()?;
    if usize::try_from(count).map_or(true, |count| count > PIECES) {
        return Err(Malformed::Wrong);
    }
    let mut pieces = Vec::new();
    for _ in 0..count {
        pieces.push((number()?, number()?));
    }
    Ok((pieces, used.div_ceil(512)))
}

/// Why a map cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// It does not end in these bytes.
    Short,
    /// It has something else than numbers, or too many.
    Wrong,
}

/// Numbers as pairs.
fn pairs(numbers: &[u64]) -> Option<Pieces> {
    let pairs = numbers.chunks_exact(2);
    pairs.remainder().is_empty().then(|| pairs.filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect())
}

/// Whether the pieces come one after the other inside the whole size, and are as many bytes as there are.
pub(super) fn is_sound(pieces: &[(u64, u64)], size: u64, stored: u64) -> bool {
    let mut end = 0_u64;
    let mut sum = 0_u64;
    for &(offset, length) in pieces {
        let Some(next) = offset.checked_add(length).filter(|&next| offset >= end && next <= size) else { return false };
        end = next;
        sum = sum.saturating_add(length);
    }
    sum == stored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_in_the_data_ends_with_its_block() {
        assert_eq!(of_data(b"2\n0\n5\n512\n1\n\0\0"), Ok((vec![(0, 5), (512, 1)], 1)));
        assert_eq!(of_data(b"2\n0\n5\n51"), Err(Malformed::Short));
        assert_eq!(of_data(b"x\n"), Err(Malformed::Wrong));
        assert_eq!(of_data(b"99999999999\n"), Err(Malformed::Wrong));
    }

    #[test]
    fn pieces_that_overlap_or_lie_outside_are_unsound() {
        assert!(is_sound(&[(0, 2), (4, 2)], 6, 4));
        assert!(!is_sound(&[(0, 2), (1, 2)], 6, 4));
        assert!(!is_sound(&[(0, 2), (5, 2)], 6, 4));
        assert!(!is_sound(&[(u64::MAX, 2)], u64::MAX, 2));
    }
}
