//! The answer to a BatchGetItem, of which one item at a time is parsed: the values of all items would take many times the
//! memory of the answer.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::capacity::ConsumedCapacity;
use super::stored_item::StoredItem;

/// What an answer has besides its items.
#[derive(Default)]
pub(super) struct AnswerRest<'a> {
    pub(super) unprocessed_keys: Vec<&'a RawValue>,
    pub(super) consumed_capacity: Vec<ConsumedCapacity>,
}

/// Reads the answer to a request that is about one table, and calls `take` with each item.
pub(super) fn read_answer<'a>(
    answer: &'a [u8],
    take: impl FnMut(StoredItem<'a>) -> Result<(), &'static str>,
) -> Result<AnswerRest<'a>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(answer);
    let rest = deserializer.deserialize_map(AnswerVisitor(take))?;
    deserializer.end()?;
    Ok(rest)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UnprocessedKeys<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

struct AnswerVisitor<F>(F);

impl<'de, F: FnMut(StoredItem<'de>) -> Result<(), &'static str>> Visitor<'de> for AnswerVisitor<F> {
    type Value = AnswerRest<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer to BatchGetItem")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut rest = AnswerRest::default();
        while let Some(name) = map.next_key::<String>()? {
            match &*name {
                "Responses" => map.next_value_seed(Tables(&mut self.0))?,
                "UnprocessedKeys" => {
                    let tables = map.next_value::<HashMap<String, UnprocessedKeys<'de>>>()?;
                    rest.unprocessed_keys = tables.into_values().flat_map(|table| table.keys).collect();
                }
                "ConsumedCapacity" => rest.consumed_capacity = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(rest)
    }
}

/// Items by table.
struct Tables<'f, F>(&'f mut F);

impl<'de, F: FnMut(StoredItem<'de>) -> Result<(), &'static str>> DeserializeSeed<'de> for Tables<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(StoredItem<'de>) -> Result<(), &'static str>> Visitor<'de> for Tables<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("items by table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Items(self.0))?;
        }
        Ok(())
    }
}

struct Items<'f, F>(&'f mut F);

impl<'de, F: FnMut(StoredItem<'de>) -> Result<(), &'static str>> DeserializeSeed<'de> for Items<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(StoredItem<'de>) -> Result<(), &'static str>> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.0)(item).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::capacity::sum_units;
    use super::*;

    /// "BatchGetItem" (Amazon DynamoDB API Reference): what is left has the options of the request, and capacity may be
    /// reported by index.
    #[test]
    fn what_is_left_of_a_request_is_read_in_every_documented_shape() {
        for (answer, keys, units) in [
            ("{}", 0, 0.0),
            (r#"{"Responses":{},"UnprocessedKeys":{}}"#, 0, 0.0),
            (
                r##"{"ConsumedCapacity":[{"TableName":"items","CapacityUnits":1.5,"ReadCapacityUnits":1.5,"Table":{"CapacityUnits":1.5},
                    "GlobalSecondaryIndexes":{"i":{"CapacityUnits":0.0}}},{"TableName":"items"}],
                    "UnprocessedKeys":{"items":{"ConsistentRead":true,"AttributesToGet":["id"],"ProjectionExpression":"#a",
                    "ExpressionAttributeNames":{"#a":"id"},"Keys":[{"id":{"S":"1"}},{"id":{"S":"2"}}]}},
                    "Responses":{"items":[]},"NewMember":[{}]}"##,
                2,
                1.5,
            ),
        ] {
            let rest = read_answer(answer.as_bytes(), |_| Ok(())).unwrap();
            assert_eq!(rest.unprocessed_keys.len(), keys, "{answer}");
            assert_eq!(sum_units(&rest.consumed_capacity), units, "{answer}");
        }
    }
}
