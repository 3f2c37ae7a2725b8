//! Text for people: one screen. The worst artifacts with one example of each kind of finding, in the order and words of the HTML report;
//! what is only counted; what was seen; the verdict and the next step last, where a terminal stops.
//!
//! Written at the end, since the worst is not known before. Findings below medium are counted by rule. With `-v` every finding is
//! written with its evidence, file by file.

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
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;
use crate::report::record::UnusedRecord;
use crate::report::record::Word;
use crate::report::record::in_order;
use crate::report::verdict;
use crate::report::verdict::Verdict;
use crate::report::words;
use crate::report::worst::Listed;
use crate::report::worst::Shown;
use crate::report::worst::Worst;
use crate::rules::RULES as ALL_RULES;
use crate::rules::Rule;
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

/// Problems that are kept for `-v`'s sake without it.
const MOST: usize = 200;
/// Unused suppressions of a source that are named without `-v`.
const UNUSED: usize = 5;
/// Artifacts that are shown when little is wanted.
const QUIET: usize = 3;
/// Lines of artifacts with their evidence, about: when they are written, the next artifacts get one line each.
const SCREEN: usize = 24;
/// Rules that are counted one by one.
const RULES: usize = 10;

/// Starts the report.
pub fn start(run: &RunRecord, out: Box<dyn Write + Send>, style: Style) -> Box<dyn Reporter> {
    Box::new(Text {
        run: run.clone(),
        out,
        style,
        worst: Worst::default(),
        findings: Vec::new(),
        rest: BTreeMap::new(),
        problems: Vec::new(),
        more_problems: 0,
    })
}

struct Text {
    run: RunRecord,
    out: Box<dyn Write + Send>,
    style: Style,
    /// The worst of medium and above, by artifact.
    worst: Worst,
    /// All of them, when all are to be written.
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
    fn take(&mut self, artifact: &str, finding: &FindingRecord) {
        if self.style.detail == Detail::Verbose {
            self.findings.push(finding.clone());
        }
        if finding.severity >= Severity::Medium {
            self.worst.add(artifact, finding);
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
        if !item.findings().is_empty() {
            let artifact = item.place().artifact_shown();
            for finding in item.findings() {
                self.take(&artifact, finding);
            }
        }
        for problem in item.problems() {
            self.problem(|| format!("{}: {}", problem.place, problem.message));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, summary: &SummaryRecord) -> io::Result<()> {
        let mut text = String::new();
        let worst = std::mem::take(&mut self.worst).list();
        if self.style.detail == Detail::Verbose {
            self.write_all_findings(&mut text);
        } else {
            self.write_worst(&mut text, &worst);
        }
        if self.style.detail == Detail::Normal {
            self.write_counted(&mut text);
        }
        if !self.problems.is_empty() {
            text.push_str("Could not be read:\n");
            let most = match self.style.detail {
                Detail::Quiet | Detail::Normal => 5,
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
            write_overview(&mut text, &self.run, summary);
        }
        if self.style.detail != Detail::Quiet {
            self.write_unused(&mut text, summary);
        }
        write_verdict(&mut text, summary);
        if self.style.detail != Detail::Quiet {
            write_next_step(&mut text, &verdict::verdict(&self.run, summary, &worst));
            if let Some(first) = &worst.first {
                if let Some(rule) = ALL_RULES.iter().find(|rule| rule.id == first.rule) {
                    let _ = writeln!(text, "{}", remedy(rule));
                }
                let _ = writeln!(
                    text,
                    "`pycaudit explain {}` tells why it matters and what innocent causes it has.",
                    first.rule
                );
            }
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl Text {
    /// The worst artifacts, each with one example of each kind of finding.
    fn write_worst(&self, text: &mut String, worst: &Listed) {
        let most = if self.style.detail == Detail::Quiet { QUIET } else { usize::MAX };
        let mut in_short = false;
        for group in worst.groups.iter().take(most) {
            if let Some(first) = group.findings.first().filter(|_| text.lines().count() >= SCREEN) {
                let label = self.paint(first.rank, &format!("{:<8}", first.severity));
                let _ = write!(text, "{label} {} {:<28} ", first.rule, first.name);
                let _ = writeln!(text, "{} ({} {})", group.artifact, group.total, group.noun);
                in_short = true;
                continue;
            }
            let _ = writeln!(text, "{} ({} {})", group.artifact, group.total, group.noun);
            for shown in &group.findings {
                self.write_shown(text, shown);
            }
            if !group.more.is_empty() {
                let _ = writeln!(text, "  and {} more, of lower severity or other rules", group.more);
            }
            text.push('\n');
        }
        if in_short {
            text.push('\n');
        }
        if !worst.more.is_empty() {
            let _ = writeln!(text, "{} `-v` shows them, and so do reports.\n", worst.more);
        }
    }

    /// Suppressions that suppressed nothing: they may be removed, or were misspelt.
    fn write_unused(&self, text: &mut String, summary: &SummaryRecord) {
        for source in &summary.suppressions {
            let unused = source.unused_count();
            if unused == 0 {
                continue;
            }
            let label = self.paint(Severity::Info, &format!("{:<8}", Severity::Info.code()));
            let _ = writeln!(
                text,
                "{label} {unused} of {} in the {} of `{}` suppressed nothing:",
                words::counted(source.entries, "entry", "entries"),
                source.by,
                source.file
            );
            let most = if self.style.detail == Detail::Verbose { usize::MAX } else { UNUSED };
            for UnusedRecord { rule, place, .. } in source.unused.iter().take(most) {
                let _ = writeln!(text, "  {rule} {place}");
            }
            let named = source.unused.len().min(most) as u64;
            if unused > named {
                let _ = writeln!(text, "  ... and {} more", unused - named);
            }
            text.push('\n');
        }
    }

    fn write_shown(&self, text: &mut String, shown: &Shown) {
        let label = self.paint(shown.rank, &format!("{:<8}", shown.severity));
        let like_it =
            if shown.like_it.is_empty() { String::new() } else { format!(" (and {} more like it)", shown.like_it) };
        let _ = writeln!(text, "  {label} {} {}: {}{like_it}", shown.rule, shown.name, shown.message);
        let place = [shown.member.as_str(), shown.place.as_str()];
        let place = place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        for (label, value) in [("in      ", &place), ("expected", &shown.expected), ("observed", &shown.observed)] {
            if !value.is_empty() {
                let _ = writeln!(text, "             {label} {value}");
            }
        }
    }

    /// How often each rule of low severity spoke.
    fn write_counted(&self, text: &mut String) {
        for ((severity, id), Counted { name, summary, count }) in self.rest.iter().take(RULES) {
            let label = self.paint(severity.0, &format!("{:<8}", severity.0.code()));
            let _ = writeln!(text, "{label} {id} {name:<28} {count:>7} x  {summary}");
        }
        let more: Vec<u64> = self.rest.values().skip(RULES).map(|counted| counted.count).collect();
        if !more.is_empty() {
            let noun = if more.len() == 1 { "rule" } else { "rules" };
            let _ = writeln!(text, "... and {} more {noun}, {} x", more.len(), more.iter().sum::<u64>());
        }
        if !self.rest.is_empty() {
            text.push('\n');
        }
    }

    /// All findings file by file, the file with the worst first; within a file as the entry has them, the worst first.
    fn write_all_findings(&self, text: &mut String) {
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
        for (place, findings) in files {
            let _ = writeln!(text, "{place}");
            for finding in findings {
                self.write_finding(text, finding);
            }
            text.push('\n');
        }
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

fn write_overview(text: &mut String, run: &RunRecord, summary: &SummaryRecord) {
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
    if let Some((_, file)) = run.options.iter().find(|(name, file)| name == "config" && !file.is_empty()) {
        let _ = writeln!(text, "Config   {file}");
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
    if let Some(suppressed) = words::suppressed(summary) {
        let _ = write!(text, "; {suppressed}");
    }
    match summary.problems {
        0 => {}
        1 => text.push_str("; 1 thing could not be read"),
        problems => {
            let _ = write!(text, "; {problems} things could not be read");
        }
    }
    text.push('\n');
}

/// The first paragraph of what a rule's page says that is to be done.
fn remedy(rule: &Rule) -> String {
    let page = rule.docs.iter().map(|line| line.trim());
    let section = page.skip_while(|line| *line != "## What to do").skip(1).skip_while(|line| line.is_empty());
    section.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The verdict in a sentence, and what to do first, in the words of the HTML report.
fn write_next_step(text: &mut String, verdict: &Verdict) {
    let _ = writeln!(text, "{}", verdict.headline);
    let Some(step) = verdict.next_step() else { return };
    let _ = write!(text, "{}", step.text);
    if !step.subject.is_empty() {
        let _ = write!(text, "\n  {}", step.subject);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::forge::Written;
    use crate::report::record::ArtifactItem;
    use crate::report::record::ArtifactRecord;
    use crate::report::record::ProblemRecord;
    use crate::report::record::RawName;

    fn finding(place: &Place, rule: &str, severity: Severity) -> FindingRecord {
        FindingRecord {
            rule: rule.to_owned().into(),
            name: "a-rule".into(),
            severity,
            place: place.clone(),
            message: "it is odd".to_owned(),
            offset: Some(4),
            line: None,
            expected: "one thing".to_owned(),
            observed: "another".to_owned(),
            fingerprint: String::new(),
        }
    }

    /// What a run of as many bad archives says, each with every rule at low severity besides and a problem.
    fn said(archives: usize, detail: Detail) -> String {
        let out = Written::default();
        let mut report = start(&RunRecord::default(), Box::new(out.clone()), Style { color: false, detail });
        for number in 0..archives {
            let place = Place { artifact: RawName::new(format!("w{number}.whl")), member: vec![RawName::new("m.pyc")] };
            let low = ALL_RULES.iter().map(|rule| finding(&place, rule.id, Severity::Low));
            let findings = low.chain([finding(&place, "PYC201", Severity::High)]).collect();
            let problem = ProblemRecord {
                place: place.clone(),
                kind: "archive-damaged".into(),
                message: "it is damaged".to_owned(),
                offset: None,
            };
            let artifact = ArtifactRecord { place, ..ArtifactRecord::default() };
            report
                .item(&Item::Artifact(Box::new(ArtifactItem {
                    artifact,
                    findings,
                    suppressed: Vec::new(),
                    problems: vec![problem],
                })))
                .unwrap();
        }
        report.finish(&SummaryRecord::default()).unwrap();
        String::from_utf8(out.bytes()).unwrap()
    }

    #[test]
    fn however_much_was_found_it_is_one_screen_with_the_worst_first() {
        let text = said(500, Detail::Normal);
        assert!(text.lines().count() <= 60, "{text}");
        assert!(text.starts_with("w0.whl (1 finding)\n  high     PYC201 a-rule: it is odd\n"), "{text}");
        assert!(text.contains("492 more artifacts with 492 findings are not shown here"), "{text}");
        assert!(text.contains("  ... and 495 more\n"), "{text}");
    }

    #[test]
    fn the_last_lines_say_what_to_do() {
        let text = said(1, Detail::Normal);
        assert!(text.contains("\nDo not run it. `pycaudit inspect` lists all places"), "{text}");
        assert!(
            text.ends_with("`pycaudit explain PYC201` tells why it matters and what innocent causes it has.\n"),
            "{text}"
        );
        assert!(ALL_RULES.iter().all(|rule| !remedy(rule).is_empty()));
    }

    #[test]
    fn all_of_it_is_there_when_it_is_asked_for() {
        let text = said(40, Detail::Verbose);
        assert!((0..40).all(|number| text.contains(&format!("\nw{number}.whl!m.pyc\n")) || number == 0), "{text}");
        assert_eq!(text.matches("it is damaged").count(), 40);
    }
}
