//! PYC410.

use crate::pyc::opcodes::Opcodes;
use crate::pyc::unused;
use crate::pyc::unused::Unused;
use crate::pyc::versions::Implementation;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A code object among the constants of another that no instruction there loads: no function, class or comprehension is made
    /// of it. One finding for a file: the first one, and how many there are.
    ///
    /// ## Why it matters
    /// It does not show when the module is read by its functions, and code can still get at it through `co_consts`. Nothing
    /// that the compiler of CPython 3.12 or later keeps looks so.
    ///
    /// ## Innocent causes
    /// Up to 3.11 the compiler leaves the functions of unreachable code among the constants: of what stands behind a `return`, and
    /// in 3.10 and 3.11 under a condition that is never true, such as `if 0:` or `if not __debug__:`.
    ///
    /// ## Severity
    /// Medium for CPython 3.12 and later, which remove every unused constant but the first; info for the others, and for a first
    /// constant.
    ///
    /// ## What to do
    /// Look at the function in the disassembly, and look for it in the source: it should stand where nothing is reached.
    ///
    /// ## References
    /// `remove_unused_consts` in CPython's Python/flowgraph.c.
    id: "PYC410",
    name: "hidden-code-constant",
    summary: "a code object that nothing makes a function of",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(version) = context.pyc.version else { return };
    let Some(opcodes) = Opcodes::of(version) else { return };
    if !context.is_whole || !context.pyc.body.is_code() || context.pyc.fit.is_some_and(|fit| fit.is_other_layout()) {
        return;
    }
    let is_strict = version.implementation == Implementation::CPython && version.series >= (3, 12);
    let unused = unused::codes(context.tree, opcodes);
    let is_odd = |unused: &Unused<'_>| is_strict && unused.place > 0;
    let Some(first) = unused.iter().find(|unused| is_odd(unused)).or(unused.first()) else { return };
    let (Unused { code, outer, .. }, count, is_odd) = (*first, unused.len(), is_odd(first));
    let name = code.qualname().or_else(|| code.name()).map(crate::pyc::Text::to_name).unwrap_or_default();
    let more = if count > 1 { format!("; the first of {count}") } else { String::new() };
    let outer = context.named(Some(outer));
    let finding = findings.add(format!("nothing in {outer} makes a function of the code object `{name}`{more}"));
    finding.at(code.offset());
    finding.line = code.firstlineno().and_then(|line| u32::try_from(line).ok());
    if !is_odd {
        finding.severity(Severity::Info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;
    use crate::pyc::versions::VERSIONS;

    fn case(python: &str, code: &[u8]) -> Case {
        let version = VERSIONS.iter().find(|version| version.python() == format!("CPython {python}")).unwrap();
        let inner = forge::pyc::Code::function(version, "f", &[]);
        let consts = vec![Value::None, Value::Code(Box::new(inner))];
        let pyc = Pyc::python(python).consts(consts).edit(|it| it.code = Value::Bytes(code.to_vec()));
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_a_function_that_nothing_makes() {
        let finding = case("3.12", &[0x97, 0, 0x79, 0]).flags(&RULE);
        assert_eq!(finding.message, "nothing in `m` makes a function of the code object `f`");
        assert_eq!((finding.severity, finding.line), (Severity::Medium, Some(1)));
    }

    #[test]
    fn older_compilers_leave_functions_behind() {
        assert_eq!(case("3.8", &[100, 0, 83, 0]).flags(&RULE).severity, Severity::Info);
        assert_eq!(case("2.7", &[100, 0, 0, 83]).flags(&RULE).severity, Severity::Info);
    }

    #[test]
    fn passes_a_function_that_is_made() {
        // LOAD_CONST 1, MAKE_FUNCTION, STORE_NAME or POP_TOP, then the return.
        case("3.12", &[0x97, 0, 100, 1, 132, 0, 1, 0, 0x79, 0]).passes(&RULE);
        case("3.8", &[100, 1, 100, 0, 132, 0, 1, 0, 100, 0, 83, 0]).passes(&RULE);
        case("2.7", &[100, 1, 0, 132, 0, 0, 1, 100, 0, 0, 83]).passes(&RULE);
        // Behind a prefix of zero.
        case("3.12", &[0x97, 0, 144, 0, 100, 1, 132, 0, 1, 0, 0x79, 0]).passes(&RULE);
    }
}
