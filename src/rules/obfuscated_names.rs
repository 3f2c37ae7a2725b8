//! PYC514.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A module of whose names (of variables, attributes and functions) a fifth or more, and eight at least, are rows of characters
    /// that look alike (`lIl1I`, `O0O0O`, `_____`), numbers that a tool gave (`_0x3fa2`), or Latin words with letters of another
    /// script that look the same.
    ///
    /// ## Why it matters
    /// Such names are given by obfuscators, so that nobody can tell one from another.
    ///
    /// ## Innocent causes
    /// A vendor that obfuscates what it sells. Minifiers give short names, which are not reported.
    ///
    /// ## Severity
    /// Medium; low in bytecode that is stale or never looked at.
    ///
    /// ## What to do
    /// Find out who made the module, and why its names are hidden.
    ///
    /// ## References
    /// Unicode UTS 39, confusable characters.
    id: "PYC514",
    name: "obfuscated-names",
    summary: "names that cannot be told from one another",
    severity: Medium,
    check: Pyc(check),
}

/// The share of names, in percent.
const SHARE: usize = 20;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(names) = context.content.alike() else { return };
    if names.alike < 8 || names.alike.saturating_mul(100) < names.all.saturating_mul(SHARE) {
        return;
    }
    let (alike, all) = (names.alike, names.all);
    let finding = findings.add(format!("{alike} of {all} names in `{}` look like one another", context.module));
    finding.compared("", format!("`{}`", names.first));
    if context.is_passed_over() {
        finding.severity(Severity::Low);
    }
}
