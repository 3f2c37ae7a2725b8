//! Streams of xz. The decoder checks its own checksums, and refuses a dictionary beyond the limit.

use std::io;

use lzma_rust2::Action;
use lzma_rust2::Status;
use lzma_rust2::XzStream;

use super::Decode;
use super::Source;
use super::Step;
use super::damaged;

/// A decoder of streams.
pub(super) struct Xz {
    stream: XzStream,
    /// Memory that it may take, in KiB.
    most: u32,
}

impl Xz {
    pub(super) fn new(window: u64) -> Self {
        // What the decoder counts is the dictionary and some 100 KiB of its own.
        let most = u32::try_from((window >> 10).saturating_add(1024)).unwrap_or(u32::MAX);
        Self { stream: XzStream::new_mem_limit(false, most), most }
    }
}

impl Decode for Xz {
    fn step(&mut self, source: &mut Source, out: &mut [u8]) -> io::Result<(usize, Step)> {
        let at = source.position();
        let bytes = source.peek(1)?;
        let action = if bytes.is_empty() { Action::Finish } else { Action::Run };
        let result = match self.stream.process(bytes, out, action) {
            Ok(result) => result,
            Err(error) => return Ok((0, damaged(at, &error))),
        };
        source.advance(result.bytes_consumed);
        Ok((result.bytes_produced, if result.status == Status::StreamEnd { Step::Complete } else { Step::Went }))
    }

    fn next(&mut self) {
        self.stream = XzStream::new_mem_limit(false, self.most);
    }
}
