/// A value as DynamoDB stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    /// In plain decimal notation with all digits and without redundant zeros; never a float.
    Number(String),
    String(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Returns what the value adds to the size of an item ("DynamoDB Item sizes and formats", Amazon DynamoDB Developer
    /// Guide). As there, the size of a number is approximate.
    pub(crate) fn size_in_bytes(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) => 1,
            Value::Number(text) => text.len().div_ceil(2) + 1,
            Value::String(text) => text.len(),
            Value::List(values) => 3 + values.iter().map(|value| 1 + value.size_in_bytes()).sum::<usize>(),
            Value::Map(members) => {
                3 + members.iter().map(|(name, value)| 1 + name.len() + value.size_in_bytes()).sum::<usize>()
            }
        }
    }
}
