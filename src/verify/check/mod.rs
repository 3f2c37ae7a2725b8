//! The check of a whole file: every code object against its piece of the source.

mod signature;

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::HashSet;

use foldhash::fast::RandomState;
use ruff_text_size::TextRange;
use smallvec::SmallVec;

use crate::name;
use crate::name::Name;
use crate::pyc::Code;
use crate::pyc::Tree;
use crate::pyc::Version;

use super::Pool;
use super::describe;
use super::expected::Expected;
use super::expected::Source;
use super::found::Machine;
use super::found::Room;
use super::hook::pytest;
use super::scope::Options;
use super::scope::Release;
use super::scope::Role;
use super::scope::Scope;
use super::scope::Scopes;
use super::simulate::Crowding;
use super::simulate::Memory;
use super::simulate::Outcome;
use super::simulate::Simulation;
use super::source_text;
use super::source_text::SourceText;

/// How fine the evidence is. What code does is compared in the same way whatever the tables; what they add is where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Names, constants and signatures only.
    Names,
    /// What each code object does, on every path, for versions that have lines (2.7, 3.6 to 3.10). The line table itself is not compared.
    Lines,
    /// What each code object does, on every path, for versions that give every instruction a range of the source (3.11 and later). The location
    /// table itself is not compared.
    Spans,
    /// An interpreter compiled the source to the same code.
    Exact,
}

impl Strength {
    /// The word for it in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Lines => "lines",
            Self::Spans => "spans",
            Self::Exact => "exact",
        }
    }
}

/// What kind of difference it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// A code object does something else, or takes other arguments.
    Other,
    /// A code object that the source does not make.
    BytecodeOnly,
    /// A code object that the bytecode does not have, as far as the source is compiled at all.
    SourceOnly,
}

/// One place where bytecode and source part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeDifference {
    /// The code object, by its qualified name.
    pub code: Name,
    /// Its place among the file's code objects; `None` when it is not there.
    pub index: Option<usize>,
    /// What kind of difference it is.
    pub kind: DifferenceKind,
    /// The line of the source, 1 for the first.
    pub line: Option<u32>,
    /// That line, escaped, without its indentation, and cut when it is long.
    pub text: String,
    /// The offset of the instruction in its code object.
    pub offset: Option<u32>,
    /// What the source dictates.
    pub expected: String,
    /// What the bytecode does.
    pub found: String,
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It was not asked for.
    #[error("not asked for")]
    NotAsked,
    /// There is no source.
    #[error("no source")]
    NoSource,
    /// Several files could be the source.
    #[error("several files could be the source")]
    AmbiguousSource,
    /// The source cannot be read whole.
    #[error("the source could not be read whole")]
    UnreadSource,
    /// The header says that the code is of another state of the source.
    #[error("stale: the header says that it was compiled from another state of the source")]
    Stale,
    /// An import hook compiled it on purpose to something else; its name.
    #[error("instrumented by {0}")]
    Instrumented(String),
    /// No rules for this version.
    #[error("the code of this version is not compared")]
    Version,
    /// The source cannot be read as this version's.
    #[error(transparent)]
    Source(source_text::Reason),
    /// Something in the source has no rule yet.
    #[error("line {1} of the source has what is not compared yet: {0}")]
    Unsupported(&'static str, u32),
    /// The limit of work was reached.
    #[error("the limit of work was reached")]
    Work,
    /// The bytecode was not read whole.
    #[error("the bytecode could not be read whole")]
    Body,
    /// A bug of ours.
    #[error("the check itself failed, which is a bug of pycaudit")]
    Internal,
}

impl Reason {
    /// The word for it in reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::NoSource => "no-source",
            Self::AmbiguousSource => "ambiguous-source",
            Self::UnreadSource => "unread-source",
            Self::Stale => "stale",
            Self::Instrumented(_) => "instrumented",
            Self::Version => "version",
            Self::Source(_) => "source",
            Self::Unsupported(..) => "unsupported",
            Self::Work => "work",
            Self::Body => "body",
            Self::Internal => "internal",
        }
    }
}

/// What the check gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// The bytecode does what the source says, on every path.
    Verified {
        /// How fine the evidence is.
        strength: Strength,
        /// The optimisation level that fits.
        optimisation: u8,
    },
    /// It does not.
    Differs {
        /// How fine the evidence is.
        strength: Strength,
        /// The optimisation level that was compared with.
        optimisation: u8,
        /// Where, up to a limit.
        differences: Vec<CodeDifference>,
    },
    /// Nothing can be said.
    Unverified(Reason),
}

impl CodeCheck {
    /// The word that reports use.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "verified",
            Self::Differs { .. } => "differs",
            Self::Unverified(_) => "unverified",
        }
    }

    /// How fine the evidence is, where there is any.
    pub fn strength(&self) -> Option<Strength> {
        match self {
            Self::Verified { strength, .. } | Self::Differs { strength, .. } => Some(*strength),
            Self::Unverified(_) => None,
        }
    }

    /// The optimisation level that it was compared at.
    pub fn optimisation(&self) -> Option<u8> {
        match self {
            Self::Verified { optimisation, .. } | Self::Differs { optimisation, .. } => Some(*optimisation),
            Self::Unverified(_) => None,
        }
    }

    /// Where source and bytecode part.
    pub fn differences(&self) -> &[CodeDifference] {
        match self {
            Self::Differs { differences, .. } => differences,
            Self::Verified { .. } | Self::Unverified(_) => &[],
        }
    }

    /// Why nothing can be said.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Unverified(reason) => Some(reason),
            Self::Verified { .. } | Self::Differs { .. } => None,
        }
    }
}

/// Differences that are kept of one file.
const MAX_DIFFERENCES: usize = 50;

/// Bytes of the name of a code object that evidence has.
const MAX_NAME: usize = 512;

/// Bytes of a line of source that evidence has.
const MAX_LINE: usize = 160;

/// Bytes of source from which symbol tables and programs are made in the time of a step.
const BYTES_PER_STEP: usize = 16;

/// What is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compiled {
    /// At which optimisation level.
    pub(super) optimisation: u8,
    /// By which releases of the series.
    pub(super) release: Release,
}

/// Compares a file's code with a source that was read, compiled in one way. What it costs is taken from the steps that may be taken. The
/// second of what it gives is whether other releases of the series may compile it differently.
pub(super) fn check(
    tree: &Tree<'_>,
    version: &Version,
    text: &SourceText,
    compiled: Compiled,
    work: &mut usize,
) -> (CodeCheck, bool) {
    let Compiled { optimisation, release } = compiled;
    let Some(root) = tree.root() else { return (CodeCheck::Unverified(Reason::Body), false) };
    *work = work.saturating_sub(text.text().len() / BYTES_PER_STEP);
    if *work == 0 {
        return (CodeCheck::Unverified(Reason::Work), false);
    }
    let series = version.series;
    let Some(scopes) = Scopes::of(text.module(), Options { series, optimisation, release }) else {
        return (CodeCheck::Unverified(Reason::Source(source_text::Reason::Size)), false);
    };
    let source = Source { text, scopes: &scopes, series, optimisation };
    let mut check = Check {
        version,
        series,
        text,
        scopes: &scopes,
        pool: Pool::default(),
        memory: Memory::default(),
        room: Room::default(),
        expected: Expected::new(source),
        codes: tree.codes().collect(),
        paired: HashMap::default(),
        is_paired: Vec::new(),
        waiting: vec![(0, index(root))],
        differences: Vec::new(),
        is_by_name: false,
        left: HashSet::new(),
        reason: None,
        work: *work,
    };
    check.run();
    *work = check.work;
    let depends_on_release = check.expected.depends_on_release();
    let strength = if series >= (3, 11) { Strength::Spans } else { Strength::Lines };
    let outcome = match check.reason {
        _ if !check.differences.is_empty() => {
            CodeCheck::Differs { strength, optimisation, differences: check.differences }
        }
        Some(reason) => CodeCheck::Unverified(reason),
        None => CodeCheck::Verified { strength, optimisation },
    };
    (outcome, depends_on_release)
}

/// A line of the source for evidence.
fn line_shown(text: &SourceText, line: u32) -> String {
    let line = text.written_line(line).trim();
    let end = (0..=MAX_LINE).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
    match line.split_at_checked(end) {
        Some((start, rest)) if !rest.is_empty() => format!("{}...", name::shown_text(start)),
        _ => name::shown_text(line),
    }
}

fn index(code: Code<'_>) -> u32 {
    u32::try_from(code.index()).unwrap_or(u32::MAX)
}

struct Check<'c, 'a> {
    version: &'c Version,
    series: (u8, u8),
    text: &'c SourceText,
    scopes: &'c Scopes,
    pool: Pool,
    memory: Memory,
    room: Room,
    expected: Expected<'c>,
    codes: Vec<Code<'a>>,
    /// Which expected code objects each found one was compared with.
    paired: HashMap<u32, SmallVec<[u32; 1]>, RandomState>,
    /// By number of an expected one whether it was compared with any.
    is_paired: Vec<bool>,
    waiting: Vec<(u32, u32)>,
    differences: Vec<CodeDifference>,
    /// Whether code objects are paired by their names alone.
    is_by_name: bool,
    /// Code objects of the file that could not be compared, and why the first of them could not.
    left: HashSet<u32>,
    reason: Option<Reason>,
    /// Steps that are left.
    work: usize,
}

impl Check<'_, '_> {
    fn run(&mut self) {
        self.drain();
        self.match_dead_code();
        self.match_by_name();
        self.report_unexplained();
    }

    fn drain(&mut self) {
        while let Some((ours, theirs)) = self.waiting.pop() {
            let partners = self.paired.entry(theirs).or_default();
            if partners.contains(&ours) {
                continue;
            }
            partners.push(ours);
            self.mark(ours);
            self.compare(ours, theirs);
            if self.differences.len() >= MAX_DIFFERENCES {
                break;
            }
        }
    }

    fn mark(&mut self, ours: u32) {
        let place = usize::try_from(ours).unwrap_or(usize::MAX);
        if place >= self.is_paired.len() {
            self.is_paired.resize(self.expected.len().max(place.saturating_add(1)), false);
        }
        if let Some(is_paired) = self.is_paired.get_mut(place) {
            *is_paired = true;
        }
    }

    fn is_paired(&self, ours: u32) -> bool {
        usize::try_from(ours).ok().and_then(|place| self.is_paired.get(place)).copied().unwrap_or_default()
    }

    /// Code objects that no reachable instruction makes a function of: those of dead code, which old versions keep.
    fn match_dead_code(&mut self) {
        let mut number = 0_u32;
        // The list grows while dead code is compared.
        while usize::try_from(number).is_ok_and(|count| count < self.expected.len()) {
            let is_paired = self.is_paired(number);
            if !is_paired && let Some(child) = self.expected.child(number) {
                let scope = self.scopes.get(child.scope);
                let found = self.codes.iter().copied().find(|&code| {
                    !self.paired.contains_key(&index(code))
                        && text_of(code.name()) == scope.name.as_bytes()
                        && self.fits_line(code, scope)
                });
                if let Some(code) = found {
                    self.waiting.push((number, index(code)));
                    self.drain();
                }
            }
            number = number.saturating_add(1);
        }
    }

    fn fits_line(&self, code: Code<'_>, scope: &Scope) -> bool {
        self.first_line(scope).is_none_or(|line| code.firstlineno() == i32::try_from(line).ok())
    }

    /// `co_firstlineno`.
    fn first_line(&self, scope: &Scope) -> Option<u32> {
        let first = scope.first?;
        let is_token = self.series < (3, 8) && scope.role == Role::Comprehension;
        Some(if is_token { self.text.token_line(first) } else { self.text.compiled_line(first) })
    }

    /// In a file that differs or could not be compared whole, pairs by their names what is left on both sides: the first difference of a code object ends the walk
    /// through it, and most of what it would have made is still what the source says.
    fn match_by_name(&mut self) {
        if self.differences.is_empty() && self.left.is_empty() {
            return;
        }
        self.is_by_name = !self.differences.is_empty();
        let mut number = 0_u32;
        // The list grows while code objects are compared.
        while let Some(child) = self.expected.child(number) {
            let is_paired = self.is_paired(number);
            if !is_paired && self.differences.len() < MAX_DIFFERENCES {
                let scope = self.scopes.get(child.scope);
                let found = self.codes.iter().copied().find(|&code| {
                    let qualname = code.qualname().or_else(|| code.name());
                    let name = if code.qualname().is_some() { &scope.qualname } else { &scope.name };
                    !self.paired.contains_key(&index(code)) && text_of(qualname) == name.as_bytes()
                });
                if let Some(code) = found {
                    self.waiting.push((number, index(code)));
                    self.drain();
                } else if self.left.is_empty() {
                    self.missing(scope);
                }
            }
            number = number.saturating_add(1);
        }
    }

    /// A function or class of the source that no code object of the file is.
    fn missing(&mut self, scope: &Scope) {
        if !matches!(scope.role, Role::Function | Role::Class) {
            return;
        }
        let line = self.first_line(scope);
        self.differences.push(CodeDifference {
            code: Name::new(scope.qualname.as_bytes()),
            index: None,
            kind: DifferenceKind::SourceOnly,
            line,
            text: line.map(|line| line_shown(self.text, line)).unwrap_or_default(),
            offset: None,
            expected: "its code object".to_owned(),
            found: "nothing".to_owned(),
        });
    }

    fn report_unexplained(&mut self) {
        for code in &self.codes {
            if self.differences.len() >= MAX_DIFFERENCES {
                return;
            }
            let parent = code.parent().and_then(|parent| u32::try_from(parent).ok());
            // Of one that was not compared it is not known what it makes.
            let parent_is_explained =
                parent.is_none_or(|parent| self.paired.contains_key(&parent) && !self.left.contains(&parent));
            if !self.paired.contains_key(&index(*code)) && parent_is_explained {
                self.differences.push(CodeDifference {
                    code: shown(*code),
                    index: Some(code.index()),
                    kind: DifferenceKind::BytecodeOnly,
                    line: code.firstlineno().and_then(|line| u32::try_from(line).ok()),
                    text: String::new(),
                    offset: None,
                    expected: "nothing".to_owned(),
                    found: "a code object that the source does not make".to_owned(),
                });
            }
        }
    }

    /// What one code object does. What could not be compared does not keep the others from being.
    fn compare(&mut self, ours: u32, theirs: u32) {
        let code = usize::try_from(theirs).ok().and_then(|place| self.codes.get(place)).copied();
        let (Some(code), Some(child)) = (code, self.expected.child(ours)) else {
            return self.leave(theirs, Reason::Body);
        };
        let scope = self.scopes.get(child.scope);
        self.signature(code, scope);
        if matches!(scope.role, Role::Function | Role::Lambda) {
            self.docstring(code, scope, ours);
        }
        let program = match self.expected.program(ours, &mut self.pool) {
            Ok(program) => program,
            Err(unsupported) => {
                let line = self.text.line(unsupported.range.start());
                return self.leave(theirs, Reason::Unsupported(unsupported.what, line));
            }
        };
        let machine = match Machine::new(code, self.version, &mut self.pool, std::mem::take(&mut self.room)) {
            Ok(machine) => machine,
            Err(fault) => {
                self.differ(code, None, None, String::new(), fault.message().to_owned());
                return;
            }
        };
        let size = code.code().len();
        // Most code objects need the first way alone.
        let mut outcome = Outcome::default();
        for crowding in [Crowding::Stops, Crowding::Widens, Crowding::Follows] {
            let simulation = Simulation::new(&program, &machine, size, self.series, &mut self.pool, &mut self.memory);
            let simulation = simulation.crowding(crowding);
            outcome = simulation.run(self.work);
            self.work = self.work.saturating_sub(outcome.work);
            let is_certain = crowding != Crowding::Widens || outcome.differences.is_empty();
            if is_certain && !outcome.is_exhausted {
                break;
            }
        }
        self.expected.reuse(program);
        if outcome.is_exhausted {
            self.leave(theirs, Reason::Work);
            self.waiting.extend(outcome.functions);
            return;
        }
        self.waiting.extend(outcome.functions);
        // What pytest puts in has no width.
        let mut ranges = outcome.differences.iter().map(|difference| difference.range);
        if let Some(Some(first)) = ranges.next()
            && first.is_empty()
            && ranges.all(|range| range.is_none_or(TextRange::is_empty))
            && self.text.has_unknown_asserts()
            && code.names().iter().any(|name| text_of(name.as_name()) == pytest::PASS_HOOK)
        {
            let line = self.text.line(first.start());
            return self
                .leave(theirs, Reason::Unsupported("an assert under pytest's `enable_assertion_pass_hook`", line));
        }
        for difference in outcome.differences {
            let expected = describe::seen(&difference.expected, &self.pool);
            let found = describe::seen(&difference.found, &self.pool);
            // Where the source has nothing to point at, the line table says where the instruction claims to be from.
            let claimed = difference.at.and_then(|at| machine.range(at).line).and_then(|line| u32::try_from(line).ok());
            let line = difference.range.map(|range| self.text.line(range.start())).or(claimed);
            self.differ(code, line, difference.at, expected, found);
        }
        self.room = machine.into_room();
    }

    /// A code object cannot be compared, nor can it be said which ones it makes.
    fn leave(&mut self, theirs: u32, reason: Reason) {
        self.left.insert(theirs);
        self.reason.get_or_insert(reason);
    }

    fn differ(&mut self, code: Code<'_>, line: Option<u32>, offset: Option<u32>, expected: String, found: String) {
        if self.differences.len() < MAX_DIFFERENCES {
            let text = line.map(|line| line_shown(self.text, line)).unwrap_or_default();
            self.differences.push(CodeDifference {
                code: shown(code),
                index: Some(code.index()),
                kind: DifferenceKind::Other,
                line,
                text,
                offset,
                expected,
                found,
            });
        }
    }
}

fn text_of(text: Option<crate::pyc::Text<'_>>) -> Cow<'_, [u8]> {
    text.map(crate::pyc::Text::to_bytes).unwrap_or_default()
}

/// A code object by its name, cut: names can be as long as the file.
fn shown(code: Code<'_>) -> Name {
    let name = code.qualname().or_else(|| code.name()).map(|text| text.to_bytes().into_owned()).unwrap_or_default();
    Name::new(name.get(..MAX_NAME).unwrap_or(&name))
}
