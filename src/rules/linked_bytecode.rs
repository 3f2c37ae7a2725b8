//! PYC314.

use crate::container::LinkTarget;
use crate::container::MemberKind;
use crate::name;
use crate::place::Place;
use crate::rules::Findings;
use crate::rules::MemberContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// On disk, a symbolic link with the name of a pyc or of a `__pycache__` folder that leads out of what is scanned, or a link
    /// with the name of a pyc that leads to the bytecode of a module of another name. Links in archives are reported as
    /// `PYC809`.
    ///
    /// ## Why it matters
    /// An import follows the link. What is behind a link that leads out is not scanned and can be changed without this tree
    /// being touched; behind the other kind is code that belongs to something else.
    ///
    /// ## Innocent causes
    /// Build systems that make trees of links (Bazel, Nix, Buildout). Links between the optimisation levels of a module
    /// (`m.cpython-312.opt-1.pyc` to `m.cpython-312.pyc`, as gpep517 makes them) and to the same module elsewhere in the tree
    /// are not reported. Hard links are not: installers share files so.
    ///
    /// ## What to do
    /// Scan the place that the link leads to in the same run, or replace the link by the file.
    ///
    /// ## References
    /// aspect-build/rules_py#873.
    id: "PYC314",
    name: "linked-bytecode",
    summary: "bytecode that is a link out of the tree or to another module",
    severity: Medium,
    check: Member(check),
}

fn check(context: &MemberContext<'_>, findings: &mut Findings<'_>) {
    let Some(member) = context.container.member(context.member).filter(|member| member.kind == MemberKind::Link) else {
        return;
    };
    let is_folder = member.file() == b"__pycache__";
    if !is_folder && !is_pyc(member.file()) {
        return;
    }
    let shown = name::shown(member.file());
    match context.container.container.link(context.member) {
        Some(LinkTarget::Outside(target)) => {
            let message = format!("`{shown}` is a link that leads out of what is scanned");
            findings.add(message).compared("a file of this tree", format!("a link to `{target}`"));
        }
        Some(LinkTarget::Inside(target)) if !is_folder && is_pyc(target.as_bytes()) => {
            let own = Place::of(&member.path());
            let other = Place::of(target.as_bytes());
            if own.stem != other.stem {
                let message = format!("`{shown}` is a link to the bytecode of `{}`", other.stem);
                findings.add(message).compared(format!("bytecode of `{}`", own.stem), format!("a link to `{target}`"));
            }
        }
        _ => {}
    }
}

fn is_pyc(path: &[u8]) -> bool {
    path.ends_with(b".pyc") || path.ends_with(b".pyo")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn link(name: &'static str, target: LinkTarget) -> Case {
        Case::tree().with_tree(|tree| {
            let tree =
                tree.file("p/m.py", "x = 1\n").file("p/__pycache__/m.cpython-312.pyc", Pyc::python("3.12").build());
            tree.link(name, target)
        })
    }

    #[test]
    fn flags_a_link_out_of_the_tree() {
        let finding = link("p/__pycache__/n.cpython-312.pyc", LinkTarget::Outside("/tmp/n.pyc".into())).flags(&RULE);
        assert_eq!(finding.observed, "a link to `/tmp/n.pyc`");
        link("q/__pycache__", LinkTarget::Outside("/tmp/cache".into())).flags(&RULE);
    }

    #[test]
    fn flags_a_link_to_another_module() {
        let target = LinkTarget::Inside("p/__pycache__/m.cpython-312.pyc".into());
        link("p/__pycache__/n.cpython-312.pyc", target).flags(&RULE);
    }

    #[test]
    fn passes_optimisation_levels_broken_links_and_links_of_other_names() {
        let target = || LinkTarget::Inside("p/__pycache__/m.cpython-312.pyc".into());
        link("p/__pycache__/m.cpython-312.opt-1.pyc", target()).passes(&RULE);
        link("p/__pycache__/n.cpython-312.pyc", LinkTarget::Broken("nowhere".into())).passes(&RULE);
        link("p/n.py", LinkTarget::Outside("/tmp/n.py".into())).passes(&RULE);
    }
}
