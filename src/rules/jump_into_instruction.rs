//! PYC504.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Code in which execution can go to where no instruction begins: a jump to between the starts of two instructions or to outside
    /// the code, code that ends inside an instruction or its caches, has no instructions at all, or does not end with an instruction
    /// that ends it. One finding for a file: the first such place, and how many there are. Code objects with undefined opcodes are
    /// PYC501 alone: where their instructions begin is not certain.
    ///
    /// ## Why it matters
    /// An interpreter runs whatever bytes are at the target: what a disassembler shows is not what is executed, which is the purpose
    /// of such jumps. Execution that leaves the code runs other memory as code.
    ///
    /// ## Innocent causes
    /// None that compile.
    ///
    /// ## What to do
    /// Do not run it. Disassemble from the target of the jump.
    ///
    /// ## References
    /// `_PyCode_Validate` in CPython's `Objects/codeobject.c`, which does not look at instructions.
    id: "PYC504",
    name: "jump-into-instruction",
    summary: "execution leaves the code or goes to where no instruction begins",
    severity: High,
    check: Pyc(check),
}

const KINDS: &[OddityKind] = &[
    OddityKind::JumpIntoInstruction,
    OddityKind::JumpOutsideCode,
    OddityKind::FallsOffEnd,
    OddityKind::CutInstruction,
    OddityKind::CutCache,
];

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    // Half an instruction is cut in a walk as well.
    let Some(odd) = Odd::in_code_or_field(context, KINDS, OddityKind::EmptyCode) else { return };
    let what = match odd.first.kind {
        OddityKind::JumpIntoInstruction => "jumps to where no instruction begins",
        OddityKind::JumpOutsideCode => "jumps to outside its code",
        OddityKind::FallsOffEnd => "goes on behind the end of its code",
        OddityKind::CutInstruction => "ends inside an instruction",
        OddityKind::CutCache => "ends inside the caches of an instruction",
        _ => "has no instructions",
    };
    let finding = odd.report(findings, what);
    if let (Some(code), Some(instruction)) = (odd.code(), odd.instruction()) {
        let length = code.code().len();
        let shown = oddity::shown(&instruction);
        match instruction.target {
            Some(target) => {
                finding.compared(format!("an instruction of the {length} bytes"), format!("{shown}, to byte {target}"))
            }
            None => finding.compared("", format!("{shown}, of {length} bytes")),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    #[test]
    fn flags_a_jump_into_the_prefix_of_an_instruction() {
        // JUMP_FORWARD 2, EXTENDED_ARG 0, LOAD_CONST 0, RETURN_VALUE
        let finding = Case::code("3.8", &[110, 2, 144, 0, 100, 0, 83, 0]).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` jumps to where no instruction begins");
        assert_eq!(finding.observed, "JUMP_FORWARD 2 at byte 0 of the code, to byte 4");
    }

    #[test]
    fn flags_a_jump_into_an_operand_and_out_of_the_code() {
        Case::code("2.7", &[113, 4, 0, 100, 0, 0, 83]).flags(&RULE);
        Case::code("3.8", &[113, 200, 100, 0, 83, 0]).flags(&RULE);
    }

    #[test]
    fn flags_code_that_does_not_end_and_code_that_is_cut() {
        let says = |case: Case, what: &str| {
            let finding = case.flags(&RULE);
            assert!(finding.message.ends_with(what), "{}", finding.message);
        };
        says(Case::code("3.8", &[100, 0]), "goes on behind the end of its code");
        says(Case::code("3.8", &[100, 0, 83]), "ends inside an instruction");
        says(Case::code("3.8", &[]), "has no instructions");
        // RESUME, LOAD_GLOBAL with one cache of four
        let named = Pyc::python("3.12").names(&["a"]).edit(|it| it.code = Value::Bytes(vec![0x97, 0, 116, 0, 0, 0]));
        says(Case::tree().file("m.pyc", named.build(), 1), "ends inside the caches of an instruction");
    }

    #[test]
    fn passes_jumps_to_instructions_and_their_prefixes() {
        Case::code("3.8", &[110, 0, 144, 0, 100, 0, 83, 0]).passes(&RULE);
        Case::code("3.8", &[110, 2, 9, 0, 100, 0, 83, 0]).passes(&RULE);
    }

    #[test]
    fn passes_code_with_undefined_opcodes() {
        // The jump may be into what is the argument of the undefined one.
        Case::code("3.12", &[0x97, 0, 110, 2, 205, 0, 0, 0, 144, 0, 0x79, 0]).passes(&RULE);
    }
}
