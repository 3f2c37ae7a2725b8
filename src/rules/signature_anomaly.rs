//! PYC513.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Code objects whose counts of arguments and locals do not agree with their names, and variables of 3.11 and later that are
    /// neither local nor cell nor free or whose kind has unknown bits. Counts that an interpreter refuses are PYC401. One finding for a
    /// file: the first such code object, and how many there are.
    ///
    /// ## Why it matters
    /// The interpreter lays out a function's frame by these numbers, and reads and writes memory by them when the function is called.
    /// Compilers compute all of them from the same table.
    ///
    /// ## Innocent causes
    /// A damaged field. Tools that rewrite bytecode and forget a field.
    ///
    /// ## What to do
    /// Do not run it. Compile the source again.
    ///
    /// ## References
    /// `_PyCode_Validate` and `PyCode_New` in CPython's `Objects/codeobject.c`; `Include/internal/pycore_code.h`.
    id: "PYC513",
    name: "signature-anomaly",
    summary: "counts of arguments and variables that do not fit the names",
    severity: Medium,
    check: Pyc(check),
}

const KINDS: &[OddityKind] = &[OddityKind::CountsDisagree, OddityKind::VariableOfNoKind, OddityKind::UnknownKindBits];

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(odd) = Odd::in_fields(context, KINDS) else { return };
    let what = match odd.first.kind {
        OddityKind::CountsDisagree => "has counts that do not fit its names",
        OddityKind::VariableOfNoKind => "has a variable that is neither local nor cell nor free",
        _ => "has a variable whose kind has unknown bits",
    };
    let finding = odd.report(findings, what);
    if odd.first.kind == OddityKind::CountsDisagree
        && let Some(code) = odd.code()
    {
        let (arguments, locals, names) = (code.argcount(), code.nlocals(), code.varnames().len());
        finding.compared("", format!("{arguments} arguments, {locals} locals, {names} names of variables"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    #[test]
    fn flags_a_count_without_names() {
        let pyc = Pyc::python("3.8").edit(|it| it.nlocals = 7);
        let finding = Case::tree().file("m.pyc", pyc.build(), 1).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has counts that do not fit its names");
        assert_eq!(finding.observed, "0 arguments, 7 locals, 0 names of variables");
    }

    fn with_kind(kind: u8) -> Case {
        let pyc = Pyc::python("3.12").edit(|it| {
            it.localsplusnames = Value::names(&["a"]);
            it.localspluskinds = Value::Bytes(vec![kind]);
        });
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_variables_of_no_and_of_unknown_kind() {
        with_kind(0).flags(&RULE);
        with_kind(0x21).flags(&RULE);
    }

    #[test]
    fn passes_what_fits() {
        with_kind(0x20).passes(&RULE);
        let pyc = Pyc::python("3.8").edit(|it| (it.nlocals, it.varnames) = (1, Value::names(&["a"])));
        Case::tree().file("m.pyc", pyc.build(), 1).passes(&RULE);
    }
}
