//! What typeguard makes of assignments in a function to variables that are annotated there.

use ruff_python_ast::Expr;
use ruff_python_ast::ExprNamed;
use ruff_python_ast::Operator;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtAnnAssign;
use ruff_python_ast::StmtAssign;
use ruff_python_ast::StmtAugAssign;
use ruff_text_size::Ranged;
use ruff_text_size::TextSize;

use crate::verify::hook::nodes::Nodes;

use super::FUNCTIONS;
use super::Form;
use super::MADE;
use super::State;

/// How the check of one variable is told its name and annotation.
#[derive(Clone, Copy)]
enum Shape {
    /// As two arguments.
    Apart,
    /// `[[(name, annotation)]]`.
    Nested,
    /// `[(name, annotation)]`.
    Flat,
}

impl Form {
    /// Nested from one version on, and flat from another.
    fn shape(self, nested: u16, flat: u16) -> Shape {
        match self.version {
            version if version < nested => Shape::Apart,
            version if version < flat => Shape::Nested,
            _ => Shape::Flat,
        }
    }
}

/// What is assigned to at once: a name, or the names in a tuple.
struct Target<N> {
    is_single: bool,
    names: Vec<N>,
}

impl State<'_> {
    pub(super) fn annotated(&mut self, node: &mut StmtAnnAssign) {
        let Expr::Name(target) = &*node.target else { return };
        if !self.is_in_function() {
            return;
        }
        let name = target.id.to_string();
        self.memo().ignored.insert(name.clone());
        let memo = self.innermost();
        let Some(annotation) = self.converted(memo, &node.annotation) else { return };
        self.memo().variables.insert(name.clone(), annotation);
        if let Some(value) = node.value.take() {
            let shape = self.form.shape(441, 450);
            node.value = Some(Box::new(self.variable(*value, &name, shape)));
        }
    }

    pub(super) fn named(&mut self, node: &mut ExprNamed) {
        let Expr::Name(target) = &*node.target else { return };
        if !self.is_in_function() {
            return;
        }
        let name = target.id.to_string();
        self.memo().ignored.insert(name.clone());
        if self.memo().variables.contains_key(&name) {
            let value = std::mem::replace(&mut *node.value, Nodes::at(TextSize::default()).none());
            let shape = self.form.shape(442, 460);
            *node.value = self.variable(value, &name, shape);
        }
    }

    pub(super) fn augmented(&mut self, node: &mut StmtAugAssign) -> Option<Stmt> {
        let Expr::Name(target) = &*node.target else { return None };
        let name = target.id.to_string();
        if !self.is_in_function() || !self.memo().variables.contains_key(&name) {
            return None;
        }
        let nodes = Nodes::at(node.range.start());
        let operator = self.imported(nodes, "operator", in_place(node.op));
        let value = std::mem::replace(&mut *node.value, nodes.none());
        let value = nodes.call(operator, vec![nodes.load(&name), value], Vec::new());
        let shape = self.form.shape(441, 450);
        let value = self.variable(value, &name, shape);
        Some(nodes.assign_to((*node.target).clone(), value))
    }

    /// The check of the value of a variable that is annotated.
    fn variable(&mut self, value: Expr, name: &str, shape: Shape) -> Expr {
        let nodes = Nodes::at(value.range().start());
        let Some(annotation) = self.memo().variables.get(name).cloned() else { return value };
        self.budget.spend(MADE);
        let function = self.imported(nodes, FUNCTIONS, "check_variable_assignment");
        let (target, annotation) = (nodes.text(name), self.copy(&annotation));
        let pair = |target, annotation| nodes.list(vec![nodes.tuple(vec![target, annotation])]);
        let arguments = match shape {
            Shape::Apart => vec![value, target, annotation, self.memo_name(nodes)],
            Shape::Nested => vec![value, nodes.list(vec![pair(target, annotation)]), self.memo_name(nodes)],
            Shape::Flat => vec![value, pair(target, annotation), self.memo_name(nodes)],
        };
        nodes.call(function, arguments, Vec::new())
    }

    pub(super) fn assigned(&mut self, node: &mut StmtAssign) {
        if !self.is_in_function() {
            return;
        }
        let version = self.form.version;
        let mut is_needed = false;
        let mut targets: Vec<Target<(String, bool, String)>> = Vec::new();
        for target in &node.targets {
            let (elements, is_single) = match target {
                Expr::Name(_) => (std::slice::from_ref(target), true),
                Expr::Tuple(tuple) => (tuple.elts.as_slice(), false),
                _ => continue,
            };
            let mut names = Vec::new();
            for element in elements {
                let (star, mut element) = match element {
                    Expr::Starred(starred) => ("*", &*starred.value),
                    element => ("", element),
                };
                let mut attributes = Vec::new();
                while let Expr::Attribute(attribute) = element
                    && version >= 441
                {
                    attributes.push(attribute.attr.as_str());
                    element = &attribute.value;
                }
                let Expr::Name(name) = element else { continue };
                let name = name.id.to_string();
                let is_plain = attributes.is_empty();
                if is_plain {
                    self.memo().ignored.insert(name.clone());
                }
                let is_annotated = (is_plain || version == 441) && self.memo().variables.contains_key(&name);
                is_needed |= is_annotated;
                let path: Vec<&str> = std::iter::once(name.as_str()).chain(attributes.into_iter().rev()).collect();
                names.push((format!("{star}{}", path.join(".")), is_annotated, name.clone()));
            }
            targets.push(Target { is_single, names });
        }
        if !is_needed {
            return;
        }
        let nodes = Nodes::at(node.value.range().start());
        let value = std::mem::replace(&mut *node.value, nodes.none());
        let mut made = Vec::new();
        for Target { is_single, names } in targets {
            let pairs = names.into_iter().map(|(shown, is_annotated, name)| {
                let annotation = self.memo().variables.get(&name).cloned().filter(|_| is_annotated);
                self.budget.spend(MADE);
                (
                    shown,
                    match annotation {
                        Some(annotation) => self.copy(&annotation),
                        None => self.imported(nodes, "typing", "Any"),
                    },
                )
            });
            made.push(Target { is_single, names: pairs.collect() });
        }
        *node.value = self.assignment_check(nodes, value, made);
    }

    fn assignment_check(&mut self, nodes: Nodes, value: Expr, mut targets: Vec<Target<(String, Expr)>>) -> Expr {
        let version = self.form.version;
        if version < 441 {
            if let [Target { names: only, .. }] = targets.as_mut_slice()
                && only.len() == 1
                && let Some((name, annotation)) = only.pop()
            {
                let function = self.imported(nodes, FUNCTIONS, "check_variable_assignment");
                let arguments = vec![value, nodes.text(&name), annotation, self.memo_name(nodes)];
                return nodes.call(function, arguments, Vec::new());
            }
            let function = self.imported(nodes, FUNCTIONS, "check_multi_variable_assignment");
            let targets = nodes.list(targets.into_iter().map(|target| nodes.dict(target.names)).collect());
            return nodes.call(function, vec![value, targets, self.memo_name(nodes)], Vec::new());
        }
        let function = self.imported(nodes, FUNCTIONS, "check_variable_assignment");
        let mut elements = Vec::new();
        for Target { is_single, names: pairs } in targets {
            let mut pairs: Vec<Expr> =
                pairs.into_iter().map(|(name, annotation)| nodes.tuple(vec![nodes.text(&name), annotation])).collect();
            elements.push(match pairs.pop() {
                Some(pair) if is_single && version >= 450 => pair,
                last => {
                    pairs.extend(last);
                    nodes.list(pairs)
                }
            });
        }
        nodes.call(function, vec![value, nodes.list(elements), self.memo_name(nodes)], Vec::new())
    }
}

/// The function of `operator` that does what an augmented assignment does.
fn in_place(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "iadd",
        Operator::Sub => "isub",
        Operator::Mult => "imul",
        Operator::MatMult => "imatmul",
        Operator::Div => "itruediv",
        Operator::FloorDiv => "ifloordiv",
        Operator::Mod => "imod",
        Operator::Pow => "ipow",
        Operator::LShift => "ilshift",
        Operator::RShift => "irshift",
        Operator::BitAnd => "iand",
        Operator::BitXor => "ixor",
        Operator::BitOr => "ior",
    }
}
