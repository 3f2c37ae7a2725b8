//! PYC808.

use crate::container::Kind;
use crate::container::Member;
use crate::name;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A member of an archive whose name leads out of the folder into which it is unpacked, or is no ordinary file name: `..`
    /// as a part, an absolute path, a drive, a network share, a NUL byte or another control character, nothing at all, a device
    /// name of Windows; in a wheel also a name that is not UTF-8.
    ///
    /// ## Why it matters
    /// An unpacker that takes such a name as it is writes where it should not: over a start-up file, into another package. A NUL
    /// byte ends the name for some readers and not for others; control characters make a terminal show another name.
    ///
    /// ## Innocent causes
    /// None known for names that lead out. Device names (`aux.py`, `con.json`) are ordinary files everywhere but on Windows.
    ///
    /// ## Severity
    /// High; medium for control characters, an empty name and a drive letter without a slash after it, which is a file name
    /// elsewhere; low for device names and for what is not UTF-8.
    ///
    /// ## What to do
    /// Do not unpack the archive with a tool that does not check names.
    ///
    /// ## References
    /// APPNOTE.TXT 4.4.17; binary distribution format, "File name convention"; `ZipFile.extract` in CPython's Lib/zipfile, which strips drives, roots and `..`.
    id: "PYC808",
    name: "unsafe-path",
    summary: "a member's name leads out of the archive's folder",
    severity: High,
    check: Member(check),
}

fn check(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    if context.container.kind() == Kind::Directory {
        return;
    }
    let Some(path) = context.container.member(context.member).map(Member::path) else { return };
    // Elsewhere names are in whatever encoding their system has.
    let is_text = context.container.kind() != Kind::Wheel || std::str::from_utf8(&path).is_ok();
    let unreadable = (!is_text).then_some((Severity::Low, "is not UTF-8"));
    if let Some((severity, observed)) = danger(&path).or(unreadable) {
        findings
            .add(format!("the name `{}` {observed}", name::shown(&path)))
            .compared("a path below the archive's folder", name::shown(&path))
            .severity(severity);
    }
}

/// What is wrong with a name. Windows takes backslashes for slashes, so they count as such everywhere.
fn danger(path: &[u8]) -> Option<(Severity, &'static str)> {
    let is_slash = |byte: u8| byte == b'/' || byte == b'\\';
    let mut parts = path.split(|&byte| is_slash(byte));
    if path.contains(&0) {
        return Some((Severity::High, "holds a NUL byte"));
    }
    if parts.clone().any(|part| part == b"..") {
        return Some((Severity::High, "has `..` as a part"));
    }
    if path.starts_with(b"\\\\") || path.starts_with(b"//") {
        return Some((Severity::High, "is that of a network share"));
    }
    if path.first().is_some_and(|&byte| is_slash(byte)) {
        return Some((Severity::High, "is absolute"));
    }
    if let [letter, b':', rest @ ..] = path
        && letter.is_ascii_alphabetic()
    {
        let absolute = rest.first().is_some_and(|&byte| is_slash(byte));
        return Some((if absolute { Severity::High } else { Severity::Medium }, "begins with a drive"));
    }
    if path.iter().any(u8::is_ascii_control) {
        return Some((Severity::Medium, "holds control characters"));
    }
    if path.is_empty() {
        return Some((Severity::Medium, "is empty"));
    }
    parts.any(is_device).then_some((Severity::Low, "is that of a device on Windows"))
}

/// Whether Windows takes a part of a path for a device, whatever its extension ("Naming Files, Paths, and Namespaces").
fn is_device(part: &[u8]) -> bool {
    let stem = part.split(|&byte| byte == b'.').next().unwrap_or_default().trim_ascii_end();
    match stem.len() {
        3 => [b"CON", b"PRN", b"AUX", b"NUL"].iter().any(|device| stem.eq_ignore_ascii_case(*device)),
        4 => {
            stem.last().is_some_and(|digit| matches!(digit, b'1'..=b'9'))
                && stem
                    .get(..3)
                    .is_some_and(|name| name.eq_ignore_ascii_case(b"COM") || name.eq_ignore_ascii_case(b"LPT"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Zip;

    fn severity_of(name: &[u8]) -> Severity {
        Case::zip(Zip::new().file(name, "")).flags(&RULE).severity
    }

    #[test]
    fn flags_names_that_lead_out() {
        for name in
            ["../m.pyc", "p/../../m.py", "p\\..\\..\\m.py", "/etc/m.py", "\\m.py", "\\\\host\\share\\m.py", "C:/m.py"]
        {
            assert_eq!(severity_of(name.as_bytes()), Severity::High, "{name}");
        }
    }

    #[test]
    fn flags_a_name_that_ends_early_for_some_readers() {
        let finding = Case::zip(Zip::new().file(b"m.py\0.txt", "")).flags(&RULE);
        assert!(finding.message.contains("NUL") && !finding.message.contains('\0'));
    }

    #[test]
    fn names_that_are_no_text_or_none_weigh_less() {
        assert_eq!(severity_of(b"p/\x1b[2J.py"), Severity::Medium);
        assert_eq!(severity_of(b""), Severity::Medium);
        let latin = Zip::new().file(b"p/caf\xe9.py", "");
        Case::zip(Zip::new().file(b"p/caf\xe9.py", "")).passes(&RULE);
        assert_eq!(Case::zip(latin.file("a-1.dist-info/WHEEL", "")).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn names_that_matter_on_windows_only_weigh_less() {
        assert_eq!(severity_of(b"c:m.py"), Severity::Medium);
        assert_eq!(severity_of(b"p/aux.py"), Severity::Low);
        assert_eq!(severity_of(b"p/Com1/m.py"), Severity::Low);
    }

    #[test]
    fn passes_ordinary_names_and_the_backslashes_of_old_tools() {
        for name in ["p/m.py", "p\\m.py", "p/..m.py", "p/...", "p/auxiliary.py", "p/com.py", "p/console.py", "ab:c"] {
            Case::zip(Zip::new().file(name, "")).passes(&RULE);
        }
    }
}
