//! Whether bytecode was compiled from a source: told without running either.
//!
//! Both are run abstractly, side by side: the syntax tree by the rules of the language in its version, the instructions by the rules of the
//! interpreter of that version. Whatever can be observed ([`event`]) must be the same on every path, with the same operands.

pub mod check;
pub mod constant;
mod describe;
pub mod event;
pub mod exact;
mod expected;
pub mod fold;
mod found;
mod hook;
mod liveness;
pub mod names;
mod rows;
mod scope;
mod simulate;
pub mod source_text;

use crate::limits::Limits;
use crate::pyc::Tree;
use crate::pyc::Version;
use crate::pyc::versions::Implementation;
use crate::pyc::versions::Stage;

use check::CodeCheck;
use check::Compiled;
use check::Reason;
use constant::Constants;
use hook::Asked;
use hook::Forms;
use names::Names;
use scope::Release;
use source_text::SourceText;

/// What both sides number alike.
#[derive(Debug, Default)]
pub struct Pool {
    /// The names.
    pub names: Names,
    /// The constants.
    pub constants: Constants,
}

/// Whether the rules here are those of the interpreter that wrote a file: final releases of CPython. Alphas and betas have instructions
/// and orders that no release has.
fn is_compared(version: &Version) -> bool {
    version.implementation == Implementation::CPython
        && version.stage == Stage::Final
        && (version.series == (2, 7) || version.series >= (3, 6))
}

/// The import hook that a file claims to be written by.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    /// As the name of the file has it: `-pytest-8.3.3`, `opt-typeguard460`.
    pub name: &'a str,
    /// The last part of the module's name.
    pub module: &'a str,
}

/// The source that was parsed last, for the other pycs of its module.
#[derive(Default)]
pub struct Kept(Option<(Vec<u8>, SourceText)>);

/// Compares the bytecode of a file with a source, at the first of some optimisation levels that fits. If an import hook wrote the file
/// ([`Hook`]), then with what that makes of the source, in the first of some forms that fits.
pub fn verify(tree: &Tree<'_>, source: &[u8], levels: &[u8], hook: Option<Hook<'_>>, limits: &Limits) -> CodeCheck {
    verify_next(&mut Kept::default(), tree, source, levels, hook, limits)
}

/// As [`verify`], one file after the other: a source is parsed once for the files that come in a row.
pub fn verify_next(
    kept: &mut Kept,
    tree: &Tree<'_>,
    source: &[u8],
    levels: &[u8],
    hook: Option<Hook<'_>>,
    limits: &Limits,
) -> CodeCheck {
    let Some(version) = tree.pyc.version.filter(|version| is_compared(version)) else {
        return CodeCheck::Unverified(Reason::Version);
    };
    source_text::on_big_stack(|| {
        let same = kept.0.take().filter(|(bytes, text)| text.series() == version.series && bytes == source);
        let text = same.map_or_else(|| SourceText::read(source, version.series, limits), |(_, text)| Ok(text));
        let mut text = match text {
            Ok(text) => text,
            Err(reason) => return CodeCheck::Unverified(Reason::Source(reason)),
        };
        let mut work = limits.code_work;
        let outcome = match hook {
            None => at_levels(tree, version, &text, levels, &mut work),
            Some(hook) => in_forms(tree, version, &mut text, levels, hook, &mut work),
        };
        if text.is_small() {
            kept.0 = Some((source.to_vec(), text));
        }
        outcome
    })
}

/// With what an import hook makes of the source.
fn in_forms(
    tree: &Tree<'_>,
    version: &Version,
    text: &mut SourceText,
    levels: &[u8],
    hook: Hook<'_>,
    work: &mut usize,
) -> CodeCheck {
    let Hook { name, module } = hook;
    let asked = Asked { hook: name, module, series: version.series, tree };
    let Forms { all, mut is_complete } = hook::forms(&asked);
    let mut nearest = None;
    for form in all {
        text.rewrite(&*form);
        is_complete &= !text.rewritten().is_some_and(|rewritten| rewritten.is_open);
        let outcome = match text.rewritten() {
            Some(rewritten) if rewritten.is_cut => CodeCheck::Unverified(Reason::Work),
            _ => at_levels(tree, version, text, levels, work),
        };
        // Where one could not be compared, it may be this one that was meant.
        let rank = match &outcome {
            CodeCheck::Verified { .. } => 0,
            CodeCheck::Unverified(_) => 1,
            CodeCheck::Differs { differences, .. } => differences.len().saturating_add(2),
        };
        if nearest.as_ref().is_none_or(|(lowest, _)| rank < *lowest) {
            nearest = Some((rank, outcome));
        }
        if rank == 0 {
            break;
        }
    }
    text.forget_rewritten();
    match nearest {
        Some((_, outcome)) if is_complete || !matches!(outcome, CodeCheck::Differs { .. }) => outcome,
        _ => CodeCheck::Unverified(Reason::Instrumented(name.strip_prefix("opt-").unwrap_or(name).to_owned())),
    }
}

fn at_levels(tree: &Tree<'_>, version: &Version, text: &SourceText, levels: &[u8], work: &mut usize) -> CodeCheck {
    let mut first = None;
    for &level in levels {
        let mut check = |release| check::check(tree, version, text, Compiled { optimisation: level, release }, work);
        let (outcome, depends_on_release) = check(Release::Mended);
        if matches!(outcome, CodeCheck::Verified { .. }) {
            return outcome;
        }
        let mut outcome = outcome;
        if depends_on_release {
            match check(Release::First).0 {
                verified @ CodeCheck::Verified { .. } => return verified,
                unverified @ CodeCheck::Unverified(_) => outcome = unverified,
                CodeCheck::Differs { .. } => {}
            }
        }
        first.get_or_insert(outcome);
    }
    first.unwrap_or(CodeCheck::Unverified(Reason::Version))
}
