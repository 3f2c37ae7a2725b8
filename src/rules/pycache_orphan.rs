//! PYC301.

use crate::place::PlaceKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::source::Source;

declare_rule! {
    /// ## What it reports
    /// A pyc in `__pycache__` without its source, in a folder that holds no sources at all. Where sources of other modules are
    /// left, `PYC317` reports it.
    ///
    /// ## Why it matters
    /// From Python 3.2 on an import begins with the source: without it, `__pycache__` is not looked into and this code does not
    /// run by itself. It still is code that nobody reviews, it can be run by name or by a loader, and it may hold what the
    /// source was deleted for.
    ///
    /// ## Innocent causes
    /// A package that was removed or moved while its caches stayed; caches that were packed by accident.
    ///
    /// ## What to do
    /// Delete it. If the code is meant to be shipped without its source, it has to lie beside the modules, not in `__pycache__`.
    ///
    /// ## References
    /// PEP 3147, "Case 4: legacy pyc files and source-less imports".
    id: "PYC301",
    name: "pycache-orphan",
    summary: "bytecode in `__pycache__` without a source, in a folder without sources",
    severity: Low,
    check: Pyc(check),
}

/// How many names of a folder are looked at: a hostile folder must not cost the square of its size.
const NAMES: usize = 512;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if is_orphan(context) && !has_sources(context, context.place.source_folder.as_bytes()) {
        let message =
            format!("`{}` has bytecode in `__pycache__`, and neither it nor its folder has a source", context.module);
        findings.add(message).compared(format!("`{}.py`", context.place.stem), "no source");
    }
}

/// Whether it lies in `__pycache__` and its source was looked for in vain.
pub(super) fn is_orphan(context: &PycContext<'_>) -> bool {
    context.place.kind == PlaceKind::Cache && *context.source == Source::Absent
}

/// Whether sources lie directly in a folder, as far as its first names tell.
pub(super) fn has_sources(context: &PycContext<'_>, folder: &[u8]) -> bool {
    let listing = context.container.listing();
    listing.find(folder, b"__init__.py").is_some()
        || listing.folder(folder).take(NAMES).any(|member| member.file().ends_with(b".py"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    #[test]
    fn flags_a_cache_whose_folder_has_no_source() {
        let finding =
            Case::tree().file("p/__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build(), 100).flags(&RULE);
        assert_eq!(finding.observed, "no source");
    }

    #[test]
    fn flags_a_left_over_test_cache_in_a_wheel() {
        let pyc = Pyc::python("3.8").build();
        Case::zip(
            Zip::new().file("a-1.dist-info/WHEEL", "").file("tests/__pycache__/t.cpython-38-pytest-5.4.1.pyc", pyc),
        )
        .flags(&RULE);
    }

    #[test]
    fn passes_a_cache_with_its_source() {
        let tree = Case::tree().file("p/m.py", "x = 1\n", 1_600_000_000);
        tree.file("p/__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build(), 100).passes(&RULE);
    }

    #[test]
    fn passes_an_orphan_among_sources_and_a_bare_pyc() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("p/other.py", "", 1).file("p/__pycache__/m.cpython-312.pyc", pyc.clone(), 100);
        tree.file("q/m.pyc", pyc, 1).passes(&RULE);
    }
}
