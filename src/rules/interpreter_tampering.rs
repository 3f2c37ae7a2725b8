//! PYC520.

use std::collections::BTreeSet;

use crate::content::Seen;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Calls that change the interpreter or reach into it: `sys.settrace` and `sys.setprofile`, `types.CodeType`, `ctypes.pythonapi`,
    /// `ctypes.memmove`, `gc.get_objects` and `gc.get_referents`, `sys.addaudithook`; setting `__code__` of a function or an attribute
    /// of `builtins`. One finding for a file, which lists them. Nothing is reported of tests, examples and documentation, nor of what
    /// the source beside the bytecode has too, under the same names.
    ///
    /// ## Why it matters
    /// Code that is made at run time is in no source and no disassembly, a changed builtin acts in every other module, and a
    /// trace function sees all that runs, or keeps a debugger from it.
    ///
    /// ## Innocent causes
    /// Debuggers, profilers, coverage and test tools, compatibility layers and serialisers of functions do all of this.
    ///
    /// ## Severity
    /// Info. Low when the module has no source and makes code (`CodeType`, `__code__`, `pythonapi`, `memmove`). Medium when there is
    /// a source that does not have it, and the bytecode would run.
    ///
    /// ## What to do
    /// See whether the module is a tool of one of these kinds.
    id: "PYC520",
    name: "interpreter-tampering",
    summary: "calls that change the interpreter or reach into it",
    severity: Info,
    check: Pyc(check),
}

/// Paths that are listed.
const LISTED: usize = 8;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let sightings = context.content.sightings().iter().filter(|sighting| sighting.seen == Seen::Tamper);
    let sightings = sightings.filter(|sighting| !context.is_for_show() && context.is_hidden(word(&sighting.path)));
    let mut first = None;
    let mut paths = BTreeSet::new();
    for sighting in sightings {
        first.get_or_insert(sighting);
        paths.insert(sighting.path.as_str());
    }
    let Some(first) = first else { return };
    let code = context.tree.codes().nth(first.code);
    let listed: Vec<String> = paths.iter().take(LISTED).map(|path| format!("`{path}`")).collect();
    let finding = findings.add(format!("{} changes the interpreter or reaches into it", context.named(code)));
    finding.at(first.offset).compared("", listed.join(", "));
    finding.line = first.line;
    let makes_code = paths.iter().any(|path| {
        ["CodeType", "__code__", "func_code", "pythonapi", "memmove", "new.code"].iter().any(|part| path.contains(part))
    });
    if !context.load.verdict.is_live() {
        return;
    }
    if context.source.file().is_some() {
        finding.severity(Severity::Medium);
    } else if makes_code {
        finding.severity(Severity::Low);
    }
}

/// What a source has to say for a call or for an attribute that is set: its last name.
fn word(path: &str) -> &[u8] {
    let name = path.split_once(" = ").map_or(path, |(name, _)| name).trim_end_matches("()");
    name.rsplit('.').next().unwrap_or(name).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    /// `<first>.<second>(None)` by 3.8.
    fn call(names: [&str; 2]) -> Vec<u8> {
        let code = [101, 0, 160, 1, 100, 0, 161, 1, 1, 0, 100, 0, 83, 0];
        Pyc::python("3.8").names(&names).edit(|it| it.code = Value::Bytes(code.to_vec())).build()
    }

    /// `<first>.<second> = None` by 3.8.
    fn set(names: [&str; 2]) -> Vec<u8> {
        let code = [100, 0, 101, 0, 95, 1, 100, 0, 83, 0];
        Pyc::python("3.8").names(&names).edit(|it| it.code = Value::Bytes(code.to_vec())).build()
    }

    #[test]
    fn flags_calls_that_reach_into_the_interpreter() {
        let finding = Case::tree().file("m.pyc", call(["sys", "settrace"]), 1).flags(&RULE);
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::Info, "`sys.settrace()`"));
        let finding = Case::tree().file("m.pyc", call(["types", "CodeType"]), 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
    }

    #[test]
    fn flags_builtins_and_code_that_are_set() {
        let finding = Case::tree().file("m.pyc", set(["builtins", "open"]), 1).flags(&RULE);
        assert_eq!(finding.observed, "`builtins.open = ...`");
        Case::tree().file("m.pyc", set(["f", "__code__"]), 1).flags(&RULE);
    }

    #[test]
    fn what_the_source_says_too_is_passed_and_what_it_does_not_say_is_medium() {
        let tree = |source: &str, names| {
            let size = u32::try_from(source.len()).unwrap();
            let pyc = Pyc::python("3.8").source_mtime(100).source_size(size).names(names);
            let code = [101, 0, 160, 1, 100, 0, 161, 1, 1, 0, 100, 0, 83, 0];
            let pyc = pyc.edit(|it| it.code = Value::Bytes(code.to_vec())).build();
            Case::tree().file("p/m.py", source, 100).file("p/__pycache__/m.cpython-38.pyc", pyc, 101)
        };
        tree("import sys\nsys.settrace(None)\n", &["sys", "settrace"]).passes(&RULE);
        assert_eq!(tree("import sys\n", &["sys", "settrace"]).flags(&RULE).severity, Severity::Medium);
    }

    #[test]
    fn passes_tests() {
        Case::tree().file("tests/m.pyc", call(["sys", "settrace"]), 1).passes(&RULE);
    }

    #[test]
    fn passes_what_is_only_read_or_set_elsewhere() {
        Case::tree().file("m.pyc", call(["sys", "gettrace"]), 1).passes(&RULE);
        Case::tree().file("m.pyc", call(["self", "settrace"]), 1).passes(&RULE);
        Case::tree().file("m.pyc", set(["self", "open"]), 1).passes(&RULE);
    }
}
