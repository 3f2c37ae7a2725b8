//! Which rules run: `--select` and `--ignore`, by id, id prefix or name.

use crate::rules::RULES;
use crate::rules::Rule;

/// The rules that are selected and not ignored; with nothing selected, all that are not ignored. An id wins over a prefix: what
/// is selected by its whole id or name runs even when a prefix of it is ignored.
///
/// The error is the word that names no rule.
pub fn select(selected: &[String], ignored: &[String]) -> Result<Vec<&'static Rule>, String> {
    if let Some(unknown) = selected.iter().chain(ignored).find(|word| !RULES.iter().any(|rule| rank(rule, word) > 0)) {
        return Err(unknown.clone());
    }
    let best = |rule: &Rule, words: &[String]| words.iter().map(|word| rank(rule, word)).max().unwrap_or_default();
    let runs = |rule: &Rule| {
        let wanted = if selected.is_empty() { 1 } else { best(rule, selected) };
        wanted > 0 && wanted > best(rule, ignored)
    };
    Ok(RULES.iter().copied().filter(|rule| runs(rule) || (selected.is_empty() && best(rule, ignored) == 0)).collect())
}

/// How exactly a word names a rule: 0 not at all, the length of a prefix, or more than any prefix for the whole id or name.
fn rank(rule: &Rule, word: &str) -> usize {
    if word.eq_ignore_ascii_case(rule.id) || word == rule.name {
        return usize::MAX;
    }
    let prefix = rule.id.get(..word.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(word));
    if prefix && word.len() >= 3 { word.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(selected: &[&str], ignored: &[&str]) -> Vec<&'static str> {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        select(&words(selected), &words(ignored)).unwrap().iter().map(|rule| rule.id).collect()
    }

    #[test]
    fn without_words_every_rule_runs() {
        assert_eq!(ids(&[], &[]).len(), RULES.len());
    }

    #[test]
    fn a_prefix_selects_a_family() {
        let family = ids(&["PYC2"], &[]);
        assert!(!family.is_empty() && family.iter().all(|id| id.starts_with("PYC2")));
        assert_eq!(ids(&[], &["PYC2"]).len(), RULES.len() - family.len());
    }

    #[test]
    fn an_id_wins_over_a_prefix() {
        assert_eq!(ids(&["PYC203"], &["PYC2"]), ["PYC203"]);
        assert!(!ids(&["PYC2"], &["PYC203"]).contains(&"PYC203"));
    }

    #[test]
    fn a_word_that_names_no_rule_is_an_error() {
        assert_eq!(select(&["PYC2O3".to_owned()], &[]).unwrap_err(), "PYC2O3");
    }
}
