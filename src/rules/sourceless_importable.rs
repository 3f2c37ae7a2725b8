//! PYC302.

use crate::load::LoadVerdict;
use crate::place::PlaceKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::autorun_bytecode;
use crate::rules::declare_rule;
use crate::rules::package_shadows_module;
use crate::rules::stdlib_name_shadow;
use crate::rules::unexpected_version;
use crate::source::Source;

declare_rule! {
    /// ## What it reports
    /// A pyc where its source would be, without that source: an import runs it. Such a file that runs at start is reported as
    /// `PYC307`, one that hides a module as `PYC304`, one with the name of a standard library module as `PYC306`, one of
    /// another Python than its folder or wheel is for as `PYC310`, and none of them here again.
    ///
    /// ## Why it matters
    /// There is nothing to compare the code with. Times and hash in the header are not looked at: whatever is in the file runs.
    ///
    /// ## Innocent causes
    /// Closed-source packages, embedded systems that save space, `compileall -b`; of Python 2 also modules whose source was
    /// deleted while the bytecode stayed.
    ///
    /// ## Severity
    /// Medium; low when the interpreter that would read it is not one whose rules are known. A file that no interpreter would
    /// run is not reported here.
    ///
    /// ## What to do
    /// Ask for the source, or give it with `--sources`. Read what the code does before it is trusted.
    ///
    /// ## References
    /// PEP 3147, "Case 4"; `SourcelessFileLoader` in CPython's Lib/importlib/_bootstrap_external.py.
    id: "PYC302",
    name: "sourceless-importable",
    summary: "a bare pyc without a source, which an import runs",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if !is_importable(context)
        || context.container.is_frozen
        || autorun_bytecode::autorun(context).is_some()
        || package_shadows_module::hidden_module(context).is_some()
        || stdlib_name_shadow::shadowed(context).is_some()
        || unexpected_version::is_unexpected(context)
    {
        return;
    }
    let finding =
        findings.add(format!("An import of `{}` runs this file, and there is no source of it", context.module));
    finding.compared(format!("`{}.py`", context.place.stem), "no source");
    if context.load.verdict == LoadVerdict::Unknown {
        finding.severity(Severity::Low);
    }
}

/// Whether it lies where its source would be, the source was looked for in vain, and some interpreter runs it or might.
pub(super) fn is_importable(context: &PycContext<'_>) -> bool {
    context.place.kind == PlaceKind::Legacy
        && *context.source == Source::Absent
        && (context.load.verdict.is_live() || context.load.verdict == LoadVerdict::Unknown)
        && context.pyc.version.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    #[test]
    fn flags_a_bare_pyc_without_a_source() {
        let finding = Case::tree().file("p/m.pyc", Pyc::python("3.12").build(), 100).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
    }

    #[test]
    fn passes_a_bare_pyc_beside_its_source_and_one_in_a_cache() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("p/m.py", "x = 1\n", 1).file("p/m.pyc", pyc.clone(), 100);
        tree.file("p/__pycache__/n.cpython-312.pyc", pyc, 100).passes(&RULE);
    }

    #[test]
    fn passes_what_an_import_refuses() {
        Case::tree().file("p/m.pyc", Pyc::python("3.12").flags(4).build(), 100).passes(&RULE);
    }

    #[test]
    fn leaves_bytecode_of_another_python_to_its_rule() {
        Case::tree().file("lib/python3.11/site-packages/m.pyc", Pyc::python("3.12").build(), 1).passes(&RULE);
        Case::tree().file("lib/python3.12/site-packages/m.pyc", Pyc::python("3.12").build(), 1).flags(&RULE);
    }

    #[test]
    fn leaves_a_name_of_the_standard_library_and_code_at_start_to_their_rules() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("json.pyc", pyc.clone(), 1).file("sitecustomize.pyc", pyc.clone(), 1);
        tree.file("p/m.py", "", 1).file("p/m/__init__.pyc", pyc, 1).passes(&RULE);
    }
}
