//! The extended headers of POSIX.1-2001 (pax): lines of `length keyword=value`.

use std::collections::BTreeMap;

use crate::container::tar::sparse::Malformed;

/// What extended headers say of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    /// The values by keyword; the last of the same keyword counts.
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The map of a sparse member of the form 0.0, in which keywords come again and again.
    pub(super) pieces: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What is odd in the lines of one header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// What follows this byte of them is no line.
    Malformed(usize),
    /// A keyword comes twice with different values.
    Twice(Vec<u8>),
}

impl Pax {
    /// Takes in the lines of one header; says what is odd about them.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut new: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
        let mut at = 0_usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            // What follows the last line may be NULs: some writers pad inside the size.
            if rest.iter().all(|&byte| byte == 0) {
                break;
            }
            let Some((keyword, value, length)) = line(rest) else {
                faults.push(Fault::Malformed(at));
                break;
            };
            at = at.saturating_add(length);
            match keyword {
                b"GNU.sparse.offset" => self.pieces.push((value.to_vec(), Vec::new())),
                b"GNU.sparse.numbytes" => {
                    if let Some(piece) = self.pieces.last_mut() {
                        piece.1 = value.to_vec();
                    }
                }
                _ => {
                    if new.insert(keyword, value).is_some_and(|before| before != value) {
                        faults.push(Fault::Twice(keyword.to_vec()));
                    }
                }
            }
        }
        for (keyword, value) in new {
            self.values.insert(keyword.to_vec(), value.to_vec());
        }
        faults
    }

    /// The value of a keyword; an empty one takes back what a global header said.
    pub(super) fn get(&self, keyword: &[u8]) -> Option<&[u8]> {
        self.values.get(keyword).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    /// A decimal number, when the keyword is there.
    pub(super) fn number(&self, keyword: &[u8]) -> Result<Option<u64>, Malformed> {
        self.get(keyword).map(|value| decimal(value).ok_or(Malformed::Wrong)).transpose()
    }

    /// Seconds since 1970, fractions rounded towards minus infinity.
    pub(super) fn time(&self, keyword: &[u8]) -> Option<i64> {
        let text = std::str::from_utf8(self.get(keyword)?).ok()?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let seconds: i64 = whole.parse().ok()?;
        let is_below = whole.starts_with('-') && fraction.bytes().any(|digit| digit != b'0');
        Some(if is_below { seconds.saturating_sub(1) } else { seconds })
    }

    /// These values over those of another.
    pub(super) fn over(&self, global: &Self) -> Self {
        let mut both = global.clone();
        both.values.extend(self.values.clone());
        both.pieces.clone_from(&self.pieces);
        both
    }

    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.pieces.is_empty()
    }
}

/// The first line: keyword, value, length.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let space = bytes.iter().take(20).position(|&byte| byte == b' ')?;
    let length = usize::try_from(decimal(bytes.get(..space)?)?).ok()?;
    let text = bytes.get(space.checked_add(1)?..length)?.strip_suffix(b"\n")?;
    let equals = text.iter().position(|&byte| byte == b'=')?;
    let (keyword, value) = text.split_at_checked(equals)?;
    (!keyword.is_empty()).then_some((keyword, value.get(1..)?, length))
}

/// A decimal number.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_by_their_length() {
        let mut pax = Pax::default();
        assert!(pax.add(b"12 path=a\nb\n21 mtime=-1.50000000\n").is_empty());
        assert_eq!(pax.get(b"path"), Some(&b"a\nb"[..]));
        assert_eq!(pax.time(b"mtime"), Some(-2));
    }

    #[test]
    fn a_keyword_with_two_values_and_a_line_that_is_none_are_seen() {
        let mut pax = Pax::default();
        assert_eq!(pax.add(b"9 path=a\n9 path=b\n9 size=1\n"), [Fault::Twice(b"path".to_vec())]);
        assert_eq!(pax.add(b"9 path=c\n99 path=d\n"), [Fault::Malformed(9)]);
        assert_eq!((pax.get(b"path"), pax.number(b"size")), (Some(&b"c"[..]), Ok(Some(1))));
    }
}
