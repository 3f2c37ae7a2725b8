//! Has the code of a pyc compared with its source, where there is something to be learnt from it.
//!
//! What the comparison is, is in [`crate::verify`]; here is when it is made, at which levels, and what is shown of it.

use std::panic;
use std::panic::AssertUnwindSafe;
use std::sync::PoisonError;

use crate::load::BodyState;
use crate::load::LoadVerdict;
use crate::place::Place;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc::Tree;
use crate::scan::Verify;
use crate::scan::examine::Worker;
use crate::scan::pair::Paired;
use crate::secret;
use crate::secret::Secret;
use crate::source::HeaderMatch;
use crate::source::Source;
use crate::verify;
use crate::verify::check::CodeCheck;
use crate::verify::check::Reason;

/// Bytes of what is shown of one side of a difference.
const LONGEST: usize = 400;

/// Differences of one file that a scan keeps until they are written: two batches of entries are in memory at once.
const KEPT: usize = 16;

/// Sources above this size are parsed one at a time.
const LARGE: usize = 1 << 20;

impl Worker<'_> {
    /// Compares the code of a pyc with its source.
    ///
    /// A header that says that it is of another state of the source is believed, unless the file would run all the same: such a
    /// file is stale and no attack. Hashes say nothing of the code, so with them it is always compared.
    pub(crate) fn check_code(
        &self,
        tree: &Tree<'_>,
        is_whole: bool,
        place: &Place,
        paired: &Paired<'_>,
        load: LoadVerdict,
    ) -> CodeCheck {
        let is_stale =
            matches!(paired.check.outcome, HeaderMatch::MtimeMismatch | HeaderMatch::SizeMismatch | HeaderMatch::Stale)
                && !load.is_live();
        let reason = match &paired.source {
            _ if self.config.verify != Verify::Code => Reason::NotAsked,
            Source::Absent => Reason::NoSource,
            Source::Ambiguous(_) => Reason::AmbiguousSource,
            Source::Present(_) if !is_whole || BodyState::of(&tree.pyc) != BodyState::Good => Reason::Body,
            Source::Present(_) if is_stale => Reason::Stale,
            Source::Present(_) => match self.source_text(paired) {
                Some(source) => {
                    let mut check = self.compare_code(tree, place, source);
                    if !self.config.reveal_secrets {
                        mask(&mut check, tree, source);
                    }
                    return check;
                }
                None => Reason::UnreadSource,
            },
        };
        CodeCheck::Unverified(reason)
    }

    /// What an entry keeps of it, after the rules have seen all.
    pub(crate) fn kept(&self, mut check: CodeCheck) -> CodeCheck {
        if let CodeCheck::Differs { differences, .. } = &mut check
            && !self.config.keep_contents
        {
            differences.truncate(KEPT);
            differences.shrink_to_fit();
        }
        check
    }

    fn compare_code(&self, tree: &Tree<'_>, place: &Place, source: &[u8]) -> CodeCheck {
        let large = (source.len() > LARGE).then(|| self.sources.large.lock().unwrap_or_else(PoisonError::into_inner));
        let verify = || verify::verify(tree, source, levels(place), &self.config.limits);
        let mut outcome =
            panic::catch_unwind(AssertUnwindSafe(verify)).unwrap_or(CodeCheck::Unverified(Reason::Internal));
        drop(large);
        if let CodeCheck::Differs { differences, .. } = &mut outcome {
            for difference in differences {
                cut(&mut difference.expected);
                cut(&mut difference.found);
            }
        }
        match (outcome, place.hook()) {
            (CodeCheck::Differs { .. }, Some(hook)) => {
                let name = hook.strip_prefix("opt-").unwrap_or(&hook).trim_start_matches('-');
                CodeCheck::Unverified(Reason::Instrumented(name.to_owned()))
            }
            (outcome, _) => outcome,
        }
    }
}

/// The optimisation levels that a file may have been compiled at, the one that its name says first. Another than that is for
/// `PYC211` to say.
fn levels(place: &Place) -> &'static [u8] {
    match (place.extension.as_bytes(), place.optimization.as_bytes()) {
        (_, b"1") => &[1, 0, 2],
        (_, b"2") => &[2, 0, 1],
        (b"pyo", b"") => &[1, 2, 0],
        _ => &[0, 1, 2],
    }
}

/// What a reader has to be told when the comparison itself failed.
pub(crate) fn problem(check: &CodeCheck) -> Option<Problem> {
    let is_ours = check.reason() == Some(&Reason::Internal);
    is_ours.then(|| Problem::new(ProblemKind::Internal).with_detail("comparing the code with its source"))
}

/// Cuts a text of evidence. Names in it can be as long as the file.
fn cut(text: &mut String) {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
        text.shrink_to_fit();
    }
}

/// Masks the secrets in what is shown of the differences: those that can be seen there, and parts of those that the file or its
/// source holds.
fn mask(check: &mut CodeCheck, tree: &Tree<'_>, source: &[u8]) {
    let CodeCheck::Differs { differences, .. } = check else { return };
    let known = tree.strings().flat_map(|(_, string)| secret::find(string));
    let known: Vec<Secret<'_>> = known.chain(secret::find(source)).collect();
    let mut texts = Vec::new();
    for difference in &mut *differences {
        texts.extend([&difference.text, &difference.expected, &difference.found].map(String::as_str));
    }
    // They are escaped, so that none has a line end of its own.
    let masked = secret::masked_source(texts.join("\n").as_bytes(), known.into_iter());
    let masked = String::from_utf8_lossy(&masked).into_owned();
    let mut lines = masked.split('\n').map(str::to_owned);
    for difference in differences {
        for text in [&mut difference.text, &mut difference.expected, &mut difference.found] {
            *text = lines.next().unwrap_or_default();
        }
    }
}
