//! The names that `templates/stack.yaml` declares.

/// Declares each name, and the list of names that a test compares with the template.
macro_rules! names {
    ($($(#[$attribute:meta])* $constant:ident = $name:literal;)+) => {
        $($(#[$attribute])* pub const $constant: &str = $name;)+

        #[cfg(test)]
        pub(crate) const ALL: &[&str] = &[$($name),+];
    };
}

/// Parameters of the template.
pub mod parameter {
    names! {
        ARTIFACT_BUCKET = "ArtifactBucket";
        API_PACKAGE = "ApiPackage";
        INGEST_PACKAGE = "IngestPackage";
        ARCHITECTURE = "Architecture";
        CERTIFICATE_ARN = "CertificateArn";
        KEY_NAME = "KeyName";
        KEY_TYPE = "KeyType";
        ISSUERS = "Issuers";
        LIST = "List";
        OPENAPI = "OpenApi";
        IDP = "Idp";
        EDGE_JWT = "EdgeJwt";
        EDGE_JWT_ISSUER = "EdgeJwtIssuer";
        EDGE_JWT_JWKS_URI = "EdgeJwtJwksUri";
        PRIVATE_NETWORK = "PrivateNetwork";
        ZONE_A = "ZoneA";
        ZONE_B = "ZoneB";
        EXISTING_VPC = "ExistingVpc";
        EXISTING_SUBNETS = "ExistingSubnets";
        ALLOW_CIDR_1 = "AllowCidr1";
        ALLOW_CIDR_2 = "AllowCidr2";
        ALLOW_CIDR_3 = "AllowCidr3";
        ALLOW_CIDR_4 = "AllowCidr4";
        ALLOW_CIDR_5 = "AllowCidr5";
        DOMAIN = "Domain";
        HOSTED_ZONE = "HostedZone";
        ALARM_TOPIC = "AlarmTopic";
        API_CONCURRENCY = "ApiConcurrency";
        LOG_RETENTION = "LogRetention";
        KEEP_VERSIONS = "KeepVersions";
    }

    /// The address ranges that may reach the load balancer. An empty one is not a rule.
    pub const ALLOW_CIDRS: [&str; 5] = [ALLOW_CIDR_1, ALLOW_CIDR_2, ALLOW_CIDR_3, ALLOW_CIDR_4, ALLOW_CIDR_5];
}

/// Outputs of the stack.
pub mod output {
    names! {
        DATA_BUCKET = "DataBucket";
        ITEMS_TABLE = "ItemsTable";
        LEDGER_TABLE = "LedgerTable";
        LOAD_QUEUE = "LoadQueue";
        DEAD_LETTER_QUEUE = "DeadLetterQueue";
        API_FUNCTION = "ApiFunction";
        API_ALIAS = "ApiAlias";
        INGEST_FUNCTION = "IngestFunction";
        API_LOGS = "ApiLogs";
        INGEST_LOGS = "IngestLogs";
        TARGET_GROUP = "TargetGroup";
        LOAD_BALANCER_DNS_NAME = "LoadBalancerDnsName";
        KEY_NAME = "KeyName";
        KEY_TYPE = "KeyType";
        COGNITO_ISSUER = "CognitoIssuer";
        COGNITO_JWKS_URI = "CognitoJwksUri";
        COGNITO_TOKEN_ENDPOINT = "CognitoTokenEndpoint";
        COGNITO_CLIENT_ID = "CognitoClientId";
        COGNITO_SCOPE = "CognitoScope";
        COGNITO_CLIENT_SECRET = "CognitoClientSecret";
    }
}

/// The alias through which each function is called.
pub const LIVE: &str = "live";

/// Environment variables of the Lambdas.
pub mod variable {
    names! {
        ITEMS_TABLE = "ITEMS_TABLE";
        LEDGER_TABLE = "LEDGER_TABLE";
        LOAD_QUEUE = "LOAD_QUEUE";
        DEAD_LETTER_QUEUE = "DEAD_LETTER_QUEUE";
        KEY_NAME = "KEY_NAME";
        KEY_TYPE = "KEY_TYPE";
        /// The trusted issuers, as [`crate::issuer::to_json`] writes them.
        ISSUERS = "ISSUERS";
        /// The user pool of the stack, which is one more trusted issuer, as the JSON of that one.
        USER_POOL = "USER_POOL";
        OPENAPI = "OPENAPI";
        CURSOR_KEY = "CURSOR_KEY";
        STACK = "STACK";
        /// The domain of the partition's services.
        URL_SUFFIX = "URL_SUFFIX";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{api, event, load};

    const TEMPLATE: &str = include_str!("../../../templates/stack.yaml");

    /// Returns the names that are indented one step deeper than each line `heading:`.
    fn names_under(heading: &str) -> BTreeSet<&'static str> {
        let depth = |line: &str| line.len() - line.trim_start().len();
        let mut names = BTreeSet::new();
        let mut inside = None;
        for line in TEMPLATE.lines().filter(|line| !line.trim().is_empty()) {
            match inside {
                Some(outer) if depth(line) == outer + 2 => {
                    names.extend(line.trim().split_once(':').map(|(name, _)| name));
                }
                Some(outer) if depth(line) <= outer => inside = None,
                _ => {}
            }
            if line.trim() == format!("{heading}:") {
                inside = Some(depth(line));
            }
        }
        names
    }

    #[test]
    fn the_template_has_the_same_names() {
        let set = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(names_under("Parameters"), set(super::parameter::ALL));
        assert_eq!(names_under("Outputs"), set(super::output::ALL));
        assert_eq!(names_under("Variables"), set(super::variable::ALL));
    }

    /// The limit of a call without a bucket ("CloudFormation quotas").
    #[test]
    fn the_template_can_be_sent_inline() {
        assert!(TEMPLATE.len() <= 51_200, "the template has {} bytes", TEMPLATE.len());
    }

    #[test]
    fn the_template_has_the_same_values() {
        for line in [
            format!("prefix: {}", load::REJECTS_PREFIX),
            format!("Resource: !Sub ${{DataBucket.Arn}}/{}*", load::REJECTS_PREFIX),
            format!("- AttributeName: {}", load::LEDGER_KEY),
            format!("MessageGroupId: {}", event::MESSAGE_GROUP),
            format!("source: [{}]", event::SOURCE),
            format!("detail-type: [{}]", event::DETAIL_TYPE),
            format!("- {}", api::HEALTH_PATH),
            format!("Name: {}", super::LIVE),
            format!("- Key: {}", crate::stack::STACK_TAG),
        ] {
            assert!(TEMPLATE.contains(&line), "the template lacks {line}");
        }
    }

    /// CloudFormation does not notice that the value of a dynamic reference has changed, and would deploy nothing
    /// ("Dynamic references").
    #[test]
    fn values_that_can_change_are_parameters() {
        assert!(!TEMPLATE.contains("{{resolve:"));
    }
}
