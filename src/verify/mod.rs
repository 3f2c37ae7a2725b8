//! Whether bytecode was compiled from a source: told without running either.
//!
//! Both are run abstractly, side by side: the syntax tree by the rules of the language in its version, the instructions by the rules of the
//! interpreter of that version. Whatever can be observed ([`event`]) must be the same on every path, with the same operands.

pub mod check;
pub mod constant;
mod describe;
pub mod event;
mod expected;
pub mod fold;
mod found;
mod liveness;
pub mod names;
mod scope;
mod simulate;
pub mod source_text;

use constant::Constants;
use names::Names;

/// What both sides number alike.
#[derive(Debug, Default)]
pub struct Pool {
    /// The names.
    pub names: Names,
    /// The constants.
    pub constants: Constants,
}

/// Compares the bytecode of a file with a source, at the first of some optimisation levels that fits.
///
/// It recurses with the source's depth: it must run on a big stack.
pub fn verify(tree: &crate::pyc::Tree<'_>, source: &[u8], levels: &[u8]) -> check::CodeCheck {
    let Some(version) = tree.pyc.version else { return check::CodeCheck::Unverified(check::Reason::Version) };
    let Ok(text) = std::str::from_utf8(source) else {
        return check::CodeCheck::Unverified(check::Reason::Source("not UTF-8".to_owned()));
    };
    let parsed = match ruff_python_parser::parse_module(text) {
        Ok(parsed) => parsed,
        Err(error) => return check::CodeCheck::Unverified(check::Reason::Source(error.to_string())),
    };
    let mut lines = vec![ruff_text_size::TextSize::new(0)];
    for (place, _) in text.match_indices('\n') {
        lines.push(ruff_text_size::TextSize::new(u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1)));
    }
    let read = check::Read { tree: parsed.syntax(), text, lines: &lines };
    let mut first = None;
    for &level in levels {
        let outcome = check::check(tree, version, &read, level);
        if matches!(outcome, check::CodeCheck::Verified { .. }) {
            return outcome;
        }
        first.get_or_insert(outcome);
    }
    first.unwrap_or(check::CodeCheck::Unverified(check::Reason::Version))
}
