//! The exit codes, all of them.

use std::process::ExitCode;

/// How a run of `pycaudit` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing at or above `--fail-on`, and all could be read.
    Clean,
    /// Findings at or above `--fail-on`.
    Findings,
    /// It could not start, or a report could not be written.
    Failed,
    /// It finished, but could not read everything; wins over findings.
    Incomplete,
    /// Ctrl-C: 128 plus the number of SIGINT, as shells expect.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Failed => 2,
            Exit::Incomplete => 3,
            Exit::Interrupted => 130,
        })
    }
}
