//! Code objects as the interpreters see them: tests/oracle/code.py asks each what it makes of its own bytecode, and every line of
//! the answer has to be ours.
//!
//! The answers in tests/fixtures/code are always compared; a folder of more, named by `PYCAUDIT_CODE_DUMPS`, where it is set.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Code;
use pycaudit::pyc::OddityKind;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::Text;
use pycaudit::pyc::Tree;
use pycaudit::pyc::Value;
use pycaudit::pyc::Version;
use pycaudit::pyc::code::KIND_CELL;
use pycaudit::pyc::code::KIND_FREE;
use pycaudit::pyc::code::KIND_LOCAL;
use pycaudit::pyc::exceptions::Handlers;
use pycaudit::pyc::instruction::Instructions;
use pycaudit::pyc::instruction::Operand;
use pycaudit::pyc::lines;
use pycaudit::pyc::lines::LineFormat;
use pycaudit::pyc::lines::Position;
use pycaudit::pyc::lines::Positions;
use pycaudit::pyc::objects::Items;
use pycaudit::pyc::opcodes::Argument;
use pycaudit::pyc::opcodes::Opcodes;
use pycaudit::pyc::walk;
use pycaudit::pyc::walk::Walk;

/// A constant longer than this is given as its checksum.
const LONGEST: usize = 48;

/// Bytes in one line, as the oracle writes them.
fn shown(bytes: &[u8]) -> String {
    if !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, 33..=126) && *byte != b'\\') {
        return String::from_utf8(bytes.to_vec()).unwrap();
    }
    let mut text = String::from("\\");
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn text(text: Text<'_>) -> String {
    shown(&text.to_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The hexadecimal digits of an integer of digits of 15 bits.
fn long(digits: impl Iterator<Item = u16>) -> String {
    let mut bits: Vec<bool> = digits.flat_map(|digit| (0..15).map(move |bit| digit >> bit & 1 == 1)).collect();
    while !bits.len().is_multiple_of(4) {
        bits.push(false);
    }
    let nibbles = bits.chunks(4).rev().map(|bits| bits.iter().rev().fold(0, |value, bit| value << 1 | u32::from(*bit)));
    let text: String = nibbles.map(|nibble| char::from_digit(nibble, 16).unwrap()).collect();
    let text = text.trim_start_matches('0');
    if text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

fn items(items: Items<'_>) -> Vec<String> {
    items.iter().map(constant).collect()
}

fn constant(value: Value<'_>) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::True => "True".to_owned(),
        Value::False => "False".to_owned(),
        Value::Ellipsis => "...".to_owned(),
        Value::StopIteration => "StopIteration".to_owned(),
        Value::Int(number) => format!("i{}{:x}", if number < 0 { "-" } else { "" }, number.unsigned_abs()),
        Value::Long(number) => format!("i{}{}", if number.negative { "-" } else { "" }, long(number.digits())),
        Value::Float(number) => format!("f{}", hex(&number.to_le_bytes())),
        Value::Complex { real, imag } => format!("j{}{}", hex(&real.to_le_bytes()), hex(&imag.to_le_bytes())),
        Value::Bytes(bytes) => format!("b{}", shown(bytes)),
        Value::Text(value) => format!("s{}", text(value)),
        Value::Tuple(value) => format!("({})", items(value).join(",")),
        Value::FrozenSet(value) => {
            let mut items = items(value);
            items.sort();
            format!("{{{}}}", items.join(","))
        }
        Value::Slice(value) => format!("[{}]", items(value).join(",")),
        Value::Code(code) => format!("code {}", text(code.name().unwrap())),
        other => format!("unexpected {}", other.type_name()),
    }
}

fn short(text: String) -> String {
    if text.len() <= LONGEST { text } else { format!("#{:08x}", crc32fast::hash(text.as_bytes())) }
}

/// The lines about one code object.
fn describe(code: Code<'_>, version: &Version, out: &mut Vec<String>) {
    let opcodes = Opcodes::of(version).unwrap();
    let is_311 = version.series >= (3, 11);
    let mut line = format!("code\t{}\t{}", code.index(), text(code.name().unwrap()));
    let counts = [code.argcount(), code.posonlyargcount(), code.kwonlyargcount(), code.nlocals(), code.stacksize()];
    for count in counts.into_iter().chain([code.flags(), code.firstlineno().unwrap()]) {
        write!(line, "\t{count}").unwrap();
    }
    write!(line, "\t{}", code.code().len()).unwrap();
    if is_311 {
        write!(line, "\t{}", text(code.qualname().unwrap())).unwrap();
    }
    out.push(line);
    let mut names = |letter: &str, names: Vec<Value<'_>>| {
        let names = names.into_iter().map(|name| format!("\t{}", text(name.as_name().unwrap())));
        out.push(format!("{letter}{}", names.collect::<String>()));
    };
    names("n", code.names().iter().collect());
    if is_311 {
        for (letter, kind) in [("v", KIND_LOCAL), ("c", KIND_CELL), ("f", KIND_FREE)] {
            let kinds = code.localspluskinds().iter();
            let row = code.localsplusnames().iter().zip(kinds).filter(|(_, found)| **found & kind != 0);
            names(letter, row.map(|(name, _)| name).collect());
        }
    } else {
        names("v", code.varnames().iter().collect());
        names("c", code.cellvars().iter().collect());
        names("f", code.freevars().iter().collect());
    }
    out.extend(code.consts().iter().map(|value| format!("k\t{}", short(constant(value)))));
    describe_instructions(code, opcodes, out);
    describe_tables(code, version, out);
}

fn describe_instructions(code: Code<'_>, opcodes: &'static Opcodes, out: &mut Vec<String>) {
    for instruction in Instructions::new(code.code(), opcodes) {
        let argument = instruction.argument();
        let arg = if argument == Argument::None { "-".to_owned() } else { instruction.arg.to_string() };
        let value = match instruction.operand(code, opcodes) {
            // The oracle has functions and types for these.
            Operand::Word(_) if argument == Argument::CommonConstant => "-".to_owned(),
            Operand::None | Operand::Number(_) => "-".to_owned(),
            Operand::Const(value) => short(constant(value)),
            Operand::Name(name) | Operand::Local(name) | Operand::Cell(name) => format!("={}", text(name)),
            Operand::Pair(first, second) => format!("={},{}", text(first), text(second)),
            Operand::Target(target) => format!(">{target}"),
            Operand::Word(word) => format!("={}", shown(word.as_bytes())),
            Operand::OutOfRange => "out of range".to_owned(),
        };
        out.push(format!("i\t{}\t{}\t{arg}\t{value}", instruction.offset, instruction.name()));
    }
}

fn describe_tables(code: Code<'_>, version: &Version, out: &mut Vec<String>) {
    let word = |line: Option<i64>| line.map_or("-".to_owned(), |line| line.to_string());
    let (ranges, faults) = lines::line_ranges(code, version);
    out.extend(faults.iter().map(|fault| format!("{fault:?}")));
    let format = LineFormat::of(version);
    for range in ranges {
        let line = word(range.line.map(i64::from));
        out.push(match format {
            LineFormat::Unsigned | LineFormat::Signed => format!("l\t{}\t{line}", range.start),
            _ => format!("l\t{}\t{}\t{line}", range.start, range.end),
        });
    }
    if format != LineFormat::Positions {
        return;
    }
    let mut last: Option<(Position, u64)> = None;
    let mut write = |(position, units): (Position, u64)| {
        let columns = [position.column, position.end_column].map(|column| word(column.map(i64::from)));
        let lines = [position.line, position.end_line].map(|line| word(line.map(i64::from)));
        out.push(format!("p\t{units}\t{}\t{}", lines.join("\t"), columns.join("\t")));
    };
    for entry in Positions::of(code) {
        let entry = entry.unwrap();
        let units = (entry.end - entry.start) / 2;
        last = match last {
            Some((position, count)) if position == entry.position => Some((position, count + units)),
            other => {
                other.map(&mut write);
                Some((entry.position, units))
            }
        };
    }
    last.map(&mut write);
    for handler in Handlers::new(code.exceptiontable()) {
        let handler = handler.unwrap();
        let (start, end, target) = (handler.start, handler.end, handler.target);
        out.push(format!("x\t{start}\t{end}\t{target}\t{}\t{}", handler.depth, u8::from(handler.lasti)));
    }
}

/// What was compared: how many lines of each kind, and which differ.
#[derive(Default)]
struct Comparison {
    modules: usize,
    counts: BTreeMap<String, usize>,
    differences: Vec<String>,
    oddities: Vec<String>,
}

impl Comparison {
    fn compare(&mut self, path: &Path, scratch: &mut Scratch, walk: &mut Walk) {
        let bytes = fs::read(path).unwrap();
        let wanted = fs::read_to_string(path.with_extension("txt")).unwrap();
        let parsed = pyc::read(&bytes, &Limits::default(), scratch);
        let tree: Tree<'_> = parsed.value;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !parsed.problems.is_empty() {
            self.differences.push(format!("{name}: {:?}", parsed.problems));
            return;
        }
        self.modules += 1;
        for oddity in walk::oddities(&tree, walk) {
            self.oddities.push(format!("{name}: {oddity:?}"));
        }
        let mut found = Vec::new();
        for code in tree.codes() {
            describe(code, tree.pyc.version.unwrap(), &mut found);
        }
        let wanted: Vec<_> = wanted.lines().collect();
        for line in &wanted {
            *self.counts.entry(line.split('\t').next().unwrap().to_owned()).or_default() += 1;
        }
        if found.len() != wanted.len() {
            self.differences.push(format!("{name}: {} lines, {} by the interpreter", found.len(), wanted.len()));
        }
        let mut code = "";
        for (found, wanted) in found.iter().zip(&wanted) {
            if wanted.starts_with("code\t") {
                code = wanted;
            }
            if found != wanted {
                self.differences.push(format!("{name}: in {code:?}: {found:?}, {wanted:?} by the interpreter"));
                break;
            }
        }
    }
}

/// The folders of answers below a folder, one for each interpreter.
fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

#[expect(clippy::print_stdout, reason = "the counts are the result of a run over whole standard libraries")]
fn compare_all(root: &Path) -> usize {
    let (mut scratch, mut walk) = (Scratch::default(), Walk::default());
    let mut wrong = String::new();
    let folders = folders(root);
    for folder in &folders {
        let mut comparison = Comparison::default();
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "pyc"));
        files.sort();
        for path in files {
            comparison.compare(&path, &mut scratch, &mut walk);
        }
        let name = folder.file_name().unwrap().to_string_lossy();
        println!(
            "{name}: {} modules, {:?}, {} differ, {} odd",
            comparison.modules,
            comparison.counts,
            comparison.differences.len(),
            comparison.oddities.len()
        );
        for line in comparison.differences.iter().chain(&comparison.oddities).take(12) {
            writeln!(wrong, "{name}: {line}").unwrap();
        }
        assert!(comparison.modules > 0, "{name} is empty");
    }
    assert!(wrong.is_empty(), "{wrong}");
    folders.len()
}

#[test]
fn code_is_what_the_interpreters_say_it_is() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code");
    assert_eq!(compare_all(&fixtures), 12);
}

#[test]
fn code_of_whole_standard_libraries_is_what_the_interpreters_say_it_is() {
    let Some(folder) = std::env::var_os("PYCAUDIT_CODE_DUMPS") else {
        println!("PYCAUDIT_CODE_DUMPS is not set: nothing was checked");
        return;
    };
    compare_all(Path::new(&folder));
}

/// Everything that reads code, over damaged bytes: nothing may panic, and every place is inside the file.
fn read_all(bytes: &[u8], scratch: &mut Scratch, walk: &mut Walk) {
    let tree = pyc::read(bytes, &Limits::default(), scratch).value;
    for oddity in walk::oddities(&tree, walk) {
        assert!(oddity.offset <= bytes.len() as u64, "{oddity:?}");
    }
    let Some(version) = tree.pyc.version else { return };
    let Some(opcodes) = Opcodes::near(version) else { return };
    for code in tree.codes() {
        let mut before = 0;
        for instruction in Instructions::new(code.code(), opcodes) {
            let ends = [instruction.start, instruction.offset, instruction.caches_start, instruction.end];
            assert!(instruction.start == before && ends.is_sorted() && ends[0] < ends[3], "{instruction:?}");
            before = instruction.end;
            assert!(!format!("{:?}", instruction.operand(code, opcodes)).is_empty());
        }
        assert!(before as usize >= code.code().len());
        let (ranges, _) = lines::line_ranges(code, version);
        assert!(ranges.iter().all(|range| range.start < range.end && range.end <= code.code().len() as u64));
        assert!(ranges.is_sorted_by_key(|range| range.start));
        assert!(Positions::of(code).count() <= code.linetable().len());
        assert!(Handlers::new(code.exceptiontable()).count() <= code.exceptiontable().len());
    }
}

#[test]
fn damaged_code_is_read_to_its_end() {
    let (mut scratch, mut walk) = (Scratch::default(), Walk::default());
    for folder in folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code")) {
        let bytes = fs::read(folder.join("classic.pyc")).unwrap();
        // One byte in eleven, each in one of four ways, which differ between interpreters.
        let series = folder.file_name().unwrap().len();
        for place in (16..bytes.len()).step_by(11) {
            let mut changed = bytes.clone();
            changed[place] = [0x7f, 0x80, 0xff, bytes[place] ^ 1][(place / 11 + series) % 4];
            read_all(&changed, &mut scratch, &mut walk);
        }
        for end in (0..bytes.len()).step_by(61) {
            read_all(&bytes[..end], &mut scratch, &mut walk);
        }
    }
}

/// A pyc of 3.8 in which many code objects are the same two bytes of header and one shared byte string of instructions.
fn shared_instructions(codes: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0x55, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let numbers = [0_u8; 24];
    let (empty, name) = (&b")\0"[..], &b"z\x01a"[..]);
    let rest = [empty, empty, empty, empty, name, name, &[0; 4], b"s\0\0\0\0"].concat();
    // The outer one has the instructions as the first object that can be referred to.
    bytes.push(b'c');
    bytes.extend(numbers);
    bytes.push(b's' | 0x80);
    bytes.extend(u32::try_from(length).unwrap().to_le_bytes());
    bytes.extend(std::iter::repeat_n([9, 0], length / 2).flatten());
    bytes.extend([b')', codes]);
    for _ in 0..codes {
        bytes.push(b'c');
        bytes.extend(numbers);
        bytes.extend([b'r', 0, 0, 0, 0]);
        bytes.extend([empty, &rest].concat());
    }
    bytes.extend(rest);
    bytes
}

#[test]
fn shared_instructions_are_not_walked_more_often_than_the_file_is_long() {
    let (mut scratch, mut walk) = (Scratch::default(), Walk::default());
    let mut kinds = |codes| {
        let bytes = shared_instructions(codes, 1 << 20);
        let parsed = pyc::read(&bytes, &Limits::default(), &mut scratch);
        assert_eq!(parsed.problems, []);
        let found = walk::oddities(&parsed.value, &mut walk);
        (found.len(), found.last().unwrap().kind)
    };
    assert_eq!(kinds(5), (6, OddityKind::FallsOffEnd));
    assert_eq!(kinds(200), (9, OddityKind::NotWalked));
}

/// A byte string as marshal writes it.
fn marshalled(bytes: &[u8]) -> Vec<u8> {
    [b"s".as_slice(), &u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

/// A module of 3.8 with one constant and no names.
fn module_38(code: &[u8], lnotab: &[u8]) -> Vec<u8> {
    let head = b"\x55\x0d\x0d\x0a\0\0\0\0\0\0\0\0\0\0\0\0c".as_slice();
    let fields = b")\x01N)\0)\0)\0)\0z\x01az\x01a\x01\0\0\0".as_slice();
    [head, &[0; 24], &marshalled(code), fields, &marshalled(lnotab)].concat()
}

/// A module of 3.12 with one constant and no names.
fn module_312(code: &[u8], positions: &[u8], exceptions: &[u8]) -> Vec<u8> {
    let head = b"\xcb\x0d\x0d\x0a\0\0\0\0\0\0\0\0\0\0\0\0c".as_slice();
    let fields = b")\x01N)\0)\0s\0\0\0\0z\x01az\x01az\x01a\x01\0\0\0".as_slice();
    [head, &[0; 20], &marshalled(code), fields, &marshalled(positions), &marshalled(exceptions)].concat()
}

#[test]
fn each_oddity_of_code_is_told_from_the_others() {
    use OddityKind as Odd;
    // RETURN_CONST 0 of 3.12, and a table without positions for some code units.
    const RETURN: [u8; 2] = [121, 0];
    let covered = |units: u8| [0xf8 | (units - 1)];
    let cases: &[(Vec<u8>, &[OddityKind])] = &[
        (module_38(&[100, 0, 83, 0], &[]), &[]),
        (module_38(&[255, 0, 83, 0], &[]), &[Odd::UndefinedOpcode]),
        (module_38(&[100, 1, 83, 0], &[]), &[Odd::OperandOutOfRange]),
        (module_38(&[101, 0, 83, 0], &[]), &[Odd::OperandOutOfRange]),
        (module_38(&[1, 7, 83, 0], &[]), &[Odd::NeedlessOperand]),
        (module_38(&[100, 0], &[]), &[Odd::FallsOffEnd]),
        (module_38(&[100, 0, 144, 0], &[]), &[Odd::CutInstruction]),
        (module_38(&[113, 6, 83, 0], &[]), &[Odd::JumpOutsideCode]),
        (module_38(&[113, 3, 83, 0], &[]), &[Odd::JumpIntoInstruction]),
        (module_38(&[144, 0, 144, 0, 144, 0, 144, 0, 100, 0, 83, 0], &[]), &[Odd::LongPrefixChain]),
        (module_38(&[144, 0, 113, 2, 83, 0], &[]), &[Odd::JumpIntoInstruction]),
        (module_38(&[100, 0, 83, 0], &[0]), &[Odd::DamagedLineTable]),
        (module_312(&RETURN, &covered(1), &[]), &[]),
        (module_312(&RETURN, &[], &[]), &[Odd::ShortLineTable]),
        (module_312(&RETURN, &covered(2), &[]), &[Odd::LongLineTable]),
        (module_312(&RETURN, &[0x01], &[]), &[Odd::DamagedLineTable]),
        (module_312(&RETURN, &covered(1), &[0x80, 1, 0, 0]), &[]),
        (module_312(&RETURN, &covered(1), &[0x80, 2, 0, 0]), &[Odd::ExceptionTableOutsideCode]),
        (module_312(&RETURN, &covered(1), &[0x80, 1, 5, 0]), &[Odd::ExceptionTableOutsideCode]),
        (module_312(&RETURN, &covered(1), &[0x80, 1]), &[Odd::DamagedExceptionTable]),
        (module_312(&RETURN, &covered(1), &[0x80, 1, 0, 0, 0x80, 1, 0, 0]), &[Odd::DamagedExceptionTable]),
        // BINARY_SUBSCR has one cache; CACHE is no instruction of its own; 237 stands in for LOAD_SUPER_ATTR, which has one as well.
        (module_312(&[25, 0], &covered(1), &[]), &[Odd::CutCache]),
        (module_312(&[25, 0, 1, 0, 121, 0], &covered(3), &[]), &[Odd::FilledCache]),
        (module_312(&[0, 0, 121, 0], &covered(2), &[]), &[Odd::InterpreterOpcode]),
        (module_312(&[237, 0, 0, 0, 121, 0], &covered(3), &[]), &[Odd::InterpreterOpcode]),
    ];
    let (mut scratch, mut walk) = (Scratch::default(), Walk::default());
    for (place, (bytes, wanted)) in cases.iter().enumerate() {
        let parsed = pyc::read(bytes, &Limits::default(), &mut scratch);
        assert_eq!(parsed.problems, [], "case {place}");
        let found = walk::oddities(&parsed.value, &mut walk);
        let mut found: Vec<_> = found.into_iter().map(|oddity| oddity.kind).collect();
        // The cases are short and do without; the rule about it has cases of its own.
        found.retain(|&kind| kind != Odd::NoResume);
        assert_eq!(&found, wanted, "case {place}");
    }
}
