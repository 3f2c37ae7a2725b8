//! Portions of a stream in memory: decoded one after the other, by one decoder that goes on where it stopped.
//!
//! A portion is made ready while the members of the one before it are judged; what belongs to both stays until neither needs it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::container::MemberId;
use crate::container::codec::length;
use crate::container::flow::Stream;
use crate::container::sequence::Extent;
use crate::container::sequence::plan::Portion;
use crate::container::sequence::slabs::LARGE_SLAB;

/// Bytes from which on a member is handed over instead of copied, if nothing else is in its piece of memory.
const LARGE: usize = 1 << 20;

/// The portions of a stream.
#[derive(Debug, Default)]
pub(super) struct Portions {
    plan: Vec<Portion>,
    reader: Mutex<Reader>,
    /// What is in memory, by the place of its first byte and its length.
    pieces: Mutex<HashMap<(u64, u64), Piece>>,
}

/// How far the stream was read.
#[derive(Default)]
struct Reader {
    /// The decoder, which goes on where it is unless the next portion begins before that.
    stream: Option<Stream>,
    /// The portion that comes next.
    next: usize,
    /// The last one that was asked for: its members may still be at work.
    last: usize,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("next", &self.next).finish_non_exhaustive()
    }
}

/// Bytes of a member.
#[derive(Debug)]
struct Piece {
    /// Those that were decoded along with them.
    bytes: Arc<Vec<u8>>,
    range: Range<usize>,
    /// The last portion whose members need it.
    until: usize,
}

impl Portions {
    /// Those of a plan.
    pub(super) fn new(plan: Vec<Portion>) -> Self {
        Self { plan, ..Self::default() }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.plan.is_empty()
    }

    /// The members of a portion.
    pub(super) fn members(&self, number: usize) -> Option<&[MemberId]> {
        self.plan.get(number).map(|portion| portion.members.as_slice())
    }

    /// Decodes as far as a portion needs it. What only earlier ones than the last that was asked for need is let go.
    pub(super) fn prepare(&self, number: usize, unpack: &dyn Fn() -> Stream) {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if number < reader.next {
            return;
        }
        let before = std::mem::replace(&mut reader.last, number);
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, piece| piece.until >= before);
        while reader.next <= number {
            let Some(portion) = self.plan.get(reader.next) else { break };
            // A decoder that panics is not asked again.
            reader.next = reader.next.saturating_add(1);
            let stream = match reader.stream.take() {
                Some(stream) if stream.position() <= portion.start() => stream,
                _ => unpack(),
            };
            let stream = self.load(portion, reader.next.saturating_sub(1), number, stream);
            // After the last one the decoder's memory is given back.
            reader.stream = self.plan.get(reader.next).map(|_| stream);
        }
    }

    /// Decodes what members of the portion `wanted` and later ones need of a portion.
    fn load(&self, portion: &Portion, number: usize, wanted: usize, mut stream: Stream) -> Stream {
        let is_many =
            portion.loads.iter().fold(0, |sum: u64, (extent, _)| sum.saturating_add(extent.length)) > length(LARGE);
        let mut shared = if is_many { Vec::with_capacity(LARGE_SLAB) } else { Vec::new() };
        let mut ranges = Vec::new();
        let mut pieces = Vec::new();
        for &(extent, until) in portion.loads.iter().filter(|(_, until)| *until >= wanted) {
            stream.pass(extent.offset.saturating_sub(stream.position()), &mut |_| {});
            let key = (extent.offset, extent.length);
            if until == number {
                let start = shared.len();
                stream.pass(extent.length, &mut |piece| shared.extend_from_slice(piece));
                ranges.push((key, start..shared.len()));
            } else {
                // What is carried must not hold on to what was decoded along with it.
                let mut own = Vec::new();
                stream.pass(extent.length, &mut |piece| own.extend_from_slice(piece));
                own.shrink_to_fit();
                let range = 0..own.len();
                pieces.push((key, Piece { bytes: Arc::new(own), range, until }));
            }
        }
        let shared = Arc::new(shared);
        let of_shared =
            ranges.into_iter().map(|(key, range)| (key, Piece { bytes: Arc::clone(&shared), range, until: number }));
        let mut all = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(pieces);
        all.extend(of_shared);
        stream
    }

    /// Up to `wanted` bytes of what is in memory, behind what the buffer holds; whether it is there at all.
    ///
    /// A large member that is read whole is handed over, and is gone then.
    pub(super) fn read(&self, extent: Extent, wanted: usize, bytes: &mut Vec<u8>) -> bool {
        if self.is_empty() {
            return false;
        }
        let key = (extent.offset, extent.length);
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(piece) = pieces.get(&key) else { return false };
        let whole = piece.range.len() == piece.bytes.len() && wanted >= piece.range.len();
        if whole && bytes.is_empty() && piece.bytes.len() >= LARGE && length(piece.bytes.len()) == extent.length {
            if let Some(piece) = pieces.remove(&key) {
                drop(pieces);
                *bytes = Arc::try_unwrap(piece.bytes).unwrap_or_else(|shared| shared.to_vec());
            }
            return true;
        }
        let (all, range) = (Arc::clone(&piece.bytes), piece.range.clone());
        drop(pieces);
        let found = all.get(range).unwrap_or_default();
        bytes.extend_from_slice(found.get(..wanted).unwrap_or(found));
        true
    }
}
