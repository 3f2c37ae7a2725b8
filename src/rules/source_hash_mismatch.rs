//! PYC202.

use crate::name;
use crate::pyc::Invalidation;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::rules::hash_of_other_source;
use crate::source::HeaderMatch;
use crate::verify::check::CodeCheck;

declare_rule! {
    /// ## What it reports
    /// A hash-based pyc whose recorded hash (bytes 8 to 16) is not the SipHash of its source, with whatever line ends. When it
    /// is the hash of another file, `PYC206` says so instead.
    ///
    /// ## Why it matters
    /// The pyc was not compiled from the source as it is now. With an unchecked hash it runs all the same, and the source beside
    /// it is not what runs. With a checked hash an interpreter sees it and compiles the source again.
    ///
    /// ## Innocent causes
    /// The source was edited, formatted, stamped with a version or patched after it was compiled.
    ///
    /// ## Severity
    /// Low where the code was compared with the source and is verified: then only comments, spaces or line ends changed. Else high
    /// where the file would run; medium where that is not known; low where an interpreter would compile the source again
    /// or never look, and where the hash fits by the rounds of another Python's SipHash, which only a wrong tool writes.
    ///
    /// ## What to do
    /// Compile the source again and compare the code. Where the file runs, do not trust the source to say what it does.
    ///
    /// ## References
    /// PEP 552; `_imp.source_hash` and `_validate_hash_pyc` in CPython.
    id: "PYC202",
    name: "source-hash-mismatch",
    summary: "the recorded hash is not the source's",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let check = context.header_check;
    let (HeaderMatch::HashMismatch, Some((recorded, actual))) = (check.outcome, check.hash) else { return };
    if hash_of_other_source::other_source(context).is_some() {
        return;
    }
    let module = context.module;
    let is_checked =
        context.pyc.header.as_ref().is_some_and(|header| matches!(header.invalidation, Invalidation::CheckedHash(_)));
    let how = if is_checked { "checked" } else { "unchecked" };
    let (severity, message) = if check.other_rounds {
        let message = "records its source's hash as another version of Python computes it";
        (Severity::Low, format!("`{module}` {message}"))
    } else if matches!(context.code_check, CodeCheck::Verified { .. }) {
        let message = "records another hash than its source has, though its code was compiled from it";
        (Severity::Low, format!("`{module}` {message} ({how})"))
    } else if context.load.verdict.is_live() {
        (Severity::High, format!("`{module}` would run in place of a source with another hash ({how})"))
    } else {
        let severity = if context.is_passed_over() { Severity::Low } else { Severity::Medium };
        (severity, format!("`{module}` records another hash than its source has ({how})"))
    };
    findings.add(message).compared(name::hex(&actual), name::hex(&recorded)).at(8).severity(severity);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::pyc::Magic;
    use crate::source::Rounds;

    fn case(python: &str, rounds: Rounds, source: &[u8], flags: u32) -> Case {
        let magic = Magic(*Pyc::python(python).build_header().first_chunk().unwrap());
        let pyc = Pyc::python(python).hash(rounds.hash(magic, source)).flags(flags).build();
        let cached = format!("__pycache__/m.cpython-{}.pyc", python.replace('.', ""));
        Case::tree().file("m.py", "x = 1\n", 1).file(&cached, pyc, 1)
    }

    #[test]
    fn flags_what_runs_in_place_of_its_source() {
        let finding = case("3.12", Rounds::OneThree, b"x = 2\n", 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.message, "`m` would run in place of a source with another hash (unchecked)");
        assert_eq!((finding.expected.as_str(), finding.offset), ("1522561917f5df08", Some(8)));
    }

    #[test]
    fn flags_as_stale_what_is_compiled_again() {
        assert_eq!(case("3.12", Rounds::OneThree, b"x = 2\n", 3).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn flags_a_hash_by_the_wrong_rounds_as_a_tool_s_mistake() {
        assert_eq!(case("3.12", Rounds::TwoFour, b"x = 1\n", 1).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_hashes_that_fit_with_any_line_ends() {
        case("3.12", Rounds::OneThree, b"x = 1\n", 1).passes(&RULE);
        case("3.12", Rounds::OneThree, b"x = 1\n", 3).passes(&RULE);
        case("3.8", Rounds::TwoFour, b"x = 1\n", 1).passes(&RULE);
        case("3.12", Rounds::OneThree, b"x = 1\r\n", 1).passes(&RULE);
    }

    #[test]
    fn passes_the_hash_of_another_file_and_timestamps() {
        case("3.12", Rounds::OneThree, b"x = 2\n", 1).file("n.py", "x = 2\n", 1).passes(&RULE);
        Case::tree().file("m.py", "x = 3\n", 9).file("m.pyc", Pyc::python("2.7").build(), 1).passes(&RULE);
    }
}
