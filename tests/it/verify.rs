//! The code check through the binary: planted changes are found, clean files are verified.
//!
//! The bytecode is what real interpreters compiled (`samples/`, `tests/fixtures/digest`); what is changed is the source beside it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::SystemTime;

use pycaudit::forge::Pyc;
use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Magic;
use pycaudit::pyc::Scratch;
use pycaudit::source::Rounds;
use pycaudit::verify;
use pycaudit::verify::check::CodeCheck;
use serde_json::Value;

/// The series of which there is bytecode, with the strength that is reached.
const SERIES: [(&str, &str); 4] = [("3.10", "lines"), ("3.11", "spans"), ("3.12", "spans"), ("3.13", "spans")];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/digest")
}

fn source() -> String {
    fs::read_to_string(fixtures().join("source.py")).unwrap()
}

/// Scans the bytecode of a series beside a source; its hash is not looked at, as with `--check-hash-based-pycs never`. Gives the exit code and the
/// lines of JSON.
fn scan(series: &str, source: &str, options: &[&str]) -> (Option<i32>, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("__pycache__");
    fs::create_dir(&cache).unwrap();
    fs::write(folder.path().join("source.py"), source).unwrap();
    let mut pyc = fs::read(fixtures().join(format!("cpython-{series}-py_compile.pyc"))).unwrap();
    // An unchecked hash that fits nothing.
    pyc[4..16].copy_from_slice(b"\x01\0\0\0unfitted");
    fs::write(cache.join(format!("source.cpython-{}.pyc", series.replace('.', ""))), pyc).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
        .env_clear()
        .arg("scan")
        .arg(folder.path())
        .args(["--format", "jsonl"])
        .args(options)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn pyc(lines: &[Value]) -> &Value {
    lines.iter().find(|line| line["type"] == "pyc").unwrap()
}

#[test]
fn what_was_compiled_from_its_source_is_verified() {
    for (series, strength) in SERIES {
        let (_, lines) = scan(series, &source(), &[]);
        let pyc = pyc(&lines);
        assert_eq!((&pyc["code_match"], &pyc["strength"]), (&"verified".into(), &strength.into()), "{series}: {pyc}");
        assert!(pyc.get("code_differences").is_none());
        let summary = lines.last().unwrap();
        assert_eq!(summary["code_matches"]["verified"], 1);
    }
}

#[test]
fn comments_and_spaces_are_no_difference() {
    let commented = source().replace("times else None", "times  else  None  # nothing").replace('\n', "\r\n");
    assert_eq!(pyc(&scan("3.12", &commented, &[]).1)["code_match"], "verified");
}

#[test]
fn planted_changes_are_found_in_their_code_object_and_line() {
    let changes = [
        ("a changed constant", "timeout = 30", "timeout = 31", "Client.connect", 9),
        ("a changed default", "longer than thirty", "longer than forty", "Client", 8),
        ("swapped branches", "if times else None", "if not times else None", "retry.<locals>.inner", 17),
        ("swapped outcomes", "colour), timeout", "colour), host", "Client.connect", 11),
        ("another operator", "not in {\"red\", \"magenta\"", "in {\"red\", \"magenta\"", "Client.connect", 12),
        ("swapped arguments", "join(host, colour)", "join(colour, host)", "Client.connect", 11),
        ("a removed call", "os.path.join(host, colour)", "(host, colour)", "Client.connect", 11),
        ("an added statement", "    return inner", "    print(inner)\n    return inner", "retry", 18),
        ("another function's body", "timeout = 30\n", "return [host, colour]\n", "Client.connect", 9),
        ("another attribute", "os.path.join", "os.path.split", "Client.connect", 11),
        ("another name", "each not in {", "COLOURS not in {", "Client.connect", 12),
    ];
    for (what, old, new, code, line) in changes {
        let edited = source().replacen(old, new, 1);
        assert_ne!(edited, source(), "{what}");
        for (series, strength) in SERIES {
            let (exit, lines) = scan(series, &edited, &[]);
            let pyc = pyc(&lines);
            assert_eq!((exit, &pyc["code_match"]), (Some(1), &"differs".into()), "{what}, {series}");
            assert_eq!(pyc["strength"], strength);
            let first = &pyc["code_differences"][0];
            assert_eq!(first["line"], line, "{what}, {series}: {first}");
            let found = first["code"]["text"].as_str().unwrap();
            // Up to 3.10 a code object has no qualified name, and up to 3.11 a comprehension is one of its own.
            let last = code.rsplit('.').next().unwrap();
            assert!(found == code || found == last || found.ends_with("comp>"), "{what}, {series}: {first}");
            let text = edited.lines().nth(line - 1).unwrap().trim();
            assert!(text.starts_with(first["text"].as_str().unwrap().trim_end_matches("...")), "{what}: {first}");
            let finding = lines.iter().find(|line| line["rule"] == "PYC201").unwrap();
            assert_eq!((&finding["severity"], &finding["line"]), (&"critical".into(), &line.into()), "{what}");
        }
    }
}

#[test]
fn a_statement_that_is_only_in_the_bytecode_is_found() {
    for series in ["3.10", "3.11", "3.12", "3.13"] {
        for removed in ["        timeout = 30\n", "COLOURS = (\"red\", \"green\", \"blue\")\n", "import os.path\n"] {
            let (exit, lines) = scan(series, &source().replace(removed, "\n"), &[]);
            assert_eq!((exit, &pyc(&lines)["code_match"]), (Some(1), &"differs".into()), "{series} {removed}");
        }
    }
}

#[test]
fn evidence_does_not_show_secrets() {
    // Put together here, so that no scanner finds it in this file. It was never issued.
    let token = ["glpat", "-Zk3vW9qLx2TbNn7RyP4a"].concat();
    let changed = source().replace("timeout = 30", &format!("timeout = \"{token}\""));
    let (_, lines) = scan("3.12", &changed, &[]);
    assert_eq!(pyc(&lines)["code_match"], "differs");
    assert!(lines.iter().all(|line| !line.to_string().contains(&token)), "{lines:?}");
    let (_, lines) = scan("3.12", &changed, &["--reveal-secrets"]);
    assert!(pyc(&lines)["code_differences"][0]["text"].as_str().unwrap().contains(&token));
}

#[test]
fn the_check_is_made_only_when_it_is_asked_for() {
    for (asked, word) in [("none", "not-asked"), ("header", "not-asked")] {
        let (_, lines) = scan("3.12", "import os\n", &["--verify", asked]);
        let pyc = pyc(&lines);
        assert_eq!((&pyc["code_match"], &pyc["code_reason"]), (&"unverified".into(), &word.into()), "{asked}");
    }
}

/// Compares a file's bytes with the source of the fixtures.
fn check(bytes: &[u8], scratch: &mut Scratch) -> CodeCheck {
    let limits = Limits::default();
    let parsed = pyc::read(bytes, &limits, scratch);
    verify::verify(&parsed.value, source().as_bytes(), &[0], None, &limits)
}

/// Each folder has a source of ours and a pyc of it that was changed by hand: what is done only under circumstances, or what no comparison
/// of instructions shows.
#[test]
fn attacks_on_the_check_are_found() {
    let attacks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/attacks");
    let limits = Limits::default();
    let mut count = 0;
    for attack in fs::read_dir(attacks).unwrap() {
        let folder = attack.unwrap().path();
        let source = fs::read(folder.join("m.py")).unwrap();
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_none_or(|extension| extension != "pyc") {
                continue;
            }
            let bytes = fs::read(&file).unwrap();
            let mut scratch = Scratch::default();
            let parsed = pyc::read(&bytes, &limits, &mut scratch);
            let outcome = verify::verify(&parsed.value, &source, &[0, 1, 2], None, &limits);
            assert!(matches!(outcome, CodeCheck::Differs { .. }), "{}: {outcome:?}", file.display());
            count += 1;
        }
    }
    assert_eq!(count, 11);
}

/// `tests/fixtures/levels/cpython-2.7.O.pyc` is `m.py` beside it, compiled by `py_compile` of Python 2.7 with `-O`.
#[test]
fn a_plain_pyc_of_python_2_that_was_optimised_is_told() {
    let levels = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/levels");
    let findings = |compiled: &str, name: &str| {
        let folder = tempfile::tempdir().unwrap();
        let bytes = fs::read(levels.join(compiled)).unwrap();
        let source = folder.path().join("m.py");
        fs::copy(levels.join("m.py"), &source).unwrap();
        let mtime = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
        let source = fs::File::options().write(true).open(&source).unwrap();
        source.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(mtime.into())).unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
            .env_clear()
            .arg("scan")
            .arg(folder.path())
            .args(["--format", "jsonl", "--select", "PYC211"])
            .output()
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(pyc(&lines)["code_match"], "verified", "{compiled} as {name}");
        let findings = lines.iter().filter(|line| line["type"] == "finding");
        findings.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        findings("cpython-2.7.O.pyc", "m.pyc"),
        ["`m` was compiled at level 1 (lacks asserts), its name says 0"]
    );
    assert_eq!(
        findings("cpython-2.7.OO.pyc", "m.pyc"),
        ["`m` was compiled at level 2 (lacks docstrings), its name says 0"]
    );
    for (compiled, name) in
        [("cpython-2.7.pyc", "m.pyc"), ("cpython-2.7.O.pyc", "m.pyo"), ("cpython-2.7.OO.pyc", "m.pyo")]
    {
        assert!(findings(compiled, name).is_empty(), "{compiled} as {name}");
    }
}

#[test]
fn no_changed_byte_of_an_instruction_is_verified() {
    for (series, _) in SERIES {
        let bytes = fs::read(fixtures().join(format!("cpython-{series}-py_compile.pyc"))).unwrap();
        let mut scratch = Scratch::default();
        let limits = Limits::default();
        let parsed = pyc::read(&bytes, &limits, &mut scratch);
        // Where the instructions are in the file: each code object's bytes occur once.
        let codes: Vec<(usize, usize)> = parsed
            .value
            .codes()
            .map(|code| (memchr::memmem::find(&bytes, code.code()).unwrap(), code.code().len()))
            .collect();
        let mut verified = Vec::new();
        for (start, length) in codes {
            // Caches, and operands of what has none, do nothing (PYC511, PYC505).
            let first_with_operand = if series == "3.13" { 44 } else { 90 };
            let is_dead = |at: usize| {
                let opcode = bytes[at - (at - start) % 2];
                opcode == 0 || (at - start) % 2 == 1 && opcode < first_with_operand
            };
            // In 3.13 LOAD_FAST becomes LOAD_FAST_CHECK, which does the same with what is bound.
            let is_alike = |at: usize| series == "3.13" && (at - start).is_multiple_of(2) && bytes[at] == 85;
            for at in (start..start + length).filter(|&at| !is_dead(at) && !is_alike(at)) {
                let mut changed = bytes.clone();
                // The lowest bit of some operands only pushes a NULL that nobody looks at.
                changed[at] ^= 2;
                if matches!(check(&changed, &mut Scratch::default()), CodeCheck::Verified { .. }) {
                    verified.push((at - start, bytes[at]));
                }
            }
        }
        assert!(verified.is_empty(), "{series}: {verified:?}");
    }
}

#[test]
fn a_hash_is_looked_for_among_all_sources_of_the_scan() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::create_dir_all(place("one/__pycache__")).unwrap();
    fs::create_dir_all(place("two/pkg")).unwrap();
    fs::write(place("one/m.py"), "x = 1\n").unwrap();
    fs::write(place("two/pkg/n.py"), "import os\n").unwrap();
    let forged = Pyc::python("3.12");
    let magic = Magic(*forged.build_header().first_chunk().unwrap());
    let pyc = forged.hash(Rounds::OneThree.hash(magic, b"import os\n")).flags(1).build();
    fs::write(place("one/__pycache__/m.cpython-312.pyc"), pyc).unwrap();
    let found = |options: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
            .current_dir(folder.path())
            .args(["scan", "one", "--format", "jsonl", "--select", "PYC206"])
            .args(options)
            .output()
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["type"] == "finding").map(|finding| finding["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(found(&[]), None);
    for options in [&["two"][..], &["--sources", "two"]] {
        assert_eq!(found(options).as_deref(), Some("`m` records the hash of `two/pkg/n.py`"), "{options:?}");
    }
}
