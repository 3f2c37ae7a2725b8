//! Literals as the interpreters read them: `tests/oracle/literals.py` asked each for all of a source.
//!
//! The answers in tests/fixtures/literals are always compared; a folder of folders of more, each named after its series, where
//! `PYCAUDIT_LITERALS` names one. There every source that an interpreter reads has to be read, too, but what is listed.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use pycaudit::limits::Limits;
use pycaudit::verify::constant::Constant;
use pycaudit::verify::constant::Constants;
use pycaudit::verify::constant::literal::Literals;
use pycaudit::verify::source_text::SourceText;
use pycaudit::verify::source_text::on_big_stack;
use ruff_python_ast::Expr;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_expr;

/// A constant as the oracle writes it; nothing for what it leaves out.
fn written(constant: &Constant) -> Option<String> {
    let hex = |prefix: &str, bytes: &[u8]| {
        bytes.iter().fold(prefix.to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    };
    Some(match constant {
        Constant::Int(number) => format!("i{number:x}"),
        Constant::Long(number) => format!("l{number:x}"),
        Constant::Float(bits) => format!("f{bits:016x}"),
        Constant::Complex(real, imag) => format!("c{real:016x},{imag:016x}"),
        Constant::Text(bytes) => hex("t", bytes),
        Constant::Bytes(bytes) => hex("b", bytes),
        _ => return None,
    })
}

struct Walk<'a> {
    literals: Literals<'a>,
    constants: Constants,
    found: Vec<String>,
}

impl<'a> Visitor<'a> for Walk<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match self.literals.literal(&mut self.constants, expression) {
            Some(id) => self.found.extend(written(self.constants.get(id))),
            None => walk_expr(self, expression),
        }
    }
}

/// What differs, in one line.
fn compare(answer: &str, series: (u8, u8)) -> Result<(), String> {
    let (path, expected) = answer.split_once('\n').unwrap();
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    on_big_stack(|| {
        let source =
            SourceText::read(&bytes, series, &Limits::default()).map_err(|reason| format!("{path}: {reason}"))?;
        // Modules under the future are compared as the oracle's interpreter reads them.
        let unicode =
            source.text().lines().any(|line| line.starts_with("from __future__") && line.contains("unicode_literals"));
        let literals = Literals { source: &source, unicode };
        let mut walk = Walk { literals, constants: Constants::default(), found: Vec::new() };
        walk.visit_body(&source.module().body);
        walk.found.sort_unstable();
        let mut expected: Vec<&str> = expected.lines().collect();
        expected.sort_unstable();
        if walk.found == expected {
            return Ok(());
        }
        let missing = expected.iter().find(|line| {
            walk.found.iter().filter(|found| found == line).count()
                != expected.iter().filter(|other| other == line).count()
        });
        let extra = walk.found.iter().find(|line| !expected.contains(&line.as_str()));
        Err(format!(
            "{path}: {} literals, not {}; missing {missing:?}, new {extra:?}",
            walk.found.len(),
            expected.len()
        ))
    })
}

fn compare_all(folder: &Path) -> (usize, Vec<String>) {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let (major, minor) = name.split_once('.').unwrap();
    let series = (major.parse().unwrap(), minor.parse().unwrap());
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let differences = paths.iter().filter_map(|path| compare(&fs::read_to_string(path).unwrap(), series).err());
    let differences = differences.collect();
    (paths.len(), differences)
}

#[test]
fn literals_are_what_interpreters_read() {
    for series in ["2.7", "3.8", "3.13"] {
        let (count, differences) = compare_all(&Path::new("tests/fixtures/literals").join(series));
        assert!(count == 2 && differences.is_empty(), "{series}: {differences:#?}");
    }
}

#[test]
fn literals_of_a_library_are_what_interpreters_read() {
    let Some(folder) = env::var_os("PYCAUDIT_LITERALS") else { return };
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let (count, differences) = compare_all(&folder);
        println!("{}: {count} sources, {} differ", folder.display(), differences.len());
        all.extend(differences);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
