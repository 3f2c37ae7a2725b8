//! Any bytes as a header before sound code: read by every layout, and judged beside a source.
//!
//! The first byte says where the pyc and its source are and how they agree; the rest is the header.

use std::path::PathBuf;

use pycaudit::artifact::Locator;
use pycaudit::entry::Entry;
use pycaudit::forge;
use pycaudit::forge::MemoryTree;
use pycaudit::forge::case::NOW;
use pycaudit::pyc::Header;
use pycaudit::pyc::HeaderLayout;
use pycaudit::pyc::Magic;
use pycaudit::pyc::header;
use pycaudit::pyc::lookup;
use pycaudit::pyc::recognise;
use pycaudit::pyc::sniff;
use pycaudit::pyc::versions::VERSIONS;
use pycaudit::pyc::versions::is_rustpython_hash;
use pycaudit::scan;
use pycaudit::scan::Config;
use pycaudit::scan::Verify;

use super::scan::entry_holds;

/// Bits of the first byte.
const IN_CACHE: u8 = 1;
const WITH_SOURCE: u8 = 2;
const SOURCE_TIME_OF_HEADER: u8 = 4;
const WITHOUT_BODY: u8 = 8;
const STRICT: u8 = 16;

/// The source beside the pyc.
const SOURCE: &[u8] = b"x = 1\n";

/// Reads bytes as a header and panics when something does not hold.
pub(crate) fn hold(bytes: &[u8]) {
    fields_are_the_bytes(bytes);
    let Some((&choice, head)) = bytes.split_first() else { return };
    fields_are_the_bytes(head);
    let magic = head.first_chunk::<4>().map(|&magic| Magic(magic));
    if let Some(magic) = magic {
        let found = lookup(magic);
        assert!(found.iter().all(|version| version.magic == magic) || is_rustpython_hash(magic));
        assert_eq!(Magic::with_number(magic.number()).number(), magic.number());
        assert_eq!(magic.word().to_le_bytes(), magic.0);
    }
    let version = magic.and_then(|magic| lookup(magic).first()).filter(|version| version.is_read());
    let mut file = head.to_vec();
    if choice & WITHOUT_BODY == 0 {
        let version = version.unwrap_or(&VERSIONS[usize::from(choice) % VERSIONS.len()]);
        if version.is_read() {
            file.extend(forge::Pyc::version(version).build_body());
        }
    }
    let time = head.get(8..12).or(head.get(4..8)).filter(|_| choice & SOURCE_TIME_OF_HEADER != 0);
    let time = time.and_then(|bytes| bytes.first_chunk::<4>()).map_or(100, |&time| i64::from(u32::from_le_bytes(time)));
    let name = if choice & IN_CACHE != 0 { "__pycache__/m.cpython-312.pyc" } else { "m.pyc" };
    let size = file.len() as u64;
    let mut tree = MemoryTree::new().file(name, file).mtime(200);
    if choice & WITH_SOURCE != 0 {
        tree = tree.file("m.py", SOURCE).mtime(time);
    }
    let entries = scan::scan_container(&config(choice), Box::new(tree), Locator::file("tree"));
    assert_eq!(entries.iter().filter(|entry| matches!(entry, Entry::Pyc(_))).count(), 1);
    for entry in &entries {
        entry_holds(entry);
        if let Entry::Pyc(pyc) = entry {
            assert_eq!(pyc.size, size);
        }
    }
}

fn config(choice: u8) -> Config {
    Config {
        verify: Verify::Header,
        strict: choice & STRICT != 0,
        jobs: Some(1),
        ..Config::new(vec![PathBuf::from("tree")], NOW)
    }
}

/// A header is exactly the bytes that it was read from, and so are its fields.
fn fields_are_the_bytes(bytes: &[u8]) {
    for layout in [HeaderLayout::Bytes8, HeaderLayout::Bytes12, HeaderLayout::Bytes16] {
        let read = Header::read(bytes, layout);
        assert_eq!(read.is_some(), bytes.len() >= layout.size());
        assert_eq!(HeaderLayout::of_size(layout.size()), Some(layout));
        let there = &bytes[..layout.size().min(bytes.len())];
        let fields = header::fields(bytes, Some(layout));
        assert_eq!(fields.iter().flat_map(|field| field.bytes.clone()).collect::<Vec<_>>(), there);
        let mut at = 0;
        for field in &fields {
            assert_eq!(field.offset, at, "{field:?}");
            assert!(!field.reading.contains(pycaudit::name::is_deceptive), "{field:?}");
            at += field.bytes.len() as u64;
        }
        if let Some(header) = read {
            assert_eq!(header.to_bytes(), there);
            assert_eq!(header.fields(), fields);
            assert_eq!(header.mtime().is_some(), header.source_hash().is_none());
            assert_eq!(header.undefined_flags() & header.flags.unwrap_or_default(), header.undefined_flags());
        }
    }
    assert_eq!(recognise(bytes), recognise(bytes));
    let _ = sniff(bytes);
}
