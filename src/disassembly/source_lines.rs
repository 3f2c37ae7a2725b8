//! The lines of a source, safe to show.
//!
//! Python's own line ends are taken, whatever the encoding: a coding cookie is not followed, and bytes that are not UTF-8 are escaped.

use std::fmt::Write as _;

use crate::name;

/// Bytes of a line that are shown.
const LONGEST_LINE: usize = 400;

/// The lines of a source.
#[derive(Debug)]
pub struct SourceLines<'s> {
    lines: Vec<&'s [u8]>,
}

impl<'s> SourceLines<'s> {
    /// The lines of a source's bytes.
    pub fn new(source: &'s [u8]) -> Self {
        let mut lines = Vec::new();
        let mut rest = source;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            lines.push(line);
            rest = match after {
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        lines.push(rest);
        Self { lines }
    }

    /// A line, the first of which is 1; `None` where there is none.
    pub fn shown(&self, line: i32) -> Option<String> {
        let line = self.lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let (first, rest) = line.split_at_checked(LONGEST_LINE).unwrap_or((line, &[]));
        let mut text = String::with_capacity(first.len());
        for chunk in first.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character == '\t' || !name::is_deceptive(character) {
                    text.push(character);
                } else {
                    // Writing to a `String` cannot fail.
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(character));
                }
            }
            for byte in chunk.invalid() {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        if !rest.is_empty() {
            let _ = write!(text, "...[line of {} bytes]", line.len());
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_python_ends_them() {
        let lines = SourceLines::new(b"a\r\nb\rc\n\nd");
        let shown: Vec<_> = (0..=6).map(|line| lines.shown(line)).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(shown, [None, some("a"), some("b"), some("c"), some(""), some("d"), None]);
    }

    #[test]
    fn a_line_that_reverses_itself_is_shown_in_order_and_a_long_one_cut() {
        let long = "x".repeat(1000);
        let source = format!("\tif a != '\\n':\u{202e}\n{long}");
        let lines = SourceLines::new(source.as_bytes());
        assert_eq!(lines.shown(1).unwrap(), "\tif a != '\\n':\\u{202e}");
        assert!(lines.shown(2).unwrap().ends_with("xxx...[line of 1000 bytes]"));
        assert_eq!(SourceLines::new(b"caf\xe9").shown(1).unwrap(), "caf\\xe9");
    }
}
