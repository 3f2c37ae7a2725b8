//! What the file name in a module's code object says of where it was built.
//!
//! An import replaces that name in memory and never in the file (`_fix_co_filename` in CPython's Python/import.c), so the file
//! keeps the path as its builder saw it. Only names are looked at here; nothing on this machine is.

use std::borrow::Cow;

use crate::name;
use crate::place::Place;
use crate::pyc::Pyc;

/// The path that a module was compiled under, beside the place where its bytecode lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildPath<'a> {
    /// The path, `/` between its parts on Windows too.
    path: Cow<'a, [u8]>,
    /// How much of the path is in front of the part that it shares with the place.
    root: usize,
    /// Whether the file's own name is the module's.
    names_file: bool,
    /// Whether as many folders agree as the module has packages, or the path has folders.
    names_packages: bool,
}

impl<'a> BuildPath<'a> {
    /// The path in a pyc's code; `None` when there is none, or one that is no path (`<string>`, `<frozen os>`).
    ///
    /// `package` is what [`crate::place::package_of`] gives for the place.
    pub fn of(pyc: &'a Pyc, place: &Place, package: &[u8]) -> Option<Self> {
        let filename = pyc.body.root()?.filename.as_bytes();
        if filename.is_empty() || filename.first() == Some(&b'<') {
            return None;
        }
        let path = slashed(filename);
        let (folder, file) = name::split_last(&path);
        let names_file = is_file_of(file, place.stem.as_bytes());
        let place_folder = place.source_folder.as_bytes();
        let mut shared = if names_file { shared_tail(folder, place_folder) } else { Shared::default() };
        let packages = parts(package);
        let mut names_packages = names_file && shared.parts >= packages.min(parts(folder));
        if names_file && !names_packages {
            // `compileall -d` of 3.6 forgets the folders below the one that it is given: the whole standard library of 3.6.15 is
            // compiled as if it had no packages, and what is in its `site-packages` too.
            let mut outer = place_folder;
            for _ in 0..=packages.min(MOST_PACKAGES) {
                outer = name::split_last(outer).0;
                let tail = shared_tail(folder, outer);
                if tail.parts > shared.parts {
                    (shared, names_packages) = (tail, true);
                    break;
                }
            }
        }
        let mut root = folder.len().saturating_sub(shared.bytes);
        if path.get(..root).is_some_and(|root| root.len() > 1 && root.ends_with(b"/")) {
            root -= 1;
        }
        if root == 0 && path.first() == Some(&b'/') {
            root = 1;
        }
        Some(Self { path, root, names_file, names_packages })
    }

    /// The folder in which the module's place was when it was built: for `pkg/m.pyc` that was compiled as
    /// `/home/alice/src/pkg/m.py` it is `/home/alice/src`. Empty for a relative path that says no more than the place.
    pub fn root(&self) -> &[u8] {
        self.path.get(..self.root).unwrap_or_default()
    }

    /// The whole path, `/` between its parts.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Whether the file's own name is the module's.
    pub fn names_file(&self) -> bool {
        self.names_file
    }

    /// Whether it can be the path of the module's source: the file's name and those of the packages agree, as far as the path
    /// goes.
    pub fn fits(&self) -> bool {
        self.names_packages
    }
}

/// Packages inside one another that are looked through; honest ones have less than ten.
const MOST_PACKAGES: usize = 32;

/// How many parts a path has.
fn parts(path: &[u8]) -> usize {
    path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"." | b"..")).count()
}

/// The end that two folders have in common.
#[derive(Clone, Copy, Default)]
struct Shared {
    parts: usize,
    bytes: usize,
}

fn shared_tail(folder: &[u8], place: &[u8]) -> Shared {
    let mut shared = Shared::default();
    let (mut left, mut below) = (folder, place);
    while !left.is_empty() && !below.is_empty() {
        let (outer, part) = name::split_last(left);
        let (outer_place, part_of_place) = name::split_last(below);
        if part != part_of_place || part.is_empty() {
            break;
        }
        (left, below) = (outer, outer_place);
        shared = Shared { parts: shared.parts + 1, bytes: folder.len() - left.len() };
    }
    shared
}

/// A path with `/` between its parts. A backslash is a separator in a path of Windows alone: one with a drive or a host, or
/// without any `/`.
fn slashed(path: &[u8]) -> Cow<'_, [u8]> {
    let is_windows = matches!(path, [_, b':', ..] | [b'\\', b'\\', ..]) || !path.contains(&b'/');
    if is_windows && path.contains(&b'\\') {
        return Cow::Owned(path.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect());
    }
    Cow::Borrowed(path)
}

/// Whether a source's file name is a module's, whatever its extension; Windows and macOS do not tell cases apart.
fn is_file_of(file: &[u8], stem: &[u8]) -> bool {
    let start = file.get(..stem.len()).unwrap_or_default();
    let rest = file.get(stem.len()..).unwrap_or_default();
    start.eq_ignore_ascii_case(stem) && matches!(rest.first(), None | Some(b'.'))
}

/// What a build root tells of whoever built there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// Nothing: it is relative.
    Relative,
    /// A service or tool that builds in a folder of that name.
    Service(&'static str),
    /// The home folder of a person.
    Home(&'a [u8]),
    /// A folder of a machine that is named.
    Host(&'a [u8]),
    /// A folder that operating systems install Python modules into.
    System,
    /// Another absolute path.
    Absolute,
}

impl<'a> Origin<'a> {
    /// What this root tells.
    pub fn of(root: &'a [u8]) -> Self {
        if !is_absolute(root) {
            return Self::Relative;
        }
        if let Some(service) = service(root) {
            return Self::Service(service);
        }
        if let Some(host) = host(root) {
            return Self::Host(host);
        }
        if let Some(user) = HOMES.iter().find_map(|home| below(root, home)).filter(|user| !is_no_person(user)) {
            return Self::Home(user);
        }
        if matches!(root, b"/usr" | b"/usr/local") || SYSTEM.iter().any(|folder| is_below(root, folder)) {
            return Self::System;
        }
        Self::Absolute
    }
}

fn is_absolute(path: &[u8]) -> bool {
    matches!(path, [b'/', ..] | [b'A'..=b'Z' | b'a'..=b'z', b':', b'/', ..] | [_, b':'])
}

/// Folders in which each person has one.
const HOMES: &[&str] = &[
    "/home",
    "/Users",
    "/export/home",
    "/usr/home",
    "/var/home",
    "C:/Users",
    "D:/Users",
    "C:/Documents and Settings",
    "/mnt/c/Users",
    "/c/Users",
];

/// Names of home folders that are no person's: those of images, services and examples.
const NO_PERSONS: &[&str] = &[
    "runner",
    "runneradmin",
    "vsts",
    "travis",
    "circleci",
    "appveyor",
    "jenkins",
    "gitlab-runner",
    "buildbot",
    "buildkite-agent",
    "teamcity",
    "ci",
    "build",
    "builder",
    "abuild",
    "conda",
    "vagrant",
    "ubuntu",
    "debian",
    "centos",
    "fedora",
    "ec2-user",
    "azureuser",
    "docker",
    "app",
    "appuser",
    "user",
    "root",
    "nobody",
    "worker",
    "jovyan",
    "vscode",
    "node",
    "Public",
    "Default",
    "Shared",
    "Administrator",
    "ContainerAdministrator",
    "ContainerUser",
    "VssAdministrator",
    "linuxbrew",
];

fn is_no_person(user: &[u8]) -> bool {
    NO_PERSONS.iter().any(|name| name.as_bytes() == user)
}

/// Where operating systems keep the modules that they install.
const SYSTEM: &[&str] = &["/usr/lib", "/usr/lib64", "/usr/share", "/usr/local/lib", "/usr/local/lib64"];

/// Folders by which a service or tool is known, each as its documentation or its images have it.
const SERVICES: &[(&str, &str)] = &[
    // docs.github.com, "Variables": GITHUB_WORKSPACE; container jobs see it as /__w and actions as /github/workspace.
    ("/home/runner/work", "GitHub Actions"),
    ("/Users/runner/work", "GitHub Actions"),
    ("/__w", "GitHub Actions"),
    ("/github/workspace", "GitHub Actions"),
    // The same agent runs both; `1/s` below is of Azure Pipelines.
    ("D:/a", "GitHub Actions or Azure Pipelines"),
    ("/opt/hostedtoolcache", "GitHub Actions or Azure Pipelines"),
    ("C:/hostedtoolcache", "GitHub Actions or Azure Pipelines"),
    ("/home/vsts/work", "Azure Pipelines"),
    ("/Users/vsts/work", "Azure Pipelines"),
    // docs.gitlab.com, "Predefined CI/CD variables": CI_PROJECT_DIR.
    ("/builds", "GitLab CI"),
    ("/home/gitlab-runner/builds", "GitLab CI"),
    ("/var/lib/jenkins", "Jenkins"),
    ("/home/jenkins", "Jenkins"),
    ("/home/travis/build", "Travis CI"),
    ("/Users/travis/build", "Travis CI"),
    ("/home/circleci", "CircleCI"),
    ("C:/projects", "AppVeyor"),
    ("/codebuild", "AWS CodeBuild"),
    ("/var/lib/buildkite-agent/builds", "Buildkite"),
    ("/drone/src", "Drone"),
    ("/opt/atlassian/pipelines/agent", "Bitbucket Pipelines"),
    ("/opt/buildagent/work", "TeamCity"),
    ("/opt/teamcity", "TeamCity"),
    // conda-forge's images, and conda-build's own folder.
    ("/home/conda/feedstock_root", "conda-forge"),
    ("/Users/runner/miniforge3/conda-bld", "conda-forge"),
    // pypa/manylinux, and cibuildwheel's mount of the project.
    ("/opt/_internal", "a manylinux image"),
    ("/opt/python", "a manylinux image"),
    ("/project", "cibuildwheel"),
    ("/builddir/build", "Fedora's mock"),
    ("/home/abuild/rpmbuild", "the Open Build Service"),
    ("/var/tmp/portage", "Gentoo's Portage"),
    ("/nix/store", "Nix"),
    ("/gnu/store", "Guix"),
    ("/content", "Google Colab"),
    ("/kaggle", "Kaggle"),
    ("/workspace", "a build container"),
    ("/usr/src/app", "a build container"),
    ("/app", "a build container"),
    ("/io", "a build container"),
    ("/src", "a build container"),
    ("/build", "a build container"),
];

/// Parts anywhere in a path by which a tool is known.
const MARKS: &[(&str, &str)] = &[
    ("/conda-bld/", "conda-build"),
    ("/feedstock_root/", "conda-forge"),
    ("/jenkins/workspace/", "Jenkins"),
    ("/pip-install-", "pip"),
    ("/pip-build-", "pip"),
    ("/pip-req-build-", "pip"),
    ("/pip-ephem-wheel-cache-", "pip"),
    ("/build-via-sdist-", "build"),
];

fn service(root: &[u8]) -> Option<&'static str> {
    let folder = SERVICES.iter().find(|(folder, _)| is_below(root, folder));
    let marked = || {
        let held = |mark: &str| memchr::memmem::find(root, mark.as_bytes()).is_some();
        MARKS.iter().find(|(mark, _)| held(mark))
    };
    folder.or_else(marked).map(|&(_, service)| service)
}

/// The machine that a network path names: `//host/share`, and what automounters put below `/net`.
fn host(root: &[u8]) -> Option<&[u8]> {
    let rest = root.strip_prefix(b"//").or_else(|| root.strip_prefix(b"/net/"))?;
    let host = rest.split(|&byte| byte == b'/').next().unwrap_or_default();
    // `//?/C:/` and `//./` are no hosts, `wsl$` and `wsl.localhost` are this one.
    let is_local = matches!(host, b"" | b"?" | b"." | b"wsl$" | b"wsl.localhost" | b"localhost");
    (!is_local).then_some(host)
}

/// The first part of a path below a folder.
fn below<'a>(path: &'a [u8], folder: &str) -> Option<&'a [u8]> {
    let (start, rest) = path.split_at_checked(folder.len())?;
    if !start.eq_ignore_ascii_case(folder.as_bytes()) {
        return None;
    }
    rest.strip_prefix(b"/")?.split(|&byte| byte == b'/').next().filter(|part| !part.is_empty())
}

fn is_below(path: &[u8], folder: &str) -> bool {
    path.strip_prefix(folder.as_bytes()).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;
    use crate::limits::Limits;
    use crate::pyc;
    use crate::pyc::Scratch;

    /// Root, whether the file's name agrees, whether all does.
    fn built(filename: &str, path: &str, package: &str) -> Option<(String, bool, bool)> {
        let bytes = forge::Pyc::python("3.12").filename(filename).build();
        let pyc = pyc::parse(&bytes, &Limits::default(), &mut Scratch::default()).value;
        let build = BuildPath::of(&pyc, &Place::of(path.as_bytes()), package.as_bytes())?;
        Some((name::shown(build.root()), build.names_file(), build.fits()))
    }

    #[test]
    fn the_root_is_what_the_path_has_beyond_the_place() {
        let place = "pkg/sub/__pycache__/m.cpython-312.pyc";
        let check = |filename, root: &str, names_file, fits| {
            assert_eq!(built(filename, place, "pkg/sub"), Some((root.to_owned(), names_file, fits)), "{filename}");
        };
        check("/home/alice/src/pkg/sub/m.py", "/home/alice/src", true, true);
        check("/pkg/sub/m.py", "/", true, true);
        check("pkg/sub/m.py", "", true, true);
        check("m.py", "", true, true);
        check("./m.py", ".", true, true);
        check("C:\\w\\pkg\\sub\\M.py", "C:/w", true, true);
        check("/w/other/sub/m.py", "/w/other", true, false);
        check("/w/pkg/m.py", "/w", true, true);
        check("/w/pkg/sub/n.py", "/w/pkg/sub", false, false);
        check("/w/pkg/sub/mm.py", "/w/pkg/sub", false, false);
    }

    #[test]
    fn what_is_no_path_has_no_root() {
        assert_eq!(built("<frozen os>", "os.pyc", ""), None);
        assert_eq!(built("", "os.pyc", ""), None);
    }

    #[test]
    fn a_root_tells_who_built_there() {
        let cases = [
            ("", Origin::Relative),
            ("build/lib", Origin::Relative),
            ("/home/alice", Origin::Home(b"alice")),
            ("/Users/bob/x", Origin::Home(b"bob")),
            ("c:/users/Carol", Origin::Home(b"Carol")),
            ("/home/runner/work/a/a", Origin::Service("GitHub Actions")),
            ("/home/runner/x", Origin::Absolute),
            ("/home", Origin::Absolute),
            ("/builds/group/project", Origin::Service("GitLab CI")),
            ("/buildsomething", Origin::Absolute),
            ("/tmp/pip-install-x1/p", Origin::Service("pip")),
            ("/usr/lib/python3/dist-packages", Origin::System),
            ("//nas01/share/p", Origin::Host(b"nas01")),
            ("//?/C:/x", Origin::Absolute),
            ("/opt/x", Origin::Absolute),
            ("D:", Origin::Absolute),
        ];
        for (root, expected) in cases {
            assert_eq!(Origin::of(root.as_bytes()), expected, "{root}");
        }
    }
}
