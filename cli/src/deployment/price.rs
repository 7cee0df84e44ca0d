//! What the changes of a deployment add to the monthly price of an idle stack.

use restctl_contract::template::parameter;

use crate::aws::cloudformation::change_set::Change;

/// The month in which [`resource_price`] was compared with the price lists.
const PRICED_IN: &str = "November 2026";

/// A public IPv4 address ("Amazon VPC pricing"): 0.005 USD an hour.
const ADDRESS: i64 = 3_650;

/// A load balancer has an address in each of its subnets. The template creates two for it.
const OWN_SUBNETS: usize = 2;

/// What is added to the price of a month, in cents of a USD; less than 0 if more is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddedPrice(i64);

impl AddedPrice {
    /// Adds up the resources that are added and removed. `parameters` are those of the template.
    pub(crate) fn from_changes(changes: &[Change], parameters: &[(&'static str, String)]) -> Self {
        let addresses = load_balancer_addresses(parameters);
        let price = |change: &Change| match (change.is_addition(), change.is_removal()) {
            (true, _) => resource_price(change.resource_type(), addresses),
            (_, true) => -resource_price(change.resource_type(), addresses),
            _ => 0,
        };
        let mills: i64 = changes.iter().map(price).sum();
        Self((mills + 5).div_euclid(10))
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Returns the price in USD.
    pub(crate) fn usd(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// Says what the changes cost or save.
    pub(crate) fn describe(self) -> String {
        let verb = if self.0 < 0 { "saves" } else { "adds" };
        format!(
            "{verb} about {:.2} USD a month while idle, by the list prices of us-east-1 of {PRICED_IN}; requests and data cost extra",
            self.usd().abs()
        )
    }
}

fn load_balancer_addresses(parameters: &[(&'static str, String)]) -> i64 {
    let subnets = parameters.iter().find(|(name, _)| *name == parameter::EXISTING_SUBNETS);
    let subnets = subnets.map_or(0, |(_, ids)| ids.split(',').filter(|id| !id.is_empty()).count());
    (if subnets == 0 { OWN_SUBNETS } else { subnets }) as i64
}

/// Returns what a resource costs in a month of 730 hours in us-east-1, in thousandths of a USD, without use and free tiers.
fn resource_price(resource_type: &str, load_balancer_addresses: i64) -> i64 {
    match resource_type {
        // "Elastic Load Balancing pricing": 0.0225 USD an hour.
        "AWS::ElasticLoadBalancingV2::LoadBalancer" => 16_425 + load_balancer_addresses * ADDRESS,
        // "Amazon VPC pricing": 0.045 USD an hour.
        "AWS::EC2::NatGateway" => 32_850,
        "AWS::EC2::EIP" => ADDRESS,
        // "Amazon CloudWatch pricing". The first three dashboards of an account are free.
        "AWS::CloudWatch::Alarm" => 100,
        // "AWS Secrets Manager pricing".
        "AWS::SecretsManager::Secret" => 400,
        // "Amazon Cognito pricing": an app client for machine-to-machine authorization.
        "AWS::Cognito::UserPoolClient" => 6_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{ChangeAction, ResourceChange};

    use super::*;

    const TEMPLATE: &str = include_str!("../../../templates/stack.yaml");
    const PAGE: &str = include_str!("../../../templates/README.md");
    const README: &str = include_str!("../../../README.md");

    fn change(action: ChangeAction, resource_type: &str) -> Change {
        Change::new(ResourceChange::builder().action(action).resource_type(resource_type).build())
    }

    /// Returns the type and the condition of each of the template's resources.
    fn template_resources() -> Vec<(&'static str, Option<&'static str>)> {
        let (_, rest) = TEMPLATE.split_once("\nResources:\n").unwrap();
        let (resources, _) = rest.split_once("\nOutputs:\n").unwrap();
        let found = resources.split("\n    Type: ").skip(1).map(|resource| {
            let (resource_type, rest) = resource.split_once('\n').unwrap();
            (resource_type, rest.lines().next().unwrap().strip_prefix("    Condition: "))
        });
        let found: Vec<_> = found.collect();
        let conditions = found.iter().filter(|(_, condition)| condition.is_some()).count();
        let lines = resources.matches("\n    Condition: ").count();
        assert_eq!(conditions, lines, "a resource has its condition elsewhere than after its type");
        found
    }

    /// Returns the price of the template's resources that have this condition.
    fn template_price(condition: Option<&str>) -> f64 {
        let resources = template_resources().into_iter().filter(|(_, found)| *found == condition);
        let added = resources.map(|(resource_type, _)| change(ChangeAction::Add, resource_type));
        AddedPrice::from_changes(&added.collect::<Vec<_>>(), &[]).usd()
    }

    /// Returns the last cell of the row that starts with `what`, as a number.
    #[track_caller]
    fn price_in_row(page: &str, what: &str) -> f64 {
        let mut rows = page.lines().filter(|line| line.starts_with(&format!("| {what}")));
        let row = rows.next().unwrap_or_else(|| panic!("there is no row for {what}"));
        let price = row.trim_end_matches(" |").rsplit(' ').next().unwrap();
        price.parse().unwrap_or_else(|_| panic!("{row}"))
    }

    #[test]
    fn the_pages_have_the_prices_of_the_template() {
        let secrets_of_setup = 2.0 * resource_price("AWS::SecretsManager::Secret", 0) as f64 / 1000.0;
        let default = format!("{:.2}", template_price(None) + secrets_of_setup);
        for page in [PAGE, README] {
            assert_eq!(format!("{:.2}", price_in_row(page, "together")), default);
            assert!(page.contains(PRICED_IN));
        }
        for (option, condition) in [
            ("`--private-network on`", "PrivateNetworkIsOn"),
            ("`--list on`", "ListIsOn"),
            ("`--idp cognito`", "CognitoIsOn"),
        ] {
            assert_eq!(price_in_row(PAGE, option), template_price(Some(condition)), "{option}");
        }
    }

    #[test]
    fn what_is_removed_is_saved() {
        let nat = [
            change(ChangeAction::Remove, "AWS::EC2::NatGateway"),
            change(ChangeAction::Remove, "AWS::EC2::EIP"),
        ];
        let saved = AddedPrice::from_changes(&nat, &[]);
        assert!(saved.describe().starts_with("saves about 36.50 USD a month"), "{}", saved.describe());
        let alarms = [
            change(ChangeAction::Add, "AWS::CloudWatch::Alarm"),
            change(ChangeAction::Modify, "AWS::CloudWatch::Alarm"),
        ];
        let added = AddedPrice::from_changes(&alarms, &[]);
        assert!(added.describe().starts_with("adds about 0.10 USD a month"), "{}", added.describe());
        assert!(AddedPrice::from_changes(&[change(ChangeAction::Add, "AWS::S3::Bucket")], &[]).is_zero());
    }

    #[test]
    fn each_subnet_of_the_load_balancer_has_an_address() {
        let load_balancer = [change(ChangeAction::Add, "AWS::ElasticLoadBalancingV2::LoadBalancer")];
        let with_subnets = |ids: &str| {
            AddedPrice::from_changes(&load_balancer, &[(parameter::EXISTING_SUBNETS, ids.to_owned())]).usd()
        };
        assert_eq!(with_subnets(""), 23.73);
        assert_eq!(with_subnets("subnet-1,subnet-2,subnet-3"), 27.38);
    }
}
