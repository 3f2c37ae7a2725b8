//! The load verdict: would an interpreter run this file?
//!
//! Judged is the file where it lies, for an interpreter of its own version, on Linux and macOS, with the default
//! `--check-hash-based-pycs`. Every row of `tests/fixtures/load/verdicts.csv` was run on CPython 2.7 and 3.6 to 3.15 and on
//! PyPy 3.9 (`tests/oracle/`), and a test judges each of them. Not judged: import hooks that a program installs, and
//! `python FILE`, which runs any file that begins with the magic number.

mod frozen;
mod path_finder;
mod shadow;
mod zipimport;

use crate::container::Kind;
use crate::container::Listing;
use crate::name;
use crate::place::Place;
use crate::pyc::Body;
use crate::pyc::Header;
use crate::pyc::HeaderLayout;
use crate::pyc::Invalidation;
use crate::pyc::Magic;
use crate::pyc::Pyc;
use crate::pyc::Unread;
use crate::pyc::Version;
use crate::pyc::versions::Implementation;
use crate::source;
use crate::source::HeaderCheck;
use crate::source::HeaderMatch;
use crate::source::SourceFile;

/// Whether an interpreter of the file's own version would run it where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LoadVerdict {
    /// An import, or a start by its name, runs it.
    Runs,
    /// Only under `-O` or `-OO`.
    RunsOptimised,
    /// It would be looked at, found out of date, and compiled again.
    Stale,
    /// It is never looked at there.
    Dead,
    /// It is looked at, and import fails or ignores it.
    Rejected,
    /// Not known: an interpreter whose rules were not checked.
    Unknown,
}

impl LoadVerdict {
    /// The word that reports use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::RunsOptimised => "runs-optimised",
            Self::Stale => "stale",
            Self::Dead => "dead",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// Every verdict, the strongest first.
    pub const ALL: &'static [Self] =
        &[Self::Runs, Self::RunsOptimised, Self::Stale, Self::Dead, Self::Rejected, Self::Unknown];

    /// Whether some ordinary start of the interpreter runs it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Runs | Self::RunsOptimised)
    }
}

/// The verdict and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The verdict.
    pub verdict: LoadVerdict,
    /// One line for a person.
    pub reason: String,
}

impl Load {
    fn new(verdict: LoadVerdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into() }
    }

    fn dead(reason: impl Into<String>) -> Self {
        Self::new(LoadVerdict::Dead, reason)
    }

    fn rejected(reason: impl Into<String>) -> Self {
        Self::new(LoadVerdict::Rejected, reason)
    }

    fn stale(reason: impl Into<String>) -> Self {
        Self::new(LoadVerdict::Stale, reason)
    }

    fn unknown(reason: impl Into<String>) -> Self {
        Self::new(LoadVerdict::Unknown, reason)
    }
}

/// What an interpreter would find in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyState {
    /// A code object, where the header of its version ends.
    Good,
    /// Something at which the unmarshalling of its version fails, or that is no code object.
    Broken,
    /// It was not read, and may be good.
    Unread,
}

impl BodyState {
    /// The state of a parsed file's body, as the interpreter that its magic names would meet it.
    pub fn of(pyc: &Pyc) -> Self {
        let elsewhere = pyc.fit.as_ref().is_some_and(|fit| fit.is_odd_header() || fit.is_other_layout());
        match &pyc.body {
            Body::Code(_) if !elsewhere => Self::Good,
            Body::NotRead(Unread::Dialect(_) | Unread::UnknownMagic | Unread::TooLarge) => Self::Unread,
            Body::Code(_) | Body::Damaged(_) | Body::NotRead(_) => Self::Broken,
        }
    }
}

/// The facts that a verdict is made from.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The kind of container it is in.
    pub kind: Kind,
    /// The names in the container.
    pub listing: &'a Listing,
    /// What its path says.
    pub place: &'a Place,
    /// Its first four bytes, when there are four.
    pub magic: Option<Magic>,
    /// The meaning of the magic.
    pub version: Option<&'static Version>,
    /// Every meaning of the magic.
    pub candidates: &'static [Version],
    /// Its header; `None` when the file ends inside it.
    pub header: Option<&'a Header>,
    /// Whether its header was cut off by a freezer, and restored.
    pub is_headless: bool,
    /// Its body.
    pub body: BodyState,
    /// The source that it was compared with, wherever that was found.
    pub source: Option<&'a SourceFile>,
    /// The header against that source.
    pub header_check: &'a HeaderCheck,
}

/// The verdict on a file.
///
/// A wheel is judged as installed; an egg, zipapp or pex as zipimport would; a directory as the path finder would; a plain zip
/// both as a zip on `sys.path` and as unpacked, whichever runs the file; a tar or a single compressed file as unpacked, since
/// no importer looks into them. The files of a frozen program are judged as unpacked,
/// which it does at its start, and its code without headers as its loader takes it.
pub fn judge(judged: &Judged<'_>) -> Load {
    if judged.is_headless {
        return frozen::judge(judged);
    }
    match judged.kind {
        Kind::Directory | Kind::Wheel | Kind::Pyinstaller | Kind::Pyz => path_finder::judge(judged),
        Kind::Egg | Kind::Zipapp => zipimport::judge(judged),
        Kind::Tar | Kind::Compressed | Kind::Conda | Kind::Image | Kind::Deb | Kind::Rpm | Kind::Cpio => {
            let unpacked = path_finder::judge(judged);
            Load::new(unpacked.verdict, format!("once unpacked: {}", unpacked.reason))
        }
        Kind::Zip => {
            let on_path = zipimport::judge(judged);
            let unpacked = path_finder::judge(judged);
            if on_path.verdict <= unpacked.verdict {
                Load::new(on_path.verdict, format!("as a zip on `sys.path`: {}", on_path.reason))
            } else {
                Load::new(unpacked.verdict, format!("once unpacked: {}", unpacked.reason))
            }
        }
    }
}

/// An interpreter: whose rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interpreter {
    /// Whose import system it has.
    implementation: Implementation,
    /// What people call it.
    name: &'static str,
    /// The language series.
    series: (u8, u8),
}

impl Interpreter {
    fn of_version(version: &'static Version) -> Self {
        Self { implementation: version.implementation, name: version.name, series: version.series }
    }

    /// The name for a sentence: `Python 3.12`, `PyPy 3.9`.
    fn shown(self) -> String {
        let name = if self.implementation == Implementation::CPython { "Python" } else { self.name };
        let (major, minor) = self.series;
        format!("{name} {major}.{minor}")
    }

    /// Whether it reads `__pycache__`; before PEP 3147 bytecode lay beside its source.
    fn has_cache_folders(self) -> bool {
        self.series >= (3, 2)
    }

    /// Whether `-O` reads `.opt-1.pyc` and no `.pyo` (PEP 488).
    fn has_optimization_tags(self) -> bool {
        self.series >= (3, 5)
    }

    /// Whether its import system is that of the CPython of its series, as checked or as its own history says.
    fn follows_cpython(self) -> bool {
        matches!(self.implementation, Implementation::CPython | Implementation::PyPy | Implementation::Fork)
    }
}

/// When an interpreter reads a file of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// In an ordinary start.
    Any,
    /// Under `-O` or `-OO` alone, written as the option.
    Optimised(&'static str),
}

impl Level {
    /// The verdict on a good file.
    fn runs(self, interpreter: Interpreter, reason: String) -> Load {
        if !interpreter.follows_cpython() {
            return Load::unknown(format!("the import rules of {} were not checked: {reason}", interpreter.shown()));
        }
        match self {
            Self::Any => Load::new(LoadVerdict::Runs, reason),
            Self::Optimised(option) => {
                Load::new(LoadVerdict::RunsOptimised, format!("under `{option}` only: {reason}"))
            }
        }
    }
}

/// The source's file name for a sentence.
fn source_shown(judged: &Judged<'_>) -> String {
    name::shown(&judged.place.source_name())
}

/// The file that no import finds, whatever is in it: its name is none that an importer builds.
fn unimportable_name(judged: &Judged<'_>) -> Option<Load> {
    let place = judged.place;
    let extension = place.extension.as_bytes();
    if extension != b"pyc" && extension != b"pyo" {
        let what = if extension.eq_ignore_ascii_case(b"pyc") || extension.eq_ignore_ascii_case(b"pyo") {
            format!("importers look for `.pyc` in lower case, not for `.{}`", place.extension)
        } else if extension.is_empty() {
            String::from("no importer looks for a name without extension")
        } else {
            format!("no importer looks for the extension `.{}`", place.extension)
        };
        return Some(Load::dead(format!("{what}; only `python FILE` would run it")));
    }
    let extra = place.extra.as_bytes();
    if extra.starts_with(b"-pytest-") {
        return Some(Load::dead("no import looks for it; pytest runs it when time and size are those of its source"));
    }
    if !extra.is_empty() {
        return Some(Load::dead(format!("no import looks for a name with `{}` in it", place.extra)));
    }
    None
}

/// A magic number that belongs to no interpreter that is known.
fn unknown_magic(judged: &Judged<'_>) -> Load {
    match judged.magic {
        None => Load::rejected("it is too short to hold a magic number"),
        // Every magic number of CPython since 1.3 ends in CR LF.
        Some(Magic([_, _, b'\r', b'\n'])) => Load::unknown("the interpreter of its magic number is not known"),
        Some(_) => Load::rejected("its first four bytes are no magic number"),
    }
}

/// Refusals that come before anything is compared: of the magic, of a header cut short, of undefined flags.
///
/// `_classify_pyc` in CPython's importlib.
fn refused_header(judged: &Judged<'_>, interpreter: Interpreter, then: &str) -> Option<Load> {
    let who = interpreter.shown();
    let Some(header) = judged.header else {
        return Some(Load::rejected(format!("{who} finds its header cut short{then}")));
    };
    let flags = if header.layout == HeaderLayout::Bytes16 { header.flags.unwrap_or_default() } else { 0 };
    let undefined = flags & !3;
    (undefined != 0).then(|| Load::rejected(format!("{who} refuses its undefined flags {flags:#x}{then}")))
}

/// What happens when the header was accepted: the body is unmarshalled.
fn accepted(judged: &Judged<'_>, interpreter: Interpreter, level: Level, reason: String) -> Load {
    if judged.body == BodyState::Broken {
        let who = interpreter.shown();
        return Load::rejected(format!("{who} accepts its header and then fails on its body, an import raises"));
    }
    level.runs(interpreter, reason)
}

/// Whether the header fits the source that an interpreter would compare it with.
fn validated(judged: &Judged<'_>, header: &Header, interpreter: Interpreter) -> Result<String, Load> {
    let who = interpreter.shown();
    let source = source_shown(judged);
    let check = judged.header_check;
    match header.invalidation {
        Invalidation::UncheckedHash(_) => Ok(format!("unchecked hash: {who} runs it without looking at `{source}`")),
        Invalidation::CheckedHash(_) => match check.outcome {
            HeaderMatch::Fresh => Ok(format!("checked hash, and it is that of `{source}`")),
            HeaderMatch::HashMismatch | HeaderMatch::NewlineVariant => {
                Err(Load::stale(format!("checked hash, and `{source}` has another: {who} would compile it again")))
            }
            _ => Err(Load::unknown(format!("checked hash, and `{source}` was not read"))),
        },
        Invalidation::Timestamp { mtime, source_size } => {
            let size_agrees = check.size.is_none_or(|(recorded, actual)| recorded == source::low_word(actual));
            match (check.mtime_agrees, size_agrees) {
                (_, false) => Err(Load::stale(format!(
                    "{who} would find it out of date (recorded size {}, actual {}) and compile `{source}` again",
                    source_size.unwrap_or_default(),
                    check.size.map_or(0, |(_, actual)| actual),
                ))),
                (Some(false), true) => Err(Load::stale(format!(
                    "{who} would find it out of date (recorded mtime {mtime}, actual {}) and compile `{source}` again",
                    check.mtime.map_or(0, |(_, actual)| actual),
                ))),
                (Some(true), true) if source_size.is_some() => {
                    Ok(format!("its recorded mtime and size are those of `{source}`"))
                }
                (Some(true), true) => Ok(format!("its recorded mtime is that of `{source}`")),
                (None, true) => Err(Load::unknown(format!("the modification time of `{source}` is not known"))),
            }
        }
    }
}
