//! Paths as URI references (RFC 3986).

use std::fmt::Write as _;

/// What relative paths are relative to; the name that code scanning knows.
pub(super) const BASE: &str = "%SRCROOT%";

/// The reference of a path, and what it is relative to. Any bytes give a valid one.
pub(super) fn of(path: &[u8]) -> (String, Option<&'static str>) {
    let mut path = path;
    while let Some(rest) = path.strip_prefix(b"./") {
        path = rest;
    }
    let is_windows = matches!(path, [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    let mut uri = match path {
        [b'/', ..] => "file://".to_owned(),
        _ if is_windows => "file:///".to_owned(),
        _ => String::new(),
    };
    let is_absolute = !uri.is_empty();
    for (at, &byte) in path.iter().enumerate() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b':' if is_windows && at == 1 => uri.push(':'),
            b'\\' if is_windows => uri.push('/'),
            _ => {
                // Writing to a `String` cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    if uri.is_empty() {
        uri.push('.');
    }
    (uri, (!is_absolute).then_some(BASE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_any_bytes_is_a_reference() {
        for (path, uri) in [
            (&b"dist/a b.whl"[..], "dist/a%20b.whl"),
            (b"./x.whl", "x.whl"),
            (b"/srv/x.whl", "file:///srv/x.whl"),
            (b"C:\\x\\y.whl", "file:///C:/x/y.whl"),
            (b"javascript:alert(1)", "javascript%3Aalert%281%29"),
            (b"a\xff\"<>%.pyc", "a%FF%22%3C%3E%25.pyc"),
            (b"", "."),
        ] {
            assert_eq!(of(path).0, uri);
        }
        assert_eq!((of(b"x").1, of(b"/x").1), (Some(BASE), None));
    }
}
