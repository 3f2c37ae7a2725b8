//! The names of a container: known before anything is read, in path order, and found by folder.
//!
//! A tree may have millions of files, so a listing keeps all names in one buffer and each folder's path once; a file costs 24
//! bytes and the last part of its name. What a caller sees is a [`Member`], made on the fly.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::artifact::Times;
use crate::name;
use crate::name::Name;

/// The index of a member in its container's listing.
pub type MemberId = usize;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A folder record of an archive. Folders on disk are not members.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device; never opened.
    Special(SpecialKind),
}

/// The kinds of file that are named and never opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialKind {
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
    /// Whatever else the system may have.
    Other,
}

impl SpecialKind {
    /// The word that reports use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::Device => "device",
            Self::Other => "special",
        }
    }
}

/// One file or record of a container, known by its name before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its index in the listing, and its place in path order.
    pub id: MemberId,
    /// What it is.
    pub kind: MemberKind,
    /// Its uncompressed size, where the container says so without reading it: a claim, not a fact.
    pub size: Option<u64>,
    /// Its times, where the container says so without reading it.
    pub times: Times,
    /// Which of the records with this very name it is, from 0 in the order of the container; above 0 it is a duplicate.
    pub occurrence: u32,
    /// The part of the name up to and with the last `/`.
    prefix: &'a [u8],
    /// The part after the last `/`.
    file: &'a [u8],
}

impl<'a> Member<'a> {
    /// The folder it lies in, without a final slash; empty for the root.
    pub fn folder(self) -> &'a [u8] {
        folder_of(self.prefix)
    }

    /// The last part of its name; empty for a folder record of a zip, whose name ends in a slash.
    pub fn file(self) -> &'a [u8] {
        self.file
    }

    /// The whole name below the container's root, `/` between its parts, as the container gives it.
    pub fn name(self) -> Name {
        Name::new(self.path())
    }

    /// The bytes of [`Self::name`].
    pub fn path(self) -> Vec<u8> {
        [self.prefix, self.file].concat()
    }

    /// Compares whole names by their bytes, as path order does.
    pub fn cmp_path(self, other: Member<'_>) -> Ordering {
        self.prefix.iter().chain(self.file).cmp(other.prefix.iter().chain(other.file))
    }
}

/// The folder of a prefix: the prefix without its final slash. A prefix of nothing but slashes stays, so that `/m.pyc` is not
/// taken for a file of the root.
fn folder_of(prefix: &[u8]) -> &[u8] {
    match prefix.strip_suffix(b"/") {
        Some(folder) if prefix.iter().any(|&byte| byte != b'/') => folder,
        _ => prefix,
    }
}

/// A member as a container hands it to its listing.
#[derive(Clone, Copy, Debug)]
pub struct NewMember<'a> {
    /// The whole name.
    pub name: &'a [u8],
    /// What it is.
    pub kind: MemberKind,
    /// Its uncompressed size, where the container says so.
    pub size: Option<u64>,
    /// Its times, where the container says so.
    pub times: Times,
}

/// A member as it is kept.
#[derive(Debug)]
struct Entry {
    /// Where its last part begins in `names`.
    start: usize,
    /// Bytes of its last part.
    length: u32,
    /// Its folder.
    folder: u32,
    /// As in [`Member`].
    occurrence: u32,
    /// As in [`Member`].
    kind: MemberKind,
}

/// A folder that has members.
#[derive(Debug)]
struct Folder {
    /// Its path with a final slash; empty for the root.
    prefix: Box<[u8]>,
    /// Where its members begin in `by_folder`.
    start: usize,
    /// Where they end.
    end: usize,
}

/// What only archives know of a member before it is read.
#[derive(Clone, Copy, Debug)]
struct Claims {
    /// As in [`Member`].
    size: Option<u64>,
    /// As in [`Member`].
    times: Times,
}

/// The members of a container and the folders they are in.
#[derive(Debug, Default)]
pub struct Listing {
    /// The last parts of all names, one after the other.
    names: Vec<u8>,
    /// In path order: by whole name as bytes, duplicates in the order of the container.
    entries: Vec<Entry>,
    /// As many as entries, or none at all when the container claims nothing.
    claims: Vec<Claims>,
    /// In the order of their prefixes.
    folders: Vec<Folder>,
    /// Members folder by folder, in path order within each.
    by_folder: Vec<u32>,
    /// Where some folders are written in several ways.
    spellings: Option<Box<Spellings>>,
    /// Whether members are found by the plain names of their folders.
    is_unpacked: bool,
}

/// The members by the plain names of their folders.
#[derive(Debug)]
struct Spellings {
    /// Sorted by the last part of the name, equal ones in the order of the container.
    by_folder: HashMap<Vec<u8>, Vec<u32>>,
    /// See [`Listing::written_otherwise`].
    written_otherwise: HashMap<u32, u32>,
}

impl Listing {
    /// A listing of these members, and for each of them, as they were given, its id: its place in path order.
    pub fn new(members: &[NewMember<'_>]) -> (Self, Vec<MemberId>) {
        let mut order: Vec<usize> = (0..members.len()).collect();
        // Stable, so duplicates stay in the order of the container.
        order.sort_by(|&a, &b| members.get(a).map(|m| m.name).cmp(&members.get(b).map(|m| m.name)));
        let mut ids = vec![0; members.len()];
        let mut builder = Builder::default();
        for (id, &at) in order.iter().enumerate() {
            let (Some(member), Some(slot)) = (members.get(at), ids.get_mut(at)) else { continue };
            *slot = id;
            let file = name::split_last(member.name).1;
            let prefix = member.name.strip_suffix(file).unwrap_or_default();
            let folder = builder.folder_again(prefix);
            builder.push(folder, file, member.kind);
            builder.listing.claims.push(Claims { size: member.size, times: member.times });
        }
        let mut listing = builder.finish();
        if !listing.is_written_in_one_way() {
            let mut by_folder: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
            for &id in &ids {
                let folder = listing.entries.get(id).and_then(|entry| listing.folders.get(index(entry.folder)));
                if let (Some(folder), Ok(id)) = (folder, u32::try_from(id)) {
                    by_folder.entry(plain(&folder.prefix)).or_default().push(id);
                }
            }
            let file_of = |id: &u32| listing.entries.get(index(*id)).map_or(&[][..], |entry| listing.file_of(entry));
            // They are in the order of the container, and stay so where names are equal.
            let sorted = |(folder, mut members): (Vec<u8>, Vec<u32>)| {
                members.sort_by(|a, b| file_of(a).cmp(file_of(b)));
                (folder, members)
            };
            let by_folder: HashMap<_, _> = by_folder.into_iter().map(sorted).collect();
            let pairs = by_folder.values().flat_map(|members| members.windows(2));
            let of = |id: u32| listing.entries.get(index(id)).map(|entry| (listing.file_of(entry), entry.folder));
            let is_otherwise = |pair: &&[u32]| match pair {
                &&[one, other] => {
                    of(one).zip(of(other)).is_some_and(|(one, other)| one.0 == other.0 && one.1 != other.1)
                }
                _ => false,
            };
            let pairs = pairs.filter(is_otherwise).filter_map(|pair| Some((*pair.last()?, *pair.first()?)));
            let written_otherwise = pairs.collect();
            listing.spellings = Some(Box::new(Spellings { by_folder, written_otherwise }));
        }
        (listing, ids)
    }

    /// The same for an archive whose members are unpacked before anything reads them: a folder is one whether it is written `a`, `./a`,
    /// `/a` or `a//`, and of members with one name in it the last one in the container is found.
    pub fn unpacked(members: &[NewMember<'_>]) -> (Self, Vec<MemberId>) {
        let (listing, ids) = Self::new(members);
        (Self { is_unpacked: true, ..listing }, ids)
    }

    /// Whether the names of all folders are plain, or all are so behind `./`.
    fn is_written_in_one_way(&self) -> bool {
        let is_plain = |prefix: &[u8]| plain(prefix).len() == prefix.len();
        let prefixes = || self.folders.iter().map(|folder| &*folder.prefix);
        prefixes().all(is_plain) || prefixes().all(|prefix| prefix.strip_prefix(b"./").is_some_and(is_plain))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All members in path order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'_>> + Clone {
        self.entries.iter().enumerate().map(|(id, entry)| self.view(id, entry))
    }

    /// The member with this id.
    pub fn get(&self, id: MemberId) -> Option<Member<'_>> {
        Some(self.view(id, self.entries.get(id)?))
    }

    /// The member that this one is unpacked over although its name is written in another way: the one before it of those whose
    /// folders are one whether they are written `a`, `./a`, `/a` or `a//`.
    pub fn written_otherwise(&self, id: MemberId) -> Option<Member<'_>> {
        self.get(index(*self.spellings.as_ref()?.written_otherwise.get(&u32::try_from(id).ok()?)?))
    }

    /// The members that lie directly in a folder, in path order; none when there is no such folder.
    pub fn folder(&self, folder: &[u8]) -> impl Iterator<Item = Member<'_>> {
        self.in_folder(folder).iter().filter_map(|&id| self.get(index(id)))
    }

    /// The member of this folder and name that a reader by name would get: the last of duplicates.
    pub fn find(&self, folder: &[u8], file: &[u8]) -> Option<Member<'_>> {
        let ids = self.in_folder(folder);
        let file_of = |id: u32| self.entries.get(index(id)).map_or(&[][..], |entry| self.file_of(entry));
        let end = ids.partition_point(|&id| file_of(id) <= file);
        let id = *ids.get(end.checked_sub(1)?)?;
        (file_of(id) == file).then(|| self.get(index(id)))?
    }

    /// The members that lie directly in a folder and whose last part begins so, in path order.
    pub fn starting_with(&self, folder: &[u8], start: &[u8]) -> impl Iterator<Item = Member<'_>> {
        let ids = self.in_folder(folder);
        let file_of = |id: u32| self.entries.get(index(id)).map_or(&[][..], |entry| self.file_of(entry));
        let first = ids.partition_point(|&id| file_of(id) < start);
        let behind = ids.partition_point(|&id| file_of(id) < start || file_of(id).starts_with(start));
        ids.get(first..behind).unwrap_or_default().iter().filter_map(|&id| self.get(index(id)))
    }

    /// The member with this whole name that a reader by name would get.
    pub fn find_path(&self, path: &[u8]) -> Option<Member<'_>> {
        let file = name::split_last(path).1;
        self.find(folder_of(path.strip_suffix(file).unwrap_or_default()), file)
    }

    /// Whether anything lies directly in this folder.
    pub fn has_folder(&self, folder: &[u8]) -> bool {
        !self.in_folder(folder).is_empty()
    }

    /// The folders that have members, in path order.
    pub fn folders(&self) -> impl Iterator<Item = &[u8]> {
        self.folders.iter().map(|folder| folder_of(&folder.prefix))
    }

    /// The ids of the members that lie directly in a folder.
    fn in_folder(&self, folder: &[u8]) -> &[u32] {
        if let Some(spellings) = self.spellings.as_ref().filter(|_| self.is_unpacked) {
            return spellings.by_folder.get(&plain(folder)).map(Vec::as_slice).unwrap_or_default();
        }
        // Compared as if the slash were there, without building the prefix.
        let slash: &[u8] = if folder.iter().all(|&byte| byte == b'/') { b"" } else { b"/" };
        let wanted = |prefix: &[u8]| match prefix.split_at_checked(folder.len()) {
            Some((start, rest)) => start.cmp(folder).then_with(|| rest.cmp(slash)),
            // Shorter than the folder, so never equal to it with its slash.
            None => prefix.cmp(folder),
        };
        let Ok(at) = self.folders.binary_search_by(|other| wanted(&other.prefix)) else {
            return &[];
        };
        self.folders.get(at).and_then(|folder| self.by_folder.get(folder.start..folder.end)).unwrap_or_default()
    }

    /// A kept member as callers see it.
    fn view<'a>(&'a self, id: MemberId, entry: &'a Entry) -> Member<'a> {
        let claims = self.claims.get(id);
        Member {
            id,
            kind: entry.kind,
            size: claims.and_then(|claims| claims.size),
            times: claims.map(|claims| claims.times).unwrap_or_default(),
            occurrence: entry.occurrence,
            prefix: self.folders.get(index(entry.folder)).map_or(&[], |folder| &folder.prefix),
            file: self.file_of(entry),
        }
    }

    /// The last part of a kept member's name.
    fn file_of(&self, entry: &Entry) -> &[u8] {
        let end = entry.start.saturating_add(index(entry.length));
        self.names.get(entry.start..end).unwrap_or_default()
    }
}

/// The path of a folder as an unpacker takes it, with a final slash; empty for the root.
fn plain(folder: &[u8]) -> Vec<u8> {
    let parts = folder.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.flat_map(|part| part.iter().chain(b"/")).copied().collect()
}

/// An index as memory counts it. A `u32` fits on every target that can hold a listing.
fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

/// Makes a listing from members that come in path order.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    /// What is there so far; its folders are still in the order of their coming.
    listing: Listing,
    /// Folder by prefix, for [`Self::folder_again`].
    known: HashMap<Box<[u8]>, u32>,
}

impl Builder {
    /// Adds a folder that was not added before; `prefix` is its path with a final slash, empty for the root.
    pub(crate) fn folder(&mut self, prefix: &[u8]) -> u32 {
        let folder = u32::try_from(self.listing.folders.len()).unwrap_or(u32::MAX);
        self.listing.folders.push(Folder { prefix: prefix.into(), start: 0, end: 0 });
        folder
    }

    /// Adds a folder unless it is known.
    fn folder_again(&mut self, prefix: &[u8]) -> u32 {
        if let Some(&folder) = self.known.get(prefix) {
            return folder;
        }
        let folder = self.folder(prefix);
        self.known.insert(prefix.into(), folder);
        folder
    }

    /// Whether the listing can take another member: ids are kept in 32 bits.
    pub(crate) fn is_full(&self) -> bool {
        u32::try_from(self.listing.entries.len()).is_err()
    }

    /// Adds the member that comes next in path order.
    pub(crate) fn push(&mut self, folder: u32, file: &[u8], kind: MemberKind) {
        let listing = &mut self.listing;
        let last = listing.entries.last().filter(|last| last.folder == folder && listing.file_of(last) == file);
        let occurrence = last.map_or(0, |last| last.occurrence.saturating_add(1));
        let start = listing.names.len();
        listing.names.extend_from_slice(file);
        // Names of files have 255 bytes, those of zips 65,535.
        let length = u32::try_from(file.len()).unwrap_or(u32::MAX);
        listing.entries.push(Entry { start, length, folder, occurrence, kind });
    }

    /// The listing.
    pub(crate) fn finish(self) -> Listing {
        let mut listing = self.listing;
        // Folders without members are left out, the others get their final number: their place in the order of prefixes.
        let mut count = vec![0_usize; listing.folders.len()];
        for entry in &listing.entries {
            if let Some(count) = count.get_mut(index(entry.folder)) {
                *count = count.saturating_add(1);
            }
        }
        let mut folders: Vec<(usize, Folder)> =
            listing.folders.drain(..).enumerate().filter(|(at, _)| count.get(*at).is_some_and(|&n| n > 0)).collect();
        folders.sort_by(|a, b| a.1.prefix.cmp(&b.1.prefix));
        let mut renumbered = vec![0_u32; count.len()];
        let mut start = 0_usize;
        for (new, (old, folder)) in folders.iter_mut().enumerate() {
            folder.start = start;
            folder.end = start;
            start = start.saturating_add(count.get(*old).copied().unwrap_or_default());
            if let Some(slot) = renumbered.get_mut(*old) {
                *slot = u32::try_from(new).unwrap_or(u32::MAX);
            }
        }
        listing.folders = folders.into_iter().map(|(_, folder)| folder).collect();
        listing.by_folder = vec![0; listing.entries.len()];
        for (id, entry) in (0_u32..).zip(&mut listing.entries) {
            entry.folder = renumbered.get(index(entry.folder)).copied().unwrap_or_default();
            let Some(folder) = listing.folders.get_mut(index(entry.folder)) else { continue };
            if let Some(slot) = listing.by_folder.get_mut(folder.end) {
                *slot = id;
            }
            folder.end = folder.end.saturating_add(1);
        }
        listing.names.shrink_to_fit();
        listing.entries.shrink_to_fit();
        listing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[&str]) -> Listing {
        let new = |name| NewMember { name, kind: MemberKind::File, size: None, times: Times::default() };
        Listing::new(&names.iter().map(|name| new(name.as_bytes())).collect::<Vec<_>>()).0
    }

    fn paths<'a>(members: impl Iterator<Item = Member<'a>>) -> Vec<String> {
        members.map(|member| member.name().to_string()).collect()
    }

    #[test]
    fn members_come_in_the_order_of_their_bytes() {
        let listing = listing(&["b", "a/c", "a.py", "a-b/x", "a/", "/m"]);
        assert_eq!(paths(listing.members()), ["/m", "a-b/x", "a.py", "a/", "a/c", "b"]);
    }

    #[test]
    fn a_folder_lists_what_lies_directly_in_it() {
        let listing = listing(&["a/b/c", "a/x", "a.py", "a/b.py", "/m"]);
        assert_eq!(paths(listing.folder(b"a")), ["a/b.py", "a/x"]);
        assert_eq!(paths(listing.folder(b"")), ["a.py"]);
        assert_eq!(paths(listing.folder(b"/")), ["/m"]);
        assert!(listing.has_folder(b"a/b") && !listing.has_folder(b"b"));
    }

    #[test]
    fn of_duplicates_the_last_is_found_and_all_are_listed() {
        let (listing, ids) = {
            let new = |name: &'static str, size| NewMember {
                name: name.as_bytes(),
                kind: MemberKind::File,
                size: Some(size),
                times: Times::default(),
            };
            Listing::new(&[new("p/m.pyc", 1), new("p/a", 2), new("p/m.pyc", 3)])
        };
        assert_eq!(ids, [1, 0, 2]);
        assert_eq!(listing.find(b"p", b"m.pyc").map(|m| (m.size, m.occurrence)), Some((Some(3), 1)));
        assert_eq!(listing.folder(b"p").count(), 3);
        assert_eq!(listing.find_path(b"p/a").map(|m| m.id), Some(0));
        assert!(listing.find(b"p", b"m").is_none() && listing.find(b"", b"m.pyc").is_none());
    }

    #[test]
    fn once_unpacked_a_folder_is_one_however_it_is_written() {
        let new = |name: &'static str| NewMember {
            name: name.as_bytes(),
            kind: MemberKind::File,
            size: None,
            times: Times::default(),
        };
        let found = |names: &[&'static str], folder: &str, file: &str| {
            let (listing, _) = Listing::unpacked(&names.iter().map(|name| new(name)).collect::<Vec<_>>());
            assert_eq!(listing.members().len(), names.len());
            let member = listing.find(folder.as_bytes(), file.as_bytes())?;
            assert!(listing.folder(folder.as_bytes()).any(|other| other.id == member.id));
            Some(member.name().to_string())
        };
        let mixed = ["a/x.py", "./a/m.py", "/b//y.py", "z.py", "./c.py"];
        for (folder, file, expected) in [
            ("a", "m.py", "./a/m.py"),
            ("./a", "x.py", "a/x.py"),
            ("b", "y.py", "/b//y.py"),
            ("", "c.py", "./c.py"),
            (".", "z.py", "z.py"),
        ] {
            assert_eq!(found(&mixed, folder, file).as_deref(), Some(expected), "{folder} {file}");
        }
        // The one that is unpacked over the other is found.
        assert_eq!(found(&["a/m.py", "./a/m.py"], "a", "m.py").as_deref(), Some("./a/m.py"));
        assert_eq!(found(&["./a/m.py", "a/m.py"], "./a", "m.py").as_deref(), Some("a/m.py"));
        assert_eq!(found(&["./a/m.py", "./b/n.py"], "a", "m.py"), None);
        assert_eq!(found(&["../a/m.py", "a/n.py"], "a", "m.py"), None);
        // Each is unpacked over the one before it in the container; two of the same name are told apart by their number.
        let names = ["a/m.py", "a/m.py", "./a/m.py", "a/n.py", "b/m.py", "a//m.py"];
        let (listing, ids) = Listing::unpacked(&names.map(new));
        let before = ids.iter().map(|&id| listing.written_otherwise(id).map(|before| before.name().to_string()));
        assert_eq!(
            before.collect::<Vec<_>>(),
            [None, None, Some("a/m.py".into()), None, None, Some("./a/m.py".into())]
        );
    }

    #[test]
    fn an_absolute_name_is_no_member_of_the_root_folder() {
        let listing = listing(&["/etc", "//x", "etc"]);
        assert_eq!(listing.find(b"", b"etc").map(|m| m.name().to_string()), Some("etc".to_owned()));
        assert_eq!(listing.find_path(b"//x").map(Member::folder), Some(&b"//"[..]));
    }
}
