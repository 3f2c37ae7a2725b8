//! PYC311.

use crate::container::Kind;
use crate::name;
use crate::place;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code names a file of another installed package as its source: it lies in `site-packages/a`, a wheel or an egg
    /// of `a`, and was compiled as `site-packages/b/..`.
    ///
    /// ## Why it matters
    /// The code was not compiled where it lies. An import replaces the recorded name in memory, so that tracebacks do not show
    /// it; the file keeps it.
    ///
    /// ## Innocent causes
    /// Build folders that were not clean, vendored packages that were copied after they had been compiled, a package that was
    /// renamed.
    ///
    /// ## Severity
    /// Medium; low when no interpreter would run the file where it lies.
    ///
    /// ## What to do
    /// Compare it with the module that it names.
    ///
    /// ## References
    /// `_fix_up_module` and `_fix_co_filename` in CPython's import machinery.
    id: "PYC311",
    name: "foreign-module",
    summary: "bytecode that was compiled as a module of another package",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some((own, foreign)) = foreign(context) else { return };
    let message = format!("`{}` was compiled as a module of `{foreign}`", context.module);
    let finding = findings.add(message);
    let filename = context.pyc.body.root().map(|root| root.filename.to_string()).unwrap_or_default();
    finding.compared(format!("a file of `{own}`"), format!("`{filename}`"));
    if !context.load.verdict.is_live() {
        finding.severity(Severity::Low);
    }
}

/// The top-level names of the package that a pyc lies in and of the one that it was compiled in, where both are known to differ.
pub(super) fn foreign(context: &PycContext<'_>) -> Option<(String, String)> {
    let filename = context.pyc.body.root()?.filename.as_bytes();
    // Cheap before anything is copied: nearly no name of a wheel's own build has the word.
    if !contains(filename, b"-packages") {
        return None;
    }
    let slashes: Vec<u8> = filename.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
    let (folder, file) = name::split_last(&slashes);
    let compiled_below = site(folder)?;
    let compiled_in = top(compiled_below).unwrap_or_else(|| stem(file));

    let place = context.place;
    let folder = place.source_folder.as_bytes();
    let lies_below = match site(folder) {
        Some(below) => below,
        None if !matches!(context.container.kind(), Kind::Wheel | Kind::Egg | Kind::Zipapp) => return None,
        None => place::below_root_marker(folder).unwrap_or(folder),
    };
    let lies_in = top(lies_below).unwrap_or(place.stem.as_bytes());
    (lies_in != compiled_in && !lies_in.is_empty() && !compiled_in.is_empty())
        .then(|| (name::shown(lies_in), name::shown(compiled_in)))
}

/// What is below the last `site-packages` or `dist-packages`, eggs and other roots of imports in it left out.
fn site(folder: &[u8]) -> Option<&[u8]> {
    if !contains(folder, b"site-packages") && !contains(folder, b"dist-packages") {
        return None;
    }
    let below = place::below_root_marker(folder)?;
    // The last root must not lie before `site-packages`.
    (!contains(below, b"site-packages") && !contains(below, b"dist-packages")).then_some(below)
}

fn top(folder: &[u8]) -> Option<&[u8]> {
    folder.split(|&byte| byte == b'/').next().filter(|part| !part.is_empty())
}

fn stem(file: &[u8]) -> &[u8] {
    file.strip_suffix(b".py").unwrap_or(file)
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn compiled_as(filename: &str) -> Vec<u8> {
        Pyc::python("3.12").filename(filename).build()
    }

    #[test]
    fn flags_a_module_compiled_as_another_package_s() {
        let pyc = compiled_as("/usr/lib/python3.12/site-packages/b/m.py");
        let finding = Case::tree().file("site-packages/a/m.pyc", pyc.clone(), 1).flags(&RULE);
        assert_eq!(
            (finding.severity, finding.message.as_str()),
            (Severity::Medium, "`a.m` was compiled as a module of `b`")
        );
        let wheel = Zip::new().file("a-1.dist-info/WHEEL", "").file("a/__pycache__/m.cpython-312.pyc", pyc);
        assert_eq!(Case::zip(wheel).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn flags_a_name_of_windows() {
        let pyc = compiled_as("C:\\Python312\\Lib\\site-packages\\b.py");
        Case::tree().file("site-packages/a.pyc", pyc, 1).flags(&RULE);
    }

    #[test]
    fn passes_the_same_package_at_another_place() {
        let pyc = compiled_as("/home/u/.local/lib/python3.12/site-packages/a/old.py");
        Case::tree().file("opt/site-packages/a/m.pyc", pyc.clone(), 1).passes(&RULE);
        Case::tree().file("src/b/m.pyc", pyc, 1).passes(&RULE);
        let egg = compiled_as("/usr/lib/python3.12/site-packages/a-1.0-py3.12.egg/a/m.py");
        Case::tree().file("site-packages/a/m.pyc", egg, 1).passes(&RULE);
    }

    #[test]
    fn passes_a_name_that_says_nothing_of_a_package() {
        Case::tree().file("site-packages/a/m.pyc", compiled_as("/build/b/m.py"), 1).passes(&RULE);
        Case::tree().file("site-packages/a/m.pyc", compiled_as("m.py"), 1).passes(&RULE);
    }
}
