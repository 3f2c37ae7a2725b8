//! Where a program ends, as its own format says: what lies behind an archive in it and belongs to that is no stranger.

use std::io;

use crate::container::Input;

/// Bytes of a program that are looked at for its headers; those of Mach-O have some thousand.
const HEAD: usize = 1 << 16;

/// Load commands of a Mach-O file that are looked at; honest ones have some fifty.
const COMMANDS: u32 = 4096;

/// Numbers of a header at their places.
#[derive(Clone, Copy)]
struct Fields<'a> {
    bytes: &'a [u8],
    is_big: bool,
}

impl Fields<'_> {
    fn short(self, at: usize) -> Option<u64> {
        let bytes = *self.bytes.get(at..)?.first_chunk::<2>()?;
        Some(if self.is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }.into())
    }

    fn word(self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self.is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn long(self, at: usize) -> Option<u64> {
        let bytes = *self.bytes.get(at..)?.first_chunk::<8>()?;
        Some(if self.is_big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}

/// Where what belongs to a program ends, when an archive in it ends here: behind its section headers or its signature. `None` for
/// formats that are not looked into.
pub(super) fn explained_end(input: &Input, archive_end: u64) -> io::Result<Option<u64>> {
    let head = input.bytes_at(0, HEAD)?;
    let end = match head.first_chunk::<4>() {
        Some(b"\x7fELF") => end_of_elf(&head),
        Some([b'M', b'Z', ..]) => end_of_signature(&head),
        Some(b"\xcf\xfa\xed\xfe") => end_of_macho(Fields { bytes: &head, is_big: false }, 32),
        Some(b"\xce\xfa\xed\xfe") => end_of_macho(Fields { bytes: &head, is_big: false }, 28),
        // The other parts of a fat file follow.
        Some(b"\xca\xfe\xba\xbe" | b"\xca\xfe\xba\xbf") => return Ok(None),
        _ => None,
    };
    Ok(Some(end.unwrap_or_default().clamp(archive_end, input.size().max(archive_end))))
}

/// Behind the section headers, which are the last thing in what binutils write.
fn end_of_elf(head: &[u8]) -> Option<u64> {
    let fields = Fields { bytes: head, is_big: head.get(5) == Some(&2) };
    let (start, size, count) = if head.get(4) == Some(&1) {
        (fields.word(32)?.into(), fields.short(46)?, fields.short(48)?)
    } else {
        (fields.long(40)?, fields.short(58)?, fields.short(60)?)
    };
    u64::checked_add(start, size.checked_mul(count)?)
}

/// Behind the certificate table, the only entry of the data directories that gives a place in the file.
fn end_of_signature(head: &[u8]) -> Option<u64> {
    let fields = Fields { bytes: head, is_big: false };
    let optional = usize::try_from(fields.word(0x3c)?).ok()?.checked_add(24)?;
    let directories = match fields.short(optional)? {
        0x10b => 96_usize,
        0x20b => 112,
        _ => return None,
    };
    // The certificates are the fifth of the directories, eight bytes each.
    let entry = optional.checked_add(directories)?.checked_add(32)?;
    let (start, size) = (fields.word(entry)?, fields.word(entry.checked_add(4)?)?);
    (start > 0).then_some(u64::from(start).checked_add(size.into())?)
}

/// Behind the code signature (LC_CODE_SIGNATURE, 0x1d).
fn end_of_macho(fields: Fields<'_>, header: usize) -> Option<u64> {
    let count = fields.word(16)?.min(COMMANDS);
    let mut at = header;
    for _ in 0..count {
        let (command, size) = (fields.word(at)?, fields.word(at.checked_add(4)?)?);
        if command == 0x1d {
            let (start, size) = (fields.word(at.checked_add(8)?)?, fields.word(at.checked_add(12)?)?);
            return u64::from(start).checked_add(size.into());
        }
        at = at.checked_add(usize::try_from(size.max(8)).ok()?)?;
    }
    None
}
