//! PYC806.

use crate::container::ArchiveRecord;
use crate::container::Member;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::OddityKind;
use crate::name;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A name that an archive has more than once, or that is written in more than one way there: `a/m.py`, `./a/m.py`, `a//m.py`.
    ///
    /// ## Why it matters
    /// Readers choose differently: Python's `zipfile` and `zipimport` give the last one by name, others the first, unpackers write
    /// one over the other. A reviewer can so be shown other bytes than those that are installed.
    ///
    /// ## Innocent causes
    /// A build script that adds a file twice: `zipfile` warns and goes on.
    ///
    /// ## Severity
    /// High; medium when both have the same size and CRC-32, as then the bytes are most likely the same (a CRC-32 can be forged);
    /// low when both records lead to the same data. Medium in a tar, where files are updated so. Members that no directory lists are PYC807's.
    ///
    /// ## What to do
    /// Compare both (`python -m zipfile` shows the last, `bsdtar` the first). As a maintainer, build the archive anew from an
    /// empty file.
    ///
    /// ## References
    /// The Python Package Index blog of August 2025, "Preventing ZIP parser confusion attacks on Python package
    /// installers": its upload check refuses such archives; `_RealGetContents` in CPython's Lib/zipfile.
    id: "PYC806",
    name: "duplicate-member",
    summary: "two members of an archive have the same name",
    severity: High,
    check: Member(check),
}

fn check(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    let Some(member) = context.container.member(context.member).filter(|member| member.kind != MemberKind::Folder)
    else {
        return;
    };
    let listing = context.container.listing();
    let (before, other) = if member.occurrence > 0 {
        (context.member.checked_sub(1), String::new())
    } else {
        let other = listing.written_otherwise(context.member).filter(|other| other.kind != MemberKind::Folder);
        let shown = other.map_or(String::new(), |other| format!(", as `{}` too", name::shown(&other.path())));
        (other.map(|other| other.id), shown)
    };
    let Some(before) = before else { return };
    if context.oddities.iter().any(|oddity| oddity.kind == OddityKind::Unlisted) {
        return;
    }
    let archive = context.container.container;
    let message = format!("`{}` is in the archive more than once{other}", name::shown(&member.path()));
    if archive.archive_record(context.member).is_none() {
        in_sequence(context, member, before, message, findings);
        return;
    }
    let (Some(first), Some(second)) = (archive.archive_record(before), archive.archive_record(context.member)) else {
        return;
    };
    let (Some(_), Some(offset)) = (first.central_offset, second.central_offset) else { return };
    let finding = findings.add(message);
    let shown = |record: &ArchiveRecord| {
        let size = record.size.map_or("an unknown size".to_owned(), |size| format!("{size} bytes"));
        let crc32 = record.crc32.map_or(String::new(), |crc32| format!(", CRC-32 {crc32:08x}"));
        format!("{size}{crc32}, at {:#x}", record.local_offset)
    };
    finding.compared(shown(first), shown(second)).at(offset);
    if first.local_offset == second.local_offset {
        finding.severity(Severity::Low);
    } else if first.size.is_some() && (first.size, first.crc32) == (second.size, second.crc32) {
        finding.severity(Severity::Medium);
    }
}

/// In a tar, whose unpackers write one over the other in the order of the records: that is how files are updated in one.
fn in_sequence(
    context: &MemberContext<'_>,
    member: Member<'_>,
    before: MemberId,
    message: String,
    findings: &mut Findings<'_>,
) {
    let Some(first) = context.container.member(before).filter(|first| first.kind == MemberKind::File) else { return };
    let shown = |size: Option<u64>| size.map_or("no data".to_owned(), |size| format!("{size} bytes"));
    findings.add(message).compared(shown(first.size), shown(member.size)).severity(Severity::Medium);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Tar;
    use crate::forge::Zip;

    #[test]
    fn flags_two_members_of_one_name_and_other_bytes() {
        let finding = Case::zip(Zip::new().file("p/m.py", "x = 1").file("p/m.py", "x = 2")).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert!(finding.expected.contains("5 bytes") && finding.offset.is_some());
    }

    #[test]
    fn equal_bytes_weigh_less() {
        let finding = Case::zip(Zip::new().file("m.py", "x = 1").file("m.py", "x = 1")).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        let finding = Case::zip(Zip::new().entry(Entry::new("m.py", "x").listed_again_as("m.py"))).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
    }

    #[test]
    fn a_third_member_is_a_second_finding() {
        let zip = Zip::new().file("m.py", "1").file("m.py", "2").file("m.py", "3");
        assert_eq!(Case::zip(zip).findings(&RULE).len(), 2);
    }

    #[test]
    fn flags_one_place_written_in_two_ways() {
        let finding = Case::zip(Zip::new().file("p/m.py", "x = 1").file("./p//m.py", "x = 2")).flags(&RULE);
        assert_eq!(finding.message, "`./p//m.py` is in the archive more than once, as `p/m.py` too");
        assert_eq!((finding.severity, finding.expected.contains("5 bytes")), (Severity::High, true));
        let tar = Tar::new().file("./p/m.py", "x = 1").file("p/m.py", "y").build();
        let finding = Case::bytes(tar).flags(&RULE);
        assert_eq!(finding.message, "`p/m.py` is in the archive more than once, as `./p/m.py` too");
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::Medium, "1 bytes"));
        Case::bytes(Tar::new().file("./p/m.py", "").file("p/n.py", "").file("../p/m.py", "").build()).passes(&RULE);
    }

    #[test]
    fn passes_names_that_differ_in_case_and_folders_listed_twice() {
        Case::zip(Zip::new().file("p/m.py", "").file("p/M.py", "").file("p/", "").file("p/", "")).passes(&RULE);
    }

    #[test]
    fn leaves_what_no_directory_lists_to_another_rule() {
        Case::zip(Zip::new().entry(Entry::new("m.py", "old").unlisted()).file("m.py", "new")).passes(&RULE);
    }
}
