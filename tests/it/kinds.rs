//! One folder with a container of every kind, each with the same pyc in it: all are opened side by side, and counted as what they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use pycaudit::artifact::Sha256Digest;
use pycaudit::forge::Pyc;
use pycaudit::forge::Tar;
use pycaudit::forge::Zip;
use pycaudit::forge::frozen::Carchive;
use pycaudit::forge::frozen::PyzArchive;
use pycaudit::forge::package::Ar;
use pycaudit::forge::package::Cpio;
use pycaudit::forge::package::Rpm;
use pycaudit::forge::tar;
use pycaudit::pyc::Magic;
use serde_json::Value;
use serde_json::json;

/// Where the pyc is in most containers.
const PYC: &str = "p/__pycache__/m.cpython-312.pyc";

fn pyc() -> Vec<u8> {
    Pyc::python("3.12").build()
}

fn tree() -> Tar {
    Tar::new().file("p/m.py", "x = 1\n").file(PYC, pyc())
}

/// The records that a scan writes.
fn records(folder: &Path, path: &str, options: &[&str]) -> (Vec<Value>, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pycaudit"));
    command.current_dir(folder).env_clear().args(["scan", path, "--format", "jsonl", "--verify", "none"]).args(options);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

fn of_type<'a>(records: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    records.iter().filter(move |record| record["type"] == kind)
}

/// A conda package of the second form, whose list of files gives this digest.
fn conda(digest: &str) -> Vec<u8> {
    let entry = |path: &str, digest: &str, size: usize| json!({"_path": path, "path_type": "hardlink", "sha256": digest, "size_in_bytes": size});
    let source = Sha256Digest::of(b"x = 1\n").to_string();
    let paths = json!({"paths_version": 1, "paths": [entry("p/m.py", &source, 6), entry(PYC, digest, pyc().len())]});
    let info = Tar::new().file("info/index.json", "{}").file("info/paths.json", paths.to_string());
    Zip::new()
        .file("metadata.json", "{\"conda_pkg_format_version\": 2}")
        .file("pkg-p-1-0.tar.zst", tar::zstd(&tree().build()))
        .file("info-p-1-0.tar.zst", tar::zstd(&info.build()))
        .build()
}

/// An OCI layout whose index names two images, of which the second has one layer more; and an index in the index.
fn layout() -> Vec<u8> {
    let mut tar = Tar::new().file("oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}");
    let mut blob = |bytes: Vec<u8>| {
        let digest = Sha256Digest::of(&bytes).to_string();
        tar = std::mem::take(&mut tar).file(&format!("blobs/sha256/{digest}"), &bytes);
        json!({"digest": format!("sha256:{digest}"), "size": bytes.len()})
    };
    let lower = blob(tree().gzip());
    let upper = blob(tar::zstd(&Tar::new().file("p/.wh.m.py", "").build()));
    let first = blob(json!({"layers": [lower]}).to_string().into_bytes());
    let second = blob(json!({"layers": [lower, upper]}).to_string().into_bytes());
    let inner = blob(json!({"manifests": [second]}).to_string().into_bytes());
    tar.file("index.json", json!({"manifests": [first, inner]}).to_string()).build()
}

fn saved() -> Vec<u8> {
    let manifest = "[{\"Config\":\"c.json\",\"Layers\":[\"0/layer.tar\"]}]";
    Tar::new().file("manifest.json", manifest).file("0/layer.tar", tree().build()).build()
}

fn program() -> Vec<u8> {
    let body = Pyc::python("3.12").build_body();
    let modules = PyzArchive::new(Magic(*b"\xcb\x0d\r\n")).module("m", &body);
    Carchive::new(312).plain(b'z', "PYZ.pyz", modules.build()).build()
}

/// Every file of the folder with the kinds of the containers in it, as reports name them.
fn files() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let zip = || Zip::new().file("p/m.py", "x = 1\n").file(PYC, pyc());
    let cpio = || Cpio::new().file("./p/m.py", "x = 1\n").file(&format!("./{PYC}"), pyc());
    let digest = Sha256Digest::of(&pyc()).to_string();
    let deb = Ar::new()
        .file("debian-binary", "2.0\n")
        .file("control.tar", Tar::new().file("./md5sums", "").build())
        .file("data.tar.gz", tree().gzip());
    vec![
        ("a.cpio", cpio().build(), &["cpio"]),
        ("a.cpio.gz", tar::gzip(&cpio().build()), &["cpio"]),
        ("a.deb", deb.build(), &["deb", "tar", "tar"]),
        ("a.egg", zip().file("EGG-INFO/PKG-INFO", "").build(), &["egg"]),
        ("a.pyz", zip().file("__main__.py", "").prefix("#!/usr/bin/env python3\n").build(), &["zipapp"]),
        ("a.rpm", Rpm::new(tar::gzip(&cpio().build())).build(), &["rpm"]),
        ("a.tar", tree().build(), &["tar"]),
        ("a.tar.gz", tree().gzip(), &["tar"]),
        ("a.tar.zst", tar::zstd(&tree().build()), &["tar"]),
        ("a.zip", zip().build(), &["zip"]),
        ("image.tar", saved(), &["image", "tar"]),
        ("layout.tar", layout(), &["image", "tar", "tar"]),
        ("m.cpython-312.pyc.gz", tar::gzip(&pyc()), &["compressed"]),
        ("nested.tar.gz", Tar::new().file("in.zip", zip().build()).gzip(), &["tar", "zip"]),
        ("p-1-0.conda", conda(&digest), &["conda", "conda", "tar"]),
        ("p-1-py3-none-any.whl", zip().file("p-1.dist-info/WHEEL", "").build(), &["wheel"]),
        ("program", program(), &["pyinstaller", "pyz"]),
    ]
}

#[test]
fn a_folder_of_every_kind_of_container_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    let mut expected = BTreeMap::new();
    for (name, bytes, kinds) in files() {
        fs::write(tree.join(name), bytes).unwrap();
        expected.insert(name.to_owned(), kinds.iter().map(|&kind| kind.to_owned()).collect::<Vec<_>>());
    }
    let (records, code) = records(folder.path(), "tree", &["-j1"]);
    assert_ne!(code, Some(3));
    let name = |record: &Value| {
        record["artifact"]["text"].as_str().unwrap().strip_prefix("tree").unwrap().trim_start_matches('/').to_owned()
    };
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in of_type(&records, "artifact").filter(|record| record["kind"] != "directory") {
        kinds.entry(name(record)).or_default().push(record["kind"].as_str().unwrap().to_owned());
    }
    for kinds in kinds.values_mut() {
        kinds.sort();
    }
    assert_eq!(kinds, expected);
    let pycs: Vec<String> = of_type(&records, "pyc").map(name).collect();
    let names: Vec<String> = expected.into_keys().collect();
    assert_eq!(pycs, names, "each has the one");
    // Whatever the number of threads.
    let (many, _) = self::records(folder.path(), "tree", &["-j8"]);
    let without_run = |records: &[Value]| -> Vec<Value> {
        records.iter().filter(|record| !matches!(record["type"].as_str(), Some("run" | "summary"))).cloned().collect()
    };
    assert_eq!(without_run(&records), without_run(&many));
}

#[test]
fn both_tars_of_a_conda_package_are_read_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let rules = ["--select", "PYC8,PYC9"];
    fs::write(folder.path().join("p-1-0.conda"), conda(&Sha256Digest::of(&pyc()).to_string())).unwrap();
    let (records, code) = records(folder.path(), "p-1-0.conda", &rules);
    assert_eq!((code, of_type(&records, "finding").count()), (Some(0), 0), "{records:#?}");
    fs::write(folder.path().join("p-1-0.conda"), conda(&"0".repeat(64))).unwrap();
    let (records, _) = self::records(folder.path(), "p-1-0.conda", &rules);
    let found: Vec<&Value> = of_type(&records, "finding").map(|record| &record["rule"]).collect();
    assert_eq!(found, ["PYC813"]);
}

#[test]
fn every_image_of_a_layout_is_compared_layer_by_layer() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("layout.tar"), layout()).unwrap();
    let (records, code) = records(folder.path(), "layout.tar", &["--select", "PYC8,PYC9"]);
    let found: Vec<&Value> = of_type(&records, "finding").collect();
    // The first image is honest; the second, behind an index of its own, removes a source and leaves its bytecode.
    assert_eq!((code, found.len()), (Some(1), 1), "{found:#?}");
    assert_eq!(found[0]["rule"], "PYC815");
}

/// Code in other forms than that of a pyc.
const OTHER: [(&str, &[u8], &str); 8] = [
    ("m$py.class", b"\xca\xfe\xba\xbe\0\0\0\x32", "jython"),
    ("m.mpy", b"M\x06\0\x1f", "micropython"),
    ("m.f-3.py312.nbi", b"\x80\x04\x95\x0a", "numba"),
    ("m.f-3.py312.1.nbc", b"\x80\x04\x95\x0a", "numba"),
    ("__jinja2_0a1b.cache", b"j2\x80\x02K\x05.\x80\x02J\x0c\0\0\x03.", "jinja2"),
    ("n.ipynb", b"{\"cells\": []}", "notebook"),
    (".ipynb_checkpoints/n-checkpoint.ipynb", b"{\"cells\": []}", "notebook"),
    ("m.class", b"\xca\xfe\xba\xbe\0\0\0\x32", "other"),
];

#[test]
fn code_in_other_forms_is_counted_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join(".ipynb_checkpoints")).unwrap();
    let (mut zip, mut tar, mut manifest) = (Zip::new(), Tar::new(), Zip::new().file("p-1.dist-info/WHEEL", ""));
    for (name, bytes, _) in OTHER {
        fs::write(tree.join(name), bytes).unwrap();
        zip = zip.file(name, bytes);
        tar = tar.file(name, bytes);
        manifest = manifest.file(name, bytes);
    }
    fs::write(tree.join("a.zip"), zip.build()).unwrap();
    fs::write(tree.join("a.tar"), tar.build()).unwrap();
    fs::write(tree.join("a.tar.gz"), tar.gzip()).unwrap();
    // A wheel with RECORD is read whole.
    fs::write(tree.join("p-1-py3-none-any.whl"), manifest.file("p-1.dist-info/RECORD", "").build()).unwrap();
    let (records, _) = records(folder.path(), "tree", &["--html", "a.html"]);
    let ledger = &of_type(&records, "summary").next().unwrap()["ledger"];
    let count = |word: &str| ledger[word].as_u64().unwrap_or_default();
    let words = ["jython", "micropython", "numba", "jinja2", "notebook", "other", "seen"];
    // In the tree and in four archives; of the wheel WHEEL and RECORD too.
    assert_eq!(words.map(count), [5, 5, 10, 5, 10, 7, 46], "{ledger}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pycaudit"));
    let output = command.current_dir(folder.path()).env_clear().args(["scan", "tree"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("numba 10, notebook 10, other 7, jython 5, micropython 5, jinja2 5"), "{text}");
    let page = fs::read_to_string(folder.path().join("a.html")).unwrap();
    assert!(
        page.contains("5 classes of Jython not parsed") && page.contains("a Jupyter notebook; recognised, not parsed")
    );
}
