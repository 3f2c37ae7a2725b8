//! Where names stand: in the paths of home folders, in addresses, in the names of copies.

use std::ops::Range;

use crate::place::Place;
use crate::report::record::Item;
use crate::rules;

use super::Kind;
use super::Names;

/// A name at its place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) at: Range<usize>,
    pub(super) kind: Kind,
    /// Whether its place says for sure that it is one.
    pub(super) sure: bool,
}

/// Folders that have one for each person, wherever they stand in a path.
const HOMES: [&[u8]; 3] = [b"home", b"Users", b"Documents and Settings"];

/// Folders of a package that is called `home` or `Users` itself, as those of web sites are.
const NO_PERSONS: [&[u8]; 14] = [
    b"templates",
    b"static",
    b"migrations",
    b"tests",
    b"test",
    b"views",
    b"models",
    b"management",
    b"templatetags",
    b"api",
    b"admin",
    b"utils",
    b"linuxbrew",
    b"src",
];

/// Accounts of images and services, and words that say nothing of anybody: never masked away from their place.
const COMMON: [&[u8]; 55] = [
    b"runner",
    b"runneradmin",
    b"vsts",
    b"travis",
    b"circleci",
    b"appveyor",
    b"jenkins",
    b"build",
    b"builder",
    b"conda",
    b"vagrant",
    b"ubuntu",
    b"debian",
    b"centos",
    b"fedora",
    b"docker",
    b"app",
    b"user",
    b"users",
    b"root",
    b"nobody",
    b"worker",
    b"node",
    b"public",
    b"default",
    b"shared",
    b"administrator",
    b"python",
    b"test",
    b"tests",
    b"dev",
    b"code",
    b"data",
    b"admin",
    b"local",
    b"main",
    b"git",
    b"usr",
    b"tmp",
    b"var",
    b"opt",
    b"lib",
    b"src",
    b"www",
    b"web",
    b"work",
    b"project",
    b"projects",
    b"home",
    b"localhost",
    b"share",
    b"packages",
    b"module",
    b"package",
    b"pip",
];

/// Folders at the root of a file system: `//usr/lib` is no share of a machine called `usr`.
const ROOTS: [&[u8]; 12] =
    [b"usr", b"home", b"opt", b"var", b"etc", b"tmp", b"lib", b"bin", b"mnt", b"srv", b"root", b"Users"];

/// Whether a name can be masked wherever it stands, without making nonsense of the rest.
pub(super) fn can_stand_alone(name: &[u8]) -> bool {
    let is_common = COMMON.iter().any(|common| common.eq_ignore_ascii_case(name));
    name.len() >= 3 && !is_common && !name.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_punctuation())
}

/// Learns from a path.
pub(super) fn of_path(path: &[u8], names: &mut Names) {
    learn(path, &find(path, true), names);
    let place = Place::of(path);
    if let Some(who) = rules::machine_or_person(&place) {
        names.learn(Kind::Host, who, true);
        let person = who.split(|&byte| byte == b'\'').next().filter(|person| person.len() < who.len());
        if let Some(person) = person {
            names.learn(Kind::User, person, true);
        }
    }
}

/// Learns from a sentence or a value.
pub(super) fn of_text(text: &[u8], names: &mut Names) {
    learn(text, &find(text, false), names);
}

fn learn(text: &[u8], found: &[Found], names: &mut Names) {
    for Found { at, kind, sure } in found {
        if let Some(name) = text.get(at.clone()) {
            names.learn(*kind, name, *sure);
        }
    }
}

/// Learns what the name of the innermost file says beside its module.
pub(super) fn of_item(item: &Item, names: &mut Names) {
    let Item::Pyc(item) = item else { return };
    let place = &item.pyc.place;
    let path = place.member.last().unwrap_or(&place.artifact);
    of_path(path.as_bytes(), names);
}

/// The names that a text gives away by where they stand, in order, none inside another.
pub(super) fn find(text: &[u8], is_path: bool) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    // Messages put names between backticks, where a blank is a part of them.
    let mut inside_ticks = false;
    while let Some(&byte) = text.get(at) {
        inside_ticks ^= byte == b'`';
        let around = match (is_path, inside_ticks) {
            (true, _) => Around::Path,
            (false, true) => Around::Ticks,
            (false, false) => Around::Sentence,
        };
        let hit = match byte {
            b'h' | b'U' | b'D' | b'u' | b'H' => home(text, at, around),
            b'\\' | b'/' => share(text, at),
            b':' => address(text, at),
            b'@' => at_host(text, at),
            _ => None,
        };
        match hit {
            Some(hit) => {
                at = hit.last().map_or(at, |last| last.at.end).max(at.saturating_add(1));
                found.extend(hit);
            }
            None => at = at.saturating_add(1),
        }
    }
    found.sort_by_key(|found: &Found| found.at.start);
    found.dedup_by(|next, before| next.at.start < before.at.end);
    found
}

fn is_separator(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'/' | b'\\'))
}

/// Where a text stands, and so where a name in it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// It is a path as a whole: only a separator ends a name.
    Path,
    /// It stands between backticks.
    Ticks,
    /// It is a sentence.
    Sentence,
}

fn ends(byte: u8, around: Around) -> bool {
    match around {
        Around::Path => matches!(byte, b'/' | b'\\'),
        Around::Ticks => matches!(byte, b'/' | b'\\' | b'`' | b'!'),
        Around::Sentence => {
            matches!(byte, b'/' | b'\\' | b'`' | b'!' | b'"' | b'<' | b'>' | b'|' | b'\n' | b'*' | b'?')
                || matches!(byte, b' ' | b'\'' | b',' | b';' | b')' | b']' | b':')
        }
    }
}

/// `/home/NAME`, `C:\Users\NAME`, `home/alice/` in an archive or a cache that mirrors paths.
fn home(text: &[u8], at: usize, around: Around) -> Option<Vec<Found>> {
    let rest = text.get(at..)?;
    let marker =
        HOMES.iter().find(|home| rest.get(..home.len()).is_some_and(|start| start.eq_ignore_ascii_case(home)))?;
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let starts = before.is_none_or(|&byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.'));
    if !starts {
        return None;
    }
    let mut start = at.saturating_add(marker.len());
    if !is_separator(text.get(start)) {
        return None;
    }
    while is_separator(text.get(start)) {
        start = start.saturating_add(1);
    }
    let name = text.get(start..)?;
    let length = name.iter().position(|&byte| ends(byte, around)).unwrap_or(name.len());
    let end = start.saturating_add(length);
    let name = text.get(start..end)?;
    if matches!(name, b"" | b"." | b"..") {
        return None;
    }
    // At the root of a file system nothing else can be meant.
    let mut root = at;
    while root > 0 && is_separator(text.get(root.saturating_sub(1))) {
        root = root.saturating_sub(1);
    }
    let before_root = root.checked_sub(1).and_then(|before| text.get(before));
    let is_rooted = root < at
        && before_root.is_none_or(|&byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')));
    let is_first = at == 0;
    let is_written_so = rest.starts_with(marker);
    let has_more = is_separator(text.get(end));
    if !is_rooted {
        let is_package = NO_PERSONS.contains(&name) || name.starts_with(b"__");
        if !is_written_so || !has_more || is_package {
            return None;
        }
    }
    Some(vec![Found { at: start..end, kind: Kind::User, sure: is_rooted || is_first }])
}

/// The length of a name of a machine.
fn host_length(text: &[u8]) -> usize {
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') || *byte >= 0x80;
    let length = text.iter().position(|byte| !is_host(byte)).unwrap_or(text.len());
    let name = text.get(..length).unwrap_or_default();
    length.saturating_sub(name.iter().rev().take_while(|&&byte| matches!(byte, b'.' | b'-')).count())
}

/// `\\host\share`, `//host/share`, `/net/host/`, `/media/NAME/`.
fn share(text: &[u8], at: usize) -> Option<Vec<Found>> {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    if before
        .is_some_and(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'\\' | b':' | b'_' | b'.' | b'-'))
    {
        return None;
    }
    let separator = *text.get(at)?;
    let rest = text.get(at..)?;
    for (folder, kind) in [
        (&b"/net/"[..], Kind::Host),
        (b"/run/media/", Kind::User),
        (b"/media/", Kind::User),
        (b"/var/mail/", Kind::User),
    ] {
        if let Some(name) = rest.strip_prefix(folder) {
            let length = name.iter().position(|&byte| ends(byte, Around::Sentence)).unwrap_or(name.len());
            let start = at.saturating_add(folder.len());
            let end = start.saturating_add(length);
            return (length > 0 && is_separator(text.get(end)))
                .then(|| vec![Found { at: start..end, kind, sure: folder != b"/media/" }]);
        }
    }
    let slashes = rest.iter().take_while(|&&byte| byte == separator).count();
    if !(2..=4).contains(&slashes) {
        return None;
    }
    let start = at.saturating_add(slashes);
    let name = text.get(start..)?;
    let length = host_length(name);
    let end = start.saturating_add(length);
    let name = text.get(start..end)?;
    let is_share = length > 0 && text.get(end) == Some(&separator) && !ROOTS.contains(&name);
    is_share.then(|| vec![Found { at: start..end, kind: Kind::Host, sure: separator == b'\\' }])
}

/// `scheme://user:password@host`.
fn address(text: &[u8], at: usize) -> Option<Vec<Found>> {
    let rest = text.get(at..)?.strip_prefix(b"://")?;
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    if !before.is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let start = at.saturating_add(3);
    let is_end =
        |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'`' | b'"' | b'\'' | b' ' | b'<' | b'>' | b')' | b',' | b'\\');
    let length = rest.iter().position(is_end).unwrap_or(rest.len());
    let authority = rest.get(..length)?;
    let mut found = Vec::new();
    let mut host = start;
    if let Some(sign) = authority.iter().rposition(|&byte| byte == b'@') {
        if sign > 0 {
            found.push(Found { at: start..start.saturating_add(sign), kind: Kind::User, sure: false });
        }
        host = start.saturating_add(sign).saturating_add(1);
    }
    let length = host_length(text.get(host..start.saturating_add(length))?);
    if length > 0 {
        let end = host.saturating_add(length);
        let sure = text.get(host..end).is_some_and(|name| name.contains(&b'.'));
        found.push(Found { at: host..end, kind: Kind::Host, sure });
    }
    (!found.is_empty()).then_some(found)
}

/// `person@machine`.
fn at_host(text: &[u8], at: usize) -> Option<Vec<Found>> {
    let is_user =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+') || *byte >= 0x80;
    let user = text.get(..at)?.iter().rev().take_while(|byte| is_user(byte)).count();
    let host = host_length(text.get(at.saturating_add(1)..)?);
    if user == 0 || host < 2 {
        return None;
    }
    let (from, to) = (at.saturating_sub(user), at.saturating_add(1).saturating_add(host));
    let host = at.saturating_add(1)..to;
    let sure = text.get(host.clone()).is_some_and(|name| name.contains(&b'.'));
    Some(vec![Found { at: from..at, kind: Kind::User, sure }, Found { at: host, kind: Kind::Host, sure }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, is_path: bool) -> Vec<&str> {
        find(text.as_bytes(), is_path).into_iter().map(|found| &text[found.at]).collect()
    }

    #[test]
    fn home_folders_of_every_system_name_a_person() {
        for (path, name) in [
            ("/home/alice/src/m.py", "alice"),
            ("/Users/Ann Smith/m.py", "Ann Smith"),
            ("C:\\Users\\bob\\m.py", "bob"),
            ("C:\\\\Users\\\\bob\\\\m.py", "bob"),
            ("c:/users/bob/m.py", "bob"),
            ("C:\\Documents and Settings\\carol\\m.py", "carol"),
            ("/mnt/c/Users/dave/m.py", "dave"),
            ("/export/home/erin/m.py", "erin"),
            ("home/frank/.venv/lib/m.pyc", "frank"),
            ("cache/home/grace/src/m.pyc", "grace"),
            ("/home/heidi", "heidi"),
        ] {
            assert_eq!(found(path, true), [name], "{path}");
        }
    }

    #[test]
    fn a_package_that_is_called_home_names_nobody() {
        for path in ["shop/home/views.py", "shop/home/templates/x", "shop/users/models/m.py", "at_home/alice/m.py"] {
            assert!(found(path, true).is_empty(), "{path}");
        }
    }

    #[test]
    fn machines_are_named_by_shares_addresses_and_mail() {
        assert_eq!(found("\\\\nas01\\share\\m.py", true), ["nas01"]);
        assert_eq!(found("built on `\\\\\\\\nas01\\\\share`", false), ["nas01"]);
        assert_eq!(found("/net/nas01/m.py", true), ["nas01"]);
        assert_eq!(found("see https://ann:pw@git.corp.example:8443/x", false), ["ann:pw", "git.corp.example"]);
        assert_eq!(found("ann@build-7.example", false), ["ann", "build-7.example"]);
        assert!(found("//usr/lib/m.py", true).is_empty());
    }

    #[test]
    fn a_name_in_a_sentence_ends_with_its_word() {
        assert_eq!(found("compiled in /home/alice and elsewhere", false), ["alice"]);
        assert_eq!(found("compiled in `/Users/Ann Smith/x` and elsewhere", false), ["Ann Smith"]);
    }
}
