//! Decides how a file is to be read: by its magic where the body agrees, otherwise by the header length or layout that fits.
//!
//! Only the shape of the file decides, never its name.

use crate::limits::Limits;
use crate::name::Name;
use crate::problem::Parsed;
use crate::problem::Problem;
use crate::problem::ProblemKind;

use super::Body;
use super::Fit;
use super::Pyc;
use super::Root;
use super::TextMode;
use super::Unread;
use super::header::Header;
use super::header::HeaderLayout;
use super::marshal;
use super::marshal::Grammar;
use super::marshal::Outcome;
use super::objects::Arena;
use super::objects::ObjectId;
use super::objects::Scratch;
use super::objects::Tree;
use super::objects::Value;
use super::recognise::recognise;
use super::versions::CodeLayout;
use super::versions::Dialect;
use super::versions::Implementation;
use super::versions::Magic;
use super::versions::Stage;
use super::versions::Version;
use super::versions::lookup;

/// Where a body can begin: nowhere else did a writer put it. 20 is a normal header behind a strict loader's four bytes.
const OFFSETS: [usize; 6] = [16, 12, 8, 20, 4, 0];

/// A layout, its dialect, implementation and series, and the versions that have it.
type Known = (CodeLayout, Dialect, Implementation, (u8, u8), &'static str);

/// One grammar for each layout, for bodies that do not fit their magic; the newest dialect that went with it.
const GRAMMARS: &[Known] = &[
    (CodeLayout::L311, Dialect::V6, Implementation::CPython, (3, 15), "CPython 3.11 to 3.16"),
    (CodeLayout::L38, Dialect::V4, Implementation::CPython, (3, 10), "CPython 3.8 to 3.10"),
    (CodeLayout::L30, Dialect::V4, Implementation::CPython, (3, 7), "CPython 3.0 to 3.7"),
    (CodeLayout::L23, Dialect::V2, Implementation::CPython, (2, 7), "CPython 2.3 to 2.7"),
    (CodeLayout::L21, Dialect::V0, Implementation::CPython, (2, 2), "CPython 2.1 and 2.2"),
    (CodeLayout::L15, Dialect::V0, Implementation::CPython, (1, 5), "CPython 1.5 to 2.0"),
    (CodeLayout::L13, Dialect::V0, Implementation::CPython, (1, 4), "CPython 1.3 and 1.4"),
    (CodeLayout::L10, Dialect::V0, Implementation::CPython, (1, 0), "CPython 1.0 to 1.2"),
    (CodeLayout::L311F, Dialect::V4, Implementation::CPython, (3, 11), "CPython 3.11 alphas (3460 to 3493)"),
    (CodeLayout::L311E, Dialect::V4, Implementation::CPython, (3, 11), "CPython 3.11 alphas (3459)"),
    (CodeLayout::L311D, Dialect::V4, Implementation::CPython, (3, 11), "CPython 3.11 alphas (3457, 3458)"),
    (CodeLayout::L311C, Dialect::V4, Implementation::CPython, (3, 11), "CPython 3.11 alphas (3453 to 3456)"),
    (CodeLayout::L311B, Dialect::V4, Implementation::CPython, (3, 11), "CPython 3.11 alphas (3452)"),
    (CodeLayout::L311A, Dialect::V4, Implementation::CPython, (3, 11), "CPython 3.11 alphas (3450, 3451)"),
    (CodeLayout::P311, Dialect::PyPy, Implementation::PyPy, (3, 11), "PyPy 3.11 v7.3.19 to v7.3.22"),
    (CodeLayout::P311X, Dialect::PyPy, Implementation::PyPy, (3, 11), "PyPy 3.11 v7.3.23 and later"),
];

/// Other grammars read no more than this many times the file.
const PASSES: usize = 3;

impl Version {
    fn grammar(&self) -> Grammar {
        Grammar {
            layout: self.layout,
            dialect: self.dialect,
            implementation: self.implementation,
            series: self.series,
            wordcode: self.has_wordcode(),
            mixed_names: self.stage == Stage::Variant
                || self.dialect == Dialect::V2Alpha
                // Its py3k branch wrote names as byte strings until it had marshal's new types.
                || self.implementation == Implementation::PyPy && self.dialect == Dialect::V2Text,
        }
    }
}

/// Reads a pyc with the tree of its objects.
pub(super) fn read<'a>(bytes: &'a [u8], limits: &Limits, scratch: &'a mut Scratch) -> Parsed<Tree<'a>> {
    let mut reading = Reading { bytes, limits, arena: &mut scratch.arena, pyc: blank(), problems: Vec::new() };
    reading.arena.reset();
    let root = reading.read();
    let Reading { pyc, mut problems, arena, .. } = reading;
    problems.sort_by_key(|problem| problem.offset);
    Parsed { value: Tree { pyc, bytes, arena, root }, problems }
}

/// Reads one object at the beginning of the bytes.
pub(super) fn read_object<'a>(
    bytes: &'a [u8],
    version: &'static Version,
    limits: &Limits,
    scratch: &'a mut Scratch,
) -> Parsed<Tree<'a>> {
    let arena = &mut scratch.arena;
    let outcome = marshal::read(bytes, 0, version.grammar(), limits, arena);
    let trailing = if outcome.stopped { 0 } else { offset_of(bytes.len().saturating_sub(outcome.end)) };
    let pyc = Pyc { version: Some(version), trailing, ..blank() };
    Parsed { value: Tree { pyc, bytes, arena, root: outcome.root }, problems: outcome.problems }
}

/// A file of which nothing is known yet.
fn blank() -> Pyc {
    Pyc {
        magic: None,
        version: None,
        candidates: &[],
        header: None,
        body: Body::NotRead(Unread::Empty),
        body_offset: None,
        trailing: 0,
        fit: None,
        text_mode: None,
        overlong: None,
        expansion: None,
        long_forms: None,
        unusual_types: Vec::new(),
        oddities: Vec::new(),
        entropy: None,
    }
}

/// The state of reading one file.
struct Reading<'a, 'l, 's> {
    bytes: &'a [u8],
    limits: &'l Limits,
    arena: &'s mut Arena,
    pyc: Pyc,
    problems: Vec<Problem>,
}

impl Reading<'_, '_, '_> {
    /// Reads the file; gives the top object.
    fn read(&mut self) -> ObjectId {
        if self.bytes.is_empty() {
            return self.not_read(Unread::Empty, Problem::at(ProblemKind::Empty, 0));
        }
        if u32::try_from(self.bytes.len()).is_err() {
            let problem =
                Problem::new(ProblemKind::MemberSizeLimit).with_detail("offsets of 32 bits do not reach its end");
            return self.not_read(Unread::TooLarge, problem);
        }
        let Some(&magic) = self.bytes.first_chunk::<4>() else {
            return self.not_read(Unread::TruncatedHeader, self.at_end(ProblemKind::TruncatedHeader));
        };
        let magic = Magic(magic);
        self.pyc.magic = Some(magic);
        let candidates = lookup(magic);
        if candidates.is_empty() {
            return self.read_unknown(magic);
        }
        self.read_known(magic, candidates)
    }

    /// Reads a file whose magic is in the table.
    fn read_known(&mut self, magic: Magic, candidates: &'static [Version]) -> ObjectId {
        let plausible = |version: &&'static Version| self.is_plausible(version);
        let unread = candidates.iter().filter(|version| !version.is_read()).find(plausible);
        let Some(first) = candidates.iter().find(|version| version.is_read()).or(unread) else {
            return self.read_unknown(magic);
        };
        self.pyc.candidates = candidates;
        self.pyc.version = Some(first);
        let size = first.header.map_or(0, HeaderLayout::size);
        self.pyc.header = first.header.and_then(|layout| Header::read(self.bytes, layout));
        if self.bytes.len() < size {
            return self.not_read(Unread::TruncatedHeader, self.at_end(ProblemKind::TruncatedHeader));
        }
        self.pyc.body_offset = first.header.map(|_| offset_of(size));
        if self.bytes.len() == size {
            return self.not_read(Unread::NoCode, self.at_end(ProblemKind::NoCode));
        }
        if !first.is_read() {
            return self.not_read_dialect(first);
        }
        let grammar = first.grammar();
        let outcome = self.attempt(size, grammar);
        if self.is_sound(&outcome) {
            self.pyc.version = Some(self.owner(first, candidates, &outcome));
            return self.adopt(outcome, size, true);
        }
        if let Some(unread) = unread
            && (unread.header.is_none() || unread.layout == CodeLayout::RustPython && self.is_by_rustpython(size))
        {
            self.pyc.version = Some(unread);
            self.pyc.header = unread.header.and_then(|layout| Header::read(self.bytes, layout));
            return self.not_read_dialect(unread);
        }
        if magic.number() == 0 {
            // The number of two forgotten dialects is also what a zeroed file begins with.
            self.pyc = Pyc { magic: Some(magic), ..blank() };
            return self.read_unknown(magic);
        }
        if self.may_fit_elsewhere(&outcome)
            && let Some((fitting, offset)) = self.find_fit(Some((size, grammar)))
        {
            return self.adopt_fit(fitting, offset, Some(first));
        }
        let outcome = self.attempt(size, grammar);
        self.adopt(outcome, size, true)
    }

    /// Reads a file whose magic is not in the table.
    fn read_unknown(&mut self, magic: Magic) -> ObjectId {
        let [low, high, ..] = magic.0;
        if let Some((text_mode, original, shift)) = self.text_mode() {
            return self.read_text_mode(text_mode, original, shift);
        }
        let problem = Problem::at(ProblemKind::UnknownMagic, 0);
        if let Some(kind) = recognise(self.bytes) {
            return self.not_read(Unread::NotBytecode(kind), problem.with_detail(kind));
        }
        let known = lookup(Magic([low, high, b'\r', b'\n'])).iter().find(|version| version.is_final());
        let detail = match known {
            Some(version) => format!("{} without CR LF", version.python()),
            None => format!("{:#06x}", magic.number()),
        };
        if let Some((fitting, offset)) = self.find_fit(None) {
            self.problems.push(problem.with_detail(detail));
            return self.adopt_fit(fitting, offset, None);
        }
        self.pyc.entropy = Some(entropy(self.bytes));
        self.not_read(Unread::UnknownMagic, problem.with_detail(detail))
    }

    /// What a transfer in text mode did to the magic: the damage, the magic before it, and by how many bytes what follows
    /// was moved.
    fn text_mode(&self) -> Option<(TextMode, Magic, isize)> {
        let (damage, magic, shift) = match *self.bytes {
            [low, high, b'\r', b'\r', b'\n', ..] => (TextMode::LfToCrLf, Magic([low, high, b'\r', b'\n']), 1),
            [low, high, b'\n', ..] => (TextMode::CrLfToLf, Magic([low, high, b'\r', b'\n']), -1),
            [low, b'\n', ..] => (TextMode::CrDropped, Magic([low, b'\r', b'\r', b'\n']), -2),
            _ => return None,
        };
        // A text that begins with a short line is no damaged magic; a body has bytes that are no text.
        let is_text = recognise(self.bytes).is_some();
        (!is_text && !lookup(magic).is_empty()).then_some((damage, magic, shift))
    }

    /// Reads a file that was damaged in text mode: its body may have escaped.
    fn read_text_mode(&mut self, text_mode: TextMode, original: Magic, shift: isize) -> ObjectId {
        self.pyc.text_mode = Some(text_mode);
        self.pyc.candidates = lookup(original);
        let damage = match text_mode {
            TextMode::LfToCrLf => "text-mode damage (CR LF rewritten)",
            TextMode::CrLfToLf => "text-mode damage (CR lost)",
            TextMode::CrDropped => "text-mode damage (every CR lost)",
        };
        self.problems.push(Problem::at(ProblemKind::UnknownMagic, 0).with_detail(damage));
        let first = self.pyc.candidates.iter().find(|version| version.is_read());
        let moved = first.and_then(|version| Some((version, version.header?.size().checked_add_signed(shift)?)));
        if let Some((version, offset)) = moved {
            let outcome = self.attempt(offset, version.grammar());
            if self.is_sound(&outcome) {
                return self.adopt(outcome, offset, false);
            }
        }
        self.arena.reset();
        self.pyc.body = Body::NotRead(Unread::UnknownMagic);
        ObjectId::ABSENT
    }

    /// Whether a version whose bodies are not read can be meant.
    fn is_plausible(&self, version: &Version) -> bool {
        match version.layout {
            // Another magic follows, of a normal header.
            CodeLayout::Prefix => {
                let inner = self.bytes.get(4..).and_then(|rest| rest.first_chunk::<4>());
                inner.is_some_and(|&inner| inner != [0, 0, b'\r', b'\n'] && !lookup(Magic(inner)).is_empty())
            }
            // Four hexadecimal digits are the beginning of many texts.
            CodeLayout::RustPython if version.magic.0 == [0; 4] => {
                matches!(self.bytes.get(5..8), Some([0, 0, 0])) && matches!(self.bytes.get(16), Some(b'c' | 0xe3))
            }
            _ => true,
        }
    }

    /// Who wrote a body that was read, among the owners of its number that share its layout.
    fn owner(&self, first: &'static Version, candidates: &'static [Version], outcome: &Outcome) -> &'static Version {
        let pypy = candidates.iter().find(|version| {
            version.implementation == Implementation::PyPy && version.layout == first.layout && version.series >= (3, 0)
        });
        match pypy {
            Some(pypy) if self.is_by_pypy(pypy, outcome) => pypy,
            _ => first,
        }
    }

    /// PyPy copied two numbers of CPython by mistake. It flags no code object, which CPython does with the outermost of nearly
    /// every file (`w_ref` in Python/marshal.c). Its 3.8 wrote no ASCII types, which CPython writes for `<module>`; the opcodes of its
    /// 3.9 go on where CPython's had ended (pypy/tool's opcode3.py: 200 and up).
    fn is_by_pypy(&self, pypy: &Version, outcome: &Outcome) -> bool {
        if pypy.series == (3, 8) {
            return !outcome.has_ascii;
        }
        let codes = || self.arena.codes.iter().zip(0_u32..).filter_map(|(_, index)| self.arena.code(self.bytes, index));
        let is_plain = |code: super::Code<'_>| {
            usize::try_from(code.offset()).ok().and_then(|offset| self.bytes.get(offset)) == Some(&b'c')
        };
        codes().all(is_plain) && codes().any(|code| code.code().iter().step_by(2).any(|&opcode| opcode >= 200))
    }

    /// RustPython's own code objects begin with the number of their instructions, after a letter that is never flagged;
    /// CPython's with the arguments of the module, of which there are none (`serialize_code` in RustPython's marshal.rs).
    fn is_by_rustpython(&self, offset: usize) -> bool {
        let head = self.bytes.get(offset..).and_then(|rest| rest.first_chunk::<5>());
        head.is_some_and(|&[letter, count @ ..]| letter == b'c' && u32::from_le_bytes(count) != 0)
    }

    fn attempt(&mut self, offset: usize, grammar: Grammar) -> Outcome {
        marshal::read(self.bytes, offset, grammar, self.limits, self.arena)
    }

    fn is_code(&self, outcome: &Outcome) -> bool {
        matches!(self.arena.value(self.bytes, outcome.root), Value::Code(_))
    }

    /// Whether a code object was read with nothing wrong in it.
    fn is_sound(&self, outcome: &Outcome) -> bool {
        !outcome.stopped && outcome.problems.is_empty() && self.is_code(outcome)
    }

    /// Whether what is wrong can come of reading by the wrong layout.
    fn may_fit_elsewhere(&self, outcome: &Outcome) -> bool {
        let is_limit = |problem: &Problem| {
            matches!(
                problem.kind,
                ProblemKind::MarshalDepth | ProblemKind::MarshalObjects | ProblemKind::UnfinishedReference
            )
        };
        let is_shape = |problem: &Problem| matches!(problem.kind, ProblemKind::FieldType | ProblemKind::FieldCounts);
        !outcome.problems.iter().any(is_limit)
            && (outcome.stopped || !self.is_code(outcome) || outcome.problems.iter().any(is_shape))
    }

    /// Looks for the header length and the layout by which the body reads without a fault. What was tried is left out; the
    /// layout that was expected is tried at every other place before other layouts are.
    fn find_fit(&mut self, tried: Option<(usize, Grammar)>) -> Option<(Fitting, usize)> {
        let mut budget = self.bytes.len().saturating_mul(PASSES);
        let elsewhere = OFFSETS.into_iter().filter(|&offset| tried.is_none_or(|(size, _)| size != offset));
        let mut order: Vec<(usize, Grammar, &'static str)> = Vec::new();
        if let Some((_, grammar)) = tried {
            order.extend(elsewhere.clone().map(|offset| (offset, grammar, "")));
        }
        for offset in tried.map(|(offset, _)| offset).into_iter().chain(elsewhere) {
            for &(layout, dialect, implementation, series, versions) in GRAMMARS {
                if tried.is_some_and(|(_, grammar)| grammar.layout.fields() == layout.fields()) {
                    continue;
                }
                let wordcode = series >= (3, 6);
                let mixed_names = matches!(layout, CodeLayout::L23 | CodeLayout::L30);
                order.push((
                    offset,
                    Grammar { layout, dialect, implementation, series, wordcode, mixed_names },
                    versions,
                ));
            }
        }
        for (offset, grammar, versions) in order {
            let letter = self.bytes.get(offset).copied().unwrap_or_default();
            let flag = if grammar.dialect.has_references() { 0x7f } else { 0xff };
            if letter & flag != grammar.layout.letter() || budget == 0 {
                continue;
            }
            let outcome = self.attempt(offset, grammar);
            budget = budget.saturating_sub(outcome.end.saturating_sub(offset));
            if self.is_sound(&outcome) {
                return Some((Fitting { outcome, grammar, versions }, offset));
            }
        }
        self.arena.reset();
        None
    }

    /// Takes a body that fits otherwise than the magic says.
    fn adopt_fit(&mut self, fitting: Fitting, offset: usize, expected: Option<&'static Version>) -> ObjectId {
        let size = expected.and_then(|version| version.header).map(HeaderLayout::size);
        let versions = match expected {
            Some(version) if fitting.versions.is_empty() => version.name,
            _ => fitting.versions,
        };
        let fit = Fit {
            offset: offset_of(offset),
            expected_offset: size.map(offset_of),
            layout: fitting.grammar.layout,
            expected_layout: expected.map(|version| version.layout),
            versions,
        };
        self.pyc.fit = Some(fit);
        self.pyc.header = HeaderLayout::of_size(offset).and_then(|layout| Header::read(self.bytes, layout));
        // pytest wrote 12 bytes on these versions: no interpreter loads such a file, but nothing of it is unread.
        let is_pytest = offset == 12 && expected.is_some_and(|version| matches!(version.series, (2, 7) | (3, 7 | 8)));
        if let Some(size) = size
            && (!is_pytest || fit.is_other_layout())
        {
            let mut detail = String::new();
            if fit.is_odd_header() {
                detail = format!("header of {offset} bytes, {size} expected");
            }
            if fit.is_other_layout() {
                detail = [detail.as_str(), if detail.is_empty() { "" } else { "; " }, "fits ", versions].concat();
            }
            self.problems.push(Problem::at(ProblemKind::LayoutMismatch, fit.offset).with_detail(detail));
        }
        self.adopt(fitting.outcome, offset, false)
    }

    /// Takes what was read of a body.
    fn adopt(&mut self, outcome: Outcome, offset: usize, is_expected: bool) -> ObjectId {
        let is_code = self.is_code(&outcome);
        let mut is_refused = outcome.is_refused;
        if !outcome.stopped && !is_code {
            self.problems.push(Problem::at(ProblemKind::RootNotCode, offset_of(offset)));
            is_refused = true;
        }
        let root = self.root(&outcome, offset, is_code);
        if is_code {
            self.pyc.trailing = offset_of(self.bytes.len().saturating_sub(outcome.end));
        }
        if is_refused && is_expected {
            self.pyc.entropy = Some(entropy(self.bytes.get(offset..).unwrap_or_default()));
        }
        self.pyc.body_offset = Some(offset_of(offset));
        self.pyc.overlong = outcome.overlong;
        self.pyc.expansion = outcome.expansion;
        self.pyc.long_forms = outcome.long_forms;
        self.pyc.body = match root {
            Some(root) if !is_refused => Body::Code(root),
            root => Body::Damaged(root),
        };
        self.problems.extend(outcome.problems);
        self.pyc.unusual_types = outcome.unusual;
        self.pyc.oddities = outcome.oddities;
        outcome.root
    }

    /// The first code object in short, when the body begins with one.
    fn root(&self, outcome: &Outcome, offset: usize, whole: bool) -> Option<Root> {
        let code = self.arena.code(self.bytes, 0).filter(|code| code.offset() == offset_of(offset))?;
        let name = |text: Option<super::Text<'_>>| text.map_or_else(Name::default, super::Text::to_name);
        Some(Root {
            name: name(code.name()),
            filename: name(code.filename()),
            first_line: code.firstlineno(),
            code_objects: self.arena.codes.len(),
            offset: offset_of(offset),
            end: offset_of(outcome.end),
            whole,
        })
    }

    fn not_read(&mut self, reason: Unread, problem: Problem) -> ObjectId {
        self.problems.push(problem);
        self.pyc.body = Body::NotRead(reason);
        ObjectId::ABSENT
    }

    fn not_read_dialect(&mut self, version: &'static Version) -> ObjectId {
        let size = version.header.map_or(0, HeaderLayout::size);
        self.arena.reset();
        self.pyc.entropy = Some(entropy(self.bytes.get(size..).unwrap_or_default()));
        let problem = Problem::at(ProblemKind::UnsupportedBody, offset_of(size)).with_detail(version.python());
        self.not_read(Unread::Dialect(version.layout), problem)
    }

    fn at_end(&self, kind: ProblemKind) -> Problem {
        Problem::at(kind, offset_of(self.bytes.len()))
    }
}

/// A grammar that fits, with what it read.
struct Fitting {
    outcome: Outcome,
    grammar: Grammar,
    versions: &'static str,
}

fn offset_of(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

/// Bits of information in a byte: Shannon's entropy of the bytes as they are distributed.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = counts.iter().map(|&count| f64::from(count)).sum::<f64>();
    // `+ 0.0` makes the zero of a single value a positive one.
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f64::from(count) / total)
        .map(|share| -share * share.log2())
        .sum::<f64>()
        + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_tells_noise_from_zeros() {
        let all: Vec<u8> = (0..=255).collect();
        assert!((entropy(&all) - 8.0).abs() < 1e-9);
        assert!(entropy(&[0; 100]).abs() < 1e-9);
        assert!(entropy(&[]).abs() < 1e-9);
    }
}
