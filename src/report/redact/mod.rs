//! `--redact`: reports that can be given away without the names of users and machines, home folders and secrets.
//!
//! A name that one path gives away (`/home/alice/...`) may stand alone in another (`alice-laptop`). So the records of a run are held,
//! compressed, until its end; then every text of every record is masked with all names that were learned. Equal names get equal
//! pseudonyms (`user-1`), so that two paths of one user still look alike. Every report is written from records, so none has more.
//!
//! What is no path, no address and no name of those, is not known to be one: a person who is named in a comment stays.

mod learn;
mod masks;

use std::collections::BTreeMap;
use std::io;
use std::io::BufReader;
use std::io::Write as _;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::report::jsonl;
use crate::report::record::Item;
use crate::report::record::RawName;
use crate::report::record::Read;
use crate::report::record::Reader;
use crate::report::record::Record;
use crate::report::record::Rewrite;
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;

pub use masks::Masks;

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A person or an account.
    User,
    /// A machine or a site.
    Host,
}

/// A name that was learned.
#[derive(Clone, Debug)]
struct Learned {
    kind: Kind,
    /// Its number among those of its kind.
    number: usize,
    /// Whether it is masked wherever it stands, and not only in a place that says what it is.
    anywhere: bool,
}

/// The names of a run, learned while its records are held back.
pub struct Redaction {
    names: Names,
    held: GzEncoder<Vec<u8>>,
}

/// Names by their lower case.
#[derive(Clone, Debug, Default)]
struct Names {
    learned: BTreeMap<Vec<u8>, Learned>,
    users: usize,
    hosts: usize,
}

impl Names {
    fn learn(&mut self, kind: Kind, name: &[u8], anywhere: bool) {
        let name = name.trim_ascii();
        if name.is_empty() || name.len() > 255 {
            return;
        }
        let anywhere = anywhere && learn::can_stand_alone(name);
        let number = match kind {
            Kind::User => &mut self.users,
            Kind::Host => &mut self.hosts,
        };
        let learned = self.learned.entry(name.to_ascii_lowercase()).or_insert_with(|| {
            *number = number.saturating_add(1);
            Learned { kind, number: *number, anywhere }
        });
        learned.anywhere |= anywhere;
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self { names: Names::default(), held: GzEncoder::new(Vec::new(), Compression::new(2)) }
    }
}

impl Redaction {
    /// Learns the name of a user of this machine.
    pub fn learn_user(&mut self, user: &[u8]) {
        self.names.learn(Kind::User, user, true);
    }

    /// Learns the user of a home folder.
    pub fn learn_home(&mut self, home: &[u8]) {
        let last = home.rsplit(|byte| matches!(byte, b'/' | b'\\')).find(|part| !part.is_empty());
        if let Some(user) = last.filter(|_| home.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count() > 1) {
            self.names.learn(Kind::User, user, true);
        }
    }

    /// Learns the name of this machine.
    pub fn learn_host(&mut self, host: &[u8]) {
        self.names.learn(Kind::Host, host, true);
        if let Some(short) = host.split(|&byte| byte == b'.').next() {
            self.names.learn(Kind::Host, short, true);
        }
    }

    /// Learns from what was asked.
    pub fn learn_run(&mut self, run: &RunRecord) {
        run.clone().rewrite(&mut Learner(&mut self.names));
    }

    /// Learns from what a run comes to: it names files that suppress findings.
    pub fn learn_summary(&mut self, summary: &SummaryRecord) {
        summary.clone().rewrite(&mut Learner(&mut self.names));
    }

    /// Learns from an item and holds it.
    pub fn item(&mut self, item: &Item) -> io::Result<()> {
        item.clone().rewrite(&mut Learner(&mut self.names));
        learn::of_item(item, &mut self.names);
        item.records().try_for_each(|record| jsonl::line(&mut self.held, &record))
    }

    /// What masks all that was learned.
    pub fn masks(&self) -> Masks {
        Masks::new(self.names.clone())
    }

    /// Gives the items back, in their order.
    pub fn replay(mut self, take: &mut dyn FnMut(Item) -> io::Result<()>) -> io::Result<()> {
        jsonl::line(&mut self.held, &Record::Summary(&SummaryRecord::default()))?;
        self.held.flush()?;
        let packed = self.held.finish()?;
        let mut reader = Reader::new(BufReader::new(GzDecoder::new(&packed[..])));
        while let Some(read) = reader.read()? {
            match read {
                Read::Item(item) => take(item)?,
                Read::Summary(_) => {}
                // What was written a moment ago; nothing of a run may get lost in silence.
                Read::Damage(damage) => return Err(io::Error::other(damage.what)),
            }
        }
        Ok(())
    }
}

/// Learns the names in every text, and changes none.
struct Learner<'a>(&'a mut Names);

impl Rewrite for Learner<'_> {
    fn text(&mut self, text: &mut String) {
        learn::of_text(text.as_bytes(), self.0);
    }

    fn path(&mut self, text: &mut String) {
        learn::of_path(text.as_bytes(), self.0);
    }

    fn name(&mut self, name: &mut RawName) {
        learn::of_path(name.as_bytes(), self.0);
    }

    fn word(&mut self, _: &mut String) {}
}
