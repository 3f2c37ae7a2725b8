//! PYC801.

use crate::container::Member;
use crate::container::OddityKind;
use crate::name;
use crate::record;
use crate::record::Algorithm;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A member of a wheel whose bytes have another digest or size than the wheel's RECORD gives.
    ///
    /// ## Why it matters
    /// RECORD is written when the wheel is built. A member that does not fit was changed afterwards, or RECORD was. pip installs
    /// such a wheel without a word: it writes a RECORD of its own and compares nothing.
    ///
    /// ## Innocent causes
    /// A wheel that was edited after its build without writing RECORD anew: libraries stripped, signed or patched, versions
    /// filled in, line ends converted.
    ///
    /// ## What to do
    /// Compare the member with the project's source or with the same member of another wheel of the release. As a maintainer,
    /// rebuild the wheel, or repack it with a tool that writes RECORD (`wheel pack`).
    ///
    /// ## References
    /// Binary distribution format and "Recording installed projects" of the PyPA specifications; PEP 427.
    id: "PYC801",
    name: "record-hash-mismatch",
    summary: "a member does not have the digest or size that RECORD gives",
    severity: High,
    check: Member(check),
}

fn check(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    let (Some(rows), Some(whole)) = (context.container.record, context.content) else { return };
    let Some(path) = context.container.member(context.member).map(Member::path) else { return };
    // A member that no directory lists is PYC807's: RECORD cannot mean it.
    if record::is_record_file(&path) || context.oddities.iter().any(|oddity| oddity.kind == OddityKind::Unlisted) {
        return;
    }
    for row in rows.rows_of(&path) {
        let found = row.digest.as_ref().and_then(|digest| match digest.algorithm {
            Algorithm::Sha256 => Some((digest, whole.sha256.0.to_vec())),
            other => Some((digest, other.digest(whole.bytes?)?)),
        });
        if let Some((digest, found)) = found.filter(|(digest, found)| digest.bytes != *found) {
            let message =
                format!("`{}` does not have the {} digest that RECORD gives", name::shown(&path), digest.written);
            findings.add(message).compared(name::hex(&digest.bytes), name::hex(&found));
            return;
        }
        if let Some(size) = row.size.filter(|&size| size != whole.size) {
            let message = format!("`{}` does not have the size that RECORD gives", name::shown(&path));
            findings.add(message).compared(format!("{size} bytes"), format!("{} bytes", whole.size));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Zip;
    use crate::rules::Severity;

    /// Of `x = 1` and a line end.
    const SHA256: &str = "sha256=nia_NpkRxFwkPGhBR7I_yeHc_PJX0pmhxjIBam_NM_Q";
    /// Of no bytes.
    const EMPTY_SHA512: &str =
        "sha512=z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg_SpIdNs6c5H0NE8XYXysP-DGNKHfuwvY7kxvUdBeoGlODJ6-SfaPg";

    fn wheel(bytes: &str, row: &str) -> Case {
        Case::zip(
            Zip::new()
                .file("p.py", bytes)
                .file("p-1.dist-info/WHEEL", "")
                .file("p-1.dist-info/RECORD", format!("p.py,{row}\np-1.dist-info/WHEEL,,\np-1.dist-info/RECORD,,\n")),
        )
    }

    #[test]
    fn flags_a_member_that_was_changed_after_the_build() {
        let finding = wheel("x = 2\n", &format!("{SHA256},6")).flags(&RULE);
        assert_eq!((finding.severity, finding.locator.member_shown().as_str()), (Severity::High, "p.py"));
        assert_ne!(finding.expected, finding.observed);
        assert_eq!(finding.expected.len(), 64);
    }

    #[test]
    fn flags_another_size_where_there_is_no_digest() {
        let finding = wheel("x = 10\n", ",6").flags(&RULE);
        assert_eq!((finding.expected.as_str(), finding.observed.as_str()), ("6 bytes", "7 bytes"));
    }

    #[test]
    fn flags_a_digest_of_the_other_algorithms_too() {
        wheel("x", &format!("{EMPTY_SHA512},1")).flags(&RULE);
        wheel("", &format!("{EMPTY_SHA512},0")).passes(&RULE);
    }

    #[test]
    fn passes_a_member_that_fits() {
        wheel("x = 1\n", &format!("{SHA256},6")).passes(&RULE);
    }

    #[test]
    fn passes_a_record_that_gives_a_digest_of_itself() {
        let record =
            "p-1.dist-info/WHEEL,,\np-1.dist-info/RECORD,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n";
        Case::zip(Zip::new().file("p-1.dist-info/WHEEL", "").file("p-1.dist-info/RECORD", record)).passes(&RULE);
    }

    #[test]
    fn leaves_what_no_directory_lists_to_another_rule() {
        let record = format!("p.py,{SHA256},6\np-1.dist-info/WHEEL,,\n");
        let zip = Zip::new()
            .entry(Entry::new("p.py", "y = 2\n").unlisted())
            .file("p.py", "x = 1\n")
            .file("p-1.dist-info/WHEEL", "")
            .file("p-1.dist-info/RECORD", record);
        Case::zip(zip).passes(&RULE);
    }
}
