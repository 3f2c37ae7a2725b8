//! Names that nobody would choose: rows of characters that look alike, and letters of another script in a Latin word.

use std::collections::BTreeSet;

use crate::pyc::Text;
use crate::pyc::Tree;

/// From how many names on a module is called obfuscated.
pub(super) const LEAST: u32 = 8;

/// Whether a name is made of characters that look alike (`lIl1I`, `O0O0O`, `_____`), or is a number that a tool gave (`_0x3fa2`).
pub(super) fn is_alike(name: &[u8]) -> bool {
    let Some(first) = name.first() else { return false };
    if !matches!(first, b'l' | b'I' | b'i' | b'O' | b'o' | b'_' | b'0' | b'1') || name.len() < 3 {
        return first.is_ascii() && false || is_homoglyph(name);
    }
    if let Some(digits) = name.strip_prefix(b"_0x") {
        return digits.len() >= 3 && digits.iter().all(u8::is_ascii_hexdigit);
    }
    let is_of = |set: &[u8]| name.iter().all(|byte| set.contains(byte));
    let distinct = |set: &[u8]| set.iter().filter(|byte| name.contains(byte)).count();
    is_of(b"_") || name.len() >= 5 && (is_of(b"lIi1_") && distinct(b"lIi1") >= 2 || is_of(b"Oo0_") && distinct(b"Oo0") >= 2)
}

/// Whether a name has a letter that only looks like the Latin one, among Latin letters.
pub(super) fn is_homoglyph(name: &[u8]) -> bool {
    if name.is_ascii() || !name.iter().any(u8::is_ascii_alphabetic) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(name) else { return false };
    // The letters of other scripts that UTS 39 lists as confusable with one of a to z.
    const ALIKE: &str = "\u{430}\u{435}\u{43e}\u{440}\u{441}\u{443}\u{445}\u{456}\u{455}\u{458}\u{4bb}\u{501}\u{51b}\u{51d}\u{3bf}";
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || ALIKE.contains(letter))
}

/// The names of a module that look alike.
#[derive(Clone, Debug)]
pub struct Alike {
    /// How many there are.
    pub alike: usize,
    /// How many names the module has.
    pub all: usize,
    /// The first of them, escaped.
    pub first: String,
}

/// Counts the names of variables, attributes and functions that look alike.
pub(super) fn count(tree: &Tree<'_>) -> Option<Alike> {
    let (mut all, mut alike, mut first) = (BTreeSet::new(), 0, None);
    for code in tree.codes() {
        let rows = [code.names(), code.varnames(), code.localsplusnames(), code.cellvars(), code.freevars()];
        let names = rows.iter().flat_map(|row| row.iter()).filter_map(crate::pyc::Value::as_name);
        for name in names.chain(code.name()) {
            let Text { bytes, .. } = name;
            if bytes.starts_with(b".") || bytes.starts_with(b"<") || !all.insert(bytes) {
                continue;
            }
            if is_alike(bytes) {
                alike += 1;
                first.get_or_insert_with(|| name.to_name().to_string());
            }
        }
    }
    Some(Alike { alike, all: all.len(), first: first? })
}
