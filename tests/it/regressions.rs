//! Inputs that once broke something, found by the fuzz targets of `fuzz/`: what holds of any bytes holds of them, and no command
//! fails on them or takes long. Sound files hold it too.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::invariants;
use crate::invariants::scan::Reports;

/// How long all that is done with one input may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where inputs are kept, by the fuzz target that found them.
const AREAS: [&str; 6] = ["compare", "header", "pyc", "scan", "stream", "zip"];

/// Every kept input.
fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/regressions");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let area = path.file_name().unwrap().to_str().unwrap();
            assert!(AREAS.contains(&area), "no target is called {area}");
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Small sound files: pycs of every version, and archives.
fn fixtures() -> Vec<PathBuf> {
    let folders = ["containers", "versions"].map(|name| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
    });
    let mut files: Vec<_> = folders.into_iter().flatten().collect();
    files.sort();
    files
}

/// Everything that is asked of any bytes; each function takes any.
fn hold(bytes: &[u8], folder: &Path, reports: Reports) {
    invariants::header::hold(bytes);
    invariants::pyc::hold(bytes);
    invariants::compare::hold(bytes);
    invariants::zip::hold(bytes);
    invariants::stream::hold(bytes);
    invariants::scan::hold(bytes, folder, reports, &mut |_| {});
}

/// Holds each file, one thread for each, whose name tells which failed.
fn hold_all(files: &[PathBuf], reports: Reports) {
    let folder = tempfile::tempdir().unwrap();
    for path in files {
        let bytes = fs::read(path).unwrap();
        let begun = Instant::now();
        let named = thread::Builder::new().name(path.display().to_string());
        let run = || hold(&bytes, folder.path(), reports);
        let held = thread::scope(|scope| named.spawn_scoped(scope, run).unwrap().join());
        assert!(held.is_ok(), "{}", path.display());
        assert!(begun.elapsed() < PATIENCE, "{} took {:?}", path.display(), begun.elapsed());
    }
}

#[test]
fn what_was_found_before_holds_now() {
    hold_all(&inputs(), Reports::All);
}

#[test]
fn what_holds_of_any_bytes_holds_of_sound_files() {
    hold_all(&fixtures(), Reports::WithoutPage);
}

#[test]
fn no_command_fails_on_what_was_found_before() {
    for path in inputs() {
        let file = path.to_str().unwrap();
        for words in [
            &["scan", "--csv", "-", file][..],
            &["scan", "--html", "-", file],
            &["inspect", "--all", file],
            &["inspect", "--format", "json", file],
            &["dis", file],
            &["diff", file, file],
        ] {
            let begun = Instant::now();
            let ended = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
                .args(words)
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert!(matches!(ended.status.code(), Some(0..=3)), "{words:?}: {:?} {stderr}", ended.status);
            assert!(!stderr.contains("panicked"), "{words:?}: {stderr}");
            assert!(begun.elapsed() < PATIENCE, "{words:?} took {:?}", begun.elapsed());
        }
    }
}
