//! PYC505.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Operands that are not zero on instructions that have none, and EXTENDED_ARG prefixes in a row whose bytes are shifted out of
    /// every operand. One finding for a file: the first such instruction, and how many there are.
    ///
    /// ## Why it matters
    /// The interpreter does not look at these bytes, compilers leave them zero, and disassemblers do not show them: they are where
    /// steganography puts its payload.
    ///
    /// ## Innocent causes
    /// None seen, in 19,059 code objects of one count and in the standard libraries of 2.7 and 3.6 to 3.13. NOP and the ROT
    /// instructions, which the optimiser of 3.10 makes of others without clearing their operand, are left out.
    ///
    /// ## What to do
    /// Read the bytes in the order of the instructions. Compile the source again.
    ///
    /// ## References
    /// Stegosaurus, which hides a payload this way in CPython 3.6 and later.
    id: "PYC505",
    name: "dead-operand-payload",
    summary: "operands that no interpreter looks at and no compiler writes",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let kinds = [OddityKind::NeedlessOperand, OddityKind::LongPrefixChain];
    let Some(odd) = Odd::in_code(context, &kinds) else { return };
    let is_chain = odd.first.kind == OddityKind::LongPrefixChain;
    let what =
        if is_chain { "has more prefixes than an operand has bytes" } else { "has an operand that nothing reads" };
    let finding = odd.report(findings, what);
    if let Some(instruction) = odd.instruction() {
        let shown = oddity::shown(&instruction);
        if is_chain {
            finding.compared("at most 3 prefixes", format!("{} prefixes before {shown}", instruction.prefixes));
        } else {
            finding.compared("0", shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;

    #[test]
    fn flags_an_operand_of_an_instruction_without_one() {
        let finding = Case::code("3.8", &[100, 0, 83, 65]).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has an operand that nothing reads");
        assert_eq!(finding.observed, "RETURN_VALUE 65 at byte 2 of the code");
    }

    #[test]
    fn flags_prefixes_that_are_shifted_out() {
        let finding = Case::code("3.8", &[144, 80, 144, 75, 144, 0, 144, 0, 100, 0, 83, 0]).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has more prefixes than an operand has bytes");
    }

    #[test]
    fn passes_operands_that_are_read_and_what_the_optimiser_leaves() {
        Case::code("3.8", &[144, 0, 144, 0, 144, 0, 100, 0, 83, 0]).passes(&RULE);
        // NOP
        Case::code("3.10", &[9, 3, 100, 0, 83, 0]).passes(&RULE);
    }
}
