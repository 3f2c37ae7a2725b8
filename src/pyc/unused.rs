//! Code objects among the constants of another one that no instruction of it loads.
//!
//! The instructions are read once from front to back; whether any of them is reached is not asked.

use super::code::Code;
use super::instruction::Instructions;
use super::instruction::Table;
use super::layout::Object;
use super::objects::Kind;
use super::objects::ObjectId;
use super::objects::Tree;
use super::objects::Value;
use super::objects::index_of;
use super::opcodes::Argument;
use super::opcodes::Format;
use super::opcodes::Opcodes;

/// A code object that no instruction loads.
#[derive(Clone, Copy, Debug)]
pub struct Unused<'a> {
    /// It.
    pub code: Code<'a>,
    /// The code object that has it among its constants.
    pub outer: Code<'a>,
    /// Its place among the constants.
    pub place: usize,
}

/// Bytes of instructions and items of constants that are read for a byte of file, since code objects can share theirs.
const SHARING: usize = 8;

/// The code objects of a file that no instruction of the code object around them loads.
pub fn codes<'a>(tree: &Tree<'a>, opcodes: &'static Opcodes) -> Vec<Unused<'a>> {
    let loads = Loads::of(opcodes);
    let mut found = Vec::new();
    let (mut left, mut used) = (Vec::new(), Vec::new());
    let mut budget = tree.bytes.len().saturating_mul(SHARING);
    for outer in tree.codes() {
        let id = outer.record.objects.get(Object::Consts.slot()).copied().unwrap_or(ObjectId::ABSENT);
        let Some(node) = tree.arena.node(id).filter(|node| matches!(node.kind, Kind::Tuple | Kind::List)) else {
            continue;
        };
        let ids = tree.arena.ids(node);
        let Some(rest) = budget.checked_sub(ids.len()) else { break };
        budget = rest;
        left.clear();
        let is_code = |id: ObjectId| tree.arena.node(id).is_some_and(|node| node.kind == Kind::Code);
        left.extend(ids.iter().enumerate().filter(|&(_, &id)| is_code(id)).map(|(place, _)| place));
        if left.is_empty() {
            continue;
        }
        let Some(rest) = budget.checked_sub(outer.code().len()) else { break };
        budget = rest;
        used.clear();
        // One more, for instructions that load nothing.
        used.resize(ids.len().saturating_add(1), false);
        loads.mark(outer.code(), &mut used);
        for &place in left.iter().filter(|&&place| used.get(place) == Some(&false)) {
            if let Some(Value::Code(code)) = outer.consts().get(place) {
                found.push(Unused { code, outer, place });
            }
        }
    }
    found
}

/// The instructions that load a constant.
struct Loads {
    opcodes: &'static Opcodes,
    /// The numbers of those instructions, the last one repeated.
    numbers: [u8; 4],
    prefix: u8,
}

impl Loads {
    fn of(opcodes: &'static Opcodes) -> Self {
        let of = |argument| {
            (0..=u8::MAX).filter(move |&opcode| opcodes.row(opcode).is_some_and(|row| row.argument == argument))
        };
        let mut numbers = [0; 4];
        let mut last = 0;
        let mut found = of(Argument::Const);
        for slot in &mut numbers {
            last = found.next().unwrap_or(last);
            *slot = last;
        }
        Self { opcodes, numbers, prefix: of(Argument::Prefix).next().unwrap_or_default() }
    }

    fn mark(&self, code: &[u8], used: &mut [bool]) {
        if self.opcodes.format == Format::ByteCode {
            for instruction in Instructions::new(code, self.opcodes) {
                if let Some((Table::Consts, index)) = instruction.index() {
                    mark(used, index);
                }
            }
            return;
        }
        let [first, second, third, fourth] = self.numbers;
        let mut high = 0_u32;
        let nothing = u32::try_from(used.len().saturating_sub(1)).unwrap_or(u32::MAX);
        // Caches are read as if they were instructions: they are zero, which loads nothing.
        for &[opcode, operand] in code.as_chunks::<2>().0 {
            // Without a branch, which would often be foreseen wrongly: what loads nothing marks the place behind the last.
            let is_load = opcode == first || opcode == second || opcode == third || opcode == fourth;
            let arg = high | u32::from(operand);
            high = if opcode == self.prefix { arg.wrapping_shl(8) } else { 0 };
            mark(used, if is_load { arg } else { nothing });
        }
    }
}

fn mark(used: &mut [bool], index: u32) {
    if let Some(slot) = used.get_mut(index_of(index)) {
        *slot = true;
    }
}
