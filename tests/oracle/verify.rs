//! Compares the bytecode of whole libraries with the sources beside it, and prints what differs.
//!
//! `cargo run --release --example verify -- FOLDER...`; `-n N` prints so many differences of each kind. Every pyc of an interpreter's own
//! library must be verified: a difference is a bug here, but where a file was made to differ.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;

use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::verify::check::CodeCheck;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut shown = 20_usize;
    let mut files = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument == "-n" {
            shown = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(shown);
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
                        let Some((outcome, details)) = verify(file) else { continue };
                        if let Ok(mut counts) = counts.lock() {
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
        if !outcome.starts_with("verified") {
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
        let level = stem.rsplit_once(".opt-").map_or(Some(0), |(_, level)| level.parse().ok());
        return Some((folder.parent()?.join(format!("{module}.py")), level));
    }
    let level = if path.extension()? == "pyo" { None } else { Some(0) };
    Some((folder.join(format!("{stem}.py")), level))
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
    let outcome = pycaudit::verify::verify(&parsed.value, &source, levels, &limits);
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
