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
        let finding =
            findings.add(format!("{} gets a module or attribute by a name that it decodes", context.named(code)));
        finding.at(sighting.offset).compared("a name", format!("`{}`", sighting.path));
        finding.line = sighting.line;
        if !is_constant || context.is_for_show() || context.is_passed_over() {
            finding.severity(Severity::Low);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    /// `getattr(os, base64.b64decode(<constant>))` by 3.8.
    fn pyc(names: [&str; 4]) -> Vec<u8> {
        let code = [101, 0, 101, 1, 101, 2, 160, 3, 100, 0, 161, 1, 131, 2, 1, 0, 100, 1, 83, 0];
        let consts = vec![Value::Str("c3lzdGVt".to_owned()), Value::None];
        let pyc = Pyc::python("3.8").names(&names).consts(consts);
        pyc.edit(|it| it.code = Value::Bytes(code.to_vec())).build()
    }

    #[test]
    fn flags_an_attribute_by_a_decoded_name() {
        let finding = Case::tree().file("m.pyc", pyc(["getattr", "os", "base64", "b64decode"]), 1).flags(&RULE);
        assert_eq!(finding.message, "`m` gets a module or attribute by a name that it decodes");
        assert_eq!(finding.observed, "`getattr(os, base64.b64decode(...))`");
        assert_eq!(finding.severity, Severity::Medium);
    }

    #[test]
    fn passes_other_objects_and_names_that_are_not_decoded() {
        Case::tree().file("m.pyc", pyc(["getattr", "self", "base64", "b64decode"]), 1).passes(&RULE);
        Case::tree().file("m.pyc", pyc(["getattr", "os", "base64", "b64encode"]), 1).passes(&RULE);
        Case::tree().file("m.pyc", pyc(["hasattr", "os", "base64", "b64decode"]), 1).passes(&RULE);
    }
}
