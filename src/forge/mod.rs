//! Writes files for tests: archives with every lie, trees in memory. No part of the product uses it.

pub mod tree;
pub mod zip;

pub use crate::forge::tree::MemoryTree;
pub use crate::forge::zip::Entry;
pub use crate::forge::zip::Zip;
