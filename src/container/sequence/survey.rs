//! Takes in the records of a walk and the data behind them.

use std::collections::HashMap;

use crate::artifact::Times;
use crate::container::Input;
use crate::container::Kind;
use crate::container::Listing;
use crate::container::Located;
use crate::container::MemberKind;
use crate::container::NewMember;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::codec::Codec;
use crate::container::codec::RATIO_FROM;
use crate::container::flow::Flow;
use crate::container::flow::Stream;
use crate::container::oddity::Oddities;
use crate::container::sequence::Data;
use crate::container::sequence::Extent;
use crate::container::sequence::Kept;
use crate::container::sequence::Map;
use crate::container::sequence::Sequence;
use crate::container::sequence::store::Gather;
use crate::limits::Limits;
use crate::name::Name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// A record as a walker reads it.
#[derive(Debug)]
pub(crate) struct Record {
    /// The whole name; that of a folder ends in a slash.
    pub(crate) name: Vec<u8>,
    /// What it is.
    pub(crate) kind: MemberKind,
    /// Its times.
    pub(crate) times: Times,
    /// Where a symbolic link leads.
    pub(crate) link: Option<Vec<u8>>,
    /// The name of an earlier member whose data a hard link has.
    pub(crate) same_as: Option<Vec<u8>>,
    /// Bytes of data that follow, without padding.
    pub(crate) length: u64,
    /// The pieces of a sparse member and its whole size.
    pub(crate) sparse: Option<Map>,
}

impl Record {
    /// A member of this name, of which nothing else is known.
    pub(crate) fn new(name: Vec<u8>, kind: MemberKind) -> Self {
        Self { name, kind, times: Times::default(), link: None, same_as: None, length: 0, sparse: None }
    }
}

/// A record that was taken in.
struct Taken {
    /// Where its name is in `names`.
    name: (usize, usize),
    kind: MemberKind,
    times: Times,
    kept: Kept,
    same_as: Option<Vec<u8>>,
}

/// Takes in the records of a walk.
pub(crate) struct Survey<'a> {
    /// The archive's name.
    name: Vec<u8>,
    limits: &'a Limits,
    names: Vec<u8>,
    taken: Vec<Taken>,
    /// What is kept of a stream.
    gather: Option<Gather>,
    /// Members and the later ones whose data they have.
    same: Vec<(usize, usize)>,
    oddities: Oddities,
    problems: Vec<Located>,
    /// Bytes of all sparse files, holes and all.
    sparse: u64,
    /// Whether a limit was hit: the walk is to end.
    full: bool,
}

impl<'a> Survey<'a> {
    /// An empty survey of an archive of this name.
    pub(super) fn new(name: &[u8], limits: &'a Limits, stream: Option<&Input>) -> Self {
        Self {
            name: name.to_vec(),
            limits,
            names: Vec::new(),
            taken: Vec::new(),
            gather: stream.map(|input| Gather::new(name, input.size(), limits)),
            same: Vec::new(),
            oddities: Oddities::new(limits.findings_per_rule),
            problems: Vec::new(),
            sparse: 0,
            full: false,
        }
    }

    /// The archive's name.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many members were taken in; the number that the next one gets.
    pub(crate) fn count(&self) -> usize {
        self.taken.len()
    }

    /// Gives a member the data of a later one: both are links to one file.
    pub(crate) fn same_data(&mut self, member: usize, later: usize) {
        self.same.push((member, later));
    }

    /// The name of the member of this number.
    pub(crate) fn name_of(&self, member: usize) -> Option<&[u8]> {
        let (start, end) = self.taken.get(member)?.name;
        self.names.get(start..end)
    }

    /// Where the data of the member of this number begin.
    pub(crate) fn offset_of(&self, member: usize) -> u64 {
        self.taken.get(member).map_or(0, |taken| taken.kept.data.extent().offset)
    }

    /// Whether the walk is to end because a limit was hit.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Takes in a record whose data come next in the flow, and passes over them. Says whether they were all there.
    pub(crate) fn member(&mut self, flow: &mut Flow<'_>, record: Record) -> bool {
        let room = self.limits.names.saturating_sub(self.names.len());
        if self.taken.len() >= self.limits.members || record.name.len() > room {
            let what = if record.name.len() > room { "bytes of names" } else { "records" };
            self.problem(Problem::at(ProblemKind::MemberCountLimit, flow.position()).with_detail(what));
            self.full = true;
            return false;
        }
        let record = self.within_limits(flow.position(), record);
        let start = self.names.len();
        self.names.extend_from_slice(&record.name);
        let extent = Extent { offset: flow.position(), length: record.length };
        let index = self.taken.len();
        let there = match (&mut self.gather, &mut *flow) {
            (Some(gather), Flow::Stream(stream)) if record.kind == MemberKind::File => {
                gather.member(index, &record.name, record.length, record.sparse.is_some(), stream)
            }
            _ => flow.skip(record.length),
        };
        let data = match (record.sparse, record.kind) {
            (_, kind) if kind != MemberKind::File => Data::None,
            (Some(map), _) => Data::Sparse(extent, Box::new(map)),
            (None, _) => Data::Plain(extent),
        };
        let whole = there == record.length;
        self.taken.push(Taken {
            name: (start, self.names.len()),
            kind: record.kind,
            times: record.times,
            kept: Kept { data, link: record.link.map(|link| Box::new(Name::new(link))), cut: !whole },
            same_as: record.same_as,
        });
        whole
    }

    /// The record without the map of a sparse file that would give too much: then its pieces are shown as they lie.
    fn within_limits(&mut self, at: u64, mut record: Record) -> Record {
        let Some((_, size)) = &record.sparse else { return record };
        let size = *size;
        let by_ratio = record.length.saturating_mul(self.limits.ratio).max(RATIO_FROM);
        self.sparse = self.sparse.saturating_add(size);
        let kind = if size > by_ratio {
            ProblemKind::RatioLimit
        } else if self.sparse > self.limits.total_size {
            ProblemKind::TotalSizeLimit
        } else {
            return record;
        };
        let detail = format!("a sparse file of {size} bytes from {}", record.length);
        self.problem(Problem::at(kind, at).with_detail(detail));
        record.sparse = None;
        record
    }

    /// Takes in a record whose data are all that is left of the flow.
    pub(crate) fn rest(&mut self, flow: &mut Flow<'_>, mut record: Record) {
        if let (Some(gather), Flow::Stream(stream)) = (&mut self.gather, &mut *flow) {
            let offset = stream.position();
            record.length = gather.rest(self.taken.len(), stream);
            let extent = Extent { offset, length: record.length };
            self.names.extend_from_slice(&record.name);
            let kept = Kept { data: Data::Plain(extent), link: None, cut: stream.decoder().problem().is_some() };
            let name = (self.names.len().saturating_sub(record.name.len()), self.names.len());
            self.taken.push(Taken { name, kind: record.kind, times: record.times, kept, same_as: None });
        }
    }

    /// Records an oddity of the archive, or of the member of this number.
    pub(crate) fn odd(&mut self, kind: OddityKind, member: Option<usize>, at: u64, expected: &str, observed: &str) {
        if self.oddities.wants(kind) {
            let (expected, observed) = (expected.to_owned(), observed.to_owned());
            self.oddities.push(Oddity { kind, member, offset: Some(at), expected, observed });
        }
    }

    /// Records what could not be read of the archive's own structure, up to a number of such places.
    pub(crate) fn problem(&mut self, problem: Problem) {
        if self.problems.len() < self.limits.findings_per_rule {
            self.problems.push(Located { path: None, problem });
        }
    }

    /// Takes in how a stream ended. What the walker left of it is decoded, so that damage there shows.
    pub(super) fn end_of_stream(&mut self, stream: &mut Stream) {
        if !self.full {
            stream.pass(u64::MAX, &mut |_| {});
        }
        for oddity in stream.decoder().oddities() {
            self.oddities.push(oddity);
        }
        if let Some(problem) = stream.decoder().problem() {
            // What the walker says of the end of the bytes is only what this one explains.
            self.problems.retain(|located| located.problem.kind != ProblemKind::ArchiveDamaged);
            self.problems.insert(0, Located { path: None, problem: problem.clone() });
        }
    }

    /// The container.
    pub(super) fn finish(mut self, input: Input, codec: Option<Codec>, kind: Kind) -> Sequence {
        self.resolve_hard_links();
        self.resolve_later();
        let Self { limits, names, taken, gather, oddities, problems, .. } = self;
        let name = |(start, end): (usize, usize)| names.get(start..end).unwrap_or_default();
        let new: Vec<_> = taken
            .iter()
            .map(|taken| {
                let size = match &taken.kept.data {
                    Data::None => None,
                    Data::Plain(extent) => Some(extent.length),
                    Data::Sparse(_, map) => Some(map.1),
                };
                NewMember { name: name(taken.name), kind: taken.kind, size, times: taken.times }
            })
            .collect();
        let (listing, ids) = Listing::unpacked(&new);
        drop(new);
        let kind = if kind == Kind::Tar { kind_of(&listing) } else { kind };
        let mut oddities = oddities.finish();
        for oddity in &mut oddities {
            oddity.member = oddity.member.and_then(|index| ids.get(index).copied());
        }
        let mut members: Vec<_> = taken.into_iter().map(|taken| Some(taken.kept)).collect();
        let mut by_id: Vec<Option<Kept>> = (0..members.len()).map(|_| None).collect();
        for (kept, &id) in members.iter_mut().zip(&ids) {
            if let Some(slot) = by_id.get_mut(id) {
                *slot = kept.take();
            }
        }
        let members: Vec<Kept> = by_id.into_iter().flatten().collect();
        let packed = codec.zip(gather).map(|(codec, gather)| {
            let extent = |member: usize| members.get(member).map(|kept| kept.data.extent()).unwrap_or_default();
            (codec, gather.finish(&ids, &listing, &extent))
        });
        let within_total = within_total(&listing, limits);
        Sequence { input, packed, within_total, kind, listing, members, oddities, problems, limits: limits.clone() }
    }

    /// Gives members the data of later ones.
    fn resolve_later(&mut self) {
        for (member, later) in std::mem::take(&mut self.same) {
            let data = self.taken.get(later).map(|taken| (taken.kept.data.clone(), taken.kept.cut));
            let Some((taken, (data, cut))) = self.taken.get_mut(member).zip(data) else { continue };
            taken.kept.data = data;
            taken.kept.cut = cut;
            let name = self.names.get(taken.name.0..taken.name.1).unwrap_or_default();
            if let Some(gather) = &mut self.gather {
                gather.same(member, later, name);
            }
        }
    }

    /// Gives hard links the data of what they link to: the last member of that name before them. One that leads to none is a
    /// link to nowhere.
    fn resolve_hard_links(&mut self) {
        if self.taken.iter().all(|taken| taken.same_as.is_none()) {
            return;
        }
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        for index in 0..self.taken.len() {
            let Some(taken) = self.taken.get(index) else { continue };
            let name = normal(self.names.get(taken.name.0..taken.name.1).unwrap_or_default());
            let found = taken.same_as.as_deref().map(|target| known.get(&normal(target)).copied());
            match found {
                Some(Some(target)) => {
                    let source = self
                        .taken
                        .get(target)
                        .map(|taken| (taken.kind, taken.kept.data.clone(), taken.kept.link.clone(), taken.kept.cut));
                    if let (Some((kind, data, link, cut)), Some(taken)) = (source, self.taken.get_mut(index)) {
                        taken.kind = kind;
                        taken.kept = Kept { data, link, cut };
                    }
                    if let Some(gather) = &mut self.gather {
                        gather.same(index, target, &name);
                    }
                }
                Some(None) => {
                    if let Some(taken) = self.taken.get_mut(index) {
                        taken.kind = MemberKind::Link;
                        taken.kept.data = Data::None;
                        taken.kept.link =
                            taken.same_as.take().map(|target| Box::new(Name::new(rooted(&name, &target))));
                    }
                }
                None => {}
            }
            known.insert(name, index);
        }
    }
}

/// How many members, in path order, may be unpacked within the limit of all together: many hard links may lead to one member.
fn within_total(listing: &Listing, limits: &Limits) -> usize {
    let mut total = 0_u64;
    let within = listing.members().take_while(|member| {
        total = total.saturating_add(member.size.unwrap_or_default().min(limits.member_size));
        total <= limits.total_size
    });
    within.count()
}

/// What kind of tar its members make it.
fn kind_of(listing: &Listing) -> Kind {
    let has = |folder: &[u8], file: &[u8]| listing.find(folder, file).is_some();
    let at_top = |file: &[u8]| has(b"", file) || has(b".", file);
    let is_saved = || listing.folders().any(|folder| has(folder, b"layer.tar") || folder.ends_with(b"blobs/sha256"));
    if has(b"info", b"index.json") && (has(b"info", b"paths.json") || has(b"info", b"files")) {
        Kind::Conda
    } else if at_top(b"index.json") && at_top(b"oci-layout") || at_top(b"manifest.json") && is_saved() {
        Kind::Image
    } else {
        Kind::Tar
    }
}

/// A name as an unpacker takes it: `./a//b` is `a/b`.
fn normal(name: &[u8]) -> Vec<u8> {
    let parts = name.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}

/// The target of a hard link, which counts from the root of the archive, as that of a symbolic link would be written.
fn rooted(name: &[u8], target: &[u8]) -> Vec<u8> {
    let folders = memchr::memchr_iter(b'/', name).count();
    if target.starts_with(b"/") { target.to_vec() } else { [b"../".repeat(folders), target.to_vec()].concat() }
}
