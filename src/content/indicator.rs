//! Strings that point to what malware often does: commands that hand over a shell, places where keys and passwords lie, services
//! that stolen data is sent to.
//!
//! A string says nothing of what is done with it.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::pyc::Tree;
use crate::secret;

/// What a string points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndicatorKind {
    /// A command that hands a shell to another machine, or runs what it downloads.
    Shell,
    /// Where keys, passwords or wallets lie.
    Credentials,
    /// A service that messages or files can be sent to without an account of one's own machine.
    Drop,
    /// An address in the Tor network.
    Onion,
}

impl IndicatorKind {
    /// What it is, with an article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shell => "a command that hands over a shell or runs what it downloads",
            Self::Credentials => "the place of stored keys or passwords",
            Self::Drop => "the address of a service that data can be sent to",
            Self::Onion => "an address in the Tor network",
        }
    }
}

/// The texts that are searched for, each with what it points to. Webhooks are secrets: PYC605.
pub(super) const TEXTS: &[(&str, IndicatorKind)] = &[
    ("/dev/tcp/", IndicatorKind::Shell),
    ("-EncodedCommand ", IndicatorKind::Shell),
    (").DownloadString(", IndicatorKind::Shell),
    ("mkfifo /tmp/", IndicatorKind::Shell),
    ("/.ssh/id_", IndicatorKind::Credentials),
    ("/.aws/credentials", IndicatorKind::Credentials),
    ("wallet.dat", IndicatorKind::Credentials),
    ("\\Login Data", IndicatorKind::Credentials),
    ("pastebin.com/raw/", IndicatorKind::Drop),
    (".ngrok.io", IndicatorKind::Drop),
    ("webhook.site/", IndicatorKind::Drop),
    (".onion", IndicatorKind::Onion),
];

/// All of them at once.
static ALL: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(TEXTS.iter().map(|(text, _)| *text)).expect("the texts are few and short"));

/// Whether any of the texts is in these bytes.
pub(super) fn may_hold(bytes: &[u8]) -> bool {
    ALL.is_match(bytes)
}

/// A string that points to something.
#[derive(Clone, Copy, Debug)]
pub struct Indicator<'a> {
    /// To what.
    pub kind: IndicatorKind,
    /// The text around it that belongs together: no white space, at most a line.
    pub text: &'a [u8],
    /// Where it is in the file.
    pub offset: u64,
    /// Lines of the string that it stands in.
    pub lines: usize,
}

/// Indicators of one file.
const MOST: usize = 16;

/// Bytes before and behind that are shown.
const AROUND: usize = 60;

/// The indicators in the strings of a file.
pub(super) fn indicators<'a>(tree: &Tree<'a>) -> Vec<Indicator<'a>> {
    let mut found = Vec::new();
    for (start, string) in tree.strings() {
        for hit in ALL.find_iter(string) {
            let Some(&(_, kind)) = TEXTS.get(hit.pattern().as_usize()) else { continue };
            let is_part = |byte: &u8| !byte.is_ascii_control() && (kind == IndicatorKind::Shell || *byte != b' ');
            let before = string.get(..hit.start()).unwrap_or_default();
            let behind = string.get(hit.end()..).unwrap_or_default();
            let left = before.iter().rev().take(AROUND).take_while(|byte| is_part(byte)).count();
            let right = behind.iter().take(AROUND).take_while(|byte| is_part(byte)).count();
            let text = string.get(hit.start() - left..hit.end() + right).unwrap_or_default();
            let is_public = behind.windows(4).take(AROUND).any(|part| part == b".pub") && text.ends_with(b".pub");
            if is_public || kind == IndicatorKind::Onion && !is_onion(before, behind) {
                continue;
            }
            let (mut from, mut to) = (hit.start() - left, hit.end() + right);
            // A secret that is cut is one that nobody knows any more when secrets are masked.
            for secret in secret::find(string) {
                let end = secret.offset + secret.text.len();
                if secret.offset < to && from < end {
                    (from, to) = (from.min(secret.offset), to.max(end));
                }
            }
            let text = string.get(from..to).unwrap_or_default();
            let lines = memchr::memchr_iter(b'\n', string).count() + 1;
            found.push(Indicator { kind, text, offset: start.saturating_add(hit.start() as u64), lines });
            if found.len() >= MOST {
                return found;
            }
        }
    }
    found
}

/// Whether a host name of the Tor network ends here: 56 characters of base32 (version 3), or 16 (version 2).
fn is_onion(before: &[u8], behind: &[u8]) -> bool {
    let letters = before.iter().rev().take_while(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')).count();
    matches!(letters, 16 | 56) && behind.first().is_none_or(|byte| !byte.is_ascii_alphanumeric())
}
