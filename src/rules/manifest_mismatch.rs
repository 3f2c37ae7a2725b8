//! PYC813.

use std::collections::HashSet;

use crate::artifact::Md5Digest;
use crate::container::MemberKind;
use crate::container::OddityKind;
use crate::manifest;
use crate::manifest::Digest;
use crate::name;
use crate::name::Name;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A package whose manifest does not fit its files: a file has another digest or size than the `md5sums` of a Debian package, the header of
    /// an RPM package or the `paths.json` of a conda package gives, is not listed there, or is listed and not there; a manifest that cannot
    /// be read.
    ///
    /// ## Why it matters
    /// The manifest is written when the package is built, and what is installed is compared with it later (`dpkg --verify`, `rpm -V`). A file
    /// that does not fit was changed afterwards, or was put there. dpkg and conda do not look at the digests when they install.
    ///
    /// ## Innocent causes
    /// Packages that were unpacked and packed again by hand. Files that scripts of the package make are not in it, and those
    /// that the user may change need not be listed in `md5sums`: neither is reported.
    ///
    /// ## Severity
    /// High for another digest or size and for bytecode or a source that is not listed; medium for other files that are not listed and for
    /// what is listed and not there; low for a manifest that is malformed.
    ///
    /// ## What to do
    /// Get the package from its distribution again and compare. The findings give what the manifest says and what the file has.
    ///
    /// ## References
    /// deb-md5sums(5); "RPM V4 Package format" of the RPM documentation; conda/conda#5886.
    id: "PYC813",
    name: "manifest-mismatch",
    summary: "a package's manifest does not fit its files",
    severity: High,
    check: MemberAndArtifact(check_member, check_archive),
}

fn check_member(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    let Some(manifest) = context.container.manifest.filter(|manifest| manifest.is_readable()) else { return };
    let is_listed = |kind| kind == MemberKind::File || kind == MemberKind::Link && manifest.lists_links;
    let Some(member) = context.container.member(context.member).filter(|member| is_listed(member.kind)) else {
        return;
    };
    let path = member.path();
    let shown = name::shown(&path);
    let Some(entry) = manifest.get(&path) else {
        if !manifest.is_exempt(&path) {
            let is_python =
                [&b".py"[..], b".pyc", b".pyo", b".pth", b".so"].iter().any(|ending| path.ends_with(ending));
            let finding = findings.add(format!("`{shown}` is not listed in {}", manifest.name));
            finding.compared("every file listed", "not listed");
            finding.severity(if is_python { Severity::High } else { Severity::Medium });
        }
        return;
    };
    let Some(whole) = context.content else { return };
    let found = entry.digest.and_then(|digest| {
        let found = match digest {
            Digest::Sha256(_) => Digest::Sha256(whole.sha256),
            Digest::Md5(_) => Digest::Md5(whole.md5.or_else(|| whole.bytes.map(Md5Digest::of))?),
        };
        Some((digest, found))
    });
    if let Some((digest, found)) = found.filter(|(digest, found)| digest != found) {
        let message = format!("`{shown}` does not have the digest that {} gives", manifest.name);
        findings.add(message).compared(digest.to_string(), found.to_string());
    } else if let Some(size) = entry.size.filter(|&size| size != whole.size) {
        let message = format!("`{shown}` does not have the size that {} gives", manifest.name);
        findings.add(message).compared(format!("{size} bytes"), format!("{} bytes", whole.size));
    }
}

/// What is listed and not there, and what is malformed.
fn check_archive(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let facts = context.container;
    let oddities = facts.container.oddities().iter();
    for oddity in oddities.filter(|oddity| oddity.kind == OddityKind::DigestDiffers) {
        let finding = findings.add("A part of the package does not have the digest that the package gives");
        finding.compared(oddity.expected.as_str(), oddity.observed.as_str());
        finding.offset = oddity.offset;
    }
    let Some(manifest) = facts.manifest else { return };
    for reason in &manifest.malformed {
        let finding = findings.add(format!("{} is malformed", manifest.name));
        finding.compared("a list of files", reason.as_str()).severity(Severity::Low);
    }
    // A walk that ended early did not see what it lacks.
    if !facts.container.problems().is_empty() {
        return;
    }
    let there: HashSet<Vec<u8>> = facts.listing().members().map(|member| manifest::normal(&member.path())).collect();
    let is_folder = |path: &[u8]| facts.listing().has_folder(path);
    let required = manifest.entries.iter().filter(|entry| entry.is_required && !there.contains(&entry.path));
    for entry in required.filter(|entry| !is_folder(&entry.path)) {
        let message = format!("`{}` is listed in {} and is not there", name::shown(&entry.path), manifest.name);
        let finding = findings.add(message).compared("a member of this name", "none").severity(Severity::Medium);
        finding.about(context.locator.member(Name::new(entry.path.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Tar;
    use crate::forge::package::Ar;
    use crate::forge::package::Cpio;
    use crate::forge::package::Rpm;
    use crate::forge::package::md5sum;

    const NAME: &str = "usr/lib/python3/dist-packages/p.py";

    fn deb(md5sums: &str) -> Case {
        Case::bytes(Ar::debian(&[(NAME, b"x = 1\n"), ("etc/p.conf", b"")], md5sums).build()).named("p.deb")
    }

    fn rpm(change: impl FnOnce(Rpm) -> Rpm) -> Case {
        let payload = Cpio::new().file("./usr/lib/p.py", "x = 1\n").build();
        Case::bytes(change(Rpm::new(payload).lists("/usr/lib/", "p.py", b"x = 1\n")).build()).named("p.rpm")
    }

    #[test]
    fn passes_packages_that_are_as_they_were_packed() {
        deb(&md5sum(NAME, b"x = 1\n")).passes(&RULE);
        rpm(|it| it).passes(&RULE);
        rpm(|it| it.lists("/var/log/", "p.log", b"").edit(|file| file.flags = 64)).passes(&RULE);
        let old = Rpm::new(Cpio::new().file("./p.py", "x = 1\n").build()).md5().lists("/", "p.py", b"x = 1\n");
        Case::bytes(old.build()).passes(&RULE);
    }

    #[test]
    fn flags_a_file_with_another_digest_or_size() {
        let finding = deb(&md5sum(NAME, b"x = 2\n")).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.observed, format!("md5:{}", Md5Digest::of(b"x = 1\n")));
        assert_eq!(finding.locator.member_shown(), format!("data.tar!./{NAME}"));
        let finding = rpm(|it| it.edit(|file| file.digest = "0".repeat(64))).flags(&RULE);
        assert_eq!(finding.expected, format!("sha256:{}", "0".repeat(64)));
        let finding = rpm(|it| it.edit(|file| (file.size, file.digest) = (9, String::new()))).flags(&RULE);
        assert_eq!((finding.expected.as_str(), finding.observed.as_str()), ("9 bytes", "6 bytes"));
    }

    #[test]
    fn flags_what_is_not_listed_and_what_is_not_there() {
        let finding = deb(&md5sum("usr/other", b"")).findings(&RULE);
        let told: Vec<_> = finding.iter().map(|finding| (finding.severity, finding.observed.as_str())).collect();
        assert_eq!(told, [(Severity::High, "not listed"), (Severity::Medium, "none")]);
        let finding = rpm(|it| it.lists("/usr/lib/", "gone.py", b"")).flags(&RULE);
        assert_eq!(finding.message, "`usr/lib/gone.py` is listed in the RPM header and is not there");
    }

    #[test]
    fn flags_a_payload_with_another_digest_and_a_malformed_manifest() {
        let finding = rpm(|it| it.payload_digest(&"0".repeat(64))).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        let finding = deb(&format!("{}short\n", md5sum(NAME, b"x = 1\n"))).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
    }

    /// Of no bytes.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn conda(paths: &str, name: &str, bytes: &str) -> Case {
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
        let finding = conda(&row(0), "site-packages/m.py", "x = 1\n").flags(&RULE);
        assert_eq!((finding.severity, finding.expected.as_str()), (Severity::High, format!("sha256:{EMPTY}").as_str()));
        let finding = conda(&row(7), "site-packages/m.py", "").flags(&RULE);
        assert_eq!(finding.observed, "0 bytes");
    }

    #[test]
    fn flags_what_a_conda_package_does_not_list_or_lacks() {
        let finding = conda("", "site-packages/m.pyc", "").flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        let findings = conda(&row(0), "info/other", "").findings(&RULE);
        assert_eq!(findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Medium]);
    }

    #[test]
    fn flags_a_list_that_is_none() {
        assert_eq!(conda("1", "site-packages/m.py", "").flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_a_package_as_it_was_built() {
        conda(&row(0), "site-packages/m.py", "").passes(&RULE);
    }
}
