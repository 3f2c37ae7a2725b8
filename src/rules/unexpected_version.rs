//! PYC310.

use std::collections::BTreeMap;

use crate::container::Kind;
use crate::container::MemberId;
use crate::load::LoadVerdict;
use crate::name;
use crate::pyc::Version;
use crate::pyc::versions::Implementation;
use crate::rules::ArtifactContext;
use crate::rules::ContainerFacts;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Bytecode of another Python than the one that reads its folder or its wheel: in `lib/python3.11` what 3.9 wrote, or in a
    /// wheel tagged `cp311` the same. Reported once for each such version and folder.
    ///
    /// ## Why it matters
    /// It was not made by the installation or the build that it lies in. A module without a source cannot be imported at all
    /// then: the magic number is refused.
    ///
    /// ## Innocent causes
    /// Caches of the developer's own Python that were packed along, an upgrade that kept the folder.
    ///
    /// ## Severity
    /// Medium for modules without a source outside `__pycache__`, which were meant to be imported; low for the rest, which
    /// nothing reads there. Modules of a wheel that have no source are PYC812's, unless they lie in such a folder.
    ///
    /// ## What to do
    /// Build in a clean folder; delete what is of another version.
    ///
    /// ## References
    /// PEP 425 (tags of wheels); PEP 3147.
    id: "PYC310",
    name: "unexpected-version",
    summary: "bytecode of another Python than the one its folder or wheel is for",
    severity: Medium,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let wheel = WheelTags::of_container(context.container);
    let mut groups: BTreeMap<(&[u8], Severity, String), (usize, MemberId)> = BTreeMap::new();
    for facts in context.pycs {
        let (Some(version), Some(member)) = (facts.version, context.container.member(facts.member)) else { continue };
        let folder = member.folder();
        let home = home(folder);
        if is_expected(version, home, wheel.as_ref()) {
            continue;
        }
        let is_bare = !facts.has_source && name::split_last(folder).1 != b"__pycache__";
        if is_bare && home.is_none() && facts.load != LoadVerdict::Dead {
            continue;
        }
        let severity = if is_bare { Severity::Medium } else { Severity::Low };
        let key = (home.map_or(&[][..], |(path, _)| path), severity, version.python());
        groups.entry(key).or_insert((0, facts.member)).0 += 1;
    }
    for ((home, severity, python), (count, first)) in groups {
        let files = if count == 1 { "A pyc is".to_owned() } else { format!("{count} pycs are") };
        let (place, expected) = if let (b"", Some(wheel)) = (home, &wheel) {
            (format!("in a wheel tagged `{}`", wheel.shown), format!("bytecode for `{}`", wheel.shown))
        } else {
            let home = name::shown(home);
            (format!("in `{home}`"), format!("bytecode of the Python of `{home}`"))
        };
        let first = context.container.locate(first);
        findings.add(format!("{files} of {python} {place}")).compared(expected, python).severity(severity).about(first);
    }
}

/// Whether a pyc is one that this rule reports.
pub(super) fn is_unexpected(context: &PycContext<'_>) -> bool {
    let wheel = WheelTags::of_container(context.container);
    let home = home(context.place.source_folder.as_bytes());
    context.pyc.version.is_some_and(|version| !is_expected(version, home, wheel.as_ref()))
}

/// Whether a version's bytecode is of use in its folder, or else in its wheel.
fn is_expected(version: &Version, home: Option<(&[u8], (u8, u8))>, wheel: Option<&WheelTags>) -> bool {
    match (home, wheel) {
        (Some((_, series)), _) => is_of_series(version, series),
        (None, Some(wheel)) => wheel.takes(version),
        (None, None) => true,
    }
}

/// The folder of one version of Python that a folder is below, and that version: `lib/python3.11`.
fn home(folder: &[u8]) -> Option<(&[u8], (u8, u8))> {
    let mut end = folder.len();
    loop {
        let path = folder.get(..end)?;
        let (before, part) = name::split_last(path);
        let version = part.strip_prefix(b"python").or_else(|| part.strip_prefix(b"pypy"));
        if let Some(series) = version.and_then(dotted) {
            // Elsewhere, as in `docs/python3.8`, such a name says nothing.
            let (_, above) = name::split_last(before);
            return matches!(above, b"" | b"lib" | b"lib64" | b"Lib").then_some((path, series));
        }
        if before.is_empty() {
            return None;
        }
        end = before.len();
    }
}

/// `3.11`, `2.7`, `3.13t`.
fn dotted(text: &[u8]) -> Option<(u8, u8)> {
    let text = std::str::from_utf8(text).ok()?;
    let (major, minor) = text.strip_suffix('t').unwrap_or(text).split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether a version writes bytecode of this series.
fn is_of_series(version: &Version, series: (u8, u8)) -> bool {
    (version.series..=version.last_series.unwrap_or(version.series)).contains(&series)
}

/// The Pythons that a wheel is for, by the tags of its file name.
pub(super) struct WheelTags {
    /// As they stand in the name.
    pub(super) shown: String,
    pythons: Vec<Tag>,
}

/// One Python tag.
struct Tag {
    /// `None` for `py`: any.
    implementation: Option<Implementation>,
    major: u8,
    minor: Option<u8>,
    /// Later minor versions too.
    and_later: bool,
    /// Installers take it for later minor versions.
    installs_later: bool,
}

impl WheelTags {
    /// The tags in the name of a wheel.
    pub(super) fn of_container(container: &ContainerFacts<'_>) -> Option<Self> {
        if container.kind() != Kind::Wheel {
            return None;
        }
        Self::of(name::split_last(container.locator.path()).1)
    }

    /// `name-1.0[-build]-cp311-abi3-platform.whl`; `None` for what is not named so, or has a tag that is not known.
    fn of(file: &[u8]) -> Option<Self> {
        let stem = std::str::from_utf8(file).ok()?.strip_suffix(".whl")?;
        let parts: Vec<&str> = stem.split('-').collect();
        let ([_, _, pythons, abi, _] | [_, _, _, pythons, abi, _]) = *parts.as_slice() else { return None };
        let tags = pythons.split('.').map(|tag| Tag::of(tag, abi)).collect::<Option<Vec<_>>>()?;
        Some(Self { shown: name::shown_text(pythons), pythons: tags })
    }

    /// Whether the wheel is of use to a version of Python.
    fn takes(&self, version: &Version) -> bool {
        self.pythons.iter().any(|tag| tag.takes(version, tag.and_later))
    }

    /// Whether an installer takes the wheel for a version of Python.
    pub(super) fn installs_on(&self, version: &Version) -> bool {
        self.pythons.iter().any(|tag| tag.takes(version, tag.installs_later))
    }
}

impl Tag {
    fn of(tag: &str, abi: &str) -> Option<Self> {
        let (kind, digits) = tag.split_at_checked(2)?;
        let implementation = match kind {
            "py" => None,
            "cp" => Some(Implementation::CPython),
            "pp" => Some(Implementation::PyPy),
            _ => return None,
        };
        let (major, minor) = digits.split_at_checked(1)?;
        let minor = if minor.is_empty() { None } else { Some(minor.parse().ok()?) };
        // `py38` and the stable ABI promise later versions too; installers take `cp38-none` for 3.8 alone, but the code would do.
        let installs_later = implementation.is_none() || abi == "abi3";
        Some(Self {
            implementation,
            major: major.parse().ok()?,
            minor,
            and_later: installs_later || abi == "none",
            installs_later,
        })
    }

    fn takes(&self, version: &Version, and_later: bool) -> bool {
        let (major, minor) = version.last_series.unwrap_or(version.series);
        self.implementation.is_none_or(|implementation| implementation == version.implementation)
            && self.major == major
            && self.minor.is_none_or(|wanted| wanted == minor || and_later && wanted < minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn wheel(name: &str, path: &str, python: &str) -> Case {
        let zip = Zip::new().file("a-1.dist-info/WHEEL", "").file(path, Pyc::python(python).build());
        Case::zip(zip).named(name)
    }

    #[test]
    fn flags_the_cache_of_another_python_in_a_folder_of_one_version() {
        let path = "lib/python3.11/site-packages/p/__pycache__/m.cpython-39.pyc";
        let finding = Case::tree().file(path, Pyc::python("3.9").build(), 1).flags(&RULE);
        assert_eq!(finding.message, "A pyc is of CPython 3.9 in `lib/python3.11`");
        assert_eq!(finding.severity, Severity::Low);
    }

    #[test]
    fn flags_a_module_that_its_python_cannot_import() {
        let finding = Case::tree().file("python3.11/site-packages/m.pyc", Pyc::python("3.9").build(), 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::Medium);
    }

    #[test]
    fn flags_bytecode_of_another_python_than_the_wheel_s() {
        let cached = "p/__pycache__/m.cpython-39.pyc";
        let finding = wheel("a-1-cp311-cp311-win_amd64.whl", cached, "3.9").flags(&RULE);
        assert_eq!((finding.severity, finding.expected.as_str()), (Severity::Low, "bytecode for `cp311`"));
        wheel("a-1-2-py2-none-any.whl", "p/__pycache__/m.cpython-39.pyc", "3.9").flags(&RULE);
        wheel("a-1-cp312-abi3-win_amd64.whl", "p/__pycache__/m.cpython-39.pyc", "3.9").flags(&RULE);
    }

    #[test]
    fn passes_modules_without_a_source_that_another_rule_reports() {
        wheel("a-1-cp311-cp311-win_amd64.whl", "p/m.pyc", "3.9").passes(&RULE);
    }

    #[test]
    fn passes_what_the_tags_of_a_wheel_take() {
        let cached = "p/__pycache__/m.cpython-39.pyc";
        for name in [
            "a-1-cp39-cp39-win_amd64.whl",
            "a-1-py2.py3-none-any.whl",
            "a-1-cp36-abi3-win_amd64.whl",
            "a-1-py38-none-any.whl",
            "a-1-xx99-none-any.whl",
            "renamed.whl",
        ] {
            wheel(name, cached, "3.9").passes(&RULE);
        }
    }

    #[test]
    fn passes_a_folder_of_its_own_version_and_one_that_only_looks_like_it() {
        let pyc = Pyc::python("3.9").build();
        let tree = Case::tree().file("lib/python3.9/__pycache__/m.cpython-39.pyc", pyc.clone(), 1);
        let tree = tree.file("lib/python3/dist-packages/__pycache__/m.cpython-39.pyc", pyc.clone(), 1);
        tree.file("docs/python3.11/__pycache__/m.cpython-39.pyc", pyc, 1).passes(&RULE);
    }
}
