//! Columns: the data of the report's tables, compressed while the rows stream in.
//!
//! A column is a JSON array (or the bytes of digests, one after the other), gzip-compressed and in base64, in a `script` element
//! of a type that browsers do not run. Nothing in base64 can end that element, whatever the names in a report are.

use std::io;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::artifact::Sha256Digest;

/// Bytes gathered before they are handed to the compressor.
const BATCH: usize = 1 << 15;

/// What a column is called and when the page needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// Its key, for the script.
    pub(super) key: &'static str,
    /// Its label among the details of a row; empty when they show it in another way or not at all.
    pub(super) label: &'static str,
    /// Whether the tables need it, or only the details of a row.
    pub(super) when: When,
    /// What it holds.
    pub(super) kind: Kind,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A JSON array.
    Json,
    /// SHA-256 digests, 32 bytes each; all zero where there is none.
    Digests,
}

/// When a column is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// At once: it is shown, sorted, filtered or searched.
    Now,
    /// When the details of a row are opened.
    Later,
}

/// A column that the tables need.
pub(super) const fn now(key: &'static str, label: &'static str) -> Spec {
    Spec { key, label, when: When::Now, kind: Kind::Json }
}

/// A column that only details need.
pub(super) const fn later(key: &'static str, label: &'static str) -> Spec {
    Spec { key, label, when: When::Later, kind: Kind::Json }
}

impl Spec {
    /// The same column, of digests.
    pub(super) const fn of_digests(self) -> Self {
        Self { kind: Kind::Digests, ..self }
    }
}

/// One value of a row.
#[derive(Debug)]
pub(super) enum Cell<'a> {
    /// Text, already escaped for the eye; the page writes it as text.
    Text(&'a str),
    /// A number.
    Number(i128),
    /// Nothing where a number would be.
    Null,
    /// A digest or none, for a column of digests.
    Digest(Option<Sha256Digest>),
    /// A value that is already JSON.
    Json(&'a serde_json::Value),
}

impl Cell<'_> {
    /// A number that may be missing.
    pub(super) fn number(value: Option<impl Into<i128>>) -> Self {
        value.map_or(Self::Null, |value| Self::Number(value.into()))
    }
}

/// One table: as many columns as its rows have cells.
pub(super) struct Table<const N: usize> {
    name: &'static str,
    specs: &'static [Spec; N],
    columns: [Column; N],
    rows: u64,
}

impl<const N: usize> Table<N> {
    /// An empty table.
    pub(super) fn new(name: &'static str, specs: &'static [Spec; N]) -> Self {
        Self { name, specs, columns: specs.each_ref().map(Column::new), rows: 0 }
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row.
    pub(super) fn push(&mut self, cells: &[Cell<'_>; N]) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(self.rows, cell)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes the elements that carry it.
    pub(super) fn write(self, out: &mut dyn Write) -> io::Result<()> {
        for (column, spec) in self.columns.into_iter().zip(self.specs) {
            let when = match spec.when {
                When::Now => "now",
                When::Later => "later",
            };
            let kind = match spec.kind {
                Kind::Json => "json",
                Kind::Digests => "digests",
            };
            write!(
                out,
                r#"<script type="application/octet-stream" data-column data-table="{}" data-key="{}" data-label="{}" data-kind="{kind}" data-when="{when}">"#,
                self.name, spec.key, spec.label
            )?;
            let packed = column.finish(self.rows)?;
            let mut encoder = EncoderWriter::new(&mut *out, &STANDARD);
            encoder.write_all(&packed)?;
            encoder.finish()?;
            drop(encoder);
            out.write_all(b"</script>\n")?;
        }
        Ok(())
    }
}

/// One column while it grows.
struct Column {
    kind: Kind,
    batch: Vec<u8>,
    packed: GzEncoder<Vec<u8>>,
}

impl Column {
    fn new(spec: &Spec) -> Self {
        // Digests are as good as random: no compression would make them smaller.
        let level = match spec.kind {
            Kind::Json => Compression::new(5),
            Kind::Digests => Compression::none(),
        };
        // The gzip header gets no time, so that equal rows give equal bytes.
        Self { kind: spec.kind, batch: Vec::new(), packed: GzEncoder::new(Vec::new(), level) }
    }

    fn push(&mut self, row: u64, cell: &Cell<'_>) -> io::Result<()> {
        if self.kind == Kind::Json {
            self.batch.push(if row == 0 { b'[' } else { b',' });
        }
        match cell {
            Cell::Text(text) => serde_json::to_writer(&mut self.batch, text)?,
            Cell::Number(number) => write!(self.batch, "{number}")?,
            Cell::Null => self.batch.extend_from_slice(b"null"),
            Cell::Json(value) => serde_json::to_writer(&mut self.batch, value)?,
            Cell::Digest(digest) => self.batch.extend_from_slice(&digest.map_or([0; 32], |digest| digest.0)),
        }
        if self.batch.len() >= BATCH {
            self.packed.write_all(&self.batch)?;
            self.batch.clear();
        }
        Ok(())
    }

    fn finish(mut self, rows: u64) -> io::Result<Vec<u8>> {
        if self.kind == Kind::Json {
            self.batch.extend_from_slice(if rows == 0 { b"[]" } else { b"]" });
        }
        self.packed.write_all(&self.batch)?;
        self.packed.finish()
    }
}

/// The base64 text of these bytes.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    const SPECS: [Spec; 3] = [now("name", "Name"), now("size", ""), later("sha256", "SHA-256").of_digests()];

    fn unpacked(html: &str, key: &str) -> Vec<u8> {
        let from = html.find(&format!("data-key=\"{key}\"")).unwrap();
        let text = html[from..].split_once('>').unwrap().1.split_once('<').unwrap().0;
        let mut bytes = Vec::new();
        GzDecoder::new(&STANDARD.decode(text).unwrap()[..]).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn written(names: &[&str]) -> String {
        let mut table = Table::new("pycs", &SPECS);
        for name in names {
            let digest = Some(Sha256Digest::of(name.as_bytes()));
            table.push(&[Cell::Text(name), Cell::number(None::<u64>), Cell::Digest(digest)]).unwrap();
        }
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_hold_what_was_put_in() {
        let html = written(&["a", "\"b\"\n"]);
        assert_eq!(unpacked(&html, "name"), br#"["a","\"b\"\n"]"#);
        assert_eq!(unpacked(&html, "size"), b"[null,null]");
        assert_eq!(unpacked(&html, "sha256").len(), 64);
        assert_eq!(unpacked(&html, "sha256")[..32], Sha256Digest::of(b"a").0);
    }

    #[test]
    fn a_table_without_rows_has_empty_columns() {
        assert_eq!(unpacked(&written(&[]), "name"), b"[]");
    }

    #[test]
    fn a_name_cannot_end_the_element_that_carries_it() {
        let html = written(&["</script><script>alert(1)</script>"]);
        assert_eq!(html.matches("</script>").count(), 3);
    }

    #[test]
    fn equal_rows_give_equal_bytes() {
        assert_eq!(written(&["a", "b"]), written(&["a", "b"]));
    }

    #[test]
    fn rows_beyond_one_batch_are_all_there() {
        let name = "n".repeat(1000);
        let names = vec![name.as_str(); 200];
        let values: Vec<String> = serde_json::from_slice(&unpacked(&written(&names), "name")).unwrap();
        assert_eq!(values, names);
    }
}
