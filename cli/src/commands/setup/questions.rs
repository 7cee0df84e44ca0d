//! What a newcomer is asked at a terminal, where neither flags nor an earlier setup answer it.

use std::path::Path;
use std::time::SystemTime;

use crate::certificate::Identity;
use crate::failure::Result;
use crate::terminal::{output, prompt};

/// The certificate to begin with.
pub(super) fn certificate(now: SystemTime) -> Result<Identity> {
    const FLAGS: &str = "--self-signed NAME, or --cert FILE --key FILE";
    let answers = ["make one now, self-signed: good for a trial", "import one that I have, from PEM files"];
    if output::is_interactive() && prompt::ask_choice("Certificate", &answers)? == 1 {
        let cert = prompt::ask_text("Certificate file", FLAGS)?;
        let key = prompt::ask_text("File of its private key, not encrypted", FLAGS)?;
        let chain = prompt::ask_optional_text(
            "File of the chain that issued it (nothing, where there is none)",
            FLAGS,
        )?;
        let chain = Some(Path::new(&chain)).filter(|_| !chain.is_empty());
        return Identity::read(Path::new(&cert), Path::new(&key), chain, now);
    }
    Identity::self_signed(&prompt::ask_text("DNS name of the API, such as api.example.com", FLAGS)?, now)
}

/// Whether the deployment is to make the identity provider.
pub(super) fn wants_the_stacks_provider() -> Result<bool> {
    if !output::is_interactive() {
        return Ok(false);
    }
    let answers =
        ["Auth0, or another issuer of OpenID Connect", "nobody yet: have the stack make a Cognito user pool"];
    if prompt::ask_choice("Who issues the tokens?", &answers)? == 1 {
        return Ok(true);
    }
    output::print_message(
        "Auth0: the issuer is https://TENANT.REGION.auth0.com/ with its slash, the audience is the API's identifier, and the\n\
         client is a machine-to-machine application that is granted the permission read:items",
    );
    Ok(false)
}
