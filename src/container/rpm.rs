//! RPM packages: a lead, a header of signatures, a header with what the package is, and a compressed cpio archive with the files
//! ("RPM V4 Package format" of the RPM documentation; lib/header.c).
//!
//! Members and offsets are those of the cpio archive once it is unpacked; the names come from the header where the archive leaves
//! them out. The header's digests are a manifest. Signatures are not checked.

use crate::artifact::Md5Digest;
use crate::artifact::Sha256Digest;
use crate::container::Container;
use crate::container::Content;
use crate::container::Ends;
use crate::container::Input;
use crate::container::Kind;
use crate::container::LinkTarget;
use crate::container::Listing;
use crate::container::Located;
use crate::container::MemberId;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::Passed;
use crate::container::blob::unreadable;
use crate::container::codec::Codec;
use crate::container::cpio;
use crate::container::cpio::Listed;
use crate::container::flow::Flow;
use crate::container::sequence::Sequence;
use crate::container::sequence::Survey;
use crate::limits::Limits;
use crate::manifest;
use crate::manifest::Digest;
use crate::manifest::Manifest;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// How every package begins.
pub(crate) const MAGIC: &[u8; 4] = b"\xed\xab\xee\xdb";

/// Bytes of the lead, which nothing reads but its magic.
const LEAD: u64 = 96;

/// How a header begins.
const HEADER: &[u8; 4] = b"\x8e\xad\xe8\x01";

/// Bytes of an entry of a header's index.
const ENTRY: usize = 16;

/// Entries of an index: rpm itself takes no more.
const ENTRIES: u32 = 0xffff;

/// Numbers of the tags that are read (rpmtag.h).
mod tag {
    /// SHA-256 of the header, in the header of signatures.
    pub(super) const SHA256: u32 = 273;
    pub(super) const OLD_FILE_NAMES: u32 = 1027;
    pub(super) const FILE_SIZES: u32 = 1028;
    pub(super) const FILE_MODES: u32 = 1030;
    pub(super) const FILE_TIMES: u32 = 1034;
    pub(super) const FILE_DIGESTS: u32 = 1035;
    pub(super) const FILE_LINKS: u32 = 1036;
    pub(super) const FILE_FLAGS: u32 = 1037;
    pub(super) const DIR_INDEXES: u32 = 1116;
    pub(super) const BASE_NAMES: u32 = 1117;
    pub(super) const DIR_NAMES: u32 = 1118;
    pub(super) const LONG_FILE_SIZES: u32 = 5008;
    pub(super) const FILE_DIGEST_ALGORITHM: u32 = 5011;
    /// Of the payload as it is compressed.
    pub(super) const PAYLOAD_DIGEST: u32 = 5092;
    pub(super) const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
}

/// The number of SHA-256 in RPM, which is that of OpenPGP.
const SHA256: u64 = 8;

/// A file that is owned and not packed (`RPMFILE_GHOST`).
const GHOST: u64 = 1 << 6;

/// An opened package.
#[derive(Debug)]
struct Rpm {
    /// All its bytes.
    input: Input,
    /// The files.
    files: Sequence,
    manifest: Manifest,
    oddities: Vec<Oddity>,
}

/// Opens a package.
#[expect(clippy::unnecessary_wraps, reason = "an opener of the table")]
pub(crate) fn open(input: Input, _name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    Some(match Rpm::open(input, limits) {
        Ok(rpm) => Ok(Box::new(rpm)),
        Err(problem) => Err(problem),
    })
}

impl Rpm {
    fn open(input: Input, limits: &Limits) -> Result<Self, Problem> {
        let signatures = Header::read(&input, LEAD, limits)?;
        let at = signatures.end.next_multiple_of(8);
        let header = Header::read(&input, at, limits)?;
        let mut oddities = Vec::new();
        let digest = |offset: u64, length: u64| input.part(offset, length).and_then(|part| part.digest().ok());
        let mut compare = |expected: Option<&[u8]>, at: u64, length: u64, what: &str| {
            let Some(expected) = expected.and_then(manifest::hex::<32>).map(Sha256Digest) else { return };
            if let Some(found) = digest(at, length).filter(|&found| found != expected) {
                let (expected, observed) = (format!("{what} {expected}"), found.to_string());
                let kind = OddityKind::DigestDiffers;
                oddities.push(Oddity { kind, member: None, offset: Some(at), expected, observed });
            }
        };
        let length = header.end.saturating_sub(at);
        compare(signatures.strings(tag::SHA256).first().copied(), at, length, "the header's SHA-256");
        let payload_at = header.end.min(input.size());
        let length = input.size().saturating_sub(payload_at);
        if header.number(tag::PAYLOAD_DIGEST_ALGORITHM, 0) == Some(SHA256) {
            compare(header.strings(tag::PAYLOAD_DIGEST).first().copied(), payload_at, length, "the payload's SHA-256");
        }
        let listed = header.files(limits);
        let manifest = header.manifest(&listed);
        let files = payload(&input, payload_at, length, &listed, limits)?;
        oddities.extend(files.oddities().iter().cloned());
        Ok(Self { input, files, manifest, oddities })
    }
}

/// Opens the archive with the files.
fn payload(input: &Input, at: u64, length: u64, listed: &[Listed], limits: &Limits) -> Result<Sequence, Problem> {
    let head = input.bytes_at(at, 16).map_err(|error| unreadable(&error))?;
    let part = input.part(at, length);
    let part = part.ok_or_else(|| Problem::at(ProblemKind::ArchiveDamaged, at).with_detail("no payload"))?;
    let walker = |flow: &mut Flow<'_>, survey: &mut Survey<'_>| cpio::walk(flow, survey, listed);
    // The name says that there is a manifest.
    let name = b"payload.rpm";
    if let Some(codec) = Codec::of(&head) {
        return Ok(Sequence::unpack(part, codec, name, &walker, Kind::Rpm, limits));
    }
    if head.starts_with(b"0707") || length == 0 {
        return Ok(Sequence::open(part, name, &walker, Kind::Rpm, limits));
    }
    Err(Problem::at(ProblemKind::UnsupportedMethod, at)
        .with_detail("the payload is neither gzip, bzip2, xz, lzma, zstd nor plain"))
}

/// A header: an index of tags and a store of their data.
struct Header {
    index: Vec<u8>,
    store: Vec<u8>,
    /// Where it ends in the file.
    end: u64,
}

/// An entry of an index.
struct Entry {
    kind: u32,
    offset: usize,
    count: usize,
}

impl Header {
    /// Reads the header at a place.
    fn read(input: &Input, at: u64, limits: &Limits) -> Result<Self, Problem> {
        let damaged =
            |at: u64, why: &str| Problem::at(ProblemKind::ArchiveDamaged, at.min(input.size())).with_detail(why);
        let read = |offset: u64, length: u64| {
            let bytes = input.bytes_at(offset, usize::try_from(length).unwrap_or(usize::MAX));
            bytes.map_err(|error| unreadable(&error))
        };
        let start = read(at, 16)?;
        let (Some(entries), Some(size)) = (number(&start, 8, 4), number(&start, 12, 4)) else {
            return Err(damaged(at, "it ends in a header"));
        };
        if !start.starts_with(HEADER) || entries > ENTRIES.into() || size > limits.member_size {
            return Err(damaged(at, "no header"));
        }
        let index_length = entries.saturating_mul(16);
        let index_at = at.saturating_add(16);
        let (index, store) = (read(index_at, index_length)?, read(index_at.saturating_add(index_length), size)?);
        let end = index_at.saturating_add(index_length).saturating_add(size);
        if end > input.size() {
            return Err(damaged(at, "it ends in a header"));
        }
        Ok(Self { index, store, end })
    }

    fn entry(&self, tag: u32) -> Option<Entry> {
        let found = self.index.chunks_exact(ENTRY).find(|entry| number(entry, 0, 4) == Some(tag.into()))?;
        Some(Entry {
            kind: u32::try_from(number(found, 4, 4)?).ok()?,
            offset: usize::try_from(number(found, 8, 4)?).ok()?,
            count: usize::try_from(number(found, 12, 4)?).ok()?,
        })
    }

    /// The strings of a tag; none when it is not there.
    fn strings(&self, tag: u32) -> Vec<&[u8]> {
        let Some(entry) = self.entry(tag).filter(|entry| matches!(entry.kind, 6 | 8 | 9)) else { return Vec::new() };
        let rest = self.store.get(entry.offset..).unwrap_or_default();
        // What follows the last zero is no string.
        let whole = rest.iter().rposition(|&byte| byte == 0).and_then(|last| rest.get(..last)).unwrap_or_default();
        if whole.is_empty() && rest.first() != Some(&0) {
            return Vec::new();
        }
        whole.split(|&byte| byte == 0).take(entry.count).collect()
    }

    /// A number of a tag, of whatever width.
    fn number(&self, tag: u32, index: usize) -> Option<u64> {
        self.numbers(tag).get(index)
    }

    /// The numbers of a tag.
    fn numbers(&self, tag: u32) -> Numbers<'_> {
        let entry = self.entry(tag);
        let width = entry.as_ref().map_or(0, |entry| match entry.kind {
            2 => 1,
            3 => 2,
            4 => 4,
            5 => 8,
            _ => 0,
        });
        let bytes = entry.and_then(|entry| self.store.get(entry.offset..)?.get(..entry.count.checked_mul(width)?));
        Numbers { bytes: bytes.unwrap_or_default(), width }
    }

    /// The files in the order of their numbers, up to the limit of members.
    fn files(&self, limits: &Limits) -> Vec<Listed> {
        let (bases, folders) = (self.strings(tag::BASE_NAMES), self.strings(tag::DIR_NAMES));
        let indexes = self.numbers(tag::DIR_INDEXES);
        let folder = |index: usize| {
            let at = usize::try_from(indexes.get(index)?).ok()?;
            folders.get(at).copied()
        };
        let mut room = limits.names;
        let paths: Vec<Vec<u8>> = if bases.is_empty() {
            self.strings(tag::OLD_FILE_NAMES).into_iter().map(<[u8]>::to_vec).collect()
        } else {
            let path = |(index, base): (usize, &&[u8])| [folder(index).unwrap_or_default(), base].concat();
            // Few folders may be named by many files: names are bounded as those of archives are.
            let fits = |path: &Vec<u8>| {
                room = room.saturating_sub(path.len());
                room > 0
            };
            bases.iter().enumerate().map(path).take_while(fits).collect()
        };
        let long = self.numbers(tag::LONG_FILE_SIZES);
        let sizes = self.numbers(tag::FILE_SIZES);
        let (modes, times) = (self.numbers(tag::FILE_MODES), self.numbers(tag::FILE_TIMES));
        let links = self.strings(tag::FILE_LINKS);
        let paths = paths.into_iter().take(limits.members).enumerate();
        paths
            .map(|(index, path)| Listed {
                path: if path.starts_with(b"/") { [b".", path.as_slice()].concat() } else { path },
                mode: modes.get(index).and_then(|mode| u32::try_from(mode).ok()).unwrap_or_default(),
                size: long.get(index).or_else(|| sizes.get(index)).unwrap_or_default(),
                mtime: times.get(index).and_then(|time| u32::try_from(time).ok()).unwrap_or_default(),
                link: links.get(index).map(|link| link.to_vec()).unwrap_or_default(),
            })
            .collect()
    }

    /// What the header says of the files.
    fn manifest(&self, listed: &[Listed]) -> Manifest {
        let mut manifest = Manifest::new("the RPM header");
        let digests = self.strings(tag::FILE_DIGESTS);
        let flags = self.numbers(tag::FILE_FLAGS);
        // Without the tag it is MD5, as in all packages before 4.6.
        let is_sha256 = self.number(tag::FILE_DIGEST_ALGORITHM, 0) == Some(SHA256);
        for (index, file) in listed.iter().enumerate() {
            if file.mode & 0o170_000 != 0o100_000 {
                continue;
            }
            let text = digests.get(index).copied().unwrap_or_default();
            let digest = if is_sha256 {
                manifest::hex(text).map(|digest| Digest::Sha256(Sha256Digest(digest)))
            } else {
                manifest::hex(text).map(|digest| Digest::Md5(Md5Digest(digest)))
            };
            manifest.push(manifest::Entry {
                path: manifest::normal(&file.path),
                size: Some(file.size),
                digest,
                is_required: flags.get(index).unwrap_or_default() & GHOST == 0,
            });
        }
        manifest
    }
}

/// The numbers of a tag.
#[derive(Clone, Copy)]
struct Numbers<'a> {
    bytes: &'a [u8],
    width: usize,
}

impl Numbers<'_> {
    fn get(self, index: usize) -> Option<u64> {
        number(self.bytes, index.checked_mul(self.width)?, self.width)
    }
}

/// A big-endian number of some bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(width)?).filter(|field| !field.is_empty())?;
    Some(field.iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte)))
}

impl Container for Rpm {
    fn kind(&self) -> Kind {
        Kind::Rpm
    }

    fn listing(&self) -> &Listing {
        self.files.listing()
    }

    fn read_into(&self, member: MemberId, limit: u64, buffer: Vec<u8>) -> Content {
        self.files.read_into(member, limit, buffer)
    }

    fn ends(&self, member: MemberId, head: usize, tail: usize) -> Result<Ends, Problem> {
        self.files.ends(member, head, tail)
    }

    fn part(&self, member: MemberId) -> Option<Input> {
        self.files.part(member)
    }

    fn passed(&self, member: MemberId) -> Option<Passed> {
        self.files.passed(member)
    }

    fn each(&self, members: &[MemberId], limit: u64, take: &mut dyn FnMut(MemberId, Content)) {
        self.files.each(members, limit, take);
    }

    fn portion(&self, number: usize) -> Option<&[MemberId]> {
        self.files.portion(number)
    }

    fn prepare(&self, number: usize) {
        self.files.prepare(number);
    }

    fn held(&self) -> u64 {
        self.files.held()
    }

    fn link(&self, member: MemberId) -> Option<LinkTarget> {
        self.files.link(member)
    }

    fn manifest(&self) -> Option<&Manifest> {
        Some(&self.manifest)
    }

    fn digest(&self) -> Option<Sha256Digest> {
        self.input.digest().ok()
    }

    fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    fn problems(&self) -> &[Located] {
        self.files.problems()
    }
}
