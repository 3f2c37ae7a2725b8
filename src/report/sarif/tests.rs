//! The limits of code scanning.

use serde_json::Value;

use super::*;
use crate::forge::Written;
use crate::report::record::ArtifactItem;
use crate::report::record::ArtifactRecord;
use crate::report::record::RawName;

fn finding(number: usize, severity: Severity, message: String) -> FindingRecord {
    FindingRecord {
        rule: "PYC109".into(),
        name: "unchecked-hash".into(),
        severity,
        place: Place { artifact: RawName::new(format!("w{number}.whl")), member: vec![RawName::new("m.pyc")] },
        message,
        offset: None,
        line: None,
        expected: String::new(),
        observed: String::new(),
        fingerprint: "v1:0123456789abcdef".to_owned(),
    }
}

fn log_of(findings: impl Iterator<Item = FindingRecord>) -> Value {
    let out = Written::default();
    let mut report = start(&RunRecord::default(), Box::new(out.clone())).unwrap();
    for finding in findings {
        let item = ArtifactItem {
            artifact: ArtifactRecord { place: finding.place.clone(), ..ArtifactRecord::default() },
            findings: vec![finding],
            suppressed: Vec::new(),
            problems: Vec::new(),
        };
        report.item(&Item::Artifact(Box::new(item))).unwrap();
    }
    report.finish(&SummaryRecord::default()).unwrap();
    serde_json::from_slice(&out.bytes()).unwrap()
}

#[test]
fn of_more_results_than_code_scanning_takes_the_worst_are_kept_and_the_rest_is_said() {
    let mild = (0..RESULTS).map(|number| finding(number, Severity::Low, "mild".to_owned()));
    let bad = (0..7).map(|number| finding(number, Severity::Critical, "bad".to_owned()));
    let log = log_of(mild.chain(bad));
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), RESULTS);
    assert!(results[..7].iter().all(|result| result["message"]["text"].as_str().unwrap().starts_with("bad")));
    let said = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(said, "25007 findings; code scanning takes 25000, so the 7 mildest are left out");
    assert_eq!(run["properties"]["findings"], 25_007);
}

#[test]
fn results_with_one_fingerprint_in_several_files_stay_apart() {
    let log = log_of((0..3).map(|number| finding(number, Severity::High, String::new())));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let hashes =
        results.iter().map(|result| result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap());
    assert_eq!(hashes.collect::<Vec<_>>(), ["0123456789abcdef:1", "0123456789abcdef:2", "0123456789abcdef:3"]);
}

#[test]
fn a_text_is_neither_a_link_nor_a_placeholder_nor_without_end() {
    let log = log_of([finding(0, Severity::High, format!("[a](b) {{0}} {}", "x".repeat(9000)))].into_iter());
    let text = log["runs"][0]["results"][0]["message"]["text"].as_str().unwrap();
    assert!(text.starts_with("[a] (b) {{0}} xxx"), "{text}");
    assert!(text.chars().count() < LONGEST + 50);
}
