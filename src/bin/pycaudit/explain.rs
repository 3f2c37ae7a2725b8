//! `pycaudit explain`: a rule's page, or the table of rules.

use std::io::Write as _;

use anyhow::Context as _;
use pycaudit::rules::RULES;
use pycaudit::rules::Rule;

use crate::args::ExplainArgs;
use crate::exit::Exit;
use crate::output::Stdout;

/// Runs the command.
pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let mut out = Stdout::new();
    match &args.rule {
        Some(word) => {
            let rule = RULES.iter().find(|rule| rule.id.eq_ignore_ascii_case(word) || rule.name == word);
            let rule = rule.with_context(|| format!("no rule is called `{word}`; `pycaudit explain` lists them"))?;
            out.write_all(page(rule).as_bytes())?;
        }
        None => {
            for rule in RULES {
                writeln!(out, "{}  {:<8}  {:<28}  {}", rule.id, rule.severity.code(), rule.name, rule.summary)?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn page(rule: &Rule) -> String {
    let mut page = format!("{} {} ({})\n{}\n\n", rule.id, rule.name, rule.severity.code(), rule.summary);
    for line in rule.docs {
        page.push_str(line.strip_prefix(' ').unwrap_or(line));
        page.push('\n');
    }
    page
}
