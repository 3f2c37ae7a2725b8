//! The samples yield the reports that lie beside them. `BLESS=1 cargo test samples` writes them anew.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::SystemTime;

use serde_json::Value;

/// When the samples' files were modified, as far as this test goes: a day after `samples/make.py` says, as in a checkout.
const MTIME: u64 = 1_768_478_400 + 86_400;

#[test]
fn the_samples_yield_the_reports_beside_them() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let folder = tempfile::tempdir().unwrap();
    copy(&samples, &folder.path().join("samples"));
    let output = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
        .current_dir(folder.path())
        .env_clear()
        .args(["scan", "samples", "--csv", "pycs.csv", "--findings-csv", "findings.csv"])
        .args(["--jsonl", "report.jsonl", "--html", "report.html"])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.as_str()), (Some(1), ""));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let html = read("report.html");
    assert!(html.contains("poisoned-1.0-py3-none-any.whl") && html.ends_with("</html>\n"));
    let reports = [
        ("report.txt", String::from_utf8(output.stdout).unwrap()),
        ("pycs.csv", read("pycs.csv")),
        ("findings.csv", read("findings.csv")),
        ("report.jsonl", without_run(&read("report.jsonl"))),
    ];
    for (name, found) in reports {
        let beside = samples.join("reports").join(name);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&beside, &found).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        assert_eq!(found, expected, "{} differs; BLESS=1 writes it anew", beside.display());
    }
}

/// JSON Lines without what tells one run from another.
fn without_run(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let fields = record.as_object_mut().unwrap();
        if matches!(fields.get("type").and_then(Value::as_str), Some("run" | "summary")) {
            for field in ["version", "arguments", "started", "ended"] {
                fields.remove(field);
            }
        }
        text.push_str(&record.to_string());
        text.push('\n');
    }
    text
}

/// Copies a folder; every file is modified at the same time.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            let file = File::options().write(true).open(&target).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(MTIME)).unwrap();
        }
    }
}
