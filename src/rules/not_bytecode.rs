//! PYC114.

use crate::name;
use crate::pyc::Body;
use crate::pyc::Unread;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A file with the name of a pyc that is something else: a program (ELF, PE, Mach-O), an archive, an image, text, Python
    /// source, a Git LFS pointer. Files of zeros are `PYC111`.
    ///
    /// ## Why it matters
    /// No interpreter runs it as bytecode. A program or an archive under such a name may be there so that tools which leave
    /// bytecode alone pass it over, to be run or unpacked by something else.
    ///
    /// ## Innocent causes
    /// Other formats use the same ending; a web server's error page was saved in place of the file; Git LFS left a pointer
    /// where the file was not fetched.
    ///
    /// ## Severity
    /// Medium; low for a Git LFS pointer, for blanks and for line ends.
    ///
    /// ## What to do
    /// Look at what it is and what reads it.
    id: "PYC114",
    name: "not-bytecode",
    summary: "named as bytecode, and another kind of file",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Body::NotRead(Unread::NotBytecode(kind)) = context.pyc.body else { return };
    if kind == "zeros" {
        return;
    }
    let head = context.bytes.get(..4).unwrap_or(context.bytes);
    let finding = findings.add(format!("`{}` is named as bytecode and is {kind}", context.module));
    finding.compared("the magic number of an interpreter", name::hex(head)).at(0);
    if matches!(kind, "Git LFS pointer" | "blanks" | "line ends") {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(bytes: &[u8]) -> Case {
        Case::tree().file("m.pyc", bytes, 1)
    }

    #[test]
    fn flags_programs_archives_and_text() {
        for (bytes, message) in [
            (&b"\x7fELF\x02\x01\x01"[..], "`m` is named as bytecode and is ELF"),
            (b"MZ\x90\0\x03", "`m` is named as bytecode and is PE"),
            (b"print('hello')\n", "`m` is named as bytecode and is Python source"),
        ] {
            let finding = case(bytes).flags(&RULE);
            assert_eq!((finding.message.as_str(), finding.severity), (message, Severity::Medium));
        }
    }

    #[test]
    fn says_less_of_a_pointer_and_of_blanks() {
        assert_eq!(case(b"version https://git-lfs.github.com/spec/v1\n").flags(&RULE).severity, Severity::Low);
        assert_eq!(case(b"\n\n\n\n").flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_bytecode_of_known_and_unknown_numbers() {
        case(&Pyc::python("3.12").build()).passes(&RULE);
        case(b"\xc2\xa7\x0d\x0a\x01\x02\x03\x04\xff\xfe\xfd").passes(&RULE);
        case(&[0; 16]).passes(&RULE);
    }
}
