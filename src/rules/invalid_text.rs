//! PYC411.

use crate::name;
use crate::pyc::Oddity;
use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Names in the code (of variables, attributes, functions, files) with control characters, lone surrogates, or characters
    /// that are invisible or reorder what is around them. One finding for a file; the first such name is shown.
    ///
    /// ## Why it matters
    /// The compiler takes no such character in an identifier, but for fillers that look like nothing and marks such as variation
    /// selectors, which hide behind the letter before them: the code was changed after it was compiled, or is meant not to be
    /// read as it is. Such names also move the cursor of a terminal and reorder lines in tools that show them raw.
    ///
    /// ## Innocent causes
    /// A path that is no text in the builder's encoding, or holds such a character. A letter typed with a variation selector.
    ///
    /// ## Severity
    /// Medium; low when only the file name under which it was compiled is so, or when all such characters are marks that an
    /// identifier may have.
    ///
    /// ## What to do
    /// Look at the names, and find out what wrote them.
    ///
    /// ## References
    /// PEP 3131; Unicode UAX 9 and UAX 31.
    id: "PYC411",
    name: "invalid-text",
    summary: "names with characters that no source can have, or that hide",
    severity: Medium,
    check: Pyc(check),
}

/// How many bytes of a name are shown.
const SHOWN: usize = 80;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if context.pyc.oddities.is_empty() || !context.is_whole {
        return;
    }
    let file = context.pyc.body.root().map(|root| root.filename.as_bytes()).unwrap_or_default();
    let text_of = |oddity: &Oddity| text_at(context.bytes, oddity.offset).unwrap_or_default();
    let is_mild = |oddity: &Oddity| text_of(oddity) == file || has_marks_alone(text_of(oddity));
    let mut odd = context.pyc.oddities.iter().filter(|oddity| is_text(oddity));
    let Some(first) = odd.clone().find(|oddity| !is_mild(oddity)).or_else(|| odd.next()) else { return };
    let what = match first.kind {
        OddityKind::ControlCharacter => "control characters",
        OddityKind::NotText => "what is no text",
        _ => "invisible characters",
    };
    let text = text_of(first);
    let whose = if text == file { "the file name that it was compiled under" } else { "a name" };
    let finding = findings.add(format!("`{}` has {what} in {whose}", context.module));
    finding.compared("", name::shown(text.get(..SHOWN).unwrap_or(text))).at(first.offset);
    if is_mild(first) {
        finding.severity(Severity::Low);
    }
}

/// Whether whatever is deceptive in a name are marks that an identifier may have behind its first letter (`XID_Continue`).
fn has_marks_alone(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let is_mark = |character| {
        matches!(character, '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180d}' | '\u{180f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
    };
    text.chars().all(|character| !name::is_deceptive(character) || is_mark(character))
}

fn is_text(oddity: &Oddity) -> bool {
    matches!(oddity.kind, OddityKind::ControlCharacter | OddityKind::NotText | OddityKind::DeceptiveCharacter)
}

/// The text of the marshalled string at an offset.
fn text_at(bytes: &[u8], offset: u64) -> Option<&[u8]> {
    let (letter, rest) = bytes.get(usize::try_from(offset).ok()?..)?.split_first()?;
    if matches!(letter & 0x7f, b'z' | b'Z') {
        let (&length, rest) = rest.split_first()?;
        return rest.get(..usize::from(length));
    }
    let (&length, rest) = rest.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_le_bytes(length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(pyc: &Pyc) -> Case {
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_an_escape_sequence_in_a_name() {
        let finding = case(&Pyc::python("3.12").names(&["print", "a\x1b[31m"])).flags(&RULE);
        assert_eq!(finding.message, "`m` has control characters in a name");
        assert_eq!(finding.observed, "a\\u{1b}[31m");
    }

    #[test]
    fn flags_invisible_and_reversing_characters() {
        case(&Pyc::python("3.12").names(&["\u{3164}"])).flags(&RULE);
        case(&Pyc::python("3.8").names(&["a\u{202e}b"])).flags(&RULE);
        case(&Pyc::python("2.7").names(&["a\0b"])).flags(&RULE);
    }

    #[test]
    fn says_less_of_an_odd_path() {
        let finding = case(&Pyc::python("3.12").filename("/home/a\nb/m.py")).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert_eq!(finding.message, "`m` has control characters in the file name that it was compiled under");
        let both = Pyc::python("3.12").filename("/home/a\nb/m.py").names(&["a\u{200b}"]);
        assert_eq!(case(&both).flags(&RULE).severity, Severity::Medium);
    }

    #[test]
    fn says_less_of_a_variation_selector() {
        assert_eq!(case(&Pyc::python("3.12").names(&["x\u{e0100}"])).flags(&RULE).severity, Severity::Low);
        let both = Pyc::python("3.12").names(&["x\u{e0100}", "\u{3164}"]);
        let finding = case(&both).flags(&RULE);
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::Medium, "\\u{3164}"));
    }

    #[test]
    fn passes_names_in_any_script() {
        case(&Pyc::python("3.12").names(&["größe", "переменная", "変数", ".0", "<lambda>"])).passes(&RULE);
        case(&Pyc::python("3.12").filename("/home/josé ☃/m.py")).passes(&RULE);
        case(&Pyc::python("2.7").filename("C:\\a b\\m.py")).passes(&RULE);
    }
}
