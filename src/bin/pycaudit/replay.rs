//! `pycaudit report`: reports again from saved runs, several as one.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use pycaudit::name;
use pycaudit::report::record::ArtifactItem;
use pycaudit::report::record::ArtifactRecord;
use pycaudit::report::record::Damage;
use pycaudit::report::record::Item;
use pycaudit::report::record::Place;
use pycaudit::report::record::ProblemRecord;
use pycaudit::report::record::RawName;
use pycaudit::report::record::Read;
use pycaudit::report::record::Reader;
use pycaudit::report::record::RunRecord;
use pycaudit::report::record::SummaryRecord;
use pycaudit::report::record::merge_runs;

use crate::args::ReportCommand;
use crate::complain;
use crate::exit::Exit;
use crate::reports::Reports;
use crate::reports::severity;

/// Damages of one file that are named; the rest are counted.
const NAMED: u64 = 20;

/// A saved run that was opened, its first record read.
struct Saved {
    place: Place,
    shown: String,
    reader: Reader<Box<dyn BufRead>>,
    /// A regular file, which is not open until its turn comes: a run of many machines has more files than a process may have open.
    closed: Option<PathBuf>,
    damages: u64,
    problems: Vec<ProblemRecord>,
}

impl Saved {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = name::shown(path.as_os_str().as_encoded_bytes());
        let (lines, place): (Box<dyn BufRead>, _) = if path == Path::new("-") {
            (Box::new(std::io::stdin().lock()), RawName::new("stdin"))
        } else {
            let file = File::open(path).with_context(|| format!("cannot read `{shown}`"))?;
            (Box::new(BufReader::with_capacity(1 << 16, file)), RawName::of_path(path))
        };
        let place = Place { artifact: place, member: Vec::new() };
        Ok(Self { place, shown, reader: Reader::new(lines), closed: None, damages: 0, problems: Vec::new() })
    }

    /// The first record. A file that can be opened again is closed.
    fn run(&mut self, path: &Path) -> anyhow::Result<RunRecord> {
        let run = self.reader.run().with_context(|| format!("cannot read `{}`", self.shown))?;
        if path != Path::new("-") && fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            self.closed = Some(path.to_owned());
            self.reader = Reader::new(Box::new(io::empty()));
        }
        Ok(run.unwrap_or_else(|damage| {
            self.damaged(&damage);
            RunRecord { version: "unknown".to_owned(), ..RunRecord::default() }
        }))
    }

    /// Opens a file again, behind its first record.
    fn resume(&mut self) -> anyhow::Result<()> {
        if let Some(path) = self.closed.take() {
            self.reader = Self::open(&path)?.reader;
            // What is wrong with it was told before.
            let _ = self.reader.run().with_context(|| format!("cannot read `{}`", self.shown))?;
        }
        Ok(())
    }

    /// Notes what does not fit: on stderr, and as a problem of the report.
    fn damaged(&mut self, damage: &Damage) {
        self.damages = self.damages.saturating_add(1);
        if self.damages > NAMED {
            return;
        }
        let Damage { line, what } = damage;
        if *line == 0 {
            complain(&format!("`{}`: {what}", self.shown));
        } else {
            complain(&format!("`{}`, line {line}: {what}", self.shown));
        }
        let place = if *line == 0 { "the saved run".to_owned() } else { format!("line {line} of the saved run") };
        self.problems.push(ProblemRecord {
            place: self.place.clone(),
            kind: "run-damaged".into(),
            message: format!("{place}: {what}"),
            offset: None,
        });
    }

    /// What is to be said of the file itself, if anything.
    fn item(mut self) -> Option<Item> {
        if self.damages == 0 {
            return None;
        }
        let more = self.damages.saturating_sub(NAMED);
        if more > 0 {
            complain(&format!("`{}`: {more} more lines like these", self.shown));
            self.problems.push(ProblemRecord {
                place: self.place.clone(),
                kind: "run-damaged".into(),
                message: format!("{more} more lines of the saved run are damaged"),
                offset: None,
            });
        }
        let problems = u64::try_from(self.problems.len()).unwrap_or(u64::MAX);
        let artifact = ArtifactRecord { place: self.place, problems, ..ArtifactRecord::default() };
        Some(Item::Artifact(Box::new(ArtifactItem {
            artifact,
            findings: Vec::new(),
            suppressed: Vec::new(),
            problems: self.problems,
        })))
    }
}

/// Runs the command.
pub(crate) fn run(args: &ReportCommand) -> anyhow::Result<Exit> {
    let mut saved = Vec::new();
    let mut runs = Vec::new();
    for path in &args.runs {
        let mut each = Saved::open(path)?;
        runs.push(each.run(path)?);
        saved.push(each);
    }
    let mut reports = Reports::open(&args.reports, merge_runs(runs))?;
    let fail_on = args.fail_on.map(severity);
    let mut summary: Option<SummaryRecord> = None;
    let (mut failed, mut damaged) = (false, false);
    for mut each in saved {
        each.resume()?;
        let mut counted = SummaryRecord::default();
        let mut told = None;
        loop {
            let read = each.reader.read().with_context(|| format!("cannot read `{}`", each.shown))?;
            match read {
                None => break,
                Some(Read::Damage(damage)) => each.damaged(&damage),
                Some(Read::Summary(summary)) => told = Some(*summary),
                Some(Read::Item(item)) => {
                    counted.count(&item);
                    failed |=
                        fail_on.is_some_and(|least| item.findings().iter().any(|finding| finding.severity >= least));
                    reports.item(item).context("cannot write a report")?;
                }
            }
        }
        let mut this = match told {
            Some(told) => {
                if (told.pycs, told.problems) != (counted.pycs, counted.problems) {
                    each.damaged(&Damage {
                        line: 0,
                        what: format!(
                            "its summary counts {} pycs and {} problems, its records {} and {}",
                            told.pycs, told.problems, counted.pycs, counted.problems
                        ),
                    });
                }
                told
            }
            None => SummaryRecord { interrupted: true, ..counted },
        };
        if let Some(item) = each.item() {
            damaged = true;
            let problems = u64::try_from(item.problems().len()).unwrap_or(u64::MAX);
            this.problems = this.problems.saturating_add(problems);
            reports.item(item).context("cannot write a report")?;
        }
        match &mut summary {
            Some(summary) => summary.add(&this),
            None => summary = Some(this),
        }
    }
    reports.finish(&summary.unwrap_or_default())?;
    Ok(match (damaged, failed) {
        (true, _) => Exit::Incomplete,
        (false, true) => Exit::Findings,
        (false, false) => Exit::Clean,
    })
}
