//! PYC105.

use crate::place::Place;
use crate::place::PlaceKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::host_leak;

declare_rule! {
    /// ## What it reports
    /// A pyc whose name no interpreter would give it: text around the cache tag (` 2`, ` (1)`, `(conflicted copy 2019-11-22)`),
    /// a tag of no known interpreter, no tag in a `__pycache__` folder, an optimisation level that no start
    /// has. Names that test and typing hooks make are `PYC106`, those that name a machine or person `PYC602`.
    ///
    /// ## Why it matters
    /// No import looks for such a file. It is a copy, often an older one than the file beside it.
    ///
    /// ## Innocent causes
    /// Services that synchronise folders, copies made in a file manager, Python 2 files moved by hand.
    ///
    /// ## What to do
    /// Delete it, and keep `__pycache__` out of what is synchronised and shipped.
    ///
    /// ## References
    /// PEP 3147, PEP 488.
    id: "PYC105",
    name: "odd-cache-tag",
    summary: "no interpreter gives a pyc such a name",
    severity: Info,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let place = context.place;
    let extension = place.extension.as_bytes();
    let is_named_so = extension.eq_ignore_ascii_case(b"pyc") || extension.eq_ignore_ascii_case(b"pyo");
    if !is_named_so || place.hook().is_some() || host_leak::machine_or_person(place).is_some() {
        return;
    }
    if let Some((message, observed)) = oddity(place) {
        findings.add(format!("`{}` {message}", context.module)).compared("", observed);
    }
}

/// What is odd about a name, in words, and the part of the name that it is about.
fn oddity(place: &Place) -> Option<(String, String)> {
    let (tag, extra, optimization) = (&place.tag, &place.extra, &place.optimization);
    if !extra.as_bytes().is_empty() {
        return Some((format!("has `{extra}` in its file name besides module and tag"), extra.to_string()));
    }
    if place.kind == PlaceKind::Cache && tag.as_bytes().is_empty() {
        return Some((String::from("is in a `__pycache__` folder without a cache tag"), String::new()));
    }
    // PyPy named its own version first, which does not tell the language (`pypy3-58`); Jython's tag tells no more.
    let is_known = tag.as_bytes().starts_with(b"pypy3-") || tag.as_bytes().starts_with(b"jython-");
    if !tag.as_bytes().is_empty() && !is_known && place.tag_version().is_none() {
        return Some((format!("has the cache tag `{tag}`, which no known interpreter uses"), tag.to_string()));
    }
    if !matches!(optimization.as_bytes(), b"" | b"1" | b"2") {
        return Some((
            format!("has `opt-{optimization}` in its name, a level that no start has"),
            optimization.to_string(),
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(name: &str) -> Case {
        Case::tree().file(name, Pyc::python("3.12").build(), 1)
    }

    #[test]
    fn flags_copies() {
        let finding = case("__pycache__/m.cpython-312 (conflicted copy 2019-11-22).pyc").flags(&RULE);
        assert_eq!(finding.observed, " (conflicted copy 2019-11-22)");
        let finding = case("__pycache__/m.cpython-312 (1).pyc").flags(&RULE);
        assert_eq!(finding.message, "`m` has ` (1)` in its file name besides module and tag");
        case("m 2.pyc").flags(&RULE);
    }

    #[test]
    fn flags_tags_that_nobody_has() {
        case("__pycache__/m.pyc").flags(&RULE);
        case("__pycache__/m.unheard-of.pyc").flags(&RULE);
        case("__pycache__/m.cpython-312.opt-3.pyc").flags(&RULE);
    }

    #[test]
    fn passes_names_of_interpreters_and_hooks() {
        for name in [
            "m.pyc",
            "__pycache__/m.cpython-312.pyc",
            "__pycache__/m.cpython-312.opt-2.pyc",
            "__pycache__/m.cpython-34.pyo",
            "__pycache__/m.pypy3-58.pyc",
            "__pycache__/a.b.cpython-312.pyc",
            "__pycache__/m.cpython-312-pytest-8.3.3.pyc",
            "__pycache__/m.cpython-312-DESKTOP-A96PE4D.pyc",
            "__pycache__/m.cpython-312.opt-typeguard.pyc",
            "__pycache__/m.cpython-312.pyc.140230",
        ] {
            case(name).passes(&RULE);
        }
    }
}
