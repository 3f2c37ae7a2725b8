//! Secrets in strings: tokens by the formats that their issuers document, and private keys.
//!
//! Says what has the shape of a secret and whether a checksum in it fits; whether it is one that still opens something is not
//! known here, and nobody is asked.

mod formats;
mod masking;

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use aho_corasick::MatchKind;
use aho_corasick::packed::Searcher;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use memchr::memmem::Finder;

use formats::ALPHANUMERIC;
use formats::BASE64;
use formats::FORMATS;
use formats::URL;

pub use masking::masked;
pub use masking::masked_apart;
pub use masking::masked_source;

/// How the tokens of one kind look.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What it is, with an article.
    pub name: &'static str,
    /// How all of them begin.
    prefix: &'static str,
    /// What follows.
    shape: Shape,
    /// The checksum that they hold.
    check: Check,
    /// What they are used for.
    used: Use,
}

/// What follows a prefix.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// So many bytes of an alphabet, at least and at most, and then none.
    Run(fn(u8) -> bool, usize, usize),
    /// Two runs with a dot between.
    Pair(fn(u8) -> bool, usize, usize),
    /// The prefix stands inside: a run that begins with other text.
    Around(&'static str, fn(u8) -> bool, usize, usize),
    /// The rest of the first line, and lines of base64.
    PrivateKey,
    /// Three runs of base64url, the first of which is an object with `alg` in it.
    Jwt,
}

/// The checksum of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// There is none, or it is not documented.
    None,
    /// The last six characters are the CRC-32 of the rest behind the prefix, in base62, zeros in front.
    Crc32Base62,
}

/// What tokens of a format are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Whoever has one may do what its owner may.
    Secret,
    /// Many are meant to be seen, or do not last.
    OftenPublic,
}

/// Something that has the shape of a secret.
#[derive(Clone, Copy, Debug)]
pub struct Secret<'a> {
    /// What it is.
    pub format: &'static Format,
    /// Where it begins in the string.
    pub offset: usize,
    /// It.
    pub text: &'a [u8],
}

/// All prefixes at once: a file is searched in one pass.
static PREFIXES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(FORMATS.iter().map(|format| format.prefix))
        .expect("the prefixes are few and short")
});

/// The prefixes that are long enough to be searched with vector instructions, where the processor has them: with a shorter one
/// among them the search stops five times as often for nothing.
static VECTORS: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(long_prefixes()));

/// The others, each on its own.
static SHORT: LazyLock<Vec<Finder<'static>>> = LazyLock::new(|| {
    let prefixes = FORMATS.iter().map(|format| format.prefix);
    prefixes.filter(|prefix| prefix.len() < LONG).map(Finder::new).collect()
});

/// The length from which a prefix is a long one.
const LONG: usize = 4;

/// Whether there is any prefix in these bytes: without one there is no secret in them. Fast enough for every file.
pub fn may_hold(bytes: &[u8]) -> bool {
    match &*VECTORS {
        Some(vectors) => vectors.find(bytes).is_some() || may_hold_short(bytes),
        None => PREFIXES.is_match(bytes),
    }
}

/// The long prefixes, for whoever searches for other texts in the same pass; [`may_hold_short`] is the rest of [`may_hold`].
pub(crate) fn long_prefixes() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.prefix).filter(|prefix| prefix.len() >= LONG)
}

/// Whether there is any short prefix in these bytes.
pub(crate) fn may_hold_short(bytes: &[u8]) -> bool {
    SHORT.iter().any(|short| short.find(bytes).is_some())
}

/// The secrets of a string, each where it begins.
pub fn find(string: &[u8]) -> impl Iterator<Item = Secret<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let hit = PREFIXES.find(string.get(from..)?)?;
            let start = from + hit.start();
            from += hit.end();
            let format = FORMATS.get(hit.pattern().as_usize())?;
            if let Some(secret) = format.at(string, start) {
                from = from.max(secret.offset + secret.text.len());
                return Some(secret);
            }
        }
    })
}

impl Format {
    /// The secret of this format whose prefix is here.
    fn at<'a>(&'static self, string: &'a [u8], start: usize) -> Option<Secret<'a>> {
        let (before, rest) = string.split_at_checked(start)?;
        let body = rest.get(self.prefix.len()..)?;
        let (back, length) = match self.shape {
            Shape::Run(alphabet, least, most) => (0, self.prefix.len() + run(body, alphabet, least, most)?),
            Shape::Pair(alphabet, first, second) => {
                run(body, alphabet, first, first)?;
                let behind = body.get(first..)?.strip_prefix(b".")?;
                (0, self.prefix.len() + first + 1 + run(behind, alphabet, second, second)?)
            }
            Shape::Around(begin, alphabet, least, most) => {
                let back = before.iter().rev().take(most).take_while(|&&byte| alphabet(byte)).count();
                let whole = string.get(start - back..)?;
                if !whole.starts_with(begin.as_bytes()) {
                    return None;
                }
                (back, run(whole, alphabet, least, most)?)
            }
            Shape::PrivateKey => (0, private_key(rest)?),
            Shape::Jwt => (0, jwt(rest)?),
        };
        let offset = start - back;
        let (before, rest) = string.split_at_checked(offset)?;
        let (text, behind) = rest.split_at_checked(length)?;
        let is_border = |byte: Option<&u8>| byte.is_none_or(|&byte| !ALPHANUMERIC(byte) && byte != b'_');
        if !is_border(before.last()) || before.last() == Some(&b'-') || !is_border(behind.first()) {
            return None;
        }
        let secret = Secret { format: self, offset, text };
        (!secret.is_placeholder()).then_some(secret)
    }
}

/// The length of a run of an alphabet at the beginning, when it is one of these lengths.
fn run(bytes: &[u8], alphabet: fn(u8) -> bool, least: usize, most: usize) -> Option<usize> {
    let length = bytes.iter().take(most.saturating_add(1)).take_while(|&&byte| alphabet(byte)).count();
    (least..=most).contains(&length).then_some(length)
}

/// How much of a string belongs to the private key at its beginning: as much as is looked at of it.
fn private_key(string: &[u8]) -> Option<usize> {
    const LABELS: [&[u8]; 7] = [
        b"PRIVATE KEY-----",
        b"RSA PRIVATE KEY-----",
        b"EC PRIVATE KEY-----",
        b"DSA PRIVATE KEY-----",
        b"OPENSSH PRIVATE KEY-----",
        b"ENCRYPTED PRIVATE KEY-----",
        b"PGP PRIVATE KEY BLOCK-----",
    ];
    let label = string.strip_prefix(b"-----BEGIN ")?;
    let label = LABELS.into_iter().find(|known| label.starts_with(known))?.len() + b"-----BEGIN ".len();
    // The shortest private keys have 64 characters of base64 (Ed25519, RFC 8410); line ends may be written as escapes in JSON.
    let body = string.get(label..)?;
    let body = body.get(..body.len().min(LARGEST_KEY))?;
    // Its own end, or another's beginning: many beginnings do not each look at what is behind all the others.
    let end = memchr::memmem::find(body, b"-----").unwrap_or(body.len());
    let body = body.get(..end)?;
    let letters = body.iter().filter(|&&byte| BASE64(byte)).count();
    let dense = letters.saturating_mul(10) >= body.len().saturating_mul(8);
    (letters >= 64 && dense).then_some(label + end)
}

/// How much of a private key is looked at: an RSA key of 16,384 bits has some 12,000 characters.
const LARGEST_KEY: usize = 16 << 10;

/// The length of the JSON Web Token at the beginning.
fn jwt(string: &[u8]) -> Option<usize> {
    const LONGEST: usize = 4096;
    let header = run(string, URL, 16, LONGEST)?;
    let rest = string.get(header..)?.strip_prefix(b".")?;
    let claims = run(rest, URL, 16, LONGEST)?;
    let rest = rest.get(claims..)?.strip_prefix(b".")?;
    let signature = run(rest, URL, 20, LONGEST)?;
    let decoded = URL_SAFE_NO_PAD.decode(string.get(..header)?).ok()?;
    memchr::memmem::find(&decoded, b"\"alg\"")?;
    Some(header + claims + signature + 2)
}

/// Text, in small letters, that examples have in place of a secret. The last ones are those of jwt.io and of Azurite.
const PLACEHOLDERS: &[&[u8]] = &[
    b"example",
    b"xxxx",
    b"your",
    b"placeholder",
    b"redacted",
    b"changeme",
    b"dummy",
    b"foobar",
    b"0123456",
    b"1234567",
    b"abcdef0",
    b"abcdefg",
    b"deadbeef",
    b"eyjzdwiioiixmjm0nty3odkwi",
    b"eby8vdm02xnocqflquwjpllmetlcdxj1ouzft50usrz6ifsufq2uverc",
];

impl<'a> Secret<'a> {
    /// What tells one of its kind from another: all but the prefix.
    fn body(&self) -> &'a [u8] {
        match self.format.shape {
            Shape::Around(begin, ..) => self.text.get(begin.len()..),
            _ => self.text.get(self.format.prefix.len()..),
        }
        .unwrap_or_default()
    }

    /// Whether it is written as an example: with words that say so, one character many times, or little variety.
    fn is_placeholder(&self) -> bool {
        let body = self.body();
        let small = self.text.to_ascii_lowercase();
        let is_repeated = body.windows(10).any(|window| window.iter().all(|byte| Some(byte) == window.first()));
        is_repeated
            || variety(body) < LEAST_VARIETY
            || PLACEHOLDERS.iter().any(|word| memchr::memmem::find(&small, word).is_some())
    }

    /// Whether its checksum fits; `None` when its format has none that is known.
    pub fn checksum_fits(&self) -> Option<bool> {
        match self.format.check {
            Check::None => None,
            Check::Crc32Base62 => {
                let body = self.body();
                let (random, check) = body.split_at_checked(body.len().checked_sub(6)?)?;
                Some(base62(crc32fast::hash(random)).as_slice() == check)
            }
        }
    }

    /// Whether many of its kind are meant to be seen.
    pub fn is_often_public(&self) -> bool {
        self.format.used == Use::OftenPublic
    }

    /// A part of it that a source which holds it holds as well, in whatever way line ends are written there.
    pub fn line(&self) -> &[u8] {
        match self.format.shape {
            Shape::PrivateKey => {
                let lines = self.body().split(|byte| !BASE64(*byte));
                lines.max_by_key(|line| line.len()).unwrap_or_default()
            }
            _ => self.text,
        }
    }

    /// It, masked: how it begins and ends, and its length. Never the middle, and of short ones not the end.
    pub fn masked(&self) -> String {
        let length = self.text.len();
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if let Shape::PrivateKey = self.format.shape {
            let label = self.text.split(|byte| matches!(byte, b'\n' | b'\\' | b'\r')).next();
            let label = label.filter(|label| label.len() < 48 && label.ends_with(b"-----"));
            return format!("{}... ({length} characters)", shown(label.unwrap_or(b"-----BEGIN PRIVATE KEY-----")));
        }
        let body = self.body();
        let prefix = length - body.len();
        let (first, last) = if body.len() >= 24 { (4, 4) } else { (0, 0) };
        let start = self.text.get(..prefix + first).unwrap_or_default();
        let end = self.text.get(length - last..).unwrap_or_default();
        format!("{}...{} ({length} characters)", shown(start), shown(end))
    }
}

/// The least bits in a byte of a secret: 16 random characters of base32 have more than 3 in 999 of 1,000 cases.
const LEAST_VARIETY: f64 = 2.8;

/// Bits of information in a byte.
fn variety(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f64::from(count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// A number in six digits of base62: the digits, capitals, then small letters.
fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 6];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(number % 62).unwrap_or_default()];
        number /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What is found in a string, masked. The secrets of these tests are put together here, so that no scanner finds them in
    /// this file.
    fn masked(string: &str) -> Vec<String> {
        find(string.as_bytes()).map(|secret| secret.masked()).collect()
    }

    /// Text without a pattern, of an alphabet.
    fn noise(length: usize, alphabet: &[u8]) -> String {
        let mut state = 0x2545_f491_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            char::from(alphabet[usize::try_from(state).unwrap() % alphabet.len()])
        };
        (0..length).map(|_| next()).collect()
    }

    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz23456789";

    #[test]
    fn many_beginnings_of_private_keys_do_not_each_look_at_all_that_follows() {
        let begun = std::time::Instant::now();
        let beginnings = ["-----BEGIN PRIVATE ", "KEY-----"].concat().repeat(200_000);
        assert!(masked(&beginnings).is_empty());
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_token_is_found_whole_and_inside_other_text() {
        let token = format!("ghp_{}", noise(36, LETTERS));
        let expected = vec![format!("{}...{} (40 characters)", &token[..8], &token[36..])];
        assert_eq!(masked(&token), expected);
        assert_eq!(masked(&format!("https://x:{token}@github.com/a.git")), expected);
        assert_eq!(masked(&format!("a {token}, b")), expected);
        let two = masked(&format!("{token} {token}"));
        assert_eq!(two.len(), 2);
    }

    #[test]
    fn what_goes_on_is_no_token() {
        let token = format!("ghp_{}", noise(36, LETTERS));
        for text in
            [format!("{token}a"), format!("a{token}"), format!("{token}_"), token[..39].to_owned(), format!("_{token}")]
        {
            assert_eq!(masked(&text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn examples_are_no_secrets() {
        let texts = [
            ["AKIA", "IOSFODNN7EXAMPLE"].concat(),
            ["ghp_", &"x".repeat(36)].concat(),
            ["ghp_", &"a1".repeat(18)].concat(),
            ["sk_live_", "abcdefghijklmnopqrstuvwx"].concat(),
            ["glpat-", "your-token-goes-here1"].concat(),
            [
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4",
                ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
            ]
            .concat(),
        ];
        for text in texts {
            assert_eq!(masked(&text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_checksum_tells_a_token_from_its_like() {
        // The example of GitHub's own announcement, which is revoked.
        let known = ["ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
        let fits = |text: &str| find(text.as_bytes()).next().and_then(|secret| secret.checksum_fits());
        assert_eq!(fits(&known), Some(true));
        assert_eq!(fits(&known.replace("0mL", "0mM")), Some(false));
        assert_eq!(fits(&format!("AKIA{}", "QZ3WTPL5HXM2VKRB")), None);
    }

    #[test]
    fn each_format_is_found() {
        for format in FORMATS {
            let text = match format.shape {
                Shape::Run(alphabet, least, _) => {
                    let letters: Vec<u8> =
                        (b'!'..=b'~').filter(|&byte| alphabet(byte) && byte.is_ascii_alphanumeric()).collect();
                    format!("{}{}", format.prefix, noise(least, &letters))
                }
                Shape::Pair(_, first, second) => {
                    format!("{}{}.{}", format.prefix, noise(first, LETTERS), noise(second, LETTERS))
                }
                Shape::Around(begin, ..) => {
                    format!("{begin}{}{}{}", noise(20, LETTERS), format.prefix, noise(20, LETTERS))
                }
                Shape::PrivateKey => {
                    let lines = [noise(64, LETTERS), noise(64, LETTERS)].join("\n");
                    format!("{}RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----\n", format.prefix)
                }
                Shape::Jwt => format!(
                    "{}{}.{}.{}",
                    format.prefix,
                    &URL_SAFE_NO_PAD.encode("{\"xyz\":1,\"alg\":\"HS256\",\"typ\":\"JWT\"}")[8..],
                    noise(40, LETTERS),
                    noise(43, LETTERS)
                ),
            };
            let found: Vec<_> = find(text.as_bytes()).map(|secret| secret.format.name).collect();
            assert_eq!(found, [format.name], "{text}");
        }
    }

    #[test]
    fn a_private_key_is_one_only_with_a_key() {
        assert_eq!(masked("-----BEGIN RSA PRIVATE KEY-----"), Vec::<String>::new());
        assert_eq!(masked(&format!("-----BEGIN CERTIFICATE-----\n{}", noise(200, LETTERS))), Vec::<String>::new());
        let escaped = format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----", noise(128, LETTERS));
        assert_eq!(masked(&escaped), ["-----BEGIN PRIVATE KEY-----... (159 characters)"]);
    }

    #[test]
    fn prefixes_are_distinct_and_long_enough_to_be_rare() {
        let prefixes: BTreeSet<&str> = FORMATS.iter().map(|format| format.prefix).collect();
        assert_eq!(prefixes.len(), FORMATS.len());
        assert!(prefixes.iter().all(|prefix| prefix.len() >= 3));
        // Each short one costs a search of its own.
        assert!(prefixes.iter().filter(|prefix| prefix.len() < LONG).count() <= 2);
    }
}
