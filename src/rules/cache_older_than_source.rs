//! PYC706.

use std::collections::BTreeMap;

use crate::artifact::Times;
use crate::container::MemberId;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::rules::sentinel_timestamp;

declare_rule! {
    /// ## What it reports
    /// A pyc whose own time, of the file or of the archive's record, lies before the modification time of the source that it
    /// records: it would have been compiled before its source was written. Files that share one time are reported together.
    ///
    /// ## Why it matters
    /// One of the two times was set. Bytecode that is dated back is not found by those who look for what is new.
    ///
    /// ## Innocent causes
    /// Reproducible builds that clamp the times of files and not those in headers; clocks that differ between a file server and
    /// its clients; archives whose times were rewritten.
    ///
    /// ## Severity
    /// Low; info when several files share the time, since then it was given to all.
    ///
    /// ## What to do
    /// Compare the bytecode with its source, whatever the times say.
    ///
    /// ## References
    /// The header records the time of the source, never that of the compilation: `_code_to_timestamp_pyc` in CPython's
    /// Lib/importlib/_bootstrap_external.py.
    id: "PYC706",
    name: "cache-older-than-source",
    summary: "the pyc is older than the source it was compiled from",
    severity: Low,
    check: Artifact(check),
}

/// Zips give local time in steps of 2 s: no zone is farther from UTC than 14 hours.
const ZONES: i64 = 14 * 3600 + 2;

/// File systems may round to 2 s.
const ROUNDING: i64 = 2;

/// Files of one time that are taken for a given time.
const SHARED: usize = 3;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let mut groups: BTreeMap<i64, Vec<(MemberId, u32)>> = BTreeMap::new();
    for facts in context.pycs {
        let (Some(mtime), Some((time, slack))) = (facts.mtime, own_time(facts.times)) else { continue };
        let recorded = i64::from(mtime);
        if time.saturating_add(slack) < recorded
            && !sentinel_timestamp::is_clamped(time)
            && !sentinel_timestamp::is_sentinel(mtime)
            && recorded <= context.container.now.saturating_add(86_400)
        {
            groups.entry(time).or_default().push((facts.member, mtime));
        }
    }
    let shown = sentinel_timestamp::time_shown;
    for (time, files) in groups {
        if files.len() >= SHARED
            && let Some(&(first, mtime)) = files.first()
        {
            let message = format!("{} pycs of one time are older than the sources that they record", files.len());
            let finding = findings.add(message);
            finding.compared(format!("after {}, as the first", shown(i64::from(mtime))), shown(time));
            finding.severity(Severity::Info).about(context.container.locate(first));
            continue;
        }
        for (member, mtime) in files {
            let finding = findings.add("This pyc is older than the source that it records");
            finding.compared(format!("after {}", shown(i64::from(mtime))), shown(time));
            finding.about(context.container.locate(member));
        }
    }
}

/// The time of a pyc, and by how much it may be off.
fn own_time(times: Times) -> Option<(i64, i64)> {
    match times.utc() {
        Some(time) => Some((time, ROUNDING)),
        None => Some((times.dos?.as_if_utc()?, ZONES)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn tree(times: &[i64]) -> Case {
        times.iter().enumerate().fold(Case::tree(), |tree, (at, &time)| {
            tree.file(&format!("m{at}.pyc"), Pyc::python("3.12").source_mtime(1_700_000_000).build(), time)
        })
    }

    #[test]
    fn flags_a_file_older_than_its_source() {
        let finding = tree(&[1_690_000_000, 1_700_000_001]).flags(&RULE);
        assert_eq!((finding.severity, finding.locator.to_string().as_str()), (Severity::Low, "tree/m0.pyc"));
    }

    #[test]
    fn flags_files_of_one_time_together() {
        assert_eq!(tree(&[1_690_000_000; 3]).flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn passes_younger_files_and_fixed_times() {
        tree(&[1_700_000_000, 1_699_999_999, 0, 315_532_800, 1_580_601_600]).passes(&RULE);
    }

    #[test]
    fn passes_a_zip_whose_clock_was_behind_utc() {
        // 2023-11-14 14:13:20 at UTC-08:00 is 22:13:20 in UTC, 1,700,000,000.
        let time = forge::dos_time([2023, 11, 14, 14, 13, 20]);
        let pyc = Pyc::python("3.12").source_mtime(1_700_000_000).build();
        Case::zip(Zip::new().entry(Entry::new("m.pyc", pyc.clone()).time(time))).passes(&RULE);
        let days_before = forge::dos_time([2023, 11, 10, 14, 13, 20]);
        Case::zip(Zip::new().entry(Entry::new("m.pyc", pyc).time(days_before))).flags(&RULE);
    }
}
