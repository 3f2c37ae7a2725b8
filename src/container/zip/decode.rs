//! Decodes one member: never more than the limits allow, and whatever came before an error is kept.
//!
//! Stored and deflated members, which nearly all are, go straight through `flate2` into the buffer. The other methods go
//! through the `zip` crate with a local header of our own making before the raw data, so that nothing that the archive's maker
//! wrote can mislead it. CRC-32 and size are checked here for all of them.

use std::cell::RefCell;
use std::io;
use std::io::Cursor;
use std::io::Read;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;
use zip::read::ZipReadOptions;
use zip::read::read_zipfile_from_stream_with_options;

use crate::container::ArchiveRecord;
use crate::container::Content;
use crate::container::Input;
use crate::container::MemberId;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::zip::directory::checksum;
use crate::container::zip::records::LOCAL;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Bytes of compressed data that are read at a time.
const CHUNK: usize = 1 << 18;

/// Bytes of output below which the ratio does not matter.
const RATIO_FROM: u64 = 1 << 20;

thread_local! {
    /// The decompressor of this thread and its input buffer, used for one member after the other.
    static SCRATCH: RefCell<(Decompress, Vec<u8>)> = RefCell::new((Decompress::new(false), Vec::new()));
}

/// What is needed to read one member.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// The archive.
    pub(super) input: &'a Input,
    /// The member's record.
    pub(super) record: &'a ArchiveRecord,
    /// The member.
    pub(super) member: MemberId,
    /// Bytes of output that the caller wants at most.
    pub(super) limit: u64,
    /// Bytes out for a byte in.
    pub(super) ratio: u64,
    /// Bytes that members may give beyond what they claim, all together.
    pub(super) total: u64,
    /// Bytes that they gave so far.
    pub(super) excess: &'a AtomicU64,
}

/// How the data came to their end.
#[derive(Debug)]
enum Stop {
    /// All of it was decoded; this many compressed bytes were used.
    Complete(u64),
    /// The cap was reached and there was more.
    Cap,
    /// The compressed data end too early.
    Truncated,
    /// They are damaged, at this many compressed bytes.
    Damaged(u64, String),
    /// The system refused to read.
    Unreadable(String),
}

/// The most that a member may give, and what it means to go beyond.
#[derive(Clone, Copy, Debug)]
struct Cap {
    /// Bytes.
    bytes: u64,
    /// The problem of going beyond.
    kind: ProblemKind,
}

impl Reader<'_> {
    /// Reads the member.
    pub(super) fn read(&self, mut bytes: Vec<u8>) -> Content {
        bytes.clear();
        let record = self.record;
        let Some(data) = record.data_offset else {
            let problem = Problem::at(ProblemKind::ArchiveDamaged, record.place(self.input.size()));
            return Content { bytes, ..Content::unread(problem.with_detail("no local header")) };
        };
        let there = self.input.size().saturating_sub(data).min(record.compressed_size);
        let cap = self.cap(there);
        let method = self.method();
        let stop = match method {
            0 => self.stored(data, there, cap, &mut bytes),
            8 => self.deflated(data, there, cap, &mut bytes),
            9 | 12 | 14 | 95 => self.others(method, data, there, cap, &mut bytes),
            _ => {
                let kind = if record.encrypted() { ProblemKind::Encrypted } else { ProblemKind::UnsupportedMethod };
                let problem = Problem::new(kind).with_detail(format!("method {method}"));
                return Content { bytes, ..Content::unread(problem) };
            }
        };
        let mut content = Content { bytes, ..Content::default() };
        self.judge(&stop, data, there, cap, &mut content);
        self.encryption(&mut content);
        content
    }

    /// The method to decode by: the central record's, and the local header's where nothing can be done by that.
    fn method(&self) -> u16 {
        let known = |method: &u16| matches!(method, 0 | 8 | 9 | 12 | 14 | 95);
        let local = self.record.local_method.filter(known);
        if known(&self.record.method) { self.record.method } else { local.unwrap_or(self.record.method) }
    }

    /// The most that this member may give: the smallest of all limits.
    fn cap(&self, there: u64) -> Cap {
        let by_ratio = there.saturating_mul(self.ratio).max(RATIO_FROM);
        let left = self.total.saturating_sub(self.excess.load(Ordering::Relaxed));
        let by_total = self.record.size.unwrap_or_default().saturating_add(left);
        let caps = [
            Cap { bytes: self.limit, kind: ProblemKind::MemberSizeLimit },
            Cap { bytes: by_ratio, kind: ProblemKind::RatioLimit },
            Cap { bytes: by_total, kind: ProblemKind::TotalSizeLimit },
        ];
        caps.into_iter().min_by_key(|cap| cap.bytes).unwrap_or(Cap { bytes: 0, kind: ProblemKind::Internal })
    }

    /// Bytes to make room for at first: what is claimed, as far as the data could give it.
    fn expected(&self, there: u64, cap: Cap) -> usize {
        let possible = there.saturating_mul(1032).saturating_add(64);
        let claimed = self.record.size.unwrap_or(there.saturating_mul(4)).min(possible).min(cap.bytes);
        usize::try_from(claimed).unwrap_or_default()
    }

    /// Copies stored data.
    fn stored(&self, data: u64, there: u64, cap: Cap, bytes: &mut Vec<u8>) -> Stop {
        let Ok(wanted) = usize::try_from(there.min(cap.bytes)) else { return Stop::Cap };
        bytes.resize(wanted, 0);
        match self.input.read_at(bytes, data) {
            Ok(count) => bytes.truncate(count),
            Err(error) => {
                bytes.clear();
                return Stop::Unreadable(error.to_string());
            }
        }
        if there > cap.bytes {
            Stop::Cap
        } else if bytes.len() < wanted || there < self.record.compressed_size {
            Stop::Truncated
        } else {
            Stop::Complete(there)
        }
    }

    /// Inflates deflated data.
    fn deflated(&self, data: u64, there: u64, cap: Cap, bytes: &mut Vec<u8>) -> Stop {
        let room = self.expected(there, cap).saturating_add(1);
        bytes.reserve(room);
        SCRATCH.with_borrow_mut(|scratch| {
            let stop = self.inflated(data, there, cap, bytes, scratch);
            if !matches!(stop, Stop::Damaged(..)) {
                return stop;
            }
            // Where damage is noticed, and in which words, depends on the room in the buffer, which other members left. What is
            // reported does not: it is what a buffer of its own gives.
            let mut own = Vec::new();
            own.reserve_exact(room);
            let stop = self.inflated(data, there, cap, &mut own, scratch);
            *bytes = own;
            stop
        })
    }

    /// Inflates deflated data into the room of this buffer, which grows when more is needed.
    fn inflated(
        &self,
        data: u64,
        there: u64,
        cap: Cap,
        bytes: &mut Vec<u8>,
        (decompress, buffer): &mut (Decompress, Vec<u8>),
    ) -> Stop {
        decompress.reset(false);
        let mut done = 0_u64;
        loop {
            let chunk = match self.chunk(data.saturating_add(done), there.saturating_sub(done), buffer) {
                Ok([]) => return Stop::Truncated,
                Ok(chunk) => chunk,
                Err(error) => return Stop::Unreadable(error.to_string()),
            };
            let last = u64::try_from(chunk.len()).is_ok_and(|length| done.saturating_add(length) >= there);
            match inflate(decompress, chunk, last, cap, bytes) {
                Some(stop) => return stop,
                None => done = decompress.total_in(),
            }
        }
    }

    /// The next compressed bytes, from memory where they are there.
    fn chunk<'b>(&'b self, at: u64, left: u64, buffer: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        if let Some(bytes) = self.input.in_memory() {
            let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            return Ok(rest.get(..left).unwrap_or(rest));
        }
        // Whoever wants only the head of a member does not need all of its data.
        let few = usize::try_from(self.limit).unwrap_or(usize::MAX).max(4096);
        let wanted = left.min(CHUNK).min(few);
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        let target = buffer.get_mut(..wanted).unwrap_or_default();
        let count = self.input.read_at(target, at)?;
        Ok(target.get(..count).unwrap_or_default())
    }

    /// Decodes data of the rarer methods.
    fn others(&self, method: u16, data: u64, there: u64, cap: Cap, bytes: &mut Vec<u8>) -> Stop {
        // What comes before an error depends on the room in the buffer, so it begins without any.
        *bytes = Vec::new();
        let record = self.record;
        // One more than the cap, to notice that there is more.
        let more = cap.bytes.saturating_add(1);
        let size = match method {
            // LZMA with an end marker (flag bit 1, APPNOTE 5.8.9) wants no size, and without one the true size.
            14 if record.flags & 2 != 0 => u64::MAX,
            14 => record.size.unwrap_or(more),
            _ => more,
        };
        // The crate takes the compressed size from the header only, where 32 bits are there. What is larger is cut off, and
        // then is damaged: no limit but an absurd one lets so much through.
        let compressed = u32::try_from(there).unwrap_or(u32::MAX);
        let options = ZipReadOptions::new().ignore_crc32(true).override_uncompressed_size(size);
        let raw = Range { input: self.input, next: data, end: data.saturating_add(there) };
        let header = header(method, record.flags & 2, compressed);
        let mut stream = header.chain(raw);
        let mut file = match read_zipfile_from_stream_with_options(&mut stream, options) {
            Ok(Some(file)) => file,
            Ok(None) => return Stop::Damaged(0, "no data".to_owned()),
            Err(error) => return Stop::Damaged(0, error.to_string()),
        };
        let read = (&mut file).take(more).read_to_end(bytes);
        if u64::try_from(bytes.len()).is_ok_and(|length| length > cap.bytes) {
            bytes.pop();
            return Stop::Cap;
        }
        // A stream that is shorter than the size it was given counts as damaged there; CRC-32 and size tell what it is.
        let whole = record.size == u64::try_from(bytes.len()).ok() && record.crc32 == Some(checksum(bytes));
        match read {
            Err(error) if !whole => Stop::Damaged(0, error.to_string()),
            _ => Stop::Complete(there),
        }
    }

    /// Says what went wrong, if anything did.
    fn judge(&self, stop: &Stop, data: u64, there: u64, cap: Cap, content: &mut Content) {
        let record = self.record;
        let length = u64::try_from(content.bytes.len()).unwrap_or(u64::MAX);
        let mut problem = |problem: Problem| content.problems.push(problem);
        match stop {
            Stop::Complete(used) => {
                if let Some(size) = record.size.filter(|&size| size != length) {
                    let detail = format!("{size} recorded, {length} found");
                    problem(Problem::at(ProblemKind::SizeMismatch, data).with_detail(detail));
                }
                let found = checksum(&content.bytes);
                if let Some(recorded) = record.crc32.filter(|&recorded| recorded != found) {
                    let detail = format!("{recorded:08x} recorded, {found:08x} found");
                    problem(Problem::at(ProblemKind::ChecksumMismatch, data).with_detail(detail));
                }
                let unused = there.saturating_sub(*used);
                // Nobody knows where a member of unknown size ends; what follows may be its descriptor.
                if unused > 0 && record.size.is_some() {
                    content.oddities.push(Oddity {
                        kind: OddityKind::DataAfterStream,
                        member: Some(self.member),
                        offset: data.checked_add(*used),
                        expected: format!("{there} bytes of compressed data"),
                        observed: format!("they end {unused} bytes before that"),
                    });
                }
            }
            Stop::Cap => {
                let detail = format!("limit {}, recorded size {}", cap.bytes, record.size.unwrap_or_default());
                problem(Problem::at(cap.kind, cap.bytes).with_detail(detail));
            }
            Stop::Truncated => {
                let detail = format!("{there} of {} bytes, the data do not end", record.compressed_size);
                problem(Problem::at(ProblemKind::DataDamaged, data.saturating_add(there)).with_detail(detail));
            }
            Stop::Damaged(used, detail) => {
                problem(Problem::at(ProblemKind::DataDamaged, data.saturating_add(*used)).with_detail(detail.as_str()));
            }
            Stop::Unreadable(detail) => {
                problem(Problem::at(ProblemKind::Unreadable, data).with_detail(detail.as_str()));
            }
        }
        if let Some(excess) = length.checked_sub(record.size.unwrap_or_default()).filter(|&excess| excess > 0) {
            self.excess.fetch_add(excess, Ordering::Relaxed);
        }
    }

    /// Tells a plain member that only claims to be encrypted from one that is.
    fn encryption(&self, content: &mut Content) {
        if !self.record.encrypted() {
            return;
        }
        let cut = content.problems.iter().all(|problem| problem.kind == ProblemKind::MemberSizeLimit);
        let plain = content.problems.is_empty() || cut && self.method() != 0;
        if plain {
            content.oddities.push(Oddity {
                kind: OddityKind::PlainMarkedEncrypted,
                member: Some(self.member),
                offset: Some(self.record.local_offset),
                expected: "encrypted data".to_owned(),
                observed: "plain data that have the recorded CRC-32".to_owned(),
            });
        } else {
            content.bytes.clear();
            content.problems = vec![Problem::at(ProblemKind::Encrypted, self.record.local_offset)];
            content.oddities.clear();
        }
    }
}

/// Inflates one chunk; says how the data ended, if they did.
fn inflate(decompress: &mut Decompress, chunk: &[u8], last: bool, cap: Cap, bytes: &mut Vec<u8>) -> Option<Stop> {
    let begun = decompress.total_in();
    let most = usize::try_from(cap.bytes).unwrap_or(usize::MAX);
    loop {
        let used = decompress.total_in().saturating_sub(begun);
        let rest = usize::try_from(used).ok().and_then(|used| chunk.get(used..)).unwrap_or_default();
        let before = (decompress.total_in(), bytes.len());
        let status = decompress.decompress_vec(rest, bytes, FlushDecompress::None);
        // What is damaged behind the cap is not looked at, however much room the buffer has.
        if bytes.len() > most {
            bytes.truncate(most);
            return Some(Stop::Cap);
        }
        let status = match status {
            Ok(status) => status,
            Err(error) => return Some(Stop::Damaged(decompress.total_in(), error.to_string())),
        };
        if status == Status::StreamEnd {
            return Some(Stop::Complete(decompress.total_in()));
        }
        if bytes.len() == bytes.capacity() {
            // Doubling, but never far beyond the cap: its one more byte tells that there is more.
            let room = most.saturating_sub(bytes.len()).saturating_add(1);
            bytes.reserve_exact(bytes.len().max(4096).min(room));
        } else if rest.is_empty() || (decompress.total_in(), bytes.len()) == before {
            // All input is used and there is room left: only more input can help.
            return last.then_some(Stop::Truncated);
        }
    }
}

/// A local header that says what is true: method, flags and compressed size. The uncompressed size is given by options.
fn header(method: u16, flags: u16, compressed: u32) -> Cursor<Vec<u8>> {
    let mut bytes = LOCAL.to_vec();
    let put = |bytes: &mut Vec<u8>, fields: &[u16]| {
        for field in fields {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
    };
    // Version, flags, method, time, date, CRC-32; then size, length of the name, length of the extra fields.
    put(&mut bytes, &[63, flags, method, 0, 33, 0, 0]);
    bytes.extend_from_slice(&compressed.to_le_bytes());
    put(&mut bytes, &[0, 0, 1, 0]);
    bytes.push(b'm');
    Cursor::new(bytes)
}

/// A range of an input as a stream.
struct Range<'a> {
    /// The archive.
    input: &'a Input,
    /// Where the next byte is.
    next: u64,
    /// Where the range ends.
    end: u64,
}

impl Read for Range<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.next)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let count = self.input.read_at(buffer.get_mut(..wanted).unwrap_or_default(), self.next)?;
        self.next = self.next.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}
