//! PYC406.

use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Objects in the code that no compiler of its version puts there: a list, a dict or a set among the constants,
    /// `StopIteration`, a float written as text, an integer of 64 bits from a time that has none. Interpreters read them all.
    ///
    /// ## Why it matters
    /// The code object was made or changed by a program, not compiled from source. A constant that can be changed while the
    /// program runs is also a place to hide state.
    ///
    /// ## Innocent causes
    /// Code objects built with `code.replace()` or a bytecode library and then marshalled; a Python newer than this pycaudit.
    ///
    /// ## What to do
    /// Compile the source again and compare. Without a source, look at the code that uses the constant.
    ///
    /// ## References
    /// `w_complex_object` in CPython's Python/marshal.c; `merge_const_one` in Python/compile.c.
    id: "PYC406",
    name: "uncompilable-type",
    summary: "objects that no compiler writes",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let pyc = context.pyc;
    let Some(first) = pyc.unusual_types.first() else { return };
    // Of a body of another version the exact dialect is not known; a damaged one is reported as such.
    if !pyc.body.is_code() || pyc.fit.is_some_and(|fit| fit.is_other_layout() || pyc.version.is_none()) {
        return;
    }
    let kinds: Vec<_> = pyc
        .unusual_types
        .iter()
        .map(|unusual| format!("{} (`{}`)", kind_of(unusual.letter), name::shown(&[unusual.letter])))
        .collect();
    let count = pyc.unusual_types.iter().fold(0_u64, |sum, unusual| sum.saturating_add(unusual.count));
    let python = pyc.version.map(crate::pyc::Version::python).unwrap_or_default();
    let message = format!("`{}` holds {}, which no compiler of {python} writes", context.module, kinds.join(" and "));
    findings.add(message).compared("", format!("{count} in all")).at(first.offset);
}

/// What a type letter of marshal stands for.
fn kind_of(letter: u8) -> &'static str {
    match letter {
        b'[' => "a list",
        b'{' => "a dict",
        b'}' => "a frozendict",
        b'<' => "a set",
        b'S' => "`StopIteration`",
        b'f' | b'x' => "a number written as text",
        b'I' => "an integer of 64 bits",
        _ => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(python: &str, constant: Value) -> Case {
        Case::tree().file("m.pyc", Pyc::python(python).consts(vec![constant]).build(), 1)
    }

    #[test]
    fn flags_a_list_among_the_constants() {
        let finding = case("3.12", Value::List(vec![Value::None])).flags(&RULE);
        assert_eq!(finding.message, "`m` holds a list (`[`), which no compiler of CPython 3.12 writes");
        case("2.7", Value::List(vec![Value::None])).flags(&RULE);
    }

    #[test]
    fn flags_dicts_sets_exceptions_and_numbers_as_text() {
        case("3.12", Value::Dict(Vec::new())).flags(&RULE);
        case("3.12", Value::Set(vec![Value::Int(1)])).flags(&RULE);
        case("3.12", Value::Raw(b"S".to_vec())).flags(&RULE);
        case("3.12", Value::Raw(b"f\x031.5".to_vec())).flags(&RULE);
        case("3.12", Value::Raw(b"I\x01\0\0\0\0\0\0\0".to_vec())).flags(&RULE);
    }

    #[test]
    fn passes_what_compilers_write() {
        for constant in [
            Value::Ellipsis,
            Value::Float(1.5),
            Value::Bytes(vec![1]),
            Value::FrozenSet(vec![Value::Int(1)]),
            Value::Tuple(vec![Value::Str("a".to_owned())]),
            Value::Long(true, vec![1, 2, 3]),
        ] {
            case("3.12", constant.clone()).passes(&RULE);
            case("3.8", constant).passes(&RULE);
        }
        // Up to 2.4 every float was written as text.
        case("2.3", Value::Float(1.5)).passes(&RULE);
    }
}
