//! What is odd about an archive: observations with their places, for rules to judge.

use std::collections::BTreeMap;

use crate::container::MemberId;

/// What is odd about an archive: an observation with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What was seen.
    pub kind: OddityKind,
    /// The member it was seen on, if it is about one.
    pub member: Option<MemberId>,
    /// Where in the archive, in bytes from its start.
    pub offset: Option<u64>,
    /// What should be there, for a person.
    pub expected: String,
    /// What is there.
    pub observed: String,
}

/// The ways in which archives contradict themselves (APPNOTE is the zip specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OddityKind {
    /// The local header gives another name than the central directory.
    LocalNameDiffers,
    /// The local header gives another method, flags, CRC or size than the central directory.
    LocalFieldDiffers,
    /// The central directory points to no local header.
    LocalMissing,
    /// A local header with data that the central directory does not list.
    Unlisted,
    /// Two members share bytes.
    Overlap,
    /// Bytes between members that belong to none.
    Gap,
    /// Bytes before the first local header that are no executable or `#!` prefix.
    Prefix,
    /// Bytes after the end record and its comment.
    Trailing,
    /// More than one end-of-central-directory record that fits.
    SeveralEnds,
    /// The end record's counts, sizes or offsets do not fit the directory.
    EndRecordDiffers,
    /// Zip64 fields contradict the others.
    Zip64Differs,
    /// An extra field that is malformed.
    ExtraMalformed,
    /// An Info-ZIP Unicode path field (0x7075) that gives another name.
    UnicodeNameDiffers,
    /// A record of a directory that has data, or the other way round.
    FolderWithData,
    /// The encryption bit is set on data that are plain.
    PlainMarkedEncrypted,
    /// A member's compressed data end before the bytes that the archive gives to it.
    DataAfterStream,
    /// The flags promise a data descriptor, and none that fits is there.
    DescriptorMissing,
    /// A member has a comment of its own.
    Commented,
    /// Several compressed streams one after the other.
    Joined,
    /// A member behind the end of the archive.
    AfterEnd,
    /// The archive has no end marker, or half of one.
    EndMissing,
    /// An extended header gives another name than the record.
    NameDiffers,
    /// An extended header gives another size than the record.
    SizeDiffers,
    /// A header for all members gives a name or a size.
    GlobalOverride,
    /// A link, folder or device that has data.
    DataOnLink,
    /// A record of a type that is not known.
    UnknownType,
    /// A number that is written as none should be.
    NumberMalformed,
    /// The map of a sparse member does not fit its data.
    SparseMalformed,
    /// What fills the last block of a member is no zeros.
    Filling,
    /// A part of a package does not have the digest that the package gives.
    DigestDiffers,
    /// The cookie of a frozen program is not PyInstaller's, or does not fit its archive.
    CookieDiffers,
    /// The magic number of a frozen program's modules is not of the version that its cookie gives.
    VersionDiffers,
    /// A record of a table of contents that its writer does not write.
    RecordMalformed,
    /// The code of a frozen program is encrypted.
    EncryptedCode,
}

impl OddityKind {
    /// The word that reports use; never changed once issued.
    pub fn code(self) -> &'static str {
        match self {
            Self::LocalNameDiffers => "local-name-differs",
            Self::LocalFieldDiffers => "local-field-differs",
            Self::LocalMissing => "local-missing",
            Self::Unlisted => "unlisted",
            Self::Overlap => "overlap",
            Self::Gap => "gap",
            Self::Prefix => "prefix",
            Self::Trailing => "trailing",
            Self::SeveralEnds => "several-ends",
            Self::EndRecordDiffers => "end-record-differs",
            Self::Zip64Differs => "zip64-differs",
            Self::ExtraMalformed => "extra-malformed",
            Self::UnicodeNameDiffers => "unicode-name-differs",
            Self::FolderWithData => "folder-with-data",
            Self::PlainMarkedEncrypted => "plain-marked-encrypted",
            Self::DataAfterStream => "data-after-stream",
            Self::DescriptorMissing => "descriptor-missing",
            Self::Commented => "commented",
            Self::Joined => "joined",
            Self::AfterEnd => "after-end",
            Self::EndMissing => "end-missing",
            Self::NameDiffers => "name-differs",
            Self::SizeDiffers => "size-differs",
            Self::GlobalOverride => "global-override",
            Self::DataOnLink => "data-on-link",
            Self::UnknownType => "unknown-type",
            Self::NumberMalformed => "number-malformed",
            Self::SparseMalformed => "sparse-malformed",
            Self::Filling => "filling",
            Self::DigestDiffers => "digest-differs",
            Self::CookieDiffers => "cookie-differs",
            Self::VersionDiffers => "version-differs",
            Self::RecordMalformed => "record-malformed",
            Self::EncryptedCode => "encrypted-code",
        }
    }
}

/// Gathers oddities up to a number of each kind: an archive of a million contradictions must not cost a gigabyte.
#[derive(Debug)]
pub(crate) struct Oddities {
    /// What was kept.
    kept: Vec<Oddity>,
    /// How many there were of each kind.
    seen: BTreeMap<OddityKind, usize>,
    /// How many of a kind are kept.
    limit: usize,
}

impl Oddities {
    /// Gathers at most `limit` of each kind.
    pub(crate) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), seen: BTreeMap::new(), limit }
    }

    /// Whether one more of this kind would be kept; counts it if not, so that its texts need not be made.
    pub(crate) fn wants(&mut self, kind: OddityKind) -> bool {
        let seen = self.seen.entry(kind).or_default();
        if *seen < self.limit {
            return true;
        }
        *seen = seen.saturating_add(1);
        false
    }

    /// Adds one, or counts it when there are enough of its kind.
    pub(crate) fn push(&mut self, oddity: Oddity) {
        if self.wants(oddity.kind) {
            let seen = self.seen.entry(oddity.kind).or_default();
            *seen = seen.saturating_add(1);
            self.kept.push(oddity);
        }
    }

    /// All of them in the order of their places; for each kind that was cut, one more that says how many were left out.
    pub(crate) fn finish(mut self) -> Vec<Oddity> {
        self.kept.sort_by_key(|a| (a.offset, a.kind, a.member));
        for (&kind, &seen) in &self.seen {
            let more = seen.saturating_sub(self.limit);
            if more > 0 {
                let observed = format!("{more} more of this kind");
                self.kept.push(Oddity { kind, member: None, offset: None, expected: String::new(), observed });
            }
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_contradictions_are_counted_and_few_are_kept() {
        let mut oddities = Oddities::new(10);
        for at in 0..100_000 {
            oddities.push(Oddity {
                kind: OddityKind::Overlap,
                member: None,
                offset: Some(at),
                expected: String::new(),
                observed: String::new(),
            });
        }
        let kept = oddities.finish();
        assert_eq!(kept.len(), 11);
        assert_eq!(kept.last().map(|o| o.observed.as_str()), Some("99990 more of this kind"));
    }
}
