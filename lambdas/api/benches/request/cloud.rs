//! What the function talks to, over TLS: the identity provider and DynamoDB; and what it is told of them.

use std::path::{Path, PathBuf};
use std::{fs, io};

use restctl_contract::template::variable;
use restctl_testkit::bench::BoxError;
use restctl_testkit::identity_provider::{AUDIENCE, IdentityProvider, SCOPE};
use restctl_testkit::tls::Authority;

use crate::dynamodb::{Dynamodb, KEY, TABLE};

/// Where distributions keep the root certificates, Lambda's (Amazon Linux 2023) last.
const SYSTEM_ROOTS: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Serves until it is dropped.
pub(crate) struct Cloud {
    provider: IdentityProvider,
    dynamodb: Dynamodb,
    /// The one authority that the services have their certificates from.
    own_root: PathBuf,
    /// The system's roots and that one: reading them all is a part of a start.
    roots: PathBuf,
    pub(crate) system_roots: usize,
}

impl Cloud {
    pub(crate) async fn start() -> Result<Self, BoxError> {
        let authority = Authority::generate();
        let system = system_roots()?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let own_root = folder.join("bench-root.pem");
        let roots = folder.join("bench-roots.pem");
        fs::write(&own_root, authority.root_pem())?;
        fs::write(&roots, format!("{system}\n{}", authority.root_pem()))?;
        Ok(Self {
            provider: IdentityProvider::start_with_tls(&authority).await,
            dynamodb: Dynamodb::start(&authority).await,
            own_root,
            roots,
            system_roots: system.matches("BEGIN CERTIFICATE").count(),
        })
    }

    pub(crate) fn token(&self) -> String {
        self.provider.token()
    }

    /// What the template tells the function, where the services are and whom to trust: `SSL_CERT_FILE` is read by
    /// restctl and by Python, `AWS_CA_BUNDLE` by boto3, and Node.js has roots of its own.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let roots = self.roots.display().to_string();
        vec![
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("SSL_CERT_FILE", roots.clone()),
            ("AWS_CA_BUNDLE", roots),
            ("NODE_EXTRA_CA_CERTS", self.own_root.display().to_string()),
            ("AWS_ENDPOINT_URL", self.dynamodb.url.clone()),
            ("AWS_DEFAULT_REGION", "eu-central-1".to_owned()),
            // It would be one more line on the terminal.
            ("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true".to_owned()),
            (variable::ITEMS_TABLE, TABLE.to_owned()),
            (variable::KEY_NAME, KEY.to_owned()),
            (variable::KEY_TYPE, "S".to_owned()),
            (variable::ISSUER, self.provider.issuer()),
            (variable::AUDIENCE, AUDIENCE.to_owned()),
            (variable::JWKS_URI, self.provider.jwks_uri()),
            (variable::SCOPE, SCOPE.to_owned()),
            (variable::PROVIDER, "auth0".to_owned()),
            (variable::OPENAPI, "token".to_owned()),
            (variable::STACK, "restctl".to_owned()),
        ]
    }
}

/// Empty where the system has none.
fn system_roots() -> io::Result<String> {
    SYSTEM_ROOTS.iter().find(|path| Path::new(path).is_file()).map_or(Ok(String::new()), fs::read_to_string)
}
