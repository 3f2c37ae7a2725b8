//! One child process that compiles sources, and how it is spoken to.
//!
//! A request is the optimisation level (a byte), the length (four bytes, little-endian) and the source; an answer is a byte, 0 for
//! marshalled code and 1 for an error's text, the length and the content. The first answer is the magic number and the version.

use std::ffi::OsStr;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Child as Process;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use super::Compiled;

/// The program that the interpreter runs.
const PROGRAM: &str = include_str!("compile.py");

/// How an interpreter is kept apart from its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// `-I`, of Python 3.4 and later.
    Isolated,
    /// `-E -s`, before that; the program takes the current folder out of the path itself.
    Apart,
}

/// What a child may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of address space.
    pub(super) memory: u64,
    /// How long one source may take.
    pub(super) time: Duration,
    /// Bytes of an answer.
    pub(super) answer: u64,
}

/// An answer: whether it is an error, and its content.
type Answer = io::Result<(bool, Vec<u8>)>;

/// A running child. Dropping it ends the process.
pub(super) struct Child {
    process: Process,
    requests: Option<Sender<Vec<u8>>>,
    answers: Receiver<Answer>,
    bounds: Bounds,
}

impl Child {
    /// Starts an interpreter; gives what it says first.
    ///
    /// `level` is the optimisation level of Python 2, where `compile` takes none.
    pub(super) fn start(
        path: &Path,
        isolation: Isolation,
        level: u8,
        bounds: Bounds,
    ) -> Result<(Self, Vec<u8>), Compiled> {
        let mut command = Command::new(path);
        match isolation {
            Isolation::Isolated => command.arg("-I"),
            Isolation::Apart => command.args(["-E", "-s"]),
        };
        match level {
            0 => &mut command,
            1 => command.arg("-O"),
            _ => command.arg("-OO"),
        };
        command.args(["-S", "-B", "-W", "ignore", "-c"]).arg(PROGRAM.replace("MEMORY", &bounds.memory.to_string()));
        // Nothing of ours is of use to it but where shared libraries are.
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == OsStr::new("LD_LIBRARY_PATH")));
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let died = |error: io::Error| Compiled::Died(format!("it could not be started: {error}"));
        let mut process = command.spawn().map_err(died)?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Compiled::Died("it could not be spoken to".to_owned()));
        };
        let (requests, to_child) = mpsc::channel();
        let (from_child, answers) = mpsc::channel();
        let started = thread::Builder::new()
            .name("interpreter".to_owned())
            .spawn(move || converse(input, output, &to_child, &from_child, bounds.answer));
        let mut child = Self { process, requests: Some(requests), answers, bounds };
        started.map_err(died)?;
        let hello = child.answer()?;
        Ok((child, hello))
    }

    /// Has a source compiled. After anything but code or an error of the compiler the child is of no use any more.
    pub(super) fn compile(&mut self, source: &[u8], level: u8) -> Compiled {
        let Ok(size) = u32::try_from(source.len()) else {
            return Compiled::Refused("the source is too large".to_owned());
        };
        let mut request = vec![level];
        request.extend(size.to_le_bytes());
        request.extend(source);
        if self.requests.as_ref().is_none_or(|requests| requests.send(request).is_err()) {
            return Compiled::Died("it has ended".to_owned());
        }
        match self.answer() {
            Ok(code) => Compiled::Code(code),
            Err(failure) => failure,
        }
    }

    fn answer(&mut self) -> Result<Vec<u8>, Compiled> {
        match self.answers.recv_timeout(self.bounds.time) {
            Ok(Ok((false, content))) => Ok(content),
            Ok(Ok((true, text))) => Err(Compiled::Refused(crate::name::shown(&text))),
            Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(Compiled::Died("its answer is too large".to_owned()))
            }
            Ok(Err(_)) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(Compiled::Died("it ended while it compiled".to_owned()))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(Compiled::Died(format!("it took more than {} seconds", self.bounds.time.as_secs())))
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.requests = None;
        // It may have ended already; either way nothing is left of it afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Passes requests and answers on, on a thread of its own so that whoever waits for an answer can stop waiting.
fn converse(
    mut input: ChildStdin,
    mut output: ChildStdout,
    requests: &Receiver<Vec<u8>>,
    answers: &Sender<Answer>,
    limit: u64,
) {
    loop {
        let answer = read_answer(&mut output, limit);
        let is_over = answer.is_err();
        if answers.send(answer).is_err() || is_over {
            return;
        }
        let Ok(request) = requests.recv() else { return };
        // A child that no longer listens is told by the end of its answers.
        let _ = input.write_all(&request).and_then(|()| input.flush());
    }
}

fn read_answer(output: &mut ChildStdout, limit: u64) -> Answer {
    let mut head = [0; 5];
    output.read_exact(&mut head)?;
    let [status, size @ ..] = head;
    let size = u64::from(u32::from_le_bytes(size));
    if size > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut content = Vec::new();
    // As much is allocated as comes.
    if output.take(size).read_to_end(&mut content)? as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((status != 0, content))
}
