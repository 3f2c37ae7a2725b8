//! PYC811.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::ProblemContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A member of an archive that is encrypted and so was not read.
    ///
    /// ## Why it matters
    /// Nobody without the password can tell what is in it: encryption keeps scanners out. No installer takes a password, so an
    /// encrypted member in a wheel is of no use but that.
    ///
    /// ## Innocent causes
    /// Samples that are exchanged in encrypted archives on purpose; archives of secrets.
    ///
    /// ## Severity
    /// Medium; high with `--strict`. A member that is only marked as encrypted and is plain is PYC807's.
    ///
    /// ## What to do
    /// Ask its maker for the password, unpack it in a safe place, and scan that.
    ///
    /// ## References
    /// APPNOTE.TXT 4.4.4, bit 0.
    id: "PYC811",
    name: "encrypted-member",
    summary: "a member of an archive is encrypted",
    severity: Medium,
    check: Problem(check),
}

fn check(context: &ProblemContext<'_>, findings: &mut Findings<'_>) {
    if context.problem.kind != ProblemKind::Encrypted {
        return;
    }
    let finding = findings.add("it is encrypted, so nothing is known of what is in it");
    finding.offset = context.problem.offset;
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

    /// A member whose data are no longer what its CRC-32 says.
    fn encrypted() -> Zip {
        let entry = Entry::new("p/m.pyc", "plain text").encoded(0, b"twelve bytes and ten".to_vec());
        Zip::new().entry(entry.both(|record| record.flags |= 1)).file("p/m.py", "")
    }

    #[test]
    fn flags_bytecode_that_cannot_be_read() {
        let finding = Case::zip(encrypted()).flags(&RULE);
        assert_eq!((finding.severity, finding.locator.member_shown().as_str()), (Severity::Medium, "p/m.pyc"));
        assert_eq!(Case::zip(encrypted()).strict().flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn passes_a_plain_member_that_claims_to_be_encrypted() {
        Case::zip(Zip::new().entry(Entry::new("m.pyc", "plain").both(|record| record.flags |= 1))).passes(&RULE);
    }

    #[test]
    fn passes_a_member_that_is_merely_damaged() {
        Case::zip(Zip::new().entry(Entry::new("m.pyc", "plain").encoded(0, b"other".to_vec()))).passes(&RULE);
    }
}
