//! PYC810.

use crate::limits::Limits;
use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::ProblemContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// An archive that unpacks to far more than honest ones do: a member that expands more than `--max-ratio` allows, members
    /// that together are larger than `--max-total-size`, more members than the limit, archives in archives deeper than
    /// `--max-depth`.
    ///
    /// ## Why it matters
    /// Such archives are made to fill the disk or the memory of whatever opens them, scanners first: what comes after the limit
    /// was not looked at.
    ///
    /// ## Innocent causes
    /// Data of nothing but zeros; collections of very large files.
    ///
    /// ## Severity
    /// High when the limit that was hit is the default or larger. A limit that the user set lower says nothing of the archive:
    /// then it is PYC902's, and so is a single file that is larger than `--max-member-size`.
    ///
    /// ## What to do
    /// Look at the archive's list of members before unpacking it. If it is honest, raise the limit and scan it again.
    ///
    /// ## References
    /// CWE-409.
    id: "PYC810",
    name: "bomb",
    summary: "an archive unpacks to far more than honest ones do",
    severity: High,
    check: Problem(check),
}

fn check(context: &ProblemContext<'_>, findings: &mut Findings<'_>) {
    if is_bomb(context.problem.kind, context.limits) {
        let finding = findings.add(context.problem.to_string());
        finding.compared("within the limits", context.problem.detail.as_str());
    }
}

/// Whether a problem is a limit that no honest archive is known to hit.
pub(crate) fn is_bomb(kind: ProblemKind, limits: &Limits) -> bool {
    let usual = Limits::default();
    match kind {
        ProblemKind::RatioLimit => limits.ratio >= usual.ratio,
        ProblemKind::TotalSizeLimit => limits.total_size >= usual.total_size,
        ProblemKind::DepthLimit => limits.depth >= usual.depth,
        ProblemKind::MemberCountLimit => limits.members >= usual.members,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Zip;

    /// An archive in an archive, and so on.
    fn nested(depth: usize) -> Zip {
        (0..depth).fold(Zip::new().file("m.py", ""), |zip, _| Zip::new().file("a.zip", zip.build()))
    }

    #[test]
    fn flags_archives_in_archives_without_end() {
        let finding = Case::zip(nested(9)).flags(&RULE);
        assert_eq!(finding.locator.inner.len(), 9);
        Case::zip(nested(8)).passes(&RULE);
    }

    /// Two megabytes of zeros, compressed by bzip2.
    const ZEROS: &[u8] =
        b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x7e\xe1\x91\xb1\x00\x10\x10\x60\x00\xc0\x00\x00\x04\x00\
            \x08\x20\x00\x30\xcc\x05\x29\xa6\x04\x03\x62\x08\x07\x8b\xb9\x22\x9c\x28\x48\x3f\x70\xc8\xd8\x80";

    #[test]
    fn flags_a_member_that_expands_without_measure() {
        let member = || Zip::new().entry(Entry::new("m.pyc", vec![0; 2 << 20]).encoded(12, ZEROS.to_vec()));
        let finding = Case::zip(member()).flags(&RULE);
        assert!(finding.message.contains("--max-ratio"));
        Case::zip(member()).limits(Limits { ratio: 100_000, ..Limits::default() }).passes(&RULE);
        Case::zip(member()).limits(Limits { ratio: 100, ..Limits::default() }).passes(&RULE);
    }

    #[test]
    fn passes_zeros_that_are_deflated() {
        Case::zip(Zip::new().entry(Entry::deflated("m.pyc", vec![0; 2 << 20]))).passes(&RULE);
    }

    #[test]
    fn a_limit_that_the_user_set_lower_says_nothing_of_the_archive() {
        Case::zip(nested(3)).limits(Limits { depth: 1, ..Limits::default() }).passes(&RULE);
    }
}
