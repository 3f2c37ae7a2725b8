//! PYC216.

use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::verify::check::CodeCheck;

declare_rule! {
    /// ## What it reports
    /// A pyc with code whose source has none: no line of it but empty ones and comments.
    ///
    /// ## Why it matters
    /// The source is there so that there is one: nobody looks for what is hidden behind an empty file.
    ///
    /// ## Innocent causes
    /// The module was emptied after it was compiled. A vendor ships compiled code with a stub for tools that want a source.
    ///
    /// ## Severity
    /// High; low where an interpreter would compile the source again or never look at the file.
    ///
    /// ## What to do
    /// Look at what the code does: `pycaudit inspect`, `pycaudit dis`.
    ///
    /// ## References
    /// PEP 552.
    id: "PYC216",
    name: "stub-source",
    summary: "the source is empty, the bytecode is not",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if !matches!(context.code_check, CodeCheck::Differs { .. }) {
        return;
    }
    let (Some(file), Some(source)) = (context.source.file(), (context.source_text)()) else { return };
    let is_code = |line: &[u8]| !matches!(line.trim_ascii().first(), None | Some(b'#'));
    // The mark of UTF-8 is no code either.
    let source = source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source);
    if source.split(|&byte| matches!(byte, b'\n' | b'\r')).any(is_code) {
        return;
    }
    let codes = context.tree.codes().count();
    let source = name::shown(name::split_last(file.locator.path()).1);
    let finding = findings.add(format!("`{}` has code, and `{source}` has none", context.module));
    let what = if codes == 1 { "a code object".to_owned() } else { format!("{codes} code objects") };
    finding.compared("an empty module", what);
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

    fn case(source: &str) -> Case {
        let version = VERSIONS.iter().find(|version| version.python() == "CPython 3.12").unwrap();
        let function = Value::Code(Box::new(forge::pyc::Code::function(version, "f", &[])));
        let pyc = Pyc::python("3.12").consts(vec![Value::None, function]).flags(1).hash([0; 8]);
        Case::tree().file("m.py", source, 1).file("__pycache__/m.cpython-312.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_code_behind_an_empty_source() {
        let finding = case("\u{feff}# the module\n\n").flags(&RULE);
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::High, "2 code objects"));
        case("").flags(&RULE);
    }

    #[test]
    fn passes_a_source_with_code_and_an_empty_module() {
        case("x = 1\n").passes(&RULE);
        let pyc = Pyc::python("3.12").flags(1).hash([0; 8]).build();
        Case::tree().file("m.py", "", 1).file("__pycache__/m.cpython-312.pyc", pyc, 1).passes(&RULE);
    }
}
