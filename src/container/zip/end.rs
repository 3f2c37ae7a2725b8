//! Finds the end records of a zip, and the directory that each of them points to.

use std::io;

use memchr::memmem;

use crate::container::Input;
use crate::container::input::Window;
use crate::container::zip::records::CENTRAL;
use crate::container::zip::records::END;
use crate::container::zip::records::END_SIZE;
use crate::container::zip::records::END64_SIZE;
use crate::container::zip::records::End;
use crate::container::zip::records::End64;
use crate::container::zip::records::Fields;
use crate::container::zip::records::LOCATOR64;
use crate::container::zip::records::LOCATOR64_SIZE;

/// Bytes from the end of a file within which readers look for an end record: its 22 bytes and the longest comment.
pub(in crate::container) const TAIL: u64 = 22 + 65_535;

/// How many end records are looked at. More are either forged or members that hold archives.
const CANDIDATES: usize = 32;

/// Where a directory is, by an end record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where its first record is.
    pub(super) start: u64,
    /// What has to be added to the offsets that the archive records: the length of a prefix that they do not count.
    pub(super) shift: i64,
    /// Whether it was found where the directory's size puts it. Otherwise only the recorded offset led to it.
    pub(super) by_size: bool,
}

/// The end records among the last bytes of a file, the last first. When there is none, the last one before.
pub(super) fn find(input: &Input) -> io::Result<Vec<End>> {
    let from = input.size().saturating_sub(TAIL);
    let tail = input.bytes_at(from, usize::try_from(TAIL).unwrap_or(usize::MAX))?;
    let found: Vec<u64> = memmem::rfind_iter(&tail, &END)
        .filter_map(|at| from.checked_add(u64::try_from(at).ok()?))
        .take(CANDIDATES)
        .collect();
    if !found.is_empty() || from == 0 {
        return Ok(found.into_iter().filter_map(|at| read(input, at)).collect());
    }
    Ok(search_back(input, from)?.into_iter().collect())
}

/// The last end record of a file that lies wholly or partly before `until`.
fn search_back(input: &Input, until: u64) -> io::Result<Option<End>> {
    const STEP: u64 = 1 << 20;
    let mut end = until.saturating_add(3);
    loop {
        let start = end.saturating_sub(STEP);
        let chunk = input.bytes_at(start, usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX))?;
        for at in memmem::rfind_iter(&chunk, &END) {
            let at = start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            if let Some(end) = read(input, at).filter(|end| place(input, end).is_some()) {
                return Ok(Some(end));
            }
        }
        if start == 0 {
            return Ok(None);
        }
        // A signature may lie across the border.
        end = start.saturating_add(3);
    }
}

/// The end record at this offset with its zip64 part.
pub(super) fn read(input: &Input, at: u64) -> Option<End> {
    let mut end = End::parse(&input.bytes_at(at, END_SIZE).ok()?, at)?;
    end.zip64 = zip64(input, at);
    Some(end)
}

/// The zip64 end record whose locator comes just before the end record at `at`.
fn zip64(input: &Input, at: u64) -> Option<End64> {
    let locator = at.checked_sub(u64::try_from(LOCATOR64_SIZE).ok()?)?;
    let bytes = input.bytes_at(locator, LOCATOR64_SIZE).ok()?;
    let mut fields = Fields(bytes.strip_prefix(&LOCATOR64)?);
    let _disk = fields.u32()?;
    let recorded = fields.u64()?;
    // It comes just before its locator when it has no extensible data; that holds with a prefix too. zipimport and zipfile
    // look nowhere else.
    let usual = locator.checked_sub(u64::try_from(END64_SIZE).ok()?);
    let read = |at: u64| End64::parse(&input.bytes_at(at, END64_SIZE).ok()?, at, recorded);
    [usual, Some(recorded)].into_iter().flatten().find_map(read)
}

/// Where the directory of an end record is; `None` when it is nowhere that the record points to.
pub(super) fn place(input: &Input, end: &End) -> Option<Place> {
    let (entries, size, offset) = claims(end);
    let until = end.start();
    let mut window = Window::new(input);
    let mut is_directory = |at: u64| at < until && window.get(at, CENTRAL.len()).is_ok_and(|bytes| bytes == CENTRAL);
    let shift = |start: u64| i64::try_from(i128::from(start).checked_sub(i128::from(offset))?).ok();
    // As zipfile and zipimport do it: the directory ends where its end record begins.
    if let Some(start) = until.checked_sub(size)
        && (is_directory(start) || entries == 0 && size == 0)
    {
        return Some(Place { start, shift: shift(start)?, by_size: true });
    }
    // As others do it: by the offset.
    is_directory(offset).then_some(Place { start: offset, shift: 0, by_size: false })
}

/// Entries, size and offset of the directory, as an end record claims them. Like zipfile, the zip64 record is believed
/// wherever there is one.
pub(super) fn claims(end: &End) -> (u64, u64, u64) {
    match end.zip64 {
        Some(zip64) => (zip64.entries, zip64.size, zip64.offset),
        None => (end.entries.into(), end.size.into(), end.offset.into()),
    }
}
