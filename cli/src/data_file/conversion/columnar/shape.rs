//! How the columns of a Parquet schema nest ("Parquet Logical Type Definitions", Nested Types).

use std::collections::BTreeSet;
use std::ops::Range;

use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use super::value::Kind;

/// Deeper nesting than any item may have (Quotas, Amazon DynamoDB Developer Guide).
const MAX_DEPTH: usize = 32;

/// A field of the schema.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    /// The definition level from which on the field is not null.
    pub(super) present_from: i16,
    /// The columns within it.
    pub(super) columns: Range<usize>,
    pub(super) shape: Shape,
}

#[derive(Debug)]
pub(super) enum Shape {
    Value(Kind),
    Object(Vec<Node>),
    List { elements: Elements, element: Box<Node> },
    Map { elements: Elements, key: Box<Node>, value: Box<Node> },
}

/// The levels of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elements {
    /// The definition level from which on the list is not empty.
    pub(super) present_from: i16,
    /// The repetition level of all elements but the first.
    pub(super) continued_by: i16,
}

/// Levels of the fields around a field.
#[derive(Debug, Clone, Copy)]
struct Levels {
    definition: i16,
    repetition: i16,
}

/// Returns the fields of a row.
pub(super) fn columns(schema: &SchemaDescriptor) -> Result<Vec<Node>, String> {
    let mut builder = Builder { schema, next_column: 0, depth: 0 };
    let levels = Levels { definition: 0, repetition: 0 };
    let nodes = schema.root_schema().get_fields().iter().map(|field| builder.field(field, levels));
    let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    let mut names = BTreeSet::new();
    match nodes.iter().find(|node| !names.insert(&node.name)) {
        Some(twice) => Err(format!("two columns are called {:?}", twice.name)),
        None if builder.next_column == 0 => Err("the Parquet file has no columns".to_owned()),
        None => Ok(nodes),
    }
}

struct Builder<'a> {
    schema: &'a SchemaDescriptor,
    next_column: usize,
    depth: usize,
}

impl Builder<'_> {
    fn field(&mut self, field: &Type, around: Levels) -> Result<Node, String> {
        match field.get_basic_info().has_repetition().then(|| field.get_basic_info().repetition()) {
            Some(Repetition::REPEATED) => {
                // A list without a group around it. It cannot be null.
                let first = self.next_column;
                let (elements, levels) = list_levels(around);
                let element = Box::new(self.content(field, levels)?);
                let shape = Shape::List { elements, element };
                Ok(self.node(field, around, first, shape))
            }
            Some(Repetition::OPTIONAL) => {
                self.content(field, Levels { definition: around.definition + 1, ..around })
            }
            _ => self.content(field, around),
        }
    }

    /// Returns a field that is present at `levels`, optional or not.
    fn content(&mut self, field: &Type, levels: Levels) -> Result<Node, String> {
        let first = self.next_column;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("its columns nest deeper than {MAX_DEPTH} levels"));
        }
        let shape = if field.is_primitive() {
            Shape::Value(self.leaf()?)
        } else if let Some(repeated) = repeated_group_of_list(field) {
            self.list(repeated, levels)?
        } else if let Some((key, value)) = key_and_value_of_map(field) {
            let (elements, levels) = list_levels(levels);
            let key = Box::new(self.field(key, levels)?);
            Shape::Map { elements, key, value: Box::new(self.field(value, levels)?) }
        } else {
            let fields = field.get_fields().iter().map(|field| self.field(field, levels));
            Shape::Object(fields.collect::<Result<_, _>>()?)
        };
        self.depth -= 1;
        Ok(self.node(field, levels, first, shape))
    }

    fn list(&mut self, repeated: &Type, levels: Levels) -> Result<Shape, String> {
        let (elements, levels) = list_levels(levels);
        let element = match wrapped_element(repeated) {
            Some(element) => self.field(element, levels)?,
            None => self.content(repeated, levels)?,
        };
        Ok(Shape::List { elements, element: Box::new(element) })
    }

    fn leaf(&mut self) -> Result<Kind, String> {
        let column = self.schema.columns().get(self.next_column).map(AsRef::<ColumnDescriptor>::as_ref);
        let column = column.ok_or("its schema contradicts itself")?;
        self.next_column += 1;
        Ok(Kind::of_column(column))
    }

    fn node(&self, field: &Type, levels: Levels, first: usize, shape: Shape) -> Node {
        let name = field.name().to_owned();
        Node { name, present_from: levels.definition, columns: first..self.next_column, shape }
    }
}

fn list_levels(around: Levels) -> (Elements, Levels) {
    let (definition, repetition) = (around.definition + 1, around.repetition + 1);
    let elements = Elements { present_from: definition, continued_by: repetition };
    (elements, Levels { definition, repetition })
}

fn is_repeated(field: &Type) -> bool {
    field.get_basic_info().has_repetition() && field.get_basic_info().repetition() == Repetition::REPEATED
}

fn repeated_group_of_list(field: &Type) -> Option<&Type> {
    let info = field.get_basic_info();
    let is_list =
        info.logical_type_ref() == Some(&LogicalType::List) || info.converted_type() == ConvertedType::LIST;
    match field.get_fields() {
        [repeated] if is_list && is_repeated(repeated) => Some(repeated),
        _ => None,
    }
}

/// Returns the element of a list within its repeated group, or `None` if the repeated field is itself the element, as
/// old writers have it (Nested Types, Backward-compatibility rules).
fn wrapped_element(repeated: &Type) -> Option<&Type> {
    if repeated.is_primitive() || repeated.name() == "array" || repeated.name().ends_with("_tuple") {
        return None;
    }
    match repeated.get_fields() {
        [element] => Some(element),
        _ => None,
    }
}

fn key_and_value_of_map(field: &Type) -> Option<(&Type, &Type)> {
    let info = field.get_basic_info();
    let is_map = info.logical_type_ref() == Some(&LogicalType::Map)
        || matches!(info.converted_type(), ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE);
    let [entry] = field.get_fields() else { return None };
    if !is_map || !is_repeated(entry) || entry.is_primitive() {
        return None;
    }
    match entry.get_fields() {
        [key, value] => Some((key, value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::schema::parser::parse_message_type;

    use super::*;

    fn columns_of(fields: &str) -> Result<Vec<Node>, String> {
        let schema = parse_message_type(&format!("message rows {{ {fields} }}")).unwrap();
        columns(&SchemaDescriptor::new(Arc::new(schema)))
    }

    /// Writes `L` for a list, `M` for a map, braces for an object and `v` for a value, each with the definition level from
    /// which on it is present.
    fn outline(node: &Node) -> String {
        let level = node.present_from;
        match &node.shape {
            Shape::Value(_) => format!("v{level}"),
            Shape::List { element, .. } => format!("L{level}[{}]", outline(element)),
            Shape::Map { key, value, .. } => format!("M{level}[{}:{}]", outline(key), outline(value)),
            Shape::Object(fields) => {
                format!("O{level}{{{}}}", fields.iter().map(outline).collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn lists_of_old_and_new_writers_have_the_same_elements() {
        for (field, expected) in [
            ("required int32 a;", "v0"),
            ("optional int32 a;", "v1"),
            ("repeated int32 a;", "L0[v1]"),
            ("optional group a (LIST) { repeated group list { optional int32 element; } }", "L1[v3]"),
            ("optional group a (LIST) { repeated int32 element; }", "L1[v2]"),
            ("required group a (LIST) { repeated group array { required int32 x; } }", "L0[O1{v1}]"),
            (
                "required group a (LIST) { repeated group x { required int32 x; optional int32 y; } }",
                "L0[O1{v1,v2}]",
            ),
            (
                "optional group a (MAP) { repeated group e { required int32 key; optional int32 value; } }",
                "M1[v2:v3]",
            ),
            ("repeated group a { repeated int32 x; }", "L0[O1{L1[v2]}]"),
            // A list without its repeated group is a group like any other.
            ("optional group a (LIST) { optional int32 x; }", "O1{v2}"),
        ] {
            let nodes = columns_of(field).unwrap();
            assert_eq!(nodes.iter().map(outline).collect::<String>(), expected, "{field}");
        }
    }

    #[test]
    fn two_columns_of_one_name_and_deep_nesting_are_refused() {
        let failure = columns_of("required int32 a; required int32 b; required int32 a;").unwrap_err();
        assert_eq!(failure, "two columns are called \"a\"");
        let deep = format!("{}required int32 x;{}", "required group a { ".repeat(33), "}".repeat(33));
        assert!(columns_of(&deep).unwrap_err().contains("nest deeper than 32"), "{deep}");
    }
}
