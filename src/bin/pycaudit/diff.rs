//! `pycaudit diff`: two pycs, and how they differ.

use std::io::Write as _;
use std::path::Path;

use pycaudit::comparison;
use pycaudit::comparison::Side;
use pycaudit::entry::PycEntry;
use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Scratch;
use pycaudit::scan::Fingerprints;
use pycaudit::scan::Verify;
use pycaudit::secret;

use crate::args::DiffArgs;
use crate::exit::Exit;
use crate::one;
use crate::output::Stdout;

/// One of the two files.
struct Read {
    /// Its place and interpreter, for the title.
    title: String,
    bytes: Vec<u8>,
    is_whole: bool,
}

/// Runs the command.
pub(crate) fn run(args: &DiffArgs) -> anyhow::Result<Exit> {
    let (left, right) = (read(&args.left, args.reveal_secrets)?, read(&args.right, args.reveal_secrets)?);
    let mut scratches = [Scratch::default(), Scratch::default()];
    let [one, other] = &mut scratches;
    let limits = Limits::default();
    let trees = (pyc::read(&left.bytes, &limits, one).value, pyc::read(&right.bytes, &limits, other).value);
    let mask = |tree| if args.reveal_secrets { Mask::default() } else { Mask::new(tree, secret::masked_apart) };
    let masks = (mask(&trees.0), mask(&trees.1));
    let mut text = Vec::new();
    let differs = comparison::write(&Side::new(&trees.0, &masks.0), &Side::new(&trees.1, &masks.1), &mut text)?;
    let mut out = Stdout::new();
    let is_whole = left.is_whole && right.is_whole;
    if differs || !is_whole {
        writeln!(out, "first  {}\nsecond {}", left.title, right.title)?;
        out.write_all(&text)?;
    }
    out.flush()?;
    Ok(match (is_whole, differs) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Clean,
    })
}

fn read(file: &Path, reveal_secrets: bool) -> anyhow::Result<Read> {
    let mut found = Vec::new();
    let mut sink = |entry: &PycEntry| {
        let mut title = format!("{} ({})", entry.locator, entry.python());
        for problem in &entry.problems {
            title.push_str("\n       not read: ");
            title.push_str(&problem.to_string());
        }
        found.push(Read {
            title,
            bytes: entry.contents.clone().unwrap_or_default(),
            is_whole: entry.problems.is_empty(),
        });
        Ok(())
    };
    one::find(file, Vec::new(), Fingerprints::Files, Verify::None, reveal_secrets, &mut sink)?;
    let count = found.len();
    match found.pop() {
        Some(read) if count == 1 => Ok(read),
        _ => anyhow::bail!("`{}` holds {count} pycs; name one of them: ARCHIVE!MEMBER", file.display()),
    }
}
