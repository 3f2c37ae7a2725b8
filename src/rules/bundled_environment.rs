//! PYC319.

use std::collections::BTreeMap;

use crate::container::Kind;
use crate::name;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::bytecode_shipped;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A wheel or a source distribution that holds a whole virtual environment: a folder with a `pyvenv.cfg`, or a
    /// `site-packages` with the metadata of installed packages, and bytecode in it. Reported once for each environment.
    ///
    /// ## Why it matters
    /// It is somebody's machine, not the package: code of others that the index does not list under its name, at versions that
    /// nobody updates, with paths and perhaps secrets of whoever built it.
    ///
    /// ## Innocent causes
    /// The environment lay in the project's folder and was packed by mistake; nearly always.
    ///
    /// ## What to do
    /// Do not install it. Exclude the folder and publish again.
    ///
    /// ## References
    /// PEP 405; bestFit 0.3 and lfedu 0.0.1 on the package index.
    id: "PYC319",
    name: "bundled-environment",
    summary: "a virtual environment inside a distribution",
    severity: Medium,
    check: Artifact(check),
}

/// How many environments of one archive are reported: pycs are counted for each of them.
const ENVIRONMENTS: usize = 100;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    if context.pycs.is_empty()
        || context.container.kind() != Kind::Wheel && !bytecode_shipped::is_source_distribution(context)
    {
        return;
    }
    let listing = context.container.listing();
    // The environment's folder, and what tells it.
    let mut environments: BTreeMap<&[u8], &'static str> = BTreeMap::new();
    for folder in listing.folders() {
        if listing.find(folder, b"pyvenv.cfg").is_some() {
            environments.insert(folder, "pyvenv.cfg");
        } else if (folder.ends_with(b".dist-info") || folder.ends_with(b".egg-info"))
            && let Some(root) = environment_of(name::split_last(folder).0)
        {
            environments.entry(root).or_insert("site-packages");
        }
    }
    for (root, sign) in environments.into_iter().take(ENVIRONMENTS) {
        let pycs = context
            .pycs
            .iter()
            .filter_map(|facts| context.container.member(facts.member))
            .filter(|member| {
                root.is_empty()
                    || member.folder().strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            })
            .count();
        if pycs == 0 {
            continue;
        }
        let shown = if root.is_empty() { ".".to_owned() } else { name::shown(root) };
        let files = if pycs == 1 { "a pyc".to_owned() } else { format!("{pycs} pycs") };
        let message = format!("`{shown}` is a virtual environment with {files} inside this distribution");
        findings.add(message).compared("the package alone", format!("`{sign}` in `{shown}`"));
    }
}

/// The folder of the environment that a `site-packages` belongs to: `venv` of `venv/lib/python3.8/site-packages` and of
/// `venv/Lib/site-packages`.
fn environment_of(site: &[u8]) -> Option<&[u8]> {
    let (above, last) = name::split_last(site);
    if last != b"site-packages" {
        return None;
    }
    let (root, lib) = name::split_last(above);
    if lib == b"Lib" {
        return Some(root);
    }
    let (root, library) = name::split_last(root);
    (lib.starts_with(b"python") && matches!(library, b"lib" | b"lib64")).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn wheel(zip: Zip, path: &str) -> Case {
        Case::zip(zip.file("a-1.dist-info/WHEEL", "").file(path, Pyc::python("3.8").build()))
    }

    #[test]
    fn flags_an_environment_by_its_configuration() {
        let zip = Zip::new().file("venv/pyvenv.cfg", "");
        let finding = wheel(zip, "venv/lib/python3.8/site-packages/six.pyc").flags(&RULE);
        assert_eq!(finding.message, "`venv` is a virtual environment with a pyc inside this distribution");
    }

    #[test]
    fn flags_an_environment_whose_bytecode_lies_beside_its_configuration() {
        let finding = wheel(Zip::new().file("venv/pyvenv.cfg", ""), "venv/m.pyc").flags(&RULE);
        assert!(finding.message.contains("with a pyc inside"), "{}", finding.message);
        wheel(Zip::new().file("venv/pyvenv.cfg", ""), "venv2/m.pyc").passes(&RULE);
    }

    #[test]
    fn flags_an_environment_by_what_is_installed_in_it() {
        let zip = Zip::new().file("env/Lib/site-packages/six-1.dist-info/METADATA", "");
        wheel(zip, "env/Lib/site-packages/six.pyc").flags(&RULE);
        let zip = Zip::new().file("a-1/PKG-INFO", "").file("a-1/e/lib/python3.8/site-packages/p.egg-info/x", "");
        Case::zip(zip.file("a-1/e/lib/python3.8/site-packages/p/m.pyc", Pyc::python("3.8").build())).flags(&RULE);
    }

    #[test]
    fn passes_a_folder_of_that_name_and_archives_of_environments() {
        wheel(Zip::new(), "a/lib/python3.8/site-packages/six.pyc").passes(&RULE);
        let zip = Zip::new().file("venv/pyvenv.cfg", "");
        Case::zip(zip.file("venv/m.pyc", Pyc::python("3.8").build())).passes(&RULE);
        let tree = Case::tree().file("venv/pyvenv.cfg", "", 1);
        tree.file("venv/m.pyc", Pyc::python("3.8").build(), 1).passes(&RULE);
    }
}
