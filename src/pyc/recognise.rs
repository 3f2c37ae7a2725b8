//! What a file is, told by its first bytes: bytecode under another name, or another kind of file under the name of bytecode.
//!
//! It looks at beginnings only; whether the rest is sound is for those who read it.

use super::header::HeaderLayout;
use super::versions::CodeLayout;
use super::versions::Magic;
use super::versions::Version;
use super::versions::lookup;

/// The kinds of file that begin with fixed bytes, and what they are called.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x7fELF", "ELF"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\xfe\xed\xfa\xce", "Mach-O"),
    (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\xca\xfe\xba\xbf", "Mach-O"),
    (b"version https://git-lfs.github.com/spec/", "Git LFS pointer"),
    (b"!<arch>\n", "ar archive"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF-", "PDF"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
];

/// How much of a file is looked at to tell text from data.
const TEXT_HEAD: usize = 4096;

/// Names what a file is that has no magic of a pyc; `None` when it is like nothing known.
pub fn recognise(bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_empty() {
        return None;
    }
    if bytes.iter().all(|&byte| byte == 0) {
        return Some("zeros");
    }
    if bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
        return Some(if bytes.contains(&b' ') || bytes.contains(&b'\t') { "blanks" } else { "line ends" });
    }
    if let Some(&(_, kind)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Some(kind);
    }
    if bytes.starts_with(b"\xca\xfe\xba\xbe") {
        // Java's major version begins at 45; a fat Mach-O has a count of architectures there.
        let major = bytes.get(4..)?.first_chunk::<4>().copied().map_or(0, u32::from_be_bytes);
        return Some(if major & 0xffff >= 45 { "Java class" } else { "Mach-O" });
    }
    if bytes.starts_with(b"MZ") {
        return Some("PE");
    }
    if let [b'M' | b'C', version @ 0..=6, _, small_int_bits, ..] = *bytes
        && (version < 3 || (8..=64).contains(&small_int_bits))
        && !is_text(bytes)
    {
        // Version, feature flags, bits of a small integer (MicroPython's py/persistentcode.c).
        return Some(".mpy");
    }
    if is_text(bytes) {
        return Some(text_kind(bytes));
    }
    None
}

/// Whether the beginning is text: UTF-8 without controls other than those of a text.
fn is_text(bytes: &[u8]) -> bool {
    let head = bytes.get(..TEXT_HEAD).unwrap_or(bytes);
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The cut may have hit a character.
        Err(error) => error.error_len().is_none() && head.len() < bytes.len(),
    };
    valid && head.iter().all(|&byte| byte >= 0x20 && byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
}

/// What lines of Python source begin with.
const STARTS: &[&[u8]] = &[
    b"import ", b"from ", b"def ", b"class ", b"print", b"if ", b"#", b"\"\"\"", b"'''", b"@", b"try:", b"__",
    b"async ",
];

/// What kind of text it is.
fn text_kind(bytes: &[u8]) -> &'static str {
    let head = bytes.get(..TEXT_HEAD).unwrap_or(bytes);
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if [&b"<!doctype"[..], b"<html", b"<head", b"<body"].into_iter().any(begins) {
        return "HTML";
    }
    let is_source = text.split(|&byte| byte == b'\n').any(|line| STARTS.iter().any(|start| line.starts_with(start)));
    if is_source { "Python source" } else { "text" }
}

/// Whether a file that is not called `.pyc` could be one, from its first 64 bytes or fewer: a known magic, a plausible
/// header and the letter of a code object behind it.
pub fn sniff(head: &[u8]) -> bool {
    let Some(magic) = head.first_chunk::<4>() else { return false };
    lookup(Magic(*magic)).iter().any(|version| begins_with_code(head, version))
}

/// Whether a code object's letter stands where the version's header ends, or where another header does.
fn begins_with_code(head: &[u8], version: &Version) -> bool {
    let Some(layout) = version.header else {
        // A strict loader's header stands before another magic.
        return version.layout == CodeLayout::Prefix && sniff(head.get(4..).unwrap_or_default());
    };
    let is_letter = |offset: usize| {
        head.get(offset).is_some_and(|&letter| match version.layout {
            CodeLayout::L10 | CodeLayout::Graal => matches!(letter, b'C' | b'c' | 0xe3),
            _ => matches!(letter, b'c' | 0xe3),
        })
    };
    if layout != HeaderLayout::Bytes16 {
        return is_letter(layout.size()) || version.layout.fields().is_empty() || is_letter(16) || is_letter(12);
    }
    let plain_flags = head.get(4..8).is_some_and(|flags| flags.get(1..) == Some(&[0, 0, 0]));
    plain_flags && is_letter(16) || is_letter(12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_named() {
        let kinds: &[(&[u8], &str)] = &[
            (b"\x7fELF\x02\x01\x01", "ELF"),
            (b"MZ\0\0", "PE"),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", "Java class"),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", "Mach-O"),
            (b"M\x06\0\x1f\0\0", ".mpy"),
            (b"\0\0\0", "zeros"),
            (b"  \n", "blanks"),
            (b"\n\n", "line ends"),
            (b"print(1)\n", "Python source"),
            (b"\xff\xfep\0r\0", "UTF-16 text"),
            (b"<!DOCTYPE html>", "HTML"),
            (b"hello there", "text"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        ];
        for (bytes, kind) in kinds {
            assert_eq!(recognise(bytes), Some(*kind), "{bytes:x?}");
        }
        assert_eq!(recognise(b"\x55\x0d\x0d\x0a\0\0\0\0"), None);
        assert_eq!(recognise(b""), None);
    }

    #[test]
    fn a_magic_with_a_code_object_behind_it_is_bytecode_under_any_name() {
        let mut pyc = b"\xcb\x0d\x0d\x0a\0\0\0\0aaaabbbb\xe3".to_vec();
        assert!(sniff(&pyc));
        pyc[16] = b'(';
        assert!(!sniff(&pyc));
        assert!(!sniff(b"\xcb\x0d\x0d\x0a"));
        assert!(sniff(b"\x03\xf3\x0d\x0aaaaac"));
        assert!(!sniff(b"deadbeef is a number in hexadecimal"));
    }
}
