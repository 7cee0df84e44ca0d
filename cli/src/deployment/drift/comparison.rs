//! Compares properties of a resource as CloudFormation does.

use serde_json::Value;

use super::Difference;

/// Returns the expected properties whose actual values differ. Other properties are ignored, because services add defaults. An
/// array is a set, as in CloudFormation's own comparison.
pub(super) fn compare_properties(expected: &Value, actual: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    compare_values("", expected, actual, &mut differences);
    differences.sort();
    differences
}

fn compare_values(path: &str, expected: &Value, actual: &Value, differences: &mut Vec<Difference>) {
    match expected {
        Value::Object(expected) => {
            for (name, value) in expected {
                let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                compare_values(&path, value, &actual[name], differences);
            }
        }
        _ if is_equal(expected, actual) => {}
        _ => differences.push(Difference {
            property: path.to_owned(),
            expected: value_text(expected),
            actual: value_text(actual),
        }),
    }
}

/// Returns the variables of a function that are not expected. They change what runs, too.
pub(super) fn find_unexpected_variables(expected: &Value, actual: &Value) -> Vec<Difference> {
    let [expected, actual] = [expected, actual].map(|properties| &properties["Environment"]["Variables"]);
    let actual = actual.as_object().into_iter().flatten();
    let unexpected = actual.filter(|(name, _)| expected[name.as_str()].is_null());
    let to_difference = |(name, value): (&String, &Value)| Difference {
        property: format!("Environment/Variables/{name}"),
        expected: None,
        actual: value_text(value),
    };
    let mut differences: Vec<_> = unexpected.map(to_difference).collect();
    differences.sort();
    differences
}

/// Numbers may be written as texts: parameters of a template are texts.
fn is_equal(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected.iter().all(|value| actual.iter().any(|other| is_equal(value, other)))
        }
        _ => value_text(expected) == value_text(actual),
    }
}

fn value_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(property: &str, expected: Option<&str>, actual: Option<&str>) -> Difference {
        let [expected, actual] = [expected, actual].map(|value| value.map(str::to_owned));
        Difference { property: property.to_owned(), expected, actual }
    }

    #[test]
    fn what_is_expected_is_compared() {
        let expected = json!({
            "Timeout": "15", "MemorySize": 256, "Layers": null, "Role": "a", "Environment": {"Variables": {"A": "1", "B": "2"}},
            "VpcConfig": {"SubnetIds": ["s-1", "s-2"]}
        });
        let actual = json!({
            "Timeout": 15, "MemorySize": 128, "Layers": ["l"], "Environment": {"Variables": {"A": "1", "C": "3"}},
            "VpcConfig": {"SubnetIds": ["s-2", "s-1"], "VpcId": "v"}, "State": "Active"
        });
        assert_eq!(
            compare_properties(&expected, &actual),
            [
                difference("Environment/Variables/B", Some("2"), None),
                difference("Layers", None, Some(r#"["l"]"#)),
                difference("MemorySize", Some("256"), Some("128")),
                difference("Role", Some("a"), None),
            ]
        );
        let unexpected = [difference("Environment/Variables/C", None, Some("3"))];
        assert_eq!(find_unexpected_variables(&expected, &actual), unexpected);
    }
}
