//! A baseline of a run: what is found now is known from now on.
//!
//! What an older baseline accepts stays in it, with its reason; what it accepted and is gone is left out, and so is what the configuration
//! ignores. What could not be read is not accepted by anybody: the 9xx family is never written. The format is
//! [`crate::suppression::baseline`]'s.

use std::io;
use std::io::Write;

use crate::report::Reporter;
use crate::report::record::FindingRecord;
use crate::report::record::Item;
use crate::report::record::Place;
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;
use crate::suppression;
use crate::suppression::By;
use crate::suppression::baseline::Accepted;

/// Starts the report. Nothing is written before the run ends.
pub fn start(run: &RunRecord, out: Box<dyn Write + Send>) -> Box<dyn Reporter> {
    // A run that was put together has the paths of all; the longest that fits is the innermost.
    let mut roots = run.paths.clone();
    roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
    Box::new(Baseline { out, roots, findings: Vec::new() })
}

struct Baseline {
    out: Box<dyn Write + Send>,
    roots: Vec<String>,
    findings: Vec<Accepted>,
}

impl Baseline {
    fn take(&mut self, finding: &FindingRecord, code: Option<&str>, reason: &str) {
        if suppression::is_coverage(&finding.rule) {
            return;
        }
        let is_of_code = suppression::is_of_code(&finding.rule, finding.severity);
        self.findings.push(Accepted {
            rule: finding.rule.to_string(),
            severity: finding.severity.code().to_owned(),
            artifact: self.below(&finding.place),
            member: finding.place.member_shown(),
            message: finding.message.clone(),
            code: code.filter(|_| is_of_code).map(str::to_owned),
            fingerprint: finding.fingerprint.clone(),
            reason: reason.to_owned(),
        });
    }

    /// The file below what was scanned, so that another folder gives the same text.
    fn below(&self, place: &Place) -> String {
        let artifact = place.artifact_shown();
        for root in &self.roots {
            let below = artifact.strip_prefix(root.as_str());
            let below = below.and_then(|rest| if root.ends_with('/') { Some(rest) } else { rest.strip_prefix('/') });
            if let Some(below) = below.filter(|below| !below.is_empty()) {
                return below.to_owned();
            }
        }
        match artifact.rsplit_once('/') {
            Some((_, file)) if !file.is_empty() => file.to_owned(),
            _ => artifact,
        }
    }
}

impl Reporter for Baseline {
    fn item(&mut self, item: &Item) -> io::Result<()> {
        let code = match item {
            Item::Pyc(item) => {
                let payload = item.pyc.payload_sha256.map(|digest| digest.to_string());
                suppression::code_identity(item.pyc.code_digest.as_deref(), payload.as_deref())
            }
            Item::Artifact(_) => None,
        };
        for finding in item.findings() {
            self.take(finding, code.as_deref(), "");
        }
        for suppressed in item.suppressed().iter().filter(|each| each.by == By::Baseline.code()) {
            self.take(&suppressed.finding, code.as_deref(), &suppressed.reason);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &SummaryRecord) -> io::Result<()> {
        suppression::baseline::write(&mut self.out, &mut self.findings)?;
        self.out.flush()
    }
}
