//! PYC409.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code object has the fields of another version than its magic number says: it reads without a fault as that
    /// other version, and not as its own.
    ///
    /// ## Why it matters
    /// The magic number was changed, or the header was put before a body that it does not belong to. An interpreter of the magic
    /// number's version fails on the file or crashes; a loader that knows better runs it; tools that trust the number read it
    /// wrongly.
    ///
    /// ## Innocent causes
    /// Tools that take frozen applications apart and guess the header; builds of other interpreters that use CPython's number.
    ///
    /// ## What to do
    /// Read the code as the version that it fits, and find out what loads it.
    ///
    /// ## References
    /// `r_object`, `TYPE_CODE`, in CPython's Python/marshal.c of each version.
    id: "PYC409",
    name: "layout-of-other-version",
    summary: "the code is of another version than the magic number",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let (Some(fit), Some(version)) = (context.pyc.fit, context.pyc.version) else { return };
    if !context.is_whole || !fit.is_other_layout() {
        return;
    }
    let python = version.python();
    let message = format!("`{}` has the magic number of {python} and code of {}", context.module, fit.versions);
    findings.add(message).compared(python, fit.versions).at(fit.offset);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(header: &str, body: &str) -> Case {
        let bytes = Pyc::python(header).body(Pyc::python(body).build_body()).build();
        Case::tree().file("m.pyc", bytes, 1)
    }

    #[test]
    fn flags_code_of_another_version() {
        let finding = case("3.12", "3.8").flags(&RULE);
        assert_eq!(finding.message, "`m` has the magic number of CPython 3.12 and code of CPython 3.8 to 3.10");
        assert_eq!(finding.offset, Some(16));
        case("2.7", "3.6").flags(&RULE);
        case("3.7", "3.9").flags(&RULE);
    }

    #[test]
    fn passes_versions_that_share_a_layout_and_odd_headers() {
        case("3.12", "3.13").passes(&RULE);
        case("3.6", "3.7").passes(&RULE);
        let short = Pyc::python("3.12").header(Pyc::python("3.12").build_header()[..12].to_vec()).build();
        Case::tree().file("m.pyc", short, 1).passes(&RULE);
    }
}
