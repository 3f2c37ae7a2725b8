//! Frames of zstd (RFC 8878), skippable ones passed over.
//!
//! The decoder does not compare the checksum of a frame; that is done here.

use std::io;
use std::io::Read as _;

use ruzstd::decoding::BlockDecodingStrategy;
use ruzstd::decoding::FrameDecoder;

use super::Decode;
use super::Source;
use super::Step;
use super::damaged;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// A decoder of frames.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    /// Whether the header of the frame was read.
    begun: bool,
}

impl Zstd {
    pub(super) fn new(window: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window);
        Self { decoder, begun: false }
    }
}

/// Whether a skippable frame begins here (RFC 8878 3.1.2).
pub(super) fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

impl Decode for Zstd {
    fn step(&mut self, source: &mut Source, out: &mut [u8]) -> io::Result<(usize, Step)> {
        let at = source.position();
        if !self.begun {
            let head = source.peek(8)?;
            if is_skippable(head) {
                let size = head.get(4..).and_then(|rest| rest.first_chunk::<4>()).copied().map(u32::from_le_bytes);
                let Some(size) = size else { return Ok((0, damaged(at, &"the file ends in a frame"))) };
                let there = source.skip(u64::from(size).saturating_add(8));
                return Ok((0, if there { Step::Complete } else { damaged(at, &"the file ends in a frame") }));
            }
            if let Err(error) = self.decoder.init(&mut *source) {
                return Ok((0, damaged(at, &error)));
            }
            self.begun = true;
        }
        if self.decoder.can_collect() == 0 {
            if self.decoder.is_finished() {
                let recorded = self.decoder.get_checksum_from_data();
                let found = self.decoder.get_calculated_checksum();
                let detail = format!("{:08x} recorded, {:08x} found", recorded.unwrap_or(0), found.unwrap_or(0));
                if recorded.is_some() && recorded != found {
                    let problem = Problem::at(ProblemKind::ChecksumMismatch, at).with_detail(detail);
                    return Ok((0, Step::Damaged(problem)));
                }
                return Ok((0, Step::Complete));
            }
            if let Err(error) = self.decoder.decode_blocks(&mut *source, BlockDecodingStrategy::UptoBlocks(1)) {
                return Ok((0, damaged(at, &error)));
            }
        }
        Ok((self.decoder.read(out)?, Step::Went))
    }

    fn next(&mut self) {
        self.begun = false;
    }
}
