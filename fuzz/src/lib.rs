//! What the fuzz targets run: the invariants that the tests hold too, and the pages of `pycaudit inspect`, which are no part of the
//! library.

use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::fuzzer_mutate;
use pycaudit::entry::PycEntry;
use pycaudit::limits::Limits;
use pycaudit::name;
use pycaudit::pyc;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::versions::VERSIONS;
use pycaudit::secret;
use tempfile::TempDir;

use crate::inspect::facts::Facts;
use crate::inspect::page::Most;
use crate::invariants::scan::Reports;

#[path = "../../tests/it/invariants/mod.rs"]
mod invariants;

/// The pages of `pycaudit inspect`, from the files of the command.
#[path = "../../src/bin/pycaudit/inspect"]
mod inspect {
    pub(crate) mod facts;
    pub(crate) mod imports;
    pub(crate) mod json;
    pub(crate) mod page;
}

/// The `header` target.
pub fn header(bytes: &[u8]) {
    invariants::header::hold(bytes);
}

/// The `pyc` target.
pub fn pyc(bytes: &[u8]) {
    invariants::pyc::hold(bytes);
}

/// The `compare` target.
pub fn compare(bytes: &[u8]) {
    invariants::compare::hold(bytes);
}

/// The `zip` target.
pub fn zip(bytes: &[u8]) {
    invariants::zip::hold(bytes);
}

/// The `stream` target.
pub fn stream(bytes: &[u8]) {
    invariants::stream::hold(bytes);
}

/// The `scan` target.
pub fn scan(bytes: &[u8]) {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder: &Path = FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path();
    // One page in sixteen, told by the bytes, so that an input does the same whenever it is run.
    let reports = if crc32fast::hash(bytes).is_multiple_of(16) { Reports::All } else { Reports::WithoutPage };
    invariants::scan::hold(bytes, folder, reports, &mut inspect_page);
}

/// Both forms of the page of a pyc.
fn inspect_page(entry: &PycEntry) {
    let mut scratch = Scratch::default();
    let bytes = entry.contents.as_deref().unwrap();
    let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
    let mask = Mask::new(&tree, secret::masked);
    let facts = Facts::new(&tree, &mask);
    for most in [Most::Some, Most::All] {
        let page = inspect::page::page(entry, &facts, most);
        assert!(!page.contains(|shown| shown != '\n' && name::is_deceptive(shown)), "{page:?}");
    }
    let mut json = inspect::json::BEGIN.as_bytes().to_vec();
    inspect::json::write(entry, &facts, &mut json).unwrap();
    json.extend_from_slice(inspect::json::END.as_bytes());
    let page: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(page["type"], "inspect");
}

/// Changes a pyc that begins at `at`: often as libFuzzer does, sometimes into a file of another version.
pub fn mutate_pyc(bytes: &mut [u8], size: usize, most: usize, seed: u32, at: usize) -> usize {
    if seed.is_multiple_of(8)
        && let Some(magic) = bytes[..size].get_mut(at..at + 4)
    {
        magic.copy_from_slice(&VERSIONS[(seed / 8) as usize % VERSIONS.len()].magic.0);
        return size;
    }
    fuzzer_mutate(bytes, size, most)
}
