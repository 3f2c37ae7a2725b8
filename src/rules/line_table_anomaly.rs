//! PYC507.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Line tables that do not follow their format, end before the code does or go on behind it, and code objects whose first line is
    /// negative. One finding for a file: the first such table, and how many there are.
    ///
    /// ## Why it matters
    /// Tracebacks, debuggers and coverage take lines from there, and so does pycaudit to compare with the source. Compilers always
    /// write a table that fits: the instructions were changed after compilation, or the table was taken away to hide from where they
    /// come.
    ///
    /// ## Innocent causes
    /// Tools that rewrite or assemble bytecode and leave the table as it was, or empty.
    ///
    /// ## What to do
    /// Find out what rewrote the code. Compile the source again.
    ///
    /// ## References
    /// PEP 626, PEP 657; `Objects/lnotab_notes.txt` and `Objects/locations.md` of CPython.
    id: "PYC507",
    name: "line-table-anomaly",
    summary: "line tables that do not fit the code or their format",
    severity: Medium,
    check: Pyc(check),
}

const KINDS: &[OddityKind] = &[OddityKind::DamagedLineTable, OddityKind::ShortLineTable, OddityKind::LongLineTable];

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(odd) = Odd::in_code_or_field(context, KINDS, OddityKind::NegativeLine) else { return };
    let what = match odd.first.kind {
        OddityKind::DamagedLineTable => "has a line table that does not follow its format",
        OddityKind::ShortLineTable => "has a line table that ends before the code",
        OddityKind::LongLineTable => "has a line table that goes on behind the code",
        _ => "begins at a negative line",
    };
    let finding = odd.report(findings, what);
    let Some(code) = odd.code() else { return };
    if odd.first.kind == OddityKind::NegativeLine {
        finding.compared("", format!("line {}", code.firstlineno().unwrap_or_default()));
    } else {
        let (table, code) = (code.linetable().len(), code.code().len());
        finding.compared("", format!("a table of {table} bytes for {code} bytes of code"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(python: &str, table: &[u8]) -> Case {
        let pyc = Pyc::python(python).edit(|it| it.linetable = Value::Bytes(table.to_vec()));
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_a_table_that_is_missing_or_cut() {
        let finding = case("3.12", b"").flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has a line table that ends before the code");
        assert_eq!(finding.observed, "a table of 0 bytes for 4 bytes of code");
        case("3.12", b"\xf1\x03\x01").flags(&RULE);
        case("3.8", b"\x02").flags(&RULE);
    }

    #[test]
    fn flags_a_negative_line() {
        let finding =
            Case::tree().file("m.pyc", Pyc::python("3.8").edit(|it| it.firstlineno = -4).build(), 1).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` begins at a negative line");
        assert_eq!(finding.observed, "line -4");
    }

    #[test]
    fn passes_tables_that_compilers_write() {
        for python in ["2.7", "3.8", "3.10", "3.11", "3.12", "3.13", "3.14"] {
            Case::tree().file("m.pyc", Pyc::python(python).build(), 1).passes(&RULE);
        }
        // No entries: all of the code is of the first line.
        case("3.8", b"").passes(&RULE);
        case("3.8", b"\x02\x01").passes(&RULE);
    }
}
