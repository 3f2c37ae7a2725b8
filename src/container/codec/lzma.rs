//! Streams of xz and of the lzma format that came before it ("LZMA alone": payloads of old RPM packages, `.tar.lzma`).
//!
//! The decoder checks the checksums of xz, and refuses a dictionary beyond the limit. The older format has no checksum, and no signature but
//! a header that few other files could have.

use std::io;

use lzma_rust2::Action;
use lzma_rust2::LzmaStream;
use lzma_rust2::Status;
use lzma_rust2::XzStream;

use super::Decode;
use super::Source;
use super::Step;
use super::damaged;

/// A decoder of streams.
pub(super) struct Lzma {
    stream: Stream,
    /// Begins another stream.
    begin: fn(u32) -> Stream,
    /// Memory that it may take, in KiB.
    most: u32,
}

/// A stream of one of the formats.
enum Stream {
    /// xz.
    Xz(Box<XzStream>),
    /// The one before.
    Alone(Box<LzmaStream>),
}

impl Lzma {
    /// A decoder of xz.
    pub(super) fn xz(window: u64) -> Self {
        Self::new(window, |most| Stream::Xz(Box::new(XzStream::new_mem_limit(false, most))))
    }

    /// A decoder of the format before it.
    pub(super) fn alone(window: u64) -> Self {
        Self::new(window, |most| Stream::Alone(Box::new(LzmaStream::new_mem_limit(most, None))))
    }

    fn new(window: u64, begin: fn(u32) -> Stream) -> Self {
        // What the decoder counts is the dictionary and some 100 KiB of its own.
        let most = u32::try_from((window >> 10).saturating_add(1024)).unwrap_or(u32::MAX);
        Self { stream: begin(most), begin, most }
    }
}

/// Whether a stream of the older format begins here: the properties that every writer uses (lc 3, lp 0, pb 2), a dictionary of `2^n` or
/// `2^n + 2^(n-1)` bytes, a size that is unknown or below 256 GiB (what xz's own `lzma_alone_decoder` asks for), and the zero with
/// which the range coder begins.
pub(super) fn is_stream(head: &[u8]) -> bool {
    let Some((header, rest)) = head.split_first_chunk::<13>() else { return false };
    let [0x5d, a, b, c, d, size @ ..] = *header else { return false };
    let dictionary = u32::from_le_bytes([a, b, c, d]);
    let size = u64::from_le_bytes(size);
    let top = dictionary.checked_ilog2().map_or(0, |bit| 1_u32 << bit);
    let is_usual =
        dictionary >= 1 << 12 && (dictionary == top || dictionary == top | top >> 1 || dictionary == u32::MAX);
    is_usual && (size == u64::MAX || size < 1 << 38) && rest.first() == Some(&0)
}

impl Decode for Lzma {
    fn step(&mut self, source: &mut Source, out: &mut [u8]) -> io::Result<(usize, Step)> {
        let at = source.position();
        let bytes = source.peek(1)?;
        let action = if bytes.is_empty() { Action::Finish } else { Action::Run };
        let result = match &mut self.stream {
            Stream::Xz(stream) => stream.process(bytes, out, action),
            Stream::Alone(stream) => stream.process(bytes, out, action),
        };
        let result = match result {
            Ok(result) => result,
            Err(error) => return Ok((0, damaged(at, &error))),
        };
        source.advance(result.bytes_consumed);
        Ok((result.bytes_produced, if result.status == Status::StreamEnd { Step::Complete } else { Step::Went }))
    }

    fn next(&mut self) {
        self.stream = (self.begin)(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_by_its_header() {
        let known = b"\x5d\0\0\x80\0\x07\0\0\0\0\0\0\0\0\x22";
        assert!(is_stream(known));
        assert!(is_stream(b"\x5d\0\0\x40\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x22"));
        assert!(is_stream(b"\x5d\0\0\x60\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x22"));
        assert!(!is_stream(b"\x5d\0\0\x50\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x22"), "no such dictionary");
        assert!(!is_stream(b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\x0f\0\x22"), "no such size");
        assert!(!is_stream(b"\x5d\0\0\x80\0\x07\0\0\0\0\0\0\0\x01\x22"), "no beginning of a range coder");
        assert!(!is_stream(&known[..13]));
    }
}
