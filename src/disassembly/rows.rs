//! The rows of a disassembly: one for each instruction and each EXTENDED_ARG before it.

use std::borrow::Cow;

use crate::pyc::Code;
use crate::pyc::Value;
use crate::pyc::Version;
use crate::pyc::exceptions::Handlers;
use crate::pyc::instruction::Cut;
use crate::pyc::instruction::Instruction;
use crate::pyc::instruction::Instructions;
use crate::pyc::instruction::Operand;
use crate::pyc::lines::LineRange;
use crate::pyc::lines::line_ranges;
use crate::pyc::opcodes::Argument;
use crate::pyc::opcodes::Format;
use crate::pyc::opcodes::Op;
use crate::pyc::opcodes::Opcodes;
use crate::pyc::repr::Style;

use super::argument;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it is in the code.
    pub offset: u32,
    /// Whether a line begins with it, and which.
    pub line: LineStart,
    /// Whether a jump or a handler of exceptions leads to it.
    pub is_target: bool,
    /// What `dis` calls the instruction.
    pub name: Cow<'static, str>,
    /// Its argument, where it has one.
    pub arg: Option<u32>,
    /// What the argument means; empty where there is nothing to say.
    pub text: String,
    /// Where it jumps to.
    pub target: Option<i64>,
    /// Whether the argument is an index of names, constants or variables, which the text says better.
    pub is_index: bool,
    /// Whether the text is a constant that is a code object, with the file and line that it was compiled from.
    pub is_code: bool,
}

impl Row {
    /// The instruction with its argument and what that means.
    pub fn instruction(&self) -> String {
        let Some(arg) = self.arg else { return self.name.clone().into_owned() };
        let text = if self.text.is_empty() { String::new() } else { format!(" ({})", self.text) };
        format!("{:<24} {arg:>5}{text}", self.name)
    }
}

/// Whether a line begins with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStart {
    /// It is of the same line as the row before.
    Same,
    /// A line begins.
    Line(i32),
    /// Instructions of no line begin.
    NoLine,
}

/// The rows of a code object.
#[derive(Debug)]
pub struct Rows<'t, 'a> {
    code: Code<'a>,
    opcodes: &'static Opcodes,
    series: (u8, u8),
    style: Style<'t>,
    instructions: Instructions<'a>,
    /// The instruction whose prefixes are being written, how many were, and their argument.
    open: Option<(Instruction, u32, u32)>,
    lines: Vec<LineRange>,
    /// The first line range that is not begun.
    next_line: usize,
    targets: Bits,
    starts: Bits,
}

impl<'t, 'a> Rows<'t, 'a> {
    pub(super) fn new(code: Code<'a>, version: &'static Version, opcodes: &'static Opcodes, style: Style<'t>) -> Self {
        let bytes = code.code();
        let (mut targets, mut starts) = (Bits::new(bytes.len()), Bits::new(bytes.len()));
        for instruction in Instructions::new(bytes, opcodes) {
            starts.set(u64::from(instruction.start));
            if let Some(target) = instruction.target.and_then(|target| u64::try_from(target).ok()) {
                targets.set(target);
            }
        }
        for handler in Handlers::new(code.exceptiontable()).flatten() {
            targets.set(handler.target);
        }
        Self {
            code,
            opcodes,
            series: version.series,
            style,
            instructions: Instructions::new(bytes, opcodes),
            open: None,
            lines: line_ranges(code, version).0,
            next_line: 0,
            targets,
            starts,
        }
    }

    /// Whether a line begins at an offset.
    fn line_at(&mut self, offset: u32) -> LineStart {
        let offset = u64::from(offset);
        let mut begun = None;
        while let Some(range) = self.lines.get(self.next_line).filter(|range| range.start <= offset) {
            begun = Some(range.line);
            self.next_line = self.next_line.saturating_add(1);
        }
        match begun {
            None => LineStart::Same,
            Some(None) => LineStart::NoLine,
            Some(Some(line)) => LineStart::Line(line),
        }
    }

    fn row(&mut self, offset: u32, is_target: bool, instruction: &Instruction) -> Row {
        let mut text = argument::text(instruction, self.code, self.opcodes, self.series, self.style);
        if let Some(target) = instruction.target {
            let place = u64::try_from(target).ok();
            let is_inside = place.is_some_and(|place| self.starts.has(place));
            let is_outside = place.is_none_or(|place| place >= self.starts.length);
            text.push_str(match (is_inside, is_outside) {
                (true, _) => "",
                (_, true) => ", outside the code",
                _ => ", into an instruction",
            });
        }
        text.push_str(match (instruction.cut, text.is_empty()) {
            (Cut::No, _) => "",
            (_, true) => "cut: the code ends here",
            (_, false) => "; cut: the code ends here",
        });
        let has_argument =
            instruction.argument() != Argument::None || instruction.row.is_none() && instruction.arg != 0;
        Row {
            offset,
            line: self.line_at(offset),
            is_target,
            name: instruction.op().map_or_else(|| instruction.name().into(), |op| op.name().into()),
            arg: (has_argument || !text.is_empty()).then_some(instruction.arg),
            text,
            target: instruction.target,
            is_code: matches!(instruction.operand(self.code, self.opcodes), Operand::Const(Value::Code(_))),
            is_index: instruction.index().is_some() || instruction.argument() == Argument::LocalsPlusPair,
        }
    }
}

impl Iterator for Rows<'_, '_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let (instruction, done, prefix) = match self.open.take() {
            Some(open) => open,
            None => (self.instructions.next()?, 0, 0),
        };
        let is_target = done == 0 && self.targets.has(u64::from(instruction.start));
        if done == instruction.prefixes {
            return Some(self.row(instruction.offset, is_target, &instruction));
        }
        let (length, bits) = if self.opcodes.format == Format::WordCode { (2, 8) } else { (3, 16) };
        let offset = instruction.start.saturating_add(done.saturating_mul(length));
        let byte = |place: u32| {
            let place = usize::try_from(offset.saturating_add(place)).unwrap_or(usize::MAX);
            self.code.code().get(place).copied().unwrap_or_default()
        };
        let low = if bits == 8 { u32::from(byte(1)) } else { u32::from(u16::from_le_bytes([byte(1), byte(2)])) };
        let arg = prefix.wrapping_shl(bits) | low;
        self.open = Some((instruction, done.saturating_add(1), arg));
        Some(Row {
            offset,
            line: self.line_at(offset),
            is_target,
            name: Op::EXTENDED_ARG.name().into(),
            arg: Some(arg),
            text: String::new(),
            target: None,
            is_index: false,
            is_code: false,
        })
    }
}

/// One bit for each byte of the code.
#[derive(Debug)]
struct Bits {
    words: Vec<u64>,
    length: u64,
}

impl Bits {
    fn new(length: usize) -> Self {
        Self { words: vec![0; length.div_ceil(64)], length: u64::try_from(length).unwrap_or(u64::MAX) }
    }

    fn set(&mut self, place: u64) {
        if let Some(word) = usize::try_from(place >> 6).ok().and_then(|word| self.words.get_mut(word)) {
            *word |= 1 << (place & 63);
        }
    }

    fn has(&self, place: u64) -> bool {
        let word = usize::try_from(place >> 6).ok().and_then(|word| self.words.get(word));
        word.is_some_and(|word| word >> (place & 63) & 1 == 1)
    }
}
