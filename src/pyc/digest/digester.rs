//! Computes digests as the room above defines them.
//!
//! Forms are written to one buffer, the innermost behind the others; what is long is hashed and stands there as its digest.

use std::collections::HashMap;
use std::fmt;
use std::str;

use sha2::Digest as _;
use sha2::Sha256;

use crate::pyc::layout::Object;
use crate::pyc::objects::Arena;
use crate::pyc::objects::Encoding;
use crate::pyc::objects::Kind;
use crate::pyc::objects::Long;
use crate::pyc::objects::Node;
use crate::pyc::objects::ObjectId;
use crate::pyc::objects::Tree;
use crate::pyc::objects::Value;
use crate::pyc::objects::index_of;

use super::CodeDigest;
use super::DIGEST;
use super::FIELDS;
use super::Field;
use super::INLINE;
use super::LINE_FIELDS;
use super::LinesDigest;

/// Bytes of one form that are kept before they are hashed, so that a tuple of a million references is never written out.
const KEPT_FORM: usize = 1 << 10;

/// Strings below this length are the most.
const CHUNK: usize = 32;

/// Objects of one file whose memory is kept for the next, as the arena's is.
const KEPT_MEMO: usize = 1 << 16;

/// Computes digests; kept from file to file so that its memory is.
#[derive(Default)]
pub struct Digester {
    /// The forms that are being written, the innermost last.
    buffer: Vec<u8>,
    open: Vec<Open>,
    /// By object: 0, or one more than the place of its digest in `digests`.
    memo: Vec<u32>,
    digests: Vec<[u8; 32]>,
}

/// A container or code object whose form is being written.
struct Open {
    id: ObjectId,
    kind: Kind,
    /// Where its item begins in the buffer: a byte for the length, then the form.
    start: usize,
    /// How many of its items or fields are written.
    next: usize,
    /// What was too long to stay in the buffer.
    hasher: Option<Sha256>,
}

impl Open {
    fn is_set(&self) -> bool {
        matches!(self.kind, Kind::Set | Kind::FrozenSet)
    }
}

/// The form cannot be written: there is something in it that no interpreter takes, or that holds itself.
struct NoForm;

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester")
    }
}

impl Digester {
    /// The code digest of a module; `None` when an interpreter refuses its body or a container in it holds itself.
    pub fn module(&mut self, tree: &Tree<'_>) -> Option<CodeDigest> {
        if !tree.pyc.body.is_code() {
            return None;
        }
        self.reset(tree.arena);
        self.walk(tree).ok()?;
        self.known(tree.root).map(CodeDigest)
    }

    /// Both digests of every code object, in the order of [`Tree::codes`]; none at all under the conditions of [`Self::module`].
    pub fn codes(&mut self, tree: &Tree<'_>) -> Vec<Option<(CodeDigest, LinesDigest)>> {
        let count = tree.arena.codes.len();
        let mut found: Vec<Option<(CodeDigest, LinesDigest)>> = vec![None; count];
        if self.module(tree).is_none() {
            return found;
        }
        let mut digests: Vec<Option<[u8; 32]>> = vec![None; count];
        for (node, place) in tree.arena.nodes.iter().zip(0_usize..).filter(|(node, _)| node.kind == Kind::Code) {
            if let Some(slot) = digests.get_mut(index_of(node.a)) {
                *slot = self.known(ObjectId::new(place));
            }
        }
        // A code object ends after those that it refers to, so theirs are known by then.
        let mut order: Vec<_> = tree.codes().collect();
        order.sort_by_key(|code| code.end());
        let mut inner = HashMap::new();
        for code in order {
            let Some(digest) = digests.get(code.index()).copied().flatten() else { continue };
            let mut hasher = Sha256::new();
            hasher.update([b'L']);
            hasher.update(digest);
            if let Some(line) = code.firstlineno() {
                hasher.update([18]);
                hasher.update(line.to_le_bytes());
            }
            for (number, object) in LINE_FIELDS {
                let id = code.record.objects.get(object.slot()).copied().filter(|id| id.is_some());
                self.buffer.clear();
                if let Some(id) = id
                    && self.item(tree, id).is_ok()
                    && self.run(tree).is_ok()
                {
                    hasher.update([number]);
                    hasher.update(&self.buffer);
                }
            }
            let id = code.record.objects.get(Object::Consts.slot()).copied().unwrap_or(ObjectId::ABSENT);
            // Many code objects can have one tuple of constants.
            let inner = inner.entry(id).or_insert_with(|| {
                let mut hasher = Sha256::new();
                for constant in code.consts().iter() {
                    if let Value::Code(inner) = constant
                        && let Some((_, lines)) = found.get(inner.index()).copied().flatten()
                    {
                        hasher.update(lines.0);
                    }
                }
                hasher.finalize()
            });
            hasher.update(inner);
            if let Some(slot) = found.get_mut(code.index()) {
                *slot = Some((CodeDigest(digest), LinesDigest(hasher.finalize().into())));
            }
        }
        found
    }

    fn reset(&mut self, arena: &Arena) {
        if self.memo.capacity() > KEPT_MEMO || self.digests.capacity() > KEPT_MEMO {
            *self = Self::default();
        }
        self.buffer.clear();
        self.open.clear();
        self.digests.clear();
        self.memo.clear();
        self.memo.resize(arena.nodes.len(), 0);
    }

    /// The digest of an object whose form is longer than [`INLINE`], when it was computed.
    fn known(&self, id: ObjectId) -> Option<[u8; 32]> {
        let place = self.memo.get(id.index()).copied()?.checked_sub(1)?;
        self.digests.get(index_of(place)).copied()
    }

    fn walk(&mut self, tree: &Tree<'_>) -> Result<(), NoForm> {
        self.item(tree, tree.root)?;
        self.run(tree)
    }

    /// Writes what is open to its end.
    fn run(&mut self, tree: &Tree<'_>) -> Result<(), NoForm> {
        while let Some(open) = self.open.last() {
            let (id, place, is_code) = (open.id, open.next, open.kind == Kind::Code);
            let depth = self.open.len();
            let node = tree.arena.node(id).ok_or(NoForm)?;
            let next =
                if is_code { self.fields(tree, node, place, depth)? } else { self.items(tree, node, place, depth)? };
            let Some(next) = next else {
                self.close();
                self.flush();
                continue;
            };
            // What was opened comes first.
            if let Some(open) = depth.checked_sub(1).and_then(|last| self.open.get_mut(last)) {
                open.next = next;
            }
        }
        Ok(())
    }

    /// Writes the items of the innermost container from a place on; the next place, when one has items of its own.
    #[inline]
    fn items(&mut self, tree: &Tree<'_>, node: &Node, place: usize, depth: usize) -> Result<Option<usize>, NoForm> {
        let items = tree.arena.ids(node).get(place..).unwrap_or_default();
        let is_set = matches!(node.kind, Kind::Set | Kind::FrozenSet);
        let full = self.full();
        for (&item, next) in items.iter().zip(place.saturating_add(1)..) {
            let inner = tree.arena.node(item).ok_or(NoForm)?;
            if is_set || !self.short(tree.bytes, inner) {
                self.long(tree, item, inner)?;
                if self.open.len() > depth {
                    return Ok(Some(next));
                }
            }
            if self.buffer.len() > full {
                self.flush();
            }
        }
        Ok(None)
    }

    /// How long the buffer may become before the innermost form is hashed as far as it is written.
    fn full(&self) -> usize {
        match self.open.last() {
            // It has to be sorted first.
            Some(open) if open.is_set() => usize::MAX,
            Some(open) => open.start.saturating_add(KEPT_FORM),
            None => usize::MAX,
        }
    }

    /// The same for the fields of a code object.
    #[inline]
    fn fields(&mut self, tree: &Tree<'_>, node: &Node, place: usize, depth: usize) -> Result<Option<usize>, NoForm> {
        let code = tree.arena.code(tree.bytes, node.a).ok_or(NoForm)?;
        for (&field, next) in FIELDS.get(place..).unwrap_or_default().iter().zip(place.saturating_add(1)..) {
            match field {
                Field::Number(tag, number) => {
                    if let Some(value) = code.number(number) {
                        let [a, b, c, d] = value.to_le_bytes();
                        self.buffer.extend_from_slice(&[tag, a, b, c, d]);
                    }
                }
                Field::Object(tag, object) => {
                    let id = code.record.objects.get(object.slot()).copied().filter(|id| id.is_some());
                    let Some(id) = id else { continue };
                    self.buffer.push(tag);
                    let inner = tree.arena.node(id).ok_or(NoForm)?;
                    if !self.short(tree.bytes, inner) {
                        self.long(tree, id, inner)?;
                        if self.open.len() > depth {
                            return Ok(Some(next));
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    /// Writes an object as an item; a container or code object that is met for the first time is opened for that.
    fn item(&mut self, tree: &Tree<'_>, id: ObjectId) -> Result<(), NoForm> {
        let node = tree.arena.node(id).ok_or(NoForm)?;
        if self.short(tree.bytes, node) { Ok(()) } else { self.long(tree, id, node) }
    }

    /// Writes an object that is not short.
    fn long(&mut self, tree: &Tree<'_>, id: ObjectId, node: &Node) -> Result<(), NoForm> {
        if let Some(digest) = self.known(id) {
            self.buffer.push(DIGEST);
            self.buffer.extend_from_slice(&digest);
            return Ok(());
        }
        let start = self.buffer.len();
        self.buffer.push(0);
        let letter = match node.kind {
            Kind::Tuple => b'(',
            Kind::List => b'[',
            Kind::Set => b'<',
            Kind::FrozenSet => b'>',
            Kind::Dict => b'{',
            Kind::FrozenDict => b'}',
            Kind::Slice => b':',
            Kind::Code => b'c',
            _ => return self.leaf(tree, id, start),
        };
        self.buffer.push(letter);
        self.open.push(Open { id, kind: node.kind, start, next: 0, hasher: None });
        Ok(())
    }

    /// Writes what nearly all items are: a short string, or an object without a node of its own; false when it is none of these. Not for
    /// the items of sets.
    #[inline]
    fn short(&mut self, bytes: &[u8], node: &Node) -> bool {
        let (letter, length) = match node.kind {
            Kind::Bytes => (b's', node.b),
            Kind::Utf8 | Kind::Latin1 => (b'u', node.b),
            Kind::None => (b'N', 0),
            Kind::True => (b'T', 0),
            Kind::False => (b'F', 0),
            _ => return false,
        };
        let rest = bytes.get(index_of(node.a)..).unwrap_or_default();
        let length = index_of(length);
        // So many bytes at once are copied without a call; those behind the string are cut off again.
        if length < CHUNK
            && let Some(chunk) = rest.first_chunk::<CHUNK>()
        {
            if node.kind == Kind::Latin1 && !begins_ascii(chunk, length) {
                return false;
            }
            let mut form = [0; CHUNK + 2];
            let [form_length, form_letter, form_rest @ ..] = &mut form;
            *form_length = u8::try_from(length.wrapping_add(1)).unwrap_or(DIGEST);
            *form_letter = letter;
            *form_rest = *chunk;
            let end = self.buffer.len().wrapping_add(length).wrapping_add(2);
            self.buffer.extend_from_slice(&form);
            self.buffer.truncate(end);
            return true;
        }
        let run = rest.get(..length).unwrap_or_default();
        let Ok(form) = u8::try_from(length.saturating_add(1)) else { return false };
        if form == DIGEST || node.kind == Kind::Latin1 && !run.is_ascii() {
            return false;
        }
        self.buffer.extend_from_slice(&[form, letter]);
        self.buffer.extend_from_slice(run);
        true
    }

    /// Writes an object without items.
    fn leaf(&mut self, tree: &Tree<'_>, id: ObjectId, start: usize) -> Result<(), NoForm> {
        match tree.arena.value(tree.bytes, id) {
            Value::None => self.buffer.push(b'N'),
            Value::True => self.buffer.push(b'T'),
            Value::False => self.buffer.push(b'F'),
            Value::Ellipsis => self.buffer.push(b'.'),
            Value::StopIteration => self.buffer.push(b'S'),
            Value::Int(number) => {
                self.buffer.extend_from_slice(&[b'i', if number < 0 { b'-' } else { b'+' }]);
                self.magnitude(number.unsigned_abs().to_le_bytes());
            }
            Value::Long(long) => {
                let bytes = magnitude(long);
                let letter = if is_python_2(tree) { b'l' } else { b'i' };
                self.leaf_of(id, start, &[letter, if long.negative { b'-' } else { b'+' }], &bytes);
                return Ok(());
            }
            Value::Float(number) => self.float(b"f", &[number]),
            Value::FloatText(text) => {
                let number = float(text)?;
                self.float(b"f", &[number]);
            }
            Value::Complex { real, imag } => self.float(b"y", &[real, imag]),
            Value::ComplexText { real, imag } => {
                let (real, imag) = (float(real)?, float(imag)?);
                self.float(b"y", &[real, imag]);
            }
            Value::Bytes(bytes) => {
                self.leaf_of(id, start, b"s", bytes);
                return Ok(());
            }
            Value::Text(text) => {
                // Stored as UTF-8, lone surrogates included, or as Latin-1, which is converted.
                if text.encoding == Encoding::Utf8 || text.bytes.is_ascii() {
                    self.leaf_of(id, start, b"u", text.bytes);
                } else {
                    self.leaf_of(id, start, b"u", &text.to_bytes());
                }
                return Ok(());
            }
            _ => return Err(NoForm),
        }
        self.set_length(start);
        Ok(())
    }

    /// Writes a form of any length that is a beginning and a run of bytes; the length byte is there.
    fn leaf_of(&mut self, id: ObjectId, start: usize, head: &[u8], bytes: &[u8]) {
        if head.len().saturating_add(bytes.len()) <= INLINE {
            self.buffer.extend_from_slice(head);
            self.buffer.extend_from_slice(bytes);
            self.set_length(start);
        } else {
            let digest = Sha256::new().chain_update(head).chain_update(bytes).finalize().into();
            self.finish(id, start, digest);
        }
    }

    fn float(&mut self, letter: &[u8], parts: &[f64]) {
        self.buffer.extend_from_slice(letter);
        for part in parts {
            self.buffer.extend_from_slice(&part.to_le_bytes());
        }
    }

    fn magnitude(&mut self, bytes: [u8; 8]) {
        let length = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last.saturating_add(1));
        self.buffer.extend_from_slice(bytes.get(..length).unwrap_or_default());
    }

    /// Writes the length of the short form that ends the buffer; an item of a set becomes its digest.
    fn set_length(&mut self, start: usize) {
        let form = start.saturating_add(1);
        if self.open.last().is_some_and(Open::is_set) {
            let digest = Sha256::digest(self.buffer.get(form..).unwrap_or_default());
            self.buffer.truncate(start);
            self.buffer.push(DIGEST);
            self.buffer.extend_from_slice(&digest);
            return;
        }
        let length = self.buffer.len().saturating_sub(form);
        if let Some(byte) = self.buffer.get_mut(start) {
            *byte = u8::try_from(length).unwrap_or(DIGEST);
        }
    }

    /// Puts a digest in the place of a form.
    fn finish(&mut self, id: ObjectId, start: usize, digest: [u8; 32]) {
        self.buffer.truncate(start);
        self.buffer.push(DIGEST);
        self.buffer.extend_from_slice(&digest);
        self.digests.push(digest);
        let place = u32::try_from(self.digests.len()).unwrap_or_default();
        if let Some(slot) = self.memo.get_mut(id.index()) {
            *slot = place;
        }
    }

    /// Ends the innermost open form.
    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        // Behind the length byte.
        let form = open.start.saturating_add(1);
        if open.is_set() {
            self.sort_items(form.saturating_add(1));
        }
        let rest = self.buffer.get(form..).unwrap_or_default();
        match open.hasher {
            None if rest.len() <= INLINE && open.kind != Kind::Code => self.set_length(open.start),
            hasher => {
                let digest = hasher.unwrap_or_default().chain_update(rest).finalize().into();
                self.finish(open.id, open.start, digest);
            }
        }
    }

    /// Sorts the items that end the buffer, all of them digests, and drops equal ones.
    fn sort_items(&mut self, from: usize) {
        let (items, _) = self.buffer.get(from..).unwrap_or_default().as_chunks::<33>();
        let mut items = items.to_vec();
        items.sort_unstable();
        items.dedup();
        self.buffer.truncate(from);
        self.buffer.extend_from_slice(items.as_flattened());
    }

    /// Hashes what was written of the innermost form, when that is much.
    fn flush(&mut self) {
        if self.buffer.len() <= self.full() {
            return;
        }
        let Some(open) = self.open.last_mut() else { return };
        let form = open.start.saturating_add(1);
        let hasher = open.hasher.get_or_insert_default();
        hasher.update(self.buffer.get(form..).unwrap_or_default());
        self.buffer.truncate(form);
    }
}

/// The high bits of a chunk, and none behind them.
const HIGH_BITS: [[u8; CHUNK]; 2] = [[0x80; CHUNK], [0; CHUNK]];

/// Whether the first bytes of a chunk are ASCII, all of them looked at at once.
#[inline]
fn begins_ascii(chunk: &[u8; CHUNK], length: usize) -> bool {
    let bits = HIGH_BITS.as_flattened().get(CHUNK.wrapping_sub(length)..).and_then(<[u8]>::first_chunk::<CHUNK>);
    bits.is_some_and(|bits| chunk.iter().zip(bits).fold(0, |found, (byte, bit)| found | byte & bit) == 0)
}

/// Whether integers of two types are told apart.
fn is_python_2(tree: &Tree<'_>) -> bool {
    tree.arena.codes.first().is_some_and(|record| record.layout.is_python_2())
}

/// The magnitude of digits of 15 bits as bytes, least significant first, without zeros at its end.
fn magnitude(long: Long<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(long.bits().div_ceil(8));
    let (mut held, mut bits) = (0_u32, 0_u32);
    for digit in long.digits() {
        held |= u32::from(digit).wrapping_shl(bits);
        bits = bits.saturating_add(15);
        while bits >= 8 {
            let [low, ..] = held.to_le_bytes();
            bytes.push(low);
            held >>= 8;
            bits = bits.saturating_sub(8);
        }
    }
    let [low, ..] = held.to_le_bytes();
    bytes.push(low);
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

/// The float that a text stands for: what `PyOS_string_to_double` makes of it, which ends at a NUL.
fn float(text: &[u8]) -> Result<f64, NoForm> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(NoForm)
}
