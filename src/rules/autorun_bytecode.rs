//! PYC307.

use crate::artifact::Locator;
use crate::container::Kind;
use crate::container::MemberKind;
use crate::load::LoadVerdict;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::rules::sourceless_importable;
use crate::rules::stdlib_name_shadow;

declare_rule! {
    /// ## What it reports
    /// Bytecode without a source that runs without being asked for: `sitecustomize` and `usercustomize` outside of packages,
    /// modules that a line of a `.pth` file in `site-packages` imports, their packages included, and the `__main__` of a zipapp.
    /// Of `.pth` lines only plain `import` and `from` statements are understood.
    ///
    /// ## Why it matters
    /// `site` imports `sitecustomize` and `usercustomize` at every start of the interpreter, and runs the lines of `.pth` files
    /// that begin with `import`. Such a file runs before every program does, and there is no source to review.
    ///
    /// ## Innocent causes
    /// Embedded systems and applications that ship bytecode only.
    ///
    /// ## Severity
    /// Critical for what every start runs, high when it is not known whether the interpreter would take the file. For the `__main__`
    /// of a zipapp high when the archive holds sources, so that the one that starts it is missing, else medium.
    ///
    /// ## What to do
    /// Find out what installed it, and read what it does (`pycaudit inspect`) before Python is started there again.
    ///
    /// ## References
    /// The documentation of the `site` module; PEP 441.
    id: "PYC307",
    name: "autorun-bytecode",
    summary: "bytecode without a source that runs at the start of the interpreter or of a zipapp",
    severity: Critical,
    check: Pyc(check),
}

/// How many members of a zipapp are looked at for sources: a hostile one may have any number of `__main__`.
const MEMBERS: usize = 512;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(start) = autorun(context) else { return };
    let expected = format!("`{}.py`", context.place.stem);
    match start {
        Start::Interpreter(pth) => {
            let by = pth.map(|pth| format!(", by a line of `{pth}`,")).unwrap_or_default();
            let message = format!("`{}` runs at every start of the interpreter{by} and has no source", context.module);
            let finding = findings.add(message);
            finding.compared(expected, "no source");
            if context.load.verdict == LoadVerdict::Unknown {
                finding.severity(Severity::High);
            }
        }
        Start::Zipapp => {
            let has_sources = context.container.listing().members().take(MEMBERS).any(|member| {
                member.kind == MemberKind::File && member.file().ends_with(b".py") && member.file() != b"__init__.py"
            });
            let finding = findings.add("The `__main__` that this archive starts with has no source");
            finding.compared(expected, "no source");
            finding.severity(if has_sources { Severity::High } else { Severity::Medium });
        }
    }
}

/// What starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start<'a> {
    /// Every start of an interpreter that has its folder on `sys.path`; by a `.pth` file, where one imports it.
    Interpreter(Option<&'a Locator>),
    /// A start of the archive.
    Zipapp,
}

/// What starts a pyc without source by itself.
pub(super) fn autorun<'a>(context: &'a PycContext<'_>) -> Option<Start<'a>> {
    let (folder, module) = stdlib_name_shadow::folder_and_module(context);
    match module {
        b"sitecustomize" | b"usercustomize" => (sourceless_importable::is_importable(context)
            && !stdlib_name_shadow::is_package(context, folder))
        .then_some(Start::Interpreter(None)),
        b"__main__" => (context.container.kind() == Kind::Zipapp
            && folder.is_empty()
            && sourceless_importable::is_importable(context))
        .then_some(Start::Zipapp),
        _ => {
            let pth = context.container.startup.get(context.module)?;
            sourceless_importable::is_importable(context).then_some(Start::Interpreter(Some(pth)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn pyc() -> Vec<u8> {
        Pyc::python("3.12").build()
    }

    #[test]
    fn flags_sitecustomize_without_a_source() {
        let finding = Case::tree().file("lib/python3.12/site-packages/sitecustomize.pyc", pyc(), 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::Critical);
        Case::tree().file("usercustomize/__init__.pyc", pyc(), 1).flags(&RULE);
    }

    #[test]
    fn flags_the_start_of_a_zipapp_higher_when_it_holds_sources() {
        let zip = Zip::new().file("__main__.pyc", pyc());
        assert_eq!(Case::zip(zip.file("m.pyc", pyc())).flags(&RULE).severity, Severity::Medium);
        let zip = Zip::new().file("__main__.pyc", pyc());
        assert_eq!(Case::zip(zip.file("m.py", "")).flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn flags_what_a_pth_file_imports() {
        let site = "lib/python3.12/site-packages";
        let tree = |module: &str| {
            let tree = Case::tree().file(&format!("{site}/a.pth"), "import os; import hook.start\n", 1);
            tree.file(&format!("{site}/{module}"), pyc(), 1)
        };
        let finding = tree("hook/start.pyc").flags(&RULE);
        assert_eq!(finding.severity, Severity::Critical);
        let pth = "`hook.start` runs at every start of the interpreter, by a line of `tree/lib/python3.12/site-packages/a.pth`,";
        assert!(finding.message.starts_with(pth), "{}", finding.message);
        tree("hook/__init__.pyc").flags(&RULE);
        tree("hook/stop.pyc").passes(&RULE);
        tree("hooks.pyc").passes(&RULE);
    }

    #[test]
    fn flags_what_a_pth_file_of_a_wheel_imports() {
        let zip = Zip::new().file("a-1.dist-info/WHEEL", "").file("a.pth", "import hook\n");
        Case::zip(zip.file("hook.pyc", pyc())).flags(&RULE);
    }

    #[test]
    fn passes_sitecustomize_with_its_source_in_a_cache_or_in_a_package() {
        let tree = Case::tree().file("sitecustomize.py", "", 1).file("sitecustomize.pyc", pyc(), 1);
        let tree = tree.file("a/__pycache__/sitecustomize.cpython-312.pyc", pyc(), 1);
        tree.file("p/__init__.py", "", 1).file("p/sitecustomize.pyc", pyc(), 1).passes(&RULE);
    }

    #[test]
    fn passes_the_main_module_of_a_package() {
        Case::tree().file("p/__main__.pyc", pyc(), 1).file("__main__.pyc", pyc(), 1).passes(&RULE);
    }
}
