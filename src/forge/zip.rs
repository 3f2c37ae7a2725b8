//! Writes zip archives, honest ones and ones with every lie that a record can tell.

use std::io::Write;

use flate2::Compression;
use flate2::Crc;
use flate2::write::DeflateEncoder;

use crate::artifact::DosTime;

/// The fields of a record that the local header and the central directory both have.
#[derive(Clone, Debug)]
pub struct Record {
    /// The name.
    pub name: Vec<u8>,
    /// General purpose bit flags.
    pub flags: u16,
    /// Compression method.
    pub method: u16,
    /// Wall-clock time.
    pub time: DosTime,
    /// CRC-32.
    pub crc32: u32,
    /// Compressed size.
    pub compressed: u32,
    /// Uncompressed size.
    pub size: u32,
    /// Extra fields.
    pub extra: Vec<u8>,
    /// Version needed to extract.
    pub needed: u16,
    /// Version and system that made it; central directory only.
    pub made_by: u16,
    /// Internal attributes; central directory only.
    pub internal: u16,
    /// External attributes; central directory only.
    pub external: u32,
    /// The comment; central directory only.
    pub comment: Vec<u8>,
    /// Where the local header is; central directory only. The truth if `None`.
    pub offset: Option<u32>,
}

/// The words for a wall-clock time: year, month, day, hour, minute, second.
pub fn dos_time([year, month, day, hour, minute, second]: [u16; 6]) -> DosTime {
    let year = year.saturating_sub(1980);
    DosTime { date: (year << 9) + (month << 5) + day, time: (hour << 11) + (minute << 5) + second / 2 }
}

/// What follows the data of a streamed member (APPNOTE 4.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// Nothing: CRC-32 and sizes are in the local header.
    None,
    /// Signature and 32-bit sizes.
    Signed,
    /// 32-bit sizes without the signature.
    Bare,
    /// Signature and 64-bit sizes.
    Wide,
}

/// One member.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Bytes before its local header that belong to nothing.
    gap: Vec<u8>,
    /// The local header; `None` for a member that has none.
    local: Option<Record>,
    /// CRC-32 and size of the bytes, whatever the records say.
    truth: (u32, u32),
    /// The data as they are written.
    data: Vec<u8>,
    /// What follows them.
    descriptor: Descriptor,
    /// Its records in the central directory: usually one.
    central: Vec<Record>,
}

impl Entry {
    /// A stored member of 1980-01-01.
    pub fn new(name: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let record = Record {
            name: name.as_ref().to_vec(),
            flags: 0,
            method: 0,
            time: DosTime { date: 33, time: 0 },
            crc32: crc32(bytes),
            compressed: length32(bytes),
            size: length32(bytes),
            extra: Vec::new(),
            needed: 20,
            made_by: 0x0314,
            internal: 0,
            external: 0o100_644 << 16,
            comment: Vec::new(),
            offset: None,
        };
        let truth = (record.crc32, record.size);
        let (local, central) = (Some(record.clone()), vec![record]);
        Self { gap: Vec::new(), local, truth, data: bytes.to_vec(), descriptor: Descriptor::None, central }
    }

    /// A deflated member of 1980-01-01.
    pub fn deflated(name: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        // Writing to a `Vec` cannot fail.
        let data = encoder.write_all(bytes.as_ref()).and_then(|()| encoder.finish()).unwrap_or_default();
        Self::new(name, bytes).encoded(8, data)
    }

    /// Keeps name, CRC-32 and size, and writes these data with this method.
    #[must_use]
    pub fn encoded(mut self, method: u16, data: Vec<u8>) -> Self {
        let compressed = length32(&data);
        self.data = data;
        self.both(|record| (record.method, record.compressed) = (method, compressed))
    }

    /// Changes the local header only.
    #[must_use]
    pub fn local(mut self, change: impl FnOnce(&mut Record)) -> Self {
        if let Some(local) = &mut self.local {
            change(local);
        }
        self
    }

    /// Changes the central record only.
    #[must_use]
    pub fn central(mut self, change: impl Fn(&mut Record)) -> Self {
        self.central.iter_mut().for_each(change);
        self
    }

    /// Changes both records.
    #[must_use]
    pub fn both(mut self, change: impl Fn(&mut Record)) -> Self {
        self.central.iter_mut().chain(&mut self.local).for_each(change);
        self
    }

    /// The wall-clock time of both records.
    #[must_use]
    pub fn time(self, time: DosTime) -> Self {
        self.both(|record| record.time = time)
    }

    /// An extra field of both records.
    #[must_use]
    pub fn extra(self, id: u16, data: &[u8]) -> Self {
        let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
        let field = [&id.to_le_bytes(), &length.to_le_bytes(), data].concat();
        self.both(|record| record.extra.extend_from_slice(&field))
    }

    /// The Unix mode, file type included.
    #[must_use]
    pub fn mode(self, mode: u32) -> Self {
        self.central(|record| record.external = mode << 16)
    }

    /// Sizes and CRC-32 follow the data instead of being in the local header.
    #[must_use]
    pub fn streamed(mut self, descriptor: Descriptor) -> Self {
        self.descriptor = descriptor;
        self.both(|record| record.flags |= 8).local(|record| (record.crc32, record.compressed, record.size) = (0, 0, 0))
    }

    /// Leaves it out of the central directory.
    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.central.clear();
        self
    }

    /// Lists it in the central directory only.
    #[must_use]
    pub fn without_local(mut self) -> Self {
        self.local = None;
        self.data.clear();
        self
    }

    /// Lists it once more under another name: two members of the same bytes.
    #[must_use]
    pub fn listed_again_as(mut self, name: impl AsRef<[u8]>) -> Self {
        if let Some(first) = self.central.first() {
            self.central.push(Record { name: name.as_ref().to_vec(), ..first.clone() });
        }
        self
    }

    /// Bytes before its local header that belong to nothing.
    #[must_use]
    pub fn after_gap(mut self, gap: impl AsRef<[u8]>) -> Self {
        self.gap = gap.as_ref().to_vec();
        self
    }

    /// Cuts its data without saying so.
    #[must_use]
    pub fn cut_to(mut self, length: usize) -> Self {
        self.data.truncate(length);
        self
    }
}

/// The fields of the end record.
#[derive(Clone, Debug)]
pub struct EndRecord {
    /// Number of this disk and of the disk where the directory begins.
    pub disks: (u16, u16),
    /// Entries on this disk.
    pub entries_here: u16,
    /// Entries in all.
    pub entries: u16,
    /// Bytes of the directory.
    pub size: u32,
    /// Where the directory begins.
    pub offset: u32,
    /// The comment.
    pub comment: Vec<u8>,
    /// How long the comment is said to be. The truth if `None`.
    pub comment_length: Option<u16>,
}

/// Changes an end record.
type EndChange = Box<dyn Fn(&mut EndRecord)>;

/// An archive to be.
#[expect(clippy::struct_excessive_bools, reason = "each is a lie of its own")]
pub struct Zip {
    /// Bytes before the archive.
    prefix: Vec<u8>,
    /// Whether offsets count the prefix.
    absolute: bool,
    /// The members.
    entries: Vec<Entry>,
    /// Bytes between the directory and its end record.
    before_end: Vec<u8>,
    /// Whether there is a central directory.
    directory: bool,
    /// Whether there are end records.
    ends: bool,
    /// Whether there is a zip64 end record.
    zip64: bool,
    /// The comment.
    comment: Vec<u8>,
    /// Changes the end record.
    end: Option<EndChange>,
    /// Bytes after the archive.
    trailing: Vec<u8>,
}

impl Default for Zip {
    fn default() -> Self {
        Self::new()
    }
}

impl Zip {
    /// An empty archive.
    pub fn new() -> Self {
        Self {
            prefix: Vec::new(),
            absolute: false,
            entries: Vec::new(),
            before_end: Vec::new(),
            directory: true,
            ends: true,
            zip64: false,
            comment: Vec::new(),
            end: None,
            trailing: Vec::new(),
        }
    }

    /// Adds a member.
    #[must_use]
    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Adds a stored member of these bytes.
    #[must_use]
    pub fn file(self, name: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::new(name, bytes))
    }

    /// Bytes before the archive, which its offsets do not count.
    #[must_use]
    pub fn prefix(mut self, prefix: impl AsRef<[u8]>) -> Self {
        self.prefix = prefix.as_ref().to_vec();
        self
    }

    /// Offsets count the prefix, as the `zipapp` module writes them.
    #[must_use]
    pub fn absolute_offsets(mut self) -> Self {
        self.absolute = true;
        self
    }

    /// The archive's comment.
    #[must_use]
    pub fn comment(mut self, comment: impl AsRef<[u8]>) -> Self {
        self.comment = comment.as_ref().to_vec();
        self
    }

    /// Bytes after the archive.
    #[must_use]
    pub fn trailing(mut self, trailing: impl AsRef<[u8]>) -> Self {
        self.trailing = trailing.as_ref().to_vec();
        self
    }

    /// Bytes between the directory and its end record.
    #[must_use]
    pub fn before_end(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.before_end = bytes.as_ref().to_vec();
        self
    }

    /// Changes the end record.
    #[must_use]
    pub fn end(mut self, change: impl Fn(&mut EndRecord) + 'static) -> Self {
        self.end = Some(Box::new(change));
        self
    }

    /// Adds a zip64 end record; the numbers of the other one are set to all ones unless they are changed.
    #[must_use]
    pub fn zip64(mut self) -> Self {
        self.zip64 = true;
        self
    }

    /// Leaves out the end record.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.ends = false;
        self
    }

    /// Leaves out directory and end record.
    #[must_use]
    pub fn without_directory(mut self) -> Self {
        (self.directory, self.ends) = (false, false);
        self
    }

    /// The bytes of the archive.
    pub fn build(&self) -> Vec<u8> {
        let mut out = self.prefix.clone();
        let base = if self.absolute { 0 } else { out.len() };
        let mut offsets = Vec::new();
        for entry in &self.entries {
            out.extend_from_slice(&entry.gap);
            offsets.push(narrow(out.len() - base));
            if let Some(local) = &entry.local {
                local.write(*b"PK\x03\x04", &mut out);
                put16(&mut out, &[length16(&local.name), length16(&local.extra)]);
                out.extend_from_slice(&local.name);
                out.extend_from_slice(&local.extra);
            }
            out.extend_from_slice(&entry.data);
            entry.write_descriptor(&mut out);
        }
        let start = out.len();
        let mut count = 0_u16;
        for (entry, offset) in self.entries.iter().zip(offsets).filter(|_| self.directory) {
            for record in &entry.central {
                record.write_central(offset, &mut out);
                count = count.wrapping_add(1);
            }
        }
        let size = out.len() - start;
        out.extend_from_slice(&self.before_end);
        if self.ends {
            self.write_ends(count, size, start - base, base, &mut out);
        }
        out.extend_from_slice(&self.trailing);
        out
    }

    /// Writes the end records.
    fn write_ends(&self, count: u16, size: usize, offset: usize, base: usize, out: &mut Vec<u8>) {
        let mut end = EndRecord {
            disks: (0, 0),
            entries_here: count,
            entries: count,
            size: narrow(size),
            offset: narrow(offset),
            comment: self.comment.clone(),
            comment_length: None,
        };
        if self.zip64 {
            let at = out.len() - base;
            out.extend_from_slice(b"PK\x06\x06");
            put64(out, &[44]);
            put16(out, &[45, 45, 0, 0, 0, 0]);
            put64(out, &[count.into(), count.into(), wide(size), wide(offset)]);
            out.extend_from_slice(b"PK\x06\x07");
            put32(out, &[0]);
            put64(out, &[wide(at)]);
            put32(out, &[1]);
            (end.entries_here, end.entries, end.size, end.offset) = (u16::MAX, u16::MAX, u32::MAX, u32::MAX);
        }
        if let Some(change) = &self.end {
            change(&mut end);
        }
        out.extend_from_slice(b"PK\x05\x06");
        put16(out, &[end.disks.0, end.disks.1, end.entries_here, end.entries]);
        put32(out, &[end.size, end.offset]);
        put16(out, &[end.comment_length.unwrap_or_else(|| length16(&end.comment))]);
        out.extend_from_slice(&end.comment);
    }
}

impl Entry {
    /// Writes what follows the data.
    fn write_descriptor(&self, out: &mut Vec<u8>) {
        let (crc32, size) = self.truth;
        let compressed = length32(&self.data);
        if matches!(self.descriptor, Descriptor::Signed | Descriptor::Wide) {
            out.extend_from_slice(b"PK\x07\x08");
        }
        match self.descriptor {
            Descriptor::None => {}
            Descriptor::Signed | Descriptor::Bare => put32(out, &[crc32, compressed, size]),
            Descriptor::Wide => {
                put32(out, &[crc32]);
                put64(out, &[compressed.into(), size.into()]);
            }
        }
    }
}

impl Record {
    /// Writes the fields that both records have.
    fn write(&self, signature: [u8; 4], out: &mut Vec<u8>) {
        out.extend_from_slice(&signature);
        if signature == *b"PK\x01\x02" {
            put16(out, &[self.made_by]);
        }
        put16(out, &[self.needed, self.flags, self.method, self.time.time, self.time.date]);
        put32(out, &[self.crc32, self.compressed, self.size]);
    }

    /// Writes the central record.
    fn write_central(&self, offset: u32, out: &mut Vec<u8>) {
        self.write(*b"PK\x01\x02", out);
        put16(out, &[length16(&self.name), length16(&self.extra), length16(&self.comment), 0, self.internal]);
        put32(out, &[self.external, self.offset.unwrap_or(offset)]);
        out.extend_from_slice(&self.name);
        out.extend_from_slice(&self.extra);
        out.extend_from_slice(&self.comment);
    }
}

/// CRC-32 of some bytes.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Appends numbers of 16 bits.
fn put16(out: &mut Vec<u8>, values: &[u16]) {
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends numbers of 32 bits.
fn put32(out: &mut Vec<u8>, values: &[u32]) {
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends numbers of 64 bits.
fn put64(out: &mut Vec<u8>, values: &[u64]) {
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A number of 32 bits; archives for tests are small.
fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A number of 64 bits.
fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// How many bytes, in 16 bits.
fn length16(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}

/// How many bytes, in 32 bits.
fn length32(bytes: &[u8]) -> u32 {
    narrow(bytes.len())
}
