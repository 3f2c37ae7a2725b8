//! What is to be done, in path order: containers are opened one after the other as their turn comes, names first.

use std::collections::VecDeque;
use std::fs;
use std::iter::Peekable;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::vec;

use rayon::prelude::*;

use crate::artifact::Locator;
use crate::artifact::Times;
use crate::container;
use crate::container::Container;
use crate::container::Directory;
use crate::container::Exclude;
use crate::container::Input;
use crate::container::LinkTarget;
use crate::container::Member;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::OtherCode;
use crate::container::format;
use crate::container::format::Format;
use crate::container::format::Identified;
use crate::image;
use crate::ledger::Fate;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc;
use crate::scan::examine;
use crate::scan::examine::Worker;
use crate::scan::scope::Scope;

/// Files of a tree that are recognised at a time.
const SLICE: usize = 8192;

/// Archives that may be open at a time; a process may have 1,024 files open on an ordinary system.
const OPEN: usize = 128;

/// One thing to do.
pub(crate) enum Job {
    /// A container begins; an archive on disk is to be hashed.
    Begin(Arc<Scope>),
    /// A member to look at.
    Member {
        /// Its container.
        scope: Arc<Scope>,
        /// Which.
        member: MemberId,
        /// What it is taken for.
        task: Task,
        /// The portion of its container that has it, where that matters.
        portion: Option<usize>,
    },
    /// A container ends.
    End,
}

/// What a member is taken for before it is read.
pub(crate) enum Task {
    /// Bytecode, by its name.
    Bytecode,
    /// Bytecode under another name: a known magic number begins it.
    Disguised,
    /// A member of an archive that may be anything.
    Anything,
    /// Nothing to be read.
    Named,
    /// Left out by `--exclude`.
    Excluded,
    /// Looked at already: it is not read, and counted so.
    Known(Fate),
    /// Could not be opened or recognised.
    Unreadable(Problem),
}

/// What is in the queue: jobs, and archives that are opened when their turn comes.
enum Item {
    Job(Job),
    /// What is left of the jobs of an archive.
    Jobs(Jobs),
    Archive(Arc<Scope>, MemberId, &'static Format),
    /// An archive that was opened along with another before it.
    Opened(Result<Arc<Scope>, Job>),
}

/// Items of the queue among which archives are opened along with one whose turn has come: opening a compressed archive decodes it,
/// and so is done by all cores.
const AHEAD: usize = 1024;

/// The part of what may be kept of compressed archives after which a batch has enough of them: the batch before and the one after
/// keep theirs at the same time.
const SHARE: u64 = 4;

/// Hands out jobs in path order.
pub(crate) struct Feed<'a> {
    worker: &'a Worker<'a>,
    trees: VecDeque<Arc<Scope>>,
    queue: VecDeque<Item>,
    tree: Option<(Arc<Scope>, VecDeque<MemberId>)>,
}

impl<'a> Feed<'a> {
    /// A feed of all files in these trees, one tree after the other.
    pub(crate) fn new(worker: &'a Worker<'a>, trees: Vec<Arc<Scope>>) -> Self {
        let listed = trees.iter().map(|tree| tree.members().len() as u64).sum();
        worker.progress.find(listed);
        Self { worker, trees: trees.into(), queue: VecDeque::new(), tree: None }
    }

    /// The next jobs; none when all is done.
    pub(crate) fn batch(&mut self, size: usize) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(size);
        let mut opened = 0_usize;
        let mut held = 0_u64;
        let most = self.worker.config.limits.kept / SHARE;
        let mut portion = OnePortion::default();
        while jobs.len() < size && opened < OPEN && held <= most {
            match self.queue.pop_front() {
                Some(Item::Job(job)) => {
                    if !portion.takes(&job) {
                        self.queue.push_front(Item::Job(job));
                        break;
                    }
                    jobs.push(job);
                }
                Some(Item::Jobs(mut left)) => {
                    if let Some(job) = self.worker.next_job(&mut left) {
                        self.queue.push_front(Item::Jobs(left));
                        self.queue.push_front(Item::Job(job));
                    }
                }
                Some(Item::Archive(scope, member, format)) => {
                    self.queue.push_front(Item::Archive(scope, member, format));
                    self.open_archives();
                }
                Some(Item::Opened(Ok(scope))) => {
                    opened = opened.saturating_add(1);
                    held = held.saturating_add(scope.container.held());
                    self.begin(&scope);
                }
                Some(Item::Opened(Err(job))) => self.queue.push_front(Item::Job(job)),
                None if self.tree.is_some() => self.slice(),
                None => match self.trees.pop_front() {
                    Some(tree) => {
                        self.queue.push_back(Item::Job(Job::Begin(Arc::clone(&tree))));
                        let members = tree.members().into();
                        self.tree = Some((tree, members));
                    }
                    None => break,
                },
            }
        }
        // While the jobs of the last batch are worked on.
        portion.prepare();
        jobs
    }

    /// Adds a tree or archive that is open already.
    pub(crate) fn push(&mut self, scope: Arc<Scope>) {
        if scope.is_tree() {
            self.trees.push_back(scope);
        } else {
            self.queue.push_back(Item::Jobs(Jobs::of(&scope)));
        }
    }

    /// Recognises the next files of the tree, all threads at once.
    fn slice(&mut self) {
        let Some((scope, members)) = &mut self.tree else { return };
        let slice: Vec<MemberId> = members.drain(..members.len().min(SLICE)).collect();
        let scope = Arc::clone(scope);
        if slice.is_empty() {
            self.tree = None;
            self.queue.push_back(Item::Job(Job::End));
            return;
        }
        let items = slice.into_par_iter().map(|member| classify(&scope, member)).collect::<Vec<_>>();
        self.queue.extend(items);
    }

    /// Opens the archives that come next, as many as there are cores.
    fn open_archives(&mut self) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let of_archive = |(at, item): (usize, &Item)| matches!(item, Item::Archive(..)).then_some(at);
        let places: Vec<usize> = self.queue.iter().take(AHEAD).enumerate().filter_map(of_archive).take(cores).collect();
        let queue = &self.queue;
        let open = |&at: &usize| match queue.get(at) {
            Some(Item::Archive(tree, member, format)) => Some((at, self.opened(tree, *member, format))),
            _ => None,
        };
        let opened: Vec<_> = self.worker.on_few(|| places.par_iter().filter_map(open).collect());
        for (at, opened) in opened {
            if let Some(item) = self.queue.get_mut(at) {
                *item = Item::Opened(opened);
            }
        }
    }

    /// Opens an archive of a tree; what cannot be opened is a job of its own.
    fn opened(&self, tree: &Arc<Scope>, member: MemberId, format: &Format) -> Result<Arc<Scope>, Job> {
        let limits = &self.worker.config.limits;
        let name = tree.container.listing().get(member).map(Member::file).unwrap_or_default();
        let job = |task| Job::Member { scope: Arc::clone(tree), member, task, portion: None };
        let input = tree.container.input(member, limits.member_size);
        let container = match input.map(|input| open_guarded(format, input, name, limits)) {
            Ok(Some(Ok(container))) => container,
            Ok(None) => return Err(job(Task::Known(Fate::Other))),
            Ok(Some(Err(problem))) | Err(problem) => return Err(job(Task::Unreadable(problem))),
        };
        let status = tree.container.status(member);
        let mut scope = Scope::archive(container, tree.locate(member), 0);
        scope.times = Times { unix: status.map(|status| status.mtime), ..Times::default() };
        scope.size = status.map(|status| status.size);
        scope.choose(self.worker.config.member.as_deref());
        Ok(Arc::new(scope.with_record(limits).with_startup()))
    }

    /// Puts the jobs of an archive in front of the queue.
    fn begin(&mut self, scope: &Arc<Scope>) {
        let jobs = Jobs::of(scope);
        self.worker.progress.find(jobs.len() as u64);
        // The archive itself is done once it is open.
        self.worker.progress.finish(1, 0);
        self.queue.push_front(Item::Jobs(jobs));
    }
}

/// The one portion of one container that the jobs of a batch may be in.
#[derive(Default)]
struct OnePortion(Option<(Arc<Scope>, usize)>);

impl OnePortion {
    /// Whether a job may be in the batch.
    fn takes(&mut self, job: &Job) -> bool {
        let Job::Member { scope, portion: Some(number), .. } = job else { return true };
        let (taken, of) = self.0.get_or_insert_with(|| (Arc::clone(scope), *number));
        Arc::ptr_eq(scope, taken) && number == of
    }

    /// Makes it ready.
    fn prepare(self) {
        if let Some((scope, number)) = self.0 {
            // Where a decoder panics the members are not there, and reading each of them shows why.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| scope.container.prepare(number)));
        }
    }
}

/// Opens an archive. A panic of a decoder costs the archive and is reported.
pub(crate) fn open_guarded(
    format: &Format,
    input: Input,
    name: &[u8],
    limits: &Limits,
) -> Option<Result<Box<dyn Container>, Problem>> {
    let opened = panic::catch_unwind(AssertUnwindSafe(|| format.open(input, name, limits)));
    opened.unwrap_or_else(|_| Some(Err(Problem::new(ProblemKind::Internal))))
}

/// A tree to scan: a folder with all that is in it, or a file with its folder around it.
pub(crate) fn open_path(path: &Path, exclude: &Exclude, limits: &Limits) -> Arc<Scope> {
    Arc::new(if path.is_dir() {
        let directory = Directory::walk(path, exclude, limits);
        Scope::tree(Box::new(directory), path.to_owned(), None).with_startup()
    } else {
        // A file that was named is scanned wherever a link leads.
        let real = if path.is_symlink() { fs::canonicalize(path).ok() } else { None };
        let (directory, member) = Directory::around(real.as_deref().unwrap_or(path));
        let root = directory.root().to_owned();
        Scope::tree(Box::new(directory), root, Some(member.into_iter().collect())).with_startup()
    })
}

/// A place to look for sources: a folder, or an archive. Sources are asked for in no order, so as much is kept of it as there is room.
pub(crate) fn open_source(path: &Path, limits: &Limits) -> Arc<Scope> {
    let of_sources = Limits { kept_of_one: limits.kept, ..limits.clone() };
    if path.is_file()
        && let Ok(input) = container::open_file(path)
        && let Some(Ok(archive)) = format::open_input(input, path.as_os_str().as_encoded_bytes(), &of_sources)
    {
        return Arc::new(Scope::archive(archive, Locator::file(path), 0));
    }
    open_path(path, &Exclude::default(), limits)
}

impl Worker<'_> {
    /// The next job of an archive.
    pub(crate) fn next_job(&self, jobs: &mut Jobs) -> Option<Job> {
        if let Some(job) = jobs.waiting.take() {
            return Some(job);
        }
        if !jobs.begun {
            jobs.begun = true;
            return Some(Job::Begin(Arc::clone(&jobs.scope)));
        }
        let scope = &jobs.scope;
        let listing = scope.container.listing();
        while let Some((id, portion)) = jobs.order.next() {
            let Some(member) = listing.get(id) else { continue };
            let task = match member.kind {
                _ if self.config.exclude.covers(&member.path()) => Task::Excluded,
                MemberKind::File if scope.is_layer && image::is_whiteout(member.file()) => Task::Known(Fate::Other),
                MemberKind::File if is_pyc_name(member.file()) => Task::Bytecode,
                MemberKind::File => Task::Anything,
                _ => Task::Named,
            };
            return Some(Job::Member { scope: Arc::clone(scope), member: id, task, portion });
        }
        let last = (!jobs.over).then_some(Job::End);
        jobs.over = true;
        last
    }

    /// The next jobs of an archive, up to a number of them, all of one portion, which is ready then.
    pub(crate) fn next_jobs(&self, jobs: &mut Jobs, most: usize) -> Vec<Job> {
        let mut batch = Vec::new();
        let mut portion = OnePortion::default();
        while batch.len() < most
            && let Some(job) = self.next_job(jobs)
        {
            if !portion.takes(&job) {
                jobs.waiting = Some(job);
                break;
            }
            batch.push(job);
        }
        portion.prepare();
        batch
    }
}

/// The jobs of an archive, made one after the other: an archive may have a million members.
pub(crate) struct Jobs {
    scope: Arc<Scope>,
    begun: bool,
    order: Order,
    over: bool,
    /// One that was made too early.
    waiting: Option<Job>,
}

impl Jobs {
    /// The jobs of an archive: its beginning, its members, its end.
    pub(crate) fn of(scope: &Arc<Scope>) -> Self {
        Self { scope: Arc::clone(scope), begun: false, order: Order::of(scope), over: false, waiting: None }
    }

    /// How many members are still to come.
    pub(crate) fn len(&self) -> usize {
        self.order.members.len()
    }
}

/// The members of an archive in path order; those of portions in the order of these, and no other after one that comes later in path
/// order, so that as few as possible wait for the entries of others.
struct Order {
    scope: Arc<Scope>,
    members: Peekable<vec::IntoIter<MemberId>>,
    /// Of each member, when there are portions.
    turns: Vec<Turn>,
    /// The portion, and the place in it, that comes next.
    portion: (usize, usize),
}

/// When it is a member's turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// In path order, or never.
    Path,
    /// When its portion comes.
    Portion,
    /// It has been.
    Over,
}

impl Order {
    fn of(scope: &Arc<Scope>) -> Self {
        let container = scope.container.as_ref();
        let members = scope.members();
        let mut turns = Vec::new();
        if container.portion(0).is_some() {
            turns.resize(container.listing().len(), Turn::Path);
            let mut is_asked_for = vec![false; turns.len()];
            for &member in &members {
                if let Some(slot) = is_asked_for.get_mut(member) {
                    *slot = true;
                }
            }
            for &member in (0..).map_while(|number| container.portion(number)).flatten() {
                if let (Some(slot), Some(true)) = (turns.get_mut(member), is_asked_for.get(member)) {
                    *slot = Turn::Portion;
                }
            }
        }
        Self { scope: Arc::clone(scope), members: members.into_iter().peekable(), turns, portion: (0, 0) }
    }

    /// The next member, and its portion.
    fn next(&mut self) -> Option<(MemberId, Option<usize>)> {
        loop {
            let &member = self.members.peek()?;
            match self.turns.get(member) {
                None | Some(Turn::Path) => return self.members.next().map(|member| (member, None)),
                Some(Turn::Over) => drop(self.members.next()),
                Some(Turn::Portion) => {
                    return self.next_of_portion().or_else(|| self.members.next().map(|member| (member, None)));
                }
            }
        }
    }

    /// The next member of a portion that is asked for.
    fn next_of_portion(&mut self) -> Option<(MemberId, Option<usize>)> {
        loop {
            let (number, place) = self.portion;
            let Some(&member) = self.scope.container.portion(number)?.get(place) else {
                self.portion = (number + 1, 0);
                continue;
            };
            self.portion = (number, place + 1);
            if let Some(turn @ Turn::Portion) = self.turns.get_mut(member) {
                *turn = Turn::Over;
                return Some((member, Some(number)));
            }
        }
    }
}

/// Whether a name is that of bytecode: `.pyc` or `.pyo`, in any case, as case-insensitive systems take it.
pub(crate) fn is_pyc_name(file: &[u8]) -> bool {
    file.len() > 4
        && file
            .get(file.len() - 4..)
            .is_some_and(|extension| extension.eq_ignore_ascii_case(b".pyc") || extension.eq_ignore_ascii_case(b".pyo"))
}

/// What a file of a tree is taken for.
fn classify(scope: &Arc<Scope>, member: MemberId) -> Item {
    let job = |task| Item::Job(Job::Member { scope: Arc::clone(scope), member, task, portion: None });
    let Some(found) = scope.container.listing().get(member) else { return job(Task::Named) };
    let pyc = is_pyc_name(found.file());
    match found.kind {
        MemberKind::File if pyc => return job(Task::Bytecode),
        MemberKind::File => {}
        MemberKind::Link if pyc && matches!(scope.container.link(member), Some(LinkTarget::Inside(_))) => {
            return job(Task::Bytecode);
        }
        _ => return job(Task::Named),
    }
    match format::identify(scope.container.as_ref(), member) {
        Ok(Identified { format: Some(format), .. }) if format.open.is_some() => {
            Item::Archive(Arc::clone(scope), member, format)
        }
        Ok(Identified { format: Some(format), .. }) if format.is_unread(found.file()) => {
            job(Task::Unreadable(format.unsupported()))
        }
        Ok(Identified { head, .. }) if pyc::sniff(&head) => job(Task::Disguised),
        Ok(Identified { format: None, head }) if let Some(problem) = format::missing_archive(found.file(), &head) => {
            job(Task::Unreadable(problem))
        }
        Ok(Identified { head, .. }) => job(Task::Known(examine::fate_of_other(OtherCode::of(found.file(), &head)))),
        Err(problem) => job(Task::Unreadable(problem)),
    }
}
