//! How names, digests, severities and options are written in JSON and read again.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;

use crate::name;
use crate::name::Name;

/// A name as `{"text": ...}` or `{"bytes": ...}`.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Text<'a> {
    /// It is valid UTF-8.
    Text(Cow<'a, str>),
    /// It is not: base64.
    Bytes(String),
}

impl<'a> Text<'a> {
    /// A name by its bytes.
    pub fn of(bytes: &'a [u8]) -> Self {
        str::from_utf8(bytes).map_or_else(|_| Self::Bytes(STANDARD.encode(bytes)), |text| Self::Text(text.into()))
    }

    /// The same of bytes that do not live as long.
    pub fn owned(bytes: &[u8]) -> Self {
        match Text::of(bytes) {
            Text::Text(text) => Self::Text(Cow::Owned(text.into_owned())),
            Text::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

/// A name that may be any bytes, as a record has it.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawName(pub Name);

impl RawName {
    /// The name with these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Name::new(bytes))
    }

    /// The name of a path.
    pub fn of_path(path: &Path) -> Self {
        Self::new(path.as_os_str().as_encoded_bytes())
    }

    /// The bytes as they are.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for RawName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name::show(self.as_bytes(), f)
    }
}

impl fmt::Debug for RawName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

impl Serialize for RawName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Text::of(self.as_bytes()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Read {
            Text(String),
            Bytes(String),
        }
        match Read::deserialize(deserializer)? {
            Read::Text(text) => Ok(Self::new(text)),
            Read::Bytes(text) => STANDARD.decode(text).map(Self::new).map_err(de::Error::custom),
        }
    }
}

impl super::Place {
    /// The file on disk, escaped.
    pub fn artifact_shown(&self) -> String {
        self.artifact.to_string()
    }

    /// The members on the way in, escaped and joined by `!`; empty for a file on disk.
    pub fn member_shown(&self) -> String {
        self.member.iter().map(RawName::to_string).collect::<Vec<_>>().join("!")
    }
}

impl fmt::Display for super::Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.artifact)?;
        self.member.iter().try_for_each(|name| write!(f, "!{name}"))
    }
}

/// A digest as hexadecimal digits.
pub(super) mod digest {
    use super::Deserialize;
    use super::Deserializer;
    use super::Serializer;
    use super::de;
    use crate::artifact::Sha256Digest;

    #[expect(clippy::ref_option, reason = "the form that serde calls")]
    pub(in super::super) fn serialize<S: Serializer>(
        digest: &Option<Sha256Digest>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match digest {
            Some(digest) => serializer.collect_str(digest),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Sha256Digest>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        super::from_hex(&text)
            .and_then(|bytes| Some(Sha256Digest(bytes.try_into().ok()?)))
            .map(Some)
            .ok_or_else(|| de::Error::custom("not a SHA-256"))
    }
}

/// The bytes of hexadecimal digits; `None` where they are none.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// A severity by its word, where there may be none.
pub(super) mod severity {
    use super::Cow;
    use super::Deserialize;
    use super::Deserializer;
    use super::Serializer;
    use super::de;
    use crate::rules::Severity;

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
    pub(in super::super) fn serialize<S: Serializer>(
        severity: &Option<Severity>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match severity {
            Some(severity) => serializer.serialize_str(severity.code()),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Severity>, D::Error> {
        let Some(text) = Option::<Cow<'_, str>>::deserialize(deserializer)? else { return Ok(None) };
        Severity::from_code(&text).map(Some).ok_or_else(|| de::Error::custom("not a severity"))
    }
}

/// A severity by its word.
pub(super) mod one_severity {
    use super::Deserializer;
    use super::Serializer;
    use super::de;
    use crate::rules::Severity;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
    pub(in super::super) fn serialize<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(severity.code())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
        super::severity::deserialize(deserializer)?.ok_or_else(|| de::Error::custom("no severity"))
    }
}

/// Pairs as an object, in their order.
pub(super) mod pairs {
    use std::fmt;

    use super::Deserializer;
    use super::Serializer;
    use serde::de::MapAccess;
    use serde::de::Visitor;

    pub(in super::super) fn serialize<S: Serializer>(
        pairs: &[(String, String)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, String)>, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(String, String)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
