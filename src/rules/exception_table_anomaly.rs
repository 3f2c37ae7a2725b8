//! PYC508.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Exception tables of 3.11 and later that do not follow their format, are not sorted, or have ranges or handlers outside the code
    /// or between two instructions. One finding for a file: the first such entry, and how many there are.
    ///
    /// ## Why it matters
    /// When something is raised, the interpreter goes on wherever the table says and does not check it: a handler in the middle of an
    /// instruction runs code that no disassembler shows.
    ///
    /// ## Innocent causes
    /// Tools that rewrite or assemble bytecode and leave the table as it was.
    ///
    /// ## What to do
    /// Find out what rewrote the code. Compile the source again.
    ///
    /// ## References
    /// `Objects/exception_handling_notes.txt` of CPython; `get_exception_handler` in `Python/ceval.c`.
    id: "PYC508",
    name: "exception-table-anomaly",
    summary: "exception tables that do not fit the code or their format",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let kinds = [OddityKind::DamagedExceptionTable, OddityKind::ExceptionTableOutsideCode];
    let Some(odd) = Odd::in_code(context, &kinds) else { return };
    let what = match odd.first.kind {
        OddityKind::DamagedExceptionTable => "has an exception table that does not follow its format",
        _ => "has an exception table that names places where no instruction begins",
    };
    let finding = odd.report(findings, what);
    let Some(code) = odd.code() else { return };
    let (table, code) = (code.exceptiontable().len(), code.code().len());
    finding.compared("", format!("a table of {table} bytes for {code} bytes of code"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(table: &[u8]) -> Case {
        let pyc = Pyc::python("3.12").edit(|it| it.exceptiontable = Value::Bytes(table.to_vec()));
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_a_table_that_is_cut_and_one_without_beginnings() {
        let finding = case(&[0x80, 1]).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has an exception table that does not follow its format");
        assert_eq!(finding.observed, "a table of 2 bytes for 4 bytes of code");
        case(&[0, 1, 1, 0]).flags(&RULE);
    }

    #[test]
    fn flags_a_handler_outside_the_code() {
        let finding = case(&[0x80, 1, 9, 0]).flags(&RULE);
        assert!(finding.message.ends_with("names places where no instruction begins"), "{}", finding.message);
    }

    #[test]
    fn passes_a_handler_at_an_instruction_and_versions_without_a_table() {
        case(&[0x80, 1, 1, 0]).passes(&RULE);
        case(&[]).passes(&RULE);
        Case::tree().file("m.pyc", Pyc::python("3.10").build(), 1).passes(&RULE);
    }
}
