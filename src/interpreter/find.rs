//! Which interpreters are on the machine: on `PATH`, of pyenv and of uv.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

/// The programs that look like interpreters, each once, by their real paths, in order.
///
/// A program of the trees that are scanned is no tool of ours and is left out, and so is a script: the shims of pyenv are some,
/// and what they run is found by itself. Links are followed before a program is run, so that no `pyvenv.cfg` beside a
/// link says where the standard library is.
pub(super) fn find(scanned: &[PathBuf]) -> Vec<PathBuf> {
    let scanned: Vec<PathBuf> = scanned.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut found = BTreeSet::new();
    for folder in folders() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if !is_interpreter(&entry.file_name()) {
                continue;
            }
            let Ok(path) = entry.path().canonicalize() else { continue };
            if is_program(&path) && !scanned.iter().any(|scanned| path.starts_with(scanned)) {
                found.insert(path);
            }
        }
    }
    found.into_iter().collect()
}

/// The folders that may hold interpreters.
fn folders() -> Vec<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    // A relative entry means another folder wherever one stands, and may be one of what is scanned.
    let mut folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let home = set("HOME");
    let pyenv = set("PYENV_ROOT").or_else(|| Some(home.as_ref()?.join(".pyenv"))).map(|root| root.join("versions"));
    let data = set("XDG_DATA_HOME").or_else(|| Some(home.as_ref()?.join(".local/share")));
    let uv = set("UV_PYTHON_INSTALL_DIR").or_else(|| Some(data?.join("uv/python")));
    for installed in [pyenv, uv].into_iter().flatten().filter(|folder| folder.is_absolute()) {
        let versions = fs::read_dir(installed).into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
    }
    folders
}

/// `python`, `python3`, `python3.12`, `pypy3.10`; not `python3-config`.
fn is_interpreter(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let version = name.strip_prefix(b"python").or_else(|| name.strip_prefix(b"pypy"));
    version.is_some_and(|version| version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))
}

/// Whether a file is regular and no script.
fn is_program(path: &Path) -> bool {
    let mut start = [0; 2];
    fs::metadata(path).is_ok_and(|status| status.is_file())
        && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start != *b"#!"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_told_by_their_names() {
        for name in ["python", "python3", "python3.12", "python2.7", "pypy", "pypy3.10"] {
            assert!(is_interpreter(OsStr::new(name)), "{name}");
        }
        for name in ["python3-config", "python3.12m", "pythonw", "pip", "bpython", "pypy3-c"] {
            assert!(!is_interpreter(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_script_is_no_program() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("python");
        fs::write(&script, "#!/bin/sh\n").unwrap();
        assert!(!is_program(&script));
        assert!(!is_program(folder.path()));
        assert!(is_program(&env::current_exe().unwrap()));
    }
}
