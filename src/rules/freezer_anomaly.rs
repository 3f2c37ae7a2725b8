//! PYC814.

use crate::container::Oddity;
use crate::container::OddityKind;
use crate::name;
use crate::rules::ArtifactContext;
use crate::rules::ContainerFacts;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A program frozen by PyInstaller that PyInstaller did not write so: its cookie has another magic or does not fit the
    /// archive, the modules have the magic number of another Python than the cookie gives, files share bytes, records have kinds or
    /// data that they never have, bytes follow behind the end of the program, the modules are encrypted.
    ///
    /// ## Why it matters
    /// Whoever wants a frozen program to run and its contents not to be read changes what unpackers look for: the magic of the
    /// cookie, the version in it, the first bytes of the PYZ. Data behind the end are loaded by the code, and no list of
    /// the archive's files shows them.
    ///
    /// ## Innocent causes
    /// Protectors that licensed programs use; installers and updaters that append their own data; the `--key` option of PyInstaller
    /// before 6.0, which encrypts the modules and leaves the key beside them.
    ///
    /// ## Severity
    /// High for an altered cookie, another version and bytes that several files share. Medium for what can be told from the outside
    /// or was an option: encrypted modules, bytes behind the end, odd records.
    ///
    /// ## What to do
    /// Look at the offsets that the findings give. `pycaudit extract` writes the modules as pycs, with the headers that PyInstaller
    /// cut off, also of an archive with an altered cookie.
    ///
    /// ## References
    /// PyInstaller, "Advanced Topics: The CArchive and ZlibArchive" and archive/readers.py; extremecoders-re/pyinstxtractor#9 and #96.
    id: "PYC814",
    name: "freezer-anomaly",
    summary: "a frozen program is not as its freezer writes it",
    severity: High,
    check: MemberAndArtifact(check_member, check_archive),
}

fn check_member(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    for oddity in context.oddities {
        report(oddity, context.container, findings);
    }
}

/// What belongs to no member.
fn check_archive(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    for oddity in context.container.container.oddities().iter().filter(|oddity| oddity.member.is_none()) {
        report(oddity, context.container, findings);
    }
}

fn report(oddity: &Oddity, facts: &ContainerFacts<'_>, findings: &mut Findings<'_>) {
    let Some((what, severity)) = sentence(oddity.kind).filter(|_| facts.kind().is_frozen()) else { return };
    let subject = match oddity.member.and_then(|id| facts.member(id)) {
        Some(member) => format!("`{}`", name::shown(&member.path())),
        None => "the archive".to_owned(),
    };
    let finding = findings.add(format!("{subject}: {what}"));
    finding.compared(oddity.expected.as_str(), oddity.observed.as_str()).severity(severity);
    finding.offset = oddity.offset;
}

fn sentence(kind: OddityKind) -> Option<(&'static str, Severity)> {
    Some(match kind {
        OddityKind::CookieDiffers => ("the cookie is not as PyInstaller writes it", Severity::High),
        OddityKind::VersionDiffers => ("the modules are of another Python than the cookie says", Severity::High),
        OddityKind::Overlap => ("it shares bytes with another file of the archive", Severity::High),
        OddityKind::EncryptedCode => ("the modules are encrypted", Severity::Medium),
        OddityKind::RecordMalformed => ("its record is not as PyInstaller writes it", Severity::Medium),
        OddityKind::Trailing => ("bytes follow behind the end", Severity::Medium),
        OddityKind::DataAfterStream => {
            ("its compressed data end before the bytes that the archive gives to it", Severity::Medium)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Carchive;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::PyzArchive;
    use crate::pyc::Magic;

    fn body() -> Vec<u8> {
        Pyc::python("3.12").build_body()
    }

    /// A program with a module and a script.
    fn program(pyz: &PyzArchive) -> Carchive {
        Carchive::new(312).packed(b's', "prog", body()).plain(b'z', "PYZ.pyz", pyz.build())
    }

    fn pyz() -> PyzArchive {
        PyzArchive::new(Magic::with_number(3531)).module("p.m", body())
    }

    #[test]
    fn passes_a_program_as_pyinstaller_writes_it() {
        Case::bytes(program(&pyz()).build()).passes(&RULE);
        Case::bytes(program(&pyz()).trailing([0; 8]).build()).passes(&RULE);
    }

    #[test]
    fn flags_a_cookie_with_another_magic() {
        let finding = Case::bytes(program(&pyz()).cookie(|it| it.magic = *b"MEI\0\0\0\0\0").build()).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert!(finding.observed.starts_with("4d45490000000000"), "{finding:?}");
    }

    #[test]
    fn flags_modules_of_another_python_than_the_cookie_says() {
        let other = PyzArchive::new(Magic::with_number(3495)).module("p.m", Pyc::python("3.11").build_body());
        let finding = Case::bytes(program(&other).build()).flags(&RULE);
        assert_eq!(finding.expected, "a magic number of Python 3.12, as the cookie says");
        assert_eq!(finding.observed, "CPython 3.11");
    }

    #[test]
    fn flags_encrypted_modules_once() {
        let many = pyz().module("q", body()).encrypted();
        let finding = Case::bytes(program(&many).build()).flags(&RULE);
        assert_eq!((finding.severity, finding.offset), (Severity::Medium, Some(12)));
        assert_eq!(finding.locator.to_string(), "a.zip!PYZ.pyz");
    }

    #[test]
    fn flags_bytes_behind_the_end_of_the_program() {
        let finding =
            Case::bytes(program(&pyz()).trailing(b"more than what pads a section".to_vec()).build()).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert!(finding.observed.starts_with("29 bytes that begin with 6d6f7265"), "{finding:?}");
    }

    #[test]
    fn flags_files_that_share_bytes_and_options_with_data() {
        let shared = program(&pyz()).plain(b'x', "data", b"some".to_vec()).edit(|it| it.offset = Some(2));
        assert_eq!(Case::bytes(shared.build()).flags(&RULE).severity, Severity::High);
        let option = program(&pyz()).plain(b'o', "pyi-runtime-tmpdir .", b"hidden".to_vec());
        assert_eq!(Case::bytes(option.build()).flags(&RULE).observed, "6 bytes");
    }
}
