//! PYC203.

use crate::artifact;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A timestamp pyc that records another modification time than its source has. The recorded time is the source's when it
    /// was compiled (bytes 8 to 12 from Python 3.7 on, bytes 4 to 8 before).
    ///
    /// ## Why it matters
    /// An interpreter that looks at both would compile the source again: this bytecode is not what runs, and may be older
    /// than the source.
    ///
    /// ## Innocent causes
    /// A tree copied or unpacked without its times, a checkout, a build that clamps times (`SOURCE_DATE_EPOCH`).
    ///
    /// ## Severity
    /// Low; info when the recorded size fits the source, since then only the time speaks against it.
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
    let size_fits = check.size.is_some_and(|(recorded, actual)| u64::from(recorded) == actual & 0xffff_ffff);
    let shown = |seconds: i64| artifact::rfc3339(seconds).unwrap_or_else(|| seconds.to_string());
    let finding = findings.add(format!("`{}` was modified at another time than its bytecode records", context.module));
    finding.compared(shown(i64::from(recorded)), shown(actual));
    if size_fits {
        finding.severity(Severity::Info);
    }
}
