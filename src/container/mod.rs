//! Containers: what holds members. A directory is the outermost container; archives are the others.
//!
//! A container gives the names first, then bytes by position: any member can be read from any thread, and nothing is unpacked
//! to disk. What is odd about it is recorded with its place; rules judge that.
//!
//! **To add a container** is to add a file and a row of [`format::FORMATS`] with how it is recognised and opened. There are two kinds:
//!
//! - What can be read by position (zip) implements [`Container`] over an [`Input`]. Members that lie plain in it are given as parts of
//!   the input ([`Container::part`]), so that archives in them are opened without being read into memory.
//! - What is a row of records, each before its data (tar, cpio), is a walker: a function that reads headers from a
//!   `flow::Flow` and hands a `sequence::Record` for each member to `sequence::Survey::member`, which passes over the data.
//!   `sequence::Sequence` does the rest, plain and compressed alike: a compressed one has a row in
//!   `compressed` as well.
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod ar;
mod blob;
pub mod dir;
mod codec;
mod compressed;
mod cpio;
mod exclude;
mod flow;
pub mod format;
pub mod input;
mod listing;
mod oddity;
mod other_code;
pub mod pyinstaller;
mod rpm;
mod sequence;
mod tar;
pub mod zip;

use std::fmt;

use crate::artifact::Md5Digest;
use crate::artifact::Sha256Digest;
pub use crate::container::dir::Directory;
pub use crate::container::dir::on_disk;
pub use crate::container::dir::open_file;
pub use crate::container::exclude::Exclude;
pub use crate::container::input::Input;
pub use crate::container::listing::Listing;
pub use crate::container::listing::Member;
pub use crate::container::listing::MemberId;
pub use crate::container::listing::MemberKind;
pub use crate::container::listing::NewMember;
pub use crate::container::listing::SpecialKind;
pub use crate::container::oddity::Oddity;
pub use crate::container::oddity::OddityKind;
pub use crate::container::other_code::OtherCode;
pub use crate::container::zip::Zip;
use crate::manifest::Manifest;
use crate::name::Name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

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
    /// A tar, compressed or not, that is none of the kinds below: a source distribution, a layer of an image, a dump.
    Tar,
    /// A single file that is compressed.
    Compressed,
    /// A Debian package: its `debian-binary`, `control.tar` and `data.tar`.
    Deb,
    /// An RPM package.
    Rpm,
    /// A cpio archive.
    Cpio,
    /// A CArchive of PyInstaller: a program with all its files.
    Pyinstaller,
    /// The modules of a program of PyInstaller.
    Pyz,
    /// A conda package: a tar with `info/index.json`, or a zip with `metadata.json` of two tars.
    Conda,
    /// An image of containers: a tar of layers, of `docker save` or in the OCI layout.
    Image,
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
            Self::Tar => "tar",
            Self::Compressed => "compressed",
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Cpio => "cpio",
            Self::Pyinstaller => "pyinstaller",
            Self::Pyz => "pyz",
            Self::Conda => "conda",
            Self::Image => "image",
        }
    }

    /// Whether it is a part of a frozen program.
    pub fn is_frozen(self) -> bool {
        matches!(self, Self::Pyinstaller | Self::Pyz)
    }
}

/// Something with members that can be read by position.
pub trait Container: Send + Sync {
    /// What kind of container it is.
    fn kind(&self) -> Kind;

    /// Its members, known without reading them.
    fn listing(&self) -> &Listing;

    /// Reads a member up to a limit of bytes, into a buffer whose memory is used again and whose bytes are forgotten. Never
    /// fails: what went wrong is in the content's problems.
    fn read_into(&self, member: MemberId, limit: u64, buffer: Vec<u8>) -> Content;

    /// Reads a member up to a limit of bytes into a buffer of its own.
    fn read(&self, member: MemberId, limit: u64) -> Content {
        self.read_into(member, limit, Vec::new())
    }

    /// The first bytes of a member and, where that is cheap, its last ones: enough to recognise what it is.
    fn ends(&self, member: MemberId, head: usize, tail: usize) -> Result<Ends, Problem> {
        let limit = u64::try_from(head.max(tail)).unwrap_or(u64::MAX);
        Ends::of_content(self.read(member, limit), head, tail)
    }

    /// A member's bytes as something that can be read by position, to open it as a container of its own: an open file for a
    /// file on disk, memory (up to a limit of bytes) for a member of an archive.
    fn input(&self, member: MemberId, limit: u64) -> Result<Input, Problem> {
        let content = self.read(member, limit);
        match content.problems.into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(Input::from_bytes(content.bytes)),
        }
    }

    /// A member's bytes as a part of the container's own, where they lie plain in it: an archive in an archive is then opened
    /// without being read into memory.
    fn part(&self, _member: MemberId) -> Option<Input> {
        None
    }

    /// What was learned of a member that is neither bytecode nor a source nor an archive, when its bytes went by and were not
    /// kept; `None` where members are read when they are asked for.
    fn passed(&self, _member: MemberId) -> Option<Passed> {
        None
    }

    /// Reads members up to a limit of bytes each, in whatever order is cheapest.
    fn each(&self, members: &[MemberId], limit: u64, take: &mut dyn FnMut(MemberId, Content)) {
        for &member in members {
            take(member, self.read(member, limit));
        }
    }

    /// The members of a portion, in the order of their bytes, where not all can be had at any time: once a portion is ready they and
    /// the sources beside them are cheap to read. `None` behind the last portion, and where there are none.
    fn portion(&self, _number: usize) -> Option<&[MemberId]> {
        None
    }

    /// Makes a portion ready; the last one that was asked for stays so, and earlier ones do not.
    fn prepare(&self, _number: usize) {}

    /// Bytes of members that it keeps in memory.
    fn held(&self) -> u64 {
        0
    }

    /// What the file system says of a member without opening it, or of a link's own record; `None` in archives.
    fn status(&self, _member: MemberId) -> Option<FileStatus> {
        None
    }

    /// What the file system says of a folder below the root; `None` in archives.
    fn folder_status(&self, _folder: &[u8]) -> Option<FileStatus> {
        None
    }

    /// Where a link leads; `None` for what is no link.
    fn link(&self, _member: MemberId) -> Option<LinkTarget> {
        None
    }

    /// Whether a member is stored as marshalled code alone, and was given a header that records nothing: a freezer had cut it off.
    fn header_is_restored(&self, _member: MemberId) -> bool {
        false
    }

    /// What the package says of its files in its own header; `None` where a member says that, or nothing does.
    fn manifest(&self) -> Option<&Manifest> {
        None
    }

    /// The archive's own record of a member; `None` where there are no such records.
    fn archive_record(&self, _member: MemberId) -> Option<&ArchiveRecord> {
        None
    }

    /// The digest of all its bytes, for archives; `None` for directories and for what cannot be read.
    fn digest(&self) -> Option<Sha256Digest> {
        None
    }

    /// What is odd about it.
    fn oddities(&self) -> &[Oddity] {
        &[]
    }

    /// What could not be read of its own structure, and which folder or member that concerns.
    fn problems(&self) -> &[Located] {
        &[]
    }

    /// Files and folders that were left out because of an exclude pattern. A folder counts as one: what is in it is not known.
    fn excluded(&self) -> u64 {
        0
    }
}

/// A problem of a container's own structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The folder or member it is about, below the container's root; `None` for the container itself.
    pub path: Option<Name>,
    /// What could not be read.
    pub problem: Problem,
}

/// The bytes of a member and what was learned by opening it.
#[derive(Debug, Default)]
pub struct Content {
    /// The bytes; a part of them when a problem says so.
    pub bytes: Vec<u8>,
    /// What the file system said of the open file; `None` in archives.
    pub status: Option<FileStatus>,
    /// What went wrong while reading. The bytes that came before are kept.
    pub problems: Vec<Problem>,
    /// What is odd about the member and shows only when it is read.
    pub oddities: Vec<Oddity>,
}

impl Content {
    /// Nothing, for this reason.
    pub fn unread(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }

    /// These bytes, of which there is nothing to say.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// What is read of a member that the container does not have.
    pub(crate) fn absent() -> Self {
        Self::unread(Problem::new(ProblemKind::Unreadable).with_detail("no such member"))
    }
}

/// What was learned of a member as it went by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Bytes.
    pub size: u64,
    /// The digest, where a manifest may ask for it.
    pub sha256: Option<Sha256Digest>,
    /// Its MD5, where a manifest may ask for that.
    pub md5: Option<Md5Digest>,
    /// Which form of Python code it is that is no pyc.
    pub other_code: Option<OtherCode>,
}

/// Both ends of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Its size, when that was learned.
    pub size: Option<u64>,
    /// Its first bytes, as many as were asked for or are there.
    pub head: Vec<u8>,
    /// Its last bytes; empty when they cannot be had without reading all of it.
    pub tail: Vec<u8>,
}

impl Ends {
    /// Both ends of what was read up to some limit.
    pub(crate) fn of_content(content: Content, head: usize, tail: usize) -> Result<Self, Problem> {
        let cut = content.problems.iter().any(|problem| problem.kind == ProblemKind::MemberSizeLimit);
        if let (true, Some(problem)) = (content.bytes.is_empty() && !cut, content.problems.into_iter().next()) {
            return Err(problem);
        }
        let bytes = content.bytes;
        let size = if cut { None } else { u64::try_from(bytes.len()).ok() };
        let from = if cut { bytes.len() } else { bytes.len().saturating_sub(tail) };
        let tail = bytes.get(from..).unwrap_or_default().to_vec();
        Ok(Self { size, head: bytes.get(..head).unwrap_or(&bytes).to_vec(), tail })
    }
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

/// Where a symbolic link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// To a file or folder below the container's root, by its path there.
    Inside(Name),
    /// Out of the container, to this path.
    Outside(Name),
    /// To nothing, or in a circle; the link's text.
    Broken(Name),
}

/// What an archive records of a member: claims, as raw as they are (APPNOTE 4.3.7 and 4.3.12 for zip).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveRecord {
    /// Compression method.
    pub method: u16,
    /// The compression method of the local header, where there is one.
    pub local_method: Option<u16>,
    /// General purpose bit flags.
    pub flags: u16,
    /// Version and system that made it.
    pub made_by: u16,
    /// Version needed to extract.
    pub needed: u16,
    /// CRC-32 of the uncompressed data; `None` when no record that could be read gives it.
    pub crc32: Option<u32>,
    /// Bytes of compressed data; an upper bound when `size` is unknown.
    pub compressed_size: u64,
    /// Bytes of uncompressed data; `None` when no record that could be read gives it.
    pub size: Option<u64>,
    /// Internal attributes.
    pub internal_attributes: u16,
    /// External attributes; the upper half holds the Unix mode when a Unix system made it.
    pub external_attributes: u32,
    /// Where the local header is or should be, in bytes from the start of the file.
    pub local_offset: u64,
    /// Where the data begin; `None` when there is no local header.
    pub data_offset: Option<u64>,
    /// Where the record in the central directory is; `None` when only the local header exists.
    pub central_offset: Option<u64>,
}

impl ArchiveRecord {
    /// Whether the encryption bit is set.
    pub fn encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    /// The Unix mode, file type included, when a Unix system or macOS made the record (APPNOTE 4.4.2) and left one.
    pub fn unix_mode(&self) -> Option<u32> {
        let mode = self.external_attributes >> 16;
        (matches!(self.made_by >> 8, 3 | 19) && mode != 0).then_some(mode)
    }

    /// Where to look for its local header in an archive of this size; where that would be outside, the record that says so.
    pub(crate) fn place(&self, size: u64) -> u64 {
        if self.local_offset <= size { self.local_offset } else { self.central_offset.unwrap_or(size).min(size) }
    }

    /// Bytes out for a byte in, as claimed; 0 when there is no claim or no data.
    pub fn ratio(&self) -> u64 {
        self.size.and_then(|size| size.checked_div(self.compressed_size)).unwrap_or_default()
    }
}

impl fmt::Debug for dyn Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} members", self.kind().code(), self.listing().len())
    }
}
