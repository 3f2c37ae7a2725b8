//! PYC807.

use crate::container::Kind;
use crate::container::MemberKind;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::name;
use crate::problem::ProblemKind;
use crate::rules::ArtifactContext;
use crate::rules::ContainerFacts;
use crate::rules::Finding;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A zip archive whose records contradict one another, so that two readers of it can see two archives: the local header of a
    /// member and the central directory give other names, methods, flags or sizes; a member is in no directory; members share
    /// bytes; there are two directories or end records; bytes lie before, between or after the members and belong to none.
    ///
    /// Or a tar, or another archive that is read forwards, of which two readers can see two archives: an extended header gives
    /// another size or name than the record, members follow after the end, a link or folder has data that are headers, a header
    /// for all members gives a name or size, what is compressed is followed by something else.
    ///
    /// ## Why it matters
    /// A zip has its list of members twice, once in the central directory at its end and once in the local headers. Reviewers,
    /// scanners and installers do not all read the same one. Whoever makes them differ can show harmless files to one and
    /// install others with the other. Bytes that belong to nothing can hide a payload.
    ///
    /// ## Innocent causes
    /// Self-extracting archives and zipapps have a program or a `#!` line in front, which is expected and not reported, except
    /// before a wheel. Archives that were cut off or joined; tools that do not count such a prefix in every offset; alignment
    /// by padding; names beyond ASCII that Info-ZIP writes twice.
    ///
    /// ## Severity
    /// High for what makes readers see other members or other bytes: names, methods, sizes, checksums, overlaps, members
    /// and directories that are hidden, data behind the end of a compressed stream. Medium for bytes that belong to nothing, for
    /// members without a local header, for an archive that lost its first part and for zip64 fields that are missing. Low for contradictions in form: flags that do not
    /// change what is read, slashes against backslashes, names that differ only in characters beyond ASCII, up to 16 bytes of padding,
    /// malformed extra fields, modes of folders. Of a tar: high for other sizes, for members after the end and for headers in the data
    /// of links; medium for other names; low for unknown types and for what fills the last block; info for an end
    /// that is not marked and for several compressed streams, which parallel compressors write.
    ///
    /// An archive without any directory is PYC901's: its members are not each reported here.
    ///
    /// ## What to do
    /// Do not install the archive before somebody has looked at the offsets that the findings give. As a maintainer, build the
    /// archive anew with Python's `zipfile` or another well-behaved writer.
    ///
    /// ## References
    /// APPNOTE.TXT 4.3 (the zip specification); the Python Package Index blog of August 2025, "Preventing ZIP parser confusion
    /// attacks on Python package installers"; CVE-2025-54368 (uv).
    id: "PYC807",
    name: "zip-differential",
    summary: "the records of a zip or tar contradict one another",
    severity: High,
    check: MemberAndArtifact(check_member, check_archive),
}

fn check_member(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    for oddity in context.oddities {
        report(oddity, context.container, findings);
    }
}

/// What belongs to no member, and what members that are not looked at for themselves have: folders.
fn check_archive(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let facts = context.container;
    for oddity in facts.container.oddities() {
        let folder = oddity.member.and_then(|id| facts.member(id)).filter(|member| member.kind == MemberKind::Folder);
        if oddity.member.is_none() || folder.is_some() {
            let about = folder.map(|folder| context.locator.member(folder.name()));
            if let (Some(finding), Some(about)) = (report(oddity, facts, findings), about) {
                finding.about(about);
            }
        }
    }
    if facts.kind() == Kind::Wheel {
        check_start(context, findings);
        check_forms(context, findings);
    }
}

/// A wheel begins with its first member: nobody runs it, so it needs no program in front.
fn check_start(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let archive = context.container.container;
    let offsets = context.container.listing().members().filter_map(|member| archive.archive_record(member.id));
    let start = offsets.map(|record| record.local_offset).min().unwrap_or_default();
    let reported =
        archive.oddities().iter().any(|oddity| oddity.offset == Some(0) && oddity.kind == OddityKind::Prefix);
    if start > 0 && !reported {
        findings
            .add("a program lies before the first member of a wheel")
            .compared("the first member at 0x0", format!("at {start:#x}"))
            .at(0)
            .severity(Severity::Medium);
    }
}

/// Forms of records that every reader understands and the package index refuses in a wheel, since they serve no purpose there and
/// readers of streams and of directories could part on them (pypi/warehouse, `warehouse/utils/zipfiles.py`).
fn check_forms(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let archive = context.container.container;
    let mut forms = [("sizes behind its data", 0_usize, None), ("a method other than stored and deflated", 0, None)];
    for member in context.container.listing().members() {
        let Some(record) = archive.archive_record(member.id) else { continue };
        let has = [record.flags & 8 != 0, !matches!(record.method, 0 | 8)];
        for (form, _) in forms.iter_mut().zip(has).filter(|(_, has)| *has) {
            form.1 = form.1.saturating_add(1);
            form.2.get_or_insert_with(|| name::shown(&member.path()));
        }
    }
    for (what, count, first) in forms {
        let Some(first) = first else { continue };
        let who = if count == 1 { format!("`{first}` has") } else { format!("{count} members have, `{first}` first,") };
        let text = format!("{who} {what}, which the package index refuses");
        findings
            .add(text)
            .compared("members that are stored or deflated, with their sizes before them", what)
            .severity(Severity::Info);
    }
}

fn report<'f>(oddity: &Oddity, facts: &ContainerFacts<'_>, findings: &'f mut Findings<'_>) -> Option<&'f mut Finding> {
    if facts.kind().is_frozen() || oddity.kind == OddityKind::Unlisted && is_without_directory(facts) {
        return None;
    }
    let what = sentence(oddity.kind, facts.kind() == Kind::Wheel)?;
    let subject = match oddity.member.and_then(|id| facts.member(id)) {
        Some(member) => format!("`{}`", name::shown(&member.path())),
        None => "the archive".to_owned(),
    };
    let finding = findings.add(format!("{subject}: {what}"));
    finding.compared(oddity.expected.as_str(), oddity.observed.as_str()).severity(weight(oddity));
    finding.offset = oddity.offset;
    Some(finding)
}

/// Whether no end record leads to a directory: then all members are found by their local headers alone. A directory that is there
/// and damaged has its problem at an offset.
fn is_without_directory(facts: &ContainerFacts<'_>) -> bool {
    facts.container.problems().iter().any(|located| {
        let problem = &located.problem;
        located.path.is_none() && problem.kind == ProblemKind::ArchiveDamaged && problem.offset.is_none()
    })
}

fn sentence(kind: OddityKind, is_wheel: bool) -> Option<&'static str> {
    Some(match kind {
        OddityKind::LocalNameDiffers => "the local header gives another name than the central directory",
        OddityKind::LocalFieldDiffers => "the local header contradicts the central directory",
        OddityKind::LocalMissing => "no local header is where the central directory says",
        OddityKind::Unlisted => "a member that the central directory does not list",
        OddityKind::Overlap => "it shares bytes with something else in the archive",
        OddityKind::Gap => "bytes between its members belong to none",
        OddityKind::Prefix => "bytes before the first member are no program",
        OddityKind::Trailing => "bytes follow after its end",
        OddityKind::SeveralEnds => "it has more than one end record",
        OddityKind::EndRecordDiffers => "the end record does not fit the directory",
        OddityKind::Zip64Differs => "zip64 fields are missing or contradict the others",
        OddityKind::ExtraMalformed => "an extra field is malformed",
        OddityKind::UnicodeNameDiffers => "the Unicode path field gives another name",
        OddityKind::FolderWithData => "it is a folder and a file at once",
        OddityKind::PlainMarkedEncrypted => "it is marked as encrypted and is plain",
        OddityKind::DataAfterStream => "its compressed data end before the bytes that the archive gives to it",
        OddityKind::DescriptorMissing => "no data descriptor follows its data, though its flags promise one",
        // Nothing in it can be read in two ways; the package index refuses wheels with it all the same.
        OddityKind::Commented if is_wheel => "it has a comment of its own",
        OddityKind::Joined => "it is several compressed streams, of which some readers take the first alone",
        OddityKind::AfterEnd => "a member after the end of the archive, where most readers stop",
        OddityKind::EndMissing => "its end is not marked",
        OddityKind::NameDiffers => "an extended header gives another name than the record",
        OddityKind::SizeDiffers => "an extended header gives another size than the record",
        OddityKind::GlobalOverride => "a header for all members gives what belongs to one",
        OddityKind::DataOnLink => "it is a link, folder or device and has data, which some readers take for members",
        OddityKind::UnknownType => "it is of an unknown type",
        OddityKind::NumberMalformed => "a number is not written as numbers are",
        OddityKind::SparseMalformed => "the map of a sparse file does not fit its data",
        OddityKind::Filling => "what fills its last block is no zeros",
        OddityKind::RecordMalformed => "its members are not those that its format has",
        OddityKind::Commented
        | OddityKind::DigestDiffers
        | OddityKind::CookieDiffers
        | OddityKind::VersionDiffers
        | OddityKind::EncryptedCode => return None,
    })
}

fn weight(oddity: &Oddity) -> Severity {
    let (expected, observed) = (oddity.expected.as_str(), oddity.observed.as_str());
    match oddity.kind {
        OddityKind::LocalNameDiffers if observed.replace("\\\\", "/") == expected.replace("\\\\", "/") => Severity::Low,
        OddityKind::UnicodeNameDiffers if is_transcribed(expected, observed) => Severity::Low,
        OddityKind::LocalFieldDiffers => field_weight(expected, observed),
        OddityKind::EndRecordDiffers
            if expected == "one disk" || expected.starts_with("a comment") || is_cut_off(oddity) =>
        {
            Severity::Medium
        }
        OddityKind::LocalMissing if observed.starts_with("one at") => Severity::Low,
        OddityKind::Gap | OddityKind::Trailing if is_padding(observed) => Severity::Low,
        OddityKind::FolderWithData if expected == "no data" => Severity::Medium,
        OddityKind::ExtraMalformed
        | OddityKind::DescriptorMissing
        | OddityKind::FolderWithData
        | OddityKind::UnknownType
        | OddityKind::NumberMalformed
        | OddityKind::Filling => Severity::Low,
        OddityKind::LocalMissing
        | OddityKind::Gap
        | OddityKind::Prefix
        | OddityKind::Trailing
        | OddityKind::NameDiffers
        | OddityKind::SparseMalformed => Severity::Medium,
        OddityKind::Zip64Differs if observed.starts_with("0xffffffff") => Severity::Medium,
        OddityKind::DataOnLink if !observed.ends_with("begins") => Severity::Low,
        // Writers that put a size beyond eight gibibytes, or any, into the extended header alone leave zero in the block.
        OddityKind::SizeDiffers if observed.starts_with("0 bytes") => Severity::Medium,
        // Parallel compressors write many streams, and some writers of tars no end.
        OddityKind::Joined | OddityKind::EndMissing | OddityKind::Commented => Severity::Info,
        _ => Severity::High,
    }
}

/// Flags that say how a name is encoded (bit 11) and where the sizes are (bit 3) change no byte of what is read; that an entry is
/// encrypted (bits 0, 6 and 13) does.
fn field_weight(expected: &str, observed: &str) -> Severity {
    let flags = |text: &str| text.strip_prefix("flags ")?.parse::<u64>().ok();
    match flags(expected).zip(flags(observed)) {
        Some((central, local)) if (central ^ local) & 0x2041 == 0 => Severity::Low,
        _ => Severity::High,
    }
}

/// Whether the recorded place of the directory lies behind the end record: then no reader finds another directory there, and the
/// archive has lost its first part.
fn is_cut_off(oddity: &Oddity) -> bool {
    let recorded = oddity.expected.strip_prefix("a directory at 0x");
    let recorded = recorded.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    recorded.zip(oddity.offset).is_some_and(|(recorded, end)| recorded >= end)
}

/// Whether the observation is of zeros, blanks or line ends only. It shows the first 16 bytes: of more than that nothing is known.
fn is_padding(observed: &str) -> bool {
    let length = observed.split(' ').next().and_then(|length| length.parse::<usize>().ok());
    let digits = observed.rsplit(' ').next().unwrap_or_default();
    let mut pairs = digits.as_bytes().chunks(2);
    length == Some(digits.len() / 2) && pairs.all(|pair| matches!(pair, b"00" | b"0a" | b"0d" | b"1a" | b"20"))
}

/// Whether a name is a Unicode one in characters of an older set, as Info-ZIP writes both: the rest is equal, and whatever is
/// beyond ASCII has something in its place.
fn is_transcribed(name: &str, unicode: &str) -> bool {
    let (kept, replaced) = ascii_part(name);
    let (wanted, beyond) = ascii_part(unicode);
    !unicode.is_ascii() && replaced && beyond && kept == wanted
}

/// A shown name without characters beyond ASCII and what stands for them in names of Info-ZIP (`?`, `#U` and four digits, `#L` and
/// six, bytes that are shown as `\x` and two), and whether there were any.
fn ascii_part(shown: &str) -> (String, bool) {
    let mut kept = String::with_capacity(shown.len());
    let mut replaced = false;
    let mut rest = shown;
    while let Some(character) = rest.chars().next() {
        let skipped = if rest.starts_with("#U") {
            6
        } else if rest.starts_with("#L") {
            8
        } else if rest.starts_with("\\x") {
            4
        } else if character.is_ascii() && character != '?' {
            kept.push(character);
            rest = rest.get(1..).unwrap_or_default();
            continue;
        } else {
            character.len_utf8()
        };
        replaced = true;
        rest = rest.get(skipped..).unwrap_or_default();
    }
    (kept, replaced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Zip;
    use crate::forge::zip::Descriptor;

    fn severity_of(zip: Zip) -> Severity {
        Case::zip(zip).flags(&RULE).severity
    }

    fn entry() -> Entry {
        Entry::new("p/m.py", "x = 1\n")
    }

    #[test]
    fn flags_a_local_header_with_another_name() {
        let finding = Case::zip(Zip::new().entry(entry().local(|local| local.name = b"p/n.py".to_vec()))).flags(&RULE);
        assert_eq!((finding.expected.as_str(), finding.observed.as_str()), ("p/m.py", "p/n.py"));
        assert_eq!((finding.severity, finding.offset), (Severity::High, Some(0)));
    }

    #[test]
    fn slashes_against_backslashes_are_a_matter_of_form() {
        let zip = Zip::new().entry(entry().local(|local| local.name = b"p\\m.py".to_vec()));
        assert_eq!(severity_of(zip), Severity::Low);
    }

    #[test]
    fn flags_another_method_but_hardly_other_flags() {
        let with_flags = |flags| Zip::new().entry(entry().local(move |local| local.flags = flags));
        assert_eq!(severity_of(with_flags(1 << 11)), Severity::Low);
        assert_eq!(severity_of(with_flags(1)), Severity::High);
        assert_eq!(severity_of(Zip::new().entry(entry().local(|local| local.method = 8))), Severity::High);
    }

    #[test]
    fn flags_a_member_that_only_a_local_header_tells_of() {
        let finding = Case::zip(Zip::new().file("a", "").entry(entry().unlisted())).flags(&RULE);
        assert_eq!((finding.severity, finding.locator.member_shown().as_str()), (Severity::High, "p/m.py"));
    }

    #[test]
    fn members_of_an_archive_without_a_directory_are_not_each_reported() {
        Case::zip(Zip::new().entry(entry()).file("b", "").without_directory()).passes(&RULE);
    }

    #[test]
    fn a_damaged_directory_does_not_silence_what_it_hides() {
        let mut bytes = Zip::new().file("a", "").entry(entry()).build();
        // The last record of the directory claims a comment that goes beyond the end of the file.
        let record = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
        bytes[record + 33] = 0xff;
        let findings = Case::bytes(bytes).findings(&RULE);
        assert!(
            findings.iter().any(|finding| finding.severity == Severity::High && finding.message.contains("`p/m.py`"))
        );
    }

    #[test]
    fn flags_two_members_of_the_same_bytes() {
        assert!(
            Case::zip(Zip::new().entry(entry().listed_again_as("q.py")))
                .findings(&RULE)
                .iter()
                .any(|finding| finding.severity == Severity::High && finding.message.contains("shares bytes"))
        );
    }

    #[test]
    fn flags_bytes_that_belong_to_nothing() {
        assert_eq!(severity_of(Zip::new().file("a", "").entry(entry().after_gap(b"payload"))), Severity::Medium);
        assert_eq!(severity_of(Zip::new().file("a", "").entry(entry().after_gap([0; 7]))), Severity::Low);
        let hidden = [&[0; 16][..], b"payload"].concat();
        assert_eq!(severity_of(Zip::new().file("a", "").entry(entry().after_gap(hidden))), Severity::Medium);
        assert_eq!(severity_of(Zip::new().entry(entry()).trailing(b"payload")), Severity::Medium);
        assert_eq!(severity_of(Zip::new().entry(entry()).trailing(b"\r\n")), Severity::Low);
        assert_eq!(severity_of(Zip::new().entry(entry()).prefix(b"payload")), Severity::Medium);
    }

    #[test]
    fn flags_an_end_record_that_hides_members() {
        let zip = Zip::new().entry(entry()).file("b", "").end(|end| (end.entries_here, end.entries) = (1, 1));
        let finding = Case::zip(zip).flags(&RULE);
        assert_eq!((finding.severity, finding.locator.member_shown().as_str()), (Severity::High, ""));
    }

    #[test]
    fn a_directory_that_is_recorded_elsewhere_weighs_more_than_one_that_is_recorded_nowhere() {
        let worst = |case: Case| case.findings(&RULE).iter().map(|finding| finding.severity).max();
        let zip = || Zip::new().file("a", [1; 1000]).entry(entry());
        // From there a reader by offset would not see the same members.
        let elsewhere = zip().end(|end| end.offset += 20);
        assert_eq!(worst(Case::zip(elsewhere)), Some(Severity::High));
        let cut_off = zip().build().split_off(500);
        assert_eq!(worst(Case::bytes(cut_off)), Some(Severity::Medium));
    }

    #[test]
    fn flags_a_folder_with_data_at_the_folder() {
        let finding = Case::zip(Zip::new().file("p/", "payload")).flags(&RULE);
        assert_eq!((finding.severity, finding.locator.member_shown().as_str()), (Severity::Medium, "p/"));
    }

    #[test]
    fn flags_a_unicode_path_that_is_another_name() {
        let field =
            |name: &str| [&[1][..], &crate::forge::zip::crc32(b"caf#U00e9.py").to_le_bytes(), name.as_bytes()].concat();
        let zip = |name: &str| Zip::new().entry(Entry::new("caf#U00e9.py", "").extra(0x7075, &field(name)));
        assert!(Case::zip(zip("evil.py")).findings(&RULE).iter().all(|finding| finding.severity == Severity::High));
        assert!(Case::zip(zip("caf\u{e9}.py")).findings(&RULE).iter().all(|finding| finding.severity == Severity::Low));
        assert!(!Case::zip(zip("evil.py")).findings(&RULE).is_empty());
        assert!(!is_transcribed("ab.py", "a_b.py") && !is_transcribed("ab.py", "ab\u{e9}.py"));
        assert!(is_transcribed("a\\x82b.py", "a\u{e9}b.py"));
    }

    #[test]
    fn flags_plain_data_that_are_marked_as_encrypted() {
        let finding =
            Case::zip(Zip::new().entry(Entry::new("m.pyc", "x = 1\n").both(|record| record.flags |= 1))).flags(&RULE);
        assert!(finding.message.contains("marked as encrypted"));
    }

    #[test]
    fn flags_a_program_before_a_wheel_but_not_before_a_zipapp() {
        let wheel = Zip::new().file("p.py", "").file("p-1.dist-info/WHEEL", "").prefix("#!/bin/sh\n");
        assert_eq!(severity_of(wheel), Severity::Medium);
        Case::zip(Zip::new().file("__main__.py", "").prefix("#!/usr/bin/env python3\n")).passes(&RULE);
        Case::zip(Zip::new().file("__main__.py", "").prefix("#!/usr/bin/env python3\n").absolute_offsets())
            .passes(&RULE);
    }

    #[test]
    fn passes_honest_archives_of_every_form() {
        Case::zip(Zip::new()).passes(&RULE);
        Case::zip(Zip::new().entry(entry()).file("p/", "").comment("built today")).passes(&RULE);
        Case::zip(Zip::new().entry(entry()).zip64()).passes(&RULE);
        for descriptor in [Descriptor::Signed, Descriptor::Bare, Descriptor::Wide] {
            let zip = Zip::new().entry(Entry::deflated("m.py", "x = 1\n").streamed(descriptor)).file("b", "");
            Case::zip(zip).passes(&RULE);
        }
    }
}
