//! PYC315.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::container::Kind;
use crate::container::Member;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::name;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::PycFacts;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Two pycs, or two sources of one archive, whose paths differ only in upper and lower case, or in the way that accented letters
    /// are written (Unicode normal forms). Two members of one and the same name are reported as `PYC806`.
    ///
    /// ## Why it matters
    /// On macOS and Windows both are one file: which of them is left depends on the order of unpacking, and so does what runs.
    /// Names in different normal forms look the same everywhere.
    ///
    /// ## Innocent causes
    /// Projects that are only used on systems where case counts.
    ///
    /// ## Severity
    /// Medium; low when only case differs and both have their source, or are sources.
    ///
    /// ## What to do
    /// Rename one of the modules.
    ///
    /// ## References
    /// UAX 15; PEP 235 (import on case-insensitive platforms).
    id: "PYC315",
    name: "name-collision",
    summary: "two pycs or sources whose names differ only in case or Unicode normal form",
    severity: Medium,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    check_sources(context, findings);
    // Of two names that collide at least one has a capital or a letter beyond ASCII; the others are looked up, not kept.
    let mut folded: HashMap<Vec<u8>, Seen<'_>> = HashMap::new();
    let path_of = |id: MemberId| context.container.member(id).map(Member::path);
    for facts in context.pycs {
        let Some(path) = path_of(facts.member).filter(|path| !is_plain(path)) else { continue };
        let key = fold(&path);
        folded.entry(key).or_insert(Seen { path: None, facts });
    }
    if folded.is_empty() {
        return;
    }
    for facts in context.pycs {
        let Some(path) = path_of(facts.member) else { continue };
        let seen = if is_plain(&path) { folded.get_mut(&path) } else { folded.get_mut(&fold(&path)) };
        let Some(seen) = seen else { continue };
        let Some(first) = &seen.path else {
            seen.path = Some(path);
            seen.facts = facts;
            continue;
        };
        if *first == path {
            continue;
        }
        let only_case = first.eq_ignore_ascii_case(&path);
        let how = if only_case { "case" } else { "the way that Unicode writes it" };
        let message = format!("`{}` and `{}` differ only in {how}", name::shown(first), name::shown(&path));
        let finding = findings.add(message);
        finding.compared("one name", "two").about(context.container.locate(facts.member));
        if only_case && facts.has_source && seen.facts.has_source {
            finding.severity(Severity::Low);
        }
    }
}

/// The same for the sources of an archive, of which an unpacker leaves one.
fn check_sources(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    if context.container.kind() == Kind::Directory {
        return;
    }
    let listing = context.container.listing();
    let sources =
        || listing.members().filter(|member| member.kind == MemberKind::File && member.file().ends_with(b".py"));
    let keys = sources().map(Member::path).filter(|path| !is_plain(path)).map(|path| fold(&path));
    let mut first: HashMap<Vec<u8>, Option<Vec<u8>>> = keys.map(|key| (key, None)).collect();
    if first.is_empty() {
        return;
    }
    for member in sources() {
        let path = member.path();
        let Some(first) = first.get_mut(&fold(&path)) else { continue };
        let first = first.get_or_insert_with(|| path.clone());
        if *first == path {
            continue;
        }
        let only_case = first.eq_ignore_ascii_case(&path);
        let how = if only_case { "case" } else { "the way that Unicode writes it" };
        let finding =
            findings.add(format!("`{}` and `{}` differ only in {how}", name::shown(first), name::shown(&path)));
        finding.compared("one name", "two").about(context.container.locate(member.id));
        if only_case {
            finding.severity(Severity::Low);
        }
    }
}

/// The first pyc of a folded name.
struct Seen<'a> {
    /// Its path, once the second pass has come by.
    path: Option<Vec<u8>>,
    facts: &'a PycFacts,
}

fn is_plain(path: &[u8]) -> bool {
    path.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

/// The path as a file system would compare it that ignores case and normal forms.
fn fold(path: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(path) {
        Ok(text) if !text.is_ascii() => {
            let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
            lower.nfc().collect::<String>().into_bytes()
        }
        _ => path.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn pycs(names: &[&str]) -> Case {
        let pyc = Pyc::python("3.12").build();
        Case::zip(names.iter().fold(Zip::new(), |zip, name| zip.file(name, &pyc)))
    }

    #[test]
    fn flags_names_that_differ_in_case() {
        let finding = pycs(&["p/M.pyc", "p/m.pyc"]).flags(&RULE);
        assert_eq!(
            (finding.severity, finding.message.as_str()),
            (Severity::Medium, "`p/M.pyc` and `p/m.pyc` differ only in case")
        );
        pycs(&["P/m.pyc", "p/m.pyc"]).flags(&RULE);
    }

    #[test]
    fn flags_names_in_two_normal_forms() {
        pycs(&["caf\u{e9}.pyc", "cafe\u{301}.pyc"]).flags(&RULE);
    }

    #[test]
    fn flags_case_lower_when_both_have_their_source() {
        let pyc = Pyc::python("3.12").build();
        let tree = Case::tree().file("M.py", "", 1).file("m.py", "", 1);
        let tree = tree.file("__pycache__/M.cpython-312.pyc", pyc.clone(), 1);
        assert_eq!(tree.file("__pycache__/m.cpython-312.pyc", pyc, 1).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn flags_sources_of_one_archive() {
        let zip = |names: [&str; 2]| Case::zip(Zip::new().file(names[0], "").file(names[1], "x"));
        assert_eq!(zip(["p/M.py", "p/m.py"]).flags(&RULE).severity, Severity::Low);
        assert_eq!(zip(["caf\u{e9}.py", "cafe\u{301}.py"]).flags(&RULE).severity, Severity::Medium);
        zip(["p/M.py", "p/M.py"]).passes(&RULE);
        zip(["p/M.txt", "p/m.txt"]).passes(&RULE);
    }

    #[test]
    fn passes_different_names_and_duplicates_of_one() {
        pycs(&["p/M.pyc", "p/N.pyc", "p/n/m.pyc"]).passes(&RULE);
        pycs(&["M.pyc", "M.pyc"]).passes(&RULE);
        pycs(&["cafe.pyc", "caf\u{e9}.pyc"]).passes(&RULE);
    }
}
