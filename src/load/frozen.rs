//! Code without a header in a frozen program: its loader runs it, and looks for nothing else.
//!
//! PyInstaller's boot loader unmarshals and runs what a CArchive has as scripts and modules (`pyi_pylib_run_scripts`), and its
//! importer the modules of a PYZ before the path finder is asked (`PyiFrozenFinder` in loader/pyimod02_importers.py).

use crate::container::Kind;
use crate::load::BodyState;
use crate::load::Judged;
use crate::load::Load;
use crate::load::LoadVerdict;

/// The verdict on code that a freezer cut the header from.
pub(super) fn judge(judged: &Judged<'_>) -> Load {
    let who = match judged.kind {
        Kind::Pyz => "the importer of the frozen program",
        _ => "the boot loader of the frozen program",
    };
    match judged.body {
        BodyState::Good => Load::new(LoadVerdict::Runs, format!("{who} runs it and looks for no source")),
        BodyState::Broken => Load::rejected(format!("{who} fails to unmarshal it, an import raises")),
        BodyState::Unread => Load::unknown(format!("{who} would take it, and it was not read")),
    }
}
