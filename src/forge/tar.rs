//! Writes tars, honest ones and ones with every lie that a record can tell.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A tar: blocks in the order in which they were added, then the end.
#[derive(Clone, Debug)]
pub struct Tar {
    bytes: Vec<u8>,
    /// What comes after the last member.
    end: Vec<u8>,
}

/// The fields of a header, as they are written.
#[derive(Clone, Debug)]
pub struct Header {
    /// The name, at most 100 bytes.
    pub name: Vec<u8>,
    /// The size field; [`octal`] or [`base256`] makes one.
    pub size: [u8; 12],
    /// The time field.
    pub mtime: [u8; 12],
    /// The type.
    pub kind: u8,
    /// Where a link leads.
    pub link: Vec<u8>,
    /// Magic and version.
    pub magic: [u8; 8],
    /// The prefix of a ustar name.
    pub prefix: Vec<u8>,
    /// Bytes from 386 on: the map of an old sparse file of GNU.
    pub tail: Vec<u8>,
    /// What is added to the right checksum.
    pub off_by: u32,
}

/// Digits of a number field.
pub fn octal(value: u64) -> [u8; 12] {
    let mut field = [0; 12];
    for (to, from) in field.iter_mut().zip(format!("{value:011o}").bytes()) {
        *to = from;
    }
    field
}

/// A number field in base 256, negative ones too.
pub fn base256(value: i64) -> [u8; 12] {
    let mut field = if value < 0 { [0xff; 12] } else { [0; 12] };
    field[4..].copy_from_slice(&value.to_be_bytes());
    field[0] |= 0x80;
    field
}

impl Header {
    /// A regular file of 1980-01-01, in the form of ustar.
    pub fn new(name: impl AsRef<[u8]>, size: u64) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            size: octal(size),
            mtime: octal(315_532_800),
            kind: b'0',
            link: Vec::new(),
            magic: *b"ustar\x0000",
            prefix: Vec::new(),
            tail: Vec::new(),
            off_by: 0,
        }
    }

    /// Another type.
    #[must_use]
    pub fn kind(mut self, kind: u8) -> Self {
        self.kind = kind;
        self
    }

    /// Where it leads.
    #[must_use]
    pub fn link(mut self, link: impl AsRef<[u8]>) -> Self {
        self.link = link.as_ref().to_vec();
        self
    }

    /// Changes what has no method of its own.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The block.
    pub fn block(&self) -> [u8; 512] {
        let mut block = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| {
            for (to, from) in block.iter_mut().skip(at).zip(bytes) {
                *to = *from;
            }
        };
        put(0, &self.name);
        put(100, b"0000644\x000000000\x000000000\0");
        put(124, &self.size);
        put(136, &self.mtime);
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, &self.link);
        put(257, &self.magic);
        put(345, &self.prefix);
        put(386, &self.tail);
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        let digits = format!("{:06o}\0 ", sum.wrapping_add(self.off_by));
        block[148..156].copy_from_slice(digits.as_bytes());
        block
    }
}

/// A line of an extended header.
pub fn pax_line(keyword: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let rest = [b" ", keyword.as_bytes(), b"=", value.as_ref(), b"\n"].concat();
    let mut length = rest.len();
    while rest.len() + length.to_string().len() != length {
        length = rest.len() + length.to_string().len();
    }
    [length.to_string().into_bytes(), rest].concat()
}

impl Default for Tar {
    fn default() -> Self {
        Self::new()
    }
}

impl Tar {
    /// An empty tar.
    pub fn new() -> Self {
        Self { bytes: Vec::new(), end: vec![0; 1024] }
    }

    /// A regular file.
    #[must_use]
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.record(&Header::new(name, bytes.len() as u64), bytes)
    }

    /// A header with the data behind it, padded to whole blocks.
    #[must_use]
    pub fn record(mut self, header: &Header, data: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(&header.block());
        self.bytes.extend_from_slice(data.as_ref());
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// An extended header for the record that follows.
    #[must_use]
    pub fn pax(self, lines: &[(&str, &str)]) -> Self {
        self.extended(b'x', lines)
    }

    /// An extended header of a type.
    #[must_use]
    pub fn extended(self, kind: u8, lines: &[(&str, &str)]) -> Self {
        let data: Vec<u8> = lines.iter().flat_map(|(keyword, value)| pax_line(keyword, value)).collect();
        self.record(&Header::new("PaxHeaders/x", data.len() as u64).kind(kind), data)
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(bytes.as_ref());
        self
    }

    /// Another end than two blocks of zeros.
    #[must_use]
    pub fn end(mut self, end: impl AsRef<[u8]>) -> Self {
        self.end = end.as_ref().to_vec();
        self
    }

    /// The bytes.
    pub fn build(&self) -> Vec<u8> {
        [self.bytes.as_slice(), &self.end].concat()
    }

    /// The bytes in gzip.
    pub fn gzip(&self) -> Vec<u8> {
        gzip(&self.build())
    }
}

/// Bytes in gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to a `Vec` cannot fail.
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Bytes in a zstd frame of raw blocks, with their size (RFC 8878 3.1.1).
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    // A content size of four bytes, one segment.
    let mut out = [&b"\x28\xb5\x2f\xfd\xa0"[..], &size.to_le_bytes()].concat();
    let mut blocks = bytes.chunks(1 << 16).peekable();
    while let Some(block) = blocks.next() {
        let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
        let header = length << 3 | u32::from(blocks.peek().is_none());
        out.extend(header.to_le_bytes().iter().take(3));
        out.extend_from_slice(block);
    }
    out
}
