//! Most sources are so shallow that a look at their bytes says so, in a fraction of the time that the lexer takes.
//!
//! The bytes are split much more coarsely than tokens are: whatever is no blank counts as an operator, every word as a keyword. So the bound
//! is too high, never too low. Whatever takes more than that to be sure of what is a string and where a line ends, is left to the lexer.

/// A bound up to which it is of use.
const MOST: usize = 200;

/// The longest indentation, in bytes; each level takes one at least.
const MOST_INDENTATION: usize = 100;

/// What is open at one level of brackets; as in [`super::depth`].
#[derive(Clone, Copy, Default)]
struct Level {
    tokens: usize,
    lambdas: usize,
}

/// What a byte outside of strings can be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Newline,
    Hash,
    Backslash,
    Quote,
    Letter,
    Digit,
    Open,
    Close,
    Separator,
    Colon,
    Exclamation,
    Operator,
    Unclear,
}

/// By byte.
static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Unclear; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b' ' | b'\t' | b'\x0c' => Class::Blank,
            b'\n' => Class::Newline,
            b'#' => Class::Hash,
            b'\\' => Class::Backslash,
            b'\'' | b'"' => Class::Quote,
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'(' | b'[' | b'{' => Class::Open,
            b')' | b']' | b'}' => Class::Close,
            b',' | b';' => Class::Separator,
            b':' => Class::Colon,
            b'!' => Class::Exclamation,
            b'%' | b'&' | b'*' | b'+' | b'-' | b'.' | b'/' | b'<' | b'=' | b'>' | b'@' | b'^' | b'|' | b'~' => {
                Class::Operator
            }
            _ => Class::Unclear,
        };
        byte += 1;
    }
    classes
}

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// At most how deep the syntax tree of a source becomes, if that is not deep; `None` where it is not so simply told.
pub(super) fn bound(text: &str) -> Option<usize> {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        level: Level::default(),
        outer: Vec::new(),
        depth: 0,
        indentation: 0,
        deepest: 0,
    };
    scan.indent()?;
    while let Some(&byte) = scan.bytes.get(scan.at) {
        scan.token(byte)?;
    }
    scan.outer.is_empty().then_some(scan.deepest)
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    level: Level,
    /// The levels around it.
    outer: Vec<Level>,
    depth: usize,
    indentation: usize,
    deepest: usize,
}

impl Scan<'_> {
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(ahead)).copied()
    }

    fn token(&mut self, byte: u8) -> Option<()> {
        match class(byte) {
            Class::Blank => self.at += 1,
            Class::Newline => {
                self.at += 1;
                if self.outer.is_empty() {
                    self.level = Level::default();
                    self.depth = 0;
                    self.indent()?;
                }
            }
            Class::Hash => self.comment(),
            Class::Backslash if self.byte(1) == Some(b'\n') => {
                self.at += 2;
                let indentation = self.indentation;
                self.indent()?;
                self.indentation = self.indentation.max(indentation);
            }
            Class::Quote => self.string(byte)?,
            Class::Letter => self.word()?,
            Class::Digit => self.number()?,
            Class::Open => {
                self.count(1)?;
                self.outer.push(std::mem::take(&mut self.level));
                self.at += 1;
            }
            Class::Close => {
                self.depth -= self.level.tokens;
                self.level = self.outer.pop()?;
                self.at += 1;
            }
            Class::Separator => {
                if self.level.lambdas == 0 {
                    self.depth -= self.level.tokens;
                    self.level.tokens = 0;
                }
                self.at += 1;
            }
            Class::Colon => {
                // `:=` is another token.
                if self.byte(1) != Some(b'=') {
                    self.level.lambdas = self.level.lambdas.saturating_sub(1);
                }
                self.count(1)?;
                self.at += 1;
            }
            Class::Exclamation if self.byte(1) == Some(b'=') => {
                self.count(1)?;
                self.at += 2;
            }
            Class::Operator => {
                self.count(1)?;
                self.at += 1;
            }
            Class::Backslash | Class::Exclamation | Class::Unclear => return None,
        }
        Some(())
    }

    /// So many tokens under which what follows may stand.
    fn count(&mut self, tokens: usize) -> Option<()> {
        self.level.tokens += tokens;
        self.depth += tokens;
        self.reach(0)
    }

    /// Takes note of how deep it is here.
    fn reach(&mut self, more: usize) -> Option<()> {
        self.deepest = self.deepest.max(self.depth.saturating_add(self.indentation).saturating_add(more));
        (self.deepest <= MOST).then_some(())
    }

    /// The blanks at the start of a line.
    fn indent(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.indentation = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c')).count();
        self.at += self.indentation;
        if self.indentation > MOST_INDENTATION { None } else { self.reach(0) }
    }

    fn comment(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// A name, a keyword, or what is in front of a string.
    fn word(&mut self) -> Option<()> {
        let start = self.at;
        while self.byte(0).is_some_and(|byte| matches!(class(byte), Class::Letter | Class::Digit)) {
            self.at += 1;
        }
        // What goes on with another character is for the lexer: the next byte says so.
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        if word.len() <= 2
            && let Some(quote @ (b'\'' | b'"')) = self.byte(0)
        {
            let is_interpolated = word.iter().any(|letter| matches!(letter, b'f' | b'F' | b't' | b'T'));
            return if is_interpolated { self.interpolated(quote) } else { self.string(quote) };
        }
        if word == b"lambda" {
            self.level.lambdas += 1;
        }
        self.count(1)
    }

    /// A number. A keyword may follow without a blank: no letters but those of numbers are taken.
    fn number(&mut self) -> Option<()> {
        let is_hexadecimal = self.byte(0) == Some(b'0') && matches!(self.byte(1), Some(b'x' | b'X'));
        self.at += if is_hexadecimal { 2 } else { 0 };
        while let Some(byte) = self.byte(0) {
            let is_part = match class(byte) {
                Class::Digit => true,
                Class::Letter => {
                    byte == b'_'
                        || if is_hexadecimal {
                            byte.is_ascii_hexdigit()
                        } else {
                            matches!(byte, b'e' | b'E' | b'j' | b'J')
                        }
                }
                _ => break,
            };
            if !is_part {
                return None;
            }
            self.at += 1;
        }
        Some(())
    }

    /// Whether the quote here is the first of three, and goes past it or them.
    fn opened(&mut self, quote: u8) -> bool {
        let is_triple = self.byte(1) == Some(quote) && self.byte(2) == Some(quote);
        self.at += if is_triple { 3 } else { 1 };
        is_triple
    }

    /// Goes past the quotes here, if they end a string.
    fn closed(&mut self, quote: u8, is_triple: bool) -> bool {
        let ends = !is_triple || self.byte(1) == Some(quote) && self.byte(2) == Some(quote);
        self.at += if ends && is_triple { 3 } else { 1 };
        ends
    }

    /// A string without fields.
    fn string(&mut self, quote: u8) -> Option<()> {
        let is_triple = self.opened(quote);
        loop {
            let rest = self.bytes.get(self.at..)?;
            let place = if is_triple {
                memchr::memchr2(quote, b'\\', rest)
            } else {
                memchr::memchr3(quote, b'\\', b'\n', rest)
            };
            self.at += place?;
            match self.byte(0) {
                Some(b'\\') => self.at += 2,
                Some(b'\n') => return None,
                _ if self.closed(quote, is_triple) => return Some(()),
                _ => {}
            }
        }
    }

    /// A string in a field: one without prefix, in other quotes, on one line.
    fn inner_string(&mut self, quote: u8, outer: u8) -> Option<()> {
        let before = self.at.checked_sub(1).and_then(|before| self.bytes.get(before)).copied()?;
        if matches!(class(before), Class::Letter | Class::Digit | Class::Unclear) {
            return None;
        }
        let inside = self.bytes.get(self.at.saturating_add(1)..)?;
        let (inside, behind) = inside.split_at_checked(memchr::memchr3(quote, b'\\', b'\n', inside)?)?;
        // Three quotes begin another string.
        let is_whole = behind.first() == Some(&quote) && (!inside.is_empty() || behind.get(1) != Some(&quote));
        if !is_whole || memchr::memchr(outer, inside).is_some() {
            return None;
        }
        self.at += inside.len() + 2;
        Some(())
    }

    /// An f-string or t-string, as long as its fields hold nothing but simple strings that could go wrong.
    fn interpolated(&mut self, quote: u8) -> Option<()> {
        self.count(1)?;
        let start = self.at;
        let is_triple = self.opened(quote);
        let (mut fields, mut brackets, mut is_specification) = (0_usize, 0_usize, false);
        loop {
            let byte = self.byte(0)?;
            match byte {
                b'\\' => match self.byte(1)? {
                    // A character by its name; what is raw and what is not differ in the others.
                    b'N' | b'{' | b'}' | b'\n' => return None,
                    _ => self.at += 2,
                },
                b'{' | b'}' if brackets > 0 => return None,
                b'{' if fields == 0 && self.byte(1) == Some(b'{') => self.at += 2,
                b'{' => {
                    fields += 1;
                    self.at += 1;
                }
                b'}' => {
                    fields = fields.saturating_sub(1);
                    is_specification &= fields > 0;
                    self.at += 1;
                }
                b':' if fields > 0 && brackets == 0 => {
                    is_specification = true;
                    self.at += 1;
                }
                b'#' if is_specification => self.at += 1,
                b'\'' | b'"' if fields > 0 && byte != quote && !is_specification => self.inner_string(byte, quote)?,
                b'(' | b'[' if fields > 0 => {
                    brackets += 1;
                    self.at += 1;
                }
                b')' | b']' if fields > 0 => {
                    brackets = brackets.checked_sub(1)?;
                    self.at += 1;
                }
                b'\n' if !is_triple || fields > 0 => return None,
                b'\'' | b'"' | b'#' if fields > 0 => return None,
                _ if byte == quote => {
                    if self.closed(quote, is_triple) {
                        break;
                    }
                }
                _ => self.at += 1,
            }
        }
        // Fewer tokens than bytes are in it.
        self.reach(self.at.saturating_sub(start))
    }
}

#[cfg(test)]
mod tests {
    use super::super::depth;
    use super::*;

    /// Whether the bound is one of what the lexer finds.
    fn holds(text: &str) -> bool {
        let Some(bound) = bound(text) else { return false };
        let exact = depth::check(text, usize::MAX);
        assert!(exact.as_ref().is_ok_and(|&exact| exact <= bound), "{text:?}: {bound} and {exact:?}");
        true
    }

    #[test]
    fn most_sources_are_shallow() {
        for text in [
            "",
            "x = 1\n",
            "def f(a, *, b: int = 0x1F) -> None:\n\treturn {'a': [1, 2.5e-3, b'\\'', rb\"\"\"\n#\"\"\"], **b}  # 'c'\n",
            "f(lambda x, y=(1, 2): x, *z)\nif (a := b) != c \\\n    and d: pass\n",
            "f\"{a.b[0]!r:>{width}} {{'}} {g(h)}\\n\" 'x' \"\"\"y\"z\"\"\"\n",
        ] {
            assert!(holds(text), "{text:?}");
        }
    }

    #[test]
    fn what_is_unclear_is_left_to_the_lexer() {
        for text in [
            "'a",
            "'a\n'",
            "'''a",
            "a)",
            "(",
            "a\r\n",
            "é = 1",
            "a ? b",
            "f'{a[}'",
            "f'{\"a'\"}'",
            "f'\\N{DASH}'",
            "1if a else b",
            "0xfor b",
            "f'{a",
            "!a",
            "\\ a",
            "f\"{f'a'}\"",
        ] {
            assert_eq!(bound(text), None, "{text:?}");
        }
        assert_eq!(bound(&"(".repeat(1_000)), None);
        assert_eq!(bound(&format!("{}1", "-".repeat(1_000))), None);
        assert_eq!(bound(&format!("if a:\n{}b\n", " ".repeat(101))), None);
    }

    #[test]
    fn the_bound_is_never_too_low() {
        const PIECES: [&str; 60] = [
            "a",
            "lambda",
            " ",
            " ",
            "\n",
            "\n    ",
            "\n\t",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ";",
            ":",
            ":=",
            "=",
            "-",
            "not ",
            "'",
            "\"",
            "'''",
            "\"\"\"",
            "\\",
            "\\\n",
            "#",
            "f'",
            "f\"",
            "rf\"\"\"",
            "b'",
            "t'",
            "{{",
            "}}",
            "!",
            "!=",
            "!r",
            ".",
            "1",
            "0x",
            "1e5",
            "1_0",
            "if ",
            " else ",
            "for ",
            " in ",
            "é",
            "x'",
            "Ur\"",
            "**",
            "->",
            "...",
            "@",
            "await ",
            "f'{a}'",
            "f'{a!r:{b}}'",
            "'b'",
            "f(a)",
            "lambda a, b: ",
            "\\N",
        ];
        let (mut state, mut told) = (1_u64, 0);
        for _ in 0..40_000 {
            let mut text = String::new();
            for _ in 0..14 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let place = usize::try_from(state >> 33).unwrap() % PIECES.len();
                text.push_str(PIECES[place]);
            }
            // What has no tokens at all is not parsed either.
            let Some(bound) = bound(&text) else { continue };
            if let Ok(exact) = depth::check(&text, usize::MAX) {
                assert!(exact <= bound, "{text:?}: {bound} and {exact}");
                told += 1;
            }
        }
        assert!(told > 1_000, "{told}");
    }
}
