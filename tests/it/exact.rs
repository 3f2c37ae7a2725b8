//! `--verify exact` through the binary. The interpreters are scripts that speak as a child does: they say what they are, take each
//! request and hand back what the test put there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A tree with a fitting pyc of 3.12, whose source the scripts are asked to compile.
struct Tree {
    folder: TempDir,
    code: Vec<u8>,
}

impl Tree {
    fn new() -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/digest");
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("tree/__pycache__");
        fs::create_dir_all(&cache).unwrap();
        fs::copy(fixtures.join("source.py"), folder.path().join("tree/source.py")).unwrap();
        let mut pyc = fs::read(fixtures.join("cpython-3.12-py_compile.pyc")).unwrap();
        pyc[4..16].copy_from_slice(b"\x01\0\0\0unfitted");
        fs::write(cache.join("source.cpython-312.pyc"), &pyc).unwrap();
        Self { folder, code: pyc[16..].to_vec() }
    }

    /// A program that says that it is 3.12.99 and then, for every request, answers with these bytes.
    fn interpreter(&self, answer: &[u8]) -> PathBuf {
        let path = self.folder.path().join("python");
        let said = self.folder.path().join("answer");
        fs::write(&said, answer).unwrap();
        let size = fs::metadata(self.folder.path().join("tree/source.py")).unwrap().len() + 5;
        let script = format!(
            "#!/bin/sh\nprintf '\\000\\013\\000\\000\\000\\313\\015\\015\\0123.12.99'\n\
             while [ -n \"$(head -c {size} | head -c 5 | tr '\\000' x)\" ]; do cat '{}'; done\n",
            said.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Scans with a program as the interpreter.
    fn scan(&self, interpreter: &Path, options: &[&str]) -> (Option<i32>, Vec<Value>) {
        let output = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
            .arg("scan")
            .arg(self.folder.path().join("tree"))
            .args(["--format", "jsonl", "--verify", "exact", "--python"])
            .arg(interpreter)
            .args(options)
            .output()
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

/// An answer of a child.
fn answer(status: u8, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap();
    [&[status][..], &size.to_le_bytes(), content].concat()
}

fn pyc(lines: &[Value]) -> &Value {
    lines.iter().find(|line| line["type"] == "pyc").unwrap()
}

fn finding<'a>(lines: &'a [Value], rule: &str) -> Option<&'a Value> {
    lines.iter().find(|line| line["type"] == "finding" && line["rule"] == rule)
}

#[test]
fn the_same_code_is_proof_and_says_whose() {
    let tree = Tree::new();
    let (_, lines) = tree.scan(&tree.interpreter(&answer(0, &tree.code)), &[]);
    let pyc = pyc(&lines);
    assert_eq!((&pyc["code_match"], &pyc["strength"]), (&"verified".into(), &"exact".into()), "{pyc}");
    assert_eq!(pyc["exact"]["outcome"], "identical");
    assert!(pyc["exact"]["interpreter"].as_str().unwrap().ends_with("python (3.12.99)"), "{pyc}");
    assert!(finding(&lines, "PYC218").is_none());
    assert!(lines[0]["options"]["interpreters"].as_str().unwrap().ends_with("python (3.12.99)"), "{}", lines[0]);
}

#[test]
fn other_code_is_judged_without_an_interpreter() {
    let tree = Tree::new();
    let mut code = tree.code.clone();
    // A name that the module holds.
    let at = code.windows(7).position(|window| window == b"connect").unwrap();
    code[at] = b'v';
    let (_, lines) = tree.scan(&tree.interpreter(&answer(0, &code)), &[]);
    let pyc = pyc(&lines);
    assert_eq!((&pyc["code_match"], &pyc["strength"]), (&"verified".into(), &"spans".into()), "{pyc}");
    assert_eq!(pyc["exact"]["outcome"], "different");
    assert_eq!(finding(&lines, "PYC218").unwrap()["severity"], "info");
    let (code, lines) = tree.scan(&tree.folder.path().join("python"), &["--strict"]);
    assert_eq!((code, &finding(&lines, "PYC218").unwrap()["severity"]), (Some(1), &"high".into()));
}

#[test]
fn a_child_that_gives_nothing_of_use_costs_the_proof_alone() {
    let endless = [&answer(0, b"")[..1], &u32::MAX.to_le_bytes()].concat();
    for (bytes, outcome) in [
        (answer(1, b"SyntaxError: no"), "refused"),
        (answer(0, b"no code"), "failed"),
        (answer(0, b""), "failed"),
        (endless, "failed"),
    ] {
        let tree = Tree::new();
        let (code, lines) = tree.scan(&tree.interpreter(&bytes), &["--ignore", "PYC1"]);
        let pyc = pyc(&lines);
        assert_eq!((&pyc["exact"]["outcome"], &pyc["strength"]), (&outcome.into(), &"spans".into()), "{pyc}");
        assert_ne!(code, Some(101), "{pyc}");
    }
}

#[test]
fn a_named_program_that_is_no_interpreter_stops_the_run() {
    let tree = Tree::new();
    assert_eq!(tree.scan(&tree.folder.path().join("tree/source.py"), &[]).0, Some(2));
    assert_eq!(tree.scan(Path::new("/bin/false"), &[]).0, Some(2));
}
