//! PYC112.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code object does not begin where the header of its magic number ends (8, 12 or 16 bytes), but somewhere
    /// else, or marshalled code with no header at all.
    ///
    /// ## Why it matters
    /// No import loads it: the interpreter would begin to read in the middle. Whoever wrote it has a loader of its own, changed
    /// the magic number, or hides code from tools that go by the header. The code behind it is whole.
    ///
    /// ## Innocent causes
    /// pytest writes 12 bytes on Python 2.7, and did on 3.7 and 3.8 before pytest 6. Tools that freeze applications strip
    /// headers, and tools that take such applications apart put wrong ones back.
    ///
    /// ## Severity
    /// High; medium for code without any header, which is what freezers leave; low for 12 bytes on a version on which pytest
    /// wrote as many, and nothing is said where the name says that it was pytest.
    ///
    /// ## What to do
    /// Find out what wrote it and what loads it. `pycaudit dis` reads the code where it is.
    ///
    /// ## References
    /// PEP 552; `_write_pyc` in pytest's src/_pytest/assertion/rewrite.py.
    id: "PYC112",
    name: "header-length-anomaly",
    summary: "the code object is not where the header ends",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(fit) = context.pyc.fit else { return };
    // A layout of another version is for PYC409, an unknown number before a whole header for PYC101.
    if !fit.is_odd_header() || fit.is_other_layout() || (fit.expected_offset.is_none() && fit.offset != 0) {
        return;
    }
    let is_pytest_length =
        fit.offset == 12 && context.pyc.version.is_some_and(|version| matches!(version.series, (2, 7) | (3, 7 | 8)));
    if is_pytest_length && context.place.hook().is_some() {
        return;
    }
    let module = context.module;
    let (severity, message) = match fit.offset {
        0 => (Severity::Medium, format!("`{module}` is marshalled code of {} without a header", fit.versions)),
        12 if is_pytest_length => (Severity::Low, format!("`{module}` has a header of 12 bytes, as pytest wrote it")),
        offset => (Severity::High, format!("`{module}` has its code behind a header of {offset} bytes")),
    };
    let expected = match (fit.expected_offset, context.pyc.version) {
        (Some(size), Some(version)) => format!("{size} bytes ({})", version.python()),
        _ => String::from("8, 12 or 16 bytes"),
    };
    findings.add(message).compared(expected, format!("{} bytes", fit.offset)).at(fit.offset).severity(severity);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(name: &str, python: &str, size: usize) -> Case {
        let mut header = Pyc::python(python).build_header();
        header.resize(size, 0);
        Case::tree().file(name, Pyc::python(python).header(header).build(), 1)
    }

    #[test]
    fn flags_a_header_of_another_era() {
        for (python, size) in [("3.12", 12), ("3.12", 8), ("3.6", 16), ("2.7", 16)] {
            let finding = case("m.pyc", python, size).flags(&RULE);
            assert_eq!((finding.severity, finding.offset), (Severity::High, Some(size as u64)), "{python} {size}");
        }
    }

    #[test]
    fn flags_code_without_a_header() {
        let finding = case("m.pyc", "3.12", 0).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(finding.message, "`m` is marshalled code of CPython 3.11 to 3.16 without a header");
    }

    #[test]
    fn knows_what_pytest_wrote() {
        assert_eq!(case("m.pyc", "3.8", 12).flags(&RULE).severity, Severity::Low);
        case("__pycache__/test_m.cpython-38-pytest-5.4.1.pyc", "3.8", 12).passes(&RULE);
    }

    #[test]
    fn passes_headers_as_they_have_to_be() {
        for python in ["2.7", "3.2", "3.6", "3.7", "3.12", "PyPy 3.9"] {
            Case::tree().file("m.pyc", Pyc::python(python).build(), 1).passes(&RULE);
        }
    }
}
