//! What an import finds before a pyc or its source: an extension module or a package of the same name.

use super::Interpreter;
use crate::container::Listing;
use crate::container::MemberKind;
use crate::name;
use crate::place::Place;
use crate::pyc::versions::Implementation;

/// How many names that begin with the module's are looked at.
///
/// Honest modules have a handful; the cap keeps a folder of look-alikes from costing the square of their number.
const SIBLINGS: usize = 256;

/// What wins over a module in a directory, for a sentence: `FileFinder.find_spec` in importlib looks for a package first, then
/// for the suffixes of extension modules, then for source, then for bytecode; `find_module` of Python 2 does the same.
pub(super) fn in_directory(listing: &Listing, place: &Place, interpreter: Interpreter) -> Option<String> {
    let folder = place.source_folder.as_bytes();
    let stem = place.stem.as_bytes();
    if stem != b"__init__"
        && let Some(found) = package(listing, &name::join(folder, stem), interpreter)
    {
        return Some(format!("the package `{}/{found}`", place.stem));
    }
    let extension = siblings(listing, folder, stem, |rest| is_extension_module(rest, interpreter));
    if let Some(file) = extension {
        return Some(format!("the extension module `{file}`"));
    }
    // `dynload_shlib.c` of Python 2 and 3.0 to 3.2 has the suffix `module.so` too.
    let long = [stem, b"module.so"].concat();
    let has_long = interpreter.series < (3, 3) && is_file(listing, folder, &long);
    has_long.then(|| format!("the extension module `{}`", name::shown(&long)))
}

/// The package that zipimport finds before a module: `_zip_searchorder` begins with `/__init__.pyc` and `/__init__.py`.
pub(super) fn in_zip(listing: &Listing, place: &Place, interpreter: Interpreter) -> Option<String> {
    let folder = name::join(place.source_folder.as_bytes(), place.stem.as_bytes());
    let names: &[&[u8]] = if interpreter.has_optimization_tags() {
        &[b"__init__.pyc", b"__init__.py"]
    } else {
        &[b"__init__.pyc", b"__init__.py", b"__init__.pyo"]
    };
    let found = names.iter().find(|name| is_file(listing, &folder, name))?;
    Some(format!("the package `{}/{}`", place.stem, name::shown(found)))
}

/// The `__init__` that makes a folder a regular package.
fn package(listing: &Listing, folder: &[u8], interpreter: Interpreter) -> Option<String> {
    siblings(listing, folder, b"__init__", |rest| {
        rest == b"py" || rest == b"pyc" || interpreter.has_cache_folders() && is_extension_module(rest, interpreter)
    })
}

/// The first file of a folder named `stem.REST` with such a rest.
fn siblings(listing: &Listing, folder: &[u8], stem: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<String> {
    let start = [stem, b"."].concat();
    listing
        .starting_with(folder, &start)
        .take(SIBLINGS)
        .find(|member| {
            matches!(member.kind, MemberKind::File | MemberKind::Link)
                && member.file().strip_prefix(start.as_slice()).is_some_and(&fits)
        })
        .map(|member| name::shown(member.file()))
}

fn is_file(listing: &Listing, folder: &[u8], file: &[u8]) -> bool {
    listing.find(folder, file).is_some_and(|member| matches!(member.kind, MemberKind::File | MemberKind::Link))
}

/// Whether `m.REST` is an extension module to this interpreter on Linux or macOS (`_PyImport_DynLoadFiletab`).
///
/// Suffixes of Windows (`.pyd`) do not count: elsewhere nothing looks for them, and the pyc runs.
fn is_extension_module(rest: &[u8], interpreter: Interpreter) -> bool {
    let (major, minor) = interpreter.series;
    let tagged = |name: &str| {
        let Some(after) = rest.strip_prefix(format!("{name}{major}{minor}").as_bytes()) else { return false };
        after.ends_with(b".so") && !after.first().is_some_and(u8::is_ascii_digit)
    };
    match interpreter.implementation {
        Implementation::PyPy => tagged("pypy"),
        _ => rest == b"so" || interpreter.series >= (3, 2) && (rest == b"abi3.so" || tagged("cpython-")),
    }
}
