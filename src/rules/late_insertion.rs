//! PYC704.

use crate::artifact::Times;
use crate::container::Kind;
use crate::container::MemberKind;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::PycFacts;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::rules::sentinel_timestamp;

declare_rule! {
    /// ## What it reports
    /// A few pycs of an archive, at most a tenth of its members, that are more than a day younger than everything else in it that
    /// is no bytecode, the metadata of the build included. Archives of less than ten members are not looked at.
    ///
    /// ## Why it matters
    /// A build writes its metadata last. What is younger than that was put in afterwards.
    ///
    /// ## Innocent causes
    /// A folder that was used for a while, and in which new bytecode was made, before it was packed.
    ///
    /// ## Severity
    /// High in a wheel, whose `RECORD` is written at the end of the build; medium in an egg; low in other archives.
    ///
    /// ## What to do
    /// Build again from the source and compare. In a wheel, compare with `RECORD`.
    ///
    /// ## References
    /// Binary distribution format (PyPA), `RECORD`; APPNOTE 4.4.6 for the times of zips.
    id: "PYC704",
    name: "late-insertion",
    summary: "bytecode that is younger than the rest of its archive",
    severity: High,
    check: Artifact(check),
}

/// The least members that an archive must have.
const MEMBERS: usize = 10;

/// How much younger: a day, more than any time zone.
const LATE: i64 = 86_400;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let kind = context.container.kind();
    if kind == Kind::Directory || context.pycs.is_empty() {
        return;
    }
    let mut members = 0_usize;
    let mut built: Option<i64> = None;
    // Pycs are few in most archives, and both lists are in path order.
    let mut pycs = context.pycs.iter().map(|facts| facts.member).peekable();
    for member in context.container.listing().members().filter(|member| member.kind == MemberKind::File) {
        members += 1;
        while pycs.next_if(|&pyc| pyc < member.id).is_some() {}
        if pycs.peek() != Some(&member.id) {
            built = built.max(wall(member.times));
        }
    }
    let Some(built) = built.filter(|&built| members >= MEMBERS && !sentinel_timestamp::is_clamped(built)) else {
        return;
    };
    let is_late = |facts: &&PycFacts| wall(facts.times).is_some_and(|time| time > built + LATE);
    let late = context.pycs.iter().filter(is_late).count();
    if late == 0 || late > members / 10 {
        return;
    }
    let severity = match kind {
        Kind::Wheel => Severity::High,
        Kind::Egg => Severity::Medium,
        _ => Severity::Low,
    };
    // In the local time of the archive's maker, so without a zone.
    let shown = |seconds| sentinel_timestamp::time_shown(seconds).trim_end_matches('Z').to_owned();
    for facts in context.pycs.iter().filter(is_late) {
        let time = wall(facts.times).unwrap_or_default();
        let finding = findings.add("This pyc is younger than everything else in its archive");
        finding.compared(format!("{} at the latest", shown(built)), shown(time)).severity(severity);
        finding.about(context.container.locate(facts.member));
    }
}

/// The time that all members of a zip have in the same clock.
fn wall(times: Times) -> Option<i64> {
    times.dos.and_then(crate::artifact::DosTime::as_if_utc).or_else(|| times.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::DosTime;
    use crate::forge;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    /// A day of June 2026.
    fn june(day: u16) -> DosTime {
        forge::dos_time([2026, 6, day, 12, 0, 0])
    }

    /// A wheel of ten sources and its metadata from the first of June, and so many pycs of this day.
    fn wheel(pycs: usize, day: u16) -> Zip {
        let zip = Zip::new().entry(Entry::new("p-1.dist-info/WHEEL", "").time(june(1)));
        let zip = (0..10).fold(zip, |zip, at| zip.entry(Entry::new(format!("p/m{at}.py"), "").time(june(1))));
        (0..pycs).fold(zip, |zip, at| {
            let name = format!("p/__pycache__/m{at}.cpython-312.pyc");
            zip.entry(Entry::new(name, Pyc::python("3.12").build()).time(june(day)))
        })
    }

    #[test]
    fn flags_a_pyc_that_was_put_in_after_the_build() {
        let finding = Case::zip(wheel(1, 5)).flags(&RULE);
        assert_eq!(
            (finding.severity, finding.expected.as_str()),
            (Severity::High, "2026-06-01T12:00:00 at the latest")
        );
    }

    #[test]
    fn passes_bytecode_of_the_build_and_of_the_same_day() {
        Case::zip(wheel(1, 1)).passes(&RULE);
        Case::zip(wheel(1, 2)).passes(&RULE);
    }

    #[test]
    fn passes_an_archive_of_a_tree_that_was_compiled_later() {
        Case::zip(wheel(10, 5)).passes(&RULE);
    }

    #[test]
    fn passes_an_archive_whose_other_members_have_no_real_time() {
        let zip = (0..12).fold(Zip::new(), |zip, at| zip.file(format!("m{at}.py"), ""));
        Case::zip(zip.entry(Entry::new("m0.pyc", Pyc::python("3.12").build()).time(june(5)))).passes(&RULE);
    }
}
