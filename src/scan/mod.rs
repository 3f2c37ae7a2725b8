//! The pipeline: paths in, entries out, in path order whatever the number of threads. The only use of rayon beside the walk.
//!
//! Names come first: the feed opens containers and hands out jobs in path order. A batch of jobs is worked on by all threads
//! while the entries of the batch before are written. What is in memory is bounded by the batch, not by the tree.

mod budget;
mod code;
mod desk;
mod evidence;
mod examine;
mod feed;
mod judge;
mod nested;
mod pair;
mod rows;
mod scope;
mod settle;
mod twin;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rayon::ThreadPool;
use rayon::ThreadPoolBuilder;

use crate::artifact::Locator;
use crate::artifact::Sha256Digest;
use crate::container::Container;
use crate::container::Exclude;
use crate::container::Kind;
use crate::entry::Entry;
use crate::entry::Summary;
use crate::fingerprint;
use crate::interpreter::Interpreters;
use crate::known::Known;
use crate::limits::Limits;
use crate::name::Name;
use crate::rules::Check;
use crate::rules::Finding;
use crate::rules::RULES;
use crate::rules::Rule;
use crate::scan::examine::Worker;
use crate::scan::feed::Feed;
use crate::scan::feed::Job;
use crate::scan::pair::Sources;
use crate::scan::scope::Scope;
use crate::scan::settle::Outcome;
use crate::scan::settle::Settler;
use crate::secret;
use crate::suppression::Suppressions;

/// Jobs of one batch. Large enough that threads seldom wait for the slowest of a batch, small enough that the entries of two
/// batches (about 2 KB each) stay below 10 MB.
const BATCH: usize = 2048;

/// What to scan, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directories, archives and pycs.
    pub paths: Vec<PathBuf>,
    /// More places to look for sources.
    pub sources: Vec<PathBuf>,
    /// What to leave out.
    pub exclude: Exclude,
    /// How far to compare with the source.
    pub verify: Verify,
    /// The interpreters that compile sources, for [`Verify::Exact`].
    pub interpreters: Arc<Interpreters>,
    /// The caps on untrusted input.
    pub limits: Limits,
    /// The rules that run.
    pub rules: Vec<&'static Rule>,
    /// Scan only the member of these names, one per archive inside the other.
    pub member: Option<Vec<Name>>,
    /// Whether whatever could not be verified or read counts as a failure.
    pub strict: bool,
    /// Which digests are computed.
    pub fingerprints: Fingerprints,
    /// Whether entries keep the bytes of their files: for commands that look into a few.
    pub keep_contents: bool,
    /// What takes the bytes of every pyc, if anything does.
    pub carver: Option<Carver>,
    /// Whether findings show the secrets that they are about.
    pub reveal_secrets: bool,
    /// Digests of what is known to be good or bad.
    pub known: Known,
    /// Findings that are known and accepted.
    pub suppressions: Arc<Suppressions>,
    /// Threads; `None` for the default of four per core and at least 16.
    pub jobs: Option<usize>,
    /// When the run began, seconds since 1970.
    pub now: i64,
}

impl Config {
    /// A scan without options: all rules, the code compared, every digest.
    pub fn new(paths: Vec<PathBuf>, now: i64) -> Self {
        Self {
            paths,
            sources: Vec::new(),
            exclude: Exclude::default(),
            verify: Verify::Code,
            interpreters: Arc::default(),
            limits: Limits::default(),
            rules: RULES.to_vec(),
            member: None,
            strict: false,
            fingerprints: Fingerprints::All,
            keep_contents: false,
            carver: None,
            reveal_secrets: false,
            known: Known::default(),
            suppressions: Arc::default(),
            jobs: None,
            now,
        }
    }
}

/// Takes the bytes of every pyc that was read whole, with its place and digest, on whatever thread read it and in no order; the
/// entries that come afterwards have the same digests in order.
#[derive(Clone)]
pub struct Carver(Arc<Take>);

/// What a carver does with bytes.
type Take = dyn Fn(&Locator, Sha256Digest, &[u8]) + Send + Sync;

impl Carver {
    /// A carver that does this.
    pub fn new(take: impl Fn(&Locator, Sha256Digest, &[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for Carver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a carver")
    }
}

/// Which digests are computed: those that some report shows, since hashing is a large part of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fingerprints {
    /// SHA-256 of files.
    Files,
    /// And code digests.
    Code,
    /// And SHA-256 of the marshalled code.
    All,
}

/// How far to compare with the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// The source is looked for, and nothing is compared.
    None,
    /// What the header records is compared with the source.
    Header,
    /// And the code.
    Code,
    /// And the code with what interpreters compile from the source.
    Exact,
}

/// How far a scan has come, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    found: AtomicU64,
    done: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Files and members found so far.
    pub fn found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    /// Files and members done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Bytes read.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn find(&self, files: u64) {
        self.found.fetch_add(files, Ordering::Relaxed);
    }

    fn finish(&self, files: u64, bytes: u64) {
        self.done.fetch_add(files, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The rules that run, by what they look at.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) pyc: Vec<&'static Rule>,
    pub(crate) member: Vec<&'static Rule>,
    pub(crate) artifact: Vec<&'static Rule>,
    pub(crate) problem: Vec<&'static Rule>,
    pub(crate) variants: Vec<&'static Rule>,
}

impl Checks {
    fn new(rules: &[&'static Rule]) -> Self {
        let mut checks = Self::default();
        for rule in rules {
            match rule.check {
                Check::Pyc(_) => checks.pyc.push(rule),
                Check::PycAndArtifact(..) => {
                    checks.pyc.push(rule);
                    checks.artifact.push(rule);
                }
                Check::Member(_) => checks.member.push(rule),
                Check::Artifact(_) => checks.artifact.push(rule),
                Check::MemberAndArtifact(..) => {
                    checks.member.push(rule);
                    checks.artifact.push(rule);
                }
                Check::Problem(_) => checks.problem.push(rule),
                Check::Variants(_) => checks.variants.push(rule),
            }
        }
        checks
    }
}

/// Scans, and hands every entry to `sink` in path order.
///
/// Stops early, with [`Summary::interrupted`] set, once `stop` is true. Fails only when `sink` does or no threads can be had.
pub fn scan(
    config: &Config,
    progress: &Progress,
    stop: &AtomicBool,
    sink: &mut (dyn FnMut(Entry) -> io::Result<()> + Send),
) -> io::Result<Summary> {
    let pool = pool(threads(config.jobs))?;
    let checks = Checks::new(&config.rules);
    let mut summary = pool.install(|| -> io::Result<Summary> {
        let trees: Vec<Arc<Scope>> =
            config.paths.iter().map(|path| feed::open_path(path, &config.exclude, &config.limits)).collect();
        let named = config.sources.iter().map(|path| feed::open_source(path, &config.limits)).collect();
        let sources = Sources::new(named, trees.clone());
        let worker = Worker::new(config, &checks, &sources, progress);
        let mut settler = Settler::new(&worker);
        let mut feed = Feed::new(&worker, trees);
        let mut batch = feed.batch(BATCH);
        let mut done: Vec<Outcome> = Vec::new();
        while !batch.is_empty() || !done.is_empty() {
            // While one batch is worked on, the entries of the last are written and the next is listed.
            let (outcomes, next) = rayon::join(
                || worker.work_on_all(batch).collect(),
                || -> io::Result<Vec<Job>> {
                    done.drain(..).try_for_each(|outcome| settler.settle(outcome, sink))?;
                    Ok(if stop.load(Ordering::Relaxed) { Vec::new() } else { feed.batch(BATCH) })
                },
            );
            batch = next?;
            done = outcomes;
        }
        Ok(settler.finish())
    })?;
    summary.interrupted = stop.load(Ordering::Relaxed);
    summary.suppressions = config.suppressions.uses(&config.rules);
    Ok(summary)
}

/// Readers outnumber cores: on cold storage 16 are 2.4 times faster than two, and warm they cost 3 to 6 %.
fn threads(jobs: Option<usize>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    jobs.unwrap_or_else(|| cores.saturating_mul(4).max(16))
}

/// So many threads.
fn pool(threads: usize) -> io::Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("scan-{index}"))
        // A source of a later version of pycaudit may be deep; 8 MiB is what the main thread has.
        .stack_size(8 << 20)
        .build()
        .map_err(io::Error::other)
}

/// Puts the findings of an entry into the order of reports, the worst first, and gives each its fingerprint.
fn finish_findings(findings: &mut [Finding], scope: &Scope) {
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.id.cmp(b.rule.id)));
    let mut seen: HashMap<(&'static str, Vec<Vec<u8>>), u32> = HashMap::new();
    for finding in findings {
        // Two places may be one but for the versions in their names.
        let place = scope.path_below(&finding.locator);
        let owned: Vec<Vec<u8>> = place.iter().map(|part| part.to_vec()).collect();
        let ordinal = seen.entry((finding.rule.id, owned)).or_default();
        finding.fingerprint = fingerprint::of(finding.rule.id, &place, *ordinal);
        *ordinal += 1;
    }
}

/// Masks the secrets in findings, whatever names they stand in: what a rule shows on purpose is masked already.
fn mask_secrets(findings: &mut [Finding]) {
    for finding in findings {
        for text in [&mut finding.message, &mut finding.expected, &mut finding.observed] {
            if let Some(masked) = secret::masked(text.as_bytes()) {
                *text = String::from_utf8_lossy(&masked).into_owned();
            }
        }
    }
}

/// Scans one container that is at hand: what tests of rules use. Everything runs on the calling thread.
#[doc(hidden)]
pub fn scan_container(config: &Config, container: Box<dyn Container>, locator: Locator) -> Vec<Entry> {
    let checks = Checks::new(&config.rules);
    let progress = Progress::default();
    let scope = if container.kind() == Kind::Directory {
        Scope::tree(container, locator.artifact.to_path_buf(), None).with_startup()
    } else {
        Scope::archive(container, locator, 0).with_record(&config.limits).with_startup()
    };
    let scope = Arc::new(scope);
    let sources = Sources::new(Vec::new(), vec![Arc::clone(&scope)]);
    let worker = Worker::new(config, &checks, &sources, &progress);
    let mut seat = worker.desks.free();
    let mut entries = Vec::new();
    let mut settler = Settler::new(&worker);
    let mut feed = Feed::new(&worker, Vec::new());
    feed.push(scope);
    loop {
        let batch = feed.batch(BATCH);
        if batch.is_empty() {
            return entries;
        }
        for job in batch {
            let outcome = worker.work(job, &mut seat.desk);
            // Pushing to a list cannot fail.
            let _ = settler.settle(outcome, &mut |entry| {
                entries.push(entry);
                Ok(())
            });
        }
    }
}
