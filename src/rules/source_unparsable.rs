//! PYC214.

use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::verify::check::CodeCheck;
use crate::verify::check::Reason;
use crate::verify::source_text;

declare_rule! {
    /// ## What it reports
    /// A pyc whose source does not parse by the grammar of the Python version that wrote it, or is not in its own encoding, so that this
    /// version cannot have compiled it.
    ///
    /// ## Why it matters
    /// The pyc is of another text than the one beside it, and its code cannot be compared.
    ///
    /// ## Innocent causes
    /// Templates, conflict marks of a merge, sources for another major version. Grammar that pycaudit's parser does not know.
    ///
    /// ## Severity
    /// Low; medium where the file would run: its header claims a source that cannot have been compiled. Low all the same up to Python 3.6
    /// where `async` and `await` are names, which the parser does not take.
    ///
    /// ## What to do
    /// Compile the source with that version and see what it says.
    ///
    /// ## References
    /// conda/conda-pack#64.
    id: "PYC214",
    name: "source-unparsable",
    summary: "the source cannot be what this bytecode was compiled from",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let CodeCheck::Unverified(Reason::Source(reason)) = context.code_check else { return };
    let line = match reason {
        source_text::Reason::Syntax { line, .. } => Some(*line),
        source_text::Reason::Nul | source_text::Reason::Undecodable | source_text::Reason::Tokens => None,
        // These are limits of ours.
        source_text::Reason::Size | source_text::Reason::Depth | source_text::Reason::Encoding(_) => return,
    };
    let Some(source) = context.source.file() else { return };
    let source = name::shown(name::split_last(source.locator.path()).1);
    let finding = findings.add(format!("`{}` was not compiled from `{source}` as it is: {reason}", context.module));
    finding.compared("a source that parses", reason.to_string());
    finding.line = line;
    let series = context.pyc.version.map(|version| version.series).unwrap_or_default();
    let is_name = series < (3, 7) && ["async", "await"].iter().any(|word| reason.to_string().contains(word));
    if context.load.verdict.is_live() && !is_name {
        finding.severity(Severity::Medium);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(python: &str, source: &[u8]) -> Case {
        let pyc = Pyc::python(python).flags(1).hash([0; 8]).build();
        let cached = format!("__pycache__/m.cpython-{}.pyc", python.replace('.', ""));
        Case::tree().file("m.py", source, 1).file(&cached, pyc, 1)
    }

    #[test]
    fn flags_a_source_that_no_version_takes() {
        let finding = case("3.12", b"x = 1\ny = 2 3\n").flags(&RULE);
        assert!(finding.message.starts_with("`m` was not compiled from `m.py` as it is: "), "{}", finding.message);
        assert_eq!(finding.line, Some(2));
        case("3.12", b"x = 1\0\n").flags(&RULE);
        case("3.12", b"print 'x'\n").flags(&RULE);
    }

    #[test]
    fn passes_what_parses_and_encodings_that_are_not_known_here() {
        case("3.12", b"x = 1\n").passes(&RULE);
        case("3.12", b"# coding: nonsense\n").passes(&RULE);
    }
}
