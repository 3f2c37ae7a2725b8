//! What is kept of a stream, and how the rest is had again.
//!
//! As the data of members go by, those that are likely to be read later (bytecode, sources, manifests, archives, by their name or
//! their first bytes) are kept, within what the process may keep of all streams together. Of the others only that they went by is
//! known. If not all that is wanted could be kept, the members are parted in path order into windows that fit into memory, each
//! source beside its bytecode; a window is decoded when its first member is asked for.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
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
use crate::container::sequence::Extent;
use crate::container::sequence::slabs::Place;
use crate::container::sequence::slabs::Slabs;
use crate::limits::Limits;
use crate::name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Bytes that all streams of the process keep at the moment. Memory belongs to the process, so its account does too.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// Windows of one archive in memory at a time: that of the bytecode, and that of sources which lie elsewhere.
const SLOTS: usize = 2;

/// Which part of what may be kept of all streams a window has.
const PART: u64 = 8;

/// Bytes of a member that goes by which are looked at as a whole before they are let go.
const LOOK: usize = 1 << 17;

/// What is known of a member whose data went by.
#[derive(Debug)]
enum Fate {
    /// Its bytes are kept.
    Kept(Place),
    /// It is likely to be asked for, and its bytes are not kept.
    Wanted,
    /// It is neither bytecode nor a source, nor a container that is opened, and has these digests. Of most such members not even
    /// the digests are wanted, and nothing is kept.
    Passed(Passed),
}

/// Gathers what is to be kept of a stream while it goes by.
pub(super) struct Gather {
    /// By number of the record.
    fates: HashMap<usize, Fate>,
    /// The bytes that are kept.
    slabs: Slabs,
    share: Share,
    member_size: u64,
    window: u64,
    /// Whether the digests of what is let go are wanted, for a manifest to be compared with.
    digests: bool,
    /// And whether MD5 is.
    md5: bool,
}

/// What is kept counts against what the process may keep; it is given back when the archive is closed.
#[derive(Debug)]
struct Share {
    kept: u64,
    most: u64,
}

impl Share {
    /// Asks for room.
    fn take(&mut self, bytes: u64) -> bool {
        let fits = |kept: u64| kept.checked_add(bytes).filter(|&sum| sum <= self.most);
        let taken = KEPT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if taken {
            self.kept = self.kept.saturating_add(bytes);
        }
        taken
    }
}

impl Share {
    /// Gives all room back.
    fn give_back(&mut self) {
        KEPT.fetch_sub(std::mem::take(&mut self.kept), Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Gather {
    /// Gathers from an archive of this name.
    pub(super) fn new(name: &[u8], limits: &Limits) -> Self {
        Self {
            fates: HashMap::new(),
            slabs: Slabs::default(),
            share: Share { kept: 0, most: limits.kept },
            member_size: limits.member_size,
            window: limits.kept / PART,
            digests: has_manifest(name),
            md5: has_old_manifest(name),
        }
    }

    /// Takes in a member whose data come next; says how many bytes there were.
    pub(super) fn member(&mut self, index: usize, name: &[u8], size: u64, is_sparse: bool, stream: &mut Stream) -> u64 {
        let file = name::split_last(name).1;
        let wanted = size <= self.member_size && (is_sparse || is_wanted_name(name));
        if wanted {
            return self.keep(index, size, &[], stream);
        }
        // A short member, or the beginning of a long one, is looked at as a whole.
        let mut start = Vec::new();
        let look = size.min(length(LOOK));
        let mut there = stream.pass(look, &mut |piece| start.extend_from_slice(piece));
        let head = start.get(..format::HEAD).unwrap_or(&start);
        let other_code = OtherCode::of(file, head);
        let tail = if look == size { start.as_slice() } else { &[] };
        let mut probe = Probe { name: file, head, tail };
        let mut is_wanted = looks_wanted(&probe) || format::missing_archive(file, head).is_some();
        if is_wanted && there == look && size <= self.member_size {
            return there.saturating_add(self.keep(index, size.saturating_sub(look), &start, stream));
        }
        // The end of a program or of an archive with a prefix tells what it is.
        let mut hasher = self.digests.then(|| Hasher::new(self.md5));
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
            self.fates.insert(index, Fate::Passed(Passed { size, sha256, md5: md5.flatten(), other_code }));
        }
        there
    }

    /// Keeps what was read of a member and the rest that comes next, if there is room; says how many bytes the rest had.
    fn keep(&mut self, index: usize, rest: u64, start: &[u8], stream: &mut Stream) -> u64 {
        let size = length(start.len()).saturating_add(rest);
        if !self.share.take(size) {
            self.fates.insert(index, Fate::Wanted);
            return stream.pass(rest, &mut |_| {});
        }
        let place = self.slabs.begin(size);
        self.slabs.extend(start);
        let there = stream.pass(rest, &mut |piece| self.slabs.extend(piece));
        self.fates.insert(index, Fate::Kept(self.slabs.end(place)));
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
        if !fits {
            self.share.give_back();
        }
        let fate = if fits {
            let place = self.slabs.begin(length(bytes.len()));
            self.slabs.extend(&bytes);
            Fate::Kept(self.slabs.end(place))
        } else {
            Fate::Wanted
        };
        self.fates.insert(index, fate);
        there
    }

    /// A hard link has the data of another member.
    pub(super) fn same(&mut self, index: usize, target: usize, name: &[u8]) {
        let fate = match self.fates.get(&target) {
            Some(Fate::Kept(place)) => Fate::Kept(*place),
            Some(Fate::Wanted) => Fate::Wanted,
            _ if is_wanted_name(name) => Fate::Wanted,
            Some(Fate::Passed(passed)) => Fate::Passed(*passed),
            None => return,
        };
        self.fates.insert(index, fate);
    }

    /// The store, once the numbers of records have become ids and the lengths of their data are known.
    pub(super) fn finish(mut self, ids: &[MemberId], listing: &Listing, size: &dyn Fn(MemberId) -> u64) -> Store {
        self.slabs.close();
        let fates: HashMap<MemberId, Fate> =
            self.fates.into_iter().filter_map(|(index, fate)| Some((*ids.get(index)?, fate))).collect();
        let windows = windows(listing, &fates, size, self.window);
        // Every window may be decoded for its bytecode and for the sources in it, and for a few searches among all sources.
        let passes = length(windows.len()).saturating_mul(16).saturating_add(64);
        Store {
            fates,
            slabs: self.slabs,
            windows,
            slots: Mutex::new(VecDeque::new()),
            passes: AtomicU64::new(passes),
            window: self.window,
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
    /// The wanted members of each window that are not kept, and the first id of the next.
    windows: Vec<Window>,
    /// Windows in memory, the one used last in front.
    slots: Mutex<VecDeque<Arc<Loaded>>>,
    /// How often the stream may still be decoded.
    passes: AtomicU64,
    /// Bytes of a window.
    window: u64,
    share: Share,
}

/// Members that are decoded together.
#[derive(Debug, Default)]
struct Window {
    /// The first id that belongs to the next window.
    end: MemberId,
    /// What it holds.
    members: Vec<MemberId>,
}

/// A window in memory.
#[derive(Debug)]
struct Loaded {
    /// All their bytes in one piece.
    bytes: Vec<u8>,
    /// Where in it each is.
    members: HashMap<MemberId, Range<usize>>,
}

impl Loaded {
    /// The bytes of a member.
    fn get(&self, member: MemberId) -> Option<&[u8]> {
        self.bytes.get(self.members.get(&member)?.clone())
    }
}

impl Store {
    /// What was learned of a member as it went by.
    pub(super) fn passed(&self, member: MemberId, size: u64) -> Option<Passed> {
        match self.fates.get(&member) {
            Some(Fate::Passed(passed)) => Some(*passed),
            Some(Fate::Kept(_) | Fate::Wanted) => None,
            None => Some(Passed { size, sha256: None, md5: None, other_code: None }),
        }
    }

    /// The number of the window that a member is in; `None` when all that is wanted is kept.
    pub(super) fn window(&self, member: MemberId) -> Option<usize> {
        (!self.windows.is_empty()).then(|| self.windows.partition_point(|window| window.end <= member))
    }

    /// Bytes that are kept, and those of a window that may be decoded.
    pub(super) fn held(&self) -> u64 {
        self.share.kept.saturating_add(if self.windows.is_empty() { 0 } else { self.window })
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
        let append = |bytes: &mut Vec<u8>, from: &[u8]| bytes.extend_from_slice(from.get(..wanted).unwrap_or(from));
        match self.fates.get(&member) {
            Some(Fate::Kept(place)) => {
                append(bytes, self.slabs.get(*place));
                return Ok(());
            }
            _ if extent(member).length == 0 => return Ok(()),
            _ => {}
        }
        if let Some(loaded) = self.in_slot(member) {
            append(bytes, loaded.get(member).unwrap_or_default());
            return Ok(());
        }
        let number = self.window(member);
        let in_window =
            number.and_then(|number| self.windows.get(number)).filter(|window| window.members.contains(&member));
        let Some(window) = in_window.filter(|_| extent(member).length <= self.window) else {
            return self.alone(wanted, extent(member), unpack, bytes);
        };
        // One thread decodes, and the others that want the same window wait for it.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = slots.iter().find_map(|loaded| loaded.get(member)) {
            append(bytes, loaded);
            return Ok(());
        }
        self.pass()?;
        slots.truncate(SLOTS.saturating_sub(1));
        let loaded = load(&window.members, extent, unpack);
        append(bytes, loaded.get(member).unwrap_or_default());
        slots.push_front(Arc::new(loaded));
        Ok(())
    }

    /// The window of a member, if it is in memory.
    fn in_slot(&self, member: MemberId) -> Option<Arc<Loaded>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let at = slots.iter().position(|loaded| loaded.members.contains_key(&member))?;
        let loaded = slots.remove(at)?;
        slots.push_front(Arc::clone(&loaded));
        Some(loaded)
    }

    /// Decodes for one member alone: what is in no window, or larger than one.
    fn alone(
        &self,
        wanted: usize,
        extent: Extent,
        unpack: &dyn Fn() -> Stream,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        self.pass()?;
        let mut stream = unpack();
        stream.pass(extent.offset, &mut |_| {});
        stream.pass(extent.length.min(length(wanted)), &mut |piece| bytes.extend_from_slice(piece));
        Ok(())
    }

    /// Counts a pass over the stream: a row of names may be made so that each read needs another.
    fn pass(&self) -> Result<(), Problem> {
        let taken = self.passes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let spent = |_| Problem::new(ProblemKind::TotalSizeLimit).with_detail("unpacked too often");
        taken.map(|_| ()).map_err(spent)
    }
}

/// Decodes these members in one pass.
fn load(members: &[MemberId], extent: &dyn Fn(MemberId) -> Extent, unpack: &dyn Fn() -> Stream) -> Loaded {
    let mut order: Vec<(Extent, MemberId)> = members.iter().map(|&member| (extent(member), member)).collect();
    order.sort_by_key(|(extent, member)| (extent.offset, extent.length, *member));
    let mut stream = unpack();
    let mut loaded = Loaded { bytes: Vec::new(), members: HashMap::with_capacity(order.len()) };
    let mut last: Option<(Extent, Range<usize>)> = None;
    for (extent, member) in order {
        let same = last.as_ref().filter(|(other, _)| *other == extent).map(|(_, range)| range.clone());
        let range = same.unwrap_or_else(|| {
            stream.pass(extent.offset.saturating_sub(stream.position()), &mut |_| {});
            let start = loaded.bytes.len();
            stream.pass(extent.length, &mut |piece| loaded.bytes.extend_from_slice(piece));
            start..loaded.bytes.len()
        });
        loaded.members.insert(member, range.clone());
        last = Some((extent, range));
    }
    // A buffer that grew by doubling is up to twice as large as what is in it.
    loaded.bytes.shrink_to_fit();
    loaded
}

/// Parts the wanted members that are not kept into windows, in path order, each with the sources of its bytecode.
fn windows(
    listing: &Listing,
    fates: &HashMap<MemberId, Fate>,
    size: &dyn Fn(MemberId) -> u64,
    most: u64,
) -> Vec<Window> {
    let is_wanted = |member: MemberId| matches!(fates.get(&member), Some(Fate::Wanted)) && size(member) <= most;
    let mut windows = Vec::new();
    let mut window = Window::default();
    let mut held = std::collections::HashSet::new();
    let mut bytes = 0_u64;
    for member in listing.members().filter(|member| is_wanted(member.id)) {
        let source = source_beside(listing, member).filter(|&source| is_wanted(source));
        let both = [Some(member.id), source].into_iter().flatten();
        let new: Vec<MemberId> = both.filter(|id| !held.contains(id)).collect();
        let more = new.iter().fold(0_u64, |sum, &id| sum.saturating_add(size(id)));
        if bytes.saturating_add(more) > most && !window.members.is_empty() {
            window.end = member.id;
            windows.push(std::mem::take(&mut window));
            held.clear();
            bytes = 0;
            let both = [Some(member.id), source].into_iter().flatten();
            for id in both {
                held.insert(id);
                window.members.push(id);
                bytes = bytes.saturating_add(size(id));
            }
            continue;
        }
        bytes = bytes.saturating_add(more);
        for id in new {
            held.insert(id);
            window.members.push(id);
        }
    }
    if !window.members.is_empty() {
        window.end = MemberId::MAX;
        windows.push(window);
    }
    for window in &mut windows {
        window.members.sort_unstable();
    }
    windows
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

/// Whether a member is likely to be read, by its name: bytecode, sources, manifests, what `site` runs.
fn is_wanted_name(name: &[u8]) -> bool {
    let (folder, file) = name::split_last(name);
    let ends = |ending: &[u8]| {
        let tail = file.len().checked_sub(ending.len()).and_then(|at| file.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
    };
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
    [&b".py"[..], b".pyw", b".pyc", b".pyo", b".pth"].iter().any(|ending| ends(ending))
        || manifests.contains(&file)
        || folder.ends_with(b".dist-info")
}

/// Whether a compressed file that begins so is worth decoding to its end: bytecode, an archive, or what may have one behind it.
pub(crate) fn is_worth_keeping(probe: &Probe<'_>) -> bool {
    let is_pyc = [&b".pyc"[..], b".pyo"].iter().any(|ending| format::ends_with_any(probe.name, &[ending]));
    is_pyc || looks_wanted(probe) || format::wants_long_tail(probe)
}

/// Whether a member that begins so is likely to be read: as bytecode under another name, or as an archive.
fn looks_wanted(probe: &Probe<'_>) -> bool {
    // All magic numbers since 1.3 end in CR LF; those before that have 99 00.
    let is_magic = matches!(probe.head, [_, _, b'\r', b'\n', ..] | [_, _, 0x99, 0, ..]);
    is_magic || format::recognise(probe).is_some_and(|format| format.open.is_some())
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
