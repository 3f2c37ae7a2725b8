//! Pairs a pyc with its source across all that is scanned, and has the header compared with it.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::Weak;

use crate::artifact::Locator;
use crate::artifact::Times;
use crate::container::Content;
use crate::container::FileStatus;
use crate::container::MemberId;
use crate::place::Place;
use crate::place::PlaceKind;
use crate::pyc::Magic;
use crate::pyc::Pyc;
use crate::pyc::Version;
use crate::scan::Verify;
use crate::scan::examine::Worker;
use crate::scan::scope::Scope;
use crate::source;
use crate::source::Found;
use crate::source::HashIndex;
use crate::source::HeaderCheck;
use crate::source::HeaderMatch;
use crate::source::Search;
use crate::source::Source;
use crate::source::SourceFile;
use crate::source::SourceIndex;
use crate::source::Tree;

/// All trees in which sources may be: those of `--sources`, then those that are scanned.
#[derive(Default)]
pub(crate) struct Sources {
    /// The trees of `--sources`.
    named: Vec<Arc<Scope>>,
    /// The trees that are scanned.
    scanned: Vec<Arc<Scope>>,
    /// The index over both, made when the first pyc needs it.
    index: OnceLock<SourceIndex>,
    /// Held while a large source is parsed: the trees of as many as there are threads would not fit into memory.
    pub(crate) large: Mutex<()>,
}

impl Sources {
    /// Sources in these trees.
    pub(crate) fn new(named: Vec<Arc<Scope>>, scanned: Vec<Arc<Scope>>) -> Self {
        Self { named, scanned, index: OnceLock::new(), large: Mutex::new(()) }
    }

    fn tree(&self, index: usize) -> Option<&Arc<Scope>> {
        self.named.iter().chain(&self.scanned).nth(index)
    }

    /// The index, if it can say anything of a pyc in such a place: mirrored paths are of tagged names only, and the rest is
    /// found among `--sources` alone.
    fn index_for(&self, place: &Place) -> Option<&SourceIndex> {
        if self.named.is_empty() && place.kind != PlaceKind::Tagged {
            return None;
        }
        Some(self.index.get_or_init(|| {
            let tree = |found| move |scope: &'_ Arc<Scope>| (Arc::clone(scope), found);
            let named = self.named.iter().map(tree(Found::Sources));
            let scanned = self.scanned.iter().map(tree(Found::PrefixTree));
            let all: Vec<_> = named.chain(scanned).collect();
            let trees: Vec<_> = all
                .iter()
                .map(|(scope, found)| Tree {
                    listing: scope.container.listing(),
                    kind: scope.container.kind(),
                    root: &scope.real_root,
                    found: *found,
                })
                .collect();
            SourceIndex::new(&trees)
        }))
    }
}

/// Which source of a container has which hash, by magic number; made when a pyc's hash is not its own source's.
#[derive(Default)]
pub(crate) struct HashIndexes(Mutex<BTreeMap<Magic, Arc<OnceLock<HashIndex>>>>);

impl HashIndexes {
    fn of(&self, magic: Magic) -> Arc<OnceLock<HashIndex>> {
        // A thread that panicked while it held the lock left the map whole.
        let mut indexes = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(indexes.entry(magic).or_default())
    }
}

/// The source of a pyc as it was found, for as long as the pycs of one module come in a row.
#[derive(Debug)]
pub(crate) struct SourceAt {
    /// The container that holds it. It is never used, but no other is at its address.
    holder: Weak<Scope>,
    /// Which member of it the source is.
    member: MemberId,
    /// What the file system says of it.
    status: Option<FileStatus>,
    /// Its text, once something needed it.
    text: OnceLock<Content>,
}

impl SourceAt {
    /// The source that was found last, if it is this one, else this one.
    fn found(kept: &mut Option<Arc<Self>>, holder: &Arc<Scope>, member: MemberId) -> Arc<Self> {
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is(holder, member)) {
            return Arc::clone(kept);
        }
        // An importer follows links; what the file system says of a link itself is of no interest.
        let status = match holder.container.link(member) {
            Some(_) => holder.container.read(member, 0).status,
            None => holder.container.status(member),
        };
        let found = Arc::new(Self { holder: Arc::downgrade(holder), member, status, text: OnceLock::new() });
        *kept = Some(Arc::clone(&found));
        found
    }

    /// Whether it is this member.
    pub(crate) fn is(&self, holder: &Arc<Scope>, member: MemberId) -> bool {
        self.member == member && ptr::eq(self.holder.as_ptr(), Arc::as_ptr(holder))
    }

    /// Its text, if something needed it and it could be read whole.
    pub(crate) fn whole(&self) -> Option<&Content> {
        self.text.get().filter(|content| content.problems.is_empty())
    }

    /// Bytes of its text that are in memory.
    pub(crate) fn held(&self) -> usize {
        self.text.get().map_or(0, |content| content.bytes.len())
    }
}

/// A pyc's source and what the header says of it.
pub(crate) struct Paired<'a> {
    /// The source.
    pub(crate) source: Source,
    /// The header against it.
    pub(crate) check: HeaderCheck,
    /// The container that holds the source, and what was read of it there.
    at: Option<(&'a Arc<Scope>, Arc<SourceAt>)>,
}

impl Paired<'_> {
    /// What the file system says of the source.
    pub(crate) fn status(&self) -> Option<FileStatus> {
        self.at.as_ref().and_then(|(_, at)| at.status)
    }
}

impl Worker<'_> {
    /// Finds the source of a pyc and compares the header with it. What was read of it is kept for the next pyc.
    pub(crate) fn pair<'a>(
        &'a self,
        scope: &'a Arc<Scope>,
        place: &Place,
        pyc: &Pyc,
        kept: &mut Option<Arc<SourceAt>>,
    ) -> Paired<'a> {
        let without = |source, outcome| Paired { source, check: HeaderCheck::not_compared(outcome), at: None };
        let listing = scope.container.listing();
        let kind = scope.container.kind();
        let search = match source::beside(listing, place) {
            Some(member) => Search::Beside(member),
            None => match self.sources.index_for(place) {
                Some(index) => source::find(listing, place, kind, &scope.real_root, index),
                None => Search::Absent,
            },
        };
        let (holder, member, found) = match search {
            Search::Beside(member) => (scope, member, Found::Beside),
            Search::Elsewhere(at, found) => match self.sources.tree(at.tree) {
                Some(tree) => (tree, at.member, found),
                None => return without(Source::Absent, HeaderMatch::NoSource),
            },
            Search::Absent => return without(Source::Absent, HeaderMatch::NoSource),
            Search::Ambiguous(places) => {
                let locate = |at: &source::TreeMember| Some(self.sources.tree(at.tree)?.locate(at.member));
                let places = places.iter().filter_map(locate).collect();
                return without(Source::Ambiguous(places), HeaderMatch::NoSource);
            }
        };
        let at = SourceAt::found(kept, holder, member);
        let file = source_file(holder, member, found, at.status);
        // What a link inside an archive leads to is known when it is unpacked.
        if at.status.is_none() && holder.container.link(member).is_some() {
            return without(Source::Present(file), HeaderMatch::Unknown);
        }
        let check = match (self.config.verify, pyc.magic, &pyc.header) {
            (Verify::Header | Verify::Code | Verify::Exact, Some(magic), Some(header)) => {
                let read = || self.text_at(holder, &at);
                let mut check = source::compare(magic, pyc.version, header, &file, read);
                if let (HeaderMatch::HashMismatch, Some((recorded, _)), Some(version)) =
                    (check.outcome, check.hash, pyc.version)
                {
                    check.hash_of = self.source_of_hash(scope, version, magic, recorded);
                }
                check
            }
            _ => HeaderCheck::not_compared(HeaderMatch::Unknown),
        };
        Paired { source: Source::Present(file), check, at: Some((holder, at)) }
    }

    /// The text of the source, when there is one and it can be read whole.
    pub(crate) fn source_text<'p>(&self, paired: &'p Paired<'_>) -> Option<&'p [u8]> {
        let (holder, at) = paired.at.as_ref()?;
        self.text_at(holder, at)
    }

    fn text_at<'p>(&self, holder: &Scope, at: &'p SourceAt) -> Option<&'p [u8]> {
        at.text.get_or_init(|| holder.container.read(at.member, self.config.limits.source_size));
        at.whole().map(|content| content.bytes.as_slice())
    }

    /// The source that a hash was made from: in the same container, else among `--sources`, else in the other trees that are scanned.
    fn source_of_hash(&self, scope: &Scope, version: &'static Version, magic: Magic, hash: [u8; 8]) -> Option<Locator> {
        let others = self.sources.named.iter().chain(&self.sources.scanned).map(Arc::as_ref);
        let others = others.filter(|&other| !std::ptr::eq(other, scope));
        [scope].into_iter().chain(others).find_map(|scope| self.hash_in(scope, version, magic, hash))
    }

    fn hash_in(&self, scope: &Scope, version: &'static Version, magic: Magic, hash: [u8; 8]) -> Option<Locator> {
        let index = scope.hash_indexes.of(magic);
        let index = index.get_or_init(|| {
            let sources = scope.container.listing().members().filter(|member| member.file().ends_with(b".py"));
            let sources: Vec<MemberId> = sources.map(|member| member.id).collect();
            let mut index = HashIndex::default();
            scope.container.each(&sources, self.config.limits.source_size, &mut |source, content| {
                if content.problems.is_empty() {
                    index.add(version, source, &content.bytes);
                }
            });
            index
        });
        index.find(magic, hash).map(|source| scope.locate(source))
    }
}

fn source_file(holder: &Scope, member: MemberId, found: Found, status: Option<FileStatus>) -> SourceFile {
    let claimed = holder.container.listing().get(member);
    let (size, times) = match (status, claimed) {
        (Some(status), _) => (status.size, Times { unix: Some(status.mtime), ..Times::default() }),
        (None, Some(member)) => (member.size.unwrap_or_default(), member.times),
        (None, None) => (0, Times::default()),
    };
    SourceFile { locator: holder.locate(member), found, size, times }
}
