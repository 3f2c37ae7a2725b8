//! The code of a file against what an interpreter compiled from its source: the same, or where not.

use std::fmt;

use crate::name::Name;
use crate::pyc::Code;
use crate::pyc::CodeDigest;
use crate::pyc::Digester;
use crate::pyc::Tree;

/// What an interpreter has to say of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact {
    /// Which one: its path and version, for people; empty without one.
    pub interpreter: String,
    /// What it says.
    pub outcome: ExactOutcome,
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.interpreter.as_str() {
            "" => write!(f, "{}", self.outcome),
            interpreter => write!(f, "{interpreter}: {}", self.outcome),
        }
    }
}

/// What comparing with compiled code gave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExactOutcome {
    /// The same in all but the file name: code, constants, names, tables, lines.
    #[error("identical")]
    Identical,
    /// Not the same. Releases of one series compile differently, so this alone is no sign of tampering.
    #[error("it compiles `{code}` differently{}", line.map(|line| format!(" (line {line})")).unwrap_or_default())]
    Different {
        /// The first code object that differs by itself, not by one inside it.
        code: Name,
        /// Its first line.
        line: Option<i32>,
    },
    /// It differs in nothing but the lines that tracebacks show.
    #[error("it gives `{code}` other lines")]
    OtherLines {
        /// The first code object whose lines differ.
        code: Name,
    },
    /// The compiler refuses the source.
    #[error("it refuses the source: {0}")]
    Refused(String),
    /// It gave no answer.
    #[error("it gave no code: {0}")]
    Failed(String),
    /// None writes this magic number.
    #[error("no interpreter at hand writes its magic number")]
    NoInterpreter,
}

impl ExactOutcome {
    /// The word for it in reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Different { .. } => "different",
            Self::OtherLines { .. } => "other-lines",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::NoInterpreter => "no-interpreter",
        }
    }
}

/// Compares the code of a file with what was compiled, by their digests.
pub fn compare(found: &Tree<'_>, compiled: &Tree<'_>) -> ExactOutcome {
    let mut digester = Digester::default();
    let ours = digester.codes(found);
    let theirs = digester.codes(compiled);
    let root = |tree: &Tree<'_>| tree.root().map(Code::index);
    let at =
        |digests: &[Option<_>], index: Option<usize>| index.and_then(|index| digests.get(index).copied().flatten());
    let (Some((our_code, our_lines)), Some((their_code, their_lines))) =
        (at(&ours, root(found)), at(&theirs, root(compiled)))
    else {
        return ExactOutcome::Failed("what it gave could not be read".to_owned());
    };
    if (our_code, our_lines) == (their_code, their_lines) {
        return ExactOutcome::Identical;
    }
    // The innermost that has no equal on the other side: it ends first.
    let mut codes: Vec<_> = found.codes().collect();
    codes.sort_by_key(|code| code.end());
    let name = |index: usize| {
        let code = found.codes().nth(index);
        let text = code.and_then(|code| code.qualname().or_else(|| code.name()));
        Name::new(text.map(|text| text.to_bytes().into_owned()).unwrap_or_default())
    };
    if our_code == their_code {
        let is_known = |lines| theirs.iter().flatten().any(|(_, other)| *other == lines);
        let odd = codes.iter().find(|code| at(&ours, Some(code.index())).is_some_and(|(_, lines)| !is_known(lines)));
        return ExactOutcome::OtherLines { code: name(odd.map_or(0, |code| code.index())) };
    }
    let is_known = |digest: CodeDigest| theirs.iter().flatten().any(|(other, _)| *other == digest);
    let odd = codes.iter().find(|code| at(&ours, Some(code.index())).is_some_and(|(digest, _)| !is_known(digest)));
    let line = odd.and_then(|code| code.firstlineno());
    ExactOutcome::Different { code: name(odd.map_or(0, |code| code.index())), line }
}
