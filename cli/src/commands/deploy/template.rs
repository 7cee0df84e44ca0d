//! The template, and the part of it with which existing resources are imported.

pub(super) const TEMPLATE: &str = include_str!("../../../../templates/stack.yaml");

/// The policy that the data has in the template, and in the import, which only `Retain` makes revertible ("Reverting an import
/// operation", AWS CloudFormation User Guide). The update after the import sets that of the template.
const POLICY: &str = "    DeletionPolicy: RetainExceptOnCreate";
const IMPORT_POLICY: &str = "    DeletionPolicy: Retain";

/// Returns the template with these resources alone: "As part of the import operation, you cannot modify or add [Outputs]", nor
/// other resources. The parameters stay, so that the stack has the options of the deployment.
pub(super) fn select_resources(resources: &[&str]) -> String {
    let (mut section, mut resource) = ("", "");
    let selected = TEMPLATE.lines().filter(|line| {
        let name = line.trim_start();
        let depth = line.len() - name.len();
        let name = name.split(':').next().unwrap_or_default();
        match depth {
            0 if !name.is_empty() => (section, resource) = (name, ""),
            2 => resource = name,
            _ => {}
        }
        match section {
            "Conditions" | "Outputs" => false,
            "Resources" => resource.is_empty() || resources.contains(&resource),
            _ => true,
        }
    });
    selected.flat_map(|line| [if line == POLICY { IMPORT_POLICY } else { line }, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use restctl_contract::template::output::ITEMS_TABLE;

    use super::*;
    use crate::deployment::retained_data::RETAINED;

    const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/import-template.yaml");

    /// cfn-lint reads the fixture.
    #[test]
    fn only_the_data_is_imported() {
        let whole = select_resources(&RETAINED);
        if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
            std::fs::write(FIXTURE, &whole).unwrap();
        }
        let fixture = std::fs::read_to_string(FIXTURE).unwrap_or_default();
        assert!(whole == fixture, "INSTA_UPDATE=always cargo test --workspace -- only_the_data_is_imported");
        let table = select_resources(&[ITEMS_TABLE]);
        let names: Vec<_> = table.split("\nResources:\n").nth(1).unwrap().lines().collect();
        assert!(names.contains(&"  ItemsTable:") && !names.contains(&"  LedgerTable:"), "{table}");
        assert_eq!(whole.matches(&format!("\n{IMPORT_POLICY}\n")).count(), RETAINED.len());
        assert_eq!(whole.matches("DeletionPolicy").count(), RETAINED.len());
    }
}
