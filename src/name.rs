//! Names that may not be text, and the ways to show them.
//!
//! File and member names are bytes chosen by whoever made them. They are kept as they are; what is shown is escaped, so that
//! a name can neither move a terminal's cursor nor reorder a line nor hide a part of itself.

use std::fmt;

use sha2::Digest as _;
use sha2::Sha256;

/// A file or member name: bytes, `/` between its parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The name with these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into_boxed_slice())
    }

    /// The bytes as they are.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name as text, if it is valid UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The part after the last `/`.
    pub fn last(&self) -> &[u8] {
        split_last(&self.0).1
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// The folder and the last part of a path; the folder is empty when there is none.
pub fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => {
            let (folder, rest) = path.split_at(slash);
            (folder, rest.get(1..).unwrap_or_default())
        }
        None => (&[], path),
    }
}

/// A folder and a name in it, joined by `/`.
pub fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len().saturating_add(name.len()).saturating_add(1));
    path.extend_from_slice(folder);
    if !folder.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// Bytes of a name that are shown. File systems allow 255 for each part; a zip allows 65,535, and a report of such names is one
/// that nobody can read.
const MOST_SHOWN: usize = 1024;

/// The name as text that is safe to show: see [`show`].
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().min(MOST_SHOWN));
    // Writing to a `String` cannot fail.
    let _ = show(bytes, &mut text);
    text
}

/// Writes a name escaped, and a very long one cut, with its length and digest in place of the rest.
pub fn show(bytes: &[u8], out: &mut dyn fmt::Write) -> fmt::Result {
    let Some((shown, _)) = bytes.split_at_checked(MOST_SHOWN).filter(|(_, rest)| !rest.is_empty()) else {
        return escape(bytes, out);
    };
    escape(shown, out)?;
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    write!(out, "...[{} bytes, SHA-256 {}]", bytes.len(), hex(&digest))
}

/// Writes bytes as text that is safe to show.
///
/// Printable text stays; a backslash is doubled; controls, bidirectional marks, zero-width and other invisible characters
/// become `\u{..}`, and bytes that are not UTF-8 become `\x..`, so that different names never look equal.
pub fn escape(bytes: &[u8], out: &mut dyn fmt::Write) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        // Nearly all names have none, and to count is quicker than to look for the first.
        let is_special = |byte: &u8| !matches!(byte, b' '..=b'[' | b']'..=b'~');
        if text.bytes().filter(is_special).count() == 0 {
            out.write_str(text)?;
        } else {
            escape_text(text, out)?;
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

fn escape_text(text: &str, out: &mut dyn fmt::Write) -> fmt::Result {
    let mut plain = 0;
    for (at, character) in text.char_indices() {
        if !is_deceptive(character) && character != '\\' {
            continue;
        }
        out.write_str(text.get(plain..at).unwrap_or_default())?;
        plain = at.saturating_add(character.len_utf8());
        if character == '\\' {
            out.write_str("\\\\")?;
        } else {
            write!(out, "\\u{{{:x}}}", u32::from(character))?;
        }
    }
    out.write_str(text.get(plain..).unwrap_or_default())
}

/// Whether a character is invisible, moves the cursor or reorders what is around it.
///
/// Controls, and the default-ignorable and bidirectional characters of Unicode 16 (UAX 9, DerivedCoreProperties.txt), line
/// and paragraph separators, every space but the ordinary one, and the private-use and non-character code points.
pub fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{1680}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
        | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fff8}' | '\u{fffe}' | '\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// A message made safe to show, whole.
pub fn shown_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // Writing to a `String` cannot fail.
    let _ = escape(text.as_bytes(), &mut shown);
    shown
}

/// Bytes in hexadecimal, as reports show hashes and raw fields.
pub fn hex(bytes: &[u8]) -> String {
    // Four digests of each file go through here.
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_an_escape_sequence_is_shown_as_text() {
        assert_eq!(shown(b"a\x1b[31m\n"), "a\\u{1b}[31m\\u{a}");
    }

    #[test]
    fn a_name_that_reverses_its_extension_is_shown_in_order() {
        assert_eq!(shown("a\u{202e}cyp.py".as_bytes()), "a\\u{202e}cyp.py");
    }

    #[test]
    fn a_backslash_and_an_undecodable_byte_stay_apart() {
        assert_eq!(shown(b"\xff"), "\\xff");
        assert_eq!(shown(b"\\xff"), "\\\\xff");
    }

    #[test]
    fn a_name_of_65535_bytes_is_cut_and_stays_unlike_others() {
        let long = |last| shown(&[vec![b'a'; 65_534], vec![last]].concat());
        assert!(long(b'a').len() < 1200);
        assert_ne!(long(b'a'), long(b'b'));
    }

    #[test]
    fn a_path_is_split_at_its_last_slash() {
        assert_eq!(split_last(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split_last(b"c"), (&b""[..], &b"c"[..]));
        assert_eq!(join(b"", b"c"), b"c");
    }
}
