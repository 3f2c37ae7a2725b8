//! How two code objects of one name differ: their numbers, names, constants, handlers and instructions.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use crate::artifact::Sha256Digest;
use crate::disassembly;
use crate::disassembly::Row;
use crate::name;
use crate::pyc::Code;
use crate::pyc::Value;
use crate::pyc::exceptions::Handlers;
use crate::pyc::layout::Number;
use crate::pyc::layout::Object;
use crate::pyc::objects::Items;
use crate::pyc::objects::ObjectId;
use crate::pyc::repr;
use crate::pyc::repr::Era;
use crate::pyc::repr::Style;
use crate::pyc::signature;

use super::Side;
use super::align::Aligned;
use super::align::align;

/// Bytes of the longest instructions that are compared one by one: a row costs some hundred bytes of memory.
const LONGEST_CODE: usize = 1 << 19;
/// Bytes that a constant or name is compared and shown by.
const LONGEST_ITEM: usize = 1000;
/// Items of the largest frozenset that is compared whatever the order of its items.
const LARGEST_SET: usize = 1000;
/// Characters of a constant in a row; the constants themselves are compared as a list of their own.
const LONGEST_TEXT: usize = 200;
/// Columns of one side.
const WIDTH: usize = 58;
/// Equal rows that are shown before and behind different ones.
const CONTEXT: usize = 2;
/// Differing rows or items that are shown of one list.
const SHOWN: usize = 400;
/// How often a file's bytes are compared; code objects can share theirs by reference.
const SHARING: usize = 8;

const NUMBERS: [(Number, &str); 5] = [
    (Number::ArgCount, "co_argcount"),
    (Number::PosOnlyArgCount, "co_posonlyargcount"),
    (Number::KwOnlyArgCount, "co_kwonlyargcount"),
    (Number::NLocals, "co_nlocals"),
    (Number::StackSize, "co_stacksize"),
];

const LISTS: [Object; 6] =
    [Object::Consts, Object::Names, Object::VarNames, Object::FreeVars, Object::CellVars, Object::LocalsPlusNames];

/// Bytes and items that may still be compared.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn of(size: usize) -> Self {
        Self(size.saturating_mul(SHARING))
    }

    fn take(&mut self, size: usize) -> bool {
        let left = self.0.checked_sub(size);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }
}

/// A code object and the file that it is of.
pub(super) struct Own<'s, 't, 'a> {
    code: Code<'a>,
    side: &'s Side<'t, 'a>,
    style: Style<'t>,
}

impl<'s, 't, 'a> Own<'s, 't, 'a> {
    pub(super) fn new(code: Code<'a>, side: &'s Side<'t, 'a>) -> Self {
        let era = if code.layout().is_python_2() { Era::Python2 } else { Era::Python3 };
        Self { code, side, style: Style { era, mask: side.mask } }
    }

    fn series(&self) -> (u8, u8) {
        self.side.tree.pyc.version.map_or((0, 0), |version| version.series)
    }

    fn flags(&self, flags: i32) -> String {
        let (mut names, rest) = signature::flag_names(flags, self.series());
        let rest = format!("{rest:#x}");
        if rest != "0x0" {
            names.push(&rest);
        }
        if names.is_empty() { "none".to_owned() } else { names.join(" ") }
    }

    fn items(&self, object: Object) -> Option<Items<'a>> {
        self.code.object(object)?.items()
    }

    /// The items of a list as they are compared: nested code objects by their names alone.
    fn keys(&self, items: Items<'a>, budget: &mut Budget) -> Vec<Rc<str>> {
        let mut known: HashMap<ObjectId, Rc<str>> = HashMap::new();
        let keys = items.iter().zip(items.ids());
        keys.map(|(value, &id)| known.entry(id).or_insert_with(|| key(value, self.style, budget).into()).clone())
            .collect()
    }

    fn handlers(&self) -> Vec<Rc<str>> {
        let handlers = Handlers::new(self.code.exceptiontable());
        let show = |handler| disassembly::handler_text(&handler);
        handlers.map(|handler| handler.map_or("damaged".to_owned(), show).into()).collect()
    }

    /// The instructions without their prefixes, which come and go with the distances of jumps.
    fn rows(&self) -> Option<Vec<Row>> {
        let rows = self.side.disassembly.as_ref()?.rows(self.code);
        Some(rows.filter(|row| row.name != "EXTENDED_ARG").map(without_place).collect())
    }
}

/// A value as it is compared and shown. What is too long is told by its digest, where it has bytes of its own.
fn key(value: Value<'_>, style: Style<'_>, budget: &mut Budget) -> String {
    if let Value::Code(code) = value {
        return format!("<code object {}>", code.name().map(|name| style.mask.short_name(name)).unwrap_or_default());
    }
    if let Value::FrozenSet(items) = value
        && items.len() <= LARGEST_SET
        && budget.take(items.len())
    {
        let mut keys: Vec<_> = items.iter().map(|item| repr::repr(item, style, LONGEST_ITEM / 10)).collect();
        keys.sort();
        return format!("frozenset({{{}}})", keys.join(", "));
    }
    let (mut text, is_cut) = repr::repr_or_cut(value, style, LONGEST_ITEM);
    if is_cut
        && let Some(whole) = value.as_name()
        && budget.take(whole.bytes.len())
    {
        let digest = Sha256Digest::of(whole.bytes);
        // Writing to a `String` cannot fail.
        let _ = write!(text, "[{} bytes, SHA-256 {digest}]", whole.bytes.len());
    }
    text
}

/// A row whose constant is a code object has neither its file nor its line; a frozenset has its items sorted.
fn without_place(mut row: Row) -> Row {
    if row.is_code
        && let Some((name, _)) = row.text.split_once(", file ")
    {
        row.text = format!("{name}>");
    }
    if let Some(inner) = row.text.strip_prefix("frozenset({").and_then(|text| text.strip_suffix("})")) {
        let mut items: Vec<&str> = inner.split(", ").collect();
        items.sort_unstable();
        row.text = format!("frozenset({{{}}})", items.join(", "));
    }
    row.text = shortened(&row.text, LONGEST_TEXT);
    row
}

/// How two code objects differ in what is their own, as lines; nothing when they do not.
pub(super) fn differences(sides: &[Own<'_, '_, '_>; 2], budget: &mut Budget) -> String {
    let mut text = String::new();
    let [left, right] = sides;
    let mut field = |name: &str, one: String, other: String| {
        if one != other {
            let _ = writeln!(text, "  {name:<20} {one} | {other}");
        }
    };
    for (number, name) in NUMBERS {
        if let (Some(one), Some(other)) = (left.code.number(number), right.code.number(number)) {
            field(name, one.to_string(), other.to_string());
        }
    }
    if let (Some(one), Some(other)) = (left.code.number(Number::Flags), right.code.number(Number::Flags))
        && one != other
    {
        field("co_flags", left.flags(one), right.flags(other));
    }
    let kinds = |own: &Own<'_, '_, '_>| name::hex(own.code.localspluskinds());
    if left.code.localspluskinds() != right.code.localspluskinds() && budget.take(left.code.localspluskinds().len()) {
        field("co_localspluskinds", shortened(&kinds(left), WIDTH), shortened(&kinds(right), WIDTH));
    }
    for object in LISTS {
        let (Some(one), Some(other)) = (left.items(object), right.items(object)) else { continue };
        if budget.take(one.len().saturating_add(other.len())) {
            list(object.name(), &left.keys(one, budget), &right.keys(other, budget), &mut text);
        } else {
            let _ = writeln!(text, "  {:<20} not compared: shared by too many code objects", object.name());
        }
    }
    let lengths = sides.each_ref().map(|own| own.code.code().len().saturating_add(own.code.exceptiontable().len()));
    let size = lengths.into_iter().fold(0, usize::saturating_add);
    if size > LONGEST_CODE || !budget.take(size) {
        if left.code.code() != right.code.code() {
            text.push_str("  co_code               differs; too long to be shown\n");
        }
        return text;
    }
    list("co_exceptiontable", &left.handlers(), &right.handlers(), &mut text);
    match (left.rows(), right.rows()) {
        (Some(one), Some(other)) => {
            let from = text.len();
            instructions(&one, &other, &mut text);
            let is_same_python = left.series() == right.series();
            if from == text.len() && is_same_python && left.code.code() != right.code.code() && text.is_empty() {
                text.push_str(
                    "  co_code               differs in bytes that are no instruction: indexes, caches, prefixes\n",
                );
            }
        }
        _ if left.code.code() != right.code.code() => {
            text.push_str("  co_code               differs; its instructions are not known\n");
        }
        _ => {}
    }
    text
}

/// The items of two lists that are not common.
fn list(title: &str, left: &[Rc<str>], right: &[Rc<str>], text: &mut String) {
    let aligned = align(left, right);
    let mut others = 0_usize;
    for item in aligned {
        let (mark, item) = match item {
            Aligned::Both(..) => continue,
            Aligned::Left(place) => ('<', left.get(place)),
            Aligned::Right(place) => ('>', right.get(place)),
        };
        others = others.saturating_add(1);
        if others <= SHOWN {
            let name = if others == 1 { title } else { "" };
            let _ = writeln!(text, "  {name:<20} {mark} {}", item.map_or("", |item| &**item));
        }
    }
    if others > SHOWN {
        let _ = writeln!(text, "  {:<20} and {} more", "", others.saturating_sub(SHOWN));
    }
}

/// One line of two columns.
type Line<'r> = (Option<&'r Row>, Option<&'r Row>, char);

/// Instructions side by side, those around differing ones.
fn instructions(left: &[Row], right: &[Row], text: &mut String) {
    let lines = lines(left, right);
    let mut last = None;
    let mut differing = 0_usize;
    let is_near = |place: usize| {
        let from = place.saturating_sub(CONTEXT);
        let around =
            lines.get(from..).unwrap_or_default().iter().take(place.saturating_sub(from).saturating_add(CONTEXT + 1));
        around.clone().any(|(_, _, mark)| *mark != ' ')
    };
    for (place, (one, other, mark)) in lines.iter().enumerate().filter(|&(place, _)| is_near(place)) {
        if last.is_none() {
            text.push_str("  instructions\n");
        }
        if last.map_or(place > 0, |last| place > last + 1) {
            text.push_str("    ...\n");
        }
        last = Some(place);
        differing = differing.saturating_add(usize::from(*mark != ' '));
        if differing > SHOWN {
            let rest = lines.get(place..).unwrap_or_default().iter().filter(|(_, _, mark)| *mark != ' ').count();
            let _ = writeln!(text, "    and {rest} more that differ");
            return;
        }
        let cells = [one, other].map(|row| row.map(cell).unwrap_or_default());
        let [one, other] = &cells;
        let row = format!("    {:<WIDTH$} {mark} {}", shortened(one, WIDTH), shortened(other, WIDTH));
        text.push_str(row.trim_end());
        text.push('\n');
        if *mark != ' ' {
            for (mark, cell) in [('<', one), ('>', other)].into_iter().filter(|(_, cell)| cell.chars().count() > WIDTH)
            {
                let _ = writeln!(text, "      {mark} {cell}");
            }
        }
    }
}

fn cell(row: &Row) -> String {
    format!("{:>5} {}", row.offset, row.instruction())
}

/// A text of some columns at most, `...` in place of its end.
fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns.saturating_sub(3)).collect::<String>() + "..."
}

fn lines<'r>(left: &'r [Row], right: &'r [Row]) -> Vec<Line<'r>> {
    let key = |row: &Row| {
        let arg = if row.target.is_some() || row.is_index { None } else { row.arg };
        let text = if row.target.is_some() { String::new() } else { row.text.clone() };
        (row.name.clone(), arg, text)
    };
    let keys = [left, right].map(|rows| rows.iter().map(key).collect::<Vec<_>>());
    let [one, other] = &keys;
    let aligned = align(one, other);
    let (mut partners, mut has_partner) = (vec![None; left.len()], vec![false; right.len()]);
    for item in &aligned {
        if let Aligned::Both(one, other) = *item
            && let (Some(partner), Some(has)) = (partners.get_mut(one), has_partner.get_mut(other))
        {
            (*partner, *has) = (Some(other), true);
        }
    }
    let mut lines = Vec::with_capacity(aligned.len());
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for item in aligned {
        match item {
            Aligned::Left(place) => removed.extend(left.get(place)),
            Aligned::Right(place) => added.extend(right.get(place)),
            Aligned::Both(one, other) => {
                flush(&mut removed, &mut added, &mut lines);
                let (Some(one), Some(other)) = (left.get(one), right.get(other)) else { continue };
                let is_same = leads_alike((one, other), (left, right), (&partners, &has_partner));
                lines.push((Some(one), Some(other), if is_same { ' ' } else { '|' }));
            }
        }
    }
    flush(&mut removed, &mut added, &mut lines);
    lines
}

/// Puts what is in one list alone beside what is in the other alone in its place.
fn flush<'r>(removed: &mut Vec<&'r Row>, added: &mut Vec<&'r Row>, lines: &mut Vec<Line<'r>>) {
    for place in 0..removed.len().max(added.len()) {
        let (one, other) = (removed.get(place).copied(), added.get(place).copied());
        let mark = match (one, other) {
            (Some(_), Some(_)) => '|',
            (Some(_), None) => '<',
            _ => '>',
        };
        lines.push((one, other, mark));
    }
    removed.clear();
    added.clear();
}

/// Whether two jumps lead to instructions that belong together; what is no jump leads nowhere.
fn leads_alike(
    (one, other): (&Row, &Row),
    (left, right): (&[Row], &[Row]),
    (partners, has_partner): (&[Option<usize>], &[bool]),
) -> bool {
    let (Some(target), Some(wanted)) = (one.target, other.target) else { return one.target == other.target };
    // Prefixes are left out, so a jump to one leads to the row behind it.
    let place = |rows: &[Row], target: i64| {
        let place = rows.partition_point(|row| i64::from(row.offset) < target);
        (place < rows.len()).then_some(place)
    };
    match (place(left, target), place(right, wanted)) {
        (Some(one), Some(other)) => match partners.get(one).copied().flatten() {
            Some(partner) => partner == other,
            // It leads to what is in one alone: alike if the other does too.
            None => has_partner.get(other) == Some(&false),
        },
        (one, other) => one == other,
    }
}
