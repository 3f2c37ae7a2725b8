//! PYC707.

use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;
use crate::rules::sentinel_timestamp;

declare_rule! {
    /// ## What it reports
    /// An archive or a tree of eight pycs or more that all record the same modification time of their sources. Times that tools
    /// are known to put in place of real ones are reported as `PYC703`.
    ///
    /// ## Why it matters
    /// Sources are not written in one second: the time was given to them, by a build, a checkout or `touch`. It says nothing of
    /// their age, and fits any source that is given the same time.
    ///
    /// ## Innocent causes
    /// Images and reproducible builds (`SOURCE_DATE_EPOCH`), archives made from a version control system.
    ///
    /// ## What to do
    /// Do not draw conclusions from the recorded times.
    id: "PYC707",
    name: "touched-together",
    summary: "all pycs record the same time of their sources",
    severity: Info,
    check: Artifact(check),
}

/// The least pycs that it is said of.
const PYCS: usize = 8;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let mut times = context.pycs.iter().filter_map(|facts| facts.mtime);
    let Some(first) = times.next().filter(|&first| !sentinel_timestamp::is_sentinel(first)) else { return };
    let mut count = 1_usize;
    for time in times {
        if time != first {
            return;
        }
        count += 1;
    }
    if count >= PYCS {
        let shown = sentinel_timestamp::time_shown(i64::from(first));
        findings
            .add(format!("All {count} pycs with a recorded time record the same one"))
            .compared("times that differ", shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn tree(mtimes: &[u32]) -> Case {
        mtimes.iter().enumerate().fold(Case::tree(), |tree, (at, &mtime)| {
            tree.file(&format!("m{at}.pyc"), Pyc::python("3.12").source_mtime(mtime).build(), 1)
        })
    }

    #[test]
    fn flags_one_time_of_all() {
        let finding = tree(&[1_600_000_000; 8]).flags(&RULE);
        assert_eq!(finding.message, "All 8 pycs with a recorded time record the same one");
    }

    #[test]
    fn passes_different_times_few_files_and_sentinels() {
        tree(&[1, 1, 1, 1, 1, 1, 1, 1]).passes(&RULE);
        tree(&[1_600_000_000; 7]).passes(&RULE);
        let mut mtimes = [1_600_000_000; 9];
        mtimes[8] += 1;
        tree(&mtimes).passes(&RULE);
    }
}
