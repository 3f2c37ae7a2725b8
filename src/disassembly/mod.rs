//! Disassembly: a tree of code objects in, lines of text out, one layout for every version.
//!
//! It says what CPython's own `dis` says for its version: offsets, lines, jump targets, what arguments mean, handlers of exceptions.
//! It follows no jump and judges nothing. Rows are made one by one, so that memory does not grow with the code, and code that many
//! code objects share is not written out for each.

mod argument;
mod rows;
mod source_lines;

use std::io;
use std::io::Write;

use crate::name::Name;
use crate::pyc::Code;
use crate::pyc::Mask;
use crate::pyc::Tree;
use crate::pyc::Version;
use crate::pyc::exceptions::Handler;
use crate::pyc::exceptions::Handlers;
use crate::pyc::opcodes::Opcodes;
use crate::pyc::repr::Era;
use crate::pyc::repr::Style;
use crate::pyc::signature;
use crate::pyc::versions::Implementation;
use crate::pyc::versions::VERSIONS;

pub use argument::LONGEST_CONSTANT;
pub use argument::constant;
pub use rows::LineStart;
pub use rows::Row;
pub use rows::Rows;
pub use source_lines::SourceLines;

/// Bytes of instructions and tables that are written out for a byte of file; code objects can share theirs by reference.
const SHARING: usize = 8;

/// Why there is no disassembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The file is damaged before its first code object, or is no pyc.
    #[error("no code object could be read")]
    NoCode,
    /// The magic number is not known, or its instructions are not.
    #[error("the instructions of this magic number are not known; `--python` says which to take")]
    Version,
    /// The body is not of the version that the magic stands for: somebody wrote another magic over it.
    #[error(
        "the code object is one of {0}, not of the version that the magic number says; `--python` says which to take"
    )]
    OtherLayout(&'static str),
}

/// The code objects of a pyc, and how to read them.
#[derive(Debug)]
pub struct Disassembly<'t, 'a> {
    tree: &'t Tree<'a>,
    version: &'static Version,
    opcodes: &'static Opcodes,
    style: Style<'t>,
    qualnames: Vec<Name>,
}

impl<'t, 'a> Disassembly<'t, 'a> {
    /// A tree by the version that its magic number stands for; strings are shown as the mask says.
    pub fn of(tree: &'t Tree<'a>, mask: &'t Mask) -> Result<Self, Unknown> {
        if tree.root().is_none() {
            return Err(Unknown::NoCode);
        }
        if let Some(fit) = tree.pyc.fit.filter(|fit| fit.is_other_layout() || fit.expected_layout.is_none()) {
            return Err(if fit.is_other_layout() { Unknown::OtherLayout(fit.versions) } else { Unknown::Version });
        }
        Self::as_version(tree, tree.pyc.version.ok_or(Unknown::Version)?, mask)
    }

    /// A tree as if it were of a version.
    pub fn as_version(tree: &'t Tree<'a>, version: &'static Version, mask: &'t Mask) -> Result<Self, Unknown> {
        let root = tree.root().ok_or(Unknown::NoCode)?;
        let opcodes = Opcodes::near(version).ok_or(Unknown::Version)?;
        let era = if root.layout().is_python_2() { Era::Python2 } else { Era::Python3 };
        Ok(Self { tree, version, opcodes, style: Style { era, mask }, qualnames: signature::qualnames(tree, mask) })
    }

    /// The final release of CPython of a series, `3.12`, for [`Self::as_version`].
    pub fn version_of_series(series: &str) -> Option<&'static Version> {
        let (major, minor) = series.split_once('.')?;
        let series = (major.parse().ok()?, minor.parse().ok()?);
        let is_wanted = |version: &&Version| {
            version.implementation == Implementation::CPython && version.is_final() && version.serves(series)
        };
        VERSIONS.iter().rfind(is_wanted)
    }

    /// The version whose instructions it is read by.
    pub fn version(&self) -> &'static Version {
        self.version
    }

    /// Whether the instructions are those of the version for certain; a pre-release can differ from the final release.
    pub fn is_certain(&self) -> bool {
        Opcodes::of(self.version).is_some()
    }

    /// The code objects with their qualified names, an outer one before those inside it.
    pub fn codes(&self) -> impl Iterator<Item = (Code<'a>, &Name)> {
        self.tree.codes().zip(&self.qualnames)
    }

    /// Whether a code object goes by a name: its own or its qualified one.
    pub fn is_named(code: Code<'_>, qualname: &Name, wanted: &[u8]) -> bool {
        qualname.as_bytes() == wanted || code.name().is_some_and(|name| name.to_bytes().as_ref() == wanted)
    }

    /// The instructions of a code object, one row for each, prefixes included.
    pub fn rows(&self, code: Code<'a>) -> Rows<'t, 'a> {
        Rows::new(code, self.version, self.opcodes, self.style)
    }

    /// Writes the code objects, or those of a name; returns how many there are of it.
    pub fn write(
        &self,
        wanted: Option<&[u8]>,
        source: Option<&SourceLines<'_>>,
        out: &mut dyn Write,
    ) -> io::Result<usize> {
        let mut budget = self.tree.size().saturating_mul(SHARING);
        let mut written = 0_usize;
        for (code, qualname) in self.codes() {
            if wanted.is_some_and(|wanted| !Self::is_named(code, qualname, wanted)) {
                continue;
            }
            written = written.saturating_add(1);
            write_title(code, qualname, out)?;
            let sizes = [code.code().len(), code.linetable().len(), code.exceptiontable().len()];
            let Some(left) = budget.checked_sub(sizes.iter().sum()) else {
                writeln!(out, "  not written out: its instructions are shared by too many code objects")?;
                continue;
            };
            budget = left;
            self.write_code(code, source, out)?;
        }
        Ok(written)
    }

    fn write_code(&self, code: Code<'a>, source: Option<&SourceLines<'_>>, out: &mut dyn Write) -> io::Result<()> {
        let layout = Layout::of(code);
        let mut is_first = true;
        for row in self.rows(code) {
            if row.line != LineStart::Same {
                if !is_first {
                    writeln!(out)?;
                }
                if let (LineStart::Line(line), Some(text)) = (row.line, source)
                    && let Some(text) = text.shown(line)
                {
                    writeln!(out, "{}", format!("{line:>5} | {text}").trim_end())?;
                }
            }
            is_first = false;
            writeln!(out, "{}", layout.row(&row))?;
        }
        if code.end().is_none() {
            writeln!(out, "  the data end inside this code object")?;
        }
        write_handlers(code, out)
    }
}

/// How wide the columns are.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    offset: usize,
}

impl Layout {
    /// Wide enough for the offsets of a code object.
    pub fn of(code: Code<'_>) -> Self {
        Self { offset: code.code().len().to_string().len().max(4) }
    }

    /// A row with its line in front.
    pub fn row(self, row: &Row) -> String {
        let line = match row.line {
            LineStart::Same => String::new(),
            LineStart::Line(line) => line.to_string(),
            LineStart::NoLine => "--".to_owned(),
        };
        let mark = if row.is_target { ">>" } else { "" };
        let width = self.offset;
        format!("{line:>5} {mark:>2} {:>width$} {}", row.offset, row.instruction())
    }
}

fn write_title(code: Code<'_>, qualname: &Name, out: &mut dyn Write) -> io::Result<()> {
    let line = code.firstlineno().map(|line| format!(" (line {line})")).unwrap_or_default();
    writeln!(out, "\nDisassembly of {qualname}{line}:")
}

/// The exception table in the words of 3.11: the ranges with their last instruction, the depth of the stack in brackets.
fn write_handlers(code: Code<'_>, out: &mut dyn Write) -> io::Result<()> {
    if code.exceptiontable().is_empty() {
        return Ok(());
    }
    writeln!(out, "ExceptionTable:")?;
    for handler in Handlers::new(code.exceptiontable()) {
        match handler {
            Ok(handler) => writeln!(out, "  {}", handler_text(&handler))?,
            Err(fault) => writeln!(out, "  damaged at byte {} of the table", fault.offset)?,
        }
    }
    Ok(())
}

/// An entry of the exception table: `4 to 24 -> 28 [0] lasti`.
pub fn handler_text(handler: &Handler) -> String {
    let last = handler.end.saturating_sub(2);
    let lasti = if handler.lasti { " lasti" } else { "" };
    format!("{} to {last} -> {} [{}]{lasti}", handler.start, handler.target, handler.depth)
}
