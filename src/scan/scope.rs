//! A container being scanned, with what all its members share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::artifact::Locator;
use crate::artifact::Times;
use crate::container;
use crate::container::Container;
use crate::container::Kind;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::Oddity;
use crate::fingerprint;
use crate::image;
use crate::limits::Limits;
use crate::manifest;
use crate::manifest::Manifest;
use crate::name;
use crate::name::Name;
use crate::record::Record;
use crate::scan::budget::Budget;
use crate::scan::pair::HashIndexes;

/// A container being scanned.
pub(crate) struct Scope {
    /// The container.
    pub(crate) container: Box<dyn Container>,
    /// Where it is.
    pub(crate) locator: Locator,
    /// The folder on disk that it is, for trees.
    pub(crate) root: Option<PathBuf>,
    /// The same with links resolved, as bytes: what paths of a `PYTHONPYCACHEPREFIX` tree mirror. Empty for archives.
    pub(crate) real_root: Vec<u8>,
    /// The only members to scan, when one was named and the others are there for its source's sake.
    pub(crate) only: Option<Vec<MemberId>>,
    /// The RECORD of a wheel.
    pub(crate) record: Option<Record>,
    /// The `Requires-Python` of a wheel.
    pub(crate) requires_python: Option<String>,
    /// The list of files of a package that is no wheel.
    pub(crate) manifest: Option<Manifest>,
    /// The images in it: the layers of each, the lowest first.
    pub(crate) images: Vec<Vec<MemberId>>,
    /// Whether it is a layer of an image itself.
    pub(crate) is_layer: bool,
    /// What the archives in it may take, when it is in an archive itself.
    pub(crate) budget: Option<Arc<Budget>>,
    /// What the `.pth` files of its `site-packages` import.
    pub(crate) startup: BTreeMap<String, Locator>,
    /// The archive file's own times.
    pub(crate) times: Times,
    /// The archive file's size.
    pub(crate) size: Option<u64>,
    /// How many archives it is inside of.
    pub(crate) depth: u32,
    /// Whether it is a part of a frozen program.
    pub(crate) is_frozen: bool,
    /// Which source has which hash, made when a pyc's hash is not its own source's.
    pub(crate) hash_indexes: HashIndexes,
    /// The oddities that are about a member, by member.
    oddities: BTreeMap<MemberId, Vec<usize>>,
}

impl Scope {
    /// A scope for a folder on disk.
    pub(crate) fn tree(container: Box<dyn Container>, root: PathBuf, only: Option<Vec<MemberId>>) -> Self {
        let locator = Locator::file(&root);
        let real_root =
            fs::canonicalize(&root).map(|real| real.into_os_string().into_encoded_bytes()).unwrap_or_default();
        Self { root: Some(root), real_root, only, ..Self::archive(container, locator, 0) }
    }

    /// A scope for an archive.
    pub(crate) fn archive(container: Box<dyn Container>, locator: Locator, depth: u32) -> Self {
        let mut oddities: BTreeMap<MemberId, Vec<usize>> = BTreeMap::new();
        for (index, oddity) in container.oddities().iter().enumerate() {
            if let Some(member) = oddity.member {
                oddities.entry(member).or_default().push(index);
            }
        }
        Self {
            is_frozen: container.kind().is_frozen(),
            container,
            locator,
            root: None,
            real_root: Vec::new(),
            only: None,
            record: None,
            requires_python: None,
            manifest: None,
            images: Vec::new(),
            is_layer: false,
            budget: None,
            startup: BTreeMap::new(),
            times: Times::default(),
            size: None,
            depth,
            hash_indexes: HashIndexes::default(),
            oddities,
        }
    }

    /// Reads what a wheel, a conda or RPM package or an image says of itself.
    #[must_use]
    pub(crate) fn with_record(mut self, limits: &Limits) -> Self {
        if self.container.kind() == Kind::Wheel {
            let listing = self.container.listing();
            let is_info = |folder: &&[u8]| folder.ends_with(b".dist-info") && !folder.contains(&b'/');
            let [record, metadata] = [&b"RECORD"[..], b"METADATA"].map(|file| {
                let member = listing.folders().filter(is_info).find_map(|folder| listing.find(folder, file))?;
                let content = self.container.read(member.id, limits.member_size);
                content.problems.is_empty().then_some(content.bytes)
            });
            self.record = record.map(|bytes| Record::parse(&bytes, limits).value);
            self.requires_python = metadata.as_deref().and_then(requires_python);
        }
        match self.container.kind() {
            Kind::Conda => self.manifest = conda_manifest(self.container.as_ref(), limits),
            Kind::Image => self.images = image::images(self.container.as_ref()),
            _ => {}
        }
        self.manifest = self.manifest.or_else(|| self.container.manifest().cloned());
        self
    }

    /// Reads what its `.pth` files import: those of `site-packages` on disk, or of a wheel's top, which is installed there.
    /// What cannot be read is left out here; whoever reads the member for itself reports it.
    #[must_use]
    pub(crate) fn with_startup(mut self) -> Self {
        let listing = self.container.listing();
        let is_site: fn(&[u8]) -> bool = match self.container.kind() {
            Kind::Directory => |folder| folder.ends_with(b"site-packages") || folder.ends_with(b"dist-packages"),
            Kind::Wheel => |folder| folder.is_empty() || folder.ends_with(b".data/purelib"),
            _ => return self,
        };
        let files = listing.members().filter(|member| {
            member.kind == MemberKind::File && member.file().ends_with(b".pth") && is_site(member.folder())
        });
        let mut startup = BTreeMap::new();
        for member in files.take(PTH_FILES) {
            let content = self.container.read(member.id, PTH_SIZE);
            let file = self.locate(member.id);
            for module in pth_imports(&content.bytes).filter(|module| module.len() <= MODULE_NAME).take(PTH_IMPORTS) {
                let dots = module.iter().enumerate().filter(|&(_, &byte)| byte == b'.').map(|(at, _)| at);
                for end in dots.chain([module.len()]) {
                    let name = name::shown(module.get(..end).unwrap_or_default());
                    startup.entry(name).or_insert_with(|| file.clone());
                }
            }
        }
        self.startup = startup;
        self
    }

    /// Whether it is a folder on disk.
    pub(crate) fn is_tree(&self) -> bool {
        self.root.is_some()
    }

    /// Whether the digests of its files are listed in it, so that all are read.
    pub(crate) fn is_listed(&self) -> bool {
        self.record.is_some() || self.manifest.is_some()
    }

    /// Where a member is.
    pub(crate) fn locate(&self, member: MemberId) -> Locator {
        let Some(found) = self.container.listing().get(member) else { return self.locator.clone() };
        match &self.root {
            Some(root) => Locator::file(on_disk(root, &found.path())),
            None => self.locator.member(found.name()),
        }
    }

    /// Where a path below the container's root is.
    pub(crate) fn locate_path(&self, path: &Name) -> Locator {
        match &self.root {
            Some(root) => Locator::file(on_disk(root, path.as_bytes())),
            None => self.locator.member(path.clone()),
        }
    }

    /// The parts of a locator that stay when the tree moves and the archive is rebuilt: for a file of a tree its path below the
    /// root; for an archive its own name and the members on the way in, without versions.
    pub(crate) fn path_below<'a>(&self, locator: &'a Locator) -> Vec<Cow<'a, [u8]>> {
        let artifact = &locator.artifact;
        let outermost = match self.root.as_ref().and_then(|root| artifact.strip_prefix(root).ok()) {
            Some(below) => Cow::Borrowed(below.as_os_str().as_encoded_bytes()),
            None => fingerprint::without_version(artifact.file_name().unwrap_or_default().as_encoded_bytes()),
        };
        let mut parts = vec![outermost];
        let mut archive = artifact.file_name().unwrap_or_default().as_encoded_bytes();
        for name in &locator.inner {
            let member = fingerprint::member_without_version(name.as_bytes(), archive);
            archive = name.last();
            let last = fingerprint::without_version(archive);
            parts.push(if *last == *archive {
                member
            } else {
                let folder = member.len().saturating_sub(archive.len());
                Cow::Owned([member.get(..folder).unwrap_or_default(), &last].concat())
            });
        }
        parts
    }

    /// The oddities about a member.
    pub(crate) fn oddities_of(&self, member: MemberId) -> Vec<&Oddity> {
        let all = self.container.oddities();
        self.oddities.get(&member).into_iter().flatten().filter_map(|&index| all.get(index)).collect()
    }

    /// Scans only the member of an archive that is named at its depth.
    pub(crate) fn choose(&mut self, names: Option<&[Name]>) {
        let Some(names) = names else { return };
        let Some(name) = usize::try_from(self.depth).ok().and_then(|depth| names.get(depth)) else { return };
        let listing = self.container.listing();
        self.only = Some(listing.find_path(name.as_bytes()).map(|member| member.id).into_iter().collect());
    }

    /// The members to scan: all that are no folder records, or the chosen ones.
    pub(crate) fn members(&self) -> Vec<MemberId> {
        let listing = self.container.listing();
        match &self.only {
            Some(only) => only.clone(),
            None => {
                listing.members().filter(|member| member.kind != MemberKind::Folder).map(|member| member.id).collect()
            }
        }
    }
}

/// The `Requires-Python` of core metadata, whose fields end at an empty line.
fn requires_python(metadata: &[u8]) -> Option<String> {
    let lines = metadata.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    let field = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        let (name, value) = line.split_at_checked(REQUIRES.len())?;
        name.eq_ignore_ascii_case(REQUIRES).then_some(value)
    })?;
    std::str::from_utf8(field).ok().map(|text| text.trim().to_owned())
}

/// The name of that field.
const REQUIRES: &[u8] = b"Requires-Python:";

/// The list of files that a tar of conda has.
pub(crate) fn conda_manifest(container: &dyn Container, limits: &Limits) -> Option<Manifest> {
    let member = container.listing().find_path(manifest::CONDA)?;
    let content = container.read(member.id, limits.source_size);
    content.problems.is_empty().then(|| Manifest::conda(&content.bytes))
}

/// The list of files that the `control.tar` of a Debian package has.
pub(crate) fn debian_manifest(container: &dyn Container, limits: &Limits) -> Option<Manifest> {
    let listing = container.listing();
    let read = |file: &[u8]| {
        let member = [&b"."[..], b""].into_iter().find_map(|folder| listing.find(folder, file))?;
        let content = container.read(member.id, limits.source_size);
        content.problems.is_empty().then_some(content.bytes)
    };
    Some(Manifest::debian(&read(b"md5sums")?, &read(b"conffiles").unwrap_or_default(), limits))
}

/// How many `.pth` files of a container are read; honest installations have a handful.
const PTH_FILES: usize = 256;

/// How much of each is read: they are lists of folders, and the longest line of an honest one has some 1,000 bytes.
const PTH_SIZE: u64 = 64 << 10;

/// How many imports of each are kept; honest files have one or two.
const PTH_IMPORTS: usize = 100;

/// How long the dotted name of a module may be: no file system has longer names.
const MODULE_NAME: usize = 255;

/// The modules that the lines of a `.pth` file import: `site` runs each line that begins with `import` and a space or tab
/// (`addpackage` in CPython's Lib/site.py). Only plain statements are understood.
fn pth_imports(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|&byte| byte == b'\n' || byte == b'\r');
    let run = lines.filter(|line| line.starts_with(b"import ") || line.starts_with(b"import\t"));
    run.flat_map(|line| line.split(|&byte| byte == b';')).flat_map(|statement| {
        let statement = statement.trim_ascii();
        // `import a, b.c as d` names several modules; `from a import b, c` one.
        let (names, most) = match (statement.strip_prefix(b"import"), statement.strip_prefix(b"from")) {
            (Some(names), _) => (names, usize::MAX),
            (None, Some(names)) => (names, 1),
            (None, None) => (&b""[..], 0),
        };
        let names = if names.first().is_some_and(u8::is_ascii_whitespace) { names } else { b"" };
        names
            .split(|&byte| byte == b',')
            .take(most)
            .filter_map(|name| name.trim_ascii().split(u8::is_ascii_whitespace).next().filter(|name| !name.is_empty()))
    })
}

/// A path below a root. A name that the system cannot write was not found there.
fn on_disk(root: &Path, path: &[u8]) -> PathBuf {
    container::on_disk(root, path).unwrap_or_else(|_| root.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requires_python_is_a_field_and_no_line_of_the_description() {
        let found = |text: &str| requires_python(text.as_bytes());
        assert_eq!(found("Name: a\r\nrequires-python:  >=3.9 \r\n\r\n"), Some(">=3.9".to_owned()));
        assert_eq!(found("Name: a\n\nRequires-Python: >=3.9\n"), None);
    }

    #[test]
    fn only_lines_that_site_runs_import_modules() {
        let text = b"/opt/lib\nimport a, b.c as d; import e\r\n import f\nimport\tg; x = 1; from h.i import j\n#import k\nimportl\n";
        let modules: Vec<&[u8]> = pth_imports(text).collect();
        assert_eq!(modules, [&b"a"[..], b"b.c", b"e", b"g", b"h.i"]);
    }
}
