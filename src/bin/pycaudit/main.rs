//! The `pycaudit` command: parse, run, exit.

mod args;
mod color;
mod config;
mod diff;
mod dis;
mod exit;
mod explain;
mod extract;
mod generate;
mod inspect;
mod magic;
mod one;
mod output;
mod progress;
mod replay;
mod reports;
mod scan;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::args::Command;
use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Scan(args) => scan::run(*args),
        Command::Report(args) => replay::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Dis(args) => dis::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Magic(args) => magic::run(&args),
        Command::Generate(args) => generate::run(&args),
    };
    let exit = result.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        Exit::Failed
    });
    exit.into()
}

/// One line on stderr; the message may hold names of files.
#[expect(clippy::print_stderr, reason = "the one place where errors are written")]
fn complain(message: &str) {
    eprintln!("pycaudit: {}", pycaudit::name::shown_text(message));
}
