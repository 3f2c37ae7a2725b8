//! A cursor over bytes that knows its offset.
//!
//! It reads numbers and slices and says where the data end; it does not know what they mean.

/// Why bytes could not be had: the data end before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    /// How many were wanted.
    pub(super) wanted: u64,
}

/// The cursor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at an offset of the bytes; at their end when the offset lies behind it.
    pub(super) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes.get(offset..).unwrap_or_default(), length: bytes.len() }
    }

    /// Where it stands.
    pub(super) fn offset(&self) -> usize {
        self.length.wrapping_sub(self.rest.len())
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next bytes.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Short> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(Short { wanted: u64::try_from(count).unwrap_or(u64::MAX) });
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes, as many as the type says.
    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(Short { wanted: u64::try_from(N).unwrap_or(u64::MAX) });
        };
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, Short> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A signed number of 16 bits.
    #[inline]
    pub(super) fn i16(&mut self) -> Result<i16, Short> {
        self.array().map(i16::from_le_bytes)
    }

    /// A number of 32 bits.
    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, Short> {
        self.array().map(u32::from_le_bytes)
    }

    /// A signed number of 32 bits.
    #[inline]
    pub(super) fn i32(&mut self) -> Result<i32, Short> {
        self.array().map(i32::from_le_bytes)
    }

    /// A number of 64 bits.
    #[inline]
    pub(super) fn u64(&mut self) -> Result<u64, Short> {
        self.array().map(u64::from_le_bytes)
    }
}
