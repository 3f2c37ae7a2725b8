//! PYC110.

use crate::pyc::Body;
use crate::pyc::HeaderLayout;
use crate::pyc::Unread;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc that ends inside its header: 8 bytes up to Python 3.2, 12 from 3.3 to 3.6, 16 from 3.7 on. An empty file and one of
    /// zeros are `PYC111`; a file that ends right after its header is `PYC402`.
    ///
    /// ## Why it matters
    /// It holds no code. An interpreter compiles the source again where there is one; without a source the import fails. Since
    /// Python 3.3 a pyc is written under another name and then renamed, so a cut one did not come from an import.
    ///
    /// ## Innocent causes
    /// A full disk, a crash, a transfer that broke off.
    ///
    /// ## What to do
    /// Delete it, and look for other damage where it came from.
    ///
    /// ## References
    /// `_classify_pyc` and `_write_atomic` in CPython's Lib/importlib/_bootstrap_external.py; python/cpython#126606.
    id: "PYC110",
    name: "truncated-header",
    summary: "ends inside its header",
    severity: Medium,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let pyc = context.pyc;
    let is_zeroed = context.bytes.iter().all(|&byte| byte == 0);
    if !context.is_whole || is_zeroed || pyc.body != Body::NotRead(Unread::TruncatedHeader) {
        return;
    }
    let length = context.bytes.len();
    let size = pyc.version.and_then(|version| version.header).map(HeaderLayout::size);
    let expected = match (size, pyc.version) {
        (Some(size), Some(version)) => format!("{size} bytes of header ({})", version.python()),
        _ => String::from("at least 8 bytes of header"),
    };
    let message = format!("`{}` ends after {length} bytes, inside its header", context.module);
    findings.add(message).compared(expected, format!("{length} bytes")).at(length as u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(python: &str, length: usize) -> Case {
        Case::tree().file("m.pyc", Pyc::python(python).cut(length).build(), 1)
    }

    #[test]
    fn flags_a_cut_inside_the_header_of_each_era() {
        for (python, length) in [("2.7", 7), ("3.6", 11), ("3.12", 15), ("3.12", 4), ("3.12", 3), ("3.12", 1)] {
            assert_eq!(case(python, length).flags(&RULE).offset, Some(length as u64), "{python} {length}");
        }
        assert_eq!(case("3.6", 11).flags(&RULE).expected, "12 bytes of header (CPython 3.6)");
    }

    #[test]
    fn passes_whole_headers_and_empty_files() {
        for (python, length) in [("2.7", 8), ("3.6", 12), ("3.12", 16), ("3.12", 0)] {
            case(python, length).passes(&RULE);
        }
        Case::tree().file("m.pyc", [0, 0, 0], 1).passes(&RULE);
    }
}
