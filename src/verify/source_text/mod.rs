//! Source text: decoded and parsed as the interpreter of a series would, with the lines of what is in it.
//!
//! Nothing is said of what the source does. All that has to do with a tree, from its making to its destruction, belongs inside
//! [`on_big_stack`].

pub mod decode;
mod depth;
pub mod python2;

use ruff_python_ast::ModModule;
use ruff_python_ast::PythonVersion;
use ruff_python_parser::Mode;
use ruff_python_parser::ParseOptions;
use ruff_python_parser::Parsed;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

use crate::limits::Limits;
use crate::name;

use decode::Charset;
use python2::Rewritten;

/// A source that was parsed.
#[derive(Debug)]
pub struct SourceText {
    /// What the parser read.
    text: String,
    /// What was written, and how to get there from what was parsed, of 2.x.
    original: Option<(String, Rewritten)>,
    /// Where each line begins.
    lines: Vec<u32>,
    charset: Charset,
    series: (u8, u8),
    parsed: Parsed<ModModule>,
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
        if size > limits.source_size.min(1 << 30) {
            return Err(Reason::Size);
        }
        let (mut text, charset) = decode::decode(bytes, series)?;
        let mut original = None;
        if series.0 == 2 {
            let mut rewritten = python2::rewrite(&text)?;
            let parsed = std::mem::take(&mut rewritten.text);
            original = Some((std::mem::replace(&mut text, parsed), rewritten));
        }
        depth::check(&text, limits.source_depth)?;
        let lines = line_starts(&text);
        let target = PythonVersion { major: series.0, minor: series.1 };
        let options = ParseOptions::from(Mode::Module).with_target_version(target);
        let parsed = ruff_python_parser::parse_unchecked(&text, options);
        let line = |offset| line_of(&lines, offset);
        if let Some(error) = parsed.errors().first() {
            let message = error.error.to_string();
            return Err(Reason::Syntax { line: line(error.location.start()), message });
        }
        let parsed = parsed.try_into_module().ok_or(Reason::Tokens)?;
        Ok(Self { text, original, lines, charset, series, parsed })
    }

    /// The syntax tree.
    pub fn module(&self) -> &ModModule {
        self.parsed.syntax()
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

    /// The line of an offset, from 1 on.
    pub fn line(&self, offset: TextSize) -> u32 {
        line_of(&self.lines, offset)
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

/// Where lines begin. Only line feeds end them, as in CPython's tokenizer; form feeds do not.
fn line_starts(text: &str) -> Vec<u32> {
    let behind =
        memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1));
    std::iter::once(0).chain(behind).collect()
}

fn line_of(lines: &[u32], offset: TextSize) -> u32 {
    u32::try_from(lines.partition_point(|&start| start <= u32::from(offset))).unwrap_or(u32::MAX)
}
