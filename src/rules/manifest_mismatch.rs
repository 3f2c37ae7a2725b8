//! PYC813.

use crate::container::Member;
use crate::container::MemberKind;
use crate::name;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A conda package whose files are not those that its `info/paths.json` lists: a file with another digest or size, a file that
    /// is not listed, a listed file that is not there, a list that cannot be read.
    ///
    /// ## Why it matters
    /// The list is made when the package is built. Whatever does not fit it was changed, added or removed afterwards: bytecode
    /// that was put in is such a file.
    ///
    /// ## Innocent causes
    /// Packages that were repacked by other tools than conda's.
    ///
    /// ## Severity
    /// High for a file that differs and for bytecode or a source that is not listed; medium for other files that are not listed and
    /// for listed ones that are not there; low for a list that cannot be read.
    ///
    /// ## What to do
    /// Compare with the same package of another channel, or with its source. As a maintainer, rebuild the package.
    ///
    /// ## References
    /// The `info/paths.json` of conda packages (conda-build documentation, "Package specification"); RECORD of wheels is the
    /// matter of PYC801 to PYC805.
    id: "PYC813",
    name: "manifest-mismatch",
    summary: "the files of a package are not those that its manifest lists",
    severity: High,
    check: MemberAndArtifact(check_member, check_archive),
}

fn check_member(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    let Some(manifest) = context.container.manifest else { return };
    let Some(path) = context.container.member(context.member).map(Member::path) else { return };
    if !manifest.covers(&path) || !manifest.malformed.is_empty() && manifest.files().is_empty() {
        return;
    }
    let mut listed = manifest.find(&path).peekable();
    if listed.peek().is_none() {
        let is_python = [&b".py"[..], b".pyc", b".pyo", b".pth", b".so"].iter().any(|ending| path.ends_with(ending));
        let finding = findings.add(format!("`{}` is not listed in {}", name::shown(&path), manifest.name));
        finding.compared("every file listed", "not listed");
        finding.severity(if is_python { Severity::High } else { Severity::Medium });
        return;
    }
    let Some(whole) = context.content else { return };
    for file in listed {
        if let Some(recorded) = file.sha256.filter(|&recorded| recorded != whole.sha256) {
            let message = format!("`{}` does not have the SHA-256 that {} gives", name::shown(&path), manifest.name);
            findings.add(message).compared(recorded.to_string(), whole.sha256.to_string());
            return;
        }
        if let Some(size) = file.size.filter(|&size| size != whole.size) {
            let message = format!("`{}` does not have the size that {} gives", name::shown(&path), manifest.name);
            findings.add(message).compared(format!("{size} bytes"), format!("{} bytes", whole.size));
            return;
        }
    }
}

fn check_archive(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let Some(manifest) = context.container.manifest else { return };
    for reason in &manifest.malformed {
        findings
            .add(format!("{} is malformed", manifest.name))
            .compared("a list of files", reason.as_str())
            .severity(Severity::Low);
    }
    // A walk that ended early did not see what it lacks.
    if !context.container.container.problems().is_empty() {
        return;
    }
    let listing = context.container.listing();
    for file in manifest.files() {
        let path = file.path.as_bytes();
        let is_there = listing.find_path(path).is_some()
            || listing.has_folder(path)
            || listing.find_path(&[path, b"/"].concat()).is_some_and(|member| member.kind == MemberKind::Folder);
        if !is_there {
            findings
                .add(format!("`{}` is listed in {} and is not there", file.path, manifest.name))
                .compared("a member of this name", "none")
                .about(context.locator.member(file.path.clone()))
                .severity(Severity::Medium);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Tar;
    use crate::rules::Severity;

    /// Of no bytes.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn package(paths: &str, name: &str, bytes: &str) -> Case {
        let paths = format!("{{\"paths\":[{paths}],\"paths_version\":1}}");
        let tar = Tar::new().file("info/index.json", "{}").file("info/paths.json", paths).file(name, bytes);
        Case::bytes(tar.build()).named("p-1-0.tar.bz2")
    }

    fn row(size: u64) -> String {
        format!(
            "{{\"_path\":\"site-packages/m.py\",\"path_type\":\"hardlink\",\"sha256\":\"{EMPTY}\",\"size_in_bytes\":{size}}}"
        )
    }

    #[test]
    fn flags_a_file_that_was_changed_after_the_build() {
        let finding = package(&row(0), "site-packages/m.py", "x = 1\n").flags(&RULE);
        assert_eq!((finding.severity, finding.expected.as_str()), (Severity::High, EMPTY));
        let finding = package(&row(7), "site-packages/m.py", "").flags(&RULE);
        assert_eq!(finding.observed, "0 bytes");
    }

    #[test]
    fn flags_what_is_not_listed_and_what_is_not_there() {
        let finding = package("", "site-packages/m.pyc", "").flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        let findings = package(&row(0), "info/other", "").findings(&RULE);
        assert_eq!(findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Medium]);
    }

    #[test]
    fn flags_a_list_that_is_none() {
        assert_eq!(package("1", "site-packages/m.py", "").flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_a_package_as_it_was_built() {
        package(&row(0), "site-packages/m.py", "").passes(&RULE);
    }
}
