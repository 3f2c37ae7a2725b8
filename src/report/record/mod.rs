//! Records: what every report is written from, and what JSON Lines hold.
//!
//! A scan's entries become records, and so do the lines of a saved run: the same records give the same reports. A record is text and
//! numbers alone, so that whoever masks names or merges runs has one place for it. Its fields are those of the format that
//! [`crate::report::jsonl`] describes.

mod merge;
mod names;
mod of;
mod read;
mod texts;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::artifact::Sha256Digest;
use crate::rules::RULES;
use crate::rules::Rule;
use crate::rules::Severity;

pub use merge::in_order;
pub use merge::merge_runs;
pub use merge::total;
pub use names::RawName;
pub use names::Text;
pub use names::from_hex;
pub use read::Damage;
pub use read::Read;
pub use read::Reader;
pub use texts::Rewrite;

/// The version of the format: the number in the `run` record.
pub const FORMAT: u32 = 1;

/// A word of a fixed list, or whatever another version of the program wrote there.
pub type Word = Cow<'static, str>;

/// One line of a saved run.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Record<'a> {
    /// The first line.
    Run(&'a RunRecord),
    /// A pyc.
    Pyc(&'a PycRecord),
    /// A finding of the pyc before it or the artifact after it.
    Finding(&'a FindingRecord),
    /// A finding of it that is known and accepted.
    Suppressed(&'a SuppressedRecord),
    /// What could not be read of the pyc before it or the artifact after it.
    Problem(&'a ProblemRecord),
    /// An archive, a tree or another file.
    Artifact(&'a ArtifactRecord),
    /// The last line.
    Summary(&'a SummaryRecord),
}

/// A pyc or artifact with all that is said of it.
#[derive(Clone, Debug)]
pub enum Item {
    /// A pyc.
    Pyc(Box<PycItem>),
    /// An archive or a scanned tree, after its pycs; or a file that could not be read or was left out with a finding.
    Artifact(Box<ArtifactItem>),
}

/// A pyc with all that is said of it.
#[derive(Clone, Debug)]
pub struct PycItem {
    /// The pyc.
    pub pyc: PycRecord,
    /// What the rules say, the worst first.
    pub findings: Vec<FindingRecord>,
    /// What they say that is known and accepted.
    pub suppressed: Vec<SuppressedRecord>,
    /// What could not be read.
    pub problems: Vec<ProblemRecord>,
}

/// An artifact with all that is said of it.
#[derive(Clone, Debug)]
pub struct ArtifactItem {
    /// The artifact.
    pub artifact: ArtifactRecord,
    /// What the rules say of it and of its members that are not pycs, the worst first.
    pub findings: Vec<FindingRecord>,
    /// What they say that is known and accepted.
    pub suppressed: Vec<SuppressedRecord>,
    /// What could not be read.
    pub problems: Vec<ProblemRecord>,
}

impl Item {
    /// The findings.
    pub fn findings(&self) -> &[FindingRecord] {
        match self {
            Self::Pyc(item) => &item.findings,
            Self::Artifact(item) => &item.findings,
        }
    }

    /// The findings that are suppressed.
    pub fn suppressed(&self) -> &[SuppressedRecord] {
        match self {
            Self::Pyc(item) => &item.suppressed,
            Self::Artifact(item) => &item.suppressed,
        }
    }

    /// What could not be read.
    pub fn problems(&self) -> &[ProblemRecord] {
        match self {
            Self::Pyc(item) => &item.problems,
            Self::Artifact(item) => &item.problems,
        }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        match self {
            Self::Pyc(item) => &item.pyc.place,
            Self::Artifact(item) => &item.artifact.place,
        }
    }

    /// Its records, in the order of JSON Lines.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let (before, after) = match self {
            Self::Pyc(item) => (Some(Record::Pyc(&item.pyc)), None),
            Self::Artifact(item) => (None, Some(Record::Artifact(&item.artifact))),
        };
        let problems = self.problems().iter().map(Record::Problem);
        let findings = self.findings().iter().map(Record::Finding);
        let suppressed = self.suppressed().iter().map(Record::Suppressed);
        before.into_iter().chain(problems).chain(findings).chain(suppressed).chain(after)
    }

    /// Drops findings below a severity; what the pyc or artifact says of its findings follows.
    pub fn retain(&mut self, least: Severity) {
        let ids = |findings: &mut Vec<FindingRecord>| {
            findings.retain(|finding| finding.severity >= least);
            findings.iter().map(|finding| finding.rule.clone()).collect()
        };
        let suppressed_ids = |suppressed: &mut Vec<SuppressedRecord>| {
            suppressed.retain(|each| each.finding.severity >= least);
            suppressed.iter().map(|each| each.finding.rule.clone()).collect()
        };
        match self {
            Self::Pyc(item) => {
                item.pyc.findings = ids(&mut item.findings);
                item.pyc.suppressed = suppressed_ids(&mut item.suppressed);
                item.pyc.max_severity = item.findings.iter().map(|finding| finding.severity).max();
            }
            Self::Artifact(item) => {
                item.artifact.findings = ids(&mut item.findings);
                item.artifact.suppressed = suppressed_ids(&mut item.suppressed);
            }
        }
    }
}

/// Where something is: a file on disk, and the members on the way in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file on disk, or the scanned folder.
    pub artifact: RawName,
    /// The members on the way in, outermost first; empty for a file on disk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub member: Vec<RawName>,
}

/// The chain of custody of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of the format.
    pub format: u32,
    /// The version of pycaudit.
    pub version: String,
    /// The command line, word by word, escaped.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The options as they were understood, in the order of the help text.
    #[serde(default, with = "names::pairs")]
    pub options: Vec<(String, String)>,
    /// The paths that were to be scanned, escaped.
    #[serde(default)]
    pub paths: Vec<String>,
    /// When it began: RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// Whether names of users, machines and home folders are masked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// The runs that this one was put together from; empty for a scan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<RunRecord>,
}

/// A pyc.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PycRecord {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// The digest of its bytes, when they could be read whole.
    #[serde(default, with = "names::digest", skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// The digest of the marshalled code alone.
    #[serde(default, with = "names::digest", skip_serializing_if = "Option::is_none")]
    pub payload_sha256: Option<Sha256Digest>,
    /// Bytes.
    pub size: u64,
    /// The magic number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub magic: Option<u16>,
    /// Its four bytes, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub magic_bytes: Option<String>,
    /// The interpreter by the magic number.
    pub python: String,
    /// `timestamp`, `checked-hash`, `unchecked-hash`; empty without a header.
    pub header: Word,
    /// The first bytes of the file, up to the longest header, in hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub head: String,
    /// How many bytes the header of its version has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_size: Option<u8>,
    /// The flags of PEP 552.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<u32>,
    /// The source's time that the header records: RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime: Option<String>,
    /// The same in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime_seconds: Option<u32>,
    /// The source's size that the header records, modulo 2^32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_size: Option<u32>,
    /// The source's hash that the header records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<String>,
    /// When its archive says that it was last modified; with `Z` in UTC, without it by a clock whose zone is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<String>,
    /// When the file or the archive's record was last modified, in the same form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_time: Option<String>,
    /// The same in seconds since 1970, or by that clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_time_seconds: Option<i64>,
    /// The dotted module name, escaped.
    pub module: String,
    /// The cache tag.
    pub cache_tag: RawName,
    /// The level of optimisation by the name.
    pub optimization: RawName,
    /// The load verdict.
    pub load: Word,
    /// Why, in words.
    pub load_reason: String,
    /// Its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Place>,
    /// How the source was found: `beside`, `prefix-tree`, `sources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_found: Option<Word>,
    /// The source's size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_file_size: Option<u64>,
    /// The source's time, in the form of `own_time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_file_time: Option<String>,
    /// The files that could be its source, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_candidates: Vec<Place>,
    /// The header against the source.
    pub header_match: Word,
    /// The code against the source: `verified`, `differs`, `unverified`.
    pub code_match: Word,
    /// How fine the evidence is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<Word>,
    /// The optimisation level that was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_level: Option<u8>,
    /// Why the code is not verified, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_reason: Option<Word>,
    /// And in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_detail: Option<String>,
    /// The first places where code and source part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_differences: Vec<DifferenceRecord>,
    /// Source and instructions around the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_passages: Vec<PassageRecord>,
    /// What an interpreter that compiled the source says of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<ExactRecord>,
    /// The canonical digest of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_digest: Option<String>,
    /// How many code objects there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_objects: Option<u64>,
    /// The file name in the module's code object, escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_path: Option<String>,
    /// Bytes after the code.
    pub trailing_bytes: u64,
    /// The severity of its worst finding.
    #[serde(default, with = "names::severity", skip_serializing_if = "Option::is_none")]
    pub max_severity: Option<Severity>,
    /// The rules of its findings, which follow.
    pub findings: Vec<Word>,
    /// The rules of its suppressed findings, which follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<Word>,
    /// How many problems follow.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub problems: u64,
}

/// One place where code and source part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DifferenceRecord {
    /// The code object, by its qualified name.
    pub code: RawName,
    /// The line of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// That line, escaped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The offset of the instruction in its code object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// What the source dictates.
    pub expected: String,
    /// What the bytecode does.
    pub found: String,
}

/// A piece of source and the instructions that claim to be of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PassageRecord {
    /// The code object, by its qualified name.
    pub code: RawName,
    /// The lines in the order of the source.
    pub lines: Vec<PassageLineRecord>,
}

/// A line of a passage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PassageLineRecord {
    /// Its number; `None` for instructions without a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Its text, escaped.
    pub text: String,
    /// Whether code and source part here.
    pub differs: bool,
    /// The instructions that claim to be of the line.
    pub instructions: Vec<InstructionRecord>,
}

/// An instruction of a passage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct InstructionRecord {
    /// Its offset in its code object.
    pub offset: u32,
    /// What it is, with its argument, escaped.
    pub text: String,
    /// Whether a difference was found at it.
    pub differs: bool,
}

/// What an interpreter that compiled the source says of the code.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExactRecord {
    /// The interpreter.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interpreter: String,
    /// What came of it, in a word.
    pub outcome: Word,
    /// And in words.
    pub detail: String,
}

/// A finding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FindingRecord {
    /// The rule's id.
    pub rule: Word,
    /// The rule's name.
    pub name: Word,
    /// How bad, here.
    #[serde(with = "names::one_severity")]
    pub severity: Severity,
    /// Where: the pyc, the member or the artifact.
    #[serde(flatten)]
    pub place: Place,
    /// One sentence.
    pub message: String,
    /// Where in the file, in bytes from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The line of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What should be there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What is there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed: String,
    /// What tells it from every other finding and stays when the tree moves.
    #[serde(default)]
    pub fingerprint: String,
}

impl FindingRecord {
    /// Its rule, unless another version of the program had it.
    pub fn known_rule(&self) -> Option<&'static Rule> {
        RULES.iter().copied().find(|rule| rule.id == self.rule)
    }
}

/// A finding that is known and accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SuppressedRecord {
    /// The finding.
    #[serde(flatten)]
    pub finding: FindingRecord,
    /// What suppresses it: `baseline`, `per-path-ignores`.
    pub by: Word,
    /// Why, as whoever accepted it wrote it down, or the pattern.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What became of a source of suppressions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionRecord {
    /// What it is: `baseline`, `per-path-ignores`.
    pub by: Word,
    /// The file that it was read from, escaped.
    pub file: String,
    /// How many entries it has for rules that ran.
    pub entries: u64,
    /// Those that suppressed nothing: the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<UnusedRecord>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// An entry that suppressed nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnusedRecord {
    /// The rule, as it was written.
    pub rule: String,
    /// A place or a pattern, escaped.
    pub place: String,
    /// The fingerprint; empty for a pattern.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}

impl SuppressionRecord {
    /// How many entries suppressed nothing.
    pub fn unused_count(&self) -> u64 {
        u64::try_from(self.unused.len()).unwrap_or(u64::MAX).saturating_add(self.more)
    }
}

/// What could not be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProblemRecord {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong, in a word.
    pub kind: Word,
    /// And in words.
    pub message: String,
    /// Where in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// An archive, a tree or another file that something is said of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ArtifactRecord {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// What kind of container it is; `None` for a file that is neither a pyc nor opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Word>,
    /// The digest of its bytes, for archives.
    #[serde(default, with = "names::digest", skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// Its size in bytes, for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// How many pycs were found in it.
    pub pycs: u64,
    /// Every file or member seen in it, by what became of it; `seen` is their sum.
    pub ledger: BTreeMap<Word, u64>,
    /// The rules of its findings, which stand before it.
    pub findings: Vec<Word>,
    /// The rules of its suppressed findings, which stand before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<Word>,
    /// How many problems stand before it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub problems: u64,
}

/// What a run comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryRecord {
    /// How many pycs there are.
    pub pycs: u64,
    /// Bytes of all pycs.
    pub pyc_bytes: u64,
    /// How many archives were opened.
    pub archives: u64,
    /// The coverage ledger; `seen` is the sum.
    pub ledger: BTreeMap<Word, u64>,
    /// How many files and members the containers listed.
    #[serde(default)]
    pub listed: u64,
    /// Pycs by interpreter.
    pub pythons: BTreeMap<String, u64>,
    /// Pycs by load verdict.
    pub loads: BTreeMap<Word, u64>,
    /// Pycs by how the header fits the source.
    pub header_matches: BTreeMap<Word, u64>,
    /// Pycs by how the code fits the source.
    pub code_matches: BTreeMap<Word, u64>,
    /// Those that are not verified, by the reason.
    pub code_reasons: BTreeMap<Word, u64>,
    /// Findings by severity.
    pub severities: BTreeMap<Word, u64>,
    /// Findings by rule.
    pub rules: BTreeMap<Word, u64>,
    /// Findings that are suppressed, which are in no other count, by what suppresses them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suppressed: BTreeMap<Word, u64>,
    /// What became of each source of suppressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<SuppressionRecord>,
    /// How many things could not be read.
    pub problems: u64,
    /// Whether the run was broken off, or its record ends early.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// When it ended: RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

impl SummaryRecord {
    /// How many findings have this severity.
    pub fn of_severity(&self, severity: Severity) -> u64 {
        self.severities.get(severity.code()).copied().unwrap_or_default()
    }

    /// How many files and members were seen.
    pub fn seen(&self) -> u64 {
        self.ledger.get("seen").copied().unwrap_or_default()
    }
}

/// Serde asks for a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Seconds since 1970 of an RFC 3339 time; one without a zone is read as UTC.
pub fn seconds(time: &str) -> Option<i64> {
    if let Ok(timestamp) = time.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_second());
    }
    let civil: jiff::civil::DateTime = time.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}
