//! Images of containers, as `docker save` and OCI layouts have them: which layers there are, in which order, and what a later layer
//! leaves of the bytecode below it.
//!
//! A layer is a tar of what changed; `.wh.NAME` in it removes NAME of the layers below, `.wh..wh..opq` all of a folder (OCI image
//! specification, "Image Layer Filesystem Changeset"). What is removed or replaced is still in the archive.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::artifact::Sha256Digest;
use crate::container::Container;
use crate::container::LinkTarget;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::name;
use crate::place::Place;

/// Layers of an image that are compared; the engines that run images allow 127.
const LAYERS: usize = 256;

/// Bytes of a manifest that are read; honest ones have some kilobytes.
const MANIFEST: u64 = 4 << 20;

/// Manifests of an archive that are read.
const MANIFESTS: usize = 256;

/// The start of the name of a file that removes another.
const WHITEOUT: &[u8] = b".wh.";

/// The name of a file that removes all of its folder.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// An image of `manifest.json` (`docker save`).
#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "Layers", default)]
    layers: Vec<String>,
}

/// `index.json`, or a manifest that it leads to: one has `manifests`, the other `layers` (OCI image specification).
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

/// Which blob.
#[derive(Deserialize)]
struct Descriptor {
    #[serde(default)]
    digest: String,
}

/// The layers of each image in an archive, the lowest first.
pub fn images(container: &dyn Container) -> Vec<Vec<MemberId>> {
    let mut images = Vec::new();
    if let Some(saved) = read::<Vec<Saved>>(container, b"manifest.json") {
        for image in saved.into_iter().take(MANIFESTS) {
            images
                .push(image.layers.iter().take(LAYERS).filter_map(|layer| find(container, layer.as_bytes())).collect());
        }
    }
    if !images.is_empty() {
        return images;
    }
    let mut open = vec![b"index.json".to_vec()];
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        if seen.len() >= MANIFESTS || !seen.insert(path.clone()) {
            continue;
        }
        let Some(index) = read::<Index>(container, &path) else { continue };
        open.extend(index.manifests.iter().map(blob));
        let layers: Vec<MemberId> =
            index.layers.iter().take(LAYERS).filter_map(|layer| find(container, &blob(layer))).collect();
        if !layers.is_empty() {
            images.push(layers);
        }
    }
    images
}

/// The path of a blob: `blobs/sha256/...`.
fn blob(descriptor: &Descriptor) -> Vec<u8> {
    format!("blobs/{}", descriptor.digest.replacen(':', "/", 1)).into_bytes()
}

/// Reads a file of JSON.
fn read<T: for<'a> Deserialize<'a>>(container: &dyn Container, path: &[u8]) -> Option<T> {
    let content = container.read(find(container, path)?, MANIFEST);
    if content.problems.is_empty() { serde_json::from_slice(&content.bytes).ok() } else { None }
}

/// The member of this path, with or without `./` before it; of a link, what it leads to.
fn find(container: &dyn Container, path: &[u8]) -> Option<MemberId> {
    let listing = container.listing();
    let member = listing.find_path(path).or_else(|| listing.find_path(&[b"./", path].concat()))?;
    if member.kind != MemberKind::Link {
        return Some(member.id);
    }
    match container.link(member.id)? {
        LinkTarget::Inside(target) => listing.find_path(target.as_bytes()).map(|member| member.id),
        LinkTarget::Outside(_) | LinkTarget::Broken(_) => None,
    }
}

/// Whether a name of a layer removes another.
pub fn is_whiteout(file: &[u8]) -> bool {
    file.starts_with(WHITEOUT)
}

/// What a layer has of Python, and what it removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Bytecode, with the path of its source.
    pycs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Sources with the digests of those that could be read.
    sources: BTreeMap<Vec<u8>, Option<Sha256Digest>>,
    /// What it removes, and folders whose content it removes.
    removed: BTreeSet<Vec<u8>>,
}

impl Layer {
    /// What a tar has, as a layer.
    pub fn of(container: &dyn Container, source_size: u64) -> Self {
        let mut layer = Self::default();
        let mut sources = BTreeMap::new();
        for member in container.listing().members() {
            let path = normal(&member.path());
            let (folder, file) = name::split_last(&path);
            if file == OPAQUE {
                layer.removed.insert(folder.to_vec());
            } else if let Some(removed) = file.strip_prefix(WHITEOUT) {
                layer.removed.insert(name::join(folder, removed));
            } else if member.kind == MemberKind::File && (file.ends_with(b".pyc") || file.ends_with(b".pyo")) {
                let place = Place::of(&path);
                let source = name::join(place.source_folder.as_bytes(), &place.source_name());
                layer.pycs.insert(path, source);
            } else if member.kind == MemberKind::File && file.ends_with(b".py") {
                sources.insert(member.id, path);
            }
        }
        let members: Vec<MemberId> = sources.keys().copied().collect();
        let mut digests = BTreeMap::new();
        container.each(&members, source_size, &mut |member, content| {
            let whole = content.problems.is_empty();
            digests.insert(member, whole.then(|| Sha256Digest::of(&content.bytes)));
        });
        // Of two members of one path the later one stays.
        for (member, path) in sources {
            layer.sources.insert(path, digests.remove(&member).flatten());
        }
        layer
    }

    /// Whether it removes a path, or a folder that the path is in.
    fn removes(&self, path: &[u8]) -> bool {
        // Deeper paths than `PATH_MAX` are not unpacked anywhere.
        let mut end = if self.removed.is_empty() || path.len() > 4096 { 0 } else { path.len() };
        while end > 0 {
            if path.get(..end).is_some_and(|part| self.removed.contains(part)) {
                return true;
            }
            end = path.get(..end).and_then(|part| memchr::memrchr(b'/', part)).unwrap_or_default();
        }
        false
    }
}

/// A pyc whose source a later layer changed or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residue {
    /// The index of its layer.
    pub layer: usize,
    /// Its path in the layer.
    pub pyc: Vec<u8>,
    /// The index of the layer that changed or removed the source.
    pub by: usize,
    /// Whether the source was removed; if not, it was changed.
    pub is_removed: bool,
    /// Whether the pyc is still there in the whole image: no later layer removes or replaces it.
    pub is_visible: bool,
}

/// What later layers leave of bytecode below them; layers in order, the lowest first.
pub fn residues(layers: &[&Layer]) -> Vec<Residue> {
    let mut residues = Vec::new();
    let mut below: BTreeMap<&[u8], Option<Sha256Digest>> = BTreeMap::new();
    for (at, layer) in layers.iter().enumerate() {
        below.extend(layer.sources.iter().map(|(path, digest)| (path.as_slice(), *digest)));
        for (pyc, source) in &layer.pycs {
            let Some(before) = below.get(source.as_slice()).copied() else { continue };
            let later = || layers.iter().enumerate().skip(at + 1);
            let fate = later().find_map(|(by, later)| match later.sources.get(source) {
                Some(digest) => (before.is_some() && digest.is_some() && *digest != before).then_some((by, false)),
                None => later.removes(source).then_some((by, true)),
            });
            let Some((by, is_removed)) = fate else { continue };
            let is_visible = !later().any(|(_, later)| later.removes(pyc) || later.pycs.contains_key(pyc));
            residues.push(Residue { layer: at, pyc: pyc.clone(), by, is_removed, is_visible });
        }
    }
    residues
}

/// A name as an unpacker takes it: `./a//b` and `/a/b` are `a/b`.
fn normal(path: &[u8]) -> Vec<u8> {
    let parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(pycs: &[&str], sources: &[(&str, &str)], removed: &[&str]) -> Layer {
        Layer {
            pycs: pycs
                .iter()
                .map(|pyc| {
                    let place = Place::of(pyc.as_bytes());
                    let source = name::join(place.source_folder.as_bytes(), &place.source_name());
                    (pyc.as_bytes().to_vec(), source)
                })
                .collect(),
            sources: sources
                .iter()
                .map(|(path, text)| (path.as_bytes().to_vec(), Some(Sha256Digest::of(text.as_bytes()))))
                .collect(),
            removed: removed.iter().map(|path| path.as_bytes().to_vec()).collect(),
        }
    }

    const PYC: &str = "app/__pycache__/m.cpython-312.pyc";

    /// Of the layers over the first: by which, whether removed, whether visible.
    fn fates(above: &[Layer]) -> Vec<(usize, bool, bool)> {
        let first = layer(&[PYC], &[("app/m.py", "token")], &[]);
        let layers: Vec<&Layer> = std::iter::once(&first).chain(above).collect();
        residues(&layers).iter().map(|residue| (residue.by, residue.is_removed, residue.is_visible)).collect()
    }

    #[test]
    fn a_source_that_is_changed_or_removed_leaves_its_bytecode() {
        assert_eq!(fates(&[layer(&[], &[("app/m.py", "clean")], &[])]), [(1, false, true)]);
        assert_eq!(fates(&[layer(&[], &[], &[]), layer(&[], &[], &["app/m.py"])]), [(2, true, true)]);
        assert_eq!(fates(&[layer(&[], &[], &["app"])]), [(1, true, false)]);
        assert_eq!(fates(&[layer(&[PYC], &[("app/m.py", "clean")], &[])]), [(1, false, false)]);
    }

    #[test]
    fn a_source_that_is_the_same_or_was_never_there_leaves_nothing() {
        assert_eq!(fates(&[layer(&[], &[("app/m.py", "token")], &[])]), []);
        assert_eq!(fates(&[layer(&[], &[("app/n.py", "x")], &["app/k.py", "other"])]), []);
        let (first, second) = (layer(&[PYC], &[], &[]), layer(&[], &[("app/m.py", "new")], &[]));
        assert_eq!(residues(&[&first, &second]), []);
    }
}
