//! The HTML report: one file that opens anywhere, loads nothing and sends nothing.
//!
//! Rows go into compressed columns while entries stream in; the page is written when the run ends, since its first screen is
//! the summary. A small script of ours draws the tables from the columns; without it the page has plain tables of the worst
//! rows. Whatever comes from the evidence reaches the page escaped by Tera, or in base64 and then as text only.

mod charts;
mod column;
mod markdown;
mod page;
mod tables;
#[cfg(test)]
mod tests;
mod verdict;
mod words;
mod worst;

use std::collections::BTreeMap;
use std::io;
use std::io::Write;

use crate::entry::Entry;
use crate::entry::PycEntry;
use crate::entry::Run;
use crate::entry::Summary;
use crate::pyc::Header;
use crate::rules::Finding;

use super::Reporter;
use charts::Timeline;
use charts::Which;
use page::Page;
use page::Seen;
use tables::Tables;
use worst::Worst;

/// Starts a report. Nothing is written before the run ends.
pub fn start(run: &Run, out: Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>> {
    Ok(Box::new(Html {
        run: run.clone(),
        out,
        tables: Tables::new(),
        timeline: Timeline::default(),
        worst: Worst::default(),
        rules: BTreeMap::new(),
    }))
}

/// The report while it grows.
struct Html {
    run: Run,
    out: Box<dyn Write + Send>,
    tables: Tables,
    timeline: Timeline,
    worst: Worst,
    rules: BTreeMap<&'static str, Seen>,
}

impl Html {
    fn see(&mut self, artifact: &str, findings: &[Finding]) {
        for finding in findings {
            self.worst.add(artifact, finding);
            let seen = self.rules.entry(finding.rule.id).or_insert(Seen {
                rule: finding.rule,
                count: 0,
                worst: finding.severity,
            });
            seen.count += 1;
            seen.worst = seen.worst.max(finding.severity);
        }
    }

    fn times(&mut self, entry: &PycEntry) {
        if let Some(mtime) = entry.pyc.header.as_ref().and_then(Header::mtime) {
            self.timeline.add(Which::Recorded, mtime.into());
        }
        if let Some(seconds) = entry.times.seconds() {
            self.timeline.add(Which::Own, seconds);
        }
    }
}

impl Reporter for Html {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let locator = match entry {
            Entry::Pyc(entry) => {
                self.times(entry);
                self.tables.pyc(entry)?;
                &entry.locator
            }
            Entry::Artifact(entry) => {
                self.tables.artifact(entry)?;
                &entry.locator
            }
        };
        if !entry.findings().is_empty() {
            self.see(&locator.artifact_shown(), entry.findings());
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, summary: &Summary) -> io::Result<()> {
        let plain = self.tables.plain();
        let page = Page::new(&self.run, summary, self.worst, &self.timeline, &self.rules, &plain)?;
        page.write_start(&mut self.out)?;
        self.tables.write(&mut self.out)?;
        page.write_end(&mut self.out)?;
        self.out.flush()
    }
}
