//! The command against whoever made the files that it is given: it ends, it says what it could not read, and nothing of a name
//! reaches a terminal or a spreadsheet as anything but text.

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use pycaudit::forge;
use pycaudit::forge::Entry;
use pycaudit::forge::Zip;
use tempfile::TempDir;

/// How long a run of these small inputs may take before it counts as hanging, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(3);

/// Exit codes of the command.
const FINDINGS: i32 = 1;
const FAILED: i32 = 2;
const INCOMPLETE: i32 = 3;
const INTERRUPTED: i32 = 130;

/// Two megabytes of zeros, compressed by bzip2: some 44,000 bytes for one.
const ZEROS: &[u8] =
    b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x7e\xe1\x91\xb1\x00\x10\x10\x60\x00\xc0\x00\x00\x04\x00\
    \x08\x20\x00\x30\xcc\x05\x29\xa6\x04\x03\x62\x08\x07\x8b\xb9\x22\x9c\x28\x48\x3f\x70\xc8\xd8\x80";

/// Reports that are CSV.
const CSVS: [&str; 2] = ["a.csv", "f.csv"];

/// How a run ended.
struct Ended {
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

/// The command in a folder of its own, without the environment of whoever runs the tests.
fn pycaudit(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pycaudit"));
    command.current_dir(folder).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits until it ends; one that does not is killed and fails the test.
fn wait(mut child: Child) -> Ended {
    let drain = |pipe: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
            bytes
        })
    };
    let stdout = drain(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let stderr = drain(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let stderr = String::from_utf8(stderr.join().unwrap()).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ended { code: status.code(), stdout: stdout.join().unwrap(), stderr }
}

/// `pycaudit scan` of a path with these options.
fn scan(folder: &Path, path: impl AsRef<OsStr>, options: &[&str]) -> Ended {
    wait(pycaudit(folder).arg("scan").arg(path).args(options).spawn().unwrap())
}

/// The rows of a scan's findings: rule and message.
fn findings(folder: &Path, path: impl AsRef<OsStr>, options: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
    let ended = scan(folder, path, &[options, &["--findings-csv", "-"]].concat());
    let mut reader = csv::Reader::from_reader(ended.stdout.as_slice());
    let rows = reader.records().map(|row| row.unwrap());
    (ended.code, rows.map(|row| (row[0].to_owned(), row[6].to_owned() + " " + &row[9] + " " + &row[10])).collect())
}

fn has(findings: &[(String, String)], rule: &str) -> bool {
    findings.iter().any(|(id, _)| id == rule)
}

/// Every file below a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn pyc() -> Vec<u8> {
    forge::Pyc::python("3.12").build()
}

/// A small tree with one of everything, whose files all have the same time.
fn tree(root: &Path) -> PathBuf {
    let tree = root.join("tree");
    let cache = tree.join("p/__pycache__");
    fs::create_dir_all(&cache).unwrap();
    let mut files: Vec<(PathBuf, Vec<u8>)> = vec![
        (tree.join("p/m.py"), b"x = 1\n".to_vec()),
        (tree.join("p/lone.pyc"), pyc()),
        (tree.join("p/cut.pyc"), pyc()[..20].to_vec()),
        (tree.join("p/empty.pyc"), Vec::new()),
        (tree.join("a.zip"), Zip::new().file("m.pyc", pyc()).file("m.pyc", "other").file("../up.py", "").build()),
        (tree.join("p-1-py3-none-any.whl"), wheel().build()),
    ];
    files.extend((0..40).map(|n| (cache.join(format!("m{n}.cpython-312.pyc")), pyc())));
    for (path, bytes) in files {
        fs::write(&path, bytes).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    tree
}

fn wheel() -> Zip {
    Zip::new()
        .file("p/m.py", "x = 1\n")
        .file("p/__pycache__/m.cpython-312.pyc", pyc())
        .file("p-1.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        .file("p-1.dist-info/RECORD", "p/m.py,sha256=AAAA,6\np/gone.py,,\n")
}

#[test]
fn a_path_that_is_not_there_is_said_in_one_line() {
    let folder = folder();
    let ended = scan(folder.path(), "nowhere\x1b[31m", &["--csv", "a.csv", "--html", "a.html"]);
    assert_eq!(ended.code, Some(FAILED));
    assert_eq!((ended.stdout.len(), ended.stderr.lines().count()), (0, 1), "{}", ended.stderr);
    assert!(ended.stderr.contains("nowhere") && !ended.stderr.contains('\x1b'));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_any_work() {
    let folder = folder();
    let tree = tree(folder.path());
    for target in ["no/such/folder/a.csv", "tree", "tree/../tree/p"] {
        let ended = scan(folder.path(), &tree, &["--jsonl", "a.jsonl", "--csv", target]);
        assert_eq!(ended.code, Some(FAILED), "{target}");
        assert_eq!((ended.stdout.len(), ended.stderr.lines().count()), (0, 1), "{}", ended.stderr);
        assert_eq!(names(folder.path()), ["tree"], "{target}");
    }
    let ended = scan(folder.path(), &tree, &["--jsonl", "a", "--csv", "a"]);
    assert_eq!((ended.code, names(folder.path())), (Some(FAILED), vec!["tree".to_owned()]));
}

#[cfg(unix)]
#[test]
fn a_fifo_and_a_socket_are_named_and_never_opened() {
    let folder = folder();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    assert!(Command::new("mkfifo").arg(tree.join("m.pyc")).arg(tree.join("n.py")).status().unwrap().success());
    let _listener = std::os::unix::net::UnixListener::bind(tree.join("s.pyc")).unwrap();
    fs::write(tree.join("n.pyc"), pyc()).unwrap();
    let (code, found) = findings(folder.path(), &tree, &[]);
    assert_eq!(code, Some(INCOMPLETE));
    let unread: Vec<_> = found.iter().filter(|(id, _)| id == "PYC901").collect();
    assert_eq!(unread.len(), 3, "{found:#?}");
    assert!(
        unread.iter().any(|(_, text)| text.contains("fifo")) && unread.iter().any(|(_, text)| text.contains("socket"))
    );
    // Named on the command line they are not opened either.
    assert_eq!(scan(folder.path(), tree.join("m.pyc"), &[]).code, Some(INCOMPLETE));
}

#[cfg(unix)]
#[test]
fn a_device_is_never_read() {
    let folder = folder();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    std::os::unix::fs::symlink("/dev/zero", tree.join("m.pyc")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", tree.join("a.zip")).unwrap();
    assert!(scan(folder.path(), &tree, &[]).code.is_some());
    assert_eq!(scan(folder.path(), "/dev/zero", &[]).code, Some(INCOMPLETE));
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let tree = tree(folder.path());
    fs::create_dir(tree.join("closed")).unwrap();
    fs::write(tree.join("closed/m.pyc"), pyc()).unwrap();
    for path in [tree.join("closed"), tree.join("p/lone.pyc"), tree.join("a.zip")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let (code, found) = findings(folder.path(), &tree, &[]);
    // The superuser reads everything.
    let is_superuser = File::open(tree.join("p/lone.pyc")).is_ok();
    fs::set_permissions(tree.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(code, Some(INCOMPLETE));
    assert_eq!(found.iter().filter(|(id, text)| id == "PYC901" && text.contains("denied")).count() >= 3, !is_superuser);
}

#[test]
fn a_truncated_archive_is_read_as_far_as_it_goes() {
    let folder = folder();
    let whole = wheel().build();
    for length in [0, 1, 3, 4, 29, 30, 36, 60, whole.len() / 2, whole.len() - 23, whole.len() - 22, whole.len() - 1] {
        fs::write(folder.path().join("a.whl"), &whole[..length]).unwrap();
        let (code, found) = findings(folder.path(), "a.whl", &[]);
        assert!(matches!(code, Some(0 | FINDINGS | INCOMPLETE)), "{length}: {code:?}");
        if length > 60 {
            assert!(code == Some(INCOMPLETE) && has(&found, "PYC901"), "{length}: {code:?} {found:#?}");
        }
    }
}

#[test]
fn an_encrypted_member_is_named() {
    let folder = folder();
    let entry = Entry::new("m.pyc", pyc()).encoded(0, vec![7; 100]).both(|record| record.flags |= 1);
    fs::write(folder.path().join("a.zip"), Zip::new().entry(entry).build()).unwrap();
    let (code, found) = findings(folder.path(), "a.zip", &[]);
    assert!(code == Some(INCOMPLETE) && has(&found, "PYC811") && has(&found, "PYC906"), "{found:#?}");
}

#[test]
fn bombs_are_stopped_and_named() {
    let folder = folder();
    let bomb = Entry::new("m.pyc", vec![0; 2 << 20]).encoded(12, ZEROS.to_vec());
    fs::write(folder.path().join("a.zip"), Zip::new().entry(bomb).build()).unwrap();
    let (code, found) = findings(folder.path(), "a.zip", &[]);
    assert!(code == Some(INCOMPLETE) && has(&found, "PYC810"), "{found:#?}");
    let zip = Zip::new().file("m.pyc", vec![0; 5000]).file("n.pyc", vec![0; 5000]);
    fs::write(folder.path().join("b.zip"), zip.build()).unwrap();
    for limit in ["--max-total-size=6000", "--max-member-size=4K"] {
        let (code, found) = findings(folder.path(), "b.zip", &[limit]);
        assert!(code == Some(INCOMPLETE) && has(&found, "PYC902"), "{limit}: {found:#?}");
        let (code, found) = findings(folder.path(), "b.zip", &[limit, "--strict"]);
        assert!(code == Some(INCOMPLETE) && has(&found, "PYC902"), "{limit}: {found:#?}");
    }
}

#[test]
fn archives_in_archives_come_to_an_end() {
    let folder = folder();
    let deep = (0..30).fold(Zip::new().file("m.pyc", pyc()), |zip, _| Zip::new().file("a.zip", zip.build()));
    fs::write(folder.path().join("a.zip"), deep.build()).unwrap();
    let (code, found) = findings(folder.path(), "a.zip", &[]);
    assert!(code == Some(INCOMPLETE) && has(&found, "PYC810"), "{found:#?}");
}

#[test]
fn folders_in_folders_come_to_an_end() {
    let folder = folder();
    let deep = (0..300).fold(folder.path().join("tree"), |path, _| path.join("d"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("m.pyc"), pyc()).unwrap();
    let ended = scan(folder.path(), "tree", &["--csv", "-"]);
    assert_eq!(csv::Reader::from_reader(ended.stdout.as_slice()).records().count(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_in_circles_nor_out_of_the_tree() {
    let folder = folder();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("p")).unwrap();
    fs::write(folder.path().join("outside.pyc"), pyc()).unwrap();
    fs::write(tree.join("p/m.pyc"), pyc()).unwrap();
    for (target, link) in [
        ("loop.pyc", "loop.pyc"),
        ("..", "p/up"),
        (".", "here"),
        ("../outside.pyc", "out.pyc"),
        ("../", "above"),
        ("p/m.pyc", "in.pyc"),
    ] {
        std::os::unix::fs::symlink(target, tree.join(link)).unwrap();
    }
    let ended = scan(folder.path(), "tree", &["--csv", "-"]);
    let mut reader = csv::Reader::from_reader(ended.stdout.as_slice());
    let paths: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(paths, ["tree/in.pyc", "tree/p/m.pyc"], "{}", ended.stderr);
}

/// Every report of a scan as one text per report, the one on stdout first.
fn reports(folder: &Path, path: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let options =
        ["--csv", "a.csv", "--findings-csv", "f.csv", "--jsonl", "a.jsonl", "--html", "a.html", "-v", "--color=never"];
    let mut reports = vec![("text", scan(folder, path, &options).stdout)];
    for name in ["a.csv", "f.csv", "a.jsonl", "a.html"] {
        reports.push((name, fs::read(folder.join(name)).unwrap()));
    }
    reports
}

#[test]
fn names_reach_no_report_as_anything_but_text() {
    let folder = folder();
    let names: [&[u8]; 6] = [
        b"new\nline.pyc",
        b"esc\x1b[2J\x1b]0;title\x07.pyc",
        b"not\xffutf8.pyc",
        b"\xe2\x80\xaecyp.txt.pyc",
        b"</script><script>alert(1)</script>.pyc",
        b"nul\0.pyc",
    ];
    let zip = names.iter().fold(Zip::new(), |zip, name| zip.file(name, pyc()));
    fs::write(folder.path().join("a.zip"), zip.build()).unwrap();
    for (report, bytes) in reports(folder.path(), Path::new("a.zip")) {
        let text = String::from_utf8(bytes).unwrap_or_else(|_| panic!("{report} is not UTF-8"));
        // JSON carries names whole, for programs: what JSON has to escape is escaped.
        let is_bad = |c: &char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || *c == '\u{202e}';
        assert_eq!(text.chars().find(is_bad), None, "{report}");
        assert!(report != "a.html" || !text.contains("<script>alert"));
        assert!(!text.contains("new\nline"), "{report}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("a.csv")).unwrap().lines().count(), 7);
}

#[cfg(target_os = "linux")]
#[test]
fn names_on_disk_that_are_not_text_are_read_and_shown() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for name in [&b"not\xffutf8.pyc"[..], b"new\nline.pyc", b"esc\x1b[2J.pyc"] {
        fs::write(tree.join(OsStr::from_bytes(name)), pyc()).unwrap();
    }
    for (report, bytes) in reports(folder.path(), Path::new("tree")) {
        let text = String::from_utf8(bytes).unwrap_or_else(|_| panic!("{report} is not UTF-8"));
        assert!(!text.contains('\x1b') && !text.contains("new\nline"), "{report}");
    }
    let csv = fs::read_to_string(folder.path().join("a.csv")).unwrap();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.contains("not\\xffutf8.pyc") && csv.contains("new\\u{a}line.pyc"), "{csv}");
}

#[test]
fn no_cell_of_a_csv_is_a_formula() {
    let folder = folder();
    let names = ["=1+1.pyc", "+1.pyc", "-1.pyc", "@sum.pyc", "\t=1.pyc", "\r=1.pyc", "=cmd|'/c calc'!A0.py"];
    let zip = names.iter().fold(Zip::new(), |zip, name| zip.file(name, pyc()).file(name, "twice"));
    fs::write(folder.path().join("=a.zip"), zip.build()).unwrap();
    for (report, bytes) in
        reports(folder.path(), Path::new("=a.zip")).into_iter().filter(|(name, _)| CSVS.contains(name))
    {
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
        assert!(rows.len() > 6, "{report}");
        for cell in rows.iter().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{report}: {cell}");
        }
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = folder();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for n in 0..800 {
        fs::write(tree.join(format!("m{n}.pyc")), pyc()).unwrap();
    }
    for option in ["--jsonl=-", "--csv=-", "--findings-csv=-", "--html=-", "-v"] {
        let usual = scan(folder.path(), "tree", &[option]);
        let mut child = pycaudit(folder.path()).args(["scan", "tree", option]).spawn().unwrap();
        let mut first = [0; 1];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let ended = wait(child);
        assert_eq!((ended.code, ended.stderr.as_str()), (usual.code, usual.stderr.as_str()), "{option}");
        // The pipe of an ordinary system holds 64 KiB: of these the reader has left before all was written.
        if ["--jsonl=-", "--csv=-"].contains(&option) {
            assert!(usual.stdout.len() > 1 << 16, "{option} writes too little to tell");
        }
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_scan_and_leaves_no_half_report() {
    let folder = folder();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    // Two million members in one file's worth of bytes: far more than can be done before the signal comes.
    let zip = (0..10_000).fold(Zip::new(), |zip, n| zip.file(format!("m{n}.pyc"), ""));
    fs::write(tree.join("0.zip"), zip.build()).unwrap();
    for n in 1..200 {
        fs::hard_link(tree.join("0.zip"), tree.join(format!("{n}.zip"))).unwrap();
    }
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let child = pycaudit(&out)
        .args(["scan", "../tree", "--csv", "a.csv", "--jsonl", "a.jsonl", "--html", "a.html"])
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while names(&out).len() < 3 && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(5));
    }
    // The handler is set right after the reports are opened.
    thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = wait(child);
    assert_eq!(ended.code, Some(INTERRUPTED), "{}", ended.stderr);
    assert!(names(&out).is_empty(), "{:?}", names(&out));
}

/// A text without what differs between two runs: points in time, how long it took, and the number of threads.
fn without_times(bytes: &[u8]) -> String {
    let mut text = String::from_utf8(bytes.to_vec()).unwrap().replace("-j8", "-j1");
    let spans = (1..PATIENCE.as_secs()).map(|n| format!("{n} s")).chain(["less than a second".to_owned()]);
    for span in spans {
        text = text.replace(&format!("opened, in {span}."), "opened.").replace(&format!(" ({span})</dd>"), "</dd>");
    }
    // The second form is the page's own, to the minute.
    for form in ["0000-00-00T00:00:00Z", ", 00:00 UTC"] {
        let is_time = |window: &[u8]| {
            let fits = |(byte, form): (&u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { *byte == form };
            window.iter().zip(form.bytes()).all(fits)
        };
        while let Some(at) = text.as_bytes().windows(form.len()).position(is_time) {
            text.replace_range(at..at + form.len(), "TIME");
        }
    }
    text
}

#[test]
fn reports_are_the_same_bytes_whatever_the_number_of_threads() {
    let folder = folder();
    let tree = tree(folder.path());
    let run = |jobs: &str| {
        let out = folder.path().join(jobs);
        fs::create_dir(&out).unwrap();
        let options =
            ["--csv", "a.csv", "--findings-csv", "f.csv", "--jsonl", "a.jsonl", "--html", "a.html", "-v", jobs];
        let mut all = vec![("text", scan(&out, &tree, &options).stdout)];
        all.extend(["a.csv", "f.csv", "a.jsonl", "a.html"].map(|name| (name, fs::read(out.join(name)).unwrap())));
        all
    };
    for ((name, one), (_, many)) in run("-j1").into_iter().zip(run("-j8")) {
        assert!(one.len() > 100, "{name}");
        if CSVS.contains(&name) {
            assert!(one == many, "{name} differs");
        } else {
            let (one, many) = (without_times(&one), without_times(&many));
            let at = one.bytes().zip(many.bytes()).position(|(a, b)| a != b);
            let shown =
                |text: &str| at.map(|at| text.get(at.saturating_sub(80)..at + 80).unwrap_or_default().to_owned());
            assert_eq!(shown(&one), shown(&many), "{name}");
            assert_eq!(one.len(), many.len(), "{name}");
        }
    }
}
