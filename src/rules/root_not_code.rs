//! PYC404.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc whose marshalled object is no code object, but a tuple, a string, a number or something else.
    ///
    /// ## Why it matters
    /// An import accepts the header and then fails ("Non-code object"). Marshalled data under the name of a module are data for
    /// a loader: code in a tuple, or encrypted code in a string.
    ///
    /// ## Innocent causes
    /// A program that keeps other marshalled data in files of this name.
    ///
    /// ## What to do
    /// Find out what reads the file. `pycaudit inspect` shows what is in it.
    ///
    /// ## References
    /// `_compile_bytecode` in CPython's Lib/importlib/_bootstrap_external.py.
    id: "PYC404",
    name: "root-not-code",
    summary: "the marshalled object is no code object",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(damage) = context.damage().filter(|damage| damage.kind == ProblemKind::RootNotCode) else { return };
    let offset = damage.offset.unwrap_or_default();
    let letter = usize::try_from(offset).ok().and_then(|offset| context.bytes.get(offset)).copied().unwrap_or_default();
    let kind = kind_of(letter & 0x7f);
    let message = format!("`{}` holds {kind} where a code object has to be", context.module);
    findings.add(message).compared("a code object", kind).at(offset);
}

/// What a type letter of marshal stands for.
fn kind_of(letter: u8) -> &'static str {
    match letter {
        b'(' | b')' => "a tuple",
        b'[' => "a list",
        b'{' | b'}' => "a dict",
        b'<' | b'>' => "a set",
        b's' => "a byte string",
        b't' | b'u' | b'a' | b'A' | b'z' | b'Z' => "a string",
        b'i' | b'I' | b'l' => "an integer",
        b'f' | b'g' => "a float",
        b'x' | b'y' => "a complex number",
        b':' => "a slice",
        b'N' => "`None`",
        b'T' | b'F' => "a truth value",
        _ => "another object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(body: &[u8]) -> Case {
        Case::tree().file("m.pyc", Pyc::python("3.12").body(body).build(), 1)
    }

    #[test]
    fn flags_data_in_place_of_code() {
        for (body, message) in [
            (&b"N"[..], "`m` holds `None` where a code object has to be"),
            (b"\xa9\x02NN", "`m` holds a tuple where a code object has to be"),
            (b"s\x03\0\0\0abc", "`m` holds a byte string where a code object has to be"),
        ] {
            let finding = case(body).flags(&RULE);
            assert_eq!((finding.message.as_str(), finding.offset), (message, Some(16)));
        }
    }

    #[test]
    fn passes_code_and_what_cannot_be_read() {
        Case::tree().file("m.pyc", Pyc::python("3.12").build(), 1).passes(&RULE);
        case(b"\x01").passes(&RULE);
        case(b"(\x05\0\0\0NN").passes(&RULE);
    }
}
