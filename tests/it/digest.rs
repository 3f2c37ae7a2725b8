//! Code digests and lines digests of real pycs: as the second implementation (`tests/oracle/digest.py`) computes them, equal
//! where the code is equal however it came about, and different where it is not.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Digester;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::signature;

use crate::versions;

/// Both digests of every code object, with its qualified name.
fn digests(path: &Path) -> Vec<(String, String, String)> {
    let bytes = fs::read(path).unwrap();
    let mut scratch = Scratch::default();
    let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
    let names = signature::qualnames(&tree, &Mask::default());
    let digests = Digester::default().codes(&tree);
    let both = digests.into_iter().zip(names).map(|(digests, name)| {
        let (code, lines) = digests.unwrap();
        (name.to_string(), code.to_string(), lines.to_string())
    });
    both.collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/digest")
}

/// The versions whose interpreters compiled `source.py`.
const COMPILED: [&str; 9] = ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"];

fn compiled(version: &str, way: &str) -> Vec<(String, String, String)> {
    digests(&folder().join(format!("cpython-{version}-{way}.pyc")))
}

#[test]
fn a_second_implementation_computes_the_same_digests() {
    let mut wanted: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut rows = csv::Reader::from_path(folder().join("digests.csv")).unwrap();
    for row in rows.records() {
        let row = row.unwrap();
        wanted.entry(row[0].to_owned()).or_default().push((row[2].to_owned(), row[3].to_owned()));
    }
    let own = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let own = own.filter(|path| path.extension().is_some_and(|extension| extension == "pyc"));
    let files: Vec<PathBuf> = own.chain(versions::fixtures()).collect();
    assert_eq!(files.len(), wanted.len(), "digests.csv has not the files that there are");
    for path in files {
        let found: Vec<_> = digests(&path).into_iter().map(|(_, code, lines)| (code, lines)).collect();
        assert_eq!(found, wanted[path.file_name().unwrap().to_str().unwrap()], "{}", path.display());
    }
}

#[test]
fn one_source_has_one_digest_at_any_path_and_however_it_was_compiled() {
    let mut files = BTreeSet::new();
    for version in COMPILED {
        let first = compiled(version, "py_compile");
        assert!(first.len() >= 5, "{version}: {first:?}");
        for way in ["compileall", "import"] {
            assert_eq!(compiled(version, way), first, "{version} {way}");
        }
        for way in ["py_compile", "compileall", "import"] {
            // Without the header: three paths, and sets in three orders.
            let bytes = fs::read(folder().join(format!("cpython-{version}-{way}.pyc"))).unwrap();
            files.insert(bytes[16..].to_vec());
        }
    }
    assert_eq!(files.len(), 3 * COMPILED.len());
}

#[test]
fn every_way_of_invalidation_has_one_digest() {
    for path in versions::fixtures() {
        let timestamp = path.to_str().unwrap().replace("-unchecked", "-timestamp").replace("-checked", "-timestamp");
        assert_eq!(digests(&path), digests(Path::new(&timestamp)), "{}", path.display());
    }
}

#[test]
fn a_changed_constant_is_found_in_its_function_and_nowhere_beside_it() {
    for version in COMPILED {
        let (plain, changed) = (compiled(version, "py_compile"), compiled(version, "changed"));
        let differ: Vec<&str> = plain
            .iter()
            .zip(&changed)
            .filter(|(plain, changed)| plain.1 != changed.1)
            .map(|(plain, _)| plain.0.as_str())
            .collect();
        assert_eq!(differ, ["<module>", "Client", "Client.connect"], "{version}");
    }
}

#[test]
fn a_comment_above_changes_the_lines_digest_alone() {
    for version in COMPILED {
        let (plain, moved) = (compiled(version, "py_compile"), compiled(version, "moved"));
        for (plain, moved) in plain.iter().zip(&moved) {
            // From 3.13 on the body of a class stores its first line for `__firstlineno__`.
            let stores_line = version == "3.13" && ["<module>", "Client"].contains(&plain.0.as_str());
            assert_eq!(plain.1 == moved.1, !stores_line, "{version} {}", plain.0);
            assert_ne!(plain.2, moved.2, "{version} {}", plain.0);
        }
    }
}
