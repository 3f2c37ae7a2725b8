//! Events in words, for evidence.

use std::fmt::Write as _;

use super::Pool;
use super::event::Binary;
use super::event::Compare;
use super::event::Event;
use super::event::NameId;
use super::event::NameListId;
use super::event::Op;
use super::event::Space;
use super::event::Symbol;
use super::event::Unary;
use super::simulate::Seen;

/// Bytes of one constant in evidence.
const MAX_CONSTANT: usize = 80;

/// Operands and stores that are shown.
const MAX_SHOWN: usize = 8;

/// What one side does, in words.
pub(super) fn seen(seen: &Seen, pool: &Pool) -> String {
    match seen {
        Seen::Event(event) => words(event, pool),
        Seen::Test(on) => format!("test whether {} is true", symbol(*on, pool)),
        Seen::Iterate(_) => "take the next item".to_owned(),
        Seen::Stores(stores) => {
            let mut text = String::from("bind ");
            for (index, (id, value)) in stores.iter().take(MAX_SHOWN).enumerate() {
                let separator = if index == 0 { "" } else { ", " };
                let _ = write!(text, "{separator}{} = {}", name(*id, pool), symbol(*value, pool));
            }
            text
        }
        Seen::Diverges => "a loop that does nothing".to_owned(),
        Seen::Fault(reason) => (*reason).to_owned(),
        Seen::Caught(true) => "an exception here is caught".to_owned(),
        Seen::Caught(false) => "an exception here is not caught".to_owned(),
    }
}

fn name(id: NameId, pool: &Pool) -> String {
    crate::name::Name::new(pool.names.get(id)).to_string()
}

fn symbol(symbol: Symbol, pool: &Pool) -> String {
    match symbol {
        Symbol::Const(id) => pool.constants.show(id, &pool.names, MAX_CONSTANT),
        Symbol::Id(_) => "a value".to_owned(),
        _ => "something that is no value".to_owned(),
    }
}

fn words(event: &Event, pool: &Pool) -> String {
    let mut text = head(&event.op, pool);
    if !event.operands.is_empty() && !matches!(event.op, Op::Load(..)) {
        text.push_str(" (");
        for (index, operand) in event.operands.iter().take(MAX_SHOWN).enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            text.push_str(&symbol(*operand, pool));
        }
        if event.operands.len() > MAX_SHOWN {
            text.push_str(", ...");
        }
        text.push(')');
    }
    text
}

fn head(op: &Op, pool: &Pool) -> String {
    let named = |what: &str, id: &NameId| format!("{what} {}", name(*id, pool));
    match op {
        Op::Load(space, id) => format!("read {} {}", place(*space), name(*id, pool)),
        Op::LoadAndClear(id) => named("put aside local", id),
        Op::Store(space, id) => format!("bind {} {}", place(*space), name(*id, pool)),
        Op::Delete(space, id) => format!("delete {} {}", place(*space), name(*id, pool)),
        Op::LoadAttr(id) => named("read attribute", id),
        Op::LoadSuperAttr(id, _) => named("read attribute of super()", id),
        Op::StoreAttr(id) => named("set attribute", id),
        Op::DeleteAttr(id) => named("delete attribute", id),
        Op::Import(id) => named("import", id),
        Op::LazyImport(id) => named("import lazily", id),
        Op::ImportFrom(id) => named("import from it", id),
        Op::StoreAnnotation(id) => named("annotate", id),
        Op::LoadCommon(what) => format!("read builtin {what}"),
        Op::Unary(op) => format!("operator {}", unary(*op)),
        Op::Binary(op) => format!("operator {}", binary(*op)),
        Op::InPlace(op) => format!("operator {}=", binary(*op)),
        Op::Compare(op) => format!("operator {}", compare(*op)),
        Op::Build(display) => format!("build {}", format!("{display:?}").to_lowercase()),
        &Op::Call(NameListId::EMPTY) => "call".to_owned(),
        &Op::Call(keywords) => {
            let keywords: Vec<String> = pool.names.list(keywords).iter().map(|&id| name(id, pool)).collect();
            format!("call with {}=", keywords.join("=, "))
        }
        Op::MakeFunction(_) => "make a function".to_owned(),
        Op::Subscript => "read an item".to_owned(),
        Op::StoreSubscript => "set an item".to_owned(),
        Op::DeleteSubscript => "delete an item".to_owned(),
        Op::Return => "return".to_owned(),
        Op::Raise => "raise".to_owned(),
        Op::Reraise => "raise again".to_owned(),
        Op::YieldFrom => "yield from or await".to_owned(),
        Op::Yield => "yield".to_owned(),
        Op::Foreign(_, Some(instruction)) => format!("the instruction {}", instruction.name()),
        Op::Foreign(number, None) => format!("the instruction <{number}>"),
        Op::Intrinsic(name) => (*name).to_owned(),
        other => spaced(&format!("{other:?}")),
    }
}

fn place(space: Space) -> &'static str {
    match space {
        Space::Fast => "local",
        Space::Deref => "cell",
        Space::Global => "global",
        Space::Name => "name",
        Space::ClassDeref | Space::ClassGlobal => "class name",
    }
}

fn unary(op: Unary) -> &'static str {
    match op {
        Unary::Negative => "-",
        Unary::Positive => "+",
        Unary::Invert => "~",
        Unary::Not => "not",
        Unary::Repr => "``",
    }
}

fn binary(op: Binary) -> &'static str {
    match op {
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::MatrixMultiply => "@",
        Binary::TrueDivide | Binary::Divide => "/",
        Binary::FloorDivide => "//",
        Binary::Remainder => "%",
        Binary::Power => "**",
        Binary::LeftShift => "<<",
        Binary::RightShift => ">>",
        Binary::And => "&",
        Binary::Or => "|",
        Binary::Xor => "^",
    }
}

fn compare(op: Compare) -> &'static str {
    match op {
        Compare::Less => "<",
        Compare::LessEqual => "<=",
        Compare::Equal => "==",
        Compare::NotEqual => "!=",
        Compare::Greater => ">",
        Compare::GreaterEqual => ">=",
        Compare::In => "in",
        Compare::NotIn => "not in",
        Compare::Is => "is",
        Compare::IsNot => "is not",
    }
}

/// `GetAwaitable` as `get awaitable`.
fn spaced(debug: &str) -> String {
    let word = debug.split('(').next().unwrap_or_default();
    let mut text = String::new();
    for letter in word.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
