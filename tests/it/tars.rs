//! Tars and compressed files: those of other writers, and one case for each way in which one can lie, with what the report says.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::GzBuilder;
use flate2::write::GzEncoder;
use pycaudit::container::Container;
use pycaudit::container::MemberKind;
use pycaudit::container::format;
use pycaudit::forge::Case;
use pycaudit::forge::Pyc;
use pycaudit::forge::Tar;
use pycaudit::forge::Zip;
use pycaudit::forge::tar;
use pycaudit::forge::tar::Header;
use pycaudit::ledger::Fate;
use pycaudit::limits::Limits;
use pycaudit::problem::ProblemKind;
use pycaudit::rules::RULES;
use pycaudit::source::Source;

use crate::invariants;

/// A file that is a pyc by its name, and what is in it.
const PYC: &str = "p/__pycache__/m.cpython-312.pyc";

fn pyc() -> Vec<u8> {
    Pyc::python("3.12").build()
}

fn file(name: &str) -> Header {
    Header::new(name, 0)
}

fn open(bytes: &[u8], name: &str, limits: &Limits) -> Box<dyn Container> {
    format::open_bytes(bytes.to_vec(), name.as_bytes(), limits).unwrap().unwrap()
}

/// Every member with the first bytes of what reading it gives.
fn dump(container: &dyn Container) -> String {
    let mut text = String::new();
    for member in container.listing().members() {
        let content = container.read(member.id, 1 << 20);
        let shown = String::from_utf8_lossy(content.bytes.get(..24).unwrap_or(&content.bytes)).into_owned();
        let link = container.link(member.id);
        let problems: Vec<String> = content.problems.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "{} {:?} {:?} {shown:?} {link:?} {problems:?}", member.name(), member.kind, member.size);
    }
    text
}

/// A tar of what honest ones have: every kind of record.
fn honest() -> Tar {
    let long = format!("{}/m.py", "folder".repeat(30));
    let name = [long.as_bytes(), b"\0"].concat();
    Tar::new()
        .record(&file("p/").kind(b'5'), b"")
        .file("p/m.py", b"x = 1\n")
        .file(PYC, pyc())
        .record(&file("p/same.py").kind(b'1').link("p/m.py"), b"")
        .record(&file("p/link.py").kind(b'2').link("m.py"), b"")
        .record(&file("fifo").kind(b'6'), b"")
        .record(&Header::new("././@LongLink", name.len() as u64).kind(b'L'), &name)
        .file(&long[..100], b"long")
        .pax(&[("path", "caf\u{e9}.py"), ("mtime", "1.5")])
        .file("caf?.py", b"wide")
        .extended(b'g', &[("comment", "0123456789abcdef")])
        .file("old", b"")
}

#[test]
fn a_compressed_tar_shows_what_a_plain_one_shows() {
    let plain = honest().build();
    let limits = Limits::default();
    let expected = dump(open(&plain, "a.tar", &limits).as_ref());
    insta::assert_snapshot!("honest_tar", expected);
    assert_eq!(dump(open(&tar::gzip(&plain), "a.tar.gz", &limits).as_ref()), expected);
    // Nothing can be kept, so all of it is decoded again.
    let none = Limits { kept: 0, ..Limits::default() };
    assert_eq!(dump(open(&tar::gzip(&plain), "a.tar.gz", &none).as_ref()), expected);
    // Room for some of it, in windows of a few members.
    let few = Limits { kept: 1000, ..Limits::default() };
    assert_eq!(dump(open(&tar::gzip(&plain), "a.tar.gz", &few).as_ref()), expected);
}

#[test]
fn a_stream_in_which_the_letters_of_a_tar_stand_is_no_tar() {
    let tar = honest().build();
    // The name that a gzip stream has in its header is chosen so that it ends where a tar has its magic.
    let name = [vec![b'x'; 247], b"ustar  ".to_vec()].concat();
    let mut encoder = GzBuilder::new().filename(name).write(Vec::new(), Compression::none());
    encoder.write_all(&tar).unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed[257..].starts_with(b"ustar"));
    let limits = Limits::default();
    assert_eq!(dump(open(&packed, "a.tar.gz", &limits).as_ref()), dump(open(&tar, "a.tar", &limits).as_ref()));
}

#[test]
fn an_empty_zip_behind_a_tar_does_not_hide_it() {
    let end = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    let limits = Limits::default();
    for (tar, name) in [(honest().build(), "a.tar"), (tar::gzip(&honest().build()), "a.tar.gz")] {
        let behind = [tar.as_slice(), &end].concat();
        let container = open(&behind, name, &limits);
        assert_eq!(dump(container.as_ref()), dump(open(&tar, name, &limits).as_ref()), "{name}");
        // What is behind the end is told.
        assert_ne!((container.oddities().len(), container.problems().len()), (0, 0), "{name}");
    }
}

#[test]
fn tars_of_another_writer_show_the_same_members() {
    for name in ["gnu.tar.gz", "pax.tar.xz", "ustar.tar.zst", "v7.tar.bz2"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/containers").join(name);
        let container = open(&fs::read(path).unwrap(), name, &Limits::default());
        assert_eq!((container.oddities(), container.problems()), (&[][..], &[][..]), "{name}");
        let listing = container.listing();
        let read = |path: &str| container.read(listing.find_path(path.as_bytes()).unwrap().id, 1 << 20);
        let pyc = include_bytes!("../fixtures/versions/cpython-3.12-timestamp.pyc");
        assert_eq!(read("p/__pycache__/m.cpython-312.pyc").bytes, pyc, "{name}");
        assert_eq!(read("p/same.py").bytes, read("p/m.py").bytes, "{name}");
        let sparse = read("p/sparse.bin").bytes;
        assert!(sparse.len() == 100_003 && sparse.ends_with(b"\0\0end"), "{name}");
        let long = listing.members().filter(|member| member.file().len() > 100).count();
        assert_eq!(long, usize::from(name.starts_with("gnu") || name.starts_with("pax")), "{name}");
    }
}

#[test]
fn a_pyc_is_judged_with_the_source_that_is_beside_it_once_unpacked() {
    let pyc = Pyc::python("3.12").source_mtime(315_532_800).source_size(6).build();
    let tar = |members: &[&str]| {
        let bytes = |name: &&str| if name.as_bytes().ends_with(b".pyc") { pyc.clone() } else { b"x = 1\n".to_vec() };
        members.iter().fold(Tar::new(), |tar, name| tar.file(name, bytes(name)))
    };
    let sources = |members: &[&str]| {
        let told = |tar: Vec<u8>| -> Vec<String> {
            let pycs = Case::bytes(tar).entries(&[]).into_iter().filter_map(|entry| match entry {
                pycaudit::entry::Entry::Pyc(entry) => Some(entry),
                pycaudit::entry::Entry::Artifact(_) => None,
            });
            let source =
                |source: &Source| source.file().map_or("none".to_owned(), |file| file.locator.inner[0].to_string());
            pycs.map(|pyc| format!("{} {}: {}", pyc.module, pyc.load.verdict.code(), source(&pyc.source))).collect()
        };
        let plain = told(tar(members).build());
        assert_eq!(told(tar(members).gzip()), plain);
        plain
    };
    // Each of several top folders is one for itself.
    let several = ["a-1/p/__init__.py", "a-1/p/m.py", "a-1/p/__pycache__/m.cpython-312.pyc", "b-1/p/__init__.py"];
    assert_eq!(sources(&several), ["p.m runs: a-1/p/m.py"]);
    let other = ["b-1/src/m.py", "b-1/src/__pycache__/m.cpython-312.pyc", "b-1/p/__pycache__/m.cpython-312.pyc"];
    assert_eq!(
        sources(&[&several[..], &other].concat()),
        ["p.m runs: a-1/p/m.py", "p.m dead: none", "m runs: b-1/src/m.py",]
    );
    // One folder may be written in several ways.
    for (source, cache) in
        [("./a/m.py", "a"), ("a/m.py", "./a"), ("/a/m.py", "a/"), ("a//m.py", "./a/."), ("./m.py", "__pycache__/..")]
    {
        let pyc = format!("{cache}/__pycache__/m.cpython-312.pyc");
        let expected = if cache.ends_with("..") { "m dead: none".to_owned() } else { format!("m runs: {source}") };
        assert_eq!(sources(&[source, &pyc]), [expected], "{source} {cache}");
    }
}

#[test]
fn every_prefix_of_a_tar_is_read_as_far_as_it_goes() {
    let plain = honest().build();
    let mut before = 0;
    for end in (512..plain.len()).step_by(256) {
        let container = open(&plain[..end], "a.tar", &Limits::default());
        let members = container.listing().len();
        assert!(members >= before, "{end}");
        before = members;
        dump(container.as_ref());
    }
    assert_eq!(before, 9);
}

#[test]
fn sparse_files_of_every_form_are_put_together() {
    // 5 bytes, a hole, and 2 more at 512.
    let data = [&b"hello"[..], b"!\n"].concat();
    let old = {
        let map = [tar::octal(0), tar::octal(5), tar::octal(512), tar::octal(2)].concat();
        let mut tail = map;
        tail.resize(97, 0);
        tail.extend_from_slice(&tar::octal(514));
        Header::new("old", 7).kind(b'S').with(|header| {
            header.magic = *b"ustar  \0";
            header.tail = tail;
        })
    };
    let in_data = [&b"2\n0\n5\n512\n2\n"[..], &[0; 500], &data].concat();
    let tar = Tar::new()
        .record(&old, &data)
        .pax(&[("GNU.sparse.major", "0"), ("GNU.sparse.size", "514"), ("GNU.sparse.map", "0,5,512,2")])
        .file("v01", &data)
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "v10"),
            ("GNU.sparse.realsize", "514"),
        ])
        .file("GNUSparseFile.1/v10", &in_data);
    let container = open(&tar.build(), "a.tar", &Limits::default());
    assert_eq!(container.oddities(), []);
    let whole: Vec<u8> = [&b"hello"[..], &[0; 507], b"!\n"].concat();
    for name in ["old", "v01", "v10"] {
        let member = container.listing().find_path(name.as_bytes()).unwrap();
        assert_eq!(member.size, Some(514), "{name}");
        assert!(container.read(member.id, 1000).bytes == whole, "{name}");
    }
}

#[test]
fn a_hard_link_has_the_data_of_what_it_links_to() {
    let tar = Tar::new().file("data.bin", pyc()).record(&file(PYC).kind(b'1').link("./data.bin"), b"");
    for (name, bytes) in [("a.tar", tar.build()), ("a.tar.gz", tar.gzip())] {
        let container = open(&bytes, name, &Limits::default());
        let member = container.listing().find_path(PYC.as_bytes()).unwrap();
        assert_eq!(member.kind, MemberKind::File, "{name}");
        assert_eq!(container.read(member.id, 1 << 20).bytes, pyc(), "{name}");
    }
}

/// One lie: what it is, under which name, and the bytes.
type Lie = (&'static str, &'static str, Vec<u8>);

/// A stream of gzip that is damaged in its middle.
fn damaged() -> Vec<u8> {
    let mut bytes = tar::gzip(&honest().build());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    bytes
}

/// A gzip header with a name that does not end.
fn endless_name() -> Vec<u8> {
    [&b"\x1f\x8b\x08\x08\0\0\0\0\0\x03"[..], &b"a".repeat(200_000)].concat()
}

/// A gzip with another CRC-32.
fn wrong_checksum() -> Vec<u8> {
    let mut bytes = tar::gzip(&honest().build());
    let at = bytes.len() - 8;
    bytes[at] ^= 1;
    bytes
}

fn twice(name: &str) -> Tar {
    Tar::new().file(name, b"x = 1\n").file(name, b"x = 22\n")
}

/// What a header hides in its data: a tar of one more member.
fn hidden() -> Vec<u8> {
    Tar::new().file("hidden.pyc", pyc()).end(b"").build()
}

/// Every way in which a tar or a compressed file lies.
#[expect(clippy::too_many_lines, reason = "a table")]
fn lies() -> Vec<Lie> {
    let inner = hidden();
    let size = inner.len() as u64;
    let sized = |size: [u8; 12]| file("m.pyc").with(|header| header.size = size);
    let plain = |tar: Tar| tar.build();
    vec![
        (
            "a checksum that does not fit",
            "a.tar",
            plain(
                Tar::new().file("a", b"").record(&file("b").with(|header| header.off_by = 1), b"").file("c.pyc", pyc()),
            ),
        ),
        (
            "a size below zero",
            "a.tar",
            plain(Tar::new().file("a", b"").record(&sized(tar::base256(-1)), b"").file("c.pyc", pyc())),
        ),
        (
            "a size beyond everything",
            "a.tar",
            plain(Tar::new().file("a", b"").record(&sized(tar::base256(i64::MAX)), b"")),
        ),
        (
            "a size that is no number",
            "a.tar",
            plain(Tar::new().file("a", b"").record(&sized(*b"0000000000x\0"), b"").file("c.pyc", pyc())),
        ),
        (
            "a size in base 256",
            "a.tar",
            plain(Tar::new().record(&Header::new("m.py", 6).with(|header| header.size = tar::base256(6)), b"x = 1\n")),
        ),
        ("an end in the data", "a.tar", {
            let mut bytes = plain(Tar::new().file(PYC, pyc()));
            bytes.truncate(560);
            bytes
        }),
        ("an end in a header", "a.tar", {
            let mut bytes = plain(Tar::new().file("a", b"x").file("b", b""));
            bytes.truncate(1200);
            bytes
        }),
        ("no end", "a.tar", plain(Tar::new().file("a", b"x").end(b""))),
        ("one block of zeros for two", "a.tar", plain(Tar::new().file("a", b"x").end([0; 512]))),
        ("a member after the end", "a.tar", plain(Tar::new().file("a", b"").raw([0; 1024]).file("m.pyc", pyc()))),
        ("bytes after the end", "a.tar", plain(Tar::new().file("a", b"").raw([0; 1024]).raw([b'x'; 512]))),
        (
            "another size in the extended header",
            "a.tar",
            plain(
                Tar::new()
                    .pax(&[("size", "6")])
                    .record(&Header::new("m.py", size), [b"x = 1\n".to_vec(), vec![0; 506], inner.clone()].concat()),
            ),
        ),
        (
            "a size of zero in the block",
            "a.tar",
            plain(Tar::new().pax(&[("size", &size.to_string())]).record(&file("data"), &inner)),
        ),
        (
            "another name in the extended header",
            "a.tar",
            plain(Tar::new().pax(&[("path", "m.pyc")]).file("readme.txt", pyc())),
        ),
        (
            "a long name and another name",
            "a.tar",
            plain(
                Tar::new()
                    .pax(&[("path", "m.pyc")])
                    .record(&Header::new("././@LongLink", 6).kind(b'L'), b"n.txt\0")
                    .file("m.pyc", pyc()),
            ),
        ),
        (
            "a name for all members",
            "a.tar",
            plain(Tar::new().extended(b'g', &[("path", "m.pyc")]).file("a", b"").file("b", pyc())),
        ),
        (
            "an extended header that is none",
            "a.tar",
            plain(Tar::new().record(&Header::new("PaxHeaders/x", 9).kind(b'x'), b"99 path=a").file("a", b"")),
        ),
        (
            "an extended header twice in one",
            "a.tar",
            plain(Tar::new().pax(&[("path", "a"), ("path", "b")]).file("b", b"")),
        ),
        ("an extended header that nothing follows", "a.tar", plain(Tar::new().file("a", b"").pax(&[("path", "b")]))),
        (
            "an extended header of a gigabyte",
            "a.tar",
            plain(Tar::new().file("a", b"").record(&Header::new("x", 1 << 30).kind(b'x'), b"")),
        ),
        (
            "a link with members in it",
            "a.tar",
            plain(
                Tar::new()
                    .record(&file("l").kind(b'2').link("a").with(|header| header.size = tar::octal(size)), &inner)
                    .file("a", b""),
            ),
        ),
        (
            "a folder with data",
            "a.tar",
            plain(Tar::new().record(&Header::new("d/", 6).kind(b'5'), b"x = 1\n").file("a", b"")),
        ),
        (
            "a link out of the archive",
            "a.tar",
            plain(Tar::new().record(&file("l").kind(b'2').link("../../etc/passwd"), b"")),
        ),
        (
            "a hard link out of the archive",
            "a.tar",
            plain(Tar::new().record(&file("d/l.pyc").kind(b'1').link("../../etc/passwd"), b"")),
        ),
        (
            "a hard link to what comes later",
            "a.tar",
            plain(Tar::new().record(&file("l").kind(b'1').link("a"), b"").file("a", b"")),
        ),
        (
            "a device and a pipe",
            "a.tar",
            plain(Tar::new().record(&file("dev").kind(b'3'), b"").record(&file("m.pyc").kind(b'6'), b"")),
        ),
        (
            "names that escape",
            "a.tar",
            plain(Tar::new().file("../m.pyc", pyc()).file("/etc/m.pyc", pyc()).file("a/../../n.py", b"")),
        ),
        ("names that collide", "a.tar", plain(Tar::new().file("P/m.pyc", pyc()).file("p/m.pyc", pyc()))),
        ("a name twice", "a.tar", plain(twice("p/m.py"))),
        (
            "a type that nobody knows",
            "a.tar",
            plain(Tar::new().record(&Header::new("m.pyc", pyc().len() as u64).kind(b'Q'), pyc())),
        ),
        (
            "a map of a sparse file that does not fit",
            "a.tar",
            plain(
                Tar::new()
                    .pax(&[("GNU.sparse.major", "0"), ("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,5,2,2")])
                    .file("m.pyc", b"hello!\n"),
            ),
        ),
        (
            "a sparse file of a terabyte",
            "a.tar",
            plain(
                Tar::new()
                    .pax(&[("GNU.sparse.major", "0"), ("GNU.sparse.size", "1099511627776"), ("GNU.sparse.map", "0,7")])
                    .file("m.pyc", b"hello!\n"),
            ),
        ),
        ("what fills a block", "a.tar", plain(Tar::new().raw(Header::new("a", 1).block()).raw([b'x'; 512]))),
        (
            "a time that is no number",
            "a.tar",
            plain(Tar::new().record(&file("a").with(|header| header.mtime = *b"yesterday\0\0\0"), b"")),
        ),
        ("a tar with the name of a picture", "a.png", plain(honest())),
        ("a tar with the name of a wheel", "p-1-py3-none-any.whl", plain(honest())),
        ("streams one after the other", "a.tar.gz", {
            let bytes = plain(honest());
            [tar::gzip(&bytes[..1024]), tar::gzip(&bytes[1024..])].concat()
        }),
        (
            "a tar after a tar in another stream",
            "a.tar.gz",
            [tar::gzip(&plain(Tar::new().file("a", b""))), tar::gzip(&plain(Tar::new().file("m.pyc", pyc())))].concat(),
        ),
        ("bytes after a stream", "a.tar.gz", [tar::gzip(&plain(honest())), b"payload".to_vec()].concat()),
        ("zeros after a stream", "a.tar.gz", [tar::gzip(&plain(Tar::new().file("a", b""))), vec![0; 4096]].concat()),
        ("a stream that does not end", "a.tar.gz", {
            let mut bytes = tar::gzip(&plain(honest()));
            bytes.truncate(bytes.len() - 20);
            bytes
        }),
        ("a stream without its checksum", "a.tar.gz", {
            let mut bytes = tar::gzip(&plain(honest()));
            bytes.truncate(bytes.len() - 8);
            bytes
        }),
        ("a stream that is damaged", "a.tar.gz", damaged()),
        ("a stream with another checksum", "a.tar.gz", wrong_checksum()),
        ("a header of a stream that does not end", "a.tar.gz", endless_name()),
        ("a pyc in gzip", "m.pyc.gz", tar::gzip(&pyc())),
        (
            "a zip in gzip in a tar",
            "a.tar",
            plain(Tar::new().file("z.zip.gz", tar::gzip(&Zip::new().file("m.pyc", pyc()).build()))),
        ),
        (
            "a tar in itself, so to speak",
            "a.tar.gz",
            (0..10).fold(hidden(), |inner, _| Tar::new().file("a.tar.gz", tar::gzip(&inner)).build()),
        ),
    ]
}

#[test]
fn every_lie_is_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for (what, name, bytes) in lies() {
        fs::write(folder.path().join(name), bytes).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pycaudit"));
        command.current_dir(folder.path()).env_clear().args(["scan", name, "--min-severity", "info", "-v"]);
        let output = command.args(["--select", "PYC1,PYC3,PYC8,PYC9"]).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        // What follows are sums.
        let is_sum = |line: &&str| line.starts_with("Python ") || line.starts_with("Seen ");
        let shown: String = shown.lines().take_while(|line| !is_sum(line)).flat_map(|line| [line, "\n"]).collect();
        let _ = writeln!(text, "## {what} (exit {:?})\n\n{shown}", output.status.code().unwrap());
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    insta::assert_snapshot!("lies_of_tars", text);
}

/// Numbers from a seed (xorshift64), so that a failure can be had again.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 1).unwrap_or_default()
}

#[test]
fn what_holds_of_any_stream_holds_of_lies_that_are_changed() {
    // More rounds for whoever wants to look longer.
    let rounds = std::env::var("PYCAUDIT_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for (what, _, bytes) in lies() {
        invariants::stream::hold(&bytes);
        for _ in 0..rounds {
            let mut changed = bytes.clone();
            for _ in 0..=random(&mut state) % 4 {
                let at = random(&mut state) % changed.len();
                changed[at] = b"\x00\xff\x800179xgLKS125 "[random(&mut state) % 16];
                // A header whose checksum does not fit is passed over: most changes are made to fit.
                let block = at / 512 * 512;
                if !random(&mut state).is_multiple_of(4)
                    && let Some(header) = changed.get_mut(block..block + 512)
                {
                    header[148..156].fill(b' ');
                    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
                    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
                }
            }
            if random(&mut state).is_multiple_of(8) {
                changed.truncate(random(&mut state) % changed.len());
            }
            let held = std::panic::catch_unwind(|| invariants::stream::hold(&changed));
            assert!(held.is_ok(), "{what}: {}", changed.len());
        }
    }
}

#[test]
fn archives_in_archives_do_not_multiply() {
    let leaf = Tar::new().file("m.pyc", pyc()).gzip();
    let tree = (0..4)
        .fold(leaf, |inner, _| (0..8).fold(Tar::new(), |tar, at| tar.file(&format!("{at}.tar.gz"), &inner)).gzip());
    let limits = Limits { nested: 100, ..Limits::default() };
    let entries = Case::bytes(tree).limits(limits).entries(RULES);
    let archives: Vec<_> = entries
        .iter()
        .filter_map(|entry| match entry {
            pycaudit::entry::Entry::Artifact(entry) => Some(entry),
            pycaudit::entry::Entry::Pyc(_) => None,
        })
        .collect();
    // Eight members of the outermost, each with a hundred archives in it.
    assert_eq!(archives.len(), 801);
    let limited: u64 = archives.iter().map(|entry| entry.ledger.get(Fate::Limited)).sum();
    assert!(limited > 0);
    assert!(archives.iter().all(|entry| entry.ledger.seen() == entry.listed));
    let problems = archives.iter().flat_map(|entry| &entry.problems);
    assert!(problems.filter(|(_, problem)| problem.kind == ProblemKind::TotalSizeLimit).count() > 0);
}

#[test]
fn a_stream_gives_no_more_than_the_limits_allow() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let header = Header::new("zeros.bin", 64 << 20).block();
    encoder.write_all(&header).unwrap();
    encoder.write_all(&vec![0; 64 << 20]).unwrap();
    let mut bytes = encoder.finish().unwrap();
    bytes.truncate(bytes.len() - 8);
    for (limits, expected) in [
        (Limits { ratio: 100, ..Limits::default() }, "--max-ratio"),
        (Limits { total_size: 1 << 20, ..Limits::default() }, "--max-total-size"),
    ] {
        let container = open(&bytes, "a.tar.gz", &limits);
        let problems: Vec<String> = container.problems().iter().map(|located| located.problem.to_string()).collect();
        assert!(problems.len() == 1 && problems[0].contains(expected), "{problems:?}");
    }
}

#[test]
fn names_of_a_tar_take_no_more_memory_than_the_limit() {
    let name = "d/".repeat(5000);
    let mut tar = Tar::new();
    for at in 0..100 {
        tar = tar.pax(&[("path", &format!("{name}{at}"))]).file("short", b"");
    }
    let container = open(&tar.build(), "a.tar", &Limits { names: 100_000, ..Limits::default() });
    assert_eq!(container.listing().len(), 9);
    assert_eq!(container.problems().len(), 1);
    let records = open(&tar.build(), "a.tar", &Limits { members: 10, ..Limits::default() });
    assert_eq!((records.listing().len(), records.problems().len()), (10, 1));
}
