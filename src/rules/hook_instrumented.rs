//! PYC106.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc that an import hook wrote, told by its name: `-pytest-8.3.3` after the tag (pytest's rewritten assertions), or a
    /// word after `opt-` (`opt-typeguard`, `opt-beartype`, jaxtyping's hook).
    ///
    /// ## Why it matters
    /// Its code was changed while it was compiled and is not what its source says; that is what the hook is for. No import looks for
    /// it, but it is not harmless for that: pytest runs its cache in place of a test, a `conftest.py` or a plugin when time and size in the
    /// header are those of the source, and the typing hooks run theirs where they are installed. Caches of pytest, jaxtyping, beartype and
    /// typeguard are compared with what these make of the source, or with its plain code, since what is imported for the first time while a
    /// hook works is cached under its name too (`PYC201`); those of hooks and versions that are not known are `unverified` unless they are
    /// plain (`PYC218`). What is compared are the functions and the checks in them, not what a decorator or a check that a hook puts in
    /// does when it runs. None is of use to those who install the package.
    ///
    /// ## Innocent causes
    /// Tests or type checks were run in the folder before it was packed.
    ///
    /// ## What to do
    /// Leave it out of what is shipped.
    ///
    /// ## References
    /// PEP 488; `PYC_TAIL` in pytest's src/_pytest/assertion/rewrite.py; patrick-kidger/jaxtyping#329.
    id: "PYC106",
    name: "hook-instrumented",
    summary: "written by a test or typing hook, not by an import",
    severity: Info,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(hook) = context.place.hook() else { return };
    findings.add(format!("`{}` was written by an import hook: `{hook}`", context.module)).compared("", hook);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(name: &str) -> Case {
        Case::tree().file(name, Pyc::python("3.12").build(), 1)
    }

    #[test]
    fn flags_pytest_and_typeguard() {
        let finding = case("__pycache__/test_m.cpython-312-pytest-8.3.3.pyc").flags(&RULE);
        assert_eq!(finding.message, "`test_m` was written by an import hook: `-pytest-8.3.3`");
        case("__pycache__/test_m.cpython-27-PYTEST.pyc").flags(&RULE);
        assert_eq!(case("__pycache__/m.cpython-312.opt-typeguard.pyc").flags(&RULE).observed, "opt-typeguard");
    }

    #[test]
    fn passes_what_an_interpreter_writes() {
        for name in ["m.pyc", "__pycache__/test_pytest.cpython-312.pyc", "__pycache__/m.cpython-312.opt-1.pyc"] {
            case(name).passes(&RULE);
        }
        case("__pycache__/m.cpython-312 2.pyc").passes(&RULE);
    }
}
