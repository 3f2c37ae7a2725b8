//! The rows of the tables: what an entry puts into the columns, and the plain tables for paper and for browsers without
//! scripts.

use std::collections::HashMap;
use std::io;
use std::io::Write;

use serde::Serialize;
use serde_json::json;

use crate::name;
use crate::pyc::HeaderLayout;
use crate::pyc::header;
use crate::report::record::ArtifactItem;
use crate::report::record::FindingRecord;
use crate::report::record::InstructionRecord;
use crate::report::record::PassageLineRecord;
use crate::report::record::PassageRecord;
use crate::report::record::Place;
use crate::report::record::ProblemRecord;
use crate::report::record::PycItem;
use crate::report::record::PycRecord;
use crate::report::record::Word;
use crate::report::record::from_hex;
use crate::rules::Severity;

use super::column::Cell;
use super::column::Spec;
use super::column::Table;
use super::column::later;
use super::column::now;
use super::roots;
use crate::report::words;

/// Rows of a plain table; the tables that scripts draw have no such limit.
const PLAIN: usize = 500;
/// Candidates that are named when a source is ambiguous.
const CANDIDATES: usize = 10;

const PYCS: [Spec; 31] = [
    now("artifact", "Artifact"),
    now("member", "Member"),
    now("module", "Module"),
    now("python", "Python"),
    now("load", "Load verdict"),
    now("header", "Header against source"),
    now("code", "Code against source"),
    now("mtime", "Recorded source time"),
    now("size", "Bytes"),
    now("root", "Built in"),
    later("sha256", "SHA-256").of_digests(),
    later("code_digest", "Code digest"),
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
    pycs: Table<31>,
    findings: Table<11>,
    artifacts: Table<7>,
    problems: Table<4>,
    plain_pycs: WorstFirst<PlainPyc>,
    plain_findings: WorstFirst<PlainFinding>,
    plain_artifacts: Vec<PlainArtifact>,
    plain_problems: Vec<PlainProblem>,
    /// How often each fingerprint was seen.
    links: HashMap<String, u64>,
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
            links: HashMap::new(),
        }
    }

    /// Adds a pyc, its findings and its problems.
    pub(super) fn pyc(&mut self, item: &PycItem) -> io::Result<()> {
        let owner = self.pycs.rows();
        let pyc = &item.pyc;
        for finding in &item.findings {
            self.finding(finding, Some((owner, &pyc.place)))?;
        }
        for problem in &item.problems {
            self.problem(problem)?;
        }
        let path = Path::of(&pyc.place);
        let [source, found, actual_size, actual_time] = source(pyc);
        let problems: Vec<_> = item.problems.iter().map(|problem| &problem.message).collect();
        let magic = match (pyc.magic, &pyc.magic_bytes) {
            (Some(number), Some(bytes)) => format!("{number} ({bytes})"),
            _ => String::new(),
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mtime = text(&pyc.mtime);
        self.pycs.push(&[
            Cell::Text(&path.artifact),
            Cell::Text(&path.member),
            Cell::Text(&pyc.module),
            Cell::Text(&pyc.python),
            Cell::Text(&pyc.load),
            Cell::Text(&pyc.header_match),
            Cell::Text(&code_match(pyc)),
            Cell::Text(&mtime),
            Cell::Number(pyc.size.into()),
            Cell::Text(&roots::of(pyc)),
            Cell::Digest(pyc.sha256),
            Cell::Text(&text(&pyc.code_digest)),
            Cell::Text(&pyc.load_reason),
            Cell::Json(&fields(pyc)),
            Cell::Json(&differences(pyc)),
            Cell::Json(&passages(pyc)),
            Cell::Json(&json!(problems)),
            Cell::Text(&magic),
            Cell::Text(&pyc.header),
            Cell::number(pyc.source_size),
            Cell::Text(&text(&pyc.source_hash)),
            Cell::Text(&words::own_time(pyc.own_time.as_deref(), pyc.own_time_seconds)),
            Cell::Text(&pyc.cache_tag.to_string()),
            Cell::Text(&pyc.optimization.to_string()),
            Cell::Text(&source),
            Cell::Text(&found),
            Cell::Text(&actual_size),
            Cell::Text(&actual_time),
            Cell::Text(&text(&pyc.build_path)),
            Cell::number(pyc.code_objects),
            Cell::number((pyc.trailing_bytes > 0).then_some(pyc.trailing_bytes)),
        ])?;
        let severity = pyc.max_severity;
        self.plain_pycs.add(severity, || PlainPyc {
            severity: severity.map_or("", Severity::code),
            path: pyc.place.to_string(),
            rules: rules(&item.findings),
            python: pyc.python.clone(),
            load: pyc.load.clone(),
            header: pyc.header_match.clone(),
            code: code_match(pyc),
            mtime,
            size: words::number(pyc.size),
        });
        Ok(())
    }

    /// Adds an artifact, its findings and its problems.
    pub(super) fn artifact(&mut self, item: &ArtifactItem) -> io::Result<()> {
        for finding in &item.findings {
            self.finding(finding, None)?;
        }
        for problem in &item.problems {
            self.problem(problem)?;
        }
        let artifact = &item.artifact;
        let path = Path::of(&artifact.place);
        let kind = artifact.kind.clone().unwrap_or(Word::Borrowed("file"));
        let seen = artifact.ledger.get("seen").copied().unwrap_or_default();
        self.artifacts.push(&[
            Cell::Text(&path.artifact),
            Cell::Text(&path.member),
            Cell::Text(&kind),
            Cell::Number(artifact.pycs.into()),
            Cell::Number(seen.into()),
            Cell::number(artifact.size),
            Cell::Digest(artifact.sha256),
        ])?;
        if self.plain_artifacts.len() < PLAIN {
            self.plain_artifacts.push(PlainArtifact {
                path: artifact.place.to_string(),
                kind,
                pycs: words::number(artifact.pycs),
                seen: words::number(seen),
                size: artifact.size.map_or_else(String::new, words::number),
                sha256: artifact.sha256.map_or_else(String::new, |sha256| sha256.to_string()),
            });
        }
        Ok(())
    }

    fn finding(&mut self, finding: &FindingRecord, owner: Option<(u64, &Place)>) -> io::Result<()> {
        // A finding that is about its pyc has no place of its own: the pyc's row has it.
        let path = match owner {
            Some((_, place)) if *place == finding.place => Path::default(),
            _ => Path::of(&finding.place),
        };
        self.findings.push(&[
            owner.map_or(Cell::Number(-1), |(row, _)| Cell::Number(row.into())),
            Cell::Text(&path.artifact),
            Cell::Text(&path.member),
            Cell::Text(finding.severity.code()),
            Cell::Text(&finding.rule),
            Cell::Text(&finding.message),
            Cell::Text(&finding.expected),
            Cell::Text(&finding.observed),
            Cell::number(finding.offset),
            Cell::number(finding.line),
            Cell::Text(&finding.fingerprint),
        ])?;
        let link = self.link(finding);
        self.plain_findings.add(Some(finding.severity), || PlainFinding {
            severity: finding.severity.code(),
            rule: finding.rule.clone(),
            link,
            path: finding.place.to_string(),
            place: words::place(finding),
            message: words::clipped(&finding.message),
            expected: words::clipped(&finding.expected),
            observed: words::clipped(&finding.observed),
        });
        Ok(())
    }

    /// What a link to a finding ends with: the digits of its fingerprint, and of equal ones (a file that lies in two wheels) the number.
    fn link(&mut self, finding: &FindingRecord) -> String {
        let digits = words::link(finding);
        let times = self.links.entry(digits.clone()).or_default();
        *times += 1;
        match *times {
            _ if digits.is_empty() => digits,
            1 => digits,
            times => format!("{digits}-{times}"),
        }
    }

    fn problem(&mut self, problem: &ProblemRecord) -> io::Result<()> {
        let path = Path::of(&problem.place);
        let cells = [&path.artifact, &path.member, problem.kind.as_ref(), &problem.message].map(Cell::Text);
        self.problems.push(&cells)?;
        if self.plain_problems.len() < PLAIN {
            self.plain_problems.push(PlainProblem {
                kind: problem.kind.clone(),
                path: problem.place.to_string(),
                message: words::clipped(&problem.message),
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

/// The two parts of a place.
#[derive(Default)]
struct Path {
    artifact: String,
    member: String,
}

impl Path {
    fn of(place: &Place) -> Self {
        Self { artifact: place.artifact_shown(), member: place.member_shown() }
    }
}

/// The header's fields: offset, bytes, name and reading of each.
fn fields(pyc: &PycRecord) -> serde_json::Value {
    let layout = pyc.header_size.and_then(|size| HeaderLayout::of_size(size.into()));
    let head = from_hex(&pyc.head).unwrap_or_default();
    let fields = header::fields(&head, layout);
    json!(
        fields
            .iter()
            .map(|field| json!([field.offset, name::hex(&field.bytes), field.name, field.reading]))
            .collect::<Vec<_>>()
    )
}

/// What became of the comparison of the code: `differs`, `unverified: no-source`.
fn code_match(pyc: &PycRecord) -> String {
    match &pyc.code_reason {
        Some(reason) => format!("{}: {reason}", pyc.code_match),
        None => pyc.code_match.to_string(),
    }
}

/// Where code and source part: line, its text, code object, offset, expected and found of each.
fn differences(pyc: &PycRecord) -> serde_json::Value {
    let rows = pyc.code_differences.iter().map(|difference| {
        let code = difference.code.to_string();
        json!([difference.line, difference.text, code, difference.offset, difference.expected, difference.found])
    });
    json!(rows.collect::<Vec<_>>())
}

/// Source and instructions side by side: of each code object its name and lines, of each line number, text, whether it differs and its
/// instructions, of each of those offset, text and whether it differs.
fn passages(pyc: &PycRecord) -> serde_json::Value {
    let instruction = |it: &InstructionRecord| json!([it.offset, it.text, it.differs]);
    let line = |it: &PassageLineRecord| {
        let instructions: Vec<_> = it.instructions.iter().map(instruction).collect();
        json!([it.line, it.text, it.differs, instructions])
    };
    let passage = |it: &PassageRecord| json!([it.code.to_string(), it.lines.iter().map(line).collect::<Vec<_>>()]);
    json!(pyc.code_passages.iter().map(passage).collect::<Vec<_>>())
}

/// Where the source is, how it was found, its size and time.
fn source(pyc: &PycRecord) -> [String; 4] {
    if let Some(place) = &pyc.source {
        return [
            place.to_string(),
            pyc.source_found.as_deref().map(words::found).unwrap_or_default().to_owned(),
            pyc.source_file_size.map(words::number).unwrap_or_default(),
            words::own_time(pyc.source_file_time.as_deref(), None),
        ];
    }
    if pyc.source_candidates.is_empty() {
        return ["none".to_owned(), String::new(), String::new(), String::new()];
    }
    let mut names: Vec<_> = pyc.source_candidates.iter().take(CANDIDATES).map(Place::to_string).collect();
    if pyc.source_candidates.len() > CANDIDATES {
        names.push("…".to_owned());
    }
    let found = words::counted(words::length(&pyc.source_candidates), "file", "files");
    [names.join("\n"), format!("{found} could be it"), String::new(), String::new()]
}

/// The ids of findings, each once.
fn rules(findings: &[FindingRecord]) -> String {
    let mut ids: Vec<_> = findings.iter().map(|finding| finding.rule.as_ref()).collect();
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
    load: Word,
    header: Word,
    code: String,
    mtime: String,
    size: String,
    rules: String,
}

#[derive(Debug, Serialize)]
struct PlainFinding {
    severity: &'static str,
    rule: Word,
    /// What a link to the finding ends with.
    link: String,
    path: String,
    place: String,
    message: String,
    expected: String,
    observed: String,
}

#[derive(Debug, Serialize)]
struct PlainArtifact {
    path: String,
    kind: Word,
    pycs: String,
    seen: String,
    size: String,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct PlainProblem {
    kind: Word,
    path: String,
    message: String,
}
