//! Baselines: findings that were looked at and accepted, in a file that people read and review.
//!
//! JSON, one finding in a line, sorted, without times, so that a change of it reads as what changed:
//!
//! ```text
//! {
//!   "version": 1,
//!   "findings": [
//!     {"rule":"PYC605","severity":"medium","artifact":"p-1.0-py3-none-any.whl","member":"p/m.pyc","message":"...","code":"v1:...","fingerprint":"v1:..."}
//!   ]
//! }
//! ```
//!
//! `reason` may be added by hand to an entry; it stays when the file is written again over itself. An entry accepts a finding with its
//! `fingerprint` (rule and place, without versions and folders: [`crate::fingerprint`]), as long as the finding is no worse than
//! `severity` says. `artifact`, `member` and `message` are for people. Two more things are asked of what is medium or above, or
//! of code ([`super::is_of_code`]), so that an accepted finding does not become a hiding place: the code has to be the same (`code`, its
//! canonical digest, which a rebuild keeps); and where a finding is of no code, the `message` has to be the same.

use std::collections::HashMap;
use std::io;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde::Serialize;

use crate::artifact::Locator;
use crate::fingerprint;
use crate::name;
use crate::rules::Finding;
use crate::rules::RULES;
use crate::rules::Rule;
use crate::rules::Severity;

use super::By;
use super::SourceUse;
use super::Unused;

/// The version of the format.
pub const VERSION: u32 = 1;

/// Why a file is no baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not the JSON of one; where and why, escaped.
    #[error("not a baseline: {0}")]
    Form(String),
    /// Of a version that this program does not know.
    #[error("version {0} of the format is not one that this version of pycaudit reads")]
    Version(u32),
    /// An entry that no scan wrote: its number, and what is wrong.
    #[error("entry {0} of its findings: {1}")]
    Entry(usize, String),
}

/// One accepted finding, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    // In the order of the file: by place first.
    /// The rule's id.
    pub rule: String,
    /// How bad it was, in a word.
    pub severity: String,
    /// The file on disk, below what was scanned.
    pub artifact: String,
    /// The members on the way in, joined by `!`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub member: String,
    /// What was said.
    pub message: String,
    /// The identity of the code it was found in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The fingerprint.
    pub fingerprint: String,
    /// Why it was accepted, if somebody wrote it down.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(rename = "version")]
    _version: u32,
    findings: Vec<Accepted>,
}

/// An entry with what it means.
#[derive(Debug)]
struct Entry {
    accepted: Accepted,
    severity: Severity,
    used: AtomicBool,
}

impl Entry {
    /// Whether the messages are the same but for the versions in the names of the archive and its folders.
    fn says_the_same(&self, finding: &Finding) -> bool {
        let Accepted { artifact, member, message, .. } = &self.accepted;
        let file = artifact.rsplit('/').next().unwrap_or_default();
        let mine = without_versions(message, [file].into_iter().chain(member.split('!')));
        let Locator { artifact, inner } = &finding.locator;
        let file = artifact.file_name().map(|file| name::shown(file.as_encoded_bytes())).unwrap_or_default();
        let inner: Vec<String> = inner.iter().map(ToString::to_string).collect();
        let its = [file.as_str()].into_iter().chain(inner.iter().map(String::as_str));
        mine == without_versions(&finding.message, its)
    }

    fn accepts(&self, finding: &Finding, code: Option<&str>) -> bool {
        if finding.rule.id != self.accepted.rule || finding.severity > self.severity {
            return false;
        }
        match &self.accepted.code {
            Some(accepted) => Some(accepted.as_str()) == code,
            None => finding.severity < Severity::Medium || self.says_the_same(finding),
        }
    }
}

/// A baseline that was read.
#[derive(Debug)]
pub struct Baseline {
    /// The file, escaped.
    file: String,
    entries: Vec<Entry>,
    /// Entries by fingerprint.
    known: HashMap<String, Vec<usize>>,
}

impl Baseline {
    /// Reads a baseline; `file` is what it is called in reports.
    pub fn parse(file: String, bytes: &[u8]) -> Result<Self, Unfit> {
        let form = |error: serde_json::Error| {
            let text: String = error.to_string().chars().take(200).collect();
            Unfit::Form(name::shown_text(&text))
        };
        // The version first: what another has is not damaged.
        let head: Head = serde_json::from_slice(bytes).map_err(form)?;
        if head.version != VERSION {
            return Err(Unfit::Version(head.version));
        }
        let whole: Whole = serde_json::from_slice(bytes).map_err(form)?;
        let mut baseline = Self { file, entries: Vec::new(), known: HashMap::new() };
        for (number, accepted) in (1..).zip(whole.findings) {
            let severity = check(&accepted).map_err(|what| Unfit::Entry(number, what))?;
            let index = baseline.entries.len();
            baseline.known.entry(accepted.fingerprint.clone()).or_default().push(index);
            baseline.entries.push(Entry { accepted, severity, used: AtomicBool::new(false) });
        }
        Ok(baseline)
    }

    /// The reason of the entry that accepts a finding. All that accept it count as used.
    pub(super) fn find(&self, finding: &Finding, code: Option<&str>) -> Option<&str> {
        let entries = self.known.get(&finding.fingerprint)?.iter().filter_map(|&index| self.entries.get(index));
        let mut reason = None;
        for entry in entries.filter(|entry| entry.accepts(finding, code)) {
            entry.used.store(true, Ordering::Relaxed);
            reason = reason.or(Some(entry.accepted.reason.as_str()));
        }
        reason
    }

    /// What became of it.
    pub(super) fn used(&self, rules: &[&'static Rule]) -> SourceUse {
        let runs = |entry: &&Entry| rules.iter().any(|rule| rule.id == entry.accepted.rule);
        let entries: Vec<&Entry> = self.entries.iter().filter(runs).collect();
        let unused = entries.iter().filter(|entry| !entry.used.load(Ordering::Relaxed)).map(|entry| {
            let Accepted { rule, artifact, member, fingerprint, .. } = &entry.accepted;
            let place = if member.is_empty() { artifact.clone() } else { format!("{artifact}!{member}") };
            Unused { rule: rule.clone(), place: name::shown_text(&place), fingerprint: fingerprint.clone() }
        });
        SourceUse::new(By::Baseline, &self.file, entries.len(), unused.collect())
    }
}

/// A message without the versions in the names on the way to its place.
fn without_versions<'a>(message: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut message = message.to_owned();
    let mut archive = "";
    for name in names.filter(|name| !name.is_empty()) {
        let folder = name.split('/').next().unwrap_or_default();
        let file = name.rsplit('/').next().unwrap_or_default();
        for (versioned, plain) in [
            (folder, fingerprint::member_without_version(folder.as_bytes(), archive.as_bytes())),
            (file, fingerprint::without_version(file.as_bytes())),
        ] {
            if *versioned.as_bytes() != *plain {
                message = message.replace(versioned, &String::from_utf8_lossy(&plain));
            }
        }
        archive = file;
    }
    message
}

/// The severity of an entry that a scan can have written.
fn check(accepted: &Accepted) -> Result<Severity, String> {
    if !RULES.iter().any(|rule| rule.id == accepted.rule) {
        return Err(format!("no rule has the id `{}`", name::shown_text(&accepted.rule)));
    }
    if !fingerprint::is_one(&accepted.fingerprint) {
        return Err(format!("`{}` is no fingerprint", name::shown_text(&accepted.fingerprint)));
    }
    Severity::from_code(&accepted.severity)
        .ok_or_else(|| format!("`{}` is no severity", name::shown_text(&accepted.severity)))
}

/// Writes a baseline of these findings, each once, by place and rule.
pub fn write(out: &mut dyn Write, findings: &mut Vec<Accepted>) -> io::Result<()> {
    findings.sort_by(|a, b| {
        let key =
            |each: &Accepted| (each.artifact.clone(), each.member.clone(), each.rule.clone(), each.fingerprint.clone());
        key(a).cmp(&key(b)).then_with(|| a.cmp(b))
    });
    findings.dedup();
    write!(out, "{{\n  \"version\": {VERSION},\n  \"findings\": [")?;
    for (index, each) in findings.iter().enumerate() {
        out.write_all(if index == 0 { b"\n    " } else { b",\n    " })?;
        serde_json::to_writer(&mut *out, each)?;
    }
    out.write_all(if findings.is_empty() { b"]\n}\n" } else { b"\n  ]\n}\n" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const FINGERPRINT: &str = "v1:0123456789abcdef";

    fn accepted(rule: &str, severity: &str, code: Option<&str>) -> Accepted {
        Accepted {
            rule: rule.to_owned(),
            severity: severity.to_owned(),
            artifact: "p.whl".to_owned(),
            member: "p/m.pyc".to_owned(),
            message: "said".to_owned(),
            code: code.map(str::to_owned),
            fingerprint: FINGERPRINT.to_owned(),
            reason: String::new(),
        }
    }

    fn finding(rule: &str, severity: Severity) -> Finding {
        Finding {
            rule: RULES.iter().find(|known| known.id == rule).unwrap(),
            severity,
            locator: Locator::file(Path::new("m.pyc")),
            message: "said".to_owned(),
            offset: None,
            line: None,
            expected: String::new(),
            observed: String::new(),
            fingerprint: FINGERPRINT.to_owned(),
        }
    }

    fn text(mut findings: Vec<Accepted>) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, &mut findings).unwrap();
        bytes
    }

    fn accepts(entry: Accepted, finding: &Finding, code: Option<&str>) -> bool {
        let baseline = Baseline::parse("b.json".to_owned(), &text(vec![entry])).unwrap();
        baseline.find(finding, code).is_some()
    }

    #[test]
    fn an_entry_accepts_its_finding_and_milder_ones() {
        let entry = || accepted("PYC203", "low", None);
        assert!(accepts(entry(), &finding("PYC203", Severity::Low), None));
        assert!(accepts(entry(), &finding("PYC203", Severity::Info), Some("v1:other")));
        assert!(!accepts(entry(), &finding("PYC203", Severity::Medium), None));
        assert!(!accepts(entry(), &finding("PYC204", Severity::Low), None));
    }

    #[test]
    fn other_code_at_an_accepted_place_is_not_accepted() {
        let entry = || accepted("PYC302", "medium", Some("v1:a"));
        assert!(accepts(entry(), &finding("PYC302", Severity::Medium), Some("v1:a")));
        assert!(!accepts(entry(), &finding("PYC302", Severity::Medium), Some("v1:b")));
        assert!(!accepts(entry(), &finding("PYC302", Severity::Medium), None));
    }

    #[test]
    fn where_there_is_no_code_another_message_is_not_accepted() {
        let entry = || accepted("PYC801", "high", None);
        let mut other = finding("PYC801", Severity::High);
        assert!(accepts(entry(), &other, None));
        other.message = "said of another file".to_owned();
        assert!(!accepts(entry(), &other, None));
        other.severity = Severity::Low;
        assert!(accepts(entry(), &other, None));
    }

    #[test]
    fn a_baseline_is_sorted_and_has_each_finding_once() {
        let [mut a, b] = [accepted("PYC203", "low", None), accepted("PYC109", "medium", Some("v1:a"))];
        a.reason = "vendored".to_owned();
        let bytes = text(vec![a.clone(), b.clone(), a.clone()]);
        assert_eq!(bytes, text(vec![b, a]));
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(text.contains("\"reason\":\"vendored\""));
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_its_place() {
        let good = String::from_utf8(text(vec![accepted("PYC203", "low", None)])).unwrap();
        for (from, to, says) in [
            ("{\n", "", "line 1 column"),
            ("\"version\": 1", "\"version\": 2", "version 2"),
            ("\"version\": 1", "\"vision\": 1", "version"),
            ("PYC203", "PYC999", "entry 1 of its findings: no rule has the id `PYC999`"),
            ("PYC203", "\\u001b[31m", "\\u{1b}"),
            (FINGERPRINT, "v1:xyz", "is no fingerprint"),
            ("\"low\"", "\"mild\"", "is no severity"),
            ("\"message\"", "\"massage\"", "massage"),
        ] {
            let bytes = good.replacen(from, to, 1);
            let error = Baseline::parse("b.json".to_owned(), bytes.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{to}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(Baseline::parse("b.json".to_owned(), deep.as_bytes()), Err(Unfit::Form(_))));
    }
}
