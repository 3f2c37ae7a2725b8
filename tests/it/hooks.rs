//! Caches that the import hooks of jaxtyping, beartype and typeguard wrote against their source: `fixtures/hooks` has what they made of
//! `parcel.py`, which was imported as `post.parcel`, and typeguard of `ledger.py`. `oracle/hook_caches.py` makes them, `py_compile` the
//! plain one.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Scratch;
use pycaudit::verify;
use pycaudit::verify::Hook;
use pycaudit::verify::check::CodeCheck;
use pycaudit::verify::check::Reason;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hooks")
}

fn source() -> String {
    source_of("parcel")
}

fn source_of(module: &str) -> String {
    fs::read_to_string(folder().join(format!("{module}.py"))).unwrap()
}

/// The name of each hook as a cache of `parcel.py` has it, and the cache.
fn caches() -> Vec<(String, Vec<u8>)> {
    caches_of("parcel")
}

fn caches_of(module: &str) -> Vec<(String, Vec<u8>)> {
    let mut caches = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if let Some((_, hook)) = name.split_once(".opt-").filter(|_| name.starts_with(module)) {
            caches.push((format!("opt-{hook}"), fs::read(&path).unwrap()));
        }
    }
    assert!(caches.len() >= 6);
    caches
}

/// Compares a cache with a source, as one of this hook.
fn check(bytes: &[u8], hook: &str, source: &str) -> CodeCheck {
    let limits = Limits::default();
    let mut scratch = Scratch::default();
    let parsed = pyc::read(bytes, &limits, &mut scratch);
    let hook = Hook { name: hook, module: "parcel" };
    verify::verify(&parsed.value, source.as_bytes(), &[0], Some(hook), &limits)
}

fn is_verified(check: &CodeCheck) -> bool {
    matches!(check, CodeCheck::Verified { .. })
}

fn is_instrumented(check: &CodeCheck) -> bool {
    matches!(check, CodeCheck::Unverified(Reason::Instrumented(_)))
}

#[test]
fn what_a_hook_made_of_a_source_is_verified() {
    for (hook, bytes) in caches() {
        let outcome = check(&bytes, &hook, &source());
        assert!(is_verified(&outcome), "{hook}: {outcome:?}");
    }
}

/// As its own `numbers` that jaxtyping imports while it is at work.
#[test]
fn a_module_that_was_imported_while_a_hook_was_at_work_is_plain() {
    let bytes = fs::read(folder().join("parcel.cpython-312.pyc")).unwrap();
    for hook in ["opt-jaxtyping1083a4111806314cc973c4ea00fb072bf6", "opt-jaxtyping100", "opt-beartype0v23v1"] {
        let outcome = check(&bytes, hook, &source());
        assert!(is_verified(&outcome), "{hook}: {outcome:?}");
        let outcome = check(&bytes, hook, &source().replace("import functools", "import functools, os"));
        assert!(matches!(outcome, CodeCheck::Differs { .. }), "{hook}: {outcome:?}");
    }
}

#[test]
fn code_that_only_the_cache_has_is_found() {
    for (hook, bytes) in caches() {
        // Of these no type checker is told, so that what they make is known for two.
        let is_told = !hook.starts_with("opt-jaxtyping6");
        for (written, changed) in [
            ("LIMIT: float = 31.5", "LIMIT: float = 31"),
            ("self.total() < LIMIT", "self.total() > LIMIT"),
            ("@property\n", "@staticmethod\n"),
            ("@dataclass\n", ""),
            ("@no_type_check\n", ""),
            ("@functools.lru_cache(maxsize=None)\n", ""),
            ("def again(left: int)", "def again(left: str)"),
            ("class Stamp(str)", "class Stamp(int)"),
            ("import functools", "import functools, os"),
        ] {
            let changed = source().replace(written, changed);
            assert_ne!(changed, source());
            let outcome = check(&bytes, &hook, &changed);
            let is_found =
                if is_told { matches!(outcome, CodeCheck::Differs { .. }) } else { is_instrumented(&outcome) };
            assert!(is_found, "{hook}, {written}: {outcome:?}");
        }
    }
}

#[test]
fn what_typeguard_checks_is_verified_and_what_it_does_not_is_found() {
    let source = source_of("ledger");
    for (hook, bytes) in caches_of("ledger") {
        let outcome = check(&bytes, &hook, &source);
        assert!(is_verified(&outcome), "{hook}: {outcome:?}");
        for (written, changed) in [
            // Code.
            (
                "for number in numbers:\n            first = number",
                "for number in numbers:\n            number = first",
            ),
            ("answer = yield len(answer)", "answer = yield answer"),
            ("names.values()", "names.keys()"),
            ("@classmethod\n", "@staticmethod\n"),
            // What is checked.
            ("numbers: List[int]", "numbers: List[str]"),
            ("*amounts: \"float\"", "*amounts: \"int\""),
            ("lines: List[\"Optional[str]\"]", "lines: List[\"str\"]"),
            ("def entry(text: str)", "def entry(text)"),
            ("result: float = 0.0", "result = 0.0"),
            ("Generator[int, Optional[str], bool]", "Generator[int, Any, bool]"),
            ("-> float:", "-> \"Decimal\":"),
            // What decides over it.
            ("if TYPE_CHECKING:", "if memo:"),
            ("@typechecked(forward_ref_policy=None)", "@typechecked"),
            ("    @overload\n    def book(self, amount: int)", "    def book(self, amount: int)"),
            ("@no_type_check\ndef unchecked(account: \"no type at all\")", "def unchecked(account: int)"),
            ("memo: str = text", "memo: Any = text"),
            ("    return True\n", "    return True\n    yield\n"),
        ] {
            let changed = source.replacen(written, changed, 1);
            assert_ne!(changed, source, "{written}");
            let outcome = check(&bytes, &hook, &changed);
            let is_found = matches!(outcome, CodeCheck::Differs { .. });
            assert!(is_found, "{hook}, {written}: {outcome:?}");
        }
    }
}

/// Text that is no expression stops typeguard itself, and so does what it takes a part of.
#[test]
fn what_typeguard_cannot_have_made_is_told_from_what_it_does() {
    let (hook, bytes) = caches_of("ledger").pop().unwrap();
    for source in ["def f(a: \"no type at all\"): pass\n", "def f(a: 'lambda: 1'): pass\n"] {
        let outcome = check(&bytes, &hook, source);
        assert!(is_instrumented(&outcome), "{source}: {outcome:?}");
    }
    let deep = format!("def f(a: \"{}int{}\"): pass\n", "[".repeat(3_000), "]".repeat(3_000));
    assert!(is_instrumented(&check(&bytes, &hook, &deep)));
}

/// Copies of a long annotation, long names, names that are taken, and blocks that are looked through each for itself.
#[test]
fn sources_made_to_be_rewritten_for_long_are_given_up() {
    let (hook, bytes) = caches_of("ledger").pop().unwrap();
    let long = "A".repeat(20_000);
    let taken: Vec<String> = (0..2_000).map(|count| format!("    memo{} = 1\n", "_".repeat(count))).collect();
    let nested: Vec<String> = (0..90).map(|depth| format!("{}if TYPE_CHECKING:\n", " ".repeat(depth))).collect();
    let (taken, nested) = (taken.concat(), nested.concat());
    for source in [
        format!("def f() -> {long}:\n{}", "    return 1\n".repeat(20_000)),
        format!("class {long}:\n{}", "    def f(a: int): pass\n".repeat(20_000)),
        format!("def f():\n{taken}{}", "    def g(a: int): pass\n".repeat(2_000)),
        format!("from typing import TYPE_CHECKING\n{nested}{}", format!("{}a = 1\n", " ".repeat(90)).repeat(20_000)),
    ] {
        let outcome = check(&bytes, &hook, &source);
        assert!(!is_verified(&outcome), "{}: {outcome:?}", &source[..20]);
    }
}

#[test]
fn a_cache_of_a_hook_is_not_what_another_makes() {
    for (hook, bytes) in caches() {
        for other in [
            "opt-jaxtyping100",
            "opt-jaxtyping1031d5ed77e2b8ba3b8b3e7a4bd0b3a2c5",
            "opt-beartype0v17v2",
            "opt-typeguard460",
            "-pytest-8.3.3",
        ] {
            let outcome = check(&bytes, other, &source());
            assert!(hook == other || matches!(outcome, CodeCheck::Differs { .. }), "{hook} as {other}: {outcome:?}");
        }
        for unknown in ["opt-jaxtyping990", "opt-beartype0v99v0", "opt-typeguard990", "opt-other"] {
            let outcome = check(&bytes, unknown, &source());
            assert!(is_instrumented(&outcome) || is_verified(&outcome), "{hook} as {unknown}: {outcome:?}");
        }
    }
}

#[test]
fn a_hook_that_leaves_a_module_alone_is_no_excuse() {
    let (_, bytes) = caches().pop().unwrap();
    for (hook, source) in [
        ("opt-typeguard460", "import math\n\n\ndef area(radius):\n    return math.pi * radius**2\n"),
        ("opt-jaxtyping100", "\"\"\"Only a docstring.\"\"\"\n"),
        ("opt-beartype0v23v1", "\"\"\"Only a docstring.\"\"\"\n"),
    ] {
        let outcome = check(&bytes, hook, source);
        assert!(matches!(outcome, CodeCheck::Differs { .. }), "{hook}: {outcome:?}");
    }
}
