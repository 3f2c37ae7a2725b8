//! PYC805.

use crate::container::Kind;
use crate::record::Malformed;
use crate::record::Reason;
use crate::record::Record;
use crate::record::Row;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A wheel without RECORD, or rows of RECORD that are malformed: not three fields, a digest that is no URL-safe base64
    /// of the right length, a weak or unknown algorithm, a size that is no number, a path that is listed twice.
    ///
    /// ## Why it matters
    /// Readers of a malformed row disagree on what it means, or pass over it, so that nothing vouches for the file. Digests have
    /// to be SHA-256 or better: for MD5 and SHA-1 two files with one digest can be made.
    ///
    /// ## Innocent causes
    /// Old or home-made build tools.
    ///
    /// ## Severity
    /// Medium; low for what every reader understands: a padded digest, an algorithm in capitals, a path listed twice with one
    /// and the same digest and size.
    ///
    /// ## What to do
    /// Rebuild the wheel with a current build tool.
    ///
    /// ## References
    /// "Recording installed projects" and binary distribution format of the PyPA specifications; PEP 376, PEP 427.
    id: "PYC805",
    name: "record-malformed",
    summary: "RECORD is missing or has malformed rows",
    severity: Medium,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    if context.container.kind() != Kind::Wheel {
        return;
    }
    let Some(record) = context.container.record else {
        let listing = context.container.listing();
        let there = listing.folders().any(|folder| {
            folder.ends_with(b".dist-info") && !folder.contains(&b'/') && listing.find(folder, b"RECORD").is_some()
        });
        // One that is there and could not be read is PYC901's.
        if !there {
            findings.add("the wheel has no RECORD").compared("a `.dist-info/RECORD`", "none");
        }
        return;
    };
    for malformed in record.malformed() {
        let finding = findings.add(format!("line {} of RECORD: {}", malformed.line, malformed.reason.message()));
        finding.compared(expected(malformed.reason), malformed.observed.as_str());
        if is_harmless(record, malformed) {
            finding.severity(Severity::Low);
        }
    }
    if record.malformed_more() > 0 {
        findings.add(format!("{} more malformed rows of RECORD are not listed", record.malformed_more()));
    }
}

fn expected(reason: Reason) -> &'static str {
    match reason {
        Reason::FieldCount => "3 fields",
        Reason::EmptyPath => "a path",
        Reason::DigestSyntax => "`algorithm=digest`",
        Reason::DigestValue => "URL-safe base64 of the algorithm's length",
        Reason::DigestPadded => "base64 without padding",
        Reason::AlgorithmCase => "an algorithm in small letters",
        Reason::WeakAlgorithm => "SHA-256 or better",
        Reason::UnknownAlgorithm => "an algorithm that `hashlib` guarantees",
        Reason::Size => "a decimal number",
        Reason::Duplicate => "a path once",
    }
}

/// Whether every reader takes the row for the same.
fn is_harmless(record: &Record, malformed: &Malformed) -> bool {
    match malformed.reason {
        Reason::DigestPadded | Reason::AlgorithmCase => true,
        Reason::Duplicate => record.rows().iter().find(|row| row.line == malformed.line).is_some_and(|row| {
            let same = |other: &Row| (&other.digest, other.size) == (&row.digest, row.size);
            record.find_all(row.path.as_bytes()).all(same)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Zip;

    const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    fn wheel(record: &str) -> Case {
        Case::zip(Zip::new().file("p.py", "").file("p-1.dist-info/WHEEL", "").file("p-1.dist-info/RECORD", record))
    }

    #[test]
    fn flags_a_wheel_without_a_record() {
        Case::zip(Zip::new().file("p.py", "").file("p-1.dist-info/WHEEL", "")).flags(&RULE);
    }

    #[test]
    fn flags_a_weak_digest_with_its_line() {
        let finding = wheel(&format!("p.py,{EMPTY},0\nq.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,0\n")).flags(&RULE);
        assert!(finding.message.contains("line 2") && finding.severity == Severity::Medium);
        assert_eq!(finding.observed, "md5");
    }

    #[test]
    fn two_rows_that_agree_weigh_less_than_two_that_do_not() {
        let same = wheel(&format!("p.py,{EMPTY},0\np.py,{EMPTY},0\n")).flags(&RULE);
        assert_eq!(same.severity, Severity::Low);
        let other = wheel(&format!("p.py,{EMPTY},0\np.py,,\n")).flags(&RULE);
        assert_eq!(other.severity, Severity::Medium);
    }

    #[test]
    fn padding_is_a_matter_of_form() {
        assert_eq!(wheel(&format!("p.py,{EMPTY}=,0\n")).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_an_honest_record_and_what_is_no_wheel() {
        wheel(&format!("\"p,q.py\",{EMPTY},0\r\np-1.dist-info/RECORD,,\r\n")).passes(&RULE);
        Case::zip(Zip::new().file("p.py", "").file("RECORD", "nonsense\n")).passes(&RULE);
    }
}
