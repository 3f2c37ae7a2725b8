//! Two pycs in one run of bytes: two bytes with the length of the first, the first, the second.

use pycaudit::comparison;
use pycaudit::comparison::Side;
use pycaudit::limits::Limits;
use pycaudit::pyc;
use pycaudit::pyc::Digester;
use pycaudit::pyc::Header;
use pycaudit::pyc::Mask;
use pycaudit::pyc::Scratch;
use pycaudit::pyc::Tree;
use pycaudit::secret;

/// Bytes of a comparison for a byte of both files.
const WRITTEN: usize = 16_000;

/// Compares the two and panics when something does not hold.
pub(crate) fn hold(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (left, right) = rest.split_at(length);
    let mut scratches = (Scratch::default(), Scratch::default());
    let trees = (
        pyc::read(left, &Limits::default(), &mut scratches.0).value,
        pyc::read(right, &Limits::default(), &mut scratches.1).value,
    );
    let most = (bytes.len() + 1) * WRITTEN;
    for tree in [&trees.0, &trees.1] {
        let (differs, text) = compare(tree, tree);
        assert!(!differs && text.is_empty(), "a file differs from itself:\n{text}");
    }
    let (differs, text) = compare(&trees.0, &trees.1);
    assert_eq!(differs, !text.is_empty());
    assert!(text.len() <= most, "{} bytes of {}", text.len(), bytes.len());
    assert!(!text.contains(|shown| shown != '\n' && pycaudit::name::is_deceptive(shown)), "{text:?}");
    assert_eq!((differs, &text), (compare(&trees.0, &trees.1).0, &compare(&trees.0, &trees.1).1));
    let (backwards, other) = compare(&trees.1, &trees.0);
    assert_eq!(differs, backwards, "from left to right:\n{text}\nfrom right to left:\n{other}");
    let mut digester = Digester::default();
    let digests = (digester.codes(&trees.0), digester.codes(&trees.1));
    if let (Some(Some(one)), Some(Some(other))) = (digests.0.first(), digests.1.first()) {
        let is_same = one == other && outside(&trees.0) == outside(&trees.1);
        assert_eq!(differs, !is_same, "{one:?} {other:?}\n{text}");
    }
}

/// What of a file is no code.
fn outside(tree: &Tree<'_>) -> (Vec<u8>, u64) {
    (tree.pyc.header.as_ref().map(Header::to_bytes).unwrap_or_default(), tree.pyc.trailing)
}

/// Compares with secrets shown and masked: whether two files differ does not depend on that.
fn compare(left: &Tree<'_>, right: &Tree<'_>) -> (bool, String) {
    let shown = compare_masked(left, right, &[Mask::default(), Mask::default()]);
    let masks = [left, right].map(|tree| Mask::new(tree, secret::masked_apart));
    let masked = compare_masked(left, right, &masks);
    assert_eq!(shown.0, masked.0, "shown:\n{}\nmasked:\n{}", shown.1, masked.1);
    shown
}

fn compare_masked(left: &Tree<'_>, right: &Tree<'_>, [one, other]: &[Mask; 2]) -> (bool, String) {
    let mut out = Vec::new();
    let differs = comparison::write(&Side::new(left, one), &Side::new(right, other), &mut out).unwrap();
    (differs, String::from_utf8(out).unwrap())
}
