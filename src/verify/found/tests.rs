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

use crate::limits::Limits;
use crate::pyc;
use crate::pyc::Code;
use crate::pyc::Scratch;
use crate::pyc::Version;
use crate::verify::Pool;
use crate::verify::event::Op;
use crate::verify::event::Symbol;

use super::Machine;
use super::Next;
use super::State;

/// What a walk saw.
#[derive(Default)]
struct Seen {
    codes: usize,
    states: usize,
    events: usize,
    /// What must not be, with how often, and where first.
    wrong: BTreeMap<String, (usize, String)>,
    /// Code objects with too many states.
    endless: usize,
}

const MOST_STATES: usize = 200_000;

impl Seen {
    fn wrong(&mut self, what: String, place: String) {
        self.wrong.entry(what).or_insert((0, place)).0 += 1;
    }

    fn code(&mut self, code: Code<'_>, version: &Version, path: &Path) {
        self.codes += 1;
        let mut pool = Pool::default();
        let name = code.qualname().or(code.name()).map(|name| name.to_name().to_string()).unwrap_or_default();
        let machine = match Machine::new(code, version, &mut pool) {
            Ok(machine) => machine,
            Err(fault) => return self.wrong(format!("{fault:?}"), format!("{} {name}", path.display())),
        };
        let mut seen = HashSet::new();
        let mut waiting = vec![machine.entry()];
        while let Some(mut state) = waiting.pop() {
            let count = number(&mut state);
            if !seen.insert(state.clone()) {
                continue;
            }
            if seen.len() > MOST_STATES {
                self.endless += 1;
                return self.wrong("endless".to_owned(), format!("{} {name}", path.display()));
            }
            let next = machine.step(&mut state, &mut pool);
            let place = |at: u32| format!("{} {name} at {at}, line {:?}", path.display(), machine.range(at).line);
            match next {
                Next::Event { event, at } => {
                    self.events += 1;
                    if let Op::Foreign(instruction) = &event.op {
                        self.wrong(format!("foreign {instruction}"), place(at));
                        continue;
                    }
                    if event.op.can_raise() {
                        waiting.extend(machine.raised(&state, count));
                    }
                    if !event.op.is_end() {
                        let results: Vec<_> =
                            (0..).map(|result| Symbol::Id(count + result)).take(event.op.results()).collect();
                        machine.resume(&mut state, &results);
                        waiting.push(state);
                    }
                }
                Next::Test { .. } => {
                    waiting.extend(machine.raised(&state, count));
                    waiting.extend([true, false].map(|truth| machine.branch(&state, truth)));
                }
                Next::Iterate { .. } => {
                    waiting.extend(machine.raised(&state, count));
                    waiting.push(machine.item(&state, Symbol::Id(count)));
                    waiting.push(machine.exhausted(&state));
                }
                Next::Fault { fault, at } => self.wrong(format!("{fault:?}"), place(at)),
            }
        }
        self.states += seen.len();
    }

    fn file(&mut self, path: &Path) {
        let bytes = fs::read(path).unwrap();
        let mut scratch = Scratch::default();
        let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
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

/// Numbers the results of a state from 0, and says how many there are.
fn number(state: &mut State) -> u32 {
    let mut known = Vec::new();
    state.rename(&mut |id| {
        let place = known.iter().position(|&other| other == id).unwrap_or_else(|| {
            known.push(id);
            known.len() - 1
        });
        u32::try_from(place).unwrap()
    });
    u32::try_from(known.len()).unwrap()
}

#[test]
fn nothing_that_compilers_wrote_is_foreign_or_faulty() {
    let mut seen = Seen::default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code");
    for python in fs::read_dir(root).unwrap() {
        let python = python.unwrap().path();
        if python.file_name().unwrap().to_str().unwrap().starts_with("cpython") {
            seen.folder(&python);
        }
    }
    assert_eq!(seen.report(), "");
    assert!(seen.codes > 100, "{} code objects", seen.codes);
}

#[test]
fn nothing_in_the_folders_that_are_named_is_foreign_or_faulty() {
    let folders = env::var("PYCAUDIT_FOUND").unwrap_or_default();
    let mut wrong = String::new();
    for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
        let mut seen = Seen::default();
        seen.folder(Path::new(folder));
        let Seen { codes, states, events, .. } = seen;
        writeln!(std::io::stderr(), "{folder}: {codes} code objects, {states} states, {events} events").unwrap();
        wrong += &seen.report();
    }
    assert_eq!(wrong, "");
}
