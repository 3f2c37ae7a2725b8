//! Whether what is written to a terminal is coloured: `--color`, then what the environment asks of every program.

use std::env;
use std::ffi::OsString;
use std::io;
use std::io::IsTerminal as _;

use crate::args::Color;

/// Whether stdout is to be coloured.
pub(crate) fn colored(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => wanted(io::stdout().is_terminal(), |name| env::var_os(name)),
    }
}

/// What the environment wants: `NO_COLOR` (no-color.org) wins over `CLICOLOR_FORCE` and `CLICOLOR` (bixense.com/clicolors).
fn wanted(is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let is_zero = |name| variable(name).is_some_and(|value| value == "0");
    if is_set("NO_COLOR") {
        return false;
    }
    if is_set("CLICOLOR_FORCE") && !is_zero("CLICOLOR_FORCE") {
        return true;
    }
    is_terminal && !is_zero("CLICOLOR") && variable("TERM").is_none_or(|value| value != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the output is a terminal, what is set, and whether there is color.
    type Case = (bool, &'static [(&'static str, &'static str)], bool);

    #[test]
    fn the_environment_says_whether_there_is_color() {
        let cases: [Case; 12] = [
            (true, &[], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (true, &[("CLICOLOR", "0")], false),
            (true, &[("CLICOLOR", "1")], true),
            (false, &[("CLICOLOR", "1")], false),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (false, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], true),
            (false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (true, &[("TERM", "dumb")], false),
        ];
        for (is_terminal, variables, expected) in cases {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            assert_eq!(wanted(is_terminal, variable), expected, "terminal {is_terminal}, {variables:?}");
        }
    }
}
