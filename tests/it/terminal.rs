//! What a terminal and a shell get from the command: colours as the environment wants them, completions, manual pages.

use std::path::Path;
use std::process::Command;

/// What the command wrote to stdout, under these variables and no others.
fn stdout(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pycaudit"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What is set, the arguments, and whether there is color.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str], bool);

#[test]
fn color_is_what_the_option_says_and_else_what_the_environment_wants() {
    let cases: [Case; 7] = [
        (&[], &[], false),
        (&[("CLICOLOR", "1")], &[], false),
        (&[("CLICOLOR_FORCE", "1")], &[], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[], false),
        (&[("CLICOLOR_FORCE", "1")], &["--color", "never"], false),
        (&[("NO_COLOR", "1")], &["--color", "always"], true),
        (&[], &["--color", "always"], true),
    ];
    for (variables, options, colored) in cases {
        let text = stdout(variables, &[&["scan", "samples/poisoned-1.0-py3-none-any.whl"], options].concat());
        assert_eq!(text.contains("\x1b[1;97;41mcritical"), colored, "{variables:?} {options:?}: {text}");
        assert_eq!(text.contains('\x1b'), colored, "{variables:?} {options:?}: {text}");
    }
}

#[test]
fn more_is_said_with_verbose_and_less_with_quiet() {
    let lines = |options: &[&str]| stdout(&[], &[&["scan", "samples"], options].concat()).lines().count();
    let [quiet, normal, verbose] = [lines(&["-q"]), lines(&[]), lines(&["-v"])];
    assert!(quiet < normal && normal < verbose, "{quiet}, {normal}, {verbose}");
}

#[test]
fn completions_and_manual_pages_come_from_the_binary() {
    assert!(stdout(&[], &["generate", "complete-bash"]).contains("--findings-csv"));
    assert!(stdout(&[], &["generate", "complete-zsh"]).starts_with("#compdef pycaudit"));
    assert!(stdout(&[], &["generate", "man"]).contains(".TH pycaudit 1"));
    assert!(stdout(&[], &["generate", "man", "scan"]).contains("\\-\\-findings\\-csv"));
}
