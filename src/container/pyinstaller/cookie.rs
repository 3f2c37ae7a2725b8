//! The cookie of a CArchive: where it is, and what it says (`CArchiveReader` in PyInstaller's archive/readers.py,
//! `pyi_archive_find_cookie` in its boot loader).
//!
//! A boot loader looks for the magic from the end of its file to the beginning, so data may follow: section headers of ELF,
//! signatures, anything. A boot loader with another magic reads archives that PyInstaller's own cannot: such a cookie is found
//! by its numbers and by the name of the Python library in it.

use std::io;

use memchr::memmem;
use memchr::memmem::Finder;

use crate::container::Input;

/// `MEI`, then five bytes that no text has.
pub(crate) const MAGIC: [u8; 8] = *b"MEI\x0c\x0b\x0a\x0b\x0e";

/// How a PYZ begins.
pub(super) const PYZ: [u8; 4] = *b"PYZ\0";

/// Bytes of a cookie of PyInstaller 2.0 and before: magic and four numbers.
const SHORT: u64 = 24;

/// Bytes of a cookie since 2.1: and the name of the Python library.
const LONG: u64 = 88;

/// Bytes of the library's name.
const LIBRARY: usize = 64;

/// Bytes that are searched at a time.
const BLOCK: usize = 1 << 20;

/// Cookies that are looked at in one file. A program has one; one that builds such programs may hold the magic some times more.
const CANDIDATES: usize = 64;

/// A cookie that leads to a table of contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    /// Where it is.
    pub(super) at: u64,
    /// Its own length.
    pub(super) length: u64,
    /// Where the archive begins.
    pub(super) start: u64,
    /// Where the table of contents begins.
    pub(super) contents: u64,
    /// Bytes of the table of contents.
    pub(super) contents_length: u64,
    /// The version of Python: `27`, `38`, `312`.
    pub(super) python: u32,
    /// The name of the Python library; empty in short cookies.
    pub(super) library: Vec<u8>,
    /// Whether the magic is PyInstaller's.
    pub(super) has_magic: bool,
}

impl Cookie {
    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.at.saturating_add(self.length)
    }

    /// The language series; `None` for a number that is none.
    pub(super) fn series(&self) -> Option<(u8, u8)> {
        // 100 * major + minor since 3.10, which could not be written as 10 * major + minor.
        let base = if self.python >= 100 { 100 } else { 10 };
        let (major, minor) = (self.python.checked_div(base)?, self.python.checked_rem(base)?);
        let (major, minor) = (u8::try_from(major).ok()?, u8::try_from(minor).ok()?);
        (2..=3).contains(&major).then_some((major, minor))
    }

    /// Whether the boot loader is one for Windows, whose paths have backslashes.
    pub(super) fn is_windows(&self) -> bool {
        self.library.to_ascii_lowercase().ends_with(b".dll")
    }
}

/// What a search through a whole file found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The cookie that a boot loader would use.
    pub(super) cookie: Option<Cookie>,
    /// Where magics are that lead nowhere, from the end of the file on.
    pub(super) stray: Vec<u64>,
    /// Where PYZ archives seem to begin, when there is no cookie.
    pub(super) archives: Vec<u64>,
}

/// Searches a file from its end to its beginning.
pub(super) fn find(input: &Input) -> io::Result<Found> {
    let mut found = Found::default();
    let finder = Finder::new(&MAGIC);
    search(input, &finder, &mut |at| {
        match read(input, at)? {
            Some(cookie) => found.cookie = Some(cookie),
            None => found.stray.push(at),
        }
        Ok(found.cookie.is_none() && found.stray.len() < CANDIDATES)
    })?;
    if found.cookie.is_some() {
        return Ok(found);
    }
    let finder = Finder::new(&PYZ);
    search(input, &finder, &mut |at| {
        // The magic number of every Python from 1.3 on ends in CR LF; a table of contents comes after the header.
        let head = input.bytes_at(at, 12)?;
        if head.get(6..8) == Some(b"\r\n") {
            found.archives.push(at);
        }
        Ok(found.archives.len() < CANDIDATES)
    })?;
    if !found.archives.is_empty() {
        found.cookie = altered(input)?;
        if found.cookie.is_some() {
            found.archives.clear();
        }
    }
    Ok(found)
}

/// Calls for every place of a pattern, the last first, until told to stop.
fn search(input: &Input, finder: &Finder<'_>, take: &mut dyn FnMut(u64) -> io::Result<bool>) -> io::Result<()> {
    let overlap = finder.needle().len().saturating_sub(1);
    let mut end = input.size();
    while end > 0 {
        let block = u64::try_from(BLOCK).unwrap_or(u64::MAX);
        let start = end.saturating_sub(block);
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(BLOCK).saturating_add(overlap);
        let bytes = input.bytes_at(start, length)?;
        let places: Vec<usize> = finder.find_iter(&bytes).collect();
        for place in places.into_iter().rev() {
            if !take(start.saturating_add(u64::try_from(place).unwrap_or(u64::MAX)))? {
                return Ok(());
            }
        }
        end = start;
    }
    Ok(())
}

/// Reads the cookie whose magic is here, in the form whose numbers fit.
fn read(input: &Input, at: u64) -> io::Result<Option<Cookie>> {
    let bytes = input.bytes_at(at, usize::try_from(LONG).unwrap_or(usize::MAX))?;
    let forms = [LONG, SHORT].into_iter().filter_map(|length| cookie(&bytes, at, length));
    let mut fitting = Vec::new();
    for cookie in forms {
        if leads_somewhere(input, &cookie)? {
            fitting.push(cookie);
        }
    }
    // The table of contents comes last: the cookie follows where it ends.
    let exact = fitting.iter().position(|cookie| cookie.contents.saturating_add(cookie.contents_length) == cookie.at);
    let index = exact.unwrap_or_default();
    Ok(if index < fitting.len() { Some(fitting.swap_remove(index)) } else { None })
}

/// A cookie of this form from its bytes, when its archive is in the file.
fn cookie(bytes: &[u8], at: u64, length: u64) -> Option<Cookie> {
    let number = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().map(u32::from_be_bytes);
    let (archive, contents) = (u64::from(number(8)?), u64::from(number(12)?));
    let (contents_length, python) = (u64::from(number(16)?), number(20)?);
    let library = match length {
        LONG => bytes.get(24..)?.get(..LIBRARY)?.split(|&byte| byte == 0).next()?.to_vec(),
        _ => Vec::new(),
    };
    if length == LONG && (library.is_empty() || !library.is_ascii()) {
        return None;
    }
    let start = at.checked_add(length)?.checked_sub(archive)?;
    let contents = start.checked_add(contents)?;
    let is_inside = contents_length > 0 && contents.checked_add(contents_length)? <= at;
    let has_magic = bytes.starts_with(&MAGIC);
    is_inside.then_some(Cookie { at, length, start, contents, contents_length, python, library, has_magic })
}

/// Whether a first record is where a cookie says that the table of contents is.
fn leads_somewhere(input: &Input, cookie: &Cookie) -> io::Result<bool> {
    let first = input.bytes_at(cookie.contents, 4)?;
    let length = first.first_chunk::<4>().copied().map_or(0, u32::from_be_bytes);
    // 18 bytes and a name; names have at most some thousand bytes.
    Ok((19..=0x1_0000).contains(&length) && u64::from(length) <= cookie.contents_length)
}

/// Looks for a cookie by the name of the Python library in it: its numbers have to fit one another exactly.
fn altered(input: &Input) -> io::Result<Option<Cookie>> {
    let mut found = None;
    for pattern in [&b"libpython"[..], b"python", b"Python"] {
        let finder = memmem::Finder::new(pattern);
        search(input, &finder, &mut |name| {
            let Some(at) = name.checked_sub(SHORT) else { return Ok(true) };
            let bytes = input.bytes_at(at, usize::try_from(LONG).unwrap_or(usize::MAX))?;
            found = cookie(&bytes, at, LONG)
                .filter(|cookie| cookie.contents.saturating_add(cookie.contents_length) == cookie.at);
            if let Some(cookie) = &found
                && !leads_somewhere(input, cookie)?
            {
                found = None;
            }
            Ok(found.is_none())
        })?;
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

/// Whether the last bytes of a file hold a cookie whose numbers are possible: a program that only holds the magic, such as one
/// that builds such programs, does not pass.
pub(crate) fn is_in(tail: &[u8]) -> bool {
    memmem::rfind_iter(tail, &MAGIC).take(CANDIDATES).any(|at| {
        let bytes = tail.get(at..).unwrap_or_default();
        let number =
            |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().map(u32::from_be_bytes);
        let numbers = (number(8), number(12), number(16));
        let (Some(archive), Some(contents), Some(length)) = numbers else { return false };
        let end = contents.checked_add(length);
        length > 0 && end.is_some_and(|end| end <= archive)
    })
}

/// Whether a file that was not recognised by its end deserves to be searched through for a cookie: programs, as boot loaders
/// are, and not the libraries that are far more common.
pub(crate) fn may_be_boot_loader(head: &[u8]) -> bool {
    let byte = |at: usize| head.get(at).copied();
    let half = |at: usize| head.get(at..).and_then(|rest| rest.first_chunk::<2>()).copied();
    if head.starts_with(b"\x7fELF") {
        // A program names its dynamic loader (PT_INTERP, 3), or is of the kind ET_EXEC (2).
        let is_little = byte(5) == Some(1);
        let short =
            |at| half(at).map(|bytes| if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) });
        let (first, size) = if byte(4) == Some(1) { (52, 32) } else { (64, 56) };
        let kind_at = if is_little { 0_usize } else { 2 };
        let names_loader = |header: usize| {
            let at = usize::saturating_add(first, usize::saturating_mul(header, size));
            short(at.saturating_add(kind_at)) == Some(3)
                && head
                    .get(at..)
                    .and_then(|rest| rest.first_chunk::<4>())
                    .is_some_and(|word| word.iter().filter(|&&byte| byte != 0).count() == 1)
        };
        return short(16) == Some(2) || (0..8).any(names_loader);
    }
    if head.starts_with(b"MZ") {
        let header = head.get(0x3c..).and_then(|rest| rest.first_chunk::<4>()).copied().map(u32::from_le_bytes);
        let header = header.and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
        // Characteristics of the COFF header: 0x2000 is a library. A header out of sight may be anything.
        let flags = half(header.saturating_add(22)).map(u16::from_le_bytes);
        return flags.is_none_or(|flags| flags & 0x2000 == 0);
    }
    // Mach-O: MH_EXECUTE (2) of one architecture; of a fat file the count, which tells it from a Java class.
    match head.first_chunk::<4>() {
        Some(b"\xcf\xfa\xed\xfe" | b"\xce\xfa\xed\xfe") => byte(12) == Some(2),
        Some(b"\xfe\xed\xfa\xcf" | b"\xfe\xed\xfa\xce") => byte(15) == Some(2),
        Some(b"\xca\xfe\xba\xbe" | b"\xca\xfe\xba\xbf") => byte(7).is_some_and(|count| (1..20).contains(&count)),
        _ => false,
    }
}
