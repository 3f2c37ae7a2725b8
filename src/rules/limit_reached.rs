//! PYC902.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::ProblemContext;
use crate::rules::Severity;
use crate::rules::bomb;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A file, member or archive of which not all was read because a limit was hit: `--max-member-size`, or one of
    /// `--max-ratio`, `--max-total-size` and `--max-depth` that was set lower than usual.
    ///
    /// ## Why it matters
    /// What lies beyond the limit was not scanned.
    ///
    /// ## Innocent causes
    /// Large files.
    ///
    /// ## Severity
    /// Info; high with `--strict`. Hitting one of the usual limits on archives is PYC810's, limits on the objects in a pyc
    /// are PYC405's.
    ///
    /// ## What to do
    /// Raise the limit and scan again, if memory and time allow it.
    id: "PYC902",
    name: "limit-reached",
    summary: "a limit was hit before all was read",
    severity: Info,
    check: Problem(check),
}

fn check(context: &ProblemContext<'_>, findings: &mut Findings<'_>) {
    let kind = context.problem.kind;
    let of_content = matches!(kind, ProblemKind::MarshalDepth | ProblemKind::MarshalObjects);
    if !kind.is_limit() || of_content || bomb::is_bomb(kind, context.limits) {
        return;
    }
    let finding = findings.add(kind.message());
    finding.observed.clone_from(&context.problem.detail);
    finding.offset = context.problem.offset;
    if context.strict {
        finding.severity(Severity::High);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Zip;
    use crate::limits::Limits;

    #[test]
    fn flags_a_file_that_is_larger_than_the_limit() {
        let case = || {
            let limits = Limits { member_size: 16, ..Limits::default() };
            Case::tree().file("m.pyc", vec![0; 17], 0).file("n.pyc", vec![0; 16], 0).limits(limits)
        };
        let finding = case().flags(&RULE);
        assert!(finding.locator.artifact_shown().ends_with("m.pyc") && finding.severity == Severity::Info);
        assert_eq!(case().strict().flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn flags_a_depth_that_the_user_set() {
        let zip = Zip::new().file("a.zip", Zip::new().file("m.py", "").build());
        Case::zip(zip).limits(Limits { depth: 0, ..Limits::default() }).flags(&RULE);
    }

    #[test]
    fn leaves_the_usual_limits_to_another_rule() {
        let zip = (0..9).fold(Zip::new().file("m.py", ""), |zip, _| Zip::new().file("a.zip", zip.build()));
        Case::zip(zip).passes(&RULE);
    }
}
