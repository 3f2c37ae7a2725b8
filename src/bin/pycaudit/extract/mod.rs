//! `pycaudit extract`: carves pycs out of whatever a scan reads, for other tools, with a manifest of where each was.
//!
//! Whatever the names in an archive are, nothing is written outside the folder: see `names`. Links in the folder are not
//! followed, and nothing is overwritten unless that is asked for. The bytes are those that a scan reads, so that SHA-256 is the
//! same in its reports: a pyc from a frozen program has the header that its freezer had cut off, of its magic number and zeros.

mod folder;
mod names;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use pycaudit::artifact::Locator;
use pycaudit::artifact::Sha256Digest;
use pycaudit::container::Exclude;
use pycaudit::entry::Entry;
use pycaudit::entry::PycEntry;
use pycaudit::limits::Limits;
use pycaudit::name;
use pycaudit::scan;
use pycaudit::scan::Carver;
use pycaudit::scan::Config;
use pycaudit::scan::Fingerprints;
use pycaudit::scan::Progress;

use crate::args::ExtractArgs;
use crate::exit::Exit;
use crate::extract::folder::Folder;
use crate::extract::names::Names;
use crate::output::Stdout;
use crate::progress::Bar;

/// The table of what was extracted.
const MANIFEST: &str = "MANIFEST.csv";

/// The same as `sha256sum -c` reads it.
const SUMS: &str = "SHA256SUMS";

/// Where bytes wait until it is their turn to get a name.
const PARTS: &str = ".pycaudit-parts";

/// Problems that are shown; the manifest has those of every pyc.
const SHOWN: usize = 20;

/// Runs the command.
pub(crate) fn run(args: &ExtractArgs) -> anyhow::Result<Exit> {
    for path in &args.paths {
        fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    }
    let wanted = Arc::new(Exclude::new(args.only.iter().map(String::as_str)).context("in --only")?);
    let folder = Arc::new(Folder::open(&args.output, args.force)?);
    let parts = Arc::new(folder.parts(PARTS)?);
    let failure: Arc<Mutex<Option<io::Error>>> = Arc::default();
    let carver = {
        let (parts, wanted, failure) = (Arc::clone(&parts), Arc::clone(&wanted), Arc::clone(&failure));
        Carver::new(move |locator: &Locator, sha256: Sha256Digest, bytes: &[u8]| {
            if is_wanted(&wanted, locator)
                && let Err(error) = parts.put(&sha256.to_string(), bytes)
            {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        })
    };
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    ctrlc::set_handler(move || stopped.store(true, Ordering::Relaxed)).context("cannot handle Ctrl-C")?;
    let progress = Arc::new(Progress::default());
    let bar = Bar::start(&progress, !args.no_progress);
    let mut written = Written::start(&folder)?;
    let mut sink = |entry: Entry| -> io::Result<()> {
        if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        match entry {
            Entry::Pyc(entry) if is_wanted(&wanted, &entry.locator) => written.pyc(&folder, &parts, &entry),
            Entry::Pyc(_) => Ok(()),
            Entry::Artifact(entry) => {
                for (locator, problem) in &entry.problems {
                    written.trouble(locator.as_ref().unwrap_or(&entry.locator), problem);
                }
                Ok(())
            }
        }
    };
    let summary = scan::scan(&config(args, carver), &progress, &stop, &mut sink);
    drop(bar);
    let summary = summary.with_context(|| format!("cannot write below `{}`", args.output.display()))?;
    if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error).with_context(|| format!("cannot write below `{}`", args.output.display()));
    }
    if summary.interrupted {
        return Ok(Exit::Interrupted);
    }
    written.finish(args)
}

/// A scan that reads everything and judges nothing.
fn config(args: &ExtractArgs, carver: Carver) -> Config {
    let defaults = Limits::default();
    let limits = Limits {
        depth: args.max_depth.unwrap_or(defaults.depth),
        member_size: args.max_member_size.unwrap_or(defaults.member_size),
        ..defaults
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Config {
        verify: scan::Verify::None,
        limits,
        rules: Vec::new(),
        fingerprints: Fingerprints::Files,
        carver: Some(carver),
        reveal_secrets: true,
        ..Config::new(args.paths.clone(), i64::try_from(now).unwrap_or(i64::MAX))
    }
}

/// Whether a pattern names a pyc, or there is none.
fn is_wanted(patterns: &Exclude, locator: &Locator) -> bool {
    patterns.is_empty() || patterns.covers(locator.path())
}

/// What was written so far.
struct Written {
    names: Names,
    table: csv::Writer<Box<dyn io::Write + Send>>,
    sums: Box<dyn io::Write + Send>,
    files: u64,
    /// What could not be read: the first of it in words, and how much there is.
    troubles: BTreeSet<String>,
    trouble_count: u64,
}

impl Written {
    /// Begins the manifests.
    fn start(folder: &Folder) -> anyhow::Result<Self> {
        let open = |name: &str| -> anyhow::Result<Box<dyn io::Write + Send>> {
            let file = folder.create(&[name.to_owned()]).with_context(|| format!("cannot write `{name}`"))?;
            Ok(Box::new(io::BufWriter::new(file)))
        };
        let mut table = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .quote_style(csv::QuoteStyle::NonNumeric)
            .from_writer(open(MANIFEST)?);
        let header = ["path", "sha256", "size", "artifact", "member", "python", "header", "problems"];
        table.write_record(header).context("cannot write the manifest")?;
        let names = Names::new(&[MANIFEST, SUMS, PARTS]);
        let sums = open(SUMS)?;
        Ok(Self { names, table, sums, files: 0, troubles: BTreeSet::new(), trouble_count: 0 })
    }

    /// Writes a pyc under its name, when it could be read whole; a row in any case.
    fn pyc(&mut self, folder: &Folder, parts: &Folder, entry: &PycEntry) -> io::Result<()> {
        let mut path = String::new();
        if let Some(sha256) = entry.sha256 {
            let name = self.names.give(&entry.locator);
            folder.copy(parts, &sha256.to_string(), &name)?;
            path = name.join("/");
            writeln!(self.sums, "{sha256}  {path}")?;
            self.files += 1;
        }
        for problem in &entry.problems {
            self.trouble(&entry.locator, problem);
        }
        let problems = entry.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let header = match (entry.header_kind(), entry.is_headless) {
            (_, true) => "restored",
            (kind, false) => kind,
        };
        let sha256 = entry.sha256.map(|sha256| sha256.to_string()).unwrap_or_default();
        let (artifact, member) = (entry.locator.artifact_shown(), entry.locator.member_shown());
        let cells =
            [path, sha256, entry.size.to_string(), artifact, member, entry.python(), header.to_owned(), problems];
        self.table.write_record(cells.iter().map(|cell| guarded(cell))).map_err(io::Error::other)
    }

    /// Takes note of what could not be read.
    fn trouble(&mut self, locator: &Locator, problem: &pycaudit::problem::Problem) {
        self.trouble_count += 1;
        if self.troubles.len() < SHOWN {
            self.troubles.insert(format!("{locator}: {problem}"));
        }
    }

    /// Completes the manifests and says what was done.
    fn finish(mut self, args: &ExtractArgs) -> anyhow::Result<Exit> {
        self.table.flush().and_then(|()| self.sums.flush()).context("cannot write the manifest")?;
        let mut out = Stdout::new();
        let shown = name::shown_text(&args.output.display().to_string());
        for trouble in &self.troubles {
            writeln!(out, "not read: {trouble}")?;
        }
        let more = self.trouble_count - self.troubles.len() as u64;
        if more > 0 {
            writeln!(out, "... and {more} more such things")?;
        }
        let pycs = if self.files == 1 { "pyc" } else { "pycs" };
        writeln!(out, "{} {pycs} extracted to {shown}, listed in {MANIFEST} and {SUMS}", self.files)?;
        out.flush()?;
        Ok(if self.trouble_count > 0 { Exit::Incomplete } else { Exit::Clean })
    }
}

/// A cell that no spreadsheet takes for a formula, as those of the CSV report.
fn guarded(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) { format!("'{cell}") } else { cell.to_owned() }
}

/// Removes the folder of parts whatever happens.
#[derive(Debug)]
struct Cleared(PathBuf);

impl Drop for Cleared {
    fn drop(&mut self) {
        // What cannot be removed stays; it is in the folder that was given.
        let _ = fs::remove_dir_all(&self.0);
    }
}
