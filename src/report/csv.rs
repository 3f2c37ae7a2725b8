//! CSV: RFC 4180, UTF-8, a header row; one row per pyc, or one per finding.
//!
//! Cells are safe to open in a spreadsheet: a text cell that would start a formula gets a leading apostrophe. A cell that is
//! empty says that the fact is absent or unknown.

use std::borrow::Cow;
use std::io;
use std::io::Write;

use csv::Writer;

use crate::artifact;
use crate::entry::Entry;
use crate::entry::PycEntry;
use crate::entry::Summary;
use crate::name;
use crate::pyc::Invalidation;
use crate::report::Reporter;
use crate::rules::Finding;
use crate::source::Source;

/// The columns of `--csv`, in their order.
pub const COLUMNS: &[&str] = &[
    "artifact",
    "member",
    "sha256",
    "size",
    "magic",
    "python",
    "header",
    "mtime",
    "source_size",
    "source_hash",
    "archived_at",
    "module",
    "cache_tag",
    "optimization",
    "load",
    "source",
    "header_match",
    "code_match",
    "strength",
    "code_digest",
    "build_path",
    "trailing_bytes",
    "max_severity",
    "findings",
    "problems",
];

/// The columns of `--findings-csv`, in their order.
pub const FINDING_COLUMNS: &[&str] = &[
    "rule",
    "name",
    "severity",
    "artifact",
    "member",
    "offset",
    "line",
    "message",
    "expected",
    "observed",
    "fingerprint",
];

/// Starts a report of one row per pyc.
pub fn start(out: Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>> {
    let mut writer = writer(out);
    writer.write_record(COLUMNS)?;
    Ok(Box::new(Pycs { writer }))
}

/// Starts a report of one row per finding.
pub fn start_findings(out: Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>> {
    let mut writer = writer(out);
    writer.write_record(FINDING_COLUMNS)?;
    Ok(Box::new(FindingRows { writer }))
}

struct Pycs {
    writer: Writer<Box<dyn Write + Send>>,
}

impl Reporter for Pycs {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        match entry {
            Entry::Pyc(entry) => Ok(self.writer.write_record(row(entry).iter().map(|cell| safe(cell).into_owned()))?),
            Entry::Artifact(_) => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>, _: &Summary) -> io::Result<()> {
        self.writer.flush()
    }
}

struct FindingRows {
    writer: Writer<Box<dyn Write + Send>>,
}

impl Reporter for FindingRows {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        for finding in entry.findings() {
            self.writer.write_record(finding_row(finding).iter().map(|cell| safe(cell).into_owned()))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &Summary) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A writer with the line ends of RFC 4180.
fn writer(out: Box<dyn Write + Send>) -> Writer<Box<dyn Write + Send>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out)
}

/// The cells of a pyc, one per name in [`COLUMNS`].
fn row(entry: &PycEntry) -> [String; 25] {
    let pyc = &entry.pyc;
    let header = pyc.header.as_ref();
    let (mtime, source_size, source_hash) = match header.map(|header| header.invalidation) {
        Some(Invalidation::Timestamp { mtime, source_size }) => {
            (artifact::rfc3339(i64::from(mtime)).unwrap_or_default(), source_size.map(|size| size.to_string()), None)
        }
        Some(Invalidation::CheckedHash(hash) | Invalidation::UncheckedHash(hash)) => {
            (String::new(), None, Some(name::hex(&hash)))
        }
        None => (String::new(), None, None),
    };
    [
        entry.locator.artifact_shown(),
        entry.locator.member_shown(),
        entry.sha256.map(|digest| digest.to_string()).unwrap_or_default(),
        entry.size.to_string(),
        pyc.magic.map(|magic| magic.number().to_string()).unwrap_or_default(),
        entry.python(),
        entry.header_kind().to_owned(),
        mtime,
        source_size.unwrap_or_default(),
        source_hash.unwrap_or_default(),
        entry.archived_at().unwrap_or_default(),
        entry.module.clone(),
        entry.place.tag.to_string(),
        entry.place.optimization.to_string(),
        entry.load.verdict.code().to_owned(),
        match &entry.source {
            Source::Present(source) => source.locator.to_string(),
            Source::Absent => String::new(),
            Source::Ambiguous(places) => format!("ambiguous: {} files", places.len()),
        },
        entry.header_check.outcome.code().to_owned(),
        entry.code_check.code().to_owned(),
        entry.code_check.strength().map(|strength| strength.word().to_owned()).unwrap_or_default(),
        entry.code_digest.map(|digest| digest.to_string()).unwrap_or_default(),
        entry.build_path().unwrap_or_default(),
        pyc.trailing.to_string(),
        entry.max_severity().map(|severity| severity.code().to_owned()).unwrap_or_default(),
        ids(&entry.findings),
        entry.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    ]
}

/// The ids of the findings, each once, in their order.
fn ids(findings: &[Finding]) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for finding in findings {
        if !ids.contains(&finding.rule.id) {
            ids.push(finding.rule.id);
        }
    }
    ids.join(" ")
}

/// The cells of a finding, one per name in [`FINDING_COLUMNS`].
fn finding_row(finding: &Finding) -> [String; 11] {
    [
        finding.rule.id.to_owned(),
        finding.rule.name.to_owned(),
        finding.severity.code().to_owned(),
        finding.locator.artifact_shown(),
        finding.locator.member_shown(),
        finding.offset.map(|offset| offset.to_string()).unwrap_or_default(),
        finding.line.map(|line| line.to_string()).unwrap_or_default(),
        finding.message.clone(),
        finding.expected.clone(),
        finding.observed.clone(),
        finding.fingerprint.clone(),
    ]
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection): text that begins with `=`, `+`, `-`, `@`, tab or
/// carriage return gets an apostrophe in front.
fn safe(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_would_be_a_formula_is_text() {
        assert_eq!(safe("=cmd|'/c calc'!A1"), "'=cmd|'/c calc'!A1");
        assert_eq!(safe("@SUM(1)"), "'@SUM(1)");
        assert_eq!(safe("pkg/mod.pyc"), "pkg/mod.pyc");
    }

    #[test]
    fn a_cell_and_its_quoted_twin_stay_apart() {
        assert_ne!(safe("=1"), safe("'=1"));
    }
}
