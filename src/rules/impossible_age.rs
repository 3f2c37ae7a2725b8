//! PYC702.

use std::collections::BTreeMap;

use crate::container::Kind;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;
use crate::rules::sentinel_timestamp;

declare_rule! {
    /// ## What it reports
    /// A pyc whose own time, of the file or of the archive's record, lies before the day on which its magic number was made: no
    /// interpreter could have written it then. The time of the source, which the header records, may well be older and is not
    /// looked at.
    ///
    /// ## Why it matters
    /// The time was set by hand or by a wrong clock. Setting times back is how files are hidden from those who look for what is
    /// new.
    ///
    /// ## Innocent causes
    /// Reproducible builds give all files one time (`SOURCE_DATE_EPOCH`). Files that share their time with others, and the fixed
    /// times of known tools, are therefore not reported.
    ///
    /// ## What to do
    /// Compare the file with its source, whatever its time says.
    ///
    /// ## References
    /// `pycaudit magic` shows the day of each number; they are those of CPython's history.
    id: "PYC702",
    name: "impossible-age",
    summary: "the file is older than the Python that wrote it",
    severity: Medium,
    check: Artifact(check),
}

/// Days of the table are whole days, and archives give local time: two days.
const SLACK: i64 = 2 * 86_400;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let impossible: Vec<_> = context
        .pycs
        .iter()
        .filter_map(|facts| {
            let (time, version) = (facts.times.seconds()?, facts.version?);
            let made = version.not_before()?;
            let is_impossible = time.saturating_add(SLACK) < made && !sentinel_timestamp::is_clamped(time);
            is_impossible.then_some((facts, time, version, made))
        })
        .collect();
    if impossible.is_empty() {
        return;
    }
    // How often each time occurs: a time that is shared was given, not taken from a clock.
    let mut times: BTreeMap<i64, usize> = BTreeMap::new();
    if context.container.kind() == Kind::Directory {
        context
            .pycs
            .iter()
            .filter_map(|facts| facts.times.seconds())
            .for_each(|time| *times.entry(time).or_default() += 1);
    } else {
        let all = context.container.listing().members().filter_map(|member| member.times.seconds());
        all.for_each(|time| *times.entry(time).or_default() += 1);
    }
    for (facts, time, version, made) in impossible {
        if times.get(&time).is_some_and(|&count| count > 1) {
            continue;
        }
        let shown = sentinel_timestamp::time_shown;
        let python = version.python();
        let finding = findings.add(format!("This file is older than the magic number of {python} in it"));
        finding.compared(format!("after {}", shown(made)), shown(time)).about(context.container.locate(facts.member));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    /// 2021-01-01, before anything of Python 3.12.
    const EARLY: i64 = 1_609_459_200;

    #[test]
    fn flags_a_file_older_than_its_magic_number() {
        let tree = Case::tree().file("a.pyc", Pyc::python("3.12").build(), EARLY);
        let finding = tree.file("b.pyc", Pyc::python("3.12").build(), 1_700_000_000).flags(&RULE);
        assert_eq!(finding.observed, "2021-01-01T00:00:00Z");
        assert_eq!(finding.locator.to_string(), "tree/a.pyc");
    }

    #[test]
    fn passes_a_time_that_many_files_share_and_the_fixed_ones() {
        let pyc = || Pyc::python("3.12").build();
        Case::tree().file("a.pyc", pyc(), EARLY).file("b.pyc", pyc(), EARLY).passes(&RULE);
        Case::tree().file("a.pyc", pyc(), 0).file("b.pyc", pyc(), 315_532_800).passes(&RULE);
    }

    #[test]
    fn passes_old_sources_and_old_pythons() {
        Case::tree()
            .file("a.pyc", Pyc::python("3.12").source_mtime(1_000_000_000).build(), 1_700_000_000)
            .passes(&RULE);
        Case::tree().file("a.pyc", Pyc::python("2.7").build(), EARLY).passes(&RULE);
    }
}
