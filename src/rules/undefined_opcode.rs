//! PYC501.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Instructions whose number stands for nothing in the version of the magic number. One finding for a file: the first such
    /// instruction, and how many there are. Numbers that only a running interpreter uses are PYC511.
    ///
    /// ## Why it matters
    /// The stock interpreter stops at such an instruction with `SystemError: unknown opcode`. Either it is never reached, and hides
    /// data or leads disassemblers astray, or the file is meant for an interpreter whose numbers were changed, which is how some
    /// protectors keep code from being read.
    ///
    /// ## Innocent causes
    /// A private interpreter that uses the magic number of a stock one. Pre-releases renumber too, but have magic numbers of their
    /// own and are not looked at.
    ///
    /// ## What to do
    /// Find out which interpreter the file is for. Compare with a compilation of the source by the version of the magic number.
    ///
    /// ## References
    /// `Include/opcode.h` and `Lib/opcode.py` of each version.
    id: "PYC501",
    name: "undefined-opcode",
    summary: "instructions that the version does not have",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(odd) = Odd::in_code(context, &[OddityKind::UndefinedOpcode]) else { return };
    let python = odd.python();
    let finding = odd.report(findings, &format!("has an instruction that {python} does not have"));
    if let Some(instruction) = odd.instruction() {
        let observed = format!("opcode {} at byte {} of the code", instruction.opcode, instruction.offset);
        finding.compared(format!("an opcode of {python}"), observed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    #[test]
    fn flags_a_number_that_stands_for_nothing() {
        let finding = Case::code("3.8", &[100, 0, 13, 7, 83, 0]).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has an instruction that CPython 3.8 does not have");
        assert_eq!(finding.observed, "opcode 13 at byte 2 of the code");
        let bytes = Pyc::python("3.8").edit(|it| it.code = Value::Bytes(vec![100, 0, 13, 7, 83, 0])).build();
        assert_eq!(bytes[usize::try_from(finding.offset.unwrap()).unwrap()], 13);
        Case::code("2.7", &[100, 0, 0, 6, 83]).flags(&RULE);
    }

    #[test]
    fn counts_the_places() {
        let finding = Case::code("3.12", &[0x97, 0, 205, 0, 206, 0, 0x79, 0]).flags(&RULE);
        assert!(finding.message.ends_with("does not have; the first of 2 such places"), "{}", finding.message);
    }

    #[test]
    fn a_file_of_cpython_is_not_taken_for_pypy_because_of_a_number_that_pypy_has() {
        for python in ["3.8", "3.9"] {
            let finding = Case::code(python, &[201, 0, 100, 0, 83, 0]).flags(&RULE);
            assert!(finding.message.ends_with(&format!("CPython {python} does not have")), "{}", finding.message);
        }
    }

    #[test]
    fn passes_every_instruction_of_an_empty_module() {
        for python in ["2.7", "3.6", "3.8", "3.10", "3.11", "3.12", "3.13", "3.14", "PyPy 3.9"] {
            Case::tree().file("m.pyc", Pyc::python(python).build(), 1).passes(&RULE);
        }
    }

    #[test]
    fn passes_versions_whose_numbers_are_not_certain() {
        Case::code("CPython 3.14a1 (pre-release)", &[255, 0, 255, 0]).passes(&RULE);
    }
}
