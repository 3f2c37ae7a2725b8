//! The configuration of a scan: `pycaudit.toml`, or `[tool.pycaudit]` in `pyproject.toml`; and baselines that are read.
//!
//! It is looked for in the working directory and above it, up to the root of the repository, and nowhere else: a folder or archive that is
//! scanned must not be able to switch off rules by bringing a file along. Whoever works inside of what is scanned is told, in every
//! report, that the configuration was there. Of what is found only that counts which its reader, the owner of the working directory or the
//! administrator wrote: in a folder such as `/tmp` anybody may leave a file. A configuration can neither run a program, nor write a
//! file, nor show secrets, nor change what an exit code means. What is typed wins, key by key.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use pycaudit::name;
use pycaudit::rules::select;
use pycaudit::suppression::Baseline;
use pycaudit::suppression::PathIgnores;
use serde::Deserialize;
use toml::Spanned;

use crate::args;
use crate::args::Level;
use crate::args::ScanArgs;
use crate::args::Verify;

/// Bytes of a configuration; honest ones have some kilobytes, a `pyproject.toml` some tens.
const CONFIG_SIZE: u64 = 4 << 20;

/// Bytes of a baseline: some hundred thousand findings.
const BASELINE_SIZE: u64 = 256 << 20;

/// What can be set. Names are those of the options.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    select: Vec<Spanned<String>>,
    #[serde(default)]
    ignore: Vec<Spanned<String>>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    sources: Vec<PathBuf>,
    #[serde(default)]
    baseline: Paths,
    #[serde(default)]
    known_good: Paths,
    #[serde(default)]
    known_bad: Paths,
    verify: Option<Verify>,
    min_severity: Option<Level>,
    fail_on: Option<Level>,
    #[serde(default)]
    strict: bool,
    max_depth: Option<u32>,
    max_member_size: Option<Size>,
    max_total_size: Option<Size>,
    max_ratio: Option<u64>,
    #[serde(default)]
    per_path_ignores: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
}

/// One path or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Paths {
    One(PathBuf),
    Several(Vec<PathBuf>),
}

impl Default for Paths {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// A number of bytes: `500000` or `"500M"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Typed")]
struct Size(u64);

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Typed {
    Number(u64),
    Text(String),
}

impl TryFrom<Typed> for Size {
    type Error = String;

    fn try_from(typed: Typed) -> Result<Self, String> {
        match typed {
            Typed::Number(bytes) => Ok(Self(bytes)),
            Typed::Text(text) => args::size(&text).map(Self),
        }
    }
}

/// As much of `pyproject.toml` as is ours.
#[derive(Debug, Deserialize)]
struct Project {
    tool: Option<Tool>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    pycaudit: Option<Settings>,
}

/// A configuration that was found.
#[derive(Debug)]
pub(crate) struct Found {
    path: PathBuf,
    text: String,
    settings: Settings,
}

impl Found {
    /// The configuration of a scan, if it has one.
    pub(crate) fn of(args: &ScanArgs) -> anyhow::Result<Option<Self>> {
        match &args.config {
            Some(path) => {
                let text = text(path, CONFIG_SIZE)?;
                let found = parse(path, text)?;
                found.with_context(|| format!("`{}` has no [tool.pycaudit]", shown(path))).map(Some)
            }
            None if args.no_config => Ok(None),
            None => Self::search(&env::current_dir().context("cannot tell the working directory")?),
        }
    }

    /// Looks in a folder and above it, up to the root of its repository.
    fn search(start: &Path) -> anyhow::Result<Option<Self>> {
        for folder in start.ancestors() {
            for name in ["pycaudit.toml", "pyproject.toml"] {
                // Reports name it: where people work, the name alone is the same on every machine.
                let path = if folder == start { PathBuf::from(name) } else { folder.join(name) };
                if !fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                    continue;
                }
                let text = text(&path, CONFIG_SIZE)?;
                // A project that does not know us may have any file of that name, even a broken one.
                if name == "pyproject.toml" && !text.contains("pycaudit") {
                    continue;
                }
                if let Some(found) = parse(&path, text)? {
                    anyhow::ensure!(
                        is_trusted(&path, start),
                        "`{}` is somebody else's: --config uses it all the same, --no-config does without it",
                        shown(&path)
                    );
                    return Ok(Some(found));
                }
            }
            if folder.join(".git").exists() {
                break;
            }
        }
        Ok(None)
    }

    /// Fills in what was not typed; gives what is ignored for some paths.
    pub(crate) fn apply(&self, args: &mut ScanArgs) -> anyhow::Result<Option<PathIgnores>> {
        let Settings {
            select: selected,
            ignore,
            exclude,
            sources,
            baseline,
            known_good,
            known_bad,
            verify,
            min_severity,
            fail_on,
            strict,
            max_depth,
            max_member_size,
            max_total_size,
            max_ratio,
            per_path_ignores,
        } = &self.settings;
        for word in selected.iter().chain(ignore).chain(per_path_ignores.values().flatten()) {
            if let Err(unknown) = select(std::slice::from_ref(word.get_ref()), &[]) {
                let what = format!("no rule is called `{unknown}`; `pycaudit explain` lists them");
                anyhow::bail!(self.at(word.span().start, &what));
            }
        }
        let words = |words: &[Spanned<String>]| words.iter().map(|word| word.get_ref().clone()).collect::<Vec<_>>();
        // Whoever types which rules are to run means these, whatever the project leaves out.
        if args.select.is_empty() {
            args.select = words(selected);
            if args.ignore.is_empty() {
                args.ignore = words(ignore);
            }
        }
        if args.exclude.is_empty() {
            args.exclude.clone_from(exclude);
        }
        for (typed, set) in [
            (&mut args.sources, sources.as_slice()),
            (&mut args.baseline, baseline.as_slice()),
            (&mut args.known_good, known_good.as_slice()),
            (&mut args.known_bad, known_bad.as_slice()),
        ] {
            if typed.is_empty() {
                typed.extend(set.iter().map(|path| self.folder().join(path)));
            }
        }
        args.verify = args.verify.or(*verify);
        args.reports.min_severity = args.reports.min_severity.or(*min_severity);
        args.fail_on = args.fail_on.or(*fail_on);
        args.strict |= strict;
        args.max_depth = args.max_depth.or(*max_depth);
        args.max_member_size = args.max_member_size.or(max_member_size.map(|size| size.0));
        args.max_total_size = args.max_total_size.or(max_total_size.map(|size| size.0));
        args.max_ratio = args.max_ratio.or(*max_ratio);
        if per_path_ignores.is_empty() {
            return Ok(None);
        }
        let table: Vec<_> =
            per_path_ignores.iter().map(|(glob, rules)| (glob.get_ref().clone(), words(rules))).collect();
        let folder = std::path::absolute(self.folder().join(".")).context("cannot tell the working directory")?;
        let ignores = PathIgnores::new(shown(&self.path), &folder, &table).map_err(|unfit| {
            let glob = per_path_ignores.keys().find(|glob| glob.get_ref() == unfit.pattern());
            anyhow::anyhow!(self.at(glob.map_or(0, |glob| glob.span().start), &unfit.to_string()))
        });
        ignores.map(Some)
    }

    /// The file, and whether it lies in one of these paths.
    pub(crate) fn described(&self, paths: &[PathBuf]) -> String {
        let real = |path: &Path| fs::canonicalize(path).ok();
        let is_inside = real(&self.path)
            .is_some_and(|config| paths.iter().filter_map(|path| real(path)).any(|path| config.starts_with(path)));
        format!("{}{}", shown(&self.path), if is_inside { " (inside of what was scanned)" } else { "" })
    }

    /// What is ignored where, for the chain of custody.
    pub(crate) fn ignores(&self) -> String {
        let lines = self.settings.per_path_ignores.iter().map(|(glob, words)| {
            let words = words.iter().map(|word| word.get_ref().as_str()).collect::<Vec<_>>().join(" ");
            format!("{}: {words}", name::shown_text(glob.get_ref()))
        });
        lines.collect::<Vec<_>>().join(", ")
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    fn at(&self, offset: usize, what: &str) -> String {
        message(&self.path, &self.text, offset, what)
    }
}

impl Paths {
    fn as_slice(&self) -> &[PathBuf] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        }
    }
}

/// Reads a baseline.
pub(crate) fn baseline(path: &Path) -> anyhow::Result<Baseline> {
    let text = text(path, BASELINE_SIZE)?;
    Baseline::parse(shown(path), text.as_bytes()).with_context(|| format!("cannot use `{}`", shown(path)))
}

fn parse(path: &Path, text: String) -> anyhow::Result<Option<Found>> {
    let settings = if path.file_name().is_some_and(|name| name == "pyproject.toml") {
        toml::from_str(&text).map(|project: Project| project.tool.and_then(|tool| tool.pycaudit))
    } else {
        toml::from_str(&text).map(Some)
    };
    let settings = settings.map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        anyhow::anyhow!(message(path, &text, offset, error.message()))
    })?;
    Ok(settings.map(|settings| Found { path: path.to_owned(), text, settings }))
}

/// What is wrong with a file, and at which line and column.
fn message(path: &Path, text: &str, offset: usize, what: &str) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let what = what.split('\n').map(str::trim).collect::<Vec<_>>().join("; ");
    format!("cannot use `{}`, line {line}, column {column}: {what}", shown(path))
}

/// The text of a regular file that is not larger than such a file can be.
fn text(path: &Path, most: u64) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| format!("cannot read `{}`", shown(path)))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read `{}`", shown(path)))?;
    anyhow::ensure!(bytes.len() as u64 <= most, "`{}` is larger than {} MB", shown(path), most >> 20);
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("`{}` is not UTF-8", shown(path)))
}

fn shown(path: &Path) -> String {
    name::shown(path.as_os_str().as_encoded_bytes())
}

/// Whether the reader of a file, the owner of the working directory or the administrator wrote it.
#[cfg(unix)]
fn is_trusted(path: &Path, working: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let owner = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.uid());
    let Some(writer) = owner(path) else { return false };
    // On Linux this folder belongs to whom the process runs as.
    writer == 0 || [owner(working), owner(Path::new("/proc/self"))].contains(&Some(writer))
}

#[cfg(not(unix))]
fn is_trusted(_: &Path, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str, text: &str) -> Result<Option<Settings>, String> {
        let found = parse(Path::new(file), text.to_owned()).map_err(|error| error.to_string())?;
        Ok(found.map(|found| found.settings))
    }

    #[test]
    fn a_file_of_its_own_and_a_table_of_a_project_say_the_same() {
        let table = "ignore = ['PYC316']\nfail-on = 'high'\nbaseline = 'known.json'\nmax-member-size = '5M'\n";
        let own = settings("pycaudit.toml", table).unwrap().unwrap();
        let project = settings("pyproject.toml", &format!("[project]\nname = 'p'\n[tool.pycaudit]\n{table}"));
        let project = project.unwrap().unwrap();
        for settings in [own, project] {
            assert_eq!(settings.ignore.len(), 1);
            assert_eq!(settings.fail_on, Some(Level::High));
            assert_eq!(settings.baseline.as_slice(), [PathBuf::from("known.json")]);
            assert_eq!(settings.max_member_size.map(|size| size.0), Some(5 << 20));
        }
        assert!(settings("pyproject.toml", "[tool.ruff]\n").unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, says) in [
            ("[\n", "line 1"),
            ("strict = true\nselct = ['PYC1']\n", "line 2, column 1: unknown field `selct`"),
            ("strict = 'yes'\n", "line 1, column 10"),
            ("fail-on = 'terrible'\n", "line 1, column 11"),
            ("max-member-size = '5X'\n", "line 1, column 19"),
            ("python = ['/bin/sh']\n", "unknown field `python`"),
            ("reveal-secrets = true\n", "unknown field `reveal-secrets`"),
            ("html = 'x.html'\n", "unknown field `html`"),
            ("exit-zero = true\n", "unknown field `exit-zero`"),
        ] {
            let error = settings("pycaudit.toml", text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
