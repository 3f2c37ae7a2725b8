//! Walks the records of a tar.

use crate::artifact::Times;
use crate::container::MemberKind;
use crate::container::OddityKind;
use crate::container::SpecialKind;
use crate::container::codec::length;
use crate::container::flow::Flow;
use crate::container::sequence::Map;
use crate::container::sequence::Record;
use crate::container::sequence::Survey;
use crate::container::tar::header;
use crate::container::tar::header::BLOCK;
use crate::container::tar::header::Checksum;
use crate::container::tar::header::Header;
use crate::container::tar::header::Number;
use crate::container::tar::pax::Fault;
use crate::container::tar::pax::Pax;
use crate::container::tar::sparse;
use crate::container::tar::sparse::Malformed;
use crate::name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Bytes of an extended header or of a long name that are read. Paths of 4,096 bytes are the longest that systems take; signatures
/// and extended attributes in such headers have some kilobytes.
const EXTENSION: u64 = 1 << 20;

/// Passes over all records.
pub(super) fn walk(flow: &mut Flow<'_>, survey: &mut Survey<'_>) {
    let mut walk = Walk {
        flow,
        survey,
        global: Pax::default(),
        next: Next::default(),
        ended: None,
        strange: None,
        opaque: 0,
        zeros: 0,
    };
    walk.run();
}

/// What extensions say of the record that comes next.
#[derive(Default)]
struct Next {
    pax: Pax,
    /// A long name of GNU.
    name: Option<Vec<u8>>,
    /// A long name that a link leads to.
    link: Option<Vec<u8>>,
    /// Where the first of these extensions is.
    at: Option<u64>,
}

/// Where a walk is.
struct Walk<'w, 'f, 's> {
    flow: &'w mut Flow<'f>,
    survey: &'w mut Survey<'s>,
    /// What global extended headers say.
    global: Pax,
    next: Next,
    /// Where the first block of zeros is, after which many readers stop.
    ended: Option<u64>,
    /// Where blocks began that are no headers.
    strange: Option<u64>,
    /// Up to where such blocks are the data of a member that has none for some readers.
    opaque: u64,
    /// Blocks of zeros at the end.
    zeros: u64,
}

impl Walk<'_, '_, '_> {
    fn run(&mut self) {
        while !self.survey.is_full() {
            let at = self.flow.position();
            let block = match self.flow.peek(BLOCK) {
                Ok(block) => block,
                Err(error) => {
                    self.survey.problem(Problem::at(ProblemKind::Unreadable, at).with_detail(error.to_string()));
                    return;
                }
            };
            let Some(bytes) = block.first_chunk::<BLOCK>().copied() else {
                let rest = block.to_vec();
                self.end(at, &rest);
                return;
            };
            let Some(header) = Header::of(&bytes) else { return };
            if header.is_zero() {
                self.flow.skip(length(BLOCK));
                if self.strange.is_none() {
                    self.ended = self.ended.or(Some(at));
                    self.zeros = self.zeros.saturating_add(1);
                }
                continue;
            }
            let checksum = header.checksum();
            if checksum == Checksum::Wrong {
                self.strange = self.strange.or(Some(at));
                self.flow.skip(length(BLOCK));
                continue;
            }
            self.close_strange(at);
            self.zeros = 0;
            if checksum == Checksum::Signed {
                let odd = "a sum of signed bytes, as some old systems wrote it";
                self.survey.odd(OddityKind::NumberMalformed, None, at, "a checksum of unsigned bytes", odd);
            }
            self.flow.skip(length(BLOCK));
            self.record(at, header);
        }
    }

    /// The end of the bytes.
    fn end(&mut self, at: u64, rest: &[u8]) {
        if rest.iter().any(|&byte| byte != 0) {
            self.strange = self.strange.or(Some(at));
        }
        let end = at.saturating_add(length(rest.len()));
        self.close_strange(end);
        if self.next.at.is_some() {
            self.dangling(end);
        }
        if self.ended.is_none() && self.survey.count() > 0 && !self.survey.is_full() {
            let expected = "two blocks of zeros at the end";
            self.survey.odd(OddityKind::EndMissing, None, end, expected, "the archive ends without them");
        } else if self.zeros == 1 {
            let expected = "two blocks of zeros at the end";
            self.survey.odd(OddityKind::EndMissing, None, end, expected, "one block");
        }
    }

    /// Reports blocks that are no headers, up to where one was found.
    fn close_strange(&mut self, end: u64) {
        let Some(start) = self.strange.take() else { return };
        if end <= self.opaque {
            return;
        }
        let count = end.saturating_sub(start);
        if self.ended.is_some() {
            let observed = format!("{count} bytes that are no header");
            self.survey.odd(OddityKind::Trailing, None, start, "nothing after the end", &observed);
        } else {
            let detail = format!("{count} bytes where a header should be, passed over");
            self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, start).with_detail(detail));
        }
    }

    /// Extensions that no record follows.
    fn dangling(&mut self, at: u64) {
        let from = self.next.at.take().unwrap_or(at);
        self.next = Next::default();
        self.survey.odd(OddityKind::ExtraMalformed, None, from, "a record after an extended header", "none");
    }

    /// A header whose checksum fits.
    fn record(&mut self, at: u64, header: Header<'_>) {
        let pax = self.next.pax.over(&self.global);
        let written = self.size(at, header);
        match header.kind() {
            b'x' | b'X' => self.extended(at, written, false),
            b'g' => self.extended(at, written, true),
            b'L' => {
                let name = self.long_name(at, written);
                if self.next.name.replace(name).is_some() {
                    self.survey.odd(OddityKind::NameDiffers, None, at, "one long name for a record", "two of them");
                }
            }
            b'K' => {
                let name = self.long_name(at, written);
                self.next.link = Some(name);
            }
            // The label of a volume is no member.
            b'V' => {
                self.flow.skip(padded(written));
                self.next = Next::default();
            }
            kind => {
                let next = std::mem::take(&mut self.next);
                self.member(at, header, kind, written, &next, &pax);
            }
        }
    }

    /// The size that the header has; what is no size is 0.
    fn size(&mut self, at: u64, header: Header<'_>) -> u64 {
        let size = header.size();
        if let Some(value) = size.value().filter(|&value| value <= i64::MAX.unsigned_abs()) {
            return value;
        }
        let detail = format!("a size of {}, `{}`", shown(size), name::hex(header.size_field()));
        let at = at.saturating_add(length(header::SIZE.start));
        self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
        0
    }

    /// Takes in an extended header.
    fn extended(&mut self, at: u64, size: u64, is_global: bool) {
        let Some(bytes) = self.extension(at, size) else { return };
        let target = if is_global { &mut self.global } else { &mut self.next.pax };
        let doubled = !is_global && !target.is_empty();
        let faults = target.add(&bytes);
        if !is_global {
            self.next.at = self.next.at.or(Some(at));
        }
        let data = at.saturating_add(length(BLOCK));
        if doubled {
            let odd = OddityKind::ExtraMalformed;
            self.survey.odd(odd, None, at, "one extended header for a record", "another");
        }
        for fault in faults {
            let kind = OddityKind::ExtraMalformed;
            match fault {
                Fault::Malformed(from) => {
                    let from = data.saturating_add(length(from));
                    self.survey.odd(kind, None, from, "a line `length keyword=value`", "something else");
                }
                Fault::Twice(keyword) => {
                    let observed = format!("`{}` twice, with different values", name::shown(&keyword));
                    self.survey.odd(kind, None, at, "each keyword once", &observed);
                }
            }
        }
        if is_global {
            for keyword in [&b"path"[..], b"linkpath", b"size"] {
                if self.global.get(keyword).is_some() {
                    let observed = format!("`{}` for all members that follow", name::shown(keyword));
                    let expected = "names and sizes of each member for itself";
                    self.survey.odd(OddityKind::GlobalOverride, None, at, expected, &observed);
                }
            }
        }
    }

    /// A long name of GNU, up to its first NUL.
    fn long_name(&mut self, at: u64, size: u64) -> Vec<u8> {
        self.next.at = self.next.at.or(Some(at));
        let mut bytes = self.extension(at, size).unwrap_or_default();
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        if bytes.get(end..).is_some_and(|rest| rest.iter().any(|&byte| byte != 0)) {
            self.survey.odd(OddityKind::NameDiffers, None, at, "one name", "bytes after the NUL that ends it");
        }
        bytes.truncate(end);
        bytes
    }

    /// The data of an extension; `None` when there are more than one may have.
    fn extension(&mut self, at: u64, size: u64) -> Option<Vec<u8>> {
        if size > EXTENSION {
            let detail = format!("an extended header of {size} bytes, limit {EXTENSION}");
            self.survey.problem(Problem::at(ProblemKind::MemberSizeLimit, at).with_detail(detail));
            self.flow.skip(padded(size));
            return None;
        }
        let bytes = self.flow.take(size).unwrap_or_default();
        if length(bytes.len()) < size {
            let detail = "the archive ends inside an extended header";
            self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
        }
        self.flow.skip(padding(size));
        Some(bytes)
    }

    /// A record that is a member.
    fn member(&mut self, at: u64, header: Header<'_>, kind: u8, written: u64, next: &Next, pax: &Pax) {
        let index = self.survey.count();
        let in_header = header.name();
        let name = self.name(at, &in_header, next, pax);
        let size = self.real_size(at, header, written, pax);
        let times = Times { unix: pax.time(b"mtime").or(header.mtime().time()), ..Times::default() };
        if header.mtime() == Number::Malformed {
            self.survey.odd(OddityKind::NumberMalformed, Some(index), at, "a time in octal digits", "something else");
        }
        let link = || pax.get(b"linkpath").or(next.link.as_deref()).unwrap_or(header.link()).to_vec();
        let is_folder_name = name.ends_with(b"/");
        let mut record = Record::new(name, MemberKind::File);
        record.times = times;
        match kind {
            // Before there was a type for folders, their names ended in a slash.
            0 | b'0' | b'7' if is_folder_name => record.kind = MemberKind::Folder,
            0 | b'0' | b'7' | b'S' => {}
            b'1' => record.same_as = Some(link()),
            b'2' => {
                record.kind = MemberKind::Link;
                record.link = Some(link());
            }
            b'3' | b'4' => record.kind = MemberKind::Special(SpecialKind::Device),
            b'6' => record.kind = MemberKind::Special(SpecialKind::Fifo),
            b'5' | b'D' => {
                record.kind = MemberKind::Folder;
                if !is_folder_name {
                    record.name.push(b'/');
                }
            }
            _ => {
                let observed = format!("type `{}`", name::shown(&[kind]));
                let expected = "a type of POSIX or GNU; it is taken for a file, as POSIX says";
                self.survey.odd(OddityKind::UnknownType, Some(index), at, expected, &observed);
            }
        }
        self.after_end(at, index);
        // Data behind what has none are skipped by some readers and taken for headers by others.
        if record.kind != MemberKind::File && kind != b'D' || record.same_as.is_some() {
            self.survey.member(self.flow, record);
            if size > 0 {
                self.data_on_link(index, at, size);
            }
            return;
        }
        record.length = size;
        let mut map = 0;
        if kind == b'S' {
            self.old_sparse(index, at, header, &mut record);
        } else if let Some(used) = self.pax_sparse(index, at, pax, &mut record) {
            map = used;
        }
        let stored = size.saturating_sub(map);
        record.length = stored;
        self.sound(index, at, &mut record);
        let whole = self.survey.member(self.flow, record);
        if whole {
            self.pad(index, stored);
        } else if !self.survey.is_full() {
            let end = self.flow.position();
            let detail = "the archive ends inside the data of its last member";
            self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, end).with_detail(detail));
        }
    }

    /// Notes a member behind the end of the archive.
    fn after_end(&mut self, at: u64, index: usize) {
        if let Some(end) = self.ended {
            let observed = format!("a member after the zeros at {end:#x}");
            self.survey.odd(OddityKind::AfterEnd, Some(index), at, "nothing after the end", &observed);
        }
    }

    /// The name of a record: that of the extended header, the long one of GNU, or that of the block.
    fn name(&mut self, at: u64, in_header: &[u8], next: &Next, pax: &Pax) -> Vec<u8> {
        let index = self.survey.count();
        let path = pax.get(b"GNU.sparse.name").or(pax.get(b"path"));
        let mut differs = |expected: &[u8], observed: &[u8]| {
            let (expected, observed) = (name::shown(expected), name::shown(observed));
            self.survey.odd(OddityKind::NameDiffers, Some(index), at, &expected, &observed);
        };
        match (path, &next.name) {
            (Some(path), Some(long)) if path != long.as_slice() => differs(path, long),
            (Some(path), _) if pax.get(b"GNU.sparse.name").is_none() && !is_short_for(in_header, path) => {
                differs(path, in_header);
            }
            (None, Some(long)) if !is_short_for(in_header, long) => differs(long, in_header),
            _ => {}
        }
        path.map(<[u8]>::to_vec).or_else(|| next.name.clone()).unwrap_or_else(|| in_header.to_vec())
    }

    /// The size that counts: that of an extended header, or that of the block.
    fn real_size(&mut self, at: u64, header: Header<'_>, written: u64, pax: &Pax) -> u64 {
        let recorded = pax.number(b"size");
        if recorded == Ok(None) {
            return written;
        }
        let Some(size) = recorded.ok().flatten().filter(|&size| size <= i64::MAX.unsigned_abs()) else {
            let detail = "a size in an extended header that is no number";
            self.survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
            return written;
        };
        // A writer of sizes beyond eight gibibytes has no room for them in the block and may leave anything there.
        let fits = size == written || size > 0o77_777_777_777;
        if !fits || matches!(header.size(), Number::Binary(value) if value != i128::from(size)) {
            let (expected, observed) = (format!("{size} bytes"), format!("{written} bytes in the block"));
            self.survey.odd(OddityKind::SizeDiffers, Some(self.survey.count()), at, &expected, &observed);
        }
        size
    }

    /// A link, folder or device that has data. They are not passed over: when they are headers, both readers' members are seen.
    fn data_on_link(&mut self, index: usize, at: u64, size: u64) {
        let is_header = self.flow.peek(BLOCK).ok().and_then(Header::of);
        let is_header = is_header.is_some_and(|header| !header.is_zero() && header.checksum() != Checksum::Wrong);
        let what = if is_header { ", in which a header begins" } else { "" };
        let observed = format!("{size} bytes of data{what}");
        self.survey.odd(OddityKind::DataOnLink, Some(index), at, "no data", &observed);
        self.opaque = self.flow.position().saturating_add(padded(size)).max(self.opaque);
    }

    /// The map of an old GNU sparse member, which may go on in blocks of its own.
    fn old_sparse(&mut self, index: usize, at: u64, header: Header<'_>, record: &mut Record) {
        let (mut numbers, mut more) = header.sparse();
        while more && numbers.len() < sparse::PIECES {
            let block = self.flow.take(length(BLOCK)).unwrap_or_default();
            let (next, further) = header::sparse_block(&block);
            numbers.extend(next);
            more = further;
        }
        let pieces: Option<Box<[_]>> =
            numbers.into_iter().map(|(offset, size)| Some((offset.value()?, size.value()?))).collect();
        match (pieces, header.real_size().value()) {
            (Some(pieces), Some(size)) => record.sparse = Some((pieces, size)),
            _ => self.unsound(index, at),
        }
    }

    /// The map of a sparse member of pax; says how many bytes of the data it takes.
    fn pax_sparse(&mut self, index: usize, at: u64, pax: &Pax, record: &mut Record) -> Option<u64> {
        let keyword =
            [&b"GNU.sparse.realsize"[..], b"GNU.sparse.size"].into_iter().find(|key| pax.get(key).is_some())?;
        let size = pax.number(keyword).ok().flatten();
        match sparse::of_header(pax) {
            Ok(None) => {}
            Ok(Some(pieces)) => {
                match size {
                    Some(size) => record.sparse = Some((pieces.into(), size)),
                    None => self.unsound(index, at),
                }
                return None;
            }
            Err(_) => {
                self.unsound(index, at);
                return None;
            }
        }
        if !sparse::is_in_data(pax) {
            return None;
        }
        let mut bytes = Vec::new();
        loop {
            // The map is read block by block, since only it says how long it is.
            let used = length(bytes.len());
            let block =
                if used < record.length { self.flow.take(length(BLOCK)).unwrap_or_default() } else { Vec::new() };
            let is_last = block.is_empty();
            bytes.extend_from_slice(&block);
            let few = bytes.len().is_power_of_two() || is_last || bytes.len() < 1 << 14;
            // Looked at when it has doubled: a long map must not cost its square.
            if !few && bytes.len() % (1 << 14) != 0 {
                continue;
            }
            match sparse::of_data(&bytes) {
                Ok((pieces, blocks)) if blocks.saturating_mul(length(BLOCK)) == length(bytes.len()) => {
                    match size {
                        Some(size) => record.sparse = Some((pieces.into(), size)),
                        None => self.unsound(index, at),
                    }
                    return Some(length(bytes.len()));
                }
                Err(Malformed::Short) if !is_last && bytes.len() < sparse::PIECES => {}
                _ => {
                    self.unsound(index, at);
                    return Some(length(bytes.len()));
                }
            }
        }
    }

    /// Takes back a map that does not fit the data.
    fn sound(&mut self, index: usize, at: u64, record: &mut Record) {
        let fits = |(pieces, size): &Map| sparse::is_sound(pieces, *size, record.length);
        if record.sparse.as_ref().is_some_and(|map| !fits(map)) {
            record.sparse = None;
            self.unsound(index, at);
        }
    }

    /// Notes a map that cannot be followed: the data are shown as they lie.
    fn unsound(&mut self, index: usize, at: u64) {
        let expected = "a map of a sparse file that fits its data";
        self.survey.odd(OddityKind::SparseMalformed, Some(index), at, expected, "one that does not");
    }

    /// Passes over what fills the last block of a member.
    fn pad(&mut self, index: usize, size: u64) {
        let count = padding(size);
        let at = self.flow.position();
        let wanted = usize::try_from(count).unwrap_or(BLOCK);
        let filling = self.flow.peek(wanted).unwrap_or_default();
        if filling.iter().any(|&byte| byte != 0) {
            let few = filling.get(..16).unwrap_or(filling);
            let observed = format!("{} bytes that begin with {}", filling.len(), name::hex(few));
            self.survey.odd(OddityKind::Filling, Some(index), at, "zeros to the end of the block", &observed);
        }
        self.flow.skip(count);
    }
}

/// Bytes that fill the last block.
fn padding(size: u64) -> u64 {
    size.next_multiple_of(512).saturating_sub(size)
}

/// Bytes of whole blocks.
fn padded(size: u64) -> u64 {
    size.saturating_add(padding(size))
}

/// A number for a message.
fn shown(number: Number) -> String {
    match number {
        Number::Binary(value) => value.to_string(),
        Number::Octal(value) => value.to_string(),
        Number::Empty => "nothing".to_owned(),
        Number::Malformed => "no number".to_owned(),
    }
}

/// Whether a name of a block is what a writer makes of a longer or wider one: its beginning, or the same with other characters for
/// those beyond ASCII. Writers shorten in ways of their own what does not fit.
fn is_short_for(short: &[u8], whole: &[u8]) -> bool {
    let trim = |name: &[u8]| name.strip_suffix(b"/").unwrap_or(name).to_vec();
    let (short, whole) = (trim(short), trim(whole));
    whole == short || whole.len() > 100 || !whole.is_ascii()
}
