//! Code objects among the constants of another one that no instruction of it loads.
//!
//! The instructions are read once from front to back; whether any of them is reached is not asked.

use super::code::Code;
use super::instruction::Instructions;
use super::instruction::Table;
use super::objects::Value;
use super::opcodes::Argument;
use super::opcodes::Format;
use super::opcodes::Opcodes;

/// A code object that no instruction loads.
#[derive(Clone, Copy, Debug)]
pub struct Unused<'a> {
    /// It.
    pub code: Code<'a>,
    /// Its place among the constants.
    pub place: usize,
}

/// The code objects among the constants of a code object that no instruction of it loads.
pub fn codes<'a>(code: Code<'a>, opcodes: &'static Opcodes) -> Vec<Unused<'a>> {
    let consts = code.consts();
    let mut left: Vec<Unused<'a>> = Vec::new();
    for (place, value) in consts.iter().enumerate() {
        if let Value::Code(code) = value {
            left.push(Unused { code, place });
        }
    }
    if left.is_empty() {
        return left;
    }
    let mut used = vec![false; consts.len()];
    match opcodes.format {
        Format::WordCode => mark_units(code.code(), opcodes, &mut used),
        Format::ByteCode => {
            for instruction in Instructions::new(code.code(), opcodes) {
                if let Some((Table::Consts, index)) = instruction.index() {
                    mark(&mut used, index);
                }
            }
        }
    }
    left.retain(|unused| used.get(unused.place) == Some(&false));
    left
}

fn mark(used: &mut [bool], index: u32) {
    if let Some(slot) = usize::try_from(index).ok().and_then(|index| used.get_mut(index)) {
        *slot = true;
    }
}

/// Marks what instructions of two bytes load. Caches are read as if they were instructions: they are zero, which is no load.
fn mark_units(code: &[u8], opcodes: &'static Opcodes, used: &mut [bool]) {
    let is = |opcode: u8, argument| opcodes.row(opcode).is_some_and(|row| row.argument == argument);
    let loads: [bool; 256] = std::array::from_fn(|opcode| {
        u8::try_from(opcode).is_ok_and(|opcode| is(opcode, Argument::Const) || is(opcode, Argument::Prefix))
    });
    let mut high = 0_u32;
    for &[opcode, operand] in code.as_chunks::<2>().0 {
        if !loads.get(usize::from(opcode)).copied().unwrap_or_default() {
            high = 0;
            continue;
        }
        let arg = high | u32::from(operand);
        if is(opcode, Argument::Prefix) {
            high = arg.wrapping_shl(8);
        } else {
            mark(used, arg);
            high = 0;
        }
    }
}
