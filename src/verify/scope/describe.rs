//! What the compiler makes of blocks: names in their places, flags, qualified names.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::verify::scope::Futures;
use crate::verify::scope::Hidden;
use crate::verify::scope::Options;
use crate::verify::scope::Release;
use crate::verify::scope::Role;
use crate::verify::scope::Scope;
use crate::verify::scope::ScopeId;
use crate::verify::scope::future;
use crate::verify::scope::mangle;
use crate::verify::scope::symbol;
use crate::verify::scope::symbol::Block;
use crate::verify::scope::symbol::Flags;
use crate::verify::scope::symbol::Interner;
use crate::verify::scope::symbol::Resolution;

/// `CO_OPTIMIZED`
const OPTIMIZED: u32 = 0x1;
/// `CO_NEWLOCALS`
const NEWLOCALS: u32 = 0x2;
/// `CO_VARARGS`
const VARARGS: u32 = 0x4;
/// `CO_VARKEYWORDS`
const VARKEYWORDS: u32 = 0x8;
/// `CO_NESTED`
const NESTED: u32 = 0x10;
/// `CO_GENERATOR`
const GENERATOR: u32 = 0x20;
/// `CO_NOFREE`, up to 3.10
const NOFREE: u32 = 0x40;
/// `CO_COROUTINE`
const COROUTINE: u32 = 0x80;
/// `CO_ITERABLE_COROUTINE`, which no compiler sets
const ITERABLE_COROUTINE: u32 = 0x100;
/// `CO_ASYNC_GENERATOR`
const ASYNC_GENERATOR: u32 = 0x200;
/// `CO_HAS_DOCSTRING`, 3.14 and later
pub(in crate::verify) const HAS_DOCSTRING: u32 = 0x400_0000;
/// `CO_METHOD`, 3.14 and later
const METHOD: u32 = 0x800_0000;

/// How many bytes the qualified names of a module may have together: deep nesting makes each as long as all around it.
const MOST_QUALNAMES: usize = 64 << 20;

/// Describes all blocks. None: there would be too much of it.
pub(super) fn describe(
    blocks: &mut [Block],
    names: &Interner,
    options: Options,
    futures: Futures,
) -> Option<Vec<Scope>> {
    let mut scopes: Vec<Scope> = Vec::with_capacity(blocks.len());
    let mut left = MOST_QUALNAMES;
    for place in 0..blocks.len() {
        let id = ScopeId(place);
        let qualname = qualname(blocks, &scopes, names, options, id);
        left = left.checked_sub(qualname.len())?;
        let block = &blocks[place];
        let variables = Variables::of(block, names, options.series);
        let (flags, flags_mask) = flags(block, blocks, &variables, options, futures);
        let hidden = if block.is_inlined { hidden(block, blocks, names, options.series) } else { Vec::new() };
        let block = &mut blocks[place];
        scopes.push(Scope {
            parent: block.parent,
            role: block.role,
            name: std::mem::take(&mut block.name),
            qualname,
            first: block.first,
            has_code: block.has_code,
            is_inlined: block.is_inlined,
            parameters: std::mem::take(&mut block.parameters),
            #[cfg(test)]
            locals: variables.locals,
            cells: variables.cells,
            frees: variables.frees,
            hidden,
            flags,
            flags_mask,
            is_generator: block.is_generator,
            is_coroutine: block.is_coroutine,
            needs_class_closure: block.needs_class_closure,
            needs_classdict: block.needs_classdict,
            has_conditional_annotations: block.has_conditional_annotations,
            #[cfg(test)]
            children: block.children.clone(),
        });
    }
    #[cfg(test)]
    gather_locals(&mut scopes);
    Some(scopes)
}

/// What an inlined comprehension binds is a fast local of the code around it.
#[cfg(test)]
fn gather_locals(scopes: &mut [Scope]) {
    for place in (0..scopes.len()).rev() {
        let Some(parent) = scopes[place].parent.filter(|_| scopes[place].is_inlined) else { continue };
        let (before, after) = scopes.split_at_mut(place);
        let (Some(outer), Some(inner)) = (before.get_mut(parent.0), after.first()) else { continue };
        let names = inner.locals.iter().filter(|name| ***name != *".0").chain(inner.hidden.iter().map(|it| &it.name));
        outer.locals.extend(names.cloned());
    }
    for scope in scopes {
        scope.locals.sort_unstable();
        scope.locals.dedup();
    }
}

/// What an inlined comprehension puts aside: `push_inlined_comprehension_state`.
fn hidden(block: &Block, blocks: &[Block], names: &Interner, series: (u8, u8)) -> Vec<Hidden> {
    // Directly in a class 3.12 and 3.13 put everything aside that it names.
    let is_class = block.parent.is_some_and(|parent| blocks[parent.0].role == Role::Class);
    let all = is_class && series < (3, 14);
    let is_hidden = |flags: Flags| all || flags.has(Flags::LOCAL) && !flags.has(Flags::NONLOCAL);
    let hidden = block.symbols.iter().filter(|(_, symbol)| is_hidden(symbol.flags));
    hidden
        .map(|(name, symbol)| Hidden { name: names.get(name).into(), is_cell: symbol.resolution == Resolution::Cell })
        .collect()
}

/// The names of a block by where they live.
struct Variables {
    #[cfg(test)]
    locals: Vec<Box<str>>,
    cells: Vec<Box<str>>,
    frees: Vec<Box<str>>,
}

impl Variables {
    /// `compiler_enter_scope`, `dictbytype`.
    fn of(block: &Block, names: &Interner, series: (u8, u8)) -> Self {
        let mut variables = Self {
            #[cfg(test)]
            locals: Vec::new(),
            cells: Vec::new(),
            frees: Vec::new(),
        };
        for (name, symbol) in block.symbols.iter() {
            let name = names.get(name);
            let is_cell = symbol.resolution == Resolution::Cell || symbol.flags.has(Flags::COMPREHENSION_CELL);
            if is_cell && !block.is_inlined {
                variables.cells.push(name.into());
            }
            if symbol.resolution == Resolution::Free || symbol.flags.has(Flags::FREE_CLASS) {
                variables.frees.push(name.into());
            }
            #[cfg(test)]
            if symbol.flags.has(Flags::PARAMETER)
                || symbol.resolution == Resolution::Local && (block.is_function_like() || block.is_inlined)
            {
                variables.locals.push(name.into());
            }
        }
        variables.frees.sort_unstable();
        variables.cells.sort_unstable();
        if series >= (3, 11) && variables.cells.len() > 1 {
            let order: HashMap<&str, usize, RandomState> = block.parameters.iter().zip(0..).collect();
            variables.cells.sort_by_key(|name| order.get(&**name).copied().unwrap_or(order.len()));
        }
        for (is_needed, name) in [
            (block.needs_class_closure, "__class__"),
            (block.needs_classdict, "__classdict__"),
            (block.has_conditional_annotations, "__conditional_annotations__"),
        ] {
            if is_needed && !variables.cells.iter().any(|cell| **cell == *name) {
                variables.cells.push(name.into());
            }
        }
        variables
    }
}

/// `compute_code_flags`.
fn flags(block: &Block, blocks: &[Block], variables: &Variables, options: Options, futures: Futures) -> (u32, u32) {
    let mut mask = OPTIMIZED | NEWLOCALS | VARARGS | VARKEYWORDS | NESTED | GENERATOR | COROUTINE;
    mask |= ITERABLE_COROUTINE | ASYNC_GENERATOR;
    mask |= future::mask(options.series);
    let mut flags = futures.flags;
    if block.role == Role::Class && options.series < (3, 0) {
        flags |= NEWLOCALS;
    }
    if block.is_function_like() {
        flags |= NEWLOCALS;
        let of_parameters = [
            (!block.is_unoptimised, OPTIMIZED),
            (block.is_nested, NESTED),
            (block.parameters.variadic.is_some(), VARARGS),
            (block.parameters.keywords.is_some(), VARKEYWORDS),
            (block.is_generator && !block.is_coroutine, GENERATOR),
            (block.is_coroutine && !block.is_generator, COROUTINE),
            (block.is_coroutine && block.is_generator, ASYNC_GENERATOR),
        ];
        flags |= of_parameters.iter().filter(|(is_set, _)| *is_set).fold(0, |flags, (_, flag)| flags | flag);
    }
    if options.series < (3, 11) {
        mask |= NOFREE;
        if variables.cells.is_empty() && variables.frees.is_empty() {
            flags |= NOFREE;
        }
    }
    if options.series >= (3, 14) {
        mask |= HAS_DOCSTRING | METHOD;
        if block.role == Role::Function && block.has_docstring && options.optimisation < 2 {
            flags |= HAS_DOCSTRING;
        }
        let in_class = block.parent.is_some_and(|parent| blocks[parent.0].role == Role::Class);
        if matches!(block.role, Role::Function | Role::Lambda | Role::Comprehension) && in_class {
            flags |= METHOD;
        }
    }
    (flags, mask)
}

/// `compiler_set_qualname`.
fn qualname(blocks: &[Block], scopes: &[Scope], names: &Interner, options: Options, id: ScopeId) -> Box<str> {
    let block = &blocks[id.0];
    let parent_unit = |id: ScopeId| blocks[id.0].parent.map(|parent| symbol::unit(blocks, parent));
    let Some(mut parent) = parent_unit(id) else { return block.name.clone() };
    // Type parameters and annotations are left out, and from 3.14 on so are the values of aliases.
    let is_left_out = match blocks[parent.0].role {
        Role::TypeParameters | Role::TypeBound | Role::TypeDefault | Role::Annotations => true,
        Role::Alias => options.series >= (3, 14),
        _ => false,
    };
    if is_left_out {
        let Some(grandparent) = parent_unit(parent) else { return block.name.clone() };
        parent = grandparent;
    }
    if parent == ScopeId(0) {
        return block.name.clone();
    }
    let around = &blocks[parent.0];
    if matches!(block.role, Role::Function | Role::Class) {
        let mangled = match (options.release, &block.inherited) {
            (Release::Mended, _) => mangle::in_block(blocks, parent, &block.name),
            (Release::First, Some(class)) => mangle::by_class(class, &block.name),
            (Release::First, None) => Cow::Borrowed(&*block.name),
        };
        let symbol = names.find(&mangled).and_then(|name| around.symbols.get(name));
        if symbol.is_some_and(|symbol| symbol.resolution == Resolution::GlobalExplicit) {
            return block.name.clone();
        }
    }
    let base = &scopes[parent.0].qualname;
    let between = match around.role {
        Role::Function | Role::Lambda | Role::Alias => ".<locals>.",
        _ => ".",
    };
    [base, between, &block.name].concat().into()
}
