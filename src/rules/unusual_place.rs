//! PYC318.

use crate::container::Kind;
use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Bytecode where no module is looked for: in the folder of a version control system or an editor (`.git`, `.hg`, `.svn`,
    /// `.vscode`, `.idea`, ..), in the metadata of a package (`*.dist-info`, `*.egg-info`, `EGG-INFO`), or in the `data`,
    /// `headers` and `scripts` of a wheel.
    ///
    /// ## Why it matters
    /// Reviewers and many scanners leave such folders out. Code there is run by name, by a hook or by a loader.
    ///
    /// ## Innocent causes
    /// Hooks and scripts written in Python whose caches were kept.
    ///
    /// ## What to do
    /// Find out what reads it; delete it if nothing does.
    id: "PYC318",
    name: "unusual-place",
    summary: "bytecode in a folder that holds no modules",
    severity: Low,
    check: Pyc(check),
}

const FOLDERS: &[&[u8]] =
    &[b".git", b".hg", b".svn", b".bzr", b".github", b".gitlab", b".vscode", b".idea", b".ssh", b"EGG-INFO"];

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let is_wheel = context.container.kind() == Kind::Wheel;
    let mut above: &[u8] = b"";
    for part in context.place.source_folder.as_bytes().split(|&byte| byte == b'/') {
        let is_metadata = part.ends_with(b".dist-info") || part.ends_with(b".egg-info");
        let is_data = is_wheel && above.ends_with(b".data") && matches!(part, b"data" | b"headers" | b"scripts");
        if is_metadata || is_data || FOLDERS.contains(&part) {
            let place = if is_data { [above, part].join(&b'/') } else { part.to_vec() };
            let place = name::shown(&place);
            findings
                .add(format!("`{}` is bytecode in `{place}`, where no module is looked for", context.place.stem))
                .compared("a folder of modules", format!("`{place}`"));
            return;
        }
        above = part;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    #[test]
    fn flags_bytecode_among_version_control_and_metadata() {
        let pyc = Pyc::python("3.12").build();
        Case::tree().file(".git/hooks/__pycache__/m.cpython-312.pyc", pyc.clone(), 1).flags(&RULE);
        Case::tree().file("site-packages/a-1.dist-info/m.pyc", pyc, 1).flags(&RULE);
    }

    #[test]
    fn flags_the_data_of_a_wheel() {
        let zip = Zip::new().file("a-1.dist-info/WHEEL", "");
        let finding = Case::zip(zip.file("a-1.data/data/m.pyc", Pyc::python("3.12").build())).flags(&RULE);
        assert_eq!(finding.observed, "`a-1.data/data`");
    }

    #[test]
    fn passes_modules_of_a_wheel_and_names_that_only_resemble() {
        let pyc = Pyc::python("3.12").build();
        let zip = Zip::new().file("a-1.dist-info/WHEEL", "").file("a-1.data/purelib/m.pyc", pyc.clone());
        Case::zip(zip).passes(&RULE);
        Case::tree().file("git/m.pyc", pyc.clone(), 1).file("p.data/data/m.pyc", pyc, 1).passes(&RULE);
    }
}
