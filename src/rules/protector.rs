//! PYC516.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Names in the code that a protector writes there: the runtimes of PyArmor, SourceDefender and pyconcrete, and the functions
    /// that they put in front of protected code.
    ///
    /// ## Why it matters
    /// The code that runs is encrypted and decrypted in memory: neither the bytecode nor a source shows it.
    ///
    /// ## Innocent causes
    /// Vendors protect what they sell. The tools themselves, and tools that look for them, have these names too.
    ///
    /// ## Severity
    /// Medium; low in bytecode that is stale or never looked at.
    ///
    /// ## What to do
    /// Ask the vendor for the source, or decide whether to run what cannot be looked at.
    id: "PYC516",
    name: "protector",
    summary: "marks of a protector",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some((protector, code, name)) = context.content.protector() else { return };
    let finding = findings.add(format!("{} is protected by {protector}", context.named(Some(code))));
    finding.at(code.offset()).compared("", format!("the name `{}`", name.to_name()));
    if context.is_passed_over() {
        finding.severity(Severity::Low);
    }
}
