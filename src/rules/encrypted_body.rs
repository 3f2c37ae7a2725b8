//! PYC116.

use crate::problem::ProblemKind;
use crate::pyc::Body;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc with the magic number and header of a known Python whose body is no marshalled code but looks like noise: its
    /// bytes are spread as evenly as those of encrypted or compressed data.
    ///
    /// ## Why it matters
    /// A plain interpreter fails on it; something else decodes it and runs the result. What that code does cannot be seen in
    /// this file.
    ///
    /// ## Innocent causes
    /// Commercial protectors, and applications that ship an interpreter of their own.
    ///
    /// ## What to do
    /// Ask the vendor, or find the loader: it holds the key.
    id: "PYC116",
    name: "encrypted-body",
    summary: "the body looks encrypted or compressed",
    severity: High,
    check: Pyc(check),
}

/// Bodies shorter than this are too short to tell noise from code.
const SHORTEST: u64 = 512;

/// How many bits of information a body of `n` bytes may lack of 8, in parts of `n`: random bytes lack about 184 (that is
/// 255 / (2 ln 2)) divided by `n`, since not every value has occurred equally often yet. Code lacks two bits and more.
const SLACK: f64 = 400.0;

/// Whether a body is noise behind a header that is known.
pub(super) fn is_encrypted(context: &PycContext<'_>) -> bool {
    let pyc = context.pyc;
    let (Some(entropy), Body::Damaged(None)) = (pyc.entropy, &pyc.body) else { return false };
    if !context.is_whole || context.problems.iter().any(|problem| problem.kind == ProblemKind::RootNotCode) {
        return false;
    }
    let length = (context.bytes.len() as u64).saturating_sub(pyc.body_offset.unwrap_or_default());
    let length = u32::try_from(length.max(1)).unwrap_or(u32::MAX);
    u64::from(length) >= SHORTEST && entropy >= 8.0 - SLACK / f64::from(length)
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let (Some(version), Some(entropy)) = (context.pyc.version, context.pyc.entropy) else { return };
    if !is_encrypted(context) {
        return;
    }
    let message = format!("`{}` has a header of {} and a body that looks encrypted", context.module, version.python());
    let observed = format!("{entropy:.2} bits of information in a byte");
    findings
        .add(message)
        .compared("a marshalled code object", observed)
        .at(context.pyc.body_offset.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    /// Bytes without a pattern: xorshift32.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_u32;
        let next = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 24) as u8
        };
        // No code object begins so.
        std::iter::once(0xff).chain(std::iter::repeat_with(next)).take(length).collect()
    }

    fn case(body: Vec<u8>) -> Case {
        Case::tree().file("m.pyc", Pyc::python("3.12").body(body).build(), 1)
    }

    #[test]
    fn flags_noise_behind_a_header() {
        for length in [512, 600, 5_000, 100_000] {
            let finding = case(noise(length)).flags(&RULE);
            assert_eq!(finding.message, "`m` has a header of CPython 3.12 and a body that looks encrypted");
            assert_eq!(finding.offset, Some(16));
        }
    }

    #[test]
    fn passes_damaged_code_and_text() {
        let mut damaged = Pyc::python("3.12").consts(vec![Value::Str("some text ".repeat(200))]).build_body();
        damaged[0] = 0xff;
        case(damaged).passes(&RULE);
        case(vec![0xff; 2_000]).passes(&RULE);
        case(noise(100)).passes(&RULE);
    }

    #[test]
    fn passes_noise_in_a_constant() {
        let pyc = Pyc::python("3.12").consts(vec![Value::Bytes(noise(100_000))]);
        Case::tree().file("m.pyc", pyc.build(), 1).passes(&RULE);
        Case::tree().file("m.pyc", pyc.cut(90_000).build(), 1).passes(&RULE);
    }
}
