//! PYC215.

use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A source beside a pyc that does not say to a reader what it says to Python: marks that turn the direction of text and are
    /// still open at the end of their line, so that what follows is shown in another order than it runs; line ends that are a CR alone,
    /// which many viewers do not show, so that a comment seems to go on over the code behind it; NUL bytes; and a declared encoding in
    /// which harmless characters spell others (`utf-7`, `rot13`, `unicode_escape`, `punycode` and the like).
    ///
    /// ## Why it matters
    /// The code check proves that bytecode is what the source says to Python. Whoever reads the source should see the same.
    ///
    /// ## Innocent causes
    /// Sources of classic Mac OS have CR alone on every line; they are left out. Tests of tokenisers and of encodings.
    ///
    /// ## Severity
    /// Medium.
    ///
    /// ## What to do
    /// Look at the line in a hex dump.
    ///
    /// ## References
    /// CVE-2021-42574 (Trojan Source); UAX #9; PEP 263.
    id: "PYC215",
    name: "deceptive-source",
    summary: "the source does not show a reader what it says to Python",
    severity: Medium,
    check: Pyc(check),
}

/// Encodings in which letters and digits stand for other characters.
const DECEPTIVE: [&str; 12] = [
    "utf_7",
    "utf7",
    "u7",
    "unicode_1_1_utf_7",
    "rot13",
    "rot_13",
    "unicode_escape",
    "raw_unicode_escape",
    "unicode_internal",
    "punycode",
    "idna",
    "hz",
];

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(text) = (context.source_text)() else { return };
    let Some((line, what)) = oddity(text) else { return };
    let file =
        context.source.file().map(|file| name::shown(name::split_last(file.locator.path()).1)).unwrap_or_default();
    let finding = findings.add(format!("line {line} of `{file}`, the source of `{}`, has {what}", context.module));
    finding.compared("a source that reads as it runs", what);
    finding.line = u32::try_from(line).ok();
}

/// With what all of the marks begin in UTF-8.
const MARKS: u8 = 0xe2;

/// The first thing that deceives: its line, and what it is.
fn oddity(text: &[u8]) -> Option<(usize, String)> {
    let is_mac = memchr::memchr(b'\n', text).is_none();
    // Beyond the two lines that declare an encoding nothing deceives without one of these bytes.
    let is_plain = memchr::memchr3(0, b'\r', MARKS, text).is_none();
    for (line, number) in text.split(|&byte| byte == b'\n').zip(1_usize..) {
        if number <= 2
            && let Some(name) = declared(line).filter(|name| DECEPTIVE.contains(&name.as_str()))
        {
            return Some((number, format!("the encoding `{name}`")));
        }
        if is_plain && number > 2 {
            return None;
        }
        let before_end = line.strip_suffix(b"\r").unwrap_or(line);
        if memchr::memchr(0, line).is_some() {
            return Some((number, "a NUL byte".to_owned()));
        }
        if !is_mac && memchr::memchr(b'\r', before_end).is_some_and(|at| hides(before_end, at)) {
            return Some((number, "code behind a CR that is no line end to many viewers".to_owned()));
        }
        if memchr::memchr(MARKS, line).is_some() {
            let open = still_open(&String::from_utf8_lossy(line));
            if let Some(mark) = open {
                return Some((number, format!("the mark U+{:04X}, which is open at its end", u32::from(mark))));
            }
        }
    }
    None
}

/// Whether a CR ends a comment: what follows looks like a part of it.
fn hides(line: &[u8], at: usize) -> bool {
    let (before, after) = line.split_at_checked(at).unwrap_or((line, &[]));
    let code = after.iter().skip(1).copied().find(|byte| !byte.is_ascii_whitespace());
    memchr::memchr(b'#', before).is_some() && code.is_some_and(|byte| byte != b'#')
}

/// The first mark that turns the direction of text and is not closed in its line.
fn still_open(line: &str) -> Option<char> {
    let mut open: Vec<char> = Vec::new();
    for character in line.chars() {
        match character {
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2066}'..='\u{2068}' => open.push(character),
            '\u{202c}' if open.last().is_some_and(|&last| last < '\u{2066}') => {
                open.pop();
            }
            '\u{2069}' => {
                // It closes the embeddings inside its isolate too.
                if let Some(at) = open.iter().rposition(|&mark| mark >= '\u{2066}') {
                    open.truncate(at);
                }
            }
            _ => {}
        }
    }
    open.first().copied()
}

/// The encoding that a line declares, as PEP 263 has it, in lower case with `_` for `-`.
fn declared(line: &[u8]) -> Option<String> {
    let line = str::from_utf8(line).ok()?;
    let (_, comment) =
        line.split_once('#').filter(|(before, _)| before.bytes().all(|byte| b" \t\x0c".contains(&byte)))?;
    let after = comment.split_once("coding").map(|(_, after)| after)?;
    let name = after.strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
    let name: String = name.chars().take_while(|it| it.is_ascii_alphanumeric() || "-_.".contains(*it)).collect();
    Some(name.to_ascii_lowercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(source: &[u8]) -> Case {
        let pyc = Pyc::python("3.12").flags(1).hash([0; 8]).build();
        Case::tree().file("m.py", source, 1).file("__pycache__/m.cpython-312.pyc", pyc, 1)
    }

    #[test]
    fn flags_text_that_is_shown_in_another_order() {
        let finding = case("x = 1\nif access != 'user\u{202e} \u{2066}# admin':\n    pass\n".as_bytes()).flags(&RULE);
        assert_eq!(
            finding.message,
            "line 2 of `m.py`, the source of `m`, has the mark U+202E, which is open at its end"
        );
        assert_eq!(finding.line, Some(2));
    }

    #[test]
    fn flags_code_that_seems_to_be_a_comment() {
        case(b"x = 1\n# harmless\rimport os\ny = 2\n").flags(&RULE);
        case(b"x = 1 # \0\n").flags(&RULE);
        case(b"# -*- coding: utf-7 -*-\nx = 1\n").flags(&RULE);
        case(b"#!/usr/bin/python\n# vim: set fileencoding=Unicode-Escape :\n").flags(&RULE);
    }

    #[test]
    fn passes_marks_that_are_closed_and_ordinary_line_ends() {
        case("name = '\u{2067}\u{5d0}\u{5d1}\u{2069}'\nmark = '\u{200f}'\n".as_bytes()).passes(&RULE);
        case(b"# a comment\r\nx = 1\r\n").passes(&RULE);
        case(b"# all of it\rx = 1\r").passes(&RULE);
        case(b"# coding: latin-1\nx = 1\n").passes(&RULE);
        case("quote = '\u{2026}\u{2019}'\n".as_bytes()).passes(&RULE);
    }
}
