//! A PYZ: modules as marshalled code, each compressed by zlib, and a marshalled table of contents (`ZlibArchiveReader` in
//! PyInstaller's loader/pyimod01_archive.py). It stands in a CArchive, or by itself among the files of a build.

use crate::container::Input;
use crate::container::Kind;
use crate::container::Located;
use crate::container::MemberKind;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::blob;
use crate::container::blob::Blob;
use crate::container::blob::Coding;
use crate::container::oddity::Oddities;
use crate::container::pyinstaller::cookie;
use crate::container::pyinstaller::frozen::Form;
use crate::container::pyinstaller::frozen::Frozen;
use crate::container::pyinstaller::frozen::New;
use crate::container::pyinstaller::frozen::Part;
use crate::container::pyinstaller::frozen::Structure;
use crate::container::pyinstaller::header_of;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc;
use crate::pyc::Magic;
use crate::pyc::Scratch;
use crate::pyc::Value;

/// Bytes of the header: magic, magic number of Python, place of the table of contents, a byte that says whether the modules are
/// encrypted (PyInstaller 3 to 5), four that nothing is in.
const HEADER: usize = 17;

/// The series whose marshal reads every table of contents, when the magic number is not known.
const ANY_SERIES: (u8, u8) = (3, 12);

/// What a table of contents says of a module.
struct Entry {
    name: Vec<u8>,
    kind: i64,
    offset: u64,
    stored: u64,
}

/// Reads the table of contents. Fails when the input cannot be read at all, or is no PYZ.
pub fn open(input: Input, limits: &Limits) -> Result<Frozen, Problem> {
    let head = input.bytes_at(0, HEADER).map_err(|error| blob::unreadable(&error))?;
    let word = |at: usize| head.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied();
    let (Some(cookie::PYZ), Some(magic), Some(contents)) = (word(0), word(4), word(8)) else {
        return Err(Problem::at(ProblemKind::ArchiveDamaged, 0).with_detail("no header of a PYZ"));
    };
    let (magic, contents) = (Magic(magic), u64::from(u32::from_be_bytes(contents)));
    let is_encrypted = head.get(12) == Some(&1);
    let mut pyz =
        Reading { entries: Vec::new(), oddities: Oddities::new(limits.findings_per_rule), problems: Vec::new() };
    pyz.contents(&input, magic, contents, limits)?;
    if is_encrypted {
        let expected = "modules that can be read".to_owned();
        let observed = "the header says that they are encrypted".to_owned();
        pyz.oddities.push(Oddity {
            kind: OddityKind::EncryptedCode,
            member: None,
            offset: Some(12),
            expected,
            observed,
        });
    }
    let Reading { entries, oddities, problems } = pyz;
    let new = entries.into_iter().filter_map(|entry| member(entry, is_encrypted)).collect();
    let problems = problems.into_iter().map(|problem| Located { path: None, problem }).collect();
    let structure = Structure { new, header: header_of(magic, None), oddities, problems };
    Ok(Frozen::new(Kind::Pyz, input, structure, limits))
}

/// The member that an entry stands for; `None` for a namespace package, which is nothing but its name (PEP 420).
fn member(entry: Entry, is_encrypted: bool) -> Option<New> {
    let Entry { name, kind, offset, stored } = entry;
    if kind == 3 && stored == 0 {
        return None;
    }
    let blob = Blob { offset, stored, size: None, coding: Coding::Zlib, shared: false };
    let is_code = kind != 2;
    let form = match (is_encrypted, is_code) {
        (true, _) => Form::Encrypted,
        (false, true) => Form::Headless,
        (false, false) => Form::Whole,
    };
    let name = if is_code { module_path(&name, kind == 1) } else { name };
    Some(New { name, kind: MemberKind::File, part: Part { blob, form } })
}

/// The path of a module: its dots are slashes, unless it has slashes or empty parts, which no module has.
pub(super) fn module_path(name: &[u8], is_package: bool) -> Vec<u8> {
    let is_plain = !name.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0))
        && name.split(|&byte| byte == b'.').all(|part| !part.is_empty());
    let path: Vec<u8> = if is_plain {
        name.iter().map(|&byte| if byte == b'.' { b'/' } else { byte }).collect()
    } else {
        name.to_vec()
    };
    let ending: &[u8] = if is_package { b"/__init__.pyc" } else { b".pyc" };
    [&path, ending].concat()
}

/// What is gathered while a table of contents is read.
struct Reading {
    entries: Vec<Entry>,
    oddities: Oddities,
    problems: Vec<Problem>,
}

impl Reading {
    /// Reads the table of contents: a list of pairs, in older versions a dict.
    fn contents(&mut self, input: &Input, magic: Magic, at: u64, limits: &Limits) -> Result<(), Problem> {
        let at = at.min(input.size());
        let length = input.size().saturating_sub(at).min(limits.member_size);
        let bytes = input
            .bytes_at(at, usize::try_from(length).unwrap_or(usize::MAX))
            .map_err(|error| blob::unreadable(&error))?;
        let known = pyc::lookup(magic).iter().find(|version| version.is_read());
        let Some(version) = known.or_else(|| super::release(ANY_SERIES)) else { return Ok(()) };
        let mut scratch = Scratch::default();
        let parsed = pyc::read_object(&bytes, version, limits, &mut scratch);
        let shift = |offset: Option<u64>| at.saturating_add(offset.unwrap_or_default());
        if let Some(problem) = parsed.problems.first() {
            let problem = Problem::at(ProblemKind::ArchiveDamaged, shift(problem.offset))
                .with_detail(format!("the table of contents: {}", problem.kind.message()));
            self.problems.push(problem);
        }
        let tree = parsed.value;
        let odd = match tree.top() {
            Some(Value::List(items)) => {
                items.iter().take(limits.members).filter(|&item| self.pair(item).is_none()).count()
            }
            Some(Value::Dict(items)) => {
                let keys = (0..items.len()).step_by(2).take(limits.members);
                keys.filter(|&index| {
                    items
                        .get(index)
                        .zip(items.get(index.saturating_add(1)))
                        .and_then(|(name, place)| self.entry(name, place))
                        .is_none()
                })
                .count()
            }
            Some(_) => {
                self.problems.push(
                    Problem::at(ProblemKind::ArchiveDamaged, at)
                        .with_detail("the table of contents is neither a list nor a dict"),
                );
                0
            }
            None => 0,
        };
        if odd > 0 {
            let detail = format!("{odd} entries of the table of contents are no name with a place");
            self.problems.push(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
        }
        if self.entries.len() >= limits.members {
            self.problems.push(Problem::new(ProblemKind::MemberCountLimit));
        }
        let end = shift(tree.pyc.body.root().map(|root| root.end));
        let trailing = tree.pyc.trailing;
        if trailing > 0 && self.problems.is_empty() {
            let offset = input.size().saturating_sub(trailing).max(end);
            self.oddities.push(Oddity {
                kind: OddityKind::Trailing,
                member: None,
                offset: Some(offset),
                expected: "the end of the table of contents".to_owned(),
                observed: format!("{trailing} more bytes"),
            });
        }
        Ok(())
    }

    /// An entry of a list: name and place.
    fn pair(&mut self, item: Value<'_>) -> Option<()> {
        let Value::Tuple(pair) = item else { return None };
        self.entry(pair.get(0)?, pair.get(1)?)
    }

    /// A name and a place: kind, offset, length.
    fn entry(&mut self, name: Value<'_>, place: Value<'_>) -> Option<()> {
        let Value::Tuple(place) = place else { return None };
        let number = |index: usize| match place.get(index)? {
            Value::Int(number) => Some(number),
            // The oldest archives say whether it is a package.
            Value::True => Some(1),
            Value::False => Some(0),
            Value::Long(long) => i64::try_from(long.to_i128()?).ok(),
            _ => None,
        };
        let name = match name {
            Value::Text(text) => text.to_bytes().into_owned(),
            Value::Bytes(bytes) => bytes.to_vec(),
            _ => return None,
        };
        let (kind, offset, stored) = (number(0)?, u64::try_from(number(1)?).ok()?, u64::try_from(number(2)?).ok()?);
        self.entries.push(Entry { name, kind, offset, stored });
        Some(())
    }
}

/// Whether a file begins as a PYZ: its magic, then a magic number of Python, which ends in CR LF.
pub(crate) fn is_pyz(head: &[u8]) -> bool {
    head.starts_with(&cookie::PYZ) && head.get(6..8) == Some(b"\r\n") && head.len() >= 12
}
