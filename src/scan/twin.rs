//! What follows from the bytes of a pyc alone, kept for the next ones of its module: without asserts and docstrings all optimisation
//! levels have the same bytes.

use std::collections::VecDeque;

use crate::artifact::Sha256Digest;
use crate::content::Glance;
use crate::pyc::CodeDigest;
use crate::pyc::Digester;
use crate::pyc::Pyc;
use crate::pyc::Tree;
use crate::pyc::walk::Places;
use crate::scan::Fingerprints;
use crate::scan::examine::Worker;

/// How many pycs are kept: there are two more levels.
const KEPT: usize = 2;

/// Larger ones are not kept: there are few, and every thread keeps its own.
const LARGEST: usize = 1 << 17;

/// What follows from the bytes of a pyc, as far as it was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The digest of the file.
    pub(crate) sha256: Option<Sha256Digest>,
    /// The digest of the marshalled code.
    pub(crate) payload_sha256: Option<Sha256Digest>,
    /// The code digest.
    pub(crate) code_digest: Option<CodeDigest>,
    /// What a quick look at the code saw.
    pub(crate) glance: Glance,
    /// Where the code is odd.
    pub(crate) places: Option<Vec<Places>>,
}

/// The last pycs of a module that were read whole.
#[derive(Debug, Default)]
pub(crate) struct Twins(VecDeque<(Vec<u8>, Known)>);

impl Twins {
    /// What is known of a file with these very bytes.
    pub(crate) fn of(&self, bytes: &[u8]) -> Option<&Known> {
        self.0.iter().find(|(others, _)| others == bytes).map(|(_, known)| known)
    }

    /// Keeps a file.
    pub(crate) fn keep(&mut self, bytes: &[u8], known: Known) {
        if bytes.len() > LARGEST || self.of(bytes).is_some() {
            return;
        }
        let oldest = if self.0.len() < KEPT { None } else { self.0.pop_front() };
        let mut memory = oldest.map(|(bytes, _)| bytes).unwrap_or_default();
        memory.clear();
        memory.extend_from_slice(bytes);
        self.0.push_back((memory, known));
    }
}

impl Worker<'_> {
    /// What follows from the bytes of a pyc: what is known of one of the last ones with the same, else the digests that are asked for.
    pub(crate) fn known(
        &self,
        bytes: &[u8],
        is_whole: bool,
        tree: &Tree<'_>,
        twins: &Twins,
        digester: &mut Digester,
    ) -> Known {
        if is_whole && let Some(known) = twins.of(bytes) {
            return known.clone();
        }
        let wanted = if is_whole { self.config.fingerprints } else { Fingerprints::Files };
        let is_digested = wanted >= Fingerprints::Code || is_whole && self.config.known.has_codes();
        let code_digest = if is_digested { digester.module(tree) } else { None };
        let payload = payload(bytes, &tree.pyc).filter(|_| wanted == Fingerprints::All);
        let both = payload.map(|payload| Sha256Digest::of_both(bytes, payload));
        let sha256 = is_whole.then(|| both.map_or_else(|| Sha256Digest::of(bytes), |(whole, _)| whole));
        let payload_sha256 = both.map(|(_, payload)| payload);
        Known { sha256, payload_sha256, code_digest, ..Known::default() }
    }
}

/// The marshalled code, without header and without what follows it.
fn payload<'a>(bytes: &'a [u8], pyc: &Pyc) -> Option<&'a [u8]> {
    let start = usize::try_from(pyc.body_offset?).ok()?;
    let whole = pyc.body.root().filter(|root| root.whole);
    let end = whole.and_then(|root| usize::try_from(root.end).ok()).unwrap_or(bytes.len());
    bytes.get(start..end).filter(|payload| !payload.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::entry::Entry;
    use crate::entry::PycEntry;
    use crate::forge::Case;
    use crate::rules::RULES;

    /// What the pycs of a folder come to.
    fn judged(files: &[(&str, &[u8])]) -> Vec<(String, String)> {
        let case = files.iter().fold(Case::tree(), |case, (name, bytes)| case.file(name, *bytes, 1));
        let pyc = |entry: &Entry| match entry {
            Entry::Pyc(pyc) => Some(told(pyc)),
            Entry::Artifact(_) => None,
        };
        case.entries(RULES).iter().filter_map(pyc).collect()
    }

    fn told(pyc: &PycEntry) -> (String, String) {
        let findings = pyc.findings.iter().map(|finding| format!("{} {}", finding.rule.id, finding.message));
        let findings: Vec<_> = findings.collect();
        (
            pyc.locator.to_string(),
            format!("{:?} {:?} {:?} {findings:?}", pyc.sha256, pyc.payload_sha256, pyc.code_digest),
        )
    }

    #[test]
    fn a_pyc_behind_others_of_its_module_is_judged_as_if_it_were_alone() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code/cpython-3.12/classic.pyc");
        let whole = fs::read(file).unwrap();
        let name = |level: &str| format!("__pycache__/m.cpython-312{level}.pyc");
        let [one, two, three] = [".opt-1", ".opt-2", ""].map(name);
        let mut findings = 0;
        for place in (16..whole.len()).step_by(23) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x40;
            let alone: Vec<_> = [&one, &two, &three].into_iter().flat_map(|name| judged(&[(name, &bytes)])).collect();
            assert_eq!(judged(&[(&one, &bytes), (&two, &bytes), (&three, &bytes)]), alone, "byte {place}");
            // With another in between, and behind one that differs in a byte.
            let [first, _, third] = [&one, &two, &three].map(|name| judged(&[(name, &bytes)]));
            let other = judged(&[(&two, &whole)]);
            let apart = judged(&[(&one, &bytes), (&two, &whole), (&three, &bytes)]);
            assert_eq!(apart, [first, other, third].concat(), "byte {place}");
            findings += alone.iter().filter(|(_, told)| told.contains("PYC5")).count();
        }
        assert!(findings > 30, "{findings}");
    }

    #[test]
    fn of_many_the_last_two_are_kept() {
        let mut twins = Twins::default();
        for byte in 0..4 {
            twins.keep(&[byte; 9], Known { sha256: Some(Sha256Digest::of(&[byte])), ..Known::default() });
        }
        let known = |byte| twins.of(&[byte; 9]).map(|known| known.sha256);
        let digest = |byte| Some(Some(Sha256Digest::of(&[byte])));
        assert_eq!([0, 1, 2, 3].map(known), [None, None, digest(2), digest(3)]);
        assert!(twins.of(&[2; 8]).is_none());
        let large = vec![4; LARGEST + 1];
        twins.keep(&large, Known::default());
        assert!(twins.of(&large).is_none() && twins.of(&[2; 9]).is_some());
    }
}
