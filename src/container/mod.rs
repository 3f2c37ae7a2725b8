//! Containers: what holds members. A directory is the outermost container; archives are the others.
//!
//! A container gives the names first, then bytes by position: any member can be read from any thread, and nothing is unpacked
//! to disk. What is odd about it is recorded with its place; rules judge that.
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

use std::collections::HashMap;

use crate::artifact::Times;
use crate::name;
use crate::name::Name;
use crate::problem::Problem;

/// The index of a member in its container's listing.
pub type MemberId = usize;

/// The kinds of container, as reports name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A directory on disk.
    Directory,
    /// A zip archive that is none of the kinds below.
    Zip,
    /// A wheel: a `.dist-info/WHEEL` member (binary distribution format, PyPA).
    Wheel,
    /// An egg: an `EGG-INFO` folder.
    Egg,
    /// A zip with a `__main__` module, with or without a prefix (PEP 441); pex and shiv are zipapps.
    Zipapp,
}

impl Kind {
    /// The word that reports use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Zip => "zip",
            Self::Wheel => "wheel",
            Self::Egg => "egg",
            Self::Zipapp => "zipapp",
        }
    }
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A folder record of an archive. Folders on disk are not members.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device; never opened.
    Special(SpecialKind),
}

/// The kinds of file that are named and never opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialKind {
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
    /// Whatever else the system may have.
    Other,
}

/// One file or record of a container, known by its name before it is read.
#[derive(Clone, Debug)]
pub struct Member {
    /// The whole name below the container's root, `/` between its parts, as the container gives it.
    pub name: Name,
    /// What it is.
    pub kind: MemberKind,
    /// Its uncompressed size, where the container says so without reading it: a claim, not a fact.
    pub size: Option<u64>,
    /// Its times, where the container says so without reading it.
    pub times: Times,
    /// Which of the records with this very name it is, from 0; above 0 it is a duplicate.
    pub occurrence: u32,
}

/// The members of a container and the folders they are in.
#[derive(Debug, Default)]
pub struct Listing {
    /// In path order: by folder and name as bytes, duplicates in the order of the container.
    members: Vec<Member>,
    /// Folder (without a final slash; empty for the root) to the range of `sorted` that lies directly in it.
    folders: HashMap<Box<[u8]>, Vec<MemberId>>,
}

impl Listing {
    /// A listing of these members; puts them into path order.
    pub fn new(mut members: Vec<Member>) -> Self {
        members.sort_by(|a, b| a.name.cmp(&b.name).then(a.occurrence.cmp(&b.occurrence)));
        let mut folders: HashMap<Box<[u8]>, Vec<MemberId>> = HashMap::new();
        for (id, member) in members.iter().enumerate() {
            let folder = name::split_last(member.name.as_bytes()).0;
            if let Some(ids) = folders.get_mut(folder) {
                ids.push(id);
            } else {
                folders.insert(folder.into(), vec![id]);
            }
        }
        Self { members, folders }
    }

    /// All members in path order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member with this id.
    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.members.get(id)
    }

    /// The members that lie directly in a folder, in path order; none when there is no such folder.
    pub fn folder(&self, folder: &[u8]) -> impl Iterator<Item = (MemberId, &Member)> {
        let ids = self.folders.get(folder).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|&id| Some((id, self.members.get(id)?)))
    }

    /// The member of this folder and name that a reader by name would get: the last of duplicates.
    pub fn find(&self, folder: &[u8], file: &[u8]) -> Option<(MemberId, &Member)> {
        let ids = self.folders.get(folder)?;
        let path = name::join(folder, file);
        let end = ids.partition_point(|&id| self.members.get(id).is_some_and(|m| m.name.as_bytes() <= path.as_slice()));
        let id = *ids.get(end.checked_sub(1)?)?;
        let member = self.members.get(id)?;
        (member.name.as_bytes() == path).then_some((id, member))
    }

    /// Whether anything lies directly in this folder.
    pub fn has_folder(&self, folder: &[u8]) -> bool {
        self.folders.contains_key(folder)
    }
}

/// The bytes of a member and what was learned by opening it.
#[derive(Debug)]
pub struct Content {
    /// The bytes; a part of them when a problem says so.
    pub bytes: Vec<u8>,
    /// What the file system said of the open file; `None` in archives.
    pub status: Option<FileStatus>,
    /// What went wrong while reading. The bytes that came before are kept.
    pub problems: Vec<Problem>,
}

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// Bytes.
    pub size: u64,
    /// Modification time in seconds since 1970 UTC, rounded towards minus infinity as `stat` gives it.
    pub mtime: i64,
    /// Permission bits, 0 where the system has none.
    pub mode: u32,
    /// Owner, 0 where the system has none.
    pub uid: u32,
    /// Hard links, 1 where the system does not say.
    pub links: u64,
}

/// What is odd about an archive: an observation with its place, for rules to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What was seen.
    pub kind: OddityKind,
    /// The member it was seen on, if it is about one.
    pub member: Option<MemberId>,
    /// Where in the archive, in bytes from its start.
    pub offset: Option<u64>,
    /// What should be there, for a person.
    pub expected: String,
    /// What is there.
    pub observed: String,
}

/// The ways in which archives contradict themselves (APPNOTE is the zip specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OddityKind {
    /// The local header gives another name than the central directory.
    LocalNameDiffers,
    /// The local header gives another method, flags, CRC or size than the central directory.
    LocalFieldDiffers,
    /// The central directory points to no local header.
    LocalMissing,
    /// A local header with data that the central directory does not list.
    Unlisted,
    /// Two members share bytes.
    Overlap,
    /// Bytes between members that belong to none.
    Gap,
    /// Bytes before the first local header that are no executable or `#!` prefix.
    Prefix,
    /// Bytes after the end record and its comment.
    Trailing,
    /// More than one end-of-central-directory record that fits.
    SeveralEnds,
    /// The end record's counts, sizes or offsets do not fit the directory.
    EndRecordDiffers,
    /// Zip64 fields contradict the others.
    Zip64Differs,
    /// An extra field that is malformed.
    ExtraMalformed,
    /// An Info-ZIP Unicode path field (0x7075) that gives another name.
    UnicodeNameDiffers,
    /// A record of a directory that has data, or the other way round.
    FolderWithData,
}

/// Something with members that can be read by position.
pub trait Container: Sync {
    /// What kind of container it is.
    fn kind(&self) -> Kind;

    /// Its members, known without reading them.
    fn listing(&self) -> &Listing;

    /// Reads a member up to a limit of bytes. Never fails: what went wrong is in the content's problems.
    fn read(&self, member: MemberId, limit: u64) -> Content;

    /// What is odd about it.
    fn oddities(&self) -> &[Oddity] {
        &[]
    }

    /// What could not be read of its own structure.
    fn problems(&self) -> &[Problem] {
        &[]
    }
}
