//! Rules that are ignored for some paths: `[per-path-ignores]` of the configuration.

use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::container::Exclude;
use crate::name;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::rules::select;

use super::By;
use super::SourceUse;
use super::Unused;
use super::is_coverage;
use super::paths_of;

/// Patterns and the rules that are ignored where they match.
#[derive(Debug)]
pub struct PathIgnores {
    /// The configuration, escaped.
    file: String,
    /// The folder that it lies in.
    folder: PathBuf,
    patterns: Vec<Pattern>,
}

/// One pattern.
#[derive(Debug)]
struct Pattern {
    glob: String,
    matcher: Exclude,
    words: Vec<Word>,
}

/// A rule or family that it ignores.
#[derive(Debug)]
struct Word {
    /// As it was written.
    text: String,
    rules: Vec<&'static Rule>,
    used: AtomicBool,
}

/// Why a table of ignores cannot be used; the user's to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A word that names no rule.
    #[error("no rule is called `{1}`; `pycaudit explain` lists them")]
    Rule(String, String),
    /// A pattern that is malformed.
    #[error("`{0}` is no pattern: {1}")]
    Pattern(String, String),
}

impl Unfit {
    /// The pattern of the line that is at fault.
    pub fn pattern(&self) -> &str {
        match self {
            Self::Rule(pattern, _) | Self::Pattern(pattern, _) => pattern,
        }
    }
}

impl PathIgnores {
    /// Those of a configuration in a folder, given as patterns with the rules that each ignores.
    pub fn new(file: String, folder: &Path, table: &[(String, Vec<String>)]) -> Result<Self, Unfit> {
        let patterns = table.iter().map(|(glob, words)| {
            let matcher = Exclude::new([glob.as_str()])
                .map_err(|error| Unfit::Pattern(glob.clone(), error.kind().to_string()))?;
            let words = words.iter().map(|word| {
                let rules = select(std::slice::from_ref(word), &[])
                    .map_err(|unknown| Unfit::Rule(glob.clone(), unknown))?
                    .into_iter()
                    .filter(|rule| !needs_its_name(rule) || is_named(rule, word))
                    .collect();
                Ok(Word { text: word.clone(), rules, used: AtomicBool::new(false) })
            });
            Ok(Pattern { glob: glob.clone(), matcher, words: words.collect::<Result<_, _>>()? })
        });
        Ok(Self { file, folder: folder.to_owned(), patterns: patterns.collect::<Result<_, _>>()? })
    }

    /// The pattern that suppresses a finding.
    pub(super) fn find(&self, finding: &Finding, roots: &[PathBuf]) -> Option<&str> {
        let is_of = |word: &Word| word.rules.iter().any(|rule| rule.id == finding.rule.id);
        if !self.patterns.iter().flat_map(|pattern| &pattern.words).any(is_of) {
            return None;
        }
        let paths = paths_of(&finding.locator, roots, &self.folder);
        let mut found = None;
        for pattern in &self.patterns {
            let mut words = pattern.words.iter().filter(|word| is_of(word)).peekable();
            if words.peek().is_some() && paths.iter().any(|path| pattern.matcher.covers(path)) {
                words.for_each(|word| word.used.store(true, Ordering::Relaxed));
                found = found.or(Some(pattern.glob.as_str()));
            }
        }
        found
    }

    /// What became of them.
    pub(super) fn used(&self, rules: &[&'static Rule]) -> SourceUse {
        let runs = |word: &Word| word.rules.iter().any(|mine| rules.iter().any(|rule| rule.id == mine.id));
        let all = self.patterns.iter().flat_map(|pattern| pattern.words.iter().map(move |word| (pattern, word)));
        let all: Vec<_> = all.filter(|(_, word)| runs(word)).collect();
        let unused = all.iter().filter(|(_, word)| !word.used.load(Ordering::Relaxed));
        let unused = unused.map(|(pattern, word)| Unused {
            rule: name::shown_text(&word.text),
            place: name::shown_text(&pattern.glob),
            fingerprint: String::new(),
        });
        SourceUse::new(By::PathIgnores, &self.file, all.len(), unused.collect())
    }
}

/// Whether a family does not take a rule along: it says what was not read or not compared, and high with `--strict`.
fn needs_its_name(rule: &Rule) -> bool {
    is_coverage(rule.id) || rule.id == "PYC218"
}

fn is_named(rule: &Rule, word: &str) -> bool {
    word.eq_ignore_ascii_case(rule.id) || word == rule.name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Locator;
    use crate::name::Name;
    use crate::rules::RULES;

    fn finding(rule: &str, artifact: &str, member: Option<&str>) -> Finding {
        let rule = RULES.iter().find(|known| known.id == rule).unwrap();
        Finding {
            rule,
            severity: rule.severity,
            locator: Locator {
                artifact: Path::new(artifact).into(),
                inner: member.map(Name::from).into_iter().collect(),
            },
            message: String::new(),
            offset: None,
            line: None,
            expected: String::new(),
            observed: String::new(),
            fingerprint: String::new(),
        }
    }

    fn ignores(table: &[(&str, &[&str])]) -> Result<PathIgnores, Unfit> {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let table: Vec<_> = table.iter().map(|(glob, rules)| ((*glob).to_owned(), words(rules))).collect();
        PathIgnores::new("pycaudit.toml".to_owned(), Path::new("/project"), &table)
    }

    #[test]
    fn a_pattern_is_below_what_is_scanned_or_below_the_configuration_or_in_an_archive() {
        let roots = [PathBuf::from("/project/vendor"), PathBuf::from("/elsewhere")];
        for (pattern, artifact, member, is_found) in [
            ("vendor/old", "/project/vendor/old/m.pyc", None, true),
            ("old", "/project/vendor/old/m.pyc", None, true),
            ("old/m.pyc", "/project/vendor/old/m.pyc", None, true),
            ("elsewhere/m.pyc", "/elsewhere/m.pyc", None, false),
            ("m.pyc", "/elsewhere/m.pyc", None, true),
            ("pkg/*.pyc", "/elsewhere/a.whl", Some("pkg/m.pyc"), true),
            ("a.whl", "/elsewhere/a.whl", Some("pkg/m.pyc"), true),
            ("tests", "/elsewhere/a.whl", Some("pkg/m.pyc"), false),
        ] {
            let found = ignores(&[(pattern, &["PYC109"])]).unwrap();
            let found = found.find(&finding("PYC109", artifact, member), &roots).is_some();
            assert_eq!(found, is_found, "`{pattern}` on {artifact} {member:?}");
        }
    }

    #[test]
    fn a_family_takes_no_rule_along_that_says_what_was_not_looked_at() {
        let table = ignores(&[("a", &["PYC2"]), ("b", &["PYC218", "unreadable"]), ("c", &["PYC9"])]).unwrap();
        let found = |rule, path| table.find(&finding(rule, path, None), &["/x".into()]).is_some();
        assert!(found("PYC203", "/x/a"));
        assert!(!found("PYC218", "/x/a") && !found("PYC901", "/x/c"));
        assert!(found("PYC218", "/x/b") && found("PYC901", "/x/b"));
    }

    #[test]
    fn what_ignores_nothing_is_named_if_its_rule_ran() {
        let table = ignores(&[("a", &["PYC109", "PYC203"]), ("b", &["PYC109"])]).unwrap();
        assert!(table.find(&finding("PYC109", "/x/a", None), &["/x".into()]).is_some());
        let used = table.used(RULES);
        let unused: Vec<_> = used.unused.iter().map(|unused| (unused.rule.as_str(), unused.place.as_str())).collect();
        assert_eq!((used.entries, unused), (3, vec![("PYC109", "b"), ("PYC203", "a")]));
        let one = RULES.iter().copied().filter(|rule| rule.id == "PYC109").collect::<Vec<_>>();
        assert_eq!(table.used(&one).unused.len(), 1);
    }

    #[test]
    fn a_word_that_names_no_rule_and_a_malformed_pattern_are_errors() {
        assert_eq!(ignores(&[("a", &["PYC999"])]).unwrap_err(), Unfit::Rule("a".to_owned(), "PYC999".to_owned()));
        assert_eq!(ignores(&[("a[b", &["PYC109"])]).unwrap_err().pattern(), "a[b");
    }
}
