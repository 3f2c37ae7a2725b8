//! PYC809.

use crate::container::Kind;
use crate::container::LinkTarget;
use crate::container::MemberKind;
use crate::name;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A member of an archive that is a symbolic link, or a hard link to what is not in the archive before it.
    ///
    /// ## Why it matters
    /// An unpacker that makes the link and follows it for a later member writes wherever the link leads. Others (Python's
    /// `zipfile`, and so pip) write the target's path as a text file, so that what is installed depends on the tool.
    ///
    /// ## Innocent causes
    /// Trees with links that were packed by `zip -y`.
    ///
    /// ## Severity
    /// Medium when the link leads out of the archive, low otherwise. Links of trees on disk are PYC314's.
    ///
    /// ## What to do
    /// Look where it leads. As a maintainer, pack the file itself.
    ///
    /// ## References
    /// APPNOTE.TXT 4.4.15; binary distribution format of the PyPA specifications.
    id: "PYC809",
    name: "link-member",
    summary: "a member of an archive is a link",
    severity: Medium,
    check: Member(check),
}

fn check(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    let link = context.container.member(context.member).filter(|member| member.kind == MemberKind::Link);
    let Some(link) = link.filter(|_| context.container.kind() != Kind::Directory) else { return };
    let Some(target) = context.container.container.link(context.member) else { return };
    let name = name::shown(&link.path());
    let (message, target, severity) = match target {
        LinkTarget::Outside(target) => ("leads out of the archive", target, Severity::Medium),
        LinkTarget::Inside(target) => ("leads to another member", target, Severity::Low),
        LinkTarget::Broken(target) => ("leads to nothing in the archive", target, Severity::Low),
    };
    findings
        .add(format!("`{name}` is a link that {message}"))
        .compared("a file", format!("a link to `{target}`"))
        .severity(severity);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Zip;

    fn severity_of(target: &str) -> Severity {
        let link = Entry::new("p/link.pyc", target).mode(0o120_777);
        Case::zip(Zip::new().entry(link).file("p/m.pyc", "")).flags(&RULE).severity
    }

    #[test]
    fn flags_a_link_that_leads_out() {
        assert_eq!(severity_of("../../etc/m.pyc"), Severity::Medium);
        assert_eq!(severity_of("/etc/m.pyc"), Severity::Medium);
    }

    #[test]
    fn a_link_to_another_member_or_to_nothing_weighs_less() {
        assert_eq!(severity_of("m.pyc"), Severity::Low);
        assert_eq!(severity_of("n.pyc"), Severity::Low);
    }

    #[test]
    fn passes_files_and_folders() {
        Case::zip(Zip::new().file("p/m.py", "/etc/m.pyc").entry(Entry::new("q/", "").mode(0o040_755))).passes(&RULE);
    }

    #[test]
    fn says_nothing_of_links_on_disk() {
        let target = LinkTarget::Outside(crate::name::Name::from("/etc/m.pyc"));
        Case::tree().with_tree(|tree| tree.link("m.pyc", target)).passes(&RULE);
    }
}
