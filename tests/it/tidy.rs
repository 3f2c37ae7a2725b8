//! What the house promises and the compiler does not check: the list of rules against their files, the headings of their pages,
//! the generated reference, which room uses which, and a real file for every version.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pycaudit::pyc::versions;
use pycaudit::pyc::versions::Implementation;
use pycaudit::pyc::versions::Magic;
use pycaudit::pyc::versions::Stage;
use pycaudit::pyc::versions::VERSIONS;
use pycaudit::rules::RULES;
use pycaudit::rules::Rule;

/// Files of src/rules that are no rules.
const NO_RULES: [&str; 3] = ["mod", "oddity", "select"];

/// Which rooms a room may use; of the same room everything. The forge is for tests and may use all.
const ROOMS: &[(&str, &[&str])] = &[
    ("name", &[]),
    ("limits", &[]),
    ("problem", &[]),
    ("ledger", &[]),
    ("artifact", &["name"]),
    ("container", &["artifact", "limits", "manifest", "name", "problem", "pyc"]),
    ("manifest", &["artifact", "limits", "name"]),
    ("record", &["artifact", "limits", "name", "problem"]),
    ("image", &["artifact", "container", "name", "place"]),
    ("pyc", &["limits", "name", "problem"]),
    ("disassembly", &["name", "pyc"]),
    ("comparison", &["artifact", "disassembly", "name", "pyc"]),
    ("place", &["container", "name", "pyc"]),
    ("build_path", &["name", "place", "pyc"]),
    ("secret", &[]),
    ("content", &["name", "pyc", "secret"]),
    ("known", &["artifact", "pyc"]),
    ("fingerprint", &["name"]),
    ("suppression", &["artifact", "container", "fingerprint", "name", "rules"]),
    ("source", &["artifact", "container", "name", "place", "pyc"]),
    ("load", &["artifact", "container", "name", "place", "pyc", "source"]),
    ("verify", &["limits", "name", "pyc"]),
    ("interpreter", &["limits", "name", "pyc"]),
    (
        "rules",
        &[
            "artifact",
            "build_path",
            "container",
            "content",
            "image",
            "known",
            "ledger",
            "limits",
            "load",
            "manifest",
            "name",
            "place",
            "problem",
            "pyc",
            "record",
            "secret",
            "source",
            "verify",
        ],
    ),
    (
        "entry",
        &[
            "artifact",
            "container",
            "ledger",
            "load",
            "name",
            "place",
            "problem",
            "pyc",
            "rules",
            "source",
            "suppression",
            "verify",
        ],
    ),
    (
        "report",
        &[
            "artifact",
            "container",
            "entry",
            "ledger",
            "limits",
            "load",
            "name",
            "place",
            "problem",
            "pyc",
            "rules",
            "secret",
            "source",
            "suppression",
            "verify",
        ],
    ),
    (
        "scan",
        &[
            "artifact",
            "build_path",
            "container",
            "content",
            "disassembly",
            "entry",
            "fingerprint",
            "image",
            "interpreter",
            "known",
            "ledger",
            "limits",
            "load",
            "manifest",
            "name",
            "place",
            "problem",
            "pyc",
            "record",
            "rules",
            "secret",
            "source",
            "suppression",
            "verify",
        ],
    ),
    (
        "bin",
        &[
            "artifact",
            "comparison",
            "container",
            "disassembly",
            "entry",
            "interpreter",
            "known",
            "ledger",
            "limits",
            "load",
            "name",
            "place",
            "problem",
            "pyc",
            "report",
            "rules",
            "scan",
            "secret",
            "source",
            "suppression",
        ],
    ),
];

/// Words that a room may not have, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "rules",
        &["std::fs", "std::io", "std::time", "std::env", "read_into(", ".read("],
        "a rule opens nothing and knows no clock",
    ),
    ("pyc", &["std::fs", "std::env", "std::time", "rayon"], "the parser knows bytes only"),
    ("source", &["rayon"], "only the pipeline and containers know threads"),
    ("load", &["std::fs", "rayon"], "the verdict follows from facts"),
    ("place", &["std::fs", "rayon"], "a place is told from names"),
    ("suppression", &["std::fs", "std::env", "std::time", "rayon"], "whoever reads files hands their contents in"),
    ("report", &["std::fs", "rayon", "pyc::read(", "pyc::parse("], "a report neither opens nor parses"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder with their text.
fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
    files.sort();
    files
}

/// The files of the product by room, without what only tests have.
fn product() -> Vec<(String, PathBuf, String)> {
    let source = root().join("src");
    let mut files = Vec::new();
    for (path, text) in rust_files(&source) {
        let below = path.strip_prefix(&source).unwrap();
        let room = below.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if room != "lib" && !path.ends_with("tests.rs") {
            let product = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
            files.push((room, path, product));
        }
    }
    files
}

/// The headings and lines of a rule's page, without the leading space of its doc comment.
fn page(rule: &Rule) -> Vec<&'static str> {
    rule.docs.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect()
}

#[test]
fn every_rule_has_a_file_and_every_file_is_listed() {
    let files: BTreeSet<String> = fs::read_dir(root().join("src/rules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !NO_RULES.contains(&name.as_str()))
        .collect();
    let listed: BTreeSet<String> = RULES.iter().map(|rule| rule.name.replace('-', "_")).collect();
    assert_eq!(files, listed);
    assert_eq!(listed.len(), RULES.len(), "two rules have one name");
}

#[test]
fn ids_are_unique_and_sorted_and_stand_in_the_file_of_their_name() {
    assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
    for rule in RULES {
        let digits = rule.id.strip_prefix("PYC").unwrap();
        assert!(digits.len() == 3 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{rule:?}");
        let text = fs::read_to_string(root().join(format!("src/rules/{}.rs", rule.name.replace('-', "_")))).unwrap();
        assert!(text.starts_with(&format!("//! {}.\n", rule.id)), "{rule:?}");
        assert!(text.contains(&format!("id: \"{}\"", rule.id)), "{rule:?}");
    }
}

#[test]
fn every_rule_has_a_page_under_the_fixed_headings() {
    const NEEDED: [&str; 4] = ["What it reports", "Why it matters", "Innocent causes", "What to do"];
    const ORDER: [&str; 6] =
        ["What it reports", "Why it matters", "Innocent causes", "Severity", "What to do", "References"];
    for rule in RULES {
        let page = page(rule);
        let headings: Vec<&str> = page.iter().filter_map(|line| line.strip_prefix("## ")).collect();
        let places: Vec<_> = headings.iter().map(|heading| ORDER.iter().position(|known| known == heading)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{rule:?}: {headings:?}");
        assert!(places.windows(2).all(|pair| pair[0] != pair[1]), "{rule:?}: {headings:?}");
        assert!(NEEDED.iter().all(|needed| headings.contains(needed)), "{rule:?}: {headings:?}");
        for section in page.split(|line| line.starts_with("## ")).skip(1) {
            assert!(section.iter().any(|line| !line.is_empty()), "{rule:?} has an empty section");
        }
        assert!(page.iter().all(|line| !line.starts_with(' ') || line.starts_with("  ")), "{rule:?}: an odd indent");
        assert!(!rule.summary.is_empty() && !rule.summary.ends_with('.'), "{rule:?}: {}", rule.summary);
    }
}

#[test]
fn every_rule_has_a_flagged_and_a_clean_example() {
    for rule in RULES {
        let text = fs::read_to_string(root().join(format!("src/rules/{}.rs", rule.name.replace('-', "_")))).unwrap();
        let tests = text.split("#[cfg(test)]\nmod tests").nth(1).unwrap_or_default();
        assert!(tests.contains(".flags(&RULE)") || tests.contains(".findings(&RULE)"), "{rule:?} flags nothing");
        assert!(tests.contains(".passes(&RULE)"), "{rule:?} passes nothing");
    }
}

/// The reference of all rules, as `src/rules/README.md` has it.
fn reference() -> String {
    let mut text = String::from(
        "# Rules\n\nGenerated from the rules' files by `BLESS=1 cargo test`; the same pages are shown by `pycaudit explain RULE`.\n\n\
         | id | name | severity | what it reports |\n| --- | --- | --- | --- |\n",
    );
    for rule in RULES {
        let (id, name) = (rule.id, rule.name);
        let anchor = format!("{}-{name}", id.to_ascii_lowercase());
        writeln!(text, "| [{id}](#{anchor}) | {name} | {} | {} |", rule.severity.code(), rule.summary).unwrap();
    }
    for rule in RULES {
        write!(
            text,
            "\n## {} {}\n\nSeverity: {}. In short: {}.\n",
            rule.id,
            rule.name,
            rule.severity.code(),
            rule.summary
        )
        .unwrap();
        for line in page(rule) {
            match line.strip_prefix("## ") {
                Some(heading) => write!(text, "\n### {heading}\n\n").unwrap(),
                None if line.is_empty() => {}
                None => writeln!(text, "{line}").unwrap(),
            }
        }
    }
    text
}

#[test]
fn the_rule_reference_is_current() {
    let path = root().join("src/rules/README.md");
    let wanted = reference();
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "src/rules/README.md is not what the rules say: run `BLESS=1 cargo test --test it tidy`");
}

#[test]
fn rooms_use_only_the_rooms_that_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut broken = BTreeSet::new();
    for (room, path, text) in product() {
        if room == "forge" {
            continue;
        }
        let may = allowed.get(room.as_str()).unwrap_or_else(|| panic!("src/{room} has no row in the table of rooms"));
        for line in text.lines() {
            let line = line.trim_start();
            let used = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("use ");
            let prefix = if room == "bin" { "pycaudit::" } else { "crate::" };
            let Some(used) = used.and_then(|used| used.strip_prefix(prefix)) else { continue };
            let used = used.split([':', ';']).next().unwrap();
            if used != room && !may.contains(&used) {
                broken.insert(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_room_of_the_table_exists() {
    let rooms: BTreeSet<String> = product().into_iter().map(|(room, _, _)| room).collect();
    for (room, may) in ROOMS {
        assert!(rooms.contains(*room), "src/{room} is gone");
        assert!(may.iter().all(|used| rooms.contains(*used)), "{room} may use what is gone");
    }
}

#[test]
fn rooms_keep_away_from_what_is_not_theirs() {
    for (room, path, text) in product() {
        for (kept, words, reason) in FORBIDDEN.iter().filter(|(kept, _, _)| *kept == room) {
            for word in *words {
                assert!(!text.contains(word), "{} has `{word}`, but in {kept} {reason}", path.display());
            }
        }
    }
}

#[test]
fn imports_come_one_by_one_and_by_their_whole_path() {
    for (_, path, text) in product() {
        for line in text.lines().filter(|line| line.starts_with("use ")) {
            let named =
                ["crate::", "std::", "super::", "pycaudit::"].iter().any(|prefix| line[4..].starts_with(prefix));
            assert!(!line.contains('{'), "{}: {line}", path.display());
            assert!(!named || !line.contains("::*"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn every_row_of_the_version_table_has_what_it_must_have() {
    for version in VERSIONS {
        let shown = version.python();
        assert!(!version.name.is_empty() && !version.label.is_empty(), "{version:?}");
        assert!(version.last_series.is_none_or(|last| last > version.series), "{shown}: series run backwards");
        assert_eq!(versions::lookup(version.magic).iter().filter(|found| *found == version).count(), 1, "{shown}");
        if version.stage == Stage::Final && version.implementation == Implementation::CPython {
            assert!(version.releases.is_some(), "{shown}: a final release without its releases");
        }
        if version.is_read() {
            assert!(version.header.is_some(), "{shown}: a layout without a header");
            assert!(!version.dialect.types().is_empty(), "{shown}: a dialect without types");
        }
        // Before 1.3 the last two bytes were not yet those that a text-mode transfer would change.
        if version.implementation == Implementation::CPython && version.series >= (1, 3) {
            assert_eq!(version.magic.0[2..], *b"\r\n", "{shown}");
        }
    }
}

#[test]
fn every_series_that_is_at_hand_has_a_real_pyc() {
    let fixtures: BTreeSet<Magic> = fs::read_dir(root().join("tests/fixtures/versions"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pyc"))
        .map(|path| Magic(*fs::read(path).unwrap().first_chunk().unwrap()))
        .collect();
    for magic in &fixtures {
        assert!(
            versions::lookup(*magic).iter().any(|version| version.is_final() || version.is_prerelease()),
            "{magic:?}"
        );
    }
    let wanted = VERSIONS.iter().filter(|version| {
        version.implementation == Implementation::CPython
            && version.stage == Stage::Final
            && (version.series == (2, 7) || version.series >= (3, 6))
    });
    let served: BTreeSet<(u8, u8)> =
        fixtures.iter().flat_map(|magic| versions::lookup(*magic)).map(|version| version.series).collect();
    for version in wanted {
        assert!(served.contains(&version.series), "no real pyc of {}", version.python());
    }
}
