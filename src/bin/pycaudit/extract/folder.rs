//! The folder that is written to: every file is new, and no link in it is followed.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::extract::Cleared;

/// A folder that is written to.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Whether a file that is there is replaced.
    force: bool,
    /// Removes it in the end, when it is a folder of parts.
    _cleared: Option<Cleared>,
}

impl Folder {
    /// Makes the folder, or takes one that is there: an empty one, unless what is in it may be replaced.
    pub(super) fn open(root: &Path, force: bool) -> anyhow::Result<Self> {
        let shown = root.display();
        match fs::symlink_metadata(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(root).with_context(|| format!("cannot make the folder `{shown}`"))?;
            }
            Err(error) => return Err(error).with_context(|| format!("cannot use `{shown}`")),
            Ok(metadata) => {
                anyhow::ensure!(metadata.is_dir(), "`{shown}` is no folder");
                let is_empty = fs::read_dir(root).with_context(|| format!("cannot use `{shown}`"))?.next().is_none();
                anyhow::ensure!(
                    force || is_empty,
                    "`{shown}` is not empty; --force writes into it, and over what is there"
                );
            }
        }
        Ok(Self { root: root.to_owned(), force, _cleared: None })
    }

    /// A folder in it for what waits, which is removed in the end.
    pub(super) fn parts(&self, name: &str) -> anyhow::Result<Self> {
        let root = self.root.join(format!("{name}-{}", std::process::id()));
        fs::create_dir(&root).with_context(|| format!("cannot make the folder `{}`", root.display()))?;
        Ok(Self { _cleared: Some(Cleared(root.clone())), root, force: false })
    }

    /// Writes bytes under a name that says what they are; if that is there, so are they.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.root.join(name);
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => io::Write::write_all(&mut file, bytes),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Copies a file of another folder to a name.
    pub(super) fn copy(&self, from: &Self, name: &str, parts: &[String]) -> io::Result<()> {
        let mut source = File::open(from.root.join(name))?;
        let mut target = self.create(parts)?;
        io::copy(&mut source, &mut target)?;
        Ok(())
    }

    /// Creates a file and the folders that it is in.
    pub(super) fn create(&self, parts: &[String]) -> io::Result<File> {
        let mut path = self.root.clone();
        let (last, folders) = parts.split_last().ok_or(io::ErrorKind::InvalidInput)?;
        for folder in folders {
            path.push(folder);
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // A link to a folder is none: it may lead anywhere.
                    if !fs::symlink_metadata(&path)?.is_dir() {
                        let why = format!("`{}` is in the way and no folder", path.display());
                        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
                    }
                }
                made => made?,
            }
        }
        path.push(last);
        if self.force {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        // `create_new` neither follows a link nor takes a file that is there.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display())))
    }
}
