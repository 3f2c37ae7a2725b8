//! PYC802.

use crate::container::Member;
use crate::container::OddityKind;
use crate::name;
use crate::record;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A member of a wheel that its RECORD does not list.
    ///
    /// ## Why it matters
    /// RECORD has to list every file of the wheel. What it does not list was added after the build, and no digest vouches for
    /// it; pip installs it all the same. Bytecode is what is most easily added so.
    ///
    /// ## Innocent causes
    /// Tools that add files to a wheel without writing RECORD anew. Among 13,468 top projects with wheels, 4 had such a wheel
    /// in August 2025. RECORD itself and its signatures (`RECORD.jws`, `RECORD.p7s`) need no row, and folders have none.
    ///
    /// ## Severity
    /// High; medium when the name has characters beyond ASCII and the archive does not say that it is UTF-8, since RECORD may
    /// mean it in another encoding. A member that the archive's own directory does not list is PYC807's.
    ///
    /// ## What to do
    /// Find out who added the file, and when. As a maintainer, rebuild the wheel, or repack it with a tool that writes RECORD.
    ///
    /// ## References
    /// Binary distribution format of the PyPA specifications; the Python Package Index blog of August 2025, "Preventing ZIP
    /// parser confusion attacks on Python package installers".
    id: "PYC802",
    name: "record-unlisted",
    summary: "a member of a wheel that RECORD does not list",
    severity: High,
    check: Member(check),
}

/// The general purpose bit that says that a name is UTF-8 (APPNOTE 4.4.4).
const UTF8: u16 = 1 << 11;

fn check(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    let Some(rows) = context.container.record else { return };
    let Some(path) = context.container.member(context.member).map(Member::path) else { return };
    if rows.rows_of(&path).next().is_some()
        || record::is_record_file(&path)
        || context.oddities.iter().any(|oddity| oddity.kind == OddityKind::Unlisted)
    {
        return;
    }
    let finding = findings.add(format!("`{}` is not listed in RECORD", name::shown(&path)));
    finding.compared("a row in RECORD", "none");
    let record = context.container.container.archive_record(context.member);
    if !path.is_ascii() && record.is_some_and(|record| record.flags & UTF8 == 0) {
        finding.severity(Severity::Medium);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Zip;

    fn wheel(entry: Entry, record: &str) -> Case {
        Case::zip(Zip::new().entry(entry).file("p-1.dist-info/WHEEL", "").file("p-1.dist-info/RECORD", record))
    }

    #[test]
    fn flags_bytecode_that_was_added() {
        let finding = wheel(Entry::new("p/__pycache__/m.cpython-312.pyc", ""), "p-1.dist-info/WHEEL,,\n").flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert!(finding.message.contains("m.cpython-312.pyc"));
    }

    #[test]
    fn a_name_in_an_unknown_encoding_weighs_less() {
        let record = "caf\u{e9}.py,,\np-1.dist-info/WHEEL,,\n";
        assert_eq!(wheel(Entry::new(b"caf\x82.py", ""), record).flags(&RULE).severity, Severity::Medium);
        wheel(Entry::new("caf\u{e9}.py", ""), record).passes(&RULE);
    }

    #[test]
    fn passes_what_is_listed() {
        wheel(Entry::new("p/m.py", ""), "p/m.py,,\np-1.dist-info/WHEEL,,\n").passes(&RULE);
    }

    #[test]
    fn passes_the_backslashes_of_old_tools() {
        wheel(Entry::new("p/m.py", ""), "p\\m.py,,\np-1.dist-info\\WHEEL,,\n").passes(&RULE);
    }

    #[test]
    fn passes_signatures_and_folders() {
        let record = "p-1.dist-info/WHEEL,,\n";
        wheel(Entry::new("p-1.dist-info/RECORD.jws", "{}"), record).passes(&RULE);
        wheel(Entry::new("p/", ""), record).passes(&RULE);
    }

    #[test]
    fn says_nothing_of_archives_that_are_no_wheels() {
        Case::zip(Zip::new().file("p/m.py", "").file("RECORD", "")).passes(&RULE);
    }
}
