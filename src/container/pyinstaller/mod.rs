//! Programs that PyInstaller froze: a boot loader, behind it a CArchive with all files, in that a PYZ with the modules.
//!
//! A CArchive is opened wherever its cookie stands, in a program or by itself. Its members have the names that it gives, those of
//! Windows with slashes. What is marshalled code without a header (scripts `s`, modules `m` and packages `M`, and all of a
//! PYZ) is read as the pyc that it was cut from: named with `.pyc`, a dotted name as the path of its module, and with a header
//! of the magic number that the PYZ gives and zeros. Options of the boot loader and references to other programs are no files and are
//! not listed. Nothing is decrypted.

mod contents;
pub(crate) mod cookie;
mod frozen;
mod program;
pub mod pyz;

use std::sync::atomic::AtomicU64;

use crate::container::Input;
use crate::container::Kind;
use crate::container::Located;
use crate::container::MemberKind;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::blob;
use crate::container::blob::Archive;
use crate::container::blob::Blob;
use crate::container::blob::Coding;
use crate::container::oddity::Oddities;
use crate::container::pyinstaller::contents::Contents;
use crate::container::pyinstaller::contents::Record;
use crate::container::pyinstaller::contents::kind;
use crate::container::pyinstaller::cookie::Cookie;
use crate::container::pyinstaller::cookie::Found;
use crate::container::pyinstaller::frozen::Form;
use crate::container::pyinstaller::frozen::Frozen;
use crate::container::pyinstaller::frozen::New;
use crate::container::pyinstaller::frozen::Part;
use crate::container::pyinstaller::frozen::Structure;
use crate::limits::Limits;
use crate::name;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc;
use crate::pyc::HeaderLayout;
use crate::pyc::Magic;
use crate::pyc::Version;
use crate::pyc::versions::Implementation;
use crate::pyc::versions::Stage;
use crate::pyc::versions::VERSIONS;

/// Scripts and modules of a CArchive that are looked into for what they are; honest ones have some ten.
const LOOKED_INTO: usize = 4096;

/// What a member that lies behind an archive is called: a name that no file has.
const BEHIND: &[u8] = b"(behind the archive)";

/// Bytes behind an archive that are padding.
const PADDING: u64 = 16;

/// Finds the cookie in a file and reads the table of contents. Fails when there is neither a cookie nor a PYZ.
pub fn open(input: Input, limits: &Limits) -> Result<Frozen, Problem> {
    let Found { cookie, stray, archives } = cookie::find(&input).map_err(|error| blob::unreadable(&error))?;
    let mut survey = Survey {
        input: &input,
        limits,
        new: Vec::new(),
        oddities: Oddities::new(limits.findings_per_rule),
        problems: Vec::new(),
        header: Vec::new(),
    };
    match &cookie {
        Some(cookie) => survey.archive(cookie).map_err(|error| blob::unreadable(&error))?,
        None if archives.is_empty() => {
            let place = stray.first().copied().unwrap_or_default();
            return Err(
                Problem::at(ProblemKind::ArchiveDamaged, place).with_detail("no cookie that leads to an archive")
            );
        }
        None => survey.without_cookie(&archives),
    }
    for at in stray {
        survey.odd(OddityKind::CookieDiffers, None, at, "a cookie", "its magic, with numbers that lead nowhere");
    }
    let Survey { new, oddities, problems, header, .. } = survey;
    let structure = Structure { new, header, oddities, problems };
    Ok(Frozen::new(Kind::Pyinstaller, input, structure, limits))
}

/// What is gathered while an archive is read.
struct Survey<'a> {
    /// The file.
    input: &'a Input,
    /// The caps.
    limits: &'a Limits,
    /// The members.
    new: Vec<New>,
    /// What contradicts what; members by their place in `new`.
    oddities: Oddities,
    /// What could not be read.
    problems: Vec<Located>,
    /// The header for code without one.
    header: Vec<u8>,
}

impl Survey<'_> {
    /// Records an oddity.
    fn odd(&mut self, kind: OddityKind, member: Option<usize>, at: u64, expected: &str, observed: &str) {
        if self.oddities.wants(kind) {
            let (expected, observed) = (expected.to_owned(), observed.to_owned());
            self.oddities.push(Oddity { kind, member, offset: Some(at), expected, observed });
        }
    }

    /// Records a problem of the structure.
    fn problem(&mut self, problem: Problem) {
        self.problems.push(Located { path: None, problem });
    }

    /// Reads the archive that a cookie leads to.
    fn archive(&mut self, cookie: &Cookie) -> std::io::Result<()> {
        if !cookie.has_magic {
            let magic = self.input.bytes_at(cookie.at, cookie::MAGIC.len())?;
            let observed = format!("{}, which PyInstaller's own tools do not find", name::hex(&magic));
            self.odd(
                OddityKind::CookieDiffers,
                None,
                cookie.at,
                &format!("the magic {}", name::hex(&cookie::MAGIC)),
                &observed,
            );
        }
        let Contents { records, stopped, is_cut } = contents::read(self.input, cookie, self.limits.members)?;
        if let Some((at, why)) = stopped {
            self.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(why));
        }
        if is_cut {
            self.problem(Problem::new(ProblemKind::MemberCountLimit));
        }
        let contents_end = cookie.contents.saturating_add(cookie.contents_length);
        if contents_end != cookie.at {
            let observed = format!("it ends at {contents_end:#x}");
            self.odd(
                OddityKind::CookieDiffers,
                None,
                cookie.at,
                "the table of contents right before the cookie",
                &observed,
            );
        }
        self.header = self.find_header(cookie, &records)?;
        let mut looked_into = 0_usize;
        for record in &records {
            self.record(cookie, record, &mut looked_into);
        }
        self.behind(cookie)
    }

    /// The header that a pyc of this archive had: by the magic number of the PYZ, or else by the version in the cookie.
    fn find_header(&mut self, cookie: &Cookie, records: &[Record]) -> std::io::Result<Vec<u8>> {
        for record in records.iter().filter(|record| record.kind == kind::PYZ) {
            let at = cookie.start.saturating_add(record.offset);
            let head = self.input.bytes_at(at, 8)?;
            let magic = head.strip_prefix(&cookie::PYZ).and_then(|rest| rest.first_chunk::<4>()).copied().map(Magic);
            let Some(magic) = magic else { continue };
            let versions = pyc::lookup(magic);
            if let Some(series) = cookie.series()
                && !versions.is_empty()
                && !versions.iter().any(|version| version.serves(series))
            {
                let expected = format!("a magic number of Python {}.{}, as the cookie says", series.0, series.1);
                let observed = versions.first().map(Version::python).unwrap_or_default();
                self.odd(OddityKind::VersionDiffers, None, at.saturating_add(4), &expected, &observed);
            }
            return Ok(header_of(magic, cookie.series()));
        }
        Ok(cookie.series().and_then(release).map(|version| header_of(version.magic, None)).unwrap_or_default())
    }

    /// Adds the member of a record.
    fn record(&mut self, cookie: &Cookie, record: &Record, looked_into: &mut usize) {
        let index = self.new.len();
        let offset = cookie.start.saturating_add(record.offset);
        if !kind::ALL.contains(&record.kind) {
            let observed = format!("kind {}", name::shown(&[record.kind]));
            self.odd(OddityKind::RecordMalformed, Some(index), record.at, "a kind that PyInstaller writes", &observed);
        }
        if record.has_hidden_text {
            self.odd(OddityKind::RecordMalformed, Some(index), record.at, "zeros behind the name", "other bytes");
        }
        if matches!(record.kind, kind::OPTION | kind::DEPENDENCY) {
            if record.stored == 0 {
                return;
            }
            let observed = format!("{} bytes", record.stored);
            self.odd(
                OddityKind::RecordMalformed,
                Some(index),
                record.at,
                "an option or reference without data",
                &observed,
            );
        }
        let coding = if record.flag == 0 { Coding::Plain } else { Coding::Zlib };
        let blob = Blob { offset, stored: record.stored, size: Some(record.size), coding, shared: false };
        let form = if record.flag > 1 { Form::Encrypted } else { Form::Whole };
        let mut part = Part { blob, form };
        let mut name = record.name.clone();
        if cookie.is_windows() {
            name.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
        }
        if matches!(record.kind, kind::SCRIPT | kind::MODULE | kind::PACKAGE) && form == Form::Whole {
            let body = if *looked_into < LOOKED_INTO { self.body(&blob) } else { Body::Code };
            *looked_into = looked_into.saturating_add(1);
            if body == Body::Code && !self.header.is_empty() {
                part.form = Form::Headless;
            }
            name = match (record.kind, body) {
                (kind::SCRIPT, Body::Text) => with_ending(name, b".py"),
                (_, Body::Text) => name,
                (kind::SCRIPT, _) => with_ending(name, b".pyc"),
                (kind::PACKAGE, _) => pyz::module_path(&name, true),
                _ => pyz::module_path(&name, false),
            };
        }
        let kind = if record.kind == kind::LINK { MemberKind::Link } else { MemberKind::File };
        self.new.push(New { name, kind, part });
    }

    /// What the data of a script or module are.
    fn body(&self, blob: &Blob) -> Body {
        let excess = AtomicU64::new(0);
        let archive = Archive { input: self.input, limits: self.limits, excess: &excess };
        let head = archive.read(0, blob, 8, Vec::new()).bytes;
        match *head.as_slice() {
            [_, _, b'\r', b'\n', ..] => Body::Pyc,
            // A code object without arguments, with or without the flag of a reference.
            // Where nothing could be read, that is reported when the member is.
            [b'c' | 0xe3, 0, 0, ..] | [] => Body::Code,
            _ => Body::Text,
        }
    }

    /// Looks at what follows the cookie and is neither of the program's own format nor a signature.
    fn behind(&mut self, cookie: &Cookie) -> std::io::Result<()> {
        let Some(end) = program::explained_end(self.input, cookie.end())? else { return Ok(()) };
        let length = self.input.size().saturating_sub(end);
        if length <= PADDING {
            return Ok(());
        }
        let head = self.input.bytes_at(end, 16)?;
        let observed = format!("{length} bytes that begin with {}", name::hex(&head));
        self.odd(OddityKind::Trailing, Some(self.new.len()), end, "the end of the program", &observed);
        self.rest(end, length, BEHIND.to_vec());
        Ok(())
    }

    /// A file without a cookie that leads anywhere, but with PYZ archives.
    fn without_cookie(&mut self, archives: &[u64]) {
        let size = self.input.size();
        let mut archives = archives.to_vec();
        archives.sort_unstable();
        self.odd(OddityKind::CookieDiffers, None, size, "a cookie", "none, and archives of modules");
        let ends = archives.iter().skip(1).copied().chain([size]);
        for (&at, end) in archives.iter().zip(ends) {
            let name = format!("PYZ at {at:#x}.pyz");
            self.rest(at, end.saturating_sub(at), name.into_bytes());
        }
    }

    /// Adds bytes that no record tells of as a member.
    fn rest(&mut self, offset: u64, stored: u64, name: Vec<u8>) {
        let blob = Blob { offset, stored, size: None, coding: Coding::Plain, shared: false };
        self.new.push(New { name, kind: MemberKind::File, part: Part { blob, form: Form::Whole } });
    }
}

/// What the data of a script or module are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// Marshalled code.
    Code,
    /// A pyc with its header, as PyInstaller stored modules before 5.3.
    Pyc,
    /// Something else: the source, as PyInstaller stored scripts before 3.0.
    Text,
}

/// The final release of a series.
fn release((major, minor): (u8, u8)) -> Option<&'static Version> {
    let is_release = |version: &&Version| {
        version.implementation == Implementation::CPython
            && version.stage == Stage::Final
            && version.serves((major, minor))
    };
    VERSIONS.iter().rfind(is_release)
}

/// A header of this magic number that records nothing.
fn header_of(magic: Magic, series: Option<(u8, u8)>) -> Vec<u8> {
    let of_magic = pyc::lookup(magic).iter().find_map(|version| version.header);
    let of_series = || series.and_then(release).and_then(|version| version.header);
    let layout = of_magic.or_else(of_series).unwrap_or(HeaderLayout::Bytes16);
    let mut header = magic.0.to_vec();
    header.resize(layout.size(), 0);
    header
}

/// A name with this ending, unless it has it.
fn with_ending(mut name: Vec<u8>, ending: &[u8]) -> Vec<u8> {
    if !name.ends_with(ending) {
        name.extend_from_slice(ending);
    }
    name
}

/// Whether a program deserves to be searched through, and has an archive that PyInstaller's boot loaders would read.
pub(crate) fn is_in(input: &Input, head: &[u8]) -> bool {
    if !cookie::may_be_boot_loader(head) {
        return false;
    }
    cookie::find(input).is_ok_and(|found| found.cookie.is_some() || !found.archives.is_empty())
}
