use super::*;

fn difference(property: &str, expected: Option<&str>, actual: Option<&str>) -> Difference {
    let [expected, actual] = [expected, actual].map(|value| value.map(str::to_owned));
    Difference { property: property.to_owned(), expected, actual }
}

fn drift(differences: Vec<Difference>) -> ResourceDrift {
    let [resource, kind, physical_id] = ["ApiFunction", "AWS::Lambda::Function", "api"].map(str::to_owned);
    ResourceDrift { resource, kind, physical_id, differences, expected: Value::Null, remove: None }
}

#[test]
fn each_difference_is_a_line() {
    let differences =
        vec![difference("Timeout", Some("15"), Some("3")), difference("Layers", None, Some(r#"["l"]"#))];
    let lines = [
        "ApiFunction: Timeout: expected 15, actual 3",
        r#"ApiFunction: Layers: expected nothing, actual ["l"]"#,
    ];
    assert_eq!(drift(differences).to_lines(), lines);
    assert_eq!(drift(Vec::new()).to_lines(), ["ApiFunction (api) was deleted"]);
}

#[test]
fn long_values_are_shown_where_they_differ() {
    let issuers = |name: &str| format!(r#"[{{"issuer":"{}","name":"{name}"}}]"#, "a".repeat(300));
    let line = difference("ISSUERS", Some(&issuers("one")), Some(&issuers("other"))).describe();
    assert!(line.contains(r#""name":"one""#) && line.contains(r#""name":"other""#), "{line}");
    assert!(line.chars().count() < 200, "{line}");
}

/// Someone may have given the function a password.
#[test]
fn a_variable_that_the_template_does_not_know_is_not_shown() {
    let added = difference("Environment/Variables/PASSWORD", None, Some("secret"));
    assert!(!added.describe().contains("secret") && !added.to_json().to_string().contains("secret"));
    assert!(added.describe().contains("PASSWORD"));
}
