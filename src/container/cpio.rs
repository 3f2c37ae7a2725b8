//! cpio archives: the portable formats `newc` and `crc` of SVR4 and `odc` of POSIX, and the stripped one of RPM, whose records
//! name a file of the package's header by its number. The binary format of the first systems is not read.
//!
//! Files with several links stand in the archive as often, and the last of them alone has the data: they are given to all.

use std::collections::HashMap;

use crate::artifact::Times;
use crate::container::Container;
use crate::container::Input;
use crate::container::Kind;
use crate::container::MemberKind;
use crate::container::OddityKind;
use crate::container::SpecialKind;
use crate::container::codec::Codec;
use crate::container::codec::length;
use crate::container::flow::Flow;
use crate::container::format::Probe;
use crate::container::sequence::Record;
use crate::container::sequence::Sequence;
use crate::container::sequence::Survey;
use crate::limits::Limits;
use crate::name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// The name of the record that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";

/// The longest name that is read. Paths of 4,096 bytes are the longest that systems take.
const LONGEST: u64 = 1 << 16;

/// Whether a file is a cpio archive: its magic, and digits where they belong.
pub(crate) fn sniff(probe: &Probe<'_>) -> bool {
    let digits = |from: usize, to: usize, is: fn(&u8) -> bool| {
        probe.head.get(from..to).is_some_and(|field| field.iter().all(is))
    };
    match probe.head.first_chunk::<6>() {
        Some(b"070701" | b"070702") => digits(6, 110, u8::is_ascii_hexdigit),
        Some(b"070707") => digits(6, 76, |byte| matches!(byte, b'0'..=b'7')),
        _ => false,
    }
}

/// Opens an archive that lies plain.
#[expect(clippy::unnecessary_wraps, reason = "an opener of the table")]
pub(crate) fn open(input: Input, name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    let walker = |flow: &mut Flow<'_>, survey: &mut Survey<'_>| walk(flow, survey, &[]);
    Some(Ok(Box::new(Sequence::open(input, name, &walker, Kind::Cpio, limits))))
}

/// Opens a compressed archive.
pub(crate) fn unpack(input: Input, codec: Codec, name: &[u8], limits: &Limits) -> Box<dyn Container> {
    let walker = |flow: &mut Flow<'_>, survey: &mut Survey<'_>| walk(flow, survey, &[]);
    Box::new(Sequence::unpack(input, codec, name, &walker, Kind::Cpio, limits))
}

/// What a package's header says of a file: for records that name it by its number.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Its path.
    pub(crate) path: Vec<u8>,
    /// Its kind and permissions, as `stat` has them.
    pub(crate) mode: u32,
    /// Its size.
    pub(crate) size: u64,
    /// When it was modified.
    pub(crate) mtime: u32,
    /// Where it leads, if it is a link.
    pub(crate) link: Vec<u8>,
}

/// A header.
struct Header {
    /// Bytes of the header, and of the name behind it.
    length: u64,
    name: u64,
    mode: u32,
    links: u32,
    mtime: u32,
    size: u64,
    /// What tells the file from others with several links: its number and its device.
    file: (u64, u64, u64),
    /// Whether name and data are padded to a multiple of four.
    is_padded: bool,
}

impl Header {
    /// Reads a header of any format; `None` when it is none.
    fn of(bytes: &[u8]) -> Option<Self> {
        let hex = |index: usize| number(bytes, index.checked_mul(8)?.checked_add(6)?, 8, 16);
        let octal = |at: usize, length: usize| number(bytes, at, length, 8);
        match bytes.first_chunk::<6>()? {
            b"070701" | b"070702" => Some(Self {
                length: 110,
                name: hex(11)?,
                mode: u32::try_from(hex(1)?).ok()?,
                links: u32::try_from(hex(4)?).ok()?,
                mtime: u32::try_from(hex(5)?).ok()?,
                size: hex(6)?,
                file: (hex(0)?, hex(7)?, hex(8)?),
                is_padded: true,
            }),
            b"070707" => Some(Self {
                length: 76,
                name: octal(59, 6)?,
                mode: u32::try_from(octal(18, 6)?).ok()?,
                links: u32::try_from(octal(36, 6)?).ok()?,
                mtime: u32::try_from(octal(48, 11)?).unwrap_or(u32::MAX),
                size: octal(65, 11)?,
                file: (octal(12, 6)?, octal(6, 6)?, 0),
                is_padded: false,
            }),
            _ => None,
        }
    }
}

/// The number in digits of a base at a place.
fn number(bytes: &[u8], at: usize, digits: usize, base: u32) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(digits)?)?;
    let text = std::str::from_utf8(field).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u64::from_str_radix(text, base).ok()
}

/// Passes over all records. Records of RPM's stripped format name these files by their numbers.
pub(crate) fn walk(flow: &mut Flow<'_>, survey: &mut Survey<'_>, listed: &[Listed]) {
    let mut walk = Walk { flow, survey, listed, waiting: HashMap::new() };
    walk.run();
}

/// Where a walk is.
struct Walk<'w, 'f, 's> {
    flow: &'w mut Flow<'f>,
    survey: &'w mut Survey<'s>,
    listed: &'w [Listed],
    /// Links without data by the file that they are of, until one with data comes.
    waiting: HashMap<(u64, u64, u64), Vec<usize>>,
}

impl Walk<'_, '_, '_> {
    fn run(&mut self) {
        while !self.survey.is_full() {
            let at = self.flow.position();
            let bytes = match self.flow.peek(110) {
                Ok(bytes) => bytes.to_vec(),
                Err(error) => {
                    self.survey.problem(Problem::at(ProblemKind::Unreadable, at).with_detail(error.to_string()));
                    return;
                }
            };
            let went_on = if bytes.starts_with(b"07070X") {
                self.stripped(at, &bytes)
            } else if let Some(header) = Header::of(&bytes) {
                self.record(at, &header)
            } else {
                let what = if bytes.is_empty() { "the end of the bytes" } else { "no header" };
                let detail = format!("{what} where a header should be");
                self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
                false
            };
            if !went_on {
                return;
            }
        }
    }

    /// A record with all its fields; says whether to go on.
    fn record(&mut self, at: u64, header: &Header) -> bool {
        self.flow.skip(header.length);
        if header.name == 0 || header.name > LONGEST {
            let detail = format!("a name of {} bytes", header.name);
            self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
            return false;
        }
        let mut name = self.flow.take(header.name).unwrap_or_default();
        let is_whole = length(name.len()) == header.name;
        if name.pop() != Some(0) || name.contains(&0) {
            let observed = name::shown(&name);
            self.survey.odd(OddityKind::NameDiffers, None, at, "a name that ends in its only zero", &observed);
            name.truncate(name.iter().position(|&byte| byte == 0).unwrap_or(name.len()));
        }
        if header.is_padded {
            self.pad(header.length.saturating_add(header.name));
        }
        if name == TRAILER {
            self.end(header.size);
            return false;
        }
        let listed = Listed { path: name, mode: header.mode, size: header.size, mtime: header.mtime, link: Vec::new() };
        let file = (header.links > 1).then_some(header.file);
        is_whole && self.member(at, listed, file, header.is_padded)
    }

    /// A record that names a file by its number; says whether to go on.
    fn stripped(&mut self, at: u64, bytes: &[u8]) -> bool {
        let index = number(bytes, 6, 8, 16).and_then(|index| usize::try_from(index).ok());
        let Some(listed) = index.and_then(|index| self.listed.get(index)).cloned() else {
            let detail = "a record of a file that the header does not list";
            self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
            return false;
        };
        // 14 bytes, padded.
        self.flow.skip(16);
        self.member(at, listed, None, true)
    }

    /// A member whose data come next; says whether to go on.
    fn member(&mut self, at: u64, listed: Listed, file: Option<(u64, u64, u64)>, is_padded: bool) -> bool {
        let Listed { path, mode, size, mtime, link } = listed;
        let mut record = Record::new(path, kind_of(mode));
        record.times = Times { unix: Some(mtime.into()), ..Times::default() };
        record.length = size;
        if record.kind == MemberKind::Folder && !record.name.ends_with(b"/") {
            record.name.push(b'/');
        }
        let index = self.survey.count();
        if record.kind == MemberKind::Link {
            // The data are where it leads.
            let text = self.flow.take(size.min(LONGEST)).unwrap_or_default();
            let rest = size.saturating_sub(LONGEST.min(size));
            self.flow.skip(rest);
            record.link = Some(if text.is_empty() { link } else { text });
            record.length = 0;
        } else if record.kind != MemberKind::File && size > 0 {
            let observed = format!("{size} bytes");
            self.survey.odd(OddityKind::DataOnLink, Some(index), at, "no data", &observed);
        }
        let name = name::shown(&record.name);
        let is_file = record.kind == MemberKind::File;
        let whole = self.survey.member(self.flow, record);
        if !whole && !self.survey.is_full() {
            let detail = format!("`{name}` has {size} bytes, and the archive ends before");
            self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
        }
        if let Some(file) = file.filter(|_| is_file) {
            if size == 0 {
                self.waiting.entry(file).or_default().push(index);
            } else {
                for link in self.waiting.remove(&file).unwrap_or_default() {
                    self.survey.same_data(link, index);
                }
            }
        }
        if is_padded {
            self.pad(size);
        }
        whole
    }

    /// Passes over the zeros that make a length a multiple of four.
    fn pad(&mut self, length: u64) {
        let missing = length.next_multiple_of(4).saturating_sub(length);
        self.flow.skip(missing);
    }

    /// What follows the record that ends the archive: zeros, up to the end of a block.
    fn end(&mut self, size: u64) {
        if size > 0 {
            let observed = format!("{size} bytes");
            self.survey.odd(
                OddityKind::DataOnLink,
                None,
                self.flow.position(),
                "an end record without data",
                &observed,
            );
        }
        loop {
            let at = self.flow.position();
            let bytes = self.flow.peek(4096).unwrap_or_default();
            let zeros = bytes.iter().position(|&byte| byte != 0);
            let (count, is_end) = (bytes.len(), bytes.is_empty());
            if let Some(zeros) = zeros {
                let begin = name::hex(bytes.get(zeros..).and_then(|rest| rest.get(..8)).unwrap_or_default());
                let at = at.saturating_add(length(zeros));
                let observed = format!("bytes that begin with {begin}");
                self.survey.odd(OddityKind::Trailing, None, at, "nothing but zeros after the end", &observed);
                return;
            }
            if is_end {
                return;
            }
            self.flow.skip(length(count));
        }
    }
}

/// What a mode makes of a member (`st_mode` of inode(7)).
fn kind_of(mode: u32) -> MemberKind {
    match mode & 0o170_000 {
        0o040_000 => MemberKind::Folder,
        0o120_000 => MemberKind::Link,
        0o010_000 => MemberKind::Special(SpecialKind::Fifo),
        0o140_000 => MemberKind::Special(SpecialKind::Socket),
        0o020_000 | 0o060_000 => MemberKind::Special(SpecialKind::Device),
        // RPM and others leave the kind out.
        0 | 0o100_000 => MemberKind::File,
        _ => MemberKind::Special(SpecialKind::Other),
    }
}
