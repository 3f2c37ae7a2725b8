//! What holds of any bytes whatever: the properties that the fuzz targets of `fuzz/` and the tests of kept inputs share.
//!
//! Each module takes the bytes of one file and panics when something does not hold. That nothing of ours panics, hangs or takes
//! memory without bound is asked by whoever runs them.

pub(crate) mod compare;
pub(crate) mod header;
pub(crate) mod pyc;
pub(crate) mod scan;
pub(crate) mod stream;
pub(crate) mod zip;
