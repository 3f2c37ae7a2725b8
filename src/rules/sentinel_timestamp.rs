//! PYC703.

use std::collections::BTreeMap;

use crate::artifact;
use crate::container::MemberId;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Pycs that record no real modification time of their source, but one that tools put in its place: 0, 1, the first of
    /// January 1980 (315532800, or the same in another time zone), or 0xFFFFFFFF. Reported once for each value in an archive or a
    /// tree.
    ///
    /// ## Why it matters
    /// The time says nothing about the source and fits every source that was given the same time: then the size alone decides
    /// whether bytecode is fresh.
    ///
    /// ## Innocent causes
    /// Nix and Guix (1), OSTree and other images (0), zip's earliest time (1980), programs taken out of a frozen
    /// executable (0). Python up to 3.2 writes 0 first and the true time last: such a file may be half written.
    ///
    /// ## What to do
    /// Know which tool made it. Where sources change under such times, use hash-based pycs (PEP 552).
    ///
    /// ## References
    /// ostreedev/ostree#1469.
    id: "PYC703",
    name: "sentinel-timestamp",
    summary: "the recorded time is one that tools put in place of a real one",
    severity: Info,
    check: Artifact(check),
}

/// The earliest time that a zip can record, 1980-01-01, read as UTC.
const ZIP_EPOCH: i64 = 315_532_800;

/// The farthest that a clock on Earth is from UTC.
const FARTHEST_ZONE: i64 = 14 * 3600;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<u32, (usize, MemberId)> = BTreeMap::new();
    for facts in context.pycs {
        if let Some(mtime) = facts.mtime.filter(|&mtime| is_sentinel(mtime)) {
            seen.entry(mtime).or_insert((0, facts.member)).0 += 1;
        }
    }
    for (mtime, (count, first)) in seen {
        let files = if count == 1 { "One pyc records".to_owned() } else { format!("{count} pycs record") };
        let first = context.container.locate(first);
        let message = format!("{files} {mtime} ({}) as the time of the source", time_shown(i64::from(mtime)));
        findings.add(message).compared("a modification time", format!("{mtime}, first at `{first}`"));
    }
}

/// Whether a recorded time is one that tools put in place of a real one.
pub(super) fn is_sentinel(mtime: u32) -> bool {
    let from_zip_epoch = i64::from(mtime) - ZIP_EPOCH;
    // Time zones are whole quarters of an hour.
    matches!(mtime, 0 | 1 | u32::MAX) || from_zip_epoch.abs() <= FARTHEST_ZONE && from_zip_epoch % 900 == 0
}

/// Whether the time of a file or member is one that tools put in place of a real one: what [`is_sentinel`] knows, anything up to
/// 1980-01-02, and the fixed times of npm (1985-10-26), poetry-core (2016-01-01) and hatchling (2020-02-02).
pub(super) fn is_clamped(seconds: i64) -> bool {
    const FIXED: [i64; 3] = [499_162_500, 1_451_606_400, 1_580_601_600];
    seconds <= ZIP_EPOCH + 2 * 86_400
        || seconds == i64::from(u32::MAX)
        || FIXED.iter().any(|fixed| (seconds - fixed).abs() <= FARTHEST_ZONE && (seconds - fixed) % 900 == 0)
}

/// A time for a message.
pub(super) fn time_shown(seconds: i64) -> String {
    artifact::rfc3339(seconds).unwrap_or_else(|| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn recorded(mtimes: &[u32]) -> Case {
        mtimes.iter().enumerate().fold(Case::tree(), |tree, (at, &mtime)| {
            tree.file(&format!("m{at}.pyc"), Pyc::python("3.12").source_mtime(mtime).build(), 1)
        })
    }

    #[test]
    fn flags_each_value_once() {
        let finding = recorded(&[0, 0, 0]).flags(&RULE);
        assert_eq!(finding.message, "3 pycs record 0 (1970-01-01T00:00:00Z) as the time of the source");
        assert_eq!(recorded(&[0, 1, u32::MAX, 315_532_800]).findings(&RULE).len(), 4);
    }

    #[test]
    fn flags_the_first_of_january_1980_in_another_zone() {
        recorded(&[315_532_800 - 2 * 3600]).flags(&RULE);
    }

    #[test]
    fn passes_real_times() {
        recorded(&[2, 315_532_801, 1_600_000_000]).passes(&RULE);
    }

    #[test]
    fn the_fixed_times_of_build_tools_are_clamps() {
        for seconds in [0, 1, 315_532_800, 499_162_500, 1_451_606_400, 1_580_601_600 + 3600] {
            assert!(is_clamped(seconds), "{seconds}");
        }
        assert!(!is_clamped(1_600_000_000));
    }
}
