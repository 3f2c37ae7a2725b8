//! Futures: `from __future__ import ...` at the head of a module, as Python/future.c finds it.

use ruff_python_ast::Expr;
use ruff_python_ast::ModModule;
use ruff_python_ast::Stmt;

/// The futures that a module imports, those that mean something in its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent")]
pub(in crate::verify) struct Futures {
    /// `division` (2.x).
    pub division: bool,
    /// `absolute_import` (2.x).
    pub absolute_import: bool,
    /// `print_function` (2.x).
    pub print_function: bool,
    /// `unicode_literals` (2.x).
    pub unicode_literals: bool,
    /// `annotations` (3.7 and later).
    pub annotations: bool,
    /// Their bits in `co_flags`, which every code object of the module has.
    pub flags: u32,
}

/// The bits of all futures in `co_flags` of a series.
pub(super) fn mask(series: (u8, u8)) -> u32 {
    if series >= (3, 8) { 0x01C0_0000 } else { 0x001F_E000 }
}

impl Futures {
    /// The futures of a module.
    pub(super) fn of(module: &ModModule, series: (u8, u8)) -> Self {
        let mut futures = Self::default();
        for (place, statement) in module.body.iter().enumerate() {
            match statement {
                Stmt::ImportFrom(import) if import.module.as_deref() == Some("__future__") && import.level == 0 => {
                    for alias in &import.names {
                        futures.add(&alias.name, series);
                    }
                }
                // Up to 3.7 any number of strings may stand before them.
                Stmt::Expr(statement) if place == 0 || series < (3, 8) => {
                    let (Expr::StringLiteral(_) | Expr::BytesLiteral(_)) = &*statement.value else { break };
                }
                _ => break,
            }
        }
        futures
    }

    fn add(&mut self, name: &str, series: (u8, u8)) {
        let is_2 = series < (3, 0);
        self.flags |= match name {
            "division" if is_2 => {
                self.division = true;
                0x2000
            }
            "absolute_import" if is_2 => {
                self.absolute_import = true;
                0x4000
            }
            "with_statement" if is_2 => 0x8000,
            "print_function" if is_2 => {
                self.print_function = true;
                0x1_0000
            }
            "unicode_literals" if is_2 => {
                self.unicode_literals = true;
                0x2_0000
            }
            "barry_as_FLUFL" if series >= (3, 8) => 0x40_0000,
            "barry_as_FLUFL" if !is_2 => 0x4_0000,
            "generator_stop" if ((3, 5)..(3, 7)).contains(&series) => 0x8_0000,
            "annotations" if series >= (3, 7) => {
                self.annotations = true;
                if series >= (3, 8) { 0x100_0000 } else { 0x10_0000 }
            }
            _ => 0,
        };
    }
}
