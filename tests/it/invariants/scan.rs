//! Any bytes as a file of a scanned tree, with every report.

use std::fs;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::time::SystemTime;

use pycaudit::container::format;
use pycaudit::entry::Entry;
use pycaudit::entry::PycEntry;
use pycaudit::entry::Run;
use pycaudit::entry::Summary;
use pycaudit::forge::Written;
use pycaudit::forge::case::NOW;
use pycaudit::limits::Limits;
use pycaudit::name;
use pycaudit::problem::Problem;
use pycaudit::problem::ProblemKind;
use pycaudit::pyc::Magic;
use pycaudit::pyc::lookup;
use pycaudit::report;
use pycaudit::report::Reporter;
use pycaudit::report::record::Item;
use pycaudit::report::record::RunRecord;
use pycaudit::report::record::SummaryRecord;
use pycaudit::report::text::Detail;
use pycaudit::report::text::Style;
use pycaudit::rules::Finding;
use pycaudit::scan;
use pycaudit::scan::Config;
use pycaudit::scan::Progress;

/// The files of a tree that are not the input, when it is no archive.
const SOURCE: &[u8] = b"x = 1\n";

/// Which reports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reports {
    /// All of them.
    All,
    /// All but the page, whose template costs more than a small scan.
    WithoutPage,
}

/// Scans bytes in a tree below this folder and panics when something does not hold; hands every pyc to a function.
pub(crate) fn hold(bytes: &[u8], folder: &Path, kinds: Reports, look: &mut (dyn FnMut(&PycEntry) + Send)) {
    static NOTHING: OnceLock<usize> = OnceLock::new();
    let tree = folder.join("tree");
    let empty = folder.join("empty");
    for folder in [&empty, &tree.join("pkg/__pycache__")] {
        fs::create_dir_all(folder).unwrap();
    }
    let files = files(bytes);
    for (name, bytes) in &files {
        write(&tree.join(name), bytes);
    }
    let scripts = *NOTHING.get_or_init(|| scripts(&scanned(&empty, 1, Reports::All, &mut |_| {}).1[HTML]));
    let (summary, reports) = scanned(&tree, 1, kinds, look);
    let (other, others) = scanned(&tree, 2, kinds, &mut |_| {});
    for (name, _) in &files {
        fs::remove_file(tree.join(name)).unwrap();
    }
    assert_eq!(summary.ledger, other.ledger);
    for (place, (one, other)) in reports.iter().zip(&others).enumerate() {
        assert!(one == other, "report {place} by one thread and by two:\n{one}\n{other}");
    }
    let scripts = if kinds == Reports::All { scripts } else { 0 };
    reports_are_safe(&reports, scripts);
}

/// The files of the tree: an archive alone, anything else where an import would look for bytecode.
fn files(bytes: &[u8]) -> Vec<(String, &[u8])> {
    if format::open_bytes(bytes.to_vec(), b"a.whl", &Limits::default()).is_some() {
        return vec![("a-1.0-py3-none-any.whl".to_owned(), bytes)];
    }
    let version = bytes.first_chunk::<4>().and_then(|&magic| lookup(Magic(magic)).first());
    let (major, minor) = version.map_or((3, 12), |version| version.series);
    let cached = format!("pkg/__pycache__/m.cpython-{major}{minor}.pyc");
    vec![(cached, bytes), ("pkg/m.py".to_owned(), SOURCE), ("lone.pyc".to_owned(), bytes)]
}

/// Writes a file whose times are always the same.
fn write(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
}

/// The places of reports in what [`scanned`] gives.
const CSVS: [usize; 2] = [0, 1];
const HTML: usize = 2;
const JSONL: usize = 3;
const TEXT: usize = 4;

/// Scans and gives the reports; one that is not wanted is empty.
fn scanned(
    tree: &Path,
    jobs: usize,
    kinds: Reports,
    look: &mut (dyn FnMut(&PycEntry) + Send),
) -> (Summary, Vec<String>) {
    let config = Config {
        // Small enough that bombs end soon; that they end at the default limits is held by tests of their own.
        limits: Limits { member_size: 1 << 20, total_size: 4 << 20, ..Limits::default() },
        keep_contents: true,
        jobs: Some(jobs),
        ..Config::new(vec![tree.to_owned()], NOW)
    };
    let run = RunRecord::of(&Run {
        version: "0",
        arguments: vec!["pycaudit".to_owned()],
        options: vec![("verify", "header".to_owned())],
        paths: vec!["tree".to_owned()],
        started: NOW,
    });
    let outs: Vec<Written> = (0..5).map(|_| Written::default()).collect();
    let out = |place: usize| Box::new(outs[place].clone()) as Box<dyn Write + Send>;
    let style = Style { color: false, detail: Detail::Verbose };
    let mut reporters: Vec<Box<dyn Reporter>> = vec![
        report::csv::start(out(0)).unwrap(),
        report::csv::start_findings(out(1)).unwrap(),
        report::jsonl::start(&run, out(JSONL)).unwrap(),
        report::text::start(&run, out(TEXT), style),
    ];
    if kinds == Reports::All {
        reporters.push(report::html::start(&run, out(HTML)).unwrap());
    }
    let (mut pycs, mut findings, mut problems) = (0, 0, 0);
    let mut sink = |entry: Entry| {
        entry_holds(&entry);
        findings += entry.findings().len() as u64;
        match &entry {
            Entry::Pyc(entry) => {
                pycs += 1;
                problems += entry.problems.len() as u64;
                look(entry);
            }
            Entry::Artifact(entry) => problems += entry.problems.len() as u64,
        }
        let item = Item::of(&entry);
        reporters.iter_mut().try_for_each(|reporter| reporter.item(&item))
    };
    let progress = Progress::default();
    let mut summary = scan::scan(&config, &progress, &AtomicBool::new(false), &mut sink).unwrap();
    summary.ended = NOW + 1;
    assert_eq!(summary.ledger.seen(), summary.listed, "{:?}", summary.ledger);
    assert_eq!((progress.found(), progress.done()), (summary.listed, summary.listed));
    assert_eq!((summary.pycs, summary.problems), (pycs, problems));
    assert_eq!((summary.severities.values().sum(), summary.rules.values().sum()), (findings, findings));
    let record = SummaryRecord::of(&summary);
    for reporter in reporters {
        reporter.finish(&record).unwrap();
    }
    let texts = outs.into_iter().map(|out| String::from_utf8(out.bytes()).unwrap());
    (summary, texts.collect())
}

/// Looks at an entry: nothing failed, places lie inside, findings are in order and can be told apart.
pub(crate) fn entry_holds(entry: &Entry) {
    let findings = entry.findings();
    assert!(findings.windows(2).all(|pair| pair[0].severity >= pair[1].severity));
    let mut fingerprints: Vec<&str> = findings.iter().map(|finding| finding.fingerprint.as_str()).collect();
    fingerprints.sort_unstable();
    assert!(fingerprints.windows(2).all(|pair| pair[0] != pair[1]), "{findings:#?}");
    for finding in findings {
        finding_is_shown_safely(finding);
    }
    match entry {
        Entry::Pyc(entry) => {
            let is_inside = |offset: Option<u64>| offset.is_none_or(|offset| offset <= entry.size);
            // What an archive says of a member is at a place of the archive.
            let is_file = entry.locator.inner.is_empty();
            let mut problems = entry.problems.iter().filter(|problem| is_file || problem.kind.is_marshal());
            assert!(problems.all(|problem| is_inside(problem.offset)), "{:?}", entry.problems);
            if is_file {
                assert!(entry.findings.iter().all(|finding| is_inside(finding.offset)), "{:?}", entry.findings);
            }
            entry.problems.iter().for_each(problem_is_of_the_input);
            assert!(entry.head.len() as u64 <= entry.size, "{entry:#?}");
            assert!(entry.contents.as_ref().is_none_or(|bytes| bytes.starts_with(&entry.head)));
            assert!(!entry.load.reason.is_empty());
            assert!(entry.code_digest.is_none() || entry.pyc.body.is_code());
        }
        Entry::Artifact(entry) => {
            entry.problems.iter().for_each(|(_, problem)| problem_is_of_the_input(problem));
            if entry.kind.is_some() {
                assert_eq!(entry.ledger.seen(), entry.listed, "{entry:?}");
            }
        }
    }
}

/// A panic is caught for each member and becomes a problem; here it is a failure.
fn problem_is_of_the_input(problem: &Problem) {
    assert_ne!(problem.kind, ProblemKind::Internal, "{problem:?}");
    assert!(!problem.to_string().contains(name::is_deceptive), "{problem:?}");
}

fn finding_is_shown_safely(finding: &Finding) {
    for text in [&finding.message, &finding.expected, &finding.observed] {
        assert!(!text.contains(name::is_deceptive), "{finding:?}");
    }
    assert!(finding.fingerprint.starts_with("v1:"), "{finding:?}");
    assert!(!finding.message.is_empty() && !finding.message.ends_with('.') || finding.message.ends_with("..."));
}

/// How often a page begins a script.
fn scripts(page: &str) -> usize {
    page.to_ascii_lowercase().matches("<script").count()
}

/// Nothing of the input is anything but text in any report.
fn reports_are_safe(reports: &[String], scripts_of_nothing: usize) {
    for place in CSVS {
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(reports[place].as_bytes());
        for row in reader.records() {
            for cell in &row.unwrap() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
                assert!(!cell.contains(name::is_deceptive), "{cell:?}");
            }
        }
    }
    assert_eq!(scripts(&reports[HTML]), scripts_of_nothing, "{}", reports[HTML]);
    assert!(!reports[HTML].contains(|shown| shown != '\n' && name::is_deceptive(shown)));
    let records: Vec<serde_json::Value> =
        reports[JSONL].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.first().unwrap()["type"], "run");
    assert_eq!(records.last().unwrap()["type"], "summary");
    assert!(!reports[TEXT].contains(|shown| shown != '\n' && name::is_deceptive(shown)), "{:?}", reports[TEXT]);
}
