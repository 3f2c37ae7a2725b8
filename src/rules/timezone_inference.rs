//! PYC705.

use std::collections::BTreeMap;

use crate::artifact::DosTime;
use crate::container::Kind;
use crate::place::Place;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::source;

declare_rule! {
    /// ## What it reports
    /// The time zone of the machine that packed a zip: pycs record the time of their source in UTC, the zip records it as the
    /// clock on the wall showed it, and for three modules or more the difference is the same whole number of quarters of an hour.
    /// Reported once for each archive.
    ///
    /// ## Why it matters
    /// It says where, roughly, an archive was made, and its maker may not know that it says so. Zones that summer time does not
    /// explain mean that parts were made in different places.
    ///
    /// ## Innocent causes
    /// Every archive with times tells its zone. Two zones: builds of several machines that were merged.
    ///
    /// ## Severity
    /// Info; medium when there are zones, each of three modules or more, that are not one hour apart.
    ///
    /// ## What to do
    /// Build with `TZ=UTC` or fixed times if the zone is not to be told.
    ///
    /// ## References
    /// `_parse_dostime` and `_get_mtime_and_size_of_source` in CPython's Lib/zipimport.py; python/cpython#141431.
    id: "PYC705",
    name: "timezone-inference",
    summary: "the times in a zip tell the time zone of its maker",
    severity: Info,
    check: Artifact(check),
}

/// How many modules must agree: that one differs by whole quarters by chance is 1 in 200.
const MODULES: usize = 3;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    if context.container.kind() == Kind::Directory {
        return;
    }
    let listing = context.container.listing();
    let mut zones: BTreeMap<i64, usize> = BTreeMap::new();
    let mut compared = 0_usize;
    for facts in context.pycs.iter().filter(|facts| facts.has_source) {
        let (Some(mtime), Some(member)) = (facts.mtime, listing.get(facts.member)) else { continue };
        let source = source::beside(listing, &Place::of(&member.path())).and_then(|id| listing.get(id));
        let Some(wall) = source.and_then(|source| source.times.dos).and_then(DosTime::as_if_utc) else { continue };
        compared += 1;
        if let Some(zone) = source::dos_zone(mtime, wall) {
            *zones.entry(zone).or_default() += 1;
        }
    }
    zones.retain(|_, count| *count >= MODULES);
    let Some((&first, &most)) = zones.iter().max_by_key(|&(_, count)| *count) else { return };
    let is_mixed = zones.keys().any(|&zone| zone != first && (zone - first).abs() != 3600) || zones.len() > 2;
    let shown: Vec<String> = zones.keys().map(|&zone| offset(zone)).collect();
    let finding = if is_mixed {
        findings.add(format!("Parts of this archive were made in different time zones: {}", shown.join(", ")))
    } else {
        findings.add(format!("The clock of the machine that packed this archive was at {}", shown.join(" and ")))
    };
    finding.compared("times that tell no zone", format!("{} in {most} of {compared} modules", offset(first)));
    if is_mixed {
        finding.severity(Severity::Medium);
    }
}

/// `UTC+02:00`.
fn offset(zone: i64) -> String {
    let minutes = zone.abs() / 60;
    format!("UTC{}{:02}:{:02}", if zone < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    /// Noon of 2026-06-01, in a clock at UTC.
    const NOON: u32 = 1_780_315_200;

    /// Three modules for each of these times of day, whose sources are of noon.
    fn zip(hours: &[(u16, u16)]) -> Case {
        let mut zip = Zip::new();
        for (at, (hour, minute)) in hours.iter().flat_map(|time| [time; 3]).enumerate() {
            let time = forge::dos_time([2026, 6, 1, *hour, *minute, 0]);
            zip = zip.entry(Entry::new(format!("m{at}.py"), "x = 1\n").time(time));
            zip = zip.file(format!("m{at}.pyc"), Pyc::python("2.7").source_mtime(NOON).build());
        }
        Case::zip(zip)
    }

    #[test]
    fn flags_the_zone_of_the_maker() {
        let finding = zip(&[(14, 0)]).flags(&RULE);
        assert_eq!(finding.message, "The clock of the machine that packed this archive was at UTC+02:00");
        assert_eq!(finding.observed, "UTC+02:00 in 3 of 3 modules");
    }

    #[test]
    fn flags_summer_and_winter_time_as_one_zone() {
        assert_eq!(zip(&[(14, 0), (13, 0)]).flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn flags_parts_of_different_zones_higher() {
        let finding = zip(&[(14, 0), (5, 0)]).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(finding.message, "Parts of this archive were made in different time zones: UTC-07:00, UTC+02:00");
    }

    #[test]
    fn passes_times_that_are_no_zone_apart() {
        zip(&[(14, 7)]).passes(&RULE);
    }

    #[test]
    fn passes_too_few_modules() {
        let pyc = Pyc::python("2.7").source_mtime(NOON).build();
        let time = forge::dos_time([2026, 6, 1, 14, 0, 0]);
        Case::zip(Zip::new().entry(Entry::new("m.py", "").time(time)).file("m.pyc", pyc)).passes(&RULE);
    }
}
