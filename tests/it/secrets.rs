//! What `inspect`, `dis` and `diff` show of secrets: how they begin and end, wherever they stand, until they are asked for.

use std::fs;
use std::path::Path;
use std::process::Command;

use pycaudit::forge;
use pycaudit::forge::pyc::Code;
use pycaudit::forge::pyc::Value as Forged;
use pycaudit::pyc;

const LEAKED: &str = "samples/leaked_token-1.0-py3-none-any.whl!leaked_token/__pycache__/client.cpython-312.pyc";
const OTHER: &str = "samples/clean-1.0-py3-none-any.whl!clean/__pycache__/__init__.cpython-312.pyc";

/// What a command writes, run in the folder of this crate.
fn run(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output =
        Command::new(env!("CARGO_BIN_EXE_pycaudit")).args(arguments).current_dir(root).env_clear().output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The ways to look at a file; the second file of a comparison has nothing to hide.
fn ways(file: &str, other: &str) -> [Vec<String>; 5] {
    [
        vec!["inspect", file],
        vec!["inspect", file, "--all"],
        vec!["inspect", file, "--format", "json"],
        vec!["dis", file],
        vec!["diff", file, other],
    ]
    .map(|way| way.into_iter().map(ToOwned::to_owned).collect())
}

/// Each way of looking at a file shows none of these words by default, each of the others, and all that is hidden on request.
fn check(file: &str, other: &str, hidden: &[&str], shown: &[&str]) {
    for way in ways(file, other) {
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        let (masked, whole) = (run(&way), run(&[way.as_slice(), &["--reveal-secrets"]].concat()));
        for word in hidden {
            assert!(!masked.contains(word), "{way:?} shows {word}:\n{masked}");
            assert!(whole.contains(word), "{way:?} does not show {word} on request:\n{whole}");
        }
        for word in shown {
            assert!(masked.contains(word), "{way:?} does not show {word}:\n{masked}");
        }
    }
}

// Put together here, so that no scanner finds them in this file. None was ever issued.
fn token(last: char) -> String {
    format!("{}{last}", ["ghp", "_Zk3vW9qLx2TbNn7RyP4sHc8KdMw5GfXe1Ua"].concat())
}

#[test]
fn the_token_of_the_sample_is_masked() {
    check(LEAKED, OTHER, &["ghp_0pycauditSampleNotARealToken00000000"], &["ghp_0pyc...0000 (40 characters"]);
}

#[test]
fn a_secret_is_masked_in_names_and_inside_constants_whatever_is_around_it() {
    let version = &pyc::lookup(pyc::Magic::with_number(3531))[0];
    // LOAD_CONST 0 to 3, LOAD_NAME 0, RETURN_VALUE
    let mut function = Code::function(version, &token('h'), &[&token('v')]);
    function.filename = Forged::text(&format!("/srv/{}/m.py", token('f')));
    function.code = Forged::Bytes(vec![100, 0, 100, 1, 100, 2, 101, 0, 124, 0, 83, 0]);
    let nested = Forged::Tuple(vec![Forged::Int(1), Forged::Tuple(vec![Forged::Bytes(token('b').into_bytes())])]);
    let long = format!("{}\nhttps://x:{}@host/\n{}", "Documentation. ".repeat(4), token('d'), "more ".repeat(4));
    function.consts =
        Forged::Tuple(vec![Forged::Str(long), nested, Forged::FrozenSet(vec![Forged::text(&token('s'))])]);
    function.names = Forged::names(&[&token('n')]);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut empty = function.clone();
    empty.consts = Forged::Tuple(Vec::new());
    empty.names = Forged::names(&["a"]);
    empty.varnames = Forged::names(&["b"]);
    let module = |code: Code| forge::Pyc::python("3.12").consts(vec![Forged::Code(Box::new(code))]).build();
    let (one, other) = (write("one.pyc", module(function)), write("other.pyc", module(empty)));
    let hidden: Vec<String> = "bdsn".chars().map(token).collect();
    let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
    check(&one, &other, &hidden, &["Documentation. Documentation.", "https://x:ghp_Zk3v...1Uad"]);
    for way in ways(&one, &other) {
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        let text = run(&way);
        assert!(!text.contains("Zk3vW"), "{way:?}:\n{text}");
    }
}

#[test]
fn a_secret_behind_the_cut_of_a_long_constant_is_not_shown_in_part() {
    let folder = tempfile::tempdir().unwrap();
    // The page cuts values behind 90 bytes, in the middle of the token.
    let bytes = forge::Pyc::python("3.12").consts(vec![Forged::Str("x ".repeat(35) + &token('c'))]).build();
    let file = folder.path().join("m.pyc");
    fs::write(&file, bytes).unwrap();
    let text = run(&["inspect", file.to_str().unwrap()]);
    assert!(text.contains("x ghp_Zk3v...1Uac") && !text.contains("Zk3vW"), "{text}");
}

#[test]
fn secrets_that_differ_are_told_apart_without_being_shown() {
    let folder = tempfile::tempdir().unwrap();
    // They begin and end alike.
    let tokens = [token('x'), token('x').replace("qLx2", "qLy2")];
    let [one, other] = [0, 1].map(|place| {
        let bytes = forge::Pyc::python("3.12").consts(vec![Forged::Str(tokens[place].clone()), Forged::None]).build();
        let path = folder.path().join(format!("{place}.pyc"));
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let text = run(&["diff", &one, &other]);
    assert_eq!(text.matches("ghp_Zk3v...1Uax (40 characters, SHA-256 ").count() / 2, 2, "{text}");
    assert!(text.contains("instructions") && !text.contains("qLx2"), "{text}");
    assert!(run(&["diff", &one, &other, "--reveal-secrets"]).contains(&tokens[1]));
}

#[test]
fn source_lines_beside_the_code_are_masked() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let secret = token('l');
    let (first, second) = secret.split_at(9);
    write("m.py", format!("T = (1, '{first}' '{second}') # {}\n", token('k')).as_bytes());
    fs::create_dir(folder.path().join("__pycache__")).unwrap();
    let consts = vec![Forged::Tuple(vec![Forged::Int(1), Forged::Str(secret.clone())])];
    write("__pycache__/m.cpython-38.pyc", &forge::Pyc::python("3.8").consts(consts).build());
    let file = folder.path().join("__pycache__/m.cpython-38.pyc");
    let text = run(&["dis", file.to_str().unwrap()]);
    assert!(text.contains("    1 | T = (1, 'ghp_Zk3vW' '...(31 characters of a secret)') # ghp_Zk3v...1Uak"), "{text}");
    let text = run(&["dis", file.to_str().unwrap(), "--reveal-secrets"]);
    assert!(text.contains(second) && text.contains(&token('k')), "{text}");
}
