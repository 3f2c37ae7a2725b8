//! In which order the jobs of a batch are worked on: the source of a pyc behind it, so that it is decoded once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::container::MemberId;
use crate::place::Place;
use crate::scan::feed::Job;
use crate::scan::feed::Task;
use crate::scan::scope::Scope;
use crate::scan::settle::Outcome;
use crate::source;

/// The jobs as they are worked on, each with its place in path order.
///
/// Members of an archive that lists the digests of its files are all read, and the sources among them for their pycs too, which
/// come before them in path order but are seldom on the same thread.
pub(crate) fn arranged(jobs: Vec<Job>) -> Vec<(usize, Job)> {
    let mut behind: HashMap<(*const Scope, MemberId), usize> = HashMap::new();
    for (at, job) in jobs.iter().enumerate() {
        if let Job::Member { scope, member, task: Task::Bytecode, .. } = job
            && scope.is_listed()
            && let Some(found) = scope.container.listing().get(*member)
            && let Some(source) = source::beside(scope.container.listing(), &Place::of(&found.path()))
        {
            behind.insert((Arc::as_ptr(scope), source), at);
        }
    }
    let leader = |at: usize, job: &Job| match job {
        Job::Member { scope, member, .. } => behind.get(&(Arc::as_ptr(scope), *member)).copied().unwrap_or(at),
        Job::Begin(_) | Job::End => at,
    };
    let mut arranged: Vec<_> = jobs.into_iter().enumerate().collect();
    if !behind.is_empty() {
        arranged.sort_by_cached_key(|(at, job)| {
            let leader = leader(*at, job);
            (leader, leader != *at)
        });
    }
    arranged
}

/// What became of jobs, back in path order.
pub(crate) fn in_path_order(mut outcomes: Vec<(usize, Outcome)>) -> impl Iterator<Item = Outcome> {
    outcomes.sort_unstable_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Locator;
    use crate::container::Member;
    use crate::container::format;
    use crate::forge::Zip;
    use crate::ledger::Fate;
    use crate::limits::Limits;
    use crate::scan::feed::is_pyc_name;

    /// The jobs for the members of a zip.
    fn jobs(names: &[&str]) -> Vec<Job> {
        let zip = names.iter().fold(Zip::new(), |zip, name| zip.file(name, ""));
        let limits = Limits::default();
        let container = format::open_bytes(zip.build(), b"a.whl", &limits).unwrap().unwrap();
        let scope = Arc::new(Scope::archive(container, Locator::file("a.whl"), 0).with_record(&limits));
        let members = scope.container.listing().members();
        let job = |member: Member<'_>| Job::Member {
            scope: Arc::clone(&scope),
            member: member.id,
            task: if is_pyc_name(member.file()) { Task::Bytecode } else { Task::Anything },
            portion: None,
        };
        members.map(job).collect()
    }

    fn order(names: &[&str]) -> Vec<usize> {
        arranged(jobs(names)).into_iter().map(|(at, _)| at).collect()
    }

    #[test]
    fn a_source_comes_behind_the_last_of_its_pycs() {
        let names = [
            "p-1.dist-info/RECORD",
            "p-1.dist-info/WHEEL",
            "p/__pycache__/a.cpython-312.opt-1.pyc",
            "p/__pycache__/a.cpython-312.pyc",
            "p/__pycache__/b.cpython-312.pyc",
            "p/a.py",
            "p/b.py",
            "p/c.py",
            "p/c.pyc",
            "p/d.py",
        ];
        assert_eq!(order(&names), [0, 1, 2, 3, 5, 4, 6, 8, 7, 9]);
        // Without a RECORD sources are not read for themselves.
        assert_eq!(order(&names[2..]), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn outcomes_come_in_path_order() {
        let outcomes =
            [Fate::Bytecode, Fate::Other, Fate::Link].map(|fate| Outcome::Other(fate, Vec::new(), Vec::new()));
        let outcomes = [2, 0, 1].into_iter().zip(outcomes).collect();
        let fates: Vec<_> = in_path_order(outcomes)
            .filter_map(|outcome| if let Outcome::Other(fate, ..) = outcome { Some(fate) } else { None })
            .collect();
        assert_eq!(fates, [Fate::Other, Fate::Link, Fate::Bytecode]);
    }
}
