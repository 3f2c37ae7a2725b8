//! Has the code of a pyc compared with its source, where there is something to be learnt from it.
//!
//! What the comparison is, is in [`crate::verify`]; here is when it is made, at which levels, and what is shown of it.

use std::panic;
use std::panic::AssertUnwindSafe;
use std::sync::PoisonError;

use crate::entry::Passage;
use crate::interpreter::Compiled;
use crate::load::BodyState;
use crate::load::LoadVerdict;
use crate::name;
use crate::place::Place;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc;
use crate::pyc::HeaderLayout;
use crate::pyc::Scratch;
use crate::pyc::Tree;
use crate::scan::Verify;
use crate::scan::evidence;
use crate::scan::examine::Worker;
use crate::scan::pair::Paired;
use crate::secret;
use crate::secret::Secret;
use crate::source::HeaderMatch;
use crate::source::Source;
use crate::verify;
use crate::verify::Hook;
use crate::verify::Kept;
use crate::verify::check::CodeCheck;
use crate::verify::check::Reason;
use crate::verify::check::Strength;
use crate::verify::exact;
use crate::verify::exact::Exact;
use crate::verify::exact::ExactOutcome;

/// Bytes of what is shown of one side of a difference.
const LONGEST: usize = 400;

/// Differences of one file that a scan keeps until they are written: two batches of entries are in memory at once.
const KEPT: usize = 16;

/// Interpreters that are asked about one file, at most.
const INTERPRETERS: usize = 4;

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
        kept: &mut Kept,
    ) -> (CodeCheck, Option<Exact>) {
        let is_stale =
            matches!(paired.check.outcome, HeaderMatch::MtimeMismatch | HeaderMatch::SizeMismatch | HeaderMatch::Stale)
                && !load.is_live();
        let reason = match &paired.source {
            _ if !matches!(self.config.verify, Verify::Code | Verify::Exact) => Reason::NotAsked,
            Source::Absent => Reason::NoSource,
            Source::Ambiguous(_) => Reason::AmbiguousSource,
            Source::Present(_) if !is_whole || BodyState::of(&tree.pyc) != BodyState::Good => Reason::Body,
            Source::Present(_) if is_stale => Reason::Stale,
            Source::Present(_) => match self.source_text(paired) {
                Some(source) => {
                    let exact = (self.config.verify == Verify::Exact).then(|| self.compiled(tree, place, source));
                    if let Some((exact, Some(optimisation))) = exact {
                        return (CodeCheck::Verified { strength: Strength::Exact, optimisation }, Some(exact));
                    }
                    let mut check = self.compare_code(tree, place, source, kept);
                    if !self.config.reveal_secrets {
                        mask(&mut check, tree, source);
                    }
                    return (check, exact.map(|(exact, _)| exact));
                }
                None => Reason::UnreadSource,
            },
        };
        (CodeCheck::Unverified(reason), None)
    }

    /// What the interpreters that write this magic number make of the source: the same code, and at which level, or what the
    /// first of them says instead.
    fn compiled(&self, tree: &Tree<'_>, place: &Place, source: &[u8]) -> (Exact, Option<u8>) {
        let interpreters = &self.config.interpreters;
        let mut first = None;
        for interpreter in tree.pyc.magic.into_iter().flat_map(|magic| interpreters.of(magic)).take(INTERPRETERS) {
            let name =
                format!("{} ({})", name::shown(interpreter.path.as_os_str().as_encoded_bytes()), interpreter.version);
            for &level in levels(place) {
                let outcome = match interpreters.compile(interpreter, source, level) {
                    Compiled::Code(code) => self.is_identical(tree, &code),
                    Compiled::Refused(why) => ExactOutcome::Refused(why),
                    Compiled::Died(why) => ExactOutcome::Failed(why),
                };
                let fits = (outcome == ExactOutcome::Identical).then_some(level);
                let exact = Exact { interpreter: name.clone(), outcome };
                if fits.is_some() {
                    return (exact, fits);
                }
                first.get_or_insert(exact);
            }
        }
        let none = Exact { interpreter: String::new(), outcome: ExactOutcome::NoInterpreter };
        (first.unwrap_or(none), None)
    }

    /// Compares the code with marshalled code of the same Python, which is read as the body of such a file.
    fn is_identical(&self, tree: &Tree<'_>, code: &[u8]) -> ExactOutcome {
        let unread = || ExactOutcome::Failed("what it gave could not be read".to_owned());
        let Some(version) = tree.pyc.version else { return unread() };
        let mut bytes = tree.pyc.magic.map(|magic| magic.0.to_vec()).unwrap_or_default();
        bytes.resize(version.header.map_or(0, HeaderLayout::size), 0);
        bytes.extend_from_slice(code);
        let mut scratch = Scratch::default();
        let compiled = pyc::read(&bytes, &self.config.limits, &mut scratch);
        exact::compare(tree, &compiled.value)
    }

    /// What reports show side by side where code and source part.
    pub(crate) fn passages(&self, check: &CodeCheck, tree: &Tree<'_>, paired: &Paired<'_>) -> Vec<Passage> {
        let CodeCheck::Differs { differences, .. } = check else { return Vec::new() };
        let Some(source) = self.source_text(paired) else { return Vec::new() };
        let show = || evidence::passages(differences, tree, source, self.config.reveal_secrets);
        // Evidence is worth less than the verdict: a bug here must not cost the entry.
        panic::catch_unwind(AssertUnwindSafe(show)).unwrap_or_default()
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

    fn compare_code(&self, tree: &Tree<'_>, place: &Place, source: &[u8], kept: &mut Kept) -> CodeCheck {
        let large = (source.len() > LARGE).then(|| self.sources.large.lock().unwrap_or_else(PoisonError::into_inner));
        let hook = place.hook();
        let module = place.last_name();
        let hook = hook.as_deref().map(|name| Hook { name, module: &module });
        let verify = || verify::verify_next(kept, tree, source, levels(place), hook, &self.config.limits);
        let mut outcome =
            panic::catch_unwind(AssertUnwindSafe(verify)).unwrap_or(CodeCheck::Unverified(Reason::Internal));
        drop(large);
        if let CodeCheck::Differs { differences, .. } = &mut outcome {
            for difference in differences {
                cut(&mut difference.expected);
                cut(&mut difference.found);
            }
        }
        outcome
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
