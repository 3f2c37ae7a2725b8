//! Bytes that are read by position: an open file or memory. Any number of threads may read one input at once, without a lock.
//!
//! Nothing is mapped: a file that shrinks while it is read gives a short read, not a signal.

use std::fs::File;
use std::io;
use std::sync::Arc;

use md5::Md5;
use sha2::Digest as _;
use sha2::Sha256;

use crate::artifact::Md5Digest;
use crate::artifact::Sha256Digest;

/// Bytes that are hashed at a time.
const BLOCK: usize = 1 << 18;

/// An open file, or bytes in memory.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where the bytes are.
    store: Store,
    /// Where the first of them is in the store.
    start: u64,
    /// How many there were when it was opened.
    size: u64,
    /// Whether it is a part, which does not grow with its file.
    is_part: bool,
}

/// Where the bytes are.
#[derive(Clone, Debug)]
enum Store {
    /// On disk.
    File(Arc<File>),
    /// In memory.
    Memory(Arc<Vec<u8>>),
}

impl Input {
    /// An open file of this size.
    pub fn from_file(file: File, size: u64) -> Self {
        Self { store: Store::File(Arc::new(file)), start: 0, size, is_part: false }
    }

    /// Bytes in memory.
    pub fn from_bytes(bytes: impl Into<Arc<Vec<u8>>>) -> Self {
        let bytes = bytes.into();
        Self {
            start: 0,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            store: Store::Memory(bytes),
            is_part: false,
        }
    }

    /// A part of the bytes as an input of its own; `None` when it is not all there.
    pub fn part(&self, offset: u64, length: u64) -> Option<Self> {
        let end = offset.checked_add(length).filter(|&end| end <= self.size)?;
        let start = self.start.checked_add(offset)?;
        (start <= self.start.saturating_add(end)).then(|| Self {
            store: self.store.clone(),
            start,
            size: length,
            is_part: true,
        })
    }

    /// The digest of all bytes, read block by block.
    pub fn digest(&self) -> io::Result<Sha256Digest> {
        let mut hasher = Sha256::new();
        self.each_block(&mut |bytes| hasher.update(bytes))?;
        Ok(Sha256Digest(hasher.finalize().into()))
    }

    /// The MD5 of all bytes.
    pub fn md5(&self) -> io::Result<Md5Digest> {
        let mut hasher = Md5::new();
        self.each_block(&mut |bytes| hasher.update(bytes))?;
        Ok(Md5Digest(hasher.finalize().into()))
    }

    /// Hands over all bytes, block by block.
    fn each_block(&self, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if let Some(bytes) = self.in_memory() {
            take(bytes);
            return Ok(());
        }
        let mut block = vec![0; BLOCK];
        let mut offset = 0_u64;
        loop {
            let read = self.read_at(&mut block, offset)?;
            if read == 0 {
                return Ok(());
            }
            take(block.get(..read).unwrap_or_default());
            offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes, when they are in memory.
    pub fn in_memory(&self) -> Option<&[u8]> {
        match &self.store {
            Store::File(_) => None,
            Store::Memory(bytes) => {
                let start = usize::try_from(self.start).ok()?;
                let end = start.checked_add(usize::try_from(self.size).ok()?)?;
                bytes.get(start..end)
            }
        }
    }

    /// Reads into the buffer from this offset on until it is full or the input ends; says how many bytes were read.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.store {
            Store::File(file) => {
                // A file may have grown; a part of it ends where it ends.
                let there = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
                let length = if self.is_part { buffer.len().min(there) } else { buffer.len() };
                let room = buffer.get_mut(..length).unwrap_or_default();
                fill(file, room, self.start.saturating_add(offset), there)
            }
            Store::Memory(_) => {
                let bytes = self.in_memory().unwrap_or_default();
                let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
                    to.copy_from_slice(from);
                }
                Ok(count)
            }
        }
    }

    /// As many of `length` bytes from this offset on as there are. The memory it takes is bounded by the input's size.
    pub fn bytes_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let there = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(there)];
        let count = self.read_at(&mut bytes, offset)?;
        bytes.truncate(count);
        Ok(bytes)
    }
}

/// Reads a file by position until the buffer is full or the file ends, as a rule where so many bytes were expected: a read that stops
/// there has come to the end, and no other one has to find that out.
fn fill(file: &File, buffer: &mut [u8], offset: u64, expected: usize) -> io::Result<usize> {
    let mut count = 0_usize;
    while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
        let wanted = rest.len();
        let at = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        match read_some(file, rest, at) {
            Ok(0) => break,
            Ok(more) => {
                count = count.saturating_add(more);
                if more < wanted && count == expected {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// One positional read.
#[cfg(unix)]
fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// One positional read. It moves the file's cursor, which nobody uses.
#[cfg(windows)]
fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// A buffered view of an input for reading records that lie near one another.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    /// What is read.
    input: &'a Input,
    /// Where the buffer begins.
    start: u64,
    /// Bytes from there on; unused when the input is in memory.
    buffer: Vec<u8>,
}

/// Bytes that a window reads at a time.
const WINDOW: usize = 1 << 18;

impl<'a> Window<'a> {
    /// A view of this input.
    pub(crate) fn new(input: &'a Input) -> Self {
        Self { input, start: 0, buffer: Vec::new() }
    }

    /// The bytes from this offset on: `length`, or fewer where the input ends.
    pub(crate) fn get(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        self.some(offset, length, length)
    }

    /// Between `least` and `most` bytes from this offset on, fewer where the input ends: what is held already, if that is
    /// enough.
    pub(crate) fn some(&mut self, offset: u64, least: usize, most: usize) -> io::Result<&[u8]> {
        if let Some(bytes) = self.input.in_memory() {
            let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            return Ok(rest.get(..most).unwrap_or(rest));
        }
        let relative = |start: u64| offset.checked_sub(start).and_then(|at| usize::try_from(at).ok());
        let held = relative(self.start).and_then(|at| self.buffer.len().checked_sub(at)).unwrap_or_default();
        if held < least {
            self.start = offset;
            self.buffer = self.input.bytes_at(offset, most.max(WINDOW))?;
        }
        let at = relative(self.start).unwrap_or_default();
        let rest = self.buffer.get(at..).unwrap_or_default();
        Ok(rest.get(..most).unwrap_or(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_what_reads_by_position_show() {
        let bytes: Vec<u8> = (0..250_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        let inputs = [Input::from_bytes(bytes.clone()), Input::from_file(file, 1_000_000)];
        for input in inputs {
            let mut window = Window::new(&input);
            for (offset, length) in
                [(0_usize, 10_usize), (262_140, 10), (5, 500_000), (999_990, 20), (0, 1), (1_000_001, 5)]
            {
                let end = bytes.len().min(offset.saturating_add(length));
                let expected = bytes.get(offset..end).unwrap_or_default();
                let at = u64::try_from(offset).unwrap();
                assert_eq!(window.get(at, length).unwrap(), expected, "{offset} {length}");
                assert_eq!(input.bytes_at(at, length).unwrap(), expected);
            }
            assert_eq!(input.bytes_at(u64::MAX, usize::MAX).unwrap(), b"");
        }
    }
}
