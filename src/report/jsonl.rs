//! JSON Lines, version 1: one object per line, each with its `type`.
//!
//! | `type` | when | holds |
//! | --- | --- | --- |
//! | `run` | first | `format` (1), `version`, `arguments`, `options`, `paths`, `started` |
//! | `pyc` | per pyc, in path order | what the CSV columns say, in full; `payload_sha256` is of the code alone; `findings` are ids |
//! | `finding` | after the pyc or artifact it is about | `rule`, `name`, `severity`, place, message, evidence, `fingerprint` |
//! | `problem` | after the pyc or artifact it is about | place, `kind`, `message`, `offset` |
//! | `artifact` | after all entries of an archive or tree | kind, digest, size, `ledger` |
//! | `summary` | last | counts, the ledger, `ended` |
//!
//! `code_match` of a `pyc` is `verified` or `differs`, both with `strength` and the optimisation level `code_level` that was compared
//! with, or `unverified`, with `code_reason` and, in words, `code_detail`. `code_differences` are the first 16 places where code and
//! source part: `code` object, `line` of the source and its `text`, `offset` of the instruction in its code object, what the source
//! dictates (`expected`) and what the bytecode does (`found`). `code_passages` are source and instructions around the first of them, by
//! code object: `lines` with their `text`, the `instructions` that claim to be of the line, and what `differs`.
//!
//! With `--verify exact` a `pyc` that has a source has `exact`: the `interpreter` that compiled the source, its `outcome` (`identical`,
//! `different`, `other-lines`, `refused`, `failed`, `no-interpreter`) and, in words, the `detail`.
//!
//! Names are `{"text": ...}` when they are valid UTF-8 and `{"bytes": ...}` (base64) when not, as they are. What is invisible or
//! reorders a line is written as an escape (`\u202e`), which says the same in JSON and is safe on a terminal. Times are RFC 3339
//! in UTC. A field that is absent is unknown or does not apply. Within version 1 fields are only added.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use crate::artifact;
use crate::artifact::Locator;
use crate::entry::ArtifactEntry;
use crate::entry::Entry;
use crate::entry::Passage;
use crate::entry::PassageLine;
use crate::entry::PycEntry;
use crate::entry::Run;
use crate::entry::Summary;
use crate::ledger::Fate;
use crate::ledger::Ledger;
use crate::name;
use crate::problem::Problem;
use crate::pyc::Invalidation;
use crate::report::Reporter;
use crate::rules::Finding;
use crate::source::Source;
use crate::verify::check::CodeDifference;
use crate::verify::check::Reason;
use crate::verify::check::Strength;

/// The version of the format: the number in the `run` record.
pub const FORMAT: u32 = 1;

/// Starts the report and writes its `run` record.
pub fn start(run: &Run, mut out: Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>> {
    let record = Record::Run {
        format: FORMAT,
        version: run.version,
        arguments: &run.arguments,
        options: run.options.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        paths: &run.paths,
        started: artifact::rfc3339(run.started),
    };
    line(&mut out, &record)?;
    Ok(Box::new(JsonLines { out }))
}

struct JsonLines {
    out: Box<dyn Write + Send>,
}

impl Reporter for JsonLines {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        match entry {
            Entry::Pyc(entry) => {
                line(&mut self.out, &Record::Pyc(Box::new(pyc(entry))))?;
                for problem in &entry.problems {
                    line(&mut self.out, &problem_of(&entry.locator, problem))?;
                }
            }
            Entry::Artifact(entry) => {
                for (locator, problem) in &entry.problems {
                    line(&mut self.out, &problem_of(locator.as_ref().unwrap_or(&entry.locator), problem))?;
                }
            }
        }
        for finding in entry.findings() {
            line(&mut self.out, &finding_of(finding))?;
        }
        match entry {
            Entry::Pyc(_) => Ok(()),
            Entry::Artifact(entry) => line(&mut self.out, &artifact_record(entry)),
        }
    }

    fn finish(mut self: Box<Self>, summary: &Summary) -> io::Result<()> {
        line(&mut self.out, &summary_record(summary))?;
        self.out.flush()
    }
}

fn line(out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
    record.serialize(&mut Serializer::with_formatter(&mut *out, Escaped))?;
    out.write_all(b"\n")
}

/// Compact JSON in which characters that are invisible or reorder a line are escapes, so that a terminal can show it.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() && !fragment.contains('\u{7f}') {
            return out.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            let mut units = [0; 2];
            if name::is_deceptive(character) {
                character.encode_utf16(&mut units).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
            } else {
                write!(out, "{character}")?;
            }
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Record<'a> {
    Run {
        format: u32,
        version: &'a str,
        arguments: &'a [String],
        options: BTreeMap<&'a str, &'a str>,
        paths: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        started: Option<String>,
    },
    Pyc(Box<PycRecord<'a>>),
    Finding(FindingRecord<'a>),
    Problem(ProblemRecord<'a>),
    Artifact(ArtifactRecord<'a>),
    Summary(SummaryRecord<'a>),
}

/// A name as `{"text": ...}` or `{"bytes": ...}`.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Text<'a> {
    /// It is valid UTF-8.
    Text(Cow<'a, str>),
    /// It is not: base64.
    Bytes(String),
}

impl<'a> Text<'a> {
    /// A name by its bytes.
    pub fn of(bytes: &'a [u8]) -> Self {
        str::from_utf8(bytes).map_or_else(|_| Self::Bytes(STANDARD.encode(bytes)), |text| Self::Text(text.into()))
    }

    /// The same of bytes that do not live as long.
    pub fn owned(bytes: &[u8]) -> Self {
        match Text::of(bytes) {
            Text::Text(text) => Self::Text(Cow::Owned(text.into_owned())),
            Text::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

/// The `pyc` record of an entry, for other documents.
pub fn pyc_record(entry: &PycEntry) -> impl Serialize + use<'_> {
    Record::Pyc(Box::new(pyc(entry)))
}

/// Where something is.
#[derive(Serialize)]
struct Place<'a> {
    artifact: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    member: Vec<Text<'a>>,
}

fn place(locator: &Locator) -> Place<'_> {
    Place {
        artifact: Text::of(locator.artifact.as_os_str().as_encoded_bytes()),
        member: locator.inner.iter().map(|name| Text::of(name.as_bytes())).collect(),
    }
}

#[derive(Serialize)]
struct PycRecord<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_sha256: Option<String>,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    magic: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    magic_bytes: Option<String>,
    python: String,
    header: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_at: Option<String>,
    module: &'a str,
    cache_tag: Text<'a>,
    optimization: Text<'a>,
    load: &'a str,
    load_reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_candidates: Vec<Place<'a>>,
    header_match: &'a str,
    code_match: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    strength: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_level: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    code_differences: Vec<DifferenceRecord<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    code_passages: Vec<PassageRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exact: Option<ExactRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_path: Option<String>,
    trailing_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_severity: Option<&'a str>,
    findings: Vec<&'a str>,
}

#[derive(Serialize)]
struct DifferenceRecord<'a> {
    code: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u32>,
    expected: &'a str,
    found: &'a str,
}

#[derive(Serialize)]
struct PassageRecord<'a> {
    code: Text<'a>,
    lines: Vec<PassageLineRecord<'a>>,
}

#[derive(Serialize)]
struct PassageLineRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    text: &'a str,
    differs: bool,
    instructions: Vec<InstructionRecord<'a>>,
}

#[derive(Serialize)]
struct InstructionRecord<'a> {
    offset: u32,
    text: &'a str,
    differs: bool,
}

fn passage(passage: &Passage) -> PassageRecord<'_> {
    fn line(line: &PassageLine) -> PassageLineRecord<'_> {
        let PassageLine { line, text, is_marked, instructions } = line;
        let instructions = instructions.iter().map(|it| InstructionRecord {
            offset: it.offset,
            text: &it.text,
            differs: it.is_marked,
        });
        PassageLineRecord { line: *line, text, differs: *is_marked, instructions: instructions.collect() }
    }
    PassageRecord { code: Text::of(passage.code.as_bytes()), lines: passage.lines.iter().map(line).collect() }
}

#[derive(Serialize)]
struct ExactRecord<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    interpreter: &'a str,
    outcome: &'a str,
    detail: String,
}

fn difference(difference: &CodeDifference) -> DifferenceRecord<'_> {
    DifferenceRecord {
        code: Text::of(difference.code.as_bytes()),
        line: difference.line,
        text: &difference.text,
        offset: difference.offset,
        expected: &difference.expected,
        found: &difference.found,
    }
}

fn pyc(entry: &PycEntry) -> PycRecord<'_> {
    let header = entry.pyc.header.as_ref();
    let (mtime, source_size, source_hash) = match header.map(|header| header.invalidation) {
        Some(Invalidation::Timestamp { mtime, source_size }) => (Some(mtime), source_size, None),
        Some(Invalidation::CheckedHash(hash) | Invalidation::UncheckedHash(hash)) => (None, None, Some(hash)),
        None => (None, None, None),
    };
    let (source, source_candidates) = match &entry.source {
        Source::Present(source) => (Some(place(&source.locator)), Vec::new()),
        Source::Absent => (None, Vec::new()),
        Source::Ambiguous(places) => (None, places.iter().map(place).collect()),
    };
    PycRecord {
        place: place(&entry.locator),
        sha256: entry.sha256.map(|digest| digest.to_string()),
        payload_sha256: entry.payload_sha256.map(|digest| digest.to_string()),
        size: entry.size,
        magic: entry.pyc.magic.map(super::super::pyc::versions::Magic::number),
        magic_bytes: entry.pyc.magic.map(|magic| name::hex(&magic.0)),
        python: entry.python(),
        header: entry.header_kind(),
        flags: header.and_then(|header| header.flags),
        mtime: mtime.and_then(|mtime| artifact::rfc3339(i64::from(mtime))),
        mtime_seconds: mtime,
        source_size,
        source_hash: source_hash.map(|hash| name::hex(&hash)),
        archived_at: entry.archived_at(),
        module: &entry.module,
        cache_tag: Text::of(entry.place.tag.as_bytes()),
        optimization: Text::of(entry.place.optimization.as_bytes()),
        load: entry.load.verdict.code(),
        load_reason: &entry.load.reason,
        source,
        source_candidates,
        header_match: entry.header_check.outcome.code(),
        code_match: entry.code_check.code(),
        strength: entry.code_check.strength().map(Strength::word),
        code_level: entry.code_check.optimisation(),
        code_reason: entry.code_check.reason().map(Reason::code),
        code_detail: entry.code_check.reason().map(Reason::to_string),
        code_differences: entry.code_check.differences().iter().map(difference).collect(),
        code_passages: entry.passages.iter().map(passage).collect(),
        exact: entry.exact.as_ref().map(|exact| ExactRecord {
            interpreter: &exact.interpreter,
            outcome: exact.outcome.code(),
            detail: exact.outcome.to_string(),
        }),
        code_digest: entry.code_digest.map(|digest| digest.to_string()),
        build_path: entry.build_path(),
        trailing_bytes: entry.pyc.trailing,
        max_severity: entry.max_severity().map(crate::rules::Severity::code),
        findings: entry.findings.iter().map(|finding| finding.rule.id).collect(),
    }
}

#[derive(Serialize)]
struct FindingRecord<'a> {
    rule: &'a str,
    name: &'a str,
    severity: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    expected: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    observed: &'a str,
    fingerprint: String,
}

/// The `finding` record, for other documents.
pub fn finding_record(finding: &Finding) -> impl Serialize + use<'_> {
    finding_of(finding)
}

fn finding_of(finding: &Finding) -> Record<'_> {
    Record::Finding(FindingRecord {
        rule: finding.rule.id,
        name: finding.rule.name,
        severity: finding.severity.code(),
        place: place(&finding.locator),
        message: &finding.message,
        offset: finding.offset,
        line: finding.line,
        expected: &finding.expected,
        observed: &finding.observed,
        fingerprint: finding.fingerprint.clone(),
    })
}

#[derive(Serialize)]
struct ProblemRecord<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    kind: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

/// The `problem` record, for other documents.
pub fn problem_record<'a>(locator: &'a Locator, problem: &'a Problem) -> impl Serialize + use<'a> {
    problem_of(locator, problem)
}

fn problem_of<'a>(locator: &'a Locator, problem: &'a Problem) -> Record<'a> {
    Record::Problem(ProblemRecord {
        place: place(locator),
        kind: problem.kind.code(),
        message: problem.to_string(),
        offset: problem.offset,
    })
}

#[derive(Serialize)]
struct ArtifactRecord<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    pycs: u64,
    ledger: BTreeMap<&'a str, u64>,
    findings: Vec<&'a str>,
}

fn artifact_record(entry: &ArtifactEntry) -> Record<'_> {
    Record::Artifact(ArtifactRecord {
        place: place(&entry.locator),
        kind: entry.kind.map(crate::container::Kind::code),
        sha256: entry.sha256.map(|digest| digest.to_string()),
        size: entry.size,
        pycs: entry.pycs,
        ledger: ledger(&entry.ledger),
        findings: entry.findings.iter().map(|finding| finding.rule.id).collect(),
    })
}

fn ledger(ledger: &Ledger) -> BTreeMap<&'static str, u64> {
    let fates = Fate::ALL.iter().map(|&fate| (fate.code(), ledger.get(fate)));
    fates.chain([("seen", ledger.seen())]).collect()
}

#[derive(Serialize)]
struct SummaryRecord<'a> {
    pycs: u64,
    pyc_bytes: u64,
    archives: u64,
    ledger: BTreeMap<&'a str, u64>,
    pythons: &'a BTreeMap<String, u64>,
    loads: BTreeMap<&'a str, u64>,
    header_matches: BTreeMap<&'a str, u64>,
    code_matches: &'a BTreeMap<&'static str, u64>,
    code_reasons: &'a BTreeMap<&'static str, u64>,
    severities: BTreeMap<&'a str, u64>,
    rules: &'a BTreeMap<&'static str, u64>,
    problems: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
}

fn summary_record(summary: &Summary) -> Record<'_> {
    Record::Summary(SummaryRecord {
        pycs: summary.pycs,
        pyc_bytes: summary.pyc_bytes,
        archives: summary.archives,
        ledger: ledger(&summary.ledger),
        pythons: &summary.pythons,
        loads: summary.loads.iter().map(|(verdict, &count)| (verdict.code(), count)).collect(),
        header_matches: summary.header_matches.iter().map(|(outcome, &count)| (outcome.code(), count)).collect(),
        code_matches: &summary.code_matches,
        code_reasons: &summary.code_reasons,
        severities: summary.severities.iter().map(|(severity, &count)| (severity.code(), count)).collect(),
        rules: &summary.rules,
        problems: summary.problems,
        ended: artifact::rfc3339(summary.ended),
    })
}
