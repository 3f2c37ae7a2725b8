//! The marks that protectors leave in the code they write: names of their runtimes and of what these are called by.
//!
//! Each is in the protector's own documentation or in the loader that it writes; words that others use too are left out.

/// The protector that a name is a mark of.
pub(super) fn of(name: &[u8]) -> Option<&'static str> {
    let first = name.first()?;
    match first {
        b'_' => match name {
            b"__pyarmor__"
            | b"__armor_enter__"
            | b"__armor_exit__"
            | b"__armor_wrap__"
            | b"__armor__"
            | b"__pyarmor_enter__"
            | b"__pyarmor_exit__"
            | b"__assert_armored__"
            | b"__pyarmor_assert__" => Some("PyArmor"),
            b"_pyconcrete" => Some("pyconcrete"),
            _ => None,
        },
        b'p' => match name {
            b"pyarmor_runtime" | b"pytransform" | b"pytransform3" => Some("PyArmor"),
            b"pyconcrete" => Some("pyconcrete"),
            // The folder has the number of the licence: `pyarmor_runtime_000000`.
            _ if name.starts_with(b"pyarmor_runtime_") => Some("PyArmor"),
            _ => None,
        },
        b's' if name == b"sourcedefender" => Some("SourceDefender"),
        _ => None,
    }
}
