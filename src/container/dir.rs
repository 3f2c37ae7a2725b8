//! A directory: the outermost container.
//!
//! The walk lists names only: links are listed and never followed, special files are listed and never opened, hidden and
//! ignored files are listed like all others, since evidence hides there. The tree is never written to.

mod walk;

use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::artifact::Times;
use crate::container::Container;
use crate::container::Content;
use crate::container::Ends;
use crate::container::FileStatus;
use crate::container::Input;
use crate::container::Kind;
use crate::container::LinkTarget;
use crate::container::Listing;
use crate::container::Located;
use crate::container::Member;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::NewMember;
use crate::container::exclude::Exclude;
use crate::limits::Limits;
use crate::name;
use crate::name::Name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Packages inside packages that are climbed for a file named alone; more than any import path has.
const MOST_PACKAGES: usize = 64;

/// A directory on disk, listed once.
#[derive(Debug)]
pub struct Directory {
    /// Where it is, as it was named.
    root: PathBuf,
    /// Where it really is; found when the first link is asked about.
    real_root: OnceLock<Option<PathBuf>>,
    /// What is in it.
    listing: Listing,
    /// Folders that could not be listed.
    problems: Vec<Located>,
    /// Files and folders that were left out.
    excluded: u64,
}

impl Directory {
    /// Lists a directory with the threads of the current rayon pool. Folders that cannot be listed, this one included, are
    /// problems.
    pub fn walk(root: &Path, exclude: &Exclude, limits: &Limits) -> Self {
        let (listing, problems, excluded) = walk::walk(root, exclude, limits);
        Self { root: root.to_owned(), real_root: OnceLock::new(), listing, problems, excluded }
    }

    /// Lists what a file on disk has to be seen with: the folder it is in, from a `__pycache__` folder the one above, where its
    /// source is, and from a package all folders up to the one that holds it. Nothing else is listed. Gives the file itself
    /// too; `None` when it is not there.
    pub fn around(file: &Path) -> (Self, Option<MemberId>) {
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut listed = vec![folder];
        let mut root = folder;
        let mut names = Vec::new();
        let mut problems = Vec::new();
        while let Some(&at) = listed.last() {
            root = at;
            let found = walk::names(at).unwrap_or_else(|error| {
                problems.push(Located { path: None, problem: unreadable(&error) });
                Vec::new()
            });
            let is_package = found.iter().any(|(name, _)| name.starts_with(b"__init__.py"));
            let up = is_package || at.file_name().is_some_and(|name| name == "__pycache__");
            names.push((at, found));
            match at.parent().filter(|_| up && listed.len() < MOST_PACKAGES) {
                Some(parent) => listed.push(parent),
                None => break,
            }
        }
        let below = |folder: &Path| name_of(folder.strip_prefix(root).unwrap_or(folder));
        let found: Vec<_> = names
            .iter()
            .flat_map(|(folder, names)| {
                let prefix = below(folder);
                names.iter().map(move |(name, kind)| (name::join(prefix.as_bytes(), name), *kind))
            })
            .collect();
        let members: Vec<_> = found
            .iter()
            .map(|(name, kind)| NewMember { name, kind: *kind, size: None, times: Times::default() })
            .collect();
        let listing = Listing::new(&members).0;
        let name = file.file_name().map(|name| name_of(Path::new(name))).unwrap_or_default();
        let id = listing.find(below(folder).as_bytes(), name.as_bytes()).map(|member| member.id);
        let directory = Self { root: root.to_owned(), real_root: OnceLock::new(), listing, problems, excluded: 0 };
        (directory, id)
    }

    /// Where the directory is, as it was named.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A member's path on disk.
    fn path_of(&self, member: Member<'_>) -> Result<PathBuf, Problem> {
        on_disk(&self.root, &member.path())
    }

    /// The member and its path, when it is something that may be opened.
    fn file(&self, member: MemberId) -> Result<PathBuf, Problem> {
        let unreadable = |why: &str| Err(Problem::new(ProblemKind::Unreadable).with_detail(why));
        let Some(member) = self.listing.get(member) else { return unreadable("no such member") };
        match member.kind {
            MemberKind::File => self.path_of(member),
            MemberKind::Link => match self.resolve(member) {
                LinkTarget::Inside(path) => on_disk(self.real_root().unwrap_or(&self.root), path.as_bytes()),
                LinkTarget::Outside(_) => unreadable("a link that leaves the root is not followed"),
                LinkTarget::Broken(_) => unreadable("a link that leads nowhere"),
            },
            MemberKind::Special(_) => unreadable("special files are never opened"),
            MemberKind::Folder => unreadable("a folder"),
        }
    }

    /// Where the root really is.
    fn real_root(&self) -> Option<&Path> {
        self.real_root.get_or_init(|| fs::canonicalize(&self.root).ok()).as_deref()
    }

    /// Where a link leads.
    fn resolve(&self, link: Member<'_>) -> LinkTarget {
        let Ok(path) = self.path_of(link) else { return LinkTarget::Broken(Name::default()) };
        let text = || fs::read_link(&path).map(|text| name_of(&text)).unwrap_or_default();
        let (Some(root), Ok(target)) = (self.real_root(), fs::canonicalize(&path)) else {
            return LinkTarget::Broken(text());
        };
        match target.strip_prefix(root) {
            Ok(inside) => LinkTarget::Inside(name_of(inside)),
            Err(_) => LinkTarget::Outside(name_of(&target)),
        }
    }
}

impl Container for Directory {
    fn kind(&self) -> Kind {
        Kind::Directory
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn read_into(&self, member: MemberId, limit: u64, buffer: Vec<u8>) -> Content {
        match self.file(member).and_then(|path| open(&path)) {
            Ok((file, status)) => read_open(file, status, limit, buffer),
            Err(problem) => Content { bytes: emptied(buffer), ..Content::unread(problem) },
        }
    }

    fn ends(&self, member: MemberId, head: usize, tail: usize) -> Result<Ends, Problem> {
        let (file, status) = self.file(member).and_then(|path| open(&path))?;
        let input = Input::from_file(file, status.size);
        let read = |offset, length| input.bytes_at(offset, length).map_err(|error| unreadable(&error));
        let first = read(0, head)?;
        let from = status.size.saturating_sub(u64::try_from(tail).unwrap_or(u64::MAX));
        // Most files are shorter than both ends together: one read gives them.
        let from_head = usize::try_from(from).ok().filter(|_| u64::try_from(first.len()) == Ok(status.size));
        let last = match from_head {
            Some(at) => first.get(at..).unwrap_or_default().to_vec(),
            None => read(from, tail)?,
        };
        Ok(Ends { size: Some(status.size), head: first, tail: last })
    }

    fn input(&self, member: MemberId, _limit: u64) -> Result<Input, Problem> {
        let (file, status) = self.file(member).and_then(|path| open(&path))?;
        Ok(Input::from_file(file, status.size))
    }

    fn status(&self, member: MemberId) -> Option<FileStatus> {
        let path = self.path_of(self.listing.get(member)?).ok()?;
        fs::symlink_metadata(path).ok().map(|metadata| status_of(&metadata))
    }

    fn folder_status(&self, folder: &[u8]) -> Option<FileStatus> {
        let metadata = fs::symlink_metadata(on_disk(&self.root, folder).ok()?).ok()?;
        metadata.is_dir().then(|| status_of(&metadata))
    }

    fn link(&self, member: MemberId) -> Option<LinkTarget> {
        let member = self.listing.get(member)?;
        (member.kind == MemberKind::Link).then(|| self.resolve(member))
    }

    fn problems(&self) -> &[Located] {
        &self.problems
    }

    fn excluded(&self) -> u64 {
        self.excluded
    }
}

/// Opens a file for reading by position, the way a scanner of hostile trees has to: whatever it has become since it was
/// listed, a link is not followed and a FIFO does not block; what is no regular file is refused.
pub fn open_file(path: &Path) -> Result<Input, Problem> {
    let (file, status) = open(path)?;
    Ok(Input::from_file(file, status.size))
}

/// Opens a regular file.
fn open(path: &Path) -> Result<(File, FileStatus), Problem> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY,
    );
    let file = options.open(path).map_err(|error| unreadable(&error))?;
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(Problem::new(ProblemKind::Changed).with_detail("no longer a regular file"));
    }
    Ok((file, status_of(&metadata)))
}

/// Reads an open file up to a limit.
fn read_open(file: File, status: FileStatus, limit: u64, mut bytes: Vec<u8>) -> Content {
    let mut problems = Vec::new();
    // One byte more than there should be, so that one call notices growth.
    let wanted = status.size.min(limit).saturating_add(1);
    let Ok(wanted) = usize::try_from(wanted) else {
        return Content::unread(Problem::new(ProblemKind::MemberSizeLimit));
    };
    // What the buffer holds from before is overwritten or cut off; only what is new needs to be zeroed.
    bytes.resize(wanted, 0);
    let mut count = 0_usize;
    let input = Input::from_file(file, status.size);
    match input.read_at(&mut bytes, 0) {
        Ok(read) => count = read,
        Err(error) => problems.push(unreadable(&error)),
    }
    let read = u64::try_from(count).unwrap_or(u64::MAX);
    if status.size > limit {
        problems.push(
            Problem::at(ProblemKind::MemberSizeLimit, limit)
                .with_detail(format!("{} bytes, limit {limit}", status.size)),
        );
    } else if read != status.size && problems.is_empty() {
        let observed = if read > status.size { "more" } else { "fewer" };
        problems.push(
            Problem::at(ProblemKind::Changed, read.min(status.size))
                .with_detail(format!("{observed} bytes than the {} it had", status.size)),
        );
    }
    bytes.truncate(count.min(wanted.saturating_sub(1)));
    Content { bytes, status: Some(status), problems, oddities: Vec::new() }
}

/// The buffer without its bytes.
fn emptied(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.clear();
    buffer
}

/// The system's refusal as a problem.
fn unreadable(error: &io::Error) -> Problem {
    Problem::new(ProblemKind::Unreadable).with_detail(error.to_string())
}

/// What the file system says.
#[cfg(unix)]
fn status_of(metadata: &Metadata) -> FileStatus {
    use std::os::unix::fs::MetadataExt;
    FileStatus {
        size: metadata.size(),
        mtime: metadata.mtime(),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        links: metadata.nlink(),
    }
}

/// What the file system says.
#[cfg(not(unix))]
fn status_of(metadata: &Metadata) -> FileStatus {
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let mtime = metadata.modified().ok().and_then(|time| time.duration_since(epoch).ok());
    FileStatus {
        size: metadata.len(),
        mtime: mtime.and_then(|time| i64::try_from(time.as_secs()).ok()).unwrap_or_default(),
        mode: 0,
        uid: 0,
        links: 1,
    }
}

/// A path below a root from its bytes.
#[cfg(unix)]
pub fn on_disk(root: &Path, path: &[u8]) -> Result<PathBuf, Problem> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    // `join` would add a slash for the empty path.
    Ok(if path.is_empty() { root.to_owned() } else { root.join(OsStr::from_bytes(path)) })
}

/// A path below a root from its bytes. A name that is no Unicode cannot be written as bytes and back without unsafe code.
#[cfg(not(unix))]
pub fn on_disk(root: &Path, path: &[u8]) -> Result<PathBuf, Problem> {
    let text = std::str::from_utf8(path)
        .map_err(|_| Problem::new(ProblemKind::Unreadable).with_detail("a name that is not Unicode"))?;
    Ok(if text.is_empty() { root.to_owned() } else { root.join(text) })
}

/// A path as a name.
fn name_of(path: &Path) -> Name {
    let bytes = path.as_os_str().as_encoded_bytes();
    if cfg!(windows) {
        return Name::new(bytes.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect::<Vec<_>>());
    }
    Name::new(bytes)
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on may panic")]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use tempfile::TempDir;

    /// A tree with these files; a name that ends in a slash is a folder.
    fn tree(files: &[(&str, &[u8])]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = root.path().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
        root
    }

    fn walk(root: &TempDir) -> Directory {
        Directory::walk(root.path(), &Exclude::default(), &Limits::default())
    }

    fn names(directory: &Directory) -> Vec<String> {
        directory.listing().members().map(|member| member.name().to_string()).collect()
    }

    fn id(directory: &Directory, path: &str) -> MemberId {
        directory.listing().find_path(path.as_bytes()).unwrap().id
    }

    fn problem_kinds(problems: &[Problem]) -> Vec<ProblemKind> {
        problems.iter().map(|problem| problem.kind).collect()
    }

    #[test]
    fn a_tree_is_listed_in_the_order_of_whole_paths() {
        let root = tree(&[
            ("a/z", b""),
            ("a.py", b""),
            ("a-b/y", b""),
            ("a/__pycache__/m.pyc", b""),
            ("empty/", b""),
            (".hidden/x", b""),
        ]);
        let directory = walk(&root);
        assert_eq!(names(&directory), [".hidden/x", "a-b/y", "a.py", "a/__pycache__/m.pyc", "a/z"]);
        let mut sorted = names(&directory);
        sorted.sort();
        assert_eq!(names(&directory), sorted);
        assert!(directory.problems().is_empty());
    }

    #[test]
    fn a_file_alone_is_seen_with_its_source_and_its_packages() {
        let root = tree(&[("p/__init__.py", b""), ("p/q/__init__.pyc", b""), ("p/q/m.py", b""), ("p/q/r/x.py", b"")]);
        let cached = "p/q/__pycache__/m.cpython-312.pyc";
        fs::create_dir_all(root.path().join("p/q/__pycache__")).unwrap();
        fs::write(root.path().join(cached), b"").unwrap();
        let (directory, id) = Directory::around(&root.path().join(cached));
        assert_eq!(directory.root(), root.path());
        assert_eq!(names(&directory), ["p/__init__.py", "p/q/__init__.pyc", cached, "p/q/m.py"]);
        assert_eq!(id, directory.listing().find_path(cached.as_bytes()).map(|member| member.id));
        assert_eq!(Directory::around(&root.path().join("p/none.pyc")).1, None);
    }

    #[test]
    fn a_file_is_read_with_its_status_and_a_limit() {
        let root = tree(&[("m.pyc", b"0123456789"), ("none", b"")]);
        let directory = walk(&root);
        let content = directory.read(id(&directory, "m.pyc"), 100);
        assert_eq!((content.bytes.as_slice(), content.problems.len()), (&b"0123456789"[..], 0));
        assert_eq!(content.status.map(|status| (status.size, status.links)), Some((10, 1)));
        assert!(content.bytes.capacity() < 64, "sized by the file");
        let content = directory.read_into(id(&directory, "m.pyc"), 4, vec![7; 50]);
        assert_eq!(
            (content.bytes.as_slice(), problem_kinds(&content.problems)),
            (&b"0123"[..], vec![ProblemKind::MemberSizeLimit])
        );
        let content = directory.read_into(id(&directory, "none"), 4, vec![7; 50]);
        assert_eq!((content.bytes.len(), content.problems.len()), (0, 0));
        assert_eq!(directory.status(id(&directory, "m.pyc")).map(|status| status.size), Some(10));
        let ends = directory.ends(id(&directory, "m.pyc"), 3, 4).unwrap();
        assert_eq!((ends.size, ends.head.as_slice(), ends.tail.as_slice()), (Some(10), &b"012"[..], &b"6789"[..]));
        let ends = directory.ends(id(&directory, "m.pyc"), 64, 22).unwrap();
        assert_eq!((ends.head.len(), ends.tail.len()), (10, 10));
    }

    #[test]
    fn a_fifo_a_socket_and_a_device_are_named_and_never_opened() {
        let root = tree(&[("m.pyc", b"x")]);
        let fifo = root.path().join("trap.pyc");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let _socket = UnixListener::bind(root.path().join("socket.pyc")).unwrap();
        let directory = walk(&root);
        let kind = |name| directory.listing().get(id(&directory, name)).map(|member| member.kind);
        assert_eq!(kind("trap.pyc"), Some(MemberKind::Special(crate::container::SpecialKind::Fifo)));
        assert_eq!(kind("socket.pyc"), Some(MemberKind::Special(crate::container::SpecialKind::Socket)));
        // A read of the FIFO would wait for ever.
        assert_eq!(problem_kinds(&directory.read(id(&directory, "trap.pyc"), 9).problems), [ProblemKind::Unreadable]);
        // It was a file when it was listed.
        let file = root.path().join("m.pyc");
        fs::remove_file(&file).unwrap();
        fs::rename(&fifo, &file).unwrap();
        assert_eq!(problem_kinds(&directory.read(id(&directory, "m.pyc"), 9).problems), [ProblemKind::Changed]);
        let devices = Directory::walk(Path::new("/dev"), &Exclude::default(), &Limits::default());
        let null = devices.listing().find(b"", b"null").map(|member| member.kind);
        assert_eq!(null, Some(MemberKind::Special(crate::container::SpecialKind::Device)));
    }

    #[test]
    fn a_link_is_listed_and_read_only_inside_the_root() {
        let outside = tree(&[("secret.pyc", b"secret")]);
        let root = tree(&[("a/m.pyc", b"bytes")]);
        let link = |target: &Path, name: &str| symlink(target, root.path().join(name)).unwrap();
        link(Path::new("a/m.pyc"), "in.pyc");
        link(&outside.path().join("secret.pyc"), "out.pyc");
        link(Path::new("nothing"), "broken.pyc");
        link(Path::new("loop.pyc"), "loop.pyc");
        link(Path::new("."), "cycle");
        link(outside.path(), "folder");
        let directory = walk(&root);
        assert_eq!(names(&directory), ["a/m.pyc", "broken.pyc", "cycle", "folder", "in.pyc", "loop.pyc", "out.pyc"]);
        let target = |name| directory.link(id(&directory, name));
        let real = fs::canonicalize(outside.path()).unwrap();
        assert_eq!(target("in.pyc"), Some(LinkTarget::Inside("a/m.pyc".into())));
        assert_eq!(target("cycle"), Some(LinkTarget::Inside("".into())));
        assert_eq!(target("out.pyc"), Some(LinkTarget::Outside(name_of(&real.join("secret.pyc")))));
        assert_eq!(target("broken.pyc"), Some(LinkTarget::Broken("nothing".into())));
        assert_eq!(target("loop.pyc"), Some(LinkTarget::Broken("loop.pyc".into())));
        assert_eq!(target("a/m.pyc"), None);
        assert_eq!(directory.read(id(&directory, "in.pyc"), 100).bytes, b"bytes");
        for name in ["out.pyc", "broken.pyc", "loop.pyc", "folder", "cycle"] {
            let content = directory.read(id(&directory, name), 100);
            assert!(content.bytes.is_empty() && !content.problems.is_empty(), "{name}");
        }
        // A file that becomes a link after it was listed is not followed either.
        fs::remove_file(root.path().join("a/m.pyc")).unwrap();
        link(&outside.path().join("secret.pyc"), "a/m.pyc");
        assert_eq!(problem_kinds(&directory.read(id(&directory, "a/m.pyc"), 9).problems), [ProblemKind::Unreadable]);
    }

    #[test]
    fn a_folder_that_cannot_be_listed_is_named() {
        let root = tree(&[("a/b/m.pyc", b"x"), ("c/m.pyc", b"x")]);
        let limits = Limits { folders: 1, ..Limits::default() };
        let directory = Directory::walk(root.path(), &Exclude::default(), &limits);
        assert_eq!(names(&directory), ["c/m.pyc"]);
        let [located] = directory.problems() else { panic!("{:?}", directory.problems()) };
        assert_eq!((located.path.clone(), located.problem.kind), (Some("a/b".into()), ProblemKind::DepthLimit));
        let missing = Directory::walk(&root.path().join("nothing"), &Exclude::default(), &limits);
        assert_eq!(
            missing.problems().first().map(|l| (l.path.clone(), l.problem.kind)),
            Some((None, ProblemKind::Unreadable))
        );
    }

    #[test]
    fn what_is_excluded_is_counted_a_folder_as_one() {
        let root = tree(&[("a/tests/m.pyc", b"x"), ("a/tests/n.pyc", b"x"), ("a/m.pyo", b"x"), ("a/m.py", b"x")]);
        let directory = Directory::walk(root.path(), &Exclude::new(["tests", "*.pyo"]).unwrap(), &Limits::default());
        assert_eq!(names(&directory), ["a/m.py"]);
        assert_eq!(directory.excluded(), 2);
    }

    #[test]
    fn a_tree_that_shrinks_is_reported_as_changed() {
        let root = tree(&[("m.pyc", b"0123456789")]);
        let path = root.path().join("m.pyc");
        let (file, status) = open(&path).unwrap();
        fs::write(&path, b"0123").unwrap();
        let content = read_open(file, status, 100, Vec::new());
        assert_eq!(
            (content.bytes.as_slice(), problem_kinds(&content.problems)),
            (&b"0123"[..], vec![ProblemKind::Changed])
        );
        let (file, status) = open(&path).unwrap();
        fs::write(&path, b"0123456").unwrap();
        let content = read_open(file, status, 100, Vec::new());
        assert_eq!(
            (content.bytes.as_slice(), problem_kinds(&content.problems)),
            (&b"0123"[..], vec![ProblemKind::Changed])
        );
    }

    #[test]
    fn a_tree_as_deep_as_paths_can_be_is_walked_without_the_stack() {
        let root = tree(&[]);
        let mut path = root.path().to_owned();
        let mut depth = 0;
        while fs::create_dir(path.join("d")).is_ok() {
            path.push("d");
            depth += 1;
        }
        assert!(depth > 1_000, "{depth}");
        let pool = rayon::ThreadPoolBuilder::new().stack_size(64 << 10).num_threads(2).build().unwrap();
        let directory = pool.install(|| walk(&root));
        assert!(directory.listing().is_empty());
    }
}
