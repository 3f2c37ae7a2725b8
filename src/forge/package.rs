//! Forges packages of Linux distributions: ar archives, cpio archives and what RPM puts around them, with any lie.

use sha2::Digest as _;
use sha2::Sha256;

use crate::artifact::Md5Digest;
use crate::artifact::Sha256Digest;

/// An ar archive to be written.
#[derive(Clone, Debug, Default)]
pub struct Ar {
    bytes: Vec<u8>,
}

impl Ar {
    /// An empty archive.
    pub fn new() -> Self {
        Self { bytes: b"!<arch>\n".to_vec() }
    }

    /// A Debian package with these files below its root, and what their `md5sums` say.
    pub fn debian(files: &[(&str, &[u8])], md5sums: &str) -> Self {
        let control: [(&str, &[u8]); 3] =
            [("control", b"Package: p\n"), ("md5sums", md5sums.as_bytes()), ("conffiles", b"/etc/p.conf\n")];
        let control = tar(&control);
        Self::new().file("debian-binary", b"2.0\n").file("control.tar", control).file("data.tar", tar(files))
    }

    /// Adds a member.
    #[must_use]
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let size = bytes.as_ref().len().to_string();
        self.header(name, &size).raw(bytes)
    }

    /// Adds a header with this text as its size.
    #[must_use]
    pub fn header(mut self, name: &str, size: &str) -> Self {
        if self.bytes.len() % 2 == 1 {
            self.bytes.push(b'\n');
        }
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 1_700_000_000, 0, 0, 100_644);
        self.bytes.extend(header.into_bytes());
        self
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(bytes.as_ref());
        self
    }

    /// The bytes.
    pub fn build(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

/// A plain tar of these files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, data) in files {
        let mut header = format!("./{name}").into_bytes();
        header.resize(100, 0);
        header.extend(format!("0000644\x000000000\x000000000\x00{:011o}\x0014524770400\x00", data.len()).into_bytes());
        header.extend(b"        0");
        header.resize(257, 0);
        header.extend(b"ustar\x0000");
        header.resize(512, 0);
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header.splice(148..156, format!("{sum:06o}\x00 ").into_bytes());
        bytes.extend(header);
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// The line of an `md5sums` for a file.
pub fn md5sum(name: &str, bytes: &[u8]) -> String {
    format!("{}  {name}\n", Md5Digest::of(bytes))
}

/// A cpio archive to be written, in the format `newc`.
#[derive(Clone, Debug, Default)]
pub struct Cpio {
    bytes: Vec<u8>,
    count: u32,
}

impl Cpio {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a regular file.
    #[must_use]
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let inode = self.count;
        self.record(name, 0o100_644, inode, 1, bytes)
    }

    /// Adds a record: its mode, the number of its file, how many links that has.
    #[must_use]
    pub fn record(self, name: &str, mode: u32, inode: u32, links: u32, bytes: impl AsRef<[u8]>) -> Self {
        let size = u32::try_from(bytes.as_ref().len()).unwrap_or(u32::MAX);
        self.header(name, [inode, mode, 0, 0, links, 1_700_000_000, size]).padded(bytes)
    }

    /// Adds a header whose first seven numbers are these.
    #[must_use]
    pub fn header(mut self, name: &str, numbers: [u32; 7]) -> Self {
        self.count += 1;
        let length = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
        let all = numbers.into_iter().chain([0, 0, 0, 0, length, 0]);
        let digits: Vec<String> = all.map(|number| format!("{number:08x}")).collect();
        self.padded(format!("070701{}{name}\0", digits.concat()))
    }

    /// Adds a record of RPM's stripped format.
    #[must_use]
    pub fn stripped(self, index: u32, bytes: impl AsRef<[u8]>) -> Self {
        self.padded(format!("07070X{index:08x}")).padded(bytes)
    }

    /// Adds bytes, and zeros up to a multiple of four.
    #[must_use]
    pub fn padded(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(bytes.as_ref());
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// The bytes, with the record that ends an archive.
    pub fn build(self) -> Vec<u8> {
        self.header("TRAILER!!!", [0, 0, 0, 0, 1, 0, 0]).bytes
    }

    /// The bytes without an end.
    pub fn build_open(self) -> Vec<u8> {
        self.bytes
    }
}

/// An RPM package to be written.
#[derive(Clone, Debug)]
pub struct Rpm {
    files: Vec<RpmFile>,
    payload: Vec<u8>,
    payload_digest: Option<String>,
    has_md5: bool,
}

/// What the header of a package says of a file.
#[derive(Clone, Debug)]
pub struct RpmFile {
    /// Its folder with a final slash, and its name.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: u32,
    /// Its mode.
    pub mode: u16,
    /// Its flags: 64 for a file that is not packed.
    pub flags: u32,
    /// Its digest in hexadecimal digits.
    pub digest: String,
}

impl Rpm {
    /// A package with this payload and no files in its header.
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Self { files: Vec::new(), payload: payload.into(), payload_digest: None, has_md5: false }
    }

    /// Lists a file as it is.
    #[must_use]
    pub fn lists(mut self, folder: &str, name: &str, bytes: &[u8]) -> Self {
        let digest = if self.has_md5 { Md5Digest::of(bytes).to_string() } else { Sha256Digest::of(bytes).to_string() };
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (folder, name) = (folder.to_owned(), name.to_owned());
        self.files.push(RpmFile { folder, name, size, mode: 0o100_644, flags: 0, digest });
        self
    }

    /// Changes the file that was listed last.
    #[must_use]
    pub fn edit(mut self, change: impl FnOnce(&mut RpmFile)) -> Self {
        self.files.last_mut().map(change);
        self
    }

    /// Writes digests as packages before rpm 4.6 have them; to be said before files are listed.
    #[must_use]
    pub fn md5(mut self) -> Self {
        self.has_md5 = true;
        self
    }

    /// The digest of the payload that the header gives, when it is not that of the payload.
    #[must_use]
    pub fn payload_digest(mut self, digest: &str) -> Self {
        self.payload_digest = Some(digest.to_owned());
        self
    }

    /// The bytes.
    pub fn build(&self) -> Vec<u8> {
        let strings = |each: &dyn Fn(&RpmFile) -> String| {
            self.files.iter().flat_map(|file| [each(file).into_bytes(), vec![0]].concat()).collect::<Vec<u8>>()
        };
        let words = |each: &dyn Fn(usize, &RpmFile) -> u32| {
            self.files.iter().enumerate().flat_map(|(at, file)| each(at, file).to_be_bytes()).collect::<Vec<u8>>()
        };
        let modes: Vec<u8> = self.files.iter().flat_map(|file| file.mode.to_be_bytes()).collect();
        let count = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        let digest = self.payload_digest.clone().unwrap_or_else(|| Sha256Digest::of(&self.payload).to_string());
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut tags: Vec<(u32, u32, u32, Vec<u8>)> = vec![
            (1028, 4, count, words(&|_, file| file.size)),
            (1030, 3, count, modes),
            (1034, 4, count, words(&|_, _| 1_700_000_000)),
            (1035, 8, count, strings(&|file| file.digest.clone())),
            (1037, 4, count, words(&|_, file| file.flags)),
            (1116, 4, count, words(&|at, _| position(at))),
            (1117, 8, count, strings(&|file| file.name.clone())),
            (1118, 8, count, strings(&|file| file.folder.clone())),
            (5092, 8, 1, [digest.into_bytes(), vec![0]].concat()),
            (5093, 4, 1, 8_u32.to_be_bytes().to_vec()),
        ];
        if !self.has_md5 {
            tags.push((5011, 4, 1, 8_u32.to_be_bytes().to_vec()));
        }
        let main = header(&tags);
        let own: [u8; 32] = Sha256::digest(&main).into();
        let own = [Sha256Digest(own).to_string().into_bytes(), vec![0]].concat();
        let mut bytes = b"\xed\xab\xee\xdb\x03".to_vec();
        bytes.resize(96, 0);
        bytes.extend(header(&[(273, 6, 1, own)]));
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(main);
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

/// A header of these tags: number, type, count, data.
fn header(tags: &[(u32, u32, u32, Vec<u8>)]) -> Vec<u8> {
    let mut index = Vec::new();
    let mut store: Vec<u8> = Vec::new();
    for (tag, kind, count, data) in tags {
        store.resize(store.len().next_multiple_of(4), 0);
        let at = u32::try_from(store.len()).unwrap_or(u32::MAX);
        index.extend([*tag, *kind, at, *count].into_iter().flat_map(u32::to_be_bytes));
        store.extend_from_slice(data);
    }
    let lengths = [u32::try_from(tags.len()).unwrap_or(u32::MAX), u32::try_from(store.len()).unwrap_or(u32::MAX)];
    let start =
        [b"\x8e\xad\xe8\x01\0\0\0\0".to_vec(), lengths.into_iter().flat_map(u32::to_be_bytes).collect()].concat();
    [start, index, store].concat()
}
