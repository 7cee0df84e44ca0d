//! The network of a stack, most of which is chosen once.

use restctl_contract::template::parameter;

use super::ON;
use crate::failure::{Failure, Result};

const NEW_STACK: &str = "use another stack: restctl setup --stack NAME …, then restctl deploy --stack NAME …, and upload the data there";

/// The values of the parameters that shape the network. A parameter without a value is empty.
#[derive(Debug)]
pub(super) struct Network {
    vpc: String,
    zones: [String; 2],
    is_private: bool,
}

impl Network {
    pub(super) fn from_parameters(value: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            vpc: value(parameter::EXISTING_VPC).unwrap_or_default(),
            zones: [parameter::ZONE_A, parameter::ZONE_B].map(|name| value(name).unwrap_or_default()),
            is_private: value(parameter::PRIVATE_NETWORK).as_deref() == Some(ON),
        }
    }

    fn has_zones(&self) -> bool {
        self.zones.iter().any(|zone| !zone.is_empty())
    }

    /// Returns an error if parts of the network exclude each other, or if a zone is not one of the region.
    pub(super) fn check_consistent(&self, region: &str) -> Result<()> {
        if !self.vpc.is_empty() && self.is_private {
            return Err(Failure::usage("--private-network and --vpc cannot be used together")
                .why("the private subnets are part of the stack's own VPC")
                .next("leave out one of them"));
        }
        if !self.vpc.is_empty() && self.has_zones() {
            return Err(Failure::usage("--zones and --vpc cannot be used together")
                .why("--subnets has the availability zones of an existing VPC")
                .next("leave out one of them; --zones \"\" removes the zones of an earlier attempt"));
        }
        match self.zones.iter().find(|zone| !zone.is_empty() && !is_zone_of(zone, region)) {
            Some(zone) => Err(Failure::usage(format!("{zone} is not an availability zone of {region}"))
                .next("aws ec2 describe-availability-zones, which lists them; then: restctl deploy --zones ZONE,ZONE")),
            None => Ok(()),
        }
    }

    /// Returns an error if this network of a deployed stack cannot become `wanted`.
    ///
    /// A load balancer cannot leave its VPC. Published versions of the functions keep their subnets: Lambda releases a subnet
    /// only when the last such version is deleted ("Understanding Hyperplane Elastic Network Interfaces", AWS Lambda Developer
    /// Guide), so CloudFormation could not delete it. Nor could it make a subnet of the same addresses in another zone first.
    pub(super) fn check_kept_by(&self, wanted: &Self) -> Result<()> {
        if wanted.vpc != self.vpc {
            return Err(Failure::usage("a deployed stack stays in its VPC")
                .why("a load balancer cannot move to another VPC")
                .next(NEW_STACK));
        }
        if wanted.zones != self.zones {
            return Err(Failure::usage("a deployed stack stays in its availability zones")
                .why("a subnet cannot move to another zone")
                .next(format!(
                    "leave out --zones to keep its zones, which aws ec2 describe-subnets lists;\nfor other zones, {NEW_STACK}"
                )));
        }
        if self.is_private && !wanted.is_private {
            return Err(Failure::usage("the private network of a deployed stack stays on")
                .why("`restctl rollback` returns to versions of the functions that run in it")
                .next(NEW_STACK));
        }
        Ok(())
    }
}

/// Whether an availability zone is one of the region: its name adds a letter to that of the region ("Regions and Zones", Amazon
/// EC2 User Guide).
fn is_zone_of(zone: &str, region: &str) -> bool {
    zone.strip_prefix(region).is_some_and(|letter| letter.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(vpc: &str, zones: [&str; 2], is_private: bool) -> Network {
        Network { vpc: vpc.to_owned(), zones: zones.map(str::to_owned), is_private }
    }

    #[test]
    fn a_deployed_stack_keeps_its_network() {
        let (none, zones) = (["", ""], ["eu-west-1a", "eu-west-1c"]);
        let own = network("", none, false);
        let private = network("", none, true);
        let existing = network("vpc-1", none, false);
        let chosen = network("", zones, false);
        for (before, wanted) in
            [(&own, &private), (&own, &own), (&private, &private), (&existing, &existing), (&chosen, &chosen)]
        {
            assert!(before.check_kept_by(wanted).is_ok(), "{before:?} {wanted:?}");
        }
        for (before, wanted, reason) in [
            (&own, &existing, "stays in its VPC"),
            (&existing, &own, "stays in its VPC"),
            (&existing, &network("vpc-2", none, false), "stays in its VPC"),
            (&own, &chosen, "stays in its availability zones"),
            (&chosen, &own, "stays in its availability zones"),
            (&private, &own, "stays on"),
        ] {
            let refused = before.check_kept_by(wanted).unwrap_err().to_string();
            assert!(refused.contains(reason) && refused.contains("another stack"), "{refused}");
        }
    }

    #[test]
    fn the_zones_are_those_of_the_region() {
        let zones = |zones| network("", zones, true).check_consistent("eu-west-1");
        assert!(zones(["", ""]).is_ok() && zones(["eu-west-1a", "eu-west-1c"]).is_ok());
        for other in ["us-east-1a", "eu-west-1", "eu-west-10a", "eu-west-1-lhr-1a"] {
            let refused = zones(["eu-west-1a", other]).unwrap_err().to_string();
            assert!(
                refused.contains(&format!("{other} is not an availability zone of eu-west-1")),
                "{refused}"
            );
        }
        let refused = network("vpc-1", ["eu-west-1a", "eu-west-1c"], false).check_consistent("eu-west-1");
        assert!(refused.unwrap_err().to_string().contains("--zones and --vpc cannot be used together"));
    }
}
