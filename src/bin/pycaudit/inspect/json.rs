//! The page of a pyc as JSON, version 1: one object.
//!
//! | field | holds |
//! | --- | --- |
//! | `type`, `format`, `version` | `inspect`, 1, the version of pycaudit |
//! | `pycs` | an object for each pyc found at the place: one, unless the place is an archive |
//!
//! Each of these has
//!
//! | field | holds |
//! | --- | --- |
//! | `pyc` | the `pyc` record of JSON Lines, as documented there; `code_match` and `code_differences` are the code check |
//! | `header_fields` | `offset`, `bytes` (hexadecimal), `name` and `reading` of every field of the header |
//! | `body` | `offset` and `end` of the code in the file; absent when there is none |
//! | `build_paths` | the file names that the code objects were compiled under |
//! | `code` | every code object, an outer one before those inside it |
//! | `imports` | `module`, `level`, `names` (256 at most), `code`; 10,000 at most, and none for a pre-release |
//! | `names` | the names that the code uses, each once |
//! | `strings` | the strings among the constants and in them, each once: `value`, `offset`, `code` |
//! | `constants` | the other constants: `type`, `repr`, `offset`, `code` |
//! | `findings`, `problems` | the records of JSON Lines |
//!
//! A code object has its `index`, the `parent` it stands in, `offset`, `name`, `qualname` (put together up to 3.10, which does not
//! store it), `first_line`, `arguments` (`name`, `kind`), `flags`, `flag_names`, `stack_size`, `locals` (their number), `bytes` (the
//! length of its instructions), `code_digest` and `lines_digest`. `code` in constants is such an index: of the first code object
//! that holds it.
//!
//! Names and strings are `{"text": ..}`, or `{"bytes": ..}` in base64 when they are not UTF-8 or are byte strings that are not;
//! names longer than 256 bytes end in `...`, and a file's arguments are listed up to eight for each of its objects.
//! `repr` is as Python writes it, cut behind 1,000 bytes. A field that is absent
//! is unknown or does not apply. Secrets (PYC605) are masked in all of these, unless `--reveal-secrets` was given. Within version 1 fields are only added.

use std::io;
use std::io::Write;

use pycaudit::entry::PycEntry;
use pycaudit::name;
use pycaudit::pyc;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Value;
use pycaudit::pyc::header;
use pycaudit::pyc::repr::repr;
use pycaudit::pyc::signature;
use pycaudit::pyc::signature::short_name;
use pycaudit::report::jsonl;
use pycaudit::report::record::Text;
use serde::Serialize;

use crate::inspect::facts::CodeFacts;
use crate::inspect::facts::Constant;
use crate::inspect::facts::Facts;
use crate::inspect::imports::Import;

/// Names of one import.
const IMPORTED: usize = 256;

/// Bytes of a constant's `repr`.
const VALUE: usize = 1000;

/// What stands before the pages; `,` and a line end stand between them.
pub(crate) const BEGIN: &str =
    concat!("{\"type\":\"inspect\",\"format\":1,\"version\":\"", env!("CARGO_PKG_VERSION"), "\",\"pycs\":[\n");

/// What stands behind them.
pub(crate) const END: &str = "\n]}\n";

/// Writes the page of a pyc.
pub(crate) fn write(entry: &PycEntry, facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    Ok(serde_json::to_writer(out, &page(entry, facts))?)
}

#[derive(Serialize)]
struct Page<'a, P: Serialize, F: Serialize, R: Serialize> {
    pyc: P,
    header_fields: Vec<Field>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Body>,
    build_paths: Vec<Text<'a>>,
    code: Vec<CodeRecord<'a>>,
    imports: Vec<ImportRecord<'a>>,
    names: Vec<Text<'a>>,
    strings: Vec<StringRecord<'a>>,
    constants: Vec<ConstantRecord>,
    findings: Vec<F>,
    problems: Vec<R>,
}

#[derive(Serialize)]
struct Field {
    offset: u64,
    bytes: String,
    name: &'static str,
    reading: String,
}

#[derive(Serialize)]
struct Body {
    offset: u64,
    end: u64,
}

#[derive(Serialize)]
struct CodeRecord<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<usize>,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    qualname: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_line: Option<i32>,
    arguments: Vec<ArgumentRecord<'a>>,
    flags: i32,
    flag_names: Vec<&'a str>,
    stack_size: i32,
    locals: i32,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines_digest: Option<String>,
}

#[derive(Serialize)]
struct ArgumentRecord<'a> {
    name: Text<'a>,
    kind: &'a str,
}

#[derive(Serialize)]
struct ImportRecord<'a> {
    module: Text<'a>,
    level: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<Text<'a>>,
    code: usize,
}

#[derive(Serialize)]
struct StringRecord<'a> {
    value: Text<'a>,
    offset: u64,
    code: usize,
}

#[derive(Serialize)]
struct ConstantRecord {
    #[serde(rename = "type")]
    kind: &'static str,
    repr: String,
    offset: u64,
    code: usize,
}

fn page<'a>(entry: &'a PycEntry, facts: &'a Facts<'a>) -> impl Serialize + use<'a> {
    let mask = facts.style.mask;
    let layout = entry.pyc.header.as_ref().map(|header| header.layout);
    let fields = header::fields(&entry.head, layout).into_iter().map(|field| Field {
        offset: field.offset,
        bytes: name::hex(&field.bytes),
        name: field.name,
        reading: field.reading,
    });
    Page {
        pyc: jsonl::pyc_record(entry),
        header_fields: fields.collect(),
        body: entry.pyc.body.root().map(|root| Body { offset: root.offset, end: root.end }),
        build_paths: facts.filenames.iter().map(|name| short(*name, mask)).collect(),
        code: facts.codes.iter().map(|code| code_record(code, facts)).collect(),
        imports: facts.imports.list.iter().map(|import| import_record(import, mask)).collect(),
        names: facts.names.iter().map(|name| short(*name, mask)).collect(),
        strings: facts.strings.iter().map(|string| string_record(string, mask)).collect(),
        constants: facts.constants.iter().map(|constant| constant_record(constant, facts)).collect(),
        findings: entry.findings.iter().map(jsonl::finding_record).collect(),
        problems: entry.problems.iter().map(|problem| jsonl::problem_record(&entry.locator, problem)).collect(),
    }
}

fn code_record<'a>(facts: &'a CodeFacts<'a>, all: &Facts<'a>) -> CodeRecord<'a> {
    let mask = all.style.mask;
    let code = facts.code;
    CodeRecord {
        index: code.index(),
        parent: code.parent(),
        offset: code.offset(),
        name: code.name().map(|name| short(name, mask)),
        qualname: Text::of(facts.qualname.as_bytes()),
        first_line: code.firstlineno(),
        arguments: facts
            .arguments
            .iter()
            .map(|argument| ArgumentRecord { name: short(argument.name, mask), kind: argument.kind.code() })
            .collect(),
        flags: code.flags(),
        flag_names: signature::flag_names(code.flags(), all.series).0,
        stack_size: code.stacksize(),
        locals: code.nlocals(),
        bytes: code.code().len(),
        code_digest: facts.digests.map(|(digest, _)| digest.to_string()),
        lines_digest: facts.digests.map(|(_, lines)| lines.to_string()),
    }
}

/// A name. As a range of the file where that does, since many fields can refer to one name.
fn short<'a>(name: pyc::Text<'a>, mask: &'a Mask) -> Text<'a> {
    let name = mask.text(name);
    let name_of = short_name(name);
    if name_of.as_bytes() == name.bytes { Text::of(name.bytes) } else { Text::owned(name_of.as_bytes()) }
}

fn import_record<'a>(import: &Import<'a>, mask: &'a Mask) -> ImportRecord<'a> {
    let names = import.names.map(|names| {
        let names = names.iter().take(IMPORTED).filter_map(Value::as_name);
        names.map(|name| short(name, mask)).collect()
    });
    ImportRecord {
        module: short(import.module, mask),
        level: import.level,
        names: names.unwrap_or_default(),
        code: import.code,
    }
}

fn string_record<'a>(constant: &Constant<'a>, mask: &'a Mask) -> StringRecord<'a> {
    let value = match constant.value {
        Value::Text(text) => Text::owned(&mask.text(text).to_bytes()),
        Value::Bytes(bytes) => Text::of(mask.bytes(bytes)),
        _ => Text::of(&[]),
    };
    StringRecord { value, offset: constant.offset, code: constant.code }
}

fn constant_record(constant: &Constant<'_>, facts: &Facts<'_>) -> ConstantRecord {
    ConstantRecord {
        kind: constant.value.type_name(),
        repr: repr(constant.value, facts.style, VALUE),
        offset: constant.offset,
        code: constant.code,
    }
}
