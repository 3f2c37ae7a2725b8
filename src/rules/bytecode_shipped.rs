//! PYC316.

use crate::container::Kind;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A wheel or a source distribution that holds bytecode. Reported once for each.
    ///
    /// ## Why it matters
    /// Installers compile what they install, so that bytecode in a distribution is of no use where there is a source, fits one
    /// version of Python only, and is looked at by nobody. The index's own token was leaked by such a file in 2024.
    ///
    /// ## Innocent causes
    /// A package without sources; caches of a test run that were packed along.
    ///
    /// ## What to do
    /// Exclude `*.pyc` and `__pycache__` from what is packed (`global-exclude *.py[co]` in `MANIFEST.in`).
    ///
    /// ## References
    /// check-wheel-contents W001.
    id: "PYC316",
    name: "bytecode-shipped",
    summary: "a wheel or source distribution holds bytecode",
    severity: Low,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let what = match context.container.kind() {
        _ if context.pycs.is_empty() => return,
        Kind::Wheel => "wheel",
        _ if is_source_distribution(context) => "source distribution",
        _ => return,
    };
    let count = context.pycs.len();
    let sourceless = context.pycs.iter().filter(|facts| !facts.has_source).count();
    let files = if count == 1 { "one pyc".to_owned() } else { format!("{count} pycs") };
    let without = if sourceless == 0 { String::new() } else { format!(", {sourceless} without a source") };
    findings.add(format!("This {what} holds {files}{without}")).compared("no bytecode", files);
}

/// Whether an archive is a source distribution: `NAME-VERSION/PKG-INFO`.
pub(super) fn is_source_distribution(context: &ArtifactContext<'_>) -> bool {
    if !matches!(context.container.kind(), Kind::Zip | Kind::Tar) {
        return false;
    }
    let listing = context.container.listing();
    listing
        .folders()
        .any(|folder| !folder.contains(&b'/') && !folder.is_empty() && listing.find(folder, b"PKG-INFO").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn with_pyc(zip: Zip) -> Case {
        let pyc = Pyc::python("3.12").build();
        Case::zip(
            zip.file("p-1/m.pyc", pyc.clone()).file("p-1/__pycache__/n.cpython-312.pyc", pyc).file("p-1/n.py", ""),
        )
    }

    #[test]
    fn flags_a_wheel_and_a_source_distribution_once() {
        let finding = with_pyc(Zip::new().file("p-1.dist-info/WHEEL", "")).flags(&RULE);
        assert_eq!(finding.message, "This wheel holds 2 pycs, 1 without a source");
        with_pyc(Zip::new().file("p-1/PKG-INFO", "")).flags(&RULE);
    }

    #[test]
    fn passes_eggs_other_archives_and_folders() {
        with_pyc(Zip::new().file("EGG-INFO/PKG-INFO", "")).passes(&RULE);
        with_pyc(Zip::new()).passes(&RULE);
        Case::tree().file("p/PKG-INFO", "", 1).file("p/m.pyc", Pyc::python("3.12").build(), 1).passes(&RULE);
    }

    #[test]
    fn passes_a_wheel_without_bytecode() {
        Case::zip(Zip::new().file("p-1.dist-info/WHEEL", "").file("p.py", "")).passes(&RULE);
    }
}
