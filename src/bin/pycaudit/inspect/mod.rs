//! `pycaudit inspect`: one pyc, field by field and object by object.

mod facts;
mod imports;
mod json;
mod page;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use pycaudit::container::Exclude;
use pycaudit::entry::Entry;
use pycaudit::entry::PycEntry;
use pycaudit::limits::Limits;
use pycaudit::name::Name;
use pycaudit::pyc;
use pycaudit::pyc::Scratch;
use pycaudit::rules::RULES;
use pycaudit::scan;
use pycaudit::scan::Config;
use pycaudit::scan::Progress;

use crate::args::InspectArgs;
use crate::args::InspectFormat;
use crate::args::path_of_bytes;
use crate::exit::Exit;
use crate::inspect::facts::Facts;
use crate::inspect::page::Most;
use crate::output::Stdout;

/// Runs the command.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let (path, member) = split(&args.file)?;
    anyhow::ensure!(!path.is_dir(), "`{}` is a folder; `pycaudit scan` reads folders", path.display());
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
        reveal_secrets: false,
        fingerprints: scan::Fingerprints::All,
        keep_contents: true,
        jobs: Some(2),
        now: i64::try_from(now).unwrap_or(i64::MAX),
    };
    let mut out = Stdout::new();
    let mut pages = 0_usize;
    let mut is_incomplete = false;
    let mut others = Vec::new();
    let mut sink = |entry: Entry| {
        match entry {
            Entry::Pyc(entry) => {
                is_incomplete |= !entry.problems.is_empty();
                match args.format {
                    InspectFormat::Text => {
                        let most = if args.all { Most::All } else { Most::Some };
                        with_tree(&entry, |facts| out.write_all(page::page(&entry, facts, most).as_bytes()))?;
                    }
                    InspectFormat::Json => {
                        out.write_all(if pages == 0 { json::BEGIN.as_bytes() } else { b",\n" })?;
                        with_tree(&entry, |facts| json::write(&entry, facts, &mut out))?;
                    }
                }
                pages += 1;
            }
            Entry::Artifact(entry) => others.extend(entry.problems.into_iter().map(|(_, problem)| problem)),
        }
        Ok(())
    };
    scan::scan(&config, &Progress::default(), &AtomicBool::new(false), &mut sink)?;
    if pages == 0 {
        let why = others.first().map_or("there is no bytecode at that place".to_owned(), ToString::to_string);
        anyhow::bail!("`{}`: {why}", args.file.display());
    }
    if args.format == InspectFormat::Json {
        out.write_all(json::END.as_bytes())?;
    }
    out.flush()?;
    Ok(if is_incomplete { Exit::Incomplete } else { Exit::Clean })
}

/// Reads a pyc once more, for the tree of its code objects, and hands what is in it to a function.
fn with_tree<T>(entry: &PycEntry, then: impl FnOnce(&Facts<'_>) -> T) -> T {
    let mut scratch = Scratch::default();
    let bytes = entry.contents.as_deref().unwrap_or_default();
    let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
    then(&Facts::new(&tree))
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
