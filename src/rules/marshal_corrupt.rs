//! PYC401.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::resource_bomb;

declare_rule! {
    /// ## What it reports
    /// Marshalled code at which an interpreter of its version stops: a type byte that it does not know, a length beyond the
    /// data, text that is not UTF-8, a number with impossible digits, a field of a code object that has the wrong type or
    /// contradicts another. The first such place is shown. Data that end too early are `PYC402`, references to nothing
    /// `PYC408`, a body of noise `PYC116`.
    ///
    /// ## Why it matters
    /// An import of the file raises an exception or crashes the interpreter: the header alone decides whether the file is used,
    /// and a bad body does not make Python compile the source again. pycaudit could not read what follows the damage.
    ///
    /// ## Innocent causes
    /// A damaged disk or transfer. Protected code often looks like this to a plain interpreter.
    ///
    /// ## What to do
    /// Delete the file and compile the source again. Without a source, find out what loads it.
    ///
    /// ## References
    /// `r_object` in CPython's Python/marshal.c; `_PyCode_Validate` in Objects/codeobject.c.
    id: "PYC401",
    name: "marshal-corrupt",
    summary: "the marshalled code is damaged",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(damage) = context.damage() else { return };
    let is_here = match damage.kind {
        ProblemKind::LengthBeyondData => !resource_bomb::is_bomb(context, damage),
        ProblemKind::NegativeLength
        | ProblemKind::UnknownType
        | ProblemKind::TypeOfOtherVersion
        | ProblemKind::NullObject
        | ProblemKind::BadUtf8
        | ProblemKind::BadFloat
        | ProblemKind::BadDigit
        | ProblemKind::UnnormalisedLong
        | ProblemKind::Unhashable
        | ProblemKind::FieldType
        | ProblemKind::FieldCounts => true,
        _ => false,
    };
    if !is_here {
        return;
    }
    let message = format!("the marshalled code of `{}` is damaged: {}", context.module, damage.kind.message());
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

    fn case(pyc: &Pyc) -> Case {
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    fn with_constant(raw: &[u8]) -> Case {
        case(&Pyc::python("3.12").consts(vec![Value::Raw(raw.to_vec())]))
    }

    #[test]
    fn flags_an_unknown_type() {
        let finding = with_constant(b"\x01").flags(&RULE);
        assert_eq!(finding.message, "the marshalled code of `m` is damaged: unknown marshal type");
        assert_eq!(finding.observed, "0x01");
        assert!(finding.offset.is_some_and(|offset| offset > 16));
    }

    #[test]
    fn flags_lengths_text_numbers_and_fields_that_cannot_be() {
        for raw in [&b"s\xff\xff\xff\x7f"[..], b"u\x01\0\0\0\xff", b"l\x01\0\0\0\xff\xff", b"0"] {
            with_constant(raw).flags(&RULE);
        }
        case(&Pyc::python("3.12").edit(|code| code.filename = Value::None)).flags(&RULE);
        case(&Pyc::python("3.12").edit(|code| code.argcount = -1)).flags(&RULE);
    }

    #[test]
    fn flags_the_first_place_alone() {
        with_constant(b"l\x01\0\0\0\xff\xffl\x01\0\0\0\xff\xff\x01").flags(&RULE);
    }

    #[test]
    fn passes_good_code_and_what_other_rules_report() {
        for python in ["2.7", "3.6", "3.12", "PyPy 3.9"] {
            case(&Pyc::python(python)).passes(&RULE);
        }
        case(&Pyc::python("3.12").cut(40)).passes(&RULE);
        case(&Pyc::python("3.12").body(*b"N")).passes(&RULE);
        with_constant(b"r\xff\0\0\0").passes(&RULE);
        with_constant(b"(\xff\xff\xff\x7f").passes(&RULE);
    }
}
