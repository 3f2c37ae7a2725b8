//! SARIF 2.1.0, for code scanning.
//!
//! The file on disk is the location, since that is what a repository has; the member of an archive is the logical location and stands in
//! the message. Code scanning takes 25,000 results of a run: the worst are kept, and how many are left out is a notification of the
//! tool. Members and messages come from the evidence, so they are written such that no viewer takes a part of them for a link.

mod log;
mod rules;
mod uri;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io;
use std::io::Write;

use crate::report::Reporter;
use crate::report::record::FindingRecord;
use crate::report::record::Item;
use crate::report::record::Place;
use crate::report::record::ProblemRecord;
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;
use crate::report::record::SuppressedRecord;
use crate::report::record::SuppressionRecord;
use crate::report::record::Word;
use crate::rules::Severity;

use log::Artifact;
use log::ArtifactLocation;
use log::Descriptor;
use log::Driver;
use log::Invocation;
use log::Location;
use log::Log;
use log::LogicalLocation;
use log::Message;
use log::Notification;
use log::PhysicalLocation;
use log::Region;
use log::SarifResult;
use log::SarifRun;

/// Results of a run that code scanning takes (docs.github.com, "SARIF support for code scanning"); more, and it refuses the file.
pub const RESULTS: usize = 25_000;
/// Files that are listed with their digests. A run has as many archives at most as a person can upload.
const ARTIFACTS: usize = 25_000;
/// Problems that are named; a viewer shows them one by one.
const NOTIFICATIONS: usize = 1_000;
/// Unused suppressions of a source that are named.
const UNUSED: usize = 100;
/// Characters of a text: 25,000 results of this length stay below the 10 MB, compressed, that an upload may have.
const LONGEST: usize = 2_000;

/// Starts the report. Nothing is written before the run ends.
pub fn start(run: &RunRecord, out: Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>> {
    Ok(Box::new(Sarif {
        run: run.clone(),
        out,
        findings: Default::default(),
        suppressed: Vec::new(),
        kept: 0,
        found: 0,
        seen: BTreeMap::new(),
        artifacts: Vec::new(),
        problems: Vec::new(),
    }))
}

struct Sarif {
    run: RunRecord,
    out: Box<dyn Write + Send>,
    /// The findings that are kept, by severity, the mildest first.
    findings: [Vec<FindingRecord>; 5],
    /// What is suppressed; it has the room that findings leave.
    suppressed: Vec<SuppressedRecord>,
    kept: usize,
    found: u64,
    /// The rules that reported something, with the worst severity.
    seen: BTreeMap<Word, Severity>,
    artifacts: Vec<Artifact>,
    problems: Vec<ProblemRecord>,
}

impl Sarif {
    fn keep(&mut self, finding: &FindingRecord) {
        self.found = self.found.saturating_add(1);
        let at = Severity::ALL.iter().position(|&severity| severity == finding.severity).unwrap_or_default();
        if self.kept >= RESULTS {
            // A milder one makes room; of equal ones the first stay.
            let Some(milder) = self.findings[..at].iter_mut().find(|list| !list.is_empty()) else { return };
            milder.pop();
        } else {
            self.kept += 1;
        }
        self.findings[at].push(shortened(finding));
    }

    fn keep_suppressed(&mut self, suppressed: &SuppressedRecord) {
        if self.suppressed.len() < RESULTS {
            self.suppressed.push(SuppressedRecord { finding: shortened(&suppressed.finding), ..suppressed.clone() });
        }
    }
}

impl Reporter for Sarif {
    fn item(&mut self, item: &Item) -> io::Result<()> {
        for finding in item.findings() {
            let worst = self.seen.entry(finding.rule.clone()).or_insert(finding.severity);
            *worst = finding.severity.max(*worst);
            self.keep(finding);
        }
        for suppressed in item.suppressed() {
            let finding = &suppressed.finding;
            let worst = self.seen.entry(finding.rule.clone()).or_insert(finding.severity);
            *worst = finding.severity.max(*worst);
            self.keep_suppressed(suppressed);
        }
        for problem in item.problems() {
            if self.problems.len() < NOTIFICATIONS {
                self.problems.push(problem.clone());
            }
        }
        let Item::Artifact(item) = item else { return Ok(()) };
        let artifact = &item.artifact;
        if artifact.place.member.is_empty() && artifact.sha256.is_some() && self.artifacts.len() < ARTIFACTS {
            self.artifacts.push(Artifact {
                location: ArtifactLocation::of(&artifact.place),
                length: artifact.size,
                hashes: artifact.sha256.map(|digest| BTreeMap::from([("sha-256", digest.to_string())])),
                roles: ["analysisTarget"],
            });
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, summary: &SummaryRecord) -> io::Result<()> {
        let mut out = std::mem::replace(&mut self.out, Box::new(io::sink()));
        let kept: Vec<FindingRecord> = std::mem::take(&mut self.findings).into_iter().rev().flatten().collect();
        let room = RESULTS.saturating_sub(kept.len());
        let suppressed: Vec<SuppressedRecord> = std::mem::take(&mut self.suppressed).into_iter().take(room).collect();
        let seen: Vec<(&str, Severity)> = self.seen.iter().map(|(id, worst)| (id.as_ref(), *worst)).collect();
        let all = kept.iter().chain(suppressed.iter().map(|each| &each.finding));
        let names: HashMap<&str, &str> = all.map(|each| (each.rule.as_ref(), each.name.as_ref())).collect();
        let index: HashMap<&str, usize> = seen.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
        let mut times: HashMap<&str, u64> = HashMap::new();
        let all = kept.iter().map(|finding| (finding, None));
        let all = all.chain(suppressed.iter().map(|each| (&each.finding, Some(log::Suppression::of(each)))));
        let results = all.map(|(finding, suppression)| {
            let time = times.entry(finding.fingerprint.as_str()).or_default();
            *time += 1;
            result(finding, index.get(finding.rule.as_ref()).copied(), *time, suppression)
        });
        let run = SarifRun {
            tool: log::Tool {
                driver: Driver {
                    name: "pycaudit",
                    version: &self.run.version,
                    semantic_version: semantic(&self.run.version),
                    short_description: Message::new("A forensic batch scanner for Python bytecode"),
                    rules: seen
                        .iter()
                        .map(|&(id, worst)| rules::descriptor(id, names.get(id).copied(), worst))
                        .collect(),
                    notifications: notifications(&self.problems),
                    supported_taxonomies: rules::references(),
                },
            },
            invocations: [self.invocation(summary, kept.len())],
            artifacts: &self.artifacts,
            results: results.collect(),
            taxonomies: rules::taxonomies(),
            original_uri_base_ids: BTreeMap::from([(
                uri::BASE,
                log::Described { description: Message::new("The folder in which pycaudit was started") },
            )]),
            automation_details: log::Named { id: "pycaudit/" },
            column_kind: "unicodeCodePoints",
            properties: log::RunProperties {
                findings: self.found,
                suppressed: &summary.suppressed,
                pycs: summary.pycs,
                ledger: &summary.ledger,
                redacted: self.run.redacted,
            },
        };
        serde_json::to_writer(&mut out, &Log::new([run]))?;
        out.write_all(b"\n")?;
        out.flush()
    }
}

impl Sarif {
    fn invocation<'a>(&'a self, summary: &'a SummaryRecord, kept: usize) -> Invocation<'a> {
        let mut notifications = Vec::new();
        let left = self.found.saturating_sub(u64::try_from(kept).unwrap_or(u64::MAX));
        if left > 0 {
            notifications.push(note(
                "results-limit",
                format!("{} findings; code scanning takes {RESULTS}, so the {left} mildest are left out", self.found),
            ));
        }
        for source in &summary.suppressions {
            notifications.extend(unused(source));
        }
        let named = u64::try_from(self.problems.len()).unwrap_or(u64::MAX);
        notifications.extend(self.problems.iter().map(|problem| Notification {
            level: "error",
            descriptor: Descriptor { id: &problem.kind },
            message: Message::new(format!("{}: {}", problem.place, problem.message)),
            locations: vec![location(&problem.place, None)],
        }));
        if summary.problems > named {
            notifications.push(note(
                "problems-limit",
                format!("{} things could not be read; {named} of them are named here", summary.problems),
            ));
        }
        Invocation {
            command_line: self.run.arguments.join(" "),
            start_time_utc: self.run.started.as_deref(),
            end_time_utc: summary.ended.as_deref(),
            execution_successful: !summary.interrupted,
            tool_execution_notifications: notifications,
        }
    }
}

/// Says which suppressions of a source suppressed nothing: the first of them, and how many.
fn unused(source: &SuppressionRecord) -> Option<Notification<'static>> {
    let count = source.unused_count();
    if count == 0 {
        return None;
    }
    let first: Vec<String> =
        source.unused.iter().take(UNUSED).map(|unused| format!("{} {}", unused.rule, unused.place)).collect();
    let more = count.saturating_sub(u64::try_from(first.len()).unwrap_or(u64::MAX));
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    let text = format!(
        "{count} of {} entries in the {} of {} suppressed nothing: {}{more}",
        source.entries,
        source.by,
        source.file,
        first.join(", ")
    );
    Some(Notification { level: "note", ..note("unused-suppression", text) })
}

/// A finding whose texts are no longer than a viewer takes.
fn shortened(finding: &FindingRecord) -> FindingRecord {
    let mut finding = finding.clone();
    for text in [&mut finding.message, &mut finding.expected, &mut finding.observed] {
        if let Some((end, _)) = text.char_indices().nth(LONGEST) {
            text.truncate(end);
            text.push('…');
        }
    }
    finding
}

fn note(id: &'static str, text: String) -> Notification<'static> {
    Notification { level: "warning", descriptor: Descriptor { id }, message: Message::new(text), locations: Vec::new() }
}

/// What each kind of notification is.
fn notifications(problems: &[ProblemRecord]) -> Vec<log::NotificationDescriptor<'_>> {
    let own = [
        ("results-limit", "Findings were left out, since code scanning has a limit"),
        ("problems-limit", "Problems were left out"),
        ("unused-suppression", "Entries of a baseline or of the configuration suppressed nothing"),
    ];
    let mut kinds: Vec<&str> = problems.iter().map(|problem| problem.kind.as_ref()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let known = |kind: &str| {
        let known = crate::problem::ProblemKind::ALL.iter().find(|known| known.code() == kind);
        known.map_or("Something could not be read", |known| known.message())
    };
    let kinds = kinds.into_iter().map(|kind| (kind, known(kind)));
    own.into_iter()
        .chain(kinds)
        .map(|(id, text)| log::NotificationDescriptor { id, short_description: Message::new(text) })
        .collect()
}

/// A version by semver.org; several, of runs that were put together, have none.
fn semantic(version: &str) -> Option<&str> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (version.split('.').count() == 3 && version.split('.').all(is_number)).then_some(version)
}

fn result(
    finding: &FindingRecord,
    rule_index: Option<usize>,
    time: u64,
    suppression: Option<log::Suppression>,
) -> SarifResult<'_> {
    let mut text = finding.message.clone();
    if !finding.place.member.is_empty() {
        text = format!("{text}, in `{}`", finding.place.member_shown());
    }
    let digits = finding.fingerprint.strip_prefix("v1:").unwrap_or(&finding.fingerprint);
    SarifResult {
        rule_id: &finding.rule,
        rule_index,
        level: level(finding.severity),
        message: Message::new(text),
        locations: vec![location(&finding.place, finding.line)],
        partial_fingerprints: BTreeMap::from([
            ("primaryLocationLineHash", format!("{digits}:{time}")),
            ("pycauditFinding/v1", finding.fingerprint.clone()),
        ]),
        properties: log::ResultProperties {
            severity: finding.severity.code(),
            offset: finding.offset,
            expected: &finding.expected,
            observed: &finding.observed,
        },
        suppressions: suppression.into_iter().collect(),
    }
}

/// The level of a severity.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn location(place: &Place, line: Option<u32>) -> Location {
    let logical = (!place.member.is_empty()).then(|| {
        let name = place.member.last().map(ToString::to_string).unwrap_or_default();
        vec![LogicalLocation { name, fully_qualified_name: place.member_shown(), kind: "member" }]
    });
    Location {
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation::of(place),
            // Code scanning shows nothing without a line; that of the source where it is known.
            region: Region { start_line: line.unwrap_or(1).max(1) },
        },
        logical_locations: logical,
    }
}

#[cfg(test)]
mod tests;
