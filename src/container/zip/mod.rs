//! Zip archives; wheels, eggs, zipapps and pex files are zips.
//!
//! The records are walked here, since no reader of archives shows all of them: duplicates, members that only one of several
//! directories or only a local header lists, and what contradicts what. Decoding is left to crates: see `decode`. Encrypted
//! members are named, not decrypted; archives of several disks are read as far as one file goes.

mod cover;
mod decode;
mod directory;
pub(super) mod end;
mod local;
mod records;

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::sync::atomic::AtomicU64;

use crate::artifact::Sha256Digest;
use crate::container::ArchiveRecord;
use crate::container::Container;
use crate::container::Content;
use crate::container::Ends;
use crate::container::Input;
use crate::container::Kind;
use crate::container::LinkTarget;
use crate::container::Listing;
use crate::container::Located;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::NewMember;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::oddity::Oddities;
use crate::container::zip::cover::Claim;
use crate::container::zip::cover::Hidden;
use crate::container::zip::directory::Entry;
use crate::container::zip::end::Place;
use crate::container::zip::records::END64_SIZE;
use crate::container::zip::records::End;
use crate::container::zip::records::LOCATOR64_SIZE;
use crate::limits::Limits;
use crate::name;
use crate::name::Name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// An opened zip archive.
#[derive(Debug)]
pub struct Zip {
    /// Its bytes.
    input: Input,
    /// What kind of zip its members make it.
    kind: Kind,
    /// Its members.
    listing: Listing,
    /// The record of each member, by its id.
    records: Vec<ArchiveRecord>,
    /// What contradicts what.
    oddities: Vec<Oddity>,
    /// What could not be read of its structure.
    problems: Vec<Located>,
    /// How many members, in path order, may be unpacked before the archive is too large.
    ///
    /// Told from what the records claim and the data could give, not from what was read so far, so that it does not depend on
    /// the order in which threads read.
    within_total: usize,
    /// The caps.
    limits: Limits,
    /// Bytes that members gave beyond what they claim. Honest archives have none.
    excess: AtomicU64,
}

impl Zip {
    /// Reads the records of a zip. Fails only when the input cannot be read at all.
    pub fn open(input: Input, limits: &Limits) -> Result<Self, Problem> {
        let unreadable = |error: io::Error| Problem::new(ProblemKind::Unreadable).with_detail(error.to_string());
        let ends = end::find(&input).map_err(unreadable)?;
        let mut survey = Survey {
            input: &input,
            limits,
            entries: Vec::new(),
            claims: Vec::new(),
            oddities: Oddities::new(limits.findings_per_rule),
            problems: Vec::new(),
        };
        survey.run(&ends);
        let Survey { entries, oddities, problems, .. } = survey;
        Ok(Self::new(input, entries, oddities.finish(), problems, limits))
    }

    /// Puts the entries into path order.
    fn new(
        input: Input,
        entries: Vec<Entry>,
        mut oddities: Vec<Oddity>,
        problems: Vec<Problem>,
        limits: &Limits,
    ) -> Self {
        let member = |entry: &Entry| entry.kind();
        let members: Vec<NewMember<'_>> = entries
            .iter()
            .map(|e| NewMember { name: &e.name, kind: member(e), size: e.record.size, times: e.times })
            .collect();
        let (listing, mut ids) = Listing::new(&members);
        // A million of these take as much as all that is kept.
        drop(members);
        for oddity in &mut oddities {
            oddity.member = oddity.member.and_then(|index| ids.get(index).copied());
        }
        let mut records: Vec<ArchiveRecord> = entries.into_iter().map(|entry| entry.record).collect();
        records.shrink_to_fit();
        // Each goes to its place by swaps, which need no second list.
        for at in 0..ids.len() {
            while let Some(&to) = ids.get(at)
                && to != at
                && to < records.len()
            {
                records.swap(at, to);
                ids.swap(at, to);
            }
        }
        let within_total = within_total(&records, input.size(), limits);
        let problems = problems.into_iter().map(|problem| Located { path: None, problem }).collect();
        let kind = kind_of(&listing);
        let excess = AtomicU64::new(0);
        Self { input, kind, listing, records, oddities, problems, within_total, limits: limits.clone(), excess }
    }
}

/// What kind of zip its members make it: the first of wheel, egg, zipapp, conda package that applies.
fn kind_of(listing: &Listing) -> Kind {
    let wheel = |folder: &[u8]| folder.ends_with(b".dist-info") && !folder.contains(&b'/');
    let folders = || listing.folders();
    if folders().any(|folder| wheel(folder) && listing.find(folder, b"WHEEL").is_some()) {
        Kind::Wheel
    } else if folders().any(|folder| folder == b"EGG-INFO" || folder.starts_with(b"EGG-INFO/")) {
        Kind::Egg
    } else if [&b"__main__.py"[..], b"__main__.pyc"].iter().any(|file| listing.find(b"", file).is_some()) {
        Kind::Zipapp
    } else if listing.find(b"", b"metadata.json").is_some()
        && listing.starting_with(b"", b"pkg-").any(|member| member.file().ends_with(b".tar.zst"))
    {
        Kind::Conda
    } else {
        Kind::Zip
    }
}

/// How many members, in path order, may be unpacked within the limit of all together; `there` is the archive's size.
fn within_total(records: &[ArchiveRecord], there: u64, limits: &Limits) -> usize {
    let mut total = 0_u64;
    records
        .iter()
        .take_while(|record| {
            // Deflate gives at most 1032 bytes for one. The other methods can give more, but not more than one member may have.
            let compressed = record.compressed_size.min(there);
            let possible = match record.method {
                0 => compressed,
                8 | 9 => compressed.saturating_mul(1032).saturating_add(64),
                _ => u64::MAX,
            };
            total = total.saturating_add(record.size.unwrap_or_default().min(possible).min(limits.member_size));
            total <= limits.total_size
        })
        .count()
}

/// How often further directories are looked for in what the ones before left unclaimed.
const ROUNDS: usize = 4;

/// What is gathered while the records are walked.
struct Survey<'a> {
    /// The archive.
    input: &'a Input,
    /// The caps.
    limits: &'a Limits,
    /// The members, in the order in which they were met.
    entries: Vec<Entry>,
    /// Which bytes belong to what.
    claims: Vec<Claim>,
    /// What contradicts what; members by their place in `entries`.
    oddities: Oddities,
    /// What could not be read.
    problems: Vec<Problem>,
}

impl Survey<'_> {
    /// Walks everything there is, beginning with the end records near the end of the file, the last first.
    fn run(&mut self, ends: &[End]) {
        // The one that zipfile and zipimport would use, if it leads anywhere.
        let used = ends.iter().find_map(|end| Some((end, end::place(self.input, end)?)));
        for end in ends.iter().take_while(|end| used.is_none_or(|(used, _)| used != *end)) {
            self.odd(OddityKind::EndRecordDiffers, None, end.at, "a directory where the record says", "none there");
        }
        match used {
            Some((end, place)) => self.directory(end, place),
            None => self.problems.push(
                Problem::new(ProblemKind::ArchiveDamaged)
                    .with_detail("no end record that leads to a directory; its members were searched for"),
            ),
        }
        // Further end records within what is not claimed may bring further directories, and these claim further bytes.
        let mut known: Vec<u64> = used.iter().map(|(end, _)| end.at).collect();
        let mut hidden = self.search();
        for _ in 0..ROUNDS {
            let new = self.new_ends(&hidden, &mut known);
            if new.is_empty() {
                break;
            }
            for (end, place) in new {
                let observed = format!("another, of {} entries", end::claims(&end).0);
                self.odd(OddityKind::SeveralEnds, None, end.at, "one end record", &observed);
                self.other_directory(&end, place);
            }
            hidden = self.search();
        }
        if used.is_none()
            && let Some(start) = hidden.directory
        {
            self.orphan_directory(start, &hidden);
            hidden = self.search();
        }
        self.unlisted(hidden);
        self.rest();
    }

    /// Records an oddity.
    fn odd(&mut self, kind: OddityKind, member: Option<usize>, at: u64, expected: &str, observed: &str) {
        if self.oddities.wants(kind) {
            let (expected, observed) = (expected.to_owned(), observed.to_owned());
            self.oddities.push(Oddity { kind, member, offset: Some(at), expected, observed });
        }
    }

    /// Reads the directory that is used, and compares it with its end record.
    fn directory(&mut self, end: &End, place: Place) {
        let (entries, size, offset) = end::claims(end);
        let differs = OddityKind::EndRecordDiffers;
        if !place.by_size {
            let expected = format!("a directory of {size} bytes before the end record");
            self.odd(differs, None, end.at, &expected, &format!("it begins at {:#x}", place.start));
        } else if place.shift < 0 {
            let expected = format!("a directory at {offset:#x}");
            self.odd(differs, None, end.at, &expected, &format!("it begins at {:#x}", place.start));
        }
        if end.disks != (0, 0) || end.entries_here != end.entries {
            let (this, first) = end.disks;
            let observed = format!("disk {this}, directory on disk {first}, {} entries on this disk", end.entries_here);
            self.odd(differs, None, end.at, "one disk", &observed);
        }
        if end.end() > self.input.size() {
            let there = self.input.size().saturating_sub(end.at.saturating_add(22));
            let expected = format!("a comment of {} bytes", end.comment);
            self.odd(differs, None, end.at, &expected, &format!("{there} bytes, the file ends"));
        }
        if let Some(zip64) = end.zip64 {
            // A prefix shifts it as it shifts the directory.
            let shifted = zip64.recorded.checked_add_signed(place.shift);
            if zip64.recorded != zip64.at && shifted != Some(zip64.at) {
                let expected = format!("a zip64 end record at {:#x}", zip64.recorded);
                self.odd(OddityKind::Zip64Differs, None, zip64.at, &expected, &format!("one at {:#x}", zip64.at));
            }
            let narrow = [(end.entries.into(), u16::MAX.into(), zip64.entries, "entries")];
            let wide = [(end.size, zip64.size, "size"), (end.offset, zip64.offset, "offset")];
            let wide = wide.map(|(narrow, wide, what)| (u64::from(narrow), u64::from(u32::MAX), wide, what));
            for (narrow, none, wide, what) in narrow.into_iter().chain(wide) {
                if narrow != none && narrow != wide {
                    let (expected, observed) = (format!("{what} {narrow}"), format!("{what} {wide}"));
                    self.odd(OddityKind::Zip64Differs, None, zip64.at, &expected, &observed);
                }
            }
        }
        let first = self.entries.len();
        let walked = self.walk(place);
        // Without a zip64 record there is room for 16 bits of the count only.
        let claimed = if end.zip64.is_some() { walked.count } else { walked.count & 0xffff };
        if claimed != entries {
            let observed = format!("{} entries", walked.count);
            self.odd(differs, None, end.at, &format!("{entries} entries"), &observed);
        }
        let real_size = walked.end.saturating_sub(place.start);
        if real_size != size {
            self.odd(differs, None, end.at, &format!("a directory of {size} bytes"), &format!("{real_size} bytes"));
        }
        self.claim(end, place.start..walked.end, first);
    }

    /// Walks a directory and looks at the local headers of what it lists.
    fn walk(&mut self, place: Place) -> directory::Walked {
        let first = self.entries.len();
        let walked = directory::walk(self.input, place, self.limits.members, &mut self.entries, &mut self.oddities);
        if let Some(kind) = walked.problem {
            self.problems.push(Problem::at(kind, walked.end));
        }
        local::check(self.input, place.shift, first, &mut self.entries, &mut self.oddities);
        walked
    }

    /// Claims the bytes of a directory, its end records and the members from `first` on.
    fn claim(&mut self, end: &End, directory: Range<u64>, first: usize) {
        let structure = |start, end| Claim { start, end, entry: None };
        self.claims.push(structure(directory.start, directory.end));
        self.claims.push(structure(end.at, end.end().min(self.input.size())));
        if let Some(zip64) = end.zip64 {
            let length = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
            self.claims.push(structure(zip64.at, zip64.at.saturating_add(length(END64_SIZE))));
            self.claims.push(structure(end.at.saturating_sub(length(LOCATOR64_SIZE)), end.at));
        }
        self.claims.extend(cover::claims_of(&self.entries, first));
        self.claims.sort_unstable();
    }

    /// The end records in unclaimed bytes, or in the comment of another, that lead to a directory and are new.
    fn new_ends(&self, hidden: &Hidden, known: &mut Vec<u64>) -> Vec<(End, Place)> {
        let mut new = Vec::new();
        for &at in &hidden.ends {
            if !known.contains(&at) {
                known.push(at);
                let end = end::read(self.input, at);
                new.extend(end.and_then(|end| Some((end, end::place(self.input, &end)?))));
            }
        }
        new
    }

    /// Adds what another directory lists and the one that is used does not.
    fn other_directory(&mut self, end: &End, place: Place) {
        let first = self.entries.len();
        let known: HashSet<u64> = self.entries.iter().map(|entry| entry.record.local_offset).collect();
        // Its contradictions are those of an archive that no reader sees as one: they are not recorded.
        let mut oddities = Oddities::new(0);
        let walked = directory::walk(self.input, place, self.limits.members, &mut self.entries, &mut oddities);
        local::check(self.input, place.shift, first, &mut self.entries, &mut oddities);
        let mut index = 0_usize;
        self.entries.retain(|entry| {
            let keep =
                index < first || entry.record.data_offset.is_some() && !known.contains(&entry.record.local_offset);
            index = index.saturating_add(1);
            keep
        });
        self.mark_unlisted(first, &format!("listed only by the end record at {:#x}", end.at));
        self.claim(end, place.start..walked.end, first);
    }

    /// Reads a directory whose end record is gone.
    fn orphan_directory(&mut self, start: u64, hidden: &Hidden) {
        let first = self.entries.len();
        // Its offsets count from where the first member was found, or else from the start of the file.
        let mut oddities = Oddities::new(0);
        let trial = Place { start, shift: 0, by_size: false };
        directory::walk(self.input, trial, self.limits.members, &mut self.entries, &mut oddities);
        let lowest = self.entries.iter().skip(first).map(|entry| entry.record.local_offset).min();
        self.entries.truncate(first);
        let met = hidden.entries.iter().map(|entry| entry.record.local_offset).min();
        let shift =
            met.zip(lowest).and_then(|(met, lowest)| i64::try_from(i128::from(met).checked_sub(lowest.into())?).ok());
        let place = Place { shift: shift.unwrap_or_default(), ..trial };
        let walked = self.walk(place);
        self.claims.push(Claim { start, end: walked.end, entry: None });
        self.claims.extend(cover::claims_of(&self.entries, first));
        self.claims.sort_unstable();
    }

    /// Searches all bytes that nothing claims, and the comment of the archive.
    fn search(&self) -> Hidden {
        let mut hidden = Hidden::default();
        let room = self.limits.members.saturating_sub(self.entries.len());
        for region in cover::unclaimed(self.input, &self.claims, &self.entries, None) {
            cover::search(self.input, &region, room, &mut hidden);
        }
        for claim in self.claims.iter().filter(|claim| claim.entry.is_none()) {
            let comment = claim.start.saturating_add(4)..claim.end;
            if claim.end.saturating_sub(claim.start) > 26 && self.is_end_record(claim.start) {
                let mut inside = Hidden::default();
                cover::search(self.input, &comment, room, &mut inside);
                hidden.ends.append(&mut inside.ends);
            }
        }
        hidden
    }

    /// Whether an end record is at this offset.
    fn is_end_record(&self, at: u64) -> bool {
        self.input.bytes_at(at, 4).is_ok_and(|bytes| bytes == records::END)
    }

    /// Adds members that only a local header tells of.
    fn unlisted(&mut self, hidden: Hidden) {
        let first = self.entries.len();
        self.entries.extend(hidden.entries);
        if self.entries.len() >= self.limits.members {
            self.problems.push(Problem::new(ProblemKind::MemberCountLimit));
        }
        self.mark_unlisted(first, "a local header that no directory lists");
        self.claims.extend(cover::claims_of(&self.entries, first));
        self.claims.sort_unstable();
    }

    /// Records that the entries from `first` on are not in the directory that readers use.
    fn mark_unlisted(&mut self, first: usize, observed: &str) {
        for index in first..self.entries.len() {
            let at = self.entries.get(index).map(|entry| entry.record.local_offset).unwrap_or_default();
            self.odd(OddityKind::Unlisted, Some(index), at, "a record in the directory", observed);
        }
    }

    /// Records overlaps and the bytes that still belong to nothing.
    fn rest(&mut self) {
        let regions = cover::unclaimed(self.input, &self.claims, &self.entries, Some(&mut self.oddities));
        let first = self.claims.first().map_or(0, |claim| claim.start);
        let last_end = self.claims.iter().filter(|claim| claim.entry.is_none()).map(|claim| claim.end).max();
        for region in regions {
            let length = region.end.saturating_sub(region.start);
            let few = usize::try_from(length).unwrap_or(usize::MAX).min(16);
            let head = self.input.bytes_at(region.start, few).unwrap_or_default();
            let kind = if region.start == 0 && region.end <= first {
                if is_executable(&head) {
                    continue;
                }
                OddityKind::Prefix
            } else if last_end.is_some_and(|end| region.start >= end) {
                OddityKind::Trailing
            } else {
                OddityKind::Gap
            };
            let observed = format!("{length} bytes that begin with {}", name::hex(&head));
            self.odd(kind, None, region.start, "no bytes that belong to nothing", &observed);
        }
    }
}

/// Whether a prefix is what zipapps and self-extractors have: an interpreter line, or an ELF, PE or Mach-O file.
fn is_executable(head: &[u8]) -> bool {
    const MACHO: [[u8; 4]; 5] = [
        [0xfe, 0xed, 0xfa, 0xce],
        [0xfe, 0xed, 0xfa, 0xcf],
        [0xce, 0xfa, 0xed, 0xfe],
        [0xcf, 0xfa, 0xed, 0xfe],
        *b"\xca\xfe\xba\xbe",
    ];
    head.starts_with(b"#!")
        || head.starts_with(b"MZ")
        || head.starts_with(b"\x7fELF")
        || MACHO.iter().any(|magic| head.starts_with(magic))
}

impl Container for Zip {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn read_into(&self, member: MemberId, limit: u64, buffer: Vec<u8>) -> Content {
        let Some(record) = self.records.get(member) else {
            return Content::absent();
        };
        if member >= self.within_total {
            return Content::unread(Problem::new(ProblemKind::TotalSizeLimit));
        }
        let reader = decode::Reader {
            input: &self.input,
            record,
            member,
            limit,
            ratio: self.limits.ratio,
            total: self.limits.total_size,
            excess: &self.excess,
        };
        reader.read(buffer)
    }

    fn ends(&self, member: MemberId, head: usize, tail: usize) -> Result<Ends, Problem> {
        let record = self.records.get(member).filter(|record| record.method == 0 && !record.encrypted());
        if let Some(record) = record
            && let Some(data) = record.data_offset
        {
            let size = record.compressed_size.min(self.input.size().saturating_sub(data));
            let length = |wanted: usize| usize::try_from(size).unwrap_or(usize::MAX).min(wanted);
            let last = u64::try_from(length(tail)).unwrap_or(u64::MAX);
            let read = |offset, length| self.input.bytes_at(offset, length);
            let both = read(data, length(head))
                .and_then(|head| Ok((head, read(data.saturating_add(size.saturating_sub(last)), length(tail))?)));
            return match both {
                Ok((head, tail)) => Ok(Ends { size: Some(size), head, tail }),
                Err(error) => Err(Problem::new(ProblemKind::Unreadable).with_detail(error.to_string())),
            };
        }
        let limit = u64::try_from(head.max(tail)).unwrap_or(u64::MAX);
        Ends::of_content(self.read(member, limit), head, tail)
    }

    fn link(&self, member: MemberId) -> Option<LinkTarget> {
        let link = self.listing.get(member).filter(|member| member.kind == MemberKind::Link)?;
        // Longer targets than PATH_MAX are no links on any system.
        let text = self.read(member, 4096).bytes;
        Some(LinkTarget::of_text(&self.listing, link.folder(), &text))
    }

    fn archive_record(&self, member: MemberId) -> Option<&ArchiveRecord> {
        self.records.get(member)
    }

    fn digest(&self) -> Option<Sha256Digest> {
        self.input.digest().ok()
    }

    fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    fn problems(&self) -> &[Located] {
        &self.problems
    }
}

impl LinkTarget {
    /// Where a link of an archive leads: told from the text of link and names alone.
    pub(crate) fn of_text(listing: &Listing, folder: &[u8], text: &[u8]) -> Self {
        if text.starts_with(b"/") {
            return Self::Outside(Name::new(text));
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in folder.split(|&byte| byte == b'/').chain(text.split(|&byte| byte == b'/')) {
            match part {
                b"" | b"." => {}
                b".." => {
                    if parts.pop().is_none() {
                        return Self::Outside(Name::new(text));
                    }
                }
                _ => parts.push(part),
            }
        }
        let path = parts.join(&b'/');
        if listing.find_path(&path).is_some() || listing.has_folder(&path) {
            Self::Inside(Name::new(path))
        } else {
            Self::Broken(Name::new(text))
        }
    }
}
