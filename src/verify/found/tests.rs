//! Every path of real code is walked: nothing that a compiler wrote may be foreign or faulty.
//!
//! The fixtures are always walked; folders named by `PYCAUDIT_FOUND` (separated by colons), where it is set, besides.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::forge::pyc as forge;
use crate::forge::pyc::Value;
use crate::limits::Limits;
use crate::pyc;
use crate::pyc::Code;
use crate::pyc::Scratch;
use crate::pyc::Version;
use crate::pyc::opcodes::Op as Opcode;
use crate::pyc::opcodes::Opcodes;
use crate::pyc::versions::VERSIONS;
use crate::verify::Pool;
use crate::verify::event::Op;
use crate::verify::event::Symbol;

use super::Fault;
use super::Machine;
use super::Next;
use super::Room;
use super::State;

/// What a walk saw.
#[derive(Default)]
struct Seen {
    codes: usize,
    states: usize,
    events: usize,
    /// What must not be, with how often, and where first.
    wrong: BTreeMap<String, (usize, String)>,
    /// Code objects with more states than are looked at.
    unfinished: usize,
    /// How many states of a code object are looked at.
    most: usize,
}

const MOST_STATES: usize = 200_000;

impl Seen {
    fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    fn wrong(&mut self, what: String, place: String) {
        self.wrong.entry(what).or_insert((0, place)).0 += 1;
    }

    fn code(&mut self, code: Code<'_>, version: &Version, path: &Path) {
        self.codes += 1;
        let mut pool = Pool::default();
        let name = code.qualname().or(code.name()).map(|name| name.to_name().to_string()).unwrap_or_default();
        let machine = match Machine::new(code, version, &mut pool, Room::default()) {
            Ok(machine) => machine,
            Err(fault) => return self.wrong(format!("{fault:?}"), format!("{} {name}", path.display())),
        };
        let mut seen = HashSet::new();
        let mut waiting = vec![machine.entry()];
        let mut count = 0;
        while let Some(mut state) = waiting.pop() {
            count += 100_000;
            if !seen.insert(canonical(&state)) {
                continue;
            }
            if seen.len() > self.most {
                self.unfinished += 1;
                break;
            }
            let next = machine.step(&mut state, &mut pool);
            let place = |at: u32| format!("{} {name} at {at}, line {:?}", path.display(), machine.range(at).line);
            match next {
                Next::Event { event, at } => {
                    self.events += 1;
                    if let Op::Foreign(number, instruction) = event.op {
                        self.wrong(format!("foreign {number} {instruction:?}"), place(at));
                        continue;
                    }
                    if event.op.can_raise() {
                        waiting.extend(raised(&machine, &state, count));
                    }
                    if !event.op.is_end() {
                        let results: Vec<_> =
                            (0..).map(|result| Symbol::Id(count + result)).take(event.op.results()).collect();
                        machine.resume(&mut state, &results);
                        waiting.push(state);
                    }
                }
                Next::Test { .. } => {
                    waiting.extend(raised(&machine, &state, count));
                    for truth in [true, false] {
                        let mut state = state.clone();
                        machine.branch(&mut state, truth);
                        waiting.push(state);
                    }
                }
                Next::Iterate { .. } => {
                    waiting.extend(raised(&machine, &state, count));
                    let mut exhausted = state.clone();
                    machine.item(&mut state, Symbol::Id(count));
                    machine.exhausted(&mut exhausted);
                    waiting.extend([state, exhausted]);
                }
                Next::Fault { fault, at } => self.wrong(format!("{fault:?}"), place(at)),
            }
        }
        self.states += seen.len();
    }

    fn file(&mut self, path: &Path) {
        self.bytes(&fs::read(path).unwrap(), path);
    }

    fn bytes(&mut self, bytes: &[u8], path: &Path) {
        let mut scratch = Scratch::default();
        let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
        let Some(version) = tree.pyc.version.filter(|_| tree.pyc.body.is_code()) else { return };
        for code in tree.codes() {
            self.code(code, version, path);
        }
    }

    fn folder(&mut self, path: &Path) {
        let mut entries: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for entry in entries {
            if entry.is_dir() {
                self.folder(&entry);
            } else if entry.extension().is_some_and(|extension| extension == "pyc") {
                self.file(&entry);
            }
        }
    }

    fn report(&self) -> String {
        let mut text = String::new();
        for (what, (count, place)) in &self.wrong {
            writeln!(text, "{count} {what}, first {place}").unwrap();
        }
        text
    }
}

/// A state with its results numbered from 0.
fn canonical(state: &State) -> Vec<u32> {
    let (mut known, mut words) = (Vec::new(), Vec::new());
    assert!(state.words(&mut words, &mut |id| {
        let place = known.iter().position(|&other| other == id).unwrap_or_else(|| {
            known.push(id);
            known.len() - 1
        });
        u32::try_from(place).unwrap()
    }));
    words
}

/// The state in the handler of what a state raises.
fn raised(machine: &Machine<'_>, state: &State, exception: u32) -> Option<State> {
    let mut state = state.clone();
    let may_catch = machine.may_catch(&state);
    let is_caught = machine.raised(&mut state, exception);
    assert!(may_catch || !is_caught);
    is_caught.then_some(state)
}

#[test]
fn nothing_that_compilers_wrote_is_foreign_or_faulty() {
    let mut seen = Seen::new(MOST_STATES);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code");
    for python in fs::read_dir(root).unwrap() {
        let python = python.unwrap().path();
        if python.file_name().unwrap().to_str().unwrap().starts_with("cpython") {
            seen.folder(&python);
        }
    }
    assert_eq!(seen.report(), "");
    assert!(seen.codes > 100 && seen.unfinished == 0, "{} code objects", seen.codes);
}

#[test]
fn nothing_in_the_folders_that_are_named_is_foreign_or_faulty() {
    let folders = env::var("PYCAUDIT_FOUND").unwrap_or_default();
    let mut wrong = String::new();
    for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
        let mut seen = Seen::new(MOST_STATES);
        seen.folder(Path::new(folder));
        let Seen { codes, states, events, unfinished, .. } = seen;
        let counts = format!("{codes} code objects ({unfinished} not to their end), {states} states, {events} events");
        writeln!(std::io::stderr(), "{folder}: {counts}").unwrap();
        wrong += &seen.report();
    }
    assert_eq!(wrong, "");
}

#[test]
fn a_changed_byte_is_walked_without_a_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code");
    let mut seen = Seen::new(300);
    for python in ["2.7", "3.7", "3.8", "3.10", "3.11", "3.13", "3.15"] {
        let path = root.join(format!("cpython-{python}/classic.pyc"));
        let whole = fs::read(&path).unwrap();
        for place in (30..whole.len()).step_by(41) {
            let mut bytes = whole.clone();
            bytes[place] = [0, 0xff, bytes[place] ^ 1, bytes[place] ^ 0x10][place / 41 % 4];
            seen.bytes(&bytes, &path);
        }
    }
    assert!(seen.wrong.len() > 10, "{}", seen.report());
}

/// Code made of instructions, with its caches, behind the start that its version needs.
fn code(version: &Version, instructions: &[(Opcode, u8)]) -> Vec<u8> {
    let opcodes = Opcodes::of(version).unwrap();
    let mut bytes = Vec::new();
    let start = (version.series >= (3, 11)).then_some((Opcode::RESUME, 0));
    for (op, arg) in start.iter().chain(instructions) {
        let (number, row) =
            (0..=255).find_map(|number| Some((number, opcodes.row(number).filter(|row| row.op == *op)?))).unwrap();
        bytes.extend([number, *arg]);
        bytes.extend(vec![0; usize::from(row.caches) * 2]);
    }
    bytes
}

/// What a module of these instructions does, tests going the ways that are given and every event raising that is named.
fn run(python: &str, instructions: &[(Opcode, u8)], ways: &[bool], raises: &str) -> Vec<String> {
    run_in(forge::Pyc::python(python), instructions, ways, raises)
}

/// As `run`, of another code object.
fn run_in(pyc: forge::Pyc, instructions: &[(Opcode, u8)], ways: &[bool], raises: &str) -> Vec<String> {
    let pyc = pyc
        .names(&["a", "b"])
        .consts(vec![Value::None, Value::Tuple(vec![Value::Int(1), Value::Int(2)])])
        .edit(|made| made.stacksize = 12);
    let mut scratch = Scratch::default();
    let empty = pyc.build();
    let version = pyc::read(&empty, &Limits::default(), &mut scratch).value.pyc.version.unwrap();
    let bytes = pyc.edit(|made| made.code = Value::Bytes(code(version, instructions))).build();
    let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
    let mut pool = Pool::default();
    let machine = Machine::new(tree.root().unwrap(), version, &mut pool, Room::default()).unwrap();
    let (mut state, mut ways, mut seen) = (machine.entry(), ways.iter(), Vec::new());
    for id in (0..20).map(|step| step * 10) {
        match machine.step(&mut state, &mut pool) {
            Next::Event { event, .. } => {
                let name = format!("{:?}", event.op);
                let name = name.split('(').next().unwrap().to_owned();
                seen.push(format!("{name} {}", event.operands.len()));
                if name == raises {
                    match raised(&machine, &state, id) {
                        Some(handler) => state = handler,
                        None => break,
                    }
                } else if event.op.is_end() {
                    break;
                } else {
                    let results: Vec<_> = (id..).map(Symbol::Id).take(event.op.results()).collect();
                    machine.resume(&mut state, &results);
                }
            }
            Next::Test { .. } => {
                seen.push("Test".to_owned());
                machine.branch(&mut state, *ways.next().unwrap());
            }
            Next::Iterate { .. } => {
                seen.push("Iterate".to_owned());
                if *ways.next().unwrap() {
                    machine.item(&mut state, Symbol::Id(id));
                } else {
                    machine.exhausted(&mut state);
                }
            }
            Next::Fault { fault, .. } => {
                seen.push(format!("{fault:?}"));
                break;
            }
        }
    }
    seen
}

#[test]
fn a_jump_on_what_is_no_truth_value_is_foreign_from_3_13_on() {
    let end = [(Opcode::LOAD_CONST, 0), (Opcode::RETURN_VALUE, 0)];
    let plain = [&[(Opcode::LOAD_NAME, 0), (Opcode::POP_JUMP_IF_FALSE, 0)][..], &end].concat();
    let tested = [&[(Opcode::LOAD_NAME, 0), (Opcode::TO_BOOL, 0), (Opcode::POP_JUMP_IF_FALSE, 0)][..], &end].concat();
    assert_eq!(run("3.12", &plain, &[true], ""), ["Load 0", "Test", "Return 1"]);
    assert_eq!(run("3.13", &plain, &[], ""), ["Load 0", "Foreign 0"]);
    assert_eq!(run("3.13", &tested, &[true], ""), ["Load 0", "Test", "Return 1"]);
}

#[test]
fn half_of_a_method_is_no_value() {
    let method = [(Opcode::LOAD_NAME, 0), (Opcode::LOAD_ATTR, 3)];
    let called = [&method[..], &[(Opcode::CALL, 0), (Opcode::RETURN_VALUE, 0)]].concat();
    let returned = [&method[..], &[(Opcode::RETURN_VALUE, 0)]].concat();
    for python in ["3.12", "3.13", "3.14"] {
        assert_eq!(run(python, &called, &[], ""), ["Load 0", "LoadAttr 1", "Call 1", "Return 1"]);
        assert_eq!(run(python, &returned, &[], ""), ["Load 0", "LoadAttr 1", "NotAValue"]);
    }
}

#[test]
fn a_list_that_is_filled_from_a_constant_is_one_event() {
    let list = [(Opcode::BUILD_LIST, 0), (Opcode::LOAD_CONST, 1), (Opcode::LIST_EXTEND, 1), (Opcode::RETURN_VALUE, 0)];
    assert_eq!(run("3.9", &list, &[], ""), ["Build 2", "Return 1"]);
}

#[test]
fn is_not_none_is_the_same_event_however_it_is_jumped_on() {
    let end = [(Opcode::LOAD_CONST, 0), (Opcode::RETURN_VALUE, 0)];
    let start = (Opcode::LOAD_NAME, 0);
    let short = [&[start, (Opcode::POP_JUMP_IF_NOT_NONE, 0)][..], &end].concat();
    let long =
        [&[start, (Opcode::LOAD_CONST, 0), (Opcode::IS_OP, 1), (Opcode::POP_JUMP_IF_TRUE, 0)][..], &end].concat();
    for instructions in [short, long] {
        assert_eq!(run("3.12", &instructions, &[false], ""), ["Load 0", "Compare 2", "Test", "Return 1"]);
    }
}

#[test]
fn a_loop_that_does_nothing_is_an_event() {
    // Behind RESUME, and the instruction itself.
    assert_eq!(run("3.12", &[(Opcode::JUMP_BACKWARD, 1)], &[], ""), ["Forever 0"]);
}

#[test]
fn a_return_runs_what_finally_has_up_to_3_7() {
    let returned = [
        (Opcode::SETUP_FINALLY, 4),
        (Opcode::LOAD_NAME, 0),
        (Opcode::RETURN_VALUE, 0),
        (Opcode::LOAD_NAME, 1),
        (Opcode::POP_TOP, 0),
        (Opcode::END_FINALLY, 0),
    ];
    assert_eq!(run("3.7", &returned, &[], ""), ["Load 0", "Load 0", "Return 1"]);
}

#[test]
fn an_exception_of_3_10_is_one_value_and_its_handler_is_left_in_order() {
    let handled = [
        (Opcode::SETUP_FINALLY, 2),
        (Opcode::LOAD_BUILD_CLASS, 0),
        (Opcode::POP_TOP, 0),
        (Opcode::POP_TOP, 0),
        (Opcode::STORE_NAME, 0),
        (Opcode::POP_TOP, 0),
        (Opcode::POP_EXCEPT, 0),
        (Opcode::LOAD_CONST, 0),
        (Opcode::RETURN_VALUE, 0),
    ];
    let seen = ["LoadBuildClass 0", "Store 1", "PopExcept 0", "Return 1"];
    assert_eq!(run("3.10", &handled, &[], "LoadBuildClass"), seen);
    // The class of an exception is not the exception.
    let mut class = handled;
    class[3] = (Opcode::STORE_NAME, 0);
    assert_eq!(run("3.10", &class, &[], "LoadBuildClass"), ["LoadBuildClass 0", "NotAValue"]);
}

#[test]
fn a_stack_that_grows_is_a_fault() {
    let grows = [(Opcode::LOAD_CONST, 0), (Opcode::JUMP_BACKWARD, 2)];
    assert_eq!(run("3.12", &grows, &[], ""), ["StackOverflow"]);
    assert_eq!(run("3.12", &[(Opcode::POP_TOP, 0)], &[], ""), ["StackUnderflow"]);
    assert_eq!(run("3.12", &[(Opcode::NOP, 0)], &[], ""), ["FallsOffEnd"]);
    assert_eq!(run("3.12", &[(Opcode::JUMP_FORWARD, 9)], &[], ""), ["Jump"]);
}

#[test]
fn what_is_borrowed_from_a_variable_is_used_while_the_variable_has_it() {
    let faults = |instructions: &[(Opcode, u8)]| {
        let version = VERSIONS.iter().rfind(|version| version.python() == "CPython 3.14").unwrap();
        let function = forge::Code::function(version, "f", &["x"]);
        let seen = run_in(forge::Pyc::version(version).code(function), instructions, &[], "");
        seen.last().unwrap() == "Borrowed"
    };
    let load = (Opcode::LOAD_FAST_BORROW, 0);
    let end = [(Opcode::POP_TOP, 0), (Opcode::LOAD_CONST, 0), (Opcode::RETURN_VALUE, 0)];
    let with = |instructions: &[(Opcode, u8)]| faults(&[instructions, &end].concat());
    assert!(!with(&[load]));
    for lets_go in [&[(Opcode::LOAD_CONST, 0), (Opcode::STORE_FAST, 0)][..], &[(Opcode::DELETE_FAST, 0)]] {
        assert!(with(&[&[load], lets_go].concat()));
        assert!(with(&[&[load, (Opcode::LOAD_ATTR, 1), (Opcode::PUSH_NULL, 0)], lets_go].concat()));
        // What counts its reference, or is something else by then.
        assert!(!with(&[&[(Opcode::LOAD_FAST, 0)], lets_go].concat()));
        assert!(!with(&[&[load, (Opcode::LOAD_ATTR, 0)], lets_go].concat()));
        assert!(!with(&[&[load, load, (Opcode::BINARY_OP, 0)], lets_go].concat()));
    }
    assert!(faults(&[&[load, (Opcode::STORE_FAST, 0)][..], &end[1..]].concat()));
}

#[test]
fn code_that_lacks_its_prologue_is_refused() {
    let pyc = forge::Pyc::python("3.12").edit(|made| made.flags |= 0x20);
    let mut scratch = Scratch::default();
    let bytes = pyc.build();
    let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
    let made = Machine::new(tree.root().unwrap(), tree.pyc.version.unwrap(), &mut Pool::default(), Room::default());
    assert_eq!(made.err(), Some(Fault::Prologue));
    assert_eq!(Fault::Prologue.message(), "a prologue that does not fit the variables or flags");
}
