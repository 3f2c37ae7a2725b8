//! Forges pycs of any version that pycaudit reads: a header, a code object, and whatever is to be wrong with them.
//!
//! It writes what compilers write as far as a test can tell: the types of the version's marshal, strings without sharing. It
//! does not compile: instructions and tables are given as bytes, or are those of an empty module.

use crate::pyc::CodeLayout;
use crate::pyc::HeaderLayout;
use crate::pyc::Magic;
use crate::pyc::Version;
use crate::pyc::layout::Field;
use crate::pyc::layout::Number;
use crate::pyc::layout::Object;
use crate::pyc::versions::Dialect;
use crate::pyc::versions::Implementation;
use crate::pyc::versions::VERSIONS;

/// A pyc to be written.
#[derive(Clone, Debug)]
pub struct Pyc {
    version: &'static Version,
    magic: Magic,
    mtime: u32,
    source_size: u32,
    flags: Option<u32>,
    hash: Option<[u8; 8]>,
    code: Code,
    header: Option<Vec<u8>>,
    body: Option<Vec<u8>>,
    trailing: Vec<u8>,
    cut: Option<usize>,
}

impl Pyc {
    /// An empty module by a Python: a series of CPython (`3.12`), or what [`Version::python`] says (`PyPy 3.9`,
    /// `CPython 3.14a1 (pre-release)`).
    ///
    /// # Panics
    ///
    /// When no version that is read is called so.
    pub fn python(name: &str) -> Self {
        let full = format!("CPython {name}");
        let mut read = VERSIONS.iter().filter(|version| version.is_read());
        // 3.5 has two numbers: the later one is meant. PyPy has two as well, where it once took CPython's.
        let version = read
            .clone()
            .rfind(|version| version.python() == full)
            .or_else(|| read.find(|version| version.python() == name))
            .unwrap_or_else(|| panic!("no version is called {name}"));
        Self::version(version)
    }

    /// An empty module by one row of the table of versions.
    pub fn version(version: &'static Version) -> Self {
        Self {
            version,
            magic: version.magic,
            mtime: 1_600_000_000,
            source_size: 6,
            flags: None,
            hash: None,
            code: Code::module(version),
            header: None,
            body: None,
            trailing: Vec::new(),
            cut: None,
        }
    }

    /// The mtime in the header.
    #[must_use]
    pub fn source_mtime(mut self, mtime: u32) -> Self {
        self.mtime = mtime;
        self
    }

    /// The size of the source in the header, where the layout has it.
    #[must_use]
    pub fn source_size(mut self, size: u32) -> Self {
        self.source_size = size;
        self
    }

    /// The flags word, where the layout has it; 0 without a hash, 3 with one.
    #[must_use]
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags = Some(flags);
        self
    }

    /// The source's hash in place of mtime and size; checked, unless [`Self::flags`] says otherwise.
    #[must_use]
    pub fn hash(mut self, hash: [u8; 8]) -> Self {
        self.hash = Some(hash);
        self
    }

    /// The four bytes, when they are not those of the version.
    #[must_use]
    pub fn magic(mut self, magic: Magic) -> Self {
        self.magic = magic;
        self
    }

    /// The file name that the module was compiled under.
    #[must_use]
    pub fn filename(mut self, filename: &str) -> Self {
        self.code.filename = Value::text(filename);
        self
    }

    /// The module's name, `<module>` in honest files.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.code.name = Value::text(name);
        self.code.qualname = Value::text(name);
        self
    }

    /// The constants of the module; its instructions return the first.
    #[must_use]
    pub fn consts(mut self, consts: Vec<Value>) -> Self {
        self.code.consts = Value::Tuple(consts);
        self
    }

    /// The names that the module has.
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        self.code.names = Value::names(names);
        self
    }

    /// The module's code object.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// The module's code object changed: `.edit(|code| code.stacksize = -1)`.
    #[must_use]
    pub fn edit(mut self, edit: impl FnOnce(&mut Code)) -> Self {
        edit(&mut self.code);
        self
    }

    /// The whole header, magic included, in place of the version's.
    #[must_use]
    pub fn header(mut self, header: impl Into<Vec<u8>>) -> Self {
        self.header = Some(header.into());
        self
    }

    /// The marshalled data in place of the code object's.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Bytes behind the code object.
    #[must_use]
    pub fn trailing(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.trailing = bytes.into();
        self
    }

    /// Ends the file after so many bytes.
    #[must_use]
    pub fn cut(mut self, length: usize) -> Self {
        self.cut = Some(length);
        self
    }

    /// The bytes of the file.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = self.header.clone().unwrap_or_else(|| self.build_header());
        match &self.body {
            Some(body) => bytes.extend_from_slice(body),
            None => bytes.extend_from_slice(&self.build_body()),
        }
        bytes.extend_from_slice(&self.trailing);
        if let Some(cut) = self.cut {
            bytes.truncate(cut);
        }
        bytes
    }

    /// The header alone.
    pub fn build_header(&self) -> Vec<u8> {
        let mut bytes = self.magic.0.to_vec();
        let layout = self.version.header;
        if layout == Some(HeaderLayout::Bytes16) {
            let flags = self.flags.unwrap_or(if self.hash.is_some() { 3 } else { 0 });
            bytes.extend_from_slice(&flags.to_le_bytes());
        }
        match self.hash {
            Some(hash) if layout == Some(HeaderLayout::Bytes16) => bytes.extend_from_slice(&hash),
            _ => {
                bytes.extend_from_slice(&self.mtime.to_le_bytes());
                if layout != Some(HeaderLayout::Bytes8) {
                    bytes.extend_from_slice(&self.source_size.to_le_bytes());
                }
            }
        }
        bytes
    }

    /// The marshalled code object alone.
    pub fn build_body(&self) -> Vec<u8> {
        let mut writer = Writer { version: self.version, bytes: Vec::new() };
        writer.code(&self.code);
        if self.version.dialect.has_references()
            && self.version.implementation == Implementation::CPython
            && let Some(letter) = writer.bytes.first_mut()
        {
            // Nothing refers to it, but CPython flags the outermost object of nearly every file.
            *letter |= 0x80;
        }
        writer.bytes
    }
}

/// A code object to be written; fields that a layout does not have are left out.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of CPython's co_ attributes")]
pub struct Code {
    pub argcount: i32,
    pub posonlyargcount: i32,
    pub kwonlyargcount: i32,
    pub nlocals: i32,
    pub stacksize: i32,
    pub flags: i32,
    pub firstlineno: i32,
    pub code: Value,
    pub consts: Value,
    pub names: Value,
    pub varnames: Value,
    pub freevars: Value,
    pub cellvars: Value,
    pub localsplusnames: Value,
    pub localspluskinds: Value,
    pub filename: Value,
    pub name: Value,
    pub qualname: Value,
    pub linetable: Value,
    pub exceptiontable: Value,
}

impl Code {
    /// The code object of an empty module, as the version's compiler makes it, `None` its only constant.
    pub fn module(version: &Version) -> Self {
        let (code, linetable) = empty_module(version);
        Self {
            argcount: 0,
            posonlyargcount: 0,
            kwonlyargcount: 0,
            nlocals: 0,
            stacksize: 1,
            // NOFREE, up to 3.10.
            flags: if version.series < (3, 11) { 0x40 } else { 0 },
            firstlineno: 1,
            code: Value::Bytes(code.to_vec()),
            consts: Value::Tuple(vec![Value::None]),
            names: Value::Tuple(Vec::new()),
            varnames: Value::Tuple(Vec::new()),
            freevars: Value::Tuple(Vec::new()),
            cellvars: Value::Tuple(Vec::new()),
            localsplusnames: Value::Tuple(Vec::new()),
            localspluskinds: Value::Bytes(Vec::new()),
            filename: Value::text("m.py"),
            name: Value::text("<module>"),
            qualname: Value::text("<module>"),
            linetable: Value::Bytes(linetable.to_vec()),
            exceptiontable: Value::Bytes(Vec::new()),
        }
    }

    /// The code object of a function that takes these arguments by position and returns `None`.
    pub fn function(version: &Version, name: &str, arguments: &[&str]) -> Self {
        let count = i32::try_from(arguments.len()).unwrap_or(i32::MAX);
        // An argument that can be given by position and by keyword says so from 3.14 on.
        let kind = if version.series >= (3, 14) { 0x26 } else { 0x20 };
        Self {
            argcount: count,
            nlocals: count,
            flags: 0x3 | if version.series < (3, 11) { 0x40 } else { 0 },
            varnames: Value::names(arguments),
            localsplusnames: Value::names(arguments),
            localspluskinds: Value::Bytes(vec![kind; arguments.len()]),
            name: Value::text(name),
            qualname: Value::text(name),
            ..Self::module(version)
        }
    }

    fn number(&self, number: Number) -> i32 {
        match number {
            Number::ArgCount => self.argcount,
            Number::PosOnlyArgCount => self.posonlyargcount,
            Number::KwOnlyArgCount => self.kwonlyargcount,
            Number::NLocals => self.nlocals,
            Number::StackSize => self.stacksize,
            Number::Flags => self.flags,
            Number::FirstLineNo => self.firstlineno,
        }
    }

    fn object(&self, object: Object) -> &Value {
        match object {
            Object::Code => &self.code,
            Object::Consts => &self.consts,
            Object::Names => &self.names,
            Object::VarNames => &self.varnames,
            Object::FreeVars => &self.freevars,
            Object::CellVars => &self.cellvars,
            Object::LocalsPlusNames => &self.localsplusnames,
            Object::LocalsPlusKinds => &self.localspluskinds,
            Object::Filename => &self.filename,
            Object::Name => &self.name,
            Object::QualName => &self.qualname,
            Object::LineTable => &self.linetable,
            // As the interpreter writes them under -X no_debug_ranges.
            Object::EndLineTable | Object::ColumnTable => &Value::None,
            Object::ExceptionTable => &self.exceptiontable,
        }
    }
}

/// The instructions and line table of an empty module. Compiled ones for 2.7 and 3.6 to 3.15; the alphas have their final's.
fn empty_module(version: &Version) -> (&'static [u8], &'static [u8]) {
    let is_pypy = version.implementation == Implementation::PyPy;
    match version.series {
        _ if !version.has_wordcode() => (b"\x64\0\0\x53", b""),
        (3, 10 | 11) if is_pypy => (b"\x64\0\x53\0", b""),
        (3, ..=9) => (b"\x64\0\x53\0", b""),
        (3, 10) => (b"\x64\0\x53\0", b"\x04\0"),
        (3, 11) => (b"\x97\0\x64\0\x53\0", b"\xf0\x03\x01\x01\x01\xf0\x00\x01\x01\x01\xf0\x00\x01\x01\x01"),
        (3, 12) => (b"\x97\0\x79\0", b"\xf1\x03\x01\x01\x01"),
        (3, 13) => (b"\x95\0\x67\0", b"\xf1\x03\x01\x01\x01"),
        (3, 14) => (b"\x80\0\x52\0\x23\0", b"\xf2\x03\x01\x01\x01"),
        _ => (b"\x80\0\0\0\x50\0\x21\0", b"\xf3\x03\x01\x01\x01"),
    }
}

/// An object to be marshalled.
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`.
    None,
    /// `True`.
    True,
    /// `False`.
    False,
    /// `...`.
    Ellipsis,
    /// An integer of 32 bits.
    Int(i32),
    /// An integer below zero or not, by its digits of 15 bits, least significant first.
    Long(bool, Vec<u16>),
    /// A float.
    Float(f64),
    /// A byte string; in Python 2, any `str`.
    Bytes(Vec<u8>),
    /// Text that is a name: interned, and a byte string in Python 2.
    Name(String),
    /// Text that is a constant: Unicode in every version.
    Str(String),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A list.
    List(Vec<Value>),
    /// A set.
    Set(Vec<Value>),
    /// A frozenset.
    FrozenSet(Vec<Value>),
    /// A dict.
    Dict(Vec<(Value, Value)>),
    /// A code object.
    Code(Box<Code>),
    /// Bytes that are written as they are.
    Raw(Vec<u8>),
}

impl Value {
    /// A name.
    pub fn text(text: &str) -> Self {
        Self::Name(text.to_owned())
    }

    /// A tuple of names.
    pub fn names(names: &[&str]) -> Self {
        Self::Tuple(names.iter().map(|name| Self::text(name)).collect())
    }
}

/// Writes marshalled data of one version.
struct Writer {
    version: &'static Version,
    bytes: Vec<u8>,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::None => self.bytes.push(b'N'),
            Value::True => self.bytes.push(b'T'),
            Value::False => self.bytes.push(b'F'),
            Value::Ellipsis => self.bytes.push(b'.'),
            Value::Int(number) => {
                self.bytes.push(b'i');
                self.bytes.extend_from_slice(&number.to_le_bytes());
            }
            Value::Long(is_negative, digits) => {
                let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
                self.bytes.push(b'l');
                self.bytes.extend_from_slice(&(if *is_negative { -count } else { count }).to_le_bytes());
                self.bytes.extend(digits.iter().flat_map(|digit| digit.to_le_bytes()));
            }
            Value::Float(number) if matches!(self.version.dialect, Dialect::V0 | Dialect::V1) => {
                let text = number.to_string();
                self.bytes.push(b'f');
                self.bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
                self.bytes.extend_from_slice(text.as_bytes());
            }
            Value::Float(number) => {
                self.bytes.push(b'g');
                self.bytes.extend_from_slice(&number.to_le_bytes());
            }
            Value::Bytes(bytes) => self.counted(b's', bytes),
            Value::Name(text) => self.name(text),
            Value::Str(text) => self.text(text, b'u', b'a', b'z'),
            Value::Tuple(items) => self.tuple(items),
            Value::List(items) => self.sequence(b'[', items),
            Value::Set(items) => self.sequence(b'<', items),
            Value::FrozenSet(items) => self.sequence(b'>', items),
            Value::Dict(pairs) => {
                self.bytes.push(b'{');
                for (key, value) in pairs {
                    self.value(key);
                    self.value(value);
                }
                self.bytes.push(b'0');
            }
            Value::Code(code) => self.code(code),
            Value::Raw(bytes) => self.bytes.extend_from_slice(bytes),
        }
    }

    fn code(&mut self, code: &Code) {
        self.bytes.push(if self.version.layout == CodeLayout::L10 { b'C' } else { b'c' });
        for field in self.version.layout.fields() {
            match *field {
                Field::Short(number) => {
                    let [low, high, ..] = code.number(number).to_le_bytes();
                    self.bytes.extend_from_slice(&[low, high]);
                }
                Field::Long(number) => self.bytes.extend_from_slice(&code.number(number).to_le_bytes()),
                Field::Object(object) => self.value(code.object(object)),
                Field::RawKinds => {
                    if let Value::Bytes(kinds) = &code.localspluskinds {
                        self.bytes.extend_from_slice(kinds);
                    }
                }
            }
        }
    }

    fn name(&mut self, text: &str) {
        match self.version.dialect {
            Dialect::V0 => self.counted(b's', text.as_bytes()),
            Dialect::V1 | Dialect::V2 | Dialect::V2Alpha => self.counted(b't', text.as_bytes()),
            Dialect::V2Text => self.counted(b'u', text.as_bytes()),
            Dialect::V3 | Dialect::V4 | Dialect::V5 | Dialect::V6 | Dialect::PyPy => self.text(text, b't', b'A', b'Z'),
        }
    }

    /// Text by the letter for any, for ASCII, or for ASCII of less than 256 bytes.
    fn text(&mut self, text: &str, any: u8, ascii: u8, short: u8) {
        let has_ascii = self.version.dialect.types().contains(&b'z');
        match u8::try_from(text.len()) {
            _ if !has_ascii || !text.is_ascii() => self.counted(any, text.as_bytes()),
            Ok(length) => {
                self.bytes.extend_from_slice(&[short, length]);
                self.bytes.extend_from_slice(text.as_bytes());
            }
            Err(_) => self.counted(ascii, text.as_bytes()),
        }
    }

    fn tuple(&mut self, items: &[Value]) {
        match u8::try_from(items.len()) {
            Ok(count) if self.version.dialect.types().contains(&b')') => {
                self.bytes.extend_from_slice(&[b')', count]);
                for item in items {
                    self.value(item);
                }
            }
            // 1.0 kept constants and names in lists.
            _ if self.version.layout == CodeLayout::L10 => self.sequence(b'[', items),
            _ => self.sequence(b'(', items),
        }
    }

    fn sequence(&mut self, letter: u8, items: &[Value]) {
        self.bytes.push(letter);
        self.bytes.extend_from_slice(&u32::try_from(items.len()).unwrap_or(u32::MAX).to_le_bytes());
        for item in items {
            self.value(item);
        }
    }

    fn counted(&mut self, letter: u8, bytes: &[u8]) {
        self.bytes.push(letter);
        self.bytes.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::pyc::Body;
    use crate::pyc::Invalidation;
    use crate::pyc::Scratch;
    use crate::pyc::parse;

    #[test]
    fn what_is_forged_for_any_version_is_read_as_that_version() {
        let mut scratch = Scratch::default();
        for version in VERSIONS.iter().filter(|version| version.is_read()) {
            let bytes = Pyc::version(version).filename("a/b.py").names(&["x"]).build();
            let parsed = parse(&bytes, &Limits::default(), &mut scratch);
            let Body::Code(root) = &parsed.value.body else { panic!("{}: {:?}", version.python(), parsed.problems) };
            assert_eq!(root.filename.as_bytes(), b"a/b.py", "{}", version.python());
            assert_eq!(parsed.value.trailing, 0);
            assert!(parsed.problems.is_empty() && parsed.value.oddities.is_empty(), "{}", version.python());
            assert_eq!(parsed.value.unusual_types, [], "{}", version.python());
            assert_eq!(parsed.value.fit, None);
            let found = parsed.value.version.unwrap();
            assert!(found.magic == version.magic && found.layout == version.layout);
        }
    }

    #[test]
    fn a_hash_stands_in_the_place_of_mtime_and_size() {
        let mut scratch = Scratch::default();
        let checked = Pyc::python("3.12").hash(*b"siphash!").build();
        let unchecked = Pyc::python("3.12").hash(*b"siphash!").flags(1).build();
        let invalidation = |bytes: &[u8], scratch: &mut Scratch| {
            parse(bytes, &Limits::default(), scratch).value.header.unwrap().invalidation
        };
        assert_eq!(invalidation(&checked, &mut scratch), Invalidation::CheckedHash(*b"siphash!"));
        assert_eq!(invalidation(&unchecked, &mut scratch), Invalidation::UncheckedHash(*b"siphash!"));
    }

    #[test]
    fn what_is_added_and_cut_shows() {
        let mut scratch = Scratch::default();
        let whole = Pyc::python("3.9").build();
        let longer = Pyc::python("3.9").trailing(*b"PK").build();
        assert_eq!(parse(&longer, &Limits::default(), &mut scratch).value.trailing, 2);
        let shorter = Pyc::python("3.9").cut(whole.len() - 1).build();
        assert!(matches!(parse(&shorter, &Limits::default(), &mut scratch).value.body, Body::Damaged(Some(_))));
    }
}
