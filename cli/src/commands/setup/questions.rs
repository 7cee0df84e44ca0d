//! The questions that `setup` asks at a terminal if neither flags nor an earlier setup answer them.

use std::path::Path;
use std::time::SystemTime;

use crate::certificate::CertificateBundle;
use crate::failure::Result;
use crate::terminal::text::Text;
use crate::terminal::{output, prompt};

/// Asks for the first certificate.
pub(super) fn ask_for_certificate(now: SystemTime) -> Result<CertificateBundle> {
    const FLAGS: &str = "--self-signed NAME, or --cert FILE --key FILE";
    let answers = ["generate a self-signed one, for a trial", "import an existing one from PEM files"];
    if output::is_interactive() && prompt::ask_choice("Certificate", &answers)? == 1 {
        let cert = prompt::ask_text("Certificate file", FLAGS)?;
        let key = prompt::ask_text("Private key file, not encrypted", FLAGS)?;
        let chain = prompt::ask_optional_text("Chain file (leave empty if there is none)", FLAGS)?;
        let chain = Some(Path::new(&chain)).filter(|_| !chain.is_empty());
        return CertificateBundle::read(Path::new(&cert), Path::new(&key), chain, now);
    }
    CertificateBundle::generate_self_signed(
        &prompt::ask_text("DNS name of the API, for example api.example.com", FLAGS)?,
        &[],
        now,
    )
}

/// Asks whether the stack gets its own identity provider. Returns false without a terminal.
pub(super) fn ask_for_stack_provider() -> Result<bool> {
    if !output::is_interactive() {
        return Ok(false);
    }
    let answers = [
        "an identity provider: Entra ID, Okta, Keycloak, Auth0, Cognito or another",
        "nobody yet: create a Cognito user pool in the stack",
    ];
    if prompt::ask_choice("Who issues the tokens?", &answers)? == 1 {
        return Ok(true);
    }
    output::print_message(Text::from_lines([
        "The issuer is spelled exactly as in its tokens:",
        "  Entra ID  https://login.microsoftonline.com/TENANT/v2.0",
        "  Okta      https://DOMAIN.okta.com/oauth2/default",
        "  Keycloak  https://HOST/realms/REALM",
        "  Auth0     https://TENANT.REGION.auth0.com/ including the slash",
        "  Cognito   https://cognito-idp.REGION.amazonaws.com/POOL",
        "The audience is the API's identifier there, and the client an application for machines that may read items.",
    ]));
    Ok(false)
}
