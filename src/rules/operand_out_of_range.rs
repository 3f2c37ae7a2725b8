//! PYC503.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Instructions whose operand is an index for which there is nothing: a constant, name, variable, cell or operator that the code
    /// object or the version does not have. One finding for a file: the first such instruction, and how many there are. Jumps are
    /// PYC504.
    ///
    /// ## Why it matters
    /// Interpreters do not check these indexes: they read whatever is in memory behind the table and use it as an object. That is a
    /// crash, or a way to run machine code out of bytecode. Code whose opcodes were renumbered by a protector looks so as well.
    ///
    /// ## Innocent causes
    /// None that compile. Of 204,904 pycs of the package index, 42 of one wheel are so, with remapped opcodes.
    ///
    /// ## What to do
    /// Do not run it. Find out which interpreter the file is for, and compare with a compilation of the source.
    ///
    /// ## References
    /// `GETITEM` in CPython's `Python/ceval.c`, unchecked in release builds; PycLens.
    id: "PYC503",
    name: "operand-out-of-range",
    summary: "operands that refer to no constant, name or variable",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(odd) = Odd::in_code(context, &[OddityKind::OperandOutOfRange]) else { return };
    let finding = odd.report(findings, "has an instruction whose operand refers to nothing");
    if let (Some(code), Some(instruction)) = (odd.code(), odd.instruction()) {
        finding.compared(oddity::room(code, &instruction), oddity::shown(&instruction));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    #[test]
    fn flags_a_constant_that_is_not_there() {
        let finding = Case::code("3.8", &[100, 9, 83, 0]).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has an instruction whose operand refers to nothing");
        assert_eq!(finding.expected, "an index of 1 constants");
        assert_eq!(finding.observed, "LOAD_CONST 9 at byte 0 of the code");
        // RESUME, RETURN_CONST 1
        Case::code("3.12", &[0x97, 0, 0x79, 1]).flags(&RULE);
    }

    #[test]
    fn flags_names_variables_and_operators() {
        // LOAD_NAME, LOAD_FAST, COMPARE_OP
        for instruction in [[101, 0], [124, 0], [107, 99]] {
            Case::code("3.8", &[instruction.as_slice(), &[100, 0, 83, 0]].concat()).flags(&RULE);
        }
    }

    #[test]
    fn passes_operands_with_something_behind_them() {
        Case::code("3.8", &[100, 0, 83, 0]).passes(&RULE);
        let named = Pyc::python("3.8").names(&["a"]).edit(|it| it.code = Value::Bytes(vec![101, 0, 83, 0]));
        Case::tree().file("m.pyc", named.build(), 1).passes(&RULE);
    }
}
