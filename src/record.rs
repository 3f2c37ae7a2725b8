//! The RECORD of a wheel.

/// The RECORD of a wheel. (Being written.)
#[derive(Debug)]
pub struct Record;

impl Record {
    /// Reads it.
    pub fn parse(_bytes: &[u8]) -> Self {
        Self
    }
}
