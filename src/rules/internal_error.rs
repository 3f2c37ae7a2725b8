//! PYC905.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::ProblemContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A file or member on which pycaudit itself failed. The failure was caught and the scan went on.
    ///
    /// ## Why it matters
    /// The file was not scanned, or not wholly. A file that makes a scanner fail may have been made for that.
    ///
    /// ## Innocent causes
    /// A bug of pycaudit.
    ///
    /// ## Severity
    /// Info; high with `--strict`.
    ///
    /// ## What to do
    /// Report it to the project with the file, if you may share it, and look at the file by other means.
    id: "PYC905",
    name: "internal-error",
    summary: "pycaudit failed on a file",
    severity: Info,
    check: Problem(check),
}

fn check(context: &ProblemContext<'_>, findings: &mut Findings<'_>) {
    if context.problem.kind != ProblemKind::Internal {
        return;
    }
    let finding = findings.add(ProblemKind::Internal.message());
    finding.observed.clone_from(&context.problem.detail);
    if context.strict {
        finding.severity(Severity::High);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::problem::Problem;

    fn case(kind: ProblemKind) -> Case {
        Case::tree().with_tree(|tree| tree.file("m.pyc", "").problem(Problem::new(kind).with_detail("index")))
    }

    #[test]
    fn flags_a_failure_of_ours() {
        let finding = case(ProblemKind::Internal).flags(&RULE);
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::Info, "index"));
        assert_eq!(case(ProblemKind::Internal).strict().flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn passes_what_is_not_our_fault() {
        case(ProblemKind::Unreadable).passes(&RULE);
    }
}
