//! What tells a finding from every other, and stays when the tree moves, the archive is rebuilt or gets another version.
//!
//! A fingerprint says which rule spoke of what place; it says nothing of what is at that place, so that one problem keeps its number
//! while it is worked on. Whoever accepts findings for good ([`crate::suppression`]) has to look at the code as well.

use std::borrow::Cow;

use sha2::Digest as _;
use sha2::Sha256;

use crate::name;

/// The fingerprint of a rule's finding: `v1:` and 16 hexadecimal digits. `ordinal` counts the rule's findings on one place.
pub fn of(rule: &str, place: &[Cow<'_, [u8]>], ordinal: u32) -> String {
    let mut hasher = Sha256::new();
    hasher.update(rule);
    for part in place {
        hasher.update([0]);
        hasher.update(part);
    }
    hasher.update([0]);
    hasher.update(ordinal.to_le_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    format!("v1:{}", name::hex(&digest[..8]))
}

/// Whether a text can be a fingerprint.
pub fn is_one(text: &str) -> bool {
    let digits = text.strip_prefix("v1:").unwrap_or_default();
    digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Endings of source distributions and eggs, in whose names a version follows the project.
const ARCHIVES: [&[u8]; 7] = [b".tar.gz", b".tgz", b".tar.bz2", b".tar.xz", b".tar.zst", b".zip", b".egg"];

/// The name of an archive without the version in it, as the packaging specifications write it; any other name as it is.
///
/// A version that is made of the date or the commit changes with every build: the archive is still that of the project.
pub fn without_version(file: &[u8]) -> Cow<'_, [u8]> {
    if let Some(stem) = file.strip_suffix(b".whl") {
        // name-version(-build)?-python-abi-platform.whl
        let parts: Vec<&[u8]> = stem.split(|&byte| byte == b'-').collect();
        if let [project, _, python, abi, platform] | [project, _, _, python, abi, platform] = parts.as_slice() {
            return Cow::Owned([&[*project, python, abi, platform].join(&b'-'), &b".whl"[..]].concat());
        }
        return Cow::Borrowed(file);
    }
    for ending in ARCHIVES {
        if let Some(stem) = file.strip_suffix(ending)
            && let Some((project, rest)) = split_version(stem)
        {
            return Cow::Owned([project, rest, ending].concat());
        }
    }
    Cow::Borrowed(file)
}

/// The path of a member without the version of its archive: that of `name-version.dist-info/`, `.data/` and `.egg-info/`, and of the
/// one folder that a source distribution has.
pub fn member_without_version<'a>(member: &'a [u8], archive: &[u8]) -> Cow<'a, [u8]> {
    let end = member.iter().position(|&byte| byte == b'/').unwrap_or(member.len());
    let (folder, rest) = member.split_at(end);
    for ending in [&b".dist-info"[..], b".data", b".egg-info"] {
        if let Some(stem) = folder.strip_suffix(ending)
            && let Some((project, tag)) = split_version(stem)
        {
            return Cow::Owned([project, tag, ending, rest].concat());
        }
    }
    let is_of_archive = ARCHIVES.iter().any(|ending| archive.strip_suffix(*ending) == Some(folder));
    match split_version(folder) {
        Some((project, tag)) if is_of_archive => Cow::Owned([project, tag, rest].concat()),
        _ => Cow::Borrowed(member),
    }
}

/// `name-1.0-py3.8` as `name` and `-py3.8`: what is before the first part that begins with a digit, and what is after it.
fn split_version(stem: &[u8]) -> Option<(&[u8], &[u8])> {
    let begins = |at: &usize| stem.get(*at) == Some(&b'-') && stem.get(at + 1).is_some_and(u8::is_ascii_digit);
    let dash = (1..stem.len()).find(begins)?;
    let (project, version) = stem.split_at(dash);
    let end = version.iter().skip(1).position(|&byte| byte == b'-').map_or(version.len(), |at| at + 1);
    Some((project, version.get(end..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_no_part_of_an_archives_name() {
        for (name, without) in [
            ("pkg-1.0-py3-none-any.whl", "pkg-py3-none-any.whl"),
            ("pkg-1.0.dev3+g1a2b-2build-cp312-cp312-linux_x86_64.whl", "pkg-cp312-cp312-linux_x86_64.whl"),
            ("two-words-1.0.tar.gz", "two-words.tar.gz"),
            ("pkg-1.0-py3.8.egg", "pkg-py3.8.egg"),
            ("pkg.whl", "pkg.whl"),
            ("pkg-1.0.txt", "pkg-1.0.txt"),
            ("-1.0.zip", "-1.0.zip"),
            ("", ""),
        ] {
            assert_eq!(without_version(name.as_bytes()), without.as_bytes(), "{name}");
        }
    }

    #[test]
    fn a_version_is_no_part_of_a_folder_that_the_archive_is_named_after() {
        for (archive, member, without) in [
            ("p-1-py3-none-any.whl", "p-1.0.dist-info/RECORD", "p.dist-info/RECORD"),
            ("p-1-py3-none-any.whl", "p-1.0.data/purelib/m.pyc", "p.data/purelib/m.pyc"),
            ("p-1.0.tar.gz", "p-1.0/p/m.pyc", "p/p/m.pyc"),
            ("p-1.0.tar.gz", "q-1.0/p/m.pyc", "q-1.0/p/m.pyc"),
            ("p-1.0.tar.gz", "m.pyc", "m.pyc"),
        ] {
            assert_eq!(member_without_version(member.as_bytes(), archive.as_bytes()), without.as_bytes(), "{member}");
        }
    }

    #[test]
    fn rule_place_and_number_make_different_fingerprints() {
        let place = |text: &'static str| vec![Cow::Borrowed(text.as_bytes())];
        let first = of("PYC101", &place("a"), 0);
        assert!(is_one(&first) && !is_one("v1:12") && !is_one("v2:0123456789abcdef"));
        for other in [of("PYC102", &place("a"), 0), of("PYC101", &place("b"), 0), of("PYC101", &place("a"), 1)] {
            assert_ne!(first, other);
        }
        assert_eq!(first, of("PYC101", &place("a"), 0));
    }
}
