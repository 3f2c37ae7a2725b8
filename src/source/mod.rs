//! Pairs a pyc with its source, and compares what the header records with what the source is.
//!
//! Pure: listings go in, members and comparisons come out. Whoever calls reads the files.

mod find;

use std::collections::HashMap;

use siphasher::sip::SipHasher13;
use siphasher::sip::SipHasher24;

use crate::artifact::Locator;
use crate::artifact::Times;
use crate::container::MemberId;
use crate::pyc::Header;
use crate::pyc::Invalidation;
use crate::pyc::Magic;
use crate::pyc::Version;
pub use find::Search;
pub use find::SourceIndex;
pub use find::Tree;
pub use find::TreeMember;
pub use find::beside;
pub use find::find;

/// The source of a pyc, as far as it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Found.
    Present(SourceFile),
    /// Looked for and not there.
    Absent,
    /// Several files could be it.
    Ambiguous(Vec<Locator>),
}

impl Source {
    /// The source, when it is known which it is.
    pub fn file(&self) -> Option<&SourceFile> {
        match self {
            Self::Present(file) => Some(file),
            Self::Absent | Self::Ambiguous(_) => None,
        }
    }
}

/// A source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub locator: Locator,
    /// How it was found.
    pub found: Found,
    /// Bytes.
    pub size: u64,
    /// Its modification times.
    pub times: Times,
}

/// How a source was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// Where the import system would look (PEP 3147, or beside a legacy pyc).
    Beside,
    /// By the mirrored path of a `PYTHONPYCACHEPREFIX` tree.
    PrefixTree,
    /// Among `--sources`.
    Sources,
}

/// What the header says of the source, against the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HeaderMatch {
    /// All that the header records agrees with the source.
    Fresh,
    /// The recorded modification time differs.
    MtimeMismatch,
    /// The recorded size differs.
    SizeMismatch,
    /// Both differ.
    Stale,
    /// The recorded hash is not the source's.
    HashMismatch,
    /// The recorded size or hash is that of the source with its line ends written otherwise (LF as CRLF or the reverse).
    NewlineVariant,
    /// There is no source to compare with.
    NoSource,
    /// Not compared: the header or the source could not be read, or `--verify none`.
    Unknown,
}

impl HeaderMatch {
    /// The word that reports use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::MtimeMismatch => "mtime-mismatch",
            Self::SizeMismatch => "size-mismatch",
            Self::Stale => "stale",
            Self::HashMismatch => "hash-mismatch",
            Self::NewlineVariant => "newline-variant",
            Self::NoSource => "no-source",
            Self::Unknown => "unknown",
        }
    }

    /// Every value.
    pub const ALL: &'static [Self] = &[
        Self::Fresh,
        Self::MtimeMismatch,
        Self::SizeMismatch,
        Self::Stale,
        Self::HashMismatch,
        Self::NewlineVariant,
        Self::NoSource,
        Self::Unknown,
    ];
}

/// The header's record and the source's facts, side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderCheck {
    /// The outcome.
    pub outcome: HeaderMatch,
    /// Recorded and actual modification time, where the header records one and the source has one.
    pub mtime: Option<(u32, i64)>,
    /// Whether the times agree as an interpreter compares them; in an archive, as far as its times can say.
    pub mtime_agrees: Option<bool>,
    /// Recorded and actual size, where the header records one.
    pub size: Option<(u32, u64)>,
    /// Recorded and computed hash, where the header records one and the source was read.
    pub hash: Option<([u8; 8], [u8; 8])>,
    /// Which line ends make the size or hash fit, when not the source's own.
    pub newline: Option<Newline>,
    /// The hash fits only with the rounds of SipHash that another series uses.
    pub other_rounds: bool,
    /// The other file whose hash the header records, when it is not this source's (`PYC206`).
    pub hash_of: Option<Locator>,
}

impl HeaderCheck {
    /// A check that compared nothing.
    pub fn not_compared(outcome: HeaderMatch) -> Self {
        Self {
            outcome,
            mtime: None,
            mtime_agrees: None,
            size: None,
            hash: None,
            newline: None,
            other_rounds: false,
            hash_of: None,
        }
    }
}

/// A way to write line ends.
///
/// A source's variant in `Lf` has every CR LF pair written as LF; in `CrLf`, every LF that has no CR before it written as
/// CR LF. A CR on its own stays in both, and of a source with mixed line ends both variants differ from the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Newline {
    /// Line feed.
    Lf,
    /// Carriage return and line feed.
    CrLf,
}

impl Newline {
    /// The source with its line ends written so; `None` when that changes nothing.
    pub fn variant(self, source: &[u8]) -> Option<Vec<u8>> {
        let mut variant = Vec::with_capacity(source.len());
        let mut previous = 0;
        for &byte in source {
            if byte == b'\n' {
                match self {
                    Self::Lf if previous == b'\r' => drop(variant.pop()),
                    Self::CrLf if previous != b'\r' => variant.push(b'\r'),
                    _ => {}
                }
            }
            variant.push(byte);
            previous = byte;
        }
        (variant.len() != source.len()).then_some(variant)
    }
}

/// Compares what a header records with a source. The source is read only when a hash has to be computed, or when the size
/// differs and line ends may explain it.
pub fn compare<S: AsRef<[u8]>>(
    magic: Magic,
    version: Option<&Version>,
    header: &Header,
    source: &SourceFile,
    read: impl FnOnce() -> Option<S>,
) -> HeaderCheck {
    match header.invalidation {
        Invalidation::Timestamp { mtime, source_size } => {
            compare_stat(mtime, source_size, version.map(|version| version.series), source, read)
        }
        Invalidation::CheckedHash(hash) | Invalidation::UncheckedHash(hash) => {
            compare_hash(magic, version.map(|version| version.series), hash, read)
        }
    }
}

fn compare_stat<S: AsRef<[u8]>>(
    mtime: u32,
    source_size: Option<u32>,
    series: Option<(u8, u8)>,
    source: &SourceFile,
    read: impl FnOnce() -> Option<S>,
) -> HeaderCheck {
    let mut check = HeaderCheck::not_compared(HeaderMatch::Unknown);
    check.mtime = source.times.seconds().map(|actual| (mtime, actual));
    check.mtime_agrees = if source.locator.inner.is_empty() {
        source.times.unix.map(|actual| mtime_agrees(mtime, actual, series))
    } else {
        archived_mtime_agrees(mtime, source.times, series)
    };
    check.size = source_size.map(|recorded| (recorded, source.size));
    let size_agrees = source_size.map(|recorded| recorded == low_word(source.size));
    if size_agrees == Some(false) {
        check.newline = read().and_then(|bytes| newline_for_size(bytes.as_ref(), source_size));
    }
    check.outcome = match (check.mtime_agrees, size_agrees) {
        (_, Some(false)) if check.newline.is_some() => HeaderMatch::NewlineVariant,
        (Some(false), Some(false)) => HeaderMatch::Stale,
        (_, Some(false)) => HeaderMatch::SizeMismatch,
        (Some(false), _) => HeaderMatch::MtimeMismatch,
        (None, None) => HeaderMatch::Unknown,
        (Some(true), _) | (None, Some(true)) => HeaderMatch::Fresh,
    };
    check
}

/// Whether a recorded modification time is that of the source, as the series compares it.
///
/// 3.7 on compares `mtime & 0xFFFFFFFF`; 3.3 to 3.6 compare the word with the whole time; up to 3.2 the word is read as
/// signed and compared with the low word of the time, so that times of 2**31 and more never fit (`reference/header.md` 3).
pub fn mtime_agrees(recorded: u32, actual: i64, series: Option<(u8, u8)>) -> bool {
    match series {
        Some(series) if series < (3, 3) => i64::from(recorded.cast_signed()) == i64::from(low_word_of_time(actual)),
        Some(series) if series < (3, 7) => i64::from(recorded) == actual,
        _ => recorded == low_word_of_time(actual),
    }
}

/// The low 32 bits, as CPython's `& 0xFFFFFFFF`.
fn low_word_of_time(seconds: i64) -> u32 {
    low_word(seconds.cast_unsigned())
}

/// The low 32 bits of a size, as headers record it.
pub fn low_word(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The largest distance of a clock on the wall from UTC, in seconds (UTC+14, Line Islands).
const FARTHEST_ZONE: u64 = 14 * 3600;

/// All zones of today are whole quarters of an hour from UTC.
const ZONE_STEP: i64 = 900;

/// Whether a recorded time can be that of an archived source: exactly, where the archive has a UTC time; else in some zone.
fn archived_mtime_agrees(recorded: u32, times: Times, series: Option<(u8, u8)>) -> Option<bool> {
    if let Some(actual) = times.utc() {
        return Some(mtime_agrees(recorded, actual, series));
    }
    let wall = times.dos?.as_if_utc()?;
    Some(dos_zone(recorded, wall).is_some())
}

/// The distance from UTC, in seconds, of a clock that would show this DOS time at the recorded time; `None` when there is no
/// such clock on Earth. The DOS time is given as if it were UTC.
///
/// DOS times have steps of 2 s; writers round either way, and zipimport accepts a difference of 1 s (`_eq_mtime`).
pub fn dos_zone(recorded: u32, wall: i64) -> Option<i64> {
    let distance = wall.saturating_sub(i64::from(recorded));
    let zone = distance.saturating_add(1).div_euclid(ZONE_STEP).saturating_mul(ZONE_STEP);
    let left = distance.saturating_sub(zone);
    (zone.unsigned_abs() <= FARTHEST_ZONE && left.unsigned_abs() <= 1).then_some(zone)
}

/// The way to write line ends that gives the recorded size.
fn newline_for_size(source: &[u8], recorded: Option<u32>) -> Option<Newline> {
    let recorded = u64::from(recorded?);
    let feeds = count(source, |window| matches!(window, [_, b'\n'])) + usize::from(source.first() == Some(&b'\n'));
    let pairs = count(source, |window| window == b"\r\n");
    let fits = |size: Option<usize>| size.and_then(|size| u64::try_from(size).ok()) == Some(recorded);
    if pairs > 0 && fits(source.len().checked_sub(pairs)) {
        return Some(Newline::Lf);
    }
    (feeds > pairs && fits(source.len().checked_add(feeds - pairs))).then_some(Newline::CrLf)
}

fn count(source: &[u8], matches: impl Fn(&[u8]) -> bool) -> usize {
    source.windows(2).filter(|window| matches(window)).count()
}

fn compare_hash<S: AsRef<[u8]>>(
    magic: Magic,
    series: Option<(u8, u8)>,
    recorded: [u8; 8],
    read: impl FnOnce() -> Option<S>,
) -> HeaderCheck {
    let mut check = HeaderCheck::not_compared(HeaderMatch::Unknown);
    let Some(source) = read() else { return check };
    let bytes = source.as_ref();
    let rounds = Rounds::of_series(series);
    let computed = rounds.hash(magic, bytes);
    check.hash = Some((recorded, computed));
    if computed == recorded {
        check.outcome = HeaderMatch::Fresh;
        return check;
    }
    check.outcome = HeaderMatch::HashMismatch;
    let other = rounds.other();
    if other.hash(magic, bytes) == recorded {
        // Without a version there is no telling which of the two is the interpreter's own.
        check.other_rounds = series.is_some();
        if series.is_none() {
            check.hash = Some((recorded, recorded));
            check.outcome = HeaderMatch::Fresh;
        }
        return check;
    }
    for newline in [Newline::Lf, Newline::CrLf] {
        let Some(variant) = newline.variant(bytes) else { continue };
        let own = rounds.hash(magic, &variant) == recorded;
        if own || other.hash(magic, &variant) == recorded {
            check.newline = Some(newline);
            check.other_rounds = !own && series.is_some();
            check.outcome = if check.other_rounds { HeaderMatch::HashMismatch } else { HeaderMatch::NewlineVariant };
            break;
        }
    }
    check
}

/// How many rounds of SipHash the source hash has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounds {
    /// SipHash-2-4: 3.7 to 3.10.
    TwoFour,
    /// SipHash-1-3: 3.11 and later.
    OneThree,
}

impl Rounds {
    /// What a series uses; other implementations follow the CPython of their series.
    pub fn of_series(series: Option<(u8, u8)>) -> Self {
        if series.is_some_and(|series| series < (3, 11)) { Self::TwoFour } else { Self::OneThree }
    }

    fn other(self) -> Self {
        match self {
            Self::TwoFour => Self::OneThree,
            Self::OneThree => Self::TwoFour,
        }
    }

    /// The source hash as a header holds it: keyed by the magic with its CR LF (`_imp.source_hash`), little-endian.
    pub fn hash(self, magic: Magic, source: &[u8]) -> [u8; 8] {
        let key = u64::from(u32::from_le_bytes(magic.0));
        match self {
            Self::TwoFour => SipHasher24::new_with_keys(key, 0).hash(source),
            Self::OneThree => SipHasher13::new_with_keys(key, 0).hash(source),
        }
        .to_le_bytes()
    }
}

/// The hashes of many sources, to tell which one a header's hash was made from (`PYC206`).
#[derive(Debug, Default)]
pub struct HashIndex {
    /// Magic number and hash to the first source, in path order, that has it.
    by_hash: HashMap<(Magic, [u8; 8]), MemberId>,
}

impl HashIndex {
    /// Takes in the hash of a source under the magic number of a version. They come in any order: of equal sources the first in path
    /// order is found.
    pub fn add(&mut self, version: &Version, source: MemberId, bytes: &[u8]) {
        let variants = [Newline::Lf, Newline::CrLf].map(|newline| newline.variant(bytes));
        let rounds = Rounds::of_series(Some(version.series));
        for bytes in variants.iter().flatten().map(Vec::as_slice).chain([bytes]) {
            let first = self.by_hash.entry((version.magic, rounds.hash(version.magic, bytes))).or_insert(source);
            *first = source.min(*first);
        }
    }

    /// The source that has this hash.
    pub fn find(&self, magic: Magic, hash: [u8; 8]) -> Option<MemberId> {
        self.by_hash.get(&(magic, hash)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::DosTime;
    use crate::pyc;

    const SOURCE: &[u8] = b"x = 1\n";

    fn version(series: (u8, u8)) -> &'static Version {
        let label = format!("CPython {}.{}", series.0, series.1);
        pyc::versions::VERSIONS.iter().rfind(|version| version.python() == label).unwrap()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn on_disk(mtime: i64, size: u64) -> SourceFile {
        let times = Times { unix: Some(mtime), ..Times::default() };
        SourceFile { locator: Locator::file("m.py"), found: Found::Beside, size, times }
    }

    fn archived(times: Times) -> SourceFile {
        SourceFile { locator: Locator::file("a.zip").member("m.py".into()), found: Found::Beside, size: 6, times }
    }

    /// Compares a header, made by `forge`, with a source; reading gives `content`.
    fn check(forged: &crate::forge::Pyc, source: &SourceFile, content: Option<&[u8]>) -> HeaderCheck {
        let bytes = forged.build();
        let mut scratch = pyc::Scratch::default();
        let pyc = pyc::parse(&bytes, &crate::limits::Limits::default(), &mut scratch).value;
        compare(pyc.magic.unwrap(), pyc.version, pyc.header.as_ref().unwrap(), source, || content.map(<[u8]>::to_vec))
    }

    fn forged(python: &str) -> crate::forge::Pyc {
        crate::forge::Pyc::python(python).source_mtime(1000).source_size(6)
    }

    #[test]
    fn the_source_hash_is_that_of_each_interpreter() {
        // Written by the interpreters themselves for `x = 1` and LF.
        let vectors = [
            ((3, 7), "20329d810db227ea"),
            ((3, 8), "1506f08f32bf3ff3"),
            ((3, 9), "f1d665a9e50fdffa"),
            ((3, 10), "d94aade28c8cbebf"),
            ((3, 11), "4c0372aa93f75252"),
            ((3, 12), "1522561917f5df08"),
            ((3, 13), "e786e2893651120e"),
            ((3, 14), "1db2b6325ca282a7"),
        ];
        for (series, expected) in vectors {
            let hash = Rounds::of_series(Some(series)).hash(version(series).magic, SOURCE);
            assert_eq!(hash.as_slice(), bytes(expected), "{series:?}");
        }
        let release_candidate = Magic(*b"\x52\x0e\r\n");
        assert_eq!(Rounds::OneThree.hash(release_candidate, SOURCE).as_slice(), bytes("a8abdb6f34c441fd"));
        let pypy = Magic(*b"\x50\x01\r\n");
        assert_eq!(Rounds::of_series(Some((3, 9))).hash(pypy, SOURCE).as_slice(), bytes("152e8119840baf92"));
    }

    #[test]
    fn times_are_compared_as_each_series_does() {
        let cases = [
            ((2, 7), 1000, 1000, true),
            ((2, 7), 1000, 1000 + (1 << 32), true),
            ((2, 7), 0xffff_fc18, -1000, false),
            ((2, 7), 0x8000_0005, 0x8000_0005, false),
            ((3, 6), 0xffff_fc18, -1000, false),
            ((3, 6), 5, (1 << 32) + 5, false),
            ((3, 6), 0x8000_0005, 0x8000_0005, true),
            ((3, 7), 0xffff_fc18, -1000, true),
            ((3, 13), 5, (1 << 32) + 5, true),
            ((3, 13), 1001, 1000, false),
        ];
        for (series, recorded, actual, agrees) in cases {
            assert_eq!(mtime_agrees(recorded, actual, Some(series)), agrees, "{series:?} {recorded} {actual}");
        }
    }

    #[test]
    fn a_fresh_timestamp_is_seen_without_reading_the_source() {
        let check = check(&forged("3.12"), &on_disk(1000, 6), None);
        assert_eq!(check.outcome, HeaderMatch::Fresh);
        assert_eq!((check.mtime, check.size), (Some((1000, 1000)), Some((6, 6))));
    }

    #[test]
    fn what_differs_is_told_apart() {
        let long = b"x = 1000\n";
        let cases = [
            (on_disk(1001, 6), HeaderMatch::MtimeMismatch),
            (on_disk(1000, 9), HeaderMatch::SizeMismatch),
            (on_disk(1001, 9), HeaderMatch::Stale),
            (on_disk(1000, 6 + (1 << 32)), HeaderMatch::Fresh),
        ];
        for (source, outcome) in cases {
            assert_eq!(check(&forged("3.12"), &source, Some(long)).outcome, outcome, "{source:?}");
        }
        assert_eq!(check(&forged("2.7"), &on_disk(1000, 9), None).outcome, HeaderMatch::Fresh);
    }

    #[test]
    fn a_size_that_fits_other_line_ends_is_a_newline_variant() {
        let recorded = |size| forged("3.12").source_size(size);
        let checked = check(&recorded(7), &on_disk(1, 6), Some(b"x = 1\n"));
        assert_eq!((checked.outcome, checked.newline), (HeaderMatch::NewlineVariant, Some(Newline::CrLf)));
        let checked = check(&recorded(6), &on_disk(1, 7), Some(b"x = 1\r\n"));
        assert_eq!((checked.outcome, checked.newline), (HeaderMatch::NewlineVariant, Some(Newline::Lf)));
        // A feed at the very start has no byte before it.
        let checked = check(&recorded(4), &on_disk(1, 2), Some(b"\n\n"));
        assert_eq!(checked.newline, Some(Newline::CrLf));
        let checked = check(&recorded(8), &on_disk(1, 6), Some(b"x = 1\n"));
        assert_eq!((checked.outcome, checked.newline), (HeaderMatch::Stale, None));
    }

    #[test]
    fn a_hash_is_tried_with_every_variant_and_both_rounds() {
        let magic = version((3, 12)).magic;
        let with = |rounds: Rounds, content: &[u8]| {
            let forged = forged("3.12").hash(rounds.hash(magic, content));
            check(&forged, &on_disk(1, 6), Some(SOURCE))
        };
        assert_eq!(with(Rounds::OneThree, SOURCE).outcome, HeaderMatch::Fresh);
        let variant = with(Rounds::OneThree, b"x = 1\r\n");
        assert_eq!((variant.outcome, variant.newline), (HeaderMatch::NewlineVariant, Some(Newline::CrLf)));
        let rounds = with(Rounds::TwoFour, SOURCE);
        assert_eq!((rounds.outcome, rounds.other_rounds), (HeaderMatch::HashMismatch, true));
        let other = with(Rounds::OneThree, b"x = 2\n");
        assert_eq!((other.outcome, other.other_rounds, other.newline), (HeaderMatch::HashMismatch, false, None));
        let unread = check(&forged("3.12").hash([0; 8]), &on_disk(1, 6), None);
        assert_eq!(unread.outcome, HeaderMatch::Unknown);
    }

    #[test]
    fn a_variant_changes_pairs_and_feeds_only() {
        assert_eq!(Newline::Lf.variant(b"a\r\nb\rc\n").as_deref(), Some(&b"a\nb\rc\n"[..]));
        assert_eq!(Newline::CrLf.variant(b"a\r\nb\rc\n").as_deref(), Some(&b"a\r\nb\rc\r\n"[..]));
        assert_eq!(Newline::Lf.variant(b"a\rb\n"), None);
        assert_eq!(Newline::CrLf.variant(b"\n").as_deref(), Some(&b"\r\n"[..]));
    }

    #[test]
    fn a_dos_time_fits_in_zones_of_whole_quarter_hours() {
        let cases = [
            (1000, 1000, Some(0)),
            (1001, 1000, Some(0)),
            (999, 1000, Some(0)),
            (1002, 1000, None),
            (998, 1000, None),
            (100_000, 100_000 + 20_700, Some(20_700)),
            (100_000, 100_000 - 28_800 + 1, Some(-28_800)),
            (100_000, 100_000 + 1200, None),
            (100_000, 100_000 + 50_400, Some(50_400)),
            (100_000, 100_000 + 51_300, None),
            (u32::MAX, i64::MIN, None),
        ];
        for (recorded, wall, zone) in cases {
            assert_eq!(dos_zone(recorded, wall), zone, "{recorded} {wall}");
        }
    }

    #[test]
    fn an_archived_time_in_utc_outweighs_the_dos_time() {
        let dos = Some(DosTime { date: 33, time: 0 });
        let fits = archived(Times { unix: Some(1000), dos, ..Times::default() });
        assert_eq!(check(&forged("3.12"), &fits, None).mtime_agrees, Some(true));
        let off_by_an_hour = archived(Times { unix: Some(4600), dos, ..Times::default() });
        assert_eq!(check(&forged("3.12"), &off_by_an_hour, None).mtime_agrees, Some(false));
        let wall = 315_532_800;
        let in_a_zone = forged("3.12").source_mtime(wall - 3600);
        assert_eq!(check(&in_a_zone, &archived(Times { dos, ..Times::default() }), None).mtime_agrees, Some(true));
        assert_eq!(check(&forged("3.12"), &archived(Times::default()), None).mtime_agrees, None);
    }

    #[test]
    fn a_hash_leads_to_the_source_it_was_made_from() {
        let version = version((3, 12));
        let mut index = HashIndex::default();
        for (member, bytes) in [(2, SOURCE), (0, &b"a = 1\n"[..]), (1, SOURCE)] {
            index.add(version, member, bytes);
        }
        let hash = Rounds::OneThree.hash(version.magic, SOURCE);
        assert_eq!(index.find(version.magic, hash), Some(1));
        let crlf = Rounds::OneThree.hash(version.magic, b"a = 1\r\n");
        assert_eq!(index.find(version.magic, crlf), Some(0));
        assert_eq!(index.find(version.magic, [0; 8]), None);
    }
}
