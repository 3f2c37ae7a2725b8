//! What reports may see: the run, one entry per pyc or artifact in input order, and the summary.

use std::collections::BTreeMap;

use crate::artifact::Locator;
use crate::artifact::Sha256Digest;
use crate::artifact::Times;
use crate::container::Kind;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::load::LoadVerdict;
use crate::name::Name;
use crate::place::Place;
use crate::problem::Problem;
use crate::pyc::CodeDigest;
use crate::pyc::Invalidation;
use crate::pyc::Pyc;
use crate::pyc::Version;
use crate::rules::Finding;
use crate::rules::Severity;
use crate::source::HeaderCheck;
use crate::source::HeaderMatch;
use crate::source::Source;
use crate::suppression::SourceUse;
use crate::suppression::Suppressed;
use crate::verify::check::CodeCheck;
use crate::verify::exact::Exact;

/// The chain of custody of a run: what was asked, of which tool, and when.
#[derive(Clone, Debug)]
pub struct Run {
    /// The version of pycaudit.
    pub version: &'static str,
    /// The command line, word by word, as it was typed; may hold any bytes, shown escaped.
    pub arguments: Vec<String>,
    /// The options as they were understood, name and value, in the order of the help text.
    pub options: Vec<(&'static str, String)>,
    /// The paths that were to be scanned, escaped.
    pub paths: Vec<String>,
    /// When it began, seconds since 1970.
    pub started: i64,
}

/// One entry of the run.
#[derive(Debug)]
pub enum Entry {
    /// A pyc.
    Pyc(Box<PycEntry>),
    /// An archive or a scanned tree, after all of its pycs; or a file that could not be read or was left out with a finding.
    Artifact(Box<ArtifactEntry>),
}

impl Entry {
    /// The findings of the entry.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Pyc(entry) => &entry.findings,
            Self::Artifact(entry) => &entry.findings,
        }
    }

    /// The findings that are suppressed.
    pub fn suppressed(&self) -> &[Suppressed] {
        match self {
            Self::Pyc(entry) => &entry.suppressed,
            Self::Artifact(entry) => &entry.suppressed,
        }
    }

    /// Drops the findings that are not wanted.
    pub fn retain_findings(&mut self, wanted: impl FnMut(&Finding) -> bool) {
        match self {
            Self::Pyc(entry) => entry.findings.retain(wanted),
            Self::Artifact(entry) => entry.findings.retain(wanted),
        }
    }
}

/// A piece of source and the instructions that claim to be of it, in a code object that differs from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The code object, by its qualified name.
    pub code: Name,
    /// The lines in the order of the source; last those of which it knows nothing.
    pub lines: Vec<PassageLine>,
}

/// A line of a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassageLine {
    /// Its number, 1 for the first; `None` for instructions without a line.
    pub line: Option<u32>,
    /// Its text, escaped and, if long, cut; empty where the source has no such line.
    pub text: String,
    /// Whether code and source part here.
    pub is_marked: bool,
    /// The instructions that claim to be of the line.
    pub instructions: Vec<PassageInstruction>,
}

/// An instruction of a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassageInstruction {
    /// Its offset in its code object.
    pub offset: u32,
    /// What it is, with its argument; escaped and, if long, cut.
    pub text: String,
    /// Whether a difference was found at it.
    pub is_marked: bool,
}

/// One pyc and all that was found out about it.
#[derive(Debug)]
pub struct PycEntry {
    /// Whether a freezer had cut its header off, and it was restored.
    pub is_headless: bool,
    /// Where it is.
    pub locator: Locator,
    /// The digest of its bytes; `None` when they could not be read whole.
    pub sha256: Option<Sha256Digest>,
    /// Its size in bytes; of a member that could not be read whole what its archive claims, unless more was found.
    pub size: u64,
    /// The digest of the marshalled code alone: from where it begins to where it ends, or to the end of a file in which it does
    /// not end or is not read. `None` when there is none, the file could not be read whole, or the run does not want it.
    pub payload_sha256: Option<Sha256Digest>,
    /// The canonical digest of the module's code; `None` when an interpreter refuses it, or the run does not want it.
    pub code_digest: Option<CodeDigest>,
    /// All bytes that were read, when the run keeps them (`Config::keep_contents` of the scan).
    pub contents: Option<Vec<u8>>,
    /// The bytes of its source, when the run keeps them and they could be read whole.
    pub source_contents: Option<Vec<u8>>,
    /// The first bytes of the file, up to the longest header, for the evidence.
    pub head: Vec<u8>,
    /// What was parsed.
    pub pyc: Pyc,
    /// What its path says.
    pub place: Place,
    /// The dotted module name that an import would use, as far as the path tells; escaped.
    pub module: String,
    /// Its own times: of the file, or of the archive's record.
    pub times: Times,
    /// The source it belongs to.
    pub source: Source,
    /// The header against the source.
    pub header_check: HeaderCheck,
    /// The code against the source.
    pub code_check: CodeCheck,
    /// Source and instructions around the first places where they part.
    pub passages: Vec<Passage>,
    /// What an interpreter that compiled the source says of the code; `None` when none was asked.
    pub exact: Option<Exact>,
    /// Would an interpreter run it.
    pub load: Load,
    /// What the rules say, the worst first.
    pub findings: Vec<Finding>,
    /// What they say that is known and accepted.
    pub suppressed: Vec<Suppressed>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl PycEntry {
    /// The interpreter by the magic number: `CPython 3.12`; `unknown` where the number is.
    pub fn python(&self) -> String {
        self.pyc.version.map_or_else(|| "unknown".to_owned(), Version::python)
    }

    /// The file name in the module's code object: where it was compiled, as its builder saw it. Escaped.
    pub fn build_path(&self) -> Option<String> {
        self.pyc.body.root().map(|root| root.filename.to_string()).filter(|path| !path.is_empty())
    }

    /// How the header is invalidated, in a word: `timestamp`, `checked-hash`, `unchecked-hash`; empty without a header.
    pub fn header_kind(&self) -> &'static str {
        match self.pyc.header.as_ref().map(|header| header.invalidation) {
            Some(Invalidation::Timestamp { .. }) => "timestamp",
            Some(Invalidation::CheckedHash(_)) => "checked-hash",
            Some(Invalidation::UncheckedHash(_)) => "unchecked-hash",
            None => "",
        }
    }

    /// When its archive says that it was last modified: RFC 3339, in UTC when the archive gives UTC, else the local time of
    /// wherever the archive was made, without a zone. `None` for a file on disk.
    pub fn archived_at(&self) -> Option<String> {
        if self.locator.inner.is_empty() {
            return None;
        }
        self.times.shown()
    }

    /// The severity of its worst finding.
    pub fn max_severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

/// An archive, a tree or another file that has something to be said of it as a whole.
#[derive(Debug)]
pub struct ArtifactEntry {
    /// Where it is.
    pub locator: Locator,
    /// What kind of container it is; `None` for a file that is neither a pyc nor opened.
    pub kind: Option<Kind>,
    /// The digest of its bytes, for archives.
    pub sha256: Option<Sha256Digest>,
    /// Its size in bytes, for files.
    pub size: Option<u64>,
    /// How many pycs were found in it.
    pub pycs: u64,
    /// How many files or members it lists; folder records are none.
    pub listed: u64,
    /// Every file or member seen in it, by what became of it.
    pub ledger: Ledger,
    /// What the rules say of it and of its members that are not pycs, the worst first.
    pub findings: Vec<Finding>,
    /// What they say that is known and accepted.
    pub suppressed: Vec<Suppressed>,
    /// What could not be read, and of which member.
    pub problems: Vec<(Option<Locator>, Problem)>,
}

impl ArtifactEntry {
    /// Whether it is an archive that was opened.
    pub fn is_archive(&self) -> bool {
        self.kind.is_some_and(|kind| kind != Kind::Directory)
    }
}

/// What a run comes to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The coverage ledger of the whole run.
    pub ledger: Ledger,
    /// How many files and members the containers listed; equal to what the ledger saw, or there is a bug of ours.
    pub listed: u64,
    /// How many pycs there are.
    pub pycs: u64,
    /// Bytes of all pycs.
    pub pyc_bytes: u64,
    /// How many archives were opened.
    pub archives: u64,
    /// Pycs by interpreter, as `Version::python` shows it.
    pub pythons: BTreeMap<String, u64>,
    /// Pycs by load verdict.
    pub loads: BTreeMap<LoadVerdict, u64>,
    /// Pycs by how the header fits the source.
    pub header_matches: BTreeMap<HeaderMatch, u64>,
    /// Pycs by how the code fits the source: `verified`, `differs`, `unverified`.
    pub code_matches: BTreeMap<&'static str, u64>,
    /// Those that are not verified, by the word for the reason.
    pub code_reasons: BTreeMap<&'static str, u64>,
    /// Findings by severity.
    pub severities: BTreeMap<Severity, u64>,
    /// Findings by rule id.
    pub rules: BTreeMap<&'static str, u64>,
    /// Findings that are suppressed, which are in no other count, by what suppresses them.
    pub suppressed: BTreeMap<&'static str, u64>,
    /// What became of each source of suppressions.
    pub suppressions: Vec<SourceUse>,
    /// How many problems: things that could not be read.
    pub problems: u64,
    /// Whether the run was broken off (Ctrl-C).
    pub interrupted: bool,
    /// When it ended, seconds since 1970.
    pub ended: i64,
}
