//! The page around the tables: the template's context, and the policy that lets nothing but our own script and style run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::io::Write;

use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;
use tera::Context;
use tera::Tera;

use crate::ledger::Fate;
use crate::load::LoadVerdict;
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;
use crate::report::record::Word;
use crate::report::record::in_order;
use crate::rules::Rule;
use crate::rules::Severity;
use crate::source::HeaderMatch;

use super::charts;
use super::charts::Timeline;
use super::column::base64;
use super::markdown;
use super::roots::Roots;
use super::suppressed::SuppressedShown;
use super::tables::Plain;
use crate::report::verdict;
use crate::report::words;
use crate::report::worst::Worst;

/// The page, and the parts that it includes. Tera escapes what it writes because the names end in `.html`.
const TEMPLATES: [(&str, &str); 8] = [
    ("report/summary.html", include_str!("../../../templates/report/summary.html")),
    ("report/worst.html", include_str!("../../../templates/report/worst.html")),
    ("report/charts.html", include_str!("../../../templates/report/charts.html")),
    ("report/tables.html", include_str!("../../../templates/report/tables.html")),
    ("report/rules.html", include_str!("../../../templates/report/rules.html")),
    ("report/custody.html", include_str!("../../../templates/report/custody.html")),
    ("report.html", include_str!("../../../templates/report.html")),
    ("end.html", include_str!("../../../templates/end.html")),
];
/// Words of an option's value that are shown unfolded.
const LONG_VALUE: usize = 20;
const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");

/// A rule that reported something.
pub(super) struct Seen {
    /// Its id.
    pub(super) id: Word,
    /// Its name.
    pub(super) name: Word,
    /// The rule with its page, if this version of the program has it.
    pub(super) rule: Option<&'static Rule>,
    /// How often.
    pub(super) count: u64,
    /// The worst severity it was reported at.
    pub(super) worst: Severity,
}

/// What is drawn of the rows.
pub(super) struct Charts<'a> {
    /// When.
    pub(super) timeline: &'a Timeline,
    /// Where.
    pub(super) roots: &'a Roots,
}

/// The two ends of the page; the columns stand between them.
pub(super) struct Page {
    tera: Tera,
    context: Context,
}

impl Page {
    /// The page of a run.
    pub(super) fn new(
        run: &RunRecord,
        summary: &SummaryRecord,
        worst: Worst,
        charts: &Charts<'_>,
        rules: &BTreeMap<Word, Seen>,
        plain: &Plain,
        suppressed: &SuppressedShown,
    ) -> io::Result<Self> {
        let mut tera = Tera::new();
        tera.register_filter("said", |text: &str, _: tera::Kwargs, _: &tera::State| markdown::message(text));
        tera.register_filter("path", |text: &str, _: tera::Kwargs, _: &tera::State| markdown::path(text));
        tera.add_raw_templates(TEMPLATES).map_err(io::Error::other)?;
        // A browser reads CR LF as LF before it hashes; a checkout with other line ends must not break the policy.
        let [style, script] = [STYLE, SCRIPT].map(|text| text.replace('\r', ""));
        let worst = worst.list();
        let (pythons, pythons_more) = charts::pythons(&summary.pythons);
        let (roots, roots_more) = charts.roots.draw();
        let mut context = Context::new();
        context.insert("csp", &policy(&style, &script));
        context.insert("style", &style);
        context.insert("script", &script);
        context.insert("run", &RunShown::of(run, summary));
        context.insert("verdict", &verdict::verdict(run, summary, &worst));
        context.insert("figures", &verdict::figures(summary));
        context.insert("severities", &charts::bars(severities(summary)));
        context.insert("loads", &charts::bars(loads(summary)));
        context.insert("headers", &charts::bars(headers(summary)));
        let codes = codes(summary);
        context.insert(
            "codes",
            &charts::bars(codes.iter().map(|(code, count, meaning)| (code.as_str(), *count, *meaning))),
        );
        context.insert("worst", &worst);
        context.insert("pythons", &pythons);
        context.insert("pythons_more", &pythons_more);
        context.insert("roots", &roots);
        context.insert("roots_more", &roots_more);
        context.insert("timeline", &charts.timeline.draw());
        context.insert("plain", plain);
        let mut seen: Vec<_> = rules.values().collect();
        seen.sort_by_key(|seen| (Reverse(seen.worst), &seen.id));
        context.insert("rules", &seen.into_iter().map(RuleShown::of).collect::<Vec<_>>());
        context.insert("ledger", &LedgerShown::of(summary));
        context.insert("suppressed", suppressed);
        Ok(Self { tera, context })
    }

    /// Writes all that comes before the columns.
    pub(super) fn write_start(&self, out: &mut dyn Write) -> io::Result<()> {
        self.tera.render_to("report.html", &self.context, out).map_err(io::Error::other)
    }

    /// Writes all that comes after the columns.
    pub(super) fn write_end(&self, out: &mut dyn Write) -> io::Result<()> {
        self.tera.render_to("end.html", &self.context, out).map_err(io::Error::other)
    }
}

/// The Content-Security-Policy: this one style sheet, this one script, and the icon; no address at all.
fn policy(style: &str, script: &str) -> String {
    let [style, script] = [style, script].map(|text| base64(&Sha256::digest(text)));
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
}

fn severities(summary: &SummaryRecord) -> impl Iterator<Item = (&'static str, u64, &'static str)> {
    Severity::ALL.iter().rev().map(move |&severity| (severity.code(), summary.of_severity(severity), ""))
}

fn loads(summary: &SummaryRecord) -> impl Iterator<Item = (&str, u64, &'static str)> {
    let counts = in_order(&summary.loads, LoadVerdict::ALL.iter().map(|verdict| verdict.code()));
    counts.into_iter().map(|(verdict, count)| (verdict, count, words::load(verdict)))
}

fn headers(summary: &SummaryRecord) -> impl Iterator<Item = (&str, u64, &'static str)> {
    let counts = in_order(&summary.header_matches, HeaderMatch::ALL.iter().map(|outcome| outcome.code()));
    counts.into_iter().map(|(outcome, count)| (outcome, count, words::header(outcome)))
}

/// Whether the code was compiled from the source; what is not known by its reason, as the table has it.
fn codes(summary: &SummaryRecord) -> Vec<(String, u64, &'static str)> {
    let known = summary.code_matches.iter().filter(|(code, _)| *code != "unverified");
    let known = known.map(|(code, count)| (code.to_string(), *count, words::code(code)));
    let reasons = summary.code_reasons.iter();
    known.chain(reasons.map(|(reason, count)| (format!("unverified: {reason}"), *count, words::code(reason)))).collect()
}

/// The run as the chain of custody shows it.
#[derive(Serialize)]
struct RunShown<'a> {
    version: &'a str,
    day: String,
    started: String,
    ended: String,
    duration: String,
    interrupted: bool,
    command: String,
    paths: &'a [String],
    options: Vec<OptionShown<'a>>,
    redacted: bool,
    /// The runs that it was put together from.
    merged: Vec<MergedShown<'a>>,
}

/// One of several runs.
#[derive(Serialize)]
struct MergedShown<'a> {
    version: &'a str,
    started: &'a str,
    command: String,
}

#[derive(Serialize)]
struct OptionShown<'a> {
    name: &'a str,
    value: &'a str,
    /// How many words a long value has: it is folded.
    words: Option<usize>,
}

impl<'a> OptionShown<'a> {
    fn of((name, value): &'a (String, String)) -> Self {
        let words = value.split(' ').count();
        Self { name, value, words: (words > LONG_VALUE).then_some(words) }
    }
}

impl<'a> RunShown<'a> {
    fn of(run: &'a RunRecord, summary: &SummaryRecord) -> Self {
        let [started, ended] = [&run.started, &summary.ended].map(|time| time.as_deref());
        Self {
            version: &run.version,
            day: words::day(started),
            started: started.unwrap_or("not recorded").to_owned(),
            ended: ended.unwrap_or("not recorded").to_owned(),
            duration: words::between(started, ended),
            interrupted: summary.interrupted,
            command: words::command(&run.arguments),
            paths: &run.paths,
            options: run.options.iter().map(OptionShown::of).collect(),
            redacted: run.redacted,
            merged: run
                .merged
                .iter()
                .map(|run| MergedShown {
                    version: &run.version,
                    started: run.started.as_deref().unwrap_or("at an unknown time"),
                    command: words::command(&run.arguments),
                })
                .collect(),
        }
    }
}

/// A rule with its page.
#[derive(Serialize)]
struct RuleShown<'a> {
    id: &'a str,
    name: &'a str,
    summary: &'static str,
    severity: &'static str,
    count: String,
    docs: String,
}

impl<'a> RuleShown<'a> {
    fn of(seen: &'a Seen) -> Self {
        Self {
            id: &seen.id,
            name: &seen.name,
            summary: seen.rule.map_or("a rule of another version of pycaudit", |rule| rule.summary),
            severity: seen.worst.code(),
            count: words::number(seen.count),
            docs: seen.rule.map(|rule| markdown::html(rule.docs)).unwrap_or_default(),
        }
    }
}

/// The coverage ledger.
#[derive(Serialize)]
struct LedgerShown {
    rows: Vec<LedgerRow>,
    sum: String,
    listed: String,
    adds_up: bool,
}

#[derive(Serialize)]
struct LedgerRow {
    name: &'static str,
    meaning: &'static str,
    count: String,
}

impl LedgerShown {
    fn of(summary: &SummaryRecord) -> Self {
        let row = |&fate: &Fate| LedgerRow {
            name: fate.code(),
            meaning: words::fate(fate),
            count: words::number(summary.ledger.get(fate.code()).copied().unwrap_or_default()),
        };
        Self {
            rows: Fate::ALL
                .iter()
                .filter(|fate| {
                    !Fate::OTHER_CODE.contains(fate) || summary.ledger.get(fate.code()).is_some_and(|&count| count > 0)
                })
                .map(row)
                .collect(),
            sum: words::number(summary.seen()),
            listed: words::number(summary.listed),
            adds_up: summary.listed == summary.seen(),
        }
    }
}
