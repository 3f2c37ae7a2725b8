//! Disassemblies of real pycs, and of what would mislead or overwhelm a reader.

use std::fs;
use std::path::Path;
use std::process::Command;

use pycaudit::disassembly::Disassembly;
use pycaudit::disassembly::SourceLines;
use pycaudit::forge;
use pycaudit::forge::pyc::Value as Forged;
use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Scratch;

use crate::versions;

fn shown(bytes: &[u8], source: Option<&[u8]>) -> String {
    let mut scratch = Scratch::default();
    let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
    let mut out = Vec::new();
    let mask = Mask::default();
    let disassembly = Disassembly::of(&tree, &mask).unwrap();
    disassembly.write(None, source.map(SourceLines::new).as_ref(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn real_pycs_with_their_source_beside_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/versions");
    let source = fs::read(folder.join("sample.py")).unwrap();
    for series in ["2.7", "3.6", "3.8", "3.11", "3.12", "3.13"] {
        let bytes = fs::read(folder.join(format!("cpython-{series}-timestamp.pyc"))).unwrap();
        insta::assert_snapshot!(format!("cpython-{series}"), shown(&bytes, Some(&source)));
    }
}

#[test]
fn every_real_pyc_has_rows_whose_offsets_rise_and_whose_targets_are_marked() {
    for path in versions::fixtures() {
        let bytes = fs::read(&path).unwrap();
        let mut scratch = Scratch::default();
        let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
        let mask = Mask::default();
        let disassembly = Disassembly::of(&tree, &mask).unwrap();
        for (code, name) in disassembly.codes() {
            let rows: Vec<_> = disassembly.rows(code).collect();
            assert!(rows.windows(2).all(|pair| pair[0].offset < pair[1].offset), "{} {name}", path.display());
            for row in &rows {
                assert!(
                    !row.text.contains("out of") && !row.text.contains("outside"),
                    "{} {name} {row:?}",
                    path.display()
                );
                let Some(target) = row.target else { continue };
                let there = rows.iter().find(|there| i64::from(there.offset) == target);
                assert!(there.unwrap().is_target, "{} {name} {row:?}", path.display());
            }
        }
    }
}

#[test]
fn every_prefix_and_every_changed_byte_can_be_shown() {
    for series in ["2.7", "3.8", "3.13"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/versions");
        let bytes = fs::read(folder.join(format!("cpython-{series}-timestamp.pyc"))).unwrap();
        let show = |bytes: &[u8]| {
            let mut scratch = Scratch::default();
            let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
            let mut out = Vec::new();
            let mask = Mask::default();
            if let Ok(disassembly) = Disassembly::of(&tree, &mask) {
                disassembly.write(None, None, &mut out).unwrap();
            }
            assert!(out.is_ascii() || !out.contains(&0x1b));
        };
        for end in 0..bytes.len() {
            show(&bytes[..end]);
        }
        for at in 16..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            show(&bytes);
        }
    }
}

fn of_312(code: &[u8], consts: Vec<Forged>) -> String {
    let code = code.to_vec();
    shown(
        &forge::Pyc::python("3.12").consts(consts).edit(move |it| it.code = Forged::Bytes(code.clone())).build(),
        None,
    )
}

#[test]
fn what_refers_to_nothing_is_shown_as_such() {
    // LOAD_CONST 9, JUMP_FORWARD 9, an undefined opcode, EXTENDED_ARG 1 before JUMP_FORWARD 0, LOAD_ATTR without its caches
    let text = of_312(&[100, 9, 110, 9, 255, 7, 144, 1, 110, 0, 106, 2], vec![Forged::None]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_jump_into_an_instruction_is_told_from_one_to_its_start() {
    // JUMP_FORWARD 1 to the middle of a LOAD_GLOBAL with its caches
    let mut code = vec![110, 1, 116, 0];
    code.extend([0; 8]);
    assert!(of_312(&code, vec![]).contains("1 (to 4, into an instruction)"));
}

#[test]
fn a_constant_can_neither_move_the_cursor_nor_fill_the_screen() {
    let hostile = "\u{1b}[2J\u{202e}evil\n".to_owned();
    let text = of_312(&[100, 0, 100, 1, 83, 0], vec![Forged::Str(hostile), Forged::Str("x".repeat(1 << 20))]);
    assert!(text.contains(r"('\x1b[2J\u202eevil\n')"), "{text}");
    assert!(text.contains("xxx...[str of 1048576 bytes])") && text.len() < 3000);
}

#[test]
fn code_that_many_code_objects_share_is_written_out_for_few() {
    let code = [9, 0].repeat(50_000);
    let mut constant = b"(\xc8\0\0\0".to_vec();
    let object = |code: &[u8], flag: u8| {
        let mut bytes = vec![b'c'];
        bytes.extend([0; 20]);
        bytes.extend(if flag == 0 {
            b"r\x01\0\0\0".to_vec()
        } else {
            [&[b's' | flag][..], &100_000_u32.to_le_bytes(), code].concat()
        });
        bytes.extend(b")\0)\0)\0s\0\0\0\0z\x01mz\x01mz\x01m\x01\0\0\0s\0\0\0\0s\0\0\0\0");
        bytes
    };
    for place in 0..200 {
        constant.extend(object(&code, if place == 0 { 0x80 } else { 0 }));
    }
    let text = shown(&forge::Pyc::python("3.12").consts(vec![Forged::Raw(constant)]).build(), None);
    assert_eq!(text.matches("Disassembly of m").count(), 200);
    assert!(text.contains("not written out") && text.matches("NOP").count() < 500_000);
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_pycaudit")).args(arguments).current_dir(root).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text)
}

#[test]
fn the_command_shows_one_code_object_and_knows_when_there_is_none() {
    let file = "tests/fixtures/versions/cpython-3.12-checked.pyc";
    let (exit, text) = run(&["dis", file, "--code", "Shape.area"]);
    assert_eq!(exit, Some(0));
    assert_eq!(text.matches("Disassembly of").count(), 1);
    assert!(text.contains("Disassembly of Shape.area (line 16):"), "{text}");
    let (exit, text) = run(&["dis", file, "--code", "Shape.volume"]);
    assert_eq!(exit, Some(2), "{text}");
    assert!(text.contains("has no code object `Shape.volume`"), "{text}");
}

#[test]
fn another_magic_needs_the_version_to_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.pyc");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/versions/cpython-3.12-timestamp.pyc");
    let mut bytes = fs::read(root).unwrap();
    bytes[0] ^= 0x50;
    fs::write(&path, bytes).unwrap();
    let file = path.to_str().unwrap();
    let (exit, text) = run(&["dis", file]);
    assert_eq!(exit, Some(3), "{text}");
    assert!(text.contains("no disassembly"), "{text}");
    let (_, text) = run(&["dis", file, "--python", "3.12"]);
    assert!(text.contains("read as CPython 3.12") && text.contains("RETURN_CONST"), "{text}");
    assert_eq!(run(&["dis", file, "--python", "4.7"]).0, Some(2));
}

#[test]
fn the_source_is_beside_the_code_and_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/versions");
    fs::create_dir(folder.path().join("__pycache__")).unwrap();
    let file = folder.path().join("__pycache__/sample.cpython-312.pyc");
    fs::copy(fixtures.join("cpython-3.12-unchecked.pyc"), &file).unwrap();
    fs::copy(fixtures.join("sample.py"), folder.path().join("sample.py")).unwrap();
    let (exit, text) = run(&["dis", file.to_str().unwrap()]);
    assert_eq!(exit, Some(0));
    assert!(text.contains("   17 |         total = width * height\n   17 "), "{text}");
    let (_, text) = run(&["dis", file.to_str().unwrap(), "--no-source"]);
    assert!(!text.contains("total = width"), "{text}");
}
