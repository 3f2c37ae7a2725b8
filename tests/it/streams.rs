//! Compressed tars that do not fit into what may be kept of them: whatever there is room for, in whatever order their members come and
//! by how many threads they are scanned, the entries are those of a tar of which all is kept.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use pycaudit::entry::Entry;
use pycaudit::forge::Pyc;
use pycaudit::forge::Tar;
use pycaudit::forge::Zip;
use pycaudit::forge::case::NOW;
use pycaudit::forge::tar;
use pycaudit::forge::tar::Header;
use pycaudit::limits::Limits;
use pycaudit::pyc::Magic;
use pycaudit::scan;
use pycaudit::scan::Config;
use pycaudit::scan::Progress;
use pycaudit::source::Rounds;

/// The magic number of 3.12.
const TWELVE: Magic = Magic(*b"\xcb\x0d\r\n");

/// Modules of the archive.
const MODULES: u32 = 40;

/// Everything that a scan tells.
fn scanned(root: &Path, limits: &Limits, jobs: usize) -> String {
    let config = Config {
        limits: limits.clone(),
        keep_contents: true,
        jobs: Some(jobs),
        ..Config::new(vec![root.to_owned()], NOW)
    };
    let mut text = String::new();
    let mut sink = |entry: Entry| -> io::Result<()> { writeln!(text, "{entry:?}").map_err(io::Error::other) };
    let summary = scan::scan(&config, &Progress::default(), &AtomicBool::new(false), &mut sink).unwrap();
    assert_eq!(summary.ledger.seen(), summary.listed);
    writeln!(text, "{:?}", summary.ledger).unwrap();
    text
}

/// The members of the archive, in path order: modules with pycs of two interpreters that differ in names, some with hashes of other
/// sources, bytecode under other names, archives, and what is none of that.
fn members() -> Vec<(String, Vec<u8>)> {
    let mut members = Vec::new();
    let source = |module: u32| format!("x = {module}\n#{}\n", "-".repeat(module as usize * 50)).into_bytes();
    for module in 0..MODULES {
        let cache = format!("pkg-1.0/{}/__pycache__", module % 3);
        let name = |tag: &str| format!("{cache}/m{module}.{tag}.pyc");
        let names: &[&str] = if module % 5 == 0 { &["x", "system"] } else { &["x"] };
        let of_another = Rounds::of_series(Some((3, 12))).hash(TWELVE, &source(module + 1));
        let twelve = if module % 4 == 0 { pyc("3.12").hash(of_another) } else { pyc("3.12") };
        members.push((name("cpython-312"), twelve.trailing(vec![7; 300 * (module as usize % 7)]).build()));
        members.push((name("cpython-38"), pyc("3.8").names(names).build()));
        members.push((format!("pkg-1.0/{}/m{module}.py", module % 3), source(module)));
    }
    let wheel = |name: &str| Zip::new().file(name, pyc("3.12").build()).build();
    let inner = Tar::new().file("q/a.pyc", pyc("3.12").build()).file("q/a.py", b"x = 1\n").gzip();
    for (name, bytes) in [
        ("data/a.bin", pyc("3.12").build()),
        ("data/a.whl", b"no wheel".to_vec()),
        ("data/b.py", pyc("3.12").build()),
        ("data/empty.pyc", Vec::new()),
        ("data/empty.py", Vec::new()),
        ("data/inner.tar.gz", inner),
        ("data/large.pyc", pyc("3.12").trailing(vec![1; 3 << 20]).build()),
        ("data/one.7z", b"7z\xbc\xaf\x27\x1c rest".to_vec()),
        ("data/one.zip", wheel("a/b.pyc")),
        ("data/run.py", b"#!/usr/bin/python3\nprint(1)\n".to_vec()),
        ("data/table.csv", b"1,2\n".repeat(50_000)),
        ("data/two.zip", wheel("c/d.pyc")),
        ("data/zipped.py", [b"#!/usr/bin/python3\n".to_vec(), wheel("e/f.pyc")].concat()),
    ] {
        members.push((name.to_owned(), bytes));
    }
    members
}

fn pyc(python: &str) -> Pyc {
    Pyc::python(python).source_mtime(315_532_800).names(&["x"])
}

/// The archive with its members in an order that a number stands for; links to some of them at its end.
fn archive(order: u64) -> Tar {
    let mut members = members();
    match order {
        0 => {}
        1 => members.reverse(),
        // All bytecode before all sources, the one furthest from the other.
        2 => members.sort_by_key(|(name, _)| name.as_bytes().ends_with(b".py")),
        _ => members.sort_by_key(|(name, _)| {
            name.bytes().fold(order, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
        }),
    }
    let tar = members.iter().fold(Tar::new(), |tar, (name, bytes)| tar.file(name, bytes));
    let link = |name: &str, to: &str| Header::new(name, 0).kind(b'1').link(to);
    tar.record(&link("pkg-1.0/0/linked.py", "pkg-1.0/0/m3.py"), b"")
        .record(&link("pkg-1.0/0/__pycache__/linked.cpython-312.pyc", "pkg-1.0/0/__pycache__/m3.cpython-312.pyc"), b"")
        .record(&link("pkg-1.0/0/bytecode.py", "pkg-1.0/0/__pycache__/m3.cpython-312.pyc"), b"")
        .record(&link("pkg-1.0/0/source.pyc", "pkg-1.0/0/m3.py"), b"")
}

/// Limits under which so many bytes are kept of a stream.
fn limits(kept: u64) -> Limits {
    Limits { kept, kept_of_one: kept, member_size: 2 << 20, ..Limits::default() }
}

/// A folder with these files in it.
fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn a_stream_of_which_little_is_kept_gives_the_same_entries_in_every_order() {
    for order in 0..5 {
        let packed = archive(order).gzip();
        let (_folder, root) = folder(&[("p.tar.gz", &packed)]);
        let expected = scanned(&root, &limits(256 << 20), 1);
        // What needs other members, or the bytes of one that is not bytecode, is in it.
        for told in ["PYC206", "PYC213", "MemberSizeLimit", "UnsupportedContainer", "inner.tar.gz", "zipped.py"] {
            assert!(expected.contains(told), "{told}");
        }
        for kept in [0, 1000, 30_000, 400_000] {
            for jobs in [1, 4] {
                assert!(scanned(&root, &limits(kept), jobs) == expected, "order {order}, {kept} kept, {jobs} threads");
            }
        }
    }
}

#[test]
fn several_streams_and_nested_ones_give_the_same_entries() {
    let [one, other, last] = [3, 4, 1].map(|order| archive(order).build());
    let outer = Zip::new().file("deep/a.tar.gz", tar::gzip(&one)).file("deep/b.tar.zst", tar::zstd(&last));
    let packed = [tar::gzip(&one), tar::zstd(&other), tar::gzip(&last)];
    let outer_tar = Tar::new().file("c.tar.gz", &packed[0]).file("d.zip", outer.build()).gzip();
    let zip = outer.build();
    let files: [(&str, &[u8]); 5] = [
        ("a.tar.gz", &packed[0]),
        ("b.tar.zst", &packed[1]),
        ("c.zip", &zip),
        ("d.tar.gz", &packed[2]),
        ("e.tar.gz", &outer_tar),
    ];
    let (_folder, root) = folder(&files);
    let expected = scanned(&root, &limits(256 << 20), 1);
    for kept in [0, 30_000] {
        for jobs in [1, 4] {
            assert!(scanned(&root, &limits(kept), jobs) == expected, "{kept} kept, {jobs} threads");
        }
    }
}

#[test]
fn a_stream_that_ends_early_gives_the_same_entries_whatever_is_kept() {
    let packed = archive(3).gzip();
    for part in 1..6 {
        let (_folder, root) = folder(&[("p.tar.gz", &packed[..packed.len() * part / 6])]);
        let expected = scanned(&root, &limits(256 << 20), 1);
        for kept in [0, 30_000] {
            assert!(scanned(&root, &limits(kept), 4) == expected, "part {part}, {kept} kept");
        }
    }
}
