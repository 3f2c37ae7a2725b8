//! PYC903.

use crate::ledger::Fate;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// How many files, folders and members of a tree or archive were left out because of `--exclude`. A folder of a tree counts
    /// as one, since it was not looked into.
    ///
    /// ## Why it matters
    /// A report that says nothing of some files must say that it left them out.
    ///
    /// ## Innocent causes
    /// You asked for it.
    ///
    /// ## Severity
    /// Info; high with `--strict`, which allows nothing to be left out.
    ///
    /// ## What to do
    /// Nothing, if the patterns fit what you meant. The summary of the run counts these files too.
    id: "PYC903",
    name: "skipped-by-config",
    summary: "files were left out because of `--exclude`",
    severity: Info,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let excluded = context.ledger.get(Fate::Excluded);
    if excluded == 0 {
        return;
    }
    let finding = findings.add(format!("{excluded} of {} files or folders were left out", context.ledger.seen()));
    if context.strict {
        finding.severity(Severity::High);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Zip;

    fn case() -> Case {
        Case::zip(Zip::new().file("tests/m.pyc", "").file("p/m.pyc", "").file("p/n.pyc", ""))
    }

    #[test]
    fn counts_what_was_left_out() {
        let finding = case().exclude(&["tests/**"]).flags(&RULE);
        assert!(finding.message.starts_with("1 of 3") && finding.severity == Severity::Info);
        assert_eq!(case().exclude(&["tests/**"]).strict().flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn passes_when_nothing_was_left_out() {
        case().passes(&RULE);
        case().exclude(&["*.txt"]).passes(&RULE);
    }
}
