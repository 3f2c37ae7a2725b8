//! PYC804.

use crate::name::Name;
use crate::record;
use crate::record::Algorithm;
use crate::record::Record;
use crate::record::Row;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;
use crate::rules::record_dangling;

declare_rule! {
    /// ## What it reports
    /// Files that a wheel's RECORD lists without a digest, or with one of an algorithm that is not computed here (SHA-3, BLAKE2).
    /// One finding counts them all; files that are not there are PYC803's.
    ///
    /// ## Why it matters
    /// Nothing in the wheel vouches for these files: a change to them cannot be told. Every file of a wheel has to have a digest,
    /// except RECORD and its signatures.
    ///
    /// ## Innocent causes
    /// pip records the bytecode that it compiles at installation without digests, so a wheel that was packed again from an
    /// installed distribution has such rows.
    ///
    /// ## What to do
    /// Compare the files with the project's source. As a maintainer, write RECORD anew.
    ///
    /// ## References
    /// Binary distribution format of the PyPA specifications.
    id: "PYC804",
    name: "record-unhashed",
    summary: "RECORD lists files without a digest that can be checked",
    severity: Info,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let Some(record) = context.container.record else { return };
    let mut count = 0_usize;
    let mut first: Option<&Name> = None;
    let listing = context.container.listing();
    let without = record.rows().iter().filter(|row| !is_vouched_for(record, row));
    for row in without.filter(|row| record_dangling::is_there(listing, row.path.as_bytes())) {
        count += 1;
        first = first.or(Some(&row.path));
    }
    let Some(first) = first else { return };
    let message = if count == 1 {
        format!("RECORD gives no digest of `{first}` that can be checked")
    } else {
        format!("RECORD gives no digest that can be checked of {count} files, the first of them `{first}`")
    };
    findings
        .add(message)
        .compared("a digest for every file", format!("{count} of {} rows without", record.rows().len()));
}

/// Whether the row has a digest that PYC801 compares, needs none, or is PYC805's.
fn is_vouched_for(record: &Record, row: &Row) -> bool {
    let path = row.path.as_bytes();
    match &row.digest {
        Some(digest) => digest.algorithm != Algorithm::Strong,
        None => {
            record::is_record_file(path)
                || path.ends_with(b"/")
                || record.malformed().binary_search_by_key(&row.line, |malformed| malformed.line).is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Zip;

    fn wheel(record: &str) -> Case {
        Case::zip(
            Zip::new()
                .file("p.pyc", "")
                .file("q.pyc", "")
                .file("p.py", "")
                .file("p-1.dist-info/WHEEL", "")
                .file("p-1.dist-info/RECORD", record),
        )
    }

    #[test]
    fn counts_the_files_without_a_digest() {
        let finding = wheel("p.pyc,,\nq.pyc,,\np-1.dist-info/RECORD,,\n").flags(&RULE);
        assert!(finding.message.contains("2 files") && finding.message.contains("`p.pyc`"));
    }

    #[test]
    fn flags_a_digest_that_is_not_computed() {
        wheel("p.py,sha3_256=p__G-L8e12ZRwUdWoGHWYvWA_03kO0n6gtgKS4D4Q0o,0\n").flags(&RULE);
    }

    #[test]
    fn passes_a_record_without_a_digest_of_itself() {
        wheel("p.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\np-1.dist-info/RECORD,,\np/,,\n")
            .passes(&RULE);
    }

    #[test]
    fn leaves_files_that_are_not_there_to_another_rule() {
        wheel("gone.py,,\n").passes(&RULE);
    }

    #[test]
    fn leaves_malformed_digests_to_another_rule() {
        wheel("p.py,sha256=xyz,0\nq.py,nonsense,0\n").passes(&RULE);
    }
}
