//! PYC407.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Objects in the marshalled code that are stored in a longer form than CPython 3.4 and later choose: tuples of less than 256
    /// items and ASCII text of less than 256 bytes with a length of four bytes, ASCII text as UTF-8, integers of up to 30 bits as
    /// digits. One finding for a file: the first one, and how many there are. Which objects are shared is not looked at: that
    /// follows from the reference counts of the moment.
    ///
    /// ## Why it matters
    /// The file was not written by the interpreter's own `marshal`, or with an older version of its format: some tool made or
    /// changed it. A choice of forms can also carry hidden data.
    ///
    /// ## Innocent causes
    /// Tools that write bytecode themselves; `marshal.dumps` with a version.
    ///
    /// ## What to do
    /// Find out what wrote the file.
    ///
    /// ## References
    /// `w_object` in CPython's Python/marshal.c.
    id: "PYC407",
    name: "noncanonical-encoding",
    summary: "objects in a longer form than the interpreter writes",
    severity: Info,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(forms) = context.pyc.long_forms else { return };
    let is_other = context.pyc.fit.is_some_and(|fit| fit.is_other_layout());
    if !context.is_whole || !context.pyc.body.is_code() || is_other {
        return;
    }
    let what = match forms.letter {
        b'(' => "a tuple",
        b'l' => "an integer",
        _ => "ASCII text",
    };
    let more = if forms.count > 1 { format!("; the first of {}", forms.count) } else { String::new() };
    let message = format!("{what} in `{}` is in a longer form than the interpreter writes{more}", context.module);
    findings.add(message).at(forms.offset).compared("", format!("type `{}`", char::from(forms.letter)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(python: &str, raw: &[u8]) -> Case {
        let pyc = Pyc::python(python).consts(vec![Value::Raw(raw.to_vec()), Value::None]);
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_long_forms_where_short_ones_fit() {
        let finding = case("3.12", b"(\x01\0\0\0N").flags(&RULE);
        assert_eq!(finding.message, "a tuple in `m` is in a longer form than the interpreter writes");
        case("3.8", b"a\x01\0\0\0x").flags(&RULE);
        case("3.8", b"u\x01\0\0\0x").flags(&RULE);
        case("3.13", b"l\x01\0\0\0\x05\0").flags(&RULE);
    }

    #[test]
    fn passes_what_needs_its_form_and_versions_that_had_no_other() {
        case("3.12", b"u\x02\0\0\0\xc3\xa4").passes(&RULE);
        case("3.12", b"l\x03\0\0\0\0\0\0\0\x02\0").passes(&RULE);
        case("3.12", &[&b"a\x00\x01\0\0"[..], &[b'x'; 256]].concat()).passes(&RULE);
        case("2.7", b"(\x01\0\0\0N").passes(&RULE);
        case("PyPy 3.9", b"(\x01\0\0\0N").passes(&RULE);
    }
}
