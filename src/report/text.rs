//! Text for people: the worst first, then what was seen, then the ledger in one line.
//!
//! Written at the end, since the worst is not known before. Findings below medium are counted by rule unless all are asked for.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::io::Write;

use crate::ledger::Fate;
use crate::load::LoadVerdict;
use crate::report::Reporter;
use crate::report::record::FindingRecord;
use crate::report::record::Item;
use crate::report::record::Place;
use crate::report::record::SummaryRecord;
use crate::report::record::Word;
use crate::report::record::in_order;
use crate::rules::Severity;
use crate::source::HeaderMatch;

/// How much to write, and how.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// How much.
    pub detail: Detail,
}

/// How much to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The worst findings and the last line.
    Quiet,
    /// Findings of medium and above one by one, the rest counted.
    Normal,
    /// Every finding with its evidence.
    Verbose,
}

/// How many findings are written one by one before the rest is counted; a person does not read more in a terminal.
const MOST: usize = 200;

/// Starts the report.
pub fn start(out: Box<dyn Write + Send>, style: Style) -> Box<dyn Reporter> {
    Box::new(Text { out, style, findings: Vec::new(), rest: BTreeMap::new(), problems: Vec::new(), more_problems: 0 })
}

struct Text {
    out: Box<dyn Write + Send>,
    style: Style,
    /// Findings to be written one by one.
    findings: Vec<FindingRecord>,
    /// How often each other rule spoke, by severity and id.
    rest: BTreeMap<(Reverse<Severity>, Word), Counted>,
    /// What could not be read, one line each.
    problems: Vec<String>,
    more_problems: u64,
}

/// A rule that is only counted.
struct Counted {
    name: Word,
    summary: &'static str,
    count: u64,
}

impl Text {
    fn take(&mut self, finding: &FindingRecord) {
        let shown = self.style.detail == Detail::Verbose || finding.severity >= Severity::Medium;
        if shown && (self.style.detail == Detail::Verbose || self.findings.len() < MOST.saturating_mul(50)) {
            self.findings.push(finding.clone());
        } else {
            let key = (Reverse(finding.severity), finding.rule.clone());
            let counted = self.rest.entry(key).or_insert_with(|| Counted {
                name: finding.name.clone(),
                summary: finding.known_rule().map_or("", |rule| rule.summary),
                count: 0,
            });
            counted.count = counted.count.saturating_add(1);
        }
    }

    fn problem(&mut self, line: impl FnOnce() -> String) {
        if self.problems.len() < MOST || self.style.detail == Detail::Verbose {
            self.problems.push(line());
        } else {
            self.more_problems = self.more_problems.saturating_add(1);
        }
    }

    fn paint(&self, severity: Severity, text: &str) -> String {
        if !self.style.color {
            return text.to_owned();
        }
        let code = match severity {
            Severity::Critical => "1;97;41",
            Severity::High => "1;31",
            Severity::Medium => "1;33",
            Severity::Low => "36",
            Severity::Info => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

impl Reporter for Text {
    fn item(&mut self, item: &Item) -> io::Result<()> {
        for finding in item.findings() {
            self.take(finding);
        }
        for problem in item.problems() {
            self.problem(|| format!("{}: {}", problem.place, problem.message));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, summary: &SummaryRecord) -> io::Result<()> {
        let mut text = String::new();
        let most = match self.style.detail {
            Detail::Quiet => 20,
            Detail::Normal => MOST,
            Detail::Verbose => usize::MAX,
        };
        let left_out = self.findings.len() - self.write_findings(&mut text, most);
        if left_out > 0 {
            let _ = writeln!(text, "... and {left_out} more like these: -v shows all, a report holds all\n");
        }
        if self.style.detail != Detail::Quiet {
            for ((severity, id), Counted { name, summary, count }) in &self.rest {
                let label = self.paint(severity.0, &format!("{:<8}", severity.0.code()));
                let _ = writeln!(text, "{label} {id} {name:<28} {count:>7} x  {summary}");
            }
            if !self.rest.is_empty() {
                text.push('\n');
            }
        }
        if !self.problems.is_empty() {
            text.push_str("Could not be read:\n");
            let most = match self.style.detail {
                Detail::Quiet => 5,
                Detail::Normal => 20,
                Detail::Verbose => usize::MAX,
            };
            for line in self.problems.iter().take(most) {
                let _ = writeln!(text, "  {line}");
            }
            let more = self.more_problems + self.problems.len().saturating_sub(most) as u64;
            if more > 0 {
                let _ = writeln!(text, "  ... and {more} more");
            }
            text.push('\n');
        }
        if self.style.detail != Detail::Quiet {
            write_overview(&mut text, summary);
        }
        write_verdict(&mut text, summary);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl Text {
    /// The findings file by file, the file with the worst first; within a file as the entry has them, the worst first. Stops
    /// after the file that reaches `most`; gives how many were written.
    fn write_findings(&self, text: &mut String, most: usize) -> usize {
        let mut files: Vec<(&Place, Vec<&FindingRecord>)> = Vec::new();
        let mut known: HashMap<&Place, usize> = HashMap::new();
        for finding in &self.findings {
            let at = *known.entry(&finding.place).or_insert_with(|| {
                files.push((&finding.place, Vec::new()));
                files.len() - 1
            });
            files[at].1.push(finding);
        }
        files.sort_by_key(|(_, findings)| Reverse(findings.iter().map(|finding| finding.severity).max()));
        let mut written = 0_usize;
        for (place, findings) in files {
            if written >= most {
                break;
            }
            let _ = writeln!(text, "{place}");
            for finding in findings {
                self.write_finding(text, finding);
                written += 1;
            }
            text.push('\n');
        }
        written
    }

    fn write_finding(&self, text: &mut String, finding: &FindingRecord) {
        let label = self.paint(finding.severity, &format!("{:<8}", finding.severity.code()));
        let _ = writeln!(text, "  {label} {} {}: {}", finding.rule, finding.name, finding.message);
        for (label, value) in [("expected", &finding.expected), ("observed", &finding.observed)] {
            if !value.is_empty() {
                let _ = writeln!(text, "             {label} {value}");
            }
        }
    }
}

fn write_overview(text: &mut String, summary: &SummaryRecord) {
    let counts = |mut counts: Vec<(&str, u64)>| {
        counts.retain(|(_, count)| *count > 0);
        counts.sort_by_key(|(_, count)| Reverse(*count));
        counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    };
    if summary.pycs > 0 {
        let pythons = summary.pythons.iter().map(|(name, &count)| (name.as_str(), count)).collect();
        let _ = writeln!(text, "Python   {}", counts(pythons));
        let loads = in_order(&summary.loads, LoadVerdict::ALL.iter().map(|verdict| verdict.code()));
        let _ = writeln!(text, "Load     {}", counts(loads));
        let matches = in_order(&summary.header_matches, HeaderMatch::ALL.iter().map(|outcome| outcome.code()));
        let _ = writeln!(text, "Header   {}", counts(matches));
        let code = counts(in_order(&summary.code_matches, []));
        let reasons = counts(in_order(&summary.code_reasons, []));
        let reasons = if reasons.is_empty() { reasons } else { format!(" (unverified: {reasons})") };
        let _ = writeln!(text, "Code     {code}{reasons}");
    }
    let fates = Fate::ALL.iter().map(|fate| fate.code());
    let mut seen = in_order(&summary.ledger, fates);
    seen.retain(|(fate, _)| *fate != "seen");
    let _ = writeln!(text, "Seen     {} files and members: {}", summary.seen(), counts(seen));
    text.push('\n');
}

fn write_verdict(text: &mut String, summary: &SummaryRecord) {
    let found: Vec<String> = Severity::ALL
        .iter()
        .rev()
        .map(|&severity| (severity, summary.of_severity(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.code()))
        .collect();
    let found = if found.is_empty() { "no findings".to_owned() } else { found.join(", ") };
    let archives = match summary.archives {
        0 => String::new(),
        1 => " and 1 archive".to_owned(),
        archives => format!(" and {archives} archives"),
    };
    let files = if summary.pycs == 1 { "file" } else { "files" };
    let _ = write!(text, "{} bytecode {files}{archives}: {found}", summary.pycs);
    match summary.problems {
        0 => {}
        1 => text.push_str("; 1 thing could not be read"),
        problems => {
            let _ = write!(text, "; {problems} things could not be read");
        }
    }
    text.push('\n');
}
