//! What a thread uses again from job to job: buffers, the parser's arena, the last source.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::pyc::Digester;
use crate::pyc::Scratch;
use crate::pyc::walk::Walk;
use crate::scan::pair::SourceAt;
use crate::scan::twin::Twins;
use crate::verify::Kept;

/// What one thread uses again from job to job.
#[derive(Default)]
pub(crate) struct Desk {
    /// The parser's arena.
    pub(crate) scratch: Scratch,
    /// What code digests are computed in.
    pub(crate) digester: Digester,
    /// What instructions are walked with.
    pub(crate) walk: Walk,
    /// The source of the last pyc.
    pub(crate) source: Option<Arc<SourceAt>>,
    /// The same, parsed.
    pub(crate) parsed: Kept,
    /// The last pycs.
    pub(crate) twins: Twins,
    /// The bytes of the last member; its memory takes those of the next.
    pub(crate) buffer: Vec<u8>,
}

/// What a large member or source left is not kept: as many as there are threads would stay.
const LARGEST_KEPT: usize = 1 << 20;

impl Desk {
    /// Keeps a buffer, and the last source, for the next member.
    pub(crate) fn give_back(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= LARGEST_KEPT {
            self.buffer = buffer;
        }
        self.source.take_if(|source| source.held() > LARGEST_KEPT);
    }
}

/// Desks that no thread sits at: threads change from one run of jobs to the next.
#[derive(Default)]
pub(crate) struct Desks(Mutex<Vec<Desk>>);

impl Desks {
    /// A desk that was used before, if there is one.
    pub(crate) fn free(&self) -> Seat<'_> {
        // A thread that panicked while it held the lock left the list whole.
        let desk = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Seat { desk: desk.unwrap_or_default(), desks: self }
    }
}

/// A desk while a thread sits at it.
pub(crate) struct Seat<'a> {
    pub(crate) desk: Desk,
    desks: &'a Desks,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.desks.0.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.desk));
    }
}
