//! What typeguard makes of an annotation before it checks by it: text becomes syntax, `Any` and what cannot be looked up is left out.
//!
//! A node is changed where it stands; some versions do so to the annotation of a signature itself.

use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_python_ast::ExprBinOp;
use ruff_python_ast::ExprStringLiteral;
use ruff_python_ast::ExprSubscript;
use ruff_python_ast::ExprTuple;
use ruff_python_ast::Operator;
use ruff_python_ast::relocate::relocate_expr;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_expr;
use ruff_python_parser::parse_expression;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;

use crate::verify::hook::nodes::Nodes;
use crate::verify::source_text::depth;

use super::Annotation;
use super::State;
use super::memo::SUBSTITUTES;

const ANY: &[&str] = &["typing.Any", "typing_extensions.Any"];
const LITERAL: &[&str] = &["typing.Literal", "typing_extensions.Literal"];
const ANNOTATED: &[&str] = &["typing.Annotated", "typing_extensions.Annotated"];

/// Levels of an annotation that is written as text.
const MOST_LEVELS: usize = 200;

impl State<'_> {
    /// What checks have in the place of an annotation, if they are to check.
    pub(super) fn converted(&mut self, memo: usize, annotation: &Expr) -> Option<Rc<Annotation>> {
        self.budget.spend(annotation.range().len().into());
        self.convert(memo, &mut annotation.clone(), false)
    }

    /// The same for an annotation that is itself changed.
    pub(super) fn converted_in_place(&mut self, memo: usize, annotation: &mut Expr) -> Option<Rc<Annotation>> {
        self.convert(memo, annotation, true)
    }

    fn convert(&mut self, memo: usize, annotation: &mut Expr, is_kept: bool) -> Option<Rc<Annotation>> {
        let size = annotation.range().len().into();
        let mut converter = Converter { state: self, memo, level: 0, is_broken: false, has_deleted: false };
        let visited = converter.visit(annotation);
        let is_open = converter.is_broken || is_kept && converter.has_deleted;
        self.is_open |= is_open;
        let expression = match visited {
            Visited::Same => annotation.clone(),
            Visited::Other(expression) => expression,
            Visited::Gone => return None,
        };
        Some(Rc::new(Annotation { expression, size }))
    }
}

/// What became of a node.
enum Visited {
    /// It is still there, perhaps changed.
    Same,
    /// This stands for it.
    Other(Expr),
    Gone,
}

/// A walk over an annotation.
struct Converter<'s, 'a> {
    state: &'s mut State<'a>,
    memo: usize,
    /// Nodes around.
    level: usize,
    /// Whether typeguard or the compiler fails on what would come of it.
    is_broken: bool,
    /// Whether a node lacks a part: it cannot be compiled.
    has_deleted: bool,
}

impl Converter<'_, '_> {
    fn version(&self) -> u16 {
        self.state.form.version
    }

    fn matches(&self, expression: &Expr, names: &[&str]) -> bool {
        self.state.matches(self.memo, expression, names)
    }

    fn visit(&mut self, node: &mut Expr) -> Visited {
        if self.version() >= 415 && self.matches(node, LITERAL) {
            return Visited::Same;
        }
        self.level = self.level.saturating_add(1);
        let visited = self.visit_kind(node);
        self.level = self.level.saturating_sub(1);
        if self.version() < 412 || self.level == 0 {
            let is_any = match &visited {
                Visited::Same => self.matches(node, ANY),
                Visited::Other(expression) => self.matches(expression, ANY),
                Visited::Gone => false,
            };
            if is_any {
                return Visited::Gone;
            }
        }
        visited
    }

    fn visit_kind(&mut self, node: &mut Expr) -> Visited {
        match node {
            Expr::BinOp(node) => self.operator(node),
            Expr::Attribute(_) if self.state.is_ignored(self.memo, node) => Visited::Gone,
            Expr::Attribute(_) | Expr::Call(_) => Visited::Same,
            Expr::Name(_) => self.name(node),
            Expr::Subscript(node) => self.subscript(node),
            Expr::StringLiteral(node) => self.text(node),
            _ => {
                self.parts(node);
                Visited::Same
            }
        }
    }

    fn name(&mut self, node: &Expr) -> Visited {
        if self.state.is_ignored(self.memo, node) {
            return Visited::Gone;
        }
        if self.state.form.series < (3, 9) {
            for (_, builtin, name) in SUBSTITUTES {
                if self.matches(node, &[builtin]) {
                    return Visited::Other(self.state.imported(Nodes::at(node.start()), "typing", name));
                }
            }
        }
        Visited::Same
    }

    /// A part that a node has to have; whether it is still there.
    fn part(&mut self, node: &mut Expr) -> bool {
        match self.visit(node) {
            Visited::Same => true,
            Visited::Other(expression) => {
                *node = expression;
                true
            }
            Visited::Gone => {
                self.has_deleted = true;
                false
            }
        }
    }

    /// A part without which nothing can be made of a node.
    fn needed(&mut self, node: &mut Expr) {
        let is_there = self.part(node);
        self.is_broken |= !is_there;
    }

    /// The parts of a node that is nothing of its own.
    fn parts(&mut self, node: &mut Expr) {
        if (410..415).contains(&self.version()) && self.matches(node, LITERAL) {
            return;
        }
        match node {
            Expr::Name(_)
            | Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_) => {}
            Expr::Tuple(ExprTuple { elts, .. }) => self.elements(elts),
            Expr::List(node) => self.elements(&mut node.elts),
            Expr::Attribute(node) => self.needed(&mut node.value),
            Expr::Starred(node) => self.needed(&mut node.value),
            Expr::UnaryOp(node) => self.needed(&mut node.operand),
            Expr::BinOp(node) => {
                self.needed(&mut node.left);
                self.needed(&mut node.right);
            }
            Expr::Subscript(node) => {
                self.needed(&mut node.value);
                self.needed(&mut node.slice);
            }
            Expr::Slice(node) => {
                for part in [&mut node.lower, &mut node.upper, &mut node.step].into_iter().flatten() {
                    self.needed(part);
                }
            }
            _ => self.is_broken |= self.changes(node),
        }
    }

    fn elements(&mut self, elements: &mut Vec<Expr>) {
        elements.retain_mut(|element| match self.visit(element) {
            Visited::Same => true,
            Visited::Other(expression) => {
                *element = expression;
                true
            }
            Visited::Gone => false,
        });
    }

    /// Whether anything in a node may be changed or left out. What would come of it is not worked out for rare nodes.
    fn changes(&self, node: &Expr) -> bool {
        struct Search<'c, 's, 'a> {
            converter: &'c Converter<'s, 'a>,
            found: bool,
        }
        impl<'n> Visitor<'n> for Search<'_, '_, '_> {
            fn visit_expr(&mut self, node: &'n Expr) {
                let Converter { state, memo, .. } = self.converter;
                self.found |= match node {
                    Expr::StringLiteral(_) | Expr::FString(_) | Expr::TString(_) => true,
                    Expr::BinOp(node) => node.op == Operator::BitOr,
                    Expr::Name(name) => {
                        state.is_ignored_name(*memo, name.id.as_str())
                            || state.form.version < 412 && state.matches(*memo, node, ANY)
                            || SUBSTITUTES.iter().any(|(_, builtin, _)| state.matches(*memo, node, &[builtin]))
                    }
                    Expr::Attribute(_) => state.form.version < 412 && state.matches(*memo, node, ANY),
                    _ => false,
                };
                if !self.found {
                    walk_expr(self, node);
                }
            }
        }
        let mut search = Search { converter: self, found: false };
        search.visit_expr(node);
        search.found
    }

    fn operator(&mut self, node: &mut ExprBinOp) -> Visited {
        let is_left = self.part(&mut node.left);
        let is_right = self.part(&mut node.right);
        let is_whole = is_left && is_right;
        if node.op != Operator::BitOr {
            self.is_broken |= !is_whole;
            return Visited::Same;
        }
        let version = self.version();
        if !is_whole {
            self.is_broken |= (412..414).contains(&version);
            return Visited::Gone;
        }
        if version >= 412 {
            for side in [&node.left, &node.right] {
                if self.matches(side, ANY) {
                    return Visited::Other((**side).clone());
                }
            }
        }
        if self.state.form.series >= (3, 10) {
            return Visited::Same;
        }
        let nodes = Nodes::at(node.start());
        let union = self.state.imported(nodes, "typing", "Union");
        let sides = nodes.tuple(vec![(*node.left).clone(), (*node.right).clone()]);
        Visited::Other(nodes.subscript(union, sides))
    }

    fn subscript(&mut self, node: &mut ExprSubscript) -> Visited {
        if self.state.is_ignored(self.memo, &node.value) {
            return Visited::Gone;
        }
        let version = self.version();
        if version < 410 && self.matches(&node.value, LITERAL) {
            return Visited::Same;
        }
        let series = self.state.form.series;
        if let Expr::Tuple(slice) = &mut *node.slice {
            // Before 3.9 they are no tuple.
            self.is_broken |= series < (3, 9) && slice.elts.iter().any(Expr::is_slice_expr);
            return self.items(&node.value, &mut slice.elts);
        }
        let is_left_alone = (410..415).contains(&version) && self.matches(&node.value, LITERAL);
        let mut is_sliced = true;
        if !is_left_alone {
            self.needed(&mut node.value);
            is_sliced = self.part(&mut node.slice);
        }
        // Before 3.9 the index around what is gone is still there.
        let is_index_gone = !is_sliced && series >= (3, 9);
        if self.matches(&node.value, &["typing.Optional"]) && (version < 420 || is_index_gone) {
            return Visited::Gone;
        }
        // What is not an index has no value before 3.9.
        if !is_sliced || series < (3, 9) && node.slice.is_slice_expr() {
            return Visited::Other((*node.value).clone());
        }
        Visited::Same
    }

    /// Several subscripts.
    fn items(&mut self, value: &Expr, items: &mut [Expr]) -> Visited {
        let version = self.version();
        let visits = if self.matches(value, ANNOTATED) { 1 } else { items.len() };
        self.is_broken |= items.len() < visits;
        let mut visited: Vec<Visited> = Vec::new();
        for item in items.iter_mut().take(visits) {
            if (401..414).contains(&version) {
                self.parts(item);
                visited.push(Visited::Same);
            } else {
                visited.push(self.visit(item));
            }
        }
        let is_gone = |visited: &Visited| matches!(visited, Visited::Gone);
        let mut is_any = items.iter().zip(&visited).any(|(item, visited)| match visited {
            Visited::Same => version > 400 && self.matches(item, ANY),
            Visited::Other(item) => version > 400 && self.matches(item, ANY),
            Visited::Gone => !(401..414).contains(&version),
        });
        is_any |= version > 400 && items.iter().skip(visits).any(|item| self.matches(item, ANY));
        if is_any && self.matches(value, &["typing.Union"]) {
            return Visited::Gone;
        }
        if visited.len() == items.len() && visited.iter().all(is_gone) && (version < 460 || !items.is_empty()) {
            return Visited::Other(value.clone());
        }
        for (item, visited) in items.iter_mut().zip(visited) {
            match visited {
                Visited::Same => {}
                Visited::Other(expression) => *item = expression,
                Visited::Gone => *item = self.state.imported(Nodes::at(item.start()), "typing", "Any"),
            }
        }
        Visited::Same
    }

    /// An annotation that is written as text.
    fn text(&mut self, node: &ExprStringLiteral) -> Visited {
        let text = node.value.to_str();
        let is_whole = self.state.budget.spend(text.len());
        let Some(mut expression) = parsed(text).filter(|_| is_whole) else {
            self.is_broken = true;
            return Visited::Same;
        };
        self.is_broken |= has_code(&expression);
        // What is in it cannot be read in the source at its own place.
        relocate_expr(&mut expression, TextRange::empty(node.start()));
        let has_deleted = self.has_deleted;
        self.level = self.level.saturating_add(1);
        let visited = self.visit(&mut expression);
        self.level = self.level.saturating_sub(1);
        // What was taken out there was never a part of the annotation itself.
        self.has_deleted = has_deleted;
        match visited {
            Visited::Same => Visited::Other(expression),
            visited => visited,
        }
    }
}

/// An expression that stands in a text.
fn parsed(text: &str) -> Option<Expr> {
    depth::check(text, MOST_LEVELS).ok()?;
    Some(*parse_expression(text).ok()?.into_syntax().body)
}

/// Whether an expression has code objects of its own, or text that stands at a place of the source.
fn has_code(expression: &Expr) -> bool {
    struct Search(bool);
    impl<'n> Visitor<'n> for Search {
        fn visit_expr(&mut self, node: &'n Expr) {
            self.0 |= matches!(
                node,
                Expr::Lambda(_)
                    | Expr::ListComp(_)
                    | Expr::SetComp(_)
                    | Expr::DictComp(_)
                    | Expr::Generator(_)
                    | Expr::FString(_)
                    | Expr::TString(_)
            );
            walk_expr(self, node);
        }
    }
    let mut search = Search(false);
    search.visit_expr(expression);
    search.0
}
