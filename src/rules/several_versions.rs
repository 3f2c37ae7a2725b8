//! PYC309.

use std::collections::BTreeSet;

use crate::container::MemberId;
use crate::place::Place;
use crate::place::PlaceKind;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Modules that have bytecode for two or more interpreters in one `__pycache__`. Reported once for everything in an archive or
    /// a tree.
    ///
    /// ## Why it matters
    /// Each was compiled on its own, perhaps from another state of the source. Only the one of the running interpreter is read.
    ///
    /// ## Innocent causes
    /// A checkout or a distribution package that is used with several Pythons.
    ///
    /// ## What to do
    /// Nothing, unless one of them should not be there.
    ///
    /// ## References
    /// PEP 3147, whose purpose this is.
    id: "PYC309",
    name: "several-versions",
    summary: "modules with bytecode for several interpreters",
    severity: Info,
    check: Artifact(check),
}

/// Tags that are named in a message.
const TAGS: usize = 8;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let mut group: Option<Group> = None;
    let mut total = Total::default();
    for facts in context.pycs {
        let Some(member) = context.container.member(facts.member) else { continue };
        // Cheap before anything is taken apart: `__pycache__` alone is looked at.
        if !member.folder().ends_with(b"__pycache__") {
            continue;
        }
        let place = Place::of(&member.path());
        if place.kind != PlaceKind::Cache || place.tag.as_bytes().is_empty() {
            continue;
        }
        // In path order the files of a module follow one another.
        if let Some(group) = &mut group
            && group.place.stem == place.stem
            && group.place.source_folder == place.source_folder
        {
            group.tags.insert(place.tag.to_string());
            continue;
        }
        total.add(group.take());
        group = Some(Group { first: facts.member, tags: BTreeSet::from([place.tag.to_string()]), place });
    }
    total.add(group);
    let Some(first) = total.first else { return };
    let tags: Vec<String> = total.tags.iter().take(TAGS).map(|tag| format!("`{tag}`")).collect();
    let more = if total.tags.len() > TAGS { format!(" and {} more", total.tags.len() - TAGS) } else { String::new() };
    let modules =
        if total.modules == 1 { "One module has".to_owned() } else { format!("{} modules have", total.modules) };
    let message = format!("{modules} bytecode for several interpreters: {}{more}", tags.join(", "));
    let first = context.container.locate(first);
    findings.add(message).compared("one cache tag", format!("first at `{first}`"));
}

/// The files of one module.
struct Group {
    place: Place,
    tags: BTreeSet<String>,
    first: MemberId,
}

/// The modules with several tags.
#[derive(Default)]
struct Total {
    modules: usize,
    tags: BTreeSet<String>,
    first: Option<MemberId>,
}

impl Total {
    fn add(&mut self, group: Option<Group>) {
        let Some(group) = group.filter(|group| group.tags.len() > 1) else { return };
        self.modules += 1;
        self.first.get_or_insert(group.first);
        // A hostile archive may have a tag per file.
        if self.tags.len() < 1000 {
            self.tags.extend(group.tags);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    #[test]
    fn flags_two_tags_once_for_all_modules() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("p/__pycache__/m.cpython-312.pyc", pyc.clone(), 1);
        let tree = tree.file("p/__pycache__/m.cpython-38.pyc", Pyc::python("3.8").build(), 1);
        let tree = tree.file("p/__pycache__/n.cpython-312.pyc", pyc, 1);
        let finding = tree.file("p/__pycache__/n.cpython-38.pyc", Pyc::python("3.8").build(), 1).flags(&RULE);
        assert_eq!(finding.message, "2 modules have bytecode for several interpreters: `cpython-312`, `cpython-38`");
    }

    #[test]
    fn passes_optimised_variants_and_equal_names_in_other_folders() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("p/__pycache__/m.cpython-312.pyc", pyc.clone(), 1);
        let tree = tree.file("p/__pycache__/m.cpython-312.opt-1.pyc", pyc, 1);
        tree.file("q/__pycache__/m.cpython-38.pyc", Pyc::python("3.8").build(), 1).passes(&RULE);
    }
}
