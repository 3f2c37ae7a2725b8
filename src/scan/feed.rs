//! What is to be done, in path order: containers are opened one after the other as their turn comes, names first.

use std::collections::VecDeque;
use std::fs;
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
        let mut window = None;
        while jobs.len() < size && opened < OPEN && held <= most {
            match self.queue.pop_front() {
                Some(Item::Job(job)) => {
                    // What is in another window is decoded anew: all of one is done first.
                    let of_job = job.window();
                    if window.is_some() && of_job.is_some() && window != of_job {
                        self.queue.push_front(Item::Job(job));
                        break;
                    }
                    window = of_job.or(window);
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
        let opened: Vec<_> = places.par_iter().filter_map(open).collect();
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
        let job = |task| Job::Member { scope: Arc::clone(tree), member, task };
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

impl Job {
    /// The archive and the window of it that the job reads from, when that matters.
    fn window(&self) -> Option<(*const Scope, usize)> {
        let Self::Member { scope, member, .. } = self else { return None };
        Some((Arc::as_ptr(scope), scope.container.window(*member)?))
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

/// A place to look for sources: a folder, or an archive.
pub(crate) fn open_source(path: &Path, limits: &Limits) -> Arc<Scope> {
    if path.is_file()
        && let Ok(input) = container::open_file(path)
        && let Some(Ok(archive)) = format::open_input(input, path.as_os_str().as_encoded_bytes(), limits)
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
        for id in jobs.members.by_ref() {
            let Some(member) = listing.get(id) else { continue };
            let task = match member.kind {
                _ if self.config.exclude.covers(&member.path()) => Task::Excluded,
                MemberKind::File if scope.is_layer && image::is_whiteout(member.file()) => Task::Known(Fate::Other),
                MemberKind::File if is_pyc_name(member.file()) => Task::Bytecode,
                MemberKind::File => Task::Anything,
                _ => Task::Named,
            };
            return Some(Job::Member { scope: Arc::clone(scope), member: id, task });
        }
        let last = (!jobs.over).then_some(Job::End);
        jobs.over = true;
        last
    }

    /// The next jobs of an archive, up to a number of them, that are cheap to do together: none beyond the end of a window.
    pub(crate) fn next_jobs(&self, jobs: &mut Jobs, most: usize) -> Vec<Job> {
        let mut batch = Vec::new();
        let mut window = None;
        while batch.len() < most
            && let Some(job) = self.next_job(jobs)
        {
            let of_job = job.window();
            if window.is_some() && of_job.is_some() && window != of_job {
                jobs.waiting = Some(job);
                break;
            }
            window = of_job.or(window);
            batch.push(job);
        }
        batch
    }
}

/// The jobs of an archive, made one after the other: an archive may have a million members.
pub(crate) struct Jobs {
    scope: Arc<Scope>,
    begun: bool,
    members: vec::IntoIter<MemberId>,
    over: bool,
    /// One that was made too early.
    waiting: Option<Job>,
}

impl Jobs {
    /// The jobs of an archive: its beginning, its members in path order, its end.
    pub(crate) fn of(scope: &Arc<Scope>) -> Self {
        Self {
            scope: Arc::clone(scope),
            begun: false,
            members: scope.members().into_iter(),
            over: false,
            waiting: None,
        }
    }

    /// How many members are still to come.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
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
    let job = |task| Item::Job(Job::Member { scope: Arc::clone(scope), member, task });
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
