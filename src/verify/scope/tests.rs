//! Scopes as the interpreters made them: tests/oracle/scope.py asks each for the code objects of sources, and every one has to be ours.
//!
//! The answers in tests/fixtures/scope are always compared; a folder of more, named by `PYCAUDIT_SCOPE_DUMPS`, where it is set.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::thread;

use crate::limits::Limits;
use crate::verify::event::Space;
use crate::verify::scope::Options;
use crate::verify::scope::Parameters;
use crate::verify::scope::Release;
use crate::verify::scope::Role;
use crate::verify::scope::Scope;
use crate::verify::scope::ScopeId;
use crate::verify::scope::Scopes;
use crate::verify::source_text::SourceText;

/// What the oracle says of a code object.
struct Told<'a> {
    columns: Vec<&'a str>,
    children: Vec<Told<'a>>,
}

/// What was compared.
#[derive(Debug, Default)]
struct Tally {
    modules: usize,
    unparsed: usize,
    codes: usize,
    uses: usize,
    missing: usize,
    wrong: Vec<String>,
}

fn told<'a>(lines: &mut std::iter::Peekable<std::str::Lines<'a>>) -> Option<Told<'a>> {
    let columns: Vec<&str> = lines.next()?.split('\t').collect();
    let depth: usize = columns[0].parse().ok()?;
    let mut children = Vec::new();
    while lines.peek().is_some_and(|line| line.split('\t').next().unwrap().parse::<usize>().unwrap() > depth) {
        children.push(told(lines)?);
    }
    Some(Told { columns, children })
}

/// A comparison of one module.
struct Comparison<'a> {
    scopes: &'a Scopes,
    text: &'a SourceText,
    series: (u8, u8),
    module: &'a str,
    tally: &'a mut Tally,
}

impl Comparison<'_> {
    fn counts(parameters: &Parameters) -> String {
        let positional = parameters.positional_only.len() + parameters.ordinary.len();
        format!("{positional},{},{}", parameters.positional_only.len(), parameters.keyword_only.len())
    }

    fn line(&self, scope: &Scope) -> Option<u32> {
        let first = scope.first?;
        let is_token = self.series < (3, 8) && scope.role == Role::Comprehension;
        Some(if is_token { self.text.token_line(first) } else { self.text.compiled_line(first) })
    }

    /// Names, sorted where their order is not told.
    fn in_order<'a>(&self, names: impl Iterator<Item = &'a str>) -> String {
        let mut names: Vec<&str> = names.collect();
        if self.series >= (3, 12) {
            names.sort_unstable();
        }
        names.join(" ")
    }

    /// What differs between a code object and a scope.
    fn differences(&self, told: &Told<'_>, id: ScopeId) -> Vec<String> {
        let scope = self.scopes.get(id);
        let column = |place: usize| told.columns[place];
        let mut wrong = Vec::new();
        let mut check = |what: &str, found: &str, expected: &str| {
            if found != expected {
                wrong.push(format!("{what}: {found:?} in the bytecode, {expected:?} expected"));
            }
        };
        if column(2) != "-" && scope.role != Role::Annotations {
            check("qualname", column(2), &scope.qualname);
        }
        // Up to 3.8 positions inside f-strings are counted anew, and up to 3.7 a string of many lines is where it ends.
        let is_odd = self.series <= (3, 8) && matches!(self.module, "typing" | "test.test_dis");
        if let Some(line) = self.line(scope).filter(|_| !is_odd) {
            check("line", column(3), &line.to_string());
        }
        let flags = u32::from_str_radix(column(4), 16).unwrap();
        check("flags", &format!("{:x}", flags & scope.flags_mask), &format!("{:x}", scope.flags));
        check("counts", column(5), &Self::counts(&scope.parameters));
        let parameters: Vec<&str> = scope.parameters.iter().collect();
        check("parameters", column(6), &parameters.join(" "));
        check(
            "cells",
            &self.in_order(column(8).split_whitespace()),
            &self.in_order(scope.cells.iter().map(|it| &**it)),
        );
        check("frees", column(9), &scope.frees.join(" "));
        if matches!(self.scopes.get(id).role, Role::Module | Role::Class) {
            return wrong;
        }
        for name in column(7).split_whitespace() {
            let is_known = scope.locals.iter().any(|local| **local == *name);
            check("a local", name, if is_known { name } else { "" });
        }
        wrong
    }

    /// The scope and what is inlined into it.
    fn inlined(&self, id: ScopeId, out: &mut Vec<ScopeId>) {
        out.push(id);
        for &child in &self.scopes.get(id).children {
            if self.scopes.get(child).is_inlined {
                self.inlined(child, out);
            }
        }
    }

    fn uses(&mut self, told: &Told<'_>, id: ScopeId) {
        let mut within = Vec::new();
        self.inlined(id, &mut within);
        for (place, is_load) in [(10, true), (11, false)] {
            for used in told.columns[place].split_whitespace() {
                let (letter, name) = used.split_at(1);
                // What the compiler makes by itself.
                let is_implicit = matches!(name, "AssertionError" | "StopAsyncIteration" | "__debug__")
                    || matches!(
                        name,
                        "__class__" | "__classdict__" | "__conditional_annotations__" | "__annotations__"
                    )
                    || matches!(name, "format" | ".0");
                if is_implicit {
                    continue;
                }
                self.tally.uses += 1;
                let spaces: Vec<Space> = within
                    .iter()
                    .map(|&id| {
                        let number = self.scopes.number(name);
                        if is_load { self.scopes.load_space(id, number) } else { self.scopes.store_space(id, number) }
                    })
                    .collect();
                let wanted = match letter {
                    "n" => Space::Name,
                    "g" => Space::Global,
                    "f" => Space::Fast,
                    "d" => Space::Deref,
                    "c" => Space::ClassDeref,
                    _ => Space::ClassGlobal,
                };
                let is_hidden = within.iter().any(|&id| self.scopes.get(id).hidden.iter().any(|it| *it.name == *name));
                let is_restored = !is_load && wanted == Space::Fast && is_hidden;
                // The cells of a closure are read so from 3.13 on.
                let scope = self.scopes.get(id);
                let is_cell = scope.cells.iter().chain(&scope.frees).any(|cell| **cell == *name);
                let is_cell = is_cell && is_load && self.series >= (3, 13) && wanted == Space::Fast;
                if !spaces.contains(&wanted) && !is_restored && !is_cell {
                    let module = self.module;
                    let qualname = &scope.qualname;
                    self.tally.wrong.push(format!("{module}: {qualname}: {name} is {wanted:?}, {spaces:?} expected"));
                }
            }
        }
    }

    /// The code objects directly in a scope's.
    fn children(&self, id: ScopeId, out: &mut Vec<ScopeId>) {
        for &child in &self.scopes.get(id).children {
            let scope = self.scopes.get(child);
            if scope.has_code {
                out.push(child);
            } else {
                // Inlined comprehensions hold some; scopes that are not compiled hold none.
                if scope.is_inlined {
                    self.children(child, out);
                }
            }
        }
    }

    fn compare(&mut self, told: &Told<'_>, id: ScopeId) {
        self.tally.codes += 1;
        self.uses(told, id);
        let mut left = Vec::new();
        self.children(id, &mut left);
        for child in &told.children {
            let name = child.columns[1];
            let named: Vec<ScopeId> = left.iter().copied().filter(|&id| *self.scopes.get(id).name == *name).collect();
            let mut best = None;
            for id in named {
                let found = self.differences(child, id);
                let is_better =
                    best.as_ref().is_none_or(|(_, other): &(ScopeId, Vec<String>)| found.len() < other.len());
                if is_better {
                    best = Some((id, found));
                }
            }
            let Some((found, wrong)) = best else {
                self.tally.wrong.push(format!("{}: no scope for {}", self.module, child.columns.join(" | ")));
                continue;
            };
            if !wrong.is_empty() {
                let (module, series) = (self.module, self.series);
                self.tally.wrong.push(format!(
                    "{module} ({series:?}): {}: {}",
                    child.columns[..4].join(" "),
                    wrong.join("; ")
                ));
            }
            left.retain(|&id| id != found);
            self.compare(child, found);
        }
        self.tally.missing += left.len();
    }
}

fn compare_file(path: &Path, source: &Path, series: (u8, u8), tally: &mut Tally) {
    let bytes = fs::read(source).unwrap();
    let dump = fs::read_to_string(path).unwrap();
    let Ok(text) = SourceText::read(&bytes, series, &Limits::default()) else {
        tally.unparsed += 1;
        return;
    };
    // The answers are those of 3.12.1.
    let release = if series == (3, 12) { Release::First } else { Release::Mended };
    let scopes = Scopes::of(text.module(), Options { series, optimisation: 0, release }).unwrap();
    let told = told(&mut dump.lines().peekable()).unwrap();
    tally.modules += 1;
    let module = path.file_stem().unwrap().to_string_lossy();
    let mut comparison = Comparison { scopes: &scopes, text: &text, series, module: &module, tally };
    let wrong = comparison.differences(&told, scopes.module());
    if !wrong.is_empty() {
        comparison.tally.wrong.push(format!("{module}: the module: {}", wrong.join("; ")));
    }
    comparison.compare(&told, scopes.module());
}

/// Compares all folders of a folder, each named after an interpreter.
fn compare_folder(folder: &Path, sources: Option<&Path>) -> BTreeMap<(u8, u8), Tally> {
    let mut tallies = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap().path();
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        let (major, minor) = name.rsplit('-').next().unwrap().split_once('.').unwrap();
        let series = (major.parse().unwrap(), minor.parse().unwrap());
        let tally: &mut Tally = tallies.entry(series).or_default();
        let mut files: Vec<PathBuf> = fs::read_dir(&entry).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        for path in files.iter().filter(|path| path.extension().is_some_and(|it| it == "txt")) {
            let beside = path.with_extension("py");
            let source = sources.map_or(beside.clone(), |sources| sources.join(beside.file_name().unwrap()));
            compare_file(path, &source, series, tally);
        }
    }
    tallies
}

/// Standard libraries have trees that are deep.
fn with_stack(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(512 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn scopes_are_those_of_the_interpreters() {
    with_stack(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tallies = compare_folder(&root.join("tests/fixtures/scope"), Some(&root.join("tests/oracle/scopes")));
        for (series, tally) in &tallies {
            assert!(tally.wrong.is_empty(), "{series:?}: {}", tally.wrong.join("\n"));
            assert!(tally.codes > 10, "{series:?}: {tally:?}");
        }
        assert_eq!(tallies.len(), 11);
    });
}

#[test]
fn scopes_of_whole_libraries_are_those_of_the_interpreters() {
    let Some(folder) = std::env::var_os("PYCAUDIT_SCOPE_DUMPS") else { return };
    with_stack(move || {
        let mut wrong = 0;
        for (series, tally) in compare_folder(Path::new(&folder), None) {
            println!(
                "{series:?}: {} modules, {} not parsed, {} code objects, {} uses, {} scopes without code, {} wrong",
                tally.modules,
                tally.unparsed,
                tally.codes,
                tally.uses,
                tally.missing,
                tally.wrong.len()
            );
            for line in tally.wrong.iter().take(25) {
                println!("    {line}");
            }
            wrong += tally.wrong.len();
        }
        assert_eq!(wrong, 0);
    });
}

#[test]
fn names_that_the_first_releases_of_3_12_take_from_another_comprehension_are_told() {
    // Whether in a function, and whether in a module.
    let cases = [
        ("[x for x in a]; [x for _ in a]", true, false),
        ("[lambda: x for x in a]; [x for _ in a]", true, true),
        ("[x for _ in a]; [lambda: x for x in a]", false, false),
        ("[[x for _ in b] for x in a]; {x: 1 for x in a}", false, false),
        ("[x for x in a]; [x for x in a]", false, false),
        ("[x for x in a]; x", false, false),
        ("x; [x for x in a]; [x for _ in a]", false, false),
        ("x = 1; [x for x in a]; [x for _ in a]", false, false),
    ];
    let is_told = |source: &str, series| {
        let parsed = ruff_python_parser::parse_module(source).unwrap();
        let scopes =
            Scopes::of(parsed.syntax(), Options { series, optimisation: 0, release: Release::Mended }).unwrap();
        (0..scopes.described.len()).any(|id| scopes.is_release_dependent(ScopeId(id), "x"))
    };
    for (body, in_function, in_module) in cases {
        let function = format!("def f(a, b): {body}\n");
        assert_eq!(is_told(&function, (3, 12)), in_function, "{body}");
        assert_eq!(is_told(body, (3, 12)), in_module, "{body}");
        assert!(!is_told(&function, (3, 13)) && !is_told(body, (3, 13)), "{body}");
    }
}

#[test]
fn a_source_whose_free_names_grow_with_its_square_is_given_up() {
    with_stack(|| {
        let names: Vec<String> = (0..1_000).map(|place| format!("n{place}")).collect();
        let source = format!("lambda {}: {}({})", names.join(","), "lambda: ".repeat(2_000), names.join(","));
        let parsed = ruff_python_parser::parse_module(&source).unwrap();
        assert!(
            Scopes::of(parsed.syntax(), Options { series: (3, 12), optimisation: 0, release: Release::Mended })
                .is_none()
        );
        let source = format!("lambda {}: {}({})", names.join(","), "lambda: ".repeat(20), names.join(","));
        let parsed = ruff_python_parser::parse_module(&source).unwrap();
        assert!(
            Scopes::of(parsed.syntax(), Options { series: (3, 12), optimisation: 0, release: Release::Mended })
                .is_some()
        );
    });
}
