//! The HTML report: one file that opens anywhere, loads nothing and sends nothing.
//!
//! Rows go into compressed columns while entries stream in; the page is written when the run ends, since its first screen is
//! the summary. A small script of ours draws the tables from the columns; without it the page has plain tables of the worst
//! rows. Whatever comes from the evidence reaches the page escaped by Tera, or in base64 and then as text only.

mod charts;
mod column;
mod markdown;
mod page;
mod roots;
mod suppressed;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::io::Write;

use crate::pyc::versions::Magic;
use crate::pyc::versions::lookup;
use crate::report::record::FindingRecord;
use crate::report::record::Item;
use crate::report::record::PycRecord;
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;
use crate::report::record::Word;
use crate::report::record::from_hex;

use super::Reporter;
use crate::report::worst::Worst;
use charts::Timeline;
use charts::Which;
use page::Charts;
use page::Page;
use page::Seen;
use roots::Roots;
use suppressed::Suppressed;
use tables::Tables;

/// Magic numbers that are looked up; there are some hundred, and whoever makes up more gets no marks for them.
const MAGICS: usize = 1024;

/// Starts a report. Nothing is written before the run ends.
pub fn start(run: &RunRecord, out: Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>> {
    Ok(Box::new(Html {
        run: run.clone(),
        out,
        tables: Tables::new(),
        timeline: Timeline::default(),
        roots: Roots::default(),
        magics: BTreeSet::new(),
        worst: Worst::default(),
        rules: BTreeMap::new(),
        suppressed: Suppressed::default(),
    }))
}

/// The report while it grows.
struct Html {
    run: RunRecord,
    out: Box<dyn Write + Send>,
    tables: Tables,
    timeline: Timeline,
    roots: Roots,
    /// Magic numbers that were seen, in hexadecimal.
    magics: BTreeSet<String>,
    worst: Worst,
    rules: BTreeMap<Word, Seen>,
    suppressed: Suppressed,
}

impl Html {
    fn see(&mut self, artifact: &str, findings: &[FindingRecord]) {
        for finding in findings {
            self.worst.add(artifact, finding);
            let seen = self.rules.entry(finding.rule.clone()).or_insert_with(|| Seen {
                id: finding.rule.clone(),
                name: finding.name.clone(),
                rule: finding.known_rule(),
                count: 0,
                worst: finding.severity,
            });
            seen.count += 1;
            seen.worst = seen.worst.max(finding.severity);
        }
    }

    /// When the magic number came to be; looked up once for each.
    fn release(&mut self, pyc: &PycRecord) {
        let Some(bytes) = &pyc.magic_bytes else { return };
        if self.magics.len() >= MAGICS || self.magics.contains(bytes) {
            return;
        }
        let magic = from_hex(bytes).and_then(|bytes| Some(Magic(bytes.try_into().ok()?)));
        let version = magic.and_then(|magic| lookup(magic).iter().find(|version| version.python() == pyc.python));
        if let Some(since) = version.and_then(|version| version.introduced) {
            self.timeline.release(&pyc.python, since);
        }
        self.magics.insert(bytes.clone());
    }

    fn times(&mut self, pyc: &PycRecord) {
        self.release(pyc);
        if let Some(mtime) = pyc.mtime_seconds {
            self.timeline.add(Which::Recorded, mtime.into());
        }
        if let Some(seconds) = pyc.own_time_seconds {
            self.timeline.add(Which::Own, seconds);
        }
    }
}

impl Reporter for Html {
    fn item(&mut self, item: &Item) -> io::Result<()> {
        match item {
            Item::Pyc(item) => {
                self.times(&item.pyc);
                self.roots.add(&item.pyc);
                self.tables.pyc(item)?;
            }
            Item::Artifact(item) => self.tables.artifact(item)?,
        }
        item.suppressed().iter().for_each(|each| self.suppressed.add(each));
        if !item.findings().is_empty() {
            self.see(&item.place().artifact_shown(), item.findings());
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, summary: &SummaryRecord) -> io::Result<()> {
        let plain = self.tables.plain();
        let suppressed = self.suppressed.show(summary);
        let charts = Charts { timeline: &self.timeline, roots: &self.roots };
        let page = Page::new(&self.run, summary, self.worst, &charts, &self.rules, &plain, &suppressed)?;
        page.write_start(&mut self.out)?;
        self.tables.write(&mut self.out)?;
        page.write_end(&mut self.out)?;
        self.out.flush()
    }
}
