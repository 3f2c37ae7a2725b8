//! `pycaudit extract`: the bytes and where they go, and what hostile names and folders cannot make it do.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use pycaudit::artifact::Sha256Digest;
use pycaudit::forge::Carchive;
use pycaudit::forge::Entry;
use pycaudit::forge::Pyc;
use pycaudit::forge::PyzArchive;
use pycaudit::forge::Zip;
use pycaudit::pyc::Magic;

fn extract(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pycaudit"));
    command.current_dir(folder).env_clear().arg("extract").args(arguments).output().unwrap()
}

/// All files below a folder with their digests.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn pyc(name: &str) -> Vec<u8> {
    Pyc::python("3.12").filename(name).build()
}

#[test]
fn pycs_are_extracted_with_manifests_and_restored_headers() {
    let root = tempfile::tempdir().unwrap();
    let body = Pyc::python("3.12").build_body();
    let modules = PyzArchive::new(Magic::with_number(3531)).module("p.m", &body).build();
    let program = Carchive::new(312).packed(b's', "prog", &body).plain(b'z', "PYZ.pyz", modules).build();
    let wheel = Zip::new()
        .file("a/m.pyc", pyc("a"))
        .file("a/m.py", "")
        .file("inner.zip", Zip::new().file("n.pyc", pyc("n")).build());
    fs::write(root.path().join("program"), program).unwrap();
    fs::write(root.path().join("w.whl"), wheel.build()).unwrap();
    let output = extract(root.path(), &["program", "w.whl", "-o", "out"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let out = root.path().join("out");
    assert_eq!(
        files(&out),
        [
            "MANIFEST.csv",
            "SHA256SUMS",
            "program!/PYZ.pyz!/p/m.pyc",
            "program!/prog.pyc",
            "w.whl!/a/m.pyc",
            "w.whl!/inner.zip!/n.pyc"
        ]
    );
    let restored = fs::read(out.join("program!/PYZ.pyz!/p/m.pyc")).unwrap();
    assert_eq!(restored, [&b"\xcb\x0d\r\n"[..], &[0; 12], &body].concat());
    let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    for line in sums.lines() {
        let (digest, path) = line.split_once("  ").unwrap();
        assert_eq!(digest, Sha256Digest::of(&fs::read(out.join(path)).unwrap()).to_string());
    }
    assert_eq!(sums.lines().count(), 4);
    let table = fs::read_to_string(out.join("MANIFEST.csv")).unwrap();
    assert!(table.contains("\"program\",\"PYZ.pyz!p/m.pyc\",\"CPython 3.12\",\"restored\""), "{table}");

    let output = extract(root.path(), &["program", "w.whl", "-o", "some", "--only", "n.pyc"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(files(&root.path().join("some")), ["MANIFEST.csv", "SHA256SUMS", "w.whl!/inner.zip!/n.pyc"]);
}

#[test]
fn nothing_is_overwritten_unless_that_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("m.pyc"), pyc("m")).unwrap();
    fs::create_dir(root.path().join("out")).unwrap();
    fs::write(root.path().join("out/m.pyc"), "mine").unwrap();
    let output = extract(root.path(), &["m.pyc", "-o", "out"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read(root.path().join("out/m.pyc")).unwrap(), b"mine");
    let output = extract(root.path(), &["m.pyc", "-o", "out", "--force"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(fs::read(root.path().join("out/m.pyc")).unwrap(), pyc("m"));
}

#[test]
fn hostile_names_stay_in_the_folder_and_apart() {
    let root = tempfile::tempdir().unwrap();
    let names = [
        "../../up.pyc",
        "/etc/abs.pyc",
        "C:\\x.pyc",
        "a/M.pyc",
        "a/m.pyc",
        "a/m.pyc",
        "CON.pyc",
        "m.pyc/x.pyc",
        "m.pyc",
    ];
    let zip =
        names.iter().enumerate().fold(Zip::new(), |zip, (at, name)| zip.entry(Entry::new(name, pyc(&format!("{at}")))));
    fs::create_dir(root.path().join("work")).unwrap();
    let work = root.path().join("work");
    fs::write(work.join("a.zip"), zip.build()).unwrap();
    let output = extract(&work, &["a.zip", "-o", "out"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&work).unwrap().count(), 2);
    let found = files(&work.join("out"));
    assert_eq!(found.len(), names.len() + 2, "{found:#?}");
    let lower: std::collections::BTreeSet<String> = found.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(lower.len(), found.len());
}

#[cfg(unix)]
#[test]
fn links_in_the_folder_are_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let zip = Zip::new().file("p/m.pyc", pyc("m")).build();
    fs::write(root.path().join("a.zip"), zip).unwrap();
    for (folder, link) in [("out", "a.zip!"), ("more", "a.zip!/p")] {
        fs::create_dir(root.path().join("elsewhere")).unwrap();
        let path = root.path().join(folder).join(link);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(root.path().join("elsewhere"), path).unwrap();
        let output = extract(root.path(), &["a.zip", "-o", folder, "--force"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(fs::read_dir(root.path().join("elsewhere")).unwrap().count(), 0);
        fs::remove_dir(root.path().join("elsewhere")).unwrap();
    }
}

#[test]
fn what_could_not_be_read_is_said() {
    let root = tempfile::tempdir().unwrap();
    let modules = PyzArchive::new(Magic::with_number(3531)).module("m", "").encrypted().build();
    fs::write(root.path().join("PYZ.pyz"), modules).unwrap();
    let output = extract(root.path(), &["PYZ.pyz", "-o", "out"]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("not read: PYZ.pyz!m.pyc: encrypted"), "{text}");
}
