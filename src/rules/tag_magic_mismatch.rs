//! PYC104.

use crate::pyc::Version;
use crate::pyc::versions::Implementation;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc whose name has the cache tag of one Python and whose magic number is of another: `m.cpython-312.pyc` with the
    /// number of 3.8.
    ///
    /// ## Why it matters
    /// The interpreter that looks for this name refuses the file, and the one that could run it never looks for it. No import
    /// makes such a file: it was renamed, copied or forged, and whoever trusts the name reads it as the wrong version.
    ///
    /// ## Innocent causes
    /// A file renamed or copied by hand or by a build script; builds of RustPython that use CPython's tag.
    ///
    /// ## Severity
    /// High; low where no source is beside it, since then nothing looks at it at all.
    ///
    /// ## What to do
    /// Delete it where the source is at hand. Otherwise find out what renamed it, and look at its code as the version of its
    /// magic number.
    ///
    /// ## References
    /// PEP 3147; `cache_from_source` in CPython's Lib/importlib/_bootstrap_external.py.
    id: "PYC104",
    name: "tag-magic-mismatch",
    summary: "the cache tag names another Python than the magic number",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let pyc = context.pyc;
    let (Some(version), Some((implementation, series))) = (pyc.version, context.place.tag_version()) else { return };
    if pyc.candidates.iter().any(|candidate| can_have(candidate, implementation, series)) {
        return;
    }
    let tag = &context.place.tag;
    let message = format!("`{}` is named for `{tag}`, but was written by {}", context.module, version.python());
    let finding = findings.add(message);
    finding.compared(tag.to_string(), format!("magic number {}, {}", version.magic.number(), version.python())).at(0);
    if context.source.file().is_none() {
        finding.severity(Severity::Low);
    }
}

/// Whether a version writes names with such a tag. Forks use CPython's numbers, CPython's tags, or both; PyPy neither.
fn can_have(version: &Version, implementation: Implementation, series: (u8, u8)) -> bool {
    let is_strict = |implementation| matches!(implementation, Implementation::CPython | Implementation::PyPy);
    version.serves(series)
        && (version.implementation == implementation
            || !is_strict(version.implementation)
            || !is_strict(implementation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(name: &str, python: &str) -> Case {
        Case::tree().file("m.py", "x = 1\n", 1_600_000_000).file(name, Pyc::python(python).build(), 1)
    }

    #[test]
    fn flags_a_renamed_pyc() {
        let finding = case("__pycache__/m.cpython-312.pyc", "3.8").flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.message, "`m` is named for `cpython-312`, but was written by CPython 3.8");
    }

    #[test]
    fn says_less_where_nothing_looks() {
        let orphan = Case::tree().file("__pycache__/m.cpython-312.pyc", Pyc::python("3.8").build(), 1);
        assert_eq!(orphan.flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn flags_pypy_under_the_name_of_cpython() {
        case("__pycache__/m.cpython-39.pyc", "PyPy 3.9").flags(&RULE);
    }

    #[test]
    fn passes_names_that_fit() {
        for (name, python) in [
            ("__pycache__/m.cpython-312.pyc", "3.12"),
            ("__pycache__/m.cpython-313t.pyc", "3.13"),
            ("__pycache__/m.cpython-314.pyc", "CPython 3.14a1 (pre-release)"),
            ("__pycache__/m.pypy39.pyc", "PyPy 3.9"),
            ("__pycache__/m.pyston-23.pyc", "3.8"),
            ("__pycache__/m.cpython-38-pytest-8.3.3.pyc", "3.8"),
            ("__pycache__/m.unheard-of.pyc", "3.8"),
            ("m.pyc", "3.8"),
        ] {
            case(name, python).passes(&RULE);
        }
    }
}
