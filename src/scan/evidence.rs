//! The lines of the source and the instructions around the places where code and source part, for people to read side by side.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::disassembly::Disassembly;
use crate::disassembly::LineStart;
use crate::disassembly::Row;
use crate::disassembly::SourceLines;
use crate::entry::Passage;
use crate::entry::PassageInstruction;
use crate::entry::PassageLine;
use crate::pyc::Code;
use crate::pyc::Mask;
use crate::pyc::Tree;
use crate::secret;
use crate::verify::check::CodeDifference;

/// Code objects of one file that are shown.
const CODES: usize = 3;

/// Lines before and after a line that differs.
const AROUND: u32 = 2;

/// Lines of the source of one code object.
const LINES: usize = 40;

/// Instructions of one code object.
const INSTRUCTIONS: usize = 120;

/// Bytes of the text of an instruction; constants can be as long as the file.
const LONGEST: usize = 200;

/// The passages around differences, the code objects in the order of the differences.
pub(super) fn passages(differences: &[CodeDifference], tree: &Tree<'_>, source: &[u8], reveal: bool) -> Vec<Passage> {
    let mask = if reveal { Mask::default() } else { Mask::new(tree, secret::masked) };
    let Ok(disassembly) = Disassembly::of(tree, &mask) else { return Vec::new() };
    let masked;
    let source = if reveal {
        source
    } else {
        masked = secret::masked_source(source, tree.strings().flat_map(|(_, string)| secret::find(string)));
        &masked
    };
    let lines = SourceLines::new(source);
    let mut order: Vec<usize> = Vec::new();
    for index in differences.iter().filter_map(|difference| difference.index) {
        if !order.contains(&index) && order.len() < CODES {
            order.push(index);
        }
    }
    let shown = order.into_iter().filter_map(|index| {
        let (code, name) = disassembly.codes().nth(index)?;
        let of_code: Vec<&CodeDifference> = differences.iter().filter(|it| it.index == Some(index)).collect();
        let mut passage = Passage { code: name.clone(), lines: around(&of_code, &lines) };
        add_instructions(&mut passage.lines, &disassembly, code, &of_code);
        Some(passage)
    });
    shown.filter(|passage| !passage.lines.is_empty()).collect()
}

/// The lines of the source that differ and those around them.
fn around(differences: &[&CodeDifference], lines: &SourceLines<'_>) -> Vec<PassageLine> {
    let marked: BTreeSet<u32> = differences.iter().filter_map(|difference| difference.line).collect();
    let mut wanted = BTreeSet::new();
    for &line in &marked {
        wanted.extend(line.saturating_sub(AROUND).max(1)..=line.saturating_add(AROUND));
    }
    let shown = wanted.into_iter().filter_map(|line| {
        let text = lines.shown(i32::try_from(line).ok()?);
        // A line behind the end of the source is shown where the bytecode speaks of it.
        if text.is_none() && !marked.contains(&line) {
            return None;
        }
        let is_marked = marked.contains(&line);
        Some(PassageLine { line: Some(line), text: text.unwrap_or_default(), is_marked, instructions: Vec::new() })
    });
    shown.take(LINES).collect()
}

/// Puts the instructions beside the lines that they claim to be of; those that differ wherever they claim to be.
fn add_instructions<'a>(
    lines: &mut Vec<PassageLine>,
    disassembly: &Disassembly<'_, 'a>,
    code: Code<'a>,
    differences: &[&CodeDifference],
) {
    let marked: BTreeSet<u32> = differences.iter().filter_map(|difference| difference.offset).collect();
    let mut places: BTreeMap<u32, usize> =
        lines.iter().enumerate().filter_map(|(place, line)| Some((line.line?, place))).collect();
    let mut line = None;
    let mut added = 0_usize;
    for row in disassembly.rows(code) {
        match row.line {
            LineStart::Same => {}
            LineStart::NoLine => line = None,
            LineStart::Line(begun) => line = u32::try_from(begun).ok(),
        }
        let is_marked = marked.contains(&row.offset);
        let place = line.and_then(|line| places.get(&line).copied());
        if added >= INSTRUCTIONS || (place.is_none() && !is_marked) {
            continue;
        }
        added += 1;
        let place = place.unwrap_or_else(|| {
            let place = lines.len();
            lines.push(PassageLine { line, text: String::new(), is_marked: true, instructions: Vec::new() });
            if let Some(line) = line {
                places.insert(line, place);
            }
            place
        });
        if let Some(line) = lines.get_mut(place) {
            line.instructions.push(PassageInstruction { offset: row.offset, text: text(&row), is_marked });
        }
    }
}

/// `LOAD_NAME (os)`; the number of an argument says nothing to a reader where there is a text.
fn text(row: &Row) -> String {
    let mut text = match (row.arg, row.text.is_empty()) {
        (None, _) => row.name.clone().into_owned(),
        (Some(arg), true) => format!("{} {arg}", row.name),
        (Some(_), false) => format!("{} {}", row.name, row.text),
    };
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}
