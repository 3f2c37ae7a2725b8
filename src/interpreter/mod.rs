//! Interpreters that compile sources for `--verify exact`: found, asked what they are, and kept in isolated children.
//!
//! The only place where Python runs. A child gets the text of a source and calls `compile()` on it; nothing of what is
//! scanned is executed or imported, and no interpreter inside a scanned tree is used unless it was named.

mod child;
mod find;

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use crate::limits::Limits;
use crate::pyc::Magic;

use child::Bounds;
use child::Child;
use child::Isolation;

/// What became of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiled {
    /// Marshalled code.
    Code(Vec<u8>),
    /// The compiler refused it; its words.
    Refused(String),
    /// The child gave no answer, and why.
    Died(String),
}

/// An interpreter that answers.
pub struct Interpreter {
    /// Where it is.
    pub path: PathBuf,
    /// Its version in its own words: `3.12.1`, `PyPy 7.3.11`.
    pub version: String,
    /// Its magic number.
    pub magic: Magic,
    isolation: Isolation,
    bounds: Bounds,
    /// Children that wait for work, by optimisation level. From Python 3 on all of them are in the first.
    idle: [Mutex<Vec<Child>>; 3],
}

impl fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path.display(), self.version)
    }
}

impl Interpreter {
    /// Asks a program what it is.
    pub fn ask(path: &Path, limits: &Limits) -> Result<Self, String> {
        let bounds = Bounds {
            memory: limits.interpreter_memory,
            time: Duration::from_secs(limits.interpreter_seconds),
            answer: limits.member_size,
        };
        let mut why = String::new();
        for isolation in [Isolation::Isolated, Isolation::Apart] {
            match Child::start(path, isolation, 0, bounds) {
                Ok((child, hello)) => {
                    let Some((magic, version)) = hello.split_first_chunk() else { continue };
                    let [first, second, third] = <[Mutex<Vec<Child>>; 3]>::default();
                    first.lock().unwrap_or_else(PoisonError::into_inner).push(child);
                    return Ok(Self {
                        path: path.to_owned(),
                        version: crate::name::shown(version),
                        magic: Magic(*magic),
                        isolation,
                        bounds,
                        idle: [first, second, third],
                    });
                }
                Err(Compiled::Refused(text) | Compiled::Died(text)) => why = text,
                Err(Compiled::Code(_)) => {}
            }
        }
        Err(why)
    }

    /// Compiles a source at an optimisation level.
    fn compile(&self, source: &[u8], level: u8) -> Compiled {
        // The level of Python 2 is that of the process.
        let of_process = if self.isolation == Isolation::Apart { level } else { 0 };
        let Some(idle) = self.idle.get(usize::from(of_process)) else {
            return Compiled::Refused("no such optimisation level".to_owned());
        };
        let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let child = match waiting {
            Some(child) => Ok(child),
            None => Child::start(&self.path, self.isolation, of_process, self.bounds).map(|(child, _)| child),
        };
        let mut child = match child {
            Ok(child) => child,
            Err(failure) => return failure,
        };
        let compiled = child.compile(source, level);
        if !matches!(compiled, Compiled::Died(_)) {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        }
        compiled
    }
}

/// The interpreters of a run.
#[derive(Debug, Default)]
pub struct Interpreters {
    all: Vec<Interpreter>,
    slots: Slots,
}

impl Interpreters {
    /// These and no others; fails on the first that does not answer.
    pub fn named(paths: &[PathBuf], limits: &Limits) -> Result<Self, (PathBuf, String)> {
        let ask = |path: &PathBuf| Interpreter::ask(path, limits).map_err(|why| (path.clone(), why));
        Ok(Self { all: paths.iter().map(ask).collect::<Result<_, _>>()?, slots: Slots::default() })
    }

    /// All that are on the machine and answer, but those inside the trees that are scanned.
    pub fn found(scanned: &[PathBuf], limits: &Limits) -> Self {
        let all = find::find(scanned).iter().filter_map(|path| Interpreter::ask(path, limits).ok()).collect();
        Self { all, slots: Slots::default() }
    }

    /// All of them.
    pub fn all(&self) -> &[Interpreter] {
        &self.all
    }

    /// Those that write a magic number.
    pub fn of(&self, magic: Magic) -> impl Iterator<Item = &Interpreter> {
        self.all.iter().filter(move |interpreter| interpreter.magic == magic)
    }

    /// Has one of them compile a source. As many work at once as there are processors.
    pub fn compile(&self, interpreter: &Interpreter, source: &[u8], level: u8) -> Compiled {
        self.slots.with(|| interpreter.compile(source, level))
    }
}

/// How many children work at once.
#[derive(Debug)]
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Default for Slots {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { free: Mutex::new(cores), freed: Condvar::new() }
    }
}

impl Slots {
    fn with<T>(&self, work: impl FnOnce() -> T) -> T {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free = free.saturating_sub(1);
        drop(free);
        let result = work();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = free.saturating_add(1);
        drop(free);
        self.freed.notify_one();
        result
    }
}
