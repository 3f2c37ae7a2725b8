//! Records of what a scan found.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::artifact;
use crate::artifact::Locator;
use crate::artifact::Times;
use crate::container::Kind;
use crate::entry::ArtifactEntry;
use crate::entry::Entry;
use crate::entry::Passage;
use crate::entry::PassageInstruction;
use crate::entry::PassageLine;
use crate::entry::PycEntry;
use crate::entry::Run;
use crate::entry::Summary;
use crate::ledger::Fate;
use crate::ledger::Ledger;
use crate::name;
use crate::problem::Problem;
use crate::pyc::Invalidation;
use crate::rules::Finding;
use crate::rules::Severity;
use crate::source::Found;
use crate::source::Source;
use crate::suppression::SourceUse;
use crate::suppression::Suppressed;
use crate::verify::check::CodeDifference;
use crate::verify::check::Reason;
use crate::verify::check::Strength;

use super::ArtifactItem;
use super::ArtifactRecord;
use super::DifferenceRecord;
use super::ExactRecord;
use super::FORMAT;
use super::FindingRecord;
use super::InstructionRecord;
use super::Item;
use super::PassageLineRecord;
use super::PassageRecord;
use super::Place;
use super::ProblemRecord;
use super::PycItem;
use super::PycRecord;
use super::RawName;
use super::RunRecord;
use super::SummaryRecord;
use super::SuppressedRecord;
use super::SuppressionRecord;
use super::UnusedRecord;
use super::Word;

impl RunRecord {
    /// The record of a run.
    pub fn of(run: &Run) -> Self {
        Self {
            format: FORMAT,
            version: run.version.to_owned(),
            arguments: run.arguments.clone(),
            options: run.options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            paths: run.paths.clone(),
            started: artifact::rfc3339(run.started),
            redacted: false,
            merged: Vec::new(),
        }
    }
}

impl Item {
    /// The records of an entry.
    pub fn of(entry: &Entry) -> Self {
        match entry {
            Entry::Pyc(entry) => Self::Pyc(Box::new(PycItem {
                pyc: PycRecord::of(entry),
                findings: entry.findings.iter().map(FindingRecord::of).collect(),
                suppressed: entry.suppressed.iter().map(SuppressedRecord::of).collect(),
                problems: entry.problems.iter().map(|problem| ProblemRecord::of(&entry.locator, problem)).collect(),
            })),
            Entry::Artifact(entry) => Self::Artifact(Box::new(ArtifactItem {
                artifact: ArtifactRecord::of(entry),
                findings: entry.findings.iter().map(FindingRecord::of).collect(),
                suppressed: entry.suppressed.iter().map(SuppressedRecord::of).collect(),
                problems: entry
                    .problems
                    .iter()
                    .map(|(member, problem)| ProblemRecord::of(member.as_ref().unwrap_or(&entry.locator), problem))
                    .collect(),
            })),
        }
    }
}

impl Place {
    /// The place of a locator.
    pub fn of(locator: &Locator) -> Self {
        Self {
            artifact: RawName::of_path(&locator.artifact),
            member: locator.inner.iter().map(|name| RawName(name.clone())).collect(),
        }
    }
}

impl PycRecord {
    /// The record of a pyc.
    pub fn of(entry: &PycEntry) -> Self {
        let header = entry.pyc.header.as_ref();
        let (mtime, source_size, source_hash) = match header.map(|header| header.invalidation) {
            Some(Invalidation::Timestamp { mtime, source_size }) => (Some(mtime), source_size, None),
            Some(Invalidation::CheckedHash(hash) | Invalidation::UncheckedHash(hash)) => (None, None, Some(hash)),
            None => (None, None, None),
        };
        let source = entry.source.file();
        let source_candidates = match &entry.source {
            Source::Ambiguous(places) => places.iter().map(Place::of).collect(),
            Source::Present(_) | Source::Absent => Vec::new(),
        };
        let layout = header.map(|header| header.layout).or(entry.pyc.version.and_then(|version| version.header));
        let root = entry.pyc.body.root();
        Self {
            place: Place::of(&entry.locator),
            sha256: entry.sha256,
            payload_sha256: entry.payload_sha256,
            size: entry.size,
            magic: entry.pyc.magic.map(crate::pyc::versions::Magic::number),
            magic_bytes: entry.pyc.magic.map(|magic| name::hex(&magic.0)),
            python: entry.python(),
            header: Cow::Borrowed(entry.header_kind()),
            head: name::hex(&entry.head),
            header_size: layout.and_then(|layout| u8::try_from(layout.size()).ok()),
            flags: header.and_then(|header| header.flags),
            mtime: mtime.and_then(|mtime| artifact::rfc3339(i64::from(mtime))),
            mtime_seconds: mtime,
            source_size,
            source_hash: source_hash.map(|hash| name::hex(&hash)),
            archived_at: entry.archived_at(),
            own_time: entry.times.shown(),
            own_time_seconds: entry.times.seconds(),
            module: entry.module.clone(),
            cache_tag: RawName(entry.place.tag.clone()),
            optimization: RawName(entry.place.optimization.clone()),
            load: Cow::Borrowed(entry.load.verdict.code()),
            load_reason: entry.load.reason.clone(),
            source: source.map(|source| Place::of(&source.locator)),
            source_found: source.map(|source| Cow::Borrowed(found(source.found))),
            source_file_size: source.map(|source| source.size),
            source_file_time: source.map(|source| source.times).and_then(Times::shown),
            source_candidates,
            header_match: Cow::Borrowed(entry.header_check.outcome.code()),
            code_match: Cow::Borrowed(entry.code_check.code()),
            strength: entry.code_check.strength().map(Strength::word).map(Cow::Borrowed),
            code_level: entry.code_check.optimisation(),
            code_reason: entry.code_check.reason().map(Reason::code).map(Cow::Borrowed),
            code_detail: entry.code_check.reason().map(Reason::to_string),
            code_differences: entry.code_check.differences().iter().map(DifferenceRecord::of).collect(),
            code_passages: entry.passages.iter().map(PassageRecord::of).collect(),
            exact: entry.exact.as_ref().map(|exact| ExactRecord {
                interpreter: exact.interpreter.clone(),
                outcome: Cow::Borrowed(exact.outcome.code()),
                detail: exact.outcome.to_string(),
            }),
            code_digest: entry.code_digest.map(|digest| digest.to_string()),
            code_objects: root.and_then(|root| u64::try_from(root.code_objects).ok()),
            build_path: entry.build_path(),
            trailing_bytes: entry.pyc.trailing,
            max_severity: entry.max_severity(),
            findings: ids(&entry.findings),
            suppressed: suppressed_ids(&entry.suppressed),
            problems: count(&entry.problems),
        }
    }
}

/// How a source was found, in a word.
fn found(found: Found) -> &'static str {
    match found {
        Found::Beside => "beside",
        Found::PrefixTree => "prefix-tree",
        Found::Sources => "sources",
    }
}

fn ids(findings: &[Finding]) -> Vec<Word> {
    findings.iter().map(|finding| Cow::Borrowed(finding.rule.id)).collect()
}

fn suppressed_ids(suppressed: &[Suppressed]) -> Vec<Word> {
    suppressed.iter().map(|each| Cow::Borrowed(each.finding.rule.id)).collect()
}

fn count<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

impl DifferenceRecord {
    fn of(difference: &CodeDifference) -> Self {
        Self {
            code: RawName(difference.code.clone()),
            line: difference.line,
            text: difference.text.clone(),
            offset: difference.offset,
            expected: difference.expected.clone(),
            found: difference.found.clone(),
        }
    }
}

impl PassageRecord {
    fn of(passage: &Passage) -> Self {
        fn line(line: &PassageLine) -> PassageLineRecord {
            let instruction = |it: &PassageInstruction| InstructionRecord {
                offset: it.offset,
                text: it.text.clone(),
                differs: it.is_marked,
            };
            PassageLineRecord {
                line: line.line,
                text: line.text.clone(),
                differs: line.is_marked,
                instructions: line.instructions.iter().map(instruction).collect(),
            }
        }
        Self { code: RawName(passage.code.clone()), lines: passage.lines.iter().map(line).collect() }
    }
}

impl FindingRecord {
    /// The record of a finding.
    pub fn of(finding: &Finding) -> Self {
        Self {
            rule: Cow::Borrowed(finding.rule.id),
            name: Cow::Borrowed(finding.rule.name),
            severity: finding.severity,
            place: Place::of(&finding.locator),
            message: finding.message.clone(),
            offset: finding.offset,
            line: finding.line,
            expected: finding.expected.clone(),
            observed: finding.observed.clone(),
            fingerprint: finding.fingerprint.clone(),
        }
    }
}

impl SuppressedRecord {
    /// The record of a suppressed finding.
    pub fn of(suppressed: &Suppressed) -> Self {
        Self {
            finding: FindingRecord::of(&suppressed.finding),
            by: Cow::Borrowed(suppressed.by.code()),
            reason: name::shown_text(&suppressed.reason),
        }
    }
}

impl SuppressionRecord {
    fn of(source: &SourceUse) -> Self {
        let unused = source.unused.iter().map(|unused| UnusedRecord {
            rule: unused.rule.clone(),
            place: unused.place.clone(),
            fingerprint: unused.fingerprint.clone(),
        });
        Self {
            by: Cow::Borrowed(source.by.code()),
            file: source.file.clone(),
            entries: source.entries,
            unused: unused.collect(),
            more: source.more,
        }
    }
}

impl ProblemRecord {
    /// The record of a problem.
    pub fn of(locator: &Locator, problem: &Problem) -> Self {
        Self {
            place: Place::of(locator),
            kind: Cow::Borrowed(problem.kind.code()),
            message: problem.to_string(),
            offset: problem.offset,
        }
    }
}

impl ArtifactRecord {
    fn of(entry: &ArtifactEntry) -> Self {
        Self {
            place: Place::of(&entry.locator),
            kind: entry.kind.map(Kind::code).map(Cow::Borrowed),
            sha256: entry.sha256,
            size: entry.size,
            pycs: entry.pycs,
            ledger: ledger(&entry.ledger),
            findings: ids(&entry.findings),
            suppressed: suppressed_ids(&entry.suppressed),
            problems: count(&entry.problems),
        }
    }
}

fn ledger(ledger: &Ledger) -> BTreeMap<Word, u64> {
    let fates = Fate::ALL.iter().map(|&fate| (fate.code(), ledger.get(fate)));
    words(fates.chain([("seen", ledger.seen())]))
}

fn words(counts: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<Word, u64> {
    counts.map(|(word, count)| (Cow::Borrowed(word), count)).collect()
}

impl SummaryRecord {
    /// The record of a summary.
    pub fn of(summary: &Summary) -> Self {
        Self {
            pycs: summary.pycs,
            pyc_bytes: summary.pyc_bytes,
            archives: summary.archives,
            ledger: ledger(&summary.ledger),
            listed: summary.listed,
            pythons: summary.pythons.clone(),
            loads: words(summary.loads.iter().map(|(verdict, &count)| (verdict.code(), count))),
            header_matches: words(summary.header_matches.iter().map(|(outcome, &count)| (outcome.code(), count))),
            code_matches: words(summary.code_matches.iter().map(|(&word, &count)| (word, count))),
            code_reasons: words(summary.code_reasons.iter().map(|(&word, &count)| (word, count))),
            severities: words(summary.severities.iter().map(|(&severity, &count)| (Severity::code(severity), count))),
            rules: words(summary.rules.iter().map(|(&rule, &count)| (rule, count))),
            suppressed: words(summary.suppressed.iter().map(|(&by, &count)| (by, count))),
            suppressions: summary.suppressions.iter().map(SuppressionRecord::of).collect(),
            problems: summary.problems,
            interrupted: summary.interrupted,
            ended: artifact::rfc3339(summary.ended),
        }
    }
}
