//! Whole reports of forged entries, as bytes.

use sha2::Digest as _;
use sha2::Sha256;

use crate::artifact::Locator;
use crate::artifact::Times;
use crate::entry::ArtifactEntry;
use crate::entry::Entry;
use crate::entry::PycEntry;
use crate::entry::Run;
use crate::entry::Summary;
use crate::forge;
use crate::forge::Written;
use crate::ledger::Fate;
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::load::Load;
use crate::load::LoadVerdict;
use crate::name::Name;
use crate::name::shown;
use crate::place::Place;
use crate::problem::Problem;
use crate::problem::ProblemKind;
use crate::pyc;
use crate::pyc::Scratch;
use crate::report::record::Item;
use crate::report::record::RunRecord;
use crate::report::record::SummaryRecord;
use crate::rules::Finding;
use crate::rules::Findings;
use crate::rules::RULES;
use crate::rules::Rule;
use crate::rules::Severity;
use crate::source::HeaderCheck;
use crate::source::HeaderMatch;
use crate::source::Source;
use crate::verify::check::CodeCheck;
use crate::verify::check::Reason;

/// A rule whose page has code in it.
fn rule() -> &'static Rule {
    RULES.iter().find(|rule| rule.id == "PYC301").unwrap()
}

fn run() -> RunRecord {
    RunRecord::of(&Run {
        version: "1.2.3",
        arguments: ["pycaudit", "scan", "a b"].map(str::to_owned).to_vec(),
        options: vec![("strict", "no".to_owned())],
        paths: vec!["a b".to_owned()],
        started: 1_700_000_000,
    })
}

fn summary(entries: &[Entry]) -> Summary {
    let mut summary = Summary { ended: 1_700_000_065, ..Summary::default() };
    for entry in entries {
        for finding in entry.findings() {
            *summary.severities.entry(finding.severity).or_default() += 1;
        }
        if let Entry::Pyc(pyc) = entry {
            summary.pycs += 1;
            summary.listed += 1;
            summary.ledger.saw(Fate::Bytecode);
            *summary.loads.entry(pyc.load.verdict).or_default() += 1;
        }
    }
    summary
}

fn report_of(entries: &[Entry], summary: &Summary) -> String {
    let out = Written::default();
    let mut report = super::start(&run(), Box::new(out.clone())).unwrap();
    for entry in entries {
        report.item(&Item::of(entry)).unwrap();
    }
    report.finish(&SummaryRecord::of(summary)).unwrap();
    String::from_utf8(out.bytes()).unwrap()
}

fn report(entries: &[Entry]) -> String {
    report_of(entries, &summary(entries))
}

fn entry(name: &[u8], severities: &[Severity]) -> Entry {
    let locator = Locator::file("a.whl").member(Name::new(name));
    let bytes = forge::Pyc::python("3.12").source_mtime(1_600_000_000).build();
    let findings = severities.iter().map(|&severity| finding(&locator, severity)).collect();
    Entry::Pyc(Box::new(PycEntry {
        is_headless: false,
        sha256: None,
        size: 100,
        payload_sha256: None,
        code_digest: None,
        contents: None,
        source_contents: None,
        head: bytes.iter().copied().take(16).collect(),
        pyc: pyc::parse(&bytes, &Limits::default(), &mut Scratch::default()).value,
        place: Place::of(name),
        module: shown(name),
        times: Times::default(),
        source: Source::Absent,
        code_check: CodeCheck::Unverified(Reason::NotAsked),
        passages: Vec::new(),
        exact: None,
        header_check: HeaderCheck {
            outcome: HeaderMatch::NoSource,
            mtime: None,
            mtime_agrees: None,
            size: None,
            hash: None,
            newline: None,
            other_rounds: false,
            hash_of: None,
        },
        load: Load { verdict: LoadVerdict::Runs, reason: shown(name) },
        findings,
        suppressed: Vec::new(),
        problems: Vec::new(),
        locator,
    }))
}

fn finding(locator: &Locator, severity: Severity) -> Finding {
    let mut list = Vec::new();
    Findings::new(rule(), locator, &mut list).add(format!("seen in {locator}")).severity(severity);
    list.remove(0)
}

/// The text between two marks.
fn between<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    html.split_once(from).unwrap().1.split_once(to).unwrap().0
}

#[test]
fn names_made_of_markup_are_text_wherever_they_are_shown() {
    let names: [&[u8]; 5] = [
        b"<script>alert(1)</script>.pyc",
        b"\"><img src=x onerror=alert(2)>.pyc",
        b"{{ 7*7 }}{% include 'x' %}.pyc",
        "a\u{202e}cyp.pyc".as_bytes(),
        b"--><style>*{}</style>\xff.pyc",
    ];
    let entries = names.map(|name| entry(name, &[Severity::High]));
    let html = report(&entries);
    let scripts = html.matches("<script").count();
    assert_eq!(scripts, html.matches("<script type=\"application/octet-stream\" data-column").count() + 1);
    assert_eq!(html.matches("</script>").count(), scripts);
    assert_eq!(html.matches("<style").count(), 1);
    assert!(!html.contains("<img"));
    assert!(!html.contains('\u{202e}'));
    assert!(html.contains("{{ 7*7 }}{% include &#39;x&#39; %}.pyc"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;.pyc"));
    assert!(html.contains(r"a\u{202e}cyp.pyc"));
}

#[test]
fn the_policy_names_the_style_and_the_script_that_the_page_holds() {
    let html = report(&[]);
    let style = between(&html, "<style>", "</style>");
    let script = between(&html, "<script>", "</script>");
    let policy = between(&html, "Content-Security-Policy\" content=\"", "\">").replace("&#39;", "'");
    let [style, script] = [style, script].map(|text| super::column::base64(&Sha256::digest(text)));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; \
             base-uri 'none'; form-action 'none'"
        )
    );
}

#[test]
fn a_report_loads_nothing() {
    let html = report(&[entry(b"m.pyc", &[])]);
    let page = html.split("<script").next().unwrap();
    for part in page.split(['"', '\'']).filter(|part| part.contains("://")) {
        // The name of a format is not an address that is loaded.
        assert_eq!(part, "http://www.w3.org/2000/svg");
    }
    assert!(!page.contains("url("));
    assert!(!page.contains("@import"));
}

#[test]
fn equal_entries_give_equal_bytes() {
    let entries = || [entry(b"m.pyc", &[Severity::Low]), entry(b"n.pyc", &[])];
    assert_eq!(report(&entries()), report(&entries()));
}

#[test]
fn a_plain_table_says_how_many_rows_it_leaves_out_and_keeps_the_worst() {
    let mut entries: Vec<_> =
        (0..600).map(|number| entry(format!("m{number}.pyc").as_bytes(), &[Severity::Info])).collect();
    entries.push(entry(b"worst.pyc", &[Severity::Critical]));
    let html = report(&entries);
    let table = between(&html, "<section id=\"files\"", "</section>");
    assert_eq!(table.matches("<tr>").count(), 501);
    assert!(table.contains("101 more are left out here"));
    assert!(table.find("worst.pyc").unwrap() < table.find("m0.pyc").unwrap());
}

#[test]
fn the_worst_artifact_comes_first_however_late_it_is_scanned() {
    let file = |number: u32, severity| {
        let mut entry = entry(b"m.pyc", &[]);
        let Entry::Pyc(pyc) = &mut entry else { return entry };
        pyc.locator = Locator::file(format!("w{number}.whl")).member(Name::new("m.pyc"));
        pyc.findings = vec![finding(&pyc.locator, severity)];
        entry
    };
    let mut entries: Vec<_> = (0..20).map(|number| file(number, Severity::Low)).collect();
    entries.push(file(20, Severity::High));
    let html = report(&entries);
    let worst = between(&html, "<section id=\"worst\"", "</section>");
    assert!(worst.find("w20.whl").unwrap() < worst.find("w0.whl").unwrap());
    assert!(worst.contains("13 more artifacts with 13 findings are not shown here."));
}

#[test]
fn the_rules_that_reported_something_are_explained_and_no_others() {
    let html = report(&[entry(b"m.pyc", &[Severity::Low]), entry(b"n.pyc", &[Severity::High])]);
    let rules = between(&html, "<section id=\"rules\"", "</section>");
    assert_eq!(rules.matches("<article").count(), 1);
    assert!(rules.contains("<h4>What it reports</h4><p>") && rules.contains("<code>__pycache__</code>"));
    assert!(rules.contains("<span class=\"sev high\">high</span> <span class=\"count\">2</span>"));
}

#[test]
fn the_verdict_follows_the_worst_finding() {
    let headline = |severities: &[Severity]| {
        let html = report(&[entry(b"m.pyc", severities)]);
        between(&html, "<h1 id=\"summary-title\">", "</h1>").to_owned()
    };
    assert_eq!(headline(&[]), "No rule saw anything odd in 1 bytecode file.");
    assert_eq!(headline(&[Severity::Info]), "Only remarks: nothing that has to be acted on.");
    assert_eq!(headline(&[Severity::Low]), "Only habits and leftovers: nothing with a known way to do harm.");
    assert_eq!(
        headline(&[Severity::Medium, Severity::Info]),
        "No sign of an attack, but 1 finding of medium severity to look at."
    );
    assert_eq!(
        headline(&[Severity::High; 2]),
        "2 findings of high severity: look at them before anybody uses or ships this."
    );
    assert_eq!(
        headline(&[Severity::Critical, Severity::High]),
        "1 finding of critical severity: code may run here that is not what it claims to be."
    );
}

#[test]
fn what_was_not_read_is_never_called_clean() {
    let locator = Locator::file("a.whl");
    let artifact = Entry::Artifact(Box::new(ArtifactEntry {
        locator: locator.clone(),
        kind: None,
        sha256: None,
        size: None,
        pycs: 0,
        ledger: Ledger::default(),
        listed: 0,
        findings: Vec::new(),
        suppressed: Vec::new(),
        problems: vec![(Some(locator.member(Name::new("<i>.zip"))), Problem::new(ProblemKind::Encrypted))],
    }));
    let html = report_of(&[artifact], &Summary { problems: 1, ..Summary::default() });
    assert!(html.contains("Incomplete"));
    assert!(html.contains("Not everything could be read."));
    assert!(between(&html, "id=\"problems\"", "</section>").contains("a.whl!&lt;i&gt;.zip"));
    let broken_off = report_of(&[], &Summary { interrupted: true, ..Summary::default() });
    assert!(broken_off.contains("The scan was broken off before its end."));
}

#[test]
fn the_chain_of_custody_says_what_was_asked_and_when() {
    let html = report(&[entry(b"m.pyc", &[])]);
    let custody = between(&html, "<section id=\"custody\"", "</main>");
    for text in ["pycaudit 1.2.3", "2023-11-14T22:13:20Z", "2023-11-14T22:14:25Z (1 min 5 s)", "The two numbers agree"]
    {
        assert!(custody.contains(text), "{text}");
    }
    assert!(custody.contains("pycaudit scan &#39;a b&#39;"));
    let odd = Summary { listed: 2, ..Summary::default() };
    assert!(report_of(&[], &odd).contains("The two numbers differ"));
}
