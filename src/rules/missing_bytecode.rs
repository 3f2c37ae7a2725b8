//! PYC320.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::container::Kind;
use crate::name;
use crate::place::Place;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A folder of modules in an archive of which nearly all have bytecode and a few have none: at least four of five have it.
    /// Reported once for each folder.
    ///
    /// ## Why it matters
    /// What was compiled as a whole is not whole any more: a source was added later, or one pyc was taken away.
    ///
    /// ## Innocent causes
    /// A source that does not compile for that Python, optional syntax, a module that was left out on purpose.
    ///
    /// ## What to do
    /// Look at the modules that are named.
    ///
    /// ## References
    /// gpep517 checks the same after an installation.
    id: "PYC320",
    name: "missing-bytecode",
    summary: "all modules of a folder but a few have bytecode",
    severity: Info,
    check: Artifact(check),
}

/// How many modules with bytecode make a folder one that was compiled as a whole.
const COMPILED: usize = 4;

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    if context.container.kind() == Kind::Directory {
        return;
    }
    let mut compiled: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for facts in context.pycs.iter().filter(|facts| facts.has_source) {
        let Some(member) = context.container.member(facts.member) else { continue };
        let place = Place::of(&member.path());
        compiled.entry(place.source_folder.as_bytes().to_vec()).or_default().insert(place.source_name());
    }
    for (folder, with) in compiled {
        if with.len() < COMPILED {
            continue;
        }
        let sources = context.container.listing().folder(&folder).filter(|member| member.file().ends_with(b".py"));
        let without: Vec<_> = sources.filter(|member| !with.contains(member.file())).collect();
        // Four of five: otherwise it was never compiled as a whole, and the caches are those of what was imported.
        if without.is_empty() || without.len() * 4 > with.len() {
            continue;
        }
        let shown = if folder.is_empty() { ".".to_owned() } else { name::shown(&folder) };
        let names: Vec<_> = without.iter().take(3).map(|member| format!("`{}`", name::shown(member.file()))).collect();
        let more = if without.len() > 3 { format!(" and {} more", without.len() - 3) } else { String::new() };
        let message = format!("In `{shown}` {} modules have bytecode, and {}{more} not", with.len(), names.join(", "));
        let finding = findings.add(message);
        finding.compared("bytecode of all or of none", format!("{} without", without.len()));
        if let Some(first) = without.first() {
            finding.about(context.container.locate(first.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    /// An archive with sources of these letters, and bytecode of those.
    fn zip(sources: &str, compiled: &str) -> Case {
        let pyc = Pyc::python("3.12").build();
        let zip = sources.chars().fold(Zip::new(), |zip, letter| zip.file(format!("p/{letter}.py"), ""));
        let cached = |letter| format!("p/__pycache__/{letter}.cpython-312.pyc");
        Case::zip(compiled.chars().fold(zip, |zip, letter| zip.file(cached(letter), &pyc)))
    }

    #[test]
    fn flags_the_one_module_without_bytecode() {
        let finding = zip("abcde", "abde").flags(&RULE);
        assert_eq!(finding.message, "In `p` 4 modules have bytecode, and `c.py` not");
    }

    #[test]
    fn passes_what_was_compiled_whole_and_what_was_not() {
        zip("abcde", "abcde").passes(&RULE);
        zip("abcdef", "abcd").passes(&RULE);
        zip("abcd", "abc").passes(&RULE);
        zip("abcd", "").passes(&RULE);
    }

    #[test]
    fn passes_a_folder_on_disk_where_caches_come_with_use() {
        let pyc = Pyc::python("3.12").build();
        let tree = "abcde".chars().fold(Case::tree(), |tree, letter| tree.file(&format!("{letter}.py"), "", 1));
        let cached = |letter| format!("__pycache__/{letter}.cpython-312.pyc");
        "abcd".chars().fold(tree, |tree, letter| tree.file(&cached(letter), pyc.clone(), 1)).passes(&RULE);
    }
}
