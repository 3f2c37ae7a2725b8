//! Constants from literals of the source.
//!
//! The parser's own values serve where they are exact. It makes U+FFFD of an escaped surrogate, and knows nothing of the literals of
//! 2.x, which [`crate::verify::source_text`] hides from it: those are decoded here, from the text of the source.

use num_bigint::BigInt;
use ruff_python_ast::BytesLiteral;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprStringLiteral;
use ruff_python_ast::ExprUnaryOp;
use ruff_python_ast::InterpolatedStringLiteralElement;
use ruff_python_ast::Number;
use ruff_python_ast::StringFlags;
use ruff_python_ast::StringLiteral;
use ruff_python_ast::UnaryOp;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;

use crate::verify::source_text::SourceText;
use crate::verify::source_text::decode::Charset;

use super::ConstId;
use super::Constant;
use super::Constants;
use super::float_bits;
use super::join_surrogates;

/// How the literals of one source are read.
#[derive(Clone, Copy, Debug)]
pub struct Literals<'a> {
    /// The source.
    pub source: &'a SourceText,
    /// Whether strings of 2.x without a prefix are text (`from __future__ import unicode_literals`).
    pub unicode: bool,
}

/// Decimal digits of an integer that are read: their reading takes the square of their number. CPython of today reads 4,300
/// (`sys.int_info.default_max_str_digits`), older ones any number.
const MOST_DIGITS: usize = 20_000;

/// Bits of an integer that is written in another base.
const MOST_BITS: u64 = 1 << 20;

impl Literals<'_> {
    /// The constant that a literal is: a string or bytes of any number of parts, a number, `None`, `True`, `False`, `...`. In 2.x,
    /// a number with a minus right before it is one literal. `None` for other expressions (also f-strings), and for literals
    /// that are too large.
    pub fn literal(&self, constants: &mut Constants, expression: &Expr) -> Option<ConstId> {
        let constant = match expression {
            Expr::StringLiteral(literal) => return self.string(constants, literal),
            Expr::BytesLiteral(literal) => {
                let bytes = literal.value.iter().flat_map(BytesLiteral::as_slice).copied().collect();
                Constant::Bytes(bytes)
            }
            Expr::NumberLiteral(literal) => match literal.value {
                // What a hook has put in is nowhere in the source.
                Number::Int(ref number) if literal.range.is_empty() => Constant::Int(number.as_i64()?.into()),
                Number::Int(_) => {
                    match short(self.source.written(literal.range)).and_then(|number| constants.small(number)) {
                        Some(small) => return Some(small),
                        None => self.integer(literal.range)?,
                    }
                }
                Number::Float(number) => Constant::Float(float_bits(number)),
                Number::Complex { real, imag } => Constant::Complex(float_bits(real), float_bits(imag)),
            },
            Expr::UnaryOp(negation) if self.is_python2() => self.negative(negation)?,
            Expr::BooleanLiteral(literal) => {
                if literal.value {
                    Constant::True
                } else {
                    Constant::False
                }
            }
            Expr::NoneLiteral(_) => Constant::None,
            Expr::EllipsisLiteral(_) => Constant::Ellipsis,
            _ => return None,
        };
        Some(constants.intern(constant))
    }

    /// The constant of a string, of all its parts.
    pub fn string(&self, constants: &mut Constants, literal: &ExprStringLiteral) -> Option<ConstId> {
        // Most strings have one part, which is as the parser has it.
        if let Some(only) = literal.as_single_part_string()
            && !self.is_python2()
            && !only.value.contains(char::REPLACEMENT_CHARACTER)
        {
            return Some(constants.intern_text(only.value.as_bytes()));
        }
        let constant = self.joined(literal)?;
        Some(constants.intern(constant))
    }

    /// The constant that a docstring becomes: from 3.13 on without its indentation.
    pub fn docstring(&self, constants: &mut Constants, literal: &ExprStringLiteral) -> Option<ConstId> {
        let constant = match self.joined(literal)? {
            Constant::Text(text) if self.source.series() >= (3, 13) => Constant::Text(clean(&text).into()),
            constant => constant,
        };
        Some(constants.intern(constant))
    }

    /// The text of one string that is a part of an f-string, as in `'a' f'{b}'`.
    pub fn part(&self, literal: &StringLiteral) -> Option<Vec<u8>> {
        if !literal.value.contains(char::REPLACEMENT_CHARACTER) {
            return Some(literal.value.as_bytes().to_vec());
        }
        let written = Written::of(self.source.written(literal.range))?;
        if written.is_raw() { Some(written.body.into()) } else { text(written.body, Braces::Plain) }
    }

    /// The text of a piece of an f-string or template string with these flags.
    pub fn piece(&self, element: &InterpolatedStringLiteralElement, flags: impl StringFlags) -> Option<Vec<u8>> {
        if flags.prefix().is_raw() || !element.value.contains(char::REPLACEMENT_CHARACTER) {
            return Some(element.value.as_bytes().to_vec());
        }
        text(self.source.written(element.range), Braces::Doubled)
    }

    fn is_python2(&self) -> bool {
        self.source.series().0 == 2
    }

    fn joined(&self, literal: &ExprStringLiteral) -> Option<Constant> {
        if !self.is_python2() {
            let mut joined = Vec::new();
            for part in &literal.value {
                joined.extend(self.part(part)?);
            }
            return Some(Constant::Text(joined.into()));
        }
        let (mut joined, mut is_text, mut is_ascii) = (Vec::new(), false, true);
        for part in &literal.value {
            match self.string_of_python2(part.range)? {
                Constant::Text(text) => {
                    is_text = true;
                    joined.extend_from_slice(&text);
                }
                Constant::Bytes(bytes) => {
                    is_ascii &= bytes.is_ascii();
                    joined.extend_from_slice(&bytes);
                }
                _ => return None,
            }
        }
        // `'a' u'b'` decodes the first as ASCII (`parsestrplus` in Python/ast.c of 2.7).
        match (is_text, is_ascii) {
            (true, false) => None,
            (true, true) => Some(Constant::Text(join_surrogates(&joined).into())),
            (false, _) => Some(Constant::Bytes(joined.into())),
        }
    }

    /// One string of 2.x: `parsestr` in Python/ast.c.
    fn string_of_python2(&self, range: TextRange) -> Option<Constant> {
        let written = Written::of(self.source.written(range))?;
        let is_text = written.has(b'u') || self.unicode && !written.has(b'b');
        if is_text {
            // The tokenizer hands on UTF-8 but where the file is Latin-1 or says nothing; characters are the same either way.
            let decoded =
                if written.is_raw() { raw_unicode(written.body)? } else { text(written.body, Braces::Plain)? };
            return Some(Constant::Text(join_surrogates(&decoded).into()));
        }
        let charset = self.source.charset();
        let bytes = if written.is_raw() { charset.encode(written.body)? } else { bytes(written.body, charset)? };
        Some(Constant::Bytes(bytes.into()))
    }

    fn integer(&self, range: TextRange) -> Option<Constant> {
        let written = self.source.written(range);
        let number = integer(written, self.is_python2())?;
        let is_long = self.is_python2() && (written.ends_with(['l', 'L']) || i64::try_from(&number).is_err());
        Some(if is_long { Constant::Long(number) } else { Constant::Int(number) })
    }

    /// A minus and a number behind it, which are one token to 2.x (`ast_for_factor` in Python/ast.c): so `-1j` has a real part of
    /// `0.0`, not `-0.0`, and the least int is no long.
    fn negative(&self, negation: &ExprUnaryOp) -> Option<Constant> {
        let Expr::NumberLiteral(literal) = negation.operand.as_ref() else { return None };
        let between = self.source.written(TextRange::new(negation.start(), literal.start()));
        if negation.op != UnaryOp::USub
            || !between.trim_start_matches('-').trim_matches([' ', '\t', '\u{c}', '\\', '\n']).is_empty()
        {
            return None;
        }
        Some(match literal.value {
            Number::Int(_) => {
                let written = self.source.written(literal.range);
                let number = -integer(written, true)?;
                if written.ends_with(['l', 'L']) || i64::try_from(&number).is_err() {
                    Constant::Long(number)
                } else {
                    Constant::Int(number)
                }
            }
            Number::Float(number) => Constant::Float(float_bits(-number)),
            Number::Complex { real, imag } => Constant::Complex(float_bits(real), float_bits(-imag)),
        })
    }
}

/// An integer of one or two decimal digits, which mean the same in all series.
fn short(written: &str) -> Option<u32> {
    match *written.as_bytes() {
        [digit @ b'0'..=b'9'] => Some(u32::from(digit & 15)),
        [ten @ b'1'..=b'9', digit @ b'0'..=b'9'] => Some(u32::from(ten & 15) * 10 + u32::from(digit & 15)),
        _ => None,
    }
}

/// An integer as it is written; with the `0777` and `10L` of 2.x.
fn integer(written: &str, is_python2: bool) -> Option<BigInt> {
    // Most are short, and no base is told by a zero.
    if written.len() < 19 && !written.starts_with('0') && written.bytes().all(|byte| byte.is_ascii_digit()) {
        return written.parse::<i64>().ok().map(BigInt::from);
    }
    let digits = written.replace('_', "").to_ascii_lowercase();
    let digits = digits.trim_end_matches('l');
    let (digits, radix, bits) = match digits.as_bytes() {
        [b'0', b'x', ..] => (digits.get(2..)?, 16, 4),
        [b'0', b'o', ..] => (digits.get(2..)?, 8, 3),
        [b'0', b'b', ..] => (digits.get(2..)?, 2, 1),
        [b'0', _, ..] if is_python2 => (digits.get(1..)?, 8, 3),
        _ if digits.len() > MOST_DIGITS => return None,
        _ => (digits, 10, 0),
    };
    if u64::try_from(digits.len()).ok()?.saturating_mul(bits) > MOST_BITS {
        return None;
    }
    BigInt::parse_bytes(digits.as_bytes(), radix)
}

/// A string as it is written.
struct Written<'a> {
    prefix: &'a [u8],
    body: &'a str,
}

impl<'a> Written<'a> {
    fn of(written: &'a str) -> Option<Self> {
        let open = written.find(['\'', '"'])?;
        let (prefix, rest) = written.split_at_checked(open)?;
        let quotes = if rest.starts_with("'''") || rest.starts_with("\"\"\"") { 3 } else { 1 };
        let body = rest.get(quotes..rest.len().checked_sub(quotes)?)?;
        Some(Self { prefix: prefix.as_bytes(), body })
    }

    fn has(&self, letter: u8) -> bool {
        self.prefix.iter().any(|byte| byte.eq_ignore_ascii_case(&letter))
    }

    fn is_raw(&self) -> bool {
        self.has(b'r')
    }
}

/// Whether braces are written twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braces {
    Plain,
    Doubled,
}

/// The text of a string without `r`: UTF-8 in which surrogates may stand alone.
fn text(body: &str, braces: Braces) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(first) = rest.chars().next() {
        rest = rest.get(first.len_utf8()..)?;
        if braces == Braces::Doubled && matches!(first, '{' | '}') && rest.starts_with(first) {
            rest = rest.get(1..)?;
        }
        if first != '\\' {
            push(&mut out, u32::from(first));
            continue;
        }
        let Some(escape) = rest.chars().next() else {
            out.push(b'\\');
            continue;
        };
        let behind = rest.get(escape.len_utf8()..)?;
        if let Some((byte, behind)) = simple(escape, behind) {
            if let Some(code) = byte {
                push(&mut out, code);
            }
            rest = behind;
            continue;
        }
        let length = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'N' => {
                let (name, behind) = behind.split_once('}')?;
                push(&mut out, u32::from(named(name)?));
                rest = behind;
                continue;
            }
            // The backslash stays, and what is behind it is looked at for itself: it may be a brace.
            _ => {
                out.push(b'\\');
                continue;
            }
        };
        let (digits, behind) = behind.split_at_checked(length)?;
        let code = hexadecimal(digits)?;
        if code > u32::from(char::MAX) {
            return None;
        }
        push(&mut out, code);
        rest = behind;
    }
    Some(out)
}

/// The escapes that strings and bytes share, with what is behind them: the character, or none for a line that goes on.
fn simple(escape: char, behind: &str) -> Option<(Option<u32>, &str)> {
    let code = match escape {
        '\n' => return Some((None, behind)),
        '\\' | '\'' | '"' => u32::from(escape),
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '0'..='7' => {
            let more = behind.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let (digits, behind) = behind.split_at_checked(more)?;
            let code =
                digits.chars().fold(escape.to_digit(8)?, |code, digit| code * 8 + digit.to_digit(8).unwrap_or(0));
            return Some((Some(code), behind));
        }
        _ => return None,
    };
    Some((Some(code), behind))
}

fn hexadecimal(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

/// The character of `\N{name}`; the parser knows the names.
fn named(name: &str) -> Option<char> {
    if name.len() > 200 || name.contains(['\\', '\'', '\n']) {
        return None;
    }
    let parsed = ruff_python_parser::parse_expression(&format!("'\\N{name}}}'")).ok()?;
    let Expr::StringLiteral(literal) = parsed.expr() else { return None };
    literal.value.to_str().chars().next()
}

/// Appends a code point, which may be a surrogate.
fn push(out: &mut Vec<u8>, code: u32) {
    if let Some(character) = char::from_u32(code) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        return;
    }
    // Three bytes, as for every code point from U+0800 to U+FFFF.
    let parts = [0xe0 | code >> 12 & 0xf, 0x80 | code >> 6 & 0x3f, 0x80 | code & 0x3f];
    out.extend(parts.into_iter().filter_map(|part| u8::try_from(part).ok()));
}

/// A `ur''` of 2.x: only `\u` and `\U` behind an odd number of backslashes mean something (`PyUnicode_DecodeRawUnicodeEscape`).
fn raw_unicode(body: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let (mut rest, mut backslashes) = (body, 0_u32);
    while let Some(first) = rest.chars().next() {
        let behind = rest.get(first.len_utf8()..)?;
        if backslashes % 2 == 1 && matches!(first, 'u' | 'U') {
            let (digits, behind) = behind.split_at_checked(if first == 'u' { 4 } else { 8 })?;
            out.pop();
            push(&mut out, hexadecimal(digits)?);
            (rest, backslashes) = (behind, 0);
            continue;
        }
        backslashes = if first == '\\' { backslashes.saturating_add(1) } else { 0 };
        push(&mut out, u32::from(first));
        rest = behind;
    }
    Some(out)
}

/// A `str` of 2.x without `r`, in the encoding of its source: `PyString_DecodeEscape`.
fn bytes(body: &str, charset: Charset) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        let (before, behind) = rest.split_at_checked(at)?;
        out.extend(charset.encode(before)?);
        let behind = behind.get(1..)?;
        let escape = behind.chars().next()?;
        let behind_escape = behind.get(escape.len_utf8()..)?;
        if let Some((code, behind)) = simple(escape, behind_escape) {
            if let Some(code) = code {
                out.push(u8::try_from(code & 0xff).ok()?);
            }
            rest = behind;
        } else if escape == 'x' {
            let (digits, behind) = behind_escape.split_at_checked(2)?;
            out.push(u8::try_from(hexadecimal(digits)?).ok()?);
            rest = behind;
        } else {
            out.push(b'\\');
            rest = behind;
        }
    }
    out.extend(charset.encode(rest)?);
    Some(out)
}

/// A docstring as 3.13 and later keep it: `_PyCompile_CleanDoc` in Python/compile.c.
pub fn clean(text: &[u8]) -> Vec<u8> {
    let expanded = expand_tabs(text);
    let blanks = |line: &[u8]| line.iter().take_while(|&&byte| byte == b' ').count();
    let mut lines = expanded.split(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let margin = lines.clone().filter(|line| blanks(line) < line.len()).map(blanks).min().unwrap_or(0);
    let mut cleaned = first.get(blanks(first)..).unwrap_or_default().to_vec();
    for line in lines {
        cleaned.push(b'\n');
        cleaned.extend_from_slice(line.get(blanks(line).min(margin)..).unwrap_or_default());
    }
    cleaned
}

/// Text with tabs as blanks to the next column that 8 divides, as `str.expandtabs` has it: columns are characters.
fn expand_tabs(text: &[u8]) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(text.len());
    let mut column = 0_usize;
    for &byte in text {
        match byte {
            b'\t' => {
                let blanks = 8 - column % 8;
                expanded.extend(std::iter::repeat_n(b' ', blanks));
                column = column.saturating_add(blanks);
            }
            b'\n' | b'\r' => {
                expanded.push(byte);
                column = 0;
            }
            _ => {
                expanded.push(byte);
                // Bytes that go on with a character are no columns.
                column = column.saturating_add(usize::from(byte & 0xc0 != 0x80));
            }
        }
    }
    expanded
}
