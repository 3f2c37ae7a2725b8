//! PYC101.

use crate::name;
use crate::pyc;
use crate::pyc::Body;
use crate::pyc::Magic;
use crate::pyc::TextMode;
use crate::pyc::Unread;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc whose first four bytes are no magic number that a known interpreter writes: the number (bytes 0 and 1) is not in the
    /// table, or what follows it is not CR LF. A file that is plainly of another kind is `PYC114`, marshalled code without any
    /// header `PYC112`.
    ///
    /// ## Why it matters
    /// The magic number says which interpreter can run the file. An unknown one means that the file is for an interpreter of its
    /// own, that it is damaged, or that the number was changed so that tools pass it over while a loader of its own reads it.
    /// pycaudit cannot vouch for what it could not read.
    ///
    /// ## Innocent causes
    /// Programs that ship an interpreter of their own (games, protected applications), a Python newer than this pycaudit, a
    /// transfer in text mode, which rewrites the CR LF.
    ///
    /// ## Severity
    /// Medium; low where an interpreter would pass the file over or compile its source instead. A body that reads as the code
    /// of a known version stays medium wherever it is: then only the number was changed.
    ///
    /// ## What to do
    /// Find out what wrote it. Delete it where its source is at hand; `pycaudit magic` lists the known numbers.
    ///
    /// ## References
    /// `_classify_pyc` in CPython's Lib/importlib/_bootstrap_external.py; Include/internal/pycore_magic_number.h.
    id: "PYC101",
    name: "unknown-magic",
    summary: "no known interpreter writes this magic number",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let pyc = context.pyc;
    let (Some(magic), None) = (pyc.magic, pyc.version) else { return };
    if matches!(pyc.body, Body::NotRead(Unread::NotBytecode(_))) || pyc.fit.is_some_and(|fit| fit.offset == 0) {
        return;
    }
    let (module, number) = (context.module, magic.number());
    let with_line_end = Magic::with_number(number);
    let mut expected = String::from("the number of a known interpreter, then 0d0a");
    let mut message = if let Some(damage) = pyc.text_mode {
        let done = match damage {
            TextMode::LfToCrLf => "every LF written as CR LF",
            TextMode::CrLfToLf => "every CR LF read as LF",
            TextMode::CrDropped => "every CR dropped",
        };
        expected = pyc.candidates.first().map_or(expected, |version| name::hex(&version.magic.0));
        format!("`{module}` went through a transfer in text mode: its magic number has {done}")
    } else if let Some(version) = pyc::lookup(with_line_end).first() {
        expected = name::hex(&with_line_end.0);
        format!("`{module}` has the magic number of {}, but not the CR LF behind it", version.python())
    } else {
        format!("`{module}` has the magic number {number}, which no known interpreter writes")
    };
    if let Some(fit) = pyc.fit {
        message.push_str(", and a body that reads as ");
        message.push_str(fit.versions);
    }
    let finding = findings.add(message);
    finding.compared(expected, name::hex(&magic.0)).at(0);
    if context.is_passed_over() && !pyc.body.is_code() {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(path: &str, pyc: &[u8]) -> Case {
        Case::tree().file(path, pyc, 1_600_000_000)
    }

    fn with_magic(magic: [u8; 4]) -> Vec<u8> {
        Pyc::python("3.12").magic(Magic(magic)).build()
    }

    #[test]
    fn flags_a_changed_number_before_code_of_a_known_version() {
        let finding = case("m.pyc", &with_magic([0xc2, 0xa7, b'\r', b'\n'])).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(
            finding.message,
            "`m` has the magic number 42946, which no known interpreter writes, and a body that reads as \
             CPython 3.11 to 3.16"
        );
        assert_eq!(finding.observed, "c2a70d0a");
    }

    #[test]
    fn flags_an_unknown_number_before_an_unreadable_body_and_says_less_of_it_beside_its_source() {
        let bytes: Vec<u8> =
            [0xc2, 0xa7, b'\r', b'\n'].into_iter().chain((0..200_u8).map(|i| i.wrapping_mul(7) | 1)).collect();
        assert_eq!(case("m.pyc", &bytes).flags(&RULE).severity, Severity::Medium);
        let cached = case("__pycache__/m.cpython-312.pyc", &bytes).file("m.py", "x = 1\n", 1);
        assert_eq!(cached.flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn flags_a_number_without_its_line_end() {
        let finding = case("m.pyc", &with_magic([0xcb, 0x0d, 0, 0])).flags(&RULE);
        assert!(finding.message.contains("CPython 3.12"), "{}", finding.message);
        assert_eq!(finding.expected, "cb0d0d0a");
    }

    #[test]
    fn flags_a_transfer_in_text_mode() {
        let mut bytes = Pyc::python("2.7").build();
        bytes.remove(2);
        let finding = case("m.pyc", &bytes).flags(&RULE);
        assert_eq!(
            finding.message,
            "`m` went through a transfer in text mode: its magic number has every CR LF read as LF"
        );
    }

    #[test]
    fn passes_known_numbers_and_files_of_other_kinds() {
        for python in ["2.7", "3.12", "PyPy 3.9", "CPython 3.14a1 (pre-release)"] {
            case("m.pyc", &Pyc::python(python).build()).passes(&RULE);
        }
        case("m.pyc", b"\x7fELF\x02\x01\x01").passes(&RULE);
        case("m.pyc", &Pyc::python("3.12").header([]).build()).passes(&RULE);
        case("m.pyc", b"\xcb\x0d").passes(&RULE);
    }
}
