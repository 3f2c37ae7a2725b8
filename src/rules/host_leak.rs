//! PYC602.

use crate::build_path::Origin;
use crate::name;
use crate::place::Place;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::build_path_leak;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// The name of a machine or person: in a pyc's file name, where services that synchronise folders put it when two machines
    /// change a file (`m.cpython-38-DESKTOP-A96PE4D.pyc`, `m (Ann's conflicted copy 2019-11-22).pyc`), or of a server in the path
    /// that the code was compiled under (`\\nas01\share`, `/net/nas01`; once for each folder). Other text in a file name is
    /// `PYC105`.
    ///
    /// ## Why it matters
    /// Everybody who gets the files learns it. For an investigation it names where to look next.
    ///
    /// ## Innocent causes
    /// Projects in folders that are synchronised, or on network drives.
    ///
    /// ## What to do
    /// Delete the copies, and keep `__pycache__` out of what is synchronised and shipped.
    id: "PYC602",
    name: "host-leak",
    summary: "a file name or build path names a machine or person",
    severity: Low,
    check: PycAndArtifact(check, check_roots),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if let Some(who) = machine_or_person(context.place) {
        let message =
            format!("The file name of `{}` names `{}`, a machine or person", context.module, name::shown(who));
        findings.add(message).compared("", format!("`{}`", context.place.extra));
    }
}

fn check_roots(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    for (root, place) in build_path_leak::places(context) {
        let Origin::Host(host) = Origin::of(root.as_bytes()) else { continue };
        let message = format!("{} compiled on the machine `{}`", place.were(), name::shown(host));
        findings.add(message).compared("", place.first(context, root));
    }
}

/// The machine or person that a file name names besides module and tag.
pub(crate) fn machine_or_person(place: &Place) -> Option<&[u8]> {
    let extra = place.extra.as_bytes();
    if extra.is_empty() || place.hook().is_some() {
        return None;
    }
    // OneDrive: `-` and the name of the machine.
    if let Some(host) = extra.strip_prefix(b"-") {
        // pytest before 4.5 wrote `-PYTEST`.
        let is_host = host != b"PYTEST" && host.first().is_some_and(u8::is_ascii_uppercase) && host.len() >= 3;
        return is_host.then_some(host);
    }
    // Dropbox: ` (Ann's conflicted copy 2019-11-22)`, ` (host's conflicted copy ..)`; older clients write ` (host)`.
    let inside = extra.trim_ascii_start().strip_prefix(b"(")?;
    let end = memchr::memmem::find(inside, b" conflicted copy")?;
    let who = inside.get(..end)?;
    let who = who.strip_suffix(b"'s").or_else(|| who.strip_suffix("\u{2019}s".as_bytes())).unwrap_or(who);
    (!who.is_empty()).then_some(who)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn named(name: &str) -> Case {
        Case::tree().file(name, Pyc::python("3.12").build(), 1)
    }

    #[test]
    fn flags_names_that_synchronised_folders_leave() {
        let finding = named("__pycache__/m.cpython-312-DESKTOP-A96PE4D.pyc").flags(&RULE);
        assert_eq!(finding.message, "The file name of `m` names `DESKTOP-A96PE4D`, a machine or person");
        named("__pycache__/m.cpython-312-Matthew's MacBook Pro.pyc").flags(&RULE);
        let finding = named("__pycache__/m.cpython-312 (Ann's conflicted copy 2019-11-22).pyc").flags(&RULE);
        assert_eq!(finding.message, "The file name of `m` names `Ann`, a machine or person");
    }

    #[test]
    fn flags_a_server_in_the_build_path() {
        let pyc = Pyc::python("3.12").filename("\\\\nas01\\share\\p\\m.py").build();
        let finding = Case::tree().file("p/m.pyc", pyc, 1).flags(&RULE);
        assert_eq!(finding.message, "One pyc was compiled on the machine `nas01`");
    }

    #[test]
    fn passes_copies_that_name_nobody() {
        for name in [
            "__pycache__/m.cpython-312.pyc",
            "__pycache__/m.cpython-312 (conflicted copy 2019-11-22).pyc",
            "__pycache__/m.cpython-312 2.pyc",
            "__pycache__/m.cpython-312 (1).pyc",
            "__pycache__/m.cpython-312-pytest-8.3.3.pyc",
            "__pycache__/m.cpython-27-PYTEST.pyc",
            "__pycache__/m.cpython-312.pyc.140230",
        ] {
            named(name).passes(&RULE);
        }
    }
}
