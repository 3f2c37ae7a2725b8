//! Names for what is extracted: safe on every system, one for each file, and the same in every run.
//!
//! The parts of a name come from whoever made the archive. What no file system or terminal should see is written as `%` and two
//! hexadecimal digits, as is `%` itself; names that are too long are cut and end in a digest; a name that only differs in case
//! or in its Unicode form from one before, or that would need a file as a folder, gets a folder of its own.

use std::collections::HashSet;
use std::fmt::Write as _;

use pycaudit::artifact::Locator;
use pycaudit::artifact::Sha256Digest;
use unicode_normalization::UnicodeNormalization as _;

/// Bytes of one part. File systems take 255, and some count in units that take three bytes each.
const PART: usize = 200;

/// Bytes of a whole name. Systems take 4,096 with the folder that it is in.
const WHOLE: usize = 2_000;

/// Names of devices, which Windows takes with any extension.
const DEVICES: [&str; 8] = ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$", "com"];

/// Gives names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Files and folders that are there, as the most forgetful file system sees them.
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl Names {
    /// No names are given yet but those of the manifests.
    pub(crate) fn new(reserved: &[&str]) -> Self {
        let files = reserved.iter().map(|name| key(&[(*name).to_owned()])).collect();
        Self { files, folders: HashSet::new() }
    }

    /// The parts of the name for a pyc that is here.
    pub(crate) fn give(&mut self, locator: &Locator) -> Vec<String> {
        let mut parts = parts_of(locator);
        if parts.iter().map(|part| part.len() + 1).sum::<usize>() > WHOLE {
            parts = vec!["%long".to_owned(), format!("{}.pyc", digest(locator.to_string().as_bytes()))];
        }
        let wanted = parts.clone();
        for number in 2_u64.. {
            if self.is_free(&parts) {
                break;
            }
            parts = std::iter::once(format!("%again-{number}")).chain(wanted.iter().cloned()).collect();
        }
        self.files.insert(key(&parts));
        for end in 1..parts.len() {
            self.folders.insert(key(&parts[..end]));
        }
        parts
    }

    /// Whether a file can have this name beside those that are there.
    fn is_free(&self, parts: &[String]) -> bool {
        let whole = key(parts);
        let is_new = !self.files.contains(&whole) && !self.folders.contains(&whole);
        is_new && (1..parts.len()).all(|end| !self.files.contains(&key(&parts[..end])))
    }
}

/// The safe parts of the name of a pyc. An archive is a folder whose name ends in `!`.
fn parts_of(locator: &Locator) -> Vec<String> {
    let artifact = locator.artifact.as_os_str().as_encoded_bytes();
    let on_disk = artifact.split(|&byte| byte == b'/' || cfg!(windows) && byte == b'\\');
    let mut parts: Vec<String> = on_disk.filter(|part| !part.is_empty() && *part != b".").map(safe).collect();
    for member in &locator.inner {
        if let Some(last) = parts.last_mut() {
            last.push('!');
        }
        parts.extend(member.as_bytes().split(|&byte| byte == b'/').map(safe));
    }
    parts
}

/// A part that is safe everywhere, and tells what it was.
pub(crate) fn safe(part: &[u8]) -> String {
    let mut name = String::new();
    for chunk in part.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_plain(character) {
                name.push(character);
            } else {
                escape(character.to_string().as_bytes(), &mut name);
            }
        }
        escape(chunk.invalid(), &mut name);
    }
    // `.` and `..` are folders, and Windows drops dots and spaces at the end.
    if name.is_empty() {
        name.push_str("%empty");
    }
    if let Some(last) = name.pop() {
        match last {
            '.' => name.push_str("%2E"),
            ' ' => name.push_str("%20"),
            _ => name.push(last),
        }
    }
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end().to_lowercase();
    let is_port = |device: &str| {
        let rest = stem.strip_prefix(device);
        rest.is_some_and(|rest| rest.chars().count() == 1 && rest.chars().all(char::is_numeric))
    };
    if DEVICES.contains(&stem.as_str()) || is_port("com") || is_port("lpt") {
        name.insert(0, '%');
    }
    if name.len() > PART {
        let ending = if part.ends_with(b".pyc") { ".pyc" } else { "" };
        let mut end = PART - 64;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        name.push('~');
        name.push_str(&digest(part)[..32]);
        name.push_str(ending);
    }
    name
}

/// Whether a character may stand in a name on every system, and shows itself.
fn is_plain(character: char) -> bool {
    let is_hidden = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
        | '\u{e0000}'..='\u{e0fff}');
    !character.is_control()
        && !is_hidden
        && !matches!(character, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\\' | '/' | '%' | '!')
}

fn escape(bytes: &[u8], name: &mut String) {
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(name, "%{byte:02X}");
    }
}

/// A name as a file system sees it that knows neither case nor normal forms.
fn key(parts: &[String]) -> String {
    parts.join("/").nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

fn digest(bytes: &[u8]) -> String {
    Sha256Digest::of(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pycaudit::name::Name;

    fn given(names: &mut Names, artifact: &str, inner: &[&str]) -> String {
        let mut locator = Locator::file(artifact);
        for name in inner {
            locator = locator.member(Name::new(name.as_bytes()));
        }
        names.give(&locator).join("/")
    }

    #[test]
    fn names_tell_where_a_pyc_was() {
        let mut names = Names::default();
        assert_eq!(given(&mut names, "./dist/a.whl", &["p/m.pyc"]), "dist/a.whl!/p/m.pyc");
        assert_eq!(
            given(&mut names, "/opt/prog", &["PYZ.pyz", "json/decoder.pyc"]),
            "opt/prog!/PYZ.pyz!/json/decoder.pyc"
        );
    }

    #[test]
    fn names_never_leave_the_folder_and_are_safe_on_every_system() {
        let cases: &[(&[u8], &str)] = &[
            (b"..", ".%2E"),
            (b".", "%2E"),
            (b"", "%empty"),
            (b"m.pyc", "m.pyc"),
            (b"a\\..\\b", "a%5C..%5Cb"),
            (b"C:", "C%3A"),
            (b"CON.pyc", "%CON.pyc"),
            (b"com1", "%com1"),
            (b"lpt\xc2\xb9.x", "%lpt\u{b9}.x"),
            (b"end.", "end%2E"),
            (b"end ", "end%20"),
            (b"nul\0.pyc", "nul%00.pyc"),
            (b"bad\xff", "bad%FF"),
            (b"50%", "50%25"),
            (b"a!b", "a%21b"),
            ("\u{202e}cyp.m".as_bytes(), "%E2%80%AEcyp.m"),
            (b"new\nline", "new%0Aline"),
        ];
        for (name, expected) in cases {
            assert_eq!(safe(name), *expected);
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let (a, b) = (
            safe(&[b"x".repeat(300), b"1.pyc".to_vec()].concat()),
            safe(&[b"x".repeat(300), b"2.pyc".to_vec()].concat()),
        );
        assert!(a.len() <= PART && a.as_bytes().ends_with(b".pyc") && a != b, "{a} {b}");
        assert!(safe("\u{e9}".repeat(300).as_bytes()).len() <= PART);
        let deep = "d/".repeat(10_000);
        assert!(given(&mut Names::default(), "a.zip", &[&deep]).starts_with("%long/"));
    }

    #[test]
    fn names_that_a_system_takes_for_one_are_parted() {
        let mut names = Names::new(&["MANIFEST.csv"]);
        let cases = [
            ("M.pyc", "a!/M.pyc"),
            ("m.pyc", "%again-2/a!/m.pyc"),
            ("m.pyc", "%again-3/a!/m.pyc"),
            ("caf\u{e9}.pyc", "a!/caf\u{e9}.pyc"),
            ("cafe\u{301}.pyc", "%again-2/a!/cafe\u{301}.pyc"),
            ("M.pyc/x.pyc", "%again-2/a!/M.pyc/x.pyc"),
            ("d/x.pyc", "a!/d/x.pyc"),
            ("d", "%again-2/a!/d"),
        ];
        for (name, expected) in cases {
            let given = given(&mut names, "a", &[name]);
            if name == "M.pyc/x.pyc" {
                assert!(given.starts_with("%again-"), "{given}");
            } else {
                assert_eq!(given, expected, "{name}");
            }
        }
        assert_eq!(given(&mut names, "manifest.csv", &[]), "%again-2/manifest.csv");
    }
}
