//! Rows around each limit of DynamoDB, from a fixed seed.

use fastrand::Rng;
use restctl_contract::key::{KeyType, WRITTEN_BY};
use restctl_rows::Value;
use serde_json::{Value as Json, json};

/// A row before anything has read it: its numbers are in any notation, and it may break every rule.
pub(super) struct GeneratedRow {
    /// The rule that it tests.
    pub(super) about: &'static str,
    /// A number or a string, as the table's key is.
    pub(super) key: Value,
    pub(super) values: Vec<(String, Value)>,
}

/// What [`large_rows`] are about.
pub(super) const ITEM_SIZE: &str = "the size of the item";

/// By how many bytes an item of such a row may be larger than DynamoDB accepts.
pub(super) const MOST_BYTES_OVER: usize = 3;

/// Each is a kind of text of which an item can consist: one, two, three and four bytes a character, two of them two
/// UTF-16 units, then what JSON escapes and what is no character.
const CHARACTERS: [&str; 7] = ["x", "é", "語", "😀", "\u{1}", "\"", "\u{ffff}"];

impl GeneratedRow {
    fn new(rng: &mut Rng, about: &'static str, values: Vec<(String, Value)>) -> Self {
        Self { about, key: string(&format!("{:016x}", rng.u64(..))), values }
    }

    /// Returns the row as a line of NDJSON.
    pub(super) fn to_line(&self) -> String {
        let mut line = String::from("{");
        let key = ("id".to_owned(), self.key.clone());
        write_members(&mut line, std::iter::once(&key).chain(&self.values));
        line.push_str("}\n");
        line
    }

    /// Returns the row as an item in DynamoDB's JSON.
    pub(super) fn to_item(&self, key: KeyType, stamp: &str) -> Json {
        let key = match (&self.key, key) {
            (Value::String(text), KeyType::Number) => Value::Number(text.clone()),
            (key, _) => key.clone(),
        };
        let ends = [("id".to_owned(), key), (WRITTEN_BY.to_owned(), string(stamp))];
        ends.iter().chain(&self.values).map(|(name, value)| (name.clone(), attribute(value))).collect()
    }
}

fn attribute(value: &Value) -> Json {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(digits) => json!({ "N": digits }),
        Value::String(text) => json!({ "S": text }),
        Value::List(values) => json!({ "L": values.iter().map(attribute).collect::<Json>() }),
        Value::Map(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), attribute(value)));
            json!({ "M": members.collect::<Json>() })
        }
    }
}

pub(super) fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Returns rows with a string as the key.
pub(super) fn rows_with_string_keys(rng: &mut Rng) -> Vec<GeneratedRow> {
    let mut rows = Vec::new();
    for _ in 0..2000 {
        let values = (0..rng.usize(1..6)).map(|index| (format!("v{index}"), any_value(rng, 3))).collect();
        rows.push(GeneratedRow::new(rng, "any values", values));
    }
    for _ in 0..1000 {
        let value = Value::Number(any_number(rng));
        rows.push(GeneratedRow::new(rng, "a number", vec![("n".into(), value)]));
    }
    for levels in (27..37).chain([60, 61, 62, 63, 64, 100, 120]) {
        rows.extend((0..12).map(|index| nested_row(rng, levels, index)));
    }
    for bytes in [0, 1, 255, 256, 65_534, 65_535, 65_536, 65_537] {
        rows.extend(CHARACTERS.iter().flat_map(|character| named_rows(rng, bytes, character)));
    }
    for bytes in [0, 1, 2047, 2048, 2049] {
        rows.extend(CHARACTERS.iter().map(|character| {
            let key = string(&repeat_to(character, bytes));
            GeneratedRow { about: "the size of the key", key, values: Vec::new() }
        }));
    }
    rows
}

/// Returns rows with a number as the key.
pub(super) fn rows_with_number_keys(rng: &mut Rng) -> Vec<GeneratedRow> {
    let keys = (0..500).map(|_| {
        let number = any_number(rng);
        if rng.bool() {
            Value::Number(number)
        } else {
            Value::String(format!("{:0>1$}", number, rng.usize(..60)))
        }
    });
    keys.map(|key| GeneratedRow { about: "a key that is a number", key, values: Vec::new() }).collect()
}

/// Returns rows of some 200 KB, each of one kind of value, to be filled up to the limit.
pub(super) fn large_rows(rng: &mut Rng) -> Vec<GeneratedRow> {
    let many = |rng: &mut Rng, count: usize, make: fn(&mut Rng) -> Value| {
        Value::List((0..count).map(|_| make(rng)).collect())
    };
    let mut values = vec![
        many(rng, 8_000, |rng| Value::Number(any_short_number(rng))),
        many(rng, 50_000, |_| Value::Null),
        many(rng, 50_000, |rng| Value::Bool(rng.bool())),
        many(rng, 30_000, |_| Value::List(Vec::new())),
        many(rng, 30_000, |_| Value::Map(Vec::new())),
        many(rng, 20_000, |rng| string(CHARACTERS[rng.usize(..CHARACTERS.len())])),
        many(rng, 2_000, |rng| any_value(rng, 2)),
        Value::Map((0..10_000).map(|index| (format!("é{index}"), Value::Null)).collect()),
    ];
    values.extend(CHARACTERS.iter().map(|character| string(&repeat_to(character, 200_000))));
    values.into_iter().map(|value| GeneratedRow::new(rng, ITEM_SIZE, vec![("v".into(), value)])).collect()
}

/// Returns a row whose attribute nests `levels` lists and maps.
fn nested_row(rng: &mut Rng, levels: usize, index: usize) -> GeneratedRow {
    let innermost = [Value::List(Vec::new()), Value::Map(Vec::new()), Value::Null, string("x")];
    let mut value = innermost[index % innermost.len()].clone();
    let scalar = index % innermost.len() > 1;
    for _ in 0..levels - usize::from(!scalar) {
        value = if rng.bool() { Value::List(vec![value]) } else { Value::Map(vec![("m".into(), value)]) };
        // A neighbor that nests less makes no difference.
        if let Value::List(values) = &mut value
            && rng.bool()
        {
            values.insert(rng.usize(..2), Value::Null);
        }
    }
    GeneratedRow::new(rng, "nesting", vec![("deep".into(), value)])
}

/// Returns rows with a name of so many bytes: of an attribute, of a member, of a member in a list.
fn named_rows(rng: &mut Rng, bytes: usize, character: &str) -> [GeneratedRow; 3] {
    let name = repeat_to(character, bytes);
    let member = || Value::Map(vec![(name.clone(), Value::Bool(true))]);
    [
        GeneratedRow::new(rng, "the name of an attribute", vec![(name.clone(), Value::Null)]),
        GeneratedRow::new(rng, "the name of a member", vec![("m".into(), member())]),
        GeneratedRow::new(rng, "the name of a member", vec![("l".into(), Value::List(vec![member()]))]),
    ]
}

fn any_value(rng: &mut Rng, depth: usize) -> Value {
    let deepest = if depth == 0 { 4 } else { 6 };
    match rng.usize(..deepest) {
        0 => Value::Null,
        1 => Value::Bool(rng.bool()),
        2 => Value::Number(any_short_number(rng)),
        3 => string(&any_text(rng)),
        4 => Value::List((0..rng.usize(..4)).map(|_| any_value(rng, depth - 1)).collect()),
        _ => {
            let members = (0..rng.usize(..4))
                .map(|index| (format!("{index}{}", any_text(rng)), any_value(rng, depth - 1)));
            Value::Map(members.collect())
        }
    }
}

fn any_text(rng: &mut Rng) -> String {
    (0..rng.usize(..6))
        .map(|_| match rng.usize(..3) {
            0 => CHARACTERS[rng.usize(..CHARACTERS.len())].chars().next().unwrap_or_default(),
            1 => char::from(rng.u8(..128)),
            _ => rng.char(..),
        })
        .collect()
}

/// Returns a number as JSON writes it, with up to 41 digits and a magnitude that may be out of range.
fn any_number(rng: &mut Rng) -> String {
    let mut number = any_plain_number(rng);
    if rng.bool() {
        let near = [0, 125, -130, 88, -92][rng.usize(..5)];
        let exponent = near + rng.i32(-45..=45);
        let sign = if exponent >= 0 && rng.bool() { "+" } else { "" };
        number.push_str(&format!("{}{sign}{exponent}", if rng.bool() { 'e' } else { 'E' }));
    }
    number
}

/// Returns a number that DynamoDB keeps.
fn any_short_number(rng: &mut Rng) -> String {
    let (whole, fraction) = (rng.usize(..27), rng.usize(..12));
    plain_number(rng, whole, fraction)
}

/// Returns a number without an exponent, with up to 41 digits.
fn any_plain_number(rng: &mut Rng) -> String {
    let (whole, fraction) = (rng.usize(..30), rng.usize(..12));
    plain_number(rng, whole, fraction)
}

/// Returns a number with up to so many digits before and after the point, and zeros anywhere among them.
fn plain_number(rng: &mut Rng, whole: usize, fraction: usize) -> String {
    let sign = if rng.bool() { "-" } else { "" };
    let whole = any_digits(rng, whole);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = any_digits(rng, fraction);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn any_digits(rng: &mut Rng, count: usize) -> String {
    let zeros = rng.usize(..3);
    (0..count).map(|_| if rng.usize(..3) < zeros { '0' } else { rng.digit(10) }).collect()
}

/// Returns text of so many bytes, of this character as far as possible.
fn repeat_to(character: &str, bytes: usize) -> String {
    let mut text = character.repeat(bytes / character.len());
    text.push_str(&"x".repeat(bytes - text.len()));
    text
}

fn write_members<'a>(out: &mut String, members: impl Iterator<Item = &'a (String, Value)>) {
    for (index, (name, value)) in members.enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write_text(out, name);
        out.push(':');
        write_value(out, value);
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(digits) => out.push_str(digits),
        Value::String(text) => write_text(out, text),
        Value::List(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_value(out, value);
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            write_members(out, members.iter());
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push_str(&Json::from(text).to_string());
}
