//! How fast pycs are read: megabytes for a second of processor time, one core, stage by stage.
//!
//! `cargo bench --bench parse -- PATH...` reads every pyc below the paths into memory and prints a table; `--files-from FILE` takes a
//! list of files instead, one on each line, and `--plain` prints a stage and a number on each line, for `peers.py`. It measures
//! the library alone: no walk over folders, no archives, no reports.

use std::env;
use std::fs;
use std::hint::black_box;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Digester;
use pycaudit::pyc::Header;
use pycaudit::pyc::Magic;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::exceptions::Handlers;
use pycaudit::pyc::lines::line_ranges;
use pycaudit::pyc::walk;
use pycaudit::pyc::walk::Walk;
use pycaudit::secret;
use pycaudit::verify;

/// Rounds over all stages in turn; the fastest of each counts, since whatever else runs only slows one down.
const ROUNDS: usize = 9;

/// How long a stage runs in a round, at least: the clock of a thread moves in steps of milliseconds.
const LEAST: Duration = Duration::from_millis(150);

/// A file and the source beside it.
struct Pyc {
    bytes: Vec<u8>,
    source: Option<Vec<u8>>,
}

/// What is done with every file.
type Stage<'s> = (&'static str, &'static str, Box<dyn FnMut(&Pyc) + 's>);

fn main() -> io::Result<()> {
    let (mut paths, mut is_plain) = (Vec::new(), false);
    let mut arguments = env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            // What `cargo bench` adds.
            Some("--bench") => {}
            Some("--plain") => is_plain = true,
            Some("--files-from") => {
                let list = fs::read_to_string(arguments.next().unwrap_or_default())?;
                paths.extend(list.lines().map(PathBuf::from));
            }
            _ => collect(Path::new(&argument), &mut paths)?,
        }
    }
    let read = |path: &PathBuf| Ok(Pyc { bytes: fs::read(path)?, source: source_of(path) });
    let files: Vec<Pyc> = paths.iter().map(read).collect::<io::Result<_>>()?;
    let mut out = io::stdout().lock();
    let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    if bytes == 0 {
        return writeln!(out, "no pycs; give folders: cargo bench --bench parse -- PATH...");
    }
    let megabytes = count(bytes) / 1e6;
    let times = measure(&files);
    if !is_plain {
        writeln!(out, "{} files, {megabytes:.1} MB, one core, processor time, best of {ROUNDS}", files.len())?;
        writeln!(out, "{:<10} {:>9} {:>12}  what it does", "stage", "MB/s", "us per file")?;
    }
    for (name, what, seconds) in times {
        let speed = megabytes / seconds;
        if is_plain {
            writeln!(out, "{name} {speed:.1}")?;
        } else {
            writeln!(out, "{name:<10} {speed:>9.0} {:>12.2}  {what}", seconds * 1e6 / count(files.len()))?;
        }
    }
    Ok(())
}

/// The seconds of each stage. What a stage needs of another is in its own time as well.
fn measure(files: &[Pyc]) -> Vec<(&'static str, &'static str, f64)> {
    let limits = Limits::default();
    let [mut of_parse, mut of_tree, mut of_digest, mut of_walk, mut of_tables, mut of_verify] =
        [(); 6].map(|()| Scratch::default());
    let (mut digester, mut walk) = (Digester::default(), Walk::default());
    let mut stages: Vec<Stage<'_>> = vec![
        ("header", "the magic is looked up, the header read", Box::new(|file| header(&file.bytes))),
        (
            "parse",
            "header and marshalled objects read and validated",
            Box::new(|file| {
                black_box(pyc::parse(&file.bytes, &limits, &mut of_parse));
            }),
        ),
        (
            "tree",
            "the same, then every code object and its fields looked at",
            Box::new(|file| {
                let tree = pyc::read(&file.bytes, &limits, &mut of_tree).value;
                for code in tree.codes() {
                    black_box((code.code(), code.firstlineno(), code.names().len(), code.consts().len()));
                }
            }),
        ),
        (
            "digest",
            "parse, then the canonical code digest",
            Box::new(|file| {
                let tree = pyc::read(&file.bytes, &limits, &mut of_digest).value;
                black_box(digester.module(&tree));
            }),
        ),
        (
            "walk",
            "parse, then instructions and tables judged",
            Box::new(|file| {
                let tree = pyc::read(&file.bytes, &limits, &mut of_walk).value;
                black_box(walk::places(&tree, &mut walk));
            }),
        ),
        (
            "secrets",
            "the bytes searched for the beginnings of secrets",
            Box::new(|file| {
                black_box(secret::may_hold(&file.bytes));
            }),
        ),
        (
            "tables",
            "parse, then every line and exception table decoded",
            Box::new(|file| {
                let tree = pyc::read(&file.bytes, &limits, &mut of_tables).value;
                let Some(version) = tree.pyc.version else { return };
                for code in tree.codes() {
                    black_box(line_ranges(code, version));
                    black_box(Handlers::new(code.exceptiontable()).count());
                }
            }),
        ),
        (
            "verify",
            "parse, then the code compared with the source, which is parsed for it",
            Box::new(|file| {
                let Some(source) = &file.source else { return };
                let tree = pyc::read(&file.bytes, &limits, &mut of_verify).value;
                black_box(verify::verify(&tree, source, &[0, 1, 2], None, &limits));
            }),
        ),
    ];
    let mut best = vec![f64::INFINITY; stages.len()];
    for _ in 0..ROUNDS {
        for ((_, _, stage), best) in stages.iter_mut().zip(&mut best) {
            let (start, begun) = (processor_time(), Instant::now());
            let mut passes = 0_u32;
            while passes == 0 || begun.elapsed() < LEAST {
                for file in files {
                    stage(file);
                }
                passes += 1;
            }
            let spent = match (start, processor_time()) {
                (Some(start), Some(end)) => end - start,
                _ => begun.elapsed().as_secs_f64(),
            };
            *best = best.min(spent / f64::from(passes));
        }
    }
    stages.into_iter().zip(best).map(|((name, what, _), seconds)| (name, what, seconds)).collect()
}

fn header(bytes: &[u8]) {
    let Some(&magic) = bytes.first_chunk() else { return };
    let version = pyc::lookup(Magic(magic)).first();
    black_box(version.and_then(|version| Header::read(bytes, version.header?)));
}

/// Seconds that this thread has run, where the system says (Linux): other programs do not count, as they would by the clock.
fn processor_time() -> Option<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// The source of a pyc, in its folder or the one above `__pycache__`.
fn source_of(path: &Path) -> Option<Vec<u8>> {
    let folder = path.parent()?;
    let folder = if folder.ends_with("__pycache__") { folder.parent()? } else { folder };
    let module = path.file_name()?.to_str()?.split('.').next()?;
    fs::read(folder.join(module).with_extension("py")).ok()
}

/// Adds the pycs below a path, or the file that it is.
fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    inside.sort();
    for path in inside {
        let is_pyc = path.extension().is_some_and(|extension| extension == "pyc" || extension == "pyo");
        if is_pyc || path.is_dir() && !path.is_symlink() {
            collect(&path, paths)?;
        }
    }
    Ok(())
}
