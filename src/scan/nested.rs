//! An archive in an archive: opened from memory, its members scanned as those of one on disk, under one budget.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::container::Input;
use crate::container::Kind;
use crate::container::MemberId;
use crate::container::format;
use crate::container::format::Format;
use crate::container::format::Probe;
use crate::image::Layer;
use crate::ledger::Fate;
use crate::manifest::Manifest;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::rules::MemberContent;
use crate::scan::budget::Budget;
use crate::scan::examine::Worker;
use crate::scan::examine::fate_of;
use crate::scan::feed;
use crate::scan::feed::Jobs;
use crate::scan::scope;
use crate::scan::scope::Scope;
use crate::scan::settle::Outcome;
use crate::scan::settle::Settler;

/// Members of a nested archive that several threads take at a time; one with fewer is the work of one thread.
const SHARED: usize = 512;

impl Worker<'_> {
    /// An archive in an archive: scanned to its end before its container goes on.
    pub(crate) fn nested(&self, scope: &Arc<Scope>, member: MemberId, format: &Format, input: &Input) -> Outcome {
        let limits = &self.config.limits;
        let locator = scope.locate(member);
        let depth = scope.depth.saturating_add(1);
        let whole = match input.digest() {
            Ok(sha256) => {
                let is_asked_for = scope.manifest.as_ref().is_some_and(Manifest::is_md5);
                let md5 = if is_asked_for { input.md5().ok() } else { None };
                MemberContent { bytes: input.in_memory(), sha256, md5, size: input.size() }
            }
            Err(error) => {
                let problem = Problem::new(ProblemKind::Unreadable).with_detail(error.to_string());
                return self.other(scope, member, Fate::Unreadable, None, &[problem]);
            }
        };
        if depth > limits.depth {
            return self.other(scope, member, Fate::Limited, Some(whole), &[Problem::new(ProblemKind::DepthLimit)]);
        }
        let budget = scope
            .budget
            .as_ref()
            .map_or_else(|| Arc::new(Budget::new(whole.size, scope.container.listing().len(), limits)), Arc::clone);
        let Some(limits) = &budget.next(limits) else {
            let problem = Problem::new(ProblemKind::TotalSizeLimit).with_detail("all archives in it together");
            return self.other(scope, member, Fate::Limited, Some(whole), &[problem]);
        };
        let inner = match feed::open_guarded(format, input.clone(), locator.path(), limits) {
            Some(Ok(inner)) => inner,
            Some(Err(problem)) => {
                let problems = [problem];
                return self.other(scope, member, fate_of(&problems), Some(whole), &problems);
            }
            None => return self.other(scope, member, Fate::Other, Some(whole), &[]),
        };
        budget.take(inner.as_ref(), limits);
        let mut findings = Vec::new();
        self.judge_member(scope, member, &locator, Some(whole), &[], &mut findings);
        let mut inner = Scope::archive(inner, locator, depth);
        inner.is_frozen |= scope.is_frozen;
        inner.choose(self.config.member.as_deref());
        inner.times = scope.container.listing().get(member).map(|member| member.times).unwrap_or_default();
        inner.size = Some(whole.size);
        inner.budget = Some(budget);
        inner.is_layer = scope.images.iter().any(|layers| layers.contains(&member));
        let mut inner = inner.with_record(limits).with_startup();
        // The `info` tar of a conda package lists what its `pkg` tar has.
        if scope.container.kind() == Kind::Conda {
            inner.manifest = None;
        }
        inner.manifest = inner.manifest.or_else(|| self.manifest_beside(scope, member));
        let layer = inner.is_layer.then(|| Layer::of(inner.container.as_ref(), limits.source_size));
        let inner = Arc::new(inner);
        let mut entries = Vec::new();
        let mut settler = Settler::new(self);
        let mut seat = self.desks.free();
        let mut jobs = Jobs::of(&inner);
        self.progress.find(jobs.len() as u64);
        let mut settle = |outcome| {
            // Pushing to a list cannot fail.
            let _ = settler.settle(outcome, &mut |entry| {
                entries.push(entry);
                Ok(())
            });
        };
        // A thread that waits for others takes up what else is to be done, which may be another nested archive: only one at a
        // time is shared, so that no thread holds more than two.
        let is_shared = jobs.len() > SHARED && !self.is_sharing.swap(true, Ordering::Acquire);
        loop {
            let batch = self.next_jobs(&mut jobs, SHARED);
            if batch.is_empty() {
                break;
            }
            if is_shared {
                self.work_on_all(batch).for_each(&mut settle);
            } else {
                self.work_alone(batch, &mut seat.desk).for_each(&mut settle);
            }
        }
        if is_shared {
            self.is_sharing.store(false, Ordering::Release);
        }
        Outcome::Nested(entries, findings, layer.map(|layer| (member, layer)))
    }

    /// The list of the files in a part of a conda or Debian package, which another part of it has.
    pub(crate) fn manifest_beside(&self, scope: &Scope, member: MemberId) -> Option<Manifest> {
        let container = scope.container.as_ref();
        let found = container.listing().get(member)?;
        let info = match container.kind() {
            Kind::Conda => {
                let info = [b"info-", found.file().strip_prefix(b"pkg-")?].concat();
                container.listing().find(found.folder(), &info)?
            }
            Kind::Deb if found.file().starts_with(b"data.tar") => {
                container.listing().starting_with(b"", b"control.tar").next()?
            }
            _ => return None,
        };
        let limits = &self.config.limits;
        let content = container.read(info.id, limits.member_size);
        let probe = Probe { name: info.file(), head: &content.bytes, tail: &[] };
        let format = format::recognise(&probe).filter(|_| content.problems.is_empty())?;
        let opened = feed::open_guarded(format, Input::from_bytes(content.bytes), info.file(), limits)?.ok()?;
        match container.kind() {
            Kind::Deb => scope::debian_manifest(opened.as_ref(), limits),
            _ => scope::conda_manifest(opened.as_ref(), limits),
        }
    }
}
