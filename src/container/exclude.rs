//! What `--exclude` leaves out: glob patterns over the paths below a container's root.

use globset::Candidate;
use globset::GlobBuilder;
use globset::GlobSet;
use globset::GlobSetBuilder;

use crate::name;

/// Patterns for what is left out.
///
/// As in a `.gitignore` file, a pattern without a slash matches the last part of a path anywhere, one with a slash matches from
/// the root on; `*` stays within one part, `**` does not. A slash at either end changes nothing else. Unlike there, nothing
/// can be taken in again.
#[derive(Clone, Debug)]
pub struct Exclude {
    /// All patterns at once.
    patterns: GlobSet,
}

impl Default for Exclude {
    fn default() -> Self {
        Self { patterns: GlobSet::empty() }
    }
}

impl Exclude {
    /// Compiles the patterns. The error says which one is malformed, and is the user's.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let body = pattern.strip_suffix('/').unwrap_or(pattern);
            let whole = if body.contains('/') { body.trim_start_matches('/').to_owned() } else { format!("**/{body}") };
            set.add(GlobBuilder::new(&whole).literal_separator(true).build()?);
        }
        Ok(Self { patterns: set.build()? })
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a pattern matches this path itself.
    pub fn matches(&self, path: &[u8]) -> bool {
        !self.patterns.is_empty() && self.patterns.is_match_candidate(&Candidate::from_bytes(path))
    }

    /// Whether a pattern matches this path or a folder that it lies in: what members of an archive are asked, since nobody
    /// walked through their folders.
    pub fn covers(&self, path: &[u8]) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let mut path = path;
        while !path.is_empty() {
            if self.matches(path) {
                return true;
            }
            path = name::split_last(path).0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, paths: &[(&str, bool)]) {
        let exclude = Exclude::new([pattern]).unwrap();
        for &(path, expected) in paths {
            assert_eq!(exclude.covers(path.as_bytes()), expected, "`{pattern}` on `{path}`");
        }
    }

    #[test]
    fn a_pattern_without_a_slash_matches_at_any_depth() {
        check("*.pyc", &[("a.pyc", true), ("x/y/a.pyc", true), ("a.py", false)]);
        check("tests", &[("tests/a.pyc", true), ("x/tests/y/a.pyc", true), ("mytests/a.pyc", false)]);
        check("tests/", &[("x/tests/a.pyc", true)]);
    }

    #[test]
    fn a_pattern_with_a_slash_matches_from_the_root() {
        check("x/tests", &[("x/tests/a.pyc", true), ("y/x/tests/a.pyc", false)]);
        check("/x/*.pyc", &[("x/a.pyc", true), ("x/y/a.pyc", false)]);
        check("x/**", &[("x/a/b.pyc", true), ("xx/b", false)]);
    }

    #[test]
    fn a_name_that_is_not_text_can_be_excluded() {
        let exclude = Exclude::new(["*.pyc"]).unwrap();
        assert!(exclude.matches(b"\xff\xfe/\xff.pyc"));
        assert!(Exclude::new(["a[b"]).is_err());
    }
}
