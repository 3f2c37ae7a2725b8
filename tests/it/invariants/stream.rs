//! Any bytes read forwards: as a tar that lies plain, and in gzip with all of it, some of it or nothing of it kept, which have to show
//! the same members; and as a stream of their own.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use pycaudit::container::ArchiveRecord;
use pycaudit::container::Container;
use pycaudit::container::Kind;
use pycaudit::container::MemberId;
use pycaudit::container::format;
use pycaudit::limits::Limits;

/// Members that are read of one archive.
const READ: usize = 40;

/// Bytes of a member that are read.
const LIMIT: u64 = 1 << 16;

/// Opens bytes and panics when something does not hold.
pub(crate) fn hold(bytes: &[u8]) {
    // A stream of a few bytes may give a thousand for each; more than this is not looked at.
    let limits = Limits { member_size: LIMIT, total_size: 8 << 20, ratio: u64::MAX, ..Limits::default() };
    for name in [&b"a.tar.gz"[..], b"a.pyc.xz"] {
        if let Some(Ok(container)) = format::open_bytes(bytes.to_vec(), name, &limits) {
            assert_eq!(dump(container.as_ref()), dump(container.as_ref()), "read twice");
        }
    }
    let format =
        format::recognise(&format::Probe { name: b"a.tar", head: bytes.get(..512).unwrap_or(bytes), tail: &[] });
    if format.is_none_or(|format| format.name != "tar") {
        return;
    }
    let Some(Ok(plain)) = format::open_bytes(bytes.to_vec(), b"a.tar", &limits) else { return };
    // What ends as a zip is one when it lies plain; of a stream the end is not known when it is opened.
    if plain.kind() != Kind::Tar {
        return;
    }
    let expected = dump(plain.as_ref());
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).unwrap();
    let packed = encoder.finish().unwrap();
    for kept in [limits.kept, 5000, 0] {
        let limits = Limits { kept, ..limits.clone() };
        let container = format::open_bytes(packed.clone(), b"a.tar.gz", &limits).unwrap().unwrap();
        assert_eq!(dump(container.as_ref()), expected, "{kept} bytes kept");
        hold_in_turns(container.as_ref(), plain.as_ref());
    }
}

/// Members that are read as a scan reads them, portion by portion and many at once, are those that are read by position.
fn hold_in_turns(container: &dyn Container, plain: &dyn Container) {
    for number in 0.. {
        let Some(members) = container.portion(number) else { break };
        container.prepare(number);
        for &member in members.iter().take(READ) {
            assert_eq!(container.read(member, LIMIT).bytes, plain.read(member, LIMIT).bytes, "portion {number}");
        }
    }
    let members: Vec<MemberId> = plain.listing().members().map(|member| member.id).take(READ).collect();
    let mut left = members.clone();
    container.each(&members, LIMIT, &mut |member, content| {
        left.retain(|&other| other != member);
        assert_eq!(content.bytes, plain.read(member, LIMIT).bytes, "many at once");
    });
    assert!(left.is_empty(), "{left:?} were left out");
}

/// Everything that a container tells of its members and of itself.
fn dump(container: &dyn Container) -> String {
    let mut text = String::new();
    writeln!(text, "{} {:?}\n{:?}", container.kind().code(), container.oddities(), container.problems()).unwrap();
    let listing = container.listing();
    assert!(container.oddities().iter().all(|oddity| oddity.member.is_none_or(|member| listing.get(member).is_some())));
    for member in listing.members() {
        writeln!(text, "{member:?} {:?}", container.link(member.id)).unwrap();
    }
    for member in listing.members().take(READ) {
        let content = container.read(member.id, LIMIT);
        assert!(content.bytes.len() as u64 <= LIMIT);
        let again = container.read_into(member.id, LIMIT, Vec::with_capacity(1000));
        assert_eq!(content.bytes, again.bytes);
        let crc = crc32fast::hash(&content.bytes);
        writeln!(text, "{} {crc:08x} {:?}", content.bytes.len(), content.problems).unwrap();
        if let Some(passed) = container.passed(member.id) {
            assert_eq!(Some(passed.size), member.size);
        }
        // Whether a member that is marked as encrypted is so shows only at its end.
        let is_encrypted = container.archive_record(member.id).is_some_and(ArchiveRecord::encrypted);
        if let Ok(ends) = container.ends(member.id, 64, 0)
            && !is_encrypted
        {
            assert!(content.bytes.starts_with(&ends.head), "{ends:?}");
        }
    }
    text
}
