//! The imports of a tree of code objects, told from its instructions.

use pycaudit::pyc::Code;
use pycaudit::pyc::Text;
use pycaudit::pyc::Tree;
use pycaudit::pyc::Value;
use pycaudit::pyc::instruction::Instructions;
use pycaudit::pyc::instruction::Operand;
use pycaudit::pyc::objects::Items;
use pycaudit::pyc::opcodes::Op;
use pycaudit::pyc::opcodes::Opcodes;

/// Imports of one file that are listed; the rest are counted. The largest honest modules have some hundreds.
const MOST: usize = 10_000;

/// Bytes of instructions that are looked at for a byte of file: many code objects can have one string of instructions.
const SHARING: usize = 8;

/// The imports of a file.
#[derive(Default)]
pub(crate) struct Imports<'a> {
    /// The imports, in the order of the code objects and their instructions.
    pub(crate) list: Vec<Import<'a>>,
    /// How many more there are.
    pub(crate) left_out: usize,
}

/// One `import` statement, or one name of it.
pub(crate) struct Import<'a> {
    /// The module as it is named.
    pub(crate) module: Text<'a>,
    /// How many packages up a relative import begins; -1 in Python 1 and 2 for one that may be relative or not.
    pub(crate) level: i64,
    /// What is imported from the module; `None` for the module itself.
    pub(crate) names: Option<Items<'a>>,
    /// The place of the code object.
    pub(crate) code: usize,
}

impl<'a> Imports<'a> {
    /// Gathers the imports; none where the instructions of the version are not known.
    pub(crate) fn new(tree: &Tree<'a>) -> Self {
        let mut imports = Self::default();
        let Some(version) = tree.pyc.version else { return imports };
        let Some(opcodes) = Opcodes::of(version) else { return imports };
        let mut effort = tree.size().saturating_mul(SHARING);
        for code in tree.codes() {
            let bytes = code.code();
            if bytes.len() > effort {
                break;
            }
            effort -= bytes.len();
            imports.add(code, opcodes, version.series);
        }
        imports
    }

    fn add(&mut self, code: Code<'a>, opcodes: &'static Opcodes, series: (u8, u8)) {
        // The compiler pushes the level and the names right before: `import_from` and `compiler_import` in Python/compile.c.
        let mut before = [Operand::None, Operand::None];
        for instruction in Instructions::new(code.code(), opcodes) {
            let operand = instruction.operand(code, opcodes);
            if instruction.op() == Some(Op::IMPORT_NAME)
                && let Operand::Name(module) = operand
            {
                if self.list.len() < MOST {
                    // The names are pushed from 2.0 on, the level from 2.5 on.
                    let level = if series < (2, 5) { -1 } else { level(before[0]) };
                    let names = if series < (2, 0) { None } else { names(before[1]) };
                    self.list.push(Import { module, level, names, code: code.index() });
                } else {
                    self.left_out += 1;
                }
            }
            before = [before[1], operand];
        }
    }
}

fn level(operand: Operand<'_>) -> i64 {
    match operand {
        Operand::Const(Value::Int(level)) => level,
        Operand::Number(level) => i64::from(level),
        _ => 0,
    }
}

fn names(operand: Operand<'_>) -> Option<Items<'_>> {
    match operand {
        Operand::Const(Value::Tuple(names)) if !names.is_empty() => Some(names),
        _ => None,
    }
}
