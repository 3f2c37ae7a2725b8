//! Names that nobody would choose: rows of characters that look alike, and letters of another script in a Latin word.

use std::collections::BTreeSet;

use crate::pyc::Text;
use crate::pyc::Tree;

/// From how many names on a module is called obfuscated.
pub(super) const LEAST: u32 = 8;

/// Sets of characters that look alike, by byte: `lIi1`, `Oo0`, and the underscore that may stand among them.
const SETS: [u8; 256] = {
    let mut sets = [0; 256];
    sets[b'l' as usize] = 1;
    sets[b'I' as usize] = 1;
    sets[b'i' as usize] = 1;
    sets[b'1' as usize] = 1;
    sets[b'O' as usize] = 2;
    sets[b'o' as usize] = 2;
    sets[b'0' as usize] = 2;
    sets[b'_' as usize] = 7;
    sets
};

/// What the first three bytes of a name tell, each by its own: without a bit that all have, [`is_alike`] is false for ASCII.
pub(super) fn screen(byte: u8) -> [u8; 3] {
    let set = SETS[usize::from(byte)];
    b"_0x".map(|of_number| set | u8::from(byte == of_number) << 3)
}

/// Whether a name is made of characters that look alike (`lIl1I`, `O0O0O`, `_____`), is a number that a tool gave (`_0x3fa2`),
/// or has letters of another script.
#[inline]
pub(super) fn is_alike(name: &[u8], may_be_other: bool) -> bool {
    let [first, second, third, ..] = name else { return false };
    let set = SETS[usize::from(*first)] & SETS[usize::from(*second)] & SETS[usize::from(*third)];
    if set == 0 {
        return *second == b'0' && is_number(name) || may_be_other && is_homoglyph(name);
    }
    let set = name.iter().fold(set, |set, &byte| set & SETS[usize::from(byte)]);
    // Words such as `ill` are shorter, and a name of one letter alone is no word either.
    set & 4 != 0 || set != 0 && name.len() >= 5 && name.iter().any(|byte| byte != first && *byte != b'_')
}

fn is_number(name: &[u8]) -> bool {
    name.strip_prefix(b"_0x").is_some_and(|digits| digits.len() >= 3 && digits.iter().all(u8::is_ascii_hexdigit))
}

/// The letters of other scripts that UTS 39 lists as confusable with one of a to z.
const HOMOGLYPHS: &str =
    "\u{430}\u{435}\u{43e}\u{440}\u{441}\u{443}\u{445}\u{456}\u{455}\u{458}\u{4bb}\u{501}\u{51b}\u{51d}\u{3bf}";

/// Whether a name has a letter that only looks like the Latin one, among Latin letters.
pub(super) fn is_homoglyph(name: &[u8]) -> bool {
    if name.is_ascii() || !name.iter().any(u8::is_ascii_alphabetic) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(name) else { return false };
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || HOMOGLYPHS.contains(letter))
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
            if is_alike(bytes, true) {
                alike += 1;
                first.get_or_insert_with(|| name.to_name().to_string());
            }
        }
    }
    Some(Alike { alike, all: all.len(), first: first? })
}
