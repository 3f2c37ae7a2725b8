//! Which bytes, and from where: locators, digests, times.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use md5::Md5;
use sha2::Digest as _;
use sha2::Sha256;

use crate::name;
use crate::name::Name;

/// Where a file or a member is: `outer.zip!inner.whl!pkg/__pycache__/m.cpython-312.pyc`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator {
    /// The file on disk, as it was named on the command line or found below that.
    pub artifact: Arc<Path>,
    /// The members on the way in, outermost first; empty for a file on disk.
    pub inner: Vec<Name>,
}

impl Locator {
    /// A file on disk.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { artifact: path.into().into(), inner: Vec::new() }
    }

    /// A member of the archive that is here.
    #[must_use]
    pub fn member(&self, name: Name) -> Self {
        let mut inner = Vec::with_capacity(self.inner.len().saturating_add(1));
        inner.extend_from_slice(&self.inner);
        inner.push(name);
        Self { artifact: Arc::clone(&self.artifact), inner }
    }

    /// The file on disk, escaped.
    pub fn artifact_shown(&self) -> String {
        name::shown(self.artifact.as_os_str().as_encoded_bytes())
    }

    /// The members on the way in, escaped and joined by `!`; empty for a file on disk.
    pub fn member_shown(&self) -> String {
        self.inner.iter().map(Name::to_string).collect::<Vec<_>>().join("!")
    }

    /// The bytes of the innermost path: the member's name, or the file's path.
    pub fn path(&self) -> &[u8] {
        self.inner.last().map_or_else(|| self.artifact.as_os_str().as_encoded_bytes(), Name::as_bytes)
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name::show(self.artifact.as_os_str().as_encoded_bytes(), f)?;
        self.inner.iter().try_for_each(|name| write!(f, "!{name}"))
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

/// Bytes of one of two digests before it is the other's turn: two blocks.
const TURN: usize = 128;

impl Sha256Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digests of two runs of bytes, piece by piece in turn: in a processor with instructions for it each round waits for the one
    /// before, and rounds of the other digest fill the gap, so that both take three quarters of the time of one after the other.
    pub fn of_both(first: &[u8], second: &[u8]) -> (Self, Self) {
        let (mut of_first, mut of_second) = (Sha256::new(), Sha256::new());
        let common = first.len().min(second.len());
        let (first, first_rest) = first.split_at(common);
        let (second, second_rest) = second.split_at(common);
        for (first, second) in first.chunks(TURN).zip(second.chunks(TURN)) {
            of_first.update(first);
            of_second.update(second);
        }
        of_first.update(first_rest);
        of_second.update(second_rest);
        (Self(of_first.finalize().into()), Self(of_second.finalize().into()))
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&name::hex(&self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An MD5 digest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Md5Digest(pub [u8; 16]);

impl Md5Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Md5::digest(bytes).into())
    }
}

impl fmt::Display for Md5Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&name::hex(&self.0))
    }
}

impl fmt::Debug for Md5Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A DOS date and time: what a clock on the wall showed, without a zone, in steps of two seconds (APPNOTE 4.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DosTime {
    /// The date word: year since 1980, month, day.
    pub date: u16,
    /// The time word: hour, minute, second / 2.
    pub time: u16,
}

impl DosTime {
    /// The wall-clock time as seconds, read as if it were UTC; `None` when the words are no date (month 0, hour 25, ...).
    pub fn as_if_utc(self) -> Option<i64> {
        let civil = jiff::civil::DateTime::new(
            i16::try_from(1980 + i32::from(self.date >> 9)).ok()?,
            i8::try_from(self.date >> 5 & 15).ok()?,
            i8::try_from(self.date & 31).ok()?,
            i8::try_from(self.time >> 11).ok()?,
            i8::try_from(self.time >> 5 & 63).ok()?,
            i8::try_from((self.time & 31) * 2).ok()?,
            0,
        )
        .ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
    }
}

/// When a file or member was last modified, as far as its place says; all that is present is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Seconds since 1970 UTC of the file system, or of the extended timestamp field 0x5455 of a zip.
    pub unix: Option<i64>,
    /// Windows FILETIME of the NTFS field 0x000A of a zip: units of 100 ns since 1601 UTC.
    pub ntfs: Option<u64>,
    /// The words that every zip record has.
    pub dos: Option<DosTime>,
}

impl Times {
    /// Seconds since 1970 UTC when the place gives a time with a known zone.
    pub fn utc(self) -> Option<i64> {
        // 11,644,473,600 seconds lie between 1601 and 1970.
        self.unix.or_else(|| Some(i64::try_from(self.ntfs? / 10_000_000).ok()? - 11_644_473_600))
    }

    /// RFC 3339 in UTC where a time with a known zone is given, else the wall-clock time without a zone.
    pub fn shown(self) -> Option<String> {
        if let Some(seconds) = self.utc() {
            return rfc3339(seconds);
        }
        let mut text = rfc3339(self.dos?.as_if_utc()?)?;
        // The final `Z` would claim a zone that is not known.
        text.pop();
        Some(text)
    }

    /// Seconds since 1970 as well as known: UTC, or the wall clock of wherever the archive was made.
    pub fn seconds(self) -> Option<i64> {
        self.utc().or_else(|| self.dos?.as_if_utc())
    }
}

/// Seconds since 1970 as RFC 3339 in UTC; `None` outside the years that RFC 3339 can write.
pub fn rfc3339(seconds: i64) -> Option<String> {
    let timestamp = jiff::Timestamp::from_second(seconds).ok()?;
    (0..=253_402_300_799).contains(&seconds).then(|| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digests_at_once_are_those_of_one_after_the_other() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for length in [0, 1, 63, 64, 127, 128, 129, 300, 1_000] {
            for from in [0, 1, 16, 128, 999] {
                let (first, second) = (&bytes[..length], &bytes[from..]);
                let both = (Sha256Digest::of(first), Sha256Digest::of(second));
                assert_eq!(Sha256Digest::of_both(first, second), both, "{length} {from}");
            }
        }
    }

    #[test]
    fn a_dos_time_is_read_field_by_field() {
        // 2024-02-29 12:34:56
        let time = DosTime { date: 0x585d, time: 0x645c };
        assert_eq!(time.as_if_utc().and_then(rfc3339).as_deref(), Some("2024-02-29T12:34:56Z"));
        assert_eq!(DosTime { date: 0, time: 0 }.as_if_utc(), None);
    }

    #[test]
    fn an_ntfs_time_counts_from_1601() {
        let times = Times { ntfs: Some(116_444_736_000_000_000), ..Times::default() };
        assert_eq!(times.utc(), Some(0));
    }
}
