//! PYC108.

use crate::pyc::header::CHECK_SOURCE;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc of Python 3.7 or later whose flags word is 2: the bit that says "check the hash" without the bit that says that
    /// there is one.
    ///
    /// ## Why it matters
    /// PEP 552 does not define it, and no interpreter writes it. CPython takes the file for a timestamp file, other tools for one
    /// with a checked hash: they then read the time and size of the source as a hash.
    ///
    /// ## Innocent causes
    /// None known; a tool that sets the flags by hand.
    ///
    /// ## What to do
    /// Compile it again, and find out what wrote it.
    ///
    /// ## References
    /// PEP 552; `_classify_pyc` in CPython's Lib/importlib/_bootstrap_external.py.
    id: "PYC108",
    name: "check-source-without-hash",
    summary: "the flags ask for a hash to be checked, and there is none",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some((header, _)) = context.header() else { return };
    if header.flags == Some(CHECK_SOURCE) {
        let message = format!("`{}` asks for its source's hash to be checked, and records none", context.module);
        findings.add(message).compared("0, 1 or 3", "2").at(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    #[test]
    fn flags_the_bit_alone() {
        Case::tree().file("m.pyc", Pyc::python("3.12").flags(2).build(), 1).flags(&RULE);
    }

    #[test]
    fn passes_what_is_defined_or_refused() {
        for flags in [0, 1, 3, 6] {
            Case::tree().file("m.pyc", Pyc::python("3.12").flags(flags).build(), 1).passes(&RULE);
        }
        // Before 3.7 the time stood there.
        Case::tree().file("m.pyc", Pyc::python("3.6").source_mtime(2).build(), 1).passes(&RULE);
    }
}
