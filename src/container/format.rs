//! Recognises containers by their bytes.
//!
//! **What counts as unread.** A container of a kind that is recognised and not opened makes a run incomplete when it is likely to
//! hold Python files (7z, rar, deb, rpm). A stream of gzip, bzip2, xz, lzma or zstd that cannot be read does so only when its
//! name says that a package or an archive is inside (`.tar.gz`, `.tgz`, ...): so a damaged `.gz` among test data does not make every
//! scan incomplete.

use std::sync::Arc;

use crate::container::Container;
use crate::container::Ends;
use crate::container::Input;
use crate::container::Member;
use crate::container::MemberId;
use crate::container::ar;
use crate::container::codec::Codec;
use crate::container::compressed;
use crate::container::cpio;
use crate::container::pyinstaller;
use crate::container::pyinstaller::pyz;
use crate::container::rpm;
use crate::container::tar;
use crate::container::zip::Zip;
use crate::container::zip::end::TAIL;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// What a file shows of itself before it is opened.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// Its name, or a path that ends in it.
    pub name: &'a [u8],
    /// Its first bytes: [`HEAD`] of them, or all.
    pub head: &'a [u8],
    /// Its last bytes: at least [`TAIL_SHORT`] of them, or all; empty when they are not known.
    pub tail: &'a [u8],
}

/// First bytes that recognition looks at: the magic of tar ends at 263.
pub const HEAD: usize = 512;

/// Last bytes that recognition looks at on every file: an end record of a zip without comment.
pub const TAIL_SHORT: usize = 22;

/// Opens an input of some name as a container; `None` for what turns out to hold nothing that is looked for.
pub type Opener = fn(Input, &[u8], &Limits) -> Option<Result<Box<dyn Container>, Problem>>;

/// One kind of container.
#[derive(Debug)]
pub struct Format {
    /// Its name in reports.
    pub name: &'static str,
    /// Whether a file is of this kind.
    pub sniff: fn(&Probe<'_>) -> bool,
    /// Opens it; `None` for kinds that are recognised only.
    pub open: Option<Opener>,
    /// Whether every file of this kind is likely to hold others. If not, its name decides.
    pub holds_files: bool,
}

/// Every kind of container, in the order in which they are tried.
pub const FORMATS: &[Format] = &[
    // Before zip: the last file of an archive may be a zip.
    Format { name: "pyinstaller", sniff: is_pyinstaller, open: Some(open_pyinstaller), holds_files: true },
    Format { name: "pyz", sniff: |p| pyinstaller::pyz::is_pyz(p.head), open: Some(open_pyz), holds_files: true },
    Format { name: "zip", sniff: is_zip, open: Some(open_zip), holds_files: true },
    Format { name: "deb", sniff: ar::sniff, open: Some(ar::open), holds_files: true },
    Format { name: "rpm", sniff: |p| p.head.starts_with(rpm::MAGIC), open: Some(rpm::open), holds_files: true },
    Format { name: "cpio", sniff: cpio::sniff, open: Some(cpio::open), holds_files: true },
    Format { name: "7z", sniff: |p| p.head.starts_with(b"7z\xbc\xaf\x27\x1c"), open: None, holds_files: true },
    Format { name: "rar", sniff: |p| p.head.starts_with(b"Rar!\x1a\x07"), open: None, holds_files: true },
    Format { name: "tar", sniff: tar::sniff, open: Some(tar::open), holds_files: true },
    Format {
        name: "gzip",
        sniff: |p| Codec::of(p.head) == Some(Codec::Gzip),
        open: Some(compressed::open),
        holds_files: false,
    },
    Format {
        name: "bzip2",
        sniff: |p| Codec::of(p.head) == Some(Codec::Bzip2),
        open: Some(compressed::open),
        holds_files: false,
    },
    Format {
        name: "xz",
        sniff: |p| Codec::of(p.head) == Some(Codec::Xz),
        open: Some(compressed::open),
        holds_files: false,
    },
    Format {
        name: "lzma",
        sniff: |p| Codec::of(p.head) == Some(Codec::Lzma),
        open: Some(compressed::open),
        holds_files: false,
    },
    Format {
        name: "zstd",
        sniff: |p| Codec::of(p.head) == Some(Codec::Zstd),
        open: Some(compressed::open),
        holds_files: false,
    },
];

/// Endings of names of packages and archives, for streams whose bytes do not tell what is inside.
const PACKAGE_NAMES: &[&[u8]] = &[
    b".tar.gz",
    b".tgz",
    b".tar.bz2",
    b".tbz",
    b".tbz2",
    b".tar.xz",
    b".txz",
    b".tar.lzma",
    b".tlz",
    b".tar.zst",
    b".tzst",
    b".tar.lz",
    b".apk",
    b".crate",
    b".conda",
    b".whl",
    b".egg",
    b".zip",
    b".pyz",
    b".pex",
    b".deb",
    b".rpm",
    b".xar",
    b".cpio.gz",
];

/// Endings of names of tars and compressed files.
const STREAM_NAMES: &[&[u8]] =
    &[b".tar", b".gz", b".tgz", b".bz2", b".tbz", b".tbz2", b".xz", b".txz", b".lzma", b".tlz", b".zst", b".tzst"];

/// Endings of names that nothing but packages have: a file with one that is no archive could not be audited.
const SURE_NAMES: &[&[u8]] =
    &[b".whl", b".conda", b".tar.gz", b".tgz", b".tar.bz2", b".tar.xz", b".tar.zst", b".deb", b".rpm"];

/// Endings of names of zips that may have a prefix, and so no signature at their start.
const ZIP_NAMES: &[&[u8]] =
    &[b".zip", b".whl", b".egg", b".pyz", b".pyzw", b".pex", b".par", b".xar", b".exe", b".conda", b".jar", b".apk"];

impl Format {
    /// Opens a file or a member of this format. A format that is only recognised gives a problem, or `None` when it is a stream
    /// that need not hold files: see the module's description.
    pub fn open(&self, input: Input, name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
        match self.open {
            Some(open) => match open(input, name, limits) {
                Some(Err(problem)) if !self.holds_files && !problem.kind.is_limit() && !promises_code(name) => None,
                opened => opened,
            },
            None => self.is_unread(name).then(|| Err(self.unsupported())),
        }
    }

    /// Whether a file of this name and format is something that should have been opened.
    pub fn is_unread(&self, name: &[u8]) -> bool {
        self.open.is_none() && (self.holds_files || is_package_name(name))
    }

    /// The problem of a format that is only recognised.
    pub fn unsupported(&self) -> Problem {
        Problem::new(ProblemKind::UnsupportedContainer).with_detail(self.name)
    }
}

/// The format of a file; `None` for what is no container.
pub fn recognise(probe: &Probe<'_>) -> Option<&'static Format> {
    FORMATS.iter().find(|format| (format.sniff)(probe))
}

/// Whether a file that was recognised so, or not at all, may be a frozen program: its archive need not be the last thing in it, and a
/// zip behind it would be all that its end tells of.
pub fn may_hide_a_program(format: Option<&Format>, head: &[u8]) -> bool {
    format.is_none_or(|format| format.name == "zip" && !head.starts_with(b"PK"))
}

/// The format of a program that its ends do not tell: an archive of PyInstaller with more behind it.
pub fn search(input: &Input, head: &[u8]) -> Option<&'static Format> {
    let found = pyinstaller::is_in(input, head);
    found.then(|| FORMATS.iter().find(|format| format.name == "pyinstaller"))?
}

/// The same for bytes in memory, which are given back.
pub fn search_bytes(bytes: Vec<u8>) -> (Vec<u8>, Option<&'static Format>) {
    if !pyinstaller::cookie::may_be_boot_loader(&bytes) {
        return (bytes, None);
    }
    let bytes = Arc::new(bytes);
    let format = search(&Input::from_bytes(Arc::clone(&bytes)), &bytes);
    // The input is gone: nobody else holds them.
    (Arc::try_unwrap(bytes).unwrap_or_default(), format)
}

/// Whether a file that was not recognised by its short tail deserves a look at its long one: `#!` and executables, which
/// zipapps, self-extractors and frozen programs have in front, and names of archives.
pub fn wants_long_tail(probe: &Probe<'_>) -> bool {
    [&b"#!"[..], b"MZ", b"\x7fELF"].iter().any(|start| probe.head.starts_with(start))
        || ends_with_any(probe.name, ZIP_NAMES)
}

/// Bytes of the long tail.
pub fn long_tail() -> usize {
    usize::try_from(TAIL).unwrap_or(usize::MAX)
}

/// What a member shows of itself.
#[derive(Debug)]
pub struct Identified {
    /// Its format; `None` for what is no container.
    pub format: Option<&'static Format>,
    /// Its first bytes: [`HEAD`] of them, or all.
    pub head: Vec<u8>,
}

/// Recognises a member by as few of its bytes as will do.
pub fn identify(container: &dyn Container, member: MemberId) -> Result<Identified, Problem> {
    let name = container.listing().get(member).map(Member::file).unwrap_or_default();
    let Ends { head, tail, .. } = container.ends(member, HEAD, TAIL_SHORT)?;
    let probe = Probe { name, head: &head, tail: &tail };
    let mut format = recognise(&probe);
    if may_hide_a_program(format, &head) && wants_long_tail(&probe) {
        let tail = container.ends(member, 0, long_tail())?.tail;
        format = recognise(&Probe { name, head: &head, tail: &tail });
        // A boot loader is a program: its whole file is searched, which is not held in memory where it is on disk.
        if may_hide_a_program(format, &head) && pyinstaller::cookie::may_be_boot_loader(&head) {
            format = search(&container.input(member, u64::MAX)?, &head).or(format);
        }
    }
    Ok(Identified { format, head })
}

/// Opens bytes in memory as a container: `None` when they are none.
pub fn open_bytes(
    bytes: impl Into<Arc<Vec<u8>>>,
    name: &[u8],
    limits: &Limits,
) -> Option<Result<Box<dyn Container>, Problem>> {
    open_input(Input::from_bytes(bytes), name, limits)
}

/// Opens a file or bytes as a container: `None` when they are none.
pub fn open_input(input: Input, name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    let long = u64::try_from(long_tail()).unwrap_or(u64::MAX);
    let read = |offset, length| input.bytes_at(offset, length);
    let ends = read(0, HEAD).and_then(|head| Ok((head, read(input.size().saturating_sub(long), long_tail())?)));
    match ends {
        Ok((head, tail)) => {
            let mut format = recognise(&Probe { name, head: &head, tail: &tail });
            if may_hide_a_program(format, &head) {
                format = search(&input, &head).or(format);
            }
            format?.open(input, name, limits)
        }
        Err(error) => Some(Err(Problem::new(ProblemKind::Unreadable).with_detail(error.to_string()))),
    }
}

/// A zip begins with a local header, an end record (empty), a spanning marker or what is left of a directory; one with a
/// prefix is told by the end record near its end.
fn is_zip(probe: &Probe<'_>) -> bool {
    let starts = [&b"PK\x03\x04"[..], b"PK\x05\x06", b"PK\x01\x02", b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04"];
    if starts.iter().any(|start| probe.head.starts_with(start)) {
        return true;
    }
    // Installers go by the name, and read of such a file what it begins with.
    if ends_with_any(probe.name, STREAM_NAMES) && (Codec::of(probe.head).is_some() || tar::sniff(probe)) {
        return false;
    }
    let comment_free = probe.tail.len().checked_sub(TAIL_SHORT).and_then(|at| probe.tail.get(at..));
    if comment_free.is_some_and(|tail| tail.starts_with(b"PK\x05\x06") && tail.ends_with(&[0, 0])) {
        return true;
    }
    probe.tail.len() > TAIL_SHORT
        && wants_long_tail(probe)
        && memchr::memmem::rfind_iter(probe.tail, b"PK\x05\x06").any(|at| is_end_record(probe.tail, at))
}

/// Whether an end record in the long tail is one, and not a constant in a program that reads zips (the `wininst-*.exe` of
/// distutils have all signatures): the directory is where its size puts it, or, when that is out of sight, its numbers agree.
fn is_end_record(tail: &[u8], at: usize) -> bool {
    let Some(record) = tail.get(at..).and_then(|rest| rest.first_chunk::<TAIL_SHORT>()) else { return false };
    let short = |at: usize| record.get(at..).and_then(|rest| rest.first_chunk::<2>()).copied().map(u16::from_le_bytes);
    let size = record.get(12..).and_then(|rest| rest.first_chunk::<4>()).copied().map(u32::from_le_bytes);
    let (Some(disk), Some(here), Some(entries), Some(size)) = (short(4), short(8), short(10), size) else {
        return false;
    };
    // A zip64 locator comes just before; a directory of that kind is judged when it is opened.
    let before = |length: usize| at.checked_sub(length).and_then(|start| tail.get(start..));
    if before(20).is_some_and(|rest| rest.starts_with(b"PK\x06\x07")) {
        return true;
    }
    match usize::try_from(size).ok().and_then(before) {
        Some(rest) if size > 0 => rest.starts_with(b"PK\x01\x02"),
        Some(_) => (disk, here, entries) == (0, 0, 0),
        // 46 bytes are the least that a record of the directory has.
        None => disk == 0 && here == entries && u32::from(entries).saturating_mul(46) <= size,
    }
}

/// PyInstaller's cookie is near the end, though section headers or a signature may follow it. Where it stands farther from
/// the end, [`search`] finds it.
fn is_pyinstaller(probe: &Probe<'_>) -> bool {
    probe.tail.len() > TAIL_SHORT && wants_long_tail(probe) && pyinstaller::cookie::is_in(probe.tail)
}

/// Whether a name has one of these endings, whatever the case.
pub(crate) fn ends_with_any(name: &[u8], endings: &[&[u8]]) -> bool {
    endings.iter().any(|ending| {
        let tail = name.len().checked_sub(ending.len()).and_then(|at| name.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
    })
}

/// Opens a zip.
#[expect(clippy::unnecessary_wraps, reason = "an opener of the table")]
fn open_zip(input: Input, _name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    Some(match Zip::open(input, limits) {
        Ok(zip) => Ok(Box::new(zip)),
        Err(problem) => Err(problem),
    })
}

/// Whether a name is that of a package or an archive.
pub(crate) fn is_package_name(name: &[u8]) -> bool {
    ends_with_any(name, PACKAGE_NAMES)
}

/// Whether a stream of this name should hold bytecode or a package.
fn promises_code(name: &[u8]) -> bool {
    let before = name.iter().rposition(|&byte| byte == b'.').and_then(|dot| name.get(..dot)).unwrap_or_default();
    is_package_name(name) || ends_with_any(before, &[b".pyc", b".pyo"])
}

/// The problem of a file that has the name of a package and is none that is known; `None` for every other file. An empty file,
/// and the `.egg` that is a link, hide nothing.
pub fn missing_archive(name: &[u8], head: &[u8]) -> Option<Problem> {
    (!head.is_empty() && ends_with_any(name, SURE_NAMES)).then(|| {
        Problem::new(ProblemKind::ArchiveDamaged).with_detail("it has the name of a package and is no archive")
    })
}

/// Opens a CArchive.
#[expect(clippy::unnecessary_wraps, reason = "an opener of the table")]
fn open_pyinstaller(input: Input, _name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    Some(match pyinstaller::open(input, limits) {
        Ok(archive) => Ok(Box::new(archive)),
        Err(problem) => Err(problem),
    })
}

/// Opens a PYZ.
#[expect(clippy::unnecessary_wraps, reason = "an opener of the table")]
fn open_pyz(input: Input, _name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    Some(match pyz::open(input, limits) {
        Ok(archive) => Ok(Box::new(archive)),
        Err(problem) => Err(problem),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, head: &[u8], tail: &[u8], expected: Option<&str>, unread: bool) {
        let format = recognise(&Probe { name: name.as_bytes(), head, tail });
        assert_eq!(format.map(|format| format.name), expected, "{name}");
        assert_eq!(format.is_some_and(|format| format.is_unread(name.as_bytes())), unread, "{name}");
    }

    #[test]
    fn files_are_recognised_by_their_bytes() {
        let end = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let commented = [&b"junk PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0ok"[..], b"trailing"].concat();
        let directory =
            [&b"PK\x01\x02"[..], &[0; 46], b"PK\x05\x06\0\0\0\0\x09\0\x01\0\x32\0\0\0\0\0\0\0\0\0", b"more"].concat();
        let constants = [&b"PK\x01\x02\x0f\x85PK\x03\x04PK\x05\x06"[..], &[0x81; 80]].concat();
        check("a.whl", b"PK\x03\x04", b"", Some("zip"), false);
        check("innocent.txt", b"PK\x03\x04", b"", Some("zip"), false);
        check("script", b"#!/usr/bin/env python3\n", end, Some("zip"), false);
        check("script", b"#!/usr/bin/env python3\n", &commented, Some("zip"), false);
        check("setup.exe", b"MZ", &directory, Some("zip"), false);
        check("wininst-6.0.exe", b"MZ", &constants, None, false);
        check("picture.jpg", b"\xff\xd8\xff", end, Some("zip"), false);
        check("notes.txt", b"about PK", &commented, None, false);
        check("a.whl", b"not a wheel", b"of any kind", None, false);
        let mut tar = [0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        check("layer", &tar, b"", Some("tar"), false);
        let cookie = [&b"...MEI\x0c\x0b\x0a\x0b\x0e"[..], &[0, 0, 1, 0, 0, 0, 0, 9, 0, 0, 0, 32, 0, 0, 1, 56]].concat();
        check("frozen", b"\x7fELF", &cookie, Some("pyinstaller"), false);
        check("builder", b"\x7fELF", b"...MEI\x0c\x0b\x0a\x0b\x0e....................", None, false);
        check("a.7z", b"7z\xbc\xaf\x27\x1c", b"", Some("7z"), true);
    }

    #[test]
    fn a_stray_damaged_stream_is_no_unread_archive_and_a_package_is() {
        let open = |name: &str| open_bytes(b"\x1f\x8b\x08\0".to_vec(), name.as_bytes(), &Limits::default());
        assert!(open("words.txt.gz").is_none());
        assert!(open("p-1.0.tar.gz").is_some_and(|opened| opened.is_err()));
        assert!(open("P-1.0.TGZ").is_some_and(|opened| opened.is_err()));
    }
}
