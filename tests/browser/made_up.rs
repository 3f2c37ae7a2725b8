//! Writes made-up reports for the browser tests: an ordinary one, a hostile one, a clean one, an empty one, and one of 100,000 rows.
//!
//! `cargo run --release --example made_up -- FOLDER [ROWS]`
//!
//! `cargo run --release --example made_up -- measure` says what each report takes at 1,000, 10,000 and 100,000 rows: each in a process
//! of its own, since the peak of memory is that of a process.
#![expect(clippy::unwrap_used, reason = "a program for developers may stop where it fails")]
#![expect(clippy::print_stdout, reason = "its figures are what it is run for")]

use std::env;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use pycaudit::artifact::Locator;
use pycaudit::artifact::Sha256Digest;
use pycaudit::artifact::Times;
use pycaudit::container::Kind;
use pycaudit::entry::ArtifactEntry;
use pycaudit::entry::Entry;
use pycaudit::entry::PycEntry;
use pycaudit::entry::Run;
use pycaudit::entry::Summary;
use pycaudit::ledger::Fate;
use pycaudit::ledger::Ledger;
use pycaudit::limits::Limits;
use pycaudit::load::Load;
use pycaudit::load::LoadVerdict;
use pycaudit::name::Name;
use pycaudit::name::shown;
use pycaudit::place::Place;
use pycaudit::problem::Problem;
use pycaudit::problem::ProblemKind;
use pycaudit::pyc;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::Version;
use pycaudit::report;
use pycaudit::report::Reporter;
use pycaudit::report::record::Item;
use pycaudit::report::record::RunRecord;
use pycaudit::report::record::SummaryRecord;
use pycaudit::report::redact::Redaction;
use pycaudit::report::text::Detail;
use pycaudit::report::text::Style;
use pycaudit::rules::Check;
use pycaudit::rules::Finding;
use pycaudit::rules::Findings;
use pycaudit::rules::Rule;
use pycaudit::rules::Severity;
use pycaudit::source::Found;
use pycaudit::source::HeaderCheck;
use pycaudit::source::HeaderMatch;
use pycaudit::source::Source;
use pycaudit::source::SourceFile;
use pycaudit::verify::check::CodeCheck;
use pycaudit::verify::check::Reason;

/// A rule that only these reports know.
macro_rules! made_up_rule {
    ($name:ident, $id:literal, $slug:literal, $severity:ident, $summary:literal, [$($doc:literal),+]) => {
        static $name: Rule = Rule {
            id: $id,
            name: $slug,
            summary: $summary,
            severity: Severity::$severity,
            docs: &[$($doc),+],
            check: Check::Pyc(|_, _| {}),
        };
    };
}

made_up_rule!(
    FORGED,
    "PYC205",
    "forged-freshness",
    Critical,
    "header fits the source, code does not",
    [
        " ## What it reports",
        " A pyc whose header agrees with its source in time and size, while its code was compiled from another text.",
        "",
        " ## Why it matters",
        " Python runs the bytecode and never looks at the source that a reviewer reads.",
        "",
        " ## Innocent causes",
        " - an edit of equal length within the same second",
        " - a build that sets all times to one value, such as `SOURCE_DATE_EPOCH`"
    ]
);
made_up_rule!(
    UNCHECKED,
    "PYC109",
    "unchecked-hash",
    Medium,
    "an interpreter runs it without looking at the source",
    [
        " ## What it reports",
        " A pyc of PEP 552 with `flags == 1`: it carries a hash of its source that **nobody checks**.",
        "",
        " ## Why it matters",
        " A changed source has no effect, and a changed pyc is not noticed.",
        "",
        " ## Innocent causes",
        " Builds that want reproducible caches, for instance `compileall --invalidation-mode unchecked-hash`."
    ]
);
made_up_rule!(
    MTIME,
    "PYC203",
    "source-mtime-mismatch",
    Low,
    "recorded time differs from the source's",
    [
        " ## What it reports",
        " A timestamp pyc whose recorded time is not that of its source.",
        "",
        " ## Innocent causes",
        " A tree that was copied without its times."
    ]
);
made_up_rule!(
    ORPHAN,
    "PYC301",
    "pycache-orphan",
    Low,
    "a cached pyc without a source",
    [" ## What it reports", " A file in `__pycache__` whose source is gone."]
);
made_up_rule!(
    TRAILING,
    "PYC403",
    "trailing-data",
    High,
    "bytes after the code",
    [" ## What it reports", " Bytes after the root object. Python ignores them; whoever put them there did not."]
);
made_up_rule!(
    SHIPPED,
    "PYC316",
    "bytecode-shipped",
    Info,
    "a distribution that holds bytecode",
    [" ## What it reports", " Any pyc in a wheel, an sdist or a repository."]
);
made_up_rule!(
    RECORD,
    "PYC802",
    "record-unlisted",
    High,
    "a member that RECORD does not list",
    [" ## What it reports", " A member of a wheel that its `RECORD` does not list."]
);

/// A sequence that is the same on every run.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// When the made-up runs begin.
const NOW: i64 = 1_790_000_000;

fn main() {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "target/browser".to_owned()));
    if folder == Path::new("measure") {
        return measure();
    }
    if folder == Path::new("one") {
        let kind = arguments.next().unwrap();
        return one(&kind, arguments.next().unwrap().parse().unwrap());
    }
    let rows = arguments.next().map_or(100_000, |rows| rows.parse().unwrap());
    fs::create_dir_all(&folder).unwrap();
    for (name, paths, entries) in [
        ("ordinary", &["dist/"][..], ordinary(400)),
        ("hostile", &["<script>alert('path')</script>", "{{ 7*7 }}"], hostile()),
        ("clean", &["src"], clean()),
        ("empty", &["docs"], Vec::new()),
        ("large", &["site-packages"], ordinary(rows)),
    ] {
        write(&folder.join(name), "html", paths, &entries);
        write(&folder.join(name), "sarif", paths, &entries);
    }
}

/// The run of made-up reports.
fn run(paths: &[&str]) -> RunRecord {
    RunRecord::of(&Run {
        version: env!("CARGO_PKG_VERSION"),
        arguments: ["pycaudit", "scan"]
            .iter()
            .chain(paths)
            .chain(&["--html", "report.html"])
            .map(|&word| shown(word.as_bytes()))
            .collect(),
        options: vec![("verify", "header".to_owned()), ("fail-on", "medium".to_owned()), ("max-depth", "4".to_owned())],
        paths: paths.iter().map(|path| shown(path.as_bytes())).collect(),
        started: NOW,
    })
}

/// Starts a report by its name.
fn start(kind: &str, run: &RunRecord, out: Box<dyn Write + Send>) -> Box<dyn Reporter> {
    let style = Style { color: false, detail: Detail::Normal };
    match kind {
        "csv" => report::csv::start(out),
        "findings-csv" => report::csv::start_findings(out),
        "jsonl" => report::jsonl::start(run, out),
        "html" => report::html::start(run, out),
        "sarif" => report::sarif::start(run, out),
        "github" => Ok(report::github::start(out)),
        "text" => Ok(report::text::start(run, out, style)),
        other => panic!("no report is called {other}"),
    }
    .unwrap()
}

/// Writes a report and says how long that took.
fn write(path: &Path, kind: &str, paths: &[&str], entries: &[Entry]) {
    let path = path.with_extension(kind);
    let began = Instant::now();
    let mut report = start(kind, &run(paths), Box::new(BufWriter::new(File::create(&path).unwrap())));
    for entry in entries {
        report.item(&Item::of(entry)).unwrap();
    }
    report.finish(&SummaryRecord::of(&summary(entries))).unwrap();
    let bytes = fs::metadata(&path).unwrap().len();
    println!("{}: {} entries, {bytes} bytes, {:?}", path.display(), entries.len(), began.elapsed());
}

/// What each report takes, one process after the other.
fn measure() {
    println!("{:>8} {:<14} {:>9} {:>12} {:>9}", "rows", "report", "ms", "bytes", "peak MB");
    for rows in [1_000, 10_000, 100_000] {
        for kind in ["none", "csv", "findings-csv", "jsonl", "html", "sarif", "text", "github", "html --redact"] {
            let me = env::current_exe().unwrap();
            let output = Command::new(me).args(["one", kind, &rows.to_string()]).output().unwrap();
            print!("{rows:>8} {kind:<14} {}", String::from_utf8(output.stdout).unwrap());
        }
    }
}

/// One report to nowhere. Entries are made one wheel at a time, so that memory is the report's.
fn one(kind: &str, rows: u64) {
    let written = Arc::new(AtomicU64::new(0));
    let out = Box::new(Counter(Arc::clone(&written)));
    let (name, redact) = kind.split_once(" --").map_or((kind, false), |(name, _)| (name, true));
    let run = run(&["site-packages"]);
    let mut report = (name != "none").then(|| start(name, &run, out));
    let mut redaction = redact.then(Redaction::default);
    let mut total = SummaryRecord::default();
    let mut time = Duration::ZERO;
    let mut sequence = Sequence(7);
    for number in 0..rows.div_ceil(50) {
        let entries = wheel(number, rows, &mut sequence);
        total.add(&SummaryRecord::of(&summary(&entries)));
        let began = Instant::now();
        for entry in &entries {
            match (&mut redaction, &mut report) {
                (Some(redaction), _) => redaction.item(&Item::of(entry)).unwrap(),
                (None, Some(report)) => report.item(&Item::of(entry)).unwrap(),
                (None, None) => {}
            }
        }
        time += began.elapsed();
    }
    let began = Instant::now();
    if let (Some(redaction), Some(report)) = (redaction, &mut report) {
        let mut masks = redaction.masks();
        redaction
            .replay(&mut |mut item| {
                masks.item(&mut item);
                report.item(&item)
            })
            .unwrap();
    }
    if let Some(report) = report {
        report.finish(&total).unwrap();
    }
    time += began.elapsed();
    // The peak of resident memory, as Linux counts it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let bytes = written.load(Ordering::Relaxed);
    println!(
        "{:>9} {bytes:>12} {:>9}",
        time.as_millis(),
        peak.map_or_else(String::new, |peak| (peak / 1024).to_string())
    );
}

/// Counts what is written and keeps nothing.
struct Counter(Arc<AtomicU64>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn summary(entries: &[Entry]) -> Summary {
    let mut summary = Summary { ended: NOW + 7, ..Summary::default() };
    for entry in entries {
        for finding in entry.findings() {
            *summary.severities.entry(finding.severity).or_default() += 1;
            *summary.rules.entry(finding.rule.id).or_default() += 1;
        }
        match entry {
            Entry::Pyc(entry) => {
                summary.pycs += 1;
                summary.pyc_bytes += entry.size;
                summary.problems += u64::try_from(entry.problems.len()).unwrap();
                summary.ledger.saw(Fate::Bytecode);
                let python = entry.pyc.version.map_or_else(|| "unknown".to_owned(), Version::python);
                *summary.pythons.entry(python).or_default() += 1;
                *summary.loads.entry(entry.load.verdict).or_default() += 1;
                *summary.header_matches.entry(entry.header_check.outcome).or_default() += 1;
            }
            Entry::Artifact(entry) => {
                summary.archives += u64::from(entry.kind.is_some_and(|kind| kind != Kind::Directory));
                summary.problems += u64::try_from(entry.problems.len()).unwrap();
                summary.ledger.saw(Fate::Archive);
                summary.ledger.saw_many(Fate::Other, 17);
            }
        }
    }
    summary.listed = summary.ledger.seen();
    summary
}

/// Wheels of some fifty pycs each, with findings as real scans have them.
fn ordinary(rows: u64) -> Vec<Entry> {
    let mut sequence = Sequence(7);
    (0..rows.div_ceil(50)).flat_map(|number| wheel(number, rows, &mut sequence)).collect()
}

/// One of them, of so many rows in all.
fn wheel(wheel: u64, rows: u64, sequence: &mut Sequence) -> Vec<Entry> {
    let mut entries = Vec::new();
    let folders = ["core", "io", "plugins/remote", "utils", "vendor/six", "models/_internal"];
    let stems = ["base", "loader", "registry", "schema", "client", "compat", "parse_rfc"];
    let artifact = Locator::file(format!("dist/package_{wheel:05}-1.{}.0-py3-none-any.whl", wheel % 9));
    let cpython =
        ["312", "312", "312", "311", "311", "313", "310", "38", "27"][usize::try_from(sequence.below(9)).unwrap()];
    for _ in 0..50.min(rows - wheel * 50) {
        let folder = folders[usize::try_from(sequence.below(6)).unwrap()];
        let stem = stems[usize::try_from(sequence.below(7)).unwrap()];
        let number = sequence.below(1000);
        let name = format!("package_{wheel:05}/{folder}/__pycache__/{stem}_{number}.cpython-{cpython}.pyc");
        entries.push(Entry::Pyc(Box::new(made_up(&artifact, name.as_bytes(), sequence))));
    }
    let mut ledger = Ledger::default();
    ledger.saw_many(Fate::Bytecode, 50);
    ledger.saw_many(Fate::Other, 17);
    let mut findings = vec![finding(&SHIPPED, &artifact, "a wheel that holds 50 bytecode files")];
    if sequence.below(40) == 0 {
        let member = artifact.member(Name::new("package/hidden.pyc"));
        let mut unlisted = finding(&RECORD, &member, "`package/hidden.pyc` is in the wheel and not in its RECORD");
        unlisted.compared("a line in RECORD", "none");
        findings.insert(0, unlisted);
    }
    let problems = match sequence.below(100) {
        0 => vec![(Some(artifact.member(Name::new("locked.zip"))), Problem::at(ProblemKind::Encrypted, 4096))],
        _ => Vec::new(),
    };
    entries.push(Entry::Artifact(Box::new(ArtifactEntry {
        kind: Some(Kind::Wheel),
        sha256: Some(Sha256Digest::of(&wheel.to_le_bytes())),
        size: Some(40_000 + sequence.below(9_000_000)),
        pycs: 50,
        listed: ledger.seen(),
        ledger,
        findings,
        suppressed: Vec::new(),
        problems,
        locator: artifact,
    })));
    entries
}

/// A check that came to this, without its particulars.
fn header_check(outcome: HeaderMatch) -> HeaderCheck {
    HeaderCheck {
        outcome,
        mtime: None,
        mtime_agrees: None,
        size: None,
        hash: None,
        newline: None,
        other_rounds: false,
        hash_of: None,
    }
}

/// One pyc with a header, a verdict and now and then a finding.
fn made_up(artifact: &Locator, name: &[u8], sequence: &mut Sequence) -> PycEntry {
    let locator = artifact.member(Name::new(name));
    let mtime = u32::try_from(1_500_000_000 + sequence.below(280_000_000)).unwrap();
    let mtime = if sequence.below(50) == 0 { 315_532_800 } else { mtime };
    let size = u32::try_from(200 + sequence.below(40_000)).unwrap();
    let flags: u32 = u32::from(sequence.below(30) == 0);
    let magic: [u8; 4] = match () {
        () if name.ends_with(b"312.pyc") => [0xcb, 0x0d, 0x0d, 0x0a],
        () if name.ends_with(b"311.pyc") => [0xa7, 0x0d, 0x0d, 0x0a],
        () if name.ends_with(b"313.pyc") => [0xf3, 0x0d, 0x0d, 0x0a],
        () if name.ends_with(b"310.pyc") => [0x6f, 0x0d, 0x0d, 0x0a],
        () if name.ends_with(b"38.pyc") => [0x55, 0x0d, 0x0d, 0x0a],
        () => [0x03, 0xf3, 0x0d, 0x0a],
    };
    // Python 2.7 has no flags and no size.
    let flags = if magic[0] == 0x03 { 0 } else { flags };
    let words: &[u32] = if magic[0] == 0x03 { &[mtime] } else { &[flags, mtime, size] };
    let head: Vec<u8> = magic.into_iter().chain(words.iter().flat_map(|word| word.to_le_bytes())).collect();
    let pyc = pyc::parse(&head, &Limits::default(), &mut Scratch::default()).value;
    let place = Place::of(name);
    let (verdict, outcome, reason) = match sequence.below(20) {
        _ if flags == 1 => (
            LoadVerdict::Runs,
            HeaderMatch::HashMismatch,
            "unchecked hash: Python runs it without looking at its source",
        ),
        0 => (LoadVerdict::Dead, HeaderMatch::NoSource, "a cached file without a source is never looked at"),
        1..=3 => (
            LoadVerdict::Stale,
            HeaderMatch::MtimeMismatch,
            "it would be found out of date, and its source compiled again",
        ),
        4 => (LoadVerdict::RunsOptimised, HeaderMatch::Fresh, "only Python -O looks for this name"),
        _ => (LoadVerdict::Runs, HeaderMatch::Fresh, "its recorded time and size are those of its source"),
    };
    let mut findings = Vec::new();
    if outcome == HeaderMatch::MtimeMismatch {
        let mut found = finding(&MTIME, &locator, "the recorded time is not that of the source");
        found.at(8).compared("2026-03-01T09:30:00Z", "2025-11-21T17:02:44Z");
        findings.push(found);
    }
    if outcome == HeaderMatch::NoSource {
        findings.push(finding(&ORPHAN, &locator, "there is no source for it"));
    }
    if flags == 1 {
        let mut found = finding(&UNCHECKED, &locator, "its hash is never checked");
        found.at(4).compared("flags 0 or 3", "flags 1");
        findings.push(found);
    }
    match sequence.below(2000) {
        0 => {
            let mut found = finding(&FORGED, &locator, "time and size are those of the source, the code is not");
            found.compared(
                "def check(token): 4 calls",
                "def check(token): 5 calls, one of them to `socket.create_connection`",
            );
            findings.insert(0, found);
        }
        1..=4 => {
            let mut found = finding(&TRAILING, &locator, "2,304 bytes follow the code");
            found.at(u64::from(size)).compared("end of file", "50 4b 03 04 14 00 00 00 …");
            findings.insert(0, found);
        }
        _ => {}
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let source = Locator { artifact: artifact.artifact.clone(), inner: vec![Name::new("package/base.py")] };
    PycEntry {
        is_headless: false,
        sha256: Some(Sha256Digest::of(name)),
        size: u64::from(size) * 2,
        payload_sha256: None,
        code_digest: None,
        contents: None,
        source_contents: None,
        head,
        pyc,
        module: place.stem.to_string(),
        place,
        times: Times { unix: Some(i64::from(mtime) + 40), ..Times::default() },
        source: if outcome == HeaderMatch::NoSource {
            Source::Absent
        } else {
            Source::Present(SourceFile {
                locator: source,
                found: Found::Beside,
                size: size.into(),
                times: Times::default(),
            })
        },
        code_check: CodeCheck::Unverified(Reason::NotAsked),
        passages: Vec::new(),
        exact: None,
        header_check: header_check(outcome),
        load: Load { verdict, reason: reason.to_owned() },
        findings,
        suppressed: Vec::new(),
        problems: Vec::new(),
        locator,
    }
}

/// Names made to be run, to end an element, to be filled in by a template, to reorder a line.
fn hostile() -> Vec<Entry> {
    let names: [&[u8]; 9] = [
        b"<script>alert(1)</script>.pyc",
        b"\"><img src=x onerror=alert(2)>.pyc",
        b"</script><script>alert(3)</script>.pyc",
        b"{{ 7*7 }}{% raw %}.pyc",
        "a\u{202e}cyp.exe.\u{2066}pyc".as_bytes(),
        b"-->\xff\xfe<!--.pyc",
        b"=HYPERLINK(\"http://127.0.0.1:9/\").pyc",
        b"javascript:alert(4)//.pyc",
        b"line\nfeed\r\x1b[31m.pyc",
    ];
    let artifact = Locator::file("evil <b>&amp;</b> \"x\".whl");
    let mut sequence = Sequence(3);
    let mut entries = Vec::new();
    for name in names {
        let long = [name.to_vec(), b"a/".repeat(400), b"end.pyc".to_vec()].concat();
        for name in [name, &long] {
            let mut entry = made_up(&artifact, name, &mut sequence);
            let text = shown(name);
            // Names between backticks are code, which would not break by itself.
            let mut found = finding(&FORGED, &entry.locator, &format!("`{text}` would run"));
            found.compared(text.clone(), format!("{text}\n{text}"));
            entry.findings = vec![found, finding(&TRAILING, &Locator::file("elsewhere<svg onload=alert(5)>"), &text)];
            entry.load.reason.clone_from(&text);
            entry.module.clone_from(&text);
            entry.source = Source::Ambiguous(vec![entry.locator.clone(), artifact.clone()]);
            entry.problems = vec![Problem::at(ProblemKind::BadUtf8, u64::MAX).with_detail(text)];
            entries.push(Entry::Pyc(Box::new(entry)));
        }
    }
    entries.push(Entry::Artifact(Box::new(ArtifactEntry {
        locator: artifact.clone(),
        kind: None,
        sha256: None,
        size: None,
        pycs: 18,
        listed: 0,
        ledger: Ledger::default(),
        findings: Vec::new(),
        suppressed: Vec::new(),
        problems: vec![(None, Problem::new(ProblemKind::ArchiveDamaged).with_detail("</script>"))],
    })));
    entries
}

/// A few files in which no rule sees anything.
fn clean() -> Vec<Entry> {
    let mut sequence = Sequence(1);
    let artifact = Locator::file("src/package.zip");
    let names = (0..12).map(|number| format!("package/__pycache__/m{number}.cpython-312.pyc"));
    let entries = names.map(|name| {
        let mut entry = made_up(&artifact, name.as_bytes(), &mut sequence);
        entry.findings.clear();
        Entry::Pyc(Box::new(entry))
    });
    entries.collect()
}

fn finding(rule: &'static Rule, locator: &Locator, message: &str) -> Finding {
    let mut list = Vec::new();
    Findings::new(rule, locator, &mut list).add(message);
    let mut finding: Finding = list.remove(0);
    let digest = Sha256Digest::of(format!("{} {locator}", rule.id).as_bytes()).to_string();
    finding.fingerprint = format!("v1:{}", &digest[..16]);
    finding
}
