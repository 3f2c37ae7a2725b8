//! Streams of gzip, bzip2, xz, lzma and zstd: decoded forwards, a buffer at a time, by the crates that are kept for that.
//!
//! A stream is a row of members one after the other (gzip), of streams (bzip2, xz) or of frames (zstd): all of them are read. What
//! follows the last one and is none is an oddity; damage is a problem, and what came before it is kept. A stream gives no more
//! than the limits allow, and its window takes no more memory than they do.

mod bzip2;
mod gzip;
mod lzma;
mod zstd;

use std::io;

use crate::container::Input;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::limits::Limits;
use crate::name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Compressed bytes that are read at a time.
const CHUNK: usize = 1 << 16;

/// Bytes of output below which the ratio does not matter.
pub(crate) const RATIO_FROM: u64 = 1 << 20;

/// The kinds of stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// The format before xz, which has no signature: told by a header that few other files could have.
    Lzma,
    /// RFC 8878.
    Zstd,
}

impl Codec {
    /// The kind of the stream that begins with these bytes.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let is_bzip2 = head.starts_with(b"BZh")
            && matches!(head.get(3), Some(b'1'..=b'9'))
            && head.get(4..10).is_some_and(|magic| magic == b"1AY&SY" || magic == b"\x17\x72\x45\x38\x50\x90");
        if head.starts_with(b"\x1f\x8b\x08") {
            Some(Self::Gzip)
        } else if is_bzip2 {
            Some(Self::Bzip2)
        } else if head.starts_with(b"\xfd7zXZ\0") {
            Some(Self::Xz)
        } else if head.starts_with(b"\x28\xb5\x2f\xfd") || zstd::is_skippable(head) {
            Some(Self::Zstd)
        } else {
            lzma::is_stream(head).then_some(Self::Lzma)
        }
    }

    /// Endings of names of such streams, without which the name of what is inside is left.
    pub(crate) fn endings(self) -> &'static [&'static [u8]] {
        match self {
            Self::Gzip => &[b".gz", b".gzip", b".z"],
            Self::Bzip2 => &[b".bz2", b".bz"],
            Self::Xz => &[b".xz"],
            Self::Lzma => &[b".lzma"],
            Self::Zstd => &[b".zst", b".zstd"],
        }
    }
}

/// What one step of a decoder did.
enum Step {
    /// It used and gave some bytes, or wants more input.
    Went,
    /// The member, stream or frame is complete: another may follow.
    Complete,
    /// The data are damaged, in these words.
    Damaged(Problem),
}

/// A decoder of one member, stream or frame after the other.
trait Decode: Send {
    /// Uses some of `source` and fills some of `out`; says how much it gave and what came of it.
    fn step(&mut self, source: &mut Source, out: &mut [u8]) -> io::Result<(usize, Step)>;

    /// Makes ready for the next one.
    fn next(&mut self);
}

/// The compressed bytes, read forwards through a buffer.
struct Source {
    input: Input,
    /// Where the buffer begins.
    start: u64,
    buffer: Vec<u8>,
    /// How much of the buffer is used.
    used: usize,
}

impl Source {
    /// Where the next compressed byte is.
    fn position(&self) -> u64 {
        self.start.saturating_add(length(self.used))
    }

    /// What is in the buffer and not used; at least `least` bytes, or fewer when the input ends.
    fn peek(&mut self, least: usize) -> io::Result<&[u8]> {
        if self.buffer.len().saturating_sub(self.used) < least {
            self.start = self.position();
            self.used = 0;
            self.buffer.resize(CHUNK.max(least), 0);
            let count = self.input.read_at(&mut self.buffer, self.start)?;
            self.buffer.truncate(count);
        }
        Ok(self.buffer.get(self.used..).unwrap_or_default())
    }

    /// Goes on by some of the bytes that were shown.
    fn advance(&mut self, count: usize) {
        self.used = self.used.saturating_add(count).min(self.buffer.len());
    }

    /// Goes on by bytes that need not be looked at; says whether they are there.
    fn skip(&mut self, count: u64) -> bool {
        let to = self.position().saturating_add(count);
        self.buffer.clear();
        self.used = 0;
        self.start = to.min(self.input.size());
        to <= self.input.size()
    }

    fn size(&self) -> u64 {
        self.input.size()
    }
}

impl io::Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.peek(1)?;
        let count = bytes.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), bytes.get(..count)) {
            to.copy_from_slice(from);
        }
        self.advance(count);
        Ok(count)
    }
}

/// Decodes an input forwards.
pub(crate) struct Decoder {
    source: Source,
    codec: Codec,
    decode: Box<dyn Decode>,
    /// Bytes given so far.
    given: u64,
    /// The most that it may give, and what it means to go beyond.
    cap: (u64, ProblemKind),
    /// Where the second member, stream or frame begins, and how many there are.
    second: Option<u64>,
    count: u64,
    /// Whether nothing more comes.
    over: bool,
    /// What went wrong; the stream is over then.
    problem: Option<Problem>,
    /// What follows the last member.
    trailing: Option<Oddity>,
}

impl Decoder {
    /// A decoder at the beginning of an input.
    pub(crate) fn new(input: &Input, codec: Codec, limits: &Limits) -> Self {
        let by_ratio = input.size().saturating_mul(limits.ratio).max(RATIO_FROM);
        let cap = if by_ratio < limits.total_size {
            (by_ratio, ProblemKind::RatioLimit)
        } else {
            (limits.total_size, ProblemKind::TotalSizeLimit)
        };
        let decode: Box<dyn Decode> = match codec {
            Codec::Gzip => Box::new(gzip::Gzip::new()),
            Codec::Bzip2 => Box::new(bzip2::Bzip2::new()),
            Codec::Xz => Box::new(lzma::Lzma::xz(limits.window)),
            Codec::Lzma => Box::new(lzma::Lzma::alone(limits.window)),
            Codec::Zstd => Box::new(zstd::Zstd::new(limits.window)),
        };
        Self {
            source: Source { input: input.clone(), start: 0, buffer: Vec::new(), used: 0 },
            codec,
            decode,
            given: 0,
            cap,
            second: None,
            count: 1,
            over: false,
            problem: None,
            trailing: None,
        }
    }

    /// Decodes some bytes; none when the stream is over.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> usize {
        // Steps without output use input, so this comes to an end.
        while !self.over && !out.is_empty() {
            let before = self.source.position();
            let (count, step) = match self.decode.step(&mut self.source, out) {
                Ok(done) => done,
                Err(error) => {
                    self.fail(Problem::at(ProblemKind::Unreadable, before).with_detail(error.to_string()));
                    break;
                }
            };
            self.given = self.given.saturating_add(length(count));
            match step {
                Step::Went => {
                    if count == 0 && self.source.position() == before {
                        self.stuck();
                    }
                }
                Step::Complete => self.next(),
                Step::Damaged(problem) => self.fail(problem),
            }
            if self.given > self.cap.0 {
                let beyond = usize::try_from(self.given.saturating_sub(self.cap.0)).unwrap_or(count);
                let detail = format!("limit {}, from {} compressed bytes", self.cap.0, self.source.size());
                self.problem = Some(Problem::at(self.cap.1, self.source.position()).with_detail(detail));
                self.over = true;
                self.given = self.cap.0;
                return count.saturating_sub(beyond);
            }
            if count > 0 {
                return count;
            }
        }
        0
    }

    /// What went wrong, if the stream is over for that reason.
    pub(crate) fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// What is odd about the stream, once it is over.
    pub(crate) fn oddities(&self) -> Vec<Oddity> {
        let joined = self.second.map(|second| Oddity {
            kind: OddityKind::Joined,
            member: None,
            offset: Some(second),
            expected: "one stream".to_owned(),
            observed: format!("{} streams one after the other", self.count),
        });
        joined.into_iter().chain(self.trailing.clone()).collect()
    }

    fn fail(&mut self, problem: Problem) {
        self.problem = Some(problem);
        self.over = true;
    }

    /// Nothing was used and nothing given: all input is there, and the data do not end.
    fn stuck(&mut self) {
        let at = self.source.position();
        self.fail(Problem::at(ProblemKind::DataDamaged, at).with_detail("the compressed data do not end"));
    }

    /// Looks for another member after the one that ended.
    fn next(&mut self) {
        let at = self.source.position();
        // Streams of xz are padded by zeros to a multiple of four bytes (the .xz file format 2.2), tapes by more.
        let rest = match self.source.peek(16) {
            Ok(rest) => rest.get(..16).unwrap_or(rest).to_vec(),
            Err(error) => {
                self.fail(Problem::at(ProblemKind::Unreadable, at).with_detail(error.to_string()));
                return;
            }
        };
        if rest.is_empty() {
            self.over = true;
        } else if Codec::of(&rest) == Some(self.codec) {
            self.second = self.second.or(Some(at));
            self.count = self.count.saturating_add(1);
            self.decode.next();
        } else if self.skip_zeros() {
            self.next();
        } else {
            self.over = true;
            let left = self.source.size().saturating_sub(at);
            self.trailing = Some(Oddity {
                kind: OddityKind::Trailing,
                member: None,
                offset: Some(at),
                expected: "the end of the file".to_owned(),
                observed: format!("{left} bytes that begin with {}", name::hex(&rest)),
            });
        }
    }

    /// Passes over zeros when nothing but zeros follows, or zeros and another stream; says whether it passed over any.
    fn skip_zeros(&mut self) -> bool {
        let from = self.source.position();
        let mut at = from;
        loop {
            let Ok(block) = self.source.input.bytes_at(at, CHUNK) else { return false };
            let zeros = block.iter().take_while(|&&byte| byte == 0).count();
            at = at.saturating_add(length(zeros));
            if zeros == block.len() && !block.is_empty() {
                continue;
            }
            let rest = block.get(zeros..).unwrap_or_default();
            let more = block.is_empty() || {
                let head = self.source.input.bytes_at(at, 16).unwrap_or_else(|_| rest.to_vec());
                Codec::of(&head) == Some(self.codec)
            };
            return more && at > from && self.source.skip(at.saturating_sub(from));
        }
    }
}

/// A length as offsets are counted.
pub(crate) fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Damage at a place, in a decoder's own words.
fn damaged(at: u64, error: &dyn std::fmt::Display) -> Step {
    Step::Damaged(Problem::at(ProblemKind::DataDamaged, at).with_detail(error.to_string()))
}
