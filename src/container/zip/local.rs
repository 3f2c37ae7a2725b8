//! Compares the local header of every member with its central record, and finds where the data begin.

use rayon::prelude::*;

use crate::container::Input;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::oddity::Oddities;
use crate::container::zip::directory::Entry;
use crate::container::zip::records::Extra;
use crate::container::zip::records::LOCAL_SIZE;
use crate::container::zip::records::Local;
use crate::container::zip::records::STREAMED;
use crate::name;

/// Entries that one thread takes at a time.
const CHUNK: usize = 256;

/// What the local header of one entry says.
#[derive(Debug, Default)]
struct Found {
    /// Where the header is.
    local_offset: u64,
    /// Where the data begin.
    data_offset: Option<u64>,
    /// The method it gives.
    method: Option<u16>,
    /// What it contradicts: kind, expected, observed.
    differences: Vec<(OddityKind, String, String)>,
}

/// Sets `data_offset` of the entries from `first` on, whose recorded offsets were shifted by `shift`.
pub(super) fn check(input: &Input, shift: i64, first: usize, entries: &mut [Entry], oddities: &mut Oddities) {
    let Some(new) = entries.get_mut(first..) else { return };
    let found: Vec<Found> = if new.len() <= CHUNK {
        new.iter().map(|entry| look(input, shift, entry)).collect()
    } else {
        new.par_iter().with_min_len(CHUNK).map(|entry| look(input, shift, entry)).collect()
    };
    for (index, (entry, found)) in (first..).zip(new.iter_mut().zip(found)) {
        entry.record.data_offset = found.data_offset;
        entry.record.local_method = found.method;
        entry.record.local_offset = found.local_offset;
        for (kind, expected, observed) in found.differences {
            let offset = Some(entry.record.place(input.size()));
            oddities.push(Oddity { kind, member: Some(index), offset, expected, observed });
        }
    }
}

/// Reads the local header of an entry.
fn look(input: &Input, shift: i64, entry: &Entry) -> Found {
    let record = &entry.record;
    // The header, its name and most extra fields in one call.
    let mut buffer = [0; 256];
    let wanted = LOCAL_SIZE.saturating_add(entry.name.len()).saturating_add(36).min(buffer.len());
    let mut read = |offset| {
        let count = input.read_at(buffer.get_mut(..wanted)?, offset).ok()?;
        let bytes = buffer.get(..count)?;
        Local::parse(bytes).map(|local| (local, bytes.to_vec()))
    };
    let mut found = Found { local_offset: record.local_offset, ..Found::default() };
    let at = record.local_offset;
    let as_recorded = at.checked_add_signed(shift.saturating_neg()).filter(|&other| other != at);
    let Some((local, bytes)) = read(at).or_else(|| {
        // Some writers count a prefix in these offsets and not in that of the directory.
        let other = as_recorded?;
        let header = read(other)?;
        found.local_offset = other;
        Some(header)
    }) else {
        let expected = "a local header".to_owned();
        found.differences.push((OddityKind::LocalMissing, expected, "no signature there".to_owned()));
        return found;
    };
    if found.local_offset != at {
        let (expected, observed) = (format!("a local header at {at:#x}"), format!("one at {:#x}", found.local_offset));
        found.differences.push((OddityKind::LocalMissing, expected, observed));
    }
    // A header whose name runs out of the archive has no data.
    let header_end = found.local_offset.saturating_add(local.length());
    found.data_offset = Some(header_end.min(input.size()));
    found.method = Some(local.method);
    let length = usize::try_from(local.length()).unwrap_or(usize::MAX);
    let whole =
        if length <= bytes.len() { bytes } else { input.bytes_at(found.local_offset, length).unwrap_or_default() };
    let rest = whole.get(LOCAL_SIZE..).unwrap_or_default();
    let (name, rest) = rest.split_at_checked(local.name.into()).unwrap_or((rest, &[]));
    let extra = Extra::parse(rest.get(..local.extra.into()).unwrap_or_default());
    compare(entry, &local, name, &extra, &mut found.differences);
    found
}

/// Two sizes for a person.
pub(super) fn sizes([size, compressed]: [u64; 2]) -> String {
    format!("size {size}, compressed size {compressed}")
}

/// Notes where a local header contradicts the central record.
fn compare(
    entry: &Entry,
    local: &Local,
    name: &[u8],
    extra: &Extra<'_>,
    differences: &mut Vec<(OddityKind, String, String)>,
) {
    let record = &entry.record;
    if *name != *entry.name {
        differences.push((OddityKind::LocalNameDiffers, name::shown(&entry.name), name::shown(name)));
    }
    let mut field = |what: &str, central: u64, local: u64| {
        if central != local {
            differences.push((OddityKind::LocalFieldDiffers, format!("{what} {central}"), format!("{what} {local}")));
        }
    };
    field("method", record.method.into(), local.method.into());
    // Bits 1 and 2 tell how hard the compressor tried; some writers know that only for one of the records.
    field("flags", (record.flags & !6).into(), (local.flags & !6).into());
    // Fields of a streamed member may be zero in the local header: the data descriptor has them.
    let streamed = local.flags & STREAMED != 0;
    let known = |value: u64| !streamed || value != 0;
    if let Some(crc32) = record.crc32.filter(|_| known(local.crc32.into())) {
        field("CRC-32", crc32.into(), local.crc32.into());
    }
    match extra.widen([local.size, local.compressed]) {
        Some([size, compressed]) => {
            if let Some(central) = record.size.filter(|_| known(size)) {
                field("size", central, size);
            }
            if known(compressed) {
                field("compressed size", record.compressed_size, compressed);
            }
        }
        None => differences.push((
            OddityKind::Zip64Differs,
            "a zip64 extra field with the values that 32 bits cannot hold".to_owned(),
            "0xffffffff without such a field".to_owned(),
        )),
    }
    if let Some(observed) = extra.malformed(local.extra) {
        let observed = format!("{observed}, in the local header");
        differences.push((OddityKind::ExtraMalformed, "extra fields as they should be".to_owned(), observed));
    }
    let claimed = [record.size.unwrap_or_default(), record.compressed_size];
    if !streamed && let Some(wide) = extra.unasked(&[local.size, local.compressed], claimed[0], claimed[1]) {
        differences.push((OddityKind::Zip64Differs, sizes(claimed), sizes(wide) + " in the local header"));
    }
}
