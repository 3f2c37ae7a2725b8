//! PYC205.

use crate::pyc::Invalidation;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::verify::check::CodeCheck;

declare_rule! {
    /// ## What it reports
    /// A pyc whose header says that it was compiled from the source beside it (time and size agree, or the hash does), and whose code
    /// was not. `PYC201` says where they part.
    ///
    /// ## Why it matters
    /// The compiler writes header and code at once. A header that fits code which does not was put in front of it by hand, so that
    /// an interpreter takes the file for fresh.
    ///
    /// ## Innocent causes
    /// With a time and a size: an edit that kept the size, in the second in which the source was compiled, or a copy that set the
    /// time back. With a hash: none is known but import hooks that this version of pycaudit does not recognise by the file's name.
    ///
    /// ## Severity
    /// That of `PYC201`: critical where the file would run, high where an interpreter would compile the source again all the same,
    /// medium where none would look at it.
    ///
    /// ## What to do
    /// As for `PYC201`; then find out who wrote the file.
    ///
    /// ## References
    /// PEP 552; `_code_to_timestamp_pyc` and `_code_to_hash_pyc` in CPython's Lib/importlib/_bootstrap_external.py.
    id: "PYC205",
    name: "forged-freshness",
    summary: "the header fits the source, the code does not",
    severity: Critical,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if !matches!(context.code_check, CodeCheck::Differs { .. }) || !context.claims_fresh() {
        return;
    }
    let Some(header) = context.pyc.header.as_ref() else { return };
    let what = match header.invalidation {
        Invalidation::Timestamp { source_size: Some(_), .. } => "time and size",
        Invalidation::Timestamp { source_size: None, .. } => "the time",
        Invalidation::CheckedHash(_) | Invalidation::UncheckedHash(_) => "the hash",
    };
    let message = format!("`{}` records {what} of its source, and was not compiled from it", context.module);
    findings
        .add(message)
        .compared("code of the source that the header records", "other code")
        .severity(context.severity_of_other_code());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::rules::Severity;

    fn case(source: &str, mtime: i64) -> Case {
        let cached = "__pycache__/m.cpython-312.pyc";
        Case::tree().file("m.py", source, mtime).file(cached, Pyc::python("3.12").build(), mtime)
    }

    #[test]
    fn flags_other_code_under_a_header_that_fits() {
        let finding = case("x = 1\n", 1_600_000_000).flags(&RULE);
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!(finding.message, "`m` records time and size of its source, and was not compiled from it");
    }

    #[test]
    fn passes_what_admits_to_be_stale_and_what_fits() {
        case("x = 1\n", 1_600_000_009).passes(&RULE);
        case("# abc\n", 1_600_000_000).passes(&RULE);
    }

    #[test]
    fn passes_a_hash_of_another_source() {
        let pyc = Pyc::python("3.12").flags(1).hash([0; 8]).build();
        Case::tree().file("m.py", "x = 1\n", 1).file("__pycache__/m.cpython-312.pyc", pyc, 1).passes(&RULE);
    }
}
