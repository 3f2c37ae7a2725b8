//! PYC803.

use crate::container::Listing;
use crate::record;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A file that a wheel's RECORD lists and that the wheel does not have.
    ///
    /// ## Why it matters
    /// The file was there when the wheel was built and was removed or renamed afterwards: a source whose bytecode stayed, for
    /// one. An installer may put something else in its place.
    ///
    /// ## Innocent causes
    /// Tools that remove files (tests, caches, debug symbols) without writing RECORD anew. Rows of folders are passed over.
    ///
    /// ## What to do
    /// Compare with the project's source distribution or with another wheel of the release. As a maintainer, rebuild the wheel.
    ///
    /// ## References
    /// Binary distribution format of the PyPA specifications.
    id: "PYC803",
    name: "record-dangling",
    summary: "RECORD lists a file that the wheel does not have",
    severity: Medium,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let Some(record) = context.container.record else { return };
    let listing = context.container.listing();
    for row in record.rows() {
        let path = row.path.as_bytes();
        if path.ends_with(b"/") || path.ends_with(b"\\") || is_there(listing, path) {
            continue;
        }
        findings
            .add(format!("`{}` is listed in line {} of RECORD and is not there", row.path, row.line))
            .compared("a member of this name", "none")
            .about(context.locator.member(row.path.clone()));
    }
}

/// Whether the archive has what a row names.
pub(crate) fn is_there(listing: &Listing, path: &[u8]) -> bool {
    let found = |path: &[u8]| listing.find_path(path).is_some();
    found(path) || listing.has_folder(path) || record::spellings(path).any(|other| found(&other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Zip;

    fn wheel(name: &str, record: &str) -> Case {
        Case::zip(Zip::new().file(name, "").file("p-1.dist-info/WHEEL", "").file("p-1.dist-info/RECORD", record))
    }

    #[test]
    fn flags_a_source_that_was_removed() {
        let finding =
            wheel("p/m.pyc", "p/m.pyc,,\np/m.py,,\np-1.dist-info/WHEEL,,\np-1.dist-info/RECORD,,\n").flags(&RULE);
        assert_eq!(finding.locator.member_shown(), "p/m.py");
        assert!(finding.message.contains("line 2"));
    }

    #[test]
    fn flags_the_rows_of_an_installed_distribution() {
        wheel("p.py", "p.py,,\n../../bin/p,,\n").flags(&RULE);
    }

    #[test]
    fn passes_what_is_there() {
        wheel("p/m.py", "p/m.py,,\np/,,\np,,\n./p-1.dist-info/WHEEL,,\np-1.dist-info\\RECORD,,\n").passes(&RULE);
    }
}
