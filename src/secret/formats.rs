//! The formats: data only. Each is as its issuer documents it; the comment says where.

use super::Check;
use super::Format;
use super::Shape;
use super::Use;

/// Bytes of tokens.
pub(super) const ALPHANUMERIC: fn(u8) -> bool = |byte| byte.is_ascii_alphanumeric();
/// Letters, digits and the underscore.
pub(super) const WORD: fn(u8) -> bool = |byte| byte.is_ascii_alphanumeric() || byte == b'_';
/// The alphabet of base64url (RFC 4648).
pub(super) const URL: fn(u8) -> bool = |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
/// The alphabet of base64 (RFC 4648), with what fills it up.
pub(super) const BASE64: fn(u8) -> bool = |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
/// Hexadecimal digits as issuers write them.
const HEX: fn(u8) -> bool = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
/// The alphabet of base32 (RFC 4648).
const BASE32: fn(u8) -> bool = |byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
/// Capitals and digits.
const UPPER: fn(u8) -> bool = |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit();
/// The parts of a path in a URL.
const PATH: fn(u8) -> bool = |byte| URL(byte) || byte == b'/';

const fn format(name: &'static str, prefix: &'static str, shape: Shape) -> Format {
    Format { name, prefix, shape, check: Check::None, used: Use::Secret }
}

const fn with_crc(name: &'static str, prefix: &'static str) -> Format {
    Format { check: Check::Crc32Base62, ..format(name, prefix, Shape::Run(ALPHANUMERIC, 36, 36)) }
}

const fn public(format: Format) -> Format {
    Format { used: Use::OftenPublic, ..format }
}

/// Every format; where one prefix begins another, the longer one is meant.
pub(super) const FORMATS: &[Format] = &[
    // github.blog, 2021-04-05, "Behind GitHub's new authentication token formats": prefix, 30 characters, CRC-32 in base62.
    with_crc("a GitHub personal access token", "ghp_"),
    with_crc("a GitHub OAuth token", "gho_"),
    with_crc("a GitHub user-to-server token", "ghu_"),
    with_crc("a GitHub server-to-server token", "ghs_"),
    // docs.github.com, "About authentication to GitHub": the kinds of token by their prefixes.
    format("a GitHub refresh token", "ghr_", Shape::Run(ALPHANUMERIC, 36, 76)),
    format("a GitHub fine-grained token", "github_pat_", Shape::Run(WORD, 82, 82)),
    // docs.gitlab.com, "Token overview", "Token prefixes". Routable tokens are longer and have dots behind the first part.
    format("a GitLab access token", "glpat-", Shape::Run(URL, 20, 310)),
    format("a GitLab OAuth secret", "gloas-", Shape::Run(URL, 20, 310)),
    format("a GitLab deploy token", "gldt-", Shape::Run(URL, 20, 310)),
    format("a GitLab runner token", "glrt-", Shape::Run(URL, 20, 310)),
    format("a GitLab job token", "glcbt-", Shape::Run(URL, 20, 310)),
    format("a GitLab trigger token", "glptt-", Shape::Run(URL, 20, 310)),
    format("a GitLab feed token", "glft-", Shape::Run(URL, 20, 310)),
    format("a GitLab agent token", "glagent-", Shape::Run(URL, 20, 310)),
    // pypi.org/help, "apitoken"; the macaroon's location is the first thing in it, so all begin alike.
    format("a PyPI token", "pypi-AgEIcHlwaS5vcmc", Shape::Run(URL, 50, 1000)),
    format("a TestPyPI token", "pypi-AgENdGVzdC5weXBpLm9yZw", Shape::Run(URL, 50, 1000)),
    // github.blog, 2021-09-23, "Announcing npm's new access token format": as GitHub's own.
    with_crc("an npm token", "npm_"),
    // guides.rubygems.org, "API key scopes"; rubygems.org generates 48 hexadecimal digits.
    format("a RubyGems key", "rubygems_", Shape::Run(HEX, 48, 48)),
    // docs.docker.com, "Personal access tokens", "Organization access tokens".
    format("a Docker token", "dckr_pat_", Shape::Run(URL, 27, 27)),
    format("a Docker organisation token", "dckr_oat_", Shape::Run(URL, 27, 40)),
    // docs.aws.amazon.com, IAM User Guide, "IAM identifiers", "Unique identifiers": prefixes of access keys.
    format("an AWS access key id", "AKIA", Shape::Run(BASE32, 16, 16)),
    format("an AWS temporary access key id", "ASIA", Shape::Run(BASE32, 16, 16)),
    // cloud.google.com, "Manage API keys"; those of Firebase are meant to be public (firebase.google.com, "API keys").
    public(format("a Google API key", "AIza", Shape::Run(URL, 35, 35))),
    // developers.google.com, "OAuth 2.0 for Mobile & Desktop Apps": the secret of an installed application is not treated as one.
    public(format("a Google OAuth client secret", "GOCSPX-", Shape::Run(URL, 28, 28))),
    // learn.microsoft.com, "Configure Azure Storage connection strings": 64 bytes in base64.
    format("an Azure storage key", "AccountKey=", Shape::Run(BASE64, 88, 88)),
    // docs.digitalocean.com, API reference, "Authentication".
    format("a DigitalOcean token", "dop_v1_", Shape::Run(HEX, 64, 64)),
    format("a DigitalOcean OAuth token", "doo_v1_", Shape::Run(HEX, 64, 64)),
    format("a DigitalOcean refresh token", "dor_v1_", Shape::Run(HEX, 64, 64)),
    // docs.slack.dev, "Tokens", "Sending messages using incoming webhooks".
    format("a Slack bot token", "xoxb-", Shape::Run(URL, 40, 255)),
    format("a Slack user token", "xoxp-", Shape::Run(URL, 40, 255)),
    format("a Slack app token", "xapp-", Shape::Run(URL, 40, 255)),
    format("a Slack webhook", "hooks.slack.com/services/", Shape::Run(PATH, 40, 60)),
    // discord.com/developers/docs, "Webhook Resource": id and token.
    format("a Discord webhook", "discord.com/api/webhooks/", Shape::Run(PATH, 78, 100)),
    format("a Discord webhook", "discordapp.com/api/webhooks/", Shape::Run(PATH, 78, 100)),
    // docs.stripe.com/keys: live keys; those of the test mode move no money.
    format("a Stripe secret key", "sk_live_", Shape::Run(ALPHANUMERIC, 24, 247)),
    format("a Stripe restricted key", "rk_live_", Shape::Run(ALPHANUMERIC, 24, 247)),
    // shopify.dev, "Access token formats" of 2020.
    format("a Shopify token", "shpat_", Shape::Run(HEX, 32, 32)),
    format("a Shopify custom app token", "shpca_", Shape::Run(HEX, 32, 32)),
    format("a Shopify private app token", "shppa_", Shape::Run(HEX, 32, 32)),
    format("a Shopify shared secret", "shpss_", Shape::Run(HEX, 32, 32)),
    // OpenAI's keys of all kinds hold its name in base64 (docs.github.com, "Supported secret scanning patterns", has the kinds).
    format("an OpenAI key", "T3BlbkFJ", Shape::Around("sk-", URL, 40, 220)),
    // docs.claude.com, "API overview", "Authentication".
    format("an Anthropic key", "sk-ant-", Shape::Run(URL, 80, 130)),
    // huggingface.co/docs/hub/security-tokens.
    format("a Hugging Face token", "hf_", Shape::Run(ALPHANUMERIC, 34, 34)),
    // console.groq.com/docs/quickstart; docs.x.ai.
    format("a Groq key", "gsk_", Shape::Run(ALPHANUMERIC, 52, 52)),
    format("an xAI key", "xai-", Shape::Run(ALPHANUMERIC, 80, 80)),
    // docs.databricks.com, "Databricks personal access token authentication".
    format("a Databricks token", "dapi", Shape::Run(HEX, 32, 32)),
    // www.twilio.com/docs/sendgrid, "API keys": id of 22 and secret of 43 characters.
    format("a SendGrid key", "SG.", Shape::Pair(URL, 22, 43)),
    // developer.hashicorp.com/vault, "Tokens", "Token prefixes".
    format("a Vault token", "hvs.", Shape::Run(URL, 24, 200)),
    format("a Vault batch token", "hvb.", Shape::Run(URL, 100, 300)),
    // grafana.com/docs, "Service accounts"; grafana/grafana pkg/components/satokengen: a CRC-32 at the end.
    format("a Grafana token", "glsa_", Shape::Run(WORD, 41, 41)),
    // learning.postman.com, "Postman API authentication".
    format("a Postman key", "PMAK-", Shape::Run(URL, 59, 59)),
    // linear.app/developers, "Personal API keys".
    format("a Linear key", "lin_api_", Shape::Run(ALPHANUMERIC, 40, 40)),
    // developers.notion.com, changelog of 2024-09-25.
    format("a Notion token", "ntn_", Shape::Run(ALPHANUMERIC, 46, 46)),
    // docs.newrelic.com, "New Relic API keys".
    format("a New Relic key", "NRAK-", Shape::Run(UPPER, 27, 27)),
    // age's specification (C2SP/age.md): Bech32 of 32 bytes.
    format("an age secret key", "AGE-SECRET-KEY-1", Shape::Run(UPPER, 58, 58)),
    // RFC 7468, sections 10 and 11; RFC 4716's relatives of OpenSSH and OpenPGP (RFC 9580, 6.2) look alike.
    format("a private key", "-----BEGIN ", Shape::PrivateKey),
    // RFC 7519: the header is an object in base64url, and begins with `alg`, `typ` or `kid`. Most are short-lived, and some are
    // made to be public.
    public(format("a JSON Web Token", "eyJhbGci", Shape::Jwt)),
    public(format("a JSON Web Token", "eyJ0eXAi", Shape::Jwt)),
    public(format("a JSON Web Token", "eyJraWQi", Shape::Jwt)),
];
