//! What a code object says of itself as a function: qualified name, arguments, flags by name.

use crate::name::Name;

use super::code::CO_OPTIMIZED;
use super::code::CO_VARARGS;
use super::code::CO_VARKEYWORDS;
use super::code::Code;
use super::mask::Mask;
use super::objects::Text;
use super::objects::Tree;

/// An argument of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument<'a> {
    /// Its name; `.0` and so on for the tuple parameters of Python 2 and the iterable of a comprehension.
    pub name: Text<'a>,
    /// How it is given.
    pub kind: ArgumentKind,
}

/// How an argument is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArgumentKind {
    /// By position only.
    PositionalOnly,
    /// By position or by name.
    Positional,
    /// `*args`.
    VarPositional,
    /// By name only.
    KeywordOnly,
    /// `**kwargs`.
    VarKeyword,
}

impl ArgumentKind {
    /// The word that reports use: that of `inspect.Parameter`.
    pub fn code(self) -> &'static str {
        match self {
            Self::PositionalOnly => "positional-only",
            Self::Positional => "positional-or-keyword",
            Self::VarPositional => "var-positional",
            Self::KeywordOnly => "keyword-only",
            Self::VarKeyword => "var-keyword",
        }
    }
}

/// The arguments in the order of a `def` line. Counts beyond the names that there are count for nothing.
pub fn arguments<'a>(code: Code<'a>) -> Vec<Argument<'a>> {
    let names = if code.localsplusnames().is_empty() { code.varnames() } else { code.localsplusnames() };
    let count = |number: i32| usize::try_from(number).unwrap_or_default();
    let positional = count(code.argcount());
    let positional_only = count(code.posonlyargcount());
    let keyword_only = count(code.kwonlyargcount());
    let flags = code.flags();
    let stars = [(CO_VARARGS, ArgumentKind::VarPositional), (CO_VARKEYWORDS, ArgumentKind::VarKeyword)];
    // In the order of the names: the stars come last.
    let kinds = (0..positional)
        .map(|place| if place < positional_only { ArgumentKind::PositionalOnly } else { ArgumentKind::Positional })
        .chain((0..keyword_only).map(|_| ArgumentKind::KeywordOnly))
        .chain(stars.into_iter().filter(|(flag, _)| flags & flag != 0).map(|(_, kind)| kind));
    let mut arguments: Vec<Argument<'a>> =
        names.iter().zip(kinds).filter_map(|(name, kind)| Some(Argument { name: name.as_name()?, kind })).collect();
    arguments.sort_by_key(|argument| argument.kind);
    arguments
}

/// Bytes of a name that are worth showing. Compilers have no limit, but many code objects can refer to one name of megabytes, which
/// must not be copied for each.
const LONGEST_NAME: usize = 256;

/// A name for showing: a very long one ends in `...`.
pub fn short_name(text: Text<'_>) -> Name {
    match text.bytes.split_at_checked(LONGEST_NAME) {
        Some((first, rest)) if !rest.is_empty() => {
            let first = Text { bytes: first, encoding: text.encoding };
            Name::new([first.to_bytes().as_ref(), b"..."].concat())
        }
        _ => text.to_name(),
    }
}

/// The qualified name of every code object, in the order of [`Tree::codes`]: as stored, or, where the layout does not store it (up
/// to 3.10), put together from the names around it as PEP 3155 has it. A `global` function has the longer name then.
pub fn qualnames(tree: &Tree<'_>, mask: &Mask) -> Vec<Name> {
    let mut found: Vec<(Name, bool)> = Vec::new();
    for code in tree.codes() {
        let own = code.name().map(|name| mask.short_name(name)).unwrap_or_default();
        // The outermost is the module, whose name is in no other.
        let parent = code.parent().filter(|&parent| parent > 0).and_then(|parent| found.get(parent));
        let name = match (code.qualname(), parent) {
            (Some(stored), _) => mask.short_name(stored),
            (None, Some((around, is_function))) => {
                let around = if around.as_bytes().len() > LONGEST_NAME { b"..." } else { around.as_bytes() };
                let between: &[u8] = if *is_function { b".<locals>." } else { b"." };
                Name::new([around, between, own.as_bytes()].concat())
            }
            (None, None) => own,
        };
        found.push((name, code.flags() & CO_OPTIMIZED != 0));
    }
    found.into_iter().map(|(name, _)| name).collect()
}

/// A bit of `co_flags`, its name, and the series that have it.
type Flag = (i32, &'static str, (u8, u8), (u8, u8));

const ANY: (u8, u8) = (0, 0);
const EVER: (u8, u8) = (u8::MAX, u8::MAX);

/// The bits by name (Include/cpython/code.h; Lib/__future__.py), with the first and the last series.
const FLAGS: &[Flag] = &[
    (0x1, "OPTIMIZED", ANY, EVER),
    (0x2, "NEWLOCALS", ANY, EVER),
    (0x4, "VARARGS", ANY, EVER),
    (0x8, "VARKEYWORDS", ANY, EVER),
    (0x10, "NESTED", ANY, EVER),
    (0x20, "GENERATOR", ANY, EVER),
    (0x40, "NOFREE", ANY, (3, 10)),
    (0x80, "COROUTINE", (3, 5), EVER),
    (0x100, "ITERABLE_COROUTINE", (3, 5), EVER),
    (0x200, "ASYNC_GENERATOR", (3, 6), EVER),
    (0x2000, "FUTURE_DIVISION", (2, 2), (3, 7)),
    (0x4000, "FUTURE_ABSOLUTE_IMPORT", (2, 5), (3, 7)),
    (0x8000, "FUTURE_WITH_STATEMENT", (2, 5), (3, 7)),
    (0x1_0000, "FUTURE_PRINT_FUNCTION", (2, 6), (3, 7)),
    (0x2_0000, "FUTURE_UNICODE_LITERALS", (2, 6), (3, 7)),
    (0x4_0000, "FUTURE_BARRY_AS_BDFL", (3, 1), (3, 7)),
    (0x8_0000, "FUTURE_GENERATOR_STOP", (3, 5), (3, 7)),
    (0x10_0000, "FUTURE_ANNOTATIONS", (3, 7), (3, 7)),
    (0x40_0000, "FUTURE_BARRY_AS_BDFL", (3, 8), EVER),
    (0x80_0000, "FUTURE_GENERATOR_STOP", (3, 8), EVER),
    (0x100_0000, "FUTURE_ANNOTATIONS", (3, 8), EVER),
    (0x200_0000, "NO_MONITORING_EVENTS", (3, 13), EVER),
    (0x400_0000, "HAS_DOCSTRING", (3, 14), EVER),
    (0x800_0000, "METHOD", (3, 14), EVER),
];

/// The bits of `co_flags` that have a name in a series.
pub fn known_flags(series: (u8, u8)) -> i32 {
    let known = FLAGS.iter().filter(|(_, _, first, last)| *first <= series && series <= *last);
    known.fold(0, |known, (bit, ..)| known | bit)
}

/// The names of the bits that are set in `co_flags`, for a series, and the bits that have no name there.
pub fn flag_names(flags: i32, series: (u8, u8)) -> (Vec<&'static str>, i32) {
    let set = FLAGS.iter().filter(|(bit, _, first, last)| flags & bit != 0 && *first <= series && series <= *last);
    let known = set.clone().fold(0, |known, (bit, ..)| known | bit);
    (set.map(|(_, name, ..)| *name).collect(), flags & !known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::pyc::Value as Forged;
    use crate::limits::Limits;
    use crate::pyc;
    use crate::pyc::Scratch;

    fn function(python: &str, edit: fn(&mut forge::pyc::Code)) -> Vec<u8> {
        let version = pyc::versions::VERSIONS.iter().find(|version| version.python() == format!("CPython {python}"));
        let mut inner = forge::pyc::Code::function(version.unwrap(), "inner", &["a", "b", "c", "d", "e", "local"]);
        edit(&mut inner);
        let mut outer = forge::pyc::Code::function(version.unwrap(), "outer", &[]);
        outer.consts = Forged::Tuple(vec![Forged::Code(Box::new(inner))]);
        let mut class = forge::pyc::Code::function(version.unwrap(), "Class", &[]);
        class.flags &= !CO_OPTIMIZED;
        class.consts = Forged::Tuple(vec![Forged::Code(Box::new(outer))]);
        forge::Pyc::python(python).consts(vec![Forged::None, Forged::Code(Box::new(class))]).build()
    }

    #[test]
    fn arguments_come_in_the_order_of_a_def_line() {
        for python in ["3.8", "3.12"] {
            let bytes = function(python, |code| {
                (code.argcount, code.posonlyargcount, code.kwonlyargcount) = (2, 1, 1);
                code.flags |= CO_VARARGS | CO_VARKEYWORDS;
            });
            let mut scratch = Scratch::default();
            let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
            let found = arguments(tree.codes().last().unwrap());
            let found: Vec<_> =
                found.iter().map(|argument| (argument.name.to_name().to_string(), argument.kind)).collect();
            let wanted = [
                ("a", ArgumentKind::PositionalOnly),
                ("b", ArgumentKind::Positional),
                ("d", ArgumentKind::VarPositional),
                ("c", ArgumentKind::KeywordOnly),
                ("e", ArgumentKind::VarKeyword),
            ];
            assert_eq!(found, wanted.map(|(name, kind)| (name.to_owned(), kind)));
        }
    }

    #[test]
    fn a_count_beyond_the_names_counts_for_nothing() {
        let bytes = function("3.8", |code| code.argcount = i32::MAX);
        let mut scratch = Scratch::default();
        let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
        assert_eq!(arguments(tree.codes().last().unwrap()).len(), 6);
    }

    #[test]
    fn a_qualified_name_is_put_together_where_it_is_not_stored() {
        let bytes = function("3.8", |_| ());
        let mut scratch = Scratch::default();
        let tree = pyc::read(&bytes, &Limits::default(), &mut scratch).value;
        let names: Vec<_> = qualnames(&tree, &Mask::default()).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["<module>", "Class", "Class.outer", "Class.outer.<locals>.inner"]);
    }

    #[test]
    fn a_flag_has_the_name_of_its_series() {
        assert_eq!(flag_names(0x40 | 0x1, (3, 10)), (vec!["OPTIMIZED", "NOFREE"], 0));
        assert_eq!(flag_names(0x40, (3, 11)), (vec![], 0x40));
        assert_eq!(flag_names(0x10_0000, (3, 7)), (vec!["FUTURE_ANNOTATIONS"], 0));
        assert_eq!(flag_names(0x100_0000, (3, 8)), (vec!["FUTURE_ANNOTATIONS"], 0));
    }
}
