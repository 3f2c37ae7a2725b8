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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(names: &[&str]) -> Case {
        Case::tree().file("m.pyc", Pyc::python("3.12").names(names).build(), 1)
    }

    #[test]
    fn flags_names_of_runtimes() {
        let finding = case(&["pyarmor_runtime_000000", "__pyarmor__"]).flags(&RULE);
        assert_eq!(finding.message, "`m` is protected by PyArmor");
        assert_eq!(finding.observed, "the name `pyarmor_runtime_000000`");
        assert_eq!(case(&["sourcedefender"]).flags(&RULE).message, "`m` is protected by SourceDefender");
    }

    #[test]
    fn passes_a_string_that_names_one_and_other_names() {
        let text = Value::Str("pytransform".to_owned());
        Case::tree().file("m.pyc", Pyc::python("3.12").consts(vec![text]).build(), 1).passes(&RULE);
        case(&["armor", "transform", "pyarmor", "__init__"]).passes(&RULE);
    }
}
