//! typeguard's `install_import_hook`: checks in functions with annotations.
//!
//! What it makes of those is not known here. A module that has no annotation, it leaves alone (4.x): such a cache is compared.

use ruff_python_ast::Expr;
use ruff_python_ast::ModModule;
use ruff_python_ast::Parameter;
use ruff_python_ast::Stmt;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_stmt;

use super::Asked;
use super::Forms;

/// What the name of a cache says that the hook made.
pub(super) fn forms(asked: &Asked<'_>) -> Option<Forms> {
    let version = asked.hook.strip_prefix("opt-typeguard")?;
    // The name had no version before 4.1 or so, when other things were put in.
    let is_known = version.starts_with('4') && version.bytes().all(|byte| byte.is_ascii_digit());
    Some(Forms { all: Vec::new(), is_complete: is_known && !has_annotation(asked.source) })
}

/// Whether anything in a module is annotated.
fn has_annotation(module: &ModModule) -> bool {
    #[derive(Default)]
    struct Found(bool);
    impl<'a> Visitor<'a> for Found {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            self.0 |= statement.is_ann_assign_stmt();
            if !self.0 {
                walk_stmt(self, statement);
            }
        }

        fn visit_annotation(&mut self, _: &'a Expr) {
            self.0 = true;
        }

        fn visit_parameter(&mut self, parameter: &'a Parameter) {
            self.0 |= parameter.annotation.is_some();
        }

        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut found = Found::default();
    found.visit_body(&module.body);
    found.0
}
