//! Damaged files: no panic, no offset outside the file, and nothing taken for sound that is cut.

use std::fs;

use pycaudit::forge;
use pycaudit::forge::pyc::Value;
use pycaudit::limits::Limits;
use pycaudit::problem::Parsed;
use pycaudit::problem::ProblemKind;
use pycaudit::pyc;
use pycaudit::pyc::OddityKind;
use pycaudit::pyc::Pyc;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::Tree;

use crate::versions::fixtures;

/// Parses, and looks whether every offset lies in the file.
fn parse(bytes: &[u8], scratch: &mut Scratch) -> Parsed<Pyc> {
    let Parsed { value: tree, problems } = pyc::read(bytes, &Limits::default(), scratch);
    walk(&tree, bytes.len());
    let parsed = Parsed { value: tree.pyc, problems };
    let length = bytes.len() as u64;
    for problem in &parsed.problems {
        assert!(problem.offset.is_some_and(|offset| offset <= length), "{problem:?} of {length}");
    }
    let pyc = &parsed.value;
    assert!(pyc.trailing <= length);
    assert!(pyc.body_offset.is_none_or(|offset| offset <= length));
    assert!(pyc.body.root().is_none_or(|root| root.offset < length && root.end <= length));
    assert!(pyc.oddities.iter().all(|oddity| oddity.offset < length));
    assert!(pyc.unusual_types.iter().all(|unusual| unusual.offset < length));
    parsed
}

/// Looks at every field of every code object that was read.
fn walk(tree: &Tree<'_>, length: usize) {
    for code in tree.codes() {
        let items = code.consts().len() + code.names().len() + code.varnames().len() + code.localsplusnames().len();
        let runs = code.code().len() + code.linetable().len() + code.exceptiontable().len();
        assert!(items <= length && runs <= length);
        for value in code.consts().iter() {
            assert!(value.type_name() != "");
        }
        let _ = (code.filename().map(pyc::Text::to_name), code.qualname().map(pyc::Text::to_name), code.nlocals());
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_never_sound() {
    let mut scratch = Scratch::default();
    for path in fixtures() {
        let bytes = fs::read(&path).unwrap();
        assert!(parse(&bytes, &mut scratch).value.body.is_code());
        // The same source under another header: what follows the header is in one of the three.
        let lengths = if path.to_str().unwrap().ends_with("-timestamp.pyc") { bytes.len() } else { 32 };
        for length in 0..lengths {
            let parsed = parse(&bytes[..length], &mut scratch);
            assert!(!parsed.value.body.is_code(), "{} at {length}: {parsed:?}", path.display());
            assert!(!parsed.problems.is_empty());
        }
    }
}

#[test]
fn a_changed_byte_in_the_head_is_survived() {
    let mut scratch = Scratch::default();
    for path in fixtures() {
        let mut bytes = fs::read(&path).unwrap();
        for place in 0..64.min(bytes.len()) {
            let before = bytes[place];
            for value in [0, 1, 0x28, 0x63, 0x72, 0x7f, 0x80, 0xe3, 0xff, before ^ 0x80, before.wrapping_add(1)] {
                bytes[place] = value;
                parse(&bytes, &mut scratch);
            }
            bytes[place] = before;
        }
    }
}

#[test]
fn a_changed_byte_anywhere_is_survived() {
    let mut scratch = Scratch::default();
    for path in fixtures().iter().filter(|path| path.to_str().unwrap().ends_with("-timestamp.pyc")) {
        let mut bytes = fs::read(path).unwrap();
        for place in 0..bytes.len() {
            let before = bytes[place];
            bytes[place] = 0xff;
            parse(&bytes, &mut scratch);
            bytes[place] = before ^ 0x80;
            parse(&bytes, &mut scratch);
            bytes[place] = before;
        }
    }
}

/// What is read of a module with these marshalled bytes as its second constant.
fn with_constant(python: &str, constant: Vec<u8>) -> Parsed<Pyc> {
    let mut scratch = Scratch::default();
    let bytes = forge::Pyc::python(python).consts(vec![Value::None, Value::Raw(constant)]).build();
    parse(&bytes, &mut scratch)
}

fn kinds(parsed: &Parsed<Pyc>) -> Vec<ProblemKind> {
    parsed.problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn tuples_nested_deeper_than_an_interpreter_reads_stop_the_reading() {
    // The code object, its constants and 1,997 tuples around a leaf are 2,000 deep.
    let nested = |depth: usize| [b")\x01".repeat(depth), b"N".to_vec()].concat();
    assert!(with_constant("3.12", nested(1_997)).value.body.is_code());
    assert_eq!(kinds(&with_constant("3.12", nested(1_998))), [ProblemKind::MarshalDepth]);
    assert_eq!(kinds(&with_constant("3.12", nested(1_000_000))), [ProblemKind::MarshalDepth]);
}

#[test]
fn a_million_claimed_items_cost_no_memory() {
    let parsed = with_constant("3.12", b"(\xff\xff\xff\x7f".to_vec());
    assert_eq!(kinds(&parsed), [ProblemKind::LengthBeyondData]);
    assert_eq!(parsed.value.overlong, Some(0x7fff_ffff));
}

#[test]
fn a_file_of_nothing_but_small_objects_stops_at_the_limit() {
    let limits = Limits { marshal_objects: 1_000, ..Limits::default() };
    let mut scratch = Scratch::default();
    let tuple =
        |item: &[u8], count: u32| [b"(".as_slice(), &count.to_le_bytes(), &item.repeat(count as usize)].concat();
    for constant in [tuple(b"N", 1_001), tuple(b"z\0", 1_001), tuple(b")\x01N", 600), tuple(b"{NN0", 600)] {
        let bytes = forge::Pyc::python("3.12").consts(vec![Value::None, Value::Raw(constant)]).build();
        let parsed = pyc::parse(&bytes, &limits, &mut scratch);
        assert_eq!(kinds(&parsed), [ProblemKind::MarshalObjects]);
        assert!(!parsed.value.body.is_code());
    }
}

#[test]
fn names_and_kinds_that_all_code_objects_share_are_looked_at_once() {
    const MANY: u32 = 40_000;
    let string = |bytes: &[u8]| [b"s".as_slice(), &u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat();
    let tuple = |letter: u8, count: u32, items: &[u8]| [&[letter][..], &count.to_le_bytes(), items].concat();
    // The module is reference 0, the names are 1, the kinds are 2; the code objects refer to them as names and as variables.
    let names = tuple(b'(' | 0x80, MANY, &b"z\x01a".repeat(MANY as usize));
    let mut kinds = string(&vec![0x20; MANY as usize]);
    kinds[0] |= 0x80;
    let code = [
        b"c".as_slice(),
        &[0; 20],
        &string(b"\x97\0S\0"),
        b")\0r\x01\0\0\0r\x01\0\0\0r\x02\0\0\0z\x01fz\x01fz\x01f\x01\0\0\0",
        &string(b""),
        &string(b""),
    ];
    let items = [names, kinds, code.concat().repeat(MANY as usize)].concat();
    // Looked at for each of them, this would be 1.6 * 10^9 steps.
    let parsed = with_constant("3.12", tuple(b'(', MANY + 2, &items));
    assert!(parsed.problems.is_empty() && parsed.value.body.root().unwrap().code_objects == MANY as usize + 1);
}

#[test]
fn references_that_double_with_each_level_are_not_expanded() {
    // The module is flagged, so it is reference 0 and the first tuple is 1.
    let mut levels = b"\xa9\x02NN".to_vec();
    for level in 1..100_u32 {
        let reference = [b"r".as_slice(), &level.to_le_bytes()].concat();
        levels.extend_from_slice(&[b"\xa9\x02".as_slice(), &reference, &reference].concat());
    }
    let mut constant = b"(\x64\0\0\0".to_vec();
    constant.extend_from_slice(&levels);
    assert!(with_constant("3.12", constant).value.body.is_code());
}

#[test]
fn a_tuple_that_holds_itself_is_told_and_read_as_an_interpreter_reads_it() {
    let parsed = with_constant("3.12", b"\xa9\x01r\x01\0\0\0".to_vec());
    assert_eq!(kinds(&parsed), [ProblemKind::UnfinishedReference]);
    assert!(parsed.value.body.is_code());
    let parsed = with_constant("3.12", b"\xbe\x01\0\0\0r\x01\0\0\0".to_vec());
    assert_eq!(kinds(&parsed), [ProblemKind::UnfinishedReference]);
    assert!(!parsed.value.body.is_code());
}

#[test]
fn a_flag_on_none_takes_a_place_in_pypy_alone() {
    // CPython has the flagged module in place 0 and nothing behind it; PyPy does not flag the module.
    let cpython = with_constant("3.12", b")\x02\xcer\x01\0\0\0".to_vec());
    assert_eq!(kinds(&cpython), [ProblemKind::BadReference]);
    let pypy = with_constant("PyPy 3.9", b")\x02\xcer\0\0\0\0".to_vec());
    assert!(pypy.value.body.is_code(), "{:?}", pypy.problems);
}

#[test]
fn bytes_beyond_ascii_in_an_ascii_string_are_refused_by_pypy_alone() {
    let constant = b"z\x01\xff".to_vec();
    assert!(with_constant("3.8", constant.clone()).value.body.is_code());
    let pypy = with_constant("PyPy 3.9", constant);
    assert_eq!(kinds(&pypy), [ProblemKind::BadUtf8]);
    assert!(!pypy.value.body.is_code());
}

#[test]
fn more_arguments_than_names_are_refused_since_3_6() {
    let mut scratch = Scratch::default();
    for (python, is_refused) in
        [("2.7", false), ("3.5", false), ("3.6", true), ("3.10", true), ("3.12", true), ("PyPy 3.9", false)]
    {
        let bytes = forge::Pyc::python(python).edit(|code| code.argcount = 2).build();
        let parsed = parse(&bytes, &mut scratch);
        assert_eq!(kinds(&parsed) == [ProblemKind::FieldCounts], is_refused, "{python}");
        let is_odd = parsed.value.oddities.iter().any(|oddity| oddity.kind == OddityKind::CountsDisagree);
        assert_eq!(is_odd, !is_refused, "{python}");
    }
}

#[test]
fn a_body_of_another_version_is_read_by_the_layout_that_fits() {
    let mut scratch = Scratch::default();
    let header = forge::Pyc::python("2.7").build_header();
    let parsed = parse(&forge::Pyc::python("3.12").header(header).build(), &mut scratch);
    let fit = parsed.value.fit.unwrap();
    assert!(fit.is_other_layout() && !fit.is_odd_header());
    assert_eq!(fit.versions, "CPython 3.11 to 3.16");
    assert_eq!(kinds(&parsed), [ProblemKind::LayoutMismatch]);
}

#[test]
fn a_header_that_pytest_wrote_is_no_problem_and_is_told() {
    let mut scratch = Scratch::default();
    for python in ["2.7", "3.7", "3.8"] {
        let header = [&forge::Pyc::python(python).build_header()[..4], b"mtimsize"].concat();
        let parsed = parse(&forge::Pyc::python(python).header(header).build(), &mut scratch);
        assert!(parsed.problems.is_empty() && parsed.value.body.is_code(), "{python}");
        assert_eq!(
            parsed.value.fit.map(|fit| (fit.offset, fit.is_odd_header(), fit.is_other_layout())),
            Some((12, true, false))
        );
        assert_eq!(parsed.value.header.unwrap().mtime(), Some(u32::from_le_bytes(*b"mtim")));
    }
}

#[test]
fn marshalled_code_without_a_header_is_read_from_the_first_byte() {
    let mut scratch = Scratch::default();
    let parsed = parse(&forge::Pyc::python("3.8").build_body(), &mut scratch);
    assert_eq!(parsed.value.fit.map(|fit| (fit.offset, fit.expected_offset)), Some((0, None)));
    assert_eq!(kinds(&parsed), [ProblemKind::UnknownMagic]);
    assert!(parsed.value.version.is_none() && parsed.value.body.is_code());
}

#[test]
fn a_list_as_a_key_or_item_is_refused() {
    for constant in [b"{[\0\0\0\0N0".to_vec(), b"<\x01\0\0\0[\0\0\0\0".to_vec(), b">\x01\0\0\0)\x01[\0\0\0\0".to_vec()]
    {
        let parsed = with_constant("3.12", constant);
        assert_eq!(kinds(&parsed), [ProblemKind::Unhashable]);
        assert!(parsed.value.body.root().is_some_and(|root| root.whole));
    }
}
