//! Two pycs side by side: headers, then the code objects that differ and how.
//!
//! What never matters is not compared: the file name, which objects are shared or interned, the order of the items of sets. Whether
//! code is equal is what the code digests say ([`crate::pyc::digest`]); this room shows where it is not. It does not say which of
//! the two is the honest one.

mod align;
mod code;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::io;
use std::io::Write;

use crate::disassembly::Disassembly;
use crate::name::Name;
use crate::pyc::Code;
use crate::pyc::CodeDigest;
use crate::pyc::Digester;
use crate::pyc::Header;
use crate::pyc::LinesDigest;
use crate::pyc::Mask;
use crate::pyc::Tree;
use crate::pyc::header::Field;
use crate::pyc::signature;

use code::Own;

/// Code objects that are listed as being in one file alone, or as differing in their lines; the rest are counted.
const LISTED: usize = 50;

/// One of two pycs.
#[derive(Debug)]
pub struct Side<'t, 'a> {
    tree: &'t Tree<'a>,
    mask: &'t Mask,
    disassembly: Option<Disassembly<'t, 'a>>,
    codes: Vec<Code<'a>>,
    qualnames: Vec<Name>,
    digests: Vec<Option<(CodeDigest, LinesDigest)>>,
}

impl<'t, 'a> Side<'t, 'a> {
    /// A tree as one of two. What is masked is compared as it is shown, so a mask has to leave different strings different.
    pub fn new(tree: &'t Tree<'a>, mask: &'t Mask) -> Self {
        Self {
            tree,
            mask,
            disassembly: Disassembly::of(tree, mask).ok(),
            codes: tree.codes().collect(),
            qualnames: signature::qualnames(tree, mask),
            digests: Digester::default().codes(tree),
        }
    }

    fn digest(&self, place: usize) -> Option<CodeDigest> {
        self.digests.get(place).copied().flatten().map(|(code, _)| code)
    }

    fn header(&self) -> Vec<Field> {
        self.tree.pyc.header.as_ref().map(Header::fields).unwrap_or_default()
    }

    fn name(&self, place: usize) -> String {
        let line = self.codes.get(place).and_then(|code| code.firstlineno());
        let line = line.map(|line| format!(" (line {line})")).unwrap_or_default();
        format!("{}{line}", self.qualnames.get(place).map(ToString::to_string).unwrap_or_default())
    }
}

/// Writes how two pycs differ; whether they do. Nothing is written of what is equal.
pub fn write(left: &Side<'_, '_>, right: &Side<'_, '_>, out: &mut dyn Write) -> io::Result<bool> {
    let mut differs = write_header(left, right, out)?;
    let pairs = pair(left, right);
    for (title, alone, side) in [("first", &pairs.left, left), ("second", &pairs.right, right)] {
        if !alone.is_empty() {
            differs = true;
            writeln!(out, "\ncode objects of the {title} file alone")?;
            write_list(alone, |&place| side.name(place), out)?;
        }
    }
    let mut budget = code::Budget::of(left.tree.size().saturating_add(right.tree.size()));
    let (mut moved, mut hidden) = (Vec::new(), false);
    for &(one, other) in &pairs.both {
        let digests = (left.digest(one), right.digest(other));
        if digests.0.is_some() && digests.0 == digests.1 {
            if left.digests.get(one) != right.digests.get(other) {
                moved.push((one, other));
            }
            continue;
        }
        let (Some(&code), Some(&wanted)) = (left.codes.get(one), right.codes.get(other)) else { continue };
        let sides = [(code, left), (wanted, right)].map(|(code, side)| Own::new(code, side));
        let text = code::differences(&sides, &mut budget);
        hidden |= text.is_empty();
        if !text.is_empty() {
            differs = true;
            let names = (left.name(one), right.name(other));
            let name = if names.0 == names.1 { names.0 } else { format!("{}; {}", names.0, names.1) };
            writeln!(out, "\n{name}")?;
            out.write_all(text.as_bytes())?;
        }
    }
    // A code object differs with those inside it, so only where no other was found the reason is one that is not shown.
    if hidden && !differs && left.digest(0) != right.digest(0) {
        writeln!(out, "\nthe code differs in constants that are too long to be shown")?;
        differs = true;
    }
    if !moved.is_empty() {
        differs = true;
        writeln!(out, "\nthe same code at other places of the source")?;
        write_list(&moved, |&(one, other)| format!("{}; {}", left.name(one), right.name(other)), out)?;
    }
    Ok(differs)
}

fn write_list<T>(items: &[T], show: impl Fn(&T) -> String, out: &mut dyn Write) -> io::Result<()> {
    for item in items.iter().take(LISTED) {
        writeln!(out, "  {}", show(item))?;
    }
    match items.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

fn write_header(left: &Side<'_, '_>, right: &Side<'_, '_>, out: &mut dyn Write) -> io::Result<bool> {
    let (mut one, mut other) = (left.header(), right.header());
    let mut rows = Vec::new();
    for field in one.drain(..) {
        let place = other.iter().position(|wanted| wanted.name == field.name);
        let wanted = place.map(|place| other.remove(place));
        if wanted.as_ref().is_none_or(|wanted| wanted.bytes != field.bytes) {
            rows.push((field.name, field.reading, wanted.map_or("-".to_owned(), |wanted| wanted.reading)));
        }
    }
    rows.extend(other.into_iter().map(|field| (field.name, "-".to_owned(), field.reading)));
    let trailing = (left.tree.pyc.trailing, right.tree.pyc.trailing);
    if trailing.0 != trailing.1 {
        let bytes = |count| format!("{count} bytes");
        rows.push(("trailing", bytes(trailing.0), bytes(trailing.1)));
    }
    if rows.is_empty() {
        return Ok(false);
    }
    writeln!(out, "\nheader")?;
    for (name, one, other) in rows {
        writeln!(out, "  {name:<12} {one} | {other}")?;
    }
    Ok(true)
}

/// Which code objects belong together, and which are alone.
#[derive(Debug, Default)]
struct Pairs {
    both: Vec<(usize, usize)>,
    left: Vec<usize>,
    right: Vec<usize>,
}

/// Pairs code objects by their qualified names; of several with one name first those whose code is equal, then in their order.
fn pair(left: &Side<'_, '_>, right: &Side<'_, '_>) -> Pairs {
    let mut by_code: HashMap<(&Name, CodeDigest), VecDeque<usize>> = HashMap::new();
    for (place, name) in right.qualnames.iter().enumerate() {
        if let Some(digest) = right.digest(place) {
            by_code.entry((name, digest)).or_default().push_back(place);
        }
    }
    let mut partners: Vec<Option<usize>> = Vec::with_capacity(left.qualnames.len());
    let mut is_taken = vec![false; right.qualnames.len()];
    for (place, name) in left.qualnames.iter().enumerate() {
        let equal = left.digest(place).and_then(|digest| by_code.get_mut(&(name, digest))?.pop_front());
        if let Some(taken) = equal.and_then(|other| is_taken.get_mut(other)) {
            *taken = true;
        }
        partners.push(equal);
    }
    let mut by_name: HashMap<&Name, VecDeque<usize>> = HashMap::new();
    for ((place, name), _) in right.qualnames.iter().enumerate().zip(&is_taken).filter(|(_, taken)| !**taken) {
        by_name.entry(name).or_default().push_back(place);
    }
    let mut pairs = Pairs::default();
    for ((place, name), partner) in left.qualnames.iter().enumerate().zip(partners) {
        match partner.or_else(|| by_name.get_mut(name)?.pop_front()) {
            Some(other) => {
                pairs.both.push((place, other));
                if let Some(taken) = is_taken.get_mut(other) {
                    *taken = true;
                }
            }
            None => pairs.left.push(place),
        }
    }
    pairs.right = (0..right.qualnames.len()).filter(|&place| is_taken.get(place) == Some(&false)).collect();
    pairs
}
