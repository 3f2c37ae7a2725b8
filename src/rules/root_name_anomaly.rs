//! PYC217.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code object is not called `<module>`, or `?` before Python 2.5, as that of every compiled module is.
    ///
    /// ## Why it matters
    /// It is the code of a function or class, or was made by hand. An import runs it all the same.
    ///
    /// ## Innocent causes
    /// Tools that write a single function to a file, obfuscators that rename everything.
    ///
    /// ## What to do
    /// Find out which tool made it. No compiler of modules does.
    ///
    /// ## References
    /// `compiler_enter_scope` in CPython's Python/compile.c.
    id: "PYC217",
    name: "root-name-anomaly",
    summary: "the code object of the file is not that of a module",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let body = &context.pyc.body;
    let Some(root) = body.root().filter(|_| body.is_code()) else { return };
    let expected: &[u8] = match context.pyc.version {
        Some(version) if version.series < (2, 5) => b"?",
        _ => b"<module>",
    };
    // 2.5 alphas and files whose magic does not tell the series have the one or the other.
    if root.name.as_bytes() != expected && !matches!(root.name.as_bytes(), b"?" | b"<module>") {
        let message = format!("The code of `{}` is called `{}`, which is no module", context.module, root.name);
        findings.add(message).compared("`<module>`", format!("`{}`", root.name)).at(root.offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    #[test]
    fn flags_the_code_of_a_function() {
        let finding = Case::tree().file("m.pyc", Pyc::python("3.12").name("run").build(), 1).flags(&RULE);
        assert_eq!(finding.message, "The code of `m` is called `run`, which is no module");
        assert_eq!(finding.offset, Some(16));
    }

    #[test]
    fn passes_modules_of_all_times() {
        Case::tree().file("m.pyc", Pyc::python("3.12").build(), 1).passes(&RULE);
        Case::tree().file("m.pyc", Pyc::python("2.7").build(), 1).passes(&RULE);
        Case::tree().file("m.pyc", Pyc::python("2.3").name("?").build(), 1).passes(&RULE);
    }

    #[test]
    fn passes_what_was_not_read_to_its_end() {
        let whole = Pyc::python("3.12").name("run").build();
        Case::tree().file("m.pyc", Pyc::python("3.12").name("run").cut(whole.len() - 4).build(), 1).passes(&RULE);
    }
}
