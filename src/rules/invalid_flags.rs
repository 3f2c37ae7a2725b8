//! PYC107.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc of Python 3.7 or later whose flags word (bytes 4 to 8) has other bits than the two that PEP 552 defines.
    ///
    /// ## Why it matters
    /// No interpreter writes such a word. An import refuses the file: with a source it is compiled again, without one the import
    /// fails. `python FILE` runs it all the same, since that looks at the magic number only.
    ///
    /// ## Innocent causes
    /// A damaged file; a tool that writes the header of Python 3.6 (where the time stood there) with a later magic number.
    ///
    /// ## What to do
    /// Delete the file and compile it again; find out what wrote it when there are several.
    ///
    /// ## References
    /// PEP 552; `_classify_pyc` in CPython's Lib/importlib/_bootstrap_external.py.
    id: "PYC107",
    name: "invalid-flags",
    summary: "undefined bits in the flags word",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some((header, _)) = context.header() else { return };
    let (undefined, Some(flags)) = (header.undefined_flags(), header.flags) else { return };
    if undefined != 0 {
        let message = format!("`{}` has the undefined bits {undefined:#x} in its flags word", context.module);
        findings.add(message).compared("0, 1 or 3", format!("{flags:#010x}")).at(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(pyc: &Pyc) -> Case {
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_undefined_bits_beside_defined_ones() {
        for flags in [4, 5, 0x8000_0000, u32::MAX] {
            case(&Pyc::python("3.12").flags(flags)).flags(&RULE);
        }
        let finding = case(&Pyc::python("3.7").flags(7)).flags(&RULE);
        assert_eq!(finding.observed, "0x00000007");
        assert_eq!(finding.offset, Some(4));
    }

    #[test]
    fn passes_defined_bits_and_headers_without_flags() {
        for flags in 0..4 {
            case(&Pyc::python("3.12").flags(flags)).passes(&RULE);
        }
        case(&Pyc::python("3.6").source_mtime(u32::MAX)).passes(&RULE);
        case(&Pyc::python("2.7").source_mtime(u32::MAX)).passes(&RULE);
    }

    #[test]
    fn passes_a_header_of_the_wrong_length() {
        let short = Pyc::python("3.6").source_mtime(0x5f5e_1000).build_header();
        let header: Vec<u8> = Pyc::python("3.8").build_header()[..4].iter().chain(&short[4..]).copied().collect();
        case(&Pyc::python("3.8").header(header)).passes(&RULE);
    }
}
