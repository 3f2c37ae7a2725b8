//! Where modules were built: the folder in front of a module's own path.

use std::collections::BTreeMap;

use crate::report::record::PycRecord;

use super::charts;
use super::charts::Bar;
use crate::report::words;

/// Folders that the chart names.
const SHOWN: usize = 10;
/// Folders that are counted one by one; beyond that somebody made them up.
const COUNTED: usize = 20_000;

/// What the chart calls paths that are relative.
const RELATIVE: &str = "a relative path";

/// The folder in which a module's place was when it was compiled: of `pkg.m` in `/home/alice/src/pkg/m.py` it is `/home/alice/src`.
/// Empty where the code names no file.
pub(super) fn of(pyc: &PycRecord) -> String {
    let Some(path) = pyc.build_path.as_deref().filter(|path| !path.starts_with('<')) else { return String::new() };
    let is_absolute = path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':');
    if !is_absolute {
        return RELATIVE.to_owned();
    }
    let mut folder = parent(path);
    for package in pyc.module.rsplit('.').skip(1) {
        match folder.strip_suffix(package).filter(|rest| rest.ends_with(['/', '\\'])) {
            Some(rest) => folder = rest.trim_end_matches(['/', '\\']),
            None => break,
        }
    }
    if folder.is_empty() { "/".to_owned() } else { words::clipped(folder) }
}

fn parent(path: &str) -> &str {
    path.rfind(['/', '\\']).and_then(|end| path.get(..end)).unwrap_or_default().trim_end_matches(['/', '\\'])
}

/// How many modules were built where.
#[derive(Default)]
pub(super) struct Roots {
    counts: BTreeMap<String, u64>,
    others: u64,
}

impl Roots {
    /// Counts a pyc.
    pub(super) fn add(&mut self, pyc: &PycRecord) {
        let root = of(pyc);
        if root.is_empty() {
            return;
        }
        if self.counts.len() >= COUNTED && !self.counts.contains_key(&root) {
            self.others += 1;
            return;
        }
        *self.counts.entry(root).or_default() += 1;
    }

    /// The folders, the most frequent first, and a note of those that are left out.
    pub(super) fn draw(&self) -> (Vec<Bar>, String) {
        let mut sorted: Vec<_> = self.counts.iter().map(|(root, &count)| (root.as_str(), count, "")).collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let left = sorted.split_off(SHOWN.min(sorted.len()));
        let files = left.iter().map(|&(_, count, _)| count).sum::<u64>() + self.others;
        let more = if files == 0 {
            String::new()
        } else {
            let folders = words::counted(words::length(&left), "folder", "folders");
            format!("and {folders} more with {}", words::counted(files, "file", "files"))
        };
        (charts::bars(sorted), more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(module: &str, path: &str) -> String {
        of(&PycRecord { module: module.to_owned(), build_path: Some(path.to_owned()), ..PycRecord::default() })
    }

    #[test]
    fn the_root_is_what_stands_in_front_of_the_packages() {
        assert_eq!(root("pkg.sub.m", "/home/alice/src/pkg/sub/m.py"), "/home/alice/src");
        assert_eq!(root("m", "/usr/lib/python3.12/m.py"), "/usr/lib/python3.12");
        assert_eq!(root("pkg.m", "C:\\\\src\\\\pkg\\\\m.py"), "C:\\\\src");
        assert_eq!(root("pkg.m", "pkg/m.py"), RELATIVE);
        assert_eq!(root("m", "/m.py"), "/");
        assert_eq!(root("m", "<frozen m>"), "");
    }
}
