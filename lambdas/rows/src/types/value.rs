/// A value as DynamoDB stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    /// In plain decimal notation with all its digits, without superfluous zeros; never a float.
    Number(String),
    String(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// What the value counts towards the size of an item ("DynamoDB Item sizes and formats", Amazon DynamoDB
    /// Developer Guide; approximate for numbers, as there).
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) => 1,
            Value::Number(text) => text.len().div_ceil(2) + 1,
            Value::String(text) => text.len(),
            Value::List(values) => 3 + values.iter().map(|value| 1 + value.bytes()).sum::<usize>(),
            Value::Map(members) => {
                3 + members.iter().map(|(name, value)| 1 + name.len() + value.bytes()).sum::<usize>()
            }
        }
    }
}
