//! A case for a rule: a forged tree or archive, scanned with that rule alone.

use std::path::PathBuf;

use crate::artifact::Locator;
use crate::container::Container;
use crate::container::Exclude;
use crate::container::Kind;
use crate::container::format;
use crate::entry::Entry;
use crate::forge::MemoryTree;
use crate::forge::Pyc;
use crate::forge::Zip;
use crate::forge::pyc::Value;
use crate::known::Known;
use crate::limits::Limits;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::scan;
use crate::scan::Config;

/// A forged tree or archive and the circumstances of its scan.
pub struct Case {
    what: What,
    name: String,
    limits: Limits,
    now: i64,
    strict: bool,
    reveal_secrets: bool,
    known: Known,
    exclude: Exclude,
}

enum What {
    Tree(MemoryTree),
    Zip(Zip),
    Bytes(Vec<u8>),
}

/// When cases are scanned unless they say otherwise: 2026-06-15 12:00:00 UTC.
pub const NOW: i64 = 1_781_524_800;

impl Case {
    /// An empty folder named `tree`.
    pub fn tree() -> Self {
        Self::new(What::Tree(MemoryTree::new()), "tree")
    }

    /// A tree with one file, `m.pyc`: a module of a version, such as `3.12`, with these instructions.
    pub fn code(python: &str, code: &[u8]) -> Self {
        let pyc = Pyc::python(python).edit(|it| it.code = Value::Bytes(code.to_vec()));
        Self::tree().file("m.pyc", pyc.build(), 1)
    }

    /// A zip archive named `a.zip`; what it is follows from its members.
    pub fn zip(zip: Zip) -> Self {
        Self::new(What::Zip(zip), "a.zip")
    }

    /// An archive from its bytes.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Self::new(What::Bytes(bytes), "a.zip")
    }

    fn new(what: What, name: &str) -> Self {
        Self {
            what,
            name: name.to_owned(),
            limits: Limits::default(),
            now: NOW,
            strict: false,
            reveal_secrets: false,
            known: Known::default(),
            exclude: Exclude::default(),
        }
    }

    /// Adds a file with its modification time to a tree.
    ///
    /// # Panics
    /// When the case is no tree.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>, mtime: i64) -> Self {
        let What::Tree(tree) = self.what else { panic!("only a tree takes files") };
        self.what = What::Tree(tree.file(path, bytes).mtime(mtime));
        self
    }

    /// Changes the tree in ways that [`Self::file`] has no word for: links, modes, owners.
    ///
    /// # Panics
    /// When the case is no tree.
    #[must_use]
    pub fn with_tree(mut self, change: impl FnOnce(MemoryTree) -> MemoryTree) -> Self {
        let What::Tree(tree) = self.what else { panic!("only a tree can be changed so") };
        self.what = What::Tree(change(tree));
        self
    }

    /// The name of the archive or folder.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// When the scan begins, seconds since 1970.
    #[must_use]
    pub fn now(mut self, now: i64) -> Self {
        self.now = now;
        self
    }

    /// The limits of the scan.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Scans with `--strict`.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Scans with `--reveal-secrets`.
    #[must_use]
    pub fn reveal_secrets(mut self) -> Self {
        self.reveal_secrets = true;
        self
    }

    /// Scans with `--known-good` or `--known-bad`.
    #[must_use]
    pub fn known(mut self, known: Known) -> Self {
        self.known = known;
        self
    }

    /// Scans with `--exclude`.
    ///
    /// # Panics
    /// When a pattern is malformed.
    #[must_use]
    pub fn exclude(mut self, patterns: &[&str]) -> Self {
        self.exclude = Exclude::new(patterns.iter().copied()).unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// All entries of the scan with these rules.
    ///
    /// # Panics
    /// When the archive cannot be opened.
    pub fn entries(self, rules: &[&'static Rule]) -> Vec<Entry> {
        let config = Config {
            exclude: self.exclude,
            limits: self.limits,
            rules: rules.to_vec(),
            strict: self.strict,
            reveal_secrets: self.reveal_secrets,
            known: self.known,
            jobs: Some(1),
            ..Config::new(Vec::new(), self.now)
        };
        let locator = Locator::file(PathBuf::from(self.name));
        let container: Box<dyn Container> = match self.what {
            What::Tree(tree) => Box::new(tree),
            What::Zip(zip) => open(zip.build(), &config.limits),
            What::Bytes(bytes) => open(bytes, &config.limits),
        };
        debug_assert!(container.kind() != Kind::Directory || locator.inner.is_empty());
        scan::scan_container(&config, container, locator)
    }

    /// What this rule finds.
    pub fn findings(self, rule: &'static Rule) -> Vec<Finding> {
        self.entries(&[rule]).iter().flat_map(|entry| entry.findings().to_vec()).collect()
    }

    /// Asserts that the rule finds exactly one thing, and gives it.
    ///
    /// # Panics
    /// When it finds nothing, or more than one thing.
    pub fn flags(self, rule: &'static Rule) -> Finding {
        let mut findings = self.findings(rule);
        assert_eq!(findings.len(), 1, "{rule:?} finds {findings:#?}");
        findings.remove(0)
    }

    /// Asserts that the rule finds nothing.
    ///
    /// # Panics
    /// When it finds something.
    pub fn passes(self, rule: &'static Rule) {
        let findings = self.findings(rule);
        assert!(findings.is_empty(), "{rule:?} finds {findings:#?}");
    }
}

fn open(bytes: Vec<u8>, limits: &Limits) -> Box<dyn Container> {
    match format::open_bytes(bytes, b"a.zip", limits) {
        Some(Ok(container)) => container,
        Some(Err(problem)) => panic!("{problem}"),
        None => panic!("no container"),
    }
}
