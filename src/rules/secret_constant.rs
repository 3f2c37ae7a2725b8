//! PYC605.

use std::collections::BTreeSet;

use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::secret;
use crate::secret::Secret;

declare_rule! {
    /// ## What it reports
    /// A string in the bytecode that has the shape of a secret: a token, key or webhook in the format that its issuer documents
    /// (GitHub, GitLab, PyPI, npm, AWS, Google, Slack, Stripe, OpenAI and others), a private key, or a JSON Web Token. Examples
    /// are passed over: text such as `EXAMPLE` or `xxxx`, repeated characters, little variety. Only bytecode that could be read
    /// is searched.
    ///
    /// ## Why it matters
    /// Bytecode keeps what its source no longer has. In 2024 a token of PyPI's own administrator was found in a pyc of a published
    /// image; the source had been cleaned.
    ///
    /// ## Innocent causes
    /// Keys made for tests, keys that are meant to be public, secrets that were revoked. A source may put a constant together
    /// from parts, so that its text is not in it.
    ///
    /// ## Severity
    /// High when the source lies beside the pyc and does not have it, or when it has the checksum that its issuer gives (GitHub,
    /// npm); otherwise medium. One step lower when that checksum does not fit, and for kinds that are often public
    /// or do not last (Google API keys and client secrets, JSON Web Tokens), and inside a longer text of several lines, such as
    /// documentation. At most low in tests, examples and documentation.
    ///
    /// ## What to do
    /// Revoke it first; taking the file back does not take back what was copied. Then see who used it, and build again
    /// from a clean checkout. Reports show how it begins and ends; `--reveal-secrets` shows it whole.
    ///
    /// ## References
    /// JFrog, "Binary secret scanning helped us prevent (what might have been) the worst supply chain attack you can imagine"
    /// (2024). GitHub, "Behind GitHub's new authentication token formats" (2021).
    id: "PYC605",
    name: "secret-constant",
    summary: "a string has the shape of a token or key",
    severity: High,
    check: Pyc(check),
}

/// Findings of one file: who gets more than that reads the file.
const MOST: usize = 20;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if !context.content.may_hold_secrets() {
        return;
    }
    let mut seen: BTreeSet<&[u8]> = BTreeSet::new();
    for (offset, string) in context.tree.strings() {
        for secret in secret::find(string) {
            if seen.len() > MOST || !seen.insert(secret.text) {
                continue;
            }
            if seen.len() > MOST {
                findings.add(format!("`{}` holds more secrets, which are not listed", context.module));
                return;
            }
            let is_in_text = is_in_text(&secret, string);
            let offset = offset.saturating_add(secret.offset as u64);
            report(context, findings, &Found { secret, offset, is_in_text });
        }
    }
}

/// A secret and where it was found.
struct Found<'a> {
    secret: Secret<'a>,
    /// Where it is in the file.
    offset: u64,
    /// Whether a longer text is around it.
    is_in_text: bool,
}

/// Whether a string has several lines besides the secret: the documentation of a module, a file that it writes.
fn is_in_text(secret: &Secret<'_>, string: &[u8]) -> bool {
    const LINES: usize = 5;
    let (before, rest) = string.split_at_checked(secret.offset).unwrap_or_default();
    let behind = rest.get(secret.text.len()..).unwrap_or_default();
    memchr::memchr_iter(b'\n', before).chain(memchr::memchr_iter(b'\n', behind)).take(LINES).count() == LINES
}

fn report(context: &PycContext<'_>, findings: &mut Findings<'_>, found: &Found<'_>) {
    let Found { secret, offset, .. } = found;
    let offset = *offset;
    let in_source = (context.source_text)().map(|text| memchr::memmem::find(text, secret.line()).is_some());
    let what = secret.format.name;
    let where_else = match (in_source, context.source.file()) {
        (Some(false), Some(file)) => {
            let last = file.locator.to_string();
            format!(" that is not in `{}`", last.rsplit(['/', '!']).next().unwrap_or_default())
        }
        (Some(true), _) => " that its source has too".to_owned(),
        _ => String::new(),
    };
    let checksum = match secret.checksum_fits() {
        Some(true) => ", and its checksum fits",
        Some(false) => ", though its checksum does not fit",
        None => "",
    };
    let shown = if context.container.reveal_secrets { name::shown(secret.text) } else { secret.masked() };
    let code =
        context.tree.codes().filter(|code| code.offset() < offset && code.end().is_none_or(|end| offset < end)).last();
    let code = code.and_then(|code| code.qualname().or_else(|| code.name())).map(crate::pyc::Text::to_name);
    let inside = code.map(|name| format!(" in `{name}`")).unwrap_or_default();
    let message = format!("`{}` holds {what}{where_else}{checksum}", context.module);
    let finding = findings.add(message);
    finding
        .severity(severity(context, found, in_source))
        .at(offset)
        .compared("no secret", format!("`{shown}`{inside}"));
}

fn severity(context: &PycContext<'_>, found: &Found<'_>, in_source: Option<bool>) -> Severity {
    let fits = found.secret.checksum_fits();
    let mut severity = if in_source == Some(false) || fits == Some(true) { Severity::High } else { Severity::Medium };
    if fits == Some(false) || found.is_in_text || found.secret.is_often_public() {
        severity = if severity == Severity::High { Severity::Medium } else { Severity::Low };
    }
    if context.is_for_show() { severity.min(Severity::Low) } else { severity }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    // Put together here, so that no scanner finds them in this file. None was ever issued.
    fn token() -> String {
        ["glpat", "-Zk3vW9qLx2TbNn7RyP4s"].concat()
    }

    fn with(constant: Value) -> Vec<u8> {
        Pyc::python("3.12").source_mtime(100).consts(vec![constant, Value::None]).build()
    }

    fn beside(constant: Value, source: &str) -> Case {
        Case::tree().file("p/m.py", source, 100).file("p/__pycache__/m.cpython-312.pyc", with(constant), 101)
    }

    #[test]
    fn flags_a_token_that_the_source_no_longer_has() {
        let finding = beside(Value::Str(token()), "x = 1\n").flags(&RULE);
        assert_eq!(
            (finding.severity, finding.message.as_str(), finding.observed.as_str()),
            (
                Severity::High,
                "`m` holds a GitLab access token that is not in `m.py`",
                "`glpat-... (26 characters)` in `<module>`"
            )
        );
        assert!(finding.offset.is_some_and(|offset| offset > 16));
    }

    #[test]
    fn flags_a_token_that_the_source_has_too_and_one_without_a_source_as_medium() {
        let finding = beside(Value::Str(token()), &format!("T = '{}'\n", token())).flags(&RULE);
        assert_eq!(
            (finding.severity, finding.message.as_str()),
            (Severity::Medium, "`m` holds a GitLab access token that its source has too")
        );
        let finding = Case::tree().file("m.pyc", with(Value::Bytes(token().into_bytes())), 1).flags(&RULE);
        assert_eq!(finding.message, "`m` holds a GitLab access token");
        assert_eq!(finding.severity, Severity::Medium);
    }

    #[test]
    fn a_checksum_raises_and_lowers() {
        // The example of GitHub's own announcement, which is revoked.
        let known = ["ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
        assert_eq!(
            Case::tree().file("m.pyc", with(Value::Str(known.clone())), 1).flags(&RULE).severity,
            Severity::High
        );
        let other = known.replace("0mL", "0mM");
        let finding = beside(Value::Str(other.clone()), "x = 1\n").flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(Case::tree().file("m.pyc", with(Value::Str(other)), 1).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn a_token_in_tests_is_low() {
        assert_eq!(
            Case::tree().file("p/tests/m.pyc", with(Value::Str(token())), 1).flags(&RULE).severity,
            Severity::Low
        );
    }

    #[test]
    fn a_token_in_documentation_is_one_step_lower() {
        let text = format!("How to use it:\n\n1. Get a key.\n2. Write\n\n    key: {}\n\nThat is all.\n", token());
        let finding = Case::tree().file("m.pyc", with(Value::Str(text.clone())), 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert_eq!(beside(Value::Str(text), "x = 1\n").flags(&RULE).severity, Severity::Medium);
    }

    #[test]
    fn a_token_is_shown_whole_only_on_request() {
        let case = || Case::tree().file("m.pyc", with(Value::Str(format!("a {} b", token()))), 1);
        let finding = case().flags(&RULE);
        assert!(!format!("{finding:?}").contains(&token()[8..]));
        assert!(case().reveal_secrets().flags(&RULE).observed.contains(&token()));
    }

    #[test]
    fn tokens_in_tuples_functions_and_old_pythons_are_found_once() {
        let shared = Value::Tuple(vec![Value::Str(token()), Value::Str(token())]);
        Case::tree().file("m.pyc", with(shared), 1).flags(&RULE);
        let old = Pyc::python("2.7").consts(vec![Value::Bytes(token().into_bytes()), Value::None]).build();
        Case::tree().file("m.pyc", old, 1).flags(&RULE);
    }

    #[test]
    fn a_file_of_secrets_does_not_fill_the_report() {
        let many: Vec<Value> = (0..100).map(|at| Value::Str(format!("{}{at:03}", token()))).collect();
        let findings = Case::tree().file("m.pyc", with(Value::Tuple(many)), 1).findings(&RULE);
        assert_eq!(findings.len(), MOST + 1);
    }

    #[test]
    fn passes_strings_that_only_begin_so() {
        for text in ["ghp_", "hf_transfer", "-----BEGIN CERTIFICATE-----", "AKIA", "glpat-your-token-goes-here-now"] {
            Case::tree().file("m.pyc", with(Value::Str(text.to_owned())), 1).passes(&RULE);
        }
    }
}
