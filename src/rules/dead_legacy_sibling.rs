//! PYC305.

use crate::container::Kind;
use crate::place::PlaceKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::source::Found;

declare_rule! {
    /// ## What it reports
    /// A pyc of Python 3.2 or later beside its source, outside `__pycache__`, in a folder or a wheel.
    ///
    /// ## Why it matters
    /// No import reads it while the source is there. Once the source is removed, it becomes what an import runs, however old it
    /// is. In a zip on `sys.path` it would run at once: see `PYC303`.
    ///
    /// ## Innocent causes
    /// `compileall -b`, build tools that copy bytecode out of `__pycache__`. A pyc of Python 2 beside its source lies where
    /// Python 2 puts it, and is not reported.
    ///
    /// ## What to do
    /// Delete it.
    ///
    /// ## References
    /// PEP 3147, "Case 3: bytecode in the legacy location"; run on CPython 3.6 to 3.13.
    id: "PYC305",
    name: "dead-legacy-sibling",
    summary: "a bare pyc beside its source, which no import reads",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if context.place.kind != PlaceKind::Legacy
        || !matches!(context.container.kind(), Kind::Directory | Kind::Wheel)
        || context.place.extension.as_bytes() != b"pyc"
        || !context.place.extra.as_bytes().is_empty()
        || context.pyc.version.is_none_or(|version| version.series < (3, 2))
    {
        return;
    }
    let Some(source) = context.source.file().filter(|source| source.found == Found::Beside) else { return };
    // A link resolves elsewhere, but the name that counts is the one beside the pyc.
    let message = format!("`{}` has bytecode beside its source, where no import reads it", context.module);
    let expected = format!("bytecode of `{}` in `__pycache__`", crate::name::shown(last(source.locator.path())));
    findings.add(message).compared(expected, format!("`{}.pyc` beside it", context.place.stem));
}

fn last(path: &[u8]) -> &[u8] {
    crate::name::split_last(path).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    #[test]
    fn flags_a_bare_pyc_beside_its_source() {
        Case::tree().file("p/m.py", "x = 1\n", 1).file("p/m.pyc", Pyc::python("3.12").build(), 1).flags(&RULE);
    }

    #[test]
    fn passes_python_2_whose_bytecode_lies_there() {
        Case::tree().file("p/m.py", "x = 1\n", 1).file("p/m.pyc", Pyc::python("2.7").build(), 1).passes(&RULE);
    }

    #[test]
    fn passes_a_zip_a_cache_and_a_pyc_without_source() {
        let pyc = Pyc::python("3.12").build();
        Case::zip(Zip::new().file("m.py", "").file("m.pyc", pyc.clone())).passes(&RULE);
        let tree = Case::tree().file("m.py", "", 1).file("__pycache__/m.cpython-312.pyc", pyc.clone(), 1);
        tree.file("n.pyc", pyc, 1).passes(&RULE);
    }
}
