//! JSON Lines, version 1: one object per line, each with its `type`.
//!
//! | `type` | when | holds |
//! | --- | --- | --- |
//! | `run` | first | `format` (1), `version`, `arguments`, `options`, `paths`, `started` |
//! | `pyc` | per pyc, in path order | what the CSV columns say, in full; `payload_sha256` is of the code alone; `findings` are ids |
//! | `finding` | after the pyc or artifact it is about | `rule`, `name`, `severity`, place, message, evidence, `fingerprint` |
//! | `suppressed` | after the findings | as `finding`, and what suppresses it (`by`: `baseline`, `per-path-ignores`) and why (`reason`) |
//! | `problem` | after the pyc or artifact it is about | place, `kind`, `message`, `offset` |
//! | `artifact` | after all entries of an archive or tree | kind, digest, size, `ledger` |
//! | `summary` | last | counts, the ledger, `suppressed` and `suppressions`, `ended` |
//!
//! `code_match` of a `pyc` is `verified` or `differs`, both with `strength` and the optimisation level `code_level` that was compared
//! with, or `unverified`, with `code_reason` and, in words, `code_detail`. `code_differences` are the first 16 places where code and
//! source part: `code` object, `line` of the source and its `text`, `offset` of the instruction in its code object, what the source
//! dictates (`expected`) and what the bytecode does (`found`). `code_passages` are source and instructions around the first of them, by
//! code object: `lines` with their `text`, the `instructions` that claim to be of the line, and what `differs`.
//!
//! With `--verify exact` a `pyc` that has a source has `exact`: the `interpreter` that compiled the source, its `outcome` (`identical`,
//! `different`, `other-lines`, `refused`, `failed`, `no-interpreter`) and, in words, the `detail`.
//!
//! A finding that a baseline or the configuration accepts is a `suppressed` record: it is in no `findings` and no count but
//! `suppressed`. `suppressions` of the `summary` says which entries of each file suppressed nothing (`unused`).
//!
//! A pyc is followed by as many `problem`, `finding` and `suppressed` records as it says in `problems`, `findings` and `suppressed`; those before an artifact are its
//! own. `templates/jsonl.schema.json` is the JSON Schema of a line, and `pycaudit report` makes every other report from these.
//!
//! Names are `{"text": ...}` when they are valid UTF-8 and `{"bytes": ...}` (base64) when not, as they are. What is invisible or
//! reorders a line is written as an escape (`\u202e`), which says the same in JSON and is safe on a terminal. Times are RFC 3339
//! in UTC. A field that is absent is unknown or does not apply. Within version 1 fields are only added.

use std::io;
use std::io::Write;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use crate::artifact::Locator;
use crate::entry::PycEntry;
use crate::name;
use crate::problem::Problem;
use crate::report::Reporter;
use crate::report::record::FindingRecord;
use crate::report::record::Item;
use crate::report::record::ProblemRecord;
use crate::report::record::PycRecord;
use crate::report::record::Record;
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;
use crate::rules::Finding;

/// The JSON Schema of a line.
pub const SCHEMA: &str = include_str!("../../templates/jsonl.schema.json");

/// Most lines are shorter, in bytes.
const LINE: usize = 1 << 11;

/// Starts the report and writes its `run` record.
pub fn start(run: &RunRecord, mut out: Box<dyn Write + Send>) -> io::Result<Box<dyn Reporter>> {
    line(&mut out, &Record::Run(run))?;
    Ok(Box::new(JsonLines { out }))
}

struct JsonLines {
    out: Box<dyn Write + Send>,
}

impl Reporter for JsonLines {
    fn item(&mut self, item: &Item) -> io::Result<()> {
        item.records().try_for_each(|record| line(&mut self.out, &record))
    }

    fn finish(mut self: Box<Self>, summary: &SummaryRecord) -> io::Result<()> {
        line(&mut self.out, &Record::Summary(summary))?;
        self.out.flush()
    }
}

/// Writes a record and the end of its line.
pub(super) fn line(out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
    // Written in pieces of some bytes each, for which a writer behind a pointer is slow.
    let mut text = Vec::with_capacity(LINE);
    record.serialize(&mut Serializer::with_formatter(&mut text, Escaped))?;
    text.push(b'\n');
    out.write_all(&text)
}

/// Compact JSON in which characters that are invisible or reorder a line are escapes, so that a terminal can show it.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() && !fragment.contains('\u{7f}') {
            return out.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            let mut units = [0; 2];
            if name::is_deceptive(character) {
                character.encode_utf16(&mut units).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
            } else {
                write!(out, "{character}")?;
            }
        }
        Ok(())
    }
}

/// A record for other documents.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Owned {
    Pyc(Box<PycRecord>),
    Finding(Box<FindingRecord>),
    Problem(Box<ProblemRecord>),
}

/// The `pyc` record of an entry, for other documents.
pub fn pyc_record(entry: &PycEntry) -> impl Serialize + use<> {
    Owned::Pyc(Box::new(PycRecord::of(entry)))
}

/// The `finding` record, for other documents.
pub fn finding_record(finding: &Finding) -> impl Serialize + use<> {
    Owned::Finding(Box::new(FindingRecord::of(finding)))
}

/// The `problem` record, for other documents.
pub fn problem_record(locator: &Locator, problem: &Problem) -> impl Serialize + use<> {
    Owned::Problem(Box::new(ProblemRecord::of(locator, problem)))
}
