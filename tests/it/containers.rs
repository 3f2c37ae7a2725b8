//! Zips: those of another writer, and one test for each way in which an archive can lie.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pycaudit::artifact::DosTime;
use pycaudit::artifact::rfc3339;
use pycaudit::container::Container;
use pycaudit::container::Content;
use pycaudit::container::Input;
use pycaudit::container::Kind;
use pycaudit::container::LinkTarget;
use pycaudit::container::MemberKind;
use pycaudit::container::Oddity;
use pycaudit::container::OddityKind;
use pycaudit::container::Zip;
use pycaudit::container::dir;
use pycaudit::container::format;
use pycaudit::forge;
use pycaudit::forge::Entry;
use pycaudit::forge::zip::Descriptor;
use pycaudit::limits::Limits;
use pycaudit::problem::Problem;
use pycaudit::problem::ProblemKind;

/// What members of the fixtures hold.
const TEXT: &[u8] = b"value = 1\nvalue = 1\n";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/containers").join(name)
}

/// Opens bytes as a zip, from memory and from a file; both must show the same.
fn open(bytes: &[u8]) -> Zip {
    open_with(bytes, &Limits::default())
}

fn open_with(bytes: &[u8], limits: &Limits) -> Zip {
    let memory = Zip::open(Input::from_bytes(bytes.to_vec()), limits).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    let disk = Zip::open(Input::from_file(file, bytes.len() as u64), limits).unwrap();
    assert_eq!(dump(&memory), dump(&disk));
    memory
}

/// Every member with what reading it gives.
fn dump(zip: &Zip) -> String {
    let mut text = format!("{:?} {:?} {:?}\n", zip.kind(), zip.problems(), zip.oddities());
    for member in zip.listing().members() {
        let content = zip.read(member.id, 1 << 20);
        let record = zip.archive_record(member.id);
        let hash = forge::zip::crc32(&content.bytes);
        let _ = writeln!(
            text,
            "{member:?} {record:?} {} {hash} {:?} {:?}",
            content.bytes.len(),
            content.problems,
            content.oddities
        );
    }
    text
}

fn names(zip: &Zip) -> Vec<String> {
    zip.listing().members().map(|member| member.name().to_string()).collect()
}

fn read(zip: &Zip, name: &str) -> Content {
    zip.read(zip.listing().find_path(name.as_bytes()).unwrap().id, 1 << 20)
}

/// The bytes of all members of this name, in the order of the container.
fn all(zip: &Zip, name: &str) -> Vec<String> {
    let members = zip.listing().members().filter(|member| member.path() == name.as_bytes());
    members.map(|member| String::from_utf8_lossy(&zip.read(member.id, 1 << 20).bytes).into_owned()).collect()
}

fn kinds(zip: &Zip) -> Vec<OddityKind> {
    zip.oddities().iter().map(|oddity| oddity.kind).collect()
}

fn problem_kinds(problems: &[Problem]) -> Vec<ProblemKind> {
    problems.iter().map(|problem| problem.kind).collect()
}

fn odd(zip: &Zip, kind: OddityKind) -> &Oddity {
    zip.oddities().iter().find(|oddity| oddity.kind == kind).unwrap()
}

/// No oddity, no problem, and every member has these bytes.
fn is_honest(zip: &Zip, expected: &[(&str, &str)]) {
    assert_eq!(zip.oddities(), []);
    assert_eq!(zip.problems(), []);
    assert_eq!(names(zip), expected.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, bytes) in expected {
        let content = read(zip, name);
        assert_eq!(
            (String::from_utf8_lossy(&content.bytes).as_ref(), content.problems),
            (*bytes, Vec::new()),
            "{name}"
        );
        assert_eq!(content.oddities, [], "{name}");
    }
}

#[test]
fn zips_of_another_writer_are_read_whole_and_are_not_odd() {
    let text = String::from_utf8(b"value = 1\n".repeat(50)).unwrap();
    let cases = [
        ("wheel.whl", Kind::Wheel, 4),
        ("egg.egg", Kind::Egg, 2),
        ("app.pyz", Kind::Zipapp, 1),
        ("methods.zip", Kind::Zip, 8),
        ("streamed.zip", Kind::Wheel, 4),
        ("zip64.zip", Kind::Zip, 1),
        ("duplicates.zip", Kind::Zip, 2),
        ("empty.zip", Kind::Zip, 0),
    ];
    for (name, kind, members) in cases {
        let input = dir::open_file(&fixture(name)).unwrap();
        let container = format::open_input(input, name.as_bytes(), &Limits::default()).unwrap().unwrap();
        assert_eq!((container.kind(), container.listing().len()), (kind, members), "{name}");
        assert_eq!((container.oddities(), container.problems()), (&[][..], &[][..]), "{name}");
        for member in container.listing().members() {
            let content = container.read(member.id, 1 << 20);
            assert_eq!((content.problems, content.oddities), (vec![], vec![]), "{name}!{}", member.name());
            let size = member.size.unwrap();
            assert_eq!(content.bytes.len() as u64, size, "{name}!{}", member.name());
            if size == 500 {
                assert_eq!(String::from_utf8(content.bytes).unwrap(), text);
            }
            assert_eq!(member.times.seconds().and_then(rfc3339).as_deref(), Some("2024-02-29T12:34:56Z"));
        }
    }
}

#[test]
fn a_member_of_every_method_kind_and_name_is_what_it_is() {
    let zip = Zip::open(dir::open_file(&fixture("methods.zip")).unwrap(), &Limits::default()).unwrap();
    let listing = zip.listing();
    let record = |name: &str| zip.archive_record(listing.find_path(name.as_bytes()).unwrap().id).unwrap();
    assert_eq!(["stored", "deflated", "bzip2", "lzma"].map(|name| record(name).method), [0, 8, 12, 14]);
    assert_eq!(record("stored").unix_mode(), Some(0o100_644));
    assert_eq!(listing.find_path("na\u{ef}ve.py".as_bytes()).map(|member| member.kind), Some(MemberKind::File));
    assert_eq!(listing.find_path(b"folder/").map(|member| member.kind), Some(MemberKind::Folder));
    let link = listing.find_path(b"link").unwrap();
    assert_eq!((link.kind, zip.link(link.id)), (MemberKind::Link, Some(LinkTarget::Inside("stored".into()))));
}

#[test]
fn a_prefix_is_no_obstacle_whether_offsets_count_it_or_not() {
    let zip = forge::Zip::new().prefix("#!/usr/bin/python3\n").file("__main__.py", TEXT);
    is_honest(&open(&zip.build()), &[("__main__.py", "value = 1\nvalue = 1\n")]);
    let zip = zip.absolute_offsets();
    let opened = open(&zip.build());
    is_honest(&opened, &[("__main__.py", "value = 1\nvalue = 1\n")]);
    assert_eq!(opened.kind(), Kind::Zipapp);
    let zip = open(&zip.prefix(b"\xff\xd8\xffpicture").build());
    assert_eq!(kinds(&zip), [OddityKind::Prefix]);
    assert_eq!(all(&zip, "__main__.py"), ["value = 1\nvalue = 1\n"]);
}

#[test]
fn duplicate_names_are_all_listed_and_read() {
    let zip = open(&forge::Zip::new().file("m.pyc", "first").file("n", "x").file("m.pyc", "second").build());
    assert_eq!(names(&zip), ["m.pyc", "m.pyc", "n"]);
    assert_eq!(all(&zip, "m.pyc"), ["first", "second"]);
    assert_eq!(read(&zip, "m.pyc").bytes, b"second");
    assert_eq!(zip.oddities(), []);
}

#[test]
fn one_malformed_extra_field_does_not_hide_the_archive() {
    let bad = Entry::new("m.pyc", TEXT).both(|record| record.extra = vec![1, 0, 50, 0, 7]);
    let zip = open(&forge::Zip::new().entry(bad).file("n", "x").build());
    assert_eq!(names(&zip), ["m.pyc", "n"]);
    assert_eq!(kinds(&zip), [OddityKind::ExtraMalformed; 2]);
    assert_eq!(read(&zip, "m.pyc").bytes, TEXT);
}

#[test]
fn more_than_64_kib_after_the_end_record_do_not_hide_the_archive() {
    for length in [10, 70_000, 3_000_000] {
        let zip = open(&forge::Zip::new().file("m.pyc", TEXT).trailing(vec![b'x'; length]).build());
        assert_eq!((names(&zip), kinds(&zip)), (vec!["m.pyc".to_owned()], vec![OddityKind::Trailing]), "{length}");
        assert_eq!(
            odd(&zip, OddityKind::Trailing).observed,
            format!("{length} bytes that begin with {}", "78".repeat(length.min(16)))
        );
        assert_eq!(read(&zip, "m.pyc").bytes, TEXT);
    }
}

#[test]
fn an_archive_without_directory_is_searched_for_its_members() {
    let streamed = Entry::deflated("s.pyc", TEXT).streamed(Descriptor::Signed);
    let forged = forge::Zip::new().file("m.pyc", TEXT).entry(streamed).entry(Entry::deflated("n.pyc", "n"));
    let zip = open(&forged.without_directory().build());
    assert_eq!(names(&zip), ["m.pyc", "n.pyc", "s.pyc"]);
    assert_eq!(zip.problems().first().map(|located| located.problem.kind), Some(ProblemKind::ArchiveDamaged));
    assert_eq!(kinds(&zip), [OddityKind::Unlisted; 3]);
    assert_eq!((read(&zip, "m.pyc").bytes, read(&zip, "s.pyc").bytes), (TEXT.to_vec(), TEXT.to_vec()));
    assert_eq!(read(&zip, "s.pyc").problems, []);
}

#[test]
fn a_streamed_member_without_signature_and_directory_is_read_to_its_end() {
    let streamed = Entry::deflated("s.pyc", TEXT).streamed(Descriptor::Bare);
    let zip = open(&forge::Zip::new().entry(streamed).file("n", "x").without_directory().build());
    assert_eq!(names(&zip), ["n", "s.pyc"]);
    let content = read(&zip, "s.pyc");
    assert_eq!((content.bytes.as_slice(), content.problems), (TEXT, vec![]));
}

#[test]
fn a_directory_without_end_record_still_counts() {
    let link = Entry::new("link", "m.pyc").mode(0o120_777);
    for prefix in ["", "#!/bin/sh\n"] {
        let zip = open(&forge::Zip::new().prefix(prefix).file("m.pyc", TEXT).entry(link.clone()).without_end().build());
        assert_eq!((names(&zip), kinds(&zip)), (vec!["link".to_owned(), "m.pyc".to_owned()], vec![]));
        assert_eq!(zip.listing().find(b"", b"link").map(|member| member.kind), Some(MemberKind::Link));
        assert_eq!(zip.problems().len(), 1);
        assert_eq!(read(&zip, "m.pyc").bytes, TEXT);
    }
}

#[test]
fn a_file_that_is_cut_off_gives_what_is_left() {
    let bytes = forge::Zip::new().file("a.pyc", TEXT).entry(Entry::new("b.pyc", [b'b'; 1000])).build();
    let zip = open(&bytes[..500]);
    assert_eq!(names(&zip), ["a.pyc", "b.pyc"]);
    assert_eq!(read(&zip, "a.pyc").bytes, TEXT);
    let content = read(&zip, "b.pyc");
    assert_eq!(problem_kinds(&content.problems), [ProblemKind::DataDamaged]);
    assert!(content.bytes.len() > 300);
}

#[test]
fn a_directory_at_another_place_than_recorded_is_found() {
    let forged = forge::Zip::new().file("m.pyc", TEXT);
    let zip = open(&forged.end(|end| end.size = 10).build());
    assert_eq!((names(&zip), kinds(&zip)), (vec!["m.pyc".to_owned()], vec![OddityKind::EndRecordDiffers; 2]));
    let forged = forge::Zip::new().file("m.pyc", TEXT);
    let zip = open(&forged.end(|end| end.offset += 1000).build());
    assert_eq!(names(&zip), ["m.pyc"]);
    assert!(kinds(&zip).contains(&OddityKind::EndRecordDiffers));
    assert_eq!(read(&zip, "m.pyc").bytes, TEXT);
    let forged = forge::Zip::new().file("m.pyc", TEXT);
    let zip = open(&forged.end(|end| (end.size, end.offset) = (5, 5)).build());
    assert_eq!(all(&zip, "m.pyc"), ["value = 1\nvalue = 1\n"]);
    assert!(kinds(&zip).contains(&OddityKind::EndRecordDiffers));
}

#[test]
fn an_end_record_that_counts_too_few_hides_nothing() {
    let forged = forge::Zip::new().file("m.pyc", TEXT).file("hidden.pyc", "x");
    let zip = open(&forged.end(|end| (end.entries, end.entries_here) = (1, 1)).build());
    assert_eq!(
        (names(&zip), kinds(&zip)),
        (vec!["hidden.pyc".to_owned(), "m.pyc".to_owned()], vec![OddityKind::EndRecordDiffers])
    );
    let oddity = odd(&zip, OddityKind::EndRecordDiffers);
    assert_eq!((oddity.expected.as_str(), oddity.observed.as_str()), ("1 entries", "2 entries"));
}

#[test]
fn a_member_that_the_directory_does_not_list_is_found() {
    let forged =
        forge::Zip::new().file("m.pyc", TEXT).entry(Entry::deflated("hidden.pyc", "evil").unlisted()).file("n", "x");
    let zip = open(&forged.build());
    assert_eq!(
        (names(&zip), kinds(&zip)),
        (vec!["hidden.pyc".to_owned(), "m.pyc".to_owned(), "n".to_owned()], vec![OddityKind::Unlisted])
    );
    let hidden = zip.listing().find(b"", b"hidden.pyc").unwrap().id;
    assert_eq!(odd(&zip, OddityKind::Unlisted).member, Some(hidden));
    assert_eq!(zip.archive_record(hidden).unwrap().central_offset, None);
    assert_eq!(read(&zip, "hidden.pyc").bytes, b"evil");
}

#[test]
fn constants_in_the_program_of_a_self_extractor_are_no_members() {
    let program = [
        &b"MZ program PK\x03\x04\x14\0\0\0\x08\0"[..],
        &[0; 16],
        &[9, 0, 0, 0],
        b"%d %H:%M\n\0 PK\x05\x06 PK\x01\x02 and more",
    ]
    .concat();
    is_honest(&open(&forge::Zip::new().prefix(program).file("setup.py", "x").build()), &[("setup.py", "x")]);
}

#[test]
fn of_two_archives_in_one_file_both_are_seen() {
    for padding in [0, 100_000] {
        let first = forge::Zip::new().file("m.pyc", "first").build();
        let second = forge::Zip::new().file("m.pyc", "second").file("pad", vec![0; padding]).build();
        let zip = open(&[first, second].concat());
        assert_eq!(all(&zip, "m.pyc"), ["second", "first"], "{padding}");
        assert!(kinds(&zip).contains(&OddityKind::SeveralEnds), "{padding}");
        let unlisted = odd(&zip, OddityKind::Unlisted);
        assert_eq!(
            (
                unlisted.offset,
                unlisted.observed.contains("another") || unlisted.observed.contains("only by the end record")
            ),
            (Some(0), true)
        );
        assert!(!kinds(&zip).contains(&OddityKind::Gap), "{padding}");
    }
}

#[test]
fn an_end_record_forged_in_the_comment_hides_nothing() {
    let forged_end = forge::Zip::new().build();
    let zip = open(&forge::Zip::new().file("m.pyc", TEXT).comment(&forged_end).build());
    assert_eq!(all(&zip, "m.pyc"), ["value = 1\nvalue = 1\n"]);
    assert!(kinds(&zip).contains(&OddityKind::SeveralEnds));
    assert!(kinds(&zip).contains(&OddityKind::Unlisted));
    // One that is followed by more of the comment, and one that shows another directory.
    let other = forge::Zip::new().file("other.pyc", "other").build();
    let zip = open(&forge::Zip::new().file("m.pyc", TEXT).comment(&other).build());
    assert_eq!(names(&zip), ["m.pyc", "other.pyc"]);
    assert_eq!(
        (all(&zip, "m.pyc"), all(&zip, "other.pyc")),
        (vec!["value = 1\nvalue = 1\n".to_owned()], vec!["other".to_owned()])
    );
}

#[test]
fn a_plain_member_marked_as_encrypted_is_read() {
    for entry in [Entry::new("m.pyc", TEXT), Entry::deflated("m.pyc", TEXT)] {
        let zip = open(&forge::Zip::new().entry(entry.both(|record| record.flags |= 1)).build());
        let content = read(&zip, "m.pyc");
        assert_eq!((content.bytes.as_slice(), content.problems), (TEXT, vec![]));
        assert_eq!(
            content.oddities.iter().map(|oddity| oddity.kind).collect::<Vec<_>>(),
            [OddityKind::PlainMarkedEncrypted]
        );
    }
    let entry = Entry::new("m.pyc", TEXT).encoded(8, vec![0xa5; 40]).both(|record| record.flags |= 1);
    let zip = open(&forge::Zip::new().entry(entry).build());
    assert!(zip.archive_record(0).unwrap().encrypted());
    assert_eq!(problem_kinds(&read(&zip, "m.pyc").problems), [ProblemKind::Encrypted]);
}

#[test]
fn a_declared_size_that_is_too_small_cuts_nothing() {
    let text = b"value = 1\n".repeat(1000);
    let zip = open(&forge::Zip::new().entry(Entry::deflated("m.pyc", &text).both(|record| record.size = 5)).build());
    let content = read(&zip, "m.pyc");
    assert_eq!(
        (content.bytes.as_slice(), problem_kinds(&content.problems)),
        (text.as_slice(), vec![ProblemKind::SizeMismatch])
    );
    let zip = open(
        &forge::Zip::new().entry(Entry::deflated("m.pyc", &text).both(|record| record.size = 4_000_000_000)).build(),
    );
    let content = read(&zip, "m.pyc");
    assert_eq!(
        (content.bytes.as_slice(), problem_kinds(&content.problems)),
        (text.as_slice(), vec![ProblemKind::SizeMismatch])
    );
    assert!(content.bytes.capacity() < 1 << 20, "{}", content.bytes.capacity());
}

#[test]
fn a_date_that_is_none_keeps_its_words() {
    let entry = Entry::new("m.pyc", TEXT).time(DosTime { date: 0, time: 0xffff });
    let zip = open(&forge::Zip::new().entry(entry).build());
    let member = zip.listing().get(0).unwrap();
    assert_eq!((member.times.dos, member.times.seconds()), (Some(DosTime { date: 0, time: 0xffff }), None));
}

#[test]
fn a_method_that_only_one_record_tells_is_reported() {
    let entry = Entry::deflated("m.pyc", TEXT).central(|record| record.method = 77);
    let zip = open(&forge::Zip::new().entry(entry).build());
    let oddity = odd(&zip, OddityKind::LocalFieldDiffers);
    assert_eq!((oddity.expected.as_str(), oddity.observed.as_str()), ("method 77", "method 8"));
    // The data are decoded by the local header, since nothing can be done by the other.
    assert_eq!(read(&zip, "m.pyc").bytes, TEXT);
    let zip = open(&forge::Zip::new().entry(Entry::new("m.pyc", TEXT).both(|record| record.method = 77)).build());
    assert_eq!(problem_kinds(&read(&zip, "m.pyc").problems), [ProblemKind::UnsupportedMethod]);
}

#[test]
fn a_local_header_with_another_name_flags_or_size_is_reported() {
    let name = Entry::new("safe.py", TEXT).local(|record| record.name = b"evil.py".to_vec());
    let zip = open(&forge::Zip::new().entry(name).build());
    let oddity = odd(&zip, OddityKind::LocalNameDiffers);
    assert_eq!((oddity.expected.as_str(), oddity.observed.as_str(), oddity.member), ("safe.py", "evil.py", Some(0)));
    let long = Entry::new("safe.py", TEXT).local(|record| record.name = vec![b'e'; 60_000]);
    let zip = open(&forge::Zip::new().entry(long).build());
    let observed = odd(&zip, OddityKind::LocalNameDiffers).observed.len();
    assert!((1_000..2_000).contains(&observed), "long names are cut: {observed}");
    assert_eq!(read(&zip, "safe.py").bytes, TEXT);
    let fields = Entry::new("m", TEXT).local(|record| {
        record.flags = 0x800;
        record.crc32 ^= 1;
        record.size += 1;
        record.compressed += 1;
    });
    let zip = open(&forge::Zip::new().entry(fields).build());
    assert_eq!(kinds(&zip), [OddityKind::LocalFieldDiffers; 4]);
    assert_eq!(read(&zip, "m").problems, []);
}

#[test]
fn a_record_without_local_header_is_reported_and_gives_nothing() {
    let zip = open(&forge::Zip::new().file("n", "x").entry(Entry::new("m.pyc", TEXT).without_local()).build());
    assert_eq!(kinds(&zip), [OddityKind::LocalMissing]);
    assert_eq!(problem_kinds(&read(&zip, "m.pyc").problems), [ProblemKind::ArchiveDamaged]);
}

#[test]
fn members_that_share_bytes_are_reported() {
    let zip = open(&forge::Zip::new().entry(Entry::new("m.pyc", TEXT).listed_again_as("n.pyc")).build());
    assert_eq!(names(&zip), ["m.pyc", "n.pyc"]);
    assert_eq!(kinds(&zip), [OddityKind::LocalNameDiffers, OddityKind::Overlap]);
}

#[test]
fn bytes_that_belong_to_nothing_are_reported() {
    let zip = open(&forge::Zip::new().file("m", TEXT).entry(Entry::new("n", "x").after_gap("secret payload")).build());
    assert_eq!(kinds(&zip), [OddityKind::Gap]);
    assert_eq!(odd(&zip, OddityKind::Gap).observed, "14 bytes that begin with 736563726574207061796c6f6164");
    let zip = open(&forge::Zip::new().file("m", TEXT).before_end("between").build());
    assert!(kinds(&zip).contains(&OddityKind::Gap) || kinds(&zip).contains(&OddityKind::EndRecordDiffers));
    assert_eq!(names(&zip), ["m"]);
}

#[test]
fn descriptors_of_every_form_are_no_gaps() {
    for descriptor in [Descriptor::Signed, Descriptor::Bare, Descriptor::Wide] {
        let entry = Entry::deflated("m.pyc", TEXT).streamed(descriptor);
        is_honest(
            &open(&forge::Zip::new().entry(entry).file("n", "x").build()),
            &[("m.pyc", "value = 1\nvalue = 1\n"), ("n", "x")],
        );
    }
}

#[test]
fn zip64_records_are_read_and_compared() {
    let forged = forge::Zip::new().file("m.pyc", TEXT).zip64();
    is_honest(&open(&forged.build()), &[("m.pyc", "value = 1\nvalue = 1\n")]);
    is_honest(&open(&forged.prefix("#!x\n").build()), &[("m.pyc", "value = 1\nvalue = 1\n")]);
    let forged = forge::Zip::new().file("m.pyc", TEXT).zip64();
    let zip = open(&forged.end(|end| end.entries = 7).build());
    assert!(kinds(&zip).contains(&OddityKind::Zip64Differs));
    // Sizes in the extra field, and sizes that are said to be there and are not.
    let size = u64::try_from(TEXT.len()).unwrap().to_le_bytes();
    let wide = Entry::new("m.pyc", TEXT).extra(1, &[size, size].concat());
    let wide = wide.both(|record| (record.size, record.compressed) = (u32::MAX, u32::MAX));
    is_honest(&open(&forge::Zip::new().entry(wide).build()), &[("m.pyc", "value = 1\nvalue = 1\n")]);
    let missing = Entry::new("m.pyc", TEXT).both(|record| record.size = u32::MAX);
    let zip = open(&forge::Zip::new().entry(missing).build());
    assert_eq!(kinds(&zip), [OddityKind::Zip64Differs; 2]);
}

#[test]
fn extra_fields_give_times_and_another_name() {
    let unix = Entry::new("m", TEXT).extra(0x5455, &[1, 0, 0x29, 0xe0, 0x65]);
    let zip = open(&forge::Zip::new().entry(unix).build());
    assert_eq!(zip.listing().get(0).unwrap().times.utc().and_then(rfc3339).as_deref(), Some("2024-02-29T06:49:36Z"));
    let mut ntfs = vec![0, 0, 0, 0, 1, 0, 24, 0];
    ntfs.extend_from_slice(&[116_444_736_010_000_000_u64.to_le_bytes(), [0; 8], [0; 8]].concat());
    let zip = open(&forge::Zip::new().entry(Entry::new("m", TEXT).extra(10, &ntfs)).build());
    assert_eq!(zip.listing().get(0).unwrap().times.utc(), Some(1));
    let mut unicode = vec![1];
    unicode.extend_from_slice(&forge::zip::crc32(b"safe.py").to_le_bytes());
    unicode.extend_from_slice(b"evil.py");
    let zip = open(&forge::Zip::new().entry(Entry::new("safe.py", TEXT).extra(0x7075, &unicode)).build());
    assert_eq!(kinds(&zip), [OddityKind::UnicodeNameDiffers]);
    assert_eq!(odd(&zip, OddityKind::UnicodeNameDiffers).observed, "evil.py");
}

#[test]
fn a_folder_with_data_and_a_mode_that_contradicts_the_name_are_reported() {
    let zip = open(&forge::Zip::new().file("folder/", "data").entry(Entry::new("m", "x").mode(0o040_755)).build());
    assert_eq!(kinds(&zip), [OddityKind::FolderWithData; 2]);
    assert_eq!(read(&zip, "folder/").bytes, b"data");
}

#[test]
fn damaged_data_and_wrong_checksums_keep_what_came_before() {
    let text = b"value = 1\n".repeat(1000);
    let zip = open(&forge::Zip::new().entry(Entry::deflated("m", &text).both(|record| record.crc32 ^= 1)).build());
    let content = read(&zip, "m");
    assert_eq!((content.bytes, problem_kinds(&content.problems)), (text.clone(), vec![ProblemKind::ChecksumMismatch]));
    let zip = open(&forge::Zip::new().entry(Entry::new("m", TEXT).encoded(8, vec![0xff; 30])).build());
    assert_eq!(problem_kinds(&read(&zip, "m").problems), [ProblemKind::DataDamaged]);
    let stream = Entry::deflated("m", &text);
    let short = stream.clone().both(|record| record.compressed -= 3).cut_to(0);
    let zip = open(&forge::Zip::new().entry(short).file("n", "x").build());
    assert!(!read(&zip, "m").problems.is_empty());
}

#[test]
fn data_after_the_end_of_a_stream_are_reported() {
    let hidden = b"hidden";
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, TEXT).unwrap();
    let stream = [encoder.finish().unwrap(), hidden.to_vec()].concat();
    let zip = open(&forge::Zip::new().entry(Entry::new("m", TEXT).encoded(8, stream)).build());
    let content = read(&zip, "m");
    assert_eq!((content.bytes.as_slice(), content.problems), (TEXT, vec![]));
    assert_eq!(content.oddities.iter().map(|oddity| oddity.kind).collect::<Vec<_>>(), [OddityKind::DataAfterStream]);
}

#[test]
fn a_bomb_is_stopped_by_each_limit() {
    let zeros = vec![0; 50 << 20];
    let bomb = Entry::deflated("bomb", &zeros);
    let bytes = forge::Zip::new().entry(bomb.clone()).build();
    let zip = Zip::open(Input::from_bytes(bytes.clone()), &Limits::default()).unwrap();
    let content = zip.read(0, 1000);
    assert_eq!((content.bytes.len(), problem_kinds(&content.problems)), (1000, vec![ProblemKind::MemberSizeLimit]));
    assert!(content.bytes.capacity() < 1 << 16);
    let tight = Limits { ratio: 100, ..Limits::default() };
    let content = Zip::open(Input::from_bytes(bytes), &tight).unwrap().read(0, u64::MAX);
    assert_eq!(problem_kinds(&content.problems), [ProblemKind::RatioLimit]);
    assert!(content.bytes.len() < 6 << 20);
    // Members that together are too large: told from their claims, whatever the order of reading.
    let limits = Limits { total_size: 120 << 20, ..Limits::default() };
    let three = forge::Zip::new().entry(bomb.clone()).entry(bomb.clone()).entry(bomb.clone()).build();
    let zip = Zip::open(Input::from_bytes(three), &limits).unwrap();
    let outcome = [2, 1, 0].map(|id| problem_kinds(&zip.read(id, u64::MAX).problems));
    assert_eq!(outcome, [vec![ProblemKind::TotalSizeLimit], vec![], vec![]]);
    // Members that lie about their size share what is left.
    let liar = bomb.both(|record| record.size = 0);
    let zip = forge::Zip::new().entry(liar.clone()).entry(liar.clone()).entry(liar).build();
    let zip = Zip::open(Input::from_bytes(zip), &limits).unwrap();
    let read: Vec<usize> = (0..3).map(|id| zip.read(id, u64::MAX).bytes.len()).collect();
    assert_eq!(read, [50 << 20, 50 << 20, 20 << 20]);
    assert_eq!(problem_kinds(&zip.read(0, u64::MAX).problems), [ProblemKind::TotalSizeLimit]);
}

#[test]
fn a_zip_of_many_overlapping_members_is_bounded() {
    let mut entry = Entry::deflated("m", vec![0; 1 << 20]);
    for number in 0..30_000 {
        entry = entry.listed_again_as(format!("m{number}"));
    }
    let bytes = forge::Zip::new().entry(entry).build();
    let limits = Limits { members: 20_000, ..Limits::default() };
    let zip = Zip::open(Input::from_bytes(bytes), &limits).unwrap();
    assert_eq!(zip.listing().len(), 20_000);
    assert_eq!(zip.problems().first().map(|located| located.problem.kind), Some(ProblemKind::MemberCountLimit));
    assert!(zip.oddities().len() < 3 * limits.findings_per_rule + 10, "{}", zip.oddities().len());
    assert!(zip.oddities().iter().any(|oddity| oddity.observed.ends_with("more of this kind")));
}

#[test]
fn numbers_of_the_end_record_are_not_believed() {
    let forged = forge::Zip::new().file("m", TEXT).zip64();
    let mut bytes = forged.build();
    let at = bytes.windows(4).rposition(|window| window == b"PK\x06\x06").unwrap();
    bytes[at + 24..at + 56].fill(0xfe);
    let zip = open(&bytes);
    assert_eq!(all(&zip, "m"), ["value = 1\nvalue = 1\n"]);
}

#[test]
fn an_archive_in_an_archive_is_opened_from_memory() {
    let inner = forge::Zip::new().file("p/m.pyc", TEXT).build();
    let outer = open(&forge::Zip::new().entry(Entry::deflated("inner.whl", &inner)).file("n.txt", "PK").build());
    // A stored archive near the end of another does not count as a second end record.
    is_honest(
        &open(&forge::Zip::new().file("inner.whl", &inner).build()),
        &[("inner.whl", &String::from_utf8_lossy(&inner))],
    );
    assert_eq!(format::identify(&outer, 0).unwrap().format.map(|format| format.name), Some("zip"));
    assert!(format::identify(&outer, 1).unwrap().format.is_none());
    let input = outer.input(0, 1 << 20).unwrap();
    let opened = format::open_input(input, b"inner.whl", &Limits::default()).unwrap().unwrap();
    assert_eq!(opened.read(0, 1 << 20).bytes, TEXT);
    assert_eq!(outer.input(0, 10).unwrap_err().kind, ProblemKind::MemberSizeLimit);
}

#[test]
fn links_of_an_archive_are_resolved_by_their_text() {
    let link = |name: &str, target: &str| Entry::new(name, target).mode(0o120_777);
    let zip = open(
        &forge::Zip::new()
            .file("a/m.pyc", TEXT)
            .entry(link("a/in", "../a/m.pyc"))
            .entry(link("a/folder", "."))
            .entry(link("a/out", "../../etc/passwd"))
            .entry(link("a/absolute", "/etc/passwd"))
            .entry(link("a/broken", "nothing"))
            .build(),
    );
    let target = |name: &str| zip.link(zip.listing().find_path(name.as_bytes()).unwrap().id);
    assert_eq!(target("a/in"), Some(LinkTarget::Inside("a/m.pyc".into())));
    assert_eq!(target("a/folder"), Some(LinkTarget::Inside("a".into())));
    assert_eq!(target("a/out"), Some(LinkTarget::Outside("../../etc/passwd".into())));
    assert_eq!(target("a/absolute"), Some(LinkTarget::Outside("/etc/passwd".into())));
    assert_eq!(target("a/broken"), Some(LinkTarget::Broken("nothing".into())));
    assert_eq!(target("a/m.pyc"), None);
}

#[test]
fn many_threads_read_one_archive() {
    let text = b"value = 1\n".repeat(5000);
    let mut forged = forge::Zip::new();
    for number in 0..500 {
        forged = forged
            .entry(Entry::deflated(format!("m{number:03}.pyc"), [&text[..], format!("{number}").as_bytes()].concat()));
    }
    let path = tempfile::NamedTempFile::new().unwrap();
    fs::write(path.path(), forged.build()).unwrap();
    let zip = Zip::open(dir::open_file(path.path()).unwrap(), &Limits::default()).unwrap();
    assert_eq!(zip.oddities(), []);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for id in 0..500 {
                    let content = zip.read(id, 1 << 20);
                    assert!(
                        content.problems.is_empty() && content.bytes.ends_with(format!("\n{id}").as_bytes()),
                        "{id}"
                    );
                }
            });
        }
    });
}

#[test]
fn every_prefix_and_every_changed_byte_of_a_fixture_is_bounded() {
    let limits = Limits::default();
    let check = |bytes: &[u8]| {
        let zip = Zip::open(Input::from_bytes(bytes.to_vec()), &limits).unwrap();
        let size = bytes.len() as u64;
        assert!(zip.listing().len() < 100);
        assert!(zip.oddities().iter().all(|oddity| oddity.offset.is_none_or(|at| at <= size)));
        for member in zip.listing().members() {
            let content = zip.read(member.id, 1 << 16);
            assert!(content.bytes.len() <= 1 << 16);
            let _ = zip.link(member.id);
            let _ = zip.ends(member.id, 64, 22);
        }
    };
    for name in
        ["wheel.whl", "egg.egg", "app.pyz", "methods.zip", "streamed.zip", "zip64.zip", "duplicates.zip", "empty.zip"]
    {
        let bytes = fs::read(fixture(name)).unwrap();
        for length in 0..bytes.len() {
            check(&bytes[..length]);
        }
        let mut changed = bytes.clone();
        for at in 0..bytes.len() {
            for value in [0, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(0x7f)] {
                changed[at] = value;
                check(&changed);
            }
            changed[at] = bytes[at];
        }
    }
}
