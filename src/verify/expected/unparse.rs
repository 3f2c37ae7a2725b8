//! Annotations as text, as `from __future__ import annotations` keeps them (`Python/ast_unparse.c`).

use ruff_python_ast::Expr;

use super::Operand;
use super::Unit;

impl<'a> Unit<'_, 'a> {
    /// The text of an annotation.
    pub(super) fn annotation_text(&mut self, expression: &'a Expr) -> Operand {
        if let Expr::Name(name) = expression {
            return self.text(name.id.as_str());
        }
        self.fail("an annotation that is kept as text");
        self.none()
    }
}
