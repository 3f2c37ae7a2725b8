//! Python code in forms that are no pyc: recognised and counted as what they are, and not parsed.
//!
//! By their bytes where those tell; where a signature is too short to be one, the name has to agree.

use crate::container::format::ends_with_any;

/// A form of Python code that is no pyc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OtherCode {
    /// A module that Jython compiled to a class of the Java machine: `m$py.class`.
    Jython,
    /// Bytecode of `MicroPython` or `CircuitPython`: `m.mpy`.
    Micropython,
    /// What numba caches: an index (`.nbi`) or machine code (`.nbc`), both pickled.
    Numba,
    /// A template that jinja2 compiled: `__jinja2_<hash>.cache`, which holds marshalled code behind two pickled numbers.
    Jinja2,
    /// A Jupyter notebook, checkpoints included: JSON with sources in it.
    Notebook,
}

impl OtherCode {
    /// What a file of this name that begins so is; `None` for everything else.
    pub fn of(name: &[u8], head: &[u8]) -> Option<Self> {
        // `j2`, then `pickle.dumps(bc_version, 2)` of a number below 256 (jinja2/bccache.py).
        if head.starts_with(b"j2\x80\x02K") {
            return Some(Self::Jinja2);
        }
        let is_named = |endings: &[&[u8]]| ends_with_any(name, endings);
        match head {
            [0xca, 0xfe, 0xba, 0xbe, ..] if is_named(&[b"$py.class"]) => Some(Self::Jython),
            // The letter, the version and the flags (py/persistentcode.c of MicroPython).
            [b'M' | b'C', 0..=15, ..] if is_named(&[b".mpy"]) => Some(Self::Micropython),
            // A pickle begins with the opcode PROTO and its protocol; numba/core/caching.py writes both files so.
            [0x80, 2..=5, ..] if is_named(&[b".nbi", b".nbc"]) => Some(Self::Numba),
            _ if is_named(&[b".ipynb"]) => {
                let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
                text.trim_ascii_start().starts_with(b"{").then_some(Self::Notebook)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_told_by_its_bytes_and_where_they_are_short_by_its_name_too() {
        for (name, head, expected) in [
            ("a$py.class", &b"\xca\xfe\xba\xbe\0\0\0\x32"[..], Some(OtherCode::Jython)),
            ("a.class", b"\xca\xfe\xba\xbe\0\0\0\x32", None),
            ("a.mpy", b"M\x06\0\x1f", Some(OtherCode::Micropython)),
            ("a.mpy", b"C\x05\0\x1f", Some(OtherCode::Micropython)),
            ("a.mpy", b"My notes", None),
            ("f-3.py312.nbi", b"\x80\x04\x95\x0a", Some(OtherCode::Numba)),
            ("f-3.py312.1.nbc", b"\x80\x05\x95\x0a", Some(OtherCode::Numba)),
            ("f.pickle", b"\x80\x04\x95\x0a", None),
            ("__jinja2_0a.cache", b"j2\x80\x02K\x05.\x80\x02J", Some(OtherCode::Jinja2)),
            ("renamed", b"j2\x80\x02K\x05.\x80\x02J", Some(OtherCode::Jinja2)),
            ("__jinja2_0a.cache", b"", None),
            ("a.ipynb", b"\xef\xbb\xbf\n { \"cells\": []", Some(OtherCode::Notebook)),
            ("a.ipynb", b"not json", None),
        ] {
            assert_eq!(OtherCode::of(name.as_bytes(), head), expected, "{name}");
        }
    }
}
