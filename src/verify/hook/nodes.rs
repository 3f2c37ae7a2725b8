//! Syntax that no source has: what a hook makes itself.
//!
//! All of it stands at one place, such as the start of an assert, and has no width, by which its literals are told from those that can be
//! read in the source.

use ruff_python_ast::Alias;
use ruff_python_ast::Arguments;
use ruff_python_ast::AtomicNodeIndex;
use ruff_python_ast::BoolOp;
use ruff_python_ast::CmpOp;
use ruff_python_ast::Decorator;
use ruff_python_ast::DictItem;
use ruff_python_ast::ExceptHandler;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprAttribute;
use ruff_python_ast::ExprBinOp;
use ruff_python_ast::ExprBoolOp;
use ruff_python_ast::ExprCall;
use ruff_python_ast::ExprCompare;
use ruff_python_ast::ExprContext;
use ruff_python_ast::ExprDict;
use ruff_python_ast::ExprEllipsisLiteral;
use ruff_python_ast::ExprIf;
use ruff_python_ast::ExprList;
use ruff_python_ast::ExprName;
use ruff_python_ast::ExprNoneLiteral;
use ruff_python_ast::ExprNumberLiteral;
use ruff_python_ast::ExprStringLiteral;
use ruff_python_ast::ExprSubscript;
use ruff_python_ast::ExprTuple;
use ruff_python_ast::ExprUnaryOp;
use ruff_python_ast::Identifier;
use ruff_python_ast::Int;
use ruff_python_ast::Keyword;
use ruff_python_ast::Number;
use ruff_python_ast::Operator;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtAssign;
use ruff_python_ast::StmtExpr;
use ruff_python_ast::StmtFor;
use ruff_python_ast::StmtIf;
use ruff_python_ast::StmtImport;
use ruff_python_ast::StmtImportFrom;
use ruff_python_ast::StmtPass;
use ruff_python_ast::StmtRaise;
use ruff_python_ast::StmtReturn;
use ruff_python_ast::StringLiteral;
use ruff_python_ast::StringLiteralFlags;
use ruff_python_ast::StringLiteralValue;
use ruff_python_ast::Suite;
use ruff_python_ast::UnaryOp;
use ruff_python_ast::name::Name;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

/// Makes syntax for one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nodes {
    range: TextRange,
}

impl Nodes {
    /// For what stands at this offset.
    pub(super) fn at(offset: TextSize) -> Self {
        Self { range: TextRange::empty(offset) }
    }

    /// Where that is.
    pub(super) fn start(self) -> TextSize {
        self.range.start()
    }

    fn named(self, name: &str, ctx: ExprContext) -> Expr {
        Expr::Name(ExprName { node_index: AtomicNodeIndex::NONE, range: self.range, id: Name::new(name), ctx })
    }

    pub(super) fn load(self, name: &str) -> Expr {
        self.named(name, ExprContext::Load)
    }

    pub(super) fn target(self, name: &str) -> Expr {
        self.named(name, ExprContext::Store)
    }

    pub(super) fn attribute(self, value: Expr, name: &str) -> Expr {
        Expr::Attribute(ExprAttribute {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            value: Box::new(value),
            attr: Identifier::new(name, self.range),
            ctx: ExprContext::Load,
        })
    }

    pub(super) fn call(self, callee: Expr, positional: Vec<Expr>, keywords: Vec<Keyword>) -> Expr {
        let arguments = Arguments {
            range: self.range,
            node_index: AtomicNodeIndex::NONE,
            args: positional.into(),
            keywords: keywords.into_iter().collect(),
        };
        Expr::Call(ExprCall {
            node_index: AtomicNodeIndex::NONE,
            range_start: self.range.start(),
            func: Box::new(callee),
            arguments,
        })
    }

    /// `a.b.c`.
    pub(super) fn path(self, names: &[&str]) -> Expr {
        let Some((first, rest)) = names.split_first() else { return self.none() };
        rest.iter().fold(self.load(first), |value, name| self.attribute(value, name))
    }

    pub(super) fn subscript(self, value: Expr, slice: Expr) -> Expr {
        self.item(value, slice, ExprContext::Load)
    }

    pub(super) fn subscript_target(self, value: Expr, slice: Expr) -> Expr {
        self.item(value, slice, ExprContext::Store)
    }

    fn item(self, value: Expr, slice: Expr, ctx: ExprContext) -> Expr {
        let (value, slice) = (Box::new(value), Box::new(slice));
        Expr::Subscript(ExprSubscript { node_index: AtomicNodeIndex::NONE, range: self.range, value, slice, ctx })
    }

    pub(super) fn keyword(self, name: &str, value: Expr) -> Keyword {
        let arg = Some(Identifier::new(name, self.range));
        Keyword { range: self.range, node_index: AtomicNodeIndex::NONE, arg, value }
    }

    pub(super) fn decorator(self, expression: Expr) -> Decorator {
        Decorator { range: self.range, node_index: AtomicNodeIndex::NONE, expression }
    }

    pub(super) fn text(self, text: &str) -> Expr {
        let literal = StringLiteral {
            range: self.range,
            node_index: AtomicNodeIndex::NONE,
            value: text.into(),
            flags: StringLiteralFlags::empty(),
        };
        Expr::StringLiteral(ExprStringLiteral {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            value: StringLiteralValue::single(literal),
        })
    }

    pub(super) fn number(self, number: u32) -> Expr {
        Expr::NumberLiteral(ExprNumberLiteral {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            value: Number::Int(Int::from(number)),
        })
    }

    pub(super) fn none(self) -> Expr {
        Expr::NoneLiteral(ExprNoneLiteral { node_index: AtomicNodeIndex::NONE, range: self.range })
    }

    pub(super) fn tuple(self, elts: Vec<Expr>) -> Expr {
        Expr::Tuple(ExprTuple {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            elts,
            ctx: ExprContext::Load,
            parenthesized: true,
        })
    }

    pub(super) fn ellipsis(self) -> Expr {
        Expr::EllipsisLiteral(ExprEllipsisLiteral { node_index: AtomicNodeIndex::NONE, range: self.range })
    }

    pub(super) fn list(self, elts: Vec<Expr>) -> Expr {
        let ctx = ExprContext::Load;
        Expr::List(ExprList { node_index: AtomicNodeIndex::NONE, range: self.range, elts, ctx })
    }

    pub(super) fn empty_list(self) -> Expr {
        self.list(Vec::new())
    }

    pub(super) fn dict(self, pairs: Vec<(String, Expr)>) -> Expr {
        let items = pairs.into_iter().map(|(key, value)| DictItem { key: Some(self.text(&key)), value }).collect();
        Expr::Dict(ExprDict { node_index: AtomicNodeIndex::NONE, range: self.range, items })
    }

    pub(super) fn binary(self, left: Expr, op: Operator, right: Expr) -> Expr {
        Expr::BinOp(ExprBinOp {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            left: Box::new(left),
            op,
            right: Box::new(right),
        })
    }

    pub(super) fn unary(self, op: UnaryOp, operand: Expr) -> Expr {
        Expr::UnaryOp(ExprUnaryOp {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            op,
            operand: Box::new(operand),
        })
    }

    pub(super) fn compare(self, left: Expr, op: CmpOp, right: Expr) -> Expr {
        Expr::Compare(ExprCompare {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            left: Box::new(left),
            ops: [op].into(),
            comparators: [right].into(),
        })
    }

    pub(super) fn bool_op(self, op: BoolOp, values: Vec<Expr>) -> Expr {
        Expr::BoolOp(ExprBoolOp { node_index: AtomicNodeIndex::NONE, range: self.range, op, values })
    }

    pub(super) fn conditional(self, test: Expr, body: Expr, orelse: Expr) -> Expr {
        Expr::If(ExprIf {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            test: Box::new(test),
            body: Box::new(body),
            orelse: Box::new(orelse),
        })
    }

    pub(super) fn assign(self, names: &[String], value: Expr) -> Stmt {
        self.assign_all(names.iter().map(|name| self.target(name)).collect(), value)
    }

    pub(super) fn assign_to(self, target: Expr, value: Expr) -> Stmt {
        self.assign_all(vec![target], value)
    }

    fn assign_all(self, targets: Vec<Expr>, value: Expr) -> Stmt {
        let value = Box::new(value);
        Stmt::Assign(StmtAssign { node_index: AtomicNodeIndex::NONE, range: self.range, targets, value })
    }

    pub(super) fn for_each(self, name: &str, iter: Expr, body: Vec<Stmt>) -> Stmt {
        Stmt::For(StmtFor {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            is_async: false,
            target: Box::new(self.target(name)),
            iter: Box::new(iter),
            body: body.into_iter().collect(),
            orelse: Suite::new(),
        })
    }

    pub(super) fn expression(self, value: Expr) -> Stmt {
        Stmt::Expr(StmtExpr { node_index: AtomicNodeIndex::NONE, range: self.range, value: Box::new(value) })
    }

    pub(super) fn return_value(self, value: Expr) -> Stmt {
        let value = Some(Box::new(value));
        Stmt::Return(StmtReturn { node_index: AtomicNodeIndex::NONE, range: self.range, value })
    }

    pub(super) fn pass(self) -> Stmt {
        Stmt::Pass(StmtPass { node_index: AtomicNodeIndex::NONE, range: self.range })
    }

    pub(super) fn raise(self, exception: Expr) -> Stmt {
        Stmt::Raise(StmtRaise {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            exc: Some(Box::new(exception)),
            cause: None,
        })
    }

    pub(super) fn if_statement(self, test: Expr, body: Vec<Stmt>) -> Stmt {
        Stmt::If(StmtIf {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            test: Box::new(test),
            body: body.into_iter().collect(),
            elif_else_clauses: Vec::new(),
        })
    }

    pub(super) fn import(self, module: &str) -> Stmt {
        self.import_named(module, None)
    }

    pub(super) fn import_as(self, module: &str, name: &str) -> Stmt {
        self.import_named(module, Some(name))
    }

    pub(super) fn import_from(self, module: &str, name: &str, asname: Option<&str>) -> Stmt {
        self.import_names(module, std::iter::once((name, asname)))
    }

    /// Names, and what each is called here.
    pub(super) fn import_names<'n>(
        self,
        module: &str,
        names: impl Iterator<Item = (&'n str, Option<&'n str>)>,
    ) -> Stmt {
        Stmt::ImportFrom(StmtImportFrom {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            module: Some(Identifier::new(module, self.range)),
            names: names.map(|(name, asname)| self.alias(name, asname)).collect(),
            level: 0,
            is_lazy: false,
        })
    }

    fn alias(self, name: &str, asname: Option<&str>) -> Alias {
        Alias {
            range: self.range,
            node_index: AtomicNodeIndex::NONE,
            name: Identifier::new(name, self.range),
            asname: asname.map(|name| Identifier::new(name, self.range)),
        }
    }

    fn import_named(self, module: &str, name: Option<&str>) -> Stmt {
        let alias = self.alias(module, name);
        Stmt::Import(StmtImport {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            names: vec![alias],
            is_lazy: false,
        })
    }
}

/// The lists of statements inside of a statement, in the order in which they are written.
pub(super) fn suites(statement: &mut Stmt) -> Vec<&mut Suite> {
    match statement {
        Stmt::FunctionDef(node) => vec![&mut node.body],
        Stmt::ClassDef(node) => vec![&mut node.body],
        Stmt::For(node) => vec![&mut node.body, &mut node.orelse],
        Stmt::While(node) => vec![&mut node.body, &mut node.orelse],
        Stmt::If(node) => {
            let clauses = node.elif_else_clauses.iter_mut().map(|clause| &mut clause.body);
            std::iter::once(&mut node.body).chain(clauses).collect()
        }
        Stmt::With(node) => vec![&mut node.body],
        Stmt::Match(node) => node.cases.iter_mut().map(|case| &mut case.body).collect(),
        Stmt::Try(node) => {
            let handlers = node.handlers.iter_mut().map(|ExceptHandler::ExceptHandler(handler)| &mut handler.body);
            std::iter::once(&mut node.body).chain(handlers).chain([&mut node.orelse, &mut node.finalbody]).collect()
        }
        _ => Vec::new(),
    }
}

/// Where the keyword is that stands before the name of a class or function.
pub(super) fn keyword_before(text: &str, name: TextSize) -> TextSize {
    let before = text.get(..name.into()).unwrap_or_default();
    // Nothing but blanks and lines that go on can be between.
    let blanks = [' ', '\t', '\u{c}', '\\', '\n', '\r'];
    let before = before.trim_end_matches(blanks);
    let before = ["class", "def"].into_iter().find_map(|keyword| before.strip_suffix(keyword));
    let is_async = |before: &&str| {
        before.ends_with([' ', '\t', '\u{c}', '\n', '\r']) && before.trim_end_matches(blanks).ends_with("async")
    };
    let before = before.map(|before| {
        let outer = before.trim_end_matches(blanks).strip_suffix("async");
        outer.filter(|_| is_async(&before)).unwrap_or(before)
    });
    let length = before.map(str::len);
    length.and_then(|length| TextSize::try_from(length).ok()).unwrap_or(name)
}
