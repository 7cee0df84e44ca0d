//! The name of a stack, and where its settings are in the account.

use std::fmt;
use std::str::FromStr;

/// The name of one deployment: 1 to 24 of `a-z`, `0-9` and `-`, starting with a letter, not ending with `-`.
///
/// The limit comes from bucket names (63 characters, lower case), which consist of this name, the account and the
/// region. CloudFormation makes other names of it, so it cannot start with one of the [`RESERVED_PREFIXES`] either.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StackName(String);

/// How the name of a bucket ("General purpose bucket naming rules", Amazon S3 User Guide) or of a security group
/// ("CreateSecurityGroup", Amazon EC2 API Reference) cannot start.
const RESERVED_PREFIXES: [&str; 4] = ["amzn-s3-demo-", "sg-", "sthree-", "xn--"];

impl StackName {
    pub const MAX_LENGTH: usize = 24;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the Systems Manager parameter that holds `setting`.
    pub fn setting_parameter(&self, setting: Setting) -> String {
        format!("/restctl/{}/{}", self.0, setting.name())
    }

    /// Returns the Secrets Manager secret that describes the imported certificate: a [`Certificate`] as JSON.
    pub fn certificate_secret(&self) -> String {
        format!("restctl/{}/certificate", self.0)
    }

    /// Returns the Secrets Manager secret that holds the client secret, or the private key of a client that
    /// signs its assertions, as plain text.
    pub fn client_secret(&self) -> String {
        format!("restctl/{}/client-secret", self.0)
    }

    /// Returns the bucket to which `deploy` uploads Lambda packages and the template.
    pub fn artifact_bucket(&self, account: &str, region: &str) -> String {
        format!("restctl-{}-{account}-{region}", self.0)
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StackName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let well_formed = (1..=Self::MAX_LENGTH).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && name.chars().all(allowed);
        if !well_formed {
            return Err(format!(
                "a stack name has 1 to {} of a-z, 0-9 and -, starts with a letter and does not end with -",
                Self::MAX_LENGTH
            ));
        }
        match RESERVED_PREFIXES.iter().find(|prefix| name.starts_with(**prefix)) {
            Some(prefix) => Err(format!(
                "a stack name does not start with {prefix}: AWS refuses the names of resources that start so"
            )),
            None => Ok(Self(name.to_owned())),
        }
    }
}

/// The tag whose value is the stack's name, on the stack and all its resources that support tags.
pub const STACK_TAG: &str = "restctl:stack";

/// A setting of the identity providers, stored as a String parameter in Systems Manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The issuers whose tokens the API accepts, as [`crate::issuer::to_json`] writes them. Empty if the stack's own user
    /// pool is the only one.
    Issuers,
    /// The client that `restctl token` and `restctl get` act as, as JSON. Only the command reads it.
    Client,
}

impl Setting {
    pub const ALL: [Setting; 2] = [Setting::Issuers, Setting::Client];

    /// Returns the last part of its parameter's name.
    pub fn name(self) -> &'static str {
        match self {
            Setting::Issuers => "issuers",
            Setting::Client => "client",
        }
    }
}

/// The value of [`StackName::certificate_secret`], which is the imported certificate without its private key.
///
/// `deploy` passes `arn` to the template, whose listener then serves it. The command trusts `anchor` and verifies
/// `name` when it calls the endpoint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Certificate {
    pub arn: String,
    /// The DNS name to ask for and to verify in the TLS handshake.
    pub name: String,
    /// All DNS names of the certificate, with wildcards as they are. Empty if an earlier version wrote this.
    #[serde(default)]
    pub names: Vec<String>,
    /// The certificate to trust, as PEM: the last of its chain, or the certificate itself if it has no chain.
    pub anchor: String,
    /// The SHA-256 of the leaf's DER in lower-case hexadecimal.
    pub fingerprint: String,
    /// RFC 3339, UTC.
    pub not_after: String,
    /// Issued by `restctl setup --self-signed`.
    pub self_signed: bool,
    /// ARNs of earlier certificates that may still be in ACM. They are deleted once this one is served.
    #[serde(default)]
    pub supersedes: Vec<String>,
    /// What `restctl setup --tag` was given, for all that the command creates outside the stack.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// Tags of resources by their keys.
pub type Tags = std::collections::BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_names_fit_bucket_names() {
        for good in ["restctl", "a", "orders-2", &"a".repeat(24)] {
            assert!(good.parse::<StackName>().is_ok(), "{good}");
        }
        for bad in ["", "2nd", "Orders", "a_b", "a-", "-a", "a/b", "é", &"a".repeat(25)] {
            assert!(bad.parse::<StackName>().is_err(), "{bad}");
        }
        for reserved in ["sg-orders", "xn--orders", "sthree-a", "amzn-s3-demo-a"] {
            assert!(reserved.parse::<StackName>().unwrap_err().contains("AWS refuses"), "{reserved}");
        }
        assert!("sgorders".parse::<StackName>().is_ok());
        let longest: StackName = "a".repeat(StackName::MAX_LENGTH).parse().unwrap();
        assert!(longest.artifact_bucket("123456789012", "ap-southeast-1").len() <= 63);
    }

    #[test]
    fn settings_are_named_after_the_stack() {
        let stack: StackName = "orders".parse().unwrap();
        assert_eq!(stack.setting_parameter(Setting::Issuers), "/restctl/orders/issuers");
        assert_eq!(stack.certificate_secret(), "restctl/orders/certificate");
    }
}
