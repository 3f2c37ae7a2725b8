//! The walk: every name of a tree, folder by folder, by all threads of the current pool.
//!
//! Its unit of work is one folder. Nothing is opened but folders, and no file's status is asked for.

use std::fs;
use std::fs::DirEntry;
use std::fs::FileType;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rayon::Scope;

use crate::container::Listing;
use crate::container::Located;
use crate::container::MemberKind;
use crate::container::SpecialKind;
use crate::container::dir::on_disk;
use crate::container::dir::unreadable;
use crate::container::exclude::Exclude;
use crate::container::listing::Builder;
use crate::limits::Limits;
use crate::name::Name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Lists a tree: its members, the folders that could not be listed, and how many files and folders were left out.
pub(super) fn walk(root: &Path, exclude: &Exclude, limits: &Limits) -> (Listing, Vec<Located>, u64) {
    let walk = Walk {
        root,
        exclude,
        depth: limits.folders,
        folders: AtomicUsize::new(1),
        excluded: AtomicU64::new(0),
        found: Mutex::new(Vec::new()),
    };
    rayon::scope(|scope| walk.folder(0, Vec::new(), 0, scope));
    let excluded = walk.excluded.into_inner();
    let mut found = walk.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Numbers were given when folders were met, and every folder that was met was listed: this puts each at its number.
    found.sort_unstable_by_key(|folder| folder.number);
    let (listing, problems) = in_path_order(&found);
    (listing, problems, excluded)
}

/// What all threads of a walk share. Its unit of work is one folder; the scope's queue keeps those to come, not the stack.
#[derive(Debug)]
struct Walk<'a> {
    /// Where the walk begins.
    root: &'a Path,
    /// What is left out.
    exclude: &'a Exclude,
    /// How deep folders may lie.
    depth: usize,
    /// How many folders were met.
    folders: AtomicUsize,
    /// How many files and folders were left out.
    excluded: AtomicU64,
    /// What was listed, as it came.
    found: Mutex<Vec<Found>>,
}

/// One listed folder.
#[derive(Debug)]
struct Found {
    /// Its number: 0 for the root, then as folders were met.
    number: usize,
    /// Its path below the root with a final slash; empty for the root.
    prefix: Vec<u8>,
    /// The names in it, one after the other.
    names: Vec<u8>,
    /// What is in it, in path order.
    entries: Vec<FoundEntry>,
    /// Why it could not be listed, or not wholly.
    problem: Option<Problem>,
}

/// One name in a listed folder.
#[derive(Debug)]
struct FoundEntry {
    /// Where the name begins.
    start: usize,
    /// Where it ends.
    end: usize,
    /// What has it.
    what: What,
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug)]
enum What {
    /// A member.
    Member(MemberKind),
    /// The folder of this number.
    Folder(usize),
}

impl Found {
    /// The name of an entry.
    fn name(&self, entry: &FoundEntry) -> &[u8] {
        self.names.get(entry.start..entry.end).unwrap_or_default()
    }
}

impl Walk<'_> {
    /// Lists one folder and hands those in it to the scope.
    fn folder<'scope>(&'scope self, number: usize, prefix: Vec<u8>, depth: usize, scope: &Scope<'scope>) {
        let mut found = Found { number, prefix, names: Vec::new(), entries: Vec::new(), problem: None };
        let path = prefix_path(&found.prefix);
        if depth > self.depth {
            found.problem =
                Some(Problem::new(ProblemKind::DepthLimit).with_detail(format!("folders deeper than {}", self.depth)));
        } else {
            match on_disk(self.root, path).map(fs::read_dir) {
                Ok(Ok(entries)) => {
                    entries.for_each(|entry| self.entry(entry, &mut found, depth, scope));
                }
                Ok(Err(error)) => found.problem = Some(unreadable(&error)),
                Err(problem) => found.problem = Some(problem),
            }
        }
        let names = &found.names;
        // A folder sorts as if its slash were there: then a walk in this order meets whole paths in the order of their bytes.
        let key = |entry: &FoundEntry| {
            let slash: &[u8] = if matches!(entry.what, What::Folder(_)) { b"/" } else { b"" };
            names.get(entry.start..entry.end).unwrap_or_default().iter().chain(slash)
        };
        found.entries.sort_unstable_by(|a, b| key(a).cmp(key(b)));
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push(found);
    }

    /// Takes one name of a folder.
    fn entry<'scope>(
        &'scope self,
        entry: io::Result<DirEntry>,
        found: &mut Found,
        depth: usize,
        scope: &Scope<'scope>,
    ) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.problem = Some(unreadable(&error));
                return;
            }
        };
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if !self.exclude.is_empty() && self.exclude.matches(&[&found.prefix, name].concat()) {
            self.excluded.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Taken from the folder itself on all usual file systems, without asking for the file's status.
        let what = match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                let number = self.folders.fetch_add(1, Ordering::Relaxed);
                let prefix = [&found.prefix, name, b"/"].concat();
                scope.spawn(move |scope| {
                    self.folder(number, prefix, depth.saturating_add(1), scope);
                });
                What::Folder(number)
            }
            Ok(kind) => What::Member(kind_of(kind)),
            Err(error) => {
                found.problem = Some(unreadable(&error));
                What::Member(MemberKind::Special(SpecialKind::Other))
            }
        };
        let start = found.names.len();
        found.names.extend_from_slice(name);
        found.entries.push(FoundEntry { start, end: found.names.len(), what });
    }
}

/// A prefix without its final slash.
fn prefix_path(prefix: &[u8]) -> &[u8] {
    prefix.strip_suffix(b"/").unwrap_or(prefix)
}

/// What a name that is no folder stands for.
fn kind_of(kind: FileType) -> MemberKind {
    if kind.is_file() {
        MemberKind::File
    } else if kind.is_symlink() {
        MemberKind::Link
    } else {
        MemberKind::Special(special(kind))
    }
}

/// Which kind of special file.
#[cfg(unix)]
fn special(kind: FileType) -> SpecialKind {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        SpecialKind::Fifo
    } else if kind.is_socket() {
        SpecialKind::Socket
    } else if kind.is_char_device() || kind.is_block_device() {
        SpecialKind::Device
    } else {
        SpecialKind::Other
    }
}

/// Which kind of special file.
#[cfg(not(unix))]
fn special(_kind: FileType) -> SpecialKind {
    SpecialKind::Other
}

/// The names of what lies directly in a folder, other folders left out. An empty path is the current folder.
pub(super) fn names(folder: &Path) -> io::Result<Vec<(Vec<u8>, MemberKind)>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if !kind.is_dir() {
            names.push((entry.file_name().into_encoded_bytes(), kind_of(kind)));
        }
    }
    Ok(names)
}

/// Puts what was listed into path order: depth first, with a stack of our own. Folders are at the place of their number.
fn in_path_order(found: &[Found]) -> (Listing, Vec<Located>) {
    let mut builder = Builder::default();
    let mut problems = Vec::new();
    let mut stack = Vec::new();
    let mut enter = |number: usize, builder: &mut Builder, stack: &mut Vec<_>| {
        let Some(folder) = found.get(number) else { return };
        if let Some(problem) = &folder.problem {
            let path = Some(prefix_path(&folder.prefix)).filter(|path| !path.is_empty());
            problems.push(Located { path: path.map(Name::new), problem: problem.clone() });
        }
        stack.push((folder, builder.folder(&folder.prefix), folder.entries.iter()));
    };
    enter(0, &mut builder, &mut stack);
    let mut full = false;
    while let Some((folder, id, entries)) = stack.last_mut() {
        match entries.next().map(|entry| (entry, entry.what)) {
            Some((_, What::Folder(number))) => enter(number, &mut builder, &mut stack),
            Some((entry, What::Member(kind))) if !builder.is_full() => {
                builder.push(*id, folder.name(entry), kind);
            }
            Some(_) => full = true,
            None => drop(stack.pop()),
        }
    }
    if full {
        problems.push(Located { path: None, problem: Problem::new(ProblemKind::MemberCountLimit) });
    }
    (builder.finish(), problems)
}
