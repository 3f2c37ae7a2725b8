//! `--format github`: annotations of a GitHub Actions workflow.
//!
//! A step shows ten errors, ten warnings and ten notices and drops the rest, so the worst ten of each are written, and how many there are.
//! The syntax is that of `@actions/core`: what could end a value or begin another command is escaped.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use crate::report::Reporter;
use crate::report::record::FindingRecord;
use crate::report::record::Item;
use crate::report::record::Place;
use crate::report::record::SummaryRecord;
use crate::report::record::total;
use crate::report::words;
use crate::rules::Severity;

/// Annotations of one type that a step shows (docs.github.com, "Workflow commands").
const SHOWN: usize = 10;

/// The types, the worst first.
const TYPES: [&str; 3] = ["error", "warning", "notice"];

/// Starts the report.
pub fn start(out: Box<dyn Write + Send>) -> Box<dyn Reporter> {
    Box::new(Annotations { out, worst: Default::default(), counts: [0; 3], problems: Vec::new() })
}

struct Annotations {
    out: Box<dyn Write + Send>,
    /// The worst findings of each type; of equal ones the first.
    worst: [Vec<FindingRecord>; 3],
    counts: [u64; 3],
    /// The first problems, as lines.
    problems: Vec<String>,
}

impl Reporter for Annotations {
    fn item(&mut self, item: &Item) -> io::Result<()> {
        for finding in item.findings() {
            let kind = kind(finding.severity);
            self.counts[kind] = self.counts[kind].saturating_add(1);
            let list = &mut self.worst[kind];
            let at = list.partition_point(|other| other.severity >= finding.severity);
            if at < SHOWN {
                list.truncate(SHOWN - 1);
                list.insert(at, finding.clone());
            }
        }
        for problem in item.problems() {
            if self.problems.len() < SHOWN {
                self.problems.push(command("warning", &problem.place, None, "could not be read", &problem.message));
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, summary: &SummaryRecord) -> io::Result<()> {
        let mut text = String::new();
        // Problems take what findings leave of the ten warnings.
        let room = SHOWN.saturating_sub(self.worst[1].len());
        for (kind, findings) in self.worst.iter().enumerate() {
            for finding in findings {
                text.push_str(&annotation(TYPES[kind], finding));
            }
            if kind == 1 {
                self.problems.iter().take(room).for_each(|line| text.push_str(line));
            }
        }
        let found = total(&summary.severities);
        let _ = write!(text, "pycaudit: {} pycs, {found} findings", summary.pycs);
        if let Some(suppressed) = words::suppressed(summary) {
            let _ = write!(text, "; {suppressed}");
        }
        let left: u64 = self.counts.iter().map(|&count| count.saturating_sub(SHOWN as u64)).sum();
        if left > 0 {
            let _ = write!(text, "; {left} more than a step can show as annotations: write --sarif or --html for all");
        }
        match summary.problems {
            0 => text.push('\n'),
            problems => {
                let _ = writeln!(text, "; {problems} things could not be read");
            }
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

fn kind(severity: Severity) -> usize {
    match severity {
        Severity::Critical | Severity::High => 0,
        Severity::Medium => 1,
        Severity::Low | Severity::Info => 2,
    }
}

fn annotation(kind: &str, finding: &FindingRecord) -> String {
    let mut message = finding.message.clone();
    if !finding.place.member.is_empty() {
        let _ = write!(message, " (in {})", finding.place.member_shown());
    }
    for (label, value) in [("expected", &finding.expected), ("observed", &finding.observed)] {
        if !value.is_empty() {
            let _ = write!(message, "\n{label} {value}");
        }
    }
    let title = format!("{} {} ({})", finding.rule, finding.name, finding.severity.code());
    command(kind, &finding.place, finding.line, &title, &message)
}

fn command(kind: &str, place: &Place, line: Option<u32>, title: &str, message: &str) -> String {
    let file = property(&place.artifact_shown());
    let line = line.unwrap_or(1).max(1);
    format!("::{kind} file={file},line={line},title={}::{}\n", property(title), data(message))
}

/// The text of a command: one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value in front of it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_neither_end_a_value_nor_begin_a_command() {
        assert_eq!(property("a,line=9::x%\n::set-env"), "a%2Cline=9%3A%3Ax%25%0A%3A%3Aset-env");
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
    }
}
