//! PYC519.

use crate::content::IndicatorKind;
use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

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
    finding.at(first.offset).compared("", format!("`{}`", name::shown(first.text)));
    let is_split = first.kind == IndicatorKind::Shell;
    if context.is_for_show() {
        finding.severity(Severity::Info);
    } else if is_hidden && !is_split && context.load.verdict.is_live() {
        finding.severity(Severity::Medium);
    }
}
