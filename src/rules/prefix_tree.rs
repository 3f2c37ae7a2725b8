//! PYC312.

use std::collections::BTreeMap;

use crate::container::Kind;
use crate::container::Member;
use crate::container::MemberId;
use crate::name;
use crate::place::Place;
use crate::place::PlaceKind;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;
use crate::source;

declare_rule! {
    /// ## What it reports
    /// A folder that mirrors absolute paths and holds pycs with cache tags outside of `__pycache__`: the tree of a
    /// `PYTHONPYCACHEPREFIX` or of `-X pycache_prefix`. Reported once for each such tree.
    ///
    /// ## Why it matters
    /// An interpreter that is started with the prefix reads its bytecode from there and never beside the sources: a review of
    /// the sources' own folders misses it. The paths tell where the sources were.
    ///
    /// ## Innocent causes
    /// The prefix was set on purpose. The Python of macOS keeps such a tree in `~/Library/Caches`.
    ///
    /// ## What to do
    /// Scan the folders that it mirrors in the same run: each pyc is then compared with its source.
    ///
    /// ## References
    /// `cache_from_source` in CPython's Lib/importlib/_bootstrap_external.py; `sys.pycache_prefix` (3.8).
    id: "PYC312",
    name: "prefix-tree",
    summary: "a tree of bytecode that mirrors absolute paths",
    severity: Info,
    check: Artifact(check),
}

/// How absolute paths begin on Linux and macOS; drive letters are left out by `cache_from_source`.
const TOP_FOLDERS: &[&[u8]] = &[
    b"Applications",
    b"Library",
    b"System",
    b"Users",
    b"home",
    b"mnt",
    b"nix",
    b"opt",
    b"private",
    b"root",
    b"srv",
    b"tmp",
    b"usr",
    b"var",
];

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    if context.container.kind() != Kind::Directory {
        return;
    }
    let listing = context.container.listing();
    let mut trees: BTreeMap<&[u8], (usize, MemberId)> = BTreeMap::new();
    for facts in context.pycs {
        let Some(member) = context.container.member(facts.member) else { continue };
        if member.folder().ends_with(b"__pycache__") {
            continue;
        }
        let Some(prefix) = prefix(member.folder()) else { continue };
        let place = Place::of(&member.path());
        if place.kind == PlaceKind::Tagged && source::beside(listing, &place).is_none() {
            trees.entry(prefix).or_insert((0, facts.member)).0 += 1;
        }
    }
    for (prefix, (count, first)) in trees {
        let files = if count == 1 { "One pyc".to_owned() } else { format!("{count} pycs") };
        let shown = if prefix.is_empty() { ".".to_owned() } else { name::shown(prefix) };
        let folder = context.container.member(first).map(Member::folder).unwrap_or_default();
        let mirrored = name::shown(folder.get(prefix.len()..).unwrap_or_default());
        let mirrored = mirrored.trim_start_matches('/');
        let finding = findings.add(format!("{files} below `{shown}` mirror absolute paths, such as `/{mirrored}`"));
        finding.compared("bytecode in `__pycache__`", format!("a tree of `PYTHONPYCACHEPREFIX={shown}`"));
        finding.about(context.container.locate(first));
    }
}

/// The folder below which a folder mirrors an absolute path.
fn prefix(folder: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    for part in folder.split(|&byte| byte == b'/') {
        if TOP_FOLDERS.contains(&part) {
            let prefix = folder.get(..from)?;
            return Some(prefix.strip_suffix(b"/").unwrap_or(prefix));
        }
        from = from.saturating_add(part.len()).saturating_add(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    #[test]
    fn flags_a_tree_once() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("cache/home/u/p/m.cpython-312.pyc", pyc.clone(), 1);
        let finding = tree.file("cache/usr/lib/n.cpython-312.pyc", pyc, 1).flags(&RULE);
        assert_eq!(finding.message, "2 pycs below `cache` mirror absolute paths, such as `/home/u/p`");
    }

    #[test]
    fn passes_ordinary_caches_bare_pycs_and_archives() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("home/u/__pycache__/m.cpython-312.pyc", pyc.clone(), 1);
        tree.file("home/u/m.pyc", pyc.clone(), 1).file("dist/m.cpython-312.pyc", pyc.clone(), 1).passes(&RULE);
        Case::zip(Zip::new().file("home/u/m.cpython-312.pyc", pyc)).passes(&RULE);
    }
}
