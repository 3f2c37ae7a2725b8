//! `pycaudit magic`: what a magic number stands for, or the table of all.

use std::io::Write as _;

use pycaudit::name;
use pycaudit::pyc::Magic;
use pycaudit::pyc::Version;
use pycaudit::pyc::versions;

use crate::args::MagicArgs;
use crate::exit::Exit;
use crate::output::Stdout;

/// Runs the command. A number that is not in the table is a finding: exit code 1.
pub(crate) fn run(args: &MagicArgs) -> anyhow::Result<Exit> {
    let mut out = Stdout::new();
    let all = versions::VERSIONS.iter();
    let rows: Vec<&Version> = match &args.number {
        None => all.collect(),
        Some(word) => {
            let question = question(word)?;
            all.filter(|version| question.fits(version)).collect()
        }
    };
    if let Some(word) = &args.number
        && rows.is_empty()
    {
        anyhow::bail!("`{word}` is no magic number or series of a known interpreter");
    }
    writeln!(out, "number  bytes     header  {:<24}  {:<22}  comment", "python", "releases")?;
    for version in rows {
        writeln!(
            out,
            "{:>6}  {}  {:>6}  {:<24}  {:<22}  {}",
            version.magic.number(),
            name::hex(&version.magic.0),
            version.header.map_or("-".to_owned(), |header| header.size().to_string()),
            version.python(),
            version.releases.unwrap_or("-"),
            version.comment,
        )?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

/// What was asked for.
enum Question {
    Number(u16),
    Bytes(Magic),
    Series(u8, u8),
}

impl Question {
    fn fits(&self, version: &Version) -> bool {
        match *self {
            Self::Number(number) => version.magic.number() == number,
            Self::Bytes(magic) => version.magic == magic,
            Self::Series(major, minor) => version.serves((major, minor)),
        }
    }
}

fn question(word: &str) -> anyhow::Result<Question> {
    if let Ok(number) = word.parse() {
        return Ok(Question::Number(number));
    }
    if let Some((major, minor)) = word.split_once('.')
        && let (Ok(major), Ok(minor)) = (major.parse(), minor.parse())
    {
        return Ok(Question::Series(major, minor));
    }
    let digits: String = word.chars().filter(|character| !character.is_whitespace()).collect();
    let bytes = u32::from_str_radix(digits.trim_start_matches("0x"), 16);
    match bytes {
        Ok(word) if digits.trim_start_matches("0x").len() == 8 => Ok(Question::Bytes(Magic(word.to_be_bytes()))),
        _ => anyhow::bail!("`{word}` is neither a number (3531), four bytes (cb0d0d0a) nor a series (3.12)"),
    }
}
