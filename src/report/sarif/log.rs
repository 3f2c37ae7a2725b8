//! The objects of SARIF 2.1.0 that are written, named as in the standard (OASIS, "Static Analysis Results Interchange Format").

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::record::Place;
use crate::report::record::SuppressedRecord;
use crate::report::record::Word;

use super::uri;

/// `sarifLog`.
#[derive(Serialize)]
pub(super) struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [SarifRun<'a>; 1],
}

impl<'a> Log<'a> {
    pub(super) fn new(runs: [SarifRun<'a>; 1]) -> Self {
        Self {
            schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            version: "2.1.0",
            runs,
        }
    }
}

/// `run`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SarifRun<'a> {
    pub(super) tool: Tool<'a>,
    pub(super) invocations: [Invocation<'a>; 1],
    pub(super) artifacts: &'a [Artifact],
    pub(super) results: Vec<SarifResult<'a>>,
    pub(super) taxonomies: Vec<Taxonomy>,
    pub(super) original_uri_base_ids: BTreeMap<&'static str, Described>,
    pub(super) automation_details: Named,
    pub(super) column_kind: &'static str,
    pub(super) properties: RunProperties<'a>,
}

/// The property bag of the run.
#[derive(Serialize)]
pub(super) struct RunProperties<'a> {
    pub(super) findings: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) suppressed: &'a BTreeMap<Word, u64>,
    pub(super) pycs: u64,
    pub(super) ledger: &'a BTreeMap<Word, u64>,
    pub(super) redacted: bool,
}

/// An object of which only the description is known.
#[derive(Serialize)]
pub(super) struct Described {
    pub(super) description: Message,
}

/// `runAutomationDetails`.
#[derive(Serialize)]
pub(super) struct Named {
    pub(super) id: &'static str,
}

/// `tool`.
#[derive(Serialize)]
pub(super) struct Tool<'a> {
    pub(super) driver: Driver<'a>,
}

/// `toolComponent`, the scanner itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Driver<'a> {
    pub(super) name: &'static str,
    pub(super) version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) semantic_version: Option<&'a str>,
    pub(super) short_description: Message,
    pub(super) rules: Vec<RuleDescriptor<'a>>,
    pub(super) notifications: Vec<NotificationDescriptor<'a>>,
    pub(super) supported_taxonomies: Vec<ComponentReference>,
}

/// `reportingDescriptor` of a rule.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleDescriptor<'a> {
    pub(super) id: &'a str,
    pub(super) name: String,
    pub(super) short_description: Message,
    pub(super) full_description: Message,
    pub(super) help: Help,
    pub(super) default_configuration: Configuration,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) relationships: Vec<Relationship>,
    pub(super) properties: RuleProperties,
}

/// `multiformatMessageString`.
#[derive(Serialize)]
pub(super) struct Help {
    pub(super) text: String,
    pub(super) markdown: String,
}

/// `reportingConfiguration`.
#[derive(Serialize)]
pub(super) struct Configuration {
    pub(super) level: &'static str,
}

/// The property bag of a rule.
#[derive(Serialize)]
pub(super) struct RuleProperties {
    pub(super) tags: Vec<String>,
    #[serde(rename = "security-severity", skip_serializing_if = "Option::is_none")]
    pub(super) security_severity: Option<&'static str>,
    #[serde(rename = "problem.severity")]
    pub(super) problem_severity: &'static str,
}

/// `reportingDescriptorRelationship`.
#[derive(Serialize)]
pub(super) struct Relationship {
    pub(super) target: Target,
    pub(super) kinds: [&'static str; 1],
}

/// `reportingDescriptorReference`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) id: &'static str,
    pub(super) index: usize,
    pub(super) tool_component: ComponentReference,
}

/// `toolComponentReference`.
#[derive(Clone, Copy, Serialize)]
pub(super) struct ComponentReference {
    pub(super) name: &'static str,
    pub(super) index: usize,
}

/// `toolComponent`, a taxonomy.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Taxonomy {
    pub(super) name: &'static str,
    pub(super) organization: &'static str,
    pub(super) short_description: Message,
    pub(super) is_comprehensive: bool,
    pub(super) taxa: Vec<Taxon>,
}

/// `reportingDescriptor` of a class of weaknesses.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Taxon {
    pub(super) id: &'static str,
    pub(super) short_description: Message,
}

/// `reportingDescriptor` of a notification.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotificationDescriptor<'a> {
    pub(super) id: &'a str,
    pub(super) short_description: Message,
}

/// `invocation`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation<'a> {
    pub(super) command_line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_time_utc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_time_utc: Option<&'a str>,
    pub(super) execution_successful: bool,
    pub(super) tool_execution_notifications: Vec<Notification<'a>>,
}

/// `notification`.
#[derive(Serialize)]
pub(super) struct Notification<'a> {
    pub(super) level: &'static str,
    pub(super) descriptor: Descriptor<'a>,
    pub(super) message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) locations: Vec<Location>,
}

/// `reportingDescriptorReference` of a notification.
#[derive(Serialize)]
pub(super) struct Descriptor<'a> {
    pub(super) id: &'a str,
}

/// `artifact`.
#[derive(Serialize)]
pub(super) struct Artifact {
    pub(super) location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hashes: Option<BTreeMap<&'static str, String>>,
    pub(super) roles: [&'static str; 1],
}

/// `result`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SarifResult<'a> {
    pub(super) rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule_index: Option<usize>,
    pub(super) level: &'static str,
    pub(super) message: Message,
    pub(super) locations: Vec<Location>,
    pub(super) partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) suppressions: Vec<Suppression>,
    pub(super) properties: ResultProperties<'a>,
}

/// `suppression`. One that is `external` stands in another file than the code.
#[derive(Serialize)]
pub(super) struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

impl Suppression {
    pub(super) fn of(suppressed: &SuppressedRecord) -> Self {
        let SuppressedRecord { by, reason, .. } = suppressed;
        let justification = if reason.is_empty() { by.to_string() } else { format!("{by}: {reason}") };
        Self { kind: "external", status: "accepted", justification }
    }
}

/// The property bag of a result.
#[derive(Serialize)]
pub(super) struct ResultProperties<'a> {
    pub(super) severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) expected: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) observed: &'a str,
}

/// `location`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    pub(super) physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logical_locations: Option<Vec<LogicalLocation>>,
}

/// `physicalLocation`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhysicalLocation {
    pub(super) artifact_location: ArtifactLocation,
    pub(super) region: Region,
}

/// `artifactLocation`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

impl ArtifactLocation {
    /// The file on disk of a place.
    pub(super) fn of(place: &Place) -> Self {
        let (uri, uri_base_id) = uri::of(place.artifact.as_bytes());
        Self { uri, uri_base_id }
    }
}

/// `region`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    pub(super) start_line: u32,
}

/// `logicalLocation`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogicalLocation {
    pub(super) name: String,
    pub(super) fully_qualified_name: String,
    pub(super) kind: &'static str,
}

/// `message`.
#[derive(Serialize)]
pub(super) struct Message {
    text: String,
}

impl Message {
    /// A plain text: what the standard would take for a link (`[..](..)`) or a placeholder (`{0}`) is none.
    pub(super) fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.contains("](") {
            text = text.replace("](", "] (");
        }
        if text.contains(['{', '}']) {
            text = text.replace('{', "{{").replace('}', "}}");
        }
        Self { text }
    }
}
