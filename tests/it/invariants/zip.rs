//! Any bytes opened as a container: from memory and from a file, which have to give the same.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;

use pycaudit::container::ArchiveRecord;
use pycaudit::container::Container;
use pycaudit::container::Input;
use pycaudit::container::Kind;
use pycaudit::container::Member;
use pycaudit::container::MemberId;
use pycaudit::container::format;
use pycaudit::limits::Limits;
use pycaudit::problem::ProblemKind;

/// Members that are read of one archive. Each may be as large as `LIMIT`.
const READ: usize = 40;

/// Bytes of a member that are read.
const LIMIT: u64 = 1 << 20;

/// Room in a buffer that was used before.
const ROOM: usize = 1 << 16;

/// A name that says nothing, and one that makes recognition look further.
const NAMES: [&[u8]; 2] = [b"a.bin", b"a.whl"];

/// Holds every beginning of some bytes, and the bytes with each of them changed.
pub(crate) fn hold_damaged(bytes: &[u8]) {
    for length in 0..bytes.len() {
        hold(&bytes[..length]);
    }
    let mut changed = bytes.to_vec();
    for place in 0..changed.len() {
        for value in [0, 0xff, bytes[place] ^ 1] {
            changed[place] = value;
            hold(&changed);
        }
        changed[place] = bytes[place];
    }
}

/// Opens bytes as a container and panics when something does not hold.
pub(crate) fn hold(bytes: &[u8]) {
    let limits = Limits { member_size: LIMIT, ..Limits::default() };
    for name in NAMES {
        let Some(opened) = format::open_bytes(bytes.to_vec(), name, &limits) else { continue };
        let Ok(container) = opened else {
            // A file in memory can always be read, so it is one that is only recognised, or of which nothing is left.
            let kind = opened.unwrap_err().kind;
            let damaged = [
                ProblemKind::UnsupportedContainer,
                ProblemKind::UnsupportedMethod,
                ProblemKind::ArchiveDamaged,
                ProblemKind::DataDamaged,
                ProblemKind::ChecksumMismatch,
                ProblemKind::SizeMismatch,
            ];
            assert!(damaged.contains(&kind) || kind.is_limit(), "{kind:?}");
            continue;
        };
        // Places in a compressed archive count in what it unpacks to: `invariants/stream.rs` is about those.
        if is_compressed(bytes) || is_packed(container.as_ref()) {
            continue;
        }
        let size = bytes.len() as u64;
        records_are_inside(container.as_ref(), size);
        let read = dump(container.as_ref(), size);
        assert_eq!(read, dump(container.as_ref(), size), "read twice");
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        assert_eq!(read, dump_of_file(file, size, name, &limits), "from a file");
    }
}

/// Whether the bytes begin as a compressed stream does.
fn is_compressed(bytes: &[u8]) -> bool {
    let head = bytes.get(..512).unwrap_or(bytes);
    let format = format::recognise(&format::Probe { name: b"a", head, tail: &[] });
    format.is_some_and(|format| ["gzip", "bzip2", "xz", "lzma", "zstd"].contains(&format.name))
}

/// Whether it is an RPM package whose payload does not lie plain in it, as far as that shows.
fn is_packed(container: &dyn Container) -> bool {
    container.kind() == Kind::Rpm && !container.listing().members().any(|member| container.part(member.id).is_some())
}

fn dump_of_file(file: File, size: u64, name: &[u8], limits: &Limits) -> String {
    let opened = format::open_input(Input::from_file(file, size), name, limits);
    dump(opened.unwrap().unwrap().as_ref(), size)
}

/// What the records say of themselves lies in the file, and members are in path order.
fn records_are_inside(container: &dyn Container, size: u64) {
    let listing = container.listing();
    assert!(container.oddities().iter().all(|oddity| {
        oddity.offset.is_none_or(|at| at <= size) && oddity.member.is_none_or(|member| listing.get(member).is_some())
    }));
    assert!(container.problems().iter().all(|located| located.problem.offset.is_none_or(|at| at <= size)));
    // A record of the directory has 46 bytes, a local header 30; an entry of a PYZ may be a reference of 5.
    let least = if container.kind() == Kind::Pyz { 5 } else { 18 };
    assert!(listing.len() as u64 <= size / least + 1, "{} members of {size} bytes", listing.len());
    let mut before: Option<Member<'_>> = None;
    for (place, member) in listing.members().enumerate() {
        assert_eq!(member.id, place);
        if let Some(before) = before {
            assert!(before.cmp_path(member).is_le(), "{:?} {:?}", before.name(), member.name());
        }
        assert_eq!(listing.get(place).map(Member::path), Some(member.path()));
        assert!(container.archive_record(place).is_none_or(|record| {
            record.data_offset.is_none_or(|at| at <= size) && record.central_offset.is_none_or(|at| at < size)
        }));
        before = Some(member);
    }
}

/// What is read of a part of a member is a part of what is read of all of it.
fn parts_agree(container: &dyn Container, member: MemberId, bytes: &[u8]) {
    let half = bytes.len() / 2;
    let less = container.read(member, half as u64);
    assert!(less.bytes.len() <= half && bytes.starts_with(&less.bytes), "{half}: {less:?}");
    if let Ok(ends) = container.ends(member, 64, 22) {
        assert!(ends.head.len() <= 64 && bytes.starts_with(&ends.head), "{ends:?}");
        let is_cut = bytes.len() as u64 == LIMIT;
        assert!(is_cut || ends.tail.is_empty() || bytes.ends_with(&ends.tail), "{ends:?} of {}", bytes.len());
    }
}

/// Everything that a container tells, with the checksums of what is in it.
fn dump(container: &dyn Container, size: u64) -> String {
    let mut text = String::new();
    writeln!(text, "{} {:?} {}", container.kind().code(), container.digest(), container.excluded()).unwrap();
    writeln!(text, "{:?}\n{:?}", container.oddities(), container.problems()).unwrap();
    for member in container.listing().members() {
        let record = container.archive_record(member.id);
        writeln!(text, "{member:?} {record:?} {:?}", container.status(member.id)).unwrap();
    }
    for member in container.listing().members().take(READ) {
        let record = container.archive_record(member.id);
        let content = container.read(member.id, LIMIT);
        assert!(content.bytes.len() as u64 <= LIMIT);
        let is_inside = |offset: Option<u64>| offset.is_none_or(|at| at <= size);
        assert!(
            content.problems.iter().all(|problem| problem.kind.is_limit() || is_inside(problem.offset)),
            "{:?} of {size}",
            content.problems
        );
        assert!(content.oddities.iter().all(|oddity| is_inside(oddity.offset)), "{:?}", content.oddities);
        let crc = crc32fast::hash(&content.bytes);
        writeln!(text, "{} {crc:08x} {:?} {:?}", content.bytes.len(), content.problems, content.oddities).unwrap();
        // A buffer that another member left has room.
        let again = container.read_into(member.id, LIMIT, Vec::with_capacity(ROOM));
        assert_eq!(content.bytes, again.bytes);
        assert_eq!((&content.problems, &content.oddities), (&again.problems, &again.oddities));
        // Whether a member that is marked as encrypted is so shows only at its end.
        if !record.is_some_and(ArchiveRecord::encrypted) {
            parts_agree(container, member.id, &content.bytes);
        }
        writeln!(text, "{:?} {:?}", container.link(member.id), format::identify(container, member.id)).unwrap();
    }
    text
}
