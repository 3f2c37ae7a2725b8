//! The table of contents of a CArchive: records of 18 bytes and a name, of any length (`TOC_ENTRY` in PyInstaller's
//! archive/readers.py).

use std::io;

use crate::container::Input;
use crate::container::input::Window;
use crate::container::pyinstaller::cookie::Cookie;

/// Bytes of a record before its name.
const FIXED: usize = 18;

/// The longest record: names have at most some thousand bytes.
const LONGEST: usize = 1 << 16;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it is in the file.
    pub(super) at: u64,
    /// Where the data begin, in bytes from the start of the archive.
    pub(super) offset: u64,
    /// Bytes of data.
    pub(super) stored: u64,
    /// Bytes of data once unpacked.
    pub(super) size: u64,
    /// 0 for plain data, 1 for zlib, 2 for encrypted data of the first versions.
    pub(super) flag: u8,
    /// What it is.
    pub(super) kind: u8,
    /// Its name without the padding.
    pub(super) name: Vec<u8>,
    /// Whether something other than zeros follows the end of the name.
    pub(super) has_hidden_text: bool,
}

/// The kinds of record.
pub(super) mod kind {
    /// A script: marshalled code that runs at the start; its source before PyInstaller 3.
    pub(in crate::container::pyinstaller) const SCRIPT: u8 = b's';
    /// A module that the boot loader imports.
    pub(in crate::container::pyinstaller) const MODULE: u8 = b'm';
    /// A package that the boot loader imports.
    pub(in crate::container::pyinstaller) const PACKAGE: u8 = b'M';
    /// A PYZ archive.
    pub(in crate::container::pyinstaller) const PYZ: u8 = b'z';
    /// A symbolic link.
    pub(in crate::container::pyinstaller) const LINK: u8 = b'n';
    /// An option of the boot loader: its name is its value, and it has no data.
    pub(in crate::container::pyinstaller) const OPTION: u8 = b'o';
    /// The name of a file that another program brings; no data.
    pub(in crate::container::pyinstaller) const DEPENDENCY: u8 = b'd';
    /// All of them: files, zips, splash screens and data besides.
    pub(in crate::container::pyinstaller) const ALL: &[u8] = b"smMznodbxZlbe";
}

/// What was read of a table of contents.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The records.
    pub(super) records: Vec<Record>,
    /// Where reading stopped before the end, and why.
    pub(super) stopped: Option<(u64, &'static str)>,
    /// Whether there are more records than the limit.
    pub(super) is_cut: bool,
}

/// Reads all records up to a number.
pub(super) fn read(input: &Input, cookie: &Cookie, most: usize) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let mut window = Window::new(input);
    let end = cookie.contents.saturating_add(cookie.contents_length);
    let mut at = cookie.contents;
    while at < end {
        if contents.records.len() >= most {
            contents.is_cut = true;
            break;
        }
        let head = window.get(at, FIXED)?;
        let number =
            |at: usize| head.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().map(u32::from_be_bytes);
        let numbers = (number(0), number(4), number(8), number(12), head.get(16), head.get(17));
        let (Some(length), Some(offset), Some(stored), Some(size), Some(&flag), Some(&kind)) = numbers else {
            contents.stopped = Some((at, "a record that the file ends in"));
            break;
        };
        let next = at.saturating_add(length.into());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length <= FIXED || length > LONGEST || next > end {
            contents.stopped = Some((at, "a record of an impossible length"));
            break;
        }
        let text = window.get(at, length)?.get(FIXED..).unwrap_or_default();
        let name_end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        let (name, padding) = text.split_at_checked(name_end).unwrap_or((text, b""));
        contents.records.push(Record {
            at,
            offset: offset.into(),
            stored: stored.into(),
            size: size.into(),
            flag,
            kind,
            name: name.to_vec(),
            has_hidden_text: padding.iter().any(|&byte| byte != 0),
        });
        at = next;
    }
    Ok(contents)
}
