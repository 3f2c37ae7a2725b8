//! The table of lies: for each kind of container, every lie that it can tell, and the lines of the report that tell of it.
//!
//! The snapshot is the table. The bar is what others see and refuse: the errors of uv (`uv-extract/src/error.rs` and its
//! `async_zip`) and the checks that the package index makes of uploads (`warehouse/utils/zipfiles.py`, `forklift/legacy.py`). A lie
//! that one of them sees names it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use pycaudit::forge::Pyc;
use pycaudit::forge::Tar;
use pycaudit::forge::Zip;
use pycaudit::forge::frozen;
use pycaudit::forge::frozen::Carchive;
use pycaudit::forge::frozen::PyzArchive;
use pycaudit::forge::package;
use pycaudit::forge::package::Ar;
use pycaudit::forge::package::Cpio;
use pycaudit::forge::package::Rpm;
use pycaudit::forge::tar;
use pycaudit::forge::tar::Header;
use pycaudit::forge::zip::Descriptor;
use pycaudit::forge::zip::Entry;
use pycaudit::pyc::Magic;

/// One lie.
struct Lie {
    /// What is said.
    what: &'static str,
    /// Who else sees it.
    seen_by: &'static str,
    /// The name of the file.
    name: &'static str,
    /// The file.
    bytes: Vec<u8>,
}

fn lie(what: &'static str, seen_by: &'static str, name: &'static str, bytes: impl Into<Vec<u8>>) -> Lie {
    Lie { what, seen_by, name, bytes: bytes.into() }
}

const WHEEL: &str = "p-1-py3-none-any.whl";

fn pyc() -> Vec<u8> {
    Pyc::python("3.12").build()
}

/// An honest wheel but for what is added to it, of which RECORD lists one.
fn wheel() -> Zip {
    let record = "p-1.dist-info/WHEEL,sha256=AAAA,19
p/m.py,,
p/n.py,,
p-1.dist-info/RECORD,,
";
    bare().file("p-1.dist-info/RECORD", record)
}

/// A wheel without RECORD.
fn bare() -> Zip {
    Zip::new()
        .file(
            "p-1.dist-info/WHEEL",
            "Wheel-Version: 1.0
",
        )
        .file(
            "p/m.py", "x = 1
",
        )
}

/// The member that most lies are about.
fn member() -> Entry {
    Entry::deflated("p/n.py", "y = 2\n".repeat(20))
}

fn with(entry: Entry) -> Vec<u8> {
    wheel().entry(entry).build()
}

/// The bytes with another in place of each `from`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, it)| *it == from).map(|it| it.0).collect();
    assert!(!places.is_empty() && from.len() == to.len());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// A zip64 field that gives both sizes.
fn wide_sizes(size: u64) -> Vec<u8> {
    [size.to_le_bytes(), size.to_le_bytes()].concat()
}

fn names_of_zips() -> Vec<Lie> {
    let named = |name: &[u8]| with(Entry::new(name, "x = 1\n"));
    vec![
        lie(
            "a name that is not UTF-8",
            "uv LocalHeaderNotUtf8, CentralDirectoryEntryNotUtf8; index",
            WHEEL,
            named(b"p/\xff.py"),
        ),
        lie("no name at all", "uv EmptyFilename", WHEEL, named(b"")),
        lie("a NUL in a name", "uv FileNameContainsNul; index", WHEEL, named(b"p/m.py\0.txt")),
        lie("a control character in a name", "uv UnacceptableFilename; index", WHEEL, named(b"p/\x1b[2J.py")),
        lie("a name that climbs out", "uv UnacceptableFilename", WHEEL, named(b"p/../../m.py")),
        lie("an absolute name", "uv", WHEEL, named(b"/etc/m.py")),
        lie("a name with a drive", "uv", WHEEL, named(b"C:\\m.py")),
        lie("a backslash in a name", "uv", WHEEL, named(b"p\\..\\..\\m.py")),
        lie("a device of Windows", "", WHEEL, named(b"p/aux.py")),
        lie("names that differ in case", "", WHEEL, wheel().file("P/M.py", "").build()),
        lie(
            "names that differ in normal form",
            "",
            WHEEL,
            wheel().file("p/\u{e9}.py", "").file("p/e\u{301}.py", "").build(),
        ),
        lie("a name twice", "uv DuplicateLocalFileHeader; index", WHEEL, wheel().file("p/m.py", "x = 2\n").build()),
        lie("a name twice with the same data", "index", WHEEL, wheel().file("p/m.py", "x = 1\n").build()),
        lie(
            "a name twice with other modes",
            "uv DuplicateExecutableFileHeader",
            WHEEL,
            with(Entry::new("p/m.py", "x = 1\n").mode(0o100_755)),
        ),
        lie("a name listed twice for one member", "index", WHEEL, with(member().listed_again_as("p/n.py"))),
        lie("a folder with data", "", WHEEL, with(Entry::new("p/d/", "x = 1\n"))),
        lie("a link", "", WHEEL, with(Entry::new("p/l.py", "../../etc/passwd").mode(0o120_777))),
        lie(
            "a Unicode path that is another name",
            "",
            WHEEL,
            with(
                member().extra(
                    0x7075,
                    &[&[1][..], &pycaudit::forge::zip::crc32(b"p/n.py").to_le_bytes(), b"p/o.py"].concat(),
                ),
            ),
        ),
        lie(
            "a Unicode path that is not UTF-8",
            "index",
            WHEEL,
            with(member().extra(
                0x7075,
                &[&[1][..], &pycaudit::forge::zip::crc32(b"p/n.py").to_le_bytes(), b"p/\xff.py"].concat(),
            )),
        ),
        lie(
            "a Unicode path twice",
            "index",
            WHEEL,
            with(
                member()
                    .extra(
                        0x7075,
                        &[&[1][..], &pycaudit::forge::zip::crc32(b"p/n.py").to_le_bytes(), b"p/n.py"].concat(),
                    )
                    .extra(
                        0x7075,
                        &[&[1][..], &pycaudit::forge::zip::crc32(b"p/n.py").to_le_bytes(), b"p/n.py"].concat(),
                    ),
            ),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn records_of_zips() -> Vec<Lie> {
    vec![
        lie("another CRC-32", "uv BadCrc32", WHEEL, with(member().both(|it| it.crc32 ^= 1))),
        lie("another size", "uv BadUncompressedSize", WHEEL, with(member().both(|it| it.size += 1))),
        lie("another compressed size", "uv BadCompressedSize", WHEEL, with(member().both(|it| it.compressed -= 1))),
        lie("a compressed size of more", "uv BadCompressedSize", WHEEL, with(member().both(|it| it.compressed += 9))),
        lie("data that end early", "uv AsyncZip", WHEEL, with(member().cut_to(5))),
        lie(
            "data that are no deflate",
            "uv AsyncZip",
            WHEEL,
            with(Entry::new("p/n.py", "y").encoded(8, vec![0xff; 9])),
        ),
        lie(
            "another name in the local header",
            "uv ConflictingPaths; index",
            WHEEL,
            with(member().local(|it| it.name = b"p/o.py".to_vec())),
        ),
        lie(
            "another CRC-32 in the local header",
            "uv ConflictingChecksums",
            WHEEL,
            with(member().local(|it| it.crc32 ^= 1)),
        ),
        lie(
            "another compressed size in the local header",
            "uv ConflictingCompressedSizes; index",
            WHEEL,
            with(member().local(|it| it.compressed += 1)),
        ),
        lie(
            "another size in the local header",
            "uv ConflictingUncompressedSizes; index",
            WHEEL,
            with(member().local(|it| it.size += 1)),
        ),
        lie("another method in the local header", "", WHEEL, with(member().local(|it| it.method = 0))),
        lie(
            "a member that is not listed",
            "uv MissingCentralDirectoryEntry; index",
            WHEEL,
            with(Entry::new("p/h.py", "h").unlisted()),
        ),
        lie("a member that is only listed", "uv MissingLocalFileHeader; index", WHEEL, with(member().without_local())),
        lie(
            "a member beyond the end of the file",
            "uv AsyncZip",
            WHEEL,
            with(member().central(|it| it.offset = Some(1 << 30))),
        ),
        lie("one member under two names", "index", WHEEL, with(member().listed_again_as("p/o.py"))),
        lie(
            "members that share bytes",
            "index",
            WHEEL,
            with(
                Entry::new("p/n.py", Zip::new().file("p/i.py", "i").build())
                    .both(|it| it.size += 20)
                    .both(|it| it.compressed += 20),
            ),
        ),
        lie("bytes between members", "index", WHEEL, with(member().after_gap("payload"))),
        lie(
            "a descriptor that was promised",
            "uv MissingDataDescriptor; index",
            WHEEL,
            with(member().both(|it| it.flags |= 8)),
        ),
        lie(
            "a descriptor that was not",
            "uv UnexpectedDataDescriptor; index",
            WHEEL,
            with(
                member()
                    .streamed(Descriptor::Signed)
                    .both(|it| it.flags &= !8)
                    .local(|it| (it.crc32, it.size, it.compressed) = (0, 0, 0)),
            ),
        ),
        lie(
            "a member whose sizes follow it",
            "index: data descriptors",
            WHEEL,
            with(member().streamed(Descriptor::Signed)),
        ),
        lie("a comment of a member", "index", WHEEL, with(member().central(|it| it.comment = b"payload".to_vec()))),
        lie(
            "a method that installers do not have",
            "index",
            WHEEL,
            with(Entry::new("p/n.py", "y").encoded(12, zeros())),
        ),
        lie(
            "a method that nobody knows",
            "uv AsyncZip; index",
            WHEEL,
            with(Entry::new("p/n.py", "y").encoded(77, b"y".to_vec())),
        ),
        lie(
            "an encrypted member",
            "uv AsyncZip",
            WHEEL,
            with(Entry::new("p/n.py", "y").both(|it| it.flags |= 1).encoded(0, vec![7; 20])),
        ),
        lie("a plain member marked as encrypted", "uv AsyncZip", WHEEL, with(member().both(|it| it.flags |= 1))),
        lie("an extra field that is cut", "index", WHEEL, with(member().both(|it| it.extra = vec![1, 0, 16, 0, 1]))),
        lie("a zip64 field of an odd length", "index", WHEEL, with(member().extra(1, &[0; 5]))),
        lie(
            "a zip64 field twice",
            "index",
            WHEEL,
            with(member().extra(1, &wide_sizes(120)).extra(1, &wide_sizes(120))),
        ),
        lie("a zip64 field with other sizes", "index", WHEEL, with(member().extra(1, &wide_sizes(999)))),
        lie("a bomb", "index: ratio", WHEEL, with(Entry::new("p/n.pyc", vec![0; 2 << 20]).encoded(12, zeros()))),
    ]
}

fn ends_of_zips() -> Vec<Lie> {
    let honest = || wheel().entry(member());
    let inner = Zip::new().file("i.py", "i\n").build();
    let wide = honest().zip64().build();
    let at = wide.windows(4).position(|it| it == b"PK\x06\x06").unwrap_or_default();
    let mut extended = wide.clone();
    extended[at + 4] = 52;
    extended.splice(at + 56..at + 56, *b"payload!");
    let without_locator = {
        let mut bytes = wide.clone();
        bytes.drain(at + 56..at + 76);
        bytes
    };
    vec![
        lie("bytes after the end", "uv TrailingContents; index", WHEEL, honest().trailing("payload").build()),
        lie("a zip after the end", "uv TrailingContents; index", WHEEL, honest().trailing(&inner).build()),
        lie("a zip in the comment", "uv ZipInZip", WHEEL, honest().comment(&inner).build()),
        lie("bytes before the first member", "index", WHEEL, honest().prefix("payload").build()),
        lie("a program before the first member", "index", WHEEL, honest().prefix(frozen::program()).build()),
        lie("a zip before the first member", "index", WHEEL, honest().prefix(&inner).build()),
        lie(
            "more entries than there are",
            "uv ConflictingNumberOfEntries; index",
            WHEEL,
            honest().end(|it| (it.entries, it.entries_here) = (9, 9)).build(),
        ),
        lie(
            "fewer entries than there are",
            "uv ConflictingNumberOfEntries; index",
            WHEEL,
            honest().end(|it| (it.entries, it.entries_here) = (1, 1)).build(),
        ),
        lie("entries on several disks", "index", WHEEL, honest().end(|it| it.entries_here = 1).build()),
        lie("a directory elsewhere", "index", WHEEL, honest().end(|it| it.offset += 3).build()),
        lie("a directory of another size", "index", WHEEL, honest().end(|it| it.size -= 46).build()),
        lie(
            "a comment that is longer than the file",
            "uv AsyncZip",
            WHEEL,
            honest().end(|it| it.comment_length = Some(99)).build(),
        ),
        lie("bytes between the directory and its end", "index", WHEEL, honest().before_end("payload").build()),
        lie("no end record", "uv AsyncZip; index", WHEEL, honest().without_end().build()),
        lie("no directory", "uv AsyncZip; index", WHEEL, honest().without_directory().build()),
        lie("data in the zip64 end record", "uv ExtensibleData; index", WHEEL, extended),
        lie("a zip64 end record without its locator", "index", WHEEL, without_locator),
        lie("a zip64 end record with another count", "index", WHEEL, {
            let mut bytes = wide.clone();
            bytes[at + 32] = 9;
            bytes
        }),
        lie("a locator that leads elsewhere", "index", WHEEL, {
            let mut bytes = wide.clone();
            bytes[at + 64] ^= 0x10;
            bytes
        }),
        lie("a wheel without WHEEL", "index", WHEEL, Zip::new().file("p/m.py", "x = 1\n").build()),
        lie("a wheel that is no archive", "uv AsyncZip; index", WHEEL, "<html>404</html>"),
        lie("a wheel that is a tar", "uv AsyncZip; index", WHEEL, Tar::new().file("p/m.py", "x = 1\n").build()),
        lie("a picture that is a zip", "", "logo.png", honest().build()),
        lie(
            "a quine, so to speak",
            "",
            "a.zip",
            (0..10).fold(inner, |inner, _| Zip::new().file("a.zip", inner).build()),
        ),
    ]
}

/// Two megabytes of zeros, compressed by bzip2: some 44,000 bytes for one.
fn zeros() -> Vec<u8> {
    b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x7e\xe1\x91\xb1\x00\x10\x10\x60\x00\xc0\x00\x00\x04\x00\
      \x08\x20\x00\x30\xcc\x05\x29\xa6\x04\x03\x62\x08\x07\x8b\xb9\x22\x9c\x28\x48\x3f\x70\xc8\xd8\x80"
        .to_vec()
}

fn manifests() -> Vec<Lie> {
    let record = |lines: &str| bare().file("p-1.dist-info/RECORD", lines).build();
    let digest = "sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let rest = "p-1.dist-info/WHEEL,,\np-1.dist-info/RECORD,,\n";
    let conda = |digest: &str, more: Tar| {
        let paths = format!(
            "{{\"paths\":[{{\"_path\":\"p/m.py\",\"path_type\":\"hardlink\",\"sha256\":\"{digest}\",\"size_in_bytes\":6}}]}}"
        );
        more.file("info/index.json", "{\"name\":\"p\"}").file("info/paths.json", paths).gzip()
    };
    let cpio = || Cpio::new().file("./usr/p.py", "x = 1\n").build();
    vec![
        lie("a digest that does not fit", "", WHEEL, record(&format!("p/m.py,{digest},6\n{rest}"))),
        lie("a size that does not fit", "", WHEEL, record(&format!("p/m.py,{digest},7\n{rest}"))),
        lie("a file that RECORD does not list", "index", WHEEL, record(rest)),
        lie("a file that only RECORD lists", "index", WHEEL, record(&format!("p/m.py,,\np/gone.py,,\n{rest}"))),
        lie("a RECORD that is no CSV", "", WHEEL, record(&format!("p/m.py,{digest}\n\"{rest}"))),
        lie(
            "conda: a digest that does not fit",
            "",
            "p-1-0.tar.bz2",
            conda(&"0".repeat(64), Tar::new().file("p/m.py", "x = 1\n")),
        ),
        lie(
            "conda: a file that is not listed",
            "",
            "p-1-0.tar.bz2",
            conda(&"0".repeat(64), Tar::new().file("p/n.py", "x = 1\n")),
        ),
        lie(
            "deb: a digest that does not fit",
            "",
            "p.deb",
            Ar::debian(&[("./p.py", b"x = 1\n")], &package::md5sum("p.py", b"x = 2\n")).build(),
        ),
        lie(
            "deb: a file that is not listed",
            "",
            "p.deb",
            Ar::debian(&[("./p.py", b"x = 1\n"), ("./q.py", b"")], &package::md5sum("p.py", b"x = 1\n")).build(),
        ),
        lie(
            "rpm: a digest that does not fit",
            "",
            "p.rpm",
            Rpm::new(cpio()).lists("/usr/", "p.py", b"x = 2\n").build(),
        ),
        lie("rpm: a file that is not listed", "", "p.rpm", Rpm::new(cpio()).build()),
        lie(
            "rpm: a payload with another digest",
            "",
            "p.rpm",
            Rpm::new(cpio()).lists("/usr/", "p.py", b"x = 1\n").payload_digest(&"0".repeat(64)).build(),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn tars() -> Vec<Lie> {
    let file = |name: &str| Header::new(name, 0);
    let inner = Tar::new().file("hidden.pyc", pyc()).end(b"").build();
    let size = inner.len() as u64;
    let one = || Tar::new().file("p/m.py", "x = 1\n");
    vec![
        lie(
            "a checksum that does not fit",
            "uv Tar",
            "a.tar",
            one().record(&file("b").with(|it| it.off_by = 1), "").build(),
        ),
        lie(
            "a size below zero",
            "uv Tar",
            "a.tar",
            one().record(&file("b").with(|it| it.size = tar::base256(-1)), "").build(),
        ),
        lie(
            "a size that is no number",
            "uv Tar",
            "a.tar",
            one().record(&file("b").with(|it| it.size = *b"0000000000x\0"), "").build(),
        ),
        lie(
            "a size of zero in the block and not in the extended header",
            "uv Tar",
            "a.tar",
            Tar::new().pax(&[("size", &size.to_string())]).record(&file("data"), &inner).build(),
        ),
        lie(
            "another name in the extended header",
            "",
            "a.tar",
            Tar::new().pax(&[("path", "m.pyc")]).file("readme.txt", pyc()).build(),
        ),
        lie(
            "a name for all members",
            "",
            "a.tar",
            Tar::new().extended(b'g', &[("path", "m.pyc")]).file("a", "").build(),
        ),
        lie(
            "an extended header of a gigabyte",
            "uv Tar",
            "a.tar",
            one().record(&Header::new("x", 1 << 30).kind(b'x'), "").build(),
        ),
        lie(
            "a link with members in it",
            "",
            "a.tar",
            one().record(&file("l").kind(b'2').link("a").with(|it| it.size = tar::octal(size)), &inner).build(),
        ),
        lie(
            "a link out of the archive",
            "uv Tar",
            "a.tar",
            one().record(&file("l").kind(b'2').link("../../etc/passwd"), "").build(),
        ),
        lie(
            "a hard link out of the archive",
            "uv Tar",
            "a.tar",
            one().record(&file("d/l.pyc").kind(b'1').link("../../etc/passwd"), "").build(),
        ),
        lie(
            "a pipe under the name of bytecode",
            "uv Tar",
            "a.tar",
            one().record(&file("m.pyc").kind(b'6'), "").build(),
        ),
        lie("a device", "uv Tar", "a.tar", one().record(&file("dev").kind(b'3'), "").build()),
        lie(
            "names that escape",
            "uv UnacceptableFilename",
            "a.tar",
            one().file("../m.py", "").file("/etc/m.py", "").build(),
        ),
        lie("names that collide", "", "a.tar", one().file("P/m.py", "").build()),
        lie("a name twice", "", "a.tar", one().file("p/m.py", "x = 2\n").build()),
        lie(
            "a type that nobody knows",
            "uv Tar",
            "a.tar",
            one().record(&Header::new("m.py", 6).kind(b'Q'), "x = 1\n").build(),
        ),
        lie(
            "a map of a sparse file that does not fit",
            "uv Tar",
            "a.tar",
            Tar::new()
                .pax(&[("GNU.sparse.major", "0"), ("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,5,2,2")])
                .file("m.py", "hello!\n")
                .build(),
        ),
        lie(
            "a sparse file of a terabyte",
            "",
            "a.tar",
            Tar::new()
                .pax(&[("GNU.sparse.major", "0"), ("GNU.sparse.size", "1099511627776"), ("GNU.sparse.map", "0,7")])
                .file("m.py", "hello!\n")
                .build(),
        ),
        lie("a member after the end", "", "a.tar", one().raw([0; 1024]).file("m.pyc", pyc()).build()),
        lie("bytes after the end", "", "a.tar", one().raw([0; 1024]).raw([b'x'; 512]).build()),
        lie("no end", "", "a.tar", one().end("").build()),
        lie("an end in the data", "uv Tar", "a.tar", one().build()[..514].to_vec()),
        lie("what fills a block", "", "a.tar", Tar::new().raw(Header::new("a", 1).block()).raw([b'x'; 512]).build()),
        lie("a source distribution that is no archive", "uv Tar; index", "p-1.tar.gz", "<html>404</html>"),
    ]
}

fn streams() -> Vec<Lie> {
    let bytes = Tar::new().file("p/m.py", "x = 1\n".repeat(100)).build();
    let packed = tar::gzip(&bytes);
    let changed = |at: usize| {
        let mut changed = packed.clone();
        changed[at] ^= 0x55;
        changed
    };
    let mut bomb = zeros();
    bomb.rotate_left(0);
    vec![
        lie(
            "gzip: streams one after the other",
            "",
            "a.tar.gz",
            [tar::gzip(&bytes[..512]), tar::gzip(&bytes[512..])].concat(),
        ),
        lie("gzip: bytes after the stream", "", "a.tar.gz", [packed.clone(), b"payload".to_vec()].concat()),
        lie("gzip: a stream that does not end", "uv Tar; index", "a.tar.gz", packed[..packed.len() - 12].to_vec()),
        lie("gzip: another checksum", "uv Tar; index", "a.tar.gz", changed(packed.len() - 6)),
        lie("gzip: damage", "uv Tar; index", "a.tar.gz", changed(packed.len() / 2)),
        lie("bzip2: a bomb", "", "a.pyc.bz2", bomb),
        lie("bzip2: bytes after the stream", "", "a.pyc.bz2", [&zeros()[..], b"payload"].concat()),
        lie("bzip2: damage", "", "a.pyc.bz2", replaced(&zeros(), b"\x08\x20", b"\x09\x20")),
        lie("xz: a stream that does not end", "", "a.tar.xz", XZ[..XZ.len() - 8].to_vec()),
        lie("xz: bytes after the stream", "", "a.tar.xz", [XZ, b"payload"].concat()),
        lie("xz: a dictionary of a gigabyte", "", "a.pyc.xz", huge_dictionary()),
        lie("zstd: a stream that does not end", "", "a.tar.zst", ZSTD[..ZSTD.len() - 20].to_vec()),
        lie("zstd: bytes after the stream", "", "a.tar.zst", [ZSTD, b"payload"].concat()),
        lie(
            "lzma: a dictionary of two gigabytes",
            "",
            "a.pyc.lzma",
            b"\x5d\0\0\0\x80\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0".to_vec(),
        ),
        lie(
            "lzma: a stream that does not end",
            "",
            "a.tar.lzma",
            b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x20".to_vec(),
        ),
    ]
}

/// Real streams of a tar.
const XZ: &[u8] = include_bytes!("../fixtures/containers/pax.tar.xz");
const ZSTD: &[u8] = include_bytes!("../fixtures/containers/ustar.tar.zst");

/// An xz whose block wants a dictionary of a gigabyte: the header of the block with another dictionary and a checksum that fits.
fn huge_dictionary() -> Vec<u8> {
    let mut bytes = XZ.to_vec();
    let end = 12 + (usize::from(bytes[12]) + 1) * 4 - 4;
    let at = (12..end).find(|&at| bytes[at..].starts_with(&[0x21, 1])).unwrap_or_default();
    bytes[at + 2] = 36;
    let checksum = pycaudit::forge::zip::crc32(&bytes[12..end]).to_le_bytes();
    bytes[end..end + 4].copy_from_slice(&checksum);
    bytes
}

fn packages() -> Vec<Lie> {
    let deb = || Ar::debian(&[], "");
    let cpio = || Cpio::new().file("a.py", "x = 1\n");
    let rpm = Rpm::new(cpio().build()).lists("/", "a.py", b"x = 1\n").build();
    vec![
        lie("deb: a file that dpkg does not read", "", "p.deb", deb().file("extra", "x").build()),
        lie(
            "deb: another order",
            "",
            "p.deb",
            Ar::new()
                .file("debian-binary", "2.0\n")
                .file("data.tar", Tar::new().build())
                .file("control.tar", Tar::new().build())
                .build(),
        ),
        lie("deb: a size that is none", "", "p.deb", deb().header("x", "-1").build()),
        lie("deb: more than there is", "", "p.deb", deb().header("x", "99").build()),
        lie("deb: bytes after the end", "", "p.deb", deb().raw("payload").build()),
        lie("cpio: a folder with data", "", "a.cpio", Cpio::new().record("d", 0o040_755, 1, 1, "data").build()),
        lie("cpio: no end", "", "a.cpio", cpio().build_open()),
        lie("cpio: bytes after the end", "", "a.cpio", [cpio().build(), b"payload".to_vec()].concat()),
        lie("rpm: an end in the header", "", "a.rpm", rpm[..200].to_vec()),
        lie("rpm: a payload of no known form", "", "a.rpm", Rpm::new("payload").build()),
    ]
}

fn programs() -> Vec<Lie> {
    let body = Pyc::python("3.12").build_body();
    let modules = || PyzArchive::new(Magic(*b"\xcb\x0d\r\n")).module("m", &body);
    let program = || Carchive::new(312).packed(b's', "prog", &body).plain(b'z', "PYZ.pyz", modules().build());
    vec![
        lie("an altered cookie", "", "prog", program().cookie(|it| it.magic[0] = b'X').build()),
        lie("a cookie with another length", "", "prog", program().cookie(|it| it.archive = Some(40)).build()),
        lie("a cookie with another version", "", "prog", program().cookie(|it| it.python = 38).build()),
        lie(
            "an archive behind the archive",
            "",
            "prog",
            program().trailing(Zip::new().file("hidden.pyc", pyc()).build()).build(),
        ),
        lie("an absolute name", "", "prog", program().plain(b'x', "/etc/passwd", "x").build()),
        lie(
            "data outside the archive",
            "",
            "prog",
            program().plain(b'x', "d.bin", "x").edit(|it| it.offset = Some(1 << 30)).build(),
        ),
        lie(
            "encrypted modules",
            "",
            "prog",
            Carchive::new(312).plain(b'z', "PYZ.pyz", modules().encrypted().build()).build(),
        ),
        lie(
            "bytes behind the modules",
            "",
            "prog",
            Carchive::new(312).plain(b'z', "PYZ.pyz", modules().trailing("payload").build()).build(),
        ),
    ]
}

fn images() -> Vec<Lie> {
    let layer = |tar: Tar| tar.build();
    let lower = || Tar::new().file("app/m.py", "token = 1\n").file("app/__pycache__/m.cpython-312.pyc", pyc());
    let image = |layers: &[Vec<u8>]| {
        let names: Vec<String> = (0..layers.len()).map(|at| format!("\"{at}/layer.tar\"")).collect();
        let manifest = format!("[{{\"Config\":\"c.json\",\"Layers\":[{}]}}]", names.join(","));
        let tar = Tar::new().file("manifest.json", manifest);
        let with = |tar: Tar, (at, layer): (usize, &Vec<u8>)| tar.file(&format!("{at}/layer.tar"), layer);
        layers.iter().enumerate().fold(tar, with).build()
    };
    vec![
        lie(
            "bytecode of a source that a later layer removes",
            "",
            "i.tar",
            image(&[layer(lower()), layer(Tar::new().file("app/.wh.m.py", ""))]),
        ),
        lie(
            "bytecode of a source that a later layer changes",
            "",
            "i.tar",
            image(&[layer(lower()), layer(Tar::new().file("app/m.py", "token = 0\n"))]),
        ),
    ]
}

/// The rules that are about containers and their members as such.
const RULES: &str = "PYC8,PYC9,name-collision";

/// Of which these only say that the wheels of this table have no whole RECORD.
const OF_RECORD: &str = "PYC802,PYC803,PYC804,PYC805";

/// What the report of a file says: its findings, one to a line, and the exit code.
fn told(folder: &Path, name: &str, bytes: &[u8], ignored: &str) -> (Vec<String>, Option<i32>) {
    fs::write(folder.join(name), bytes).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pycaudit"));
    command.current_dir(folder).env_clear().args([
        "scan",
        name,
        "--select",
        RULES,
        "--ignore",
        ignored,
        "--findings-csv",
        "-",
    ]);
    let output = command.output().unwrap();
    fs::remove_file(folder.join(name)).unwrap();
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let line = |row: csv::StringRecord| {
        let place = if row[4].is_empty() { String::new() } else { format!(" at {}", &row[4]) };
        let compared = match (&row[8], &row[9]) {
            ("", "") => String::new(),
            ("", observed) => format!(" ({observed})"),
            (expected, observed) => format!(" ({observed}; expected: {expected})"),
        };
        format!("{} {}{place}: {}{compared}", &row[0], &row[2], &row[7])
    };
    (reader.records().map(|row| line(row.unwrap())).collect(), output.status.code())
}

fn honest() -> Vec<Lie> {
    let cpio = || Cpio::new().file("./usr/p.py", "x = 1\n").build();
    vec![
        lie("wheel", "", WHEEL, wheel().entry(member()).build()),
        lie("zip64", "", WHEEL, wheel().entry(member()).zip64().build()),
        lie("wheel with a comment", "", WHEEL, wheel().entry(member()).comment("made by hand").build()),
        lie("tar", "", "a.tar", Tar::new().file("p/m.py", "x = 1\n").build()),
        lie("tar.gz", "", "a.tar.gz", Tar::new().file("p/m.py", "x = 1\n").gzip()),
        lie("deb", "", "p.deb", Ar::debian(&[("./p.py", b"x = 1\n")], &package::md5sum("p.py", b"x = 1\n")).build()),
        lie("rpm", "", "p.rpm", Rpm::new(cpio()).lists("/usr/", "p.py", b"x = 1\n").build()),
        lie("cpio", "", "a.cpio", cpio()),
    ]
}

#[test]
fn every_lie_is_told_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let mut silent = Vec::new();
    for (kind, lies) in [
        ("Names in a zip", names_of_zips()),
        ("Records of a zip", records_of_zips()),
        ("The end of a zip", ends_of_zips()),
        ("Manifests", manifests()),
        ("Tar", tars()),
        ("Streams", streams()),
        ("Packages and cpio", packages()),
        ("Programs of PyInstaller", programs()),
        ("Images", images()),
    ] {
        let _ = writeln!(text, "# {kind}\n");
        for Lie { what, seen_by, name, bytes } in lies {
            let seen_by = if seen_by.is_empty() { String::new() } else { format!(" [{seen_by}]") };
            let (lines, code) =
                told(folder.path(), name, &bytes, if kind == "Manifests" { "PYC804" } else { OF_RECORD });
            if lines.is_empty() {
                silent.push(what);
            }
            let _ = writeln!(text, "{what}{seen_by}: exit {}", code.unwrap());
            for line in lines {
                let _ = writeln!(text, "    {line}");
            }
            text.push('\n');
        }
    }
    insta::assert_snapshot!("lies", text);
    assert_eq!(silent, [""; 0], "nobody is told");
}

#[test]
fn of_honest_files_of_each_kind_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |file: Lie| (file.what, told(folder.path(), file.name, &file.bytes, OF_RECORD));
    let told: BTreeMap<_, _> =
        honest().into_iter().map(told).filter(|(_, told)| *told != (Vec::new(), Some(0))).collect();
    assert_eq!(told, BTreeMap::new());
}
