//! The records of a zip as they lie in the file (APPNOTE 4.3 and 4.5). Nothing is judged here, and nothing but what is there is read.

use crate::artifact::DosTime;
use crate::artifact::Times;

/// Signature of a local file header.
pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Signature of a record of the central directory.
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
/// Signature of the end of central directory record.
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
/// Signature of the zip64 end of central directory record.
pub(super) const END64: [u8; 4] = *b"PK\x06\x06";
/// Signature of the zip64 end of central directory locator.
pub(super) const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
/// Signature that most writers put before a data descriptor.
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Bytes of a local file header before its name.
pub(super) const LOCAL_SIZE: usize = 30;
/// Bytes of a central record before its name.
pub(super) const CENTRAL_SIZE: usize = 46;
/// Bytes of an end record before its comment.
pub(super) const END_SIZE: usize = 22;
/// Bytes of a zip64 end record of version 1.
pub(super) const END64_SIZE: usize = 56;
/// Bytes of a zip64 locator.
pub(super) const LOCATOR64_SIZE: usize = 20;

/// The general purpose bit that says that sizes and CRC-32 follow the data.
pub(super) const STREAMED: u16 = 1 << 3;

/// A cursor over little-endian fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next bytes.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next bytes as an array.
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    /// The next two bytes.
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes.
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes.
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Whether a signature comes next; goes past it if so.
    fn signature(&mut self, signature: [u8; 4]) -> Option<()> {
        (self.array()? == signature).then_some(())
    }
}

/// A local file header (APPNOTE 4.3.7).
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    /// Version needed to extract.
    pub(super) needed: u16,
    /// General purpose bit flags.
    pub(super) flags: u16,
    /// Compression method.
    pub(super) method: u16,
    /// Wall-clock time.
    pub(super) dos: DosTime,
    /// CRC-32.
    pub(super) crc32: u32,
    /// Compressed size.
    pub(super) compressed: u32,
    /// Uncompressed size.
    pub(super) size: u32,
    /// Bytes of the name.
    pub(super) name: u16,
    /// Bytes of the extra fields.
    pub(super) extra: u16,
}

impl Local {
    /// Reads the fixed part.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.signature(LOCAL)?;
        let (needed, flags, method) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let (time, date) = (fields.u16()?, fields.u16()?);
        Some(Self {
            needed,
            flags,
            method,
            dos: DosTime { date, time },
            crc32: fields.u32()?,
            compressed: fields.u32()?,
            size: fields.u32()?,
            name: fields.u16()?,
            extra: fields.u16()?,
        })
    }

    /// Bytes of the whole header.
    pub(super) fn length(&self) -> u64 {
        u64::from(self.name).saturating_add(u64::from(self.extra)).saturating_add(30)
    }
}

/// A record of the central directory (APPNOTE 4.3.12).
#[derive(Clone, Copy, Debug)]
pub(super) struct Central {
    /// Version and system that made it.
    pub(super) made_by: u16,
    /// Version needed to extract.
    pub(super) needed: u16,
    /// General purpose bit flags.
    pub(super) flags: u16,
    /// Compression method.
    pub(super) method: u16,
    /// Wall-clock time.
    pub(super) dos: DosTime,
    /// CRC-32.
    pub(super) crc32: u32,
    /// Compressed size.
    pub(super) compressed: u32,
    /// Uncompressed size.
    pub(super) size: u32,
    /// Bytes of the name.
    pub(super) name: u16,
    /// Bytes of the extra fields.
    pub(super) extra: u16,
    /// Bytes of the comment.
    pub(super) comment: u16,
    /// Internal attributes.
    pub(super) internal: u16,
    /// External attributes.
    pub(super) external: u32,
    /// Where the local header is.
    pub(super) offset: u32,
}

impl Central {
    /// Reads the fixed part.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.signature(CENTRAL)?;
        let (made_by, needed, flags, method) = (fields.u16()?, fields.u16()?, fields.u16()?, fields.u16()?);
        let (time, date) = (fields.u16()?, fields.u16()?);
        let (crc32, compressed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let _disk = fields.u16()?;
        Some(Self {
            made_by,
            needed,
            flags,
            method,
            dos: DosTime { date, time },
            crc32,
            compressed,
            size,
            name,
            extra,
            comment,
            internal: fields.u16()?,
            external: fields.u32()?,
            offset: fields.u32()?,
        })
    }

    /// Bytes of the whole record.
    pub(super) fn length(&self) -> usize {
        [self.name, self.extra, self.comment].iter().fold(CENTRAL_SIZE, |sum, &n| sum.saturating_add(usize::from(n)))
    }
}

/// An end of central directory record (APPNOTE 4.3.16), and the zip64 one when there is one (4.3.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Where it is.
    pub(super) at: u64,
    /// Number of this disk and of the disk where the directory begins.
    pub(super) disks: (u16, u16),
    /// Entries on this disk.
    pub(super) entries_here: u16,
    /// Entries in all.
    pub(super) entries: u16,
    /// Bytes of the directory.
    pub(super) size: u32,
    /// Where the directory begins.
    pub(super) offset: u32,
    /// Bytes of the comment.
    pub(super) comment: u16,
    /// The zip64 record that belongs to it.
    pub(super) zip64: Option<End64>,
}

/// A zip64 end of central directory record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End64 {
    /// Where it is.
    pub(super) at: u64,
    /// Entries in all.
    pub(super) entries: u64,
    /// Bytes of the directory.
    pub(super) size: u64,
    /// Where the directory begins.
    pub(super) offset: u64,
    /// Where its locator says that it is.
    pub(super) recorded: u64,
}

impl End {
    /// Reads the fixed part of the record that is at `at`.
    pub(super) fn parse(bytes: &[u8], at: u64) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.signature(END)?;
        let disks = (fields.u16()?, fields.u16()?);
        Some(Self {
            at,
            disks,
            entries_here: fields.u16()?,
            entries: fields.u16()?,
            size: fields.u32()?,
            offset: fields.u32()?,
            comment: fields.u16()?,
            zip64: None,
        })
    }

    /// Where the record with its comment ends, as it says.
    pub(super) fn end(&self) -> u64 {
        self.at.saturating_add(22).saturating_add(u64::from(self.comment))
    }

    /// Where the directory's end records begin: the directory ends there.
    pub(super) fn start(&self) -> u64 {
        self.zip64.map_or(self.at, |zip64| zip64.at)
    }
}

impl End64 {
    /// Reads the record that is at `at`, whose locator says that it is at `recorded`.
    pub(super) fn parse(bytes: &[u8], at: u64, recorded: u64) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.signature(END64)?;
        // Size of the record, versions, disks, entries on this disk.
        fields.take(8 + 2 + 2 + 4 + 4 + 8)?;
        Some(Self { at, entries: fields.u64()?, size: fields.u64()?, offset: fields.u64()?, recorded })
    }
}

/// What the extra fields of a record say (APPNOTE 4.5 and its third-party mappings).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extra<'a> {
    /// Field 0x0001: 64-bit values for those that do not fit, in a fixed order.
    pub(super) zip64: Option<&'a [u8]>,
    /// Field 0x5455 (or the older 0x5855): seconds since 1970.
    pub(super) unix: Option<i64>,
    /// Field 0x000A: FILETIME.
    pub(super) ntfs: Option<u64>,
    /// Field 0x7075: CRC-32 of the name it stands for, and the name in UTF-8.
    pub(super) name: Option<(u32, &'a [u8])>,
    /// Where in the fields a length goes beyond them.
    pub(super) malformed_at: Option<usize>,
    /// A field of which there may be one and are several: readers take the first or the last.
    pub(super) repeated: Option<u16>,
}

impl<'a> Extra<'a> {
    /// Reads the extra fields.
    pub(super) fn parse(bytes: &'a [u8]) -> Self {
        let mut extra = Self::default();
        let mut fields = Fields(bytes);
        while !fields.0.is_empty() {
            let at = bytes.len().saturating_sub(fields.0.len());
            let header = fields.u16().zip(fields.u16());
            let Some((id, data)) = header.and_then(|(id, length)| Some((id, fields.take(length.into())?))) else {
                extra.malformed_at = Some(at);
                break;
            };
            extra.field(id, Fields(data));
        }
        extra
    }

    /// Reads one field. One that is too short for what it should hold says nothing.
    fn field(&mut self, id: u16, mut data: Fields<'a>) {
        match id {
            0x0001 => {
                self.repeated = self.zip64.map(|_| id).or(self.repeated);
                self.zip64 = Some(data.0);
            }
            0x5455 => {
                let has_mtime = data.take(1).is_some_and(|flags| flags.iter().any(|flags| flags & 1 != 0));
                // Signed: Info-ZIP's extended timestamp is a `time_t` of 32 bits.
                self.unix = data.u32().filter(|_| has_mtime).map(|time| i64::from(time.cast_signed())).or(self.unix);
            }
            0x5855 => {
                let _accessed = data.u32();
                self.unix = self.unix.or_else(|| data.u32().map(|time| i64::from(time.cast_signed())));
            }
            0x000a => {
                let _reserved = data.u32();
                while let Some((tag, value)) =
                    data.u16().zip(data.u16()).and_then(|(t, n)| Some((t, data.take(n.into())?)))
                {
                    if tag == 1 {
                        self.ntfs = Fields(value).u64();
                    }
                }
            }
            0x7075 => {
                let version = data.take(1);
                self.repeated = self.name.map(|_| id).or(self.repeated);
                self.name = data.u32().filter(|_| version == Some(&[1])).map(|crc| (crc, data.0));
            }
            _ => {}
        }
    }

    /// The 64-bit values for the 32-bit fields that say that theirs does not fit, in the order of the record; the others keep
    /// their own. `None` when one is missing.
    pub(super) fn widen<const N: usize>(&self, narrow: [u32; N]) -> Option<[u64; N]> {
        let mut wide = narrow.map(u64::from);
        let mut fields = Fields(self.zip64.unwrap_or_default());
        for value in wide.iter_mut().filter(|value| **value == u64::from(u32::MAX)) {
            *value = fields.u64()?;
        }
        Some(wide)
    }

    /// What is wrong with the form of the fields, which have this many bytes.
    pub(super) fn malformed(&self, length: u16) -> Option<String> {
        if let Some(at) = self.malformed_at {
            return Some(format!("a field at byte {at} of {length} that is longer than what is left"));
        }
        if let Some(id) = self.repeated {
            return Some(format!("field {id:#06x} more than once"));
        }
        // Up to three values of 8 bytes and one of 4 (APPNOTE 4.5.3).
        let wide = self.zip64.map(<[u8]>::len).filter(|length| !matches!(length, 0 | 8 | 16 | 24 | 28));
        wide.map(|length| format!("a zip64 field of {length} bytes"))
    }

    /// The sizes in a zip64 field that no field of 32 bits refers to, where they are not those of the record: some readers take
    /// them all the same.
    pub(super) fn unasked(&self, narrow: &[u32], size: u64, compressed: u64) -> Option<[u64; 2]> {
        if narrow.contains(&u32::MAX) {
            return None;
        }
        let mut fields = Fields(self.zip64?);
        let wide = [fields.u64()?, fields.u64()?];
        (wide != [size, compressed]).then_some(wide)
    }

    /// The times of a record with these fields.
    pub(super) fn times(&self, dos: DosTime) -> Times {
        Times { unix: self.unix, ntfs: self.ntfs, dos: Some(dos) }
    }
}
