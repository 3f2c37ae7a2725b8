//! What is wrong or unusual in marshalled data, and how it is recorded.

use crate::problem::Problem;
use crate::problem::ProblemKind;

use super::UnusualType;
use super::letter::is_known_elsewhere;
use super::marshal::PROBLEMS;
use super::marshal::Parser;
use super::marshal::Stop;
use super::marshal::index_at;
use super::objects::ObjectId;
use super::reader::Short;
use super::versions::Dialect;

impl Parser<'_, '_> {
    /// The data end before what was wanted. A length larger than the whole file was never true of it; any other may have been,
    /// before the file was cut.
    #[cold]
    pub(super) fn short(&mut self, short: Short) -> Stop {
        let left = self.reader.left();
        if short.wanted > 8 {
            self.overlong = Some(short.wanted);
        }
        let kind = if short.wanted > 8 && short.wanted > u64::try_from(self.bytes.len()).unwrap_or(u64::MAX) {
            ProblemKind::LengthBeyondData
        } else {
            ProblemKind::MarshalTruncated
        };
        let at = self.reader.offset();
        self.stop(kind, at, format!("{} wanted, {left} left", short.wanted))
    }

    #[cold]
    pub(super) fn unknown_type(&mut self, letter: u8, offset: usize) -> Stop {
        let kind = if is_known_elsewhere(letter) { ProblemKind::TypeOfOtherVersion } else { ProblemKind::UnknownType };
        self.stop(kind, offset, format!("{letter:#04x}"))
    }

    #[cold]
    pub(super) fn stop(&mut self, kind: ProblemKind, offset: usize, detail: String) -> Stop {
        self.is_refused = true;
        // This one says why nothing follows: it is kept whatever came before.
        self.problems.truncate(PROBLEMS.saturating_sub(1));
        self.problems.push(Problem::at(kind, u64::try_from(offset).unwrap_or(u64::MAX)).with_detail(detail));
        Stop
    }

    #[cold]
    pub(super) fn problem(&mut self, kind: ProblemKind, offset: usize) {
        self.problem_with(kind, offset, String::new);
    }

    #[cold]
    pub(super) fn problem_with(&mut self, kind: ProblemKind, offset: usize, detail: impl FnOnce() -> String) {
        self.is_refused = true;
        self.tolerated_problem(kind, offset, detail);
    }

    /// A problem that an interpreter does not see.
    #[cold]
    pub(super) fn tolerated_problem(&mut self, kind: ProblemKind, offset: usize, detail: impl FnOnce() -> String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(Problem::at(kind, u64::try_from(offset).unwrap_or(u64::MAX)).with_detail(detail()));
        }
    }

    #[cold]
    pub(super) fn problem_at_object(&mut self, kind: ProblemKind, id: ObjectId) {
        let offset = usize::try_from(self.arena.offset(id)).unwrap_or_default();
        self.problem(kind, offset);
    }

    #[cold]
    pub(super) fn unusual(&mut self, letter: u8, offset: usize) {
        if let Some(seen) = self.unusual.iter_mut().find(|seen| seen.letter == letter) {
            seen.count = seen.count.saturating_add(1);
            return;
        }
        // No more entries than there are letters.
        self.unusual.push(UnusualType { letter, offset: u64::try_from(offset).unwrap_or(u64::MAX), count: 1 });
    }

    /// For a type that is unusual by its value: unless it is unusual anyway.
    #[cold]
    pub(super) fn unusual_once(&mut self, letter: u8, offset: usize) {
        if !self.arena.letters.meaning(letter).1 {
            self.unusual(letter, offset);
        }
    }

    /// Text as CPython decodes it, with `surrogatepass`: UTF-8 in which surrogates may stand.
    #[inline]
    pub(super) fn check_utf8(&mut self, length: u32) {
        let end = self.reader.offset();
        let start = end.saturating_sub(index_at(length));
        let text = self.bytes.get(start..end).unwrap_or_default();
        if let Some(bad) = bad_utf8(text) {
            self.problem(ProblemKind::BadUtf8, start.saturating_add(bad));
        }
    }

    /// The types for ASCII, whose bytes only PyPy checks (`unmarshal_ascii` in pypy/module/marshal/interp_marshal.py).
    #[inline]
    pub(super) fn check_ascii(&mut self, length: u32) {
        if self.grammar.dialect != Dialect::PyPy {
            return;
        }
        let end = self.reader.offset();
        let start = end.saturating_sub(index_at(length));
        let text = self.bytes.get(start..end).unwrap_or_default();
        if let Some(bad) = text.iter().position(|byte| !byte.is_ascii()) {
            self.problem_with(ProblemKind::BadUtf8, start.saturating_add(bad), || "not ASCII".to_owned());
        }
    }

    /// The text of a float as C's `strtod` takes it, up to a NUL (`PyOS_string_to_double`).
    pub(super) fn check_float(&mut self, text: &[u8], offset: usize) {
        let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
        if std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok()).is_none() {
            self.problem(ProblemKind::BadFloat, offset);
        }
    }
}

/// Where text stops being UTF-8, surrogates allowed.
pub(super) fn bad_utf8(text: &[u8]) -> Option<usize> {
    let mut start: usize = 0;
    loop {
        let rest = text.get(start..)?;
        let Err(error) = std::str::from_utf8(rest) else { return None };
        let at = start.saturating_add(error.valid_up_to());
        // An encoded surrogate: U+D800 to U+DFFF are ED A0 80 to ED BF BF.
        match text.get(at..)?.first_chunk::<3>() {
            Some([0xed, 0xa0..=0xbf, 0x80..=0xbf]) => start = at.saturating_add(3),
            _ => return Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_are_text_and_overlong_forms_are_not() {
        assert_eq!(bad_utf8(b"a\xed\xa0\x80b"), None);
        assert_eq!(bad_utf8(b"a\xc0\x80"), Some(1));
        assert_eq!(bad_utf8(b"\xff"), Some(0));
        assert_eq!(bad_utf8(b"\xed\xa0"), Some(0));
        assert_eq!(bad_utf8("\u{1f600}é".as_bytes()), None);
    }
}
