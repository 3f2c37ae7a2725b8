//! PYC816.

use crate::container::Kind;
use crate::name;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// An archive whose name says that it is something else: a picture, a text, a source, a document, a sound, an archive of
    /// another format. And a file that is named as a wheel and is a zip without a `.dist-info/WHEEL`.
    ///
    /// ## Why it matters
    /// Tools that go by names pass over it, and Python does not: any zip on `sys.path`, or given to `python`, is imported from,
    /// whatever it is called.
    ///
    /// ## Innocent causes
    /// Files that are two things at once on purpose, downloads under a wrong name, test data. Archives without an extension,
    /// with one of their own (`.docx`, `.npz`, `.jar`), and programs with an archive behind them (`.exe`, `.so`) are not reported.
    ///
    /// ## Severity
    /// Medium; low for a wheel that lacks its metadata, which no installer takes. Bytecode files that are archives are PYC114's.
    ///
    /// ## What to do
    /// Find out who reads the file, and as what.
    ///
    /// ## References
    /// `zipimport` and `runpy.run_path` in CPython's library documentation.
    id: "PYC816",
    name: "format-disguise",
    summary: "an archive is named as something else",
    severity: Medium,
    check: Artifact(check),
}

/// Extensions that promise something that is no zip. A format whose files are zips, or programs that may have one behind them,
/// has no place here.
const OTHER_FORMATS: &[&[u8]] = &[
    // Texts and sources.
    b"c", b"cfg", b"cpp", b"css", b"csv", b"h", b"htm", b"html", b"ini", b"js", b"json", b"log", b"md", b"pth", b"py",
    b"pyi", b"pyx", b"rst", b"sh", b"sql", b"svg", b"toml", b"tsv", b"txt", b"xml", b"yaml", b"yml",
    // Pictures, sounds, films, fonts, documents.
    b"avi", b"bmp", b"flac", b"gif", b"ico", b"jpeg", b"jpg", b"mov", b"mp3", b"mp4", b"ogg", b"otf", b"pdf", b"png",
    b"rtf", b"tif", b"tiff", b"ttf", b"wav", b"webp", b"woff", b"woff2", // Archives of other formats.
    b"7z", b"bz2", b"deb", b"gz", b"lz4", b"rar", b"rpm", b"tar", b"tgz", b"xz", b"zst",
];

/// Extensions of tars and of compressed files.
const COMPRESSED: &[&[u8]] = &[b"tar", b"gz", b"tgz", b"bz2", b"xz", b"zst", b"svg", b"deb"];

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    let kind = context.container.kind();
    if kind == Kind::Directory {
        return;
    }
    let file = name::split_last(context.locator.path()).1;
    let Some(dot) = file.iter().rposition(|&byte| byte == b'.') else { return };
    let extension = file.get(dot + 1..).unwrap_or_default();
    let is = |other: &[u8]| extension.eq_ignore_ascii_case(other);
    let is_stream = matches!(kind, Kind::Tar | Kind::Compressed | Kind::Conda | Kind::Image | Kind::Cpio);
    let is_own = match kind {
        Kind::Deb => is(b"deb"),
        Kind::Rpm => is(b"rpm"),
        _ => is_stream && COMPRESSED.iter().any(|own| is(own)),
    };
    let is_zip_name = is_stream && (is(b"zip") || is(b"egg"));
    if !is_own && OTHER_FORMATS.iter().any(|other| is(other)) || is_zip_name {
        findings
            .add(format!("`{}` is an archive with the name of something else", name::shown(file)))
            .compared(format!("a file of the format `.{}`", name::shown(extension)), format!("a {}", kind.code()));
    } else if is(b"whl") && kind != Kind::Wheel {
        findings
            .add(format!("`{}` has the name of a wheel and is none", name::shown(file)))
            .compared("a `.dist-info/WHEEL` at the top", "none")
            .severity(Severity::Low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Zip;

    fn zip() -> Case {
        Case::zip(Zip::new().file("m.pyc", ""))
    }

    #[test]
    fn flags_an_archive_with_the_name_of_a_picture() {
        let finding = zip().named("logo.PNG").flags(&RULE);
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::Medium, "a zip"));
    }

    #[test]
    fn flags_a_nested_archive_by_its_own_name() {
        let inner = Zip::new().file("m.pyc", "").build();
        let finding = Case::zip(Zip::new().file("data/readme.txt", inner)).flags(&RULE);
        assert_eq!(finding.locator.member_shown(), "data/readme.txt");
    }

    #[test]
    fn a_wheel_without_its_metadata_weighs_less() {
        assert_eq!(zip().named("p-1-py3-none-any.whl").flags(&RULE).severity, Severity::Low);
        let wheel = Zip::new().file("p-1.dist-info/WHEEL", "");
        Case::zip(wheel).named("p-1-py3-none-any.whl").passes(&RULE);
    }

    #[test]
    fn passes_formats_that_are_zips_and_names_that_promise_nothing() {
        for name in
            ["a.zip", "a.egg", "a.pyz", "a.docx", "a.npz", "a.jar", "setup.exe", "pex", "a.ts4script", "a.dat", ".zip"]
        {
            zip().named(name).passes(&RULE);
        }
    }
}
