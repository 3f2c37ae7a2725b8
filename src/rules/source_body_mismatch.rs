//! PYC201.

use crate::load::LoadVerdict;
use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::verify::check::CodeDifference;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code does something else than its source says. Source and bytecode are both run on symbols, side by side, by
    /// the rules of their Python version; on every path they must do the same things, in the same order, with the same operands.
    /// The evidence is the first place where they part: code object, line, what the source dictates, what the bytecode does.
    ///
    /// ## Why it matters
    /// Whoever reads the source does not see what runs. A clean source beside other bytecode is how code is hidden in a package.
    ///
    /// ## Innocent causes
    /// The pyc is stale: it was compiled from an older source, and an unchecked hash or a copied time hides it. An import hook
    /// changed the code while it was compiled (`PYC106`). What pytest, jaxtyping, beartype and typeguard make of a source is known and
    /// compared, told by the file's name; what was written by a hook or version that is not known is reported as
    /// `unverified: instrumented` and not here. A source that is generated or templated after it was compiled.
    ///
    /// ## Severity
    /// Critical where the file would run in place of its source. High or medium where no interpreter would run it there but its header
    /// claims that it is fresh: high when it would be compiled again, when that is not known, or when a hook runs it that wrote it; medium
    /// when it is never looked at or refused.
    /// Low where the header itself records another source: such a file is stale, and no attack.
    ///
    /// ## What to do
    /// Do not run it. `pycaudit inspect` lists all places, `pycaudit dis` shows the instructions beside the source's lines. Delete the
    /// file: Python compiles the source again.
    ///
    /// ## References
    /// PEP 552; what is compared, and how, is in src/verify.
    id: "PYC201",
    name: "source-body-mismatch",
    summary: "the code is not what its source says",
    severity: Critical,
    check: Pyc(check),
}

/// Places that one finding names; `inspect`, JSON Lines and the HTML report have all.
const PLACES: usize = 3;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let differences = context.code_check.differences();
    let Some((first, rest)) = differences.split_first() else { return };
    let module = context.module;
    let source = context.source.file().map(|file| name::shown(name::split_last(file.locator.path()).1));
    let source = source.unwrap_or_default();
    let what = match context.load.verdict {
        verdict if verdict.is_live() => "would run, and does something else than",
        LoadVerdict::Stale if !context.claims_fresh() => "is stale: it does something else than",
        _ => "does something else than",
    };
    let more = match rest.len() {
        0 => String::new(),
        1 => ", and in one more place".to_owned(),
        more => format!(", and in {more} more places"),
    };
    let message = format!("`{module}` {what} `{source}` says: {}{more}", place(first));
    let side = |of: &dyn Fn(&CodeDifference) -> String| {
        let texts = differences.iter().take(PLACES).map(|difference| match differences.len() {
            1 => of(difference),
            _ => format!("{}: {}", place(difference), of(difference)),
        });
        texts.collect::<Vec<_>>().join("; ")
    };
    let expected = side(&|difference| match difference.text.as_str() {
        "" => difference.expected.clone(),
        text => format!("{} [`{text}`]", difference.expected),
    });
    let found = side(&|difference| difference.found.clone());
    let finding = findings.add(message);
    finding.compared(expected, found).severity(context.severity_of_other_code());
    finding.line = first.line;
}

/// Where source and code part.
fn place(difference: &CodeDifference) -> String {
    match difference.line {
        Some(line) => format!("line {line} in `{}`", difference.code),
        None => format!("in `{}`", difference.code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::rules::Severity;

    const CACHED: &str = "__pycache__/m.cpython-312.pyc";

    /// An empty module beside a source.
    fn case(source: &str, pyc: &Pyc) -> Case {
        Case::tree().file("m.py", source, 1_600_000_000).file(CACHED, pyc.build(), 1_600_000_001)
    }

    #[test]
    fn flags_code_that_runs_in_place_of_its_source() {
        let finding = case("x = 1\n", &Pyc::python("3.12")).flags(&RULE);
        assert_eq!(finding.severity, Severity::Critical);
        let message = "`m` would run, and does something else than `m.py` says: line 1 in `<module>`";
        assert_eq!((finding.message.as_str(), finding.line), (message, Some(1)));
        assert_eq!(finding.expected, "bind name x (1) [`x = 1`]");
        assert_eq!(finding.observed, "return (None)");
    }

    #[test]
    fn says_less_of_what_never_runs() {
        let wrong = Pyc::python("3.12").flags(1).hash([0; 8]);
        let dead = Case::tree().file("m.py", "x = 1\n", 1).file("m.pyc", wrong.build(), 1).flags(&RULE);
        assert_eq!(dead.severity, Severity::Low);
        let fresh = Pyc::python("3.12").source_mtime(1);
        let dead = Case::tree().file("m.py", "x = 1\n", 1).file("m.pyc", fresh.build(), 1).flags(&RULE);
        assert_eq!(dead.severity, Severity::Medium);
    }

    #[test]
    fn passes_what_is_stale_by_its_header() {
        case("x = 12\n", &Pyc::python("3.12")).passes(&RULE);
        Case::tree().file("m.py", "x = 1\n", 9).file(CACHED, Pyc::python("3.12").build(), 9).passes(&RULE);
    }

    #[test]
    fn flags_code_that_a_hook_would_run() {
        let cached = |name: &str| {
            let pyc = Pyc::python("3.12").source_mtime(1_600_000_000).source_size(6);
            let tree = Case::tree().file("m.py", "x = 1\n", 1_600_000_000);
            tree.file(&format!("__pycache__/m.cpython-312{name}.pyc"), pyc.build(), 1_600_000_000)
        };
        assert_eq!(cached("-pytest-8.3.3").flags(&RULE).severity, Severity::High);
        assert_eq!(cached(".opt-jaxtyping100").flags(&RULE).severity, Severity::High);
        assert_eq!(cached(".opt-typeguard460").flags(&RULE).severity, Severity::High);
        cached(".opt-other").passes(&RULE);
    }

    #[test]
    fn passes_code_of_its_source() {
        case("# abc\n", &Pyc::python("3.12")).passes(&RULE);
        Case::tree().file("m.pyc", Pyc::python("3.12").build(), 1).passes(&RULE);
    }
}
