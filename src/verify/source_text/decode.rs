//! Source bytes as text, as CPython's tokenizer decodes them: PEP 263, a byte order mark, line ends.

use encoding_rs::Encoding;

use super::Reason;

/// The encoding of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// ASCII.
    Ascii,
    /// ISO 8859-1; also what 2.x without a declaration amounts to, which hands bytes on as they are.
    Latin1,
    /// Another.
    Other(&'static Encoding),
}

impl Charset {
    /// The encoding of a codec's name, as Python knows it. Where the web's tables, which decode here, are not those of Python in
    /// more than what bytes they leave undefined, there is none.
    fn of(name: &[u8]) -> Option<Self> {
        let name: String =
            name.iter().map(|&byte| char::from(if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() })).collect();
        // `get_normal_name` of Parser/tokenizer.c.
        if name == "utf-8" || name.starts_with("utf-8-") {
            return Some(Self::Utf8);
        }
        if ["latin-1", "iso-8859-1", "iso-latin-1"]
            .into_iter()
            .any(|latin| name.strip_prefix(latin).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
        {
            return Some(Self::Latin1);
        }
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        Some(match plain.as_str() {
            "utf8" | "utf" | "u8" | "utf8sig" => Self::Utf8,
            "latin1" | "latin" | "iso88591" | "l1" | "8859" | "cp819" => Self::Latin1,
            "ascii" | "usascii" | "646" => Self::Ascii,
            "iso88592" | "latin2" | "l2" => Self::Other(encoding_rs::ISO_8859_2),
            "iso88593" | "latin3" | "l3" => Self::Other(encoding_rs::ISO_8859_3),
            "iso88594" | "latin4" | "l4" => Self::Other(encoding_rs::ISO_8859_4),
            "iso88595" | "cyrillic" => Self::Other(encoding_rs::ISO_8859_5),
            "iso88596" | "arabic" => Self::Other(encoding_rs::ISO_8859_6),
            "iso88597" | "greek" | "greek8" => Self::Other(encoding_rs::ISO_8859_7),
            "iso88598" | "hebrew" => Self::Other(encoding_rs::ISO_8859_8),
            "iso885910" | "latin6" | "l6" => Self::Other(encoding_rs::ISO_8859_10),
            "iso885913" | "latin7" | "l7" => Self::Other(encoding_rs::ISO_8859_13),
            "iso885914" | "latin8" | "l8" => Self::Other(encoding_rs::ISO_8859_14),
            "iso885915" | "latin9" | "l9" => Self::Other(encoding_rs::ISO_8859_15),
            "iso885916" | "latin10" | "l10" => Self::Other(encoding_rs::ISO_8859_16),
            "cp1250" | "windows1250" | "1250" => Self::Other(encoding_rs::WINDOWS_1250),
            "cp1251" | "windows1251" | "1251" => Self::Other(encoding_rs::WINDOWS_1251),
            "cp1252" | "windows1252" | "1252" => Self::Other(encoding_rs::WINDOWS_1252),
            "cp1253" | "windows1253" | "1253" => Self::Other(encoding_rs::WINDOWS_1253),
            "cp1254" | "windows1254" | "1254" => Self::Other(encoding_rs::WINDOWS_1254),
            "cp1255" | "windows1255" | "1255" => Self::Other(encoding_rs::WINDOWS_1255),
            "cp1256" | "windows1256" | "1256" => Self::Other(encoding_rs::WINDOWS_1256),
            "cp1257" | "windows1257" | "1257" => Self::Other(encoding_rs::WINDOWS_1257),
            "cp1258" | "windows1258" | "1258" => Self::Other(encoding_rs::WINDOWS_1258),
            "cp866" | "ibm866" | "866" => Self::Other(encoding_rs::IBM866),
            "koi8r" => Self::Other(encoding_rs::KOI8_R),
            "koi8u" => Self::Other(encoding_rs::KOI8_U),
            "macroman" | "macintosh" => Self::Other(encoding_rs::MACINTOSH),
            "gbk" | "936" | "cp936" | "ms936" | "gb2312" | "euccn" | "eucgb2312cn" => Self::Other(encoding_rs::GBK),
            "gb18030" | "gb180302000" => Self::Other(encoding_rs::GB18030),
            "big5" | "big5tw" | "csbig5" => Self::Other(encoding_rs::BIG5),
            "eucjp" | "ujis" => Self::Other(encoding_rs::EUC_JP),
            "cp932" | "932" | "ms932" | "mskanji" | "shiftjis" | "sjis" => Self::Other(encoding_rs::SHIFT_JIS),
            "euckr" | "cp949" | "949" | "uhc" => Self::Other(encoding_rs::EUC_KR),
            "iso2022jp" => Self::Other(encoding_rs::ISO_2022_JP),
            _ => return None,
        })
    }

    fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Ascii => bytes.is_ascii().then(|| std::str::from_utf8(bytes).ok().map(str::to_owned))?,
            Self::Latin1 => Some(bytes.iter().copied().map(char::from).collect()),
            Self::Other(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
            }
        }
    }

    /// The bytes of a text that was decoded; `None` when there are none.
    pub(crate) fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Ascii | Self::Latin1 => text.chars().map(|character| u8::try_from(character).ok()).collect(),
            Self::Other(encoding) => {
                let (bytes, _, is_lossy) = encoding.encode(text);
                (!is_lossy).then(|| bytes.into_owned())
            }
        }
    }
}

/// The text of a source, without its byte order mark and with every line ended by a line feed, and its encoding.
pub(super) fn decode(bytes: &[u8], series: (u8, u8)) -> Result<(String, Charset), Reason> {
    if memchr::memchr(0, bytes).is_some() {
        return Err(Reason::Nul);
    }
    let (has_mark, bytes) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let charset = match cookie(bytes) {
        Some(name) => Charset::of(name).ok_or_else(|| Reason::Encoding(name.into()))?,
        None if series.0 == 2 && !has_mark => Charset::Latin1,
        None => Charset::Utf8,
    };
    if has_mark && charset != Charset::Utf8 {
        return Err(Reason::Undecodable);
    }
    let text = charset.decode(bytes).ok_or(Reason::Undecodable)?;
    Ok((line_feeds(text), charset))
}

/// The name that a comment in the first two lines declares: `get_coding_spec` and `check_coding_spec` of Parser/tokenizer.c.
fn cookie(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    for _ in 0..2 {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, behind) = rest.split_at_checked(end)?;
        let text = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c'));
        match text.and_then(|text| line.get(text..)) {
            None => {}
            Some(comment) if comment.starts_with(b"#") => {
                if let Some(name) = declared(comment) {
                    return Some(name);
                }
            }
            // The second line counts only behind a comment or an empty one.
            Some(_) => return None,
        }
        rest = behind.strip_prefix(b"\r\n").or_else(|| behind.get(1..))?;
    }
    None
}

fn declared(comment: &[u8]) -> Option<&[u8]> {
    let mut rest = comment;
    while let Some(at) = memchr::memmem::find(rest, b"coding") {
        rest = rest.get(at.saturating_add(6)..)?;
        let Some(value) = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"=")) else { continue };
        let value = value.get(value.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()..)?;
        let length =
            value.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')).count();
        if length > 0 {
            return value.get(..length);
        }
    }
    None
}

/// Text with CR LF and CR as LF, as the tokenizer reads it (`translate_newlines`).
fn line_feeds(text: String) -> String {
    if memchr::memchr(b'\r', text.as_bytes()).is_some() { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}
