//! Whether bytecode was compiled from a source: told without running either.
//!
//! Both are run abstractly, side by side: the syntax tree by the rules of the language in its version, the instructions by the rules of the
//! interpreter of that version. Whatever can be observed ([`event`]) must be the same on every path, with the same operands.

pub mod constant;
pub mod event;
pub mod fold;
#[cfg_attr(not(test), expect(dead_code, reason = "the comparison is not there yet"))]
mod found;
pub mod names;
#[expect(dead_code, reason = "the compiler of the expected program is not there yet")]
mod scope;
pub mod source_text;

use constant::Constants;
use names::Names;

/// What both sides number alike.
#[derive(Debug, Default)]
pub struct Pool {
    /// The names.
    pub names: Names,
    /// The constants.
    pub constants: Constants,
}
