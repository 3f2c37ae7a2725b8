//! The load verdict: would an interpreter run this file?
//!
//! The rules are those of `reference/header.md` of the project's facts, checked by running every row on CPython 2.7 and 3.6 to
//! 3.15 (`tests/oracle/`).

/// Whether an interpreter of the file's own version would run it where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LoadVerdict {
    /// An import, or a start by its name, runs it.
    Runs,
    /// Only under `-O` or `-OO`.
    RunsOptimised,
    /// It would be looked at, found out of date, and compiled again.
    Stale,
    /// It is never looked at there.
    Dead,
    /// It is looked at, and import fails or ignores it.
    Rejected,
    /// Not known: an interpreter whose rules were not checked.
    Unknown,
}

impl LoadVerdict {
    /// The word that reports use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::RunsOptimised => "runs-optimised",
            Self::Stale => "stale",
            Self::Dead => "dead",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// Every verdict, the strongest first.
    pub const ALL: &'static [Self] =
        &[Self::Runs, Self::RunsOptimised, Self::Stale, Self::Dead, Self::Rejected, Self::Unknown];

    /// Whether some ordinary start of the interpreter runs it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Runs | Self::RunsOptimised)
    }
}

/// The verdict and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The verdict.
    pub verdict: LoadVerdict,
    /// One line for a person.
    pub reason: String,
}
