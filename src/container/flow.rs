//! Bytes that are walked forwards, by position where they lie plain and through a decoder where they are compressed: what walkers
//! of sequential archives (tar, cpio) read, so that each is written once.

use std::io;

use md5::Md5;
use sha2::Digest as _;
use sha2::Sha256;

use crate::artifact::Md5Digest;
use crate::artifact::Sha256Digest;
use crate::container::Input;
use crate::container::codec::Decoder;
use crate::container::codec::length;
use crate::container::input::Window;

/// Bytes that are decoded at a time.
const BUFFER: usize = 1 << 16;

/// Bytes that are walked forwards.
pub(crate) enum Flow<'a> {
    /// They lie plain: passing over them costs nothing.
    Plain {
        /// A buffered view of them.
        window: Window<'a>,
        /// How many there are.
        size: u64,
        /// Where the next one is.
        at: u64,
    },
    /// They are decoded as they are walked.
    Stream(Box<Stream>),
}

/// A decoder and what it gave.
pub(crate) struct Stream {
    decoder: Decoder,
    buffer: Vec<u8>,
    /// What of the buffer is not used yet.
    from: usize,
    to: usize,
    /// Where the first byte that is not used is, in the decoded bytes.
    at: u64,
}

impl Stream {
    /// The decoded bytes from the first on.
    pub(crate) fn new(decoder: Decoder) -> Self {
        Self { decoder, buffer: vec![0; BUFFER], from: 0, to: 0, at: 0 }
    }

    /// Where the next byte is.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// The decoder.
    pub(crate) fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// At least `least` of the next bytes, which must fit into the buffer; fewer where they end.
    fn peek(&mut self, least: usize) -> &[u8] {
        while self.to.saturating_sub(self.from) < least {
            if self.from > 0 {
                self.buffer.copy_within(self.from..self.to, 0);
                self.to = self.to.saturating_sub(self.from);
                self.from = 0;
            }
            let given = self.buffer.get_mut(self.to..).map_or(0, |room| self.decoder.read(room));
            if given == 0 {
                break;
            }
            self.to = self.to.saturating_add(given).min(self.buffer.len());
        }
        self.buffer.get(self.from..self.to).unwrap_or_default()
    }

    /// Hands over the next `count` bytes piece by piece; says how many there were.
    pub(crate) fn pass(&mut self, count: u64, take: &mut dyn FnMut(&[u8])) -> u64 {
        let mut done = 0_u64;
        while done < count {
            let bytes = self.peek(1);
            let wanted = usize::try_from(count.saturating_sub(done)).unwrap_or(usize::MAX).min(bytes.len());
            if wanted == 0 {
                break;
            }
            take(bytes.get(..wanted).unwrap_or_default());
            self.from = self.from.saturating_add(wanted);
            self.at = self.at.saturating_add(length(wanted));
            done = done.saturating_add(length(wanted));
        }
        done
    }
}

impl<'a> Flow<'a> {
    /// Plain bytes.
    pub(crate) fn plain(input: &'a Input) -> Self {
        Self::Plain { window: Window::new(input), size: input.size(), at: 0 }
    }

    /// Where the next byte is.
    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::Plain { at, .. } => *at,
            Self::Stream(stream) => stream.at,
        }
    }

    /// The next `count` bytes, at most 64 KiB of them; fewer where they end.
    pub(crate) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        match self {
            Self::Plain { window, at, .. } => window.get(*at, count),
            Self::Stream(stream) => {
                let bytes = stream.peek(count.min(BUFFER));
                Ok(bytes.get(..count).unwrap_or(bytes))
            }
        }
    }

    /// Passes over bytes; says how many there were.
    pub(crate) fn skip(&mut self, count: u64) -> u64 {
        match self {
            Self::Plain { size, at, .. } => {
                let there = size.saturating_sub(*at).min(count);
                *at = at.saturating_add(there);
                there
            }
            Self::Stream(stream) => stream.pass(count, &mut |_| {}),
        }
    }

    /// The next `count` bytes; fewer where they end. For what a limit bounds.
    pub(crate) fn take(&mut self, count: u64) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain { window, size, at } => {
                let there = size.saturating_sub(*at).min(count);
                let length = usize::try_from(there).unwrap_or(usize::MAX);
                let bytes = window.get(*at, length)?.to_vec();
                *at = at.saturating_add(there);
                Ok(bytes)
            }
            Self::Stream(stream) => {
                let mut bytes = Vec::new();
                stream.pass(count, &mut |piece| bytes.extend_from_slice(piece));
                Ok(bytes)
            }
        }
    }
}

/// A digest of what goes by.
pub(crate) struct Hasher {
    sha256: Sha256,
    md5: Option<Md5>,
}

impl Hasher {
    /// Of no bytes; with MD5 where a manifest may ask for it.
    pub(crate) fn new(with_md5: bool) -> Self {
        Self { sha256: Sha256::default(), md5: with_md5.then(Md5::default) }
    }

    /// Takes in more bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    /// The digests.
    pub(crate) fn finish(self) -> (Sha256Digest, Option<Md5Digest>) {
        (Sha256Digest(self.sha256.finalize().into()), self.md5.map(|md5| Md5Digest(md5.finalize().into())))
    }
}
