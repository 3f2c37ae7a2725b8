//! PYC211.

use crate::place::PlaceKind;
use crate::pyc::Code;
use crate::pyc::Value;
use crate::pyc::code::CO_OPTIMIZED;
use crate::pyc::instruction::Instruction;
use crate::pyc::instruction::Instructions;
use crate::pyc::instruction::Operand;
use crate::pyc::instruction::Table;
use crate::pyc::opcodes::Op;
use crate::pyc::opcodes::Opcodes;
use crate::pyc::versions::Implementation;
use crate::pyc::versions::Version;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;
use crate::verify::check::CodeCheck;

declare_rule! {
    /// ## What it reports
    /// A pyc whose name says one level of optimisation and whose code has another. Where it has a source and its code was compiled
    /// from it, at the other level: this is how a plain pyc that lacks asserts or docstrings is told, also a `.pyc` of Python 2, whose
    /// `-O` writes a `.pyo`. Elsewhere asserts in an `opt-1` or
    /// `opt-2` (Python 3.9 and later, where an assert has an instruction of its own), and docstrings of functions in an `opt-2`.
    ///
    /// ## Why it matters
    /// The file is not what the compiler wrote under that name: it was renamed, or put there by something else.
    ///
    /// ## Innocent causes
    /// Tools that copy one pyc to all three names, which is right only when all three are equal.
    ///
    /// ## Severity
    /// Medium; low in bytecode that is stale or never looked at.
    ///
    /// ## What to do
    /// Compile the source again with `-O`, and see what wrote the file.
    ///
    /// ## References
    /// PEP 488; `compiler_assert` and `compiler_function` in CPython's Python/compile.c.
    id: "PYC211",
    name: "opt-level-lie",
    summary: "the name says another level of optimisation than the code has",
    severity: Medium,
    check: Pyc(check),
}

/// Bytes of instructions that are read for a byte of file, since code objects can share theirs.
const SHARING: usize = 8;

/// Flag of a function of 3.13 and later: its first constant is its docstring.
const CO_HAS_DOCSTRING: i32 = 0x400_0000;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let place = context.place;
    if let CodeCheck::Verified { optimisation, .. } = context.code_check {
        check_verified(context, *optimisation, findings);
        return;
    }
    let level = match place.optimization.as_bytes() {
        b"1" => 1,
        b"2" => 2,
        _ => return,
    };
    let is_other = context.pyc.fit.is_some_and(|fit| fit.is_other_layout());
    if place.kind == PlaceKind::Legacy || !place.extra.as_bytes().is_empty() || !context.pyc.body.is_code() || is_other
    {
        return;
    }
    let Some((version, opcodes)) = context.pyc.version.and_then(|version| Some((version, Opcodes::of(version)?)))
    else {
        return;
    };
    let is_cpython = version.implementation == Implementation::CPython;
    let assertions = if version.series >= (3, 9) { assertions(opcodes) } else { Vec::new() };
    let mut budget = context.tree.size().saturating_mul(SHARING);
    for code in context.tree.codes() {
        let Some(left) = budget.checked_sub(code.code().len()) else { return };
        budget = left;
        let asserts = || {
            assertions.iter().any(|&number| memchr::memchr(number, code.code()).is_some())
                && Instructions::new(code.code(), opcodes).any(|it| is_assertion(&it, code, opcodes))
        };
        let what = if level == 2 && is_cpython && has_docstring(code, opcodes, version.series) {
            Some("a docstring")
        } else if asserts() {
            Some("an assert")
        } else {
            None
        };
        if let Some(what) = what {
            let message = format!("{} has {what}, though its name says level {level}", context.named(Some(code)));
            let finding = findings.add(message);
            finding.at(code.offset()).compared(format!("no {}", what.split(' ').next_back().unwrap_or_default()), what);
            finding.line = code.firstlineno().and_then(|line| u32::try_from(line).ok());
            if context.is_passed_over() {
                finding.severity(Severity::Low);
            }
            return;
        }
    }
}

/// A file whose code was compiled from its source, at this level. In a legacy place the name of a 3.x says nothing of it: `compileall -b`
/// writes all levels to one name.
fn check_verified(context: &PycContext<'_>, level: u8, findings: &mut Findings<'_>) {
    let place = context.place;
    let said = match place.optimization.as_bytes() {
        b"" => 0,
        b"1" => 1,
        b"2" => 2,
        _ => return,
    };
    if said == level || place.kind == PlaceKind::Legacy && !writes_pyo(context) || place.extension.as_bytes() != b"pyc"
    {
        return;
    }
    let what = match level {
        0 => "has asserts or docstrings",
        1 => "lacks asserts",
        _ => "lacks docstrings",
    };
    let module = context.module;
    let finding = findings.add(format!("`{module}` was compiled at level {level} ({what}), its name says {said}"));
    finding.compared(format!("code of level {said}"), format!("code of level {level}"));
    if context.is_passed_over() {
        finding.severity(Severity::Low);
    }
}

/// Whether the interpreter puts optimised code in a file of its own beside the source: CPython up to 3.1 writes a `.pyo` with `-O`.
fn writes_pyo(context: &PycContext<'_>) -> bool {
    let is_old = |version: &Version| version.implementation == Implementation::CPython && version.series < (3, 2);
    context.pyc.version.is_some_and(is_old)
}

/// The numbers of the instructions that an assert has: where none of them is among the bytes, there is no assert.
fn assertions(opcodes: &Opcodes) -> Vec<u8> {
    let is_assertion = |op| matches!(op, Op::LOAD_ASSERTION_ERROR | Op::LOAD_COMMON_CONSTANT);
    (0..=u8::MAX).filter(|&number| opcodes.row(number).is_some_and(|row| is_assertion(row.op))).collect()
}

fn is_assertion(instruction: &Instruction, code: Code<'_>, opcodes: &Opcodes) -> bool {
    match instruction.op() {
        Some(Op::LOAD_ASSERTION_ERROR) => true,
        Some(Op::LOAD_COMMON_CONSTANT) => {
            matches!(instruction.operand(code, opcodes), Operand::Word("AssertionError"))
        }
        _ => false,
    }
}

/// Whether the first constant of a function is its docstring: text that no instruction loads.
fn has_docstring(code: Code<'_>, opcodes: &'static Opcodes, series: (u8, u8)) -> bool {
    if series >= (3, 13) {
        return code.flags() & CO_HAS_DOCSTRING != 0;
    }
    let is_named = code.name().is_some_and(|name| !name.bytes.starts_with(b"<"));
    if series < (3, 4) || !is_named || code.flags() & CO_OPTIMIZED == 0 {
        return false;
    }
    matches!(code.consts().get(0), Some(Value::Text(_)))
        && Instructions::new(code.code(), opcodes).all(|instruction| instruction.index() != Some((Table::Consts, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value as Object;
    use crate::pyc::versions::VERSIONS;

    fn case(python: &str, level: &str, code: &[u8]) -> Case {
        let pyc = Pyc::python(python).edit(|it| it.code = Object::Bytes(code.to_vec()));
        let tag = python.replace('.', "");
        Case::tree().file(&format!("p/__pycache__/m.cpython-{tag}{level}.pyc"), pyc.build(), 1)
    }

    fn with_function(python: &str, level: &str, first: Object, flags: i32) -> Case {
        let version = VERSIONS.iter().find(|version| version.python() == format!("CPython {python}")).unwrap();
        let mut function = forge::pyc::Code::function(version, "f", &[]);
        function.consts = Object::Tuple(vec![first, Object::None]);
        function.code = Object::Bytes(vec![0x64, 1, 0x53, 0]);
        function.flags |= flags;
        let pyc = Pyc::python(python).consts(vec![Object::None, Object::Code(Box::new(function))]);
        let tag = python.replace('.', "");
        Case::tree().file(&format!("p/__pycache__/m.cpython-{tag}{level}.pyc"), pyc.build(), 1)
    }

    #[test]
    fn flags_an_assert_under_an_optimised_name() {
        // LOAD_ASSERTION_ERROR is 74 from 3.9 to 3.13.
        let finding = case("3.10", ".opt-1", &[74, 0, 130, 1, 100, 0, 83, 0]).flags(&RULE);
        assert_eq!(finding.message, "`m` has an assert, though its name says level 1");
        case("3.10", ".opt-2", &[74, 0, 130, 1, 100, 0, 83, 0]).flags(&RULE);
    }

    #[test]
    fn flags_a_docstring_under_level_2() {
        let text = || Object::Str("What it does.".to_owned());
        assert_eq!(
            with_function("3.8", ".opt-2", text(), 0).flags(&RULE).message,
            "`f` in `m` has a docstring, though its name says level 2"
        );
        with_function("3.13", ".opt-2", text(), CO_HAS_DOCSTRING).flags(&RULE);
        with_function("3.8", ".opt-1", text(), 0).passes(&RULE);
        with_function("3.8", ".opt-2", Object::None, 0).passes(&RULE);
        with_function("3.13", ".opt-2", text(), 0).passes(&RULE);
    }

    #[test]
    fn passes_a_plain_name_and_a_constant_that_is_loaded() {
        case("3.10", "", &[74, 0, 130, 1, 100, 0, 83, 0]).passes(&RULE);
        case("3.10", ".opt-1", &[100, 0, 83, 0]).passes(&RULE);
    }
}
