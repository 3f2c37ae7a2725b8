//! PYC514.

use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A module of whose names (of variables, attributes and functions) a fifth or more, and eight at least, are rows of characters
    /// that look alike (`lIl1I`, `O0O0O`, `_____`), numbers that a tool gave (`_0x3fa2`), or Latin words with letters of another
    /// script that look the same.
    ///
    /// ## Why it matters
    /// Such names are given by obfuscators, so that nobody can tell one from another.
    ///
    /// ## Innocent causes
    /// A vendor that obfuscates what it sells. Minifiers give short names, which are not reported.
    ///
    /// ## Severity
    /// Medium; low in bytecode that is stale or never looked at.
    ///
    /// ## What to do
    /// Find out who made the module, and why its names are hidden.
    ///
    /// ## References
    /// Unicode UTS 39, confusable characters.
    id: "PYC514",
    name: "obfuscated-names",
    summary: "names that cannot be told from one another",
    severity: Medium,
    check: Pyc(check),
}

/// The share of names, in percent.
const SHARE: usize = 20;

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some(names) = context.content.alike() else { return };
    if names.alike < 8 || names.alike.saturating_mul(100) < names.all.saturating_mul(SHARE) {
        return;
    }
    let (alike, all) = (names.alike, names.all);
    let finding = findings.add(format!("{alike} of {all} names in `{}` look like one another", context.module));
    finding.compared("", format!("`{}`", names.first));
    if context.is_passed_over() {
        finding.severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;

    fn case(names: &[&str]) -> Case {
        Case::tree().file("m.pyc", Pyc::python("3.12").names(names).build(), 1)
    }

    #[test]
    fn flags_names_that_look_like_one_another() {
        let names = ["lIlIl", "IlIlI", "lllIl", "IIlII", "OO0O0", "O0OO0", "___", "____", "print"];
        let finding = case(&names).flags(&RULE);
        assert_eq!(finding.message, "8 of 9 names in `m` look like one another");
        let tool = ["_0x3fa2", "_0x11c", "_0xabc", "_0xdef0", "_0x999", "_0x123", "_0x124", "_0x125"];
        case(&tool).flags(&RULE);
        // The first letter of each is Cyrillic.
        let other = [
            "\u{441}olor",
            "\u{430}rea",
            "\u{435}nd",
            "\u{43e}pen",
            "\u{440}ath",
            "\u{445}ml",
            "\u{441}ode",
            "\u{43e}s",
        ];
        case(&other).flags(&RULE);
    }

    #[test]
    fn passes_short_names_words_and_other_alphabets() {
        case(&["_", "__", "l", "I", "O", "i", "o", "li", "il", "oo", "io"]).passes(&RULE);
        case(&["color", "oil", "ill", "iolo", "o_o", "__init__", "_0xcafe"]).passes(&RULE);
        case(&[
            "\u{3b1}",
            "\u{394}t",
            "\u{441}\u{43b}\u{43e}\u{432}\u{43e}",
            "gr\u{f6}\u{df}e",
            "a",
            "b",
            "c",
            "d",
            "e",
        ])
        .passes(&RULE);
    }

    #[test]
    fn passes_a_few_among_many() {
        let many: Vec<String> = (0..60).map(|at| format!("name_{at}")).collect();
        let mut names: Vec<&str> = many.iter().map(String::as_str).collect();
        names.extend(["lIlIl", "IlIlI", "lllIl", "IIlII", "OO0O0", "O0OO0", "___", "____"]);
        case(&names).passes(&RULE);
    }
}
