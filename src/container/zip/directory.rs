//! Walks a central directory: every record in order, duplicates too, to its real end whatever the end record counts.

use crate::artifact::Times;
use crate::container::ArchiveRecord;
use crate::container::Input;
use crate::container::MemberKind;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::input::Window;
use crate::container::oddity::Oddities;
use crate::container::zip::end::Place;
use crate::container::zip::local;
use crate::container::zip::records::CENTRAL_SIZE;
use crate::container::zip::records::Central;
use crate::container::zip::records::Extra;
use crate::name;
use crate::problem::ProblemKind;

/// What is known of a member before the listing is made.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: Box<[u8]>,
    /// Its times.
    pub(super) times: Times,
    /// The archive's record of it.
    pub(super) record: ArchiveRecord,
}

impl Entry {
    /// What it is, by its name and mode.
    pub(super) fn kind(&self) -> MemberKind {
        const FORMAT: u32 = 0o170_000;
        const LINK: u32 = 0o120_000;
        if self.name.ends_with(b"/") {
            MemberKind::Folder
        } else if self.record.unix_mode().is_some_and(|mode| mode & FORMAT == LINK) {
            MemberKind::Link
        } else {
            MemberKind::File
        }
    }
}

/// What was found where a directory should be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walked {
    /// Its records.
    pub(super) count: u64,
    /// Where the last of them ends.
    pub(super) end: u64,
    /// What ended the walk early.
    pub(super) problem: Option<ProblemKind>,
}

/// Reads records from the start of a directory for as long as they come, up to `limit` entries in all.
pub(super) fn walk(
    input: &Input,
    place: Place,
    limit: usize,
    entries: &mut Vec<Entry>,
    oddities: &mut Oddities,
) -> Walked {
    let mut window = Window::new(input);
    let mut walked = Walked { count: 0, end: place.start, problem: None };
    loop {
        let at = walked.end;
        let Some(central) = window.get(at, CENTRAL_SIZE).ok().and_then(Central::parse) else { break };
        if entries.len() >= limit {
            walked.problem = Some(ProblemKind::MemberCountLimit);
            break;
        }
        let length = central.length();
        let Some(bytes) = window.get(at, length).ok().filter(|bytes| bytes.len() == length) else {
            walked.problem = Some(ProblemKind::ArchiveDamaged);
            break;
        };
        let rest = bytes.get(CENTRAL_SIZE..).unwrap_or_default();
        let (name, rest) = rest.split_at_checked(central.name.into()).unwrap_or((rest, &[]));
        let extra = rest.get(..central.extra.into()).unwrap_or_default();
        let entry = entry(&central, name, extra, at, place.shift, entries.len(), oddities);
        entries.push(entry);
        walked.count = walked.count.saturating_add(1);
        walked.end = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    }
    walked
}

/// Makes an entry of a record.
fn entry(
    central: &Central,
    name: &[u8],
    extra: &[u8],
    at: u64,
    shift: i64,
    index: usize,
    oddities: &mut Oddities,
) -> Entry {
    let mut odd = |kind, expected: String, observed: String| {
        oddities.push(Oddity { kind, member: Some(index), offset: Some(at), expected, observed });
    };
    let extra = Extra::parse(extra);
    if let Some(observed) = extra.malformed(central.extra) {
        odd(OddityKind::ExtraMalformed, "extra fields as they should be".to_owned(), observed);
    }
    let narrow = [central.size, central.compressed, central.offset];
    let [size, compressed, offset] = extra.widen(narrow).unwrap_or_else(|| {
        let expected = "a zip64 extra field with the values that 32 bits cannot hold".to_owned();
        odd(OddityKind::Zip64Differs, expected, "0xffffffff without such a field".to_owned());
        narrow.map(u64::from)
    });
    if let Some(wide) = extra.unasked(&narrow, size, compressed) {
        odd(OddityKind::Zip64Differs, local::sizes([size, compressed]), local::sizes(wide));
    }
    if central.comment > 0 {
        odd(OddityKind::Commented, "no comment".to_owned(), format!("{} bytes", central.comment));
    }
    if let Some((crc32, unicode)) = extra.name
        && crc32 == checksum(name)
        && unicode != name
    {
        odd(OddityKind::UnicodeNameDiffers, name::shown(name), name::shown(unicode));
    }
    let record = ArchiveRecord {
        method: central.method,
        local_method: None,
        flags: central.flags,
        made_by: central.made_by,
        needed: central.needed,
        crc32: Some(central.crc32),
        compressed_size: compressed,
        size: Some(size),
        internal_attributes: central.internal,
        external_attributes: central.external,
        local_offset: offset.saturating_add_signed(shift),
        data_offset: None,
        central_offset: Some(at),
    };
    let entry = Entry { name: name.into(), times: extra.times(central.dos), record };
    if entry.kind() == MemberKind::Folder && size > 0 {
        odd(OddityKind::FolderWithData, "no data".to_owned(), format!("{size} bytes"));
    } else if entry.kind() == MemberKind::File
        && entry.record.unix_mode().is_some_and(|mode| mode & 0o170_000 == 0o040_000)
    {
        odd(OddityKind::FolderWithData, "a name that ends in `/`".to_owned(), "the mode of a folder".to_owned());
    }
    entry
}

/// CRC-32 of some bytes.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}
