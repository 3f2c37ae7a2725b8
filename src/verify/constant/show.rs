//! Constants as text, for evidence.

use std::fmt::Write as _;

use crate::name;
use crate::verify::names::Names;

use super::ConstId;
use super::Constant;
use super::Constants;

impl Constants {
    /// A constant as Python would write it, more or less: safe to show, and cut behind `most` bytes.
    pub fn show(&self, id: ConstId, names: &Names, most: usize) -> String {
        let mut text = String::new();
        self.write(id, names, most, &mut text);
        if text.len() > most {
            let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            text.truncate(end);
            text.push_str("...");
        }
        text
    }

    // Writing to a `String` cannot fail.
    fn write(&self, id: ConstId, names: &Names, most: usize, text: &mut String) {
        if text.len() > most {
            return;
        }
        match self.get(id) {
            Constant::None => text.push_str("None"),
            Constant::True => text.push_str("True"),
            Constant::False => text.push_str("False"),
            Constant::Ellipsis => text.push_str("Ellipsis"),
            // Writing a large one takes the square of its length.
            Constant::Int(number) | Constant::Long(number) if number.bits() > 1 << 12 => {
                let _ = write!(text, "<int of {} bits>", number.bits());
            }
            Constant::Int(number) => {
                let _ = write!(text, "{number}");
            }
            Constant::Long(number) => {
                let _ = write!(text, "{number}L");
            }
            &Constant::Float(bits) => {
                let _ = write!(text, "{:?}", f64::from_bits(bits));
            }
            &Constant::Complex(real, imag) => {
                let _ = write!(text, "({:?}{:+?}j)", f64::from_bits(real), f64::from_bits(imag));
            }
            Constant::Text(bytes) => quoted("", bytes, most, text),
            Constant::Bytes(bytes) => quoted("b", bytes, most, text),
            Constant::Tuple(items) => {
                self.write_items("(", items, if items.len() == 1 { ",)" } else { ")" }, names, most, text);
            }
            Constant::FrozenSet(items) => self.write_items("frozenset({", items, "})", names, most, text),
            Constant::Slice(items) => self.write_items("slice(", items, ")", names, most, text),
            &Constant::Cell(name) => {
                let _ = write!(text, "<cell {}>", name::shown(names.get(name)));
            }
            Constant::Code(index) => {
                let _ = write!(text, "<code {index}>");
            }
        }
    }

    fn write_items(&self, open: &str, items: &[ConstId], close: &str, names: &Names, most: usize, text: &mut String) {
        text.push_str(open);
        for (place, &item) in items.iter().enumerate() {
            if text.len() > most {
                return;
            }
            text.push_str(if place == 0 { "" } else { ", " });
            self.write(item, names, most, text);
        }
        text.push_str(close);
    }
}

fn quoted(prefix: &str, bytes: &[u8], most: usize, text: &mut String) {
    text.push_str(prefix);
    text.push('\'');
    // Every byte gives at least one.
    let shown = bytes.get(..most.saturating_add(4)).unwrap_or(bytes);
    // Writing to a `String` cannot fail.
    let _ = name::escape(shown, text);
    text.push('\'');
}
