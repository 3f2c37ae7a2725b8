//! Baselines and configurations through the command: what was accepted stays accepted when a wheel is built again, and nothing else does.

use std::fs;
use std::path::Path;
use std::process::Command;

use pycaudit::forge::Pyc;
use pycaudit::forge::Zip;
use pycaudit::forge::pyc::Value as Forged;
use pycaudit::forge::zip::Entry;
use pycaudit::forge::zip::dos_time;
use serde_json::Value;

use crate::schema;

/// How the command ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// The records of a type; the format of stdout is JSON Lines.
    fn records(&self, kind: &str) -> Vec<Value> {
        let lines = self.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|record| record["type"] == kind).collect()
    }

    /// The rules of the findings, of whatever type.
    fn rules(&self, kind: &str) -> Vec<String> {
        self.records(kind).iter().map(|record| record["rule"].as_str().unwrap().to_owned()).collect()
    }
}

fn pycaudit(folder: &Path, arguments: &[&str]) -> Ended {
    let output =
        Command::new(env!("CARGO_BIN_EXE_pycaudit")).current_dir(folder).env_clear().args(arguments).output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// One build of a wheel from the same sources.
#[derive(Clone, Copy)]
struct Build {
    folder: &'static str,
    version: &'static str,
    /// When: seconds since 1970, and a day of January 2026.
    time: (u32, u16),
    is_reversed: bool,
}

const FIRST: Build = Build { folder: "/home/ann/p", version: "1.0", time: (1_767_600_000, 5), is_reversed: false };
const AGAIN: Build =
    Build { folder: "/opt/elsewhere/q", version: "1.0.dev3+g0a1b2c3", time: (1_769_000_000, 21), is_reversed: true };

/// A name and bytes.
type Member = (String, Vec<u8>);

const TOKEN: [&str; 2] = ["ghp", "_Zk3vW9qLx2TbNn7RyP4sHc8KdMw5GfXe1UaB"];

/// The members of the wheel: a pyc without a source, one with a token and with flags that no interpreter knows, a stale one.
fn members(build: Build) -> Vec<Member> {
    let pyc =
        |name: &str| Pyc::python("3.12").source_mtime(build.time.0).filename(&format!("{}/p/{name}.py", build.folder));
    let token = Forged::text(&TOKEN.concat());
    let members = [
        ("p/__init__.py", b"".to_vec()),
        ("p/licence.pyc", pyc("licence").build()),
        ("p/client.py", b"import os\n".to_vec()),
        ("p/__pycache__/client.cpython-312.pyc", pyc("client").consts(vec![token]).build()),
        ("p/old.py", b"x = 1\n".to_vec()),
        ("p/__pycache__/old.cpython-312.pyc", pyc("old").flags(9).build()),
    ];
    let mut members: Vec<_> = members.map(|(name, bytes)| (name.to_owned(), bytes)).into();
    let info = format!("p-{}.dist-info", build.version);
    members.push((format!("{info}/WHEEL"), b"Wheel-Version: 1.0\n".to_vec()));
    members
        .push((format!("{info}/RECORD"), b"p/__init__.py,,\np/lost.py,,\np/licence.pyc,,\np/helper.pyc,,\n".to_vec()));
    if build.is_reversed {
        members.reverse();
    }
    members
}

fn write(path: &Path, build: Build, members: &[Member]) -> String {
    fs::create_dir_all(path).unwrap();
    let mut zip = Zip::new();
    for (name, bytes) in members {
        zip = zip.entry(Entry::deflated(name, bytes).time(dos_time([2026, 1, build.time.1, 12, 0, 0])));
    }
    let file = path.join(format!("p-{}-cp312-none-any.whl", build.version));
    fs::write(&file, zip.build()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A folder with a first build in `dist/` and a baseline of it, `known.json`.
fn accepted() -> (tempfile::TempDir, usize) {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("dist"), FIRST, &members(FIRST));
    let first = pycaudit(folder.path(), &["scan", "dist", "--write-baseline", "known.json", "--format", "jsonl"]);
    assert_eq!((first.code, first.stderr.as_str()), (Some(1), ""));
    let found = first.records("finding").len();
    assert!(found > 5, "{}", first.stdout);
    (folder, found)
}

#[test]
fn a_wheel_that_is_built_again_elsewhere_has_nothing_new() {
    let (folder, found) = accepted();
    let file = write(&folder.path().join("out/wheels"), AGAIN, &members(AGAIN));
    for path in ["out", "out/wheels", file.as_str()] {
        let again = pycaudit(folder.path(), &["scan", path, "--baseline", "known.json", "--format", "jsonl"]);
        assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""), "{}", again.stdout);
        assert_eq!((again.rules("finding").len(), again.rules("suppressed").len()), (0, found), "{}", again.stdout);
        let summary = &again.records("summary")[0];
        assert_eq!(summary["suppressed"]["baseline"], found);
        assert_eq!(summary["severities"], serde_json::json!({}));
        assert_eq!(summary["suppressions"][0]["entries"], found);
        assert!(summary["suppressions"][0].get("unused").is_none());
    }
}

#[test]
fn one_attack_is_one_new_finding() {
    let (folder, found) = accepted();
    let new = |change: &dyn Fn(&mut Vec<Member>)| {
        let mut members = members(AGAIN);
        change(&mut members);
        let file = write(&folder.path().join("out"), AGAIN, &members);
        pycaudit(folder.path(), &["scan", &file, "--baseline", "known.json", "--format", "jsonl"])
    };
    let evil = |name: &str| {
        let path = format!("{}/p/{name}.py", AGAIN.folder);
        Pyc::python("3.12").source_mtime(AGAIN.time.0).filename(&path).names(&["os"]).build()
    };
    let replaced = new(&|members| {
        let accepted = members.iter_mut().find(|(name, _)| name == "p/licence.pyc").unwrap();
        accepted.1 = evil("licence");
    });
    assert_eq!((replaced.code, replaced.rules("finding")), (Some(1), vec!["PYC302".to_owned()]));
    let unused = &replaced.records("summary")[0]["suppressions"][0]["unused"];
    assert_eq!(unused.as_array().unwrap().len(), 1);
    assert_eq!(
        (&unused[0]["rule"], &unused[0]["place"]),
        (&Value::from("PYC302"), &Value::from("p-1.0-cp312-none-any.whl!p/licence.pyc"))
    );
    let added = new(&|members| members.push(("p/helper.pyc".to_owned(), evil("helper"))));
    assert_eq!((added.code, added.rules("finding")), (Some(1), vec!["PYC302".to_owned()]));
    // RECORD lists it, so that it is no longer missing there.
    assert_eq!(added.rules("suppressed").len(), found - 1);
}

#[test]
fn suppressed_findings_are_in_every_report_and_in_those_of_a_saved_run() {
    let (folder, found) = accepted();
    let options = ["--baseline", "known.json", "--jsonl", "run.jsonl", "--html", "a.html", "--sarif", "a.sarif"];
    let text = pycaudit(folder.path(), &[&["scan", "dist"], &options[..]].concat());
    assert_eq!(text.code, Some(0));
    assert!(text.stdout.contains(&format!("no findings; {found} suppressed (baseline {found})")), "{}", text.stdout);
    assert!(text.stdout.contains(&format!("Nothing new. {found} findings are known and accepted")), "{}", text.stdout);
    assert!(!text.stdout.contains("No rule saw"), "{}", text.stdout);
    let github = pycaudit(folder.path(), &["scan", "dist", "--baseline", "known.json", "--format", "github"]);
    assert!(github.stdout.contains(&format!("0 findings; {found} suppressed (baseline {found})")), "{}", github.stdout);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let html = read("a.html");
    assert!(html.contains("Known and accepted") && html.contains("0 of them unused"));
    let sarif: Value = serde_json::from_str(&read("a.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), found);
    for result in results {
        assert_eq!(result["suppressions"][0]["kind"], "external");
    }
    assert_eq!(sarif["runs"][0]["properties"]["suppressed"]["baseline"], found);
    let again = pycaudit(folder.path(), &["report", "run.jsonl", "--html", "b.html", "--sarif", "b.sarif"]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
    assert_eq!(again.stdout, text.stdout);
    assert!(read("b.html") == html && read("b.sarif") == read("a.sarif"));
    let schema: Value = serde_json::from_str(pycaudit::report::jsonl::SCHEMA).unwrap();
    for line in read("run.jsonl").lines() {
        let against = schema::objections(&schema, &schema, &serde_json::from_str(line).unwrap());
        assert!(against.is_empty(), "{line}: {against:?}");
    }
    let written = pycaudit(folder.path(), &["report", "run.jsonl", "--write-baseline", "-"]);
    assert_eq!(written.stdout, read("known.json"));
    let redacted = pycaudit(folder.path(), &["report", "run.jsonl", "--redact", "--format", "jsonl"]);
    assert!(redacted.stdout.contains("\"type\":\"suppressed\"") && !redacted.stdout.contains("/home/ann"));
}

#[test]
fn a_reason_stays_when_a_baseline_is_written_over_itself() {
    let (folder, found) = accepted();
    let path = folder.path().join("known.json");
    let text = fs::read_to_string(&path).unwrap();
    let explained = text.replacen('}', ",\"reason\":\"vendored, see 42\"}", 1);
    fs::write(&path, explained.replacen("\n    {", "\n    {\"rule\":\"PYC101\",\"severity\":\"low\",\"artifact\":\"gone\",\"message\":\"\",\"fingerprint\":\"v1:0000000000000000\"},\n    {", 1)).unwrap();
    let again = ["scan", "dist", "--baseline", "known.json", "--write-baseline", "known.json"];
    let shown = pycaudit(folder.path(), &again);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
    assert!(
        shown.stdout.contains(&format!(
            "1 of {} entries in the baseline of `known.json` suppressed nothing:\n  PYC101 gone\n",
            found + 1
        )),
        "{}",
        shown.stdout
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), explained);
}

#[test]
fn what_cannot_be_read_is_accepted_by_no_baseline() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tree")).unwrap();
    fs::write(folder.path().join("tree/m.zip"), Zip::new().file("m.pyc", "x").without_directory().build()).unwrap();
    let first = pycaudit(folder.path(), &["scan", "tree", "--write-baseline", "known.json", "--format", "jsonl"]);
    assert_eq!(first.code, Some(3));
    assert!(first.rules("finding").iter().any(|rule| rule.starts_with("PYC9")));
    assert!(!fs::read_to_string(folder.path().join("known.json")).unwrap().contains("PYC9"));
    let again = pycaudit(folder.path(), &["scan", "tree", "--baseline", "known.json", "--format", "jsonl"]);
    assert_eq!(again.code, Some(3));
    assert!(again.rules("finding").iter().any(|rule| rule.starts_with("PYC9")));
}

#[test]
fn a_damaged_baseline_is_refused_before_anything_is_scanned() {
    let (folder, _) = accepted();
    let path = folder.path().join("known.json");
    let good = fs::read_to_string(&path).unwrap();
    for (bytes, says) in [
        (good.as_bytes()[..good.len() / 2].to_vec(), "line "),
        (good.replacen("\"version\": 1", "\"version\": 9", 1).into_bytes(), "version 9"),
        (good.replacen("PYC", "XYZ", 1).into_bytes(), "entry 1 of its findings: no rule has the id `XYZ"),
        (b"\xff\xfe".to_vec(), "not UTF-8"),
        (b"{\"version\":1,\"findings\":[{\"rule\":\"\x1b[2J\"}]}".to_vec(), "control character"),
        (Vec::new(), "EOF"),
    ] {
        fs::write(&path, bytes).unwrap();
        let ended = pycaudit(folder.path(), &["scan", "dist", "--baseline", "known.json", "--csv", "out.csv"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{says}");
        assert!(ended.stderr.contains("known.json") && ended.stderr.contains(says), "{says}: {}", ended.stderr);
        assert!(!ended.stderr.contains('\u{1b}') && !folder.path().join("out.csv").exists());
    }
    let ended = pycaudit(folder.path(), &["scan", "dist", "--baseline", "nowhere.json"]);
    assert_eq!(ended.code, Some(2));
}

/// A project with a configuration, and something to scan in and beside it.
fn project(config: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    write(&work.join("vendor"), FIRST, &members(FIRST));
    write(&folder.path().join("dump"), FIRST, &members(FIRST));
    fs::create_dir_all(work.join(".git")).unwrap();
    fs::write(work.join(config), text).unwrap();
    folder
}

#[test]
fn rules_are_ignored_for_paths_and_what_ignores_nothing_is_named() {
    let text = "[per-path-ignores]\n\"vendor\" = [\"PYC302\", \"PYC605\"]\n\"p/*.pyc\" = [\"PYC204\"]\n";
    let folder = project("pycaudit.toml", text);
    let work = folder.path().join("work");
    let plain = pycaudit(&work, &["scan", ".", "--no-config", "--format", "jsonl"]);
    let ended = pycaudit(&work, &["scan", ".", "--format", "jsonl"]);
    assert_eq!(ended.rules("suppressed"), ["PYC605", "PYC302"], "{}", ended.stdout);
    assert_eq!(ended.rules("finding").len() + 2, plain.rules("finding").len());
    assert_eq!(ended.records("suppressed")[0]["reason"], "vendor");
    let source = &ended.records("summary")[0]["suppressions"][0];
    assert_eq!(
        (&source["by"], &source["unused"]),
        (&Value::from("per-path-ignores"), &serde_json::json!([{"rule": "PYC204", "place": "p/*.pyc"}]))
    );
    // A folder of the project is not another project.
    let below = pycaudit(&work.join("vendor"), &["scan", ".", "--format", "jsonl"]);
    assert_eq!(below.rules("suppressed"), ["PYC605", "PYC302"]);
    let text = pycaudit(&work, &["scan", "."]);
    assert!(text.stdout.contains("Config   ") && text.stdout.contains("inside of what was scanned"), "{}", text.stdout);
    assert!(text.stdout.contains("2 suppressed (per-path-ignores 2)") && text.stdout.contains("  PYC204 p/*.pyc\n"));
}

#[test]
fn a_project_says_what_is_checked_and_the_command_line_wins() {
    let text = "[project]\nname = 'p'\n[tool.pycaudit]\nselect = ['PYC3']\nignore = ['PYC302']\nfail-on = 'critical'\n";
    let folder = project("pyproject.toml", text);
    let work = folder.path().join("work");
    let families = |ended: &Ended| {
        let mut ids = ended.rules("finding");
        ids.sort();
        ids.dedup();
        ids
    };
    let ended = pycaudit(&work, &["scan", "vendor", "--format", "jsonl"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(families(&ended).iter().all(|rule| rule.starts_with("PYC3") && rule != "PYC302"));
    let typed = pycaudit(&work, &["scan", "vendor", "--select", "PYC302", "--fail-on", "low", "--format", "jsonl"]);
    assert_eq!((typed.code, families(&typed)), (Some(1), vec!["PYC302".to_owned()]));
    let without = pycaudit(&work, &["scan", "vendor", "--no-config", "--format", "jsonl"]);
    assert!(without.code == Some(1) && families(&without).iter().any(|rule| rule.starts_with("PYC6")));
}

#[test]
fn what_is_scanned_cannot_bring_a_configuration_along() {
    let folder = project("readme.txt", "");
    let (work, dump) = (folder.path().join("work"), folder.path().join("dump"));
    let text = "ignore = ['PYC1', 'PYC2', 'PYC3', 'PYC4', 'PYC5', 'PYC6', 'PYC7', 'PYC8', 'PYC9']\n";
    fs::write(dump.join("pycaudit.toml"), text).unwrap();
    fs::write(dump.join("pyproject.toml"), format!("[tool.pycaudit]\n{text}")).unwrap();
    let ended = pycaudit(&work, &["scan", "../dump", "--format", "jsonl"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(ended.records("run")[0]["options"]["config"], "");
    // Above the root of a repository nothing is looked for either.
    fs::write(folder.path().join("pycaudit.toml"), text).unwrap();
    assert_eq!(pycaudit(&work, &["scan", "../dump"]).code, Some(1));
    let named = pycaudit(&work, &["scan", "../dump", "--config", "../pycaudit.toml", "--format", "jsonl"]);
    assert_eq!((named.code, named.rules("finding").len()), (Some(0), 0));
}

#[test]
fn a_configuration_that_is_wrong_is_refused_with_its_place() {
    for (text, says) in [
        ("\nselct = []\n", "pycaudit.toml`, line 2, column 1: unknown field `selct`"),
        ("ignore = ['PYC999']\n", "line 1, column 11: no rule is called `PYC999`"),
        ("[per-path-ignores]\n'a' = ['PYC109', 'nothing']\n", "line 2, column 18: no rule is called `nothing`"),
        ("[per-path-ignores]\n'a[b' = ['PYC109']\n", "line 2, column 1: `a[b` is no pattern"),
        ("strict = \n", "line 1, column 10"),
        ("python = ['/bin/sh']\n", "unknown field `python`"),
        ("baseline = 'nowhere.json'\n", "nowhere.json"),
        ("exclude = ['a[b']\n", "exclude"),
    ] {
        let folder = project("pycaudit.toml", text);
        let ended = pycaudit(&folder.path().join("work"), &["scan", "vendor"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{text}");
        assert!(ended.stderr.contains(says), "{text}: {}", ended.stderr);
    }
}
