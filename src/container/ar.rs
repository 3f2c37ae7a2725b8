//! Debian packages: an ar archive with three members, of which two are tars (deb(5), ar(5)).
//!
//! The members are read by position, so that the tars are opened without being copied. Both ways of writing long names are
//! understood, though dpkg writes neither. Other ar archives, static libraries, hold no Python and are not opened.

use crate::artifact::Times;
use crate::container::Container;
use crate::container::Input;
use crate::container::Kind;
use crate::container::MemberKind;
use crate::container::OddityKind;
use crate::container::codec::length;
use crate::container::flow::Flow;
use crate::container::format::Probe;
use crate::container::format::ends_with_any;
use crate::container::sequence::Record;
use crate::container::sequence::Sequence;
use crate::container::sequence::Survey;
use crate::limits::Limits;
use crate::name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// How every ar archive begins.
const MAGIC: &[u8; 8] = b"!<arch>\n";

/// Bytes of a header.
const HEADER: usize = 60;

/// Names of files that are Debian packages; `.ipk` are those of OpenWrt that are ar archives.
const NAMES: &[&[u8]] = &[b".deb", b".udeb", b".ddeb", b".ipk"];

/// The longest name, and the longest table of names, that is read.
const LONGEST: u64 = 1 << 16;

/// Whether a file is a Debian package.
pub(crate) fn sniff(probe: &Probe<'_>) -> bool {
    let Some(rest) = probe.head.strip_prefix(MAGIC) else { return false };
    rest.starts_with(b"debian-binary") || ends_with_any(probe.name, NAMES)
}

/// Opens a Debian package.
#[expect(clippy::unnecessary_wraps, reason = "an opener of the table")]
pub(crate) fn open(input: Input, name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    Some(Ok(Box::new(Sequence::open(input, name, &walk, Kind::Deb, limits))))
}

/// The fields of a header.
struct Header<'a> {
    name: &'a [u8],
    date: &'a [u8],
    size: &'a [u8],
    end: &'a [u8],
}

impl<'a> Header<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let field = |from: usize, to: usize| bytes.get(from..to);
        Some(Self { name: field(0, 16)?, date: field(16, 28)?, size: field(48, 58)?, end: field(58, 60)? })
    }
}

/// A decimal number that is padded with spaces.
fn number(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field.trim_ascii_end())
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?
        .parse()
        .ok()
}

/// Passes over all members.
fn walk(flow: &mut Flow<'_>, survey: &mut Survey<'_>) {
    flow.skip(length(MAGIC.len()));
    let mut names = Vec::new();
    while !survey.is_full() {
        let at = flow.position();
        let bytes = match flow.peek(HEADER) {
            Ok(bytes) => bytes.to_vec(),
            Err(error) => {
                survey.problem(Problem::at(ProblemKind::Unreadable, at).with_detail(error.to_string()));
                break;
            }
        };
        let Some(header) = Header::of(&bytes) else {
            if !bytes.is_empty() {
                let observed = format!("{} bytes that are no header", bytes.len());
                survey.odd(OddityKind::Trailing, None, at, "nothing after the last member", &observed);
            }
            break;
        };
        let size = number(header.size).filter(|_| header.end == b"`\n");
        let Some(size) = size else {
            let detail = format!("no header of a member: `{}`", name::shown(&bytes));
            survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
            break;
        };
        flow.skip(length(HEADER));
        if !member(flow, survey, at, &header, size, &mut names) {
            break;
        }
        pad(flow, survey, size);
    }
    judge(survey);
}

/// Takes in one member; says whether it was all there.
fn member(
    flow: &mut Flow<'_>,
    survey: &mut Survey<'_>,
    at: u64,
    header: &Header<'_>,
    size: u64,
    names: &mut Vec<u8>,
) -> bool {
    let mut record = Record::new(header.name.trim_ascii_end().to_vec(), MemberKind::File);
    record.length = size;
    match number(header.date).and_then(|date| i64::try_from(date).ok()) {
        Some(date) => record.times = Times { unix: Some(date), ..Times::default() },
        None if header.date.trim_ascii_end().is_empty() => {}
        None => {
            let observed = name::shown(header.date);
            survey.odd(OddityKind::NumberMalformed, Some(survey.count()), at, "a time in decimal digits", &observed);
        }
    }
    if record.name == b"//" {
        *names = flow.take(size.min(LONGEST)).unwrap_or_default();
        let rest = size.saturating_sub(LONGEST.min(size));
        return flow.skip(rest) == rest && length(names.len()) == size.min(LONGEST);
    }
    if let Some(long) = record.name.strip_prefix(b"#1/").and_then(number) {
        // BSD: the name stands before the data and counts as a part of them.
        let long = long.min(size).min(LONGEST);
        record.name = flow.take(long).unwrap_or_default();
        record.length = size.saturating_sub(long);
        let end = record.name.iter().rposition(|&byte| byte != 0).map_or(0, |last| last.saturating_add(1));
        record.name.truncate(end);
    } else if let Some(place) = record.name.strip_prefix(b"/").filter(|digits| !digits.is_empty()).and_then(number) {
        // GNU: the name stands in a table before.
        let from = usize::try_from(place).ok().and_then(|place| names.get(place..)).unwrap_or_default();
        let name = from.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if name.is_empty() {
            let expected = "a name in the table of names";
            survey.odd(OddityKind::NameDiffers, Some(survey.count()), at, expected, &format!("none at {place}"));
        } else {
            record.name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        }
    } else if record.name.len() > 1 && record.name.ends_with(b"/") {
        record.name.pop();
    }
    let name = record.name.clone();
    let length = record.length;
    let whole = survey.member(flow, record);
    if !whole && !survey.is_full() {
        let detail = format!("`{}` has {length} bytes, and the archive ends before", name::shown(&name));
        survey.problem(Problem::at(ProblemKind::ArchiveDamaged, at).with_detail(detail));
    }
    whole
}

/// Passes over the byte that makes the size of a member even.
fn pad(flow: &mut Flow<'_>, survey: &mut Survey<'_>, size: u64) {
    if size % 2 == 1 {
        let at = flow.position();
        let byte = flow.peek(1).ok().and_then(|bytes| bytes.first().copied());
        if let Some(byte) = byte.filter(|byte| !matches!(byte, b'\n' | 0)) {
            survey.odd(OddityKind::Filling, None, at, "a line feed", &name::shown(&[byte]));
        }
        flow.skip(1);
    }
}

/// Whether the members are those that dpkg takes, in its order: it stops behind the data, whatever follows.
fn judge(survey: &mut Survey<'_>) {
    let names: Vec<Vec<u8>> =
        (0..survey.count()).map_while(|index| survey.name_of(index).map(<[u8]>::to_vec)).collect();
    // Members that begin with an underscore are for other programs, and may stand before the data.
    let mut known = names.iter().enumerate().filter(|(_, name)| !name.starts_with(b"_"));
    let mut expect = |start: &[u8]| known.next().is_some_and(|(_, name)| name.starts_with(start));
    let in_order = expect(b"debian-binary") && expect(b"control.tar") && expect(b"data.tar");
    if !in_order {
        let listed: Vec<String> = names.iter().take(8).map(|name| name::shown(name)).collect();
        let expected = "debian-binary, control.tar, data.tar";
        survey.odd(OddityKind::RecordMalformed, None, 8, expected, &listed.join(", "));
        return;
    }
    let data = names.iter().position(|name| name.starts_with(b"data.tar")).unwrap_or_default();
    for (index, name) in names.iter().enumerate().skip(data.saturating_add(1)) {
        let observed = format!("`{}` behind the data", name::shown(name));
        let at = survey.offset_of(index);
        survey.odd(OddityKind::AfterEnd, Some(index), at, "nothing that dpkg does not read", &observed);
    }
}
