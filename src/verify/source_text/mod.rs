//! Source text: decoded and parsed as the interpreter of a series would, with the lines of what is in it.
//!
//! Nothing is said of what the source does. All that has to do with a tree, from its making to its destruction, belongs inside
//! [`on_big_stack`].

pub mod decode;
pub(super) mod depth;
mod format_line;
pub mod python2;
mod shallow;

use ruff_python_ast::ModModule;
use ruff_python_ast::PythonVersion;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::ParseOptions;
use ruff_python_parser::Parsed;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

use crate::limits::Limits;
use crate::name;
use crate::verify::hook::Form;
use crate::verify::hook::Rewritten;

use decode::Charset;
use format_line::FormatLines;

/// A source that was parsed.
#[derive(Debug)]
pub struct SourceText {
    /// What the parser read.
    text: String,
    /// What was written, and how to get there from what was parsed, of 2.x.
    original: Option<(String, python2::Rewritten)>,
    /// Where each line begins.
    lines: Vec<u32>,
    format_lines: FormatLines,
    charset: Charset,
    series: (u8, u8),
    parsed: Parsed<ModModule>,
    /// How deep its tree may be.
    depth: usize,
    /// What an import hook makes of the tree.
    rewritten: Option<Rewritten>,
}

/// Why a source is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is larger than the limit.
    #[error("the source is too large")]
    Size,
    /// It has a NUL byte, which no compiler takes.
    #[error("the source has a NUL byte")]
    Nul,
    /// Its encoding is not one of those that are read here.
    #[error("the source's encoding `{}` is not known", name::shown(.0))]
    Encoding(Box<[u8]>),
    /// Its bytes are not what its encoding allows.
    #[error("the source is not in its encoding")]
    Undecodable,
    /// It has no tokens: an open string, a character that begins nothing.
    #[error("the source does not parse: no Python tokens")]
    Tokens,
    /// Its syntax tree would be too deep.
    #[error("the source is nested too deeply")]
    Depth,
    /// It does not parse.
    #[error("the source does not parse: line {line}: {}", name::shown_text(.message))]
    Syntax {
        /// The line.
        line: u32,
        /// What the parser says.
        message: String,
    },
}

/// Bytes of the stack on which a source is worked on; only what is used of it is memory. [`Limits::source_depth`] levels have some
/// 25 KiB each.
const STACK: usize = 128 << 20;

/// Runs what recurses over a syntax tree: threads of a pool have 2 MiB, which a deep tree overflows even when it is dropped.
///
/// A new stack on the same thread: panics pass through it as through any call.
pub fn on_big_stack<R>(work: impl FnOnce() -> R) -> R {
    stacker::grow(STACK, work)
}

impl SourceText {
    /// Reads a source as the interpreter of a series would. Call it, and drop what it gives, inside [`on_big_stack`].
    pub fn read(bytes: &[u8], series: (u8, u8), limits: &Limits) -> Result<Self, Reason> {
        // Offsets are of 32 bits; a decoded text is at most three times as long as its bytes.
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > limits.parsed_size.min(1 << 30) {
            return Err(Reason::Size);
        }
        let (mut text, charset) = decode::decode(bytes, series)?;
        let mut original = None;
        if series.0 == 2 {
            let mut rewritten = python2::rewrite(&text)?;
            let parsed = std::mem::take(&mut rewritten.text);
            original = Some((std::mem::replace(&mut text, parsed), rewritten));
        }
        let shallow = shallow::bound(&text).filter(|&depth| depth <= limits.source_depth);
        let depth = shallow.map_or_else(|| depth::check(&text, limits.source_depth), Ok)?;
        let lines = line_starts(&text);
        let target = PythonVersion { major: series.0, minor: series.1 };
        let options = ParseOptions::from(Mode::Module).with_target_version(target);
        let parsed = ruff_python_parser::parse_unchecked(&text, options);
        let line = |offset| line_of(&lines, offset);
        if let Some(error) = parsed.errors().first() {
            // What has no tokens is said to have none.
            depth::check(&text, limits.source_depth)?;
            let message = error.error.to_string();
            return Err(Reason::Syntax { line: line(error.location.start()), message });
        }
        let parsed = parsed.try_into_module().ok_or(Reason::Tokens)?;
        let format_lines = FormatLines::of(parsed.syntax(), &text, series);
        Ok(Self { text, original, lines, format_lines, charset, series, parsed, depth, rewritten: None })
    }

    /// Whether its tree may be dropped on any stack, and is small enough to be kept.
    pub(super) fn is_small(&self) -> bool {
        self.depth <= 200 && self.text.len() <= 1 << 20
    }

    /// The syntax tree that is compiled.
    pub fn module(&self) -> &ModModule {
        self.rewritten.as_ref().map_or_else(|| self.parsed.syntax(), |rewritten| &rewritten.module)
    }

    /// Has an import hook rewrite the tree.
    pub(super) fn rewrite(&mut self, form: &dyn Form) {
        self.rewritten = form.rewrite(self.parsed.syntax(), &self.text);
    }

    /// What an import hook has made of the tree.
    pub(super) fn rewritten(&self) -> Option<&Rewritten> {
        self.rewritten.as_ref()
    }

    /// Has the tree as it was written.
    pub fn forget_rewritten(&mut self) {
        self.rewritten = None;
    }

    /// Whether pytest has rewritten the tree. An `assert` that is left in it then is one whose rewritten form is not known.
    pub fn has_unknown_asserts(&self) -> bool {
        self.rewritten.as_ref().is_some_and(|rewritten| rewritten.has_unknown_asserts)
    }

    /// The text that the ranges of the tree are in; of 2.x the rewritten one ([`python2`]).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The series whose syntax it has.
    pub fn series(&self) -> (u8, u8) {
        self.series
    }

    /// Its encoding.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// What is written at a range of the tree; of 2.x before it was rewritten.
    pub fn written(&self, range: TextRange) -> &str {
        let Some((original, rewritten)) = &self.original else {
            return self.text.get(range.to_std_range()).unwrap_or_default();
        };
        let place = |offset: TextSize| usize::try_from(rewritten.original(offset.into())).unwrap_or(usize::MAX);
        original.get(place(range.start())..place(range.end())).unwrap_or_default()
    }

    /// A line as it is written, from 1 on, with its end.
    pub fn written_line(&self, line: u32) -> &str {
        let text = self.original.as_ref().map_or(self.text.as_str(), |(original, _)| original);
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        text.split('\n').nth(index).unwrap_or_default()
    }

    /// The line of an offset, from 1 on.
    pub fn line(&self, offset: TextSize) -> u32 {
        line_of(&self.lines, offset)
    }

    /// The line that the compiler of the series gives to what is at an offset, from 1 on: another one inside of some f-strings.
    pub fn compiled_line(&self, offset: TextSize) -> u32 {
        if let Some(assert) = self.rewritten.as_ref().and_then(|rewritten| rewritten.assert_at(offset)) {
            return self.line(assert);
        }
        let line = i64::from(self.line(offset)).saturating_add(self.format_lines.moved(offset));
        u32::try_from(line).unwrap_or(0)
    }

    /// The line that compilers up to 3.7 give to a piece of syntax that begins at the first token from an offset on: a string has that of
    /// its end.
    pub fn token_line(&self, offset: TextSize) -> u32 {
        let tokens = self.parsed.tokens();
        let behind = tokens.partition_point(|token| token.start() < offset);
        let mut tokens = tokens.iter().skip(behind).skip_while(|token| token.kind().is_trivia());
        let Some(first) = tokens.next() else { return self.compiled_line(offset) };
        let place = match first.kind() {
            TokenKind::String => first.end(),
            TokenKind::FStringStart => {
                let mut open = 1_u32;
                let end = tokens.find(|token| {
                    match token.kind() {
                        TokenKind::FStringStart => open = open.saturating_add(1),
                        TokenKind::FStringEnd => open = open.saturating_sub(1),
                        _ => {}
                    }
                    open == 0
                });
                end.map_or(first.start(), Ranged::end)
            }
            _ => first.start(),
        };
        self.compiled_line(place)
    }

    /// The line of an offset, and its column in bytes of UTF-8 from 0 on, as `co_positions` counts them. Of 2.x only the line is
    /// that of what was written.
    pub fn position(&self, offset: TextSize) -> (u32, u32) {
        let line = self.line(offset);
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        let start = self.lines.get(index).copied().unwrap_or(0);
        (line, u32::from(offset).saturating_sub(start))
    }

    /// The first use of syntax that is newer than the series: its line, and what it is. Compilers of the series refuse it, so such
    /// a source is not what bytecode was made from; what it says is clear all the same.
    pub fn newer_syntax(&self) -> Option<(u32, String)> {
        let error = self.parsed.unsupported_syntax_errors().first()?;
        Some((self.line(error.range().start()), error.to_string()))
    }
}

/// Bytes of a line of most sources, or more.
const USUAL_LINE: usize = 24;

/// Where lines begin. Only line feeds end them, as in CPython's tokenizer; form feeds do not.
fn line_starts(text: &str) -> Vec<u32> {
    let mut lines = Vec::with_capacity(text.len() / USUAL_LINE);
    lines.push(0);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut start = 0_u32;
    for word in words {
        let mut ends = line_feeds(*word);
        while ends != 0 {
            lines.push(start.saturating_add(ends.trailing_zeros() / 8).saturating_add(1));
            ends &= ends.wrapping_sub(1);
        }
        start = start.saturating_add(8);
    }
    for (byte, at) in rest.iter().zip(start..) {
        if *byte == b'\n' {
            lines.push(at.saturating_add(1));
        }
    }
    lines
}

/// The highest bit of each byte that is a line feed, and no other bit: lines are too short for a search of each.
fn line_feeds(word: [u8; 8]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // A byte that is zero gets no bit from either term, any other one does.
    let others = u64::from_le_bytes(word) ^ u64::from_le_bytes([b'\n'; 8]);
    !(((others & LOW) + LOW) | others | LOW)
}

fn line_of(lines: &[u32], offset: TextSize) -> u32 {
    u32::try_from(lines.partition_point(|&start| start <= u32::from(offset))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], series: (u8, u8)) -> Result<SourceText, Reason> {
        SourceText::read(bytes, series, &Limits::default())
    }

    #[test]
    fn lines_end_as_the_tokenizer_ends_them() {
        let source = read(b"a\r\nb\rc\x0c\n\xc3\xa9 = d", (3, 12)).unwrap();
        assert_eq!(source.text(), "a\nb\nc\x0c\né = d");
        let last = source.module().body.last().unwrap();
        assert_eq!(source.position(last.start()), (4, 0));
        assert_eq!(source.position(last.end() - TextSize::new(1)), (4, 5));
    }

    #[test]
    fn lines_begin_behind_line_feeds() {
        for text in
            ["", "\n", "a\n\nb", "\n\n\n\n\n\n\n\n\n", "abcdefg\nh\n", "\u{10a}\u{8a0a}\x0b\x0a\u{80}\u{8a}\n\t\r\nxyz"]
        {
            let behind = text.bytes().zip(1..).filter(|(byte, _)| *byte == b'\n').map(|(_, behind)| behind);
            assert_eq!(line_starts(text), [0].into_iter().chain(behind).collect::<Vec<u32>>(), "{text:?}");
        }
    }

    #[test]
    fn encodings_are_declared_in_the_first_two_lines() {
        let text = |bytes: &[u8], series| read(bytes, series).map(|source| source.text().to_owned());
        assert_eq!(text(b"\xef\xbb\xbfa = '\xc3\xa9'", (3, 8)).unwrap(), "a = 'é'");
        assert_eq!(text(b"# vim: set fileencoding=latin_1 :\n'\xe9'", (3, 8)).unwrap().chars().nth(35), Some('é'));
        assert_eq!(text(b"\n#coding: koi8-r\n'\xc1'", (3, 8)).unwrap(), "\n#coding: koi8-r\n'а'");
        assert_eq!(text(b"a\n#coding: koi8-r\n'\xc1'", (3, 8)), Err(Reason::Undecodable));
        assert_eq!(text(b"# coding: ascii\n'\xc1'", (3, 8)), Err(Reason::Undecodable));
        assert_eq!(text(b"# coding: nonsense\n", (3, 8)), Err(Reason::Encoding((*b"nonsense").into())));
        assert_eq!(text(b"\xef\xbb\xbf# coding: latin-1\n", (3, 8)), Err(Reason::Undecodable));
        assert_eq!(text(b"'\xe9'", (3, 8)), Err(Reason::Undecodable));
        assert_eq!(text(b"a\0", (3, 8)), Err(Reason::Nul));
    }

    #[test]
    fn deep_sources_are_refused_before_they_are_parsed() {
        for (open, middle) in
            [("(", "1"), ("-", "1"), ("not ", "a"), ("lambda a, b: ", "a"), ("a.", "b"), ("[{", ""), ("f'{", "")]
        {
            let deep = format!("{}{middle}", open.repeat(1_000_000));
            let reason = on_big_stack(|| read(deep.as_bytes(), (3, 14)).err());
            assert!(matches!(reason, Some(Reason::Depth | Reason::Tokens)), "{open}: {reason:?}");
        }
        let lines: Vec<String> = (0..150).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
        let indented = lines.concat();
        assert_eq!(read(indented.as_bytes(), (3, 14)).err(), Some(Reason::Depth));
    }

    #[test]
    fn what_is_allowed_is_parsed_and_dropped() {
        for source in ["a\n".repeat(100_000), format!("x = [{}]", "-1, a.b(c)[d], lambda e, f: g,".repeat(20_000)), {
            format!("{}1", "-".repeat(4_900))
        }] {
            let statements = on_big_stack(|| read(source.as_bytes(), (3, 14)).map(|source| source.module().body.len()));
            assert!(statements.unwrap() > 0);
        }
    }

    #[test]
    fn newer_syntax_is_told_and_not_refused() {
        let source = read(b"a\nif (b := c): d", (3, 7)).unwrap();
        assert_eq!(source.newer_syntax().map(|(line, _)| line), Some(2));
        assert_eq!(read(b"if (b := c): d", (3, 8)).unwrap().newer_syntax(), None);
        assert!(matches!(read(b"a\nb c", (3, 8)), Err(Reason::Syntax { line: 2, .. })));
    }

    #[test]
    fn python_2_becomes_what_the_parser_reads() {
        for (source, rewritten) in [
            ("print a, b,", "__py2_print__(a, b, __py2_comma__)"),
            ("print >>f, a; print", "__py2_print__( __py2_file__(f), a); __py2_print__()"),
            ("exec c in g, l", "__py2_exec__( c , g, l)"),
            ("x = `a, b` + `c`", "x = __py2_repr__((a, b)) + __py2_repr__((c))"),
            ("`a + `b``, ``1``", "__py2_repr__((a + __py2_repr__((b)))), __py2_repr__((__py2_repr__((1))))"),
            ("raise E, v, t", "__py2_raise__( E, v, t)"),
            ("raise E", "raise E"),
            ("try: a\nexcept E, e: b", "try: a\nexcept E as  e: b"),
            ("try: a\nexcept E, e.x: b", "try: a\nexcept __py2_except__( E, e.x): b"),
            ("def f(a, (b, c)=d): e", "def f(a, __py2_tuple_1__: (b, c)=d): e"),
            ("f(lambda (a, b), c: d, e)", "f(lambda __py2_tuple_0__  , c: __py2_tuple__((a,b),  d), e)"),
            ("[a for a in b, c if d]", "[a for a in (b, c) if d]"),
            ("a <> 0777L or True", "a != 0o777 or __py2_name_True__"),
            ("from __future__ import print_function\nprint(a)", "from __future__ import print_function\nprint(a)"),
            ("if a:\n\tb\n        c", "if a:\n        b\n        c"),
        ] {
            let rewritten_by_us = python2::rewrite(source).unwrap().text;
            let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join("").replace('\n', "");
            assert_eq!(plain(&rewritten_by_us), plain(rewritten), "{source}");
        }
        assert!(matches!(read(b"a\n__py2_print__(1)", (2, 7)), Err(Reason::Syntax { line: 2, .. })));
        let source = read(b"print u'\\u20ac', 0777", (2, 7)).unwrap();
        let at = u32::try_from(source.text().find("0o777").unwrap()).unwrap();
        assert_eq!(source.written(TextRange::new(at.into(), (at + 5).into())), "0777");
    }
}
