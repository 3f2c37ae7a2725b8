//! PYC610.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::source::Newline;

declare_rule! {
    /// ## What it reports
    /// A pyc whose recorded size or hash is not that of its source, but that of the same source with its lines ended by CR LF.
    ///
    /// ## Why it matters
    /// It was compiled on another machine than the source was taken from, most likely on Windows or in a checkout with
    /// `core.autocrlf`. An interpreter takes it as stale; an unchecked one runs.
    ///
    /// ## Innocent causes
    /// A release that was built on Windows, or committed caches.
    ///
    /// ## What to do
    /// Nothing, if the project is built on Windows. Otherwise ask where the bytecode comes from.
    ///
    /// ## References
    /// PEP 552; `git-config`, `core.autocrlf`.
    id: "PYC610",
    name: "built-from-crlf",
    summary: "the header fits the source with CR LF line ends",
    severity: Info,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let check = context.header_check;
    if check.newline != Some(Newline::CrLf) {
        return;
    }
    let message = format!("`{}` was compiled from its source with CR LF at the end of lines", context.module);
    let finding = findings.add(message);
    if let Some((recorded, actual)) = check.size {
        finding
            .compared(format!("a source of {recorded} bytes"), format!("{actual} bytes with its line ends of today"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(recorded: u32, source: &str) -> Case {
        let pyc = Pyc::python("3.12").source_mtime(100).source_size(recorded).build();
        Case::tree().file("m.py", source, 100).file("__pycache__/m.cpython-312.pyc", pyc, 101)
    }

    #[test]
    fn flags_a_size_that_only_crlf_explains() {
        let finding = case(14, "x = 1\ny = 2\n").flags(&RULE);
        assert_eq!(finding.expected, "a source of 14 bytes");
    }

    #[test]
    fn passes_a_source_of_the_recorded_size_and_one_of_another() {
        case(12, "x = 1\ny = 2\n").passes(&RULE);
        case(13, "x = 1\ny = 2\n").passes(&RULE);
    }

    #[test]
    fn passes_a_source_that_has_crlf_today() {
        case(12, "x = 1\r\ny = 2\r\n").passes(&RULE);
    }
}
