//! PYC403.

use crate::name;
use crate::pyc;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Bytes behind the code object of a pyc. What they begin with is shown, and their kind when it is a known one.
    ///
    /// ## Why it matters
    /// Python ignores them, and so do tools that read the code alone: a place to carry a payload, which the code or another
    /// program reads from the file, or to make one file two things at once (a zip archive is found by its end).
    ///
    /// ## Innocent causes
    /// None known: no compiler writes any. NUL bytes alone can be what a file system filled up after a crash.
    ///
    /// ## Severity
    /// High; low for NUL bytes, which hold nothing.
    ///
    /// ## What to do
    /// Look at the bytes, and for what reads them. Compiling the source again removes them.
    ///
    /// ## References
    /// `read_object` and `PyMarshal_ReadObjectFromString` in CPython's Python/marshal.c do not ask for the end of the data.
    id: "PYC403",
    name: "trailing-data",
    summary: "bytes behind the code object",
    severity: High,
    check: Pyc(check),
}

/// How many of the bytes are shown.
const SHOWN: usize = 16;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let pyc = context.pyc;
    if pyc.trailing == 0 || !pyc.body.is_code() || !context.is_whole {
        return;
    }
    let offset = (context.bytes.len() as u64).saturating_sub(pyc.trailing);
    let tail = usize::try_from(offset).ok().and_then(|offset| context.bytes.get(offset..)).unwrap_or_default();
    let kind = pyc::recognise(tail);
    let mut message = format!("`{}` has {} bytes behind its code", context.module, pyc.trailing);
    if let Some(kind) = kind {
        message.push_str(", and they are ");
        message.push_str(kind);
    }
    let finding = findings.add(message);
    finding.compared("the end of the file", name::hex(tail.get(..SHOWN).unwrap_or(tail))).at(offset);
    if kind == Some("zeros") {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(python: &str, trailing: &[u8]) -> Case {
        Case::tree().file("m.pyc", Pyc::python(python).trailing(trailing).build(), 1)
    }

    #[test]
    fn flags_a_single_byte_and_an_archive() {
        let whole = Pyc::python("3.12").build().len() as u64;
        let finding = case("3.12", b"\x07").flags(&RULE);
        assert_eq!((finding.severity, finding.offset), (Severity::High, Some(whole)));
        let finding = case("2.7", b"PK\x03\x04payload").flags(&RULE);
        assert_eq!(finding.message, "`m` has 11 bytes behind its code, and they are zip");
        assert_eq!(finding.observed, "504b03047061796c6f6164");
    }

    #[test]
    fn says_less_of_zeros() {
        assert_eq!(case("3.12", &[0; 40]).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_code_to_the_last_byte_and_damaged_code() {
        case("3.12", b"").passes(&RULE);
        case("PyPy 3.9", b"").passes(&RULE);
        let damaged = Pyc::python("3.12").edit(|code| code.argcount = -1).trailing(*b"tail");
        Case::tree().file("m.pyc", damaged.build(), 1).passes(&RULE);
    }
}
