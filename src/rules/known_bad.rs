//! PYC609.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A pyc that is on a list given as `--known-bad`: by the SHA-256 of the file, or by the code digest of the module, which is
    /// the same wherever it was compiled and under whatever header.
    ///
    /// ## Why it matters
    /// Somebody looked at it, and found it bad.
    ///
    /// ## Innocent causes
    /// A list with a mistake in it. An empty module has one and the same code digest wherever it is.
    ///
    /// ## What to do
    /// Take the file away from where it runs, keep a copy as evidence, and find out how it came there.
    id: "PYC609",
    name: "known-bad",
    summary: "it is on the user's list of bad files",
    severity: Critical,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let digests = &context.container.known.bad;
    let Some(found) = digests.find(context.sha256.as_ref(), context.code_digest.as_ref()) else { return };
    findings.add(format!("`{}` is known to be bad", context.module)).compared("", found.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Sha256Digest;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::known::Known;

    fn case(list: &str) -> Case {
        let mut known = Known::default();
        known.bad.add(list.as_bytes()).unwrap();
        Case::tree().file("m.pyc", Pyc::python("3.12").build(), 1).known(known)
    }

    #[test]
    fn flags_a_file_by_either_digest() {
        let file = Sha256Digest::of(&Pyc::python("3.12").build());
        let finding = case(&file.to_string()).flags(&RULE);
        assert_eq!(finding.message, "`m` is known to be bad");
        assert_eq!(finding.observed, format!("SHA-256 {file}"));
        // The empty module of 3.12, from the definition of the digest.
        let code = "v1:1fd223b28c17033921ed69a6742f5966abb3d9b30c5454b2cc7cbab734420e5b";
        assert_eq!(case(code).flags(&RULE).observed, format!("code digest {code}"));
    }

    #[test]
    fn passes_what_is_on_no_list() {
        case("").passes(&RULE);
        case(&"0".repeat(64)).passes(&RULE);
    }
}
