//! PYC606.

use crate::build_path::Origin;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::build_path_leak;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Pycs whose code names a folder in which a build service, an image for builds or a build tool works. Reported once for each
    /// such folder in an archive or a tree.
    ///
    /// ## Why it matters
    /// It tells where the files were built, often with the name of the repository or job: something to compare with what
    /// the project says of its releases.
    ///
    /// ## Innocent causes
    /// This is how releases are made.
    ///
    /// ## What to do
    /// Nothing, unless the project does not build there.
    ///
    /// ## References
    /// The documentation of the services, "Variables" or "Predefined variables".
    id: "PYC606",
    name: "ci-identifiers",
    summary: "bytecode names the folder of a build service",
    severity: Info,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    for (root, place) in build_path_leak::places(context) {
        let Origin::Service(service) = Origin::of(root.as_bytes()) else { continue };
        let message = format!("{} compiled in `{root}`, a folder of {service}", place.were());
        findings.add(message).compared("", place.first(context, root));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn compiled_as(filename: &str) -> Case {
        Case::tree().file("p/m.pyc", Pyc::python("3.12").filename(filename).build(), 1)
    }

    #[test]
    fn flags_folders_of_services() {
        let finding = compiled_as("/home/runner/work/shop/shop/p/m.py").flags(&RULE);
        assert_eq!(
            finding.message,
            "One pyc was compiled in `/home/runner/work/shop/shop`, a folder of GitHub Actions"
        );
        compiled_as("D:\\a\\shop\\shop\\p\\m.py").flags(&RULE);
        compiled_as("/home/bob/conda-bld/shop_1600000000/p/m.py").flags(&RULE);
    }

    #[test]
    fn passes_homes_and_other_folders() {
        compiled_as("/home/alice/p/m.py").passes(&RULE);
        compiled_as("/buildings/p/m.py").passes(&RULE);
        compiled_as("p/m.py").passes(&RULE);
    }
}
