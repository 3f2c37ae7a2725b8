//! How deep a syntax tree can become, told before there is one.
//!
//! Parser and destructor of a tree recurse, so the depth is bounded from the tokens, by the parser's own lexer: the operators,
//! brackets and keywords that one operand is under. A comma or the end of a statement begins anew; a closed bracket counts once.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer;

use super::Reason;

/// What is open at one level of brackets.
#[derive(Default)]
struct Level {
    /// Tokens since the last comma under which what follows may stand.
    tokens: usize,
    /// Lambdas whose parameters are being read: a comma there does not end them.
    lambdas: usize,
}

/// CPython's tokenizer allows this many levels of indentation (`MAXINDENT` in Parser/tokenizer.c).
const MOST_INDENTS: usize = 100;

/// Refuses what may become too deep, and what has no tokens; says how deep it becomes.
pub(in crate::verify) fn check(text: &str, most: usize) -> Result<usize, Reason> {
    let mut lexer = lexer::lex(text, Mode::Module);
    let mut levels = vec![Level::default()];
    let (mut depth, mut indents, mut deepest) = (0_usize, 0_usize, 0_usize);
    loop {
        let kind = lexer.next_token();
        let Some(level) = levels.last_mut() else { return Err(Reason::Tokens) };
        match kind {
            TokenKind::EndOfFile => return Ok(deepest),
            TokenKind::Unknown => return Err(Reason::Tokens),
            TokenKind::Indent => indents = indents.saturating_add(1),
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Newline => {
                levels.clear();
                levels.push(Level::default());
                depth = 0;
            }
            TokenKind::Comma | TokenKind::Semi => {
                if level.lambdas == 0 {
                    depth = depth.saturating_sub(level.tokens);
                    level.tokens = 0;
                }
            }
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::FStringStart
            | TokenKind::TStringStart => {
                level.tokens = level.tokens.saturating_add(1);
                depth = depth.saturating_add(1);
                levels.push(Level::default());
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace | TokenKind::FStringEnd | TokenKind::TStringEnd => {
                if levels.len() > 1
                    && let Some(closed) = levels.pop()
                {
                    depth = depth.saturating_sub(closed.tokens);
                }
            }
            TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::True
            | TokenKind::False
            | TokenKind::None
            | TokenKind::Ellipsis
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline => {}
            _ => {
                match kind {
                    TokenKind::Lambda => level.lambdas = level.lambdas.saturating_add(1),
                    TokenKind::Colon => level.lambdas = level.lambdas.saturating_sub(1),
                    _ => {}
                }
                level.tokens = level.tokens.saturating_add(1);
                depth = depth.saturating_add(1);
            }
        }
        if depth > most || indents > MOST_INDENTS {
            return Err(Reason::Depth);
        }
        deepest = deepest.max(depth.saturating_add(indents));
    }
}
