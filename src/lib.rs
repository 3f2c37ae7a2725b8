//! Forensics of Python bytecode: finds every `.pyc`, reads it without running Python, and says what made it, whether an
//! interpreter would run it, and in place of what.
//!
//! The modules, in the order in which data pass through them:

pub mod name;
pub mod limits;
pub mod problem;
pub mod artifact;
pub mod container;
pub mod record;
pub mod manifest;
pub mod pyc;
pub mod disassembly;
pub mod comparison;
pub mod place;
pub mod build_path;
pub mod image;
pub mod secret;
pub mod content;
pub mod source;
pub mod load;
pub mod verify;
pub mod interpreter;
pub mod ledger;
pub mod known;
pub mod fingerprint;
pub mod rules;
pub mod suppression;
pub mod entry;
pub mod report;
pub mod scan;
#[doc(hidden)]
pub mod forge;
