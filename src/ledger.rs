//! The coverage ledger: every file and member seen is counted exactly once, so that nothing found is dropped silently.

use std::collections::BTreeMap;

/// What became of a file or member that was seen. Every one seen is counted exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// Scanned as bytecode.
    Bytecode,
    /// Opened as an archive; its members are counted for themselves.
    Archive,
    /// A class that Jython compiled: recognised, not parsed.
    Jython,
    /// Bytecode of MicroPython: recognised, not parsed.
    Micropython,
    /// A cache of numba: recognised, not parsed.
    Numba,
    /// A cache of jinja2: recognised, not parsed.
    Jinja2,
    /// A Jupyter notebook: recognised, not parsed.
    Notebook,
    /// Looked at and found to be none of these.
    Other,
    /// Left out by `--exclude` (a folder left out is counted once).
    Excluded,
    /// A link that is not followed: its target lies outside, is scanned at its own place, or does not exist.
    Link,
    /// A FIFO, socket or device; never opened.
    Special,
    /// A limit was hit before it could be read whole.
    Limited,
    /// It could not be read.
    Unreadable,
}

impl Fate {
    /// Every fate, in the order of reports.
    pub const ALL: &'static [Self] = &[
        Self::Bytecode,
        Self::Archive,
        Self::Jython,
        Self::Micropython,
        Self::Numba,
        Self::Jinja2,
        Self::Notebook,
        Self::Other,
        Self::Excluded,
        Self::Link,
        Self::Special,
        Self::Limited,
        Self::Unreadable,
    ];

    /// The forms of Python code that are recognised and not parsed.
    pub const OTHER_CODE: &'static [Self] =
        &[Self::Jython, Self::Micropython, Self::Numba, Self::Jinja2, Self::Notebook];

    /// The word that reports use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Bytecode => "bytecode",
            Self::Archive => "archive",
            Self::Jython => "jython",
            Self::Micropython => "micropython",
            Self::Numba => "numba",
            Self::Jinja2 => "jinja2",
            Self::Notebook => "notebook",
            Self::Other => "other",
            Self::Excluded => "excluded",
            Self::Link => "link",
            Self::Special => "special",
            Self::Limited => "limited",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The coverage ledger: how many files and members were seen, and what became of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    counts: BTreeMap<Fate, u64>,
}

impl Ledger {
    /// Notes a file and what became of it.
    pub fn saw(&mut self, fate: Fate) {
        self.saw_many(fate, 1);
    }

    /// Notes files that met the same fate.
    pub fn saw_many(&mut self, fate: Fate, files: u64) {
        if files > 0 {
            let count = self.counts.entry(fate).or_default();
            *count = count.saturating_add(files);
        }
    }

    /// Adds another ledger to this one.
    pub fn add(&mut self, other: &Self) {
        for (&fate, &count) in &other.counts {
            self.saw_many(fate, count);
        }
    }

    /// How many were seen.
    pub fn seen(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many met this fate.
    pub fn get(&self, fate: Fate) -> u64 {
        self.counts.get(&fate).copied().unwrap_or_default()
    }
}
