//! The code check on sources made for it: each construct in it is one that some compiler treats in a way of its own.
//!
//! `tests/fixtures/compiled/cpython-X/NAME.pyc` is `NAME.py` beside the folders, compiled by `py_compile` of that version,
//! or of that release where those of a series differ, with `NAME.py` as its path.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Scratch;
use pycaudit::verify::check::CodeCheck;
use pycaudit::verify::verify;

/// Lines that decide nothing: behind `__debug__`, behind a `raise`, at the end of a loop, under `if 0`.
const IDLE: [&str; 8] = [
    "elif a: print 2",
    "else: print 5",
    "raise ValueError, (\"x\", 1), None",
    "raise (ValueError, 1), 2",
    "raise ValueError(\"x\")",
    "else: continue",
    "if 0: print \"dead\", lambda: 3",
    "\"string\"; 1; None",
];

/// Every pyc with its source.
fn compiled() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/compiled");
    let mut files = Vec::new();
    for folder in fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for pyc in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = pyc.with_extension("py").file_name().unwrap().to_owned();
            let source = fs::read_to_string(root.join(name)).unwrap();
            files.push((pyc, source));
        }
    }
    files
}

fn check(path: &Path, source: &str) -> CodeCheck {
    let bytes = fs::read(path).unwrap();
    let mut scratch = Scratch::default();
    let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
    verify(&tree, source.as_bytes(), &[0], None, &Limits::default())
}

#[test]
fn what_was_compiled_from_its_source_does_what_it_says() {
    let files = compiled();
    assert!(files.len() >= 6);
    for (path, source) in files {
        let outcome = check(&path, &source);
        assert!(matches!(outcome, CodeCheck::Verified { .. }), "{}: {outcome:?}", path.display());
    }
}

#[test]
fn a_line_that_is_left_out_is_noticed() {
    for (path, source) in compiled() {
        let lines: Vec<&str> = source.lines().collect();
        let mut idle = Vec::new();
        for (left_out, line) in lines.iter().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let mut changed = lines.clone();
            changed[left_out] = "";
            // Without some lines it is no source any more.
            if matches!(check(&path, &changed.join("\n")), CodeCheck::Verified { .. }) {
                idle.push(line.trim());
            }
        }
        let expected = if path.ends_with("cpython-2.7/classic.pyc") { &IDLE[..] } else { &[] };
        assert_eq!(idle, expected, "{}", path.display());
    }
}
