//! A member that is a stretch of bytes of its archive, as it is or compressed by zlib: never read beyond the archive's end, nor
//! unpacked beyond the limits. What came before an error is kept.

use std::io;
use std::io::Read;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use flate2::bufread::ZlibDecoder;

use crate::container::Content;
use crate::container::Ends;
use crate::container::Input;
use crate::container::MemberId;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Bytes of output below which the ratio does not matter.
const RATIO_FROM: u64 = 1 << 20;

/// Bytes that are read or unpacked at a time. Always as many, so that where damage is noticed does not depend on the memory
/// that another member left.
const CHUNK: usize = 1 << 16;

/// Bytes out for a byte in that count for nothing towards the limit of all members together: those of an archive without such
/// tricks are bounded by its size.
const HONEST_RATIO: u64 = 32;

/// Where a member's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blob {
    /// Where they begin in the archive.
    pub(super) offset: u64,
    /// How many the archive gives to it.
    pub(super) stored: u64,
    /// How many they are unpacked, where the archive says so: a claim.
    pub(super) size: Option<u64>,
    /// How they are stored.
    pub(super) coding: Coding,
    /// Whether it shares bytes with a member before it, as [`share`] found.
    pub(super) shared: bool,
}

/// How bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As they are.
    Plain,
    /// By zlib (RFC 1950).
    Zlib,
}

/// Finds the blobs that begin before another one ends, in the order of their places.
pub(super) fn share(blobs: &mut [Blob]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..blobs.len()).collect();
    order.sort_by_key(|&at| blobs.get(at).map(|blob| (blob.offset, blob.stored)));
    let mut end = 0_u64;
    let mut shared = Vec::new();
    for at in order {
        let Some(blob) = blobs.get_mut(at).filter(|blob| blob.stored > 0) else { continue };
        if blob.offset < end {
            blob.shared = true;
            shared.push(at);
        }
        end = end.max(blob.end());
    }
    shared
}

/// The archive of a blob, and what reading it may cost.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    /// Its bytes.
    pub(super) input: &'a Input,
    /// The caps.
    pub(super) limits: &'a Limits,
    /// Bytes that members gave so far beyond what honest ones give: by a high ratio, or of bytes that several members share.
    pub(super) excess: &'a AtomicU64,
}

impl Blob {
    /// How many of its bytes are in the archive.
    pub(super) fn there(&self, archive_size: u64) -> u64 {
        self.stored.min(archive_size.saturating_sub(self.offset))
    }

    /// Its end as the archive gives it.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.stored)
    }

    /// It as a part of its archive; `None` when it is compressed or not all there.
    pub(super) fn part(&self, input: &Input) -> Option<Input> {
        let is_told_true = self.there(input.size()) == self.stored && self.size.is_none_or(|size| size == self.stored);
        if self.coding == Coding::Plain && is_told_true { input.part(self.offset, self.stored) } else { None }
    }

    /// Both ends of a stored member; `None` for a compressed one.
    pub(super) fn ends(&self, input: &Input, head: usize, tail: usize) -> Option<Result<Ends, Problem>> {
        if self.coding != Coding::Plain {
            return None;
        }
        let size = self.there(input.size());
        if size < self.stored {
            let detail = format!("{} bytes given, {size} there", self.stored);
            let at = self.offset.min(input.size());
            return Some(Err(Problem::at(ProblemKind::DataDamaged, at).with_detail(detail)));
        }
        let length = |wanted: usize| usize::try_from(size).unwrap_or(usize::MAX).min(wanted);
        let last = u64::try_from(length(tail)).unwrap_or(u64::MAX);
        let from = self.offset.saturating_add(size.saturating_sub(last));
        let read = |offset, length| input.bytes_at(offset, length);
        let both = read(self.offset, length(head)).and_then(|head| Ok((head, read(from, length(tail))?)));
        Some(match both {
            Ok((head, tail)) => Ok(Ends { size: Some(size), head, tail }),
            Err(error) => Err(unreadable(&error)),
        })
    }
}

impl Archive<'_> {
    /// Reads a blob behind what the buffer holds, up to a limit of bytes in all.
    pub(super) fn read(&self, member: MemberId, blob: &Blob, limit: u64, mut bytes: Vec<u8>) -> Content {
        let there = blob.there(self.input.size());
        let held = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let limit = limit.saturating_sub(held);
        let left = self.limits.total_size.saturating_sub(self.excess.load(Ordering::Relaxed));
        let by_ratio = match blob.coding {
            Coding::Plain => u64::MAX,
            Coding::Zlib => there.saturating_mul(self.limits.ratio).max(RATIO_FROM),
        };
        let caps = [
            (limit, ProblemKind::MemberSizeLimit),
            (by_ratio, ProblemKind::RatioLimit),
            (left, ProblemKind::TotalSizeLimit),
        ];
        let (cap, kind) = caps.into_iter().min_by_key(|(cap, _)| *cap).unwrap_or((0, ProblemKind::Internal));
        let stretch = || Stretch { input: self.input, at: blob.offset, left: there };
        let mut content = Content::default();
        let (read, used) = match blob.coding {
            Coding::Plain => (fill(&mut stretch(), cap, &mut bytes, &|_| CHUNK), there),
            Coding::Zlib => {
                let start = bytes.len();
                let mut inflated = |step: &dyn Fn(usize) -> usize| {
                    bytes.truncate(start);
                    let mut decoder = ZlibDecoder::new(io::BufReader::with_capacity(CHUNK, stretch()));
                    let read = fill(&mut decoder, cap, &mut bytes, step);
                    (read, decoder.total_in(), bytes.len())
                };
                match inflated(&|_| CHUNK) {
                    // What was unpacked in the call that met the damage is lost: it is had again byte by byte.
                    (Err(_), _, good) => {
                        let careful = |length: usize| match good.saturating_sub(length) {
                            0 => 1,
                            left => left.min(CHUNK),
                        };
                        let (read, used, _) = inflated(&careful);
                        (read, used)
                    }
                    (read, used, _) => (read, used),
                }
            }
        };
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_sub(held);
        let honest = if blob.shared { 0 } else { there.saturating_mul(HONEST_RATIO) };
        self.excess.fetch_add(count.saturating_sub(honest), Ordering::Relaxed);
        content.bytes = bytes;
        let place = blob.offset.min(self.input.size());
        let end = place.saturating_add(used.min(there));
        match read {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let problem = Problem::at(ProblemKind::DataDamaged, end).with_detail("they end too early");
                content.problems.push(problem);
            }
            Err(error) if blob.coding == Coding::Zlib && error.raw_os_error().is_none() => {
                content.problems.push(Problem::at(ProblemKind::DataDamaged, end).with_detail("no zlib stream"));
            }
            Err(error) => content.problems.push(unreadable(&error)),
            Ok(Filled::Cap) => content.problems.push(Problem::at(kind, place)),
            Ok(Filled::Whole) => {
                if there < blob.stored {
                    let detail = format!("{} bytes given, {there} there", blob.stored);
                    content.problems.push(Problem::at(ProblemKind::DataDamaged, end).with_detail(detail));
                }
                let claimed = blob.size.filter(|&size| size != count);
                if let Some(size) = claimed.filter(|_| there == blob.stored) {
                    let detail = format!("{count} bytes, the archive says {size}");
                    content.problems.push(Problem::at(ProblemKind::SizeMismatch, place).with_detail(detail));
                }
                if used < there {
                    content.oddities.push(Oddity {
                        kind: OddityKind::DataAfterStream,
                        member: Some(member),
                        offset: Some(end),
                        expected: format!("{there} bytes of compressed data"),
                        observed: format!("a stream of {used} bytes"),
                    });
                }
            }
        }
        content
    }
}

/// How reading came to its end without an error.
enum Filled {
    /// All was read.
    Whole,
    /// The cap was reached and there was more.
    Cap,
}

/// Reads behind what the buffer holds until the end or the cap, as many bytes at a time as is said for what it holds then.
fn fill(source: &mut impl Read, cap: u64, bytes: &mut Vec<u8>, step: &dyn Fn(usize) -> usize) -> io::Result<Filled> {
    let mut left = cap;
    loop {
        let start = bytes.len();
        let room = usize::try_from(left.saturating_add(1)).unwrap_or(CHUNK).min(step(start));
        bytes.resize(start.saturating_add(room), 0);
        let read = bytes.get_mut(start..).map_or(Ok(0), |to| source.read(to));
        let count = *read.as_ref().unwrap_or(&0);
        let kept = count.min(usize::try_from(left).unwrap_or(usize::MAX));
        bytes.truncate(start.saturating_add(kept));
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(0) => return Ok(Filled::Whole),
            Ok(_) if kept < count => return Ok(Filled::Cap),
            Ok(_) => left = left.saturating_sub(u64::try_from(kept).unwrap_or(u64::MAX)),
        }
    }
}

/// A part of an input as a stream.
#[derive(Debug)]
pub(super) struct Stretch<'a> {
    /// What is read.
    pub(super) input: &'a Input,
    /// Where the next byte is.
    pub(super) at: u64,
    /// Bytes to come.
    pub(super) left: u64,
}

impl Read for Stretch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = match buffer.get_mut(..length) {
            Some(to) if length > 0 => self.input.read_at(to, self.at)?,
            _ => 0,
        };
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(read);
        self.left = self.left.saturating_sub(read);
        Ok(count)
    }
}

/// The system's refusal as a problem.
pub(super) fn unreadable(error: &io::Error) -> Problem {
    Problem::new(ProblemKind::Unreadable).with_detail(error.to_string())
}
