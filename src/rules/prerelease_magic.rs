//! PYC102.

use crate::pyc::versions::Implementation;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc whose magic number only alphas, betas or development builds of CPython wrote.
    ///
    /// ## Why it matters
    /// No release of Python runs it: whoever installs it has dead weight, or no module at all where the source is missing. It
    /// also tells of the machine that built the release.
    ///
    /// ## Innocent causes
    /// The package was built or tested with a pre-release of Python.
    ///
    /// ## What to do
    /// Build with a release, or ship no bytecode.
    ///
    /// ## References
    /// The list of numbers in CPython's Include/internal/pycore_magic_number.h.
    id: "PYC102",
    name: "prerelease-magic",
    summary: "compiled by a pre-release of Python",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(version) = context.pyc.version else { return };
    if version.implementation != Implementation::CPython || !version.is_prerelease() {
        return;
    }
    let message = format!("`{}` was compiled by {}, and no release runs it", context.module, version.python());
    findings.add(message).compared("the number of a release", version.magic.number().to_string()).at(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(python: &str) -> Case {
        Case::tree().file("m.pyc", Pyc::python(python).build(), 1)
    }

    #[test]
    fn flags_an_alpha() {
        let finding = case("CPython 3.14a1 (pre-release)").flags(&RULE);
        assert_eq!(finding.message, "`m` was compiled by CPython 3.14a1 (pre-release), and no release runs it");
        assert_eq!(finding.observed, "3600");
    }

    #[test]
    fn passes_releases_and_another_implementation() {
        for python in ["2.7", "3.5", "3.14", "PyPy 3.9"] {
            case(python).passes(&RULE);
        }
    }
}
