//! PYC109.

use crate::name;
use crate::pyc::Invalidation;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::source::HeaderMatch;
use crate::verify::check::CodeCheck;

declare_rule! {
    /// ## What it reports
    /// A hash-based pyc whose hash no interpreter checks: flags word 1 (PEP 552).
    ///
    /// ## Why it matters
    /// Python runs such a file without a look at its source, unless it is started with `--check-hash-based-pycs always`. The
    /// source beside it can say anything: an edit has no effect, and a reader of the source does not see what runs. It is the
    /// way to hide code behind a clean source.
    ///
    /// ## Innocent causes
    /// Builds that make them on purpose, because they are the same on every machine and load fastest: Bazel's `rules_py`,
    /// Vercel, `uv` and `distlib` when told to.
    ///
    /// ## Severity
    /// Info where its code was compared with its source and is verified, whatever the hash says: then it does what the source
    /// says. Medium where it would run and its hash is not its source's (`PYC202` or `PYC206` says of what) or could not be compared, and
    /// where its code differs (`PYC201` says where); low where it would run, the hash fits and the code could not be compared; info where no
    /// interpreter would run it there, and where there is no source, since then no pyc is compared with anything.
    ///
    /// ## What to do
    /// Compile the source again and compare the code, or delete the file: Python makes a timestamp pyc in its place. When you
    /// build such files, `--invalidation-mode checked-hash` keeps them reproducible and checked.
    ///
    /// ## References
    /// PEP 552; `SourceLoader.get_code` in CPython's Lib/importlib/_bootstrap_external.py.
    id: "PYC109",
    name: "unchecked-hash",
    summary: "runs without being compared with its source",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some((header, _)) = context.header() else { return };
    let Invalidation::UncheckedHash(_) = header.invalidation else { return };
    if header.undefined_flags() != 0 {
        return;
    }
    let module = context.module;
    let (severity, message) = if !context.load.verdict.is_live() {
        (Severity::Info, format!("`{module}` has an unchecked hash; no interpreter would run it here"))
    } else if let Some(source) = context.source.file() {
        let source = name::shown(name::split_last(source.locator.path()).1);
        let message = format!("`{module}` would run without being compared with `{source}`");
        match context.header_check.outcome {
            _ if matches!(context.code_check, CodeCheck::Verified { .. }) => {
                (Severity::Info, format!("{message}; its code was compiled from it"))
            }
            _ if matches!(context.code_check, CodeCheck::Differs { .. }) => {
                (Severity::Medium, format!("{message}, and its code differs"))
            }
            HeaderMatch::Fresh => (Severity::Low, format!("{message}, whose hash it records")),
            HeaderMatch::NewlineVariant => {
                (Severity::Low, format!("{message}, whose hash it records but for the line ends"))
            }
            _ => (Severity::Medium, message),
        }
    } else {
        (Severity::Info, format!("`{module}` has an unchecked hash, and no source that it could be compared with"))
    };
    findings
        .add(message)
        .compared("a timestamp (0) or a checked hash (3)", "an unchecked hash (1)")
        .at(4)
        .severity(severity);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;
    use crate::source::Rounds;

    fn pyc(source: &[u8], flags: u32) -> Vec<u8> {
        let magic = Pyc::python("3.12").build_header();
        let magic = crate::pyc::Magic([magic[0], magic[1], magic[2], magic[3]]);
        Pyc::python("3.12").hash(Rounds::OneThree.hash(magic, source)).flags(flags).build()
    }

    /// An empty module that records the hash of one source, beside another.
    fn beside(beside: &str, source: &[u8], flags: u32) -> Case {
        let cached = "__pycache__/m.cpython-312.pyc";
        Case::tree().file("m.py", beside, 1_600_000_000).file(cached, pyc(source, flags), 1_600_000_000)
    }

    fn case(source: &[u8], flags: u32) -> Case {
        beside("x = 1\n", source, flags)
    }

    #[test]
    fn flags_a_hash_of_another_source_that_nobody_checks() {
        let finding = case(b"x = 2\n", 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(finding.message, "`m` would run without being compared with `m.py`, and its code differs");
        assert_eq!(finding.offset, Some(4));
    }

    #[test]
    fn flags_a_wheel_with_one() {
        let zip = Zip::new()
            .file("p-1.dist-info/WHEEL", "Wheel-Version: 1.0\n")
            .file("p-1.dist-info/METADATA", "Name: p\n")
            .file("p-1.dist-info/RECORD", "")
            .file("m.py", "x = 1\n")
            .file("__pycache__/m.cpython-312.pyc", pyc(b"x = 2\n", 1));
        assert_eq!(Case::zip(zip).named("p-1-py3-none-any.whl").flags(&RULE).severity, Severity::Medium);
    }

    #[test]
    fn a_fitting_hash_says_nothing_of_code_that_differs() {
        assert_eq!(case(b"x = 1\n", 1).flags(&RULE).severity, Severity::Medium);
    }

    #[test]
    fn says_less_where_the_code_fits_whatever_the_hash_says() {
        let finding = beside("# nothing\n", b"# nothing\n", 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::Info);
        assert!(finding.message.ends_with("; its code was compiled from it"), "{}", finding.message);
        assert_eq!(beside("# nothing\n", b"# other\n", 1).flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn says_less_where_the_hash_fits_or_nothing_could_be_compared() {
        assert_eq!(beside("x = (\n", b"x = (\n", 1).flags(&RULE).severity, Severity::Low);
        assert_eq!(beside("x = (\n", b"x = (\r\n", 1).flags(&RULE).severity, Severity::Low);
        let orphan = Case::tree().file("__pycache__/m.cpython-312.pyc", pyc(b"x = 1\n", 1), 1);
        assert_eq!(orphan.flags(&RULE).severity, Severity::Info);
        let alone = Case::tree().file("m.pyc", pyc(b"x = 1\n", 1), 1);
        assert_eq!(alone.flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn passes_checked_hashes_timestamps_and_refused_flags() {
        case(b"x = 2\n", 3).passes(&RULE);
        case(b"x = 2\n", 5).passes(&RULE);
        Case::tree().file("m.pyc", Pyc::python("3.12").build(), 1).passes(&RULE);
        Case::tree().file("m.pyc", Pyc::python("3.6").source_mtime(1).build(), 1).passes(&RULE);
    }
}
