//! The first screen: one sentence for a person who has never heard of pycaudit, four answers, four numbers.
//!
//! It sums up what the rules found and judges nothing itself. What was not read or not found is never called clean.

use serde::Serialize;

use crate::ledger::Fate;
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;
use crate::report::record::total;
use crate::rules::Severity;

use crate::report::words;
use crate::report::worst::Listed;

/// The verdict as the template takes it.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    /// The title of the page.
    pub(super) title: String,
    level: &'static str,
    label: &'static str,
    /// The verdict in one sentence.
    pub(super) headline: String,
    answers: Vec<Answer>,
}

/// A question that a reader has, and the answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    question: &'static str,
    /// The answer.
    pub(super) text: String,
    /// The file that the answer is about; empty without one.
    pub(super) subject: String,
}

impl Verdict {
    /// What to do first.
    pub(super) fn next_step(&self) -> Option<&Answer> {
        self.answers.last()
    }
}

/// A number in large type.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    label: &'static str,
    value: String,
    note: String,
    tone: &'static str,
}

/// The verdict on a run.
pub(super) fn verdict(run: &RunRecord, summary: &SummaryRecord, worst: &Listed) -> Verdict {
    let counts = Counts::of(summary);
    let (level, label) = level(summary, &counts);
    let mut headline = headline(summary, &counts);
    match total(&summary.suppressed) {
        0 => {}
        // They may be of any severity: what is said of the others does not hold for them.
        known => {
            let findings = words::counted(known, "finding", "findings");
            let are = words::noun(known, "is", "are");
            headline = format!("{headline} {findings} {are} known and accepted, and not looked at here.");
        }
    }
    if summary.interrupted {
        headline.push_str(" The scan was broken off before its end.");
    } else if summary.problems > 0 {
        headline.push_str(" Not everything could be read.");
    }
    let subject = subject(run);
    let answers = vec![
        Answer { question: "What was scanned", text: scanned(run, summary), subject: subject.clone() },
        Answer { question: "What was found", text: found(summary, &counts, worst), subject: String::new() },
        Answer { question: "What was not read", text: unread(summary), subject: String::new() },
        first_step(summary, &counts, worst),
    ];
    let title = if subject.is_empty() { "pycaudit report".to_owned() } else { format!("pycaudit report: {subject}") };
    Verdict { title, level, label, headline, answers }
}

/// Findings by severity.
struct Counts {
    critical: u64,
    high: u64,
    medium: u64,
    all: u64,
    worst: Option<Severity>,
}

impl Counts {
    fn of(summary: &SummaryRecord) -> Self {
        let of = |severity| summary.of_severity(severity);
        Self {
            critical: of(Severity::Critical),
            high: of(Severity::High),
            medium: of(Severity::Medium),
            all: total(&summary.severities),
            worst: Severity::ALL.iter().rev().copied().find(|&severity| of(severity) > 0),
        }
    }
}

fn level(summary: &SummaryRecord, counts: &Counts) -> (&'static str, &'static str) {
    match counts.worst {
        Some(Severity::Critical) => ("critical", "Act on this"),
        Some(Severity::High) => ("high", "Look before you use or ship it"),
        Some(Severity::Medium) => ("medium", "Worth a look"),
        _ if summary.interrupted || summary.problems > 0 => ("medium", "Incomplete"),
        Some(Severity::Low) => ("low", "Nothing alarming"),
        Some(Severity::Info) => ("info", "Nothing alarming"),
        None if total(&summary.suppressed) > 0 => ("info", "Nothing new"),
        None if summary.pycs == 0 => ("info", "No bytecode"),
        None => ("good", "Nothing found"),
    }
}

fn headline(summary: &SummaryRecord, counts: &Counts) -> String {
    let findings =
        |count, severity: &str| format!("{} of {severity} severity", words::counted(count, "finding", "findings"));
    match counts.worst {
        Some(Severity::Critical) => {
            format!("{}: code may run here that is not what it claims to be.", findings(counts.critical, "critical"))
        }
        Some(Severity::High) => {
            let them = words::noun(counts.high, "it", "them");
            format!("{}: look at {them} before anybody uses or ships this.", findings(counts.high, "high"))
        }
        Some(Severity::Medium) => {
            format!("No sign of an attack, but {} to look at.", findings(counts.medium, "medium"))
        }
        Some(Severity::Low) => "Only habits and leftovers: nothing with a known way to do harm.".to_owned(),
        Some(Severity::Info) => "Only remarks: nothing that has to be acted on.".to_owned(),
        None if total(&summary.suppressed) > 0 => "Nothing new.".to_owned(),
        None if summary.pycs == 0 => "There is no Python bytecode in what was scanned.".to_owned(),
        None => {
            format!("No rule saw anything odd in {}.", words::counted(summary.pycs, "bytecode file", "bytecode files"))
        }
    }
}

fn subject(run: &RunRecord) -> String {
    match run.paths.as_slice() {
        [] => String::new(),
        [path] => words::clipped(path),
        [path, rest @ ..] => format!("{} and {} more", words::clipped(path), words::number(words::length(rest))),
    }
}

fn scanned(run: &RunRecord, summary: &SummaryRecord) -> String {
    let files = words::counted(summary.pycs, "bytecode file", "bytecode files");
    let archives = match summary.archives {
        0 => String::new(),
        archives => format!(", {} opened", words::counted(archives, "archive", "archives")),
    };
    let seen = words::counted(summary.seen(), "file", "files");
    let time = words::between(run.started.as_deref(), summary.ended.as_deref());
    format!("{files} ({}) among {seen} seen{archives}, in {time}.", words::size(summary.pyc_bytes))
}

fn found(summary: &SummaryRecord, counts: &Counts, worst: &Listed) -> String {
    let live = loads(summary, "runs").saturating_add(loads(summary, "runs-optimised"));
    let mut text = if counts.all == 0 {
        "No findings.".to_owned()
    } else {
        let by_severity: Vec<_> = Severity::ALL
            .iter()
            .rev()
            .filter_map(|severity| {
                let count = summary.of_severity(*severity);
                (count > 0).then(|| format!("{} {}", words::number(count), severity.code()))
            })
            .collect();
        let places = words::counted(worst.artifacts, "artifact", "artifacts");
        let findings = words::noun(counts.all, "finding", "findings");
        format!("{} {findings} in {places}.", by_severity.join(", "))
    };
    if let Some(suppressed) = words::suppressed(summary) {
        text = format!("{text} Known and accepted: {suppressed}.");
    }
    if summary.pycs > 0 {
        let files = match live {
            0 => "none of the bytecode files".to_owned(),
            _ if live == summary.pycs => "all of the bytecode files".to_owned(),
            _ => format!("{} of the {} bytecode files", words::number(live), words::number(summary.pycs)),
        };
        text = format!("{text} Python would run {files} where they lie.");
    }
    text
}

fn unread(summary: &SummaryRecord) -> String {
    let mut parts = Vec::new();
    if summary.problems > 0 {
        parts.push(format!("{}, listed at the end.", words::counted(summary.problems, "problem", "problems")));
    }
    let shown = [
        (Fate::Unreadable, "could not be read"),
        (Fate::Limited, "went beyond a limit"),
        (Fate::Excluded, "left out as asked"),
        (Fate::Link, "links not followed"),
        (Fate::Special, "pipes, sockets or devices not opened"),
        (Fate::Jython, "classes of Jython not parsed"),
        (Fate::Micropython, "files of MicroPython not parsed"),
        (Fate::Numba, "caches of numba not parsed"),
        (Fate::Jinja2, "caches of jinja2 not parsed"),
        (Fate::Notebook, "Jupyter notebooks not parsed"),
    ];
    let counts: Vec<_> = shown
        .into_iter()
        .filter(|&(fate, _)| fates(summary, fate) > 0)
        .map(|(fate, what)| format!("{} {what}", words::number(fates(summary, fate))))
        .collect();
    if !counts.is_empty() {
        parts.push(format!("{}.", counts.join(", ")));
    }
    if summary.interrupted {
        parts.push("Whatever came after the place where the scan was broken off.".to_owned());
    }
    if parts.is_empty() { "Nothing: all that was to be read was read.".to_owned() } else { parts.join(" ") }
}

fn first_step(summary: &SummaryRecord, counts: &Counts, worst: &Listed) -> Answer {
    let question = "What to do first";
    if let Some(first) = &worst.first
        && counts.worst >= Some(Severity::Medium)
    {
        return Answer {
            question,
            text: format!("Start here: {}.", first.message.trim_end_matches('.')),
            subject: first.locator.clone(),
        };
    }
    let text = if summary.interrupted {
        "Run the scan again to its end."
    } else if summary.problems > 0 {
        "Look at what could not be read: nothing is known about it."
    } else if counts.worst.is_some() {
        "Nothing is urgent. The findings say what could be tidied up."
    } else if total(&summary.suppressed) > 0 {
        "Nothing is new. See now and then whether what is accepted still should be."
    } else if summary.pycs == 0 {
        "Nothing, if no bytecode was expected here."
    } else {
        "Nothing. That no rule saw anything is not a proof that the files are harmless."
    };
    Answer { question, text: text.to_owned(), subject: String::new() }
}

/// How many pycs have a load verdict.
fn loads(summary: &SummaryRecord, verdict: &str) -> u64 {
    summary.loads.get(verdict).copied().unwrap_or_default()
}

/// How many files met a fate.
fn fates(summary: &SummaryRecord, fate: Fate) -> u64 {
    summary.ledger.get(fate.code()).copied().unwrap_or_default()
}

/// The four numbers.
pub(super) fn figures(summary: &SummaryRecord) -> Vec<Figure> {
    let counts = Counts::of(summary);
    let (runs, optimised) = (loads(summary, "runs"), loads(summary, "runs-optimised"));
    let serious = counts.critical.saturating_add(counts.high);
    let optimised = match optimised {
        0 => "as they are, where they lie".to_owned(),
        _ => format!("and {} more under -O or -OO", words::number(optimised)),
    };
    let unread = fates(summary, Fate::Unreadable).saturating_add(fates(summary, Fate::Limited));
    vec![
        Figure {
            label: "Bytecode files",
            value: words::number(summary.pycs),
            note: format!("{} in all", words::size(summary.pyc_bytes)),
            tone: "",
        },
        Figure { label: "Python would run", value: words::number(runs), note: optimised, tone: "" },
        Figure {
            label: "Critical and high findings",
            value: words::number(serious),
            note: match counts.all {
                0 => "no findings at all".to_owned(),
                all => format!("of {} in all", words::counted(all, "finding", "findings")),
            },
            tone: if counts.critical > 0 {
                "alarm"
            } else if serious > 0 {
                "warn"
            } else {
                ""
            },
        },
        Figure {
            label: "Problems while reading",
            value: words::number(summary.problems),
            note: if unread == 0 {
                "every file seen is accounted for".to_owned()
            } else {
                format!("{} not read whole", words::counted(unread, "file", "files"))
            },
            tone: if summary.problems > 0 { "warn" } else { "" },
        },
    ]
}
