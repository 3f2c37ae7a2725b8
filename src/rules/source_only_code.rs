//! PYC209.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::verify::check::DifferenceKind;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code differs from its source (`PYC201`) and lacks functions or classes that the source has.
    ///
    /// ## Why it matters
    /// A check or a limit that the source shows is not there when the module runs.
    ///
    /// ## Innocent causes
    /// The pyc is stale: it was compiled before the function was written. A function that no statement reaches is not always compiled.
    ///
    /// ## Severity
    /// Medium; low where an interpreter would compile the source again or never look at the file.
    ///
    /// ## What to do
    /// Compare the code objects in `pycaudit inspect` with the source.
    id: "PYC209",
    name: "source-only-code",
    summary: "the code lacks functions or classes that its source has",
    severity: Medium,
    check: Pyc(check),
}

/// Names that one finding shows.
const SHOWN: usize = 5;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let differences = context.code_check.differences().iter();
    let missing: Vec<_> = differences.filter(|difference| difference.kind == DifferenceKind::SourceOnly).collect();
    let Some(first) = missing.first() else { return };
    let names =
        missing.iter().take(SHOWN).map(|difference| format!("`{}`", difference.code)).collect::<Vec<_>>().join(", ");
    let more = missing.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let finding = findings.add(format!("`{}` lacks {names}{more}, which its source has", context.module));
    finding.compared(format!("{names}{more}"), "no such code object");
    finding.line = first.line;
    if context.is_passed_over() {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(source: &str, pyc: &Pyc) -> Case {
        Case::tree().file("m.py", source, 1).file("__pycache__/m.cpython-312.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_a_function_that_the_bytecode_lacks() {
        let source = "x = 1\ndef check(key):\n    def inner(): pass\n    return key\nclass Limit: pass\n";
        let finding = case(source, &Pyc::python("3.12").flags(1).hash([0; 8])).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(finding.message, "`m` lacks `check`, `Limit`, which its source has");
        assert_eq!(finding.line, Some(2));
    }

    #[test]
    fn passes_code_that_has_all_functions() {
        case("x = 1\n", &Pyc::python("3.12").flags(1).hash([0; 8])).passes(&RULE);
        case("# def check(): pass\n", &Pyc::python("3.12").flags(1).hash([0; 8])).passes(&RULE);
    }
}
