//! PYC904.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::ProblemContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A package or archive of a format that is recognised and not opened: tar, compressed tar, deb, rpm, 7z, rar, a program frozen
    /// by PyInstaller. Compressed files that by their name hold no package are not reported.
    ///
    /// ## Why it matters
    /// The bytecode in it was not scanned.
    ///
    /// ## Innocent causes
    /// The format is an ordinary one; it is this version of pycaudit that does not open it.
    ///
    /// ## Severity
    /// Info; high with `--strict`.
    ///
    /// ## What to do
    /// Unpack it into a folder of its own and scan that.
    id: "PYC904",
    name: "unsupported-container",
    summary: "an archive of a format that is not opened",
    severity: Info,
    check: Problem(check),
}

fn check(context: &ProblemContext<'_>, findings: &mut Findings<'_>) {
    if context.problem.kind != ProblemKind::UnsupportedContainer {
        return;
    }
    let finding = findings.add(format!("an archive of the format `{}` is not opened", context.problem.detail));
    if context.strict {
        finding.severity(Severity::High);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Zip;

    /// The first bytes of a 7z archive.
    const SEVEN: &[u8] = b"7z\xbc\xaf\x27\x1c\x00\x04";

    #[test]
    fn flags_an_archive_that_is_not_opened() {
        let finding = Case::tree().file("p.7z", SEVEN, 0).flags(&RULE);
        assert!(finding.message.contains("7z") && finding.severity == Severity::Info);
        assert_eq!(Case::zip(Zip::new().file("p.7z", SEVEN)).strict().flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn passes_compressed_data_that_hold_no_package() {
        Case::tree().file("table.csv.xz", b"\xfd7zXZ\0", 0).file("p.zip", Zip::new().build(), 0).passes(&RULE);
    }
}
