//! Compares the bytecode of whole libraries with the sources beside it, and prints what differs.
//!
//! `cargo run --release --example verify -- FOLDER...`; `-n N` prints so many differences of each kind. Every pyc of an interpreter's own
//! library must be verified: a difference is a bug here, but where a file was made to differ. `-m N` plants N changes in each file, one at
//! a time, and counts those that are found; what is printed as not found must be without effect.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;

use pycaudit::limits::Limits;
use pycaudit::place::Place;
use pycaudit::pyc;
use pycaudit::verify::Hook;
use pycaudit::verify::check::CodeCheck;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut shown = 20_usize;
    let mut planted = 0_usize;
    let mut files = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument == "-n" {
            shown = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(shown);
        } else if argument == "-m" {
            planted = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(planted);
        } else {
            collect(Path::new(&argument), &mut files);
        }
    }
    files.sort();
    let counts: Mutex<BTreeMap<String, (usize, Vec<String>)>> = Mutex::new(BTreeMap::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            std::thread::Builder::new()
                .stack_size(256 << 20)
                .spawn_scoped(scope, || {
                    while let Some(file) = files.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                        let outcomes =
                            if planted > 0 { plant(file, planted) } else { verify(file).into_iter().collect() };
                        let Ok(mut counts) = counts.lock() else { continue };
                        for (outcome, details) in outcomes {
                            let entry = counts.entry(outcome).or_default();
                            entry.0 += 1;
                            entry.1.push(details);
                        }
                    }
                })
                .ok();
        }
    });
    for (outcome, (count, details)) in counts.into_inner().unwrap_or_default() {
        println!("{count:7} {outcome}");
        if !outcome.starts_with("verified") && !outcome.starts_with("found") {
            details.iter().take(shown).for_each(|detail| println!("        {detail}"));
        }
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            collect(&entry.path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "pyc" || extension == "pyo") {
        files.push(path.to_owned());
    }
}

fn source_of(path: &Path) -> Option<(PathBuf, Option<u8>)> {
    let folder = path.parent()?;
    let stem = path.file_stem()?.to_str()?;
    if folder.file_name()? == "__pycache__" {
        let mut parts = stem.split('.');
        let module = parts.next()?;
        // That of an import hook is not known.
        let level = stem.rsplit_once(".opt-").map_or(Some(0), |(_, level)| level.parse().ok());
        let level = level.or_else(|| hook_of(path).map(|_| 0));
        return Some((folder.parent()?.join(format!("{module}.py")), level));
    }
    let level = if path.extension()? == "pyo" { None } else { Some(0) };
    Some((folder.join(format!("{stem}.py")), level))
}

/// The import hook that a file's name tells, and the last part of the module's name.
fn hook_of(path: &Path) -> Option<(String, String)> {
    let place = Place::of(path.as_os_str().as_encoded_bytes());
    Some((place.hook()?, place.last_name()))
}

fn verify(path: &Path) -> Option<(String, String)> {
    let (source, level) = source_of(path)?;
    let source = std::fs::read(source).ok()?;
    let bytes = std::fs::read(path).ok()?;
    let limits = Limits::default();
    let mut scratch = pyc::objects::Scratch::default();
    let parsed = pyc::read(&bytes, &limits, &mut scratch);
    let levels: &[u8] = match level {
        Some(0) => &[0],
        Some(1) => &[1],
        Some(_) => &[2],
        None => &[1, 2],
    };
    let hook = hook_of(path);
    let hook = hook.as_ref().map(|(name, module)| Hook { name, module });
    let outcome = pycaudit::verify::verify(&parsed.value, &source, levels, hook, &limits);
    let name = path.display();
    Some(match outcome {
        CodeCheck::Verified { strength, .. } => (format!("verified {}", strength.word()), String::new()),
        CodeCheck::Differs { differences, .. } => {
            let first = differences.first();
            let text = first.map(|difference| {
                let line = difference.line.map_or_else(String::new, |line| line.to_string());
                let at = difference.offset.map_or_else(String::new, |at| at.to_string());
                format!(
                    "{name}:{line} {} @{at}: expected {}; found {} [{}]",
                    difference.code,
                    difference.expected,
                    difference.found,
                    differences.len()
                )
            });
            ("differs".to_owned(), text.unwrap_or_default())
        }
        CodeCheck::Unverified(reason) => {
            let text = format!("{reason:?}");
            let kind = text.split(',').next().unwrap_or_default().to_owned();
            (format!("unverified {kind}"), format!("{name}: {text}"))
        }
    })
}

/// Plants changes in a file that is verified, and says which were found.
fn plant(path: &Path, count: usize) -> Vec<(String, String)> {
    let Some((source, Some(level))) = source_of(path) else { return Vec::new() };
    let (Ok(source), Ok(bytes)) = (std::fs::read(source), std::fs::read(path)) else { return Vec::new() };
    let limits = Limits::default();
    let hook = hook_of(path);
    let hook = hook.as_ref().map(|(name, module)| Hook { name, module });
    let check = |bytes: &[u8]| {
        let mut scratch = pyc::objects::Scratch::default();
        let parsed = pyc::read(bytes, &limits, &mut scratch);
        pycaudit::verify::verify(&parsed.value, &source, &[level], hook, &limits)
    };
    if !matches!(check(&bytes), CodeCheck::Verified { .. }) {
        return Vec::new();
    }
    let mut seed = bytes
        .iter()
        .fold(0x9e37_79b9_7f4a_7c15_u64, |seed, &byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap_or(0) % below.max(1)
    };
    let changes = changes(&bytes, &limits);
    let mut outcomes = Vec::new();
    for _ in 0..count.min(changes.len()) {
        let (what, at, byte) = &changes[random(changes.len())];
        let mut planted = bytes.clone();
        let old = std::mem::replace(&mut planted[*at], *byte);
        outcomes.push(match check(&planted) {
            CodeCheck::Differs { .. } => (format!("found {what}"), String::new()),
            CodeCheck::Unverified(reason) => {
                (format!("unverified {what} {reason:?}"), format!("{} @{at}: {old} {byte}", path.display()))
            }
            CodeCheck::Verified { .. } => {
                (format!("not found: {what}"), format!("{} @{at}: {old} becomes {byte}", path.display()))
            }
        });
    }
    outcomes
}

/// Changes of one byte each: what, where, and the new byte.
fn changes(bytes: &[u8], limits: &Limits) -> Vec<(&'static str, usize, u8)> {
    use pycaudit::pyc::layout::Object;
    use pycaudit::pyc::opcodes::Op;
    use pycaudit::pyc::opcodes::Opcodes;
    let mut scratch = pyc::objects::Scratch::default();
    let parsed = pyc::read(bytes, limits, &mut scratch);
    let tree = &parsed.value;
    let Some(opcodes) = tree.pyc.version.and_then(Opcodes::of) else { return Vec::new() };
    let number = |op: Op| (0..=255_u8).find(|&number| opcodes.row(number).is_some_and(|row| row.op == op));
    let mut changes = Vec::new();
    for code in tree.codes() {
        let Some(start) = code.bytes_offset(Object::Code).and_then(|start| usize::try_from(start).ok()) else {
            continue;
        };
        for instruction in pyc::instruction::Instructions::new(code.code(), opcodes) {
            let (Some(op), at) = (instruction.op(), start + usize::try_from(instruction.offset).unwrap_or(0)) else {
                continue;
            };
            let Some(&argument) = bytes.get(at + 1) else { continue };
            let other = |count: usize| u8::try_from((usize::from(argument) + 1) % count.clamp(1, 256)).unwrap_or(0);
            let swapped = match op {
                Op::POP_JUMP_IF_TRUE => number(Op::POP_JUMP_IF_FALSE),
                Op::POP_JUMP_IF_FALSE => number(Op::POP_JUMP_IF_TRUE),
                Op::BINARY_ADD => number(Op::BINARY_SUBTRACT),
                Op::BINARY_SUBTRACT => number(Op::BINARY_ADD),
                Op::POP_JUMP_FORWARD_IF_TRUE => number(Op::POP_JUMP_FORWARD_IF_FALSE),
                Op::POP_JUMP_FORWARD_IF_FALSE => number(Op::POP_JUMP_FORWARD_IF_TRUE),
                _ => None,
            };
            changes.extend(swapped.map(|byte| ("another instruction", at, byte)));
            match op {
                Op::LOAD_CONST if code.consts().len() > 1 => {
                    changes.push(("another constant", at + 1, other(code.consts().len())));
                }
                Op::LOAD_NAME | Op::STORE_NAME | Op::IMPORT_NAME | Op::STORE_ATTR if code.names().len() > 1 => {
                    changes.push(("another name", at + 1, other(code.names().len())));
                }
                Op::COMPARE_OP | Op::BINARY_OP | Op::IS_OP | Op::CONTAINS_OP => {
                    changes.push(("another operator", at + 1, argument ^ 1));
                }
                Op::LOAD_FAST | Op::STORE_FAST if code.nlocals() > 1 => {
                    changes.push(("another variable", at + 1, other(usize::try_from(code.nlocals()).unwrap_or(1))));
                }
                Op::CALL | Op::CALL_FUNCTION | Op::RAISE_VARARGS | Op::BUILD_LIST | Op::BUILD_TUPLE => {
                    changes.push(("another count", at + 1, argument.wrapping_add(1)));
                }
                _ => {}
            }
        }
        for item in code.consts().iter() {
            if let pyc::Value::Bytes(text) = item
                && let Some(&first) = text.first()
                && let Some(place) = bytes.windows(text.len()).position(|window| window == text)
            {
                changes.push(("a changed constant", place, first ^ 1));
            }
        }
    }
    changes
}
