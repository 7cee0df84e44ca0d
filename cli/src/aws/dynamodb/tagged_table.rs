//! Tables that are found by a tag, because the stack that made them may be gone.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{KeyType, ScalarAttributeType, TableDescription};
use restctl_contract::key::Key;

use crate::aws::Aws;
use crate::aws::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::Result;
use crate::timestamp;

pub(crate) struct TaggedTable {
    pub(crate) name: String,
    pub(crate) tags: HashMap<String, String>,
    /// `None` if the key has two attributes, or is neither a string nor a number.
    pub(crate) key: Option<Key>,
    /// DynamoDB updates `items` and `bytes` every six hours.
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    /// RFC 3339.
    pub(crate) created: Option<String>,
}

impl TaggedTable {
    fn new(name: String, tags: HashMap<String, String>, table: &TableDescription) -> Self {
        let number =
            |number: Option<i64>| number.and_then(|number| number.try_into().ok()).unwrap_or_default();
        Self {
            key: find_key(table),
            items: number(table.item_count),
            bytes: number(table.table_size_bytes),
            created: table.creation_date_time.as_ref().and_then(timestamp::from_sdk),
            name,
            tags,
        }
    }
}

fn find_key(table: &TableDescription) -> Option<Key> {
    let [element] = table.key_schema() else { return None };
    let mut attributes = table.attribute_definitions().iter();
    let attribute = attributes.find(|attribute| attribute.attribute_name() == element.attribute_name())?;
    let is_hash = *element.key_type() == KeyType::Hash;
    let kind = Some(attribute.attribute_type()).filter(|_| is_hash).map(ScalarAttributeType::as_str)?;
    Some(Key { name: attribute.attribute_name().to_owned(), kind: kind.parse().ok()? })
}

/// Returns the tables that have the tag `key`. Looks only at those whose names may belong to a stack.
pub(crate) async fn find_tables_by_tag(
    aws: &Aws,
    key: &str,
    is_candidate: impl Fn(&str) -> bool,
) -> Result<Vec<TaggedTable>> {
    let mut tagged = Vec::new();
    let mut pages = aws.dynamodb.list_tables().into_paginator().send();
    while let Some(page) = pages.next().await {
        let names = page.aws_context("list the tables")?.table_names.unwrap_or_default();
        for name in names.into_iter().filter(|name| is_candidate(name)) {
            let table = aws.dynamodb.describe_table().table_name(&name).send().await;
            // A table that is being deleted may be gone since the list was made.
            if table.error_code() == Some(RESOURCE_NOT_FOUND) {
                continue;
            }
            let Some(table) = table.aws_context(&format!("describe the table {name}"))?.table else {
                continue;
            };
            let tags =
                aws.dynamodb.list_tags_of_resource().set_resource_arn(table.table_arn.clone()).send().await;
            if tags.error_code() == Some(RESOURCE_NOT_FOUND) {
                continue;
            }
            let tags =
                tags.aws_context(&format!("read the tags of the table {name}"))?.tags.unwrap_or_default();
            let tags: HashMap<_, _> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
            if tags.contains_key(key) {
                tagged.push(TaggedTable::new(name, tags, &table));
            }
        }
    }
    Ok(tagged)
}
