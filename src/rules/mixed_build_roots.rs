//! PYC604.

use std::collections::BTreeMap;

use crate::build_path::Origin;
use crate::container::Kind;
use crate::container::MemberId;
use crate::name::Name;
use crate::pyc::Magic;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A wheel or egg whose pycs of one Python version were compiled in different folders, neither of them inside the other.
    ///
    /// ## Why it matters
    /// One build compiles all modules in one folder. A single file from elsewhere was made elsewhere, and put in.
    ///
    /// ## Innocent causes
    /// A working folder that was moved, copied or shared: what had been compiled before stays as it is while its source does.
    ///
    /// ## Severity
    /// Medium when a single file out of at least ten is from elsewhere and would run; otherwise low.
    ///
    /// ## What to do
    /// Build again from a clean checkout and compare.
    id: "PYC604",
    name: "mixed-build-roots",
    summary: "the bytecode of one archive was compiled in several folders",
    severity: Low,
    check: Artifact(check),
}

/// How many files make a single one from elsewhere an exception.
const MANY: usize = 10;

/// A pyc that was built in some folder.
struct Built {
    member: MemberId,
    is_live: bool,
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    // Trees and plain archives hold many projects; a zipapp holds several that were installed one by one.
    if !matches!(context.container.kind(), Kind::Wheel | Kind::Egg) {
        return;
    }
    let mut versions: BTreeMap<Magic, BTreeMap<&Name, Vec<Built>>> = BTreeMap::new();
    for facts in context.pycs.iter().filter(|facts| facts.fits_build_path) {
        let (Some(version), Some(root)) = (facts.version, facts.build_root.as_deref()) else { continue };
        if Origin::of(root.as_bytes()) != Origin::Relative {
            let built = versions.entry(version.magic).or_default().entry(root).or_default();
            built.push(Built { member: facts.member, is_live: facts.load.is_live() });
        }
    }
    for roots in versions.values() {
        let mut apart: Vec<(&Name, &[Built])> = Vec::new();
        // In order, so that a folder comes right before those inside it.
        for (root, built) in roots {
            let is_inside = apart.iter().any(|(outer, _)| is_inside(root, outer));
            if !is_inside {
                apart.push((root, built));
            }
        }
        let Some((most, many)) = apart.iter().max_by_key(|(_, built)| built.len()).copied() else { continue };
        for (root, built) in apart.iter().filter(|(root, _)| *root != most) {
            let Some(first) = built.first() else { continue };
            let files = if built.len() == 1 { "One pyc was".to_owned() } else { format!("{} pycs were", built.len()) };
            let message = format!("{files} compiled in `{root}`, and {} in `{most}`", many.len());
            let is_alone = built.len() == 1 && apart.len() == 2 && many.len() >= MANY && first.is_live;
            let finding = findings.add(message);
            finding.compared(format!("`{most}`"), format!("`{root}`")).about(context.container.locate(first.member));
            finding.severity(if is_alone { Severity::Medium } else { Severity::Low });
        }
    }
}

fn is_inside(path: &Name, folder: &Name) -> bool {
    let rest = path.as_bytes().strip_prefix(folder.as_bytes());
    rest.is_some_and(|rest| rest.first() == Some(&b'/') || folder.as_bytes() == b"/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    /// A wheel of so many pycs from `/w`, and one of another path.
    fn wheel(pycs: usize, filename: &str) -> Case {
        let zip = Zip::new().file("p-1.dist-info/WHEEL", "");
        let zip = (0..pycs).fold(zip, |zip, at| {
            let pyc = Pyc::python("3.12").filename(&format!("/w/p/m{at}.py")).build();
            zip.file(format!("p/m{at}.pyc"), pyc)
        });
        Case::zip(zip.file("p/x.pyc", Pyc::python("3.12").filename(filename).build()))
    }

    #[test]
    fn flags_a_single_file_from_elsewhere() {
        let finding = wheel(10, "/home/alice/p/x.py").flags(&RULE);
        assert_eq!(
            (finding.severity, finding.message.as_str()),
            (Severity::Medium, "One pyc was compiled in `/home/alice`, and 10 in `/w`")
        );
        assert!(finding.locator.to_string().ends_with("!p/x.pyc"));
        assert_eq!(wheel(9, "/home/alice/p/x.py").flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_one_folder_and_folders_inside_it() {
        wheel(10, "/w/p/x.py").passes(&RULE);
        wheel(10, "/w/build/lib/p/x.py").passes(&RULE);
        wheel(10, "p/x.py").passes(&RULE);
        wheel(10, "/elsewhere/q/renamed.py").passes(&RULE);
    }

    #[test]
    fn passes_a_tree_and_other_versions() {
        let pyc = |filename: &str| Pyc::python("3.12").filename(filename).build();
        Case::tree().file("p/m.pyc", pyc("/a/p/m.py"), 1).file("p/n.pyc", pyc("/b/p/n.py"), 1).passes(&RULE);
        let zip = Zip::new().file("p-1.dist-info/WHEEL", "").file("p/m.pyc", pyc("/a/p/m.py"));
        let other = Pyc::python("3.11").filename("/b/p/n.py").build();
        Case::zip(zip.file("p/n.pyc", other)).passes(&RULE);
    }
}
