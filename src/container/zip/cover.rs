//! Which bytes of a zip belong to what: overlaps, gaps, and the members hidden in those.

use std::ops::Range;

use memchr::memmem;

use crate::container::ArchiveRecord;
use crate::container::Input;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::input::Window;
use crate::container::oddity::Oddities;
use crate::container::zip::directory::Entry;
use crate::container::zip::records::CENTRAL;
use crate::container::zip::records::DESCRIPTOR;
use crate::container::zip::records::END;
use crate::container::zip::records::Extra;
use crate::container::zip::records::Fields;
use crate::container::zip::records::LOCAL;
use crate::container::zip::records::LOCAL_SIZE;
use crate::container::zip::records::Local;
use crate::container::zip::records::STREAMED;

/// Bytes of an unclaimed region that are searched at a time.
const STEP: usize = 1 << 20;

/// Fewer bytes than these are not searched before more are read.
const LEAST: usize = 1 << 12;

/// How many end records in unclaimed regions are looked at.
const ENDS: usize = 32;

/// A range of bytes and the entry that it belongs to; `None` for directories and end records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    /// Where it begins.
    pub(super) start: u64,
    /// Where it ends.
    pub(super) end: u64,
    /// The entry.
    pub(super) entry: Option<usize>,
}

/// The claims of entries: local header, data, and the descriptor after them.
pub(super) fn claims_of(entries: &[Entry], first: usize) -> impl Iterator<Item = Claim> {
    entries.iter().enumerate().skip(first).filter_map(|(index, entry)| {
        let data = entry.record.data_offset?;
        let end = data.saturating_add(entry.record.compressed_size);
        Some(Claim { start: entry.record.local_offset, end, entry: Some(index) })
    })
}

/// Walks through sorted claims: what lies between them, and, when `oddities` are given, which of them overlap.
pub(super) fn unclaimed(
    input: &Input,
    claims: &[Claim],
    entries: &[Entry],
    mut oddities: Option<&mut Oddities>,
) -> Vec<Range<u64>> {
    let size = input.size();
    let mut regions = Vec::new();
    let mut until = 0_u64;
    let mut last: Option<&Claim> = None;
    for claim in claims {
        if let Some(oddities) = oddities.as_deref_mut() {
            missing_descriptor(input, claim, entries, oddities);
        }
        if claim.start > until {
            let descriptor = last
                .and_then(|last| entries.get(last.entry?))
                .map_or(0, |entry| descriptor(input, &entry.record, until, claim.start));
            let start = until.saturating_add(descriptor);
            if start < claim.start {
                regions.push(start..claim.start.min(size));
            }
        } else if claim.start < until
            && let Some(oddities) = oddities.as_deref_mut()
            && oddities.wants(OddityKind::Overlap)
        {
            oddities.push(Oddity {
                kind: OddityKind::Overlap,
                member: claim.entry.or_else(|| last.and_then(|last| last.entry)),
                offset: Some(claim.start),
                expected: format!("nothing that belongs to something else before {until:#x}"),
                observed: format!("{:#x} to {:#x}", claim.start, claim.end),
            });
        }
        if claim.end >= until {
            until = claim.end;
            last = Some(claim);
        }
    }
    if until < size {
        let descriptor = last
            .and_then(|last| entries.get(last.entry?))
            .map_or(0, |entry| descriptor(input, &entry.record, until, size));
        if until.saturating_add(descriptor) < size {
            regions.push(until.saturating_add(descriptor)..size);
        }
    }
    regions.retain(|region| region.start < region.end);
    regions
}

/// Notes a member whose flags promise a data descriptor that is not behind its data.
fn missing_descriptor(input: &Input, claim: &Claim, entries: &[Entry], oddities: &mut Oddities) {
    let Some((index, entry)) = claim.entry.and_then(|index| Some((index, entries.get(index)?))) else { return };
    let record = &entry.record;
    let is_promised = record.flags & STREAMED != 0 && record.central_offset.is_some() && claim.end < input.size();
    if !is_promised || descriptor(input, record, claim.end, input.size()) > 0 {
        return;
    }
    if oddities.wants(OddityKind::DescriptorMissing) {
        oddities.push(Oddity {
            kind: OddityKind::DescriptorMissing,
            member: Some(index),
            offset: Some(claim.end),
            expected: "CRC-32 and sizes behind the data, as the flags say".to_owned(),
            observed: "none that are those of the record".to_owned(),
        });
    }
}

/// Bytes of the data descriptor at `at`, if one of the forms of APPNOTE 4.3.9 is there and says what the record says.
fn descriptor(input: &Input, record: &ArchiveRecord, at: u64, until: u64) -> u64 {
    if record.flags & STREAMED == 0 {
        return 0;
    }
    let room = usize::try_from(until.saturating_sub(at)).unwrap_or(usize::MAX).min(24);
    let Ok(bytes) = input.bytes_at(at, room) else { return 0 };
    for (body, short, long) in [(bytes.strip_prefix(&DESCRIPTOR), 16, 24), (Some(bytes.as_slice()), 12, 20)] {
        let Some(body) = body else { continue };
        let mut fields = Fields(body);
        if fields.u32() != record.crc32 {
            continue;
        }
        let mut narrow = fields;
        if narrow.u32().map(u64::from) == Some(record.compressed_size) && narrow.u32().map(u64::from) == record.size {
            return short;
        }
        if fields.u64() == Some(record.compressed_size) && fields.u64() == record.size {
            return long;
        }
    }
    0
}

/// What was found in a region that nothing claims.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Members that only a local header tells of.
    pub(super) entries: Vec<Entry>,
    /// Offsets of end records.
    pub(super) ends: Vec<u64>,
    /// Offsets of the first records of what may be a directory without an end record.
    pub(super) directory: Option<u64>,
}

/// Searches a region for local headers and end records. `limit` is how many entries there may be.
pub(super) fn search(input: &Input, region: &Range<u64>, limit: usize, hidden: &mut Hidden) {
    let mut window = Window::new(input);
    let mut at = region.start;
    while at < region.end && hidden.entries.len() < limit {
        let left = usize::try_from(region.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let Ok(bytes) = window.some(at, left.min(LEAST), left.min(STEP)) else { return };
        let Some((found, signature)) = first_signature(bytes) else {
            if bytes.len() == left || bytes.len() < LEAST {
                return;
            }
            // A signature may lie across the border.
            at = at.saturating_add(u64::try_from(bytes.len().saturating_sub(3)).unwrap_or(u64::MAX));
            continue;
        };
        at = at.saturating_add(u64::try_from(found).unwrap_or(u64::MAX));
        let mut next = at.saturating_add(4);
        if signature == LOCAL {
            if let Some((entry, end)) = recovered(input, at, region.end) {
                hidden.entries.push(entry);
                next = end.max(next);
            }
        } else if signature == END {
            if hidden.ends.len() < ENDS {
                hidden.ends.push(at);
            }
        } else if hidden.directory.is_none() {
            hidden.directory = Some(at);
        }
        at = next;
    }
}

/// The first of the three signatures that matter in these bytes.
fn first_signature(bytes: &[u8]) -> Option<(usize, [u8; 4])> {
    memmem::find_iter(bytes, b"PK").find_map(|at| {
        let signature = bytes.get(at..)?.first_chunk::<4>()?;
        [LOCAL, END, CENTRAL].contains(signature).then_some((at, *signature))
    })
}

/// The member whose local header is at this offset, and where it ends; `None` for what only looks like one.
fn recovered(input: &Input, at: u64, until: u64) -> Option<(Entry, u64)> {
    let local = Local::parse(&input.bytes_at(at, LOCAL_SIZE).ok()?)?;
    let data = at.saturating_add(local.length());
    // Versions go up to 6.3 and methods to 20, then from 93 to 99 (APPNOTE 4.4.3 and 4.4.5).
    let plausible =
        local.needed & 0xff <= 63 && matches!(local.method, 0..=20 | 93..=99) && local.name > 0 && data <= until;
    if !plausible {
        return None;
    }
    let length = usize::try_from(local.length()).ok()?;
    let header = input.bytes_at(at, length).ok().filter(|header| header.len() == length)?;
    let (name, rest) = header.get(LOCAL_SIZE..)?.split_at_checked(local.name.into())?;
    // A program that reads zips has the signature as a constant. No honest name has controls, and a dishonest one that does is
    // still reported as bytes that belong to nothing.
    if name.iter().any(u8::is_ascii_control) {
        return None;
    }
    let extra = Extra::parse(rest);
    let [size, compressed] = extra.widen([local.size, local.compressed])?;
    let mut record = ArchiveRecord {
        method: local.method,
        local_method: Some(local.method),
        flags: local.flags,
        made_by: 0,
        needed: local.needed,
        crc32: Some(local.crc32),
        compressed_size: compressed,
        size: Some(size),
        internal_attributes: 0,
        external_attributes: 0,
        local_offset: at,
        data_offset: Some(data),
        central_offset: None,
    };
    let mut end = data.saturating_add(compressed);
    if local.flags & STREAMED != 0 && compressed == 0 {
        end = streamed(input, data, until, &mut record);
    } else if end > until {
        // The rest of a file that was cut off belongs to its last member; elsewhere such a size makes the header a chance find.
        if until < input.size() {
            return None;
        }
        end = until;
    }
    Some((Entry { name: name.into(), times: extra.times(local.dos), record }, end))
}

/// Finds the end of a member whose sizes follow its data: the descriptor that counts exactly the bytes before it, else the
/// next record, else the end of the region.
fn streamed(input: &Input, data: u64, until: u64, record: &mut ArchiveRecord) -> u64 {
    let mut window = Window::new(input);
    let mut at = data;
    let mut next_record = None;
    while at < until {
        let left = usize::try_from(until.saturating_sub(at)).unwrap_or(usize::MAX);
        let Ok(bytes) = window.some(at, left.min(LEAST), left.min(STEP)) else { break };
        let mut fits = None;
        for found in memmem::find_iter(bytes, b"PK") {
            let Some(rest) = bytes.get(found..) else { break };
            let place = at.saturating_add(u64::try_from(found).unwrap_or(u64::MAX));
            if rest.starts_with(&DESCRIPTOR) {
                let compressed = place.saturating_sub(data);
                let mut fields = Fields(rest.get(4..).unwrap_or_default());
                let crc32 = fields.u32();
                let mut narrow = fields;
                let size = if narrow.u32().map(u64::from) == Some(compressed) {
                    narrow.u32().map(u64::from)
                } else if fields.u64() == Some(compressed) {
                    fields.u64()
                } else {
                    None
                };
                if size.is_some() {
                    fits = Some((place, crc32, size));
                    break;
                }
            } else if next_record.is_none() && [LOCAL, CENTRAL, END].iter().any(|signature| rest.starts_with(signature))
            {
                next_record = Some(place);
            }
        }
        if let Some((place, crc32, size)) = fits {
            (record.crc32, record.size, record.compressed_size) = (crc32, size, place.saturating_sub(data));
            return place;
        }
        if bytes.len() == left || bytes.len() < LEAST {
            break;
        }
        // A descriptor of 24 bytes may lie across the border.
        at = at.saturating_add(u64::try_from(bytes.len().saturating_sub(24)).unwrap_or(u64::MAX));
    }
    let end = next_record.unwrap_or(until);
    (record.crc32, record.size, record.compressed_size) = (None, None, end.saturating_sub(data));
    end
}
