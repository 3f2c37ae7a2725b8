//! Programs frozen by PyInstaller: what is in them by name and bytes, and one line for each way in which they can lie.

use pycaudit::container::Container;
use pycaudit::container::Content;
use pycaudit::container::Input;
use pycaudit::container::MemberKind;
use pycaudit::container::Oddity;
use pycaudit::container::format;
use pycaudit::forge::Carchive;
use pycaudit::forge::Entry;
use pycaudit::forge::Pyc;
use pycaudit::forge::PyzArchive;
use pycaudit::forge::Zip;
use pycaudit::limits::Limits;
use pycaudit::problem::ProblemKind;
use pycaudit::pyc::Magic;

use crate::invariants;

const MAGIC: Magic = Magic([0xcb, 0x0d, b'\r', b'\n']);

fn open(bytes: Vec<u8>) -> Box<dyn Container> {
    format::open_bytes(bytes, b"program", &Limits::default()).unwrap().unwrap()
}

fn names(container: &dyn Container) -> Vec<String> {
    container.listing().members().map(|member| member.name().to_string()).collect()
}

fn read(container: &dyn Container, name: &str) -> Content {
    container.read(container.listing().find_path(name.as_bytes()).unwrap().id, 1 << 20)
}

fn body() -> Vec<u8> {
    Pyc::python("3.12").build_body()
}

/// The pyc that a body was cut from, as a freezer leaves it: nothing is recorded.
fn restored() -> Vec<u8> {
    [&MAGIC.0[..], &[0; 12], &body()].concat()
}

fn pyz() -> PyzArchive {
    PyzArchive::new(MAGIC).module("m", body()).entry("p", 1, body()).module("p.q.r", body()).entry("ns", 3, b"")
}

fn program() -> Carchive {
    let library = Zip::new().entry(Entry::deflated("encodings/__init__.pyc", Pyc::python("3.12").build()));
    Carchive::new(312)
        .packed(b'm', "struct", body())
        .packed(b's', "pyi_rth_inspect", body())
        .packed(b's', "prog", body())
        .packed(b'b', "libz.so.1", b"\x7fELF")
        .plain(b'n', "lib.so", b"libz.so.1\0".to_vec())
        .plain(b'o', "pyi-contents-directory _internal", Vec::new())
        .packed(b'x', "base_library.zip", library.build())
        .plain(b'z', "PYZ.pyz", pyz().build())
}

/// What a program lists and says of itself.
fn told(bytes: Vec<u8>) -> String {
    let container = open(bytes);
    let said = container.oddities().iter().map(|Oddity { kind, observed, .. }| format!("{}: {observed}", kind.code()));
    let unread = container.problems().iter().map(|located| located.problem.to_string());
    let members = names(container.as_ref()).join(" ");
    std::iter::once(members).chain(said).chain(unread).collect::<Vec<_>>().join("\n")
}

#[test]
fn code_is_listed_as_the_pyc_that_it_was_cut_from() {
    let program = open(program().build());
    assert_eq!(
        names(program.as_ref()),
        ["PYZ.pyz", "base_library.zip", "lib.so", "libz.so.1", "prog.pyc", "pyi_rth_inspect.pyc", "struct.pyc"]
    );
    assert_eq!((program.oddities(), program.problems()), (&[][..], &[][..]));
    assert_eq!(read(program.as_ref(), "prog.pyc").bytes, restored());
    let link = program.listing().find_path(b"lib.so").unwrap();
    assert_eq!(link.kind, MemberKind::Link);
    assert_eq!(format!("{:?}", program.link(link.id)), "Some(Inside(`libz.so.1`))");
    let restores = |name: &str| program.header_is_restored(program.listing().find_path(name.as_bytes()).unwrap().id);
    assert!(restores("struct.pyc") && !restores("PYZ.pyz") && !restores("libz.so.1"));

    let modules = open(read(program.as_ref(), "PYZ.pyz").bytes);
    assert_eq!(names(modules.as_ref()), ["m.pyc", "p/__init__.pyc", "p/q/r.pyc"]);
    assert_eq!((modules.oddities(), modules.problems()), (&[][..], &[][..]));
    for name in names(modules.as_ref()) {
        let content = read(modules.as_ref(), &name);
        assert_eq!((content.bytes, content.problems), (restored(), Vec::new()), "{name}");
    }
    let library = open(read(program.as_ref(), "base_library.zip").bytes);
    assert_eq!(names(library.as_ref()), ["encodings/__init__.pyc"]);
}

#[test]
fn a_header_is_as_long_as_its_version_has_it() {
    for (python, number, magic, header) in [("2.7", 27, 62211, 8), ("3.6", 36, 3379, 12), ("3.8", 38, 3413, 16)] {
        let body = Pyc::python(python).build_body();
        let modules = PyzArchive::new(Magic::with_number(magic)).dict().module("m", &body);
        let program = Carchive::new(number).packed(b's', "prog", &body).plain(b'z', "PYZ-00.pyz", modules.build());
        let program = open(program.cookie(|it| it.library = None).build());
        let bytes = read(program.as_ref(), "prog.pyc").bytes;
        assert_eq!((&bytes[..2], &bytes[header..]), (&magic.to_le_bytes()[..], &body[..]), "{python}");
        let modules = open(read(program.as_ref(), "PYZ-00.pyz").bytes);
        assert_eq!(read(modules.as_ref(), "m.pyc").bytes, bytes, "{python}");
    }
}

#[test]
fn the_version_in_the_cookie_serves_where_there_are_no_modules() {
    let program = open(Carchive::new(312).packed(b's', "prog", body()).build());
    assert_eq!(read(program.as_ref(), "prog.pyc").bytes, restored());
}

#[test]
fn what_older_releases_stored_whole_is_left_as_it_is() {
    let pyc = Pyc::python("3.12").build();
    let program = Carchive::new(312).packed(b's', "prog", "import os\n").packed(b'M', "pkg", &pyc);
    let program = open(program.plain(b'z', "PYZ.pyz", pyz().build()).build());
    assert_eq!(names(program.as_ref()), ["PYZ.pyz", "pkg/__init__.pyc", "prog.py"]);
    assert_eq!(read(program.as_ref(), "pkg/__init__.pyc").bytes, pyc);
    assert_eq!(read(program.as_ref(), "prog.py").bytes, b"import os\n");
}

#[test]
fn folders_of_windows_are_folders() {
    let program = Carchive::new(312).cookie(|it| it.library = Some(b"python312.dll".to_vec()));
    let program = program.packed(b'x', "tcl\\init.tcl", "").plain(b'z', "PYZ.pyz", pyz().build());
    assert_eq!(names(open(program.build()).as_ref()), ["PYZ.pyz", "tcl/init.tcl"]);
}

#[test]
fn a_cookie_is_found_wherever_it_stands() {
    let far = program().trailing([b"signed".repeat(50_000)].concat()).build();
    assert_eq!(names(open(far).as_ref()).len(), 8);
    // A library is not searched through, and has no cookie at its end.
    let library = program().prefix(b"\x7fELF\x02\x01".to_vec()).trailing(vec![7; 100_000]).build();
    assert!(format::open_bytes(library, b"lib.so", &Limits::default()).is_none());
    // A program that only holds the magic is none.
    let builder = [&b"MZ"[..], b"MEI\x0c\x0b\x0a\x0b\x0e", &[0xff; 100]].concat();
    assert!(format::open_bytes(builder, b"setup.exe", &Limits::default()).is_none());
}

#[test]
fn what_is_behind_an_archive_is_a_member_unless_the_program_explains_it() {
    let zip = Zip::new().file("hidden.pyc", Pyc::python("3.12").build()).build();
    let container = open(program().trailing([zip.clone(), vec![0; 70_000]].concat()).build());
    let hidden = read(container.as_ref(), "(behind the archive)");
    assert!(hidden.bytes.starts_with(&zip));

    // PE: a certificate table right behind the cookie.
    let mut head = b"MZ".to_vec();
    head.resize(0x40, 0);
    head[0x3c] = 0x40;
    head.extend(b"PE\0\0");
    head.resize(0x40 + 24, 0);
    head.extend([0x0b, 0x02]);
    head.resize(0x40 + 24 + 112 + 16 * 8, 0);
    let size = program().prefix(head.clone()).build().len();
    let place = 0x40 + 24 + 112 + 4 * 8;
    head[place..place + 4].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
    head[place + 4..place + 8].copy_from_slice(&64_u32.to_le_bytes());
    let signed = open(program().prefix(head.clone()).trailing(vec![0x30; 64]).build());
    assert_eq!(signed.oddities(), []);
    let more = open(program().prefix(head).trailing(vec![0x30; 100]).build());
    assert_eq!(more.oddities().len(), 1);
}

#[test]
fn each_lie_of_an_archive_is_told() {
    let plain = || Carchive::new(312).plain(b'z', "PYZ.pyz", PyzArchive::new(MAGIC).module("m", body()).build());
    let file = || plain().packed(b'x', "data", "0123456789");
    let cases = [
        (
            "another magic",
            plain().cookie(|it| it.magic = *b"EVIL\0\0\0\0"),
            "PYZ.pyz\ncookie-differs: 4556494c00000000, which PyInstaller's own tools do not find",
        ),
        (
            "no cookie at all",
            plain().cookie(|it| (it.magic, it.archive) = ([0; 8], Some(9))),
            "PYZ at 0x78.pyz\ncookie-differs: none, and archives of modules",
        ),
        ("another version", plain().cookie(|it| it.python = 311), "PYZ.pyz\nversion-differs: CPython 3.12"),
        ("a kind that does not exist", file().edit(|it| it.kind = b'Q'), "PYZ.pyz data\nrecord-malformed: kind Q"),
        (
            "text behind the end of a name",
            file().edit(|it| it.padding = b"secret".to_vec()),
            "PYZ.pyz data\nrecord-malformed: other bytes",
        ),
        (
            "an option with data",
            plain().plain(b'o', "option", b"payload".to_vec()),
            "PYZ.pyz option\nrecord-malformed: 7 bytes",
        ),
        (
            "data of another file",
            file().edit(|it| it.offset = Some(3)),
            "PYZ.pyz data\noverlap: they belong to another member too",
        ),
        (
            "a record without a name",
            file().edit(|it| it.length = Some(18)),
            "PYZ.pyz\nthe archive's directory is damaged: a record of an impossible length (at offset 0x120)",
        ),
        (
            "a record longer than the table",
            file().edit(|it| it.length = Some(4000)),
            "PYZ.pyz\nthe archive's directory is damaged: a record of an impossible length (at offset 0x120)",
        ),
        (
            "a gap before the cookie",
            file().cookie(|it| it.contents_length = Some(32)),
            "PYZ.pyz\ncookie-differs: it ends at 0x120",
        ),
        ("a name that escapes", plain().packed(b'x', "../../etc/cron.d/x", ""), "../../etc/cron.d/x PYZ.pyz"),
        ("the same name twice", file().packed(b'x', "data", "other"), "PYZ.pyz data data"),
    ];
    for (what, lie, expected) in cases {
        assert_eq!(told(lie.build()), expected, "{what}");
    }
}

#[test]
fn each_lie_of_modules_is_told() {
    let one = || PyzArchive::new(MAGIC).module("m", body());
    let cases = [
        ("more behind the end", one().trailing(b"more".to_vec()), "m.pyc\ntrailing: 4 more bytes"),
        ("encrypted", one().encrypted(), "m.pyc\nencrypted-code: the header says that they are encrypted"),
        (
            "a shared place",
            one().module("n", body()).edit(|it| it.offset = Some(17)),
            "m.pyc n.pyc\noverlap: they belong to another member too",
        ),
        (
            "a negative place",
            one().edit(|it| it.offset = Some(-1)),
            "\nthe archive's directory is damaged: 1 entries of the table of contents are no name with a place (at offset ",
        ),
        (
            "names that escape",
            one().module("../../x", body()).module("a..b", body()).module("/etc/m", body()),
            "../../x.pyc /etc/m.pyc a..b.pyc m.pyc",
        ),
    ];
    for (what, lie, expected) in cases {
        let told = told(lie.build());
        assert!(told == expected || expected.ends_with(' ') && told.starts_with(expected), "{what}: {told}");
    }
}

#[test]
fn what_cannot_be_read_is_a_problem_of_its_member() {
    let kinds = |container: Box<dyn Container>, name: &str| -> Vec<ProblemKind> {
        read(container.as_ref(), name).problems.iter().map(|problem| problem.kind).collect()
    };
    let file = || Carchive::new(312).packed(b'x', "data", "0123456789").plain(b'z', "PYZ.pyz", pyz().build());
    let last = || Carchive::new(312).plain(b'z', "PYZ.pyz", pyz().build()).packed(b'x', "data", "0123456789");
    assert_eq!(kinds(open(last().edit(|it| it.size = 11).build()), "data"), [ProblemKind::SizeMismatch]);
    assert_eq!(kinds(open(last().edit(|it| it.offset = Some(1 << 30)).build()), "data"), [ProblemKind::DataDamaged]);
    assert_eq!(kinds(open(last().edit(|it| it.stored = Some(4)).build()), "data"), [ProblemKind::DataDamaged]);
    assert_eq!(
        kinds(open(last().edit(|it| it.data = b"no zlib".to_vec()).build()), "data"),
        [ProblemKind::DataDamaged]
    );
    assert_eq!(kinds(open(last().edit(|it| it.flag = 2).build()), "data"), [ProblemKind::Encrypted]);
    assert_eq!(kinds(open(file().build()), "data"), []);
    let modules = PyzArchive::new(MAGIC).module("m", body()).encrypted();
    assert_eq!(kinds(open(modules.build()), "m.pyc"), [ProblemKind::Encrypted]);
}

#[test]
fn a_bomb_is_stopped_by_each_limit() {
    let zeros = vec![0; 8 << 20];
    let bytes = Carchive::new(312).packed(b'x', "bomb", zeros).plain(b'z', "PYZ.pyz", pyz().build()).build();
    let stopped = |limits: &Limits, limit: u64| {
        let container = format::open_bytes(bytes.clone(), b"program", limits).unwrap().unwrap();
        let id = container.listing().find_path(b"bomb").unwrap().id;
        let content = container.read(id, limit);
        (content.bytes.len() as u64, content.problems.first().map(|problem| problem.kind))
    };
    let plain = Limits::default();
    assert_eq!(stopped(&plain, u64::MAX), (8 << 20, None));
    assert_eq!(stopped(&plain, 1000), (1000, Some(ProblemKind::MemberSizeLimit)));
    assert_eq!(stopped(&Limits { ratio: 100, ..plain.clone() }, u64::MAX).1, Some(ProblemKind::RatioLimit));
    assert_eq!(
        stopped(&Limits { total_size: 5000, ..plain.clone() }, u64::MAX),
        (5000, Some(ProblemKind::TotalSizeLimit))
    );
    assert_eq!(open(bytes.clone()).problems(), []);
    let few = Limits { members: 1, ..plain };
    let cut = format::open_bytes(bytes.clone(), b"program", &few).unwrap().unwrap();
    assert_eq!(cut.problems()[0].problem.kind, ProblemKind::MemberCountLimit);
}

#[test]
fn a_forged_program_that_is_cut_or_changed_anywhere_is_survived() {
    let small = Carchive::new(312).packed(b's', "prog", body()).plain(b'z', "PYZ.pyz", pyz().build()).build();
    for bytes in [small, pyz().build(), pyz().dict().build()] {
        invariants::zip::hold_damaged(&bytes);
    }
}

#[test]
fn an_input_without_any_archive_is_refused() {
    let open =
        |bytes: &[u8]| pycaudit::container::pyinstaller::open(Input::from_bytes(bytes.to_vec()), &Limits::default());
    assert_eq!(open(b"").unwrap_err().kind, ProblemKind::ArchiveDamaged);
    assert_eq!(open(b"MEI\x0c\x0b\x0a\x0b\x0e").unwrap_err().kind, ProblemKind::ArchiveDamaged);
}
