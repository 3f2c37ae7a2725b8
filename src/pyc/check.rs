//! What a code object's fields have to be (`PyCode_New` and `_PyCode_Validate` in CPython's Objects/codeobject.c).
//!
//! A field that an interpreter refuses is a problem; one that it takes though no compiler writes it is an oddity.

use crate::name::is_deceptive;
use crate::problem::ProblemKind;

use super::Oddity;
use super::OddityKind;
use super::code::CO_OPTIMIZED;
use super::code::CO_VARARGS;
use super::code::CO_VARKEYWORDS;
use super::code::KIND_ARGUMENT;
use super::code::KIND_CELL;
use super::code::KIND_FREE;
use super::code::KIND_HIDDEN;
use super::code::KIND_LOCAL;
use super::code::ODDITIES;
use super::fault::bad_utf8;
use super::layout::Field;
use super::layout::NUMBERS;
use super::layout::Number;
use super::layout::OBJECTS;
use super::layout::Object;
use super::marshal::Parser;
use super::objects::Arena;
use super::objects::Kind;
use super::objects::Node;
use super::objects::ObjectId;
use super::objects::index_of;
use super::versions::CodeLayout;
use super::versions::Implementation;

/// The stack that code without any instruction may ask for before it is odd; each byte of code allows one more.
const STACK: u64 = 1 << 16;

/// The fields of one code object while it is checked.
struct Fields {
    /// Its place among the code objects.
    code: u32,
    /// Where it begins.
    offset: usize,
    numbers: [i32; NUMBERS],
    objects: [ObjectId; OBJECTS],
}

impl Fields {
    fn number(&self, number: Number) -> i32 {
        self.numbers.get(number.slot()).copied().unwrap_or_default()
    }

    fn object(&self, object: Object) -> ObjectId {
        self.objects.get(object.slot()).copied().unwrap_or(ObjectId::ABSENT)
    }
}

/// Kinds of local variables that are counted anew for each code object that has them.
const FEW_KINDS: usize = 64;

/// The bits of which a local variable has one.
const VARIABLE: u8 = KIND_LOCAL | KIND_CELL | KIND_FREE;

/// What the kinds of local variables come to (3.11 and later).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kinds {
    /// How many are plain local variables.
    locals: u32,
    /// All bits that are set.
    bits: u8,
    /// Whether one has none of the bits of variables.
    is_none: bool,
}

impl Kinds {
    fn of(bytes: &[u8]) -> Self {
        bytes.iter().fold(Self::default(), |kinds, &kind| Self {
            locals: kinds.locals.wrapping_add(u32::from(kind & KIND_LOCAL != 0)),
            bits: kinds.bits | kind,
            is_none: kinds.is_none || kind & VARIABLE == 0,
        })
    }
}

impl Parser<'_, '_> {
    /// Checks the fields of a complete code object.
    pub(super) fn check_code(&mut self, code: u32) {
        let Some(record) = self.arena.codes.get(index_of(code)) else { return };
        let fields = Fields { code, offset: index_of(record.offset), numbers: record.numbers, objects: record.objects };
        for &field in self.grammar.layout.fields() {
            if let Field::Object(object) = field {
                self.check_object(&fields, object);
            }
        }
        self.check_counts(&fields);
        self.check_kinds(&fields);
        self.check_instructions(&fields);
    }

    /// Checks the type of one field, and the text of the names in it.
    fn check_object(&mut self, fields: &Fields, object: Object) {
        let id = fields.object(object);
        let Some(&node) = self.arena.node(id) else { return };
        let right = match object {
            Object::Code | Object::LineTable | Object::ExceptionTable | Object::LocalsPlusKinds => {
                node.kind == Kind::Bytes
            }
            // `None` when the interpreter ran with -X no_debug_ranges.
            Object::EndLineTable | Object::ColumnTable => {
                matches!(node.kind, Kind::Bytes | Kind::None)
            }
            Object::Consts => self.is_row(&node),
            Object::Names | Object::VarNames | Object::FreeVars | Object::CellVars | Object::LocalsPlusNames => {
                if self.is_row(&node) && !node.checked {
                    self.check_names(fields, object, id, &node);
                }
                self.is_row(&node)
            }
            Object::Filename | Object::Name | Object::QualName => {
                if self.is_name(&node) {
                    self.check_text(fields, id, &node);
                }
                self.is_name(&node)
            }
        };
        if !right {
            self.problem_with(ProblemKind::FieldType, place(fields, &node), || object.name().to_owned());
        }
    }

    /// Whether it is what constants and names are kept in: a tuple; in 1.0 a list.
    #[inline]
    fn is_row(&self, node: &Node) -> bool {
        node.kind == Kind::Tuple || node.kind == Kind::List && self.grammar.layout == CodeLayout::L10
    }

    /// Whether it is what names are: text, in Python 2 a byte string.
    #[inline]
    fn is_name(&self, node: &Node) -> bool {
        match node.kind {
            Kind::Utf8 | Kind::Latin1 => self.are_names_text(),
            Kind::Bytes => self.are_names_bytes(),
            _ => false,
        }
    }

    fn are_names_text(&self) -> bool {
        self.grammar.mixed_names || self.grammar.dialect.names_are_text()
    }

    fn are_names_bytes(&self) -> bool {
        self.grammar.mixed_names || !self.grammar.dialect.names_are_text()
    }

    /// Checks the names of a row, once for all code objects that refer to it.
    fn check_names(&mut self, fields: &Fields, object: Object, id: ObjectId, row: &Node) {
        if !self.are_plain(row) {
            self.check_each_name(fields, object, row);
        }
        if let Some(row) = self.arena.nodes.get_mut(id.index()) {
            row.checked = true;
        }
    }

    /// Whether all of them are names, and of printable ASCII. Nearly all are, and names are a good part of all objects.
    #[inline]
    fn are_plain(&mut self, row: &Node) -> bool {
        let (is_text, is_bytes) = (self.are_names_text(), self.are_names_bytes());
        let Arena { nodes, items, .. } = &mut *self.arena;
        let ids = items.get(index_of(row.a)..).and_then(|rest| rest.get(..index_of(row.b))).unwrap_or_default();
        ids.iter().all(|id| {
            let Some(node) = nodes.get_mut(id.index()) else { return false };
            let is_name = match node.kind {
                Kind::Utf8 | Kind::Latin1 => is_text,
                Kind::Bytes => is_bytes,
                _ => false,
            };
            if is_name && !node.checked {
                let rest = self.bytes.get(index_of(node.a)..).unwrap_or_default();
                node.checked = is_printable(rest.get(..index_of(node.b)).unwrap_or_default());
            }
            is_name && node.checked
        })
    }

    #[cold]
    fn check_each_name(&mut self, fields: &Fields, object: Object, row: &Node) {
        for at in 0..row.b {
            let Some(&id) = self.arena.items.get(index_of(row.a.wrapping_add(at))) else { return };
            let Some(&node) = self.arena.node(id) else { return };
            if self.is_name(&node) {
                self.check_text(fields, id, &node);
            } else {
                self.problem_with(ProblemKind::FieldType, place(fields, &node), || {
                    format!("item {at} of {}", object.name())
                });
            }
        }
    }

    /// Looks for what no identifier and no honest path has, once for each text.
    #[inline]
    fn check_text(&mut self, fields: &Fields, id: ObjectId, node: &Node) {
        if node.checked {
            return;
        }
        if let Some(node) = self.arena.nodes.get_mut(id.index()) {
            node.checked = true;
        }
        let text = self.bytes.get(index_of(node.a)..).and_then(|rest| rest.get(..index_of(node.b))).unwrap_or_default();
        if !is_printable(text) {
            self.check_unusual_text(fields, node, text);
        }
    }

    #[cold]
    fn check_unusual_text(&mut self, fields: &Fields, node: &Node, text: &[u8]) {
        let offset = place(fields, node);
        if text.iter().any(|&byte| byte < 0x20 || byte == 0x7f) {
            self.odd(fields, OddityKind::ControlCharacter, offset);
        }
        let deceptive = match std::str::from_utf8(text) {
            _ if node.kind == Kind::Latin1 => text.iter().any(|&byte| byte >= 0x80 && is_deceptive(char::from(byte))),
            Ok(text) => text.chars().any(|character| !character.is_ascii() && is_deceptive(character)),
            Err(_) => {
                // A byte string of Python 2 is in the encoding of its system.
                if node.kind == Kind::Utf8 && bad_utf8(text).is_none() {
                    self.odd(fields, OddityKind::NotText, offset);
                }
                false
            }
        };
        if deceptive {
            self.odd(fields, OddityKind::DeceptiveCharacter, offset);
        }
    }

    /// Checks the numbers against each other and against the names.
    fn check_counts(&mut self, fields: &Fields) {
        let [args, positional, keyword, locals] =
            [Number::ArgCount, Number::PosOnlyArgCount, Number::KwOnlyArgCount, Number::NLocals]
                .map(|number| fields.number(number));
        let (stack, flags) = (fields.number(Number::StackSize), fields.number(Number::Flags));
        let is_cpython = self.grammar.implementation == Implementation::CPython;
        let is_strict = is_cpython && self.grammar.series >= (3, 8);
        if args < 0 || positional < 0 || keyword < 0 || locals < 0 || is_strict && (stack < 0 || flags < 0) {
            self.problem(ProblemKind::NegativeLength, fields.offset);
            return;
        }
        if positional > args && is_cpython {
            self.problem_with(ProblemKind::FieldCounts, fields.offset, || {
                format!("{positional} positional-only of {args} arguments")
            });
            return;
        }
        if positional > args {
            self.odd(fields, OddityKind::CountsDisagree, fields.offset);
        }
        let stars = i64::from(flags & CO_VARARGS != 0).wrapping_add(i64::from(flags & CO_VARKEYWORDS != 0));
        let total = i64::from(args).wrapping_add(i64::from(keyword)).wrapping_add(stars);
        let names = match self.arena.node(fields.object(Object::VarNames)) {
            Some(node) if node.kind == Kind::Tuple => {
                // Up to 2.4 a module has a count and no names.
                let is_counted = flags & CO_OPTIMIZED != 0 || self.grammar.series >= (2, 5);
                if is_counted && node.b != locals.unsigned_abs() && self.has_number(Number::NLocals) {
                    self.odd(fields, OddityKind::CountsDisagree, fields.offset);
                }
                i64::from(self.arena.node(fields.object(Object::VarNames)).map_or(0, |node| node.b))
            }
            _ if fields.object(Object::LocalsPlusKinds).is_some() => i64::from(self.kinds(fields).locals),
            _ => return,
        };
        if total > names {
            if is_cpython && self.grammar.series >= (3, 6) {
                self.problem_with(ProblemKind::FieldCounts, fields.offset, || {
                    format!("{total} arguments, {names} names")
                });
            } else {
                self.odd(fields, OddityKind::CountsDisagree, fields.offset);
            }
        }
    }

    fn has_number(&self, number: Number) -> bool {
        self.grammar
            .layout
            .fields()
            .iter()
            .any(|&field| matches!(field, Field::Short(found) | Field::Long(found) if found == number))
    }

    /// What the kinds of the local variables come to. Those of many are counted once for all code objects that refer to them.
    fn kinds(&mut self, fields: &Fields) -> Kinds {
        let id = fields.object(Object::LocalsPlusKinds);
        let Some(node) = self.arena.node(id).filter(|node| node.kind == Kind::Bytes) else { return Kinds::default() };
        let bytes =
            self.bytes.get(index_of(node.a)..).and_then(|rest| rest.get(..index_of(node.b))).unwrap_or_default();
        if bytes.len() <= FEW_KINDS {
            return Kinds::of(bytes);
        }
        *self.kinds.entry(id).or_insert_with(|| Kinds::of(bytes))
    }

    /// Checks the kinds of the local variables (3.11 and later).
    fn check_kinds(&mut self, fields: &Fields) {
        let names = self.arena.node(fields.object(Object::LocalsPlusNames)).filter(|node| node.kind == Kind::Tuple);
        let kinds = self.arena.node(fields.object(Object::LocalsPlusKinds)).filter(|node| node.kind == Kind::Bytes);
        let (Some(names), Some(&kinds)) = (names, kinds) else { return };
        let (names, count) = (names.b, kinds.b);
        if names != count {
            self.problem_with(ProblemKind::FieldCounts, place(fields, &kinds), || {
                format!("{names} names, {count} kinds")
            });
        }
        let known = match self.grammar.series {
            (3, ..=11) => VARIABLE,
            (3, 12 | 13) => VARIABLE | KIND_HIDDEN,
            _ => VARIABLE | KIND_HIDDEN | KIND_ARGUMENT,
        };
        let found = self.kinds(fields);
        if found.is_none {
            self.odd(fields, OddityKind::VariableOfNoKind, place(fields, &kinds));
        }
        if found.bits & !known != 0 {
            self.odd(fields, OddityKind::UnknownKindBits, place(fields, &kinds));
        }
    }

    /// Looks at what surrounds the instructions, not at them.
    fn check_instructions(&mut self, fields: &Fields) {
        let Some(&code) = self.arena.node(fields.object(Object::Code)).filter(|node| node.kind == Kind::Bytes) else {
            return;
        };
        if code.b == 0 {
            self.odd(fields, OddityKind::EmptyCode, place(fields, &code));
        }
        if self.grammar.wordcode && code.b & 1 == 1 {
            self.odd(fields, OddityKind::OddCodeLength, place(fields, &code));
        }
        let stack = u64::from(fields.number(Number::StackSize).max(0).unsigned_abs());
        if stack > STACK.saturating_add(u64::from(code.b)) {
            self.odd(fields, OddityKind::ImplausibleStackSize, fields.offset);
        }
        // Before 2.3 the field has 16 bits, and a line past 32,767 wraps around.
        let is_wide =
            !matches!(self.grammar.layout, CodeLayout::L10 | CodeLayout::L13 | CodeLayout::L15 | CodeLayout::L21);
        if is_wide && fields.number(Number::FirstLineNo) < 0 {
            self.odd(fields, OddityKind::NegativeLine, fields.offset);
        }
    }

    #[cold]
    fn odd(&mut self, fields: &Fields, kind: OddityKind, offset: usize) {
        if self.oddities.len() < ODDITIES {
            let offset = u64::try_from(offset).unwrap_or(u64::MAX);
            self.oddities.push(Oddity { kind, offset, code: index_of(fields.code) });
        }
    }
}

/// Whether all bytes are printable ASCII, eight at a time.
#[inline]
fn is_printable(text: &[u8]) -> bool {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let (words, rest) = text.as_chunks::<8>();
    let odd = words.iter().fold(0, |odd, &word| {
        let word = u64::from_le_bytes(word);
        // A high bit is set by a byte that has one, by one below a space, which borrows, and by DEL, which overflows into it.
        odd | word | word.wrapping_sub(u64::from_ne_bytes([0x20; 8])) | word.wrapping_add(u64::from_ne_bytes([1; 8]))
    });
    odd & HIGH == 0 && rest.iter().all(|&byte| matches!(byte, 0x20..=0x7e))
}

/// Where a field is, or the code object when the field is one of the objects without a place of their own.
fn place(fields: &Fields, node: &Node) -> usize {
    if node.offset == 0 { fields.offset } else { index_of(node.offset) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_is_told_byte_by_byte_and_word_by_word_alike() {
        for byte in 0..=u8::MAX {
            for (length, place) in [(8, 0), (8, 7), (16, 11), (11, 9), (3, 1)] {
                let mut text = vec![b' '; length];
                text[place] = byte;
                for filler in [b' ', b'~'] {
                    text.iter_mut().enumerate().filter(|(at, _)| *at != place).for_each(|(_, other)| *other = filler);
                    assert_eq!(is_printable(&text), (0x20..=0x7e).contains(&byte), "{text:?}");
                }
            }
        }
    }
}
