//! Canonical digests of code objects, version 1: equal for equal code wherever and however it was compiled.
//!
//! Two digests, and this text defines both. The **code digest**, `v1:` and 64 hexadecimal digits, is of what the code does. The
//! **lines digest**, `v1+lines:` and 64 digits, adds where it stands in its source: two functions that differ by an inserted
//! comment above them, or by `-X no_debug_ranges`, have one code digest and two lines digests.
//!
//! From 3.13 on the body of a class stores its first line as a constant (`__firstlineno__`), so that line is in both.
//!
//! In neither: the header and its magic number, the file name (`co_filename`), FLAG_REF and which objects are shared, interning,
//! which of several type letters holds a value, the order of the items of sets, bytes behind the code object. The same bytes can
//! mean different instructions to two interpreters, so compare digests of the same Python.
//!
//! # Values
//!
//! Every value has a *form*: a letter and what is said here. `item(v)` is how a value stands inside another: for a form of at
//! most 254 bytes, its length as a byte and the form; for a longer one, for every code object, and for every item of a set, the
//! byte FF and the form's SHA-256 (32 bytes).
//!
//! | value | letter | then |
//! | --- | --- | --- |
//! | `None`, `True`, `False`, `...`, `StopIteration` | `N` `T` `F` `.` `S` | nothing |
//! | integer | `i` | `+` or `-` (zero has `+`), then the magnitude, least significant byte first, no zero byte at its end |
//! | `long` of Python 2, which is not its `int` | `l` | likewise; stored as `l` in a file of layout L10 to L23 |
//! | float | `f` | 8 bytes, IEEE 754, little-endian, as stored; text is converted to the nearest value |
//! | complex | `y` | 16 bytes: the real part, then the imaginary |
//! | bytes (Python 2: `str`) | `s` | the bytes |
//! | text | `u` | UTF-8, a lone surrogate as three bytes |
//! | tuple, list, slice | `(` `[` `:` | the items in order |
//! | set, frozenset | `<` `>` | the items sorted as byte strings, equal ones once; each is a digest |
//! | dict, frozendict | `{` `}` | each key and its value as items, in file order |
//! | code object | `c` | its fields, in the order below, each a byte that numbers it and its value; a missing one is left out |
//!
//! | number | field | number | field |
//! | --- | --- | --- | --- |
//! | 1 | `co_argcount` | 10 | `co_varnames` |
//! | 2 | `co_posonlyargcount` | 11 | `co_freevars` |
//! | 3 | `co_kwonlyargcount` | 12 | `co_cellvars` |
//! | 4 | `co_nlocals` | 13 | `co_localsplusnames` |
//! | 5 | `co_stacksize` | 14 | `co_localspluskinds` |
//! | 6 | `co_flags` | 15 | `co_name` |
//! | 7 | `co_code` | 16 | `co_qualname` |
//! | 8 | `co_consts` | 17 | `co_exceptiontable` |
//! | 9 | `co_names` | | |
//!
//! Fields 1 to 6 are four bytes, signed and little-endian, whatever their size in the file; the others are items. A field is
//! missing when the file's layout does not store it (`co_nlocals` and `co_varnames` from 3.11 on).
//!
//! The code digest of a code object is the SHA-256 of its form. Nested code objects are items, so a change of one is seen in it
//! and in those around it, and nowhere else.
//!
//! The lines digest is the SHA-256 of `L`, the code digest's 32 bytes, then `co_firstlineno` (18, four bytes), `co_linetable` or
//! `co_lnotab` (19), `co_endlinetable` (20), `co_columntable` (21) in the manner of the fields above, then the SHA-256 of the lines
//! digests, one after the other, of the code objects among the items of `co_consts`.
//!
//! There is no digest of a body that an interpreter refuses, nor of one with a container that holds itself.
//!
//! # Example
//!
//! The empty module of Python 3.12, `co_code` 97007900, `co_consts` `(None,)`:
//!
//! ```text
//! 63 01 00000000 02 00000000 03 00000000 05 01000000 06 00000000 07 05 73 97007900 08 03 28 01 4e 09 01 28 0d 01 28
//! 0e 01 73 0f 09 75 3c6d6f64756c653e 10 09 75 3c6d6f64756c653e 11 01 73
//! ```
//!
//! `v1:1fd223b28c17033921ed69a6742f5966abb3d9b30c5454b2cc7cbab734420e5b`; with first line 1 and line table f103010101,
//! `v1+lines:83b9298c3ca41105f4ee15bf4e2f6e1aa3252456b413adbf37209bcad50f296a`.
//!
//! # Cost
//!
//! Every object is hashed once, whatever refers to it; a reference to it costs at most 255 bytes.

mod digester;

use std::fmt;

use crate::name;

use super::layout::Number;
use super::layout::Object;

pub use digester::Digester;

/// The code digest of a code object: of what it does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeDigest(pub [u8; 32]);

impl fmt::Display for CodeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1:{}", name::hex(&self.0))
    }
}

impl fmt::Debug for CodeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The lines digest of a code object: of what it does, and of where it stands in its source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinesDigest(pub [u8; 32]);

impl fmt::Display for LinesDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1+lines:{}", name::hex(&self.0))
    }
}

impl fmt::Debug for LinesDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The longest form that stands inside another as it is.
const INLINE: usize = 254;

/// The length byte of an item that is a digest.
const DIGEST: u8 = 0xff;

/// A field of a code object in its form.
#[derive(Clone, Copy, Debug)]
enum Field {
    Number(u8, Number),
    Object(u8, Object),
}

/// The fields of a code object in its form, in order.
const FIELDS: [Field; 17] = [
    Field::Number(1, Number::ArgCount),
    Field::Number(2, Number::PosOnlyArgCount),
    Field::Number(3, Number::KwOnlyArgCount),
    Field::Number(4, Number::NLocals),
    Field::Number(5, Number::StackSize),
    Field::Number(6, Number::Flags),
    Field::Object(7, Object::Code),
    Field::Object(8, Object::Consts),
    Field::Object(9, Object::Names),
    Field::Object(10, Object::VarNames),
    Field::Object(11, Object::FreeVars),
    Field::Object(12, Object::CellVars),
    Field::Object(13, Object::LocalsPlusNames),
    Field::Object(14, Object::LocalsPlusKinds),
    Field::Object(15, Object::Name),
    Field::Object(16, Object::QualName),
    Field::Object(17, Object::ExceptionTable),
];

/// The fields that the lines digest adds, behind the first line.
const LINE_FIELDS: [(u8, Object); 3] = [(19, Object::LineTable), (20, Object::EndLineTable), (21, Object::ColumnTable)];

#[cfg(test)]
mod tests {
    use std::str;

    use sha2::Digest as _;
    use sha2::Sha256;

    use super::*;
    use crate::forge;
    use crate::forge::pyc::Value as Forged;
    use crate::limits::Limits;
    use crate::pyc;
    use crate::pyc::Scratch;

    fn digest_of(bytes: &[u8]) -> Option<String> {
        let mut scratch = Scratch::default();
        let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
        Digester::default().module(&tree).map(|digest| digest.to_string())
    }

    fn lines_of(bytes: &[u8]) -> Vec<(String, String)> {
        let mut scratch = Scratch::default();
        let tree = pyc::read(bytes, &Limits::default(), &mut scratch).value;
        let digests = Digester::default().codes(&tree);
        digests.into_iter().flatten().map(|(code, lines)| (code.to_string(), lines.to_string())).collect()
    }

    fn of_constant(python: &str, constant: Forged) -> Option<String> {
        digest_of(&forge::Pyc::python(python).consts(vec![Forged::None, constant]).build())
    }

    fn raw(bytes: &[u8]) -> Forged {
        Forged::Raw(bytes.to_vec())
    }

    fn text(text: &str) -> Forged {
        Forged::Str(text.to_owned())
    }

    #[test]
    fn the_example_is_what_the_text_says() {
        let bytes = forge::Pyc::python("3.12").build();
        let form: Vec<u8> = include_str!("digest.rs")
            .lines()
            .skip_while(|line| *line != "//! ```text")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .flat_map(|line| line.trim_start_matches("//!").bytes().filter(u8::is_ascii_hexdigit))
            .collect();
        let form: Vec<u8> =
            form.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
        let digest: [u8; 32] = Sha256::digest(&form).into();
        let found = digest_of(&bytes).unwrap();
        assert_eq!(found, CodeDigest(digest).to_string());
        assert_eq!(lines_of(&bytes)[0].0, found);
        let text = include_str!("digest.rs");
        assert!(text.contains(&format!("//! `{found}`")), "{found}");
        assert!(text.contains(&format!("//! `{}`", lines_of(&bytes)[0].1)), "{}", lines_of(&bytes)[0].1);
    }

    #[test]
    fn neither_path_nor_header_nor_trailing_bytes_count() {
        let plain = digest_of(&forge::Pyc::python("3.11").build());
        let other = forge::Pyc::python("3.11").filename("/elsewhere/m.py").hash(*b"siphash!").trailing(*b"more");
        assert!(plain.is_some());
        assert_eq!(digest_of(&other.build()), plain);
    }

    #[test]
    fn values_that_compare_equal_are_told_apart() {
        let long = Forged::Long(false, vec![1]);
        let all = [
            Forged::Int(1),
            Forged::Float(1.0),
            Forged::True,
            Forged::Int(0),
            Forged::Float(0.0),
            Forged::Float(-0.0),
            Forged::False,
            Forged::Float(f64::NAN),
            raw(b"g\0\0\0\0\0\0\xf8\xff"),
            Forged::None,
            Forged::Ellipsis,
            Forged::Bytes(Vec::new()),
            text(""),
            Forged::Tuple(Vec::new()),
            Forged::FrozenSet(Vec::new()),
            raw(b"y\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\0"),
            Forged::Int(-1),
            Forged::Int(256),
            text("1"),
            text("N"),
            Forged::Bytes(b"1".to_vec()),
            Forged::Tuple(vec![Forged::Int(1)]),
            Forged::Tuple(vec![Forged::Tuple(vec![Forged::Int(1)])]),
        ];
        for python in ["2.7", "3.12"] {
            let mut digests: Vec<_> =
                all.iter().map(|value| of_constant(python, value.clone()).expect("it is sound")).collect();
            if python == "2.7" {
                // `1L` is no `1` there.
                digests.push(of_constant(python, long.clone()).unwrap());
            }
            let count = digests.len();
            digests.sort();
            digests.dedup();
            assert_eq!(digests.len(), count, "{python}");
        }
    }

    #[test]
    fn a_value_has_one_digest_whatever_letter_holds_it() {
        let same = [
            vec![raw(b"i\x05\0\0\0"), raw(b"l\x01\0\0\0\x05\0"), raw(b"I\x05\0\0\0\0\0\0\0")],
            vec![raw(b"i\0\0\0\x80"), raw(b"l\xfd\xff\xff\xff\0\0\0\0\x02\0")],
            vec![raw(b"i\0\0\0\0"), raw(b"l\0\0\0\0")],
            vec![raw(b"z\x01a"), raw(b"Z\x01a"), raw(b"a\x01\0\0\0a"), raw(b"A\x01\0\0\0a"), raw(b"u\x01\0\0\0a")],
            vec![raw(b"t\x01\0\0\0a"), raw(b"\xda\x01a")],
            vec![raw(b"u\x02\0\0\0\xc3\xa9"), raw(b"z\x01\xe9")],
            vec![raw(b")\x01N"), raw(b"(\x01\0\0\0N"), raw(b"\xa9\x01N")],
            vec![raw(b"f\x031.5"), raw(b"g\0\0\0\0\0\0\xf8\x3f")],
        ];
        for values in same {
            let digests: Vec<_> = values.into_iter().map(|value| of_constant("3.12", value)).collect();
            assert!(digests[0].is_some());
            assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
        }
    }

    #[test]
    fn forged_references_change_nothing() {
        // Longer than a form may be inside another.
        let long = "long".repeat(100);
        let twice = Forged::Tuple(vec![text(&long), text(&long), Forged::Int(7), Forged::Int(7)]);
        // The module is flagged and so reference 0; the tuple is 1, the string 2, the number 3.
        let mut shared = b"\xa9\x04\xe1\x90\x01\0\0".to_vec();
        shared.extend_from_slice(long.as_bytes());
        shared.extend_from_slice(b"r\x02\0\0\0\xe9\x07\0\0\0r\x03\0\0\0");
        assert_eq!(long.len(), 0x190);
        assert_eq!(of_constant("3.12", twice), of_constant("3.12", Forged::Raw(shared)));
    }

    #[test]
    fn the_items_of_a_set_have_no_order_and_those_of_a_tuple_do() {
        let long = "another".repeat(100);
        let items = |order: [usize; 4]| -> Vec<Forged> {
            let all = [text("one"), text(&long), Forged::Int(3), Forged::Tuple(vec![text("x"), Forged::None])];
            order.into_iter().map(|place| all[place].clone()).collect()
        };
        let set = of_constant("3.12", Forged::FrozenSet(items([0, 1, 2, 3])));
        assert!(set.is_some());
        for order in [[3, 2, 1, 0], [1, 3, 0, 2]] {
            assert_eq!(of_constant("3.12", Forged::FrozenSet(items(order))), set);
            let tuple = of_constant("3.12", Forged::Tuple(items(order)));
            assert_ne!(tuple, of_constant("3.12", Forged::Tuple(items([0, 1, 2, 3]))));
        }
    }

    #[test]
    fn one_changed_field_changes_the_digest() {
        let edits: [fn(&mut forge::pyc::Code); 9] = [
            |_| (),
            |code| code.stacksize = 2,
            |code| code.flags ^= 0x20,
            |code| code.code = Forged::Bytes(b"\x97\0\x64\0\x53\0".to_vec()),
            |code| code.consts = Forged::Tuple(vec![Forged::None, Forged::None]),
            |code| code.names = Forged::names(&["os"]),
            |code| code.name = Forged::text("other"),
            |code| code.qualname = Forged::text("other"),
            |code| code.exceptiontable = Forged::Bytes(b"\x81\x02\x03\x04".to_vec()),
        ];
        let mut digests: Vec<_> =
            edits.into_iter().map(|edit| digest_of(&forge::Pyc::python("3.12").edit(edit).build()).unwrap()).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 9);
    }

    #[test]
    fn lines_are_in_the_lines_digest_alone() {
        let plain = lines_of(&forge::Pyc::python("3.12").build());
        let moved = lines_of(&forge::Pyc::python("3.12").edit(|code| code.firstlineno = 3).build());
        let table =
            forge::Pyc::python("3.12").edit(|code| code.linetable = Forged::Bytes(b"\xf1\x03\x01\x01\x02".to_vec()));
        let table = lines_of(&table.build());
        assert!(plain[0].0 == moved[0].0 && plain[0].0 == table[0].0);
        assert!(plain[0].1 != moved[0].1 && plain[0].1 != table[0].1 && moved[0].1 != table[0].1);
    }

    #[test]
    fn a_changed_function_changes_its_own_digest_and_those_around_it() {
        let version = &pyc::lookup(pyc::Magic::with_number(3531))[0];
        let module = |edit: fn(&mut forge::pyc::Code)| {
            let first = forge::pyc::Code::function(version, "first", &["a"]);
            let mut second = forge::pyc::Code::function(version, "second", &["a"]);
            edit(&mut second);
            let functions = [first, second].map(|code| Forged::Code(Box::new(code)));
            lines_of(&forge::Pyc::python("3.12").consts([vec![Forged::None], functions.to_vec()].concat()).build())
        };
        let (plain, changed) = (module(|_| ()), module(|code| code.consts = Forged::Tuple(vec![Forged::Int(1)])));
        let same: Vec<bool> = plain.iter().zip(&changed).map(|(one, other)| one.0 == other.0).collect();
        assert_eq!(same, [false, true, false]);
        let moved = module(|code| code.firstlineno = 9);
        let same: Vec<(bool, bool)> =
            plain.iter().zip(&moved).map(|(one, other)| (one.0 == other.0, one.1 == other.1)).collect();
        assert_eq!(same, [(true, false), (true, true), (true, false)]);
    }

    #[test]
    fn a_container_that_holds_itself_has_no_digest() {
        assert_eq!(of_constant("3.12", raw(b"\xa9\x01r\x01\0\0\0")), None);
    }

    #[test]
    fn a_refused_body_has_no_digest() {
        assert_eq!(digest_of(&forge::Pyc::python("3.12").cut(40).build()), None);
        assert_eq!(of_constant("3.12", raw(b"r\x63\0\0\0")), None);
    }

    #[test]
    fn references_that_double_with_each_level_are_hashed_once() {
        let mut levels = b"\xa9\x02NN".to_vec();
        for level in 1..200_u32 {
            let reference = [b"r".as_slice(), &level.to_le_bytes()].concat();
            levels.extend_from_slice(&[b"\xa9\x02".as_slice(), &reference, &reference].concat());
        }
        let doubled = [b"(\xc8\0\0\0".as_slice(), &levels].concat();
        assert!(of_constant("3.12", Forged::Raw(doubled)).is_some());
    }

    #[test]
    fn a_long_string_referred_to_a_million_times_is_hashed_once() {
        let mut constant = b"(\x41\x42\x0f\0\xf3\0\0\x10\0".to_vec();
        constant.resize(constant.len() + (1 << 20), b'x');
        constant.extend_from_slice(&b"r\x01\0\0\0".repeat(1_000_000));
        // A terabyte if it were written out.
        assert!(of_constant("3.12", Forged::Raw(constant)).is_some());
    }
}
