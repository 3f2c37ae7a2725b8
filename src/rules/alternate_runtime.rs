//! PYC103.

use crate::pyc::versions::Implementation;
use crate::pyc::versions::Stage;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc that another interpreter than CPython wrote (PyPy, GraalPy, RustPython, Pyston, Cinder, Dropbox's and others),
    /// told by its magic number and, where two interpreters share a number, by its body. So is the number that CPython 1.6 to
    /// 2.7 wrote under `-U`.
    ///
    /// ## Why it matters
    /// CPython does not run it, and tools made for CPython's bytecode read it wrongly or not at all. Of some of these
    /// interpreters pycaudit reads the header only.
    ///
    /// ## Innocent causes
    /// The module was run under that interpreter.
    ///
    /// ## What to do
    /// Nothing, where that interpreter is expected.
    id: "PYC103",
    name: "alternate-runtime",
    summary: "written by another interpreter than CPython",
    severity: Info,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(version) = context.pyc.version else { return };
    let own_kind = version.implementation == Implementation::CPython;
    if own_kind && !matches!(version.stage, Stage::Variant | Stage::Unconfirmed) {
        return;
    }
    let mut message = format!("`{}` was written by {}", context.module, version.python());
    if version.stage == Stage::Variant {
        message.push_str(", which plain Python does not run");
    } else if !version.is_read() {
        message.push_str(", whose code pycaudit does not read");
    }
    findings.add(message).compared("the magic number of CPython", version.magic.number().to_string()).at(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::pyc::Magic;

    fn case(bytes: Vec<u8>) -> Case {
        Case::tree().file("m.pyc", bytes, 1)
    }

    #[test]
    fn flags_pypy() {
        assert_eq!(case(Pyc::python("PyPy 3.9").build()).flags(&RULE).message, "`m` was written by PyPy 3.9");
    }

    #[test]
    fn flags_a_dialect_that_is_not_read() {
        let graalpy = Pyc::python("3.12").magic(Magic::with_number(21290)).build();
        let message = case(graalpy).flags(&RULE).message;
        assert_eq!(message, "`m` was written by GraalPy 3.11-3.12, whose code pycaudit does not read");
    }

    #[test]
    fn flags_rustpython_under_the_number_of_cpython() {
        let pyc = Pyc::python("3.12").body(*b"c\x01\x02\x03\x04\x05\x06\x07").build();
        let message = case(pyc).flags(&RULE).message;
        assert!(message.starts_with("`m` was written by RustPython"), "{message}");
    }

    #[test]
    fn flags_the_number_of_a_start_with_unicode_strings() {
        let message = case(Pyc::python("CPython 2.7 -U").build()).flags(&RULE).message;
        assert_eq!(message, "`m` was written by CPython 2.7 -U, which plain Python does not run");
    }

    #[test]
    fn passes_cpython() {
        for python in ["2.7", "3.8", "3.12", "CPython 3.14a1 (pre-release)"] {
            case(Pyc::python(python).build()).passes(&RULE);
        }
    }
}
