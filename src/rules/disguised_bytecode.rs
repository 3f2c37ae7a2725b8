//! PYC113.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A file that is whole Python bytecode (a magic number, a header, a code object) under a name that does not end in `.pyc`
    /// or `.pyo`.
    ///
    /// ## Why it matters
    /// `python FILE` runs it whatever its name is: the launcher looks at the first bytes. So does a loader that is given the
    /// path. Tools that go by names pass it over.
    ///
    /// ## Innocent causes
    /// Caches and test fixtures of other tools. A name such as `m.cpython-312.pyc.140230` is what an interrupted import leaves,
    /// `m.pyc.bak` a copy.
    ///
    /// ## Severity
    /// High; low where the name has `.pyc` or `.pyo` in it, since then it hides nothing.
    ///
    /// ## What to do
    /// Find out what reads it. `pycaudit inspect` and `pycaudit dis` show what it does.
    ///
    /// ## References
    /// `pymain_run_file` and `maybe_pyc_file` in CPython's Python/pythonrun.c.
    id: "PYC113",
    name: "disguised-bytecode",
    summary: "bytecode under a name that does not say so",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let extension = context.place.extension.as_bytes();
    let pyc = context.pyc;
    if extension.eq_ignore_ascii_case(b"pyc") || extension.eq_ignore_ascii_case(b"pyo") || !pyc.body.is_code() {
        return;
    }
    let Some(member) = context.container.member(context.member) else { return };
    let file = member.file();
    let python = pyc.version.map_or("Python", |version| version.name);
    let mut message = format!("`{}` is bytecode of {python}", member.name());
    let says_so = file.windows(4).any(|part| part.eq_ignore_ascii_case(b".pyc") || part.eq_ignore_ascii_case(b".pyo"));
    if !says_so {
        message.push_str(", and its name does not say so");
    }
    let observed = pyc.version.map(crate::pyc::Version::python).unwrap_or_default();
    let finding = findings.add(message);
    finding.compared("", observed).at(0);
    if says_so {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn case(name: &str) -> Case {
        Case::tree().file(name, Pyc::python("3.12").build(), 1)
    }

    #[test]
    fn flags_bytecode_under_other_names() {
        for name in ["logo.png", "data", "m.py", "pkg/m.pycx/q.dat"] {
            assert_eq!(case(name).flags(&RULE).severity, Severity::High, "{name}");
        }
        let zip = Zip::new().file("data/logo.png", Pyc::python("2.7").build());
        assert_eq!(
            Case::zip(zip).flags(&RULE).message,
            "`data/logo.png` is bytecode of CPython, and its name does not say so"
        );
    }

    #[test]
    fn says_less_of_what_an_interrupted_import_leaves() {
        assert_eq!(case("__pycache__/m.cpython-312.pyc.140230").flags(&RULE).severity, Severity::Low);
        assert_eq!(case("m.pyc.bak").flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_bytecode_by_its_name_and_other_data() {
        for name in ["m.pyc", "m.pyo", "M.PYC", "__pycache__/m.cpython-312.pyc"] {
            case(name).passes(&RULE);
        }
        Case::tree().file("logo.png", "\u{89}PNG", 1).passes(&RULE);
        // A magic number alone is four bytes that anything can begin with.
        Case::tree().file("data", Pyc::python("3.12").body([0xe3, 0, 0, 0, 0]).build(), 1).passes(&RULE);
    }
}
