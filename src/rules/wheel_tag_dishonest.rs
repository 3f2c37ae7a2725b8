//! PYC812.

use std::collections::BTreeMap;

use crate::container::MemberId;
use crate::load::LoadVerdict;
use crate::name;
use crate::pyc::Version;
use crate::pyc::versions::Implementation;
use crate::pyc::versions::VERSIONS;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::declare_rule;
use crate::rules::unexpected_version::WheelTags;

declare_rule! {
    /// ## What it reports
    /// A wheel with modules that are there as bytecode alone and that some Python cannot import, though the tags in the wheel's
    /// name, and its `Requires-Python`, say that it is for that Python too. Reported once for each version of the bytecode.
    ///
    /// ## Why it matters
    /// Bytecode is of one minor version. An installer takes a wheel tagged `py3-none-any` for every Python 3, and there the
    /// modules fail with `bad magic number`. Whoever audits the wheel reads that it is pure Python, which it is not: there is
    /// no source to read.
    ///
    /// ## Innocent causes
    /// Vendors who ship compiled modules and never set the tags; a `.pyc` of a module that is no longer there.
    ///
    /// ## What to do
    /// Ship the sources, or tag the wheel for the one Python (`cp311-none-any`) and say so in `Requires-Python`.
    ///
    /// ## References
    /// PEP 425; Python packaging user guide, "Platform compatibility tags"; PEP 3147 for modules without a source.
    id: "PYC812",
    name: "wheel-tag-dishonest",
    summary: "a wheel with modules as bytecode alone is tagged for Pythons that cannot import them",
    severity: Medium,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let Some(wheel) = WheelTags::of_container(context.container) else { return };
    let required = context.container.requires_python;
    let mut groups: BTreeMap<String, (&'static Version, usize, MemberId)> = BTreeMap::new();
    for facts in context.pycs.iter().filter(|facts| !facts.has_source && facts.load != LoadVerdict::Dead) {
        let (Some(version), Some(member)) = (facts.version, context.container.member(facts.member)) else { continue };
        if name::split_last(member.folder()).1 != b"__pycache__" {
            groups.entry(version.python()).or_insert((version, 0, facts.member)).1 += 1;
        }
    }
    for (python, (version, count, first)) in groups {
        let mut promised = promised(&wheel, required, version).peekable();
        if promised.peek().is_none() || promised.all(|other| can_import(other, version)) {
            continue;
        }
        let what = if count == 1 { "A module is".to_owned() } else { format!("{count} modules are") };
        let limited = match required.filter(|_| wheel.installs_on(version)) {
            Some(required) => format!(" that requires Python `{}`", name::shown_text(required)),
            None => String::new(),
        };
        let tagged = &wheel.shown;
        findings
            .add(format!("{what} there as bytecode of {python} alone, in a wheel tagged `{tagged}`{limited}"))
            .compared(
                format!("sources, or a wheel for {python} alone"),
                format!("bytecode without a source, `{tagged}`"),
            )
            .about(context.container.locate(first));
    }
}

/// The Pythons that a wheel is for: of the kind that the bytecode is of, or of the one that the tag names.
fn promised<'a>(
    wheel: &'a WheelTags,
    required: Option<&'a str>,
    version: &'static Version,
) -> impl Iterator<Item = &'static Version> {
    let is_of_kind = move |other: &&Version| match other.implementation {
        Implementation::CPython | Implementation::PyPy => {
            other.implementation == version.implementation || !wheel.installs_on(version)
        }
        _ => false,
    };
    VERSIONS
        .iter()
        .filter(|other| other.is_final() && wheel.installs_on(other))
        .filter(is_of_kind)
        .filter(move |other| required.is_none_or(|required| allows(required, other.series)))
}

/// Whether a Python can import what another has compiled.
fn can_import(python: &Version, version: &Version) -> bool {
    python.implementation == version.implementation && version.serves(python.series)
}

/// Whether a version specifier (PEP 440) allows some release of a series. What is not understood allows all.
fn allows(specifier: &str, series: (u8, u8)) -> bool {
    specifier.split(',').all(|clause| clause_allows(clause.trim(), series).unwrap_or(true))
}

/// The same for one clause; `None` when it is not understood.
fn clause_allows(clause: &str, series: (u8, u8)) -> Option<bool> {
    let at = clause.find(|letter: char| letter.is_ascii_digit())?;
    let (operator, release) = clause.split_at_checked(at)?;
    let is_prefix = release.ends_with(".*");
    let parts: Vec<u8> =
        release.trim_end_matches(".*").split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (&major, rest) = parts.split_first()?;
    let wanted = (major, rest.first().copied().unwrap_or_default());
    let has_patch = rest.get(1).is_some_and(|&patch| patch > 0);
    let is_same = if parts.len() == 1 && is_prefix { major == series.0 } else { series == wanted };
    Some(match operator.trim_end() {
        "~=" if parts.len() == 2 => series >= wanted && series.0 == major,
        "==" | "===" | "~=" => is_same,
        // Some release of the series is another one, unless all are meant.
        "!=" => !(is_prefix && is_same),
        ">=" => series >= wanted,
        // 3.9.1 is later than 3.9.
        ">" => series > wanted || series == wanted && rest.len() > 1,
        "<=" => series <= wanted,
        "<" => series < wanted || series == wanted && has_patch,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn wheel(name: &str, path: &str, python: &str, metadata: &str) -> Case {
        let zip = Zip::new().file("a-1.dist-info/WHEEL", "").file("a-1.dist-info/METADATA", metadata);
        Case::zip(zip.file(path, Pyc::python(python).build())).named(name)
    }

    #[test]
    fn flags_modules_of_one_version_in_a_wheel_for_every_python_3() {
        let finding = wheel("a-1-py3-none-any.whl", "p/m.pyc", "3.9", "Name: a\n").flags(&RULE);
        assert_eq!(finding.message, "A module is there as bytecode of CPython 3.9 alone, in a wheel tagged `py3`");
        let required = wheel("a-1-py3-none-any.whl", "p/m.pyc", "3.9", "Requires-Python: >=3.9\n").flags(&RULE);
        assert!(required.message.ends_with("that requires Python `>=3.9`"));
    }

    #[test]
    fn flags_modules_of_another_python_than_the_wheel_s() {
        for name in
            ["a-1-cp311-cp311-win_amd64.whl", "a-1-py2-none-any.whl", "a-1-cp36-abi3-any.whl", "a-1-pp39-none-any.whl"]
        {
            wheel(name, "p/m.pyc", "3.9", "").flags(&RULE);
        }
    }

    #[test]
    fn passes_wheels_for_the_one_python() {
        for (name, metadata) in [
            ("a-1-cp39-cp39-win_amd64.whl", ""),
            ("a-1-cp39-none-any.whl", ""),
            ("a-1-py3-none-any.whl", "Requires-Python: ==3.9.*\n"),
            ("a-1-py3-none-any.whl", "Requires-Python: >=3.9.4, <3.10\n"),
            ("renamed.whl", ""),
        ] {
            wheel(name, "p/m.pyc", "3.9", metadata).passes(&RULE);
        }
    }

    #[test]
    fn passes_caches_and_modules_with_a_source() {
        let name = "a-1-py3-none-any.whl";
        wheel(name, "p/__pycache__/m.cpython-39.pyc", "3.9", "").passes(&RULE);
        let zip = Zip::new().file("a-1.dist-info/WHEEL", "").file("p/m.py", "x = 1\n");
        Case::zip(zip.file("p/m.pyc", Pyc::python("3.9").build())).named(name).passes(&RULE);
    }

    #[test]
    fn specifiers_allow_series() {
        for (specifier, allowed, refused) in [
            (">=3.9,<3.11", vec![(3, 9), (3, 10)], vec![(3, 8), (3, 11)]),
            ("==3.9.*", vec![(3, 9)], vec![(3, 10)]),
            ("==3.*", vec![(3, 0), (3, 12)], vec![(2, 7)]),
            ("~=3.9", vec![(3, 9), (3, 12)], vec![(3, 8), (4, 0)]),
            ("~=3.9.2", vec![(3, 9)], vec![(3, 10)]),
            (">3.9.1, !=3.11.*, <=3.12.4", vec![(3, 9), (3, 10), (3, 12)], vec![(3, 11), (3, 13)]),
            ("<3.10.2", vec![(3, 10)], vec![(3, 11)]),
            ("python", vec![(3, 9)], vec![]),
        ] {
            assert!(allowed.iter().all(|&series| allows(specifier, series)), "{specifier}");
            assert!(!refused.iter().any(|&series| allows(specifier, series)), "{specifier}");
        }
    }
}
