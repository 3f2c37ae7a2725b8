//! What is kept of a stream, and how the rest is had again.
//!
//! As the data of members go by, those that are likely to be read later (bytecode, sources, manifests, archives, by their name or
//! their first bytes) are kept, within what one stream and the process may keep. Of the others only that they went by is known. If
//! not all that is wanted fits, nothing but manifests is kept: the stream is decoded once more, in portions, as its members are judged
//! in its own order. See [`plan`].

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::container::Listing;
use crate::container::Member;
use crate::container::MemberId;
use crate::container::MemberKind;
use crate::container::OtherCode;
use crate::container::Passed;
use crate::container::codec::length;
use crate::container::flow::Hasher;
use crate::container::flow::Stream;
use crate::container::format;
use crate::container::format::Probe;
use crate::container::sequence::BEGINNING;
use crate::container::sequence::Extent;
use crate::container::sequence::plan;
use crate::container::sequence::plan::Need;
use crate::container::sequence::plan::Room;
use crate::container::sequence::portions::Portions;
use crate::container::sequence::slabs::Place;
use crate::container::sequence::slabs::Slabs;
use crate::container::sequence::windows::Windows;
use crate::limits::Limits;
use crate::name;
use crate::problem::Problem;

/// Bytes that all streams of the process keep at the moment. Memory belongs to the process, so its account does too.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// Which part of what may be kept of all streams a portion has; two are in memory at a time.
const PORTION: u64 = 16;

/// And what is carried from portion to portion.
const CARRIED: u64 = 4;

/// And a window of what is asked for out of order.
const WINDOW: u64 = 8;

/// Bytes of a member that goes by which are looked at as a whole before they are let go.
const LOOK: usize = 1 << 17;

/// What is known of a member whose data went by.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Its bytes are kept.
    Kept(Place, Use),
    /// It is likely to be asked for, and its bytes are not kept.
    Wanted,
    /// It is a source: likely to be asked for with its bytecode, and nothing else when it is looked at for itself.
    Source(Passed),
    /// It is neither bytecode nor a source, nor a container that is opened, and has these digests. Of most such members not even
    /// the digests are wanted, and nothing is kept.
    Passed(Passed),
}

/// What a member that is kept is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// To be judged: bytecode, archives.
    Judged,
    /// As a source of bytecode.
    Source,
    /// To be looked up while the container is opened, or at any time: manifests.
    LookUp,
}

impl Use {
    /// What a member of this name is likely to be read for; `None` when its name does not tell.
    fn of_name(name: &[u8]) -> Option<Self> {
        let (folder, file) = name::split_last(name);
        let manifests: [&[u8]; 8] = [
            b"RECORD",
            b"paths.json",
            b"index.json",
            b"manifest.json",
            b"md5sums",
            b"METADATA",
            b"PKG-INFO",
            b"oci-layout",
        ];
        if format::ends_with_any(file, &[b".py", b".pyw"]) {
            Some(Self::Source)
        } else if is_pyc_name(file) {
            Some(Self::Judged)
        } else if format::ends_with_any(file, &[b".pth"])
            || manifests.contains(&file)
            || folder.ends_with(b".dist-info")
        {
            Some(Self::LookUp)
        } else {
            None
        }
    }
}

/// Gathers what is to be kept of a stream while it goes by.
pub(super) struct Gather {
    /// By number of the record.
    fates: HashMap<usize, Fate>,
    /// The bytes that are kept.
    slabs: Slabs,
    share: Share,
    /// Whether not all that is wanted fits.
    is_large: bool,
    member_size: u64,
    /// What may be kept of all streams.
    kept: u64,
    /// Whether the digests of what is let go are wanted, for a manifest to be compared with.
    digests: bool,
    /// And whether MD5 is.
    md5: bool,
}

/// What is kept counts against what the process may keep; it is given back when the archive is closed.
#[derive(Debug)]
struct Share {
    kept: u64,
    /// The most of this stream.
    own: u64,
    /// The most of all.
    most: u64,
}

impl Share {
    /// Asks for room.
    fn take(&mut self, bytes: u64) -> bool {
        if self.kept.saturating_add(bytes) > self.own {
            return false;
        }
        let fits = |kept: u64| kept.checked_add(bytes).filter(|&sum| sum <= self.most);
        let taken = KEPT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if taken {
            self.kept = self.kept.saturating_add(bytes);
        }
        taken
    }

    /// Gives room back.
    fn give_back(&mut self, bytes: u64) {
        let bytes = bytes.min(self.kept);
        self.kept = self.kept.saturating_sub(bytes);
        KEPT.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back(self.kept);
    }
}

impl Gather {
    /// Gathers from an archive of this name and size.
    pub(super) fn new(name: &[u8], size: u64, limits: &Limits) -> Self {
        let own = limits.kept_of_one.min(limits.kept);
        Self {
            fates: HashMap::new(),
            slabs: Slabs::default(),
            share: Share { kept: 0, own, most: limits.kept },
            // What is so large when it is compressed is unlikely to fit.
            is_large: size > own,
            member_size: limits.member_size,
            kept: limits.kept,
            digests: has_manifest(name),
            md5: has_old_manifest(name),
        }
    }

    /// Takes in a member whose data come next; says how many bytes there were.
    pub(super) fn member(&mut self, index: usize, name: &[u8], size: u64, is_sparse: bool, stream: &mut Stream) -> u64 {
        let file = name::split_last(name).1;
        let for_what = if is_sparse { Some(Use::Judged) } else { Use::of_name(name) };
        if let Some(for_what) = for_what.filter(|_| size <= self.member_size) {
            if self.has_room(size, for_what) {
                return self.keep(index, size, &[], for_what, stream);
            }
            if for_what != Use::Source {
                self.fates.insert(index, Fate::Wanted);
                return stream.pass(size, &mut |_| {});
            }
        } else if is_pyc_name(file) {
            // Its beginning is read.
            self.fates.insert(index, Fate::Wanted);
            return stream.pass(size, &mut |_| {});
        }
        let is_source = for_what == Some(Use::Source) && size <= self.member_size;
        // A short member, or the beginning of a long one, is looked at as a whole.
        let mut start = Vec::new();
        let look = size.min(length(LOOK));
        let mut there = stream.pass(look, &mut |piece| start.extend_from_slice(piece));
        let head = start.get(..format::HEAD).unwrap_or(&start);
        let other_code = OtherCode::of(file, head);
        let tail = if look == size { start.as_slice() } else { &[] };
        let mut probe = Probe { name: file, head, tail };
        let mut is_wanted = looks_wanted(&probe) || looks_unread(&probe) || is_source && is_program(head);
        if is_wanted && there == look && size <= self.member_size && self.has_room(size, Use::Judged) {
            let rest = size.saturating_sub(look);
            return there.saturating_add(self.keep(index, rest, &start, Use::Judged, stream));
        }
        // The end of a program or of an archive with a prefix tells what it is.
        let mut hasher = (self.digests || is_source).then(|| Hasher::new(self.md5));
        let mut end: Vec<u8> = Vec::new();
        let most = format::long_tail();
        let wants_tail = format::wants_long_tail(&probe);
        if let Some(hasher) = &mut hasher {
            hasher.update(&start);
        }
        there = there.saturating_add(stream.pass(size.saturating_sub(look), &mut |piece| {
            if let Some(hasher) = &mut hasher {
                hasher.update(piece);
            }
            if wants_tail {
                end.extend_from_slice(piece);
                if end.len() > most.saturating_mul(4) {
                    end.drain(..end.len().saturating_sub(most));
                }
            }
        }));
        if look < size && wants_tail {
            probe.tail = end.get(end.len().saturating_sub(most)..).unwrap_or_default();
            is_wanted = is_wanted || looks_wanted(&probe);
        }
        if is_wanted || there < size {
            self.fates.insert(index, Fate::Wanted);
        } else if hasher.is_some() || other_code.is_some() {
            let (sha256, md5) = hasher.map(Hasher::finish).unzip();
            let passed = Passed { size, sha256, md5: md5.flatten(), other_code };
            self.fates.insert(index, if is_source { Fate::Source(passed) } else { Fate::Passed(passed) });
        }
        there
    }

    /// Asks for room for a member. If there is none for what is to be judged and its sources, none of them is kept any more: all of
    /// the stream is decoded again in any case.
    fn has_room(&mut self, size: u64, for_what: Use) -> bool {
        if for_what == Use::LookUp || !self.is_large {
            if self.share.take(size) {
                return true;
            }
            if !self.is_large {
                self.let_go();
                return for_what == Use::LookUp && self.share.take(size);
            }
        }
        false
    }

    /// Lets all go but what is looked up.
    fn let_go(&mut self) {
        self.is_large = true;
        let slabs = std::mem::take(&mut self.slabs);
        let mut indexes: Vec<usize> = self.fates.keys().copied().collect();
        indexes.sort_unstable();
        for index in indexes {
            let Some(fate) = self.fates.get_mut(&index) else { continue };
            let Fate::Kept(place, for_what) = *fate else { continue };
            let bytes = slabs.get(place);
            *fate = match for_what {
                Use::LookUp => {
                    let place = self.slabs.begin(length(bytes.len()));
                    self.slabs.extend(bytes);
                    Fate::Kept(self.slabs.end(place), for_what)
                }
                Use::Judged => Fate::Wanted,
                Use::Source => of_source(bytes, self.md5),
            };
            if for_what != Use::LookUp {
                self.share.give_back(length(bytes.len()));
            }
        }
    }

    /// Keeps what was read of a member and the rest that comes next, for which there is room; says how many bytes the rest had.
    fn keep(&mut self, index: usize, rest: u64, start: &[u8], for_what: Use, stream: &mut Stream) -> u64 {
        let size = length(start.len()).saturating_add(rest);
        let place = self.slabs.begin(size);
        self.slabs.extend(start);
        let there = stream.pass(rest, &mut |piece| self.slabs.extend(piece));
        self.share.give_back(rest.saturating_sub(there));
        self.fates.insert(index, Fate::Kept(self.slabs.end(place), for_what));
        there
    }

    /// Takes in a member that is all the rest of a stream; says how many bytes there were.
    pub(super) fn rest(&mut self, index: usize, stream: &mut Stream) -> u64 {
        let mut bytes = Vec::new();
        let mut fits = true;
        let there = stream.pass(u64::MAX, &mut |piece| {
            let held = length(bytes.len()).saturating_add(length(piece.len()));
            fits = fits && held <= self.member_size && self.share.take(length(piece.len()));
            if fits {
                bytes.extend_from_slice(piece);
            } else if !bytes.is_empty() {
                bytes = Vec::new();
            }
        });
        let fate = if fits {
            let place = self.slabs.begin(length(bytes.len()));
            self.slabs.extend(&bytes);
            Fate::Kept(self.slabs.end(place), Use::Judged)
        } else {
            self.share.give_back(u64::MAX);
            Fate::Wanted
        };
        self.fates.insert(index, fate);
        there
    }

    /// A hard link has the data of another member.
    pub(super) fn same(&mut self, index: usize, target: usize, name: &[u8]) {
        let for_what = Use::of_name(name);
        let fate = match self.fates.get(&target) {
            Some(Fate::Source(passed)) if for_what == Some(Use::Source) => Fate::Source(*passed),
            Some(&fate @ (Fate::Kept(..) | Fate::Wanted)) => fate,
            _ if for_what.is_some() => Fate::Wanted,
            Some(Fate::Source(passed) | Fate::Passed(passed)) => Fate::Passed(*passed),
            None => return,
        };
        self.fates.insert(index, fate);
    }

    /// The store, once the numbers of records have become ids and the extents of their data are known.
    pub(super) fn finish(mut self, ids: &[MemberId], listing: &Listing, extent: &dyn Fn(MemberId) -> Extent) -> Store {
        self.slabs.close();
        let fates: HashMap<MemberId, Fate> =
            self.fates.into_iter().filter_map(|(index, fate)| Some((*ids.get(index)?, fate))).collect();
        let room = Room { portion: self.kept / PORTION, carried: self.kept / CARRIED };
        let needs = needs(listing, &fates, &|member| readable(extent(member), self.member_size));
        Store {
            fates,
            slabs: self.slabs,
            portions: Portions::new(plan::plan(&needs, room)),
            windows: OnceLock::new(),
            window: self.kept / WINDOW,
            held: if needs.is_empty() { 0 } else { room.portion.saturating_mul(2).saturating_add(room.carried) },
            member_size: self.member_size,
            share: self.share,
        }
    }
}

/// What is kept of a stream.
#[derive(Debug)]
pub(super) struct Store {
    fates: HashMap<MemberId, Fate>,
    /// The bytes that are kept.
    slabs: Slabs,
    /// How those that are wanted and not kept are had in the order of the stream.
    portions: Portions,
    /// And how one of them is had out of order; made when the first is.
    windows: OnceLock<Windows>,
    /// Bytes of a window.
    window: u64,
    /// Bytes of what is decoded ahead.
    held: u64,
    member_size: u64,
    share: Share,
}

impl Store {
    /// What was learned of a member as it went by.
    pub(super) fn passed(&self, member: MemberId, size: u64) -> Option<Passed> {
        match self.fates.get(&member) {
            Some(Fate::Passed(passed) | Fate::Source(passed)) => Some(*passed),
            Some(Fate::Kept(..) | Fate::Wanted) => None,
            None => Some(Passed { size, sha256: None, md5: None, other_code: None }),
        }
    }

    /// The members of a portion.
    pub(super) fn portion(&self, number: usize) -> Option<&[MemberId]> {
        self.portions.members(number)
    }

    /// Decodes a portion.
    pub(super) fn prepare(&self, number: usize, unpack: &dyn Fn() -> Stream) {
        self.portions.prepare(number, unpack);
    }

    /// Bytes that are kept, and those that may be decoded ahead.
    pub(super) fn held(&self) -> u64 {
        self.share.kept.saturating_add(self.held)
    }

    /// Appends up to `wanted` bytes of a member.
    pub(super) fn read(
        &self,
        member: MemberId,
        wanted: usize,
        extent: &dyn Fn(MemberId) -> Extent,
        unpack: &dyn Fn() -> Stream,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        if let Some(Fate::Kept(place, _)) = self.fates.get(&member) {
            let from = self.slabs.get(*place);
            bytes.extend_from_slice(from.get(..wanted).unwrap_or(from));
            return Ok(());
        }
        let own = extent(member);
        if own.length == 0 || self.portions.read(readable(own, self.member_size), wanted, bytes) {
            return Ok(());
        }
        self.windows(extent).read(member, own, wanted, unpack, bytes)
    }

    /// Whether a member is likely to be asked for and would have to be decoded.
    pub(super) fn is_unkept(&self, member: MemberId) -> bool {
        matches!(self.fates.get(&member), Some(Fate::Wanted | Fate::Source(_)))
    }

    /// The windows of what is asked for out of order.
    fn windows(&self, extent: &dyn Fn(MemberId) -> Extent) -> &Windows {
        self.windows.get_or_init(|| {
            let mut wanted: Vec<MemberId> =
                self.fates.keys().copied().filter(|&member| self.is_unkept(member)).collect();
            wanted.sort_unstable();
            Windows::new(wanted.into_iter().map(|member| (member, extent(member))), self.window)
        })
    }
}

/// What is read of a member: of one that is too large its beginning.
fn readable(extent: Extent, member_size: u64) -> Extent {
    if extent.length > member_size { Extent { length: member_size.min(BEGINNING), ..extent } } else { extent }
}

/// What becomes of a source that was kept.
fn of_source(bytes: &[u8], md5: bool) -> Fate {
    let head = bytes.get(..format::HEAD).unwrap_or(bytes);
    let tail = bytes.get(bytes.len().saturating_sub(format::long_tail())..).unwrap_or_default();
    // The endings of sources tell nothing.
    if looks_wanted(&Probe { name: b".py", head, tail }) || is_program(head) {
        return Fate::Wanted;
    }
    let mut hasher = Hasher::new(md5);
    hasher.update(bytes);
    let (sha256, md5) = hasher.finish();
    let other_code = OtherCode::of(b".py", head);
    Fate::Source(Passed { size: length(bytes.len()), sha256: Some(sha256), md5, other_code })
}

/// The members that are to be judged and are not kept, in path order, each with the source beside it.
fn needs(listing: &Listing, fates: &HashMap<MemberId, Fate>, extent: &dyn Fn(MemberId) -> Extent) -> Vec<Need> {
    let is_unkept = |member: MemberId| matches!(fates.get(&member), Some(Fate::Wanted | Fate::Source(_)));
    let mut wanted: Vec<MemberId> =
        fates.iter().filter(|(_, fate)| matches!(fate, Fate::Wanted)).map(|(&member, _)| member).collect();
    wanted.sort_unstable();
    let mut needs = Vec::with_capacity(wanted.len());
    for member in wanted {
        let own = extent(member);
        if own.length == 0 {
            continue;
        }
        let source = listing.get(member).and_then(|found| source_beside(listing, found));
        let source = source.filter(|&source| is_unkept(source)).map(extent).filter(|source| source.length > 0);
        needs.push(Need { member, own, source });
    }
    needs
}

/// The source beside a pyc, by the plain form of its name; a guess that saves a pass when it is right.
fn source_beside(listing: &Listing, pyc: Member<'_>) -> Option<MemberId> {
    if !pyc.file().ends_with(b".pyc") && !pyc.file().ends_with(b".pyo") {
        return None;
    }
    let (parent, last) = name::split_last(pyc.folder());
    let folder = if last == b"__pycache__" { parent } else { pyc.folder() };
    let stem = pyc.file().split(|&byte| byte == b'.').next().unwrap_or_default();
    let source = listing.find(folder, &[stem, b".py"].concat())?;
    (source.kind == MemberKind::File).then_some(source.id)
}

/// Whether a name is that of bytecode.
fn is_pyc_name(file: &[u8]) -> bool {
    format::ends_with_any(file, &[b".pyc", b".pyo"])
}

/// Whether a compressed file that begins so is worth decoding to its end: bytecode, an archive, or what may have one behind it.
pub(crate) fn is_worth_keeping(probe: &Probe<'_>) -> bool {
    is_pyc_name(probe.name) || looks_wanted(probe) || format::wants_long_tail(probe)
}

/// Whether a member that begins so is likely to be read: as bytecode under another name, or as an archive.
fn looks_wanted(probe: &Probe<'_>) -> bool {
    // All magic numbers since 1.3 end in CR LF; those before that have 99 00.
    let is_magic = matches!(probe.head, [_, _, b'\r', b'\n', ..] | [_, _, 0x99, 0, ..]);
    is_magic || format::recognise(probe).is_some_and(|format| format.open.is_some())
}

/// Whether a member that begins so is one that is reported because it cannot be opened.
fn looks_unread(probe: &Probe<'_>) -> bool {
    let is_unread = || format::recognise(probe).is_some_and(|format| format.is_unread(probe.name));
    format::missing_archive(probe.name, probe.head).is_some() || is_unread()
}

/// Whether what begins so is a program, which is searched as a whole.
fn is_program(head: &[u8]) -> bool {
    head.starts_with(b"MZ") || head.starts_with(b"\x7fELF")
}

/// Whether an archive of this name is one whose members a manifest lists with their digests: conda's and Debian's.
fn has_manifest(name: &[u8]) -> bool {
    let file = name::split_last(name).1;
    file.ends_with(b".tar.bz2") || file.starts_with(b"pkg-") || file.starts_with(b"data.tar") || file.ends_with(b".rpm")
}

/// Whether such a manifest may have MD5: of Debian packages, and of old RPM packages.
fn has_old_manifest(name: &[u8]) -> bool {
    let file = name::split_last(name).1;
    file.starts_with(b"data.tar") || file.ends_with(b".rpm")
}
