//! The part of the chain of custody that says which findings were known and accepted, by what, and what accepted nothing.

use serde::Serialize;

use crate::report::record::SummaryRecord;
use crate::report::record::SuppressedRecord;
use crate::report::record::SuppressionRecord;
use crate::report::record::total;
use crate::report::words;

/// Suppressed findings that are listed; all are in JSON Lines.
const LISTED: usize = 1_000;
/// Unused entries of a source that are listed.
const UNUSED: usize = 1_000;

/// Suppressed findings, while they are collected.
#[derive(Default)]
pub(super) struct Suppressed {
    rows: Vec<Row>,
}

/// The part as the template takes it.
#[derive(Serialize)]
pub(super) struct SuppressedShown {
    total: String,
    rows: Vec<Row>,
    /// How many more there are than rows; empty when there are none.
    more: String,
    sources: Vec<Source>,
}

/// A suppressed finding.
#[derive(Serialize)]
struct Row {
    rule: String,
    name: String,
    severity: &'static str,
    place: String,
    message: String,
    by: String,
    reason: String,
}

/// What became of a source of suppressions.
#[derive(Serialize)]
struct Source {
    by: String,
    file: String,
    entries: String,
    unused: String,
    named: Vec<String>,
    more: String,
}

impl Suppressed {
    /// Takes a suppressed finding.
    pub(super) fn add(&mut self, suppressed: &SuppressedRecord) {
        if self.rows.len() >= LISTED {
            return;
        }
        let SuppressedRecord { finding, by, reason } = suppressed;
        self.rows.push(Row {
            rule: finding.rule.to_string(),
            name: finding.name.to_string(),
            severity: finding.severity.code(),
            place: finding.place.to_string(),
            message: words::clipped(&finding.message),
            by: by.to_string(),
            reason: words::clipped(reason),
        });
    }

    /// The part, once all is known.
    pub(super) fn show(&mut self, summary: &SummaryRecord) -> SuppressedShown {
        let rows = std::mem::take(&mut self.rows);
        let all = total(&summary.suppressed);
        SuppressedShown {
            total: words::number(all),
            more: more(all, &rows),
            rows,
            sources: summary.suppressions.iter().map(Source::of).collect(),
        }
    }
}

impl Source {
    fn of(record: &SuppressionRecord) -> Self {
        let unused = record.unused_count();
        let named = record.unused.iter().take(UNUSED).map(|each| format!("{} {}", each.rule, each.place));
        let named: Vec<String> = named.collect();
        Self {
            by: record.by.to_string(),
            file: record.file.clone(),
            entries: words::counted(record.entries, "entry", "entries"),
            unused: words::number(unused),
            more: more(unused, &named),
            named,
        }
    }
}

/// How many of all are not in a list, if any.
fn more<T>(all: u64, listed: &[T]) -> String {
    match all.saturating_sub(words::length(listed)) {
        0 => String::new(),
        more => words::number(more),
    }
}
