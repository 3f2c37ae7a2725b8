//! Writes files for tests: pycs of any version, archives with every lie, trees in memory. No part of the product uses it.

pub mod case;
pub mod frozen;
pub mod package;
pub mod pyc;
pub mod tar;
pub mod tree;
pub mod written;
pub mod zip;

pub use crate::forge::case::Case;
pub use crate::forge::frozen::Carchive;
pub use crate::forge::frozen::PyzArchive;
pub use crate::forge::pyc::Pyc;
pub use crate::forge::tar::Tar;
pub use crate::forge::tree::MemoryTree;
pub use crate::forge::written::Written;
pub use crate::forge::zip::Entry;
pub use crate::forge::zip::Zip;
pub use crate::forge::zip::dos_time;
