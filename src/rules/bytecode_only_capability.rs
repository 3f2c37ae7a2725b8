//! PYC207.

use std::collections::BTreeSet;

use crate::name;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::verify::check::CodeCheck;

declare_rule! {
    /// ## What it reports
    /// A pyc whose code differs from its source (`PYC201`) and names what runs code or programs, speaks to the network or reaches into
    /// the interpreter's memory, where the source does not have the word at all: `exec`, `system`, `Popen`, `socket`, `urlopen`,
    /// `ctypes` and their kin.
    ///
    /// ## Why it matters
    /// It is what a payload needs, and it is only in the bytecode.
    ///
    /// ## Innocent causes
    /// The pyc is stale, and the source no longer does what it did. An import hook that instruments code.
    ///
    /// ## Severity
    /// That of `PYC201`: critical where the file would run, low where its header itself records another source.
    ///
    /// ## What to do
    /// Look at the words in `pycaudit dis`, and treat the file as malware until it is explained.
    ///
    /// ## References
    /// AVE-2026-00075.
    id: "PYC207",
    name: "bytecode-only-capability",
    summary: "the code names what its source does not: exec, processes, network",
    severity: Critical,
    check: Pyc(check),
}

/// Names by which a program is run, code is made of text, a machine is spoken to, or memory is reached.
const WORDS: &[&[u8]] = &[
    b"exec",
    b"eval",
    b"compile",
    b"marshal",
    b"subprocess",
    b"Popen",
    b"check_output",
    b"check_call",
    b"system",
    b"popen",
    b"execv",
    b"execve",
    b"execvp",
    b"spawnl",
    b"spawnv",
    b"posix_spawn",
    b"startfile",
    b"fork",
    b"pty",
    b"socket",
    b"urlopen",
    b"urlretrieve",
    b"urllib",
    b"requests",
    b"httpx",
    b"aiohttp",
    b"ftplib",
    b"smtplib",
    b"paramiko",
    b"ctypes",
    b"cffi",
    b"winreg",
    b"b64decode",
];

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if !matches!(context.code_check, CodeCheck::Differs { .. }) {
        return;
    }
    let mut hidden: BTreeSet<&[u8]> = BTreeSet::new();
    let mut offset = None;
    for (at, string) in context.tree.strings() {
        // `urllib.request` is the name of an import as it stands there.
        let first = string.split(|&byte| byte == b'.').next().unwrap_or_default();
        if WORDS.contains(&first) && !hidden.contains(first) && context.is_hidden(first) {
            hidden.insert(first);
            offset.get_or_insert(at);
        }
    }
    let Some(offset) = offset else { return };
    let shown: Vec<String> = hidden.iter().map(|word| format!("`{}`", name::shown(word))).collect();
    findings
        .add(format!("`{}` names {}, which its source does not have", context.module, shown.join(", ")))
        .compared("no such word", shown.join(", "))
        .at(offset)
        .severity(context.severity_of_other_code());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::rules::Severity;

    fn case(source: &str, names: &[&str]) -> Case {
        let pyc = Pyc::python("3.12").names(names).flags(1).hash([0; 8]).build();
        Case::tree().file("m.py", source, 1).file("__pycache__/m.cpython-312.pyc", pyc, 1)
    }

    #[test]
    fn flags_words_that_only_the_bytecode_has() {
        let finding = case("x = 1\n", &["os", "system", "urllib.request"]).flags(&RULE);
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!(finding.message, "`m` names `system`, `urllib`, which its source does not have");
    }

    #[test]
    fn passes_words_that_the_source_has() {
        case("import os; os.system('x')\n", &["os", "system"]).passes(&RULE);
        case("x = 1\n", &["os", "path"]).passes(&RULE);
    }

    #[test]
    fn passes_code_that_was_compiled_from_its_source() {
        case("# nothing\n", &["system"]).passes(&RULE);
    }
}
