//! Calls that rules look at: by the path of the function (`zlib.decompress`), through imports under other names, and with what
//! their arguments are made of as far as one code object shows it.

use std::collections::HashMap;

use super::packed;
use super::packed::Packed;
use super::words::Words;
use crate::name;
use crate::pyc::Code;
use crate::pyc::Text;
use crate::pyc::Tree;
use crate::pyc::Value;
use crate::pyc::Version;
use crate::pyc::code::CO_OPTIMIZED;
use crate::pyc::expression::EventKind;
use crate::pyc::expression::Expression;
use crate::pyc::expression::ExpressionId;
use crate::pyc::expression::Expressions;
use crate::pyc::expression::Row;
use crate::pyc::instruction::Instructions;
use crate::pyc::layout::Object;
use crate::pyc::lines;
use crate::pyc::opcodes::Op;
use crate::pyc::opcodes::Opcodes;

/// Something that is called.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// What is seen.
    pub seen: Seen,
    /// The path of the call, escaped: `exec(zlib.decompress(base64.b64decode(...)))`.
    pub path: String,
    /// What is decoded for it, where something is.
    pub chain: Option<Chain>,
    /// Where the instruction is in the file.
    pub offset: u64,
    /// The line of the source.
    pub line: Option<u32>,
    /// The place of the code object.
    pub code: usize,
    /// Whether an import runs it: it is in the body of the module or of a class.
    pub at_import: bool,
}

/// What is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// What was decoded is run.
    Execute,
    /// A module or attribute is got by a name that is decoded.
    LookUp,
    /// A tool for debuggers or the inside of the interpreter is used.
    Tamper,
}

/// How a value is decoded.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The functions, the outermost first.
    parts: Vec<String>,
    /// How many of them decode.
    decoders: usize,
    /// Whether it is fetched from another machine.
    pub is_fetched: bool,
    /// The length of the constant that goes in, when one does.
    pub constant: Option<usize>,
    /// What that constant holds.
    pub packed: Option<Packed>,
}

/// Steps that are taken to find out what one argument is made of.
const STEPS: u32 = 400;

/// How deep expressions are looked into.
const DEPTH: u32 = 24;

/// The longest path of a function that is of interest.
const PATH: usize = 200;

/// Sightings of one file.
const MOST: usize = 64;

/// Bytes of instructions that are read for a byte of file, since code objects can share theirs.
const SHARING: usize = 8;

/// Functions that run what they are given.
const EXECUTE: &[&str] = &["exec", "eval", "types.FunctionType", "FunctionType"];

/// Modules of which attributes by a decoded name are of interest.
const SENSITIVE: &[&str] = &[
    "os",
    "sys",
    "subprocess",
    "ctypes",
    "builtins",
    "__builtin__",
    "__builtins__",
    "importlib",
    "socket",
    "shutil",
    "posix",
    "nt",
];

/// Looks at the calls of a file that has these words.
pub(super) fn look(tree: &Tree<'_>, words: Words) -> Vec<Sighting> {
    let Some((version, opcodes)) = tree.pyc.version.and_then(|version| Some((version, Opcodes::of(version)?))) else {
        return Vec::new();
    };
    let decodes = words.has(Words::DECODE) || words.has(Words::CHARACTER);
    let wanted = Wanted {
        // `exec` is an instruction in Python 2.
        execute: (words.has(Words::EXECUTE) || version.series < (3, 0)) && (decodes || words.has(Words::FETCH)),
        look_up: words.has(Words::LOOK_UP) && decodes,
        tamper: words.has(Words::TAMPER),
        set: words.has(Words::SET),
    };
    let is_other = tree.pyc.fit.is_some_and(|fit| fit.is_other_layout());
    if is_other || !tree.pyc.body.is_code() || !(wanted.execute || wanted.look_up || wanted.tamper || wanted.set) {
        return Vec::new();
    }
    let is_store_attr = |number: &u8| opcodes.row(*number).is_some_and(|row| row.op == Op::STORE_ATTR);
    let store_attr = (0..=u8::MAX).find(is_store_attr);
    let (globals, targets, found) = (HashMap::new(), Vec::new(), Vec::new());
    let mut look = Look { tree, version, opcodes, wanted, store_attr, globals, targets, found };
    let mut budget = tree.size().saturating_mul(SHARING);
    // Code objects can share their rows of names too.
    let mut names = budget;
    let of_interest = tree.codes().map_while(|code| {
        names = names.checked_sub(code.names().len().max(code.code().len()))?;
        Some(look.is_of_interest(code))
    });
    let of_interest: Vec<bool> = of_interest.collect();
    if !of_interest.contains(&true) {
        return Vec::new();
    }
    for (code, is_of_interest) in tree.codes().zip(of_interest) {
        let Some(left) = budget.checked_sub(code.names().len().max(code.code().len())) else { break };
        budget = left;
        // The module's own code says under which names modules are imported.
        if is_of_interest || code.parent().is_none() || look.has_target(code) {
            look.code(code);
        }
        if look.found.len() >= MOST {
            break;
        }
    }
    look.found
}

/// What is looked for.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that is looked for or not")]
struct Wanted {
    execute: bool,
    look_up: bool,
    tamper: bool,
    /// Whether attributes that are set are looked at.
    set: bool,
}

/// What is known while a file is looked at.
struct Look<'t, 'a> {
    tree: &'t Tree<'a>,
    version: &'static Version,
    opcodes: &'static Opcodes,
    wanted: Wanted,
    /// The number of the instruction that sets an attribute.
    store_attr: Option<u8>,
    /// What the module's variables stand for: paths of modules and functions.
    globals: HashMap<&'a [u8], String>,
    /// Those of the variables that stand for functions of interest.
    targets: Vec<&'a [u8]>,
    found: Vec<Sighting>,
}

impl<'a> Look<'_, 'a> {
    /// Whether a code object has a name that can be that of a function of interest.
    fn is_of_interest(&self, code: Code<'a>) -> bool {
        let Wanted { execute, look_up, tamper, set } = self.wanted;
        let mut words = Words::default();
        for name in code.names().strings() {
            words.add(Words::of(name));
        }
        if words == Words::default() {
            return false;
        }
        let is_sensitive =
            || code.names().strings().any(|name| SENSITIVE.iter().any(|module| module.as_bytes() == name));
        let decodes = words.has(Words::DECODE) || words.has(Words::CHARACTER);
        let is_python_2 = self.version.series < (3, 0);
        execute && (words.has(Words::EXECUTE) || is_python_2 && (decodes || words.has(Words::FETCH)))
            || look_up && words.has(Words::LOOK_UP) && (decodes || is_sensitive())
            || tamper && words.has(Words::TAMPER)
            || set && words.has(Words::SET) && self.sets(code)
    }

    /// Whether a code object has the name of a variable that stands for a function of interest.
    fn has_target(&self, code: Code<'a>) -> bool {
        !self.targets.is_empty() && code.names().strings().any(|name| self.targets.contains(&name))
    }

    /// Whether a code object sets an attribute at all.
    fn sets(&self, code: Code<'a>) -> bool {
        // Whether the number of the instruction is among the bytes at all tells it of most.
        self.store_attr.is_some_and(|number| memchr::memchr(number, code.code()).is_some())
            && Instructions::new(code.code(), self.opcodes).any(|it| it.op() == Some(Op::STORE_ATTR))
    }

    fn code(&mut self, code: Code<'a>) {
        let expressions = Expressions::of(code, self.version, self.opcodes);
        let mut one = One { look: self, expressions: &expressions, steps: 0 };
        let mut found = Vec::new();
        for event in expressions.events() {
            let sighting = match event.kind {
                EventKind::Call(id) => one.call(id),
                EventKind::Set(object, name) => one.set(object, name),
            };
            if let Some((seen, path, chain)) = sighting
                && found.len() < MOST
            {
                found.push((seen, path, chain, event.offset));
            }
        }
        if code.parent().is_none() {
            let globals: Vec<_> = expressions
                .variables()
                .filter_map(|(name, id)| one.path(id, 0).map(|path| (name, path)))
                .filter(|(name, path)| *name != path.as_bytes())
                .collect();
            self.targets.extend(globals.iter().filter(|(_, path)| is_target(path)).map(|(name, _)| *name));
            self.globals.extend(globals);
        }
        if found.is_empty() {
            return;
        }
        let (ranges, _) = lines::line_ranges(code, self.version);
        let start = code.bytes_offset(Object::Code).unwrap_or_default();
        let at_import = self.is_at_import(code);
        for (seen, path, chain, at) in found {
            let range = ranges.iter().find(|range| (range.start..range.end).contains(&u64::from(at)));
            let line = range.and_then(|range| range.line).and_then(|line| u32::try_from(line).ok());
            let offset = start.saturating_add(u64::from(at));
            self.found.push(Sighting { seen, path, chain, offset, line, code: code.index(), at_import });
        }
    }

    /// Whether an import runs a code object: neither it nor what it stands in is a function.
    fn is_at_import(&self, code: Code<'a>) -> bool {
        let mut current = Some(code);
        for _ in 0..DEPTH {
            let Some(code) = current else { return true };
            // A function of Python 2 with `exec` in it is not optimised either; the body of a class sets `__module__`.
            let is_class = || code.names().iter().filter_map(Value::as_name).any(|name| name.bytes == b"__module__");
            if code.flags() & CO_OPTIMIZED != 0 || code.parent().is_some() && !is_class() {
                return false;
            }
            current = code.parent().and_then(|parent| self.tree.codes().nth(parent));
        }
        false
    }
}

/// Whether a function of this path is of interest.
fn is_target(path: &str) -> bool {
    EXECUTE.contains(&path) || matches!(path, "getattr" | "__import__" | "importlib.import_module") || tampers(path)
}

/// Whether a function of this path is for debuggers, or reaches into the interpreter.
fn tampers(path: &str) -> bool {
    matches!(
        path,
        "sys.settrace"
            | "sys.setprofile"
            | "threading.settrace"
            | "threading.setprofile"
            | "sys.addaudithook"
            | "types.CodeType"
            | "CodeType"
            | "ctypes.memmove"
            | "gc.get_referents"
            | "gc.get_objects"
            | "new.code"
    ) || path.starts_with("ctypes.pythonapi.")
}

/// One code object while its calls are looked at.
struct One<'l, 't, 'a, 'e> {
    look: &'l Look<'t, 'a>,
    expressions: &'e Expressions<'a>,
    steps: u32,
}

/// What was seen, the path of the call, and what is decoded for it.
type Found = (Seen, String, Option<Chain>);

impl<'a> One<'_, '_, 'a, '_> {
    fn row(&self, row: Row) -> &[ExpressionId] {
        self.expressions.row(row)
    }

    fn call(&mut self, id: ExpressionId) -> Option<Found> {
        let Expression::Call(function, arguments) = self.expressions.get(id) else { return None };
        let path = self.path(function, 0)?;
        let wanted = self.look.wanted;
        let arguments = self.row(arguments).to_vec();
        if wanted.execute && EXECUTE.contains(&path.as_str()) {
            let chain = self.decoded(*arguments.first()?)?;
            return Some((Seen::Execute, chain.shown(&path), Some(chain)));
        }
        if wanted.look_up && matches!(path.as_str(), "__import__" | "importlib.import_module" | "import_module") {
            let chain = self.decoded(*arguments.first()?).filter(|chain| !chain.is_fetched)?;
            return Some((Seen::LookUp, chain.shown(&path), Some(chain)));
        }
        if wanted.look_up && path == "getattr" {
            let object = self.path(*arguments.first()?, 0)?;
            if !SENSITIVE.contains(&object.as_str()) {
                return None;
            }
            let chain = self.decoded(*arguments.get(1)?).filter(|chain| !chain.is_fetched)?;
            return Some((Seen::LookUp, chain.shown(&format!("getattr({object}, ")), Some(chain)));
        }
        (wanted.tamper && tampers(&path)).then(|| (Seen::Tamper, format!("{}()", name::shown(path.as_bytes())), None))
    }

    fn set(&mut self, object: ExpressionId, attribute: Text<'a>) -> Option<Found> {
        if !self.look.wanted.set {
            return None;
        }
        if matches!(attribute.bytes, b"__code__" | b"func_code") {
            return Some((Seen::Tamper, format!("(...).{} = ...", attribute.to_name()), None));
        }
        let path = self.path(object, 0)?;
        let is_builtins = matches!(path.as_str(), "builtins" | "__builtin__" | "__builtins__");
        is_builtins.then(|| (Seen::Tamper, format!("{path}.{} = ...", attribute.to_name()), None))
    }

    /// The dotted path of a module or function, through names that were given to it.
    fn path(&self, id: ExpressionId, depth: u32) -> Option<String> {
        if depth > DEPTH {
            return None;
        }
        let path = match self.expressions.get(id) {
            Expression::Name(name) => match self.look.globals.get(name.bytes) {
                Some(path) => path.clone(),
                None => text(name)?,
            },
            Expression::Module(name) => text(name)?,
            Expression::Attribute(object, name) => {
                let object = self.path(object, depth + 1)?;
                let name = text(name)?;
                if matches!(object.as_str(), "builtins" | "__builtin__" | "__builtins__") && name != "__dict__" {
                    name
                } else {
                    format!("{object}.{name}")
                }
            }
            Expression::Call(function, arguments) => {
                let arguments = self.row(arguments);
                let constant = |place: usize| match self.expressions.get(*arguments.get(place)?) {
                    Expression::Const(value, _) => text(value.as_name()?),
                    _ => None,
                };
                match self.path(function, depth + 1)?.as_str() {
                    "__import__" | "importlib.import_module" => constant(0)?,
                    "getattr" => format!("{}.{}", self.path(*arguments.first()?, depth + 1)?, constant(1)?),
                    _ => return None,
                }
            }
            Expression::Unknown | Expression::Null | Expression::Const(..) | Expression::Operation(..) => return None,
        };
        (path.len() <= PATH).then_some(path)
    }

    /// How a value is decoded, if it is.
    fn decoded(&mut self, id: ExpressionId) -> Option<Chain> {
        self.steps = 0;
        let chain = self.follow(id, 0)?;
        (chain.decoders > 0).then_some(chain)
    }

    fn follow(&mut self, id: ExpressionId, depth: u32) -> Option<Chain> {
        self.steps += 1;
        if depth > DEPTH || self.steps > STEPS {
            return None;
        }
        match self.expressions.get(id) {
            Expression::Const(value, _) => constant(value),
            Expression::Attribute(object, _) => self.follow(object, depth + 1),
            Expression::Operation(op, row) => {
                let mut chain = self.best(row, depth)?;
                if matches!(op, Op::BINARY_SUBSCR | Op::BINARY_SLICE | Op::BINARY_OP) && self.reverses(row) {
                    chain.decoders += 1;
                    chain.parts.insert(0, "reversed".to_owned());
                }
                Some(chain)
            }
            Expression::Call(function, arguments) => self.follow_call(function, arguments, depth),
            Expression::Unknown | Expression::Null | Expression::Name(_) | Expression::Module(_) => None,
        }
    }

    /// What the value of the most decoders among several is made of.
    fn best(&mut self, row: Row, depth: u32) -> Option<Chain> {
        let ids = self.row(row).to_vec();
        let chains = ids.into_iter().filter_map(|id| self.follow(id, depth + 1));
        chains.reduce(|best, other| {
            let rank = |chain: &Chain| (chain.decoders, chain.constant);
            if rank(&other) > rank(&best) { other } else { best }
        })
    }

    fn follow_call(&mut self, function: ExpressionId, arguments: Row, depth: u32) -> Option<Chain> {
        let path = self.path(function, 0);
        let method = match self.expressions.get(function) {
            Expression::Attribute(object, name) => Some((object, name)),
            _ => None,
        };
        // `data.decode("rot13")`: what is decoded is what the method is of.
        let of_object = method
            .filter(|_| path.is_none() || is_method(method))
            .and_then(|(object, _)| self.follow(object, depth + 1));
        let of_function = match self.expressions.get(function) {
            // A generator or comprehension is a function that is called with what it goes through.
            Expression::Operation(Op::MAKE_FUNCTION, row) => self.comprehension(row),
            _ => None,
        };
        let inner = self.best(arguments, depth);
        let word = path.clone().or_else(|| method.and_then(|(_, name)| Some(format!("(...).{}", text(name)?))));
        let kind = self.kind(path.as_deref(), method.map(|(_, name)| name), arguments);
        let mut chain = [of_object, inner].into_iter().flatten().reduce(|one, other| {
            let constant = one.constant.max(other.constant);
            let is_one = (one.decoders, one.constant) >= (other.decoders, other.constant);
            let chain = if is_one { one } else { other };
            Chain { constant, ..chain }
        });
        if let Some(of_function) = of_function {
            let inner = chain.unwrap_or_default();
            chain =
                Some(Chain { decoders: inner.decoders + 1, parts: [of_function.parts, inner.parts].concat(), ..inner });
            return chain;
        }
        let mut chain = match (kind, chain) {
            (Kind::Other, None) => return None,
            (_, chain) => chain.unwrap_or_default(),
        };
        if kind == Kind::Other && chain.decoders == 0 {
            // Nothing is decoded inside: what a call of an unknown function returns is no constant.
            return is_plain(path.as_deref(), method.map(|(_, name)| name)).then_some(chain);
        }
        chain.decoders += usize::from(kind != Kind::Other);
        chain.is_fetched |= kind == Kind::Fetch;
        chain.parts.insert(0, word.map_or_else(|| "(...)".to_owned(), |word| name::shown(word.as_bytes())));
        Some(chain)
    }

    /// The generator expression or comprehension that makes characters of numbers.
    fn comprehension(&self, row: Row) -> Option<Chain> {
        let Expression::Const(Value::Code(code), _) = self.expressions.get(*self.row(row).first()?) else {
            return None;
        };
        let makes = code.names().iter().filter_map(Value::as_name).any(|name| matches!(name.bytes, b"chr" | b"unichr"));
        makes.then(|| Chain { parts: vec!["chr".to_owned()], decoders: 1, ..Chain::default() })
    }

    fn kind(&self, path: Option<&str>, method: Option<Text<'a>>, arguments: Row) -> Kind {
        let method = method.map(|name| name.bytes).unwrap_or_default();
        let path = path.unwrap_or_default();
        let last = if method.is_empty() { path.rsplit('.').next().unwrap_or_default().as_bytes() } else { method };
        let arguments = self.row(arguments);
        let names_codec = || {
            arguments.iter().any(|&id| match self.expressions.get(id) {
                Expression::Const(value, _) => value.as_name().is_some_and(|name| is_codec(name.bytes)),
                _ => false,
            })
        };
        let maps_characters = || {
            let first = arguments.first().and_then(|&id| self.path(id, 0));
            matches!(first.as_deref(), Some("chr" | "unichr"))
        };
        match last {
            b"loads" if path == "marshal.loads" => Kind::Decode,
            b"decode" if names_codec() => Kind::Decode,
            b"map" if maps_characters() => Kind::Decode,
            b"chr" | b"unichr" if path == "chr" || path == "unichr" => Kind::Decode,
            b"decompress" | b"decrypt" | b"fromhex" => Kind::Decode,
            b"urlopen" => Kind::Fetch,
            _ if matches!(path, "requests.get" | "requests.post" | "httpx.get") => Kind::Fetch,
            _ if last != b"marshal" && !is_codec(last) && Words::of(last).has(Words::DECODE) => Kind::Decode,
            _ => Kind::Other,
        }
    }

    /// Whether a slice turns a sequence round: `[::-1]`.
    fn reverses(&self, row: Row) -> bool {
        let is_minus_one = |value: Value<'_>| matches!(value, Value::Int(-1));
        let Some(&slice) = self.row(row).get(1) else { return false };
        match self.expressions.get(slice) {
            Expression::Operation(Op::BUILD_SLICE, parts) => {
                let step = self.row(parts).get(2).map(|&id| self.expressions.get(id));
                matches!(step, Some(Expression::Const(value, _)) if is_minus_one(value))
            }
            Expression::Const(Value::Slice(parts), _) => parts.get(2).is_some_and(is_minus_one),
            _ => false,
        }
    }
}

/// What a function does with what it is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Decode,
    Fetch,
    Other,
}

/// Codecs that hide text rather than spell it.
fn is_codec(name: &[u8]) -> bool {
    matches!(
        name,
        b"rot13"
            | b"rot_13"
            | b"rot-13"
            | b"base64"
            | b"base64_codec"
            | b"hex"
            | b"hex_codec"
            | b"zlib"
            | b"zlib_codec"
            | b"zip"
            | b"bz2"
            | b"bz2_codec"
            | b"uu"
            | b"uu_codec"
    )
}

/// Whether an attribute is a method of what is decoded and not a function of a module.
fn is_method(method: Option<(ExpressionId, Text<'_>)>) -> bool {
    method.is_some_and(|(_, name)| {
        matches!(
            name.bytes,
            b"decode" | b"encode" | b"join" | b"read" | b"replace" | b"strip" | b"decrypt" | b"decompress"
        )
    })
}

/// Whether a function gives what it is given in another form, so that a constant is still one.
fn is_plain(path: Option<&str>, method: Option<Text<'_>>) -> bool {
    let plain = ["bytes", "bytearray", "str", "compile", "reversed", "list", "tuple", "map", "iter", "codecs.encode"];
    path.is_some_and(|path| plain.contains(&path))
        || method.is_some_and(|name| {
            matches!(
                name.bytes,
                b"join" | b"encode" | b"decode" | b"strip" | b"replace" | b"format" | b"translate" | b"split"
            )
        })
}

/// A name as text, when it is some and not too long.
fn text(name: Text<'_>) -> Option<String> {
    if name.bytes.len() > PATH {
        return None;
    }
    Some(name.to_str()?.into_owned())
}

/// A constant that goes into a chain.
fn constant(value: Value<'_>) -> Option<Chain> {
    let length = match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Text(text) => text.bytes.len(),
        Value::Tuple(items) => items.len(),
        _ => return None,
    };
    if length == 0 {
        return None;
    }
    let packed = value.as_name().and_then(|text| packed::of(text.bytes)).map(|(packed, _)| packed);
    Some(Chain { constant: Some(length), packed, ..Chain::default() })
}

impl Chain {
    /// The whole call: `exec(zlib.decompress(...))`. What is given may end in an open parenthesis and a first argument.
    fn shown(&self, function: &str) -> String {
        let function = name::shown(function.as_bytes());
        let open = if function.contains('(') { "" } else { "(" };
        let parts: Vec<&str> = self.parts.iter().take(8).map(String::as_str).collect();
        format!("{function}{open}{}(...){}", parts.join("("), ")".repeat(parts.len()))
    }
}
