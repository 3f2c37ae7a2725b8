//! The symbol tables: what each name is in each scope of a source, for every series.
//!
//! The rules are those of CPython's Python/symtable.c in the version in question, and of what Python/compile.c makes of them: which scopes
//! there are, which of them become code objects, which names are local variables, cells, free or global, and how each is read and bound.
//! Sources are taken as they are: what CPython would refuse (`nonlocal` without a binding, two parameters of one name) is not reported.

mod analyse;
mod build;
mod describe;
mod future;
mod mangle;
mod symbol;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use ruff_python_ast::ModModule;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

use crate::verify::event::Space;
use crate::verify::scope::analyse::Analysis;
use crate::verify::scope::build::Builder;
pub(super) use crate::verify::scope::describe::HAS_DOCSTRING;
pub(super) use crate::verify::scope::future::Futures;
use crate::verify::scope::symbol::Block;
use crate::verify::scope::symbol::Flags;
use crate::verify::scope::symbol::Interner;
pub(super) use crate::verify::scope::symbol::NameIndex;
use crate::verify::scope::symbol::Resolution;
use crate::verify::scope::symbol::Symbol;

/// For which interpreter the tables are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// The series, such as `(3, 12)`.
    pub series: (u8, u8),
    /// The optimisation level. Only flags depend on it: statements that are not compiled are in the tables all the same.
    pub optimisation: u8,
    /// Which releases of the series.
    pub release: Release,
}

/// Releases of one series that share a magic number and compile some names differently: of 3.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// 3.12.0 to 3.12.3. Of an inlined comprehension only names that it binds keep their own scope (gh-118513), and the private prefix of
    /// a generic class stays on behind it (gh-119395).
    First,
    /// 3.12.4 and later, and all of other series.
    Mended,
}

/// A scope in [`Scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ScopeId(usize);

/// What opens a scope, and with which range it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// The module.
    Module,
    /// A `def`: the range of the statement.
    Function,
    /// A lambda: its range.
    Lambda,
    /// The body of a class: the range of the statement.
    Class,
    /// A comprehension or generator expression: its range. List comprehensions of 2.x open none.
    Comprehension,
    /// The type parameters of a `def`, `class` or `type`: the range of the statement.
    TypeParameters,
    /// The bound or constraints of a type parameter: the range of the parameter.
    TypeBound,
    /// The default of a type parameter: the range of the parameter.
    TypeDefault,
    /// The value of a `type` statement: the range of the statement.
    Alias,
    /// The annotations of a function (child of the scope that its code is made in; range of the statement), a class body or a
    /// module (their child; the range of the class statement or the module). 3.14 and later.
    Annotations,
}

/// The parameters of a scope's code object, mangled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    /// Those before `/`.
    pub positional_only: Vec<Box<str>>,
    /// Ordinary ones.
    pub ordinary: Vec<Box<str>>,
    /// Those behind `*`.
    pub keyword_only: Vec<Box<str>>,
    /// `*args`
    pub variadic: Option<Box<str>>,
    /// `**kwargs`
    pub keywords: Option<Box<str>>,
}

impl Parameters {
    /// All, in the order of `co_varnames`.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let ordered = self.positional_only.iter().chain(&self.ordinary).chain(&self.keyword_only);
        ordered.chain(&self.variadic).chain(&self.keywords).map(|name| &**name)
    }
}

/// A name that is put aside while an inlined comprehension runs: one that it binds, and in a class body of 3.12 and 3.13 all that it
/// names, `.0` included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hidden {
    /// The name.
    pub name: Box<str>,
    /// Whether it is a cell in the comprehension, which `MAKE_CELL` makes anew.
    pub is_cell: bool,
}

/// A scope, and the code object that it becomes.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, with symtable.c's names")]
pub(super) struct Scope {
    /// The scope around it in the syntax tree, inlined comprehensions included.
    pub parent: Option<ScopeId>,
    /// What it is.
    pub role: Role,
    /// `co_name`.
    pub name: Box<str>,
    /// `co_qualname`; of annotation scopes it is not dependable.
    pub qualname: Box<str>,
    /// Where the line of `co_firstlineno` is. None: not told by the source alone (modules up to 3.9).
    pub first: Option<TextSize>,
    /// Whether there is a code object. Not for inlined comprehensions and for annotation scopes that hold no annotation.
    pub has_code: bool,
    /// Whether it is a comprehension that runs in the frame around it (3.12 and later).
    pub is_inlined: bool,
    /// Its parameters, implicit ones included (`.0`, `.defaults`, `format`).
    pub parameters: Parameters,
    /// Names that live in fast locals, parameters and those of inlined comprehensions included; sorted.
    #[cfg(test)]
    pub locals: Vec<Box<str>>,
    /// `co_cellvars`: up to 3.10 sorted, with the implicit ones of a class last; from 3.11 on the parameters among them come first, in
    /// their order, and from 3.12 on so do names that inlined comprehensions hide, in an order that is not told here. In 2.x the order of
    /// a dict, here sorted.
    pub cells: Vec<Box<str>>,
    /// `co_freevars`: sorted; in 2.x the order of a dict, here sorted.
    pub frees: Vec<Box<str>>,
    /// What an inlined comprehension puts aside, in that order.
    pub hidden: Vec<Hidden>,
    /// `co_flags`, as far as `flags_mask` goes.
    pub flags: u32,
    /// The bits of `flags` that the source decides.
    pub flags_mask: u32,
    /// Whether it yields: `ste_generator`.
    pub is_generator: bool,
    /// Whether it is async: `ste_coroutine`.
    pub is_coroutine: bool,
    /// A class body whose functions use `__class__`.
    pub needs_class_closure: bool,
    /// A class body whose annotation scopes read its names (3.12 and later).
    pub needs_classdict: bool,
    /// A module or class body that records which annotations it came past (3.14 and later).
    pub has_conditional_annotations: bool,
    /// The scopes directly in it, in order.
    #[cfg(test)]
    pub children: Vec<ScopeId>,
}

/// All scopes of a module.
#[derive(Debug)]
pub(super) struct Scopes {
    options: Options,
    futures: Futures,
    names: Interner,
    blocks: Vec<Block>,
    described: Vec<Scope>,
    places: HashMap<(ScopeId, Role, TextRange), ScopeId, RandomState>,
}

impl Scopes {
    /// The tables of a module. None: the source is larger or deeper than the tables can be made for; CPython would not compile it either, or
    /// only with very much memory.
    ///
    /// It recurses once for each level of the syntax tree, whose depth is for the caller to limit.
    pub(super) fn of(module: &ModModule, options: Options) -> Option<Self> {
        let futures = Futures::of(module, options.series);
        let built = Builder::build(module, options, futures);
        let mut scopes = Self {
            options,
            futures,
            names: built.names,
            blocks: built.blocks,
            described: Vec::new(),
            places: built.places,
        };
        Analysis::run(&mut scopes.blocks, &scopes.names, options.series)?;
        scopes.described = describe::describe(&mut scopes.blocks, &scopes.names, options, futures)?;
        Some(scopes)
    }

    /// The scope of the module.
    #[expect(clippy::unused_self, reason = "it is the first of this module's scopes")]
    pub(super) fn module(&self) -> ScopeId {
        ScopeId(0)
    }

    /// The scope that a node opens.
    pub(super) fn child(&self, parent: ScopeId, role: Role, node: TextRange) -> Option<ScopeId> {
        self.places.get(&(parent, role, node)).copied()
    }

    /// A scope.
    pub(super) fn get(&self, id: ScopeId) -> &Scope {
        &self.described[id.0]
    }

    /// The scope of the annotations of a class body or module (3.14 and later).
    pub(super) fn annotations(&self, id: ScopeId) -> Option<ScopeId> {
        self.blocks[id.0].annotations
    }

    /// The scope whose code object a scope's code is in: itself, but for inlined comprehensions.
    pub(super) fn unit(&self, id: ScopeId) -> ScopeId {
        symbol::unit(&self.blocks, id)
    }

    /// Whether a scope's table has a name: it is used or bound there.
    pub(super) fn mentions(&self, id: ScopeId, name: &str) -> bool {
        self.names.find(name).is_some_and(|name| self.blocks[id.0].symbols.get(name).is_some())
    }

    /// Whether a scope is entered where the code around it mangles names as that does which makes its code object. The body of a `finally`
    /// is compiled twice, and [`Release::First`] may have another prefix left the second time.
    pub(super) fn is_entered_as(&self, id: ScopeId, unit: ScopeId, left: Option<&str>) -> bool {
        self.options.release == Release::Mended
            || self.blocks[id.0].inherited.as_deref() == left.or(self.blocks[unit.0].prefix.as_deref())
    }

    /// What futures the module imports.
    pub(super) fn futures(&self) -> Futures {
        self.futures
    }

    /// A name as a scope's code has it: mangled by the class around it, or what else is left of one.
    pub(super) fn mangle<'a>(&self, id: ScopeId, name: &'a str, left: Option<&str>) -> Cow<'a, str> {
        if self.options.release == Release::Mended {
            return mangle::in_block(&self.blocks, id, name);
        }
        match left.or(self.blocks[id.0].prefix.as_deref()) {
            Some(class) => mangle::by_class(class, name),
            None => Cow::Borrowed(name),
        }
    }

    /// The number of a mangled name among all that the tables have.
    pub(super) fn number(&self, name: &str) -> Option<NameIndex> {
        self.names.find(name)
    }

    /// How a name is read in a scope: `compiler_nameop`, `codegen_nameop`.
    pub(super) fn load_space(&self, id: ScopeId, name: Option<NameIndex>) -> Space {
        self.load_space_of(id, self.effective(id, name, self.options.release))
    }

    fn load_space_of(&self, id: ScopeId, (symbol, is_hidden): (Symbol, bool)) -> Space {
        let unit = &self.blocks[self.unit(id).0];
        let is_class = unit.role == Role::Class;
        let in_inlined = self.blocks[id.0].is_inlined;
        match symbol.resolution {
            Resolution::Free | Resolution::Cell => {
                let through_class = is_class && !in_inlined && self.options.series >= (3, 0);
                if through_class || unit.can_see_class_scope { Space::ClassDeref } else { Space::Deref }
            }
            Resolution::Local if unit.is_function_like() || is_hidden => Space::Fast,
            Resolution::GlobalImplicit if unit.is_function_like() && !unit.is_unoptimised => {
                if unit.can_see_class_scope { Space::ClassGlobal } else { Space::Global }
            }
            Resolution::GlobalExplicit => Space::Global,
            _ if is_class && in_inlined => Space::Global,
            _ => Space::Name,
        }
    }

    /// How a name is bound and deleted in a scope.
    pub(super) fn store_space(&self, id: ScopeId, name: Option<NameIndex>) -> Space {
        self.store_space_of(id, self.effective(id, name, self.options.release))
    }

    fn store_space_of(&self, id: ScopeId, (symbol, is_hidden): (Symbol, bool)) -> Space {
        let unit = &self.blocks[self.unit(id).0];
        match symbol.resolution {
            Resolution::Free | Resolution::Cell => Space::Deref,
            Resolution::Local if unit.is_function_like() || is_hidden => Space::Fast,
            Resolution::GlobalImplicit if unit.is_function_like() && !unit.is_unoptimised => Space::Global,
            Resolution::GlobalExplicit => Space::Global,
            _ => Space::Name,
        }
    }

    /// Whether 3.12.0 to 3.12.3 take a name of an inlined comprehension for the variable of another one, and later releases with the same
    /// magic number do not (gh-118513).
    pub(super) fn is_release_dependent(&self, id: ScopeId, name: &str) -> bool {
        if self.options.series != (3, 12) || !self.blocks[id.0].is_inlined {
            return false;
        }
        let name = self.names.find(name);
        let (first, mended) = (self.effective(id, name, Release::First), self.effective(id, name, Release::Mended));
        self.load_space_of(id, first) != self.load_space_of(id, mended)
            || self.store_space_of(id, first) != self.store_space_of(id, mended)
    }

    /// The symbol that the compiler sees, and whether it is a fast local of a class or module body: `push_inlined_comprehension_state`.
    fn effective(&self, id: ScopeId, name: Option<NameIndex>, release: Release) -> (Symbol, bool) {
        let Some(name) = name else { return (Symbol::default(), false) };
        let mut inlined = Vec::new();
        let mut current = id;
        while self.blocks[current.0].is_inlined {
            inlined.push(current);
            let Some(parent) = self.blocks[current.0].parent else { break };
            current = parent;
        }
        let unit = &self.blocks[current.0];
        let mut symbol = unit.symbols.get(name).unwrap_or_default();
        let mut is_hidden = false;
        let mut directly_in_class = unit.role == Role::Class;
        for id in inlined.into_iter().rev() {
            if let Some(inner) = self.blocks[id.0].symbols.get(name) {
                let is_bound = inner.flags.has(Flags::LOCAL) && !inner.flags.has(Flags::NONLOCAL);
                is_hidden |= (is_bound || directly_in_class) && !unit.is_function_like();
                let stays = inner.resolution == symbol.resolution
                    || inner.resolution == Resolution::Free
                    || inner.resolution == Resolution::Cell && symbol.resolution == Resolution::Free;
                let is_looked_at = is_bound || release == Release::Mended;
                if !stays && is_looked_at || directly_in_class {
                    symbol = inner;
                }
            }
            directly_in_class = false;
        }
        (symbol, is_hidden)
    }
}
