//! PYC603.

use crate::build_path::BuildPath;
use crate::load::LoadVerdict;
use crate::name;
use crate::place;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::rules::foreign_module;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code was compiled from a file of another name than its module has, or in another package. One that was compiled
    /// as a module of another installed project is `PYC311`.
    ///
    /// ## Why it matters
    /// The bytecode was put where it lies. When the file beside it is taken for its source, that is not the one it was
    /// compiled from.
    ///
    /// ## Innocent causes
    /// Modules and packages that were renamed or vendored after they had been compiled; `compileall -d`; programs that generate
    /// code.
    ///
    /// ## Severity
    /// Medium when the file's name is another, a source lies beside it, and an interpreter would run the bytecode in the
    /// source's place; otherwise info.
    ///
    /// ## What to do
    /// Compare it with its source, or delete it: it is made anew.
    ///
    /// ## References
    /// `_fix_co_filename` in CPython's Python/import.c.
    id: "PYC603",
    name: "filename-location-mismatch",
    summary: "bytecode that was compiled from a file of another name or package",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let package = place::package_of(context.container.listing(), context.place, context.container.kind());
    let Some(path) = BuildPath::of(context.pyc, context.place, package).filter(|path| !path.fits()) else { return };
    if foreign_module::foreign(context).is_some() {
        return;
    }
    let source = String::from_utf8_lossy(&context.place.source_name()).into_owned();
    let (folder, file) = name::split_last(path.path());
    let is_live = matches!(context.load.verdict, LoadVerdict::Runs | LoadVerdict::RunsOptimised);
    let (severity, message) = if path.names_file() {
        let folder = name::shown(name::split_last(folder).1);
        (Severity::Info, format!("`{}` was compiled in another package, `{folder}`", context.module))
    } else {
        let severity = if is_live && context.source.file().is_some() { Severity::Medium } else { Severity::Info };
        (severity, format!("`{}` was compiled from a file called `{}`", context.module, name::shown(file)))
    };
    let expected = name::shown(&name::join(package, source.as_bytes()));
    findings
        .add(message)
        .severity(severity)
        .compared(format!("`{expected}`"), format!("`{}`", name::shown(path.path())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(filename: &str) -> Case {
        let pyc = Pyc::python("3.12").source_mtime(100).source_size(6).filename(filename).build();
        Case::tree().file("site-packages/p/m.py", "x = 1\n", 100).file(
            "site-packages/p/__pycache__/m.cpython-312.pyc",
            pyc,
            101,
        )
    }

    #[test]
    fn flags_bytecode_of_another_file_that_runs_in_place_of_the_source() {
        let finding = case("/w/p/other.py").flags(&RULE);
        assert_eq!(
            (finding.severity, finding.message.as_str()),
            (Severity::Medium, "`p.m` was compiled from a file called `other.py`")
        );
        assert_eq!((finding.expected.as_str(), finding.observed.as_str()), ("`p/m.py`", "`/w/p/other.py`"));
    }

    #[test]
    fn flags_a_renamed_module_without_a_source_as_info() {
        let pyc = Pyc::python("3.12").filename("/w/old.py").build();
        assert_eq!(Case::tree().file("new.pyc", pyc, 1).flags(&RULE).severity, Severity::Info);
        assert_eq!(case("/w/q/m.py").flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn passes_the_module_s_own_file_in_any_folder() {
        for filename in
            ["/home/alice/w/p/m.py", "p/m.py", "m.py", "./m.py", "C:\\w\\p\\M.PY", "<frozen p.m>", "p/m.pyx"]
        {
            case(filename).passes(&RULE);
        }
    }

    #[test]
    fn leaves_a_module_of_another_project_to_its_rule() {
        case("/usr/lib/python3.12/site-packages/q/other.py").passes(&RULE);
    }
}
