//! `pycaudit dis`: the instructions of a pyc of any version, with its source beside them.

use std::borrow::Cow;
use std::io;
use std::io::Write as _;

use anyhow::Context as _;
use pycaudit::disassembly::Disassembly;
use pycaudit::disassembly::SourceLines;
use pycaudit::entry::PycEntry;
use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::Tree;
use pycaudit::pyc::Version;
use pycaudit::scan::Fingerprints;
use pycaudit::scan::Verify;
use pycaudit::secret;

use crate::args::DisArgs;
use crate::exit::Exit;
use crate::one;
use crate::output::Stdout;

/// Runs the command.
pub(crate) fn run(args: &DisArgs) -> anyhow::Result<Exit> {
    let version = forced(args.python.as_deref())?;
    let wanted = args.code.as_ref().map(|name| name.as_encoded_bytes());
    let mut out = Stdout::new();
    let mut written = 0_usize;
    let mut is_undecoded = false;
    let mut sink = |entry: &PycEntry| {
        let mut scratch = Scratch::default();
        let tree = pyc::read(entry.contents.as_deref().unwrap_or_default(), &Limits::default(), &mut scratch).value;
        let mask = if args.reveal_secrets { Mask::default() } else { Mask::new(&tree, secret::masked) };
        let found = match version {
            Some(version) => Disassembly::as_version(&tree, version, &mask),
            None => Disassembly::of(&tree, &mask),
        };
        let source = entry.source_contents.as_deref().filter(|_| !args.no_source);
        let source = source.map(|source| if args.reveal_secrets { source.into() } else { masked(source, &tree) });
        write_title(entry, source.is_some(), &mut out)?;
        match found {
            Ok(disassembly) => {
                let python = disassembly.version().python();
                if version.is_some() {
                    writeln!(out, "  read as {python}, whatever the magic number says")?;
                } else if !disassembly.is_certain() {
                    writeln!(
                        out,
                        "  not a final release: instructions are named as in the final release of its series"
                    )?;
                }
                written += disassembly.write(wanted, source.as_deref().map(SourceLines::new).as_ref(), &mut out)?;
            }
            Err(unknown) => {
                is_undecoded = true;
                writeln!(out, "  no disassembly: {unknown}")?;
            }
        }
        Ok(())
    };
    let exit = one::find(&args.file, Vec::new(), Fingerprints::Files, Verify::Header, args.reveal_secrets, &mut sink)?;
    out.flush()?;
    if is_undecoded {
        return Ok(Exit::Incomplete);
    }
    if let Some(wanted) = &args.code {
        anyhow::ensure!(written > 0, "`{}` has no code object `{}`", args.file.display(), wanted.display());
    }
    Ok(exit)
}

/// A source without its secrets, and without the parts of those that its bytecode has.
fn masked(source: &[u8], tree: &Tree<'_>) -> Cow<'static, [u8]> {
    secret::masked_source(source, tree.strings().flat_map(|(_, string)| secret::find(string))).into()
}

/// The version that `--python` names.
pub(crate) fn forced(series: Option<&str>) -> anyhow::Result<Option<&'static Version>> {
    let Some(series) = series else { return Ok(None) };
    let version = Disassembly::version_of_series(series);
    Ok(Some(version.with_context(|| format!("no release of CPython is `{series}`; try 3.12"))?))
}

fn write_title(entry: &PycEntry, has_source: bool, out: &mut Stdout) -> io::Result<()> {
    writeln!(out, "{}", entry.locator)?;
    writeln!(out, "  {}", entry.python())?;
    if let Some(source) = entry.source.file().filter(|_| has_source) {
        writeln!(out, "  source {} (header: {})", source.locator, entry.header_check.outcome.code())?;
    }
    for problem in &entry.problems {
        writeln!(out, "  not read: {problem}")?;
    }
    Ok(())
}
