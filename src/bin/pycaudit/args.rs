//! What was typed. What it means is decided where it is used.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use serde::Deserialize;

/// A forensic batch scanner for Python bytecode
///
/// Finds every .pyc in directories, wheels and archives, reads it without ever running Python, and says which interpreter made
/// it, from what and when, whether an interpreter would run it and in place of what, and whether header and code agree with the
/// source beside it.
#[derive(Debug, Parser)]
#[command(name = "pycaudit", version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan directories, wheels, archives and pycs
    Scan(Box<ScanArgs>),
    /// Write reports again from saved runs (`scan --jsonl`), or one report of several runs
    Report(Box<ReportCommand>),
    /// Show one pyc: header, code objects, imports, names, strings, constants, digests, load verdict, findings
    Inspect(InspectArgs),
    /// Show the instructions of a pyc of any Python version, with the source's lines beside them
    Dis(DisArgs),
    /// Compare two pycs: header, code objects, instructions; paths, references and interning do not count
    Diff(DiffArgs),
    /// Carve pycs out of archives for other tools, with a manifest of where each was
    Extract(ExtractArgs),
    /// Show a rule's page, or the table of rules
    Explain(ExplainArgs),
    /// Show what a magic number stands for, or the table of magic numbers
    Magic(MagicArgs),
    /// Write completions for a shell, or a manual page
    Generate(GenerateArgs),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that can be typed")]
#[command(after_help = "\
Exit codes: 0 nothing at or above --fail-on; 1 findings; 2 it could not start or a report could not be written;
3 it finished but could not read everything (wins over 1); 130 interrupted.")]
pub(crate) struct ScanArgs {
    /// Directories, wheels, archives or pycs
    #[arg(value_name = "PATH", required_unless_present = "files_from")]
    pub(crate) paths: Vec<PathBuf>,

    /// Read more paths from a file, one per line; `-` is stdin
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub(crate) files_from: Option<PathBuf>,
    /// The paths in --files-from are separated by NUL instead of line ends
    #[arg(short = '0', long = "null", requires = "files_from", help_heading = "Input")]
    pub(crate) null: bool,
    /// Leave out files, folders and members whose path below PATH matches; repeatable, counted in the ledger
    #[arg(long, value_name = "GLOB", help_heading = "Input")]
    pub(crate) exclude: Vec<String>,
    /// More places to look for sources (a checkout, an unpacked or zipped sdist), repeatable
    #[arg(long, value_name = "PATH", help_heading = "Input")]
    pub(crate) sources: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) reports: ReportArgs,

    /// How far to compare with the source [default: code]
    #[arg(long, value_name = "STRENGTH", help_heading = "Checks")]
    pub(crate) verify: Option<Verify>,
    /// An interpreter for `--verify exact`, repeatable; without it those on PATH and of pyenv and uv are found
    #[arg(long, value_name = "PATH", help_heading = "Checks")]
    pub(crate) python: Vec<PathBuf>,
    /// Run only these rules: ids, id prefixes (PYC2) or names, separated by commas; repeatable
    #[arg(long, value_name = "RULES", value_delimiter = ',', help_heading = "Checks")]
    pub(crate) select: Vec<String>,
    /// Leave out these rules
    #[arg(long, value_name = "RULES", value_delimiter = ',', help_heading = "Checks")]
    pub(crate) ignore: Vec<String>,
    /// Accept the findings of this file, which --write-baseline wrote; repeatable. They are counted, and what accepts nothing is named
    #[arg(long, value_name = "FILE", help_heading = "Checks")]
    pub(crate) baseline: Vec<PathBuf>,
    /// Exit with 1 when there is a finding of this severity or above [default: medium]
    #[arg(long, value_name = "SEVERITY", help_heading = "Checks")]
    pub(crate) fail_on: Option<Level>,
    /// Whatever could not be verified or read counts as a failure
    #[arg(long, help_heading = "Checks")]
    pub(crate) strict: bool,
    /// Show the secrets that are found (PYC605) instead of their first and last characters: then every report holds them
    #[arg(long, conflicts_with = "redact", help_heading = "Reports")]
    pub(crate) reveal_secrets: bool,
    /// Say which files are on a list of good ones: SHA-256 of files or code digests (v1:), one in a line; repeatable
    #[arg(long, value_name = "FILE", help_heading = "Checks")]
    pub(crate) known_good: Vec<PathBuf>,
    /// Report files that are on a list of bad ones, in the same form
    #[arg(long, value_name = "FILE", help_heading = "Checks")]
    pub(crate) known_bad: Vec<PathBuf>,
    /// Exit with 0 whatever is found
    #[arg(long, help_heading = "Checks")]
    pub(crate) exit_zero: bool,

    /// Read options from this file instead of `pycaudit.toml` or `[tool.pycaudit]` in `pyproject.toml`, which are looked for in the
    /// working directory and above it, up to the root of its repository; not in what is scanned, unless one works in there
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub(crate) config: Option<PathBuf>,
    /// Look for no configuration
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    pub(crate) no_config: bool,

    /// Archives inside archives, at most
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_depth: Option<u32>,
    /// Bytes of one file or member that are read, at most (suffixes K, M, G)
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub(crate) max_member_size: Option<u64>,
    /// Bytes that all members of one archive may unpack to (suffixes K, M, G)
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub(crate) max_total_size: Option<u64>,
    /// Unpacked bytes for a packed byte, at most
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_ratio: Option<u64>,

    /// Threads; by default four per core and at least 16, which hides the latency of cold storage
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Running")]
    pub(crate) jobs: Option<u16>,
    /// Show no progress bar (there is none either when stderr is no terminal)
    #[arg(long, help_heading = "Running")]
    pub(crate) no_progress: bool,
}

/// Which reports to write: of a scan, and of saved runs.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Write one CSV row per pyc; `-` is stdout
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) csv: Vec<PathBuf>,
    /// Write one CSV row per finding; `-` is stdout
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) findings_csv: Vec<PathBuf>,
    /// Write the report to share: one self-contained HTML file; `-` is stdout
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) html: Vec<PathBuf>,
    /// Write one JSON object per line, of which `pycaudit report` makes every other report; `-` is stdout
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) jsonl: Vec<PathBuf>,
    /// Write SARIF 2.1.0 for code scanning; `-` is stdout
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) sarif: Vec<PathBuf>,
    /// What stdout shows, when no report goes there
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Reports")]
    pub(crate) format: Format,
    /// Write a baseline: what is found now is accepted by later scans that are given it with --baseline; `-` is stdout
    #[arg(long, value_name = "FILE", conflicts_with = "redact", help_heading = "Reports")]
    pub(crate) write_baseline: Vec<PathBuf>,
    /// Show findings of this severity and above [default: info]
    #[arg(long, value_name = "SEVERITY", help_heading = "Reports")]
    pub(crate) min_severity: Option<Level>,
    /// Mask names of users and machines, home folders and secrets in every report; equal names stay equal
    #[arg(long, help_heading = "Reports")]
    pub(crate) redact: bool,
    /// Colour the text on stdout
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Running")]
    pub(crate) color: Color,
    /// Show only the worst findings and the summary line
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Running")]
    pub(crate) quiet: bool,
    /// Show every finding with its evidence
    #[arg(short, long, help_heading = "Running")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the reports are written; 1 findings at or above --fail-on, when that is given; 2 it could not start;
3 a saved run is damaged or not all there: what could be read is in the reports (wins over 1).")]
pub(crate) struct ReportCommand {
    /// Saved runs: files that `scan --jsonl` wrote; `-` is stdin. Several become one
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: ReportArgs,
    /// Exit with 1 when there is a finding of this severity or above
    #[arg(long, value_name = "SEVERITY", help_heading = "Checks")]
    pub(crate) fail_on: Option<Level>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 all pycs were extracted; 2 it could not start or write; 3 something could not be read; 130 interrupted.")]
pub(crate) struct ExtractArgs {
    /// Directories, wheels, archives, frozen programs or pycs: whatever `scan` reads
    #[arg(value_name = "ARTIFACT", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// The folder to write into; it has to be new or empty
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Extract only pycs whose path in their archive matches; repeatable, as --exclude of `scan`
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
    /// Write into a folder that is not empty, and over what is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Archives inside archives, at most
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_depth: Option<u32>,
    /// Bytes of one file or member that are read, at most (suffixes K, M, G)
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub(crate) max_member_size: Option<u64>,
    /// Show no progress bar (there is none either when stderr is no terminal)
    #[arg(long)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A pyc, or ARCHIVE!MEMBER
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// For people, or one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: InspectFormat,
    /// Show long lists whole, and values without cutting them (text only; JSON has lists whole in any case)
    #[arg(long)]
    pub(crate) all: bool,
    /// Show the secrets that are found (PYC605) instead of their first and last characters
    #[arg(long)]
    pub(crate) reveal_secrets: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DisArgs {
    /// A pyc, or ARCHIVE!MEMBER
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only the code objects of this name or qualified name (Shape.area)
    #[arg(long, value_name = "NAME")]
    pub(crate) code: Option<OsString>,
    /// Leave out the lines of the source
    #[arg(long)]
    pub(crate) no_source: bool,
    /// Read the instructions as those of this CPython series (3.12), whatever the magic number says
    #[arg(long, value_name = "SERIES")]
    pub(crate) python: Option<String>,
    /// Show the secrets that are found (PYC605) instead of their first and last characters, in source lines too
    #[arg(long)]
    pub(crate) reveal_secrets: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 equal; 1 different; 2 it could not start; 3 one of them could not be read to its end."
)]
pub(crate) struct DiffArgs {
    /// A pyc, or ARCHIVE!MEMBER
    #[arg(value_name = "A")]
    pub(crate) left: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    pub(crate) right: PathBuf,
    /// Show the secrets that are found (PYC605) instead of their first and last characters and the beginning of their SHA-256
    #[arg(long)]
    pub(crate) reveal_secrets: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A rule's id (PYC203) or name (source-mtime-mismatch); without it, the table of rules
    #[arg(value_name = "RULE")]
    pub(crate) rule: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct MagicArgs {
    /// A number (3531), four bytes in hexadecimal (cb0d0d0a), or a series (3.12); without it, the whole table
    #[arg(value_name = "NUMBER")]
    pub(crate) number: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// What to write to stdout
    #[arg(value_name = "WHAT")]
    pub(crate) what: Generated,
    /// The command whose manual page is wanted; without it, that of pycaudit
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

/// In ripgrep's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Generated {
    /// A manual page in roff
    Man,
    /// Completions for bash
    CompleteBash,
    /// Completions for elvish
    CompleteElvish,
    /// Completions for fish
    CompleteFish,
    /// Completions for PowerShell
    CompletePowershell,
    /// Completions for zsh
    CompleteZsh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object per line
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of a GitHub Actions workflow
    Github,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InspectFormat {
    /// For people
    Text,
    /// One object
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verify {
    /// Look for the source, but compare nothing
    None,
    /// Compare what the header records with the source: time, size, hash
    Header,
    /// And compare the code: was this bytecode compiled from this source?
    Code,
    /// And have interpreters of the same magic number compile the source: the same code is proof
    Exact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// When stdout is a terminal, unless NO_COLOR, CLICOLOR or CLICOLOR_FORCE say otherwise
    Auto,
    Always,
    Never,
}

/// A path from its bytes. A name that the system cannot write is no file of it.
pub(crate) fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    pycaudit::container::on_disk(Path::new(""), bytes).unwrap_or_default()
}

/// A number of bytes with an optional suffix: `500M`.
pub(crate) fn size(typed: &str) -> Result<u64, String> {
    let (digits, shift) = match typed.char_indices().last() {
        Some((at, 'k' | 'K')) => (&typed[..at], 10),
        Some((at, 'm' | 'M')) => (&typed[..at], 20),
        Some((at, 'g' | 'G')) => (&typed[..at], 30),
        _ => (typed, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "not a size; try 500M".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_size_takes_a_suffix() {
        assert_eq!(size("500M"), Ok(500 << 20));
        assert_eq!(size("12"), Ok(12));
        assert!(size("M").is_err());
        assert!(size("99999999999G").is_err());
    }
}
