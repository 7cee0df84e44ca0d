//! A row as an item in DynamoDB's JSON ("DynamoDB low-level API", Amazon DynamoDB Developer Guide).

use std::io::Write;

use restctl_contract::key::WRITTEN_BY;
use restctl_rows::{Row, Value};

/// Appends a row's item. `stamp` is that of the row's load.
pub(super) fn write_item(out: &mut Vec<u8>, row: &Row, stamp: &str) {
    out.push(b'{');
    for (name, value) in &row.values {
        write_string(out, name);
        out.push(b':');
        write_attribute(out, value);
        out.push(b',');
    }
    write_string(out, WRITTEN_BY);
    out.extend_from_slice(br#":{"S":"#);
    write_string(out, stamp);
    out.extend_from_slice(b"}}");
}

fn write_attribute(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(br#"{"NULL":true}"#),
        Value::Bool(true) => out.extend_from_slice(br#"{"BOOL":true}"#),
        Value::Bool(false) => out.extend_from_slice(br#"{"BOOL":false}"#),
        Value::Number(digits) => {
            out.extend_from_slice(br#"{"N":""#);
            write_number(out, digits);
            out.extend_from_slice(br#""}"#);
        }
        Value::String(value) => {
            out.extend_from_slice(br#"{"S":"#);
            write_string(out, value);
            out.push(b'}');
        }
        Value::List(values) => {
            out.extend_from_slice(br#"{"L":["#);
            for (index, value) in values.iter().enumerate() {
                write_comma(out, index);
                write_attribute(out, value);
            }
            out.extend_from_slice(b"]}");
        }
        Value::Map(members) => {
            out.extend_from_slice(br#"{"M":{"#);
            for (index, (name, value)) in members.iter().enumerate() {
                write_comma(out, index);
                write_string(out, name);
                out.push(b':');
                write_attribute(out, value);
            }
            out.extend_from_slice(b"}}");
        }
    }
}

/// Writes a number, which is in plain notation, in scientific notation if that is shorter: 1E125 has 126 digits, but
/// counts as two bytes in a batch.
fn write_number(out: &mut Vec<u8>, plain: &str) {
    let (sign, unsigned) = plain.strip_prefix('-').map_or(("", plain), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = [whole, fraction].concat();
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    let exponent = if fraction.is_empty() {
        (whole.len() - whole.trim_end_matches('0').len()).to_string()
    } else {
        format!("-{}", fraction.len())
    };
    if !digits.is_empty() && digits.len() + "E".len() + exponent.len() < unsigned.len() {
        // A vector cannot fail.
        let _ = write!(out, "{sign}{digits}E{exponent}");
    } else {
        out.extend_from_slice(plain.as_bytes());
    }
}

fn write_comma(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    let needs_no_escape = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(needs_no_escape) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Neither a string nor a vector can fail.
        let _ = write!(out, "{}", serde_json::Value::from(text));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_row::row_with;

    #[test]
    fn every_type_of_value_is_written() {
        let number = |text: &str| Value::Number(text.into());
        let string = |text: &str| Value::String(text.into());
        let map = vec![("a\"b".into(), number("1")), ("c".into(), Value::Null)];
        let row = row_with(
            "x\\\n\u{1}é",
            &[
                ("n", number("-12.50")),
                ("t", Value::Bool(true)),
                ("f", Value::Bool(false)),
                ("l", Value::List(vec![string(""), Value::List(vec![])])),
                ("m", Value::Map(map)),
            ],
        );
        let mut out = Vec::new();
        write_item(&mut out, &row, "stamp");
        let item: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected = json!({
            "id": { "S": "x\\\n\u{1}é" },
            "n": { "N": "-12.50" },
            "t": { "BOOL": true },
            "f": { "BOOL": false },
            "l": { "L": [{ "S": "" }, { "L": [] }] },
            "m": { "M": { "a\"b": { "N": "1" }, "c": { "NULL": true } } },
            WRITTEN_BY: { "S": "stamp" },
        });
        assert_eq!(item, expected);
    }

    #[test]
    fn a_number_is_written_in_its_shorter_notation() {
        let number = |exponent: &str| restctl_contract::number::normalize(exponent).unwrap();
        for (text, shorter) in [
            ("0", "0"),
            ("-12.5", "-12.5"),
            ("1000", "1E3"),
            ("100", "100"),
            ("0.01", "0.01"),
            ("0.0001", "1E-4"),
            ("1e125", "1E125"),
            ("-1.5e125", "-15E124"),
            ("-1.25e-128", "-125E-130"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ] {
            let mut out = Vec::new();
            write_number(&mut out, &number(text));
            assert_eq!(String::from_utf8(out).unwrap(), shorter);
            assert_eq!(number(shorter), number(text));
        }
    }
}
