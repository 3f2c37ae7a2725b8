//! Debian and RPM packages and cpio archives: what they list, each way in which they can lie, and damage anywhere.

use pycaudit::container::Container;
use pycaudit::container::Oddity;
use pycaudit::container::format;
use pycaudit::forge::frozen::deflated;
use pycaudit::forge::package::Ar;
use pycaudit::forge::package::Cpio;
use pycaudit::forge::package::Rpm;
use pycaudit::limits::Limits;

use crate::invariants;

fn open(bytes: &[u8]) -> Box<dyn Container> {
    format::open_bytes(bytes.to_vec(), b"p.deb", &Limits::default()).unwrap().unwrap()
}

fn told(bytes: &[u8]) -> String {
    let container = open(bytes);
    let names = container.listing().members().map(|member| member.name().to_string()).collect::<Vec<_>>().join(" ");
    let said = container.oddities().iter().map(|Oddity { kind, observed, .. }| format!("{}: {observed}", kind.code()));
    let unread = container.problems().iter().map(|located| located.problem.to_string());
    std::iter::once(names).chain(said).chain(unread).collect::<Vec<_>>().join("\n")
}

fn read(container: &dyn Container, name: &str) -> Vec<u8> {
    container.read(container.listing().find_path(name.as_bytes()).unwrap().id, 1 << 20).bytes
}

fn deb() -> Ar {
    Ar::new().file("debian-binary", "2.0\n").file("control.tar", "c").file("data.tar", "data")
}

#[test]
fn each_lie_of_a_debian_package_is_told() {
    let damaged = "the archive's directory is damaged: ";
    let cases = [
        ("honest", deb(), "control.tar data.tar debian-binary".to_owned()),
        (
            "names of System V",
            Ar::new().file("debian-binary/", "2.0\n").file("control.tar/", "").file("data.tar/", ""),
            "control.tar data.tar debian-binary".to_owned(),
        ),
        (
            "a file that dpkg does not read",
            deb().file("extra", "x"),
            "control.tar data.tar debian-binary extra\nafter-end: `extra` behind the data".to_owned(),
        ),
        (
            "another order",
            Ar::new().file("debian-binary", "2.0\n").file("data.tar", "").file("control.tar", ""),
            "control.tar data.tar debian-binary\nrecord-malformed: debian-binary, data.tar, control.tar".to_owned(),
        ),
        (
            "a size that is none",
            deb().header("x", "-1"),
            format!("control.tar data.tar debian-binary\n{damaged}no header of a member: `x "),
        ),
        (
            "more than there is",
            deb().header("x", "99"),
            format!(
                "control.tar data.tar debian-binary x\nafter-end: `x` behind the data\n{damaged}`x` has 99 bytes, and the archive ends before (at offset 0xc6)"
            ),
        ),
        (
            "a tail",
            deb().raw("tail"),
            "control.tar data.tar debian-binary\ntrailing: 4 bytes that are no header".to_owned(),
        ),
    ];
    for (what, lie, expected) in cases {
        let told = told(&lie.build());
        assert!(told.starts_with(&expected), "{what}: {told}");
    }
}

#[test]
fn links_of_a_cpio_archive_share_the_data_of_the_last() {
    let cpio = Cpio::new()
        .record("a", 0o100_644, 7, 2, "")
        .record("b", 0o100_644, 7, 2, "data")
        .record("l", 0o120_777, 8, 1, "a");
    let container = open(&cpio.build());
    assert_eq!(read(container.as_ref(), "a"), b"data");
    let link = container.listing().find_path(b"l").unwrap();
    assert_eq!(format!("{:?}", container.link(link.id)), "Some(Inside(`a`))");
}

#[test]
fn each_lie_of_a_cpio_archive_is_told() {
    let file = || Cpio::new().file("a.py", "x = 1\n");
    let cases = [
        ("honest", file().build(), "a.py"),
        ("a folder with data", Cpio::new().record("d", 0o040_755, 1, 1, "data").build(), "d/\ndata-on-link: 4 bytes"),
        (
            "no end",
            file().build_open(),
            "a.py\nthe archive's directory is damaged: the end of the bytes where a header should be (at offset 0x7c)",
        ),
        ("behind the end", [file().build(), b"more".to_vec()].concat(), "a.py\ntrailing: bytes that begin with "),
        (
            "a name of no bytes",
            Cpio::new().padded(format!("070701{}", "0".repeat(104))).build_open(),
            "\nthe archive's directory is damaged: a name of 0 bytes (at offset 0x0)",
        ),
        (
            "a stripped record",
            Cpio::new().file("a", "").stripped(3, "x").build(),
            "a\nthe archive's directory is damaged: a record of a file that the header does not list",
        ),
    ];
    for (what, lie, expected) in cases {
        let told = told(&lie);
        assert!(told.starts_with(expected), "{what}: {told}");
    }
}

#[test]
fn files_of_a_stripped_payload_have_the_names_of_the_header() {
    let payload = Cpio::new().stripped(1, "second").stripped(0, "1").build();
    let rpm = Rpm::new(payload).lists("/usr/lib/", "a.py", b"1").lists("/usr/lib/", "b.py", b"second");
    let container = open(&rpm.build());
    assert_eq!(read(container.as_ref(), "./usr/lib/b.py"), b"second");
    assert_eq!(read(container.as_ref(), "./usr/lib/a.py"), b"1");
    assert_eq!((container.oddities(), container.problems()), (&[][..], &[][..]));
}

#[test]
fn packages_that_are_cut_or_changed_anywhere_are_survived() {
    let payload =
        Cpio::new().record("./p.py", 0o100_644, 1, 2, "").record("./q.py", 0o100_644, 1, 2, "x = 1\n").build();
    let rpm = Rpm::new(payload.clone()).lists("/", "p.py", b"x = 1\n").lists("/", "q.py", b"x = 1\n").build();
    let odd = Rpm::new(deflated(&payload)).build();
    assert!(format::open_bytes(odd, b"p.rpm", &Limits::default()).unwrap().is_err());
    for bytes in [deb().build(), payload, rpm] {
        invariants::zip::hold_damaged(&bytes);
    }
}
