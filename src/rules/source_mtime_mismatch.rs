//! PYC203.

use crate::artifact;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::source::HeaderMatch;

declare_rule! {
    /// ## What it reports
    /// A timestamp pyc that records another modification time than its source has. The recorded time is the source's when it
    /// was compiled (bytes 8 to 12 from Python 3.7 on, bytes 4 to 8 before). When the recorded size differs too, `PYC204` says
    /// both.
    ///
    /// ## Why it matters
    /// An interpreter that looks at both would compile the source again: this bytecode is not what runs, and may be older
    /// than the source.
    ///
    /// ## Innocent causes
    /// A tree copied or unpacked without its times, a checkout, a build that clamps times (`SOURCE_DATE_EPOCH`).
    ///
    /// ## Severity
    /// Low; info when the recorded size fits the source or its line ends explain it, since then only the time speaks against
    /// it.
    ///
    /// ## What to do
    /// Compile again where the files are used, or ship hash-based pycs (PEP 552), which do not depend on times.
    ///
    /// ## References
    /// PEP 3147, PEP 552; `_validate_timestamp_pyc` in CPython's Lib/importlib/_bootstrap_external.py.
    id: "PYC203",
    name: "source-mtime-mismatch",
    summary: "the recorded modification time is not the source's",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let check = context.header_check;
    let (Some(false), Some((recorded, actual))) = (check.mtime_agrees, check.mtime) else { return };
    if check.outcome == HeaderMatch::Stale {
        return;
    }
    let shown = |seconds: i64| artifact::rfc3339(seconds).unwrap_or_else(|| seconds.to_string());
    let at = context.pyc.header.as_ref().map_or(4, |header| if header.flags.is_some() { 8 } else { 4 });
    let finding = findings.add(format!("`{}` was modified at another time than its bytecode records", context.module));
    finding.compared(shown(actual), shown(i64::from(recorded))).at(at);
    if check.size.is_some() {
        finding.severity(Severity::Info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn cached(mtime: i64, source: &str) -> Case {
        let pyc = Pyc::python("3.12").source_mtime(1_600_000_000).build();
        Case::tree().file("m.py", source, mtime).file("__pycache__/m.cpython-312.pyc", pyc, mtime)
    }

    #[test]
    fn flags_a_source_touched_after_compilation() {
        let finding = cached(1_600_000_001, "x = 1\n").flags(&RULE);
        assert_eq!(finding.severity, Severity::Info);
        assert_eq!(finding.expected, "2020-09-13T12:26:41Z");
        assert_eq!(finding.observed, "2020-09-13T12:26:40Z");
        assert_eq!(finding.offset, Some(8));
    }

    #[test]
    fn flags_a_time_that_nothing_else_backs() {
        let pyc = Pyc::python("2.7").source_mtime(1_600_000_000).build();
        let finding = Case::tree().file("m.py", "x = 1\n", 1_600_000_001).file("m.pyc", pyc, 1).flags(&RULE);
        assert_eq!((finding.severity, finding.offset), (Severity::Low, Some(4)));
    }

    #[test]
    fn passes_equal_times_and_leaves_sizes_to_their_rule() {
        cached(1_600_000_000, "x = 1\n").passes(&RULE);
        cached(1_600_000_000, "x = 1000\n").passes(&RULE);
        cached(1_600_000_001, "x = 1000\n").passes(&RULE);
    }

    #[test]
    fn passes_a_time_past_the_end_of_32_bits_as_python_compares_it() {
        cached(1_600_000_000 + (1 << 32), "x = 1\n").passes(&RULE);
    }

    #[test]
    fn passes_a_zip_whose_times_fit_in_some_time_zone() {
        // Forged members are of 1980-01-01 00:00:00, wherever that was.
        let zip = |mtime: u32| {
            Zip::new().file("m.py", "x = 1\n").file("m.pyc", Pyc::python("3.12").source_mtime(mtime).build())
        };
        Case::zip(zip(315_532_800)).passes(&RULE);
        Case::zip(zip(315_532_800 - 5 * 3600 - 1800)).passes(&RULE);
        Case::zip(zip(315_532_800 + 100)).flags(&RULE);
    }

    #[test]
    fn passes_hashes_and_modules_without_a_source() {
        let hash = Pyc::python("3.12").hash([0; 8]).build();
        Case::tree().file("m.py", "x = 1\n", 5).file("__pycache__/m.cpython-312.pyc", hash, 5).passes(&RULE);
        Case::tree().file("m.pyc", Pyc::python("3.12").build(), 5).passes(&RULE);
    }
}
