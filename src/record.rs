//! The RECORD of a wheel or of an installed distribution: which files it has, with digest and size (PEP 376, PEP 427 and the
//! binary distribution format of the PyPA specifications).
//!
//! Every row is kept, malformed ones with their line and reason; whether files and rows agree is for rules to say.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use csv::ByteRecord;
use csv::ReaderBuilder;
use sha2::Digest;
use sha2::Sha224;
use sha2::Sha256;
use sha2::Sha384;
use sha2::Sha512;

use crate::artifact::Sha256Digest;
use crate::limits::Limits;
use crate::name::Name;
use crate::name::shown;
use crate::name::split_last;
use crate::problem::Parsed;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// The alphabet that RECORD uses. Padding is accepted here and complained about by the caller; stray bits in the last character
/// are refused, since two texts must not mean one digest.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A parsed RECORD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The rows in file order, malformed ones that name a path too.
    rows: Vec<Row>,
    /// Rows in the order of their paths, those of the same path in file order.
    by_path: Vec<usize>,
    /// What is malformed, in file order.
    malformed: Vec<Malformed>,
    /// How much more is malformed than is kept.
    malformed_more: usize,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The path as it is written: relative to the folder of the `.dist-info`, or absolute.
    pub path: Name,
    /// The digest; `None` when the field is empty or cannot be read.
    pub digest: Option<RowDigest>,
    /// The size in bytes; `None` when the field is empty or cannot be read.
    pub size: Option<u64>,
    /// The line it is on, from 1.
    pub line: u64,
}

/// A digest in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDigest {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Its name as it is written.
    pub written: Name,
    /// The digest.
    pub bytes: Vec<u8>,
}

/// The hash algorithms of RECORD files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-224; shorter than the specification allows ("sha256 or better").
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// One that is guaranteed in `hashlib` and strong, but not computed here: SHA-3, BLAKE2, SHAKE.
    Strong,
    /// MD5 or SHA-1, which the specification forbids.
    Weak,
    /// None that `hashlib` guarantees.
    Unknown,
}

/// Something malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: Reason,
    /// What is written there, escaped.
    pub observed: String,
}

/// What can be wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Not three fields.
    FieldCount,
    /// The path is empty.
    EmptyPath,
    /// The digest has no `=` between algorithm and value.
    DigestSyntax,
    /// The digest's value is not base64 of the URL-safe kind, or not of the algorithm's length.
    DigestValue,
    /// The digest's value is padded.
    DigestPadded,
    /// The algorithm's name is not in small letters.
    AlgorithmCase,
    /// MD5, SHA-1 or SHA-224.
    WeakAlgorithm,
    /// An algorithm that `hashlib` does not guarantee.
    UnknownAlgorithm,
    /// The size is no decimal number.
    Size,
    /// The path was in an earlier row.
    Duplicate,
}

impl Reason {
    /// One sentence for a person.
    pub fn message(self) -> &'static str {
        match self {
            Self::FieldCount => "a row that has not three fields",
            Self::EmptyPath => "a row without a path",
            Self::DigestSyntax => "a digest without `algorithm=`",
            Self::DigestValue => "a digest that is not URL-safe base64 of the right length",
            Self::DigestPadded => "a digest with padding",
            Self::AlgorithmCase => "an algorithm that is not in small letters",
            Self::WeakAlgorithm => "a weak digest algorithm",
            Self::UnknownAlgorithm => "an unknown digest algorithm",
            Self::Size => "a size that is no number",
            Self::Duplicate => "a path that an earlier row has",
        }
    }
}

impl Algorithm {
    /// The algorithm of this name, whatever its case.
    fn named(name: &[u8]) -> Self {
        const STRONG: [&[u8]; 8] =
            [b"sha3_224", b"sha3_256", b"sha3_384", b"sha3_512", b"blake2b", b"blake2s", b"shake_128", b"shake_256"];
        match name.to_ascii_lowercase().as_slice() {
            b"sha224" => Self::Sha224,
            b"sha256" => Self::Sha256,
            b"sha384" => Self::Sha384,
            b"sha512" => Self::Sha512,
            b"md5" | b"sha1" => Self::Weak,
            other if STRONG.contains(&other) => Self::Strong,
            _ => Self::Unknown,
        }
    }

    /// The digest of these bytes; `None` for algorithms that are not computed here.
    pub fn digest(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Sha224 => Some(Sha224::digest(bytes).to_vec()),
            Self::Sha256 => Some(Sha256::digest(bytes).to_vec()),
            Self::Sha384 => Some(Sha384::digest(bytes).to_vec()),
            Self::Sha512 => Some(Sha512::digest(bytes).to_vec()),
            Self::Strong | Self::Weak | Self::Unknown => None,
        }
    }

    /// Bytes of a digest, for those that are computed here.
    fn length(self) -> Option<usize> {
        match self {
            Self::Sha224 => Some(28),
            Self::Sha256 => Some(32),
            Self::Sha384 => Some(48),
            Self::Sha512 => Some(64),
            Self::Strong | Self::Weak | Self::Unknown => None,
        }
    }
}

impl RowDigest {
    /// The digest, if it is SHA-256.
    pub fn sha256(&self) -> Option<Sha256Digest> {
        let bytes = self.bytes.first_chunk::<32>().filter(|_| self.algorithm == Algorithm::Sha256)?;
        Some(Sha256Digest(*bytes))
    }

    /// Whether these bytes have this digest; `None` when the algorithm is not computed here.
    pub fn matches(&self, bytes: &[u8]) -> Option<bool> {
        Some(self.algorithm.digest(bytes)? == self.bytes)
    }
}

impl Record {
    /// Parses a RECORD. It may have as many rows as an archive may have members.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Parsed<Self> {
        let mut record = Self::default();
        let mut problems = Vec::new();
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut fields = ByteRecord::new();
        let mut lines = Lines { bytes, at: 0, line: 1 };
        let mut malformed = Gathered { kept: Vec::new(), more: 0, limit: limits.findings_per_rule };
        loop {
            // Reading from memory as bytes cannot fail: field counts are free and nothing has to be text.
            match reader.read_byte_record(&mut fields) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    problems.push(Problem::new(ProblemKind::DataDamaged).with_detail(error.to_string()));
                    break;
                }
            }
            if record.rows.len() >= limits.members {
                problems.push(Problem::new(ProblemKind::MemberCountLimit).with_detail("rows of RECORD"));
                break;
            }
            let at =
                fields.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(bytes.len());
            let line = lines.of(at);
            record.rows.extend(row(&fields, line, &mut malformed));
        }
        record.index(&mut malformed);
        malformed.kept.sort_by_key(|malformed| malformed.line);
        (record.malformed, record.malformed_more) = (malformed.kept, malformed.more);
        Parsed { value: record, problems }
    }

    /// The rows in file order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What is malformed, in file order, up to a limit.
    pub fn malformed(&self) -> &[Malformed] {
        &self.malformed
    }

    /// How much more is malformed than [`Self::malformed`] has.
    pub fn malformed_more(&self) -> usize {
        self.malformed_more
    }

    /// The first row of this path.
    pub fn find(&self, path: &[u8]) -> Option<&Row> {
        self.find_all(path).next()
    }

    /// All rows of this path, in file order.
    pub fn find_all(&self, path: &[u8]) -> impl Iterator<Item = &Row> {
        self.slots(path).iter().filter_map(|&at| self.rows.get(at))
    }

    /// The rows of a member: those of its name or, when there are none, those that spell it as old tools on Windows did, with
    /// backslashes, or with `./` before it.
    pub fn rows_of<'a>(&'a self, name: &[u8]) -> impl Iterator<Item = &'a Row> + use<'a> {
        let mut slots = self.slots(name);
        if slots.is_empty() {
            slots = spellings(name).map(|other| self.slots(&other)).find(|slots| !slots.is_empty()).unwrap_or_default();
        }
        slots.iter().filter_map(|&at| self.rows.get(at))
    }

    /// The places of the rows of a path.
    fn slots(&self, path: &[u8]) -> &[usize] {
        let path_of = |at: usize| self.rows.get(at).map_or(&[][..], |row| row.path.as_bytes());
        let start = self.by_path.partition_point(|&at| path_of(at) < path);
        let end = self.by_path.partition_point(|&at| path_of(at) <= path);
        self.by_path.get(start..end).unwrap_or_default()
    }

    /// Sorts the rows by path and notes duplicates.
    fn index(&mut self, malformed: &mut Gathered) {
        let rows = &self.rows;
        let path = |at: usize| rows.get(at).map(|row| &row.path);
        self.by_path = (0..rows.len()).collect();
        self.by_path.sort_by(|&a, &b| path(a).cmp(&path(b)));
        for pair in self.by_path.windows(2) {
            let &[first, second] = pair else { continue };
            if let Some(row) = rows.get(second).filter(|_| path(first) == path(second)) {
                malformed.push(row.line, Reason::Duplicate, row.path.as_bytes());
            }
        }
    }
}

/// Counts lines. (The `csv` crate's own count is one behind after CR LF: it takes the LF for the start of the next row.)
#[derive(Debug)]
struct Lines<'a> {
    /// What is read.
    bytes: &'a [u8],
    /// How far the lines are counted.
    at: usize,
    /// The line there, from 1.
    line: u64,
}

impl Lines<'_> {
    /// The line on which the first row at or after this byte begins; bytes must not go back.
    fn of(&mut self, start: usize) -> u64 {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let blank = rest.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
        let end = start.saturating_add(blank);
        let passed = self.bytes.get(self.at..end).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', passed).count();
        self.line = self.line.saturating_add(u64::try_from(lines).unwrap_or(u64::MAX));
        self.at = end.max(self.at);
        self.line
    }
}

/// Other ways in which old tools wrote a path, in RECORD or in the archive.
pub fn spellings(path: &[u8]) -> impl Iterator<Item = Vec<u8>> + use<> {
    let replaced = |from: u8, to: u8| {
        let other = path.iter().map(|&byte| if byte == from { to } else { byte }).collect();
        path.contains(&from).then_some(other)
    };
    let short = path.strip_prefix(b"./").map(<[u8]>::to_vec);
    let long = short.is_none().then(|| [&b"./"[..], path].concat());
    [replaced(b'/', b'\\'), replaced(b'\\', b'/'), short, long].into_iter().flatten()
}

/// Whether a member is one of those that RECORD does not vouch for: itself, and its signatures.
pub fn is_record_file(name: &[u8]) -> bool {
    let (folder, file) = split_last(name);
    folder.ends_with(b".dist-info")
        && !folder.contains(&b'/')
        && matches!(file, b"RECORD" | b"RECORD.jws" | b"RECORD.p7s")
}

/// What is malformed, up to a limit.
#[derive(Debug)]
struct Gathered {
    /// What is kept.
    kept: Vec<Malformed>,
    /// What is only counted.
    more: usize,
    /// How many are kept.
    limit: usize,
}

impl Gathered {
    /// Adds one.
    fn push(&mut self, line: u64, reason: Reason, observed: &[u8]) {
        if self.kept.len() < self.limit {
            self.kept.push(Malformed { line, reason, observed: shown(observed) });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

/// Reads one row; `None` when it names no path.
fn row(fields: &ByteRecord, line: u64, malformed: &mut Gathered) -> Option<Row> {
    if fields.len() != 3 {
        malformed.push(line, Reason::FieldCount, format!("{} fields", fields.len()).as_bytes());
    }
    let field = |at| fields.get(at).unwrap_or_default();
    let path = field(0);
    if path.is_empty() {
        malformed.push(line, Reason::EmptyPath, field(1));
        return None;
    }
    let size = field(2);
    let parsed = std::str::from_utf8(size).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let parsed = parsed.and_then(|text| text.parse().ok());
    if parsed.is_none() && !size.is_empty() {
        malformed.push(line, Reason::Size, size);
    }
    Some(Row { path: Name::new(path), digest: digest(field(1), line, malformed), size: parsed, line })
}

/// Reads the digest of a row.
fn digest(field: &[u8], line: u64, malformed: &mut Gathered) -> Option<RowDigest> {
    if field.is_empty() {
        return None;
    }
    let Some(equals) = field.iter().position(|&byte| byte == b'=') else {
        malformed.push(line, Reason::DigestSyntax, field);
        return None;
    };
    let (name, value) = field.split_at(equals);
    let value = value.get(1..).unwrap_or_default();
    let algorithm = Algorithm::named(name);
    match algorithm {
        Algorithm::Weak | Algorithm::Sha224 => malformed.push(line, Reason::WeakAlgorithm, name),
        Algorithm::Unknown => malformed.push(line, Reason::UnknownAlgorithm, name),
        Algorithm::Sha256 | Algorithm::Sha384 | Algorithm::Sha512 | Algorithm::Strong => {}
    }
    if name.iter().any(u8::is_ascii_uppercase) {
        malformed.push(line, Reason::AlgorithmCase, name);
    }
    if value.ends_with(b"=") {
        malformed.push(line, Reason::DigestPadded, value);
    }
    let bytes = BASE64.decode(value).ok().filter(|bytes| algorithm.length().is_none_or(|length| bytes.len() == length));
    let Some(bytes) = bytes else {
        malformed.push(line, Reason::DigestValue, value);
        return None;
    };
    Some(RowDigest { algorithm, written: Name::new(name), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of the empty file as RECORD writes it.
    const EMPTY: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    fn parse(text: &str) -> Record {
        let parsed = Record::parse(text.as_bytes(), &Limits::default());
        assert!(parsed.problems.is_empty());
        parsed.value
    }

    fn reasons(text: &str) -> Vec<(u64, Reason)> {
        parse(text).malformed().iter().map(|malformed| (malformed.line, malformed.reason)).collect()
    }

    #[test]
    fn an_honest_record_is_read_whole() {
        let record =
            parse(&format!("p/m.py,sha256={EMPTY},0\r\n\"p/a,b.py\",sha256={EMPTY},12\np-1.dist-info/RECORD,,\n"));
        assert_eq!(record.malformed(), []);
        assert_eq!(record.rows().len(), 3);
        let row = record.find(b"p/a,b.py").unwrap();
        assert_eq!((row.size, row.line), (Some(12), 2));
        let digest = row.digest.as_ref().unwrap();
        assert_eq!(digest.sha256(), Some(Sha256Digest::of(b"")));
        assert_eq!((digest.matches(b""), digest.matches(b"x")), (Some(true), Some(false)));
        assert_eq!(record.find(b"p-1.dist-info/RECORD").map(|row| (&row.digest, row.size)), Some((&None, None)));
        assert_eq!(record.find(b"p/a"), None);
    }

    #[test]
    fn what_is_malformed_is_named_with_its_line() {
        assert_eq!(reasons("a,b\n"), [(1, Reason::FieldCount), (1, Reason::DigestSyntax)]);
        assert_eq!(reasons("a,,1,2\n"), [(1, Reason::FieldCount)]);
        assert_eq!(reasons("a,,1\n,,\n"), [(2, Reason::EmptyPath)]);
        assert_eq!(reasons("a,,+1\nb,,-1\nc,,1 \nd,,99999999999999999999\n").len(), 4);
        assert_eq!(reasons(&format!("a,sha256={EMPTY}=,0\n")), [(1, Reason::DigestPadded)]);
        assert_eq!(reasons(&format!("a,SHA256={EMPTY},0\n")), [(1, Reason::AlgorithmCase)]);
        assert_eq!(reasons("a,md5=1B2M2Y8AsgTpgAmY7PhCfg,0\n"), [(1, Reason::WeakAlgorithm)]);
        assert_eq!(reasons("a,crc=AAAA,0\n"), [(1, Reason::UnknownAlgorithm)]);
        assert_eq!(reasons("a,sha256=AAAA,0\n"), [(1, Reason::DigestValue)]);
        // Standard base64, and stray bits in the last character.
        assert_eq!(reasons(&format!("a,sha256={},0\n", EMPTY.replace('-', "+"))), [(1, Reason::DigestValue)]);
        assert_eq!(reasons(&format!("a,sha256={},0\n", EMPTY.replace("SuFU", "SuFV"))), [(1, Reason::DigestValue)]);
    }

    #[test]
    fn a_path_listed_twice_keeps_both_rows() {
        let record = parse("b,,1\na,,2\nb,,3\n");
        assert_eq!(record.find_all(b"b").map(|row| row.size).collect::<Vec<_>>(), [Some(1), Some(3)]);
        assert_eq!(reasons("b,,1\na,,2\nb,,3\n"), [(3, Reason::Duplicate)]);
    }

    #[test]
    fn a_member_is_found_as_old_tools_spelled_it() {
        let record = parse("p\\m.py,,1\n./q.py,,2\nr/s.py,,3\n");
        let size = |name: &[u8]| record.rows_of(name).map(|row| row.size).collect::<Vec<_>>();
        assert_eq!(size(b"p/m.py"), [Some(1)]);
        assert_eq!(size(b"q.py"), [Some(2)]);
        assert_eq!(size(b"r\\s.py"), [Some(3)]);
        assert_eq!(size(b"s.py"), []);
    }

    #[test]
    fn only_the_record_of_the_wheel_itself_is_not_vouched_for() {
        assert!(is_record_file(b"p-1.dist-info/RECORD") && is_record_file(b"p-1.dist-info/RECORD.jws"));
        assert!(!is_record_file(b"RECORD") && !is_record_file(b"p/q-1.dist-info/RECORD"));
    }

    #[test]
    fn a_record_of_rubbish_is_bounded() {
        let limits = Limits { members: 1_000, findings_per_rule: 10, ..Limits::default() };
        let parsed = Record::parse("x\n".repeat(100_000).as_bytes(), &limits);
        assert_eq!((parsed.value.rows().len(), parsed.value.malformed().len()), (1_000, 10));
        assert_eq!(parsed.problems.first().map(|problem| problem.kind), Some(ProblemKind::MemberCountLimit));
        let parsed = Record::parse(&[b'"', 0xff, b'\n', 0, b','], &limits);
        assert_eq!(parsed.value.rows().len(), 1);
    }
}
