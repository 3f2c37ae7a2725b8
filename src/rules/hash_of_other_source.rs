//! PYC206.

use crate::artifact::Locator;
use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::source::HeaderMatch;
use crate::source::Rounds;

declare_rule! {
    /// ## What it reports
    /// A hash-based pyc whose recorded hash is not its own source's but that of another source: in the same tree or archive, among
    /// `--sources`, or in another tree that is scanned. The hash of an empty file is left out: every package has some.
    ///
    /// ## Why it matters
    /// The pyc was compiled from that other file, or says so. With an unchecked hash it runs in place of the source beside it:
    /// one module was put where another is expected.
    ///
    /// ## Innocent causes
    /// A file was renamed, or a copy of it was edited, after it was compiled.
    ///
    /// ## Severity
    /// High where the file would run; medium where that is not known; low where an interpreter would compile the source again
    /// or never look.
    ///
    /// ## What to do
    /// Compare the code with both sources, and compile again.
    ///
    /// ## References
    /// PEP 552; `_imp.source_hash` in CPython.
    id: "PYC206",
    name: "hash-of-other-source",
    summary: "the recorded hash is that of another source",
    severity: High,
    check: Pyc(check),
}

/// The other source whose hash a pyc records, when that says something.
pub(super) fn other_source<'a>(context: &PycContext<'a>) -> Option<&'a Locator> {
    let check = context.header_check;
    let (HeaderMatch::HashMismatch, Some((recorded, _)), false) = (check.outcome, check.hash, check.other_rounds)
    else {
        return None;
    };
    let (other, magic) = (check.hash_of.as_ref()?, context.pyc.magic?);
    let is_empty = [Rounds::OneThree, Rounds::TwoFour].iter().any(|rounds| rounds.hash(magic, b"") == recorded);
    (!is_empty).then_some(other)
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let (Some(other), Some((recorded, actual))) = (other_source(context), context.header_check.hash) else { return };
    // Below the scanned tree: what is above it tells of the machine.
    let path = match other.artifact.strip_prefix(&context.container.locator.artifact) {
        Ok(below) if other.inner.is_empty() => below.as_os_str().as_encoded_bytes(),
        _ => other.path(),
    };
    let message = format!("`{}` records the hash of `{}`", context.module, name::shown(path));
    let finding = findings.add(message);
    finding.compared(name::hex(&actual), name::hex(&recorded)).at(8);
    if context.is_passed_over() {
        finding.severity(Severity::Low);
    } else if !context.load.verdict.is_live() {
        finding.severity(Severity::Medium);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::pyc::Magic;

    fn case(compiled_from: &[u8], flags: u32) -> Case {
        let magic = Magic(*Pyc::python("3.12").build_header().first_chunk().unwrap());
        let pyc = Pyc::python("3.12").hash(Rounds::OneThree.hash(magic, compiled_from)).flags(flags).build();
        Case::tree()
            .file("m.py", "x = 1\n", 1)
            .file("other/n.py", "import os\n", 1)
            .file("other/__init__.py", "", 1)
            .file("__pycache__/m.cpython-312.pyc", pyc, 1)
    }

    #[test]
    fn flags_the_hash_of_another_file() {
        let finding = case(b"import os\n", 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.message, "`m` records the hash of `other/n.py`");
        assert_eq!(case(b"import os\n", 3).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_its_own_hash_an_unknown_one_and_that_of_an_empty_file() {
        case(b"x = 1\n", 1).passes(&RULE);
        case(b"x = 2\n", 1).passes(&RULE);
        case(b"", 1).passes(&RULE);
    }
}
