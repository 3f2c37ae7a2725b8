//! PYC408.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A reference in the marshalled data to an object that does not exist, or to one that is not complete: a tuple that holds
    /// itself.
    ///
    /// ## Why it matters
    /// No writer makes either. A reference to nothing stops an interpreter. A tuple that holds itself does not: the
    /// interpreter builds it, and code that walks its constants, in a tool or in the interpreter itself, never ends or
    /// crashes.
    ///
    /// ## Innocent causes
    /// A damaged file.
    ///
    /// ## What to do
    /// Delete the file and compile the source again. Do not open it with `marshal` or `dis`.
    ///
    /// ## References
    /// `TYPE_REF` and `R_REF` in CPython's Python/marshal.c.
    id: "PYC408",
    name: "bad-reference",
    summary: "refers to an object that is not there or not complete",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(damage) = context.damage() else { return };
    let module = context.module;
    let message = match damage.kind {
        ProblemKind::BadReference => {
            format!("the marshalled code of `{module}` refers to an object that does not exist")
        }
        ProblemKind::UnfinishedReference => format!("an object in the marshalled code of `{module}` holds itself"),
        _ => return,
    };
    let finding = findings.add(message);
    finding.compared("", damage.detail.as_str());
    if let Some(offset) = damage.offset {
        finding.at(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(python: &str, raw: &[u8]) -> Case {
        let pyc = Pyc::python(python).consts(vec![Value::Raw(raw.to_vec())]);
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_a_reference_to_nothing() {
        let finding = case("3.12", b"r\xff\0\0\0").flags(&RULE);
        assert_eq!(finding.message, "the marshalled code of `m` refers to an object that does not exist");
        assert!(finding.observed.starts_with("255 of "), "{}", finding.observed);
        case("2.7", b"R\x07\0\0\0").flags(&RULE);
    }

    #[test]
    fn flags_a_name_that_refers_to_nothing_and_not_the_field_that_lacks_it() {
        let pyc = Pyc::python("2.7").edit(|code| code.name = Value::Raw(b"R\x07\0\0\0".to_vec()));
        Case::tree().file("m.pyc", pyc.build(), 1).flags(&RULE);
    }

    #[test]
    fn flags_a_tuple_that_holds_itself() {
        let finding = case("3.12", b"\xa9\x01r\x01\0\0\0").flags(&RULE);
        assert_eq!(finding.message, "an object in the marshalled code of `m` holds itself");
    }

    #[test]
    fn passes_references_to_what_is_complete() {
        // The code object is the first, the byte string behind it the second.
        case("3.12", b"\xa9\x02\xf3\x01\0\0\0ar\x02\0\0\0").passes(&RULE);
        case("3.12", b"N").passes(&RULE);
    }
}
