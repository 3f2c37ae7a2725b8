//! `pycaudit generate`: completions for shells, and manual pages, from the same definitions as the command line.

use std::io::Write as _;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Cli;
use crate::args::GenerateArgs;
use crate::args::Generated;
use crate::exit::Exit;
use crate::output::Stdout;

/// Runs the command.
pub(crate) fn run(args: &GenerateArgs) -> anyhow::Result<Exit> {
    let text = match args.what {
        Generated::Man => man(args.command.as_deref())?,
        Generated::CompleteBash => completions(Shell::Bash),
        Generated::CompleteElvish => completions(Shell::Elvish),
        Generated::CompleteFish => completions(Shell::Fish),
        Generated::CompletePowershell => completions(Shell::PowerShell),
        Generated::CompleteZsh => completions(Shell::Zsh),
    };
    let mut out = Stdout::new();
    out.write_all(&text)?;
    out.flush()?;
    Ok(Exit::Clean)
}

/// The completions of one shell.
fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pycaudit", &mut text);
    text
}

/// The manual page of the program, or of one of its commands.
fn man(command: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    let command = match command {
        None => cli,
        Some(name) => {
            let found = cli.find_subcommand(name).with_context(|| format!("there is no command `{name}`"))?.clone();
            // The page is called as `man` finds it: pycaudit-scan.
            let page_name = format!("pycaudit-{}", found.get_name());
            found.display_name(page_name)
        }
    };
    let mut text = Vec::new();
    Man::new(command).render(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is generated, as text.
    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_shell_completes_every_command() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let text = text(completions(shell));
            for command in Cli::command().get_subcommands() {
                assert!(text.contains(command.get_name()), "{shell} does not know {}", command.get_name());
            }
            assert!(text.contains("findings-csv"), "{shell}");
        }
    }

    #[test]
    fn every_command_has_a_page_with_its_options() {
        let top = text(man(None).unwrap());
        assert!(top.contains(".TH pycaudit 1"), "{top}");
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(top.contains(&format!("pycaudit\\-{name}(1)")), "{top}");
            let page = text(man(Some(name)).unwrap());
            assert!(page.contains(&format!(".TH pycaudit-{name} 1")), "{page}");
            let long = command.get_arguments().find_map(clap::Arg::get_long);
            let long = long.map(|long| format!("\\-\\-{}", long.replace('-', "\\-")));
            assert!(long.is_none_or(|long| page.contains(&long)), "{page}");
        }
        assert!(man(Some("juggle")).is_err());
    }
}
