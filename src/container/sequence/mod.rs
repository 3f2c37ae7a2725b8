//! Archives that are a sequence of records, each before its data: tar and cpio, plain or compressed.
//!
//! A walker passes once over the bytes and hands each record to a [`Survey`]; what it makes is a [`Sequence`]. Where the bytes lie
//! plain, members are then read by position. Where they are compressed they cannot be, and what is likely to be asked for is kept
//! as it goes by, within a share of memory: see [`store`]. A stream that does not fit is decoded a second time, in portions: see
//! [`plan`].

mod plan;
mod portions;
mod slabs;
mod store;
mod survey;
mod windows;

use crate::artifact::Sha256Digest;
use crate::container::Container;
use crate::container::Content;
use crate::container::Ends;
use crate::container::Input;
use crate::container::Kind;
use crate::container::LinkTarget;
use crate::container::Listing;
use crate::container::Located;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::Oddity;
use crate::container::Passed;
use crate::container::codec::Codec;
use crate::container::codec::Decoder;
use crate::container::codec::length;
use crate::container::flow::Flow;
use crate::container::flow::Stream;
use crate::container::sequence::store::Store;
use crate::limits::Limits;
use crate::name::Name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

pub(crate) use crate::container::sequence::store::is_worth_keeping;
pub(crate) use crate::container::sequence::survey::Record;
pub(crate) use crate::container::sequence::survey::Survey;

/// Bytes that are decoded of a member of a stream which is larger than may be read.
const BEGINNING: u64 = 1 << 20;

/// Passes over all records of an archive.
pub(crate) type Walker<'w> = &'w dyn Fn(&mut Flow<'_>, &mut Survey<'_>);

/// Where the data of a member are, in the bytes that the walker saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Where they begin.
    pub(crate) offset: u64,
    /// How many bytes there are.
    pub(crate) length: u64,
}

/// Where each piece of a sparse member belongs and how long it is, and the whole size.
pub(crate) type Map = (Box<[(u64, u64)]>, u64);

/// What a member holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Data {
    /// Nothing: folders, links, devices.
    #[default]
    None,
    /// These bytes.
    Plain(Extent),
    /// These bytes with holes between them.
    Sparse(Extent, Box<Map>),
}

impl Data {
    /// The bytes in the archive.
    pub(crate) fn extent(&self) -> Extent {
        match self {
            Self::None => Extent::default(),
            Self::Plain(extent) | Self::Sparse(extent, _) => *extent,
        }
    }
}

/// A member as it is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What it holds.
    data: Data,
    /// Where a symbolic link leads, or a hard link to what is not there.
    link: Option<Box<Name>>,
    /// Whether its data end before their size says.
    cut: bool,
}

/// An archive that is a sequence of records.
#[derive(Debug)]
pub(crate) struct Sequence {
    /// Its bytes, compressed or not.
    input: Input,
    /// How they are compressed, and what was kept of them.
    packed: Option<(Codec, Store)>,
    kind: Kind,
    listing: Listing,
    /// By id.
    members: Vec<Kept>,
    oddities: Vec<Oddity>,
    problems: Vec<Located>,
    /// How many members, in path order, may be read before all are too large together.
    within_total: usize,
    limits: Limits,
}

impl Sequence {
    /// Walks plain bytes.
    pub(crate) fn open(input: Input, name: &[u8], walker: Walker<'_>, kind: Kind, limits: &Limits) -> Self {
        let mut flow = Flow::plain(&input);
        let mut survey = Survey::new(name, limits, None);
        walker(&mut flow, &mut survey);
        survey.finish(input, None, kind)
    }

    /// Walks bytes as they are decoded.
    pub(crate) fn unpack(
        input: Input,
        codec: Codec,
        name: &[u8],
        walker: Walker<'_>,
        kind: Kind,
        limits: &Limits,
    ) -> Self {
        let mut flow = Flow::Stream(Box::new(Stream::new(Decoder::new(&input, codec, limits))));
        let mut survey = Survey::new(name, limits, Some(&input));
        walker(&mut flow, &mut survey);
        if let Flow::Stream(mut stream) = flow {
            survey.end_of_stream(&mut stream);
        }
        survey.finish(input, Some(codec), kind)
    }

    /// The bytes of the archive that a member has, up to a limit; fewer when they end.
    fn raw(&self, member: MemberId, limit: u64, mut buffer: Vec<u8>) -> Result<Vec<u8>, Problem> {
        let extent = self.extent(member);
        let wanted = usize::try_from(extent.length.min(limit)).unwrap_or(usize::MAX);
        let Some((codec, store)) = &self.packed else {
            let there = self.input.size().saturating_sub(extent.offset);
            buffer.resize(wanted.min(usize::try_from(there).unwrap_or(usize::MAX)), 0);
            let count = self.input.read_at(&mut buffer, extent.offset).map_err(|error| unreadable(&error))?;
            buffer.truncate(count);
            return Ok(buffer);
        };
        buffer.clear();
        store.read(member, wanted, &|member| self.extent(member), &|| self.stream(*codec), &mut buffer)?;
        Ok(buffer)
    }

    /// Where the data of a member are.
    fn extent(&self, member: MemberId) -> Extent {
        self.members.get(member).map(|kept| kept.data.extent()).unwrap_or_default()
    }

    /// The decoded bytes from the first on.
    fn stream(&self, codec: Codec) -> Stream {
        Stream::new(Decoder::new(&self.input, codec, &self.limits))
    }

    /// Whether a member is all there as it lies, and may be read.
    fn is_plain(&self, member: MemberId) -> bool {
        let kept = self.members.get(member).filter(|kept| !kept.cut && member < self.within_total);
        kept.is_some_and(|kept| matches!(kept.data, Data::Plain(_)))
    }
}

impl Container for Sequence {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn read_into(&self, member: MemberId, limit: u64, buffer: Vec<u8>) -> Content {
        let Some(kept) = self.members.get(member) else {
            return Content::absent();
        };
        if member >= self.within_total {
            return Content::unread(Problem::new(ProblemKind::TotalSizeLimit));
        }
        let extent = kept.data.extent();
        let size = match &kept.data {
            Data::Sparse(_, map) => map.1,
            Data::None | Data::Plain(_) => extent.length,
        };
        // What is larger than the limit is not read whole in any case; of a stream its beginning is enough.
        let most = if self.packed.is_some() && size > limit { limit.min(BEGINNING) } else { limit };
        let raw = match self.raw(member, most, buffer) {
            Ok(raw) => raw,
            Err(problem) => return Content::unread(problem),
        };
        let found = u64::try_from(raw.len()).unwrap_or(u64::MAX);
        let mut content = Content { bytes: raw, ..Content::default() };
        if let Data::Sparse(_, map) = &kept.data {
            content.bytes = expanded(&content.bytes, &map.0, map.1.min(limit));
        }
        if size > limit {
            let detail = format!("{size} bytes, limit {limit}");
            content.problems.push(Problem::at(ProblemKind::MemberSizeLimit, limit).with_detail(detail));
        } else if found < extent.length.min(most) || kept.cut {
            let detail = format!("{found} of {} bytes, the archive ends", extent.length);
            let at = extent.offset.saturating_add(found);
            content.problems.push(Problem::at(ProblemKind::DataDamaged, at).with_detail(detail));
        }
        content
    }

    fn ends(&self, member: MemberId, head: usize, tail: usize) -> Result<Ends, Problem> {
        if self.packed.is_none()
            && let Some(Kept { data: Data::Plain(extent), cut: false, .. }) = self.members.get(member)
        {
            let short = |wanted: usize| usize::try_from(extent.length).unwrap_or(usize::MAX).min(wanted);
            let last = u64::try_from(short(tail)).unwrap_or(u64::MAX);
            let from = extent.offset.saturating_add(extent.length.saturating_sub(last));
            let read = |offset, length| self.input.bytes_at(offset, length).map_err(|error| unreadable(&error));
            return Ok(Ends {
                size: Some(extent.length),
                head: read(extent.offset, short(head))?,
                tail: read(from, short(tail))?,
            });
        }
        let limit = u64::try_from(head.max(tail)).unwrap_or(u64::MAX);
        Ends::of_content(self.read(member, limit), head, tail)
    }

    fn part(&self, member: MemberId) -> Option<Input> {
        let kept = self.members.get(member).filter(|kept| self.packed.is_none() && !kept.cut)?;
        let Data::Plain(extent) = kept.data else { return None };
        self.input.part(extent.offset, extent.length)
    }

    fn passed(&self, member: MemberId) -> Option<Passed> {
        let (_, store) = self.packed.as_ref()?;
        let kept = self.members.get(member).filter(|kept| !kept.cut && member < self.within_total)?;
        match &kept.data {
            Data::Plain(extent) => store.passed(member, extent.length),
            Data::None | Data::Sparse(..) => None,
        }
    }

    fn each(&self, members: &[MemberId], limit: u64, take: &mut dyn FnMut(MemberId, Content)) {
        let is_far = |member: MemberId| {
            let is_unkept = self.packed.as_ref().is_some_and(|(_, store)| store.is_unkept(member));
            is_unkept && self.is_plain(member) && self.extent(member).length <= limit
        };
        let (far, near): (Vec<MemberId>, Vec<MemberId>) = members.iter().partition(|&&member| is_far(member));
        for member in near {
            take(member, self.read(member, limit));
        }
        if let Some((codec, _)) = self.packed.as_ref().filter(|_| !far.is_empty()) {
            let far = far.into_iter().map(|member| (member, self.extent(member)));
            windows::each(far, &|| self.stream(*codec), &mut |member, bytes| {
                let short = length(bytes.len()) < self.extent(member).length;
                let content = if short { self.read(member, limit) } else { Content::of_bytes(bytes.to_vec()) };
                take(member, content);
            });
        }
    }

    fn portion(&self, number: usize) -> Option<&[MemberId]> {
        self.packed.as_ref()?.1.portion(number)
    }

    fn prepare(&self, number: usize) {
        if let Some((codec, store)) = &self.packed {
            store.prepare(number, &|| self.stream(*codec));
        }
    }

    fn held(&self) -> u64 {
        self.packed.as_ref().map_or(0, |(_, store)| store.held())
    }

    fn link(&self, member: MemberId) -> Option<LinkTarget> {
        let found = self.listing.get(member).filter(|found| found.kind == MemberKind::Link)?;
        let text = self.members.get(member)?.link.as_ref()?;
        Some(LinkTarget::of_text(&self.listing, found.folder(), text.as_bytes()))
    }

    fn digest(&self) -> Option<Sha256Digest> {
        self.input.digest().ok()
    }

    fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    fn problems(&self) -> &[Located] {
        &self.problems
    }
}

/// Puts the pieces of a sparse member where they belong, up to a size that a limit bounds.
fn expanded(raw: &[u8], pieces: &[(u64, u64)], size: u64) -> Vec<u8> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut bytes = vec![0; size];
    let mut rest = raw;
    for &(offset, length) in pieces {
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = after;
        let Ok(offset) = usize::try_from(offset) else { break };
        let room = size.saturating_sub(offset).min(length);
        let end = offset.saturating_add(room);
        if let (Some(to), Some(from)) = (bytes.get_mut(offset..end), piece.get(..room)) {
            to.copy_from_slice(from);
        }
    }
    bytes
}

/// The system's refusal as a problem.
fn unreadable(error: &std::io::Error) -> Problem {
    Problem::new(ProblemKind::Unreadable).with_detail(error.to_string())
}
