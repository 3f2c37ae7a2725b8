//! A directory that exists in memory only, for tests of what looks at trees.

use std::sync::OnceLock;

use crate::artifact::Times;
use crate::container::ArchiveRecord;
use crate::container::Container;
use crate::container::Content;
use crate::container::FileStatus;
use crate::container::Kind;
use crate::container::LinkTarget;
use crate::container::Listing;
use crate::container::Located;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::NewMember;
use crate::container::Oddity;
use crate::container::SpecialKind;
use crate::name::Name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// A directory in memory: what it holds is added with `file` and `link`, and the methods after them change the last one.
#[derive(Debug)]
pub struct MemoryTree {
    /// What kind of container it says it is.
    kind: Kind,
    /// What it holds, as it was added.
    files: Vec<MemoryFile>,
    /// Folders of which the file system says something.
    folders: Vec<(Vec<u8>, FileStatus)>,
    /// What is odd about it.
    oddities: Vec<Oddity>,
    /// What could not be read of it.
    problems: Vec<Located>,
    /// The listing and, by id, the place in `files`; made when it is first asked for.
    listed: OnceLock<(Listing, Vec<usize>)>,
}

/// One file, link or special file.
#[derive(Debug)]
struct MemoryFile {
    /// Its whole name.
    name: Vec<u8>,
    /// What it is.
    kind: MemberKind,
    /// What is in it.
    bytes: Vec<u8>,
    /// What a file system would say.
    status: FileStatus,
    /// Where a link leads.
    target: Option<LinkTarget>,
    /// What a record would say, for trees that pretend to be archives.
    times: Times,
    /// The archive's record, for trees that pretend to be archives.
    record: Option<ArchiveRecord>,
    /// What reading it meets.
    problems: Vec<Problem>,
}

impl Default for MemoryTree {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryTree {
    /// An empty tree.
    pub fn new() -> Self {
        let (files, oddities, problems) = (Vec::new(), Vec::new(), Vec::new());
        Self { kind: Kind::Directory, files, folders: Vec::new(), oddities, problems, listed: OnceLock::new() }
    }

    /// Adds a regular file: mode 0644, owner 0, one link, modified at second 0.
    #[must_use]
    pub fn file(self, name: impl AsRef<[u8]>, bytes: impl Into<Vec<u8>>) -> Self {
        self.member(name.as_ref(), MemberKind::File, bytes.into(), None)
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(self, name: impl AsRef<[u8]>, target: LinkTarget) -> Self {
        self.member(name.as_ref(), MemberKind::Link, Vec::new(), Some(target))
    }

    /// Adds a special file.
    #[must_use]
    pub fn special(self, name: impl AsRef<[u8]>, kind: SpecialKind) -> Self {
        self.member(name.as_ref(), MemberKind::Special(kind), Vec::new(), None)
    }

    /// The permission bits and the owner of a folder.
    #[must_use]
    pub fn folder(mut self, name: impl AsRef<[u8]>, mode: u32, uid: u32) -> Self {
        let status = FileStatus { size: 0, mtime: 0, mode, uid, links: 2 };
        self.folders.push((name.as_ref().to_vec(), status));
        self
    }

    /// Makes it pretend to be an archive: `read` gives no status then.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// When the last file was modified, in seconds since 1970.
    #[must_use]
    pub fn mtime(self, seconds: i64) -> Self {
        self.change(|file| {
            file.status.mtime = seconds;
            file.times.unix = Some(seconds);
        })
    }

    /// The last file's times as an archive's record gives them.
    #[must_use]
    pub fn times(self, times: Times) -> Self {
        self.change(|file| file.times = times)
    }

    /// The last file's permission bits.
    #[must_use]
    pub fn mode(self, mode: u32) -> Self {
        self.change(|file| file.status.mode = mode)
    }

    /// The last file's owner.
    #[must_use]
    pub fn uid(self, uid: u32) -> Self {
        self.change(|file| file.status.uid = uid)
    }

    /// How many hard links the last file has.
    #[must_use]
    pub fn links(self, links: u64) -> Self {
        self.change(|file| file.status.links = links)
    }

    /// What an archive records of the last file.
    #[must_use]
    pub fn record(self, record: ArchiveRecord) -> Self {
        self.change(|file| file.record = Some(record))
    }

    /// Reading the last file meets this.
    #[must_use]
    pub fn problem(self, problem: Problem) -> Self {
        self.change(|file| file.problems.push(problem))
    }

    /// This is odd about the tree.
    #[must_use]
    pub fn oddity(mut self, oddity: Oddity) -> Self {
        self.oddities.push(oddity);
        self
    }

    /// This could not be read of the tree's own structure.
    #[must_use]
    pub fn located(mut self, path: Option<Name>, problem: Problem) -> Self {
        self.problems.push(Located { path, problem });
        self
    }

    /// Adds something.
    fn member(mut self, name: &[u8], kind: MemberKind, bytes: Vec<u8>, target: Option<LinkTarget>) -> Self {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let status = FileStatus { size, mtime: 0, mode: 0o644, uid: 0, links: 1 };
        let (name, times, problems) = (name.to_vec(), Times::default(), Vec::new());
        self.files.push(MemoryFile { name, kind, bytes, status, target, times, record: None, problems });
        self.listed = OnceLock::new();
        self
    }

    /// Changes the last file.
    fn change(mut self, change: impl FnOnce(&mut MemoryFile)) -> Self {
        if let Some(file) = self.files.last_mut() {
            change(file);
        }
        self.listed = OnceLock::new();
        self
    }

    /// The listing and the way back to `files`.
    fn listed(&self) -> &(Listing, Vec<usize>) {
        self.listed.get_or_init(|| {
            // A directory knows names only before it reads.
            let archive = self.kind != Kind::Directory;
            let members: Vec<NewMember<'_>> = self
                .files
                .iter()
                .map(|file| NewMember {
                    name: &file.name,
                    kind: file.kind,
                    size: archive.then_some(file.status.size),
                    times: if archive { file.times } else { Times::default() },
                })
                .collect();
            let (listing, ids) = Listing::new(&members);
            let mut back: Vec<usize> = (0..ids.len()).collect();
            back.sort_by_key(|&at| ids.get(at).copied());
            (listing, back)
        })
    }

    /// The file with this id.
    fn by_id(&self, member: MemberId) -> Option<&MemoryFile> {
        self.files.get(*self.listed().1.get(member)?)
    }
}

impl Container for MemoryTree {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn listing(&self) -> &Listing {
        &self.listed().0
    }

    fn read_into(&self, member: MemberId, limit: u64, _buffer: Vec<u8>) -> Content {
        let Some(file) = self.by_id(member) else { return Content::unread(Problem::new(ProblemKind::Unreadable)) };
        let mut file = file;
        if let Some(LinkTarget::Inside(path)) = &file.target
            && let Some(target) = self.listing().find_path(path.as_bytes()).and_then(|member| self.by_id(member.id))
        {
            file = target;
        }
        if file.kind != MemberKind::File {
            return Content::unread(Problem::new(ProblemKind::Unreadable));
        }
        let mut content = Content {
            bytes: file.bytes.clone(),
            status: (self.kind == Kind::Directory).then_some(file.status),
            problems: file.problems.clone(),
            oddities: Vec::new(),
        };
        if file.status.size > limit {
            content.bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            content.problems.push(Problem::at(ProblemKind::MemberSizeLimit, limit));
        }
        content
    }

    fn status(&self, member: MemberId) -> Option<FileStatus> {
        self.by_id(member).filter(|_| self.kind == Kind::Directory).map(|file| file.status)
    }

    fn folder_status(&self, folder: &[u8]) -> Option<FileStatus> {
        self.folders.iter().find(|(name, _)| name == folder).map(|(_, status)| *status)
    }

    fn link(&self, member: MemberId) -> Option<LinkTarget> {
        self.by_id(member)?.target.clone()
    }

    fn archive_record(&self, member: MemberId) -> Option<&ArchiveRecord> {
        self.by_id(member)?.record.as_ref()
    }

    fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    fn problems(&self) -> &[Located] {
        &self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_in_memory_reads_like_one_on_disk() {
        let tree = MemoryTree::new()
            .file("p/m.py", "x = 1\n")
            .mtime(100)
            .file("p/__pycache__/m.cpython-312.pyc", b"pyc")
            .mode(0o666)
            .link("p/n.py", LinkTarget::Inside("p/m.py".into()))
            .special("p/fifo", SpecialKind::Fifo);
        let listing = tree.listing();
        assert_eq!(listing.len(), 4);
        let source = listing.find(b"p", b"m.py").map(|member| member.id).unwrap();
        let content = tree.read(source, 4);
        assert_eq!((content.bytes.as_slice(), content.problems.len()), (&b"x = "[..], 1));
        assert_eq!(content.status.map(|status| status.mtime), Some(100));
        let link = listing.find(b"p", b"n.py").map(|member| member.id).unwrap();
        assert_eq!(tree.read(link, 100).bytes, b"x = 1\n");
        let cache = listing.find(b"p/__pycache__", b"m.cpython-312.pyc").map(|member| member.id).unwrap();
        assert_eq!(tree.status(cache).map(|status| (status.mode, status.size)), Some((0o666, 3)));
    }
}
