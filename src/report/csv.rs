//! CSV: RFC 4180, UTF-8, a header row; one row per pyc, or one per finding.
//!
//! Cells are safe to open in a spreadsheet: a text cell that would start a formula gets a leading apostrophe. A cell that is
//! empty says that the fact is absent or unknown.

use std::borrow::Cow;
use std::io;
use std::io::Write;

use csv::QuoteStyle;
use csv::Writer;

use crate::report::Reporter;
use crate::report::record::FindingRecord;
use crate::report::record::Item;
use crate::report::record::PycItem;
use crate::report::record::RawName;
use crate::report::record::SummaryRecord;
use crate::report::record::Word;
use crate::rules::Severity;

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
    fn item(&mut self, item: &Item) -> io::Result<()> {
        match item {
            Item::Pyc(item) => Ok(self.writer.write_record(row(item).iter().map(|cell| safe(cell).into_owned()))?),
            Item::Artifact(_) => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>, _: &SummaryRecord) -> io::Result<()> {
        self.writer.flush()
    }
}

struct FindingRows {
    writer: Writer<Box<dyn Write + Send>>,
}

impl Reporter for FindingRows {
    fn item(&mut self, item: &Item) -> io::Result<()> {
        for finding in item.findings() {
            self.writer.write_record(finding_row(finding).iter().map(|cell| safe(cell).into_owned()))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &SummaryRecord) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A writer with the line ends of RFC 4180.
///
/// Every text is quoted: spreadsheets of some countries, and LibreOffice by its defaults, also separate at `;` and tabs, and what
/// comes behind one of those in a name could be a formula.
fn writer(out: Box<dyn Write + Send>) -> Writer<Box<dyn Write + Send>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).quote_style(QuoteStyle::NonNumeric).from_writer(out)
}

/// The cells of a pyc, one per name in [`COLUMNS`].
fn row(item: &PycItem) -> [String; 25] {
    let pyc = &item.pyc;
    let word = |word: &Option<Word>| word.as_deref().unwrap_or_default().to_owned();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let source = match (&pyc.source, pyc.source_candidates.len()) {
        (Some(place), _) => place.to_string(),
        (None, 0) => String::new(),
        (None, candidates) => format!("ambiguous: {candidates} files"),
    };
    [
        pyc.place.artifact_shown(),
        pyc.place.member_shown(),
        pyc.sha256.map(|digest| digest.to_string()).unwrap_or_default(),
        pyc.size.to_string(),
        pyc.magic.map(|magic| magic.to_string()).unwrap_or_default(),
        pyc.python.clone(),
        pyc.header.to_string(),
        text(&pyc.mtime),
        pyc.source_size.map(|size| size.to_string()).unwrap_or_default(),
        text(&pyc.source_hash),
        text(&pyc.archived_at),
        pyc.module.clone(),
        RawName::to_string(&pyc.cache_tag),
        RawName::to_string(&pyc.optimization),
        pyc.load.to_string(),
        source,
        pyc.header_match.to_string(),
        pyc.code_match.to_string(),
        word(&pyc.strength),
        text(&pyc.code_digest),
        text(&pyc.build_path),
        pyc.trailing_bytes.to_string(),
        pyc.max_severity.map(Severity::code).unwrap_or_default().to_owned(),
        ids(&pyc.findings),
        item.problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; "),
    ]
}

/// The ids of the findings, each once, in their order.
fn ids(findings: &[Word]) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for finding in findings {
        if !ids.contains(&finding.as_ref()) {
            ids.push(finding);
        }
    }
    ids.join(" ")
}

/// The cells of a finding, one per name in [`FINDING_COLUMNS`].
fn finding_row(finding: &FindingRecord) -> [String; 11] {
    [
        finding.rule.to_string(),
        finding.name.to_string(),
        finding.severity.code().to_owned(),
        finding.place.artifact_shown(),
        finding.place.member_shown(),
        finding.offset.map(|offset| offset.to_string()).unwrap_or_default(),
        finding.line.map(|line| line.to_string()).unwrap_or_default(),
        finding.message.clone(),
        finding.expected.clone(),
        finding.observed.clone(),
        finding.fingerprint.clone(),
    ]
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection): text that begins with `=`, `+`, `-`, `@`, one of their
/// full-width forms, tab or carriage return gets an apostrophe in front.
fn safe(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\'']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Written;

    #[test]
    fn a_cell_that_would_be_a_formula_is_text() {
        assert_eq!(safe("=cmd|'/c calc'!A1"), "'=cmd|'/c calc'!A1");
        assert_eq!(safe("@SUM(1)"), "'@SUM(1)");
        assert_eq!(safe("＝1+1"), "'＝1+1");
        assert_eq!(safe("pkg/mod.pyc"), "pkg/mod.pyc");
    }

    #[test]
    fn a_formula_behind_another_separator_is_inside_quotes() {
        let out = Written::default();
        let mut writer = writer(Box::new(out.clone()));
        writer.write_record(["x;=1+1", "y\t=1+1", "12"]).unwrap();
        writer.flush().unwrap();
        assert_eq!(out.bytes(), b"\"x;=1+1\",\"y\t=1+1\",12\r\n");
    }

    #[test]
    fn a_cell_and_its_quoted_twin_stay_apart() {
        assert_ne!(safe("=1"), safe("'=1"));
    }
}
