//! Syntax that no source has: what pytest makes itself.
//!
//! All of it stands at the start of the assert and has no width, by which its literals are told from those that can be read in the source.

use ruff_python_ast::Alias;
use ruff_python_ast::Arguments;
use ruff_python_ast::AtomicNodeIndex;
use ruff_python_ast::BoolOp;
use ruff_python_ast::CmpOp;
use ruff_python_ast::DictItem;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprAttribute;
use ruff_python_ast::ExprBinOp;
use ruff_python_ast::ExprBoolOp;
use ruff_python_ast::ExprCall;
use ruff_python_ast::ExprCompare;
use ruff_python_ast::ExprContext;
use ruff_python_ast::ExprDict;
use ruff_python_ast::ExprIf;
use ruff_python_ast::ExprList;
use ruff_python_ast::ExprName;
use ruff_python_ast::ExprNoneLiteral;
use ruff_python_ast::ExprNumberLiteral;
use ruff_python_ast::ExprStringLiteral;
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
use ruff_python_ast::StmtIf;
use ruff_python_ast::StmtImport;
use ruff_python_ast::StmtRaise;
use ruff_python_ast::StringLiteral;
use ruff_python_ast::StringLiteralFlags;
use ruff_python_ast::StringLiteralValue;
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

    pub(super) fn empty_list(self) -> Expr {
        Expr::List(ExprList {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            elts: Vec::new(),
            ctx: ExprContext::Load,
        })
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
        Stmt::Assign(StmtAssign {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            targets: names.iter().map(|name| self.target(name)).collect(),
            value: Box::new(value),
        })
    }

    pub(super) fn expression(self, value: Expr) -> Stmt {
        Stmt::Expr(StmtExpr { node_index: AtomicNodeIndex::NONE, range: self.range, value: Box::new(value) })
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

    pub(super) fn import(self, module: &str, name: &str) -> Stmt {
        let alias = Alias {
            range: self.range,
            node_index: AtomicNodeIndex::NONE,
            name: Identifier::new(module, self.range),
            asname: Some(Identifier::new(name, self.range)),
        };
        Stmt::Import(StmtImport {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            names: vec![alias],
            is_lazy: false,
        })
    }
}
