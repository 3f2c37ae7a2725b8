//! PYC510.

use crate::pyc::signature;
use crate::pyc::versions::Implementation;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity;

declare_rule! {
    /// ## What it reports
    /// Code objects with bits in `co_flags` that the version of the magic number has no name for. One finding for a file: the first
    /// such code object, and how many there are. CPython from 2.3 on is looked at; PyPy has bits of its own.
    ///
    /// ## Why it matters
    /// No compiler of that version sets them and its interpreter does not look at them. An interpreter or a loader
    /// of its own may use them to mark code, or the code was compiled by another version than the magic number says.
    ///
    /// ## Innocent causes
    /// Protected, licensed software. A private interpreter with flags of its own.
    ///
    /// ## What to do
    /// Find out what made the file. Compare with a compilation of the source.
    ///
    /// ## References
    /// `Include/code.h`, from 3.8 on `Include/cpython/code.h`, and `Lib/__future__.py` of each version.
    id: "PYC510",
    name: "flags-anomaly",
    summary: "code flags that the version does not have",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(version) = context.pyc.version else { return };
    let is_known = version.implementation == Implementation::CPython && version.is_final() && version.series >= (2, 3);
    if !is_known || !oddity::is_judged(context) {
        return;
    }
    let known = signature::known_flags(version.series);
    let mut odd = context.tree.codes().filter(|code| code.flags() & !known != 0);
    let Some(first) = odd.next() else { return };
    let count = odd.fold(1_u64, |count, _| count.saturating_add(1));
    let unknown = first.flags() & !known;
    let what = format!("has flags that {} does not have", version.python());
    oddity::report(context, findings, Some(first), &what, count)
        .compared(format!("bits of {known:#x}"), format!("{:#x}, of which {unknown:#x}", first.flags()))
        .at(first.offset());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(python: &str, flags: i32) -> Case {
        Case::tree().file("m.pyc", Pyc::python(python).edit(|it| it.flags |= flags).build(), 1)
    }

    #[test]
    fn flags_a_bit_without_a_name() {
        let finding = case("3.8", 0x4000_0000).flags(&RULE);
        assert_eq!(finding.message, "`<module>` in `m` has flags that CPython 3.8 does not have");
        assert_eq!(finding.observed, "0x40000040, of which 0x40000000");
        case("2.7", 0x400).flags(&RULE);
    }

    #[test]
    fn flags_a_future_of_another_version() {
        // `annotations` as 3.7 numbers it.
        case("3.7", 0x10_0000).passes(&RULE);
        case("3.8", 0x10_0000).flags(&RULE);
    }

    #[test]
    fn passes_the_bits_of_the_version() {
        case("2.7", 0x2000 | 0x8000 | 0x1_0000 | 0x2_0000).passes(&RULE);
        case("3.14", 0x100_0000 | 0x400_0000 | 0x800_0000).passes(&RULE);
        case("PyPy 3.9", 0x1000_0000).passes(&RULE);
    }
}
