//! PYC601.

use crate::build_path::Origin;
use crate::name;
use crate::name::Name;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Pycs whose code names the folder that their sources were in when they were compiled, where that is another than the one
    /// they lie in: the home folder of a person, or any other absolute path. Reported once for each such folder in an archive or
    /// a tree. Folders of build services are `PYC606`, those of other machines `PYC602`; folders that systems install
    /// modules into say nothing.
    ///
    /// ## Why it matters
    /// It tells who built the files and how their machine is laid out, to everybody who gets them. For an investigation it is the
    /// best trace of their origin: an import replaces the path in memory only.
    ///
    /// ## Innocent causes
    /// Everything that is compiled on a desktop has such paths.
    ///
    /// ## Severity
    /// Low for the home folder of a person, info for another path.
    ///
    /// ## What to do
    /// Leave bytecode out of releases, or compile it with `compileall -s` (strip a prefix), `-p` (put one in front), or `-d`.
    ///
    /// ## References
    /// `_fix_co_filename` in CPython's Python/import.c; conda-forge/python-feedstock#859.
    id: "PYC601",
    name: "build-path-leak",
    summary: "bytecode names the folder that it was built in",
    severity: Low,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    for (root, place) in places(context) {
        let (severity, whose) = match Origin::of(root.as_bytes()) {
            Origin::Home(user) => (Severity::Low, format!(", in the home folder of `{}`", name::shown(user))),
            Origin::Absolute => (Severity::Info, String::new()),
            Origin::Relative | Origin::Service(_) | Origin::Host(_) | Origin::System => continue,
        };
        let message = format!("{} compiled in `{root}`{whose}", place.were());
        findings.add(message).severity(severity).compared("a relative path", place.first(context, root));
    }
}

/// How many pycs were built in a folder, and which of them is the first.
pub(super) struct Built {
    count: usize,
    first: crate::container::MemberId,
}

impl Built {
    /// `One pyc was` or `17 pycs were`.
    pub(super) fn were(&self) -> String {
        if self.count == 1 { "One pyc was".to_owned() } else { format!("{} pycs were", self.count) }
    }

    /// The folder, and where the first of them lies.
    pub(super) fn first(&self, context: &ArtifactContext<'_>, root: &Name) -> String {
        format!("`{root}`, first in `{}`", context.container.locate(self.first))
    }
}

/// The folders that pycs were built in, other than the one in which the scanned tree lies.
pub(super) fn places<'a>(context: &ArtifactContext<'a>) -> Vec<(&'a Name, Built)> {
    let mut places: std::collections::BTreeMap<&Name, Built> = std::collections::BTreeMap::new();
    for facts in context.pycs {
        let Some(root) = facts.build_root.as_deref() else { continue };
        if root.as_bytes().is_empty() || root.as_bytes() == context.container.real_root {
            continue;
        }
        places.entry(root).or_insert(Built { count: 0, first: facts.member }).count += 1;
    }
    places.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn wheel(filenames: &[&str]) -> Case {
        let zip = Zip::new().file("p-1.dist-info/WHEEL", "");
        Case::zip(filenames.iter().enumerate().fold(zip, |zip, (at, filename)| {
            let path = format!("p/m{at}.pyc");
            zip.file(path, Pyc::python("3.12").filename(filename).build())
        }))
    }

    #[test]
    fn flags_a_home_folder_once() {
        let finding = wheel(&["/home/alice/src/p/m0.py", "/home/alice/src/p/m1.py"]).flags(&RULE);
        assert_eq!(
            (finding.severity, finding.message.as_str()),
            (Severity::Low, "2 pycs were compiled in `/home/alice/src`, in the home folder of `alice`")
        );
        let finding = wheel(&["C:\\Users\\bob\\p\\m0.py"]).flags(&RULE);
        assert_eq!(finding.message, "One pyc was compiled in `C:/Users/bob`, in the home folder of `bob`");
    }

    #[test]
    fn flags_each_folder() {
        assert_eq!(wheel(&["/home/alice/p/m0.py", "/srv/x/p/m1.py"]).findings(&RULE).len(), 2);
        assert_eq!(wheel(&["/srv/x/p/m0.py"]).flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn passes_paths_that_tell_nothing() {
        wheel(&["p/m0.py", "m1.py", "<string>", "/usr/lib/python3/dist-packages/p/m3.py"]).passes(&RULE);
    }

    #[test]
    fn passes_what_other_rules_take() {
        wheel(&["/home/runner/work/p/p/p/m0.py", "\\\\nas\\share\\p\\m1.py"]).passes(&RULE);
    }

    #[test]
    fn passes_bytecode_that_lies_where_it_was_compiled() {
        let real = std::fs::canonicalize("src").unwrap();
        let filename = real.join("p/m.py");
        let pyc = Pyc::python("3.12").filename(&filename.to_string_lossy()).build();
        Case::tree().named("src").file("p/m.pyc", pyc, 1).passes(&RULE);
    }
}
