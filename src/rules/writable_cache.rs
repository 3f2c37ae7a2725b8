//! PYC313.

use crate::artifact::Locator;
use crate::container;
use crate::container::Kind;
use crate::name;
use crate::place::PlaceKind;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::source::Found;

declare_rule! {
    /// ## What it reports
    /// A pyc on disk that somebody may change who may not change its source: its permission bits let the group or everyone
    /// write, or another user than the source's owner owns it; or a `__pycache__` folder that everyone may write to while the
    /// folder of the sources is not so open.
    ///
    /// ## Why it matters
    /// Whoever can write the bytecode decides what runs for all who import the module, root included, and the source stays
    /// clean. CPython gives a cached file the permissions of its source, so honest caches do not look so.
    ///
    /// ## Innocent causes
    /// A wide `umask` or `chmod -R`, a container's volume, caches written by a service into a shared folder. Files of root beside
    /// the sources of a user are not reported: root needs no such way. On systems without owners and permission bits nothing is.
    ///
    /// ## Severity
    /// High when everyone or another user may write; medium when the group may, or when a sticky bit keeps files that are there
    /// from being replaced. Low for a file that no import reads.
    ///
    /// ## What to do
    /// Take the permission away (`chmod go-w`), give the file to the source's owner, and compile again.
    ///
    /// ## References
    /// `_calc_mode` in CPython's Lib/importlib/_bootstrap_external.py; python/cpython#82438.
    id: "PYC313",
    name: "writable-cache",
    summary: "bytecode that others than the owner of its source may change",
    severity: High,
    check: PycAndArtifact(check, check_folders),
}

const GROUP_MAY_WRITE: u32 = 0o020;
const OTHERS_MAY_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(status) = context.status.filter(|_| context.container.kind() == Kind::Directory) else { return };
    // A source that was found elsewhere has an owner of its own for good reasons.
    let beside = context.source.file().is_some_and(|source| source.found == Found::Beside);
    let source = context.source_status.filter(|_| beside);
    let open = status.mode & (GROUP_MAY_WRITE | OTHERS_MAY_WRITE) & !source.map_or(0, |source| source.mode);
    let other_owner = source.filter(|source| source.uid != status.uid && status.uid != 0);
    let (message, expected, observed, mut severity) = if let Some(source) = other_owner {
        let message = format!("The bytecode of `{}` belongs to another user than its source", context.module);
        (message, format!("user {}", source.uid), format!("user {}", status.uid), Severity::High)
    } else if open & OTHERS_MAY_WRITE != 0 {
        let message = format!("Everyone may change the bytecode of `{}`", context.module);
        (message, mode(source.map_or(0o644, |source| source.mode)), mode(status.mode), Severity::High)
    } else if let Some(source) = source.filter(|_| open != 0) {
        let message = format!("The group may change the bytecode of `{}` and not its source", context.module);
        (message, mode(source.mode), mode(status.mode), Severity::Medium)
    } else {
        return;
    };
    // A stale cache is looked at by the next import, and a writer can make it fit.
    let is_read = context.load.verdict.is_live() || context.place.kind == PlaceKind::Cache && source.is_some();
    if !is_read {
        severity = Severity::Low;
    }
    findings.add(message).compared(expected, observed).severity(severity);
}

/// Looks at the `__pycache__` folders that hold pycs.
fn check_folders(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let facts = context.container;
    if facts.kind() != Kind::Directory {
        return;
    }
    let mut last: &[u8] = b"";
    for member in context.pycs.iter().filter_map(|pyc| facts.member(pyc.member)) {
        let folder = member.folder();
        // In path order the files of such a folder follow one another.
        if folder == last || name::split_last(folder).1 != b"__pycache__" {
            continue;
        }
        last = folder;
        let Some(cache) = facts.container.folder_status(folder).filter(|cache| cache.mode & OTHERS_MAY_WRITE != 0)
        else {
            continue;
        };
        let above = facts.container.folder_status(name::split_last(folder).0);
        let Some(sources) = above.filter(|above| above.mode & OTHERS_MAY_WRITE == 0) else { continue };
        let finding = findings.add(format!("Everyone may put bytecode into `{}`", name::shown(folder)));
        finding.compared(mode(sources.mode), mode(cache.mode));
        if cache.mode & STICKY != 0 {
            finding.severity(Severity::Medium);
        }
        if let Ok(path) = container::on_disk(&facts.locator.artifact, folder) {
            finding.about(Locator::file(path));
        }
    }
}

fn mode(bits: u32) -> String {
    format!("mode {bits:04o}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    /// A source of mode 0644 and user 1000, and its cache of this mode and user.
    fn cache(mode: u32, uid: u32) -> Case {
        Case::tree().with_tree(|tree| {
            let tree = tree.file("p/m.py", "x = 1\n").mtime(1_600_000_000).uid(1000);
            tree.file("p/__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build()).mode(mode).uid(uid)
        })
    }

    #[test]
    fn flags_a_cache_that_everyone_may_change() {
        let finding = cache(0o666, 1000).flags(&RULE);
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::High, "mode 0666"));
    }

    #[test]
    fn flags_a_cache_that_the_group_may_change() {
        assert_eq!(cache(0o664, 1000).flags(&RULE).severity, Severity::Medium);
    }

    #[test]
    fn flags_another_user_s_cache() {
        let finding = cache(0o644, 1001).flags(&RULE);
        assert_eq!((finding.expected.as_str(), finding.observed.as_str()), ("user 1000", "user 1001"));
    }

    #[test]
    fn flags_an_open_cache_folder_once() {
        let open = |mode| {
            cache(0o644, 1000).with_tree(|tree| {
                let tree = tree.file("p/__pycache__/n.cpython-312.pyc", Pyc::python("3.12").build());
                tree.folder("p", 0o755, 1000).folder("p/__pycache__", mode, 1000)
            })
        };
        let finding = open(0o777).flags(&RULE);
        assert_eq!((finding.severity, finding.locator.to_string().as_str()), (Severity::High, "tree/p/__pycache__"));
        assert_eq!(open(0o1777).flags(&RULE).severity, Severity::Medium);
        open(0o755).passes(&RULE);
    }

    #[test]
    fn flags_what_no_import_reads_lower() {
        let tree = |tree: crate::forge::MemoryTree| {
            tree.file("p/__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build()).mode(0o666)
        };
        assert_eq!(Case::tree().with_tree(tree).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_the_permissions_of_the_source_and_files_of_root() {
        cache(0o644, 1000).passes(&RULE);
        cache(0o600, 0).passes(&RULE);
        let tree = |tree: crate::forge::MemoryTree| {
            let tree = tree.file("p/m.py", "x = 1\n").mtime(1_600_000_000).mode(0o777);
            tree.file("p/__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build()).mode(0o777)
        };
        Case::tree().with_tree(tree).passes(&RULE);
    }
}
