//! PYC906.

use crate::container::Kind;
use crate::ledger::Fate;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// An archive of which not every member was scanned, and how many were not.
    ///
    /// ## Why it matters
    /// "No findings" holds for the part that was scanned. An archive is installed as a whole.
    ///
    /// ## Innocent causes
    /// Encrypted or damaged members, limits.
    ///
    /// ## Severity
    /// Info; high with `--strict`. What stood in the way of each member is said by PYC810, PYC811, PYC901, PYC902 and PYC904.
    ///
    /// ## What to do
    /// Look at the findings of the single members.
    id: "PYC906",
    name: "partially-scanned",
    summary: "not every member of an archive was scanned",
    severity: Info,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    if context.container.kind() == Kind::Directory {
        return;
    }
    let (limited, unreadable) = (context.ledger.get(Fate::Limited), context.ledger.get(Fate::Unreadable));
    let missing = limited.saturating_add(unreadable);
    if missing == 0 {
        return;
    }
    let finding =
        findings.add(format!("{missing} of {} members were not scanned, or not wholly", context.ledger.seen()));
    finding.compared("every member", format!("{limited} beyond a limit, {unreadable} not readable"));
    if context.strict {
        finding.severity(Severity::High);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Zip;

    fn damaged() -> Zip {
        let bad = Entry::new("m.pyc", "x = 1").encoded(0, b"x = 2".to_vec());
        Zip::new().entry(bad).file("n.pyc", "").file("o.py", "")
    }

    #[test]
    fn counts_the_members_that_were_not_scanned() {
        let finding = Case::zip(damaged()).flags(&RULE);
        assert!(finding.message.starts_with("1 of 3") && finding.severity == Severity::Info);
        assert_eq!(Case::zip(damaged()).strict().flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn passes_an_archive_that_was_read_whole() {
        Case::zip(Zip::new().file("n.pyc", "").file("o.py", "")).passes(&RULE);
    }

    #[test]
    fn says_nothing_of_trees() {
        Case::tree().file("a.7z", b"7z\xbc\xaf\x27\x1c", 0).passes(&RULE);
    }
}
