//! Literals.

use ruff_python_ast::Expr;
use ruff_python_ast::ExprStringLiteral;
use ruff_python_ast::InterpolatedStringLiteralElement;
use ruff_python_ast::StringLiteral;

use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;

use super::Operand;
use super::Unit;

impl Unit<'_, '_> {
    /// The constant of a literal.
    pub(super) fn literal_constant(&mut self, expression: &Expr) -> Option<ConstId> {
        let constants = &mut self.pool.constants;
        Some(match expression {
            Expr::StringLiteral(node) => constants.intern(Constant::Text(node.value.to_str().as_bytes().into())),
            Expr::BytesLiteral(node) => {
                let bytes: Vec<u8> = node.value.bytes().collect();
                constants.intern(Constant::Bytes(bytes.into()))
            }
            Expr::NumberLiteral(node) => match &node.value {
                ruff_python_ast::Number::Int(number) => constants.int(number.as_i64()?),
                ruff_python_ast::Number::Float(number) => constants.float(*number),
                ruff_python_ast::Number::Complex { real, imag } => constants.complex(*real, *imag),
            },
            Expr::BooleanLiteral(node) => constants.bool(node.value),
            Expr::NoneLiteral(_) => constants.intern(Constant::None),
            Expr::EllipsisLiteral(_) => constants.intern(Constant::Ellipsis),
            _ => return None,
        })
    }

    /// The constant of a docstring.
    pub(super) fn docstring_constant(&mut self, literal: &ExprStringLiteral) -> Option<Operand> {
        Some(Operand::Const(self.pool.constants.intern(Constant::Text(literal.value.to_str().as_bytes().into()))))
    }

    /// A plain string that stands beside formatted ones.
    pub(super) fn string_part(&mut self, literal: &StringLiteral) -> Vec<u8> {
        literal.value.as_bytes().to_vec()
    }

    /// Text between the values of a formatted string.
    pub(super) fn format_literal(&mut self, literal: &InterpolatedStringLiteralElement) -> Vec<u8> {
        literal.value.as_bytes().to_vec()
    }
}
