//! Lists of files with their digests that packages other than wheels carry: the `info/paths.json` of conda packages.
//!
//! Whether files and lists agree is for rules to say. Names and digests are kept as they are written; what cannot be read is noted.

use serde::Deserialize;

use crate::artifact::Sha256Digest;
use crate::name;
use crate::name::Name;

/// Where a conda package has its list.
pub const CONDA: &[u8] = b"info/paths.json";

/// A list of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// What it is called in messages.
    pub name: String,
    /// In the order of their paths.
    files: Vec<Listed>,
    /// Why it, or a part of it, cannot be read.
    pub malformed: Vec<String>,
    /// The folder that it does not list: its own.
    own_folder: Vec<u8>,
}

/// A file of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The path below the package's root.
    pub path: Name,
    /// The digest of its content in the package, where there is one.
    pub sha256: Option<Sha256Digest>,
    /// Bytes.
    pub size: Option<u64>,
}

/// `info/paths.json` (conda-build's `PathsDoc`).
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

impl Manifest {
    /// Parses an `info/paths.json`.
    pub fn conda(bytes: &[u8]) -> Self {
        let mut manifest =
            Self { name: "info/paths.json".to_owned(), own_folder: b"info/".to_vec(), ..Self::default() };
        let paths = match serde_json::from_slice::<Paths>(bytes) {
            Ok(paths) => paths.paths,
            Err(error) => {
                manifest.malformed.push(error.to_string());
                return manifest;
            }
        };
        for entry in paths {
            // A link has the digest of what it leads to, or none.
            let is_file = entry.path_type.is_empty() || entry.path_type == "hardlink";
            let sha256 = entry.sha256.as_deref().filter(|_| is_file).and_then(|text| {
                let digest = digest(text);
                if digest.is_none() && manifest.malformed.len() < 16 {
                    manifest.malformed.push(format!("`{}` is no SHA-256", name::shown(text.as_bytes())));
                }
                digest
            });
            let size = entry.size_in_bytes.filter(|_| is_file);
            manifest.files.push(Listed { path: Name::new(entry.path.into_bytes()), sha256, size });
        }
        manifest.files.sort_by(|a, b| a.path.cmp(&b.path));
        manifest
    }

    /// The files in the order of their paths.
    pub fn files(&self) -> &[Listed] {
        &self.files
    }

    /// What is said of a path.
    pub fn find(&self, path: &[u8]) -> impl Iterator<Item = &Listed> {
        let start = self.files.partition_point(|file| file.path.as_bytes() < path);
        self.files.get(start..).unwrap_or_default().iter().take_while(move |file| file.path.as_bytes() == path)
    }

    /// Whether the list says anything of files in this place: those that describe the package are not in it.
    pub fn covers(&self, path: &[u8]) -> bool {
        !path.starts_with(&self.own_folder)
    }
}

/// 64 hexadecimal digits.
fn digest(text: &str) -> Option<Sha256Digest> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(Sha256Digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_conda_are_read_with_digest_and_size() {
        let text = br#"{"paths_version":1,"paths":[
            {"_path":"site-packages/m.py","path_type":"hardlink","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size_in_bytes":0},
            {"_path":"bin/l","path_type":"softlink","sha256":"00","size_in_bytes":9}]}"#;
        let manifest = Manifest::conda(text);
        assert!(manifest.malformed.is_empty());
        let found: Vec<_> = manifest.find(b"site-packages/m.py").collect();
        assert_eq!(found.first().and_then(|file| file.sha256), Some(Sha256Digest::of(b"")));
        assert_eq!(manifest.find(b"bin/l").next().and_then(|file| file.size), None);
        assert!(manifest.covers(b"bin/l") && !manifest.covers(b"info/index.json"));
    }

    #[test]
    fn a_list_that_is_none_is_malformed() {
        assert_eq!(Manifest::conda(b"{}").malformed.len(), 1);
        assert_eq!(Manifest::conda(br#"{"paths":[{"_path":"a","sha256":"xyz"}]}"#).malformed.len(), 1);
    }
}
