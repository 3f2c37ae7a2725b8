//! PYC402.

use crate::problem::ProblemKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc that ends inside its marshalled code, or right after its header.
    ///
    /// ## Why it matters
    /// The header is good, so an import uses the file and then fails on it (`EOFError`); Python does not compile the source
    /// again by itself. What was behind the cut is lost.
    ///
    /// ## Innocent causes
    /// A full disk, a crash, a transfer that broke off. Since Python 3.3 a pyc is written under another name and then renamed,
    /// so an import leaves no such file.
    ///
    /// ## What to do
    /// Delete the file and compile the source again; look for other damage where it came from.
    ///
    /// ## References
    /// `r_object` in CPython's Python/marshal.c; python/cpython#126606.
    id: "PYC402",
    name: "marshal-truncated",
    summary: "ends inside its marshalled code",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(damage) = context.damage() else { return };
    let message = match damage.kind {
        ProblemKind::NoCode => format!("`{}` ends after its header", context.module),
        ProblemKind::MarshalTruncated => format!("`{}` ends inside its marshalled code", context.module),
        _ => return,
    };
    let finding = findings.add(message);
    finding.compared("", damage.detail.as_str());
    if let Some(offset) = damage.offset {
        finding.at(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::limits::Limits;

    fn case(python: &str, length: usize) -> Case {
        Case::tree().file("m.pyc", Pyc::python(python).cut(length).build(), 1)
    }

    #[test]
    fn flags_every_cut_behind_the_header() {
        let whole = Pyc::python("3.12").build().len();
        for length in 16..whole {
            case("3.12", length).flags(&RULE);
        }
        assert_eq!(case("3.12", 16).flags(&RULE).message, "`m` ends after its header");
        assert_eq!(case("2.7", 8).flags(&RULE).offset, Some(8));
    }

    #[test]
    fn passes_whole_files_and_cuts_in_the_header() {
        case("3.12", usize::MAX).passes(&RULE);
        case("3.12", 15).passes(&RULE);
        case("3.12", 0).passes(&RULE);
    }

    #[test]
    fn passes_what_was_not_read_whole() {
        let limits = Limits { member_size: 40, ..Limits::default() };
        case("3.12", usize::MAX).limits(limits).passes(&RULE);
    }
}
