//! What the argument of an instruction means, in the words of the `dis` module of the version.
//!
//! In a few places `dis` of some version says nothing where a later one does (absolute jumps, `is not`, flags of MAKE_FUNCTION); here
//! all versions say what the most talkative says. A jump is to an offset, never to a numbered label. What refers to nothing is said
//! to.

use std::fmt::Write as _;

use crate::pyc::Code;
use crate::pyc::Value;
use crate::pyc::instruction::Instruction;
use crate::pyc::instruction::Operand;
use crate::pyc::opcodes::Argument;
use crate::pyc::opcodes::Format;
use crate::pyc::opcodes::Op;
use crate::pyc::opcodes::Opcodes;
use crate::pyc::repr;
use crate::pyc::repr::Style;

/// Bytes of a constant that are shown. Docstrings of a screen are below it.
pub const LONGEST_CONSTANT: usize = 2000;

/// What an index stands for that is none.
const OUT_OF_RANGE: &str = "out of range";

/// What follows an argument in brackets; empty where there is nothing to say.
pub(super) fn text(
    instruction: &Instruction,
    code: Code<'_>,
    opcodes: &'static Opcodes,
    series: (u8, u8),
    style: Style<'_>,
) -> String {
    let Some(op) = instruction.op() else { return String::new() };
    let arg = instruction.arg;
    let short_name = |name| style.mask.short_name(name);
    match instruction.operand(code, opcodes) {
        Operand::Const(value) => constant(value, style),
        Operand::Name(name) => pushed(op, instruction.argument(), arg, series, short_name(name).to_string()),
        Operand::Local(name) | Operand::Cell(name) => short_name(name).to_string(),
        Operand::Pair(first, second) => format!("{}, {}", short_name(first), short_name(second)),
        Operand::Target(target) if op == Op::END_ASYNC_FOR => format!("from {target}"),
        Operand::Target(target) => format!("to {target}"),
        Operand::Word(word) if instruction.argument() == Argument::CompareShift5 && arg & 16 != 0 => {
            format!("bool({word})")
        }
        Operand::Word(word) if op == Op::LOAD_COMMON_CONSTANT => common_constant(word).to_owned(),
        Operand::Word(word) => word.to_owned(),
        Operand::OutOfRange => OUT_OF_RANGE.to_owned(),
        Operand::None => String::new(),
        Operand::Number(_) => number(op, arg, opcodes.format, series),
    }
}

/// A constant as its Python writes it; one that is cut with its size.
pub fn constant(value: Value<'_>, style: Style<'_>) -> String {
    let short_name = |name| style.mask.short_name(name);
    if let Value::Code(code) = value {
        let name = code.qualname().filter(|_| code.name().is_none()).or_else(|| code.name()).map(short_name);
        let file = code.filename().map(short_name).unwrap_or_default();
        let line = code.firstlineno().map(|line| format!(", line {line}")).unwrap_or_default();
        return format!("<code object {}, file \"{file}\"{line}>", name.unwrap_or_default());
    }
    let (mut text, is_cut) = repr::repr_or_cut(value, style, LONGEST_CONSTANT);
    if is_cut {
        let size = match value {
            Value::Text(text) => Some((text.bytes.len(), "bytes")),
            Value::Bytes(bytes) => Some((bytes.len(), "bytes")),
            _ => value.items().map(|items| (items.len(), "items")),
        };
        if let Some((size, unit)) = size {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "[{} of {size} {unit}]", value.type_name());
        }
    }
    text
}

/// A name and what its instruction pushes besides, or does with it.
fn pushed(op: Op, argument: Argument, arg: u32, series: (u8, u8), name: String) -> String {
    let extra = match (op, argument) {
        (Op::LOAD_GLOBAL, Argument::NameShift1) if arg & 1 != 0 => "NULL",
        (Op::LOAD_ATTR, Argument::NameShift1) | (Op::LOAD_SUPER_ATTR, Argument::NameShift2) if arg & 1 != 0 => {
            "NULL|self"
        }
        (Op::IMPORT_NAME, Argument::NameShift2) if arg & 1 != 0 => "lazy",
        (Op::IMPORT_NAME, Argument::NameShift2) if arg & 2 != 0 => "eager",
        _ => return name,
    };
    if series < (3, 13) { format!("{extra} + {name}") } else { format!("{name} + {extra}") }
}

/// A constant of LOAD_COMMON_CONSTANT: a class by its name alone.
fn common_constant(word: &str) -> &str {
    word.strip_prefix("<class '").and_then(|word| word.strip_suffix("'>")).unwrap_or(word)
}

fn number(op: Op, arg: u32, format: Format, series: (u8, u8)) -> String {
    match op {
        Op::FORMAT_VALUE => {
            let conversion = conversion(arg & 3);
            match (conversion, arg & 4 != 0) {
                ("", true) => "with format".to_owned(),
                (conversion, true) => format!("{conversion}, with format"),
                (conversion, false) => conversion.to_owned(),
            }
        }
        Op::CONVERT_VALUE if arg > 3 => OUT_OF_RANGE.to_owned(),
        Op::CONVERT_VALUE => conversion(arg).to_owned(),
        Op::SET_FUNCTION_ATTRIBUTE => flags(arg),
        Op::MAKE_FUNCTION if series >= (3, 6) => flags(arg),
        Op::IS_OP => if arg == 0 { "is" } else { "is not" }.to_owned(),
        Op::CONTAINS_OP => if arg == 0 { "in" } else { "not in" }.to_owned(),
        Op::CALL_FUNCTION | Op::CALL_FUNCTION_VAR | Op::CALL_FUNCTION_KW | Op::CALL_FUNCTION_VAR_KW
            if format == Format::ByteCode =>
        {
            format!("{} positional, {} keyword pair", arg & 255, arg >> 8 & 255)
        }
        _ => String::new(),
    }
}

fn conversion(number: u32) -> &'static str {
    match number {
        1 => "str",
        2 => "repr",
        3 => "ascii",
        _ => "",
    }
}

/// What a function is made with.
fn flags(arg: u32) -> String {
    let names = ["defaults", "kwdefaults", "annotations", "closure", "annotate"];
    let set = names.into_iter().zip(0_u32..).filter(|(_, bit)| arg >> bit & 1 == 1).map(|(name, _)| name);
    set.collect::<Vec<_>>().join(", ")
}
