//! PYC304.

use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::sourceless_importable;

declare_rule! {
    /// ## What it reports
    /// A package that consists of bytecode, `m/__init__.pyc`, beside a module `m.py` of the same name.
    ///
    /// ## Why it matters
    /// An import looks for a package before a module: `import m` runs the bytecode, and the `m.py` that everyone reads is never
    /// run. Nothing compares the two.
    ///
    /// ## Innocent causes
    /// A module that was turned into a package, or the reverse, of which the old half was not removed. Then the folder usually
    /// holds sources as well.
    ///
    /// ## What to do
    /// Remove the one that is not meant. Until then take the bytecode for what runs.
    ///
    /// ## References
    /// `FileFinder.find_spec` in CPython's Lib/importlib/_bootstrap_external.py; `_zip_searchorder` in Lib/zipimport.py.
    id: "PYC304",
    name: "package-shadows-module",
    summary: "a package of bytecode is imported in place of the module of its name",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if let Some(module) = hidden_module(context) {
        let module = name::shown(&module);
        let message =
            format!("`{}` is imported from a package of bytecode, and `{module}` beside it is not", context.module);
        findings
            .add(message)
            .compared(format!("`{module}`"), format!("`{}/__init__.pyc`", context.place.source_folder));
    }
}

/// The path of the module that is not imported because of this package.
pub(super) fn hidden_module(context: &PycContext<'_>) -> Option<Vec<u8>> {
    if context.place.stem.as_bytes() != b"__init__" || !sourceless_importable::is_importable(context) {
        return None;
    }
    let path = [context.place.source_folder.as_bytes(), b".py"].concat();
    let (_, file) = name::split_last(&path);
    (file != b".py").then(|| context.container.listing().find_path(&path))??;
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    #[test]
    fn flags_a_package_of_bytecode_beside_a_module() {
        let tree = Case::tree().file("a/m.py", "x = 1\n", 1);
        let finding = tree.file("a/m/__init__.pyc", Pyc::python("3.12").build(), 1).flags(&RULE);
        assert_eq!(finding.expected, "`a/m.py`");
    }

    #[test]
    fn flags_it_in_a_zipapp() {
        let zip =
            Zip::new().file("__main__.py", "").file("m.py", "").file("m/__init__.pyc", Pyc::python("3.12").build());
        Case::zip(zip).flags(&RULE);
    }

    #[test]
    fn passes_a_package_with_its_source_a_cache_and_a_package_alone() {
        let pyc = Pyc::python("3.12").build();
        let tree =
            Case::tree().file("a/m.py", "", 1).file("a/m/__init__.py", "", 1).file("a/m/__init__.pyc", pyc.clone(), 1);
        let tree = tree.file("b/m.py", "", 1).file("b/m/__pycache__/__init__.cpython-312.pyc", pyc.clone(), 1);
        tree.file("c/m/__init__.pyc", pyc, 1).passes(&RULE);
    }
}
