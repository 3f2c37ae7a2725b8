//! Real pycs of every interpreter at hand, and forged ones of the others, dumped field by field.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pycaudit::forge;
use pycaudit::limits::Limits;
use pycaudit::name;
use pycaudit::name::Name;
use pycaudit::problem::Parsed;
use pycaudit::pyc;
use pycaudit::pyc::Code;
use pycaudit::pyc::CodeLayout;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::Tree;
use pycaudit::pyc::Value;
use pycaudit::pyc::layout::Field;
use pycaudit::pyc::versions::VERSIONS;

/// The real pycs, by name.
pub(crate) fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/versions");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "pyc")).collect();
    files.sort();
    files
}

/// Everything that is known of a pyc, as text.
fn dump(bytes: &[u8]) -> String {
    let mut scratch = Scratch::default();
    let Parsed { value: tree, problems } = pyc::read(bytes, &Limits::default(), &mut scratch);
    let mut text = String::new();
    let pyc = &tree.pyc;
    let version = pyc.version.unwrap();
    writeln!(text, "{} ({:?}, {:?})", version.python(), version.layout, version.dialect).unwrap();
    for field in pyc.header.as_ref().unwrap().fields() {
        writeln!(text, "{:#04x} {} {}: {}", field.offset, name::hex(&field.bytes), field.name, field.reading).unwrap();
    }
    writeln!(text, "body at {:?}, {} trailing, fit {:?}", pyc.body_offset, pyc.trailing, pyc.fit).unwrap();
    writeln!(text, "{:?}", pyc.body).unwrap();
    writeln!(text, "unusual {:?}, odd {:?}, problems {problems:?}", pyc.unusual_types, pyc.oddities).unwrap();
    for code in tree.codes() {
        dump_code(&tree, code, &mut text);
    }
    text
}

fn dump_code(tree: &Tree<'_>, code: Code<'_>, text: &mut String) {
    let (start, end) = (code.offset(), code.end().unwrap());
    writeln!(text, "code {} in {:?}, {start:#x} to {end:#x}", code.index(), code.parent()).unwrap();
    for &field in tree.pyc.version.unwrap().layout.fields() {
        match field {
            Field::Short(number) | Field::Long(number) => {
                writeln!(text, "  {number:?} {}", code.number(number).unwrap()).unwrap();
            }
            Field::Object(object) => {
                let value = code.object(object).unwrap();
                write!(text, "  {} ", object.name()).unwrap();
                dump_value(value, text);
                text.push('\n');
            }
            Field::RawKinds => writeln!(text, "  kinds {}", name::hex(code.localspluskinds())).unwrap(),
        }
    }
}

fn dump_value(value: Value<'_>, text: &mut String) {
    match value {
        Value::Text(part) => write!(text, "`{}`", part.to_name()).unwrap(),
        Value::Bytes(bytes) if bytes.is_ascii() && bytes.iter().all(|byte| *byte >= b' ') => {
            write!(text, "b`{}`", Name::new(bytes)).unwrap();
        }
        Value::Bytes(bytes) => write!(text, "{}", name::hex(bytes)).unwrap(),
        Value::Int(number) => write!(text, "{number}").unwrap(),
        Value::Long(long) => write!(text, "{}L", long.to_i128().unwrap()).unwrap(),
        Value::Float(number) => write!(text, "{number:?}").unwrap(),
        Value::FloatText(number) => write!(text, "float {}", name::shown(number)).unwrap(),
        Value::Complex { real, imag } => write!(text, "{real:?}+{imag:?}j").unwrap(),
        Value::Code(code) => write!(text, "code {}", code.index()).unwrap(),
        _ => {
            text.push_str(value.type_name());
            if let Some(items) = value.items() {
                text.push('(');
                for (place, item) in items.iter().enumerate() {
                    text.push_str(if place == 0 { "" } else { ", " });
                    dump_value(item, text);
                }
                text.push(')');
            }
        }
    }
}

#[test]
fn every_field_of_a_real_pyc_is_read() {
    for path in fixtures() {
        let bytes = fs::read(&path).unwrap();
        insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), dump(&bytes));
    }
}

/// A module that has a function, of every layout that no real pyc here has.
fn forged() -> Vec<(String, Vec<u8>)> {
    let mut layouts: Vec<CodeLayout> = Vec::new();
    let mut files = Vec::new();
    for version in VERSIONS.iter().filter(|version| version.is_read()) {
        let is_real = matches!(version.layout, CodeLayout::L23 | CodeLayout::L30 | CodeLayout::L38 | CodeLayout::L311);
        if is_real || layouts.contains(&version.layout) {
            continue;
        }
        layouts.push(version.layout);
        let function = forge::pyc::Code::function(version, "f", &["left", "right"]);
        let consts = vec![
            forge::pyc::Value::None,
            forge::pyc::Value::Float(1.5),
            forge::pyc::Value::Int(-1),
            forge::pyc::Value::Str("text".to_owned()),
            forge::pyc::Value::Code(Box::new(function)),
        ];
        let bytes = forge::Pyc::version(version).consts(consts).names(&["f"]).trailing(*b"!").build();
        files.push((format!("forged-{:?}", version.layout), bytes));
    }
    files
}

#[test]
fn every_field_of_a_forged_pyc_is_read() {
    let files = forged();
    assert_eq!(files.len(), 13);
    for (name, bytes) in files {
        insta::assert_snapshot!(name, dump(&bytes));
    }
}

#[test]
fn checked_and_unchecked_files_differ_in_one_bit_of_the_header() {
    for path in fixtures() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(start) = name.strip_suffix("-unchecked.pyc") else { continue };
        let unchecked = fs::read(&path).unwrap();
        let mut checked = fs::read(path.with_file_name(format!("{start}-checked.pyc"))).unwrap();
        assert_eq!(checked[4], 3);
        checked[4] = 1;
        assert!(checked == unchecked, "{name}");
    }
}
