//! PYC515.

use crate::content::PackedConstant;
use crate::rules::Findings;
use crate::rules::PycContext;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// A constant, also as base64, that is by its first bytes a program (ELF, Windows), marshalled code or a pyc, a zip archive or
    /// compressed data (zlib, gzip, bzip2, xz, LZMA) of 96 bytes or more; or that has 4,096 bytes or more without any order, as what is
    /// encrypted has. One finding for a file: what can be run first, and how many there are.
    ///
    /// ## Why it matters
    /// What is packed is not seen by whoever reads or searches the code.
    ///
    /// ## Innocent causes
    /// Pictures, tables, fonts and test data are compressed to be kept in a module; so are programs that an installer brings.
    ///
    /// ## Severity
    /// Low; medium when it is a program or bytecode. Low at most in tests, examples and documentation, and in bytecode that is
    /// stale or never looked at. Whether it is run is PYC517's.
    ///
    /// ## What to do
    /// Unpack it in a safe place, and look at what comes out.
    id: "PYC515",
    name: "packed-constant",
    summary: "a constant that holds a program, code or packed data",
    severity: Low,
    check: Pyc(check),
}

fn check(context: &PycContext<'_>, findings: &mut Findings<'_>) {
    let constants = context.content.packed();
    let Some(worst) = constants.iter().max_by_key(|constant| (constant.packed, std::cmp::Reverse(constant.offset)))
    else {
        return;
    };
    let PackedConstant { packed, is_base64, offset, length, code } = *worst;
    let code = context.tree.codes().nth(code);
    let form = if is_base64 { ", as base64" } else { "" };
    let more = if constants.len() > 1 { format!("; the first of {}", constants.len()) } else { String::new() };
    let finding = findings.add(format!("{} has a constant that holds {}{more}", context.named(code), packed.name()));
    finding.at(offset).compared("", format!("{length} bytes{form}"));
    if packed.is_code() && !context.is_for_show() && !context.is_passed_over() {
        finding.severity(Severity::Medium);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::pyc::Value;

    fn case(constant: Value) -> Case {
        Case::tree().file("m.pyc", Pyc::python("3.12").consts(vec![constant, Value::None]).build(), 1)
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..length).map(|_| next()).collect()
    }

    fn zlib() -> Vec<u8> {
        [&[0x78, 0x9c, 0x4b][..], &noise(120)].concat()
    }

    #[test]
    fn flags_compressed_data_and_its_base64() {
        let finding = case(Value::Bytes(zlib())).flags(&RULE);
        assert_eq!(finding.message, "`m` has a constant that holds zlib-compressed data");
        assert_eq!((finding.severity, finding.observed.as_str()), (Severity::Low, "123 bytes"));
        let finding = case(Value::Str(STANDARD.encode(zlib()))).flags(&RULE);
        assert_eq!(finding.observed, "164 bytes, as base64");
        case(Value::Tuple(vec![Value::Bytes(zlib())])).flags(&RULE);
    }

    #[test]
    fn flags_bytecode_and_programs_as_medium() {
        let filler = Value::Bytes(vec![b'.'; 200]);
        let inner = Pyc::python("3.12").consts(vec![filler]);
        for bytes in [inner.build(), inner.build_body()] {
            assert_eq!(case(Value::Bytes(bytes.clone())).flags(&RULE).severity, Severity::Medium);
            let finding = case(Value::Bytes(STANDARD.encode(bytes).into_bytes())).flags(&RULE);
            assert!(finding.observed.ends_with("as base64"), "{}", finding.observed);
        }
        let elf = [&b"\x7fELF\x02\x01\x01"[..], &[0; 200]].concat();
        assert_eq!(case(Value::Bytes(elf.clone())).flags(&RULE).severity, Severity::Medium);
        let pyc = Pyc::python("3.12").consts(vec![Value::Bytes(elf), Value::None]).build();
        assert_eq!(Case::tree().file("tests/m.pyc", pyc, 1).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn flags_what_has_no_order_when_it_is_long() {
        case(Value::Bytes(noise(5000))).flags(&RULE);
        case(Value::Bytes(noise(300))).passes(&RULE);
    }

    #[test]
    fn passes_text_tables_and_short_heads() {
        case(Value::Str("How to compress: x\u{9c} and so on. ".repeat(300))).passes(&RULE);
        case(Value::Bytes((0..=255).collect())).passes(&RULE);
        case(Value::Bytes((0..=255).cycle().take(8192).map(|byte: u8| byte & 0x3f).collect())).passes(&RULE);
        case(Value::Bytes(b"\x7fELF".to_vec())).passes(&RULE);
        case(Value::Str("xterm-256color ".repeat(20))).passes(&RULE);
    }
}
