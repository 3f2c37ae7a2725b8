//! Members of a zip on `sys.path`, as zipimport finds them: eggs, zipapps and pex files are read so, and any zip can be.

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
use crate::artifact::DosTime;
use crate::place::PlaceKind;
use crate::pyc::Header;
use crate::pyc::Invalidation;
use crate::source;

/// The verdict on a member of a zip on `sys.path`.
pub(super) fn judge(judged: &Judged<'_>) -> Load {
    if let Some(load) = unimportable_name(judged) {
        return load;
    }
    match judged.place.kind {
        PlaceKind::Cache => return Load::dead("zipimport never looks into `__pycache__`"),
        PlaceKind::Tagged => return Load::dead("zipimport does not look for names with a cache tag"),
        PlaceKind::Legacy => {}
    }
    let Some(version) = judged.version else { return unknown_magic(judged) };
    let interpreter = Interpreter::of_version(version);
    let who = interpreter.shown();
    if judged.place.stem.as_bytes().contains(&b'.') {
        return Load::dead("a module's name cannot hold a dot");
    }
    // Up to 3.4 zipimport looks for `.pyo` after `.pyc` without `-O` too, and before it with `-O`.
    if judged.place.extension.as_bytes() == b"pyo" && interpreter.has_optimization_tags() {
        return Load::dead(format!("{who} does not look for `.pyo`"));
    }
    if judged.place.stem.as_bytes() != b"__init__"
        && let Some(winner) = shadow::in_zip(judged.listing, judged.place, interpreter)
    {
        return Load::dead(format!("{winner} wins over `{}.{}`", judged.place.stem, judged.place.extension));
    }
    let source = source_shown(judged);
    let has_source = source::beside(judged.listing, judged.place).is_some();
    let then = if has_source { format!(" and compiles `{source}`") } else { String::from(", an import fails") };
    if let Some(load) = refused_header(judged, interpreter, &then) {
        return load;
    }
    let Some(header) = judged.header else { return unknown_magic(judged) };
    // `unmarshal_code` in zipimport.c of 3.7 takes the flags 0 and 1 alone, with a source or without.
    let flags = header.flags.unwrap_or_default();
    if interpreter.series == (3, 7) && flags > 1 {
        let what = if flags == 3 { "checked hashes" } else { "the flags 2" };
        return Load::rejected(format!("{who} refuses {what} in a zip{then}"));
    }
    if !has_source {
        let reason = format!("no `{source}`: {who} runs it, times and hash are not looked at");
        return accepted(judged, interpreter, Level::Any, reason);
    }
    match fits(judged, header, interpreter) {
        Ok(reason) => {
            accepted(judged, interpreter, Level::Any, format!("zipimport looks for `.pyc` first, and {reason}"))
        }
        Err(load) => load,
    }
}

/// Whether the header fits the archived source (`_unmarshal_code` in zipimport.py, `unmarshal_code` in zipimport.c).
fn fits(judged: &Judged<'_>, header: &Header, interpreter: Interpreter) -> Result<String, Load> {
    let who = interpreter.shown();
    let source = source_shown(judged);
    let Invalidation::Timestamp { mtime, source_size } = header.invalidation else {
        return validated(judged, header, interpreter);
    };
    // The size is compared since zipimport is written in Python.
    if interpreter.series >= (3, 8)
        && let (Some(recorded), Some(actual)) = (source_size, judged.source.map(|source| source.size))
        && u64::from(recorded) != actual
    {
        return Err(Load::stale(format!(
            "{who} would find it out of date (recorded size {recorded}, actual {actual}) and compile `{source}`"
        )));
    }
    // zipimport knows the DOS time only, and takes it for the local time of the reader.
    let Some(wall) = judged.source.and_then(|source| source.times.dos).and_then(DosTime::as_if_utc) else {
        return Err(Load::unknown(format!("the archive gives no valid time for `{source}`")));
    };
    let Some(zone) = source::dos_zone(mtime, wall) else {
        return Err(Load::stale(format!(
            "{who} would find it out of date in every time zone (recorded mtime {mtime}) and compile `{source}`"
        )));
    };
    let minutes = zone / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    Ok(format!("its recorded mtime is that of `{source}` for a clock of UTC{sign}{hours:02}:{minutes:02}"))
}
