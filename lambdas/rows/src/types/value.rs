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
    /// Returns about how many bytes of memory the value takes apart from itself.
    pub(crate) fn heap_memory(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) => 0,
            Value::Number(text) | Value::String(text) => text.len(),
            Value::List(values) => values.iter().map(|value| size_of::<Value>() + value.heap_memory()).sum(),
            Value::Map(members) => {
                let members = members.iter();
                members
                    .map(|(name, value)| size_of::<(String, Value)>() + name.len() + value.heap_memory())
                    .sum()
            }
        }
    }
}
