//! What bytecode should do: the syntax tree of a source, made into one small program for each code object.
//!
//! A program is in the order in which the compiler of a series makes things happen, and nothing else: how it keeps values on its stack, where
//! it puts its blocks and what its optimiser folds, drops or joins is left out, because [`super::simulate`] compares what can be observed.
//! The order and its changes are those of CPython's `Python/compile.c` (`Python/codegen.c` from 3.14 on).

mod annotation;
mod call;
mod comprehension;
mod display;
mod exception;
mod expression;
mod folded;
mod format_string;
mod function;
mod literal;
mod pattern;
mod precedence;
mod program;
mod python2;
mod statement;
mod unparse;

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::HashSet;

use foldhash::fast::RandomState;
use ruff_python_ast::BoolOp;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprLambda;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_stmt;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;

use super::Pool;
use super::constant::ConstId;
use super::constant::Constant;
use super::event::NameId;
use super::event::Op;
use super::event::Space;
use super::scope::NameIndex;
use super::scope::Role;
use super::scope::ScopeId;
use super::scope::Scopes;
use super::source_text::SourceText;
use super::source_text::python2 as rewritten;

pub(super) use program::Action;
pub(super) use program::Handler;
pub(super) use program::Label;
pub(super) use program::Operand;
pub(super) use program::Program;
pub(super) use program::Register;
pub(super) use program::Step;

/// A source and what is known of the compiler.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// The source.
    pub(super) text: &'a SourceText,
    /// What each name is.
    pub(super) scopes: &'a Scopes,
    /// The series of Python.
    pub(super) series: (u8, u8),
    /// 0, 1 (-O) or 2 (-OO).
    pub(super) optimisation: u8,
}

/// What a code object is made from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    /// The file.
    Module(&'a [Stmt]),
    /// `def`, `async def`.
    Function(&'a StmtFunctionDef),
    /// `lambda`.
    Lambda(&'a ExprLambda),
    /// `class`.
    Class(&'a StmtClassDef),
    /// A generator expression or a comprehension.
    Comprehension(&'a Expr),
    /// Annotations and type parameters.
    Annotation(annotation::Body<'a>),
}

/// A code object that the source makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child<'a> {
    /// Its scope.
    pub(super) scope: ScopeId,
    /// What it is made from.
    pub(super) body: Body<'a>,
}

/// All code objects of a source, as far as they have been met.
pub(super) struct Expected<'a> {
    source: Source<'a>,
    children: Vec<Child<'a>>,
    places: HashMap<ScopeId, u32, RandomState>,
    /// By number in the symbol tables, what names are in the pool and how they were reached last, as far as they were asked for.
    numbered: Vec<Numbered>,
    /// A program that is done with, for its memory.
    spare: Program,
    /// The names that the module's own statements import.
    imported: HashSet<String, RandomState>,
    /// Whether something was met that releases of the series compile differently ([`super::scope::Release`]).
    depends_on_release: bool,
    /// What `__annotate__` of classes and modules evaluates (3.14): known when their own programs are made.
    deferred: HashMap<ScopeId, Vec<annotation::Deferred<'a>>, RandomState>,
}

/// A name of the symbol tables.
#[derive(Clone, Copy, Debug, Default)]
struct Numbered {
    id: Option<NameId>,
    /// Where it was read last, and how it is there.
    load: Option<(ScopeId, Space)>,
    /// Where it was bound last, and how it is there.
    store: Option<(ScopeId, Space)>,
}

/// Something in the source whose compiled form is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsupported {
    /// What it is.
    pub(super) what: &'static str,
    /// Where it is.
    pub(super) range: TextRange,
}

/// Steps of one program: a source of some megabytes has fewer in all its code objects.
const MAX_STEPS: usize = 4_000_000;

impl<'a> Expected<'a> {
    /// The module's code object has number 0.
    pub(super) fn new(source: Source<'a>) -> Self {
        let module = Child { scope: source.scopes.module(), body: Body::Module(&source.text.module().body) };
        let imported = imported(&source.text.module().body);
        Self {
            source,
            children: vec![module],
            places: HashMap::default(),
            numbered: Vec::new(),
            spare: Program::default(),
            imported,
            depends_on_release: false,
            deferred: HashMap::default(),
        }
    }

    /// A code object met so far.
    pub(super) fn child(&self, number: u32) -> Option<Child<'a>> {
        self.children.get(usize::try_from(number).ok()?).copied()
    }

    /// How many code objects were met so far.
    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    /// Whether something was met so far that releases of the series with one magic number compile differently.
    pub(super) fn depends_on_release(&self) -> bool {
        self.depends_on_release
    }

    /// The program of a code object; makes the numbers of those inside it known.
    pub(super) fn program(&mut self, number: u32, pool: &mut Pool) -> Result<Program, Unsupported> {
        let Some(child) = self.child(number) else { return Ok(Program::default()) };
        let spare = std::mem::take(&mut self.spare);
        let mut unit = self.unit(child.scope, pool);
        unit.program = spare;
        unit.body(child.body);
        let Unit { program, unsupported, .. } = unit;
        unsupported.map_or(Ok(program), Err)
    }

    /// Takes back a program whose memory the next one gets.
    pub(super) fn reuse(&mut self, mut program: Program) {
        program.clear();
        self.spare = program;
    }

    /// The docstring of a function, which its code object keeps and no instruction touches.
    pub(super) fn function_docstring(&mut self, number: u32, pool: &mut Pool) -> Option<ConstId> {
        let child = self.child(number)?;
        let Body::Function(node) = child.body else { return None };
        match self.unit(child.scope, pool).docstring(&node.body)? {
            Operand::Const(docstring) => Some(docstring),
            Operand::Register(_) => None,
        }
    }

    fn unit<'e>(&'e mut self, scope: ScopeId, pool: &'e mut Pool) -> Unit<'e, 'a> {
        Unit {
            expected: self,
            pool,
            program: Program::default(),
            scope,
            handler: None,
            blocks: Vec::new(),
            range: TextRange::default(),
            unsupported: None,
            none: None,
            asked_next: None,
            is_conditional: false,
            prefix: None,
            folded: folded::Known::default(),
        }
    }
}

/// The names that statements import, those in blocks of theirs included but not those of functions and classes.
fn imported(body: &[Stmt]) -> HashSet<String, RandomState> {
    #[derive(Default)]
    struct Imports(HashSet<String, RandomState>);
    impl<'a> Visitor<'a> for Imports {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                Stmt::Import(node) => {
                    for alias in &node.names {
                        let first = alias.name.as_str().split('.').next().unwrap_or_default();
                        self.0.insert(alias.asname.as_ref().map_or(first, |name| name.as_str()).to_owned());
                    }
                }
                Stmt::ImportFrom(node) => {
                    self.0.extend(
                        node.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string()),
                    );
                }
                _ => walk_stmt(self, statement),
            }
        }

        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut imports = Imports::default();
    for statement in body {
        imports.visit_stmt(statement);
    }
    imports.0
}

/// What a statement stands in and has to be left in order when it is left early.
#[derive(Clone, Copy, Debug)]
enum Block<'a> {
    /// A loop: where `continue` and `break` go.
    Loop(Label, Label),
    /// The body of `try` with handlers.
    Try { outer: Option<Handler> },
    /// The body of `try` with `finally`.
    Finally { body: &'a [Stmt], outer: Option<Handler> },
    /// The `finally` body after an exception.
    FinallyEnd { outer: Option<Handler> },
    /// The body of `with`.
    With { exit: Operand, outer: Option<Handler>, is_async: bool, range: TextRange },
    /// The body of an `except`, and the name that it binds.
    Except { name: Option<&'a str>, outer: Option<Handler> },
}

/// The making of one program.
struct Unit<'u, 'a> {
    expected: &'u mut Expected<'a>,
    pool: &'u mut Pool,
    program: Program,
    /// The scope whose names are meant; that of an inlined comprehension while in it.
    scope: ScopeId,
    handler: Option<Handler>,
    blocks: Vec<Block<'a>>,
    range: TextRange,
    unsupported: Option<Unsupported>,
    none: Option<ConstId>,
    /// The operator that asks for the truth of the next expression's value, right behind it.
    asked_next: Option<BoolOp>,
    /// Whether what follows stands in a compound statement of this scope.
    is_conditional: bool,
    /// The generic class that came last in this code, where its private prefix stays on ([`super::scope::Release::First`]).
    prefix: Option<&'a str>,
    /// What is known of the expressions of the annotation that is made text of.
    folded: folded::Known,
}

impl<'a> Unit<'_, 'a> {
    fn body(&mut self, body: Body<'a>) {
        match body {
            Body::Module(statements) => self.module(statements),
            Body::Function(function) => self.function_body(function),
            Body::Lambda(lambda) => self.lambda_body(lambda),
            Body::Class(class) => self.class_body(class),
            Body::Comprehension(expression) => self.comprehension_body(expression),
            Body::Annotation(body) => self.annotation_body(body),
        }
    }

    fn source(&self) -> Source<'a> {
        self.expected.source
    }

    /// Whether the series is this one or a later one.
    fn since(&self, major: u8, minor: u8) -> bool {
        self.expected.source.series >= (major, minor)
    }

    fn is_python2(&self) -> bool {
        !self.since(3, 0)
    }

    fn fail(&mut self, what: &'static str) {
        let range = self.range;
        self.unsupported.get_or_insert(Unsupported { what, range });
    }

    /// What follows is dictated by this piece of syntax; gives back what did before.
    fn at(&mut self, node: &impl Ranged) -> TextRange {
        std::mem::replace(&mut self.range, node.range())
    }

    fn push(&mut self, action: Action) {
        if self.program.len() > MAX_STEPS {
            self.fail("code of more than four million steps");
            return;
        }
        if self.unsupported.is_none() {
            let step = Step { action, handler: self.handler, range: self.range };
            self.program.push(step);
        }
    }

    /// An event without a result.
    fn act(&mut self, op: Op, operands: &[Operand]) {
        let operands = self.program.operands(operands);
        self.push(Action::Event(op, operands, Register(0)));
    }

    /// An event with one result.
    fn value(&mut self, op: Op, operands: &[Operand]) -> Operand {
        let register = self.program.register();
        let operands = self.program.operands(operands);
        self.push(Action::Event(op, operands, register));
        Operand::Register(register)
    }

    /// An event with several results.
    fn values(&mut self, op: Op, operands: &[Operand]) -> Vec<Operand> {
        let count = op.results();
        let first = self.program.registers_of(count);
        let operands = self.program.operands(operands);
        self.push(Action::Event(op, operands, first));
        (first.0..).take(count).map(|number| Operand::Register(Register(number))).collect()
    }

    fn label(&mut self) -> Label {
        self.program.label()
    }

    fn put(&mut self, label: Label) {
        self.program.put(label);
    }

    fn jump(&mut self, label: Label) {
        self.push(Action::Jump(label));
    }

    fn test(&mut self, value: Operand, if_true: Label, if_false: Label) {
        self.push(Action::Test(value, if_true, if_false));
    }

    /// A handler that has no place yet.
    fn new_handler(&mut self) -> Handler {
        self.program.handler()
    }

    fn reraise(&mut self, exception: Register) {
        self.act(Op::Reraise, &[Operand::Register(exception)]);
    }

    fn constant(&mut self, constant: Constant) -> Operand {
        Operand::Const(self.pool.constants.intern(constant))
    }

    fn none(&mut self) -> Operand {
        let none = match self.none {
            Some(none) => none,
            None => self.pool.constants.intern(Constant::None),
        };
        self.none = Some(none);
        Operand::Const(none)
    }

    fn integer(&mut self, number: i64) -> Operand {
        self.constant(Constant::Int(number.into()))
    }

    /// A name as a constant: text, or bytes in 2.x.
    fn text(&mut self, text: &str) -> Operand {
        let bytes = self.written_name(text).as_bytes().into();
        self.constant(if self.is_python2() { Constant::Bytes(bytes) } else { Constant::Text(bytes) })
    }

    fn tuple(&mut self, items: &[Operand]) -> Operand {
        let constants: Option<Box<[ConstId]>> = items
            .iter()
            .map(|item| match item {
                Operand::Const(id) => Some(*id),
                Operand::Register(_) => None,
            })
            .collect();
        match constants {
            Some(constants) => self.constant(Constant::Tuple(constants)),
            None => self.value(Op::Build(super::event::Display::Tuple), items),
        }
    }

    fn name(&mut self, name: &str) -> NameId {
        let name = self.written_name(name);
        self.pool.names.intern(name.as_bytes())
    }

    /// A name as it was written: some of 2.x are rewritten for the parser.
    fn written_name<'n>(&self, name: &'n str) -> &'n str {
        if self.is_python2() { rewritten::name(name) } else { name }
    }

    /// Notes a name in an inlined comprehension that releases of 3.12 take for different variables.
    fn note_inlined(&mut self, name: &str) {
        self.expected.depends_on_release |= self.expected.source.scopes.is_release_dependent(self.scope, name);
    }

    /// A name as it is stored: inside a class, `__x` is `_Class__x`.
    fn stored<'n>(&mut self, name: &'n str) -> Cow<'n, str> {
        let name = self.written_name(name);
        self.expected.source.scopes.mangle(self.scope, name, self.prefix)
    }

    fn mangled(&mut self, name: &str) -> NameId {
        let name = self.stored(name);
        self.pool.names.intern(name.as_bytes())
    }

    /// What is known of a name of the tables.
    fn numbered(&mut self, number: NameIndex, name: &str) -> (NameId, &mut Numbered) {
        let number = number.number();
        if number >= self.expected.numbered.len() {
            self.expected.numbered.resize(number.saturating_add(1), Numbered::default());
        }
        let numbered = &mut self.expected.numbered[number];
        let id = *numbered.id.get_or_insert_with(|| self.pool.names.intern(name.as_bytes()));
        (id, numbered)
    }

    /// The variable that a name is when it is read.
    fn read(&mut self, name: &str) -> (Space, NameId) {
        let name = self.stored(name);
        let scopes = self.expected.source.scopes;
        let Some(number) = scopes.number(&name) else {
            return (scopes.load_space(self.scope, None), self.pool.names.intern(name.as_bytes()));
        };
        let scope = self.scope;
        let (id, numbered) = self.numbered(number, &name);
        if let Some((last, space)) = numbered.load
            && last == scope
        {
            return (space, id);
        }
        let space = scopes.load_space(scope, Some(number));
        numbered.load = Some((scope, space));
        self.note_inlined(&name);
        (space, id)
    }

    fn load(&mut self, name: &str) -> Operand {
        let (space, id) = self.read(name);
        match space {
            Space::ClassDeref | Space::ClassGlobal if self.since(3, 12) => {
                let dict = self.class_dict();
                self.value(Op::Load(space, id), &[dict])
            }
            _ => self.value(Op::Load(space, id), &[]),
        }
    }

    /// The variable that a name is when it is bound or deleted.
    fn bound(&mut self, name: &str) -> (Space, NameId) {
        let name = self.stored(name);
        let scopes = self.expected.source.scopes;
        let Some(number) = scopes.number(&name) else {
            return (scopes.store_space(self.scope, None), self.pool.names.intern(name.as_bytes()));
        };
        let scope = self.scope;
        let (id, numbered) = self.numbered(number, &name);
        if let Some((last, space)) = numbered.store
            && last == scope
        {
            return (space, id);
        }
        let space = scopes.store_space(scope, Some(number));
        numbered.store = Some((scope, space));
        self.note_inlined(&name);
        (space, id)
    }

    fn store(&mut self, name: &str, value: Operand) {
        let (space, id) = self.bound(name);
        self.act(Op::Store(space, id), &[value]);
    }

    fn delete(&mut self, name: &str) {
        let (space, id) = self.bound(name);
        self.act(Op::Delete(space, id), &[]);
    }

    /// The namespace in which names of a class are looked for first.
    fn class_dict(&mut self) -> Operand {
        if self.expected.source.scopes.get(self.scope).role == Role::Class {
            return self.value(Op::LoadLocals, &[]);
        }
        let name = self.name("__classdict__");
        self.value(Op::Load(Space::Deref, name), &[])
    }

    /// The scope that a node opens here.
    fn scope_of(&mut self, role: Role, node: &impl Ranged) -> ScopeId {
        let found = self.expected.source.scopes.child(self.scope, role, node.range());
        found.unwrap_or_else(|| {
            self.fail("a scope that was not found");
            self.scope
        })
    }

    /// The number of the code object of a scope.
    fn child(&mut self, scope: ScopeId, body: Body<'a>) -> u32 {
        let next = u32::try_from(self.expected.children.len()).unwrap_or(u32::MAX);
        let place = *self.expected.places.entry(scope).or_insert(next);
        if place == next {
            self.expected.children.push(Child { scope, body });
        }
        place
    }

    /// Makes a function of a child, with its closure behind what else it is given, and the function of its annotations last.
    fn make_function(
        &mut self,
        scope: ScopeId,
        body: Body<'a>,
        attributes: &[(super::event::Attribute, Operand)],
    ) -> Operand {
        if !self.source().scopes.is_entered_as(scope, self.scope, self.prefix) {
            self.fail("code in a `finally` that has a generic class, which early releases of 3.12 compile in two ways");
        }
        let number = self.child(scope, body);
        // In 3.6 to 3.10 the qualified name is given here and nowhere else.
        let qualname = (self.since(3, 3) && !self.since(3, 11)).then(|| {
            let scope = self.expected.source.scopes.get(scope);
            let is_class = scope.role == Role::Class;
            Operand::Const(self.pool.constants.text(if is_class { &scope.name } else { &scope.qualname }))
        });
        let function = self.value(Op::MakeFunction(number), qualname.as_slice());
        let is_last = |attribute| attribute == super::event::Attribute::Annotate;
        for &(attribute, value) in attributes.iter().filter(|&&(attribute, _)| !is_last(attribute)) {
            self.act(Op::SetFunction(attribute), &[function, value]);
        }
        let scopes = self.expected.source.scopes;
        let frees: Vec<NameId> =
            scopes.get(scope).frees.iter().map(|name| self.pool.names.intern(name.as_bytes())).collect();
        if !frees.is_empty() {
            let cells: Vec<Operand> = frees.into_iter().map(|name| self.constant(Constant::Cell(name))).collect();
            let closure = self.tuple(&cells);
            self.act(Op::SetFunction(super::event::Attribute::Closure), &[function, closure]);
        }
        for &(attribute, value) in attributes.iter().filter(|&&(attribute, _)| is_last(attribute)) {
            self.act(Op::SetFunction(attribute), &[function, value]);
        }
        function
    }
}
