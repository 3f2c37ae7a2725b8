//! PYC901.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::ProblemContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A file, folder or member that could not be read, or not wholly: the system refused, it changed meanwhile, it is a FIFO,
    /// socket or device, its compressed data are damaged or of an unknown method, the archive's directory is damaged, or
    /// it is bytecode of a dialect that pycaudit does not read.
    ///
    /// ## Why it matters
    /// What was not read was not scanned: nothing that is said of the rest says anything of this.
    ///
    /// ## Innocent causes
    /// Missing permissions, files that are written during the scan, damaged downloads, test data.
    ///
    /// ## Severity
    /// Info; high with `--strict`. A FIFO, socket or device stays info unless it has the name of bytecode: there is nothing
    /// in it to read. Bytecode that was read and does not parse is the matter of the rules PYC101 to PYC116 and PYC401 to PYC411.
    ///
    /// ## What to do
    /// Scan again with the permissions that it takes, or fetch the file anew.
    id: "PYC901",
    name: "unreadable",
    summary: "something could not be read",
    severity: Info,
    check: Problem(check),
}

fn check(context: &ProblemContext<'_>, findings: &mut Findings<'_>) {
    let problem = context.problem;
    if !is_unreadable(problem.kind) {
        return;
    }
    let finding = findings.add(problem.kind.message());
    finding.observed.clone_from(&problem.detail);
    finding.offset = problem.offset;
    if context.strict && (problem.kind != ProblemKind::NotRegular || has_name_of_bytecode(context)) {
        finding.severity(Severity::High);
    }
}

fn is_unreadable(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::Unreadable
            | ProblemKind::Changed
            | ProblemKind::NotRegular
            | ProblemKind::ArchiveDamaged
            | ProblemKind::UnsupportedMethod
            | ProblemKind::DataDamaged
            | ProblemKind::ChecksumMismatch
            | ProblemKind::SizeMismatch
            | ProblemKind::UnsupportedBody
    )
}

fn has_name_of_bytecode(context: &ProblemContext<'_>) -> bool {
    let path = context.locator.path().to_ascii_lowercase();
    path.ends_with(b".pyc") || path.ends_with(b".pyo")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Locator;
    use crate::container::SpecialKind;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Zip;
    use crate::limits::Limits;
    use crate::problem::Problem;
    use crate::rules::Check;
    use crate::rules::RULES;

    #[test]
    fn flags_a_damaged_member_and_says_how() {
        let damaged = || Zip::new().entry(Entry::new("m.pyc", "x = 1").encoded(0, b"x = 2".to_vec()));
        let finding = Case::zip(damaged()).flags(&RULE);
        assert_eq!(finding.severity, Severity::Info);
        assert!(finding.message.contains("CRC-32") && finding.observed.contains("recorded"));
        assert_eq!(Case::zip(damaged()).strict().flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn flags_an_archive_without_a_directory() {
        let finding = Case::zip(Zip::new().file("m.py", "").without_directory()).flags(&RULE);
        assert_eq!(finding.locator.member_shown(), "");
    }

    #[test]
    fn a_fifo_is_a_failure_only_under_the_name_of_bytecode() {
        let case = |name: &'static str| Case::tree().with_tree(|tree| tree.special(name, SpecialKind::Fifo)).strict();
        assert_eq!(case("m.pyc").flags(&RULE).severity, Severity::High);
        assert_eq!(case("pipe").flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn passes_what_was_read() {
        Case::zip(Zip::new().file("m.py", "x = 1")).passes(&RULE);
        Case::tree().file("m.py", "x = 1", 0).strict().passes(&RULE);
    }

    /// How many of the rules that look at problems say something of one of this kind.
    fn said_of(kind: ProblemKind, limits: &Limits) -> usize {
        let (locator, problem) = (Locator::file("m.pyc"), Problem::new(kind));
        let context = ProblemContext { locator: &locator, problem: &problem, strict: false, limits };
        let mut list = Vec::new();
        for rule in RULES {
            if let Check::Problem(check) = rule.check {
                check(&context, &mut Findings::new(rule, &locator, &mut list));
            }
        }
        list.len()
    }

    #[test]
    fn nothing_that_was_not_read_is_passed_over_or_reported_twice() {
        let lowered = Limits { ratio: 1, total_size: 1, depth: 1, members: 1, ..Limits::default() };
        // What a parser says of bytes that were read is judged with the bytecode.
        let of_content = ProblemKind::ALL.iter().position(|&kind| kind == ProblemKind::Empty).unwrap();
        let (coverage, content) = ProblemKind::ALL.split_at(of_content);
        for &kind in coverage {
            assert_eq!(said_of(kind, &Limits::default()), 1, "{kind:?}");
            assert_eq!(said_of(kind, &lowered), 1, "{kind:?} with lower limits");
        }
        for &kind in content.iter().filter(|&&kind| kind != ProblemKind::UnsupportedBody) {
            assert_eq!(said_of(kind, &Limits::default()), 0, "{kind:?}");
        }
    }
}
