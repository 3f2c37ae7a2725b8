//! Reads a saved run: lines of JSON that anybody may have cut, changed or made up.
//!
//! What does not fit is named with its line and passed over; the rest is read. Memory is bounded by one item. Texts come out as safe
//! to show as those of a scan, whatever is in the file.

use std::io;
use std::io::BufRead;
use std::io::Read as _;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::limits;
use crate::name;

use super::ArtifactItem;
use super::ArtifactRecord;
use super::FORMAT;
use super::FindingRecord;
use super::Item;
use super::ProblemRecord;
use super::PycItem;
use super::PycRecord;
use super::RawName;
use super::RunRecord;
use super::SummaryRecord;
use super::SuppressedRecord;
use super::texts::Rewrite;

/// What is wrong with a saved run, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The line, 1 for the first.
    pub line: u64,
    /// What is wrong, in words that are safe to show.
    pub what: String,
}

/// What a line comes to.
#[derive(Debug)]
pub enum Read {
    /// A pyc or artifact with all that is said of it.
    Item(Item),
    /// The end of a run.
    Summary(Box<SummaryRecord>),
    /// Something that does not fit.
    Damage(Damage),
}

/// Reads the items of a saved run in turn.
pub struct Reader<R> {
    lines: R,
    line: u64,
    buffer: Vec<u8>,
    /// A pyc whose findings and problems are not all there yet, and how many are missing.
    pyc: Option<(Box<PycItem>, Missing)>,
    /// Findings and problems of the artifact that is still to come.
    findings: Vec<FindingRecord>,
    suppressed: Vec<SuppressedRecord>,
    problems: Vec<ProblemRecord>,
    /// Bytes of the lines that are held.
    held: usize,
    /// What was read and not asked for yet.
    ready: Vec<Read>,
    ended: bool,
}

/// How many records of a pyc are still to come.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Missing {
    findings: u64,
    suppressed: u64,
    problems: u64,
}

impl Missing {
    const NONE: Self = Self { findings: 0, suppressed: 0, problems: 0 };
}

impl<R: BufRead> Reader<R> {
    /// A reader of these lines.
    pub fn new(lines: R) -> Self {
        Self {
            lines,
            line: 0,
            buffer: Vec::new(),
            pyc: None,
            findings: Vec::new(),
            suppressed: Vec::new(),
            problems: Vec::new(),
            held: 0,
            ready: Vec::new(),
            ended: false,
        }
    }

    /// The first line: the run.
    pub fn run(&mut self) -> io::Result<Result<RunRecord, Damage>> {
        if !self.fill()? {
            return Ok(Err(self.damage("empty: not a saved run")));
        }
        Ok(self.parse_run().map_err(|what| self.damage(what)))
    }

    fn parse_run(&self) -> Result<RunRecord, String> {
        if self.buffer.len() > limits::RUN_LINE {
            return Err("longer than a record can be".to_owned());
        }
        let tag: Tag = parse(&self.buffer)?;
        if tag.kind != "run" {
            return Err("a saved run begins with a `run` record".to_owned());
        }
        let mut run: RunRecord = parse(&self.buffer)?;
        if run.format != FORMAT {
            return Err(format!("format {} is not one that this version reads", run.format));
        }
        run.rewrite(&mut Clean);
        Ok(run)
    }

    /// The next item, summary or damage; `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<Read>> {
        loop {
            if let Some(read) = self.ready.pop() {
                return Ok(Some(read));
            }
            if self.ended {
                return Ok(None);
            }
            if !self.fill()? {
                self.ended = true;
                let damage = self.damage("ends without a `summary` record: what followed is missing");
                self.settle_all();
                self.ready.insert(0, Read::Damage(damage));
            } else if self.buffer.len() > limits::RUN_LINE {
                self.tell("longer than a record can be; left out");
            } else if let Err(what) = self.take() {
                self.tell(&what);
            }
        }
    }

    /// Reads a line into the buffer, cut where it is longer than a record can be. Empty lines are passed over.
    fn fill(&mut self) -> io::Result<bool> {
        loop {
            self.buffer.clear();
            let most = u64::try_from(limits::RUN_LINE).unwrap_or(u64::MAX).saturating_add(1);
            self.lines.by_ref().take(most).read_until(b'\n', &mut self.buffer)?;
            if self.buffer.is_empty() {
                return Ok(false);
            }
            self.line = self.line.saturating_add(1);
            if self.buffer.len() > limits::RUN_LINE && self.buffer.last() != Some(&b'\n') {
                self.skip_line()?;
                return Ok(true);
            }
            while self.buffer.last().is_some_and(u8::is_ascii_whitespace) {
                self.buffer.pop();
            }
            if !self.buffer.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Passes over the rest of a line that is not kept.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.lines.fill_buf()?;
            if bytes.is_empty() {
                return Ok(());
            }
            let end = memchr::memchr(b'\n', bytes);
            let used = end.map_or(bytes.len(), |end| end.saturating_add(1));
            self.lines.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// Takes the record in the buffer.
    fn take(&mut self) -> Result<(), String> {
        let tag: Tag = parse(&self.buffer)?;
        match tag.kind.as_str() {
            "pyc" => {
                let pyc: PycRecord = parse(&self.buffer)?;
                self.settle_pyc();
                let missing = Missing {
                    findings: count(&pyc.findings),
                    suppressed: count(&pyc.suppressed),
                    problems: pyc.problems,
                };
                let item = PycItem { pyc, findings: Vec::new(), suppressed: Vec::new(), problems: Vec::new() };
                self.pyc = Some((Box::new(item), missing));
                self.held = self.buffer.len();
            }
            "finding" => {
                let finding: FindingRecord = parse(&self.buffer)?;
                check_rule(&finding)?;
                self.hold()?;
                match &mut self.pyc {
                    Some((item, missing)) if missing.findings > 0 => {
                        missing.findings = missing.findings.saturating_sub(1);
                        item.findings.push(finding);
                    }
                    _ => self.findings.push(finding),
                }
            }
            "suppressed" => {
                let suppressed: SuppressedRecord = parse(&self.buffer)?;
                check_rule(&suppressed.finding)?;
                self.hold()?;
                match &mut self.pyc {
                    Some((item, missing)) if missing.suppressed > 0 => {
                        missing.suppressed = missing.suppressed.saturating_sub(1);
                        item.suppressed.push(suppressed);
                    }
                    _ => self.suppressed.push(suppressed),
                }
            }
            "problem" => {
                let problem: ProblemRecord = parse(&self.buffer)?;
                self.hold()?;
                match &mut self.pyc {
                    Some((item, missing)) if missing.problems > 0 => {
                        missing.problems = missing.problems.saturating_sub(1);
                        item.problems.push(problem);
                    }
                    _ => self.problems.push(problem),
                }
            }
            "artifact" => {
                let artifact: ArtifactRecord = parse(&self.buffer)?;
                self.settle_pyc();
                self.settle_artifact(artifact);
            }
            "summary" => {
                let mut summary: SummaryRecord = parse(&self.buffer)?;
                summary.rewrite(&mut Clean);
                self.settle_all();
                self.ready.insert(0, Read::Summary(Box::new(summary)));
                self.ended = true;
                let more = self.fill().map_err(|error| error.to_string())?;
                if more {
                    self.tell("what follows the `summary` record is left out");
                }
            }
            "run" => return Err("a second `run` record: one file holds one run".to_owned()),
            // Later versions may have more kinds of records; within a version of the format nothing else is taken away.
            _ => return Err(format!("a record of the unknown type `{}`", name::shown_text(&tag.kind))),
        }
        // A pyc that is complete need not wait.
        if matches!(self.pyc, Some((_, Missing::NONE))) {
            self.settle_pyc();
        }
        Ok(())
    }

    /// Notes that a line is held; refuses more than an item can be.
    fn hold(&mut self) -> Result<(), String> {
        self.held = self.held.saturating_add(self.buffer.len());
        if self.held > limits::RUN_ITEM {
            return Err("more findings and problems than one file or archive can have; left out".to_owned());
        }
        Ok(())
    }

    fn settle_pyc(&mut self) {
        let Some((item, missing)) = self.pyc.take() else { return };
        if missing != Missing::NONE {
            let findings = missing.findings.saturating_add(missing.suppressed);
            let problems = missing.problems;
            self.tell(&format!("{findings} findings and {problems} problems of the pyc before are missing"));
        }
        let mut item = Item::Pyc(item);
        self.held = 0;
        item.rewrite(&mut Clean);
        self.ready.insert(0, Read::Item(item));
    }

    fn settle_artifact(&mut self, artifact: ArtifactRecord) {
        let findings = std::mem::take(&mut self.findings);
        let suppressed = std::mem::take(&mut self.suppressed);
        let problems = std::mem::take(&mut self.problems);
        let [told, has] = [
            [count(&artifact.findings), count(&artifact.suppressed), artifact.problems],
            [count(&findings), count(&suppressed), count(&problems)],
        ];
        if told != has {
            self.tell("its findings or problems are not those that stand before it");
        }
        self.held = 0;
        let mut item = Item::Artifact(Box::new(ArtifactItem { artifact, findings, suppressed, problems }));
        item.rewrite(&mut Clean);
        self.ready.insert(0, Read::Item(item));
    }

    /// What is held at the end: findings without their artifact are kept under the place of the first.
    fn settle_all(&mut self) {
        self.settle_pyc();
        let place = self.findings.first().map(|finding| &finding.place);
        let place = place.or(self.suppressed.first().map(|each| &each.finding.place));
        let place = place.or(self.problems.first().map(|each| &each.place));
        if let Some(place) = place {
            let artifact = ArtifactRecord { place: place.clone(), ..ArtifactRecord::default() };
            self.settle_artifact(artifact);
        }
    }

    fn damage(&self, what: impl Into<String>) -> Damage {
        Damage { line: self.line, what: what.into() }
    }

    fn tell(&mut self, what: &str) {
        let damage = self.damage(what);
        self.ready.insert(0, Read::Damage(damage));
    }
}

/// A rule's id and name are shown as they are.
fn check_rule(finding: &FindingRecord) -> Result<(), String> {
    let is_word = |word: &str, most: usize| {
        word.len() <= most && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if is_word(&finding.rule, 16) && is_word(&finding.name, 64) {
        return Ok(());
    }
    Err("not the id and name of a rule".to_owned())
}

/// What kind of record a line is.
#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    kind: String,
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        let mut text = name::shown_text(&error.to_string());
        if let Some((end, _)) = text.char_indices().nth(200) {
            text.truncate(end);
        }
        format!("not a record: {text}")
    })
}

fn count<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// Texts of a scan are escaped already; those of a file that somebody changed may not be.
struct Clean;

impl Rewrite for Clean {
    fn text(&mut self, text: &mut String) {
        if !text.contains(name::is_deceptive) {
            return;
        }
        let mut clean = String::with_capacity(text.len());
        for character in text.chars() {
            if name::is_deceptive(character) {
                clean.extend(character.escape_unicode());
            } else {
                clean.push(character);
            }
        }
        *text = clean;
    }

    fn path(&mut self, text: &mut String) {
        self.text(text);
    }

    fn name(&mut self, _: &mut RawName) {
        // A name is escaped wherever it is shown.
    }

    fn word(&mut self, word: &mut String) {
        self.text(word);
    }
}
