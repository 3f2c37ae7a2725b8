//! The rows of the tables: what an entry puts into the columns, and the plain tables for paper and for browsers without
//! scripts.

use std::io;
use std::io::Write;

use serde::Serialize;
use serde_json::json;

use crate::artifact::Locator;
use crate::artifact::rfc3339;
use crate::entry::ArtifactEntry;
use crate::entry::Passage;
use crate::entry::PassageInstruction;
use crate::entry::PassageLine;
use crate::entry::PycEntry;
use crate::name;
use crate::problem::Problem;
use crate::pyc::header;
use crate::rules::Finding;
use crate::rules::Severity;
use crate::source::Source;

use super::column::Cell;
use super::column::Spec;
use super::column::Table;
use super::column::later;
use super::column::now;
use super::words;

/// Rows of a plain table; the tables that scripts draw have no such limit.
const PLAIN: usize = 500;
/// Candidates that are named when a source is ambiguous.
const CANDIDATES: usize = 10;

const PYCS: [Spec; 29] = [
    now("artifact", "Artifact"),
    now("member", "Member"),
    now("module", "Module"),
    now("python", "Python"),
    now("load", "Load verdict"),
    now("header", "Header against source"),
    now("code", "Code against source"),
    now("mtime", "Recorded source time"),
    now("size", "Bytes"),
    later("sha256", "SHA-256").of_digests(),
    later("reason", ""),
    later("fields", ""),
    later("differences", ""),
    later("passages", ""),
    later("problems", ""),
    later("magic", "Magic number"),
    later("invalidation", "Invalidation"),
    later("source_size", "Recorded source size"),
    later("source_hash", "Recorded source hash"),
    later("own_time", "Time of the file"),
    later("tag", "Cache tag"),
    later("optimization", "Optimisation"),
    later("source", "Source"),
    later("found", "Source found"),
    later("actual_size", "Source size"),
    later("actual_time", "Source time"),
    later("build_path", "Build path"),
    later("code_objects", "Code objects"),
    later("trailing", "Bytes after the code"),
];

const FINDINGS: [Spec; 11] = [
    now("pyc", ""),
    now("artifact", "Artifact"),
    now("member", "Member"),
    now("severity", "Severity"),
    now("rule", "Rule"),
    now("message", "Message"),
    now("expected", "Expected"),
    now("observed", "Observed"),
    later("offset", "Offset"),
    later("line", "Line"),
    later("fingerprint", "Fingerprint"),
];

const ARTIFACTS: [Spec; 7] = [
    now("artifact", "Artifact"),
    now("member", "Member"),
    now("kind", "Kind"),
    now("pycs", "Bytecode files"),
    now("seen", "Files seen"),
    now("size", "Bytes"),
    now("sha256", "SHA-256").of_digests(),
];

const PROBLEMS: [Spec; 4] =
    [now("artifact", "Artifact"), now("member", "Member"), now("kind", "Problem"), now("message", "In words")];

/// All tables of a report while it grows.
pub(super) struct Tables {
    pycs: Table<29>,
    findings: Table<11>,
    artifacts: Table<7>,
    problems: Table<4>,
    plain_pycs: WorstFirst<PlainPyc>,
    plain_findings: WorstFirst<PlainFinding>,
    plain_artifacts: Vec<PlainArtifact>,
    plain_problems: Vec<PlainProblem>,
}

impl Tables {
    /// Tables without rows.
    pub(super) fn new() -> Self {
        Self {
            pycs: Table::new("pycs", &PYCS),
            findings: Table::new("findings", &FINDINGS),
            artifacts: Table::new("artifacts", &ARTIFACTS),
            problems: Table::new("problems", &PROBLEMS),
            plain_pycs: WorstFirst::default(),
            plain_findings: WorstFirst::default(),
            plain_artifacts: Vec::new(),
            plain_problems: Vec::new(),
        }
    }

    /// Adds a pyc, its findings and its problems.
    pub(super) fn pyc(&mut self, entry: &PycEntry) -> io::Result<()> {
        let owner = self.pycs.rows();
        for finding in &entry.findings {
            self.finding(finding, Some((owner, &entry.locator)))?;
        }
        for problem in &entry.problems {
            self.problem(&entry.locator, problem)?;
        }
        let python = entry.python();
        let header = entry.pyc.header.as_ref();
        let mtime = header.and_then(header::Header::mtime).and_then(|mtime| rfc3339(mtime.into())).unwrap_or_default();
        let path = Path::of(&entry.locator);
        let [source, found, actual_size, actual_time] = source(&entry.source);
        let root = entry.pyc.body.root();
        let problems: Vec<_> = entry.problems.iter().map(Problem::to_string).collect();
        let magic =
            entry.pyc.magic.map_or_else(String::new, |magic| format!("{} ({})", magic.number(), name::hex(&magic.0)));
        self.pycs.push(&[
            Cell::Text(&path.artifact),
            Cell::Text(&path.member),
            Cell::Text(&entry.module),
            Cell::Text(&python),
            Cell::Text(entry.load.verdict.code()),
            Cell::Text(entry.header_check.outcome.code()),
            Cell::Text(&code_match(entry)),
            Cell::Text(&mtime),
            Cell::Number(entry.size.into()),
            Cell::Digest(entry.sha256),
            Cell::Text(&entry.load.reason),
            Cell::Json(&fields(entry)),
            Cell::Json(&differences(entry)),
            Cell::Json(&passages(entry)),
            Cell::Json(&json!(problems)),
            Cell::Text(&magic),
            Cell::Text(entry.header_kind()),
            Cell::number(header.and_then(header::Header::source_size)),
            Cell::Text(&header.and_then(header::Header::source_hash).map_or_else(String::new, |hash| name::hex(&hash))),
            Cell::Text(&words::own_time(entry.times)),
            Cell::Text(&entry.place.tag.to_string()),
            Cell::Text(&entry.place.optimization.to_string()),
            Cell::Text(&source),
            Cell::Text(&found),
            Cell::Text(&actual_size),
            Cell::Text(&actual_time),
            Cell::Text(&entry.build_path().unwrap_or_default()),
            Cell::number(root.and_then(|root| u64::try_from(root.code_objects).ok())),
            Cell::number((entry.pyc.trailing > 0).then_some(entry.pyc.trailing)),
        ])?;
        let severity = entry.max_severity();
        self.plain_pycs.add(severity, || PlainPyc {
            severity: severity.map_or("", Severity::code),
            path: entry.locator.to_string(),
            rules: rules(&entry.findings),
            python,
            load: entry.load.verdict.code(),
            header: entry.header_check.outcome.code(),
            code: code_match(entry),
            mtime,
            size: words::number(entry.size),
        });
        Ok(())
    }

    /// Adds an artifact, its findings and its problems.
    pub(super) fn artifact(&mut self, entry: &ArtifactEntry) -> io::Result<()> {
        for finding in &entry.findings {
            self.finding(finding, None)?;
        }
        for (member, problem) in &entry.problems {
            self.problem(member.as_ref().unwrap_or(&entry.locator), problem)?;
        }
        let path = Path::of(&entry.locator);
        let kind = entry.kind.map_or("file", crate::container::Kind::code);
        let seen = entry.ledger.seen();
        self.artifacts.push(&[
            Cell::Text(&path.artifact),
            Cell::Text(&path.member),
            Cell::Text(kind),
            Cell::Number(entry.pycs.into()),
            Cell::Number(seen.into()),
            Cell::number(entry.size),
            Cell::Digest(entry.sha256),
        ])?;
        if self.plain_artifacts.len() < PLAIN {
            self.plain_artifacts.push(PlainArtifact {
                path: entry.locator.to_string(),
                kind,
                pycs: words::number(entry.pycs),
                seen: words::number(seen),
                size: entry.size.map_or_else(String::new, words::number),
                sha256: entry.sha256.map_or_else(String::new, |sha256| sha256.to_string()),
            });
        }
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, owner: Option<(u64, &Locator)>) -> io::Result<()> {
        // A finding that is about its pyc has no place of its own: the pyc's row has it.
        let path = match owner {
            Some((_, locator)) if *locator == finding.locator => Path::default(),
            _ => Path::of(&finding.locator),
        };
        self.findings.push(&[
            owner.map_or(Cell::Number(-1), |(row, _)| Cell::Number(row.into())),
            Cell::Text(&path.artifact),
            Cell::Text(&path.member),
            Cell::Text(finding.severity.code()),
            Cell::Text(finding.rule.id),
            Cell::Text(&finding.message),
            Cell::Text(&finding.expected),
            Cell::Text(&finding.observed),
            Cell::number(finding.offset),
            Cell::number(finding.line),
            Cell::Text(&finding.fingerprint),
        ])?;
        self.plain_findings.add(Some(finding.severity), || PlainFinding {
            severity: finding.severity.code(),
            rule: finding.rule.id,
            path: finding.locator.to_string(),
            place: words::place(finding),
            message: words::clipped(&finding.message),
            expected: words::clipped(&finding.expected),
            observed: words::clipped(&finding.observed),
        });
        Ok(())
    }

    fn problem(&mut self, locator: &Locator, problem: &Problem) -> io::Result<()> {
        let path = Path::of(locator);
        let message = problem.to_string();
        let cells = [&path.artifact, &path.member, problem.kind.code(), &message].map(Cell::Text);
        self.problems.push(&cells)?;
        if self.plain_problems.len() < PLAIN {
            self.plain_problems.push(PlainProblem {
                kind: problem.kind.code(),
                path: locator.to_string(),
                message: words::clipped(&message),
            });
        }
        Ok(())
    }

    /// The plain tables, taken out.
    pub(super) fn plain(&mut self) -> Plain {
        let pycs = std::mem::take(&mut self.plain_pycs).list();
        let findings = std::mem::take(&mut self.plain_findings).list();
        let artifacts = std::mem::take(&mut self.plain_artifacts);
        let problems = std::mem::take(&mut self.plain_problems);
        Plain {
            pycs_total: words::number(self.pycs.rows()),
            pycs_note: left_out(words::length(&pycs), self.pycs.rows(), "with the worst findings"),
            pycs,
            findings_total: words::number(self.findings.rows()),
            findings_note: left_out(words::length(&findings), self.findings.rows(), "of the highest severity"),
            findings,
            artifacts_total: words::number(self.artifacts.rows()),
            artifacts_note: left_out(words::length(&artifacts), self.artifacts.rows(), "in path order"),
            artifacts,
            problems_total: words::number(self.problems.rows()),
            problems_note: left_out(words::length(&problems), self.problems.rows(), "in path order"),
            problems,
        }
    }

    /// Writes the columns of all tables.
    pub(super) fn write(self, out: &mut dyn Write) -> io::Result<()> {
        self.pycs.write(out)?;
        self.findings.write(out)?;
        self.artifacts.write(out)?;
        self.problems.write(out)
    }
}

/// The two parts of a locator.
#[derive(Default)]
struct Path {
    artifact: String,
    member: String,
}

impl Path {
    fn of(locator: &Locator) -> Self {
        Self { artifact: locator.artifact_shown(), member: locator.member_shown() }
    }
}

/// The header's fields: offset, bytes, name and reading of each.
fn fields(entry: &PycEntry) -> serde_json::Value {
    let layout =
        entry.pyc.header.as_ref().map(|header| header.layout).or(entry.pyc.version.and_then(|version| version.header));
    let fields = header::fields(&entry.head, layout);
    json!(
        fields
            .iter()
            .map(|field| json!([field.offset, name::hex(&field.bytes), field.name, field.reading]))
            .collect::<Vec<_>>()
    )
}

/// What became of the comparison of the code: `differs`, `unverified: no-source`.
fn code_match(entry: &PycEntry) -> String {
    let check = &entry.code_check;
    match check.reason() {
        Some(reason) => format!("{}: {}", check.code(), reason.code()),
        None => check.code().to_owned(),
    }
}

/// Where code and source part: line, its text, code object, offset, expected and found of each.
fn differences(entry: &PycEntry) -> serde_json::Value {
    let rows = entry.code_check.differences().iter().map(|difference| {
        let code = difference.code.to_string();
        json!([difference.line, difference.text, code, difference.offset, difference.expected, difference.found])
    });
    json!(rows.collect::<Vec<_>>())
}

/// Source and instructions side by side: of each code object its name and lines, of each line number, text, whether it differs and its
/// instructions, of each of those offset, text and whether it differs.
fn passages(entry: &PycEntry) -> serde_json::Value {
    let instruction = |it: &PassageInstruction| json!([it.offset, it.text, it.is_marked]);
    let line = |it: &PassageLine| {
        let instructions: Vec<_> = it.instructions.iter().map(instruction).collect();
        json!([it.line, it.text, it.is_marked, instructions])
    };
    let passage = |it: &Passage| json!([it.code.to_string(), it.lines.iter().map(line).collect::<Vec<_>>()]);
    json!(entry.passages.iter().map(passage).collect::<Vec<_>>())
}

/// Where the source is, how it was found, its size and time.
fn source(source: &Source) -> [String; 4] {
    match source {
        Source::Present(file) => [
            file.locator.to_string(),
            words::found(file.found).to_owned(),
            words::number(file.size),
            words::own_time(file.times),
        ],
        Source::Absent => ["none".to_owned(), String::new(), String::new(), String::new()],
        Source::Ambiguous(candidates) => {
            let mut names: Vec<_> = candidates.iter().take(CANDIDATES).map(Locator::to_string).collect();
            if candidates.len() > CANDIDATES {
                names.push("…".to_owned());
            }
            let found = words::counted(words::length(candidates), "file", "files");
            [names.join("\n"), format!("{found} could be it"), String::new(), String::new()]
        }
    }
}

/// The ids of findings, each once.
fn rules(findings: &[Finding]) -> String {
    let mut ids: Vec<_> = findings.iter().map(|finding| finding.rule.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.join(" ")
}

/// A sentence on the rows that a plain table leaves out; empty when it has all.
fn left_out(shown: u64, total: u64, which: &str) -> String {
    let left = total.saturating_sub(shown);
    if left == 0 {
        return String::new();
    }
    let [shown, left] = [shown, left].map(words::number);
    format!(
        "This is the plain table: the {shown} rows {which}. {left} more are left out here; with JavaScript switched on this page shows all of them."
    )
}

/// The first rows of every severity, so that the worst are never the ones left out.
struct WorstFirst<T> {
    lists: [Vec<T>; 6],
}

impl<T> Default for WorstFirst<T> {
    fn default() -> Self {
        Self { lists: std::array::from_fn(|_| Vec::new()) }
    }
}

impl<T> WorstFirst<T> {
    fn add(&mut self, severity: Option<Severity>, row: impl FnOnce() -> T) {
        let at = match severity {
            Some(Severity::Critical) => 0,
            Some(Severity::High) => 1,
            Some(Severity::Medium) => 2,
            Some(Severity::Low) => 3,
            Some(Severity::Info) => 4,
            None => 5,
        };
        if self.lists[..=at].iter().map(Vec::len).sum::<usize>() < PLAIN {
            self.lists[at].push(row());
        }
    }

    fn list(self) -> Vec<T> {
        self.lists.into_iter().flatten().take(PLAIN).collect()
    }
}

/// The plain tables, as the template takes them.
#[derive(Debug, Serialize)]
pub(super) struct Plain {
    pycs_total: String,
    pycs_note: String,
    pycs: Vec<PlainPyc>,
    findings_total: String,
    findings_note: String,
    findings: Vec<PlainFinding>,
    artifacts_total: String,
    artifacts_note: String,
    artifacts: Vec<PlainArtifact>,
    problems_total: String,
    problems_note: String,
    problems: Vec<PlainProblem>,
}

#[derive(Debug, Serialize)]
struct PlainPyc {
    severity: &'static str,
    path: String,
    python: String,
    load: &'static str,
    header: &'static str,
    code: String,
    mtime: String,
    size: String,
    rules: String,
}

#[derive(Debug, Serialize)]
struct PlainFinding {
    severity: &'static str,
    rule: &'static str,
    path: String,
    place: String,
    message: String,
    expected: String,
    observed: String,
}

#[derive(Debug, Serialize)]
struct PlainArtifact {
    path: String,
    kind: &'static str,
    pycs: String,
    seen: String,
    size: String,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct PlainProblem {
    kind: &'static str,
    path: String,
    message: String,
}
