//! Real pycs of every version, and malformed ones: read whole, or refused for the right reason.
//!
//! The corpus is not part of this repository. These tests say so and pass when the environment variable
//! `PYCAUDIT_CORPUS` does not name its folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::time::Instant;

use pycaudit::entry::Entry;
use pycaudit::forge::case::NOW;
use pycaudit::limits::Limits;
use pycaudit::problem::Parsed;
use pycaudit::pyc;
use pycaudit::pyc::Body;
use pycaudit::pyc::CodeLayout;
use pycaudit::pyc::Invalidation;
use pycaudit::pyc::Oddity;
use pycaudit::pyc::OddityKind;
use pycaudit::pyc::Pyc;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::Unread;
use pycaudit::pyc::opcodes::Opcodes;
use pycaudit::pyc::walk;
use pycaudit::pyc::walk::Walk;
use pycaudit::rules::RULES;
use pycaudit::scan;
use pycaudit::scan::Config;
use pycaudit::scan::Progress;
use pycaudit::scan::Verify;

#[expect(clippy::print_stdout, reason = "a test that checks nothing has to say so")]
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PYCAUDIT_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("PYCAUDIT_CORPUS is not set: nothing was checked");
    }
    folder
}

fn parse(bytes: &[u8], scratch: &mut Scratch) -> Parsed<Pyc> {
    pyc::parse(bytes, &Limits::default(), scratch)
}

/// One line of a file: its cells by the names of the header row.
fn rows(path: &PathBuf) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|record| names.iter().zip(record.unwrap().iter()).map(|(n, c)| (n.to_owned(), c.to_owned())).collect())
        .collect()
}

/// Files that cannot be read whole, and why.
const NOT_WHOLE: &[(&str, &str)] = &[
    ("other/", "no pyc, or one whose magic is not a pyc's"),
    ("special/fuzzed/", "damaged on purpose"),
    ("special/obfuscated/", "damaged on purpose"),
];

#[test]
fn every_real_file_is_read_to_its_last_byte() {
    let Some(folder) = corpus() else { return };
    let mut scratch = Scratch::default();
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows(&folder.join("MANIFEST.csv")) {
        let path = &row["path"];
        let bytes = fs::read(folder.join(path)).unwrap();
        let Parsed { value: found, problems } = parse(&bytes, &mut scratch);
        count += 1;
        let claimed = row["version_by_magic"].as_str();
        let python = found.version.map_or(String::new(), pyc::Version::python);
        if !claimed.starts_with("not a plain pyc") && !is_same_version(claimed, &python) {
            wrong.push(format!("{path}: {claimed} by the manifest, {python} here"));
        }
        if NOT_WHOLE.iter().any(|(start, _)| path.starts_with(start)) {
            continue;
        }
        match &found.body {
            Body::Code(_) if problems.is_empty() && found.trailing == 0 => {}
            Body::NotRead(Unread::Dialect(_)) if found.version.is_some_and(|version| !version.is_read()) => {}
            body => wrong.push(format!("{path}: {body:?} {problems:?} {} trailing", found.trailing)),
        }
        if !found.oddities.is_empty() || !found.unusual_types.is_empty() {
            println!("{path}: {:?} {:?}", found.oddities, found.unusual_types);
        }
    }
    println!("{count} files");
    assert!(count > 1000, "{count} files");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether the manifest's word for a version is ours: it has no pre-releases and fewer series.
fn is_same_version(claimed: &str, python: &str) -> bool {
    let (name, series) = claimed.split_once(' ').unwrap();
    let name = name.strip_prefix("cpython-").unwrap_or(name);
    let found = python.to_ascii_lowercase();
    let Some(rest) = found.strip_prefix(name) else { return false };
    // The manifest gives GraalPy and RustPython the last of several series.
    rest.starts_with(&format!(" {series}")) || rest.ends_with(&format!("-{series}")) || python == "GraalPy 3.10"
}

#[test]
fn every_malformed_file_is_judged_as_expected() {
    let Some(folder) = corpus() else { return };
    let mut scratch = Scratch::default();
    let (mut wrong, mut later, mut count) = (Vec::new(), Vec::new(), 0);
    let mut walk = Walk::default();
    let started = Instant::now();
    for row in rows(&folder.join("malformed/EXPECT.csv")) {
        let (file, expect) = (row["file"].as_str(), row["expect"].as_str());
        let bytes = fs::read(folder.join("malformed").join(file)).unwrap();
        let before = Instant::now();
        let parsed = parse(&bytes, &mut scratch);
        count += 1;
        assert!(before.elapsed() < Duration::from_secs(1), "{file} took {:?}", before.elapsed());
        let inside = |offset: Option<u64>| offset.is_none_or(|offset| offset <= bytes.len() as u64);
        assert!(parsed.problems.iter().all(|problem| inside(problem.offset)), "{file}: {:?}", parsed.problems);
        if let Some((_, reason)) = EXPECTED_OTHERWISE.iter().find(|(name, _)| *name == file) {
            println!("{file}: {expect}, but {reason}: {:?}", parsed.problems);
            continue;
        }
        if let Some(words) = expect.strip_prefix("flag:").filter(|words| is_of_instructions(words)) {
            let found = walked(&bytes, &mut scratch, &mut walk);
            if !found.iter().any(|oddity| oddity.kind.message() == words) {
                wrong.push(format!("{file}: {expect}: {found:?}"));
            }
            assert!(found.iter().all(|oddity| inside(Some(oddity.offset))), "{file}: {found:?}");
            continue;
        }
        match is_as_expected(expect, &parsed) {
            Some(true) => {}
            Some(false) => wrong.push(format!("{file}: {expect}: {:?} {:?}", parsed.problems, parsed.value)),
            None => later.push(format!("{file}: {expect}")),
        }
    }
    let elapsed = started.elapsed();
    println!("{count} files in {elapsed:?}; {} are for the rules", later.len());
    later.retain(|line| !NOT_YET_JUDGED.iter().any(|reason| line.ends_with(reason)));
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(later.is_empty(), "not judged:\n{}", later.join("\n"));
}

/// What is odd about the instructions and tables of a file.
fn walked(bytes: &[u8], scratch: &mut Scratch, walk: &mut Walk) -> Vec<Oddity> {
    walk::oddities(&pyc::read(bytes, &Limits::default(), scratch).value, walk)
}

/// Whether an expectation is about instructions or tables, which only `walk` looks at.
fn is_of_instructions(words: &str) -> bool {
    const WORDS: &[&str] = &[
        "damaged line table",
        "line table shorter than the code",
        "damaged exception table",
        "exception table outside the code",
        "operand out of range",
        "jump outside the code",
        "unknown opcode",
        "code falls off its end",
        "code ends inside an instruction",
        "code ends inside an inline cache",
        "EXTENDED_ARG chain longer than 3",
    ];
    WORDS.contains(&words)
}

/// Files among the real ones that were edited by hand, and how.
const EDITED: &[(&str, OddityKind)] = &[
    ("pyc/cpython-3.6/3379/prfey__pyccfg.cpython-36.modified.pyc", OddityKind::OperandOutOfRange),
    ("pyc/cpython-3.8/3413/prfey__103884.pyc", OddityKind::JumpIntoInstruction),
];

#[test]
fn no_compiler_wrote_odd_instructions() {
    let Some(folder) = corpus() else { return };
    let (mut scratch, mut walk) = (Scratch::default(), Walk::default());
    let (mut wrong, mut files, mut codes) = (Vec::new(), 0, 0);
    for row in rows(&folder.join("MANIFEST.csv")) {
        let path = &row["path"];
        if NOT_WHOLE.iter().any(|(start, _)| path.starts_with(start)) {
            continue;
        }
        let bytes = fs::read(folder.join(path)).unwrap();
        let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
        if tree.pyc.version.and_then(Opcodes::of).is_none() {
            continue;
        }
        (files, codes) = (files + 1, codes + tree.codes().count());
        let found = walk::oddities(&tree, &mut walk);
        if let Some((_, kind)) = EDITED.iter().find(|(edited, _)| edited == path) {
            assert_eq!(found.first().map(|oddity| oddity.kind), Some(*kind), "{path}");
            continue;
        }
        wrong.extend(found.into_iter().map(|oddity| format!("{path}: {oddity:?}")));
    }
    println!("{files} files, {codes} code objects");
    assert!(files > 1000, "{files} files");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Files whose expectation is not what interpreters do.
const EXPECTED_OTHERWISE: &[(&str, &str)] = &[
    ("len_long_ffffffff.pyc", "a count of -1 is a long of one digit below zero; what follows it is no object"),
    ("value_dict_no_end.pyc", "the dict goes on with the fields that follow, up to a byte that is no type"),
];

/// What needs the clock and the rules.
const NOT_YET_JUDGED: &[&str] = &["flag:implausible mtime", "flag:implausible size"];

/// Whether a file was judged as the table says; `None` when nothing here judges that.
fn is_as_expected(expect: &str, parsed: &Parsed<Pyc>) -> Option<bool> {
    let Parsed { value: found, problems } = parsed;
    if expect == "bounded" {
        return Some(true);
    }
    let (verdict, reason) = expect.split_once(':').unwrap();
    let says = |words: &str| problems.iter().any(|problem| problem.to_string().contains(words));
    let odd = |kind: OddityKind| found.oddities.iter().any(|oddity| oddity.kind == kind);
    let layout = found.fit.map(|fit| (fit.is_odd_header(), fit.is_other_layout()));
    let flags = found.header.as_ref().and_then(|header| header.flags);
    Some(match (verdict, reason) {
        ("reject", _) if found.body.is_code() && found.fit.is_none() && problems.is_empty() => false,
        ("reject", "magic without CR LF") => says("without CR LF"),
        ("reject", "header of the wrong length for the version") => {
            says("does not fit") && layout == Some((true, false))
        }
        ("reject", "unknown magic") => says("unknown magic"),
        ("reject", words) => says(words),
        ("notpyc", kind) => {
            let kinds: &[(&str, &str)] = &[
                ("elf", "ELF"),
                ("pe", "PE"),
                ("zip", "zip"),
                ("gzip", "gzip"),
                ("source", "Python source"),
                ("html", "HTML"),
                ("javaclass", "Java class"),
                ("utf16", "UTF-16 text"),
                ("spaces", "blanks"),
                ("zeros", "zeros"),
                ("newlines", "line ends"),
                ("lfs_pointer", "Git LFS pointer"),
                ("mpy", ".mpy"),
            ];
            let name = kinds.iter().find(|(word, _)| *word == kind).unwrap().1;
            found.body == Body::NotRead(Unread::NotBytecode(name))
        }
        ("flag", "trailing data") => found.trailing > 0 && found.body.is_code() && problems.is_empty(),
        ("flag", words) if words.starts_with("text-mode damage") => found.text_mode.is_some() && says(words),
        ("flag", "invalid flags word") => {
            flags.is_some_and(|flags| !matches!(flags, 0 | 1 | 3)) && found.body.is_code()
        }
        ("flag", "unchecked hash-based pyc") => {
            matches!(found.header.as_ref().unwrap().invalidation, Invalidation::UncheckedHash(_))
        }
        ("flag", "checked hash-based pyc") => {
            matches!(found.header.as_ref().unwrap().invalidation, Invalidation::CheckedHash(_))
        }
        ("flag", "body does not fit the version of the magic") => says(reason) && layout == Some((false, true)),
        ("flag", "header of the wrong length for the version") => layout == Some((true, false)) && found.body.is_code(),
        ("flag", words) if words.starts_with("12-byte header") => {
            found.fit.is_some_and(|fit| fit.offset == 12 && fit.is_odd_header()) && problems.is_empty()
        }
        ("flag", "magic is 2.7 run with -U (magic + 1)") => {
            found.version.is_some_and(|version| version.python() == "CPython 2.7 -U") && found.body.is_code()
        }
        ("flag", "unusual TYPE_INT64") => found.unusual_types.iter().any(|unusual| unusual.letter == b'I'),
        ("flag", "counts do not agree") => odd(OddityKind::CountsDisagree) && found.body.is_code(),
        ("flag", "implausible stack size") => odd(OddityKind::ImplausibleStackSize),
        ("flag", "negative line number") => odd(OddityKind::NegativeLine),
        ("flag", "empty code") => odd(OddityKind::EmptyCode),
        ("flag", "odd code length") => odd(OddityKind::OddCodeLength),
        ("flag", "control characters in a name") => odd(OddityKind::ControlCharacter),
        ("flag", "variable of no kind") => odd(OddityKind::VariableOfNoKind),
        ("flag", "variable kind bits unknown") => odd(OddityKind::UnknownKindBits),
        ("flag", _) => return None,
        _ => panic!("{expect}"),
    })
}

#[test]
fn every_malformed_file_is_reported_by_the_rule_for_it() {
    let Some(folder) = corpus() else { return };
    let malformed = folder.join("malformed");
    let found = rules_that_report(&malformed);
    let (mut wrong, mut later) = (Vec::new(), 0);
    for row in rows(&malformed.join("EXPECT.csv")) {
        let (file, expect) = (row["file"].as_str(), row["expect"].as_str());
        let reported = &found[file];
        if EXPECTED_OTHERWISE.iter().any(|(name, _)| *name == file) {
            assert!(!reported.is_empty(), "{file}");
            continue;
        }
        let wanted = rules_for(expect);
        if wanted.is_empty() {
            later += 1;
        } else if !reported.iter().any(|rule| wanted.contains(rule)) {
            wrong.push(format!("{file}: {expect}: {wanted:?} wanted, {reported:?} found"));
        }
    }
    println!("{} files, {later} without a rule of their own", found.len());
    assert!(found.len() >= 400, "{} files", found.len());
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Which rules about a pyc have a finding on each file of a folder.
fn rules_that_report(folder: &Path) -> BTreeMap<String, Vec<&'static str>> {
    let config = Config {
        verify: Verify::Header,
        rules: RULES
            .iter()
            .copied()
            .filter(|rule| matches!(rule.id.get(..4), Some("PYC1" | "PYC4" | "PYC5")))
            .collect(),
        fingerprints: scan::Fingerprints::Files,
        jobs: Some(2),
        ..Config::new(vec![folder.to_owned()], NOW)
    };
    let mut found: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    let mut collect = |entry: Entry| {
        if let Entry::Pyc(entry) = entry {
            let name = entry.locator.artifact.file_name().unwrap().to_string_lossy().into_owned();
            found.insert(name, entry.findings.iter().map(|finding| finding.rule.id).collect());
        }
        Ok(())
    };
    scan::scan(&config, &Progress::default(), &AtomicBool::new(false), &mut collect).unwrap();
    found
}

/// The rules of which one has to report a file of this expectation; none where no rule judges that.
fn rules_for(expect: &str) -> &'static [&'static str] {
    match expect {
        "reject:empty file" | "notpyc:zeros" => &["PYC111"],
        "reject:truncated in header" => &["PYC110"],
        "reject:no code after the header" | "reject:truncated marshal data" => &["PYC402"],
        "reject:length beyond the data" => &["PYC401", "PYC405"],
        "reject:unknown marshal type"
        | "reject:type code of another version"
        | "reject:field of the wrong type"
        | "reject:counts do not agree"
        | "reject:negative count"
        | "reject:bad float text"
        | "reject:bad UTF-8"
        | "reject:unnormalised long"
        | "reject:unhashable"
        | "reject:null object"
        | "reject:digit out of range" => &["PYC401"],
        // One of them is a reference to nothing.
        "reject:top level is not a code object" => &["PYC404", "PYC408"],
        "reject:reference out of range" | "reject:reference to an unfinished object" => &["PYC408"],
        "reject:unknown magic" | "reject:magic without CR LF" => &["PYC101"],
        "reject:body does not fit the version of the magic" | "flag:body does not fit the version of the magic" => {
            &["PYC409"]
        }
        "reject:header of the wrong length for the version" | "flag:header of the wrong length for the version" => {
            &["PYC112"]
        }
        "flag:trailing data" => &["PYC403"],
        "flag:invalid flags word" => &["PYC107", "PYC108"],
        "flag:unchecked hash-based pyc" => &["PYC109"],
        "flag:magic is 2.7 run with -U (magic + 1)" => &["PYC103"],
        "flag:unusual TYPE_INT64" => &["PYC406"],
        "flag:control characters in a name" => &["PYC411"],
        "flag:unknown opcode" => &["PYC501"],
        "flag:operand out of range" => &["PYC503"],
        "flag:jump outside the code"
        | "flag:code falls off its end"
        | "flag:code ends inside an instruction"
        | "flag:code ends inside an inline cache"
        | "flag:empty code"
        | "flag:odd code length" => &["PYC504"],
        "flag:EXTENDED_ARG chain longer than 3" => &["PYC505"],
        "flag:damaged line table" | "flag:line table shorter than the code" | "flag:negative line number" => {
            &["PYC507"]
        }
        "flag:damaged exception table" | "flag:exception table outside the code" => &["PYC508"],
        "flag:implausible stack size" => &["PYC509"],
        "flag:counts do not agree" | "flag:variable of no kind" | "flag:variable kind bits unknown" => &["PYC513"],
        _ if expect.starts_with("notpyc:") => &["PYC114"],
        _ if expect.starts_with("flag:text-mode damage") => &["PYC101"],
        _ if expect.starts_with("flag:12-byte header") => &["PYC112"],
        _ => &[],
    }
}

#[test]
fn a_layout_that_no_real_file_has_is_known() {
    let Some(folder) = corpus() else { return };
    let mut scratch = Scratch::default();
    let mut seen: BTreeMap<CodeLayout, usize> = BTreeMap::new();
    for row in rows(&folder.join("MANIFEST.csv")) {
        let bytes = fs::read(folder.join(&row["path"])).unwrap();
        if let Some(version) = parse(&bytes, &mut scratch).value.version {
            *seen.entry(version.layout).or_default() += 1;
        }
    }
    for layout in [CodeLayout::L10, CodeLayout::L13, CodeLayout::L15, CodeLayout::L21, CodeLayout::L23, CodeLayout::L30]
    {
        assert!(seen.contains_key(&layout), "{seen:?}");
    }
    for layout in [CodeLayout::L38, CodeLayout::L311F, CodeLayout::L311, CodeLayout::P310, CodeLayout::P311] {
        assert!(seen.contains_key(&layout), "{seen:?}");
    }
}
