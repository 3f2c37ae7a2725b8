//! Forges what PyInstaller writes: CArchives and PYZ archives, with any lie.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::pyc::Magic;

/// A CArchive to be written.
#[derive(Clone, Debug)]
pub struct Carchive {
    prefix: Vec<u8>,
    records: Vec<Record>,
    cookie: Cookie,
    trailing: Vec<u8>,
}

/// A record of the table of contents.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it is.
    pub kind: u8,
    /// Its name.
    pub name: Vec<u8>,
    /// The data as they are stored.
    pub data: Vec<u8>,
    /// How long they are unpacked.
    pub size: u32,
    /// 0 for plain data, 1 for zlib.
    pub flag: u8,
    /// Where the data are said to be, when it is not where they are.
    pub offset: Option<u32>,
    /// How many bytes of data are said to be there, when it is another number.
    pub stored: Option<u32>,
    /// What follows the end of the name in place of zeros.
    pub padding: Vec<u8>,
    /// The length of the record, when it is another than its own.
    pub length: Option<u32>,
}

/// A cookie.
#[derive(Clone, Debug)]
pub struct Cookie {
    /// The magic.
    pub magic: [u8; 8],
    /// The length of the archive, when it is another than its own.
    pub archive: Option<u32>,
    /// Where the table of contents is, when it is elsewhere.
    pub contents: Option<u32>,
    /// How long the table of contents is, when it is another length.
    pub contents_length: Option<u32>,
    /// The version of Python.
    pub python: u32,
    /// The name of the library; `None` for a cookie of PyInstaller 2.0.
    pub library: Option<Vec<u8>>,
}

impl Carchive {
    /// An empty archive behind a boot loader for Linux, of this number of Python: `312`, `38`.
    pub fn new(python: u32) -> Self {
        let library = format!("libpython{python}.so.1.0").into_bytes();
        let magic = *b"MEI\x0c\x0b\x0a\x0b\x0e";
        let cookie =
            Cookie { magic, archive: None, contents: None, contents_length: None, python, library: Some(library) };
        Self { prefix: program(), records: Vec::new(), cookie, trailing: Vec::new() }
    }

    /// Adds a file as it is.
    #[must_use]
    pub fn plain(self, kind: u8, name: impl AsRef<[u8]>, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        let size = length(&data);
        self.record(kind, name, data, size, 0)
    }

    /// Adds a file compressed by zlib.
    #[must_use]
    pub fn packed(self, kind: u8, name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        let size = length(data.as_ref());
        self.record(kind, name, deflated(data.as_ref()), size, 1)
    }

    fn record(mut self, kind: u8, name: impl AsRef<[u8]>, data: Vec<u8>, size: u32, flag: u8) -> Self {
        let name = name.as_ref().to_vec();
        let (padding, offset, stored, length) = (Vec::new(), None, None, None);
        self.records.push(Record { kind, name, data, size, flag, offset, stored, padding, length });
        self
    }

    /// Changes the record that was added last.
    #[must_use]
    pub fn edit(mut self, change: impl FnOnce(&mut Record)) -> Self {
        self.records.last_mut().map(change);
        self
    }

    /// Changes the cookie.
    #[must_use]
    pub fn cookie(mut self, change: impl FnOnce(&mut Cookie)) -> Self {
        change(&mut self.cookie);
        self
    }

    /// What is before the archive.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Vec<u8>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// What is behind the archive.
    #[must_use]
    pub fn trailing(mut self, trailing: impl Into<Vec<u8>>) -> Self {
        self.trailing = trailing.into();
        self
    }

    /// The bytes.
    pub fn build(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        let mut contents = Vec::new();
        for record in &self.records {
            let mut name = record.name.clone();
            name.push(0);
            name.extend_from_slice(&record.padding);
            name.resize((name.len() + 18).next_multiple_of(16) - 18, 0);
            let own = u32::try_from(name.len() + 18).unwrap_or(u32::MAX);
            let (offset, stored) = (length(&archive), length(&record.data));
            let numbers = [
                record.length.unwrap_or(own),
                record.offset.unwrap_or(offset),
                record.stored.unwrap_or(stored),
                record.size,
            ];
            contents.extend(numbers.into_iter().flat_map(u32::to_be_bytes));
            contents.extend([record.flag, record.kind]);
            contents.extend(name);
            archive.extend_from_slice(&record.data);
        }
        let cookie = &self.cookie;
        let (contents_at, contents_length) = (length(&archive), length(&contents));
        let own = if cookie.library.is_some() { 88 } else { 24 };
        let numbers = [
            cookie.archive.unwrap_or(contents_at + contents_length + own),
            cookie.contents.unwrap_or(contents_at),
            cookie.contents_length.unwrap_or(contents_length),
            cookie.python,
        ];
        let library = cookie.library.as_ref().map(|library| {
            let mut library = library.clone();
            library.resize(64, 0);
            library
        });
        [
            self.prefix.clone(),
            archive,
            contents,
            cookie.magic.to_vec(),
            numbers.into_iter().flat_map(u32::to_be_bytes).collect(),
            library.unwrap_or_default(),
            self.trailing.clone(),
        ]
        .concat()
    }
}

/// A PYZ to be written.
#[derive(Clone, Debug)]
pub struct PyzArchive {
    magic: Magic,
    entries: Vec<PyzEntry>,
    is_dict: bool,
    is_encrypted: bool,
    trailing: Vec<u8>,
}

/// An entry of a PYZ.
#[derive(Clone, Debug)]
pub struct PyzEntry {
    /// Its dotted name.
    pub name: String,
    /// 0 for a module, 1 for a package, 2 for data, 3 for a namespace package.
    pub kind: i32,
    /// The data as they are stored.
    pub data: Vec<u8>,
    /// Where they are said to be, when it is not where they are.
    pub offset: Option<i32>,
    /// How many bytes are said to be there, when it is another number.
    pub stored: Option<i32>,
}

impl PyzArchive {
    /// An empty archive of this magic number.
    pub fn new(magic: Magic) -> Self {
        Self { magic, entries: Vec::new(), is_dict: false, is_encrypted: false, trailing: Vec::new() }
    }

    /// Adds a module, given as marshalled code.
    #[must_use]
    pub fn module(self, name: &str, body: impl AsRef<[u8]>) -> Self {
        self.entry(name, 0, body)
    }

    /// Adds an entry of a kind.
    #[must_use]
    pub fn entry(mut self, name: &str, kind: i32, body: impl AsRef<[u8]>) -> Self {
        let data = if kind == 3 { Vec::new() } else { deflated(body.as_ref()) };
        self.entries.push(PyzEntry { name: name.to_owned(), kind, data, offset: None, stored: None });
        self
    }

    /// Changes the entry that was added last.
    #[must_use]
    pub fn edit(mut self, change: impl FnOnce(&mut PyzEntry)) -> Self {
        self.entries.last_mut().map(change);
        self
    }

    /// Writes the table of contents as a dict, as PyInstaller did before 3.0.
    #[must_use]
    pub fn dict(mut self) -> Self {
        self.is_dict = true;
        self
    }

    /// Says that the modules are encrypted.
    #[must_use]
    pub fn encrypted(mut self) -> Self {
        self.is_encrypted = true;
        self
    }

    /// What follows the table of contents.
    #[must_use]
    pub fn trailing(mut self, trailing: impl Into<Vec<u8>>) -> Self {
        self.trailing = trailing.into();
        self
    }

    /// The bytes.
    pub fn build(&self) -> Vec<u8> {
        let mut data = Vec::new();
        let mut contents = if self.is_dict { vec![b'{'] } else { vec![b'['] };
        if !self.is_dict {
            contents.extend(count(self.entries.len()));
        }
        for entry in &self.entries {
            let at = i32::try_from(data.len() + 17).unwrap_or(i32::MAX);
            let stored = i32::try_from(entry.data.len()).unwrap_or(i32::MAX);
            if !self.is_dict {
                contents.push(b'(');
                contents.extend(count(2));
            }
            contents.push(b'u');
            contents.extend(count(entry.name.len()));
            contents.extend(entry.name.as_bytes());
            contents.push(b'(');
            contents.extend(count(3));
            for number in [entry.kind, entry.offset.unwrap_or(at), entry.stored.unwrap_or(stored)] {
                contents.push(b'i');
                contents.extend(number.to_le_bytes());
            }
            data.extend_from_slice(&entry.data);
        }
        if self.is_dict {
            contents.push(b'0');
        }
        let at = u32::try_from(data.len() + 17).unwrap_or(u32::MAX);
        [
            b"PYZ\0".to_vec(),
            self.magic.0.to_vec(),
            at.to_be_bytes().to_vec(),
            vec![u8::from(self.is_encrypted), 0, 0, 0, 0],
            data,
            contents,
            self.trailing.clone(),
        ]
        .concat()
    }
}

/// The head of a program for Linux that names its dynamic loader, without anything else.
pub fn program() -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(64, 0);
    // One program header: PT_INTERP.
    head.extend([3, 0, 0, 0]);
    head.resize(120, 0);
    head
}

/// These bytes compressed by zlib.
pub fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn count(items: usize) -> [u8; 4] {
    u32::try_from(items).unwrap_or(u32::MAX).to_le_bytes()
}
