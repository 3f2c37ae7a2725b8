//! Any bytes read as a pyc, and all that runs on its body.

use std::io;
use std::io::Write;

use pycaudit::disassembly::Disassembly;
use pycaudit::disassembly::SourceLines;
use pycaudit::limits::Limits;
use pycaudit::problem::Parsed;
use pycaudit::pyc;
use pycaudit::pyc::Code;
use pycaudit::pyc::Digester;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Pyc;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::Tree;
use pycaudit::pyc::Version;
use pycaudit::pyc::code::ODDITIES;
use pycaudit::pyc::exceptions::Handlers;
use pycaudit::pyc::instruction::Instructions;
use pycaudit::pyc::lines;
use pycaudit::pyc::lines::LineFormat;
use pycaudit::pyc::lines::Positions;
use pycaudit::pyc::opcodes::Argument;
use pycaudit::pyc::opcodes::Opcodes;
use pycaudit::pyc::repr::Era;
use pycaudit::pyc::repr::Style;
use pycaudit::pyc::repr::repr;
use pycaudit::pyc::signature;
use pycaudit::pyc::versions::VERSIONS;
use pycaudit::pyc::walk;
use pycaudit::pyc::walk::Walk;
use pycaudit::secret;

/// Bytes of disassembly for a byte of file: an instruction of two bytes may show a constant of 2,000, and the same instructions
/// are written out for eight code objects.
const WRITTEN: usize = 16_000;

/// Bytes of instructions and tables that are looked at for a byte of file; code objects can share theirs.
const SHARING: usize = 8;

/// `None`, `True` and others that are objects of every file.
const SINGLETONS: usize = 8;

/// Bytes of a constant that are asked for.
const SHOWN: usize = 100;

/// Reads bytes as a pyc and panics when something does not hold.
pub(crate) fn hold(bytes: &[u8]) {
    let mut scratch = Scratch::default();
    let first = pyc::parse(bytes, &Limits::default(), &mut scratch);
    places_are_inside(&first, bytes.len());
    let Parsed { value: tree, problems } = pyc::read(bytes, &Limits::default(), &mut scratch);
    assert_eq!((&tree.pyc, &problems), (&first.value, &first.problems), "read twice");
    objects_are_inside(&tree, bytes.len());
    let whole = facts(&tree);
    what_is_odd_is_found_either_way(&tree, bytes.len());
    disassembly_is_bounded(&tree, bytes);
    let is_plain = first.value.body.is_code() && first.value.fit.is_none() && first.value.text_mode.is_none();
    if is_plain {
        what_is_no_code_changes_no_digest(bytes, &first.value, &whole);
    }
    small_limits_are_kept(bytes, &mut scratch);
}

/// Every place that is told lies in the file.
fn places_are_inside(parsed: &Parsed<Pyc>, length: usize) {
    let length = length as u64;
    let Parsed { value: pyc, problems } = parsed;
    for problem in problems {
        assert!(problem.offset.is_some_and(|offset| offset <= length), "{problem:?} of {length}");
    }
    assert!(problems.is_sorted_by_key(|problem| problem.offset), "{problems:?}");
    assert!(pyc.trailing <= length, "{pyc:?}");
    assert!(pyc.body_offset.is_none_or(|offset| offset <= length), "{pyc:?}");
    assert!(pyc.body.root().is_none_or(|root| root.offset < length && root.offset <= root.end && root.end <= length));
    assert!(pyc.oddities.len() <= ODDITIES && pyc.oddities.iter().all(|oddity| oddity.offset < length));
    assert!(pyc.unusual_types.iter().all(|unusual| unusual.offset < length && unusual.count <= length));
    assert!(!pyc.body.is_code() || pyc.body.root().is_some_and(|root| root.whole && root.end + pyc.trailing == length));
    assert!(pyc.entropy.is_none_or(|bits| (0.0..=8.0).contains(&bits)), "{:?}", pyc.entropy);
}

/// Objects lie in the file, outer ones before inner ones, and take no more than it has.
fn objects_are_inside(tree: &Tree<'_>, length: usize) {
    assert!(tree.object_count() <= length + SINGLETONS, "{} objects of {length} bytes", tree.object_count());
    let mut before = None;
    for (place, code) in tree.codes().enumerate() {
        assert_eq!(code.index(), place);
        assert!(code.parent().is_none_or(|parent| parent < place));
        assert!(before.is_none_or(|before| before < code.offset()), "{code:?}");
        assert!(code.end().is_none_or(|end| code.offset() < end && end <= length as u64), "{code:?}");
        before = Some(code.offset());
        let lists = [code.consts(), code.names(), code.varnames(), code.freevars(), code.cellvars()];
        assert!(lists.into_iter().chain([code.localsplusnames()]).all(|items| items.len() <= length));
        let runs = [code.code(), code.linetable(), code.exceptiontable(), code.localspluskinds()];
        assert!(runs.iter().map(|run| run.len()).sum::<usize>() <= length * runs.len());
    }
    for (offset, run) in tree.strings() {
        assert!(offset + run.len() as u64 <= length as u64);
    }
    assert_eq!(signature::qualnames(tree, &Mask::default()).len(), tree.codes().count());
}

/// What is told of the code objects of a file, as far as it costs no more than the file is long.
fn facts(tree: &Tree<'_>) -> Vec<Option<(pyc::CodeDigest, pyc::LinesDigest)>> {
    let mut digester = Digester::default();
    let module = digester.module(tree);
    let digests = digester.codes(tree);
    assert_eq!(digests, Digester::default().codes(tree), "a digester is used twice");
    assert_eq!(module, digests.first().copied().flatten().map(|(code, _)| code).filter(|_| module.is_some()));
    assert!(module.is_none() || tree.pyc.body.is_code());
    assert!(module.is_some() || digests.iter().all(Option::is_none));
    let version = tree.pyc.version;
    let opcodes = version.and_then(Opcodes::near);
    let mut budget = tree.size() * SHARING;
    let mask = Mask::default();
    for code in tree.codes() {
        let items = code.consts().len() + code.localsplusnames().len() + code.varnames().len();
        let size = code.code().len() + code.linetable().len() + code.exceptiontable().len() + items + 1;
        let Some(left) = budget.checked_sub(size) else { break };
        budget = left;
        assert!(signature::arguments(code).len() <= code.localsplusnames().len().max(code.varnames().len()));
        for (value, era) in code.consts().iter().zip([Era::Python2, Era::Python3].into_iter().cycle()) {
            let text = repr(value, Style { era, mask: &mask }, SHOWN);
            assert!(text.len() <= SHOWN + "...".len(), "{text}");
            assert!(!text.contains(pycaudit::name::is_deceptive), "{text:?}");
        }
        if let Some(opcodes) = opcodes {
            instructions_follow_one_another(code, opcodes);
        }
        if let Some(version) = version {
            tables_are_in_order(code, version);
        }
    }
    digests
}

/// Each instruction begins where the one before it ends, the first at 0, and the last reaches the end.
fn instructions_follow_one_another(code: Code<'_>, opcodes: &'static Opcodes) {
    let bytes = code.code();
    let mut at = 0;
    for instruction in Instructions::new(bytes, opcodes) {
        assert_eq!(instruction.start, at, "{instruction:?}");
        assert!(instruction.start <= instruction.offset && instruction.offset < instruction.caches_start);
        assert!(instruction.caches_start <= instruction.end, "{instruction:?}");
        assert!((instruction.offset as usize) < bytes.len(), "{instruction:?}");
        let is_cut = instruction.end as usize > bytes.len();
        assert!(!is_cut || instruction.cut != pyc::instruction::Cut::No, "{instruction:?}");
        assert_eq!(instruction.target.is_some(), instruction.argument().is_jump(), "{instruction:?}");
        assert!(!instruction.name().is_empty());
        let operand = instruction.operand(code, opcodes);
        if instruction.argument() == Argument::None {
            assert!(instruction.index().is_none(), "{instruction:?} {operand:?}");
        }
        at = instruction.end;
    }
    assert!(at as usize >= bytes.len());
}

/// The tables of lines, positions and handlers: in order, and faults in the table.
fn tables_are_in_order(code: Code<'_>, version: &Version) {
    let length = code.code().len() as u64;
    let (ranges, faults) = lines::line_ranges(code, version);
    assert!(ranges.iter().all(|range| range.start < range.end && range.end <= length), "{ranges:?}");
    assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "{ranges:?}");
    assert!(faults.iter().all(|fault| fault.offset < code.linetable().len()), "{faults:?}");
    if LineFormat::of(version) == LineFormat::Positions {
        let mut at = 0;
        for entry in Positions::of(code).flatten() {
            assert!(at <= entry.start && entry.start < entry.end && entry.offset < code.linetable().len());
            at = entry.end;
        }
    }
    for entry in Handlers::new(code.exceptiontable()) {
        let offset = entry.map_or_else(|fault| fault.offset, |handler| handler.offset);
        assert!(offset < code.exceptiontable().len());
    }
}

/// A walk finds the same with a quick look and without, and with what it kept of another file.
fn what_is_odd_is_found_either_way(tree: &Tree<'_>, length: usize) {
    let mut walk = Walk::default();
    let (oddities, places) = (walk::oddities(tree, &mut walk), walk::places(tree, &mut walk));
    let full = walk::in_full(tree, &mut walk);
    assert_eq!((&oddities, &places), (&full.0, &full.1));
    assert!(oddities.len() <= ODDITIES);
    // What is empty may be at the very end.
    assert!(oddities.iter().all(|oddity| oddity.offset <= length as u64), "{oddities:?}");
    assert!(places.iter().all(|places| places.count > 0 && places.first.offset <= length as u64), "{places:?}");
}

/// Counts bytes and forgets them.
struct Counter {
    count: usize,
    hash: crc32fast::Hasher,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.count += bytes.len();
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How much a disassembly writes, and its checksum.
fn written(disassembly: &Disassembly<'_, '_>, source: Option<&SourceLines<'_>>) -> (usize, u32) {
    let mut out = Counter { count: 0, hash: crc32fast::Hasher::new() };
    let codes = disassembly.write(None, source, &mut out).unwrap();
    assert_eq!(codes, disassembly.codes().count());
    (out.count, out.hash.finalize())
}

/// A disassembly is as long as the file allows, by the version of the magic and by any other.
fn disassembly_is_bounded(tree: &Tree<'_>, bytes: &[u8]) {
    let most = (bytes.len() + 1) * WRITTEN;
    let mask = Mask::new(tree, secret::masked);
    if let Ok(disassembly) = Disassembly::of(tree, &mask) {
        let plain = written(&disassembly, None);
        assert!(plain.0 <= most, "{} bytes of disassembly of {}", plain.0, bytes.len());
        assert_eq!(plain, written(&disassembly, None));
        // Any bytes may be its source as well.
        assert!(written(&disassembly, Some(&SourceLines::new(bytes))).0 <= 2 * most);
    }
    let place = crc32fast::hash(bytes) as usize % VERSIONS.len();
    if let Ok(disassembly) = Disassembly::as_version(tree, &VERSIONS[place], &Mask::default()) {
        assert!(written(&disassembly, None).0 <= most);
    }
}

/// A file whose magic, header and body agree: other times in the header and bytes behind the code change no digest, and a file that
/// is cut is not sound.
fn what_is_no_code_changes_no_digest(bytes: &[u8], pyc: &Pyc, digests: &[Option<(pyc::CodeDigest, pyc::LinesDigest)>]) {
    let mut scratch = Scratch::default();
    let start = usize::try_from(pyc.body_offset.unwrap()).unwrap();
    let mut changed = bytes.to_vec();
    changed[4..start].fill(0);
    let parsed = pyc::read(&changed, &Limits::default(), &mut scratch);
    assert_eq!(Digester::default().codes(&parsed.value), digests, "another header");
    let longer = [bytes, b"\0"].concat();
    let parsed = pyc::read(&longer, &Limits::default(), &mut scratch);
    assert_eq!(parsed.value.pyc.trailing, pyc.trailing + 1);
    assert_eq!(Digester::default().codes(&parsed.value), digests, "bytes behind the code");
    let end = bytes.len() - usize::try_from(pyc.trailing).unwrap();
    let cut = pyc::parse(&bytes[..end - 1], &Limits::default(), &mut scratch);
    assert!(!cut.value.body.is_code() || cut.value.fit.is_some(), "it is cut: {cut:?}");
}

/// Limits that any file exceeds stop the reading with their own problem or not at all.
fn small_limits_are_kept(bytes: &[u8], scratch: &mut Scratch) {
    let limits = Limits { marshal_depth: 5, marshal_objects: 40, ..Limits::default() };
    let parsed = pyc::read(bytes, &limits, scratch);
    places_are_inside(&Parsed { value: parsed.value.pyc.clone(), problems: parsed.problems }, bytes.len());
    assert!(
        parsed.value.object_count() <= limits.marshal_objects + SINGLETONS,
        "{} objects",
        parsed.value.object_count()
    );
}
