//! Outcomes into entries: in order, with the rules that look at whole containers, the ledger and the summary.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::iter::Peekable;
use std::sync::Arc;
use std::vec;

use crate::artifact::Locator;
use crate::artifact::Sha256Digest;
use crate::container::MemberId;
use crate::content::Vocabulary;
use crate::entry::ArtifactEntry;
use crate::entry::Entry;
use crate::entry::PycEntry;
use crate::entry::Summary;
use crate::image::Layer;
use crate::ledger::Fate;
use crate::ledger::Ledger;
use crate::name::Name;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc;
use crate::pyc::Scratch;
use crate::rules::ArtifactContext;
use crate::rules::Check;
use crate::rules::Finding;
use crate::rules::Findings;
use crate::rules::PycFacts;
use crate::rules::Variant;
use crate::rules::VariantsContext;
use crate::scan;
use crate::scan::examine::Worker;
use crate::scan::scope::Scope;
use crate::suppression::Subject;

/// What became of a job.
pub(crate) enum Outcome {
    /// A container began; its digest, if it is an archive whose bytes could be read.
    Begin(Arc<Scope>, Option<Sha256Digest>),
    /// A pyc.
    Pyc(Box<PycEntry>, PycFacts, Fate),
    /// A member that is no pyc.
    Other(Fate, Vec<Finding>, Vec<(Locator, Problem)>),
    /// A member that is an archive: all that was found in it, and what a layer of an image has.
    Nested(Vec<Entry>, Vec<Finding>, Option<(MemberId, Layer)>),
    /// What became of a member whose turn may come later.
    Early(MemberId, Box<Outcome>),
    /// A container ended.
    End,
}

/// A container of which not all is known yet.
struct Open {
    scope: Arc<Scope>,
    sha256: Option<Sha256Digest>,
    pycs: Vec<PycFacts>,
    /// The pycs of the module that the last one is of, when it has several.
    variants: Vec<Variant>,
    /// The build roots of the pycs, each once: there are few, and many pycs.
    roots: BTreeSet<Arc<Name>>,
    ledger: Ledger,
    findings: Vec<Finding>,
    problems: Vec<(Option<Locator>, Problem)>,
    /// What the layers of an image have.
    layers: BTreeMap<MemberId, Layer>,
    /// The members whose turn has not come, when some are judged before theirs, and what became of those.
    turns: Peekable<vec::IntoIter<MemberId>>,
    early: BTreeMap<MemberId, Outcome>,
}

impl Open {
    /// What became of the member whose turn it is, if that is known.
    fn next(&mut self) -> Option<Outcome> {
        let outcome = self.early.remove(self.turns.peek()?)?;
        self.turns.next();
        Some(outcome)
    }

    /// The same build root, in memory once.
    fn shared(&mut self, root: Arc<Name>) -> Arc<Name> {
        if let Some(known) = self.roots.get(&root) {
            return Arc::clone(known);
        }
        self.roots.insert(Arc::clone(&root));
        root
    }
}

/// Makes entries of outcomes that come in path order.
pub(crate) struct Settler<'a> {
    worker: &'a Worker<'a>,
    open: Vec<Open>,
    summary: Summary,
}

/// How many pycs of one module are compared: there are three levels for each of some ten interpreters.
const VARIANTS: usize = 64;

/// Where entries go.
type Sink<'a> = dyn FnMut(Entry) -> io::Result<()> + Send + 'a;

impl<'a> Settler<'a> {
    /// A settler at the beginning of a run, or of a nested archive.
    pub(crate) fn new(worker: &'a Worker<'a>) -> Self {
        Self { worker, open: Vec::new(), summary: Summary::default() }
    }

    /// Takes the next outcome.
    pub(crate) fn settle(&mut self, outcome: Outcome, sink: &mut Sink<'_>) -> io::Result<()> {
        match outcome {
            Outcome::Begin(scope, sha256) => {
                if let (false, Some(outer)) = (scope.is_tree(), self.open.last_mut()) {
                    outer.ledger.saw(Fate::Archive);
                }
                let mut ledger = Ledger::default();
                ledger.saw_many(Fate::Excluded, scope.container.excluded());
                let turns = if scope.container.portion(0).is_some() { scope.members() } else { Vec::new() };
                self.open.push(Open {
                    turns: turns.into_iter().peekable(),
                    early: BTreeMap::new(),
                    scope,
                    sha256,
                    pycs: Vec::new(),
                    variants: Vec::new(),
                    roots: BTreeSet::new(),
                    ledger,
                    findings: Vec::new(),
                    problems: Vec::new(),
                    layers: BTreeMap::new(),
                });
                Ok(())
            }
            Outcome::Pyc(entry, mut facts, fate) => {
                let variant = facts.variant.take();
                let is_next = |open: &Open| {
                    let last = open.variants.last();
                    last.is_some_and(|last| variant.as_ref().is_none_or(|variant| variant.key != last.key))
                };
                if self.open.last().is_some_and(is_next) {
                    self.judge_variants();
                }
                if let Some(open) = self.open.last_mut() {
                    open.ledger.saw(fate);
                    facts.build_root = facts.build_root.map(|root| open.shared(root));
                    open.pycs.push(facts);
                    // A hostile archive may have a hundred thousand names for one module.
                    open.variants.extend(variant.filter(|_| open.variants.len() < VARIANTS).map(|variant| *variant));
                }
                self.emit(Entry::Pyc(entry), sink)
            }
            Outcome::Other(fate, findings, problems) => {
                if let Some(open) = self.open.last_mut() {
                    open.ledger.saw(fate);
                    open.findings.extend(findings);
                    open.problems.extend(problems.into_iter().map(|(locator, problem)| (Some(locator), problem)));
                }
                Ok(())
            }
            Outcome::Nested(entries, findings, layer) => {
                if let Some(open) = self.open.last_mut() {
                    open.ledger.saw(Fate::Archive);
                    open.findings.extend(findings);
                    open.layers.extend(layer);
                }
                entries.into_iter().try_for_each(|entry| self.emit(entry, sink))
            }
            Outcome::Early(member, outcome) => {
                if let Some(open) = self.open.last_mut() {
                    open.early.insert(member, *outcome);
                }
                while let Some(outcome) = self.open.last_mut().and_then(Open::next) {
                    self.settle(outcome, sink)?;
                }
                Ok(())
            }
            Outcome::End => {
                self.judge_variants();
                match self.open.pop() {
                    Some(open) => self.close(open, sink),
                    None => Ok(()),
                }
            }
        }
    }

    /// Runs the rules that look at the pycs of one module, which were all read now.
    fn judge_variants(&mut self) {
        let Some(open) = self.open.last_mut() else { return };
        let variants = std::mem::take(&mut open.variants);
        if variants.len() < 2 {
            return;
        }
        let facts = self.worker.facts(&open.scope);
        let limits = &self.worker.config.limits;
        // Few pycs differ from the others of their module: text is kept of none.
        let words = |variant: &Variant| {
            if let Some(text) = &variant.text {
                return Some(Vocabulary::from_text(text));
            }
            let content = open.scope.container.read(variant.member, limits.member_size);
            let mut scratch = Scratch::default();
            variant.words.text(&pyc::read(&content.bytes, limits, &mut scratch).value)
        };
        let context = VariantsContext { container: &facts, variants: &variants, words: &words };
        let mut findings = Vec::new();
        for rule in &self.worker.checks.variants {
            if let Check::Variants(check) = rule.check {
                check(&context, &mut Findings::new(rule, &open.scope.locator, &mut findings));
            }
        }
        open.findings.extend(findings);
    }

    /// The summary, once all is settled.
    pub(crate) fn finish(self) -> Summary {
        self.summary
    }

    fn close(&mut self, open: Open, sink: &mut Sink<'_>) -> io::Result<()> {
        let Open { scope, sha256, pycs, ledger, mut findings, mut problems, layers, .. } = open;
        let facts = self.worker.facts(&scope);
        let listed = scope.members().len() as u64 + scope.container.excluded();
        if listed != ledger.seen() {
            let detail = format!("{listed} files or members listed, {} accounted for", ledger.seen());
            problems.push((None, Problem::new(ProblemKind::Internal).with_detail(detail)));
        }
        for located in scope.container.problems() {
            let locator = located.path.as_ref().map(|path| scope.locate_path(path));
            let at = locator.as_ref().unwrap_or(&scope.locator);
            findings.extend(self.worker.judge_problem(at, &located.problem));
            problems.push((locator, located.problem.clone()));
        }
        let (strict, images) = (self.worker.config.strict, scope.images.as_slice());
        let context = ArtifactContext {
            container: &facts,
            locator: &scope.locator,
            pycs: &pycs,
            ledger: &ledger,
            images,
            layers: &layers,
            strict,
        };
        self.judge(&context, &mut findings);
        let named_file = scope.only.is_some();
        if named_file && findings.is_empty() && problems.is_empty() {
            self.summary.ledger.add(&ledger);
            self.summary.listed += listed;
            return Ok(());
        }
        cap(&mut findings, self.worker.config.limits.findings_per_rule, &scope.locator);
        scan::finish_findings(&mut findings, &scope);
        if !self.worker.config.reveal_secrets {
            scan::mask_secrets(&mut findings);
        }
        let config = self.worker.config;
        let suppressed = config.suppressions.divide(&mut findings, Subject { code: None, roots: &config.paths });
        let entry = ArtifactEntry {
            locator: scope.locator.clone(),
            kind: (!named_file).then(|| scope.container.kind()),
            sha256,
            size: scope.size,
            pycs: pycs.len() as u64,
            listed,
            ledger,
            findings,
            suppressed,
            problems,
        };
        self.emit(Entry::Artifact(Box::new(entry)), sink)
    }

    /// Runs the rules that look at a whole container.
    fn judge(&self, context: &ArtifactContext<'_>, findings: &mut Vec<Finding>) {
        for rule in &self.worker.checks.artifact {
            if let Check::Artifact(check) | Check::PycAndArtifact(_, check) | Check::MemberAndArtifact(_, check) =
                rule.check
            {
                check(context, &mut Findings::new(rule, context.locator, findings));
            }
        }
    }

    /// Counts an entry and hands it on.
    fn emit(&mut self, entry: Entry, sink: &mut Sink<'_>) -> io::Result<()> {
        let summary = &mut self.summary;
        for finding in entry.findings() {
            *summary.severities.entry(finding.severity).or_default() += 1;
            *summary.rules.entry(finding.rule.id).or_default() += 1;
        }
        for suppressed in entry.suppressed() {
            *summary.suppressed.entry(suppressed.by.code()).or_default() += 1;
        }
        match &entry {
            Entry::Pyc(entry) => {
                summary.pycs += 1;
                summary.pyc_bytes += entry.size;
                summary.problems += entry.problems.len() as u64;
                *summary.pythons.entry(entry.python()).or_default() += 1;
                *summary.loads.entry(entry.load.verdict).or_default() += 1;
                *summary.header_matches.entry(entry.header_check.outcome).or_default() += 1;
                *summary.code_matches.entry(entry.code_check.code()).or_default() += 1;
                if let Some(reason) = entry.code_check.reason() {
                    *summary.code_reasons.entry(reason.code()).or_default() += 1;
                }
            }
            Entry::Artifact(entry) => {
                summary.problems += entry.problems.len() as u64;
                summary.archives += u64::from(entry.is_archive());
                summary.ledger.add(&entry.ledger);
                summary.listed += entry.listed;
            }
        }
        sink(entry)
    }
}

/// Keeps at most `most` findings of each rule on an artifact; one more says how many were left out.
fn cap(findings: &mut Vec<Finding>, most: usize, locator: &Locator) {
    let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut dropped: BTreeMap<&'static str, Finding> = BTreeMap::new();
    findings.retain(|finding| {
        let count = seen.entry(finding.rule.id).or_default();
        *count += 1;
        if *count > most {
            dropped.entry(finding.rule.id).or_insert_with(|| finding.clone());
        }
        *count <= most
    });
    for (id, mut finding) in dropped {
        let more = seen.get(id).copied().unwrap_or_default() - most;
        finding.message = format!("{more} more findings of this rule on this artifact are not listed");
        finding.locator = locator.clone();
        finding.offset = None;
        finding.expected = String::new();
        finding.observed = String::new();
        findings.push(finding);
    }
}
