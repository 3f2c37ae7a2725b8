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
