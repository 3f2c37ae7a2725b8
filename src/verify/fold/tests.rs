//! Whether interpreters compute the same: `tests/oracle/fold.py` asked them.

use num_bigint::BigInt;

use super::*;

const TABLE: &str = include_str!("../../../tests/fixtures/fold/operations.txt");

/// One constant in the notation of the table, and what is behind it.
fn read<'a>(pool: &mut Pool, text: &'a str, series: (u8, u8)) -> (ConstId, &'a str) {
    let (kind, rest) = text.split_at(1);
    let end = rest.find([';', ')', ']']).unwrap_or(rest.len());
    let (digits, behind) = rest.split_at(end);
    let big = || BigInt::parse_bytes(digits.as_bytes(), 16).unwrap();
    let bits = |digits: &str| u64::from_str_radix(digits, 16).unwrap();
    let bytes = || {
        let pairs = digits.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    let constant = match kind {
        "N" => Constant::None,
        "T" => Constant::True,
        "F" => Constant::False,
        "E" => Constant::Ellipsis,
        // An operand of 2.7 is written as 3.x writes it.
        "i" if series.0 == 2 && i64::try_from(big()).is_err() => Constant::Long(big()),
        "i" => Constant::Int(big()),
        "l" => Constant::Long(big()),
        "f" => Constant::Float(bits(digits)),
        "c" => {
            let (real, imag) = digits.split_once(',').unwrap();
            Constant::Complex(bits(real), bits(imag))
        }
        "t" => Constant::Text(bytes()),
        "b" => Constant::Bytes(bytes()),
        "(" | "[" => {
            let mut items = Vec::new();
            let mut rest = rest;
            while !rest.starts_with([')', ']']) {
                let (item, behind) = read(pool, rest, series);
                items.push(item);
                rest = behind.strip_prefix(';').unwrap_or(behind);
            }
            let constant =
                if kind == "(" { Constant::Tuple(items.into()) } else { Constant::Slice(items.try_into().unwrap()) };
            return (pool.constants.intern(constant), &rest[1..]);
        }
        _ => panic!("{text}"),
    };
    (pool.constants.intern(constant), behind)
}

#[test]
fn interpreters_compute_the_same() {
    let mut lines = TABLE.lines();
    let versions: Vec<(u8, u8)> = lines
        .next()
        .unwrap()
        .split(' ')
        .skip(3)
        .map(|version| {
            let (major, minor) = version.split_once('.').unwrap();
            (major.parse().unwrap(), minor.parse().unwrap())
        })
        .collect();
    let (mut compared, mut wrong) = (0, Vec::new());
    for line in lines {
        let [op, left, right, results @ ..] = &line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let mut result = "";
        for (&series, &shown) in versions.iter().zip(results) {
            result = if shown == "=" { result } else { shown };
            if result == "?" {
                continue;
            }
            let mut pool = Pool::default();
            let a = read(&mut pool, left, series).0;
            let b = if *right == "-" { a } else { read(&mut pool, right, series).0 };
            let pool = &mut pool;
            let found = match *op {
                "neg" => unary(pool, Unary::Negative, a, series),
                "pos" => unary(pool, Unary::Positive, a, series),
                "invert" => unary(pool, Unary::Invert, a, series),
                "not" => unary(pool, Unary::Not, a, series),
                "repr" => unary(pool, Unary::Repr, a, series),
                "add" => binary(pool, Binary::Add, a, b, series),
                "sub" => binary(pool, Binary::Subtract, a, b, series),
                "mul" => binary(pool, Binary::Multiply, a, b, series),
                "truediv" => binary(pool, Binary::TrueDivide, a, b, series),
                "div" => binary(pool, Binary::Divide, a, b, series),
                "floordiv" => binary(pool, Binary::FloorDivide, a, b, series),
                "mod" => binary(pool, Binary::Remainder, a, b, series),
                "pow" => binary(pool, Binary::Power, a, b, series),
                "lshift" => binary(pool, Binary::LeftShift, a, b, series),
                "rshift" => binary(pool, Binary::RightShift, a, b, series),
                "and" => binary(pool, Binary::And, a, b, series),
                "or" => binary(pool, Binary::Or, a, b, series),
                "xor" => binary(pool, Binary::Xor, a, b, series),
                "getitem" => subscript(pool, a, b, series),
                _ => panic!("{line}"),
            };
            let expected = if result == "!" {
                None
            } else {
                // A result of 2.7 says itself what is long.
                let kind = if result.starts_with('i') { (3, 0) } else { series };
                Some(read(pool, result, kind).0)
            };
            compared += 1;
            if found != expected {
                let found = found.map(|found| pool.constants.show(found, &pool.names, 100));
                wrong.push(format!("{series:?} {op} {left} {right}: {found:?}, not {result}"));
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}
