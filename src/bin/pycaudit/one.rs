//! One pyc that was named, or a member of an archive: found and judged as a scan does, with its bytes and its source's.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use pycaudit::entry::Entry;
use pycaudit::entry::PycEntry;
use pycaudit::name::Name;
use pycaudit::rules::Rule;
use pycaudit::scan;
use pycaudit::scan::Config;
use pycaudit::scan::Fingerprints;
use pycaudit::scan::Progress;

use crate::args::path_of_bytes;
use crate::exit::Exit;

/// Hands every pyc at a place to a function: one, unless an archive is named or holds the name more than once. The exit code
/// says whether all of them could be read; none at all is an error.
pub(crate) fn find(
    file: &Path,
    rules: Vec<&'static Rule>,
    fingerprints: Fingerprints,
    verify: scan::Verify,
    reveal_secrets: bool,
    then: &mut (dyn FnMut(&PycEntry) -> io::Result<()> + Send),
) -> anyhow::Result<Exit> {
    let (path, member) = split(file)?;
    anyhow::ensure!(!path.is_dir(), "`{}` is a folder; `pycaudit scan` reads folders", path.display());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let config = Config {
        verify,
        rules,
        member: (!member.is_empty()).then_some(member),
        reveal_secrets,
        fingerprints,
        keep_contents: true,
        jobs: Some(2),
        ..Config::new(vec![path], i64::try_from(now).unwrap_or(i64::MAX))
    };
    let mut found = 0_usize;
    let mut is_incomplete = false;
    let mut others = Vec::new();
    let mut sink = |entry: Entry| {
        match entry {
            Entry::Pyc(entry) => {
                found += 1;
                is_incomplete |= !entry.problems.is_empty();
                then(&entry)?;
            }
            Entry::Artifact(entry) => others.extend(entry.problems.into_iter().map(|(_, problem)| problem)),
        }
        Ok(())
    };
    scan::scan(&config, &Progress::default(), &AtomicBool::new(false), &mut sink)?;
    if found == 0 {
        let why = others.first().map_or("there is no bytecode at that place".to_owned(), ToString::to_string);
        anyhow::bail!("`{}`: {why}", file.display());
    }
    Ok(if is_incomplete { Exit::Incomplete } else { Exit::Clean })
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
    fs::metadata(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Ok((file.to_owned(), Vec::new()))
}
