//! One header block of a tar: the fields of v7, ustar (POSIX.1-1988) and GNU, as they are written.

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

/// Where the size is, for messages.
pub(super) const SIZE: std::ops::Range<usize> = 124..136;

/// A header block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a>(&'a [u8; BLOCK]);

/// How the checksum of a block fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksum {
    /// As the standard says: the bytes are added as unsigned numbers, those of the checksum itself as spaces.
    Fits,
    /// As old systems with signed characters added them.
    Signed,
    /// Not at all.
    Wrong,
}

/// A number of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// Nothing is written.
    Empty,
    /// Octal digits.
    Octal(u64),
    /// Base 256, as GNU tar writes what does not fit into octal digits.
    Binary(i128),
    /// Neither.
    Malformed,
}

impl Number {
    /// The number, unless it is negative or malformed.
    pub(super) fn value(self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Octal(value) => Some(value),
            Self::Binary(value) => u64::try_from(value).ok(),
            Self::Malformed => None,
        }
    }

    /// The number as a time, which may lie before 1970.
    pub(super) fn time(self) -> Option<i64> {
        match self {
            Self::Empty | Self::Malformed => None,
            Self::Octal(value) => i64::try_from(value).ok(),
            Self::Binary(value) => i64::try_from(value).ok(),
        }
    }
}

/// The families of headers, by their magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// No magic: before 1988.
    V7,
    /// `ustar\000`.
    Ustar,
    /// `ustar  \0`.
    Gnu,
}

impl<'a> Header<'a> {
    /// The header that these bytes are, when there are enough of them.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk::<BLOCK>().map(Self)
    }

    /// Whether all bytes are zero: two such blocks end an archive.
    pub(super) fn is_zero(self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    fn bytes(self, range: std::ops::Range<usize>) -> &'a [u8] {
        self.0.get(range).unwrap_or_default()
    }

    /// A text that a NUL or the field's end ends.
    fn text(self, range: std::ops::Range<usize>) -> &'a [u8] {
        let field = self.bytes(range);
        field.split(|&byte| byte == 0).next().unwrap_or(field)
    }

    /// Whether the checksum fits.
    pub(super) fn checksum(self) -> Checksum {
        let Some(recorded) = number(self.bytes(148..156)).value() else { return Checksum::Wrong };
        let of = |at: usize, byte: u8| if (148..156).contains(&at) { b' ' } else { byte };
        let unsigned: u64 = self.0.iter().enumerate().map(|(at, &byte)| u64::from(of(at, byte))).sum();
        if unsigned == recorded {
            return Checksum::Fits;
        }
        let signed: i64 = self.0.iter().enumerate().map(|(at, &byte)| i64::from(of(at, byte).cast_signed())).sum();
        if i64::try_from(recorded) == Ok(signed) { Checksum::Signed } else { Checksum::Wrong }
    }

    /// The family of the header.
    pub(super) fn family(self) -> Family {
        match self.bytes(257..265) {
            b"ustar  \0" => Family::Gnu,
            magic if magic.starts_with(b"ustar") => Family::Ustar,
            _ => Family::V7,
        }
    }

    /// The type of the record.
    pub(super) fn kind(self) -> u8 {
        self.0.get(156).copied().unwrap_or_default()
    }

    /// The name: with the prefix where the family has one (POSIX.1-1988 10.1.1).
    pub(super) fn name(self) -> Vec<u8> {
        let name = self.text(0..100);
        // Some writers of the 1990s set the magic of POSIX and put times into the prefix: star, whose magic ends the block.
        let is_star = self.bytes(508..512) == b"tar\0";
        let prefix = if self.family() == Family::Ustar && !is_star { self.text(345..500) } else { b"" };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    /// The name that a link leads to.
    pub(super) fn link(self) -> &'a [u8] {
        self.text(157..257)
    }

    /// The size of the data.
    pub(super) fn size(self) -> Number {
        number(self.bytes(SIZE))
    }

    /// The size field as it is written.
    pub(super) fn size_field(self) -> &'a [u8] {
        self.bytes(SIZE)
    }

    /// The time of modification.
    pub(super) fn mtime(self) -> Number {
        number(self.bytes(136..148))
    }

    /// The map of an old GNU sparse member: offset and length of each piece, and whether more of it follows.
    pub(super) fn sparse(self) -> (Vec<(Number, Number)>, bool) {
        (pieces(self.bytes(386..482)), self.0.get(482).is_some_and(|&byte| byte != 0))
    }

    /// The whole size of an old GNU sparse member.
    pub(super) fn real_size(self) -> Number {
        number(self.bytes(483..495))
    }
}

/// A block of more pieces of an old GNU sparse member, and whether another follows.
pub(super) fn sparse_block(block: &[u8]) -> (Vec<(Number, Number)>, bool) {
    (pieces(block.get(..504).unwrap_or_default()), block.get(504).is_some_and(|&byte| byte != 0))
}

/// Pairs of 12-byte numbers up to the first that is empty.
fn pieces(bytes: &[u8]) -> Vec<(Number, Number)> {
    let pairs = bytes.chunks_exact(24).filter_map(|pair| pair.split_at_checked(12));
    pairs.map(|(offset, length)| (number(offset), number(length))).take_while(|pair| pair.1 != Number::Empty).collect()
}

/// Reads a number: octal digits between spaces and NULs, or base 256 when the first bit is set (GNU tar, tar.5 of libarchive).
pub(super) fn number(field: &[u8]) -> Number {
    let Some(&first) = field.first() else { return Number::Empty };
    if first & 0x80 != 0 {
        // The second bit is the sign. Fields have at most 12 bytes, so this fits.
        let start = if first & 0x40 != 0 { -1_i128 } else { 0 };
        let low = if first & 0x40 != 0 { first } else { first & 0x7f };
        let mut value = if start < 0 { i128::from(low.cast_signed()) } else { i128::from(low) };
        for &byte in field.get(1..).unwrap_or_default() {
            value = value.wrapping_shl(8) | i128::from(byte);
        }
        return Number::Binary(value);
    }
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|&byte| byte == 0 || byte == b' ').unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end).unwrap_or_default();
    if rest.iter().any(|&byte| byte != 0 && byte != b' ') {
        return Number::Malformed;
    }
    if digits.is_empty() {
        return Number::Empty;
    }
    let mut value = 0_u64;
    for &digit in digits {
        let Some(next) = (b'0'..=b'7')
            .contains(&digit)
            .then(|| value.checked_mul(8)?.checked_add(u64::from(digit.wrapping_sub(b'0'))))
            .flatten()
        else {
            return Number::Malformed;
        };
        value = next;
    }
    Number::Octal(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256_and_nothing_else() {
        assert_eq!(number(b"0000644\0"), Number::Octal(0o644));
        assert_eq!(number(b"   644 \0"), Number::Octal(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Number::Empty);
        assert_eq!(number(b"        "), Number::Empty);
        assert_eq!(number(b"00009\0\0\0"), Number::Malformed);
        assert_eq!(number(b"644\0junk"), Number::Malformed);
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Number::Binary(0x2_0000_0000));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"), Number::Binary(-2));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe").value(), None);
    }
}
