//! Files in directories, as the path finder of importlib and the `import` of Python 2 find them; and wheels, which become
//! directories when they are installed.

use super::Interpreter;
use super::Judged;
use super::Level;
use super::Load;
use super::accepted;
use super::refused_header;
use super::shadow;
use super::source_shown;
use super::unimportable_name;
use super::unknown_magic;
use super::validated;
use crate::container::Kind;
use crate::place::PlaceKind;
use crate::pyc::Invalidation;
use crate::pyc::Version;
use crate::pyc::versions::Implementation;
use crate::source;
use crate::source::Found;

/// The verdict on a file in a directory.
pub(super) fn judge(judged: &Judged<'_>) -> Load {
    if let Some(load) = unimportable_name(judged) {
        return load;
    }
    match judged.place.kind {
        PlaceKind::Cache => in_cache_folder(judged),
        PlaceKind::Tagged => in_prefix_tree(judged),
        PlaceKind::Legacy => in_legacy_place(judged),
    }
}

/// `__pycache__/m.<tag>[.opt-<n>].pyc` (PEP 3147, PEP 488).
fn in_cache_folder(judged: &Judged<'_>) -> Load {
    let interpreter = match reader_of_tag(judged) {
        Ok(interpreter) => interpreter,
        Err(load) => return load,
    };
    if source::beside(judged.listing, judged.place).is_none() {
        return Load::dead(format!(
            "no `{}`: without it an import never looks into `__pycache__`",
            source_shown(judged)
        ));
    }
    cached(judged, interpreter)
}

/// A tree of `PYTHONPYCACHEPREFIX` or `-X pycache_prefix`: the absolute folder of the source below the prefix.
fn in_prefix_tree(judged: &Judged<'_>) -> Load {
    let interpreter = match reader_of_tag(judged) {
        Ok(interpreter) => interpreter,
        Err(load) => return load,
    };
    if judged.kind != Kind::Directory || source::beside(judged.listing, judged.place).is_some() {
        return Load::dead("its name has a cache tag, and it is not in a `__pycache__` folder");
    }
    if interpreter.series < (3, 8) {
        return Load::dead(format!("{} reads such names in `__pycache__` folders only", interpreter.shown()));
    }
    if judged.source.is_none_or(|source| source.found != Found::PrefixTree) {
        return Load::unknown("read only under a `PYTHONPYCACHEPREFIX`, and no source that it could be of was scanned");
    }
    let load = cached(judged, interpreter);
    Load { reason: format!("under its `PYTHONPYCACHEPREFIX`: {}", load.reason), ..load }
}

/// A cached file whose source is where the interpreter begins.
fn cached(judged: &Judged<'_>, interpreter: Interpreter) -> Load {
    let who = interpreter.shown();
    if let Some(winner) = shadow::in_directory(judged.listing, judged.place, interpreter) {
        return Load::dead(format!("{winner} wins over `{}`", source_shown(judged)));
    }
    let level = match cached_level(judged, interpreter) {
        Ok(level) => level,
        Err(load) => return load,
    };
    let then = format!(" and compiles `{}` again", source_shown(judged));
    let Some(magic) = judged.magic else {
        return Load::rejected(format!("{who} finds its header cut short{then}"));
    };
    if !judged.candidates.iter().any(|version| writes_for(version, interpreter)) {
        return Load::rejected(format!("{who} refuses its magic number {}{then}", magic.number()));
    }
    checked_against_source(judged, interpreter, level, &then)
}

/// Header, source, body, in this order.
fn checked_against_source(judged: &Judged<'_>, interpreter: Interpreter, level: Level, then: &str) -> Load {
    if let Some(load) = refused_header(judged, interpreter, then) {
        return load;
    }
    let Some(header) = judged.header else { return unknown_magic(judged) };
    if judged.kind == Kind::Wheel
        && let Invalidation::Timestamp { .. } = header.invalidation
    {
        return Load::stale(format!(
            "out of date once installed: installers give `{}` a new modification time, and {} compares it",
            source_shown(judged),
            interpreter.shown(),
        ));
    }
    match validated(judged, header, interpreter) {
        Ok(reason) if judged.kind == Kind::Wheel && level == Level::Any => {
            let reason = format!("{reason} (uv keeps it at installation, pip compiles over it unless told not to)");
            accepted(judged, interpreter, level, reason)
        }
        Ok(reason) => accepted(judged, interpreter, level, reason),
        Err(load) => load,
    }
}

/// The interpreter that looks for this tag, whatever the magic says.
fn reader_of_tag(judged: &Judged<'_>) -> Result<Interpreter, Load> {
    let place = judged.place;
    let own = judged.version.map(Interpreter::of_version);
    if place.tag.as_bytes().is_empty() {
        return Err(Load::dead("a name without a cache tag is not looked for in `__pycache__`"));
    }
    let Some((implementation, series)) = place.tag_version() else {
        return match own {
            // PyPy3 before 7.2 put its own version into the tag.
            Some(own) if own.implementation == Implementation::PyPy && place.tag.as_bytes().starts_with(b"pypy3-") => {
                Ok(own)
            }
            Some(own) => Err(Load::dead(format!("{} does not look for the tag `{}`", own.shown(), place.tag))),
            None => Err(Load::unknown(format!("the interpreter of the tag `{}` is not known", place.tag))),
        };
    };
    let name = match implementation {
        Implementation::CPython => "CPython",
        Implementation::PyPy => "PyPy",
        Implementation::GraalPy => "GraalPy",
        Implementation::RustPython => "RustPython",
        _ => own.map_or("a fork of CPython", |own| own.name),
    };
    let interpreter = Interpreter { implementation, name, series };
    if !interpreter.has_cache_folders() {
        return Err(Load::dead(format!("{} never looks into `__pycache__`", interpreter.shown())));
    }
    Ok(interpreter)
}

/// Whether a version's magic number is one that the interpreter of a tag accepts. Pre-releases of its series do; forks have
/// the numbers and tags of the CPython they are made from, or their own.
fn writes_for(version: &Version, interpreter: Interpreter) -> bool {
    let is_fork = |implementation| implementation == Implementation::Fork;
    version.series == interpreter.series
        && (version.implementation == interpreter.implementation
            || is_fork(version.implementation)
            || is_fork(interpreter.implementation))
}

/// At which level of `-O` the name is looked for.
fn cached_level(judged: &Judged<'_>, interpreter: Interpreter) -> Result<Level, Load> {
    let place = judged.place;
    let who = interpreter.shown();
    let with_tags = interpreter.has_optimization_tags();
    match (place.extension.as_bytes(), place.optimization.as_bytes()) {
        (b"pyc", b"") => Ok(Level::Any),
        (b"pyc", b"1") if with_tags => Ok(Level::Optimised("-O")),
        (b"pyc", b"2") if with_tags => Ok(Level::Optimised("-OO")),
        (b"pyo", b"") if !with_tags => Ok(Level::Optimised("-O")),
        (b"pyo", _) => Err(Load::dead(format!("{who} does not look for `.pyo` in `__pycache__`"))),
        _ => Err(Load::dead(format!("no start of {who} looks for `opt-{}`", place.optimization))),
    }
}

/// `m.pyc` where `m.py` would be.
fn in_legacy_place(judged: &Judged<'_>) -> Load {
    let Some(version) = judged.version else { return unknown_magic(judged) };
    let interpreter = Interpreter::of_version(version);
    let who = interpreter.shown();
    if judged.place.stem.as_bytes().contains(&b'.') {
        return Load::dead("a module's name cannot hold a dot; only `python FILE` would run it");
    }
    let level = match judged.place.extension.as_bytes() {
        b"pyo" if interpreter.has_optimization_tags() => {
            return Load::dead(format!("{who} does not look for `.pyo`"));
        }
        b"pyo" => Level::Optimised("-O"),
        _ => Level::Any,
    };
    if let Some(winner) = shadow::in_directory(judged.listing, judged.place, interpreter) {
        return Load::dead(format!("{winner} wins over `{}.{}`", judged.place.stem, judged.place.extension));
    }
    let source = source_shown(judged);
    let has_source = source::beside(judged.listing, judged.place).is_some();
    if has_source && interpreter.has_cache_folders() {
        return Load::dead(format!("`{source}` is beside it: {who} never reads a legacy pyc then"));
    }
    if has_source && judged.place.stem.as_bytes() == b"__main__" {
        // `ImpLoader.get_code` in pkgutil, which a start by name uses up to 3.1.
        return Load::dead(format!("`{source}` is beside it: {who} starts that without looking for bytecode"));
    }
    if has_source && judged.magic.is_some() && judged.header.is_none() {
        // `check_compiled_module` in import.c takes whatever is left for the time.
        return Load::stale(format!("{who} finds no whole time in its header and compiles `{source}` again"));
    }
    if has_source {
        return checked_against_source(judged, interpreter, level, &format!(" and compiles `{source}` again"));
    }
    if let Some(load) = refused_header(judged, interpreter, ", an import fails") {
        return load;
    }
    // The translation option `lonepycfiles` of PyPy 2 is off in its releases.
    if interpreter.implementation == Implementation::PyPy && !interpreter.has_cache_folders() {
        return Load::dead(format!("{who} does not import bytecode without a source"));
    }
    accepted(judged, interpreter, level, format!("no `{source}`: {who} runs it, times and hash are not looked at"))
}
