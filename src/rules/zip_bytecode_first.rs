//! PYC303.

use crate::container::Kind;
use crate::place::PlaceKind;
use crate::pyc::Invalidation;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::source::Found;
use crate::source::HeaderMatch;

declare_rule! {
    /// ## What it reports
    /// A pyc beside its source in a zip archive that is imported from: an egg, a zipapp, a pex, or any zip on `sys.path`. There
    /// `zipimport` looks for `m.pyc` before `m.py`, unlike in folders, and would run this one.
    ///
    /// ## Why it matters
    /// Whoever reads the source in the archive does not read what runs. Up to Python 3.7 only the time is compared, and an
    /// unchecked hash is never compared with anything.
    ///
    /// ## Innocent causes
    /// Eggs: setuptools packs source and bytecode together.
    ///
    /// ## Severity
    /// High when the pyc runs although its header does not fit the source (another size, or an unchecked hash of something
    /// else), medium for the same in a zip that nothing shows to be imported from. Info, and once for an archive, for those whose
    /// header fits. A pyc that `zipimport` would find out of date or refuse is not reported here.
    ///
    /// ## What to do
    /// Compare the bytecode with the source, or pack only one of the two.
    ///
    /// ## References
    /// `_zip_searchorder` and `_unmarshal_code` in CPython's Lib/zipimport.py; PEP 273.
    id: "PYC303",
    name: "zip-bytecode-first",
    summary: "in a zip the bytecode runs before the source beside it",
    severity: High,
    check: PycAndArtifact(check, check_archive),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let kind = context.container.kind();
    if !matches!(kind, Kind::Egg | Kind::Zipapp | Kind::Zip)
        || context.place.kind != PlaceKind::Legacy
        || !context.load.verdict.is_live()
        || context.source.file().is_none_or(|source| source.found != Found::Beside)
    {
        return;
    }
    let check = context.header_check;
    let is_hash = context.pyc.header.as_ref().is_some_and(|header| {
        matches!(header.invalidation, Invalidation::CheckedHash(_) | Invalidation::UncheckedHash(_))
    });
    let size_differs = check.size.is_some_and(|(recorded, actual)| u64::from(recorded) != actual & 0xffff_ffff);
    let fits = if is_hash { check.outcome == HeaderMatch::Fresh } else { !size_differs };
    // Without the source's bytes nothing is known of the hash.
    if fits || is_hash && check.outcome == HeaderMatch::Unknown {
        return;
    }
    let message = format!(
        "`{}` runs from bytecode whose header does not fit the source beside it in the archive",
        context.module
    );
    let finding = findings.add(message);
    if let Some((recorded, actual)) = check.size {
        finding.compared(format!("{actual} bytes of source"), format!("{recorded} bytes of source"));
    } else if let Some((recorded, actual)) = check.hash {
        finding.compared(crate::name::hex(&actual), crate::name::hex(&recorded));
    }
    if kind == Kind::Zip {
        finding.severity(Severity::Medium);
    }
}

/// Says once of an egg or zipapp that it is so.
fn check_archive(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    if !matches!(context.container.kind(), Kind::Egg | Kind::Zipapp) {
        return;
    }
    // Nothing else in a zip is live: `zipimport` does not look into `__pycache__`.
    let mut first = context.pycs.iter().filter(|facts| facts.has_source && facts.load.is_live()).peekable();
    let Some(example) = first.peek().map(|facts| context.container.locate(facts.member)) else { return };
    let count = first.count();
    let modules = if count == 1 { "One module runs".to_owned() } else { format!("{count} modules run") };
    let finding = findings.add(format!("{modules} from bytecode with the source beside it in the archive"));
    finding
        .compared("source or bytecode", format!("both, first at `{}`", example.member_shown()))
        .severity(Severity::Info);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::Case;
    use crate::forge::Entry;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn egg(pyc: &Pyc) -> Case {
        // 1,600,000,000 in UTC.
        let wall = forge::dos_time([2020, 9, 13, 12, 26, 40]);
        let zip = Zip::new().file("EGG-INFO/PKG-INFO", "").entry(Entry::new("m.py", "x = 1\n").time(wall));
        Case::zip(zip.file("m.pyc", pyc.build()))
    }

    #[test]
    fn flags_bytecode_of_another_size_that_an_old_zipimport_runs() {
        let findings = egg(&Pyc::python("3.6").source_size(7)).findings(&RULE);
        let [finding, of_archive] = findings.as_slice() else { panic!("{findings:#?}") };
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::High, "7 bytes of source"));
        assert_eq!(of_archive.severity, Severity::Info);
    }

    #[test]
    fn flags_an_unchecked_hash_of_something_else() {
        let findings = egg(&Pyc::python("3.12").hash([1; 8]).flags(1)).findings(&RULE);
        assert_eq!(findings.first().map(|finding| finding.severity), Some(Severity::High));
    }

    #[test]
    fn notes_an_ordinary_egg_once() {
        let finding = egg(&Pyc::python("2.7")).flags(&RULE);
        assert_eq!(finding.message, "One module runs from bytecode with the source beside it in the archive");
        assert_eq!(egg(&Pyc::python("3.12")).flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn passes_bytecode_that_zipimport_would_find_out_of_date() {
        egg(&Pyc::python("3.12").source_size(7)).passes(&RULE);
        egg(&Pyc::python("2.7").source_mtime(1_600_000_100)).passes(&RULE);
    }

    #[test]
    fn passes_a_wheel_and_a_folder() {
        let pyc = Pyc::python("3.12").hash([1; 8]).flags(1).build();
        let wheel = Zip::new().file("a-1.dist-info/WHEEL", "").file("m.py", "x = 1\n").file("m.pyc", pyc.clone());
        Case::zip(wheel).passes(&RULE);
        Case::tree().file("m.py", "x = 1\n", 1).file("m.pyc", pyc, 1).passes(&RULE);
    }
}
