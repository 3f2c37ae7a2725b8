//! PYC212.

use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::Variant;
use crate::rules::VariantsContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// An optimised pyc (`opt-1`, `opt-2`) that has names which the pyc of the same module, for the same interpreter, of a lower
    /// level does not have. Optimisation takes away: asserts, docstrings, what stands under `if __debug__`. Names are those of the
    /// code, and strings that could be some. Changes that need no new name are not seen here.
    ///
    /// ## Why it matters
    /// What is added runs only under `-O`, where nobody looks for it.
    ///
    /// ## Innocent causes
    /// One of them is stale. A source that says `if not __debug__:`, or has an `else` to `if __debug__:`.
    ///
    /// ## Severity
    /// High when both record the same source; low when they record different ones: then one is stale, which is no attack. Low too
    /// when the optimised one is stale or never looked at, and in tests, which ask whether they are optimised.
    ///
    /// ## What to do
    /// Look at the names in the disassembly of both, and compile the source again.
    ///
    /// ## References
    /// PEP 488; `compiler_assert` and `__debug__` in CPython's Python/compile.c.
    id: "PYC212",
    name: "opt-variant-divergence",
    summary: "an optimised pyc has what the plain one lacks",
    severity: High,
    check: Variants(check),
}

fn check(context: &VariantsContext<'_>, findings: &mut Findings<'_>) {
    for high in context.variants {
        let is_lower = |low: &&Variant| {
            low.tag == high.tag
                && low.version.magic == high.version.magic
                && low.level < high.level
                && low.level.is_some()
        };
        // Level 2 takes away from 1, and 1 from 0: the nearest one says most.
        let Some(low) = context.variants.iter().filter(is_lower).max_by_key(|low| low.level) else { continue };
        if !high.words.may_exceed(&low.words) {
            continue;
        }
        let (Some(words), Some(known)) = ((context.words)(high), (context.words)(low)) else { continue };
        let added: Vec<_> = words.difference(&known).collect();
        if added.is_empty() {
            continue;
        }
        let is_same = high.is_of_same_source(low);
        let (module, level) = (&high.module, high.level.unwrap_or_default());
        let stale = if is_same { "" } else { ", but they record different sources: one is stale" };
        let of = if low.level == Some(0) { "the plain one" } else { "the one of level 1" };
        let message = format!("the pyc of `{module}` for level {level} has names that {of} lacks{stale}");
        let finding = findings.add(message);
        finding.about(context.container.locate(high.member)).compared("no name more", Variant::listed(&added));
        if !is_same || !high.load.is_live() || high.is_for_show {
            finding.severity(Severity::Low);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(plain: &Pyc, optimised: &Pyc) -> Case {
        let tree = Case::tree().file("p/m.py", "x = 1\n", 100);
        let tree = tree.file("p/__pycache__/m.cpython-312.pyc", plain.build(), 101);
        tree.file("p/__pycache__/m.cpython-312.opt-1.pyc", optimised.build(), 101)
    }

    fn pyc(names: &[&str]) -> Pyc {
        Pyc::python("3.12").source_mtime(100).names(names)
    }

    #[test]
    fn flags_names_that_only_the_optimised_one_has() {
        let finding = case(&pyc(&["x"]), &pyc(&["x", "system"])).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.message, "the pyc of `m` for level 1 has names that the plain one lacks");
        assert_eq!(finding.observed, "`system`");
        assert!(finding.locator.to_string().ends_with("m.cpython-312.opt-1.pyc"), "{}", finding.locator);
    }

    #[test]
    fn a_stale_one_is_no_attack() {
        let finding = case(&pyc(&["x"]), &pyc(&["x", "y"]).source_mtime(50)).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert!(finding.message.ends_with("one is stale"), "{}", finding.message);
    }

    #[test]
    fn passes_what_optimisation_takes_away_and_other_versions() {
        case(&pyc(&["x", "y"]), &pyc(&["x"])).passes(&RULE);
        case(&pyc(&["x"]), &pyc(&["x"])).passes(&RULE);
        case(&pyc(&["x"]).filename("m"), &pyc(&["x"]).filename("elsewhere")).passes(&RULE);
        let other = Pyc::python("3.11").source_mtime(100).names(&["y"]).build();
        let tree = Case::tree().file("p/__pycache__/m.cpython-312.pyc", pyc(&["x"]).build(), 101);
        tree.file("p/__pycache__/m.cpython-311.opt-1.pyc", other, 101).passes(&RULE);
    }
}
