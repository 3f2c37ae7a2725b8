//! The worst findings, by artifact: a bounded list that is kept while entries stream in.

use std::cmp::Reverse;

use serde::Serialize;

use crate::report::record::FindingRecord;
use crate::report::record::Word;
use crate::rules::Severity;

use crate::report::words;

/// Artifacts that are shown.
const GROUPS: usize = 8;
/// Kinds of finding that are shown of each, with one example.
const FINDINGS: usize = 4;

/// Findings by severity, the worst severity first, so that the larger of two is the worse.
type Weight = [u64; 5];

/// Keeps the artifacts with the worst findings. Entries of one artifact come one after the other.
#[derive(Default)]
pub(super) struct Worst {
    best: Vec<Group>,
    current: Option<Group>,
    groups: u64,
    findings: u64,
}

/// One artifact and its worst findings.
struct Group {
    artifact: String,
    weight: Weight,
    findings: Vec<Shown>,
}

/// A finding as the summary shows it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Shown {
    /// Its severity, in a word.
    pub(super) severity: &'static str,
    #[serde(skip)]
    pub(super) rank: Severity,
    /// The rule's id.
    pub(super) rule: Word,
    /// The rule's name.
    pub(super) name: Word,
    /// What is wrong, in one sentence.
    pub(super) message: String,
    /// The member that it is about; empty for the artifact itself.
    pub(super) member: String,
    /// Offset and line.
    pub(super) place: String,
    /// How many more of the same rule and severity there are in the artifact; empty when there are none.
    pub(super) like_it: String,
    #[serde(skip)]
    others: u64,
    /// What should be there.
    pub(super) expected: String,
    /// What is there.
    pub(super) observed: String,
    /// The whole place, for the first of all findings.
    #[serde(skip)]
    pub(super) locator: String,
}

/// The list as the template takes it.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    /// The artifacts, the worst first.
    pub(super) groups: Vec<ListedGroup>,
    /// What is not shown; empty when all is.
    pub(super) more: String,
    /// The very worst finding.
    #[serde(skip)]
    pub(super) first: Option<Shown>,
    /// How many artifacts have findings.
    #[serde(skip)]
    pub(super) artifacts: u64,
}

/// An artifact of the list.
#[derive(Debug, Serialize)]
pub(super) struct ListedGroup {
    /// Its path.
    pub(super) artifact: String,
    /// The severity of its worst finding.
    severity: &'static str,
    /// How many findings it has.
    pub(super) total: String,
    /// The noun that fits.
    pub(super) noun: &'static str,
    /// One example of each of the worst kinds.
    pub(super) findings: Vec<Shown>,
    /// How many are not shown; empty when all are.
    pub(super) more: String,
}

impl Worst {
    /// Takes a finding of an entry of this artifact.
    pub(super) fn add(&mut self, artifact: &str, finding: &FindingRecord) {
        if self.current.as_ref().is_none_or(|group| group.artifact != artifact) {
            self.settle();
            self.current =
                Some(Group { artifact: artifact.to_owned(), weight: Weight::default(), findings: Vec::new() });
            self.groups += 1;
        }
        self.findings += 1;
        let Some(group) = &mut self.current else { return };
        group.weight[slot(finding.severity)] += 1;
        // There are not more kinds than rules times severities, so this list is short however many findings there are.
        let alike = |shown: &&mut Shown| shown.rule == finding.rule && shown.rank == finding.severity;
        if let Some(shown) = group.findings.iter_mut().find(alike) {
            shown.others += 1;
        } else {
            let at = group.findings.partition_point(|shown| shown.rank >= finding.severity);
            group.findings.insert(at, Shown::of(finding, artifact));
        }
    }

    /// The list, after the last entry.
    pub(super) fn list(mut self) -> Listed {
        self.settle();
        let (mut groups, mut shown) = (Vec::with_capacity(self.best.len()), 0);
        let first = self.best.first().and_then(|group| group.findings.first()).cloned();
        for mut group in self.best {
            let total = group.weight.iter().sum::<u64>();
            shown += total;
            // Beside something serious, habits and leftovers are only counted.
            if group.findings.first().is_some_and(|shown| shown.rank >= Severity::Medium) {
                group.findings.retain(|shown| shown.rank >= Severity::Medium);
            }
            group.findings.truncate(FINDINGS);
            let more = total - group.findings.iter().map(|shown| shown.others + 1).sum::<u64>();
            for shown in group.findings.iter_mut().filter(|shown| shown.others > 0) {
                shown.like_it = words::number(shown.others);
            }
            groups.push(ListedGroup {
                severity: group.findings.first().map_or("info", |shown| shown.severity),
                artifact: group.artifact,
                total: words::number(total),
                noun: words::noun(total, "finding", "findings"),
                findings: group.findings,
                more: if more == 0 { String::new() } else { words::number(more) },
            });
        }
        let left = self.groups - words::length(&groups);
        let more = match left {
            0 => String::new(),
            _ => format!(
                "{} more {} with {} {} are not shown here.",
                words::number(left),
                words::noun(left, "artifact", "artifacts"),
                words::number(self.findings - shown),
                words::noun(self.findings - shown, "finding", "findings"),
            ),
        };
        Listed { groups, more, first, artifacts: self.groups }
    }

    /// Puts the artifact that is complete where it belongs.
    fn settle(&mut self) {
        let Some(group) = self.current.take() else { return };
        let at = self.best.partition_point(|other| Reverse(other.weight) <= Reverse(group.weight));
        if at < GROUPS {
            self.best.truncate(GROUPS - 1);
            self.best.insert(at, group);
        }
    }
}

/// Where a severity counts in a weight.
fn slot(severity: Severity) -> usize {
    match severity {
        Severity::Critical => 0,
        Severity::High => 1,
        Severity::Medium => 2,
        Severity::Low => 3,
        Severity::Info => 4,
    }
}

impl Shown {
    fn of(finding: &FindingRecord, artifact: &str) -> Self {
        // A finding may be about a file of another artifact: then its whole place is shown.
        let is_inside = finding.place.artifact_shown() == artifact;
        Self {
            severity: finding.severity.code(),
            rank: finding.severity,
            rule: finding.rule.clone(),
            name: finding.name.clone(),
            message: words::clipped(&finding.message),
            member: if is_inside { finding.place.member_shown() } else { finding.place.to_string() },
            place: words::place(finding),
            like_it: String::new(),
            others: 0,
            expected: words::clipped(&finding.expected),
            observed: words::clipped(&finding.observed),
            locator: finding.place.to_string(),
        }
    }
}
