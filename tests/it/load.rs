//! Every row of `tests/fixtures/load/` rebuilt and judged: what interpreters and installers did (`tests/oracle/`).

use std::collections::BTreeMap;
use std::path::Path;

use pycaudit::artifact::DosTime;
use pycaudit::artifact::Locator;
use pycaudit::artifact::Times;
use pycaudit::container::Kind;
use pycaudit::container::Listing;
use pycaudit::container::MemberKind;
use pycaudit::container::NewMember;
use pycaudit::forge;
use pycaudit::limits::Limits;
use pycaudit::load::BodyState;
use pycaudit::load::Judged;
use pycaudit::load::Load;
use pycaudit::load::judge;
use pycaudit::place::Place;
use pycaudit::pyc;
use pycaudit::pyc::Magic;
use pycaudit::pyc::Version;
use pycaudit::pyc::versions::Implementation;
use pycaudit::source;
use pycaudit::source::Found;
use pycaudit::source::HeaderCheck;
use pycaudit::source::HeaderMatch;
use pycaudit::source::Search;
use pycaudit::source::SourceFile;
use pycaudit::source::SourceIndex;
use pycaudit::source::Tree;

/// The source of every case, as `observe.py` writes it.
const SOURCE: &str = "WHO = 'source'\nif __name__ == '__main__': print(WHO)\n";

/// 2017-07-14 02:40:00, the wall-clock time of every archived source.
const DOS: DosTime = DosTime { date: 0x4aee, time: 0x1500 };

type Row = BTreeMap<String, String>;

fn rows(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/load").join(file);
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Each interpreter's own version, from the magic of a row with nothing odd about it.
fn versions(rows: &[Row], plain_case: &str) -> BTreeMap<String, &'static Version> {
    let plain = rows.iter().filter(|row| row["case"] == plain_case);
    plain
        .map(|row| {
            let magic = Magic(*unhex(&row["header"]).first_chunk().unwrap());
            let implementation =
                if row["interpreter"].starts_with("PyPy") { Implementation::PyPy } else { Implementation::CPython };
            let own = pyc::lookup(magic).iter().find(|version| version.implementation == implementation);
            (row["interpreter"].clone(), own.unwrap())
        })
        .collect()
}

fn file_bytes(row: &Row, version: &'static Version) -> Vec<u8> {
    let good = forge::Pyc::version(version).header(unhex(&row["header"]));
    let body = good.build_body();
    match row.get("body").map_or("good", String::as_str) {
        "good" => good,
        "none" => good.body(""),
        "cut" => good.body(&body[..body.len() / 2]),
        "not-code" => good.body(*b"i\x07\0\0\0"),
        "unknown-type" => good.body("Q"),
        "trailing" => good.trailing([1; 40]),
        other => panic!("no such body: {other}"),
    }
    .build()
}

fn listing(names: &[(&str, MemberKind)]) -> Listing {
    let members: Vec<NewMember<'_>> = names
        .iter()
        .map(|&(name, kind)| NewMember { name: name.as_bytes(), kind, size: None, times: Times::default() })
        .collect();
    Listing::new(&members).0
}

/// Where the pyc lies and where its source is.
struct Scene {
    kind: Kind,
    listing: Listing,
    place: Place,
    source: Option<SourceFile>,
}

fn scene(row: &Row) -> Scene {
    let field = |name: &str| row.get(name).map_or("", String::as_str);
    let container = if row.contains_key("installer") { "wheel" } else { field("container") };
    let kind = match container {
        "directory" | "prefix" => Kind::Directory,
        "zip" => Kind::Egg,
        "wheel" => Kind::Wheel,
        other => panic!("no such container: {other}"),
    };
    let own = if field("link") == "yes" { MemberKind::Link } else { MemberKind::File };
    let beside = field("beside").split('|').filter(|name| !name.is_empty()).map(|name| (name, MemberKind::File));

    if container == "prefix" {
        // The tree is `/home/u/tree`, the prefix `/cache`; their files are in two listings.
        let mirrored = format!("home/u/tree/{}", field("path"));
        let tree = listing(&beside.collect::<Vec<_>>());
        let cache = listing(&[(&mirrored, own)]);
        let place = Place::of(mirrored.as_bytes());
        let scanned = Tree { listing: &tree, kind, root: b"/home/u/tree", found: Found::PrefixTree };
        let search = source::find(&cache, &place, kind, b"/cache", &SourceIndex::new(&[scanned]));
        let source = match search {
            Search::Elsewhere(_, found) => Some(source_file(row, Locator::file("/home/u/tree/m.py"), found)),
            _ => None,
        };
        return Scene { kind, listing: cache, place, source };
    }
    let listing = listing(&beside.chain([(field("path"), own)]).collect::<Vec<_>>());
    let place = Place::of(field("path").as_bytes());
    let source = source::beside(&listing, &place).map(|member| {
        let name = listing.get(member).unwrap().name();
        let locator = match kind {
            Kind::Directory => Locator::file(Path::new("/home/u/tree").join(name.as_text().unwrap())),
            _ => Locator::file("/home/u/a.zip").member(name),
        };
        source_file(row, locator, Found::Beside)
    });
    Scene { kind, listing, place, source }
}

fn source_file(row: &Row, locator: Locator, found: Found) -> SourceFile {
    let times = if locator.inner.is_empty() {
        // A file system's times have fractions, and are rounded towards minus infinity.
        let (seconds, _) = row["source_mtime"].split_once('.').unwrap_or((&row["source_mtime"], ""));
        Times { unix: Some(seconds.parse().unwrap()), ..Times::default() }
    } else {
        Times { dos: Some(DOS), ..Times::default() }
    };
    let size = row.get("source_size").map_or(SOURCE.len() as u64, |size| size.parse().unwrap());
    SourceFile { locator, found, size, times }
}

fn judged(row: &Row, version: &'static Version) -> Load {
    let bytes = file_bytes(row, version);
    let pyc = pyc::parse(&bytes, &Limits::default(), &mut pyc::Scratch::default()).value;
    let Scene { kind, listing, place, source } = scene(row);
    let header_check = match (&source, &pyc.header, pyc.magic) {
        (Some(source), Some(header), Some(magic)) => {
            source::compare(magic, pyc.version, header, source, || Some(SOURCE))
        }
        _ => HeaderCheck::not_compared(HeaderMatch::NoSource),
    };
    judge(&Judged {
        kind,
        listing: &listing,
        place: &place,
        magic: pyc.magic,
        version: pyc.version,
        candidates: pyc.candidates,
        header: pyc.header.as_ref(),
        is_headless: false,
        body: BodyState::of(&pyc),
        source: source.as_ref(),
        header_check: &header_check,
    })
}

/// Judges these rows and lists those where the verdict is another than what was observed.
fn differences(rows: &[&Row], versions: &BTreeMap<String, &'static Version>) -> Vec<String> {
    rows.iter()
        .filter_map(|row| {
            let load = judged(row, versions[&row["interpreter"]]);
            let (observed, judged) = (&row["verdict"], load.verdict.code());
            (observed != judged).then(|| {
                format!(
                    "{}, {}: observed {observed}, judged {judged}: {}",
                    row["interpreter"], row["case"], load.reason
                )
            })
        })
        .collect()
}

#[test]
fn every_verdict_is_what_the_interpreter_did() {
    let rows = rows("verdicts.csv");
    let versions = versions(&rows, "fresh");
    assert_eq!(versions.len(), 12, "interpreters");
    let judged: Vec<&Row> = rows.iter().filter(|row| row["mode"] == "default" && row["container"] != "file").collect();
    assert!(judged.len() > 2_500, "only {} rows", judged.len());
    let differences = differences(&judged, &versions);
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), judged.len(), differences.join("\n"));
}

#[test]
fn every_verdict_on_a_wheel_is_what_some_installer_led_to() {
    let rows = rows("installed.csv");
    let versions = versions(&rows, "timestamp");
    let differences = differences(&rows.iter().collect::<Vec<_>>(), &versions);
    assert!(rows.len() > 100, "only {} rows", rows.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Judges a forged file that lies at a path beside others, with a source that was not read.
fn forged(kind: Kind, path: &str, beside: &[&str], bytes: &[u8]) -> (&'static str, String) {
    let names = beside.iter().copied().chain([path]).map(|name| (name, MemberKind::File)).collect::<Vec<_>>();
    let pyc = pyc::parse(bytes, &Limits::default(), &mut pyc::Scratch::default()).value;
    let load = judge(&Judged {
        kind,
        listing: &listing(&names),
        place: &Place::of(path.as_bytes()),
        magic: pyc.magic,
        version: pyc.version,
        candidates: pyc.candidates,
        header: pyc.header.as_ref(),
        is_headless: false,
        body: BodyState::of(&pyc),
        source: None,
        header_check: &HeaderCheck::not_compared(HeaderMatch::Unknown),
    });
    (load.verdict.code(), load.reason)
}

fn unchecked(python: &str) -> Vec<u8> {
    forge::Pyc::python(python).flags(1).hash([1; 8]).build()
}

#[test]
fn a_zip_is_judged_by_whichever_use_runs_the_file() {
    let (verdict, reason) = forged(Kind::Zip, "m.pyc", &["m.py"], &unchecked("3.12"));
    let expected = "as a zip on `sys.path`: zipimport looks for `.pyc` first, and unchecked hash: \
                    Python 3.12 runs it without looking at `m.py`";
    assert_eq!((verdict, reason.as_str()), ("runs", expected));
    let (verdict, reason) = forged(Kind::Zip, "__pycache__/m.cpython-312.pyc", &["m.py"], &unchecked("3.12"));
    let expected = "once unpacked: unchecked hash: Python 3.12 runs it without looking at `m.py`";
    assert_eq!((verdict, reason.as_str()), ("runs", expected));
    let (verdict, reason) = forged(Kind::Directory, "m.pyc", &["m.py"], &unchecked("3.12"));
    let expected = "`m.py` is beside it: Python 3.12 never reads a legacy pyc then";
    assert_eq!((verdict, reason.as_str()), ("dead", expected));
}

#[test]
fn interpreters_that_could_not_be_asked_are_judged_with_care() {
    /// Name, other files, bytes, verdict, a part of the reason.
    type Asked = (&'static str, &'static [&'static str], Vec<u8>, &'static str, &'static str);
    let other_magic = |magic: &[u8]| [magic, &unchecked("3.12")[4..]].concat();
    let unknown = other_magic(b"\xfe\xff\r\n");
    let cached = "__pycache__/m.cpython-312.pyc";
    let cases: &[Asked] = &[
        (cached, &["m.py"], unknown.clone(), "rejected", "Python 3.12 refuses its magic number 65534"),
        (cached, &[], unknown.clone(), "dead", "no `m.py`"),
        ("m.pyc", &[], unknown.clone(), "unknown", "not known"),
        ("__pycache__/m.neopy-7.pyc", &["m.py"], unknown, "unknown", "the tag `neopy-7` is not known"),
        ("m.pyc", &[], other_magic(b"\x7fELF"), "rejected", "no magic number"),
        ("m.pyc", &[], Vec::new(), "rejected", "too short"),
        ("m.pyo", &[], forge::Pyc::python("3.4").build(), "runs-optimised", "under `-O` only"),
        ("__pycache__/m.cpython-34.pyo", &[], forge::Pyc::python("3.4").build(), "dead", "no `m.py`"),
        ("__pycache__/m.cpython-31.pyc", &["m.py"], forge::Pyc::python("3.1").build(), "dead", "never looks"),
        ("m.pyc", &[], forge::Pyc::python("PyPy 2.7").build(), "dead", "does not import bytecode without a source"),
        ("m.pyc", &[], forge::Pyc::python("PyPy 3.11").build(), "runs", "PyPy 3.11 runs it"),
        ("c/home/m.cpython-312.pyc", &[], unchecked("3.12"), "unknown", "PYTHONPYCACHEPREFIX"),
        ("c/home/m.cpython-37.pyc", &[], unchecked("3.7"), "dead", "in `__pycache__` folders only"),
        (cached, &["m.py", "m.pyd"], unchecked("3.12"), "runs", "unchecked hash"),
        ("__pycache__/m.cpython-313t.pyc", &["m.py"], unchecked("3.13"), "runs", "unchecked hash"),
        ("__pycache__/m.cpython-312.pyc.140234", &["m.py"], unchecked("3.12"), "dead", "`python FILE`"),
    ];
    for (path, beside, bytes, verdict, part) in cases {
        let (judged, reason) = forged(Kind::Directory, path, beside, bytes);
        assert_eq!(judged, *verdict, "{path}: {reason}");
        assert!(reason.contains(part), "{path}: {reason}");
    }
}

#[test]
fn a_folder_of_look_alikes_does_not_hide_what_runs() {
    let junk: Vec<String> = (0..1000).map(|number| format!("m.{number}.so.txt")).collect();
    let beside: Vec<&str> = junk.iter().map(String::as_str).chain(["m.py"]).collect();
    let (verdict, _) = forged(Kind::Directory, "__pycache__/m.cpython-312.pyc", &beside, &unchecked("3.12"));
    assert_eq!(verdict, "runs");
}

#[test]
fn a_name_in_a_reason_is_escaped() {
    let (_, reason) = forged(Kind::Directory, "a\u{202e}.pyc", &[], &unchecked("3.12"));
    assert!(reason.starts_with("no `a\\u{202e}.py`"), "{reason}");
}
