//! Source of 2.x as source that the parser, which knows 3.x, accepts: rewritten token by token.
//!
//! No line moves: nothing that is put in has a line feed. `Rewritten::original` leads from what was rewritten to what was written,
//! which is where literals are read from. What stands for what, with names that a source may not have (it is refused then):
//!
//! | 2.x | becomes |
//! | --- | --- |
//! | `print a, b,` | `__py2_print__(a, b, __py2_comma__)` |
//! | `print >>f, a` | `__py2_print__(__py2_file__(f), a)` |
//! | `exec c in g, l` | `__py2_exec__(c, g, l)`; `exec (c, g)` becomes `__py2_exec__((c, g))` |
//! | `` `a, b` `` | `__py2_repr__((a, b))`; the inner brackets are always there |
//! | `raise E, v, t` | `__py2_raise__(E, v, t)`; with one operand or none it stays |
//! | `except E, e:` | `except E as e:` |
//! | `except E, (a, b):` | `except __py2_except__(E, (a, b)):`, whatever the target if it is no name |
//! | `def f(a, (b, c)=d)` | `def f(a, __py2_tuple_1__: (b, c)=d)`: the annotation is the target; the name is `.1` |
//! | `lambda a, (b, c): d` | `lambda a, __py2_tuple_1__: __py2_tuple__((b, c), d)`: the targets of all, then the body |
//! | `[a for a in b, c]` | `[a for a in (b, c)]` |
//! | `True`, `False`, `async`, `await`, `nonlocal` | `__py2_name_True__` and so on: they are names ([`name`]) |
//! | `<>` | `!=` |
//! | `0777`, `10L` | `0o777`, `10` |
//! | `'a'`, `u'a'`, `b'a'`, `ur'a'` | `r'a'`: values are read by [`crate::verify::constant::literal`] |
//! | tabs and form feeds before a statement | as many blanks as they count for |
//!
//! `print` stays what it is under `from __future__ import print_function`.

use ruff_python_ast::Expr;

use super::Reason;

/// `print`.
pub const PRINT: &str = "__py2_print__";
/// Where `print` writes.
pub const FILE: &str = "__py2_file__";
/// The comma at the end of `print`.
pub const COMMA: &str = "__py2_comma__";
/// `exec`.
pub const EXEC: &str = "__py2_exec__";
/// `raise` with two or three operands.
pub const RAISE: &str = "__py2_raise__";
/// Backquotes.
pub const REPR: &str = "__py2_repr__";
/// The class and the target of an `except`.
pub const EXCEPT: &str = "__py2_except__";
/// The targets of a lambda's tuples, and its body.
pub const TUPLE: &str = "__py2_tuple__";

/// Source of 2.x that was rewritten.
#[derive(Debug)]
pub(super) struct Rewritten {
    /// The text that is parsed.
    pub(super) text: String,
    /// Where the two texts part: offsets in the new one and in the old one, and whether they go on together from there.
    places: Vec<(u32, u32, bool)>,
}

impl Rewritten {
    /// The offset in what was written.
    pub(super) fn original(&self, offset: u32) -> u32 {
        let index = self.places.partition_point(|&(new, ..)| new <= offset);
        match index.checked_sub(1).and_then(|index| self.places.get(index)) {
            Some(&(new, old, true)) => old.saturating_add(offset.saturating_sub(new)),
            Some(&(_, old, false)) => old,
            None => offset,
        }
    }
}

/// The name that a name of the rewritten source stands for.
pub fn name(name: &str) -> &str {
    name.strip_prefix("__py2_name_").and_then(|rest| rest.strip_suffix("__")).unwrap_or(name)
}

/// The name and the arguments of an expression that calls a name: what is rewritten as a call is such a one.
pub fn call(expression: &Expr) -> Option<(&str, &[Expr])> {
    let Expr::Call(call) = expression else { return None };
    let Expr::Name(name) = &*call.func else { return None };
    call.arguments.keywords.is_empty().then(|| (name.id.as_str(), &*call.arguments.args))
}

/// The number of the parameter that a name stands for, if it stands for a tuple.
pub fn tuple_parameter(name: &str) -> Option<usize> {
    name.strip_prefix("__py2_tuple_")?.strip_suffix("__")?.parse().ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Number,
    String,
    Operator,
    /// The end of a logical line.
    Newline,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    start: usize,
    /// Brackets that are open around it; brackets themselves are outside.
    depth: usize,
}

impl Token<'_> {
    fn end(&self) -> usize {
        self.start.saturating_add(self.text.len())
    }
}

/// Words behind which an operand is expected.
const BEFORE_OPERAND: [&str; 26] = [
    "and", "as", "assert", "del", "elif", "else", "except", "exec", "for", "from", "global", "if", "import", "in",
    "is", "lambda", "not", "or", "print", "raise", "return", "while", "with", "yield", "def", "class",
];

impl Token<'_> {
    /// Whether it ends an operand of an expression.
    fn ends_operand(&self) -> bool {
        match self.kind {
            Kind::Name => !BEFORE_OPERAND.contains(&self.text),
            Kind::Number | Kind::String => true,
            Kind::Operator => matches!(self.text, ")" | "]" | "}"),
            Kind::Newline => false,
        }
    }
}

/// What becomes of a token.
#[derive(Clone, Debug, Default)]
struct Edit {
    before: String,
    text: Option<String>,
    after: String,
}

/// Rewrites a source.
pub(super) fn rewrite(source: &str) -> Result<Rewritten, Reason> {
    let tokens = tokens(source).ok_or(Reason::Tokens)?;
    // Names that mean something here may not be those of a program too.
    if let Some(token) = tokens.iter().find(|token| token.kind == Kind::Name && token.text.starts_with("__py2_")) {
        let before = source.get(..token.start).unwrap_or_default();
        let line = u32::try_from(before.split('\n').count()).unwrap_or(u32::MAX);
        return Err(Reason::Syntax { line, message: "a name that stands for syntax of 2.x".to_owned() });
    }
    // A future is a statement of its own; the name may be that of an attribute elsewhere.
    let has_print_function = tokens
        .split(|token| token.kind == Kind::Newline || token.text == ";")
        .filter(|line| matches!(line, [from, future, ..] if from.text == "from" && future.text == "__future__"))
        .any(|line| line.iter().any(|token| token.text == "print_function"));
    let mut rewriter = Rewriter { source, edits: vec![None; tokens.len()], tokens, has_print_function };
    let mut start = 0;
    while start < rewriter.tokens.len() {
        let end = rewriter.find(start, rewriter.tokens.len(), |token| token.kind == Kind::Newline);
        rewriter.line(start, end);
        start = end.saturating_add(1);
    }
    Ok(rewriter.finish())
}

struct Rewriter<'a> {
    source: &'a str,
    tokens: Vec<Token<'a>>,
    edits: Vec<Option<Box<Edit>>>,
    has_print_function: bool,
}

/// Statements that have others behind a colon.
const COMPOUND: [&str; 11] = ["if", "elif", "else", "while", "for", "try", "except", "finally", "with", "def", "class"];

impl Rewriter<'_> {
    fn edit(&mut self, index: usize) -> &mut Edit {
        // Past the end there is nothing to edit: what is asked for there is thrown away.
        if index >= self.edits.len() {
            self.edits.resize(index.saturating_add(1), None);
        }
        self.edits[index].get_or_insert_default()
    }

    fn is(&self, index: usize, text: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.text == text)
    }

    fn depth(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(0, |token| token.depth)
    }

    /// The first token of a range for which something holds, or the end of the range.
    fn find(&self, start: usize, end: usize, holds: impl Fn(&Token<'_>) -> bool) -> usize {
        let tokens = self.tokens.get(start..end).unwrap_or_default();
        tokens.iter().position(holds).map_or(end, |at| start.saturating_add(at))
    }

    /// The first token of a range that is one of these, outside of further brackets and of the parameters of lambdas.
    fn find_plain(&self, start: usize, end: usize, texts: &[&str]) -> usize {
        let depth = self.depth(start);
        let mut lambdas = 0_usize;
        for index in start..end {
            let Some(token) = self.tokens.get(index) else { break };
            if token.depth > depth {
                continue;
            }
            match token.text {
                "lambda" => lambdas = lambdas.saturating_add(1),
                ":" if lambdas > 0 => lambdas = lambdas.saturating_sub(1),
                "," if lambdas > 0 => {}
                text if token.kind != Kind::String && (token.depth < depth || texts.contains(&text)) => return index,
                _ => {}
            }
        }
        end
    }

    /// One logical line.
    fn line(&mut self, start: usize, end: usize) {
        self.indentation(start, end);
        let mut at = start;
        while at < end {
            let word = self.tokens.get(at).map_or("", |token| token.text);
            if COMPOUND.contains(&word) {
                let colon = self.find_plain(at, end, &[":"]);
                match word {
                    "except" => self.except(at, colon),
                    "def" => self.parameters(at.saturating_add(2), colon),
                    _ => {}
                }
                at = colon.saturating_add(1);
                continue;
            }
            let stop = self.find_plain(at, end, &[";"]);
            match word {
                "print" if !self.has_print_function => self.print(at, stop),
                "exec" => self.exec(at, stop),
                "raise" if self.find_plain(at, stop, &[","]) < stop => self.call(at, stop, "__py2_raise__"),
                _ => {}
            }
            at = stop.saturating_add(1);
        }
        self.expressions(start, end);
    }

    /// Tabs count to the next multiple of 8 and form feeds begin anew, as in `tok_get` of Parser/tokenizer.c.
    fn indentation(&mut self, start: usize, end: usize) {
        let Some(first) = self.tokens.get(start).filter(|_| start < end) else { return };
        let before = self.source.get(..first.start).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let indentation = before.get(line..).unwrap_or_default();
        if indentation.bytes().all(|byte| byte == b' ') || !indentation.bytes().all(|byte| b" \t\x0c".contains(&byte)) {
            return;
        }
        let column = indentation.bytes().fold(0_usize, |column, byte| match byte {
            b'\t' => (column / 8).saturating_add(1).saturating_mul(8),
            b'\x0c' => 0,
            _ => column.saturating_add(1),
        });
        // What is there stays, so that the column is reached from it: only where that is not possible it is replaced (`finish`).
        self.edit(start).before = format!("\n{}", " ".repeat(column));
    }

    /// `except E, e`.
    fn except(&mut self, at: usize, colon: usize) {
        let comma = self.find_plain(at, colon, &[","]);
        if comma >= colon || self.find_plain(at, colon, &["as"]) < comma {
            return;
        }
        let target = comma.saturating_add(1);
        let is_name =
            self.tokens.get(target).is_some_and(|token| token.kind == Kind::Name) && target.saturating_add(1) == colon;
        if is_name {
            self.edit(comma).text = Some(" as ".to_owned());
            return;
        }
        self.edit(at).after.push_str(" __py2_except__(");
        self.edit(colon).before.insert(0, ')');
    }

    /// The parameters of a function, from their bracket on.
    fn parameters(&mut self, open: usize, colon: usize) {
        let close = self.find(open.saturating_add(1), colon, |token| token.depth == 0 && token.text == ")");
        let mut at = open.saturating_add(1);
        for number in 0_usize.. {
            if at >= close {
                break;
            }
            if self.is(at, "(") {
                let name = format!("__py2_tuple_{number}__: ");
                self.edit(at).before.push_str(&name);
            }
            at = self.find_plain(at, close, &[","]).saturating_add(1);
        }
    }

    /// A statement that is a call: its keyword becomes a name with a bracket.
    fn call(&mut self, at: usize, stop: usize, name: &str) {
        self.edit(at).text = Some(format!("{name}("));
        self.edit(stop.saturating_sub(1)).after.push(')');
    }

    fn print(&mut self, at: usize, stop: usize) {
        let first = at.saturating_add(1);
        if self.is(first, ">>") && first < stop {
            self.edit(first).text = Some("__py2_file__(".to_owned());
            let comma = self.find_plain(first, stop, &[","]);
            self.edit(comma.saturating_sub(1)).after.push(')');
            // The comma behind the file belongs to it: `print >>f,` ends its line.
            if comma.saturating_add(1) == stop {
                return self.call(at, stop, "__py2_print__");
            }
        }
        let last = stop.saturating_sub(1);
        if last > at && self.is(last, ",") {
            self.edit(last).after.push_str(" __py2_comma__");
        }
        self.call(at, stop, "__py2_print__");
    }

    fn exec(&mut self, at: usize, stop: usize) {
        let scope = self.find_plain(at, stop, &["in"]);
        if scope < stop {
            self.edit(scope).text = Some(",".to_owned());
        }
        self.call(at, stop, "__py2_exec__");
    }

    /// What may be anywhere in a line.
    fn expressions(&mut self, start: usize, end: usize) {
        let mut quotes: Vec<usize> = Vec::new();
        let mut closed = None;
        for index in start..end {
            let Some(&token) = self.tokens.get(index) else { break };
            match (token.kind, token.text) {
                (Kind::String, text) => {
                    let open = text.find(['\'', '"']).unwrap_or(0);
                    if !text.get(..open).is_some_and(|prefix| prefix.eq_ignore_ascii_case("r")) {
                        self.edit(index).text = Some(format!("r{}", text.get(open..).unwrap_or_default()));
                    }
                }
                (Kind::Number, text) => {
                    let mut number = text.trim_end_matches(['l', 'L']).to_owned();
                    let digits = number.get(1..).unwrap_or_default();
                    if number.starts_with('0') && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
                    {
                        number.insert(1, 'o');
                    }
                    // `1if a else b` and `1L.real` are written without a blank.
                    let next = self.tokens.get(index.saturating_add(1));
                    if next
                        .is_some_and(|next| (next.kind == Kind::Name || next.text == ".") && next.start == token.end())
                    {
                        self.edit(index).after.push(' ');
                    }
                    if number != text {
                        self.edit(index).text = Some(number);
                    }
                }
                (Kind::Name, "True" | "False" | "async" | "await" | "nonlocal") => {
                    self.edit(index).text = Some(format!("__py2_name_{}__", token.text));
                }
                (Kind::Operator, "<>") => self.edit(index).text = Some("!=".to_owned()),
                (Kind::Operator, "`") => {
                    // Where an operand has just ended it cannot begin another one.
                    let is_end = index.checked_sub(1).is_some_and(|before| {
                        closed == Some(before) || self.tokens.get(before).is_some_and(Token::ends_operand)
                    });
                    if is_end && quotes.last() == Some(&token.depth) {
                        quotes.pop();
                        closed = Some(index);
                        self.edit(index).text = Some("))".to_owned());
                    } else {
                        quotes.push(token.depth);
                        self.edit(index).text = Some("__py2_repr__((".to_owned());
                    }
                }
                (Kind::Name, "lambda") => self.lambda(index, end),
                (Kind::Name, "for") if token.depth > 0 => self.list_comprehension(index, end),
                _ => {}
            }
        }
    }

    fn lambda(&mut self, at: usize, end: usize) {
        let first = at.saturating_add(1);
        let colon = self.find_plain(first, end, &[":"]);
        let mut targets = String::new();
        let mut parameter = first;
        for number in 0_usize.. {
            if parameter >= colon {
                break;
            }
            if self.is(parameter, "(") {
                let depth = self.depth(parameter);
                let close =
                    self.find(parameter.saturating_add(1), colon, |token| token.depth == depth && token.text == ")");
                for index in parameter..=close {
                    let text = self.tokens.get(index).map_or("", |token| token.text);
                    targets.push_str(text);
                    self.edit(index).text = Some(String::new());
                }
                targets.push_str(", ");
                self.edit(parameter).text = Some(format!("__py2_tuple_{number}__"));
            }
            parameter = self.find_plain(parameter, colon, &[","]).saturating_add(1);
        }
        if targets.is_empty() {
            return;
        }
        let call = format!(" __py2_tuple__({targets}");
        self.edit(colon).after.push_str(&call);
        let stop = self.find_plain(colon.saturating_add(1), end, &[",", ";", ":", "`", "for", "="]);
        self.edit(stop.saturating_sub(1)).after.push(')');
    }

    /// `for a in b, c` inside of brackets.
    fn list_comprehension(&mut self, at: usize, end: usize) {
        let first = self.find_plain(at, end, &["in"]).saturating_add(1);
        let stop = self.find_plain(first, end, &["for", "if"]);
        if first >= stop || self.depth(first) < self.depth(at) {
            return;
        }
        // `find_plain` goes by the depth of where it begins, which for a bracket is that of the comprehension.
        if self.find_plain(first, stop, &[","]) < stop && self.is_list(at) {
            self.edit(first).before.push('(');
            self.edit(stop.saturating_sub(1)).after.push(')');
        }
    }

    /// Whether the innermost bracket around a token is that of a list: a generator expression has no bare tuple.
    fn is_list(&self, index: usize) -> bool {
        let depth = self.depth(index).saturating_sub(1);
        let before = self.tokens.get(..index).unwrap_or_default();
        before
            .iter()
            .rev()
            .find(|token| token.depth == depth && matches!(token.text, "[" | "(" | "{"))
            .is_some_and(|token| token.text == "[")
    }

    /// The new text.
    fn finish(self) -> Rewritten {
        let mut text = String::with_capacity(self.source.len().saturating_add(self.source.len() / 8));
        let mut places = Vec::new();
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mut copied = 0;
        for (token, edit) in self.tokens.iter().zip(&self.edits) {
            let Some(edit) = edit else { continue };
            text.push_str(self.source.get(copied..token.start).unwrap_or_default());
            let mut before = edit.before.as_str();
            if let Some((rest, indentation)) = before.split_once('\n') {
                // Only the first token of a line has this: see `indentation`.
                text.truncate(text.trim_end_matches([' ', '\t', '\x0c']).len());
                places.push((number(text.len()), number(token.start), false));
                text.push_str(indentation);
                before = rest;
            }
            if !before.is_empty() {
                places.push((number(text.len()), number(token.start), false));
                text.push_str(before);
            }
            places.push((number(text.len()), number(token.start), true));
            match &edit.text {
                None => text.push_str(token.text),
                Some(new) => {
                    text.push_str(new);
                    places.push((number(text.len()), number(token.end()), edit.after.is_empty()));
                }
            }
            if !edit.after.is_empty() {
                places.push((number(text.len()), number(token.end()), false));
                text.push_str(&edit.after);
            }
            places.push((number(text.len()), number(token.end()), true));
            copied = token.end();
        }
        text.push_str(self.source.get(copied..).unwrap_or_default());
        Rewritten { text, places }
    }
}

/// The tokens of 2.x; `None` for an open string or bracket that was never opened.
fn tokens(source: &str) -> Option<Vec<Token<'_>>> {
    let bytes = source.as_bytes();
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let (mut at, mut depth) = (0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let rest = source.get(at..)?;
        let (kind, length) = match byte {
            b' ' | b'\t' | b'\x0c' => {
                at = at.saturating_add(1);
                continue;
            }
            b'\\' if rest.starts_with("\\\n") => {
                at = at.saturating_add(2);
                continue;
            }
            b'#' => {
                at = at.saturating_add(rest.find('\n').unwrap_or(rest.len()));
                continue;
            }
            b'\n' => {
                let is_end = depth == 0 && tokens.last().is_some_and(|last| last.kind != Kind::Newline);
                if !is_end {
                    at = at.saturating_add(1);
                    continue;
                }
                (Kind::Newline, 1)
            }
            b'\'' | b'"' => (Kind::String, string_length(rest, 0)?),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => {
                let length = rest.find(|character: char| {
                    !(character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii())
                });
                let length = length.unwrap_or(rest.len());
                let is_prefix =
                    matches!(rest.get(..length)?.to_ascii_lowercase().as_str(), "u" | "b" | "r" | "ur" | "br");
                if is_prefix && matches!(bytes.get(at.saturating_add(length)), Some(b'\'' | b'"')) {
                    (Kind::String, string_length(rest, length)?)
                } else {
                    (Kind::Name, length)
                }
            }
            b'0'..=b'9' => (Kind::Number, number_length(rest)),
            b'.' if bytes.get(at.saturating_add(1)).is_some_and(u8::is_ascii_digit) => {
                (Kind::Number, number_length(rest))
            }
            _ => {
                const LONG: [&str; 21] = [
                    "**=", "//=", ">>=", "<<=", "**", "//", ">>", "<<", "<=", ">=", "==", "!=", "<>", "+=", "-=", "*=",
                    "/=", "%=", "&=", "|=", "^=",
                ];
                (Kind::Operator, LONG.into_iter().find(|operator| rest.starts_with(operator)).map_or(1, str::len))
            }
        };
        let text = rest.get(..length)?;
        if matches!(text, ")" | "]" | "}") {
            depth = depth.checked_sub(1)?;
        }
        tokens.push(Token { kind, text, start: at, depth });
        if matches!(text, "(" | "[" | "{") {
            depth = depth.saturating_add(1);
        }
        at = at.saturating_add(length);
    }
    Some(tokens)
}

/// The length of a string with its prefix.
fn string_length(rest: &str, prefix: usize) -> Option<usize> {
    let quoted = rest.get(prefix..)?;
    let quote = *quoted.as_bytes().first()?;
    let triple: &[u8] = if quote == b'"' { b"\"\"\"" } else { b"'''" };
    let is_triple = quoted.as_bytes().starts_with(triple);
    let mut at = if is_triple { 3 } else { 1 };
    loop {
        let body = quoted.as_bytes().get(at..)?;
        match *body.first()? {
            b'\\' => at = at.saturating_add(2),
            b'\n' if !is_triple => return None,
            _ if is_triple && body.starts_with(triple) => return Some(prefix.saturating_add(at).saturating_add(3)),
            byte if !is_triple && byte == quote => return Some(prefix.saturating_add(at).saturating_add(1)),
            _ => at = at.saturating_add(1),
        }
    }
}

/// The length of a number, with its `L` or `j`.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize, is_digit: fn(&u8) -> bool| {
        bytes.get(from..).unwrap_or_default().iter().take_while(|byte| is_digit(byte)).count().saturating_add(from)
    };
    let byte = |at: usize| bytes.get(at).map(u8::to_ascii_lowercase);
    let mut at = match (byte(0), byte(1)) {
        (Some(b'0'), Some(b'x')) => digits(2, u8::is_ascii_hexdigit),
        (Some(b'0'), Some(b'o' | b'b')) => digits(2, u8::is_ascii_digit),
        _ => {
            let mut at = digits(0, u8::is_ascii_digit);
            if byte(at) == Some(b'.') {
                at = digits(at.saturating_add(1), u8::is_ascii_digit);
            }
            if byte(at) == Some(b'e') {
                let sign = usize::from(matches!(byte(at.saturating_add(1)), Some(b'+' | b'-')));
                let first = at.saturating_add(1).saturating_add(sign);
                if byte(first).is_some_and(|byte| byte.is_ascii_digit()) {
                    at = digits(first, u8::is_ascii_digit);
                }
            }
            at
        }
    };
    at = at.saturating_add(usize::from(matches!(byte(at), Some(b'l' | b'j'))));
    at
}
