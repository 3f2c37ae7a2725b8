//! Several runs as one, and what a run comes to by its items alone.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Item;
use super::RunRecord;
use super::SummaryRecord;
use super::SuppressionRecord;
use super::UnusedRecord;
use super::Word;
use super::seconds;

/// One run of several, in their order. A single one stays what it is.
pub fn merge_runs(mut runs: Vec<RunRecord>) -> RunRecord {
    if runs.len() == 1 {
        return runs.remove(0);
    }
    let mut merged = RunRecord { format: super::FORMAT, redacted: !runs.is_empty(), ..RunRecord::default() };
    let mut versions: Vec<&str> = Vec::new();
    for run in &runs {
        for path in &run.paths {
            if !merged.paths.contains(path) {
                merged.paths.push(path.clone());
            }
        }
        if !versions.contains(&run.version.as_str()) {
            versions.push(&run.version);
        }
        merged.redacted &= run.redacted;
    }
    merged.version = versions.join(", ");
    merged.options = options(&runs);
    merged.started = runs.iter().filter_map(|run| run.started.clone()).min_by_key(|time| seconds(time));
    merged.merged = runs;
    merged
}

/// The options on which all agree, and of the others every value once.
fn options(runs: &[RunRecord]) -> Vec<(String, String)> {
    let mut options: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, value) in runs.iter().flat_map(|run| &run.options) {
        match options.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) if values.contains(&value.as_str()) => {}
            Some((_, values)) => values.push(value),
            None => options.push((name.clone(), vec![value])),
        }
    }
    options.into_iter().map(|(name, values)| (name, values.join(" / "))).collect()
}

impl SummaryRecord {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        let Self {
            pycs,
            pyc_bytes,
            archives,
            ledger,
            listed,
            pythons,
            loads,
            header_matches,
            code_matches,
            code_reasons,
            severities,
            rules,
            suppressed,
            suppressions,
            problems,
            interrupted,
            ended,
        } = self;
        for (mine, other) in [
            (pycs, other.pycs),
            (pyc_bytes, other.pyc_bytes),
            (archives, other.archives),
            (listed, other.listed),
            (problems, other.problems),
        ] {
            *mine = mine.saturating_add(other);
        }
        for (mine, other) in [
            (ledger, &other.ledger),
            (loads, &other.loads),
            (header_matches, &other.header_matches),
            (code_matches, &other.code_matches),
            (code_reasons, &other.code_reasons),
            (severities, &other.severities),
            (rules, &other.rules),
            (suppressed, &other.suppressed),
        ] {
            add_all(mine, other);
        }
        add_all(pythons, &other.pythons);
        merge_suppressions(suppressions, &other.suppressions);
        *interrupted |= other.interrupted;
        if ended.as_deref().and_then(seconds) < other.ended.as_deref().and_then(seconds) {
            ended.clone_from(&other.ended);
        }
    }

    /// Counts an item, for a run that lost its own summary: what was seen beside pycs and in folders is not in it.
    pub fn count(&mut self, item: &Item) {
        for finding in item.findings() {
            increase(&mut self.severities, finding.severity.code().into());
            increase(&mut self.rules, finding.rule.clone());
        }
        for suppressed in item.suppressed() {
            increase(&mut self.suppressed, suppressed.by.clone());
        }
        let problems = u64::try_from(item.problems().len()).unwrap_or(u64::MAX);
        self.problems = self.problems.saturating_add(problems);
        match item {
            Item::Pyc(item) => {
                let pyc = &item.pyc;
                self.pycs = self.pycs.saturating_add(1);
                self.pyc_bytes = self.pyc_bytes.saturating_add(pyc.size);
                increase(&mut self.pythons, pyc.python.clone());
                increase(&mut self.loads, pyc.load.clone());
                increase(&mut self.header_matches, pyc.header_match.clone());
                increase(&mut self.code_matches, pyc.code_match.clone());
                if let Some(reason) = &pyc.code_reason {
                    increase(&mut self.code_reasons, reason.clone());
                }
            }
            Item::Artifact(item) => {
                let is_archive = item.artifact.kind.as_ref().is_some_and(|kind| kind != "directory");
                self.archives = self.archives.saturating_add(u64::from(is_archive));
                add_all(&mut self.ledger, &item.artifact.ledger);
                let seen = item.artifact.ledger.get("seen").copied().unwrap_or_default();
                self.listed = self.listed.saturating_add(seen);
            }
        }
    }
}

/// What is unused in all runs that had a source is unused.
fn merge_suppressions(mine: &mut Vec<SuppressionRecord>, other: &[SuppressionRecord]) {
    for theirs in other {
        let Some(known) = mine.iter_mut().find(|known| known.by == theirs.by && known.file == theirs.file) else {
            mine.push(theirs.clone());
            continue;
        };
        // Where one of them could not name all, at most as many are unused as in the run that has the fewest.
        let most = known.unused_count().min(theirs.unused_count());
        let all_named = known.more == 0 && theirs.more == 0;
        let unused: BTreeSet<&UnusedRecord> = theirs.unused.iter().collect();
        known.unused.retain(|entry| unused.contains(entry));
        let named = u64::try_from(known.unused.len()).unwrap_or(u64::MAX);
        known.more = if all_named { 0 } else { most.saturating_sub(named) };
        known.entries = known.entries.max(theirs.entries);
    }
}

/// The sum of counts, which a record may have made large.
pub fn total<K>(counts: &BTreeMap<K, u64>) -> u64 {
    counts.values().fold(0, |sum, count| sum.saturating_add(*count))
}

/// Counts in the order of a list of words; those that are not on it follow.
pub fn in_order(counts: &BTreeMap<Word, u64>, order: impl IntoIterator<Item = &'static str>) -> Vec<(&str, u64)> {
    let order: Vec<&str> = order.into_iter().collect();
    let at = |word: &str| order.iter().position(|known| *known == word).unwrap_or(order.len());
    let mut counts: Vec<(&str, u64)> = counts.iter().map(|(word, &count)| (word.as_ref(), count)).collect();
    counts.sort_by_key(|(word, _)| at(word));
    counts
}

fn add_all<K: Ord + Clone>(mine: &mut BTreeMap<K, u64>, other: &BTreeMap<K, u64>) {
    for (key, count) in other {
        let mine = mine.entry(key.clone()).or_default();
        *mine = mine.saturating_add(*count);
    }
}

fn increase<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(version: &str, path: &str, verify: &str, started: &str) -> RunRecord {
        RunRecord {
            format: 1,
            version: version.to_owned(),
            options: vec![("verify".to_owned(), verify.to_owned()), ("strict".to_owned(), "false".to_owned())],
            paths: vec![path.to_owned()],
            started: Some(started.to_owned()),
            ..RunRecord::default()
        }
    }

    #[test]
    fn one_run_stays_what_it_is() {
        let run = run("1", "a", "code", "2026-01-01T00:00:00Z");
        let merged = merge_runs(vec![run.clone()]);
        assert_eq!((merged.paths, merged.merged.len()), (run.paths, 0));
    }

    #[test]
    fn two_runs_keep_what_each_was_asked() {
        let merged = merge_runs(vec![
            run("1", "b", "code", "2026-01-02T00:00:00Z"),
            run("1", "a", "header", "2026-01-01T00:00:00Z"),
        ]);
        assert_eq!(merged.paths, ["b", "a"]);
        assert_eq!(merged.version, "1");
        assert_eq!(merged.started.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(merged.options[0], ("verify".to_owned(), "code / header".to_owned()));
        assert_eq!(merged.options[1].1, "false");
        assert_eq!(merged.merged.len(), 2);
    }

    #[test]
    fn what_one_of_the_runs_used_is_not_unused() {
        let unused = |rules: &[&str]| SummaryRecord {
            suppressions: vec![SuppressionRecord {
                by: "baseline".into(),
                file: "known.json".to_owned(),
                entries: 3,
                unused: rules
                    .iter()
                    .map(|rule| UnusedRecord { rule: (*rule).to_owned(), ..Default::default() })
                    .collect(),
                more: 0,
            }],
            ..SummaryRecord::default()
        };
        let mut sum = unused(&["PYC101", "PYC102"]);
        sum.add(&unused(&["PYC102", "PYC103"]));
        assert_eq!(sum, unused(&["PYC102"]));
        sum.add(&SummaryRecord::default());
        assert_eq!(sum, unused(&["PYC102"]));
        let mut cut = unused(&["PYC102"]);
        cut.suppressions[0].more = 5;
        sum.add(&cut);
        assert_eq!(sum.suppressions[0].unused_count(), 1);
    }

    #[test]
    fn counts_that_are_too_large_do_not_overflow() {
        let large = || SummaryRecord {
            pycs: u64::MAX,
            rules: [("PYC101".into(), u64::MAX)].into(),
            ..SummaryRecord::default()
        };
        let mut sum = large();
        sum.add(&large());
        assert_eq!((sum.pycs, total(&sum.rules)), (u64::MAX, u64::MAX));
    }
}
