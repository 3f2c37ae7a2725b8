//! The words of the page: numbers, sizes, durations, and what codes mean to a person who has never seen them.

use crate::artifact::Times;
use crate::artifact::rfc3339;
use crate::ledger::Fate;
use crate::load::LoadVerdict;
use crate::rules::Finding;
use crate::source::Found;
use crate::source::HeaderMatch;

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

/// A time of a run or file; the raw seconds where no calendar has it.
pub(super) fn time(seconds: i64) -> String {
    rfc3339(seconds).unwrap_or_else(|| format!("{seconds} s since 1970"))
}

/// A time for the eye, in UTC: `21 September 2026, 14:13 UTC`.
pub(super) fn day(seconds: i64) -> String {
    let Some(timestamp) = rfc3339(seconds).and_then(|_| jiff::Timestamp::from_second(seconds).ok()) else {
        return time(seconds);
    };
    timestamp.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// The time of a file or archive record; where the record names no zone, so does the text.
pub(super) fn own_time(times: Times) -> String {
    if let Some(seconds) = times.utc() {
        return time(seconds);
    }
    match times.seconds().and_then(rfc3339) {
        Some(text) => format!("{} (no zone recorded)", text.trim_end_matches('Z')),
        None => String::new(),
    }
}

/// Text cut to what a summary can show.
pub(super) fn clipped(text: &str) -> String {
    match text.char_indices().nth(CLIP) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The offset and line of a finding; empty when it has neither.
pub(super) fn place(finding: &Finding) -> String {
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
pub(super) fn load(verdict: LoadVerdict) -> &'static str {
    match verdict {
        LoadVerdict::Runs => "Python runs these files as they are.",
        LoadVerdict::RunsOptimised => "Run only when Python is started with -O or -OO.",
        LoadVerdict::Stale => "Out of date: Python would compile the source again.",
        LoadVerdict::Dead => "Python never looks at them where they lie.",
        LoadVerdict::Rejected => "Python would try them and fail, or pass them over.",
        LoadVerdict::Unknown => "Made for an interpreter whose rules are not known.",
    }
}

/// What the comparison of a header with its source means.
pub(super) fn header(outcome: HeaderMatch) -> &'static str {
    match outcome {
        HeaderMatch::Fresh => "What the header records is what the source is.",
        HeaderMatch::MtimeMismatch => "The source has another modification time.",
        HeaderMatch::SizeMismatch => "The source has another size.",
        HeaderMatch::Stale => "The source has another time and another size.",
        HeaderMatch::HashMismatch => "The source has another hash: it is not the text recorded.",
        HeaderMatch::NewlineVariant => "Fits the source with its line ends written otherwise.",
        HeaderMatch::NoSource => "There is no source to compare with.",
        HeaderMatch::Unknown => "Not compared.",
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
        "instrumented" => "A test or typing hook changed the code on purpose.",
        "version" => "The code of this interpreter is not compared.",
        "source" => "The source is none that this interpreter could have compiled.",
        "unsupported" => "The source has something that is not compared yet.",
        "work" => "The limit of work was reached.",
        "body" => "The bytecode could not be read whole.",
        _ => "",
    }
}

/// How a source was found.
pub(super) fn found(found: Found) -> &'static str {
    match found {
        Found::Beside => "where Python looks for it",
        Found::PrefixTree => "by the mirrored path of a cache folder",
        Found::Sources => "among --sources",
    }
}

/// What became of a file.
pub(super) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Bytecode => "scanned",
        Fate::Archive => "opened; its members are counted for themselves",
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
    fn a_command_line_can_be_typed_again() {
        let words = ["pycaudit", "scan", "a b", "it's", "", "--html", "r.html"].map(str::to_owned);
        assert_eq!(command(&words), r"pycaudit scan 'a b' 'it'\''s' '' --html r.html");
    }
}
