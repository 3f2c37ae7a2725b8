//! What import hooks make of a module before it is compiled: pytest, jaxtyping, beartype, typeguard.
//!
//! A hook writes its caches under a name of its own ([`crate::place::Place::hook`]). The name says which hook it claims to be and what that
//! would make of the source; this tree is compiled like any other, so that the cache is compared with its source all the same. What a hook
//! does was observed on its released versions. One whose ways are not known is said to be so, and never shown as clean.
//!
//! A hook is a file or folder here with a function that knows its names, and a row in [`HOOKS`].

mod beartype;
mod jaxtyping;
mod nodes;
pub(super) mod pytest;
mod typeguard;

use std::collections::BTreeMap;
use std::fmt;

use ruff_python_ast::ModModule;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

use crate::pyc::Tree;

/// The hooks that are known.
const HOOKS: &[fn(&Asked<'_>) -> Option<Forms>] = &[pytest::forms, jaxtyping::forms, beartype::forms, typeguard::forms];

/// What the forms of a hook depend on.
pub(super) struct Asked<'a> {
    /// The hook, as the name of the file has it: `-pytest-8.3.3`, `opt-typeguard460`.
    pub(super) hook: &'a str,
    /// The last part of the module's name, as the path has it.
    pub(super) module: &'a str,
    /// The version of Python that the file is of.
    pub(super) series: (u8, u8),
    /// The file, of which only options are taken that its name does not say.
    pub(super) tree: &'a Tree<'a>,
}

/// The ways in which a hook may have rewritten a module.
pub(super) struct Forms {
    /// What to try, in this order.
    pub(super) all: Vec<Box<dyn Form>>,
    /// Whether there is no other: code that none of them explains is not the hook's.
    pub(super) is_complete: bool,
}

impl Forms {
    /// Those of a hook whose ways are not known.
    const UNKNOWN: Self = Self { all: Vec::new(), is_complete: false };
}

/// One way to rewrite a module.
pub(super) trait Form: fmt::Debug {
    /// The module that is compiled in the place of a source's; `None` where it is that one. Call it where the tree can be deep.
    fn rewrite(&self, source: &ModModule, text: &str) -> Option<Rewritten>;
}

/// A module is compiled as it is.
#[derive(Debug)]
struct Plain;

impl Form for Plain {
    fn rewrite(&self, _: &ModModule, _: &str) -> Option<Rewritten> {
        None
    }
}

/// What a hook may have made of a module; in the end nothing. Typing hooks give caches another name for as long as they are at work, and
/// what is imported for the first time meanwhile, by the module or by themselves, is cached under that name as it is. pytest names what it
/// rewrote, and nothing else.
pub(super) fn forms(asked: &Asked<'_>) -> Forms {
    let mut forms = HOOKS.iter().find_map(|forms| forms(asked)).unwrap_or(Forms::UNKNOWN);
    if !asked.hook.starts_with("-pytest-") {
        forms.all.push(Box::new(Plain));
    }
    forms
}

/// A module that was rewritten.
#[derive(Debug)]
pub(super) struct Rewritten {
    /// The tree that is compiled.
    pub(super) module: ModModule,
    /// Whether an `assert` that is left in it is one whose rewritten form is not known.
    pub(super) has_unknown_asserts: bool,
    /// Whether more would have to be put in than is made.
    pub(super) is_cut: bool,
    /// Whether the outcome is not known: code that this does not explain can still be the hook's.
    pub(super) is_open: bool,
    /// The asserts all parts of which have the line of the assert, in order.
    moved: Vec<TextRange>,
    /// The walruses that stand for a name in a later assert too, by where they begin, and the assert that they are moved to.
    carried: BTreeMap<TextSize, (TextRange, TextSize)>,
}

impl Rewritten {
    /// One that was not changed yet.
    fn of(source: &ModModule) -> Self {
        let module = source.clone();
        Self {
            module,
            has_unknown_asserts: false,
            is_cut: false,
            is_open: false,
            moved: Vec::new(),
            carried: BTreeMap::new(),
        }
    }

    /// The start of the assert that gives its line to what is at an offset.
    pub(super) fn assert_at(&self, offset: TextSize) -> Option<TextSize> {
        let carried = self.carried.range(..=offset).next_back();
        if let Some((_, &(_, assert))) = carried.filter(|(_, (walrus, _))| walrus.contains(offset)) {
            return Some(assert);
        }
        let behind = self.moved.partition_point(|assert| assert.start() <= offset);
        let assert = self.moved.get(behind.checked_sub(1)?)?;
        assert.contains(offset).then(|| assert.start())
    }
}

/// How much syntax is made for one module: some hundred megabytes. A test of 10,000 asserts needs a quarter of it.
const MOST_MADE: usize = 4_000_000;

/// What is left of [`MOST_MADE`].
#[derive(Debug)]
struct Budget(usize);

impl Budget {
    /// Whether so much more may be made.
    fn spend(&mut self, amount: usize) -> bool {
        self.0 = self.0.saturating_sub(amount);
        self.0 > 0
    }
}
