//! Reports through the command: SARIF and annotations, reports again from saved runs, and reports without the names of people.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use pycaudit::forge::Pyc;
use pycaudit::forge::Zip;
use pycaudit::forge::pyc::Value as Forged;
use pycaudit::report::jsonl;
use serde_json::Value;

use crate::schema;

/// Every report that goes to a file, and what it is called in these tests.
const FILES: [(&str, &str); 5] = [
    ("--csv", "pycs.csv"),
    ("--findings-csv", "findings.csv"),
    ("--jsonl", "run.jsonl"),
    ("--html", "report.html"),
    ("--sarif", "report.sarif"),
];

/// How the command ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn pycaudit(folder: &Path, arguments: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
        .current_dir(folder)
        .env_clear()
        .env("USER", "gundobad")
        .env("HOME", "/srv/people/gundobad")
        .args(arguments)
        .output()
        .unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command with all reports into a folder; what goes to stdout is the last of the texts.
fn reports(folder: &Path, out: &str, arguments: &[&str]) -> (Ended, Vec<String>) {
    fs::create_dir_all(folder.join(out)).unwrap();
    let paths: Vec<String> = FILES.iter().map(|(_, name)| format!("{out}/{name}")).collect();
    let mut all = arguments.to_vec();
    for ((option, _), path) in FILES.iter().zip(&paths) {
        all.extend([option, path.as_str()]);
    }
    let ended = pycaudit(folder, &all);
    let mut texts: Vec<String> =
        paths.iter().map(|path| fs::read_to_string(folder.join(path)).unwrap_or_default()).collect();
    texts.push(ended.stdout.clone());
    (ended, texts)
}

/// A name that only its bytes tell.
#[cfg(unix)]
fn odd_name(folder: &Path) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    folder.join(std::ffi::OsStr::from_bytes(b"home-\xff.pyc"))
}

#[cfg(not(unix))]
fn odd_name(folder: &Path) -> std::path::PathBuf {
    folder.join("home-x.pyc")
}

/// A folder with something for every report: a wheel, loose files, an archive that cannot be read, names that are no text.
fn evidence(folder: &Path) {
    let pyc = || Pyc::python("3.12").source_mtime(1_700_000_000);
    let tree = folder.join("tree");
    fs::create_dir_all(tree.join("pkg/__pycache__")).unwrap();
    fs::write(tree.join("pkg/__init__.py"), "").unwrap();
    fs::write(tree.join("pkg/__pycache__/m.cpython-312.pyc"), pyc().trailing(*b"more").build()).unwrap();
    fs::write(tree.join("pkg/<img src=x onerror=alert(1)>.pyc"), pyc().flags(4).build()).unwrap();
    fs::write(odd_name(&tree), pyc().cut(40).build()).unwrap();
    let wheel = Zip::new()
        .file("a/m.py", "x = 1\n")
        .file("a/__pycache__/m.cpython-312.pyc", pyc().flags(1).hash([7; 8]).build())
        .file("a/[click](https:x).pyc", pyc().trailing(*b"=1+1").build())
        .file("a-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        .build();
    fs::write(tree.join("a-1.0-py3-none-any.whl"), wheel).unwrap();
    fs::write(tree.join("cut.zip"), Zip::new().file("m.pyc", pyc().build()).without_directory().build()).unwrap();
}

#[test]
fn a_saved_run_gives_the_same_reports_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    evidence(folder.path());
    let (scanned, first) = reports(folder.path(), "first", &["scan", "tree"]);
    assert!(scanned.code.is_some_and(|code| code != 2), "{}", scanned.stderr);
    let (again, second) = reports(folder.path(), "second", &["report", "first/run.jsonl"]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
    for (place, (one, other)) in first.iter().zip(&second).enumerate() {
        assert!(one == other, "report {place} differs");
    }
    let stdin = fs::File::open(folder.path().join("first/run.jsonl")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
        .args(["report", "-", "--format", "jsonl"])
        .stdin(stdin)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), first[2]);
}

#[test]
fn every_line_of_a_saved_run_fits_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    evidence(folder.path());
    let schema: Value = serde_json::from_str(jsonl::SCHEMA).unwrap();
    let run = pycaudit(folder.path(), &["scan", "tree", "--format", "jsonl"]).stdout;
    fs::write(folder.path().join("run.jsonl"), &run).unwrap();
    let merged = pycaudit(folder.path(), &["report", "run.jsonl", "run.jsonl", "--redact", "--format", "jsonl"]).stdout;
    for line in run.lines().chain(merged.lines()) {
        let objections = schema::objections(&schema, &schema, &serde_json::from_str(line).unwrap());
        assert!(objections.is_empty(), "{objections:#?}\n{line}");
    }
    let kinds = ["run", "pyc", "finding", "problem", "artifact", "summary"];
    for kind in kinds {
        assert!(run.contains(&format!("{{\"type\":\"{kind}\"")), "no {kind}");
    }
    let wrong = serde_json::json!({"type": "pyc", "size": -1, "load": "maybe"});
    assert!(!schema::objections(&schema, &schema, &wrong).is_empty());
}

#[test]
fn several_runs_become_one() {
    let folder = tempfile::tempdir().unwrap();
    evidence(folder.path());
    pycaudit(folder.path(), &["scan", "tree/pkg", "--jsonl", "one.jsonl"]);
    pycaudit(folder.path(), &["scan", "tree/a-1.0-py3-none-any.whl", "--jsonl", "two.jsonl"]);
    let merged = pycaudit(folder.path(), &["report", "one.jsonl", "two.jsonl", "--format", "jsonl"]);
    assert_eq!((merged.code, merged.stderr.as_str()), (Some(0), ""));
    let records = |text: &str| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let merged = records(&merged.stdout);
    let [one, two] =
        ["one", "two"].map(|name| records(&fs::read_to_string(folder.path().join(format!("{name}.jsonl"))).unwrap()));
    assert_eq!(merged.len(), one.len() + two.len() - 2);
    assert_eq!(merged[0]["paths"], serde_json::json!(["tree/pkg", "tree/a-1.0-py3-none-any.whl"]));
    assert_eq!(merged[0]["merged"].as_array().unwrap().len(), 2);
    let [all, one, two] = [&merged, &one, &two].map(|records| records.last().unwrap());
    for count in ["pycs", "problems", "listed"] {
        assert_eq!(all[count].as_u64(), Some(one[count].as_u64().unwrap() + two[count].as_u64().unwrap()), "{count}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn more_runs_become_one_than_a_process_may_have_files_open() {
    let folder = tempfile::tempdir().unwrap();
    evidence(folder.path());
    let run = pycaudit(folder.path(), &["scan", "tree/pkg", "--format", "jsonl"]).stdout;
    for number in 0..100 {
        fs::write(folder.path().join(format!("run-{number}.jsonl")), &run).unwrap();
    }
    let output = Command::new("/bin/sh")
        .current_dir(folder.path())
        .args(["-c", "ulimit -n 32; exec \"$0\" report run-*.jsonl --format jsonl", env!("CARGO_BIN_EXE_pycaudit")])
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = run.lines().filter(|line| line.contains("\"type\":\"pyc\"")).count();
    assert_eq!(text.lines().filter(|line| line.contains("\"type\":\"pyc\"")).count(), lines * 100);
}

#[test]
fn a_damaged_run_is_named_and_what_is_left_of_it_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    evidence(folder.path());
    let run = pycaudit(folder.path(), &["scan", "tree", "--format", "jsonl"]).stdout;
    let lines: Vec<&str> = run.lines().collect();
    let at = lines.iter().position(|line| line.contains("\"type\":\"pyc\"")).unwrap();
    let without = |from: usize, to: usize| [&lines[..from], &lines[to..]].concat().join("\n");
    let changed = |from: &str, to: &str| run.replacen(from, to, 1);
    let cases: [(&str, String, &str); 11] = [
        ("cut", lines[..lines.len() - 1].join("\n"), "ends without a `summary` record"),
        ("a record lost", without(at, at + 1), "its summary counts"),
        ("in the middle of a line", run[..run.len() / 2].to_owned(), "not a record"),
        ("no run", lines[1..].join("\n"), "begins with a `run` record"),
        ("empty", String::new(), "not a saved run"),
        ("not JSON", "\u{1b}[31mhello\n".to_owned(), "not a record"),
        ("another format", changed("\"format\":1", "\"format\":2"), "format 2"),
        ("no severity", changed("\"severity\":\"", "\"severity\":\"very "), "not a severity"),
        ("a number that is none", changed("\"size\":", "\"size\":-"), "not a record"),
        ("a rule that is none", changed("\"rule\":\"PYC", "\"rule\":\"<b>"), "not the id and name of a rule"),
        ("two in one", format!("{run}{run}"), "what follows the `summary` record is left out"),
    ];
    for (name, text, says) in cases {
        fs::write(folder.path().join("run.jsonl"), text).unwrap();
        let (ended, texts) = reports(folder.path(), "out", &["report", "run.jsonl"]);
        assert_eq!(ended.code, Some(3), "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{name}: {}", ended.stderr);
        assert!(!ended.stderr.contains('\u{1b}'), "{name}");
        assert!(texts[2].contains("run-damaged"), "{name}: the report does not say so");
        assert!(texts[5].contains("could not be read"), "{name}:\n{}", texts[5]);
        assert!(texts[3].ends_with("</html>\n"), "{name}");
    }
}

#[test]
fn a_run_that_somebody_wrote_by_hand_cannot_reach_a_terminal_or_overflow_a_count() {
    let folder = tempfile::tempdir().unwrap();
    evidence(folder.path());
    let run = pycaudit(folder.path(), &["scan", "tree", "--format", "jsonl"]).stdout;
    let evil = "\\u001b]0;owned\\u0007\\u202e</script><script>alert(1)</script>";
    let mut text = String::new();
    for line in run.lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        for field in
            ["message", "expected", "observed", "module", "load", "load_reason", "python", "build_path", "kind"]
        {
            if record.get(field).is_some() {
                record[field] = serde_json::from_str(&format!("\"{evil}\"")).unwrap();
            }
        }
        for field in ["pycs", "listed", "problems", "pyc_bytes", "archives"] {
            if record["type"] == "summary" {
                record[field] = u64::MAX.into();
            }
        }
        if record["type"] == "summary" {
            record["severities"] = serde_json::json!({"critical": u64::MAX, "high": u64::MAX, evil: u64::MAX});
            record["loads"] = serde_json::json!({evil: u64::MAX, "runs": u64::MAX, "runs-optimised": u64::MAX});
            record["ledger"] =
                serde_json::json!({evil: u64::MAX, "seen": u64::MAX, "limited": u64::MAX, "unreadable": u64::MAX});
        }
        text.push_str(&record.to_string());
        text.push('\n');
    }
    fs::write(folder.path().join("run.jsonl"), text).unwrap();
    for arguments in [&["report", "run.jsonl"][..], &["report", "run.jsonl", "run.jsonl", "-v"]] {
        let (ended, texts) = reports(folder.path(), "out", arguments);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        for text in texts.iter().chain([&ended.stderr]) {
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']));
        }
        assert!(!texts[3].contains("<script>alert"));
    }
}

/// What a report holds in any form: its text, what its columns unpack to, and names in base64.
fn unpacked(report: &str) -> Vec<u8> {
    let mut all = report.as_bytes().to_vec();
    for part in report.split("<script type=\"application/octet-stream\" data-column").skip(1) {
        let text = part.split_once('>').unwrap().1.split_once('<').unwrap().0;
        GzDecoder::new(&STANDARD.decode(text).unwrap()[..]).read_to_end(&mut all).unwrap();
    }
    for part in report.split("{\"bytes\":\"").skip(1) {
        all.extend(STANDARD.decode(part.split_once('"').unwrap().0).unwrap());
    }
    all.make_ascii_lowercase();
    all
}

/// Names that no text of the program has by itself.
const PLANTED: [&str; 12] = [
    "ermentrude",
    "brunhild",
    "svensson",
    "nas-tirith",
    "qx77pl1",
    "waldemar",
    "carolus",
    "gundobad",
    "ottokar",
    "hrotsvit",
    "wibald",
    "sigibert",
];

#[test]
fn no_byte_of_a_redacted_report_has_a_name_that_a_path_gave_away() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let pyc = |filename: &str| Pyc::python("3.12").source_mtime(1_700_000_000).filename(filename);
    let cache = tree.join("Ermentrude_tools/__pycache__");
    fs::create_dir_all(&cache).unwrap();
    let token = ["ghp", "_Zk3vW9qLx2TbNn7RyP4sHc8KdMw5GfXe1UaB"].concat();
    let constants = ["/home/hrotsvit/.ssh/id_rsa", token.as_str()].map(Forged::text).to_vec();
    for (name, bytes) in [
        ("m.cpython-312.pyc", pyc("/home/ermentrude/src/m.py").trailing(*b"x").build()),
        ("n.cpython-312.pyc", pyc("C:\\Users\\Brunhild Svensson\\proj\\n.py").build()),
        ("o.cpython-312.pyc", pyc("\\\\nas-tirith.corp.example\\share\\o.py").build()),
        ("p.cpython-312-DESKTOP-QX77PL1.pyc", pyc("p.py").build()),
        ("q.cpython-312 (Waldemar's conflicted copy 2019-11-22).pyc", pyc("q.py").build()),
        ("r.cpython-312.pyc", pyc("/home/<b>ottokar/r.py").build()),
        ("s.cpython-312.pyc", pyc("/home/ermentrude/s.py").consts(constants).build()),
    ] {
        fs::write(cache.join(name), bytes).unwrap();
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let odd = cache.join(std::ffi::OsStr::from_bytes(b"home-\xff-ermentrude.pyc"));
        fs::write(odd, pyc("/Users/ermentrude/t.py").build()).unwrap();
    }
    let zip = Zip::new()
        .file("home/carolus/.venv/m.pyc", pyc("/home/carolus/m.py").cut(60).build())
        .file("carolusproject/WaldemarTools.pyc", pyc("x.py").flags(9).build());
    fs::write(tree.join("backup-of-gundobad.zip"), zip.build()).unwrap();
    let address = "https://wibald:pw@sigibert.example/x";
    let options = ["scan", "tree", "--sources", "tree", "--exclude", "/home/hrotsvit/*", "--exclude", address, "-v"];
    let (plain, texts) = reports(folder.path(), "plain", &options);
    let plain_bytes: Vec<u8> = texts.iter().flat_map(|text| unpacked(text)).collect();
    let has = |bytes: &[u8], name: &str| bytes.windows(name.len()).any(|part| part == name.as_bytes());
    for name in PLANTED {
        assert!(has(&plain_bytes, name), "{name} is in no report even without --redact");
    }
    let redacted = [options.as_slice(), &["--redact"]].concat();
    let github = pycaudit(folder.path(), &[&redacted[..], &["--format", "github"]].concat());
    let (ended, mut texts) = reports(folder.path(), "redacted", &redacted);
    assert_eq!(ended.code, plain.code);
    texts.push(github.stdout);
    // A run that was saved with all names gives reports without them.
    let (again, later) = reports(folder.path(), "later", &["report", "plain/run.jsonl", "--redact", "-v"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    texts.extend(later);
    for (place, text) in texts.iter().enumerate() {
        let bytes = unpacked(text);
        for name in PLANTED.iter().copied().chain([&token[4..20]]) {
            let lower = name.to_ascii_lowercase();
            assert!(!has(&bytes, &lower), "{name} is in report {place}:\n{text}");
        }
    }
    // Two paths of one user still look alike, and those of two do not.
    let csv = &texts[0];
    assert!(csv.matches("/home/user-").count() >= 3, "{csv}");
    let of = |module: &str| {
        let row = csv.lines().find(|line| line.contains(module)).unwrap();
        row.split_once("/home/").unwrap().1.split('/').next().unwrap().to_owned()
    };
    assert_eq!(of("/m.cpython-312.pyc"), of("/s.cpython-312.pyc"));
    assert_ne!(of("/m.cpython-312.pyc"), of("/r.cpython-312.pyc"));
}

#[test]
fn annotations_are_lines_that_a_workflow_understands() {
    let folder = tempfile::tempdir().unwrap();
    evidence(folder.path());
    let ended = pycaudit(folder.path(), &["scan", "tree", "--format", "github"]);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let (last, annotations) = lines.split_last().unwrap();
    assert!(last.starts_with("pycaudit: "), "{last}");
    for line in annotations {
        let (command, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        let (kind, properties) = command.split_once(' ').unwrap();
        assert!(["error", "warning", "notice"].contains(&kind), "{line}");
        assert!(properties.starts_with("file=tree") && properties.contains(",line=") && !message.is_empty(), "{line}");
    }
    for kind in ["error", "warning", "notice"] {
        assert!(annotations.iter().filter(|line| line.starts_with(&format!("::{kind} "))).count() <= 10);
    }
}

#[test]
fn sarif_places_results_in_files_and_names_members() {
    let folder = tempfile::tempdir().unwrap();
    evidence(folder.path());
    let log: Value =
        serde_json::from_str(&pycaudit(folder.path(), &["scan", "tree", "--format", "sarif"]).stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    let mut fingerprints = Vec::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].as_str().unwrap().starts_with("tree"), "{place}");
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
        fingerprints.push(result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap());
        assert!(!result["message"]["text"].as_str().unwrap().contains("]("), "{result}");
    }
    fingerprints.sort_unstable();
    assert!(fingerprints.windows(2).all(|pair| pair[0] != pair[1]), "two results with one fingerprint");
    let member = results.iter().find(|result| result["locations"][0]["logicalLocations"].is_array()).unwrap();
    assert_eq!(member["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "tree/a-1.0-py3-none-any.whl");
    let invocation = &run["invocations"][0];
    assert!(!invocation["toolExecutionNotifications"].as_array().unwrap().is_empty());
    for rule in rules {
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("## What it reports"), "{rule}");
        for relationship in rule["relationships"].as_array().unwrap() {
            let target = &relationship["target"];
            let [taxonomy, taxon] = [&target["toolComponent"]["index"], &target["index"]]
                .map(|index| usize::try_from(index.as_u64().unwrap()).unwrap());
            assert_eq!(run["taxonomies"][taxonomy]["taxa"][taxon]["id"], target["id"]);
        }
    }
}
