//! PYC306.

use crate::container::Kind;
use crate::name;
use crate::place;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::autorun_bytecode;
use crate::rules::declare_rule;
use crate::rules::pycache_orphan;
use crate::rules::sourceless_importable;

declare_rule! {
    /// ## What it reports
    /// A top-level module without a source that has the name of a standard library module of the Python it was compiled for.
    /// Looked at are the top of what is scanned, `site-packages`, and folders of sources that are no package (scripts); not the
    /// standard library's own folder, nor a folder that holds copies of it (`os`, `abc`, `codecs`, `types`). Names that cannot be
    /// replaced by a file, because the interpreter has them built in or frozen, are left out.
    ///
    /// ## Why it matters
    /// The folder of a script comes first on `sys.path`: `import json` there runs this file in place of the standard library's,
    /// and there is no source that tells.
    ///
    /// ## Innocent causes
    /// Programs taken apart by a tool, a module that happens to have the name, backports for an older Python. A backport whose
    /// name the Python of its bytecode does not have yet (`dataclasses` for 3.6, `enum34` for 2.7) is not reported.
    ///
    /// ## Severity
    /// High beside sources and in an egg or zipapp; medium where no source is; low in `site-packages` and in a wheel, since the
    /// standard library comes before them on `sys.path`.
    ///
    /// ## What to do
    /// Find out who put it there. Rename it if it is yours.
    ///
    /// ## References
    /// `sys.stdlib_module_names` of CPython 3.10 to 3.13; the folders of the library of 2.7 and 3.6 to 3.9.
    id: "PYC306",
    name: "stdlib-name-shadow",
    summary: "bytecode without a source under the name of a standard library module",
    severity: High,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let Some((module, order)) = shadowed(context) else { return };
    if autorun_bytecode::autorun(context).is_some() {
        return;
    }
    let message = match order {
        Order::Before => format!("`import {module}` runs this file in place of the standard library's module"),
        Order::Alone => format!("`import {module}` would run this file in place of the standard library's module"),
        Order::After => format!("`{module}` is the name of a standard library module, and this file has no source"),
    };
    let finding = findings.add(message);
    finding.compared(format!("`{module}` of the standard library"), format!("`{}` without a source", context.module));
    match order {
        Order::Before => {}
        Order::Alone => drop(finding.severity(Severity::Medium)),
        Order::After => drop(finding.severity(Severity::Low)),
    }
}

/// Where on `sys.path` a folder is, as far as its place tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Before the standard library, and imports come from there.
    Before,
    /// Before the standard library if it is on `sys.path` at all.
    Alone,
    /// After the standard library.
    After,
}

/// The standard library module that an importable pyc without source has the name of.
pub(super) fn shadowed(context: &PycContext<'_>) -> Option<(&'static str, Order)> {
    if !sourceless_importable::is_importable(context) {
        return None;
    }
    let series = context.pyc.version?.series;
    let (folder, module) = folder_and_module(context);
    let at = STDLIB.binary_search_by(|row| row.0.as_bytes().cmp(module)).ok()?;
    let &(module, in_2, in_3) = STDLIB.get(at)?;
    let is_there = match series {
        (2, 7) => in_2,
        (3, minor) => in_3.is_some_and(|(first, last)| (first..=last).contains(&minor)),
        _ => false,
    };
    if !is_there || holds_standard_library(context, folder) {
        return None;
    }
    Some((module, order(context, folder)?))
}

/// The folder that has to be on `sys.path` for a module to be imported, and the module's name: for `a/b/__init__.pyc` they are
/// `a` and `b`.
pub(super) fn folder_and_module<'a>(context: &'a PycContext<'_>) -> (&'a [u8], &'a [u8]) {
    let folder = context.place.source_folder.as_bytes();
    match context.place.stem.as_bytes() {
        b"__init__" if !folder.is_empty() => name::split_last(folder),
        stem => (folder, stem),
    }
}

/// Whether a folder is a package.
pub(super) fn is_package(context: &PycContext<'_>, folder: &[u8]) -> bool {
    let listing = context.container.listing();
    listing.find(folder, b"__init__.py").is_some() || listing.find(folder, b"__init__.pyc").is_some()
}

fn order(context: &PycContext<'_>, folder: &[u8]) -> Option<Order> {
    if is_package(context, folder) {
        return None;
    }
    let (_, last) = name::split_last(folder);
    if let Some(below) = place::below_root_marker(folder) {
        let is_egg = last.ends_with(b".egg");
        let is_site = matches!(last, b"site-packages" | b"dist-packages" | b"purelib" | b"platlib");
        return match (below.is_empty(), is_egg, is_site) {
            (true, true, _) => Some(Order::Before),
            (true, false, true) => Some(Order::After),
            // The standard library's own folder, or a folder below a root, which is a package or not imported from.
            _ => None,
        };
    }
    let has_sources = || pycache_orphan::has_sources(context, folder);
    match (folder.is_empty(), context.container.kind()) {
        (true, Kind::Wheel) => Some(Order::After),
        (true, Kind::Egg | Kind::Zipapp) => Some(Order::Before),
        (_, Kind::Wheel | Kind::Egg | Kind::Zipapp) => None,
        _ if has_sources() => Some(Order::Before),
        (true, _) => Some(Order::Alone),
        (false, _) => None,
    }
}

/// Whether a folder holds the standard library or a copy of it, as programs that bring their own Python do.
fn holds_standard_library(context: &PycContext<'_>, folder: &[u8]) -> bool {
    let listing = context.container.listing();
    let has = |file: &[u8]| listing.find(folder, file).is_some();
    let is_there = |names: &[&[u8]; 2]| names.iter().any(|name| has(name));
    [[&b"os.py"[..], b"os.pyc"], [b"abc.py", b"abc.pyc"], [b"codecs.py", b"codecs.pyc"], [b"types.py", b"types.pyc"]]
        .iter()
        .all(is_there)
}

/// The first and the last minor version of Python 3 that has a module; 3 stands for 3.3, 99 for "still there in 3.13".
type Minors = Option<(u8, u8)>;

/// Not in Python 3.
const NONE: Minors = None;

/// In this Python 3 and later, up to that one.
#[expect(clippy::unnecessary_wraps, reason = "it makes a cell of the table")]
const fn three(first: u8, last: u8) -> Minors {
    Some((first, last))
}

/// The modules of the standard library that a file on `sys.path` can replace: name, whether 2.7 has it, which Python 3 have it.
///
/// In order of bytes. Modules with a leading underscore only where they are written in Python. Built-in modules are left out,
/// and those that are frozen from 3.11 on (`os`, `abc`, `codecs`, `io`, ..) end with 3.10.
#[rustfmt::skip]
static STDLIB: &[(&str, bool, Minors)] = &[
    ("BaseHTTPServer", true, NONE), ("Bastion", true, NONE), ("CGIHTTPServer", true, NONE), ("Canvas", true, NONE),
    ("ConfigParser", true, NONE), ("Cookie", true, NONE), ("Dialog", true, NONE), ("DocXMLRPCServer", true, NONE),
    ("FileDialog", true, NONE), ("FixTk", true, NONE), ("HTMLParser", true, NONE), ("MimeWriter", true, NONE),
    ("Queue", true, NONE), ("ScrolledText", true, NONE), ("SimpleDialog", true, NONE),
    ("SimpleHTTPServer", true, NONE), ("SimpleXMLRPCServer", true, NONE), ("SocketServer", true, NONE),
    ("StringIO", true, NONE), ("Tix", true, NONE), ("Tkconstants", true, NONE), ("Tkdnd", true, NONE),
    ("Tkinter", true, NONE), ("UserDict", true, NONE), ("UserList", true, NONE), ("UserString", true, NONE),
    ("_abcoll", true, NONE), ("_aix_support", false, three(9, 99)), ("_android_support", false, three(13, 99)),
    ("_bootlocale", false, three(3, 9)), ("_bootsubprocess", false, three(9, 11)), ("_collections_abc", false, three(3, 10)),
    ("_colorize", false, three(13, 99)), ("_compat_pickle", false, three(3, 99)), ("_compression", false, three(3, 99)),
    ("_dummy_thread", false, three(3, 8)), ("_ios_support", false, three(13, 99)), ("_markupbase", false, three(3, 99)),
    ("_opcode_metadata", false, three(13, 99)), ("_osx_support", true, three(3, 99)), ("_py_abc", false, three(7, 99)),
    ("_pydatetime", false, three(12, 99)), ("_pydecimal", false, three(3, 99)), ("_pyio", true, three(3, 99)),
    ("_sitebuiltins", false, three(3, 10)), ("_strptime", true, three(3, 99)), ("_threading_local", true, three(3, 99)),
    ("_weakrefset", true, three(3, 99)), ("abc", true, three(3, 10)), ("aifc", true, three(3, 12)),
    ("annotationlib", false, three(14, 99)), ("anydbm", true, NONE), ("argparse", true, three(3, 99)), ("array", true, three(3, 99)),
    ("ast", true, three(3, 99)), ("asynchat", true, three(3, 11)), ("asyncio", false, three(4, 99)), ("asyncore", true, three(3, 11)),
    ("atexit", true, NONE), ("audiodev", true, NONE), ("audioop", true, three(3, 12)), ("base64", true, three(3, 99)),
    ("bdb", true, three(3, 99)), ("binascii", true, three(3, 99)), ("binhex", true, three(3, 10)), ("bisect", true, three(3, 99)),
    ("bsddb", true, NONE), ("bz2", true, three(3, 99)), ("cPickle", true, NONE), ("cProfile", true, three(3, 99)),
    ("cStringIO", true, NONE), ("calendar", true, three(3, 99)), ("cgi", true, three(3, 12)), ("cgitb", true, three(3, 12)),
    ("chunk", true, three(3, 12)), ("cmath", true, three(3, 99)), ("cmd", true, three(3, 99)), ("code", true, three(3, 99)),
    ("codecs", true, three(3, 10)), ("codeop", true, three(3, 99)), ("collections", true, three(3, 99)), ("colorsys", true, three(3, 99)),
    ("commands", true, NONE), ("compileall", true, three(3, 99)), ("compiler", true, NONE),
    ("compression", false, three(14, 99)), ("concurrent", false, three(3, 99)), ("configparser", false, three(3, 99)),
    ("contextlib", true, three(3, 99)), ("contextvars", false, three(7, 99)), ("cookielib", true, NONE),
    ("copy", true, three(3, 99)), ("copy_reg", true, NONE), ("copyreg", false, three(3, 99)), ("crypt", true, three(3, 12)),
    ("csv", true, three(3, 99)), ("ctypes", true, three(3, 99)), ("curses", true, three(3, 99)), ("dataclasses", false, three(7, 99)),
    ("datetime", true, three(3, 99)), ("dbhash", true, NONE), ("dbm", false, three(3, 99)), ("decimal", true, three(3, 99)),
    ("difflib", true, three(3, 99)), ("dircache", true, NONE), ("dis", true, three(3, 99)), ("distutils", true, three(3, 11)),
    ("doctest", true, three(3, 99)), ("dumbdbm", true, NONE), ("dummy_thread", true, NONE),
    ("dummy_threading", true, three(3, 8)), ("email", true, three(3, 99)), ("encodings", true, three(3, 99)),
    ("ensurepip", true, three(4, 99)), ("enum", false, three(4, 99)), ("fcntl", true, three(3, 99)), ("filecmp", true, three(3, 99)),
    ("fileinput", true, three(3, 99)), ("fnmatch", true, three(3, 99)), ("formatter", true, three(3, 9)), ("fpformat", true, NONE),
    ("fractions", true, three(3, 99)), ("ftplib", true, three(3, 99)), ("functools", true, three(3, 99)),
    ("future_builtins", true, NONE), ("genericpath", true, three(3, 10)), ("getopt", true, three(3, 99)),
    ("getpass", true, three(3, 99)), ("gettext", true, three(3, 99)), ("glob", true, three(3, 99)), ("graphlib", false, three(9, 99)),
    ("grp", true, three(3, 99)), ("gzip", true, three(3, 99)), ("hashlib", true, three(3, 99)), ("heapq", true, three(3, 99)),
    ("hmac", true, three(3, 99)), ("hotshot", true, NONE), ("html", false, three(3, 99)), ("htmlentitydefs", true, NONE),
    ("htmllib", true, NONE), ("http", false, three(3, 99)), ("httplib", true, NONE), ("idlelib", true, three(3, 99)),
    ("ihooks", true, NONE), ("imaplib", true, three(3, 99)), ("imghdr", true, three(3, 12)), ("imp", false, three(3, 11)),
    ("importlib", true, three(3, 10)), ("imputil", true, NONE), ("inspect", true, three(3, 99)), ("io", true, three(3, 10)),
    ("ipaddress", false, three(3, 99)), ("itertools", true, NONE), ("json", true, three(3, 99)), ("keyword", true, three(3, 99)),
    ("lib2to3", true, three(3, 12)), ("linecache", true, three(3, 99)), ("linuxaudiodev", true, NONE),
    ("locale", true, three(3, 99)), ("logging", true, three(3, 99)), ("lzma", false, three(3, 99)), ("macpath", true, three(3, 7)),
    ("macurl2path", true, three(3, 6)), ("mailbox", true, three(3, 99)), ("mailcap", true, three(3, 12)), ("markupbase", true, NONE),
    ("math", true, three(3, 99)), ("md5", true, NONE), ("mhlib", true, NONE), ("mimetools", true, NONE),
    ("mimetypes", true, three(3, 99)), ("mimify", true, NONE), ("mmap", true, three(3, 99)), ("modulefinder", true, three(3, 99)),
    ("msilib", false, three(3, 12)), ("msvcrt", false, three(3, 99)), ("multifile", true, NONE),
    ("multiprocessing", true, three(3, 99)), ("mutex", true, NONE), ("netrc", true, three(3, 99)), ("new", true, NONE),
    ("nis", true, three(3, 12)), ("nntplib", true, three(3, 12)), ("ntpath", true, three(3, 10)),
    ("nturl2path", true, three(3, 99)), ("numbers", true, three(3, 99)), ("opcode", true, three(3, 99)), ("operator", true, three(3, 99)),
    ("optparse", true, three(3, 99)), ("os", true, three(3, 10)), ("os2emxpath", true, NONE), ("ossaudiodev", true, three(3, 12)),
    ("parser", true, three(3, 9)), ("pathlib", false, three(4, 99)), ("pdb", true, three(3, 99)), ("pickle", true, three(3, 99)),
    ("pickletools", true, three(3, 99)), ("pipes", true, three(3, 12)), ("pkgutil", true, three(3, 99)), ("platform", true, three(3, 99)),
    ("plistlib", true, three(3, 99)), ("popen2", true, NONE), ("poplib", true, three(3, 99)), ("posixfile", true, NONE),
    ("posixpath", true, three(3, 10)), ("pprint", true, three(3, 99)), ("profile", true, three(3, 99)), ("pstats", true, three(3, 99)),
    ("pty", true, three(3, 99)), ("py_compile", true, three(3, 99)), ("pyclbr", true, three(3, 99)), ("pydoc", true, three(3, 99)),
    ("pydoc_data", true, three(3, 99)), ("pyexpat", true, three(3, 99)), ("queue", false, three(3, 99)), ("quopri", true, three(3, 99)),
    ("random", true, three(3, 99)), ("re", true, three(3, 99)), ("readline", true, three(3, 99)), ("repr", true, NONE),
    ("reprlib", false, three(3, 99)), ("resource", true, three(3, 99)), ("rexec", true, NONE), ("rfc822", true, NONE),
    ("rlcompleter", true, three(3, 99)), ("robotparser", true, NONE), ("runpy", true, three(3, 10)), ("sched", true, three(3, 99)),
    ("secrets", false, three(6, 99)), ("select", true, three(3, 99)), ("selectors", false, three(4, 99)), ("sets", true, NONE),
    ("sgmllib", true, NONE), ("sha", true, NONE), ("shelve", true, three(3, 99)), ("shlex", true, three(3, 99)),
    ("shutil", true, three(3, 99)), ("signal", false, three(3, 99)), ("site", true, three(3, 10)), ("smtpd", true, three(3, 11)),
    ("smtplib", true, three(3, 99)), ("sndhdr", true, three(3, 12)), ("socket", true, three(3, 99)),
    ("socketserver", false, three(3, 99)), ("spwd", true, three(3, 12)), ("sqlite3", true, three(3, 99)), ("sre", true, NONE),
    ("sre_compile", true, three(3, 99)), ("sre_constants", true, three(3, 99)), ("sre_parse", true, three(3, 99)),
    ("ssl", true, three(3, 99)), ("stat", true, three(3, 10)), ("statistics", false, three(4, 99)), ("statvfs", true, NONE),
    ("string", true, three(3, 99)), ("stringold", true, NONE), ("stringprep", true, three(3, 99)), ("strop", true, NONE),
    ("struct", true, three(3, 99)), ("subprocess", true, three(3, 99)), ("sunau", true, three(3, 12)), ("sunaudio", true, NONE),
    ("symbol", true, three(3, 9)), ("symtable", true, three(3, 99)), ("sysconfig", true, three(3, 99)), ("syslog", true, three(3, 99)),
    ("tabnanny", true, three(3, 99)), ("tarfile", true, three(3, 99)), ("telnetlib", true, three(3, 12)),
    ("tempfile", true, three(3, 99)), ("termios", true, three(3, 99)), ("textwrap", true, three(3, 99)),
    ("threading", true, three(3, 99)), ("time", true, NONE), ("timeit", true, three(3, 99)), ("tkColorChooser", true, NONE),
    ("tkCommonDialog", true, NONE), ("tkFileDialog", true, NONE), ("tkFont", true, NONE),
    ("tkMessageBox", true, NONE), ("tkSimpleDialog", true, NONE), ("tkinter", false, three(3, 99)), ("toaiff", true, NONE),
    ("token", true, three(3, 99)), ("tokenize", true, three(3, 99)), ("tomllib", false, three(11, 99)), ("trace", true, three(3, 99)),
    ("traceback", true, three(3, 99)), ("tracemalloc", false, three(4, 99)), ("ttk", true, NONE), ("tty", true, three(3, 99)),
    ("turtle", true, three(3, 99)), ("turtledemo", false, three(3, 99)), ("types", true, three(3, 99)), ("typing", false, three(5, 99)),
    ("unicodedata", true, three(3, 99)), ("unittest", true, three(3, 99)), ("urllib", true, three(3, 99)), ("urllib2", true, NONE),
    ("urlparse", true, NONE), ("user", true, NONE), ("uu", true, three(3, 12)), ("uuid", true, three(3, 99)),
    ("venv", false, three(3, 99)), ("warnings", true, three(3, 99)), ("wave", true, three(3, 99)), ("weakref", true, three(3, 99)),
    ("webbrowser", true, three(3, 99)), ("whichdb", true, NONE), ("winreg", false, three(3, 99)), ("winsound", false, three(3, 99)),
    ("wsgiref", true, three(3, 99)), ("xdrlib", true, three(3, 12)), ("xml", true, three(3, 99)), ("xmllib", true, NONE),
    ("xmlrpc", false, three(3, 99)), ("xmlrpclib", true, NONE), ("xxsubtype", false, three(3, 9)), ("zipapp", false, three(5, 99)),
    ("zipfile", true, three(3, 99)), ("zipimport", false, three(3, 10)), ("zlib", true, three(3, 99)), ("zoneinfo", false, three(9, 99)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Zip;

    fn pyc() -> Vec<u8> {
        Pyc::python("3.12").build()
    }

    #[test]
    fn the_table_is_sorted_and_every_name_is_of_some_version() {
        assert!(STDLIB.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(STDLIB.iter().all(|(_, in_2, in_3)| *in_2 || in_3.is_some_and(|(first, last)| first <= last)));
    }

    #[test]
    fn flags_a_module_beside_a_script() {
        let finding = Case::tree().file("app/run.py", "import json\n", 1).file("app/json.pyc", pyc(), 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
    }

    #[test]
    fn flags_a_package_in_a_zipapp() {
        let zip = Zip::new().file("__main__.py", "import json\n").file("json/__init__.pyc", pyc());
        assert_eq!(Case::zip(zip).flags(&RULE).severity, Severity::High);
    }

    #[test]
    fn flags_a_module_of_site_packages_lower() {
        let finding = Case::tree().file("lib/python3.12/site-packages/json.pyc", pyc(), 1).flags(&RULE);
        assert_eq!(finding.severity, Severity::Low);
    }

    #[test]
    fn flags_a_module_without_any_source_around_lower() {
        assert_eq!(Case::tree().file("json.pyc", pyc(), 1).flags(&RULE).severity, Severity::Medium);
    }

    #[test]
    fn passes_the_standard_library_itself() {
        let tree =
            Case::tree().file("lib/python3.12/json/__init__.pyc", pyc(), 1).file("lib/python3.12/shelve.pyc", pyc(), 1);
        tree.file("lib/python3.12/os.py", "", 1).passes(&RULE);
        let zip = ["os", "abc", "codecs", "types", "shelve"]
            .iter()
            .fold(Zip::new(), |zip, name| zip.file(format!("{name}.pyc"), pyc()));
        Case::zip(zip).passes(&RULE);
    }

    #[test]
    fn passes_a_backport_and_a_name_that_the_version_lost() {
        let tree = Case::tree().file("run.py", "", 1).file("dataclasses.pyc", Pyc::python("3.6").build(), 1);
        let tree = tree.file("enum/__init__.pyc", Pyc::python("2.7").build(), 1);
        tree.file("asyncore.pyc", pyc(), 1).passes(&RULE);
    }

    #[test]
    fn passes_a_module_of_a_package_one_with_its_source_and_a_built_in_name() {
        let tree = Case::tree().file("p/__init__.py", "", 1).file("p/json.pyc", pyc(), 1);
        tree.file("json.py", "", 1).file("json.pyc", pyc(), 1).file("sys.pyc", pyc(), 1).passes(&RULE);
    }
}
