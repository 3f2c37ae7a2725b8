//! What the place of a pyc says: which module it would be, for which interpreter and optimisation, and where its source would be.
//!
//! PEP 3147 (the `__pycache__` folder and its tags), PEP 488 (`opt-` parts), and the legacy places of Python 2. Only names are
//! looked at here.

use crate::container::Kind;
use crate::container::Listing;
use crate::name;
use crate::name::Name;
use crate::pyc::versions::Implementation;

/// The folder that PEP 3147 puts bytecode into.
const CACHE_FOLDER: &[u8] = b"__pycache__";

/// Where a file lies, read from its path alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The kind of place.
    pub kind: PlaceKind,
    /// The folder its source would be in; empty for the root.
    pub source_folder: Name,
    /// The module's last name, as the file name has it: `m` of `m.cpython-312.pyc`.
    pub stem: Name,
    /// The cache tag: `cpython-312`, `pypy39`; empty where the name has none.
    pub tag: Name,
    /// What follows `opt-` in the name: `1`, `2`, or any other text; empty without one.
    pub optimization: Name,
    /// Text of the name that belongs to no part above, for instance ` 2` or `-pytest-8.3.3`; empty in an ordinary name.
    pub extra: Name,
    /// The extension without its dot, as it is written: `pyc`, `pyo`, or another.
    pub extension: Name,
}

/// The kinds of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceKind {
    /// In a `__pycache__` folder.
    Cache,
    /// With a cache tag, but not in a `__pycache__` folder: a tree of `PYTHONPYCACHEPREFIX`, or moved there.
    Tagged,
    /// Where a source would be, without a tag: the legacy location, which an importer reads when there is no source.
    Legacy,
}

impl Place {
    /// What this path says, `/` between its parts.
    pub fn of(path: &[u8]) -> Self {
        let (folder, file) = name::split_last(path);
        let (parent, last) = name::split_last(folder);
        let in_cache = last == CACHE_FOLDER;
        let (rest, extension) = split_extension(file);

        let tagged = Tagged::find(rest).or_else(|| if in_cache { Tagged::by_position(rest) } else { None });
        let kind = match (in_cache, &tagged) {
            (true, _) => PlaceKind::Cache,
            (false, Some(_)) => PlaceKind::Tagged,
            (false, None) => PlaceKind::Legacy,
        };
        let tagged = tagged.unwrap_or_else(|| {
            let (stem, extra) = split_copy_mark(rest);
            Tagged { stem, tag: b"", optimization: b"", extra: extra.to_vec() }
        });
        Self {
            kind,
            source_folder: Name::new(if in_cache { parent } else { folder }),
            stem: Name::new(tagged.stem),
            tag: Name::new(tagged.tag),
            optimization: Name::new(tagged.optimization),
            extra: Name::new(tagged.extra),
            extension: Name::new(extension),
        }
    }

    /// The interpreter that its tag names.
    pub fn tag_version(&self) -> Option<(Implementation, (u8, u8))> {
        tag_version(self.tag.as_bytes())
    }

    /// The import hook that made the name, as it stands there: `-pytest-8.3.3`, `opt-typeguard`. What a hook compiles it has
    /// changed.
    pub fn hook(&self) -> Option<String> {
        let (extra, optimization) = (self.extra.as_bytes(), self.optimization.as_bytes());
        // pytest below 5 wrote `-PYTEST` without its version.
        if extra.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"-pytest")) {
            return Some(self.extra.to_string());
        }
        optimization.iter().any(u8::is_ascii_alphabetic).then(|| format!("opt-{}", self.optimization))
    }

    /// The last part of the module's name: its stem, or the folder of an `__init__`.
    pub fn last_name(&self) -> String {
        match self.stem.as_bytes() {
            b"__init__" => name::shown(name::split_last(self.source_folder.as_bytes()).1),
            stem => name::shown(stem),
        }
    }

    /// The name of its source, `m.py`.
    pub fn source_name(&self) -> Vec<u8> {
        [self.stem.as_bytes(), b".py"].concat()
    }
}

/// A file name without its extension, taken apart.
struct Tagged<'a> {
    /// The module's last name.
    stem: &'a [u8],
    /// The cache tag.
    tag: &'a [u8],
    /// What follows `opt-`.
    optimization: &'a [u8],
    /// What is left.
    extra: Vec<u8>,
}

impl<'a> Tagged<'a> {
    /// By the last part that begins with a tag of a known implementation. The stem may hold dots: `py_compile` writes
    /// `a.b.cpython-312.pyc` for `a.b.py`.
    fn find(rest: &'a [u8]) -> Option<Self> {
        let starts = rest.iter().enumerate().filter(|&(_, &byte)| byte == b'.').map(|(at, _)| at);
        for dot in starts.rev() {
            let (stem, after) = rest.split_at(dot);
            let after = after.get(1..).unwrap_or_default();
            let Some(length) = known_tag_length(after) else { continue };
            let (tag, tail) = after.split_at(length);
            return Some(Self::with_tail(stem, tag, tail));
        }
        None
    }

    /// By its position alone, as `source_from_cache` of importlib does: two dots with a tag between, or three with `opt-`.
    fn by_position(rest: &'a [u8]) -> Option<Self> {
        let (before, last) = rsplit_dot(rest)?;
        if let Some(optimization) = last.strip_prefix(b"opt-".as_slice())
            && let Some((stem, tag)) = rsplit_dot(before)
        {
            return Some(Self { stem, tag, optimization, extra: Vec::new() });
        }
        Some(Self { stem: before, tag: last, optimization: b"", extra: Vec::new() })
    }

    /// What follows the tag: nothing, `.opt-1`, or text that belongs to neither, such as `-pytest-5.4.1` or ` (1)`.
    fn with_tail(stem: &'a [u8], tag: &'a [u8], tail: &'a [u8]) -> Self {
        let Some(at) = tail.windows(5).position(|window| window == b".opt-") else {
            return Self { stem, tag, optimization: b"", extra: tail.to_vec() };
        };
        let (before, after) = tail.split_at(at);
        let after = after.get(5..).unwrap_or_default();
        // PEP 488: the optimisation is alphanumeric, so anything from the first other byte on was added.
        let length = after.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(after.len());
        let (optimization, behind) = after.split_at(length);
        Self { stem, tag, optimization, extra: [before, behind].concat() }
    }
}

/// The name before its last dot, and the extension after it; a name that begins with its only dot is all extension.
fn split_extension(file: &[u8]) -> (&[u8], &[u8]) {
    rsplit_dot(file).unwrap_or((file, b""))
}

fn rsplit_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = text.iter().rposition(|&byte| byte == b'.')?;
    let (before, after) = text.split_at(dot);
    Some((before, after.get(1..)?))
}

/// Splits what a file manager or a sync service adds to a copy (` 2`, ` (1)`, ` (conflicted copy 2019-11-22)`) from a name
/// without a tag. A module's name has no space, so the first one is the border.
fn split_copy_mark(rest: &[u8]) -> (&[u8], &[u8]) {
    let Some(space) = rest.iter().position(|&byte| byte == b' ') else { return (rest, b"") };
    let (stem, mark) = rest.split_at(space);
    let is_mark = match mark.get(1..).unwrap_or_default() {
        [b'(', .., b')'] => true,
        digits => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
    };
    if is_mark && !stem.is_empty() { (stem, mark) } else { (rest, b"") }
}

/// How the tags of each implementation begin. What follows is the version in digits, then perhaps letters (`t` of a
/// free-threaded build).
const TAG_NAMES: &[&str] = &[
    "cpython-",
    "pypy3-",
    "pypy-",
    "pypy",
    "rustpython-",
    "pyston-",
    "graalpython-",
    "graalpython",
    "graalpy",
    "jython-",
    "nogil-",
];

/// How many of the first bytes are a tag of a known implementation.
fn known_tag_length(text: &[u8]) -> Option<usize> {
    let start = TAG_NAMES.iter().find_map(|name| text.starts_with(name.as_bytes()).then_some(name.len()))?;
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let first = digits(start);
    if first == 0 {
        return None;
    }
    let mut end = start + first;
    // GraalPy puts its own version before the language's: `graalpy240-311`.
    if text.starts_with(b"graal") && text.get(end) == Some(&b'-') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    // A letter right after the digits belongs to the tag; a whole word (`-pytest`) does not.
    if text.get(end) == Some(&b't') && text.get(end + 1).is_none_or(|byte| !byte.is_ascii_alphanumeric()) {
        end += 1;
    }
    Some(end)
}

/// The interpreter that a cache tag names: implementation and language series.
///
/// `None` for a tag that is not understood, and for those that do not tell the language (`pypy3-58`).
pub fn tag_version(tag: &[u8]) -> Option<(Implementation, (u8, u8))> {
    let tag = std::str::from_utf8(tag).ok()?;
    let digits_of = |prefix: &str| -> Option<&str> {
        let rest = tag.strip_prefix(prefix)?;
        Some(rest.strip_suffix('t').unwrap_or(rest))
    };
    if let Some(digits) = digits_of("cpython-") {
        return Some((Implementation::CPython, series(digits)?));
    }
    if let Some(digits) = digits_of("rustpython-") {
        return Some((Implementation::RustPython, series(digits)?));
    }
    // Pyston 2.x and the nogil fork name their own version, and their language, respectively.
    if let Some(digits) = digits_of("pyston-") {
        return digits.starts_with('2').then_some((Implementation::Fork, (3, 8)));
    }
    if let Some(digits) = digits_of("nogil-") {
        return Some((Implementation::Fork, series(digits)?));
    }
    // PyPy named its own version at first: `pypy-41` is Python 2.7, `pypy3-24` is Python 3.2.
    if tag.starts_with("pypy-") {
        return Some((Implementation::PyPy, (2, 7)));
    }
    if let Some(digits) = digits_of("pypy3-") {
        return digits.starts_with('2').then_some((Implementation::PyPy, (3, 2)));
    }
    if let Some(digits) = digits_of("pypy") {
        return Some((Implementation::PyPy, series(digits)?));
    }
    if tag.starts_with("graalp") {
        let digits = tag.rsplit(|character: char| !character.is_ascii_digit()).next()?;
        return Some((Implementation::GraalPy, series(digits)?));
    }
    None
}

/// `312` is 3.12, `27` is 2.7.
fn series(digits: &str) -> Option<(u8, u8)> {
    let (major, minor) = digits.split_at_checked(1)?;
    if minor.is_empty() || minor.len() > 2 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The dotted name that an import would use, as far as names tell; escaped.
///
/// Below a folder that is put on `sys.path` (`site-packages`, a wheel's `purelib`, the root of an importable archive)
/// every folder is a package, with or without an `__init__` (PEP 420). Elsewhere only folders that hold one are.
pub fn module_name(listing: &Listing, place: &Place, kind: Kind) -> String {
    let package = package_of(listing, place, kind);
    let mut parts: Vec<String> =
        package.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).map(name::shown).collect();
    let stem = place.stem.as_bytes();
    if stem != b"__init__" || parts.is_empty() {
        parts.push(name::shown(stem));
    }
    parts.join(".")
}

/// The folders that are the module's packages, joined by `/`; empty for a top-level module.
pub fn package_of<'a>(listing: &Listing, place: &'a Place, kind: Kind) -> &'a [u8] {
    let folder = place.source_folder.as_bytes();
    if let Some(below) = below_root_marker(folder) {
        return below;
    }
    match kind {
        Kind::Wheel | Kind::Egg | Kind::Zipapp | Kind::Pyinstaller | Kind::Pyz => folder,
        _ => climb(listing, place, folder),
    }
}

/// The part of a folder's path below the last part that is a root of imports by its name.
pub(crate) fn below_root_marker(folder: &[u8]) -> Option<&[u8]> {
    let mut end = folder.len();
    loop {
        let (before, part) = name::split_last(folder.get(..end)?);
        if is_root_marker(before, part) {
            let below = folder.get(end..)?;
            return Some(below.strip_prefix(b"/".as_slice()).unwrap_or(below));
        }
        if before.is_empty() {
            return None;
        }
        end = before.len();
    }
}

fn is_root_marker(before: &[u8], part: &[u8]) -> bool {
    if part == b"site-packages" || part == b"dist-packages" || part == b"lib-dynload" {
        return true;
    }
    // Binary distribution format: `{distribution}-{version}.data/purelib`.
    if part == b"purelib" || part == b"platlib" {
        return name::split_last(before).1.ends_with(b".data");
    }
    // Eggs and unpacked wheels (as a pex holds them) are put on `sys.path` themselves.
    if part.ends_with(b".egg") || part.ends_with(b".whl") {
        return true;
    }
    ["python", "pypy"].iter().any(|name| part.strip_prefix(name.as_bytes()).is_some_and(is_dotted_version))
}

/// `3.12`, `2.7`, `3.13t`.
fn is_dotted_version(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"t").unwrap_or(text);
    let Some((major, minor)) = rsplit_dot(text) else { return false };
    let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number(major) && is_number(minor)
}

/// The part of the folder's path whose folders all hold an `__init__` module.
fn climb<'a>(listing: &Listing, place: &Place, folder: &'a [u8]) -> &'a [u8] {
    let mut top = folder;
    let cached = cached_init_name(place);
    while !top.is_empty() && is_package(listing, place, top, &cached) {
        top = name::split_last(top).0;
    }
    let below = folder.get(top.len()..).unwrap_or_default();
    below.strip_prefix(b"/".as_slice()).unwrap_or(below)
}

fn is_package(listing: &Listing, place: &Place, folder: &[u8], cached: &[u8]) -> bool {
    if listing.find(folder, b"__init__.py").is_some() || listing.find(folder, b"__init__.pyc").is_some() {
        return true;
    }
    // What is left of a package whose sources are elsewhere.
    match place.kind {
        PlaceKind::Cache => listing.find(&name::join(folder, CACHE_FOLDER), cached).is_some(),
        PlaceKind::Tagged => listing.find(folder, cached).is_some(),
        PlaceKind::Legacy => false,
    }
}

/// `__init__.cpython-312.pyc`, as it would stand beside this file.
fn cached_init_name(place: &Place) -> Vec<u8> {
    let mut name = [b"__init__.".as_slice(), place.tag.as_bytes()].concat();
    if !place.optimization.as_bytes().is_empty() {
        name.extend_from_slice(b".opt-");
        name.extend_from_slice(place.optimization.as_bytes());
    }
    name.push(b'.');
    name.extend_from_slice(place.extension.as_bytes());
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Times;
    use crate::container::MemberKind;
    use crate::container::NewMember;

    /// Kind, source folder, stem, tag, optimisation, extra, extension.
    fn parts(path: &str) -> (PlaceKind, [String; 6]) {
        let place = Place::of(path.as_bytes());
        let parts = [place.source_folder, place.stem, place.tag, place.optimization, place.extra, place.extension];
        (place.kind, parts.map(|part| part.to_string()))
    }

    fn check(path: &str, kind: PlaceKind, expected: [&str; 6]) {
        assert_eq!(parts(path), (kind, expected.map(String::from)), "{path}");
    }

    #[test]
    fn a_name_of_pep_3147_is_taken_apart() {
        use PlaceKind::Cache;
        check("pkg/__pycache__/m.cpython-312.pyc", Cache, ["pkg", "m", "cpython-312", "", "", "pyc"]);
        check("__pycache__/m.pypy39.pyc", Cache, ["", "m", "pypy39", "", "", "pyc"]);
        check("__pycache__/m.cpython-312.opt-2.pyc", Cache, ["", "m", "cpython-312", "2", "", "pyc"]);
        check("__pycache__/m.cpython-34.pyo", Cache, ["", "m", "cpython-34", "", "", "pyo"]);
        check("__pycache__/m.graalpy240-311.pyc", Cache, ["", "m", "graalpy240-311", "", "", "pyc"]);
        check("__pycache__/m.cpython-313t.pyc", Cache, ["", "m", "cpython-313t", "", "", "pyc"]);
    }

    #[test]
    fn a_stem_with_dots_keeps_them() {
        check("__pycache__/a.b.cpython-312.pyc", PlaceKind::Cache, ["", "a.b", "cpython-312", "", "", "pyc"]);
        check("a.b.pyc", PlaceKind::Legacy, ["", "a.b", "", "", "", "pyc"]);
    }

    #[test]
    fn text_around_a_tag_is_kept_apart() {
        use PlaceKind::Cache;
        let tag = "cpython-38";
        check("__pycache__/t.cpython-38-pytest-5.4.1.pyc", Cache, ["", "t", tag, "", "-pytest-5.4.1", "pyc"]);
        check("__pycache__/m.cpython-38 2.pyc", Cache, ["", "m", tag, "", " 2", "pyc"]);
        let copy = " (conflicted copy 2019-11-22 1.2)";
        check(&format!("__pycache__/m.cpython-38{copy}.pyc"), Cache, ["", "m", tag, "", copy, "pyc"]);
        check("__pycache__/m.cpython-38-DESKTOP-A9.pyc", Cache, ["", "m", tag, "", "-DESKTOP-A9", "pyc"]);
        check("__pycache__/m.cpython-38.opt-1 (1).pyc", Cache, ["", "m", tag, "1", " (1)", "pyc"]);
        check("__pycache__/m.cpython-38.opt-typeguard.pyc", Cache, ["", "m", tag, "typeguard", "", "pyc"]);
        check("__pycache__/m.cpython-38.pyc.140234", Cache, ["", "m", tag, "", ".pyc", "140234"]);
        check("d/m (1).pyc", PlaceKind::Legacy, ["d", "m", "", "", " (1)", "pyc"]);
        check("d/my file.pyc", PlaceKind::Legacy, ["d", "my file", "", "", "", "pyc"]);
    }

    #[test]
    fn a_tag_outside_a_cache_folder_is_seen() {
        check("c/home/u/m.cpython-311.pyc", PlaceKind::Tagged, ["c/home/u", "m", "cpython-311", "", "", "pyc"]);
        check("m.cpythonic.pyc", PlaceKind::Legacy, ["", "m.cpythonic", "", "", "", "pyc"]);
    }

    #[test]
    fn an_unknown_tag_in_a_cache_folder_is_taken_by_its_position() {
        check("__pycache__/m.neopy-7.opt-1.pyc", PlaceKind::Cache, ["", "m", "neopy-7", "1", "", "pyc"]);
        check("__pycache__/m.pyc", PlaceKind::Cache, ["", "m", "", "", "", "pyc"]);
        check("__pycache__/.pyc", PlaceKind::Cache, ["", "", "", "", "", "pyc"]);
    }

    #[test]
    fn an_extension_is_kept_as_it_is_written() {
        check("m.PYC", PlaceKind::Legacy, ["", "m", "", "", "", "PYC"]);
        check("q", PlaceKind::Legacy, ["", "q", "", "", "", ""]);
    }

    #[test]
    fn a_tag_names_its_interpreter() {
        let cases = [
            ("cpython-312", Some((Implementation::CPython, (3, 12)))),
            ("cpython-313t", Some((Implementation::CPython, (3, 13)))),
            ("cpython-27", Some((Implementation::CPython, (2, 7)))),
            ("pypy310", Some((Implementation::PyPy, (3, 10)))),
            ("pypy-41", Some((Implementation::PyPy, (2, 7)))),
            ("pypy3-24", Some((Implementation::PyPy, (3, 2)))),
            ("pypy3-58", None),
            ("graalpy312", Some((Implementation::GraalPy, (3, 12)))),
            ("graalpy240-311", Some((Implementation::GraalPy, (3, 11)))),
            ("rustpython-313", Some((Implementation::RustPython, (3, 13)))),
            ("pyston-23", Some((Implementation::Fork, (3, 8)))),
            ("cpython-", None),
            ("cpython-31234", None),
            ("cpython-\u{663}12", None),
            ("", None),
        ];
        for (tag, expected) in cases {
            assert_eq!(tag_version(tag.as_bytes()), expected, "{tag}");
        }
    }

    fn listing(names: &[&str]) -> Listing {
        let new = |name| NewMember { name, kind: MemberKind::File, size: None, times: Times::default() };
        Listing::new(&names.iter().map(|name| new(name.as_bytes())).collect::<Vec<_>>()).0
    }

    fn module(path: &str, kind: Kind, others: &[&str]) -> String {
        let names: Vec<&str> = others.iter().copied().chain([path]).collect();
        module_name(&listing(&names), &Place::of(path.as_bytes()), kind)
    }

    #[test]
    fn a_module_is_named_by_the_packages_above_it() {
        let inits = ["src/pkg/__init__.py", "src/pkg/sub/__init__.pyc"];
        assert_eq!(module("src/pkg/sub/__pycache__/m.cpython-312.pyc", Kind::Directory, &inits), "pkg.sub.m");
        assert_eq!(module("src/pkg/__pycache__/__init__.cpython-312.pyc", Kind::Directory, &inits), "pkg");
        assert_eq!(module("src/top.pyc", Kind::Directory, &inits), "top");
        assert_eq!(module("__pycache__/__init__.cpython-312.pyc", Kind::Directory, &[]), "__init__");
    }

    #[test]
    fn a_package_without_sources_is_seen_by_its_bytecode() {
        let inits = ["a/pkg/__pycache__/__init__.cpython-312.pyc"];
        assert_eq!(module("a/pkg/__pycache__/m.cpython-312.pyc", Kind::Directory, &inits), "pkg.m");
        let inits = ["a/pkg/__init__.cpython-312.pyc"];
        assert_eq!(module("a/pkg/m.cpython-312.pyc", Kind::Directory, &inits), "pkg.m");
    }

    #[test]
    fn below_a_root_of_imports_every_folder_is_a_package() {
        let none: [&str; 0] = [];
        assert_eq!(module("lib/python3.12/site-packages/ns/pkg/m.pyc", Kind::Directory, &none), "ns.pkg.m");
        assert_eq!(module("lib/python3.12/json/__pycache__/m.cpython-312.pyc", Kind::Directory, &none), "json.m");
        assert_eq!(module("d-1.data/purelib/ns/m.pyc", Kind::Wheel, &none), "ns.m");
        assert_eq!(module("ns/m.pyc", Kind::Wheel, &none), "ns.m");
        assert_eq!(module(".deps/a-1-py3-none-any.whl/ns/m.pyc", Kind::Zipapp, &none), "ns.m");
        assert_eq!(module("ns/m.pyc", Kind::Zip, &none), "m");
    }

    #[test]
    fn a_deceptive_module_name_is_escaped() {
        assert_eq!(module("a\u{202e}b.pyc", Kind::Directory, &[]), "a\\u{202e}b");
    }
}
