//! Strings and sources with the secrets in them masked.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;

use sha2::Digest as _;
use sha2::Sha256;

use super::Secret;
use super::find;
use super::may_hold;

/// A string with every secret in it masked; `None` where there is none.
pub fn masked(string: &[u8]) -> Option<Vec<u8>> {
    // What finds them where they are takes a millisecond to make, and most runs never need it.
    if may_hold(string) { replaced(string, Secret::masked) } else { None }
}

/// The same with the beginning of the SHA-256 of every secret, so that different ones stay different.
pub fn masked_apart(string: &[u8]) -> Option<Vec<u8>> {
    replaced(string, |secret| {
        let mut text = secret.masked();
        text.truncate(text.len().saturating_sub(1));
        text.push_str(", SHA-256 ");
        for byte in Sha256::digest(secret.text).iter().take(8) {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push_str("...)");
        text
    })
}

fn replaced<'a>(string: &'a [u8], show: impl Fn(&Secret<'a>) -> String) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut done = 0;
    for secret in find(string) {
        text.extend_from_slice(string.get(done..secret.offset).unwrap_or_default());
        text.extend_from_slice(show(&secret).as_bytes());
        done = secret.offset.saturating_add(secret.text.len());
    }
    (done > 0).then(|| {
        text.extend_from_slice(string.get(done..).unwrap_or_default());
        text
    })
}

/// Bytes of a secret by which a part of it is recognised.
const PART: usize = 12;

/// Parts that are looked for: those of sixty keys of 16 KB.
const MOST_PARTS: usize = 1 << 20;

/// A source with the secrets in it masked, its lines kept. Of the secrets that its bytecode holds also every part of twelve
/// characters or more: the compiler joins literals that a source has on several lines.
pub fn masked_source<'a>(source: &[u8], known: impl Iterator<Item = Secret<'a>>) -> Vec<u8> {
    let parts: HashSet<&[u8]> = known.flat_map(|secret| secret.body().windows(PART)).take(MOST_PARTS).collect();
    let mut hidden: Vec<(Range<usize>, String)> = Vec::new();
    for secret in find(source) {
        let end = secret.offset.saturating_add(secret.text.len());
        hidden.push((secret.offset..end, secret.masked()));
    }
    if !parts.is_empty() {
        let mut from = 0_usize;
        while let Some(window) = source.get(from..from.saturating_add(PART)) {
            let start = from;
            from += 1;
            if parts.contains(window) {
                let rest = source.get(start..).unwrap_or_default();
                let more = rest.windows(PART).take_while(|window| parts.contains(window)).count();
                let length = more + PART - 1;
                from = start + length;
                hidden.push((start..from, format!("...({length} characters of a secret)")));
            }
        }
        // A part of a secret that was found whole is behind it, and left out below.
        hidden.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    }
    let mut text = Vec::with_capacity(source.len());
    let mut done = 0;
    for (range, shown) in hidden {
        let covered = range.start.max(done);
        if range.end <= covered {
            continue;
        }
        text.extend_from_slice(source.get(done..covered).unwrap_or_default());
        text.extend_from_slice(shown.as_bytes());
        let lines = source.get(covered..range.end).unwrap_or_default();
        text.extend(lines.iter().filter(|byte| matches!(byte, b'\n' | b'\r')));
        done = range.end;
    }
    text.extend_from_slice(source.get(done..).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // Put together here, so that no scanner finds them in this file. None was ever issued.
    fn token(last: char) -> String {
        format!("{}{last}", ["glpat", "-Zk3vW9qLx2TbNn7RyP4"].concat())
    }

    fn key() -> String {
        let line = "Zk3vW9qLx2TbNn7RyP4sHc8KdMw5GfXe1UaJt6BoViQzYnCmEpSlDrFgHuIjOk";
        format!("-----BEGIN {}KEY-----\n{line}\n{line}\n-----END PRIVATE KEY-----", "PRIVATE ")
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn shown(string: &str) -> String {
        masked(string.as_bytes()).map_or_else(|| string.to_owned(), |shown| text(&shown))
    }

    #[test]
    fn what_is_around_a_secret_stays() {
        let (one, other) = (token('s'), token('t'));
        assert_eq!(shown(&format!("a {one}, {other} b")), "a glpat-... (26 characters), glpat-... (26 characters) b");
        assert_eq!(masked(b"nothing"), None);
        assert_eq!(
            shown(&format!("x = {}\n", key())),
            "x = -----BEGIN PRIVATE KEY-----... (154 characters)-----END PRIVATE KEY-----\n"
        );
    }

    #[test]
    fn different_secrets_stay_different_on_request() {
        let [one, other] = ['s', 't'].map(|last| masked_apart(token(last).as_bytes()).unwrap());
        assert_ne!(one, other);
        assert!(text(&one).starts_with("glpat-... (26 characters, SHA-256 ") && one.len() == 54, "{}", text(&one));
    }

    #[test]
    fn a_source_keeps_its_lines() {
        let source = format!("a = '''{}'''\nb = '{}'\n", key(), token('s'));
        let shown = text(&masked_source(source.as_bytes(), std::iter::empty()));
        assert_eq!(shown.lines().count(), source.lines().count());
        assert_eq!(shown.lines().last(), Some("b = 'glpat-... (26 characters)'"));
        assert!(!shown.contains("Zk3v"), "{shown}");
    }

    #[test]
    fn a_secret_that_a_source_has_in_parts_is_masked_when_the_bytecode_has_it() {
        let token = token('s');
        let (first, second) = token.split_at(13);
        let source = format!("t = ('{first}'\n     '{second}')\n");
        let known = || find(token.as_bytes());
        assert_eq!(masked_source(source.as_bytes(), std::iter::empty()), source.as_bytes());
        let shown = text(&masked_source(source.as_bytes(), known()));
        assert_eq!(shown, format!("t = ('{first}'\n     '...(13 characters of a secret)')\n"));
        let whole = format!("t = '{token}'\n");
        assert_eq!(text(&masked_source(whole.as_bytes(), known())), "t = 'glpat-... (26 characters)'\n");
    }
}
