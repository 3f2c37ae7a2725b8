//! PYC512.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Code objects of CPython 3.11 and later that have no RESUME instruction. One finding for a file: the first such code object, and
    /// how many there are.
    ///
    /// ## Why it matters
    /// Compilers begin every module, class and function with RESUME. There the interpreter looks for signals, and from 3.12 on tells
    /// debuggers, profilers and audit tools that a function begins: code without one was assembled by hand, and runs unseen by them.
    ///
    /// ## Innocent causes
    /// Tools that assemble bytecode. None of 19,059 code objects of one count is so.
    ///
    /// ## What to do
    /// Find out what made the file. Compile the source again.
    ///
    /// ## References
    /// `codegen_enter_scope` in CPython's `Python/codegen.c` (`compiler_enter_scope` in `Python/compile.c` before); PEP 669.
    id: "PYC512",
    name: "prologue-anomaly",
    summary: "code of 3.11 and later without RESUME",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(odd) = Odd::in_code(context, &[OddityKind::NoResume]) else { return };
    odd.report(findings, "has no RESUME");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    #[test]
    fn flags_code_that_begins_without_it() {
        let finding = Case::code("3.12", &[0x79, 0]).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has no RESUME");
        Case::code("3.11", &[100, 0, 83, 0]).flags(&RULE);
    }

    #[test]
    fn passes_what_compilers_write() {
        for python in ["3.10", "3.11", "3.12", "3.13", "3.14", "PyPy 3.11"] {
            Case::tree().file("m.pyc", Pyc::python(python).build(), 1).passes(&RULE);
        }
    }

    #[test]
    fn leaves_empty_code_to_another_rule() {
        Case::code("3.12", &[]).passes(&RULE);
    }
}
