//! Caches that pytest wrote against their source: `fixtures/pytest` has what 6.2.5, 8.3.3 and 9.2.0 made of `test_parcel.py`, and
//! `passes.pyc`, which 8.3.3 wrote under `enable_assertion_pass_hook`. `oracle/pytest_caches.py` makes them.

use std::fs;
use std::path::Path;

use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::layout::Object;
use pycaudit::pyc::opcodes::Op;
use pycaudit::pyc::opcodes::Opcodes;
use pycaudit::verify;
use pycaudit::verify::Hook;
use pycaudit::verify::check::CodeCheck;
use pycaudit::verify::check::Reason;

const CACHES: [(&str, &str); 3] = [("38", "6.2.5"), ("312", "8.3.3"), ("313", "9.2.0")];

fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytest").join(name)).unwrap()
}

fn cache(tag: &str, version: &str) -> Vec<u8> {
    read(&format!("test_parcel.cpython-{tag}-pytest-{version}.pyc"))
}

fn source() -> String {
    String::from_utf8(read("test_parcel.py")).unwrap()
}

/// Compares a cache with a source, as one of this version of pytest.
fn check(bytes: &[u8], version: &str, source: &str) -> CodeCheck {
    let limits = Limits::default();
    let mut scratch = Scratch::default();
    let parsed = pyc::read(bytes, &limits, &mut scratch);
    let hook = Hook { name: &format!("-pytest-{version}"), module: "test_parcel" };
    verify::verify(&parsed.value, source.as_bytes(), &[0], Some(hook), &limits)
}

fn is_verified(check: &CodeCheck) -> bool {
    matches!(check, CodeCheck::Verified { .. })
}

#[test]
fn what_pytest_made_of_a_source_is_verified() {
    for (tag, version) in CACHES {
        let outcome = check(&cache(tag, version), version, &source());
        assert!(is_verified(&outcome), "{version}: {outcome:?}");
    }
}

#[test]
fn a_later_version_is_verified_when_it_makes_the_same() {
    let bytes = cache("313", "9.2.0");
    assert!(is_verified(&check(&bytes, "10.1.0", &source())));
    let in_an_assert = source().replace("is None", "is not None");
    let outcome = check(&bytes, "10.1.0", &in_an_assert);
    assert!(matches!(outcome, CodeCheck::Unverified(Reason::Unsupported(..))), "{outcome:?}");
    let elsewhere = source().replace("import math", "import cmath as math");
    assert!(matches!(check(&bytes, "10.1.0", &elsewhere), CodeCheck::Differs { .. }));
}

#[test]
fn code_that_only_the_cache_has_is_found() {
    for (tag, version) in CACHES {
        let bytes = cache(tag, version);
        for (written, changed) in [
            ("% 7", "% 8"),
            ("zone=\"inland\"", "zone=\"island\""),
            ("> 0 and not", "> 0 or not"),
            ("\"A\" in str(error)", "\"A\" not in str(error)"),
            ("min(self.weights)) == 1", "min(self.weights)) == 2"),
            ("import math", "import cmath as math"),
            ("f\"{weight} kg\"", "f\"{weight} lb\""),
        ] {
            let changed = source().replace(written, changed);
            assert_ne!(changed, source());
            let outcome = check(&bytes, version, &changed);
            assert!(matches!(outcome, CodeCheck::Differs { .. }), "{version}, {written}: {outcome:?}");
        }
    }
}

#[test]
fn a_rewritten_assert_is_not_what_a_plain_compiler_makes() {
    let limits = Limits::default();
    let mut scratch = Scratch::default();
    let bytes = cache("312", "8.3.3");
    let parsed = pyc::read(&bytes, &limits, &mut scratch);
    let outcome = verify::verify(&parsed.value, source().as_bytes(), &[0], None, &limits);
    assert!(matches!(outcome, CodeCheck::Differs { .. }), "{outcome:?}");
    let outcome = check(&bytes, "8.3.3", &source().replace("\n\n", "\n\n# PYTEST\n"));
    assert!(matches!(outcome, CodeCheck::Differs { .. }), "{outcome:?}");
    let left_alone = source().replace("a parcel service", "PYTEST_DONT_REWRITE");
    assert!(matches!(check(&bytes, "8.3.3", &left_alone), CodeCheck::Differs { .. }));
}

#[test]
fn a_changed_instruction_is_found() {
    let bytes = cache("312", "8.3.3");
    let limits = Limits::default();
    let mut scratch = Scratch::default();
    let parsed = pyc::read(&bytes, &limits, &mut scratch);
    let tree = &parsed.value;
    let opcodes = tree.pyc.version.and_then(Opcodes::of).unwrap();
    let mut changed = 0;
    for code in tree.codes() {
        let start = usize::try_from(code.bytes_offset(Object::Code).unwrap()).unwrap();
        for instruction in pyc::instruction::Instructions::new(code.code(), opcodes) {
            let at = start + usize::try_from(instruction.offset).unwrap();
            let count = match instruction.op() {
                Some(Op::LOAD_CONST) => code.consts().len(),
                // Of two stores of None in a row the first may as well go elsewhere, so they are left.
                Some(Op::LOAD_FAST) => usize::try_from(code.nlocals()).unwrap(),
                _ => 1,
            };
            if count > 1 {
                let mut planted = bytes.clone();
                planted[at + 1] = u8::try_from((usize::from(bytes[at + 1]) + 1) % count).unwrap();
                let outcome = check(&planted, "8.3.3", &source());
                assert!(matches!(outcome, CodeCheck::Differs { .. }), "{at}: {outcome:?}");
                changed += 1;
            }
        }
    }
    assert!(changed > 100, "{changed}");
}

#[test]
fn what_is_not_known_of_one_function_does_not_clear_the_others() {
    let bytes = read("passes.pyc");
    let outcome = check(&bytes, "8.3.3", &source());
    assert!(matches!(outcome, CodeCheck::Unverified(Reason::Unsupported(..))), "{outcome:?}");
    let changed = source().replace("import math", "import cmath as math");
    assert!(matches!(check(&bytes, "8.3.3", &changed), CodeCheck::Differs { .. }));
}
