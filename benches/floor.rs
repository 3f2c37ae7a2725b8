//! What cannot be avoided: the same files walked, read, hashed or parsed, or the members of archives inflated, and nothing judged or
//! reported.
//!
//! `floor LEVEL JOBS PATH...`: of a folder `walk` names its files, `read` reads every `.pyc` and `.pyo` in it, `sha256` also hashes them and
//! `parse` also reads their objects; the same of the pycs in archives (`.whl`, `.zip`), and `members` inflates and hashes every member of
//! those. Each level does what the ones before it do. `end_to_end/compare.py` runs it beside pycaudit.

use std::env;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Cursor;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Scratch;
use rayon::prelude::*;
use sha2::Digest as _;
use sha2::Sha256;
use zip::ZipArchive;

/// How much is done with each file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Walk,
    Read,
    Sha256,
    Parse,
    Members,
}

/// What was done.
#[derive(Default)]
struct Done {
    files: AtomicU64,
    bytes: AtomicU64,
}

/// What a thread uses again.
#[derive(Default)]
struct Desk {
    bytes: Vec<u8>,
    scratch: Scratch,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some((level, jobs, paths)) = read_arguments(&arguments) else {
        return writeln!(io::stdout(), "floor walk|read|sha256|parse|members JOBS PATH...");
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().map_err(io::Error::other)?;
    let done = Done::default();
    pool.install(|| paths.par_iter().try_for_each(|path| tree(Path::new(path), level, &done)))?;
    let (files, bytes) = (done.files.into_inner(), done.bytes.into_inner());
    writeln!(io::stdout(), "{files} files, {bytes} bytes")
}

fn read_arguments(arguments: &[String]) -> Option<(Level, usize, &[String])> {
    let [level, jobs, paths @ ..] = arguments else { return None };
    let level = match level.as_str() {
        "walk" => Level::Walk,
        "read" => Level::Read,
        "sha256" => Level::Sha256,
        "parse" => Level::Parse,
        "members" => Level::Members,
        _ => return None,
    };
    Some((level, jobs.parse().ok()?, paths))
}

/// A folder with all below it, or a file. Files of one folder are shared among threads too.
fn tree(path: &Path, level: Level, done: &Done) -> io::Result<()> {
    if !path.is_dir() {
        return file(path, level, done, &mut Desk::default());
    }
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folders.push(entry.path());
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    let each = |desk: &mut Desk, path: &PathBuf| file(path, level, done, desk);
    let (inside, here) = rayon::join(
        || folders.par_iter().try_for_each(|path| tree(path, level, done)),
        || files.par_iter().map_init(Desk::default, each).collect::<io::Result<()>>(),
    );
    inside.and(here)
}

fn file(path: &Path, level: Level, done: &Done, desk: &mut Desk) -> io::Result<()> {
    if level == Level::Walk {
        count(done, 0);
    } else if has_extension(path, &["pyc", "pyo"]) {
        desk.bytes.clear();
        File::open(path)?.read_to_end(&mut desk.bytes)?;
        pyc_of(level, done, desk);
    } else if has_extension(path, &["whl", "zip"]) {
        archive(path, level, done)?;
    }
    Ok(())
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension().is_some_and(|extension| wanted.iter().any(|wanted| extension == *wanted))
}

/// An archive, its members shared among threads.
fn archive(path: &Path, level: Level, done: &Done) -> io::Result<()> {
    let bytes: Arc<[u8]> = fs::read(path)?.into();
    let zip = ZipArchive::new(Cursor::new(bytes)).map_err(io::Error::other)?;
    let wanted = |name: &str| level == Level::Members || has_extension(Path::new(name), &["pyc", "pyo"]);
    let members: Vec<usize> =
        (0..zip.len()).filter(|&index| matches!(zip.name_for_index(index), Some(Ok(name)) if wanted(&name))).collect();
    let each = |(zip, desk): &mut (ZipArchive<Cursor<Arc<[u8]>>>, Desk), index: usize| -> io::Result<()> {
        desk.bytes.clear();
        zip.by_index(index).map_err(io::Error::other)?.read_to_end(&mut desk.bytes)?;
        pyc_of(level, done, desk);
        Ok(())
    };
    members.into_par_iter().map_init(|| (zip.clone(), Desk::default()), |own, index| each(own, index)).collect()
}

/// What is done with the bytes of a pyc.
fn pyc_of(level: Level, done: &Done, desk: &mut Desk) {
    if level >= Level::Sha256 {
        std::hint::black_box(Sha256::digest(&desk.bytes));
    }
    if level == Level::Parse {
        std::hint::black_box(pyc::parse(&desk.bytes, &Limits::default(), &mut desk.scratch));
    }
    count(done, desk.bytes.len());
}

fn count(done: &Done, bytes: usize) {
    done.files.fetch_add(1, Ordering::Relaxed);
    done.bytes.fetch_add(u64::try_from(bytes).unwrap_or_default(), Ordering::Relaxed);
}
