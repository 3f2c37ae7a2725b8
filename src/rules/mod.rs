//! The rules: each one file with its documentation, its check and its examples, and a line in [`RULES`].
//!
//! A rule is a pure function from facts to findings: it opens no file, reads no clock, and knows no setting beyond its context.

mod alternate_runtime;
mod autorun_bytecode;
mod bad_reference;
mod bomb;
mod build_path_leak;
mod built_from_crlf;
mod bundled_environment;
mod bytecode_only_capability;
mod bytecode_only_string;
mod bytecode_shipped;
mod cache_older_than_source;
mod check_source_without_hash;
mod ci_identifiers;
mod cross_version_divergence;
mod dead_legacy_sibling;
mod dead_operand_payload;
mod deceptive_source;
mod decode_and_execute;
mod disguised_bytecode;
mod duplicate_member;
mod dynamic_attribute;
mod empty_or_zeroed;
mod encrypted_body;
mod encrypted_member;
mod exception_table_anomaly;
mod filename_location_mismatch;
mod flags_anomaly;
mod foreign_module;
mod forged_freshness;
mod format_disguise;
mod freezer_anomaly;
mod future_timestamp;
mod ghost_module;
mod hash_of_other_source;
mod header_length_anomaly;
mod hidden_code_constant;
mod hook_instrumented;
mod host_leak;
mod impossible_age;
mod indicator;
mod internal_error;
mod interpreter_tampering;
mod invalid_flags;
mod invalid_text;
mod jump_into_instruction;
mod known_bad;
mod known_good;
mod late_insertion;
mod layer_residue;
mod layout_of_other_version;
mod limit_reached;
mod line_beyond_source;
mod line_table_anomaly;
mod link_member;
mod linked_bytecode;
mod manifest_mismatch;
mod marshal_corrupt;
mod marshal_truncated;
mod missing_bytecode;
mod mixed_build_roots;
mod name_collision;
mod noncanonical_encoding;
mod not_bytecode;
mod obfuscated_names;
mod odd_cache_tag;
mod oddity;
mod operand_out_of_range;
mod opt_level_lie;
mod opt_variant_divergence;
mod package_shadows_module;
mod packed_constant;
mod partially_scanned;
mod prefix_tree;
mod prerelease_magic;
mod prologue_anomaly;
mod protector;
mod pycache_orphan;
mod pyo_in_modern;
mod record_dangling;
mod record_hash_mismatch;
mod record_malformed;
mod record_unhashed;
mod record_unlisted;
mod resource_bomb;
mod root_name_anomaly;
mod root_not_code;
mod secret_constant;
mod select;
mod sentinel_timestamp;
mod several_versions;
mod signature_anomaly;
mod skipped_by_config;
mod source_body_mismatch;
mod source_hash_mismatch;
mod source_mtime_mismatch;
mod source_only_code;
mod source_size_mismatch;
mod source_unparsable;
mod sourceless_importable;
mod specialised_on_disk;
mod stub_source;
mod stack_size_anomaly;
mod stdlib_name_shadow;
mod tag_magic_mismatch;
mod timezone_inference;
mod touched_together;
mod trailing_data;
mod truncated_header;
mod unchecked_hash;
mod uncompilable_type;
mod undefined_opcode;
mod unexpected_version;
mod unknown_magic;
mod unreadable;
mod unsafe_path;
mod unsupported_container;
mod unverified;
mod unusual_place;
mod wheel_tag_dishonest;
mod writable_cache;
mod zip_bytecode_first;
mod zip_differential;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::artifact::Locator;
use crate::artifact::Md5Digest;
use crate::artifact::Sha256Digest;
use crate::artifact::Times;
use crate::container;
use crate::container::Container;
use crate::container::FileStatus;
use crate::container::Kind;
use crate::container::Listing;
use crate::container::Member;
use crate::container::MemberId;
use crate::container::Oddity;
use crate::content::Content;
use crate::content::Vocabulary;
use crate::image::Layer;
use crate::known::Known;
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::load::Load;
use crate::load::LoadVerdict;
use crate::manifest::Manifest;
use crate::name;
use crate::name::Name;
use crate::place::Place;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc::Code;
use crate::pyc::CodeDigest;
use crate::pyc::Header;
use crate::pyc::Invalidation;
use crate::pyc::Pyc;
use crate::pyc::Text;
use crate::pyc::Tree;
use crate::pyc::Version;
use crate::pyc::walk::Places;
use crate::record::Record;
use crate::source::HeaderCheck;
use crate::source::HeaderMatch;
use crate::source::Source;
use crate::verify::check::CodeCheck;
use crate::verify::exact::Exact;

pub(crate) use crate::rules::host_leak::machine_or_person;
pub use crate::rules::select::select;

/// How bad a finding is, if it is true. Not how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A habit or leftover without a known way to do harm.
    Low,
    /// Should be looked at.
    Medium,
    /// What an attack or a broken release looks like.
    High,
    /// Code runs that is not what it claims to be.
    Critical,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: &'static [Self] = &[Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word that reports and options use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity of that word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|severity| severity.code() == code)
    }
}

/// One rule.
pub struct Rule {
    /// Its id, issued once: `PYC203`.
    pub id: &'static str,
    /// Its name, which is its file's name with hyphens.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Its severity, unless a finding says otherwise.
    pub severity: Severity,
    /// Its page: the lines of its doc comment, Markdown, each with one leading space.
    pub docs: &'static [&'static str],
    /// What it looks at.
    pub check: Check,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.name)
    }
}

/// What a rule looks at.
pub enum Check {
    /// Every pyc.
    Pyc(fn(&PycContext<'_>, &mut Findings<'_>)),
    /// Both: what is odd about a pyc, and what is said once of all pycs of an archive or a tree.
    PycAndArtifact(fn(&PycContext<'_>, &mut Findings<'_>), fn(&ArtifactContext<'_>, &mut Findings<'_>)),
    /// Every member of an archive, and every pyc and link of a tree.
    Member(fn(&MemberContext<'_>, &mut Findings<'_>)),
    /// An archive or a scanned tree as a whole, after its members.
    Artifact(fn(&ArtifactContext<'_>, &mut Findings<'_>)),
    /// Both: what is odd about members, and what is odd about the archive and belongs to none of them.
    MemberAndArtifact(fn(&MemberContext<'_>, &mut Findings<'_>), fn(&ArtifactContext<'_>, &mut Findings<'_>)),
    /// The pycs of one module in one `__pycache__`, when there are several.
    Variants(fn(&VariantsContext<'_>, &mut Findings<'_>)),
    /// Every problem: what could not be read, wherever it was.
    Problem(fn(&ProblemContext<'_>, &mut Findings<'_>)),
}

/// What a rule that looks at a pyc may know.
pub struct PycContext<'a> {
    /// The container it is in.
    pub container: &'a ContainerFacts<'a>,
    /// Which member it is.
    pub member: MemberId,
    /// Where it is.
    pub locator: &'a Locator,
    /// Its bytes; a part of them, or none, when a problem says so.
    pub bytes: &'a [u8],
    /// Whether the bytes are all of them: what is missing of a file that was not read whole is no damage of its own.
    pub is_whole: bool,
    /// The digest of its bytes, when they are all of them.
    pub sha256: Option<Sha256Digest>,
    /// The digest of its code, when some report or list needs it.
    pub code_digest: Option<CodeDigest>,
    /// What was parsed of them.
    pub pyc: &'a Pyc,
    /// The tree of its objects.
    pub tree: &'a Tree<'a>,
    /// Gives what is odd about the instructions and tables of its code objects. They are walked then, once for all rules.
    pub code_places: &'a dyn Fn() -> &'a [Places],
    /// What its code holds and calls, looked for when it is asked for.
    pub content: &'a Content<'a>,
    /// What its path says.
    pub place: &'a Place,
    /// The dotted module name that an import would use, escaped.
    pub module: &'a str,
    /// Its own times.
    pub times: Times,
    /// What the file system says of it; `None` in archives.
    pub status: Option<FileStatus>,
    /// Its source.
    pub source: &'a Source,
    /// Gives the text of the source, when it can be read. It is read then: for rules that have something to say already.
    pub source_text: &'a dyn Fn() -> Option<&'a [u8]>,
    /// What the file system says of the source; `None` in archives or without one.
    pub source_status: Option<FileStatus>,
    /// The header against the source.
    pub header_check: &'a HeaderCheck,
    /// The code against the source.
    pub code_check: &'a CodeCheck,
    /// What an interpreter that compiled the source says of the code; `None` when none was asked.
    pub exact: Option<&'a Exact>,
    /// Would an interpreter run it.
    pub load: &'a Load,
    /// What could not be read.
    pub problems: &'a [Problem],
}

impl PycContext<'_> {
    /// The header, where it is as long as the magic says, and the version of the magic.
    fn header(&self) -> Option<(&Header, &'static Version)> {
        let (header, version) = (self.pyc.header.as_ref()?, self.pyc.version?);
        (version.header == Some(header.layout)).then_some((header, version))
    }

    /// The first thing in the marshalled data that is wrong: what follows it may be wrong for that reason alone, and so may the
    /// objects around it. `None` for a file that was not read whole, and for an encrypted body.
    fn damage(&self) -> Option<&Problem> {
        let mut damages = self.problems.iter().filter(|problem| problem.kind.is_marshal());
        let first = damages.next()?;
        if !self.is_whole || encrypted_body::is_encrypted(self) {
            return None;
        }
        // These are found when an object is complete and stand where it begins, before whatever is wrong inside.
        let is_of_whole = |problem: &Problem| {
            matches!(
                problem.kind,
                ProblemKind::FieldType | ProblemKind::FieldCounts | ProblemKind::Unhashable | ProblemKind::RootNotCode
            )
        };
        if !is_of_whole(first) {
            return Some(first);
        }
        damages.find(|problem| !is_of_whole(problem)).or(Some(first))
    }

    /// Whether whoever reads the source does not see a word of the bytecode: there is no source, or the word is not in it.
    fn is_hidden(&self, word: &[u8]) -> bool {
        match (self.source_text)() {
            Some(text) => memchr::memmem::find(text, word).is_none(),
            None => self.source.file().is_none(),
        }
    }

    /// Whether the module is one of tests, examples or documentation, by its place.
    pub(crate) fn is_for_show(&self) -> bool {
        const FOLDERS: [&[u8]; 12] = [
            b"test",
            b"tests",
            b"testing",
            b"_tests",
            b"test_data",
            b"testdata",
            b"fixtures",
            b"examples",
            b"example",
            b"samples",
            b"docs",
            b"doc",
        ];
        let stem = self.place.stem.as_bytes();
        let is_test =
            stem.starts_with(b"test_") || stem.ends_with(b"_test") || matches!(stem, b"conftest" | b"tests" | b"test");
        let mut folders = self.place.source_folder.as_bytes().split(|&byte| byte == b'/');
        is_test || folders.any(|folder| FOLDERS.contains(&folder))
    }

    /// The name of a code object, and of the module that it is in.
    fn named(&self, code: Option<Code<'_>>) -> String {
        let name = code.and_then(|code| code.qualname().or_else(|| code.name())).map(Text::to_name);
        match name {
            Some(name) if code.is_some_and(|code| code.parent().is_some()) => format!("`{name}` in `{}`", self.module),
            _ => format!("`{}`", self.module),
        }
    }

    /// Whether the header claims that the source is the one that the code was compiled from. Its line ends may be written otherwise.
    fn claims_fresh(&self) -> bool {
        matches!(self.header_check.outcome, HeaderMatch::Fresh | HeaderMatch::NewlineVariant)
    }

    /// How bad it is that the code is not that of its source: what runs in its place, what only claims to be of it, what is known
    /// to be of another.
    fn severity_of_other_code(&self) -> Severity {
        match self.load.verdict {
            LoadVerdict::Runs | LoadVerdict::RunsOptimised => Severity::Critical,
            _ if !self.claims_fresh() => Severity::Low,
            // No interpreter looks for it, but the hook that wrote it does.
            LoadVerdict::Dead if self.place.hook().is_some() => Severity::High,
            LoadVerdict::Dead | LoadVerdict::Rejected => Severity::Medium,
            LoadVerdict::Stale | LoadVerdict::Unknown => Severity::High,
        }
    }

    /// Whether an interpreter that comes here has something else to run: it never looks, or compiles the source.
    fn is_passed_over(&self) -> bool {
        match self.load.verdict {
            LoadVerdict::Stale | LoadVerdict::Dead => true,
            LoadVerdict::Rejected => self.source.file().is_some() && self.damage().is_none(),
            LoadVerdict::Runs | LoadVerdict::RunsOptimised | LoadVerdict::Unknown => false,
        }
    }
}

/// What a rule that looks at a member may know.
pub struct MemberContext<'a> {
    /// The container it is in.
    pub container: &'a ContainerFacts<'a>,
    /// Which member it is.
    pub member: MemberId,
    /// Where it is.
    pub locator: &'a Locator,
    /// Its bytes with their digest and size, when they were read whole.
    pub content: Option<MemberContent<'a>>,
    /// What is odd about it in the archive's records.
    pub oddities: &'a [&'a Oddity],
}

/// A member that was read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberContent<'a> {
    /// The bytes; `None` when only their digest and size are known.
    pub bytes: Option<&'a [u8]>,
    /// SHA-256 of the bytes.
    pub sha256: Sha256Digest,
    /// Their MD5, where they are not kept and a manifest may ask for it.
    pub md5: Option<Md5Digest>,
    /// Bytes.
    pub size: u64,
}

/// What a rule that looks at an artifact as a whole may know.
pub struct ArtifactContext<'a> {
    /// The container.
    pub container: &'a ContainerFacts<'a>,
    /// Where it is.
    pub locator: &'a Locator,
    /// Its pycs, in path order.
    pub pycs: &'a [PycFacts],
    /// What became of its files or members.
    pub ledger: &'a Ledger,
    /// The images in it: the layers of each, the lowest first.
    pub images: &'a [Vec<MemberId>],
    /// What each layer has.
    pub layers: &'a BTreeMap<MemberId, Layer>,
    /// Whether whatever could not be verified counts as a failure (`--strict`).
    pub strict: bool,
}

/// What is kept of each pyc for the rules that look at all of them together.
#[derive(Clone, Debug)]
pub struct PycFacts {
    /// Which member it is.
    pub member: MemberId,
    /// Its magic number's version, if known.
    pub version: Option<&'static Version>,
    /// The source's modification time that its header records.
    pub mtime: Option<u32>,
    /// Its own times.
    pub times: Times,
    /// Whether it has a source.
    pub has_source: bool,
    /// The load verdict.
    pub load: LoadVerdict,
    /// Where its module was built: see [`crate::build_path::BuildPath::root`]. `None` when its code names no file.
    pub build_root: Option<Arc<Name>>,
    /// Whether the file that its code names can be its source by the names of the file and of the packages.
    pub fits_build_path: bool,
    /// What is compared with the other pycs of its module, when there are some.
    pub variant: Option<Box<Variant>>,
}

/// What a rule that looks at the pycs of one module may know.
pub struct VariantsContext<'a> {
    /// The container.
    pub container: &'a ContainerFacts<'a>,
    /// The pycs, in path order.
    pub variants: &'a [Variant],
    /// The words of one of them as text: it is read again for that. `None` when it is not what it was any more.
    pub words: &'a dyn Fn(&Variant) -> Option<BTreeSet<Vec<u8>>>,
}

/// One of several pycs of a module in one `__pycache__`.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Which member it is.
    pub member: MemberId,
    /// The dotted name of the module, escaped.
    pub module: String,
    /// The module's folder and last name: what the pycs of one module share.
    pub key: (Name, Name),
    /// The cache tag.
    pub tag: Name,
    /// The level of optimisation by the name; `None` for a word that is no level.
    pub level: Option<u8>,
    /// The version of the magic number.
    pub version: &'static Version,
    /// What the header records of the source.
    pub invalidation: Invalidation,
    /// What became of the comparison with the source.
    pub header_match: HeaderMatch,
    /// The load verdict.
    pub load: LoadVerdict,
    /// Whether it is one of tests, examples or documentation, by its place.
    pub is_for_show: bool,
    /// The words of the code.
    pub words: Vocabulary,
    /// The same as text, where the file cannot be read again at any time.
    pub text: Option<Vec<u8>>,
}

impl Variant {
    /// Whether both record the same source: its time and size or its hash, or that of the source beside them.
    pub fn is_of_same_source(&self, other: &Self) -> bool {
        if self.header_match == HeaderMatch::Fresh && other.header_match == HeaderMatch::Fresh {
            return true;
        }
        match (self.invalidation, other.invalidation) {
            (
                Invalidation::Timestamp { mtime, source_size },
                Invalidation::Timestamp { mtime: time, source_size: size },
            ) => mtime == time && (source_size == size || source_size.is_none() || size.is_none()),
            (
                Invalidation::CheckedHash(hash) | Invalidation::UncheckedHash(hash),
                Invalidation::CheckedHash(other) | Invalidation::UncheckedHash(other),
            ) => hash == other,
            _ => false,
        }
    }

    /// What is different in another one's words, for a finding.
    fn listed(words: &[&Vec<u8>]) -> String {
        let shown: Vec<String> = words.iter().take(8).map(|word| format!("`{}`", name::shown(word))).collect();
        let more = words.len().saturating_sub(shown.len());
        if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
    }
}

/// What could not be read, and of what.
pub struct ProblemContext<'a> {
    /// Where it is.
    pub locator: &'a Locator,
    /// What is wrong.
    pub problem: &'a Problem,
    /// Whether whatever could not be verified counts as a failure (`--strict`).
    pub strict: bool,
    /// The caps of the run.
    pub limits: &'a Limits,
}

/// What all rules may know of the container, and of the run.
pub struct ContainerFacts<'a> {
    /// The container itself: its kind, listing and oddities. Rules do not read members.
    pub container: &'a dyn Container,
    /// Where it is.
    pub locator: &'a Locator,
    /// The RECORD of a wheel.
    pub record: Option<&'a Record>,
    /// The `Requires-Python` of a wheel.
    pub requires_python: Option<&'a str>,
    /// Whether it is a part of a frozen program, or an archive in one: no source is expected there.
    pub is_frozen: bool,
    /// The list of files of a package that is no wheel.
    pub manifest: Option<&'a Manifest>,
    /// What the `.pth` files of its `site-packages` import at every start of the interpreter: the dotted names of modules and of
    /// the packages that they are in, escaped, each with the file.
    pub startup: &'a BTreeMap<String, Locator>,
    /// The absolute path of a tree with its links resolved, as bytes; empty for archives.
    pub real_root: &'a [u8],
    /// Whether findings show the secrets that they are about (`--reveal-secrets`).
    pub reveal_secrets: bool,
    /// Whether whatever could not be verified counts as a failure (`--strict`).
    pub strict: bool,
    /// Digests of what is known to be good or bad (`--known-good`, `--known-bad`).
    pub known: &'a Known,
    /// When the run began, seconds since 1970.
    pub now: i64,
    /// The archive file's own times, for archives on disk.
    pub times: Times,
}

impl ContainerFacts<'_> {
    /// The kind of container.
    pub fn kind(&self) -> Kind {
        self.container.kind()
    }

    /// The names in the container.
    pub fn listing(&self) -> &Listing {
        self.container.listing()
    }

    /// A member by its id.
    pub fn member(&self, id: MemberId) -> Option<Member<'_>> {
        self.listing().get(id)
    }

    /// Where a member is, for findings about another than the one that is looked at.
    pub fn locate(&self, id: MemberId) -> Locator {
        let Some(member) = self.member(id) else { return self.locator.clone() };
        if self.kind() != Kind::Directory {
            return self.locator.member(member.name());
        }
        container::on_disk(&self.locator.artifact, &member.path()).map_or_else(|_| self.locator.clone(), Locator::file)
    }
}

/// One finding: it can be checked by hand.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad, here.
    pub severity: Severity,
    /// Where: the pyc, the member or the artifact.
    pub locator: Locator,
    /// One sentence, without a final period; names in it are escaped.
    pub message: String,
    /// Where in the file, in bytes from its start.
    pub offset: Option<u64>,
    /// The line of the source, where one is known.
    pub line: Option<u32>,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub observed: String,
    /// What tells it from every other finding and stays when the tree moves or the wheel is rebuilt
    /// ([`crate::fingerprint`]). Set when the entry is complete.
    pub fingerprint: String,
}

impl Finding {
    /// Sets another severity than the rule's.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Sets what should be there and what is.
    pub fn compared(&mut self, expected: impl Into<String>, observed: impl Into<String>) -> &mut Self {
        self.expected = expected.into();
        self.observed = observed.into();
        self
    }

    /// Sets the offset in the file.
    pub fn at(&mut self, offset: u64) -> &mut Self {
        self.offset = Some(offset);
        self
    }

    /// Says that it is about another member or artifact.
    pub fn about(&mut self, locator: Locator) -> &mut Self {
        self.locator = locator;
        self
    }
}

/// Collects the findings of one rule on one subject.
pub struct Findings<'a> {
    rule: &'static Rule,
    locator: &'a Locator,
    list: &'a mut Vec<Finding>,
}

impl<'a> Findings<'a> {
    /// A collector for this rule and subject.
    pub fn new(rule: &'static Rule, locator: &'a Locator, list: &'a mut Vec<Finding>) -> Self {
        Self { rule, locator, list }
    }

    /// Adds a finding with the rule's own severity; the returned reference takes the particulars.
    pub fn add(&mut self, message: impl Into<String>) -> &mut Finding {
        self.list.push(Finding {
            rule: self.rule,
            severity: self.rule.severity,
            locator: self.locator.clone(),
            message: message.into(),
            offset: None,
            line: None,
            expected: String::new(),
            observed: String::new(),
            fingerprint: String::new(),
        });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }
}

/// Declares the rule of a file from its doc comment: what is written once is its page, its `explain` and its help text.
macro_rules! declare_rule {
    (
        $(#[doc = $doc:literal])+
        id: $id:literal,
        name: $name:literal,
        summary: $summary:literal,
        severity: $severity:ident,
        check: $check:ident($($function:ident),+),
    ) => {
        $(#[doc = $doc])+
        pub(crate) static RULE: $crate::rules::Rule = $crate::rules::Rule {
            id: $id,
            name: $name,
            summary: $summary,
            severity: $crate::rules::Severity::$severity,
            docs: &[$($doc),+],
            check: $crate::rules::Check::$check($($function),+),
        };
    };
}
pub(crate) use declare_rule;

/// Every rule, by id.
pub static RULES: &[&Rule] = &[
    &unknown_magic::RULE,
    &prerelease_magic::RULE,
    &alternate_runtime::RULE,
    &tag_magic_mismatch::RULE,
    &odd_cache_tag::RULE,
    &hook_instrumented::RULE,
    &invalid_flags::RULE,
    &check_source_without_hash::RULE,
    &unchecked_hash::RULE,
    &truncated_header::RULE,
    &empty_or_zeroed::RULE,
    &header_length_anomaly::RULE,
    &disguised_bytecode::RULE,
    &not_bytecode::RULE,
    &pyo_in_modern::RULE,
    &encrypted_body::RULE,
    &source_body_mismatch::RULE,
    &source_hash_mismatch::RULE,
    &source_mtime_mismatch::RULE,
    &source_size_mismatch::RULE,
    &forged_freshness::RULE,
    &hash_of_other_source::RULE,
    &bytecode_only_capability::RULE,
    &bytecode_only_string::RULE,
    &source_only_code::RULE,
    &line_beyond_source::RULE,
    &opt_level_lie::RULE,
    &opt_variant_divergence::RULE,
    &cross_version_divergence::RULE,
    &source_unparsable::RULE,
    &deceptive_source::RULE,
    &stub_source::RULE,
    &root_name_anomaly::RULE,
    &unverified::RULE,
    &pycache_orphan::RULE,
    &sourceless_importable::RULE,
    &zip_bytecode_first::RULE,
    &package_shadows_module::RULE,
    &dead_legacy_sibling::RULE,
    &stdlib_name_shadow::RULE,
    &autorun_bytecode::RULE,
    &several_versions::RULE,
    &unexpected_version::RULE,
    &foreign_module::RULE,
    &prefix_tree::RULE,
    &writable_cache::RULE,
    &linked_bytecode::RULE,
    &name_collision::RULE,
    &bytecode_shipped::RULE,
    &ghost_module::RULE,
    &unusual_place::RULE,
    &bundled_environment::RULE,
    &missing_bytecode::RULE,
    &marshal_corrupt::RULE,
    &marshal_truncated::RULE,
    &trailing_data::RULE,
    &root_not_code::RULE,
    &resource_bomb::RULE,
    &uncompilable_type::RULE,
    &noncanonical_encoding::RULE,
    &bad_reference::RULE,
    &layout_of_other_version::RULE,
    &hidden_code_constant::RULE,
    &invalid_text::RULE,
    &undefined_opcode::RULE,
    &operand_out_of_range::RULE,
    &jump_into_instruction::RULE,
    &dead_operand_payload::RULE,
    &line_table_anomaly::RULE,
    &exception_table_anomaly::RULE,
    &stack_size_anomaly::RULE,
    &flags_anomaly::RULE,
    &specialised_on_disk::RULE,
    &prologue_anomaly::RULE,
    &signature_anomaly::RULE,
    &obfuscated_names::RULE,
    &packed_constant::RULE,
    &protector::RULE,
    &decode_and_execute::RULE,
    &dynamic_attribute::RULE,
    &indicator::RULE,
    &interpreter_tampering::RULE,
    &build_path_leak::RULE,
    &host_leak::RULE,
    &filename_location_mismatch::RULE,
    &mixed_build_roots::RULE,
    &secret_constant::RULE,
    &ci_identifiers::RULE,
    &known_good::RULE,
    &known_bad::RULE,
    &built_from_crlf::RULE,
    &future_timestamp::RULE,
    &impossible_age::RULE,
    &sentinel_timestamp::RULE,
    &late_insertion::RULE,
    &timezone_inference::RULE,
    &cache_older_than_source::RULE,
    &touched_together::RULE,
    &record_hash_mismatch::RULE,
    &record_unlisted::RULE,
    &record_dangling::RULE,
    &record_unhashed::RULE,
    &record_malformed::RULE,
    &duplicate_member::RULE,
    &zip_differential::RULE,
    &unsafe_path::RULE,
    &link_member::RULE,
    &bomb::RULE,
    &encrypted_member::RULE,
    &wheel_tag_dishonest::RULE,
    &manifest_mismatch::RULE,
    &freezer_anomaly::RULE,
    &layer_residue::RULE,
    &format_disguise::RULE,
    &unreadable::RULE,
    &limit_reached::RULE,
    &skipped_by_config::RULE,
    &unsupported_container::RULE,
    &internal_error::RULE,
    &partially_scanned::RULE,
];
