//! `pycaudit scan`: what was typed becomes a configuration, reports are opened before any work, and the exit code follows.

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use pycaudit::container::Exclude;
use pycaudit::entry::Entry;
use pycaudit::entry::Run;
use pycaudit::entry::Summary;
use pycaudit::interpreter::Interpreters;
use pycaudit::known::Digests;
use pycaudit::known::Known;
use pycaudit::limits::Limits;
use pycaudit::name;
use pycaudit::report::record::Item;
use pycaudit::report::record::RunRecord;
use pycaudit::report::record::SummaryRecord;
use pycaudit::rules::Severity;
use pycaudit::rules::select;
use pycaudit::scan;
use pycaudit::scan::Config;
use pycaudit::scan::Progress;
use pycaudit::suppression::PathIgnores;
use pycaudit::suppression::Suppressions;

use crate::args::Format;
use crate::args::ScanArgs;
use crate::args::Verify;
use crate::args::path_of_bytes;
use crate::config;
use crate::config::Found;
use crate::exit::Exit;
use crate::progress::Bar;
use crate::reports::Reports;
use crate::reports::severity;

/// Runs the command.
pub(crate) fn run(mut args: ScanArgs) -> anyhow::Result<Exit> {
    let found = Found::of(&args)?;
    let ignores = found.as_ref().map(|found| found.apply(&mut args)).transpose()?.flatten();
    let args = &args;
    let config = config(args, ignores)?;
    let run = describe(args, &config, found.as_ref());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // A second Ctrl-C finds the flag set and ends the process at once.
    ctrlc::set_handler(move || {
        if stopped.swap(true, Ordering::Relaxed) {
            std::process::abort();
        }
    })
    .context("cannot handle Ctrl-C")?;
    let mut reports = Reports::open(&args.reports, RunRecord::of(&run))?;
    let progress = Arc::new(Progress::default());
    let bar = Bar::start(&progress, !args.no_progress && !args.reports.quiet);
    let fail_on = args.fail_on.map_or(Severity::Medium, severity);
    let mut failed = false;
    let mut sink = |entry: Entry| -> io::Result<()> {
        failed |= entry.findings().iter().any(|finding| finding.severity >= fail_on);
        reports.item(Item::of(&entry))
    };
    let summary = scan::scan(&config, &progress, &stop, &mut sink);
    drop(bar);
    let mut summary = summary.context("cannot write a report")?;
    if summary.interrupted {
        // The reports' temporary files are removed when they are dropped.
        return Ok(Exit::Interrupted);
    }
    summary.ended = now();
    reports.finish(&SummaryRecord::of(&summary))?;
    Ok(exit(args, &summary, failed))
}

fn exit(args: &ScanArgs, summary: &Summary, failed: bool) -> Exit {
    if args.exit_zero {
        Exit::Clean
    } else if summary.problems > 0 {
        Exit::Incomplete
    } else if failed {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

fn config(args: &ScanArgs, ignores: Option<PathIgnores>) -> anyhow::Result<Config> {
    let mut paths = args.paths.clone();
    if let Some(list) = &args.files_from {
        paths.extend(files_from(list, args.null)?);
    }
    anyhow::ensure!(!paths.is_empty(), "no paths to scan");
    for path in paths.iter().chain(&args.sources) {
        fs::metadata(path).with_context(|| format!("cannot scan `{}`", path.display()))?;
    }
    let exclude = Exclude::new(args.exclude.iter().map(String::as_str)).context("in --exclude")?;
    let defaults = Limits::default();
    let limits = Limits {
        depth: args.max_depth.unwrap_or(defaults.depth),
        member_size: args.max_member_size.unwrap_or(defaults.member_size),
        total_size: args.max_total_size.unwrap_or(defaults.total_size),
        ratio: args.max_ratio.unwrap_or(defaults.ratio),
        ..defaults
    };
    let rules = select(&args.select, &args.ignore)
        .map_err(|unknown| anyhow::anyhow!("no rule is called `{unknown}`; `pycaudit explain` lists them"))?;
    let verify = match args.verify.unwrap_or(Verify::Code) {
        Verify::None => scan::Verify::None,
        Verify::Header => scan::Verify::Header,
        Verify::Code => scan::Verify::Code,
        Verify::Exact => scan::Verify::Exact,
    };
    let interpreters = interpreters(args, &paths, &limits)?;
    let baselines = args.baseline.iter().map(|path| config::baseline(path)).collect::<anyhow::Result<_>>()?;
    Ok(Config {
        sources: args.sources.clone(),
        exclude,
        verify,
        interpreters: Arc::new(interpreters),
        limits,
        rules,
        strict: args.strict,
        fingerprints: fingerprints(args),
        reveal_secrets: args.reveal_secrets,
        known: Known { good: digests(&args.known_good)?, bad: digests(&args.known_bad)? },
        suppressions: Arc::new(Suppressions::new(baselines, ignores)),
        jobs: args.jobs.map(usize::from),
        ..Config::new(paths, now())
    })
}

/// The interpreters that `--verify exact` asks: those that were named, which have to answer, or those that are found.
fn interpreters(args: &ScanArgs, scanned: &[PathBuf], limits: &Limits) -> anyhow::Result<Interpreters> {
    if args.verify != Some(Verify::Exact) {
        return Ok(Interpreters::default());
    }
    if args.python.is_empty() {
        return Ok(Interpreters::found(scanned, limits));
    }
    Interpreters::named(&args.python, limits)
        .map_err(|(path, why)| anyhow::anyhow!("`{}` is no interpreter that answers: {why}", path.display()))
}

/// Reads lists of digests.
fn digests(lists: &[PathBuf]) -> anyhow::Result<Digests> {
    let mut digests = Digests::default();
    for list in lists {
        let bytes = fs::read(list).with_context(|| format!("cannot read `{}`", list.display()))?;
        digests.add(&bytes).map_err(|line| {
            anyhow::anyhow!("line {line} of `{}` is no digest (SHA-256, or v1: and 64 digits)", list.display())
        })?;
    }
    Ok(digests)
}

/// The digests that the reports show.
fn fingerprints(args: &ScanArgs) -> scan::Fingerprints {
    let reports = &args.reports;
    let has_baseline = !args.baseline.is_empty() || !reports.write_baseline.is_empty();
    if reports.format == Format::Jsonl || !reports.jsonl.is_empty() || has_baseline {
        scan::Fingerprints::All
    } else if reports.csv.is_empty() && reports.html.is_empty() {
        scan::Fingerprints::Files
    } else {
        scan::Fingerprints::Code
    }
}

/// Reads paths from a file or stdin, one per line or NUL-separated. Empty ones are passed over.
fn files_from(list: &Path, null: bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut bytes = Vec::new();
    let read = if list == Path::new("-") {
        io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        fs::read(list).map(|read| bytes = read)
    };
    read.with_context(|| format!("cannot read the paths from `{}`", list.display()))?;
    let separator = if null { 0 } else { b'\n' };
    let parts = bytes.split(|&byte| byte == separator);
    let parts = parts.map(|part| if null { part } else { part.strip_suffix(b"\r").unwrap_or(part) });
    Ok(parts.filter(|part| !part.is_empty()).map(path_of_bytes).collect())
}

/// The chain of custody: the words of the command line and what they were understood to mean.
fn describe(args: &ScanArgs, config: &Config, found: Option<&Found>) -> Run {
    let list = |words: &[String]| words.join(",");
    let paths = |paths: &[PathBuf]| paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(",");
    let limits = &config.limits;
    let verify = match config.verify {
        scan::Verify::None => "none",
        scan::Verify::Header => "header",
        scan::Verify::Code => "code",
        scan::Verify::Exact => "exact",
    };
    let interpreters = config.interpreters.all().iter();
    let interpreters = interpreters.map(|python| format!("{} ({})", shown(&python.path), python.version));
    let interpreters = interpreters.collect::<Vec<_>>().join(",");
    let rules = config.rules.iter().map(|rule| rule.id).collect::<Vec<_>>().join(" ");
    Run {
        version: env!("CARGO_PKG_VERSION"),
        arguments: std::env::args_os().map(|word| name::shown(word.as_encoded_bytes())).collect(),
        options: vec![
            ("exclude", list(&args.exclude)),
            ("sources", paths(&config.sources)),
            ("verify", verify.to_owned()),
            ("interpreters", interpreters),
            ("rules", rules),
            ("min-severity", args.reports.min_severity.map_or(Severity::Info, severity).code().to_owned()),
            ("fail-on", args.fail_on.map_or(Severity::Medium, severity).code().to_owned()),
            ("config", found.map(|found| found.described(&config.paths)).unwrap_or_default()),
            ("per-path-ignores", found.map(Found::ignores).unwrap_or_default()),
            ("baseline", paths(&args.baseline)),
            ("strict", config.strict.to_string()),
            ("reveal-secrets", config.reveal_secrets.to_string()),
            ("redact", args.reports.redact.to_string()),
            ("known-good", paths(&args.known_good)),
            ("known-bad", paths(&args.known_bad)),
            ("max-depth", limits.depth.to_string()),
            ("max-member-size", limits.member_size.to_string()),
            ("max-total-size", limits.total_size.to_string()),
            ("max-ratio", limits.ratio.to_string()),
        ],
        paths: config.paths.iter().map(|path| shown(path)).collect(),
        started: config.now,
    }
}

fn shown(path: &Path) -> String {
    name::shown(path.as_os_str().as_encoded_bytes())
}

/// Seconds since 1970; a clock before that reads as 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
