//! `pycaudit inspect`: one pyc, field by field.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use pycaudit::artifact;
use pycaudit::container::Exclude;
use pycaudit::entry::Entry;
use pycaudit::entry::PycEntry;
use pycaudit::limits::Limits;
use pycaudit::name;
use pycaudit::name::Name;
use pycaudit::pyc::header;
use pycaudit::rules::RULES;
use pycaudit::scan;
use pycaudit::scan::Config;
use pycaudit::scan::Progress;
use pycaudit::source::Source;

use crate::args::InspectArgs;
use crate::args::path_of_bytes;
use crate::exit::Exit;
use crate::output::Stdout;

/// Runs the command.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let (path, member) = split(&args.file)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let config = Config {
        paths: vec![path],
        sources: Vec::new(),
        exclude: Exclude::default(),
        verify: scan::Verify::Header,
        limits: Limits::default(),
        rules: RULES.to_vec(),
        member: (!member.is_empty()).then_some(member),
        strict: false,
        jobs: Some(2),
        now: i64::try_from(now).unwrap_or(i64::MAX),
    };
    let mut found: Vec<PycEntry> = Vec::new();
    let mut others = Vec::new();
    let mut sink = |entry: Entry| {
        match entry {
            Entry::Pyc(entry) => found.push(*entry),
            Entry::Artifact(entry) => others.extend(entry.problems.into_iter().map(|(_, problem)| problem)),
        }
        Ok(())
    };
    scan::scan(&config, &Progress::default(), &AtomicBool::new(false), &mut sink)?;
    if found.is_empty() {
        let why = others.first().map_or("there is no bytecode at that place".to_owned(), ToString::to_string);
        anyhow::bail!("`{}`: {why}", args.file.display());
    }
    let mut out = Stdout::new();
    let mut incomplete = false;
    for entry in &found {
        out.write_all(page(entry).as_bytes())?;
        incomplete |= !entry.problems.is_empty();
    }
    out.flush()?;
    Ok(if incomplete { Exit::Incomplete } else { Exit::Clean })
}

/// `archive!member!member` into its parts. A file whose own name has a `!` is taken as it is.
fn split(file: &Path) -> anyhow::Result<(PathBuf, Vec<Name>)> {
    if fs::symlink_metadata(file).is_ok() {
        return Ok((file.to_owned(), Vec::new()));
    }
    let bytes = file.as_os_str().as_encoded_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'!') {
        let path = path_of_bytes(&bytes[..at]);
        if path.is_file() {
            let members = bytes[at + 1..].split(|&byte| byte == b'!').map(Name::new).collect();
            return Ok((path, members));
        }
    }
    fs::metadata(file).with_context(|| format!("cannot inspect `{}`", file.display()))?;
    Ok((file.to_owned(), Vec::new()))
}

/// The page of a pyc.
fn page(entry: &PycEntry) -> String {
    let mut page = Page::default();
    let pyc = &entry.pyc;
    page.line(&entry.locator.to_string());
    page.field("size", &format!("{} bytes", entry.size));
    if let Some(digest) = entry.sha256 {
        page.field("sha256", &digest.to_string());
    }
    page.field("python", &entry.python());
    page.field("module", &entry.module);
    page.line("");
    page.line("header");
    page.line("  offset  bytes                    field");
    let layout = pyc.header.as_ref().map(|header| header.layout);
    for field in header::fields(&entry.head, layout) {
        page.line(&format!(
            "  {:>6}  {:<23}  {:<12}  {}",
            field.offset,
            spaced(&field.bytes),
            field.name,
            field.reading
        ));
    }
    page.line("");
    let source = match &entry.source {
        Source::Present(source) => source.locator.to_string(),
        Source::Absent => "none found".to_owned(),
        Source::Ambiguous(places) => {
            format!("one of {}", places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    };
    page.field("source", &source);
    page.field("header says", header_says(entry).as_str());
    page.field("load", &format!("{}: {}", entry.load.verdict.code(), entry.load.reason));
    if let Some(root) = pyc.body.root() {
        page.field("body", &format!("{} code objects, {} to {}", root.code_objects, root.offset, root.end));
        page.field("build path", &root.filename.to_string());
    }
    if pyc.trailing > 0 {
        page.field("trailing", &format!("{} bytes after the code", pyc.trailing));
    }
    for problem in &entry.problems {
        page.field("not read", &problem.to_string());
    }
    if !entry.findings.is_empty() {
        page.line("");
    }
    for finding in &entry.findings {
        page.line(&format!(
            "{}: {} [{} {}]",
            finding.severity.code(),
            finding.message,
            finding.rule.id,
            finding.rule.name
        ));
        for (label, value) in [("expected", &finding.expected), ("observed", &finding.observed)] {
            if !value.is_empty() {
                page.line(&format!("    {label} {value}"));
            }
        }
    }
    page.line("");
    page.0
}

/// What the header says, against the source.
fn header_says(entry: &PycEntry) -> String {
    // Writing to a `String` cannot fail.
    let check = &entry.header_check;
    let mut says = check.outcome.code().to_owned();
    if let Some((recorded, actual)) = check.mtime {
        let time = |seconds| artifact::rfc3339(seconds).unwrap_or_else(|| seconds.to_string());
        let _ = write!(says, "; mtime recorded {}, source {}", time(i64::from(recorded)), time(actual));
    }
    if let Some((recorded, actual)) = check.size {
        let _ = write!(says, "; size recorded {recorded}, source {actual}");
    }
    if let Some((recorded, actual)) = check.hash {
        let _ = write!(says, "; hash recorded {}, source {}", name::hex(&recorded), name::hex(&actual));
    }
    says
}

/// Bytes in hexadecimal with spaces between.
fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| name::hex(&[byte])).collect::<Vec<_>>().join(" ")
}

/// Text in the making.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn field(&mut self, label: &str, value: &str) {
        self.line(&format!("{label:<12} {value}"));
    }
}
