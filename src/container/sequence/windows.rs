//! What was not kept of a stream and is asked for out of its order: sources that lie elsewhere, and archives that are only searched
//! for sources. Neighbours in path order are decoded together, since what is asked for next is likely to be one of them.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::container::MemberId;
use crate::container::codec::length;
use crate::container::flow::Stream;
use crate::container::sequence::Extent;
use crate::container::sequence::slabs::LARGE_SLAB;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Windows of one archive in memory at a time: the one that is read from, and that of sources which lie elsewhere.
const SLOTS: usize = 2;

/// Groups of members that are decoded together.
#[derive(Debug)]
pub(super) struct Windows {
    /// In path order.
    parts: Vec<Window>,
    /// Those in memory, the one used last in front.
    slots: Mutex<VecDeque<Arc<Loaded>>>,
    /// How often the stream may still be decoded.
    passes: AtomicU64,
}

/// Members that are decoded together, in path order.
type Window = Vec<(MemberId, Extent)>;

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

impl Windows {
    /// Parts members, which come in path order, into windows of at most so many bytes. Larger members are in none.
    pub(super) fn new(members: impl Iterator<Item = (MemberId, Extent)>, most: u64) -> Self {
        let mut windows = Vec::new();
        let mut window = Window::default();
        let mut bytes = 0_u64;
        for (member, extent) in members.filter(|(_, extent)| extent.length <= most) {
            if bytes.saturating_add(extent.length) > most && !window.is_empty() {
                windows.push(std::mem::take(&mut window));
                bytes = 0;
            }
            bytes = bytes.saturating_add(extent.length);
            window.push((member, extent));
        }
        if !window.is_empty() {
            windows.push(window);
        }
        // Every window may be decoded a few times for itself, and for a few searches among all sources.
        let passes = length(windows.len()).saturating_mul(16).saturating_add(64);
        Self { parts: windows, slots: Mutex::new(VecDeque::new()), passes: AtomicU64::new(passes) }
    }

    /// Appends up to `wanted` bytes of a member.
    pub(super) fn read(
        &self,
        member: MemberId,
        extent: Extent,
        wanted: usize,
        unpack: &dyn Fn() -> Stream,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let append = |bytes: &mut Vec<u8>, from: &[u8]| bytes.extend_from_slice(from.get(..wanted).unwrap_or(from));
        let Some(window) = self.window(member) else { return self.alone(extent, wanted, unpack, bytes) };
        // One thread decodes, and the others that want the same window wait for it.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = slots.iter().position(|loaded| loaded.members.contains_key(&member)) {
            if let Some(loaded) = slots.remove(at) {
                slots.push_front(Arc::clone(&loaded));
                drop(slots);
                append(bytes, loaded.get(member).unwrap_or_default());
            }
            return Ok(());
        }
        self.pass()?;
        slots.truncate(SLOTS.saturating_sub(1));
        let loaded = load(window, unpack);
        append(bytes, loaded.get(member).unwrap_or_default());
        slots.push_front(Arc::new(loaded));
        Ok(())
    }

    /// The window that a member is in.
    fn window(&self, member: MemberId) -> Option<&Window> {
        let is_before = |window: &Window| window.last().is_some_and(|&(last, _)| last < member);
        let window = self.parts.get(self.parts.partition_point(is_before))?;
        window.binary_search_by_key(&member, |&(member, _)| member).is_ok().then_some(window)
    }

    /// Decodes for one member alone: what is in no window.
    fn alone(
        &self,
        extent: Extent,
        wanted: usize,
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

/// Hands over the bytes of each of these in one pass, in the order of the stream; equal extents come once for each member.
pub(super) fn each(
    members: impl Iterator<Item = (MemberId, Extent)>,
    unpack: &dyn Fn() -> Stream,
    take: &mut dyn FnMut(MemberId, &[u8]),
) {
    let mut order: Vec<(Extent, MemberId)> = members.map(|(member, extent)| (extent, member)).collect();
    order.sort_by_key(|(extent, member)| (extent.offset, extent.length, *member));
    let mut stream = unpack();
    let mut bytes = Vec::new();
    let mut last: Option<Extent> = None;
    for (extent, member) in order {
        if last != Some(extent) {
            bytes.clear();
            stream.pass(extent.offset.saturating_sub(stream.position()), &mut |_| {});
            stream.pass(extent.length, &mut |piece| bytes.extend_from_slice(piece));
        }
        take(member, &bytes);
        last = Some(extent);
    }
}

/// Decodes these members in one pass.
fn load(members: &[(MemberId, Extent)], unpack: &dyn Fn() -> Stream) -> Loaded {
    let mut loaded = Loaded { bytes: Vec::with_capacity(LARGE_SLAB), members: HashMap::with_capacity(members.len()) };
    let mut last: Option<(Extent, Range<usize>)> = None;
    let extents: HashMap<MemberId, Extent> = members.iter().copied().collect();
    each(members.iter().copied(), unpack, &mut |member, bytes| {
        let extent = extents.get(&member).copied().unwrap_or_default();
        let same = last.as_ref().filter(|(other, _)| *other == extent).map(|(_, range)| range.clone());
        let range = same.unwrap_or_else(|| {
            let start = loaded.bytes.len();
            loaded.bytes.extend_from_slice(bytes);
            start..loaded.bytes.len()
        });
        loaded.members.insert(member, range.clone());
        last = Some((extent, range));
    });
    loaded
}
