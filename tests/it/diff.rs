//! Two pycs side by side: what is said of a difference, and that nothing is said of what never matters.

use std::fs;
use std::path::Path;
use std::process::Command;

use pycaudit::comparison;
use pycaudit::comparison::Side;
use pycaudit::forge;
use pycaudit::forge::pyc::Code;
use pycaudit::forge::pyc::Value as Forged;
use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Digester;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Scratch;

/// What is written of two files; nothing when they are equal.
fn compared(left: &[u8], right: &[u8]) -> String {
    let mut scratches = [Scratch::default(), Scratch::default()];
    let [one, other] = &mut scratches;
    let limits = Limits::default();
    let (left, right) = (pyc::read(left, &limits, one).value, pyc::read(right, &limits, other).value);
    let (mut out, mask) = (Vec::new(), Mask::default());
    let differs = comparison::write(&Side::new(&left, &mask), &Side::new(&right, &mask), &mut out).unwrap();
    assert_eq!(differs, !out.is_empty());
    String::from_utf8(out).unwrap()
}

fn function(name: &str, edit: impl FnOnce(&mut Code)) -> Forged {
    let version = &pyc::lookup(pyc::Magic::with_number(3531))[0];
    let mut code = Code::function(version, name, &["a"]);
    edit(&mut code);
    Forged::Code(Box::new(code))
}

fn module(functions: Vec<Forged>) -> Vec<u8> {
    forge::Pyc::python("3.12").consts([vec![Forged::None], functions].concat()).build()
}

fn with_code(bytes: &[u8], consts: &[Forged]) -> Vec<u8> {
    module(vec![function("f", |code| {
        code.code = Forged::Bytes(bytes.to_vec());
        code.consts = Forged::Tuple(consts.to_vec());
    })])
}

#[test]
fn paths_and_references_and_the_order_of_sets_do_not_matter() {
    let set = |items: [i32; 3]| Forged::FrozenSet(items.into_iter().map(Forged::Int).collect());
    let one = forge::Pyc::python("3.12").filename("m.py").consts(vec![set([1, 2, 3])]).build();
    let other = forge::Pyc::python("3.12").filename("/elsewhere/m.py").consts(vec![set([3, 1, 2])]).build();
    assert_ne!(one, other);
    assert_eq!(compared(&one, &other), "");
}

#[test]
fn a_changed_constant_a_new_instruction_and_the_jump_over_it() {
    // JUMP_FORWARD to the last two; LOAD_CONST 0; POP_TOP; then LOAD_CONST 1, RETURN_VALUE
    let one = with_code(&[110, 2, 100, 0, 1, 0, 100, 1, 83, 0], &[Forged::None, Forged::Int(7)]);
    let other = with_code(&[110, 3, 100, 0, 9, 0, 1, 0, 100, 1, 83, 0], &[Forged::None, Forged::Int(8)]);
    insta::assert_snapshot!(compared(&one, &other));
}

#[test]
fn an_index_that_moves_is_no_difference_of_its_instruction() {
    let one = with_code(&[100, 0, 83, 0], &[Forged::Int(7)]);
    let other = with_code(&[100, 1, 83, 0], &[Forged::None, Forged::Int(7)]);
    let text = compared(&one, &other);
    assert!(text.contains("co_consts            > None") && !text.contains("instructions\n"), "{text}");
}

#[test]
fn a_jump_to_another_place_is_a_difference() {
    let code = |distance| [110, distance, 9, 0, 9, 0, 100, 0, 83, 0];
    let text = compared(&with_code(&code(1), &[Forged::None]), &with_code(&code(2), &[Forged::None]));
    let marked: Vec<_> = text.lines().filter(|line| line.contains(" | ")).collect();
    assert!(marked.len() == 1 && marked[0].contains("(to 4)") && marked[0].contains("(to 6)"), "{text}");
}

#[test]
fn of_several_functions_with_one_name_equal_ones_belong_together() {
    let lambda = |number| function("<lambda>", |code| code.consts = Forged::Tuple(vec![Forged::Int(number)]));
    let text = compared(&module(vec![lambda(1), lambda(2)]), &module(vec![lambda(0), lambda(1), lambda(2)]));
    assert!(text.contains("of the second file alone\n  <lambda> (line 1)\n"), "{text}");
    assert!(!text.contains("\n<lambda>"), "{text}");
}

#[test]
fn the_same_code_on_another_line_is_said_to_be_that() {
    let moved = |line| module(vec![function("f", |code| code.firstlineno = line)]);
    let text = compared(&moved(3), &moved(5));
    assert!(
        text.contains("the same code at other places of the source\n") && text.contains("f (line 3); f (line 5)"),
        "{text}"
    );
}

#[test]
fn a_long_constant_that_differs_behind_the_cut_is_a_difference() {
    let long = |last: &str| with_code(&[100, 0, 83, 0], &[Forged::Str("x".repeat(5_000) + last)]);
    let text = compared(&long("a"), &long("b"));
    assert!(text.contains("[5001 bytes, SHA-256 ") && text.len() < 4_000, "{text}");
    let deep = |last| {
        let items: Vec<_> = (0..5_000).map(Forged::Int).chain([last]).collect();
        with_code(&[100, 0, 83, 0], &[Forged::Tuple(items)])
    };
    let text = compared(&deep(Forged::None), &deep(Forged::True));
    assert!(text.contains("too long to be shown"), "{text}");
}

#[test]
fn every_changed_byte_is_a_difference_if_header_or_digests_say_so_and_only_then() {
    for series in ["2.7", "3.8", "3.13"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/versions");
        let whole = fs::read(folder.join(format!("cpython-{series}-timestamp.pyc"))).unwrap();
        let facts = |bytes: &[u8]| {
            let mut scratch = Scratch::default();
            let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
            let header = tree.pyc.header.as_ref().map(pyc::Header::fields);
            (
                Digester::default().codes(&tree),
                header.map(|fields| fields.into_iter().map(|it| it.bytes).collect::<Vec<_>>()),
            )
        };
        let known = facts(&whole);
        let mut equal = 0;
        for at in (0..whole.len()).step_by(11) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x01;
            let text = compared(&whole, &bytes);
            let found = facts(&bytes);
            if found.0.iter().all(Option::is_some) {
                assert_eq!(text.is_empty(), found == known, "{series} {at}\n{text}");
                equal += usize::from(text.is_empty());
            }
        }
        assert!(equal > 0, "no byte of the path was changed");
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_pycaudit")).args(arguments).current_dir(root).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_exit_code_says_whether_they_differ() {
    let file = |name: &str| format!("tests/fixtures/versions/cpython-{name}.pyc");
    let (one, other) = (file("3.12-checked"), file("3.12-timestamp"));
    assert_eq!(run(&["diff", &one, &one]), (Some(0), String::new()));
    let (exit, text) = run(&["diff", &one, &other]);
    assert_eq!(exit, Some(1));
    insta::assert_snapshot!(text);
    assert_eq!(run(&["diff", &one, "tests/fixtures/versions/nothing.pyc"]).0, Some(2));
    assert_eq!(run(&["diff", &one, "tests/fixtures/versions"]).0, Some(2));
    let (exit, text) = run(&["diff", "tests/fixtures/containers/duplicates.zip", &one]);
    assert_eq!(exit, Some(2));
    assert!(text.contains("name one of them"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("m.pyc");
    fs::write(&cut, &fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&one)).unwrap()[..500]).unwrap();
    let (exit, text) = run(&["diff", &one, cut.to_str().unwrap()]);
    assert_eq!(exit, Some(3), "{text}");
}
