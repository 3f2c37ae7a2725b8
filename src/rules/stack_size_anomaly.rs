//! PYC509.

use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// A code object that asks for a stack larger than its instructions could ever fill: more than 65,536 values and one for each byte
    /// of its code. A stack that is too small is not looked for: that needs the flow of control. One finding for a file.
    ///
    /// ## Why it matters
    /// The interpreter reserves the stack whenever the code runs. Compilers compute it from the instructions; a number of this size
    /// exhausts memory or overflows what an interpreter adds to it.
    ///
    /// ## Innocent causes
    /// A damaged field.
    ///
    /// ## What to do
    /// Compile the source again.
    ///
    /// ## References
    /// `calculate_stackdepth` in CPython's `Python/flowgraph.c`; `_PyCode_Validate`.
    id: "PYC509",
    name: "stack-size-anomaly",
    summary: "more stack than the instructions can fill",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(odd) = Odd::in_fields(context, &[OddityKind::ImplausibleStackSize]) else { return };
    let finding = odd.report(findings, "asks for more stack than its instructions can fill");
    let Some(code) = odd.code() else { return };
    let observed = format!("{} values for {} bytes of code", code.stacksize(), code.code().len());
    finding.compared("", observed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(stacksize: i32) -> Case {
        Case::tree().file("m.pyc", Pyc::python("3.8").edit(|it| it.stacksize = stacksize).build(), 1)
    }

    #[test]
    fn flags_a_stack_that_nothing_fills() {
        let finding = case(i32::MAX).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` asks for more stack than its instructions can fill");
        assert_eq!(finding.observed, "2147483647 values for 4 bytes of code");
    }

    #[test]
    fn passes_a_stack_that_large_literals_need() {
        case(1).passes(&RULE);
        case(60_000).passes(&RULE);
        let mut long = [9, 0].repeat(100_000);
        long.extend([100, 0, 83, 0]);
        let pyc = Pyc::python("3.8").edit(|it| (it.stacksize, it.code) = (200_000, Value::Bytes(long)));
        Case::tree().file("m.pyc", pyc.build(), 1).passes(&RULE);
    }
}
