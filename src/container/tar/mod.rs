//! Tar archives of every family: v7, ustar, GNU and pax; source distributions, conda packages and image layers are tars.
//!
//! The records are walked here, since readers of tar do not agree: where one takes a size from the extended header another takes
//! it from the block, where one stops at the first zero block another goes on. What is followed is POSIX.1-2001 with the extensions
//! of GNU; wherever another reader could see something else, an oddity says so. A block that is no header is passed over, block by
//! block, until one is.

mod header;
mod pax;
mod sparse;
mod walk;

use crate::container::Container;
use crate::container::Input;
use crate::container::Kind;
use crate::container::codec::Codec;
use crate::container::format::Probe;
use crate::container::sequence::Sequence;
use crate::container::tar::header::Checksum;
use crate::container::tar::header::Family;
use crate::container::tar::header::Header;
use crate::limits::Limits;
use crate::problem::Problem;

/// Whether a header begins these bytes. That of v7 has no magic, so its checksum has to fit and its numbers have to be some.
pub(crate) fn sniff(probe: &Probe<'_>) -> bool {
    let Some(header) = Header::of(probe.head) else { return false };
    match header.family() {
        // The letters may stand there in a stream of another format by chance, or on purpose. GNU tar decides alike (src/buffer.c).
        Family::Ustar | Family::Gnu => header.checksum() == Checksum::Fits || Codec::of(probe.head).is_none(),
        Family::V7 => {
            header.checksum() == Checksum::Fits
                && !header.is_zero()
                && header.size().value().is_some()
                && matches!(header.kind(), 0 | b'0'..=b'7')
                && !header.name().is_empty()
        }
    }
}

/// Opens a tar that lies plain.
#[expect(clippy::unnecessary_wraps, reason = "an opener of the table")]
pub(crate) fn open(input: Input, name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    let tar = Sequence::open(input, name, &walk::walk, Kind::Tar, limits);
    Some(Ok(Box::new(tar)))
}

/// Opens a compressed tar.
pub(crate) fn unpack(input: Input, codec: Codec, name: &[u8], limits: &Limits) -> Box<dyn Container> {
    Box::new(Sequence::unpack(input, codec, name, &walk::walk, Kind::Tar, limits))
}
