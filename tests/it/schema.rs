//! As much of JSON Schema as the project's own schema uses; a word that is not known here is an error, so that nothing goes unchecked.

use serde_json::Value;

/// Words that describe and check nothing.
const WORDS: [&str; 5] = ["$schema", "$defs", "title", "description", "minimum"];

/// What a value has against a schema; empty when it fits.
pub(crate) fn objections(schema: &Value, root: &Value, value: &Value) -> Vec<String> {
    let mut objections = Vec::new();
    check(schema, root, value, "", &mut objections);
    objections
}

fn check(schema: &Value, root: &Value, value: &Value, at: &str, objections: &mut Vec<String>) {
    for (word, wanted) in schema.as_object().unwrap() {
        match word.as_str() {
            "type" => {
                let fits = match wanted.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    other => panic!("unknown type {other}"),
                };
                if !fits {
                    objections.push(format!("{at}: not of the type {wanted}"));
                }
            }
            "const" if value != wanted => objections.push(format!("{at}: {value} is not {wanted}")),
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                objections.push(format!("{at}: {value} is none of {wanted}"));
            }
            "const" | "enum" => {}
            "required" => {
                for name in wanted.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        objections.push(format!("{at}: {name} is missing"));
                    }
                }
            }
            "pattern" => {
                let text = value.as_str().unwrap_or_default();
                if !matches(wanted.as_str().unwrap(), text) {
                    objections.push(format!("{at}: `{text}` does not fit {wanted}"));
                }
            }
            "items" => {
                for each in value.as_array().unwrap_or(&Vec::new()) {
                    check(wanted, root, each, &format!("{at}[]"), objections);
                }
            }
            "properties" | "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, value) in value.as_object().into_iter().flatten() {
                    let place = format!("{at}.{name}");
                    let schema = known.and_then(|known| known.get(name));
                    match (word.as_str(), schema) {
                        ("properties", Some(schema)) => check(schema, root, value, &place, objections),
                        ("additionalProperties", None) if wanted.is_boolean() => {
                            objections.push(format!("{place}: not a field of it"));
                        }
                        ("additionalProperties", None) => check(wanted, root, value, &place, objections),
                        _ => {}
                    }
                }
            }
            "$ref" => {
                let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                check(&root["$defs"][name], root, value, at, objections);
            }
            "oneOf" => {
                let kinds = wanted.as_array().unwrap().iter().map(|schema| {
                    let mut against = Vec::new();
                    check(schema, root, value, at, &mut against);
                    against
                });
                let mut kinds: Vec<_> = kinds.collect();
                if kinds.iter().filter(|against| against.is_empty()).count() != 1 {
                    kinds.sort_by_key(Vec::len);
                    objections.extend(kinds.swap_remove(0));
                    objections.push(format!("{at}: not exactly one of the kinds"));
                }
            }
            word => assert!(WORDS.contains(&word), "the schema uses `{word}`, which is not checked"),
        }
    }
}

/// Whether a text fits one of the patterns that the schema has.
fn matches(pattern: &str, text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_time = |text: &str| {
        text.len() == 19
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                10 => byte == b'T',
                13 | 16 => byte == b':',
                _ => byte.is_ascii_digit(),
            })
    };
    match pattern {
        "^([0-9a-f]{2})*$" => text.len().is_multiple_of(2) && hex(text),
        "^[0-9a-f]{64}$" => text.len() == 64 && hex(text),
        "^v1:[0-9a-f]{64}$" => text.strip_prefix("v1:").is_some_and(|text| text.len() == 64 && hex(text)),
        "^v1:[0-9a-f]{16}$" => text.strip_prefix("v1:").is_some_and(|text| text.len() == 16 && hex(text)),
        "^PYC[0-9]{3}$" => text
            .strip_prefix("PYC")
            .is_some_and(|text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())),
        "^[a-z0-9-]+$" => !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
        "^[A-Za-z0-9+/]*={0,2}$" => {
            let digits = text.trim_end_matches('=');
            text.len() - digits.len() <= 2
                && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        }
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$" => text.strip_suffix('Z').is_some_and(is_time),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?Z?$" => {
            let text = text.strip_suffix('Z').unwrap_or(text);
            let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
            is_time(whole) && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
        }
        pattern => panic!("the schema has a pattern that is not checked: {pattern}"),
    }
}
