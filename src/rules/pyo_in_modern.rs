//! PYC115.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A `.pyo` file with the magic number of Python 3.5 or later.
    ///
    /// ## Why it matters
    /// Python 3.5 gave `.pyo` up for `.opt-1.pyc` and `.opt-2.pyc`: no import reads the file, and no interpreter wrote it under
    /// this name. `python FILE` runs it.
    ///
    /// ## Innocent causes
    /// Old build scripts and freezers that rename `.pyc` files.
    ///
    /// ## What to do
    /// Delete it, or find out what still reads such names.
    ///
    /// ## References
    /// PEP 488.
    id: "PYC115",
    name: "pyo-in-modern",
    summary: "`.pyo`, and of a Python that does not read them",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(version) = context.pyc.version else { return };
    if version.series < (3, 5) || !context.place.extension.as_bytes().eq_ignore_ascii_case(b"pyo") {
        return;
    }
    let message = format!("`{}` is a `.pyo` of {}, which reads no such file", context.module, version.python());
    findings.add(message).compared(".pyc", format!(".{}", context.place.extension));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(name: &str, python: &str) -> Case {
        Case::tree().file(name, Pyc::python(python).build(), 1)
    }

    #[test]
    fn flags_a_pyo_of_a_later_python() {
        let finding = case("m.pyo", "3.8").flags(&RULE);
        assert_eq!(finding.message, "`m` is a `.pyo` of CPython 3.8, which reads no such file");
        case("__pycache__/m.cpython-38.pyo", "3.8").flags(&RULE);
    }

    #[test]
    fn passes_a_pyo_of_its_time() {
        case("m.pyo", "2.7").passes(&RULE);
        case("__pycache__/m.cpython-34.pyo", "3.4").passes(&RULE);
        case("m.pyc", "3.8").passes(&RULE);
    }
}
