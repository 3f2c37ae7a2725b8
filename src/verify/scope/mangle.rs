//! Private names: `_Py_Mangle` and `_Py_MaybeMangle`.

use std::borrow::Cow;

use crate::verify::scope::ScopeId;
use crate::verify::scope::symbol::Block;

/// By what names of a block are mangled.
#[derive(Clone, Debug, Default)]
pub(super) enum Private {
    /// There is no class around it.
    #[default]
    None,
    /// The name of the innermost class.
    Class(Box<str>),
    /// The class that the type parameters around it are of: only their names are mangled (3.13 and later).
    TypeParameters(Box<str>, Vec<Box<str>>),
    /// As in the type-parameter scope of a class around it, given here.
    Within(ScopeId),
}

/// A name as a block's code has it.
pub(super) fn in_block<'a>(blocks: &[Block], id: ScopeId, name: &'a str) -> Cow<'a, str> {
    if !name.starts_with("__") {
        return Cow::Borrowed(name);
    }
    let private = match &blocks[id.0].private {
        Private::Within(of) => &blocks[of.0].private,
        private => private,
    };
    match private {
        Private::Class(class) => by_class(class, name),
        Private::TypeParameters(class, parameters) if parameters.iter().any(|parameter| **parameter == *name) => {
            by_class(class, name)
        }
        Private::TypeParameters(..) | Private::Within(_) | Private::None => Cow::Borrowed(name),
    }
}

/// A name as the code in a class has it.
pub(super) fn by_class<'a>(class: &str, name: &'a str) -> Cow<'a, str> {
    let class = class.trim_start_matches('_');
    if class.is_empty() || !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("_{class}{name}"))
}

#[cfg(test)]
mod tests {
    use super::by_class;

    #[test]
    fn names_are_mangled_as_cpython_does() {
        for (class, name, mangled) in [
            ("C", "__x", "_C__x"),
            ("__C", "__x", "_C__x"),
            ("___", "__x", "__x"),
            ("C", "_x", "_x"),
            ("C", "__x__", "__x__"),
            ("C", "__x.y", "__x.y"),
            ("C", "__x_", "_C__x_"),
            ("C", "__", "__"),
            ("C", "___", "___"),
        ] {
            assert_eq!(by_class(class, name), mangled);
        }
    }
}
