//! The template, and the part of it with which existing resources are imported.

pub(super) const TEMPLATE: &str = include_str!("../../../../templates/stack.yaml");

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
    selected.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use restctl_contract::template::output;

    use super::*;

    const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/import-template.yaml");

    /// cfn-lint reads the fixture.
    #[test]
    fn only_the_data_is_imported() {
        use output::{API_LOGS, DATA_BUCKET, INGEST_LOGS, ITEMS_TABLE, LEDGER_TABLE};
        let data = [ITEMS_TABLE, LEDGER_TABLE, DATA_BUCKET, API_LOGS, INGEST_LOGS];
        let whole = select_resources(&data);
        if std::env::var_os("INSTA_UPDATE").is_some() {
            std::fs::write(FIXTURE, &whole).unwrap();
        }
        let fixture = std::fs::read_to_string(FIXTURE).unwrap_or_default();
        assert!(whole == fixture, "INSTA_UPDATE=always cargo test --workspace -- only_the_data_is_imported");
        let table = select_resources(&[ITEMS_TABLE]);
        let names: Vec<_> = table.split("\nResources:\n").nth(1).unwrap().lines().collect();
        assert!(names.contains(&"  ItemsTable:") && !names.contains(&"  LedgerTable:"), "{table}");
        // CloudFormation imports only what outlives its stack.
        assert_eq!(whole.matches("\n    DeletionPolicy: RetainExceptOnCreate\n").count(), data.len());
    }
}
