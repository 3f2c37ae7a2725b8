//! PYC317.

use crate::container::Kind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::rules::pycache_orphan;

declare_rule! {
    /// ## What it reports
    /// A pyc in `__pycache__` without its source, in a folder where sources of other modules are. It tells of a module that was
    /// there when the code was compiled. Where no sources are left, `PYC301` reports it.
    ///
    /// ## Why it matters
    /// The code of a removed module is still there to be read: old endpoints, old keys, an old version of something that was
    /// fixed. No import runs it.
    ///
    /// ## Innocent causes
    /// A module was renamed or deleted, or another branch was checked out, and the caches stayed.
    ///
    /// ## Severity
    /// Info in a folder on disk, where any refactoring leaves such files; low in an archive, with which it was given to others.
    ///
    /// ## What to do
    /// Read what it holds (`pycaudit inspect`) before deleting it; keep `__pycache__` out of what is packed.
    ///
    /// ## References
    /// PEP 3147.
    id: "PYC317",
    name: "ghost-module",
    summary: "bytecode of a module whose source was removed from among others",
    severity: Info,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let place = context.place;
    if !pycache_orphan::is_orphan(context) || !pycache_orphan::has_sources(context, place.source_folder.as_bytes()) {
        return;
    }
    let finding =
        findings.add(format!("The source of `{}` is gone from its folder, its bytecode is not", context.module));
    finding.compared(format!("`{}.py`", place.stem), "no source");
    if context.container.kind() != Kind::Directory {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    #[test]
    fn flags_the_cache_of_a_removed_module() {
        let tree = Case::tree().file("p/other.py", "", 1);
        let finding = tree.file("p/__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build(), 100).flags(&RULE);
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn flags_it_higher_when_it_was_shipped() {
        let zip = Zip::new().file("p/__init__.py", "").file("p-1.dist-info/WHEEL", "");
        let finding = Case::zip(zip.file("p/__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build())).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
    }

    #[test]
    fn passes_a_module_with_its_source_and_a_folder_without_any() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("p/m.py", "x = 1\n", 1).file("p/__pycache__/m.cpython-312.pyc", pyc.clone(), 100);
        tree.file("q/__pycache__/m.cpython-312.pyc", pyc, 100).passes(&RULE);
    }
}
