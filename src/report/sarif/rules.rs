//! Rules as SARIF has them: their pages as help, their families and weaknesses as taxa.

use crate::rules::RULES;
use crate::rules::Severity;

use super::level;
use super::log::ComponentReference;
use super::log::Configuration;
use super::log::Help;
use super::log::Message;
use super::log::Relationship;
use super::log::RuleDescriptor;
use super::log::RuleProperties;
use super::log::Target;
use super::log::Taxon;
use super::log::Taxonomy;

/// The families of rules, by the hundred of their ids.
const FAMILIES: [(&str, &str); 9] = [
    ("PYC1xx", "Header and identity"),
    ("PYC2xx", "Relation to the source"),
    ("PYC3xx", "Location and shadowing"),
    ("PYC4xx", "Marshal stream"),
    ("PYC5xx", "Code objects"),
    ("PYC6xx", "Provenance and leakage"),
    ("PYC7xx", "Time"),
    ("PYC8xx", "Containers and manifests"),
    ("PYC9xx", "Coverage"),
];

/// Weaknesses of the Common Weakness Enumeration, and the rules that see traces of them.
const WEAKNESSES: [(&str, &str, &[&str]); 11] = [
    ("CWE-22", "Path traversal", &["PYC808"]),
    ("CWE-59", "Link following", &["PYC314", "PYC809"]),
    ("CWE-94", "Code injection", &["PYC517"]),
    ("CWE-200", "Exposure of sensitive information", &["PYC601", "PYC602", "PYC606"]),
    ("CWE-345", "Insufficient verification of data authenticity", &["PYC109", "PYC801", "PYC802", "PYC804"]),
    ("CWE-409", "Data amplification", &["PYC405", "PYC810"]),
    ("CWE-427", "Uncontrolled search path element", &["PYC303", "PYC304", "PYC306", "PYC307"]),
    ("CWE-436", "Interpretation conflict", &["PYC806", "PYC807"]),
    ("CWE-506", "Embedded malicious code", &["PYC201", "PYC205", "PYC207"]),
    ("CWE-732", "Incorrect permission assignment", &["PYC313"]),
    ("CWE-798", "Use of hard-coded credentials", &["PYC605"]),
];

const FAMILY: ComponentReference = ComponentReference { name: "pycaudit families", index: 0 };
const CWE: ComponentReference = ComponentReference { name: "CWE", index: 1 };

/// The taxonomies that the rules refer to.
pub(super) fn taxonomies() -> Vec<Taxonomy> {
    let taxon = |id, text: &str| Taxon { id, short_description: Message::new(text) };
    vec![
        Taxonomy {
            name: FAMILY.name,
            organization: "pycaudit",
            short_description: Message::new("The families of pycaudit's rules"),
            is_comprehensive: true,
            taxa: FAMILIES.iter().map(|(id, text)| taxon(id, text)).collect(),
        },
        Taxonomy {
            name: CWE.name,
            organization: "MITRE",
            short_description: Message::new("The MITRE Common Weakness Enumeration"),
            is_comprehensive: false,
            taxa: WEAKNESSES.iter().map(|(id, text, _)| taxon(id, text)).collect(),
        },
    ]
}

/// References to them.
pub(super) fn references() -> Vec<ComponentReference> {
    vec![FAMILY, CWE]
}

/// A rule that reported something, with the worst severity it was reported at.
pub(super) fn descriptor<'a>(id: &'a str, name: Option<&str>, worst: Severity) -> RuleDescriptor<'a> {
    let rule = RULES.iter().find(|rule| rule.id == id);
    let name = rule.map_or(name.unwrap_or(id), |rule| rule.name);
    let summary = rule.map_or("a rule of another version of pycaudit", |rule| rule.summary);
    let page: String = rule.map_or(&[][..], |rule| rule.docs).iter().fold(String::new(), |mut page, line| {
        page.push_str(line.strip_prefix(' ').unwrap_or(line).trim_end());
        page.push('\n');
        page
    });
    let mut relationships = Vec::new();
    let mut tags = vec!["python".to_owned(), "bytecode".to_owned(), "security".to_owned()];
    let family = id.as_bytes().get(3);
    if let Some((index, (family, text))) =
        FAMILIES.iter().enumerate().find(|(_, (code, _))| code.as_bytes().get(3) == family)
    {
        relationships.push(relationship(family, index, FAMILY));
        tags.push(text.to_lowercase().replace(' ', "-"));
    }
    for (index, (weakness, _, rules)) in WEAKNESSES.iter().enumerate() {
        if rules.contains(&id) {
            relationships.push(relationship(weakness, index, CWE));
            tags.push(format!("external/cwe/{}", weakness.to_lowercase()));
        }
    }
    RuleDescriptor {
        id,
        name: pascal(name),
        short_description: Message::new(format!("{name}: {summary}")),
        full_description: Message::new(first_paragraph(&page).unwrap_or_else(|| summary.to_owned())),
        help: Help {
            text: if page.is_empty() { summary.to_owned() } else { page.clone() },
            markdown: if page.is_empty() { summary.to_owned() } else { page },
        },
        default_configuration: Configuration { level: rule.map_or(level(worst), |rule| level(rule.severity)) },
        relationships,
        properties: RuleProperties {
            tags,
            // The bands of code scanning: critical above 9, high from 7, medium from 4, low below.
            security_severity: match worst {
                Severity::Critical => Some("9.5"),
                Severity::High => Some("8.0"),
                Severity::Medium => Some("5.5"),
                Severity::Low => Some("2.0"),
                Severity::Info => None,
            },
            problem_severity: match level(worst) {
                "note" => "recommendation",
                level => level,
            },
        },
    }
}

fn relationship(id: &'static str, index: usize, tool_component: ComponentReference) -> Relationship {
    Relationship { target: Target { id, index, tool_component }, kinds: ["superset"] }
}

/// `source-body-mismatch` as `SourceBodyMismatch`, as the standard wants names.
fn pascal(name: &str) -> String {
    name.split('-').fold(String::new(), |mut pascal, word| {
        let mut letters = word.chars();
        pascal.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        pascal.extend(letters);
        pascal
    })
}

/// The first paragraph of a page, without its heading, as one line.
fn first_paragraph(page: &str) -> Option<String> {
    let lines: Vec<&str> = page
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with('#'))
        .take_while(|line| !line.is_empty())
        .collect();
    (!lines.is_empty()).then(|| lines.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_brings_its_page_its_family_and_its_weakness() {
        let rule = descriptor("PYC605", None, Severity::High);
        assert_eq!(rule.name, "SecretConstant");
        assert!(rule.help.markdown.starts_with("## What it reports\n"));
        assert_eq!(rule.properties.security_severity, Some("8.0"));
        assert!(rule.properties.tags.contains(&"external/cwe/cwe-798".to_owned()));
        assert!(rule.properties.tags.len() <= 10);
        assert_eq!(rule.relationships.len(), 2);
    }

    #[test]
    fn weaknesses_name_rules_that_exist() {
        for id in WEAKNESSES.iter().flat_map(|(_, _, rules)| *rules) {
            assert!(RULES.iter().any(|rule| rule.id == *id), "{id}");
        }
    }
}
