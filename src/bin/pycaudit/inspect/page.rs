//! The page of a pyc for people.

use std::fmt::Write as _;

use pycaudit::artifact;
use pycaudit::entry::PycEntry;
use pycaudit::name;
use pycaudit::pyc::Mask;
use pycaudit::pyc::header;
use pycaudit::pyc::repr::repr;
use pycaudit::pyc::signature;
use pycaudit::pyc::signature::Argument;
use pycaudit::pyc::signature::ArgumentKind;
use pycaudit::source::Source;

use crate::inspect::facts::CodeFacts;
use crate::inspect::facts::Constant;
use crate::inspect::facts::Facts;
use crate::inspect::imports::Import;

/// How much of long lists and values is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Most {
    /// A screen or two.
    Some,
    /// As much as there is.
    All,
}

/// Rows of a list that are shown when not all are.
const ROWS: usize = 40;

/// Bytes of a value that are shown when not all are.
const VALUE: usize = 90;

/// Bytes of a value that are shown at most: a constant can stand for more than any disk holds.
const LONGEST_VALUE: usize = 1 << 20;

/// Bytes of values that are shown for a byte of file: an escaped byte takes four, and what is in a tuple is shown by itself as well.
/// Any number of constants can refer to one that is long.
const SHOWN: usize = 16;

/// Columns of a line of names.
const WIDTH: usize = 100;

impl Most {
    fn rows(self) -> usize {
        match self {
            Self::Some => ROWS,
            Self::All => usize::MAX,
        }
    }

    fn value(self) -> usize {
        match self {
            Self::Some => VALUE,
            Self::All => LONGEST_VALUE,
        }
    }
}

/// The page.
pub(crate) fn page(entry: &PycEntry, facts: &Facts<'_>, most: Most) -> String {
    let size = usize::try_from(entry.size).unwrap_or(usize::MAX);
    let room = size.saturating_mul(SHOWN).saturating_add(LONGEST_VALUE);
    let mut page = Page { text: String::new(), most, room };
    page.line(&entry.locator.to_string());
    page.identity(entry, facts);
    page.header(entry);
    page.verdicts(entry);
    page.code(facts);
    page.imports(facts);
    page.names(facts);
    page.constants("strings", &facts.strings, facts);
    page.constants("constants", &facts.constants, facts);
    page.findings(entry);
    page.line("");
    page.text
}

/// Text in the making.
struct Page {
    text: String,
    most: Most,
    /// Bytes of long values that may still be shown; then they are cut as if not all were asked for.
    room: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn field(&mut self, label: &str, value: &str) {
        self.line(&format!("{label:<12} {value}"));
    }

    /// A heading with the number of what follows; false when nothing does.
    fn heading(&mut self, label: &str, count: usize) -> bool {
        if count > 0 {
            self.line("");
            self.line(&format!("{label} ({count})"));
        }
        count > 0
    }

    /// Says how many rows of a list were left out.
    fn rest(&mut self, count: usize) {
        let left = count.saturating_sub(self.most.rows());
        if left > 0 {
            self.line(&format!("  ... and {left} more; --all shows them"));
        }
    }

    fn identity(&mut self, entry: &PycEntry, facts: &Facts<'_>) {
        let pyc = &entry.pyc;
        self.field("size", &format!("{} bytes", entry.size));
        if let Some(digest) = entry.sha256 {
            self.field("sha256", &digest.to_string());
        }
        if let Some(digest) = entry.payload_sha256 {
            self.field("payload", &digest.to_string());
        }
        if let Some((code, lines)) = facts.codes.first().and_then(|code| code.digests) {
            self.field("code", &code.to_string());
            self.field("lines", &lines.to_string());
        }
        self.field("python", &entry.python());
        self.field("module", &entry.module);
        if let Some(root) = pyc.body.root() {
            self.field("body", &format!("{} code objects, {} to {}", root.code_objects, root.offset, root.end));
        }
        for filename in facts.filenames.iter().filter(|filename| !filename.bytes.is_empty()).take(self.most.rows()) {
            self.field("build path", &facts.style.mask.short_name(*filename).to_string());
        }
        self.rest(facts.filenames.len());
        if pyc.trailing > 0 {
            self.field("trailing", &format!("{} bytes after the code", pyc.trailing));
        }
    }

    fn header(&mut self, entry: &PycEntry) {
        self.line("");
        self.line("header");
        self.line("  offset  bytes                    field");
        let layout = entry.pyc.header.as_ref().map(|header| header.layout);
        for field in header::fields(&entry.head, layout) {
            let bytes = spaced(&field.bytes);
            self.line(&format!("  {:>6}  {bytes:<23}  {:<12}  {}", field.offset, field.name, field.reading));
        }
        self.line("");
    }

    fn verdicts(&mut self, entry: &PycEntry) {
        let source = match &entry.source {
            Source::Present(source) => source.locator.to_string(),
            Source::Absent => "none found".to_owned(),
            Source::Ambiguous(places) => {
                format!("one of {}", places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
        };
        self.field("source", &source);
        self.field("header says", &header_says(entry));
        self.code_check(entry);
        self.field("load", &format!("{}: {}", entry.load.verdict.code(), entry.load.reason));
        for problem in &entry.problems {
            self.field("not read", &problem.to_string());
        }
    }

    fn code_check(&mut self, entry: &PycEntry) {
        let check = &entry.code_check;
        let detail = match (check.strength(), check.reason()) {
            (Some(strength), _) => format!("{} ({})", check.code(), strength.word()),
            (None, Some(reason)) => format!("{}: {reason}", check.code()),
            (None, None) => check.code().to_owned(),
        };
        self.field("code says", &detail);
        if let Some(exact) = &entry.exact {
            self.field("compiled says", &exact.to_string());
        }
        let differences = check.differences();
        for difference in differences.iter().take(self.most.rows()) {
            let line = difference.line.map(|line| format!("line {line}, ")).unwrap_or_default();
            let at = difference.offset.map(|offset| format!(" at {offset}")).unwrap_or_default();
            self.line(&format!("  {line}{}{at}", difference.code));
            if !difference.text.is_empty() {
                self.line(&format!("      source   {}", difference.text));
            }
            self.line(&format!("      expected {}", difference.expected));
            self.line(&format!("      found    {}", difference.found));
        }
        self.rest(differences.len());
    }

    fn code(&mut self, facts: &Facts<'_>) {
        if !self.heading("code objects", facts.codes.len()) {
            return;
        }
        self.line("   line   bytes  digest        object");
        for code in facts.codes.iter().take(self.most.rows()) {
            let line = code.code.firstlineno().map(|line| line.to_string()).unwrap_or_default();
            let digest = code.digests.map(|(digest, _)| name::hex(&digest.0[..6])).unwrap_or_default();
            let indent = "  ".repeat(code.depth.min(20));
            let bytes = code.code.code().len();
            let object = shown(code, facts);
            self.line(&format!("  {line:>5} {bytes:>7}  {digest:<12}  {indent}{object}"));
        }
        self.rest(facts.codes.len());
    }

    fn imports(&mut self, facts: &Facts<'_>) {
        let count = facts.imports.list.len().saturating_add(facts.imports.left_out);
        if !self.heading("imports", count) {
            return;
        }
        for import in facts.imports.list.iter().take(self.most.rows()) {
            let place = facts.codes.get(import.code).map(|code| code.qualname.to_string()).unwrap_or_default();
            self.line(&format!("  {}  [{place}]", import_of(import, facts.style.mask)));
        }
        self.rest(count);
    }

    fn names(&mut self, facts: &Facts<'_>) {
        if !self.heading("names", facts.names.len()) {
            return;
        }
        let mut line = String::from(" ");
        // Some names fit in a row.
        let most = self.most.rows().saturating_mul(8);
        for (place, text) in facts.names.iter().take(most).enumerate() {
            let name = facts.style.mask.short_name(*text).to_string();
            if line.len() + name.len() > WIDTH && line.len() > 1 {
                self.line(&line);
                line.truncate(1);
            }
            let comma = if place + 1 == facts.names.len() { "" } else { "," };
            let _ = write!(line, " {name}{comma}");
        }
        self.line(&line);
        let left = facts.names.len().saturating_sub(most);
        if left > 0 {
            self.line(&format!("  ... and {left} more; --all shows them"));
        }
    }

    fn constants(&mut self, label: &str, constants: &[Constant<'_>], facts: &Facts<'_>) {
        if !self.heading(label, constants.len()) {
            return;
        }
        for constant in constants.iter().take(self.most.rows()) {
            let value = repr(constant.value, facts.style, self.most.value().min(self.room.max(VALUE)));
            self.room = self.room.saturating_sub(value.len());
            let place = facts.codes.get(constant.code).map(|code| code.qualname.to_string()).unwrap_or_default();
            self.line(&format!("  {:>6}  {value}  [{place}]", constant.offset));
        }
        self.rest(constants.len());
    }

    fn findings(&mut self, entry: &PycEntry) {
        if !self.heading("findings", entry.findings.len()) {
            return;
        }
        for finding in &entry.findings {
            let (severity, rule) = (finding.severity.code(), finding.rule);
            self.line(&format!("  {severity}: {} [{} {}]", finding.message, rule.id, rule.name));
            for (label, value) in [("expected", &finding.expected), ("observed", &finding.observed)] {
                if !value.is_empty() {
                    self.line(&format!("      {label} {value}"));
                }
            }
        }
    }
}

/// A code object in a line: qualified name, arguments, and the flags that these do not tell.
fn shown(code: &CodeFacts<'_>, facts: &Facts<'_>) -> String {
    const TOLD: [&str; 6] = ["OPTIMIZED", "NEWLOCALS", "VARARGS", "VARKEYWORDS", "NESTED", "NOFREE"];
    let mut text = code.qualname.to_string();
    let is_function = code.code.flags() & pycaudit::pyc::code::CO_OPTIMIZED != 0;
    if is_function || !code.arguments.is_empty() {
        text.push_str(&signature_of(&code.arguments, facts.style.mask));
    }
    let (names, unknown) = signature::flag_names(code.code.flags(), facts.series);
    for flag in names.iter().filter(|flag| !TOLD.contains(flag)) {
        let _ = write!(text, " {flag}");
    }
    if unknown != 0 {
        let _ = write!(text, " flags {unknown:#x}");
    }
    text
}

/// An import as a statement.
fn import_of(import: &Import<'_>, mask: &Mask) -> String {
    // No honest package is that deep.
    let dots = ".".repeat(usize::try_from(import.level).unwrap_or_default().min(ROWS));
    let module = mask.short_name(import.module);
    let Some(names) = import.names else { return format!("import {dots}{module}") };
    let shown = names
        .iter()
        .take(ROWS)
        .map(|name| name.as_name().map(|name| mask.short_name(name)).unwrap_or_default().to_string());
    let mut shown: Vec<String> = shown.collect();
    if names.len() > ROWS {
        shown.push(format!("... {} more", names.len() - ROWS));
    }
    format!("from {dots}{module} import {}", shown.join(", "))
}

/// Arguments as a `def` line has them.
fn signature_of(arguments: &[Argument<'_>], mask: &Mask) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut before = None;
    for argument in arguments.iter().take(ROWS) {
        let name = mask.short_name(argument.name).to_string();
        if before == Some(ArgumentKind::PositionalOnly) && argument.kind != ArgumentKind::PositionalOnly {
            parts.push("/".to_owned());
        }
        if argument.kind == ArgumentKind::KeywordOnly
            && !matches!(before, Some(ArgumentKind::VarPositional | ArgumentKind::KeywordOnly))
        {
            parts.push("*".to_owned());
        }
        parts.push(match argument.kind {
            ArgumentKind::VarPositional => format!("*{name}"),
            ArgumentKind::VarKeyword => format!("**{name}"),
            _ => name,
        });
        before = Some(argument.kind);
    }
    if before == Some(ArgumentKind::PositionalOnly) {
        parts.push("/".to_owned());
    }
    if arguments.len() > ROWS {
        parts.push(format!("... {} more", arguments.len() - ROWS));
    }
    format!("({})", parts.join(", "))
}

/// What the header says, against the source.
fn header_says(entry: &PycEntry) -> String {
    // Writing to a `String` cannot fail.
    let check = &entry.header_check;
    let mut says = check.outcome.code().to_owned();
    if let Some((recorded, actual)) = check.mtime {
        let time = |seconds| artifact::rfc3339(seconds).unwrap_or_else(|| seconds.to_string());
        let _ = write!(says, "; mtime recorded {}, source {}", time(i64::from(recorded)), time(actual));
    }
    if let Some((recorded, actual)) = check.size {
        let _ = write!(says, "; size recorded {recorded}, source {actual}");
    }
    if let Some((recorded, actual)) = check.hash {
        let _ = write!(says, "; hash recorded {}, source {}", name::hex(&recorded), name::hex(&actual));
    }
    says
}

/// Bytes in hexadecimal with spaces between.
fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| name::hex(&[byte])).collect::<Vec<_>>().join(" ")
}
