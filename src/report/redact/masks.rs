//! Masks names in the texts of records.

use aho_corasick::AhoCorasick;
use aho_corasick::MatchKind;

use crate::name;
use crate::report::record::Item;
use crate::report::record::RawName;
use crate::report::record::Rewrite;
use crate::secret;

use super::Kind;
use super::Learned;
use super::Names;
use super::learn;

/// From this length on a name is masked inside longer words too: `alexander` in `alexanderslaptop`.
const LONG: usize = 6;

/// Masks every name that was learned.
pub struct Masks {
    names: Names,
    search: Option<AhoCorasick>,
    /// The pseudonym of each pattern of the search, and whether it may stand inside a word.
    pseudonyms: Vec<(String, bool)>,
}

impl Masks {
    pub(super) fn new(names: Names) -> Self {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut pseudonyms = Vec::new();
        for (raw, learned) in names.learned.iter().filter(|(_, learned)| learned.anywhere) {
            let word = (pseudonym(learned), raw.len() >= LONG);
            let shown = name::shown(raw).into_bytes();
            if shown != *raw {
                patterns.push(shown);
                pseudonyms.push(word.clone());
            }
            patterns.push(raw.clone());
            pseudonyms.push(word);
        }
        let search = (!patterns.is_empty())
            .then(|| {
                AhoCorasick::builder()
                    .ascii_case_insensitive(true)
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(&patterns)
                    .ok()
            })
            .flatten();
        Self { names, search, pseudonyms }
    }

    /// Masks an item.
    pub fn item(&mut self, item: &mut Item) {
        item.rewrite(self);
        if let Item::Pyc(item) = item {
            // The first bytes of what is no pyc may be any text.
            if item.pyc.magic.is_none() || item.pyc.python == "unknown" {
                item.pyc.head.truncate(8);
            }
        }
    }

    fn masked(&mut self, text: &[u8], is_path: bool) -> Option<Vec<u8>> {
        let secrets = secret::masked(text);
        let text = secrets.as_deref().unwrap_or(text);
        // The longest name first: what a place shows may be a part of it.
        let names = self.by_name(text);
        let text = names.as_deref().unwrap_or(text);
        self.by_place(text, is_path).or(names).or(secrets)
    }

    /// Names where their place says what they are.
    fn by_place(&mut self, text: &[u8], is_path: bool) -> Option<Vec<u8>> {
        let found = learn::find(text, is_path);
        if found.is_empty() {
            return None;
        }
        let mut masked = Vec::with_capacity(text.len());
        let mut done = 0;
        for learn::Found { at, kind, .. } in found {
            let word = text.get(at.clone()).unwrap_or_default();
            if is_pseudonym(word) {
                continue;
            }
            masked.extend_from_slice(text.get(done..at.start).unwrap_or_default());
            masked.extend_from_slice(self.pseudonym_of(kind, word).as_bytes());
            done = at.end;
        }
        masked.extend_from_slice(text.get(done..).unwrap_or_default());
        Some(masked)
    }

    fn pseudonym_of(&mut self, kind: Kind, word: &[u8]) -> String {
        // Part of a text may be the shown form of what another part has raw.
        self.names.learn(kind, word, false);
        let key = word.trim_ascii().to_ascii_lowercase();
        match self.names.learned.get(&key) {
            Some(learned) => pseudonym(learned),
            None => "masked".to_owned(),
        }
    }

    /// Names wherever they stand.
    fn by_name(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut masked: Option<Vec<u8>> = None;
        let mut done = 0;
        for found in self.search.as_ref()?.find_iter(text) {
            let Some((pseudonym, anywhere)) = self.pseudonyms.get(found.pattern().as_usize()) else { continue };
            if !anywhere && !is_word(text, found.start(), found.end()) {
                continue;
            }
            let masked = masked.get_or_insert_default();
            masked.extend_from_slice(text.get(done..found.start()).unwrap_or_default());
            masked.extend_from_slice(pseudonym.as_bytes());
            done = found.end();
        }
        let mut masked = masked?;
        masked.extend_from_slice(text.get(done..).unwrap_or_default());
        Some(masked)
    }
}

/// Whether a name was masked already.
fn is_pseudonym(word: &[u8]) -> bool {
    let number = word.strip_prefix(b"user-").or(word.strip_prefix(b"host-"));
    number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

fn pseudonym(learned: &Learned) -> String {
    match learned.kind {
        Kind::User => format!("user-{}", learned.number),
        Kind::Host => format!("host-{}", learned.number),
    }
}

/// Whether a match is a word, or a part of one that an underscore, a digit or a capital sets apart.
fn is_word(text: &[u8], start: usize, end: usize) -> bool {
    let letter = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().filter(u8::is_ascii_alphabetic);
    let (before, after) = (letter(start.checked_sub(1)), letter(Some(end)));
    let (first, last) = (letter(Some(start)), letter(end.checked_sub(1)));
    let is_upper = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_uppercase());
    let starts = before.is_none() || (is_upper(first) && !is_upper(before));
    let ends = after.is_none() || (is_upper(after) && !is_upper(last));
    starts && ends
}

impl Rewrite for Masks {
    fn text(&mut self, text: &mut String) {
        if let Some(masked) = self.masked(text.as_bytes(), false) {
            *text = String::from_utf8_lossy(&masked).into_owned();
        }
    }

    fn path(&mut self, text: &mut String) {
        if let Some(masked) = self.masked(text.as_bytes(), true) {
            *text = String::from_utf8_lossy(&masked).into_owned();
        }
    }

    fn name(&mut self, name: &mut RawName) {
        if let Some(masked) = self.masked(name.as_bytes(), true) {
            *name = RawName::new(masked);
        }
    }

    fn word(&mut self, _: &mut String) {}
}
