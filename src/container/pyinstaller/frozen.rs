//! An opened CArchive or PYZ: its members by their place in the file, each read as it is, inflated, or with a header put before it.

use std::sync::atomic::AtomicU64;

use crate::artifact::Sha256Digest;
use crate::artifact::Times;
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
use crate::container::NewMember;
use crate::container::Oddity;
use crate::container::OddityKind;
use crate::container::blob;
use crate::container::blob::Archive;
use crate::container::blob::Blob;
use crate::container::oddity::Oddities;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// An opened CArchive or PYZ.
#[derive(Debug)]
pub struct Frozen {
    /// Which of the two.
    kind: Kind,
    /// The file that it is in.
    input: Input,
    /// Its members.
    listing: Listing,
    /// Each member's bytes, by its id.
    parts: Vec<Part>,
    /// The header that code without one is read with; empty when the version is not known.
    header: Vec<u8>,
    /// What contradicts what.
    oddities: Vec<Oddity>,
    /// What could not be read of its structure.
    problems: Vec<Located>,
    /// The caps.
    limits: Limits,
    /// As in [`Archive`].
    excess: AtomicU64,
}

/// A member of a CArchive or PYZ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Where its bytes are.
    pub(super) blob: Blob,
    /// What is done to them.
    pub(super) form: Form,
}

/// What has to be done to read a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing.
    Whole,
    /// A pyc's header is put before it.
    Headless,
    /// It is encrypted.
    Encrypted,
}

/// A member before it is listed.
pub(super) struct New {
    /// Its name.
    pub(super) name: Vec<u8>,
    /// What it is.
    pub(super) kind: MemberKind,
    /// Its bytes.
    pub(super) part: Part,
}

/// What was read of an archive's structure.
pub(super) struct Structure {
    /// Its members, in the order of the archive.
    pub(super) new: Vec<New>,
    /// The header for code without one.
    pub(super) header: Vec<u8>,
    /// What contradicts what; members by their place in `new`.
    pub(super) oddities: Oddities,
    /// What could not be read.
    pub(super) problems: Vec<Located>,
}

impl Frozen {
    /// An archive of this structure.
    pub(super) fn new(kind: Kind, input: Input, structure: Structure, limits: &Limits) -> Self {
        let Structure { new, header, oddities, problems } = structure;
        let (listing, parts, oddities) = listed(new, oddities, input.size());
        let excess = AtomicU64::new(0);
        Self { kind, input, listing, parts, header, oddities, problems, limits: limits.clone(), excess }
    }
}

/// Puts members into path order, and says which of them share bytes.
fn listed(mut new: Vec<New>, mut oddities: Oddities, size: u64) -> (Listing, Vec<Part>, Vec<Oddity>) {
    let mut blobs: Vec<Blob> = new.iter().map(|new| new.part.blob).collect();
    for at in blob::share(&mut blobs) {
        let offset = blobs.get(at).map(|blob| blob.offset.min(size));
        let observed = || "they belong to another member too".to_owned();
        if oddities.wants(OddityKind::Overlap) {
            let expected = "bytes of its own".to_owned();
            oddities.push(Oddity {
                kind: OddityKind::Overlap,
                member: Some(at),
                offset,
                expected,
                observed: observed(),
            });
        }
    }
    for (new, blob) in new.iter_mut().zip(&blobs) {
        new.part.blob = *blob;
    }
    let members: Vec<NewMember<'_>> = new
        .iter()
        .map(|new| NewMember { name: &new.name, kind: new.kind, size: new.part.blob.size, times: Times::default() })
        .collect();
    let (listing, ids) = Listing::new(&members);
    let mut parts: Vec<(MemberId, Part)> = ids.iter().copied().zip(new.iter().map(|new| new.part)).collect();
    parts.sort_unstable_by_key(|(id, _)| *id);
    let mut oddities = oddities.finish();
    for oddity in &mut oddities {
        oddity.member = oddity.member.and_then(|index| ids.get(index).copied());
    }
    (listing, parts.into_iter().map(|(_, part)| part).collect(), oddities)
}

/// Reads a member of a CArchive or PYZ.
fn read_part(
    archive: &Archive<'_>,
    member: MemberId,
    part: &Part,
    header: &[u8],
    limit: u64,
    mut buffer: Vec<u8>,
) -> Content {
    buffer.clear();
    if part.form == Form::Encrypted {
        let problem = Problem::at(ProblemKind::Encrypted, part.blob.offset.min(archive.input.size()));
        return Content { bytes: buffer, ..Content::unread(problem) };
    }
    if part.form == Form::Headless {
        let room = usize::try_from(limit).unwrap_or(usize::MAX);
        let Some((cut, _)) = header.split_at_checked(room) else {
            buffer.extend_from_slice(header);
            return archive.read(member, &part.blob, limit, buffer);
        };
        buffer.extend_from_slice(cut);
        return Content { bytes: buffer, ..Content::unread(Problem::at(ProblemKind::MemberSizeLimit, 0)) };
    }
    archive.read(member, &part.blob, limit, buffer)
}

impl Container for Frozen {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn read_into(&self, member: MemberId, limit: u64, buffer: Vec<u8>) -> Content {
        let Some(part) = self.parts.get(member) else {
            return Content::absent();
        };
        let archive = Archive { input: &self.input, limits: &self.limits, excess: &self.excess };
        read_part(&archive, member, part, &self.header, limit, buffer)
    }

    fn ends(&self, member: MemberId, head: usize, tail: usize) -> Result<Ends, Problem> {
        if let Some(part) = self.parts.get(member).filter(|part| part.form == Form::Whole)
            && let Some(ends) = part.blob.ends(&self.input, head, tail)
        {
            return ends;
        }
        let limit = u64::try_from(head.max(tail)).unwrap_or(u64::MAX);
        Ends::of_content(self.read(member, limit), head, tail)
    }

    fn part(&self, member: MemberId) -> Option<Input> {
        let part = self.parts.get(member).filter(|part| part.form == Form::Whole && !part.blob.shared)?;
        part.blob.part(&self.input)
    }

    fn header_is_restored(&self, member: MemberId) -> bool {
        self.parts.get(member).is_some_and(|part| part.form == Form::Headless)
    }

    fn link(&self, member: MemberId) -> Option<LinkTarget> {
        let link = self.listing.get(member).filter(|member| member.kind == MemberKind::Link)?;
        // Longer targets than PATH_MAX are no links on any system.
        let bytes = self.read(member, 4096).bytes;
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        Some(LinkTarget::of_text(&self.listing, link.folder(), text))
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
