//! PYC111.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A file with the name of a pyc that is empty or holds nothing but NUL bytes.
    ///
    /// ## Why it matters
    /// It holds no code: an interpreter compiles the source again, or fails to import the module when there is none.
    ///
    /// ## Innocent causes
    /// A power loss or a crash shortly after it was written: the file system had its size, not its contents. An empty file may
    /// also be a placeholder.
    ///
    /// ## What to do
    /// Delete it. When there are several, look for other files damaged at the same time.
    id: "PYC111",
    name: "empty-or-zeroed",
    summary: "empty, or nothing but NUL bytes",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let bytes = context.bytes;
    if !context.is_whole || bytes.iter().any(|&byte| byte != 0) {
        return;
    }
    let (message, observed) = match bytes.len() {
        0 => (format!("`{}` is empty", context.module), String::from("0 bytes")),
        length => (format!("`{}` holds nothing but NUL bytes", context.module), format!("{length} NUL bytes")),
    };
    findings.add(message).compared("a header and a code object", observed).at(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::limits::Limits;

    #[test]
    fn flags_empty_and_zeroed_files() {
        Case::tree().file("m.pyc", [], 1).flags(&RULE);
        for length in [1, 3, 4, 4096] {
            let finding = Case::tree().file("m.pyc", vec![0; length], 1).flags(&RULE);
            assert_eq!(finding.message, "`m` holds nothing but NUL bytes");
        }
    }

    #[test]
    fn passes_a_zeroed_body_behind_a_header_and_what_was_not_read() {
        Case::tree().file("m.pyc", Pyc::python("3.12").body([0; 40]).build(), 1).passes(&RULE);
        let limits = Limits { member_size: 10, ..Limits::default() };
        Case::tree().file("m.pyc", Pyc::python("3.12").build(), 1).limits(limits).passes(&RULE);
    }
}
