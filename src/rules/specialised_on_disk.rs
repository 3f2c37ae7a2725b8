//! PYC511.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Instructions that an interpreter of 3.11 and later puts into code while it runs (specialised, instrumented or internal ones),
    /// and caches behind instructions that are not empty. One finding for a file: the first such instruction, and how many there
    /// are.
    ///
    /// ## Why it matters
    /// Interpreters write neither to a file: `marshal` stores the code without them. A specialised instruction trusts what is in its
    /// caches (versions, offsets, pointers to objects), which is memory corruption when they were made up, and code that does
    /// something else than it shows.
    ///
    /// ## Innocent causes
    /// Code taken out of the memory of a process by a tool that does not know this.
    ///
    /// ## What to do
    /// Do not run it. Compile the source again.
    ///
    /// ## References
    /// PEP 659; `_PyCode_GetCode` in CPython's `Objects/codeobject.c`; `Include/internal/pycore_opcode_metadata.h`.
    id: "PYC511",
    name: "specialised-on-disk",
    summary: "instructions or caches that only a running interpreter writes",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let kinds = [OddityKind::InterpreterOpcode, OddityKind::FilledCache];
    let Some(odd) = Odd::in_code(context, &kinds) else { return };
    let what = match odd.first.kind {
        OddityKind::InterpreterOpcode => "has an instruction that only a running interpreter writes",
        _ => "has an instruction whose caches are filled",
    };
    let finding = odd.report(findings, what);
    if let Some(instruction) = odd.instruction() {
        finding.compared("", oddity::shown(&instruction));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    #[test]
    fn flags_a_specialised_instruction() {
        // RESUME, a cache without an instruction, RETURN_CONST
        let finding = Case::code("3.12", &[0x97, 0, 0, 0, 0x79, 0]).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has an instruction that only a running interpreter writes");
        assert_eq!(finding.observed, "CACHE 0 at byte 2 of the code");
    }

    #[test]
    fn flags_a_cache_that_is_filled() {
        // RESUME, LOAD_GLOBAL with four caches, RETURN_VALUE
        let with = |cache: u8| {
            let code = vec![0x97, 0, 116, 0, 0, 0, cache, 0, 0, 0, 0, 0, 83, 0];
            let pyc = Pyc::python("3.12").names(&["a"]).edit(|it| it.code = Value::Bytes(code));
            Case::tree().file("m.pyc", pyc.build(), 1)
        };
        let finding = with(1).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has an instruction whose caches are filled");
        with(0).passes(&RULE);
    }

    #[test]
    fn passes_versions_without_caches() {
        Case::code("3.10", &[100, 0, 83, 0]).passes(&RULE);
    }
}
