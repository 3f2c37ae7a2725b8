//! Members of gzip (RFC 1952): header, deflated data, CRC-32 and size.

use std::io;

use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;

use super::Decode;
use super::Source;
use super::Step;
use super::damaged;
use super::length;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// The longest header that is read: the name and the comment in it have no length of their own.
const HEADER: usize = 1 << 17;

/// A decoder of members.
pub(super) struct Gzip {
    decompress: Decompress,
    crc32: crc32fast::Hasher,
    size: u32,
    part: Part,
}

/// Which part of a member comes next.
enum Part {
    Header,
    Data,
    Trailer,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { decompress: Decompress::new(false), crc32: crc32fast::Hasher::new(), size: 0, part: Part::Header }
    }

    /// Compares CRC-32 and size.
    fn trailer(&self, source: &mut Source) -> io::Result<Step> {
        let at = source.position();
        let bytes = source.peek(8)?;
        let size = bytes.get(4..).and_then(|rest| rest.first_chunk::<4>()).copied();
        let Some((crc32, size)) = bytes.first_chunk::<4>().copied().zip(size) else {
            return Ok(damaged(at, &"the file ends before the checksum"));
        };
        source.advance(8);
        let (crc32, size) = (u32::from_le_bytes(crc32), u32::from_le_bytes(size));
        let found = self.crc32.clone().finalize();
        if crc32 != found {
            let detail = format!("{crc32:08x} recorded, {found:08x} found");
            return Ok(Step::Damaged(Problem::at(ProblemKind::ChecksumMismatch, at).with_detail(detail)));
        }
        if size != self.size {
            let detail = format!("{size} recorded, {} found", self.size);
            return Ok(Step::Damaged(Problem::at(ProblemKind::SizeMismatch, at).with_detail(detail)));
        }
        Ok(Step::Complete)
    }
}

impl Decode for Gzip {
    fn step(&mut self, source: &mut Source, out: &mut [u8]) -> io::Result<(usize, Step)> {
        let at = source.position();
        match self.part {
            Part::Header => {
                let bytes = source.peek(HEADER)?;
                let Some(used) = header(bytes) else { return Ok((0, damaged(at, &"a gzip header that does not end"))) };
                source.advance(used);
                self.part = Part::Data;
                Ok((0, Step::Went))
            }
            Part::Data => {
                let bytes = source.peek(1)?;
                let before = (self.decompress.total_in(), self.decompress.total_out());
                let status = match self.decompress.decompress(bytes, out, FlushDecompress::None) {
                    Ok(status) => status,
                    Err(error) => return Ok((0, damaged(at, &error))),
                };
                let used = self.decompress.total_in().saturating_sub(before.0);
                let given = self.decompress.total_out().saturating_sub(before.1);
                let given = usize::try_from(given).unwrap_or(out.len());
                source.advance(usize::try_from(used).unwrap_or(usize::MAX));
                self.crc32.update(out.get(..given).unwrap_or_default());
                // The size is counted modulo 2^32 (RFC 1952 2.3.1).
                self.size = self.size.wrapping_add(u32::try_from(length(given) & 0xffff_ffff).unwrap_or_default());
                if status == Status::StreamEnd {
                    self.part = Part::Trailer;
                    if given == 0 {
                        return Ok((0, self.trailer(source)?));
                    }
                }
                Ok((given, Step::Went))
            }
            Part::Trailer => Ok((0, self.trailer(source)?)),
        }
    }

    fn next(&mut self) {
        self.decompress.reset(false);
        self.crc32 = crc32fast::Hasher::new();
        self.size = 0;
        self.part = Part::Header;
    }
}

/// How long the header is that begins these bytes.
fn header(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(3)?;
    let mut at = 10_usize;
    if flags & 4 != 0 {
        let extra = bytes.get(at..)?.first_chunk::<2>()?;
        at = at.checked_add(2)?.checked_add(u16::from_le_bytes(*extra).into())?;
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let end = memchr::memchr(0, bytes.get(at..)?)?;
            at = at.checked_add(end)?.checked_add(1)?;
        }
    }
    if flags & 2 != 0 {
        at = at.checked_add(2)?;
    }
    (at <= bytes.len()).then_some(at)
}
