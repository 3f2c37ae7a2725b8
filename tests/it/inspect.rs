//! The page of `pycaudit inspect`, run as a user runs it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use pycaudit::forge;
use pycaudit::forge::pyc::Value as Forged;
use serde_json::Value;

use crate::versions;

/// Runs `inspect` in a folder.
fn inspect(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pycaudit"))
        .current_dir(folder)
        .env_clear()
        .arg("inspect")
        .args(arguments)
        .output()
        .unwrap()
}

/// What it writes to stdout; there must be no complaint.
fn page(folder: &Path, arguments: &[&str]) -> String {
    let output = inspect(folder, arguments);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&page(folder, &[arguments, &["--format", "json"]].concat())).unwrap()
}

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/versions")
}

fn samples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// A folder with one file in it.
fn with_file(bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("m.pyc"), bytes).unwrap();
    folder
}

#[test]
fn the_page_of_an_old_python() {
    insta::assert_snapshot!(page(&fixtures(), &["cpython-2.7-timestamp.pyc"]));
}

#[test]
fn the_page_of_a_recent_python() {
    insta::assert_snapshot!(page(&fixtures(), &["cpython-3.12-checked.pyc"]));
}

#[test]
fn the_page_of_a_member() {
    insta::assert_snapshot!(page(
        &samples(),
        &["leaked_token-1.0-py3-none-any.whl!leaked_token/__pycache__/client.cpython-312.pyc"]
    ));
}

#[test]
fn the_page_as_json() {
    let mut value = json(&fixtures(), &["cpython-3.8-timestamp.pyc"]);
    value.as_object_mut().unwrap().remove("version").unwrap();
    // When the fixture was checked out.
    for time in ["own_time", "own_time_seconds"] {
        value["pycs"][0]["pyc"].as_object_mut().unwrap().remove(time).unwrap();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn every_version_has_a_page_in_both_forms() {
    for path in versions::fixtures() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = page(&fixtures(), &[name, "--all"]);
        let value = json(&fixtures(), &[name]);
        let pyc = &value["pycs"][0];
        let digest = pyc["pyc"]["code_digest"].as_str().unwrap();
        assert!(text.contains(&format!("code         {digest}\n")), "{name}");
        assert_eq!(pyc["code"][0]["code_digest"], digest, "{name}");
        for code in pyc["code"].as_array().unwrap() {
            assert!(text.contains(code["qualname"]["text"].as_str().unwrap()), "{name}: {code}");
        }
        for words in [
            "Shape.area(self, width, height, *rest, **named)",
            "sample.py",
            "'plus'",
            "import os.path",
            "from sys import version",
        ] {
            assert!(text.contains(words), "{name} has no {words}:\n{text}");
        }
        assert!(!text.contains("more; --all"), "{name}");
    }
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let strings: Vec<_> = (0..500).map(|number| Forged::Str(format!("string {number}"))).collect();
    let folder = with_file(&forge::Pyc::python("3.12").consts(strings).build());
    let text = page(folder.path(), &["m.pyc"]);
    assert!(text.contains("strings (500)\n") && text.contains("  ... and 460 more; --all shows them\n"), "{text}");
    assert!(text.contains("'string 39'") && !text.contains("'string 40'"));
    let text = page(folder.path(), &["m.pyc", "--all"]);
    assert!(text.contains("'string 499'") && !text.contains("more; --all"));
    let value = json(folder.path(), &["m.pyc"]);
    assert_eq!(value["pycs"][0]["strings"].as_array().unwrap().len(), 500);
}

#[test]
fn references_that_double_with_each_level_have_a_page() {
    let mut levels = b"\xa9\x02NN".to_vec();
    for level in 1..100_u32 {
        let reference = [b"r".as_slice(), &level.to_le_bytes()].concat();
        levels.extend_from_slice(&[b"\xa9\x02".as_slice(), &reference, &reference].concat());
    }
    let doubled = Forged::Raw([b"(\x64\0\0\0".as_slice(), &levels].concat());
    let folder = with_file(&forge::Pyc::python("3.12").consts(vec![Forged::None, doubled]).build());
    assert!(page(folder.path(), &["m.pyc"]).len() < 10_000);
    assert!(page(folder.path(), &["m.pyc", "--format", "json"]).len() < 10_000);
}

#[test]
fn a_long_constant_that_many_refer_to_is_not_written_out_for_each() {
    const MANY: u32 = 2_000;
    // The module is reference 0 and the long tuple is 1.
    let long = [b"\xa8".as_slice(), &MANY.to_le_bytes(), &b"i\x01\0\0\0".repeat(MANY as usize)].concat();
    let short = Forged::Raw(b")\x01r\x01\0\0\0".to_vec());
    let mut constants = vec![short; MANY as usize];
    constants.insert(0, Forged::Raw(long));
    let folder = with_file(&forge::Pyc::python("3.12").consts(constants).build());
    // Written out for each it would be 12 megabytes.
    let text = page(folder.path(), &["m.pyc", "--all"]);
    assert!(text.len() < 3_000_000, "{} bytes", text.len());
    assert!(text.contains(&"1, ".repeat(MANY as usize - 1)));
}

#[test]
fn names_that_move_the_cursor_are_shown_as_text() {
    let bytes = forge::Pyc::python("3.12")
        .names(&["a\u{1b}[2Jb\u{202e}c"])
        .filename("\u{1b}]0;x\u{7}.py")
        .consts(vec![Forged::Str("\u{1b}[31m".to_owned()), Forged::Bytes(b"\x1b[0m".to_vec())])
        .build();
    let folder = with_file(&bytes);
    for arguments in [&["m.pyc"][..], &["m.pyc", "--all"], &["m.pyc", "--format", "json"]] {
        let output = inspect(folder.path(), arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text}");
    }
}

#[test]
fn a_damaged_file_has_a_page_and_no_digest() {
    let whole = fs::read(fixtures().join("cpython-3.12-timestamp.pyc")).unwrap();
    let folder = with_file(&whole[..1000]);
    let output = inspect(folder.path(), &["m.pyc"]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("not read") && text.contains("'A class.'"), "{text}");
    assert!(!text.contains("v1:"), "{text}");
}

#[test]
fn an_archive_without_a_member_shows_all_of_them_and_a_folder_none() {
    let value = json(&samples(), &["poisoned-1.0-py3-none-any.whl"]);
    assert!(!value["pycs"].as_array().unwrap().is_empty());
    let output = inspect(&samples(), &["orphans"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is a folder"));
}
