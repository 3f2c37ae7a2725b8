//! The reports that were asked for: opened before any work, fed together, named when all are complete.

use std::borrow::Cow;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use pycaudit::report;
use pycaudit::report::Reporter;
use pycaudit::report::record::Item;
use pycaudit::report::record::RunRecord;
use pycaudit::report::record::SummaryRecord;
use pycaudit::report::redact::Redaction;
use pycaudit::report::text::Detail;
use pycaudit::report::text::Style;
use pycaudit::rules::Severity;

use crate::args::Format;
use crate::args::Level;
use crate::args::ReportArgs;
use crate::color::colored;
use crate::output::Pending;
use crate::output::Stdout;

/// Starts a report on what it is written to.
type Start = Box<dyn Fn(&RunRecord, Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>> + Send>;

/// A report that was asked for, and where it goes.
struct Opened {
    start: Start,
    out: Box<dyn Write + Send>,
    /// What it is called in messages.
    shown: String,
}

/// All reports of a run while they are written.
pub(crate) struct Reports {
    reporters: Vec<Box<dyn Reporter>>,
    pending: Vec<Pending>,
    least: Severity,
    /// With `--redact` names are masked that only the last file may give away: nothing is written before.
    redaction: Option<(Redaction, RunRecord, Vec<Opened>)>,
}

impl Reports {
    /// Opens every file that was asked for.
    pub(crate) fn open(args: &ReportArgs, mut run: RunRecord) -> anyhow::Result<Self> {
        let (opened, pending) = open(args)?;
        let mut reports = Self {
            reporters: Vec::new(),
            pending,
            least: args.min_severity.map_or(Severity::Info, severity),
            redaction: None,
        };
        if args.redact {
            run.redacted = true;
            let mut redaction = Redaction::default();
            redaction.learn_run(&run);
            learn_machine(&mut redaction);
            reports.redaction = Some((redaction, run, opened));
        } else {
            reports.reporters = start(opened, &run)?;
        }
        Ok(reports)
    }

    /// Hands an item to all of them.
    pub(crate) fn item(&mut self, mut item: Item) -> io::Result<()> {
        if self.least > Severity::Info {
            item.retain(self.least);
        }
        match &mut self.redaction {
            Some((redaction, ..)) => redaction.item(&item),
            None => self.reporters.iter_mut().try_for_each(|reporter| reporter.item(&item)),
        }
    }

    /// Ends them; only when all are complete does any get its name.
    pub(crate) fn finish(mut self, summary: &SummaryRecord) -> anyhow::Result<()> {
        let mut summary = Cow::Borrowed(summary);
        if let Some((mut redaction, mut run, opened)) = self.redaction.take() {
            redaction.learn_summary(&summary);
            let mut masks = redaction.masks();
            summary.to_mut().rewrite(&mut masks);
            run.rewrite(&mut masks);
            let mut reporters = start(opened, &run)?;
            redaction
                .replay(&mut |mut item| {
                    masks.item(&mut item);
                    reporters.iter_mut().try_for_each(|reporter| reporter.item(&item))
                })
                .context("cannot write a report")?;
            self.reporters = reporters;
        }
        for reporter in self.reporters {
            reporter.finish(&summary).context("cannot write a report")?;
        }
        self.pending.into_iter().try_for_each(Pending::keep)
    }
}

fn start(opened: Vec<Opened>, run: &RunRecord) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
    opened
        .into_iter()
        .map(|Opened { start, out, shown }| start(run, out).with_context(|| format!("cannot write {shown}")))
        .collect()
}

fn open(args: &ReportArgs) -> anyhow::Result<(Vec<Opened>, Vec<Pending>)> {
    type Plain = fn(&RunRecord, Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>>;
    let kinds: [(&[PathBuf], Plain); 6] = [
        (&args.csv, |_, out| report::csv::start(out)),
        (&args.findings_csv, |_, out| report::csv::start_findings(out)),
        (&args.html, report::html::start),
        (&args.jsonl, report::jsonl::start),
        (&args.sarif, report::sarif::start),
        (&args.write_baseline, |run, out| Ok(report::baseline::start(run, out))),
    ];
    let files: Vec<(&Path, Plain)> =
        kinds.iter().flat_map(|(paths, start)| paths.iter().map(|path| (path.as_path(), *start))).collect();
    let to_stdout = files.iter().filter(|(path, _)| *path == Path::new("-")).count();
    anyhow::ensure!(to_stdout <= 1, "only one report can go to stdout");
    for (index, (path, _)) in files.iter().enumerate() {
        let twice = files[..index].iter().any(|(other, _)| other == path);
        anyhow::ensure!(!twice, "two reports cannot go to one file: `{}`", path.display());
    }
    let (mut opened, mut all_pending) = (Vec::new(), Vec::new());
    for (path, start) in files {
        let out: Box<dyn Write + Send> = if path == Path::new("-") {
            Box::new(Stdout::new())
        } else {
            let (pending, out) = Pending::create(path)?;
            all_pending.push(pending);
            out
        };
        opened.push(Opened { start: Box::new(start), out, shown: format!("the report `{}`", path.display()) });
    }
    if to_stdout == 0 {
        let style = style(args);
        let start: Start = match args.format {
            Format::Text => Box::new(move |run, out| Ok(report::text::start(run, out, style))),
            Format::Jsonl => Box::new(report::jsonl::start),
            Format::Sarif => Box::new(report::sarif::start),
            Format::Github => Box::new(|_, out| Ok(report::github::start(out))),
        };
        opened.push(Opened { start, out: Box::new(Stdout::new()), shown: "to stdout".to_owned() });
    }
    Ok((opened, all_pending))
}

/// Who and where this is: names that may be in any path.
fn learn_machine(redaction: &mut Redaction) {
    for variable in ["USER", "LOGNAME", "USERNAME", "SUDO_USER"] {
        if let Some(user) = std::env::var_os(variable) {
            redaction.learn_user(user.as_encoded_bytes());
        }
    }
    for variable in ["HOME", "USERPROFILE"] {
        if let Some(home) = std::env::var_os(variable) {
            redaction.learn_home(home.as_encoded_bytes());
        }
    }
    for variable in ["HOSTNAME", "COMPUTERNAME"] {
        if let Some(host) = std::env::var_os(variable) {
            redaction.learn_host(host.as_encoded_bytes());
        }
    }
    if let Ok(host) = std::fs::read("/etc/hostname") {
        redaction.learn_host(host.trim_ascii());
    }
}

fn style(args: &ReportArgs) -> Style {
    let detail = match (args.quiet, args.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Verbose,
        _ => Detail::Normal,
    };
    Style { color: colored(args.color), detail }
}

/// The severity of a word of the command line.
pub(crate) fn severity(level: Level) -> Severity {
    match level {
        Level::Info => Severity::Info,
        Level::Low => Severity::Low,
        Level::Medium => Severity::Medium,
        Level::High => Severity::High,
        Level::Critical => Severity::Critical,
    }
}
