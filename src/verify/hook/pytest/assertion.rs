//! One `assert`, and the statements that stand in its place.
//!
//! What is evaluated goes to variables `@py_assertN`; when it is false, the texts of all parts are put together (`@py_formatN`) and raised.
//! One count numbers the variables, the formats and the keys of the formats, in the order in which pytest comes past them.

use ruff_python_ast::BoolOp;
use ruff_python_ast::CmpOp;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprBoolOp;
use ruff_python_ast::ExprCall;
use ruff_python_ast::ExprCompare;
use ruff_python_ast::ExprGenerator;
use ruff_python_ast::ExprNamed;
use ruff_python_ast::Keyword;
use ruff_python_ast::Operator;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtAssert;
use ruff_python_ast::UnaryOp;
use ruff_python_ast::name::Name;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;

use super::Rewriter;
use super::Walrus;
use super::walruses;
use crate::verify::hook::nodes::Nodes;

/// The statements for an assert; `None` when that were too many.
pub(super) fn rewrite(rewriter: &mut Rewriter, assert: &StmtAssert) -> Option<Vec<Stmt>> {
    let nodes = Nodes::at(assert.range.start());
    let walrus = rewriter.form.walrus();
    let mut assertion = Assertion {
        rewriter,
        walrus,
        walruses: if walrus == Walrus::Once { walruses(&assert.test) } else { Vec::new() },
        nodes,
        count: 0,
        variables: Vec::new(),
        statements: Vec::new(),
        explanations: Vec::new(),
        formats: vec![Vec::new()],
    };
    let (condition, explanation) = assertion.visit(&assert.test);
    let template = match &assert.msg {
        Some(message) => {
            let message = assertion.helper("_format_assertmsg", vec![(**message).clone()]);
            nodes.binary(message, Operator::Add, nodes.text(&format!("\n>assert {explanation}")))
        }
        None => nodes.binary(nodes.text(""), Operator::Add, nodes.text(&format!("assert {explanation}"))),
    };
    let message = assertion.pop_format(template);
    let message = assertion.helper("_format_explanation", vec![message]);
    let raise = nodes.raise(nodes.call(nodes.load("AssertionError"), vec![message], Vec::new()));
    let Assertion { mut statements, mut explanations, variables, .. } = assertion;
    explanations.push(raise);
    statements.push(nodes.if_statement(nodes.unary(UnaryOp::Not, condition), explanations));
    if !variables.is_empty() {
        statements.push(nodes.assign(&variables, nodes.none()));
    }
    rewriter.spend(0).then_some(statements)
}

struct Assertion<'r> {
    rewriter: &'r mut Rewriter,
    nodes: Nodes,
    /// What becomes of a walrus.
    walrus: Walrus,
    /// The walruses of the test, where it matters.
    walruses: Vec<(TextRange, String)>,
    /// The next number.
    count: u32,
    /// The variables that are cleared at the end.
    variables: Vec<String>,
    /// What evaluates the condition, as far as the list goes that is being filled.
    statements: Vec<Stmt>,
    /// What explains that it is false, likewise.
    explanations: Vec<Stmt>,
    /// The keys and values of the formats that are open.
    formats: Vec<Vec<(String, Expr)>>,
}

impl Assertion<'_> {
    fn number(&mut self) -> u32 {
        let number = self.count;
        self.count = number.saturating_add(1);
        number
    }

    fn variable(&mut self) -> String {
        let name = format!("@py_assert{}", self.number());
        self.variables.push(name.clone());
        name
    }

    fn set(&mut self, name: &str, value: Expr) {
        self.statements.push(self.nodes.assign(&[name.to_owned()], value));
    }

    /// Puts a value into a new variable.
    fn assign(&mut self, value: Expr) -> Expr {
        let name = self.variable();
        self.set(&name, value);
        self.nodes.load(&name)
    }

    fn helper(&mut self, name: &str, arguments: Vec<Expr>) -> Expr {
        self.rewriter.spend(8);
        self.nodes.call(self.nodes.attribute(self.nodes.load("@pytest_ar"), name), arguments, Vec::new())
    }

    fn shown(&mut self, value: Expr) -> Expr {
        self.helper("_saferepr", vec![value])
    }

    /// A place for a value in the format that is open.
    fn key(&mut self, value: Expr) -> String {
        let key = format!("py{}", self.number());
        let place = format!("%({key})s");
        if let Some(format) = self.formats.last_mut() {
            format.push((key, value));
        }
        place
    }

    /// Ends the format that is open.
    fn pop_format(&mut self, template: Expr) -> Expr {
        let values = self.formats.pop().unwrap_or_default();
        let name = format!("@py_format{}", self.number());
        let text = self.nodes.binary(template, Operator::Mod, self.nodes.dict(values));
        self.explanations.push(self.nodes.assign(std::slice::from_ref(&name), text));
        self.nodes.load(&name)
    }

    /// The value of an expression, and the text that explains it.
    fn visit(&mut self, expression: &Expr) -> (Expr, String) {
        if !self.rewriter.spend(8) {
            return (self.nodes.none(), String::new());
        }
        let (value, text) = match expression {
            Expr::Name(name) => (expression.clone(), self.named(name.id.as_str(), expression)),
            Expr::Named(node) if matches!(self.walrus, Walrus::Repeated | Walrus::Once) => self.walrus(node),
            Expr::BoolOp(node) => self.bool_op(node),
            Expr::UnaryOp(node) => {
                let (operand, text) = self.visit(&node.operand);
                let value = self.assign(self.nodes.unary(node.op, operand));
                (value, format!("{}{text}", prefix(node.op)))
            }
            Expr::BinOp(node) => {
                let (left, left_text) = self.visit_before(&node.left, [&*node.right]);
                let (right, right_text) = self.visit(&node.right);
                let value = self.assign(self.nodes.binary(left, node.op, right));
                (value, format!("({left_text} {} {right_text})", operator(node.op)))
            }
            Expr::Call(node) => self.call(node),
            Expr::Attribute(node) => {
                let (object, text) = self.visit(&node.value);
                let name = node.attr.as_str();
                let value = self.assign(self.nodes.attribute(object, name));
                let shown = self.shown(value.clone());
                let place = self.key(shown);
                (value, format!("{place}\n{{{place} = {text}.{name}\n}}"))
            }
            Expr::Compare(node) => self.compare(node),
            _ => {
                let value = self.assign(expression.clone());
                let shown = self.shown(value.clone());
                (value, self.key(shown))
            }
        };
        self.rewriter.spend(text.len() / 64);
        (value, text)
    }

    /// The explanation of a name: its value, if it is local or global ones are shown, otherwise the name.
    fn named(&mut self, name: &str, value: &Expr) -> String {
        let nodes = self.nodes;
        let locals = nodes.call(nodes.attribute(nodes.load("@py_builtins"), "locals"), Vec::new(), Vec::new());
        let is_local = nodes.compare(nodes.text(name), CmpOp::In, locals);
        let is_shown = self.helper("_should_repr_global_name", vec![value.clone()]);
        let test = nodes.bool_op(BoolOp::Or, vec![is_local, is_shown]);
        let shown = self.shown(value.clone());
        let value = nodes.conditional(test, shown, nodes.text(name));
        self.key(value)
    }

    fn walrus(&mut self, node: &ExprNamed) -> (Expr, String) {
        // It is made again where it is explained.
        self.rewriter.spend(usize::from(node.range.len()));
        let value = Expr::Named(node.clone());
        let text = match self.walrus {
            Walrus::Once => self.named(target(node), &self.nodes.load(target(node))),
            _ => self.named(target(node), &value),
        };
        (value, text)
    }

    /// An operand in front of others: a name that a walrus in them binds is put aside (9.2 and later).
    fn visit_before<'e>(&mut self, operand: &Expr, later: impl IntoIterator<Item = &'e Expr>) -> (Expr, String) {
        let known = self.formats.last().map_or(0, Vec::len);
        let (value, text) = self.visit(operand);
        let Expr::Name(name) = &value else { return (value, text) };
        if !self.is_rebound(name.id.as_str(), later) {
            return (value, text);
        }
        let kept = self.assign(value);
        self.show_all(known, &kept);
        (kept, text)
    }

    /// What is explained in the open format from a place on is explained by this value.
    fn show_all(&mut self, from: usize, value: &Expr) {
        let shown = self.shown(value.clone());
        for (_, explained) in self.formats.last_mut().into_iter().flatten().skip(from) {
            explained.clone_from(&shown);
        }
    }

    /// Whether a walrus in one of these expressions binds a name.
    fn is_rebound<'e>(&mut self, name: &str, later: impl IntoIterator<Item = &'e Expr>) -> bool {
        if !self.walruses.iter().any(|(_, bound)| bound == name) {
            return false;
        }
        later.into_iter().any(|operand| {
            self.rewriter.spend(self.walruses.len() / 8);
            self.walruses.iter().any(|(range, bound)| bound == name && operand.range().contains_range(*range))
        })
    }

    /// What a walrus of an earlier assert makes of a name.
    fn overwritten(&mut self, expression: &Expr) -> Option<Expr> {
        let Expr::Name(name) = expression else { return None };
        let walrus = self.rewriter.overwritten.get(&(self.rewriter.scope, name.id.to_string()))?;
        self.rewriter.carried.insert(walrus.range.start(), (walrus.range, self.nodes.start()));
        Some(Expr::Named(walrus.clone()))
    }

    fn overwrite(&mut self, name: &str, walrus: &ExprNamed) {
        self.rewriter.spend(usize::from(walrus.range.len()));
        self.rewriter.overwritten.insert((self.rewriter.scope, name.to_owned()), walrus.clone());
    }

    fn bool_op(&mut self, node: &ExprBoolOp) -> (Expr, String) {
        let nodes = self.nodes;
        let result = self.variable();
        let list = self.assign(nodes.empty_list());
        self.formats.push(Vec::new());
        // What each operand but the first is evaluated and explained under.
        let mut around = Vec::new();
        let mut condition = None;
        for (index, operand) in node.values.iter().enumerate() {
            let operand = match condition.take() {
                Some(condition) => {
                    let outer = (std::mem::take(&mut self.statements), std::mem::take(&mut self.explanations));
                    around.push((outer, condition));
                    self.renamed(operand, node.values.get(..index).unwrap_or_default())
                }
                None => None,
            }
            .map_or(std::borrow::Cow::Borrowed(operand), std::borrow::Cow::Owned);
            self.formats.push(Vec::new());
            let (mut value, text) = self.visit(&operand);
            self.set(&result, value.clone());
            let later = node.values.get(index.saturating_add(1)..).unwrap_or_default();
            if self.walrus == Walrus::Once
                && match &*operand {
                    Expr::Named(_) => !later.is_empty(),
                    Expr::Name(name) => self.is_rebound(name.id.as_str(), later),
                    _ => false,
                }
            {
                value = self.assign(nodes.load(&result));
                self.show_all(0, &value);
            }
            let text = self.pop_format(nodes.text(&text));
            let append = nodes.attribute(list.clone(), "append");
            self.explanations.push(nodes.expression(nodes.call(append, vec![text], Vec::new())));
            condition = Some(if node.op == BoolOp::Or { nodes.unary(UnaryOp::Not, value) } else { value });
        }
        while let Some(((mut statements, mut explanations), condition)) = around.pop() {
            let inner = std::mem::take(&mut self.statements);
            statements.push(nodes.if_statement(condition.clone(), inner));
            let inner = std::mem::take(&mut self.explanations);
            explanations.push(nodes.if_statement(condition, inner));
            (self.statements, self.explanations) = (statements, explanations);
        }
        let is_or = nodes.number(u32::from(node.op == BoolOp::Or));
        let template = self.helper("_format_boolop", vec![list, is_or]);
        let text = self.pop_format(template);
        (nodes.load(&result), self.key(text))
    }

    /// The operand `(a := b) == c` behind an operand `a`: the walrus binds a variable instead.
    fn renamed(&mut self, operand: &Expr, before: &[Expr]) -> Option<Expr> {
        let Expr::Compare(compare) = operand else { return None };
        let Expr::Named(walrus) = &*compare.left else { return None };
        let name = target(walrus);
        let is_name = |other: &Expr| other.as_name_expr().is_some_and(|other| other.id.as_str() == name);
        if self.walrus != Walrus::Repeated || !before.iter().any(is_name) {
            return None;
        }
        let renamed = self.rebound(walrus);
        self.overwrite(name, &renamed);
        Some(Expr::Compare(ExprCompare { left: Box::new(Expr::Named(renamed)), ..compare.clone() }))
    }

    /// A walrus that binds a new variable.
    fn rebound(&mut self, walrus: &ExprNamed) -> ExprNamed {
        let mut renamed = walrus.clone();
        if let Expr::Name(name) = &mut *renamed.target {
            name.id = Name::new(self.variable());
        }
        renamed
    }

    fn call(&mut self, node: &ExprCall) -> (Expr, String) {
        let operands: Vec<&Expr> =
            node.arguments.args.iter().chain(node.arguments.keywords.iter().map(|keyword| &keyword.value)).collect();
        let later = |count: usize| operands.get(count..).unwrap_or_default().iter().copied();
        let (callee, callee_text) = self.visit_before(&node.func, later(0));
        let mut texts = Vec::new();
        let mut positional = Vec::new();
        for (argument, count) in node.arguments.args.iter().zip(1..) {
            if let Expr::Starred(star) = argument {
                let (value, text) = self.visit(&star.value);
                let mut star = star.clone();
                star.value = Box::new(value);
                positional.push(Expr::Starred(star));
                texts.push(format!("*{text}"));
                continue;
            }
            let only = in_brackets_of(node, argument);
            let (value, text) = self.argument(only.as_ref().unwrap_or(argument), later(count));
            positional.push(value);
            texts.push(text);
        }
        let mut keywords = Vec::new();
        for (keyword, count) in node.arguments.keywords.iter().zip(positional.len().saturating_add(1)..) {
            let (value, text) = self.argument(&keyword.value, later(count));
            texts.push(match &keyword.arg {
                Some(name) => format!("{name}={text}"),
                None => format!("**{text}"),
            });
            keywords.push(Keyword { value, ..keyword.clone() });
        }
        let text = format!("{callee_text}({})", texts.join(", "));
        let value = self.assign(self.nodes.call(callee, positional, keywords));
        let shown = self.shown(value.clone());
        let place = self.key(shown);
        (value, format!("{place}\n{{{place} = {text}\n}}"))
    }

    fn argument<'e>(&mut self, argument: &Expr, later: impl IntoIterator<Item = &'e Expr>) -> (Expr, String) {
        match self.overwritten(argument) {
            Some(walrus) => self.visit(&walrus),
            None => self.visit_before(argument, later),
        }
    }

    fn compare(&mut self, node: &ExprCompare) -> (Expr, String) {
        let nodes = self.nodes;
        self.formats.push(Vec::new());
        let overwritten = self.overwritten(&node.left);
        let left = overwritten.as_ref().unwrap_or(&node.left);
        if let Expr::Named(walrus) = left
            && self.walrus == Walrus::Repeated
        {
            self.overwrite(target(walrus), walrus);
        }
        let (left_value, left_text) = self.visit_before(left, &node.comparators);
        let mut left_value = self.kept(left_value);
        let mut left_text = in_brackets(left, left_text);
        let outcomes: Vec<String> = node.ops.iter().map(|_| self.variable()).collect();
        let mut operands = vec![left_value.clone()];
        let (mut symbols, mut texts) = (Vec::new(), Vec::new());
        for (((&op, right), outcome), count) in node.ops.iter().zip(&node.comparators).zip(&outcomes).zip(1..) {
            let rebound = self.rebound_operand(right, &left_value);
            let right = rebound.as_ref().unwrap_or(right);
            let (value, text) = self.visit_before(right, node.comparators.get(count..).unwrap_or_default());
            let text = in_brackets(right, text);
            let value = self.kept(value);
            operands.push(value.clone());
            symbols.push(nodes.text(op.as_str()));
            texts.push(nodes.text(&format!("{left_text} {} {text}", op.as_str())));
            self.set(outcome, nodes.compare(left_value, op, value.clone()));
            (left_value, left_text) = (value, text);
        }
        let loads = |outcomes: &[String]| outcomes.iter().map(|name| nodes.load(name)).collect::<Vec<_>>();
        let parts = [symbols, loads(&outcomes), texts, operands].map(|items| nodes.tuple(items));
        let template = self.helper("_call_reprcompare", parts.into());
        let text = self.pop_format(template);
        let value = match &*outcomes {
            [outcome] => nodes.load(outcome),
            _ => nodes.bool_op(BoolOp::And, loads(&outcomes)),
        };
        (value, self.key(text))
    }

    /// The value of a walrus in a variable, where it must not be evaluated again.
    fn kept(&mut self, value: Expr) -> Expr {
        if self.walrus == Walrus::Once && value.is_named_expr() { self.assign(value) } else { value }
    }

    /// The right operand of `a == (a := b)`: the walrus binds a variable instead.
    fn rebound_operand(&mut self, right: &Expr, left: &Expr) -> Option<Expr> {
        let (Expr::Named(walrus), Expr::Name(name)) = (right, left) else { return None };
        if self.walrus != Walrus::Repeated || target(walrus) != name.id.as_str() {
            return None;
        }
        let renamed = self.rebound(walrus);
        self.overwrite(name.id.as_str(), &renamed);
        Some(Expr::Named(renamed))
    }
}

/// The name that a walrus binds.
pub(super) fn target(node: &ExprNamed) -> &str {
    node.target.as_name_expr().map_or("", |name| name.id.as_str())
}

/// A generator expression that is all that a call is given begins with the brackets of the call, also where it is moved out of it.
fn in_brackets_of(call: &ExprCall, argument: &Expr) -> Option<Expr> {
    let Expr::Generator(generator) = argument else { return None };
    let range = call.arguments.range;
    (!generator.parenthesized).then(|| Expr::Generator(ExprGenerator { range, ..generator.clone() }))
}

fn in_brackets(operand: &Expr, text: String) -> String {
    if matches!(operand, Expr::Compare(_) | Expr::BoolOp(_)) { format!("({text})") } else { text }
}

fn prefix(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Not => "not ",
        UnaryOp::Invert => "~",
        UnaryOp::USub => "-",
        UnaryOp::UAdd => "+",
    }
}

/// An operator in a text that is formatted with `%`.
fn operator(op: Operator) -> &'static str {
    if op == Operator::Mod { "%%" } else { op.as_str() }
}
