//! The words of the page: numbers, sizes, durations, and what codes mean to a person who has never seen them.

use crate::ledger::Fate;
use crate::report::record::FindingRecord;
use crate::report::record::SummaryRecord;
use crate::report::record::seconds;
use crate::report::record::total;

/// Characters of a text that the parts outside the tables show; the tables hold it whole.
const CLIP: usize = 600;

/// A number with its thousands apart: `122,755`.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many there are, as the counts of reports are written.
pub(super) fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// The noun that fits a number.
pub(super) fn noun(value: u64, one: &'static str, many: &'static str) -> &'static str {
    if value == 1 { one } else { many }
}

/// A number and its noun.
pub(super) fn counted(value: u64, one: &'static str, many: &'static str) -> String {
    format!("{} {}", number(value), noun(value, one, many))
}

/// A size for the eye: `18.3 MB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    match UNITS.into_iter().find(|&(_, unit)| bytes >= unit) {
        // Tenths in whole numbers: sizes of any length stay exact.
        Some((name, unit)) => format!("{}.{} {name}", number(bytes / unit), bytes % unit / (unit / 10)),
        None => counted(bytes, "byte", "bytes"),
    }
}

/// A number of seconds: `2 min 5 s`.
pub(super) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => "less than a second".to_owned(),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// The seconds between two times of a run, in words.
pub(super) fn between(started: Option<&str>, ended: Option<&str>) -> String {
    match (started.and_then(seconds), ended.and_then(seconds)) {
        (Some(started), Some(ended)) => duration(ended.saturating_sub(started)),
        _ => "an unknown time".to_owned(),
    }
}

/// A time for the eye, in UTC: `21 September 2026, 14:13 UTC`.
pub(super) fn day(time: Option<&str>) -> String {
    match time.and_then(|time| time.parse::<jiff::Timestamp>().ok()) {
        Some(timestamp) => timestamp.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string(),
        None => time.unwrap_or_default().to_owned(),
    }
}

/// The time of a file or archive record; where the record names no zone, so does the text.
pub(super) fn own_time(time: Option<&str>, seconds: Option<i64>) -> String {
    match (time, seconds) {
        (Some(time), _) if time.ends_with('Z') => time.to_owned(),
        (Some(time), _) => format!("{time} (no zone recorded)"),
        (None, Some(seconds)) => format!("{seconds} s since 1970"),
        (None, None) => String::new(),
    }
}

/// Text cut to what a summary can show.
pub(super) fn clipped(text: &str) -> String {
    match text.char_indices().nth(CLIP) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many findings are suppressed, and by what: `3 suppressed (baseline 2, per-path-ignores 1)`; nothing when none is.
pub(super) fn suppressed(summary: &SummaryRecord) -> Option<String> {
    let all = total(&summary.suppressed);
    let by: Vec<_> = summary.suppressed.iter().map(|(by, count)| format!("{by} {}", number(*count))).collect();
    (all > 0).then(|| format!("{} suppressed ({})", number(all), by.join(", ")))
}

/// What a link to a finding ends with.
pub(super) fn link(finding: &FindingRecord) -> String {
    let digits = finding.fingerprint.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    finding.fingerprint.get(finding.fingerprint.len().saturating_sub(digits)..).unwrap_or_default().to_owned()
}

/// The offset and line of a finding; empty when it has neither.
pub(super) fn place(finding: &FindingRecord) -> String {
    match (finding.offset, finding.line) {
        (Some(offset), Some(line)) => format!("at offset {offset:#x}, line {line}"),
        (Some(offset), None) => format!("at offset {offset:#x}"),
        (None, Some(line)) => format!("line {line}"),
        (None, None) => String::new(),
    }
}

/// A command line as one would type it again.
pub(super) fn command(arguments: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word.chars().all(|character| character.is_alphanumeric() || "-_./=:,+@%!".contains(character))
    };
    let quoted = arguments
        .iter()
        .map(|word| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) });
    quoted.collect::<Vec<_>>().join(" ")
}

/// What a load verdict means.
pub(super) fn load(verdict: &str) -> &'static str {
    match verdict {
        "runs" => "Python runs these files as they are.",
        "runs-optimised" => "Run only when Python is started with -O or -OO.",
        "stale" => "Out of date: Python would compile the source again.",
        "dead" => "Python never looks at them where they lie.",
        "rejected" => "Python would try them and fail, or pass them over.",
        "unknown" => "Made for an interpreter whose rules are not known.",
        _ => "",
    }
}

/// What the comparison of a header with its source means.
pub(super) fn header(outcome: &str) -> &'static str {
    match outcome {
        "fresh" => "What the header records is what the source is.",
        "mtime-mismatch" => "The source has another modification time.",
        "size-mismatch" => "The source has another size.",
        "stale" => "The source has another time and another size.",
        "hash-mismatch" => "The source has another hash: it is not the text recorded.",
        "newline-variant" => "Fits the source with its line ends written otherwise.",
        "no-source" => "There is no source to compare with.",
        "unknown" => "Not compared.",
        _ => "",
    }
}

/// What a word of the comparison of the code means.
pub(super) fn code(word: &str) -> &'static str {
    match word {
        "verified" => "The bytecode does what the source says, on every path.",
        "differs" => "The bytecode does something else than the source says.",
        "not-asked" => "The run was told not to compare.",
        "no-source" => "There is no source to compare with.",
        "ambiguous-source" => "Several files could be the source.",
        "unread-source" => "The source could not be read whole.",
        "stale" => "The header itself says that the source was another: Python would compile it again.",
        "instrumented" => {
            "Its name says that an import hook changed the code on purpose, in a way that is not known; what else it may hold is not known."
        }
        "version" => "The code of this interpreter is not compared.",
        "source" => "The source is none that this interpreter could have compiled.",
        "unsupported" => "The source has something that is not compared yet.",
        "work" => "The limit of work was reached.",
        "body" => "The bytecode could not be read whole.",
        _ => "",
    }
}

/// How a source was found.
pub(super) fn found(found: &str) -> &'static str {
    match found {
        "beside" => "where Python looks for it",
        "prefix-tree" => "by the mirrored path of a cache folder",
        "sources" => "among --sources",
        _ => "",
    }
}

/// What became of a file.
pub(super) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Bytecode => "scanned",
        Fate::Archive => "opened; its members are counted for themselves",
        Fate::Jython => "a class of Jython; recognised, not parsed",
        Fate::Micropython => "bytecode of MicroPython; recognised, not parsed",
        Fate::Numba => "a cache of numba; recognised, not parsed",
        Fate::Jinja2 => "a cache of jinja2; recognised, not parsed",
        Fate::Notebook => "a Jupyter notebook; recognised, not parsed",
        Fate::Other => "neither bytecode nor an archive",
        Fate::Excluded => "left out as asked; a folder counts once",
        Fate::Link => "a link that is not followed",
        Fate::Special => "a pipe, socket or device; never opened",
        Fate::Limited => "a limit was hit before it was read whole",
        Fate::Unreadable => "it could not be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::LoadVerdict;
    use crate::source::HeaderMatch;

    #[test]
    fn numbers_and_sizes_are_written_for_the_eye() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 999, 1000, 18_345_678].map(size), ["1 byte", "999 bytes", "1.0 kB", "18.3 MB"]);
        assert_eq!(size(u64::MAX), "18,446,744.0 TB");
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_duration() {
        assert_eq!(
            [-5, 0, 59, 125, 7260].map(duration),
            ["less than a second", "less than a second", "59 s", "2 min 5 s", "2 h 1 min"]
        );
    }

    #[test]
    fn every_word_of_a_verdict_is_explained() {
        assert!(LoadVerdict::ALL.iter().all(|verdict| !load(verdict.code()).is_empty()));
        assert!(HeaderMatch::ALL.iter().all(|outcome| !header(outcome.code()).is_empty()));
    }

    #[test]
    fn a_command_line_can_be_typed_again() {
        let words = ["pycaudit", "scan", "a b", "it's", "", "--html", "r.html"].map(str::to_owned);
        assert_eq!(command(&words), r"pycaudit scan 'a b' 'it'\''s' '' --html r.html");
    }
}
