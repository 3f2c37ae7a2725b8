//! What `inspect` shows of a tree of code objects, gathered once for both forms of the page.

use std::collections::HashSet;

use pycaudit::name::Name;
use pycaudit::pyc::Code;
use pycaudit::pyc::CodeDigest;
use pycaudit::pyc::Digester;
use pycaudit::pyc::LinesDigest;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Text;
use pycaudit::pyc::Tree;
use pycaudit::pyc::Value;
use pycaudit::pyc::layout::Object;
use pycaudit::pyc::objects::ObjectId;
use pycaudit::pyc::repr::Era;
use pycaudit::pyc::repr::Style;
use pycaudit::pyc::signature;
use pycaudit::pyc::signature::Argument;

use crate::inspect::imports::Imports;

/// The gathered facts.
pub(crate) struct Facts<'a> {
    /// How values are written.
    pub(crate) style: Style<'a>,
    /// The language series; `(0, 0)` where it is not known, for which no flag of a later one has a name.
    pub(crate) series: (u8, u8),
    /// Every code object, an outer one before those inside it.
    pub(crate) codes: Vec<CodeFacts<'a>>,
    /// The imports.
    pub(crate) imports: Imports<'a>,
    /// The names that the code uses, each once, in the order of the file.
    pub(crate) names: Vec<Text<'a>>,
    /// The strings among the constants and in them, each once, in the order of the file.
    pub(crate) strings: Vec<Constant<'a>>,
    /// The other constants but code objects, `None`, `True`, `False` and `...`, each object once; containers as a whole.
    pub(crate) constants: Vec<Constant<'a>>,
    /// The file names that the code objects were compiled under, each once; one in an honest file.
    pub(crate) filenames: Vec<Text<'a>>,
}

/// A code object.
pub(crate) struct CodeFacts<'a> {
    /// The object.
    pub(crate) code: Code<'a>,
    /// How many are around it.
    pub(crate) depth: usize,
    /// Its qualified name.
    pub(crate) qualname: Name,
    /// Its arguments.
    pub(crate) arguments: Vec<Argument<'a>>,
    /// Its digests.
    pub(crate) digests: Option<(CodeDigest, LinesDigest)>,
}

/// A constant.
#[derive(Clone, Copy)]
pub(crate) struct Constant<'a> {
    /// The value.
    pub(crate) value: Value<'a>,
    /// Where it is in the file.
    pub(crate) offset: u64,
    /// The place of the first code object that holds it.
    pub(crate) code: usize,
}

impl<'a> Facts<'a> {
    /// Gathers the facts. Costs as much as the file is large, whatever it stands for.
    pub(crate) fn new(tree: &Tree<'a>, mask: &'a Mask) -> Self {
        let is_python_2 = tree.codes().next().is_some_and(|code| code.layout().is_python_2());
        let mut facts = Self {
            style: Style { era: if is_python_2 { Era::Python2 } else { Era::Python3 }, mask },
            series: tree.pyc.version.map_or((0, 0), |version| version.series),
            codes: Vec::new(),
            imports: Imports::new(tree),
            names: Vec::new(),
            strings: Vec::new(),
            constants: Vec::new(),
            filenames: Vec::new(),
        };
        let digests = Digester::default().codes(tree);
        let qualnames = signature::qualnames(tree, mask);
        let mut seen = Seen::default();
        // Many code objects can have one tuple of names.
        let mut room = tree.object_count().saturating_mul(8);
        for ((code, digests), qualname) in tree.codes().zip(digests).zip(qualnames) {
            let parent = code.parent().and_then(|parent| facts.codes.get(parent));
            let depth = parent.map_or(0, |parent| parent.depth + 1);
            let mut arguments = if room > 0 { signature::arguments(code) } else { Vec::new() };
            arguments.truncate(room);
            room -= arguments.len();
            facts.codes.push(CodeFacts { code, depth, qualname, arguments, digests });
            if let Some(filename) = code.filename()
                && code.object_offset(Object::Filename).is_some_and(|offset| seen.filename_objects.insert(offset))
                && seen.filenames.insert(filename.bytes)
            {
                facts.filenames.push(filename);
            }
            if seen.is_new_tuple(code, Object::Names) {
                let names = code.names();
                for (name, &id) in names.iter().zip(names.ids()) {
                    if seen.name_objects.insert(id)
                        && let Some(name) = name.as_name()
                        && seen.names.insert(name.bytes)
                    {
                        facts.names.push(name);
                    }
                }
            }
            if seen.is_new_tuple(code, Object::Consts) {
                facts.add_constants(code, &mut seen);
            }
        }
        facts.strings.sort_by_key(|constant| constant.offset);
        facts.constants.sort_by_key(|constant| constant.offset);
        facts
    }

    /// Adds the constants of a code object that were not seen before.
    fn add_constants(&mut self, code: Code<'a>, seen: &mut Seen<'a>) {
        let mut containers = vec![(code.consts(), true)];
        while let Some((items, is_outermost)) = containers.pop() {
            for (place, (value, &id)) in items.iter().zip(items.ids()).enumerate() {
                if !seen.constants.insert((id, is_outermost)) {
                    continue;
                }
                let constant = Constant { value, offset: items.offset(place).unwrap_or_default(), code: code.index() };
                let string = match value {
                    Value::Text(text) => Some(seen.texts.insert(text.bytes)),
                    Value::Bytes(bytes) if self.style.era == Era::Python2 => Some(seen.bytes.insert(bytes)),
                    _ => None,
                };
                match (string, value) {
                    (Some(true), _) => self.strings.push(constant),
                    (Some(false), _)
                    | (_, Value::None | Value::True | Value::False | Value::Ellipsis | Value::Code(_) | Value::Null) => {
                    }
                    _ if is_outermost => self.constants.push(constant),
                    _ => {}
                }
                if let Some(inner) = value.items() {
                    containers.push((inner, false));
                }
            }
        }
    }
}

/// What was met already. Objects are asked for before their bytes, so that a reference never costs the length of a string.
#[derive(Default)]
struct Seen<'a> {
    /// Tuples of names and of constants, by their offsets: many code objects can have one.
    tuples: HashSet<(&'static str, u64)>,
    filename_objects: HashSet<u64>,
    filenames: HashSet<&'a [u8]>,
    name_objects: HashSet<ObjectId>,
    names: HashSet<&'a [u8]>,
    /// Constants, as items of code objects and as items of other constants.
    constants: HashSet<(ObjectId, bool)>,
    texts: HashSet<&'a [u8]>,
    bytes: HashSet<&'a [u8]>,
}

impl Seen<'_> {
    /// Whether this field of a code object is no other's that was met.
    fn is_new_tuple(&mut self, code: Code<'_>, field: Object) -> bool {
        code.object_offset(field).is_some_and(|offset| self.tuples.insert((field.name(), offset)))
    }
}
