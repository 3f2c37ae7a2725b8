//! PYC515.

use crate::content::PackedConstant;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A constant, also as base64, that is by its first bytes a program (ELF, Windows), marshalled code or a pyc, a zip archive or
    /// compressed data (zlib, gzip, bzip2, xz, LZMA) of 96 bytes or more; or that has 4,096 bytes or more without any order, as what is
    /// encrypted has. One finding for a file: what can be run first, and how many there are.
    ///
    /// ## Why it matters
    /// What is packed is not seen by whoever reads or searches the code.
    ///
    /// ## Innocent causes
    /// Pictures, tables, fonts and test data are compressed to be kept in a module; so are programs that an installer brings.
    ///
    /// ## Severity
    /// Low; medium when it is a program or bytecode. Low at most in tests, examples and documentation, and in bytecode that is
    /// stale or never looked at. Whether it is run is PYC517's.
    ///
    /// ## What to do
    /// Unpack it in a safe place, and look at what comes out.
    id: "PYC515",
    name: "packed-constant",
    summary: "a constant that holds a program, code or packed data",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let constants = context.content.packed();
    let Some(worst) = constants.iter().max_by_key(|constant| (constant.packed, std::cmp::Reverse(constant.offset))) else {
        return;
    };
    let PackedConstant { packed, is_base64, offset, length, code } = *worst;
    let code = context.tree.codes().nth(code);
    let form = if is_base64 { ", as base64" } else { "" };
    let more = if constants.len() > 1 { format!("; the first of {}", constants.len()) } else { String::new() };
    let finding = findings.add(format!("{} has a constant that holds {}{more}", context.named(code), packed.name()));
    finding.at(offset).compared("", format!("{length} bytes{form}"));
    if packed.is_code() && !context.is_for_show() && !context.is_passed_over() {
        finding.severity(Severity::Medium);
    }
}
