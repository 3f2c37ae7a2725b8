//! `pycaudit inspect`: one pyc, field by field and object by object.

mod facts;
mod imports;
mod json;
mod page;

use std::io::Write as _;

use pycaudit::entry::PycEntry;
use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Scratch;
use pycaudit::rules::RULES;
use pycaudit::scan;
use pycaudit::secret;

use crate::args::InspectArgs;
use crate::args::InspectFormat;
use crate::exit::Exit;
use crate::inspect::facts::Facts;
use crate::inspect::page::Most;
use crate::one;
use crate::output::Stdout;

/// Runs the command.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let mut out = Stdout::new();
    let mut pages = 0_usize;
    let mut sink = |entry: &PycEntry| {
        match args.format {
            InspectFormat::Text => {
                let most = if args.all { Most::All } else { Most::Some };
                with_tree(entry, args.reveal_secrets, |facts| {
                    out.write_all(page::page(entry, facts, most).as_bytes())
                })?;
            }
            InspectFormat::Json => {
                out.write_all(if pages == 0 { json::BEGIN.as_bytes() } else { b",\n" })?;
                with_tree(entry, args.reveal_secrets, |facts| json::write(entry, facts, &mut out))?;
            }
        }
        pages += 1;
        Ok(())
    };
    let (fingerprints, verify) = (scan::Fingerprints::All, scan::Verify::Code);
    let exit = one::find(&args.file, RULES.to_vec(), fingerprints, verify, args.reveal_secrets, &mut sink)?;
    if args.format == InspectFormat::Json {
        out.write_all(json::END.as_bytes())?;
    }
    out.flush()?;
    Ok(exit)
}

/// Reads a pyc once more, for the tree of its code objects, and hands what is in it to a function.
fn with_tree<T>(entry: &PycEntry, reveal_secrets: bool, then: impl FnOnce(&Facts<'_>) -> T) -> T {
    let mut scratch = Scratch::default();
    let bytes = entry.contents.as_deref().unwrap_or_default();
    let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
    let mask = if reveal_secrets { Mask::default() } else { Mask::new(&tree, secret::masked) };
    then(&Facts::new(&tree, &mask))
}
