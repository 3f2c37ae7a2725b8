//! Which findings are known and accepted, by whom and why: entries of a baseline, and rules that are ignored for some paths.
//!
//! Pure: whoever reads files hands their contents in. Nothing is dropped here: what is suppressed stays in the entry, is counted in every
//! report that has a summary, and what suppresses nothing is named. What could not be read (the 9xx family) and `PYC218` are coverage, not
//! findings that one can get used to: no baseline is written with the 9xx family, and paths ignore them only by their whole id or name.
//! A problem makes the exit code 3 whatever is suppressed.

pub mod baseline;
mod paths;

use std::path::PathBuf;

use crate::artifact::Locator;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::rules::Severity;

pub use baseline::Baseline;
pub use paths::PathIgnores;
pub use paths::Unfit;

/// Unused entries that are named of one source; the others are counted.
pub const NAMED: usize = 10_000;

/// What suppresses a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// An entry of a baseline.
    Baseline,
    /// A pattern of `per-path-ignores` in the configuration.
    PathIgnores,
}

impl By {
    /// The word that reports use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::PathIgnores => "per-path-ignores",
        }
    }
}

/// A finding that is suppressed.
#[derive(Clone, Debug)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// What suppresses it.
    pub by: By,
    /// Why, as whoever accepted it wrote it down, or the pattern; may be empty.
    pub reason: String,
}

/// What is known of a finding beside itself.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The identity of the code that it was found in, [`code_identity`]; `None` for a finding about an archive or a tree.
    pub code: Option<&'a str>,
    /// The paths that are scanned.
    pub roots: &'a [PathBuf],
}

/// All that suppresses findings in a run, and which of it did.
#[derive(Debug, Default)]
pub struct Suppressions {
    baselines: Vec<Baseline>,
    ignores: Option<PathIgnores>,
}

/// What became of one source of suppressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUse {
    /// What it is.
    pub by: By,
    /// The file that it was read from, escaped.
    pub file: String,
    /// How many entries it has for rules that ran.
    pub entries: u64,
    /// Those that suppressed nothing: the first of them.
    pub unused: Vec<Unused>,
    /// How many more there are.
    pub more: u64,
}

/// An entry that suppressed nothing; its texts are escaped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unused {
    /// The rule, as it was written.
    pub rule: String,
    /// Where: a place or a pattern.
    pub place: String,
    /// The fingerprint; empty for a pattern.
    pub fingerprint: String,
}

impl SourceUse {
    /// Counts the unused entries, and keeps those that are named.
    fn new(by: By, file: &str, entries: usize, mut unused: Vec<Unused>) -> Self {
        unused.sort();
        let more = unused.len().saturating_sub(NAMED) as u64;
        unused.truncate(NAMED);
        Self { by, file: file.to_owned(), entries: entries as u64, unused, more }
    }
}

impl Suppressions {
    /// Those of these baselines and of a configuration.
    pub fn new(baselines: Vec<Baseline>, ignores: Option<PathIgnores>) -> Self {
        Self { baselines, ignores }
    }

    /// Whether entries may ask for the identity of code.
    pub fn needs_codes(&self) -> bool {
        !self.baselines.is_empty()
    }

    /// Takes out of the findings of one entry what is suppressed.
    pub fn divide(&self, findings: &mut Vec<Finding>, subject: Subject<'_>) -> Vec<Suppressed> {
        if (self.baselines.is_empty() && self.ignores.is_none()) || findings.is_empty() {
            return Vec::new();
        }
        let mut suppressed = Vec::new();
        let mut left = Vec::new();
        for finding in std::mem::take(findings) {
            match self.judge(&finding, subject) {
                Some((by, reason)) => suppressed.push(Suppressed { finding, by, reason }),
                None => left.push(finding),
            }
        }
        *findings = left;
        suppressed
    }

    /// Every source that knows a finding counts it as used, so that no order of sources makes one look stale.
    fn judge(&self, finding: &Finding, subject: Subject<'_>) -> Option<(By, String)> {
        let ignored = self.ignores.as_ref().and_then(|ignores| ignores.find(finding, subject.roots));
        let mut accepted = self.baselines.iter().filter_map(|baseline| baseline.find(finding, subject.code));
        let first = accepted.next();
        accepted.for_each(drop);
        match (ignored, first) {
            (Some(pattern), _) => Some((By::PathIgnores, pattern.to_owned())),
            (None, Some(reason)) => Some((By::Baseline, reason.to_owned())),
            (None, None) => None,
        }
    }

    /// What became of each source, of what it has for these rules.
    pub fn uses(&self, rules: &[&'static Rule]) -> Vec<SourceUse> {
        let baselines = self.baselines.iter().map(|baseline| baseline.used(rules));
        baselines.chain(self.ignores.iter().map(|ignores| ignores.used(rules))).collect()
    }
}

/// What tells code from other code: its canonical digest, or, where it cannot be read as code, the digest of the marshalled bytes. Neither
/// changes with the header, so that the same source compiled again elsewhere gives the same.
pub fn code_identity(code_digest: Option<&str>, payload_sha256: Option<&str>) -> Option<String> {
    match (code_digest, payload_sha256) {
        (Some(code), _) => Some(code.to_owned()),
        (None, Some(payload)) => Some(format!("sha256:{payload}")),
        (None, None) => None,
    }
}

/// Whether a finding is accepted for one code only: what is medium or above, and what instructions, constants and names give away. Whoever
/// puts other code there has to be looked at again. Of the rest it is the habit that is accepted: where files lie, what headers say.
pub fn is_of_code(rule: &str, severity: Severity) -> bool {
    severity >= Severity::Medium || ["PYC4", "PYC5", "PYC6"].iter().any(|family| rule.starts_with(family))
}

/// Whether a rule says what was not read or not looked at.
pub fn is_coverage(rule: &str) -> bool {
    rule.starts_with("PYC9")
}

/// The paths that a pattern may be meant for: below what is scanned, below the folder of the configuration, in each archive.
fn paths_of(locator: &Locator, roots: &[PathBuf], folder: &std::path::Path) -> Vec<Vec<u8>> {
    let artifact = &*locator.artifact;
    let mut paths = Vec::new();
    let below = roots.iter().filter_map(|root| artifact.strip_prefix(root).ok());
    // Of roots that lie in one another the innermost is what was named.
    if let Some(below) = below.min_by_key(|below| below.as_os_str().len()) {
        let is_root = below.as_os_str().is_empty();
        let shown = if is_root { artifact.file_name().unwrap_or_default() } else { below.as_os_str() };
        paths.push(shown.as_encoded_bytes().to_vec());
    }
    if let Some(below) = std::path::absolute(artifact).ok().as_deref().and_then(|path| path.strip_prefix(folder).ok()) {
        paths.push(below.as_os_str().as_encoded_bytes().to_vec());
    }
    paths.extend(locator.inner.iter().map(|name| name.as_bytes().to_vec()));
    paths
}
