//! PYC210.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::verify::check::CodeCheck;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code differs from its source (`PYC201`) and has a function or class that begins on a line which the source does
    /// not have.
    ///
    /// ## Why it matters
    /// The code was compiled from a longer text than the one beside it.
    ///
    /// ## Innocent causes
    /// The pyc is stale. The source is a template that was filled in before it was compiled.
    ///
    /// ## Severity
    /// Medium; low where an interpreter would compile the source again or never look at the file.
    ///
    /// ## What to do
    /// Look at the code objects in `pycaudit inspect`: their first lines are shown.
    ///
    /// ## References
    /// `co_firstlineno` in CPython's Objects/codeobject.c.
    id: "PYC210",
    name: "line-beyond-source",
    summary: "code begins on a line that the source does not have",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if !matches!(context.code_check, CodeCheck::Differs { .. }) {
        return;
    }
    let Some(source) = (context.source_text)() else { return };
    // A CR on its own ends a line as well.
    let ends = |byte: u8| memchr::memchr_iter(byte, source).count();
    let lines = ends(b'\n').saturating_add(ends(b'\r')).saturating_add(1);
    let first = |line: Option<i32>| line.and_then(|line| usize::try_from(line).ok()).unwrap_or_default();
    let Some(code) = context.tree.codes().find(|code| first(code.firstlineno()) > lines) else { return };
    let line = first(code.firstlineno());
    let finding = findings.add(format!("{} begins on line {line}; its source ends before", context.named(Some(code))));
    finding.compared(format!("at most line {lines}"), format!("line {line}")).at(code.offset());
    if context.is_passed_over() {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;
    use crate::pyc::versions::VERSIONS;

    fn case(line: i32) -> Case {
        let version = VERSIONS.iter().find(|version| version.python() == "CPython 3.12").unwrap();
        let mut function = forge::pyc::Code::function(version, "f", &[]);
        function.firstlineno = line;
        let pyc = Pyc::python("3.12").consts(vec![Value::None, Value::Code(Box::new(function))]).flags(1).hash([0; 8]);
        Case::tree().file("m.py", "x = 1\n", 1).file("__pycache__/m.cpython-312.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_a_function_behind_the_end_of_the_source() {
        let finding = case(40).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!((finding.expected.as_str(), finding.observed.as_str()), ("at most line 2", "line 40"));
    }

    #[test]
    fn passes_lines_that_the_source_has() {
        case(1).passes(&RULE);
    }
}
