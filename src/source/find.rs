//! Finds the source of a pyc: beside it, by the mirrored path of a `PYTHONPYCACHEPREFIX` tree, or among `--sources`.

use std::collections::HashMap;

use super::Found;
use crate::container::Kind;
use crate::container::Listing;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::name;
use crate::place;
use crate::place::Place;
use crate::place::PlaceKind;

/// The source of a pyc where the import system would look for it: in the folder above `__pycache__`, or beside it.
pub fn beside(listing: &Listing, place: &Place) -> Option<MemberId> {
    let folder = place.source_folder.as_bytes();
    let stem = place.stem.as_bytes();
    let copy = [stem, place.extra.as_bytes()].concat();
    // A source that was copied along with its legacy pyc (`m 2.py` with `m 2.pyc`) is nearer than the original.
    let stems: &[&[u8]] = if place.kind == PlaceKind::Legacy && copy != stem { &[&copy, stem] } else { &[stem] };
    // The `.pyw` suffix is a source suffix on Windows only, and comes second there.
    stems.iter().find_map(|stem| {
        [&b".py"[..], b".pyw"].iter().find_map(|suffix| {
            let member = listing.find(folder, &[stem, *suffix].concat())?;
            matches!(member.kind, MemberKind::File | MemberKind::Link).then_some(member.id)
        })
    })
}

/// A listing whose sources other listings' pycs may belong to.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a> {
    /// The names.
    pub listing: &'a Listing,
    /// What holds them.
    pub kind: Kind,
    /// The absolute path of a directory, `/` between its parts; empty for an archive.
    pub root: &'a [u8],
    /// [`Found::Sources`] for a tree of `--sources`; [`Found::PrefixTree`] for one that is scanned, in which nothing but the
    /// sources of a prefix tree are found.
    pub found: Found,
}

/// A source in one of several trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeMember {
    /// The tree's index in the order in which they were given.
    pub tree: usize,
    /// The member.
    pub member: MemberId,
}

/// What a search gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// A member of the pyc's own listing, where the import system would look.
    Beside(MemberId),
    /// A member of another tree.
    Elsewhere(TreeMember, Found),
    /// None.
    Absent,
    /// Several that fit equally well.
    Ambiguous(Vec<TreeMember>),
}

/// Finds the source of a pyc: beside it, else in the index.
///
/// `root` is the absolute path of the directory that the listing is of; empty for an archive.
pub fn find(listing: &Listing, place: &Place, kind: Kind, root: &[u8], index: &SourceIndex) -> Search {
    match beside(listing, place) {
        Some(member) => Search::Beside(member),
        None => index.find(listing, place, kind, root),
    }
}

/// Finds sources in several trees, by mirrored path and by module path.
#[derive(Debug, Default)]
pub struct SourceIndex {
    /// Absolute path without `.py` to the source in a directory. The same file may be in two trees; the first is kept.
    by_path: HashMap<Box<[u8]>, TreeMember>,
    /// Last folder and name without `.py` to the sources of `--sources`: `pkg/m`.
    by_tail: HashMap<Box<[u8]>, Vec<Indexed>>,
    /// Name without `.py` to the sources of `--sources` that are in no package.
    top_level: HashMap<Box<[u8]>, Vec<TreeMember>>,
}

/// One source of the index.
#[derive(Debug)]
struct Indexed {
    /// Which it is.
    at: TreeMember,
    /// The absolute path of the folder it is in, or its path in the archive.
    folder: Box<[u8]>,
    /// How many of the last parts of `folder` are packages.
    packages: usize,
}

impl SourceIndex {
    /// An index of all sources in these trees.
    pub fn new(trees: &[Tree<'_>]) -> Self {
        let mut index = Self::default();
        for (tree, facts) in trees.iter().enumerate() {
            for member in facts.listing.members() {
                let Some(stem) = member.file().strip_suffix(b".py") else { continue };
                if !matches!(member.kind, MemberKind::File | MemberKind::Link) {
                    continue;
                }
                index.add(facts, TreeMember { tree, member: member.id }, member.folder(), stem);
            }
        }
        index
    }

    fn add(&mut self, tree: &Tree<'_>, at: TreeMember, folder: &[u8], stem: &[u8]) {
        let absolute = name::join(tree.root, folder);
        if tree.kind == Kind::Directory {
            self.by_path.entry(normal_path(&absolute, stem)).or_insert(at);
        }
        if tree.found != Found::Sources {
            return;
        }
        let place = Place::of(&name::join(folder, &[stem, b".py"].concat()));
        let packages = parts(place::package_of(tree.listing, &place, tree.kind)).count();
        if packages == 0 {
            self.top_level.entry(stem.into()).or_default().push(at);
        }
        let tail = tail(&absolute, stem);
        self.by_tail.entry(tail).or_default().push(Indexed { at, folder: absolute.into(), packages });
    }

    /// The source of a pyc that has none beside it.
    ///
    /// A name with a tag outside `__pycache__` may be of a `PYTHONPYCACHEPREFIX` tree: the whole absolute path of its source is
    /// then a part of its own, and the longest such part wins. Everything else is matched with `--sources` alone: the paths
    /// must agree from the module upwards at least to the top of both packages, the longest agreement wins, a tie is
    /// ambiguous. A module without a package needs to be the only one of its name, since nothing else says that it is the same.
    fn find(&self, listing: &Listing, place: &Place, kind: Kind, root: &[u8]) -> Search {
        let folder = name::join(root, place.source_folder.as_bytes());
        let stem = place.stem.as_bytes();
        if place.kind == PlaceKind::Tagged
            && kind == Kind::Directory
            && let Some(at) = self.mirrored(&folder, stem)
        {
            return Search::Elsewhere(at, Found::PrefixTree);
        }
        let packages = parts(place::package_of(listing, place, kind)).count();
        let mut best = self.agreeing(&folder, stem, packages);
        if best.is_empty() && packages == 0 {
            best = self.top_level.get(stem).cloned().unwrap_or_default();
        }
        match best.as_slice() {
            [] => Search::Absent,
            &[at] => Search::Elsewhere(at, Found::Sources),
            _ => Search::Ambiguous(best),
        }
    }

    fn mirrored(&self, folder: &[u8], stem: &[u8]) -> Option<TreeMember> {
        let whole = normal_path(folder, stem);
        let mut rest: &[u8] = &whole;
        // The first part is the prefix's own, so the search begins below it.
        while let Some(slash) = rest.iter().skip(1).position(|&byte| byte == b'/') {
            rest = rest.get(slash.saturating_add(1)..)?;
            if let Some(&hit) = self.by_path.get(rest) {
                return Some(hit);
            }
        }
        None
    }

    fn agreeing(&self, folder: &[u8], stem: &[u8], packages: usize) -> Vec<TreeMember> {
        let mut best = Vec::new();
        let mut longest = 1;
        for candidate in self.by_tail.get(&tail(folder, stem)).map(Vec::as_slice).unwrap_or_default() {
            let agreement = parts(&candidate.folder).rev().zip(parts(folder).rev()).take_while(|(a, b)| a == b).count();
            let enough = candidate.packages.max(packages);
            if enough == 0 || agreement < enough || agreement < longest {
                continue;
            }
            if agreement > longest {
                best.clear();
                longest = agreement;
            }
            best.push(candidate.at);
        }
        best
    }
}

/// `/home/u/m` for the folder `/home//u` and the stem `m`; a drive letter is left out, as `cache_from_source` does.
fn normal_path(folder: &[u8], stem: &[u8]) -> Box<[u8]> {
    let mut path = Vec::with_capacity(folder.len().saturating_add(stem.len()).saturating_add(2));
    for part in parts(folder).chain([stem]) {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    path.into()
}

/// The last folder and the stem.
fn tail(folder: &[u8], stem: &[u8]) -> Box<[u8]> {
    name::join(parts(folder).next_back().unwrap_or_default(), stem).into()
}

/// The parts of a path, drive letters and empty parts left out.
fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && !matches!(part, [_, b':']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Times;
    use crate::container::NewMember;

    fn listing(names: &[&str]) -> Listing {
        let members: Vec<NewMember<'_>> = names
            .iter()
            .map(|name| NewMember {
                name: name.as_bytes(),
                kind: MemberKind::File,
                size: None,
                times: Times::default(),
            })
            .collect();
        Listing::new(&members).0
    }

    fn source_beside(path: &str, others: &[&str]) -> Option<String> {
        let listing = listing(others);
        beside(&listing, &Place::of(path.as_bytes())).map(|id| listing.get(id).unwrap().name().to_string())
    }

    #[test]
    fn a_source_is_found_where_an_import_begins() {
        let found = |path, others: &[&str]| source_beside(path, others).unwrap_or_default();
        assert_eq!(found("p/__pycache__/m.cpython-312.opt-1.pyc", &["p/m.py", "m.py"]), "p/m.py");
        assert_eq!(found("p/m.pyc", &["p/m.py"]), "p/m.py");
        assert_eq!(found("p/m.pyo", &["p/m.pyw"]), "p/m.pyw");
        assert_eq!(found("p/m.pyc", &["p/M.py", "m.py"]), "");
        assert_eq!(found("p/__pycache__/a.b.cpython-312.pyc", &["p/a.b.py"]), "p/a.b.py");
        assert_eq!(found("p/__pycache__/m.cpython-38 2.pyc", &["p/m.py"]), "p/m.py");
        assert_eq!(found("m 2.pyc", &["m 2.py", "m.py"]), "m 2.py");
    }

    /// The source that is found among these trees: tree, root, names.
    fn elsewhere(path: &str, kind: Kind, root: &str, trees: &[(Found, &str, &[&str])]) -> String {
        let listings: Vec<Listing> = trees.iter().map(|(_, _, names)| listing(names)).collect();
        let facts: Vec<Tree<'_>> = trees
            .iter()
            .zip(&listings)
            .map(|(&(found, root, _), listing)| {
                let kind = if root.is_empty() { Kind::Zip } else { Kind::Directory };
                Tree { listing, kind, root: root.as_bytes(), found }
            })
            .collect();
        let shown = |at: &TreeMember| {
            let (_, root, _) = trees[at.tree];
            format!("{root}/{}", listings[at.tree].get(at.member).unwrap().name())
        };
        let place = Place::of(path.as_bytes());
        match find(&listing(&[path]), &place, kind, root.as_bytes(), &SourceIndex::new(&facts)) {
            Search::Elsewhere(at, found) => format!("{found:?} {}", shown(&at)),
            Search::Ambiguous(several) => several.iter().map(shown).collect::<Vec<_>>().join(" or "),
            Search::Beside(_) => String::from("beside"),
            Search::Absent => String::new(),
        }
    }

    #[test]
    fn a_prefix_tree_mirrors_the_absolute_path_of_the_source() {
        let path = "home/u/proj/pkg/m.cpython-312.pyc";
        let scanned: (Found, &str, &[&str]) = (Found::PrefixTree, "/home/u/proj", &["pkg/m.py", "m.py"]);
        let other: (Found, &str, &[&str]) = (Found::PrefixTree, "/proj/pkg", &["m.py"]);
        let find = |trees: &[_]| elsewhere(path, Kind::Directory, "/cache", trees);
        assert_eq!(find(&[other, scanned]), "PrefixTree /home/u/proj/pkg/m.py");
        assert_eq!(find(&[other]), "PrefixTree /proj/pkg/m.py");
        // The mirrored path counts in a tree of `--sources` too.
        assert_eq!(find(&[(Found::Sources, "/home/u/proj", &["pkg/m.py"])]), "PrefixTree /home/u/proj/pkg/m.py");
        // A tree that is only scanned is not searched by module path.
        assert_eq!(find(&[(Found::PrefixTree, "/elsewhere", &["pkg/__init__.py", "pkg/m.py"])]), "");
        // In an archive no path mirrors that of a file system.
        assert_eq!(elsewhere(path, Kind::Zip, "", &[scanned]), "");
    }

    #[test]
    fn a_module_of_a_package_is_found_among_sources_by_its_whole_name() {
        let sdist: (Found, &str, &[&str]) =
            (Found::Sources, "", &["pkg-1.0/src/pkg/__init__.py", "pkg-1.0/src/pkg/m.py", "pkg-1.0/tests/m.py"]);
        let find = |path, trees: &[_]| elsewhere(path, Kind::Wheel, "", trees);
        assert_eq!(find("pkg/__pycache__/m.cpython-312.pyc", &[sdist]), "Sources /pkg-1.0/src/pkg/m.py");
        // `vendor.pkg.m` is not `pkg.m`.
        let vendored: (Found, &str, &[&str]) =
            (Found::Sources, "/src", &["vendor/__init__.py", "vendor/pkg/__init__.py", "vendor/pkg/m.py"]);
        assert_eq!(find("pkg/__pycache__/m.cpython-312.pyc", &[vendored]), "");
        let twice = [sdist, sdist];
        let both = "/pkg-1.0/src/pkg/m.py or /pkg-1.0/src/pkg/m.py";
        assert_eq!(find("pkg/__pycache__/m.cpython-312.pyc", &twice), both);
    }

    #[test]
    fn a_top_level_module_among_sources_must_be_unique() {
        let find = |trees: &[_]| elsewhere("six.pyc", Kind::Wheel, "", trees);
        let one: (Found, &str, &[&str]) = (Found::Sources, "", &["six-1.0/six.py"]);
        let two: (Found, &str, &[&str]) = (Found::Sources, "", &["six-2.0/six.py"]);
        assert_eq!(find(&[one]), "Sources /six-1.0/six.py");
        assert_eq!(find(&[one, two]), "/six-1.0/six.py or /six-2.0/six.py");
    }
}
