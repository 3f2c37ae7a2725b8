//! Reads code objects field by field from their layout (`r_object`, TYPE_CODE, in CPython's Python/marshal.c).
//!
//! What the fields have to be is in `check`.

use super::code::Record;
use super::code::bit;
use super::layout::Field;
use super::layout::NUMBERS;
use super::layout::OBJECTS;
use super::layout::Object;
use super::marshal::Parser;
use super::marshal::Step;
use super::marshal::Stop;
use super::marshal::index_at;
use super::objects::Kind;
use super::objects::ObjectId;

impl Parser<'_, '_> {
    pub(super) fn open_code(&mut self, offset: usize, flagged: bool) -> Result<Step, Stop> {
        let index = u32::try_from(self.arena.codes.len()).unwrap_or(u32::MAX);
        let parent = self.arena.frames.iter().rev().find(|frame| frame.kind == Kind::Code);
        let parent = parent.map_or(u32::MAX, |frame| frame.base);
        self.open_frame(Kind::Code, offset, index, 0, flagged)?;
        self.arena.codes.push(Record {
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            end: 0,
            parent,
            layout: self.grammar.layout,
            numbers_read: 0,
            numbers: [0; NUMBERS],
            objects: [ObjectId::ABSENT; OBJECTS],
        });
        // Every layout has objects, so its numbers do not complete it.
        if let Some(next) = self.read_numbers(index, 0)?
            && let Some(frame) = self.arena.frames.last_mut()
        {
            frame.field = next;
        }
        Ok(Step::Opened)
    }

    /// Stores an object that was read for a field.
    #[inline]
    pub(super) fn set_field(&mut self, code: u32, field: u8, id: ObjectId) {
        if let Some(&Field::Object(object)) = self.fields.get(usize::from(field))
            && let Some(record) = self.arena.codes.get_mut(index_at(code))
            && let Some(slot) = record.objects.get_mut(object.slot())
        {
            *slot = id;
        }
    }

    /// Reads the numbers up to the next field that is an object; gives its place, or none behind the last field.
    #[inline]
    pub(super) fn read_numbers(&mut self, code: u32, mut field: u8) -> Result<Option<u8>, Stop> {
        loop {
            let (number, value) = match self.fields.get(usize::from(field)) {
                None => return Ok(None),
                Some(Field::Object(_)) => return Ok(Some(field)),
                Some(&Field::Long(number)) => (number, self.reader.i32().map_err(|short| self.short(short))?),
                Some(&Field::Short(number)) => {
                    (number, i32::from(self.reader.i16().map_err(|short| self.short(short))?))
                }
                Some(Field::RawKinds) => {
                    self.raw_kinds(code)?;
                    field = field.wrapping_add(1);
                    continue;
                }
            };
            field = field.wrapping_add(1);
            if let Some(record) = self.arena.codes.get_mut(index_at(code))
                && let Some(slot) = record.numbers.get_mut(number.slot())
            {
                *slot = value;
                record.numbers_read |= bit(number.slot());
            }
        }
    }

    /// Reads the kinds that 3453 to 3456 store as bytes without type or length, one for each name.
    pub(super) fn raw_kinds(&mut self, code: u32) -> Result<(), Stop> {
        let names =
            self.arena.codes.get(index_at(code)).and_then(|record| record.objects.get(Object::LocalsPlusNames.slot()));
        let names = names.and_then(|&id| self.arena.node(id)).filter(|node| node.kind == Kind::Tuple);
        let count = names.map_or(0, |node| node.b);
        let offset = self.reader.offset();
        let start = self.offset32();
        self.take(count)?;
        let id = self.push(Kind::Bytes, offset, start, count)?;
        if let Some(record) = self.arena.codes.get_mut(index_at(code))
            && let Some(slot) = record.objects.get_mut(Object::LocalsPlusKinds.slot())
        {
            *slot = id;
        }
        Ok(())
    }

    /// Completes the innermost code object.
    #[inline]
    pub(super) fn close_code(&mut self) -> ObjectId {
        let Some(frame) = self.arena.frames.pop() else { return ObjectId::NULL };
        self.weigh_frame(&frame);
        let end = self.offset32();
        if let Some(record) = self.arena.codes.get_mut(index_at(frame.base)) {
            record.end = end;
        }
        if let Some(node) = self.arena.nodes.get_mut(frame.node.index()) {
            node.kind = Kind::Code;
            node.a = frame.base;
        }
        self.check_code(frame.base);
        frame.node
    }
}
