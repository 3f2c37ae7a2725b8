//! PYC405.

use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc::OddityKind;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;
use crate::rules::oddity::Odd;

declare_rule! {
    /// ## What it reports
    /// Marshalled data that cost an interpreter far more than their size: a tuple, list or number that declares a length for
    /// which 64 MiB or more would be reserved before the missing items are noticed; objects nested deeper than an interpreter
    /// reads; more objects than pycaudit reads; code objects that share instructions, so that all of them together are more than
    /// eight times as long as the file (the rest is not looked at); containers that refer to containers that refer to others, so
    /// that they stand for more than 100 million objects.
    ///
    /// ## Why it matters
    /// A file of some bytes can exhaust the memory or the stack of whatever unmarshals it: the interpreter, or a tool that
    /// looks at bytecode by means of one.
    ///
    /// ## Innocent causes
    /// A damaged length can look the same. No compiler nests constants thousands deep.
    ///
    /// ## What to do
    /// Delete the file. Do not open it with `marshal` or `dis`.
    ///
    /// ## References
    /// `TYPE_TUPLE`, `TYPE_LIST` and `r_PyLong` in CPython's Python/marshal.c reserve what is declared;
    /// `MAX_MARSHAL_STACK_DEPTH`.
    id: "PYC405",
    name: "resource-bomb",
    summary: "costs whoever reads it far more than its size",
    severity: High,
    check: Pyc(check),
}

/// What an interpreter may reserve in vain before it is called a bomb: less is reserved for honest files.
const RESERVED: u64 = 64 << 20;

/// The memory that an interpreter reserves for a declared length before it reads what is not there; none where the data are
/// asked for first.
fn reserved(context: &PycContext<'_>, damage: &Problem) -> Option<u64> {
    let declared = context.pyc.overlong?;
    // The offset is behind the length of four bytes, which stands behind the type byte.
    let at = usize::try_from(damage.offset?.checked_sub(5)?).ok()?;
    match context.bytes.get(at)? & 0x7f {
        b'(' | b'[' => declared.checked_mul(8),
        b'l' => Some(declared),
        _ => None,
    }
}

/// Whether a length beyond the data would have been paid for.
pub(super) fn is_bomb(context: &PycContext<'_>, damage: &Problem) -> bool {
    reserved(context, damage).is_some_and(|bytes| bytes >= RESERVED)
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    if let Some(odd) = Odd::in_code(context, &[OddityKind::NotWalked]) {
        odd.report(findings, "and code objects behind it share so many instructions that they were not looked at");
    }
    let module = context.module;
    if let Some(expansion) = context.pyc.expansion {
        let message = format!("references in `{module}` make its objects stand for {}", expansion.objects);
        let held = context.tree.object_count();
        findings.add(message).at(expansion.offset).compared("", format!("{held} objects in the file"));
    }
    let Some(damage) = context.damage() else { return };
    let message = match damage.kind {
        ProblemKind::LengthBeyondData if is_bomb(context, damage) => {
            let mebibytes = reserved(context, damage).unwrap_or_default() >> 20;
            format!("whoever unmarshals `{module}` reserves {mebibytes} MiB for items that are not there")
        }
        ProblemKind::MarshalDepth => format!("the objects in `{module}` are nested deeper than an interpreter reads"),
        ProblemKind::MarshalObjects => format!("`{module}` holds more objects than pycaudit reads"),
        _ => return,
    };
    let finding = findings.add(message);
    finding.compared("", damage.detail.as_str());
    if let Some(offset) = damage.offset {
        finding.at(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;
    use crate::limits::Limits;
    use crate::pyc;

    fn with_constant(raw: &[u8]) -> Case {
        let pyc = Pyc::python("3.12").consts(vec![Value::Raw(raw.to_vec())]);
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    fn sharing(count: usize) -> Case {
        let version = pyc::versions::VERSIONS.iter().find(|version| version.python() == "CPython 3.8").unwrap();
        let mut inner = forge::pyc::Code::function(version, "f", &[]);
        inner.code = Value::Raw(b"r\x01\0\0\0".to_vec());
        let code = [[9, 0].repeat(50_000), vec![100, 0, 83, 0]].concat();
        // A byte string that can be referred to: the second such object, behind the module itself.
        let code = [b"\xf3".as_slice(), &100_004_u32.to_le_bytes(), &code].concat();
        let inner = vec![Value::Code(Box::new(inner)); count];
        let pyc = Pyc::python("3.8").consts(inner).edit(|it| it.code = Value::Raw(code));
        Case::tree().file("m.pyc", pyc.build(), 1)
    }

    #[test]
    fn flags_instructions_that_are_shared_too_often_to_be_looked_at() {
        let finding = sharing(20).flags(&RULE);
        assert!(finding.message.starts_with("`f` in `m` and code objects behind it share"), "{}", finding.message);
        sharing(4).passes(&RULE);
    }

    #[test]
    fn flags_a_tuple_of_two_thousand_million_items() {
        let finding = with_constant(b"(\xff\xff\xff\x7f").flags(&RULE);
        assert_eq!(finding.message, "whoever unmarshals `m` reserves 16383 MiB for items that are not there");
        with_constant(b"l\xff\xff\xff\x7f").flags(&RULE);
    }

    #[test]
    fn flags_nesting_deeper_than_an_interpreter_reads() {
        with_constant(&b")\x01".repeat(10_000)).flags(&RULE);
    }

    #[test]
    fn flags_more_objects_than_are_read() {
        let limits = Limits { marshal_objects: 100, ..Limits::default() };
        with_constant(&[&b"("[..], &[200, 0, 0, 0], &b"i\x01\0\0\0".repeat(200)].concat()).limits(limits).flags(&RULE);
    }

    #[test]
    fn flags_references_that_multiply() {
        // Each tuple holds the one before it ten times, by its place among the references: the module itself is the first.
        let mut raw = b"\xa9\x01N".to_vec();
        let mut count = 1_u32;
        let levels = |raw: &mut Vec<u8>, count: &mut u32, to: u32| {
            let mut all = vec![raw.clone()];
            while *count < to {
                let mut level = vec![0xa9, 10];
                for _ in 0..10 {
                    level.push(b'r');
                    level.extend((*count).to_le_bytes());
                }
                all.push(level);
                *count += 1;
            }
            *raw = [vec![b')', u8::try_from(all.len()).unwrap()], all.concat()].concat();
        };
        let mut few = raw.clone();
        levels(&mut few, &mut count, 5);
        with_constant(&few).passes(&RULE);
        count = 1;
        levels(&mut raw, &mut count, 20);
        let finding = with_constant(&raw).flags(&RULE);
        assert!(finding.message.starts_with("references in `m` make its objects stand for"), "{}", finding.message);
    }

    #[test]
    fn passes_lengths_that_cost_nothing_and_nesting_that_is_read() {
        with_constant(b"s\xff\xff\xff\x7f").passes(&RULE);
        with_constant(b"(\xff\xff\0\0").passes(&RULE);
        let nested = [&b")\x01".repeat(1_000)[..], b"N"].concat();
        with_constant(&nested).passes(&RULE);
    }
}
