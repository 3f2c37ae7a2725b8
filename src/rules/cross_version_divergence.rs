//! PYC213.

use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::Variant;
use crate::rules::VariantsContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Two pycs of one module in one `__pycache__`, for different interpreters and of the same level, of which one has names that
    /// the other lacks. Names in double underscores are left out, since compilers add their own. Changes that need no new name are not seen here.
    ///
    /// ## Why it matters
    /// Both claim to be compiled from one source. What only one interpreter gets is what the others' users never see.
    ///
    /// ## Innocent causes
    /// A stale pyc of an interpreter that is no longer used. Compilers differ in what they keep of code that is never reached.
    ///
    /// ## Severity
    /// High when both record the same source and eight names or more differ; medium when fewer do; low when they record different
    /// sources: then one is stale, which is no attack.
    ///
    /// ## What to do
    /// Look at the names in the disassembly of both, and compile the source again.
    ///
    /// ## References
    /// PEP 3147.
    id: "PYC213",
    name: "cross-version-divergence",
    summary: "pycs of one module for two interpreters differ in names",
    severity: High,
    check: Variants(check),
}

fn check(context: &VariantsContext<'_>, findings: &mut Findings<'_>) {
    for (place, one) in context.variants.iter().enumerate() {
        let before = context.variants.get(..place).unwrap_or_default();
        let is_other = |other: &&Variant| {
            one.level.is_some()
                && other.level == one.level
                && other.tag != one.tag
                && other.version.magic != one.version.magic
        };
        // Each is compared with one other: with the first, all of them are.
        let Some(other) = before.iter().find(is_other) else { continue };
        if one.words.is_equal(&other.words) {
            continue;
        }
        let (Some(words), Some(known)) = ((context.words)(one), (context.words)(other)) else { continue };
        let (mut mine, mut others): (Vec<_>, Vec<_>) =
            (words.difference(&known).collect(), known.difference(&words).collect());
        // Only 3.6 has the names of annotated variables among its names (STORE_ANNOTATION); later ones have them as constants.
        if one.version.series == (3, 6) {
            mine.clear();
        } else if other.version.series == (3, 6) {
            others.clear();
        }
        // The argument of `__annotate__`, which 3.14 makes for annotations.
        for (names, version) in [(&mut mine, one.version), (&mut others, other.version)] {
            if version.series >= (3, 14) {
                names.retain(|name| name.as_slice() != b"format");
            }
        }
        let count = mine.len().saturating_add(others.len());
        if count == 0 {
            continue;
        }
        let is_same = one.is_of_same_source(other);
        let stale = if is_same { "" } else { ", but record different sources: one is stale" };
        let (module, [tag, first]) = (&one.module, [one, other].map(|it| it.tag.to_string()));
        let message = format!("the pycs of `{module}` for `{tag}` and `{first}` differ in {count} names{stale}");
        let finding = findings.add(message);
        finding.about(context.container.locate(one.member));
        finding.compared(Variant::listed(&others), Variant::listed(&mine));
        if !is_same {
            finding.severity(Severity::Low);
        } else if count < 8 {
            finding.severity(Severity::Medium);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn pyc(python: &str, names: &[&str]) -> Pyc {
        Pyc::python(python).source_mtime(100).names(names)
    }

    fn case(one: &Pyc, other: &Pyc) -> Case {
        let tree = Case::tree().file("p/m.py", "x = 1\n", 100);
        let tree = tree.file("p/__pycache__/m.cpython-312.pyc", one.build(), 101);
        tree.file("p/__pycache__/m.cpython-38.pyc", other.build(), 101)
    }

    #[test]
    fn flags_names_that_one_interpreter_alone_gets() {
        let finding = case(&pyc("3.12", &["x"]), &pyc("3.8", &["x", "system"])).flags(&RULE);
        assert_eq!(finding.message, "the pycs of `m` for `cpython-38` and `cpython-312` differ in 1 names");
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::Medium, "`system`"));
        let many: Vec<String> = (0..9).map(|at| format!("n{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(case(&pyc("3.12", &["x"]), &pyc("3.8", &many)).flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn a_stale_one_is_no_attack() {
        let finding = case(&pyc("3.12", &["x"]), &pyc("3.8", &["y"]).source_mtime(50)).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
    }

    #[test]
    fn passes_the_argument_of_annotations() {
        let tree = Case::tree().file("p/__pycache__/m.cpython-314.pyc", pyc("3.14", &["x", "format"]).build(), 101);
        tree.file("p/__pycache__/m.cpython-312.pyc", pyc("3.12", &["x"]).build(), 101).passes(&RULE);
    }

    #[test]
    fn passes_equal_names_other_levels_and_names_of_compilers() {
        case(&pyc("3.12", &["x", "__static_attributes__"]), &pyc("3.8", &["x"])).passes(&RULE);
        let tree = Case::tree().file("p/__pycache__/m.cpython-312.pyc", pyc("3.12", &["x"]).build(), 101);
        tree.file("p/__pycache__/m.cpython-38.opt-1.pyc", pyc("3.8", &["y"]).build(), 101).passes(&RULE);
    }
}
