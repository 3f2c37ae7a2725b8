//! The rules over one pyc or member, and what becomes of their findings: masked, and those that are accepted taken out.

use std::sync::Arc;

use crate::artifact::Locator;
use crate::artifact::Sha256Digest;
use crate::build_path::BuildPath;
use crate::container;
use crate::container::MemberId;
use crate::content::Vocabulary;
use crate::name::Name;
use crate::place;
use crate::place::PlaceKind;
use crate::problem::Problem;
use crate::pyc;
use crate::pyc::Body;
use crate::pyc::CodeDigest;
use crate::pyc::Pyc;
use crate::rules::Check;
use crate::rules::ContainerFacts;
use crate::rules::Finding;
use crate::rules::Findings;
use crate::rules::MemberContent;
use crate::rules::MemberContext;
use crate::rules::ProblemContext;
use crate::rules::PycContext;
use crate::rules::PycFacts;
use crate::rules::Variant;
use crate::scan;
use crate::scan::examine::Worker;
use crate::scan::scope::Scope;
use crate::secret;
use crate::suppression;
use crate::suppression::Subject;
use crate::suppression::Suppressed;

impl Worker<'_> {
    /// Takes out of the findings of a pyc what is known and accepted.
    pub(crate) fn suppressed(
        &self,
        findings: &mut Vec<Finding>,
        code_digest: Option<CodeDigest>,
        payload_sha256: Option<Sha256Digest>,
    ) -> Vec<Suppressed> {
        let identity = || {
            let code = code_digest.map(|code| code.to_string());
            let payload = payload_sha256.map(|sha256| sha256.to_string());
            suppression::code_identity(code.as_deref(), payload.as_deref())
        };
        // Most files have no finding, and most runs no baseline.
        let is_asked = self.config.suppressions.needs_codes() && !findings.is_empty();
        let code = if is_asked { identity() } else { None };
        let subject = Subject { code: code.as_deref(), roots: &self.config.paths };
        self.config.suppressions.divide(findings, subject)
    }

    /// Hands a pyc that was read whole to whoever takes it.
    pub(crate) fn carve(&self, locator: &Locator, whole: Option<MemberContent<'_>>) {
        if let (Some(carver), Some(MemberContent { bytes: Some(bytes), sha256, .. })) = (&self.config.carver, whole) {
            carver.0(locator, sha256, bytes);
        }
    }

    /// Masks the secrets in findings and in the file name that the code was compiled under.
    pub(crate) fn mask(&self, findings: &mut [Finding], pyc: &mut Pyc) {
        if self.config.reveal_secrets {
            return;
        }
        scan::mask_secrets(findings);
        if let Body::Code(root) | Body::Damaged(Some(root)) = &mut pyc.body
            && let Some(masked) = secret::masked(root.filename.as_bytes())
        {
            root.filename = Name::new(masked);
        }
    }

    /// Runs the rules that look at a pyc.
    pub(crate) fn judge_pyc(&self, known: &PycContext<'_>, findings: &mut Vec<Finding>) {
        for rule in &self.checks.pyc {
            if let Check::Pyc(check) | Check::PycAndArtifact(check, _) = rule.check {
                check(known, &mut Findings::new(rule, known.locator, findings));
            }
        }
        for problem in known.problems {
            findings.extend(self.judge_problem(known.locator, problem));
        }
    }

    /// What is kept of a pyc until the others of its module or container were read.
    pub(crate) fn pyc_facts(&self, known: &PycContext<'_>) -> PycFacts {
        let variant = if self.checks.variants.is_empty() { None } else { variant(known) };
        pyc_facts(known, variant)
    }

    /// Runs the rules that look at a member.
    pub(crate) fn judge_member(
        &self,
        scope: &Arc<Scope>,
        member: MemberId,
        locator: &Locator,
        content: Option<MemberContent<'_>>,
        oddities: &[container::Oddity],
        findings: &mut Vec<Finding>,
    ) {
        if self.checks.member.is_empty() {
            return;
        }
        let facts = self.facts(scope);
        let mut all = scope.oddities_of(member);
        all.extend(oddities);
        let known = MemberContext { container: &facts, member, locator, content, oddities: &all };
        for rule in &self.checks.member {
            if let Check::Member(check) | Check::MemberAndArtifact(check, _) = rule.check {
                check(&known, &mut Findings::new(rule, locator, findings));
            }
        }
    }

    /// Runs the rules that look at problems.
    pub(crate) fn judge_problem(&self, locator: &Locator, problem: &Problem) -> Vec<Finding> {
        let context = ProblemContext { locator, problem, strict: self.config.strict, limits: &self.config.limits };
        let mut findings = Vec::new();
        for rule in &self.checks.problem {
            if let Check::Problem(check) = rule.check {
                check(&context, &mut Findings::new(rule, locator, &mut findings));
            }
        }
        findings
    }

    /// What all rules may know of a container.
    pub(crate) fn facts<'a>(&'a self, scope: &'a Scope) -> ContainerFacts<'a> {
        ContainerFacts {
            container: scope.container.as_ref(),
            locator: &scope.locator,
            record: scope.record.as_ref(),
            requires_python: scope.requires_python.as_deref(),
            is_frozen: scope.is_frozen,
            manifest: scope.manifest.as_ref(),
            startup: &scope.startup,
            real_root: &scope.real_root,
            reveal_secrets: self.config.reveal_secrets,
            strict: self.config.strict,
            known: &self.config.known,
            now: self.config.now,
            times: scope.times,
        }
    }
}

/// What is kept of a pyc for the rules that look at all of them together.
fn pyc_facts(known: &PycContext<'_>, variant: Option<Box<Variant>>) -> PycFacts {
    let package = place::package_of(known.container.listing(), known.place, known.container.kind());
    let build_path = BuildPath::of(known.pyc, known.place, package);
    PycFacts {
        member: known.member,
        version: known.pyc.version,
        mtime: known.pyc.header.as_ref().and_then(pyc::Header::mtime),
        times: known.times,
        has_source: known.source.file().is_some(),
        load: known.load.verdict,
        build_root: build_path.as_ref().map(|path| Arc::new(Name::new(path.root()))),
        fits_build_path: build_path.as_ref().is_some_and(BuildPath::fits),
        variant,
    }
}

/// What is kept of a pyc until the other pycs of its module were read, when there are some.
fn variant(known: &PycContext<'_>) -> Option<Box<Variant>> {
    let place = known.place;
    if place.kind != PlaceKind::Cache || !place.extra.as_bytes().is_empty() || !known.is_whole {
        return None;
    }
    let folder = known.container.member(known.member)?.folder();
    let start = [place.stem.as_bytes(), b"."].concat();
    let others = known.container.listing().starting_with(folder, &start);
    if others.filter(|other| other.file().ends_with(b".pyc")).take(2).count() < 2 || !known.pyc.body.is_code() {
        return None;
    }
    let level = match place.optimization.as_bytes() {
        b"" => Some(0),
        b"1" => Some(1),
        b"2" => Some(2),
        _ => None,
    };
    Some(Box::new(Variant {
        member: known.member,
        module: known.module.to_owned(),
        key: (place.source_folder.clone(), place.stem.clone()),
        tag: place.tag.clone(),
        level,
        version: known.pyc.version?,
        invalidation: known.pyc.header.as_ref()?.invalidation,
        header_match: known.header_check.outcome,
        load: known.load.verdict,
        is_for_show: known.is_for_show(),
        words: Vocabulary::of(known.tree),
        text: known.container.container.portion(0).map(|_| Vocabulary::to_text(known.tree)),
    }))
}
