//! What the rules about code objects share: in which code object the first odd place is, and what stands there.
//!
//! It finds nothing of its own: `pyc` says what is odd, and each rule which of it is its own.

use crate::pyc::Code;
use crate::pyc::Oddity;
use crate::pyc::OddityKind;
use crate::pyc::Version;
use crate::pyc::instruction::Instruction;
use crate::pyc::instruction::Instructions;
use crate::pyc::instruction::Table;
use crate::pyc::layout::Object;
use crate::pyc::opcodes::Opcodes;
use crate::pyc::signature;
use crate::rules::Finding;
use crate::rules::Findings;
use crate::rules::PycContext;

/// The places of one pyc that are odd in a rule's sense.
pub(super) struct Odd<'c, 'p> {
    context: &'c PycContext<'p>,
    /// The one that comes first in the file.
    pub(super) first: Oddity,
    /// How many there are.
    count: u64,
}

impl<'c, 'p> Odd<'c, 'p> {
    /// What a walk over instructions and tables found of these kinds.
    pub(super) fn in_code(context: &'c PycContext<'p>, kinds: &[OddityKind]) -> Option<Self> {
        if !is_judged(context) {
            return None;
        }
        let places = (context.code_places)().iter().filter(|places| kinds.contains(&places.first.kind));
        Self::of(context, places.map(|places| (places.first, places.count)))
    }

    /// What reading the fields found of these kinds.
    pub(super) fn in_fields(context: &'c PycContext<'p>, kinds: &[OddityKind]) -> Option<Self> {
        if context.pyc.oddities.is_empty() || !is_judged(context) {
            return None;
        }
        let oddities = context.pyc.oddities.iter().filter(|oddity| kinds.contains(&oddity.kind));
        Self::of(context, oddities.map(|oddity| (*oddity, 1)))
    }

    /// Places that a rule found.
    pub(super) fn of(context: &'c PycContext<'p>, places: impl Iterator<Item = (Oddity, u64)>) -> Option<Self> {
        places.fold(None, |odd: Option<Self>, (first, count)| {
            let before = odd.as_ref().map_or(0, |odd| odd.count);
            let first = odd.map_or(first, |odd| if odd.first.offset <= first.offset { odd.first } else { first });
            Some(Self { context, first, count: before.saturating_add(count) })
        })
    }

    /// What either found, the walk of some kinds and the reading of one.
    pub(super) fn in_code_or_field(
        context: &'c PycContext<'p>,
        kinds: &[OddityKind],
        field: OddityKind,
    ) -> Option<Self> {
        let both = [Self::in_code(context, kinds), Self::in_fields(context, &[field])];
        Self::of(context, both.into_iter().flatten().map(|odd| (odd.first, odd.count)))
    }

    /// The code object of the first place.
    pub(super) fn code(&self) -> Option<Code<'c>> {
        self.context.tree.codes().nth(self.first.code)
    }

    /// The instruction at the first place, when there is one.
    pub(super) fn instruction(&self) -> Option<Instruction> {
        let code = self.code()?;
        let opcodes = Opcodes::of(self.context.pyc.version?)?;
        let place = self.first.offset.checked_sub(code.bytes_offset(Object::Code)?)?;
        Instructions::new(code.code(), opcodes).find(|instruction| u64::from(instruction.offset) == place)
    }

    /// The interpreter by the magic number.
    pub(super) fn python(&self) -> String {
        self.context.pyc.version.map_or_else(String::new, Version::python)
    }

    /// Adds the finding: what the code object of the first place is or does, and how many such places there are.
    pub(super) fn report<'f>(&self, findings: &'f mut Findings<'_>, what: &str) -> &'f mut Finding {
        let code = self.code();
        report(self.context, findings, code, what, self.count).at(self.first.offset)
    }
}

/// Adds the finding of what a code object is or does.
pub(super) fn report<'f>(
    context: &PycContext<'_>,
    findings: &'f mut Findings<'_>,
    code: Option<Code<'_>>,
    what: &str,
    count: u64,
) -> &'f mut Finding {
    let named = code.and_then(|code| code.qualname().or_else(|| code.name()));
    let name = named.map_or_else(String::new, |text| signature::short_name(text).to_string());
    let more = if count > 1 { format!("; the first of {count} such places") } else { String::new() };
    findings.add(format!("`{name}` in `{}` {what}{more}", context.module))
}

/// Whether there is code that an interpreter would run as the version of its magic; other rules speak of what is not.
pub(super) fn is_judged(context: &PycContext<'_>) -> bool {
    let is_other = context.pyc.fit.is_some_and(|fit| fit.is_other_layout());
    context.is_whole && context.pyc.body.is_code() && !is_other
}

/// An instruction in words: its name and its argument, and where in its code it stands.
pub(super) fn shown(instruction: &Instruction) -> String {
    format!("{} {} at byte {} of the code", instruction.name(), instruction.arg, instruction.offset)
}

/// How many items there are of what an instruction's argument is an index of, in words.
pub(super) fn room(code: Code<'_>, instruction: &Instruction) -> String {
    let Some((table, _)) = instruction.index() else { return String::new() };
    let (count, what) = match table {
        Table::Consts => (code.consts().len(), "constants"),
        Table::Names => (code.names().len(), "names"),
        Table::Locals => (code.localsplusnames().len().max(code.varnames().len()), "variables"),
        Table::Cells => (code.cellvars().len().saturating_add(code.freevars().len()), "cells"),
        _ => return "a number that the version has".to_owned(),
    };
    format!("an index of {count} {what}")
}
