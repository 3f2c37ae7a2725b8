//! From the syntax tree to blocks and what each does with names: the first half of symtable.c.

mod walk;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::RandomState;
use ruff_python_ast::Comprehension;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprLambda;
use ruff_python_ast::ExprNamed;
use ruff_python_ast::ModModule;
use ruff_python_ast::Parameters as Written;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtAnnAssign;
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::StmtTypeAlias;
use ruff_python_ast::TypeParam;
use ruff_python_ast::TypeParams;
use ruff_python_ast::visitor::Visitor;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

use crate::verify::scope::Futures;
use crate::verify::scope::Options;
use crate::verify::scope::Parameters;
use crate::verify::scope::Release;
use crate::verify::scope::Role;
use crate::verify::scope::ScopeId;
use crate::verify::scope::mangle;
use crate::verify::scope::mangle::Private;
use crate::verify::scope::symbol::Block;
use crate::verify::scope::symbol::ComprehensionKind;
use crate::verify::scope::symbol::Flags;
use crate::verify::scope::symbol::Interner;
use crate::verify::scope::symbol::NameIndex;
use crate::verify::source_text::python2;

/// The name of the parameter of scopes that are evaluated lazily (3.14 and later).
const FORMAT: &str = ".format";

/// What a module's tree is made into.
pub(super) struct Built {
    /// The blocks, parents before children.
    pub blocks: Vec<Block>,
    /// Their names.
    pub names: Interner,
    /// Where the block of a node is.
    pub places: HashMap<(ScopeId, Role, TextRange), ScopeId, RandomState>,
}

/// A walk over a module.
pub(super) struct Builder {
    series: (u8, u8),
    futures: Futures,
    names: Interner,
    blocks: Vec<Block>,
    places: HashMap<(ScopeId, Role, TextRange), ScopeId, RandomState>,
    /// By name, the block in which it was met last, and its place among the symbols there.
    met: Vec<Option<(ScopeId, usize)>>,
    current: ScopeId,
    release: Release,
    /// `st_private` of [`Release::First`]: the class by which names are mangled where the walk is.
    symbol_prefix: Option<Rc<str>>,
    /// `u_private` of each block's code where the walk is.
    prefixes: Vec<Option<Rc<str>>>,
    /// Where the first statement is that is compiled.
    start: TextSize,
}

impl Builder {
    /// Walks over a module.
    pub(super) fn build(module: &ModModule, options: Options, futures: Futures) -> Built {
        let is_line_known = options.series >= (3, 10);
        let mut top = Block::new(None, Role::Module, "<module>", module.range, is_line_known.then(TextSize::default));
        top.has_docstring = is_docstring(&module.body, options.series);
        let is_dropped = top.has_docstring && options.optimisation >= 2;
        let mut builder = Self {
            series: options.series,
            futures,
            names: Interner::default(),
            blocks: vec![top],
            places: HashMap::default(),
            met: Vec::new(),
            current: ScopeId(0),
            release: options.release,
            symbol_prefix: None,
            prefixes: vec![None],
            start: module.body.get(usize::from(is_dropped)).map_or(TextSize::default(), Ranged::start),
        };
        builder.visit_body(&module.body);
        Built { blocks: builder.blocks, names: builder.names, places: builder.places }
    }

    fn block(&mut self) -> &mut Block {
        &mut self.blocks[self.current.0]
    }

    fn role(&self) -> Role {
        self.blocks[self.current.0].role
    }

    /// `symtable_enter_block`.
    fn enter(&mut self, role: Role, name: &str, node: TextRange, first: TextSize) -> ScopeId {
        let id = ScopeId(self.blocks.len());
        let name = self.written_name(name);
        let parent = &mut self.blocks[self.current.0];
        let mut block = Block::new(Some(self.current), role, name, node, Some(first));
        block.is_nested = parent.is_nested || parent.is_function_like();
        block.private = match &parent.private {
            Private::TypeParameters(..) => Private::Within(self.current),
            private => private.clone(),
        };
        parent.children.push(id);
        block.inherited.clone_from(&self.prefixes[self.current.0]);
        let prefix = if role == Role::Class { Some(name.into()) } else { block.inherited.clone() };
        block.prefix.clone_from(&prefix);
        self.prefixes.push(prefix);
        self.blocks.push(block);
        self.places.insert((self.current, role, node), id);
        self.current = id;
        if self.series >= (3, 14)
            && matches!(role, Role::TypeBound | Role::TypeDefault | Role::Alias | Role::Annotations)
        {
            self.add(FORMAT, Flags::PARAMETER);
            // `__annotate__` is shown without the dot: codegen_setup_annotations_scope.
            let shown = if role == Role::Annotations { "format" } else { FORMAT };
            self.block().parameters.positional_only.push(shown.into());
        }
        id
    }

    /// `symtable_exit_block`.
    fn leave(&mut self) {
        if let Some(parent) = self.blocks[self.current.0].parent {
            self.current = parent;
        }
    }

    /// `symtable_add_def`.
    fn add(&mut self, name: &str, flags: Flags) -> NameIndex {
        let name = self.written_name(name);
        let mangled = match (self.release, &self.symbol_prefix) {
            (Release::Mended, _) => mangle::in_block(&self.blocks, self.current, name),
            (Release::First, Some(class)) => mangle::by_class(class, name),
            (Release::First, None) => Cow::Borrowed(name),
        };
        let index = self.names.intern(&mangled);
        self.add_to(self.current, index, flags);
        index
    }

    /// A name as it was written: some of 2.x are rewritten for the parser.
    fn written_name<'n>(&self, name: &'n str) -> &'n str {
        if self.series < (3, 0) { python2::name(name) } else { name }
    }

    /// `symtable_add_def_helper`.
    fn add_to(&mut self, id: ScopeId, name: NameIndex, flags: Flags) {
        if name.0 >= self.met.len() {
            self.met.resize(name.0 + 1, None);
        }
        let symbols = &mut self.blocks[id.0].symbols;
        let place = match self.met[name.0] {
            Some((last, place)) if last == id => place,
            _ => symbols.place_of(name),
        };
        self.met[name.0] = Some((id, place));
        symbols.add(place, flags);
        if flags.has(Flags::GLOBAL) {
            self.blocks[0].symbols.entry(name).flags |= Flags::GLOBAL;
        }
    }

    /// Names of the class around are looked up in its dict.
    fn see_class(&mut self) {
        self.block().can_see_class_scope = true;
        self.add("__classdict__", Flags::USE);
    }

    fn visit_optional(&mut self, expression: Option<&Expr>) {
        if let Some(expression) = expression {
            self.visit_expr(expression);
        }
    }

    fn function(&mut self, statement: &StmtFunctionDef) {
        self.add(&statement.name, Flags::LOCAL);
        self.defaults(&statement.parameters);
        for decorator in &statement.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        let first = statement.decorator_list.first().map_or(statement.range.start(), |it| it.expression.start());
        if let Some(parameters) = &statement.type_params {
            self.type_parameters(parameters, statement.range, &statement.name, first, Some(&statement.parameters));
        }
        self.function_annotations(statement);
        self.enter(Role::Function, &statement.name, statement.range, first);
        self.block().is_coroutine = statement.is_async;
        self.block().has_docstring = is_docstring(&statement.body, self.series);
        self.parameters(&statement.parameters, &[]);
        self.visit_body(&statement.body);
        self.leave();
        if statement.type_params.is_some() {
            self.leave();
        }
    }

    fn defaults(&mut self, parameters: &Written) {
        for parameter in parameters.iter_non_variadic_params() {
            self.visit_optional(parameter.default.as_deref());
        }
    }

    /// `symtable_visit_annotations`.
    fn function_annotations(&mut self, statement: &StmtFunctionDef) {
        // In 2.x the parser was given targets in the place of annotations.
        if self.series < (3, 0) {
            return;
        }
        let parameters = &statement.parameters;
        let ordinary = parameters.iter_non_variadic_params().map(|it| &it.parameter);
        let all = ordinary.chain(parameters.vararg.as_deref()).chain(parameters.kwarg.as_deref());
        let annotations = all.filter_map(|it| it.annotation.as_deref()).chain(statement.returns.as_deref());
        // From 3.10 on, what is only text is not looked at.
        let is_text = self.futures.annotations && self.series >= (3, 10);
        if self.series < (3, 14) {
            if !is_text {
                annotations.for_each(|annotation| self.visit_expr(annotation));
            }
            return;
        }
        let in_class = self.role() == Role::Class || self.blocks[self.current.0].can_see_class_scope;
        // Decorators do not count. The name is on the line of `def` unless a backslash stands between.
        let first = if statement.decorator_list.is_empty() { statement.range.start() } else { statement.name.start() };
        self.enter(Role::Annotations, "__annotate__", statement.range, first);
        self.block().is_detached = self.futures.annotations;
        if in_class && !self.futures.annotations {
            self.see_class();
        }
        let mut count = 0;
        for annotation in annotations {
            count += 1;
            if !is_text {
                self.visit_expr(annotation);
            }
        }
        self.block().has_code = count > 0;
        self.leave();
    }

    /// `symtable_enter_type_param_block`, and the parameters. The block is left by the caller.
    fn type_parameters(
        &mut self,
        parameters: &TypeParams,
        node: TextRange,
        name: &str,
        first: TextSize,
        function: Option<&Written>,
    ) {
        let in_class = self.role() == Role::Class;
        self.enter(Role::TypeParameters, &format!("<generic parameters of {name}>"), node, first);
        if in_class {
            self.see_class();
        }
        if let Some(function) = function {
            let ordinary = function.posonlyargs.iter().chain(&function.args).any(|it| it.default.is_some());
            let keyword = function.kwonlyargs.iter().any(|it| it.default.is_some());
            // The symbol of the defaults is there without defaults too, and the slots are filled from the first on.
            let names = [Some(".defaults"), keyword.then_some(".kwdefaults")];
            let count = usize::from(ordinary) + usize::from(keyword);
            for (place, name) in names.into_iter().flatten().enumerate() {
                self.add(name, Flags::PARAMETER);
                if place < count {
                    self.block().parameters.ordinary.push(name.into());
                }
            }
        }
        for parameter in &parameters.type_params {
            self.type_parameter(parameter);
        }
    }

    fn type_parameter(&mut self, parameter: &TypeParam) {
        let (name, bound, default) = match parameter {
            TypeParam::TypeVar(it) => (&it.name, it.bound.as_deref(), it.default.as_deref()),
            TypeParam::TypeVarTuple(it) => (&it.name, None, it.default.as_deref()),
            TypeParam::ParamSpec(it) => (&it.name, None, it.default.as_deref()),
        };
        if let Private::TypeParameters(_, names) = &mut self.block().private {
            names.push(name.as_str().into());
        }
        self.add(name, Flags::LOCAL);
        let in_class = self.blocks[self.current.0].can_see_class_scope;
        for (role, expression) in [(Role::TypeBound, bound), (Role::TypeDefault, default)] {
            let Some(expression) = expression else { continue };
            self.enter(role, name, parameter.range(), expression.start());
            if in_class {
                self.see_class();
            }
            self.visit_expr(expression);
            self.leave();
        }
    }

    /// `symtable_visit_arguments`: the parameters of the current block; what the tuples of a lambda of 2.x are unpacked to is not among them.
    fn parameters(&mut self, written: &Written, of_lambda: &[Expr]) {
        let mut parameters = Parameters::default();
        let (mut of_lambda, mut targets) = (of_lambda.iter(), Vec::new());
        let add = |builder: &mut Self, name: &str| -> Box<str> {
            let index = builder.add(name, Flags::PARAMETER);
            builder.names.get(index).into()
        };
        for parameter in &written.posonlyargs {
            parameters.positional_only.push(add(self, &parameter.parameter.name));
        }
        for parameter in &written.args {
            let target = match python2::tuple_parameter(&parameter.parameter.name) {
                Some(number) if self.series < (3, 0) => {
                    let target = parameter.parameter.annotation.as_deref().or_else(|| of_lambda.next());
                    target.map(|target| (number, target))
                }
                _ => None,
            };
            targets.extend(target.map(|(_, target)| target));
            let name = match target {
                // `def f((a))` has a parameter in brackets, not a tuple.
                Some((_, Expr::Name(name))) => Cow::Borrowed(name.id.as_str()),
                Some((number, _)) => Cow::Owned(format!(".{number}")),
                None => Cow::Borrowed(parameter.parameter.name.as_str()),
            };
            parameters.ordinary.push(add(self, &name));
        }
        for parameter in &written.kwonlyargs {
            parameters.keyword_only.push(add(self, &parameter.parameter.name));
        }
        parameters.variadic = written.vararg.as_ref().map(|it| add(self, &it.name));
        parameters.keywords = written.kwarg.as_ref().map(|it| add(self, &it.name));
        self.block().parameters = parameters;
        for target in targets {
            self.target(target, Flags::PARAMETER);
        }
    }

    fn class(&mut self, statement: &StmtClassDef) {
        self.add(&statement.name, Flags::LOCAL);
        for decorator in &statement.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        let first = statement.decorator_list.first().map_or(statement.range.start(), |it| it.expression.start());
        let private = Private::Class(self.written_name(&statement.name).into());
        if let Some(parameters) = &statement.type_params {
            self.prefixes[self.current.0] = Some(statement.name.as_str().into());
            self.class_type_parameters(parameters, statement, first);
        }
        if let Some(arguments) = &statement.arguments {
            self.visit_arguments(arguments);
        }
        self.enter(Role::Class, &statement.name, statement.range, first);
        // Of a generic class it is not put back to what it was before its type parameters.
        let symbol_prefix = self.symbol_prefix.replace(statement.name.as_str().into());
        self.block().private = private;
        self.block().has_docstring = is_docstring(&statement.body, self.series);
        if statement.type_params.is_some() {
            self.add("__type_params__", Flags::LOCAL);
            self.add(".type_params", Flags::USE);
        }
        self.visit_body(&statement.body);
        self.symbol_prefix = symbol_prefix;
        self.leave();
        if statement.type_params.is_some() {
            self.leave();
        }
    }

    fn class_type_parameters(&mut self, parameters: &TypeParams, statement: &StmtClassDef, first: TextSize) {
        let in_class = self.role() == Role::Class;
        let name = statement.name.as_str();
        self.enter(Role::TypeParameters, &format!("<generic parameters of {name}>"), statement.range, first);
        self.block().private = Private::TypeParameters(name.into(), Vec::new());
        self.symbol_prefix = Some(name.into());
        if in_class {
            self.see_class();
        }
        for name in [".type_params", ".generic_base"] {
            self.add(name, Flags::LOCAL | Flags::USE);
        }
        for parameter in &parameters.type_params {
            self.type_parameter(parameter);
        }
    }

    fn alias(&mut self, statement: &StmtTypeAlias) {
        self.visit_expr(&statement.name);
        let Expr::Name(name) = &*statement.name else { return };
        let in_class = self.role() == Role::Class;
        let first = statement.range.start();
        if let Some(parameters) = &statement.type_params {
            self.type_parameters(parameters, statement.range, &name.id, first, None);
        }
        self.enter(Role::Alias, &name.id, statement.range, first);
        if in_class {
            self.see_class();
        }
        self.visit_expr(&statement.value);
        self.leave();
        if statement.type_params.is_some() {
            self.leave();
        }
    }

    fn lambda(&mut self, lambda: &ExprLambda) {
        if let Some(parameters) = &lambda.parameters {
            self.defaults(parameters);
        }
        self.enter(Role::Lambda, "<lambda>", lambda.range, lambda.range.start());
        let (targets, body) = match python2::call(&lambda.body).filter(|_| self.series < (3, 0)) {
            Some((python2::TUPLE, [targets @ .., body])) => (targets, body),
            _ => (&[][..], &*lambda.body),
        };
        if let Some(parameters) = &lambda.parameters {
            self.parameters(parameters, targets);
        }
        self.visit_expr(body);
        self.leave();
    }

    /// `symtable_handle_comprehension`. The elements are in the order in which symtable.c looks at them.
    fn comprehension(
        &mut self,
        kind: ComprehensionKind,
        generators: &[Comprehension],
        elements: [Option<&Expr>; 2],
        node: TextRange,
        start: TextSize,
    ) {
        let has_no_bracket = self.series < (3, 8) && start != node.start();
        let start = if has_no_bracket { node.start() } else { start };
        let Some(outermost) = generators.first() else { return };
        if kind == ComprehensionKind::List && self.series < (3, 0) {
            elements.into_iter().flatten().for_each(|element| self.visit_expr(element));
            for generator in generators {
                self.visit_comprehension(generator);
            }
            return;
        }
        self.visit_expr(&outermost.iter);
        let name = match kind {
            ComprehensionKind::List => "<listcomp>",
            ComprehensionKind::Set => "<setcomp>",
            ComprehensionKind::Dict => "<dictcomp>",
            ComprehensionKind::Generator => "<genexpr>",
        };
        // Up to 3.7 the line is that of the first token inside, but for those in braces of 3.x: see `SourceText::token_line`.
        let in_braces = matches!(kind, ComprehensionKind::Set | ComprehensionKind::Dict);
        let is_bracket = self.series >= (3, 8) || in_braces && self.series >= (3, 0);
        let first = if is_bracket || has_no_bracket { start } else { start + TextSize::new(1) };
        self.enter(Role::Comprehension, name, node, first);
        let is_generator = kind == ComprehensionKind::Generator;
        self.block().comprehension = Some(kind);
        self.block().is_coroutine = outermost.is_async;
        self.add(".0", Flags::PARAMETER);
        self.block().parameters.ordinary.push(".0".into());
        self.visit_expr(&outermost.target);
        outermost.ifs.iter().for_each(|condition| self.visit_expr(condition));
        for generator in generators.iter().skip(1) {
            self.visit_comprehension(generator);
        }
        elements.into_iter().flatten().for_each(|element| self.visit_expr(element));
        self.block().is_generator |= is_generator;
        let is_async = self.series >= (3, 8) && self.block().is_coroutine && !is_generator;
        self.leave();
        self.block().is_coroutine |= is_async;
    }

    /// `symtable_extend_namedexpr_scope`: the name is bound in the function around.
    fn named(&mut self, named: &ExprNamed) {
        if let Expr::Name(target) = &*named.target
            && self.role() == Role::Comprehension
        {
            let mut around = Some(self.current);
            while let Some(id) = around {
                let block = &self.blocks[id.0];
                around = block.parent;
                let index = match block.role {
                    Role::Comprehension => continue,
                    Role::Function | Role::Lambda => {
                        // Before 3.13 the name was looked up as it is written, not as it is stored.
                        let stored = if self.series >= (3, 13) {
                            mangle::in_block(&self.blocks, self.current, &target.id)
                        } else {
                            Cow::Borrowed(target.id.as_str())
                        };
                        let found = self.names.find(&stored).and_then(|name| block.symbols.get(name));
                        let is_global = found.is_some_and(|symbol| symbol.flags.has(Flags::GLOBAL));
                        let index = self.add(&target.id, if is_global { Flags::GLOBAL } else { Flags::NONLOCAL });
                        self.add_to(id, index, Flags::LOCAL);
                        break;
                    }
                    Role::Module => self.add(&target.id, Flags::GLOBAL),
                    // Not allowed there.
                    _ => break,
                };
                self.add_to(id, index, Flags::GLOBAL);
            }
        }
        self.visit_expr(&named.value);
        self.visit_expr(&named.target);
    }

    fn annotated(&mut self, statement: &StmtAnnAssign) {
        match &*statement.target {
            Expr::Name(target) => {
                if statement.simple || statement.value.is_some() {
                    self.add(&target.id, Flags::LOCAL);
                }
            }
            target => self.visit_expr(target),
        }
        let is_name = statement.simple && statement.target.is_name_expr();
        if self.series >= (3, 14) {
            self.deferred(&statement.annotation, is_name);
        } else if !(self.futures.annotations && self.series >= (3, 10)) {
            self.visit_expr(&statement.annotation);
        }
        self.visit_optional(statement.value.as_deref());
    }

    /// `symtable_visit_annotation` of 3.14.
    fn deferred(&mut self, annotation: &Expr, is_name: bool) {
        let role = self.role();
        let is_conditional = role == Role::Module || role == Role::Class && self.block().in_conditional;
        if is_conditional && !self.block().has_conditional_annotations {
            self.block().has_conditional_annotations = true;
            self.add("__conditional_annotations__", Flags::USE);
        }
        // Blocks of annotations that are only text are never joined with the others.
        if self.futures.annotations {
            return;
        }
        let parent = self.current;
        if let Some(existing) = self.block().annotations {
            self.current = existing;
        } else {
            let node = self.block().node;
            // Of a module, the first statement.
            let first = if role == Role::Module { self.start } else { self.block().first.unwrap_or_default() };
            let id = self.enter(Role::Annotations, "__annotate__", node, first);
            self.blocks[parent.0].annotations = Some(id);
            self.block().has_code = false;
            if role == Role::Class {
                self.see_class();
            }
        }
        if is_conditional && role == Role::Class {
            self.add("__conditional_annotations__", Flags::USE);
        }
        if is_name && matches!(role, Role::Module | Role::Class) {
            self.block().has_code = true;
        }
        self.block().is_unevaluated = !matches!(role, Role::Module | Role::Class);
        self.visit_expr(annotation);
        self.current = parent;
    }
}

/// Whether a body begins with a docstring; in 2.x bytes are strings.
fn is_docstring(body: &[Stmt], series: (u8, u8)) -> bool {
    let Some(Stmt::Expr(statement)) = body.first() else { return false };
    match &*statement.value {
        Expr::StringLiteral(_) => true,
        Expr::BytesLiteral(_) => series < (3, 0),
        _ => false,
    }
}
