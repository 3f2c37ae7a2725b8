//! Manifests of packages: which files a package says that it has, and what digests they have. The `md5sums` of a Debian package,
//! the header of an RPM package, the `paths.json` of a conda package; the RECORD of a wheel has a room of its own.
//!
//! They say whether an archive is still as it was packed. None of them is signed in the archive itself, and MD5 proves nothing
//! against whoever chooses both files.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;

use crate::artifact::Md5Digest;
use crate::artifact::Sha256Digest;
use crate::limits::Limits;
use crate::name;

/// Lines that could not be read and are kept; one is enough to say so.
const MALFORMED: usize = 8;

/// What a package says of its files.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// What it is called: `md5sums`, `paths.json`.
    pub name: &'static str,
    /// Its entries, in its order.
    pub entries: Vec<Entry>,
    /// Why it, or a part of it, cannot be read.
    pub malformed: Vec<String>,
    /// Whether it lists symbolic links too.
    pub lists_links: bool,
    /// Files that it need not list.
    exempt: HashSet<Vec<u8>>,
    /// The folder whose files it does not list: its own.
    own_folder: &'static [u8],
    /// Entry by normal path.
    index: HashMap<Vec<u8>, usize>,
}

/// What a package says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the root of the package, as [`normal`] makes it.
    pub path: Vec<u8>,
    /// How many bytes it has, where the manifest says.
    pub size: Option<u64>,
    /// Its digest, where the manifest gives one of a kind that is computed.
    pub digest: Option<Digest>,
    /// Whether the file has to be there.
    pub is_required: bool,
}

/// A digest of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// MD5.
    Md5(Md5Digest),
    /// SHA-256.
    Sha256(Sha256Digest),
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Md5(digest) => write!(f, "md5:{digest}"),
            Self::Sha256(digest) => write!(f, "sha256:{digest}"),
        }
    }
}

impl Manifest {
    /// An empty manifest of this name.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            entries: Vec::new(),
            malformed: Vec::new(),
            lists_links: false,
            exempt: HashSet::new(),
            own_folder: b"",
            index: HashMap::new(),
        }
    }

    /// Adds an entry. Of two for one path the last is used, and the first is malformed.
    pub fn push(&mut self, entry: Entry) {
        let place = self.entries.len();
        if self.index.insert(entry.path.clone(), place).is_some() {
            self.wrong(|| format!("`{}` is listed twice", name::shown(&entry.path)));
        }
        self.entries.push(entry);
    }

    /// Records an entry that could not be read.
    fn wrong(&mut self, why: impl FnOnce() -> String) {
        if self.malformed.len() < MALFORMED {
            self.malformed.push(why());
        }
    }

    /// Whether anything could be read of it.
    pub fn is_readable(&self) -> bool {
        !self.entries.is_empty() || self.malformed.is_empty()
    }

    /// What it says of a member.
    pub fn get(&self, path: &[u8]) -> Option<&Entry> {
        self.entries.get(*self.index.get(&normal(path))?)
    }

    /// Whether a member may be there without being listed.
    pub fn is_exempt(&self, path: &[u8]) -> bool {
        let path = normal(path);
        !self.own_folder.is_empty() && path.starts_with(self.own_folder) || self.exempt.contains(&path)
    }

    /// Whether its digests are MD5.
    pub fn is_md5(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.digest, Some(Digest::Md5(_))))
    }

    /// An `info/paths.json` of a conda package (conda-build's `PathsDoc`).
    pub fn conda(bytes: &[u8]) -> Self {
        let mut manifest = Self { lists_links: true, own_folder: b"info/", ..Self::new("info/paths.json") };
        let paths = match serde_json::from_slice::<Paths>(bytes) {
            Ok(paths) => paths.paths,
            Err(error) => {
                manifest.wrong(|| error.to_string());
                return manifest;
            }
        };
        for entry in paths {
            // A link has the digest of what it leads to, or none.
            let is_file = entry.path_type.is_empty() || entry.path_type == "hardlink";
            let text = entry.sha256.filter(|_| is_file);
            let digest = text.as_deref().and_then(|text| hex(text.as_bytes()));
            if let Some(text) = text.filter(|_| digest.is_none()) {
                manifest.wrong(|| format!("`{}` is no SHA-256", name::shown(text.as_bytes())));
            }
            manifest.push(Entry {
                path: normal(entry.path.as_bytes()),
                size: entry.size_in_bytes.filter(|_| is_file),
                digest: digest.map(|digest| Digest::Sha256(Sha256Digest(digest))),
                is_required: true,
            });
        }
        manifest
    }

    /// The `md5sums` of a Debian package with its `conffiles`, which need not be listed (deb-md5sums(5), dh_md5sums(1)).
    pub fn debian(md5sums: &[u8], conffiles: &[u8], limits: &Limits) -> Self {
        let mut manifest = Self::new("md5sums");
        for (number, line) in lines(md5sums).enumerate() {
            if manifest.entries.len() >= limits.members {
                break;
            }
            // The digest, two spaces (or one and a `*`), the path without its first slash.
            let (digest, rest) = line.split_at_checked(32).unwrap_or((line, b""));
            let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *")).unwrap_or_default();
            match (hex::<16>(digest), path.is_empty()) {
                (Some(digest), false) => manifest.push(Entry {
                    path: normal(path),
                    size: None,
                    digest: Some(Digest::Md5(Md5Digest(digest))),
                    is_required: true,
                }),
                _ => manifest.wrong(|| format!("line {} is no digest with a path", number.saturating_add(1))),
            }
        }
        manifest.exempt.extend(lines(conffiles).take(limits.members).map(|line| {
            // A flag may stand before the path (deb-conffiles(5)).
            normal(line.strip_prefix(b"remove-on-upgrade ").unwrap_or(line))
        }));
        manifest
    }
}

/// Where a conda package has its list.
pub const CONDA: &[u8] = b"info/paths.json";

/// An `info/paths.json`.
#[derive(Deserialize)]
struct Paths {
    paths: Vec<PathEntry>,
}

/// An entry of it.
#[derive(Deserialize)]
struct PathEntry {
    #[serde(rename = "_path")]
    path: String,
    #[serde(default)]
    path_type: String,
    sha256: Option<String>,
    size_in_bytes: Option<u64>,
}

/// The lines of a text, without empty ones.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}

/// A path as an unpacker takes it: without a leading slash, empty parts and `.`.
pub fn normal(path: &[u8]) -> Vec<u8> {
    let parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}

/// Bytes from hexadecimal digits.
pub fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5sums_are_read_line_by_line() {
        let text = b"d41d8cd98f00b204e9800998ecf8427e  usr/lib/a.py\r\n\
            900150983CD24FB0D6963F7D28E17F72 *./usr//b\nshort\n\
            d41d8cd98f00b204e9800998ecf8427e  usr/lib/a.py\n";
        let manifest = Manifest::debian(text, b"/etc/c.conf\nremove-on-upgrade /etc/d\n", &Limits::default());
        let of = |path: &[u8]| manifest.get(path).and_then(|entry| entry.digest);
        assert_eq!(of(b"./usr/lib/a.py"), Some(Digest::Md5(Md5Digest::of(b""))));
        assert_eq!(of(b"usr/b"), Some(Digest::Md5(Md5Digest::of(b"abc"))));
        assert_eq!(manifest.malformed, ["line 3 is no digest with a path", "`usr/lib/a.py` is listed twice"]);
        assert!(manifest.is_exempt(b"./etc/c.conf") && manifest.is_exempt(b"/etc/d") && !manifest.is_exempt(b"usr/b"));
    }

    #[test]
    fn paths_of_conda_are_read_with_digest_and_size() {
        let text = br#"{"paths_version":1,"paths":[
            {"_path":"site-packages/m.py","path_type":"hardlink","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size_in_bytes":0},
            {"_path":"bin/l","path_type":"softlink","sha256":"00","size_in_bytes":9}]}"#;
        let manifest = Manifest::conda(text);
        assert!(manifest.malformed.is_empty());
        let found = manifest.get(b"site-packages/m.py");
        assert_eq!(found.and_then(|file| file.digest), Some(Digest::Sha256(Sha256Digest::of(b""))));
        assert_eq!(manifest.get(b"bin/l").and_then(|file| file.size), None);
        assert!(!manifest.is_exempt(b"bin/l") && manifest.is_exempt(b"info/index.json"));
    }

    #[test]
    fn a_list_that_is_none_is_malformed() {
        assert_eq!(Manifest::conda(b"{}").malformed.len(), 1);
        assert_eq!(Manifest::conda(br#"{"paths":[{"_path":"a","sha256":"xyz"}]}"#).malformed.len(), 1);
    }
}
