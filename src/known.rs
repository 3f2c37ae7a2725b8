//! Digests that a user knows: of files that are good, and of files that are bad.
//!
//! A list has one digest in a line, as `sha256sum` prints it (the rest of the line is passed over) or as pycaudit does: SHA-256
//! of a file in 64 hexadecimal digits, or the code digest of a module, `v1:` and 64 digits. Empty lines and lines that begin with
//! `#` are passed over.

use std::collections::BTreeSet;

use crate::artifact::Sha256Digest;
use crate::pyc::CodeDigest;

/// A list of digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    files: BTreeSet<[u8; 32]>,
    codes: BTreeSet<[u8; 32]>,
}

/// The lists of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Of what is known to be good.
    pub good: Digests,
    /// Of what is known to be bad.
    pub bad: Digests,
}

/// How a file is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match(pub String);

impl Known {
    /// Whether there are code digests in a list, so that those of the scanned files are needed.
    pub fn has_codes(&self) -> bool {
        !self.good.codes.is_empty() || !self.bad.codes.is_empty()
    }
}

impl Digests {
    /// Adds the digests of a list; gives the number of the first line that is none.
    ///
    /// # Errors
    /// A line that is no digest.
    pub fn add(&mut self, list: &[u8]) -> Result<(), usize> {
        for (number, line) in (1_usize..).zip(list.split(|&byte| byte == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            // `sha256sum` puts a backslash before the digest of a file whose name it escapes.
            let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            let word = word.strip_prefix(b"\\").unwrap_or(word);
            let (digits, set) = match word.strip_prefix(b"v1:") {
                Some(digits) => (digits, &mut self.codes),
                None => (word, &mut self.files),
            };
            set.insert(digest(digits).ok_or(number)?);
        }
        Ok(())
    }

    /// How a file with these digests is known, if it is.
    pub fn find(&self, file: Option<&Sha256Digest>, code: Option<&CodeDigest>) -> Option<Match> {
        if let Some(file) = file.filter(|file| self.files.contains(&file.0)) {
            return Some(Match(format!("SHA-256 {file}")));
        }
        let code = code.filter(|code| self.codes.contains(&code.0))?;
        Some(Match(format!("code digest {code}")))
    }
}

/// 64 hexadecimal digits.
fn digest(digits: &[u8]) -> Option<[u8; 32]> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        let value = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = value(high)? << 4 | value(low)?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_sha256sum_and_pycaudit_print_it() {
        let mut digests = Digests::default();
        let list = format!(
            "# good\n\n{}  a.pyc\r\n\\{} *b\\n.pyc\nv1:{}\n",
            "0a".repeat(32),
            "1B".repeat(32),
            "2c".repeat(32)
        );
        assert_eq!(digests.add(list.as_bytes()), Ok(()));
        assert!(Known { bad: digests.clone(), ..Known::default() }.has_codes());
        assert!(digests.find(Some(&Sha256Digest([0x0a; 32])), None).is_some());
        assert!(digests.find(Some(&Sha256Digest([0x1b; 32])), None).is_some());
        assert!(digests.find(Some(&Sha256Digest([0x2c; 32])), None).is_none());
        assert!(digests.find(None, Some(&CodeDigest([0x2c; 32]))).is_some());
    }

    #[test]
    fn a_line_that_is_no_digest_is_named() {
        assert_eq!(Digests::default().add(b"# x\nd41d8cd98f00b204e9800998ecf8427e  a\n"), Err(2));
        assert_eq!(Digests::default().add("x".repeat(64).as_bytes()), Err(1));
    }
}
