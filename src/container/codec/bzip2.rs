//! Streams of bzip2. The decoder checks its own checksums.

use std::io;

use bzip2::Decompress;
use bzip2::Status;

use super::Decode;
use super::Source;
use super::Step;
use super::damaged;

/// A decoder of streams; a block of bzip2 has at most 900,000 bytes, so it takes some 4 MB.
pub(super) struct Bzip2(Decompress);

impl Bzip2 {
    pub(super) fn new() -> Self {
        Self(Decompress::new(false))
    }
}

impl Decode for Bzip2 {
    fn step(&mut self, source: &mut Source, out: &mut [u8]) -> io::Result<(usize, Step)> {
        let at = source.position();
        let bytes = source.peek(1)?;
        let before = (self.0.total_in(), self.0.total_out());
        let status = match self.0.decompress(bytes, out) {
            Ok(status) => status,
            Err(error) => return Ok((0, damaged(at, &error))),
        };
        let used = self.0.total_in().saturating_sub(before.0);
        let given = usize::try_from(self.0.total_out().saturating_sub(before.1)).unwrap_or(out.len());
        source.advance(usize::try_from(used).unwrap_or(usize::MAX));
        Ok((given, if status == Status::StreamEnd { Step::Complete } else { Step::Went }))
    }

    fn next(&mut self) {
        self.0 = Decompress::new(false);
    }
}
