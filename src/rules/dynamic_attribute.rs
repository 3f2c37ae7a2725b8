//! PYC518.

use crate::content::Seen;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A module that is imported, or an attribute of `os`, `sys`, `subprocess`, `ctypes`, `builtins` and the like that is got, by a
    /// name that is decoded, turned round or put together from numbers by `chr` in the same expression.
    ///
    /// ## Why it matters
    /// A name that is written so is meant not to be found: `os.system` is in no list of names and in no search.
    ///
    /// ## Innocent causes
    /// None known for names that are constants. A dispatcher decodes names that others send it.
    ///
    /// ## Severity
    /// Medium when a constant is decoded; otherwise low, and low in tests, examples and documentation and in bytecode that
    /// is stale or never looked at.
    ///
    /// ## What to do
    /// Decode the name by hand, and look at what is done with it.
    id: "PYC518",
    name: "dynamic-attribute",
    summary: "a module or attribute by a name that is decoded",
    severity: Medium,
    check: Pyc(check),
}

/// Findings of one file; the rest says no more.
const MOST: usize = 10;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let sightings = context.content.sightings().iter().filter(|sighting| sighting.seen == Seen::LookUp);
    for sighting in sightings.take(MOST) {
        let code = context.tree.codes().nth(sighting.code);
        let is_constant = sighting.chain.as_ref().is_some_and(|chain| chain.constant.is_some());
        let finding = findings.add(format!("{} gets a module or attribute by a name that it decodes", context.named(code)));
        finding.at(sighting.offset).compared("a name", format!("`{}`", sighting.path));
        finding.line = sighting.line;
        if !is_constant || context.is_for_show() || context.is_passed_over() {
            finding.severity(Severity::Low);
        }
    }
}
