//! What DynamoDB accepts as an item, and how it counts an item's size.

use std::sync::Arc;

use crate::limits::{MAX_DEPTH, MAX_NAME_BYTES};
use crate::reject::Fault;
use crate::types::value::Value;

/// Returns the size of an item with these attributes ("DynamoDB Item sizes and formats", Amazon DynamoDB Developer
/// Guide).
///
/// Fails if DynamoDB accepts no attribute with such a name or with such nesting.
pub(crate) fn check_item(attributes: &[(Arc<str>, Value)]) -> Result<usize, Fault> {
    let mut bytes = 0;
    for (name, value) in attributes {
        if name.is_empty() {
            return Err(Fault::in_row("has a member without a name"));
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(Fault::in_row(format!("has a name longer than {MAX_NAME_BYTES} bytes")));
        }
        bytes += name.len()
            + match scalar_bytes(value) {
                Some(bytes) => bytes,
                None => check_value(value, 1).map_err(|reason| Fault::in_column(name, reason))?,
            };
    }
    Ok(bytes)
}

/// `level` is 1 for the value of an attribute. The levels of a document are counted so that a value in a list in an
/// attribute is at level 2; measured, 31 lists or objects around a value are the most.
fn check_value(value: &Value, level: usize) -> Result<usize, String> {
    if level > MAX_DEPTH {
        return Err(too_deep_reason());
    }
    Ok(match value {
        Value::List(values) => {
            let mut bytes = 3;
            for value in values {
                bytes += 1 + check_value(value, level + 1)?;
            }
            bytes
        }
        Value::Map(members) => {
            let mut bytes = 3;
            for (name, value) in members {
                // An empty name is allowed here, unlike the name of an attribute.
                if name.len() > MAX_NAME_BYTES {
                    return Err(format!("has a member whose name is longer than {MAX_NAME_BYTES} bytes"));
                }
                bytes += 1 + name.len() + check_value(value, level + 1)?;
            }
            bytes
        }
        scalar => scalar_bytes(scalar).unwrap_or_default(),
    })
}

/// Returns `None` for a list or an object.
fn scalar_bytes(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Number(digits) => Some(number_bytes(digits)),
        Value::Null | Value::Bool(_) => Some(1),
        Value::List(_) | Value::Map(_) => None,
    }
}

pub(crate) fn too_deep_reason() -> String {
    format!("nests lists and objects more than {} deep, the most that DynamoDB accepts", MAX_DEPTH - 1)
}

/// Returns the size of a number in plain notation: one byte, one for each pair of digits between the first and the last
/// digit that is not zero, and one for a minus. The decimal point is between two pairs.
///
/// The guide says "approximately (1 byte per two significant digits) + (1 byte)". This is how dynalite and ministack
/// count, and what <https://github.com/nubo-db/dynoxide/pull/195> measured at the limit of 400 KB.
pub fn number_bytes(plain: &str) -> usize {
    let (sign, unsigned) = plain.strip_prefix('-').map_or((0, plain), |rest| (1, rest));
    if unsigned == "0" {
        return 1;
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let zeros = |text: &str| text.bytes().take_while(|digit| *digit == b'0').count();
    // The pairs are those of an even and an odd power of ten: 0 and 1, 2 and 3, or -2 and -1.
    let first = match whole {
        "0" => -1 - zeros(fraction) as isize,
        _ => whole.len() as isize - 1,
    };
    let last = match fraction {
        "" => whole.bytes().rev().take_while(|digit| *digit == b'0').count() as isize,
        _ => -(fraction.len() as isize),
    };
    1 + (first.div_euclid(2) - last.div_euclid(2)).unsigned_abs() + 1 + sign
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(value: Value) -> Vec<(Arc<str>, Value)> {
        vec![("v".into(), value)]
    }

    fn nested(levels: usize, innermost: Value) -> Value {
        (0..levels).fold(innermost, |value, level| match level % 2 {
            0 => Value::List(vec![value]),
            _ => Value::Map(vec![("m".into(), value)]),
        })
    }

    #[test]
    fn a_number_costs_a_byte_for_each_pair_of_digits() {
        for (plain, bytes) in [
            ("0", 1),
            ("1", 2),
            ("12", 2),
            ("123", 3),
            ("-12", 3),
            ("100", 2),
            ("120", 3),
            ("1010", 3),
            ("1.5", 3),
            ("1.234", 4),
            ("100.5", 4),
            ("0.01", 2),
            ("0.012", 3),
            ("0.0000001", 2),
            ("12345678901234567890123456789012345678", 20),
            (&format!("1{}", "0".repeat(125)), 2),
            (&format!("-0.{}1", "0".repeat(129)), 3),
        ] {
            assert_eq!(number_bytes(plain), bytes, "{plain}");
        }
    }

    #[test]
    fn the_size_counts_names_and_overhead_at_every_level() {
        let text = |text: &str| Value::String(text.into());
        for (value, bytes) in [
            (Value::Null, 1),
            (text(""), 0),
            (text("é"), 2),
            (Value::List(vec![]), 3),
            (Value::List(vec![text(""), Value::Bool(true)]), 3 + 1 + 2),
            (Value::Map(vec![("ab".into(), text("c"))]), 3 + 1 + 3),
        ] {
            assert_eq!(check_item(&attribute(value.clone())).unwrap(), 1 + bytes, "{value:?}");
        }
    }

    #[test]
    fn at_most_31_lists_or_objects_are_around_a_value() {
        assert!(check_item(&attribute(nested(31, Value::Null))).is_ok());
        assert!(check_item(&attribute(nested(31, Value::List(vec![])))).is_ok());
        let fault = check_item(&attribute(nested(32, Value::Null))).unwrap_err();
        let (column, reason) = fault.column_and_reason();
        assert_eq!(column, Some("v"));
        assert!(reason.contains("more than 31 deep"), "{reason}");
    }

    #[test]
    fn names_have_65_535_bytes_at_most_at_every_level() {
        let (longest, longer) = ("k".repeat(MAX_NAME_BYTES), "k".repeat(MAX_NAME_BYTES + 1));
        let in_object =
            |name: &str| attribute(Value::List(vec![Value::Map(vec![(name.into(), Value::Null)])]));
        assert!(check_item(&in_object("")).is_ok());
        assert!(check_item(&in_object(&longest)).is_ok());
        assert_eq!(check_item(&in_object(&longer)).unwrap_err().column_and_reason().0, Some("v"));
        assert!(check_item(&[(longest.into(), Value::Null)]).is_ok());
        assert!(check_item(&[(longer.into(), Value::Null)]).is_err());
        assert!(check_item(&[("".into(), Value::Null)]).is_err());
    }
}
