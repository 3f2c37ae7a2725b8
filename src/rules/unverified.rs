//! PYC218.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::verify::check::CodeCheck;
use crate::verify::check::Reason;
use crate::verify::exact::ExactOutcome;
use crate::verify::source_text;

declare_rule! {
    /// ## What it reports
    /// A pyc that has a source and whose code could not be compared with it, and why: a Python version or pre-release without rules,
    /// a source in an unknown encoding, a hook that changed the code on purpose in a way that is not known, a limit that was reached. With
    /// `--strict` also those that have no source, or whose header says that they are stale. With `--verify exact` also what no
    /// interpreter compiles to the same code, though the comparison without one found no difference.
    ///
    /// ## Why it matters
    /// What was not compared is not known to be clean. The name of a hook is no more than a name: under that of a hook, or of a
    /// version of one, that is not known, a file can hold any code, and it runs wherever that hook is installed and the header fits.
    /// typeguard's of before 4.0 are not known, nor what 4.x makes where it, or the compiler behind it, should have failed on the source.
    /// Of pytest's caches an assert under `enable_assertion_pass_hook`, or of a pytest before 5.4 or of an unknown version,
    /// leaves its function open in the same way; all other functions of the file are compared.
    ///
    /// ## Innocent causes
    /// All of these are.
    ///
    /// ## Severity
    /// Info; medium where the file would run and it was the source's size, depth or encoding or the work that it takes which kept it from
    /// being compared: who writes a source can choose that, and one honest file in some 30,000 does. Low where the source has what there
    /// are no rules for. What a hook wrote runs where that is installed and the header fits. High with `--strict`, under which whatever could not be verified counts as a failure.
    ///
    /// ## What to do
    /// Compile the source with the interpreter that wrote the file and compare the two with `pycaudit diff`, or delete the file.
    ///
    /// ## References
    /// skill-scanner#162.
    id: "PYC218",
    name: "unverified",
    summary: "the code could not be compared with its source",
    severity: Info,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let is_strict = context.container.strict;
    let reason = match (context.code_check, context.exact) {
        (CodeCheck::Unverified(reason), _) => reason,
        (CodeCheck::Verified { strength, .. }, Some(exact)) if exact.outcome != ExactOutcome::Identical => {
            let module = context.module;
            let message =
                format!("the code of `{module}` does what its source says, but is not shown to be the same: {exact}");
            let finding = findings.add(message);
            finding.compared("identical code", format!("verified ({})", strength.word()));
            if is_strict {
                finding.severity(Severity::High);
            }
            return;
        }
        _ => return,
    };
    match reason {
        Reason::NotAsked => return,
        // Rules on places and headers say so already.
        Reason::NoSource | Reason::Stale if !is_strict => return,
        _ => {}
    }
    let finding = findings.add(format!("the code of `{}` was not compared with its source: {reason}", context.module));
    finding.compared("verified code", "unverified code");
    // No import looks for what a hook wrote, but the hook does.
    let runs = context.load.verdict.is_live() || context.place.hook().is_some() && context.claims_fresh();
    if is_strict {
        finding.severity(Severity::High);
    } else if is_chosen(reason) && runs {
        finding.severity(Severity::Medium);
    } else if matches!(reason, Reason::Unsupported(..)) && runs {
        finding.severity(Severity::Low);
    }
}

/// Whether it depends on the source alone that the comparison was not begun or not finished.
fn is_chosen(reason: &Reason) -> bool {
    match reason {
        Reason::Work => true,
        Reason::Source(reason) => {
            matches!(reason, source_text::Reason::Size | source_text::Reason::Depth | source_text::Reason::Encoding(_))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(python: &str, name: &str) -> Case {
        let tree = Case::tree().file("m.py", "x = 1\n", 1_600_000_000);
        tree.file(name, Pyc::python(python).build(), 1_600_000_000)
    }

    #[test]
    fn flags_versions_without_rules_and_hooks() {
        let finding = case("PyPy 3.9", "__pycache__/m.pypy39.pyc").flags(&RULE);
        assert_eq!(finding.severity, Severity::Info);
        assert_eq!(
            finding.message,
            "the code of `m` was not compared with its source: the code of this version is not compared"
        );
        case("3.5", "__pycache__/m.cpython-35.pyc").flags(&RULE);
        let hook = case("3.12", "__pycache__/m.cpython-312.opt-beartype0v99v0.pyc").flags(&RULE);
        assert!(hook.message.ends_with(": instrumented by beartype0v99v0"), "{}", hook.message);
        assert_eq!(hook.severity, Severity::Info);
    }

    #[test]
    fn says_more_of_a_cache_that_pytest_would_run() {
        let pyc = Pyc::python("3.12").source_mtime(1_600_000_000).source_size(9);
        let tree = Case::tree().file("m.py", "assert x\n", 1_600_000_000);
        let cached = tree.file("__pycache__/m.cpython-312-pytest-5.3.0.pyc", pyc.build(), 1_600_000_000);
        assert_eq!(cached.flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn counts_as_a_failure_when_that_is_asked_for() {
        let strict = || Case::tree().file("m.pyc", Pyc::python("3.12").build(), 1).strict();
        assert_eq!(strict().flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn passes_what_was_compared_and_what_other_rules_name() {
        case("3.12", "__pycache__/m.cpython-312.pyc").passes(&RULE);
        Case::tree().file("m.pyc", Pyc::python("3.12").build(), 1).passes(&RULE);
        let stale = Case::tree().file("m.py", "x = 1\n", 9);
        stale.file("__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build(), 9).passes(&RULE);
    }
}
