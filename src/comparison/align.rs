//! The longest common subsequence of two lists, with a bound on what it costs.

/// Cells of the table: 16 MB. Lists that need more are not aligned between their common ends.
const MOST_CELLS: usize = 4 << 20;

/// Items of two lists, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aligned {
    /// The same item in both.
    Both(usize, usize),
    /// An item of the first alone.
    Left(usize),
    /// An item of the second alone.
    Right(usize),
}

/// Aligns two lists; what is between two common items has the first list's before the second's.
pub(super) fn align<T: Eq>(left: &[T], right: &[T]) -> Vec<Aligned> {
    let head = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let (left_rest, right_rest) = (left.get(head..).unwrap_or_default(), right.get(head..).unwrap_or_default());
    let tail = left_rest.iter().rev().zip(right_rest.iter().rev()).take_while(|(one, other)| one == other).count();
    let left_middle = left_rest.get(..left_rest.len().saturating_sub(tail)).unwrap_or_default();
    let right_middle = right_rest.get(..right_rest.len().saturating_sub(tail)).unwrap_or_default();
    let mut aligned: Vec<_> = (0..head).map(|place| Aligned::Both(place, place)).collect();
    align_middle(left_middle, right_middle, head, &mut aligned);
    let (from_left, from_right) = (left.len().saturating_sub(tail), right.len().saturating_sub(tail));
    aligned.extend((from_left..left.len()).zip(from_right..right.len()).map(|(one, other)| Aligned::Both(one, other)));
    aligned
}

fn align_middle<T: Eq>(left: &[T], right: &[T], from: usize, aligned: &mut Vec<Aligned>) {
    let width = right.len().saturating_add(1);
    let cells = left.len().saturating_add(1).saturating_mul(width);
    let (mut one, mut other) = (0, 0);
    if cells <= MOST_CELLS {
        // The length of the longest common subsequence of what is left of both, row by row from the end.
        let mut lengths = vec![0_u32; cells];
        let at = |one: usize, other: usize| one.saturating_mul(width).saturating_add(other);
        let length = |lengths: &[u32], one, other| lengths.get(at(one, other)).copied().unwrap_or_default();
        for (row, item) in left.iter().enumerate().rev() {
            for (column, wanted) in right.iter().enumerate().rev() {
                let best = if item == wanted {
                    length(&lengths, row + 1, column + 1).saturating_add(1)
                } else {
                    length(&lengths, row + 1, column).max(length(&lengths, row, column + 1))
                };
                if let Some(cell) = lengths.get_mut(at(row, column)) {
                    *cell = best;
                }
            }
        }
        while let (Some(item), Some(wanted)) = (left.get(one), right.get(other)) {
            if item == wanted {
                aligned.push(Aligned::Both(from + one, from + other));
                (one, other) = (one + 1, other + 1);
            } else if length(&lengths, one + 1, other) >= length(&lengths, one, other + 1) {
                aligned.push(Aligned::Left(from + one));
                one += 1;
            } else {
                aligned.push(Aligned::Right(from + other));
                other += 1;
            }
        }
    }
    aligned.extend((one..left.len()).map(|place| Aligned::Left(from + place)));
    aligned.extend((other..right.len()).map(|place| Aligned::Right(from + place)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(left: &str, right: &str) -> String {
        let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
        let aligned = align(&left, &right);
        let show = |item: &Aligned| match *item {
            Aligned::Both(one, other) => {
                assert_eq!(left[one], right[other]);
                format!("{}", left[one])
            }
            Aligned::Left(one) => format!("-{}", left[one]),
            Aligned::Right(other) => format!("+{}", right[other]),
        };
        aligned.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_common_is_kept_and_in_order() {
        assert_eq!(shown("abc", "abc"), "a b c");
        assert_eq!(shown("abcd", "acxd"), "a -b c +x d");
        assert_eq!(shown("", "ab"), "+a +b");
        assert_eq!(shown("ab", ""), "-a -b");
        assert_eq!(shown("aa", "aaa"), "a a +a");
        assert_eq!(shown("xaby", "zabw"), "-x +z a b -y +w");
    }

    #[test]
    fn lists_too_long_for_the_table_keep_their_common_ends() {
        let left: Vec<usize> = [vec![0], (1..5_000).collect(), vec![0]].concat();
        let right: Vec<usize> = [vec![0], (2..5_001).collect(), vec![0]].concat();
        let aligned = align(&left, &right);
        assert_eq!(aligned.first(), Some(&Aligned::Both(0, 0)));
        assert_eq!(aligned.last(), Some(&Aligned::Both(5_000, 5_000)));
        assert_eq!(aligned.len(), 2 + 2 * 4_999);
    }
}
