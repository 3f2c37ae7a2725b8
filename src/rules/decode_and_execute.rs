//! PYC517.

use crate::content::Chain;
use crate::content::Seen;
use crate::content::Sighting;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A call of `exec`, `eval` or `FunctionType` whose code is decoded, decompressed, decrypted or unmarshalled for it, put
    /// together from numbers by `chr`, or fetched from another machine. The path of the call is shown as the instructions of one
    /// code object make it; what passes from function to function is not followed. Python 2's `exec` statement counts.
    ///
    /// ## Why it matters
    /// What is run is in no source and no disassembly. That is what packed malware and most obfuscators look like.
    ///
    /// ## Innocent causes
    /// Loaders of bytecode unmarshal and run it: freezers, caches, test tools. Installers of old fetched a script and ran it.
    ///
    /// ## Severity
    /// Low for the call alone. Medium when what is run is a constant of the same code object of 64 bytes or more, or is fetched.
    /// High when, besides, an import of the module runs it, the module would run, and nobody sees it in a source: there is none,
    /// or it does not have the word. Low in tests, examples and documentation, and in bytecode that is stale or never looked at.
    ///
    /// ## What to do
    /// Decode the constant in a safe place, without running it, and look at what comes out.
    id: "PYC517",
    name: "decode-and-execute",
    summary: "what is decoded is run as code",
    severity: Low,
    check: Pyc(check),
}

/// Findings of one file; the rest says no more.
const MOST: usize = 10;

/// The length from which a constant is code of its own rather than a name.
const CODE: usize = 64;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let sightings = context.content.sightings().iter().filter(|sighting| sighting.seen == Seen::Execute);
    for sighting in sightings.take(MOST) {
        let Some(chain) = &sighting.chain else { continue };
        let code = context.tree.codes().nth(sighting.code);
        let when = if sighting.at_import { " when it is imported" } else { "" };
        let what = if chain.is_fetched { "fetches" } else { "decodes" };
        let finding = findings.add(format!("{} runs what it {what}{when}", context.named(code)));
        let data = chain.constant.map(|length| match chain.packed {
            Some(packed) => format!(", of a constant of {length} bytes: {}", packed.name()),
            None => format!(", of a constant of {length} bytes"),
        });
        finding.severity(severity(context, sighting, chain)).at(sighting.offset);
        finding.compared("", format!("`{}`{}", sighting.path, data.unwrap_or_default()));
        finding.line = sighting.line;
    }
}

fn severity(context: &PycContext<'_>, sighting: &Sighting, chain: &Chain) -> Severity {
    let is_fed = chain.is_fetched || chain.constant.is_some_and(|length| length >= CODE);
    if !is_fed || context.is_for_show() || context.is_passed_over() {
        return Severity::Low;
    }
    let word = sighting.path.split(['(', '.']).next().unwrap_or_default();
    if sighting.at_import && context.load.verdict.is_live() && context.is_hidden(word.as_bytes()) {
        Severity::High
    } else {
        Severity::Medium
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    /// `exec(base64.b64decode(<constant>))` by 3.8.
    fn old(constant: usize) -> Pyc {
        let code = [101, 0, 101, 1, 160, 2, 100, 0, 161, 1, 131, 1, 1, 0, 100, 1, 83, 0];
        let consts = vec![Value::Bytes(vec![b'a'; constant]), Value::None];
        let pyc = Pyc::python("3.8").source_mtime(100).names(&["exec", "base64", "b64decode"]).consts(consts);
        pyc.edit(|it| it.code = Value::Bytes(code.to_vec()))
    }

    /// The same by 3.12.
    fn new(constant: usize) -> Pyc {
        let load = [&[151, 0, 2, 0, 101, 0, 2, 0, 101, 1, 106, 4][..], &[0; 18]].concat();
        let call = [171, 1, 0, 0, 0, 0, 0, 0];
        let code = [&load[..], &[100, 0], &call, &call, &[1, 0, 121, 1]].concat();
        let consts = vec![Value::Bytes(vec![b'a'; constant]), Value::None];
        let pyc = Pyc::python("3.12").source_mtime(100).names(&["exec", "base64", "b64decode"]).consts(consts);
        pyc.edit(|it| it.code = Value::Bytes(code))
    }

    fn beside(pyc: &Pyc, source: &str) -> Case {
        let size = u32::try_from(source.len()).unwrap();
        let bytes = pyc.clone().source_size(size).build();
        Case::tree().file("p/m.py", source, 100).file("p/__pycache__/m.cpython-38.pyc", bytes, 101)
    }

    #[test]
    fn flags_what_is_decoded_and_run() {
        assert_eq!(Case::tree().file("m.pyc", old(10).build(), 1).flags(&RULE).line, Some(1));
        for pyc in [old(10), new(10)] {
            let finding = Case::tree().file("m.pyc", pyc.build(), 1).flags(&RULE);
            assert_eq!(finding.message, "`m` runs what it decodes when it is imported");
            assert_eq!(finding.observed, "`exec(base64.b64decode(...))`, of a constant of 10 bytes");
            assert_eq!(finding.severity, Severity::Low);
        }
    }

    #[test]
    fn a_constant_that_is_code_and_that_no_source_shows_is_high() {
        assert_eq!(Case::tree().file("m.pyc", old(100).build(), 1).flags(&RULE).severity, Severity::High);
        assert_eq!(beside(&old(100), "x = 1\n").flags(&RULE).severity, Severity::High);
        assert_eq!(beside(&old(100), "exec(1)\n").flags(&RULE).severity, Severity::Medium);
        // Stale, and in tests.
        assert_eq!(beside(&old(100).source_mtime(7), "x = 1\n").flags(&RULE).severity, Severity::Low);
        assert_eq!(Case::tree().file("tests/m.pyc", old(100).build(), 1).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_code_that_is_not_decoded() {
        // exec(base64.b64encode(...)), and a decoded value that is not run.
        let encode = old(100).names(&["exec", "base64", "b64encode"]);
        Case::tree().file("m.pyc", encode.build(), 1).passes(&RULE);
        let other = old(100).names(&["print", "base64", "b64decode"]);
        Case::tree().file("m.pyc", other.build(), 1).passes(&RULE);
    }
}
