//! Literals.

use ruff_python_ast::Expr;
use ruff_python_ast::ExprStringLiteral;
use ruff_python_ast::InterpolatedStringLiteralElement;
use ruff_python_ast::StringFlags;
use ruff_python_ast::StringLiteral;

use crate::verify::constant::ConstId;
use crate::verify::constant::literal::Literals;

use super::Operand;
use super::Unit;

impl<'a> Unit<'_, 'a> {
    fn literals(&self) -> Literals<'a> {
        let source = self.source();
        Literals { source: source.text, unicode: source.scopes.futures().unicode_literals }
    }

    /// The constant of a literal.
    pub(super) fn literal_constant(&mut self, expression: &Expr) -> Option<ConstId> {
        self.literals().literal(&mut self.pool.constants, expression)
    }

    /// The constant of a docstring.
    pub(super) fn docstring_constant(&mut self, literal: &ExprStringLiteral) -> Option<Operand> {
        let constant = self.literals().docstring(&mut self.pool.constants, literal);
        if constant.is_none() {
            self.fail("a docstring whose value is not known");
        }
        constant.map(Operand::Const)
    }

    /// A plain string that stands beside formatted ones.
    pub(super) fn string_part(&mut self, literal: &StringLiteral) -> Vec<u8> {
        self.known_text(self.literals().part(literal))
    }

    /// Text between the values of a formatted string.
    pub(super) fn format_literal(
        &mut self,
        literal: &InterpolatedStringLiteralElement,
        flags: impl StringFlags,
    ) -> Vec<u8> {
        self.known_text(self.literals().piece(literal, flags))
    }

    fn known_text(&mut self, text: Option<Vec<u8>>) -> Vec<u8> {
        if text.is_none() {
            self.fail("text whose value is not known");
        }
        text.unwrap_or_default()
    }
}
