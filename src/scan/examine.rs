//! One job: a member is read, recognised, parsed, paired with its source and judged. Runs on any thread, touches nothing shared
//! but counters.

use std::cell::OnceCell;
use std::cell::RefCell;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::artifact::Sha256Digest;
use crate::artifact::Times;
use crate::container;
use crate::container::Container;
use crate::container::Content;
use crate::container::FileStatus;
use crate::container::Input;
use crate::container::Member;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::OtherCode;
use crate::container::format;
use crate::container::format::Identified;
use crate::container::format::Probe;
use crate::content::Content as CodeContent;
use crate::entry::PycEntry;
use crate::ledger::Fate;
use crate::load;
use crate::load::BodyState;
use crate::load::Load;
use crate::place;
use crate::place::Place;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc;
use crate::pyc::Pyc;
use crate::pyc::walk;
use crate::rules::MemberContent;
use crate::rules::PycContext;
use crate::scan;
use crate::scan::Checks;
use crate::scan::Config;
use crate::scan::Progress;
use crate::scan::code;
use crate::scan::desk::Desk;
use crate::scan::desk::Desks;
use crate::scan::desk::Seat;
use crate::scan::feed;
use crate::scan::feed::Job;
use crate::scan::feed::Task;
use crate::scan::pair::Paired;
use crate::scan::pair::Sources;
use crate::scan::rows;
use crate::scan::scope::Scope;
use crate::scan::settle::Outcome;
use crate::scan::twin::Known;

/// The longest header (Cinder's strict loader), kept of every pyc as evidence.
const LONGEST_HEADER: usize = 20;

/// What all jobs share.
pub(crate) struct Worker<'a> {
    pub(crate) config: &'a Config,
    pub(crate) checks: &'a Checks,
    pub(crate) sources: &'a Sources,
    pub(crate) progress: &'a Progress,
    pub(crate) desks: Desks,
    /// As many threads as there are cores, once something needs them.
    few: OnceLock<Option<ThreadPool>>,
    /// Whether the members of some nested archive are being worked on by several threads.
    pub(crate) is_sharing: AtomicBool,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(config: &'a Config, checks: &'a Checks, sources: &'a Sources, progress: &'a Progress) -> Self {
        Self {
            config,
            checks,
            sources,
            progress,
            desks: Desks::default(),
            few: OnceLock::new(),
            is_sharing: AtomicBool::new(false),
        }
    }
}

impl Worker<'_> {
    /// Does a job. A panic of ours costs one member and is reported.
    pub(crate) fn work(&self, job: Job, desk: &mut Desk) -> Outcome {
        let (scope, member, task, is_early) = match job {
            Job::Begin(scope) => {
                let digest = scope.container.digest();
                return Outcome::Begin(scope, digest);
            }
            Job::End => return Outcome::End,
            Job::Member { scope, member, task, .. } => {
                let is_early = scope.container.portion(0).is_some();
                (scope, member, task, is_early)
            }
        };
        let is_bytecode = matches!(task, Task::Bytecode);
        let result = panic::catch_unwind(AssertUnwindSafe(|| self.member(&scope, member, task, desk)));
        let (outcome, bytes) = result.unwrap_or_else(|_| {
            *desk = Desk::default();
            (self.after_panic(&scope, member, is_bytecode), 0)
        });
        self.progress.finish(1, bytes);
        if is_early { Outcome::Early(member, Box::new(outcome)) } else { outcome }
    }

    /// Does jobs on all threads; the outcomes are in their order.
    pub(crate) fn work_on_all(&self, jobs: Vec<Job>) -> impl Iterator<Item = Outcome> {
        let is_of_portion = jobs.iter().any(|job| matches!(job, Job::Member { portion: Some(_), .. }));
        let work = || {
            let work = |seat: &mut Seat<'_>, (at, job)| (at, self.work(job, &mut seat.desk));
            rows::arranged(jobs).into_par_iter().map_init(|| self.desks.free(), work).collect()
        };
        rows::in_path_order(if is_of_portion { self.on_few(work) } else { work() })
    }

    /// Does jobs on this thread; the outcomes are in their order.
    pub(crate) fn work_alone(&self, jobs: Vec<Job>, desk: &mut Desk) -> impl Iterator<Item = Outcome> {
        let work = |(at, job)| (at, self.work(job, desk));
        rows::in_path_order(rows::arranged(jobs).into_iter().map(work).collect())
    }

    /// Does what waits for no disk on as many threads as there are cores. The outcomes of a large stream wait for their turn in path
    /// order, and an allocator that has an arena for each thread can give nothing back of those in which some of them are.
    pub(crate) fn on_few<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let few = self.few.get_or_init(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            scan::pool(self.config.jobs.map_or(cores, |jobs| jobs.min(cores))).ok()
        });
        match few {
            Some(few) => few.install(work),
            None => work(),
        }
    }

    /// What is reported of a member on which we failed: a pyc has its row whatever happens.
    fn after_panic(&self, scope: &Arc<Scope>, member: MemberId, is_bytecode: bool) -> Outcome {
        let problem = Problem::new(ProblemKind::Internal);
        let row = || self.pyc(scope, member, Content::unread(problem.clone()), &mut Desk::default());
        let outcome = if is_bytecode { panic::catch_unwind(AssertUnwindSafe(row)).ok() } else { None };
        outcome.unwrap_or_else(|| {
            let locator = scope.locate(member);
            Outcome::Other(Fate::Unreadable, Vec::new(), vec![(locator, problem)])
        })
    }

    fn member(&self, scope: &Arc<Scope>, member: MemberId, task: Task, desk: &mut Desk) -> (Outcome, u64) {
        match task {
            Task::Bytecode => {
                let content = self.read(scope, member, desk);
                let bytes = content.bytes.len() as u64;
                (self.pyc(scope, member, content, desk), bytes)
            }
            Task::Disguised => {
                let content = self.read(scope, member, desk);
                let bytes = content.bytes.len() as u64;
                (self.perhaps_pyc(scope, member, content, desk), bytes)
            }
            Task::Anything => self.anything(scope, member, desk),
            Task::Named => (self.named(scope, member), 0),
            Task::Excluded => (Outcome::Other(Fate::Excluded, Vec::new(), Vec::new()), 0),
            Task::Known(fate) => (Outcome::Other(fate, Vec::new(), Vec::new()), 0),
            Task::Unreadable(problem) => {
                (self.other(scope, member, fate_of(std::slice::from_ref(&problem)), None, &[problem]), 0)
            }
        }
    }

    /// Reads a member into the desk's buffer; it may have been read as the source of the pyc before.
    fn read(&self, scope: &Arc<Scope>, member: MemberId, desk: &mut Desk) -> Content {
        let mut buffer = std::mem::take(&mut desk.buffer);
        if let Some(source) = desk.source.as_ref().filter(|source| source.is(scope, member))
            && let Some(content) = source.whole()
        {
            buffer.clear();
            buffer.extend_from_slice(&content.bytes);
            return Content {
                bytes: buffer,
                status: content.status,
                problems: Vec::new(),
                oddities: content.oddities.clone(),
            };
        }
        scope.container.read_into(member, self.config.limits.member_size, buffer)
    }

    /// A member of an archive that may be anything: read whole when its digest is wanted or it may be an archive itself.
    fn anything(&self, scope: &Arc<Scope>, member: MemberId, desk: &mut Desk) -> (Outcome, u64) {
        let container = scope.container.as_ref();
        let name = container.listing().get(member).map(Member::file).unwrap_or_default();
        if let Some(passed) = container.passed(member) {
            let content =
                passed.sha256.map(|sha256| MemberContent { bytes: None, sha256, md5: passed.md5, size: passed.size });
            return (self.other(scope, member, fate_of_other(passed.other_code), content, &[]), passed.size);
        }
        if let Some(part) = container.part(member)
            && let Ok(Identified { format: Some(format), .. }) = format::identify(container, member)
            && format.open.is_some()
        {
            let bytes = part.size();
            return (self.nested(scope, member, format, &part), bytes);
        }
        if !scope.is_listed() {
            let ends = match container.ends(member, format::HEAD, 0) {
                Ok(ends) => ends,
                Err(problem) => {
                    let fate = fate_of(std::slice::from_ref(&problem));
                    return (self.other(scope, member, fate, None, &[problem]), 0);
                }
            };
            let probe = Probe { name, head: &ends.head, tail: &ends.tail };
            if !pyc::sniff(&ends.head) && format::recognise(&probe).is_none() && !format::wants_long_tail(&probe) {
                if let Some(problem) = format::missing_archive(name, &ends.head) {
                    return (self.other(scope, member, Fate::Unreadable, None, &[problem]), ends.head.len() as u64);
                }
                let fate = fate_of_other(OtherCode::of(name, &ends.head));
                return (self.other(scope, member, fate, None, &[]), ends.head.len() as u64);
            }
        }
        let mut content = self.read(scope, member, desk);
        let bytes = content.bytes.len() as u64;
        let from = content.bytes.len().saturating_sub(format::long_tail());
        let probe = Probe { name, head: &content.bytes, tail: content.bytes.get(from..).unwrap_or_default() };
        let whole = content.problems.is_empty();
        let mut format = format::recognise(&probe);
        if whole && format::may_hide_a_program(format, &content.bytes) {
            let (bytes, found) = format::search_bytes(std::mem::take(&mut content.bytes));
            content.bytes = bytes;
            format = found.or(format);
        }
        match format {
            Some(format) if whole && format.open.is_some() => {
                return (self.nested(scope, member, format, &Input::from_bytes(content.bytes)), bytes);
            }
            Some(format) if whole && format.is_unread(name) => {
                let digest = Some(digest(&content.bytes));
                return (self.other(scope, member, Fate::Unreadable, digest, &[format.unsupported()]), bytes);
            }
            None if whole && let Some(problem) = format::missing_archive(name, &content.bytes) => {
                let digest = Some(digest(&content.bytes));
                return (self.other(scope, member, Fate::Unreadable, digest, &[problem]), bytes);
            }
            None if pyc::sniff(&content.bytes) => {
                return (self.perhaps_pyc(scope, member, content, desk), bytes);
            }
            _ => {}
        }
        let digest = whole.then(|| digest(&content.bytes));
        let other = OtherCode::of(name, &content.bytes);
        let fate = if whole { fate_of_other(other) } else { fate_of(&content.problems) };
        let outcome = self.other_odd(scope, member, fate, digest, &content.problems, &content.oddities);
        desk.give_back(content.bytes);
        (outcome, bytes)
    }

    /// A link, a special file, or whatever else is named and not read.
    fn named(&self, scope: &Arc<Scope>, member: MemberId) -> Outcome {
        let listing = scope.container.listing();
        let Some(found) = listing.get(member) else { return Outcome::Other(Fate::Other, Vec::new(), Vec::new()) };
        match found.kind {
            MemberKind::Special(kind) => {
                let locator = scope.locate(member);
                let problem = Problem::new(ProblemKind::NotRegular).with_detail(kind.code());
                let mut findings = self.judge_problem(&locator, &problem);
                scan::finish_findings(&mut findings, scope);
                // A socket holds nothing that could be read; a FIFO under the name of bytecode hides what a reader would get, and what
                // was named to be scanned was not.
                let lost = feed::is_pyc_name(found.file()) || scope.only.is_some();
                Outcome::Other(Fate::Special, findings, if lost { vec![(locator, problem)] } else { Vec::new() })
            }
            MemberKind::Link => self.other(scope, member, Fate::Link, None, &[]),
            MemberKind::File | MemberKind::Folder => self.other(scope, member, Fate::Other, None, &[]),
        }
    }

    /// A member that is no pyc, after the rules have looked at it.
    pub(crate) fn other(
        &self,
        scope: &Arc<Scope>,
        member: MemberId,
        fate: Fate,
        content: Option<MemberContent<'_>>,
        problems: &[Problem],
    ) -> Outcome {
        self.other_odd(scope, member, fate, content, problems, &[])
    }

    /// The same, with what showed only when it was read.
    fn other_odd(
        &self,
        scope: &Arc<Scope>,
        member: MemberId,
        fate: Fate,
        content: Option<MemberContent<'_>>,
        problems: &[Problem],
        oddities: &[container::Oddity],
    ) -> Outcome {
        let locator = scope.locate(member);
        let mut findings = Vec::new();
        for problem in problems {
            findings.extend(self.judge_problem(&locator, problem));
        }
        self.judge_member(scope, member, &locator, content, oddities, &mut findings);
        let problems = problems.iter().map(|problem| (locator.clone(), problem.clone())).collect();
        Outcome::Other(fate, findings, problems)
    }

    /// A file under another name that begins as a pyc does: it is one if there is a code object behind the header.
    fn perhaps_pyc(&self, scope: &Arc<Scope>, member: MemberId, content: Content, desk: &mut Desk) -> Outcome {
        let parsed = pyc::parse(&content.bytes, &self.config.limits, &mut desk.scratch);
        if parsed.value.body.is_code() {
            return self.pyc(scope, member, content, desk);
        }
        let whole = content.problems.is_empty().then(|| digest(&content.bytes));
        let fate = if whole.is_some() { Fate::Other } else { fate_of(&content.problems) };
        self.other(scope, member, fate, whole, &content.problems)
    }

    fn pyc(&self, scope: &Arc<Scope>, member: MemberId, content: Content, desk: &mut Desk) -> Outcome {
        let limits = &self.config.limits;
        let container = scope.container.as_ref();
        let listing = container.listing();
        let locator = scope.locate(member);
        let found = listing.get(member);
        let path = found.map(Member::path).unwrap_or_default();
        let Content { mut bytes, status, problems: read_problems, oddities } = content;
        let is_whole = read_problems.is_empty();
        let parsed = pyc::read(&bytes, limits, &mut desk.scratch);
        let mut tree = parsed.value;
        let is_headless = forget_restored(container, member, &mut tree.pyc);
        let pyc = &tree.pyc;
        let Known { sha256, payload_sha256, code_digest, glance, places } =
            self.known(&bytes, is_whole, &tree, &desk.twins, &mut desk.digester);
        let whole = sha256.map(|sha256| content_of(&bytes, sha256));
        let fate = if read_problems.is_empty() { Fate::Bytecode } else { fate_of(&read_problems) };
        // What a file that was not read whole lacks is no damage of its own.
        let mut problems = if read_problems.is_empty() { parsed.problems } else { read_problems };
        let (times, claimed) = own_status(status, found);
        let place = Place::of(&path);
        let module = place::module_name(listing, &place, container.kind());
        let paired = self.pair(scope, &place, pyc, &mut desk.source);
        let load = judge_load(container, &place, pyc, &paired, is_headless);
        let (code_check, exact) = self.check_code(&tree, is_whole, &place, &paired, load.verdict, &mut desk.parsed);
        problems.extend(code::problem(&code_check));
        let facts = self.facts(scope);
        let mut findings = Vec::new();
        let source_text = || self.source_text(&paired);
        let places = places.map_or_else(OnceCell::new, OnceCell::from);
        let walk = RefCell::new(&mut desk.walk);
        let code_places = || places.get_or_init(|| walk::places(&tree, &mut walk.borrow_mut())).as_slice();
        let content = CodeContent::new(&tree, glance);
        let known = PycContext {
            container: &facts,
            member,
            locator: &locator,
            bytes: &bytes,
            is_whole,
            sha256,
            code_digest,
            pyc,
            tree: &tree,
            code_places: &code_places,
            content: &content,
            place: &place,
            module: &module,
            times,
            status,
            source: &paired.source,
            source_text: &source_text,
            source_status: paired.status(),
            header_check: &paired.check,
            code_check: &code_check,
            exact: exact.as_ref(),
            load: &load,
            problems: &problems,
        };
        self.judge_pyc(&known, &mut findings);
        self.judge_member(scope, member, &locator, whole, &oddities, &mut findings);
        scan::finish_findings(&mut findings, scope);
        let pyc_facts = self.pyc_facts(&known);
        if is_whole && pyc_facts.variant.is_some() {
            let places = places.get().cloned();
            desk.twins.keep(&bytes, Known { sha256, payload_sha256, code_digest, glance: content.glance(), places });
        }
        let passages = self.passages(&code_check, &tree, &paired);
        let source_contents = if self.config.keep_contents { source_text().map(<[u8]>::to_vec) } else { None };
        let mut pyc = tree.pyc;
        self.mask(&mut findings, &mut pyc);
        let suppressed = self.suppressed(&mut findings, code_digest, payload_sha256);
        self.carve(&locator, whole);
        let entry = PycEntry {
            is_headless,
            sha256,
            // A claim, where it was not read whole; more than claimed may have been found.
            size: claimed.filter(|_| !is_whole).unwrap_or_default().max(bytes.len() as u64),
            payload_sha256,
            code_digest,
            head: bytes.get(..LONGEST_HEADER).unwrap_or(&bytes).to_vec(),
            locator,
            pyc,
            place,
            module,
            times,
            source: paired.source,
            header_check: paired.check,
            code_check: self.kept(code_check),
            passages,
            exact,
            load,
            findings,
            suppressed,
            problems,
            source_contents,
            contents: if self.config.keep_contents { Some(std::mem::take(&mut bytes)) } else { None },
        };
        desk.give_back(bytes);
        Outcome::Pyc(Box::new(entry), pyc_facts, fate)
    }
}

/// How a member that is no pyc and no archive is counted.
pub(crate) fn fate_of_other(code: Option<OtherCode>) -> Fate {
    match code {
        Some(OtherCode::Jython) => Fate::Jython,
        Some(OtherCode::Micropython) => Fate::Micropython,
        Some(OtherCode::Numba) => Fate::Numba,
        Some(OtherCode::Jinja2) => Fate::Jinja2,
        Some(OtherCode::Notebook) => Fate::Notebook,
        None => Fate::Other,
    }
}

/// The times and the size of a member: of the file, or of the archive's record.
fn own_status(status: Option<FileStatus>, member: Option<Member<'_>>) -> (Times, Option<u64>) {
    match (status, member) {
        (Some(status), _) => (Times { unix: Some(status.mtime), ..Times::default() }, Some(status.size)),
        (None, Some(member)) => (member.times, member.size),
        (None, None) => (Times::default(), None),
    }
}

/// Would an interpreter run it.
fn judge_load(container: &dyn Container, place: &Place, pyc: &Pyc, paired: &Paired, is_headless: bool) -> Load {
    load::judge(&load::Judged {
        kind: container.kind(),
        listing: container.listing(),
        place,
        magic: pyc.magic,
        version: pyc.version,
        candidates: pyc.candidates,
        header: pyc.header.as_ref(),
        is_headless,
        body: BodyState::of(pyc),
        source: paired.source.file(),
        header_check: &paired.check,
    })
}

/// Whether a header was restored; then what it says is nobody's claim, and is forgotten.
fn forget_restored(container: &dyn Container, member: MemberId, pyc: &mut Pyc) -> bool {
    let is_headless = container.header_is_restored(member);
    if is_headless {
        pyc.header = None;
    }
    is_headless
}

fn digest(bytes: &[u8]) -> MemberContent<'_> {
    content_of(bytes, Sha256Digest::of(bytes))
}

fn content_of(bytes: &[u8], sha256: Sha256Digest) -> MemberContent<'_> {
    MemberContent { bytes: Some(bytes), sha256, md5: None, size: bytes.len() as u64 }
}

/// What became of a member with these problems.
pub(crate) fn fate_of(problems: &[Problem]) -> Fate {
    let limited = problems.iter().any(|problem| problem.kind.is_limit());
    if limited { Fate::Limited } else { Fate::Unreadable }
}
