//! PYC204.

use crate::artifact;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::source::HeaderMatch;

declare_rule! {
    /// ## What it reports
    /// A timestamp pyc (Python 3.3 and later) that records another size than its source has, and line ends written as LF or
    /// CR LF do not explain it. Whether the recorded time differs as well is said with it.
    ///
    /// ## Why it matters
    /// The pyc was compiled from another text than the source beside it: an older or newer one, or one that was never shipped.
    ///
    /// ## Innocent causes
    /// The source was edited after it was compiled; an installer rewrote a path or a `#!` line in it.
    ///
    /// ## Severity
    /// Medium where the file would run or that is not known; low where an interpreter finds it out of date and compiles the
    /// source again, or never looks at it: that is how most stale caches are shipped.
    ///
    /// ## What to do
    /// Compile again from the source that is shipped, or ship no bytecode.
    ///
    /// ## References
    /// PEP 3147; `_validate_timestamp_pyc` in CPython's Lib/importlib/_bootstrap_external.py; conda/conda#11354.
    id: "PYC204",
    name: "source-size-mismatch",
    summary: "the recorded size is not the source's",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let check = context.header_check;
    let (HeaderMatch::SizeMismatch | HeaderMatch::Stale, Some((recorded, actual))) = (check.outcome, check.size) else {
        return;
    };
    let mut message = format!("`{}` was compiled from a source of another size", context.module);
    let shown = |seconds: i64| artifact::rfc3339(seconds).unwrap_or_else(|| seconds.to_string());
    let (mut expected, mut observed) = (format!("{actual} bytes"), format!("{recorded} bytes"));
    if let (HeaderMatch::Stale, Some((recorded, actual))) = (check.outcome, check.mtime) {
        message.push_str(" and time");
        expected = format!("{expected}, {}", shown(actual));
        observed = format!("{observed}, {}", shown(i64::from(recorded)));
    }
    let at = context.pyc.header.as_ref().map_or(8, |header| if header.flags.is_some() { 12 } else { 8 });
    let finding = findings.add(message);
    finding.compared(expected, observed).at(at);
    if context.is_passed_over() {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn cached(python: &str, source: &str, mtime: i64) -> Case {
        let pyc = Pyc::python(python).source_mtime(1_600_000_000).source_size(6).build();
        let name = format!("__pycache__/m.cpython-{}.pyc", python.replace('.', ""));
        Case::tree().file("m.py", source, mtime).file(&name, pyc, mtime)
    }

    #[test]
    fn flags_a_stale_cache_as_low() {
        let finding = cached("3.12", "x = 100\n", 1_600_000_001).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert_eq!(finding.message, "`m` was compiled from a source of another size and time");
        assert_eq!(finding.expected, "8 bytes, 2020-09-13T12:26:41Z");
        assert_eq!(finding.observed, "6 bytes, 2020-09-13T12:26:40Z");
        assert_eq!(finding.offset, Some(12));
    }

    #[test]
    fn flags_an_edit_within_the_same_second() {
        let finding = cached("3.6", "x = 100\n", 1_600_000_000).flags(&RULE);
        assert_eq!(finding.message, "`m` was compiled from a source of another size");
        assert_eq!(finding.offset, Some(8));
    }

    #[test]
    fn flags_as_medium_what_an_old_zipimport_runs() {
        // Forged members are of 1980-01-01 00:00:00, and zipimport looked at no size before 3.8.
        let zip = |python: &str| {
            Zip::new().file("m.py", "x = 100\n").file("m.pyc", Pyc::python(python).source_mtime(315_532_800).build())
        };
        assert_eq!(Case::zip(zip("3.6")).flags(&RULE).severity, Severity::Medium);
        assert_eq!(Case::zip(zip("3.8")).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_equal_sizes_line_ends_and_headers_without_a_size() {
        cached("3.12", "x = 1\n", 1_600_000_001).passes(&RULE);
        cached("3.12", "x = 1\r\n", 1_600_000_001).passes(&RULE);
        let old = Pyc::python("2.7").build();
        Case::tree().file("m.py", "x = 100\n", 1).file("m.pyc", old, 1).passes(&RULE);
    }
}
