//! The services that the function calls over TLS, and the variables that name them.

use std::path::{Path, PathBuf};
use std::{fs, io};

use restctl_contract::issuer;
use restctl_contract::template::variable;
use restctl_testkit::bench::BoxError;
use restctl_testkit::dynamodb::{Dynamo, TableContent};
use restctl_testkit::identity_provider::IdentityProvider;
use restctl_testkit::tls::Authority;

const TABLE: &str = "items";

/// Where Linux distributions keep the root certificates. The last one is Amazon Linux 2023, which Lambda uses.
const SYSTEM_ROOTS: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// The identity provider and DynamoDB, which run until this is dropped.
pub(crate) struct Cloud {
    provider: IdentityProvider,
    dynamodb: Dynamo,
    /// The root certificate of the services.
    own_root: PathBuf,
    /// The system's root certificates and that one. Reading them all is part of a start.
    roots: PathBuf,
    pub(crate) system_roots: usize,
}

impl Cloud {
    pub(crate) async fn start() -> Result<Self, BoxError> {
        let authority = Authority::generate();
        let system = read_system_roots()?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let own_root = folder.join("bench-root.pem");
        let roots = folder.join("bench-roots.pem");
        fs::write(&own_root, authority.root_pem())?;
        fs::write(&roots, format!("{system}\n{}", authority.root_pem()))?;
        let dynamodb = Dynamo::start_with_tls(&authority).await;
        dynamodb.generate_table(TABLE, TableContent::EveryRow);
        Ok(Self {
            provider: IdentityProvider::start_with_tls(&authority).await,
            dynamodb,
            own_root,
            roots,
            system_roots: system.matches("BEGIN CERTIFICATE").count(),
        })
    }

    pub(crate) fn token(&self) -> String {
        self.provider.token()
    }

    /// Returns the variables that the template sets, the services' addresses, and the trusted root certificates:
    /// restctl and Python read `SSL_CERT_FILE`, boto3 reads `AWS_CA_BUNDLE`, and Node.js has its own roots.
    pub(crate) fn function_variables(&self) -> Vec<(&'static str, String)> {
        let roots = self.roots.display().to_string();
        vec![
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("SSL_CERT_FILE", roots.clone()),
            ("AWS_CA_BUNDLE", roots),
            ("NODE_EXTRA_CA_CERTS", self.own_root.display().to_string()),
            ("AWS_ENDPOINT_URL", self.dynamodb.url().to_owned()),
            ("AWS_DEFAULT_REGION", "eu-central-1".to_owned()),
            // Suppresses a warning on the terminal.
            ("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true".to_owned()),
            (variable::ITEMS_TABLE, TABLE.to_owned()),
            (variable::KEY_NAME, "id".to_owned()),
            (variable::KEY_TYPE, "S".to_owned()),
            (variable::ISSUERS, issuer::to_json(&[self.provider.trusted_issuer()])),
            (variable::OPENAPI, "token".to_owned()),
            (variable::STACK, "restctl".to_owned()),
        ]
    }
}

/// Reads the system's root certificates. Returns an empty string if there are none.
fn read_system_roots() -> io::Result<String> {
    SYSTEM_ROOTS.iter().find(|path| Path::new(path).is_file()).map_or(Ok(String::new()), fs::read_to_string)
}
