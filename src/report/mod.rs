//! Reports: one file per format. A report sees entries in input order and the summary; it never parses and never judges.

pub mod csv;
pub mod html;
pub mod jsonl;
pub mod text;

use std::io;

use crate::entry::Entry;
use crate::entry::Summary;

/// Something that writes a report while the scan goes on.
pub trait Reporter: Send {
    /// Takes the next entry, in input order.
    fn entry(&mut self, entry: &Entry) -> io::Result<()>;

    /// Ends the report.
    fn finish(self: Box<Self>, summary: &Summary) -> io::Result<()>;
}
