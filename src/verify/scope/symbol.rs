//! Blocks and their symbols, as symtable.c keeps them.

use std::collections::HashMap;
use std::ops::BitOr;
use std::ops::BitOrAssign;

use std::rc::Rc;

use foldhash::fast::RandomState;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

use crate::verify::rows::Rows;
use crate::verify::scope::Parameters;
use crate::verify::scope::Role;
use crate::verify::scope::ScopeId;
use crate::verify::scope::mangle::Private;

/// A name in [`Interner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::verify) struct NameIndex(pub(super) usize);

impl NameIndex {
    /// The number.
    pub(in crate::verify) fn number(self) -> usize {
        self.0
    }
}

/// The names of all blocks, mangled.
#[derive(Debug, Default)]
pub(super) struct Interner(Rows<u8>);

impl Interner {
    /// The number of a name.
    pub(super) fn intern(&mut self, name: &str) -> NameIndex {
        NameIndex(self.0.place_of(name.as_bytes()))
    }

    /// The number of a name that some block has.
    pub(super) fn find(&self, name: &str) -> Option<NameIndex> {
        self.0.find(name.as_bytes()).map(NameIndex)
    }

    /// The name of a number.
    pub(super) fn get(&self, index: NameIndex) -> &str {
        self.0.get(index.0).and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What a block does with a name: symtable.h's `DEF_` and `USE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u16);

impl Flags {
    /// Declared global.
    pub(super) const GLOBAL: Self = Self(1);
    /// Bound.
    pub(super) const LOCAL: Self = Self(2);
    /// A parameter.
    pub(super) const PARAMETER: Self = Self(4);
    /// Declared nonlocal.
    pub(super) const NONLOCAL: Self = Self(8);
    /// Read.
    pub(super) const USE: Self = Self(16);
    /// Bound by an import.
    pub(super) const IMPORT: Self = Self(32);
    /// Free in a function inside and at the same time a name of this class.
    pub(super) const FREE_CLASS: Self = Self(64);
    /// A cell of an inlined comprehension.
    pub(super) const COMPREHENSION_CELL: Self = Self(128);
    /// What makes a name local.
    pub(super) const BOUND: Self = Self(2 | 4 | 32);

    /// Whether any of the other's flags is set.
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What a name turned out to be in a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Resolution {
    /// Not analysed.
    #[default]
    Unknown,
    /// Local, and free nowhere.
    Local,
    /// Declared global.
    GlobalExplicit,
    /// Bound nowhere.
    GlobalImplicit,
    /// Bound in a function around.
    Free,
    /// Local, and free in a function inside.
    Cell,
}

/// A name in a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Symbol {
    /// What the block does with it.
    pub flags: Flags,
    /// What it is.
    pub resolution: Resolution,
}

/// The symbols of a block, in the order in which they were first met: the order of a dict of CPython.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    all: Vec<(NameIndex, Symbol)>,
    /// Where each is in `all`, of a block with many.
    places: HashMap<NameIndex, usize, RandomState>,
}

/// Symbols of a block among which one is looked for from the first on.
const FEW: usize = 12;

impl Symbols {
    /// The symbol of a name.
    pub(super) fn get(&self, name: NameIndex) -> Option<Symbol> {
        self.place(name).map(|place| self.all[place].1)
    }

    fn place(&self, name: NameIndex) -> Option<usize> {
        if self.all.len() <= FEW {
            return self.all.iter().position(|&(other, _)| other == name);
        }
        self.places.get(&name).copied()
    }

    /// Takes note of where the last one is.
    fn index(&mut self) {
        if self.all.len() == FEW + 1 {
            self.places = self.all.iter().zip(0..).map(|(&(name, _), place)| (name, place)).collect();
        } else if self.all.len() > FEW {
            let last = self.all.len() - 1;
            self.places.insert(self.all[last].0, last);
        }
    }

    /// The place of the symbol of a name, which is new if need be.
    pub(super) fn place_of(&mut self, name: NameIndex) -> usize {
        self.place(name).unwrap_or_else(|| {
            self.all.push((name, Symbol::default()));
            self.index();
            self.all.len() - 1
        })
    }

    /// The symbol at a place does this as well.
    pub(super) fn add(&mut self, place: usize, flags: Flags) {
        if let Some((_, symbol)) = self.all.get_mut(place) {
            symbol.flags |= flags;
        }
    }

    /// The symbol of a name, new if need be.
    pub(super) fn entry(&mut self, name: NameIndex) -> &mut Symbol {
        let place = self.place_of(name);
        &mut self.all[place].1
    }

    /// Takes a name out.
    pub(super) fn remove(&mut self, name: NameIndex) {
        self.all.retain(|&(other, _)| other != name);
        self.places = self.all.iter().zip(0..).map(|(&(name, _), place)| (name, place)).collect();
    }

    /// All, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NameIndex, Symbol)> {
        self.all.iter().copied()
    }

    /// All, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (NameIndex, &mut Symbol)> {
        self.all.iter_mut().map(|(name, symbol)| (*name, symbol))
    }

    /// The one at a place of the order.
    pub(super) fn at(&self, place: usize) -> Option<(NameIndex, Symbol)> {
        self.all.get(place).copied()
    }
}

/// Which comprehension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComprehensionKind {
    /// `<listcomp>`
    List,
    /// `<setcomp>`
    Set,
    /// `<dictcomp>`
    Dict,
    /// `<genexpr>`
    Generator,
}

/// A scope while it is made: symtable.c's entry.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts of symtable.c's entry")]
pub(super) struct Block {
    pub parent: Option<ScopeId>,
    pub role: Role,
    pub comprehension: Option<ComprehensionKind>,
    pub name: Box<str>,
    /// The range by which it is found.
    pub node: TextRange,
    pub first: Option<TextSize>,
    pub private: Private,
    /// The class by which its code begins to mangle names, in [`crate::verify::scope::Release::First`].
    pub prefix: Option<Rc<str>>,
    /// That by which the code around it mangles names then.
    pub inherited: Option<Rc<str>>,
    pub symbols: Symbols,
    pub parameters: Parameters,
    pub children: Vec<ScopeId>,
    /// The annotations of a class body or module.
    pub annotations: Option<ScopeId>,
    /// Symbols of it mean nothing to the scopes around it: annotations under their future.
    pub is_detached: bool,
    pub has_code: bool,
    pub is_inlined: bool,
    pub is_nested: bool,
    pub is_generator: bool,
    pub is_coroutine: bool,
    pub is_unoptimised: bool,
    /// Inside a statement that may not run, for annotations (3.14).
    pub in_conditional: bool,
    /// Names of it are not looked at: annotations of a function's local variables (3.14).
    pub is_unevaluated: bool,
    pub can_see_class_scope: bool,
    pub needs_class_closure: bool,
    pub needs_classdict: bool,
    pub has_conditional_annotations: bool,
    pub has_docstring: bool,
}

impl Block {
    /// A block in which nothing is yet.
    pub(super) fn new(
        parent: Option<ScopeId>,
        role: Role,
        name: &str,
        node: TextRange,
        first: Option<TextSize>,
    ) -> Self {
        Self {
            parent,
            role,
            comprehension: None,
            name: name.into(),
            node,
            first,
            private: Private::None,
            prefix: None,
            inherited: None,
            symbols: Symbols::default(),
            parameters: Parameters::default(),
            children: Vec::new(),
            annotations: None,
            is_detached: false,
            has_code: true,
            is_inlined: false,
            is_nested: false,
            is_generator: false,
            is_coroutine: false,
            is_unoptimised: false,
            in_conditional: false,
            is_unevaluated: false,
            can_see_class_scope: false,
            needs_class_closure: false,
            needs_classdict: false,
            has_conditional_annotations: false,
            has_docstring: false,
        }
    }

    /// `_PyST_IsFunctionLike`: names are fast locals or cells.
    pub(super) fn is_function_like(&self) -> bool {
        !matches!(self.role, Role::Module | Role::Class)
    }
}

/// The block whose code object a block's code is in.
pub(super) fn unit(blocks: &[Block], mut id: ScopeId) -> ScopeId {
    while let Some(parent) = blocks[id.0].parent
        && blocks[id.0].is_inlined
    {
        id = parent;
    }
    id
}
