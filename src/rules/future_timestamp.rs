//! PYC701.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::rules::sentinel_timestamp;

declare_rule! {
    /// ## What it reports
    /// A pyc that records a modification time of its source more than a day after the scan. Where the header records none, or an
    /// ordinary one, the same of the pyc's own time. `0xFFFFFFFF` is reported as `PYC703`.
    ///
    /// ## Why it matters
    /// A clock was wrong, or the time was written by hand; a time in the future also keeps a source looking newer than what
    /// replaces it.
    ///
    /// ## Innocent causes
    /// The clock of the machine that built it, or of the one that scans. Times before 1970 are stored as times after 2100.
    ///
    /// ## Severity
    /// Medium; low when the source itself has that time, and when it is the pyc's own time.
    ///
    /// ## What to do
    /// Check the clock first. Then compare the bytecode with its source.
    id: "PYC701",
    name: "future-timestamp",
    summary: "a recorded time lies in the future",
    severity: Medium,
    check: Pyc(check),
}

/// Clocks and time zones may differ by that much: a day.
const SLACK: i64 = 86_400;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let latest = context.container.now.saturating_add(SLACK);
    let shown = sentinel_timestamp::time_shown;
    let header = context.pyc.header.as_ref();
    let recorded = header.and_then(crate::pyc::Header::mtime).filter(|&mtime| !sentinel_timestamp::is_sentinel(mtime));
    if let (Some(mtime), Some(header)) = (recorded.filter(|&mtime| i64::from(mtime) > latest), header) {
        let finding = findings.add(format!("The source of `{}` is said to be from the future", context.module));
        finding.compared(format!("before {}", shown(context.container.now)), shown(i64::from(mtime)));
        // From 3.7 on the flags come first.
        finding.at(if header.flags.is_some() { 8 } else { 4 });
        if context.header_check.mtime_agrees == Some(true) {
            finding.severity(Severity::Low);
        }
    } else if let Some(time) = context.times.seconds().filter(|&time| time > latest) {
        let finding = findings.add(format!("The bytecode of `{}` is said to be from the future", context.module));
        finding.compared(format!("before {}", shown(context.container.now)), shown(time)).severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::case::NOW;

    fn recorded(mtime: i64) -> Case {
        let pyc = Pyc::python("3.12").source_mtime(u32::try_from(mtime).unwrap()).build();
        Case::tree().file("__pycache__/m.cpython-312.pyc", pyc, 1_600_000_000)
    }

    #[test]
    fn flags_a_source_from_the_future() {
        let finding = recorded(NOW + 100_000).flags(&RULE);
        assert_eq!((finding.severity, finding.offset), (Severity::Medium, Some(8)));
    }

    #[test]
    fn flags_it_lower_when_the_source_says_so_too() {
        let case = recorded(NOW + 100_000).file("m.py", "x = 1\n", NOW + 100_000);
        assert_eq!(case.flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn flags_a_pyc_from_the_future() {
        let case = Case::tree().file("m.pyc", Pyc::python("3.12").build(), NOW + 100_000);
        assert_eq!(case.flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_the_present_a_clock_that_is_a_bit_fast_and_a_sentinel() {
        recorded(NOW).passes(&RULE);
        recorded(NOW + 3600).passes(&RULE);
        recorded(0xffff_ffff).passes(&RULE);
    }

    #[test]
    fn passes_a_hash_that_would_be_a_time() {
        let pyc = Pyc::python("3.12").hash([0xf0; 8]).build();
        Case::tree().file("__pycache__/m.cpython-312.pyc", pyc, 1).passes(&RULE);
    }
}
