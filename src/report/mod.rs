//! Reports: one file per format. A report sees records in input order and the summary; it never parses and never judges.

pub mod baseline;
pub mod csv;
pub mod github;
pub mod html;
pub mod jsonl;
pub mod record;
pub mod redact;
pub mod sarif;
pub mod text;
mod verdict;
mod words;
mod worst;

use std::io;

use crate::report::record::Item;
use crate::report::record::SummaryRecord;

/// Something that writes a report while the scan goes on.
pub trait Reporter: Send {
    /// Takes the next item, in input order.
    fn item(&mut self, item: &Item) -> io::Result<()>;

    /// Ends the report.
    fn finish(self: Box<Self>, summary: &SummaryRecord) -> io::Result<()>;
}
